//! Days, as people name them: 明天, 下周五, 11月30日, tomorrow, on Friday, Nov 30, in 3 days.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use time::{Date, Duration};

use super::times::Window;
use super::{regex, take};
use crate::language::{calendar_date, weekday};

/// What was said about the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Day {
    On(Date),
    /// Something like 2月30日, which no calendar has.
    Impossible,
}

type Reader = fn(&Captures, Date) -> Option<Day>;

/// The day that the text names, with the part of the day when the word has it in it (今晚, tonight).
pub fn take_day(text: &mut String, today: Date) -> (Option<Day>, Option<Window>) {
    let part = take(text, &TODAY_PART, |found| {
        let days = if found[0].starts_with('明') { 1 } else { 0 };
        let window = match &found[0] {
            "今早" | "今晨" | "明早" | "明晨" | "this morning" => Window::MORNING,
            "this afternoon" => Window::AFTERNOON,
            _ => Window::EVENING,
        };
        Some((today.checked_add(Duration::days(days))?, window))
    });
    if let Some((date, window)) = part {
        return (Some(Day::On(date)), Some(window));
    }
    let day = READERS.iter().find_map(|(pattern, read)| take(text, pattern, |found| read(found, today)));
    (day, None)
}

/// 十一月三十号 as 11月30号: Chinese numerals before a unit of time.
pub fn arabic_numerals(text: &str) -> String {
    // 晚一点 is "a little later", not one o'clock.
    let text = text.replace("早一点", "早点").replace("晚一点", "晚点");
    CHINESE_NUMERAL
        .replace_all(&text, |found: &Captures| match chinese_number(&found[1]) {
            Some(number) => format!("{number}{}", &found[2]),
            None => found[0].to_string(),
        })
        .into_owned()
}

/// 1 to 99 in Chinese characters.
fn chinese_number(text: &str) -> Option<u32> {
    let digit = |character: char| match character {
        '〇' | '零' => Some(0),
        '两' => Some(2),
        _ => "一二三四五六七八九".chars().position(|one| one == character).map(|at| at as u32 + 1),
    };
    let Some((tens, ones)) = text.split_once('十') else {
        let mut characters = text.chars();
        return characters.next().and_then(digit).filter(|_| characters.next().is_none());
    };
    let part = |text: &str, absent: u32| match text.chars().next() {
        None => Some(absent),
        Some(character) => digit(character),
    };
    Some(part(tens, 1)? * 10 + part(ones, 0)?)
}

fn in_days(today: Date, days: i64) -> Option<Day> {
    today.checked_add(Duration::days(days)).map(Day::On)
}

/// The nth weekday (0 is Monday) of this week or a later one; without a word for the week, the next such day.
fn on_weekday(today: Date, n: u8, weeks: Option<i64>) -> Option<Day> {
    let ahead = i64::from(n) - i64::from(today.weekday().number_days_from_monday());
    match weeks {
        Some(weeks) => in_days(today, ahead + 7 * weeks),
        None => in_days(today, ahead.rem_euclid(7)),
    }
    .filter(|day| !matches!(day, Day::On(date) if date.weekday() != weekday(n)))
}

/// A day and month without a year: this year's, or next year's when it has been.
fn in_month(today: Date, month: &str, day: &str) -> Option<Day> {
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    // A year that has a 29 February is never more than eight away, but nobody books that far ahead.
    let date = [today.year(), today.year() + 1]
        .into_iter()
        .filter_map(|year| calendar_date(year, month, day))
        .find(|date| *date >= today);
    Some(date.map_or(Day::Impossible, Day::On))
}

fn in_year(year: &str, month: &str, day: &str) -> Option<Day> {
    let date = calendar_date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    Some(date.map_or(Day::Impossible, Day::On))
}

/// The next day of the month with this number.
fn on_day_of_month(today: Date, day: &str) -> Option<Day> {
    let day: u8 = day.parse().ok()?;
    let (year, month) = (today.year(), u8::from(today.month()));
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    let date = [calendar_date(year, month, day), calendar_date(next_year, next_month, day)]
        .into_iter()
        .flatten()
        .find(|date| *date >= today);
    Some(date.map_or(Day::Impossible, Day::On))
}

fn zh_weekday(text: &str) -> Option<u8> {
    match text {
        "天" | "日" | "7" | "末" => Some(if text == "末" { 5 } else { 6 }),
        other => "一二三四五六"
            .chars()
            .position(|day| other.starts_with(day))
            .map(|at| at as u8)
            .or_else(|| other.parse::<u8>().ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < 6)),
    }
}

fn en_weekday(text: &str) -> Option<u8> {
    if text == "weekend" {
        return Some(5);
    }
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        .iter()
        .position(|day| text.starts_with(day))
        .map(|at| at as u8)
}

fn en_month(text: &str) -> Option<String> {
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        .iter()
        .position(|month| text.starts_with(month))
        .map(|at| (at + 1).to_string())
}

const MONTHS: &str = r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";
const DAYS: &str = r"mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?|weekend";

/// In this order: the longer form before the shorter one that is part of it.
static READERS: LazyLock<Vec<(Regex, Reader)>> = LazyLock::new(|| {
    let readers: Vec<(String, Reader)> = vec![
        (r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?".into(), |found, _| {
            in_year(&found[1], &found[2], &found[3])
        }),
        (r"(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?".into(), |found, today| {
            in_month(today, &found[1], &found[2])
        }),
        (r"大后天".into(), |_, today| in_days(today, 3)),
        (r"后天|后日|\b(?:the )?day after tomorrow\b".into(), |_, today| in_days(today, 2)),
        (r"明[天日儿]|\b(?:tomorrow|tmr|tmrw|tommorow|tomorow|tommorrow)\b".into(), |_, today| {
            in_days(today, 1)
        }),
        (r"今[天日儿]|\btoday\b".into(), |_, today| in_days(today, 0)),
        (r"(\d{1,2})\s*天(?:之?后|以后)|\bin (\d{1,2}) days?\b".into(), |found, today| {
            let days = found.get(1).or(found.get(2))?.as_str().parse().ok()?;
            in_days(today, days)
        }),
        (
            r"(下下|下个?|这个?|本)?(?:周|星期|礼拜)([一二三四五六日天末1-7])".into(),
            |found, today| {
                let weeks = match found.get(1).map(|week| week.as_str()) {
                    None => None,
                    Some("下下") => Some(2),
                    Some(week) if week.starts_with('下') => Some(1),
                    Some(_) => Some(0),
                };
                on_weekday(today, zh_weekday(&found[2])?, weeks)
            },
        ),
        (format!(r"\b(?:on |for )?(next |this |coming |this coming )?({DAYS})\b"), |found, today| {
            let weeks = match found.get(1).map(|week| week.as_str()) {
                Some("next ") => Some(1),
                _ => None,
            };
            on_weekday(today, en_weekday(&found[2])?, weeks)
        }),
        (format!(r"\b(?:on )?({MONTHS})\.? (?:the )?(\d{{1,2}})(?:st|nd|rd|th)?\b"), |found, today| {
            in_month(today, &en_month(&found[1])?, &found[2])
        }),
        (format!(r"\b(?:on )?(?:the )?(\d{{1,2}})(?:st|nd|rd|th)? (?:of )?({MONTHS})\b"), |found, today| {
            in_month(today, &en_month(&found[2])?, &found[1])
        }),
        (r"\b(\d{1,2})[/.-](\d{1,2})\b".into(), |found, today| in_month(today, &found[1], &found[2])),
        (r"(\d{1,2})\s*[号日]".into(), |found, today| on_day_of_month(today, &found[1])),
        (r"\b(?:on )?the (\d{1,2})(?:st|nd|rd|th)\b".into(), |found, today| {
            on_day_of_month(today, &found[1])
        }),
    ];
    readers.into_iter().map(|(pattern, read)| (regex(&pattern), read)).collect()
});

static TODAY_PART: LazyLock<Regex> =
    LazyLock::new(|| regex(r"[今明][早晨晚夜]|\btonight\b|\bthis (?:morning|afternoon|evening)\b"));
static CHINESE_NUMERAL: LazyLock<Regex> =
    LazyLock::new(|| regex(r"([〇零一二两三四五六七八九十]{1,3})(个?月|日|号|点|天后|天以后|天之后|时)"));
