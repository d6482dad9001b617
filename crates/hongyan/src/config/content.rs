//! `[content]`: files that handsets send each other.

use std::num::{NonZeroU32, NonZeroU64};

use message_centre::files::{Foreign, Rules};
use serde::{Deserialize, Serialize};

use super::value::{nonzero, nonzero_u64};

/// `[content]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Content {
    /// `s3://NAME/PREFIX`: where files are kept; empty: in the data directory.
    pub bucket: String,
    /// Largest file.
    pub max_file_bytes: NonZeroU64,
    /// Largest thumbnail that comes with a file.
    pub max_thumbnail_bytes: NonZeroU64,
    /// How long a file is kept.
    pub keep_s: NonZeroU64,
    /// How long an upload that broke off can be resumed.
    pub resume_s: NonZeroU64,
    /// Bytes of one subscriber's files.
    pub quota_bytes: NonZeroU64,
    /// Files of one subscriber, unfinished ones included.
    pub quota_files: NonZeroU32,
    /// Uploads at once.
    pub uploads: NonZeroU32,
    /// Uploads at once of one subscriber.
    pub uploads_per_subscriber: NonZeroU32,
    /// Uploads that one subscriber may begin a minute.
    pub uploads_per_minute: NonZeroU32,
    /// An upload on which nothing arrives for so long is broken off, and so is a download of which nothing is taken.
    pub idle_timeout_s: NonZeroU64,
    /// Media types that are taken, `image/*` for a family; none: all but `refused_types`.
    pub types: Vec<String>,
    /// Media types that are not taken.
    pub refused_types: Vec<String>,
    /// Whether pictures that come without a thumbnail get one.
    pub make_thumbnails: bool,
    /// Larger pictures get none.
    pub thumbnail_max_pixels: NonZeroU32,
    /// Beginnings of file URLs of partners, which handsets may send as well as ours.
    pub partner_urls: Vec<String>,
    /// What happens to a message with a file that is neither ours nor a partner's.
    pub foreign_urls: ForeignUrls,
}

impl Content {
    /// What the message centre holds files to.
    pub(super) fn rules(&self, public_url: &str) -> Rules {
        let own = format!("{public_url}/content/");
        Rules {
            quota: store::Usage { files: self.quota_files.get().into(), bytes: self.quota_bytes.get() },
            url_prefixes: std::iter::once(own).chain(self.partner_urls.iter().cloned()).collect(),
            foreign: match self.foreign_urls {
                ForeignUrls::Refuse => Foreign::Refuse,
                ForeignUrls::Flag => Foreign::Flag,
                ForeignUrls::Allow => Foreign::Allow,
            },
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        let refused = [
            "application/x-executable",
            "application/x-mach-binary",
            "application/vnd.microsoft.portable-executable",
        ];
        Self {
            bucket: String::new(),
            max_file_bytes: nonzero_u64(100 << 20),
            max_thumbnail_bytes: nonzero_u64(50 << 10),
            keep_s: nonzero_u64(31 * 86_400),
            resume_s: nonzero_u64(86_400),
            quota_bytes: nonzero_u64(2 << 30),
            quota_files: nonzero(10_000),
            uploads: nonzero(256),
            uploads_per_subscriber: nonzero(8),
            uploads_per_minute: nonzero(60),
            idle_timeout_s: nonzero_u64(30),
            types: Vec::new(),
            refused_types: refused.map(str::to_owned).to_vec(),
            make_thumbnails: true,
            thumbnail_max_pixels: nonzero(25_000_000),
            partner_urls: Vec::new(),
            foreign_urls: ForeignUrls::Refuse,
        }
    }
}

/// What happens to a message whose file lies with strangers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ForeignUrls {
    /// It is refused with 403.
    Refuse,
    /// It passes, and its trace says so.
    Flag,
    /// It passes.
    Allow,
}
