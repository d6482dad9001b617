//! The media library: pictures, sound and film that chatbots have uploaded for their messages.
//!
//! Key: the id, 16 bytes, of which the first eight come from the owner's address and the rest are random: what one chatbot has
//! lies together, and a link needs no more than the id. The bytes lie on the shelf of the content server, under the same id.
//! What a chatbot's media come to is in the family `usage` ([`crate::file`]), kept in step by the view.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::file::{FileId, Thumbnail, Usage};
use crate::row::{Family, Row};

/// Something that a chatbot has uploaded, all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// Names it; made by [`id`].
    pub id: FileId,
    /// The chatbot.
    pub owner: Address,
    /// As the chatbot calls it, without directories. Not a path.
    pub name: Option<String>,
    /// Media type, by what its bytes say.
    pub content_type: String,
    /// Its size.
    pub bytes: u64,
    /// The small picture of it.
    pub thumbnail: Option<Thumbnail>,
    /// How long it plays; absent for pictures, and where the container does not say.
    pub plays_ms: Option<u64>,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// When it goes; absent: not by itself.
    pub expires_at: Option<Timestamp>,
    /// Whether handsets may have it.
    pub review: Review,
}

/// What the operator has said of something that a chatbot wants to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Review {
    /// Nothing yet: it is not shown.
    Pending,
    /// It may be shown.
    #[default]
    Approved,
    /// It may not; why, in the operator's words.
    Rejected(String),
}

impl Media {
    /// Whether its time is over at `now`.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// What counts against the quota.
    pub fn stored_bytes(&self) -> u64 {
        self.bytes + self.thumbnail.as_ref().map_or(0, |thumbnail| thumbnail.bytes)
    }
}

/// An id for something of `owner`, which is told from its others by `random`.
pub fn id(owner: &Address, random: [u8; 8]) -> FileId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&prefix(owner));
    id[8..].copy_from_slice(&random);
    FileId(id)
}

/// Whether an id was made for something of `owner`.
pub fn is_of(id: FileId, owner: &Address) -> bool {
    id.0.starts_with(&prefix(owner))
}

/// How the ids of `owner` begin: FNV-1a of the address. Who shares it with another shares a stretch of the index and no more.
pub(crate) fn prefix(owner: &Address) -> [u8; 8] {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    owner.as_str().as_bytes().iter().fold(OFFSET, step).to_be_bytes()
}

impl Usage {
    /// What it comes to when `old` goes and `new` comes.
    #[must_use]
    pub fn with_media(self, old: Option<&Media>, new: Option<&Media>) -> Self {
        let bytes = |media: Option<&Media>| media.map_or(0, Media::stored_bytes);
        Self {
            files: (self.files + u64::from(new.is_some())).saturating_sub(u64::from(old.is_some())),
            bytes: (self.bytes + bytes(new)).saturating_sub(bytes(old)),
        }
    }
}

impl Row for Media {
    type Key = FileId;
    const FAMILY: Family = Family::Media;
    const VERSION: u8 = 1;

    fn key_bytes(key: &FileId) -> Vec<u8> {
        key.0.to_vec()
    }
}
