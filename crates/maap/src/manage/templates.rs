//! Templates of chatbots: read, kept as JSON, replaced, removed.

use chatbot_api::Template;
use message_centre::Work;
use rcs::bot::Limits;
use serde_json::Value;
use store::TemplateKey;

use super::{Answer, invalid};

/// What templates are held to.
pub const TEMPLATE_LIMITS: &Limits = &Limits::RCC07;

/// Longest name of a template or campaign, in characters.
pub(super) const NAME_CHARS_MAX: usize = 64;

/// The most templates of a chatbot.
const PER_CHATBOT_MAX: usize = 1_000;

/// A template from what is stored of it.
///
/// # Panics
/// If it is none: what is stored was validated.
pub fn read(source: &str) -> Template {
    Template::parse(source.as_bytes(), TEMPLATE_LIMITS)
        .expect("a stored template was valid when it was stored")
}

pub(super) fn put(key: TemplateKey, source: Value, work: &mut Work<'_>) -> Answer {
    if work.view.chatbot(&key.0).is_none() {
        return Answer::NotFound("chatbot");
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if key.1.is_empty() || key.1.len() > NAME_CHARS_MAX || !key.1.bytes().all(is_plain) {
        return invalid("name: 1 to 64 letters, digits, '-', '_', '.'");
    }
    let text = source.to_string();
    if let Err(violations) = Template::from_value(source, TEMPLATE_LIMITS) {
        return Answer::Invalid(violations.iter().map(ToString::to_string).collect());
    }
    if text.len() > chatbot_api::template::MAX_BYTES {
        return invalid(format!("{} bytes > {}", text.len(), chatbot_api::template::MAX_BYTES));
    }
    let before = work.view.template(&key);
    if before.is_none() && work.view.templates_of(&key.0).len() >= PER_CHATBOT_MAX {
        return Answer::Conflict(format!("{} has {PER_CHATBOT_MAX} templates already; remove some", key.0));
    }
    let (is_new, created_at) = (before.is_none(), before.map_or(work.now, |before| before.created_at));
    let (chatbot, name) = key;
    work.view.put_template(store::Template { chatbot, name, source: text, created_at, changed_at: work.now });
    if is_new { Answer::Made } else { Answer::Done }
}

pub(super) fn remove(key: &TemplateKey, work: &mut Work<'_>) -> Answer {
    if work.view.template(key).is_none() {
        return Answer::NotFound("template");
    }
    work.view.remove_template(key);
    Answer::Done
}
