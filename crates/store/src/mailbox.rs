//! Mailboxes: what was accepted for somebody and has not reached them yet.
//!
//! An entry's key is the owner's address, a zero byte, and the sixteen bytes of its id, so one mailbox is one range in the
//! order of acceptance. Beside it lie two derived families, kept in step by [`crate::View`]:
//! `heads` (key: the address; how much waits) and `due` (key: eight bytes of milliseconds, big-endian, then the entry's key;
//! no value; when the entry next wants attention). A body too large for a row lies in a file; `spooled` (key: the file's
//! name; value: how many entries hold their body there, four bytes, big-endian) says which files somebody still needs.

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::Address;
use rcs::cpim::Dispositions;
use serde::{Deserialize, Serialize};

use crate::row::{Family, Row};

/// A sortable entry id: 48 bits of milliseconds, 32 bits of a counter, 48 bits of the allocating process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryId([u8; 16]);

impl EntryId {
    /// The id that sorts before all others.
    pub const FIRST: Self = Self([0; 16]);

    /// The id that sorts after all others.
    pub const LAST: Self = Self([0xff; 16]);

    /// The id right before this one: where somebody begins who wants this one next.
    pub fn predecessor(self) -> Self {
        Self(u128::from_be_bytes(self.0).saturating_sub(1).to_be_bytes())
    }

    /// The id that sorts before all that are given out from `at` on.
    pub fn before(at: Timestamp) -> Self {
        let mut id = [0; 16];
        id[..6].copy_from_slice(&at.as_millis().to_be_bytes()[2..]);
        Self(id)
    }

    /// Reads what [`Display`](std::fmt::Display) writes: 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u128::from_str_radix(text, 16).ok().filter(|_| is_hex)?;
        Some(Self(id.to_be_bytes()))
    }

    /// The id's sixteen bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Display for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for EntryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EntryId({self})")
    }
}

/// Gives out entry ids that rise, even when the clock stands still.
#[derive(Debug)]
pub struct EntryIds {
    process: u64,
    last_ms: u64,
    counter: u32,
}

impl EntryIds {
    /// `process` tells this allocator from any other; its low 48 bits are used.
    pub fn new(process: u64) -> Self {
        Self { process, last_ms: 0, counter: 0 }
    }

    /// The next id, later than all before it.
    pub fn next(&mut self, now: Timestamp) -> EntryId {
        let ms = now.as_millis().max(self.last_ms);
        if ms > self.last_ms {
            (self.last_ms, self.counter) = (ms, 0);
        } else if self.counter == u32::MAX {
            (self.last_ms, self.counter) = (ms + 1, 0);
        } else {
            self.counter += 1;
        }
        let mut id = [0; 16];
        id[..6].copy_from_slice(&self.last_ms.to_be_bytes()[2..]);
        id[6..10].copy_from_slice(&self.counter.to_be_bytes());
        id[10..].copy_from_slice(&self.process.to_be_bytes()[2..]);
        EntryId(id)
    }
}

/// What an entry is to its addressee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// Something a person or chatbot said.
    Message,
    /// A disposition report (IMDN) about something the mailbox's owner sent.
    Report,
    /// What became of a message that the owning chatbot sent, when no IMDN tells it: sent, failed, expired.
    Status,
    /// As [`EntryKind::Message`], and not to be handed over before it is due; then it becomes one.
    Deferred,
    /// What the platform tells the owning chatbot beside messages: a change, a decision, a spam report.
    Notice,
}

/// One accepted thing on its way to one addressee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Ours; sorts by acceptance.
    pub id: EntryId,
    /// What the entry is.
    pub kind: EntryKind,
    /// The sender's `imdn.Message-ID`, or the Call-ID of a message without CPIM; key of deduplication and reports.
    pub message_id: String,
    /// The sender.
    pub from: Address,
    /// The addressee, whose mailbox this is.
    pub to: Address,
    /// RCC.07 Conversation-ID; made by us when the sender gave none.
    pub conversation_id: String,
    /// RCC.07 Contribution-ID; made by us when the sender gave none.
    pub contribution_id: String,
    /// RCC.07 InReplyTo-Contribution-ID.
    pub in_reply_to: Option<String>,
    /// The `P-Asserted-Service` (an ICSI URN) to deliver under; absent when the sender named none.
    pub service: Option<String>,
    /// Media type of `body` as it goes on the wire: `message/cpim`, or a bare type.
    pub content_type: String,
    /// The body as it goes on the wire.
    pub body: Bytes,
    /// The reports that the sender asked for.
    pub wanted: Dispositions,
    /// When the centre took responsibility.
    pub accepted_at: Timestamp,
    /// When it stops trying.
    pub expires_at: Timestamp,
    /// Devices that were bound at acceptance and have not taken the entry yet.
    pub waiting: Vec<String>,
    /// Devices that have it.
    pub taken: Vec<String>,
    /// Devices that will never take it (415, 488 …). Of an entry for a chatbot: what its webhook said last, in a few words.
    pub refused: Vec<String>,
    /// Failed attempts so far.
    pub attempts: u32,
    /// When to look at the entry next, unless something happens before.
    pub next_due: Timestamp,
    /// Where the body lies when it is too large for a row; `body` is empty then.
    pub spooled: Option<Spooled>,
    /// What a device must have announced to get it: the sender's Accept-Contact values that say `require` (RFC 3841); nearly
    /// always none.
    pub accept: Vec<String>,
}

/// A body in a file of its own, which belongs to one entry and goes with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spooled {
    /// Its name in the data directory's spool: letters, digits and hyphens.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

impl Entry {
    /// The key of this entry's row.
    pub fn key(&self) -> EntryKey {
        (self.to.clone(), self.id)
    }

    /// The size of the body, wherever it lies.
    pub fn body_bytes(&self) -> u64 {
        self.spooled.as_ref().map_or(self.body.len() as u64, |spooled| spooled.bytes)
    }

    /// Whether every device that was bound at acceptance has the entry, and at least one has.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty() && !self.taken.is_empty()
    }

    /// Whether `device` has answered for good, one way or the other.
    pub fn is_settled_for(&self, device: &str) -> bool {
        self.taken.iter().chain(&self.refused).any(|settled| settled == device)
    }
}

/// Whose mailbox, which entry.
pub type EntryKey = (Address, EntryId);

impl Row for Entry {
    type Key = EntryKey;
    const FAMILY: Family = Family::Entries;
    const VERSION: u8 = 3;

    fn key_bytes((address, id): &EntryKey) -> Vec<u8> {
        let mut key = prefix(address);
        key.extend_from_slice(&id.0);
        key
    }

    fn upgrade(version: u8, row: &mut Vec<u8>) -> bool {
        // Version 1 had no `spooled`, and neither 1 nor 2 had `accept`: postcard writes the absence of each as a zero.
        match version {
            1 => row.extend([0, 0]),
            2 => row.push(0),
            _ => return false,
        }
        true
    }
}

/// How much waits in a mailbox; an absent row means nothing does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Entries waiting.
    pub count: u64,
    /// The sum of their bodies.
    pub body_bytes: u64,
}

impl Row for Head {
    type Key = Address;
    const FAMILY: Family = Family::Heads;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}

/// The first bytes of all entry keys of a mailbox.
pub(crate) fn prefix(address: &Address) -> Vec<u8> {
    let mut key = Vec::with_capacity(address.as_str().len() + 17);
    key.extend_from_slice(address.as_str().as_bytes());
    key.push(0);
    key
}

/// The value of a spooled file's row.
pub(crate) fn holders_value(count: u32) -> Vec<u8> {
    count.to_be_bytes().to_vec()
}

/// How many entries hold their body in a spooled file. Without a number it is one: each had a file of its own once.
pub(crate) fn holders(value: &[u8]) -> u32 {
    value.try_into().map_or(1, u32::from_be_bytes)
}

/// The key of a due row.
pub(crate) fn due_key(due: Timestamp, (address, id): &EntryKey) -> Vec<u8> {
    let mut key = due.as_millis().to_be_bytes().to_vec();
    key.extend_from_slice(address.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(&id.0);
    key
}

/// A due row's time, mailbox (as text) and entry; `None` when the bytes are no such key.
pub(crate) fn parse_due_key(key: &[u8]) -> Option<(Timestamp, &str, EntryId)> {
    let (due, rest) = key.split_first_chunk::<8>()?;
    let (address, id) = rest.split_last_chunk::<16>()?;
    let address = std::str::from_utf8(address.strip_suffix(&[0])?).ok()?;
    Some((Timestamp::from_millis(u64::from_be_bytes(*due)), address, EntryId(*id)))
}
