//! China Telecom and China Unicom's joint interface (maap-api §2): its calls as the platform's, the platform's answers as its,
//! its pushes and its callback check.

use bytes::Bytes;
use chatbot_api::ctcu::address::PathForm;
use chatbot_api::ctcu::data::{Optionals, parse_menu};
use chatbot_api::ctcu::push::{
    CheckPush, MessageItem, SpamPush, change_path, check_path, message_path, spam_path, status_path,
};
use chatbot_api::ctcu::signature::{self, CHECK_PATH, check_headers, push_headers};
use chatbot_api::ctcu::{
    MessagePush, Refusal, ResultAnswer, ReturnCode, RevokeRequest, SendAnswer, StatusPush, TokenAnswer,
    TokenRequest, date_time, send,
};
use message_centre::notice::{Checked, Notice};
use rcs::address::{Address, Numbering};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Chatbot, Dialect, Topic};

use super::{Fresh, Request, Taken};
use crate::push::{Method, PushAnswer};
use crate::refusal::{self, Reason};
use crate::told::Told;
use crate::{Answer, Call, StandingCall};

/// `POST …/accessToken` of the chatbot that the path names.
///
/// # Errors
/// What is wrong with the body.
pub fn token_call(chatbot: Address, body: &[u8]) -> Result<Call, Refusal> {
    let TokenRequest { app_id, app_key } = TokenRequest::parse(body)?;
    Ok(Call::Token { chatbot, app_id, app_key })
}

/// `POST …/messages`, for a chatbot that has shown its token.
///
/// # Errors
/// What is wrong with the body.
pub fn send_call(chatbot: Address, body: &[u8], numbering: &Numbering) -> Result<Call, Refusal> {
    let message = Box::new(send::parse(body, &chatbot, numbering)?);
    Ok(Call::Send { chatbot, message })
}

/// `POST …/revoke`, for a chatbot that has shown its token.
///
/// # Errors
/// What is wrong with the body.
pub fn revoke_call(chatbot: Address, body: &[u8], numbering: &Numbering) -> Result<Call, Refusal> {
    let RevokeRequest { message_id, to } = RevokeRequest::parse(body, numbering)?;
    Ok(Call::Revoke { chatbot, message_id, to })
}

/// `POST …/update/chatBotInfo/optionals`, for a chatbot that has shown its token.
///
/// # Errors
/// What is wrong with the body.
pub fn optionals_call(chatbot: Address, body: &[u8]) -> Result<Call, Refusal> {
    let given = Optionals::parse(body)?;
    let mut change = json!({
        "description": given.service_description,
        "categories": given.category,
        "callbackNumber": given.call_back_number,
        "provider": given.provider,
        "longitude": given.longitude,
        "latitude": given.latitude,
        "colour": given.theme_colour,
        "website": given.service_website,
        "email": given.email_address,
        "backgroundImage": given.background_image,
        "address": given.address,
        "cssStyle": given.css_style,
        "autograph": given.autograph,
    });
    if let Some(change) = change.as_object_mut() {
        change.retain(|_, value| !value.is_null());
    }
    Ok(Call::Standing(StandingCall::Propose { chatbot, topic: Topic::Data, change }))
}

/// `POST …/update/chatBotInfo/menu`, for a chatbot that has shown its token.
///
/// # Errors
/// What is wrong with the menu.
pub fn menu_call(chatbot: Address, body: &[u8]) -> Result<Call, Refusal> {
    let change = json!({ "menu": parse_menu(body)? });
    Ok(Call::Standing(StandingCall::Propose { chatbot, topic: Topic::Menu, change }))
}

/// Whether `chatbot` speaks this interface, if there is one: its credentials open no other.
///
/// # Errors
/// 48001.
pub fn speaks(chatbot: Option<&Chatbot>) -> Result<(), Refusal> {
    match chatbot {
        Some(chatbot) if chatbot.dialect != Dialect::Ctcu => {
            Err(Refusal::with(ReturnCode::NotAuthorised, "the chatbot speaks another interface than this"))
        }
        _ => Ok(()),
    }
}

/// The JSON body of an answer. `public_url` is where later calls go.
///
/// # Errors
/// The platform's refusal in the interface's words.
pub fn answer(answer: Answer, public_url: &str) -> Result<Bytes, Refusal> {
    match answer {
        Answer::Token { token } => Ok(json_bytes(&TokenAnswer::new(token, public_url.to_owned()))),
        Answer::Accepted(message, _) => Ok(json_bytes(&SendAnswer::accepted(&message))),
        Answer::Revoking { message_id, to } => Ok(json_bytes(&RevokeRequest { message_id, to }.accepted())),
        // A proposal: it shows, or waits for the operator.
        Answer::Updated(_) => Ok(json_bytes(&ResultAnswer::ok())),
        Answer::Invalid(what) => Err(Refusal::with(ReturnCode::ChatbotUpdateFailed, what)),
        Answer::Refused(refusal) => Err(refusal_of(&refusal)),
        _ => Err(Refusal::of(ReturnCode::Internal)),
    }
}

fn json_bytes(answer: &impl Serialize) -> Bytes {
    serde_json::to_vec(answer).expect("answers have string keys and finite numbers only").into()
}

/// A refusal of the platform, in the interface's words.
pub fn refusal_of(refusal: &refusal::Refusal) -> Refusal {
    let code = match refusal.reason {
        Reason::NoCredential => ReturnCode::TokenMissing,
        Reason::WrongCredential => ReturnCode::BadAccessToken,
        Reason::LapsedCredential => ReturnCode::TokenExpired,
        Reason::WrongKey => ReturnCode::WrongAppKey,
        Reason::NotAllowed => ReturnCode::NotAuthorised,
        Reason::CallbackUnchecked => ReturnCode::CallbackCheckFailed,
        Reason::SecondLimit => ReturnCode::SecondLimit,
        Reason::DayLimit => ReturnCode::DayLimit,
        Reason::MonthLimit => ReturnCode::MonthLimit,
        Reason::CallLimit => ReturnCode::CallLimit,
        Reason::MediaUrl => ReturnCode::BadMediaUrl,
        Reason::MediaExpired => ReturnCode::FileExpired,
        Reason::NoSuchUser => ReturnCode::UserUnknown,
        Reason::MailboxFull | Reason::Blocked => ReturnCode::UserRestricted,
        Reason::NoSuchMessage => ReturnCode::BadParameter,
    };
    match refusal.detail.as_str() {
        "" => Refusal::of(code),
        detail => Refusal::with(code, detail),
    }
}

/// A push (maap-api §2.9).
pub(super) fn push(
    chatbot: &Chatbot,
    webhook: &str,
    told: &Told,
    form: PathForm,
    fresh: &Fresh<'_>,
) -> Option<Request> {
    let (path, body) = match told {
        Told::Message(message) => {
            let push = MessagePush {
                message_id: message.message_id.clone(),
                message_list: vec![MessageItem::new(&message.incoming)],
                date_time: date_time(message.at),
                sender_address: message.from.to_string(),
                destination_address: message.to.to_string(),
                conversation_id: message.conversation_id.clone(),
                contribution_id: message.contribution_id.clone(),
                in_reply_to: message.in_reply_to.clone(),
            };
            (message_path(&chatbot.address, form), push.to_json())
        }
        Told::Status(told) => {
            let push = StatusPush::one(
                &told.message_id,
                &told.user,
                &told.chatbot,
                told.status,
                told.failure,
                told.at,
            );
            (status_path(&chatbot.address, form), push.to_json())
        }
        Told::Capabilities(_) | Told::Consent(_) | Told::Revealed { .. } => return None,
        Told::Notice(told) => notice_push(chatbot, &told.notice, form),
    };
    let mut headers = push_headers(&chatbot.callback_token, fresh.now, &fresh.nonce);
    if !body.is_empty() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    Some(Request { method: Method::Post, url: format!("{webhook}{path}"), headers, body: body.into() })
}

/// Path and body of a notice.
fn notice_push(chatbot: &Chatbot, notice: &Notice, form: PathForm) -> (String, Vec<u8>) {
    let address = &chatbot.address;
    match notice {
        Notice::InformationChanged => (change_path(address, form), Vec::new()),
        Notice::Spam { message_ids, kind, text } => {
            let (kind, text) = (kind.as_deref().unwrap_or_default(), text.as_deref().unwrap_or_default());
            (spam_path(address, form), SpamPush::new(message_ids.clone(), kind, text).to_json())
        }
        Notice::Checked { about, rejection, at } => {
            let (kind, remark) = match about {
                Checked::Information => ("chatbotInformation", format!("chatbotId:{address}")),
                Checked::Media { transfer, .. } => ("media", format!("url:{}", transfer.file.url)),
            };
            let push = CheckPush::new(kind, rejection.as_deref(), *at, remark);
            (check_path(address, form), push.to_json())
        }
    }
}

/// 2xx and no error code in a JSON answer; after a 404 the URI in the path is written in the other form.
pub(super) fn taken(answer: &PushAnswer) -> Taken {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Verdict {
        error_code: Option<serde_json::Value>,
    }
    match answer.status {
        404 => return Taken::OtherForm,
        200..300 => {}
        status => return Taken::No(format!("answered {status}")),
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Verdict { error_code: Some(code) })
            if !(code.is_null() || code == 0 || code == "0" || code == "") =>
        {
            let code: String = code.to_string().chars().take(20).collect();
            Taken::No(format!("answered errorCode {code}"))
        }
        _ => Taken::Yes,
    }
}

/// The callback check (maap-api §2.3).
pub(super) fn check(chatbot: &Chatbot, webhook: &str, echo: &str, fresh: &Fresh<'_>) -> Request {
    let id = chatbot.address.as_str();
    Request {
        method: Method::Get,
        url: format!("{webhook}{CHECK_PATH}"),
        headers: check_headers(&chatbot.callback_token, fresh.now, &fresh.nonce, echo, id),
        body: Bytes::new(),
    }
}

/// 200 with the `echoStr` that was sent and the chatbot's `appId`.
pub(super) fn check_passed(chatbot: &Chatbot, answer: &PushAnswer, echo: &str) -> Result<(), String> {
    let (echo_str, app_id) = (answer.header("echoStr"), answer.header("appId"));
    match signature::check_passed(answer.status, echo_str, app_id, echo, &chatbot.app_id) {
        true => Ok(()),
        false if answer.status != 200 => Err(format!("answered {}", answer.status)),
        false => Err("answered with another echoStr or appId".to_owned()),
    }
}
