//! What every dialect reads in the same way: ids, texts, documents and URLs under the limits of the dialect.
//!
//! A [`Violation`] says what is wrong and where; the dialect puts it into its own words.

use rcs::{
    Address,
    address::Numbering,
    bot::{Document, Limits, Violation, rule},
    file_transfer::URL_BYTES_MAX,
};
use serde_json::Value;

use crate::{Body, is_user};

/// Ceiling of the ids that chatbots give, in characters. They travel as SIP headers.
pub const MAX_ID_CHARS: usize = 128;

/// Ceiling of a word for the kind of traffic.
const MAX_TRAFFIC_BYTES: usize = 64;

/// What is wrong with an id: it must be visible ASCII, for it is written into SIP and CPIM headers.
pub fn check_id(path: &str, id: &str) -> Option<Violation> {
    let chars = id.chars().count();
    let detail = if chars > MAX_ID_CHARS {
        format!("{chars} > {MAX_ID_CHARS}")
    } else if id.is_empty() {
        return Some(violation(path, rule::REQUIRED, "missing"));
    } else if !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        "characters that are not visible ASCII".to_owned()
    } else {
        return None;
    };
    Some(violation(path, rule::TYPE, detail))
}

/// What is wrong with a word for the kind of traffic: it is a token.
pub fn check_traffic(path: &str, traffic: &str) -> Option<Violation> {
    let is_token = (1..=MAX_TRAFFIC_BYTES).contains(&traffic.len())
        && traffic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    (!is_token).then(|| violation(path, rule::WORD, "no token"))
}

/// A text within the limits, or the place that it names.
pub fn text(path: &str, text: String, limits: &Limits) -> Result<Body, Vec<Violation>> {
    if text.is_empty() {
        return Err(vec![violation(path, rule::REQUIRED, "missing")]);
    }
    match limits.check_text(path, &text) {
        Some(violation) => Err(vec![violation]),
        None => Ok(Body::of_text(text)),
    }
}

/// A card or a list of suggestions within the limits.
pub fn document<D: Document>(value: Value, limits: &Limits) -> Result<D, Vec<Violation>> {
    let document = D::from_value(value)?;
    let violations = document.validate(limits);
    if violations.is_empty() { Ok(document) } else { Err(violations) }
}

/// The user that a chatbot names, in whatever form: a subscriber, or what stands for one.
pub fn user(text: &str, numbering: &Numbering) -> Option<Address> {
    numbering.address(text).ok().filter(is_user)
}

/// Whether a URL is one that a handset may fetch: http or https, with a host, in one line.
pub fn is_web_url(url: &str) -> bool {
    let scheme = url.split("://").next().unwrap_or_default();
    let web = ["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let host = url.get(scheme.len() + 3..).is_some_and(|rest| !rest.is_empty());
    web && host && url.len() <= URL_BYTES_MAX && !url.chars().any(|c| c.is_control() || c.is_whitespace())
}

/// A violation, put together.
pub fn violation(path: impl Into<String>, rule: &'static str, detail: impl Into<String>) -> Violation {
    Violation { path: path.into(), rule, detail: detail.into() }
}
