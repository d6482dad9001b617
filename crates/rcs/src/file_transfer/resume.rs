//! How far an upload got: the content server's answer to `get_upload_info` (RCC.07 upload resume).

use super::{NAMESPACE, url};
use crate::xml::{Element, Writer, XmlError};

/// What the content server has of a file, and where the rest goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumeInfo {
    /// First byte that it has, from 0.
    pub start: u64,
    /// Last byte that it has: the upload goes on at the next.
    pub end: u64,
    /// Where to PUT the rest, with a Content-Range.
    pub url: String,
}

impl ResumeInfo {
    /// Reads a document.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, "file-resume-info")?;
        let range = root.child("file-range").ok_or(XmlError::Missing("file-range"))?;
        let number = |name| range.attribute(name).and_then(|text| text.parse().ok());
        let data = root.child("data").and_then(|data| data.attribute("url"));
        Ok(Self {
            start: number("start").ok_or(XmlError::Invalid("file-range start"))?,
            end: number("end").ok_or(XmlError::Invalid("file-range end"))?,
            url: url(data.ok_or(XmlError::Missing("data url"))?)?,
        })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        xml.open("file-resume-info", &[("xmlns", NAMESPACE)])
            .empty("file-range", &[("start", &self.start.to_string()), ("end", &self.end.to_string())])
            .empty("data", &[("url", &self.url)]);
        xml.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_info_of_a_broken_upload_reads_and_is_written() {
        let info = ResumeInfo { start: 0, end: 1023, url: "https://content.example/u/8f14?a&b".to_owned() };
        let document = include_bytes!("../../../../fixtures/rcs/file-transfer/resume.xml");
        assert_eq!(ResumeInfo::parse(document), Ok(info.clone()));
        let written = include_str!("../../../../fixtures/rcs/file-transfer/resume.written.xml");
        assert_eq!(info.to_xml(), written);
    }

    #[test]
    fn what_lacks_range_or_url_is_refused() {
        let read = |inside: &str| {
            ResumeInfo::parse(format!("<file-resume-info>{inside}</file-resume-info>").as_bytes())
        };
        assert_eq!(read("<data url='http://a/b'/>"), Err(XmlError::Missing("file-range")));
        assert_eq!(read("<file-range start='0' end='x'/>"), Err(XmlError::Invalid("file-range end")));
        assert_eq!(read("<file-range start='0' end='1'/>"), Err(XmlError::Missing("data url")));
    }

    proptest! {
        #[test]
        fn written_documents_read_back(start in any::<u64>(), end in any::<u64>(), path in "[!-~]{1,40}") {
            let info = ResumeInfo { start, end, url: format!("https://{path}") };
            prop_assert_eq!(ResumeInfo::parse(info.to_xml().as_bytes()), Ok(info));
        }
    }
}
