//! Auto-configuration documents: `wap-provisioningdoc` as a handset asks for it over HTTP (GSMA RCC.14).
//!
//! ```text
//! <wap-provisioningdoc version="1.1">
//!   <characteristic type="VERS"><parm name="version" value="1"/><parm name="validity" value="1728000"/></characteristic>
//!   <characteristic type="APPLICATION"><parm name="AppID" value="ap2001"/> … </characteristic>
//! </wap-provisioningdoc>
//! ```
//!
//! A [`Document`] is a tree of [`Characteristic`]s; names are matched without regard to case, as clients do. What a
//! deployment tells its handsets is [`Settings`], which [`Settings::document`] writes for one [`Identity`].

mod settings;

pub use settings::{
    Chatbots, Discovery, Endpoint, FileTransfer, Identity, Messaging, Services, Settings, Signalling, Terms,
};

use crate::xml::{Element, Writer, XmlError};

/// The media type of a document.
pub const CONTENT_TYPE: &str = "text/xml";

/// Longest name or value.
pub const VALUE_BYTES_MAX: usize = 4096;

const ROOT: &str = "wap-provisioningdoc";

/// A configuration document.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Document {
    /// What is in it, in order.
    pub characteristics: Vec<Characteristic>,
}

/// A named group of parameters.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Characteristic {
    /// Its `type`.
    pub kind: String,
    /// Names and values, in order.
    pub parms: Vec<(String, String)>,
    /// Groups within it, in order.
    pub children: Vec<Characteristic>,
}

/// Values may be passwords: only names are shown.
impl std::fmt::Debug for Characteristic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.parms.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "{}{names:?}{:?}", self.kind, self.children)
    }
}

impl Document {
    /// A document that says nothing but its version: positive for a configuration that is good for `validity_s` more
    /// seconds; 0, -1, -2 and -3 to reset, to reset and stop asking, to be disabled, to be dormant.
    pub fn of_version(version: i64, validity_s: u64) -> Self {
        let vers = Characteristic::new("VERS").with("version", version).with("validity", validity_s);
        Self { characteristics: vec![vers] }
    }

    /// Reads a document.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, ROOT)?;
        let characteristics = root.children().iter().filter(|child| child.name() == "characteristic");
        Ok(Self { characteristics: characteristics.map(Characteristic::of).collect::<Result<_, _>>()? })
    }

    /// The document's bytes.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        xml.open(ROOT, &[("version", "1.1")]);
        self.characteristics.iter().for_each(|characteristic| characteristic.write(&mut xml));
        xml.finish()
    }

    /// The first group of this type at the top.
    pub fn characteristic(&self, kind: &str) -> Option<&Characteristic> {
        self.characteristics.iter().find(|one| one.kind.eq_ignore_ascii_case(kind))
    }

    /// The APPLICATION with this `AppID`: `ap2001` is IMS, `ap2002` is RCS.
    pub fn application(&self, id: &str) -> Option<&Characteristic> {
        self.characteristics.iter().find(|one| {
            one.kind.eq_ignore_ascii_case("APPLICATION")
                && one.parm("AppID").is_some_and(|found| found.eq_ignore_ascii_case(id))
        })
    }

    /// The version; `None` when it says none.
    pub fn version(&self) -> Option<i64> {
        self.characteristic("VERS")?.parm("version")?.trim().parse().ok()
    }

    /// For how many seconds from now the configuration is good; `None` when it says nothing.
    pub fn validity_s(&self) -> Option<u64> {
        self.characteristic("VERS")?.parm("validity")?.trim().parse().ok()
    }

    /// The token to ask with the next time.
    pub fn token(&self) -> Option<&str> {
        self.characteristic("TOKEN")?.parm("token")
    }
}

impl Characteristic {
    /// A group without anything in it.
    pub fn new(kind: &str) -> Self {
        Self { kind: kind.to_owned(), ..Self::default() }
    }

    /// The same with one more parameter.
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.parms.push((name.to_owned(), value.to_string()));
        self
    }

    /// The same with one more group in it.
    pub fn with_group(mut self, group: Self) -> Self {
        self.children.push(group);
        self
    }

    /// The value of the first parameter of this name.
    pub fn parm(&self, name: &str) -> Option<&str> {
        let found = self.parms.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The first group of this type directly in it.
    pub fn group(&self, kind: &str) -> Option<&Self> {
        self.children.iter().find(|one| one.kind.eq_ignore_ascii_case(kind))
    }

    /// The value of the first parameter of this name in it or, at any depth, in a group of it.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.parm(name).or_else(|| self.children.iter().find_map(|group| group.find(name)))
    }

    /// From an element; its nesting and number are within the ceilings of [`crate::xml`].
    fn of(element: &Element) -> Result<Self, XmlError> {
        let value = |element: &Element, name: &'static str| {
            let value = element.attribute(name).ok_or(XmlError::Missing(name))?;
            if value.len() > VALUE_BYTES_MAX {
                return Err(XmlError::TooMany("bytes in a value"));
            }
            Ok(value.to_owned())
        };
        let mut characteristic = Self::new(&value(element, "type")?);
        for child in element.children() {
            match child.name() {
                "parm" => {
                    // A parameter without a value is an empty one.
                    let text = value(child, "value").or_else(|error| match error {
                        XmlError::Missing(_) => Ok(String::new()),
                        error => Err(error),
                    })?;
                    characteristic.parms.push((value(child, "name")?, text));
                }
                "characteristic" => characteristic.children.push(Self::of(child)?),
                _ => {}
            }
        }
        Ok(characteristic)
    }

    fn write(&self, xml: &mut Writer) {
        xml.open("characteristic", &[("type", &self.kind)]);
        for (name, value) in &self.parms {
            xml.empty("parm", &[("name", name), ("value", value)]);
        }
        self.children.iter().for_each(|child| child.write(xml));
        xml.close();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NESTED: &[u8] = include_bytes!("../../../fixtures/rcs/provisioning/nested.xml");

    #[test]
    fn names_are_found_whatever_their_case() {
        let document = Document::parse(NESTED).unwrap();
        assert_eq!((document.version(), document.validity_s()), (Some(3), Some(86_400)));
        assert_eq!(document.token(), Some("X5"));
        let ims = document.application("AP2001").unwrap();
        assert_eq!(ims.group("appauth").and_then(|auth| auth.parm("REALM")), Some("rcs.example"));
        assert_eq!(ims.find("address"), Some("sips.example:5061"));
        assert_eq!(document.application("ap2002").unwrap().find("ChatAuth"), Some(""));
        assert!(document.application("ap9999").is_none());
    }

    #[test]
    fn a_version_alone_is_a_document() {
        for version in [7, 0, -1, -2, -3] {
            let document = Document::parse(Document::of_version(version, 60).to_xml().as_bytes()).unwrap();
            assert_eq!((document.version(), document.validity_s()), (Some(version), Some(60)));
            assert_eq!(document.characteristics.len(), 1);
        }
    }

    #[test]
    fn a_password_is_not_shown_for_debugging() {
        let shown = format!("{:?}", Characteristic::new("APPAUTH").with("UserPwd", "open sesame"));
        assert!(shown.contains("UserPwd") && !shown.contains("sesame"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in [
            "",
            "<wap-provisioningdoc>",
            "<html/>",
            "<wap-provisioningdoc><characteristic/></wap-provisioningdoc>",
            "<wap-provisioningdoc><characteristic type='A'><parm value='x'/></characteristic></wap-provisioningdoc>",
            "<!DOCTYPE x [<!ENTITY a 'b'>]><wap-provisioningdoc/>",
        ] {
            assert!(Document::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    fn characteristic() -> impl Strategy<Value = Characteristic> {
        let text = "[a-zA-Z0-9<>&\"' é鸿/:;=+._-]{0,12}";
        let parms = prop::collection::vec((text, text), 0..4);
        let leaf = (text, parms.clone()).prop_map(|(kind, parms)| Characteristic {
            kind,
            parms,
            children: Vec::new(),
        });
        leaf.prop_recursive(3, 12, 3, move |inner| {
            (text, parms.clone(), prop::collection::vec(inner, 0..3))
                .prop_map(|(kind, parms, children)| Characteristic { kind, parms, children })
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(characteristics in prop::collection::vec(characteristic(), 0..4)) {
            let document = Document { characteristics };
            prop_assert_eq!(Document::parse(document.to_xml().as_bytes()), Ok(document));
        }

        #[test]
        fn no_prefix_of_a_document_panics(end in 0..NESTED.len()) {
            let _ = Document::parse(&NESTED[..end]);
        }
    }
}
