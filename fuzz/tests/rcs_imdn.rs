//! IMDN: whatever reads is written and reads back as the same value.

mod rcs_seeds;

use bolero::check;
use rcs::imdn::Imdn;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/imdn/delivered.xml"),
    include_bytes!("../../fixtures/rcs/imdn/displayed-prefixed.xml"),
    include_bytes!("../../fixtures/rcs/imdn/interworked-sms.xml"),
];

#[test]
fn rcs_imdn() {
    check!().for_each(|recipe: &[u8]| {
        if let Ok(value) = Imdn::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            assert_eq!(Imdn::parse(value.to_xml().as_bytes()), Ok(value));
        }
    });
}
