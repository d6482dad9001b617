//! File transfer documents: whatever reads is written and reads back as the same value.

mod rcs_seeds;

use bolero::check;
use rcs::file_transfer::FileTransfer;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/file-transfer/picture.xml"),
    include_bytes!("../../fixtures/rcs/file-transfer/voice.xml"),
];

#[test]
fn rcs_file_transfer() {
    check!().for_each(|recipe: &[u8]| {
        if let Ok(value) = FileTransfer::parse(&rcs_seeds::mutated(SEEDS, recipe)) {
            assert_eq!(FileTransfer::parse(value.to_xml().as_bytes()), Ok(value));
        }
    });
}
