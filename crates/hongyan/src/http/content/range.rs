//! `Range` and `Content-Range` (RFC 9110 §14): which bytes of a file a request is about.

/// Bytes `start` to `end`, both included, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First.
    pub start: u64,
    /// Last.
    pub end: u64,
}

/// What a `Range` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Everything: another unit, something unreadable, or several ranges, which a server may decline.
    Whole,
    /// A part.
    Part(ByteRange),
    /// A part that is not there: 416.
    Nothing,
}

impl ByteRange {
    /// How many.
    pub fn bytes(self) -> u64 {
        self.end - self.start + 1
    }
}

/// Reads a `Range` for a file of `total` bytes.
pub fn asked(range: &str, total: u64) -> Asked {
    let Some((first, last)) = range
        .trim()
        .strip_prefix("bytes=")
        .filter(|ranges| !ranges.contains(','))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Asked::Whole;
    };
    let range = match (number(first), number(last)) {
        (Some(start), Some(end)) if start <= end => (start, end.min(total.saturating_sub(1))),
        (Some(start), None) if last.is_empty() => (start, total.saturating_sub(1)),
        // The last so many bytes.
        (None, Some(0)) if first.is_empty() => return Asked::Nothing,
        (None, Some(count)) if first.is_empty() => (total.saturating_sub(count), total.saturating_sub(1)),
        _ => return Asked::Whole,
    };
    match range {
        (start, end) if start < total => Asked::Part(ByteRange { start, end }),
        _ => Asked::Nothing,
    }
}

/// Reads a `Content-Range`: the bytes that follow, and of how many in all (`None`: unknown).
pub fn sent(content_range: &str) -> Option<(ByteRange, Option<u64>)> {
    let (unit, rest) = content_range.trim().split_once([' ', '='])?;
    let (range, total) = rest.split_once('/')?;
    let (start, end) = range.trim().split_once('-')?;
    let range = ByteRange { start: number(start)?, end: number(end)? };
    let total = match total.trim() {
        "*" => None,
        total => Some(number(total)?),
    };
    let is_sound =
        range.start <= range.end && range.end < u64::MAX && total.is_none_or(|total| range.end < total);
    (unit.eq_ignore_ascii_case("bytes") && is_sound).then_some((range, total))
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(start: u64, end: u64) -> Asked {
        Asked::Part(ByteRange { start, end })
    }

    #[test]
    fn parts_lie_within_the_file() {
        for (range, expected) in [
            ("bytes=0-9", part(0, 9)),
            ("bytes=90-", part(90, 99)),
            ("bytes=90-1000", part(90, 99)),
            ("bytes=-10", part(90, 99)),
            ("bytes=-1000", part(0, 99)),
            ("bytes=99-99", part(99, 99)),
            ("bytes=100-", Asked::Nothing),
            ("bytes=-0", Asked::Nothing),
            ("bytes=9-0", Asked::Whole),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=99999999999999999999-", Asked::Whole),
            ("items=0-1", Asked::Whole),
            ("", Asked::Whole),
        ] {
            assert_eq!(asked(range, 100), expected, "{range}");
        }
        assert_eq!(asked("bytes=0-", 0), Asked::Nothing);
        assert_eq!(asked("bytes=-5", 0), Asked::Nothing);
    }

    #[test]
    fn what_is_sent_is_sound() {
        let range = |start, end| ByteRange { start, end };
        assert_eq!(sent("bytes 5-9/10"), Some((range(5, 9), Some(10))));
        assert_eq!(sent("bytes=5-9/*"), Some((range(5, 9), None)));
        assert_eq!(range(5, 9).bytes(), 5);
        for bad in [
            "",
            "bytes",
            "bytes 5-9",
            "bytes 9-5/10",
            "bytes 5-10/10",
            "bytes */10",
            "items 0-1/2",
            "bytes 0-18446744073709551615/*",
        ] {
            assert_eq!(sent(bad), None, "{bad}");
        }
    }
}
