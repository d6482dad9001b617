//! Cuts a byte stream into frames, and frames into parts (RFC 4975 §7.2): a body of any size passes piece by piece.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::HEAD_BYTES_MAX;
use crate::head::{Continuation, Head, ParseError, StartLine, trim_line};

/// What a stream holds next. Each frame is one `Head`, any number of `Data`, one `End`.
#[derive(Clone, Debug)]
pub enum Part {
    /// A frame begins.
    Head(Head),
    /// The next bytes of its body; never empty.
    Data(Bytes),
    /// It ends.
    End(Continuation),
}

/// Seven hyphens begin an end-line (RFC 4975 §9).
const HYPHENS: &[u8] = b"-------";
/// Longest start line, line end included: `MSRP`, a transaction id, a status and a comment of some words.
const START_LINE_BYTES_MAX: usize = 512;

/// The reading side of one connection. It holds one head at the most, and of a body only what might be the beginning
/// of its end-line, plus what was pushed last.
///
/// ```
/// use msrp::stream::{Framer, Part};
/// let mut framer = Framer::new();
/// framer.push(b"MSRP d93kswow 200 OK\r\nTo-Path: msrp://a:1/x;tcp\r\nFrom-Path: msrp://b:1/y;tcp\r\n----");
/// assert!(framer.poll()?.is_none());
/// framer.push(b"---d93kswow$\r\n");
/// assert!(matches!(framer.poll()?, Some(Part::Head(_))));
/// assert!(matches!(framer.poll()?, Some(Part::End(_))));
/// # Ok::<(), msrp::ParseError>(())
/// ```
#[derive(Default)]
pub struct Framer {
    buffer: BytesMut,
    state: State,
}

#[derive(Default)]
enum State {
    /// Before or within a head; how far its lines have been looked at, from the start of the buffer.
    Head {
        searched: usize,
    },
    /// The head said that it is all.
    Ending(Continuation),
    /// Within a body that ends with CRLF and this.
    Body {
        end: EndMark,
        is_at_start: bool,
    },
    #[default]
    Fresh,
    Failed,
}

/// `CRLF -------tid`.
type EndMark = SmallVec<[u8; 64]>;

impl Framer {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was read from the connection.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The buffer itself, for readers that can append straight into it.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Bytes that wait for what follows them.
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Whether a frame has begun and not ended.
    pub fn is_in_frame(&self) -> bool {
        !matches!(self.state, State::Fresh) || !self.buffer.is_empty()
    }

    /// Whether the frame whose head was given last has a body.
    pub fn is_in_body(&self) -> bool {
        matches!(self.state, State::Body { .. })
    }

    /// The next part; `None` when more bytes are needed.
    ///
    /// # Errors
    /// The stream cannot be read on; close the connection. Every later call gives `None`.
    pub fn poll(&mut self) -> Result<Option<Part>, ParseError> {
        let part = match &self.state {
            State::Fresh => {
                // Keep-alives and sloppy line ends between frames.
                while matches!(self.buffer.first(), Some(b'\r' | b'\n')) {
                    self.buffer.advance(1);
                }
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                self.state = State::Head { searched: 0 };
                self.head()
            }
            State::Head { .. } => self.head(),
            State::Ending(continuation) => {
                let end = Part::End(*continuation);
                self.state = State::Fresh;
                Ok(Some(end))
            }
            State::Body { .. } => Ok(self.body()),
            State::Failed => Ok(None),
        };
        if part.is_err() {
            self.state = State::Failed;
            self.buffer = BytesMut::new();
        }
        part
    }

    /// Looks for the end of the head: a blank line before a body, or the end-line.
    fn head(&mut self) -> Result<Option<Part>, ParseError> {
        let State::Head { mut searched } = self.state else { return Ok(None) };
        let Some(first_len) =
            memchr::memchr(b'\n', &self.buffer[..self.buffer.len().min(START_LINE_BYTES_MAX)])
        else {
            let is_hopeless = self.buffer.len() >= START_LINE_BYTES_MAX || !may_begin(&self.buffer);
            return if is_hopeless { Err(ParseError::StartLine) } else { Ok(None) };
        };
        let first = trim_line(&self.buffer[..first_len]);
        let end: EndMark = {
            let line = StartLine::parse(first)?;
            b"\r\n-------".iter().chain(line.transaction_id(first)).copied().collect()
        };
        searched = searched.max(first_len + 1);
        while let Some(len) = memchr::memchr(b'\n', &self.buffer[searched..]) {
            let line = trim_line(&self.buffer[searched..searched + len]);
            let next = searched + len + 1;
            if next > HEAD_BYTES_MAX {
                return Err(ParseError::HeadTooLarge);
            }
            if line.is_empty() {
                return self.head_before_body(searched, next, end);
            }
            if let Some(continuation) = end_line(line, &end[2..]) {
                let head = Head::parse(self.buffer.split_to(searched).freeze())?;
                self.buffer.advance(next - searched);
                self.state = State::Ending(continuation);
                return Ok(Some(Part::Head(head)));
            }
            if line.starts_with(HYPHENS) {
                return Err(ParseError::EndLine);
            }
            searched = next;
        }
        self.state = State::Head { searched };
        if self.buffer.len() > HEAD_BYTES_MAX { Err(ParseError::HeadTooLarge) } else { Ok(None) }
    }

    fn head_before_body(
        &mut self,
        head_len: usize,
        body_start: usize,
        end: EndMark,
    ) -> Result<Option<Part>, ParseError> {
        let head = Head::parse(self.buffer.split_to(head_len).freeze())?;
        self.buffer.advance(body_start - head_len);
        self.state = State::Body { end, is_at_start: true };
        Ok(Some(Part::Head(head)))
    }

    /// Gives what is certainly body, and looks for the end-line.
    fn body(&mut self) -> Option<Part> {
        let State::Body { end, is_at_start } = &mut self.state else { return None };
        if *is_at_start {
            // Some clients write the end-line of an empty body right after the blank line.
            match ends_here(&self.buffer, &end[2..]) {
                Ends::Here(continuation, len) => {
                    self.buffer.advance(len);
                    self.state = State::Fresh;
                    return Some(Part::End(continuation));
                }
                Ends::Perhaps => return None,
                Ends::No => *is_at_start = false,
            }
        }
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&self.buffer[from..], end) {
            let at = from + at;
            match ends_here(&self.buffer[at..], end) {
                Ends::Here(continuation, len) if at == 0 => {
                    self.buffer.advance(len);
                    self.state = State::Fresh;
                    return Some(Part::End(continuation));
                }
                Ends::Here(..) | Ends::Perhaps if at > 0 => {
                    return Some(Part::Data(self.buffer.split_to(at).freeze()));
                }
                Ends::Here(..) | Ends::Perhaps => return None,
                Ends::No => from = at + 1,
            }
        }
        // What may turn out to be the beginning of the end-line stays.
        let kept = (end.len() - 1).min(self.buffer.len());
        let tail = self.buffer.len() - kept;
        let at = memchr::memchr(b'\r', &self.buffer[tail..]).map_or(self.buffer.len(), |at| tail + at);
        (at > 0).then(|| Part::Data(self.buffer.split_to(at).freeze()))
    }
}

impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Framer({} bytes pending)", self.buffer.len())
    }
}

enum Ends {
    /// The end-line, this long.
    Here(Continuation, usize),
    /// It cannot be told yet.
    Perhaps,
    No,
}

/// Whether `bytes` begin with the end mark, a flag and a line end.
fn ends_here(bytes: &[u8], mark: &[u8]) -> Ends {
    let Some(rest) = bytes.strip_prefix(mark) else {
        return if mark.starts_with(bytes) { Ends::Perhaps } else { Ends::No };
    };
    match (rest.first().map(|flag| Continuation::of(*flag)), rest.get(1), rest.get(2)) {
        (None, ..) => Ends::Perhaps,
        (Some(None), ..) => Ends::No,
        (Some(Some(_)), None, _) | (Some(Some(_)), Some(b'\r'), None) => Ends::Perhaps,
        (Some(Some(continuation)), Some(b'\r'), Some(b'\n')) => Ends::Here(continuation, mark.len() + 3),
        _ => Ends::No,
    }
}

/// The flag of a line that is the end-line of this transaction.
fn end_line(line: &[u8], mark: &[u8]) -> Option<Continuation> {
    match line.strip_prefix(mark)? {
        [flag] => Continuation::of(*flag),
        _ => None,
    }
}

/// Whether a stream that begins so can still become a frame.
fn may_begin(bytes: &[u8]) -> bool {
    let length = bytes.len().min(5);
    bytes[..length] == b"MSRP "[..length]
}
