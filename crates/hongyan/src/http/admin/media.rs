//! `/admin/v1/media`: what chatbots have uploaded. Handsets fetch it by its link, so links are shown.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use rcs::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{FileId, Media, Review};
use utoipa::{IntoParams, ToSchema};

use super::access::{About, Caller, own};
use super::chatbots;
use crate::http::media::{Keep, fetch};
use crate::http::{App, Failure};

/// Media in one answer.
const MEDIA_MAX: usize = 1_000;

/// Query of `GET /media`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Whose: a chatbot's name or URI. Everybody's if absent.
    chatbot: Option<String>,
    /// The id at which the page before ended.
    after: Option<String>,
    /// At most so many, 100 if absent, never more than 1000.
    limit: Option<usize>,
}

/// Media, all or one chatbot's; of one also what they come to. `after` is the id at which the page before ended.
#[utoipa::path(get, path = "/media", params(Page), responses((status = 200, body = Object), (status = 404, description = "There are no such media")))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Query(page) = page?;
    let owner = page.chatbot.map(|chatbot| chatbots::chatbot_address(&app, &chatbot)).transpose()?;
    match &owner {
        Some(chatbot) => own(&app, &caller, chatbot).await?,
        None if caller.tenant.is_some() => return Err(Failure::bad_request("chatbot: say whose media")),
        None => {}
    }
    let after = page.after.map(|id| id.parse().map_err(|()| no_such_media())).transpose()?;
    let limit = page.limit.unwrap_or(100).min(MEDIA_MAX);
    let (usage, media) = app
        .read(move |store| {
            let usage = owner.as_ref().map(|owner| store.usage(owner)).transpose()?;
            Ok((usage, store.media_list(owner.as_ref(), after, limit)?))
        })
        .await?;
    let usage = usage.map(|usage| {
        json!({
            "files": usage.files,
            "bytes": usage.bytes,
            "quotaFiles": app.media.quota_files,
            "quotaBytes": app.media.quota_bytes,
        })
    });
    Ok(Json(json!({ "usage": usage, "media": media.iter().map(|one| shown(&app, one)).collect::<Value>() })))
}

/// What to bring into the library.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewMedia, example = json!({ "chatbot": "nobody", "url": "https://media.example/a.png" }))]
pub struct New {
    /// The chatbot's name or URI.
    chatbot: String,
    /// Where it lies; the rules of webhooks hold.
    url: String,
    thumbnail_url: Option<String>,
    /// When it goes, RFC 3339; absent: not by itself.
    until: Option<String>,
}

/// Brings what lies at a URL into the library of a chatbot.
#[utoipa::path(
    post, path = "/media", request_body = New,
    responses(
        (status = 201, body = Object),
        (status = 404, description = "There is no such chatbot"),
        (status = 403, description = "The quota is used up"),
        (status = 507, description = "There is no room left"),
    ),
)]
pub async fn add(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    new: Result<Json<New>, JsonRejection>,
) -> Result<(StatusCode, Extension<About>, Json<Value>), Failure> {
    let Json(new) = new?;
    let chatbot = chatbots::chatbot_address(&app, &new.chatbot)?;
    own(&app, &caller, &chatbot).await?;
    let chatbot = app.read(move |store| store.chatbot(&chatbot)).await?;
    let chatbot = chatbot.ok_or_else(|| Failure::not_found("there is no such chatbot"))?;
    let keep = match new.until.as_deref().map(Timestamp::parse_rfc3339) {
        None => Keep::Permanent,
        Some(Ok(until)) => Keep::Until(until),
        Some(Err(_)) => return Err(Failure::bad_request("until: no time as 2027-01-31T12:00:00Z")),
    };
    let kept = fetch(&app, &chatbot, new.url, new.thumbnail_url, keep).await;
    let media = kept.map_err(|refusal| Failure::new(refusal.status(), refusal.to_string()))?;
    let of = media.owner.clone();
    let tenant = app.read(move |store| store.owner(&of)).await?;
    Ok((StatusCode::CREATED, About::made(format!("/media/{}", media.id), tenant), Json(shown(&app, &media))))
}

/// One of them.
#[utoipa::path(
    get, path = "/media/{id}",
    responses((status = 200, body = Object), (status = 404, description = "There are no such media")),
)]
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    find(&app, &id).await.map(|media| Json(shown(&app, &media)))
}

/// Removes one before its time; its links find nothing from then on.
#[utoipa::path(
    delete, path = "/media/{id}",
    responses((status = 200, body = Object), (status = 404, description = "There are no such media")),
)]
pub async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let media = find(&app, &id).await?;
    match app.remove_media(&media.owner, media.id).await? {
        true => Ok(Json(json!({ "removed": id }))),
        false => Err(no_such_media()),
    }
}

async fn find(app: &App, id: &str) -> Result<Media, Failure> {
    let id: FileId = id.parse().map_err(|()| no_such_media())?;
    app.read(move |store| store.media(id)).await?.ok_or_else(no_such_media)
}

fn no_such_media() -> Failure {
    Failure::not_found("there are no such media")
}

fn shown(app: &App, media: &Media) -> Value {
    let (review, reason) = match &media.review {
        Review::Pending => ("pending", None),
        Review::Approved => ("approved", None),
        Review::Rejected(reason) => ("rejected", Some(reason)),
    };
    json!({
        "id": media.id,
        "chatbot": media.owner,
        "name": media.name,
        "contentType": media.content_type,
        "bytes": media.bytes,
        "playsMs": media.plays_ms,
        "thumbnailBytes": media.thumbnail.as_ref().map(|thumbnail| thumbnail.bytes),
        "url": app.media_url(media),
        "thumbnailUrl": app.media_thumbnail_url(media),
        "review": review,
        "reason": reason,
        "createdAt": media.created_at.rfc3339(),
        "expiresAt": media.expires_at.map(|at| at.rfc3339()),
    })
}
