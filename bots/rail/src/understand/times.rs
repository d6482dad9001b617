//! Times of day: 上午, 晚上八点以后, in the morning, after 3pm, before 10, around 9 am.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{regex, take};

/// Departures wanted, in minutes after midnight; the start counts, the end does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub from_min: u16,
    pub until_min: u16,
}

impl Window {
    pub const MORNING: Self = Self { from_min: 5 * 60, until_min: 12 * 60 };
    pub const AFTERNOON: Self = Self { from_min: 12 * 60, until_min: 18 * 60 };
    pub const EVENING: Self = Self { from_min: 18 * 60, until_min: 24 * 60 };

    /// Whether a departure at this minute of the day is wanted.
    pub fn holds(self, minute: u16) -> bool {
        (self.from_min..self.until_min).contains(&minute)
    }
}

/// The time of day that the text asks for.
pub fn take_window(text: &mut String) -> Option<Window> {
    take(text, &BETWEEN, between).or_else(|| take(text, &CLOCK, at_clock)).or_else(|| {
        PARTS.iter().find_map(|(pattern, from, until)| {
            take(text, pattern, |_| Some(Window { from_min: from * 60, until_min: until * 60 }))
        })
    })
}

/// `8点到10点`, `between 8 and 10`.
fn between(found: &Captures) -> Option<Window> {
    let group = |n: usize| found.get(n).map(|text| text.as_str());
    // Two bare numbers are no times: at least one needs a unit.
    if [3, 4, 7, 8].iter().all(|n| group(*n).is_none()) {
        return None;
    }
    let from = minute_of_day(group(1), group(2)?, group(3), group(4).or(group(8)))?;
    let until = minute_of_day(group(5).or(group(1)), group(6)?, group(7), group(8))?;
    (from < until).then_some(Window { from_min: from, until_min: until })
}

/// One clock time with what surrounds it: before, after, or about.
fn at_clock(found: &Captures) -> Option<Window> {
    let group = |n: usize| found.get(n).map_or("", |text| text.as_str());
    let some = |n: usize| found.get(n).map(|text| text.as_str());
    // A bare number is no time: it needs a word before it or a unit behind it.
    let marked = !group(4).is_empty() || !group(5).is_empty() || !group(1).is_empty();
    if !marked {
        return None;
    }
    let minute = minute_of_day(some(2), group(3), some(4), some(5))?;
    let (before, after) = (group(1), group(6));
    let window = match () {
        () if ["before", "by", "until"].contains(&before) || after.contains('前') => (0, minute),
        () if ["after", "from", "since"].contains(&before)
            || after.contains('后')
            || after.contains('起') =>
        {
            (minute, 24 * 60)
        }
        () => (minute.saturating_sub(60), (minute + 90).min(24 * 60)),
    };
    (window.0 < window.1).then_some(Window { from_min: window.0, until_min: window.1 })
}

/// `下午` `3` `半`, `9` `:30` `pm`: the minute of the day, at most 24:00.
fn minute_of_day(
    part: Option<&str>,
    hour: &str,
    minute: Option<&str>,
    meridiem: Option<&str>,
) -> Option<u16> {
    let mut hour: u16 = hour.parse().ok()?;
    let minute: u16 = match minute.map(|text| text.trim_matches([':', '点', '分', '时'])) {
        None | Some("") | Some("整") => 0,
        Some("半") => 30,
        Some("一刻") => 15,
        Some("三刻") => 45,
        Some(number) => number.parse().ok()?,
    };
    let late = matches!(part, Some("下午" | "晚上" | "傍晚" | "夜里" | "晚"))
        || meridiem.is_some_and(|m| m.starts_with('p'));
    if late && hour < 12 {
        hour += 12;
    }
    if meridiem.is_some_and(|m| m.starts_with('a')) && hour == 12 {
        hour = 0;
    }
    (hour <= 24 && minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
}

const ZH_PART: &str = r"(凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|早|晚)";

static BETWEEN: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"{ZH_PART}?(?:\b(?:between|from) )?(\d{{1,2}})(:\d{{2}}|点半?)?\s?(am|pm)?\s?(?:到|至|-|~|and|to|until)\s?{ZH_PART}?(\d{{1,2}})(:\d{{2}}|点半?)?\s?(am|pm)?"
    ))
});
static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
    regex(&format!(
        r"(?:\b(before|after|by|until|since|from|around|about|at) )?{ZH_PART}?\s?\b(\d{{1,2}})(:\d{{2}}|点半|点一刻|点三刻|点整?(?:\d{{1,2}}分?)?|时)?\s?(am\b|pm\b|a\.m\.|p\.m\.|o'clock)?\s?(之前|以前|前|之后|以后|后|左右|前后|起)?"
    ))
});
static PARTS: LazyLock<Vec<(Regex, u16, u16)>> = LazyLock::new(|| {
    [
        (r"凌晨|\bafter midnight\b", 0, 6),
        (r"一早|清晨|早班车?|\bearly(?: in the)? morning\b|\bearly\b", 5, 9),
        (r"早上|早晨|上午|\b(?:in the )?mornings?\b", 5, 12),
        (r"中午|\b(?:at |around )?noon\b|\bmidday\b|\blunch ?time\b", 11, 14),
        (r"午后|下午|\b(?:in the )?afternoons?\b", 12, 18),
        (r"傍晚", 17, 20),
        (r"晚上|夜里|夜间|晚间|\b(?:in the )?evenings?\b|\b(?:at )?night\b", 18, 24),
    ]
    .into_iter()
    .map(|(pattern, from, until)| (regex(pattern), from, until))
    .collect()
});
