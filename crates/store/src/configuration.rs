//! Configurations: the devices that were configured over HTTP (RCC.14), and the secrets that each was given.
//!
//! Key: the subscriber's address. One row holds all devices of a subscriber, since a login reads them together. Like
//! [`crate::account`], the family is as secret as passwords are: HA1 hashes log in.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::account::Credential;
use crate::chatbot::AccessToken;
use crate::row::{Family, Row};

/// What is known of a subscriber's configured devices; an absent row means that there are none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// The subscriber.
    pub address: Address,
    /// Whether devices are configured.
    pub state: ConfigurationState,
    /// In the order in which they came.
    pub devices: Vec<ConfiguredDevice>,
}

/// What a device that asks for its configuration is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConfigurationState {
    /// The configuration.
    #[default]
    Enabled,
    /// Once, to throw away what it has and ask again (version 0); then the configuration.
    Reset,
    /// To throw away what it has and not to ask again (version -1).
    Stopped,
    /// That RCS is disabled, and not to ask again (version -2).
    Disabled,
    /// That RCS is disabled for now (version -3).
    Dormant,
}

/// A device that was configured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredDevice {
    /// Names it; part of its user name.
    pub id: String,
    /// What it calls itself, for people; absent when it says nothing.
    pub name: Option<String>,
    /// What it says its IMEI is: by it a device that comes again is recognised.
    pub imei: Option<String>,
    /// The version of the document that it was given last.
    pub version: u32,
    /// SHA-256 of the settings in that document.
    pub settings_sha256: [u8; 32],
    /// The secrets of that document, and until they are used those of the one before, which it may still have.
    pub secrets: Vec<DeviceSecrets>,
    /// Devices that registered with its secrets, as [`crate::Binding::device`] names them; at most eight, or as many
    /// as are bound.
    pub registered_as: Vec<String>,
    /// When it first came.
    pub created_at: Timestamp,
    /// When it last asked.
    pub seen_at: Timestamp,
}

/// The secrets of one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceSecrets {
    /// For SIP and the content server; none when the device may not use them any more.
    pub credentials: Vec<Credential>,
    /// The token to ask with the next time.
    pub token: AccessToken,
}

impl ConfiguredDevice {
    /// Whether it is what registered under this name ([`crate::Binding::device`]).
    pub fn has_registered_as(&self, name: &str) -> bool {
        self.registered_as.iter().any(|known| known == name)
    }
}

impl Configuration {
    /// A subscriber without configured devices.
    pub fn new(address: Address) -> Self {
        Self { address, state: ConfigurationState::default(), devices: Vec::new() }
    }

    /// The credentials of this user name: the place of the device, how many documents ago it was given them, and what they
    /// are; of each device the newest first.
    pub fn credentials<'c>(
        &'c self,
        username: &'c str,
    ) -> impl Iterator<Item = (usize, usize, &'c Credential)> {
        self.devices.iter().enumerate().flat_map(move |(place, device)| {
            device.secrets.iter().rev().enumerate().flat_map(move |(age, secrets)| {
                let known = secrets.credentials.iter().filter(move |known| known.username == username);
                known.map(move |known| (place, age, known))
            })
        })
    }
}

impl Row for Configuration {
    type Key = Address;
    const FAMILY: Family = Family::Configurations;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}
