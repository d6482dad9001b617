//! What we POST to an agent's webhook: users' messages and events, events of the platform; and the check of a new webhook.
//!
//! Everything comes in one envelope, `{"message":{"data":BASE64,…},"subscription":…}`, signed over what `data` decodes to.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rcs::{Address, Timestamp, address::Numbering, bot::ResponseKind, file_transfer::FileInfo};
use serde_json::{Map, Value, json};
use sha2::Sha512;

use super::answer::Feature;
use super::{agent_id, phone};
use crate::Incoming;

/// The header that carries the signature of a push.
pub const SIGNATURE_HEADER: &str = "x-goog-signature";

/// What a webhook is told, with what names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    /// The kind, for agents that look at the envelope alone: `(attribute, value)`.
    kind: (&'static str, &'static str),
    data: Map<String, Value>,
}

/// What happened on a user's device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserEvent {
    /// It has the agent's message.
    Delivered,
    /// The user has seen the agent's message.
    Read,
    /// The user writes something.
    IsTyping,
    /// The user wants to hear from the agent again.
    Subscribe,
    /// The user wants to hear nothing more.
    Unsubscribe,
}

/// What happened to an agent's message whose time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerEvent {
    /// It was taken back, and the user will not have it.
    Revoked,
    /// It was too late to take it back.
    RevokeFailed,
}

impl UserEvent {
    /// The word of the interface.
    pub fn word(self) -> &'static str {
        match self {
            Self::Delivered => "DELIVERED",
            Self::Read => "READ",
            Self::IsTyping => "IS_TYPING",
            Self::Subscribe => "SUBSCRIBE",
            Self::Unsubscribe => "UNSUBSCRIBE",
        }
    }
}

impl ServerEvent {
    /// The word of the interface.
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoked => "TTL_EXPIRATION_REVOKED",
            Self::RevokeFailed => "TTL_EXPIRATION_REVOKE_FAILED",
        }
    }
}

impl Notice {
    /// A user's message; `None` for what the interface has no words for.
    pub fn message(message_id: &str, from: &Address, incoming: &Incoming, at: Timestamp) -> Option<Self> {
        let (kind, name, content) = match incoming {
            Incoming::Text(text) => ("TEXT", "text", Value::from(text.as_str())),
            Incoming::Location(place) => {
                let content = json!({ "latitude": place.latitude, "longitude": place.longitude });
                ("LOCATION", "location", content)
            }
            Incoming::Response(response) => {
                let kind = match response.kind {
                    ResponseKind::Reply => "REPLY",
                    ResponseKind::Action => "ACTION",
                };
                let data = response.postback.as_ref().map_or("", |postback| &postback.data);
                let text = response.display_text.as_str();
                let content = json!({ "postbackData": data, "text": text, "type": kind });
                ("SUGGESTION_RESPONSE", "suggestionResponse", content)
            }
            Incoming::File(transfer) => {
                let mut content = Map::new();
                if let Some(thumbnail) = &transfer.thumbnail {
                    content.insert("thumbnail".to_owned(), file(thumbnail));
                }
                content.insert("payload".to_owned(), file(&transfer.file));
                ("USER_FILE", "userFile", Value::Object(content))
            }
            Incoming::SharedData(_) => return None,
        };
        let mut data = Map::new();
        data.insert("senderPhoneNumber".to_owned(), phone(from).into());
        data.insert("messageId".to_owned(), message_id.into());
        data.insert("sendTime".to_owned(), at.rfc3339().into());
        data.insert(name.to_owned(), content);
        Some(Self { kind: ("message_type", kind), data })
    }

    /// What happened on a user's device; `message_id` is the agent's message for [`UserEvent::Delivered`] and
    /// [`UserEvent::Read`].
    pub fn user_event(
        event: UserEvent,
        event_id: &str,
        message_id: Option<&str>,
        from: &Address,
        at: Timestamp,
    ) -> Self {
        let mut data = Map::new();
        data.insert("senderPhoneNumber".to_owned(), phone(from).into());
        data.insert("eventType".to_owned(), event.word().into());
        data.insert("eventId".to_owned(), event_id.into());
        if let Some(message_id) = message_id {
            data.insert("messageId".to_owned(), message_id.into());
        }
        data.insert("sendTime".to_owned(), at.rfc3339().into());
        Self { kind: ("event_type", event.word()), data }
    }

    /// What happened to the agent's message for `to` whose time was over.
    pub fn server_event(
        event: ServerEvent,
        event_id: &str,
        message_id: &str,
        to: &Address,
        at: Timestamp,
    ) -> Self {
        let mut data = Map::new();
        data.insert("phoneNumber".to_owned(), phone(to).into());
        data.insert("messageId".to_owned(), message_id.into());
        data.insert("eventType".to_owned(), event.word().into());
        data.insert("eventId".to_owned(), event_id.into());
        data.insert("sendTime".to_owned(), at.rfc3339().into());
        Self { kind: ("event_type", event.word()), data }
    }

    /// The answer to `requestCapabilityCallback`; `features` is `None` when no device of the user can be reached.
    pub fn capability_callback<'f>(
        request_id: &str,
        user: &Address,
        features: Option<impl IntoIterator<Item = &'f Feature>>,
    ) -> Self {
        let mut data = Map::new();
        data.insert("requestId".to_owned(), request_id.into());
        data.insert("phoneNumber".to_owned(), phone(user).into());
        data.insert("rbmEnabled".to_owned(), features.is_some().into());
        let features: Vec<&Feature> = features.into_iter().flatten().collect();
        data.insert("features".to_owned(), json!(features));
        Self { kind: ("event_type", "CAPABILITY_CALLBACK"), data }
    }

    /// The bytes that are signed: UTF-8 JSON.
    pub fn data(mut self, chatbot: &Address, numbering: &Numbering) -> Vec<u8> {
        self.data.insert("agentId".to_owned(), agent_id(chatbot, numbering).into());
        serde_json::to_vec(&self.data).expect("texts, numbers and booleans only")
    }

    /// The envelope around `data`, as made by [`Notice::data`]. `id` is the same whenever the push is repeated.
    pub fn envelope(
        &self,
        data: &[u8],
        id: &str,
        chatbot: &Address,
        numbering: &Numbering,
        now: Timestamp,
    ) -> Vec<u8> {
        let agent = agent_id(chatbot, numbering);
        let (attribute, kind) = self.kind;
        let mut attributes = Map::new();
        attributes.insert(attribute.to_owned(), kind.into());
        attributes.insert("product".to_owned(), "RBM".into());
        attributes.insert("business_id".to_owned(), super::account(chatbot).into());
        let is_message = attribute == "message_type";
        attributes
            .insert("type".to_owned(), if is_message { "message" } else { "event_notification" }.into());
        let envelope = json!({
            "message": {
                "attributes": attributes,
                "data": STANDARD.encode(data),
                "messageId": id,
                "message_id": id,
                "publishTime": now.rfc3339(),
                "publish_time": now.rfc3339(),
            },
            "subscription": format!("projects/{}/subscriptions/{agent}", numbering.domain),
        });
        serde_json::to_vec(&envelope).expect("texts only")
    }
}

/// The value of [`SIGNATURE_HEADER`]: base64 of HMAC-SHA-512 under the webhook's client token.
pub fn signature(client_token: &str, data: &[u8]) -> String {
    let mac = Hmac::<Sha512>::new_from_slice(client_token.as_bytes()).expect("HMAC takes keys of any length");
    STANDARD.encode(mac.chain_update(data).finalize().into_bytes())
}

/// The body of the check of a new webhook.
pub fn check(client_token: &str, secret: &str) -> Vec<u8> {
    serde_json::to_vec(&json!({ "clientToken": client_token, "secret": secret })).expect("texts only")
}

/// Whether an answer passes the check: 200, with the secret somewhere in the body, since agents answer it bare, as JSON and
/// as `secret: …`.
pub fn check_passed(status: u16, body: &[u8], secret: &str) -> bool {
    status == 200 && !secret.is_empty() && body.windows(secret.len()).any(|part| part == secret.as_bytes())
}

fn file(info: &FileInfo) -> Value {
    let mut file = Map::new();
    file.insert("mimeType".to_owned(), info.content_type.as_str().into());
    file.insert("fileSizeBytes".to_owned(), info.size.into());
    file.insert("fileUri".to_owned(), info.url.as_str().into());
    if let Some(name) = &info.name {
        file.insert("fileName".to_owned(), name.as_str().into());
    }
    Value::Object(file)
}
