//! What differs between the APIs that chatbots speak, once a call is read and before a push is written.
//!
//! Calls come in through the HTTP edge of a dialect, which reads them with `chatbot_api` into a [`crate::Call`]; everything
//! that is decided about them is the same for all. What goes out to a webhook is written here: [`push`] makes a request of
//! what an entry says, [`check`] the request that finds out whether a webhook is its chatbot's, and [`taken`] and
//! [`check_passed`] read the answers. One file a dialect.

pub mod ctcu;

use bytes::Bytes;
use chatbot_api::ctcu::address::PathForm;
use rcs::Timestamp;
use store::{Chatbot, Dialect};

use crate::push::{Method, PushAnswer};
use crate::told::Told;

/// A request to a webhook, but for what is the same for all.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: String,
    /// With `content-type` if there is a body.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// What makes a request fresh.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) now: Timestamp,
    /// A UUID that was never used.
    pub(crate) nonce: String,
}

/// What a webhook's answer to a push means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It has what was pushed.
    Yes,
    /// It knows nothing at this path: perhaps at the other.
    OtherForm,
    /// Not now; what was the matter, in a few words.
    No(String),
}

/// Whether this version has the API.
pub(crate) fn is_spoken(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Ctcu)
}

/// What `told` is to `chatbot`; `None` if its API has no words for it, or it has no webhook.
pub(crate) fn push(chatbot: &Chatbot, told: &Told, form: PathForm, fresh: &Fresh) -> Option<Request> {
    let webhook = chatbot.webhook.as_deref()?;
    match chatbot.dialect {
        Dialect::Ctcu => ctcu::push(chatbot, webhook, told, form, fresh),
        Dialect::Cm | Dialect::Rbm | Dialect::Fnw11 => None,
    }
}

/// What a webhook answered to a push.
pub(crate) fn taken(dialect: Dialect, answer: &PushAnswer) -> Taken {
    match dialect {
        Dialect::Ctcu => ctcu::taken(answer),
        _ if (200..300).contains(&answer.status) => Taken::Yes,
        _ => Taken::No(format!("answered {}", answer.status)),
    }
}

/// The request that checks a webhook; `None` if the API has no such thing. `echo` is fresh and random.
pub(crate) fn check(chatbot: &Chatbot, echo: &str, fresh: &Fresh) -> Option<Request> {
    let webhook = chatbot.webhook.as_deref()?;
    match chatbot.dialect {
        Dialect::Ctcu => Some(ctcu::check(chatbot, webhook, echo, fresh)),
        Dialect::Cm | Dialect::Rbm | Dialect::Fnw11 => None,
    }
}

/// Whether the answer to [`check`] is the right one; `Err` says what is wrong with it.
pub(crate) fn check_passed(chatbot: &Chatbot, answer: &PushAnswer, echo: &str) -> Result<(), String> {
    match chatbot.dialect {
        Dialect::Ctcu => ctcu::check_passed(chatbot, answer, echo),
        Dialect::Cm | Dialect::Rbm | Dialect::Fnw11 => Ok(()),
    }
}

/// Whether a webhook must pass a check before its chatbot may send.
pub(crate) fn has_check(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Ctcu)
}

/// Whether the check waits until the chatbot has asked for its first token; otherwise it is made as soon as there is a webhook.
pub(crate) fn check_waits_for_token(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Ctcu)
}
