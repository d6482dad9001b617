//! `hongyan media …`: what chatbots have uploaded for their messages.

use clap::Subcommand;
use serde_json::json;

use super::client::{Server, segment};
use super::table::{card, table};
use super::{Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum Media {
    /// List media, all or one chatbot's
    #[command(after_help = "Example:\n  hongyan media list --chatbot weather")]
    List {
        /// Name or address of a chatbot; everybody's media when left out
        #[arg(long, value_name = "NAME")]
        chatbot: Option<String>,
        /// Media at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
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
    Show {
        /// Its id
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Remove one before its time
    #[command(after_help = "Example:\n  hongyan media remove 0f3a6c1e5b7d4f1aa0b1c2d3e4f50617")]
    Remove {
        /// Its id
        id: String,
        #[command(flatten)]
        server: Server,
    },
}

impl Media {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::List { chatbot, limit, json, server } => list(chatbot.as_deref(), limit, json, &server),
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
            Self::Show { id, json, server } => {
                let media = server.get(&format!("/media/{}", segment(&id)))?;
                if json {
                    print_json(&media)
                } else {
                    print(card(&media))
                }
                Ok(())
            }
            Self::Remove { id, server } => {
                server.delete(&format!("/media/{}", segment(&id)))?;
                print(format_args!("{id} is removed"));
                Ok(())
            }
        }
    }
}

fn list(chatbot: Option<&str>, limit: u32, json: bool, server: &Server) -> Outcome {
    let chatbot = chatbot.map(|chatbot| format!("&chatbot={}", segment(chatbot))).unwrap_or_default();
    let answer = server.get(&format!("/media?limit={limit}{chatbot}"))?;
    if json {
        print_json(&answer["media"]);
        return Ok(());
    }
    let usage = &answer["usage"];
    if usage.is_object() {
        let [files, bytes, quota_files, quota_bytes] =
            ["files", "bytes", "quotaFiles", "quotaBytes"].map(|member| &usage[member]);
        print(format_args!("{files} of {quota_files} media, {bytes} of {quota_bytes} bytes"));
    }
    let columns = [
        ("ID", "id"),
        ("CHATBOT", "chatbot"),
        ("NAME", "name"),
        ("TYPE", "contentType"),
        ("BYTES", "bytes"),
        ("REVIEW", "review"),
        ("EXPIRES", "expiresAt"),
    ];
    print(table(&columns, &answer["media"]));
    Ok(())
}
