//! What the centre and the MSRP edge say to each other. The edge has the connections, cuts and joins chunks, and spools what is
//! large; the centre says which sessions there are, what is sent in them, and whether a message that came is kept.

use bytes::Bytes;
use rcs::address::Address;
use store::Spooled;

use crate::access::Refusal;
use crate::access::message::SessionBody;

/// Names a whole message that waits at the edge for its answer. The edge chooses it, never twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub u64);

/// What the edge is told; it leaves after the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A peer may join this session from now on. Said again when the peer's path becomes known or changes.
    Open {
        /// The session.
        session: msrp::connection::Session,
        /// Whose device the peer is: what lies on disk of its messages counts for this subscriber.
        owner: Address,
    },
    /// Send a message in a session that a peer has joined. Ends in [`Event::Sent`].
    Send {
        /// Our session id.
        session: String,
        /// Names it in what follows.
        send: u64,
        /// MSRP's Message-ID.
        message_id: String,
        /// Media type.
        content_type: String,
        /// Its bytes.
        body: Body,
    },
    /// Answer a message that came whole.
    Answer {
        /// Which.
        token: Token,
        /// 200: it is kept.
        status: u16,
    },
    /// The session is over. Its connection too, if no other session is on it.
    Close {
        /// Our session id.
        session: String,
    },
}

/// The bytes of a message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// At hand.
    Inline(Bytes),
    /// In a file.
    Spooled(Spooled),
}

/// What the edge tells.
#[derive(Debug)]
pub enum Event {
    /// The peer has joined a session.
    Bound {
        /// Our session id.
        session: String,
    },
    /// Something moves in a session.
    Active {
        /// Our session id.
        session: String,
    },
    /// A message came whole, and waits for [`Command::Answer`].
    Message {
        /// Our session id.
        session: String,
        /// For the answer.
        token: Token,
        /// MSRP's Message-ID.
        message_id: String,
        /// Media type.
        content_type: String,
        /// Its bytes.
        body: SessionBody,
    },
    /// A message of ours has been taken, or not.
    Sent {
        /// Which.
        send: u64,
        /// 200, or why not.
        status: u16,
    },
    /// A session's connection is gone.
    Lost {
        /// Our session id.
        session: String,
    },
}

/// What the sender of a message hears in MSRP (RFC 4975 §10) when we decline it. What may go well another time is 408, the only
/// status of MSRP's that does not say never; 403 is final.
pub(crate) fn status_of(refusal: &Refusal) -> u16 {
    match refusal.status() {
        400 => 400,
        413 => 413,
        415 | 416 => 415,
        480 | 500 | 503 => 408,
        _ => 403,
    }
}
