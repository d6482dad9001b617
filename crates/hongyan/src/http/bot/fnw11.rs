//! `/rcs/bot/v1/{botId}/…` and `/oauth2/v1/token`: GSMA FNW.11 (`chatbot_api::fnw11`).
//!
//! Refusals have an HTTP status outside of 2xx and a `reason`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::header::{AUTHORIZATION, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, http::HeaderValue};
use chatbot_api::csp;
use chatbot_api::ctcu::address;
use chatbot_api::fnw11::file::{File, FileStatus};
use chatbot_api::fnw11::oauth::{OAuthError, TokenAnswer, TokenRequest};
use chatbot_api::fnw11::status::StatusChange;
use chatbot_api::fnw11::{Contact, Message, MessageStatus, Reason, Request, capability, message};
use maap::dialect::fnw11;
use maap::{Answer, Call};
use rcs::Timestamp;
use rcs::address::Address;
use rcs::capability::Capabilities;
use rcs::ids;
use serde_json::{Value, json};
use store::{Chatbot, FileId, Media, Record, Review, Token};

use crate::http::media::{self, Keep, fetch, receive};
use crate::http::{App, BODY_BYTES_MAX, Failure, RETRY_AFTER_S, now};

/// The header by which a client may repeat a call without sending twice.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Longest idempotency key.
const KEY_BYTES_MAX: usize = 256;

/// What a call is answered with.
type Answered = Result<(StatusCode, Value), Refused>;

/// A refusal, and when to try again if that would help.
struct Refused {
    reason: Reason,
    retry_after_s: Option<u64>,
}

/// Any call under the API's root.
pub async fn call(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let path = uri.path().strip_prefix("/rcs/bot/v1/").and_then(|path| path.split_once('/'));
    let Some((segment, operation)) = path else { return respond(Err(no_such_call())) };
    let name = match operation.split('/').collect::<Vec<_>>()[..] {
        ["messages"] => "send",
        ["messages", _, "status"] => "status",
        ["contactCapabilities"] => "capabilities",
        ["files", _] => "files",
        _ => return respond(Err(no_such_call())),
    };
    let asked = Asked { app: &app, method, operation, query: uri.query().unwrap_or_default(), headers };
    let answer = asked.answer(segment, body).await;
    app.count_api_call("fnw11", name, code(&answer));
    respond(answer)
}

fn code(answer: &Answered) -> i32 {
    answer.as_ref().map_or_else(|refused| refused.reason.status, |(status, _)| status.as_u16()).into()
}

/// `POST …/files`, beside the other calls: its body takes as long as it takes.
pub async fn upload(
    State(app): State<Arc<App>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let segment = uri.path().split('/').nth(4).unwrap_or_default();
    let asked = Asked { app: &app, method, operation: "files", query: "", headers };
    let answer = asked.upload(segment, body).await;
    app.count_api_call("fnw11", "files", code(&answer));
    respond(answer)
}

/// A client's credentials for a bearer token.
pub async fn token(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    let answer = give_token(&app, &headers, form).await;
    let code = answer.as_ref().err().map_or(200, |error| error.status());
    app.count_api_call("fnw11", "token", code.into());
    let no_store = [("cache-control", "no-store")];
    match answer {
        Ok(answer) => (no_store, Json(answer)).into_response(),
        Err(error) => {
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
            (status, no_store, Json(error.to_json())).into_response()
        }
    }
}

async fn give_token(
    app: &App,
    headers: &HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Result<TokenAnswer, OAuthError> {
    let Form(request) = form.map_err(|_| OAuthError::InvalidRequest)?;
    let client = request.credentials(text(headers, AUTHORIZATION.as_str()))?;
    let chatbot = address::chatbot(&client.client_id, &app.numbering).ok_or(OAuthError::InvalidClient)?;
    let chatbot = app.chatbot(&chatbot).map_err(|_| OAuthError::Unavailable)?;
    let token = chatbot.and_then(|chatbot| fnw11::seal(&chatbot, &client.client_secret, &app.tokens, now()));
    token.map(TokenAnswer::new).ok_or(OAuthError::InvalidClient)
}

/// A call, but for its body.
struct Asked<'a> {
    app: &'a Arc<App>,
    method: Method,
    /// The path after the chatbot.
    operation: &'a str,
    query: &'a str,
    headers: HeaderMap,
}

impl Asked<'_> {
    async fn answer(&self, segment: &str, body: Body) -> Answered {
        let app = self.app;
        let chatbot = &self.chatbot(segment)?;
        match self.operation.split('/').collect::<Vec<_>>()[..] {
            ["messages"] => {
                self.wants(&Method::POST)?;
                self.send(chatbot, &whole(body).await?).await
            }
            ["messages", id, _] if self.method == Method::GET => self.status(chatbot, id).await,
            ["messages", id, _] => {
                self.wants(&Method::PUT)?;
                self.set_status(chatbot, id, &whole(body).await?).await
            }
            ["contactCapabilities"] => {
                self.wants(&Method::GET)?;
                self.capabilities(chatbot).await
            }
            [_, id] if self.method == Method::GET => {
                let media = self.file(chatbot, id).await?;
                Ok((StatusCode::OK, json!(shown(app, &media))))
            }
            [_, id] => {
                self.wants(&Method::DELETE)?;
                let media = self.file(chatbot, id).await?;
                match app.remove_media(&chatbot.address, media.id).await? {
                    true => Ok((StatusCode::NO_CONTENT, Value::Null)),
                    false => Err(no_such_file()),
                }
            }
            _ => Err(no_such_call()),
        }
    }

    /// The chatbot that the path names, if the token is its.
    fn chatbot(&self, segment: &str) -> Result<Chatbot, Refused> {
        let chatbot = address::chatbot(segment, &self.app.numbering);
        let chatbot = chatbot.ok_or_else(|| Refused::of(404, "the path names no chatbot"))?;
        let row = self.app.chatbot(&chatbot)?;
        let token = text(&self.headers, AUTHORIZATION.as_str()).and_then(csp::token);
        Ok(fnw11::authorise(row.as_deref(), token, &self.app.tokens, now())?.clone())
    }

    /// A form with `fileType`, `until`, and `fileContent` or `fileUrl`. The type is found by looking.
    async fn upload(&self, segment: &str, body: Body) -> Answered {
        self.wants(&Method::POST)?;
        let chatbot = self.chatbot(segment)?;
        let received = receive(self.app, &chatbot, self.headers.clone(), body, keep).await?;
        let media = match (received.media, received.values.get("fileUrl")) {
            (Some(media), _) => media,
            (None, Some(url)) => {
                let until = keep(&received.values).map_err(|what| Refused::of(400, what))?;
                fetch(self.app, &chatbot, url.clone(), None, until).await?
            }
            (None, None) => return Err(Refused::of(400, "neither fileContent nor fileUrl")),
        };
        Ok((StatusCode::OK, json!(shown(self.app, &media))))
    }

    /// A file of the chatbot.
    async fn file(&self, chatbot: &Chatbot, id: &str) -> Result<Media, Refused> {
        let id = id.parse::<FileId>().map_err(|()| no_such_file())?;
        self.app.media(&chatbot.address, id).await?.ok_or_else(no_such_file)
    }

    async fn send(&self, chatbot: &Chatbot, body: &[u8]) -> Answered {
        let request = message::parse(body, &self.app.numbering, now());
        match request.map_err(|error| Reason::of_parse_error(&error))? {
            Request::Message(message) => self.send_message(chatbot, *message).await,
            Request::Typing { to, state } => {
                let to = self.user(chatbot, &to).await?;
                let call = Call::Composing { chatbot: chatbot.address.clone(), to, state };
                match self.app.ask_maap(call).await? {
                    Answer::Done => Ok((StatusCode::ACCEPTED, json!({}))),
                    other => Err(refused_by(other)),
                }
            }
        }
    }

    async fn send_message(&self, chatbot: &Chatbot, message: Message) -> Answered {
        let user = self.user(chatbot, &message.to).await?;
        let message = message.into_outgoing(self.message_id(chatbot)?, &chatbot.address, user);
        let call = Call::Send { chatbot: chatbot.address.clone(), message: Box::new(message) };
        match self.app.ask_maap(call).await? {
            Answer::Accepted(message, _) => {
                Ok((StatusCode::ACCEPTED, MessageStatus::Pending.answer(&message.message_id)))
            }
            other => Err(refused_by(other)),
        }
    }

    /// The id of a new message: it follows from the idempotency key if there is one, so that a repeated call is recognised.
    fn message_id(&self, chatbot: &Chatbot) -> Result<String, Refused> {
        match text(&self.headers, IDEMPOTENCY_KEY) {
            Some(key) if key.len() > KEY_BYTES_MAX => {
                Err(Refused::of(400, format!("{IDEMPOTENCY_KEY}: {} > {KEY_BYTES_MAX}", key.len())))
            }
            Some(key) => Ok(ids::message_id_of(&chatbot.address, key)),
            None => Ok(super::fresh_id()),
        }
    }

    async fn status(&self, chatbot: &Chatbot, id: &str) -> Answered {
        let record = self.record(chatbot, id, |record| &record.from).await?;
        Ok((StatusCode::OK, fnw11::status_of(&record).answer(&record.message_id)))
    }

    async fn set_status(&self, chatbot: &Chatbot, id: &str, body: &[u8]) -> Answered {
        let change = StatusChange::parse(body).map_err(|error| Reason::of_parse_error(&error))?;
        match change {
            StatusChange::Displayed => {
                let record = self.record(chatbot, id, |record| &record.to).await?;
                let (user, message_id) = (record.from, record.message_id);
                let answer = MessageStatus::Displayed.answer(&message_id);
                let call = Call::Read { chatbot: chatbot.address.clone(), user, message_id };
                match self.app.ask_maap(call).await? {
                    Answer::Done => Ok((StatusCode::OK, answer)),
                    other => Err(refused_by(other)),
                }
            }
            StatusChange::Cancelled => {
                let record = self.record(chatbot, id, |record| &record.from).await?;
                // What comes of it is told by an event.
                let answer = fnw11::status_of(&record).answer(&record.message_id);
                let (message_id, to) = (record.message_id, vec![record.to]);
                let call = Call::Revoke { chatbot: chatbot.address.clone(), message_id, to };
                match self.app.ask_maap(call).await? {
                    Answer::Revoking { .. } => Ok((StatusCode::ACCEPTED, answer)),
                    other => Err(refused_by(other)),
                }
            }
        }
    }

    /// The record of a message of which one `side` is the chatbot.
    async fn record(
        &self,
        chatbot: &Chatbot,
        id: &str,
        side: fn(&Record) -> &Address,
    ) -> Result<Record, Refused> {
        let id = super::unescaped(id);
        let records = self.app.read(move |store| store.records(&id)).await?;
        let found = records.into_iter().find(|record| *side(record) == chatbot.address);
        found.ok_or_else(|| Refused::of(404, "msgId: there is no such message of this chatbot"))
    }

    async fn capabilities(&self, chatbot: &Chatbot) -> Answered {
        let value = |name: &str| {
            let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(found, _)| *found == name).map(|(_, value)| super::unescaped(value)).next()
        };
        let (user, chat) = (value("userContact"), value("chatId"));
        let contact = Contact::of_query(user.as_deref(), chat.as_deref(), &self.app.numbering);
        let user = self.user(chatbot, &contact.map_err(|what| Refused::of(400, what))?).await?;
        let bindings =
            self.app.read(move |store| store.account(&user)?.map(|_| store.bindings(&user)).transpose());
        let bindings = bindings.await?.ok_or_else(|| Refused::of(404, "there is no such user"))?;
        let known = bindings.live(now()).map(|binding| &binding.capabilities);
        Ok((StatusCode::OK, capability::answer(&known.fold(Capabilities::NONE, Capabilities::union))))
    }

    /// Who a contact is.
    async fn user(&self, chatbot: &Chatbot, contact: &Contact) -> Result<Address, Refused> {
        let chat = match contact {
            Contact::User(user) => return Ok(user.clone()),
            Contact::Chat(chat) => chat,
        };
        let nobody = || Refused::of(404, "chatId: there is no such chat with this chatbot");
        let token = Token::parse(chat).ok_or_else(nobody)?;
        let alias = self.app.read(move |store| store.alias(token)).await?;
        let alias = alias.filter(|alias| alias.chatbot == chatbot.address).ok_or_else(nobody)?;
        Ok(alias.user)
    }

    fn wants(&self, method: &Method) -> Result<(), Refused> {
        match self.method == *method {
            true => Ok(()),
            false => Err(Refused::of(405, format!("this call wants {method}, not {}", self.method))),
        }
    }
}

/// How long an upload is kept: until the time that the form names, else as long as temporary media are.
fn keep(values: &BTreeMap<String, String>) -> Result<Keep, String> {
    match values.get("until").map(|until| until.trim()).filter(|until| !until.is_empty()) {
        None => Ok(Keep::Temporary),
        Some(until) => match Timestamp::parse_rfc3339(until) {
            Ok(at) if at > now() => Ok(Keep::Until(at)),
            Ok(_) => Err("until: is over".to_owned()),
            Err(error) => Err(format!("until: {error}")),
        },
    }
}

/// A file in the interface's words.
fn shown(app: &App, media: &Media) -> File {
    let status = match media.review {
        Review::Pending => FileStatus::Pending,
        Review::Approved => FileStatus::Ready,
        Review::Rejected(_) => FileStatus::Failed,
    };
    fnw11::file(media.id, &app.media_transfer(media), status)
}

fn no_such_file() -> Refused {
    Refused::of(404, "fileId: there is no such file of this chatbot, or not any more")
}

/// The body, as far as a body of JSON may be.
async fn whole(body: Body) -> Result<axum::body::Bytes, Refused> {
    to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
        Refused::of(413, format!("the body did not arrive whole, or is over {BODY_BYTES_MAX} bytes"))
    })
}

impl Refused {
    fn of(status: u16, text: impl Into<String>) -> Self {
        Reason::new(status, text).into()
    }
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, retry_after_s: None }
    }
}

impl From<maap::Refusal> for Refused {
    fn from(refusal: maap::Refusal) -> Self {
        let retry_after_s = refusal.retry_after.map(|wait| wait.as_secs().max(1));
        Self { reason: fnw11::reason_of(&refusal), retry_after_s }
    }
}

impl From<media::Refusal> for Refused {
    fn from(refusal: media::Refusal) -> Self {
        let retry_after_s = match refusal {
            media::Refusal::Busy(seconds) => Some(seconds.into()),
            _ => None,
        };
        Self { reason: Reason::new(refusal.status().as_u16(), refusal.to_string()), retry_after_s }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let is_passing =
            matches!(failure.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let reason = Reason::new(failure.status.as_u16(), failure.reason);
        Self { reason, retry_after_s: is_passing.then_some(RETRY_AFTER_S.into()) }
    }
}

/// What the platform said instead of doing it.
fn refused_by(answer: Answer) -> Refused {
    match answer {
        Answer::Refused(refusal) => refusal.into(),
        _ => Refused::of(500, "the platform gave an answer that it should not give"),
    }
}

fn no_such_call() -> Refused {
    Refused::of(404, "there is no such call in this interface")
}

fn respond(answer: Answered) -> Response {
    match answer {
        Ok((StatusCode::NO_CONTENT, _)) => StatusCode::NO_CONTENT.into_response(),
        Ok((status, body)) => (status, Json(body)).into_response(),
        Err(Refused { reason, retry_after_s }) => {
            let status = StatusCode::from_u16(reason.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = (status, Json(reason.to_json())).into_response();
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
