//! `hongyan audit-log …`: what administrators did.

use clap::Subcommand;

use super::client::{Server, query};
use super::table::table;
use super::{Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum AuditLog {
    /// List administrative acts, the latest first
    #[command(
        after_help = "Example:\n  hongyan audit-log list --text chatbots --since 2026-11-01T00:00:00Z --failed"
    )]
    List {
        /// By this key; root for the token of the data directory
        #[arg(long)]
        key: Option<String>,
        /// By or about this tenant
        #[arg(long)]
        tenant: Option<String>,
        /// With this in the call or its path
        #[arg(long)]
        text: Option<String>,
        /// From then on
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Before then
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// Only those that were refused, failed, or never ended
        #[arg(long)]
        failed: bool,
        /// Before this act (`next` of an answer)
        #[arg(long, value_name = "ID")]
        before: Option<String>,
        /// As many at the most
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
}

impl AuditLog {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        let Self::List { key, tenant, text, since, until, failed, before, limit, json, server } = self;
        let pairs = [
            ("key", key),
            ("tenant", tenant),
            ("text", text),
            ("since", since),
            ("until", until),
            ("failed", failed.then(|| "true".to_owned())),
            ("before", before),
            ("limit", Some(limit.to_string())),
        ];
        let answer = server.get(&format!("/audit-log{}", query(&pairs)))?;
        let columns = [
            ("AT", "at"),
            ("KEY", "key"),
            ("ROLE", "role"),
            ("TENANT", "tenant"),
            ("CALL", "call"),
            ("TARGET", "target"),
            ("FROM", "from"),
            ("STATUS", "status"),
        ];
        match json {
            true => print_json(&answer),
            false => print(table(&columns, &answer["acts"])),
        }
        Ok(())
    }
}
