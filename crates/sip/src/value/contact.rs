//! Contact (RFC 3261 §20.10) with outbound (RFC 5626) and capability parameters (RFC 3840).

use std::borrow::Cow;

use super::{HeaderError, NameAddr, Params};
use crate::uri::percent_decode;

/// One Contact element.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Contact<'a> {
    /// `*`: with `Expires: 0` in a REGISTER, all bindings (RFC 3261 §10.2.2).
    All,
    /// An address.
    Address(ContactAddress<'a>),
}

impl<'a> Contact<'a> {
    /// Reads one Contact element.
    ///
    /// # Errors
    /// Neither `*` nor an address.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        if value == b"*" {
            return Ok(Contact::All);
        }
        ContactAddress::parse(value).map(Contact::Address)
    }

    /// The address, unless it is `*`.
    pub fn address(self) -> Option<ContactAddress<'a>> {
        match self {
            Contact::Address(address) => Some(address),
            Contact::All => None,
        }
    }
}

/// A Contact that is an address with parameters.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ContactAddress<'a> {
    /// Address, display name and raw parameters.
    pub name_addr: NameAddr<'a>,
}

impl<'a> ContactAddress<'a> {
    /// Reads an address with its parameters.
    ///
    /// # Errors
    /// Not an address.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let name_addr = NameAddr::parse(value).map_err(|reason| HeaderError::malformed("Contact", reason))?;
        Ok(ContactAddress { name_addr })
    }

    /// The header parameters.
    pub fn params(&self) -> Params<'a> {
        self.name_addr.params
    }

    /// `q` in thousandths, 0 to 1000; absent or unreadable counts as 1000.
    pub fn q_milli(&self) -> u16 {
        let Some(text) = self.params().get("q") else {
            return 1000;
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let fraction = format!("{fraction:0<3}");
        match (whole, fraction.get(..3).and_then(|milli| milli.parse::<u16>().ok())) {
            ("0" | "", Some(milli)) => milli,
            _ => 1000,
        }
    }

    /// `expires` in seconds; `None` when absent. An unreadable value counts as 3600 (RFC 3261 §20.10).
    pub fn expires(&self) -> Option<u32> {
        let text = self.params().get("expires")?;
        let seconds = super::number(text.as_bytes()).unwrap_or(3600);
        Some(seconds.min(u64::from(u32::MAX)) as u32)
    }

    /// `+sip.instance` without quotes and angle brackets, e.g. `urn:uuid:00000000-0000-1000-8000-000A95A0E128`.
    pub fn instance(&self) -> Option<&'a str> {
        let text = self.params().get("+sip.instance")?;
        let text = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
        (!text.is_empty()).then_some(text)
    }

    /// `reg-id`, 1 to 2³¹−1 (RFC 5626 §4.2).
    pub fn reg_id(&self) -> Option<u32> {
        self.params().get("reg-id")?.parse().ok().filter(|id| (1..=0x7fff_ffff).contains(id))
    }

    /// What the device says it can do.
    pub fn features(&self) -> Features<'a> {
        Features::of(self.params())
    }
}

/// Feature parameters of a Contact (RFC 3840 §9): a tag may be repeated, and its values are the union of all repeats.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Features<'a> {
    params: Params<'a>,
}

impl<'a> Features<'a> {
    /// The feature parameters among these; stored text of a Contact's parameters will do.
    pub fn of(params: Params<'a>) -> Self {
        Features { params }
    }

    /// Whether the tag is there at all, e.g. `+g.gsma.rcs.isbot` or `automata`.
    pub fn has(&self, tag: &str) -> bool {
        self.params.has(tag)
    }

    /// Values of a tag over all its repeats: cut at commas and percent-decoded.
    pub fn values(&self, tag: &str) -> impl Iterator<Item = Cow<'a, str>> {
        self.params
            .iter()
            .filter(move |(name, _)| name.eq_ignore_ascii_case(tag))
            .flat_map(|(_, value)| value.unwrap_or_default().split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(percent_decode)
    }

    /// Whether a tag has this value, percent-encoding and case aside.
    pub fn has_value(&self, tag: &str, value: &str) -> bool {
        let value = percent_decode(value);
        self.values(tag).any(|found| found.eq_ignore_ascii_case(&value))
    }

    /// Tags that describe the device, in order, with their raw values: all that start with `+`, and the base tags
    /// of RFC 3840 §9. Repeats come as often as they stand there.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.params.iter().filter(|(name, _)| is_feature_tag(name))
    }
}

/// Whether a Contact parameter is a feature tag rather than e.g. `q` or `expires`. `+sip.instance` names the device
/// and is not a capability.
pub(crate) fn is_feature_tag(name: &str) -> bool {
    const BASE: [&str; 19] = [
        "actor",
        "application",
        "audio",
        "automata",
        "class",
        "control",
        "data",
        "description",
        "duplex",
        "events",
        "extensions",
        "isfocus",
        "language",
        "methods",
        "mobility",
        "priority",
        "schemes",
        "text",
        "video",
    ];
    (name.starts_with('+') && !name.eq_ignore_ascii_case("+sip.instance"))
        || BASE.iter().any(|base| base.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: &[u8] = br#"<sip:user@192.0.2.5:5060;transport=tls>;+sip.instance="<urn:gsma:imei:35824005-944763-0>";reg-id=1;+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session,urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg";+g.3gpp.icsi-ref="urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg";+g.gsma.rcs.msgrevoke;expires=600000;q=0.7"#;

    #[test]
    fn a_registering_handset() {
        let contact = ContactAddress::parse(DEVICE).unwrap();
        assert_eq!(contact.instance(), Some("urn:gsma:imei:35824005-944763-0"));
        assert_eq!((contact.reg_id(), contact.expires(), contact.q_milli()), (Some(1), Some(600_000), 700));
        let features = contact.features();
        assert!(features.has("+g.gsma.rcs.msgrevoke"));
        assert_eq!(
            features.values("+g.3gpp.icsi-ref").collect::<Vec<_>>(),
            [
                "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session",
                "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg",
                "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.largemsg"
            ]
        );
        assert!(
            features.has_value("+g.3gpp.icsi-ref", "urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.largemsg")
        );
        assert_eq!(features.iter().count(), 3);
    }

    #[test]
    fn a_star_is_all() {
        assert_eq!(Contact::parse(b"*"), Ok(Contact::All));
    }

    #[test]
    fn q_has_at_most_three_digits() {
        for (text, milli) in [
            ("1", 1000),
            ("1.0", 1000),
            ("0", 0),
            ("0.05", 50),
            ("0.1234", 123),
            ("x", 1000),
            ("0.é", 1000),
            ("-1", 1000),
        ] {
            let value = format!("<sip:a@b>;q={text}");
            assert_eq!(ContactAddress::parse(value.as_bytes()).unwrap().q_milli(), milli, "{text}");
        }
    }

    #[test]
    fn an_unreadable_expires_is_an_hour() {
        assert_eq!(ContactAddress::parse(b"<sip:a@b>;expires=soon").unwrap().expires(), Some(3600));
        assert_eq!(
            ContactAddress::parse(b"<sip:a@b>;expires=99999999999").unwrap().expires(),
            Some(u32::MAX)
        );
    }
}
