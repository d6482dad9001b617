//! `hongyan chatbot …`: who may speak through the chatbot API.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::client::{Server, read_json, segment};
use super::service_account::{Key, KeyFile};
use super::standing::Standing;
use super::table::{card, table};
use super::{CommandError, Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one is made in the life of the process")]
pub enum Chatbot {
    /// Create a chatbot; its credentials are shown this once
    #[command(
        after_help = "Example:\n  hongyan chatbot create 10690001 --display-name 'Weather' --webhook https://bot.example/hook --json\n\n\
                      The answer holds chatbotId, appId, appKey, callbackToken and endpoints: give them to the chatbot's program.\n\
                      With --dialect fnw11, appId and appKey are the OAuth client, and appKey serves as a bearer token as well;\n\
                      with --dialect cm, appKey is the password.\n\n\
                      hongyan chatbot create weather --dialect rbm --webhook https://bot.example/hook --json > key.json\n\n\
                      writes a service account's key file, with chatbotId, agentId and the webhook's clientToken beside."
    )]
    Create {
        /// Name (becomes sip:NAME@botplatform.DOMAIN) or a whole sip: URI
        name: String,
        /// API that the chatbot speaks
        #[arg(long, value_enum, default_value = "ctcu")]
        dialect: Dialect,
        #[command(flatten)]
        profile: Profile,
        /// Where it begins; live when left out
        #[arg(long, value_enum)]
        status: Option<Status>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        key_file: KeyFile,
        #[command(flatten)]
        server: Server,
    },
    /// List chatbots
    #[command(after_help = "Example:\n  hongyan chatbot list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show a chatbot
    #[command(after_help = "Example:\n  hongyan chatbot show 12306")]
    Show {
        /// Name or sip: URI
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Change what is given, leave the rest; an empty text takes a value away
    #[command(after_help = "Example:\n  hongyan chatbot update 12306 --colour '#0A66C2' --menu menu.json")]
    Update {
        /// Name or sip: URI
        name: String,
        #[command(flatten)]
        profile: Profile,
        /// Where it stands, whatever was before; see also submit, suspend and resume
        #[arg(long, value_enum)]
        status: Option<Status>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Keys of the service account of a chatbot that speaks the RBM-style interface
    #[command(
        after_help = "Example:\n  hongyan chatbot key weather add --key-file new.json\n  hongyan chatbot key weather list\n  \
                      hongyan chatbot key weather remove 4f0c…"
    )]
    Key {
        /// Name or sip: URI
        name: String,
        #[command(subcommand)]
        command: Key,
    },
    /// Show or set how much a chatbot may send, and whether it knows numbers; what is not given stays
    #[command(
        after_help = "Example:\n  hongyan chatbot limits 12306\n  hongyan chatbot limits 12306 --per-day 100000 --per-second default --anonymous true"
    )]
    Limits {
        /// Name or sip: URI
        name: String,
        #[command(flatten)]
        limits: OwnLimits,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    #[command(flatten)]
    Standing(Standing),
    /// Remove a chatbot
    #[command(after_help = "Example:\n  hongyan chatbot remove 10690001")]
    Remove {
        /// Name or sip: URI
        name: String,
        #[command(flatten)]
        server: Server,
    },
}

/// The APIs of the contract.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// China Telecom and China Unicom
    Ctcu,
    /// China Mobile
    Cm,
    /// RCS Business Messaging
    Rbm,
    /// GSMA FNW.11
    Fnw11,
}

/// Where a chatbot stands.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Being made: no traffic
    Draft,
    /// With its testers only
    Testing,
    /// Traffic flows
    Live,
    /// Neither way
    Paused,
}

/// What holds for one chatbot alone. `default` makes it as configured for all.
#[derive(Args)]
pub struct OwnLimits {
    /// Messages a second, counted by addressee
    #[arg(long, value_name = "N|default")]
    per_second: Option<String>,
    /// Messages a day
    #[arg(long, value_name = "N|default")]
    per_day: Option<String>,
    /// Messages a month
    #[arg(long, value_name = "N|default")]
    per_month: Option<String>,
    /// Promotional messages a day to one user
    #[arg(long, value_name = "N|default")]
    promotions_per_day: Option<String>,
    /// Whether it knows users by tokens and not by their numbers
    #[arg(long, value_name = "BOOL|default")]
    anonymous: Option<String>,
}

impl OwnLimits {
    /// Puts what was given into the rules; true if anything was.
    fn apply(self, rules: &mut Value) -> Result<bool, CommandError> {
        let given = [
            ("perSecond", self.per_second),
            ("perDay", self.per_day),
            ("perMonth", self.per_month),
            ("promotionsPerDay", self.promotions_per_day),
            ("anonymous", self.anonymous),
        ];
        let mut is_given = false;
        for (name, text) in given.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            rules[name] = match text.as_str() {
                "default" => Value::Null,
                text => serde_json::from_str(text).map_err(|_| {
                    CommandError(format!("{name}: {text:?} is neither a number, true, false nor `default`"))
                })?,
            };
            is_given = true;
        }
        Ok(is_given)
    }
}

/// How pushes prove themselves where the API leaves it open.
#[derive(Clone, Copy, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum WebhookAuth {
    /// Authorization: Bearer TOKEN
    Bearer,
    /// Authorization: TOKEN
    Token,
    /// Not at all
    None,
}

/// What a chatbot is to handsets, and where it is called.
#[derive(Args)]
pub struct Profile {
    /// Name that handsets show
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Where messages and reports are pushed (notifyURL)
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// Let the webhook be a private or loopback address
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    allow_private_webhook: Option<bool>,
    /// How pushes prove themselves, with the callback token (dialect fnw11)
    #[arg(long, value_enum)]
    webhook_auth: Option<WebhookAuth>,
    /// Have the webhook answer a GET before anything is pushed (dialect fnw11)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    webhook_probe: Option<bool>,
    /// Icon
    #[arg(long, value_name = "URL")]
    icon: Option<String>,
    /// Theme colour
    #[arg(long, value_name = "#RRGGBB")]
    colour: Option<String>,
    /// One or two sentences about it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Who runs it
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Whether the operator has verified who runs it
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    verified: Option<bool>,
    /// Who has verified it
    #[arg(long, value_name = "NAME")]
    verified_by: Option<String>,
    /// Until when that is good, as 2027-01-31T12:00:00Z
    #[arg(long, value_name = "TIME")]
    verified_until: Option<String>,
    /// Postal address
    #[arg(long, value_name = "TEXT")]
    address: Option<String>,
    /// Number for SMS of handsets without RCS
    #[arg(long, value_name = "NUMBER")]
    sms_number: Option<String>,
    /// Number to call back
    #[arg(long, value_name = "NUMBER")]
    callback_number: Option<String>,
    /// Web site
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// E-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// Terms and conditions page
    #[arg(long, value_name = "URL")]
    terms: Option<String>,
    /// Background image
    #[arg(long, value_name = "URL")]
    background_image: Option<String>,
    /// Category
    #[arg(long, value_name = "NAME")]
    category: Option<String>,
    /// JSON file with the persistent menu ({"menu":{"entries":[…]}})
    #[arg(long, value_name = "FILE")]
    menu: Option<PathBuf>,
}

impl Profile {
    /// The members of the admin API; what was not given is left out.
    fn body(self) -> Result<Map<String, Value>, CommandError> {
        let menu = self.menu.map(|file| read_json(&file)).transpose()?;
        let texts = [
            ("displayName", self.display_name),
            ("webhook", self.webhook),
            ("icon", self.icon),
            ("colour", self.colour),
            ("description", self.description),
            ("provider", self.provider),
            ("callbackNumber", self.callback_number),
            ("website", self.website),
            ("email", self.email),
            ("terms", self.terms),
            ("backgroundImage", self.background_image),
            ("category", self.category),
            ("verifiedBy", self.verified_by),
            ("verifiedUntil", self.verified_until),
            ("address", self.address),
            ("smsNumber", self.sms_number),
        ];
        let flags = [
            ("allowPrivateWebhook", self.allow_private_webhook),
            ("webhookProbe", self.webhook_probe),
            ("verified", self.verified),
        ];
        let auth = self.webhook_auth.map(|auth| ("webhookAuth".to_owned(), json!(auth)));
        let texts = texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
        let flags = flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
        Ok(texts.chain(flags).chain(auth).chain(menu.map(|menu| ("menu".to_owned(), menu))).collect())
    }
}

impl Chatbot {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::Create { name, dialect, profile, status, json, key_file, server } => {
                key_file.check()?;
                let mut body = profile.body()?;
                if let Some(status) = status {
                    body.insert("status".to_owned(), json!(status));
                }
                body.insert("name".to_owned(), json!(name));
                body.insert("dialect".to_owned(), json!(dialect));
                show_created(server.post("/chatbots", &Value::Object(body))?, json, &key_file)?;
            }
            Self::List { json, server } => {
                let answer = server.get("/chatbots")?;
                let columns = [
                    ("CHATBOT", "chatbotId"),
                    ("NAME", "displayName"),
                    ("STATUS", "status"),
                    ("WEBHOOK", "webhook"),
                    ("CHECKED", "callbackChecked"),
                ];
                match json {
                    true => print_json(&answer),
                    false => print(table(&columns, &answer)),
                }
            }
            Self::Show { name, json, server } => {
                show(&server.get(&format!("/chatbots/{}", segment(&name)))?, json);
            }
            Self::Update { name, profile, status, json, server } => {
                let mut body = profile.body()?;
                if let Some(status) = status {
                    body.insert("status".to_owned(), json!(status));
                }
                if body.is_empty() {
                    return Err(CommandError(
                        "nothing to change; see `hongyan chatbot update --help`".to_owned(),
                    ));
                }
                show(&server.patch(&format!("/chatbots/{}", segment(&name)), &Value::Object(body))?, json);
            }
            Self::Key { name, command } => command.run(&name)?,
            Self::Limits { name, limits, json, server } => {
                let path = format!("/chatbots/{}", segment(&name));
                let mut rules = server.get(&format!("{path}/rules"))?;
                if limits.apply(&mut rules)? {
                    rules = server.put_json(&format!("{path}/rules"), &rules)?;
                }
                let usage = server.get(&format!("{path}/usage"))?;
                let answer = json!({ "rules": rules, "usage": usage });
                match json {
                    true => print_json(&answer),
                    false => print(format_args!("{}\n\n{}", card(&answer["rules"]), card(&answer["usage"]))),
                }
            }
            Self::Standing(standing) => standing.run()?,
            Self::Remove { name, server } => {
                server.delete(&format!("/chatbots/{}", segment(&name)))?;
                print(format_args!("{name} is removed"));
            }
        }
        Ok(())
    }
}

/// A new chatbot with its secrets. The key file of a service account is what `--json` prints, with what else its program must know
/// beside: libraries pass over members that they do not know.
fn show_created(mut answer: Value, json: bool, key_file: &KeyFile) -> Outcome {
    let Some(mut account) = answer.as_object_mut().and_then(|answer| answer.remove("serviceAccount")) else {
        show(&answer, json);
        return Ok(());
    };
    for member in ["chatbotId", "agentId", "clientToken"] {
        account[member] = answer[member].clone();
    }
    if !json {
        show(&answer, false);
    }
    if json || key_file.is_given() {
        return key_file.show(&account);
    }
    print("the key of its service account, shown this once:");
    key_file.show(&account)
}

fn show(answer: &Value, json: bool) {
    match json {
        true => print_json(answer),
        false => print(card(answer)),
    }
}
