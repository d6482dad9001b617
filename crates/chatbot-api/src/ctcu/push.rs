//! What we POST to a chatbot's webhook: users' messages, and what became of the chatbot's own.

use rcs::{Address, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::{address::PathForm, date_time, file, send::FILE_TYPE};
use crate::{Failure, Incoming, Status};

/// The path of message pushes under the webhook's base URL.
pub fn message_path(chatbot: &Address, form: PathForm) -> String {
    format!("/messageNotification/{}/messages", form.segment(chatbot))
}

/// The path of status pushes under the webhook's base URL.
pub fn status_path(chatbot: &Address, form: PathForm) -> String {
    format!("/deliveryNotification/{}/status", form.segment(chatbot))
}

/// The path of the push that says the chatbot's data have changed: it has no body.
pub fn change_path(chatbot: &Address, form: PathForm) -> String {
    format!("/notifyInfoNotification/{}/notice/informationChange", form.segment(chatbot))
}

/// The path of pushes of spam reports.
pub fn spam_path(chatbot: &Address, form: PathForm) -> String {
    format!("/notifyInfoNotification/{}/notice/rcsspam", form.segment(chatbot))
}

/// The path of pushes of what the operator has decided.
pub fn check_path(chatbot: &Address, form: PathForm) -> String {
    format!("/notifyInfoNotification/{}/check", form.segment(chatbot))
}

/// A user has reported the chatbot as spam.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpamPush {
    /// The messages it is about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message_id: Vec<String>,
    /// At most 50 bytes.
    pub spam_type: String,
    /// What the user wrote.
    pub free_text: String,
}

/// What the operator has decided on something that the chatbot wants to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckPush {
    /// `chatbotInformation` or `media`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `pass` or `fail`.
    pub result: &'static str,
    /// When.
    pub time: String,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which: `url:…` or `chatbotId:…`.
    pub remark: String,
}

impl SpamPush {
    /// Most bytes of `spamType`.
    const TYPE_BYTES_MAX: usize = 50;

    /// What a user reported, within the interface's limits.
    pub fn new(message_id: Vec<String>, spam_type: &str, free_text: &str) -> Self {
        let spam_type = spam_type[..spam_type.floor_char_boundary(Self::TYPE_BYTES_MAX)].to_owned();
        Self { message_id, spam_type, free_text: free_text.to_owned() }
    }

    /// The JSON body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings only")
    }
}

impl CheckPush {
    /// A decision; `rejection` says why not, if so.
    pub fn new(kind: &'static str, rejection: Option<&str>, at: Timestamp, remark: String) -> Self {
        let result = if rejection.is_some() { "fail" } else { "pass" };
        Self { kind, result, time: date_time(at), description: rejection.map(str::to_owned), remark }
    }

    /// The JSON body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings only")
    }
}

/// A user's message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagePush {
    /// The user's id of the message; repeated when the push is repeated.
    pub message_id: String,
    /// What was said; one item.
    pub message_list: Vec<MessageItem>,
    /// When we accepted it.
    pub date_time: String,
    /// The user, `tel:+86…`.
    pub sender_address: String,
    /// The chatbot's URI.
    pub destination_address: String,
    /// Names the conversation.
    pub conversation_id: String,
    /// Names the message within it; the chatbot's answer gives it back as `inReplyTo`.
    pub contribution_id: String,
    /// The contribution id of the chatbot's message that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
}

/// One of `messageList`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageItem {
    /// Media type of `content_text`.
    pub content_type: &'static str,
    /// `utf8`: we never encode.
    pub content_encoding: &'static str,
    /// A string for text, an object for JSON types, an array for files.
    pub content_text: Value,
    /// A coarse kind that some chatbots look at: `text`, `image`, `location`, `audio`, `video`, `other`.
    pub message_item: &'static str,
    /// Bytes of the file, or of the content if it is none.
    pub message_file_size: u64,
}

/// What became of messages: `{"deliveryInfoList":[…]}`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusPush {
    /// One for each message and user.
    pub delivery_info_list: Vec<DeliveryInfo>,
}

/// What became of one message for one user.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryInfo {
    /// The chatbot's id of the message.
    pub message_id: String,
    /// What became of it.
    pub status: Status,
    /// When.
    pub date_time: String,
    /// The user, `tel:+86…`.
    pub sender_address: String,
    /// The chatbot's URI.
    pub destination_address: String,
    /// 0, or why it failed.
    pub error_code: i32,
    /// `ok`, or why it failed.
    pub error_message: String,
}

/// `errorCode` of a failed item.
fn number(failure: Failure) -> i32 {
    match failure {
        Failure::NoSuchUser => 1,
        Failure::NotRcs => 2,
        Failure::ContentViolation => 3,
        Failure::Offline => 4,
        Failure::RefusedByUser => 5,
        Failure::NotAcceptable => 6,
    }
}

impl StatusPush {
    /// One status of one message. `failure` says why, for [`Status::Failed`].
    pub fn one(
        message_id: &str,
        user: &Address,
        chatbot: &Address,
        status: Status,
        failure: Option<Failure>,
        at: Timestamp,
    ) -> Self {
        let (error_code, error_message) =
            failure.map_or((0, "ok"), |failure| (number(failure), failure.meaning()));
        let info = DeliveryInfo {
            message_id: message_id.to_owned(),
            status,
            date_time: date_time(at),
            sender_address: user.to_string(),
            destination_address: chatbot.to_string(),
            error_code,
            error_message: error_message.to_owned(),
        };
        Self { delivery_info_list: vec![info] }
    }

    /// The JSON body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings and integers only")
    }
}

impl MessagePush {
    /// The JSON body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("documents have string keys and finite numbers only")
    }
}

impl MessageItem {
    /// How the interface says what a user said.
    pub fn new(incoming: &Incoming) -> Self {
        let document = |content_type, document: Value| {
            let size = document.to_string().len() as u64;
            (content_type, document, "other", size)
        };
        let (content_type, content_text, message_item, message_file_size) = match incoming {
            Incoming::Text(text) => ("text/plain", Value::from(text.as_str()), "text", text.len() as u64),
            Incoming::Location(location) => {
                let uri = location.to_geo_uri();
                let size = uri.len() as u64;
                ("text/plain", Value::from(uri), "location", size)
            }
            Incoming::Response(response) => document(rcs::bot::BOT_SUGGESTION_RESPONSE, json(response)),
            Incoming::SharedData(data) => document(rcs::bot::BOT_SHARED_CLIENT_DATA, json(data)),
            Incoming::File(transfer) => {
                (FILE_TYPE, file::write(transfer), file::message_item(transfer), transfer.file.size)
            }
        };
        Self { content_type, content_encoding: "utf8", content_text, message_item, message_file_size }
    }
}

fn json(document: &impl Serialize) -> Value {
    serde_json::to_value(document).expect("documents have string keys and finite numbers only")
}
