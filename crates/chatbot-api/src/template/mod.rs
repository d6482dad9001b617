//! Templates: what a chatbot says, with places for what differs from recipient to recipient.
//!
//! ```json
//! {
//!   "variables": [
//!     { "name": "train", "type": "text", "maxChars": 8 },
//!     { "name": "leaves", "type": "date", "format": "%m-%d %H:%M" },
//!     { "name": "price", "type": "money", "currency": "CNY" },
//!     { "name": "seat", "type": "choice", "choices": { "2": "二等座", "1": "一等座" }, "default": "2" }
//!   ],
//!   "content": {
//!     "text": "{{train}} {{leaves}} 开, {{seat}} {{price}}",
//!     "suggestions": [{ "reply": { "displayText": "改签", "postback": { "data": "change {{train}}" } } }]
//!   },
//!   "traffic": "advertisement"
//! }
//! ```
//!
//! `content` has one of `text`, `message` (a card or carousel as in RCC.07, from `generalPurposeCard…` on) and `file` (the items of
//! the CT/CU interface), and may have `suggestions`. A place is `{{name}}` anywhere in a string of it; a string that is nothing but
//! `{{name:number}}` becomes a number. In a string that begins as an `http` URL, what is filled in is percent-encoded, unless it
//! stands at the beginning.
//!
//! A template that was read is known to give valid content for all values that its variables let through: it has been filled with
//! the shortest and with the longest of them. So a row of a recipient list can be judged by its values alone.

mod variable;

use std::collections::BTreeSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rcs::bot::reader::{Faults, Members};
use rcs::bot::{self, BotMessage, Document, Limits, SuggestionList, Violation, rule};
use serde_json::{Map, Value};

use crate::{Body, Content, ctcu};
use variable::Sample;
pub use variable::{Kind, Variable};

/// Ceiling of a template, in bytes of JSON: every message that is made from it must fit into a row.
pub const MAX_BYTES: usize = 64 << 10;

/// Ceiling of the variables.
pub const MAX_VARIABLES: usize = 50;

/// Longest name of a variable, in bytes.
const NAME_BYTES_MAX: usize = 40;

/// The members of the content of which there is one.
const BODIES: [&str; 3] = ["text", "message", "file"];

/// What is left as it is when a value is put into a URL (RFC 3986 §2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A template, read and validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// In the order in which they were declared; recipients' values are kept in this order.
    pub variables: Vec<Variable>,
    /// With places.
    content: Map<String, Value>,
    /// The kind of traffic ([`crate::Outgoing::traffic`]).
    pub traffic: Option<String>,
    /// The text for phones without RCS, with places.
    sms: Option<String>,
}

/// What a template says to one recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    /// The message.
    pub content: Content,
    /// The text for phones without RCS.
    pub sms: Option<String>,
}

impl Template {
    /// Reads a template, and fills it with the shortest and longest values to see that all of them fit `limits`.
    ///
    /// # Errors
    /// Everything that is wrong with it, by JSON path; never empty.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, Vec<Violation>> {
        if bytes.len() > MAX_BYTES {
            return Err(fault("", rule::LENGTH, format!("{} bytes > {MAX_BYTES}", bytes.len())));
        }
        let value = bot::read_json(bytes).map_err(|error| fault("", rule::TYPE, error.to_string()))?;
        Self::from_value(value, limits)
    }

    /// As [`Template::parse`], from JSON that was read already.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn from_value(value: Value, limits: &Limits) -> Result<Self, Vec<Violation>> {
        let mut faults = Faults::default();
        let read = Members::of("", value, &mut faults).and_then(|members| Self::read(members, &mut faults));
        let template = faults.finish(read)?;
        for (sample, which) in [
            (Sample::Shortest, "with the shortest values"),
            (Sample::Longest, "with the longest values"),
            (Sample::Widest, "with the longest values"),
        ] {
            let values: Vec<String> =
                template.variables.iter().map(|variable| variable.sample(sample)).collect();
            template.fill(&values, limits).map_err(|mut violations| {
                violations.iter_mut().for_each(|one| one.detail = format!("{} ({which})", one.detail));
                violations
            })?;
        }
        Ok(template)
    }

    fn read(mut members: Members, faults: &mut Faults) -> Option<Self> {
        let variables = members.list("variables", faults, Variable::read).unwrap_or_default();
        if variables.len() > MAX_VARIABLES {
            faults.add("variables", rule::COUNT, format!("{} > {MAX_VARIABLES}", variables.len()));
        }
        let mut names = BTreeSet::new();
        for (index, variable) in variables.iter().enumerate() {
            if !names.insert(variable.name.as_str()) {
                faults.add(format!("variables[{index}].name"), rule::ONE_OF, "a second one of this name");
            }
        }
        let content = members.required("content", faults, |members, key, faults| {
            members.object(key, faults).map(Members::rest)
        });
        let traffic = members.string("traffic", faults);
        if traffic.as_ref().is_some_and(|traffic| !is_token(traffic)) {
            faults.add("traffic", rule::WORD, "no token");
        }
        let sms = members.string("sms", faults);
        for (name, _) in members.rest() {
            faults.add(name, rule::EXTRA, "no member of a template");
        }
        let content = content?;
        let mut used = BTreeSet::new();
        for (name, value) in &content {
            check_places(&format!("content.{name}"), value, &variables, &mut used, faults);
        }
        if let Some(sms) = &sms {
            check_text("sms", sms, &variables, &mut used, faults);
        }
        for (index, variable) in variables.iter().enumerate() {
            if !used.contains(variable.name.as_str()) {
                faults.add(
                    format!("variables[{index}]"),
                    rule::EXTRA,
                    "nothing in the content has a place for it",
                );
            }
        }
        Some(Self { variables, content, traffic, sms })
    }

    /// Whether it is a text, without media whatever is filled in.
    pub fn is_text(&self) -> bool {
        self.content.contains_key("text")
    }

    /// The values of all variables as they are filled in, from what is given for one recipient: texts, or JSON numbers for
    /// numbers and money. `path` is where `given` stands in the caller's document.
    ///
    /// # Errors
    /// What is missing, unknown, or no value of its type.
    pub fn values(&self, path: &str, mut given: Map<String, Value>) -> Result<Vec<String>, Vec<Violation>> {
        let mut faults = Faults::default();
        let mut values = Vec::with_capacity(self.variables.len());
        for variable in &self.variables {
            let value = given.remove(&variable.name).unwrap_or_default();
            match variable.value(&value) {
                Ok(value) => values.push(value),
                Err((rule, detail)) => faults.add(format!("{path}.{}", variable.name), rule, detail),
            }
        }
        for name in given.keys() {
            faults.add(format!("{path}.{name}"), rule::EXTRA, "no variable of the template");
        }
        faults.finish(Some(values))
    }

    /// What is said to a recipient with these values ([`Template::values`]).
    ///
    /// # Errors
    /// What does not fit `limits`, and values of another number than there are variables.
    pub fn fill(&self, values: &[String], limits: &Limits) -> Result<Filled, Vec<Violation>> {
        if values.len() != self.variables.len() {
            let detail = format!("{} where {} belong", values.len(), self.variables.len());
            return Err(fault("variables", rule::COUNT, detail));
        }
        let filler = Filler { variables: &self.variables, values };
        let mut faults = Faults::default();
        let filled = Value::Object(filler.object(&self.content));
        let Some(mut content) = Members::of("content", filled, &mut faults) else {
            return faults.finish(None);
        };
        let body = read_body(&mut content, limits, &mut faults);
        let chips = match content.value("suggestions") {
            Some(list) => {
                let list = Value::Object([("suggestions".to_owned(), list)].into_iter().collect());
                document::<SuggestionList>(list, limits, &mut faults).map(|list| list.suggestions)
            }
            None => Some(Vec::new()),
        };
        for (name, _) in content.rest().into_iter().filter(|(name, _)| !BODIES.contains(&name.as_str())) {
            faults.add(format!("content.{name}"), rule::EXTRA, "no member of the content");
        }
        let sms = self.sms.as_ref().map(|sms| filler.text(sms));
        if let Some(violation) = sms.as_ref().and_then(|sms| limits.check_text("sms", sms)) {
            faults.add(violation.path, violation.rule, violation.detail);
        }
        let filled = body.zip(chips).map(|(body, chips)| Filled { content: Content { body, chips }, sms });
        faults.finish(filled)
    }
}

/// The message proper: exactly one of its kinds.
fn read_body(content: &mut Members, limits: &Limits, faults: &mut Faults) -> Option<Body> {
    match BODIES.into_iter().filter(|kind| content.has(kind)).count() {
        1 => {}
        0 => {
            faults.add("content", rule::REQUIRED, "none of text, message, file");
            return None;
        }
        _ => {
            faults.add("content", rule::ONE_OF, "more than one of text, message, file");
            return None;
        }
    }
    if content.has("text") {
        let text = content.text("text", faults)?;
        if let Some(violation) = limits.check_text("content.text", &text) {
            faults.add(violation.path, violation.rule, violation.detail);
        }
        return Some(Body::of_text(text));
    }
    if let Some(message) = content.value("message") {
        let message = Value::Object([("message".to_owned(), message)].into_iter().collect());
        return document::<BotMessage>(message, limits, faults).map(Body::Card);
    }
    let file = content.value("file")?;
    match ctcu::file::read_items("content.file", file) {
        Ok(file) => Some(Body::File(file)),
        Err(violations) => {
            violations.into_iter().for_each(|one| faults.add(one.path, one.rule, one.detail));
            None
        }
    }
}

fn document<D: Document>(value: Value, limits: &Limits, faults: &mut Faults) -> Option<D> {
    let (document, violations) = match D::from_value(value) {
        Ok(document) => {
            let violations = document.validate(limits);
            (Some(document), violations)
        }
        Err(violations) => (None, violations),
    };
    for one in violations {
        faults.add(format!("content.{}", one.path), one.rule, one.detail);
    }
    document
}

/// Puts values into places.
struct Filler<'t> {
    variables: &'t [Variable],
    values: &'t [String],
}

impl Filler<'_> {
    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match number_place(text).and_then(|name| self.of(name)) {
                // A number of any size that a value may have is a JSON number.
                Some(number) => {
                    serde_json::from_str(number).unwrap_or_else(|_| Value::String(number.to_owned()))
                }
                None => Value::String(self.text(text)),
            },
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => Value::Object(self.object(members)),
            other => other.clone(),
        }
    }

    fn object(&self, members: &Map<String, Value>) -> Map<String, Value> {
        members.iter().map(|(name, value)| (name.clone(), self.value(value))).collect()
    }

    fn text(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len() + 32);
        for piece in pieces(text) {
            match piece {
                Piece::Literal(literal) => filled.push_str(literal),
                Piece::Place(name) => {
                    let value = self.of(name).unwrap_or_default();
                    match is_http(&filled) {
                        true => filled.extend(utf8_percent_encode(value, UNRESERVED)),
                        false => filled.push_str(value),
                    }
                }
                // A template that was read has none.
                Piece::Broken(rest) => filled.push_str(rest),
            }
        }
        filled
    }

    fn of(&self, name: &str) -> Option<&str> {
        let index = self.variables.iter().position(|variable| variable.name == name)?;
        self.values.get(index).map(String::as_str)
    }
}

/// A part of a text.
#[derive(Debug, PartialEq)]
enum Piece<'t> {
    Literal(&'t str),
    /// `{{name}}`
    Place(&'t str),
    /// From a `{{` on that begins no place.
    Broken(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find("{{") {
        if at > 0 {
            pieces.push(Piece::Literal(&rest[..at]));
        }
        let place = rest[at + 2..].split_once("}}").map(|(name, after)| (name.trim(), after));
        let Some((name, after)) = place.filter(|(name, _)| is_name(name)) else {
            pieces.push(Piece::Broken(&rest[at..]));
            return pieces;
        };
        pieces.push(Piece::Place(name));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

/// The variable of a text that is `{{name:number}}` and nothing else.
fn number_place(text: &str) -> Option<&str> {
    let name = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim().strip_suffix(":number")?;
    is_name(name).then_some(name)
}

fn is_http(text: &str) -> bool {
    ["http://", "https://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)))
}

/// The name of a variable: a letter or underscore, then letters, digits and underscores.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_token(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Whether every place of `value` is one of a variable; notes which are used.
fn check_places<'v>(
    path: &str,
    value: &Value,
    variables: &'v [Variable],
    used: &mut BTreeSet<&'v str>,
    faults: &mut Faults,
) {
    match value {
        Value::String(text) => check_text(path, text, variables, used, faults),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_places(&format!("{path}[{index}]"), item, variables, used, faults);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                check_places(&format!("{path}.{name}"), member, variables, used, faults);
            }
        }
        _ => {}
    }
}

fn check_text<'v>(
    path: &str,
    text: &str,
    variables: &'v [Variable],
    used: &mut BTreeSet<&'v str>,
    faults: &mut Faults,
) {
    let find = |name: &str| variables.iter().find(|variable| variable.name == name);
    let undeclared = |name: &str| format!("no variable {name} is declared");
    if let Some(name) = number_place(text) {
        match find(name) {
            Some(variable) if matches!(variable.kind, Kind::Number { .. }) => _ = used.insert(&variable.name),
            Some(_) => faults.add(path, rule::TYPE, format!("{name} is no number")),
            None => faults.add(path, rule::WORD, undeclared(name)),
        }
        return;
    }
    for piece in pieces(text) {
        match piece {
            Piece::Literal(_) => {}
            Piece::Place(name) => match find(name) {
                Some(variable) => _ = used.insert(&variable.name),
                None => faults.add(path, rule::WORD, undeclared(name)),
            },
            Piece::Broken(rest) => {
                let begin: String = rest.chars().take(40).collect();
                faults.add(path, rule::WORD, format!("{begin:?} is no place: write {{{{name}}}}"));
            }
        }
    }
}

fn fault(path: &str, rule: &'static str, detail: String) -> Vec<Violation> {
    vec![Violation { path: path.to_owned(), rule, detail }]
}

#[cfg(test)]
mod tests;
