//! `/admin/v1/mailboxes`, `/admin/v1/trace` and `/admin/v1/messages`.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use rcs::address::AddressKind;
use serde::{Deserialize, Serialize};
use store::{Entry, EntryKind, Outcome, Record, Store, StoreError};
use utoipa::{IntoParams, ToSchema};

use super::access::{About, Caller, called, own};
use super::chatbots;
use crate::http::{App, Failure};

/// Entries in one answer.
const ENTRIES_MAX: usize = 1_000;

/// Query of `GET /mailboxes/{address}`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// At most so many entries, 100 if absent, never more than 1000.
    limit: Option<usize>,
}

/// What waits for somebody.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mailbox {
    address: String,
    /// Of all entries, those that are not listed included.
    count: u64,
    body_bytes: u64,
    /// The oldest first.
    entries: Vec<Waiting>,
}

/// An entry of a mailbox, without its content.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailboxEntry)]
struct Waiting {
    id: String,
    /// `message`, `report`, `status` or `deferred`.
    kind: &'static str,
    message_id: String,
    from: String,
    conversation_id: String,
    content_type: String,
    body_bytes: u64,
    accepted_at: String,
    expires_at: String,
    attempts: u32,
    next_due: String,
    /// Devices that are to have it.
    waiting_devices: Vec<String>,
    /// Devices that have it.
    taken_by: Vec<String>,
    /// Devices that do not want it.
    refused_by: Vec<String>,
}

/// What became of a message for one addressee.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageStory)]
pub struct Story {
    message_id: String,
    from: String,
    to: String,
    conversation_id: String,
    contribution_id: String,
    content_type: String,
    body_bytes: u32,
    accepted_at: String,
    /// `waiting`, `delivered`, `fellBack`, `expired`, `refused` or `revoked`.
    outcome: &'static str,
    /// Why it was refused.
    reason: Option<String>,
    delivered_at: Option<String>,
    displayed_at: Option<String>,
    steps: Vec<Step>,
}

/// Something that happened to a message.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageStep)]
struct Step {
    at: String,
    what: String,
}

/// What waits for somebody, without contents.
#[utoipa::path(get, path = "/mailboxes/{address}", params(Page), responses((status = 200, body = Mailbox)))]
pub async fn mailbox(
    State(app): State<Arc<App>>,
    Path(address): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Mailbox>, Failure> {
    let Query(page) = page?;
    let address = chatbots::address(&app, &address)?;
    let limit = page.limit.unwrap_or(100).min(ENTRIES_MAX);
    let of = address.clone();
    let (head, entries) = app.read(move |store| Ok((store.head(&of)?, store.mailbox(&of, limit)?))).await?;
    Ok(Json(Mailbox {
        address: address.to_string(),
        count: head.count,
        body_bytes: head.body_bytes,
        entries: entries.into_iter().map(Waiting::of).collect(),
    }))
}

/// A word for what an entry is.
pub(super) fn kind_of(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::Message => "message",
        EntryKind::Report => "report",
        EntryKind::Status => "status",
        EntryKind::Deferred => "deferred",
        EntryKind::Notice => "notice",
    }
}

impl Waiting {
    fn of(entry: Entry) -> Self {
        Self {
            id: entry.id.to_string(),
            kind: kind_of(entry.kind),
            body_bytes: entry.body_bytes(),
            message_id: entry.message_id,
            from: entry.from.to_string(),
            conversation_id: entry.conversation_id,
            content_type: entry.content_type,
            accepted_at: entry.accepted_at.rfc3339(),
            expires_at: entry.expires_at.rfc3339(),
            attempts: entry.attempts,
            next_due: entry.next_due.rfc3339(),
            waiting_devices: entry.waiting,
            taken_by: entry.taken,
            refused_by: entry.refused,
        }
    }
}

/// Where a message was and is: one story for each addressee.
#[utoipa::path(get, path = "/trace/{message_id}", responses((status = 200, body = Vec<Story>)))]
pub async fn trace(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(message_id): Path<String>,
) -> Result<Json<Vec<Story>>, Failure> {
    let knows_tokens = app.anonymous;
    let records = app
        .read(move |store| {
            let mut records = store.records(&message_id)?;
            if caller.tenant.is_some() {
                // A tenant sees what its chatbots say and hear; but nothing of users whose numbers they may not know, for a story
                // is full of them.
                let mut own = Vec::new();
                for record in records {
                    if is_told(store, &caller, &record, knows_tokens)? {
                        own.push(record);
                    }
                }
                records = own;
            }
            Ok(records)
        })
        .await?;
    Ok(Json(records.into_iter().map(Story::of).collect()))
}

/// Whether a tenant may see what became of a message: of a chatbot of its own, and a user whom that knows by number.
fn is_told(store: &Store, caller: &Caller, record: &Record, knows_tokens: bool) -> Result<bool, StoreError> {
    let (chatbot, user) = match record.from.kind() {
        AddressKind::Chatbot => (&record.from, &record.to),
        _ => (&record.to, &record.from),
    };
    let is_own = caller.owns(store.owner(chatbot)?.as_deref());
    Ok(is_own && called(store, caller, chatbot, user, knows_tokens)?.as_deref() == Some(user.as_str()))
}

impl Story {
    fn of(record: Record) -> Self {
        let (outcome, reason) = match record.outcome {
            Outcome::Waiting => ("waiting", None),
            Outcome::Delivered => ("delivered", None),
            Outcome::FellBack => ("fellBack", None),
            Outcome::Expired => ("expired", None),
            Outcome::Refused(reason) => ("refused", Some(reason)),
            Outcome::Revoked => ("revoked", None),
        };
        let steps = record.steps.into_iter();
        Self {
            message_id: record.message_id,
            from: record.from.to_string(),
            to: record.to.to_string(),
            conversation_id: record.conversation_id,
            contribution_id: record.contribution_id,
            content_type: record.content_type,
            body_bytes: record.body_bytes,
            accepted_at: record.accepted_at.rfc3339(),
            outcome,
            reason,
            delivered_at: record.delivered_at.map(|at| at.rfc3339()),
            displayed_at: record.displayed_at.map(|at| at.rfc3339()),
            steps: steps.map(|step| Step { at: step.at.rfc3339(), what: step.what }).collect(),
        }
    }
}

/// A text in a chatbot's name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "from": "weather", "to": "+8613800000009", "text": "今天有雨" }))]
pub struct Text {
    /// The chatbot's name or URI.
    from: String,
    /// A telephone number, or the token by which the chatbot knows a user.
    to: String,
    /// At most 2000 characters.
    text: String,
}

/// A message was accepted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageSent)]
pub struct Sent {
    /// Its id, for `/trace`.
    pub message_id: String,
}

/// A text from a chatbot; answers with its message id.
#[utoipa::path(
    post, path = "/messages", request_body = Text,
    responses(
        (status = 200, body = Sent),
        (status = 404, description = "There is no such chatbot"),
        (status = 409, description = "The chatbot may not send, or the number cannot be reached"),
    ),
)]
pub async fn send(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Text>, JsonRejection>,
) -> Result<(Extension<About>, Json<Sent>), Failure> {
    let Json(text) = body?;
    let from = chatbots::chatbot_address(&app, &text.from)?;
    own(&app, &caller, &from).await?;
    let of = from.clone();
    let tenant = app.read(move |store| store.owner(&of)).await?;
    let message_id = chatbots::send_text(&app, &text.from, &text.to, text.text).await?;
    Ok((About::made(format!("/trace/{message_id}"), tenant), Json(Sent { message_id })))
}
