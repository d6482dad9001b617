//! `hongyan subscriber …`: who may register.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;

use super::client::{Server, segment};
use super::table::{card, table};
use super::{CommandError, Outcome, print, print_json};
use crate::secret_file;

/// The commands.
#[derive(Subcommand)]
pub enum Subscriber {
    /// Add a subscriber; without a password one is made and shown once
    #[command(after_help = "Example:\n  hongyan subscriber add +8613800000005 --display-name 小雁")]
    Add {
        /// Phone number, best in international form (+8613800000005)
        number: String,
        /// Password of the handset; visible to other users of this machine while the command runs
        #[arg(long, value_name = "P", conflicts_with = "password_file")]
        password: Option<String>,
        /// Read the password from the first line of a file; - is standard input
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// Name shown to correspondents
        #[arg(long, value_name = "NAME")]
        display_name: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// List subscribers
    #[command(after_help = "Example:\n  hongyan subscriber list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show a subscriber with its devices
    #[command(after_help = "Example:\n  hongyan subscriber show +8613800000001")]
    Show {
        /// Phone number
        number: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a subscriber with its devices and its mail; senders who asked hear that it was not delivered
    #[command(after_help = "Example:\n  hongyan subscriber remove +8613800000005")]
    Remove {
        /// Phone number
        number: String,
        #[command(flatten)]
        server: Server,
    },
}

impl Subscriber {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::Add { number, password, password_file, display_name, json, server } => {
                let given = match (password, password_file) {
                    (Some(password), _) => Some(password),
                    (None, Some(file)) => Some(read_password(&file)?),
                    (None, None) => None,
                };
                let made = given.is_none();
                let password = given.unwrap_or_else(secret_file::random);
                let body = json!({ "number": number, "password": password, "displayName": display_name });
                let mut answer = server.post("/subscribers", &body)?;
                if made {
                    answer["password"] = json!(password);
                }
                match json {
                    true => print_json(&answer),
                    false => print(card(&answer)),
                }
            }
            Self::List { json, server } => {
                let answer = server.get("/subscribers")?;
                let columns = [
                    ("NUMBER", "number"),
                    ("NAME", "displayName"),
                    ("DEVICES", "devices"),
                    ("SINCE", "createdAt"),
                ];
                match json {
                    true => print_json(&answer),
                    false => print(table(&columns, &answer)),
                }
            }
            Self::Show { number, json, server } => {
                let mut answer = server.get(&format!("/subscribers/{}", segment(&number)))?;
                if json {
                    print_json(&answer);
                    return Ok(());
                }
                let devices =
                    answer.as_object_mut().and_then(|answer| answer.remove("devices")).unwrap_or_default();
                print(card(&answer));
                let columns = [
                    ("DEVICE", "device"),
                    ("TRANSPORT", "transport"),
                    ("CONTACT", "contact"),
                    ("UNTIL", "expiresAt"),
                ];
                print(format_args!("\n{}", table(&columns, &devices)));
            }
            Self::Remove { number, server } => {
                server.delete(&format!("/subscribers/{}", segment(&number)))?;
                print(format_args!("{number} is removed"));
            }
        }
        Ok(())
    }
}

/// The first line of `file`, or of standard input for `-`; at most a kilobyte is looked at.
fn read_password(file: &std::path::Path) -> Result<String, CommandError> {
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().take(1024).read_to_string(&mut text),
        false => std::fs::File::open(file).and_then(|file| file.take(1024).read_to_string(&mut text)),
    };
    read.map_err(|error| CommandError(format!("cannot read a password from {}: {error}", file.display())))?;
    match text.lines().next() {
        Some(password) if !password.is_empty() => Ok(password.to_owned()),
        _ => Err(CommandError(format!(
            "the first line of {} is empty; write the password there",
            file.display()
        ))),
    }
}
