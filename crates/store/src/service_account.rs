//! Service accounts: how chatbots of the RBM-style interface prove themselves, and who has been asked to test a chatbot of any
//! interface.
//!
//! Key: the chatbot's address. Only public keys are kept. A list of invitations is short ([`INVITATIONS_MAX`]) and read whole.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::row::{Family, Row};

/// Most keys of one account.
pub const KEYS_MAX: usize = 10;

/// Most users that one chatbot may have invited (maap-api §7).
pub const INVITATIONS_MAX: usize = 200;

/// The service account of a chatbot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// The chatbot.
    pub chatbot: Address,
    /// The keys that it may sign with, oldest first.
    pub keys: Vec<PublicKey>,
    /// Whom it has invited, in that order, each once.
    pub invitations: Vec<Invitation>,
    /// Day number (days since the epoch) and how many were invited on it.
    pub invited: (u32, u32),
}

/// The public half of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// Names it in the key file and in what it signs.
    pub id: String,
    /// DER of an `RSAPublicKey` (RFC 8017 §A.1.1).
    pub der: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A user who was asked to test a chatbot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The user.
    pub user: Address,
    /// Whether the user agreed; absent as long as there is no answer.
    pub accepted: Option<bool>,
    /// When the user was asked last.
    pub at: Timestamp,
}

impl ServiceAccount {
    /// An account without keys.
    pub fn new(chatbot: Address) -> Self {
        Self { chatbot, keys: Vec::new(), invitations: Vec::new(), invited: (0, 0) }
    }

    /// The key of this id.
    pub fn key(&self, id: &str) -> Option<&PublicKey> {
        self.keys.iter().find(|key| key.id == id)
    }

    /// The invitation of a user.
    pub fn invitation(&self, user: &Address) -> Option<&Invitation> {
        self.invitations.iter().find(|invitation| invitation.user == *user)
    }

    /// Whether a user has agreed to test the chatbot.
    pub fn is_tester(&self, user: &Address) -> bool {
        self.invitation(user).is_some_and(|invitation| invitation.accepted == Some(true))
    }
}

impl Row for ServiceAccount {
    type Key = Address;
    const FAMILY: Family = Family::ServiceAccounts;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}
