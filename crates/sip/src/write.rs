//! Writing messages, each into one buffer: new requests, responses to a request, and requests passed on.
//!
//! Content-Length is always written and always exact. Callers' text cannot break out of its line: CR, LF and NUL in
//! a value become spaces, and whatever may not stand in a header name becomes `-`.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::message::Request;
use crate::name::{HeaderName, Name};
use crate::value;

/// Room for Content-Length, the blank line after it, and a few bytes.
const CONTENT_LENGTH_BYTES: usize = 32;

/// Writes a request.
///
/// Headers come out in the order in which they are given, then Content-Length and the body. The topmost Via is left
/// to [`crate::transaction::Layer::request`].
///
/// ```
/// # use sip::{HeaderName, RequestBuilder};
/// let request = RequestBuilder::new("OPTIONS", "sip:bob@hongyan.local")
///     .header(HeaderName::MaxForwards, 70)
///     .header(HeaderName::From, "<sip:alice@hongyan.local>;tag=1")
///     .header(HeaderName::To, "<sip:bob@hongyan.local>")
///     .header(HeaderName::CallId, "c1")
///     .header(HeaderName::CSeq, "1 OPTIONS")
///     .build();
/// assert!(request.ends_with(b"Content-Length: 0\r\n\r\n"));
/// ```
#[derive(Clone, Debug)]
pub struct RequestBuilder {
    out: Vec<u8>,
    body: Bytes,
}

impl RequestBuilder {
    /// A request with this method and Request-URI and no headers yet.
    pub fn new(method: &str, uri: &str) -> Self {
        let mut out = Vec::with_capacity(1024);
        request_line(&mut out, method, uri);
        RequestBuilder { out, body: Bytes::new() }
    }

    /// Adds a header; one given as Content-Length is dropped, since it is written from the body.
    pub fn header<'n>(mut self, name: impl Into<Name<'n>>, value: impl fmt::Display) -> Self {
        header_line(&mut self.out, name.into(), value);
        self
    }

    /// Adds a header whose value is the given pieces, one after the other: what `header` does with `format_args!`, without
    /// the detour over the formatting machinery. For the requests that every message makes.
    pub fn pieces<'n>(mut self, name: impl Into<Name<'n>>, pieces: &[&str]) -> Self {
        pieces_line(&mut self.out, name.into(), pieces);
        self
    }

    /// The body and its Content-Type. An empty body has no type and is simply not set.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        pieces_line(&mut self.out, HeaderName::ContentType.into(), &[content_type]);
        self.body = body.into();
        self.out.reserve(self.body.len() + CONTENT_LENGTH_BYTES);
        self
    }

    /// The finished message.
    pub fn build(mut self) -> Bytes {
        finish(&mut self.out, &self.body)
    }
}

/// Writes a response.
///
/// Via, From, To, Call-ID and CSeq are copied from the request (RFC 3261 §8.2.6.2), Record-Route too when the status
/// is below 300 and the request may open a dialog (§12.1.1).
#[derive(Clone, Debug)]
pub struct ResponseBuilder<'a> {
    request: &'a Request,
    status: u16,
    reason: &'a str,
    to_tag: Option<&'a str>,
    source: Option<SocketAddr>,
    extra: Vec<u8>,
    body: Bytes,
}

impl<'a> ResponseBuilder<'a> {
    /// A response to `request`; an empty `reason` stands for [`reason_phrase`].
    pub fn for_request(request: &'a Request, status: u16, reason: &'a str) -> Self {
        let extra = Vec::new();
        ResponseBuilder { request, status, reason, to_tag: None, source: None, extra, body: Bytes::new() }
    }

    /// The tag to add to To, unless the request has one. Every answer but 100 needs it; without it nothing is added.
    pub fn to_tag(mut self, tag: &'a str) -> Self {
        self.to_tag = Some(tag);
        self
    }

    /// The source of the request, written into the top Via as `received` and `rport` (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn source(mut self, source: SocketAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Adds a header after those that are copied; Content-Length is dropped.
    pub fn header<'n>(mut self, name: impl Into<Name<'n>>, value: impl fmt::Display) -> Self {
        header_line(&mut self.extra, name.into(), value);
        self
    }

    /// The body and its Content-Type.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        header_line(&mut self.extra, HeaderName::ContentType.into(), content_type);
        self.body = body.into();
        self
    }

    /// The finished message.
    pub fn build(self) -> Bytes {
        let request = self.request;
        let mut out = Vec::with_capacity(512 + self.extra.len() + self.body.len());
        out.extend_from_slice(b"SIP/2.0 ");
        put_number(&mut out, self.status.into());
        out.push(b' ');
        let reason = if self.reason.is_empty() { reason_phrase(self.status) } else { self.reason };
        let start = out.len();
        out.extend_from_slice(reason.as_bytes());
        neutralise(&mut out[start..]);
        out.extend_from_slice(b"\r\n");

        let mut top_via = true;
        let opens_dialog =
            self.status < 300 && matches!(request.method().as_str(), "INVITE" | "SUBSCRIBE" | "REFER");
        for entry in &request.headers.entries {
            let name = entry.name;
            match name {
                HeaderName::Via
                | HeaderName::From
                | HeaderName::To
                | HeaderName::CallId
                | HeaderName::CSeq => {}
                HeaderName::RecordRoute if opens_dialog => {}
                _ => continue,
            }
            let value = request.value_of(entry);
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            match name {
                HeaderName::Via if std::mem::take(&mut top_via) => match self.source {
                    Some(source) => via_with_source(&mut out, value, source),
                    None => out.extend_from_slice(value),
                },
                HeaderName::To => {
                    out.extend_from_slice(value);
                    let has_tag = || value::NameAddr::tag_of(value).is_some();
                    if let Some(tag) = self.to_tag.filter(|_| !has_tag()) {
                        let start = out.len();
                        out.extend_from_slice(b";tag=");
                        out.extend_from_slice(tag.as_bytes());
                        neutralise(&mut out[start..]);
                    }
                }
                _ => out.extend_from_slice(value),
            }
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(&self.extra);
        finish(&mut out, &self.body)
    }
}

/// Passes a request on: the bytes of the original with some headers removed, replaced or added.
///
/// Everything not mentioned stays as it came, in its order. Edits of one header apply in the order given.
#[derive(Clone, Debug)]
pub struct Forward<'a> {
    request: &'a Request,
    uri: Option<&'a str>,
    edits: SmallVec<[Edit<'a>; 8]>,
    added: Vec<u8>,
    body: Option<Bytes>,
}

#[derive(Clone, Debug)]
struct Edit<'a> {
    name: Name<'a>,
    what: What,
    /// The first line with this name has gone by.
    done: bool,
}

#[derive(Clone, Debug)]
enum What {
    /// Leave out every line with this name.
    Remove,
    /// Leave out the first element of the list under this name.
    RemoveFirst,
    /// Write this value where the first line with the name stands, and no other.
    Set(String),
    /// Write a line ahead of the first with this name, or ahead of everything.
    Prepend(String),
}

impl<'a> Forward<'a> {
    /// Starts from a copy of `request`.
    pub fn of(request: &'a Request) -> Self {
        Forward { request, uri: None, edits: SmallVec::new(), added: Vec::new(), body: None }
    }

    /// Replaces the Request-URI.
    pub fn uri(mut self, uri: &'a str) -> Self {
        self.uri = Some(uri);
        self
    }

    /// Leaves out every line with this name.
    pub fn remove(self, name: impl Into<Name<'a>>) -> Self {
        self.edit(name.into(), What::Remove)
    }

    /// Leaves out the first element of a list header, as when a Route entry is used up (RFC 3261 §16.4).
    pub fn remove_first(self, name: impl Into<Name<'a>>) -> Self {
        self.edit(name.into(), What::RemoveFirst)
    }

    /// Gives a header one value in the place of all it has; added at the end if it is not there.
    pub fn set(self, name: impl Into<Name<'a>>, value: impl fmt::Display) -> Self {
        self.edit(name.into(), What::Set(value.to_string()))
    }

    /// Adds a line ahead of the first with the same name, or ahead of all headers, as for Record-Route.
    pub fn prepend(self, name: impl Into<Name<'a>>, value: impl fmt::Display) -> Self {
        self.edit(name.into(), What::Prepend(value.to_string()))
    }

    /// Adds a line after all others.
    pub fn add<'n>(mut self, name: impl Into<Name<'n>>, value: impl fmt::Display) -> Self {
        header_line(&mut self.added, name.into(), value);
        self
    }

    /// Replaces the body; Content-Type stays as it is unless it is set.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The finished message.
    pub fn build(mut self) -> Bytes {
        let request = self.request;
        let body = self.body.as_deref().unwrap_or(request.body());
        let mut out = Vec::with_capacity(request.headers.head_len + self.added.len() + body.len() + 256);
        request_line(&mut out, request.method().as_str(), self.uri.unwrap_or(request.uri_text()));
        for edit in &mut self.edits {
            if let What::Prepend(value) = &edit.what
                && request.raw(edit.name).is_none()
            {
                header_line(&mut out, edit.name, value);
                edit.done = true;
            }
        }
        for entry in &request.headers.entries {
            if entry.name == HeaderName::ContentLength {
                continue;
            }
            let mut value = Some(request.value_of(entry));
            for edit in self.edits.iter_mut().filter(|edit| request.is_named(entry, edit.name)) {
                let first = !std::mem::replace(&mut edit.done, true);
                match &edit.what {
                    What::Remove => value = None,
                    What::RemoveFirst if first => value = value.and_then(after_first_element),
                    What::Prepend(text) if first => header_line(&mut out, edit.name, text),
                    What::RemoveFirst | What::Prepend(_) => {}
                    What::Set(text) => {
                        value = None;
                        if first {
                            header_line(&mut out, edit.name, text);
                        }
                    }
                }
            }
            if let Some(value) = value {
                out.extend_from_slice(request.name_of(entry).as_bytes());
                out.extend_from_slice(b": ");
                out.extend_from_slice(value);
                out.extend_from_slice(b"\r\n");
            }
        }
        for edit in self.edits.iter().filter(|edit| !edit.done) {
            if let What::Set(value) = &edit.what {
                header_line(&mut out, edit.name, value);
            }
        }
        out.extend_from_slice(&self.added);
        finish(&mut out, body)
    }

    fn edit(mut self, name: Name<'a>, what: What) -> Self {
        self.edits.push(Edit { name, what, done: false });
        self
    }
}

/// The reason phrase of RFC 3261 §21 and its extensions; a word for the class if the code is not known.
pub fn reason_phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300 => "Multiple Choices",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        429 => "Too Many Requests",
        430 => "Flow Failed",
        439 => "First Hop Lacks Outbound Support",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => match status / 100 {
            1 => "Progress",
            2 => "OK",
            3 => "Redirected",
            4 => "Request Failed",
            5 => "Server Failed",
            _ => "Failed",
        },
    }
}

fn request_line(out: &mut Vec<u8>, method: &str, uri: &str) {
    name_text(out, method);
    out.push(b' ');
    let start = out.len();
    out.extend_from_slice(uri.as_bytes());
    for byte in &mut out[start..] {
        // A space or control in the URI would move the boundaries of the request line.
        if *byte <= b' ' || *byte == 0x7f {
            *byte = b'_';
        }
    }
    out.extend_from_slice(b" SIP/2.0\r\n");
}

/// One line, unless it is Content-Length.
fn header_line(out: &mut Vec<u8>, name: Name<'_>, value: impl fmt::Display) {
    line(out, name, |out| put(out, value));
}

/// The same, of pieces.
fn pieces_line(out: &mut Vec<u8>, name: Name<'_>, pieces: &[&str]) {
    line(out, name, |out| pieces.iter().for_each(|piece| out.extend_from_slice(piece.as_bytes())));
}

fn line(out: &mut Vec<u8>, name: Name<'_>, value: impl FnOnce(&mut Vec<u8>)) {
    if let Name::Known(HeaderName::ContentLength) = name {
        return;
    }
    match name {
        Name::Known(known) => out.extend_from_slice(known.as_str().as_bytes()),
        Name::Text(text) => name_text(out, text),
    }
    out.extend_from_slice(b": ");
    let start = out.len();
    value(out);
    neutralise(&mut out[start..]);
    out.extend_from_slice(b"\r\n");
}

/// A token, whatever is asked for.
fn name_text(out: &mut Vec<u8>, text: &str) {
    let start = out.len();
    out.extend_from_slice(if text.is_empty() { b"-" } else { text.as_bytes() });
    for byte in &mut out[start..] {
        if !value::is_token(&[*byte]) {
            *byte = b'-';
        }
    }
}

/// Ends the head with Content-Length and adds the body.
fn finish(out: &mut Vec<u8>, body: &[u8]) -> Bytes {
    out.extend_from_slice(b"Content-Length: ");
    put_number(out, body.len());
    out.extend_from_slice(b"\r\n\r\n");
    out.extend_from_slice(body);
    Bytes::from(std::mem::take(out))
}

/// Keeps a value on its line (and keeps NUL out, where C programs would see its end).
fn neutralise(value: &mut [u8]) {
    // Nearly always there is nothing to find, and that is found out in jumps.
    let mut rest = value;
    while let Some(at) = memchr::memchr3(b'\r', b'\n', 0, rest) {
        rest[at] = b' ';
        rest = &mut rest[at + 1..];
    }
}

fn put(out: &mut Vec<u8>, value: impl fmt::Display) {
    // A Display that fails leaves what it wrote so far; the buffer itself never refuses.
    let _ = write!(out, "{value}");
}

/// As [`put`] would, in a fraction of the time: every answer has these.
fn put_ip(out: &mut Vec<u8>, ip: IpAddr) {
    let IpAddr::V4(ip) = ip else { return put(out, ip) };
    for (at, octet) in ip.octets().into_iter().enumerate() {
        if at > 0 {
            out.push(b'.');
        }
        put_number(out, octet.into());
    }
}

fn put_number(out: &mut Vec<u8>, number: usize) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return out.extend_from_slice(&digits[at..]);
        }
    }
}

/// The rest of a list after its first element; `None` when nothing is left.
fn after_first_element(list: &[u8]) -> Option<&[u8]> {
    let first = value::elements(list).next()?;
    let end = first.as_ptr() as usize - list.as_ptr() as usize + first.len();
    let rest = list[end..].trim_ascii_start().strip_prefix(b",").unwrap_or_default().trim_ascii();
    (value::elements(rest).next().is_some()).then_some(rest)
}

/// Writes a Via value whose first element gets `received` and, when it asked for it, `rport`.
fn via_with_source(out: &mut Vec<u8>, value: &[u8], source: SocketAddr) {
    let end = value::end_of_element(value, b',');
    let (first, others) = value.split_at(end);
    let Ok(via) = value::Via::parse(first.trim_ascii()) else {
        out.extend_from_slice(value);
        return;
    };
    let own = via.host.trim_start_matches('[').trim_end_matches(']');
    let differs = own.parse() != Ok(source.ip());
    // RFC 3581 §4: with rport, `received` goes in even if it equals sent-by.
    let wants_rport = via.rport().is_some();
    let first = first.trim_ascii();
    out.extend_from_slice(first[..first.len() - via.params.as_str().len()].trim_ascii_end());
    for param in via.params.segments() {
        // A peer's own idea of its address is not worth repeating.
        let name = param.split_once('=').map_or(param, |(name, _)| name.trim_ascii_end());
        if !name.eq_ignore_ascii_case("received") && !name.eq_ignore_ascii_case("rport") {
            out.push(b';');
            out.extend_from_slice(param.as_bytes());
        }
    }
    if differs || wants_rport {
        out.extend_from_slice(b";received=");
        put_ip(out, source.ip());
    }
    if wants_rport {
        out.extend_from_slice(b";rport=");
        put_number(out, source.port().into());
    }
    out.extend_from_slice(others);
}
