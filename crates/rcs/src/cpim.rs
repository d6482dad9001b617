//! The envelope of every RCS message: `message/cpim` (RFC 3862) with the IMDN headers of RFC 5438.
//!
//! ```text
//! From: <sip:anonymous@anonymous.invalid>      message headers: who, when, which report
//! To: <tel:+8613800000002>
//! NS: imdn <urn:ietf:params:imdn>              binds a prefix for the headers after it
//! imdn.Message-ID: Msg34jk324j
//!
//! Content-Type: text/plain;charset=UTF-8       content headers: MIME
//!
//! 明天见                                        payload: bytes
//! ```
//!
//! [`Cpim::parse`] reads it as a view of the bytes it came in; [`CpimBuilder`] writes one; [`Cpim::rewrite`] changes
//! the few headers that a server may change and copies everything else to the byte.

mod dispositions;
mod write;

use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use bytes::Bytes;

pub use dispositions::Dispositions;
pub use write::{CpimBuilder, Rewrite};

use crate::{Timestamp, content_type};

/// The media type of the envelope.
pub const CONTENT_TYPE: &str = "message/cpim";

/// Namespace of Message-ID and Disposition-Notification (RFC 5438 §6).
pub const IMDN_NAMESPACE: &str = "urn:ietf:params:imdn";

/// Namespace of chatbot headers such as Traffic-Type.
pub const MAAP_NAMESPACE: &str = "http://www.gsma.com/rcs/maap/";

/// Both header blocks with their blank lines. Real heads have a few hundred bytes.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Message and content headers together.
pub const HEADERS_MAX: usize = 64;

/// A parsed `message/cpim`, a view of the bytes it was parsed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cpim {
    raw: Bytes,
    fields: Vec<Field>,
    /// How many of `fields` are message headers; the others are content headers.
    message_fields: usize,
    payload: Bytes,
}

/// Where a header stands in the raw bytes. The head is short enough for 16 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    name_start: u16,
    name_end: u16,
    value_start: u16,
    value_end: u16,
    /// Past the line end, and past any folded lines.
    line_end: u16,
}

/// Why bytes are no CPIM message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CpimError {
    /// The bytes end before the blank line that ends the content headers, or before the declared Content-Length.
    #[error("CPIM message ends too early")]
    Truncated,
    /// More than [`HEAD_BYTES_MAX`] before the payload.
    #[error("CPIM headers take more than {HEAD_BYTES_MAX} bytes")]
    HeadTooLong,
    /// More than [`HEADERS_MAX`].
    #[error("more than {HEADERS_MAX} CPIM headers")]
    TooManyHeaders,
    /// A line that is no `Name: value`; counted from 1.
    #[error("CPIM line {line} is not a header")]
    MalformedHeader {
        /// Which line.
        line: usize,
    },
    /// RFC 3862 §2.1: headers are UTF-8.
    #[error("CPIM headers are not UTF-8")]
    NotUtf8,
    /// Content-Length is no number.
    #[error("CPIM Content-Length is not a number")]
    ContentLength,
}

/// Why a payload cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Said to be base64, but is not.
    #[error("payload is not base64")]
    Base64,
    /// A Content-Transfer-Encoding other than base64, 7bit, 8bit and binary.
    #[error("unknown Content-Transfer-Encoding {0:?}")]
    UnknownEncoding(String),
}

impl Cpim {
    /// Reads a message with CRLF or bare LF line ends.
    ///
    /// The payload runs to the end of the bytes, whose length the carrier (SIP, MSRP) has framed. A Content-Length
    /// inside is optional and only cuts line ends that trail the payload: clients that count characters instead
    /// of bytes state too little, and their text must not lose its tail.
    pub fn parse(raw: Bytes) -> Result<Self, CpimError> {
        let mut cpim = Self::parse_beginning(raw)?;
        cpim.trim_payload()?;
        Ok(cpim)
    }

    /// Reads a message of which only the beginning is at hand, both header blocks at the least. The payload is what there is
    /// of it, and a Content-Length is not looked at.
    pub fn parse_beginning(raw: Bytes) -> Result<Self, CpimError> {
        let mut fields = Vec::with_capacity(12);
        let mut scan = Scan { bytes: &raw, at: 0, line: 0 };
        scan.block(&mut fields)?;
        let message_fields = fields.len();
        scan.block(&mut fields)?;
        let head_end = scan.at;
        if std::str::from_utf8(&raw[..head_end]).is_err() {
            return Err(CpimError::NotUtf8);
        }
        Ok(Self { payload: raw.slice(head_end..), raw, fields, message_fields })
    }

    /// The whole message as it came in.
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// The value of From: `<sip:…>`, possibly with a display name before it.
    pub fn from(&self) -> Option<&str> {
        self.core_header("From")
    }

    /// The URI in From.
    pub fn from_uri(&self) -> Option<&str> {
        self.from().map(uri_of)
    }

    /// The value of the first To.
    pub fn to(&self) -> Option<&str> {
        self.core_header("To")
    }

    /// The URI in the first To.
    pub fn to_uri(&self) -> Option<&str> {
        self.to().map(uri_of)
    }

    /// When the sender says it was sent; `None` also if the header is no date.
    pub fn date_time(&self) -> Option<Timestamp> {
        Timestamp::parse_rfc3339(self.core_header("DateTime")?).ok()
    }

    /// The sender's Message-ID (RFC 5438 §6.3), which reports refer to and duplicates are recognised by.
    pub fn message_id(&self) -> Option<&str> {
        self.header(IMDN_NAMESPACE, "Message-ID")
    }

    /// The reports that the sender asks for (RFC 5438 §6.2); none if the header is absent.
    pub fn dispositions(&self) -> Dispositions {
        (0..self.message_fields)
            .filter(|at| self.is_header(*at, IMDN_NAMESPACE, "Disposition-Notification"))
            .fold(Dispositions::NONE, |all, at| all.union(Dispositions::parse(self.value(at))))
    }

    /// The first message header called `name` in the namespace `uri`, whatever prefix is bound to it.
    ///
    /// Names compare without regard to case. A prefix nobody bound is taken literally for `imdn`, since some clients
    /// leave out the NS line.
    pub fn header(&self, uri: &str, name: &str) -> Option<&str> {
        (0..self.message_fields).find(|at| self.is_header(*at, uri, name)).map(|at| self.value(at))
    }

    /// All message headers in order, NS lines included, names with their prefixes.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        (0..self.message_fields).map(|at| (self.name(at), self.value(at)))
    }

    /// The first content (MIME) header with this name.
    pub fn content_header(&self, name: &str) -> Option<&str> {
        let at = (self.message_fields..self.fields.len()).find(|at| self.is_named(*at, name))?;
        Some(self.value(at))
    }

    /// All content headers in order.
    pub fn content_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        (self.message_fields..self.fields.len()).map(|at| (self.name(at), self.value(at)))
    }

    /// The value of Content-Type with its parameters; `text/plain` if there is none (RFC 2045 §5.2).
    pub fn content_type(&self) -> &str {
        self.content_header("Content-Type").unwrap_or("text/plain")
    }

    /// Whether the payload is a report on another message. An IMDN never asks for an IMDN (RFC 5438 §7.1.3),
    /// whatever its headers say.
    pub fn is_imdn(&self) -> bool {
        content_type::is(self.content_type(), crate::imdn::CONTENT_TYPE)
    }

    /// The payload as it was sent: opaque bytes, not necessarily text, possibly base64.
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// The payload with its Content-Transfer-Encoding undone. Chinese handsets send base64 inside CPIM; forward
    /// [`Cpim::raw`] all the same.
    pub fn decoded_payload(&self) -> Result<Bytes, DecodeError> {
        let encoding = self.content_header("Content-Transfer-Encoding").unwrap_or("8bit");
        let is = |name: &str| encoding.eq_ignore_ascii_case(name);
        if is("8bit") || is("7bit") || is("binary") {
            return Ok(self.payload.clone());
        }
        if !is("base64") {
            return Err(DecodeError::UnknownEncoding(encoding.chars().take(40).collect()));
        }
        let packed: Vec<u8> =
            self.payload.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        BASE64_LENIENT.decode(packed).map(Bytes::from).map_err(|_| DecodeError::Base64)
    }

    /// A copy with some headers changed and every other byte kept.
    pub fn rewrite(&self) -> Rewrite<'_> {
        Rewrite::new(self)
    }

    /// A header of RFC 3862 itself, which is written without a prefix.
    fn core_header(&self, name: &str) -> Option<&str> {
        (0..self.message_fields).find(|at| self.is_named(*at, name)).map(|at| self.value(at))
    }

    fn is_header(&self, at: usize, uri: &str, name: &str) -> bool {
        // Bytes and lengths first: this is asked of every header for every question.
        let full = self.name_bytes(at);
        let Some(dot) = full.len().checked_sub(name.len() + 1) else {
            return false;
        };
        full[dot] == b'.'
            && full[dot + 1..].eq_ignore_ascii_case(name.as_bytes())
            && self.prefix_names(at, &full[..dot], uri)
    }

    /// Whether `prefix`, used by the header `at`, stands for `uri`: bound by the last NS line before it, else by the
    /// first after it (RFC 3862 §3.2 wants it before).
    fn prefix_names(&self, at: usize, prefix: &[u8], uri: &str) -> bool {
        let before = (0..at).rev();
        let after = at + 1..self.message_fields;
        match before.chain(after).find_map(|ns| self.binding(ns, prefix)) {
            Some(bound) => bound == uri,
            None => uri == IMDN_NAMESPACE && prefix.eq_ignore_ascii_case(b"imdn"),
        }
    }

    /// The namespace that the header `at` binds `prefix` to, if it is `NS: prefix <uri>`.
    fn binding(&self, at: usize, prefix: &[u8]) -> Option<&str> {
        if !self.name_bytes(at).eq_ignore_ascii_case(b"NS") {
            return None;
        }
        let (bound, uri) = self.value(at).split_once('<')?;
        (bound.trim().as_bytes() == prefix).then(|| uri.trim_end_matches('>').trim())
    }

    fn is_named(&self, at: usize, name: &str) -> bool {
        self.name_bytes(at).eq_ignore_ascii_case(name.as_bytes())
    }

    fn name(&self, at: usize) -> &str {
        let field = self.fields[at];
        self.text(field.name_start, field.name_end)
    }

    fn name_bytes(&self, at: usize) -> &[u8] {
        let field = self.fields[at];
        &self.raw[usize::from(field.name_start)..usize::from(field.name_end)]
    }

    fn value(&self, at: usize) -> &str {
        let field = self.fields[at];
        self.text(field.value_start, field.value_end)
    }

    fn text(&self, start: u16, end: u16) -> &str {
        std::str::from_utf8(&self.raw[usize::from(start)..usize::from(end)])
            .expect("the head was checked to be UTF-8 and headers are cut at ASCII")
    }

    fn trim_payload(&mut self) -> Result<(), CpimError> {
        let Some(length) = self.content_header("Content-Length") else {
            return Ok(());
        };
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CpimError::ContentLength);
        }
        let length: usize = length.parse().map_err(|_| CpimError::ContentLength)?;
        let Some(rest) = self.payload.get(length..) else {
            return Err(CpimError::Truncated);
        };
        if rest.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            self.payload.truncate(length);
        }
        Ok(())
    }
}

/// Base64 with or without padding.
const BASE64_LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The URI in From of a message that [`Cpim::parse`] has accepted before, at a fraction of the cost of parsing it again. `None`
/// when there is none, or its header is folded.
pub fn from_uri_of(raw: &[u8]) -> Option<&str> {
    let mut rest = &raw[..raw.len().min(HEAD_BYTES_MAX)];
    loop {
        let (line, after) = rest.split_at_checked(memchr::memchr(b'\n', rest)?)?;
        let line = line.trim_ascii_end();
        let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
        if name.trim_ascii_end().eq_ignore_ascii_case(b"From") {
            let uri = uri_of(std::str::from_utf8(&value[1..]).ok()?);
            return memchr::memchr2(b'<', b'>', uri.as_bytes()).is_none().then_some(uri);
        }
        rest = &after[1..];
    }
}

/// The URI in `Name <uri>`, or the whole value if there are no brackets.
fn uri_of(value: &str) -> &str {
    let inner = memchr::memrchr(b'<', value.as_bytes()).and_then(|open| {
        let rest = &value[open + 1..];
        memchr::memchr(b'>', rest.as_bytes()).map(|close| &rest[..close])
    });
    inner.unwrap_or(value).trim()
}

/// Reads header blocks line by line.
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    line: usize,
}

impl Scan<'_> {
    /// Reads headers up to and over the blank line that ends them.
    fn block(&mut self, fields: &mut Vec<Field>) -> Result<(), CpimError> {
        let first = fields.len();
        loop {
            let start = self.at;
            // A head too long is cut off by the search for its line end, not after it.
            let window = &self.bytes[start..self.bytes.len().min(HEAD_BYTES_MAX)];
            let Some(len) = memchr::memchr(b'\n', window) else {
                let whole = self.bytes.len() <= HEAD_BYTES_MAX;
                return Err(if whole { CpimError::Truncated } else { CpimError::HeadTooLong });
            };
            self.at = start + len + 1;
            self.line += 1;
            let line = &window[..len];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match line.first() {
                None => return Ok(()),
                Some(b' ' | b'\t') if fields.len() > first => {
                    let folded = fields.last_mut().expect("there is one more than at first");
                    folded.value_end = (start + line.trim_ascii_end().len()) as u16;
                    folded.line_end = self.at as u16;
                }
                Some(_) => {
                    if fields.len() == HEADERS_MAX {
                        return Err(CpimError::TooManyHeaders);
                    }
                    fields.push(self.field(start, line)?);
                }
            }
        }
    }

    fn field(&self, start: usize, line: &[u8]) -> Result<Field, CpimError> {
        let colon = memchr::memchr(b':', line).ok_or(CpimError::MalformedHeader { line: self.line })?;
        let name = line[..colon].trim_ascii_end();
        if name.is_empty() || name.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
            return Err(CpimError::MalformedHeader { line: self.line });
        }
        let value_start = colon + 1 + line[colon + 1..].iter().take_while(|byte| is_blank(**byte)).count();
        let value_len = line[value_start..].trim_ascii_end().len();
        Ok(Field {
            name_start: start as u16,
            name_end: (start + name.len()) as u16,
            value_start: (start + value_start) as u16,
            value_end: (start + value_start + value_len) as u16,
            line_end: self.at as u16,
        })
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests;
