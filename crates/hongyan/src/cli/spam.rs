//! `hongyan spam`: what subscribers report as spam.

use super::client::Server;
use super::table::table;
use super::{Outcome, print, print_json};

/// List what subscribers report as spam, the latest first
#[derive(clap::Args)]
#[command(after_help = "Example:\n  hongyan spam --limit 20")]
pub struct Spam {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Spam {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        let answer = self.server.get(&format!("/spam-reports?limit={}", self.limit))?;
        let columns =
            [("AT", "at"), ("FROM", "from"), ("ABOUT", "about"), ("KIND", "kind"), ("TEXT", "text")];
        match self.json {
            true => print_json(&answer),
            false => print(table(&columns, &answer)),
        }
        Ok(())
    }
}
