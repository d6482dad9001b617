//! The head of a frame as received: start line and headers (RFC 4975 §9), as an index of the bytes they came in.

use std::fmt;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::{HEAD_BYTES_MAX, HEADERS_MAX};

/// Shortest and longest transaction id (RFC 4975 §9: `ident`).
pub(crate) const TRANSACTION_ID_BYTES: std::ops::RangeInclusive<usize> = 4..=32;

/// Why bytes are no MSRP frame. On a stream nothing after it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The first line is neither a request's nor a response's.
    #[error("not the start line of an MSRP frame")]
    StartLine,
    /// A line that is no `Name: value`.
    #[error("a line that is no header")]
    HeaderLine,
    /// More than [`HEAD_BYTES_MAX`] before the body.
    #[error("more than {HEAD_BYTES_MAX} bytes of headers")]
    HeadTooLarge,
    /// More than [`HEADERS_MAX`].
    #[error("more than {HEADERS_MAX} headers")]
    TooManyHeaders,
    /// The end-line is missing, or something follows it.
    #[error("the frame does not end with its end-line")]
    EndLine,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A chunk of a message, or nothing at all.
    Send,
    /// What became of a message; never answered.
    Report,
    /// RFC 4976: a client asks a relay for a place.
    Auth,
    /// Another one: answered 501.
    Other,
}

/// What a start line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// `MSRP tid METHOD`.
    Request(Method),
    /// `MSRP tid 200 OK`: the status, 0 to 999.
    Response(u16),
}

/// The flag at the end of a frame (RFC 4975 §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// `$`: the message ends with this chunk.
    Complete,
    /// `+`: more chunks follow.
    More,
    /// `#`: the sender gives the message up.
    Aborted,
}

impl Continuation {
    /// The flag's byte.
    pub fn as_byte(self) -> u8 {
        match self {
            Self::Complete => b'$',
            Self::More => b'+',
            Self::Aborted => b'#',
        }
    }

    pub(crate) fn of(byte: u8) -> Option<Self> {
        match byte {
            b'$' => Some(Self::Complete),
            b'+' => Some(Self::More),
            b'#' => Some(Self::Aborted),
            _ => None,
        }
    }
}

/// Whether the sender of a chunk wants to hear of failures (RFC 4975 §7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureReport {
    /// Every chunk is answered.
    Yes,
    /// Nothing is answered.
    No,
    /// Only failures are.
    Partial,
}

/// `Byte-Range: start-end/total`: which bytes of the message a chunk carries, counted from 1 (RFC 4975 §7.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte, from 1.
    pub start: u64,
    /// The last byte; absent (`*`) when the chunk may be interrupted. An empty body has `start - 1`.
    pub end: Option<u64>,
    /// The whole message; absent (`*`) when its sender does not know yet.
    pub total: Option<u64>,
}

impl ByteRange {
    /// What a missing header stands for: from the first byte on, nobody knows how far.
    pub const UNKNOWN: Self = Self { start: 1, end: None, total: None };

    /// Reads the header's value.
    pub fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().split_once('/')?;
        let (start, end) = range.split_once('-')?;
        let number = |text: &str| -> Option<u64> {
            (text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
        };
        let open = |text: &str| if text == "*" { Some(None) } else { number(text).map(Some) };
        let range = Self { start: number(start.trim())?, end: open(end.trim())?, total: open(total.trim())? };
        (range.start >= 1 && range.end.is_none_or(|end| end + 1 >= range.start)).then_some(range)
    }
}

impl fmt::Display for ByteRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.start)?;
        match self.end {
            Some(end) => write!(f, "{end}/")?,
            None => f.write_str("*/")?,
        }
        match self.total {
            Some(total) => write!(f, "{total}"),
            None => f.write_str("*"),
        }
    }
}

/// Declares [`Header`] with the text of each.
macro_rules! headers {
    ($($(#[$doc:meta])+ $name:ident = $text:literal;)+) => {
        /// A header that MSRP defines; others are found by their text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Header {
            $($(#[$doc])+ $name,)+
            /// Any other: the text is in the frame.
            Other,
        }

        impl Header {
            const KNOWN: &'static [(Self, &'static str)] = &[$((Self::$name, $text),)+];

            /// As the RFC writes it; empty for [`Header::Other`].
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                    Self::Other => "",
                }
            }
        }
    };
}

headers! {
    /// Where the frame goes: URIs, ours first.
    ToPath = "To-Path";
    /// Whence it comes: URIs, the last hop first.
    FromPath = "From-Path";
    /// The message, the same in all its chunks.
    MessageId = "Message-ID";
    /// See [`ByteRange`].
    ByteRange = "Byte-Range";
    /// Whether the sender wants a REPORT when all has come.
    SuccessReport = "Success-Report";
    /// See [`FailureReport`].
    FailureReport = "Failure-Report";
    /// What a REPORT says: `000 200 OK`.
    Status = "Status";
    /// Media type of the message.
    ContentType = "Content-Type";
    /// RFC 4976: the path a relay gives out.
    UsePath = "Use-Path";
    /// Lifetime of what AUTH asked for.
    Expires = "Expires";
    /// RFC 4976: what AUTH is to be answered with.
    WwwAuthenticate = "WWW-Authenticate";
    /// RFC 4976: the answer.
    Authorization = "Authorization";
}

impl Header {
    fn of(text: &[u8]) -> Self {
        let found = Self::KNOWN.iter().find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(text));
        found.map_or(Self::Other, |(known, _)| *known)
    }
}

/// Where one header line stands. Positions fit 16 bits because of [`HEAD_BYTES_MAX`].
#[derive(Clone, Copy, Debug)]
struct Line {
    name: Header,
    name_start: u16,
    name_len: u16,
    value_start: u16,
    value_len: u16,
}

/// Start line and headers of a frame.
#[derive(Clone)]
pub struct Head {
    /// Up to and over the line end of the last header.
    bytes: Bytes,
    start: Start,
    /// Where the method or the status with its comment stands.
    word_start: u16,
    word_len: u16,
    transaction_len: u16,
    lines: SmallVec<[Line; 10]>,
}

impl Head {
    /// Reads start line and header lines; `bytes` are those lines with their line ends and nothing more.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(ParseError::HeadTooLarge);
        }
        let mut lines = SmallVec::new();
        let first_len = memchr::memchr(b'\n', &bytes).ok_or(ParseError::StartLine)?;
        let first = trim_line(&bytes[..first_len]);
        let StartLine { transaction_len, start, word_start, word_len } = StartLine::parse(first)?;
        let mut at = first_len + 1;
        while at < bytes.len() {
            let len = memchr::memchr(b'\n', &bytes[at..]).ok_or(ParseError::HeaderLine)?;
            if lines.len() == HEADERS_MAX {
                return Err(ParseError::TooManyHeaders);
            }
            lines.push(header_line(&bytes[at..at + len], at)?);
            at += len + 1;
        }
        Ok(Self { bytes, start, word_start, word_len, transaction_len, lines })
    }

    /// What the start line says.
    pub fn start(&self) -> Start {
        self.start
    }

    /// The transaction id.
    pub fn transaction_id(&self) -> &str {
        let start = START.len();
        text(&self.bytes[start..start + usize::from(self.transaction_len)])
    }

    /// The method as written, or the status and its comment: `SEND`, `200 OK`.
    pub fn word(&self) -> &str {
        let start = usize::from(self.word_start);
        text(&self.bytes[start..start + usize::from(self.word_len)])
    }

    /// First value of a header, trimmed; `None` when it is absent or not UTF-8.
    pub fn header(&self, name: Header) -> Option<&str> {
        self.lines.iter().find(|line| line.name == name).and_then(|line| self.value(line))
    }

    /// All values of a header that may occur more than once, trimmed.
    pub fn all(&self, name: Header) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |line| line.name == name).filter_map(|line| self.value(line))
    }

    /// All headers in order: the name as written, the value (empty when it is not UTF-8).
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|line| {
            let start = usize::from(line.name_start);
            (
                text(&self.bytes[start..start + usize::from(line.name_len)]),
                self.value(line).unwrap_or_default(),
            )
        })
    }

    /// The URI of To-Path that means us: the first. `None` when To-Path is not the first header (RFC 4975 §7.1), as it
    /// must be.
    pub fn to_uri(&self) -> Option<&str> {
        let first = self.lines.first().filter(|line| line.name == Header::ToPath)?;
        self.value(first)?.split_ascii_whitespace().next()
    }

    /// The whole From-Path. `None` when it is not the second header, as it must be.
    pub fn from_path(&self) -> Option<&str> {
        let second = self.lines.get(1).filter(|line| line.name == Header::FromPath)?;
        self.value(second).filter(|value| !value.is_empty())
    }

    /// Which bytes the chunk carries.
    ///
    /// # Errors
    /// The header is there and unreadable: 400.
    pub fn byte_range(&self) -> Result<ByteRange, ParseError> {
        match self.lines.iter().find(|line| line.name == Header::ByteRange) {
            None => Ok(ByteRange::UNKNOWN),
            Some(line) => self.value(line).and_then(ByteRange::parse).ok_or(ParseError::HeaderLine),
        }
    }

    /// Whether the sender wants a REPORT when all has come; `no` when absent.
    pub fn success_report(&self) -> bool {
        self.header(Header::SuccessReport).is_some_and(|value| value.eq_ignore_ascii_case("yes"))
    }

    /// Whether the sender wants to hear of failures; `yes` when absent or unknown.
    pub fn failure_report(&self) -> FailureReport {
        match self.header(Header::FailureReport) {
            Some(value) if value.eq_ignore_ascii_case("no") => FailureReport::No,
            Some(value) if value.eq_ignore_ascii_case("partial") => FailureReport::Partial,
            _ => FailureReport::Yes,
        }
    }

    /// The status that a REPORT tells: of `Status: 000 200 OK`, 200. `None` in another namespace than 000.
    pub fn reported_status(&self) -> Option<u16> {
        let mut words = self.header(Header::Status)?.split_ascii_whitespace();
        let namespace = words.next()?;
        let status = words.next()?;
        (namespace == "000" && status.len() == 3).then(|| status.parse().ok())?
    }

    fn value(&self, line: &Line) -> Option<&str> {
        let start = usize::from(line.value_start);
        std::str::from_utf8(&self.bytes[start..start + usize::from(line.value_len)]).ok()
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({} headers)", self.transaction_id(), self.word(), self.lines.len())
    }
}

const START: &[u8] = b"MSRP ";

/// A start line: where its parts stand.
pub(crate) struct StartLine {
    pub(crate) transaction_len: u16,
    start: Start,
    word_start: u16,
    word_len: u16,
}

impl StartLine {
    /// Reads the first line, without its line end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, ParseError> {
        let rest = line.strip_prefix(START).ok_or(ParseError::StartLine)?;
        let transaction_len = memchr::memchr(b' ', rest).ok_or(ParseError::StartLine)?;
        let (transaction_id, word) = (&rest[..transaction_len], &rest[transaction_len + 1..]);
        if !TRANSACTION_ID_BYTES.contains(&transaction_len) || !is_ident(transaction_id) {
            return Err(ParseError::StartLine);
        }
        let start = start_of(word).ok_or(ParseError::StartLine)?;
        Ok(Self {
            transaction_len: transaction_len as u16,
            start,
            word_start: (START.len() + transaction_len + 1) as u16,
            word_len: word.len() as u16,
        })
    }

    /// The transaction id of a line that was read.
    pub(crate) fn transaction_id<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        &line[START.len()..START.len() + usize::from(self.transaction_len)]
    }
}

/// Reads what follows the transaction id: a method, or a status and a comment.
fn start_of(word: &[u8]) -> Option<Start> {
    std::str::from_utf8(word).ok()?;
    if let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = word {
        let digit = |byte: &u8| u16::from(byte - b'0');
        return (rest.is_empty() || rest[0] == b' ')
            .then(|| Start::Response(digit(a) * 100 + digit(b) * 10 + digit(c)));
    }
    let is_method = !word.is_empty() && word.len() <= 32 && word.iter().all(u8::is_ascii_uppercase);
    is_method.then_some(Start::Request(match word {
        b"SEND" => Method::Send,
        b"REPORT" => Method::Report,
        b"AUTH" => Method::Auth,
        _ => Method::Other,
    }))
}

/// RFC 4975 §9: `ident` begins with a letter or digit.
fn is_ident(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphanumeric)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b".+%=-".contains(byte))
}

fn header_line(line: &[u8], at: usize) -> Result<Line, ParseError> {
    let line = trim_line(line);
    let colon = memchr::memchr(b':', line).ok_or(ParseError::HeaderLine)?;
    let name = line[..colon].trim_ascii_end();
    if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
        return Err(ParseError::HeaderLine);
    }
    let value = line[colon + 1..].trim_ascii();
    let value_start =
        if value.is_empty() { colon + 1 } else { value.as_ptr() as usize - line.as_ptr() as usize };
    Ok(Line {
        name: Header::of(name),
        name_start: at as u16,
        name_len: name.len() as u16,
        value_start: (at + value_start) as u16,
        value_len: value.len() as u16,
    })
}

/// Without the carriage return.
pub(crate) fn trim_line(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// What was checked to be ASCII or UTF-8 while it was read.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}
