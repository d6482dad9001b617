//! Handsets that are about to prove whose they are. All of it is in memory: whoever loses a session starts again, and asking
//! writes nothing, whether the number exists or not.
//!
//! Cookies and tokens begin with the number that they are for, so that its rows can be loaded: `8613800000001.3f9c…`.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use rcs::Timestamp;
use rcs::address::Address;
use rustc_hash::FxHashMap;

use super::Config;
use crate::Secrets;
use crate::secret::{Random, is_secret, sha256};
use crate::window::Windows;

/// Most sessions at a time.
const SESSIONS_MAX: usize = 20_000;
/// Most numbers and network addresses whose starts are counted.
const COUNTED_MAX: usize = 100_000;
/// Wrong one-time passwords that end a session.
const TRIES_MAX: u32 = 3;
/// What starts are counted in.
const WINDOW: Duration = Duration::from_secs(3600);

/// The sessions, and how many were started lately.
pub(crate) struct Sessions {
    random: Random,
    sessions: FxHashMap<[u8; 32], Session>,
    /// In the order of their ends, nearly: a session's life is the same for all.
    order: VecDeque<(Timestamp, [u8; 32])>,
    started: Windows<Counted>,
}

/// A handset that has asked.
#[derive(Clone)]
pub(crate) struct Session {
    address: Address,
    /// Whether there is such a subscriber: otherwise no password is right.
    is_subscriber: bool,
    /// Whether the network has said whose it is.
    is_proven: bool,
    otp: String,
    tries: u32,
    until: Timestamp,
}

/// By what starts are counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    Number(Address),
    Peer(IpAddr),
}

impl Session {
    pub(crate) fn is_proven(&self) -> bool {
        self.is_proven
    }

    pub(crate) fn until(&self) -> Timestamp {
        self.until
    }
}

impl Sessions {
    pub(crate) fn new(secrets: &Secrets) -> Self {
        Self {
            random: Random::new("hongyan provisioning sessions 1", secrets),
            sessions: FxHashMap::default(),
            order: VecDeque::new(),
            started: Windows::new(WINDOW, COUNTED_MAX),
        }
    }

    /// Counts a start; `Err` says how long to wait when there were too many.
    pub(crate) fn count(
        &mut self,
        address: &Address,
        peer: IpAddr,
        config: &Config,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let (number, peer) = (Counted::Number(address.clone()), Counted::Peer(network(peer)));
        let of_number = self.started.wait(&number, config.starts_per_number, now);
        let of_peer = self.started.wait(&peer, config.starts_per_peer, now);
        if let Some(wait) = of_number.max(of_peer) {
            return Err(wait);
        }
        if self.started.count(number, now) && self.started.count(peer, now) { Ok(()) } else { Err(WINDOW) }
    }

    /// Opens a session and gives its cookie; `None` when there are too many.
    pub(crate) fn start(
        &mut self,
        address: Address,
        is_subscriber: bool,
        is_proven: bool,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<String> {
        self.forget(now);
        if self.sessions.len() >= SESSIONS_MAX {
            return None;
        }
        let cookie = owned(&address, &self.random.name());
        let otp = self.random.six_digits();
        let key = sha256(&cookie);
        self.sessions.insert(key, Session { address, is_subscriber, is_proven, otp, tries: 0, until });
        self.order.push_back((until, key));
        Some(cookie)
    }

    /// The session of a cookie.
    pub(crate) fn get(&self, cookie: &str, now: Timestamp) -> Option<Session> {
        self.sessions.get(&sha256(cookie)).filter(|session| session.until > now).cloned()
    }

    /// Whether the one-time password is right. After too many that are not, the session is over.
    pub(crate) fn try_otp(&mut self, cookie: &str, otp: &str) -> bool {
        let key = sha256(cookie);
        let Some(session) = self.sessions.get_mut(&key) else { return false };
        session.tries += 1;
        let is_right = is_secret(otp.trim(), &sha256(&session.otp)) & session.is_subscriber;
        if !is_right && session.tries >= TRIES_MAX {
            self.sessions.remove(&key);
        }
        is_right
    }

    /// Ends a session and gives its subscriber.
    pub(crate) fn remove(&mut self, cookie: &str) -> Option<Address> {
        self.sessions.remove(&sha256(cookie)).map(|session| session.address)
    }

    /// The one-time password of the session that a subscriber's handset opened last, and until when it is good.
    pub(crate) fn otp_of(&mut self, address: &Address, now: Timestamp) -> Option<(String, Timestamp)> {
        self.forget(now);
        let waits =
            |session: &&Session| session.address == *address && session.is_subscriber && !session.is_proven;
        let of_them = self.order.iter().rev().filter_map(|(_, key)| self.sessions.get(key));
        of_them.filter(waits).map(|session| (session.otp.clone(), session.until)).next()
    }

    fn forget(&mut self, now: Timestamp) {
        while let Some((_, key)) = self.order.pop_front_if(|(until, _)| *until <= now) {
            self.sessions.remove(&key);
        }
    }
}

/// A cookie or token for a number.
pub(super) fn owned(address: &Address, secret: &str) -> String {
    format!("{}.{secret}", address.user().trim_start_matches('+'))
}

/// Whom a cookie or token is for. That is a claim until it has been checked.
pub(super) fn owner(text: &str) -> Option<Address> {
    let (number, _) = text.split_once('.')?;
    Address::subscriber(&format!("+{number}")).ok()
}

/// What one customer has: an IPv4 address, or a /64.
fn network(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Address {
        Address::subscriber("+8613800000001").unwrap()
    }

    fn sessions() -> Sessions {
        Sessions::new(&Secrets { deployment: [1; 32], process: [2; 32] })
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_795_000_000);

    #[test]
    fn a_cookie_says_whom_it_is_for() {
        let cookie = owned(&alice(), "abc");
        assert_eq!(cookie, "8613800000001.abc");
        assert_eq!(owner(&cookie), Some(alice()));
        assert_eq!((owner("abc"), owner("x.abc"), owner(".")), (None, None, None));
    }

    #[test]
    fn an_ipv6_customer_is_counted_as_one() {
        let mut sessions = sessions();
        let config = Config { starts_per_number: 100, starts_per_peer: 2, ..Config::new("hongyan.local") };
        let mut count = |peer: &str, at| sessions.count(&alice(), peer.parse().unwrap(), &config, at);
        assert!(count("2001:db8::1", NOW).is_ok());
        assert!(count("2001:db8::2", NOW).is_ok());
        assert!(count("2001:db8::3", NOW).is_err());
        assert!(count("2001:db8:0:1::3", NOW).is_ok());
        assert!(count("2001:db8::3", NOW.plus(WINDOW)).is_ok());
    }

    #[test]
    fn sessions_have_a_ceiling_and_an_end() {
        let mut sessions = sessions();
        let until = NOW.plus(Duration::from_secs(60));
        for _ in 0..SESSIONS_MAX {
            assert!(sessions.start(alice(), true, false, until, NOW).is_some());
        }
        assert!(sessions.start(alice(), true, false, until, NOW).is_none());
        assert!(sessions.otp_of(&alice(), NOW).is_some());
        assert!(sessions.otp_of(&alice(), until).is_none());
        assert!(sessions.start(alice(), true, false, until, until).is_some());
    }
}
