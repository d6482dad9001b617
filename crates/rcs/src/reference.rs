//! How one message points at another: answering it, marking it, changing its words. All are headers of the envelope, so that a
//! client which knows none of them shows a plain message.
//!
//! GSMA's own headers for these are not public. Replies and reactions are written as liblinphone does; for edits it has nothing,
//! so they are in a namespace of our own:
//!
//! ```text
//! NS: hongyan <urn:uuid:6f0c2f5e-5d2b-4a55-9d7e-0c3b8c1f4a91>
//! hongyan.Replaces-Message-ID: Msg34jk324j
//! ```

use crate::cpim::{Cpim, CpimBuilder};

/// liblinphone's namespace.
pub const LINPHONE_NAMESPACE: &str = "tag:linphone.org,2020:params:groupchat";
/// Ours.
pub const HONGYAN_NAMESPACE: &str = "urn:uuid:6f0c2f5e-5d2b-4a55-9d7e-0c3b8c1f4a91";

/// Longest id or URI that is read; longer ones point at nothing.
const VALUE_BYTES_MAX: usize = 512;

/// What a message is to another one, which `message_id` names by its `imdn.Message-ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// An answer to it.
    Reply {
        /// The message.
        message_id: String,
        /// The URI of who wrote that one, if the envelope says so.
        sender: Option<String>,
    },
    /// A mark on it: the payload is an emoji, or empty to take the mark off.
    Reaction {
        /// The message.
        message_id: String,
    },
    /// New words for it, by its author: the payload is the whole text.
    Edit {
        /// The message.
        message_id: String,
    },
}

impl Reference {
    /// What an envelope says of it.
    pub fn read(cpim: &Cpim) -> Option<Self> {
        let value = |namespace, name| {
            let value = cpim.header(namespace, name)?;
            (!value.is_empty() && value.len() <= VALUE_BYTES_MAX).then(|| value.to_owned())
        };
        if let Some(message_id) = value(HONGYAN_NAMESPACE, "Replaces-Message-ID") {
            return Some(Self::Edit { message_id });
        }
        let is_reaction = cpim
            .content_header("Content-Disposition")
            .and_then(|disposition| disposition.split(';').next())
            .is_some_and(|disposition| disposition.trim().eq_ignore_ascii_case("reaction"));
        match value(LINPHONE_NAMESPACE, "In-Reply-To") {
            Some(message_id) if is_reaction => return Some(Self::Reaction { message_id }),
            _ => {}
        }
        let message_id = value(LINPHONE_NAMESPACE, "Replying-To-Message-ID")?;
        Some(Self::Reply { message_id, sender: value(LINPHONE_NAMESPACE, "Replying-To-Sender") })
    }

    /// Puts it into an envelope.
    pub fn write(&self, envelope: CpimBuilder) -> CpimBuilder {
        match self {
            Self::Reply { message_id, sender } => {
                let envelope = envelope
                    .namespace("linphone", LINPHONE_NAMESPACE)
                    .header("linphone.Replying-To-Message-ID", message_id);
                match sender {
                    Some(sender) => envelope.header("linphone.Replying-To-Sender", sender),
                    None => envelope,
                }
            }
            Self::Reaction { message_id } => envelope
                .namespace("linphone", LINPHONE_NAMESPACE)
                .header("linphone.In-Reply-To", message_id)
                .content_header("Content-Disposition", "Reaction"),
            Self::Edit { message_id } => envelope
                .namespace("hongyan", HONGYAN_NAMESPACE)
                .header("hongyan.Replaces-Message-ID", message_id),
        }
    }

    /// The message that is pointed at.
    pub fn message_id(&self) -> &str {
        let (Self::Reply { message_id, .. } | Self::Reaction { message_id } | Self::Edit { message_id }) =
            self;
        message_id
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    fn envelope() -> CpimBuilder {
        CpimBuilder::new("tel:+8613800000001", "tel:+8613800000002")
            .message_id("m1")
            .content_type("text/plain")
    }

    fn read(raw: Bytes) -> Option<Reference> {
        Reference::read(&Cpim::parse(raw).unwrap())
    }

    #[test]
    fn an_edit_is_read_whatever_the_prefix() {
        let raw = Bytes::from_static(include_bytes!("../../../fixtures/rcs/cpim/edit.cpim"));
        assert_eq!(read(raw), Some(Reference::Edit { message_id: "Msg34jk324j".to_owned() }));
        let raw = Bytes::from_static(include_bytes!("../../../fixtures/rcs/cpim/chat.cpim"));
        assert_eq!(read(raw), None);
    }

    #[test]
    fn what_has_in_reply_to_and_no_disposition_is_no_reaction() {
        let bare = envelope().namespace("l", LINPHONE_NAMESPACE).header("l.In-Reply-To", "m0").build("👍");
        assert_eq!(read(bare), None);
    }

    #[test]
    fn an_id_beyond_the_ceiling_points_at_nothing() {
        let long = Reference::Edit { message_id: "x".repeat(VALUE_BYTES_MAX + 1) };
        assert_eq!(read(long.write(envelope()).build("")), None);
    }

    fn any_reference() -> impl Strategy<Value = Reference> {
        let id = "[!-~]{1,64}";
        prop_oneof![
            (id, prop::option::of("sip:[a-z]{1,9}@[a-z]{1,9}"))
                .prop_map(|(message_id, sender)| Reference::Reply { message_id, sender }),
            id.prop_map(|message_id| Reference::Reaction { message_id }),
            id.prop_map(|message_id| Reference::Edit { message_id }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(reference in any_reference()) {
            prop_assert_eq!(read(reference.write(envelope()).build("text")), Some(reference));
        }
    }
}
