//! The card checker: everything that is wrong or unwise in what a chatbot is about to send, before it is sent.
//!
//! Give it a text: a chatbot document (RCC.07 message, suggestions, menu), or a request that carries one ([`read`]). The rules
//! are those that the platform applies itself (`rcs::bot`, and the dialects' limits); here each broken rule gets its place in
//! the text, its reason and its fix, each dialect its verdict, and the whole its fallback to short messages.

#[cfg(test)]
mod agreement;
mod dialect;
mod read;
#[cfg(test)]
mod tests;

use rcs::bot::{
    Advised, BotMessage, Document, Extra, Limits, Menu, Position, Suggestion, SuggestionList,
    SuggestionResponse, Violation, position, rule,
};
use rcs::sms;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

pub use dialect::Dialect;
use dialect::Refused;
pub use read::Form;

use crate::ctcu::file;
use crate::fnw11::message;
use crate::rbm::AgentMessage;
use crate::{Body, Content};
use read::{Kind, Part};

/// More than so many are not told: nobody mends a thousand things at once, and an answer stays small.
const FINDINGS_MAX: usize = 200;

/// What there is to say about a text.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardReport)]
pub struct Report {
    /// As what it was read; absent when it is nothing that we know.
    pub form: Option<Form>,
    /// Errors first, each kind in the order of the text.
    pub findings: Vec<Finding>,
    /// Which dialect would take it.
    pub dialects: Vec<Verdict>,
    /// What phones without RCS are sent; absent when there are errors of shape, or nothing to show.
    pub fallback: Option<Fallback>,
    /// The content in the form of RCC.07: `message`, `suggestions`, `menu`, `text`, as far as they could be read.
    #[schema(value_type = Object)]
    pub content: Value,
}

/// Something wrong, or unwise.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CardFinding)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The dialects that refuse it; empty for all.
    pub dialects: Vec<Dialect>,
    /// From the root of the text: names joined by dots, items as `[0]`; empty for the root itself.
    pub path: String,
    /// One of `rcs::bot::rule`.
    pub rule: &'static str,
    /// What was found against what is asked for.
    pub detail: String,
    /// Why the rule is there.
    pub reason: &'static str,
    /// What to do.
    pub fix: String,
    /// Where it is in the text, from 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CardSeverity)]
pub enum Severity {
    /// It is refused: by every platform that keeps to the specification, or by the dialects that the finding names.
    Error,
    /// It is taken, and could be better.
    Warning,
}

/// Whether a dialect takes the content.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CardVerdict)]
pub struct Verdict {
    /// Which dialect.
    pub dialect: Dialect,
    /// Whether nothing stands against it.
    pub accepted: bool,
}

/// The content as short messages.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = CardFallback)]
pub struct Fallback {
    /// The text.
    pub text: String,
    /// `GSM-7` or `UCS-2`.
    pub encoding: &'static str,
    /// Unicode characters of the text.
    pub characters: usize,
    /// How many short messages it takes.
    pub segments: usize,
}

impl Report {
    /// Whether a chatbot of one of these dialects may send it; with none given, whether it keeps to the specification.
    pub fn is_accepted(&self, dialects: &[Dialect]) -> bool {
        let against = |finding: &Finding| {
            finding.severity == Severity::Error
                && (finding.dialects.is_empty()
                    || finding.dialects.iter().any(|dialect| dialects.contains(dialect)))
        };
        !self.findings.iter().any(against)
    }
}

/// Checks a text.
pub fn check(text: &[u8]) -> Report {
    let mut check = Check::default();
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let before = String::from_utf8_lossy(&text[..error.valid_up_to()]);
            let at = Position::of(&before, before.len());
            check.refuse(at, rule::JSON, "not UTF-8");
            return check.report(None);
        }
    };
    let value = match read::json(text) {
        Ok(value) => value,
        Err((at, detail)) => {
            check.refuse(at, rule::JSON, detail);
            return check.report(None);
        }
    };
    if let Some((before, message)) = read::rbm(&value) {
        check.rbm(text, before, &message);
        return check.report(Some(Form::RbmMessage));
    }
    let Some((form, parts)) = read::parts(&value, &mut check.faults) else {
        check.take_faults(text);
        return check.report(None);
    };
    for part in parts {
        check.part(text, part);
    }
    check.take_faults(text);
    check.report(Some(form))
}

#[derive(Default)]
struct Check {
    faults: Vec<Violation>,
    findings: Vec<Finding>,
    body: Option<Body>,
    chips: Vec<Suggestion>,
    menu: Option<Menu>,
    /// There is no content to fall back to, or it could not be read.
    is_unreadable: bool,
}

impl Check {
    fn part(&mut self, text: &str, part: Part) {
        let found = match part.kind {
            Kind::Text => match part.value.as_str() {
                Some("") => Err(vec![violation("", rule::REQUIRED, "missing")]),
                Some(said) => {
                    let limits = |limits: &Limits| limits.check_text("", said).into_iter().collect();
                    let found = Found {
                        errors: limits(&Limits::RCC07),
                        refusals: dialect::narrower(limits),
                        advice: Vec::new(),
                    };
                    self.body = Some(Body::of_text(said.to_owned()));
                    Ok(found)
                }
                None => Err(vec![violation(
                    "",
                    rule::TYPE,
                    format!("{} where a string belongs", rcs::bot::reader::kind(&part.value)),
                )]),
            },
            Kind::Message => read_as::<BotMessage>(&part.value, dialect::card).map(|(message, found)| {
                self.body = Some(Body::Card(message));
                found
            }),
            Kind::Suggestions => {
                read_as::<SuggestionList>(&part.value, dialect::suggestions).map(|(list, found)| {
                    self.chips = list.suggestions;
                    found
                })
            }
            Kind::Menu => read_as::<Menu>(&part.value, dialect::menu).map(|(menu, found)| {
                self.menu = Some(menu);
                found
            }),
            Kind::Files => file::read_items("", part.value).map(|transfer| {
                let found = Found { refusals: dialect::files(&transfer), ..Found::default() };
                self.body = Some(Body::File(transfer));
                found
            }),
            Kind::Fnw11(name) => message::read_content(name, part.value).map(|body| {
                self.body = Some(body);
                Found::default()
            }),
            Kind::Response => SuggestionResponse::from_value(part.value)
                .map(|response| Found { errors: response.validate(&Limits::RCC07), ..Found::default() }),
        };
        let mut add = |severity, dialects: &[Dialect], violation: Violation| {
            if self.findings.len() >= FINDINGS_MAX {
                return;
            }
            let path = join(&part.path, &violation.path);
            let at = if part.is_in_place { position(text, &path) } else { position(text, &part.path) };
            self.findings.push(Finding::of(severity, dialects, Violation { path, ..violation }, at));
        };
        match found {
            Err(violations) => {
                self.is_unreadable = true;
                violations.into_iter().for_each(|violation| add(Severity::Error, &[], violation));
            }
            Ok(found) => {
                found.errors.into_iter().for_each(|violation| add(Severity::Error, &[], violation));
                for (dialects, violation) in found.refusals {
                    add(Severity::Error, &dialects, violation);
                }
                found.advice.into_iter().for_each(|violation| add(Severity::Warning, &[], violation));
            }
        }
    }

    /// A message of RBM, by the reader of that dialect. `before` is what its paths begin with that is not in the text.
    fn rbm(&mut self, text: &str, before: &str, message: &Value) {
        let in_text = |path: &str| match path.strip_prefix(before) {
            Some(path) if !before.is_empty() => path.trim_start_matches('.').to_owned(),
            _ => path.to_owned(),
        };
        match AgentMessage::parse(message.to_string().as_bytes()) {
            Err(refusal) => {
                self.is_unreadable = true;
                let violations = match refusal.violations.is_empty() {
                    true => vec![violation("", rule::FORM, refusal.message)],
                    false => refusal.violations,
                };
                for violation in violations.into_iter().take(FINDINGS_MAX) {
                    let path = in_text(&violation.path);
                    let at = position(text, &path);
                    self.findings.push(Finding::of(
                        Severity::Error,
                        &[],
                        Violation { path, ..violation },
                        at,
                    ));
                }
            }
            Ok(message) => {
                let content = message.content();
                let content_at = if before.is_empty() { "contentMessage" } else { "" };
                for (dialects, violation) in dialect::of_rbm(content) {
                    // The path is that of the content in the form of RCC.07.
                    let at = position(text, content_at);
                    self.findings.push(Finding::of(Severity::Error, &dialects, violation, at));
                }
                self.body = Some(content.body.clone());
                self.chips.clone_from(&content.chips);
            }
        }
    }

    /// What was wrong around the parts.
    fn take_faults(&mut self, text: &str) {
        for violation in std::mem::take(&mut self.faults) {
            let at = position(text, &violation.path);
            self.findings.push(Finding::of(Severity::Error, &[], violation, at));
        }
    }

    fn refuse(&mut self, at: Position, rule: &'static str, detail: impl Into<String>) {
        self.findings.push(Finding::of(Severity::Error, &[], violation("", rule, detail), at));
    }

    fn report(mut self, form: Option<Form>) -> Report {
        self.findings.sort_by_key(|finding| (finding.severity, finding.line, finding.column));
        let mut content = Extra::new();
        match &self.body {
            Some(Body::Card(card)) => content.extend(members(card)),
            Some(Body::Text(text)) => _ = content.insert("text".to_owned(), json!(text)),
            Some(Body::Location(place)) => _ = content.insert("text".to_owned(), json!(place.to_geo_uri())),
            Some(Body::File(_)) | None => {}
        }
        if !self.chips.is_empty() {
            content.extend(members(&SuggestionList { suggestions: self.chips.clone() }));
        }
        if let Some(menu) = &self.menu {
            content.extend(members(menu));
        }
        let has_something = self.body.is_some() || !self.chips.is_empty();
        let fallback = (has_something && !self.is_unreadable).then(|| {
            let body = self.body.take().unwrap_or(Body::Text(String::new()));
            Fallback::of(Content { body, chips: std::mem::take(&mut self.chips) }.to_plain_text())
        });
        let mut report =
            Report { form, findings: self.findings, dialects: Vec::new(), fallback, content: content.into() };
        report.dialects = Dialect::ALL
            .iter()
            .map(|&dialect| Verdict { dialect, accepted: form.is_some() && report.is_accepted(&[dialect]) })
            .collect();
        report
    }
}

/// What was found in one part.
#[derive(Default)]
struct Found {
    errors: Vec<Violation>,
    refusals: Vec<Refused>,
    advice: Vec<Violation>,
}

/// Reads a part; `refusals` says what dialects do not take of it.
fn read_as<D: Advised>(
    value: &Value,
    refusals: fn(&D) -> Vec<Refused>,
) -> Result<(D, Found), Vec<Violation>> {
    let document = D::from_value(value.clone())?;
    let found = Found {
        errors: document.validate(&Limits::RCC07),
        refusals: refusals(&document),
        advice: document.advice(value),
    };
    Ok((document, found))
}

impl Finding {
    fn of(severity: Severity, dialects: &[Dialect], violation: Violation, at: Position) -> Self {
        Self {
            severity,
            dialects: dialects.to_vec(),
            reason: violation.reason(),
            fix: violation.fix(),
            path: violation.path,
            rule: violation.rule,
            detail: violation.detail,
            line: at.line,
            column: at.column,
        }
    }
}

impl Fallback {
    fn of(text: String) -> Self {
        let counted = sms::segments(&text);
        Self {
            encoding: counted.encoding.as_str(),
            characters: text.chars().count(),
            segments: counted.segments,
            text,
        }
    }
}

fn violation(path: impl Into<String>, rule: &'static str, detail: impl Into<String>) -> Violation {
    Violation { path: path.into(), rule, detail: detail.into() }
}

fn join(before: &str, path: &str) -> String {
    match (before, path) {
        ("", path) => path.to_owned(),
        (before, "") => before.to_owned(),
        (before, item) if item.starts_with('[') => format!("{before}{item}"),
        (before, path) => format!("{before}.{path}"),
    }
}

fn members(document: &impl Serialize) -> Extra {
    match serde_json::to_value(document) {
        Ok(Value::Object(members)) => members,
        _ => Extra::new(),
    }
}
