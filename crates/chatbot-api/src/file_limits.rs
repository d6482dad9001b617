//! Files that interfaces take: kinds, sizes and lengths, for the checker of cards and as the media library is configured at first.

use crate::rbm::message;

/// Files of one kind, and what they are held to.
#[derive(Debug, Clone, Copy)]
pub struct FileKind {
    /// Media types, as looking at the bytes finds them.
    pub types: &'static [&'static str],
    /// What senders call the same.
    pub aliases: &'static [&'static str],
    /// Largest file.
    pub bytes_max: u64,
    /// Longest sound or film, in seconds; 0 for no limit.
    pub plays_max_s: u64,
}

/// What an interface takes.
#[derive(Debug, Clone, Copy)]
pub struct FileLimits {
    /// What is of none of these is not taken.
    pub kinds: &'static [FileKind],
    /// Largest thumbnail.
    pub thumbnail_bytes_max: u64,
}

/// Pictures of China Telecom and China Unicom (V1.0.4; maap-api §2.6).
pub const IMAGE: FileKind = FileKind {
    types: &["image/jpeg", "image/png"],
    aliases: &["image/jpg"],
    bytes_max: 2 << 20,
    plays_max_s: 0,
};

/// Their sound. Sound alone in an MP4 is M4A.
pub const AUDIO: FileKind = FileKind {
    types: &["audio/amr", "audio/amr-wb", "audio/mpeg", "audio/m4a", "audio/mp4"],
    aliases: &["audio/mp3", "audio/x-m4a"],
    bytes_max: 5 << 20,
    plays_max_s: 90,
};

/// Their film.
pub const VIDEO: FileKind =
    FileKind { types: &["video/mp4", "video/webm"], aliases: &[], bytes_max: 10 << 20, plays_max_s: 60 };

/// China Telecom and China Unicom; China Mobile's are not public and taken to be the same.
pub const OPERATORS: FileLimits =
    FileLimits { kinds: &[IMAGE, AUDIO, VIDEO], thumbnail_bytes_max: 200 << 10 };

/// RBM (maap-api §7).
pub const RBM: FileLimits = FileLimits {
    kinds: &[FileKind {
        types: &message::MEDIA_TYPES,
        aliases: &[],
        bytes_max: message::FILE_BYTES_MAX,
        plays_max_s: 0,
    }],
    thumbnail_bytes_max: message::THUMBNAIL_BYTES_MAX,
};

impl FileLimits {
    /// What files of a media type are held to; `None` if they are not taken.
    pub fn of(&self, essence: &str) -> Option<&'static FileKind> {
        let is = |known: &&str| known.eq_ignore_ascii_case(essence);
        self.kinds.iter().find(|kind| kind.types.iter().chain(kind.aliases).any(is))
    }
}
