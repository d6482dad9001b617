//! `GET /open/{chatbot}?body=`: the link on posters and business cards. Opens the conversation in the web handset.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{App, Failure};
use crate::links::{BODY_CHARS_MAX, Links};

/// The query.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// For the composer; it is never sent by itself.
    body: Option<String>,
}

/// 303 to the web handset; 404 for a chatbot that nobody may see.
#[utoipa::path(get, path = "/open/{chatbot}", params(("chatbot" = String, Path), Asked), responses((status = 303, description = "To the web handset"), (status = 400, body = super::openapi::Error), (status = 404, description = "There is no chatbot that everybody may see", body = super::openapi::Error)))]
pub async fn open(
    State(app): State<Arc<App>>,
    Path(chatbot): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) = asked?;
    let chatbot = super::visible_chatbot(&app, &chatbot).await?;
    let body: Option<String> = asked.body.map(|body| body.chars().take(BODY_CHARS_MAX).collect());
    let links = Links::new(&chatbot, body.as_deref(), &app.public_url, &app.numbering);
    let head = [(LOCATION, links.in_web_handset()), (CACHE_CONTROL, "no-cache".to_owned())];
    Ok((StatusCode::SEE_OTHER, head).into_response())
}
