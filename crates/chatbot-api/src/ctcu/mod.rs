//! The joint interface of China Telecom and China Unicom: JSON over HTTP, an access token, signed pushes.
//!
//! - [`token`]: the token call, and how a token is carried in later requests.
//! - [`signature`]: what signs our pushes, and the check of a new webhook.
//! - [`address`]: the forms of a chatbot's id in paths.
//! - [`send`]: the send call.
//! - [`revoke`]: the call that takes a message back.
//! - [`media`]: uploads, and what is asked of them.
//! - [`push`]: what we POST to the chatbot: users' messages, and what became of its own.
//! - [`data`]: what a chatbot changes of its own data.
//! - [`file`]: files as JSON items.
//! - [`code`]: return codes, and refusals.
//!
//! Every answer has HTTP status 200; the result is its `errorCode`. We write the documented form exactly, and read
//! what chatbots are known to send: the accepted variants are listed at the function that accepts them.

pub mod address;
pub mod code;
pub mod data;
pub mod file;
pub mod media;
pub mod push;
pub mod revoke;
pub mod send;
pub mod signature;
#[cfg(test)]
mod tests;
pub mod token;

use rcs::{Timestamp, bot::Limits};

pub use code::{Refusal, ResultAnswer, ReturnCode};
pub use media::{DeleteAnswer, MediaInfo, UploadAnswer, UploadMode};
pub use push::{MessagePush, StatusPush};
pub use revoke::{RevokeAnswer, RevokeRequest};
pub use send::SendAnswer;
pub use token::{TokenAnswer, TokenRequest};

/// The interface's limits, narrower than the specification's in texts and menus.
pub const LIMITS: Limits = Limits {
    text_chars: 2000,
    menu_entries: &[3, 5],
    menu_actions: Some(&[
        "openUrl",
        "dialPhoneNumber",
        "dialVideoCall",
        "showLocation",
        "requestLocationPush",
        "createCalendarEvent",
        "composeTextMessage",
        "composeRecordingMessage",
        "requestDeviceSpecifics",
    ]),
    ..Limits::RCC07
};

/// How the interface writes a time: `2020-01-17T14:42:20.840+08:00`.
pub fn date_time(time: Timestamp) -> String {
    time.rfc3339_offset(8)
}
