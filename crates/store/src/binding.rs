//! Bindings: the registered devices of a subscriber (RFC 3261 §10, RFC 5626).
//!
//! Key: the subscriber's address. One row holds all of a subscriber's bindings, since they are read together.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use sip::Flow;

use crate::row::{Family, Row};

/// The bindings of one subscriber; an absent row means none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bindings {
    /// In the order of their first registration.
    pub list: Vec<Binding>,
}

/// One registered contact of a subscriber.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// `+sip.instance` without quotes and brackets (`urn:uuid:…`); absent for clients that send none.
    pub instance: Option<String>,
    /// `reg-id` (RFC 5626); absent outside outbound.
    pub reg_id: Option<u32>,
    /// The Contact URI as the device wrote it.
    pub contact_uri: String,
    /// The Contact's parameters as written, feature tags among them; what a 200 lists back.
    pub contact_params: String,
    /// The flow over which the device registered, and over which it is reached.
    pub flow: Flow,
    /// Path values, in order, replayed as Route (RFC 3327).
    pub path: Vec<String>,
    /// The REGISTER's Call-ID and CSeq, to refuse what comes late (RFC 3261 §10.3 step 7).
    pub call_id: String,
    /// See `call_id`.
    pub cseq: u32,
    /// When the binding lapses unless it is refreshed.
    pub expires_at: Timestamp,
    /// When the device last registered.
    pub registered_at: Timestamp,
    /// The device's feature tags.
    pub capabilities: rcs::capability::Capabilities,
    /// The `User-Agent`, for operators; absent when the client sends none.
    pub user_agent: Option<String>,
    /// The opaque part of the temporary GRUU given out last (RFC 5627); absent when GRUU was not asked for.
    pub temp_gruu: Option<String>,
    /// Whether the device announced that it can take `Content-Encoding: deflate`.
    pub accepts_deflate: bool,
}

impl Binding {
    /// What tells this device from the subscriber's others: the instance id, or without one the Contact URI.
    pub fn device(&self) -> &str {
        self.instance.as_deref().unwrap_or(&self.contact_uri)
    }
}

impl Bindings {
    /// The bindings that have not lapsed at `now`.
    pub fn live(&self, now: Timestamp) -> impl Iterator<Item = &Binding> {
        self.list.iter().filter(move |binding| binding.expires_at > now)
    }
}

impl Row for Bindings {
    type Key = Address;
    const FAMILY: Family = Family::Bindings;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}
