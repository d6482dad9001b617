//! Refer-To (RFC 3515 §2.1): what the referred party is to do, and with whom.

use super::{HeaderError, NameAddr};
use crate::method::Method;

/// Refer-To: `<sip:+8613800000003@hongyan.local;method=BYE>`, or `<cid:members@hongyan.local>` for a list in the body
/// (RFC 5368 §4).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct ReferTo<'a> {
    /// The address.
    pub name_addr: NameAddr<'a>,
}

impl<'a> ReferTo<'a> {
    /// Reads the value of the header.
    ///
    /// # Errors
    /// Not an address.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let name_addr =
            NameAddr::parse(value).map_err(|reason| HeaderError::malformed("Refer-To", reason))?;
        Ok(ReferTo { name_addr })
    }

    /// The method of the request to send: INVITE unless the URI says something else (RFC 3515 §2.1).
    pub fn method(&self) -> Method<'a> {
        // Clients that write no angle brackets put the parameter behind the address.
        let named = self.name_addr.uri.params().get("method").or_else(|| self.name_addr.params.get("method"));
        named.map_or(Method::Invite, Method::of)
    }

    /// The Content-ID of the body that has the list, when the URI is a `cid:` (RFC 2392); percent-escapes as written.
    pub fn content_id(&self) -> Option<&'a str> {
        let (scheme, id) = self.name_addr.uri.as_str().split_once(':')?;
        scheme.eq_ignore_ascii_case("cid").then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_stands_in_the_uri_or_behind_it() {
        for (text, method) in [
            ("<sip:bob@hongyan.local>", Method::Invite),
            ("<sip:bob@hongyan.local;method=BYE>", Method::Bye),
            ("\"Bob\" <sip:bob@hongyan.local;user=phone;method=INVITE>;x", Method::Invite),
            ("sip:bob@hongyan.local;method=BYE", Method::Bye),
            ("<tel:+8613800000003>", Method::Invite),
        ] {
            assert_eq!(ReferTo::parse(text.as_bytes()).unwrap().method(), method, "{text}");
        }
        assert!(ReferTo::parse(b"<nowhere>").is_err());
    }

    #[test]
    fn a_list_is_named_by_its_content_id() {
        let refer_to = ReferTo::parse(b"<cid:cn35t8jf02@example.com>").unwrap();
        assert_eq!(refer_to.content_id(), Some("cn35t8jf02@example.com"));
        assert_eq!(ReferTo::parse(b"<sip:a@b>").unwrap().content_id(), None);
    }
}
