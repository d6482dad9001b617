//! What differs between the APIs that chatbots speak, once a call is read and before a push is written.
//!
//! Calls come in through the HTTP edge of a dialect, which reads them with `chatbot_api` into a [`crate::Call`]; everything
//! that is decided about them is the same for all. What goes out to a webhook is written here: [`push`] makes a request of
//! what an entry says, [`check`] the request that finds out whether a webhook is its chatbot's, and [`taken`] and
//! [`check_passed`] read the answers. One file a dialect.

pub mod cm;
pub mod ctcu;
pub mod fnw11;
pub mod rbm;

use std::time::Duration;

use bytes::Bytes;
use chatbot_api::ctcu::address::PathForm;
use rcs::Timestamp;
use rcs::address::{Address, Numbering};
use rcs::composing::State;
use store::{Chatbot, Dialect};

use crate::Config;
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

/// What makes a request fresh, and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Fresh<'a> {
    pub(crate) now: Timestamp,
    /// A UUID that was never used.
    pub(crate) nonce: String,
    /// The root of our own URLs, without a trailing slash.
    pub(crate) public_url: &'a str,
    /// Our domain.
    pub(crate) numbering: &'a Numbering,
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
    matches!(dialect, Dialect::Ctcu | Dialect::Cm | Dialect::Rbm | Dialect::Fnw11)
}

/// What `told` is to `chatbot`; `None` if its API has no words for it, or it has no webhook.
pub(crate) fn push(chatbot: &Chatbot, told: &Told, form: PathForm, fresh: &Fresh<'_>) -> Option<Request> {
    let webhook = chatbot.webhook.as_deref()?;
    match chatbot.dialect {
        Dialect::Ctcu => ctcu::push(chatbot, webhook, told, form, fresh),
        Dialect::Cm => cm::push(chatbot, webhook, told, form, fresh),
        Dialect::Rbm => rbm::push(chatbot, webhook, told, fresh),
        Dialect::Fnw11 => fnw11::push(chatbot, webhook, told),
    }
}

/// That `user` writes to `chatbot`, or has stopped; `None` if its API has no words for it, or it has no webhook.
pub(crate) fn typing(chatbot: &Chatbot, user: &Address, state: State, fresh: &Fresh<'_>) -> Option<Request> {
    let webhook = chatbot.webhook.as_deref()?;
    match (chatbot.dialect, state) {
        (Dialect::Rbm, State::Active) => Some(rbm::typing(chatbot, webhook, user, fresh)),
        (Dialect::Fnw11, state) => Some(fnw11::typing(chatbot, webhook, user, state)),
        (Dialect::Rbm | Dialect::Ctcu | Dialect::Cm, _) => None,
    }
}

/// Whether a webhook is told that a user wants its chatbot's messages or does not, beside the word that the user has said.
pub(crate) fn tells_consent(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Rbm)
}

/// Whether a webhook that has taken a message has read it; otherwise the chatbot says so itself.
pub(crate) fn taking_is_reading(dialect: Dialect) -> bool {
    !matches!(dialect, Dialect::Rbm | Dialect::Fnw11)
}

/// Whether the operator looks at temporary media as well, because the API has an audit of whatever is uploaded. Otherwise what does
/// not stay is not looked at (maap-api §2.6).
pub(crate) fn audits_all_media(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Cm | Dialect::Fnw11)
}

/// Whether chatbots are told by webhook who a user is whom they knew by a token.
pub(crate) fn tells_alias(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Fnw11)
}

/// Whether the call itself is refused when the message cannot be kept for its user; otherwise that is told as a status.
pub(crate) fn refuses_at_once(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Rbm)
}

/// How long pushes that fail are tried, from the first failure on (or that of one before them), and the longest wait between two
/// tries: a week and ten minutes where the API says so (maap-api §7), as configured for a day otherwise.
pub(crate) fn patience(dialect: Dialect, config: &Config) -> (Duration, Duration) {
    match dialect {
        Dialect::Rbm => (config.give_up_after.saturating_mul(7), Duration::from_secs(600)),
        Dialect::Ctcu | Dialect::Cm | Dialect::Fnw11 => (config.give_up_after, Duration::MAX),
    }
}

/// What a webhook answered to a push.
pub(crate) fn taken(dialect: Dialect, answer: &PushAnswer) -> Taken {
    match dialect {
        Dialect::Ctcu => ctcu::taken(answer),
        Dialect::Cm => cm::taken(answer),
        // Nothing but 200 takes a push there (maap-api §7); others are content with any success.
        Dialect::Rbm if answer.status != 200 => Taken::No(format!("answered {}", answer.status)),
        _ if (200..300).contains(&answer.status) => Taken::Yes,
        _ => Taken::No(format!("answered {}", answer.status)),
    }
}

/// The request that checks a webhook; `None` if the API has no such thing. `echo` is fresh and random.
pub(crate) fn check(chatbot: &Chatbot, echo: &str, fresh: &Fresh<'_>) -> Option<Request> {
    let webhook = chatbot.webhook.as_deref()?;
    match chatbot.dialect {
        Dialect::Ctcu => Some(ctcu::check(chatbot, webhook, echo, fresh)),
        Dialect::Rbm => Some(rbm::check(chatbot, webhook, echo)),
        Dialect::Fnw11 => chatbot.webhook_probe.then(|| fnw11::probe(chatbot, webhook)),
        Dialect::Cm => None,
    }
}

/// Whether the answer to [`check`] is the right one; `Err` says what is wrong with it.
pub(crate) fn check_passed(chatbot: &Chatbot, answer: &PushAnswer, echo: &str) -> Result<(), String> {
    match chatbot.dialect {
        Dialect::Ctcu => ctcu::check_passed(chatbot, answer, echo),
        Dialect::Rbm => rbm::check_passed(answer, echo),
        Dialect::Fnw11 => fnw11::probed(answer),
        Dialect::Cm => Ok(()),
    }
}

/// Whether a webhook must pass a check before its chatbot may send.
pub(crate) fn has_check(chatbot: &Chatbot) -> bool {
    match chatbot.dialect {
        Dialect::Ctcu => true,
        Dialect::Fnw11 => chatbot.webhook_probe,
        Dialect::Cm | Dialect::Rbm => false,
    }
}

/// Whether the check waits until the chatbot has asked for its first token; otherwise it is made as soon as there is a webhook.
pub(crate) fn check_waits_for_token(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Ctcu)
}
