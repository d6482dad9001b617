//! Where bytes become messages: what all transports do with what they receive.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sip::{Flow, HeaderName, Message, Method, ParseError, ResponseBuilder};

use crate::engine::Input;
use crate::inbox::{Full, Inbox};
use crate::log::Shown;
use crate::metrics::{self, Metrics};
use crate::net::Network;

/// The way in, shared by every connection.
pub struct Edge {
    /// Where inputs go.
    pub inbox: Inbox,
    /// Where connections are kept.
    pub network: Arc<Network>,
    /// Where things are counted.
    pub metrics: Arc<Metrics>,
    /// What a connection may take.
    pub limits: Limits,
}

/// Ceilings of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Body of one message.
    pub body_bytes_max: usize,
    /// Nothing received for so long: the connection is closed.
    pub idle: Duration,
    /// For a handshake, for a message that has begun to arrive whole, and for a write to be taken by the peer.
    pub stall: Duration,
}

/// When a peer that heard 503 may try again (RFC 3261 §20.33).
const RETRY_AFTER_S: u32 = 2;

impl Edge {
    /// Hands a message to the centre. When it cannot take it, gives the answer to send instead: 503 to a request.
    pub(super) fn receive(&self, flow: Flow, message: Message) -> Option<Bytes> {
        let Err(Full(input)) = self.inbox.try_send(Input::Sip { flow, message }) else {
            return None;
        };
        self.metrics.refused.get_or_create(&metrics::Kind::of("sip")).inc();
        match *input {
            Input::Sip { message: Message::Request(request), .. } => busy(&request, &flow),
            _ => None,
        }
    }

    /// Counts and logs bytes that were no message; gives the answer to send, if the peer can be told.
    pub(super) fn malformed(&self, flow: &Flow, error: &ParseError) -> Option<Bytes> {
        self.metrics.malformed.get_or_create(&metrics::Transport::of(flow.transport)).inc();
        tracing::debug!(peer = %Shown(&flow.peer), transport = %flow.transport, problem = %error, "malformed");
        error.response()
    }

    /// Tells the centre that a connection has ended, however full the inbox is, since nothing else will tell it.
    pub(super) fn closed(&self, flow: Flow) {
        self.network.ended(&flow);
        self.inbox.send(Input::FlowClosed(flow));
    }
}

/// 503 with Retry-After, made from the request alone: no transaction is kept for it. ACK has no answer.
fn busy(request: &sip::Request, flow: &Flow) -> Option<Bytes> {
    if request.method() == Method::Ack {
        return None;
    }
    let answer = ResponseBuilder::for_request(request, 503, "")
        .to_tag("busy")
        .source(flow.peer)
        .header(HeaderName::RetryAfter, RETRY_AFTER_S)
        .build();
    Some(answer)
}
