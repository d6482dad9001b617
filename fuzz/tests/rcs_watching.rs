//! The documents of the registration and presence event packages: whatever reads is written and reads back as the same value.

mod rcs_seeds;

use bolero::check;
use rcs::presence::{self, Presence};
use rcs::registration_info::{self, RegistrationInfo};

#[test]
fn rcs_registration_info() {
    const SEEDS: &[&[u8]] = &[
        include_bytes!("../../fixtures/rcs/registration-info/full.xml"),
        include_bytes!("../../fixtures/rcs/registration-info/partial.xml"),
    ];
    check!().for_each(|recipe: &[u8]| {
        if let Ok(info) = RegistrationInfo::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            assert!(info.registrations.len() <= registration_info::ITEMS_MAX);
            assert_eq!(RegistrationInfo::parse(info.to_xml().as_bytes()), Ok(info));
        }
    });
}

#[test]
fn rcs_presence() {
    const SEEDS: &[&[u8]] = &[
        include_bytes!("../../fixtures/rcs/presence/handset.xml"),
        include_bytes!("../../fixtures/rcs/presence/handset.written.xml"),
    ];
    check!().for_each(|recipe: &[u8]| {
        if let Ok(presence) = Presence::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            assert!(presence.tuples.len() <= presence::TUPLES_MAX);
            assert_eq!(Presence::parse(presence.to_xml().as_bytes()), Ok(presence));
        }
    });
}
