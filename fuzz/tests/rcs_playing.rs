//! Containers of sound and film: whatever the bytes, looking at them ends, and tells no more than a year.

mod rcs_seeds;

use std::time::Duration;

use bolero::check;
use rcs::playing;

const SEEDS: &[&[u8]] = &[
    include_bytes!("../../fixtures/rcs/playing/film.mp4"),
    include_bytes!("../../fixtures/rcs/playing/pieces.mp4"),
    include_bytes!("../../fixtures/rcs/playing/film.webm"),
    include_bytes!("../../fixtures/rcs/playing/recorded.webm"),
    include_bytes!("../../fixtures/rcs/playing/voice.amr"),
    include_bytes!("../../fixtures/rcs/playing/tagged.mp3"),
];

#[test]
fn rcs_playing() {
    check!().for_each(|recipe: &[u8]| {
        let bytes = rcs_seeds::mutated(SEEDS, recipe);
        for media_type in ["video/mp4", "audio/mp4", "video/webm", "audio/amr", "audio/amr-wb", "audio/mpeg"]
        {
            let plays = playing::time(media_type, &bytes);
            assert!(plays.is_none_or(|plays| plays <= Duration::from_secs(366 * 86_400)));
        }
        playing::is_film(&bytes);
    });
}
