//! Why the platform does not do what a chatbot asks.

use std::time::Duration;

use crate::rate::Span;

/// A refusal, whichever API it goes out through: each dialect has words and numbers of its own for it (`dialect`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of refusal.
    pub reason: Reason,
    /// In words for the chatbot's developer; empty when there is nothing to say beyond the reason.
    pub detail: String,
    /// When to try again, if that would help.
    pub retry_after: Option<Duration>,
    /// The limit that was reached, if it is one on messages.
    pub limit: Option<(Span, u64)>,
}

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The call shows no credential.
    NoCredential,
    /// It shows one that is not good for this chatbot, or there is no such chatbot.
    WrongCredential,
    /// It shows one whose time is over.
    LapsedCredential,
    /// The chatbot's id and key do not go together, where a token is asked for.
    WrongKey,
    /// The chatbot may not do this, or not now.
    NotAllowed,
    /// Its webhook has not passed the callback check.
    CallbackUnchecked,
    /// More messages in this second than it may send.
    SecondLimit,
    /// More messages in this day.
    DayLimit,
    /// More messages in this month.
    MonthLimit,
    /// More calls of this kind than it may make.
    CallLimit,
    /// Media of other people's.
    MediaUrl,
    /// Media that were kept here for a while, which is over.
    MediaExpired,
    /// Nobody has this number.
    NoSuchUser,
    /// Too much waits for the user.
    MailboxFull,
    /// The user has blocked the chatbot.
    Blocked,
    /// There is no such message.
    NoSuchMessage,
}

impl Refusal {
    /// A refusal that needs no more words.
    pub fn of(reason: Reason) -> Self {
        Self::with(reason, "")
    }

    /// A refusal, explained.
    pub fn with(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry_after: None, limit: None }
    }

    /// A limit that is reached, and when it is no longer.
    pub fn until(reason: Reason, retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::of(reason) }
    }
}
