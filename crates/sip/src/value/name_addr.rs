//! `"Display" <uri>;params`, or a bare URI followed by header parameters (RFC 3261 §20, §25.1).

use std::borrow::Cow;

use super::params::{Params, unescape};
use crate::uri::Uri;

/// An address with an optional display name: From, To, Route, Path, P-Asserted-Identity, ….
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct NameAddr<'a> {
    display: &'a [u8],
    /// The address.
    pub uri: Uri<'a>,
    /// Header parameters, after the address.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// Reads one address.
    ///
    /// Without angle brackets, everything from the first `;` on belongs to the header (RFC 3261 §20.10).
    ///
    /// # Errors
    /// Unbalanced quotes or brackets, something that is not a URI, or bytes outside UTF-8 beyond the display name.
    pub fn parse(value: &'a [u8]) -> Result<Self, &'static str> {
        let (display, uri, params) = parts(value).ok_or("no > after <")?;
        let uri = std::str::from_utf8(uri).map_err(|_| "the URI is not UTF-8")?;
        let params = std::str::from_utf8(params).map_err(|_| "a parameter is not UTF-8")?.trim_ascii();
        if !params.is_empty() && !params.starts_with(';') {
            return Err("text after the address");
        }
        if display.first() == Some(&b'"') && (display.len() < 2 || display.last() != Some(&b'"')) {
            return Err("the display name has no closing quote");
        }
        let uri = Uri::parse(uri.trim_ascii()).map_err(|error| error.reason())?;
        Ok(NameAddr { display, uri, params: Params::of(params) })
    }

    /// The `tag` parameter of an address of which nothing else is asked, at a fraction of the cost of [`NameAddr::parse`]. The
    /// address need not be one; `None` also when there is no telling.
    pub(crate) fn tag_of(value: &'a [u8]) -> Option<&'a str> {
        let (_, _, params) = parts(value)?;
        let params = Params::of(std::str::from_utf8(params).ok().filter(|params| !params.is_empty())?);
        params.get("tag").filter(|tag| !tag.is_empty())
    }

    /// The display name without quotes and escapes; `None` when absent or empty. Bytes outside UTF-8 become U+FFFD.
    pub fn display_name(&self) -> Option<Cow<'a, str>> {
        let inner = match self.display {
            [b'"', inner @ .., b'"'] => inner,
            plain => plain,
        };
        if inner.is_empty() {
            return None;
        }
        Some(match String::from_utf8_lossy(inner) {
            Cow::Borrowed(text) if self.display.len() > inner.len() => unescape(text),
            Cow::Owned(text) if self.display.len() > inner.len() => Cow::Owned(unescape(&text).into_owned()),
            plain => plain,
        })
    }

    /// The `tag` parameter of From and To.
    pub fn tag(&self) -> Option<&'a str> {
        self.params.get("tag").filter(|tag| !tag.is_empty())
    }
}

/// Display name, URI and parameters, cut but not looked at; `None` when a bracket is not closed.
fn parts(value: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let value = value.trim_ascii();
    match super::address_start(value) {
        Some(open) => {
            let close = open + memchr::memchr(b'>', &value[open..])?;
            Some((value[..open].trim_ascii(), &value[open + 1..close], &value[close + 1..]))
        }
        None => {
            let end = memchr::memchr(b';', value).unwrap_or(value.len());
            Some((&value[..0], value[..end].trim_ascii(), &value[end..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> NameAddr<'_> {
        NameAddr::parse(text.as_bytes()).expect(text)
    }

    #[test]
    fn quoted_display_names_may_hold_anything() {
        let address = parse(r#""A, <B>; \"C\"" <sip:a@example.com;lr>;tag=1"#);
        assert_eq!(address.display_name().as_deref(), Some(r#"A, <B>; "C""#));
        assert_eq!(address.uri.as_str(), "sip:a@example.com;lr");
        assert_eq!(address.tag(), Some("1"));
    }

    #[test]
    fn token_display_names_and_none() {
        assert_eq!(parse("Anna Li <sip:a@b>").display_name().as_deref(), Some("Anna Li"));
        assert_eq!(parse("<sip:a@b>").display_name(), None);
        assert_eq!(parse("\"\"<sip:a@b>").display_name(), None);
    }

    #[test]
    fn params_after_a_bare_uri_belong_to_the_header() {
        let address = parse("sip:a@b;tag=9");
        assert_eq!((address.uri.as_str(), address.tag()), ("sip:a@b", Some("9")));
        assert_eq!(parse("tel:+86138;tag=x").tag(), Some("x"));
    }

    #[test]
    fn display_names_outside_utf8_are_read() {
        let address = NameAddr::parse(b"\"Jos\xe9\" <sip:jose@example.com>;tag=1").unwrap();
        assert_eq!(address.display_name().as_deref(), Some("Jos\u{fffd}"));
    }

    #[test]
    fn broken_addresses_are_refused() {
        for bad in ["", "<", "<sip:a@b", "\"x <sip:a@b>", "<sip:a@b> junk", "no uri", "<>", "\"a"] {
            assert!(NameAddr::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
