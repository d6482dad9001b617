//! `GET /bot?id=<chatbot URI>`: a chatbot as handsets show it (RCC.07 chatbot information): names, icon, colour, menu.
//!
//! Public, as the information is. `If-None-Match` is answered with 304.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::assets::is_current;
use super::{App, Failure, now, visible_chatbot};

/// The query; what else handsets send (`hl`, `ho`, `v`) makes no difference.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The chatbot's URI, percent-encoded.
    id: String,
}

/// 200 with the information, 304, or 404 for a chatbot that is not here.
#[utoipa::path(
    get, path = "/bot", params(Asked),
    responses(
        (status = 200, description = "What handsets show (RCC.07 chatbot information), with an ETag", body = Object),
        (status = 304, description = "As `If-None-Match` has it"),
        (status = 400, body = super::openapi::Error),
        (status = 404, description = "There is no such chatbot", body = super::openapi::Error),
    ),
)]
pub async fn information(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) = asked.map_err(|_| Failure::bad_request("which chatbot? /bot?id=sip%3A…"))?;
    let chatbot = visible_chatbot(&app, &asked.id).await?;
    let body = maap::information(&chatbot, &app.public_url, now()).to_string();
    let etag = maap::etag(body.as_bytes());
    let head = [(CACHE_CONTROL, "public, max-age=60".to_owned()), (ETAG, etag.clone())];
    if is_current(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, [(CONTENT_TYPE, "application/json")], body).into_response())
}
