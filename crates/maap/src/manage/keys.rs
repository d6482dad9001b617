//! Keys of the administration API: `hyk_` and two halves in hexadecimal digits, the public one that names the key and the secret
//! one, of which the hash is kept.

use std::time::Duration;

use message_centre::Work;
use message_centre::secret::sha256;
use rcs::Timestamp;
use store::{ApiKey, KeyRole};

use super::{Answer, invalid};
use crate::Maap;

/// What every key begins with, so that one is recognised where it does not belong.
const PREFIX: &str = "hyk_";
/// Longest name of a key, in characters.
const NAME_CHARS_MAX: usize = 64;
/// The longest that an old secret may stay good: 30 days.
const OVERLAP_S_MAX: u64 = 30 * 86_400;

/// A key to make.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// Whose; `None` for the operator's own people.
    pub tenant: Option<String>,
    /// What it opens.
    pub role: KeyRole,
    /// After so many seconds it opens nothing; `None` for never.
    pub expires_in_s: Option<u64>,
}

/// The halves of a key, if a text is one.
pub fn halves(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex(id) && is_hex(secret)).then_some((id, secret))
}

impl Maap {
    pub(super) fn create_key(&mut self, new: NewKey, work: &mut Work<'_>) -> Answer {
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || name.chars().any(char::is_control) {
            return invalid("name: 1 to 64 characters");
        }
        match (&new.tenant, new.role) {
            (Some(_), KeyRole::Operator) => return invalid("role: a tenant's key cannot be an operator's"),
            (None, KeyRole::TenantAdmin | KeyRole::Developer) => {
                return invalid("tenant: missing; only operators and auditors have none");
            }
            _ => {}
        }
        if let Some(tenant) = &new.tenant
            && !self.managed.tenants.exists(tenant)
        {
            return Answer::NotFound("tenant");
        }
        let id: String = self.random.name().chars().take(16).collect();
        let secret = self.random.secret();
        let key = ApiKey {
            tenant: new.tenant,
            role: new.role,
            name: name.to_owned(),
            sha256: sha256(&secret),
            previous: None,
            created_at: work.now,
            rotated_at: None,
            expires_at: new.expires_in_s.map(|seconds| work.now.plus(Duration::from_secs(seconds))),
            revoked_at: None,
            id,
        };
        work.view.put_api_key(key.clone());
        let text = format!("{PREFIX}{}_{secret}", key.id);
        Answer::Key(Box::new(key), text)
    }

    pub(super) fn rotate_key(&mut self, id: &str, overlap_s: u64, work: &mut Work<'_>) -> Answer {
        let Some(key) = work.view.api_key(id).cloned() else { return Answer::NotFound("key") };
        if !key.is_good(work.now) {
            return Answer::Conflict("the key is revoked or expired; make another".to_owned());
        }
        if overlap_s > OVERLAP_S_MAX {
            return invalid(format!("overlapSeconds: more than {OVERLAP_S_MAX}"));
        }
        let secret = self.random.secret();
        let until = work.now.plus(Duration::from_secs(overlap_s));
        let key = ApiKey {
            sha256: sha256(&secret),
            previous: (overlap_s > 0).then_some((key.sha256, until)),
            rotated_at: Some(work.now),
            ..key
        };
        work.view.put_api_key(key.clone());
        let text = format!("{PREFIX}{}_{secret}", key.id);
        Answer::Key(Box::new(key), text)
    }
}

pub(super) fn revoke(id: &str, work: &mut Work<'_>) -> Answer {
    let Some(key) = work.view.api_key(id).cloned() else { return Answer::NotFound("key") };
    let revoked_at: Option<Timestamp> = key.revoked_at.or(Some(work.now));
    work.view.put_api_key(ApiKey { revoked_at, previous: None, ..key });
    Answer::Done
}
