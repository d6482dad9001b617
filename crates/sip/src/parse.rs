//! From bytes to the index of a [`Message`]: start line, header lines, Content-Length (RFC 3261 §7, §18.3, §25).
//!
//! Tolerant: LF for CRLF, blank lines before the start line, spaces before the colon, folded lines, any bytes in
//! values. Not tolerated, because two readers would see two messages: a lone CR, a header line without a name,
//! Content-Length values that are no number or differ.

use bytes::{Bytes, BytesMut};
use smallvec::SmallVec;

use crate::message::{Entry, Headers, Message, Request, Response};
use crate::method::Method;
use crate::name::HeaderName;
use crate::value;
use crate::write::{ResponseBuilder, reason_phrase};
use crate::{HEAD_BYTES_MAX, HEADERS_MAX};

/// Why bytes are no SIP message, and what to say to whoever sent them.
#[derive(Debug, thiserror::Error)]
#[error("{problem}")]
pub struct ParseError {
    problem: Problem,
    /// The request as far as it could be read.
    request: Option<Box<Request>>,
}

/// What is wrong with the bytes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Neither a request line nor a status line.
    #[error("the start line is malformed")]
    StartLine,
    /// A version other than SIP/2.0.
    #[error("the SIP version is not 2.0")]
    Version,
    /// A header line has no name, no colon, or a CR that ends nothing.
    #[error("a header line is malformed")]
    HeaderLine,
    /// More than [`HEADERS_MAX`] lines.
    #[error("more than {HEADERS_MAX} headers")]
    TooManyHeaders,
    /// More than [`HEAD_BYTES_MAX`] bytes before the body.
    #[error("the head is over {HEAD_BYTES_MAX} bytes")]
    HeadTooLarge,
    /// No blank line after the headers.
    #[error("the head has no end")]
    HeadUnfinished,
    /// Content-Length is not a non-negative number.
    #[error("Content-Length is not a number")]
    ContentLength,
    /// Two Content-Length values that differ.
    #[error("Content-Length values contradict each other")]
    ContentLengthConflict,
    /// A stream needs Content-Length to find the next message (RFC 3261 §18.3).
    #[error("Content-Length is missing")]
    ContentLengthMissing,
    /// Content-Length promises more than the datagram or WebSocket message holds.
    #[error("the body is shorter than Content-Length")]
    BodyTruncated,
    /// The body is over the limit that the caller set.
    #[error("the body is over the limit")]
    BodyTooLarge,
}

impl ParseError {
    /// What is wrong.
    pub fn problem(&self) -> Problem {
        self.problem
    }

    /// The status that tells the peer: 400, 413, 505 or 513.
    pub fn status(&self) -> u16 {
        match self.problem {
            Problem::Version => 505,
            Problem::BodyTooLarge => 413,
            Problem::HeadTooLarge => 513,
            _ => 400,
        }
    }

    /// An answer to send back, when enough of the request was readable to address one. Never to ACK or to a response.
    pub fn response(&self) -> Option<Bytes> {
        let reason = match self.status() {
            400 => self.problem.to_string(),
            status => reason_phrase(status).to_owned(),
        };
        answer(self.request.as_deref()?, self.status(), &reason)
    }

    /// An error about bytes of which nothing can be answered.
    pub(crate) fn bare(problem: Problem) -> Self {
        ParseError { problem, request: None }
    }
}

/// A 400 with this reason, if the request can be answered at all.
pub(crate) fn bad_request(request: &Request, reason: &str) -> Option<Bytes> {
    answer(request, 400, reason)
}

fn answer(request: &Request, status: u16, reason: &str) -> Option<Bytes> {
    let answerable = request.via().is_ok()
        && request.raw(HeaderName::From).is_some()
        && request.raw(HeaderName::To).is_some()
        && request.raw(HeaderName::CallId).is_some()
        && request.raw(HeaderName::CSeq).is_some()
        && request.method() != Method::Ack;
    answerable.then(|| ResponseBuilder::for_request(request, status, reason).to_tag("refused").build())
}

/// Reads one datagram or WebSocket message: the body is what Content-Length says, or else everything.
pub(crate) fn message(bytes: Bytes) -> Result<Message, ParseError> {
    let bytes = skip_blank_lines(bytes);
    let mut head = read_head(&bytes).map_err(ParseError::bare)?;
    let rest = bytes.len() - head.len;
    let body_len = match head.content_length {
        Some(length) if length > rest as u64 => {
            head.problem.get_or_insert(Problem::BodyTruncated);
            0
        }
        Some(length) => length as usize,
        None => rest,
    };
    assemble(head, bytes, body_len)
}

/// The message of a head that was read from the start of `bytes`, which go on with at least `body_len` bytes.
#[inline] // saves copies of the index
pub(crate) fn assemble(head: Head, mut bytes: Bytes, body_len: usize) -> Result<Message, ParseError> {
    bytes.truncate(head.len + body_len);
    if head.folded {
        bytes = unfold(&bytes, head.len);
    }
    let headers = Headers { bytes, head_len: head.len, entries: head.entries };
    match (head.start, head.problem) {
        (StartLine::Request { method_len, uri_len }, None) => {
            Ok(Message::Request(Request { headers, method_len, uri_len }))
        }
        (StartLine::Response { status, reason_start, reason_len }, None) => {
            Ok(Message::Response(Response { headers, status, reason_start, reason_len }))
        }
        (StartLine::Request { method_len, uri_len }, Some(problem)) => {
            let request = Some(Box::new(Request { headers, method_len, uri_len }));
            Err(ParseError { problem, request })
        }
        (StartLine::Response { .. }, Some(problem)) => Err(ParseError::bare(problem)),
    }
}

/// The index of a head, before the body is known.
pub(crate) struct Head {
    start: StartLine,
    entries: SmallVec<[Entry; 24]>,
    /// Bytes up to and including the blank line.
    pub(crate) len: usize,
    pub(crate) content_length: Option<u64>,
    /// The first thing wrong that still lets the rest be read; [`assemble`] reports it.
    pub(crate) problem: Option<Problem>,
    folded: bool,
}

#[derive(Copy, Clone)]
enum StartLine {
    Request { method_len: u16, uri_len: u16 },
    Response { status: u16, reason_start: u16, reason_len: u16 },
}

/// Reads start line and headers. `Err` means that not even an answer can be addressed.
#[inline] // saves copies of the index
pub(crate) fn read_head(bytes: &[u8]) -> Result<Head, Problem> {
    let mut lines = Lines { bytes: &bytes[..bytes.len().min(HEAD_BYTES_MAX)], at: 0 };
    let cut_short =
        if bytes.len() > HEAD_BYTES_MAX { Problem::HeadTooLarge } else { Problem::HeadUnfinished };

    let line = lines.next().ok_or(cut_short)?;
    let (start, mut problem) = start_line(line.bytes)?;
    if line.lone_cr {
        problem = Some(Problem::StartLine);
    }
    let mut head =
        Head { start, entries: SmallVec::new(), len: 0, content_length: None, problem: None, folded: false };
    loop {
        let line = lines.next().ok_or(cut_short)?;
        let Some(first) = line.bytes.first() else { break };
        let folded = matches!(first, b' ' | b'\t');
        let wrong = match head.entries.last_mut() {
            _ if line.lone_cr => Some(Problem::HeaderLine),
            None if folded => Some(Problem::HeaderLine),
            Some(entry) if folded => {
                // RFC 3261 §7.3.1: the line goes on with the value of the one before.
                head.folded = true;
                continue_value(entry, &line);
                None
            }
            _ => match header_line(&line) {
                Some(entry) if head.entries.len() < HEADERS_MAX => {
                    head.entries.push(entry);
                    None
                }
                Some(_) => Some(Problem::TooManyHeaders),
                None => Some(Problem::HeaderLine),
            },
        };
        problem = problem.or(wrong);
    }
    head.len = lines.at;
    for entry in head.entries.iter().filter(|entry| entry.name == HeaderName::ContentLength) {
        let start = entry.value_start as usize;
        match (value::number(&bytes[start..start + entry.value_len as usize]), head.content_length) {
            (None, _) => problem = problem.or(Some(Problem::ContentLength)),
            (Some(length), Some(other)) if length != other => {
                problem = problem.or(Some(Problem::ContentLengthConflict));
            }
            (length, _) => head.content_length = length,
        }
    }
    head.problem = problem;
    Ok(head)
}

/// Request line or status line; a wrong version still lets the rest be read.
fn start_line(line: &[u8]) -> Result<(StartLine, Option<Problem>), Problem> {
    let space = memchr::memchr(b' ', line).ok_or(Problem::StartLine)?;
    let (first, rest) = (&line[..space], &line[space + 1..]);
    if first.len() > 4 && first[..4].eq_ignore_ascii_case(b"SIP/") {
        let status = rest.get(..3).and_then(value::number).filter(|status| (100..700).contains(status));
        let reason_start = match rest.get(3) {
            None => line.len(),
            Some(b' ') => space + 5,
            Some(_) => return Err(Problem::StartLine),
        };
        let start = StartLine::Response {
            status: status.ok_or(Problem::StartLine)? as u16,
            reason_start: reason_start as u16,
            reason_len: (line.len() - reason_start) as u16,
        };
        return Ok((start, (!is_version_2(first)).then_some(Problem::Version)));
    }
    let version = memchr::memrchr(b' ', rest).ok_or(Problem::StartLine)?;
    let uri = &rest[..version];
    if !value::is_token(first) || std::str::from_utf8(uri).is_err() {
        return Err(Problem::StartLine);
    }
    let start = StartLine::Request { method_len: first.len() as u16, uri_len: uri.len() as u16 };
    let version = &rest[version + 1..];
    let problem = if uri.is_empty() || uri.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        Some(Problem::StartLine)
    } else if is_version_2(version) {
        None
    } else if version.len() > 4 && version[..4].eq_ignore_ascii_case(b"SIP/") {
        Some(Problem::Version)
    } else {
        Some(Problem::StartLine)
    };
    Ok((start, problem))
}

fn is_version_2(version: &[u8]) -> bool {
    version.eq_ignore_ascii_case(b"SIP/2.0")
}

/// `Name : value`, positions counted from the start of the head.
#[inline(always)]
fn header_line(line: &Line<'_>) -> Option<Entry> {
    let colon = line.bytes.iter().position(|byte| *byte == b':')?;
    let name_text = line.bytes[..colon].trim_ascii_end();
    let name = HeaderName::of(name_text);
    if name == HeaderName::Other && !value::is_token(name_text) {
        return None;
    }
    let after = line.bytes[colon + 1..].trim_ascii_start();
    let value = after.trim_ascii_end();
    Some(Entry {
        name_start: line.start as u16,
        name_len: name_text.len() as u16,
        value_start: (line.start + line.bytes.len() - after.len()) as u16,
        value_len: value.len() as u16,
        name,
    })
}

/// Stretches a value over a folded line.
fn continue_value(entry: &mut Entry, line: &Line<'_>) {
    let text = line.bytes.trim_ascii();
    if text.is_empty() {
        return;
    }
    let end = line.start + line.bytes.trim_ascii_end().len();
    if entry.value_len == 0 {
        entry.value_start = (end - text.len()) as u16;
    }
    entry.value_len = (end - entry.value_start as usize) as u16;
}

/// Lines of a head.
struct Lines<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// One line, without its CRLF or LF.
struct Line<'a> {
    bytes: &'a [u8],
    start: usize,
    /// It holds a CR that is no line end, which would be one to some readers.
    lone_cr: bool,
}

impl<'a> Lines<'a> {
    /// The next line; `None` when there is no line end any more.
    #[inline(always)] // measured: a fifth of the whole parse otherwise goes into handing the line over
    fn next(&mut self) -> Option<Line<'a>> {
        let start = self.at;
        let mut lone_cr = false;
        let mut from = start;
        loop {
            let end = from + memchr::memchr2(b'\r', b'\n', &self.bytes[from..])?;
            let feed = if self.bytes[end] == b'\n' { end } else { end + 1 };
            if self.bytes.get(feed) == Some(&b'\n') {
                self.at = feed + 1;
                return Some(Line { bytes: &self.bytes[start..end], start, lone_cr });
            }
            lone_cr = true;
            from = feed;
        }
    }
}

/// RFC 3261 §7.5: blank lines before the start line are no part of the message.
fn skip_blank_lines(bytes: Bytes) -> Bytes {
    match bytes.first() {
        Some(b'\r' | b'\n') => {
            let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(bytes.len());
            bytes.slice(start..)
        }
        _ => bytes,
    }
}

/// Turns the line ends of folded headers into spaces, in a copy, so that every value is one run of bytes.
///
/// Folding is rare, and a fold and a space mean the same (RFC 3261 §7.3.1).
fn unfold(bytes: &[u8], head_len: usize) -> Bytes {
    let mut copy = BytesMut::from(bytes);
    for feed in memchr::memchr_iter(b'\n', &bytes[..head_len]) {
        if feed + 1 < head_len && matches!(bytes[feed + 1], b' ' | b'\t') {
            copy[feed] = b' ';
            if feed > 0 && bytes[feed - 1] == b'\r' {
                copy[feed - 1] = b' ';
            }
        }
    }
    copy.freeze()
}
