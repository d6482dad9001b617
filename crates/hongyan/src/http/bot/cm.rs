//! `/messaging/…` and its variants, `/Content`: China Mobile's interface (`chatbot_api::cm`).
//!
//! Answers are XML, or JSON for clients whose `Accept` asks for that.

use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER, USER_AGENT, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chatbot_api::cm::answer::{self, SendAnswer};
use chatbot_api::cm::auth::AuthError;
use chatbot_api::cm::error::Exception;
use chatbot_api::cm::file::{self, Expected};
use chatbot_api::cm::path::PathCall;
use chatbot_api::cm::{Dated, Operation, RequestError, SendKind, XML, revoke, send};
use chatbot_api::ctcu::address::{self, PathForm};
use maap::dialect::cm;
use maap::{Answer, Call};
use store::{Chatbot, FileId};

use crate::http::media::{self, Keep, receive_for};
use crate::http::{App, BODY_BYTES_MAX, Failure, RETRY_AFTER_S, now};

/// The header that names the chatbot to the file service.
const INTENDED_IDENTITY: &str = "x-3gpp-intended-identity";

/// A refusal, and when to try again if that would help.
struct Refused {
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

/// `/Content`, the file service: uploads and deletions. Its bodies take as long as they take.
pub async fn content(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = match method {
        Method::POST => upload(&app, uri.query().unwrap_or_default(), headers, body).await,
        Method::DELETE => delete(&app, &headers).await,
        other => {
            let text = format!("the file service wants POST or DELETE, not {other}");
            Err(RequestError::new(405, Exception::Service, text).into())
        }
    };
    let code =
        answer.as_ref().map_or_else(|refused| refused.error.status, |response| response.status().as_u16());
    app.count_api_call("cm", "content", code.into());
    answer.unwrap_or_else(|error| refused(error, true))
}

/// Parts called `File` and, before it, `Thumbnail`. The answer has the file's id in a header; that it may be sent is pushed.
async fn upload(app: &Arc<App>, query: &str, headers: HeaderMap, body: Body) -> Result<Response, Refused> {
    let chatbot = authorised(app, uploader(&headers)?, &headers).await?;
    let (limits, expected) = (app.media.limits(chatbot.dialect), Expected::of_query(query));
    let keep = |_: &_| Ok(Keep::Temporary);
    let received = receive_for(app, chatbot.address, limits, expected, headers, body, keep).await?;
    let media = received.media.ok_or_else(|| RequestError::invalid("File", "missing"))?;
    Ok(([(file::TID, media.id.to_string())], Json(answer::success())).into_response())
}

async fn delete(app: &App, headers: &HeaderMap) -> Result<Response, Refused> {
    let chatbot = authorised(app, uploader(headers)?, headers).await?;
    let id = headers.get(file::TID).and_then(|tid| tid.to_str().ok()).map(str::trim);
    let id = id.ok_or_else(|| RequestError::invalid(file::TID, "missing"))?.parse::<FileId>();
    match id {
        Ok(id) if app.remove_media(&chatbot.address, id).await? => Ok(StatusCode::NO_CONTENT.into_response()),
        _ => {
            let text = "tid: there is no such file of this chatbot, or not any more";
            Err(RequestError::new(404, Exception::InvalidValue, text).into())
        }
    }
}

/// The chatbot's URI: the header for it, or else `User-Agent`, with or without `SP/` before it.
fn uploader(headers: &HeaderMap) -> Result<&str, Refused> {
    let named = headers.get(INTENDED_IDENTITY).or_else(|| headers.get(USER_AGENT));
    let named = named.and_then(|value| value.to_str().ok()).map(|name| name.trim().trim_matches('"'));
    let named = named.map(|name| name.strip_prefix("SP/").unwrap_or(name)).filter(|name| !name.is_empty());
    named.ok_or_else(|| RequestError::invalid(INTENDED_IDENTITY, "missing, and no User-Agent either").into())
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
            let (message_id, to) = (super::unescaped(id), revoke::parse(&body, &app.numbering)?);
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
    let mut request = send::parse(body, kind, &chatbot.address, &app.numbering, &super::fresh_id())?;
    if let Some(used) = &request.template {
        let key = (chatbot.address.clone(), used.id.clone());
        let template = app.read(move |store| store.template(&key)).await?;
        let template =
            template.ok_or_else(|| RequestError::invalid("templateID", "no template of this chatbot"))?;
        used.fill(&template.source, &mut request.message)?;
    }
    // As the chatbot names them: on the way, numbers are put where it knows tokens.
    let waiting = request.message.to.clone();
    let call = Call::Send { chatbot: chatbot.address.clone(), message: Box::new(request.message) };
    match app.ask_maap(call).await? {
        Answer::Accepted(message, _) => {
            let resource = format!(
                "{}/messaging/v1/outbound/{}/requests/{}",
                app.public_url,
                PathForm::Encoded.segment(&chatbot.address),
                message.message_id,
            );
            let sent = SendAnswer {
                message_id: message.message_id,
                client_correlator: request.client_correlator,
                waiting,
                impossible: request.impossible,
            };
            Ok(Answered::Sent(sent, resource))
        }
        other => Err(refused_by(other)),
    }
}

/// The chatbot that a path or header names, if the credentials are its, or those of the CSP whose it is.
async fn authorised(app: &App, segment: &str, headers: &HeaderMap) -> Result<Chatbot, Refused> {
    let dated = Dated::of_headers(text(headers, AUTHORIZATION), text(headers, DATE)).map_err(unauthorised)?;
    let chatbot = address::chatbot(segment, &app.numbering).ok_or_else(|| unauthorised(AuthError::Wrong))?;
    let row = app.chatbot(&chatbot)?;
    match cm::authorise(row.as_deref(), &dated, now()) {
        Ok(chatbot) => Ok(chatbot.clone()),
        Err(AuthError::Wrong) => {
            let key = dated.id.clone();
            let (key, owner) =
                app.read(move |store| Ok((store.api_key(&key)?, store.owner(&chatbot)?))).await?;
            let key = key.filter(|key| key.tenant.is_some() && key.tenant == owner);
            Ok(cm::authorise_csp(row.as_deref(), key.as_ref(), &dated, now()).map_err(unauthorised)?.clone())
        }
        Err(error) => Err(unauthorised(error).into()),
    }
}

fn unauthorised(error: AuthError) -> RequestError {
    RequestError::new(401, Exception::Policy, error.to_string())
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        Self { error, retry_after_s: None }
    }
}

impl From<media::Refusal> for Refused {
    fn from(refusal: media::Refusal) -> Self {
        let retry_after_s = match refusal {
            media::Refusal::Busy(seconds) => Some(seconds.into()),
            _ => None,
        };
        let exception = match refusal {
            media::Refusal::Busy(_) | media::Refusal::OverQuota => Exception::NoResources,
            media::Refusal::Failed(_) => Exception::Service,
            _ => Exception::InvalidValue,
        };
        let error = RequestError::new(refusal.status().as_u16(), exception, refusal.to_string());
        Self { error, retry_after_s }
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

fn refused(refused: Refused, json: bool) -> Response {
    let Refused { error, retry_after_s } = refused;
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match json {
        true => (status, Json(answer::refusal(&error))).into_response(),
        false => (status, [(CONTENT_TYPE, XML)], error.to_xml()).into_response(),
    };
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    // RFC 9110 §15.5.2: some HTTP libraries take a 401 without a challenge for a broken answer.
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"chatbots\""));
    }
    response
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
