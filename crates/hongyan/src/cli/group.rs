//! `hongyan group …`: groups and who is in them.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Server, segment};
use super::table::{card, table};
use super::{Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum Group {
    /// List groups
    #[command(after_help = "Example:\n  hongyan group list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Give a group an icon, or take it away
    #[command(after_help = "Example:\n  hongyan group icon 22b76b606f485432b1a2 logo.png")]
    Icon {
        /// Its id, or its sip: URI
        group: String,
        /// A picture: JPEG, PNG, GIF or WebP. It is made small
        #[arg(required_unless_present = "remove")]
        file: Option<PathBuf>,
        /// Take the icon away
        #[arg(long, conflicts_with = "file")]
        remove: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show a group with its members and their devices
    #[command(after_help = "Example:\n  hongyan group show 22b76b606f485432b1a2")]
    Show {
        /// Its id, or its sip: URI
        group: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
}

impl Group {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::List { json, server } => {
                let answer = server.get("/groups")?;
                let columns = [
                    ("GROUP", "group"),
                    ("SUBJECT", "subject"),
                    ("MEMBERS", "members"),
                    ("BY", "createdBy"),
                    ("SINCE", "createdAt"),
                ];
                match json {
                    true => print_json(&answer),
                    false => print(table(&columns, &answer)),
                }
            }
            Self::Icon { group, file, remove: _, server } => {
                let path = format!("/groups/{}/icon", segment(&group));
                let answer = match &file {
                    Some(file) => server.put_bytes(&path, std::fs::read(file)?)?,
                    None => server.delete(&path)?,
                };
                print(card(&answer));
            }
            Self::Show { group, json, server } => {
                let mut answer = server.get(&format!("/groups/{}", segment(&group)))?;
                if json {
                    print_json(&answer);
                    return Ok(());
                }
                let members =
                    answer.as_object_mut().and_then(|answer| answer.remove("members")).unwrap_or_default();
                print(card(&answer));
                let columns = [
                    ("MEMBER", "member"),
                    ("ROLE", "role"),
                    ("STATE", "state"),
                    ("SINCE", "since"),
                    ("DEVICES", "devices"),
                ];
                print(format_args!("\n{}", table(&columns, &counted(members))));
            }
        }
        Ok(())
    }
}

/// Members with the number of their devices in the place of the list.
fn counted(mut members: Value) -> Value {
    for member in members.as_array_mut().into_iter().flatten() {
        member["devices"] = json!(member["devices"].as_array().map_or(0, Vec::len));
    }
    members
}
