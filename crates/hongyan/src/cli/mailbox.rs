//! `hongyan mailbox show`: what was accepted for somebody and waits.

use clap::Subcommand;

use super::client::{Server, segment};
use super::table::table;
use super::{Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum Mailbox {
    /// Show what waits for a subscriber or a chatbot, without contents
    #[command(
        after_help = "Example:\n  hongyan mailbox show +8613800000002\n  hongyan mailbox show 12306 --json"
    )]
    Show {
        /// Phone number, chatbot name or sip: URI
        address: String,
        /// Entries at most, oldest first
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
}

impl Mailbox {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        let Self::Show { address, limit, json, server } = self;
        let answer = server.get(&format!("/mailboxes/{}?limit={limit}", segment(&address)))?;
        if json {
            print_json(&answer);
            return Ok(());
        }
        print(format_args!("{} waiting, {} bytes", answer["count"], answer["bodyBytes"]));
        let columns = [
            ("ACCEPTED", "acceptedAt"),
            ("KIND", "kind"),
            ("FROM", "from"),
            ("MESSAGE-ID", "messageId"),
            ("TYPE", "contentType"),
            ("ATTEMPTS", "attempts"),
            ("NEXT", "nextDue"),
        ];
        print(table(&columns, &answer["entries"]));
        Ok(())
    }
}
