//! Several bodies in one: `multipart/mixed` (RFC 2046 §5.1), as in a card with its suggestion chips.
//!
//! Parts are views of the bytes they came in. Nested multiparts stay a body of their part.

use bytes::{BufMut, Bytes, BytesMut};

use crate::content_type;

/// The media type of a plain list of parts.
pub const CONTENT_TYPE: &str = "multipart/mixed";

/// Most parts.
pub const PARTS_MAX: usize = 32;

/// Most headers of one part.
pub const HEADERS_MAX: usize = 32;

/// All headers of one part with the blank line after them.
pub const HEAD_BYTES_MAX: usize = 8 * 1024;

/// RFC 2046 §5.1.1.
pub(crate) const BOUNDARY_BYTES_MAX: usize = 70;

/// One of the bodies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// Names and values in order.
    pub headers: Vec<(String, String)>,
    /// The bytes between the headers and the next boundary.
    pub body: Bytes,
}

/// Why a body is no multipart that we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The Content-Type has no usable `boundary`.
    #[error("multipart without a boundary")]
    NoBoundary,
    /// No part, or no boundary that closes the last.
    #[error("multipart ends too early")]
    Truncated,
    /// More than [`PARTS_MAX`].
    #[error("more than {PARTS_MAX} parts")]
    TooManyParts,
    /// More headers than [`HEADERS_MAX`] or [`HEAD_BYTES_MAX`] on a part.
    #[error("a part has too many headers")]
    TooManyHeaders,
    /// A part with a line among its headers that is none.
    #[error("a part has a malformed header")]
    MalformedHeader,
}

impl Part {
    /// A part of this media type.
    pub fn new(content_type: &str, body: impl Into<Bytes>) -> Self {
        Self { headers: vec![("Content-Type".to_owned(), content_type.to_owned())], body: body.into() }
    }

    /// One more header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The first header with this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The Content-Type with its parameters; `text/plain` if there is none.
    pub fn content_type(&self) -> &str {
        self.header("Content-Type").unwrap_or("text/plain")
    }

    /// Whether it is of this media type.
    pub fn is(&self, media_type: &str) -> bool {
        content_type::is(self.content_type(), media_type)
    }
}

/// Whether a Content-Type is any kind of multipart.
pub fn is_multipart(value: &str) -> bool {
    content_type::essence(value).get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
}

/// Cuts a body into its parts, at least one; `content_type` names the boundary.
///
/// What stands before the first boundary and after the last is passed over. Bare LF line ends are read too.
pub fn parse(content_type: &str, body: &Bytes) -> Result<Vec<Part>, MultipartError> {
    let boundary = content_type::parameter(content_type, "boundary").ok_or(MultipartError::NoBoundary)?;
    if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES_MAX {
        return Err(MultipartError::NoBoundary);
    }
    let mut delimiters = Delimiters { body, boundary: boundary.as_bytes(), at: 0 };
    let mut parts = Vec::new();
    let mut opened = delimiters.next().ok_or(MultipartError::Truncated)?;
    while !opened.closes {
        if parts.len() == PARTS_MAX {
            return Err(MultipartError::TooManyParts);
        }
        let next = delimiters.next().ok_or(MultipartError::Truncated)?;
        parts.push(part(&body.slice(opened.end..next.start.max(opened.end)))?);
        opened = next;
    }
    if parts.is_empty() { Err(MultipartError::Truncated) } else { Ok(parts) }
}

/// Writes parts as `multipart/mixed`; gives the Content-Type with the boundary, and the body.
///
/// The boundary is one that stands in no part. Control characters in headers become spaces.
///
/// # Panics
/// If there is no part: RFC 2046 knows no empty multipart.
pub fn write(parts: &[Part]) -> (String, Bytes) {
    assert!(!parts.is_empty(), "a multipart has at least one part");
    let boundary = free_boundary(parts);
    let length: usize = parts.iter().map(|part| part.body.len() + 256).sum();
    let mut body = BytesMut::with_capacity(length);
    for part in parts {
        put(&mut body, &["--", &boundary, "\r\n"]);
        for (name, value) in &part.headers {
            put(&mut body, &[&one_line(name), ": ", &one_line(value), "\r\n"]);
        }
        put(&mut body, &["\r\n"]);
        body.put_slice(&part.body);
        put(&mut body, &["\r\n"]);
    }
    put(&mut body, &["--", &boundary, "--\r\n"]);
    (format!("{CONTENT_TYPE};boundary=\"{boundary}\""), body.freeze())
}

/// A line `--boundary` or `--boundary--`, with the line end before it, which belongs to it.
struct Delimiter {
    start: usize,
    end: usize,
    closes: bool,
}

struct Delimiters<'a> {
    body: &'a [u8],
    boundary: &'a [u8],
    at: usize,
}

impl Delimiters<'_> {
    fn next(&mut self) -> Option<Delimiter> {
        loop {
            let line_start = self.at;
            if line_start >= self.body.len() {
                return None;
            }
            let line_end = memchr::memchr(b'\n', &self.body[line_start..])
                .map_or(self.body.len(), |len| line_start + len + 1);
            self.at = line_end;
            let line = &self.body[line_start..line_end];
            let Some(rest) = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(self.boundary))
            else {
                continue;
            };
            let (rest, closes) = match rest.strip_prefix(b"--") {
                Some(rest) => (rest, true),
                None => (rest, false),
            };
            // RFC 2046: blanks may follow a boundary; a longer line is a longer boundary, perhaps of a nested part.
            // One that opens a part must end with its line.
            if rest.iter().all(u8::is_ascii_whitespace) && (closes || rest.ends_with(b"\n")) {
                return Some(Delimiter { start: self.before_line_end(line_start), end: line_end, closes });
            }
        }
    }

    fn before_line_end(&self, line_start: usize) -> usize {
        let before = &self.body[..line_start];
        let before = before.strip_suffix(b"\n").unwrap_or(before);
        before.strip_suffix(b"\r").unwrap_or(before).len()
    }
}

/// Headers up to a blank line, and the rest.
pub(crate) fn part(bytes: &Bytes) -> Result<Part, MultipartError> {
    let mut headers: Vec<(String, String)> = Vec::new();
    let mut at = 0;
    loop {
        let window = &bytes[at..];
        let (line, next) = match memchr::memchr(b'\n', window) {
            Some(len) => (&window[..len], at + len + 1),
            // Headers and no body: the boundary took the line end of the last header or of the blank line.
            None => (window, bytes.len()),
        };
        at = next;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Ok(Part { headers, body: bytes.slice(at..) });
        }
        if at > HEAD_BYTES_MAX || headers.len() == HEADERS_MAX {
            return Err(MultipartError::TooManyHeaders);
        }
        let line = std::str::from_utf8(line).map_err(|_| MultipartError::MalformedHeader)?;
        match headers.last_mut() {
            Some((_, value)) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            _ => {
                let (name, value) = line.split_once(':').ok_or(MultipartError::MalformedHeader)?;
                let name = name.trim_end();
                if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                    return Err(MultipartError::MalformedHeader);
                }
                headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
    }
}

/// A boundary that is found in no part. Deterministic: the same parts give the same bytes.
fn free_boundary(parts: &[Part]) -> String {
    (0u64..)
        .map(|number| format!("hongyan-part-{number}"))
        .find(|boundary| {
            parts.iter().all(|part| memchr::memmem::find(&part.body, boundary.as_bytes()).is_none())
        })
        .expect("bodies are finite, numbers are not")
}

fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.trim().to_owned()
}

fn put(body: &mut BytesMut, texts: &[&str]) {
    for text in texts {
        body.put_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CARD: &str = "application/vnd.gsma.botmessage.v1.0+json";
    const CHIPS: &str = "application/vnd.gsma.botsuggestion.v1.0+json";

    fn read(body: &'static [u8]) -> Result<Vec<Part>, MultipartError> {
        parse("multipart/mixed; boundary=\"next\"", &Bytes::from_static(body))
    }

    #[test]
    fn a_card_with_chips_reads_and_is_written() {
        let expected = [
            Part::new(CARD, "{\"message\":{}}"),
            Part::new(CHIPS, "{\"suggestions\":[]}\r\n").with_header("Content-Length", "20"),
        ];
        assert_eq!(
            read(include_bytes!("../../../fixtures/rcs/multipart/card-and-chips.mixed")).unwrap(),
            expected
        );
        let (content_type, body) = write(&expected);
        assert_eq!(content_type, "multipart/mixed;boundary=\"hongyan-part-0\"");
        assert_eq!(body, &include_bytes!("../../../fixtures/rcs/multipart/card-and-chips.written.mixed")[..]);
    }

    #[test]
    fn bare_line_ends_preamble_epilogue_and_folds_are_read() {
        let parts = read(include_bytes!("../../../fixtures/rcs/multipart/untidy.mixed")).unwrap();
        assert_eq!(parts.len(), 3);
        assert_eq!(parts[0].header("content-disposition"), Some("recipient-list; a=b"));
        assert_eq!(parts[0].body, "one\n--nextdoor\n");
        assert_eq!((parts[1].content_type(), &parts[1].body[..]), ("text/plain", &b"two"[..]));
        assert!(parts[2].body.is_empty() && parts[2].is("text/html"));
    }

    #[test]
    fn what_is_no_multipart_is_refused() {
        assert_eq!(parse("multipart/mixed", &Bytes::new()), Err(MultipartError::NoBoundary));
        assert_eq!(read(b""), Err(MultipartError::Truncated));
        assert_eq!(read(b"--next--\r\n"), Err(MultipartError::Truncated));
        assert_eq!(read(b"--next\r\n\r\nbody"), Err(MultipartError::Truncated));
        assert_eq!(read(b"--next\r\nno header\r\n\r\n--next--"), Err(MultipartError::MalformedHeader));
        let many = "--next\r\n\r\nx\r\n".repeat(PARTS_MAX + 1) + "--next--";
        assert_eq!(parse("a/b;boundary=next", &Bytes::from(many)), Err(MultipartError::TooManyParts));
        let headers = format!("--next\r\n{}\r\nx\r\n--next--", "a: b\r\n".repeat(HEADERS_MAX + 1));
        assert_eq!(parse("a/b;boundary=next", &Bytes::from(headers)), Err(MultipartError::TooManyHeaders));
    }

    #[test]
    fn a_boundary_never_stands_in_a_part() {
        let part = Part::new("text/plain", "a\r\n--hongyan-part-0--\r\nb");
        let (content_type, body) = write(std::slice::from_ref(&part));
        assert_eq!(parse(&content_type, &body), Ok(vec![part]));
    }

    #[test]
    fn no_prefix_passes_for_the_whole() {
        let whole = include_bytes!("../../../fixtures/rcs/multipart/card-and-chips.mixed").trim_ascii_end();
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "{end}");
        }
        assert!(read(whole).is_ok());
    }

    proptest! {
        #[test]
        fn written_parts_read_back(
            parts in proptest::collection::vec(
                (
                    proptest::collection::vec(("[A-Za-z-]{1,12}", "[!-~]([ -~]{0,20}[!-~])?"), 0..4),
                    proptest::collection::vec(any::<u8>(), 0..60),
                ),
                1..5,
            )
        ) {
            let parts: Vec<_> =
                parts.into_iter().map(|(headers, body)| Part { headers, body: body.into() }).collect();
            let (content_type, body) = write(&parts);
            prop_assert_eq!(parse(&content_type, &body), Ok(parts));
        }

        #[test]
        fn any_bytes_are_read_or_refused(body in "(--next|--|\r\n|\n|a: b|\\PC)*") {
            let _ = parse("multipart/mixed;boundary=next", &Bytes::from(body));
        }
    }
}
