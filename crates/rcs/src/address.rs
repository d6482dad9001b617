//! Who sends and who receives: one canonical address for each subscriber, chatbot and group.
//!
//! A subscriber is `tel:+8613800000001` (RFC 3966, always E.164), a chatbot `sip:12306@botplatform.DOMAIN`, a group
//! `sip:ID@groups.DOMAIN`. Everything that peers write instead of these (SIP URIs with phone numbers in them,
//! national numbers, separators, percent-encoding) goes through [`Numbering::address`] once, at the edge; after
//! that, equal addresses are equal strings.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, percent_encode};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest text that is looked at; SIP allows more, no address of ours comes near.
pub const TEXT_MAX: usize = 512;

/// E.164 numbers have at most this many digits; RFC 3966 sets no minimum, we take 7.
const E164_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// `tel:+` and the digits.
const TEL_MAX: usize = 5 + 15;

/// What a SIP user part must escape (RFC 3261 §25.1): everything but `unreserved` and `user-unreserved`.
const USER_ESCAPES: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'@')
    .add(b':')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// A party to a conversation, in canonical form. Cheap to clone; compared, hashed, sorted and serialized as its text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

/// What stands behind an [`Address`], told by its form alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressKind {
    /// A phone number: `tel:+8613800000001`.
    Subscriber,
    /// A `sip:` URI with a `botplatform` label in its domain.
    Chatbot,
    /// A `sip:` URI whose domain begins with `groups.`.
    Group,
    /// Any other `sip:` URI: the anonymous party, a service of the network, a peer without a number.
    Other,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Longer than [`TEXT_MAX`] bytes.
    #[error("an address has at most {TEXT_MAX} bytes")]
    TooLong,
    /// Neither a URI of a scheme we route nor anything like a number.
    #[error("{0:?} is neither a phone number nor a tel: or sip: URI")]
    Malformed(String),
    /// Looks like a number, but is none that can be reached from everywhere (E.164).
    #[error("{0:?} is not a phone number of this or any other country")]
    NotANumber(String),
}

impl Address {
    /// The subscriber with this E.164 number: `+` and 7 to 15 digits, nothing else.
    pub fn subscriber(e164: &str) -> Result<Self, AddressError> {
        let number = e164.strip_prefix('+').filter(|digits| is_e164(digits.as_bytes()));
        number.map(|digits| Self::tel(digits.as_bytes())).ok_or_else(|| AddressError::NotANumber(quote(e164)))
    }

    /// The canonical text: `tel:+8613800000001`, `sip:12306@botplatform.hongyan.local`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind it.
    pub fn kind(&self) -> AddressKind {
        match self.host() {
            None => AddressKind::Subscriber,
            Some(host) => host_kind(host),
        }
    }

    /// The number of a subscriber, `+8613800000001`; `None` for anybody else.
    pub fn e164(&self) -> Option<&str> {
        self.0.strip_prefix("tel:")
    }

    /// The user part: `+8613800000001` or `12306`; empty for a `sip:` URI that has none.
    pub fn user(&self) -> &str {
        match self.0.strip_prefix("sip:") {
            Some(rest) => rest.rsplit_once('@').map_or("", |(user, _)| user),
            None => &self.0["tel:".len()..],
        }
    }

    /// The domain, with its port if it has one; `None` for a subscriber, who is the same in every domain.
    pub fn host(&self) -> Option<&str> {
        let rest = self.0.strip_prefix("sip:")?;
        Some(rest.rsplit_once('@').map_or(rest, |(_, host)| host))
    }

    /// A SIP URI for it: `sip:+8613800000001@domain;user=phone` for a subscriber, itself for anybody else.
    pub fn sip_uri(&self, domain: &str) -> String {
        match self.e164() {
            Some(number) => ["sip:", number, "@", domain, ";user=phone"].concat(),
            None => self.0.to_string(),
        }
    }

    /// Builds `tel:+` and the digits, which must have been checked.
    fn tel(digits: &[u8]) -> Self {
        let mut text = [0; TEL_MAX];
        text[..5].copy_from_slice(b"tel:+");
        let len = 5 + digits.len();
        text[5..len].copy_from_slice(digits);
        Self(std::str::from_utf8(&text[..len]).expect("digits are ASCII").into())
    }
}

/// Reads canonical text only, as it comes back from the store; use [`Numbering::address`] for what peers write.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(number) = text.strip_prefix("tel:") {
            return Self::subscriber(number);
        }
        let Some(rest) = text.strip_prefix("sip:") else {
            return Err(AddressError::Malformed(quote(text)));
        };
        let address = sip_address(&SipUri::parse(rest, text)?);
        if *address.0 == *text { Ok(address) } else { Err(AddressError::Malformed(quote(text))) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Address {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl serde::de::Visitor<'_> for Visitor {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a canonical address such as tel:+8613800000001")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Address, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

/// How addresses are read here: what a number without a country code means, and which domain is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbering {
    /// ISO 3166 code of the country whose national numbers are understood, `CN`. With an unknown code, only
    /// international numbers are.
    pub country: String,
    /// Our domain, `hongyan.local`.
    pub domain: String,
}

impl Numbering {
    /// Numbering for `country` (`"CN"`) and `domain` (`"hongyan.local"`), in canonical case.
    pub fn new(country: &str, domain: &str) -> Self {
        Self { country: country.to_ascii_uppercase(), domain: domain.to_ascii_lowercase() }
    }

    /// Loads the number plans of all countries, which takes a tenth of a second. Called at start, it spares the
    /// first national number that wait.
    pub fn prepare(&self) {
        let _ = self.address("10000000000");
    }

    /// The canonical address of what a peer wrote.
    ///
    /// Takes `tel:` (RFC 3966), `sip:` and `sips:` with or without parameters and `user=phone`, a name-addr
    /// (`"Alice" <sip:…>`), and bare numbers: `+86 138-0000-0001`, `008613800000001`, `8613800000001`,
    /// `13800000001`. A SIP URI becomes a subscriber if its user part is an international number, or a national
    /// one in our domain or with `user=phone`; chatbots and groups stay `sip:` whatever their user part looks like.
    pub fn address(&self, text: &str) -> Result<Address, AddressError> {
        if text.len() > TEXT_MAX {
            return Err(AddressError::TooLong);
        }
        if let Some(address) = common_form(text) {
            return Ok(address);
        }
        let uri = without_brackets(text);
        match split_scheme(uri) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tel") => self.tel(rest, text),
            Some((scheme, rest))
                if scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips") =>
            {
                self.sip(&SipUri::parse(rest, text)?)
            }
            Some(_) => Err(AddressError::Malformed(quote(text))),
            None if uri.contains('@') => self.sip(&SipUri::parse(uri, text)?),
            None => self.tel(uri, text),
        }
    }

    /// The chatbot that is called `name` here: `sip:12306@botplatform.DOMAIN`.
    pub fn chatbot(&self, name: &str) -> Result<Address, AddressError> {
        self.named(name, "botplatform")
    }

    /// The group with this id: `sip:ID@groups.DOMAIN`.
    pub fn group(&self, id: &str) -> Result<Address, AddressError> {
        self.named(id, "groups")
    }

    fn named(&self, user: &str, label: &str) -> Result<Address, AddressError> {
        if user.is_empty() {
            return Err(AddressError::Malformed(quote(user)));
        }
        let host = format!("{label}.{}", self.domain);
        let encoded = percent_encode(user.as_bytes(), USER_ESCAPES).to_string();
        self.address(&format!("sip:{encoded}@{host}"))
    }

    /// `+86-138-0000-0001`, `13800000001;phone-context=+86`, `13800000001;phone-context=ims.example` (RFC 3966 §3).
    fn tel(&self, rest: &str, text: &str) -> Result<Address, AddressError> {
        let (number, parameters) = rest.split_once(';').unwrap_or((rest, ""));
        let mut digits = Digits::read(&percent_decode_str(number).decode_utf8_lossy())
            .ok_or_else(|| AddressError::NotANumber(quote(text)))?;
        let context = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("phone-context").then(|| value.trim())
        });
        if let Some(code) = context.and_then(|context| context.strip_prefix('+'))
            && !digits.international
        {
            digits = Digits::read(&format!("+{code}{}", digits.text))
                .ok_or_else(|| AddressError::NotANumber(quote(text)))?;
        }
        self.number(&digits).ok_or_else(|| AddressError::NotANumber(quote(text)))
    }

    fn sip(&self, uri: &SipUri<'_>) -> Result<Address, AddressError> {
        if host_kind(&uri.host) != AddressKind::Other {
            return Ok(sip_address(uri));
        }
        let user = uri.user.split(|byte| *byte == b';').next().unwrap_or(&[]);
        let digits = std::str::from_utf8(user).ok().and_then(Digits::read);
        let ours = uri.host.eq_ignore_ascii_case(&self.domain);
        if let Some(digits) = digits
            && (digits.international || uri.user_phone || ours)
            && let Some(address) = self.number(&digits)
        {
            return Ok(address);
        }
        Ok(sip_address(uri))
    }

    fn number(&self, digits: &Digits) -> Option<Address> {
        if digits.international {
            return is_e164(digits.text.as_bytes()).then(|| Address::tel(digits.text.as_bytes()));
        }
        // The library is given digits alone, and few of them: what it does with letters, extensions and
        // overlong input is not ours to find out.
        let country = self.country.parse().ok()?;
        let number = phonenumber::parse(Some(country), &digits.text).ok().filter(phonenumber::is_valid)?;
        let text = number.format().mode(phonenumber::Mode::E164).to_string();
        Address::subscriber(&text).ok()
    }
}

/// What nearly every SIP message has, with no allocation but the address itself: `tel:+…`, `+…`, `sip:+…@host;…`, and
/// chatbots and groups that are canonical already. `None` says nothing about other texts.
fn common_form(text: &str) -> Option<Address> {
    if let Some(digits) = text.strip_prefix("tel:+").or_else(|| text.strip_prefix('+')) {
        return is_e164(digits.as_bytes()).then(|| Address::tel(digits.as_bytes()));
    }
    let rest = text.strip_prefix("sip:")?;
    let (user, after) = rest.split_at_checked(memchr::memchr(b'@', rest.as_bytes())?)?;
    let after = &after[1..];
    let host = &after[..memchr::memchr2(b';', b'?', after.as_bytes()).unwrap_or(after.len())];
    if !is_host(host) {
        return None;
    }
    match host_kind(host) {
        AddressKind::Other => {
            let digits = user.strip_prefix('+')?.as_bytes();
            is_e164(digits).then(|| Address::tel(digits))
        }
        _ => is_plain_canonical(rest).then(|| Address(text.into())),
    }
}

/// Whether this is what [`sip_address`] would write after `sip:`, and has nothing escaped.
fn is_plain_canonical(rest: &str) -> bool {
    let Some((user, host)) = rest.split_once('@') else {
        return false;
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'+');
    !user.is_empty()
        && user.bytes().all(is_plain)
        && is_host(host)
        && !host.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// A `sip:` URI taken apart: no port is dropped, parameters and headers are.
struct SipUri<'a> {
    /// Percent-decoded; empty if there is none.
    user: std::borrow::Cow<'a, [u8]>,
    /// Lower case, with the port if there is one.
    host: String,
    user_phone: bool,
}

impl<'a> SipUri<'a> {
    /// Reads what follows the scheme; `text` is for the error.
    fn parse(rest: &'a str, text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed(quote(text));
        // A user part may hold `;` and `?` (RFC 3261 §25.1), so it ends at the last `@` that precedes the headers.
        let (user, rest) = rest.split_once('@').unwrap_or(("", rest));
        let user = user.split_once(':').map_or(user, |(user, _password)| user);
        let rest = rest.split_once('?').map_or(rest, |(rest, _headers)| rest);
        let mut parameters = rest.split(';');
        let host = parameters.next().unwrap_or("").trim();
        if !is_host(host) {
            return Err(malformed());
        }
        let user_phone = parameters.any(|parameter| parameter.trim().eq_ignore_ascii_case("user=phone"));
        Ok(Self { user: percent_decode_str(user).into(), host: host.to_ascii_lowercase(), user_phone })
    }
}

/// The digits of a dialled number, separators dropped.
struct Digits {
    text: String,
    /// Began with `+`.
    international: bool,
}

impl Digits {
    /// `None` if there is anything but digits, separators and a leading `+`, or not 1 to 20 digits.
    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, international) = match text.strip_prefix('+') {
            Some(number) => (number, true),
            None => (text, false),
        };
        let mut digits = String::with_capacity(20);
        for character in number.chars() {
            match character {
                '0'..='9' if digits.len() < 20 => digits.push(character),
                '-' | '.' | '(' | ')' | '/' | ' ' | '\u{a0}' => {}
                _ => return None,
            }
        }
        (!digits.is_empty()).then_some(Self { text: digits, international })
    }
}

/// Whether these are the digits of an E.164 number; no country code begins with 0.
fn is_e164(digits: &[u8]) -> bool {
    E164_DIGITS.contains(&digits.len()) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit)
}

/// Whose domain it is, in any case of letters.
fn host_kind(host: &str) -> AddressKind {
    let mut labels = host.as_bytes().split(|byte| *byte == b'.');
    if labels.next() == Some(b"groups") {
        return AddressKind::Group;
    }
    if host.as_bytes().split(|byte| *byte == b'.').any(|label| label == b"botplatform") {
        AddressKind::Chatbot
    } else {
        AddressKind::Other
    }
}

/// A host name, IPv4 address or bracketed IPv6 address, with or without a port.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']' | b'_')
        })
}

fn sip_address(uri: &SipUri<'_>) -> Address {
    let host = &uri.host;
    if uri.user.is_empty() {
        return Address(format!("sip:{host}").into());
    }
    Address(format!("sip:{}@{host}", percent_encode(&uri.user, USER_ESCAPES)).into())
}

/// The URI inside `"Display" <uri>;params`, or the text itself without the spaces around it.
fn without_brackets(text: &str) -> &str {
    let inner = text.rfind('<').and_then(|open| text[open + 1..].split_once('>'));
    inner.map_or(text, |(uri, _)| uri).trim()
}

/// `scheme:rest`, unless what precedes the colon is no scheme (a user and port without one).
fn split_scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    scheme.bytes().all(|byte| byte.is_ascii_alphabetic()).then_some((scheme, rest))
}

/// The beginning of a refused text, for the error message.
fn quote(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn china() -> Numbering {
        Numbering::new("cn", "Hongyan.Local")
    }

    #[test]
    fn every_spelling_of_a_number_is_one_subscriber() {
        for text in [
            "+8613800000001",
            "tel:+8613800000001",
            "TEL:+86-138-0000-0001",
            "tel:+86138%200000%200001",
            "sip:+8613800000001@hongyan.local",
            "sip:+8613800000001@hongyan.local;user=phone",
            "sips:+8613800000001@HONGYAN.local:5061;transport=tls",
            "sip:%2B8613800000001@other.example;user=phone",
            "sip:+8613800000001;phone-context=x@10.0.0.1:5060",
            "sip:13800000001@hongyan.local",
            "sip:8613800000001@hongyan.local",
            "sip:13800000001@other.example;user=phone",
            "<sip:+8613800000001@hongyan.local>;tag=77",
            "\"Alice <3\" <tel:+8613800000001>",
            "Alice <tel:+8613800000001>",
            "+8613800000001@hongyan.local",
            "8613800000001",
            "008613800000001",
            "13800000001",
            " 138 0000 0001 ",
            "138-0000-0001",
            "tel:13800000001;phone-context=+86",
            "tel:13800000001;phone-context=ims.mnc000.mcc460.3gppnetwork.org",
        ] {
            let address = china().address(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(address.as_str(), "tel:+8613800000001", "{text}");
            assert_eq!(address.kind(), AddressKind::Subscriber);
        }
    }

    #[test]
    fn chatbots_groups_and_services_keep_their_uri() {
        for (text, canonical, kind) in [
            (
                "sip:12306@BotPlatform.hongyan.local",
                "sip:12306@botplatform.hongyan.local",
                AddressKind::Chatbot,
            ),
            (
                "<sip:+861065012306@botplatform.rcs.example;user=phone>",
                "sip:+861065012306@botplatform.rcs.example",
                AddressKind::Chatbot,
            ),
            ("sips:%31%32306@botplatform.a.b", "sip:12306@botplatform.a.b", AddressKind::Chatbot),
            ("sip:Ab;c%20d@groups.hongyan.local", "sip:Ab;c%20d@groups.hongyan.local", AddressKind::Group),
            ("sip:anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid", AddressKind::Other),
            ("sip:12306@hongyan.local", "sip:12306@hongyan.local", AddressKind::Other),
            ("sip:13800000001@other.example", "sip:13800000001@other.example", AddressKind::Other),
            ("sip:Bob@[2001:DB8::1]:5060;lr", "sip:Bob@[2001:db8::1]:5060", AddressKind::Other),
            ("sip:hongyan.local", "sip:hongyan.local", AddressKind::Other),
        ] {
            let address = china().address(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((address.as_str(), address.kind()), (canonical, kind), "{text}");
            assert_eq!(address.sip_uri("hongyan.local"), canonical);
            assert_eq!(address.e164(), None);
        }
    }

    #[test]
    fn names_become_chatbots_and_groups_of_our_domain() {
        let bot = china().chatbot("12306").unwrap();
        assert_eq!((bot.as_str(), bot.user()), ("sip:12306@botplatform.hongyan.local", "12306"));
        let group = china().group("g-7").unwrap();
        assert_eq!((group.as_str(), group.kind()), ("sip:g-7@groups.hongyan.local", AddressKind::Group));
        assert_eq!(china().chatbot("火车").unwrap().user(), "%E7%81%AB%E8%BD%A6");
        assert!(china().chatbot("").is_err());
    }

    #[test]
    fn a_subscriber_is_written_as_a_sip_uri_of_the_domain_asked_for() {
        let alice = china().address("13800000001").unwrap();
        assert_eq!(alice.sip_uri("hongyan.local"), "sip:+8613800000001@hongyan.local;user=phone");
        assert_eq!(
            (alice.e164(), alice.user(), alice.host()),
            (Some("+8613800000001"), "+8613800000001", None)
        );
    }

    #[test]
    fn what_nobody_can_be_reached_at_is_refused() {
        for text in [
            "",
            "+",
            "tel:",
            "sip:",
            "sip:@",
            "alice",
            "12306",
            "+0123456789",
            "+12345",
            "+1234567890123456",
            "mailto:a@b",
            "sip:a@b c",
            "tel:+86abc",
            "１３８００００００００１",
            "sip:a@exam\u{e9}.org",
            "<",
            "<>",
            "sip:a@",
        ] {
            assert!(china().address(text).is_err(), "{text}");
        }
        assert_eq!(china().address(&"1".repeat(TEXT_MAX + 1)), Err(AddressError::TooLong));
    }

    #[test]
    fn no_prefix_of_an_address_panics() {
        let whole =
            "\"Alice <3\" <sip:+8613800000001;phone-context=x@hongyan.local:5060;user=phone?a=b>;tag=火车";
        for (end, _) in whole.char_indices() {
            let _ = china().address(&whole[..end]);
            let _ = china().address(&whole[end..]);
        }
    }

    #[test]
    fn another_country_reads_its_own_national_numbers() {
        let germany = Numbering::new("DE", "rcs.example");
        assert_eq!(germany.address("0151 23456789").unwrap().as_str(), "tel:+4915123456789");
        assert!(Numbering::new("??", "rcs.example").address("13800000001").is_err());
    }

    #[test]
    fn only_canonical_text_comes_back_from_the_store() {
        let alice: Address = serde_json::from_str("\"tel:+8613800000001\"").unwrap();
        assert_eq!(serde_json::to_string(&alice).unwrap(), "\"tel:+8613800000001\"");
        for text in ["+8613800000001", "tel:13800000001", "sip:a@B.example", "sip:%61@b.example", "sips:a@b"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_reads_back_as_itself(text in "(tel:|sip:|sips:)?[+]?[0-9a-z%@;=:<>. -]{0,40}") {
            if let Ok(address) = china().address(&text) {
                prop_assert_eq!(address.as_str().parse(), Ok(address.clone()));
                prop_assert_eq!(china().address(address.as_str()), Ok(address));
            }
        }

        #[test]
        fn any_digits_are_a_number_or_refused(text in "[+]?[0-9 ()-]{0,24}", country in "[A-Z]{2}") {
            let _ = Numbering::new(&country, "a").address(&text);
        }

        #[test]
        fn any_text_is_an_address_or_refused(text in "\\PC*") {
            let _ = china().address(&text);
        }
    }
}
