//! What is asked of the chatbot platform, by chatbots and by administrators, and what it answers.

use bytes::Bytes;
use chatbot_api::ctcu::Refusal;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Chatbot, ChatbotStatus, Dialect, Media};

use crate::media::MediaCall;

/// A call of a chatbot, or an administrator's about chatbots.
#[derive(Debug, Clone)]
pub enum Call {
    /// `POST /bot/v1/{chatbotId}/accessToken`. Answered with [`Answer::Json`].
    Token {
        /// The chatbot that the path names (`ctcu::address::chatbot`).
        chatbot: Address,
        /// As received.
        body: Bytes,
    },
    /// `POST /bot/v1/{chatbotId}/messages`. Answered with [`Answer::Json`].
    Send(SendCall),
    /// `POST /bot/v1/{chatbotId}/revoke`. Answered with [`Answer::Json`].
    Revoke {
        /// The chatbot that the path names.
        chatbot: Address,
        /// The access token of the headers.
        token: Option<String>,
        /// As received.
        body: Bytes,
    },
    /// `GET /bot/v1/{chatbotId}/find/chatBotInfo`. Answered with [`Answer::Json`].
    Find {
        /// The chatbot that the path names.
        chatbot: Address,
        /// The access token of the headers (`ctcu::token::of_headers`).
        token: Option<String>,
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
    /// A change of the media library.
    Media(MediaCall),
}

/// A chatbot's request to send. Reading it takes the most work of all calls, and no rows: done by [`SendCall::read`], where
/// there are many threads.
#[derive(Debug, Clone)]
pub struct SendCall {
    pub(crate) chatbot: Address,
    pub(crate) token: Option<String>,
    pub(crate) message: Result<Box<chatbot_api::Outgoing>, Refusal>,
}

impl SendCall {
    /// Reads the body of the call: `chatbot` is the one that the path names, `token` the access token of the headers.
    /// What is wrong with the body is told in its turn, after the token has been checked.
    pub fn read(
        chatbot: Address,
        token: Option<String>,
        body: &[u8],
        numbering: &rcs::address::Numbering,
    ) -> Self {
        let message = chatbot_api::ctcu::send::parse(body, &chatbot, numbering).map(Box::new);
        Self { chatbot, token, message }
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
    /// The dialect's answer: a JSON body, with HTTP status 200 whatever it says.
    Json(Bytes),
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
    /// One of the media is kept, as stored.
    Media(Box<Media>),
    /// The chatbot would have more media than it may.
    OverQuota,
    /// The chatbot is gone, and what waits for it expires in its time; or one of the media is gone.
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
