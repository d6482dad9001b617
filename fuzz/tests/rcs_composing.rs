//! is-composing: whatever reads is written and reads back as the same value.

mod rcs_seeds;

use bolero::check;
use rcs::composing::Composing;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/composing/active.xml"),
    include_bytes!("../../fixtures/rcs/composing/odd.xml"),
];

#[test]
fn rcs_composing() {
    check!().for_each(|recipe: &[u8]| {
        if let Ok(value) = Composing::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            assert_eq!(Composing::parse(value.to_xml().as_bytes()), Ok(value));
        }
    });
}
