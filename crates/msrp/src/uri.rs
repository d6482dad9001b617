//! MSRP URIs and their comparison (RFC 4975 §6).

use std::fmt;
use std::hash::{Hash, Hasher};

/// Longest URI that is read.
const URI_BYTES_MAX: usize = 1024;

/// `msrp://` or `msrps://`, an authority, a session id, a transport: `msrps://bob.example.com:8888/9di4eae923wzd;tcp`.
///
/// Two URIs are equal by the rules of RFC 4975 §6.1: user part and parameters do not count, the session id is compared
/// to the letter, and a port that is there equals no port that is not.
#[derive(Clone, Debug)]
pub struct MsrpUri {
    /// Whether the scheme is `msrps`: the peer is reached over TLS.
    pub secure: bool,
    /// What stands before the `@`; absent in most.
    pub user: Option<String>,
    /// Host name or IP address; IPv6 in brackets, as written.
    pub host: String,
    /// The port; absent only in URIs of relays.
    pub port: Option<u16>,
    /// Names the session at that host; absent only in URIs of relays.
    pub session_id: Option<String>,
    /// `tcp` or `ws` (RFC 7977), as written.
    pub transport: String,
    /// Parameters after the transport, with their semicolons; nothing defines any.
    pub parameters: String,
}

/// Why a text is no MSRP URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("MSRP URI: {0}")]
pub struct UriError(&'static str);

impl MsrpUri {
    /// A URI of ours.
    pub fn new(secure: bool, host: &str, port: u16, session_id: &str, transport: &str) -> Self {
        Self {
            secure,
            user: None,
            host: host.to_owned(),
            port: Some(port),
            session_id: Some(session_id.to_owned()),
            transport: transport.to_owned(),
            parameters: String::new(),
        }
    }

    /// Reads a URI.
    ///
    /// # Errors
    /// Another scheme, no host, a port that is none, no transport, or characters that may not stand in a URI.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        if text.len() > URI_BYTES_MAX {
            return Err(UriError("too long"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'\\')) {
            return Err(UriError("characters that may not stand there"));
        }
        let (scheme, rest) = text.split_once("://").ok_or(UriError("no scheme"))?;
        let secure = match scheme {
            _ if scheme.eq_ignore_ascii_case("msrp") => false,
            _ if scheme.eq_ignore_ascii_case("msrps") => true,
            _ => return Err(UriError("another scheme")),
        };
        let (place, parameters) = rest.split_once(';').ok_or(UriError("no transport"))?;
        let (transport, parameters) = match parameters.find(';') {
            Some(at) => parameters.split_at(at),
            None => (parameters, ""),
        };
        if transport.is_empty() || !transport.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(UriError("no transport"));
        }
        let (authority, session_id) = match place.split_once('/') {
            Some((_, "")) => return Err(UriError("an empty session id")),
            Some((authority, session_id)) => (authority, Some(session_id)),
            None => (place, None),
        };
        let (user, host_port) = match authority.rsplit_once('@') {
            Some((user, host_port)) => (Some(user.to_owned()), host_port),
            None => (None, authority),
        };
        let (host, port) = host_and_port(host_port)?;
        Ok(Self {
            secure,
            user,
            host: host.to_owned(),
            port,
            session_id: session_id.map(str::to_owned),
            transport: transport.to_owned(),
            parameters: parameters.to_owned(),
        })
    }

    /// Reads the value of To-Path, From-Path or `a=path`: URIs with spaces between them, at least one.
    ///
    /// # Errors
    /// As for [`MsrpUri::parse`], or more than 32 of them.
    pub fn parse_path(text: &str) -> Result<Vec<Self>, UriError> {
        let path: Vec<Self> =
            text.split_ascii_whitespace().take(33).map(Self::parse).collect::<Result<_, _>>()?;
        match path.len() {
            0 => Err(UriError("an empty path")),
            1..=32 => Ok(path),
            _ => Err(UriError("a path with too many hops")),
        }
    }

    /// Whether it is reached over WebSocket (RFC 7977 §4).
    pub fn is_websocket(&self) -> bool {
        self.transport.eq_ignore_ascii_case("ws")
    }
}

/// The session id of a URI's text, without reading the rest: what every request is routed by.
pub fn session_id_of(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let (_, rest) = rest.split(';').next()?.split_once('/')?;
    (!rest.is_empty()).then_some(rest)
}

fn host_and_port(text: &str) -> Result<(&str, Option<u16>), UriError> {
    let end_of_host = if text.starts_with('[') {
        text.find(']').map(|end| end + 1).ok_or(UriError("an IPv6 address without its end"))?
    } else {
        text.find(':').unwrap_or(text.len())
    };
    let (host, port) = text.split_at(end_of_host);
    if host.is_empty() {
        return Err(UriError("no host"));
    }
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(digits.parse().map_err(|_| UriError("a port that is none"))?)
        }
        Some(_) => return Err(UriError("a port that is none")),
        None if port.is_empty() => None,
        None => return Err(UriError("something after the host")),
    };
    Ok((host, port))
}

impl PartialEq for MsrpUri {
    fn eq(&self, other: &Self) -> bool {
        self.secure == other.secure
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.port == other.port
            && self.session_id == other.session_id
            && self.transport.eq_ignore_ascii_case(&other.transport)
    }
}

impl Eq for MsrpUri {}

impl Hash for MsrpUri {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.secure.hash(state);
        self.host.to_ascii_lowercase().hash(state);
        self.port.hash(state);
        self.session_id.hash(state);
        self.transport.to_ascii_lowercase().hash(state);
    }
}

impl fmt::Display for MsrpUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.secure { "msrps://" } else { "msrp://" })?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if let Some(session_id) = &self.session_id {
            write!(f, "/{session_id}")?;
        }
        write!(f, ";{}{}", self.transport, self.parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> MsrpUri {
        MsrpUri::parse(text).expect(text)
    }

    #[test]
    fn uris_are_compared_as_rfc_4975_says() {
        let one = uri("msrps://Bob.Example.com:8888/9di4eae923wzd;tcp");
        assert_eq!(one, uri("MSRPS://bob@bob.example.COM:8888/9di4eae923wzd;TCP;x=y"));
        for other in [
            "msrp://bob.example.com:8888/9di4eae923wzd;tcp",
            "msrps://bob.example.com/9di4eae923wzd;tcp",
            "msrps://bob.example.com:8889/9di4eae923wzd;tcp",
            "msrps://bob.example.com:8888/9di4eae923WZD;tcp",
            "msrps://bob.example.com:8888;tcp",
            "msrps://bob.example.com:8888/9di4eae923wzd;ws",
        ] {
            assert_ne!(one, uri(other), "{other}");
        }
    }

    #[test]
    fn a_uri_is_written_as_it_was_read() {
        for text in [
            "msrp://10.0.0.7:2855/s3ss10nid;tcp",
            "msrps://[2001:db8::7]:2855/a/b+c=;tcp",
            "msrp://user@relay.example;tcp;p=1;q",
            "msrps://x9k2.invalid:1/abc;ws",
        ] {
            assert_eq!(uri(text).to_string(), text);
        }
        assert_eq!(session_id_of("msrps://[2001:db8::7]:2855/a/b+c=;tcp"), Some("a/b+c="));
        assert_eq!(session_id_of("msrp://relay.example;tcp"), None);
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "sip:bob@example.com",
            "http://a:1/b;tcp",
            "msrp://a:1/b",
            "msrp://a:1/;tcp",
            "msrp://:1/b;tcp",
            "msrp://a:66000/b;tcp",
            "msrp://a:-1/b;tcp",
            "msrp://a:1/b;",
            "msrp://a:1/b c;tcp",
            "msrp://[::1/b;tcp",
        ] {
            assert!(MsrpUri::parse(text).is_err(), "{text}");
        }
        assert!(MsrpUri::parse_path("  ").is_err());
        assert_eq!(MsrpUri::parse_path("msrp://r:1;tcp  msrp://a:1/b;tcp").unwrap().len(), 2);
    }
}
