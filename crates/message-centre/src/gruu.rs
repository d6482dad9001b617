//! GRUUs (RFC 5627): URIs that reach one device of a subscriber.
//!
//! A public one names the subscriber and the instance. A temporary one hides both: its user part is the pair and the
//! registration that it was given out in, encrypted and authenticated under a key of the deployment, so that no table of
//! them is needed. It is good as long as its device is bound by that registration (§3.1: by the same Call-ID).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use rcs::Timestamp;
use rcs::address::Address;
use sha2::Sha256;
use store::Bindings;

/// What marks the user part of a temporary GRUU.
const PREFIX: &str = "tgruu.";
const NONCE_BYTES: usize = 8;
const TAG_BYTES: usize = 10;
const REGISTRATION_BYTES: usize = 8;
/// Longest sealed text: an E.164 number and an instance URN with room to spare.
const PLAIN_BYTES_MAX: usize = 168;

/// The public GRUU of a device: `sip:+8613800000001@hongyan.local;gr=urn:uuid:…`.
pub(crate) fn public(aor: &Address, instance: &str, domain: &str) -> String {
    format!("sip:{}@{domain};gr={instance}", aor.user())
}

/// The temporary GRUU with this token.
pub(crate) fn temporary(token: &str, domain: &str) -> String {
    format!("sip:{PREFIX}{token}@{domain};gr")
}

/// A device as a GRUU names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    /// The instance.
    pub(crate) instance: String,
    /// Tells the registration that a temporary GRUU was given out in; absent for a public one.
    registration: Option<[u8; REGISTRATION_BYTES]>,
}

impl Device {
    /// The device of a public GRUU.
    pub(crate) fn of_instance(instance: String) -> Self {
        Self { instance, registration: None }
    }

    /// Whether the GRUU lasts only as long as a registration.
    pub(crate) fn is_temporary(&self) -> bool {
        self.registration.is_some()
    }

    /// Whether the GRUU is good, for as long as these are the subscriber's bindings.
    pub(crate) fn is_valid(&self, key: &[u8; 32], bindings: Option<&Bindings>, now: Timestamp) -> bool {
        let Some(mine) = self.registration else { return true };
        let live = bindings.into_iter().flat_map(|bindings| bindings.live(now));
        live.filter(|binding| binding.device() == self.instance)
            .any(|binding| registration(key, &binding.call_id) == mine)
    }
}

/// The token of a temporary GRUU for a device, different for every CSeq of a registration. `None` when the instance is
/// absurdly long.
pub(crate) fn seal(
    key: &[u8; 32],
    aor: &Address,
    instance: &str,
    call_id: &str,
    cseq: u32,
) -> Option<String> {
    let mut plain = registration(key, call_id).to_vec();
    plain.extend_from_slice(aor.as_str().as_bytes());
    plain.push(b'\n');
    plain.extend_from_slice(instance.as_bytes());
    if plain.len() > PLAIN_BYTES_MAX {
        return None;
    }
    let nonce = &mac(key, &[b"nonce", &plain, &cseq.to_be_bytes()])[..NONCE_BYTES];
    let mut sealed = nonce.to_vec();
    sealed.extend_from_slice(&crypt(key, nonce, &plain));
    let tag = mac(key, &[b"tag", &sealed]);
    sealed.extend_from_slice(&tag[..TAG_BYTES]);
    Some(URL_SAFE_NO_PAD.encode(sealed))
}

/// Whom the user part of a Request-URI means if it is a temporary GRUU of ours.
pub(crate) fn open(key: &[u8; 32], user: &str) -> Option<(Address, Device)> {
    let sealed = URL_SAFE_NO_PAD.decode(user.strip_prefix(PREFIX)?).ok()?;
    let (sealed, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG_BYTES)?)?;
    let check = authenticator(key, &[b"tag", sealed]);
    check.verify_truncated_left(tag).ok()?;
    let (nonce, cipher) = sealed.split_at_checked(NONCE_BYTES)?;
    let plain = crypt(key, nonce, cipher);
    let (registration, plain) = plain.split_first_chunk()?;
    let (aor, instance) = std::str::from_utf8(plain).ok()?.split_once('\n')?;
    let device = Device { instance: instance.to_owned(), registration: Some(*registration) };
    Some((aor.parse().ok()?, device))
}

/// What tells a registration from those before and after it.
fn registration(key: &[u8; 32], call_id: &str) -> [u8; REGISTRATION_BYTES] {
    let hash = mac(key, &[b"registration", call_id.as_bytes()]);
    std::array::from_fn(|at| hash[at])
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

    const INSTANCE: &str = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

    #[test]
    fn a_temporary_gruu_hides_the_number_and_opens_again() {
        let key = [7; 32];
        let aor: Address = "tel:+8613800000001".parse().unwrap();
        let token = seal(&key, &aor, INSTANCE, "call", 1).unwrap();
        assert!(!token.contains("138"));
        assert_ne!(Some(&token), seal(&key, &aor, INSTANCE, "call", 2).as_ref());
        let (opened, device) = open(&key, &format!("tgruu.{token}")).unwrap();
        assert_eq!((opened, device.instance.as_str()), (aor, INSTANCE));
        assert!(!device.is_valid(&key, None, Timestamp::EPOCH), "nobody is bound");
    }

    #[test]
    fn a_forged_or_foreign_token_opens_nothing() {
        let aor: Address = "tel:+8613800000001".parse().unwrap();
        let token = seal(&[7; 32], &aor, INSTANCE, "call", 1).unwrap();
        assert_eq!(open(&[8; 32], &format!("tgruu.{token}")), None);
        assert_eq!(open(&[7; 32], "tgruu.AAAA"), None);
        assert_eq!(open(&[7; 32], "+8613800000001"), None);
        let forged = token.replace(&token[10..12], "zz");
        assert_eq!(open(&[7; 32], &format!("tgruu.{forged}")), None);
    }
}
