//! SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966).

use std::borrow::Cow;
use std::fmt;

use crate::value::{Params, split_before, split_once};

/// Scheme of a URI.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Scheme<'a> {
    /// `sip:`
    Sip,
    /// `sips:`
    Sips,
    /// `tel:`
    Tel,
    /// Any other; only [`Uri::as_str`] is of use then, and as Request-URI it is answered 416.
    Other(&'a str),
}

/// A URI, cut into its parts but not decoded.
///
/// `==` compares the text; [`Uri::is_equivalent`] compares the meaning.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Uri<'a> {
    text: &'a str,
    scheme: Scheme<'a>,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    params: Params<'a>,
    headers: Option<&'a str>,
}

/// The text is not a URI.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct UriError {
    reason: &'static str,
}

impl UriError {
    /// What is wrong.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl<'a> Uri<'a> {
    /// Reads a URI.
    ///
    /// A `;` or `?` before the `@` belongs to the user part (RFC 3261 §19.1.1), as in `sip:+86138;phone-context=x@host`.
    ///
    /// # Errors
    /// No scheme, no host, a port that is no number, a second `@`, a bad percent escape, or a character that never
    /// stands in a URI.
    pub fn parse(text: &'a str) -> Result<Self, UriError> {
        let error = |reason| Err(UriError { reason });
        if text.bytes().any(|byte| !IN_URI[usize::from(byte)]) {
            return error("a character that has no place in a URI");
        }
        let Some((scheme, rest)) = split_once(text, b':') else {
            return error("no scheme");
        };
        let scheme = match scheme {
            _ if scheme.eq_ignore_ascii_case("sip") => Scheme::Sip,
            _ if scheme.eq_ignore_ascii_case("sips") => Scheme::Sips,
            _ if scheme.eq_ignore_ascii_case("tel") => Scheme::Tel,
            _ if is_scheme(scheme) => Scheme::Other(scheme),
            _ => return error("no scheme"),
        };
        let mut uri = Uri {
            text,
            scheme,
            user: None,
            password: None,
            host: "",
            port: None,
            params: Params::default(),
            headers: None,
        };
        match scheme {
            Scheme::Other(_) => return Ok(uri),
            Scheme::Tel => {
                let (number, params) = split_before(rest, b';');
                if number.is_empty() || !number.bytes().all(is_phone_digit) {
                    return error("not a telephone number");
                }
                uri.user = Some(number);
                uri.params = Params::of(params);
                return Ok(uri);
            }
            Scheme::Sip | Scheme::Sips => {}
        }
        if !percent_escapes_are_whole(rest) {
            return error("a bad percent escape");
        }
        let rest = match split_once(rest, b'@') {
            Some((userinfo, rest)) => {
                let (user, password) = match split_once(userinfo, b':') {
                    Some((user, password)) => (user, Some(password)),
                    None => (userinfo, None),
                };
                if user.is_empty() {
                    return error("an empty user part");
                }
                (uri.user, uri.password) = (Some(user), password);
                rest
            }
            None => rest,
        };
        if memchr::memchr(b'@', rest.as_bytes()).is_some() {
            return error("more than one @");
        }
        let (rest, headers) = match split_once(rest, b'?') {
            Some((rest, headers)) => (rest, Some(headers)),
            None => (rest, None),
        };
        let (host, params) = split_before(rest, b';');
        let Some((host, port)) = host_port(host) else {
            return error("not a host and port");
        };
        uri.host = host;
        uri.port = port;
        uri.params = Params::of(params);
        uri.headers = headers;
        Ok(uri)
    }

    /// The text as written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The scheme.
    pub fn scheme(&self) -> Scheme<'a> {
        self.scheme
    }

    /// User part with its escapes and parameters as written; the number of a tel URI.
    pub fn user(&self) -> Option<&'a str> {
        self.user
    }

    /// User part decoded, without the parameters that a telephone number may carry (`+86138;phone-context=x`).
    pub fn user_name(&self) -> Option<Cow<'a, str>> {
        let user = self.user?;
        Some(percent_decode(user.split_once(';').map_or(user, |(user, _)| user)))
    }

    /// Parameters inside the user part, as of `sip:+86138;phone-context=x@host`; those of a tel URI.
    pub fn user_params(&self) -> Params<'a> {
        match (self.scheme, self.user) {
            (Scheme::Tel, _) => self.params,
            (_, Some(user)) => Params::of(user.find(';').map_or("", |at| &user[at..])),
            _ => Params::default(),
        }
    }

    /// Password, as written. RFC 3261 §19.1.1 advises against it.
    pub fn password(&self) -> Option<&'a str> {
        self.password
    }

    /// Host as written, an IPv6 address with its brackets; empty for tel.
    pub fn host(&self) -> &'a str {
        self.host
    }

    /// Port, when written.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// URI parameters.
    pub fn params(&self) -> Params<'a> {
        self.params
    }

    /// What follows `?`, as written.
    pub fn headers(&self) -> Option<&'a str> {
        self.headers
    }

    /// Whether `user=phone` marks the user part as a telephone number, or the URI is a tel URI.
    pub fn is_phone(&self) -> bool {
        self.scheme == Scheme::Tel
            || self.params.get("user").is_some_and(|user| user.eq_ignore_ascii_case("phone"))
    }

    /// `gr`, the device of a GRUU (RFC 5627); `Some("")` for a temporary one.
    pub fn gruu(&self) -> Option<Cow<'a, str>> {
        self.params.get("gr").map(percent_decode)
    }

    /// Whether both mean the same (RFC 3261 §19.1.4; tel by RFC 3966 §4; other schemes by their text).
    pub fn is_equivalent(&self, other: &Uri<'_>) -> bool {
        match (self.scheme, other.scheme) {
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {
                same_escaped(self.user, other.user)
                    && same_escaped(self.password, other.password)
                    && self.host.eq_ignore_ascii_case(other.host)
                    && self.port == other.port
                    && same_params(self.params, other.params)
                    && same_headers(self.headers.unwrap_or(""), other.headers.unwrap_or(""))
            }
            (Scheme::Tel, Scheme::Tel) => {
                let digits = |uri: &Uri<'_>| {
                    let digits = uri.user.unwrap_or("").bytes().filter(|byte| !is_visual_separator(*byte));
                    digits.map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>()
                };
                digits(self) == digits(other)
                    && subset(self.params, other.params, |_| true)
                    && subset(other.params, self.params, |_| true)
            }
            (Scheme::Other(_), Scheme::Other(_)) => self.text == other.text,
            _ => false,
        }
    }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text)
    }
}

/// Resolves `%XX`. Escapes that are broken stay; bytes outside UTF-8 become U+FFFD.
pub fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let bytes: Vec<u8> = decoded(text).collect();
    Cow::Owned(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// Writes `%XX` for everything that may not stand in the user part of a SIP URI (RFC 3261 §25.1).
pub fn percent_encode_user(user: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte);
    if user.bytes().all(plain) {
        return Cow::Borrowed(user);
    }
    let mut text = String::with_capacity(user.len() + 8);
    for byte in user.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            use fmt::Write as _;
            write!(text, "%{byte:02X}").expect("writing into a String succeeds");
        }
    }
    Cow::Owned(text)
}

/// `host[:port]`; the host keeps the brackets of an IPv6 address. Spaces around the colon are allowed (Via).
pub(crate) fn host_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if text.starts_with('[') {
        let (host, rest) = text.split_at(text.find(']')? + 1);
        host[1..host.len() - 1].parse::<std::net::Ipv6Addr>().ok()?;
        match rest.trim_start().strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if rest.trim().is_empty() => (host, None),
            None => return None,
        }
    } else {
        match split_once(text, b':') {
            Some((host, port)) => (host.trim_ascii_end(), Some(port)),
            None => (text, None),
        }
    };
    if host.is_empty() || !(host.starts_with('[') || host.bytes().all(|byte| IN_HOST[usize::from(byte)])) {
        return None;
    }
    match port.map(str::trim_ascii) {
        None => Some((host, None)),
        Some(port) => {
            let number = crate::value::number(port.as_bytes())?;
            Some((host, Some(u16::try_from(number).ok()?)))
        }
    }
}

/// What may stand in a URI at all: no spaces, no controls, nothing that ends it in a header.
static IN_URI: [bool; 256] = {
    let mut table = [true; 256];
    let mut byte = 0;
    while byte <= b' ' as usize {
        table[byte] = false;
        byte += 1;
    }
    table[0x7f] = false;
    table[b'<' as usize] = false;
    table[b'>' as usize] = false;
    table[b'"' as usize] = false;
    table
};

/// What may stand in the name of a host, or an IPv4 address.
static IN_HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// RFC 3966 §3: global numbers have digits after `+`; local ones also `*`, `#` and hexadecimal digits.
fn is_phone_digit(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b'+' | b'*' | b'#') || is_visual_separator(byte)
}

fn is_visual_separator(byte: u8) -> bool {
    matches!(byte, b'-' | b'.' | b'(' | b')')
}

fn percent_escapes_are_whole(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'%', bytes)
        .all(|at| matches!(bytes.get(at + 1..at + 3), Some(hex) if hex.iter().all(u8::is_ascii_hexdigit)))
}

/// Bytes with `%XX` resolved.
fn decoded(text: &str) -> impl Iterator<Item = u8> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *bytes.get(at)?;
        if byte == b'%'
            && let Some(&[high, low]) = bytes.get(at + 1..at + 3)
        {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            if let (Some(high), Some(low)) = (digit(high), digit(low)) {
                at += 3;
                return Some((high * 16 + low) as u8);
            }
        }
        at += 1;
        Some(byte)
    })
}

fn same_escaped(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other || decoded(one).eq(decoded(other)),
        (one, other) => one == other,
    }
}

/// RFC 3261 §19.1.4: parameters in both must be equal; `user`, `ttl`, `method`, `maddr` and `transport` must not be
/// in one only; any other in one only is ignored.
fn same_params(one: Params<'_>, other: Params<'_>) -> bool {
    let matters = |name: &str| {
        ["user", "ttl", "method", "maddr", "transport"].iter().any(|known| known.eq_ignore_ascii_case(name))
    };
    subset(one, other, matters) && subset(other, one, matters)
}

/// Whether every parameter of `one` that `other` has is equal there, and those that matter are there.
fn subset(one: Params<'_>, other: Params<'_>, matters: impl Fn(&str) -> bool) -> bool {
    one.iter().all(|(name, value)| match other.get(name) {
        Some(found) => {
            let fold = |text| decoded(text).map(|byte: u8| byte.to_ascii_lowercase());
            fold(found).eq(fold(value.unwrap_or("")))
        }
        None => !matters(name),
    })
}

/// Header components never default: each must be in both (RFC 3261 §19.1.4), in any order.
fn same_headers(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let sorted = |text: &str| {
        let mut headers: Vec<(String, Vec<u8>)> = text
            .split('&')
            .map(|header| header.split_once('=').unwrap_or((header, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), decoded(value).collect()))
            .collect();
        headers.sort();
        headers
    };
    sorted(one) == sorted(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Uri<'_> {
        Uri::parse(text).expect(text)
    }

    #[test]
    fn every_part() {
        let uri = parse("sips:alice:secret@[2001:db8::10]:5061;transport=ws;lr?subject=a%20b&to=x");
        assert_eq!(uri.scheme(), Scheme::Sips);
        assert_eq!((uri.user(), uri.password()), (Some("alice"), Some("secret")));
        assert_eq!((uri.host(), uri.port()), ("[2001:db8::10]", Some(5061)));
        assert_eq!(uri.params().get("transport"), Some("ws"));
        assert!(uri.params().has("lr"));
        assert_eq!(uri.headers(), Some("subject=a%20b&to=x"));
    }

    #[test]
    fn semicolons_in_the_user_part() {
        let uri = parse("sip:+8613800000001;phone-context=+86@hongyan.local;user=phone");
        assert_eq!(uri.user(), Some("+8613800000001;phone-context=+86"));
        assert_eq!(uri.user_name().as_deref(), Some("+8613800000001"));
        assert_eq!(uri.user_params().get("phone-context"), Some("+86"));
        assert_eq!(uri.host(), "hongyan.local");
        assert!(uri.is_phone());
    }

    #[test]
    fn tel_uris() {
        let uri = parse("tel:+86-138(0000)0001;ext=12");
        assert_eq!((uri.user(), uri.host()), (Some("+86-138(0000)0001"), ""));
        assert_eq!(uri.params().get("ext"), Some("12"));
        assert!(uri.is_phone());
        assert!(uri.is_equivalent(&parse("TEL:+8613800000001;EXT=12")));
        assert!(!uri.is_equivalent(&parse("tel:+8613800000001")));
    }

    #[test]
    fn other_schemes_are_kept_whole() {
        let uri = parse("urn:service:sos");
        assert_eq!((uri.scheme(), uri.as_str()), (Scheme::Other("urn"), "urn:service:sos"));
    }

    #[test]
    fn texts_that_are_no_uris() {
        for bad in [
            "",
            "sip",
            "sip:",
            "sip:@host",
            "sip:a@",
            "sip:a@b@c",
            "sip:a@host:port",
            "sip:a@host:65536",
            "sip:a b@c",
            "sip:a@[::1",
            "sip:a@[zz]",
            "sip:%zz@c",
            "sip:%4@c",
            "tel:",
            "tel:abcxyz",
            "1x:y",
            ":a",
            "sip:a@ho st",
            "sip:<a@b>",
            "sip:a@b\u{7f}",
            "sip:a@h\u{e9}st",
        ] {
            assert!(Uri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn equivalence_as_in_rfc_3261_19_1_4() {
        for (one, other) in [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
        ] {
            assert!(parse(one).is_equivalent(&parse(other)), "{one} {other}");
            assert!(parse(other).is_equivalent(&parse(one)), "{other} {one}");
        }
        for (one, other) in [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
            ("sip:a@b", "sips:a@b"),
            ("sip:+86138@b", "tel:+86138"),
        ] {
            assert!(!parse(one).is_equivalent(&parse(other)), "{one} {other}");
            assert!(!parse(other).is_equivalent(&parse(one)), "{other} {one}");
        }
    }

    #[test]
    fn percent_coding_goes_both_ways() {
        assert_eq!(percent_decode("a%20%E4%BD%A0"), "a 你");
        assert_eq!(percent_decode("a%2"), "a%2");
        assert_eq!(percent_decode("%ff"), "\u{fffd}");
        assert_eq!(percent_encode_user("a b@你"), "a%20b%40%E4%BD%A0");
        assert_eq!(percent_encode_user("+86138"), "+86138");
    }
}
