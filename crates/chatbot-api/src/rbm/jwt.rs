//! JSON web tokens signed with RS256 (RFC 7515, RFC 7519): how a service account says who it is.
//!
//! A token comes as the `assertion` of a token request (RFC 7523), or, signed by the account itself, in place of an access
//! token. [`Jwt::parse`] reads one without believing it; [`Jwt::is_signed_by`] checks the signature; [`Claims::check`] whether
//! what it says holds here and now.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcs::{Timestamp, bot};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::SCOPE;

/// Longest token, in bytes. One of a client library has about 800.
pub const BYTES_MAX: usize = 8 * 1024;

/// The longest time between `iat` and `exp`, in seconds.
pub const LIFETIME_MAX_S: u64 = 3600;

/// How far clocks may be apart, in seconds.
pub const SKEW_S: u64 = 300;

/// A token, read and not yet believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwt {
    /// Which of the account's keys signed it, if it says so.
    pub key_id: Option<String>,
    /// What it claims.
    pub claims: Claims,
    /// What is signed.
    signed: String,
    signature: Vec<u8>,
}

/// What a token claims.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// `iss`: the account that signs.
    pub issuer: String,
    /// `sub`: on whose behalf, if not its own.
    pub subject: Option<String>,
    /// `aud`: for whom it is meant.
    pub audiences: Vec<String>,
    /// `scope`: for what, words separated by blanks; absent when the audience says it all.
    pub scope: Option<String>,
    /// `iat`: since when it holds.
    pub issued_at: Timestamp,
    /// `exp`: when it ceases to.
    pub expires_at: Timestamp,
}

/// As what a token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To be exchanged for an access token: meant for the token endpoint, with a scope.
    Assertion,
    /// In place of an access token: meant for the interface, or with a scope.
    Bearer,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No token of the kind that we read.
    #[error("no JSON web token signed with RS256")]
    Malformed,
    /// A claim is missing, or is no such thing.
    #[error("{0} is missing, or is not what it should be")]
    Claim(&'static str),
    /// Not signed by a key of the account.
    #[error("the signature fits no key of this account")]
    Signature,
    /// On behalf of somebody else.
    #[error("sub is another than iss")]
    Subject,
    /// For somebody else.
    #[error("aud names none of this server's audiences")]
    Audience,
    /// For something else.
    #[error("scope lacks {SCOPE}")]
    Scope,
    /// Not yet, or from a clock that is wrong.
    #[error("iat is in the future: is the clock right?")]
    TooEarly,
    /// No more.
    #[error("exp is in the past: is the clock right?")]
    Expired,
    /// For too long.
    #[error("exp is more than an hour after iat")]
    TooLong,
}

impl Jwt {
    /// Reads a token of the form `header.claims.signature`.
    pub fn parse(token: &str) -> Result<Self, Fault> {
        if token.len() > BYTES_MAX {
            return Err(Fault::Malformed);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Fault::Malformed)?;
        let header = object(header)?;
        // RFC 7515 §4.1.11: what `crit` lists must be understood, and we understand nothing of the kind.
        if header.get("alg").and_then(Value::as_str) != Some("RS256") || header.contains_key("crit") {
            return Err(Fault::Malformed);
        }
        Ok(Self {
            key_id: text(&header, "kid")?,
            claims: Claims::read(&object(claims)?)?,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| Fault::Malformed)?,
            signed: signed.to_owned(),
        })
    }

    /// Whether the key signed it: the DER form of an `RSAPublicKey` (RFC 8017 §A.1.1) of 2048 to 8192 bits.
    pub fn is_signed_by(&self, public_key: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key)
            .verify(self.signed.as_bytes(), &self.signature)
            .is_ok()
    }
}

impl Claims {
    fn read(claims: &Map<String, Value>) -> Result<Self, Fault> {
        let audiences = match claims.get("aud") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => several
                .iter()
                .map(|one| one.as_str().map(str::to_owned).ok_or(Fault::Claim("aud")))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(Fault::Claim("aud")),
        };
        Ok(Self {
            issuer: text(claims, "iss")?.ok_or(Fault::Claim("iss"))?,
            subject: text(claims, "sub")?,
            audiences,
            scope: text(claims, "scope")?,
            issued_at: time(claims, "iat")?,
            expires_at: time(claims, "exp")?,
        })
    }

    /// Whether the claims hold. `audiences` are the URLs under which clients know us: token endpoints, and roots of the
    /// interface. A slash at the end makes no difference; a bearer token may name any URL below a root, since libraries put
    /// there what they are about to call.
    pub fn check(&self, shown_as: Use, audiences: &[String], now: Timestamp) -> Result<(), Fault> {
        let (now_s, issued_s, expires_s) =
            (now.as_seconds(), self.issued_at.as_seconds(), self.expires_at.as_seconds());
        if issued_s > now_s + SKEW_S {
            return Err(Fault::TooEarly);
        }
        if expires_s + SKEW_S <= now_s {
            return Err(Fault::Expired);
        }
        if expires_s > issued_s + LIFETIME_MAX_S + SKEW_S {
            return Err(Fault::TooLong);
        }
        if self.subject.as_ref().is_some_and(|subject| *subject != self.issuer) {
            return Err(Fault::Subject);
        }
        let is_ours = |given: &String| audiences.iter().any(|known| is_audience(shown_as, given, known));
        let has_scope =
            self.scope.as_ref().map(|scope| scope.split_ascii_whitespace().any(|one| one == SCOPE));
        match (has_scope, self.audiences.is_empty()) {
            (Some(false), _) => Err(Fault::Scope),
            (None, _) if shown_as == Use::Assertion => Err(Fault::Scope),
            (_, true) if shown_as == Use::Assertion => Err(Fault::Audience),
            (None, true) => Err(Fault::Audience),
            (Some(true), true) => Ok(()),
            (_, false) if self.audiences.iter().any(is_ours) => Ok(()),
            (_, false) => Err(Fault::Audience),
        }
    }
}

fn is_audience(shown_as: Use, given: &str, known: &str) -> bool {
    let known = known.trim_end_matches('/');
    match given.strip_prefix(known) {
        Some("" | "/") => true,
        Some(below) => shown_as == Use::Bearer && below.starts_with(['/', '?']),
        None => false,
    }
}

fn object(part: &str) -> Result<Map<String, Value>, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed)?;
    match bot::read_json(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Fault::Malformed),
    }
}

fn text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Fault> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Fault::Claim(name)),
    }
}

/// A `NumericDate`: seconds since the epoch, fractions allowed (RFC 7519 §2).
fn time(members: &Map<String, Value>, name: &'static str) -> Result<Timestamp, Fault> {
    let seconds = members.get(name).and_then(Value::as_f64).filter(|seconds| (0.0..4e9).contains(seconds));
    Ok(Timestamp::from_millis((seconds.ok_or(Fault::Claim(name))? * 1000.0) as u64))
}
