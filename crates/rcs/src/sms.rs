//! How many short messages a text takes (3GPP TS 23.038 and 23.040): for texts that reach phones without RCS.
//!
//! A text whose characters are all in the GSM 7-bit default alphabet or its extension table takes 160 septets in one
//! short message, 153 in each of several; any other is sent as UCS-2 with 70 or 67 UTF-16 units. What takes two septets
//! or two units is never parted.

/// How the characters of a short message are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// GSM 7-bit default alphabet (3GPP TS 23.038 §6.2.1).
    Gsm7,
    /// UTF-16 (3GPP TS 23.038 §6.2.3).
    Ucs2,
}

/// What a text takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segments {
    /// Of all segments.
    pub encoding: Encoding,
    /// Septets or UTF-16 units.
    pub units: usize,
    /// Short messages; an empty text takes one.
    pub segments: usize,
}

/// The default alphabet, without the escape to the extension table.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
     ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The extension table: each takes an escape and a septet.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

impl Encoding {
    /// As 3GPP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }

    /// Units in a message of one segment, and in each of several (the rest is their header).
    fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// Counts what `text` takes.
pub fn segments(text: &str) -> Segments {
    let septets = |c: char| match c {
        _ if BASIC.contains(c) => Some(1),
        _ if EXTENSION.contains(c) => Some(2),
        _ => None,
    };
    let encoding = if text.chars().all(|c| septets(c).is_some()) { Encoding::Gsm7 } else { Encoding::Ucs2 };
    let width = |c: char| match encoding {
        Encoding::Gsm7 => septets(c).unwrap_or(1),
        Encoding::Ucs2 => c.len_utf16(),
    };
    let (alone, each) = encoding.room();
    let units = text.chars().map(width).sum();
    if units <= alone {
        return Segments { encoding, units, segments: 1 };
    }
    let (mut segments, mut left) = (1, each);
    for c in text.chars() {
        if width(c) > left {
            (segments, left) = (segments + 1, each);
        }
        left -= width(c);
    }
    Segments { encoding, units, segments }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(text: &str) -> (&'static str, usize, usize) {
        let Segments { encoding, units, segments } = segments(text);
        (encoding.as_str(), units, segments)
    }

    #[test]
    fn latin_text_fits_160_characters_and_then_153_each() {
        assert_eq!(counted(""), ("GSM-7", 0, 1));
        assert_eq!(counted(&"a".repeat(160)), ("GSM-7", 160, 1));
        assert_eq!(counted(&"a".repeat(161)), ("GSM-7", 161, 2));
        assert_eq!(counted(&"a".repeat(306)), ("GSM-7", 306, 2));
        assert_eq!(counted(&"a".repeat(307)), ("GSM-7", 307, 3));
    }

    #[test]
    fn the_euro_takes_two_septets_and_is_not_parted() {
        assert_eq!(counted("€"), ("GSM-7", 2, 1));
        assert_eq!(counted(&format!("{}€{}", "a".repeat(152), "b".repeat(10))), ("GSM-7", 164, 2));
        // 152 + one lost septet + 153: one more than two segments hold.
        assert_eq!(counted(&format!("{}€{}", "a".repeat(152), "b".repeat(152))), ("GSM-7", 306, 3));
    }

    #[test]
    fn one_chinese_character_makes_all_of_it_ucs2() {
        assert_eq!(counted(&"票".repeat(70)), ("UCS-2", 70, 1));
        assert_eq!(counted(&"票".repeat(71)), ("UCS-2", 71, 2));
        assert_eq!(counted(&format!("{}票", "a".repeat(70))), ("UCS-2", 71, 2));
        // A train above the basic plane takes two units, and 66 before it leave no room for it in the first segment.
        assert_eq!(counted(&format!("{}🚄{}", "票".repeat(66), "票".repeat(66))), ("UCS-2", 134, 3));
    }

    proptest! {
        #[test]
        fn segments_hold_what_they_must(text in ".{0,400}") {
            let Segments { encoding, units, segments } = segments(&text);
            let (alone, each) = encoding.room();
            let room = if segments == 1 { alone } else { each };
            prop_assert!(units <= segments * room);
            // What is lost at the ends of segments is one unit each.
            prop_assert!(segments == 1 || units + segments > (segments - 1) * each);
        }
    }
}
