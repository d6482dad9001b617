//! `hongyan review …`: what chatbots want to show, and whether they may.

use clap::Subcommand;
use serde_json::json;

use super::client::{Server, segment};
use super::table::table;
use super::{Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum Review {
    /// List what waits for a decision
    #[command(after_help = "Example:\n  hongyan review list")]
    List {
        /// Name or address of a chatbot; all when left out
        #[arg(long, value_name = "NAME")]
        chatbot: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Let a chatbot show it, or go live
    #[command(after_help = "Example:\n  hongyan review approve weather launch")]
    Approve {
        /// Name or address of the chatbot
        chatbot: String,
        /// What: data, menu, launch, or media-ID, as `list` shows it
        topic: String,
        #[command(flatten)]
        server: Server,
    },
    /// Send it back, with what is wrong
    #[command(
        after_help = "Example:\n  hongyan review reject weather menu --reason 'the link leads nowhere'"
    )]
    Reject {
        /// Name or address of the chatbot
        chatbot: String,
        /// What: data, menu, launch, or media-ID, as `list` shows it
        topic: String,
        /// What is wrong; the chatbot's program is told
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        server: Server,
    },
}

impl Review {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::List { chatbot, json, server } => {
                let of = chatbot.map(|chatbot| format!("?chatbot={}", segment(&chatbot))).unwrap_or_default();
                let reviews = server.get(&format!("/reviews{of}"))?;
                if json {
                    print_json(&reviews);
                } else {
                    let columns =
                        [("CHATBOT", "chatbotId"), ("TOPIC", "topic"), ("SINCE", "at"), ("CHANGE", "change")];
                    print(table(&columns, &reviews));
                }
                Ok(())
            }
            Self::Approve { chatbot, topic, server } => {
                server.post(&path(&chatbot, &topic, "approve"), &json!({}))?;
                print(format_args!("{topic} of {chatbot} is approved"));
                Ok(())
            }
            Self::Reject { chatbot, topic, reason, server } => {
                server.post(&path(&chatbot, &topic, "reject"), &json!({ "reason": reason }))?;
                print(format_args!("{topic} of {chatbot} is rejected"));
                Ok(())
            }
        }
    }
}

fn path(chatbot: &str, topic: &str, verb: &str) -> String {
    format!("/chatbots/{}/reviews/{}/{verb}", segment(chatbot), segment(topic))
}
