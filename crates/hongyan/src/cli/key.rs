//! `hongyan key …`: who may use the administration API.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{Server, segment};
use super::table::{card, table};
use super::{Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum Key {
    /// Create a key; it is shown this once
    #[command(
        after_help = "Example:\n  hongyan key create 'build server' --role developer --tenant acme --expires-days 90 --json\n\n\
        Whoever has the key gives it to commands as a file: --server URL --token-file FILE"
    )]
    Create {
        /// What it is for
        name: String,
        /// What it opens
        #[arg(long, value_enum)]
        role: Role,
        /// Whose it is; the operator's own people have none
        #[arg(long)]
        tenant: Option<String>,
        /// After so many days it opens nothing
        #[arg(long, value_name = "DAYS")]
        expires_days: Option<u64>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// List keys, without their secrets
    #[command(after_help = "Example:\n  hongyan key list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Give a key another secret; the old one stays good for a while
    #[command(after_help = "Example:\n  hongyan key rotate 4f1c… --overlap-hours 24")]
    Rotate {
        /// Id of the key
        id: String,
        /// How long both are good
        #[arg(long, value_name = "HOURS", default_value_t = 24)]
        overlap_hours: u64,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Take a key back
    #[command(after_help = "Example:\n  hongyan key revoke 4f1c…")]
    Revoke {
        /// Id of the key
        id: String,
        #[command(flatten)]
        server: Server,
    },
}

/// What a key opens.
#[derive(Clone, Copy, ValueEnum)]
pub enum Role {
    /// Everything
    Operator,
    /// What is a tenant's, and its keys
    TenantAdmin,
    /// What is a tenant's, but not its keys
    Developer,
    /// To look, and nothing else
    Auditor,
}

impl Role {
    fn word(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::TenantAdmin => "tenant-admin",
            Self::Developer => "developer",
            Self::Auditor => "auditor",
        }
    }
}

impl Key {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::Create { name, role, tenant, expires_days, json, server } => {
                let mut body = json!({ "name": name, "role": role.word() });
                if let Some(tenant) = tenant {
                    body["tenant"] = json!(tenant);
                }
                if let Some(days) = expires_days {
                    body["expiresInSeconds"] = json!(days.saturating_mul(86_400));
                }
                show(&server.post("/keys", &body)?, json);
            }
            Self::List { json, server } => {
                let answer = server.get("/keys")?;
                let columns = [
                    ("ID", "id"),
                    ("NAME", "name"),
                    ("ROLE", "role"),
                    ("TENANT", "tenant"),
                    ("STATE", "state"),
                    ("EXPIRES", "expiresAt"),
                    ("OLD GOOD UNTIL", "oldGoodUntil"),
                ];
                match json {
                    true => print_json(&answer),
                    false => print(table(&columns, &answer)),
                }
            }
            Self::Rotate { id, overlap_hours, json, server } => {
                let body = json!({ "overlapSeconds": overlap_hours.saturating_mul(3_600) });
                show(&server.post(&format!("/keys/{}/rotate", segment(&id)), &body)?, json);
            }
            Self::Revoke { id, server } => {
                server.delete(&format!("/keys/{}", segment(&id)))?;
                print(format_args!("key {id} opens nothing any more"));
            }
        }
        Ok(())
    }
}

fn show(answer: &Value, json: bool) {
    match json {
        true => print_json(answer),
        false => print(card(answer)),
    }
}
