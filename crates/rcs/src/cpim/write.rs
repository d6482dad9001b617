//! Writing CPIM: a new message, or an old one with a few headers changed.

use std::fmt::Write;

use bytes::{BufMut, Bytes, BytesMut};

use super::{Cpim, Dispositions, IMDN_NAMESPACE};
use crate::Timestamp;

/// Writes a new message.
///
/// Values are written on one line: control characters in them become spaces, so that no text from outside can add
/// a header.
///
/// ```
/// use rcs::cpim::{Cpim, CpimBuilder, Dispositions};
///
/// let raw = CpimBuilder::new("tel:+8613800000001", "tel:+8613800000002")
///     .message_id("Msg34jk324j")
///     .dispositions(Dispositions::DELIVERY_AND_DISPLAY)
///     .content_type("text/plain;charset=UTF-8")
///     .build("supper?");
/// assert_eq!(Cpim::parse(raw).unwrap().payload(), "supper?");
/// ```
#[derive(Debug, Clone)]
pub struct CpimBuilder {
    from: String,
    to: String,
    date_time: Option<Timestamp>,
    message_id: Option<String>,
    dispositions: Dispositions,
    headers: String,
    content_headers: String,
}

impl CpimBuilder {
    /// A message from one URI to another, without the angle brackets.
    pub fn new(from_uri: &str, to_uri: &str) -> Self {
        Self {
            from: bracketed(from_uri),
            to: bracketed(to_uri),
            date_time: None,
            message_id: None,
            dispositions: Dispositions::NONE,
            headers: String::new(),
            content_headers: String::new(),
        }
    }

    /// When it was sent.
    pub fn date_time(mut self, time: Timestamp) -> Self {
        self.date_time = Some(time);
        self
    }

    /// Its Message-ID, which reports will name.
    pub fn message_id(mut self, id: &str) -> Self {
        self.message_id = Some(id.to_owned());
        self
    }

    /// Which reports are asked for.
    pub fn dispositions(mut self, dispositions: Dispositions) -> Self {
        self.dispositions = dispositions;
        self
    }

    /// Binds `prefix` to a namespace for the headers that follow. `imdn` is bound already.
    pub fn namespace(self, prefix: &str, uri: &str) -> Self {
        self.header("NS", &format!("{prefix} {}", bracketed(uri)))
    }

    /// One more message header: `Subject`, `maap.Traffic-Type`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        write_header(&mut self.headers, name, value);
        self
    }

    /// The media type of the payload, with parameters.
    pub fn content_type(self, value: &str) -> Self {
        self.content_header("Content-Type", value)
    }

    /// One more content header: `Content-Disposition`, `Content-Transfer-Encoding`. Content-Length is written anyway.
    pub fn content_header(mut self, name: &str, value: &str) -> Self {
        write_header(&mut self.content_headers, name, value);
        self
    }

    /// The message, around this payload.
    pub fn build(self, payload: impl AsRef<[u8]>) -> Bytes {
        let payload = payload.as_ref();
        let mut head = String::with_capacity(320 + self.headers.len() + self.content_headers.len());
        write_header(&mut head, "From", &self.from);
        write_header(&mut head, "To", &self.to);
        if self.message_id.is_some() || !self.dispositions.is_empty() {
            head.push_str("NS: imdn <");
            head.push_str(IMDN_NAMESPACE);
            head.push_str(">\r\n");
        }
        if let Some(id) = &self.message_id {
            write_header(&mut head, "imdn.Message-ID", id);
        }
        if let Some(time) = self.date_time {
            write_header(&mut head, "DateTime", &time.rfc3339());
        }
        if !self.dispositions.is_empty() {
            write_header(&mut head, "imdn.Disposition-Notification", &self.dispositions.to_string());
        }
        head.push_str(&self.headers);
        head.push_str("\r\n");
        head.push_str(&self.content_headers);
        write!(head, "Content-Length: {}\r\n\r\n", payload.len()).expect("a String takes any text");

        let mut message = BytesMut::with_capacity(head.len() + payload.len());
        message.put_slice(head.as_bytes());
        message.put_slice(payload);
        message.freeze()
    }
}

/// Changes to the headers that a server which is an endpoint may change. Unknown headers, their order, the content
/// headers and the payload stay as they were.
#[derive(Debug, Clone)]
pub struct Rewrite<'a> {
    cpim: &'a Cpim,
    from: Option<String>,
    to: Option<String>,
    date_time: Option<String>,
    keep_dispositions: bool,
}

impl<'a> Rewrite<'a> {
    pub(super) fn new(cpim: &'a Cpim) -> Self {
        Self { cpim, from: None, to: None, date_time: None, keep_dispositions: true }
    }

    /// Sets From to this URI, without a display name.
    pub fn from(mut self, uri: &str) -> Self {
        self.from = Some(bracketed(uri));
        self
    }

    /// Sets To to this URI; further To headers are dropped.
    pub fn to(mut self, uri: &str) -> Self {
        self.to = Some(bracketed(uri));
        self
    }

    /// Sets DateTime.
    pub fn date_time(mut self, time: Timestamp) -> Self {
        self.date_time = Some(time.rfc3339());
        self
    }

    /// Takes out Disposition-Notification: from an IMDN, or where no report may go back.
    pub fn without_dispositions(mut self) -> Self {
        self.keep_dispositions = false;
        self
    }

    /// The changed message.
    pub fn build(self) -> Bytes {
        let cpim = self.cpim;
        let mut message = BytesMut::with_capacity(cpim.raw.len() + 160);
        // A header that was not there goes in front, where RFC 3862 examples have it.
        for (name, value) in [("From", &self.from), ("To", &self.to), ("DateTime", &self.date_time)] {
            if let Some(value) = value
                && cpim.core_header(name).is_none()
            {
                put_header(&mut message, name, value);
            }
        }
        let mut to_is_written = false;
        for (at, field) in cpim.fields[..cpim.message_fields].iter().enumerate() {
            let name = cpim.name(at);
            let value = if name.eq_ignore_ascii_case("From") {
                &self.from
            } else if name.eq_ignore_ascii_case("To") {
                if self.to.is_some() && std::mem::replace(&mut to_is_written, true) {
                    continue;
                }
                &self.to
            } else if name.eq_ignore_ascii_case("DateTime") {
                &self.date_time
            } else {
                &None
            };
            let dropped =
                !self.keep_dispositions && cpim.is_header(at, IMDN_NAMESPACE, "Disposition-Notification");
            match value {
                Some(value) => put_header(&mut message, name, value),
                None if dropped => {}
                None => {
                    message.put_slice(&cpim.raw[usize::from(field.name_start)..usize::from(field.line_end)])
                }
            }
        }
        let rest = cpim.fields[..cpim.message_fields].last().map_or(0, |field| usize::from(field.line_end));
        message.put_slice(&cpim.raw[rest..]);
        message.freeze()
    }
}

fn put_header(message: &mut BytesMut, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        message.put_slice(part.as_bytes());
    }
}

fn write_header(head: &mut String, name: &str, value: &str) {
    push_line(head, name);
    head.push_str(": ");
    push_line(head, value);
    head.push_str("\r\n");
}

/// `<uri>`, with nothing in it that could end the brackets or the line.
fn bracketed(uri: &str) -> String {
    let mut text = String::with_capacity(uri.len() + 2);
    text.push('<');
    text.extend(uri.trim().chars().filter(|c| !c.is_control() && !matches!(c, '<' | '>')));
    text.push('>');
    text
}

fn push_line(head: &mut String, text: &str) {
    let text = text.trim();
    if text.bytes().all(|byte| (b' '..0x7f).contains(&byte)) {
        head.push_str(text);
    } else {
        head.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
}
