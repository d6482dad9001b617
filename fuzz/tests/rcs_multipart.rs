//! Multipart: whatever reads is written and reads back as the same parts.

mod rcs_seeds;

use bolero::check;
use bytes::Bytes;
use rcs::multipart;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/multipart/card-and-chips.mixed"),
    include_bytes!("../../fixtures/rcs/multipart/untidy.mixed"),
];

#[test]
fn rcs_multipart() {
    check!().for_each(|recipe: &[u8]| {
        let body = Bytes::from(rcs_seeds::mutated(SEEDS, recipe));
        let Ok(parts) = multipart::parse("multipart/mixed;boundary=next", &body) else {
            return;
        };
        assert!(parts.len() <= multipart::PARTS_MAX);
        let (content_type, written) = multipart::write(&parts);
        let again = multipart::parse(&content_type, &written).expect("what we write can be read");
        for (part, again) in parts.iter().zip(&again) {
            assert_eq!(part.body, again.body);
            assert_eq!(part.headers.len(), again.headers.len());
        }
        assert_eq!(parts.len(), again.len());
    });
}
