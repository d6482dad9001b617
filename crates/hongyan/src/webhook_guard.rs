//! Which addresses a webhook may lead to: public ones (server-side request forgery is the danger).
//!
//! Names are resolved here and the connection goes to the very address that was checked, so a name that changes its
//! mind between check and connection gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

/// Why a webhook is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Not `http` or `https`, no host, or a user name in it.
    #[error("not an http or https URL with a host and without a user name")]
    Url,
    /// The host is, or resolves only to, addresses that are not public.
    #[error("the address is private, loopback, link-local or reserved")]
    Address,
}

/// Checks all of a URL but what its name resolves to. With `allow_private`, any address will do.
pub fn check(url: &Url, allow_private: bool) -> Result<(), Refused> {
    let host = url.host_str().ok_or(Refused::Url)?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Url);
    }
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    match literal {
        Ok(address) if !allow_private && !is_public(address) => Err(Refused::Address),
        _ => Ok(()),
    }
}

/// Names that are looked up at once. The system's resolver holds a thread for each, as long as a name server makes it wait, and
/// nobody can take that back: other work needs threads too.
const LOOKUPS_MAX: usize = 128;

/// Resolves names, to their public addresses only unless private ones are allowed.
pub struct Resolver {
    allow_private: bool,
    lookups: Arc<Semaphore>,
}

impl Resolver {
    /// One for each answer to the question whether private addresses are allowed: first no, then yes.
    pub fn both() -> [Arc<Self>; 2] {
        let lookups = Arc::new(Semaphore::new(LOOKUPS_MAX));
        [false, true].map(|allow_private| Arc::new(Self { allow_private, lookups: lookups.clone() }))
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow_private, lookups) = (self.allow_private, self.lookups.clone());
        Box::pin(async move {
            let permit = lookups.acquire_owned().await?;
            // The permit goes with the thread, not with whoever waits and may give up.
            let lookup = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                (name.as_str(), 0).to_socket_addrs()
            });
            let addresses: Vec<SocketAddr> =
                lookup.await??.filter(|address| allow_private || is_public(address.ip())).collect();
            if addresses.is_empty() {
                return Err(Refused::Address.into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is out on the Internet (IANA's special-purpose registries, RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match (a, b, c) {
        (0 | 10 | 127, ..) => true, // this network, private, loopback
        (100, 64..=127, _) => true, // shared address space (RFC 6598)
        (169, 254, _) => true,      // link-local, and the clouds' metadata services
        (172, 16..=31, _) | (192, 168, _) => true,
        (192, 0, 0 | 2) => true,   // protocol assignments, documentation
        (192, 88, 99) => true,     // 6to4 relay
        (168, 63, 129) => true,    // a cloud's own services towards its virtual machines (168.63.129.16)
        (198, 18..=19, _) => true, // benchmarks
        (198, 51, 100) | (203, 0, 113) => true,
        (224.., ..) => true, // multicast, reserved, broadcast
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    let segments = address.segments();
    match segments {
        // NAT64 and 6to4 carry an IPv4 address, which is what is reached.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(ipv4(high, low)),
        [0x2002, high, low, ..] => is_public_v4(ipv4(high, low)),
        // Teredo, benchmarking, ORCHID and whatever else is no host's address.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] => false,
        [0x3fff, 0..=0xfff, ..] => false,
        // Global unicast; outside of it lie loopback, unique local, link-local, site-local and multicast.
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

fn ipv4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached() {
        for public in
            ["1.1.1.1", "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.63.0.1", "223.5.5.5", "2606:4700::1"]
        {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.0.0.1",
            "127.0.0.1",
            "127.1.2.3",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.192",
            "100.100.100.200",
            "168.63.129.16",
            "198.18.0.1",
            "192.0.2.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "fec0::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn urls_are_judged_by_what_they_reach() {
        let judge = |url: &str, allow| check(&url.parse().unwrap(), allow);
        assert_eq!(judge("https://bot.example/hook", false), Ok(()));
        assert_eq!(judge("http://1.1.1.1:8081/hook", false), Ok(()));
        assert_eq!(judge("http://127.0.0.1/hook", false), Err(Refused::Address));
        assert_eq!(judge("http://127.0.0.1/hook", true), Ok(()));
        // Other spellings of the same address are normalised by the URL parser.
        for spelling in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://127.0.0.1./",
            "http://１２７。0。0。1/",
            "http://%31%32%37.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::a9fe:a9fe]/",
        ] {
            assert_eq!(judge(spelling, false), Err(Refused::Address), "{spelling}");
        }
        for bad in
            ["ftp://bot.example/", "file:///etc/passwd", "http://user@bot.example/", "data:text/plain,x"]
        {
            assert_eq!(judge(bad, true), Err(Refused::Url), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_resolved() {
        let [public, any] = Resolver::both();
        assert!(public.resolve("localhost".parse().unwrap()).await.is_err());
        assert!(any.resolve("localhost".parse().unwrap()).await.is_ok());
    }
}
