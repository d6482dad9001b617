//! Conversation history: what was said to and by subscribers who want it kept, for devices that they sign in later.
//!
//! Three families. `histories` (key: the subscriber): that it is kept, since when, and how much there is; whoever has no row pays
//! nothing. `history` (key: the subscriber, a zero byte, sixteen bytes of an [`EntryId`]): the messages, never changed, in the order in
//! which they were accepted. `history-states` (key: subscriber, other party, `i` or `o`, message id, zero bytes between): which of
//! these rows a message is, and what has become of it. [`crate::View`] keeps the three in step.

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::mailbox::{self, EntryId};
use crate::row::{Family, Row};

/// Whose history is kept, and how much of it there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The subscriber.
    pub owner: Address,
    /// Whether more is kept; otherwise what there is is on its way out.
    pub is_on: bool,
    /// Since when.
    pub since: Timestamp,
    /// Messages.
    pub messages: u64,
    /// The sum of their bodies.
    pub body_bytes: u64,
    /// No message is older than this.
    pub oldest_at: Timestamp,
}

/// A message in somebody's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Ours; sorts by acceptance.
    pub id: EntryId,
    /// Whose history it is in, with whom, and which message it is.
    pub key: HistoryKey,
    /// RCC.07 Conversation-ID.
    pub conversation_id: String,
    /// RCC.07 Contribution-ID.
    pub contribution_id: String,
    /// Media type of `body`: `message/cpim`, or a bare type.
    pub content_type: String,
    /// The body as it goes on the wire.
    pub body: Bytes,
    /// When it was accepted.
    pub accepted_at: Timestamp,
}

/// What names a message in a history.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HistoryKey {
    /// The subscriber whose history it is.
    pub owner: Address,
    /// The other party: a person, a chatbot or a group.
    pub peer: Address,
    /// Which of the two said it.
    pub direction: Direction,
    /// The sender's id of the message.
    pub message_id: String,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The other party.
    In,
    /// The owner of the history.
    Out,
}

/// What has become of a message in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryState {
    /// Which message.
    pub key: HistoryKey,
    /// Its row.
    pub id: EntryId,
    /// The size of its body.
    pub body_bytes: u64,
    /// Whether it will not be delivered.
    pub is_failed: bool,
    /// Who has reported on it: the addressee, or members of the group; the owner itself on what it was sent.
    pub marks: Vec<Mark>,
}

/// What somebody has reported on a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Who.
    pub by: Address,
    /// When delivery was reported.
    pub delivered_at: Option<Timestamp>,
    /// When display was reported.
    pub displayed_at: Option<Timestamp>,
}

impl History {
    /// A history that begins at `now`.
    pub fn new(owner: Address, now: Timestamp) -> Self {
        Self { owner, is_on: true, since: now, messages: 0, body_bytes: 0, oldest_at: now }
    }
}

impl Row for History {
    type Key = Address;
    const FAMILY: Family = Family::Histories;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}

/// Whose history, which row.
pub(crate) type RememberedKey = (Address, EntryId);

impl Row for Remembered {
    type Key = RememberedKey;
    const FAMILY: Family = Family::History;
    const VERSION: u8 = 1;

    fn key_bytes((owner, id): &RememberedKey) -> Vec<u8> {
        let mut key = mailbox::prefix(owner);
        key.extend_from_slice(id.as_bytes());
        key
    }
}

impl Row for HistoryState {
    type Key = HistoryKey;
    const FAMILY: Family = Family::HistoryStates;
    const VERSION: u8 = 1;

    fn key_bytes(key: &HistoryKey) -> Vec<u8> {
        let direction = match key.direction {
            Direction::In => "i",
            Direction::Out => "o",
        };
        [key.owner.as_str(), key.peer.as_str(), direction, &key.message_id].join("\0").into_bytes()
    }
}
