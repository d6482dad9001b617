//! A file as a message: `application/vnd.gsma.rcs-ft-http+xml` (GSMA RCC.07, file transfer via HTTP).
//!
//! The content server answers an upload with this document; the sender sends it on as a message body; the recipient
//! fetches the `data url`. Whether that URL may be fetched is for the caller to judge. [`form`] reads an upload, [`resume`]
//! tells how far one got.

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub mod form;
pub mod resume;

use crate::Timestamp;
use crate::xml::{Element, Writer, XmlError};

/// The media type.
pub const CONTENT_TYPE: &str = "application/vnd.gsma.rcs-ft-http+xml";

/// Longest URL that is accepted.
pub const URL_BYTES_MAX: usize = 2048;

/// Longest file name and media type that are accepted.
pub const NAME_BYTES_MAX: usize = 512;

const NAMESPACE: &str = "urn:gsma:params:xml:ns:rcs:rcs:fthttp";
const EXTENSION_NAMESPACE: &str = "urn:gsma:params:xml:ns:rcs:rcs:up:fthttpext";
const AUDIO_NAMESPACE: &str = "urn:gsma:params:xml:ns:rcs:rcs:rram";

/// A file on a content server, and its thumbnail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTransfer {
    /// A small picture to show before the file is fetched.
    pub thumbnail: Option<FileInfo>,
    /// The file.
    pub file: FileInfo,
}

/// One of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Bytes.
    pub size: u64,
    /// As the sender called it; thumbnails have none. Not a path: never open it as one.
    pub name: Option<String>,
    /// Media type, with parameters.
    pub content_type: String,
    /// Where to fetch it; http or https.
    pub url: String,
    /// When it stops being there.
    pub until: Option<Timestamp>,
    /// What to do with it; absent is as [`FileDisposition::Attachment`].
    pub disposition: Option<FileDisposition>,
    /// Of a voice message, as it was written: seconds or milliseconds, see [`FileInfo::playing_time`].
    pub playing_length: Option<u64>,
    /// A URL to show in place of `url`.
    pub branded_url: Option<String>,
}

/// What the recipient's handset does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileDisposition {
    /// Shows or plays it in place, as a voice message.
    Render,
    /// Offers it.
    Attachment,
}

impl FileTransfer {
    /// Reads a document. The order of thumbnail and file does not matter.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, "file")?;
        let info = |kind: &str| {
            let is_kind =
                |child: &&Element| child.name() == "file-info" && child.attribute("type") == Some(kind);
            root.children().iter().find(is_kind).map(FileInfo::parse).transpose()
        };
        Ok(Self { thumbnail: info("thumbnail")?, file: info("file")?.ok_or(XmlError::Missing("file-info"))? })
    }

    /// Every URL that a handset might fetch or show, the file's first.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        let infos = std::iter::once(&self.file).chain(&self.thumbnail);
        infos.flat_map(|info| std::iter::once(&info.url).chain(&info.branded_url)).map(String::as_str)
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        let mut namespaces = vec![("xmlns", NAMESPACE)];
        let infos = || self.thumbnail.iter().chain([&self.file]);
        if infos().any(|info| info.branded_url.is_some()) {
            namespaces.push(("xmlns:x", EXTENSION_NAMESPACE));
        }
        if infos().any(|info| info.playing_length.is_some()) {
            namespaces.push(("xmlns:am", AUDIO_NAMESPACE));
        }
        xml.open("file", &namespaces);
        if let Some(thumbnail) = &self.thumbnail {
            thumbnail.write(&mut xml, "thumbnail");
        }
        self.file.write(&mut xml, "file");
        xml.finish()
    }
}

impl FileInfo {
    /// The length of a voice message. Peers write seconds or milliseconds without saying which: a number above
    /// `longest_s`, the longest voice message that is allowed in seconds (600 by default), must be milliseconds.
    pub fn playing_time(&self, longest_s: u64) -> Option<Duration> {
        let length = self.playing_length?;
        Some(if length > longest_s { Duration::from_millis(length) } else { Duration::from_secs(length) })
    }

    fn parse(info: &Element) -> Result<Self, XmlError> {
        let data = info.child("data").ok_or(XmlError::Missing("data"))?;
        let until = data.attribute("until").map(Timestamp::parse_rfc3339).transpose();
        let playing_length = info.child_text("playing-length").map(str::parse).transpose();
        Ok(Self {
            size: info.required_text("file-size")?.parse().map_err(|_| XmlError::Invalid("file-size"))?,
            name: info.child_text("file-name").map(|name| short(name, "file-name")).transpose()?,
            content_type: short(info.required_text("content-type")?, "content-type")?,
            url: url(data.attribute("url").ok_or(XmlError::Missing("data url"))?)?,
            until: until.map_err(|_| XmlError::Invalid("data until"))?,
            disposition: match info.attribute("file-disposition") {
                Some("render") => Some(FileDisposition::Render),
                // Old clients cut the word.
                Some("attachment" | "attach") => Some(FileDisposition::Attachment),
                _ => None,
            },
            playing_length: playing_length.map_err(|_| XmlError::Invalid("playing-length"))?,
            branded_url: info.child_text("branded-url").map(url).transpose()?,
        })
    }

    fn write(&self, xml: &mut Writer, kind: &str) {
        let mut attributes = vec![("type", kind)];
        match self.disposition {
            Some(FileDisposition::Render) => attributes.push(("file-disposition", "render")),
            Some(FileDisposition::Attachment) => attributes.push(("file-disposition", "attachment")),
            None => {}
        }
        xml.open("file-info", &attributes).text("file-size", &[], &self.size.to_string());
        if let Some(name) = &self.name {
            xml.text("file-name", &[], name);
        }
        xml.text("content-type", &[], &self.content_type);
        if let Some(length) = self.playing_length {
            xml.text("am:playing-length", &[], &length.to_string());
        }
        if let Some(url) = &self.branded_url {
            xml.text("x:branded-url", &[], url);
        }
        match self.until {
            Some(until) => xml.empty("data", &[("url", &self.url), ("until", &until.rfc3339())]),
            None => xml.empty("data", &[("url", &self.url)]),
        };
        xml.close();
    }
}

fn short(text: &str, name: &'static str) -> Result<String, XmlError> {
    let is_plain = text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control);
    if is_plain { Ok(text.to_owned()) } else { Err(XmlError::Invalid(name)) }
}

/// An absolute http or https URL without blanks.
fn url(text: &str) -> Result<String, XmlError> {
    let has_host = ["https://", "http://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && text.len() > scheme.len()
    });
    let is_plain = text.len() <= URL_BYTES_MAX && !text.chars().any(|c| c.is_control() || c.is_whitespace());
    if has_host && is_plain { Ok(text.to_owned()) } else { Err(XmlError::Invalid("url")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn car() -> FileTransfer {
        let until = Some(Timestamp::parse_rfc3339("2026-12-23T11:00:00Z").unwrap());
        let file = FileInfo {
            size: 171_008,
            name: Some("car & dog.png".to_owned()),
            content_type: "image/png".to_owned(),
            url: "https://content.example/f/8f14e45f?a=1&b=2".to_owned(),
            until,
            disposition: Some(FileDisposition::Attachment),
            playing_length: None,
            branded_url: None,
        };
        let thumbnail = FileInfo {
            size: 9216,
            name: None,
            content_type: "image/jpeg".to_owned(),
            url: "https://content.example/t/8f14e45f".to_owned(),
            disposition: None,
            ..file.clone()
        };
        FileTransfer { thumbnail: Some(thumbnail), file }
    }

    #[test]
    fn a_picture_with_its_thumbnail_reads_and_is_written() {
        assert_eq!(
            FileTransfer::parse(include_bytes!("../../../fixtures/rcs/file-transfer/picture.xml")),
            Ok(car())
        );
        assert_eq!(car().to_xml(), include_str!("../../../fixtures/rcs/file-transfer/picture.written.xml"));
    }

    #[test]
    fn a_voice_message_tells_its_length_in_either_unit() {
        let document = include_bytes!("../../../fixtures/rcs/file-transfer/voice.xml");
        let mut voice = FileTransfer::parse(document).unwrap().file;
        assert_eq!(voice.disposition, Some(FileDisposition::Render));
        assert_eq!(voice.playing_time(600), Some(Duration::from_millis(4046)));
        voice.playing_length = Some(4);
        assert_eq!(voice.playing_time(600), Some(Duration::from_secs(4)));
    }

    #[test]
    fn urls_that_no_content_server_has_are_refused() {
        for bad in ["", "javascript:alert(1)", "file:///etc/passwd", "https://", "https://a b", "//host/x"] {
            let mut transfer = car();
            transfer.file.url = bad.to_owned();
            assert_eq!(
                FileTransfer::parse(transfer.to_xml().as_bytes()),
                Err(XmlError::Invalid("url")),
                "{bad}"
            );
        }
    }

    #[test]
    fn what_lacks_the_file_is_refused() {
        assert_eq!(FileTransfer::parse(b"<file/>"), Err(XmlError::Missing("file-info")));
        let no_data = b"<file><file-info type='file'><file-size>1</file-size></file-info></file>";
        assert_eq!(FileTransfer::parse(no_data), Err(XmlError::Missing("data")));
    }

    #[test]
    fn no_prefix_passes_for_the_document() {
        let document = include_bytes!("../../../fixtures/rcs/file-transfer/picture.written.xml");
        for end in 0..document.len() {
            assert!(FileTransfer::parse(&document[..end]).is_err(), "{end}");
        }
    }

    prop_compose! {
        fn any_info()(
            size in any::<u64>(),
            name in proptest::option::of("[^\\pC\\s]{1,20}"),
            content_type in "[!-~]{1,20}",
            path in "[!-~]{1,40}",
            millis in proptest::option::of(0..Timestamp::MAX.as_millis()),
            playing_length in any::<Option<u64>>(),
            branded in proptest::option::of("[!-~]{1,20}"),
            render in any::<Option<bool>>(),
        ) -> FileInfo {
            FileInfo {
                size,
                name,
                content_type,
                url: format!("https://{path}"),
                until: millis.map(Timestamp::from_millis),
                disposition: render.map(|r| if r { FileDisposition::Render } else { FileDisposition::Attachment }),
                playing_length,
                branded_url: branded.map(|path| format!("http://{path}")),
            }
        }
    }

    proptest! {
        #[test]
        fn written_documents_read_back(thumbnail in proptest::option::of(any_info()), file in any_info()) {
            let transfer = FileTransfer { thumbnail, file };
            prop_assert_eq!(FileTransfer::parse(transfer.to_xml().as_bytes()), Ok(transfer));
        }
    }
}
