//! MSRP as values (RFC 4975, with RFC 6135, RFC 6714 and RFC 7977): bytes and time in, bytes and events out.
//!
//! Nothing here opens a socket, starts a thread or reads a clock. From the wire inwards:
//!
//! - [`stream::Framer`] cuts a TCP or TLS byte stream into heads, pieces of bodies and end-lines, so that a chunk of any
//!   size passes without being held; [`Frame::parse`] reads one WebSocket message.
//! - [`Head`] keeps the received bytes and an index of their headers; [`FrameBuilder`] writes requests and responses.
//! - [`Reassembly`] knows which bytes of a message have come, in whatever order its chunks arrive.
//! - [`Connection`] is one transport connection with any number of sessions on it: it answers, reports, sends in
//!   chunks, and tells what came. Where the bytes of a message are kept is its user's affair.
//! - [`sdp`] reads and writes the descriptions by which SIP sets sessions up, and makes offers and answers.
//!
//! ```
//! use bytes::Bytes;
//! use msrp::{Continuation, Frame, Method, Start};
//!
//! let wire = Bytes::from_static(
//!     b"MSRP a786hjs2 SEND\r\n\
//!       To-Path: msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp\r\n\
//!       From-Path: msrp://atlanta.example.com:7654/jshA7weztas;tcp\r\n\
//!       Message-ID: 87652491\r\n\
//!       Byte-Range: 1-25/25\r\n\
//!       Content-Type: text/plain\r\n\
//!       \r\n\
//!       Hey Bob, are you there?\r\n\
//!       -------a786hjs2$\r\n",
//! );
//! let frame = Frame::parse(wire)?;
//! assert_eq!(frame.head.start(), Start::Request(Method::Send));
//! assert_eq!(frame.body.as_deref(), Some(&b"Hey Bob, are you there?"[..]));
//! assert_eq!(frame.continuation, Continuation::Complete);
//! # Ok::<(), msrp::ParseError>(())
//! ```
#![forbid(unsafe_code)]

pub mod connection;
mod frame;
mod head;
mod reassembly;
pub mod sdp;
pub mod stream;
mod uri;
mod write;

pub use connection::Connection;
pub use frame::Frame;
pub use head::{ByteRange, Continuation, FailureReport, Head, Header, Method, ParseError, Start};
pub use reassembly::{Misplaced, Reassembly};
pub use uri::{MsrpUri, UriError, session_id_of};
pub use write::FrameBuilder;

/// Longest start line plus headers that is read, in bytes. Real heads have a few hundred; a path through relays adds
/// a URI for each.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Most header lines in one frame.
pub const HEADERS_MAX: usize = 64;

/// Body bytes of the chunks that we send: RFC 4975 §7.1.1 lets chunks up to this size be sent without being
/// interruptible.
pub const CHUNK_BYTES: usize = 2048;
