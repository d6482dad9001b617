//! Records: what became of each message, one row for each addressee.
//!
//! Key: message id, zero byte, sender, zero byte, addressee; so one prefix finds every trace of a message id. A record
//! recognises repeated messages (for at least a day), tells reports apart from repeats, and answers `hongyan trace`.

use rcs::Timestamp;
use rcs::address::Address;
use rcs::cpim::Dispositions;
use serde::{Deserialize, Serialize};

use crate::row::{Family, Row};

/// The most steps a record keeps; the first and the latest ones stay.
pub const MAX_STEPS: usize = 24;

/// What names a record: message id, sender, addressee.
pub type RecordKey = (String, Address, Address);

/// The life of one message towards one addressee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The sender's id of the message.
    pub message_id: String,
    /// The sender.
    pub from: Address,
    /// The addressee.
    pub to: Address,
    /// RCC.07 Conversation-ID.
    pub conversation_id: String,
    /// RCC.07 Contribution-ID; what an answer names in its InReplyTo-Contribution-ID.
    pub contribution_id: String,
    /// Media type of the message's content.
    pub content_type: String,
    /// Size of the body as accepted.
    pub body_bytes: u32,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// How it ended, or that it has not.
    pub outcome: Outcome,
    /// When the addressee's client first reported delivery.
    pub delivered_at: Option<Timestamp>,
    /// When the addressee's client first reported display.
    pub displayed_at: Option<Timestamp>,
    /// The reports that the message itself asks for.
    pub wanted: Dispositions,
    /// Which statuses a chatbot asked to be told of, by its dialect's names; empty for handsets.
    pub report_request: Vec<String>,
    /// What happened, in order; at most [`MAX_STEPS`].
    pub steps: Vec<Step>,
    /// When the record may be forgotten.
    pub keep_until: Timestamp,
}

/// How a message ended for an addressee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Accepted, in the mailbox.
    Waiting,
    /// A device of the addressee, or the chatbot's webhook, has it.
    Delivered,
    /// It went out as SMS.
    FellBack,
    /// Its time ran out.
    Expired,
    /// The addressee, its client, or the platform would not have it; with the reason.
    Refused(String),
    /// Its sender took it back.
    Revoked,
}

/// One thing that happened to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// What, in a few words and without content: `accepted`, `sent to urn:uuid:…`, `device answered 480`.
    pub what: String,
}

impl Record {
    /// The key of this record's row.
    pub fn key(&self) -> RecordKey {
        (self.message_id.clone(), self.from.clone(), self.to.clone())
    }

    /// Notes that something happened. Past the ceiling the oldest step but the first gives way.
    pub fn step(&mut self, at: Timestamp, what: impl Into<String>) {
        if self.steps.len() >= MAX_STEPS {
            self.steps.remove(1);
        }
        self.steps.push(Step { at, what: what.into() });
    }
}

impl Row for Record {
    type Key = RecordKey;
    const FAMILY: Family = Family::Records;
    const VERSION: u8 = 1;

    fn key_bytes((message_id, from, to): &RecordKey) -> Vec<u8> {
        let mut key = prefix(message_id);
        key.extend_from_slice(from.as_str().as_bytes());
        key.push(0);
        key.extend_from_slice(to.as_str().as_bytes());
        key
    }
}

/// The first bytes of the keys of all records of a message id.
pub(crate) fn prefix(message_id: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(message_id.len() + 64);
    key.extend_from_slice(message_id.as_bytes());
    key.push(0);
    key
}
