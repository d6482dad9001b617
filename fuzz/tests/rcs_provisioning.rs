//! Provisioning documents: whatever reads is written and reads back as the same value.

mod rcs_seeds;

use bolero::check;
use rcs::provisioning::Document;

const SEEDS: &[&[u8]] = &[include_bytes!("../../fixtures/rcs/provisioning/nested.xml")];

#[test]
fn rcs_provisioning() {
    check!().for_each(|recipe: &[u8]| {
        if let Ok(value) = Document::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            assert_eq!(Document::parse(value.to_xml().as_bytes()), Ok(value));
        }
    });
}
