//! Header names: the ones we know as an enum, found once while parsing, and any other by its text.
//!
//! Names compare without regard to case, and a compact form (RFC 3261 §7.3.3) is the same name as its long form.

/// A header name that this crate knows; everything else is [`HeaderName::Other`].
///
/// Known names are looked up by comparing one byte. Use [`Name`] (or just a `&str`) where any name may be meant.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is the header of that name")]
pub enum HeaderName {
    /// A name outside this list; the text is in the message.
    Other = 0,
    Accept,
    AcceptContact,
    AcceptEncoding,
    AcceptLanguage,
    Allow,
    AllowEvents,
    AuthenticationInfo,
    Authorization,
    CallId,
    Contact,
    ContentDisposition,
    ContentEncoding,
    ContentLength,
    ContentTransferEncoding,
    ContentType,
    ContributionId,
    ConversationId,
    CSeq,
    Date,
    Event,
    Expires,
    FlowTimer,
    From,
    InReplyToContributionId,
    MaxForwards,
    MinExpires,
    MinSe,
    PAccessNetworkInfo,
    PAssertedIdentity,
    PAssertedService,
    PAssociatedUri,
    PPreferredIdentity,
    PPreferredService,
    Path,
    Privacy,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyRequire,
    Reason,
    RecordRoute,
    ReferSub,
    ReferTo,
    ReferredBy,
    RejectContact,
    RequestDisposition,
    Require,
    RetryAfter,
    Route,
    Server,
    ServiceRoute,
    SessionExpires,
    Subject,
    SubscriptionState,
    Supported,
    To,
    Unsupported,
    UserAgent,
    Via,
    Warning,
    WwwAuthenticate,
}

use HeaderName::*;

/// Every known name with its long text and its compact letter, in the order of the enum.
const KNOWN: [(HeaderName, &str, Option<u8>); 60] = [
    (Accept, "Accept", None),
    (AcceptContact, "Accept-Contact", Some(b'a')),
    (AcceptEncoding, "Accept-Encoding", None),
    (AcceptLanguage, "Accept-Language", None),
    (Allow, "Allow", None),
    (AllowEvents, "Allow-Events", Some(b'u')),
    (AuthenticationInfo, "Authentication-Info", None),
    (Authorization, "Authorization", None),
    (CallId, "Call-ID", Some(b'i')),
    (Contact, "Contact", Some(b'm')),
    (ContentDisposition, "Content-Disposition", None),
    (ContentEncoding, "Content-Encoding", Some(b'e')),
    (ContentLength, "Content-Length", Some(b'l')),
    (ContentTransferEncoding, "Content-Transfer-Encoding", None),
    (ContentType, "Content-Type", Some(b'c')),
    (ContributionId, "Contribution-ID", None),
    (ConversationId, "Conversation-ID", None),
    (CSeq, "CSeq", None),
    (Date, "Date", None),
    (Event, "Event", Some(b'o')),
    (Expires, "Expires", None),
    (FlowTimer, "Flow-Timer", None),
    (From, "From", Some(b'f')),
    (InReplyToContributionId, "InReplyTo-Contribution-ID", None),
    (MaxForwards, "Max-Forwards", None),
    (MinExpires, "Min-Expires", None),
    (MinSe, "Min-SE", None),
    (PAccessNetworkInfo, "P-Access-Network-Info", None),
    (PAssertedIdentity, "P-Asserted-Identity", None),
    (PAssertedService, "P-Asserted-Service", None),
    (PAssociatedUri, "P-Associated-URI", None),
    (PPreferredIdentity, "P-Preferred-Identity", None),
    (PPreferredService, "P-Preferred-Service", None),
    (Path, "Path", None),
    (Privacy, "Privacy", None),
    (ProxyAuthenticate, "Proxy-Authenticate", None),
    (ProxyAuthorization, "Proxy-Authorization", None),
    (ProxyRequire, "Proxy-Require", None),
    (Reason, "Reason", None),
    (RecordRoute, "Record-Route", None),
    (ReferSub, "Refer-Sub", None),
    (ReferTo, "Refer-To", Some(b'r')),
    (ReferredBy, "Referred-By", Some(b'b')),
    (RejectContact, "Reject-Contact", Some(b'j')),
    (RequestDisposition, "Request-Disposition", Some(b'd')),
    (Require, "Require", None),
    (RetryAfter, "Retry-After", None),
    (Route, "Route", None),
    (Server, "Server", None),
    (ServiceRoute, "Service-Route", None),
    (SessionExpires, "Session-Expires", Some(b'x')),
    (Subject, "Subject", Some(b's')),
    (SubscriptionState, "Subscription-State", None),
    (Supported, "Supported", Some(b'k')),
    (To, "To", Some(b't')),
    (Unsupported, "Unsupported", None),
    (UserAgent, "User-Agent", None),
    (Via, "Via", Some(b'v')),
    (Warning, "Warning", None),
    (WwwAuthenticate, "WWW-Authenticate", None),
];

impl HeaderName {
    /// The name for this text, long or compact, in any case.
    pub fn of(text: &[u8]) -> Self {
        if let [letter] = text {
            return COMPACT[(letter.to_ascii_lowercase() & 0x7f) as usize].filter_letter(*letter);
        }
        if text.is_empty() {
            return Other;
        }
        let candidate = BY_SHAPE[shape(text)];
        let known = candidate.as_str().as_bytes();
        // Nearly everyone writes the usual capitals, and comparing those is quicker.
        if known == text || known.eq_ignore_ascii_case(text) { candidate } else { Other }
    }

    /// The long form as the RFCs write it; empty for [`HeaderName::Other`].
    pub const fn as_str(self) -> &'static str {
        match self {
            Other => "",
            known => KNOWN[known as usize - 1].1,
        }
    }

    fn filter_letter(self, letter: u8) -> Self {
        if letter.is_ascii_alphabetic() { self } else { Other }
    }
}

/// A header name to look for: a known one, or any text.
#[derive(Copy, Clone, Debug)]
pub enum Name<'a> {
    /// One of ours.
    Known(HeaderName),
    /// Any other text; compared without regard to case.
    Text(&'a str),
}

impl<'a> Name<'a> {
    /// The name as it is written into a message.
    pub fn as_str(&self) -> &'a str {
        match self {
            Name::Known(name) => name.as_str(),
            Name::Text(text) => text,
        }
    }
}

impl core::convert::From<HeaderName> for Name<'_> {
    fn from(name: HeaderName) -> Self {
        Name::Known(name)
    }
}

impl<'a> core::convert::From<&'a str> for Name<'a> {
    fn from(text: &'a str) -> Self {
        match HeaderName::of(text.as_bytes()) {
            Other => Name::Text(text),
            known => Name::Known(known),
        }
    }
}

/// Slot of a name in [`BY_SHAPE`]: mixes its length and three of its letters, case folded.
const fn shape(text: &[u8]) -> usize {
    let (first, middle, last) = (text[0] | 0x20, text[text.len() / 2] | 0x20, text[text.len() - 1] | 0x20);
    (text.len() * 5 + first as usize * 3 + middle as usize * 37 + last as usize * 11) & (SLOTS - 1)
}

const SLOTS: usize = 512;

/// Which known name has a given shape; no two share one (checked while compiling).
static BY_SHAPE: [HeaderName; SLOTS] = {
    let mut table = [Other; SLOTS];
    let mut i = 0;
    while i < KNOWN.len() {
        let (name, text, _) = KNOWN[i];
        assert!(name as usize == i + 1, "KNOWN follows the order of the enum");
        let slot = shape(text.as_bytes());
        assert!(matches!(table[slot], Other), "two known names share a shape: change the mix");
        table[slot] = name;
        i += 1;
    }
    table
};

static COMPACT: [HeaderName; 128] = {
    let mut table = [Other; 128];
    let mut i = 0;
    while i < KNOWN.len() {
        if let (name, _, Some(letter)) = KNOWN[i] {
            table[letter as usize] = name;
        }
        i += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case_and_compact_form() {
        for (name, text, letter) in KNOWN {
            assert_eq!(HeaderName::of(text.as_bytes()), name, "{text}");
            assert_eq!(HeaderName::of(text.to_ascii_uppercase().as_bytes()), name, "{text}");
            assert_eq!(HeaderName::of(text.to_ascii_lowercase().as_bytes()), name, "{text}");
            if let Some(letter) = letter {
                assert_eq!(HeaderName::of(&[letter]), name);
                assert_eq!(HeaderName::of(&[letter.to_ascii_uppercase()]), name);
            }
        }
    }

    #[test]
    fn other_names_are_other() {
        for text in ["", "X-Thing", "Viaa", "vi", "z", "\u{e9}", "\u{16}", "Rout", "Call_ID"] {
            assert_eq!(HeaderName::of(text.as_bytes()), Other, "{text:?}");
        }
        assert_eq!(HeaderName::of(&[b'v' | 0x80]), Other);
        assert_eq!(HeaderName::of(&[b'V' & 0x1f]), Other);
    }
}
