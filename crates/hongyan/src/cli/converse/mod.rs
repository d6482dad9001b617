//! `hongyan converse`: conversations as tests. A script says what users do and what they expect of a chatbot; headless handsets
//! play it against a running platform. docs/converse.md has the format of scripts.

mod compare;
mod heard;
mod junit;
mod play;
pub mod script;
mod transcript;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::client::{self, segment};
use super::subscriber::read_password;
use super::{CommandError, Data, print};
use crate::data;
use compare::Variables;
use junit::Outcome;
use play::{Credentials, Failed, play};
use script::Script;
use transcript::Transcript;

/// How a new number is looked for before giving up.
const NUMBERS_TRIED: usize = 10;

/// The exit status when a script could not be played.
const NOT_PLAYED: u8 = 2;

/// Play conversations with chatbots from scripts, and say whether they went as expected
#[derive(Args)]
#[command(
    after_help = "Ends with 0 when all went as expected, 1 when something did not, 2 when a script could not be played. Without --as, \
        each user of a script is a subscriber made for the time of the script, by the admin token in --data DIR.\n\n\
        Examples:\n  hongyan converse bots/rail/conversations/*.yaml\n  hongyan converse weather.yaml --to weather --junit report.xml\n  \
        hongyan converse weather.yaml --server http://rcs.example:8080 --as +8613800000001 --password-file FILE"
)]
pub struct Converse {
    /// Scripts, or directories with *.yaml
    #[arg(required = true, value_name = "SCRIPT")]
    scripts: Vec<PathBuf>,
    /// With whom the conversations are, instead of whom the scripts name: a chatbot by name or URI, or a number
    #[arg(long, value_name = "WHOM")]
    to: Option<String>,
    /// Play a user as this subscriber: NUMBER for the first user, or USER=NUMBER
    #[arg(long = "as", value_name = "NUMBER")]
    numbers: Vec<String>,
    /// The password of the subscribers of --as; without it, that of the demo in --data DIR
    #[arg(long, value_name = "P", env = "HONGYAN_HANDSET_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Read the password from the first line of a file; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<PathBuf>,
    /// Give a variable of the scripts a value: NAME=VALUE
    #[arg(long = "var", value_name = "NAME=VALUE")]
    variables: Vec<String>,
    /// Write a report in JUnit's XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The platform's HTTP address; without it, that of the server with its data in --data DIR
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// File with the server's admin token (there: DIR/admin-token)
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
}

/// Subscribers that are there for the time of a script.
struct Temporary<'a> {
    admin: &'a client::Server,
    numbers: Vec<String>,
}

impl Converse {
    /// Does what was asked.
    pub fn run(self) -> Result<ExitCode, CommandError> {
        self.play_all().or_else(|error| {
            eprintln!("hongyan: {}", error.0);
            Ok(ExitCode::from(NOT_PLAYED))
        })
    }

    /// Plays them one after the other; what can't be played stops no other.
    fn play_all(&self) -> Result<ExitCode, CommandError> {
        let scripts = self.scripts()?;
        let given = pairs("--var", &self.variables)?;
        let known = self.known_users()?;
        let unknown = known
            .keys()
            .flatten()
            .find(|user| scripts.iter().all(|(_, script)| !script.users.contains(user)));
        if let Some(user) = unknown {
            return Err(CommandError(format!("--as {user}=…: no script has a user of that name")));
        }
        let admin = client::Server::of(self.data.data.clone(), self.server.clone(), self.token_file.clone());
        let server = admin.url()?;
        let mut cases = Vec::new();
        for (path, script) in &scripts {
            let mut temporary = Temporary { admin: &admin, numbers: Vec::new() };
            let mut transcript = Transcript::new(&script.users);
            transcript.line(&format!("── {} ({})", script.name, path.display()));
            let users = match self.users(script, &known, &mut temporary) {
                Ok(users) => users,
                Err(error) => {
                    eprintln!("hongyan: {}", error.0);
                    cases.push(case(path, script, Outcome::NotPlayed(error.0), transcript));
                    continue;
                }
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let to = self.to.as_deref();
            let outcome = runtime.block_on(async {
                tokio::select! {
                    outcome = play(script, &server, to, &users, &given, &mut transcript) => Some(outcome),
                    _ = tokio::signal::ctrl_c() => None,
                }
            });
            drop(temporary);
            let outcome = outcome.ok_or_else(|| CommandError("interrupted".to_owned()))?;
            let outcome = match outcome {
                Ok(()) => Outcome::Passed,
                Err(Failed { short, long }) => Outcome::Failed(short, long),
            };
            cases.push(case(path, script, outcome, transcript));
        }
        if let Some(file) = &self.junit {
            std::fs::write(file, junit::document(&cases))
                .map_err(|error| CommandError(format!("cannot write {}: {error}", file.display())))?;
        }
        let passed = cases.iter().filter(|case| matches!(case.outcome, Outcome::Passed)).count();
        print(format_args!("{passed} of {} conversations went as expected", cases.len()));
        Ok(match cases.iter().any(|case| matches!(case.outcome, Outcome::NotPlayed(_))) {
            true => ExitCode::from(NOT_PLAYED),
            false if passed < cases.len() => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }

    /// All scripts, read before the first is played: what is wrong with the last is known at once.
    fn scripts(&self) -> Result<Vec<(PathBuf, Script)>, CommandError> {
        let mut paths = Vec::new();
        for given in &self.scripts {
            if !given.is_dir() {
                paths.push(given.clone());
                continue;
            }
            let inside = std::fs::read_dir(given)?.map(|entry| entry.map(|entry| entry.path()));
            let mut inside: Vec<PathBuf> = inside.collect::<Result<_, _>>()?;
            inside.retain(|path| path.extension().is_some_and(|end| end == "yaml" || end == "yml"));
            inside.sort();
            paths.extend(inside);
        }
        if paths.is_empty() {
            return Err(CommandError("there are no scripts (*.yaml) in these directories".to_owned()));
        }
        let read = |path: PathBuf| match Script::load(&path) {
            Ok(script) => Ok((path, script)),
            Err(error) => Err(CommandError(error.0)),
        };
        paths.into_iter().map(read).collect()
    }

    /// The subscribers of `--as`, by the names of users; that of the first user has none.
    fn known_users(&self) -> Result<HashMap<Option<String>, Credentials>, CommandError> {
        if self.numbers.is_empty() {
            return Ok(HashMap::new());
        }
        let demo = data::demo_password(&self.data.data);
        let password = match (&self.password, &self.password_file) {
            (Some(password), _) => password.clone(),
            (None, Some(file)) => read_password(file)?,
            (None, None) if demo.is_file() => read_password(&demo)?,
            (None, None) => {
                return Err(CommandError(
                    "--as: give the password with --password-file FILE or --password P".into(),
                ));
            }
        };
        let known = self.numbers.iter().map(|text| {
            let (user, number) = match text.split_once('=') {
                Some((user, number)) => (Some(user.to_owned()), number),
                None => (None, text.as_str()),
            };
            (user, Credentials { number: number.to_owned(), password: password.clone() })
        });
        Ok(known.collect())
    }

    /// A number for each user of a script.
    fn users(
        &self,
        script: &Script,
        known: &HashMap<Option<String>, Credentials>,
        temporary: &mut Temporary<'_>,
    ) -> Result<HashMap<String, Credentials>, CommandError> {
        let mut users = HashMap::new();
        for (index, user) in script.users.iter().enumerate() {
            let named = known.get(&Some(user.clone()));
            let credentials = match named.or_else(|| known.get(&None).filter(|_| index == 0)) {
                Some(credentials) => credentials.clone(),
                None => temporary.subscriber()?,
            };
            users.insert(user.clone(), credentials);
        }
        Ok(users)
    }
}

impl Temporary<'_> {
    /// A subscriber that nobody had before.
    fn subscriber(&mut self) -> Result<Credentials, CommandError> {
        for _ in 0..NUMBERS_TRIED {
            let mut random = [0; 24];
            getrandom::fill(&mut random).map_err(|error| CommandError(error.to_string()))?;
            let (digits, secret) = random.split_at(8);
            let digits =
                digits.iter().fold(0, |number: u64, byte| number.wrapping_mul(256) + u64::from(*byte));
            let number = format!("+86199{:08}", digits % 100_000_000);
            // Adding one that is there would give somebody another password.
            if self.admin.get(&format!("/subscribers/{}", segment(&number))).is_ok() {
                continue;
            }
            let password: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
            self.admin.post("/subscribers", &json!({ "number": number, "password": password }))?;
            self.numbers.push(number.clone());
            return Ok(Credentials { number, password });
        }
        Err(CommandError("found no free number for a temporary subscriber; use --as".to_owned()))
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        for number in &self.numbers {
            if let Err(error) = self.admin.delete(&format!("/subscribers/{}", segment(number))) {
                eprintln!("hongyan: the temporary subscriber {number} could not be removed: {}", error.0);
            }
        }
    }
}

fn case(path: &Path, script: &Script, outcome: Outcome, transcript: Transcript) -> junit::Case {
    junit::Case {
        name: script.name.clone(),
        file: path.display().to_string(),
        took: transcript.elapsed(),
        outcome,
        transcript: transcript.into_text(),
    }
}

fn pairs(option: &str, given: &[String]) -> Result<Variables, CommandError> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(CommandError(format!("{option}: {text:?} is not NAME=VALUE"))),
    };
    given.iter().map(pair).collect()
}
