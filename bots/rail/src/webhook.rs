//! The platform's pushes: callback check, user messages, delivery reports, notices.
//!
//! A message is answered with 200 only after the transaction that holds the bot's answer to it.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::bot::Inbound;
use crate::decide::Input;
use crate::outbox;
use crate::serve::{App, now};
use crate::signature::Signed;

/// Pushes carry a message of at most 2,000 characters, or descriptions of files.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Ids and addresses longer than this are nobody's.
const ID_CHARS_MAX: usize = 256;

/// What the platform hears when a push is turned away.
type Refusal = (StatusCode, Json<Value>);

/// The routes below the notify URL.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/notifyPath", get(check))
        .route("/messageNotification/{chatbot}/messages", post(message))
        .route("/deliveryNotification/{chatbot}/status", post(status))
        .route("/notifyInfoNotification/{chatbot}/{*notice}", post(notice))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// The platform makes sure that the callback address is ours: echo and our app id prove it.
async fn check(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Response {
    if let Err(refusal) = verify(&app, &uri, &headers, b"") {
        return refusal.into_response();
    }
    let echo = header(&headers, "echostr").to_string();
    [("echoStr", echo), ("appId", app.app_id.clone())].into_response()
}

async fn message(
    State(app): State<Arc<App>>,
    Path(chatbot): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let push = match accept(&app, &chatbot, &uri, &headers, &body) {
        Ok(push) => push,
        Err(refusal) => return refusal.into_response(),
    };
    let Some(inbound) = inbound(&push) else {
        return refusal(StatusCode::BAD_REQUEST, 20002, "bad parameter").into_response();
    };
    let answer = json!({
        "messageId": inbound.message_id,
        "conversationId": inbound.conversation_id,
        "contributionId": inbound.contribution_id,
        "errorCode": 0,
    });
    let message_id = inbound.message_id.clone();
    let taken =
        app.with_db(move |app, db| app.bot.receive(db, now(), &mut crate::serve::random, &inbound)).await;
    match taken {
        Ok(first) => {
            tracing::info!(message_id, first, "message taken");
            app.outbox_news.notify_one();
            Json(answer).into_response()
        }
        Err(error) => {
            tracing::error!(message_id, %error, "message not taken");
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"errorCode": -1}))).into_response()
        }
    }
}

async fn status(
    State(app): State<Arc<App>>,
    Path(chatbot): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let push = match accept(&app, &chatbot, &uri, &headers, &body) {
        Ok(push) => push,
        Err(refusal) => return refusal.into_response(),
    };
    let text = |item: &Value, member: &str| item[member].as_str().unwrap_or_default().to_string();
    let reports: Vec<(String, String)> = push["deliveryInfoList"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| (text(item, "messageId"), text(item, "status")))
        .collect();
    let noted = app
        .with_db(move |_, db| {
            let tx = db.transaction()?;
            for (message_id, status) in &reports {
                outbox::report(&tx, message_id, status)?;
            }
            tx.commit()
        })
        .await;
    match noted {
        Ok(()) => Json(json!({"errorCode": 0})).into_response(),
        Err(error) => {
            tracing::error!(%error, "delivery report not taken");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Audit results, changes of our data, spam reports: for the operator's log.
async fn notice(
    State(app): State<Arc<App>>,
    Path((chatbot, notice)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match accept(&app, &chatbot, &uri, &headers, &body) {
        Ok(push) => {
            tracing::info!(notice, result = push["result"].as_str(), "notice");
            Json(json!({"errorCode": 0})).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// The JSON of a push that is signed and meant for us. An empty body is an empty object.
fn accept(app: &App, chatbot: &str, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    verify(app, uri, headers, body)?;
    if !chatbot.eq_ignore_ascii_case(&app.bot.chatbot_id) {
        return Err(refusal(StatusCode::NOT_FOUND, 30008, "not this chatbot"));
    }
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(|error| {
        tracing::warn!(%error, "push is no JSON");
        refusal(StatusCode::BAD_REQUEST, 47001, "no JSON")
    })
}

fn verify(app: &App, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<(), Refusal> {
    let signed = Signed {
        signature: header(headers, "signature"),
        timestamp: header(headers, "timestamp"),
        nonce: header(headers, "nonce"),
    };
    let request = [uri.path().as_bytes(), b"\n", body].concat();
    let mut checker = app.push_checker.lock().expect("checking does not panic");
    checker.check(&signed, &request, now().unix_timestamp()).map_err(|distrust| {
        tracing::warn!(%distrust, "push refused");
        refusal(StatusCode::UNAUTHORIZED, 40001, &distrust.to_string())
    })
}

fn refusal(status: StatusCode, code: i64, message: &str) -> Refusal {
    (status, Json(json!({"errorCode": code, "errorMessage": message})))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The message in a push. `None` if it lacks what every message has.
fn inbound(push: &Value) -> Option<Inbound> {
    let id = |member: &str| {
        push[member].as_str().filter(|id| id.chars().count() <= ID_CHARS_MAX).map(str::to_string)
    };
    let user = id("senderAddress").filter(|user| !user.is_empty())?;
    let items = push["messageList"].as_array()?;
    let input = items.iter().map(input).find(|input| *input != Input::Other).unwrap_or(Input::Other);
    Some(Inbound {
        message_id: id("messageId").filter(|id| !id.is_empty())?,
        user,
        conversation_id: id("conversationId").unwrap_or_default(),
        contribution_id: id("contributionId").unwrap_or_default(),
        input,
    })
}

/// One item of a message list. JSON content may come as an object or as text, any content as base64.
fn input(item: &Value) -> Input {
    let content_type = item["contentType"].as_str().unwrap_or_default().to_ascii_lowercase();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let text = item["contentText"].as_str().map(|text| match item["contentEncoding"].as_str() {
        Some("base64") => {
            STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
        }
        _ => text.to_string(),
    });
    if essence.starts_with("application/vnd.gsma.botsuggestion.response") {
        let parsed = text.and_then(|text| serde_json::from_str(&text).ok());
        return tap(parsed.as_ref().unwrap_or(&item["contentText"]));
    }
    if essence.starts_with("application/vnd.gsma.rcs-ft-http") {
        return Input::File;
    }
    match text {
        Some(text) if essence == "text/plain" || essence.is_empty() => {
            location(&text).unwrap_or(Input::Text(text))
        }
        _ => Input::Other,
    }
}

/// `{"response": {"reply": {"displayText", "postback": {"data"}}}}`, or the same under `action`.
fn tap(content: &Value) -> Input {
    let response = &content["response"];
    let tapped = if response["reply"].is_object() { &response["reply"] } else { &response["action"] };
    if !tapped.is_object() {
        return Input::Other;
    }
    Input::Tap {
        label: tapped["displayText"].as_str().unwrap_or_default().to_string(),
        data: tapped["postback"]["data"].as_str().map(str::to_string),
    }
}

/// `geo:39.865,116.378;crs=gcj02;…` (RFC 5870).
fn location(text: &str) -> Option<Input> {
    let point = text.trim().strip_prefix("geo:")?.split(';').next()?;
    let mut degrees = point.split(',').map(|part| part.trim().parse::<f64>());
    let (latitude, longitude) = (degrees.next()?.ok()?, degrees.next()?.ok()?);
    let valid = (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude);
    valid.then_some(Input::Location { latitude, longitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_content_is_read() {
        let tap = Input::Tap { label: "好".into(), data: Some("help".into()) };
        let response = json!({"response": {"reply": {"displayText": "好", "postback": {"data": "help"}}}});
        let kind = "application/vnd.gsma.botsuggestion.response.v1.0+json";
        for (item, expected) in [
            (json!({"contentType": "text/plain", "contentText": "hi"}), Input::Text("hi".into())),
            (
                json!({"contentType": "text/plain;charset=utf-8", "contentEncoding": "base64", "contentText": "aGk="}),
                Input::Text("hi".into()),
            ),
            (
                json!({"contentType": "text/plain", "contentText": "geo:39.865,116.378;crs=gcj02;u=10"}),
                Input::Location { latitude: 39.865, longitude: 116.378 },
            ),
            (json!({"contentType": "text/plain", "contentText": "geo:99,0"}), Input::Text("geo:99,0".into())),
            (json!({"contentType": kind, "contentText": response}), tap.clone()),
            (json!({"contentType": kind, "contentText": response.to_string()}), tap),
            (
                json!({"contentType": kind, "contentText": {"response": {"action": {"displayText": "x"}}}}),
                Input::Tap { label: "x".into(), data: None },
            ),
            (json!({"contentType": kind, "contentText": 7}), Input::Other),
            (json!({"contentType": "application/vnd.gsma.rcs-ft-http", "contentText": []}), Input::File),
            (json!({"contentType": "image/x"}), Input::Other),
            (json!(null), Input::Other),
        ] {
            assert_eq!(input(&item), expected, "{item}");
        }
    }

    #[test]
    fn a_push_without_sender_or_id_is_none() {
        let whole = json!({"messageId": "m", "senderAddress": "tel:+86", "messageList": []});
        assert!(inbound(&whole).is_some());
        for member in ["messageId", "senderAddress", "messageList"] {
            let mut push = whole.clone();
            push[member] = Value::Null;
            assert!(inbound(&push).is_none(), "{member}");
        }
    }
}
