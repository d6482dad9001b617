//! Dead letters: what was given up on on its way to a chatbot's webhook, until somebody looks at it.
//!
//! Key: the chatbot's address, a zero byte, and the sixteen bytes of the entry's id, as in its mailbox: what is put back lies
//! where it lay, before what came after it. Beside it lies `dead-letter-counts` (key: the chatbot's address; how many there
//! are), kept in step by [`crate::View`].

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::mailbox::{Entry, EntryKey};
use crate::row::{Family, Row};

/// An entry that left a chatbot's mailbox without having been taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// As it was in the mailbox. It holds its body: bodies for chatbots lie in no files.
    #[serde(with = "crate::row::nested")]
    pub entry: Entry,
    /// Why nobody tries any more, in a few words.
    pub why: String,
    /// What came of the last try, in a few words: `answered 500`; absent when none was made, or it isn't known any more.
    pub last_answer: Option<String>,
    /// When it was given up.
    pub given_up_at: Timestamp,
}

impl DeadLetter {
    /// The key of its row, which is that of its entry.
    pub fn key(&self) -> EntryKey {
        self.entry.key()
    }
}

impl Row for DeadLetter {
    type Key = EntryKey;
    const FAMILY: Family = Family::DeadLetters;
    const VERSION: u8 = 1;

    fn key_bytes(key: &EntryKey) -> Vec<u8> {
        Entry::key_bytes(key)
    }
}

/// How many dead letters a chatbot has; an absent row means none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterCount {
    /// Letters.
    pub count: u64,
    /// The sum of their bodies.
    pub body_bytes: u64,
}

impl Row for DeadLetterCount {
    type Key = Address;
    const FAMILY: Family = Family::DeadLetterCounts;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}
