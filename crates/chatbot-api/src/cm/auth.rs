//! Credentials with a date in them: `Authorization: Basic base64(id ":" hex(sha256(secret + Date)))`.
//!
//! For a chatbot, `secret` is `hex(sha256(password))`, so that neither side needs to keep the password; for a CSP it is its
//! token. `Date` is the header of that name, letter by letter.

use std::time::Duration;

use rcs::Timestamp;
use sha2::{Digest, Sha256};

use crate::basic;

/// How far the date may be from now, either way.
pub const VALID_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest `Date` that is looked at.
const DATE_BYTES_MAX: usize = 64;

/// The credentials of a request. Whether they are right is for [`Dated::verify`] to say.
#[derive(Clone, PartialEq, Eq)]
pub struct Dated {
    /// Who it says it is.
    pub id: String,
    hash: String,
    date: String,
}

/// Why credentials are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No `Authorization` of the scheme.
    #[error("Authorization: no Basic credentials")]
    NoCredentials,
    /// No `Date`, or none that is one.
    #[error("Date: missing, or no HTTP date (Mon, 23 Nov 2026 11:33:38 GMT)")]
    NoDate,
    /// The `Date` is more than a day away.
    #[error("Date: more than 24 hours from now")]
    Stale,
    /// The id is unknown, or the hash another.
    #[error("Authorization: unknown id or wrong hash")]
    Wrong,
}

impl Dated {
    /// Reads the two headers.
    pub fn of_headers(authorization: Option<&str>, date: Option<&str>) -> Result<Self, AuthError> {
        let (id, hash) = authorization.and_then(basic::parse).ok_or(AuthError::NoCredentials)?;
        let date = date.filter(|date| date.len() <= DATE_BYTES_MAX).ok_or(AuthError::NoDate)?;
        Timestamp::parse_http_date(date).map_err(|_| AuthError::NoDate)?;
        Ok(Self { id, hash: hash.to_ascii_lowercase(), date: date.to_owned() })
    }

    /// Whether the hash is that of `secret` and the date, and the date is near `now`. Takes the same time wherever the hash
    /// differs.
    pub fn verify(&self, secret: &str, now: Timestamp) -> Result<(), AuthError> {
        let at = Timestamp::parse_http_date(&self.date).map_err(|_| AuthError::NoDate)?;
        if now.since(at) > VALID_FOR || at.since(now) > VALID_FOR {
            return Err(AuthError::Stale);
        }
        let expected = hash(secret, &self.date);
        let is_same = expected.len() == self.hash.len()
            && expected.bytes().zip(self.hash.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0;
        if is_same { Ok(()) } else { Err(AuthError::Wrong) }
    }
}

impl std::fmt::Debug for Dated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dated").field("id", &self.id).field("date", &self.date).finish_non_exhaustive()
    }
}

/// The secret of a chatbot, of the SHA-256 of its password.
pub fn chatbot_secret(password_sha256: &[u8; 32]) -> String {
    hex(password_sha256)
}

/// The `Authorization` and `Date` headers of a request made at `now`.
pub fn headers(id: &str, secret: &str, now: Timestamp) -> [(&'static str, String); 2] {
    let date = now.http_date();
    [("Authorization", basic::write(id, &hash(secret, &date))), ("Date", date)]
}

fn hash(secret: &str, date: &str) -> String {
    hex(&Sha256::new().chain_update(secret).chain_update(date).finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Mon, 23 Nov 2026 11:33:38 GMT";

    fn now() -> Timestamp {
        Timestamp::parse_http_date(DATE).unwrap()
    }

    fn secret() -> String {
        chatbot_secret(&Sha256::digest("pässword").into())
    }

    #[test]
    fn the_hash_is_the_documented_one() {
        // printf %s "$(printf %s pässword | sha256sum | cut -c-64)Mon, 23 Nov 2026 11:33:38 GMT" | sha256sum
        let [(_, authorization), (_, date)] = headers("app", &secret(), now());
        assert_eq!(date, DATE);
        let (id, hash) = basic::parse(&authorization).unwrap();
        assert_eq!(id, "app");
        assert_eq!(hash, "76a9f66319a8c4f34d3a22dd1b5470a4bd8e60f6734be2439c856b554867f592");
    }

    #[test]
    fn only_the_right_hash_of_a_date_near_now_is_good() {
        let [(_, authorization), (_, date)] = headers("app", &secret(), now());
        let dated = Dated::of_headers(Some(&authorization), Some(&date)).unwrap();
        assert_eq!(dated.id, "app");
        assert_eq!(dated.verify(&secret(), now()), Ok(()));
        assert_eq!(dated.verify(&secret(), now().plus(VALID_FOR)), Ok(()));
        assert_eq!(dated.verify(&secret(), now().minus(VALID_FOR)), Ok(()));
        let late = now().plus(VALID_FOR + Duration::from_secs(1));
        assert_eq!(dated.verify(&secret(), late), Err(AuthError::Stale));
        assert_eq!(dated.verify("other", now()), Err(AuthError::Wrong));
        let other_date = "Mon, 23 Nov 2026 11:33:39 GMT";
        let dated = Dated::of_headers(Some(&authorization), Some(other_date)).unwrap();
        assert_eq!(dated.verify(&secret(), now()), Err(AuthError::Wrong));
    }

    #[test]
    fn what_is_missing_is_named() {
        let [(_, authorization), (_, date)] = headers("app", &secret(), now());
        let read = |authorization, date| Dated::of_headers(authorization, date).err();
        assert_eq!(read(None, Some(date.as_str())), Some(AuthError::NoCredentials));
        assert_eq!(read(Some("Bearer x"), Some(date.as_str())), Some(AuthError::NoCredentials));
        assert_eq!(read(Some(authorization.as_str()), None), Some(AuthError::NoDate));
        assert_eq!(read(Some(authorization.as_str()), Some("yesterday")), Some(AuthError::NoDate));
    }
}
