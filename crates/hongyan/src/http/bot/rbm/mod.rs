//! `/v1/…`, `/upload/v1/files`, `/token`: the RBM-style interface (`chatbot_api::rbm`, maap-api §7).
//!
//! `auth.rs` finds out who calls, `files.rs` has uploads and what messages say of files; everything else is here.

mod auth;
mod files;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Query, State};
use axum::http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chatbot_api::rbm::answer::{self, BatchRequest, Feature, InviteStatus, features};
use chatbot_api::rbm::event::AgentEvent;
use chatbot_api::rbm::{self, AgentMessage, Code, Refusal, discovery};
use maap::dialect::rbm::refusal_of;
use maap::{Answer, Call};
use percent_encoding::percent_decode_str;
use rcs::address::Address;
use rcs::bot::rule;
use rcs::capability::Capabilities;
use rcs::composing;
use serde_json::{Value, json};
use store::{Chatbot, Store};

use crate::http::{App, BODY_BYTES_MAX, Peer, RETRY_AFTER_S, now};

pub use auth::exchange;
pub use files::upload;

/// What the edge of the interface works with.
pub struct Rbm {
    /// URLs under which accounts know the token endpoint and the interface.
    pub audiences: Vec<String>,
    /// What was found out about files elsewhere, and uploads that come in pieces.
    pub files: files::Files,
}

type Params = HashMap<String, String>;

/// `GET /$discovery/rest`: from what generic client libraries build themselves, for the root under which they asked.
pub async fn discover(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Json<Value> {
    Json(discovery::document(&root(&app, &peer, &headers)))
}

/// Where a client reached us, so that what it is told to call next goes the same way. Under the names that clients are made for they
/// come as those say; under others, whoever ends TLS in front of us says so in `X-Forwarded-Proto`, and who lies there leads
/// nobody astray but the one who asks.
fn root(app: &App, peer: &Peer, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text("host") else { return app.public_url.clone() };
    let is_this = |known: &&String| known.split_once("://").is_some_and(|(_, name)| name == host);
    match app.rbm.audiences.iter().find(is_this) {
        Some(known) => known.clone(),
        None => {
            let is_secure = peer.secure || text("x-forwarded-proto") == Some("https");
            format!("{}://{host}", if is_secure { "https" } else { "http" })
        }
    }
}

/// Any call below `/v1/`.
pub async fn call(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    query: Result<Query<Params>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let path = uri.path().strip_prefix("/v1/").unwrap_or_default();
    let segments: Vec<String> =
        path.split('/').map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned()).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some((name, call)) = named(&method, &segments) else {
        return refused(&Refusal::new(
            Code::NotFound,
            format!("{method} {path} is no call of this interface"),
        ));
    };
    let answer = async {
        let (chatbot, _) = auth::authorised(&app, &headers).await?;
        let Query(params) = query.map_err(|error| Refusal::new(Code::InvalidArgument, error.body_text()))?;
        let body = body.map_err(|_| {
            let what = format!("the body did not arrive whole, or is over {BODY_BYTES_MAX} bytes");
            Refusal::new(Code::InvalidArgument, what)
        })?;
        check_agent(&app, &chatbot, params.get("agentId"))?;
        make(&app, &chatbot, call, &params, &body).await
    }
    .await;
    told(&app, name, answer)
}

/// Writes an answer, and counts it.
fn told(app: &App, call: &'static str, answer: Result<Value, Refusal>) -> Response {
    let code = answer.as_ref().map_or_else(|refusal| refusal.code.http(), |_| 200);
    app.count_api_call("rbm", call, code.into());
    answer.map_or_else(|refusal| refused(&refusal), |answer| Json(answer).into_response())
}

/// The calls, with what their paths name.
enum Named<'p> {
    Send { phone: &'p str },
    Revoke { phone: &'p str, message_id: &'p str },
    Event { phone: &'p str },
    Capabilities { phone: &'p str },
    Callback { phone: &'p str },
    Tester { phone: &'p str },
    Dialogflow,
    Users,
    File,
}

fn named<'p>(method: &Method, segments: &[&'p str]) -> Option<(&'static str, Named<'p>)> {
    Some(match (method.as_str(), segments) {
        ("POST", &["phones", phone, "agentMessages"]) => ("send", Named::Send { phone }),
        ("DELETE", &["phones", phone, "agentMessages", message_id]) => {
            ("revoke", Named::Revoke { phone, message_id })
        }
        ("POST", &["phones", phone, "agentEvents"]) => ("event", Named::Event { phone }),
        ("GET", &["phones", phone, "capabilities"]) => ("capabilities", Named::Capabilities { phone }),
        ("POST", &["phones", phone, "capability:requestCapabilityCallback"]) => {
            ("capability callback", Named::Callback { phone })
        }
        ("POST", &["phones", phone, "testers"]) => ("tester", Named::Tester { phone }),
        ("POST", &["phones", _, "dialogflowMessages"]) => ("dialogflow", Named::Dialogflow),
        ("POST", &["users:batchGet"]) => ("users", Named::Users),
        ("POST", &["files"]) => ("file", Named::File),
        _ => return None,
    })
}

async fn make(
    app: &Arc<App>,
    chatbot: &Chatbot,
    call: Named<'_>,
    params: &Params,
    body: &[u8],
) -> Result<Value, Refusal> {
    let address = &chatbot.address;
    match call {
        Named::Send { phone } => send(app, chatbot, user(app, phone)?, id(params, "messageId")?, body).await,
        Named::Revoke { phone, message_id } => {
            let (to, message_id) = (vec![user(app, phone)?], message_id.to_owned());
            ask(app, Call::Revoke { chatbot: address.clone(), message_id, to }).await?;
            Ok(json!({}))
        }
        Named::Event { phone } => {
            let (user, event_id) = (user(app, phone)?, id(params, "eventId")?);
            let event = AgentEvent::parse(body)?;
            let chatbot = address.clone();
            let call = match event.clone() {
                AgentEvent::IsTyping => {
                    Call::Composing { chatbot, to: user.clone(), state: composing::State::Active }
                }
                AgentEvent::Read { message_id } => Call::Read { chatbot, user: user.clone(), message_id },
            };
            ask(app, call).await?;
            Ok(answer::agent_event(&event, &event_id, &user, now()))
        }
        Named::Capabilities { phone } => {
            let user = user(app, phone)?;
            match features_of(app, chatbot, vec![user.clone()]).await?.pop().flatten() {
                None => Err(Refusal::new(
                    Code::PermissionDenied,
                    "the agent is not launched, and the user is none of its testers",
                )),
                Some(features) if features.is_empty() => {
                    Err(Refusal::new(Code::NotFound, "the user has no device here that chatbots can reach"))
                }
                Some(features) => Ok(answer::capabilities(&user, &features)),
            }
        }
        Named::Callback { phone } => {
            let (user, request_id) = (user(app, phone)?, answer::request_id(body)?);
            ask(app, Call::Capabilities { chatbot: address.clone(), user, request_id }).await?;
            Ok(json!({}))
        }
        Named::Tester { phone } => {
            let user = user(app, phone)?;
            let invite = Call::Invite { chatbot: address.clone(), user: user.clone() };
            let Answer::Invited { accepted } = ask(app, invite).await? else { return Err(unexpected()) };
            let status = match accepted {
                None => InviteStatus::Pending,
                Some(true) => InviteStatus::Accepted,
                Some(false) => InviteStatus::Declined,
            };
            Ok(answer::tester(&user, status))
        }
        Named::Dialogflow => Err(Refusal::new(
            Code::Unimplemented,
            "no Dialogflow agent can be connected here: answer the user's messages yourself, with agentMessages",
        )),
        Named::Users => {
            let asked = BatchRequest::parse(body, &app.numbering)?;
            check_agent(app, chatbot, asked.agent_id.as_ref())?;
            let found = features_of(app, chatbot, asked.users.clone()).await?;
            let is_reachable: Vec<bool> = found
                .iter()
                .map(|found| found.as_ref().is_some_and(|features| !features.is_empty()))
                .collect();
            Ok(asked.answer(&is_reachable))
        }
        Named::File => files::by_url(app, chatbot, body).await,
    }
}

async fn send(
    app: &Arc<App>,
    chatbot: &Chatbot,
    to: Address,
    message_id: String,
    body: &[u8],
) -> Result<Value, Refusal> {
    let message = AgentMessage::parse(body)?;
    let found = message.files().iter().map(|file| files::find(app, chatbot, file));
    let found = futures_util::future::try_join_all(found).await?;
    let payload_bytes = found.iter().map(|found| found.transfer.file.size).sum();
    let answer = answer::agent_message(&message, &message_id, &to, payload_bytes, now());
    let outgoing = message.into_outgoing(message_id, &chatbot.address, to, found, now())?;
    ask(app, Call::Send { chatbot: chatbot.address.clone(), message: Box::new(outgoing) }).await?;
    Ok(answer)
}

/// Has the platform decide a call: what it refuses, and a full inbox, in the interface's words.
async fn ask(app: &App, call: Call) -> Result<Answer, Refusal> {
    match app.ask_maap(call).await {
        Ok(Answer::Refused(refusal)) => Err(refusal_of(&refusal)),
        Ok(answer) => Ok(answer),
        Err(failure) if failure.status == StatusCode::TOO_MANY_REQUESTS => {
            Err(Refusal::new(Code::ResourceExhausted, failure.to_string()))
        }
        Err(failure) => Err(Refusal::new(Code::Unavailable, failure.to_string())),
    }
}

/// What the devices of each user can take: nothing where chatbots reach none, `None` for whom the agent does not serve.
async fn features_of(
    app: &App,
    chatbot: &Chatbot,
    users: Vec<Address>,
) -> Result<Vec<Option<BTreeSet<Feature>>>, Refusal> {
    let chatbot = chatbot.clone();
    let of = move |store: &Store, mut user: Address| {
        if let Some(token) = maap::privacy::token_of(&user)
            && let Some(alias) = store.alias(token)?.filter(|alias| alias.chatbot == chatbot.address)
        {
            user = alias.user;
        }
        if !chatbot.serves(&user) {
            return Ok(None);
        }
        let bindings = store.bindings(&user)?;
        let known = bindings.live(now()).map(|device| &device.capabilities);
        Ok(Some(features(&known.fold(Capabilities::NONE, Capabilities::union))))
    };
    let read = app.read(move |store| users.into_iter().map(|user| of(store, user)).collect());
    read.await.map_err(|failure| Refusal::new(Code::Internal, failure.to_string()))
}

/// Whether the agent that a call names is the one of the account.
fn check_agent(app: &App, chatbot: &Chatbot, named: Option<&String>) -> Result<(), Refusal> {
    match named.filter(|named| !named.is_empty()) {
        Some(named) if rbm::agent(named, &app.numbering).as_ref() != Some(&chatbot.address) => {
            Err(Refusal::new(Code::PermissionDenied, "agentId: not the agent of this account"))
        }
        _ => Ok(()),
    }
}

fn user(app: &App, phone: &str) -> Result<Address, Refusal> {
    rbm::user(phone, &app.numbering)
        .ok_or_else(|| Refusal::of_field("phones", rule::TYPE, "no phone number in E.164"))
}

fn id(params: &Params, name: &str) -> Result<String, Refusal> {
    match params.get(name).filter(|id| !id.is_empty()) {
        None => Err(Refusal::of_field(name, rule::REQUIRED, "missing")),
        Some(id) if rbm::is_id(id) => Ok(id.clone()),
        Some(_) => Err(Refusal::of_field(name, rule::TYPE, "no id: a UUID, or some visible characters")),
    }
}

fn unexpected() -> Refusal {
    Refusal::new(Code::Internal, "unexpected answer of the centre")
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.code.http()).expect("a code has an HTTP status");
    let mut response = (status, Json(refusal.to_json())).into_response();
    match refusal.code {
        Code::ResourceExhausted | Code::Unavailable => {
            let seconds = refusal.retry_after.map_or(RETRY_AFTER_S.into(), |wait| wait.as_secs().max(1));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        Code::Unauthenticated => {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}
