//! The log: lines of fields on standard error, as text or JSON.
//!
//! Bodies and secrets are logged nowhere. Telephone numbers and IP addresses go through [`Shown`], which shows as much of
//! them as the configuration allows.

use std::fmt;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Log, LogAddresses, LogFormat};

/// What [`Shown`] lets through; process-wide, as the log is.
static ADDRESSES: AtomicU8 = AtomicU8::new(MASKED);
const FULL: u8 = 0;
const MASKED: u8 = 1;
const NONE: u8 = 2;

/// Begins logging. Only the first call of a process has an effect.
///
/// # Errors
/// `log.filter` cannot be read.
pub fn start(log: &Log) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&log.filter)
        .map_err(|error| ConfigError(format!("log.filter: {:?} cannot be read: {error}", log.filter)))?;
    let addresses = match log.addresses {
        LogAddresses::Full => FULL,
        LogAddresses::Masked => MASKED,
        LogAddresses::None => NONE,
    };
    ADDRESSES.store(addresses, Ordering::Relaxed);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // An error means that a log has begun already, as in a test that starts two servers.
    let _ = match log.format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// An address as the log may show it: `Shown(&peer)`, `Shown(&"tel:+8613800000001")`.
///
/// Masked, an IP address loses its last third and a telephone number its last four digits.
pub struct Shown<'a, T>(pub &'a T);

impl<T: Maskable> fmt::Display for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ADDRESSES.load(Ordering::Relaxed) {
            FULL => self.0.full(f),
            MASKED => self.0.masked(f),
            _ => f.write_str("-"),
        }
    }
}

impl<T: Maskable> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What [`Shown`] can show.
pub trait Maskable {
    /// All of it.
    fn full(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// Without what tells one person from another.
    fn masked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

impl Maskable for SocketAddr {
    fn full(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }

    fn masked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SocketAddr::V4(address) => {
                let [a, b, ..] = address.ip().octets();
                write!(f, "{a}.{b}.x.x:{}", address.port())
            }
            SocketAddr::V6(address) => {
                let [a, b, c, ..] = address.ip().segments();
                write!(f, "[{a:x}:{b:x}:{c:x}:x]:{}", address.port())
            }
        }
    }
}

impl Maskable for &str {
    fn full(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }

    fn masked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Digits of a telephone number: the last four of any run of eight or more.
        let mut rest = *self;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let (before, digits) = rest.split_at(start);
            let len = digits.bytes().take_while(u8::is_ascii_digit).count();
            let shown = if len >= 8 { len - 4 } else { len };
            f.write_str(before)?;
            f.write_str(&digits[..shown])?;
            f.write_str(&"xxxx"[..len - shown])?;
            rest = &digits[len..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Masked<T>(T);

    impl<T: Maskable> fmt::Display for Masked<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.masked(f)
        }
    }

    #[test]
    fn a_masked_address_names_nobody() {
        let masked = |text: &'static str| Masked(text).to_string();
        assert_eq!(masked("tel:+8613800000001"), "tel:+861380000xxxx");
        assert_eq!(masked("sip:12306@botplatform.a.example"), "sip:12306@botplatform.a.example");
        assert_eq!(Masked("10.1.2.3:5060".parse::<SocketAddr>().unwrap()).to_string(), "10.1.x.x:5060");
        assert_eq!(
            Masked("[2001:db8::1]:5060".parse::<SocketAddr>().unwrap()).to_string(),
            "[2001:db8:0:x]:5060"
        );
    }
}
