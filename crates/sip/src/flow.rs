//! Where a message came from and where an answer goes: one connection, or one peer of a UDP socket.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What carries the bytes (RFC 3261 §18, RFC 7118).
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    Ws,
    Wss,
}

impl Transport {
    /// Whether the transport itself delivers or reports failure, so that nothing is sent twice.
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// The token of a Via: `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    pub const fn via_token(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// The transport of a Via or of a `transport=` parameter, in any case.
    pub fn of(token: &str) -> Option<Self> {
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss]
            .into_iter()
            .find(|transport| transport.via_token().eq_ignore_ascii_case(token))
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.via_token())
    }
}

/// One path to a peer: a connection that it opened, or its address as seen by one of our UDP sockets.
#[derive(Copy, Clone, Eq, PartialEq, Hash, Debug, Serialize, Deserialize)]
pub struct Flow {
    /// What carries the bytes.
    pub transport: Transport,
    /// Connection id, never used again, also after a restart; for UDP the index of our socket.
    pub id: u64,
    /// The peer's address as we see it.
    pub peer: SocketAddr,
}
