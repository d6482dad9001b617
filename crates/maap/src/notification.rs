//! What a mailbox entry is to its chatbot: the path and the JSON of a push (maap-api §2.9).

use bytes::Bytes;
use chatbot_api::ctcu::address::PathForm;
use chatbot_api::ctcu::push::{Failure, MessageItem, message_path, status_path};
use chatbot_api::ctcu::{MessagePush, StatusPush, date_time};
use chatbot_api::{Incoming, Status};
use message_centre::report::{self, Fate};
use rcs::address::Address;
use rcs::content_type;
use rcs::cpim::{self, Cpim};
use rcs::imdn::{Disposition, Imdn};
use store::{Entry, EntryKind};

/// A push without its address and signature.
#[derive(Debug, Clone)]
pub(crate) struct Notification {
    path: fn(&Address, PathForm) -> String,
    /// JSON.
    pub(crate) body: Bytes,
}

impl Notification {
    /// What an entry says; `Err` when chatbots cannot be told such a thing, with the reason.
    pub(crate) fn of(entry: &Entry) -> Result<Self, String> {
        match entry.kind {
            EntryKind::Message => message(entry),
            EntryKind::Report => report(entry),
            EntryKind::Status => fate(entry),
        }
    }

    /// Where to push it, under the webhook's URL.
    pub(crate) fn path(&self, chatbot: &Address, form: PathForm) -> String {
        (self.path)(chatbot, form)
    }
}

fn message(entry: &Entry) -> Result<Notification, String> {
    let (payload_type, payload) = payload(entry)?;
    let incoming = Incoming::from_sip(&payload_type, &payload).map_err(|error| error.to_string())?;
    let push = MessagePush {
        message_id: entry.message_id.clone(),
        message_list: vec![MessageItem::new(&incoming)],
        date_time: date_time(entry.accepted_at),
        sender_address: entry.from.to_string(),
        destination_address: entry.to.to_string(),
        conversation_id: entry.conversation_id.clone(),
        contribution_id: entry.contribution_id.clone(),
        in_reply_to: entry.in_reply_to.clone(),
    };
    Ok(Notification { path: message_path, body: push.to_json().into() })
}

/// A user's device reports on the chatbot's message.
fn report(entry: &Entry) -> Result<Notification, String> {
    let (_, payload) = payload(entry)?;
    let imdn = Imdn::parse(&payload).map_err(|error| error.to_string())?;
    let (status, failure) = match imdn.disposition {
        Disposition::Delivered => (Status::Delivered, None),
        Disposition::Displayed => (Status::Displayed, None),
        Disposition::Failed => (Status::Failed, Some(Failure::NotAcceptable)),
        other => return Err(format!("chatbots hear nothing of {}", other.elements().1)),
    };
    let push = StatusPush::one(&imdn.message_id, &entry.from, &entry.to, status, failure, entry.accepted_at);
    Ok(Notification { path: status_path, body: push.to_json().into() })
}

/// The platform tells what became of the chatbot's message.
fn fate(entry: &Entry) -> Result<Notification, String> {
    let told: report::Status = serde_json::from_slice(&entry.body).map_err(|error| error.to_string())?;
    let (status, failure) = match told.fate {
        Fate::Sent => (Status::Sent, None),
        Fate::NoSuchUser => (Status::Failed, Some(Failure::NoSuchUser)),
        Fate::Expired | Fate::Offline | Fate::MailboxFull => (Status::Failed, Some(Failure::Offline)),
        Fate::Refused => (Status::Failed, Some(Failure::NotAcceptable)),
        Fate::Blocked => (Status::Failed, Some(Failure::RefusedByUser)),
        Fate::Revoked => (Status::RevokeOk, None),
        Fate::NotRevoked => (Status::RevokeFail, None),
    };
    let push = StatusPush::one(&entry.message_id, &entry.from, &entry.to, status, failure, told.at);
    Ok(Notification { path: status_path, body: push.to_json().into() })
}

/// Media type and bytes of what a person or device sent, out of its envelope.
fn payload(entry: &Entry) -> Result<(String, Bytes), String> {
    if !content_type::is(&entry.content_type, cpim::CONTENT_TYPE) {
        return Ok((entry.content_type.clone(), entry.body.clone()));
    }
    let envelope = Cpim::parse(entry.body.clone()).map_err(|error| error.to_string())?;
    let payload = envelope.decoded_payload().map_err(|error| error.to_string())?;
    Ok((envelope.content_type().to_owned(), payload))
}
