//! Secrets that we make: random values, and what is kept of them.

use rcs::ids;
use sha2::{Digest as _, Sha256};

use crate::Secrets;

/// A stream of unpredictable values: SHA-256 over a secret and a counter.
pub struct Random {
    purpose: &'static str,
    secret: [u8; 32],
    counter: u64,
}

impl Random {
    /// The secrets are random and known to nobody, and one of them is different at every start. `purpose` tells this stream
    /// from others that are drawn from the same secrets.
    pub fn new(purpose: &'static str, secrets: &Secrets) -> Self {
        let hash = Sha256::new().chain_update(secrets.process).chain_update(secrets.deployment);
        Self { purpose, secret: hash.finalize().into(), counter: 0 }
    }

    fn next(&mut self) -> [u8; 32] {
        self.counter += 1;
        let hash = Sha256::new().chain_update(self.purpose).chain_update(self.secret);
        hash.chain_update(self.counter.to_be_bytes()).finalize().into()
    }

    /// Sixteen bytes, for ids.
    pub fn id(&mut self) -> [u8; 16] {
        let bytes = self.next();
        std::array::from_fn(|at| bytes[at])
    }

    /// A number.
    pub fn number(&mut self) -> u64 {
        u128::from_be_bytes(self.id()) as u64
    }

    /// A UUID.
    pub fn uuid(&mut self) -> String {
        ids::conversation_id(self.id())
    }

    /// Six decimal digits.
    pub fn six_digits(&mut self) -> String {
        let id = u128::from_be_bytes(self.id());
        format!("{:06}", id % 1_000_000)
    }

    /// A secret of 64 hexadecimal digits.
    pub fn secret(&mut self) -> String {
        hex(&self.next())
    }

    /// A name of 32 hexadecimal digits.
    pub fn name(&mut self) -> String {
        hex(&self.id())
    }
}

/// What is kept of a secret. One round is enough: our secrets have 256 bits, nobody tries them all.
pub fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Whether `secret` is the one that was hashed. Takes the same time wherever the hashes differ.
pub fn is_secret(secret: &str, hash: &[u8; 32]) -> bool {
    sha256(secret).iter().zip(hash).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_values_are_alike_and_another_start_has_others() {
        let secrets = |process| Secrets { deployment: [3; 32], process: [process; 32] };
        let (mut one, mut other) = (Random::new("test", &secrets(1)), Random::new("test", &secrets(2)));
        let drawn = [one.secret(), one.secret(), other.secret(), other.secret()];
        let different: std::collections::BTreeSet<_> = drawn.iter().collect();
        assert_eq!(different.len(), drawn.len());
        assert!(drawn.iter().all(|secret| secret.len() == 64));
        assert_eq!((one.name().len(), one.uuid().len(), one.six_digits().len()), (32, 36, 6));
        assert_ne!(Random::new("one", &secrets(1)).secret(), Random::new("other", &secrets(1)).secret());
    }

    #[test]
    fn only_the_secret_itself_is_recognised() {
        let hash = sha256("open sesame");
        assert!(is_secret("open sesame", &hash));
        assert!(!is_secret("open sesam", &hash) && !is_secret("", &hash));
    }
}
