//! Values that several keys have: names, addresses to listen on, seconds.

use std::fmt;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ConfigError;

/// A DNS name in lower case: letters, digits, hyphens and dots, at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Domain(String);

impl Domain {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Domain {
    fn default() -> Self {
        Self("hongyan.local".to_owned())
    }
}

impl FromStr for Domain {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if text.len() > 200 || !text.split('.').all(label) {
            return Err(ConfigError(format!("{text:?} is not a domain name such as rcs.example.com")));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl TryFrom<String> for Domain {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An ISO 3166 code of two letters, in upper case: `CN`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Country(String);

impl Country {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Country {
    fn default() -> Self {
        Self("CN".to_owned())
    }
}

impl TryFrom<String> for Country {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        if text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Err(ConfigError(format!("{text:?} is not a country code of two letters such as CN")));
        }
        Ok(Self(text.to_ascii_uppercase()))
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.0
    }
}

/// Where to listen: `127.0.0.1:5060`, `[::]:5060`, port 0 for any free one, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Listen(Option<SocketAddr>);

impl Listen {
    /// Not at all.
    pub const OFF: Self = Self(None);

    /// `port` on every IPv4 address.
    pub fn port(port: u16) -> Self {
        Self(Some(SocketAddr::from(([0, 0, 0, 0], port))))
    }

    /// The address, unless off.
    pub fn address(self) -> Option<SocketAddr> {
        self.0
    }
}

impl From<Option<SocketAddr>> for Listen {
    fn from(address: Option<SocketAddr>) -> Self {
        Self(address)
    }
}

impl FromStr for Listen {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if text == "off" {
            return Ok(Self::OFF);
        }
        text.parse().map(|address| Self(Some(address))).map_err(|_| {
            ConfigError(format!("{text:?} is no address with port, such as 0.0.0.0:8080, and not \"off\""))
        })
    }
}

impl TryFrom<String> for Listen {
    type Error = ConfigError;

    fn try_from(text: String) -> Result<Self, ConfigError> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("off"),
        }
    }
}

/// `seconds` as a duration: keys end in `_s`.
pub fn seconds(seconds: NonZeroU64) -> Duration {
    Duration::from_secs(seconds.get())
}

/// A default.
pub(super) fn nonzero(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).expect("a default is not zero")
}

/// A default.
pub(super) fn nonzero_u64(value: u64) -> NonZeroU64 {
    NonZeroU64::new(value).expect("a default is not zero")
}
