//! What a device can take: the feature tags of RFC 3840 that RCS puts in Contact and Accept-Contact.
//!
//! ```text
//! Contact: <sip:…>;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg,urn%3A…session"
//!          ;+g.gsma.rcs.botversion="#=1,#=2";+g.gsma.rcs.msgrevoke;expires=3600
//! ```
//!
//! A tag with a list has each item as a capability of its own; repeated parameters merge. The well-known ones
//! ([`Capability`]) are bits of a number, so that a million bindings stay small; others are kept as text and written
//! again unchanged. Devices are matched against the [`Wanted`] of an Accept-Contact (RFC 3841).

use std::collections::BTreeSet;
use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::{Deserialize, Serialize};

const ICSI: &str = "+g.3gpp.icsi-ref";
const IARI: &str = "+g.3gpp.iari-ref";
const BOT_VERSION: &str = "+g.gsma.rcs.botversion";

/// Capabilities outside of [`Capability`] that one device may have; more are passed over.
pub const OTHERS_MAX: usize = 64;

/// Longest tag or value that is kept.
pub const VALUE_BYTES_MAX: usize = 256;

/// URNs in quotes have their colons escaped, and what a quoted string or a list could not hold.
const URN_ESCAPES: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Declares [`Capability`] and the tag and value of each.
macro_rules! capabilities {
    ($($(#[$doc:meta])+ $name:ident = $bit:literal, $tag:expr, $value:expr;)+) => {
        /// A well-known capability. The numbers are bits in stored bindings: append, never renumber.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Capability {
            $($(#[$doc])+ $name = $bit,)+
        }

        impl Capability {
            /// All of them, in the order in which they are written.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The feature tag, and the item of its list with percent-encoding undone (empty: the tag stands alone).
            pub const fn tag_and_value(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($tag, $value),)+
                }
            }
        }
    };
}

capabilities! {
    /// Pager-mode standalone messages.
    CpmMessage = 0, ICSI, "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";
    /// Large-mode standalone messages.
    CpmLargeMessage = 1, ICSI, "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.largemsg";
    /// Chat sessions.
    CpmSession = 2, ICSI, "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session";
    /// File transfer over MSRP.
    CpmFileTransfer = 3, ICSI, "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.filetransfer";
    /// Call composer.
    CallComposer = 4, ICSI, "urn:urn-7:3gpp-service.ims.icsi.gsma.callcomposer";
    /// Post-call notes.
    CallUnanswered = 5, ICSI, "urn:urn-7:3gpp-service.ims.icsi.gsma.callunanswered";
    /// Shared map during a call.
    SharedMap = 6, ICSI, "urn:urn-7:3gpp-service.ims.icsi.gsma.sharedmap";
    /// Shared sketch during a call.
    SharedSketch = 7, ICSI, "urn:urn-7:3gpp-service.ims.icsi.gsma.sharedsketch";
    /// File transfer over HTTP.
    FileTransferHttp = 8, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.fthttp";
    /// Files as links in SMS.
    FileTransferSms = 9, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.ftsms";
    /// Thumbnails of files.
    FileTransferThumbnail = 10, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.ftthumb";
    /// File transfer with store and forward.
    FileTransferStoreForward = 11, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.ftstandfw";
    /// Locations pushed to it.
    GeolocationPush = 12, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.geopush";
    /// Locations pulled from it.
    GeolocationPull = 13, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.geopull";
    /// Locations as SMS.
    GeolocationSms = 14, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.geosms";
    /// Group chat with full store and forward.
    FullStoreForwardGroupChat = 15, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.fullsfgroupchat";
    /// Chatbots in chat sessions.
    ChatbotSession = 16, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.chatbot";
    /// Chatbots by standalone messages.
    ChatbotStandalone = 17, IARI, "urn:urn-7:3gpp-application.ims.iari.rcs.chatbot.sa";
    /// Legacy SIMPLE IM chat, as an application id.
    LegacyChat = 18, IARI, "urn:urn-7:3gpp-application.ims.iari.rcse.im";
    /// Discovery by presence.
    DiscoveryPresence = 19, IARI, "urn:urn-7:3gpp-application.ims.iari.rcse.dp";
    /// Cards and suggestions of version 1.
    BotVersion1 = 20, BOT_VERSION, "#=1";
    /// Cards and suggestions of version 2.
    BotVersion2 = 21, BOT_VERSION, "#=2";
    /// It is a chatbot itself.
    IsBot = 22, "+g.gsma.rcs.isbot", "";
    /// Messages can be revoked.
    MessageRevoke = 23, "+g.gsma.rcs.msgrevoke", "";
    /// Legacy SIMPLE IM chat, as a tag.
    SipIm = 24, "+g.oma.sip-im", "";
    /// Not a person (RFC 3840 §10.1).
    Automata = 25, "automata", "";
    /// The focus of a conference (RFC 4579 §5).
    IsFocus = 26, "isfocus", "";
    /// Takes SMS over IP (3GPP TS 24.341).
    SmsOverIp = 27, "+g.3gpp.smsip", "";
    /// Video calls (RFC 3840 §10.1).
    Video = 28, "video", "";
}

/// A set of capabilities of a device, or of all devices of a user. Serialized as its bits and texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Capabilities {
    /// Bit n is the [`Capability`] n.
    known: u64,
    others: BTreeSet<Other>,
}

/// A capability that we carry without knowing it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
struct Other {
    /// Lower case.
    tag: String,
    /// One item of the list, percent-encoding undone; empty if the tag stands alone.
    value: String,
}

impl Capabilities {
    /// No capability.
    pub const NONE: Self = Self { known: 0, others: BTreeSet::new() };

    /// The feature tags in a Contact header value or in its parameters alone; all else there is passed over.
    ///
    /// For several Contacts, [`Capabilities::union`] the sets.
    pub fn parse(contact: &str) -> Self {
        let mut set = Self::NONE;
        for (name, value) in parameters(contact) {
            set.add_parameter(name, value);
        }
        set
    }

    /// Adds what one header parameter says, if it is a feature tag: `("+g.gsma.rcs.botversion", Some("\"#=1,#=2\""))`.
    /// The value may still have its quotes.
    pub fn add_parameter(&mut self, name: &str, value: Option<&str>) {
        let name = name.trim();
        if !is_feature_tag(name) || name.len() > VALUE_BYTES_MAX {
            return;
        }
        let list = value.unwrap_or("").trim().trim_matches('"');
        for item in list.split(',') {
            self.add_item(name, item.trim());
        }
    }

    /// Adds one.
    pub fn insert(&mut self, capability: Capability) {
        self.known |= bit(capability);
    }

    /// Whether it is there.
    pub fn has(&self, capability: Capability) -> bool {
        self.known & bit(capability) != 0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known == 0 && self.others.is_empty()
    }

    /// The well-known ones in it.
    pub fn iter(&self) -> impl Iterator<Item = Capability> {
        Capability::ALL.iter().copied().filter(|capability| self.has(*capability))
    }

    /// What either has: the answer to OPTIONS when a user has several devices.
    pub fn union(mut self, other: &Self) -> Self {
        self.known |= other.known;
        for other in &other.others {
            self.add_other(other.clone());
        }
        self
    }

    /// The parameters of a Contact, without a leading `;`: `+g.3gpp.icsi-ref="urn%3A…";+g.gsma.rcs.msgrevoke`.
    pub fn to_parameters(&self) -> String {
        let mut text = String::new();
        let mut tag_before = "";
        for (tag, value) in self.by_tag() {
            if tag == tag_before {
                text.push(',');
            } else {
                close_list(&mut text);
                if !text.is_empty() {
                    text.push(';');
                }
                text.push_str(tag);
                if !value.is_empty() {
                    text.push_str("=\"");
                }
            }
            if is_urn_list(tag) {
                write!(text, "{}", utf8_percent_encode(value, URN_ESCAPES)).expect("a String takes any text");
            } else {
                text.push_str(value);
            }
            tag_before = tag;
        }
        close_list(&mut text);
        text
    }

    fn add_item(&mut self, tag: &str, item: &str) {
        // RFC 3840 §9: a boolean tag alone is TRUE; FALSE and negations say what the device lacks.
        let value = match item {
            _ if item.eq_ignore_ascii_case("true") => "",
            _ if item.eq_ignore_ascii_case("false") || item.starts_with('!') => return,
            _ => item,
        };
        let decoded =
            if is_urn_list(tag) { percent_decode_str(value).decode_utf8_lossy() } else { value.into() };
        let is_known = |known: &&Capability| {
            let (known_tag, known_value) = known.tag_and_value();
            known_tag.eq_ignore_ascii_case(tag) && known_value.eq_ignore_ascii_case(&decoded)
        };
        match Capability::ALL.iter().find(is_known) {
            Some(known) => self.insert(*known),
            None => self.add_other(Other { tag: tag.to_ascii_lowercase(), value: decoded.into_owned() }),
        }
    }

    fn add_other(&mut self, other: Other) {
        let plain = !other.value.chars().any(|c| c.is_control() || matches!(c, '"' | '\\' | ','));
        let complete = !(is_urn_list(&other.tag) && other.value.is_empty());
        if plain && complete && other.value.len() <= VALUE_BYTES_MAX && self.others.len() < OTHERS_MAX {
            self.others.insert(other);
        }
    }

    /// All pairs of tag and value, those of one tag together, a tag alone before its values.
    fn by_tag(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(16);
        for known in self.iter() {
            pairs.push(known.tag_and_value());
        }
        for other in &self.others {
            pairs.push((&other.tag, &other.value));
        }
        pairs.sort_by_key(|(tag, value)| (*tag, !value.is_empty()));
        // A tag that stands alone and also has a list says no more than the list.
        let listed: BTreeSet<&str> =
            pairs.iter().filter(|(_, value)| !value.is_empty()).map(|(tag, _)| *tag).collect();
        pairs.retain(|(tag, value)| !value.is_empty() || !listed.contains(tag));
        pairs
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(items: I) -> Self {
        let mut set = Self::NONE;
        for item in items {
            set.insert(item);
        }
        set
    }
}

/// What a request asks of the device that gets it: one Accept-Contact value (RFC 3841 §9.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The tags.
    pub capabilities: Capabilities,
    /// A device that does not match must not get the request.
    pub require: bool,
    /// Only a device that has stated the tags matches.
    pub explicit: bool,
}

impl Wanted {
    /// Reads `*;+g.3gpp.icsi-ref="urn%3A…";require;explicit`.
    pub fn parse(accept_contact: &str) -> Self {
        let flag = |name: &str| parameters(accept_contact).any(|(found, _)| found.eq_ignore_ascii_case(name));
        Self {
            capabilities: Capabilities::parse(accept_contact),
            require: flag("require"),
            explicit: flag("explicit"),
        }
    }

    /// Whether a device has what is wanted: for every tag that is named, at least one of the values listed for it
    /// (RFC 3840 §7.2: a list is "or", tags are "and"). Nothing wanted is met by any device.
    pub fn is_met_by(&self, device: &Capabilities) -> bool {
        // Nearly always: well-known tags, and the device has them all.
        if self.capabilities.others.is_empty() && self.capabilities.known & !device.known == 0 {
            return true;
        }
        let stated = device.by_tag();
        let wanted = self.capabilities.by_tag();
        wanted.chunk_by(|a, b| a.0 == b.0).all(|list| {
            list.iter().any(|(tag, value)| {
                // A tag asked for without a value is met by the tag with any value.
                stated
                    .iter()
                    .any(|(has_tag, has_value)| has_tag == tag && (value.is_empty() || has_value == value))
            })
        })
    }
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("*")?;
        if !self.capabilities.is_empty() {
            write!(f, ";{}", self.capabilities.to_parameters())?;
        }
        if self.require {
            f.write_str(";require")?;
        }
        if self.explicit {
            f.write_str(";explicit")?;
        }
        Ok(())
    }
}

fn bit(capability: Capability) -> u64 {
    1 << (capability as u8)
}

fn is_urn_list(tag: &str) -> bool {
    tag.eq_ignore_ascii_case(ICSI) || tag.eq_ignore_ascii_case(IARI)
}

/// Tags that are registered without `+` (RFC 3840 §10, RFC 4579), and every other that starts with it. The instance
/// identifies the device and is no capability.
fn is_feature_tag(name: &str) -> bool {
    const BASE: [&str; 9] =
        ["automata", "isfocus", "text", "audio", "video", "application", "data", "control", "duplex"];
    // RFC 3840 §9: letters, digits and a few marks.
    let is_mark = |byte| matches!(byte, b'!' | b'\'' | b'.' | b'-' | b'%' | b'+' | b'_' | b'*' | b'~');
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte));
    let extension = name.len() > 1 && name.starts_with('+') && !name.eq_ignore_ascii_case("+sip.instance");
    plain && (extension || BASE.iter().any(|base| name.eq_ignore_ascii_case(base)))
}

/// The parameters of a header value: names and raw values, quotes kept. A URI in angle brackets is passed over.
fn parameters(header: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let after_uri = match (header.find('<'), header.find('"')) {
        // A quote before the bracket is a display name, which may hold brackets of its own.
        (Some(open), quote)
            if quote.is_none_or(|quote| quote > open || header[..open].matches('"').count() == 2) =>
        {
            header[open..].find('>').map_or("", |close| &header[open + close + 1..])
        }
        _ => header,
    };
    let mut quoted = false;
    after_uri
        .split(move |c: char| {
            quoted ^= c == '"';
            c == ';' && !quoted
        })
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value)),
            None => (parameter.trim(), None),
        })
}

/// Ends the list that the last tag opened, if it did.
fn close_list(text: &mut String) {
    if text.matches('"').count() % 2 == 1 {
        text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HANDSET: &str = include_str!("../../../fixtures/rcs/capability/handset.contact");

    #[test]
    fn a_contact_reads_as_the_set_of_its_tags() {
        let set = Capabilities::parse(HANDSET.trim());
        let expected = [
            Capability::CpmMessage,
            Capability::CpmLargeMessage,
            Capability::CpmSession,
            Capability::FileTransferHttp,
            Capability::GeolocationPush,
            Capability::ChatbotSession,
            Capability::BotVersion1,
            Capability::BotVersion2,
            Capability::MessageRevoke,
        ];
        assert_eq!(set, expected.into_iter().collect());
    }

    #[test]
    fn a_part_of_a_contact_never_says_more_than_the_whole() {
        let whole = Capabilities::parse(HANDSET.trim());
        for end in 0..HANDSET.len() {
            let part = Capabilities::parse(&HANDSET[..end]);
            assert_eq!(part.known & !whole.known, 0, "{end}");
        }
    }

    #[test]
    fn repeated_parameters_merge_and_case_does_not_matter() {
        let set = Capabilities::parse(
            "<sip:a@b;x=\"+g.gsma.rcs.isbot\">;+g.3gpp.ICSI-ref=\"URN%3aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"\
             ;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\";expires=60",
        );
        assert_eq!(set, [Capability::CpmMessage, Capability::CpmSession].into_iter().collect());
    }

    #[test]
    fn unknown_tags_are_written_again() {
        let cmcc = "+g.3gpp.iari-ref=\"urn%3Aurn-7%3A3gpp-application.ims.iari.rcs.mnc000.mcc460.cloudfile\"";
        let set = Capabilities::parse(&format!("{cmcc};+g.example.level=\"3\";+g.example.flag;q=0.5"));
        assert_eq!(set.to_parameters(), format!("{cmcc};+g.example.flag;+g.example.level=\"3\""));
    }

    #[test]
    fn what_a_device_lacks_is_no_capability() {
        let set = Capabilities::parse(
            "<sip:a@b>;automata=\"FALSE\";+g.oma.sip-im=\"TRUE\";+sip.instance=\"<urn:x>\"",
        );
        assert_eq!(set, [Capability::SipIm].into_iter().collect());
    }

    #[test]
    fn a_tag_that_is_no_token_is_passed_over() {
        let set = Capabilities::parse("+>g.x=\"1\";+g x;+;+g.\u{e9};+g.oma.sip-im");
        assert_eq!(set.to_parameters(), "+g.oma.sip-im");
        assert!(
            Capabilities::parse("<sip:a@b;+g.oma.sip-im").is_empty(),
            "a URI that does not end has no parameters"
        );
    }

    #[test]
    fn the_union_of_two_devices_has_what_either_has() {
        let phone: Capabilities = [Capability::CpmMessage].into_iter().collect();
        let tablet = Capabilities::parse("+g.example.flag;+g.gsma.rcs.isbot");
        let both = phone.clone().union(&tablet);
        assert!(both.has(Capability::CpmMessage) && both.has(Capability::IsBot));
        assert_eq!(both, tablet.union(&phone));
    }

    #[test]
    fn accept_contact_wants_every_tag_and_any_item_of_its_list() {
        let wanted = Wanted::parse(
            "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"\
             ;+g.gsma.rcs.botversion=\"#=1,#=2\";require;explicit",
        );
        assert!(wanted.require && wanted.explicit);
        let mut device: Capabilities = [Capability::CpmMessage].into_iter().collect();
        assert!(!wanted.is_met_by(&device));
        device.insert(Capability::BotVersion2);
        assert!(wanted.is_met_by(&device));
        assert!(Wanted::parse("*").is_met_by(&Capabilities::NONE));
        assert_eq!(Wanted::parse(&wanted.to_string()), wanted);
    }

    #[test]
    fn every_capability_has_a_bit_and_a_tag_of_its_own() {
        let all: Capabilities = Capability::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Capability::ALL.len());
        assert_eq!(Capabilities::parse(&all.to_parameters()), all);
    }

    proptest! {
        #[test]
        fn written_sets_read_back(text in "([+;=\",%<>a-z.#!-]|\\+g\\.|3gpp\\.icsi-ref|urn:|\\PC){0,80}") {
            let set = Capabilities::parse(&text);
            let again = Capabilities::parse(&set.to_parameters());
            prop_assert_eq!(again.to_parameters(), set.to_parameters());
            let wanted = Wanted { capabilities: set.clone(), require: true, explicit: false };
            prop_assert!(wanted.is_met_by(&set));
        }
    }
}
