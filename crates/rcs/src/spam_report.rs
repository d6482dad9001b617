//! What a person says of a message that they did not want: `application/vnd.gsma.rcsspam-report+xml` (RCC.07).
//!
//! ```text
//! <SR xmlns="urn:gsma:params:xml:ns:rcs:rcs:spamreport">
//!   <Chatbot>sip:lottery@botplatform.rcs.example</Chatbot>
//!   <Message-ID>Msg34jk324j</Message-ID>
//!   <spam-type>phishing</spam-type>
//!   <free-text>asks for my password</free-text>
//! </SR>
//! ```
//!
//! The names could not be checked against the specification's schema: they are read whatever their case, dashes and
//! namespace, and whatever the root is called.

use crate::xml::{Element, Writer, XmlError};

/// The media type.
pub const CONTENT_TYPE: &str = "application/vnd.gsma.rcsspam-report+xml";

const NAMESPACE: &str = "urn:gsma:params:xml:ns:rcs:rcs:spamreport";

/// Most messages that one report may name.
pub const MESSAGE_IDS_MAX: usize = 50;
/// Longest URI or id.
const VALUE_BYTES_MAX: usize = 512;
/// Longest kind, and longest text, in characters; longer ones are cut.
const KIND_CHARS_MAX: usize = 50;
const TEXT_CHARS_MAX: usize = 1000;

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpamReport {
    /// The URI of whom it is about; absent when the report says it by its addressee.
    pub about: Option<String>,
    /// The messages that it is about; may be none.
    pub message_ids: Vec<String>,
    /// The kind of spam.
    pub kind: Option<String>,
    /// What the person wrote.
    pub text: Option<String>,
}

impl SpamReport {
    /// Reads a report.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_any(document)?;
        let about = root.plain_texts(&["chatbot", "chatboturi", "chatbotid", "boturi", "uri", "sender"]);
        let message_ids = root.plain_texts(&["messageid", "imdnmessageid"]);
        if message_ids.len() > MESSAGE_IDS_MAX {
            return Err(XmlError::TooMany("message ids"));
        }
        if about.iter().chain(&message_ids).any(|value| value.len() > VALUE_BYTES_MAX) {
            return Err(XmlError::Invalid("URI or id"));
        }
        let cut = |names: &[&str], chars_max: usize| {
            let texts = root.plain_texts(names);
            texts.first().map(|text| text.chars().take(chars_max).collect::<String>().trim().to_owned())
        };
        let read = Self {
            about: about.first().map(|&uri| uri.to_owned()),
            message_ids: message_ids.into_iter().map(str::to_owned).collect(),
            kind: cut(&["spamtype", "type"], KIND_CHARS_MAX),
            text: cut(&["freetext", "text", "content"], TEXT_CHARS_MAX),
        };
        match &read {
            Self { about: None, message_ids, kind: None, text: None } if message_ids.is_empty() => {
                Err(XmlError::Missing("anything that is reported"))
            }
            _ => Ok(read),
        }
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        xml.open("SR", &[("xmlns", NAMESPACE)]);
        if let Some(about) = &self.about {
            xml.text("Chatbot", &[], about);
        }
        for id in &self.message_ids {
            xml.text("Message-ID", &[], id);
        }
        if let Some(kind) = &self.kind {
            xml.text("spam-type", &[], kind);
        }
        if let Some(text) = &self.text {
            xml.text("free-text", &[], text);
        }
        xml.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_fixture_is_read() {
        let document = include_bytes!("../../../fixtures/rcs/spam-report/chatbot.xml");
        let read = SpamReport::parse(document).unwrap();
        assert_eq!(read.about.as_deref(), Some("sip:lottery@botplatform.hongyan.local"));
        assert_eq!(read.message_ids, ["Msg34jk324j", "Msg34jk325j"]);
        assert_eq!(read.text.as_deref(), Some("要我的密码 & my PIN"));
    }

    #[test]
    fn variants_of_the_names_are_read() {
        let text = "<x:SpamReport xmlns:x='u'><x:chatbotId>sip:a@b</x:chatbotId><x:ids><x:messageId>1</x:messageId>\
            <x:messageId>2</x:messageId></x:ids><x:spamType>phishing</x:spamType></x:SpamReport>";
        let read = SpamReport::parse(text.as_bytes()).unwrap();
        assert_eq!(read.about.as_deref(), Some("sip:a@b"));
        assert_eq!(read.message_ids, ["1", "2"]);
        assert_eq!((read.kind.as_deref(), read.text), (Some("phishing"), None));
    }

    #[test]
    fn ceilings_hold() {
        let ids = "<Message-ID>1</Message-ID>".repeat(MESSAGE_IDS_MAX + 1);
        assert!(SpamReport::parse(format!("<SR>{ids}</SR>").as_bytes()).is_err());
        let text = format!("<SR><free-text>{}</free-text></SR>", "鸿".repeat(2000));
        assert_eq!(SpamReport::parse(text.as_bytes()).unwrap().text.unwrap().chars().count(), TEXT_CHARS_MAX);
        assert!(SpamReport::parse(b"<SR/>").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            about in prop::option::of("sip:[a-z0-9@.]{1,30}"),
            message_ids in prop::collection::vec("[!-~]{1,40}", 1..4),
            kind in prop::option::of("[a-z]{1,20}"),
            text in prop::option::of("[a-z鸿<&]{1,20}"),
        ) {
            let report = SpamReport { about, message_ids, kind, text };
            prop_assert_eq!(SpamReport::parse(report.to_xml().as_bytes()), Ok(report));
        }
    }
}
