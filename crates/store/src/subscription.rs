//! Subscriptions (RFC 6665): who is told of changes, and what they were told last.
//!
//! Family `watchers` (key: the address that is watched): the subscriptions to somebody's registration or presence. Those to a
//! group's conference-info lie in the [`crate::Leg`] of the member.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use sip::dialog::Dialog;

use crate::binding::Bindings;
use crate::row::{Family, Row};

/// A subscription of a device, whatever to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// [`crate::Binding::device`] of the device that subscribed.
    pub device: String,
    /// The dialog, within which NOTIFY is sent.
    pub dialog: Dialog,
    /// The `id` of its Event; absent when it has none.
    pub event_id: Option<String>,
    /// Whether the subscriber can inflate bodies.
    pub accepts_deflate: bool,
    /// When it lapses unless it is refreshed.
    pub expires_at: Timestamp,
}

/// Who watches somebody; an absent row means nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watchers {
    /// Who is watched.
    pub resource: Address,
    /// The bindings that the watchers know of.
    pub told: Bindings,
    /// In the order in which they came.
    pub list: Vec<Watch>,
}

/// A subscription to somebody's registration or presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// What is watched.
    pub package: Package,
    /// Who watches.
    pub watcher: Address,
    /// How they are told.
    pub subscription: Subscription,
    /// Version of the next document, where the package counts them.
    pub version: u32,
    /// Whether a document did not arrive, so that the next says all there is.
    pub is_behind: bool,
}

/// An event package whose subscriptions lie here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Package {
    /// Registrations (RFC 3680).
    Reg,
    /// Presence (RFC 3856).
    Presence,
}

impl Row for Watchers {
    type Key = Address;
    const FAMILY: Family = Family::Watchers;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}
