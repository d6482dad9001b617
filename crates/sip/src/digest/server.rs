//! The server's half: challenges, and checking what answers them.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::nonce::{Age, NonceCounter, NonceKey};
use super::{Algorithm, Asked, Ha1s, digest_params, quoted, response};
use crate::uri::Uri;
use crate::value::{HeaderError, unescape};

/// Longest parameter of an Authorization that is looked at, in bytes.
const PARAM_BYTES_MAX: usize = 1024;

/// Writes challenges for one realm and checks their answers. Nodes with the same realm and secret accept each
/// other's nonces.
#[derive(Clone)]
pub struct Verifier {
    realm: String,
    nonces: NonceKey,
    /// Stands in for a user who does not exist, so that both cases cost the same.
    nobody: Ha1s,
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Verifier({})", self.realm)
    }
}

/// What a request is for, as its digest `uri` must name it.
#[derive(Copy, Clone, Debug)]
pub enum Target<'a> {
    /// A SIP Request-URI; equivalents name it too (RFC 3261 §19.1.4).
    Sip(&'a Uri<'a>),
    /// Path and query of an HTTP request as they stand in its first line. Clients may write the whole URL
    /// (RFC 7616 §3.4): then its scheme and authority are passed over.
    Http(&'a str),
}

impl<'a> From<&'a Uri<'a>> for Target<'a> {
    fn from(uri: &'a Uri<'a>) -> Self {
        Target::Sip(uri)
    }
}

impl Target<'_> {
    fn is_named_by(self, uri: &str) -> bool {
        match self {
            Target::Sip(target) => Uri::parse(uri).is_ok_and(|uri| uri.is_equivalent(target)),
            Target::Http(target) => {
                let path = match uri.split_once("://") {
                    Some((_, rest)) if !uri.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
                    _ => uri,
                };
                path == target
            }
        }
    }
}

/// Why an answer was not accepted. All but [`Denied::UriMismatch`] and [`Denied::Malformed`] (400) are answered
/// with new challenges.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No such user, a wrong password, a foreign realm, an unknown algorithm: all look alike.
    #[error("the credentials are wrong")]
    Wrong,
    /// The password is right but the nonce is too old or not ours, or its `nc` was used: challenge with `stale=true`.
    #[error("the nonce is stale")]
    Stale,
    /// The digest `uri` is not the Request-URI.
    #[error("the digest uri is not the Request-URI")]
    UriMismatch,
    /// A parameter is missing or unreadable.
    #[error("the Authorization is malformed")]
    Malformed,
}

impl Denied {
    /// The `stale` argument of the challenges that follow; `None` when the answer is 400.
    pub fn challenge_stale(self) -> Option<bool> {
        match self {
            Denied::Wrong => Some(false),
            Denied::Stale => Some(true),
            Denied::UriMismatch | Denied::Malformed => None,
        }
    }
}

impl Verifier {
    /// A verifier whose nonces live for `nonce_life`; `secret` is random and stays the same over restarts and nodes.
    pub fn new(realm: impl Into<String>, secret: [u8; 32], nonce_life: Duration) -> Self {
        let realm = realm.into();
        let nobody = Ha1s::of("", &realm, &super::hex(&secret));
        Verifier { realm, nonces: NonceKey::new(secret, nonce_life), nobody }
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Values of two WWW-Authenticate (or Proxy-Authenticate) lines, in order of preference (RFC 8760 §2.3).
    ///
    /// `now` counts from the Unix epoch. `salt` differs from challenge to challenge, so that no two peers share a
    /// nonce; a counter or random number will do.
    pub fn challenges(&self, now: Duration, salt: u64, stale: bool) -> [String; 2] {
        let nonce = self.nonces.issue(now, salt);
        [Algorithm::Sha256, Algorithm::Md5].map(|algorithm| {
            format!(
                "Digest realm={}, nonce=\"{nonce}\", qop=\"auth\", algorithm={}{}",
                quoted(&self.realm),
                algorithm.as_str(),
                if stale { ", stale=true" } else { "" },
            )
        })
    }

    /// Checks an answer; `ha1s` are those of [`Authorization::username`], `None` if nobody has that name.
    ///
    /// `now` counts from the Unix epoch. On success the nonce's `nc` is noted in `seen`.
    ///
    /// # Errors
    /// See [`Denied`].
    pub fn verify<'t>(
        &self,
        now: Duration,
        authorization: &Authorization<'_>,
        method: &str,
        target: impl Into<Target<'t>>,
        ha1s: Option<&Ha1s>,
        seen: &mut NonceCounter,
    ) -> Result<(), Denied> {
        let Authorization { algorithm, nonce, uri, .. } = *authorization;
        let Some(algorithm) = algorithm else {
            return Err(Denied::Wrong);
        };
        if authorization.is_empty() {
            return Err(Denied::Wrong);
        }
        let auth = match authorization.qop {
            None => None,
            Some(qop) if qop.eq_ignore_ascii_case("auth") => {
                let (Some(nc), Some(cnonce)) = (authorization.nc, authorization.cnonce) else {
                    return Err(Denied::Malformed);
                };
                Some((nc, cnonce))
            }
            Some(_) => return Err(Denied::Wrong),
        };
        // Without qop there is no count: the nonce is good for one request.
        let count = match auth {
            Some((nc, _)) if nc.len() == 8 => u32::from_str_radix(nc, 16).map_err(|_| Denied::Malformed)?,
            Some(_) => return Err(Denied::Malformed),
            None => 1,
        };
        if !target.into().is_named_by(uri) {
            return Err(Denied::UriMismatch);
        }

        let ha1 = ha1s.unwrap_or(&self.nobody).get(algorithm);
        let expected = response(algorithm, ha1, &Asked { method, uri, nonce, auth });
        let right = same_hex(&expected, authorization.response) & ha1s.is_some();
        let realm = authorization.realm() == self.realm;
        if !right || !realm {
            return Err(Denied::Wrong);
        }
        // A nonce that is not ours, with the right password: our secret has changed since. A new one will do.
        let (nonce_id, age) = self.nonces.check(now, nonce).ok_or(Denied::Stale)?;
        match age {
            Age::Expired => Err(Denied::Stale),
            Age::Fresh { issued } if seen.note(now, self.nonces.life(), nonce_id, issued, count) => Ok(()),
            // RFC 7616 §3.4: a count that does not rise is a repeat of something overheard.
            Age::Fresh { .. } => Err(Denied::Stale),
        }
    }
}

/// An Authorization or Proxy-Authorization value.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Authorization<'a> {
    username: &'a str,
    realm: &'a str,
    nonce: &'a str,
    uri: &'a str,
    response: &'a str,
    /// `None` when it is one that we do not know.
    algorithm: Option<Algorithm>,
    qop: Option<&'a str>,
    nc: Option<&'a str>,
    cnonce: Option<&'a str>,
}

impl<'a> Authorization<'a> {
    /// Reads a header value.
    ///
    /// # Errors
    /// Not the Digest scheme, not UTF-8, no username, realm, nonce, uri or response, or a parameter of over 1 KiB.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let malformed = |reason| HeaderError::malformed("Authorization", reason);
        let text = std::str::from_utf8(value).map_err(|_| malformed("not UTF-8"))?;
        let (mut username, mut realm, mut nonce, mut uri, mut response) = (None, None, None, None, None);
        let (mut algorithm, mut qop, mut nc, mut cnonce) = (None, None, None, None);
        for (name, value) in digest_params(text).ok_or(malformed("not Digest"))? {
            if value.len() > PARAM_BYTES_MAX {
                return Err(malformed("a parameter is too long"));
            }
            let slot = match name {
                _ if name.eq_ignore_ascii_case("username") => &mut username,
                _ if name.eq_ignore_ascii_case("realm") => &mut realm,
                _ if name.eq_ignore_ascii_case("nonce") => &mut nonce,
                _ if name.eq_ignore_ascii_case("uri") => &mut uri,
                _ if name.eq_ignore_ascii_case("response") => &mut response,
                _ if name.eq_ignore_ascii_case("algorithm") => &mut algorithm,
                _ if name.eq_ignore_ascii_case("qop") => &mut qop,
                _ if name.eq_ignore_ascii_case("nc") => &mut nc,
                _ if name.eq_ignore_ascii_case("cnonce") => &mut cnonce,
                _ => continue,
            };
            *slot = Some(value);
        }
        Ok(Authorization {
            username: username.ok_or(malformed("no username"))?,
            realm: realm.ok_or(malformed("no realm"))?,
            nonce: nonce.ok_or(malformed("no nonce"))?,
            uri: uri.ok_or(malformed("no uri"))?,
            response: response.ok_or(malformed("no response"))?,
            algorithm: Algorithm::of(algorithm),
            qop,
            nc,
            cnonce,
        })
    }

    /// The username, whose [`Ha1s`] are to be looked up. Nothing about it is proved yet.
    pub fn username(&self) -> Cow<'a, str> {
        unescape(self.username)
    }

    /// The realm that it is for.
    pub fn realm(&self) -> Cow<'a, str> {
        unescape(self.realm)
    }

    /// Whether it only names the user, with empty nonce and response, as in the first REGISTER of IMS clients:
    /// answer with challenges, not with a refusal.
    pub fn is_empty(&self) -> bool {
        self.nonce.is_empty() || self.response.is_empty()
    }
}

/// Compares without telling by its time where the first difference is.
fn same_hex(expected: &str, given: &str) -> bool {
    if expected.len() != given.len() {
        return false;
    }
    let differences = expected
        .bytes()
        .zip(given.bytes())
        .fold(0, |differences, (one, other)| differences | (one ^ other.to_ascii_lowercase()));
    std::hint::black_box(differences) == 0
}
