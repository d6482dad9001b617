//! `hongyan media …`: what chatbots have uploaded for their messages.

use clap::Subcommand;
use serde_json::json;

use super::client::Server;
use super::stored::{Listing, Remove, Show};
use super::table::card;
use super::{Outcome, print};

/// The commands.
#[derive(Subcommand)]
pub enum Media {
    /// List media, all or one chatbot's
    #[command(after_help = "Example:\n  hongyan media list --chatbot weather")]
    List {
        /// Name or address of a chatbot; everybody's media when left out
        #[arg(long, value_name = "NAME")]
        chatbot: Option<String>,
        #[command(flatten)]
        list: Listing,
    },
    /// Bring what lies at a URL into the library of a chatbot
    #[command(
        after_help = "Example:\n  hongyan media add --chatbot weather https://weather.example/sunny.jpg"
    )]
    Add {
        /// Name or address of the chatbot
        #[arg(long, value_name = "NAME")]
        chatbot: String,
        /// Where it lies
        url: String,
        /// Where its small picture lies; pictures get one by themselves
        #[arg(long, value_name = "URL")]
        thumbnail: Option<String>,
        /// When it goes, as 2027-01-31T12:00:00Z; when left out, not by itself
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// Show one of them, with the link by which handsets fetch it
    #[command(after_help = "Example:\n  hongyan media show 0f3a6c1e5b7d4f1aa0b1c2d3e4f50617")]
    Show(Show),
    /// Remove one before its time
    #[command(after_help = "Example:\n  hongyan media remove 0f3a6c1e5b7d4f1aa0b1c2d3e4f50617")]
    Remove(Remove),
}

const COLUMNS: [(&str, &str); 7] = [
    ("ID", "id"),
    ("CHATBOT", "chatbot"),
    ("NAME", "name"),
    ("TYPE", "contentType"),
    ("BYTES", "bytes"),
    ("REVIEW", "review"),
    ("EXPIRES", "expiresAt"),
];

impl Media {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::List { chatbot, list } => {
                list.run("media", chatbot.map(|chatbot| ("chatbot", chatbot)), &COLUMNS)
            }
            Self::Add { chatbot, url, thumbnail, until, server } => {
                let mut new = json!({ "chatbot": chatbot, "url": url });
                for (member, value) in [("thumbnailUrl", thumbnail), ("until", until)] {
                    if let Some(value) = value {
                        new[member] = value.into();
                    }
                }
                print(card(&server.post("/media", &new)?));
                Ok(())
            }
            Self::Show(show) => show.run("media"),
            Self::Remove(remove) => remove.run("media"),
        }
    }
}
