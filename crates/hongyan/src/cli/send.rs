//! `hongyan send`: a text from a chatbot, as its API would send it.

use serde_json::json;

use super::client::Server;
use super::table::card;
use super::{Outcome, print, print_json};

/// The command.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  hongyan send --from 12306 --to +8613800000001 '列车 G1 正点'")]
pub struct Send {
    /// Chatbot: name or sip: URI
    #[arg(long, value_name = "CHATBOT")]
    from: String,
    /// Subscriber
    #[arg(long, value_name = "NUMBER")]
    to: String,
    /// What to say
    text: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Send {
    /// Sends; prints the message id, which `hongyan trace` takes.
    pub fn run(self) -> Outcome {
        let body = json!({ "from": self.from, "to": self.to, "text": self.text });
        let answer = self.server.post("/messages", &body)?;
        match self.json {
            true => print_json(&answer),
            false => print(card(&answer)),
        }
        Ok(())
    }
}
