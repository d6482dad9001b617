//! A SIP message as received: the bytes, and where each header stands in them.
//!
//! Parsing finds lines and names only; a value is read when it is asked for. Header order and unknown headers are
//! kept, and up to 24 headers are indexed without touching the heap.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::method::Method;
use crate::name::{HeaderName, Name};
use crate::parse::{self, ParseError};
use crate::uri::Uri;
use crate::value::{self, AcceptContact, CSeq, Contact, HeaderError, NameAddr, Via};

/// A request or a response.
#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "both hold the same index; neither is rare")]
pub enum Message {
    /// Starts with a request line.
    Request(Request),
    /// Starts with a status line.
    Response(Response),
}

impl Message {
    /// Reads one datagram (RFC 3261 §18.3).
    ///
    /// Without Content-Length the body runs to the end; bytes after Content-Length are dropped.
    ///
    /// # Errors
    /// What is wrong with the bytes; a Content-Length beyond the datagram is one of the reasons.
    pub fn parse_datagram(bytes: Bytes) -> Result<Self, ParseError> {
        parse::message(bytes)
    }

    /// Reads one WebSocket message (RFC 7118 §5): Content-Length may be absent, and may not exceed what is there.
    ///
    /// # Errors
    /// As for [`Message::parse_datagram`].
    pub fn parse_websocket(bytes: Bytes) -> Result<Self, ParseError> {
        parse::message(bytes)
    }

    /// The request, if it is one.
    pub fn into_request(self) -> Option<Request> {
        match self {
            Message::Request(request) => Some(request),
            Message::Response(_) => None,
        }
    }

    /// The response, if it is one.
    pub fn into_response(self) -> Option<Response> {
        match self {
            Message::Response(response) => Some(response),
            Message::Request(_) => None,
        }
    }
}

impl Deref for Message {
    type Target = Headers;

    fn deref(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Request(request) => request.fmt(f),
            Message::Response(response) => response.fmt(f),
        }
    }
}

/// A request; its headers and body are read through [`Headers`], to which it dereferences.
#[derive(Clone)]
pub struct Request {
    pub(crate) headers: Headers,
    pub(crate) method_len: u16,
    pub(crate) uri_len: u16,
}

impl Request {
    /// The method of the request line.
    pub fn method(&self) -> Method<'_> {
        let method = &self.headers.bytes[..self.method_len as usize];
        Method::of(std::str::from_utf8(method).expect("the method was checked to be a token"))
    }

    /// The Request-URI as written.
    pub fn uri_text(&self) -> &str {
        let start = self.method_len as usize + 1;
        let uri = &self.headers.bytes[start..start + self.uri_len as usize];
        std::str::from_utf8(uri).expect("the Request-URI was checked to be UTF-8")
    }

    /// The Request-URI.
    ///
    /// # Errors
    /// It is not a URI: answer 400 (or 416 when [`crate::Scheme::Other`] comes back).
    pub fn uri(&self) -> Result<Uri<'_>, HeaderError> {
        Uri::parse(self.uri_text()).map_err(|error| HeaderError::malformed("Request-URI", error.reason()))
    }
}

impl Deref for Request {
    type Target = Headers;

    fn deref(&self) -> &Headers {
        &self.headers
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({} headers, {} body bytes)",
            self.method(),
            self.uri_text(),
            self.len(),
            self.body().len()
        )
    }
}

/// A response; its headers and body are read through [`Headers`], to which it dereferences.
#[derive(Clone)]
pub struct Response {
    pub(crate) headers: Headers,
    pub(crate) status: u16,
    pub(crate) reason_start: u16,
    pub(crate) reason_len: u16,
}

impl Response {
    /// The status code, 100 to 699.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The reason phrase; bytes that are not UTF-8 come back as U+FFFD.
    pub fn reason(&self) -> Cow<'_, str> {
        let start = self.reason_start as usize;
        String::from_utf8_lossy(&self.headers.bytes[start..start + self.reason_len as usize])
    }

    /// Whether the status is 200 or higher.
    pub fn is_final(&self) -> bool {
        self.status >= 200
    }
}

impl Deref for Response {
    type Target = Headers;

    fn deref(&self) -> &Headers {
        &self.headers
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({} headers, {} body bytes)",
            self.status,
            self.reason(),
            self.len(),
            self.body().len()
        )
    }
}

/// Where one header line stands in the head. Positions fit 16 bits because of [`crate::HEAD_BYTES_MAX`].
#[derive(Copy, Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name_start: u16,
    pub(crate) name_len: u16,
    pub(crate) value_start: u16,
    pub(crate) value_len: u16,
    pub(crate) name: HeaderName,
}

/// The headers and body of a message.
#[derive(Clone)]
pub struct Headers {
    pub(crate) bytes: Bytes,
    pub(crate) head_len: usize,
    pub(crate) entries: SmallVec<[Entry; 24]>,
}

impl Headers {
    /// Number of header lines.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no headers at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All header lines in order: known name, the name as written, the raw value.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (HeaderName, &str, &[u8])> {
        self.entries.iter().map(|entry| (entry.name, self.name_of(entry), self.value_of(entry)))
    }

    /// First value with this name, trimmed and unfolded. Bytes that are not UTF-8 come back as U+FFFD.
    ///
    /// `name` is a [`HeaderName`] or any text.
    pub fn header<'n>(&self, name: impl Into<Name<'n>>) -> Option<Cow<'_, str>> {
        // Nearly always it is UTF-8, and finding that out is far cheaper than looking for what is not.
        self.raw(name).map(|value| match std::str::from_utf8(value) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(value),
        })
    }

    /// First value with this name as bytes.
    pub fn raw<'n>(&self, name: impl Into<Name<'n>>) -> Option<&[u8]> {
        let name = name.into();
        self.entries.iter().find(|entry| self.is_named(entry, name)).map(|entry| self.value_of(entry))
    }

    /// Every value with this name, one item per header line, in order. Lists inside a line are not cut: see
    /// [`Headers::list`].
    pub fn all<'n>(&self, name: impl Into<Name<'n>>) -> impl Iterator<Item = &[u8]> {
        let name = name.into();
        // Name::Text borrows from the caller only; own it as entries so that the iterator borrows from us alone.
        let found: SmallVec<[Entry; 8]> =
            self.entries.iter().filter(|entry| self.is_named(entry, name)).copied().collect();
        found.into_iter().map(|entry| self.value_of(&entry))
    }

    /// Every element of a comma-separated header, over all its lines, trimmed (RFC 3261 §7.3.1).
    pub fn list(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.known(name).flat_map(value::elements)
    }

    /// Elements of a list of tokens such as Supported, Require, Allow; those that are not UTF-8 are left out.
    pub fn tokens(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.list(name).filter_map(|element| std::str::from_utf8(element).ok())
    }

    /// Whether a token list such as Supported names `token`, in any case.
    pub fn has_token(&self, name: HeaderName, token: &str) -> bool {
        self.tokens(name).any(|element| element.eq_ignore_ascii_case(token))
    }

    /// The body, exactly as received (perhaps deflated: see Content-Encoding).
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.head_len..]
    }

    /// The body, sharing the message's buffer.
    pub fn body_bytes(&self) -> Bytes {
        self.bytes.slice(self.head_len..)
    }

    /// The whole message, start line to end of body.
    pub fn wire(&self) -> &Bytes {
        &self.bytes
    }

    /// The topmost Via.
    ///
    /// # Errors
    /// Missing or malformed, as with every typed header below: the answer is 400.
    pub fn via(&self) -> Result<Via<'_>, HeaderError> {
        let element = self.list(HeaderName::Via).next().ok_or(HeaderError::missing("Via"))?;
        Via::parse(element)
    }

    /// All Vias, topmost first.
    pub fn vias(&self) -> impl Iterator<Item = Result<Via<'_>, HeaderError>> {
        self.list(HeaderName::Via).map(Via::parse)
    }

    /// From.
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.address(HeaderName::From)
    }

    /// To.
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        self.address(HeaderName::To)
    }

    /// The tag in To; `None` too when To is no address.
    ///
    /// # Errors
    /// Missing.
    pub fn to_tag(&self) -> Result<Option<&str>, HeaderError> {
        self.required(HeaderName::To).map(NameAddr::tag_of)
    }

    /// Call-ID.
    ///
    /// # Errors
    /// Missing, empty or not UTF-8.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        let value = self.required(HeaderName::CallId)?;
        match std::str::from_utf8(value) {
            Ok(text) if !text.is_empty() => Ok(text),
            _ => Err(HeaderError::malformed("Call-ID", "empty or not UTF-8")),
        }
    }

    /// CSeq.
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        CSeq::parse(self.required(HeaderName::CSeq)?)
    }

    /// Every Contact, in order; none when the header is absent.
    pub fn contacts(&self) -> impl Iterator<Item = Result<Contact<'_>, HeaderError>> {
        self.list(HeaderName::Contact).map(Contact::parse)
    }

    /// Route, topmost first.
    pub fn routes(&self) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.addresses(HeaderName::Route)
    }

    /// Every address of a list header: Route, Record-Route, Path, Service-Route, P-Asserted-Identity, ….
    pub fn addresses(&self, name: HeaderName) -> impl Iterator<Item = Result<NameAddr<'_>, HeaderError>> {
        self.list(name).map(move |element| {
            NameAddr::parse(element).map_err(|reason| HeaderError::malformed(name.as_str(), reason))
        })
    }

    /// The first address under this name, e.g. From, Refer-To, P-Preferred-Identity.
    ///
    /// # Errors
    /// Missing or malformed.
    pub fn address(&self, name: HeaderName) -> Result<NameAddr<'_>, HeaderError> {
        NameAddr::parse(self.required(name)?).map_err(|reason| HeaderError::malformed(name.as_str(), reason))
    }

    /// Every Accept-Contact predicate (RFC 3841 §9.2).
    pub fn accept_contacts(&self) -> impl Iterator<Item = Result<AcceptContact<'_>, HeaderError>> {
        self.list(HeaderName::AcceptContact).map(AcceptContact::parse)
    }

    /// Max-Forwards, 0 to 255; `None` when absent.
    ///
    /// # Errors
    /// Not a number from 0 to 255.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        self.number(HeaderName::MaxForwards, 255).map(|hops| hops.map(|hops| hops as u8))
    }

    /// Expires in seconds; `None` when absent. A value beyond 2³²−1 counts as 2³²−1.
    ///
    /// # Errors
    /// Not a number.
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::Expires, u32::MAX)
    }

    /// Content-Type with its parameters, e.g. `message/cpim`; `None` when absent.
    pub fn content_type(&self) -> Option<Cow<'_, str>> {
        self.header(HeaderName::ContentType)
    }

    /// Whether Content-Type is this media type, parameters and case aside.
    pub fn is_content_type(&self, media_type: &str) -> bool {
        self.raw(HeaderName::ContentType).is_some_and(|value| {
            let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
            value[..end].trim_ascii().eq_ignore_ascii_case(media_type.as_bytes())
        })
    }

    /// Content-Encoding, e.g. `deflate`; `None` when the body is plain.
    pub fn content_encoding(&self) -> Option<Cow<'_, str>> {
        self.header(HeaderName::ContentEncoding)
    }

    /// Option tags of Supported.
    pub fn supported(&self) -> impl Iterator<Item = &str> {
        self.tokens(HeaderName::Supported)
    }

    /// Option tags of Require.
    pub fn require(&self) -> impl Iterator<Item = &str> {
        self.tokens(HeaderName::Require)
    }

    fn number(&self, name: HeaderName, max: u32) -> Result<Option<u32>, HeaderError> {
        let Some(value) = self.raw(name) else {
            return Ok(None);
        };
        match value::number(value) {
            Some(number) if max == u32::MAX => Ok(Some(number.min(u64::from(max)) as u32)),
            Some(number) if number <= u64::from(max) => Ok(Some(number as u32)),
            _ => Err(HeaderError::malformed(name.as_str(), "not a number in range")),
        }
    }

    fn required(&self, name: HeaderName) -> Result<&[u8], HeaderError> {
        self.known(name).next().ok_or(HeaderError::missing(name.as_str()))
    }

    fn known(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().filter(move |entry| entry.name == name).map(|entry| self.value_of(entry))
    }

    pub(crate) fn is_named(&self, entry: &Entry, name: Name<'_>) -> bool {
        match name {
            Name::Known(known) => entry.name == known,
            Name::Text(text) => {
                entry.name == HeaderName::Other && self.name_of(entry).eq_ignore_ascii_case(text)
            }
        }
    }

    pub(crate) fn name_of(&self, entry: &Entry) -> &str {
        let start = entry.name_start as usize;
        let name = &self.bytes[start..start + entry.name_len as usize];
        std::str::from_utf8(name).expect("header names were checked to be tokens")
    }

    pub(crate) fn value_of(&self, entry: &Entry) -> &[u8] {
        let start = entry.value_start as usize;
        &self.bytes[start..start + entry.value_len as usize]
    }
}
