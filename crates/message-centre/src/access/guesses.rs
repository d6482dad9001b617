//! Whoever guesses passwords gets so many tries and then has to wait: for each subscriber and source address apart, so that a
//! stranger elsewhere locks nobody out, and fewer once a source has guessed at many. Who knows the password is never counted;
//! where it is only forgotten for a moment, a device that registered over its connection goes on as it was.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use rcs::Timestamp;
use rcs::address::Address;

use crate::window::Windows;

/// For so long wrong passwords are counted, and so long one has to wait at the most.
const WINDOW: Duration = Duration::from_secs(300);

/// Most pairs of subscriber and source, and most sources, that are counted.
const KEYS_MAX: usize = 100_000;

/// A source that was wrong so many times as often as one subscriber may be has one try for each.
const SOURCE_FACTOR: u32 = 10;

/// Wrong passwords of late.
#[derive(Debug)]
pub struct Guesses {
    max: u32,
    by_pair: Windows<(Address, IpAddr)>,
    by_source: Windows<IpAddr>,
}

impl Guesses {
    /// Allows `max` wrong passwords for a subscriber from one address within five minutes.
    pub fn new(max: u32) -> Self {
        Self { max, by_pair: Windows::new(WINDOW, KEYS_MAX), by_source: Windows::new(WINDOW, KEYS_MAX) }
    }

    /// How long whoever speaks for `subscriber` from `source` has to wait; `None`: the password may be looked at.
    pub fn wait(&self, subscriber: &Address, source: IpAddr, now: Timestamp) -> Option<Duration> {
        let source = network(source);
        // Nearly always: every request with credentials comes by here.
        self.by_source.wait(&source, 1, now)?;
        let is_suspect = self.by_source.wait(&source, self.max.saturating_mul(SOURCE_FACTOR), now).is_some();
        self.by_pair.wait(&(subscriber.clone(), source), if is_suspect { 1 } else { self.max }, now)
    }

    /// A subscriber has other credentials from now on: what was wrong before says nothing about those who give them.
    pub fn forgive(&mut self, subscriber: &Address) {
        self.by_pair.forget(|(address, _)| address == subscriber);
    }

    /// A password was wrong.
    pub fn wrong(&mut self, subscriber: &Address, source: IpAddr, now: Timestamp) {
        let source = network(source);
        // What there is no room to count is let pass: a full table locks out nobody.
        self.by_pair.count((subscriber.clone(), source), now);
        self.by_source.count(source, now);
    }
}

/// What one customer has for itself: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(i: u32) -> Address {
        format!("tel:+861380000{i:04}").parse().unwrap()
    }

    #[test]
    fn a_guesser_waits_and_nobody_else() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let [here, there]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        let mut guesses = Guesses::new(3);
        for _ in 0..3 {
            assert_eq!(guesses.wait(&number(1), here, now), None);
            guesses.wrong(&number(1), here, now);
        }
        assert_eq!(guesses.wait(&number(1), here, now), Some(WINDOW));
        assert_eq!((guesses.wait(&number(1), there, now), guesses.wait(&number(2), here, now)), (None, None));
        assert_eq!(guesses.wait(&number(1), here, now.plus(WINDOW)), None);
        guesses.forgive(&number(1));
        assert_eq!(guesses.wait(&number(1), here, now), None, "there is a new password");
    }

    #[test]
    fn who_guesses_at_many_has_one_try_for_each() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let here: IpAddr = "2001:db8::1".parse().unwrap();
        let next_door: IpAddr = "2001:db8::ffff:1".parse().unwrap();
        let mut guesses = Guesses::new(3);
        (0..30).for_each(|i| guesses.wrong(&number(i), here, now));
        assert_eq!(guesses.wait(&number(29), next_door, now), Some(WINDOW), "it was tried once");
        assert_eq!(guesses.wait(&number(99), here, now), None, "whoever knows the password is let in");
    }
}
