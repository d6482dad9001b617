//! Answers: `outboundMessageRequest` with what becomes of each destination, or a code and a message in JSON for clients whose
//! `Accept` asks for that.

use rcs::{Address, content_type, xml::Writer};
use serde_json::{Value, json};

use super::RequestError;

/// The code of success in JSON.
pub const SUCCESS: &str = "00000";

/// The answer to a send call that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendAnswer {
    /// Names the message in reports and revokes.
    pub message_id: String,
    /// As in the call.
    pub client_correlator: Option<String>,
    /// Users whose message waits.
    pub waiting: Vec<Address>,
    /// Destinations that are none.
    pub impossible: Vec<String>,
}

/// Whether a client wants JSON: its `Accept` names it, and no XML.
pub fn wants_json(accept: Option<&str>) -> bool {
    accept.is_some_and(|accept| {
        let mut types = accept.split(',').map(content_type::essence);
        types.clone().any(|one| one.eq_ignore_ascii_case("application/json"))
            && !types.any(|one| one.to_ascii_lowercase().ends_with("xml"))
    })
}

impl SendAnswer {
    /// The document. `resource` is the URL of the call.
    pub fn to_xml(&self, resource: &str) -> String {
        let mut xml = Writer::new();
        xml.open("msg:outboundMessageRequest", &[super::NAMESPACE]);
        xml.text("messageId", &[], &self.message_id);
        if let Some(correlator) = &self.client_correlator {
            xml.text("clientCorrelator", &[], correlator);
        }
        xml.open("deliveryInfoList", &[]);
        for address in &self.waiting {
            xml.open("deliveryInfo", &[])
                .text("address", &[], address.as_str())
                .text("deliveryStatus", &[], "MessageWaiting")
                .close();
        }
        for address in &self.impossible {
            xml.open("deliveryInfo", &[])
                .text("address", &[], address)
                .text("deliveryStatus", &[], "DeliveryImpossible")
                .open("policyException", &[])
                .text("exceptionId", &[], super::error::Exception::NoValidAddress.id())
                .text("text", &[], "no phone number")
                .close()
                .close();
        }
        xml.text("resourceURL", &[], resource);
        xml.finish()
    }

    /// The same in JSON.
    pub fn to_json(&self) -> Value {
        let mut answer = success();
        answer["messageId"] = self.message_id.as_str().into();
        if let Some(correlator) = &self.client_correlator {
            answer["clientCorrelator"] = correlator.as_str().into();
        }
        answer
    }
}

/// Success in JSON, with nothing more to say.
pub fn success() -> Value {
    json!({"code": SUCCESS, "msg": "success"})
}

/// A refusal in JSON.
pub fn refusal(error: &RequestError) -> Value {
    json!({"code": error.exception.id(), "msg": error.text})
}
