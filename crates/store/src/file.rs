//! Files on the content server: what is known of each, who has how much, and which upload a transfer id names.
//!
//! Three families, kept in step by the view:
//! - `files`, key: the file's id (16 random bytes). One row a file, unfinished ones included. The bytes lie elsewhere.
//! - `transfers`, key: owner, zero byte, transfer id. The file that an upload with this id makes or made.
//! - `usage`, key: owner. How many files and bytes the owner has here.

use std::fmt;

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::row::{Family, Row};

/// Names a file; random, and no secret: links carry a seal beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub [u8; 16]);

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileId({self})")
    }
}

impl std::str::FromStr for FileId {
    type Err = ();

    /// Reads 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, ()> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex {
            return Err(());
        }
        u128::from_str_radix(text, 16).map(|id| Self(id.to_be_bytes())).map_err(|_| ())
    }
}

impl Serialize for FileId {
    /// As 16 bytes in rows, as hexadecimal text for people.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(self),
            false => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for FileId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return <[u8; 16]>::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| serde::de::Error::custom("not the id of a file"))
    }
}

/// A file, or one that is being uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Names it.
    pub id: FileId,
    /// Who uploaded it.
    pub owner: Address,
    /// By which the owner resumes the upload and asks for its outcome.
    pub tid: Option<String>,
    /// As the owner calls it. Not a path.
    pub name: Option<String>,
    /// Media type with parameters; of an unfinished upload what the owner says, later what it is.
    pub content_type: String,
    /// Its size; of an unfinished upload what counts against the quota.
    pub bytes: u64,
    /// The small picture of it.
    pub thumbnail: Option<Thumbnail>,
    /// Whether all of it is here.
    pub is_complete: bool,
    /// When the upload began.
    pub created_at: Timestamp,
    /// When it goes.
    pub expires_at: Timestamp,
}

/// A small picture of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnail {
    /// Media type.
    pub content_type: String,
    /// Its size.
    pub bytes: u64,
}

/// Names an upload: the owner and the transfer id.
pub type TransferKey = (Address, String);

/// The file that a transfer id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// The latest, if the id was used again.
    pub file: FileId,
}

/// What somebody's files come to, thumbnails included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// How many, unfinished ones included.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl File {
    /// What counts against the quota.
    pub fn stored_bytes(&self) -> u64 {
        self.bytes + self.thumbnail.as_ref().map_or(0, |thumbnail| thumbnail.bytes)
    }

    /// The key of its transfer, if it has a transfer id.
    pub fn transfer_key(&self) -> Option<TransferKey> {
        Some((self.owner.clone(), self.tid.clone()?))
    }
}

impl Usage {
    /// What it comes to when `old` goes and `new` comes.
    #[must_use]
    pub fn with(self, old: Option<&File>, new: Option<&File>) -> Self {
        let bytes = |file: Option<&File>| file.map_or(0, File::stored_bytes);
        Self {
            files: (self.files + u64::from(new.is_some())).saturating_sub(u64::from(old.is_some())),
            bytes: (self.bytes + bytes(new)).saturating_sub(bytes(old)),
        }
    }
}

impl Row for File {
    type Key = FileId;
    const FAMILY: Family = Family::Files;
    const VERSION: u8 = 1;

    fn key_bytes(key: &FileId) -> Vec<u8> {
        key.0.to_vec()
    }
}

impl Row for Transfer {
    type Key = TransferKey;
    const FAMILY: Family = Family::Transfers;
    const VERSION: u8 = 1;

    fn key_bytes((owner, tid): &TransferKey) -> Vec<u8> {
        [owner.as_str().as_bytes(), &[0], tid.as_bytes()].concat()
    }
}

impl Row for Usage {
    type Key = Address;
    const FAMILY: Family = Family::Usage;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}
