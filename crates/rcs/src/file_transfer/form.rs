//! What a handset uploads: `multipart/form-data` (RFC 7578) with a transfer id, a thumbnail and the file (RCC.07), read
//! piece by piece as it arrives, so that a file is never held whole.
//!
//! Give [`Form::handle`] what arrived and ask [`Form::poll_event`] until it wants more; at the end of the body ask
//! [`Form::is_complete`]. Data comes out as views of the bytes that went in. Clients differ in how they write the form:
//! bare LF, a boundary without quotes, no blank after `;`, file names percent-encoded, by RFC 5987 or as they are.
//!
//! ```
//! use rcs::file_transfer::form::{Event, Field, Form};
//!
//! let mut form = Form::new("multipart/form-data;boundary=next")?;
//! form.handle("--next\r\nContent-Disposition: form-data;name=tid\r\n\r\n7b1c\r\n--next--\r\n".into());
//! assert!(matches!(form.poll_event()?, Some(Event::Part(part)) if Field::of(&part) == Field::Tid));
//! assert_eq!(form.poll_event()?, Some(Event::Data("7b1c".into())));
//! assert_eq!(form.poll_event()?, Some(Event::End));
//! assert!(form.is_complete());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use percent_encoding::percent_decode_str;

use super::NAME_BYTES_MAX;
use crate::content_type;
use crate::multipart::{self, HEAD_BYTES_MAX, MultipartError, PARTS_MAX, Part};

/// The media type.
pub const CONTENT_TYPE: &str = "multipart/form-data";

/// The media type of a file that another part describes (RFC 2387), which is read the same way.
pub const RELATED: &str = "multipart/related";

/// The field of the small picture.
const THUMBNAIL: &str = "thumbnail";

/// Longest transfer id: a UUID has 36.
pub const TID_BYTES_MAX: usize = 128;

/// Blanks after a boundary that are waited for.
const BLANKS_MAX: usize = 64;

/// Reads a form that arrives in pieces.
#[derive(Debug)]
pub struct Form {
    /// Finds `\n--boundary`; a CR before it belongs to it.
    delimiter: Finder<'static>,
    /// What arrived and was not read yet.
    rest: Bytes,
    state: State,
    parts: usize,
    /// Whether the end was read and not told yet.
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first delimiter, which may stand at the very beginning.
    Preamble { at_start: bool },
    /// In the headers of a part.
    Head,
    /// In the body of a part; an empty one has its delimiter at the beginning.
    Body { at_start: bool },
    /// After the last delimiter.
    End,
}

/// What the bytes after a boundary make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// A delimiter, with so many bytes more.
    Delimiter { closes: bool, bytes: usize },
    /// A line that goes on: a longer boundary, of something else.
    Longer,
    /// Too few have arrived.
    Undecided,
}

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A part begins; its body follows as data.
    Part(Part),
    /// The next bytes of the part's body.
    Data(Bytes),
    /// The form is complete.
    End,
}

/// Which field of the form a part is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// The transfer id, by which an upload is resumed.
    Tid,
    /// A small picture of the file.
    Thumbnail,
    /// The file.
    File {
        /// As the sender calls it, without directories; `None` if it has no usable name.
        name: Option<String>,
        /// Media type with parameters, as the sender says.
        content_type: String,
        /// Bytes, if the part says.
        bytes: Option<u64>,
    },
    /// Something else, to be passed over.
    Other,
}

/// A part of a form whose fields may have any names: chatbots' programs call files `file`, `img` or `1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyField {
    /// A file: it has a file name, or a media type that is no text.
    File {
        /// As [`Field::File`].
        name: Option<String>,
        /// As [`Field::File`].
        content_type: String,
        /// Whether its field is called a thumbnail.
        is_thumbnail: bool,
    },
    /// A value, by its name.
    Value(String),
}

impl AnyField {
    /// What a part is.
    pub fn of(part: &Part) -> Self {
        let disposition = part.header("Content-Disposition").unwrap_or_default();
        let field = content_type::parameter(disposition, "name").unwrap_or_default();
        let own_type = part.header("Content-Type");
        let is_other_than_text = own_type.is_some_and(|own| !content_type::is_accepted("text/*", own));
        if content_type::parameter(disposition, "filename").is_some()
            || content_type::parameter(disposition, "filename*").is_some()
            || is_other_than_text
        {
            let is_thumbnail = field.eq_ignore_ascii_case(THUMBNAIL);
            return Self::File {
                name: file_name(disposition),
                content_type: media_type(own_type),
                is_thumbnail,
            };
        }
        Self::Value(field)
    }
}

impl Form {
    /// A reader for a body with this Content-Type.
    ///
    /// # Errors
    /// If it is neither `multipart/form-data` nor `multipart/related`, or names no boundary.
    pub fn new(content_type: &str) -> Result<Self, MultipartError> {
        let boundary = content_type::parameter(content_type, "boundary")
            .filter(|_| [CONTENT_TYPE, RELATED].iter().any(|known| content_type::is(content_type, known)))
            .filter(|boundary| !boundary.is_empty() && boundary.len() <= multipart::BOUNDARY_BYTES_MAX)
            .ok_or(MultipartError::NoBoundary)?;
        let delimiter = Finder::new(format!("\n--{boundary}").as_bytes()).into_owned();
        Ok(Self {
            delimiter,
            rest: Bytes::new(),
            state: State::Preamble { at_start: true },
            parts: 0,
            ended: false,
        })
    }

    /// Takes the next bytes of the body.
    pub fn handle(&mut self, bytes: Bytes) {
        if self.rest.is_empty() {
            self.rest = bytes;
        } else if !bytes.is_empty() {
            let mut joined = BytesMut::with_capacity(self.rest.len() + bytes.len());
            joined.extend_from_slice(&self.rest);
            joined.extend_from_slice(&bytes);
            self.rest = joined.freeze();
        }
    }

    /// What has been read, in order; `None` when more bytes are needed.
    ///
    /// # Errors
    /// If this is no form, or one of its ceilings is passed. Nothing more comes out then.
    pub fn poll_event(&mut self) -> Result<Option<Event>, MultipartError> {
        loop {
            match self.state {
                State::Preamble { at_start } | State::Body { at_start } => {
                    let (data, delimiter) = self.up_to_delimiter(at_start);
                    let is_body = matches!(self.state, State::Body { .. });
                    let at_start = at_start && data.is_empty();
                    self.state = match delimiter {
                        Some(true) => State::End,
                        Some(false) => State::Head,
                        None if is_body => State::Body { at_start },
                        None => State::Preamble { at_start },
                    };
                    self.ended = delimiter == Some(true);
                    if is_body && !data.is_empty() {
                        return Ok(Some(Event::Data(data)));
                    }
                    if delimiter.is_none() {
                        return Ok(None);
                    }
                }
                State::Head => return self.head(),
                State::End => {
                    // RFC 2046 §5.1.1: what follows is to be passed over.
                    self.rest = Bytes::new();
                    return Ok(std::mem::take(&mut self.ended).then_some(Event::End));
                }
            }
        }
    }

    /// Whether the delimiter that closes the form has been read.
    pub fn is_complete(&self) -> bool {
        self.state == State::End
    }

    /// Takes what certainly stands before a delimiter, and the delimiter if it is there: whether it closes the form.
    fn up_to_delimiter(&mut self, at_start: bool) -> (Bytes, Option<bool>) {
        let needle = self.delimiter.needle();
        let needle_bytes = needle.len();
        if at_start {
            // The line end of this delimiter is the one before: that of the blank line, or the beginning of the form.
            let boundary = &needle[1..];
            if boundary.starts_with(&self.rest) {
                return (Bytes::new(), None);
            }
            if let Some(after) = self.rest.strip_prefix(boundary) {
                match after_boundary(after) {
                    After::Delimiter { closes, bytes } => {
                        self.rest = self.rest.split_off(boundary.len() + bytes);
                        return (Bytes::new(), Some(closes));
                    }
                    After::Undecided => return (Bytes::new(), None),
                    After::Longer => {}
                }
            }
        }
        let mut from = 0;
        while let Some(found) = self.delimiter.find(&self.rest[from..]) {
            let at = from + found;
            match after_boundary(&self.rest[at + needle_bytes..]) {
                After::Delimiter { closes, bytes } => {
                    let before = self.take_line_end(at);
                    self.rest = self.rest.split_off(needle_bytes + bytes);
                    return (before, Some(closes));
                }
                After::Undecided => {
                    let certain = at - usize::from(self.rest[..at].ends_with(b"\r"));
                    return (self.rest.split_to(certain), None);
                }
                After::Longer => from = at + 1,
            }
        }
        let certain = self.rest.len() - self.possible_delimiter_bytes();
        (self.rest.split_to(certain), None)
    }

    /// Takes the `at` bytes before a delimiter, less the CR that belongs to it.
    fn take_line_end(&mut self, at: usize) -> Bytes {
        let mut before = self.rest.split_to(at);
        if before.ends_with(b"\r") {
            before.truncate(at - 1);
        }
        before
    }

    /// How many bytes at the end may be the beginning of a delimiter.
    fn possible_delimiter_bytes(&self) -> usize {
        let needle = self.delimiter.needle();
        let tail = &self.rest[self.rest.len().saturating_sub(needle.len() - 1)..];
        let partial = memchr::memchr_iter(b'\n', tail).find(|at| needle.starts_with(&tail[*at..]));
        let bytes = partial.map_or(0, |at| tail.len() - at);
        let before = &self.rest[..self.rest.len() - bytes];
        bytes + usize::from(before.ends_with(b"\r"))
    }

    /// The headers of a part, once they are there.
    fn head(&mut self) -> Result<Option<Event>, MultipartError> {
        let Some(length) = head_bytes(&self.rest) else {
            let is_too_long = self.rest.len() > HEAD_BYTES_MAX;
            return if is_too_long { Err(MultipartError::TooManyHeaders) } else { Ok(None) };
        };
        if self.parts == PARTS_MAX {
            return Err(MultipartError::TooManyParts);
        }
        self.parts += 1;
        let head = self.rest.split_to(length);
        let mut part = multipart::part(&head)?;
        part.body = Bytes::new();
        self.state = State::Body { at_start: true };
        Ok(Some(Event::Part(part)))
    }
}

impl Field {
    /// What a part is, by its Content-Disposition. Names compare without regard to case.
    pub fn of(part: &Part) -> Self {
        let disposition = part.header("Content-Disposition").unwrap_or_default();
        let name = content_type::parameter(disposition, "name").unwrap_or_default();
        if name.eq_ignore_ascii_case("tid") {
            Self::Tid
        } else if name.eq_ignore_ascii_case(THUMBNAIL) {
            Self::Thumbnail
        } else if name.eq_ignore_ascii_case("file") {
            Self::File {
                name: file_name(disposition),
                content_type: media_type(part.header("Content-Type")),
                bytes: part.header("Content-Length").and_then(|bytes| bytes.parse().ok()),
            }
        } else {
            Self::Other
        }
    }
}

/// Whether a transfer id is one: short, and of the characters that need no escape in a query.
pub fn is_tid(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:{}".contains(&byte);
    !text.is_empty() && text.len() <= TID_BYTES_MAX && text.bytes().all(is_plain)
}

/// Reads on after a boundary (RFC 2046 §5.1.1): `--` closes, a line end opens; blanks may stand before that.
fn after_boundary(bytes: &[u8]) -> After {
    if bytes.starts_with(b"--") {
        return After::Delimiter { closes: true, bytes: 2 };
    }
    let blanks = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if blanks > BLANKS_MAX {
        return After::Longer;
    }
    match &bytes[blanks..] {
        [b'\n', ..] => After::Delimiter { closes: false, bytes: blanks + 1 },
        [b'\r', b'\n', ..] => After::Delimiter { closes: false, bytes: blanks + 2 },
        [] | [b'\r'] => After::Undecided,
        [b'-'] if blanks == 0 => After::Undecided,
        _ => After::Longer,
    }
}

/// Length of the headers with the blank line after them; `None` if that has not arrived.
fn head_bytes(bytes: &[u8]) -> Option<usize> {
    let mut line_start = 0;
    for line_end in memchr::memchr_iter(b'\n', bytes.get(..=HEAD_BYTES_MAX).unwrap_or(bytes)) {
        if matches!(&bytes[line_start..line_end], b"" | b"\r") {
            return Some(line_end + 1);
        }
        line_start = line_end + 1;
    }
    None
}

/// The name in a Content-Disposition: `filename*` (RFC 5987) before `filename`, percent-encoded or not, without the
/// directories that some clients send along.
fn file_name(disposition: &str) -> Option<String> {
    let extended = content_type::parameter(disposition, "filename*").and_then(|value| {
        let (charset, rest) = value.split_once('\'')?;
        let (_language, text) = rest.split_once('\'')?;
        charset.eq_ignore_ascii_case("UTF-8").then(|| text.to_owned())
    });
    let name = extended.or_else(|| content_type::parameter(disposition, "filename"))?;
    let name = match percent_decode_str(&name).decode_utf8() {
        Ok(decoded) => decoded.into_owned(),
        Err(_) => name,
    };
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let is_usable = !name.is_empty() && name != "." && name != "..";
    is_usable.then(|| shortened(&name).to_owned())
}

/// At most [`NAME_BYTES_MAX`] bytes of it, whole characters.
fn shortened(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_BYTES_MAX)]
}

/// A Content-Type that can be told on; `application/octet-stream` for one that cannot, or none.
fn media_type(value: Option<&str>) -> String {
    let is_token = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let is_media_type = |value: &&str| {
        let essence = content_type::essence(value).split_once('/');
        essence.is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
            && value.len() <= NAME_BYTES_MAX
            && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
    };
    value.filter(is_media_type).unwrap_or("application/octet-stream").to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parts with their bodies, as they come out when the body arrives in pieces of `piece_bytes`.
    fn read(content_type: &str, body: &[u8], piece_bytes: usize) -> Result<Vec<Part>, MultipartError> {
        let mut form = Form::new(content_type)?;
        let mut parts: Vec<Part> = Vec::new();
        for piece in body.chunks(piece_bytes) {
            form.handle(Bytes::copy_from_slice(piece));
            while let Some(event) = form.poll_event()? {
                match event {
                    Event::Part(part) => parts.push(part),
                    Event::Data(data) => {
                        let part = parts.last_mut().expect("data belongs to a part");
                        part.body = [part.body.as_ref(), &data].concat().into();
                    }
                    Event::End => assert!(form.is_complete()),
                }
            }
        }
        if form.is_complete() { Ok(parts) } else { Err(MultipartError::Truncated) }
    }

    fn fields(content_type: &str, body: &[u8], piece_bytes: usize) -> Vec<(Field, Bytes)> {
        let parts = read(content_type, body, piece_bytes).unwrap();
        parts.into_iter().map(|part| (Field::of(&part), part.body)).collect()
    }

    fn file(name: &str, content_type: &str) -> Field {
        Field::File { name: Some(name.to_owned()), content_type: content_type.to_owned(), bytes: None }
    }

    #[test]
    fn the_upload_of_a_handset_reads_in_pieces_of_any_size() {
        let body = include_bytes!("../../../../fixtures/rcs/file-transfer/upload.form");
        let expected = [
            (Field::Tid, Bytes::from("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")),
            (Field::Thumbnail, Bytes::from_static(b"\xff\xd8\xff\xe0thumb")),
            (
                file("中国.png", "image/png"),
                Bytes::from_static(b"\x89PNG\r\n\r\n--Boundary+1-longer\r\nnot yet\n--Bound"),
            ),
        ];
        for piece_bytes in (1..100).chain([body.len()]) {
            assert_eq!(fields("multipart/form-data; boundary=\"Boundary+1\"", body, piece_bytes), expected);
        }
    }

    #[test]
    fn the_forms_of_other_clients_read_too() {
        let body = include_bytes!("../../../../fixtures/rcs/file-transfer/upload-untidy.form");
        let expected = [
            (
                Field::File {
                    name: Some("voice note.wav".to_owned()),
                    content_type: "audio/wav;voice-recording=yes".to_owned(),
                    bytes: Some(4),
                },
                Bytes::from_static(b"RIFF"),
            ),
            (Field::Other, Bytes::new()),
        ];
        for piece_bytes in [1, 7, body.len()] {
            assert_eq!(fields("Multipart/Form-Data;boundary=----a=b:c", body, piece_bytes), expected);
        }
    }

    #[test]
    fn names_lose_their_directories_and_escapes() {
        let name = |parameters: &str| file_name(&format!("form-data; name=\"File\"; {parameters}"));
        assert_eq!(name("filename=\"C:\\\\photos\\\\a.jpg\"").as_deref(), Some("a.jpg"));
        assert_eq!(name("filename=../../etc/passwd").as_deref(), Some("passwd"));
        assert_eq!(name("filename=\"%E6%B1%BD%E8%BD%A6.png\"").as_deref(), Some("汽车.png"));
        assert_eq!(name("filename=\"x\"; filename*=UTF-8''%e2%82%ac%20rates").as_deref(), Some("€ rates"));
        assert_eq!(name("filename=\"100%.txt\"").as_deref(), Some("100%.txt"));
        assert_eq!(name("filename=\"..\""), None);
        assert_eq!(name(""), None);
        assert_eq!(name(&format!("filename=\"{}\"", "雁".repeat(400))).unwrap().len(), 510);
    }

    #[test]
    fn files_are_known_by_any_name() {
        let field = |head: &[u8]| AnyField::of(&multipart::part(&Bytes::copy_from_slice(head)).unwrap());
        let jpeg = |name: Option<&str>| AnyField::File {
            name: name.map(str::to_owned),
            content_type: "image/jpeg".to_owned(),
            is_thumbnail: false,
        };
        let named = b"Content-Disposition: form-data; name=\"1\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
        assert_eq!(field(named), jpeg(Some("a.jpg")));
        let unnamed = b"Content-Disposition: form-data; name=img\r\nContent-Type: image/jpeg\r\n\r\n";
        assert_eq!(field(unnamed), jpeg(None));
        let small = b"Content-Disposition: form-data; name=Thumbnail\r\nContent-Type: image/jpeg\r\n\r\n";
        assert!(matches!(field(small), AnyField::File { is_thumbnail: true, .. }));
        let value = AnyField::Value("until".to_owned());
        assert_eq!(field(b"Content-Disposition: form-data; name=until\r\n\r\n"), value);
        let typed = b"Content-Disposition: form-data; name=until\r\nContent-Type: text/plain\r\n\r\n";
        assert_eq!(field(typed), value);
    }

    #[test]
    fn transfer_ids_are_short_and_plain() {
        assert!(is_tid("f81d4fae-7dec-11d0-a765-00a0c91e6bf6"));
        for bad in ["", "a b", "a/b", "é", &"a".repeat(129)] {
            assert!(!is_tid(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        let read = |body: &[u8]| read("multipart/form-data;boundary=b", body, 1000);
        assert_eq!(Form::new("multipart/mixed;boundary=b").unwrap_err(), MultipartError::NoBoundary);
        assert_eq!(Form::new("multipart/form-data").unwrap_err(), MultipartError::NoBoundary);
        assert_eq!(read(b""), Err(MultipartError::Truncated));
        assert_eq!(read(b"--b\r\nno header\r\n\r\n\r\n--b--"), Err(MultipartError::MalformedHeader));
        assert_eq!(read(b"--bound\r\n\r\n"), Err(MultipartError::Truncated));
        assert_eq!(read(&b"--b\r\na: ".repeat(2000)), Err(MultipartError::TooManyHeaders));
        let many = b"--b\r\n\r\n\r\n".repeat(PARTS_MAX + 1);
        assert_eq!(read(&many), Err(MultipartError::TooManyParts));
    }

    #[test]
    fn nothing_is_kept_of_a_body_beyond_what_may_be_a_delimiter() {
        let mut form = Form::new("multipart/form-data;boundary=b").unwrap();
        form.handle("--b\r\nContent-Disposition: form-data; name=File\r\n\r\n".into());
        while form.poll_event().unwrap().is_some() {}
        for _ in 0..100 {
            form.handle(vec![b'\r'; 10_000].into());
            while form.poll_event().unwrap().is_some() {}
            assert!(form.rest.len() < 10, "{}", form.rest.len());
        }
    }

    proptest! {
        #[test]
        fn written_forms_read_back_in_any_pieces(
            bodies in proptest::collection::vec("(\r|\n|--next|--|a|\\PC)*", 1..4),
            piece_bytes in 1usize..50,
        ) {
            let parts: Vec<Part> = bodies.into_iter().map(|body| Part::new("text/plain", body)).collect();
            let (content_type, body) = multipart::write(&parts);
            let content_type = content_type.replace("multipart/mixed", CONTENT_TYPE);
            prop_assert_eq!(read(&content_type, &body, piece_bytes), Ok(parts));
        }

        #[test]
        fn pieces_make_no_difference(body in "(\r\n|\n|--next|--|a: b|\\PC)*", piece_bytes in 1usize..50) {
            let content_type = "multipart/form-data;boundary=next";
            let whole = read(content_type, body.as_bytes(), usize::MAX);
            prop_assert_eq!(read(content_type, body.as_bytes(), piece_bytes).is_ok(), whole.is_ok());
        }
    }
}
