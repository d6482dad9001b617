//! Reports on messages: `message/imdn+xml` (RFC 5438 §7).
//!
//! ```text
//! <imdn xmlns="urn:ietf:params:xml:ns:imdn">
//!   <message-id>Msg34jk324j</message-id>
//!   <datetime>2026-11-23T11:33:38.000Z</datetime>
//!   <delivery-notification><status><delivered/></status></delivery-notification>
//! </imdn>
//! ```

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::xml::{Element, Writer, XmlError};

/// The media type of a report.
pub const CONTENT_TYPE: &str = "message/imdn+xml";

const NAMESPACE: &str = "urn:ietf:params:xml:ns:imdn";

/// Of the interworking notification. Read by local name, whatever the namespace.
const INTERWORKING_NAMESPACE: &str = "urn:oma:xml:cpm:imdn-extensions:1.0";

/// Longest id and URI that a report may name.
const VALUE_BYTES_MAX: usize = 512;

/// What became of a message at one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imdn {
    /// The Message-ID that the report is about; for a message without CPIM its SIP Call-ID.
    pub message_id: String,
    /// DateTime of that message; absent if the sender left it out or wrote no date.
    pub date_time: Option<Timestamp>,
    /// Who the report is about, a URI; often absent.
    pub recipient_uri: Option<String>,
    /// Who the message was first addressed to, a URI; often absent.
    pub original_recipient_uri: Option<String>,
    /// What became of it.
    pub disposition: Disposition,
}

/// The class of a notification and the status in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Disposition {
    /// Delivery notification: it is on the device.
    Delivered,
    /// Delivery notification: it will not be delivered.
    Failed,
    /// Delivery notification: the recipient gives no such reports.
    DeliveryForbidden,
    /// Delivery notification: nobody knows.
    DeliveryError,
    /// Processing notification: it went through a server.
    Processed,
    /// Processing notification: it waits in a server.
    Stored,
    /// Processing notification: the server gives no such reports.
    ProcessingForbidden,
    /// Processing notification: nobody knows.
    ProcessingError,
    /// Display notification: it was on the screen, and so was delivered.
    Displayed,
    /// Display notification: the recipient gives no such reports.
    DisplayForbidden,
    /// Display notification: nobody knows.
    DisplayError,
    /// Interworking notification: it went on as SMS.
    InterworkedSms,
    /// Interworking notification: it went on as MMS.
    InterworkedMms,
    /// Interworking notification: the server gives no such reports.
    InterworkingForbidden,
    /// Interworking notification: it could not go on.
    InterworkingError,
}

impl Disposition {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Delivered,
        Self::Failed,
        Self::DeliveryForbidden,
        Self::DeliveryError,
        Self::Processed,
        Self::Stored,
        Self::ProcessingForbidden,
        Self::ProcessingError,
        Self::Displayed,
        Self::DisplayForbidden,
        Self::DisplayError,
        Self::InterworkedSms,
        Self::InterworkedMms,
        Self::InterworkingForbidden,
        Self::InterworkingError,
    ];

    /// The local names of the notification element and of the status element in it.
    pub fn elements(self) -> (&'static str, &'static str) {
        const DELIVERY: &str = "delivery-notification";
        const PROCESSING: &str = "processing-notification";
        const DISPLAY: &str = "display-notification";
        const INTERWORKING: &str = "interworking-notification";
        match self {
            Self::Delivered => (DELIVERY, "delivered"),
            Self::Failed => (DELIVERY, "failed"),
            Self::DeliveryForbidden => (DELIVERY, "forbidden"),
            Self::DeliveryError => (DELIVERY, "error"),
            Self::Processed => (PROCESSING, "processed"),
            Self::Stored => (PROCESSING, "stored"),
            Self::ProcessingForbidden => (PROCESSING, "forbidden"),
            Self::ProcessingError => (PROCESSING, "error"),
            Self::Displayed => (DISPLAY, "displayed"),
            Self::DisplayForbidden => (DISPLAY, "forbidden"),
            Self::DisplayError => (DISPLAY, "error"),
            Self::InterworkedSms => (INTERWORKING, "interworked-sms"),
            Self::InterworkedMms => (INTERWORKING, "interworked-mms"),
            Self::InterworkingForbidden => (INTERWORKING, "forbidden"),
            Self::InterworkingError => (INTERWORKING, "error"),
        }
    }
}

impl Imdn {
    /// A report with nothing but the id and the disposition.
    pub fn new(message_id: &str, disposition: Disposition) -> Self {
        Self {
            message_id: message_id.to_owned(),
            date_time: None,
            recipient_uri: None,
            original_recipient_uri: None,
            disposition,
        }
    }

    /// Reads a report. If it holds several notifications, the first that is known counts.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, "imdn")?;
        let message_id = root.required_text("message-id")?;
        if message_id.len() > VALUE_BYTES_MAX {
            return Err(XmlError::Invalid("message-id"));
        }
        Ok(Self {
            message_id: message_id.to_owned(),
            date_time: root.child_text("datetime").and_then(|text| Timestamp::parse_rfc3339(text).ok()),
            recipient_uri: uri(&root, "recipient-uri")?,
            original_recipient_uri: uri(&root, "original-recipient-uri")?,
            disposition: disposition(&root)?,
        })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let (notification, status) = self.disposition.elements();
        let mut xml = Writer::new();
        xml.open("imdn", &[("xmlns", NAMESPACE)]).text("message-id", &[], &self.message_id);
        if let Some(time) = self.date_time {
            xml.text("datetime", &[], &time.rfc3339());
        }
        if let Some(uri) = &self.recipient_uri {
            xml.text("recipient-uri", &[], uri);
        }
        if let Some(uri) = &self.original_recipient_uri {
            xml.text("original-recipient-uri", &[], uri);
        }
        match notification {
            "interworking-notification" => xml.open(notification, &[("xmlns", INTERWORKING_NAMESPACE)]),
            _ => xml.open(notification, &[]),
        };
        xml.open("status", &[]).empty(status, &[]);
        xml.finish()
    }
}

fn uri(root: &Element, name: &'static str) -> Result<Option<String>, XmlError> {
    match root.child_text(name) {
        Some(uri) if uri.len() > VALUE_BYTES_MAX => Err(XmlError::Invalid(name)),
        uri => Ok(uri.map(str::to_owned)),
    }
}

fn disposition(root: &Element) -> Result<Disposition, XmlError> {
    let known = |notification: &Element| {
        let status = notification.child("status")?.children().first()?;
        let names = (notification.name(), status.name());
        Disposition::ALL.into_iter().find(|disposition| disposition.elements() == names)
    };
    if let Some(disposition) = root.children().iter().find_map(known) {
        return Ok(disposition);
    }
    let has_notification = root.children().iter().any(|child| child.name().ends_with("-notification"));
    Err(if has_notification { XmlError::Invalid("status") } else { XmlError::Missing("notification") })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_report_of_the_reference_reads_and_is_written() {
        let expected = Imdn {
            date_time: Some(Timestamp::parse_rfc3339("2026-11-23T11:33:38Z").unwrap()),
            recipient_uri: Some("tel:+8613800000002".to_owned()),
            original_recipient_uri: Some("tel:+8613800000002".to_owned()),
            ..Imdn::new("Msg34jk324j", Disposition::Delivered)
        };
        let document = include_bytes!("../../../fixtures/rcs/imdn/delivered.xml");
        assert_eq!(Imdn::parse(document), Ok(expected.clone()));
        let written = include_str!("../../../fixtures/rcs/imdn/delivered.written.xml");
        assert_eq!(expected.to_xml(), written);
    }

    #[test]
    fn prefixes_do_not_matter() {
        let document = include_bytes!("../../../fixtures/rcs/imdn/displayed-prefixed.xml");
        let imdn = Imdn::parse(document).unwrap();
        assert_eq!((imdn.message_id.as_str(), imdn.disposition), ("a~b&c", Disposition::Displayed));
        let document = include_bytes!("../../../fixtures/rcs/imdn/interworked-sms.xml");
        assert_eq!(Imdn::parse(document).unwrap().disposition, Disposition::InterworkedSms);
    }

    #[test]
    fn every_disposition_reads_back() {
        for disposition in Disposition::ALL {
            let imdn = Imdn::new("id", disposition);
            assert_eq!(Imdn::parse(imdn.to_xml().as_bytes()), Ok(imdn));
        }
    }

    #[test]
    fn what_reports_on_nothing_is_refused() {
        let refuse = |xml: &str| Imdn::parse(xml.as_bytes()).unwrap_err();
        assert_eq!(refuse("<imdn><message-id/></imdn>"), XmlError::Missing("message-id"));
        assert_eq!(refuse("<imdn><message-id>a</message-id></imdn>"), XmlError::Missing("notification"));
        let unknown = "<imdn><message-id>a</message-id><display-notification><status><delivered/></status>\
                       </display-notification></imdn>";
        assert_eq!(refuse(unknown), XmlError::Invalid("status"));
        assert!(matches!(refuse("<isComposing/>"), XmlError::Root { .. }));
    }

    #[test]
    fn no_prefix_of_a_report_passes_for_one() {
        let document = include_bytes!("../../../fixtures/rcs/imdn/delivered.xml").trim_ascii_end();
        for end in 0..document.len() {
            assert!(Imdn::parse(&document[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn written_reports_read_back(
            message_id in "[!-~]{1,64}",
            millis in proptest::option::of(0..Timestamp::MAX.as_millis()),
            recipient_uri in proptest::option::of("sip:[!-~]{1,64}"),
            at in 0..15usize,
        ) {
            let imdn = Imdn {
                date_time: millis.map(Timestamp::from_millis),
                recipient_uri,
                ..Imdn::new(&message_id, Disposition::ALL[at])
            };
            prop_assert_eq!(Imdn::parse(imdn.to_xml().as_bytes()), Ok(imdn));
        }
    }
}
