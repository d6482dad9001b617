//! Links to files: unguessable, and checked without looking anything up.
//!
//! A link holds the file's id and a seal, HMAC-SHA-256 of what the link is for under a key that only this deployment has.
//! Whoever reads the index, a log or a backup learns ids, not links.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use store::FileId;

use super::blobs::Body;

/// Id, purpose, seal.
const LINK_BYTES: usize = 16 + 1 + SEAL_BYTES;

/// 128 bits that nobody guesses.
const SEAL_BYTES: usize = 16;

/// What a link is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To fetch one of a file's bodies: for everybody who has the link.
    Download(Body),
    /// To fetch the icon of a group, likewise.
    Icon,
    /// To go on uploading: for the owner.
    Resume,
}

impl Purpose {
    fn byte(self) -> u8 {
        match self {
            Self::Download(Body::File) => 0,
            Self::Download(Body::Thumbnail) => 1,
            Self::Resume => 2,
            Self::Icon => 3,
        }
    }

    fn of(byte: u8) -> Option<Self> {
        [Self::Download(Body::File), Self::Download(Body::Thumbnail), Self::Resume, Self::Icon]
            .into_iter()
            .find(|purpose| purpose.byte() == byte)
    }
}

/// Makes links and knows its own again.
pub struct Links {
    base_url: String,
    seal: Hmac<Sha256>,
}

impl Links {
    /// Links below `base_url`, which ends in a slash.
    pub fn new(base_url: String, key: &[u8; 32]) -> Self {
        Self { base_url, seal: Hmac::new_from_slice(key).expect("HMAC takes keys of any length") }
    }

    /// The URL.
    pub fn url(&self, id: FileId, purpose: Purpose) -> String {
        format!("{}{}", self.base_url, self.segment(id, purpose))
    }

    /// What the last segment of a URL stands for; `None` if it is none of ours.
    pub fn open(&self, segment: &str) -> Option<(FileId, Purpose)> {
        let mut bytes = [0; LINK_BYTES];
        if BASE64_URL_SAFE_NO_PAD.decode_slice(segment, &mut bytes) != Ok(LINK_BYTES) {
            return None;
        }
        let (claim, seal) = bytes.split_at(LINK_BYTES - SEAL_BYTES);
        self.seal.clone().chain_update(claim).verify_truncated_left(seal).ok()?;
        let (id, purpose) = claim.split_first_chunk::<16>()?;
        Some((FileId(*id), Purpose::of(purpose[0])?))
    }

    /// What a whole URL of ours names for fetching; `None` if it is none of ours.
    pub fn fetched_at(&self, url: &str) -> Option<(FileId, Body)> {
        let (id, purpose) = self.open(url.strip_prefix(&self.base_url)?)?;
        match purpose {
            Purpose::Download(body) => Some((id, body)),
            _ => None,
        }
    }

    fn segment(&self, id: FileId, purpose: Purpose) -> String {
        let mut bytes = id.0.to_vec();
        bytes.push(purpose.byte());
        let seal = self.seal.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&seal[..SEAL_BYTES]);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

impl maap::MediaLinks for Links {
    fn url(&self, id: FileId) -> String {
        self.url(id, Purpose::Download(Body::File))
    }

    fn thumbnail_url(&self, id: FileId) -> String {
        self.url(id, Purpose::Download(Body::Thumbnail))
    }

    fn id_of(&self, url: &str) -> Option<FileId> {
        self.fetched_at(url).map(|(id, _)| id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: FileId = FileId([7; 16]);

    fn links(key: u8) -> Links {
        Links::new("https://rcs.example/content/".to_owned(), &[key; 32])
    }

    #[test]
    fn a_link_opens_what_it_was_made_for() {
        let links = links(1);
        let bodies = [Body::File, Body::Thumbnail].map(Purpose::Download);
        for purpose in bodies.into_iter().chain([Purpose::Resume, Purpose::Icon]) {
            let url = links.url(ID, purpose);
            let segment = url.strip_prefix("https://rcs.example/content/").unwrap();
            assert_eq!(segment.len(), 44);
            assert_eq!(links.open(segment), Some((ID, purpose)));
        }
    }

    #[test]
    fn a_changed_foreign_or_cut_link_opens_nothing() {
        let ours = links(1);
        let segment = ours.segment(ID, Purpose::Resume);
        for at in 0..segment.len() {
            let mut changed = segment.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(ours.open(std::str::from_utf8(&changed).unwrap()), None, "{at}");
            assert_eq!(ours.open(&segment[..at]), None, "{at}");
        }
        assert_eq!(ours.open(&links(2).segment(ID, Purpose::Resume)), None);
        assert_eq!(ours.open(&format!("{segment}AAAA")), None);
    }
}
