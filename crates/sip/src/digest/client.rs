//! The client's half: choosing a challenge and answering it.

use super::{Algorithm, Asked, Ha1s, digest_params, quoted, response};
use crate::value::unescape;

/// A challenge of a 401 or 407 that we can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The realm that the password is for.
    pub realm: String,
    /// The server's nonce, good for several requests with a rising count.
    pub nonce: String,
    /// To be sent back as it came.
    pub opaque: Option<String>,
    /// The hash to use.
    pub algorithm: Algorithm,
    /// Whether `qop=auth` is offered; without it the old form of RFC 2069 is used.
    pub qop_auth: bool,
    /// The last answer was right but its nonce was old: try again with this one, without asking for a password.
    pub stale: bool,
}

impl Challenge {
    /// Reads one WWW-Authenticate or Proxy-Authenticate value; `None` if it is not one that we can answer.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (mut realm, mut nonce, mut opaque, mut algorithm, mut qop) = (None, None, None, None, None);
        let mut stale = false;
        for (name, value) in digest_params(text)? {
            match name.to_ascii_lowercase().as_str() {
                "realm" => realm = Some(unescape(value).into_owned()),
                "nonce" => nonce = Some(value.to_owned()),
                "opaque" => opaque = Some(value.to_owned()),
                "algorithm" => algorithm = Some(value),
                "qop" => qop = Some(value),
                "stale" => stale = value.eq_ignore_ascii_case("true"),
                _ => {}
            }
        }
        let qop_auth =
            qop.is_some_and(|qop| qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth")));
        if qop.is_some() && !qop_auth {
            return None;
        }
        Some(Challenge {
            realm: realm?,
            nonce: nonce?,
            opaque,
            algorithm: Algorithm::of(algorithm)?,
            qop_auth,
            stale,
        })
    }

    /// The best of several: SHA-256 if it is offered, else MD5.
    pub fn best<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut best: Option<Challenge> = None;
        for challenge in values.into_iter().filter_map(Challenge::parse) {
            if challenge.algorithm == Algorithm::Sha256 {
                return Some(challenge);
            }
            best.get_or_insert(challenge);
        }
        best
    }

    /// The value of Authorization (or Proxy-Authorization) for a request.
    ///
    /// `uri` is the Request-URI as written; `cnonce` is random text without quotes; `nc` is 1 at the first use of
    /// the nonce and one more at each further use.
    pub fn answer(
        &self,
        method: &str,
        uri: &str,
        username: &str,
        password: &str,
        cnonce: &str,
        nc: u32,
    ) -> String {
        let ha1s = Ha1s::of(username, &self.realm, password);
        let nc = format!("{nc:08x}");
        let auth = self.qop_auth.then_some((nc.as_str(), cnonce));
        let asked = Asked { method, uri, nonce: &self.nonce, auth };
        let mut value = format!(
            "Digest username={}, realm={}, nonce=\"{}\", uri=\"{uri}\", response=\"{}\", algorithm={}",
            quoted(username),
            quoted(&self.realm),
            self.nonce,
            response(self.algorithm, ha1s.get(self.algorithm), &asked),
            self.algorithm.as_str(),
        );
        if let Some((nc, cnonce)) = auth {
            value += &format!(", qop=auth, nc={nc}, cnonce=\"{cnonce}\"");
        }
        if let Some(opaque) = &self.opaque {
            value += &format!(", opaque=\"{opaque}\"");
        }
        value
    }
}
