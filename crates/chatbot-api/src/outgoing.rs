//! A chatbot's request to send, whichever dialect it was made in.

use std::{collections::BTreeSet, time::Duration};

use rcs::{Address, address::AddressKind, bot::reader::Word};
use serde::{Deserialize, Serialize};

use crate::Content;

/// Whether a chatbot may mean a user by this: a phone number, or the token of one whose number it does not know, which is 32
/// hexadecimal digits in the platform's domain.
pub fn is_user(address: &Address) -> bool {
    let is_token = |user: &str| user.len() == 32 && user.bytes().all(|byte| byte.is_ascii_hexdigit());
    match address.kind() {
        AddressKind::Subscriber => true,
        AddressKind::Other => is_token(address.user()),
        AddressKind::Chatbot | AddressKind::Group => false,
    }
}

/// What a chatbot wants sent, read and validated.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The chatbot's id of the message; with the chatbot it recognises a repeated call.
    pub message_id: String,
    /// The users, each once, in the order given; never empty.
    pub to: Vec<Address>,
    /// What is said.
    pub content: Content,
    /// What is said instead to a user who is there with devices that show neither cards nor suggestions.
    pub simpler: Option<Content>,
    /// Names the conversation.
    pub conversation_id: String,
    /// Names this message within it.
    pub contribution_id: String,
    /// The contribution id of the user's message that is answered.
    pub in_reply_to: Option<String>,
    /// The kind of traffic, which handsets filter and operators charge by: `advertisement`, `payment`, `premium`,
    /// `subscription`, or another token. It travels as the CPIM header `maap.Traffic-Type`.
    pub traffic: Option<String>,
    /// The statuses that the chatbot wants to hear of.
    pub wanted: StatusSet,
    /// The text for phones without RCS; `None` if the message must not go out as SMS.
    pub sms: Option<String>,
    /// Whether to keep the message for a user who isn't there.
    pub store: bool,
    /// How long to try; `None` for the platform's default.
    pub validity: Option<Duration>,
}

/// What became of a message for one user. The words are those of the CT/CU interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// Left the platform towards the user.
    Sent,
    /// The handset has it.
    Delivered,
    /// The user has seen it.
    Displayed,
    /// It will not arrive.
    Failed,
    /// Went out as SMS.
    DeliveredToNetwork,
    /// Taken back before delivery.
    RevokeOk,
    /// Could not be taken back.
    RevokeFail,
}

impl Word for Status {
    const ALL: &'static [Self] = &[
        Self::Sent,
        Self::Delivered,
        Self::Displayed,
        Self::Failed,
        Self::DeliveredToNetwork,
        Self::RevokeOk,
        Self::RevokeFail,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Displayed => "displayed",
            Self::Failed => "failed",
            Self::DeliveredToNetwork => "deliveredToNetwork",
            Self::RevokeOk => "revokeOk",
            Self::RevokeFail => "revokeFail",
        }
    }
}

/// Why a message failed after it was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Nobody has this number.
    NoSuchUser,
    /// Not an RCS user, and no SMS allowed.
    NotRcs,
    /// The content filter has refused it.
    ContentViolation,
    /// Not there, and the message is not to be stored, or the user was not back in time.
    Offline,
    /// The user wants nothing from this chatbot.
    RefusedByUser,
    /// The handset cannot take it.
    NotAcceptable,
}

impl Failure {
    /// In words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::NoSuchUser => "no such user",
            Self::NotRcs => "not a 5G messaging terminal",
            Self::ContentViolation => "content violates the rules",
            Self::Offline => "user is offline",
            Self::RefusedByUser => "refused by the user",
            Self::NotAcceptable => "content not acceptable to the terminal",
        }
    }
}

/// A set of statuses.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct StatusSet(BTreeSet<Status>);

impl StatusSet {
    /// All of them.
    pub fn all() -> Self {
        Status::ALL.iter().copied().collect()
    }

    /// Whether the chatbot wants to hear of `status`.
    pub fn contains(&self, status: Status) -> bool {
        self.0.contains(&status)
    }
}

impl FromIterator<Status> for StatusSet {
    fn from_iter<I: IntoIterator<Item = Status>>(statuses: I) -> Self {
        Self(statuses.into_iter().collect())
    }
}
