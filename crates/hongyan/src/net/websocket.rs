//! SIP over WebSocket (RFC 7118): one SIP message per WebSocket message, text or binary.
//!
//! The HTTP server has made the upgrade; [`upgrade`] is its handler of `/sip`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message as Frame, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use sip::stream::{PING, PONG};
use sip::{Flow, Message, Transport};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::http::Peer;
use crate::log::Shown;
use crate::net::Edge;

/// Per connection, and there may be a hundred thousand: what a usual message fits into.
const BUFFER_BYTES: usize = 4 * 1024;

/// We ping a silent peer so often; browsers answer by themselves, and proxies on the way see a living connection.
const PING_EVERY: Duration = Duration::from_secs(45);

/// Answers `GET /sip`: 101, or 400 when the peer does not ask for the subprotocol `sip` (RFC 7118 §4).
#[utoipa::path(
    get, path = "/sip",
    responses(
        (status = 101, description = "SIP messages follow, one a frame"),
        (status = 400, description = "No WebSocket, or not the subprotocol `sip`", content_type = "text/plain", body = String),
        (status = 426, description = "The connection cannot be upgraded", content_type = "text/plain", body = String),
    ),
)]
pub async fn upgrade(
    Extension(edge): Extension<Arc<Edge>>,
    Extension(peer): Extension<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols(["sip"]),
        Err(rejection) => return rejection.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "ask for the WebSocket subprotocol \"sip\" (RFC 7118)\n")
            .into_response();
    }
    let message_bytes_max = sip::HEAD_BYTES_MAX + edge.limits.body_bytes_max;
    upgrade
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * message_bytes_max)
        .max_message_size(message_bytes_max)
        .max_frame_size(message_bytes_max)
        .on_upgrade(move |socket| connection(socket, peer, edge))
}

/// Runs one connection to its end.
async fn connection(socket: WebSocket, peer: Peer, edge: Arc<Edge>) {
    let transport = if peer.secure { Transport::Wss } else { Transport::Ws };
    let (flow, mut outgoing) = edge.network.open(transport, peer.address);
    let reason = run(socket, flow, &mut outgoing, &edge).await;
    tracing::debug!(peer = %Shown(&peer.address), %transport, reason, "connection ended");
    edge.closed(flow);
}

/// Reads and writes until either side ends the connection; gives why it ended.
async fn run(
    socket: WebSocket,
    flow: Flow,
    outgoing: &mut mpsc::Receiver<Bytes>,
    edge: &Edge,
) -> &'static str {
    let (mut sink, mut stream) = socket.split();
    let stall = edge.limits.stall;
    // Pings go through their own small queue, so that reading and writing need not share anything else.
    let (ping, mut pings) = mpsc::channel(1);
    let read = async {
        let mut silent = Duration::ZERO;
        loop {
            let frame = match timeout(PING_EVERY, stream.next()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(_))) => return "broken by the peer",
                Ok(None) => return "ended by the peer",
                Err(_) => {
                    silent += PING_EVERY;
                    if silent >= edge.limits.idle {
                        return "idle";
                    }
                    let _ = ping.try_send(());
                    continue;
                }
            };
            silent = Duration::ZERO;
            let bytes = match frame {
                Frame::Text(text) => Bytes::from(text),
                Frame::Binary(bytes) => bytes,
                // Pings are answered by the library.
                Frame::Ping(_) | Frame::Pong(_) => continue,
                Frame::Close(_) => return "ended by the peer",
            };
            receive(edge, flow, bytes);
        }
    };
    let write = async {
        loop {
            let frame = tokio::select! {
                message = outgoing.recv() => match message {
                    Some(message) => frame_of(message),
                    None => break,
                },
                Some(()) = pings.recv() => Frame::Ping(Bytes::new()),
            };
            match timeout(stall, sink.send(frame)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return "broken by the peer",
                Err(_) => return "slow reader",
            }
        }
        let _ = timeout(stall, sink.close()).await;
        "closed by us"
    };
    tokio::select! {
        reason = read => reason,
        reason = write => reason,
    }
}

/// Takes one WebSocket message. One that is no SIP message is answered and forgotten: the next begins afresh.
fn receive(edge: &Edge, flow: Flow, bytes: Bytes) {
    if bytes == PONG || bytes.is_empty() {
        return;
    }
    let answer = if bytes == PING {
        Some(Bytes::from_static(PONG))
    } else {
        match Message::parse_websocket(bytes) {
            Ok(message) => edge.receive(flow, message),
            Err(error) => edge.malformed(&flow, &error),
        }
    };
    if let Some(answer) = answer {
        edge.network.transmit(&flow, answer);
    }
}

/// Text when the message is text, as browsers' libraries expect; binary otherwise.
fn frame_of(message: Bytes) -> Frame {
    match axum::extract::ws::Utf8Bytes::try_from(message.clone()) {
        Ok(text) => Frame::Text(text),
        Err(_) => Frame::Binary(message),
    }
}
