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
        /// Password of the handset; visible to other users of this machine while the command runs. A subscriber that has one already
        /// gets this instead, and devices that registered with the old one are let go until they prove the new one
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
    /// Show the one-time password that a handset waits for while it is configured over HTTP
    #[command(after_help = "Example:\n  hongyan subscriber otp +8613800000005")]
    Otp {
        /// Phone number
        number: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// List the devices that were configured over HTTP
    #[command(after_help = "Example:\n  hongyan subscriber devices +8613800000005")]
    Devices {
        /// Phone number
        number: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Take back the secrets of a configured device: it is let go, and logs in no more
    #[command(after_help = "Example:\n  hongyan subscriber revoke +8613800000005 3f9c12ab04de\n  \
                            hongyan subscriber revoke +8613800000005 --all")]
    Revoke {
        /// Phone number
        number: String,
        /// The device's id, as `hongyan subscriber devices` shows it
        #[arg(required_unless_present = "all")]
        device: Option<String>,
        /// Every configured device
        #[arg(long, conflicts_with = "device")]
        all: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Decide what handsets are told that ask for their configuration
    #[command(after_help = "Example:\n  hongyan subscriber configure +8613800000005 disabled")]
    Configure {
        /// Phone number
        number: String,
        /// What they are told
        state: State,
        #[command(flatten)]
        server: Server,
    },
    /// Show whom a subscriber has blocked, block somebody, or lift that again
    #[command(after_help = "Examples:\n  hongyan subscriber blocked +8613800000005\n  \
                            hongyan subscriber blocked +8613800000005 --add +8613800000001\n  \
                            hongyan subscriber blocked +8613800000005 --remove sip:12306@botplatform.hongyan.local")]
    Blocked {
        /// Phone number
        number: String,
        /// Phone number or chatbot to block
        #[arg(long, value_name = "ADDRESS")]
        add: Option<String>,
        /// Phone number or chatbot to hear from again
        #[arg(long, value_name = "ADDRESS", conflicts_with = "add")]
        remove: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Keep a subscriber's conversation history for devices that it signs in later, or keep it no longer and delete it
    #[command(after_help = "Examples:\n  hongyan subscriber history on +8613800000005\n  \
                            hongyan subscriber history off +8613800000005\n  \
                            hongyan subscriber history show +8613800000005")]
    History {
        /// What to do
        what: Keeping,
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

/// What to do about a history.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Keeping {
    /// Keep it from now on
    On,
    /// Keep it no longer, and delete what there is
    Off,
    /// Show whether it is kept, and how much there is
    Show,
}

/// What handsets are told.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum State {
    /// Their configuration
    Enabled,
    /// Once, to throw away what they have and ask again (version 0)
    Reset,
    /// To throw away what they have and not to ask again (version -1)
    Stopped,
    /// That RCS is disabled, and not to ask again (version -2)
    Disabled,
    /// That RCS is disabled for now (version -3)
    Dormant,
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
            Self::Otp { number, json, server } => {
                let answer = server.get(&format!("/subscribers/{}/otp", segment(&number)))?;
                match json {
                    true => print_json(&answer),
                    false => print(card(&answer)),
                }
            }
            Self::Devices { number, json, server } => {
                let answer = server.get(&format!("/subscribers/{}/configuration", segment(&number)))?;
                if json {
                    print_json(&answer);
                    return Ok(());
                }
                let columns = [
                    ("ID", "id"),
                    ("NAME", "name"),
                    ("IMEI", "imei"),
                    ("VERSION", "version"),
                    ("LOGS IN", "mayLogIn"),
                    ("SEEN", "seenAt"),
                ];
                print(format_args!("state: {}\n", answer["state"].as_str().unwrap_or_default()));
                print(table(&columns, &answer["devices"]));
            }
            Self::Revoke { number, device, all: _, server } => {
                let one = device.as_ref().map(|device| format!("/{}", segment(device))).unwrap_or_default();
                server.delete(&format!("/subscribers/{}/configuration/devices{one}", segment(&number)))?;
                print(format_args!("{} of {number}: let go", device.as_deref().unwrap_or("all devices")));
            }
            Self::Configure { number, state, server } => {
                let state = clap::ValueEnum::to_possible_value(&state).expect("none is hidden");
                let body = json!({ "state": state.get_name() });
                server.patch(&format!("/subscribers/{}/configuration", segment(&number)), &body)?;
                print(format_args!("{number}: {}", state.get_name()));
            }
            Self::Blocked { number, add, remove, json, server } => {
                let path = format!("/subscribers/{}/blocked", segment(&number));
                if let Some(whom) = &add {
                    server.put(&format!("{path}/{}", segment(whom)))?;
                }
                if let Some(whom) = &remove {
                    server.delete(&format!("{path}/{}", segment(whom)))?;
                }
                let answer = server.get(&path)?;
                match json {
                    true => print_json(&answer),
                    false => print(table(&[("ADDRESS", "address"), ("SINCE", "since")], &answer)),
                }
            }
            Self::History { what, number, json, server } => {
                let path = format!("/subscribers/{}/history", segment(&number));
                match what {
                    Keeping::On => drop(server.put(&path)?),
                    Keeping::Off => drop(server.delete(&path)?),
                    Keeping::Show => {}
                }
                let answer = server.get(&path)?;
                match json {
                    true => print_json(&answer),
                    false => print(card(&answer)),
                }
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
pub(super) fn read_password(file: &std::path::Path) -> Result<String, CommandError> {
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
