//! A whole frame: what one WebSocket message carries (RFC 7977 §5), and what tests and fixtures look at.

use bytes::{Bytes, BytesMut};

use crate::head::{Continuation, Head, ParseError};
use crate::stream::{Framer, Part};

/// A frame: head, body, end-line.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Start line and headers.
    pub head: Head,
    /// The body; `None` without one, which is not the same as an empty one.
    pub body: Option<Bytes>,
    /// The flag of the end-line.
    pub continuation: Continuation,
}

impl Frame {
    /// Reads exactly one frame. The body shares the buffer of `bytes`.
    ///
    /// # Errors
    /// It is none, it does not end, or something follows it.
    pub fn parse(bytes: Bytes) -> Result<Self, ParseError> {
        let mut framer = Framer::new();
        // Taking the buffer over copies nothing when nobody else holds it.
        *framer.buffer_mut() = bytes.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        let Some(Part::Head(head)) = framer.poll()? else { return Err(ParseError::EndLine) };
        let mut body = framer.is_in_body().then(Bytes::new);
        loop {
            match framer.poll()? {
                // The whole body is there, so it comes in one piece.
                Some(Part::Data(data)) if body.as_ref().is_some_and(Bytes::is_empty) => body = Some(data),
                Some(Part::End(continuation)) if framer.pending_bytes() == 0 => {
                    return Ok(Self { head, body, continuation });
                }
                _ => return Err(ParseError::EndLine),
            }
        }
    }
}
