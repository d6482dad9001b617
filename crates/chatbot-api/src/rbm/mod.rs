//! RBM-style interface, version 1: JSON over HTTP under `/v1`, service accounts, one webhook URL (maap-api §7).
//!
//! - [`message`]: an agent's message, read into the shared model; [`card`] and [`suggestion`] are parts of it.
//! - [`event`]: what an agent tells a user beside messages: typing, read.
//! - [`answer`]: the bodies of our answers.
//! - [`push`]: what we POST to the webhook: messages and events of users, events of the platform; the envelope, its
//!   signature, and the check of a new webhook.
//! - [`jwt`], [`token`], [`key`]: how a service account proves itself.
//! - [`error`]: status codes, and refusals with the place of what is wrong.
//! - [`discovery`]: the description of the interface from which generic client libraries build themselves.
//!
//! What chatbots call an *agent* is a chatbot to the rest of the platform, and its *agentId* the chatbot's name.

pub mod answer;
pub mod card;
pub mod discovery;
pub mod error;
pub mod event;
pub mod jwt;
pub mod key;
pub mod message;
pub mod push;
mod reading;
pub mod suggestion;
#[cfg(test)]
mod tests;
pub mod token;

use rcs::{
    Address,
    address::{AddressKind, Numbering},
    bot::Limits,
};

pub use error::{Code, Refusal};
pub use message::AgentMessage;

/// The interface's limits; only its carousels are narrower than the specification's.
pub const LIMITS: Limits = Limits { carousel_cards: 2..=10, ..Limits::RCC07 };

/// The OAuth scope of every call.
pub const SCOPE: &str = "https://www.googleapis.com/auth/rcsbusinessmessaging";

/// Longest id of a message, an event or a request, in bytes.
pub const ID_BYTES_MAX: usize = 128;

/// The user whom a path or a list names: an E.164 number, with or without `+`; or the URI of a user who hides the number, as
/// [`phone`] gives it.
pub fn user(text: &str, numbering: &Numbering) -> Option<Address> {
    if text.starts_with("sip:") {
        return numbering.address(text).ok().filter(|address| address.kind() == AddressKind::Other);
    }
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let address = is_number.then(|| numbering.address(&format!("+{digits}")).ok()).flatten()?;
    (address.kind() == AddressKind::Subscriber).then_some(address)
}

/// The chatbot that an `agentId` names: its name, or its name and domain, as the key file's `client_email` has them.
pub fn agent(text: &str, numbering: &Numbering) -> Option<Address> {
    crate::ctcu::address::chatbot(text, numbering)
}

/// How the interface writes a user: `+8613800000001`. A user who hides the number is named by the whole address.
pub fn phone(user: &Address) -> &str {
    user.e164().unwrap_or(user.as_str())
}

/// How the interface writes an agent: the chatbot's name if it is of our domain, else its name and domain.
pub fn agent_id(chatbot: &Address, numbering: &Numbering) -> String {
    match numbering.chatbot(chatbot.user()) {
        Ok(ours) if ours == *chatbot => chatbot.user().to_owned(),
        _ => account(chatbot).to_owned(),
    }
}

/// The e-mail address that names a chatbot's service account: its SIP URI without the scheme.
pub fn account(chatbot: &Address) -> &str {
    chatbot.as_str().strip_prefix("sip:").unwrap_or(chatbot.as_str())
}

/// Whether an id can be taken over: 1 to [`ID_BYTES_MAX`] characters as message ids have them.
pub fn is_id(id: &str) -> bool {
    id.len() <= ID_BYTES_MAX && rcs::ids::is_valid(id) && !id.contains('/')
}
