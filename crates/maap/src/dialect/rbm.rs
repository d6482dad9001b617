//! The RBM-style interface (maap-api §7): its calls as the platform's, the platform's refusals in its words, its pushes and the
//! check of a new webhook.

use chatbot_api::rbm::answer::features;
use chatbot_api::rbm::push::{self, Notice, SIGNATURE_HEADER, ServerEvent, UserEvent};
use chatbot_api::rbm::{Code, Refusal};
use chatbot_api::{Failure, Status};
use rcs::address::Address;
use store::Chatbot;

use super::{Fresh, Request};
use crate::push::{Method, PushAnswer};
use crate::refusal::{self, Reason};
use crate::told::{StatusOf, Told};

/// A refusal of the platform, in the interface's words.
pub fn refusal_of(refusal: &refusal::Refusal) -> Refusal {
    let (code, meaning) = match refusal.reason {
        Reason::NoCredential => (Code::Unauthenticated, "the call shows no access token"),
        Reason::WrongCredential => (Code::Unauthenticated, "the access token is not valid"),
        Reason::LapsedCredential => (Code::Unauthenticated, "the access token has expired"),
        Reason::WrongKey => (Code::Unauthenticated, "the key is not valid"),
        Reason::NotAllowed => (Code::PermissionDenied, "the agent may not do this"),
        Reason::Blocked => (Code::PermissionDenied, "the user wants to hear nothing from this agent"),
        Reason::CallbackUnchecked => (Code::FailedPrecondition, "the webhook has not passed its check"),
        Reason::DayLimit => (Code::ResourceExhausted, "more messages in this day than the agent may send"),
        Reason::MonthLimit => {
            (Code::ResourceExhausted, "more messages in this month than the agent may send")
        }
        Reason::SecondLimit => {
            (Code::ResourceExhausted, "more messages in this second than the agent may send")
        }
        Reason::CallLimit => (Code::ResourceExhausted, "more calls of this kind than the agent may make"),
        Reason::MailboxFull => (Code::ResourceExhausted, "too much waits for this user"),
        Reason::MediaUrl => (Code::InvalidArgument, "a media URL that is not allowed"),
        Reason::MediaExpired => (Code::InvalidArgument, "a media URL whose file has expired"),
        Reason::NoSuchUser => (Code::NotFound, "the user cannot be reached"),
        Reason::NoSuchMessage => (Code::NotFound, "there is no such message"),
    };
    let message = if refusal.detail.is_empty() { meaning } else { &refusal.detail };
    Refusal { retry_after: refusal.retry_after, ..Refusal::new(code, message) }
}

/// A push: what the interface has no words for is told to nobody.
pub(super) fn push(chatbot: &Chatbot, webhook: &str, told: &Told, fresh: &Fresh<'_>) -> Option<Request> {
    let (notice, entry) = match told {
        Told::Message(told) => {
            (Notice::message(&told.message_id, &told.from, &told.incoming, told.at)?, told.entry)
        }
        Told::Status(told) => (status(told)?, told.entry),
        Told::Consent(told) => {
            let event = if told.is_given { UserEvent::Subscribe } else { UserEvent::Unsubscribe };
            let id = told.entry.to_string();
            (Notice::user_event(event, &id, None, &told.user, told.at), told.entry)
        }
        Told::Notice(_) | Told::Revealed { .. } => return None,
        Told::Capabilities(told) => {
            let features = told.capabilities.as_ref().map(features).filter(|features| !features.is_empty());
            (Notice::capability_callback(&told.request_id, &told.user, features.as_ref()), told.entry)
        }
    };
    Some(request(chatbot, webhook, &notice, &entry.to_string(), fresh))
}

/// A user writes to the agent: told now or never.
pub(super) fn typing(chatbot: &Chatbot, webhook: &str, user: &Address, fresh: &Fresh<'_>) -> Request {
    let notice = Notice::user_event(UserEvent::IsTyping, &fresh.nonce, None, user, fresh.now);
    request(chatbot, webhook, &notice, &fresh.nonce, fresh)
}

fn status(told: &StatusOf) -> Option<Notice> {
    let event_id = told.entry.to_string();
    let user_event =
        |event| Notice::user_event(event, &event_id, Some(&told.message_id), &told.user, told.at);
    let server_event = |event| Notice::server_event(event, &event_id, &told.message_id, &told.user, told.at);
    match (told.status, told.failure) {
        (Status::Delivered, _) => Some(user_event(UserEvent::Delivered)),
        (Status::Displayed, _) => Some(user_event(UserEvent::Read)),
        // What the devices would not have will not be had: the agent hears so in the only words there are.
        (Status::Failed, Some(Failure::Offline)) if told.may_arrive => {
            Some(server_event(ServerEvent::RevokeFailed))
        }
        (Status::Failed, Some(Failure::Offline | Failure::NotAcceptable)) => {
            Some(server_event(ServerEvent::Revoked))
        }
        _ => None,
    }
}

fn request(chatbot: &Chatbot, webhook: &str, notice: &Notice, id: &str, fresh: &Fresh<'_>) -> Request {
    let data = notice.clone().data(&chatbot.address, fresh.numbering);
    let signature = push::signature(&chatbot.callback_token, &data);
    Request {
        method: Method::Post,
        url: webhook.to_owned(),
        headers: vec![("content-type", "application/json".to_owned()), (SIGNATURE_HEADER, signature)],
        body: notice.envelope(&data, id, &chatbot.address, fresh.numbering, fresh.now).into(),
    }
}

/// The check of a webhook: it is told the client token and must answer the secret.
pub(super) fn check(chatbot: &Chatbot, webhook: &str, secret: &str) -> Request {
    Request {
        method: Method::Post,
        url: webhook.to_owned(),
        headers: vec![("content-type", "application/json".to_owned())],
        body: push::check(&chatbot.callback_token, secret).into(),
    }
}

/// 200 with the secret.
pub(super) fn check_passed(answer: &PushAnswer, secret: &str) -> Result<(), String> {
    match push::check_passed(answer.status, &answer.body, secret) {
        true => Ok(()),
        false if answer.status != 200 => Err(format!("answered {}", answer.status)),
        false => Err("answered without the secret".to_owned()),
    }
}
