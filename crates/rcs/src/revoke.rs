//! Taking a message back before it is delivered: `application/vnd.gsma.rcsrevoke+xml` (RCC.07, message revocation).
//!
//! ```text
//! <imRevoke xmlns="urn:gsma:params:xml:ns:rcs:rcs:imrevoke">
//!   <revokeRequest><message-id>Msg34jk324j</message-id></revokeRequest>
//! </imRevoke>
//! ```
//!
//! The names could not be checked against the specification's schema. So they are read whatever their case, dashes and
//! namespace, and written here and nowhere else.

use crate::xml::{Element, Writer, XmlError};

/// The media type.
pub const CONTENT_TYPE: &str = "application/vnd.gsma.rcsrevoke+xml";

const NAMESPACE: &str = "urn:gsma:params:xml:ns:rcs:rcs:imrevoke";

/// Longest id that may be named.
const ID_BYTES_MAX: usize = 512;

/// A request to take a message back, or what came of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// `imdn.Message-ID` of the message.
    pub message_id: String,
    /// Whether it was taken back; `None` in a request.
    pub result: Option<bool>,
}

impl Revoke {
    /// Reads either document. One that states a result is an answer.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_any(document)?;
        if root.plain_name() != "imrevoke" {
            return Err(XmlError::Root { expected: "imRevoke", found: root.name().to_owned() });
        }
        let ids = root.plain_texts(&["messageid", "imdnmessageid"]);
        let message_id = *ids.first().ok_or(XmlError::Missing("message-id"))?;
        if message_id.len() > ID_BYTES_MAX {
            return Err(XmlError::Invalid("message-id"));
        }
        let result = match root.plain_texts(&["result", "status"]).first() {
            None => None,
            Some(text) if text.to_ascii_lowercase().starts_with("succe") => Some(true),
            Some(text) if text.to_ascii_lowercase().starts_with("fail") => Some(false),
            Some(_) => return Err(XmlError::Invalid("result")),
        };
        Ok(Self { message_id: message_id.to_owned(), result })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        xml.open("imRevoke", &[("xmlns", NAMESPACE)]);
        match self.result {
            None => xml.open("revokeRequest", &[]).text("message-id", &[], &self.message_id),
            Some(is_done) => xml.open("revokeResponse", &[]).text("message-id", &[], &self.message_id).text(
                "result",
                &[],
                if is_done { "success" } else { "failed" },
            ),
        };
        xml.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_fixtures_are_read_and_written() {
        let request = Revoke::parse(include_bytes!("../../../fixtures/rcs/revoke/request.xml")).unwrap();
        assert_eq!(request, Revoke { message_id: "Msg34jk324j".to_owned(), result: None });
        let response = Revoke { result: Some(true), ..request };
        let written = include_str!("../../../fixtures/rcs/revoke/response.written.xml");
        assert_eq!(response.to_xml(), written);
    }

    #[test]
    fn variants_of_the_names_are_read() {
        for text in [
            "<imRevoke><revokeRequest><message-id>a</message-id></revokeRequest></imRevoke>",
            "<r:imRevoke xmlns:r='x'><r:Message-ID>a</r:Message-ID></r:imRevoke>",
            "<IMRevoke><messageId> a </messageId></IMRevoke>",
        ] {
            let read = Revoke::parse(text.as_bytes());
            assert_eq!(read, Ok(Revoke { message_id: "a".to_owned(), result: None }), "{text}");
        }
        let text = "<imRevoke><revokeResponse><message-id>a</message-id><result>Success</result></revokeResponse></imRevoke>";
        assert_eq!(Revoke::parse(text.as_bytes()).unwrap().result, Some(true));
    }

    #[test]
    fn what_names_no_message_is_refused() {
        for text in [
            "<imRevoke/>",
            "<imdn><message-id>a</message-id></imdn>",
            "",
            "<imRevoke><message-id/></imRevoke>",
        ] {
            assert!(Revoke::parse(text.as_bytes()).is_err(), "{text}");
        }
        let text = "<imRevoke><message-id>a</message-id><result>perhaps</result></imRevoke>";
        assert_eq!(Revoke::parse(text.as_bytes()), Err(XmlError::Invalid("result")));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            message_id in "[!-~]{1,64}",
            result in prop::option::of(any::<bool>()),
        ) {
            let revoke = Revoke { message_id, result };
            prop_assert_eq!(Revoke::parse(revoke.to_xml().as_bytes()), Ok(revoke));
        }
    }
}
