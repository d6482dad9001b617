//! `[http]`, `[sip]`, `[msrp]`, `[tls]`: where we listen, and what connections may cost.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::value::{Listen, nonzero, nonzero_u64};

/// `[http]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Plain HTTP and WebSocket.
    pub listen: Listen,
    /// The same over TLS.
    pub tls_listen: Listen,
    /// How peers reach us (`https://rcs.example`), without a trailing slash; empty: made from the bound address.
    pub public_url: String,
    /// Connections at once, WebSocket handsets included.
    pub max_connections: NonZeroU32,
    /// Connections at once from one IP address.
    pub max_connections_per_address: NonZeroU32,
    /// For the head of a request to arrive, and for an idle connection to be kept.
    pub header_timeout_s: NonZeroU64,
    /// For a request to be answered, body included.
    pub request_timeout_s: NonZeroU64,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: Listen::port(8080),
            tls_listen: Listen::OFF,
            public_url: String::new(),
            max_connections: nonzero(200_000),
            max_connections_per_address: nonzero(2_000),
            header_timeout_s: nonzero_u64(30),
            request_timeout_s: nonzero_u64(30),
        }
    }
}

/// `[sip]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sip {
    /// UDP.
    pub udp: Listen,
    /// TCP.
    pub tcp: Listen,
    /// TLS over TCP.
    pub tls: Listen,
    /// How handsets reach us within dialogs: a host name or address; empty: the listeners' own address, or the domain.
    pub public_host: String,
    /// TCP and TLS connections at once.
    pub max_connections: NonZeroU32,
    /// TCP and TLS connections at once from one IP address.
    pub max_connections_per_address: NonZeroU32,
    /// A connection on which nothing was received for so long is closed; also WebSocket.
    pub idle_timeout_s: NonZeroU64,
    /// For a TLS handshake, and for a message that has begun to arrive whole.
    pub handshake_timeout_s: NonZeroU64,
    /// Messages waiting for a slow reader before its connection is closed.
    pub queue_messages: NonZeroU32,
    /// The kernel's receive buffer of the UDP socket.
    pub udp_buffer_bytes: NonZeroU32,
    /// Whether a request over UDP from the address of a subscriber's binding needs no credentials.
    pub trust_udp_source: bool,
}

impl Default for Sip {
    fn default() -> Self {
        Self {
            udp: Listen::port(5060),
            tcp: Listen::port(5060),
            tls: Listen::OFF,
            public_host: String::new(),
            max_connections: nonzero(200_000),
            max_connections_per_address: nonzero(2_000),
            idle_timeout_s: nonzero_u64(600),
            handshake_timeout_s: nonzero_u64(10),
            queue_messages: nonzero(512),
            udp_buffer_bytes: nonzero(4 << 20),
            trust_udp_source: false,
        }
    }
}

/// `[msrp]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Msrp {
    /// TCP.
    pub listen: Listen,
    /// TLS over TCP.
    pub tls_listen: Listen,
    /// Host name or IP address by which handsets reach these listeners; empty: found out.
    pub public_host: String,
    /// TCP and TLS connections at once.
    pub max_connections: NonZeroU32,
    /// TCP and TLS connections at once from one IP address.
    pub max_connections_per_address: NonZeroU32,
    /// Body bytes of the chunks that we send.
    pub chunk_bytes: NonZeroU32,
    /// Bytes of large bodies on disk, arriving ones included.
    pub spool_bytes: NonZeroU64,
    /// Of them, what one subscriber has sent.
    pub spool_share_bytes: NonZeroU64,
}

impl Default for Msrp {
    fn default() -> Self {
        Self {
            listen: Listen::port(2855),
            tls_listen: Listen::OFF,
            public_host: String::new(),
            max_connections: nonzero(200_000),
            max_connections_per_address: nonzero(2_000),
            chunk_bytes: nonzero(msrp::CHUNK_BYTES as u32),
            spool_bytes: nonzero_u64(4 << 30),
            spool_share_bytes: nonzero_u64(256 << 20),
        }
    }
}

/// `[tls]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// PEM file with the certificate chain, ours first; empty: none.
    pub certificate: PathBuf,
    /// PEM file with its private key.
    pub key: PathBuf,
    /// Without a certificate, make one that nobody trusts and keep it in the data directory.
    pub self_signed: bool,
}
