//! The bodies of FNW.11 and of CSPs: any bytes give a value or a refusal.

mod rcs_seeds;

use bolero::check;
use chatbot_api::{
    csp::{self, Signed, signature::Nonces},
    fnw11::{self, Request, status::StatusChange},
};
use rcs::{Timestamp, address::Numbering};

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/fnw11/send-text-nulls.json"),
    include_bytes!("../../fixtures/fnw11/send-card.json"),
    include_bytes!("../../fixtures/fnw11/send-file.json"),
    include_bytes!("../../fixtures/fnw11/send-audio.json"),
    include_bytes!("../../fixtures/fnw11/send-location.json"),
    include_bytes!("../../fixtures/fnw11/typing.json"),
    br#"{"RCSMessage":{"status":"cancelled"}}"#,
    br#"{"cspId":"c","accessKey":"k","fileUrl":"u"}"#,
];

#[test]
fn chatbot_api_fnw11() {
    let numbering = Numbering::new("CN", "hongyan.local");
    let now = Timestamp::from_seconds(1_795_433_618);
    check!().for_each(|recipe: &[u8]| {
        let body = rcs_seeds::mutated(SEEDS, recipe);
        if let Ok(Request::Message(message)) = fnw11::message::parse(&body, &numbering, now) {
            _ = (message.content.to_sip(), message.content.to_plain_text());
        }
        _ = StatusChange::parse(&body);
        _ = csp::TokenRequest::parse(&body);
        _ = csp::file_url(&body);
        if let Ok(text) = std::str::from_utf8(recipe) {
            _ = fnw11::Contact::of_query(Some(text), Some(text), &numbering);
            if let Ok(signed) = Signed::of_headers(Some(text), Some("n"), Some("s")) {
                _ = signed.verify("key");
                _ = Nonces::new(Timestamp::EPOCH).admit("c", &signed, now);
            }
        }
    });
}
