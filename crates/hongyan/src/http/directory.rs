//! Chatbots as handsets look for them (maap-api §5.3).
//!
//! | request | what |
//! |---|---|
//! | `GET /directory?q=&start=&num=` | those that fit, by name, description, provider, category or number |
//! | `GET /directory/specific` | those that are shown without anonymity, with an entity tag |
//!
//! Public, as `/bot` is: it is what every handset may show. What else handsets send (`ho`, `chatbot_version`,
//! `client_vendor`, `client_version`) makes no difference.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::assets::is_current;
use super::{App, Failure, now};

/// The query.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Words to look for; all if absent.
    #[serde(default)]
    q: String,
    /// How many to pass over.
    #[serde(default)]
    start: usize,
    /// At most so many, 20 if absent, never more than 100.
    num: Option<usize>,
}

/// Bots in one answer, when the handset does not say, and at the most.
const BOTS: usize = 20;
const BOTS_MAX: usize = 100;

/// Longest question that is looked for, in characters.
const QUESTION_CHARS_MAX: usize = 100;

/// `{"bots":[{"id","name","icon","verified"}],"itemsReturned","startIndex","totalItems"}`.
#[utoipa::path(get, path = "/directory", params(Asked), responses((status = 200, body = Object), (status = 400, body = super::openapi::Error), (status = 503, body = super::openapi::Error)))]
pub async fn search(
    State(app): State<Arc<App>>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) = asked?;
    if asked.q.chars().count() > QUESTION_CHARS_MAX {
        return Err(Failure::bad_request("q: more than 100 characters"));
    }
    let directory = app.directory().await?;
    let found = directory.search(&asked.q);
    let num = asked.num.unwrap_or(BOTS).clamp(1, BOTS_MAX);
    let bots: Vec<Value> = found
        .iter()
        .skip(asked.start)
        .take(num)
        .map(|chatbot| maap::listed(chatbot, &app.public_url, now()))
        .collect();
    let answer = json!({
        "itemsReturned": bots.len(),
        "startIndex": asked.start,
        "totalItems": found.len(),
        "bots": bots,
    });
    Ok(([(CACHE_CONTROL, "no-cache")], Json(answer)).into_response())
}

/// 200 with the list, or 304.
#[utoipa::path(get, path = "/directory/specific", responses((status = 200, body = Object), (status = 304, description = "As `If-None-Match` has it")))]
pub async fn specific(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    let directory = app.directory().await?;
    let bots: Vec<Value> = directory
        .search("")
        .into_iter()
        .filter(|chatbot| chatbot.is_verified(now()))
        .map(|chatbot| json!({ "id": chatbot.address }))
        .collect();
    let body = json!({ "bots": bots }).to_string();
    let etag = maap::etag(body.as_bytes());
    let head = [(CACHE_CONTROL, "public, max-age=60".to_owned()), (ETAG, etag.clone())];
    if is_current(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, [(CONTENT_TYPE, "application/json")], body).into_response())
}
