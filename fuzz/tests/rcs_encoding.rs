//! Content codings: any bytes inflate within the cap or are refused, and what is deflated inflates.

mod rcs_seeds;

use bolero::check;
use bytes::Bytes;
use rcs::encoding;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/encoding/composing.zlib"),
    include_bytes!("../../fixtures/rcs/encoding/composing.deflate"),
    include_bytes!("../../fixtures/rcs/encoding/composing.gz"),
];

const CAP: usize = 4096;

#[test]
fn rcs_encoding() {
    check!().for_each(|recipe: &[u8]| {
        let body = Bytes::from(rcs_seeds::mutated(SEEDS, recipe));
        for coding in ["deflate", "gzip"] {
            if let Ok(plain) = encoding::decode(coding, body.clone(), CAP) {
                assert!(plain.len() <= CAP);
            }
        }
        assert_eq!(encoding::inflate(&encoding::deflate(&body), body.len()), Ok(body));
    });
}
