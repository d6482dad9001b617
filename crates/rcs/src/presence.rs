//! What somebody can take, as presence: `application/pidf+xml` (RFC 3863) with the service descriptions of OMA Presence, the body
//! of NOTIFY in the presence event package (RFC 3856) and RCC.07's other way to ask for capabilities.
//!
//! Each service is a tuple with a name and a version. [`services`] says which ones follow from a device's feature tags.

use crate::Timestamp;
use crate::capability::{Capabilities, Capability};
use crate::xml::{Element, Writer, XmlError, bounded};

/// The media type.
pub const CONTENT_TYPE: &str = "application/pidf+xml";

/// The name of the event package (RFC 3856 §6.1).
pub const EVENT: &str = "presence";

/// Most tuples that are read.
pub const TUPLES_MAX: usize = 128;

/// Longest text that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:pidf";
const OMA_NAMESPACE: &str = "urn:oma:xml:prs:pidf:oma-pres";

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Whom it is about, a URI.
    pub entity: String,
    /// What is known of them; none when that is nothing.
    pub tuples: Vec<Tuple>,
}

/// One thing that is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tuple {
    /// Names it within the document.
    pub id: String,
    /// Whether the service can be used; absent where nothing is said.
    pub is_open: Option<bool>,
    /// The service that it is about.
    pub service: Option<Service>,
    /// Where to.
    pub contact: Option<String>,
    /// Since when it is known.
    pub timestamp: Option<Timestamp>,
}

/// A service as OMA Presence names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// Its id: `org.openmobilealliance:ChatSession`.
    pub id: String,
    /// Its version: `2.0`.
    pub version: String,
}

impl Service {
    fn new(id: &str, version: &str) -> Self {
        Self { id: id.to_owned(), version: version.to_owned() }
    }
}

/// The services that follow from feature tags (RCC.07 capability discovery).
pub fn services(capabilities: &Capabilities) -> Vec<Service> {
    // What the second version of cards and suggestions makes of the services that carry them.
    let bot = if capabilities.has(Capability::BotVersion2) { "2.0" } else { "1.0" };
    let mut services: Vec<Service> = Vec::new();
    for capability in capabilities.iter() {
        let (_, urn) = capability.tag_and_value();
        let service = match capability {
            Capability::CpmMessage | Capability::CpmLargeMessage => {
                Service::new("org.openmobilealliance:StandaloneMsg", "2.0")
            }
            Capability::CpmSession => Service::new("org.openmobilealliance:ChatSession", "2.0"),
            Capability::LegacyChat | Capability::SipIm => {
                Service::new("org.openmobilealliance:IM-session", "1.0")
            }
            Capability::CpmFileTransfer => Service::new("org.openmobilealliance:File-Transfer", "1.0"),
            Capability::FileTransferHttp => Service::new("org.openmobilealliance:File-Transfer-HTTP", "1.0"),
            Capability::IsBot => Service::new("org.gsma.rcs.isbot", "1.0"),
            Capability::ChatbotSession | Capability::ChatbotStandalone => {
                Service::new(&format!("org.3gpp.{urn}"), bot)
            }
            Capability::CallComposer => Service::new(&format!("org.3gpp.{urn}"), "2.0"),
            Capability::CallUnanswered
            | Capability::SharedMap
            | Capability::SharedSketch
            | Capability::FileTransferSms
            | Capability::GeolocationPush
            | Capability::GeolocationPull
            | Capability::GeolocationSms
            | Capability::FullStoreForwardGroupChat
            | Capability::DiscoveryPresence => Service::new(&format!("org.3gpp.{urn}"), "1.0"),
            // Properties of these services, or nothing that presence names.
            Capability::FileTransferThumbnail
            | Capability::FileTransferStoreForward
            | Capability::BotVersion1
            | Capability::BotVersion2
            | Capability::MessageRevoke
            | Capability::Automata
            | Capability::IsFocus
            | Capability::SmsOverIp
            | Capability::Video => continue,
        };
        if !services.contains(&service) {
            services.push(service);
        }
    }
    services
}

impl Presence {
    /// What follows from feature tags; `None` when nothing is known at the moment.
    pub fn of(entity: &str, capabilities: Option<&Capabilities>, at: Timestamp) -> Self {
        let services = capabilities.map(services).unwrap_or_default();
        let tuples = services.into_iter().enumerate().map(|(place, service)| Tuple {
            id: format!("s{place}"),
            is_open: Some(true),
            service: Some(service),
            contact: Some(entity.to_owned()),
            timestamp: Some(at),
        });
        Self { entity: entity.to_owned(), tuples: tuples.collect() }
    }

    /// Reads a document. Values that are none count as absent.
    ///
    /// # Errors
    /// What RFC 3863 §4.1 requires is missing, or a ceiling is exceeded.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, "presence")?;
        let mut tuples = Vec::new();
        for element in root.children().iter().filter(|child| child.name() == "tuple") {
            if tuples.len() == TUPLES_MAX {
                return Err(XmlError::TooMany("tuples"));
            }
            tuples.push(tuple(element)?);
        }
        Ok(Self { entity: root.required_attribute("entity", TEXT_BYTES_MAX)?, tuples })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        let attributes = [("xmlns", NAMESPACE), ("xmlns:op", OMA_NAMESPACE), ("entity", &self.entity)];
        if self.tuples.is_empty() {
            xml.empty("presence", &attributes);
            return xml.finish();
        }
        xml.open("presence", &attributes);
        for tuple in &self.tuples {
            xml.open("tuple", &[("id", &tuple.id)]);
            match tuple.is_open {
                Some(is_open) => {
                    let basic = if is_open { "open" } else { "closed" };
                    xml.open("status", &[]).text("basic", &[], basic).close();
                }
                None => drop(xml.empty("status", &[])),
            }
            if let Some(service) = &tuple.service {
                xml.open("op:service-description", &[])
                    .text("op:service-id", &[], &service.id)
                    .text("op:version", &[], &service.version)
                    .close();
            }
            if let Some(contact) = &tuple.contact {
                xml.text("contact", &[], contact);
            }
            if let Some(timestamp) = tuple.timestamp {
                xml.text("timestamp", &[], &timestamp.rfc3339());
            }
            xml.close();
        }
        xml.finish()
    }
}

fn tuple(element: &Element) -> Result<Tuple, XmlError> {
    let is_open = match element.child("status").and_then(|status| status.child_text("basic")) {
        Some("open") => Some(true),
        Some("closed") => Some(false),
        _ => None,
    };
    let service = element.child("service-description");
    let service = service.and_then(|service| {
        Some((service.child_text("service-id")?, service.child_text("version").unwrap_or("1.0")))
    });
    let service = service.map(|(id, version)| {
        Ok(Service {
            id: bounded(id, "service-id", TEXT_BYTES_MAX)?,
            version: bounded(version, "version", TEXT_BYTES_MAX)?,
        })
    });
    Ok(Tuple {
        id: element.required_attribute("id", TEXT_BYTES_MAX)?,
        is_open,
        service: service.transpose()?,
        contact: element
            .child_text("contact")
            .map(|text| bounded(text, "contact", TEXT_BYTES_MAX))
            .transpose()?,
        timestamp: element.child_text("timestamp").and_then(|text| Timestamp::parse_rfc3339(text).ok()),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HANDSET: &str = include_str!("../../../fixtures/rcs/capability/handset.contact");

    #[test]
    fn the_services_of_a_handset_are_written_and_read_back() {
        let capabilities = Capabilities::parse(HANDSET.trim());
        let at = Timestamp::parse_rfc3339("2026-11-24T08:00:00Z").unwrap();
        let presence = Presence::of("sip:+8613800000001@hongyan.local;user=phone", Some(&capabilities), at);
        let written = include_str!("../../../fixtures/rcs/presence/handset.written.xml");
        assert_eq!(presence.to_xml(), written);
        assert_eq!(Presence::parse(written.as_bytes()), Ok(presence));
    }

    #[test]
    fn a_document_of_an_android_handset_reads() {
        let presence = Presence::parse(include_bytes!("../../../fixtures/rcs/presence/handset.xml")).unwrap();
        assert_eq!(presence.entity, "tel:+8613800000001");
        let open: Vec<_> = presence.tuples.iter().filter(|tuple| tuple.is_open == Some(true)).collect();
        let ids: Vec<&str> =
            open.iter().filter_map(|tuple| Some(tuple.service.as_ref()?.id.as_str())).collect();
        assert_eq!(ids, ["org.openmobilealliance:ChatSession", "org.openmobilealliance:File-Transfer-HTTP"]);
        assert_eq!(presence.tuples.len(), 3);
    }

    #[test]
    fn every_capability_of_a_service_has_its_name_once() {
        let all: Capabilities = Capability::ALL.iter().copied().collect();
        let mut found = services(&all);
        let count = found.len();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), count);
        let chatbot = found.iter().find(|service| service.id.ends_with("rcs.chatbot")).unwrap();
        assert_eq!(
            (chatbot.id.as_str(), chatbot.version.as_str()),
            ("org.3gpp.urn:urn-7:3gpp-application.ims.iari.rcs.chatbot", "2.0")
        );
        assert!(services(&Capabilities::NONE).is_empty());
    }

    #[test]
    fn what_is_no_presence_is_refused() {
        let refuse = |xml: &str| Presence::parse(xml.as_bytes()).unwrap_err();
        assert_eq!(refuse("<presence/>"), XmlError::Missing("entity"));
        assert_eq!(refuse("<presence entity='a:b'><tuple/></presence>"), XmlError::Missing("id"));
        let many = format!("<presence entity='a:b'>{}</presence>", "<tuple id='a'/>".repeat(TUPLES_MAX + 1));
        assert_eq!(refuse(&many), XmlError::TooMany("tuples"));
        let long = format!("<presence entity='{}'/>", "a".repeat(TEXT_BYTES_MAX + 1));
        assert_eq!(refuse(&long), XmlError::Invalid("entity"));
    }

    proptest! {
        #[test]
        fn written_documents_read_back(
            entity in "[!-~]{1,20}",
            tuples in proptest::collection::vec(
                (
                    "[!-~]{1,8}",
                    any::<Option<bool>>(),
                    proptest::option::of(("[!-~鸿]{1,20}", "[0-9.]{1,4}")),
                    proptest::option::of("[!-~]{1,20}"),
                    proptest::option::of(0..Timestamp::MAX.as_millis()),
                ),
                0..6,
            ),
        ) {
            let tuples = tuples.into_iter().map(|(id, is_open, service, contact, at)| Tuple {
                id,
                is_open,
                service: service.map(|(id, version)| Service { id, version }),
                contact,
                timestamp: at.map(Timestamp::from_millis),
            });
            let presence = Presence { entity, tuples: tuples.collect() };
            prop_assert_eq!(Presence::parse(presence.to_xml().as_bytes()), Ok(presence));
        }
    }
}
