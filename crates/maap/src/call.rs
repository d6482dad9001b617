//! What is asked of the chatbot platform, by chatbots and by administrators, and what it answers.

use chatbot_api::Outgoing;
use message_centre::dead_letters::DeadLetterKey;
use rcs::address::Address;
use rcs::composing;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{
    Chatbot, ChatbotStatus, ConsentBy, Contact, Dialect, EntryKey, Media, PublicKey, Rules, WebhookAuth,
};
use utoipa::ToSchema;

use crate::Refusal;
use crate::media::MediaCall;
use crate::rate::Left;
use crate::standing::StandingCall;

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
    /// A chatbot writes something to a user, or has stopped. Answered with [`Answer::Done`].
    Composing {
        /// Who writes, as the edge has made sure.
        chatbot: Address,
        /// To whom.
        to: Address,
        /// Which of the two.
        state: composing::State,
    },
    /// A chatbot has read what a user said. Answered with [`Answer::Done`].
    Read {
        /// Who has read, as the edge has made sure.
        chatbot: Address,
        /// Who said it.
        user: Address,
        /// The user's id of the message.
        message_id: String,
    },
    /// A chatbot asks to be told by webhook what a user's devices can take. Answered with [`Answer::Done`].
    Capabilities {
        /// Who asks, as the edge has made sure.
        chatbot: Address,
        /// About whom.
        user: Address,
        /// The chatbot's id of the question.
        request_id: String,
    },
    /// A chatbot invites a user to test it. Answered with [`Answer::Invited`].
    Invite {
        /// Who invites, as the edge has made sure.
        chatbot: Address,
        /// Who is invited.
        user: Address,
    },
    /// An administrator answers for an invited user. Answered with [`Answer::Done`].
    SetTester {
        /// The chatbot.
        chatbot: Address,
        /// The user.
        user: Address,
        /// Whether the user agrees; `None` takes the user off the list.
        accepted: Option<bool>,
    },
    /// A further key of a chatbot's service account. Answered with [`Answer::Done`].
    AddKey {
        /// The chatbot.
        chatbot: Address,
        /// Its public half.
        key: PublicKey,
    },
    /// A key is good no more. Answered with [`Answer::Done`].
    RemoveKey {
        /// The chatbot.
        chatbot: Address,
        /// The key's id.
        key: String,
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
    /// Changes what is given of a chatbot. Answered with [`Answer::Updated`], or [`Answer::Proposed`].
    Update {
        /// The chatbot.
        chatbot: Address,
        /// What to change.
        change: Box<Change>,
        /// Whether what handsets show is for the operator to approve first, where the operator wants to approve anything.
        is_reviewed: bool,
    },
    /// Removes a chatbot. Answered with [`Answer::Removed`].
    Remove(Address),
    /// About templates, campaigns, tenants, keys or the audit log. Answered with [`Answer::Managed`].
    Manage(Box<crate::manage::Call>),
    /// A change of the media library.
    Media(MediaCall),
    /// A change of where a chatbot stands with the operator.
    Standing(StandingCall),
    /// Puts dead letters back into a chatbot's mailbox. Answered with [`Answer::Counted`]: those that were put back.
    PutBack {
        /// The chatbot.
        chatbot: Address,
        /// Which, the oldest first ([`message_centre::dead_letters::key_of`]).
        letters: Vec<DeadLetterKey>,
    },
    /// Removes dead letters for good. Answered with [`Answer::Counted`].
    RemoveDeadLetters(Vec<EntryKey>),
    /// Sets what holds for a chatbot's traffic. Answered with [`Answer::Rules`].
    SetRules {
        /// The chatbot.
        chatbot: Address,
        /// All of it: what is absent is as configured.
        rules: Rules,
    },
    /// Changes what a chatbot and a user are to each other. Answered with [`Answer::Contact`].
    SetContact {
        /// The chatbot.
        chatbot: Address,
        /// The subscriber.
        user: Address,
        /// What to change.
        change: ContactChange,
    },
}

/// What an operator, or the user, may change of a chatbot and a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schema(example = json!({ "consent": true }))]
pub struct ContactChange {
    /// Whether the user wants the chatbot's messages from now on.
    pub consent: Option<bool>,
    /// Why, for the record of consent; at most 100 characters.
    pub reason: Option<String>,
    /// Whether the chatbot may know the user's number, where it knows users by tokens.
    pub revealed: Option<bool>,
    /// Whether to take back the token under which the chatbot knows the user.
    pub revoke_token: bool,
    /// Who changes it.
    #[serde(skip)]
    pub by: ConsentBy,
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
    /// Whose it is; `None` for the operator's.
    pub tenant: Option<String>,
    /// Everything else.
    pub data: Change,
}

/// Changes of a chatbot. An absent member leaves things as they are; an empty text takes a value away.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
#[schema(as = ChatbotChange, example = json!({ "displayName": "天气预报" }))]
pub struct Change {
    /// What handsets call it, 1 to 100 characters.
    pub display_name: Option<String>,
    /// The notifyURL: http or https, no credentials, query or fragment in it. A changed one is checked anew.
    pub webhook: Option<String>,
    /// Whether the webhook may be a private or loopback address.
    pub allow_private_webhook: Option<bool>,
    /// Where it stands, whatever was before; [`StandingCall`] has the usual way.
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
    /// Categories, at most 15 of at most 50 bytes.
    pub categories: Option<Vec<String>>,
    /// Postal address, at most 200 characters.
    pub address: Option<String>,
    /// Degrees north, -90 to 90.
    pub latitude: Option<f64>,
    /// Degrees east, -180 to 180.
    pub longitude: Option<f64>,
    /// Style sheet of its cards, an http or https URL.
    pub css_style: Option<String>,
    /// What is put under texts that go out as SMS, at most 50 characters.
    pub autograph: Option<String>,
    /// The number for SMS of handsets without RCS.
    pub sms_number: Option<String>,
    /// At most 50 bytes.
    pub category: Option<String>,
    /// The persistent menu, `{"menu":{"entries":[…]}}`; an empty text or `{}` takes it away.
    pub menu: Option<Value>,
    /// Whether somebody has verified who runs it.
    pub verified: Option<bool>,
    /// How pushes prove themselves, where the API leaves it open (FNW.11).
    pub webhook_auth: Option<WebhookAuth>,
    /// Whether the webhook must answer a GET before anything is pushed, where the API leaves it open (FNW.11).
    pub webhook_probe: Option<bool>,
    /// Who has, at most 100 characters.
    pub verified_by: Option<String>,
    /// Until when that is good, RFC 3339.
    pub verified_until: Option<String>,
}

/// What came of a [`Call`]; to be told after the commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// An access token, shown this once.
    Token {
        /// For later calls.
        token: String,
    },
    /// The message is on its way to everybody it names, or what prevents that is told for each of them; and what is left of the
    /// limit that will be reached first.
    Accepted(Box<Outgoing>, Left),
    /// It is being seen to.
    Revoking {
        /// As in the call.
        message_id: String,
        /// As in the call.
        to: Vec<Address>,
    },
    /// It is done.
    Done,
    /// The user was asked, now or before.
    Invited {
        /// What the user answered; absent as long as there is no answer.
        accepted: Option<bool>,
    },
    /// What a chatbot asked for is not done.
    Refused(Refusal),
    /// The text is on its way, under this message id.
    Sent {
        /// For `hongyan trace`.
        message_id: String,
        /// What is left of the limit that will be reached first.
        left: Left,
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
    /// What handsets show of the chatbot waits for the operator, and what they do not show has changed; as stored.
    Proposed(Box<Chatbot>),
    /// One of the media is kept, as stored.
    Media(Box<Media>),
    /// The chatbot would have more media than it may.
    OverQuota,
    /// The chatbot is gone, and what waits for it expires in its time; or one of the media is gone.
    Removed,
    /// To [`Call::Manage`].
    Managed(Box<crate::manage::Answer>),
    /// So many were put back or removed.
    Counted(usize),
    /// The rules of the chatbot, as stored.
    Rules(Box<Rules>),
    /// What the chatbot and the user are to each other, as stored.
    Contact(Box<Contact>),
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
