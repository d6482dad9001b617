//! What a file is: its first bytes say more than its sender.

use std::sync::LazyLock;

use infer::Infer;
use rcs::content_type::{essence, is_accepted};

/// The most that is looked at of a file's beginning.
pub const HEAD_BYTES: usize = 8 * 1024;

/// For what nobody can name.
const UNKNOWN: &str = "application/octet-stream";

/// Pictures whose beginnings everybody knows: what claims to be one and does not begin so is none.
const EVIDENT: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// Beginnings of files. RCS voice messages are AMR (RFC 4867 §5), which begins as a shell script does.
static BEGINNINGS: LazyLock<Infer> = LazyLock::new(|| {
    let mut beginnings = Infer::new();
    beginnings.add("audio/amr", "amr", |head| head.starts_with(b"#!AMR\n"));
    beginnings.add("audio/amr-wb", "awb", |head| head.starts_with(b"#!AMR-WB\n"));
    beginnings
});

/// The media type of a file that begins with `head` and is said to be `declared`.
///
/// A picture is what its bytes say. Sound and film share containers, documents share archives, and text has no beginning of
/// its own: there the sender's word stands as long as the bytes do not speak against it.
pub fn of(declared: &str, head: &[u8]) -> String {
    let said = essence(declared).to_ascii_lowercase();
    let found = begins_as(head);
    match found {
        Some(found) if agrees(&said, found) => declared.to_owned(),
        Some(found) => found.to_owned(),
        None if EVIDENT.contains(&said.as_str()) => UNKNOWN.to_owned(),
        None => declared.to_owned(),
    }
}

/// Whether files of this type are taken: it is in `allowed` (if that names any) and not in `refused`.
pub fn is_allowed(media_type: &str, allowed: &[String], refused: &[String]) -> bool {
    let is_in = |list: &[String]| list.iter().any(|item| is_accepted(item, media_type));
    (allowed.is_empty() || is_in(allowed)) && !is_in(refused)
}

/// Whether it is safe and useful to show a file of this type in place: nothing in it can run.
pub fn is_shown_in_place(media_type: &str) -> bool {
    let media_type = essence(media_type).to_ascii_lowercase();
    let family = media_type.split('/').next().unwrap_or_default();
    matches!(family, "image" | "audio" | "video") && !media_type.ends_with("+xml")
}

/// Whether a picture may be a thumbnail.
pub fn is_thumbnail(head: &[u8]) -> Option<&'static str> {
    begins_as(head).filter(|found| EVIDENT.contains(found))
}

/// The media type that the beginning of a file says; `None` if it says none.
pub fn begins_as(head: &[u8]) -> Option<&'static str> {
    BEGINNINGS.get(&head[..head.len().min(HEAD_BYTES)]).map(|kind| kind.mime_type())
}

fn agrees(said: &str, found: &str) -> bool {
    let family = |media_type: &str| media_type.split('/').next().unwrap_or_default().to_owned();
    match (family(said).as_str(), family(found).as_str()) {
        ("image", "image") => said == found,
        ("audio" | "video", "audio" | "video") => true,
        // Archives hold documents of many kinds; a program is a program whatever it is called.
        ("application", "application") => is_container(found) || said == found,
        ("text", "text") => true,
        _ => said == found,
    }
}

/// Formats that others are built on.
fn is_container(found: &str) -> bool {
    matches!(
        found,
        "application/zip" | "application/x-ole-storage" | "application/gzip" | "application/x-tar"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    /// As long as the shortest header.
    const ELF: &[u8] = b"\x7fELF\x02\x01\x01_________________________________________________________";
    const WAV: &[u8] = b"RIFF\x24\0\0\0WAVEfmt ";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0";

    #[test]
    fn bytes_are_believed_before_names() {
        for (declared, head, expected) in [
            ("image/png", PNG, "image/png"),
            ("image/jpeg", PNG, "image/png"),
            ("text/plain", PNG, "image/png"),
            ("image/png", &b"<html><script>"[..], "text/html"),
            ("image/png", b"who knows", UNKNOWN),
            ("image/png", ELF, "application/x-executable"),
            ("application/zip", ELF, "application/x-executable"),
            ("audio/wav;voice-recording=yes", WAV, "audio/wav;voice-recording=yes"),
            (
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                ZIP,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ),
            ("audio/amr", b"#!AMR\n\x3c", "audio/amr"),
            ("application/octet-stream", b"#!AMR-WB\n\x3c", "audio/amr-wb"),
            ("text/vcard", b"BEGIN:VCARD\r\n", "text/vcard"),
            ("text/plain; charset=UTF-8", b"hello", "text/plain; charset=UTF-8"),
        ] {
            assert_eq!(of(declared, head), expected, "{declared}");
        }
    }

    #[test]
    fn lists_of_types_name_families_too() {
        let list = |items: &[&str]| items.iter().map(|item| item.to_string()).collect::<Vec<_>>();
        assert!(is_allowed("image/png", &[], &[]));
        assert!(is_allowed("image/png; a=b", &list(&["audio/amr", "image/*"]), &[]));
        assert!(!is_allowed("video/mp4", &list(&["image/*"]), &[]));
        assert!(!is_allowed("application/x-executable", &[], &list(&["application/x-executable"])));
    }

    #[test]
    fn only_what_cannot_run_is_shown_in_place() {
        assert!(is_shown_in_place("image/png") && is_shown_in_place("Audio/AMR;x=y"));
        assert!(!is_shown_in_place("image/svg+xml") && !is_shown_in_place("text/html"));
        // Browsers read any XML as a document, in which XHTML may hold a script.
        assert!(!is_shown_in_place("image/anything+XML") && !is_shown_in_place("video/x+xml; charset=utf-8"));
        assert_eq!(is_thumbnail(PNG), Some("image/png"));
        assert_eq!(is_thumbnail(WAV), None);
    }
}
