//! Via (RFC 3261 §20.42, RFC 3581, RFC 5923).

use std::net::{IpAddr, SocketAddr};

use super::{HeaderError, Params, is_token, split_before, split_once};
use crate::uri::host_port;

/// One hop of the way that a request took, and that its response takes back.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport token as written: `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    pub transport: &'a str,
    /// Host of sent-by; an IPv6 address keeps its brackets.
    pub host: &'a str,
    /// Port of sent-by, when written.
    pub port: Option<u16>,
    /// `branch`, `received`, `rport`, `alias`, ….
    pub params: Params<'a>,
}

impl<'a> Via<'a> {
    /// Reads one Via element.
    ///
    /// # Errors
    /// Not `SIP/2.0/transport host[:port]`, or not UTF-8.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        Self::read(value).ok_or(HeaderError::malformed("Via", "not SIP/2.0/transport and sent-by"))
    }

    fn read(value: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let rest = match text.strip_prefix("SIP/2.0/") {
            Some(rest) => rest,
            None => after_protocol(text)?,
        };
        let (transport, rest) = rest.split_at(rest.bytes().position(|byte| byte.is_ascii_whitespace())?);
        let (sent_by, params) = split_before(rest, b';');
        let (host, port) = host_port(sent_by.trim_ascii())?;
        is_token(transport.as_bytes()).then_some(Via { transport, host, port, params: Params::of(params) })
    }

    /// The branch; one that begins with `z9hG4bK` is unique to its transaction (RFC 3261 §8.1.1.7).
    pub fn branch(&self) -> Option<&'a str> {
        self.params.get("branch").filter(|branch| !branch.is_empty())
    }

    /// `received`: the source address that the next hop saw.
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.params.get("received")?;
        text.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// `rport`: `Some(None)` when asked for without a value, `Some(Some(port))` when filled in (RFC 3581).
    pub fn rport(&self) -> Option<Option<u16>> {
        self.params.get("rport").map(|port| port.parse().ok())
    }

    /// Whether the peer offers this connection for requests towards it (RFC 5923).
    pub fn alias(&self) -> bool {
        self.params.has("alias")
    }

    /// Host and port to which an unreliable response goes (RFC 3261 §18.2.2, RFC 3581 §4), if they are addresses.
    pub fn response_address(&self) -> Option<SocketAddr> {
        let ip = match self.received() {
            Some(ip) => ip,
            None => self.host.trim_start_matches('[').trim_end_matches(']').parse().ok()?,
        };
        let port = self.rport().flatten().or(self.port).unwrap_or(5060);
        Some(SocketAddr::new(ip, port))
    }
}

/// What follows `SIP / 2.0 /`, in any case and with the spaces that RFC 3261 §25.1 allows around the slashes.
fn after_protocol(text: &str) -> Option<&str> {
    let (name, rest) = split_once(text, b'/')?;
    let (version, rest) = split_once(rest, b'/')?;
    (name.trim().eq_ignore_ascii_case("SIP") && version.trim() == "2.0").then(|| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_via() {
        let via = Via::parse(
            b"SIP / 2.0 / UDP first.example.com : 4000;ttl=16;maddr=224.2.0.1 ;branch=z9hG4bKa7c6a8dlze.1;received=192.0.2.7;rport=5555;alias",
        )
        .unwrap();
        assert_eq!((via.transport, via.host, via.port), ("UDP", "first.example.com", Some(4000)));
        assert_eq!(via.branch(), Some("z9hG4bKa7c6a8dlze.1"));
        assert_eq!(via.rport(), Some(Some(5555)));
        assert!(via.alias());
        assert_eq!(via.response_address(), Some("192.0.2.7:5555".parse().unwrap()));
    }

    #[test]
    fn ipv6_and_an_empty_rport() {
        let via = Via::parse(b"SIP/2.0/WSS [2001:db8::9:1];rport;branch=z9hG4bKas3").unwrap();
        assert_eq!((via.host, via.port, via.rport()), ("[2001:db8::9:1]", None, Some(None)));
        assert_eq!(via.response_address(), Some("[2001:db8::9:1]:5060".parse().unwrap()));
    }

    #[test]
    fn broken_vias_are_refused() {
        for bad in [
            &b""[..],
            b"SIP/2.0/UDP",
            b"SIP/3.0/UDP a",
            b"HTTP/2.0/UDP a",
            b"SIP/2.0/UDP a:99999",
            b"SIP/2.0/UDP ;branch=1",
            b"SIP/2.0/\xff a",
        ] {
            assert!(Via::parse(bad).is_err(), "{bad:?}");
        }
    }
}
