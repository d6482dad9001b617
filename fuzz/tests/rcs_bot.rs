//! Chatbot content: any bytes give a value or a refusal that says something, and what is read can be written and read.

use bolero::check;
use rcs::bot::{
    BotMessage, Document, Limits, Menu, ParseError, SharedClientData, SuggestionList, SuggestionResponse,
};

fn read_and_write<D: Document + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    match D::parse(bytes) {
        Ok(document) => {
            _ = document.validate(&Limits::RCC07);
            match D::parse(&document.to_json()) {
                // Writing may add a member and so reach a ceiling that the input stayed just below.
                Ok(_) | Err(ParseError::TooLarge { .. } | ParseError::TooDeep) => {}
                Err(error) => panic!("what we write can be read: {error}"),
            }
        }
        Err(ParseError::Shape(violations)) => assert!(!violations.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

#[test]
fn rcs_bot() {
    check!().for_each(|bytes: &[u8]| {
        read_and_write::<BotMessage>(bytes);
        read_and_write::<SuggestionList>(bytes);
        read_and_write::<SuggestionResponse>(bytes);
        read_and_write::<SharedClientData>(bytes);
        read_and_write::<Menu>(bytes);
        if let Ok(message) = BotMessage::parse(bytes) {
            _ = message.to_plain_text();
        }
    });
}
