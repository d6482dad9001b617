//! `/bot/v1/{chatbotId}/…`: the joint interface of China Telecom and China Unicom (`chatbot_api::ctcu`).
//!
//! The chatbot's id comes raw, percent-encoded or as a bare number. Every answer has HTTP status 200 and says how it
//! went in `errorCode`, but for paths that are not the interface's (404) and a full inbox (429 with `errorCode` -1).

pub mod media;

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
use store::Chatbot;

use crate::http::{App, BODY_BYTES_MAX, busy, now};

/// Any call of the interface but for uploads, which have a way of their own ([`media::upload`]).
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
        "medias/download" => ("media download", Method::GET),
        "medias/delete" => ("media delete", Method::DELETE),
        "update/chatBotInfo/optionals" => ("data update", Method::POST),
        "update/chatBotInfo/menu" => ("menu update", Method::POST),
        _ => return not_found(),
    };
    if method != wanted {
        let code = if wanted == Method::GET { ReturnCode::GetRequired } else { ReturnCode::BadRequest };
        return refused(&Refusal::with(code, format!("{operation} wants {wanted}, not {method}")));
    }
    let Ok(body) = body else {
        let text = format!("the body did not arrive whole, or is over {BODY_BYTES_MAX} bytes");
        return refused(&Refusal::with(ReturnCode::BadRequest, text));
    };
    let answer = answer(&app, name, segment, (&method, &headers, &body)).await;
    counted(&app, name, answer)
}

async fn answer(
    app: &Arc<App>,
    name: &'static str,
    segment: &str,
    (method, headers, body): (&Method, &HeaderMap, &[u8]),
) -> Result<Response, Refusal> {
    let call = if name == "token" {
        let chatbot = named(app, segment)?;
        ctcu::speaks(row_of(app, &chatbot)?.as_deref())?;
        ctcu::token_call(chatbot, body)?
    } else {
        let row = authorised(app, segment, headers)?;
        match name {
            "send" => ctcu::send_call(row.address, body, &app.numbering)?,
            "revoke" => ctcu::revoke_call(row.address, body, &app.numbering)?,
            "data update" => ctcu::optionals_call(row.address, body)?,
            "menu update" => ctcu::menu_call(row.address, body)?,
            "media download" => return media::download(app, &row, method, headers).await,
            "media delete" => return media::delete(app, &row, headers).await.map(Told::told),
            _ => return Ok(Bytes::from(maap::own_data(&row, now()).to_string()).told()),
        }
    };
    let answer = app.ask_maap(call).await.map_err(|_| Refusal::of(ReturnCode::Busy))?;
    ctcu::answer(answer, &app.public_url).map(Told::told)
}

/// The chatbot that the path names.
fn named(app: &App, segment: &str) -> Result<Address, Refusal> {
    address::chatbot(segment, &app.numbering)
        .ok_or_else(|| Refusal::with(ReturnCode::BadParameter, "the path names no chatbot"))
}

fn row_of(app: &App, chatbot: &Address) -> Result<Option<Arc<Chatbot>>, Refusal> {
    app.chatbot(chatbot).map_err(|_| Refusal::of(ReturnCode::Internal))
}

/// The chatbot that the path names, which has shown its token.
fn authorised(app: &App, segment: &str, headers: &HeaderMap) -> Result<Chatbot, Refusal> {
    let row = row_of(app, &named(app, segment)?)?;
    let token = access_token(headers);
    let known = maap::authorise(row.as_deref(), token.as_deref(), now());
    let known = known.map_err(|refusal| ctcu::refusal_of(&refusal))?;
    ctcu::speaks(Some(known))?;
    Ok(known.clone())
}

/// What the chatbot hears, counted.
fn counted(app: &App, name: &'static str, answer: Result<impl Told, Refusal>) -> Response {
    let code = answer.as_ref().err().map_or(ReturnCode::Ok, |refusal| refusal.code);
    app.count_api_call("ctcu", name, code.number());
    match answer {
        Ok(answer) => answer.told(),
        Err(refusal) if refusal.code == ReturnCode::Busy => busy(Json(refusal.answer())),
        Err(refusal) => refused(&refusal),
    }
}

/// What is told as it is: JSON, or an answer that is ready.
trait Told {
    fn told(self) -> Response;
}

impl Told for Bytes {
    fn told(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self).into_response()
    }
}

impl Told for Response {
    fn told(self) -> Response {
        self
    }
}

fn json(answer: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(answer).expect("answers have string keys and finite numbers only").into()
}

fn access_token(headers: &HeaderMap) -> Option<String> {
    let text = |value: Option<&axum::http::HeaderValue>| value?.to_str().ok().map(str::to_owned);
    let (authorization, own) = (text(headers.get(AUTHORIZATION)), text(headers.get("accesstoken")));
    token::of_headers(authorization.as_deref(), own.as_deref()).map(str::to_owned)
}

fn refused(refusal: &Refusal) -> Response {
    Json(refusal.answer()).into_response()
}

/// A path that names a chatbot and no call.
pub async fn no_call() -> Response {
    not_found()
}

fn not_found() -> Response {
    let refusal = Refusal::with(ReturnCode::BadRequest, "there is no such call in this interface");
    (StatusCode::NOT_FOUND, Json(refusal.answer())).into_response()
}
