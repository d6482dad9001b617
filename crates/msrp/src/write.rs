//! Writing frames, each into one buffer.
//!
//! Callers' text cannot break out of its line: CR, LF and NUL in a value become spaces.

use std::fmt::{self, Write as _};

use bytes::{BufMut, Bytes, BytesMut};

use crate::head::{Continuation, Head, Header};

/// Writes a frame. Headers come out in the order in which they are given, the body's Content-Type last, as it must be.
///
/// ```
/// use msrp::{Continuation, FrameBuilder, Header};
/// let frame = FrameBuilder::request("a786hjs2", "SEND", "msrp://b:1/y;tcp", "msrp://a:1/x;tcp")
///     .header(Header::MessageId.as_str(), "87652491")
///     .header(Header::ByteRange.as_str(), "1-2/2")
///     .body("text/plain", b"hi")
///     .build(Continuation::Complete);
/// assert!(frame.ends_with(b"Content-Type: text/plain\r\n\r\nhi\r\n-------a786hjs2$\r\n"));
/// ```
#[derive(Clone, Debug)]
pub struct FrameBuilder {
    out: BytesMut,
    transaction_id: String,
}

impl FrameBuilder {
    /// A request. The paths are MSRP URIs with spaces between them.
    pub fn request(transaction_id: &str, method: &str, to_path: &str, from_path: &str) -> Self {
        Self::start(transaction_id, format_args!("{method}"), to_path, from_path, 0)
    }

    /// A request whose body will have about this many bytes: one allocation is enough then.
    pub(crate) fn sized_request(
        transaction_id: &str,
        method: &str,
        to_path: &str,
        from_path: &str,
        body_bytes: usize,
    ) -> Self {
        Self::start(transaction_id, format_args!("{method}"), to_path, from_path, body_bytes)
    }

    /// A response to a request whose paths can be read (RFC 4975 §7.2): it goes to the hop that the request came from.
    /// `None` when they cannot, and nothing can be answered.
    pub fn response(request: &Head, status: u16) -> Option<Self> {
        let to = request.from_path()?.split_ascii_whitespace().next()?;
        let from = request.to_uri()?;
        let reason = reason_phrase(status);
        Some(Self::start(request.transaction_id(), format_args!("{status:03} {reason}"), to, from, 0))
    }

    fn start(
        transaction_id: &str,
        word: fmt::Arguments<'_>,
        to: &str,
        from: &str,
        body_bytes: usize,
    ) -> Self {
        let mut out = BytesMut::with_capacity(384 + body_bytes);
        out.put_slice(b"MSRP ");
        out.put_slice(transaction_id.as_bytes());
        out.put_u8(b' ');
        put(&mut out, word);
        out.put_slice(b"\r\n");
        let builder = Self { out, transaction_id: transaction_id.to_owned() };
        builder.header(Header::ToPath.as_str(), to).header(Header::FromPath.as_str(), from)
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.out.put_slice(name.as_bytes());
        self.out.put_slice(b": ");
        put(&mut self.out, format_args!("{value}"));
        self.out.put_slice(b"\r\n");
        self
    }

    /// The media type and the body, which must not contain the end-line: choose another transaction id if
    /// [`FrameBuilder::would_end`] says so.
    pub fn body(mut self, content_type: &str, body: &[u8]) -> Self {
        debug_assert!(!Self::would_end(&self.transaction_id, body));
        self = self.header(Header::ContentType.as_str(), content_type);
        self.out.put_slice(b"\r\n");
        self.out.put_slice(body);
        self.out.put_slice(b"\r\n");
        self
    }

    /// The finished frame.
    pub fn build(mut self, continuation: Continuation) -> Bytes {
        self.out.put_slice(b"-------");
        self.out.put_slice(self.transaction_id.as_bytes());
        self.out.put_u8(continuation.as_byte());
        self.out.put_slice(b"\r\n");
        self.out.freeze()
    }

    /// Whether a body holds what would be taken for the end-line of this transaction (RFC 4975 §7.1).
    pub fn would_end(transaction_id: &str, body: &[u8]) -> bool {
        let finder = memchr::memmem::Finder::new(b"-------");
        finder.find_iter(body).any(|at| body[at + 7..].starts_with(transaction_id.as_bytes()))
    }
}

/// The comment of RFC 4975 §10; empty for codes not known.
fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        408 => "Request Timeout",
        413 => "Message Too Large",
        415 => "Media Type Not Supported",
        423 => "Parameter Out Of Bounds",
        481 => "No Such Session",
        501 => "Unknown Method",
        506 => "Session Bound Elsewhere",
        _ => "",
    }
}

/// Writes on one line.
fn put(out: &mut BytesMut, value: fmt::Arguments<'_>) {
    let start = out.len();
    // A Display that fails leaves what it wrote so far; the buffer itself never refuses.
    let _ = out.write_fmt(value);
    for byte in &mut out[start..] {
        if matches!(byte, b'\r' | b'\n' | 0) {
            *byte = b' ';
        }
    }
}
