//! `hongyan chatbot submit …` and the like: where a chatbot stands, who tests it, and links to it.

use clap::Subcommand;
use serde_json::{Value, json};

use super::client::{Server, segment};
use super::table::{card, table};
use super::{CommandError, Outcome, print, print_json};
use crate::links::Code;

/// The commands.
#[derive(Subcommand)]
pub enum Standing {
    /// Let a chatbot reach its testers, and nobody else
    #[command(after_help = "Example:\n  hongyan chatbot test weather")]
    Test(Named),
    /// Ask the operator to let it go live
    #[command(after_help = "Example:\n  hongyan chatbot submit weather")]
    Submit(Named),
    /// Let a chatbot that was submitted go live
    #[command(after_help = "Example:\n  hongyan chatbot approve weather")]
    Approve(Named),
    /// Send a chatbot that was submitted back to its testers
    #[command(after_help = "Example:\n  hongyan chatbot reject weather --reason 'who runs it?'")]
    Reject {
        #[command(flatten)]
        named: Named,
        /// What is wrong; the chatbot's program is told
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Stop its traffic, both ways
    #[command(after_help = "Example:\n  hongyan chatbot suspend weather")]
    Suspend(Named),
    /// Let its traffic flow as before it was suspended
    #[command(after_help = "Example:\n  hongyan chatbot resume weather")]
    Resume(Named),
    /// Who tests it before it is live
    #[command(subcommand)]
    Testers(Testers),
    /// Links that open a conversation with it, and a QR code
    #[command(after_help = "Example:\n  hongyan chatbot link weather --body 'forecast' --qr")]
    Link {
        #[command(flatten)]
        named: Named,
        /// What whoever follows the link finds written; it is theirs to send
        #[arg(long, value_name = "TEXT")]
        body: Option<String>,
        /// Print the link as a QR code too; or write it to a file, SVG or PNG by its name
        #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
        qr: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// A chatbot by its name.
#[derive(clap::Args)]
pub struct Named {
    /// Name or sip: URI
    name: String,
    #[command(flatten)]
    server: Server,
}

/// Changes of the list of testers.
#[derive(Subcommand)]
pub enum Testers {
    /// One more, who agrees
    #[command(after_help = "Example:\n  hongyan chatbot testers add weather +8613800000001")]
    Add(Tester),
    /// One less
    #[command(after_help = "Example:\n  hongyan chatbot testers remove weather +8613800000001")]
    Remove(Tester),
    /// All of them, also those who have been invited and have not answered
    #[command(after_help = "Example:\n  hongyan chatbot testers list weather")]
    List(Named),
}

/// A tester of a chatbot.
#[derive(clap::Args)]
pub struct Tester {
    #[command(flatten)]
    named: Named,
    /// Phone number
    number: String,
}

impl Standing {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::Test(named) => named.step("test"),
            Self::Submit(named) => named.step("submit"),
            Self::Suspend(named) => named.step("suspend"),
            Self::Resume(named) => named.step("resume"),
            Self::Approve(named) => named.post("reviews/launch/approve", &json!({})),
            Self::Reject { named, reason } => {
                named.post("reviews/launch/reject", &json!({ "reason": reason }))
            }
            Self::Testers(Testers::Add(Tester { named, number })) => {
                let path = named.path(&format!("invitations/{}", segment(&number)));
                named.server.put_json(&path, &json!({ "accepted": true }))?;
                print(format_args!("{number} tests {}", named.name));
                Ok(())
            }
            Self::Testers(Testers::Remove(Tester { named, number })) => {
                named.server.delete(&named.path(&format!("invitations/{}", segment(&number))))?;
                print(format_args!("{number} tests {} no more", named.name));
                Ok(())
            }
            Self::Testers(Testers::List(named)) => {
                let testers = named.server.get(&named.path("invitations"))?;
                print(table(&[("USER", "number"), ("STATUS", "status"), ("SINCE", "at")], &testers));
                Ok(())
            }
            Self::Link { named, body, qr, json } => link(&named, body.as_deref(), qr.as_deref(), json),
        }
    }
}

impl Named {
    fn path(&self, rest: &str) -> String {
        format!("/chatbots/{}/{rest}", segment(&self.name))
    }

    fn step(&self, step: &str) -> Outcome {
        self.post(step, &json!({}))
    }

    fn post(&self, rest: &str, body: &Value) -> Outcome {
        let chatbot = self.server.post(&self.path(rest), body)?;
        print(format_args!("{} is {}", self.name, chatbot["status"].as_str().unwrap_or_default()));
        Ok(())
    }
}

fn link(named: &Named, body: Option<&str>, qr: Option<&str>, json: bool) -> Outcome {
    let body = body.map(|body| format!("?body={}", segment(body))).unwrap_or_default();
    let links = named.server.get(&named.path(&format!("links{body}")))?;
    match json {
        true => print_json(&links),
        false => print(card(&links)),
    }
    let Some(file) = qr else { return Ok(()) };
    let code = links["web"].as_str().and_then(Code::of);
    let code =
        code.ok_or_else(|| CommandError("the link is too long for a code; shorten --body".to_owned()))?;
    let written = match file.rsplit_once('.').map(|(_, kind)| kind.to_ascii_lowercase()).as_deref() {
        _ if file == "-" => {
            print(code.text());
            return Ok(());
        }
        Some("svg") => std::fs::write(file, code.svg()),
        Some("png") => std::fs::write(file, code.png()),
        _ => return Err(CommandError(format!("{file}: write to a name that ends in .svg or .png"))),
    };
    written.map_err(|error| CommandError(format!("cannot write {file}: {error}")))
}
