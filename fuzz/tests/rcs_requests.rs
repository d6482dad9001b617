//! Requests of handsets to the platform (revocation, spam reports): whatever reads is written and reads back as the same value.

mod rcs_seeds;

use bolero::check;
use rcs::revoke::Revoke;
use rcs::spam_report::SpamReport;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/revoke/request.xml"),
    include_bytes!("../../fixtures/rcs/revoke/response.written.xml"),
    include_bytes!("../../fixtures/rcs/spam-report/chatbot.xml"),
];

#[test]
fn rcs_requests() {
    check!().for_each(|recipe: &[u8]| {
        let document = rcs_seeds::mutated(SEEDS, recipe);
        if let Ok(value) = Revoke::parse(&document) {
            assert_eq!(Revoke::parse(value.to_xml().as_bytes()), Ok(value));
        }
        if let Ok(value) = SpamReport::parse(&document) {
            assert_eq!(SpamReport::parse(value.to_xml().as_bytes()), Ok(value));
        }
    });
}
