//! `hongyan trace`: where a message was and is.

use super::client::{Server, segment};
use super::table::table;
use super::{CommandError, Outcome, print, print_json};

/// The command.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  hongyan trace 3f6c2a1e-7a55-4c0c-9f5b-0d6a2f1b7c11")]
pub struct Trace {
    /// The sender's message id (imdn.Message-ID, the chatbot API's messageId, or a Call-ID)
    message_id: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

impl Trace {
    /// Prints each addressee's story.
    pub fn run(self) -> Outcome {
        let answer = self.server.get(&format!("/trace/{}", segment(&self.message_id)))?;
        let stories = answer.as_array().map_or(&[][..], Vec::as_slice);
        if self.json {
            print_json(&answer);
        }
        if stories.is_empty() {
            return Err(CommandError(format!(
                "nothing is known of message {}: it was never accepted here, or was long ago",
                self.message_id
            )));
        }
        for story in stories.iter().filter(|_| !self.json) {
            let text = |member: &str| story[member].as_str().unwrap_or("-").to_owned();
            print(format_args!(
                "{} → {}  {}, {} bytes: {}",
                text("from"),
                text("to"),
                text("contentType"),
                story["bodyBytes"],
                text("outcome")
            ));
            print(format_args!("{}\n", table(&[("AT", "at"), ("WHAT", "what")], &story["steps"])));
        }
        Ok(())
    }
}
