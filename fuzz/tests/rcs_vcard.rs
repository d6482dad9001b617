//! Contact cards: what is read is written and reads back.

mod rcs_seeds;

use bolero::check;
use rcs::vcard;

#[test]
fn rcs_vcard() {
    const SEEDS: &[&[u8]] = &[
        include_bytes!("../../fixtures/rcs/vcard/feature-phone.vcf"),
        include_bytes!("../../fixtures/rcs/vcard/phone.vcf"),
        include_bytes!("../../fixtures/rcs/vcard/four.vcf"),
        include_bytes!("../../fixtures/rcs/vcard/written.vcf"),
    ];
    check!().for_each(|recipe: &[u8]| {
        for contact in vcard::parse(&rcs_seeds::mutated(SEEDS, recipe)).unwrap_or_default() {
            assert_eq!(vcard::parse(contact.to_vcard().as_bytes()), Ok(vec![contact]));
        }
    });
}
