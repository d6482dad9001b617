//! Accounts: who may register, and the Digest credentials to check them by.
//!
//! Key: the subscriber's address (`tel:+8613800000001`). The HA1 hashes let their holder register as the subscriber, so
//! this family is as secret as passwords are.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use sip::digest::Ha1s;

use crate::row::{Family, Row};

/// A subscriber of the message centre.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The public identity.
    pub address: Address,
    /// One credential for each form of user name that a client may send (the bare number; `number@realm`).
    pub credentials: Vec<Credential>,
    /// Shown to the subscriber's correspondents; absent when never set.
    pub display_name: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// What Digest needs to check one user name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The Digest user name exactly as it was hashed.
    pub username: String,
    /// The hashes for each algorithm; never the password.
    pub ha1s: Ha1s,
}

impl Row for Account {
    type Key = Address;
    const FAMILY: Family = Family::Accounts;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}
