//! What `hongyan file` and `hongyan media` have in common: things with an id, of which somebody may keep so many.

use clap::Args;

use super::client::{Server, segment};
use super::table::{card, table};
use super::{Outcome, print, print_json};

/// How to list them.
#[derive(Args)]
pub struct Listing {
    /// So many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// One of them, to be shown.
#[derive(Args)]
pub struct Show {
    /// Its id
    id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// One of them, to be removed.
#[derive(Args)]
pub struct Remove {
    /// Its id
    id: String,
    #[command(flatten)]
    server: Server,
}

impl Listing {
    /// Lists `kind`, which names the call and the member of its answer: all, or `of` whom, as a query has it.
    pub fn run(self, kind: &str, of: Option<(&str, String)>, columns: &[(&str, &str)]) -> Outcome {
        let of = of.map(|(whose, value)| format!("&{whose}={}", segment(&value))).unwrap_or_default();
        let answer = self.server.get(&format!("/{kind}?limit={}{of}", self.limit))?;
        if self.json {
            print_json(&answer[kind]);
            return Ok(());
        }
        let usage = &answer["usage"];
        if usage.is_object() {
            let [files, bytes, quota_files, quota_bytes] =
                ["files", "bytes", "quotaFiles", "quotaBytes"].map(|member| &usage[member]);
            print(format_args!("{files} of {quota_files} {kind}, {bytes} of {quota_bytes} bytes"));
        }
        print(table(columns, &answer[kind]));
        Ok(())
    }
}

impl Show {
    /// Shows one of `kind`.
    pub fn run(self, kind: &str) -> Outcome {
        let one = self.server.get(&format!("/{kind}/{}", segment(&self.id)))?;
        match self.json {
            true => print_json(&one),
            false => print(card(&one)),
        }
        Ok(())
    }
}

impl Remove {
    /// Removes one of `kind`.
    pub fn run(self, kind: &str) -> Outcome {
        self.server.delete(&format!("/{kind}/{}", segment(&self.id)))?;
        print(format_args!("{} is removed", self.id));
        Ok(())
    }
}
