//! How long sound and film play, by what their containers say: MP4 and M4A (ISO/IEC 14496-12), WebM (RFC 9559), AMR (RFC 4867 §5),
//! MP3 (ISO/IEC 11172-3, 13818-3).
//!
//! Nothing is decoded. MP3 and AMR have no length in their head that could be believed, so their frames are counted; the
//! others are believed as a player would believe them. Every step goes forward, so the work is linear in the bytes.

use std::time::Duration;

/// Longest time that is told: a year. What claims more tells nothing.
const PLAYS_MAX: Duration = Duration::from_secs(365 * 86_400);

/// How deep boxes lie within each other where we look.
const DEPTH_MAX: usize = 8;

/// How long `bytes` of this media type play; `None` if they do not say, or are of no kind that is known here.
pub fn time(media_type: &str, bytes: &[u8]) -> Option<Duration> {
    let plays = match crate::content_type::essence(media_type).to_ascii_lowercase().as_str() {
        "video/mp4" | "video/x-m4v" | "audio/mp4" | "audio/m4a" | "audio/x-m4a" => mp4(bytes),
        "video/webm" | "audio/webm" => webm(bytes),
        "audio/amr" => amr(bytes.strip_prefix(b"#!AMR\n")?, &AMR_BYTES),
        "audio/amr-wb" => amr(bytes.strip_prefix(b"#!AMR-WB\n")?, &AMR_WB_BYTES),
        "audio/mpeg" | "audio/mp3" => mp3(bytes),
        _ => None,
    };
    plays.filter(|plays| *plays <= PLAYS_MAX)
}

/// Whether an MP4 holds film: one that holds sound alone begins alike.
pub fn is_film(bytes: &[u8]) -> bool {
    Boxes(bytes).within(&[b"moov", b"trak", b"mdia", b"hdlr"]).any(|body| body.get(8..12) == Some(b"vide"))
}

/// The boxes of a stretch of an MP4, one after the other: type and body.
struct Boxes<'b>(&'b [u8]);

impl<'b> Iterator for Boxes<'b> {
    type Item = (&'b [u8], &'b [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, rest) = self.0.split_at_checked(8)?;
        let (bytes, rest) = match number(&head[..4]) {
            // To the end.
            0 => (rest.len() as u64, rest),
            1 => (number(rest.get(..8)?).checked_sub(16)?, &rest[8..]),
            bytes => (bytes.checked_sub(8)?, rest),
        };
        // One that was cut off is as long as what is here of it.
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX).min(rest.len());
        let (body, rest) = rest.split_at(bytes);
        self.0 = rest;
        Some((&head[4..], body))
    }
}

impl<'b> Boxes<'b> {
    /// The bodies of all boxes at the end of a path.
    fn within(self, path: &[&[u8; 4]]) -> Box<dyn Iterator<Item = &'b [u8]> + 'b> {
        assert!(path.len() <= DEPTH_MAX, "paths are written here");
        let Some((first, rest)) = path.split_first() else { return Box::new(std::iter::once(self.0)) };
        let (first, rest) = (**first, rest.iter().map(|kind| **kind).collect::<Vec<_>>());
        let bodies = self.filter(move |(kind, _)| *kind == first).map(|(_, body)| body);
        Box::new(bodies.flat_map(move |body| Boxes(body).within(&rest.iter().collect::<Vec<_>>())))
    }
}

/// The longest of what the film, its fragments and its tracks say of themselves.
fn mp4(bytes: &[u8]) -> Option<Duration> {
    let film_scale =
        Boxes(bytes).within(&[b"moov", b"mvhd"]).find_map(|body| timed(body).map(|(scale, _)| scale));
    let films = Boxes(bytes).within(&[b"moov", b"mvhd"]).filter_map(timed);
    let tracks = Boxes(bytes).within(&[b"moov", b"trak", b"mdia", b"mdhd"]).filter_map(timed);
    let fragments = Boxes(bytes).within(&[b"moov", b"mvex", b"mehd"]).filter_map(|body| {
        let value = if body.first()? == &1 { body.get(4..12)? } else { body.get(4..8)? };
        Some((film_scale?, number(value)))
    });
    let times = films.chain(tracks).chain(fragments);
    let plays = times.filter_map(|(scale, units)| units_of(units, scale)).max()?;
    // A film in pieces may leave its length out.
    (!plays.is_zero()).then_some(plays)
}

/// Units a second, and how many of them, in a `mvhd` or `mdhd`.
fn timed(body: &[u8]) -> Option<(u64, u64)> {
    let (scale, units) = match body.first()? {
        1 => (body.get(20..24)?, body.get(24..32)?),
        _ => (body.get(12..16)?, body.get(16..20)?),
    };
    let unknown = units.iter().all(|byte| *byte == 0xff);
    (!unknown).then(|| (number(scale), number(units)))
}

fn units_of(units: u64, per_second: u64) -> Option<Duration> {
    let millis = u128::from(units) * 1000 / u128::from((per_second > 0).then_some(per_second)?);
    Some(Duration::from_millis(u64::try_from(millis).ok()?))
}

/// Elements of WebM whose beginnings and contents matter here.
mod element {
    pub const SEGMENT: u64 = 0x1853_8067;
    pub const INFO: u64 = 0x1549_a966;
    pub const SCALE: u64 = 0x002a_d7b1;
    pub const DURATION: u64 = 0x4489;
    pub const CLUSTER: u64 = 0x1f43_b675;
    pub const CLUSTER_TIME: u64 = 0xe7;
    pub const SIMPLE_BLOCK: u64 = 0xa3;
    pub const BLOCK_GROUP: u64 = 0xa0;
    pub const BLOCK: u64 = 0xa1;
}

/// What the head says; a recorder that wrote while it recorded could not say, and then it is the time of the last block.
fn webm(mut bytes: &[u8]) -> Option<Duration> {
    let (mut scale, mut said, mut cluster, mut last) = (1_000_000, None::<f64>, 0u64, None::<u64>);
    while let Some((id, size, rest)) = element_head(bytes) {
        // What holds others is gone into, so that one of unknown size needs no end.
        if matches!(id, element::SEGMENT | element::INFO | element::CLUSTER | element::BLOCK_GROUP) {
            bytes = rest;
            continue;
        }
        let Some(size) = size else { break };
        let body = &rest[..usize::try_from(size).unwrap_or(usize::MAX).min(rest.len())];
        match id {
            element::SCALE if body.len() <= 8 => scale = number(body),
            element::DURATION => {
                said = match body.len() {
                    4 => Some(f32::from_be_bytes(body.try_into().ok()?).into()),
                    8 => Some(f64::from_be_bytes(body.try_into().ok()?)),
                    _ => None,
                }
            }
            element::CLUSTER_TIME if body.len() <= 8 => cluster = number(body),
            element::SIMPLE_BLOCK | element::BLOCK => {
                // Track, then the time since the cluster's.
                if let Some((_, _, [high, low, ..])) = variable(body, true) {
                    let at = cluster.saturating_add_signed(i16::from_be_bytes([*high, *low]).into());
                    last = last.max(Some(at));
                }
            }
            _ => {}
        }
        bytes = &rest[body.len()..];
    }
    let units = said.filter(|units| units.is_finite() && *units > 0.0).or(last.map(|units| units as f64))?;
    Duration::try_from_secs_f64(units * scale as f64 / 1e9).ok()
}

/// Id, size (`None`: not known) and what follows.
fn element_head(bytes: &[u8]) -> Option<(u64, Option<u64>, &[u8])> {
    let (id, _, rest) = variable(bytes, false)?;
    let (size, is_unknown, rest) = variable(rest, true)?;
    Some((id, (!is_unknown).then_some(size), rest))
}

/// A number of one to eight bytes, the first of which says how many; whether all its bits are set; and what follows.
fn variable(bytes: &[u8], without_marker: bool) -> Option<(u64, bool, &[u8])> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let (own, rest) = bytes.split_at_checked(length).filter(|_| length <= 8)?;
    let value = number(own);
    let bits = (1 << (7 * length)) - 1;
    let plain = value & bits;
    Some((if without_marker { plain } else { value }, plain == bits, rest))
}

/// Speech bytes of a frame of each type (3GPP TS 26.101, 26.201).
const AMR_BYTES: [usize; 16] = [12, 13, 15, 17, 19, 20, 26, 31, 5, 0, 0, 0, 0, 0, 0, 0];
const AMR_WB_BYTES: [usize; 16] = [17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 0, 0, 0, 0, 0, 0];

/// Frames of 20 ms each.
fn amr(mut frames: &[u8], speech_bytes: &[usize; 16]) -> Option<Duration> {
    let mut count = 0u64;
    while let Some(head) = frames.first() {
        let bytes = 1 + speech_bytes[usize::from(head >> 3 & 0xf)];
        frames = frames.get(bytes..).unwrap_or_default();
        count += 1;
    }
    (count > 0).then(|| Duration::from_millis(20 * count))
}

/// Kilobits a second of layer III, by MPEG-1 or not, and the index in a frame's head.
const MP3_KILOBITS: [[u64; 16]; 2] = [
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
];

/// All frames' times. What stands between frames is passed over.
fn mp3(bytes: &[u8]) -> Option<Duration> {
    let mut rest = match bytes {
        // ID3v2: its size in four bytes of seven bits.
        [b'I', b'D', b'3', _, _, _, a, b, c, d, tagged @ ..] => {
            let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | usize::from(*byte & 0x7f));
            tagged.get(size..)?
        }
        bytes => bytes,
    };
    let (mut frames, mut nanos) = (0u64, 0u64);
    while rest.len() >= 4 {
        match mp3_frame(rest) {
            Some((bytes, frame_nanos)) => {
                (frames, nanos) = (frames + 1, nanos.saturating_add(frame_nanos));
                rest = rest.get(bytes..).unwrap_or_default();
            }
            None => rest = &rest[1..],
        }
    }
    (frames > 0).then(|| Duration::from_nanos(nanos))
}

/// Bytes and nanoseconds of the frame that begins here.
fn mp3_frame(bytes: &[u8]) -> Option<(usize, u64)> {
    let &[0xff, second, third, _, ..] = bytes else { return None };
    let (sync, version, layer) = (second >> 5, second >> 3 & 3, second >> 1 & 3);
    if sync != 7 || version == 1 || layer != 1 {
        return None;
    }
    let is_mpeg1 = version == 3;
    let kilobits = MP3_KILOBITS[usize::from(is_mpeg1)][usize::from(third >> 4)];
    let hertz =
        *[44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))? >> [2, 0, 1, 0][usize::from(version)];
    if kilobits == 0 {
        return None;
    }
    let samples = if is_mpeg1 { 1152 } else { 576 };
    let padding = u64::from(third >> 1 & 1);
    let frame_bytes = samples / 8 * kilobits * 1000 / hertz + padding;
    Some((usize::try_from(frame_bytes).ok()?, samples * 1_000_000_000 / hertz))
}

/// A big-endian number of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    macro_rules! fixture {
        ($name:literal) => {
            &include_bytes!(concat!("../../../fixtures/rcs/playing/", $name))[..]
        };
    }

    #[test]
    fn containers_say_how_long_they_play() {
        for (media_type, bytes, millis) in [
            ("video/mp4", fixture!("film.mp4"), 61_500),
            ("audio/mp4", fixture!("sound.m4a"), 4_096),
            ("video/mp4", fixture!("pieces.mp4"), 12_000),
            ("video/webm", fixture!("film.webm"), 2_345),
            ("video/webm", fixture!("recorded.webm"), 1_540),
            ("audio/amr", fixture!("voice.amr"), 100),
            ("audio/amr-wb", fixture!("voice.awb"), 60),
            ("audio/mpeg", fixture!("tagged.mp3"), 104),
        ] {
            let plays = time(media_type, bytes).map(|plays| plays.as_millis());
            assert_eq!(plays, Some(millis), "{media_type}");
        }
        assert!(is_film(fixture!("film.mp4")) && !is_film(fixture!("sound.m4a")));
    }

    #[test]
    fn what_does_not_say_tells_nothing() {
        for media_type in ["video/mp4", "video/webm", "audio/amr", "audio/mpeg", "image/png"] {
            assert_eq!(time(media_type, b""), None);
            assert_eq!(time(media_type, b"no such thing as this"), None);
        }
        assert_eq!(time("image/png", fixture!("film.mp4")), None);
    }

    #[test]
    fn no_beginning_of_a_file_is_too_much() {
        for (media_type, bytes) in [
            ("video/mp4", fixture!("film.mp4")),
            ("video/mp4", fixture!("pieces.mp4")),
            ("video/webm", fixture!("recorded.webm")),
            ("audio/amr", fixture!("voice.amr")),
            ("audio/mpeg", fixture!("tagged.mp3")),
        ] {
            let whole = time(media_type, bytes);
            for end in 0..bytes.len() {
                assert!(time(media_type, &bytes[..end]) <= whole, "{media_type} {end}");
            }
        }
    }

    proptest! {
        #[test]
        fn frames_are_counted(frames in proptest::collection::vec(0..9u8, 1..200)) {
            let speech = frames.iter().flat_map(|kind| {
                let body = vec![0x7f; AMR_BYTES[usize::from(*kind)]];
                std::iter::once(kind << 3 | 4).chain(body)
            });
            let file: Vec<u8> = b"#!AMR\n".iter().copied().chain(speech).collect();
            prop_assert_eq!(time("audio/amr", &file), Some(Duration::from_millis(20 * frames.len() as u64)));
        }
    }
}
