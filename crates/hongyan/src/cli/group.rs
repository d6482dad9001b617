//! `hongyan group …`: groups and who is in them.

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
