//! Changes that a member asks of a group: `application/vnd.oma.cpm-groupdata+xml` (OMA CPM), sent to the focus.
//!
//! The schema isn't public. Clients are known to write it in two ways, and both are read:
//!
//! ```text
//! <groupdata xmlns="urn:oma:xml:cpm:groupdata">
//!   <target-type>subject</target-type><action-type>set</action-type>
//!   <data><subject>周末爬山</subject></data>
//! </groupdata>
//!
//! <cpm-group-management xmlns="urn:oma:xml:cpm:groupdata:1.0" id="4711"><group-data>
//!   <request target="icon"><action>set</action>
//!     <data><icon><icon-uri>https://…</icon-uri></icon></data></request>
//! </group-data></cpm-group-management>
//! ```
//!
//! We write the first. Who sends the second waits for a [`Response`] with the same id. An icon is a URL, the bytes themselves in
//! Base64, or the id of another part of the message (`cid:`); where in its element it stands is not told apart.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::xml::{Element, Writer, XmlError};

/// The media type.
pub const CONTENT_TYPE: &str = "application/vnd.oma.cpm-groupdata+xml";

/// Longest subject, URL or icon as it stands in the document, in bytes. What a group accepts is the message centre's to say.
pub const VALUE_BYTES_MAX: usize = 48 * 1024;

/// Longest id of a request, in bytes.
pub const ID_BYTES_MAX: usize = 128;

const NAMESPACE: &str = "urn:oma:xml:cpm:groupdata";

/// The namespace of what is answered, and of icons in other documents.
pub(crate) const NAMESPACE_1_0: &str = "urn:oma:xml:cpm:groupdata:1.0";

/// Base64 with or without its padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupData {
    /// A new subject; `None` takes it away.
    Subject(Option<String>),
    /// A new icon; `None` takes it away.
    Icon(Option<Icon>),
}

/// Where the picture of a new icon is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Icon {
    /// There; not looked at here.
    Url(String),
    /// In the document. What it is shows in its bytes.
    Inline(Bytes),
    /// In the part of the message with this Content-ID, without its angle brackets.
    Part(String),
}

/// A change that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is to change.
    pub change: GroupData,
    /// The id that the answer is to carry; absent when no answer is expected beside that of the request that brought it.
    pub id: Option<String>,
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The id of the request.
    pub id: String,
    /// As in SIP: 200 when it was made.
    pub code: u16,
    /// In words.
    pub text: String,
}

impl Request {
    /// Reads a document of either kind.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse_any(document)?;
        match root.name() {
            "groupdata" => Ok(Self { change: GroupData::of(&root)?, id: None }),
            "cpm-group-management" => {
                let request = root.descendant("request").ok_or(XmlError::Missing("request"))?;
                let id = root.required_attribute("id", ID_BYTES_MAX)?;
                Ok(Self { change: GroupData::of(request)?, id: Some(id) })
            }
            other => Err(XmlError::Root { expected: "groupdata", found: other.to_owned() }),
        }
    }
}

impl GroupData {
    /// What an element with target, action and data asks for.
    fn of(element: &Element) -> Result<Self, XmlError> {
        let word = |names: [&'static str; 2]| {
            let found =
                names.into_iter().find_map(|name| element.child_text(name).or(element.attribute(name)));
            found.ok_or(XmlError::Missing(names[0]))
        };
        let is_set = match word(["action-type", "action"])? {
            "set" => true,
            "delete" => false,
            _ => return Err(XmlError::Invalid("action-type")),
        };
        let value = |name: &'static str| {
            let data = element.child("data").ok_or(XmlError::Missing("data"))?;
            data.child(name).ok_or(XmlError::Missing(name))
        };
        match word(["target-type", "target"])? {
            "subject" if is_set => {
                let text = value("subject")?.text();
                is_within(text, "subject").map(|text| Self::Subject(Some(text.to_owned())))
            }
            "subject" => Ok(Self::Subject(None)),
            "icon" if is_set => Icon::of(value("icon")?).map(|icon| Self::Icon(Some(icon))),
            "icon" => Ok(Self::Icon(None)),
            _ => Err(XmlError::Invalid("target-type")),
        }
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        xml.open("groupdata", &[("xmlns", NAMESPACE)]);
        let (target, is_set) = match self {
            Self::Subject(subject) => ("subject", subject.is_some()),
            Self::Icon(icon) => ("icon", icon.is_some()),
        };
        xml.text("target-type", &[], target).text("action-type", &[], if is_set { "set" } else { "delete" });
        match self {
            Self::Subject(Some(text)) => {
                xml.open("data", &[]).text("subject", &[], text);
            }
            Self::Icon(Some(icon)) => icon.write(xml.open("data", &[]).open("icon", &[])),
            Self::Subject(None) | Self::Icon(None) => {}
        }
        xml.finish()
    }
}

impl Icon {
    fn of(element: &Element) -> Result<Self, XmlError> {
        let inner = ["icon-uri", "file-info", "uri", "url", "data"].map(|name| element.descendant(name));
        let inner = inner.into_iter().flatten();
        let texts = inner.flat_map(|inner| [inner.attribute("url").unwrap_or_default(), inner.text()]);
        let text = texts.chain([element.text()]).map(str::trim).find(|text| !text.is_empty());
        let text = is_within(text.unwrap_or_default(), "icon")?;
        if let Some(id) = text.strip_prefix("cid:") {
            return Ok(Self::Part(id.to_owned()));
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Self::Url(text.to_owned()));
        }
        let encoded = match text.strip_prefix("data:") {
            Some(rest) => rest.split_once(";base64,").ok_or(XmlError::Invalid("icon"))?.1,
            None => text,
        };
        let encoded: String = encoded.split_ascii_whitespace().collect();
        match BASE64.decode(encoded) {
            Ok(bytes) if !bytes.is_empty() => Ok(Self::Inline(bytes.into())),
            _ => Err(XmlError::Invalid("icon")),
        }
    }

    fn write(&self, xml: &mut Writer) {
        match self {
            Self::Url(url) => xml.text("icon-uri", &[], url),
            Self::Inline(bytes) => xml.text("file-info", &[], &BASE64.encode(bytes)),
            Self::Part(id) => xml.text("file-info", &[], &format!("cid:{id}")),
        };
    }
}

impl Response {
    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        xml.open("cpm-group-management", &[("xmlns", NAMESPACE_1_0), ("id", &self.id)])
            .open("group-data", &[])
            .open("response", &[])
            .text("response-code", &[], &self.code.to_string())
            .text("response-text", &[], &self.text);
        xml.finish()
    }
}

/// A value that is there and not too long.
fn is_within<'t>(text: &'t str, name: &'static str) -> Result<&'t str, XmlError> {
    match text.len() {
        0 => Err(XmlError::Missing(name)),
        1..=VALUE_BYTES_MAX => Ok(text),
        _ => Err(XmlError::Invalid(name)),
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
        assert_eq!(Request::parse(document), Ok(Request { change: expected.clone(), id: None }));
        let written = include_str!("../../../fixtures/rcs/group-data/subject.written.xml");
        assert_eq!(expected.to_xml(), written);
    }

    #[test]
    fn a_new_icon_reads_in_all_its_forms_and_is_written() {
        let url = "https://rcs.example/content/abc?x=1&y=2";
        let change = GroupData::Icon(Some(Icon::Url(url.to_owned())));
        let written = include_str!("../../../fixtures/rcs/group-data/icon.written.xml");
        assert_eq!(change.to_xml(), written);
        let managed = include_bytes!("../../../fixtures/rcs/group-data/icon.managed.xml");
        let request = Request::parse(managed).unwrap();
        assert_eq!(request, Request { change, id: Some("1637750400".to_owned()) });
        let icon = |inner: &str| {
            let data = format!("<data><icon>{inner}</icon></data>");
            let document = format!(
                "<groupdata><target-type>icon</target-type><action-type>set</action-type>{data}</groupdata>"
            );
            Request::parse(document.as_bytes()).map(|request| request.change)
        };
        let png = GroupData::Icon(Some(Icon::Inline(Bytes::from_static(b"\x89PNG"))));
        for form in [
            "iVBO\r\n Rw==",
            "iVBORw",
            "data:image/png;base64,iVBORw==",
            "<icon-data content-type='image/png'/>iVBORw",
            "<file-info content-type='image/png'>iVBORw==</file-info>",
            "<file-info><content-type>image/png</content-type><data>iVBORw==</data></file-info>",
        ] {
            assert_eq!(icon(form).as_ref(), Ok(&png), "{form}");
        }
        let there = GroupData::Icon(Some(Icon::Url("http://a/b".to_owned())));
        for form in [
            "http://a/b",
            "<icon-uri>http://a/b</icon-uri>",
            "<file-info type='file'><data url='http://a/b' until='2026-12-24T00:00:00Z'/></file-info>",
        ] {
            assert_eq!(icon(form).as_ref(), Ok(&there), "{form}");
        }
        let part = GroupData::Icon(Some(Icon::Part("icon@phone".to_owned())));
        assert_eq!(icon("<file-info>cid:icon@phone</file-info>"), Ok(part));
        assert_eq!(icon(""), Err(XmlError::Missing("icon")));
        assert_eq!(icon("file:///etc/passwd"), Err(XmlError::Invalid("icon")));
        assert_eq!(icon("data:image/png,x"), Err(XmlError::Invalid("icon")));
    }

    #[test]
    fn an_answer_names_what_it_is_to() {
        let answer = Response { id: "1637750400".to_owned(), code: 200, text: "OK".to_owned() };
        assert_eq!(answer.to_xml(), include_str!("../../../fixtures/rcs/group-data/response.written.xml"));
    }

    #[test]
    fn what_changes_nothing_known_is_refused() {
        let refuse =
            |inner: &str| Request::parse(format!("<groupdata>{inner}</groupdata>").as_bytes()).unwrap_err();
        assert_eq!(refuse(""), XmlError::Missing("action-type"));
        assert_eq!(refuse("<action-type>set</action-type>"), XmlError::Missing("target-type"));
        let colour = "<target-type>colour</target-type><action-type>set</action-type>";
        assert_eq!(refuse(colour), XmlError::Invalid("target-type"));
        let no_data = "<target-type>subject</target-type><action-type>set</action-type>";
        assert_eq!(refuse(no_data), XmlError::Missing("data"));
        assert_eq!(refuse("<action-type>mix</action-type>"), XmlError::Invalid("action-type"));
        assert!(matches!(Request::parse(b"<other/>"), Err(XmlError::Root { .. })));
    }

    fn icon() -> impl Strategy<Value = Icon> {
        prop_oneof![
            "https://[!-~鸿]{1,50}".prop_map(Icon::Url),
            "[!-~]{1,50}".prop_map(Icon::Part),
            proptest::collection::vec(any::<u8>(), 1..100).prop_map(|bytes| Icon::Inline(bytes.into())),
        ]
    }

    proptest! {
        #[test]
        fn written_changes_read_back(
            text in proptest::option::of("[!-~鸿][ -~鸿]{0,50}[!-~]"),
            icon in proptest::option::of(icon()),
            is_icon in any::<bool>(),
        ) {
            let change = if is_icon { GroupData::Icon(icon) } else { GroupData::Subject(text) };
            prop_assert_eq!(Request::parse(change.to_xml().as_bytes()).map(|read| read.change), Ok(change));
        }
    }
}
