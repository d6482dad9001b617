//! Days, months and times of day as people at one place count them.
//!
//! A place is a fixed distance from UTC. Summer time is not known: where there is one, the distance is changed with it.

use std::str::FromStr;
use std::time::Duration;

use time::{Date, Month};

use crate::Timestamp;

const DAY_S: i64 = 86_400;
/// 1970-01-01.
const EPOCH_JULIAN_DAY: i64 = 2_440_588;

/// A place, by what its clocks show. Written `+08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Seconds east of UTC, less than a day.
    offset_s: i32,
}

impl LocalTime {
    /// Where clocks show UTC.
    pub const UTC: Self = Self { offset_s: 0 };

    /// `hours` east of UTC; beyond ±23 it is ±23.
    pub fn hours_east(hours: i8) -> Self {
        Self { offset_s: i32::from(hours.clamp(-23, 23)) * 3600 }
    }

    /// The number of the day: days since 1970-01-01. Before that, 0.
    pub fn day(self, at: Timestamp) -> u32 {
        u32::try_from(self.seconds(at).div_euclid(DAY_S)).unwrap_or(0)
    }

    /// The number of the month: twelve for each year, January of the year 0 is 0.
    pub fn month(self, at: Timestamp) -> u32 {
        let date = self.date(at);
        u32::try_from(date.year() * 12).unwrap_or(0) + u32::from(u8::from(date.month())) - 1
    }

    /// What the clock shows, in minutes since midnight: 0 to 1439.
    pub fn minute(self, at: Timestamp) -> u16 {
        (self.seconds(at).rem_euclid(DAY_S) / 60) as u16
    }

    /// When the next day begins.
    pub fn next_day(self, at: Timestamp) -> Timestamp {
        self.next(at, 0)
    }

    /// When the next month begins.
    pub fn next_month(self, at: Timestamp) -> Timestamp {
        let date = self.date(at);
        let (year, month) = match date.month() {
            Month::December => (date.year() + 1, Month::January),
            month => (date.year(), month.next()),
        };
        let first = Date::from_calendar_date(year, month, 1).map(Date::to_julian_day);
        first.map_or(Timestamp::MAX, |day| self.midnight(i64::from(day) - EPOCH_JULIAN_DAY))
    }

    /// When the clock next shows `minute` of a day; after `at`, a day later if it shows that now.
    pub fn next(self, at: Timestamp, minute: u16) -> Timestamp {
        let today = self.seconds(at).div_euclid(DAY_S);
        let on = |day| self.midnight(day).plus(Duration::from_secs(60 * u64::from(minute)));
        [on(today), on(today + 1)].into_iter().find(|time| *time > at).unwrap_or(Timestamp::MAX)
    }

    /// Seconds that the clock has gone since it showed the beginning of 1970.
    fn seconds(self, at: Timestamp) -> i64 {
        at.as_seconds() as i64 + i64::from(self.offset_s)
    }

    fn date(self, at: Timestamp) -> Date {
        let day = self.seconds(at).div_euclid(DAY_S) + EPOCH_JULIAN_DAY;
        Date::from_julian_day(day as i32)
            .expect("a Timestamp ends before the year 10000, and a day short of it")
    }

    fn midnight(self, day: i64) -> Timestamp {
        Timestamp::from_seconds(u64::try_from(day * DAY_S - i64::from(self.offset_s)).unwrap_or(0))
    }
}

/// Reads `+08:00`, `-03:30` and `Z`.
impl FromStr for LocalTime {
    type Err = NoOffset;

    fn from_str(text: &str) -> Result<Self, NoOffset> {
        let refuse = || NoOffset(text.chars().take(20).collect());
        if text == "Z" {
            return Ok(Self::UTC);
        }
        let (sign, rest) = match text.as_bytes() {
            [b'+', rest @ ..] => (1, rest),
            [b'-', rest @ ..] => (-1, rest),
            _ => return Err(refuse()),
        };
        let [h, hh, b':', m, mm] = rest else { return Err(refuse()) };
        if ![h, hh, m, mm].iter().all(|digit| digit.is_ascii_digit()) {
            return Err(refuse());
        }
        let number = |tens: &u8, ones: &u8| i32::from(tens - b'0') * 10 + i32::from(ones - b'0');
        let (hours, minutes) = (number(h, hh), number(m, mm));
        match hours < 24 && minutes < 60 {
            true => Ok(Self { offset_s: sign * (hours * 3600 + minutes * 60) }),
            false => Err(refuse()),
        }
    }
}

impl std::fmt::Display for LocalTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (sign, minutes) = (if self.offset_s < 0 { '-' } else { '+' }, self.offset_s.unsigned_abs() / 60);
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

/// The text is no distance from UTC.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a distance from UTC such as +08:00")]
pub struct NoOffset(String);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("a time")
    }

    #[test]
    fn a_day_begins_when_the_clock_shows_midnight() {
        let beijing = LocalTime::hours_east(8);
        let evening = at("2026-12-31T15:59:59Z");
        let night = at("2026-12-31T16:00:00Z");
        assert_eq!((beijing.minute(evening), beijing.minute(night)), (23 * 60 + 59, 0));
        assert_eq!(beijing.day(night), beijing.day(evening) + 1);
        assert_eq!(beijing.month(night), beijing.month(evening) + 1);
        assert_eq!(beijing.month(night), 2027 * 12);
        assert_eq!((beijing.next_day(evening), beijing.next_month(evening)), (night, night));
        assert_eq!(beijing.next_day(night), at("2027-01-01T16:00:00Z"));
        assert_eq!(beijing.next_month(night), at("2027-01-31T16:00:00Z"));
        assert_eq!(beijing.next(night, 8 * 60), at("2027-01-01T00:00:00Z"));
        assert_eq!(beijing.next(at("2027-01-01T00:00:00Z"), 8 * 60), at("2027-01-02T00:00:00Z"));
        assert_eq!(LocalTime::UTC.next_month(at("2024-02-29T12:00:00Z")), at("2024-03-01T00:00:00Z"));
    }

    #[test]
    fn offsets_are_read_as_they_are_written() {
        for text in ["+08:00", "-03:30", "+00:00", "+23:59"] {
            assert_eq!(text.parse::<LocalTime>().unwrap().to_string(), text);
        }
        assert_eq!("Z".parse(), Ok(LocalTime::UTC));
        for text in ["", "8", "+8:00", "+08:60", "+24:00", "08:00", "+0x:00", "+08:000"] {
            assert!(text.parse::<LocalTime>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_next_time_is_after_now_and_within_a_day(
            millis in 86_400_000u64..Timestamp::MAX.as_millis() - 40 * 86_400_000,
            hours in -23i8..=23,
            minute in 0u16..1440,
        ) {
            let (clock, now) = (LocalTime::hours_east(hours), Timestamp::from_millis(millis));
            let next = clock.next(now, minute);
            prop_assert!(next > now && next.since(now) <= Duration::from_secs(86_400));
            prop_assert_eq!(clock.minute(next), minute);
            let month = clock.next_month(now);
            prop_assert_eq!((clock.month(month), clock.minute(month)), (clock.month(now) + 1, 0));
            prop_assert!(clock.month(month.minus(Duration::from_millis(1))) == clock.month(now));
        }
    }
}
