//! Reports on messages: `message/imdn+xml` (RFC 5438 §7).

/// The media type of a report.
pub const CONTENT_TYPE: &str = "message/imdn+xml";
