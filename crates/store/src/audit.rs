//! The audit log: every administrative act, in the order in which they began.
//!
//! Family `audit-log`, key: the act's id. A row is written before the act, and once more with how it ended; an act without an
//! outcome is one during which the process died. Nothing else changes a row, and only age removes it.

use rcs::Timestamp;
use serde::{Deserialize, Serialize};

use crate::mailbox::EntryId;
use crate::row::{Family, Row, decode};
use crate::tenant::KeyRole;
use crate::view::{View, Wants};
use crate::{Store, StoreError};

/// An administrative act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Its id.
    pub id: EntryId,
    /// When it began.
    pub at: Timestamp,
    /// The key that it was done with ([`crate::ApiKey::id`]); absent for the token of the data directory.
    pub key: Option<String>,
    /// Whose key; absent for the operator's.
    pub tenant: Option<String>,
    /// The key's role.
    pub role: KeyRole,
    /// The call, as the table of calls has it: `DELETE /chatbots/{name}`.
    pub call: String,
    /// What it was done to, as the path of a call that would show it. Never a body or query.
    pub target: String,
    /// Whose thing it was done to, when it is a tenant's.
    pub of_tenant: Option<String>,
    /// The address that it came from.
    pub from: String,
    /// The HTTP status that it was answered with; absent while it is under way, and when the process died during it.
    pub status: Option<u16>,
}

/// Which acts are wanted; absent members do not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActFilter {
    /// By this key; `root` for the token of the data directory.
    pub key: Option<String>,
    /// By or about this tenant.
    pub tenant: Option<String>,
    /// With this in the call or the path.
    pub text: Option<String>,
    /// From then on.
    pub since: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
    /// Refused or failed only.
    pub failed_only: bool,
    /// Whether `text` is looked for in [`Act::target_without_users`].
    pub hides_users: bool,
}

impl Act {
    /// Its target with `{number}` and the like where a user is named, for those who may not know who that is.
    pub fn target_without_users(&self) -> String {
        let path = self.call.split_once(' ').map_or(self.call.as_str(), |(_, path)| path);
        let mut parameters = path.split('/');
        let segments = self.target.split('/').map(|segment| match parameters.next() {
            Some(user @ ("{number}" | "{whom}" | "{address}" | "{device}")) => user,
            _ => segment,
        });
        segments.collect::<Vec<_>>().join("/")
    }
}

impl ActFilter {
    fn picks(&self, act: &Act) -> bool {
        let is_by = |key: &String| act.key.as_deref().unwrap_or("root") == key;
        let is_of =
            |tenant: &String| act.tenant.as_ref() == Some(tenant) || act.of_tenant.as_ref() == Some(tenant);
        let is_in_target = |text: &str| match self.hides_users {
            true => act.target_without_users().contains(text),
            false => act.target.contains(text),
        };
        let has = |text: &String| act.call.contains(text.as_str()) || is_in_target(text);
        self.key.as_ref().is_none_or(is_by)
            && self.tenant.as_ref().is_none_or(is_of)
            && self.text.as_ref().is_none_or(has)
            && self.since.is_none_or(|at| act.at >= at)
            && self.until.is_none_or(|at| act.at < at)
            && (!self.failed_only || act.status.is_none_or(|status| status >= 400))
    }
}

impl Row for Act {
    type Key = EntryId;
    const FAMILY: Family = Family::AuditLog;
    const VERSION: u8 = 1;

    fn key_bytes(key: &EntryId) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}

impl Wants {
    /// An act of the audit log.
    pub fn act(&mut self, id: EntryId) {
        self.acts.push(id);
    }
}

impl View {
    /// Adds an act.
    pub fn add_act(&mut self, act: Act) {
        self.acts.put(act.id, Some(act));
    }

    /// Notes how an act ended, once: whose thing it was done to, and to which, if its path did not say.
    pub fn end_act(&mut self, id: EntryId, status: u16, of_tenant: Option<String>, target: Option<String>) {
        self.acts.update(&id, |act| {
            if act.status.is_none() {
                (act.status, act.of_tenant) = (Some(status), of_tenant);
                act.target = target.unwrap_or_else(|| std::mem::take(&mut act.target));
            }
        });
    }

    /// Forgets an act that is old enough.
    pub fn remove_act(&mut self, id: EntryId) {
        self.acts.put(id, None);
    }
}

/// Acts, and the id before which to go on.
pub type Acts = (Vec<Act>, Option<EntryId>);

impl Store {
    /// Acts that `filter` picks, the latest first, from before `before` on: up to `limit` of them, found among `looked_max`; and
    /// where to go on (`None`: there are no older ones).
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn acts(
        &self,
        filter: &ActFilter,
        before: Option<EntryId>,
        limit: usize,
        looked_max: usize,
    ) -> Result<Acts, StoreError> {
        let end = before.unwrap_or(EntryId::LAST);
        let mut found = Vec::new();
        let rows = self.keyspace(Family::AuditLog).range(..end.as_bytes().to_vec()).rev();
        for (looked, guard) in rows.enumerate() {
            let act: Act = decode(&guard.value()?)?;
            if filter.since.is_some_and(|since| act.at < since) {
                return Ok((found, None));
            }
            let id = act.id;
            if filter.picks(&act) {
                found.push(act);
            }
            if found.len() == limit || looked + 1 == looked_max {
                return Ok((found, Some(id)));
            }
        }
        Ok((found, None))
    }

    /// Up to `limit` acts from before `before`, the oldest first.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn old_acts(&self, before: Timestamp, limit: usize) -> Result<Vec<EntryId>, StoreError> {
        let end = EntryId::before(before).as_bytes().to_vec();
        let rows = self.keyspace(Family::AuditLog).range(..end).take(limit);
        rows.map(|guard| decode(&guard.value()?).map(|act: Act| act.id)).collect()
    }
}
