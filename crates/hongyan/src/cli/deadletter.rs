//! `hongyan deadletter …`: what was given up on on its way to chatbots.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Server, segment};
use super::table::{card, table};
use super::{CommandError, Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum DeadLetter {
    /// List dead letters, without contents
    #[command(
        after_help = "Example:\n  hongyan deadletter list --chatbot 12306\n  hongyan deadletter list --all --json"
    )]
    List {
        #[command(flatten)]
        of: Of,
        /// Letters at most, the oldest of each chatbot first
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        /// Go on after this id; with --all, after CHATBOT/ID, as listed
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show one
    #[command(after_help = "Example:\n  hongyan deadletter show 019ab3…  --chatbot 12306")]
    Show {
        /// The id, from the list
        id: String,
        /// Name or sip: URI of the chatbot
        #[arg(long, value_name = "NAME")]
        chatbot: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Put dead letters back into the mailbox of their chatbot, where they were
    #[command(
        after_help = "Example:\n  hongyan deadletter replay --chatbot 12306 --all\n  hongyan deadletter replay --chatbot 12306 019ab3…"
    )]
    Replay {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        server: Server,
    },
    /// Remove dead letters for good
    #[command(after_help = "Example:\n  hongyan deadletter remove --chatbot 12306 019ab3…")]
    Remove {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        server: Server,
    },
}

/// Whose.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Of {
    /// Name or sip: URI of a chatbot
    #[arg(long, value_name = "NAME")]
    chatbot: Option<String>,
    /// Of all chatbots
    #[arg(long)]
    all: bool,
}

/// Which of a chatbot's.
#[derive(Args)]
pub struct Which {
    /// Name or sip: URI of the chatbot
    #[arg(long, value_name = "NAME")]
    chatbot: String,
    /// All of them
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Ids, from the list
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
}

impl DeadLetter {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::List { of, limit, after, json, server } => {
                let after = after.map(|id| format!("&after={}", segment(&id))).unwrap_or_default();
                let path = match of.chatbot {
                    Some(name) => format!("/chatbots/{}/dead-letters?limit={limit}{after}", segment(&name)),
                    None => format!("/dead-letters?limit={limit}{after}"),
                };
                let answer = server.get(&path)?;
                let columns = [
                    ("ID", "id"),
                    ("CHATBOT", "chatbotId"),
                    ("KIND", "kind"),
                    ("FROM", "from"),
                    ("GIVEN UP", "givenUpAt"),
                    ("TRIES", "attempts"),
                    ("WHY", "why"),
                    ("LAST ANSWER", "lastAnswer"),
                ];
                match json {
                    true => print_json(&answer),
                    false => print(table(&columns, &answer)),
                }
            }
            Self::Show { id, chatbot, json, server } => {
                let answer = server.get(&path(&chatbot, &id))?;
                match json {
                    true => print_json(&answer),
                    false => print(card(&answer)),
                }
            }
            Self::Replay { which, server } => {
                let body = if which.all { json!({}) } else { json!({ "ids": which.ids }) };
                let answer = server
                    .post(&format!("/chatbots/{}/dead-letters/replay", segment(&which.chatbot)), &body)?;
                print(format_args!("{} put back", answer["replayed"]));
                let asked = which.ids.len() as u64;
                if answer["replayed"].as_u64().is_some_and(|replayed| replayed < asked) {
                    return Err(CommandError(
                        "the others are no dead letters, or the mailbox is full".to_owned(),
                    ));
                }
            }
            Self::Remove { which, server } if which.all => {
                let answer = server.delete(&format!("/chatbots/{}/dead-letters", segment(&which.chatbot)))?;
                print(format_args!("{} removed", count(&answer)));
            }
            Self::Remove { which, server } => {
                for id in &which.ids {
                    server.delete(&path(&which.chatbot, id))?;
                    print(format_args!("{id} is removed"));
                }
            }
        }
        Ok(())
    }
}

fn path(chatbot: &str, id: &str) -> String {
    format!("/chatbots/{}/dead-letters/{}", segment(chatbot), segment(id))
}

fn count(answer: &Value) -> &Value {
    &answer["removed"]
}
