//! File transfer and resume documents: whatever reads is written and reads back as the same value.

mod rcs_seeds;

use bolero::check;
use rcs::file_transfer::FileTransfer;
use rcs::file_transfer::resume::ResumeInfo;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/file-transfer/picture.xml"),
    include_bytes!("../../fixtures/rcs/file-transfer/voice.xml"),
    include_bytes!("../../fixtures/rcs/file-transfer/resume.xml"),
];

#[test]
fn rcs_file_transfer() {
    check!().for_each(|recipe: &[u8]| {
        let document = rcs_seeds::mutated(SEEDS, recipe);
        if let Ok(value) = FileTransfer::parse(&document) {
            assert_eq!(FileTransfer::parse(value.to_xml().as_bytes()), Ok(value));
        }
        if let Ok(value) = ResumeInfo::parse(&document) {
            assert_eq!(ResumeInfo::parse(value.to_xml().as_bytes()), Ok(value));
        }
    });
}
