//! Which devices a subscriber has: `application/reginfo+xml` (RFC 3680), the body of NOTIFY in the registration event package,
//! with the GRUUs of RFC 5628.
//!
//! A full document has every contact of a registration; a partial one those that have changed. Versions begin at 0 in each
//! subscription and rise by one, so that a watcher notices when one is missing and subscribes anew.

use crate::xml::{Element, Writer, XmlError, bounded, known, word};

/// The media type.
pub const CONTENT_TYPE: &str = "application/reginfo+xml";

/// The name of the event package (RFC 3680 §4.1).
pub const EVENT: &str = "reg";

/// Most registrations that are read, and most contacts of one.
pub const ITEMS_MAX: usize = 64;

/// Most unknown parameters of a contact.
pub const PARAMS_MAX: usize = 64;

/// Longest URI, id or parameter that is read, in bytes.
pub const TEXT_BYTES_MAX: usize = 4096;

const NAMESPACE: &str = "urn:ietf:params:xml:ns:reginfo";
const GRUU_NAMESPACE: &str = "urn:ietf:params:xml:ns:gruuinfo";

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistrationInfo {
    /// Rises by one with every document of a subscription.
    pub version: u32,
    /// Whether `registrations` are all there are and whole, or only what has changed.
    pub is_full: bool,
    /// One for each address-of-record.
    pub registrations: Vec<Registration>,
}

/// The contacts of one address-of-record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The address-of-record, a URI.
    pub aor: String,
    /// Names it within the subscription.
    pub id: String,
    /// Whether there is a contact.
    pub state: State,
    /// Contacts, or those that have changed.
    pub contacts: Vec<Contact>,
}

/// How an address-of-record stands (RFC 3680 §4.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing is registered, and nothing has gone just now.
    Init,
    /// There are contacts.
    Active,
    /// The last contact has gone just now.
    Terminated,
}

/// A registered contact, or one that has just gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// Names it within the registration.
    pub id: String,
    /// Whether it is registered; otherwise it has gone.
    pub is_active: bool,
    /// What happened to it last.
    pub event: Event,
    /// The Contact URI.
    pub uri: String,
    /// Seconds that are left of it.
    pub expires_s: Option<u32>,
    /// Call-ID of the REGISTER that it comes from.
    pub call_id: Option<String>,
    /// Its CSeq.
    pub cseq: Option<u32>,
    /// Parameters of the Contact, `+sip.instance` and feature tags among them: name, and value with its quotes (empty: none).
    pub params: Vec<(String, String)>,
    /// The public GRUU (RFC 5628).
    pub public_gruu: Option<String>,
    /// The newest temporary GRUU, and the CSeq of the REGISTER that the oldest one still good was given out for.
    pub temporary_gruu: Option<(String, u32)>,
}

/// What happened to a contact (RFC 3680 §4.5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Event {
    /// A REGISTER added it.
    #[default]
    Registered,
    /// Somebody other than the device added it.
    Created,
    /// A REGISTER gave it more time.
    Refreshed,
    /// It was given less time, so that the device registers soon.
    Shortened,
    /// Its time ran out.
    Expired,
    /// The network let it go; the device is to register anew at once.
    Deactivated,
    /// The network let it go; the device is to register later.
    Probation,
    /// A REGISTER removed it.
    Unregistered,
    /// The subscriber is not served any more.
    Rejected,
}

impl Event {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Registered, "registered"),
        (Self::Created, "created"),
        (Self::Refreshed, "refreshed"),
        (Self::Shortened, "shortened"),
        (Self::Expired, "expired"),
        (Self::Deactivated, "deactivated"),
        (Self::Probation, "probation"),
        (Self::Unregistered, "unregistered"),
        (Self::Rejected, "rejected"),
    ];
}

impl State {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Init, "init"), (Self::Active, "active"), (Self::Terminated, "terminated")];
}

impl RegistrationInfo {
    /// Reads a document. Numbers that are none count as absent.
    ///
    /// # Errors
    /// What RFC 3680 §5.1 requires is missing or unknown, or a ceiling is exceeded.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, "reginfo")?;
        let version = root.attribute("version").ok_or(XmlError::Missing("version"))?;
        Ok(Self {
            version: version.trim().parse().map_err(|_| XmlError::Invalid("version"))?,
            is_full: match root.attribute("state") {
                Some("full") => true,
                Some("partial") => false,
                Some(_) => return Err(XmlError::Invalid("state")),
                None => return Err(XmlError::Missing("state")),
            },
            registrations: items(&root, "registration", ITEMS_MAX)?
                .into_iter()
                .map(registration)
                .collect::<Result<_, _>>()?,
        })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let version = self.version.to_string();
        let mut attributes = vec![("xmlns", NAMESPACE)];
        let has_gruu = |contact: &Contact| contact.public_gruu.is_some() || contact.temporary_gruu.is_some();
        if self.registrations.iter().flat_map(|registration| &registration.contacts).any(has_gruu) {
            attributes.push(("xmlns:gr", GRUU_NAMESPACE));
        }
        attributes.extend([
            ("version", version.as_str()),
            ("state", if self.is_full { "full" } else { "partial" }),
        ]);
        let mut xml = Writer::new();
        xml.open("reginfo", &attributes);
        for registration in &self.registrations {
            let state = word(&State::ALL, registration.state);
            let attributes = [("aor", registration.aor.as_str()), ("id", &registration.id), ("state", state)];
            if registration.contacts.is_empty() {
                xml.empty("registration", &attributes);
                continue;
            }
            xml.open("registration", &attributes);
            registration.contacts.iter().for_each(|contact| contact.write(&mut xml));
            xml.close();
        }
        xml.finish()
    }
}

impl Contact {
    fn write(&self, xml: &mut Writer) {
        let (expires, cseq) =
            (self.expires_s.map(|left| left.to_string()), self.cseq.map(|cseq| cseq.to_string()));
        let mut attributes = vec![
            ("id", self.id.as_str()),
            ("state", if self.is_active { "active" } else { "terminated" }),
            ("event", word(&Event::ALL, self.event)),
        ];
        attributes.extend(expires.as_deref().map(|expires| ("expires", expires)));
        attributes.extend(self.call_id.as_deref().map(|call_id| ("callid", call_id)));
        attributes.extend(cseq.as_deref().map(|cseq| ("cseq", cseq)));
        xml.open("contact", &attributes).text("uri", &[], &self.uri);
        for (name, value) in &self.params {
            xml.text("unknown-param", &[("name", name)], value);
        }
        if let Some(uri) = &self.public_gruu {
            xml.empty("gr:pub-gruu", &[("uri", uri)]);
        }
        if let Some((uri, first_cseq)) = &self.temporary_gruu {
            xml.empty("gr:temp-gruu", &[("uri", uri), ("first-cseq", &first_cseq.to_string())]);
        }
        xml.close();
    }
}

fn registration(element: &Element) -> Result<Registration, XmlError> {
    Ok(Registration {
        aor: attribute(element, "aor")?,
        id: attribute(element, "id")?,
        state: word_in(element, &State::ALL, "state")?,
        contacts: items(element, "contact", ITEMS_MAX)?.into_iter().map(contact).collect::<Result<_, _>>()?,
    })
}

fn contact(element: &Element) -> Result<Contact, XmlError> {
    let number = |name: &str| element.attribute(name)?.trim().parse().ok();
    let params = items(element, "unknown-param", PARAMS_MAX)?.into_iter();
    let params = params.map(|param| {
        Ok((attribute(param, "name")?, bounded(param.text(), "unknown-param", TEXT_BYTES_MAX)?))
    });
    let gruu = |name| element.child(name).map(|gruu| attribute(gruu, "uri").map(|uri| (gruu, uri)));
    let temporary = gruu("temp-gruu").transpose()?.and_then(|(gruu, uri)| {
        let first_cseq = gruu.attribute("first-cseq")?.trim().parse().ok()?;
        Some((uri, first_cseq))
    });
    Ok(Contact {
        id: attribute(element, "id")?,
        is_active: match element.attribute("state") {
            Some("active") => true,
            Some("terminated") => false,
            _ => return Err(XmlError::Invalid("state")),
        },
        event: word_in(element, &Event::ALL, "event")?,
        uri: bounded(element.required_text("uri")?, "uri", TEXT_BYTES_MAX)?,
        expires_s: number("expires"),
        call_id: element
            .attribute("callid")
            .map(|text| bounded(text, "callid", TEXT_BYTES_MAX))
            .transpose()?,
        cseq: number("cseq"),
        params: params.collect::<Result<_, _>>()?,
        public_gruu: gruu("pub-gruu").transpose()?.map(|(_, uri)| uri),
        temporary_gruu: temporary,
    })
}

/// The elements of this name directly in one, no more than there may be.
fn items<'e>(element: &'e Element, name: &'static str, max: usize) -> Result<Vec<&'e Element>, XmlError> {
    let items: Vec<&Element> = element.children().iter().filter(|child| child.name() == name).collect();
    if items.len() > max { Err(XmlError::TooMany(name)) } else { Ok(items) }
}

fn attribute(element: &Element, name: &'static str) -> Result<String, XmlError> {
    element.required_attribute(name, TEXT_BYTES_MAX)
}

/// What the word in an attribute stands for; it must be there and be known.
fn word_in<T: Copy>(
    element: &Element,
    words: &[(T, &'static str)],
    name: &'static str,
) -> Result<T, XmlError> {
    let text = element.attribute(name).ok_or(XmlError::Missing(name))?;
    known(words, text).ok_or(XmlError::Invalid(name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phone() -> Contact {
        Contact {
            id: "6f2a".to_owned(),
            is_active: true,
            event: Event::Registered,
            uri: "sip:+8613800000001@192.0.2.1:5060;transport=tcp".to_owned(),
            expires_s: Some(3600),
            call_id: Some("r1@192.0.2.1".to_owned()),
            cseq: Some(2),
            params: vec![
                (
                    "+sip.instance".to_owned(),
                    "\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"".to_owned(),
                ),
                ("+g.oma.sip-im".to_owned(), String::new()),
            ],
            public_gruu: Some(
                "sip:+8613800000001@hongyan.local;gr=urn:uuid:00000000-0000-4000-8000-000000000001"
                    .to_owned(),
            ),
            temporary_gruu: Some(("sip:t-7f3a@hongyan.local;gr".to_owned(), 2)),
        }
    }

    fn document(is_full: bool, contacts: Vec<Contact>) -> RegistrationInfo {
        let registration = Registration {
            aor: "sip:+8613800000001@hongyan.local;user=phone".to_owned(),
            id: "a7".to_owned(),
            state: State::Active,
            contacts,
        };
        RegistrationInfo { version: 0, is_full, registrations: vec![registration] }
    }

    #[test]
    fn a_full_document_reads_and_is_written() {
        let read = include_bytes!("../../../fixtures/rcs/registration-info/full.xml");
        assert_eq!(RegistrationInfo::parse(read), Ok(document(true, vec![phone()])));
        let written = include_str!("../../../fixtures/rcs/registration-info/full.written.xml");
        assert_eq!(document(true, vec![phone()]).to_xml(), written);
    }

    #[test]
    fn a_partial_document_with_prefixes_and_more_than_is_kept_reads() {
        let read = include_bytes!("../../../fixtures/rcs/registration-info/partial.xml");
        let info = RegistrationInfo::parse(read).unwrap();
        assert_eq!((info.version, info.is_full, info.registrations.len()), (1, false, 1));
        let contacts = &info.registrations[0].contacts;
        assert_eq!((contacts[0].is_active, contacts[0].event), (false, Event::Expired));
        assert_eq!(
            (contacts[1].event, contacts[1].cseq, contacts[1].expires_s),
            (Event::Registered, Some(1), None)
        );
        assert_eq!(contacts[1].params, [("+sip.instance".to_owned(), "\"<urn:uuid:1>\"".to_owned())]);
    }

    #[test]
    fn what_is_no_registration_info_is_refused() {
        let refuse = |xml: &str| RegistrationInfo::parse(xml.as_bytes()).unwrap_err();
        assert_eq!(refuse("<reginfo/>"), XmlError::Missing("version"));
        assert_eq!(refuse("<reginfo version='-1' state='full'/>"), XmlError::Invalid("version"));
        assert_eq!(refuse("<reginfo version='1' state='half'/>"), XmlError::Invalid("state"));
        let many = "<registration aor='a:b' id='a' state='init'/>".repeat(ITEMS_MAX + 1);
        let many = format!("<reginfo version='1' state='full'>{many}</reginfo>");
        assert_eq!(refuse(&many), XmlError::TooMany("registration"));
        let odd = "<reginfo version='1' state='full'><registration aor='a:b' id='a' state='active'>\
                   <contact id='c' state='active' event='vanished'><uri>a:b</uri></contact></registration></reginfo>";
        assert_eq!(refuse(odd), XmlError::Invalid("event"));
    }

    fn text() -> impl Strategy<Value = String> {
        "[!-~鸿]{1,20}"
    }

    fn contacts() -> impl Strategy<Value = Vec<Contact>> {
        let contact = (
            (text(), any::<bool>(), 0usize..9, text()),
            any::<(Option<u32>, Option<u32>)>(),
            proptest::option::of(text()),
            proptest::collection::vec((text(), "[!-~]{0,10}"), 0..4),
            proptest::option::of(text()),
            proptest::option::of((text(), any::<u32>())),
        );
        let contact = contact.prop_map(|(first, numbers, call_id, params, public_gruu, temporary_gruu)| {
            let ((id, is_active, event, uri), (expires_s, cseq)) = (first, numbers);
            let event = Event::ALL[event].0;
            Contact {
                id,
                is_active,
                event,
                uri,
                expires_s,
                call_id,
                cseq,
                params,
                public_gruu,
                temporary_gruu,
            }
        });
        proptest::collection::vec(contact, 0..5)
    }

    proptest! {
        #[test]
        fn written_documents_read_back(
            version in any::<u32>(),
            is_full in any::<bool>(),
            state in 0usize..3,
            contacts in contacts(),
        ) {
            let mut info = document(is_full, contacts);
            (info.version, info.registrations[0].state) = (version, State::ALL[state].0);
            prop_assert_eq!(RegistrationInfo::parse(info.to_xml().as_bytes()), Ok(info));
        }
    }
}
