//! The two languages of the conversation, and how dates, times and money are written in them.

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime, UtcOffset, Weekday};

/// All times that people see: China has one zone and no summer time.
pub const CHINA: UtcOffset = time::macros::offset!(+8);

/// The language that answers are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

/// One sentence in both languages, side by side; names in braces are taken from the scope.
macro_rules! say {
    ($lang:expr, $zh:literal, $en:literal) => {
        match $lang {
            $crate::language::Lang::Zh => format!($zh),
            $crate::language::Lang::En => format!($en),
        }
    };
}
pub(crate) use say;

impl Lang {
    /// The one of two fixed texts that is in this language.
    pub fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// `11月30日 周一`, `Mon 30 Nov`.
    pub fn day(self, date: Date) -> String {
        let (month, day) = (u8::from(date.month()), date.day());
        let weekday = usize::from(date.weekday().number_days_from_monday());
        match self {
            Self::Zh => format!("{month}月{day}日 {}", ZH_DAYS[weekday]),
            Self::En => format!("{} {day} {}", EN_DAYS[weekday], EN_MONTHS[usize::from(month) - 1]),
        }
    }

    /// `4小时28分`, `4 h 28 min`.
    pub fn duration(self, minutes: i64) -> String {
        let (hours, minutes) = (minutes / 60, minutes % 60);
        match (self, hours) {
            (Self::Zh, 0) => format!("{minutes}分"),
            (Self::En, 0) => format!("{minutes} min"),
            (Self::Zh, _) => format!("{hours}小时{minutes}分"),
            (Self::En, _) => format!("{hours} h {minutes} min"),
        }
    }
}

/// `09:05`.
pub fn clock(at: OffsetDateTime) -> String {
    let at = at.to_offset(CHINA);
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// An amount of fen as `¥553` or `¥553.5`.
pub fn yuan(fen: i64) -> String {
    match fen % 100 {
        0 => format!("¥{}", fen / 100),
        cents if cents % 10 == 0 => format!("¥{}.{}", fen / 100, cents.abs() / 10),
        cents => format!("¥{}.{:02}", fen / 100, cents.abs()),
    }
}

/// The first moment of a day in China.
pub fn midnight(date: Date) -> OffsetDateTime {
    date.midnight().assume_offset(CHINA)
}

/// `2026-11-30`: the form in the database and in postbacks.
pub fn iso(date: Date) -> String {
    format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day())
}

/// The reverse of `iso`; `None` for anything else.
pub fn parse_iso(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || year.len() != 4 {
        return None;
    }
    calendar_date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

/// A date from its numbers, if there is such a day in this century: far from the ends of what a `Date` can
/// hold, so that adding a journey to it is always possible.
pub fn calendar_date(year: i32, month: u8, day: u8) -> Option<Date> {
    if !(2000..2100).contains(&year) {
        return None;
    }
    Date::from_calendar_date(year, time::Month::try_from(month).ok()?, day).ok()
}

/// The weekday `n` days after Monday.
pub fn weekday(n: u8) -> Weekday {
    Weekday::Monday.nth_next(n)
}

const ZH_DAYS: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
const EN_DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const EN_MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
