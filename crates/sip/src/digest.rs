//! Digest access authentication (RFC 7616, RFC 8760; RFC 3261 §22).
//!
//! The server side is a [`Verifier`]: it writes two challenges, SHA-256 first and MD5 second, and checks what comes
//! back against stored [`Ha1s`]. Nonces are signed timestamps, so nothing is remembered when one is given out; the
//! [`NonceCounter`] remembers only those that were used, to refuse what was said before. The client side is a
//! [`Challenge`].
//!
//! ```
//! use std::time::Duration;
//! use sip::digest::{Authorization, Challenge, Ha1s, NonceCounter, Verifier};
//! use sip::Uri;
//!
//! let now = Duration::from_secs(1_795_000_000); // since the Unix epoch
//! let stored = Ha1s::of("alice", "hongyan.local", "wonderland");
//! let verifier = Verifier::new("hongyan.local", [7; 32], Duration::from_secs(300));
//! let mut seen = NonceCounter::new(1000, now);
//!
//! let offered = verifier.challenges(now, 1, false);
//! let challenge = Challenge::best(offered.iter().map(|value| value.as_bytes())).ok_or("no challenge")?;
//! let uri = "sip:hongyan.local";
//! let answer = challenge.answer("REGISTER", uri, "alice", "wonderland", "c0ffee", 1);
//!
//! let authorization = Authorization::parse(answer.as_bytes())?;
//! verifier.verify(now, &authorization, "REGISTER", &Uri::parse(uri)?, Some(&stored), &mut seen)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::value;

mod client;
mod nonce;
mod server;

pub use client::Challenge;
pub use nonce::NonceCounter;
pub use server::{Authorization, Denied, Target, Verifier};

/// A hash algorithm for digests.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// SHA-256 (RFC 8760): preferred.
    Sha256,
    /// MD5 (RFC 3261): for those who can do nothing else.
    Md5,
}

impl Algorithm {
    /// The token of the `algorithm` parameter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    /// The algorithm of an `algorithm` parameter; absent means MD5, unknown gives `None`.
    fn of(token: Option<&str>) -> Option<Self> {
        match token {
            None => Some(Algorithm::Md5),
            Some(token) if token.eq_ignore_ascii_case("SHA-256") => Some(Algorithm::Sha256),
            Some(token) if token.eq_ignore_ascii_case("MD5") => Some(Algorithm::Md5),
            Some(_) => None,
        }
    }

    /// H of the parts joined by colons, in lower-case hexadecimal.
    fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Algorithm::Sha256 => joined::<Sha256>(parts),
            Algorithm::Md5 => joined::<Md5>(parts),
        }
    }
}

/// What is stored of a password: H(username:realm:password) for each algorithm.
///
/// Whoever has it can log in to this realm, so it is as secret as a password; `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ha1s {
    /// 64 hexadecimal digits.
    sha256: String,
    /// 32 hexadecimal digits.
    md5: String,
}

impl Ha1s {
    /// Hashes a password for a user of a realm.
    pub fn of(username: &str, realm: &str, password: &str) -> Self {
        let parts = [username.as_bytes(), realm.as_bytes(), password.as_bytes()];
        Ha1s { sha256: Algorithm::Sha256.hash(&parts), md5: Algorithm::Md5.hash(&parts) }
    }

    /// The hash for one algorithm, in lower-case hexadecimal.
    pub fn get(&self, algorithm: Algorithm) -> &str {
        match algorithm {
            Algorithm::Sha256 => &self.sha256,
            Algorithm::Md5 => &self.md5,
        }
    }
}

impl fmt::Debug for Ha1s {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1s(…)")
    }
}

/// What a response depends on besides HA1.
struct Asked<'a> {
    method: &'a str,
    uri: &'a str,
    nonce: &'a str,
    /// `nc` and `cnonce`; `None` without qop (RFC 2069).
    auth: Option<(&'a str, &'a str)>,
}

/// The `response` parameter (RFC 7616 §3.4.1).
fn response(algorithm: Algorithm, ha1: &str, asked: &Asked<'_>) -> String {
    let ha2 = algorithm.hash(&[asked.method.as_bytes(), asked.uri.as_bytes()]);
    let (ha1, ha2, nonce) = (ha1.as_bytes(), ha2.as_bytes(), asked.nonce.as_bytes());
    match asked.auth {
        Some((nc, cnonce)) => algorithm.hash(&[ha1, nonce, nc.as_bytes(), cnonce.as_bytes(), b"auth", ha2]),
        None => algorithm.hash(&[ha1, nonce, ha2]),
    }
}

fn joined<H: sha2::Digest>(parts: &[&[u8]]) -> String {
    let mut hasher = H::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hasher.update(b":");
        }
        hasher.update(part);
    }
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(DIGITS[digit as usize]))
        .collect()
}

/// Name and value of each parameter of a `Digest …` header value; quotes are taken off, escapes stay. `None` if the
/// scheme is another.
fn digest_params(text: &str) -> Option<impl Iterator<Item = (&str, &str)>> {
    let (scheme, params) = text.trim().split_once(|char: char| char.is_ascii_whitespace())?;
    scheme.eq_ignore_ascii_case("Digest").then(|| {
        value::elements(params.as_bytes()).filter_map(|param| {
            let (name, value) = std::str::from_utf8(param).ok()?.split_once('=')?;
            let value = value.trim();
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            Some((name.trim(), value))
        })
    })
}

/// Text inside quotes: `"` and `\` escaped.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
