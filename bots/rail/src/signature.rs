//! Signatures: those of the platform's pushes, and those of the payment provider's reports.

use std::collections::{HashMap, VecDeque};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// How far a sender's clock may be from ours.
const CLOCK_SKEW_S: i64 = 5 * 60;

/// Nonces remembered. At this rate of pushes the oldest is forgotten early; a replay is then still
/// recognised by its message id.
const NONCES_MAX: usize = 20_000;

/// Longer header values are no signature of anybody's.
const HEADER_MAX: usize = 256;

/// Why a push is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    #[error("signature, timestamp or nonce is missing")]
    Incomplete,
    #[error("the timestamp is more than five minutes off")]
    Stale,
    #[error("the signature is wrong")]
    Forged,
    #[error("the nonce was used for another request")]
    Replayed,
}

/// The three headers of a push.
pub struct Signed<'a> {
    pub signature: &'a str,
    /// Unix seconds.
    pub timestamp: &'a str,
    pub nonce: &'a str,
}

/// Checks pushes: lower-case hex SHA-256 of the sorted strings {callback token, timestamp, nonce} put together.
pub struct PushChecker {
    callback_token: String,
    seen: HashMap<String, [u8; 32]>,
    order: VecDeque<(String, i64)>,
}

impl PushChecker {
    pub fn new(callback_token: String) -> Self {
        Self { callback_token, seen: HashMap::new(), order: VecDeque::new() }
    }

    /// Checks one push at `now` (Unix seconds).
    ///
    /// The signature does not cover the body, so a nonce is good for one body. The very same push again is
    /// let through: it is a retry, and the message id tells that it is known.
    pub fn check(&mut self, signed: &Signed, request: &[u8], now: i64) -> Result<(), Distrust> {
        let Signed { signature, timestamp, nonce } = *signed;
        if [signature, timestamp, nonce].iter().any(|value| value.is_empty() || value.len() > HEADER_MAX) {
            return Err(Distrust::Incomplete);
        }
        let at: i64 = timestamp.parse().map_err(|_| Distrust::Stale)?;
        if now.abs_diff(at) > CLOCK_SKEW_S.unsigned_abs() {
            return Err(Distrust::Stale);
        }
        let expected = push_signature(&self.callback_token, timestamp, nonce);
        if !same(expected.as_bytes(), signature.to_ascii_lowercase().as_bytes()) {
            return Err(Distrust::Forged);
        }
        self.forget(now);
        let digest: [u8; 32] = Sha256::digest(request).into();
        match self.seen.get(nonce) {
            Some(known) if *known == digest => Ok(()),
            Some(_) => Err(Distrust::Replayed),
            None => {
                self.seen.insert(nonce.to_string(), digest);
                self.order.push_back((nonce.to_string(), now));
                Ok(())
            }
        }
    }

    /// Drops nonces whose timestamps are no longer accepted, and the oldest beyond the ceiling.
    fn forget(&mut self, now: i64) {
        while let Some((_, at)) = self.order.front()
            && (now - at > 2 * CLOCK_SKEW_S || self.order.len() >= NONCES_MAX)
        {
            if let Some((nonce, _)) = self.order.pop_front() {
                self.seen.remove(&nonce);
            }
        }
    }
}

/// The signature of a push.
pub fn push_signature(callback_token: &str, timestamp: &str, nonce: &str) -> String {
    let mut parts = [callback_token, timestamp, nonce];
    parts.sort_unstable();
    hex(&Sha256::digest(parts.concat()))
}

/// The signature of a payment report: HMAC-SHA-256 over `timestamp.body`, lower-case hex.
pub fn payment_signature(secret: &str, timestamp: i64, body: &[u8]) -> String {
    hex(&keyed(secret, timestamp, body).finalize().into_bytes())
}

/// Whether a payment report is genuine and fresh.
pub fn is_genuine_payment(secret: &str, timestamp: &str, signature: &str, body: &[u8], now: i64) -> bool {
    let Ok(at) = timestamp.parse::<i64>() else {
        return false;
    };
    let expected = payment_signature(secret, at, body);
    now.abs_diff(at) <= CLOCK_SKEW_S.unsigned_abs() && same(expected.as_bytes(), signature.as_bytes())
}

fn keyed(secret: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{timestamp}.").as_bytes());
    mac.update(body);
    mac
}

/// Equality in a time that does not tell where the difference is.
fn same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed<'a>(signature: &'a str, timestamp: &'a str, nonce: &'a str) -> Signed<'a> {
        Signed { signature, timestamp, nonce }
    }

    #[test]
    fn a_push_is_believed_once_per_body_and_only_fresh_and_signed() {
        let mut checker = PushChecker::new("secret".into());
        let signature = push_signature("secret", "1000", "nonce");
        let other = push_signature("other", "1000", "nonce");
        assert_eq!(checker.check(&signed(&other, "1000", "nonce"), b"a", 1000), Err(Distrust::Forged));
        let genuine = signed(&signature, "1000", "nonce");
        assert_eq!(checker.check(&genuine, b"a", 1301), Err(Distrust::Stale));
        assert_eq!(checker.check(&genuine, b"a", 699), Err(Distrust::Stale));
        assert_eq!(checker.check(&genuine, b"a", 1300), Ok(()));
        assert_eq!(checker.check(&genuine, b"a", 1300), Ok(()));
        assert_eq!(checker.check(&genuine, b"b", 1300), Err(Distrust::Replayed));
        assert_eq!(checker.check(&signed("", "1000", "nonce"), b"a", 1000), Err(Distrust::Incomplete));
        assert_eq!(checker.check(&signed(&signature, "soon", "nonce"), b"a", 1000), Err(Distrust::Stale));
    }

    #[test]
    fn the_signature_is_the_hash_of_the_sorted_parts() {
        // By coreutils: printf 1000noncesecret | sha256sum
        let expected = "036902b6a9a165e16604d94451ea6a63e16022b8679247f995f53924bdbfc904";
        assert_eq!(push_signature("secret", "1000", "nonce"), expected);
    }

    #[test]
    fn the_nonces_remembered_are_bounded() {
        let mut checker = PushChecker::new("secret".into());
        for nonce in 0..NONCES_MAX + 100 {
            let nonce = nonce.to_string();
            let signature = push_signature("secret", "1000", &nonce);
            assert_eq!(checker.check(&signed(&signature, "1000", &nonce), b"", 1000), Ok(()));
        }
        assert!(checker.seen.len() <= NONCES_MAX && checker.order.len() <= NONCES_MAX);
    }

    #[test]
    fn a_payment_report_is_bound_to_its_body_and_time() {
        let signature = payment_signature("key", 1000, b"body");
        assert!(is_genuine_payment("key", "1000", &signature, b"body", 1100));
        assert!(!is_genuine_payment("key", "1000", &signature, b"other", 1100));
        assert!(!is_genuine_payment("key", "1001", &signature, b"body", 1100));
        assert!(!is_genuine_payment("key", "1000", &signature, b"body", 1400));
        assert!(!is_genuine_payment("yek", "1000", &signature, b"body", 1100));
    }
}
