//! Transactions (RFC 3261 §17, RFC 6026): retransmissions sent and absorbed, responses paired with requests.
//!
//! [`ServerTransaction`] and [`ClientTransaction`] are the state machines as single values. [`Layer`] holds many of
//! them, finds the one that a message belongs to, and keeps their timers. Time is a `Duration` since an origin of the
//! caller's choosing; give it times that do not run backwards.
//!
//! ```
//! use std::time::Duration;
//! use sip::transaction::{Config, Event, Layer};
//! use sip::{Flow, Message, ResponseBuilder, Transport};
//!
//! let flow = Flow { transport: Transport::Udp, id: 0, peer: "192.0.2.1:5060".parse()? };
//! let mut layer = Layer::new(Config::new("hongyan.local:5060", [7; 16]));
//! let now = Duration::ZERO;
//!
//! let wire = bytes::Bytes::from_static(
//!     b"OPTIONS sip:hongyan.local SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;rport\r\n\
//!       From: <sip:a@h>;tag=1\r\nTo: <sip:h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n",
//! );
//! let message = Message::parse_datagram(wire.clone())?;
//! let Some(Event::Request { tx, request, .. }) = layer.receive(now, flow, message) else { panic!("a request") };
//! let answer = ResponseBuilder::for_request(&request, 200, "").to_tag("t").source(flow.peer).build();
//! layer.respond(now, tx, answer.clone())?;
//! assert_eq!(layer.poll_transmit(), Some((flow, answer.clone())));
//!
//! // The answer was lost: the request comes again and is answered again without us.
//! assert!(layer.receive(now, flow, Message::parse_datagram(wire)?).is_none());
//! assert_eq!(layer.poll_transmit(), Some((flow, answer)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::time::Duration;

use crate::flow::Flow;
use crate::message::{Request, Response};

mod answered;
mod client;
mod layer;
mod server;
mod timers;

pub use client::{ClientTransaction, OnResponse};
pub use layer::{Config, Gone, Layer, RequestError};
pub use server::{OnTimeout, ServerTransaction};

/// The timer values of RFC 3261 table 4; the others follow from these.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Estimate of the round trip, 500 ms.
    pub t1: Duration,
    /// Longest pause between retransmissions, 4 s.
    pub t2: Duration,
    /// How long a message may linger in the network, 5 s.
    pub t4: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing { t1: Duration::from_millis(500), t2: Duration::from_secs(4), t4: Duration::from_secs(5) }
    }
}

impl Timing {
    /// 64·T1: timers B, F, H, J, L, M.
    pub fn give_up(&self) -> Duration {
        self.t1 * 64
    }

    /// Timer D on UDP: at least 32 s.
    pub fn absorb_final(&self) -> Duration {
        self.give_up().max(Duration::from_secs(32))
    }
}

/// Longest that an INVITE may stay without a final answer; far above any ringing (timer C is over 3 minutes).
pub const INVITE_PENDING_MAX: Duration = Duration::from_secs(600);

/// How long an INVITE may wait for its first answer before the layer sends 100 (RFC 3261 §17.2.1).
pub const TRYING_AFTER: Duration = Duration::from_millis(200);

/// Names a server transaction of one [`Layer`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerTxId(pub(crate) u64);

/// Names a client transaction of one [`Layer`].
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientTxId(pub(crate) u64);

/// What the layer tells its user.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "the large variants are the common ones")]
pub enum Event {
    /// A new request, never ACK or CANCEL. Answer it with [`Layer::respond`].
    Request {
        /// To be answered.
        tx: ServerTxId,
        /// Where it came from.
        flow: Flow,
        /// Has Via, From, To, Call-ID and a CSeq that fits its method.
        request: Request,
    },
    /// A response to one of our requests; any number of provisional ones, then a final one. An INVITE may get several
    /// 2xx (RFC 6026 §7.2), each of which the user acknowledges.
    Response {
        /// The request's transaction.
        tx: ClientTxId,
        /// The response, whose top Via is ours.
        response: Response,
    },
    /// Nobody answered within 64·T1 (timers B and F).
    TimedOut {
        /// Ended.
        tx: ClientTxId,
    },
    /// The flow closed before a final response.
    TransportFailed {
        /// Ended.
        tx: ClientTxId,
    },
    /// An ACK to a 2xx. Those to other final responses are absorbed.
    Ack {
        /// The INVITE's transaction, when the ACK has its branch.
        tx: Option<ServerTxId>,
        /// Where it came from.
        flow: Flow,
        /// The ACK.
        request: Request,
    },
    /// The peer gives up on an INVITE that has no final answer yet. The CANCEL itself is answered already; answer
    /// the INVITE with 487.
    Cancel {
        /// The INVITE's transaction.
        tx: ServerTxId,
    },
    /// No ACK came for a final response of 300 or more (timer H).
    NoAck {
        /// The INVITE's transaction, ended.
        tx: ServerTxId,
    },
}
