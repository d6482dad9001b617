//! `/messaging/…` and its variants, `/Content`: China Mobile's interface (`chatbot_api::cm`).
//!
//! Answers are XML, or JSON for clients whose `Accept` asks for that.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chatbot_api::cm::answer::{self, SendAnswer};
use chatbot_api::cm::auth::AuthError;
use chatbot_api::cm::error::Exception;
use chatbot_api::cm::path::PathCall;
use chatbot_api::cm::{Dated, Operation, RequestError, SendKind, XML, revoke, send};
use chatbot_api::ctcu::address::{self, PathForm};
use maap::dialect::cm;
use maap::{Answer, Call};
use store::Chatbot;

use crate::http::{App, BODY_BYTES_MAX, Failure, RETRY_AFTER_S, now};

/// A refusal, and when to try again if that would help.
pub(super) struct Refused {
    error: RequestError,
    retry_after_s: Option<u64>,
}

/// What a call is answered with.
enum Answered {
    /// To a send; with the URL of what was made.
    Sent(SendAnswer, String),
    /// There is nothing to say.
    Done,
}

/// Any call but those of the file service.
pub async fn call(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let accept = text(&headers, ACCEPT).map(str::to_owned);
    let json = answer::wants_json(accept.as_deref());
    let Some(operation) = Operation::of_path(uri.path()) else {
        let error = RequestError::new(404, Exception::Service, "there is no such call in this interface");
        return refused(error.into(), json);
    };
    let name = match operation.call {
        PathCall::Send(_) => "send",
        PathCall::Status(_) => "revoke",
    };
    let answer = answer(&app, &method, &operation, &headers, body).await;
    let code = match &answer {
        Ok(_) => 200,
        Err(refused) => refused.error.status,
    };
    app.count_api_call("cm", name, code.into());
    match answer {
        Ok(Answered::Sent(sent, _)) if json => Json(sent.to_json()).into_response(),
        Ok(Answered::Sent(sent, resource)) => {
            let headers = [(CONTENT_TYPE, XML.to_owned()), (LOCATION, resource.clone())];
            (StatusCode::CREATED, headers, sent.to_xml(&resource)).into_response()
        }
        Ok(Answered::Done) if json => Json(answer::success()).into_response(),
        Ok(Answered::Done) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(error, json),
    }
}

async fn answer(
    app: &App,
    method: &Method,
    operation: &Operation<'_>,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Answered, Refused> {
    let chatbot = authorised(app, operation.chatbot, headers).await?;
    let wanted = match operation.call {
        PathCall::Send(_) => Method::POST,
        PathCall::Status(_) => Method::PUT,
    };
    if *method != wanted {
        let text = format!("this call wants {wanted}, not {method}");
        return Err(RequestError::new(405, Exception::Service, text).into());
    }
    let body = body.map_err(|_| {
        let text = format!("the body did not arrive whole, or is over {BODY_BYTES_MAX} bytes");
        RequestError::new(413, Exception::InvalidValue, text)
    })?;
    match operation.call {
        PathCall::Send(kind) => send_message(app, &chatbot, kind, &body).await,
        PathCall::Status(id) => {
            let (message_id, to) = (super::unescaped(id), vec![revoke::parse(&body, &app.numbering)?]);
            match app.ask_maap(Call::Revoke { chatbot: chatbot.address, message_id, to }).await? {
                Answer::Revoking { .. } => Ok(Answered::Done),
                other => Err(refused_by(other)),
            }
        }
    }
}

async fn send_message(
    app: &App,
    chatbot: &Chatbot,
    kind: SendKind,
    body: &[u8],
) -> Result<Answered, Refused> {
    let request = send::parse(body, kind, &chatbot.address, &app.numbering, &super::fresh_id())?;
    if request.template.is_some() {
        let text = "templateID: there is no such template";
        return Err(RequestError::new(400, Exception::InvalidValue, text).into());
    }
    let call = Call::Send { chatbot: chatbot.address.clone(), message: Box::new(request.message) };
    match app.ask_maap(call).await? {
        Answer::Accepted(message) => {
            let resource = format!(
                "{}/messaging/v1/outbound/{}/requests/{}",
                app.public_url,
                PathForm::Encoded.segment(&chatbot.address),
                message.message_id,
            );
            let sent = SendAnswer {
                message_id: message.message_id,
                client_correlator: request.client_correlator,
                waiting: message.to,
                impossible: request.impossible,
            };
            Ok(Answered::Sent(sent, resource))
        }
        other => Err(refused_by(other)),
    }
}

/// The chatbot that a path or header names, if the credentials are its.
pub(super) async fn authorised(app: &App, segment: &str, headers: &HeaderMap) -> Result<Chatbot, Refused> {
    let dated = Dated::of_headers(text(headers, AUTHORIZATION), text(headers, DATE)).map_err(unauthorised)?;
    let chatbot = address::chatbot(segment, &app.numbering).ok_or_else(|| unauthorised(AuthError::Wrong))?;
    let row = app.chatbot(&chatbot).await?;
    Ok(cm::authorise(row.as_ref(), &dated, now()).map_err(unauthorised)?.clone())
}

fn unauthorised(error: AuthError) -> RequestError {
    RequestError::new(401, Exception::Policy, error.to_string())
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        Self { error, retry_after_s: None }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let is_passing =
            matches!(failure.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let exception = if is_passing { Exception::NoResources } else { Exception::Service };
        let error = RequestError::new(failure.status.as_u16(), exception, failure.reason);
        Self { error, retry_after_s: is_passing.then_some(RETRY_AFTER_S.into()) }
    }
}

/// What the platform said instead of doing it.
fn refused_by(answer: Answer) -> Refused {
    match answer {
        Answer::Refused(refusal) => {
            let retry_after_s = refusal.retry_after.map(|wait| wait.as_secs().max(1));
            Refused { error: cm::error_of(&refusal), retry_after_s }
        }
        _ => {
            let text = "the platform gave an answer that it should not give";
            RequestError::new(500, Exception::Service, text).into()
        }
    }
}

pub(super) fn refused(refused: Refused, json: bool) -> Response {
    let Refused { error, retry_after_s } = refused;
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match json {
        true => (status, Json(answer::refusal(&error))).into_response(),
        false => (status, [(CONTENT_TYPE, XML)], error.to_xml()).into_response(),
    };
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
