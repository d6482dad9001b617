//! China Mobile's documents and headers: any bytes give a value or a refusal.

mod rcs_seeds;

use bolero::check;
use chatbot_api::cm::{self, Dated, Operation, SendKind, file::Expected, template::TemplateUse};
use rcs::{Timestamp, address::Numbering};

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/cm/send-text.xml"),
    include_bytes!("../../fixtures/cm/send-multipart.xml"),
    include_bytes!("../../fixtures/cm/send-file-base64.xml"),
    include_bytes!("../../fixtures/cm/send-template.xml"),
    include_bytes!("../../fixtures/cm/tolerated-rootless.xml"),
    include_bytes!("../../fixtures/cm/revoke.xml"),
];

#[test]
fn chatbot_api_cm() {
    let numbering = Numbering::new("CN", "hongyan.local");
    let chatbot = numbering.chatbot("12306").expect("a service number");
    check!().for_each(|recipe: &[u8]| {
        let body = rcs_seeds::mutated(SEEDS, recipe);
        for is_interaction in [false, true] {
            let kind = SendKind { is_interaction, is_template: false };
            if let Ok(request) = cm::send::parse(&body, kind, &chatbot, &numbering, "fresh") {
                assert!(!request.message.to.is_empty());
                assert!(request.message.to.len() <= cm::send::MAX_DESTINATIONS);
                _ = (request.message.content.to_sip(), request.message.content.to_plain_text());
            }
        }
        _ = cm::revoke::parse(&body, &numbering);
        if let Ok(text) = std::str::from_utf8(recipe) {
            _ = Operation::of_path(text);
            _ = Expected::of_query(text);
            _ = TemplateUse::parse(text);
            if let Ok(dated) = Dated::of_headers(Some(text), Some("Mon, 23 Nov 2026 11:33:38 GMT")) {
                _ = dated.verify("secret", Timestamp::EPOCH);
            }
            _ = Dated::of_headers(Some("Basic YTpi"), Some(text));
        }
    });
}
