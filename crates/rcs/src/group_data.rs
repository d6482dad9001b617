//! Changes that a member asks of a group: `application/vnd.oma.cpm-groupdata+xml` (OMA CPM), sent to the focus.
//!
//! ```text
//! <groupdata xmlns="urn:oma:xml:cpm:groupdata">
//!   <target-type>subject</target-type><action-type>set</action-type>
//!   <data><subject>周末爬山</subject></data>
//! </groupdata>
//! ```

use crate::xml::{Element, Writer, XmlError};

/// The media type.
pub const CONTENT_TYPE: &str = "application/vnd.oma.cpm-groupdata+xml";

/// Longest subject or icon, in bytes. What a group accepts is shorter and is the message centre's to say.
pub const VALUE_BYTES_MAX: usize = 32 * 1024;

const NAMESPACE: &str = "urn:oma:xml:cpm:groupdata";

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupData {
    /// A new subject; `None` takes it away.
    Subject(Option<String>),
    /// A new icon, as the text of its element; `None` takes it away.
    Icon(Option<String>),
}

impl GroupData {
    /// Reads a document.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, "groupdata")?;
        let is_set = match root.required_text("action-type")? {
            "set" => true,
            "delete" => false,
            _ => return Err(XmlError::Invalid("action-type")),
        };
        let value = |name: &'static str| {
            if !is_set {
                return Ok(None);
            }
            let text = root.child("data").ok_or(XmlError::Missing("data"))?.required_text(name)?;
            if text.len() > VALUE_BYTES_MAX {
                return Err(XmlError::Invalid(name));
            }
            Ok(Some(text.to_owned()))
        };
        match root.required_text("target-type")? {
            "subject" => value("subject").map(Self::Subject),
            "icon" => value("icon").map(Self::Icon),
            _ => Err(XmlError::Invalid("target-type")),
        }
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let (target, value) = match self {
            Self::Subject(value) => ("subject", value),
            Self::Icon(value) => ("icon", value),
        };
        let mut xml = Writer::new();
        xml.open("groupdata", &[("xmlns", NAMESPACE)]).text("target-type", &[], target);
        match value {
            Some(value) => {
                xml.text("action-type", &[], "set").open("data", &[]).text(target, &[], value).close()
            }
            None => xml.text("action-type", &[], "delete"),
        };
        xml.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_new_subject_reads_and_is_written() {
        let expected = GroupData::Subject(Some("周末爬山".to_owned()));
        let document = include_bytes!("../../../fixtures/rcs/group-data/subject.xml");
        assert_eq!(GroupData::parse(document), Ok(expected.clone()));
        let written = include_str!("../../../fixtures/rcs/group-data/subject.written.xml");
        assert_eq!(expected.to_xml(), written);
    }

    #[test]
    fn what_changes_nothing_known_is_refused() {
        let refuse =
            |inner: &str| GroupData::parse(format!("<groupdata>{inner}</groupdata>").as_bytes()).unwrap_err();
        assert_eq!(refuse(""), XmlError::Missing("action-type"));
        assert_eq!(refuse("<action-type>set</action-type>"), XmlError::Missing("target-type"));
        let colour = "<target-type>colour</target-type><action-type>set</action-type>";
        assert_eq!(refuse(colour), XmlError::Invalid("target-type"));
        let no_data = "<target-type>subject</target-type><action-type>set</action-type>";
        assert_eq!(refuse(no_data), XmlError::Missing("data"));
        assert_eq!(refuse("<action-type>mix</action-type>"), XmlError::Invalid("action-type"));
    }

    proptest! {
        #[test]
        fn written_changes_read_back(is_icon in any::<bool>(), text in proptest::option::of("[!-~鸿][ -~鸿]{0,50}[!-~]")) {
            let change = if is_icon { GroupData::Icon(text) } else { GroupData::Subject(text) };
            prop_assert_eq!(GroupData::parse(change.to_xml().as_bytes()), Ok(change));
        }
    }
}
