//! GRUUs (RFC 5627): URIs that reach one device of a subscriber.
//!
//! A public one names the subscriber and the instance. A temporary one hides both: its user part is the pair, encrypted and
//! authenticated under a key of the deployment, so that no table of them is needed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rcs::address::Address;
use sha2::Sha256;

/// What marks the user part of a temporary GRUU.
const PREFIX: &str = "tgruu.";
const NONCE_BYTES: usize = 8;
const TAG_BYTES: usize = 10;
/// Longest sealed text: an E.164 number and an instance URN with room to spare.
const PLAIN_BYTES_MAX: usize = 160;

/// The public GRUU of a device: `sip:+8613800000001@hongyan.local;gr=urn:uuid:…`.
pub(crate) fn public(aor: &Address, instance: &str, domain: &str) -> String {
    format!("sip:{}@{domain};gr={instance}", aor.user())
}

/// The temporary GRUU with this token.
pub(crate) fn temporary(token: &str, domain: &str) -> String {
    format!("sip:{PREFIX}{token}@{domain};gr")
}

/// The token of a temporary GRUU for a device, different for every `turn`. `None` when the instance is absurdly long.
pub(crate) fn seal(key: &[u8; 32], aor: &Address, instance: &str, turn: &str) -> Option<String> {
    let plain = format!("{}\n{instance}", aor.as_str());
    if plain.len() > PLAIN_BYTES_MAX {
        return None;
    }
    let nonce = &mac(key, &[b"nonce", plain.as_bytes(), turn.as_bytes()])[..NONCE_BYTES];
    let mut sealed = nonce.to_vec();
    sealed.extend_from_slice(&crypt(key, nonce, plain.as_bytes()));
    let tag = mac(key, &[b"tag", &sealed]);
    sealed.extend_from_slice(&tag[..TAG_BYTES]);
    Some(URL_SAFE_NO_PAD.encode(sealed))
}

/// Whom the user part of a Request-URI means if it is a temporary GRUU of ours: subscriber and instance.
pub(crate) fn open(key: &[u8; 32], user: &str) -> Option<(Address, String)> {
    let sealed = URL_SAFE_NO_PAD.decode(user.strip_prefix(PREFIX)?).ok()?;
    let (sealed, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG_BYTES)?)?;
    let check = authenticator(key, &[b"tag", sealed]);
    check.verify_truncated_left(tag).ok()?;
    let (nonce, cipher) = sealed.split_at_checked(NONCE_BYTES)?;
    let plain = String::from_utf8(crypt(key, nonce, cipher)).ok()?;
    let (aor, instance) = plain.split_once('\n')?;
    Some((aor.parse().ok()?, instance.to_owned()))
}

/// A name that nobody can guess who does not have the key: 128 bits, as hexadecimal digits.
pub(crate) fn unguessable(key: &[u8; 32], number: u64) -> String {
    let bytes = mac(key, &[b"session", &number.to_be_bytes()]);
    bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Encrypts or decrypts with a key stream of HMAC blocks over the nonce and a counter.
fn crypt(key: &[u8; 32], nonce: &[u8], text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for (counter, block) in text.chunks(32).enumerate() {
        let stream = mac(key, &[b"stream", nonce, &(counter as u32).to_be_bytes()]);
        out.extend(block.iter().zip(stream).map(|(byte, key)| byte ^ key));
    }
    out
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    authenticator(key, parts).finalize().into_bytes().into()
}

fn authenticator(key: &[u8; 32], parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(&(part.len() as u32).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_gruu_hides_the_number_and_opens_again() {
        let key = [7; 32];
        let aor: Address = "tel:+8613800000001".parse().unwrap();
        let token = seal(&key, &aor, "urn:uuid:f81d4fae", "call 1").unwrap();
        assert!(!token.contains("138"));
        assert_ne!(Some(&token), seal(&key, &aor, "urn:uuid:f81d4fae", "call 2").as_ref());
        assert_eq!(open(&key, &format!("tgruu.{token}")), Some((aor, "urn:uuid:f81d4fae".to_owned())));
    }

    #[test]
    fn a_forged_or_foreign_token_opens_nothing() {
        let aor: Address = "tel:+8613800000001".parse().unwrap();
        let token = seal(&[7; 32], &aor, "urn:uuid:f81d4fae", "").unwrap();
        assert_eq!(open(&[8; 32], &format!("tgruu.{token}")), None);
        assert_eq!(open(&[7; 32], "tgruu.AAAA"), None);
        assert_eq!(open(&[7; 32], "+8613800000001"), None);
        let forged = token.replace(&token[10..12], "zz");
        assert_eq!(open(&[7; 32], &format!("tgruu.{forged}")), None);
    }
}
