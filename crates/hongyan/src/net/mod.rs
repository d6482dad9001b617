//! Transports: UDP, TCP, TLS and WebSocket. Bytes become parsed messages here and go to the inbox; what the centre
//! sends goes back out along the flow it names.
//!
//! - [`Network`] is the way out: `transmit` and `close`, never waiting. Every connection has a bounded queue; a reader so
//!   slow that it fills loses its connection, and nothing else (its mail stays in its mailbox).
//! - [`Edge`] is the way in, shared by the transports: it counts, answers bytes that are no message, and says 503 when
//!   the inbox is full.
//! - [`udp`], [`stream`] (TCP and TLS) and [`websocket`] run the connections. [`msrp`] runs those of MSRP; [`spool`] keeps what is
//!   too large for memory.

pub mod ceiling;
mod edge;
pub mod listener;
pub mod msrp;
pub mod patience;
pub mod spool;
pub mod stream;
pub mod tls;
pub mod udp;
pub mod websocket;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use rustc_hash::FxHashMap;
use sip::{Flow, Transport};
use tokio::sync::mpsc;

use crate::metrics::{self, Metrics};

pub use edge::{Edge, Limits};

/// Every open connection, and our UDP socket: where bytes for a flow go.
pub struct Network {
    udp: OnceLock<udp::Sender>,
    open: Mutex<FxHashMap<u64, mpsc::Sender<Bytes>>>,
    next_id: AtomicU64,
    queue_messages: usize,
    metrics: Arc<Metrics>,
}

impl Network {
    /// Without connections. Each connection may have `queue_messages` messages waiting.
    pub fn new(queue_messages: usize, metrics: Arc<Metrics>) -> Self {
        Self {
            udp: OnceLock::new(),
            open: Mutex::default(),
            next_id: AtomicU64::new(first_connection_id()),
            queue_messages,
            metrics,
        }
    }

    /// Sends `bytes` along `flow`, without waiting; when the flow is gone they are dropped, as the centre hears or has
    /// heard by its closing.
    pub fn transmit(&self, flow: &Flow, bytes: Bytes) {
        match flow.transport {
            Transport::Udp => self.transmit_datagrams(&[(flow.peer, bytes)]),
            _ => self.queue(flow, bytes),
        }
    }

    /// Sends everything in `outgoing`, datagrams with few system calls. Order is kept along each flow.
    pub fn transmit_all(&self, outgoing: impl IntoIterator<Item = (Flow, Bytes)>) {
        let mut datagrams = Vec::new();
        for (flow, bytes) in outgoing {
            match flow.transport {
                Transport::Udp => datagrams.push((flow.peer, bytes)),
                _ => self.queue(&flow, bytes),
            }
        }
        self.transmit_datagrams(&datagrams);
    }

    /// Ends the connection of `flow` once what is queued for it has been sent. UDP has none.
    pub fn close(&self, flow: &Flow) {
        self.connections().remove(&flow.id);
    }

    /// Ends every connection once what is queued for it has been sent.
    pub fn close_all(&self) {
        self.connections().clear();
    }

    /// Takes in a connection that has just been made; gives its flow and the queue of what is to be sent on it. When
    /// the queue ends, so must the connection.
    fn open(&self, transport: Transport, peer: SocketAddr) -> (Flow, mpsc::Receiver<Bytes>) {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::channel(self.queue_messages);
        self.connections().insert(id, sender);
        self.metrics.connections.get_or_create(&metrics::Transport::of(transport)).inc();
        (Flow { transport, id, peer }, receiver)
    }

    /// Forgets a connection that has ended.
    fn ended(&self, flow: &Flow) {
        self.connections().remove(&flow.id);
        self.metrics.connections.get_or_create(&metrics::Transport::of(flow.transport)).dec();
    }

    fn queue(&self, flow: &Flow, bytes: Bytes) {
        let mut connections = self.connections();
        let Some(sender) = connections.get(&flow.id) else {
            return;
        };
        if let Err(mpsc::error::TrySendError::Full(_)) = sender.try_send(bytes) {
            connections.remove(&flow.id);
            drop(connections);
            self.metrics.connections_refused.get_or_create(&metrics::Kind::of("slow_reader")).inc();
        }
    }

    fn transmit_datagrams(&self, datagrams: &[(SocketAddr, Bytes)]) {
        if datagrams.is_empty() {
            return;
        }
        let sent = self.udp.get().map_or(0, |udp| udp.send(datagrams));
        if sent < datagrams.len() {
            self.metrics.datagrams_dropped.inc_by((datagrams.len() - sent) as u64);
        }
    }

    /// From now on datagrams leave through `sender`; the first one given stays.
    fn attach_udp(&self, sender: udp::Sender) {
        let _ = self.udp.set(sender);
    }

    fn connections(&self) -> std::sync::MutexGuard<'_, FxHashMap<u64, mpsc::Sender<Bytes>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids go on from the wall clock, so that none comes twice, also after a restart: a million for each millisecond.
fn first_connection_id() -> u64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since_epoch.as_millis() as u64) << 20
}
