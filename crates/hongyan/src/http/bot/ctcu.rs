//! `/bot/v1/{chatbotId}/…`: the joint interface of China Telecom and China Unicom (`chatbot_api::ctcu`).
//!
//! The chatbot's id comes raw, percent-encoded or as a bare number. Every answer has HTTP status 200 and says how it
//! went in `errorCode`, but for paths that are not the interface's (404) and a full inbox (429 with `errorCode` -1).

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chatbot_api::ctcu::{Refusal, ReturnCode, address, token};
use maap::dialect::ctcu;
use rcs::address::Address;
use utoipa::OpenApi;

use crate::http::{App, BODY_BYTES_MAX, busy, now};

/// The calls, as the OpenAPI document tells them.
#[derive(OpenApi)]
#[openapi(paths(told::token, told::messages, told::revoke, told::find))]
pub struct Calls;

/// What [`call`] dispatches, for the OpenAPI document alone.
mod told {
    #![expect(dead_code, reason = "the attributes are what is wanted")]

    /// A token
    ///
    /// `{"appId", "appKey"}` gives `{"accessToken", "expires", "url", "errorCode"}`. A new token ends the old one.
    #[utoipa::path(
        post, path = "/bot/v1/{chatbotId}/accessToken", params(("chatbotId" = String, Path)), request_body = Object,
        responses((status = 200, body = Object), (status = 429, body = Object)),
    )]
    fn token() {}

    /// Send a message
    ///
    /// To one subscriber or several: text, card, carousel, file or location, with chips if wanted.
    #[utoipa::path(
        post, path = "/bot/v1/{chatbotId}/messages", params(("chatbotId" = String, Path)), request_body = Object,
        security(("accessToken" = [])), responses((status = 200, body = Object), (status = 429, body = Object)),
    )]
    fn messages() {}

    /// Take a message back
    ///
    /// What came of it is told by a delivery notification: `revokeOk` or `revokeFail`.
    #[utoipa::path(
        post, path = "/bot/v1/{chatbotId}/revoke", params(("chatbotId" = String, Path)), request_body = Object,
        security(("accessToken" = [])), responses((status = 200, body = Object), (status = 429, body = Object)),
    )]
    fn revoke() {}

    /// The chatbot's data
    #[utoipa::path(
        get, path = "/bot/v1/{chatbotId}/find/chatBotInfo", params(("chatbotId" = String, Path)),
        security(("accessToken" = [])), responses((status = 200, body = Object), (status = 429, body = Object)),
    )]
    fn find() {}
}

/// Documented calls that this version does not have.
const NOT_YET: [&str; 5] = [
    "medias/upload",
    "medias/download",
    "medias/delete",
    "update/chatBotInfo/optionals",
    "update/chatBotInfo/menu",
];

/// Any call of the interface.
pub async fn call(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Some((segment, operation)) =
        uri.path().strip_prefix("/bot/v1/").and_then(|path| path.split_once('/'))
    else {
        return not_found();
    };
    let (name, wanted) = match operation {
        "accessToken" => ("token", Method::POST),
        "messages" => ("send", Method::POST),
        "revoke" => ("revoke", Method::POST),
        "find/chatBotInfo" => ("find", Method::GET),
        _ if NOT_YET.contains(&operation) => {
            return refused(&Refusal::with(
                ReturnCode::NotAuthorised,
                format!("{operation} is not available in this version of Hongyan"),
            ));
        }
        _ => return not_found(),
    };
    if method != wanted {
        return refused(&Refusal::with(
            ReturnCode::BadRequest,
            format!("{operation} wants {wanted}, not {method}"),
        ));
    }
    let Ok(body) = body else {
        let text = format!("the body did not arrive whole, or is over {BODY_BYTES_MAX} bytes");
        return refused(&Refusal::with(ReturnCode::BadRequest, text));
    };
    let Some(chatbot) = address::chatbot(segment, &app.numbering) else {
        return refused(&Refusal::with(ReturnCode::BadParameter, "the path names no chatbot"));
    };
    let answer = answer(&app, name, chatbot, &headers, &body).await;
    let code = answer.as_ref().err().map_or(ReturnCode::Ok, |refusal| refusal.code);
    app.count_api_call("ctcu", name, code.number());
    match answer {
        Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(refusal) if refusal.code == ReturnCode::Busy => busy(Json(refusal.answer())),
        Err(refusal) => refused(&refusal),
    }
}

async fn answer(
    app: &App,
    name: &'static str,
    chatbot: Address,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Bytes, Refusal> {
    let call = if name == "token" {
        ctcu::token_call(chatbot, body)?
    } else {
        let row = app.chatbot(&chatbot).await.map_err(|_| Refusal::of(ReturnCode::Internal))?;
        let token = access_token(headers);
        let row = maap::authorise(row.as_ref(), token.as_deref(), now());
        let row = row.map_err(|refusal| ctcu::refusal_of(&refusal))?;
        match name {
            "send" => ctcu::send_call(chatbot, body, &app.numbering)?,
            "revoke" => ctcu::revoke_call(chatbot, body, &app.numbering)?,
            _ => return Ok(maap::own_data(row).to_string().into()),
        }
    };
    let answer = app.ask_maap(call).await.map_err(|_| Refusal::of(ReturnCode::Busy))?;
    ctcu::answer(answer, &app.public_url)
}

fn access_token(headers: &HeaderMap) -> Option<String> {
    let text = |value: Option<&axum::http::HeaderValue>| value?.to_str().ok().map(str::to_owned);
    let (authorization, own) = (text(headers.get(AUTHORIZATION)), text(headers.get("accesstoken")));
    token::of_headers(authorization.as_deref(), own.as_deref()).map(str::to_owned)
}

fn refused(refusal: &Refusal) -> Response {
    Json(refusal.answer()).into_response()
}

fn not_found() -> Response {
    let refusal = Refusal::with(ReturnCode::BadRequest, "there is no such call in this interface");
    (StatusCode::NOT_FOUND, Json(refusal.answer())).into_response()
}
