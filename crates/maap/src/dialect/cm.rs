//! China Mobile's interface (maap-api §3): who its dated credentials are of, the platform's refusals in its words, its pushes.

use chatbot_api::cm::auth::{self, AuthError};
use chatbot_api::cm::error::Exception;
use chatbot_api::cm::file::{self, AuthStatus};
use chatbot_api::cm::push::{self, MessagePush};
use chatbot_api::cm::{Dated, RequestError, XML};
use chatbot_api::ctcu::address::PathForm;
use message_centre::notice::{Checked, Notice};
use rcs::Timestamp;
use rcs::spam_report::SpamReport;
use store::{ApiKey, Chatbot, Dialect, KeyRole};

use super::{Fresh, Request, Taken};
use crate::push::{Method, PushAnswer};
use crate::refusal::{Reason, Refusal};
use crate::told::Told;

/// The chatbot, if the credentials are its.
///
/// # Errors
/// What is wrong with them.
pub fn authorise<'c>(
    chatbot: Option<&'c Chatbot>,
    dated: &Dated,
    now: Timestamp,
) -> Result<&'c Chatbot, AuthError> {
    let chatbot = chatbot
        .filter(|chatbot| chatbot.dialect == Dialect::Cm && chatbot.app_id == dated.id)
        .ok_or(AuthError::Wrong)?;
    dated.verify(&auth::chatbot_secret(&chatbot.app_key_sha256), now)?;
    Ok(chatbot)
}

/// The chatbot, if the credentials are those of the CSP whose it is: `key` is a key of that tenant, its id the `cspId`, and what
/// [`auth::chatbot_secret`] makes of its secret half the `cspToken`.
///
/// # Errors
/// What is wrong with them.
pub fn authorise_csp<'c>(
    chatbot: Option<&'c Chatbot>,
    key: Option<&ApiKey>,
    dated: &Dated,
    now: Timestamp,
) -> Result<&'c Chatbot, AuthError> {
    let chatbot = chatbot.filter(|chatbot| chatbot.dialect == Dialect::Cm).ok_or(AuthError::Wrong)?;
    let key = key.filter(|key| key.id == dated.id && key.role != KeyRole::Auditor).ok_or(AuthError::Wrong)?;
    let is_shown = |hash| dated.verify(&auth::chatbot_secret(hash), now).is_ok();
    // All that are good are compared, whichever it is.
    match key.hashes(now).filter(|hash| is_shown(hash)).count() {
        0 => Err(AuthError::Wrong),
        _ => Ok(chatbot),
    }
}

/// A refusal of the platform, in the interface's words.
pub fn error_of(refusal: &Refusal) -> RequestError {
    let (status, exception, text) = match refusal.reason {
        Reason::NoCredential | Reason::WrongCredential | Reason::LapsedCredential | Reason::WrongKey => {
            (401, Exception::Policy, "unknown id or wrong hash")
        }
        Reason::NotAllowed => (403, Exception::Policy, "not allowed"),
        Reason::CallbackUnchecked => (403, Exception::Policy, "the webhook is not checked"),
        Reason::SecondLimit => (429, Exception::Policy, "too many messages in this second"),
        Reason::DayLimit => (429, Exception::Policy, "too many messages in this day"),
        Reason::MonthLimit => (429, Exception::Policy, "too many messages in this month"),
        Reason::CallLimit => (429, Exception::Policy, "too many calls of this kind"),
        Reason::MediaUrl => (400, Exception::InvalidValue, "not a media URL of this platform"),
        Reason::MediaExpired => (400, Exception::InvalidValue, "a media URL whose file has expired"),
        Reason::NoSuchUser => (404, Exception::NoValidAddress, "there is no such user"),
        Reason::MailboxFull => (503, Exception::NoResources, "too much waits for the user"),
        Reason::Blocked => (403, Exception::Policy, "the user has blocked the chatbot"),
        Reason::NoSuchMessage => (404, Exception::InvalidValue, "there is no such message"),
    };
    RequestError::new(status, exception, if refusal.detail.is_empty() { text } else { &refusal.detail })
}

/// A push (maap-api §3.4).
pub(super) fn push(
    chatbot: &Chatbot,
    webhook: &str,
    told: &Told,
    form: PathForm,
    fresh: &Fresh<'_>,
) -> Option<Request> {
    let root = fresh.public_url;
    let mut headers = credentials(chatbot, fresh);
    let (path, body) = match told {
        Told::Message(message) => {
            let document = MessagePush {
                message_id: &message.message_id,
                sender: &message.from,
                chatbot: &message.to,
                incoming: &message.incoming,
                conversation_id: &message.conversation_id,
                contribution_id: &message.contribution_id,
                in_reply_to: message.in_reply_to.as_deref(),
                at: message.at,
            };
            headers.push(("Address", message.from.user().to_owned()));
            (push::message_path(&chatbot.address, form), document.to_xml(root))
        }
        Told::Status(told) => {
            let document =
                push::status(&told.message_id, &told.user, &told.chatbot, told.status, told.failure, root);
            headers.push(("Address", told.user.user().to_owned()));
            (push::path_of(told.status, &chatbot.address, form), document)
        }
        Told::Notice(told) => {
            let body = match &told.notice {
                Notice::InformationChanged | Notice::Checked { about: Checked::Information, .. } => {
                    return None;
                }
                Notice::Spam { message_ids, kind, text } => {
                    let report = SpamReport {
                        about: Some(chatbot.address.to_string()),
                        message_ids: message_ids.clone(),
                        kind: kind.clone(),
                        text: text.clone(),
                    };
                    push::spam(&told.message_id, &chatbot.address, &report, told.at, root)
                }
                // How the audit of a file ended (maap-api §3.5); a rejected one has no document.
                Notice::Checked { about: Checked::Media { id, transfer }, rejection, .. } => {
                    let status = if rejection.is_none() { AuthStatus::Passed } else { AuthStatus::Rejected };
                    headers.push((file::TID, id.to_string()));
                    headers.push((file::AUTH_STATUS, status.as_str().to_owned()));
                    if rejection.is_none() { transfer.to_xml() } else { String::new() }
                }
            };
            (push::message_path(&chatbot.address, form), body)
        }
        Told::Capabilities(_) | Told::Consent(_) | Told::Revealed { .. } => return None,
    };
    headers.push(("content-type", XML.to_owned()));
    Some(Request { method: Method::Post, url: format!("{webhook}{path}"), headers, body: body.into() })
}

/// The chatbot's own credentials: it knows by them that the push is ours.
fn credentials(chatbot: &Chatbot, fresh: &Fresh<'_>) -> Vec<(&'static str, String)> {
    let secret = auth::chatbot_secret(&chatbot.app_key_sha256);
    auth::headers(&chatbot.app_id, &secret, fresh.now).to_vec()
}

/// 2xx; after a 404 the URI in the path is written in the other form.
pub(super) fn taken(answer: &PushAnswer) -> Taken {
    match answer.status {
        200..300 => Taken::Yes,
        404 => Taken::OtherForm,
        status => Taken::No(format!("answered {status}")),
    }
}
