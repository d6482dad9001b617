//! Access tokens: the request for one (RFC 7523 §2.1 over RFC 6749), and the tokens themselves.
//!
//! A token is sealed and not stored: it says for whom it is, which key was shown for it, and when it lapses, under a seal that
//! only this deployment can make. So any number of processes hold tokens at once, a restart forgets none, and when a key is
//! taken away, the tokens that it got are worth nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::percent_decode_str;
use rcs::{Address, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;

/// Seconds for which a token is good, as libraries are used to.
pub const TOKEN_SECONDS: u64 = 3599;

/// The grant that is exchanged.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What tells our tokens from the ones that accounts sign themselves.
const PREFIX: &str = "hy1.";

/// Bytes of a token before the account's address: seal, time, length of the key's id.
const HEAD_BYTES: usize = SEAL_BYTES + 8 + 1;

const SEAL_BYTES: usize = 32;

/// Longest token, in bytes.
const BYTES_MAX: usize = 1024;

/// Why a token request was refused (RFC 6749 §5.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct TokenRefusal {
    /// One of the specification's words.
    pub error: &'static str,
    /// For the author of the client.
    pub description: String,
}

impl TokenRefusal {
    /// A member is missing or there twice.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self { error: "invalid_request", description: description.into() }
    }

    /// The assertion is not taken.
    pub fn invalid_grant(description: impl Into<String>) -> Self {
        Self { error: "invalid_grant", description: description.into() }
    }

    /// The assertion is for something that we do not have.
    pub fn invalid_scope(description: impl Into<String>) -> Self {
        Self { error: "invalid_scope", description: description.into() }
    }

    /// The answer's body; its status is 400.
    pub fn to_json(&self) -> Value {
        json!({ "error": self.error, "error_description": self.description })
    }
}

/// Reads the form of a token request: gives the assertion.
pub fn read_request(form: &[u8]) -> Result<String, TokenRefusal> {
    let form = std::str::from_utf8(form).map_err(|_| TokenRefusal::invalid_request("the form is no text"))?;
    let (mut grant, mut assertion) = (None, None);
    for pair in form.trim().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.replace('+', " ");
        let decoded = percent_decode_str(&value).decode_utf8();
        let value =
            decoded.map_err(|_| TokenRefusal::invalid_request(format!("{} is no text", short(name))))?;
        let member = match name {
            "grant_type" => &mut grant,
            "assertion" => &mut assertion,
            _ => continue,
        };
        if member.replace(value.into_owned()).is_some() {
            return Err(TokenRefusal::invalid_request(format!("{name} is there twice")));
        }
    }
    match (grant, assertion) {
        (Some(grant), _) if grant != GRANT => Err(TokenRefusal {
            error: "unsupported_grant_type",
            description: format!("{} is not {GRANT}", short(&grant)),
        }),
        (None, _) => Err(TokenRefusal::invalid_request("grant_type is missing")),
        (_, None) => Err(TokenRefusal::invalid_request("assertion is missing")),
        (Some(_), Some(assertion)) => Ok(assertion),
    }
}

/// The answer with a token.
pub fn answer(access_token: &str) -> Value {
    json!({ "access_token": access_token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer" })
}

/// The token of an `Authorization` header.
pub fn of_header(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

/// Makes tokens and knows its own again.
#[derive(Clone)]
pub struct Tokens {
    seal: Hmac<Sha256>,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The agent.
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

    /// A token for `chatbot`, which has shown the key `key_id` (at most 255 bytes).
    pub fn seal(&self, chatbot: &Address, key_id: &str, now: Timestamp) -> String {
        let expires_s = now.as_seconds() + TOKEN_SECONDS;
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

fn short(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}
