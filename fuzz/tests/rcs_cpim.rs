//! CPIM: whatever reads can be asked everything, rewritten, and read again.

mod rcs_seeds;

use bolero::check;
use bytes::Bytes;
use rcs::Timestamp;
use rcs::cpim::Cpim;
use rcs::reference::Reference;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/cpim/chat.cpim"),
    include_bytes!("../../fixtures/rcs/cpim/interleaved-namespaces.cpim"),
    include_bytes!("../../fixtures/rcs/cpim/line-feeds.cpim"),
    include_bytes!("../../fixtures/rcs/cpim/base64.cpim"),
    include_bytes!("../../fixtures/rcs/cpim/imdn.cpim"),
    include_bytes!("../../fixtures/rcs/cpim/chatbot-card.cpim"),
    include_bytes!("../../fixtures/rcs/cpim/edit.cpim"),
];

#[test]
fn rcs_cpim() {
    check!().for_each(|recipe: &[u8]| {
        let input = Bytes::from(rcs_seeds::mutated(SEEDS, recipe));
        let Ok(cpim) = Cpim::parse(input.clone()) else {
            return;
        };
        _ = (cpim.message_id(), cpim.date_time(), cpim.decoded_payload(), cpim.is_imdn(), cpim.to_uri());
        assert!(Reference::read(&cpim).is_none_or(|reference| !reference.message_id().is_empty()));
        assert!(cpim.headers().count() + cpim.content_headers().count() <= rcs::cpim::HEADERS_MAX);
        assert_eq!(cpim.rewrite().build(), input);

        let rewritten =
            cpim.rewrite().from("tel:+1").to("tel:+2").date_time(Timestamp::EPOCH).without_dispositions();
        match Cpim::parse(rewritten.build()) {
            Ok(again) => {
                assert_eq!((again.from_uri(), again.to_uri()), (Some("tel:+1"), Some("tel:+2")));
                assert_eq!(again.date_time(), Some(Timestamp::EPOCH));
                assert!(again.dispositions().is_empty());
                assert_eq!(again.payload(), cpim.payload());
            }
            // The headers added may be those above the ceiling.
            Err(error) => assert!(matches!(
                error,
                rcs::cpim::CpimError::TooManyHeaders | rcs::cpim::CpimError::HeadTooLong
            )),
        }
    });
}
