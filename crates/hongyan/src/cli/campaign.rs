//! `hongyan campaign …`: one template to many numbers.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::client::{Server, query, read_json, segment};
use super::table::{card, table};
use super::{CommandError, Outcome, print, print_json};

/// How long the server may wait for a campaign that is followed to get further, in seconds.
const FOLLOW_WAIT_S: u32 = 20;

/// The commands.
#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one is made in the life of the process")]
pub enum Campaign {
    /// Create a campaign, as a draft
    #[command(
        after_help = "Example:\n  hongyan campaign create 'Storm warning' --chatbot weather --template storm --per-second 200 \\\n    \
        --from 09:00 --to 20:00 --time-zone Asia/Shanghai\n\nThen upload recipients, and start it."
    )]
    Create {
        /// What you call it
        name: String,
        /// Name or sip: URI of the chatbot
        #[arg(long)]
        chatbot: String,
        /// Name of the template
        #[arg(long)]
        template: String,
        #[command(flatten)]
        plan: Plan,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Add recipients from a CSV file; whoever is there already is not taken twice
    #[command(
        after_help = "Example:\n  hongyan campaign upload 0193… recipients.csv\n\nwith recipients.csv:\n  number,city\n  \
        +8613800000009,北京\n  +8613800000010,上海"
    )]
    Upload {
        /// Id of the campaign
        id: String,
        /// CSV file: the first line names the columns, `number` and the template's variables
        file: PathBuf,
        /// Character set of the file, such as gb18030; if not given, UTF-8, or UTF-16 with its mark
        #[arg(long)]
        charset: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Start a draft
    #[command(after_help = "Example:\n  hongyan campaign start 0193… --follow")]
    Start(Steer),
    /// Have a campaign wait
    #[command(after_help = "Example:\n  hongyan campaign pause 0193…")]
    Pause(Steer),
    /// Have a campaign go on
    #[command(after_help = "Example:\n  hongyan campaign resume 0193… --follow")]
    Resume(Steer),
    /// End a campaign where it is
    #[command(after_help = "Example:\n  hongyan campaign cancel 0193…")]
    Cancel(Steer),
    /// Change when and how fast
    #[command(after_help = "Example:\n  hongyan campaign change 0193… --per-second 500")]
    Change {
        /// Id of the campaign
        id: String,
        #[command(flatten)]
        plan: Plan,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show a campaign with its progress
    #[command(after_help = "Example:\n  hongyan campaign show 0193… --follow")]
    Show(Steer),
    /// List campaigns, the latest first
    #[command(after_help = "Example:\n  hongyan campaign list --chatbot weather")]
    List {
        /// Only this chatbot's
        #[arg(long, value_name = "CHATBOT")]
        chatbot: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show what became of each recipient's message
    #[command(
        after_help = "Example:\n  hongyan campaign outcomes 0193… --outcome refused\n  hongyan campaign outcomes 0193… --csv outcomes.csv"
    )]
    Outcomes {
        /// Id of the campaign
        id: String,
        /// Only these: pending, sent, delivered, displayed, expired, refused, skipped, revoked, not-reached
        #[arg(long)]
        outcome: Option<String>,
        /// Only this recipient
        #[arg(long, conflicts_with = "csv")]
        number: Option<String>,
        /// As many at the most
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Write all of them to a CSV file
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a campaign that does not run
    #[command(after_help = "Example:\n  hongyan campaign remove 0193…")]
    Remove {
        /// Id of the campaign
        id: String,
        #[command(flatten)]
        server: Server,
    },
}

/// A campaign, and how to show it.
#[derive(Args)]
pub struct Steer {
    /// Id of the campaign
    id: String,
    /// Show its progress until it ends
    #[arg(long)]
    follow: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// When and how fast. What is not given stays as it is.
#[derive(Args)]
pub struct Plan {
    /// Not before
    #[arg(long, value_name = "TIME")]
    start_at: Option<String>,
    /// Not from then on
    #[arg(long, value_name = "TIME")]
    end_at: Option<String>,
    /// Only from this time of the day on
    #[arg(long, value_name = "HH:MM", requires = "to")]
    from: Option<String>,
    /// Only until this time of the day
    #[arg(long, value_name = "HH:MM", requires = "from")]
    to: Option<String>,
    /// Only on these days: mon,tue,wed,thu,fri,sat,sun
    #[arg(long, value_name = "DAYS", value_delimiter = ',', requires = "from")]
    days: Option<Vec<String>>,
    /// JSON file with several windows: [{"days":["mon"],"from":"09:00","to":"12:00"},…]
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    windows: Option<PathBuf>,
    /// By whose clocks the times of the day are meant: Asia/Shanghai, or +08:00
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    time_zone: Option<String>,
    /// Messages a second, at the most
    #[arg(long, value_name = "COUNT")]
    per_second: Option<u32>,
    /// How long a message waits for its recipient
    #[arg(long, value_name = "SECONDS")]
    validity_seconds: Option<u64>,
}

impl Plan {
    /// The members of the admin API; what was not given is left out.
    fn body(self) -> Result<Map<String, Value>, CommandError> {
        let windows = match (self.windows, self.from) {
            (Some(file), _) => Some(read_json(&file)?),
            (None, Some(from)) => {
                let mut window = json!({ "from": from, "to": self.to });
                if let Some(days) = self.days {
                    window["days"] = json!(days);
                }
                Some(json!([window]))
            }
            (None, None) => None,
        };
        let members = [
            ("startAt", self.start_at.map(Value::from)),
            ("endAt", self.end_at.map(Value::from)),
            ("windows", windows),
            ("timeZone", self.time_zone.map(Value::from)),
            ("perSecond", self.per_second.map(Value::from)),
            ("validitySeconds", self.validity_seconds.map(Value::from)),
        ];
        Ok(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }
}

impl Campaign {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::Create { name, chatbot, template, plan, json, server } => {
                let mut body = plan.body()?;
                body.insert("name".to_owned(), json!(name));
                body.insert("chatbot".to_owned(), json!(chatbot));
                body.insert("template".to_owned(), json!(template));
                show(&server.post("/campaigns", &Value::Object(body))?, json);
            }
            Self::Upload { id, file, charset, json, server } => {
                let charset = charset.map(|name| format!("; charset={name}")).unwrap_or_default();
                let content_type = format!("text/csv{charset}");
                let answer = server.upload(&format!("{}/recipients", path(&id)), &content_type, &file)?;
                if json {
                    print_json(&answer);
                } else {
                    for error in answer["errors"].as_array().into_iter().flatten() {
                        print(format_args!(
                            "line {}: {}",
                            error["line"],
                            error["error"].as_str().unwrap_or_default()
                        ));
                    }
                    print(format_args!(
                        "{} recipients added, {} were there already, {} rows are wrong; the campaign has {}",
                        answer["added"], answer["duplicates"], answer["invalid"], answer["recipients"]
                    ));
                }
                if answer["invalid"].as_u64().unwrap_or(0) > 0 {
                    return Err(CommandError(
                        "mend the wrong rows and upload the file again: nobody is taken twice".to_owned(),
                    ));
                }
            }
            Self::Start(steer) => steer.run("start")?,
            Self::Pause(steer) => steer.run("pause")?,
            Self::Resume(steer) => steer.run("resume")?,
            Self::Cancel(steer) => steer.run("cancel")?,
            Self::Show(steer) => steer.run("")?,
            Self::Change { id, plan, json, server } => {
                let body = plan.body()?;
                if body.is_empty() {
                    return Err(CommandError(
                        "nothing to change; see `hongyan campaign change --help`".to_owned(),
                    ));
                }
                show(&server.patch(&path(&id), &Value::Object(body))?, json);
            }
            Self::List { chatbot, json, server } => {
                let answer = server.get(&format!("/campaigns{}", query(&[("chatbot", chatbot)])))?;
                if json {
                    print_json(&answer);
                } else {
                    let columns = [
                        ("ID", "id"),
                        ("NAME", "name"),
                        ("CHATBOT", "chatbotId"),
                        ("STATE", "state"),
                        ("ACCEPTED", "accepted"),
                        ("PENDING", "pending"),
                        ("SENT", "sent"),
                        ("DELIVERED", "delivered"),
                        ("DISPLAYED", "displayed"),
                    ];
                    let rows = answer.as_array().into_iter().flatten().map(flat).collect();
                    print(table(&columns, &rows));
                }
            }
            Self::Outcomes { id, csv: Some(file), outcome, server, .. } => {
                let pairs = [("format", Some("csv".to_owned())), ("outcome", outcome)];
                let bytes = server.download(&format!("{}/outcomes{}", path(&id), query(&pairs)), &file)?;
                print(format_args!("{bytes} bytes are in {}", file.display()));
            }
            Self::Outcomes { id, outcome, number, limit, json, server, .. } => {
                let pairs = [("outcome", outcome), ("number", number), ("limit", Some(limit.to_string()))];
                let answer = server.get(&format!("{}/outcomes{}", path(&id), query(&pairs)))?;
                let columns = [
                    ("NUMBER", "number"),
                    ("OUTCOME", "outcome"),
                    ("REASON", "reason"),
                    ("AT", "at"),
                    ("MESSAGE-ID", "messageId"),
                ];
                match json {
                    true => print_json(&answer),
                    false => print(table(&columns, &answer["outcomes"])),
                }
            }
            Self::Remove { id, server } => {
                server.delete(&path(&id))?;
                print(format_args!("campaign {id} is being removed"));
            }
        }
        Ok(())
    }
}

impl Steer {
    fn run(self, verb: &str) -> Outcome {
        let own = path(&self.id);
        let mut campaign = match verb {
            "" => self.server.get(&own)?,
            verb => self.server.post(&format!("{own}/{verb}"), &json!({}))?,
        };
        if !self.follow {
            show(&campaign, self.json);
            return Ok(());
        }
        let mut told = None;
        loop {
            let step = step(&campaign);
            if told.as_ref() != Some(&step) {
                match self.json {
                    true => print(&campaign),
                    false => print(progress(&campaign)),
                }
                told = Some(step);
            }
            if !matches!(campaign["state"].as_str(), Some("running" | "scheduled")) {
                return Ok(());
            }
            let since = campaign["revision"].as_str().map(str::to_owned);
            let wait = Some(FOLLOW_WAIT_S.to_string());
            campaign = self.server.get(&format!("{own}{}", query(&[("wait", wait), ("since", since)])))?;
        }
    }
}

/// What is told of a campaign that is followed: each of its states, and each hundredth of its way.
fn step(campaign: &Value) -> (Value, Value, Option<u64>) {
    let count = |name: &str| campaign["counts"][name].as_u64().unwrap_or(0);
    let all = count("accepted");
    let hundredth = (100 * all.saturating_sub(count("pending"))).checked_div(all);
    (campaign["state"].clone(), campaign["nextAt"].clone(), hundredth)
}

/// A campaign's progress in a line, with a bar for people.
fn progress(campaign: &Value) -> String {
    let counts = &campaign["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap_or(0);
    let (all, pending) = (count("accepted"), count("pending"));
    let done = all.saturating_sub(pending);
    let state = campaign["state"].as_str().unwrap_or("-");
    let rest = format!(
        "{state} {done}/{all} sent {} delivered {} displayed {} failed {} refused {} skipped {}",
        count("sent"),
        count("delivered"),
        count("displayed"),
        count("failed"),
        count("refused"),
        count("skipped")
    );
    let why = campaign["pausedBecause"].as_str().or(campaign["waitingBecause"].as_str());
    let next = campaign["nextAt"].as_str().map(|at| format!("on from {at}"));
    let because: Vec<&str> = why.into_iter().chain(next.as_deref()).collect();
    let because = if because.is_empty() { String::new() } else { format!(" ({})", because.join("; ")) };
    if !std::io::stdout().is_terminal() {
        return format!("{rest}{because}");
    }
    let filled = (20 * done).checked_div(all).unwrap_or(0) as usize;
    format!("[{}{}] {rest}{because}", "█".repeat(filled), "░".repeat(20_usize.saturating_sub(filled)))
}

fn show(answer: &Value, json: bool) {
    match json {
        true => print_json(answer),
        false => print(card(&flat(answer))),
    }
}

/// A campaign with its counts and its plan beside everything else, for people.
fn flat(campaign: &Value) -> Value {
    let mut flat = campaign.as_object().cloned().unwrap_or_default();
    flat.remove("revision");
    for part in ["counts", "plan"] {
        if let Some(Value::Object(members)) = flat.remove(part) {
            flat.extend(members);
        }
    }
    Value::Object(flat)
}

fn path(id: &str) -> String {
    format!("/campaigns/{}", segment(id))
}
