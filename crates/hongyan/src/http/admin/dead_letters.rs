//! `/admin/v1/chatbots/{name}/dead-letters` and `/admin/v1/dead-letters`: what was given up on on its way to chatbots.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use maap::{Answer, Call};
use message_centre::dead_letters::key_of;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use store::{DeadLetter, EntryId, EntryKey};
use utoipa::ToSchema;

use super::chatbots::{chatbot_address, failure_of};
use super::messages::kind_of;
use super::page::Page;
use crate::http::{App, Failure};

/// Letters that one decision puts back or removes.
const STEP: usize = 256;

/// Body of a replay: which letters; all of the chatbot's if it names none.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLettersWanted, example = json!({ "ids": [] }))]
pub struct Which {
    /// Their ids.
    ids: Option<Vec<String>>,
}

/// A dead letter, without its content.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeadLetter)]
pub struct Shown {
    #[schema(pattern = "^[0-9a-f]{32}$")]
    id: String,
    chatbot_id: String,
    /// `message`, `report`, `status`, `deferred` or `notice`.
    kind: &'static str,
    from: String,
    message_id: String,
    conversation_id: String,
    content_type: String,
    /// Bytes of its content.
    body_bytes: u64,
    #[schema(format = DateTime)]
    accepted_at: String,
    #[schema(format = DateTime)]
    given_up_at: String,
    /// Why nobody tries any more.
    why: String,
    /// What came of the last try: `answered 500`; null when none was made, or it isn't known any more.
    last_answer: Option<String>,
    /// How often it was tried.
    attempts: u32,
}

/// What a replay did.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLettersReplayed)]
pub struct Replayed {
    /// Letters that are in the mailbox again.
    replayed: usize,
}

/// What a removal did.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLettersRemoved)]
pub struct Removed {
    /// Letters that are gone.
    removed: usize,
}

/// The dead letters of all chatbots, by chatbot and then the oldest first.
#[utoipa::path(get, path = "/dead-letters", params(Page), responses((status = 200, body = Vec<Shown>)))]
pub async fn list_all(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Vec<Shown>>, Failure> {
    let Query(page) = page?;
    let limit = page.limit();
    let after = page.after.as_deref().map(key_of_all).transpose()?;
    let letters = app.read(move |store| store.dead_letters(None, after.as_ref(), limit)).await?;
    Ok(Json(letters.iter().map(Shown::of).collect()))
}

/// The dead letters of a chatbot, the oldest first.
#[utoipa::path(get, path = "/chatbots/{name}/dead-letters", params(("name" = String, Path), Page), responses((status = 200, body = Vec<Shown>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Vec<Shown>>, Failure> {
    let Query(page) = page?;
    let chatbot = chatbot_address(&app, &name)?;
    let after = page.after.as_deref().map(|id| key(&chatbot, id)).transpose()?;
    let limit = page.limit();
    Ok(Json(letters(&app, &chatbot, after, limit).await?.iter().map(Shown::of).collect()))
}

/// One of them.
#[utoipa::path(
    get, path = "/chatbots/{name}/dead-letters/{id}",
    responses((status = 200, body = Shown), (status = 404, description = "There is no such dead letter")),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json<Shown>, Failure> {
    Ok(Json(Shown::of(&letter(&app, &name, &id).await?)))
}

/// Puts letters back into the mailbox: `{"replayed": 3}`. What does not fit into it stays.
#[utoipa::path(
    post, path = "/chatbots/{name}/dead-letters/replay", request_body = Which,
    responses((status = 200, body = Replayed), (status = 404, description = "There is no such chatbot")),
)]
pub async fn replay(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    body: Result<Json<Which>, JsonRejection>,
) -> Result<Json<Replayed>, Failure> {
    let Json(which) = body?;
    let chatbot = chatbot_address(&app, &name)?;
    let mut replayed = 0;
    if let Some(ids) = which.ids {
        let mut keys = ids.iter().map(|id| key(&chatbot, id)).collect::<Result<Vec<_>, _>>()?;
        keys.sort_unstable();
        for keys in keys.chunks(STEP) {
            let keys = keys.to_vec();
            let found =
                app.read(move |store| keys.iter().map(|key| store.dead_letter(key)).collect()).await?;
            let found: Vec<Option<DeadLetter>> = found;
            replayed += put_back(&app, &chatbot, found.into_iter().flatten().collect()).await?;
        }
        return Ok(Json(Replayed { replayed }));
    }
    // Only those that are there now: one that fails again at once is not replayed twice.
    let mut after = None;
    loop {
        let page = letters(&app, &chatbot, after.clone(), STEP).await?;
        let Some(last) = page.last().map(DeadLetter::key) else { break };
        let asked = page.len();
        let done = put_back(&app, &chatbot, page).await?;
        replayed += done;
        if done < asked {
            break;
        }
        after = Some(last);
    }
    Ok(Json(Replayed { replayed }))
}

/// Removes one for good.
#[utoipa::path(
    delete, path = "/chatbots/{name}/dead-letters/{id}",
    responses((status = 204), (status = 404, description = "There is no such dead letter")),
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let key = letter(&app, &name, &id).await?.key();
    remove_some(&app, vec![key]).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes all of a chatbot's: `{"removed": 3}`.
#[utoipa::path(delete, path = "/chatbots/{name}/dead-letters", responses((status = 200, body = Removed)))]
pub async fn remove_all(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Json<Removed>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    let mut removed = 0;
    loop {
        let keys: Vec<EntryKey> =
            letters(&app, &chatbot, None, STEP).await?.iter().map(DeadLetter::key).collect();
        if keys.is_empty() {
            return Ok(Json(Removed { removed }));
        }
        removed += remove_some(&app, keys).await?;
    }
}

async fn letters(
    app: &App,
    chatbot: &Address,
    after: Option<EntryKey>,
    limit: usize,
) -> Result<Vec<DeadLetter>, Failure> {
    let of = chatbot.clone();
    app.read(move |store| store.dead_letters(Some(&of), after.as_ref(), limit)).await
}

async fn letter(app: &App, name: &str, id: &str) -> Result<DeadLetter, Failure> {
    let key = key(&chatbot_address(app, name)?, id)?;
    let found = app.read(move |store| store.dead_letter(&key)).await?;
    found.ok_or_else(|| Failure::not_found("there is no such dead letter"))
}

fn key(chatbot: &Address, id: &str) -> Result<EntryKey, Failure> {
    let id = EntryId::parse(id).ok_or_else(|| {
        Failure::bad_request(&format!("{id:?} is no id of a dead letter: 32 hexadecimal digits"))
    })?;
    Ok((chatbot.clone(), id))
}

/// A letter among those of all chatbots.
fn key_of_all(after: &str) -> Result<EntryKey, Failure> {
    let parts = after.rsplit_once('/').and_then(|(chatbot, id)| Some((chatbot.parse().ok()?, id)));
    let (chatbot, id) =
        parts.ok_or_else(|| Failure::bad_request(&format!("after: {after:?} is not chatbotId/id")))?;
    key(&chatbot, id)
}

async fn put_back(app: &App, chatbot: &Address, letters: Vec<DeadLetter>) -> Result<usize, Failure> {
    let letters = letters.iter().map(key_of).collect();
    counted(app, Call::PutBack { chatbot: chatbot.clone(), letters }).await
}

async fn remove_some(app: &App, keys: Vec<EntryKey>) -> Result<usize, Failure> {
    counted(app, Call::RemoveDeadLetters(keys)).await
}

async fn counted(app: &App, call: Call) -> Result<usize, Failure> {
    match app.ask_maap(call).await? {
        Answer::Counted(count) => Ok(count),
        other => Err(failure_of(other)),
    }
}

impl Shown {
    fn of(letter: &DeadLetter) -> Self {
        let entry = &letter.entry;
        Self {
            id: entry.id.to_string(),
            chatbot_id: entry.to.to_string(),
            kind: kind_of(entry.kind),
            from: entry.from.to_string(),
            message_id: entry.message_id.clone(),
            conversation_id: entry.conversation_id.clone(),
            content_type: entry.content_type.clone(),
            body_bytes: entry.body_bytes(),
            accepted_at: entry.accepted_at.rfc3339(),
            given_up_at: letter.given_up_at.rfc3339(),
            why: letter.why.clone(),
            last_answer: letter.last_answer.clone(),
            attempts: entry.attempts,
        }
    }
}
