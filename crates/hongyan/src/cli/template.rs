//! `hongyan template …`: what chatbots say with places left open.

use std::path::PathBuf;

use clap::Subcommand;

use super::client::{Server, query, read_json, segment};
use super::table::table;
use super::{Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum Template {
    /// Add or replace a template; what is wrong with it is told by JSON path
    #[command(
        after_help = "Example:\n  hongyan template put weather storm storm.json\n\nwith storm.json:\n  \
        {\"variables\": [{\"name\": \"city\", \"type\": \"text\", \"maxChars\": 20}],\n   \
        \"content\": {\"text\": \"{{city}}: storm warning\"}}\n\n\
        Types: text, number, money, date, url, phone, choice. The content has text, message (a card or carousel) or file, and may have suggestions."
    )]
    Put {
        /// Name or sip: URI of the chatbot
        chatbot: String,
        /// Name of the template
        name: String,
        /// JSON file
        file: PathBuf,
        #[command(flatten)]
        server: Server,
    },
    /// List templates
    #[command(after_help = "Example:\n  hongyan template list --chatbot weather")]
    List {
        /// Only this chatbot's
        #[arg(long, value_name = "CHATBOT")]
        chatbot: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show a template
    #[command(after_help = "Example:\n  hongyan template show weather storm")]
    Show {
        /// Name or sip: URI of the chatbot
        chatbot: String,
        /// Name of the template
        name: String,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a template; campaigns that were made from it go on
    #[command(after_help = "Example:\n  hongyan template remove weather storm")]
    Remove {
        /// Name or sip: URI of the chatbot
        chatbot: String,
        /// Name of the template
        name: String,
        #[command(flatten)]
        server: Server,
    },
}

impl Template {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::Put { chatbot, name, file, server } => {
                server.put_json(&path(&chatbot, &name), &read_json(&file)?)?;
                print(format_args!("template {name} of {chatbot} is there"));
            }
            Self::List { chatbot, json, server } => {
                let answer = server.get(&format!("/templates{}", query(&[("chatbot", chatbot)])))?;
                let columns = [
                    ("CHATBOT", "chatbotId"),
                    ("NAME", "name"),
                    ("VARIABLES", "variables"),
                    ("CHANGED", "changedAt"),
                ];
                match json {
                    true => print_json(&answer),
                    false => print(table(&columns, &answer)),
                }
            }
            Self::Show { chatbot, name, server } => print_json(&server.get(&path(&chatbot, &name))?),
            Self::Remove { chatbot, name, server } => {
                server.delete(&path(&chatbot, &name))?;
                print(format_args!("template {name} of {chatbot} is removed"));
            }
        }
        Ok(())
    }
}

fn path(chatbot: &str, name: &str) -> String {
    format!("/chatbots/{}/templates/{}", segment(chatbot), segment(name))
}
