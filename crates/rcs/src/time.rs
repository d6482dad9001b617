//! Points in time as values: milliseconds since the Unix epoch, and the texts that protocols write them in.
//!
//! CPIM, IMDN and file XML use RFC 3339; HTTP and SIP `Date` use the fixed format of RFC 9110 §5.6.7.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

const MILLIS_PER_DAY: u64 = 86_400_000;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// Serialized as that number. Values end with the year 9999, which is as far as RFC 3339 can write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub struct Timestamp(u64);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// 9999-12-30T23:59:59.999Z: a day short of the last that RFC 3339 can write, so that every offset can write it.
    pub const MAX: Self = Self(253_402_300_799_999 - MILLIS_PER_DAY);

    /// The time `millis` after the epoch; anything past [`Timestamp::MAX`] becomes that.
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// The time `seconds` after the epoch; anything past [`Timestamp::MAX`] becomes that.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_seconds(self) -> u64 {
        self.0 / 1000
    }

    /// This time and `wait` more, rounded down to a millisecond; stops at [`Timestamp::MAX`].
    pub fn plus(self, wait: Duration) -> Self {
        self.checked_plus(wait).unwrap_or(Self::MAX)
    }

    /// This time and `wait` more; `None` past [`Timestamp::MAX`].
    pub fn checked_plus(self, wait: Duration) -> Option<Self> {
        let millis = u64::try_from(wait.as_millis()).ok()?;
        let sum = self.0.checked_add(millis)?;
        (sum <= Self::MAX.0).then_some(Self(sum))
    }

    /// This time less `span`; stops at the epoch.
    pub fn minus(self, span: Duration) -> Self {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// RFC 3339 in UTC with milliseconds: `2026-11-23T11:33:38.000Z`.
    pub fn rfc3339(self) -> String {
        let mut text = self.date_time_text(UtcOffset::UTC);
        text.push('Z');
        text
    }

    /// RFC 3339 at a whole-hour offset with milliseconds, as the Chinese chatbot APIs write it:
    /// `2026-11-23T19:33:38.000+08:00` for `hours` 8. Offsets beyond ±23 become ±23.
    pub fn rfc3339_offset(self, hours: i8) -> String {
        let hours = hours.clamp(-23, 23);
        let offset = UtcOffset::from_hms(hours, 0, 0).expect("a clamped hour is a valid offset");
        let sign = if hours < 0 { '-' } else { '+' };
        format!("{}{sign}{:02}:00", self.date_time_text(offset), hours.unsigned_abs())
    }

    /// Reads RFC 3339: `2026-11-23T11:33:38Z`, fractions of any length (cut to milliseconds), any offset.
    ///
    /// Also reads what clients send beside it: a lower-case `t` or `z`, a space for the `T`, `+0800` without the
    /// colon, and no offset at all (taken as UTC). A leap second reads as the second before it. Times before 1970
    /// and after [`Timestamp::MAX`] are refused.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimeError> {
        let refuse = || TimeError(text.chars().take(40).collect());
        let bytes = text.trim().as_bytes();
        let fields = bytes.get(..19).ok_or_else(refuse)?;
        if fields[4] != b'-' || fields[7] != b'-' || fields[13] != b':' || fields[16] != b':' {
            return Err(refuse());
        }
        if !matches!(fields[10], b'T' | b't' | b' ') {
            return Err(refuse());
        }
        let number = |at: usize, len: usize| digits(&fields[at..at + len]).ok_or_else(refuse);
        let month = Month::try_from(number(5, 2)? as u8).map_err(|_| refuse())?;
        let date = Date::from_calendar_date(number(0, 4)? as i32, month, number(8, 2)? as u8)
            .map_err(|_| refuse())?;
        let (millis, rest) = fraction_millis(&bytes[19..]).ok_or_else(refuse)?;
        let second = match number(17, 2)? {
            60 => 59,
            second => second,
        };
        let time = Time::from_hms_milli(number(11, 2)? as u8, number(14, 2)? as u8, second as u8, millis)
            .map_err(|_| refuse())?;
        let offset = offset_seconds(rest).ok_or_else(refuse)?;
        let utc = date.with_time(time).assume_utc().unix_timestamp() - offset;
        let millis = u64::try_from(utc).map_err(|_| refuse())? * 1000 + u64::from(millis);
        if millis > Self::MAX.0 { Err(refuse()) } else { Ok(Self(millis)) }
    }

    /// Reads the fixed date format of HTTP `Date` (RFC 9110 §5.6.7), as [`Timestamp::http_date`] writes it. The name of the
    /// day may be any, a day of one digit is read too, and `UTC` or `+0000` may stand for `GMT`.
    pub fn parse_http_date(text: &str) -> Result<Self, TimeError> {
        let refuse = || TimeError(text.chars().take(40).collect());
        let rest = text.trim().split_once(',').ok_or_else(refuse)?.1;
        let mut fields = rest.split_ascii_whitespace();
        let mut field = || fields.next().ok_or_else(refuse);
        let (day, month, year, clock, zone) = (field()?, field()?, field()?, field()?, field()?);
        let month = MONTHS.iter().position(|name| name.eq_ignore_ascii_case(month)).ok_or_else(refuse)? + 1;
        if fields.next().is_some() || !["GMT", "UTC", "+0000"].contains(&zone) {
            return Err(refuse());
        }
        // A clock of another shape makes a text that is no RFC 3339 either.
        Self::parse_rfc3339(&format!("{year}-{month:02}-{day:0>2}T{clock}Z")).map_err(|_| refuse())
    }

    /// The fixed date format of HTTP and SIP `Date` (RFC 9110 §5.6.7): `Mon, 23 Nov 2026 11:33:38 GMT`.
    pub fn http_date(self) -> String {
        const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let at = self.to_offset(UtcOffset::UTC);
        let mut text = String::with_capacity("Mon, 23 Nov 2026 11:33:38 GMT".len());
        text.push_str(WEEKDAYS[usize::from(at.weekday().number_days_from_monday())]);
        text.push_str(", ");
        push_digits(&mut text, at.day().into(), 2);
        text.push(' ');
        text.push_str(MONTHS[usize::from(u8::from(at.month())) - 1]);
        text.push(' ');
        push_digits(&mut text, u32::try_from(at.year()).unwrap_or(0), 4);
        for (separator, number) in [(' ', at.hour()), (':', at.minute()), (':', at.second())] {
            text.push(separator);
            push_digits(&mut text, number.into(), 2);
        }
        text.push_str(" GMT");
        text
    }

    /// `2026-11-23T11:33:38.000` as the clock stands at `offset`.
    fn date_time_text(self, offset: UtcOffset) -> String {
        let at = self.to_offset(offset);
        let mut text = String::with_capacity("2026-11-23T11:33:38.000+08:00".len());
        push_digits(&mut text, u32::try_from(at.year()).unwrap_or(0), 4);
        for (separator, number) in [
            ('-', u8::from(at.month())),
            ('-', at.day()),
            ('T', at.hour()),
            (':', at.minute()),
            (':', at.second()),
        ] {
            text.push(separator);
            push_digits(&mut text, number.into(), 2);
        }
        text.push('.');
        push_digits(&mut text, (self.0 % 1000) as u32, 3);
        text
    }

    /// To the second.
    fn to_offset(self, offset: UtcOffset) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp((self.0 / 1000) as i64)
            .expect("a Timestamp ends before the year 10000")
            .to_offset(offset)
    }
}

impl From<u64> for Timestamp {
    fn from(millis: u64) -> Self {
        Self::from_millis(millis)
    }
}

impl From<Timestamp> for u64 {
    fn from(time: Timestamp) -> Self {
        time.0
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// The text is no RFC 3339 date and time that a [`Timestamp`] can hold; carries its first 40 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a date and time")]
pub struct TimeError(String);

/// Writes the last `len` decimal digits of `number`.
fn push_digits(text: &mut String, number: u32, len: u32) {
    for place in (0..len).rev() {
        text.push(char::from(b'0' + (number / 10u32.pow(place) % 10) as u8));
    }
}

/// The value of one to nine ASCII digits.
fn digits(bytes: &[u8]) -> Option<u32> {
    if bytes.is_empty() || bytes.len() > 9 {
        return None;
    }
    bytes.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

/// Reads `.123456`, if there; gives the milliseconds and what follows.
fn fraction_millis(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let Some(fraction) = bytes.strip_prefix(b".") else {
        return Some((0, bytes));
    };
    let len = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if len == 0 {
        return None;
    }
    let millis =
        (0..3).fold(0, |sum, at| sum * 10 + if at < len { u16::from(fraction[at] - b'0') } else { 0 });
    Some((millis, &fraction[len..]))
}

/// Seconds east of UTC of `Z`, `+08:00`, `+0800`, `+08` or nothing.
fn offset_seconds(bytes: &[u8]) -> Option<i64> {
    let (sign, rest) = match bytes {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [_, _] => (rest, &b"00"[..]),
        [_, _, b':', _, _] => (&rest[..2], &rest[3..]),
        [_, _, _, _] => (&rest[..2], &rest[2..]),
        _ => return None,
    };
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (hours < 24 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_433_618_000);

    #[test]
    fn one_moment_is_written_in_every_format() {
        assert_eq!(NOON.rfc3339(), "2026-11-23T11:33:38.000Z");
        assert_eq!(NOON.rfc3339_offset(8), "2026-11-23T19:33:38.000+08:00");
        assert_eq!(NOON.rfc3339_offset(-5), "2026-11-23T06:33:38.000-05:00");
        assert_eq!(NOON.http_date(), "Mon, 23 Nov 2026 11:33:38 GMT");
    }

    #[test]
    fn every_spelling_of_a_moment_reads_the_same() {
        for text in [
            "2026-11-23T11:33:38Z",
            "2026-11-23T11:33:38.000Z",
            "2026-11-23t11:33:38.0000009z",
            "2026-11-23T19:33:38+08:00",
            "2026-11-23T19:33:38+0800",
            "2026-11-23T19:33:38+08",
            "2026-11-23T06:03:38-05:30",
            "2026-11-23 11:33:38",
            " 2026-11-23T11:33:38Z\r\n",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), Ok(NOON), "{text}");
        }
        let leap = Timestamp::parse_rfc3339("2016-12-31T23:59:60Z");
        assert_eq!(leap, Timestamp::parse_rfc3339("2016-12-31T23:59:59Z"));
    }

    #[test]
    fn http_dates_are_read_strictly_enough_to_compare() {
        for text in [
            "Mon, 23 Nov 2026 11:33:38 GMT",
            " Mon,23 nov 2026 11:33:38 UTC ",
            "Monday, 23 Nov 2026 11:33:38 +0000",
        ] {
            assert_eq!(Timestamp::parse_http_date(text), Ok(NOON), "{text}");
        }
        let first = Timestamp::parse_rfc3339("2026-11-01T00:00:00Z").unwrap();
        assert_eq!(Timestamp::parse_http_date("Sun, 1 Nov 2026 00:00:00 GMT"), Ok(first));
        for text in [
            "",
            "23 Nov 2026 11:33:38 GMT",
            "Mon, 23 Nov 2026 11:33:38",
            "Mon, 23 Nov 2026 11:33:38 CST",
            "Mon, 23 Nov 2026 11:33 GMT",
            "Mon, 31 Feb 2026 11:33:38 GMT",
            "Mon, 23 Brumaire 2026 11:33:38 GMT",
            "Mon, 23 Nov 2026 11:33:38 GMT again",
            "Mon, 023 Nov 2026 11:33:38 GMT",
        ] {
            assert!(Timestamp::parse_http_date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "tomorrow",
            "2026-11-23",
            "2026-13-23T11:33:38Z",
            "2026-02-30T11:33:38Z",
            "2026-11-23T24:33:38Z",
            "2026-11-23T11:33:38.Z",
            "2026-11-23T11:33:38+24:00",
            "2026-11-23T11:33:38Zulu",
            "1969-12-31T23:59:59Z",
            "9999-12-31T23:59:59Z",
            "二〇二六-11-23T11:33:38Z",
        ] {
            assert!(Timestamp::parse_rfc3339(text).is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_stops_at_both_ends() {
        let minute = Duration::from_secs(60);
        assert_eq!(NOON.plus(minute).since(NOON), minute);
        assert_eq!(NOON.since(NOON.plus(minute)), Duration::ZERO);
        assert_eq!(NOON.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(NOON.checked_plus(Duration::MAX), None);
        assert_eq!(Timestamp::EPOCH.minus(minute), Timestamp::EPOCH);
        assert_eq!(Timestamp::from_millis(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.rfc3339_offset(23), "9999-12-31T22:59:59.999+23:00");
    }

    proptest! {
        #[test]
        fn written_times_read_back(millis in 0..=Timestamp::MAX.0, hours in any::<i8>()) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::parse_rfc3339(&time.rfc3339()), Ok(time));
            let text = time.rfc3339_offset(hours);
            // An offset west of the epoch writes 1969, which reads back all the same.
            prop_assert_eq!(Timestamp::parse_rfc3339(&text), Ok(time));
            let seconds = Timestamp::from_seconds(time.as_seconds());
            prop_assert_eq!(Timestamp::parse_http_date(&time.http_date()), Ok(seconds));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = Timestamp::parse_rfc3339(&text);
            let _ = Timestamp::parse_http_date(&format!("Mon, {text}"));
        }
    }
}
