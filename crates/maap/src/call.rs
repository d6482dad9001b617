//! What is asked of the chatbot platform, by chatbots and by administrators, and what it answers.

use chatbot_api::Outgoing;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Chatbot, ChatbotStatus, Dialect};

use crate::Refusal;

/// A call of a chatbot, or an administrator's about chatbots.
#[derive(Clone)]
pub enum Call {
    /// Credentials for a token (CT/CU `accessToken`). Answered with [`Answer::Token`].
    Token {
        /// Who it says it is.
        chatbot: Address,
        /// The public half of its credentials.
        app_id: String,
        /// The secret half.
        app_key: String,
    },
    /// A message to users. Answered with [`Answer::Accepted`].
    Send {
        /// Who sends, as the edge has made sure.
        chatbot: Address,
        /// The message.
        message: Box<Outgoing>,
    },
    /// A message to be taken back. Answered with [`Answer::Revoking`]; what comes of it is told for each user.
    Revoke {
        /// Whose message it is, as the edge has made sure.
        chatbot: Address,
        /// Its id of the message.
        message_id: String,
        /// The users from whom it is taken, each once.
        to: Vec<Address>,
    },
    /// A text in a chatbot's name, by an administrator. Answered with [`Answer::Sent`].
    SendText {
        /// The chatbot.
        from: Address,
        /// The subscriber.
        to: Address,
        /// What to say.
        text: String,
    },
    /// A new chatbot. Answered with [`Answer::Created`].
    Create(Box<NewChatbot>),
    /// Changes what is given of a chatbot. Answered with [`Answer::Updated`].
    Update {
        /// The chatbot.
        chatbot: Address,
        /// What to change.
        change: Box<Change>,
    },
    /// Removes a chatbot. Answered with [`Answer::Removed`].
    Remove(Address),
}

impl std::fmt::Debug for Call {
    /// Neither keys nor what is said.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}

/// A chatbot to make. Its credentials are made with it, and shown once.
#[derive(Debug, Clone)]
pub struct NewChatbot {
    /// A name, which becomes `sip:NAME@botplatform.DOMAIN`, or a whole `sip:` URI of a chatbot.
    pub name: String,
    /// The API it speaks.
    pub dialect: Dialect,
    /// Everything else.
    pub data: Change,
}

/// Changes of a chatbot. An absent member leaves things as they are; an empty text takes a value away.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Change {
    /// What handsets call it, 1 to 100 characters.
    pub display_name: Option<String>,
    /// The notifyURL: http or https, no credentials, query or fragment in it. A changed one is checked anew.
    pub webhook: Option<String>,
    /// Whether the webhook may be a private or loopback address.
    pub allow_private_webhook: Option<bool>,
    /// Whether traffic flows.
    pub status: Option<ChatbotStatus>,
    /// Icon, an http or https URL (or one of ours, from `/`).
    pub icon: Option<String>,
    /// Theme colour, `#RRGGBB`.
    pub colour: Option<String>,
    /// At most 500 characters.
    pub description: Option<String>,
    /// At most 100 characters.
    pub provider: Option<String>,
    /// At most 21 characters.
    pub callback_number: Option<String>,
    /// An http or https URL.
    pub website: Option<String>,
    /// At most 50 characters.
    pub email: Option<String>,
    /// An http or https URL.
    pub terms: Option<String>,
    /// An http or https URL.
    pub background_image: Option<String>,
    /// At most 50 bytes.
    pub category: Option<String>,
    /// The persistent menu, `{"menu":{"entries":[…]}}`; an empty text or `{}` takes it away.
    pub menu: Option<Value>,
    /// Whether the operator has verified who runs it.
    pub verified: Option<bool>,
}

/// What came of a [`Call`]; to be told after the commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// An access token, shown this once.
    Token {
        /// For later calls.
        token: String,
    },
    /// The message is on its way to everybody it names, or what prevents that is told for each of them.
    Accepted(Box<Outgoing>),
    /// It is being seen to.
    Revoking {
        /// As in the call.
        message_id: String,
        /// As in the call.
        to: Vec<Address>,
    },
    /// What a chatbot asked for is not done.
    Refused(Refusal),
    /// The text is on its way, under this message id.
    Sent {
        /// For `hongyan trace`.
        message_id: String,
    },
    /// The chatbot is made; the only time that its secrets are shown.
    Created {
        /// As stored.
        chatbot: Box<Chatbot>,
        /// The secrets.
        credentials: Credentials,
    },
    /// The chatbot has changed; as stored.
    Updated(Box<Chatbot>),
    /// The chatbot is gone. What waits for it expires in its time.
    Removed,
    /// There is no such chatbot (HTTP 404).
    NotFound,
    /// There is one of this address already (HTTP 409).
    Exists(Address),
    /// What was asked for cannot be: the member, or JSON path, and what is wrong with it (HTTP 400).
    Invalid(String),
    /// There is no such subscriber, or its mailbox is full (HTTP 404 and 409 would say so).
    Undeliverable(String),
}

/// What a chatbot's program needs to speak to us.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The chatbot's address.
    pub chatbot_id: Address,
    /// The public half.
    pub app_id: String,
    /// The secret half.
    pub app_key: String,
    /// Signs what we push.
    pub callback_token: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("chatbot_id", &self.chatbot_id).finish_non_exhaustive()
    }
}
