//! Contact cards: `text/vcard` (vCard 2.1, RFC 2426 for 3.0, RFC 6350 for 4.0), which handsets send as files (RCC.07).
//!
//! Whatever a phone writes is read as far as it goes: who it is, their numbers and mail addresses. Pictures, addresses and notes are
//! left to address books, which get the file. We write 3.0, which every phone reads.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// The media type.
pub const CONTENT_TYPE: &str = "text/vcard";

/// Longest file that is read, in bytes: a card with a photograph.
pub const DOCUMENT_BYTES_MAX: usize = 512 * 1024;

/// Most cards of a file.
pub const CARDS_MAX: usize = 50;

/// Most numbers, and most mail addresses, of a card.
pub const ENTRIES_MAX: usize = 20;

/// Longest text that is kept, in characters.
pub const TEXT_CHARS_MAX: usize = 256;

/// What a card says of somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// As the card writes it, or put together from its parts; empty when it says none.
    pub name: String,
    /// The first level of `ORG`.
    pub organisation: Option<String>,
    /// In the card's order.
    pub numbers: Vec<Number>,
    /// In the card's order.
    pub emails: Vec<String>,
}

/// A telephone number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// As the card writes it, without `tel:` and parameters.
    pub number: String,
    /// What kind it is, if the card says.
    pub kind: Option<NumberKind>,
}

/// A kind of number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the words say it")]
pub enum NumberKind {
    Mobile,
    Home,
    Work,
    Fax,
}

/// Why a file is no contact card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VCardError {
    /// Above [`DOCUMENT_BYTES_MAX`].
    #[error("more than {DOCUMENT_BYTES_MAX} bytes")]
    TooLarge,
    /// No card that names anybody.
    #[error("no contact card")]
    NoCard,
}

/// Whether a media type is one of those that contact cards go by.
pub fn is_vcard(media_type: &str) -> bool {
    let essence = crate::content_type::essence(media_type).to_ascii_lowercase();
    matches!(essence.as_str(), "text/vcard" | "text/x-vcard" | "text/directory" | "application/vcard")
}

/// The cards of a file that say who somebody is or how they are reached; the first [`CARDS_MAX`].
pub fn parse(document: &[u8]) -> Result<Vec<Contact>, VCardError> {
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(VCardError::TooLarge);
    }
    let mut contacts = Vec::new();
    let mut open: Option<Reading> = None;
    // A card within a card (the AGENT of 2.1) is somebody else.
    let mut depth = 0_usize;
    for line in logical_lines(document) {
        let Some(property) = Property::of(&line) else { continue };
        match (property.name.as_str(), depth) {
            ("BEGIN", _) => {
                depth += 1;
                if depth == 1 {
                    open = Some(Reading::default());
                }
            }
            ("END", 1) => {
                depth = 0;
                contacts.extend(open.take().and_then(Reading::finish));
                if contacts.len() == CARDS_MAX {
                    break;
                }
            }
            ("END", _) => depth = depth.saturating_sub(1),
            (_, 1) => {
                if let Some(reading) = &mut open {
                    reading.take(&property);
                }
            }
            _ => {}
        }
    }
    // One that was cut off says what it says.
    contacts.extend(open.and_then(Reading::finish));
    if contacts.is_empty() { Err(VCardError::NoCard) } else { Ok(contacts) }
}

impl Contact {
    /// The card.
    pub fn to_vcard(&self) -> String {
        let name = escape(&self.name);
        let mut card = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nN:{name};;;;\r\nFN:{name}\r\n");
        if let Some(organisation) = &self.organisation {
            card += &format!("ORG:{}\r\n", escape(organisation));
        }
        for number in &self.numbers {
            let kind = match number.kind {
                Some(NumberKind::Mobile) => ";TYPE=CELL",
                Some(NumberKind::Home) => ";TYPE=HOME",
                Some(NumberKind::Work) => ";TYPE=WORK",
                Some(NumberKind::Fax) => ";TYPE=FAX",
                None => "",
            };
            card += &format!("TEL{kind}:{}\r\n", escape(&number.number));
        }
        for email in &self.emails {
            card += &format!("EMAIL;TYPE=INTERNET:{}\r\n", escape(email));
        }
        card + "END:VCARD\r\n"
    }

    /// In a line: `韩梅梅 +8613800000001 (mobile), 010-61234567`.
    pub fn in_a_line(&self) -> String {
        let numbers = self.numbers.iter().map(|number| match number.kind {
            Some(kind) => format!("{} ({})", number.number, kind.word()),
            None => number.number.clone(),
        });
        let reached: Vec<String> = numbers.chain(self.emails.iter().cloned()).collect();
        format!("{} {}", self.name, reached.join(", ")).trim().to_owned()
    }
}

impl NumberKind {
    fn word(self) -> &'static str {
        match self {
            Self::Mobile => "mobile",
            Self::Home => "home",
            Self::Work => "work",
            Self::Fax => "fax",
        }
    }
}

/// A card being read.
#[derive(Default)]
struct Reading {
    contact: Contact,
    /// Put together from `N`, in case there is no `FN`.
    from_parts: String,
}

impl Reading {
    fn take(&mut self, property: &Property) {
        let value = || text(&property.decoded());
        match property.name.as_str() {
            "FN" if self.contact.name.is_empty() => self.contact.name = bounded(&value()),
            "N" if self.from_parts.is_empty() => {
                self.from_parts = bounded(&name_of(&components(&property.decoded())));
            }
            "ORG" if self.contact.organisation.is_none() => {
                let first = components(&property.decoded()).into_iter().next().unwrap_or_default();
                self.contact.organisation = Some(bounded(&first)).filter(|first| !first.is_empty());
            }
            "TEL" if self.contact.numbers.len() < ENTRIES_MAX => {
                // What becomes of control characters comes first: they may stand before the scheme.
                let value = bounded(&value());
                let number = strip_scheme(&value, "tel:");
                let number = number.split(';').next().unwrap_or_default().trim().to_owned();
                if number.chars().any(|c| c.is_ascii_digit()) {
                    self.contact.numbers.push(Number { number, kind: property.number_kind() });
                }
            }
            "EMAIL" if self.contact.emails.len() < ENTRIES_MAX => {
                let value = bounded(&value());
                let email = strip_scheme(&value, "mailto:").to_owned();
                if !email.is_empty() {
                    self.contact.emails.push(email);
                }
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Option<Contact> {
        let contact = &mut self.contact;
        if contact.name.is_empty() {
            contact.name = self.from_parts;
        }
        if contact.name.is_empty() {
            contact.name = contact.organisation.clone().unwrap_or_default();
        }
        let says_something =
            !contact.name.is_empty() || !contact.numbers.is_empty() || !contact.emails.is_empty();
        says_something.then_some(self.contact)
    }
}

/// A line: `item1.TEL;type=CELL;type=pref:+86…`.
struct Property {
    /// In capitals, without its group.
    name: String,
    /// In capitals; those of 2.1 without a name have an empty one.
    parameters: Vec<(String, String)>,
    value: Vec<u8>,
}

impl Property {
    fn of(line: &[u8]) -> Option<Self> {
        let mut is_quoted = false;
        let colon = line.iter().position(|byte| {
            is_quoted ^= *byte == b'"';
            *byte == b':' && !is_quoted
        });
        // A quote that is never closed is no quote.
        let colon = colon.or_else(|| line.iter().position(|byte| *byte == b':'))?;
        let head = String::from_utf8_lossy(&line[..colon]).to_ascii_uppercase();
        let mut parts = head.split(';').map(str::trim);
        let name = parts.next()?.rsplit('.').next()?.to_owned();
        let parameters = parts.map(|part| match part.split_once('=') {
            Some((name, value)) => (name.trim().to_owned(), value.trim().trim_matches('"').to_owned()),
            None => (String::new(), part.to_owned()),
        });
        Some(Self { name, parameters: parameters.collect(), value: line[colon + 1..].to_vec() })
    }

    fn is(&self, word: &str) -> bool {
        self.parameters.iter().any(|(_, values)| values.split(',').any(|value| value.trim() == word))
    }

    fn number_kind(&self) -> Option<NumberKind> {
        let kinds = [
            ("FAX", NumberKind::Fax),
            ("CELL", NumberKind::Mobile),
            ("WORK", NumberKind::Work),
            ("HOME", NumberKind::Home),
        ];
        kinds.into_iter().find(|(word, _)| self.is(word)).map(|(_, kind)| kind)
    }

    /// The value with its transfer encoding undone; what is not UTF-8 is replaced.
    fn decoded(&self) -> String {
        let bytes = if self.is("QUOTED-PRINTABLE") {
            unquoted(&self.value)
        } else if self.is("BASE64") || self.is("B") {
            let packed: Vec<u8> =
                self.value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
            BASE64_STANDARD.decode(packed).unwrap_or_default()
        } else {
            self.value.clone()
        };
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Lines with those put together that go on: folded ones, and in quoted-printable those that end in `=`.
fn logical_lines(document: &[u8]) -> Vec<Vec<u8>> {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut goes_on = false;
    for line in document.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match (lines.last_mut(), line.first()) {
            (Some(last), _) if goes_on => {
                last.pop();
                last.extend_from_slice(line.trim_ascii_start());
            }
            (Some(last), Some(b' ' | b'\t')) => last.extend_from_slice(&line[1..]),
            _ => lines.push(line.to_vec()),
        }
        goes_on = lines.last().is_some_and(|line| line.ends_with(b"=") && is_quoted_printable(line));
    }
    lines
}

fn is_quoted_printable(line: &[u8]) -> bool {
    let head = line.split(|byte| *byte == b':').next().unwrap_or_default();
    head.to_ascii_uppercase().windows(16).any(|window| window == b"QUOTED-PRINTABLE")
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'=', Some(decoded)) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    bytes
}

/// A value's text, with escapes undone (RFC 6350 §3.4).
fn text(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(c) => text.push(c),
                None => {}
            },
            c => text.push(c),
        }
    }
    text
}

/// The parts of a value between semicolons.
fn components(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut is_escaped = false;
    for c in value.chars() {
        match c {
            ';' if !is_escaped => parts.push(String::new()),
            c => parts.last_mut().expect("never empty").push(c),
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    parts.iter().map(|part| text(part).trim().to_owned()).collect()
}

/// Family and given name as they are spoken.
fn name_of(parts: &[String]) -> String {
    let part = |at: usize| parts.get(at).map_or("", String::as_str);
    let (family, given, middle) = (part(0), part(1), part(2));
    let is_han = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    if is_han(family) || is_han(given) {
        return format!("{family}{middle}{given}");
    }
    let spoken = [part(3), given, middle, family, part(4)];
    spoken.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Without the scheme, however often it stands there.
fn strip_scheme<'t>(value: &'t str, scheme: &str) -> &'t str {
    let mut rest = value.trim_start();
    while rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
        rest = rest[scheme.len()..].trim_start();
    }
    rest
}

/// In one line, without blanks around it, and not too long.
fn bounded(text: &str) -> String {
    let line: String = text.trim().chars().take(TEXT_CHARS_MAX).collect();
    let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().to_owned()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ',' | ';' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\r' => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cards_of_every_age_are_read() {
        for (card, expected) in [
            (
                &include_bytes!("../../../fixtures/rcs/vcard/feature-phone.vcf")[..],
                include_str!("../../../fixtures/rcs/vcard/feature-phone.json"),
            ),
            (
                include_bytes!("../../../fixtures/rcs/vcard/phone.vcf"),
                include_str!("../../../fixtures/rcs/vcard/phone.json"),
            ),
            (
                include_bytes!("../../../fixtures/rcs/vcard/four.vcf"),
                include_str!("../../../fixtures/rcs/vcard/four.json"),
            ),
        ] {
            let expected: Vec<Contact> = serde_json::from_str(expected).unwrap();
            assert_eq!(parse(card), Ok(expected));
        }
    }

    #[test]
    fn a_card_is_written_as_every_phone_reads_it() {
        let number = |number: &str, kind| Number { number: number.to_owned(), kind };
        let contact = Contact {
            name: "韩梅梅".to_owned(),
            organisation: Some("Railway, Ltd.; north".to_owned()),
            numbers: vec![number("+8613800000001", Some(NumberKind::Mobile)), number("+8613800000002", None)],
            emails: vec!["hanmeimei@example.com".to_owned()],
        };
        assert_eq!(contact.to_vcard(), include_str!("../../../fixtures/rcs/vcard/written.vcf"));
        assert_eq!(parse(contact.to_vcard().as_bytes()), Ok(vec![contact.clone()]));
        assert_eq!(
            contact.in_a_line(),
            "韩梅梅 +8613800000001 (mobile), +8613800000002, hanmeimei@example.com"
        );
    }

    #[test]
    fn what_says_nothing_is_no_card() {
        for nothing in ["", "hello", "BEGIN:VCARD\nEND:VCARD", "BEGIN:VCARD\nTEL:none\nEND:VCARD", "TEL:1"] {
            assert_eq!(parse(nothing.as_bytes()), Err(VCardError::NoCard), "{nothing}");
        }
        assert_eq!(parse(&vec![b' '; DOCUMENT_BYTES_MAX + 1]), Err(VCardError::TooLarge));
        let many = "BEGIN:VCARD\nFN:a\nEND:VCARD\n".repeat(CARDS_MAX + 1);
        assert_eq!(parse(many.as_bytes()).map(|cards| cards.len()), Ok(CARDS_MAX));
        let agent = "BEGIN:VCARD\nFN:boss\nAGENT:\nBEGIN:VCARD\nFN:agent\nTEL:1\nEND:VCARD\nTEL:2\nEND:VCARD";
        let boss = &parse(agent.as_bytes()).unwrap()[0];
        assert_eq!(
            (boss.name.as_str(), boss.numbers[0].number.as_str(), boss.numbers.len()),
            ("boss", "2", 1)
        );
    }

    proptest! {
        #[test]
        fn written_cards_read_back(
            name in "[!-~鸿][ -~鸿]{0,40}[!-~]",
            organisation in proptest::option::of("[!-~鸿][ -~鸿]{0,40}[!-~]"),
            numbers in proptest::collection::vec(("\\+[0-9]{3,15}", 0..5usize), 0..5),
            emails in proptest::collection::vec("[a-z]{1,9}@[a-z]{1,9}", 0..3),
        ) {
            let kinds = [None, Some(NumberKind::Mobile), Some(NumberKind::Home), Some(NumberKind::Work), Some(NumberKind::Fax)];
            let numbers = numbers.into_iter().map(|(number, kind)| Number { number, kind: kinds[kind] }).collect();
            let contact = Contact { name, organisation, numbers, emails };
            prop_assert_eq!(parse(contact.to_vcard().as_bytes()), Ok(vec![contact]));
        }
    }
}
