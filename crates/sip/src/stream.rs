//! Cuts a TCP or TLS byte stream into messages and keep-alives (RFC 3261 §18.3, RFC 5626 §3.5.1).

use std::fmt;

use bytes::{Buf, BytesMut};

use crate::HEAD_BYTES_MAX;
use crate::message::Message;
use crate::parse::{self, Head, ParseError, Problem};

/// What a stream holds next.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "the large one is nearly every one")]
pub enum Frame {
    /// A whole message.
    Message(Message),
    /// CRLFCRLF: answer with [`PONG`].
    Ping,
    /// A single CRLF: the answer to our own ping. Nothing to do.
    ///
    /// A ping that arrives in two halves comes out as a pong and a ping.
    Pong,
}

/// What keeps a flow alive, to be sent by the side that opened it (RFC 5626 §4.4.1).
pub const PING: &[u8] = b"\r\n\r\n";
/// What answers [`PING`].
pub const PONG: &[u8] = b"\r\n";

/// Most room made for a body before it is there.
const RESERVE_BYTES_MAX: usize = 16 * 1024;

/// The reading side of one connection. Memory stays below the largest head plus `body_bytes_max` plus what was
/// pushed last.
///
/// ```
/// use sip::stream::{Frame, Framer};
/// let mut framer = Framer::new(64 * 1024);
/// framer.push(b"\r\n\r\nOPTIONS sip:h SIP/2.0\r\nContent-Le");
/// assert!(matches!(framer.poll(), Ok(Some(Frame::Ping))));
/// assert!(matches!(framer.poll(), Ok(None)));
/// framer.push(b"ngth: 2\r\n\r\nhi");
/// let Ok(Some(Frame::Message(message))) = framer.poll() else { panic!("whole now") };
/// assert_eq!(message.body(), b"hi");
/// ```
#[derive(Default)]
pub struct Framer {
    buffer: BytesMut,
    body_bytes_max: usize,
    /// How far the buffer has been searched for the end of the head.
    searched: usize,
    /// The head at the front of the buffer, once whole, with the length of its body.
    head: Option<(Head, usize)>,
    /// A lone CRLF came last: another one makes a ping of the two.
    half_ping: bool,
    failed: bool,
}

impl Framer {
    /// A framer that refuses bodies of more than `body_bytes_max` bytes.
    pub fn new(body_bytes_max: usize) -> Self {
        Framer { body_bytes_max, ..Framer::default() }
    }

    /// Adds what was read from the connection.
    pub fn push(&mut self, bytes: &[u8]) {
        if !self.failed {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The buffer itself, for readers that can append straight into it; not after [`Framer::poll`] has failed.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Bytes waiting for the rest of their message.
    pub fn pending_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The next message or keep-alive; `None` when more bytes are needed.
    ///
    /// # Errors
    /// The stream cannot be read on: send [`ParseError::response`] if there is one, and close the connection. A
    /// message whose end is certain but whose head is broken is an error too; every later call gives `None`.
    pub fn poll(&mut self) -> Result<Option<Frame>, ParseError> {
        if self.failed {
            return Ok(None);
        }
        let frame = self.next_frame();
        if frame.is_err() {
            self.failed = true;
            self.buffer = BytesMut::new();
        }
        frame
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, ParseError> {
        if self.head.is_none() {
            if let Some(keep_alive) = self.keep_alive() {
                return Ok(Some(keep_alive));
            }
            if !self.read_head()? {
                return Ok(None);
            }
        }
        match self.head.take_if(|(head, body_len)| self.buffer.len() >= head.len + *body_len) {
            Some((head, body_len)) => {
                self.searched = 0;
                self.half_ping = false;
                let bytes = self.buffer.split_to(head.len + body_len).freeze();
                parse::assemble(head, bytes, body_len).map(|message| Some(Frame::Message(message)))
            }
            None => Ok(None),
        }
    }

    /// Takes a keep-alive off the front.
    fn keep_alive(&mut self) -> Option<Frame> {
        while self.buffer.first() == Some(&b'\n') {
            self.buffer.advance(1);
        }
        match self.buffer.as_ref() {
            [b'\r', b'\n', b'\r', b'\n', ..] => {
                self.half_ping = false;
                self.buffer.advance(4);
                Some(Frame::Ping)
            }
            // The third byte of a ping: its last is still to come.
            [b'\r', b'\n', b'\r'] => None,
            [b'\r', b'\n', ..] => {
                self.half_ping = !self.half_ping;
                self.buffer.advance(2);
                Some(if self.half_ping { Frame::Pong } else { Frame::Ping })
            }
            _ => None,
        }
    }

    /// Reads the head once its blank line is there; whether it is.
    fn read_head(&mut self) -> Result<bool, ParseError> {
        let Some(end) = end_of_head(&self.buffer, self.searched) else {
            self.searched = self.buffer.len().saturating_sub(3);
            if self.buffer.len() > HEAD_BYTES_MAX {
                return Err(ParseError::bare(Problem::HeadTooLarge));
            }
            return Ok(false);
        };
        if end > HEAD_BYTES_MAX {
            return Err(ParseError::bare(Problem::HeadTooLarge));
        }
        let mut head = parse::read_head(&self.buffer[..end]).map_err(ParseError::bare)?;
        let body_len = head.content_length.unwrap_or(0);
        let problem = match head.content_length {
            None => Some(Problem::ContentLengthMissing),
            Some(length) if length > self.body_bytes_max as u64 => Some(Problem::BodyTooLarge),
            Some(_) => None,
        };
        head.problem = head.problem.or(problem);
        if head.problem.is_some() {
            // The connection closes: no need to wait for the body.
            let bytes = self.buffer.split_to(head.len).freeze();
            parse::assemble(head, bytes, 0)?;
            return Err(ParseError::bare(Problem::HeaderLine));
        }
        // What is only announced gets little memory: the rest comes as the body does.
        let missing = (head.len + body_len as usize).saturating_sub(self.buffer.len());
        self.buffer.reserve(missing.min(RESERVE_BYTES_MAX));
        self.head = Some((head, body_len as usize));
        Ok(true)
    }
}

impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Framer({} bytes pending)", self.buffer.len())
    }
}

/// Position after the first blank line, looked for from `from` on.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', &bytes[from..]).map(|at| from + at).find_map(|feed| {
        match bytes.get(feed + 1..) {
            Some([b'\n', ..]) => Some(feed + 2),
            Some([b'\r', b'\n', ..]) => Some(feed + 3),
            _ => None,
        }
    })
}
