//! Days, months and times of day as people at one place count them.
//!
//! A place is a time zone of the IANA database (`Asia/Shanghai`), whose rules for summer time are built in, or a fixed distance
//! from UTC (`+08:00`). What a clock shows is what counts: an hour that is left out when the clocks are put forward is in no
//! window and in no day's quiet hours, and one that comes twice when they are put back is there twice.

use std::str::FromStr;

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Timestamp;

/// Longest name of a time zone, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// The first day of the epoch.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// A place, by what its clocks show. Written `Asia/Shanghai` or `+08:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalTime {
    zone: TimeZone,
}

/// A time during which nobody changes the clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Seconds east of UTC.
    pub offset_s: i32,
    /// When the clocks are changed next.
    pub ends_at: Timestamp,
}

impl LocalTime {
    /// Where clocks show UTC.
    pub const UTC: Self = Self { zone: TimeZone::UTC };

    /// `hours` east of UTC; beyond ±23 it is ±23.
    pub fn hours_east(hours: i8) -> Self {
        Self::minutes_east(60 * i16::from(hours.clamp(-23, 23)))
    }

    /// `minutes` east of UTC; beyond a day it is UTC.
    pub fn minutes_east(minutes: i16) -> Self {
        let offset = Offset::from_seconds(60 * i32::from(minutes));
        Self { zone: TimeZone::fixed(offset.unwrap_or(Offset::ZERO)) }
    }

    /// Where clocks show Chinese standard time.
    pub fn china() -> Self {
        "Asia/Shanghai".parse().expect("a time zone of the database")
    }

    /// The number of the day: days since 1970-01-01. Before that, 0.
    pub fn day(&self, at: Timestamp) -> u32 {
        let days = self.date(at).since(EPOCH).map_or(0, |span| span.get_days());
        u32::try_from(days).unwrap_or(0)
    }

    /// The number of the month: twelve for each year, January of the year 0 is 0.
    pub fn month(&self, at: Timestamp) -> u32 {
        let date = self.date(at);
        u32::try_from(i32::from(date.year()) * 12 + i32::from(date.month()) - 1).unwrap_or(0)
    }

    /// When the next day begins: at midnight, or later where that is left out.
    pub fn next_day(&self, at: Timestamp) -> Timestamp {
        self.beginning(self.date(at).tomorrow())
    }

    /// When the next month begins.
    pub fn next_month(&self, at: Timestamp) -> Timestamp {
        self.beginning(self.date(at).first_of_month().checked_add(1.month()))
    }

    /// The stretch that a moment is in.
    pub fn stretch(&self, at: Timestamp) -> Stretch {
        let at = moment(at);
        let next = self.zone.following(at).next();
        Stretch {
            offset_s: self.zone.to_offset(at).seconds(),
            ends_at: next.map_or(Timestamp::MAX, |next| timestamp(next.timestamp())),
        }
    }

    fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(moment(at)).date()
    }

    fn beginning(&self, date: Result<Date, jiff::Error>) -> Timestamp {
        let begins = date.and_then(|date| date.to_zoned_datetime(self.zone.clone()));
        begins.map_or(Timestamp::MAX, |begins| timestamp(begins.timestamp()))
    }
}

fn moment(at: Timestamp) -> jiff::Timestamp {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX)
}

fn timestamp(at: jiff::Timestamp) -> Timestamp {
    Timestamp::from_millis(u64::try_from(at.as_millisecond()).unwrap_or(0))
}

/// Reads `Asia/Shanghai` in any case, `+08:00`, `-03:30` and `Z`.
impl FromStr for LocalTime {
    type Err = NoTimeZone;

    fn from_str(text: &str) -> Result<Self, NoTimeZone> {
        let refuse = || NoTimeZone(text.chars().take(40).collect());
        let (sign, rest) = match text.as_bytes() {
            b"Z" => return Ok(Self::UTC),
            [b'+', rest @ ..] => (1, rest),
            [b'-', rest @ ..] => (-1, rest),
            _ => {
                let zone = (text.len() <= NAME_BYTES_MAX).then(|| TimeZone::get(text).ok()).flatten();
                let zone = zone.filter(|zone| !zone.is_unknown());
                return zone.map(|zone| Self { zone }).ok_or_else(refuse);
            }
        };
        let [h, hh, b':', m, mm] = rest else { return Err(refuse()) };
        if ![h, hh, m, mm].iter().all(|digit| digit.is_ascii_digit()) {
            return Err(refuse());
        }
        let number = |tens: &u8, ones: &u8| i32::from(tens - b'0') * 10 + i32::from(ones - b'0');
        let (hours, minutes) = (number(h, hh), number(m, mm));
        let offset = Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).map_err(|_| refuse())?;
        match hours < 24 && minutes < 60 {
            true => Ok(Self { zone: TimeZone::fixed(offset) }),
            false => Err(refuse()),
        }
    }
}

impl std::fmt::Display for LocalTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(name) = self.zone.iana_name() {
            return f.write_str(name);
        }
        let offset_s = self.zone.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds();
        let (sign, minutes) = (if offset_s < 0 { '-' } else { '+' }, offset_s.unsigned_abs() / 60);
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The text is no time zone; carries its first 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a time zone such as Asia/Shanghai, nor a distance from UTC such as +08:00")]
pub struct NoTimeZone(String);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).expect("a time")
    }

    fn clock(text: &str) -> LocalTime {
        text.parse().expect("a time zone")
    }

    #[test]
    fn a_day_begins_when_the_clock_shows_midnight() {
        for beijing in [LocalTime::hours_east(8), clock("Asia/Shanghai")] {
            let evening = at("2026-12-31T15:59:59Z");
            let night = at("2026-12-31T16:00:00Z");
            assert_eq!(beijing.day(night), beijing.day(evening) + 1);
            assert_eq!(beijing.month(night), beijing.month(evening) + 1);
            assert_eq!(beijing.month(night), 2027 * 12);
            assert_eq!((beijing.next_day(evening), beijing.next_month(evening)), (night, night));
            assert_eq!(beijing.next_day(night), at("2027-01-01T16:00:00Z"));
            assert_eq!(beijing.next_month(night), at("2027-01-31T16:00:00Z"));
            assert_eq!(beijing.stretch(night), Stretch { offset_s: 28_800, ends_at: Timestamp::MAX });
        }
        assert_eq!(LocalTime::UTC.next_month(at("2024-02-29T12:00:00Z")), at("2024-03-01T00:00:00Z"));
    }

    #[test]
    fn summer_time_makes_days_shorter_and_longer() {
        let berlin = clock("Europe/Berlin");
        let (spring, autumn) = (at("2026-03-28T23:00:00Z"), at("2026-10-24T22:00:00Z"));
        assert_eq!(berlin.next_day(spring).since(spring), Duration::from_secs(23 * 3600));
        assert_eq!(berlin.next_day(autumn).since(autumn), Duration::from_secs(25 * 3600));
        assert_eq!(berlin.day(autumn) + 1, berlin.day(berlin.next_day(autumn)));
        assert_eq!(berlin.stretch(spring), Stretch { offset_s: 3600, ends_at: at("2026-03-29T01:00:00Z") });
        assert_eq!(berlin.stretch(autumn), Stretch { offset_s: 7200, ends_at: at("2026-10-25T01:00:00Z") });
        // Long after what is written down the rule goes on.
        assert_eq!(berlin.stretch(at("2090-07-01T00:00:00Z")).offset_s, 7200);
        // In Egypt the clocks are put forward at midnight, which so is left out.
        let cairo = clock("Africa/Cairo");
        let eve = at("2026-04-23T12:00:00Z");
        let begins = cairo.next_day(eve);
        assert_eq!(begins.rfc3339_offset(3), "2026-04-24T01:00:00.000+03:00");
        assert_eq!(cairo.day(begins), cairo.day(eve) + 1);
        assert_eq!(cairo.day(begins.minus(Duration::from_millis(1))), cairo.day(eve));
    }

    #[test]
    fn time_zones_are_read_as_they_are_written() {
        for text in ["+08:00", "-03:30", "+23:59", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "UTC"] {
            assert_eq!(clock(text).to_string(), text);
            let json = serde_json::to_string(&clock(text)).expect("a text");
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<LocalTime>(&json).expect("the same"), clock(text));
        }
        assert_eq!("Z".parse(), Ok(LocalTime::UTC));
        assert_eq!(clock("asia/shanghai").to_string(), "Asia/Shanghai");
        for text in [
            "",
            "8",
            "+8:00",
            "+08:60",
            "+24:00",
            "08:00",
            "+0x:00",
            "+08:000",
            "Beijing",
            "CST",
            "Etc/Unknown",
            "../Asia/Shanghai",
            "Asia/Shanghai ",
            "亚洲/上海",
        ] {
            assert!(text.parse::<LocalTime>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_and_months_follow_each_other_everywhere(
            millis in 86_400_000u64..Timestamp::MAX.as_millis() - 40 * 86_400_000,
            zone in prop::sample::select(vec!["Z", "+08:00", "-09:30", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe"]),
        ) {
            let (clock, now) = (clock(zone), Timestamp::from_millis(millis));
            let day = clock.next_day(now);
            prop_assert!(day > now && day.since(now) <= Duration::from_secs(25 * 3600));
            prop_assert_eq!(clock.day(day), clock.day(now) + 1);
            prop_assert_eq!(clock.day(day.minus(Duration::from_millis(1))), clock.day(now));
            let month = clock.next_month(now);
            prop_assert_eq!(clock.month(month), clock.month(now) + 1);
            prop_assert_eq!(clock.month(month.minus(Duration::from_millis(1))), clock.month(now));
            prop_assert!(clock.stretch(now).ends_at > now);
        }
    }
}
