//! What an operator may set of the message centre. Every value has the default of the profile (rcs-core §21).

use std::time::Duration;

use rcs::address::Numbering;
use sip::dialog::session_timer::Policy;

use crate::session::Kind;

use crate::files::Rules;

/// How the message centre behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Home country and domain; the domain is also the Digest realm.
    pub numbering: Numbering,
    /// Registration lifetimes.
    pub registration: Registration,
    /// How long a Digest nonce may be used.
    pub nonce_life: Duration,
    /// Wrong passwords for a subscriber from one address within five minutes, before whoever gives them has to wait.
    pub wrong_passwords_max: u32,
    /// Whether a request over UDP from the address of a subscriber's binding needs no credentials. Source addresses of
    /// datagrams can be forged: only for networks that prevent it.
    pub trust_udp_source: bool,
    /// How long a sender waits for the addressee's devices before the message is stored and answered with 202.
    pub hold: Duration,
    /// How long messages between people are kept.
    pub validity: Duration,
    /// How long reports are kept.
    pub report_validity: Duration,
    /// For how long a repeated message id is recognised, beyond the message's own life.
    pub dedup_window: Duration,
    /// Waits between attempts at a device that failed; the last one repeats.
    pub backoff: Vec<Duration>,
    /// Most entries in one mailbox.
    pub mailbox_entries_max: u64,
    /// Most body bytes in one mailbox.
    pub mailbox_bytes_max: u64,
    /// User part of the address that takes messages for many: `exploder` of `sip:exploder@DOMAIN`.
    pub exploder: String,
    /// Most addressees of one message.
    pub recipients_max: usize,
    /// Whether a sender whom the addressee has blocked is told so (403); otherwise the message is taken and dropped.
    pub refuse_blocked: bool,
    /// Largest body of a pager-mode message from a handset.
    pub pager_body_bytes_max: usize,
    /// Largest body after inflation.
    pub inflated_bytes_max: usize,
    /// How handsets are configured.
    pub provisioning: crate::provisioning::Config,
    /// What files of handsets are held to.
    pub files: Rules,
    /// Where handsets send requests within dialogs that they have with us; see [`RecordRoute`].
    pub record_route: RecordRoute,
    /// Groups.
    pub groups: crate::group::Config,
    /// Conversation histories.
    pub history: crate::history::Config,
    /// Subscriptions.
    pub events: crate::events::Config,
    /// SIP transaction timers and ceilings.
    pub transactions: sip::transaction::Config,
    /// Chats and large messages.
    pub sessions: Sessions,
    /// What was given up on on its way to chatbots.
    pub dead_letters: crate::dead_letters::Config,
}

/// Chats and large messages over MSRP.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// Where peers reach us with MSRP.
    pub media: Media,
    /// A chat in which nothing moves for so long is ended.
    pub idle: Duration,
    /// The same for one that we began to hand over what waited.
    pub deferred_idle: Duration,
    /// How long a device may ring before we take the chat ourselves.
    pub ring: Duration,
    /// How long a device may take to open its MSRP connection.
    pub connect: Duration,
    /// Session timers (RFC 4028).
    pub timer: Policy,
    /// Largest message in a chat, of two or of a group.
    pub chat_bytes_max: u64,
    /// Largest large-mode message.
    pub large_bytes_max: u64,
    /// Most sessions of one subscriber, all devices together.
    pub per_subscriber_max: usize,
}

/// Host and port of our MSRP listeners, as they stand in SDP; absent ones do not listen.
#[derive(Debug, Clone, Default)]
pub struct Media {
    /// Plain TCP.
    pub tcp: Option<(String, u16)>,
    /// TLS.
    pub tls: Option<(String, u16)>,
    /// WebSocket.
    pub ws: Option<(String, u16)>,
    /// WebSocket over TLS.
    pub wss: Option<(String, u16)>,
    /// Of the TLS listener's certificate: `SHA-256 AA:BB:…`.
    pub fingerprint: Option<String>,
}

impl Sessions {
    /// The largest message in a session of this kind.
    pub fn bytes_max(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Chat | Kind::Deferred | Kind::Group => self.chat_bytes_max,
            Kind::Large => self.large_bytes_max,
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            media: Media::default(),
            idle: Duration::from_secs(180),
            deferred_idle: Duration::from_secs(10),
            ring: Duration::from_secs(60),
            connect: Duration::from_secs(30),
            timer: Policy::default(),
            chat_bytes_max: 1 << 20,
            large_bytes_max: 10 << 20,
            per_subscriber_max: 100,
        }
    }
}

/// What stands in Record-Route of requests and answers that open dialogs with us, as `host:port`: without it, a client asks
/// DNS for the host of our Contact, which names a group or a subscriber and no machine. `None`: nothing. WebSocket clients
/// use the connection they have.
#[derive(Debug, Clone, Default)]
pub struct RecordRoute {
    /// Over UDP.
    pub udp: Option<String>,
    /// Over TCP.
    pub tcp: Option<String>,
    /// Over TLS.
    pub tls: Option<String>,
}

/// Registration lifetimes and ceilings (RFC 3261 §10.2.1.1).
#[derive(Debug, Clone)]
pub struct Registration {
    /// Shorter wishes are refused with 423.
    pub expires_s_min: u32,
    /// When the client names none.
    pub expires_s_default: u32,
    /// Longer wishes are cut.
    pub expires_s_max: u32,
    /// Most devices of one subscriber.
    pub devices_max: usize,
}

impl Config {
    /// The defaults for a domain.
    pub fn new(numbering: Numbering, transactions: sip::transaction::Config) -> Self {
        const MINUTE: u64 = 60;
        const DAY: u64 = 24 * 60 * MINUTE;
        Self {
            provisioning: crate::provisioning::Config::new(&numbering.domain),
            numbering,
            registration: Registration {
                expires_s_min: 60,
                expires_s_default: 3600,
                expires_s_max: 600_000,
                devices_max: 10,
            },
            nonce_life: Duration::from_secs(300),
            wrong_passwords_max: 10,
            trust_udp_source: false,
            hold: Duration::from_secs(4),
            validity: Duration::from_secs(30 * DAY),
            report_validity: Duration::from_secs(7 * DAY),
            dedup_window: Duration::from_secs(DAY),
            backoff: [1, 5, 30].map(|minutes| Duration::from_secs(minutes * MINUTE)).to_vec(),
            mailbox_entries_max: 10_000,
            mailbox_bytes_max: 64 << 20,
            exploder: "exploder".to_owned(),
            recipients_max: 100,
            refuse_blocked: false,
            pager_body_bytes_max: 8 << 10,
            inflated_bytes_max: 1 << 20,
            files: Rules::new(),
            record_route: RecordRoute::default(),
            groups: crate::group::Config::default(),
            history: crate::history::Config::default(),
            events: crate::events::Config::default(),
            transactions,
            sessions: Sessions::default(),
            dead_letters: Default::default(),
        }
    }

    /// Our domain, which is also the Digest realm.
    pub fn domain(&self) -> &str {
        &self.numbering.domain
    }

    /// The address that spam reports are for.
    pub(crate) fn spam_address(&self) -> rcs::Address {
        self.numbering.chatbot(crate::spam::PLATFORM_USER).expect("a name that a chatbot may have")
    }

    /// How long to wait after the `attempts`th failure in a row (from 1).
    pub fn backoff(&self, attempts: u32) -> Duration {
        let index = (attempts.max(1) as usize - 1).min(self.backoff.len().saturating_sub(1));
        self.backoff.get(index).copied().unwrap_or(Duration::from_secs(60))
    }
}
