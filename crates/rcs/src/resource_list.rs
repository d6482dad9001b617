//! Lists of addressees: `application/resource-lists+xml` (RFC 4826 §3) with copy control (RFC 5364), as in the INVITE that makes
//! a group (RFC 5366), the REFER that adds several members (RFC 5368), and a message to many (RFC 5365).
//!
//! ```text
//! <resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:cp="urn:ietf:params:xml:ns:copycontrol">
//!   <list><entry uri="tel:+8613800000002" cp:copyControl="to"/></list>
//! </resource-lists>
//! ```

use crate::xml::{Element, Writer, XmlError};

/// The media type.
pub const CONTENT_TYPE: &str = "application/resource-lists+xml";

/// The Content-Disposition of the addressees of a request (RFC 5366 §4).
pub const DISPOSITION: &str = "recipient-list";

/// The Content-Disposition of a list that tells members of each other (RFC 5366 §6).
pub const HISTORY_DISPOSITION: &str = "recipient-list-history";

/// Most entries that are read. The groups of any operator are smaller.
pub const ENTRIES_MAX: usize = 512;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:resource-lists";
const COPY_CONTROL_NAMESPACE: &str = "urn:ietf:params:xml:ns:copycontrol";

/// One addressee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// As it was written: `sip:+8613800000002@hongyan.local`, `tel:+8613800000002`.
    pub uri: String,
    /// Absent when the list has none; then the entry is an addressee like any other.
    pub copy_control: Option<CopyControl>,
    /// The name that the sender knows it by.
    pub display_name: Option<String>,
}

/// What an addressee is, as in electronic mail (RFC 5364 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyControl {
    /// Meant.
    To,
    /// Informed.
    Cc,
    /// Informed without the others' knowledge.
    Bcc,
}

impl CopyControl {
    fn as_str(self) -> &'static str {
        match self {
            Self::To => "to",
            Self::Cc => "cc",
            Self::Bcc => "bcc",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::To, Self::Cc, Self::Bcc].into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text))
    }
}

impl Recipient {
    /// An addressee with nothing but a URI.
    pub fn new(uri: impl Into<String>) -> Self {
        Self { uri: uri.into(), copy_control: None, display_name: None }
    }
}

/// The entries of all lists in a document, nested ones too, in their order; repeats are kept. References to other documents are
/// passed over, since nobody here follows them.
pub fn parse(document: &[u8]) -> Result<Vec<Recipient>, XmlError> {
    let root = Element::parse(document, "resource-lists")?;
    let mut recipients = Vec::new();
    for list in root.children().iter().filter(|child| child.name() == "list") {
        collect(list, &mut recipients)?;
    }
    Ok(recipients)
}

/// The document with all of them in one list.
pub fn write(recipients: &[Recipient]) -> String {
    let mut xml = Writer::new();
    xml.open("resource-lists", &[("xmlns", NAMESPACE), ("xmlns:cp", COPY_CONTROL_NAMESPACE)])
        .open("list", &[]);
    for recipient in recipients {
        let mut attributes = vec![("uri", recipient.uri.as_str())];
        attributes.extend(recipient.copy_control.map(|control| ("cp:copyControl", control.as_str())));
        match &recipient.display_name {
            Some(name) => xml.open("entry", &attributes).text("display-name", &[], name).close(),
            None => xml.empty("entry", &attributes),
        };
    }
    xml.finish()
}

fn collect(list: &Element, recipients: &mut Vec<Recipient>) -> Result<(), XmlError> {
    for child in list.children() {
        match child.name() {
            "entry" if recipients.len() == ENTRIES_MAX => return Err(XmlError::TooMany("entries")),
            "entry" => {
                let uri = child.attribute("uri").map(str::trim).filter(|uri| !uri.is_empty());
                recipients.push(Recipient {
                    uri: uri.ok_or(XmlError::Missing("uri"))?.to_owned(),
                    copy_control: child.attribute("copyControl").and_then(CopyControl::of),
                    display_name: child.child_text("display-name").map(str::to_owned),
                });
            }
            "list" => collect(child, recipients)?,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_as_handsets_send_it_reads_and_is_written() {
        let expected = [
            Recipient { copy_control: Some(CopyControl::To), ..Recipient::new("tel:+8613800000002") },
            Recipient {
                copy_control: Some(CopyControl::Cc),
                display_name: Some("李雷 & Co".to_owned()),
                ..Recipient::new("sip:+8613800000003@hongyan.local;user=phone")
            },
        ];
        let document = include_bytes!("../../../fixtures/rcs/resource-list/copy-control.xml");
        assert_eq!(parse(document).unwrap(), expected);
        let written = include_str!("../../../fixtures/rcs/resource-list/copy-control.written.xml");
        assert_eq!(write(&expected), written);
    }

    #[test]
    fn a_list_as_liblinphone_sends_it_reads() {
        let document = include_bytes!("../../../fixtures/rcs/resource-list/liblinphone.xml");
        let uris: Vec<_> = parse(document).unwrap().into_iter().map(|recipient| recipient.uri).collect();
        assert_eq!(uris, ["sip:+8613800000002@hongyan.local", "sip:+8613800000003@hongyan.local"]);
    }

    #[test]
    fn nested_lists_count_and_references_do_not() {
        let document = b"<r:resource-lists xmlns:r='u'><list><entry-ref ref='x'/><list><entry uri='a:1'/></list>\
            <external anchor='http://x'/><entry uri=' a:2 ' copyControl='BCC'/></list><list/></r:resource-lists>";
        let found = parse(document).unwrap();
        assert_eq!(found[0], Recipient::new("a:1"));
        assert_eq!((found[1].uri.as_str(), found[1].copy_control), ("a:2", Some(CopyControl::Bcc)));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_is_no_list_of_addressees_is_refused() {
        let refuse = |xml: &str| parse(xml.as_bytes()).unwrap_err();
        assert!(matches!(refuse("<list/>"), XmlError::Root { .. }));
        assert_eq!(
            refuse("<resource-lists><list><entry/></list></resource-lists>"),
            XmlError::Missing("uri")
        );
        let many = "<entry uri='a:b'/>".repeat(ENTRIES_MAX + 1);
        let many = format!("<resource-lists><list>{many}</list></resource-lists>");
        assert_eq!(refuse(&many), XmlError::TooMany("entries"));
    }

    proptest! {
        #[test]
        fn written_lists_read_back(
            entries in proptest::collection::vec(("[!-~]{1,40}", 0..4, proptest::option::of("[!-~][ -~é鸿]{0,20}[!-~]")), 0..20),
        ) {
            let controls = [None, Some(CopyControl::To), Some(CopyControl::Cc), Some(CopyControl::Bcc)];
            let recipients: Vec<_> = entries
                .into_iter()
                .map(|(uri, control, display_name)| Recipient { uri, copy_control: controls[control as usize], display_name })
                .collect();
            prop_assert_eq!(parse(write(&recipients).as_bytes()), Ok(recipients));
        }
    }
}
