//! Tenants (CSPs), who own chatbots, and the keys with which they and the operator's people use the administration API.
//!
//! - `tenants`, key: the tenant's id.
//! - `owners`, key: the chatbot's address. Whose it is; a chatbot without a row is the operator's.
//! - `former-owners`, key: the address of a chatbot that was removed. Whose it was: what is left of it is nobody else's.
//! - `api-keys`, key: the public half of the key. The secret half is kept as SHA-256 of 256 random bits.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::row::{Family, Row};
use crate::view::{View, Wants};
use crate::{Store, StoreError};

/// Who runs chatbots on the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Names it: lower-case letters, digits, hyphens.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether its keys open anything and its chatbots may send.
    pub is_suspended: bool,
    /// What it may use.
    pub quota: Quota,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// What all chatbots of a tenant together may use; absent for no limit of the tenant's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Chatbots.
    pub chatbots: Option<u32>,
    /// Messages a second, counted by addressee.
    pub messages_per_second: Option<u32>,
    /// Messages a day, counted by addressee.
    pub messages_per_day: Option<u64>,
    /// Messages a month, counted by addressee.
    pub messages_per_month: Option<u64>,
}

/// What a key's holder may do. The table of calls says what that is for each (`http/admin/access.rs` of the binary).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyRole {
    /// Everything.
    Operator,
    /// What is a tenant's, and its keys.
    TenantAdmin,
    /// What is a tenant's, but not its keys.
    Developer,
    /// To look, and nothing else: at a tenant's things, or at everything.
    Auditor,
}

/// A key of the administration API.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The public half: lower-case hexadecimal digits.
    pub id: String,
    /// Whose; absent for the operator's own people.
    pub tenant: Option<String>,
    /// What it opens.
    pub role: KeyRole,
    /// What it is for, in its maker's words.
    pub name: String,
    /// SHA-256 of the secret half.
    pub sha256: [u8; 32],
    /// The secret before the last rotation, and until when it is good.
    pub previous: Option<([u8; 32], Timestamp)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its secret was last changed.
    pub rotated_at: Option<Timestamp>,
    /// After this it opens nothing; absent for never.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

impl ApiKey {
    /// Whether it can open anything at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| now < at)
    }

    /// The hashes of the secrets that are good at `now`: one, or two during a rotation.
    pub fn hashes(&self, now: Timestamp) -> impl Iterator<Item = &[u8; 32]> {
        let previous = self.previous.as_ref().filter(move |(_, until)| now < *until).map(|(hash, _)| hash);
        let is_good = self.is_good(now);
        std::iter::once(&self.sha256).chain(previous).filter(move |_| is_good)
    }
}

impl Row for Tenant {
    type Key = String;
    const FAMILY: Family = Family::Tenants;
    const VERSION: u8 = 1;

    fn key_bytes(key: &String) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}

/// Whose a chatbot is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The chatbot.
    pub chatbot: Address,
    /// The tenant's id.
    pub tenant: String,
}

impl Row for Owner {
    type Key = Address;
    const FAMILY: Family = Family::Owners;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}

/// Whose a chatbot was that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerOwner {
    /// The chatbot.
    pub chatbot: Address,
    /// The tenant's id; absent for the operator.
    pub tenant: Option<String>,
}

impl Row for FormerOwner {
    type Key = Address;
    const FAMILY: Family = Family::FormerOwners;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}

impl Row for ApiKey {
    type Key = String;
    const FAMILY: Family = Family::ApiKeys;
    const VERSION: u8 = 1;

    fn key_bytes(key: &String) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}

impl Wants {
    /// A tenant.
    pub fn tenant(&mut self, id: &str) {
        self.tenants.push(id.to_owned());
    }

    /// A key.
    pub fn api_key(&mut self, id: &str) {
        self.api_keys.push(id.to_owned());
    }

    /// All keys of a tenant.
    pub fn api_keys_of(&mut self, tenant: &str) {
        self.api_key_lists.push(tenant.to_owned());
    }

    /// Whose a chatbot was that was removed.
    pub fn former_owner(&mut self, chatbot: &Address) {
        self.former_owners.push(chatbot.clone());
    }
}

impl View {
    /// A tenant; `None` when there is no such tenant.
    pub fn tenant(&self, id: &str) -> Option<&Tenant> {
        self.tenants.get(&id.to_owned())
    }

    /// Adds or replaces a tenant.
    pub fn put_tenant(&mut self, tenant: Tenant) {
        self.tenants.put(tenant.id.clone(), Some(tenant));
    }

    /// Removes a tenant.
    pub fn remove_tenant(&mut self, id: &str) {
        self.tenants.put(id.to_owned(), None);
    }

    /// Whether it is loaded how much was counted for somebody.
    pub fn knows_spending(&self, whose: &str) -> bool {
        self.spending.has(&whose.to_owned())
    }

    /// Notes whose a chatbot is; `None` for the operator's.
    pub fn put_owner(&mut self, chatbot: &Address, tenant: Option<String>) {
        let row = tenant.map(|tenant| Owner { chatbot: chatbot.clone(), tenant });
        self.owners.put(chatbot.clone(), row);
    }

    /// Whose the chatbot of this address was, if there was one that is not there any more.
    pub fn former_owner(&self, chatbot: &Address) -> Option<&FormerOwner> {
        self.former_owners.get(chatbot)
    }

    /// Notes whose a chatbot was that is removed; `None` when there is one of its name again.
    pub fn put_former_owner(&mut self, chatbot: &Address, former: Option<FormerOwner>) {
        self.former_owners.put(chatbot.clone(), former);
    }

    /// The ids of a tenant's keys, as they were when they were loaded.
    pub fn api_keys_of(&self, tenant: &str) -> &[String] {
        self.api_key_lists.get(tenant).map_or(&[], Vec::as_slice)
    }

    /// Removes a key.
    pub fn remove_api_key(&mut self, id: &str) {
        self.api_keys.put(id.to_owned(), None);
    }

    /// A key; `None` when there is no such key.
    pub fn api_key(&self, id: &str) -> Option<&ApiKey> {
        self.api_keys.get(&id.to_owned())
    }

    /// Adds or replaces a key.
    pub fn put_api_key(&mut self, key: ApiKey) {
        self.api_keys.put(key.id.clone(), Some(key));
    }
}

impl Store {
    /// One tenant.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn tenant(&self, id: &str) -> Result<Option<Tenant>, StoreError> {
        self.get(&id.to_owned())
    }

    /// All tenants, by id.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn tenants(&self) -> Result<Vec<Tenant>, StoreError> {
        self.all()
    }

    /// The tenant whose a chatbot is; `None` for the operator's, and for one that is not there.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn owner(&self, chatbot: &Address) -> Result<Option<String>, StoreError> {
        let owner: Option<Owner> = self.get(chatbot)?;
        Ok(owner.map(|owner| owner.tenant))
    }

    /// The chatbots that are a tenant's.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn owners(&self) -> Result<Vec<Owner>, StoreError> {
        self.all()
    }

    /// One key.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn api_key(&self, id: &str) -> Result<Option<ApiKey>, StoreError> {
        self.get(&id.to_owned())
    }

    /// All keys, by id.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        self.all()
    }
}
