//! `[media]`: what chatbots upload for their messages.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use chatbot_api::file_limits::{AUDIO, IMAGE, OPERATORS, VIDEO};
use chatbot_api::rbm::message;
use serde::{Deserialize, Serialize};
use store::Dialect;

use super::value::{nonzero, nonzero_u64, seconds};
use crate::media::{KindLimits, Limits};

/// `[media]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Pictures that are taken, and how large they may be.
    pub image_types: Vec<String>,
    /// See `image_types`.
    pub image_bytes: NonZeroU64,
    /// Sound that is taken, how large it may be, and how long it may play.
    pub audio_types: Vec<String>,
    /// See `audio_types`.
    pub audio_bytes: NonZeroU64,
    /// See `audio_types`.
    pub audio_s: NonZeroU64,
    /// Film that is taken, how large it may be, and how long it may play.
    pub video_types: Vec<String>,
    /// See `video_types`.
    pub video_bytes: NonZeroU64,
    /// See `video_types`.
    pub video_s: NonZeroU64,
    /// Largest thumbnail that comes with one of them.
    pub thumbnail_bytes: NonZeroU64,
    /// What chatbots of the RBM API may upload, how large, and how large its thumbnail.
    pub rbm_types: Vec<String>,
    /// See `rbm_types`.
    pub rbm_bytes: NonZeroU64,
    /// See `rbm_types`.
    pub rbm_thumbnail_bytes: NonZeroU64,
    /// How long temporary media are kept.
    pub temp_s: NonZeroU64,
    /// Bytes of one chatbot's media.
    pub quota_bytes: NonZeroU64,
    /// Media of one chatbot.
    pub quota_files: NonZeroU32,
}

impl Media {
    /// What media of chatbots of a dialect are held to.
    pub fn limits(&self, dialect: Dialect) -> Limits {
        match dialect {
            Dialect::Ctcu | Dialect::Cm | Dialect::Fnw11 => self.operators_limits(),
            Dialect::Rbm => self.rbm_limits(),
        }
    }

    /// What the operators' interfaces have (maap-api §2.6).
    fn operators_limits(&self) -> Limits {
        let kind = |types: &Vec<String>, bytes: NonZeroU64, plays: Option<Duration>| KindLimits {
            types: types.clone(),
            bytes_max: bytes.get(),
            plays_max: plays,
        };
        Limits {
            kinds: vec![
                kind(&self.image_types, self.image_bytes, None),
                kind(&self.audio_types, self.audio_bytes, Some(seconds(self.audio_s))),
                kind(&self.video_types, self.video_bytes, Some(seconds(self.video_s))),
            ],
            thumbnail_bytes_max: self.thumbnail_bytes.get(),
        }
    }

    /// What RBM takes (maap-api §7): larger files of more kinds, and of any length.
    fn rbm_limits(&self) -> Limits {
        let kind =
            KindLimits { types: self.rbm_types.clone(), bytes_max: self.rbm_bytes.get(), plays_max: None };
        Limits { kinds: vec![kind], thumbnail_bytes_max: self.rbm_thumbnail_bytes.get() }
    }

    /// What the media of one chatbot may come to.
    pub(super) fn quota(&self) -> store::Usage {
        store::Usage { files: self.quota_files.get().into(), bytes: self.quota_bytes.get() }
    }
}

impl Default for Media {
    fn default() -> Self {
        let list = |types: &[&str]| types.iter().map(|one| (*one).to_owned()).collect();
        Self {
            image_types: list(IMAGE.types),
            image_bytes: nonzero_u64(IMAGE.bytes_max),
            audio_types: list(AUDIO.types),
            audio_bytes: nonzero_u64(AUDIO.bytes_max),
            audio_s: nonzero_u64(AUDIO.plays_max_s),
            video_types: list(VIDEO.types),
            video_bytes: nonzero_u64(VIDEO.bytes_max),
            video_s: nonzero_u64(VIDEO.plays_max_s),
            thumbnail_bytes: nonzero_u64(OPERATORS.thumbnail_bytes_max),
            rbm_types: list(&["image/*", "audio/*", "video/*", "application/ogg", "application/pdf"]),
            rbm_bytes: nonzero_u64(message::FILE_BYTES_MAX),
            rbm_thumbnail_bytes: nonzero_u64(message::THUMBNAIL_BYTES_MAX),
            temp_s: nonzero_u64(7 * 86_400),
            quota_bytes: nonzero_u64(2 << 30),
            quota_files: nonzero(10_000),
        }
    }
}
