//! `signature = md5(accessKey + nonce + timestamp)` in lower-case hex, and the check that a signed request is not an old one
//! again.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use md5::{Digest, Md5};
use rcs::Timestamp;

/// How far a timestamp may be from now, either way.
pub const WINDOW: Duration = Duration::from_secs(10 * 60);

/// Ceiling of the nonces that are remembered.
const NONCES_MAX: usize = 65_536;

/// Longest nonce.
const NONCE_BYTES_MAX: usize = 128;

/// The three headers of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    timestamp: String,
    nonce: String,
    signature: String,
}

/// Why a request is not taken for signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A header is missing or far too long.
    #[error("timestamp, nonce or signature is missing")]
    Missing,
    /// No `yyyyMMddHHmmss`.
    #[error("timestamp: not yyyyMMddHHmmss")]
    Timestamp,
    /// Too far from now.
    #[error("timestamp: more than 10 minutes from now")]
    Stale,
    /// Not what the key makes of it.
    #[error("signature: wrong")]
    Wrong,
    /// The nonce was used already.
    #[error("nonce: used before")]
    Replayed,
    /// Too many requests to remember them all.
    #[error("too many signed requests within 10 minutes")]
    TooMany,
}

impl Signed {
    /// Reads the headers.
    pub fn of_headers(
        timestamp: Option<&str>,
        nonce: Option<&str>,
        signature: Option<&str>,
    ) -> Result<Self, SignatureError> {
        let given = |text: Option<&str>| {
            text.map(str::trim).filter(|text| (1..=NONCE_BYTES_MAX).contains(&text.len())).map(str::to_owned)
        };
        let (Some(timestamp), Some(nonce), Some(signature)) =
            (given(timestamp), given(nonce), given(signature))
        else {
            return Err(SignatureError::Missing);
        };
        Ok(Self { timestamp, nonce, signature: signature.to_ascii_lowercase() })
    }

    /// Whether `access_key` signed this. Takes the same time wherever the signature differs.
    pub fn verify(&self, access_key: &str) -> Result<(), SignatureError> {
        let expected = sign(access_key, &self.nonce, &self.timestamp);
        let is_same = expected.len() == self.signature.len()
            && expected.bytes().zip(self.signature.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0;
        if is_same { Ok(()) } else { Err(SignatureError::Wrong) }
    }

    /// When it was signed. The timestamp has no zone: the reading nearest to `now` counts, of China's and of UTC.
    fn at(&self, now: Timestamp) -> Result<Timestamp, SignatureError> {
        let text = self.timestamp.as_str();
        if text.len() != 14 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SignatureError::Timestamp);
        }
        let (date, clock) = text.split_at(8);
        let near = ["+08:00", "Z"].into_iter().filter_map(|zone| {
            let at = format!(
                "{}-{}-{}T{}:{}:{}{zone}",
                &date[..4],
                &date[4..6],
                &date[6..],
                &clock[..2],
                &clock[2..4],
                &clock[4..]
            );
            Timestamp::parse_rfc3339(&at).ok()
        });
        near.min_by_key(|at| now.since(*at).max(at.since(now))).ok_or(SignatureError::Timestamp)
    }
}

/// The signature that `access_key` makes.
pub fn sign(access_key: &str, nonce: &str, timestamp: &str) -> String {
    let hash = Md5::new().chain_update(access_key).chain_update(nonce).chain_update(timestamp).finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Remembers the nonces of signed requests, so that each is good once.
///
/// It remembers nothing from before it was made, and so refuses what was signed before that.
#[derive(Debug)]
pub struct Nonces {
    made_at: Timestamp,
    known: HashSet<String>,
    by_time: BTreeSet<(Timestamp, String)>,
}

impl Nonces {
    /// A memory that begins at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { made_at: now, known: HashSet::new(), by_time: BTreeSet::new() }
    }

    /// Takes note of a request of `who` whose signature is right, at `now`.
    ///
    /// # Errors
    /// It is too old or too new, was here before, or there are too many to remember.
    pub fn admit(&mut self, who: &str, signed: &Signed, now: Timestamp) -> Result<(), SignatureError> {
        let at = signed.at(now)?;
        // Timestamps have whole seconds: the second in which this was made may hold requests from before it.
        let is_before = at.as_seconds() <= self.made_at.as_seconds();
        if is_before || now.since(at) > WINDOW || at.since(now) > WINDOW {
            return Err(SignatureError::Stale);
        }
        let over = now.minus(WINDOW);
        while let Some((oldest, name)) = self.by_time.pop_first() {
            if oldest >= over {
                self.by_time.insert((oldest, name));
                break;
            }
            self.known.remove(&name);
        }
        // The timestamp is signed with the nonce, so both together name the request.
        let name = format!("{who}\n{}\n{}", signed.nonce, signed.timestamp);
        if self.known.contains(&name) {
            return Err(SignatureError::Replayed);
        }
        if self.known.len() >= NONCES_MAX {
            return Err(SignatureError::TooMany);
        }
        self.known.insert(name.clone());
        self.by_time.insert((at, name));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn signed(nonce: &str, timestamp: &str) -> Signed {
        Signed::of_headers(Some(timestamp), Some(nonce), Some(&sign("key", nonce, timestamp))).unwrap()
    }

    #[test]
    fn the_signature_is_the_documented_one() {
        // printf keyn-120261123193338 | md5sum
        assert_eq!(sign("key", "n-1", "20261123193338"), "46c09eee7f77dcf3135f7f7d0d84072f");
        assert_eq!(signed("n-1", "20261123193338").verify("key"), Ok(()));
        assert_eq!(signed("n-1", "20261123193338").verify("other"), Err(SignatureError::Wrong));
        assert_eq!(Signed::of_headers(Some("1"), None, Some("2")), Err(SignatureError::Missing));
        assert_eq!(Signed::of_headers(Some("1"), Some(" "), Some("2")), Err(SignatureError::Missing));
    }

    #[test]
    fn a_request_is_good_once_and_for_ten_minutes() {
        let now = at("2026-11-23T11:33:38Z");
        let mut nonces = Nonces::new(now.minus(WINDOW * 6));
        // The same moment as China's clocks and as UTC's show it.
        assert_eq!(nonces.admit("c", &signed("1", "20261123193338"), now), Ok(()));
        assert_eq!(nonces.admit("c", &signed("2", "20261123113338"), now), Ok(()));
        assert_eq!(nonces.admit("c", &signed("1", "20261123193338"), now), Err(SignatureError::Replayed));
        assert_eq!(nonces.admit("d", &signed("1", "20261123193338"), now), Ok(()));
        for (timestamp, error) in [
            ("20261123192337", SignatureError::Stale),
            ("20261123194339", SignatureError::Stale),
            ("20261123153338", SignatureError::Stale),
            ("2026112319333", SignatureError::Timestamp),
            ("20261323193338", SignatureError::Timestamp),
        ] {
            assert_eq!(nonces.admit("c", &signed("3", timestamp), now), Err(error), "{timestamp}");
        }
    }

    #[test]
    fn nothing_signed_before_the_start_is_good() {
        let now = at("2026-11-23T11:33:38.500Z");
        let mut nonces = Nonces::new(now);
        assert_eq!(nonces.admit("c", &signed("1", "20261123193337"), now), Err(SignatureError::Stale));
        assert_eq!(nonces.admit("c", &signed("1", "20261123193338"), now), Err(SignatureError::Stale));
        assert_eq!(nonces.admit("c", &signed("1", "20261123193339"), now), Ok(()));
    }

    #[test]
    fn what_is_over_is_forgotten_and_the_ceiling_holds() {
        let now = at("2026-11-23T11:33:38Z");
        let mut nonces = Nonces::new(Timestamp::EPOCH);
        for nonce in 0..NONCES_MAX {
            assert_eq!(nonces.admit("c", &signed(&nonce.to_string(), "20261123113338"), now), Ok(()));
        }
        assert_eq!(nonces.admit("c", &signed("x", "20261123113338"), now), Err(SignatureError::TooMany));
        let later = now.plus(WINDOW + Duration::from_secs(1));
        assert_eq!(nonces.admit("c", &signed("x", "20261123114339"), later), Ok(()));
        assert_eq!(nonces.known.len(), 1);
    }

    proptest! {
        #[test]
        fn any_headers_are_refused_or_good_once(timestamp in "[0-9]{12,15}|\\PC*", nonce in "\\PC{0,20}") {
            let now = at("2026-11-23T11:33:38Z");
            let mut nonces = Nonces::new(Timestamp::EPOCH);
            if let Ok(signed) = Signed::of_headers(Some(&timestamp), Some(&nonce), Some("s"))
                && nonces.admit("c", &signed, now).is_ok()
            {
                prop_assert_eq!(nonces.admit("c", &signed, now), Err(SignatureError::Replayed));
            }
        }
    }
}
