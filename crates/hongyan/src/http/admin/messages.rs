//! `/admin/v1/mailboxes`, `/admin/v1/trace` and `/admin/v1/messages`.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Entry, EntryKind, Outcome, Record};

use super::access::{Caller, own};
use super::chatbots;
use crate::http::{App, Failure};

/// Entries in one answer.
const ENTRIES_MAX: usize = 1_000;

/// Query of `GET /mailboxes/{address}`.
#[derive(Deserialize)]
pub struct Page {
    limit: Option<usize>,
}

/// What waits for somebody, without contents.
pub async fn mailbox(
    State(app): State<Arc<App>>,
    Path(address): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Query(page) = page?;
    let address = chatbots::address(&app, &address)?;
    let limit = page.limit.unwrap_or(100).min(ENTRIES_MAX);
    let of = address.clone();
    let (head, entries) = app.read(move |store| Ok((store.head(&of)?, store.mailbox(&of, limit)?))).await?;
    let entries: Vec<Value> = entries.iter().map(waiting).collect();
    Ok(Json(json!({
        "address": address,
        "count": head.count,
        "bodyBytes": head.body_bytes,
        "entries": entries,
    })))
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

fn waiting(entry: &Entry) -> Value {
    json!({
        "id": entry.id.to_string(),
        "kind": kind_of(entry.kind),
        "messageId": entry.message_id,
        "from": entry.from,
        "conversationId": entry.conversation_id,
        "contentType": entry.content_type,
        "bodyBytes": entry.body_bytes(),
        "acceptedAt": entry.accepted_at.rfc3339(),
        "expiresAt": entry.expires_at.rfc3339(),
        "attempts": entry.attempts,
        "nextDue": entry.next_due.rfc3339(),
        "waitingDevices": entry.waiting,
        "takenBy": entry.taken,
        "refusedBy": entry.refused,
    })
}

/// Where a message was and is: one story for each addressee.
pub async fn trace(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(message_id): Path<String>,
) -> Result<Json<Value>, Failure> {
    let anonymous = app.anonymous;
    let records = app
        .read(move |store| {
            let mut records = store.records(&message_id)?;
            if caller.tenant.is_some() {
                // A tenant sees what its chatbots say and hear; of one that knows users by tokens nothing, for it is full of numbers.
                let mut own = Vec::new();
                for owner in store.owners()?.into_iter().filter(|owner| caller.owns(Some(&owner.tenant))) {
                    if !store.rules(&owner.chatbot)?.anonymous.unwrap_or(anonymous) {
                        own.push(owner.chatbot);
                    }
                }
                records.retain(|record| own.contains(&record.from) || own.contains(&record.to));
            }
            Ok(records)
        })
        .await?;
    Ok(Json(records.iter().map(story).collect()))
}

fn story(record: &Record) -> Value {
    let (outcome, reason) = match &record.outcome {
        Outcome::Waiting => ("waiting", None),
        Outcome::Delivered => ("delivered", None),
        Outcome::FellBack => ("fellBack", None),
        Outcome::Expired => ("expired", None),
        Outcome::Refused(reason) => ("refused", Some(reason)),
        Outcome::Revoked => ("revoked", None),
    };
    let steps = record.steps.iter().map(|step| json!({ "at": step.at.rfc3339(), "what": step.what }));
    json!({
        "messageId": record.message_id,
        "from": record.from,
        "to": record.to,
        "conversationId": record.conversation_id,
        "contributionId": record.contribution_id,
        "contentType": record.content_type,
        "bodyBytes": record.body_bytes,
        "acceptedAt": record.accepted_at.rfc3339(),
        "outcome": outcome,
        "reason": reason,
        "deliveredAt": record.delivered_at.map(|at| at.rfc3339()),
        "displayedAt": record.displayed_at.map(|at| at.rfc3339()),
        "steps": steps.collect::<Value>(),
    })
}

/// Body of `POST /messages`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    from: String,
    to: String,
    text: String,
}

/// A text from a chatbot; answers with its message id.
pub async fn send(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Text>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Json(text) = body?;
    let from = chatbots::chatbot_address(&app, &text.from)?;
    own(&app, &caller, &from).await?;
    chatbots::send_text(&app, &text.from, &text.to, text.text).await
}
