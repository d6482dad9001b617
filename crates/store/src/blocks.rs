//! Block lists: from whom a subscriber wants to hear nothing.
//!
//! Key: the subscriber's address. A list is short and read whole.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::row::{Family, Row};

/// A subscriber's block list; an absent row means an empty one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// In the order in which they were blocked, each once.
    pub list: Vec<Blocked>,
}

/// Somebody who is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// A person or a chatbot.
    pub address: Address,
    /// Since when.
    pub since: Timestamp,
}

impl Blocks {
    /// Whether an address is blocked.
    pub fn has(&self, address: &Address) -> bool {
        self.list.iter().any(|blocked| blocked.address == *address)
    }
}

impl Row for Blocks {
    type Key = Address;
    const FAMILY: Family = Family::Blocks;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}
