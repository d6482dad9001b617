//! The variables of a template: which values each lets through, and how a value is written into the message.

use rcs::Timestamp;
use rcs::bot::reader::{Faults, Members, kind as kind_of};
use rcs::bot::rule;
use serde_json::Value;

use super::is_name;

/// Characters that a text may have when its variable does not say.
const TEXT_CHARS: usize = 100;
/// The most that a variable may say: no text of a message is longer.
const TEXT_CHARS_MAX: usize = 3072;
/// Characters of a URL when its variable does not say.
const URL_CHARS: usize = 512;
/// The most that a variable may say: no URL of a message is longer.
const URL_CHARS_MAX: usize = 2048;
/// Bounds of numbers and money when the variable does not say: what a JSON number carries exactly.
const NUMBER_MAX: i64 = 999_999_999_999;
/// The most decimals of a number.
const DECIMALS_MAX: u32 = 6;
/// The most choices.
const CHOICES_MAX: usize = 200;
/// The longest pattern of a date, in bytes.
const FORMAT_BYTES_MAX: usize = 64;

/// Something that differs from recipient to recipient.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Letters, digits and underscores.
    pub name: String,
    /// Which values it has.
    pub kind: Kind,
    /// What is filled in when nothing is given, as written; absent when something must be given.
    pub default: Option<String>,
}

/// The types of variables.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `text`: any characters but control characters; line breaks are allowed.
    Text {
        /// `minChars`, 1 when not said.
        min: usize,
        /// `maxChars`.
        max: usize,
    },
    /// `number`: a decimal number, filled in with its decimals.
    Number {
        /// Digits after the point, at the most and in what is filled in.
        decimals: u32,
        /// `min`, in units of the last decimal.
        min: i64,
        /// `max`, in units of the last decimal.
        max: i64,
    },
    /// `money`: an amount with two decimals, or none for JPY and KRW; filled in with its currency.
    Money {
        /// Three capital letters (ISO 4217).
        currency: String,
        /// `max`, in units of the last decimal.
        max: i64,
    },
    /// `date`: a date or a date with a time (RFC 3339, or with a space and without seconds), filled in by a pattern.
    Date {
        /// `format`: `%Y`, `%m`, `%d`, `%H`, `%M`, `%S`, `%z` (the offset), `%-m`, `%-d`, `%-H` (without a leading zero), `%%`.
        format: String,
    },
    /// `url`: an http or https URL.
    Url {
        /// `maxChars`.
        max: usize,
    },
    /// `phone`: digits, with a `+` or not.
    Phone,
    /// `choice`: one of some words, each with the text that is filled in for it.
    Choice {
        /// Words and texts; from a list of texts, the words are the texts.
        choices: Vec<(String, String)>,
    },
}

/// Which of a variable's values.
#[derive(Clone, Copy)]
pub(super) enum Sample {
    /// Of fewest characters.
    Shortest,
    /// Of most characters.
    Longest,
    /// Of most bytes, which a URL shows.
    Widest,
}

/// Why something is no value of a variable: the rule and what is wrong.
pub(super) type NoValue = (&'static str, String);

impl Variable {
    /// Reads a declaration.
    pub(super) fn read(mut members: Members, faults: &mut Faults) -> Option<Self> {
        let name = members.text("name", faults)?;
        if !is_name(&name) {
            let detail = "no name: a letter, then letters, digits and underscores, at most 40";
            faults.add(members.at("name"), rule::WORD, detail);
        }
        let kind = Kind::read(&mut members, faults)?;
        let default = members.value("default");
        let (own, path) = (members.path.clone(), members.at("default"));
        for (name, _) in members.rest() {
            faults.add(format!("{own}.{name}"), rule::EXTRA, "no member of this type");
        }
        let default = default.and_then(|given| match kind.write(&given) {
            Ok(value) => Some(value),
            Err((rule, detail)) => {
                faults.add(path, rule, detail);
                None
            }
        });
        Some(Self { name, kind, default })
    }

    /// Whether a value must be given.
    pub fn is_required(&self) -> bool {
        self.default.is_none() && !matches!(self.kind, Kind::Text { min: 0, .. })
    }

    /// What is filled in for a given value; null and an empty text count as not given.
    pub(super) fn value(&self, given: &Value) -> Result<String, NoValue> {
        let is_absent = given.is_null() || given == "";
        match &self.default {
            Some(default) if is_absent => Ok(default.clone()),
            None if is_absent && self.is_required() => Err((rule::REQUIRED, "missing".to_owned())),
            _ if is_absent => Ok(String::new()),
            _ => self.kind.write(given),
        }
    }

    /// One of the values.
    pub(super) fn sample(&self, sample: Sample) -> String {
        // The default is one of them.
        self.kind.sample(sample)
    }
}

impl Kind {
    fn read(members: &mut Members, faults: &mut Faults) -> Option<Self> {
        let word = members.text("type", faults)?;
        Some(match word.as_str() {
            "text" => {
                let max = size(members, "maxChars", TEXT_CHARS, TEXT_CHARS_MAX, faults);
                let min = size(members, "minChars", 1, max, faults);
                Self::Text { min, max }
            }
            "number" => {
                let decimals = size(members, "decimals", 0, DECIMALS_MAX as usize, faults) as u32;
                let min = bound(members, "min", decimals, -NUMBER_MAX, faults);
                let max = bound(members, "max", decimals, NUMBER_MAX, faults);
                if min > max {
                    faults.add(members.at("max"), rule::RANGE, "below min");
                }
                Self::Number { decimals, min, max }
            }
            "money" => {
                let currency = members.text("currency", faults)?;
                if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
                    faults.add(members.at("currency"), rule::WORD, "no currency: three capital letters");
                    return None;
                }
                let max = bound(members, "max", decimals_of(&currency), NUMBER_MAX, faults);
                Self::Money { currency, max }
            }
            "date" => {
                let format = members.string("format", faults).unwrap_or_else(|| "%Y-%m-%d".to_owned());
                if let Err(detail) = written(&format, &DateFields::default()) {
                    faults.add(members.at("format"), rule::TIME, detail);
                    return None;
                }
                Self::Date { format }
            }
            "url" => Self::Url { max: size(members, "maxChars", URL_CHARS, URL_CHARS_MAX, faults) },
            "phone" => Self::Phone,
            "choice" => Self::Choice { choices: choices(members, faults)? },
            _ => {
                let detail =
                    format!("{:?} is not one of text, number, money, date, url, phone, choice", clip(&word));
                faults.add(members.at("type"), rule::WORD, detail);
                return None;
            }
        })
    }

    /// What is filled in for a value that was given.
    fn write(&self, given: &Value) -> Result<String, NoValue> {
        let text = match given {
            Value::String(text) => text.clone(),
            Value::Number(number)
                if matches!(self, Self::Number { .. } | Self::Money { .. } | Self::Choice { .. }) =>
            {
                number.to_string()
            }
            other => return Err((rule::TYPE, format!("{} where a string belongs", kind_of(other)))),
        };
        match self {
            Self::Text { min, max } => of_text(&text, *min, *max),
            Self::Number { decimals, min, max } => {
                let number = decimal(&text, *decimals)?;
                match (*min..=*max).contains(&number) {
                    true => Ok(in_decimals(number, *decimals)),
                    false => Err((
                        rule::RANGE,
                        format!("{} to {}", in_decimals(*min, *decimals), in_decimals(*max, *decimals)),
                    )),
                }
            }
            Self::Money { currency, max } => {
                let decimals = decimals_of(currency);
                let amount = decimal(&text, decimals)?;
                match (0..=*max).contains(&amount) {
                    true => Ok(in_currency(amount, currency)),
                    false => Err((rule::RANGE, format!("0 to {}", in_decimals(*max, decimals)))),
                }
            }
            Self::Date { format } => {
                let fields = DateFields::parse(&text).ok_or_else(|| {
                    (
                        rule::TIME,
                        format!(
                            "{:?} is no date such as 2026-11-24 or 2026-11-24T14:20:00+08:00",
                            clip(&text)
                        ),
                    )
                })?;
                written(format, &fields).map_err(|detail| (rule::TIME, detail))
            }
            Self::Url { max } => of_url(&text, *max),
            Self::Phone => of_phone(&text),
            Self::Choice { choices } => {
                let found = choices.iter().find(|(word, _)| *word == text);
                found.map(|(_, label)| label.clone()).ok_or_else(|| {
                    let words: Vec<&str> = choices.iter().take(10).map(|(word, _)| word.as_str()).collect();
                    (rule::WORD, format!("{:?} is not one of {}", clip(&text), words.join(", ")))
                })
            }
        }
    }

    fn sample(&self, sample: Sample) -> String {
        let is_short = matches!(sample, Sample::Shortest);
        match self {
            Self::Text { min, max } => "字".repeat(if is_short { *min } else { *max }),
            Self::Number { decimals, min, max } => {
                let mut bounds = [in_decimals(*min, *decimals), in_decimals(*max, *decimals)];
                bounds.sort_by_key(String::len);
                let [short, long] = bounds;
                if is_short { short } else { long }
            }
            Self::Money { currency, max } => in_currency(if is_short { 0 } else { *max }, currency),
            Self::Date { format } => {
                let fields = if is_short { DateFields::default() } else { DateFields::longest() };
                written(format, &fields).unwrap_or_default()
            }
            Self::Url { max } => {
                let shortest = "http://a";
                if is_short { shortest.to_owned() } else { format!("{shortest:a<max$}") }
            }
            Self::Phone => if is_short { "100" } else { "+86138000000000000000" }.to_owned(),
            Self::Choice { choices } => {
                let labels = choices.iter().map(|(_, label)| label);
                let found = match sample {
                    Sample::Shortest => labels.min_by_key(|label| label.chars().count()),
                    Sample::Longest => labels.max_by_key(|label| label.chars().count()),
                    Sample::Widest => labels.max_by_key(|label| label.len()),
                };
                found.cloned().unwrap_or_default()
            }
        }
    }
}

/// A whole number from 0 to `most`.
fn size(members: &mut Members, key: &str, usual: usize, most: usize, faults: &mut Faults) -> usize {
    let Some(given) = members.value(key) else { return usual.min(most) };
    match given.as_u64().and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= most) {
        Some(size) => size,
        None => {
            faults.add(members.at(key), rule::RANGE, format!("no whole number from 0 to {most}"));
            usual.min(most)
        }
    }
}

/// A bound of a number, in units of the last decimal.
fn bound(members: &mut Members, key: &str, decimals: u32, usual: i64, faults: &mut Faults) -> i64 {
    let usual = usual.saturating_mul(10_i64.pow(decimals));
    let Some(given) = members.value(key) else { return usual };
    let text = given.as_str().map_or_else(|| given.to_string(), str::to_owned);
    match decimal(&text, decimals) {
        Ok(bound) => bound,
        Err((rule, detail)) => {
            faults.add(members.at(key), rule, detail);
            usual
        }
    }
}

fn choices(members: &mut Members, faults: &mut Faults) -> Option<Vec<(String, String)>> {
    let path = members.at("choices");
    let text = |value: Value| match value {
        Value::String(text) if !text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX => Some(text),
        _ => None,
    };
    let given: Vec<(Option<String>, Option<String>)> = match members.value("choices") {
        Some(Value::Array(texts)) => texts.into_iter().map(text).map(|text| (text.clone(), text)).collect(),
        Some(Value::Object(labels)) => {
            labels.into_iter().map(|(word, label)| (text(Value::String(word)), text(label))).collect()
        }
        _ => Vec::new(),
    };
    if given.is_empty() || given.len() > CHOICES_MAX {
        faults.add(path, rule::COUNT, format!("no list or object of 1 to {CHOICES_MAX} texts"));
        return None;
    }
    let mut choices = Vec::with_capacity(given.len());
    for (index, choice) in given.into_iter().enumerate() {
        match choice {
            (Some(word), Some(label)) => choices.push((word, label)),
            _ => faults.add(
                format!("{path}[{index}]"),
                rule::TYPE,
                "no text, an empty one, or a very long one",
            ),
        }
    }
    Some(choices)
}

fn of_text(text: &str, min: usize, max: usize) -> Result<String, NoValue> {
    let chars = text.chars().count();
    if chars > max {
        return Err((rule::LENGTH, format!("{chars} > {max}")));
    }
    if chars < min {
        return Err((rule::LENGTH, format!("{chars} < {min}")));
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err((rule::TYPE, "control characters".to_owned()));
    }
    Ok(text.to_owned())
}

fn of_url(text: &str, max: usize) -> Result<String, NoValue> {
    let chars = text.chars().count();
    if chars > max {
        return Err((rule::LENGTH, format!("{chars} > {max}")));
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let host = text
        .split_once("://")
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"));
    match host {
        Some((_, rest)) if is_plain && !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']) => {
            Ok(text.to_owned())
        }
        _ => Err((rule::URL, format!("{:?} is no http or https URL", clip(text)))),
    }
}

fn of_phone(text: &str) -> Result<String, NoValue> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    match (3..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err((rule::TYPE, format!("{:?} is no phone number", clip(text)))),
    }
}

/// A decimal number in units of its last decimal: `-12.5` with two decimals is -1250.
fn decimal(text: &str, decimals: u32) -> Result<i64, NoValue> {
    let no_number =
        || (rule::TYPE, format!("{:?} is no number with at most {decimals} decimals", clip(text)));
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.trim()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 15 {
        return Err(no_number());
    }
    let significant = fraction.trim_end_matches('0');
    if significant.len() > decimals as usize {
        return Err(no_number());
    }
    let fraction = format!("{significant:0<width$}", width = decimals as usize);
    let number: i64 = format!("{whole}{fraction}").parse().map_err(|_| no_number())?;
    Ok(sign * number)
}

fn in_decimals(number: i64, decimals: u32) -> String {
    let unit = 10_u64.pow(decimals);
    let sign = if number < 0 { "-" } else { "" };
    let (whole, fraction) = (number.unsigned_abs() / unit, number.unsigned_abs() % unit);
    match decimals {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{fraction:0width$}", width = decimals as usize),
    }
}

fn decimals_of(currency: &str) -> u32 {
    if matches!(currency, "JPY" | "KRW") { 0 } else { 2 }
}

fn in_currency(amount: i64, currency: &str) -> String {
    let amount = in_decimals(amount, decimals_of(currency));
    match currency {
        "CNY" => format!("¥{amount}"),
        "USD" => format!("${amount}"),
        "EUR" => format!("€{amount}"),
        "GBP" => format!("£{amount}"),
        _ => format!("{currency} {amount}"),
    }
}

/// A date and time as they stand in a value.
struct DateFields {
    numbers: [u16; 6],
    offset: String,
}

impl Default for DateFields {
    /// The first day of 2000: as short as any.
    fn default() -> Self {
        Self { numbers: [2000, 1, 1, 0, 0, 0], offset: "Z".to_owned() }
    }
}

impl DateFields {
    fn longest() -> Self {
        Self { numbers: [2026, 12, 31, 23, 59, 59], offset: "+08:00".to_owned() }
    }

    /// Reads a date, or a date and time with or without seconds and offset. `None` if there is no such day or time.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let full = match text.len() {
            10 => format!("{text}T00:00:00"),
            16 => format!("{text}:00"),
            _ => text.to_owned(),
        };
        Timestamp::parse_rfc3339(&full).ok()?;
        // What was read has these places filled with digits; what is not ASCII was refused.
        let number = |at: std::ops::Range<usize>| full.get(at)?.parse().ok();
        let numbers =
            [number(0..4)?, number(5..7)?, number(8..10)?, number(11..13)?, number(14..16)?, number(17..19)?];
        let rest =
            full.get(19..)?.trim_start_matches(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        let offset = if rest.is_empty() { "Z" } else { rest };
        Some(Self { numbers, offset: offset.to_owned() })
    }
}

/// A date by a pattern; `Err` says what is wrong with the pattern.
fn written(format: &str, date: &DateFields) -> Result<String, String> {
    if format.len() > FORMAT_BYTES_MAX {
        return Err(format!("{} bytes > {FORMAT_BYTES_MAX}", format.len()));
    }
    let [year, month, day, hour, minute, second] = date.numbers;
    let mut written = String::new();
    let mut chars = format.chars();
    while let Some(char) = chars.next() {
        if char != '%' {
            written.push(char);
            continue;
        }
        let mut code = chars.next();
        let is_bare = code == Some('-');
        if is_bare {
            code = chars.next();
        }
        let two = |number: u16| if is_bare { number.to_string() } else { format!("{number:02}") };
        match code {
            Some('Y') if !is_bare => written.push_str(&format!("{year:04}")),
            Some('m') => written.push_str(&two(month)),
            Some('d') => written.push_str(&two(day)),
            Some('H') => written.push_str(&two(hour)),
            Some('M') => written.push_str(&two(minute)),
            Some('S') => written.push_str(&two(second)),
            Some('z') if !is_bare => written.push_str(&date.offset),
            Some('%') if !is_bare => written.push('%'),
            _ => return Err("knows %Y %m %d %H %M %S %z %-m %-d %-H %%, and no other".to_owned()),
        }
    }
    Ok(written)
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}
