//! SIP over TCP and TLS (RFC 3261 §18, RFC 5626): one task per connection that reads and writes at once.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sip::stream::{Frame, Framer, PONG};
use sip::{Flow, Transport};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::log::Shown;
use crate::metrics::Metrics;
use crate::net::Edge;
use crate::net::ceiling::Ceiling;
use crate::net::listener::{self, Stop, stopped};

/// Room asked for before each read; what a usual message fits into.
const READ_BYTES: usize = 2048;

/// Messages written with one system call, and the bytes that are copied together for it.
const WRITE_MESSAGES: usize = 32;
const WRITE_BYTES: usize = 64 * 1024;

/// Serves SIP on `listener` until `stop`, over TLS when there is an `acceptor`.
pub async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    ceiling: Ceiling,
    edge: Arc<Edge>,
    stop: Stop,
) {
    let metrics: Arc<Metrics> = edge.metrics.clone();
    let stop_connections = stop.clone();
    listener::accept(listener, ceiling, metrics, stop, move |stream, peer, permit| {
        let (edge, acceptor, stop) = (edge.clone(), acceptor.clone(), stop_connections.clone());
        async move {
            let _permit = permit;
            match acceptor {
                None => connection(stream, Transport::Tcp, peer, &edge, stop).await,
                Some(acceptor) => match timeout(edge.limits.stall, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => connection(stream, Transport::Tls, peer, &edge, stop).await,
                    Ok(Err(error)) => tracing::debug!(peer = %Shown(&peer), %error, "TLS handshake failed"),
                    Err(_) => tracing::debug!(peer = %Shown(&peer), "TLS handshake took too long"),
                },
            }
        }
    })
    .await;
}

/// Runs one connection to its end.
async fn connection<S>(stream: S, transport: Transport, peer: SocketAddr, edge: &Edge, stop: Stop)
where
    S: AsyncRead + AsyncWrite,
{
    let (flow, outgoing) = edge.network.open(transport, peer);
    let (reader, writer) = tokio::io::split(stream);
    let end = tokio::select! {
        end = read(reader, flow, edge, stop) => end,
        written = write(writer, outgoing, edge) => written.map(|()| "closed by us"),
    };
    match end {
        Ok(reason) => tracing::debug!(peer = %Shown(&peer), %transport, reason, "connection ended"),
        Err(error) => tracing::debug!(peer = %Shown(&peer), %transport, %error, "connection failed"),
    }
    edge.closed(flow);
}

/// Reads messages until the peer ends the connection, breaks the framing or falls silent; gives why it ended.
async fn read<R>(mut reader: R, flow: Flow, edge: &Edge, stop: Stop) -> io::Result<&'static str>
where
    R: AsyncRead + Unpin,
{
    let mut stopping = std::pin::pin!(stopped(stop));
    let mut framer = Framer::new(edge.limits.body_bytes_max);
    let mut deadline = Instant::now() + edge.limits.idle;
    let mut begun = false;
    loop {
        framer.buffer_mut().reserve(READ_BYTES);
        let bytes_read = tokio::select! {
            read = timeout_at(deadline, reader.read_buf(framer.buffer_mut())) => match read {
                Ok(read) => read?,
                Err(_) if begun => return Ok("message did not arrive whole"),
                Err(_) => return Ok("idle"),
            },
            () = &mut stopping => {
                // Lets the answers that are under way out; the queue ends when the centre has ended.
                std::future::pending::<()>().await;
                return Ok("stopping");
            }
        };
        if bytes_read == 0 {
            return Ok("ended by the peer");
        }
        let mut complete = false;
        loop {
            match framer.poll() {
                Ok(Some(Frame::Message(message))) => {
                    complete = true;
                    if let Some(answer) = edge.receive(flow, message) {
                        edge.network.transmit(&flow, answer);
                    }
                }
                Ok(Some(Frame::Ping)) => {
                    complete = true;
                    edge.network.transmit(&flow, Bytes::from_static(PONG));
                }
                Ok(Some(Frame::Pong)) => complete = true,
                Ok(None) => break,
                Err(error) => {
                    if let Some(answer) = edge.malformed(&flow, &error) {
                        edge.network.transmit(&flow, answer);
                    }
                    // The writer ends when it has sent what is queued, and the connection with it.
                    edge.network.close(&flow);
                    std::future::pending::<()>().await;
                }
            }
        }
        // A message has a fixed time to arrive from its first byte on, however slowly it drips.
        let partial = framer.pending_bytes() > 0;
        if !partial {
            deadline = Instant::now() + edge.limits.idle;
        } else if complete || !begun {
            deadline = Instant::now() + edge.limits.stall;
        }
        begun = partial;
        if !partial && framer.buffer_mut().capacity() > 4 * READ_BYTES {
            // An idle connection does not keep the buffer of its largest message.
            *framer.buffer_mut() = BytesMut::new();
        }
    }
}

/// Writes what is queued until the queue ends.
async fn write<W>(mut writer: W, mut outgoing: mpsc::Receiver<Bytes>, edge: &Edge) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut messages = Vec::new();
    while outgoing.recv_many(&mut messages, WRITE_MESSAGES).await > 0 {
        if let [message] = messages.as_slice() {
            send(&mut writer, message, edge).await?;
            messages.clear();
            continue;
        }
        let mut together = BytesMut::new();
        for message in messages.drain(..) {
            if together.len() + message.len() > WRITE_BYTES {
                send(&mut writer, &together.split(), edge).await?;
            }
            together.extend_from_slice(&message);
        }
        send(&mut writer, &together, edge).await?;
    }
    let _ = timeout(edge.limits.stall, writer.shutdown()).await;
    Ok(())
}

async fn send<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8], edge: &Edge) -> io::Result<()> {
    let written = async {
        writer.write_all(bytes).await?;
        writer.flush().await
    };
    timeout(edge.limits.stall, written).await.map_err(|_| io::ErrorKind::TimedOut)?
}
