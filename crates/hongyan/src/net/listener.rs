//! Accepting TCP connections, for SIP and for HTTP: ceilings, TLS handshakes, and an end to both.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::log::Shown;
use crate::metrics::{Kind, Metrics};
use crate::net::ceiling::{Ceiling, Permit};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 1024;

/// After the system had no file descriptor left for a connection.
const EXHAUSTED_WAIT: Duration = Duration::from_millis(100);

/// How long connections that are ending may take once the listener stops.
const LINGER: Duration = Duration::from_secs(3);

/// Becomes true when everything is to stop.
pub type Stop = watch::Receiver<bool>;

/// Waits until `stop` becomes true (or whoever would tell is gone).
pub async fn stopped(mut stop: Stop) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Binds a listening socket. An IPv6 wildcard address takes IPv4 connections too.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts until `stop`, and runs `serve` for each connection that `ceiling` admits; then gives the connections a moment
/// to end by themselves before it drops them.
pub async fn accept<F>(
    listener: TcpListener,
    ceiling: Ceiling,
    metrics: Arc<Metrics>,
    stop: Stop,
    serve: impl Fn(TcpStream, SocketAddr, Permit) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut stopping = std::pin::pin!(stopped(stop));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut stopping => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "cannot accept connections");
                tokio::time::sleep(EXHAUSTED_WAIT).await;
                continue;
            }
        };
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let Some(permit) = ceiling.admit(peer.ip()) else {
            metrics.connections_refused.get_or_create(&Kind::of("ceiling")).inc();
            tracing::debug!(peer = %Shown(&peer), "connection refused: ceiling reached");
            continue;
        };
        // Messages are small and somebody waits for each.
        let _ = stream.set_nodelay(true);
        connections.spawn(serve(stream, peer, permit));
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LINGER, ended).await;
}

/// Whether accepting failed because of the connection that was to be accepted (accept(2), "Error handling").
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
