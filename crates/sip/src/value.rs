//! Header values, parsed when asked for. Every type borrows from the message.

use std::fmt;

mod accept_contact;
mod contact;
mod name_addr;
mod params;
mod reason;
mod refer_to;
mod subscription;
mod via;

pub use accept_contact::{AcceptContact, Fit};
pub use contact::{Contact, ContactAddress, Features};
pub use name_addr::NameAddr;
pub use params::Params;
pub(crate) use params::unescape;
pub use reason::Reason;
pub use refer_to::ReferTo;
pub use subscription::{Event, SubscriptionState, Substate};
pub use via::Via;

use crate::method::Method;

/// A typed header is missing or cannot be read; the answer is 400.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header}: {reason}")]
pub struct HeaderError {
    /// The header's name.
    pub header: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl HeaderError {
    pub(crate) const fn missing(header: &'static str) -> Self {
        HeaderError { header, reason: "missing" }
    }

    pub(crate) const fn malformed(header: &'static str, reason: &'static str) -> Self {
        HeaderError { header, reason }
    }
}

/// CSeq (RFC 3261 §20.16): the sequence number and the method it counts.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// 0 to 2³²−1; RFC 3261 §8.1.1.5 asks senders to stay below 2³¹.
    pub number: u32,
    /// The method.
    pub method: Method<'a>,
}

impl<'a> CSeq<'a> {
    /// Reads `314159 INVITE`.
    ///
    /// # Errors
    /// No number, a number of 2³² or more, or no method.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let malformed = HeaderError::malformed("CSeq", "not a number and a method");
        let digits = value.iter().position(|byte| !byte.is_ascii_digit()).ok_or(malformed)?;
        let number =
            number(&value[..digits]).and_then(|number| u32::try_from(number).ok()).ok_or(malformed)?;
        let method = value[digits..].trim_ascii();
        if !value[digits].is_ascii_whitespace() || !is_token(method) {
            return Err(malformed);
        }
        let method = std::str::from_utf8(method).map_err(|_| malformed)?;
        Ok(CSeq { number, method: Method::of(method) })
    }
}

impl fmt::Display for CSeq<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

/// Cuts a list at its commas, leaving quoted strings and angle brackets whole; elements are trimmed, empty ones left out.
pub fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = end_of_element(rest, b',');
            let element = rest[..end].trim_ascii();
            rest = rest.get(end + 1..).unwrap_or_default();
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    })
}

/// Position of the first `separator` outside quotes and angle brackets, or the length.
pub(crate) fn end_of_element(text: &[u8], separator: u8) -> usize {
    let mut at = 0;
    let mut angled = false;
    // From one byte that means something to the next; nearly always the first is the separator.
    while let Some(rest) = text.get(at..) {
        let stop = if angled { b'>' } else { separator };
        let Some(found) = memchr::memchr3(stop, b'"', b'<', rest) else { break };
        at += found + 1;
        match text[at - 1] {
            b'"' => match end_of_quotes(&text[at..]) {
                Some(end) => at += end + 1,
                None => break,
            },
            b'<' => angled = true,
            _ if angled => angled = false,
            _ => return at - 1,
        }
    }
    text.len()
}

/// Position of the `<` that opens an address, after a display name that may be quoted.
pub(crate) fn address_start(text: &[u8]) -> Option<usize> {
    let after_quotes = match text.first() {
        Some(b'"') => 1 + end_of_quotes(&text[1..])? + 1,
        _ => 0,
    };
    memchr::memchr(b'<', text.get(after_quotes..)?).map(|open| after_quotes + open)
}

/// Position of the quote that ends a quoted string, of which the opening quote is already behind us.
fn end_of_quotes(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// `str::split_once` for an ASCII byte, several times as fast on the short texts of headers.
pub(crate) fn split_once(text: &str, byte: u8) -> Option<(&str, &str)> {
    debug_assert!(byte.is_ascii(), "only ASCII bytes are character boundaries");
    memchr::memchr(byte, text.as_bytes()).map(|at| (&text[..at], &text[at + 1..]))
}

/// Cuts before the first `byte`; all of the text comes first if there is none.
pub(crate) fn split_before(text: &str, byte: u8) -> (&str, &str) {
    text.split_at(memchr::memchr(byte, text.as_bytes()).unwrap_or(text.len()))
}

/// A non-negative number written in digits only; digits that go beyond u64 give u64::MAX.
pub(crate) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, byte| {
        byte.is_ascii_digit().then(|| number.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
    })
}

/// Whether the bytes are an RFC 3261 token: one or more of letters, digits and ``-.!%*_+`'~``.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| TOKEN[*byte as usize])
}

static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric()
            || matches!(byte as u8, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_inside_quotes_and_brackets_do_not_cut() {
        let value = br#" "A, B" <sip:a@x?to=b,c> , , <sip:d@x>;q="1,\"2" ,"#;
        let found: Vec<_> = elements(value).collect();
        assert_eq!(found, [&br#""A, B" <sip:a@x?to=b,c>"#[..], &br#"<sip:d@x>;q="1,\"2""#[..]]);
    }

    #[test]
    fn cseq_is_a_number_and_a_method() {
        assert_eq!(CSeq::parse(b"4711  MESSAGE"), Ok(CSeq { number: 4711, method: Method::Message }));
        for bad in
            [&b""[..], b"1", b"MESSAGE", b"-1 MESSAGE", b"4294967296 MESSAGE", b"1 ME SSAGE", b"1MESSAGE"]
        {
            assert!(CSeq::parse(bad).is_err(), "{bad:?}");
        }
    }
}
