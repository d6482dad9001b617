//! The CT/CU bodies and a handset's bodies on their way to a chatbot: any bytes give a value or a refusal.

use bolero::check;
use chatbot_api::{
    Incoming,
    ctcu::{self, ReturnCode, push::MessageItem},
};
use rcs::address::Numbering;

#[test]
fn chatbot_api_ctcu() {
    let numbering = Numbering::new("CN", "hongyan.local");
    let chatbot = numbering.chatbot("12306").expect("a service number");
    check!().for_each(|bytes: &[u8]| {
        match ctcu::send::parse(bytes, &chatbot, &numbering) {
            Ok(message) => {
                assert!(!message.to.is_empty());
                _ = (message.content.to_sip(), message.content.to_plain_text());
            }
            Err(refusal) => assert_ne!(refusal.code, ReturnCode::Ok),
        }
        _ = ctcu::data::Optionals::parse(bytes);
        _ = ctcu::data::parse_menu(bytes);
        _ = ctcu::TokenRequest::parse(bytes);
        _ = ctcu::RevokeRequest::parse(bytes, &numbering);
        for media_type in [
            "text/plain",
            rcs::bot::BOT_SUGGESTION_RESPONSE,
            rcs::bot::BOT_SHARED_CLIENT_DATA,
            rcs::file_transfer::CONTENT_TYPE,
            rcs::geolocation::CONTENT_TYPE,
        ] {
            if let Ok(incoming) = Incoming::from_sip(media_type, bytes) {
                _ = MessageItem::new(&incoming);
            }
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            _ = ctcu::address::chatbot(text, &numbering);
            _ = ctcu::token::of_headers(Some(text), Some(text));
        }
    });
}
