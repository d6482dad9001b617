//! What a mailbox entry tells its chatbot, before any API has put it into words.

use bytes::Bytes;
use chatbot_api::{Failure, Incoming, Status};
use message_centre::indication::{
    CAPABILITIES_TYPE, CONSENT_TYPE, ConsentChanged, DeviceCapabilities, REVEALED_TYPE,
};
use message_centre::notice::Notice;
use message_centre::report::{self, Fate};
use rcs::Timestamp;
use rcs::address::Address;
use rcs::capability::Capabilities;
use rcs::content_type;
use rcs::cpim::{self, Cpim};
use rcs::imdn::{Disposition, Imdn};
use store::{Entry, EntryId, EntryKind};

/// Something for a chatbot to hear.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// What a user says.
    Message(Box<Message>),
    /// What became of a message of the chatbot's.
    Status(StatusOf),
    /// What a user's devices can take, as the chatbot has asked.
    Capabilities(CapabilitiesOf),
    /// Whether a user wants its messages, as that has changed.
    Consent(ConsentOf),
    /// Who a user is whom it knew by a token.
    Revealed { user: Address, token: String },
    /// What the platform tells beside messages.
    Notice(NoticeOf),
}

/// What a user says.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The entry that says so: the same whenever it is told.
    pub(crate) entry: EntryId,
    pub(crate) message_id: String,
    pub(crate) incoming: Incoming,
    /// The user.
    pub(crate) from: Address,
    /// The chatbot.
    pub(crate) to: Address,
    pub(crate) conversation_id: String,
    pub(crate) contribution_id: String,
    /// The contribution id of the chatbot's message that is answered.
    pub(crate) in_reply_to: Option<String>,
    /// When it was accepted.
    pub(crate) at: Timestamp,
}

/// What became of a chatbot's message for one user.
#[derive(Debug, Clone)]
pub(crate) struct StatusOf {
    /// The entry that says so: the same whenever it is told.
    pub(crate) entry: EntryId,
    /// The chatbot's id of the message.
    pub(crate) message_id: String,
    pub(crate) user: Address,
    pub(crate) chatbot: Address,
    pub(crate) status: Status,
    /// Why, for [`Status::Failed`].
    pub(crate) failure: Option<Failure>,
    /// Whether a device may have the message all the same.
    pub(crate) may_arrive: bool,
    pub(crate) at: Timestamp,
}

/// Whether a user wants a chatbot's messages.
#[derive(Debug, Clone)]
pub(crate) struct ConsentOf {
    /// The entry that says so: the same whenever it is told.
    pub(crate) entry: EntryId,
    pub(crate) user: Address,
    pub(crate) is_given: bool,
    pub(crate) at: Timestamp,
}

/// What the platform tells beside messages.
#[derive(Debug, Clone)]
pub(crate) struct NoticeOf {
    /// The same whenever it is told.
    pub(crate) message_id: String,
    pub(crate) notice: Notice,
    pub(crate) at: Timestamp,
}

/// What a user's devices can take.
#[derive(Debug, Clone)]
pub(crate) struct CapabilitiesOf {
    /// The entry that says so: the same whenever it is told.
    pub(crate) entry: EntryId,
    /// The chatbot's id of the question.
    pub(crate) request_id: String,
    pub(crate) user: Address,
    /// Absent when no device is registered.
    pub(crate) capabilities: Option<Capabilities>,
}

impl Told {
    /// What an entry says; `Err` when chatbots cannot be told such a thing, with the reason.
    pub(crate) fn of(entry: &Entry) -> Result<Self, String> {
        match entry.kind {
            EntryKind::Message | EntryKind::Deferred => message(entry),
            EntryKind::Report => report(entry),
            EntryKind::Status if entry.content_type == CAPABILITIES_TYPE => capabilities(entry),
            EntryKind::Status if entry.content_type == CONSENT_TYPE => consent(entry),
            EntryKind::Status if entry.content_type == REVEALED_TYPE => {
                let token = String::from_utf8_lossy(&entry.body).into_owned();
                Ok(Self::Revealed { user: entry.from.clone(), token })
            }
            EntryKind::Status => fate(entry),
            EntryKind::Notice => {
                let (notice, message_id) = (Notice::of(entry)?, entry.message_id.clone());
                Ok(Self::Notice(NoticeOf { message_id, notice, at: entry.accepted_at }))
            }
        }
    }
}

fn message(entry: &Entry) -> Result<Told, String> {
    let (payload_type, payload) = payload(entry)?;
    let incoming = Incoming::from_sip(&payload_type, &payload).map_err(|error| error.to_string())?;
    Ok(Told::Message(Box::new(Message {
        entry: entry.id,
        message_id: entry.message_id.clone(),
        incoming,
        from: entry.from.clone(),
        to: entry.to.clone(),
        conversation_id: entry.conversation_id.clone(),
        contribution_id: entry.contribution_id.clone(),
        in_reply_to: entry.in_reply_to.clone(),
        at: entry.accepted_at,
    })))
}

/// A user's device reports on the chatbot's message.
fn report(entry: &Entry) -> Result<Told, String> {
    let (_, payload) = payload(entry)?;
    let imdn = Imdn::parse(&payload).map_err(|error| error.to_string())?;
    let (status, failure) = match imdn.disposition {
        Disposition::Delivered => (Status::Delivered, None),
        Disposition::Displayed => (Status::Displayed, None),
        Disposition::Failed => (Status::Failed, Some(Failure::NotAcceptable)),
        other => return Err(format!("chatbots hear nothing of {}", other.elements().1)),
    };
    Ok(status_of(entry, imdn.message_id, (status, failure), false, entry.accepted_at))
}

/// The platform tells what became of the chatbot's message.
fn fate(entry: &Entry) -> Result<Told, String> {
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
    Ok(status_of(entry, entry.message_id.clone(), (status, failure), told.may_arrive, told.at))
}

fn status_of(
    entry: &Entry,
    message_id: String,
    (status, failure): (Status, Option<Failure>),
    may_arrive: bool,
    at: Timestamp,
) -> Told {
    let (user, chatbot) = (entry.from.clone(), entry.to.clone());
    Told::Status(StatusOf { entry: entry.id, message_id, user, chatbot, status, failure, may_arrive, at })
}

fn consent(entry: &Entry) -> Result<Told, String> {
    let told: ConsentChanged = serde_json::from_slice(&entry.body).map_err(|error| error.to_string())?;
    let ConsentChanged { is_given, at } = told;
    Ok(Told::Consent(ConsentOf { entry: entry.id, user: entry.from.clone(), is_given, at }))
}

fn capabilities(entry: &Entry) -> Result<Told, String> {
    let told: DeviceCapabilities = serde_json::from_slice(&entry.body).map_err(|error| error.to_string())?;
    let DeviceCapabilities { request_id, capabilities, .. } = told;
    Ok(Told::Capabilities(CapabilitiesOf {
        entry: entry.id,
        request_id,
        user: entry.from.clone(),
        capabilities,
    }))
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
