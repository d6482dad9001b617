//! What media of chatbots are held to (maap-api §2.6), by what their bytes say they are.

use std::time::Duration;

use rcs::content_type::is_accepted;
use rcs::playing;

use crate::content::kind;

/// Limits of every kind that is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// One for each kind; what is of none of them is not taken.
    pub kinds: Vec<KindLimits>,
    /// Largest thumbnail.
    pub thumbnail_bytes_max: u64,
}

/// Limits of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindLimits {
    /// Media types, `image/*` for a family.
    pub types: Vec<String>,
    /// Largest file.
    pub bytes_max: u64,
    /// Longest sound or film; absent for no limit. What does not say how long it plays passes.
    pub plays_max: Option<Duration>,
}

impl Limits {
    /// Those of a media type; `None` if it is not taken.
    pub fn of(&self, media_type: &str) -> Option<&KindLimits> {
        self.kinds.iter().find(|kind| kind.types.iter().any(|own| is_accepted(own, media_type)))
    }

    /// The largest file of any kind.
    pub fn bytes_max(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.bytes_max).max().unwrap_or(0)
    }

    /// The media types that are taken, for people.
    pub fn types(&self) -> String {
        let types: Vec<&str> = self.kinds.iter().flat_map(|kind| &kind.types).map(String::as_str).collect();
        types.join(", ")
    }
}

/// The media type of something that begins with `head`; `None` if the bytes do not say. Its sender is not asked.
pub fn type_of(head: &[u8]) -> Option<&'static str> {
    kind::begins_as(head)
}

/// The same once all of it is here: an MP4 of sound alone is sound.
pub fn type_of_whole(begins_as: &str, bytes: &[u8]) -> &'static str {
    match begins_as {
        "video/mp4" if !playing::is_film(bytes) => "audio/mp4",
        _ => type_of(bytes).unwrap_or("application/octet-stream"),
    }
}
