//! SIP as values (RFC 3261 and friends): bytes and time in, bytes and events out.
//!
//! Nothing here opens a socket, starts a thread or reads a clock. The pieces, from the wire inwards:
//!
//! - [`stream::Framer`] cuts a TCP or TLS byte stream into messages and keep-alives; datagrams and WebSocket
//!   messages go straight to [`Message::parse_datagram`] and [`Message::parse_websocket`].
//! - [`Message`], [`Request`], [`Response`] keep the received bytes and an index of their headers. Values are
//!   parsed when asked for: [`value`] has Via, Contact, name-addr, CSeq, Accept-Contact, Event, Refer-To; [`uri`] has SIP and
//!   tel URIs.
//! - [`RequestBuilder`], [`ResponseBuilder`] and [`Forward`] write messages, each into one buffer.
//! - [`digest`] challenges, verifies and answers (RFC 7616, RFC 8760).
//! - [`transaction::Layer`] holds client and server transactions (RFC 3261 §17, RFC 6026): it absorbs and sends
//!   retransmissions and pairs responses with requests.
//! - [`dialog::Dialog`] is what two parties remember of each other (RFC 3261 §12); it can be stored.
//!
//! ```
//! use bytes::Bytes;
//! use sip::{HeaderName, Message, ResponseBuilder};
//!
//! let wire = Bytes::from_static(
//!     b"MESSAGE sip:+8613800000002@hongyan.local SIP/2.0\r\n\
//!       Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
//!       From: <sip:+8613800000001@hongyan.local>;tag=a\r\n\
//!       To: <sip:+8613800000002@hongyan.local>\r\n\
//!       Call-ID: 7\r\n\
//!       CSeq: 1 MESSAGE\r\n\
//!       Content-Type: text/plain\r\n\
//!       Content-Length: 6\r\n\r\nsupper",
//! );
//! let Message::Request(request) = Message::parse_datagram(wire)? else { panic!("a request") };
//! assert_eq!(request.from()?.uri.user(), Some("+8613800000001"));
//! assert_eq!(request.body(), b"supper");
//!
//! let answer = ResponseBuilder::for_request(&request, 202, "Accepted").to_tag("b").build();
//! let Message::Response(answer) = Message::parse_datagram(answer)? else { panic!("a response") };
//! assert_eq!(answer.header(HeaderName::CallId).as_deref(), Some("7"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod dialog;
pub mod digest;
pub mod flow;
pub mod message;
pub mod method;
pub mod name;
mod parse;
pub mod stream;
pub mod transaction;
pub mod uri;
pub mod value;
pub mod write;

pub use flow::{Flow, Transport};
pub use message::{Headers, Message, Request, Response};
pub use method::Method;
pub use name::{HeaderName, Name};
pub use parse::{ParseError, Problem};
pub use uri::{Scheme, Uri};
pub use value::{
    AcceptContact, CSeq, Contact, ContactAddress, Features, Fit, HeaderError, NameAddr, Params, Reason,
    ReferTo, SubscriptionState, Via,
};
pub use write::{Forward, RequestBuilder, ResponseBuilder, reason_phrase};

/// Longest start line plus headers that is read, in bytes: 64 KiB, far above any real head, and small enough that
/// positions fit 16 bits.
pub const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Most header lines in one message. A long path of proxies adds two lines per hop; 128 leaves room for forty.
pub const HEADERS_MAX: usize = 128;

/// Largest request that may be put on UDP, in bytes (RFC 3261 §18.1.1, path MTU unknown).
pub const UDP_REQUEST_BYTES_MAX: usize = 1300;
