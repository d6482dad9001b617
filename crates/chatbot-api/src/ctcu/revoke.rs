//! The revoke call: `POST …/revoke` takes a message back before it is delivered (maap-api §2.7). What came of it is pushed
//! for each user as `revokeOk` or `revokeFail`.
//!
//! Accepted beside the documented form: one address instead of an array; any or no `status`.

use rcs::Address;
use rcs::address::Numbering;
use rcs::bot::{
    self,
    reader::{Faults, Members},
};
use serde::{Deserialize, Serialize};

use super::send::{read_destinations, read_id};
use super::{Refusal, ReturnCode};

/// A message to take back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokeRequest {
    /// The chatbot's id of the message.
    pub message_id: String,
    /// The users from whom it is taken, each once.
    pub to: Vec<Address>,
}

/// The answer to the revoke call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RevokeAnswer {
    /// As in the request.
    pub message_id: String,
    /// 0.
    pub error_code: i32,
    /// `ok`
    pub error_message: String,
}

impl RevokeRequest {
    /// Reads the body of the call.
    pub fn parse(body: &[u8], numbering: &Numbering) -> Result<Self, Refusal> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Refusal::of(ReturnCode::EmptyPost));
        }
        let value = bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))?;
        let mut faults = Faults::default();
        let read = Members::of("", value, &mut faults).and_then(|mut body| {
            let message_id = read_id(&mut body, "messageId", &mut faults);
            let to = read_destinations(&mut body, numbering, &mut faults);
            Some(Self { message_id: message_id?, to: to? })
        });
        faults.finish(read).map_err(|faults| Refusal::of_violations(&faults))
    }

    /// The answer to a request that is being seen to.
    pub fn accepted(&self) -> RevokeAnswer {
        RevokeAnswer {
            message_id: self.message_id.clone(),
            error_code: 0,
            error_message: ReturnCode::Ok.meaning().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<RevokeRequest, i32> {
        RevokeRequest::parse(body.as_bytes(), &Numbering::new("CN", "hongyan.local"))
            .map_err(|refusal| refusal.code.number())
    }

    #[test]
    fn the_documented_form_is_read() {
        let body = r#"{"messageId":"m1","destinationAddress":["tel:+8613800000001","tel:+8613800000001","13800000002"],
            "status":"RevokeRequested"}"#;
        let request = parse(body).unwrap();
        assert_eq!(request.message_id, "m1");
        assert_eq!(request.to.len(), 2);
        assert_eq!(
            serde_json::to_string(&request.accepted()).unwrap(),
            r#"{"messageId":"m1","errorCode":0,"errorMessage":"ok"}"#
        );
    }

    #[test]
    fn what_names_no_message_or_no_user_is_refused() {
        assert_eq!(parse(" "), Err(44002));
        assert_eq!(parse("{"), Err(47001));
        assert_eq!(parse(r#"{"destinationAddress":["tel:+8613800000001"]}"#), Err(20002));
        assert_eq!(parse(r#"{"messageId":"m1"}"#), Err(20002));
        assert_eq!(parse(r#"{"messageId":"m1","destinationAddress":["x"]}"#), Err(20002));
    }
}
