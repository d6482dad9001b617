//! The forms of a chatbot's id in the paths of calls and pushes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rcs::{
    Address,
    address::{AddressKind, Numbering},
};

/// What a path segment may hold as it is: the unreserved characters of RFC 3986 §2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the chatbot's URI is written in the path of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathForm {
    /// `sip:12306@botplatform.example`: what most chatbots match literally.
    #[default]
    Raw,
    /// `sip%3A12306%40botplatform.example`
    Encoded,
}

impl PathForm {
    /// The other one, for a second attempt after a 404.
    pub fn other(self) -> Self {
        match self {
            Self::Raw => Self::Encoded,
            Self::Encoded => Self::Raw,
        }
    }

    /// `chatbot` in this form.
    pub fn segment(self, chatbot: &Address) -> String {
        match self {
            Self::Raw => chatbot.as_str().to_owned(),
            Self::Encoded => utf8_percent_encode(chatbot.as_str(), SEGMENT).to_string(),
        }
    }
}

/// The chatbot that a path segment names; `None` if it names none.
///
/// Accepts the URI raw or percent-encoded, and the bare service number, which is then one of ours.
pub fn chatbot(segment: &str, numbering: &Numbering) -> Option<Address> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    let address = if decoded.contains('@') {
        if decoded.starts_with("sip:") || decoded.starts_with("sips:") {
            numbering.address(&decoded).ok()?
        } else {
            numbering.address(&format!("sip:{decoded}")).ok()?
        }
    } else {
        let name = decoded.strip_prefix("sip:").unwrap_or(&decoded);
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        is_name.then(|| numbering.chatbot(name).ok())??
    };
    (address.kind() == AddressKind::Chatbot).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_chatbots_id_is_understood() {
        let numbering = Numbering::new("CN", "hongyan.local");
        let expected = numbering.chatbot("12306").unwrap();
        for form in [
            "sip:12306@botplatform.hongyan.local",
            "sip%3A12306%40botplatform.hongyan.local",
            "sip:12306@BotPlatform.Hongyan.Local",
            "12306@botplatform.hongyan.local",
            "12306",
            "sip:12306",
        ] {
            assert_eq!(chatbot(form, &numbering).as_ref(), Some(&expected), "{form}");
        }
        for none in ["", "%ff", "tel:+8613800000001", "sip:+8613800000001@hongyan.local", "a b"] {
            assert_eq!(chatbot(none, &numbering), None, "{none}");
        }
    }

    #[test]
    fn the_two_forms_of_a_push_path_name_the_same_chatbot() {
        let numbering = Numbering::new("CN", "hongyan.local");
        let address = numbering.chatbot("12306").unwrap();
        assert_eq!(PathForm::Raw.segment(&address), "sip:12306@botplatform.hongyan.local");
        assert_eq!(PathForm::Encoded.segment(&address), "sip%3A12306%40botplatform.hongyan.local");
        assert_eq!(PathForm::Raw.other().other(), PathForm::Raw);
    }
}
