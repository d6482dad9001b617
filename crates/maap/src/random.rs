//! Random values and hashes of secrets.

use rcs::ids;
use sha2::{Digest as _, Sha256};

/// Tells this stream from others that are drawn from the same secret.
const PURPOSE: &[u8] = b"hongyan chatbot platform 1";

/// A stream of unpredictable values: SHA-256 over a secret and a counter.
pub(crate) struct Random {
    secret: [u8; 32],
    counter: u64,
}

impl Random {
    /// The secrets are random and known to nobody, and one of them is different at every start.
    pub(crate) fn new(secrets: &[&[u8; 32]]) -> Self {
        let hash = secrets.iter().fold(Sha256::new(), |hash, secret| hash.chain_update(secret));
        Self { secret: hash.finalize().into(), counter: 0 }
    }

    fn next(&mut self) -> [u8; 32] {
        self.counter += 1;
        let hash = Sha256::new().chain_update(PURPOSE).chain_update(self.secret);
        hash.chain_update(self.counter.to_be_bytes()).finalize().into()
    }

    /// Sixteen bytes, for ids.
    pub(crate) fn id(&mut self) -> [u8; 16] {
        let bytes = self.next();
        std::array::from_fn(|at| bytes[at])
    }

    /// A UUID.
    pub(crate) fn uuid(&mut self) -> String {
        ids::conversation_id(self.id())
    }

    /// A secret of 64 hexadecimal digits.
    pub(crate) fn secret(&mut self) -> String {
        hex(&self.next())
    }

    /// A name of 32 hexadecimal digits.
    pub(crate) fn name(&mut self) -> String {
        hex(&self.id())
    }
}

/// What is kept of a secret. One round is enough: our secrets have 256 bits, nobody tries them all.
pub(crate) fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Whether `secret` is the one that was hashed. Takes the same time wherever the hashes differ.
pub(crate) fn is_secret(secret: &str, hash: &[u8; 32]) -> bool {
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
        let (mut one, mut other) = (Random::new(&[&[1; 32]]), Random::new(&[&[2; 32]]));
        let drawn = [one.secret(), one.secret(), other.secret(), other.secret()];
        let different: std::collections::BTreeSet<_> = drawn.iter().collect();
        assert_eq!(different.len(), drawn.len());
        assert!(drawn.iter().all(|secret| secret.len() == 64));
        assert_eq!((one.name().len(), one.uuid().len()), (32, 36));
    }

    #[test]
    fn only_the_secret_itself_is_recognised() {
        let hash = sha256("open sesame");
        assert!(is_secret("open sesame", &hash));
        assert!(!is_secret("open sesam", &hash) && !is_secret("", &hash));
    }
}
