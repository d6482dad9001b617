//! `/handset/v1/history`: a subscriber's conversation history, for devices that it signs in later (Digest, as for the content
//! server); and the part that administrators share.
//!
//! | call | what |
//! |---|---|
//! | `GET /handset/v1/history` | `{"offered", "enabled", "since", "messages", "keepSeconds", "maxMessages"}` |
//! | `PUT /handset/v1/history` | from now on it is kept; 204, or 403 where histories are not offered |
//! | `DELETE /handset/v1/history` | it is kept no longer, and what there is goes; 204 |
//! | `GET …/history/messages?before=&limit=` | `{"messages", "next"}`, the latest first; `next` is what `before` is to be, `null` at the end |
//! | `DELETE …/history/messages` | everything goes, and more is kept; 204 |
//! | `DELETE …/history/messages/{id}` | one message goes; 204 or 404 |
//! | `DELETE …/history/conversations/{address}` | a conversation goes; 204 |
//!
//! A message: `id` (ours), `peer`, `direction` (`in`, `out`), `messageId`, `conversationId`, `contributionId`, `contentType`, `body` (or
//! `bodyBase64` if it is no text), `acceptedAt`, `failed`, and `reports`: who (`by`) has reported what (`deliveredAt`, `displayedAt`).

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use message_centre::admin;
use message_centre::history::{Answer, Call};
use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use store::{Direction, EntryId, HistoryKey, HistoryState, Remembered};
use utoipa::{IntoParams, ToSchema};

use super::blocks::owner_of;
use super::{App, Failure, now};

/// Messages in one answer, unless the handset asks for fewer.
const PAGE_MESSAGES: usize = 50;
/// Most messages in one answer.
const PAGE_MESSAGES_MAX: usize = 100;
/// Bytes of bodies in one answer; one message always comes.
const PAGE_BYTES_MAX: usize = 128 << 10;
/// Messages that one batch deletes.
const DELETED_AT_ONCE: usize = 200;

/// Query of `GET …/messages`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// `next` of the page before; absent for the latest messages.
    before: Option<String>,
    /// At most so many, 50 if absent, never more than 100.
    limit: Option<usize>,
}

/// Whether a conversation history is kept.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = History)]
pub struct Kept {
    /// Whether the operator offers it.
    offered: bool,
    enabled: bool,
    /// When it was turned on.
    since: Option<String>,
    /// How many messages there are.
    messages: u64,
    /// How long a message stays.
    keep_seconds: u64,
    /// Beyond so many the oldest goes.
    max_messages: u64,
}

/// A page of a conversation history.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryPage)]
pub struct Messages {
    /// The latest first.
    messages: Vec<Line>,
    /// What `before` is to be for the next page; `null` at the end.
    next: Option<String>,
}

/// A message of a conversation history.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HistoryMessage)]
struct Line {
    /// Ours.
    id: String,
    /// Whom the conversation is with.
    peer: String,
    /// `in` or `out`.
    #[schema(value_type = String)]
    direction: Direction,
    message_id: String,
    conversation_id: String,
    contribution_id: String,
    content_type: String,
    accepted_at: String,
    failed: bool,
    /// What addressees reported.
    reports: Vec<Reported>,
    /// Absent if it is no text.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Instead of `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

/// What an addressee reported.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HistoryReport)]
struct Reported {
    by: String,
    delivered_at: Option<String>,
    displayed_at: Option<String>,
}

/// Whether the subscriber's own history is kept.
#[utoipa::path(get, path = "/handset/v1/history", responses((status = 200, body = Kept)))]
pub async fn own(State(app): State<Arc<App>>, request: Request) -> Result<Json<Kept>, Response> {
    let owner = owner_of(&app, request).await?;
    shown(&app, owner).await.map_err(IntoResponse::into_response)
}

/// Turns it on.
#[utoipa::path(
    put, path = "/handset/v1/history",
    responses((status = 204), (status = 403, description = "Histories are not offered here")),
)]
pub async fn turn_on(State(app): State<Arc<App>>, request: Request) -> Result<StatusCode, Response> {
    let owner = owner_of(&app, request).await?;
    change(&app, Call::TurnOn(owner)).await.map_err(IntoResponse::into_response)
}

/// Turns it off and deletes it.
#[utoipa::path(delete, path = "/handset/v1/history", responses((status = 204)))]
pub async fn turn_off(State(app): State<Arc<App>>, request: Request) -> Result<StatusCode, Response> {
    let owner = owner_of(&app, request).await?;
    change(&app, Call::TurnOff(owner)).await.map_err(IntoResponse::into_response)
}

/// A page of messages.
#[utoipa::path(
    get, path = "/handset/v1/history/messages", params(Page),
    responses((status = 200, body = Messages), (status = 404, description = "No history is kept")),
)]
pub async fn messages(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
    request: Request,
) -> Result<Json<Messages>, Response> {
    let owner = owner_of(&app, request).await?;
    let page = page.map_err(|rejection| Failure::from(rejection).into_response())?;
    read_page(&app, owner, page.0).await.map_err(IntoResponse::into_response)
}

/// Deletes everything.
#[utoipa::path(
    delete, path = "/handset/v1/history/messages",
    responses((status = 204), (status = 404, description = "No history is kept")),
)]
pub async fn delete_all(State(app): State<Arc<App>>, request: Request) -> Result<StatusCode, Response> {
    let owner = owner_of(&app, request).await?;
    delete(&app, owner, None).await.map_err(IntoResponse::into_response)
}

/// Deletes a conversation.
#[utoipa::path(
    delete, path = "/handset/v1/history/conversations/{peer}",
    responses((status = 204), (status = 404, description = "No history is kept")),
)]
pub async fn delete_conversation(
    State(app): State<Arc<App>>,
    Path(peer): Path<String>,
    request: Request,
) -> Result<StatusCode, Response> {
    let owner = owner_of(&app, request).await?;
    let delete = async || {
        let peer = app.numbering.address(&peer).map_err(|error| Failure::bad_request(&error.to_string()))?;
        delete(&app, owner, Some(peer)).await
    };
    delete().await.map_err(IntoResponse::into_response)
}

/// Deletes one message.
#[utoipa::path(
    delete, path = "/handset/v1/history/messages/{id}",
    responses((status = 204), (status = 404, description = "There is no such message")),
)]
pub async fn delete_message(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<StatusCode, Response> {
    let owner = owner_of(&app, request).await?;
    delete_one(&app, owner, &id).await.map_err(IntoResponse::into_response)
}

/// Whether somebody's history is kept, and how much there is.
pub async fn shown(app: &App, owner: Address) -> Result<Json<Kept>, Failure> {
    let (account, history) =
        app.read(move |store| Ok((store.account(&owner)?, store.history(&owner)?))).await?;
    account.ok_or_else(|| Failure::not_found("there is no such subscriber"))?;
    let history = history.filter(|history| history.is_on);
    Ok(Json(Kept {
        offered: app.history.is_offered,
        enabled: history.is_some(),
        since: history.as_ref().map(|history| history.since.rfc3339()),
        messages: history.as_ref().map_or(0, |history| history.messages),
        keep_seconds: app.history.keep.as_secs(),
        max_messages: app.history.messages_max,
    }))
}

/// Changes a history.
pub async fn change(app: &App, call: Call) -> Result<StatusCode, Failure> {
    match app.administer(admin::Call::History(call)).await? {
        admin::Answer::History(Answer::Done) => Ok(StatusCode::NO_CONTENT),
        admin::Answer::History(Answer::NoSubscriber) => {
            Err(Failure::not_found("there is no such subscriber"))
        }
        admin::Answer::History(Answer::NotOffered) => {
            Err(Failure::new(StatusCode::FORBIDDEN, "conversation history is not offered here"))
        }
        admin::Answer::History(Answer::NotYet) => {
            Err(Failure::unavailable("what was there before is still being deleted; try again in a moment"))
        }
        other => unreachable!("a change of a history is answered as one, not with {other:?}"),
    }
}

async fn read_page(app: &App, owner: Address, page: Page) -> Result<Json<Messages>, Failure> {
    let before = match page.before {
        Some(id) => Some(EntryId::parse(&id).ok_or_else(|| Failure::bad_request("before: not an id"))?),
        None => None,
    };
    let limit = page.limit.unwrap_or(PAGE_MESSAGES).clamp(1, PAGE_MESSAGES_MAX);
    let begins = begins(app);
    let (history, mut rows) = app
        .read(move |store| {
            let rows = store.remembered(&owner, before, limit, PAGE_BYTES_MAX)?;
            Ok((store.history(&owner)?, rows))
        })
        .await?;
    if !history.is_some_and(|history| history.is_on) {
        return Err(Failure::not_found("no history is kept"));
    }
    let found = rows.len();
    rows.retain(|(message, _)| message.accepted_at >= begins);
    // Fewer than were asked for need not be the end: there is a ceiling of bytes too.
    let is_end = rows.len() < found || rows.is_empty();
    let next = rows.last().filter(|_| !is_end).map(|(message, _)| message.id.to_string());
    let messages = rows.into_iter().map(|(message, state)| Line::of(message, state)).collect();
    Ok(Json(Messages { messages, next }))
}

async fn delete(app: &App, owner: Address, peer: Option<Address>) -> Result<StatusCode, Failure> {
    let of = owner.clone();
    let history = app.read(move |store| store.history(&of)).await?;
    let history = history.ok_or_else(|| Failure::not_found("no history is kept"))?;
    // What is added meanwhile may stay, so that this ends.
    let batches = history.messages / DELETED_AT_ONCE as u64 + 1;
    for _ in 0..batches {
        let (of, with) = (owner.clone(), peer.clone());
        let keys: Vec<HistoryKey> =
            app.read(move |store| store.history_keys(&of, with.as_ref(), DELETED_AT_ONCE)).await?;
        if keys.is_empty() {
            break;
        }
        change(app, Call::Forget(owner.clone(), keys)).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_one(app: &App, owner: Address, id: &str) -> Result<StatusCode, Failure> {
    let id = EntryId::parse(id).ok_or_else(|| Failure::bad_request("not an id"))?;
    let of = owner.clone();
    let message = app.read(move |store| store.remembered_as(&of, id)).await?;
    let message = message.ok_or_else(|| Failure::not_found("there is no such message"))?;
    change(app, Call::Forget(owner, vec![message.key])).await
}

fn begins(app: &App) -> Timestamp {
    Timestamp::EPOCH.plus(now().since(Timestamp::EPOCH).saturating_sub(app.history.keep))
}

impl Line {
    fn of(message: Remembered, state: HistoryState) -> Self {
        let (body, body_base64) = match std::str::from_utf8(&message.body) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(&message.body))),
        };
        let reports = state.marks.iter().map(|mark| Reported {
            by: mark.by.to_string(),
            delivered_at: mark.delivered_at.map(|at| at.rfc3339()),
            displayed_at: mark.displayed_at.map(|at| at.rfc3339()),
        });
        Self {
            id: message.id.to_string(),
            peer: message.key.peer.to_string(),
            direction: message.key.direction,
            reports: reports.collect(),
            failed: state.is_failed,
            message_id: message.key.message_id,
            conversation_id: message.conversation_id,
            contribution_id: message.contribution_id,
            content_type: message.content_type,
            accepted_at: message.accepted_at.rfc3339(),
            body,
            body_base64,
        }
    }
}
