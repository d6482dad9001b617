//! Scripts of conversations: what users do, and what they expect (docs/converse.md has the format).

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_saphyr::Spanned;

use super::compare;

/// A script that is larger is none.
const SCRIPT_BYTES_MAX: u64 = 256 << 10;
/// Steps of a script with all that it includes.
const STEPS_MAX: usize = 1_000;
/// Scripts within scripts.
const INCLUDES_MAX: usize = 8;
/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);
/// For what a script expects, when it does not say.
const WITHIN: Wait = Wait(Duration::from_secs(30));

/// A whole script, its includes in place.
#[derive(Debug)]
pub struct Script {
    /// What it is called.
    pub name: String,
    /// With whom the conversation is: a chatbot by name or URI, or a number.
    pub to: Option<String>,
    /// Who takes part; never empty.
    pub users: Vec<String>,
    /// Values by name.
    pub variables: BTreeMap<String, String>,
    /// How long an expectation waits that does not say.
    pub within: Duration,
    /// What happens, in order.
    pub steps: Vec<Planned>,
}

/// A step and where it is written.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Where.
    pub at: Place,
    /// Which of the users does it; `None` for the first.
    pub user: Option<String>,
    /// With whom, if not with the script's chatbot.
    pub to: Option<String>,
    /// For how long it is waited.
    pub within: Option<Duration>,
    /// What.
    pub act: Act,
}

/// A place in a script.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The file.
    pub file: Rc<PathBuf>,
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: u64,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Act {
    /// Sends a text.
    Say(String),
    /// Taps a chip or button.
    Tap {
        /// Its label.
        label: Matcher,
        /// The message that it is on.
        on: Option<Matcher>,
    },
    /// Taps an entry of the menu, wherever in it.
    Menu(Matcher),
    /// Opens the conversation for the first time.
    Start,
    /// Sends a place.
    Location(Location),
    /// Sends a file, whose path is relative to the script.
    File(String),
    /// Tells the chatbot that what it said was seen.
    Read,
    /// A message comes.
    Expect(Box<Expectation>),
    /// A report on the last message that was sent comes.
    Report(Report),
    /// No message comes for so long.
    Nothing(Duration),
    /// Opens a page.
    Visit(Visit),
    /// Gives variables values.
    Set(BTreeMap<String, String>),
    /// Is a heading of the transcript.
    Note(String),
}

/// A report that is expected.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Report {
    /// The message was delivered.
    Delivered,
    /// The message was displayed.
    Displayed,
}

/// A place to send.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// What people call it.
    #[serde(default)]
    pub label: Option<String>,
}

/// A message that is expected: everything that is named must be so.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// All its words, whatever it is: text, cards and suggestions as plain text.
    pub says: Option<Matcher>,
    /// It is a text.
    pub text: Option<Matcher>,
    /// It is one card.
    pub card: Option<Card>,
    /// It is several cards.
    pub carousel: Option<Carousel>,
    /// It is a file.
    pub file: Option<File>,
    /// It is a place; its label.
    pub location: Option<Matcher>,
    /// Chips that are under it, in any order, perhaps beside others.
    pub chips: Option<Vec<Matcher>>,
    /// Whether there are chips at all.
    pub has_chips: Option<bool>,
    /// Variables, from its words: a regular expression, whose first group counts, or all of it.
    pub capture: Option<BTreeMap<String, String>>,
    /// Variables, from the URL that a button or chip opens.
    pub capture_url: Option<BTreeMap<String, Matcher>>,
}

/// A card that is expected.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Its title.
    pub title: Option<Matcher>,
    /// Its description.
    pub description: Option<Matcher>,
    /// The URL of its media.
    pub media: Option<Matcher>,
    /// Buttons that are on it, in any order, perhaps beside others.
    pub buttons: Option<Vec<Matcher>>,
}

/// A carousel that is expected.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Carousel {
    /// At least so many cards.
    pub least: Option<usize>,
    /// At most so many.
    pub most: Option<usize>,
    /// One of them, at least, is so.
    pub card: Option<Card>,
}

/// A file that is expected.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name.
    pub name: Option<Matcher>,
    /// Its media type.
    #[serde(rename = "type")]
    pub media_type: Option<Matcher>,
}

/// A page that is opened.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// Its URL.
    pub url: String,
    /// Sent as a form by POST; without it the page is fetched by GET.
    #[serde(default)]
    pub form: Option<BTreeMap<String, String>>,
    /// The status of the answer after redirects; 200 if not given.
    #[serde(default)]
    pub status: Option<u16>,
    /// The text of the page.
    #[serde(default)]
    pub page: Option<Matcher>,
    /// Variables, from the text of the page.
    #[serde(default)]
    pub capture: Option<BTreeMap<String, String>>,
}

/// Compares a text: a string alone must be equal; a map may say more than one thing, and all must be so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matcher {
    /// The whole of it.
    pub equals: Option<String>,
    /// How it begins.
    pub starts: Option<String>,
    /// What is in it; all of them.
    pub contains: Vec<String>,
    /// What is not in it; none of them.
    pub lacks: Vec<String>,
    /// A regular expression that is found in it.
    pub matches: Option<String>,
}

/// What is wrong with a script: where, what, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct ScriptError(pub String);

impl Script {
    /// Reads a script and what it includes.
    ///
    /// # Errors
    /// What is wrong in it or in what it includes, and where.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        Self::of(Written::read(path)?, path)
    }

    /// Reads a script out of its text; `path` is where it stands, for what it includes and for what is said of it.
    ///
    /// # Errors
    /// As [`Script::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ScriptError> {
        Self::of(Written::parse(text, path)?, path)
    }

    fn of(written: Written, path: &Path) -> Result<Self, ScriptError> {
        let mut script = Self {
            name: written.name.clone().unwrap_or_else(|| path.display().to_string()),
            to: written.to.clone(),
            users: written.users.clone().unwrap_or_else(|| vec!["user".to_owned()]),
            variables: written.variables.clone().unwrap_or_default(),
            within: written.within.unwrap_or(WITHIN).0,
            steps: Vec::new(),
        };
        if script.users.is_empty() {
            return Err(ScriptError(format!(
                "{}: users: name at least one, or leave it out",
                path.display()
            )));
        }
        script.plan(written, path, INCLUDES_MAX)?;
        let unknown = script
            .steps
            .iter()
            .find(|step| step.user.as_ref().is_some_and(|user| !script.users.contains(user)));
        match unknown {
            None => Ok(script),
            Some(step) => Err(ScriptError(format!(
                "{}: as: {} is not among the script's users; there are {}",
                step.at,
                step.user.as_deref().unwrap_or_default(),
                script.users.join(", ")
            ))),
        }
    }

    fn plan(&mut self, written: Written, path: &Path, includes_left: usize) -> Result<(), ScriptError> {
        let file = Rc::new(path.to_owned());
        for step in written.steps {
            let at =
                Place { file: file.clone(), line: step.referenced.line(), column: step.referenced.column() };
            let mut step = step.value;
            if let Some(include) = step.include.take() {
                if !step.is_empty() {
                    return Err(ScriptError(format!(
                        "{at}: include plays another script, whose steps say themselves who does what: give it a step of its own"
                    )));
                }
                let inner = path.parent().unwrap_or(Path::new("")).join(&include);
                if includes_left == 0 {
                    return Err(ScriptError(format!("{at}: include: scripts include each other too deeply")));
                }
                let inner_script =
                    Written::read(&inner).map_err(|error| ScriptError(format!("{at}: include: {error}")))?;
                for (name, value) in inner_script.variables.clone().unwrap_or_default() {
                    self.variables.entry(name).or_insert(value);
                }
                self.plan(inner_script, &inner, includes_left - 1)?;
                continue;
            }
            let (user, to, within) = (step.user.take(), step.to.take(), step.within.take());
            let act = step.act().map_err(|what| ScriptError(format!("{at}: {what}")))?;
            // A pattern that is none is known before the first message, not after minutes of conversation.
            for pattern in act.patterns() {
                compare::check_pattern(pattern).map_err(|what| ScriptError(format!("{at}: {what}")))?;
            }
            if self.steps.len() == STEPS_MAX {
                return Err(ScriptError(format!("{at}: more than {STEPS_MAX} steps")));
            }
            self.steps.push(Planned { at, user, to, within: within.map(|wait| wait.0), act });
        }
        Ok(())
    }
}

/// A script as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    #[serde(alias = "chatbot")]
    to: Option<String>,
    users: Option<Vec<String>>,
    variables: Option<BTreeMap<String, String>>,
    within: Option<Wait>,
    steps: Vec<Spanned<Step>>,
}

/// A step as it is written: `as`, `to`, `within` and one thing to do.
#[derive(Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Step {
    #[serde(rename = "as")]
    user: Option<String>,
    to: Option<String>,
    within: Option<Wait>,
    say: Option<String>,
    tap: Option<Matcher>,
    on: Option<Matcher>,
    menu: Option<Matcher>,
    start: Option<bool>,
    location: Option<Location>,
    file: Option<String>,
    read: Option<bool>,
    expect: Option<Expectation>,
    expect_report: Option<Report>,
    expect_nothing: Option<Wait>,
    visit: Option<Visit>,
    set: Option<BTreeMap<String, String>>,
    note: Option<String>,
    include: Option<String>,
}

impl Written {
    fn read(path: &Path) -> Result<Self, ScriptError> {
        let mut text = String::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(SCRIPT_BYTES_MAX + 1).read_to_string(&mut text))
            .map_err(|error| ScriptError(format!("{}: {error}", path.display())))?;
        Self::parse(&text, path)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ScriptError> {
        let wrong = |at: &str, what: &str| ScriptError(format!("{}:{at} {what}", path.display()));
        if text.len() as u64 > SCRIPT_BYTES_MAX {
            return Err(wrong("", &format!("larger than {SCRIPT_BYTES_MAX} bytes; divide it with include")));
        }
        if text.trim().is_empty() {
            return Err(wrong("", "the script is empty (docs/converse.md has the format)"));
        }
        serde_saphyr::from_str(text).map_err(|error: serde_saphyr::Error| {
            let at =
                error.location().map_or("1:1:".to_owned(), |at| format!("{}:{}:", at.line(), at.column()));
            let what = error.without_snippet().to_string();
            let what = what.lines().next().unwrap_or_default();
            // Some errors say the place again.
            let what = what.split(" at line ").next().unwrap_or_default();
            wrong(&at, &format!("{what} (docs/converse.md has the format)"))
        })
    }
}

impl Step {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The one thing to do.
    fn act(self) -> Result<Act, String> {
        for (name, value) in [("start", self.start), ("read", self.read)] {
            if value == Some(false) {
                return Err(format!("{name}: false does nothing; leave the step out"));
            }
        }
        let on = self.on;
        let is_tap = self.tap.is_some();
        let acts: Vec<(&str, Act)> = [
            self.say.map(|text| ("say", Act::Say(text))),
            self.tap.map(|label| ("tap", Act::Tap { label, on: on.clone() })),
            self.menu.map(|label| ("menu", Act::Menu(label))),
            self.start.map(|_| ("start", Act::Start)),
            self.location.map(|location| ("location", Act::Location(location))),
            self.file.map(|path| ("file", Act::File(path))),
            self.read.map(|_| ("read", Act::Read)),
            self.expect.map(|expectation| ("expect", Act::Expect(Box::new(expectation)))),
            self.expect_report.map(|report| ("expect_report", Act::Report(report))),
            self.expect_nothing.map(|wait| ("expect_nothing", Act::Nothing(wait.0))),
            self.visit.map(|visit| ("visit", Act::Visit(visit))),
            self.set.map(|values| ("set", Act::Set(values))),
            self.note.map(|text| ("note", Act::Note(text))),
        ]
        .into_iter()
        .flatten()
        .collect();
        if on.is_some() && !is_tap {
            return Err("on: says where a tap is; there is no tap in this step".to_owned());
        }
        let names: Vec<&str> = acts.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        let mut acts = acts.into_iter();
        match (acts.next(), acts.next()) {
            (Some((_, act)), None) => Ok(act),
            (None, _) => {
                Err("the step does nothing: give it say, tap, menu, start, location, file, read, expect, \
                 expect_report, expect_nothing, visit, set, note or include"
                    .to_owned())
            }
            (Some(_), Some(_)) => {
                Err(format!("the step does several things ({names}): make each a step of its own"))
            }
        }
    }
}

impl Act {
    /// The regular expressions in it.
    fn patterns(&self) -> Vec<&String> {
        match self {
            Self::Tap { label, on } => {
                label.matches.iter().chain(on.iter().flat_map(|on| &on.matches)).collect()
            }
            Self::Menu(label) => label.matches.iter().collect(),
            Self::Expect(expectation) => expectation.patterns(),
            Self::Visit(visit) => {
                let page = visit.page.iter().flat_map(|page| &page.matches);
                page.chain(visit.capture.iter().flat_map(BTreeMap::values)).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Expectation {
    fn patterns(&self) -> Vec<&String> {
        let cards = self.card.iter().chain(self.carousel.iter().flat_map(|carousel| &carousel.card));
        let of_cards = cards.flat_map(|card| {
            let labels = card.buttons.iter().flatten();
            [&card.title, &card.description, &card.media].into_iter().flatten().chain(labels)
        });
        let of_file = self.file.iter().flat_map(|file| [&file.name, &file.media_type].into_iter().flatten());
        let own = [&self.says, &self.text, &self.location].into_iter().flatten();
        let labels = self.chips.iter().flatten().chain(self.capture_url.iter().flat_map(BTreeMap::values));
        let matchers = own.chain(of_cards).chain(of_file).chain(labels);
        let captures = self.capture.iter().flat_map(BTreeMap::values);
        matchers.flat_map(|matcher| &matcher.matches).chain(captures).collect()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A length of time: `20s`, `500ms`, `2m`, `1h`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Wait(Duration);

impl Wait {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit_begins = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at(unit_begins);
        let number: u64 = number.parse().ok()?;
        let millis = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        let wait = Duration::from_millis(number.checked_mul(millis)?);
        (wait <= WAIT_MAX).then_some(Self(wait))
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("{text:?} is no time: write 500ms, 20s, 2m, or 1h; a day at most"))
        })
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// One or several.
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Texts {
            One(String),
            Several(Vec<String>),
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Said {
            equals: Option<String>,
            starts: Option<String>,
            contains: Option<Texts>,
            lacks: Option<Texts>,
            matches: Option<String>,
        }
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Matcher;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a map of equals, starts, contains, lacks, matches")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Matcher, E> {
                Ok(Matcher { equals: Some(text.to_owned()), ..Matcher::default() })
            }

            // A label of digits alone, without quotes.
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Matcher, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Matcher, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Matcher, E> {
                Err(E::custom("a number; put the text into quotes"))
            }

            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Matcher, E> {
                Err(E::custom("true or false; put the text into quotes"))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Matcher, A::Error> {
                let said = Said::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let several = |texts: Option<Texts>| match texts {
                    Some(Texts::One(text)) => vec![text],
                    Some(Texts::Several(texts)) => texts,
                    None => Vec::new(),
                };
                Ok(Matcher {
                    equals: said.equals,
                    starts: said.starts,
                    contains: several(said.contains),
                    lacks: several(said.lacks),
                    matches: said.matches,
                })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Script, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("script.yaml");
        std::fs::write(&path, text).unwrap();
        Script::load(&path).map_err(|error| error.0.replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn a_script_is_read_with_where_each_step_stands() {
        let script = load(
            "name: 查票\nchatbot: '12306'\nwithin: 20s\nvariables: {city: 上海}\nsteps:\n  - say: 明天北京到${city}\n  - within: 1m\n    \
             expect:\n      carousel: {least: 2, card: {title: {contains: [G1, G3], lacks: D}}}\n      chips: [后一天, {starts: 下}]\n  \
             - tap: {matches: '^预订'}\n    on: {contains: G1}\n  - expect_report: delivered\n  - expect_nothing: 500ms\n",
        )
        .unwrap();
        assert_eq!((script.name.as_str(), script.to.as_deref()), ("查票", Some("12306")));
        assert_eq!(script.within, Duration::from_secs(20));
        let lines: Vec<u64> = script.steps.iter().map(|step| step.at.line).collect();
        assert_eq!(lines, [6, 7, 11, 13, 14]);
        let Act::Expect(expected) = &script.steps[1].act else { panic!("an expectation") };
        let chips = expected.chips.as_ref().unwrap();
        assert_eq!(chips[0].equals.as_deref(), Some("后一天"));
        assert_eq!(chips[1].starts.as_deref(), Some("下"));
        assert_eq!(script.steps[1].within, Some(Duration::from_secs(60)));
    }

    #[test]
    fn what_is_wrong_is_told_with_line_column_and_what_to_do() {
        let said = |text: &str| load(text).unwrap_err();
        let two = said("steps:\n  - say: a\n    menu: b\n");
        assert!(two.starts_with("script.yaml:2:5: the step does several things (say, menu)"), "{two}");
        let none = said("steps:\n  - {}\n");
        assert!(none.contains("the step does nothing"), "{none}");
        let unknown = said("steps:\n  - say: a\n  - sya: b\n");
        assert!(unknown.starts_with("script.yaml:3:") && unknown.contains("sya"), "{unknown}");
        let time = said("within: soon\nsteps: []\n");
        assert!(time.contains("write 500ms, 20s, 2m, or 1h"), "{time}");
        let user = said("users: [a]\nsteps:\n  - as: b\n    say: x\n");
        assert!(user.contains("b is not among the script's users; there are a"), "{user}");
        for step in ["include: a.yaml\n    as: b", "start: false", "expect: {card: {title: {matches: '('}}}"]
        {
            let odd = said(&format!("steps:\n  - {step}\n"));
            assert!(odd.starts_with("script.yaml:2:5: "), "{odd}");
        }
        assert_eq!(said(" \n"), "script.yaml: the script is empty (docs/converse.md has the format)");
        let quotes = said("steps:\n  - tap: 1.50\n");
        assert!(quotes.contains("put the text into quotes"), "{quotes}");
        let digits = load("chatbot: 12306\nsteps:\n  - tap: 1\n").unwrap();
        assert_eq!(digits.to.as_deref(), Some("12306"));
        let yaml = said("steps: [\n");
        assert!(yaml.starts_with("script.yaml:"), "{yaml}");
    }

    #[test]
    fn a_script_may_include_others_but_not_itself() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
        write("search.yaml", "variables: {city: 上海}\nsteps:\n  - say: 明天北京到${city}\n");
        write("book.yaml", "variables: {city: 天津}\nsteps:\n  - include: search.yaml\n  - tap: 预订\n");
        write("round.yaml", "steps:\n  - include: round.yaml\n");
        write("lost.yaml", "steps:\n  - include: nowhere.yaml\n");
        let script = Script::load(&directory.path().join("book.yaml")).unwrap();
        assert_eq!(script.steps.len(), 2);
        assert!(script.steps[0].at.file.ends_with("search.yaml"));
        assert_eq!(script.variables["city"], "天津", "who includes decides");
        let round = Script::load(&directory.path().join("round.yaml")).unwrap_err().0;
        assert!(round.contains("too deeply"), "{round}");
        let lost = Script::load(&directory.path().join("lost.yaml")).unwrap_err().0;
        assert!(lost.contains("lost.yaml:2:5: include: ") && lost.contains("nowhere.yaml"), "{lost}");
    }

    #[test]
    fn times_are_read_with_their_unit() {
        let millis = |text: &str| Wait::parse(text).map(|wait| wait.0.as_millis());
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("20s"), Some(20_000));
        assert_eq!(millis("2 m"), Some(120_000));
        assert_eq!(millis("25h"), None);
        assert_eq!(millis("20"), None);
        assert_eq!(millis("99999999999999999999h"), None);
    }
}
