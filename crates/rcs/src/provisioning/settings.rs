//! What a deployment tells its handsets, and the document that says it to one of them (RCC.14 and RCC.07 annex A: IMS settings
//! in `ap2001`, RCS settings in `ap2002`).
//!
//! Only what the platform has is written; a handset takes a parameter that is not there for off.

use super::{Characteristic, Document};
use crate::address::Address;

/// What is the same for every handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The SIP domain, which is also the Digest realm.
    pub domain: String,
    /// Where to register; absent when handsets find it by DNS.
    pub sip: Option<Endpoint>,
    /// `RegRetryBaseTime` and `RegRetryMaxTime`, in seconds.
    pub register_retry_s: (u32, u32),
    /// What subscribers may do.
    pub services: Services,
    /// Sizes and timers of messages.
    pub messaging: Messaging,
    /// Files over HTTP; absent without a content server.
    pub file_transfer: Option<FileTransfer>,
    /// Chatbots; absent without any.
    pub chatbots: Option<Chatbots>,
    /// How capabilities are found out.
    pub discovery: Discovery,
    /// What a person is shown, and may have to accept, when the handset is configured.
    pub terms: Option<Terms>,
    /// `SupportedRCSProfileVersions`: `UP_2.4`, …
    pub profiles: Vec<String>,
}

/// A SIP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Host or address, with the port: `sip.rcs.example:5061`.
    pub address: String,
    /// How to connect.
    pub signalling: Signalling,
}

/// SIP's transport: `psSignalling`, `wifiSignalling`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signalling {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS.
    Tls,
}

/// What subscribers may do: the authorisations of SERVICES.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Services {
    /// Chat sessions (`ChatAuth`).
    pub chat: bool,
    /// Group chat (`GroupChatAuth`).
    pub group_chat: bool,
    /// Pager-mode messages (bit 1 of `standaloneMsgAuth`).
    pub pager_messages: bool,
    /// Large-mode messages (bit 2 of it).
    pub large_messages: bool,
    /// Locations pushed (`geolocPushAuth`).
    pub geolocation_push: bool,
    /// SMS when RCS does not reach (`SmsFallBackAuth`).
    pub sms_fallback: bool,
}

/// Sizes and timers of messages, in bytes and seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Messaging {
    /// `MaxSize1to1`: one chat message.
    pub chat_bytes_max: u64,
    /// `MaxSize1toM`: one message in a group.
    pub group_bytes_max: u64,
    /// `MaxSizeStandalone`.
    pub standalone_bytes_max: u64,
    /// `SwitchoverSize`: a request above it goes in large mode.
    pub switchover_bytes: u32,
    /// `TimerIdle`: a chat in which nothing is said for so long is closed.
    pub idle_s: u32,
    /// `MaxAdhocGroupSize`.
    pub group_members_max: u32,
    /// `conf-fcty-uri`: where group chats are made.
    pub conference_factory: Option<String>,
    /// `exploder-uri`: where one message for many is sent.
    pub exploder: Option<String>,
    /// `ChatRevokeTimer`: an undelivered message may be revoked after so long; 0 is never.
    pub revoke_s: u32,
}

/// Files over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileTransfer {
    /// `ftHTTPCSURI`.
    pub upload_url: String,
    /// `MaxSizeFileTr`, in KiB.
    pub kib_max: u64,
    /// `ftWarnSize`, in KiB: a handset asks before it sends more.
    pub warn_kib: u64,
    /// `MaxTimeAudioMessage`, in seconds.
    pub audio_s_max: u32,
}

/// Chatbots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chatbots {
    /// `ChatbotDirectory`; absent without one.
    pub directory_url: Option<String>,
    /// `SpecificChatbotsList`: those that are shown without anonymity; absent without one.
    pub specific_url: Option<String>,
    /// `BotinfoFQDNRoot`: where `/bot?id=` is answered.
    pub information_root: String,
    /// `ChatbotMsgTech`: 1 in sessions, 2 in pager mode, 3 as the chatbot can.
    pub technology: u8,
}

/// CAPDISCOVERY, in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// `capInfoExpiry`: for how long an answer counts.
    pub expiry_s: u32,
    /// `nonRCScapInfoExpiry`: the same for who has no RCS.
    pub non_rcs_expiry_s: u32,
    /// `pollingPeriod`: how often contacts are asked; 0 is never.
    pub polling_s: u32,
}

/// What a person is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Heading.
    pub title: String,
    /// Text.
    pub message: String,
    /// Whether there is a button to accept.
    pub accept: bool,
    /// Whether there is a button to refuse.
    pub reject: bool,
}

/// Whose handset a document is for.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The subscriber.
    pub address: &'a Address,
    /// Digest user name, for SIP and for the content server; also the private identity.
    pub username: &'a str,
    /// The password that goes with it.
    pub password: &'a str,
    /// Names the device in `uuid_Value`.
    pub device: &'a str,
}

impl Settings {
    /// A deployment of `domain` with pager-mode messages and nothing else.
    pub fn new(domain: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            sip: None,
            register_retry_s: (30, 1800),
            services: Services { pager_messages: true, geolocation_push: true, ..Services::default() },
            messaging: Messaging {
                chat_bytes_max: 1 << 20,
                group_bytes_max: 8 << 10,
                standalone_bytes_max: 8 << 10,
                switchover_bytes: 1300,
                idle_s: 180,
                group_members_max: 100,
                conference_factory: None,
                exploder: None,
                revoke_s: 0,
            },
            file_transfer: None,
            chatbots: None,
            discovery: Discovery { expiry_s: 3600, non_rcs_expiry_s: 86_400, polling_s: 0 },
            terms: None,
            profiles: vec!["UP_2.4".to_owned()],
        }
    }

    /// The document without its version and token: what changes only when the settings or the secrets do.
    pub fn document(&self, identity: &Identity<'_>) -> Document {
        let terms = self.terms.as_ref().map(|terms| {
            Characteristic::new("MSG")
                .with("title", &terms.title)
                .with("message", &terms.message)
                .with("Accept_btn", u8::from(terms.accept))
                .with("Reject_btn", u8::from(terms.reject))
        });
        let applications = [self.ims(identity), self.rcs(identity)];
        Document { characteristics: terms.into_iter().chain(applications).collect() }
    }

    fn ims(&self, identity: &Identity<'_>) -> Characteristic {
        let address = identity.address;
        let public = Characteristic::new("Public_User_Identity_List")
            .with("Public_User_Identity", address.sip_uri(&self.domain))
            .with("Public_User_Identity", address);
        let mut ims = Characteristic::new("APPLICATION")
            .with("AppID", "ap2001")
            .with("Name", "IMS Settings")
            .with("AppRef", "IMS-Settings")
            .with("PDP_ContextOperPref", 0)
            .with("Timer_T1", 500)
            .with("Timer_T2", 4000)
            .with("Timer_T4", 5000)
            .with("Private_User_Identity", identity.username)
            .with("Home_network_domain_name", &self.domain)
            .with("keepAlive", 1)
            .with("RegRetryBaseTime", self.register_retry_s.0)
            .with("RegRetryMaxTime", self.register_retry_s.1)
            .with_group(public);
        if let Some(sip) = &self.sip {
            let pcscf = Characteristic::new("LBO_P-CSCF_Address")
                .with("Address", &sip.address)
                .with("AddressType", sip.address_type());
            ims = ims.with_group(pcscf);
        }
        let ext = Characteristic::new("Ext")
            .with("NatUrlFmt", 0)
            .with("IntUrlFmt", 1)
            .with("Q-Value", "0.5")
            .with("MaxSizeImageShare", 0)
            .with("MaxTimeVideoShare", 0);
        let services =
            self.services.icsis().into_iter().fold(Characteristic::new("ICSI_List"), |list, icsi| {
                list.with("ICSI", icsi).with("ICSI_Resource_Allocation_Mode", 0)
            });
        let authentication = Characteristic::new("APPAUTH")
            .with("AuthType", "Digest")
            .with("Realm", &self.domain)
            .with("UserName", identity.username)
            .with("UserPwd", identity.password);
        ims.with_group(ext).with_group(services).with_group(authentication)
    }

    fn rcs(&self, identity: &Identity<'_>) -> Characteristic {
        Characteristic::new("APPLICATION")
            .with("AppID", "ap2002")
            .with("Name", "RCS settings")
            .with("AppRef", "RCSe-Settings")
            .with_group(self.services())
            .with_group(self.messaging(identity))
            .with_group(self.discovery())
            .with_group(self.other(identity))
    }

    fn services(&self) -> Characteristic {
        let Services { chat, group_chat, pager_messages, large_messages, geolocation_push, sms_fallback } =
            self.services;
        Characteristic::new("SERVICES")
            .with("SupportedRCSProfileVersions", self.profiles.join(","))
            .with("rcsDisabledState", 0)
            .with("ChatAuth", u8::from(chat))
            .with("GroupChatAuth", u8::from(group_chat))
            .with("ftAuth", u8::from(self.file_transfer.is_some()))
            .with("standaloneMsgAuth", u8::from(pager_messages) | u8::from(large_messages) << 1)
            .with("geolocPushAuth", u8::from(geolocation_push))
            .with("SmsFallBackAuth", u8::from(sms_fallback))
            .with("presencePrfl", 0)
            .with("rcsIPVoiceCallAuth", 0)
            .with("rcsIPVideoCallAuth", 0)
            .with("allowRCSExtensions", 0)
    }

    fn messaging(&self, identity: &Identity<'_>) -> Characteristic {
        let messaging = &self.messaging;
        let mut chat = Characteristic::new("Chat")
            .with("imMsgTech", 1)
            .with("imCapAlwaysON", 1)
            .with("imWarnSF", 0)
            .with("ChatRevokeTimer", messaging.revoke_s);
        if self.services.chat {
            chat = chat
                .with("imSessionStart", 0)
                .with("firstMsgInvite", 0)
                .with("AutAccept", 1)
                .with("TimerIdle", messaging.idle_s)
                .with("MaxSize1to1", messaging.chat_bytes_max);
        }
        if self.services.group_chat {
            chat = chat
                .with("GroupChatFullStandFwd", 1)
                .with("GroupChatOnlyFStandFwd", 1)
                .with("AutAcceptGroupChat", 1)
                .with("MaxSize1toM", messaging.group_bytes_max)
                .with("MaxAdhocGroupSize", messaging.group_members_max);
        }
        if let Some(factory) = &messaging.conference_factory {
            chat = chat.with("conf-fcty-uri", factory);
        }
        if let Some(exploder) = &messaging.exploder {
            chat = chat.with("exploder-uri", exploder).with("mass-fcty-uri", exploder);
        }
        let standalone = Characteristic::new("StandaloneMsg")
            .with("MaxSize", messaging.standalone_bytes_max)
            .with("MaxSizeStandalone", messaging.standalone_bytes_max)
            .with("SwitchoverSize", messaging.switchover_bytes);
        let mut group = Characteristic::new("MESSAGING").with_group(chat).with_group(standalone);
        if let Some(files) = &self.file_transfer {
            group = group.with_group(files.characteristic(identity));
        }
        if let Some(chatbots) = &self.chatbots {
            group = group.with_group(chatbots.characteristic());
        }
        group
    }

    fn discovery(&self) -> Characteristic {
        let Discovery { expiry_s, non_rcs_expiry_s, polling_s } = self.discovery;
        Characteristic::new("CAPDISCOVERY")
            .with("pollingPeriod", polling_s)
            .with("pollingRate", 0)
            .with("pollingRatePeriod", 0)
            .with("capInfoExpiry", expiry_s)
            .with("nonRCScapInfoExpiry", non_rcs_expiry_s)
            .with("msgCapValidity", expiry_s)
            .with("defaultDisc", 0)
            .with("capDiscCommonStack", 0)
    }

    fn other(&self, identity: &Identity<'_>) -> Characteristic {
        let mut other = Characteristic::new("OTHER")
            .with("endUserConfReqId", format_args!("sip:{}", self.domain))
            .with("deviceID", 1)
            .with("uuid_Value", identity.device);
        if let Some(files) = &self.file_transfer {
            other = other.with("MaxTimeAudioMessage", files.audio_s_max);
        }
        if let Some(sip) = &self.sip {
            let signalling = sip.signalling.as_str();
            let media = if sip.signalling == Signalling::Tls { "MSRPoTLS" } else { "MSRP" };
            let transport = Characteristic::new("transportProto")
                .with("psSignalling", signalling)
                .with("psMedia", media)
                .with("wifiSignalling", signalling)
                .with("wifiMedia", media);
            other = other.with_group(transport);
        }
        other
    }
}

impl Services {
    /// The ICSIs of what may be done.
    fn icsis(self) -> Vec<&'static str> {
        let all = [
            (self.pager_messages, "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg"),
            (self.large_messages, "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.largemsg"),
            (self.chat, "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session"),
        ];
        all.into_iter().filter(|(may, _)| *may).map(|(_, icsi)| icsi).collect()
    }
}

impl Endpoint {
    /// `FQDN`, `IPv4` or `IPv6`.
    fn address_type(&self) -> &'static str {
        let host = self.address.rsplit_once(':').map_or(self.address.as_str(), |(host, _)| host);
        match host.trim_start_matches('[').trim_end_matches(']').parse() {
            Ok(std::net::IpAddr::V4(_)) => "IPv4",
            Ok(std::net::IpAddr::V6(_)) => "IPv6",
            Err(_) => "FQDN",
        }
    }
}

impl Signalling {
    fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "SIPoUDP",
            Self::Tcp => "SIPoTCP",
            Self::Tls => "SIPoTLS",
        }
    }
}

impl FileTransfer {
    fn characteristic(&self, identity: &Identity<'_>) -> Characteristic {
        Characteristic::new("FileTransfer")
            .with("MaxSizeFileTr", self.kib_max)
            .with("ftWarnSize", self.warn_kib)
            .with("ftAutAccept", 1)
            .with("ftThumb", 1)
            .with("ftStAndFwEnabled", 1)
            .with("ftCapAlwaysON", 1)
            .with("ftDefaultMech", "HTTP")
            .with("ftHTTPFallback", 0)
            .with("ftHTTPCSURI", &self.upload_url)
            .with("ftHTTPCSUser", identity.username)
            .with("ftHTTPCSPwd", identity.password)
    }
}

impl Chatbots {
    fn characteristic(&self) -> Characteristic {
        let mut chatbot = Characteristic::new("Chatbot");
        if let Some(directory) = &self.directory_url {
            chatbot = chatbot.with("ChatbotDirectory", directory);
        }
        if let Some(specific) = &self.specific_url {
            chatbot = chatbot.with("SpecificChatbotsList", specific);
        }
        chatbot
            .with("BotinfoFQDNRoot", &self.information_root)
            .with("IdentityInEnrichedSearch", 1)
            .with("PrivacyDisable", 1)
            .with("ChatbotMsgTech", self.technology)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            sip: Some(Endpoint { address: "[::1]:5061".to_owned(), signalling: Signalling::Tls }),
            file_transfer: Some(FileTransfer {
                upload_url: "https://rcs.example/content/".to_owned(),
                kib_max: 102_400,
                warn_kib: 10_240,
                audio_s_max: 600,
            }),
            chatbots: Some(Chatbots {
                directory_url: Some("https://rcs.example/directory".to_owned()),
                specific_url: None,
                information_root: "rcs.example".to_owned(),
                technology: 2,
            }),
            ..Settings::new("hongyan.local")
        }
    }

    #[test]
    fn a_handset_finds_in_it_what_it_needs() {
        let address = "tel:+8613800000001".parse().unwrap();
        let identity = Identity {
            address: &address,
            username: "8613800000001-ab@hongyan.local",
            password: "se<ret",
            device: "ab",
        };
        let document = settings().document(&identity);
        let document = Document::parse(document.to_xml().as_bytes()).unwrap();
        let (ims, rcs) = (document.application("ap2001").unwrap(), document.application("ap2002").unwrap());
        assert_eq!(ims.group("APPAUTH").unwrap().parm("UserPwd"), Some("se<ret"));
        assert_eq!(ims.find("Private_User_Identity"), Some(identity.username));
        let publics = &ims.group("Public_User_Identity_List").unwrap().parms;
        assert_eq!(publics[0].1, "sip:+8613800000001@hongyan.local;user=phone");
        assert_eq!(publics[1].1, "tel:+8613800000001");
        assert_eq!(ims.group("LBO_P-CSCF_Address").unwrap().parm("AddressType"), Some("IPv6"));
        assert_eq!(ims.group("ICSI_List").unwrap().parms.len(), 2);
        let services = rcs.group("SERVICES").unwrap();
        assert_eq!(services.parm("standaloneMsgAuth"), Some("1"));
        assert_eq!((services.parm("ChatAuth"), services.parm("ftAuth")), (Some("0"), Some("1")));
        assert_eq!(rcs.find("ftHTTPCSURI"), Some("https://rcs.example/content/"));
        assert_eq!(rcs.find("wifiSignalling"), Some("SIPoTLS"));
        assert_eq!(rcs.find("MaxSize1to1"), None, "without chat there is nothing to say of it");
        assert_eq!(rcs.find("BotinfoFQDNRoot"), Some("rcs.example"));
        assert_eq!(rcs.find("ChatbotDirectory"), Some("https://rcs.example/directory"));
        assert_eq!(rcs.find("SpecificChatbotsList"), None);
    }
}
