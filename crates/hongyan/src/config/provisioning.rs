//! `[provisioning]`: what handsets are told, and whom auto-configuration believes.

use std::fmt;
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;

use rcs::provisioning::{Chatbots, Endpoint, FileTransfer, Settings, Signalling, Terms};
use serde::{Deserialize, Serialize};

use super::{Config, ConfigError, nonzero, nonzero_u64, seconds};
use crate::centre::Reach;
use crate::http::provisioning::Trust;

/// `[provisioning]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provisioning {
    /// Host names under which `/` is for us.
    pub hosts: Vec<String>,
    /// Addresses or networks of proxies that are believed.
    pub trusted_proxies: Vec<Network>,
    /// The header in which they say whose handset it is; empty: they don't.
    pub msisdn_header: String,
    /// Whether secrets may go over plain HTTP.
    pub allow_plain_http: bool,
    /// Host and port that handsets register at; empty: made from the public URL and the SIP listeners.
    pub sip_address: String,
    /// How they connect there.
    pub sip_transport: SipTransport,
    /// For how long a configuration is good.
    pub validity_s: NonZeroU64,
    /// For how long a token is good.
    pub token_s: NonZeroU64,
    /// For how long a one-time password is good.
    pub otp_s: NonZeroU64,
    /// One-time passwords for one number in an hour.
    pub otps_per_number: NonZeroU32,
    /// The same for one network address.
    pub otps_per_address: NonZeroU32,
    /// `SupportedRCSProfileVersions`.
    pub profiles: Vec<String>,
    /// First and longest wait before a registration is tried again.
    pub register_retry_s: NonZeroU32,
    /// See `register_retry_s`.
    pub register_retry_max_s: NonZeroU32,
    /// For how long capabilities of a contact are believed.
    pub capabilities_s: NonZeroU32,
    /// An undelivered message may be revoked by the handset after so long; 0: not by itself.
    pub revoke_after_s: u32,
    /// A handset asks its user before it sends a larger file.
    pub warn_file_bytes: NonZeroU64,
    /// Heading of what a person must accept; empty: nothing is shown.
    pub terms_title: String,
    /// Its text.
    pub terms: String,
}

/// How handsets connect for SIP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SipTransport {
    /// The safest that is on.
    Auto,
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
}

impl Default for Provisioning {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            msisdn_header: "x-msisdn".to_owned(),
            allow_plain_http: false,
            sip_address: String::new(),
            sip_transport: SipTransport::Auto,
            validity_s: nonzero_u64(7 * 86_400),
            token_s: nonzero_u64(90 * 86_400),
            otp_s: nonzero_u64(600),
            otps_per_number: nonzero(5),
            otps_per_address: nonzero(60),
            profiles: vec!["UP_2.4".to_owned()],
            register_retry_s: nonzero(30),
            register_retry_max_s: nonzero(1_800),
            capabilities_s: nonzero(3_600),
            revoke_after_s: 0,
            warn_file_bytes: nonzero_u64(10 << 20),
            terms_title: String::new(),
            terms: String::new(),
        }
    }
}

impl Provisioning {
    /// What the HTTP edge goes by.
    pub fn trust(&self) -> Trust {
        Trust {
            hosts: self.hosts.clone(),
            proxies: self.trusted_proxies.clone(),
            msisdn_header: self.msisdn_header.to_ascii_lowercase(),
            allow_plain_http: self.allow_plain_http,
        }
    }

    /// Checks what holds between keys.
    pub(super) fn validate(&self) -> Result<(), ConfigError> {
        if self.register_retry_s > self.register_retry_max_s {
            return Err(ConfigError(
                "provisioning: register_retry_s ≤ register_retry_max_s must hold".to_owned(),
            ));
        }
        if self.otp_s.get() > 3600 {
            return Err(ConfigError("provisioning.otp_s: at most 3600".to_owned()));
        }
        Ok(())
    }
}

impl Config {
    /// What handsets are told of this deployment.
    pub(super) fn provisioning(&self, reach: &Reach<'_>) -> message_centre::provisioning::Config {
        let own = &self.provisioning;
        let public_url = reach.public_url;
        let host = public_url.split("://").nth(1).unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        let mut settings = Settings::new(self.domain.as_str());
        settings.sip = self.sip_endpoint(name);
        settings.register_retry_s = (own.register_retry_s.get(), own.register_retry_max_s.get());
        self.announce_sessions(&mut settings, &reach.media);
        settings.messaging.exploder = Some(format!("sip:{}@{}", self.messages.exploder, self.domain));
        settings.messaging.conference_factory = Some(format!("sip:{}@{}", self.groups.factory, self.domain));
        settings.messaging.group_members_max = self.groups.max_members.get();
        settings.services.group_chat = true;
        settings.messaging.revoke_s = own.revoke_after_s;
        settings.file_transfer = Some(FileTransfer {
            upload_url: format!("{public_url}/content/"),
            kib_max: self.content.max_file_bytes.get() >> 10,
            warn_kib: own.warn_file_bytes.get() >> 10,
            audio_s_max: 600,
        });
        settings.chatbots = Some(Chatbots {
            directory_url: Some(format!("{public_url}/directory")),
            specific_url: Some(format!("{public_url}/directory/specific")),
            information_root: host.to_owned(),
            technology: 2,
        });
        settings.discovery.expiry_s = own.capabilities_s.get();
        settings.terms = (!own.terms_title.is_empty()).then(|| Terms {
            title: own.terms_title.clone(),
            message: own.terms.clone(),
            accept: true,
            reject: true,
        });
        settings.profiles.clone_from(&own.profiles);
        message_centre::provisioning::Config {
            settings,
            validity: seconds(own.validity_s),
            token_life: seconds(own.token_s),
            otp_life: seconds(own.otp_s),
            starts_per_number: own.otps_per_number.get(),
            starts_per_peer: own.otps_per_address.get(),
        }
    }

    /// Chats and large messages, if there is MSRP over what handsets use for SIP: TLS goes with TLS. Otherwise all is said in
    /// pager mode, as it is in groups.
    fn announce_sessions(&self, settings: &mut Settings, media: &message_centre::Media) {
        let pager_bytes = self.messages.max_body_bytes.get();
        settings.messaging.group_bytes_max = pager_bytes.into();
        let has_sessions = match settings.sip.as_ref().map(|sip| sip.signalling) {
            Some(Signalling::Tls) => media.tls.is_some(),
            Some(Signalling::Tcp | Signalling::Udp) => media.tcp.is_some(),
            None => media.tls.is_some() || media.tcp.is_some(),
        };
        (settings.services.chat, settings.services.large_messages) = (has_sessions, has_sessions);
        if has_sessions {
            settings.messaging.chat_bytes_max = self.sessions.chat_bytes.get();
            settings.messaging.standalone_bytes_max = self.sessions.large_message_bytes.get();
            settings.messaging.idle_s = u32::try_from(self.sessions.idle_s.get()).unwrap_or(u32::MAX);
        } else {
            settings.messaging.standalone_bytes_max = pager_bytes.into();
            settings.messaging.switchover_bytes = pager_bytes;
        }
    }

    /// Where handsets register. `name` is our host for those who reach us by HTTP.
    fn sip_endpoint(&self, name: &str) -> Option<Endpoint> {
        let own = &self.provisioning;
        let listeners = [
            (SipTransport::Tls, Signalling::Tls, self.sip.tls),
            (SipTransport::Tcp, Signalling::Tcp, self.sip.tcp),
            (SipTransport::Udp, Signalling::Udp, self.sip.udp),
        ];
        let is_meant = |wanted: SipTransport| [SipTransport::Auto, wanted].contains(&own.sip_transport);
        let (_, signalling, listen) = listeners.into_iter().find(|(transport, _, listen)| {
            is_meant(*transport) && (listen.address().is_some() || own.sip_transport != SipTransport::Auto)
        })?;
        let address = match own.sip_address.as_str() {
            "" => format!("{name}:{}", listen.address()?.port()),
            given => given.to_owned(),
        };
        Some(Endpoint { address, signalling })
    }
}

/// An IP network: `10.0.0.0/8`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    /// Whether an address is in it.
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u32::from(own) ^ u32::from(other);
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = u128::from(own) ^ u128::from(other);
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError(format!("{text:?} is no network such as 10.0.0.0/8, and no IP address"));
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most {
            return Err(wrong());
        }
        Ok(Self { address, bits })
    }
}

impl TryFrom<String> for Network {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        let has =
            |network: &str, address: &str| network.parse::<Network>().unwrap().has(address.parse().unwrap());
        assert!(has("10.0.0.0/8", "10.255.0.1") && !has("10.0.0.0/8", "11.0.0.1"));
        assert!(has("127.0.0.1", "127.0.0.1") && !has("127.0.0.1", "127.0.0.2"));
        assert!(has("127.0.0.1", "::ffff:127.0.0.1"));
        assert!(has("2001:db8::/32", "2001:db8:1::1") && !has("2001:db8::/32", "2001:db9::1"));
        assert!(has("0.0.0.0/0", "8.8.8.8") && !has("0.0.0.0/0", "::1"));
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/x"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn handsets_are_told_the_safest_way_that_is_on() {
        let mut config = Config::default();
        let endpoint = |config: &Config| config.sip_endpoint("rcs.example").unwrap();
        assert_eq!(
            endpoint(&config),
            Endpoint { address: "rcs.example:5060".to_owned(), signalling: Signalling::Tcp }
        );
        config.sip.tls = "0.0.0.0:5061".parse().unwrap();
        assert_eq!(endpoint(&config).signalling, Signalling::Tls);
        config.provisioning.sip_transport = SipTransport::Udp;
        config.provisioning.sip_address = "sip.example:5070".to_owned();
        assert_eq!(
            endpoint(&config),
            Endpoint { address: "sip.example:5070".to_owned(), signalling: Signalling::Udp }
        );
    }
}
