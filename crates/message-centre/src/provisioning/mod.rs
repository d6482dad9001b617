//! Auto-configuration (GSMA RCC.14 over HTTP; rcs-core §20): a handset proves whose it is, and is given a document with the
//! settings of the deployment and secrets of its own.
//!
//! It proves it by what the network says of it, by the token of its last document, or by a one-time password; [`sessions`]
//! knows who is about to. Each full document has a new version and new secrets, which are kept as hashes ([`store::configuration`])
//! and log in for SIP and the content server. The secrets before them log in until the new ones are used, since a document
//! may be lost on its way.

mod sessions;

use std::net::IpAddr;
use std::time::Duration;

use rcs::Timestamp;
use rcs::address::{Address, AddressKind, Numbering};
use rcs::provisioning::{Characteristic, Document, Identity, Settings};
use sha2::{Digest as _, Sha256};
use sip::digest::Ha1s;
use store::{
    AccessToken, Configuration, ConfigurationState, ConfiguredDevice, Credential, DeviceSecrets, Wants,
};

use crate::secret::{is_secret, sha256};
use crate::{Centre, Work};
pub(crate) use sessions::Sessions;

/// Documents of which a device's secrets are kept: the last, and the one before until the last is used.
const SECRETS_MAX: usize = 2;
/// Names under which one configured device has registered that are remembered; more only while they are bound.
const REGISTERED_AS_MAX: usize = 8;
/// `seen_at` is noted this often.
const SEEN_EVERY: Duration = Duration::from_secs(3600);

/// How handsets are configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// What they are told.
    pub settings: Settings,
    /// For how long a document is good; after that they ask again.
    pub validity: Duration,
    /// For how long the token in a document is good.
    pub token_life: Duration,
    /// For how long a one-time password is good.
    pub otp_life: Duration,
    /// One-time passwords for one number in an hour.
    pub starts_per_number: u32,
    /// The same for one network address (of IPv6, one /64).
    pub starts_per_peer: u32,
}

impl Config {
    /// The defaults for a domain.
    pub fn new(domain: &str) -> Self {
        const DAY: u64 = 86_400;
        Self {
            settings: Settings::new(domain),
            validity: Duration::from_secs(7 * DAY),
            token_life: Duration::from_secs(90 * DAY),
            otp_life: Duration::from_secs(600),
            starts_per_number: 5,
            starts_per_peer: 60,
        }
    }
}

/// What is asked about the configuration of handsets.
#[derive(Debug)]
pub enum Call {
    /// A handset asks for its configuration.
    Ask(Request),
    /// An operator asks for the one-time password that a handset of this subscriber waits for.
    Otp(Address),
    /// An operator decides what a subscriber's handsets are told.
    SetState(Address, ConfigurationState),
    /// An operator takes the secrets of one device back, or those of all.
    Revoke(Address, Option<String>),
}

/// A handset's request.
#[derive(Clone)]
pub struct Request {
    /// Whence it came.
    pub peer: IpAddr,
    /// Whether nobody can listen on the way: otherwise nothing secret is said or believed.
    pub is_secure: bool,
    /// Whose handset it is, as the network says.
    pub proven: Option<Address>,
    /// Whose it says it is (`msisdn`).
    pub claimed: Option<Address>,
    /// The cookie that it was given.
    pub cookie: Option<String>,
    /// The one-time password that it was sent (`OTP`).
    pub otp: Option<String>,
    /// The token of its last document (`token`).
    pub token: Option<String>,
    /// The version of its last document (`vers`); 0 for none.
    pub version: i64,
    /// `IMEI`, at most 64 characters.
    pub imei: Option<String>,
    /// What it calls itself, at most 64 characters.
    pub name: Option<String>,
}

/// Cookies, passwords and tokens are not shown.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request").field("version", &self.version).finish_non_exhaustive()
    }
}

/// What came of a [`Call`].
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// 200 with this document.
    Document(String),
    /// 200 without a body, and this cookie, good for so long: ask again with it, and with the one-time password if that
    /// was not asked for yet.
    Cookie(String, Duration),
    /// 511: prove first who you are.
    Unproven,
    /// 403: not for you, do not ask again.
    Forbidden,
    /// 503: ask again after so long.
    Later(Duration),
    /// The one-time password, and until when it is good.
    Otp(String, Timestamp),
    /// It is done.
    Done,
    /// There is no such subscriber, device, or no handset that waits.
    NotFound,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Document(_) => "Document",
            Self::Cookie(..) => "Cookie",
            Self::Unproven => "Unproven",
            Self::Forbidden => "Forbidden",
            Self::Later(_) => "Later",
            Self::Otp(..) => "Otp",
            Self::Done => "Done",
            Self::NotFound => "NotFound",
        })
    }
}

impl Call {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        let mut of = |address: &Address| {
            wants.account(address);
            wants.configuration(address);
        };
        match self {
            Self::Ask(request) => {
                let of_token = request.token.as_deref().and_then(sessions::owner);
                let of_cookie = request.cookie.as_deref().and_then(sessions::owner);
                let named = [request.proven.clone(), request.claimed.clone(), of_token, of_cookie];
                named.iter().flatten().for_each(of);
            }
            Self::Otp(address) => of(address),
            Self::SetState(address, _) | Self::Revoke(address, _) => {
                of(address);
                wants.bindings(address);
            }
        }
    }
}

impl Centre {
    pub(crate) fn decide_provisioning(&mut self, call: Call, work: &mut Work<'_>) -> Answer {
        match call {
            Call::Ask(request) => self.provision(&request, work),
            Call::Otp(address) => match self.proving.otp_of(&address, work.now) {
                Some((otp, until)) => Answer::Otp(otp, until),
                None => Answer::NotFound,
            },
            Call::SetState(address, state) => self.set_state(&address, state, work),
            Call::Revoke(address, device) => self.revoke_device(&address, device.as_deref(), work),
        }
    }

    fn provision(&mut self, request: &Request, work: &mut Work<'_>) -> Answer {
        if !request.is_secure {
            // Step one of two: who it is, the network says; the document comes where nobody listens.
            return match &request.proven {
                Some(address) => self.start(request, address.clone(), true, work),
                None => Answer::Unproven,
            };
        }
        if let Some(address) = &request.proven {
            return self.configure(request, address, None, work);
        }
        if let Some((address, place)) = by_token(request, work) {
            return self.configure(request, &address, Some(place), work);
        }
        if let Some(answer) = self.go_on(request, work) {
            return answer;
        }
        match &request.claimed {
            Some(address) => self.start(request, address.clone(), false, work),
            None => Answer::Unproven,
        }
    }

    /// A handset comes with the cookie of a session; `None` if there is no such session.
    fn go_on(&mut self, request: &Request, work: &mut Work<'_>) -> Option<Answer> {
        let cookie = request.cookie.as_deref()?;
        let session = self.proving.get(cookie, work.now)?;
        if !session.is_proven() {
            let Some(otp) = &request.otp else {
                // It asks again before its password has come.
                let left = session.until().since(work.now);
                return Some(Answer::Cookie(cookie.to_owned(), left));
            };
            if !self.proving.try_otp(cookie, otp) {
                return Some(Answer::Unproven);
            }
        }
        let address = self.proving.remove(cookie)?;
        Some(self.configure(request, &address, None, work))
    }

    /// Opens a session. For a number that nobody has it looks the same.
    fn start(&mut self, request: &Request, address: Address, is_proven: bool, work: &mut Work<'_>) -> Answer {
        if is_proven && work.view.account(&address).is_none() {
            return Answer::Forbidden;
        }
        let config = &self.config.provisioning;
        let is_subscriber = work.view.account(&address).is_some();
        if !is_proven && let Err(wait) = self.proving.count(&address, request.peer, config, work.now) {
            return Answer::Later(wait);
        }
        let until = work.now.plus(config.otp_life);
        match self.proving.start(address, is_subscriber, is_proven, until, work.now) {
            Some(cookie) => Answer::Cookie(cookie, config.otp_life),
            None => Answer::Later(config.otp_life),
        }
    }

    /// The document for a handset of which is known whose it is.
    fn configure(
        &mut self,
        request: &Request,
        address: &Address,
        place: Option<usize>,
        work: &mut Work<'_>,
    ) -> Answer {
        if work.view.account(address).is_none() {
            return Answer::Forbidden;
        }
        let mut configuration =
            work.view.configuration(address).cloned().unwrap_or_else(|| Configuration::new(address.clone()));
        let version = match configuration.state {
            ConfigurationState::Enabled => None,
            ConfigurationState::Reset if request.version == 0 => None,
            ConfigurationState::Reset => Some(0),
            ConfigurationState::Stopped => Some(-1),
            ConfigurationState::Disabled => Some(-2),
            ConfigurationState::Dormant => Some(-3),
        };
        if configuration.state == ConfigurationState::Reset {
            configuration.state = ConfigurationState::Enabled;
            work.view.put_configuration(configuration.clone());
        }
        if let Some(version) = version {
            return Answer::Document(Document::of_version(version, 0).to_xml());
        }
        let same_imei = |device: &ConfiguredDevice| request.imei.is_some() && device.imei == request.imei;
        let place = place.or_else(|| configuration.devices.iter().position(same_imei));
        let validity_s = self.config.provisioning.validity.as_secs();
        if let Some(device) = place.and_then(|place| configuration.devices.get_mut(place))
            && i64::from(device.version) == request.version
            && device.settings_sha256 == self.settings_sha256
        {
            let version = device.version;
            if work.now.since(device.seen_at) >= SEEN_EVERY {
                device.seen_at = work.now;
                work.view.put_configuration(configuration);
            }
            return Answer::Document(Document::of_version(version.into(), validity_s).to_xml());
        }
        let place = place.unwrap_or_else(|| self.add_device(&mut configuration, work.now));
        let document = self.renew(&mut configuration.devices[place], request, address, work.now);
        self.guesses.forgive(address);
        work.view.put_configuration(configuration);
        Answer::Document(document.to_xml())
    }

    /// A place for a device that was not there before. Who has most devices loses the one that was seen least lately.
    fn add_device(&mut self, configuration: &mut Configuration, now: Timestamp) -> usize {
        let devices = &mut configuration.devices;
        if devices.len() >= self.config.registration.devices_max
            && let Some((oldest, _)) = devices.iter().enumerate().min_by_key(|(_, device)| device.seen_at)
        {
            devices.remove(oldest);
        }
        devices.push(ConfiguredDevice {
            id: self.secrets.name()[..12].to_owned(),
            name: None,
            imei: None,
            version: 0,
            settings_sha256: [0; 32],
            secrets: Vec::new(),
            registered_as: Vec::new(),
            created_at: now,
            seen_at: now,
        });
        devices.len() - 1
    }

    /// A new version with new secrets.
    fn renew(
        &mut self,
        device: &mut ConfiguredDevice,
        request: &Request,
        address: &Address,
        now: Timestamp,
    ) -> Document {
        let domain = self.config.domain().to_owned();
        let (password, token) = (self.secrets.secret(), sessions::owned(address, &self.secrets.secret()));
        let user = format!("{}-{}", address.user().trim_start_matches('+'), device.id);
        let username = format!("{user}@{domain}");
        let credential = |username: &str| Credential {
            ha1s: Ha1s::of(username, &domain, &password),
            username: username.to_owned(),
        };
        let Config { settings, validity, token_life, .. } = &self.config.provisioning;
        device.secrets.push(DeviceSecrets {
            credentials: vec![credential(&username), credential(&user)],
            token: AccessToken { sha256: sha256(&token), expires_at: now.plus(*token_life) },
        });
        if device.secrets.len() > SECRETS_MAX {
            device.secrets.remove(0);
        }
        let theirs = u32::try_from(request.version).unwrap_or(0).min(u32::MAX - 1);
        device.version = device.version.max(theirs) + 1;
        device.settings_sha256 = self.settings_sha256;
        device.imei = request.imei.clone().or_else(|| device.imei.take());
        device.name = request.name.clone().or_else(|| device.name.take());
        device.seen_at = now;

        let mut document = Document::of_version(device.version.into(), validity.as_secs());
        let lasting =
            Characteristic::new("TOKEN").with("token", &token).with("validity", token_life.as_secs());
        document.characteristics.push(lasting);
        let identity = Identity { address, username: &username, password: &password, device: &device.id };
        document.characteristics.extend(settings.document(&identity).characteristics);
        document
    }

    /// A device has registered with secrets of a document, `age` documents ago: older ones are of no use any more, and the
    /// name it registered under is noted, so that it can be found when its secrets are taken back.
    pub(crate) fn registered_with(
        &self,
        address: &Address,
        place: usize,
        age: usize,
        devices: &[String],
        work: &mut Work<'_>,
    ) {
        let Some(known) = work.view.configuration(address).and_then(|all| all.devices.get(place)) else {
            return;
        };
        let is_known = devices.iter().all(|name| known.registered_as.contains(name));
        if is_known && (age > 0 || known.secrets.len() == 1) {
            return;
        }
        let Some(mut configuration) = work.view.configuration(address).cloned() else { return };
        let device = &mut configuration.devices[place];
        if age == 0 {
            device.secrets.drain(..device.secrets.len().saturating_sub(1));
        }
        for name in devices {
            if !device.registered_as.contains(name) {
                device.registered_as.push(name.clone());
            }
        }
        let bindings = work.view.bindings(address);
        let is_bound = |name: &str| {
            let bindings = bindings.into_iter().flat_map(|bindings| &bindings.list);
            bindings.into_iter().any(|binding| binding.device() == name)
        };
        // The oldest go; not those by which it is still to be found.
        let mut surplus = device.registered_as.len().saturating_sub(REGISTERED_AS_MAX);
        device.registered_as.retain(|name| {
            let goes = surplus > 0 && !is_bound(name);
            surplus -= usize::from(goes);
            !goes
        });
        work.view.put_configuration(configuration);
    }

    /// Takes secrets back: what registered with them is let go, and everybody of this number proves themselves again.
    fn revoke_device(&mut self, address: &Address, id: Option<&str>, work: &mut Work<'_>) -> Answer {
        let Some(mut configuration) = work.view.configuration(address).cloned() else {
            return Answer::NotFound;
        };
        let is_meant = |device: &ConfiguredDevice| id.is_none_or(|id| device.id == id);
        let (gone, left): (Vec<_>, Vec<_>) = configuration.devices.into_iter().partition(is_meant);
        if gone.is_empty() {
            return Answer::NotFound;
        }
        configuration.devices = left;
        work.view.put_configuration(configuration);
        self.let_go(address, |name| gone.iter().any(|device| device.has_registered_as(name)), work);
        Answer::Done
    }

    /// What handsets are told from now on. Where that is to stop, what they were given before is of no use any more.
    fn set_state(&mut self, address: &Address, state: ConfigurationState, work: &mut Work<'_>) -> Answer {
        if work.view.account(address).is_none() {
            return Answer::NotFound;
        }
        let mut configuration =
            work.view.configuration(address).cloned().unwrap_or_else(|| Configuration::new(address.clone()));
        configuration.state = state;
        let is_over = !matches!(state, ConfigurationState::Enabled | ConfigurationState::Reset);
        if is_over {
            // They may still ask, with their tokens, and hear that it is over.
            let secrets = configuration.devices.iter_mut().flat_map(|device| &mut device.secrets);
            secrets.for_each(|secrets| secrets.credentials.clear());
            let devices = configuration.devices.iter_mut();
            devices.for_each(|device| device.version = device.version.saturating_add(1));
        }
        let devices = configuration.devices.clone();
        work.view.put_configuration(configuration);
        if is_over {
            self.let_go(address, |name| devices.iter().any(|device| device.has_registered_as(name)), work);
        }
        Answer::Done
    }
}

/// What tells one state of the settings from another, secrets aside.
pub(crate) fn fingerprint(settings: &Settings) -> [u8; 32] {
    let nobody = Address::subscriber("+8600000000").expect("a number");
    let identity = Identity { address: &nobody, username: "", password: "", device: "" };
    Sha256::digest(settings.document(&identity).to_xml()).into()
}

/// Whose user name it is: a number in any of its forms, alone or with the domain, or what a configured device was given. That
/// is a claim until a password has been checked.
pub fn subscriber_of(username: &str, numbering: &Numbering) -> Option<Address> {
    let is_subscriber = |address: &Address| address.kind() == AddressKind::Subscriber;
    numbering.address(username).ok().filter(is_subscriber).or_else(|| {
        let (number, _) = username.split_once('-')?;
        Address::subscriber(&format!("+{number}")).ok()
    })
}

/// The subscriber, and the place of the device, whose token a request has.
fn by_token(request: &Request, work: &Work<'_>) -> Option<(Address, usize)> {
    let token = request.token.as_deref()?;
    let address = sessions::owner(token)?;
    let is_right = |secrets: &DeviceSecrets| {
        secrets.token.expires_at > work.now && is_secret(token, &secrets.token.sha256)
    };
    let configuration = work.view.configuration(&address)?;
    let place = configuration.devices.iter().position(|device| device.secrets.iter().any(is_right))?;
    Some((address, place))
}
