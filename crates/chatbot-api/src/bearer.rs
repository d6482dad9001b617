//! Bearer tokens (RFC 6750): those of an `Authorization` header, and our own.
//!
//! A token of ours is sealed and not stored: it says for whom it is, which key was shown for it, and when it lapses, under a seal
//! that only this deployment can make. So any number of processes hold tokens at once, a restart forgets none, and when a key is
//! taken away, the tokens that it got are worth nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rcs::{Address, Timestamp};
use sha2::{Digest as _, Sha256};

/// What tells our tokens from others, such as those that service accounts sign themselves.
const PREFIX: &str = "hy1.";

/// Bytes of a token before the chatbot's address: seal, time, length of the key's id.
const HEAD_BYTES: usize = SEAL_BYTES + 8 + 1;

const SEAL_BYTES: usize = 32;

/// Longest token, in bytes.
const BYTES_MAX: usize = 1024;

/// Makes tokens and knows its own again.
#[derive(Clone)]
pub struct Tokens {
    seal: Hmac<Sha256>,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// For whom it is.
    pub chatbot: Address,
    /// The id of the key that was shown for it.
    pub key_id: String,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// None of ours.
    #[error("the access token is none of this server's")]
    Foreign,
    /// It was, once.
    #[error("the access token has expired")]
    Expired,
}

impl Tokens {
    /// `key` is random and known to this deployment alone.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { seal: Hmac::new_from_slice(key).expect("HMAC takes keys of any length") }
    }

    /// A token for `chatbot`, which has shown the key `key_id` (at most 255 bytes), until `expires_at`; parts of a second do not
    /// count.
    pub fn seal(&self, chatbot: &Address, key_id: &str, expires_at: Timestamp) -> String {
        let expires_s = expires_at.as_seconds();
        let key_bytes = u8::try_from(key_id.len()).expect("ids of keys are short");
        let mut claim = expires_s.to_be_bytes().to_vec();
        claim.push(key_bytes);
        claim.extend_from_slice(key_id.as_bytes());
        claim.extend_from_slice(chatbot.as_str().as_bytes());
        let seal = self.seal.clone().chain_update(&claim).finalize().into_bytes();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode([&seal[..], &claim].concat()))
    }

    /// What a token says, if it is ours and in force. Whether the key is still the account's is for the caller to see.
    pub fn open(&self, token: &str, now: Timestamp) -> Result<Opened, NotOpened> {
        let sealed = token.strip_prefix(PREFIX).filter(|_| token.len() <= BYTES_MAX);
        let bytes = sealed.and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(NotOpened::Foreign)?;
        if bytes.len() < HEAD_BYTES {
            return Err(NotOpened::Foreign);
        }
        let (seal, claim) = bytes.split_at(SEAL_BYTES);
        self.seal.clone().chain_update(claim).verify_slice(seal).map_err(|_| NotOpened::Foreign)?;
        let (expires_s, rest) = claim.split_first_chunk::<8>().ok_or(NotOpened::Foreign)?;
        let (key_bytes, rest) = rest.split_first().ok_or(NotOpened::Foreign)?;
        let (key_id, chatbot) = rest.split_at_checked(usize::from(*key_bytes)).ok_or(NotOpened::Foreign)?;
        if u64::from_be_bytes(*expires_s) <= now.as_seconds() {
            return Err(NotOpened::Expired);
        }
        let text = |bytes| std::str::from_utf8(bytes).map_err(|_| NotOpened::Foreign);
        let chatbot = text(chatbot)?.parse().map_err(|_| NotOpened::Foreign)?;
        Ok(Opened { chatbot, key_id: text(key_id)?.to_owned() })
    }

    /// Whether a token has the form of ours, rather than that of one that an account signed itself.
    pub fn is_sealed(token: &str) -> bool {
        token.starts_with(PREFIX)
    }
}

/// The token of an `Authorization` header.
pub fn of_header(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

/// The id of a key: forty hexadecimal digits of the hash of its public half (DER), or of the hash of a secret.
pub fn key_id(key: &[u8]) -> String {
    Sha256::digest(key).iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rcs::address::Numbering;

    use super::*;

    fn weather() -> Address {
        Numbering::new("CN", "hongyan.local").chatbot("weather").unwrap()
    }

    #[test]
    fn a_token_opens_until_it_lapses_and_for_its_maker_only() {
        let noon = Timestamp::parse_rfc3339("2026-11-24T06:00:00Z").unwrap();
        let after = |seconds| noon.plus(Duration::from_secs(seconds));
        let tokens = Tokens::new(&[7; 32]);
        let token = tokens.seal(&weather(), "k1", after(3599));
        let opened = tokens.open(&token, after(3598)).unwrap();
        assert_eq!((opened.chatbot, opened.key_id.as_str()), (weather(), "k1"));
        assert_eq!(tokens.open(&token, after(3599)), Err(NotOpened::Expired));
        assert_eq!(Tokens::new(&[8; 32]).open(&token, noon), Err(NotOpened::Foreign));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = std::str::from_utf8(&changed).unwrap();
            assert!(tokens.open(changed, noon).is_err() || changed == token, "{at}");
            assert!(tokens.open(&token[..at], noon).is_err(), "{at}");
        }
    }

    #[test]
    fn a_header_shows_a_token_behind_its_scheme() {
        assert_eq!(of_header("Bearer  abc "), Some("abc"));
        assert_eq!(of_header("bearer abc"), Some("abc"));
        assert_eq!(of_header("Basic abc"), None);
        assert_eq!(of_header("Bearer"), None);
    }

    proptest! {
        #[test]
        fn any_sealed_token_opens_to_what_it_says(key in "[0-9a-f]{1,40}", second in 1u64..4_000_000_000) {
            let tokens = Tokens::new(&[1; 32]);
            let token = tokens.seal(&weather(), &key, Timestamp::from_seconds(second));
            let opened = tokens.open(&token, Timestamp::from_seconds(second - 1)).unwrap();
            prop_assert_eq!(opened.key_id, key);
            prop_assert_eq!(opened.chatbot, weather());
        }
    }
}
