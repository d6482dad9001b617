//! What became of a message: `GET` and `PUT …/messages/{msgId}/status`, and the answer to `POST …/messages`.

use rcs::bot::{
    self, ParseError,
    reader::{Faults, Members},
    rule,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::Status;

/// The words of the interface for what became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// Accepted.
    Pending,
    /// On its way to the user.
    Sent,
    /// The handset has it, or it went out as SMS.
    Delivered,
    /// The user has seen it.
    Displayed,
    /// Taken back.
    Cancelled,
    /// It will not arrive.
    Failed,
}

/// What a chatbot says of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// The chatbot has read the user's message.
    Displayed,
    /// The chatbot takes its own message back.
    Cancelled,
}

impl MessageStatus {
    /// The word for a status; `None` for what the interface has none for, a message that could not be taken back.
    pub fn of(status: Status) -> Option<Self> {
        match status {
            Status::Sent => Some(Self::Sent),
            Status::Delivered | Status::DeliveredToNetwork => Some(Self::Delivered),
            Status::Displayed => Some(Self::Displayed),
            Status::Failed => Some(Self::Failed),
            Status::RevokeOk => Some(Self::Cancelled),
            Status::RevokeFail => None,
        }
    }

    /// `{"RCSMessage":{"msgId":…,"status":…}}`
    pub fn answer(self, message_id: &str) -> Value {
        json!({"RCSMessage": {"msgId": message_id, "status": self}})
    }
}

impl StatusChange {
    /// Reads the body of the PUT, `{"RCSMessage":{"status":…}}`.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let value = bot::read_json(body)?;
        let mut faults = Faults::default();
        let change = Members::of("", value, &mut faults)
            .and_then(|mut body| body.required("RCSMessage", &mut faults, Members::object))
            .and_then(|mut message| {
                let word = message.text("status", &mut faults)?;
                match word.as_str() {
                    "displayed" => Some(Self::Displayed),
                    "cancelled" | "canceled" => Some(Self::Cancelled),
                    _ => {
                        faults.add(message.at("status"), rule::WORD, "not one of displayed, cancelled");
                        None
                    }
                }
            });
        faults.finish(change).map_err(ParseError::Shape)
    }
}
