//! The RBM-style bodies, tokens and forms: any bytes give a value or a refusal.

use bolero::check;
use chatbot_api::Incoming;
use chatbot_api::bearer::{Tokens, of_header};
use chatbot_api::rbm::answer::BatchRequest;
use chatbot_api::rbm::event::AgentEvent;
use chatbot_api::rbm::jwt::{Jwt, Use};
use chatbot_api::rbm::message::{FileRequest, FoundFile};
use chatbot_api::rbm::push::Notice;
use chatbot_api::rbm::token::read_request;
use chatbot_api::rbm::{self, AgentMessage, Code, answer};
use rcs::Timestamp;
use rcs::address::{Address, Numbering};
use rcs::file_transfer::{FileInfo, FileTransfer};

fn found() -> FoundFile {
    let file = FileInfo {
        size: 1,
        name: None,
        content_type: "image/png".to_owned(),
        url: "https://files.example/1".to_owned(),
        until: None,
        disposition: None,
        playing_length: None,
        branded_url: None,
    };
    FoundFile { transfer: FileTransfer { thumbnail: None, file }, description: None }
}

#[test]
fn chatbot_api_rbm() {
    let numbering = Numbering::new("CN", "hongyan.local");
    let chatbot = numbering.chatbot("weather").expect("a name");
    let user = Address::subscriber("+8613800000001").expect("a number");
    let tokens = Tokens::new(&[7; 32]);
    let now = Timestamp::from_seconds(1_795_530_805);
    check!().for_each(|bytes: &[u8]| {
        match AgentMessage::parse(bytes) {
            Ok(message) => {
                _ = answer::agent_message(&message, "m1", &user, 0, now);
                let files = message.files().iter().map(|_| found()).collect();
                if let Ok(sent) = message.into_outgoing("m1".to_owned(), &chatbot, user.clone(), files, now) {
                    _ = (sent.content.to_sip(), sent.content.to_plain_text());
                }
            }
            Err(refusal) => {
                assert_eq!(refusal.code, Code::InvalidArgument);
                _ = refusal.to_json();
            }
        }
        _ = FileRequest::parse(bytes);
        _ = AgentEvent::parse(bytes);
        _ = answer::request_id(bytes);
        if let Ok(batch) = BatchRequest::parse(bytes, &numbering) {
            _ = batch.answer(&vec![true; batch.users.len()]);
        }
        _ = read_request(bytes);
        for media_type in ["text/plain", rcs::bot::BOT_SUGGESTION_RESPONSE, rcs::file_transfer::CONTENT_TYPE]
        {
            if let Ok(incoming) = Incoming::from_sip(media_type, bytes)
                && let Some(notice) = Notice::message("m1", &user, &incoming, now)
            {
                _ = notice.envelope(
                    &notice.clone().data(&chatbot, &numbering),
                    "1",
                    &chatbot,
                    &numbering,
                    now,
                );
            }
        }
        if let Ok(text) = std::str::from_utf8(bytes) {
            _ = (rbm::user(text, &numbering), rbm::agent(text, &numbering), of_header(text));
            assert!(tokens.open(text, now).is_err(), "nobody guesses a seal");
            if let Ok(jwt) = Jwt::parse(text) {
                _ = jwt.claims.check(Use::Bearer, &["https://rcs.example".to_owned()], now);
                assert!(!jwt.is_signed_by(bytes));
            }
        }
    });
}
