//! `hongyan tenant …`: who runs chatbots here.

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Server, segment};
use super::table::{card, table};
use super::{CommandError, Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum Tenant {
    /// Create a tenant
    #[command(
        after_help = "Example:\n  hongyan tenant create acme --name 'Acme Messaging' --chatbots 10 --messages-per-second 200"
    )]
    Create {
        /// Lower-case letters, digits, hyphens
        id: String,
        #[command(flatten)]
        change: Change,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// List tenants
    #[command(after_help = "Example:\n  hongyan tenant list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show a tenant
    #[command(after_help = "Example:\n  hongyan tenant show acme")]
    Show {
        /// Its id
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Change what is given, leave the rest; a quota of 0 takes the limit away
    #[command(
        after_help = "Example:\n  hongyan tenant update acme --messages-per-day 1000000 --suspended false"
    )]
    Update {
        /// Its id
        id: String,
        #[command(flatten)]
        change: Change,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Give a chatbot to a tenant, or take it back
    #[command(
        after_help = "Example:\n  hongyan tenant give weather acme\n  hongyan tenant give weather --to-operator"
    )]
    Give {
        /// Name or sip: URI of the chatbot
        chatbot: String,
        /// Id of the tenant
        #[arg(required_unless_present = "to_operator")]
        tenant: Option<String>,
        /// It is nobody's but the operator's
        #[arg(long, conflicts_with = "tenant")]
        to_operator: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a tenant that has no chatbots
    #[command(after_help = "Example:\n  hongyan tenant remove acme")]
    Remove {
        /// Its id
        id: String,
        #[command(flatten)]
        server: Server,
    },
}

/// What can be said of a tenant.
#[derive(Args)]
pub struct Change {
    /// What people call it
    #[arg(long)]
    name: Option<String>,
    /// Whether its keys open nothing and its chatbots may not send
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    suspended: Option<bool>,
    /// Chatbots it may have
    #[arg(long, value_name = "COUNT")]
    chatbots: Option<u32>,
    /// Messages a second of all its chatbots
    #[arg(long, value_name = "COUNT")]
    messages_per_second: Option<u32>,
    /// Messages a day of all its chatbots
    #[arg(long, value_name = "COUNT")]
    messages_per_day: Option<u64>,
    /// Messages a month of all its chatbots
    #[arg(long, value_name = "COUNT")]
    messages_per_month: Option<u64>,
}

impl Change {
    fn body(self) -> Map<String, Value> {
        let members = [
            ("name", self.name.map(Value::from)),
            ("suspended", self.suspended.map(Value::from)),
            ("chatbots", self.chatbots.map(Value::from)),
            ("messagesPerSecond", self.messages_per_second.map(Value::from)),
            ("messagesPerDay", self.messages_per_day.map(Value::from)),
            ("messagesPerMonth", self.messages_per_month.map(Value::from)),
        ];
        members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}

impl Tenant {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::Create { id, change, json, server } => {
                let mut body = change.body();
                body.insert("id".to_owned(), json!(id));
                show(&server.post("/tenants", &Value::Object(body))?, json);
            }
            Self::List { json, server } => {
                let answer = server.get("/tenants")?;
                let columns = [
                    ("ID", "id"),
                    ("NAME", "name"),
                    ("SUSPENDED", "suspended"),
                    ("HAS", "has"),
                    ("MAY HAVE", "chatbots"),
                    ("PER SECOND", "messagesPerSecond"),
                    ("PER DAY", "messagesPerDay"),
                    ("PER MONTH", "messagesPerMonth"),
                ];
                match json {
                    true => print_json(&answer),
                    false => print(table(&columns, &answer)),
                }
            }
            Self::Show { id, json, server } => show(&server.get(&path(&id))?, json),
            Self::Update { id, change, json, server } => {
                let body = change.body();
                if body.is_empty() {
                    return Err(CommandError(
                        "nothing to change; see `hongyan tenant update --help`".to_owned(),
                    ));
                }
                show(&server.patch(&path(&id), &Value::Object(body))?, json);
            }
            Self::Give { chatbot, tenant, server, .. } => {
                let path = format!("/chatbots/{}/tenant", segment(&chatbot));
                match tenant {
                    Some(tenant) => {
                        server.put_json(&path, &json!({ "tenant": tenant }))?;
                        print(format_args!("{chatbot} is {tenant}'s"));
                    }
                    None => {
                        server.delete(&path)?;
                        print(format_args!("{chatbot} is the operator's"));
                    }
                }
            }
            Self::Remove { id, server } => {
                server.delete(&path(&id))?;
                print(format_args!("tenant {id} is removed"));
            }
        }
        Ok(())
    }
}

fn show(answer: &Value, json: bool) {
    match json {
        true => print_json(answer),
        false => print(card(answer)),
    }
}

fn path(id: &str) -> String {
    format!("/tenants/{}", segment(id))
}
