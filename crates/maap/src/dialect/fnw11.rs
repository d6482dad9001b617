//! GSMA FNW.11 (maap-api §6): who its tokens are for, the platform's answers and refusals in its words, its events.

use std::time::Duration;

use chatbot_api::bearer::{self, NotOpened, Tokens};
use chatbot_api::fnw11::file::{File, FileStatus};
use chatbot_api::fnw11::oauth::TOKEN_SECONDS;
use chatbot_api::fnw11::{Contact, Event, MessageStatus, Reason};
use message_centre::notice::{Checked, Notice};
use message_centre::secret::is_secret;
use rcs::Timestamp;
use rcs::address::Address;
use rcs::composing::State;
use rcs::file_transfer::FileTransfer;
use store::{Chatbot, Dialect, FileId, Outcome, Record, WebhookAuth};

use super::Request;
use crate::push::{Method, PushAnswer};
use crate::refusal::{self, Refusal};
use crate::told::{NoticeOf, Told};

/// The chatbot, if `token` is its client secret, which serves as a token that does not lapse, or one that was sealed for it by
/// `tokens` and is in force.
///
/// # Errors
/// [`refusal::Reason::NoCredential`] without a token, [`refusal::Reason::WrongCredential`] with a wrong one or for no chatbot,
/// [`refusal::Reason::LapsedCredential`] with one that has lapsed.
pub fn authorise<'c>(
    chatbot: Option<&'c Chatbot>,
    token: Option<&str>,
    tokens: &Tokens,
    now: Timestamp,
) -> Result<&'c Chatbot, Refusal> {
    let token = token.ok_or_else(|| Refusal::of(refusal::Reason::NoCredential))?;
    let wrong = || Refusal::of(refusal::Reason::WrongCredential);
    let chatbot = chatbot.filter(|chatbot| chatbot.dialect == Dialect::Fnw11).ok_or_else(wrong)?;
    if is_secret(token, &chatbot.app_key_sha256) {
        return Ok(chatbot);
    }
    match tokens.open(token, now) {
        Ok(opened) if opened.chatbot == chatbot.address && opened.key_id == key_id(chatbot) => Ok(chatbot),
        Err(NotOpened::Expired) => Err(Refusal::of(refusal::Reason::LapsedCredential)),
        _ => Err(wrong()),
    }
}

/// A token for the chatbot, if `secret` is its client secret. Any number of them are good at once, as its workers like it.
pub fn seal(chatbot: &Chatbot, secret: &str, tokens: &Tokens, now: Timestamp) -> Option<String> {
    let is_its = chatbot.dialect == Dialect::Fnw11 && is_secret(secret, &chatbot.app_key_sha256);
    let expires_at = now.plus(Duration::from_secs(TOKEN_SECONDS));
    is_its.then(|| tokens.seal(&chatbot.address, &key_id(chatbot), expires_at))
}

/// Tokens end with the secret that was shown for them.
fn key_id(chatbot: &Chatbot) -> String {
    bearer::key_id(&chatbot.app_key_sha256)
}

/// A refusal of the platform, in the interface's words.
pub fn reason_of(refusal: &Refusal) -> Reason {
    use refusal::Reason as R;
    let (status, text) = match refusal.reason {
        R::NoCredential => (401, "Authorization: no bearer token"),
        R::WrongCredential | R::WrongKey => (401, "Authorization: not a token of this chatbot"),
        R::LapsedCredential => (401, "Authorization: the token has lapsed"),
        R::NotAllowed => (403, "not allowed"),
        R::CallbackUnchecked => (403, "the webhook has not answered its probe"),
        R::SecondLimit => (429, "too many messages in this second"),
        R::DayLimit => (429, "too many messages in this day"),
        R::MonthLimit => (429, "too many messages in this month"),
        R::CallLimit => (429, "too many calls of this kind"),
        R::MediaUrl => (400, "not a media URL of this platform"),
        R::MediaExpired => (400, "a media URL whose file has expired"),
        R::NoSuchUser => (404, "there is no such user"),
        R::MailboxFull => (409, "too much waits for the user"),
        R::Blocked => (403, "the user has blocked the chatbot"),
        R::NoSuchMessage => (404, "there is no such message"),
    };
    Reason::new(status, if refusal.detail.is_empty() { text } else { &refusal.detail })
}

/// What became of a message, by its record.
pub fn status_of(record: &Record) -> MessageStatus {
    match &record.outcome {
        _ if record.displayed_at.is_some() => MessageStatus::Displayed,
        _ if record.delivered_at.is_some() => MessageStatus::Delivered,
        Outcome::Waiting => MessageStatus::Pending,
        Outcome::Delivered | Outcome::FellBack => MessageStatus::Delivered,
        Outcome::Expired | Outcome::Refused(_) => MessageStatus::Failed,
        Outcome::Revoked => MessageStatus::Cancelled,
    }
}

/// An event; `None` for what the interface has no word for.
pub(super) fn push(chatbot: &Chatbot, webhook: &str, told: &Told) -> Option<Request> {
    let event = match told {
        Told::Message(message) => {
            let from = Contact::of_address(&message.from);
            Event::incoming(&message.message_id, &from, &message.incoming, message.at)
        }
        Told::Status(told) => {
            let (user, status) = (Contact::of_address(&told.user), MessageStatus::of(told.status)?);
            let why = told.failure.map(|failure| failure.meaning());
            Event::status(&told.message_id, &user, status, why, told.at)
        }
        Told::Notice(NoticeOf { notice: Notice::Checked { about, rejection, .. }, .. }) => {
            let Checked::Media { id, transfer } = about else { return None };
            let status = if rejection.is_none() { FileStatus::Ready } else { FileStatus::Failed };
            Event::file(&file(*id, transfer, status))
        }
        Told::Revealed { user, token } => Event::alias(token, user.e164()?),
        Told::Capabilities(_) | Told::Consent(_) | Told::Notice(_) => return None,
    };
    Some(request(chatbot, webhook, &event))
}

/// A file of the library in the interface's words.
pub fn file(id: FileId, transfer: &FileTransfer, status: FileStatus) -> File {
    let info = &transfer.file;
    File::new(id.to_string(), info.url.clone(), info.size, info.content_type.clone(), status, info.until)
}

/// That a user writes, or has stopped.
pub(super) fn typing(chatbot: &Chatbot, webhook: &str, user: &Address, state: State) -> Request {
    request(chatbot, webhook, &Event::typing(&Contact::of_address(user), state))
}

fn request(chatbot: &Chatbot, webhook: &str, event: &Event) -> Request {
    let mut headers = vec![("content-type", "application/json".to_owned())];
    headers.extend(authorization(chatbot));
    Request { method: Method::Post, url: webhook.to_owned(), headers, body: event.to_json().into() }
}

/// The request that finds out whether somebody is at a webhook.
pub(super) fn probe(chatbot: &Chatbot, webhook: &str) -> Request {
    let headers = authorization(chatbot).into_iter().collect();
    Request { method: Method::Get, url: webhook.to_owned(), headers, body: bytes::Bytes::new() }
}

/// Any 2xx.
pub(super) fn probed(answer: &PushAnswer) -> Result<(), String> {
    match answer.status {
        200..300 => Ok(()),
        status => Err(format!("answered {status}")),
    }
}

fn authorization(chatbot: &Chatbot) -> Option<(&'static str, String)> {
    let token = &chatbot.callback_token;
    match chatbot.webhook_auth {
        WebhookAuth::Bearer => Some(("authorization", format!("Bearer {token}"))),
        WebhookAuth::Token => Some(("authorization", token.clone())),
        WebhookAuth::None => None,
    }
}
