//! `hongyan consent …`: whether users want a chatbot's messages, and under what name it knows them.

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::client::{Server, segment};
use super::table::{card, table};
use super::{CommandError, Outcome, print, print_json};

/// Contacts that are asked for at a time.
const PAGE: usize = 1_000;

/// The commands.
#[derive(Subcommand)]
pub enum Consent {
    /// List the users of a chatbot of whom something is known
    #[command(
        after_help = "Example:\n  hongyan consent list --chatbot 12306\n  hongyan consent list --chatbot 12306 --csv > consent.csv"
    )]
    List {
        /// Name or sip: URI of the chatbot
        #[arg(long, value_name = "NAME")]
        chatbot: String,
        /// Only those who have opted out
        #[arg(long)]
        opted_out: bool,
        /// Print one line for each change of mind, as CSV
        #[arg(long, conflicts_with = "json")]
        csv: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show what a user has said to a chatbot about its messages, and when
    #[command(after_help = "Example:\n  hongyan consent show +8613800000001 --chatbot 12306")]
    Show {
        /// Phone number
        number: String,
        /// Name or sip: URI of the chatbot
        #[arg(long, value_name = "NAME")]
        chatbot: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Note what a user wants, on the user's behalf
    #[command(
        after_help = "Example:\n  hongyan consent set +8613800000001 opted-out --chatbot 12306 --reason 'by telephone'"
    )]
    Set {
        /// Phone number
        number: String,
        /// What the user wants
        #[arg(value_enum)]
        wish: Wish,
        /// Name or sip: URI of the chatbot
        #[arg(long, value_name = "NAME")]
        chatbot: String,
        /// Why, for the record
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
}

/// What a user may want.
#[derive(Clone, Copy, ValueEnum)]
pub enum Wish {
    /// Messages
    OptedIn,
    /// No messages
    OptedOut,
    /// The chatbot may know the number
    Revealed,
    /// The chatbot may not know the number
    Hidden,
    /// To be somebody new to a chatbot that knows no numbers
    NewToken,
}

impl Consent {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::List { chatbot, opted_out, csv, json, server } => {
                list(&server, &chatbot, opted_out, csv, json)
            }
            Self::Show { number, chatbot, json, server } => {
                show(&server.get(&path(&chatbot, &number))?, json);
                Ok(())
            }
            Self::Set { number, wish, chatbot, reason, json, server } => {
                let (member, value) = match wish {
                    Wish::OptedIn => ("consent", true),
                    Wish::OptedOut => ("consent", false),
                    Wish::Revealed => ("revealed", true),
                    Wish::Hidden => ("revealed", false),
                    Wish::NewToken => ("revokeToken", true),
                };
                let mut change = Map::from_iter([(member.to_owned(), json!(value))]);
                change.insert("reason".to_owned(), json!(reason));
                show(&server.patch(&path(&chatbot, &number), &Value::Object(change))?, json);
                Ok(())
            }
        }
    }
}

fn path(chatbot: &str, number: &str) -> String {
    format!("/chatbots/{}/contacts/{}", segment(chatbot), segment(number))
}

fn list(server: &Server, chatbot: &str, opted_out: bool, csv: bool, json: bool) -> Outcome {
    let mut all = Vec::new();
    let mut after = String::new();
    if csv {
        print("number,given,at,by,word");
    }
    loop {
        let path = format!("/chatbots/{}/contacts?limit={PAGE}{after}", segment(chatbot));
        let Value::Array(page) = server.get(&path)? else {
            return Err(CommandError("the server did not answer with a list".to_owned()));
        };
        let is_last = page.len() < PAGE;
        if let Some(number) = page.last().and_then(|contact| contact["number"].as_str()) {
            after = format!("&after={}", segment(number));
        }
        let wanted = page.into_iter().filter(|contact| !opted_out || contact["optedOut"] == true);
        match csv {
            true => wanted.for_each(|contact| csv_lines(&contact)),
            false => all.extend(wanted),
        }
        if is_last {
            break;
        }
    }
    let columns =
        [("NUMBER", "number"), ("OPTED OUT", "optedOut"), ("REVEALED", "revealed"), ("TOKEN", "token")];
    match (csv, json) {
        (true, _) => {}
        (_, true) => print_json(&Value::Array(all)),
        _ => print(table(&columns, &Value::Array(all))),
    }
    Ok(())
}

/// The changes of mind of one user.
fn csv_lines(contact: &Value) {
    for one in contact["consent"].as_array().into_iter().flatten() {
        let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let word = text("word").replace('"', "\"\"");
        let number = contact["number"].as_str().unwrap_or_default();
        print(format_args!("{number},{},{},{},\"{word}\"", one["given"], text("at"), text("by")));
    }
}

fn show(answer: &Value, json: bool) {
    match json {
        true => print_json(answer),
        false => print(card(answer)),
    }
}
