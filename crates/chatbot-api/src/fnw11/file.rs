//! Files of the chatbot: `POST …/files`, `GET` and `DELETE …/files/{fileId}`, and the event when one is ready.

use rcs::Timestamp;
use serde::Serialize;

/// The members of a message that name its file: URL, name, type, size.
pub(super) const FILE: [&str; 4] = ["fileUrl", "fileName", "fileMIMEType", "fileSize"];

/// The same of its thumbnail.
pub(super) const THUMBNAIL: [&str; 4] =
    ["thumbnailUrl", "thumbnailFileName", "thumbnailMIMEType", "thumbnailFileSize"];

/// A file as the interface shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Names it in later calls.
    pub file_id: String,
    /// Where handsets fetch it; what a message names.
    pub file_url: String,
    /// Bytes.
    pub file_size: u64,
    /// Its media type, as found by looking at it.
    #[serde(rename = "fileMIMEType")]
    pub file_mime_type: String,
    /// How far it is.
    pub status: FileStatus,
    /// Until when it is kept; absent without an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity: Option<String>,
}

/// How far a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// Being fetched, or waiting for its audit.
    Pending,
    /// Can be sent.
    Ready,
    /// Will not be.
    Failed,
}

impl File {
    /// A file; `until` is when it goes.
    pub fn new(
        file_id: String,
        file_url: String,
        file_size: u64,
        file_mime_type: String,
        status: FileStatus,
        until: Option<Timestamp>,
    ) -> Self {
        let validity = until.map(Timestamp::rfc3339);
        Self { file_id, file_url, file_size, file_mime_type, status, validity }
    }
}
