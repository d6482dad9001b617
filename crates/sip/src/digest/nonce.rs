//! Nonces: signed timestamps, and the memory of those that were used.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rustc_hash::FxHashMap;
use sha2::Sha256;

/// Issue time in milliseconds (8 bytes), salt (8), signature (16).
const NONCE_BYTES: usize = 32;

/// How far a nonce may lie in the future, for nodes whose clocks differ.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(30);

/// Issues nonces and knows its own again.
#[derive(Clone)]
pub(super) struct NonceKey {
    mac: Hmac<Sha256>,
    life: Duration,
}

/// How old a nonce of ours is.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Age {
    Fresh { issued: Duration },
    Expired,
}

impl NonceKey {
    pub(super) fn new(secret: [u8; 32], life: Duration) -> Self {
        NonceKey { mac: Hmac::new_from_slice(&secret).expect("HMAC takes keys of any length"), life }
    }

    pub(super) fn life(&self) -> Duration {
        self.life
    }

    pub(super) fn issue(&self, now: Duration, salt: u64) -> String {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..8].copy_from_slice(&(now.as_millis() as u64).to_be_bytes());
        nonce[8..16].copy_from_slice(&salt.to_be_bytes());
        let signature = self.signature(&nonce[..16]);
        nonce[16..].copy_from_slice(&signature);
        BASE64_URL_SAFE_NO_PAD.encode(nonce)
    }

    /// Identity and age of a nonce; `None` if it is not ours.
    pub(super) fn check(&self, now: Duration, nonce: &str) -> Option<(u128, Age)> {
        let mut bytes = [0; NONCE_BYTES];
        if BASE64_URL_SAFE_NO_PAD.decode_slice(nonce, &mut bytes) != Ok(NONCE_BYTES) {
            return None;
        }
        let (claim, signature) = bytes.split_first_chunk::<16>()?;
        let expected = self.signature(claim);
        let differences = expected.iter().zip(signature).fold(0, |all, (one, other)| all | (one ^ other));
        if std::hint::black_box(differences) != 0 {
            return None;
        }
        let (millis, _salt) = claim.split_first_chunk::<8>()?;
        let issued = Duration::from_millis(u64::from_be_bytes(*millis));
        let fresh = now.saturating_sub(issued) <= self.life && issued <= now + CLOCK_SKEW_MAX;
        let age = if fresh { Age::Fresh { issued } } else { Age::Expired };
        Some((u128::from_be_bytes(*claim), age))
    }

    fn signature(&self, claim: &[u8]) -> [u8; 16] {
        let mut mac = self.mac.clone();
        mac.update(claim);
        let mut signature = [0; 16];
        signature.copy_from_slice(&mac.finalize().into_bytes()[..16]);
        signature
    }
}

/// The highest `nc` of each nonce in use, so that nothing overheard can be said again.
///
/// Bounded: when it is full the oldest entry goes, and nonces as old as that one are stale from then on unless they
/// are still remembered. So are all nonces from before it was made, of which it cannot know what they were used for.
pub struct NonceCounter {
    capacity: usize,
    highest: FxHashMap<u128, u32>,
    /// Identity and issue time of what is in `highest`, in the order of first use.
    order: VecDeque<(u128, Duration)>,
    /// Unknown nonces issued before this are stale.
    floor: Duration,
}

impl NonceCounter {
    /// Room for `capacity` nonces; those issued before `started` (since the Unix epoch) are not accepted.
    pub fn new(capacity: usize, started: Duration) -> Self {
        let floor = Duration::from_millis(started.as_millis() as u64);
        NonceCounter {
            capacity: capacity.max(1),
            highest: FxHashMap::default(),
            order: VecDeque::new(),
            floor,
        }
    }

    /// Number of nonces remembered.
    pub fn len(&self) -> usize {
        self.highest.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.highest.is_empty()
    }

    /// Notes a use; whether its count is higher than all before.
    pub(super) fn note(
        &mut self,
        now: Duration,
        life: Duration,
        nonce: u128,
        issued: Duration,
        count: u32,
    ) -> bool {
        self.forget_expired(now, life);
        match self.highest.get_mut(&nonce) {
            Some(highest) if count > *highest => *highest = count,
            Some(_) => return false,
            None if issued < self.floor || count == 0 => return false,
            None => {
                if self.highest.len() >= self.capacity {
                    self.forget_oldest();
                }
                self.highest.insert(nonce, count);
                self.order.push_back((nonce, issued));
            }
        }
        true
    }

    fn forget_expired(&mut self, now: Duration, life: Duration) {
        while self.order.front().is_some_and(|(_, issued)| now.saturating_sub(*issued) > life) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((nonce, issued)) = self.order.pop_front() {
            self.highest.remove(&nonce);
            self.floor = self.floor.max(issued + Duration::from_millis(1));
        }
    }
}

impl fmt::Debug for NonceCounter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NonceCounter({} of {})", self.len(), self.capacity)
    }
}
