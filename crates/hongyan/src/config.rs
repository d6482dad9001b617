//! The configuration: one TOML file, environment variables on top of it, a few flags on top of those.
//!
//! `config/hongyan.toml` in the repository shows every key with its default and a comment; a test holds it to
//! [`Config::default`]. Unknown keys are errors everywhere, in the file with line and column.
//!
//! A variable `HONGYAN_SECTION__KEY` overrides `key` of `[section]`, and `HONGYAN_DOMAIN` the `domain` at the top. Text
//! is taken as it stands; numbers, booleans and lists in TOML's syntax.

mod campaigns;
mod consent;
mod content;
mod environment;
mod listeners;
mod log;
mod media;
mod provisioning;
mod value;

use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;

use rcs::address::Numbering;
use serde::{Deserialize, Serialize};

pub use campaigns::{Admin, Campaigns};
pub use consent::Consent;
pub use content::{Content, ForeignUrls};
pub use listeners::{Http, Msrp, Sip, Tls};
pub use log::{Log, LogAddresses, LogFormat};
pub use media::Media;
pub use provisioning::{Network, Provisioning};
pub use value::{Country, Domain, Listen, seconds};
use value::{nonzero, nonzero_u64};

/// Everything that can be configured; [`Config::load`] makes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The SIP domain of the subscribers; chatbots live in `botplatform.` of it.
    pub domain: Domain,
    /// The country whose national numbers are understood.
    pub country: Country,
    /// The HTTP listener and what it serves.
    pub http: Http,
    /// The SIP listeners.
    pub sip: Sip,
    /// The MSRP listeners.
    pub msrp: Msrp,
    /// Chats and large messages.
    pub sessions: Sessions,
    /// Certificates of the TLS listeners.
    pub tls: Tls,
    /// The thread that decides.
    pub centre: Centre,
    /// Registrations.
    pub registrar: Registrar,
    /// Messages.
    pub messages: Messages,
    /// Auto-configuration of handsets.
    pub provisioning: Provisioning,
    /// Files.
    pub content: Content,
    /// Groups.
    pub groups: Groups,
    /// Subscriptions to groups, registrations and presence.
    pub events: Events,
    /// Conversation histories.
    pub history: History,
    /// Chatbots.
    pub maap: Maap,
    /// Campaigns.
    pub campaigns: Campaigns,
    /// The administration API.
    pub admin: Admin,
    /// What users are protected from.
    pub consent: Consent,
    /// What chatbots upload.
    pub media: Media,
    /// The log.
    pub log: Log,
    /// `serve --demo`.
    pub demo: Demo,
}

/// `[sessions]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sessions {
    /// A chat in which nothing moves for so long is ended.
    pub idle_s: NonZeroU64,
    /// How long a device may ring before the chat is taken for it.
    pub ring_s: NonZeroU64,
    /// Session timer that is asked for.
    pub session_timer_s: NonZeroU32,
    /// Largest message in a chat.
    pub chat_bytes: NonZeroU64,
    /// Largest large-mode message.
    pub large_message_bytes: NonZeroU64,
    /// Sessions of one subscriber at once.
    pub per_subscriber: NonZeroU32,
}

/// `[centre]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Centre {
    /// Inputs that may wait; beyond, peers hear 503 or 429.
    pub inbox_messages: NonZeroU32,
}

/// `[registrar]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Registrar {
    /// Shortest registration accepted (423 below).
    pub min_expires_s: NonZeroU32,
    /// Registration when the device names none.
    pub default_expires_s: NonZeroU32,
    /// Longest registration granted.
    pub max_expires_s: NonZeroU32,
    /// Devices of one subscriber.
    pub max_devices: NonZeroU32,
    /// How long a Digest nonce may be used.
    pub nonce_s: NonZeroU64,
    /// Wrong passwords for a subscriber from one address in five minutes.
    pub wrong_passwords: NonZeroU32,
}

/// `[groups]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Groups {
    /// User part of the conference factory's URI.
    pub factory: String,
    /// Members of one group.
    pub max_members: NonZeroU32,
    /// Groups of one subscriber.
    pub max_groups: NonZeroU32,
    /// UTF-8 bytes of a subject.
    pub max_subject_bytes: NonZeroU32,
    /// Whether any member brings in others, or only administrators.
    pub members_may_add: bool,
    /// Whether any member changes the subject, or only administrators.
    pub members_may_change_subject: bool,
    /// The same for the icon.
    pub members_may_change_icon: bool,
}

impl Default for Groups {
    fn default() -> Self {
        Self {
            factory: "conference-factory".to_owned(),
            max_members: nonzero(100),
            max_groups: nonzero(500),
            max_subject_bytes: nonzero(255),
            members_may_add: true,
            members_may_change_subject: true,
            members_may_change_icon: true,
        }
    }
}

/// `[events]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// Longest subscription without a refresh.
    pub max_subscription_s: NonZeroU32,
    /// Subscriptions to one presence, and those that one subscriber may begin in an hour.
    pub max_presence_watchers: NonZeroU32,
}

impl Default for Events {
    fn default() -> Self {
        Self { max_subscription_s: nonzero(3600), max_presence_watchers: nonzero(500) }
    }
}

/// `[history]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    /// Whether subscribers may have one.
    pub offered: bool,
    /// How long a message is kept.
    pub keep_s: NonZeroU64,
    /// Messages of one subscriber.
    pub max_messages: NonZeroU32,
    /// Bytes of bodies of one subscriber.
    pub max_bytes: NonZeroU64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            offered: true,
            keep_s: nonzero_u64(90 * 86_400),
            max_messages: nonzero(5_000),
            max_bytes: nonzero_u64(32 << 20),
        }
    }
}

impl History {
    /// The same as the message centre knows it.
    pub fn terms(&self) -> message_centre::history::Config {
        message_centre::history::Config {
            is_offered: self.offered,
            keep: seconds(self.keep_s),
            messages_max: self.max_messages.get().into(),
            bytes_max: self.max_bytes.get(),
            ..message_centre::history::Config::default()
        }
    }
}

/// `[messages]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Messages {
    /// How long a sender waits for the addressee's devices before the message is stored and answered with 202.
    pub hold_s: NonZeroU64,
    /// How long a message between people waits for its addressee.
    pub keep_s: NonZeroU64,
    /// How long a report waits.
    pub keep_reports_s: NonZeroU64,
    /// Largest body of a message from a handset.
    pub max_body_bytes: NonZeroU32,
    /// Messages in one mailbox.
    pub mailbox_messages: NonZeroU32,
    /// Bytes of bodies in one mailbox.
    pub mailbox_bytes: NonZeroU64,
    /// User part of the address that takes messages for many.
    pub exploder: String,
    /// Addressees of one message.
    pub max_recipients: NonZeroU32,
    /// What a person hears who writes to somebody that has blocked them.
    pub blocked: Blocked,
}

/// What becomes of messages of people who are blocked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blocked {
    /// Taken and dropped, so that the sender does not know.
    Drop,
    /// Refused with 403.
    Refuse,
}

/// `[maap]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Maap {
    /// Whether webhooks may be private or loopback addresses for every chatbot.
    pub allow_private_webhooks: bool,
    /// To connect to a webhook.
    pub webhook_connect_timeout_s: NonZeroU64,
    /// For a webhook call, from its start to the end of the answer.
    pub webhook_timeout_s: NonZeroU64,
    /// Webhook calls at once.
    pub pushes: NonZeroU32,
    /// Webhook calls at once to one chatbot.
    pub pushes_per_chatbot: NonZeroU32,
    /// Waits before a webhook call that failed is made again; the last one repeats.
    pub webhook_retries_s: Vec<NonZeroU64>,
    /// How much longer a wait may be, in percent of it.
    pub webhook_jitter_percent: u32,
    /// So long after its first failure a call is given up and becomes a dead letter.
    pub webhook_give_up_s: NonZeroU64,
    /// Dead letters of one chatbot.
    pub dead_letters: NonZeroU32,
    /// How long they are kept.
    pub dead_letters_keep_s: NonZeroU64,
    /// Messages a second that a chatbot may send, counted by addressee.
    pub sends_per_second: NonZeroU32,
    /// Messages a day; 0: any number.
    pub sends_per_day: u64,
    /// Messages a month; 0: any number.
    pub sends_per_month: u64,
    /// By whose clocks days, months and quiet hours are told: `Asia/Shanghai`, or `+08:00`.
    pub time_zone: rcs::local_time::LocalTime,
    /// Whether chatbots know users by tokens and not by numbers.
    pub anonymous: bool,
    /// How long a chatbot's message waits for its addressee.
    pub keep_s: NonZeroU64,
    /// How URLs of media in chatbots' messages may begin, beside links of our own; none: in any way, unless
    /// `issued_media_only`.
    pub media_url_prefixes: Vec<String>,
    /// URLs by which clients of the RBM-style interface call its token endpoint and its root, beside our own: what their tokens
    /// say in `aud`.
    pub rbm_audiences: Vec<String>,
    /// Whether media must have been uploaded here, or be of `media_url_prefixes`.
    pub issued_media_only: bool,
    /// Whether what chatbots propose to show, their permanent media, and to go live is approved at once.
    pub auto_approve: bool,
}

/// `[demo]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Demo {
    /// Password of the demo subscribers; empty: random, kept in the data directory.
    pub password: String,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            idle_s: nonzero_u64(180),
            ring_s: nonzero_u64(60),
            session_timer_s: nonzero(1_800),
            chat_bytes: nonzero_u64(1 << 20),
            large_message_bytes: nonzero_u64(10 << 20),
            per_subscriber: nonzero(100),
        }
    }
}

impl Default for Centre {
    fn default() -> Self {
        Self { inbox_messages: nonzero(16_384) }
    }
}

impl Default for Registrar {
    fn default() -> Self {
        Self {
            min_expires_s: nonzero(60),
            default_expires_s: nonzero(3_600),
            max_expires_s: nonzero(600_000),
            max_devices: nonzero(10),
            nonce_s: nonzero_u64(300),
            wrong_passwords: nonzero(10),
        }
    }
}

impl Default for Messages {
    fn default() -> Self {
        Self {
            hold_s: nonzero_u64(4),
            keep_s: nonzero_u64(30 * 86_400),
            keep_reports_s: nonzero_u64(7 * 86_400),
            max_body_bytes: nonzero(8 << 10),
            mailbox_messages: nonzero(10_000),
            mailbox_bytes: nonzero_u64(64 << 20),
            exploder: "exploder".to_owned(),
            max_recipients: nonzero(100),
            blocked: Blocked::Drop,
        }
    }
}

impl Default for Maap {
    fn default() -> Self {
        Self {
            allow_private_webhooks: false,
            webhook_connect_timeout_s: nonzero_u64(3),
            webhook_timeout_s: nonzero_u64(10),
            pushes: nonzero(256),
            pushes_per_chatbot: nonzero(32),
            webhook_retries_s: [1, 5, 30, 300, 1_800].map(nonzero_u64).to_vec(),
            webhook_jitter_percent: 20,
            webhook_give_up_s: nonzero_u64(86_400),
            dead_letters: nonzero(10_000),
            dead_letters_keep_s: nonzero_u64(14 * 86_400),
            sends_per_second: nonzero(100),
            sends_per_day: 0,
            sends_per_month: 0,
            time_zone: rcs::local_time::LocalTime::china(),
            anonymous: false,
            keep_s: nonzero_u64(7 * 86_400),
            media_url_prefixes: Vec::new(),
            rbm_audiences: [
                "https://oauth2.googleapis.com/token",
                "https://www.googleapis.com/oauth2/v4/token",
                "https://accounts.google.com/o/oauth2/token",
                "https://rcsbusinessmessaging.googleapis.com",
                "https://us-rcsbusinessmessaging.googleapis.com",
                "https://europe-rcsbusinessmessaging.googleapis.com",
                "https://asia-rcsbusinessmessaging.googleapis.com",
            ]
            .map(str::to_owned)
            .to_vec(),
            issued_media_only: false,
            auto_approve: true,
        }
    }
}

impl Config {
    /// Reads `file` (none: the defaults), lets `environment` override it key by key, and checks the whole.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let config = Self::load_unchecked(file, environment)?;
        config.validate()?;
        Ok(config)
    }

    /// As [`Config::load`], for a caller that changes more before it calls [`Config::validate`].
    pub fn load_unchecked(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let text = match file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| ConfigError(format!("cannot read {}: {error}", path.display())))?,
        };
        let name = file.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
        let config: Self = toml::from_str(&text)
            .map_err(|error| ConfigError(format!("{name}: {error}").trim_end().to_owned()))?;
        let table: toml::Table = text.parse().map_err(|error| ConfigError(format!("{name}: {error}")))?;
        environment::override_from_environment(config, table, environment)
    }

    /// How addresses are read.
    pub fn numbering(&self) -> Numbering {
        Numbering::new(self.country.as_str(), self.domain.as_str())
    }

    /// The message centre's part. Our Via names the domain and the port of SIP.
    /// `reach` says how handsets reach our content server and our MSRP listeners.
    pub fn centre(
        &self,
        secrets: &message_centre::Secrets,
        reach: &crate::centre::Reach<'_>,
    ) -> message_centre::Config {
        let port = self.sip.udp.address().or(self.sip.tcp.address()).map_or(5060, |address| address.port());
        let via_secret = std::array::from_fn(|at| secrets.process[at]);
        let transactions = sip::transaction::Config::new(format!("{}:{port}", self.domain), via_secret);
        let defaults = message_centre::Config::new(self.numbering(), transactions);
        message_centre::Config {
            registration: message_centre::Registration {
                expires_s_min: self.registrar.min_expires_s.get(),
                expires_s_default: self.registrar.default_expires_s.get(),
                expires_s_max: self.registrar.max_expires_s.get(),
                devices_max: self.registrar.max_devices.get() as usize,
            },
            nonce_life: seconds(self.registrar.nonce_s),
            wrong_passwords_max: self.registrar.wrong_passwords.get(),
            trust_udp_source: self.sip.trust_udp_source,
            hold: seconds(self.messages.hold_s),
            validity: seconds(self.messages.keep_s),
            report_validity: seconds(self.messages.keep_reports_s),
            record_route: self.record_route(),
            groups: message_centre::group::Config {
                factory: self.groups.factory.clone(),
                members_max: self.groups.max_members.get() as usize,
                groups_max: self.groups.max_groups.get() as usize,
                subject_bytes_max: self.groups.max_subject_bytes.get() as usize,
                members_may_add: self.groups.members_may_add,
                members_may_change_subject: self.groups.members_may_change_subject,
                members_may_change_icon: self.groups.members_may_change_icon,
            },
            history: self.history.terms(),
            events: message_centre::events::Config {
                subscription_s_max: self.events.max_subscription_s.get(),
                presence_watchers_max: self.events.max_presence_watchers.get(),
            },
            mailbox_entries_max: u64::from(self.messages.mailbox_messages.get()),
            mailbox_bytes_max: self.messages.mailbox_bytes.get(),
            files: self.content.rules(reach.public_url),
            pager_body_bytes_max: self.messages.max_body_bytes.get() as usize,
            sessions: message_centre::Sessions {
                media: reach.media.clone(),
                idle: seconds(self.sessions.idle_s),
                ring: seconds(self.sessions.ring_s),
                timer: sip::dialog::session_timer::Policy {
                    interval_s: self.sessions.session_timer_s.get(),
                    ..Default::default()
                },
                chat_bytes_max: self.sessions.chat_bytes.get(),
                large_bytes_max: self.sessions.large_message_bytes.get(),
                per_subscriber_max: self.sessions.per_subscriber.get() as usize,
                ..Default::default()
            },
            exploder: self.messages.exploder.clone(),
            recipients_max: self.messages.max_recipients.get() as usize,
            refuse_blocked: self.messages.blocked == Blocked::Refuse,
            provisioning: self.provisioning(reach),
            dead_letters: message_centre::dead_letters::Config {
                per_chatbot_max: self.maap.dead_letters.get().into(),
                keep: seconds(self.maap.dead_letters_keep_s),
                ..Default::default()
            },
            ..defaults
        }
    }

    /// Where each listener is reached within dialogs.
    fn record_route(&self) -> message_centre::RecordRoute {
        let at = |listen: &Listen| {
            let address = listen.address()?;
            let host = match (self.sip.public_host.as_str(), address.ip()) {
                ("", ip) if ip.is_unspecified() => self.domain.to_string(),
                ("", std::net::IpAddr::V6(ip)) => format!("[{ip}]"),
                ("", ip) => ip.to_string(),
                (host, _) => host.to_owned(),
            };
            Some(format!("{host}:{}", address.port()))
        };
        message_centre::RecordRoute { udp: at(&self.sip.udp), tcp: at(&self.sip.tcp), tls: at(&self.sip.tls) }
    }

    /// The chatbot platform's part. `public_url` is how chatbots reach us.
    pub fn maap(&self, public_url: &str) -> maap::Config {
        let keep = seconds(self.maap.keep_s);
        let defaults = maap::Config::new(self.numbering(), public_url);
        maap::Config {
            media_url_prefixes: self.maap.media_url_prefixes.clone(),
            limits: maap::rate::Limits {
                per_second: self.maap.sends_per_second.get(),
                per_day: NonZeroU64::new(self.maap.sends_per_day).map(NonZeroU64::get),
                per_month: NonZeroU64::new(self.maap.sends_per_month).map(NonZeroU64::get),
            },
            local_time: self.maap.time_zone.clone(),
            consent: self.consent.rules(),
            anonymous: self.maap.anonymous,
            backoff: self.maap.webhook_retries_s.iter().copied().map(seconds).collect(),
            jitter_percent: self.maap.webhook_jitter_percent,
            give_up_after: seconds(self.maap.webhook_give_up_s),
            issued_media_only: self.maap.issued_media_only,
            auto_approve: self.maap.auto_approve,
            media_quota: self.media.quota(),
            validity: keep,
            validity_max: defaults.validity_max.max(keep),
            push_timeout: seconds(self.maap.webhook_timeout_s),
            pushes_per_chatbot: self.maap.pushes_per_chatbot.get() as usize,
            campaigns: self.campaigns.limits(),
            audit_keep: seconds(self.admin.audit_keep_s),
            ..defaults
        }
    }

    /// Where to listen for MSRP. Where SIP takes any free port, so does MSRP unless it is told otherwise: several servers
    /// may run beside each other.
    pub fn msrp_listen(&self) -> Listen {
        let takes_any = |listen: &Listen| listen.address().is_some_and(|address| address.port() == 0);
        let sip = [self.sip.tcp, self.sip.udp].into_iter().find(takes_any);
        sip.filter(|_| self.msrp.listen == Msrp::default().listen).unwrap_or(self.msrp.listen)
    }

    /// Checks what holds between keys.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let refuse = |text: &str| Err(ConfigError(text.to_owned()));
        let registrar = &self.registrar;
        if registrar.min_expires_s > registrar.default_expires_s
            || registrar.default_expires_s > registrar.max_expires_s
        {
            return refuse("registrar: min_expires_s ≤ default_expires_s ≤ max_expires_s must hold");
        }
        if self.tls.certificate.as_os_str().is_empty() != self.tls.key.as_os_str().is_empty() {
            return refuse("tls: set certificate and key together, or neither");
        }
        self.campaigns.validate()?;
        let listeners = [self.http.tls_listen, self.sip.tls, self.msrp.tls_listen];
        let wants_tls = listeners.iter().any(|listen| *listen != Listen::OFF);
        if wants_tls && self.tls.certificate.as_os_str().is_empty() && !self.tls.self_signed {
            return refuse(
                "tls: http.tls_listen, sip.tls or msrp.tls_listen is on; set tls.certificate and tls.key, or tls.self_signed = true",
            );
        }
        if self.sessions.session_timer_s.get() < sip::dialog::session_timer::INTERVAL_S_MIN {
            return refuse("sessions.session_timer_s: at least 90 (RFC 4028)");
        }
        if self.msrp.chunk_bytes.get() > 64 << 10 {
            return refuse("msrp.chunk_bytes: at most 65536");
        }
        let largest = self.sessions.chat_bytes.max(self.sessions.large_message_bytes);
        if largest > self.msrp.spool_bytes || largest > self.msrp.spool_share_bytes {
            return refuse(
                "msrp.spool_bytes, msrp.spool_share_bytes: must hold the largest message of [sessions]",
            );
        }
        if self.http.listen == Listen::OFF {
            return refuse("http.listen: must not be off, the administrative commands need it");
        }
        let url = &self.http.public_url;
        let is_url = url.starts_with("http://") || url.starts_with("https://");
        if !url.is_empty() && (!is_url || url.ends_with('/')) {
            return refuse(
                "http.public_url: write http://… or https://… without a trailing slash, or leave it empty",
            );
        }
        self.provisioning.validate()?;
        self.consent.validate()?;
        if self.maap.webhook_retries_s.is_empty() || self.maap.webhook_jitter_percent > 100 {
            return refuse("maap: webhook_retries_s needs a wait, webhook_jitter_percent is at most 100");
        }
        let is_user = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let is_name = |name: &str| (1..=64).contains(&name.len()) && name.bytes().all(is_user);
        if !is_name(&self.groups.factory) {
            return refuse("groups.factory: up to 64 letters, digits, '-', '.' and '_'");
        }
        if !is_name(&self.messages.exploder) || self.messages.exploder == self.groups.factory {
            return refuse(
                "messages.exploder: up to 64 letters, digits, '-', '.' and '_', and not groups.factory",
            );
        }
        if self.messages.max_recipients.get() > 500 {
            return refuse("messages.max_recipients: at most 500");
        }
        if self.groups.max_members.get() > 1000 {
            return refuse("groups.max_members: at most 1000");
        }
        let host = &self.sip.public_host;
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte);
        if host.len() > 255 || !host.bytes().all(is_host) {
            return refuse("sip.public_host: a host name or an address, without a port");
        }
        if self.messages.max_body_bytes.get() > 1 << 20 {
            return refuse("messages.max_body_bytes: at most 1048576");
        }
        let is_prefix = |url: &String| {
            let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            rest.is_some_and(|rest| !rest.starts_with('/')) && url.ends_with('/')
        };
        if !self.content.partner_urls.iter().all(is_prefix) {
            return refuse("content.partner_urls: write https://host/path/ with a slash at the end");
        }
        if self.content.keep_s < self.messages.keep_s {
            return refuse("content.keep_s: not below messages.keep_s, or a message outlives its file");
        }
        if self.messages.hold_s.get() > 20 {
            return refuse("messages.hold_s: at most 20, since senders give up after 32 s");
        }
        Ok(())
    }
}

/// Why the configuration cannot be used, for whoever wrote it: file, line, key and what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../config/hongyan.toml");

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        let environment = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Config::load(Some(file.path()), environment)
    }

    #[test]
    fn the_shipped_file_holds_every_key_with_its_default() {
        let shipped: toml::Table = SHIPPED.parse().unwrap();
        assert_eq!(shipped, toml::Table::try_from(Config::default()).unwrap());
        assert_eq!(load(SHIPPED, &[]).unwrap(), Config::default());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let error = load("domain = \"a.example\"\n[http]\nlisten_on = \"x\"\n", &[]).unwrap_err().to_string();
        assert!(error.contains("line 3") && error.contains("listen_on"), "{error}");
    }

    #[test]
    fn a_bad_value_is_refused_with_its_line() {
        let error = load("[sip]\nudp = \"5060\"\n", &[]).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("0.0.0.0:8080"), "{error}");
    }

    #[test]
    fn the_environment_overrides_the_file() {
        let config = load(
            "[http]\nlisten = \"127.0.0.1:1\"\n",
            &[
                ("HONGYAN_HTTP__LISTEN", "127.0.0.1:2"),
                ("HONGYAN_DOMAIN", "RCS.example"),
                ("HONGYAN_DEMO__PASSWORD", "123456"),
                ("HONGYAN_MAAP__ALLOW_PRIVATE_WEBHOOKS", "true"),
                ("HONGYAN_CENTRE__INBOX_MESSAGES", "7"),
                ("HONGYAN_UNRELATED", "x"),
                ("PATH", "/bin"),
            ],
        )
        .unwrap();
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:2");
        assert_eq!(config.domain.as_str(), "rcs.example");
        assert_eq!(config.demo.password, "123456");
        assert!(config.maap.allow_private_webhooks);
        assert_eq!(config.centre.inbox_messages.get(), 7);
    }

    #[test]
    fn a_bad_environment_is_refused_by_name() {
        for (name, value) in [
            ("HONGYAN_HTTP__LISTENER", "127.0.0.1:2"),
            ("HONGYAN_NOWHERE__KEY", "1"),
            ("HONGYAN_CENTRE__INBOX_MESSAGES", "0"),
            ("HONGYAN_CENTRE__INBOX_MESSAGES", "many"),
            ("HONGYAN_HTTP__LISTEN", "here"),
            ("HONGYAN_A__B__C", "1"),
        ] {
            let error = load("", &[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }

    #[test]
    fn keys_that_contradict_each_other_are_refused() {
        for text in [
            "[registrar]\nmin_expires_s = 4000\n",
            "[tls]\ncertificate = \"a.pem\"\n",
            "[sip]\ntls = \"0.0.0.0:5061\"\n",
            "[http]\nlisten = \"off\"\n",
            "[http]\npublic_url = \"https://a.example/\"\n",
            "[content]\nkeep_s = 60\n",
            "[content]\npartner_urls = [\"https://partner.example\"]\n",
            "domain = \"-a.example\"\n",
            "domain = \"\"\n",
            "[maap]\ntime_zone = \"Beijing\"\n",
            "[maap]\nwebhook_retries_s = []\n",
            "[consent]\nquiet_from = \"25:00\"\n",
        ] {
            assert!(load(text, &[]).is_err(), "{text}");
        }
    }
}
