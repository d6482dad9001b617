//! Understanding what people write: from a line of Chinese or English to an `Utterance`.
//!
//! Each reader (trains, dates, times of day, kinds, places) looks for what it knows and blanks it out, so
//! that the `-` of `11-30` is not taken for the one of `上海-杭州`. What nobody knew stays for the near
//! misses: a word after `从` or `to` that is no place is matched with those that sound or look like it.

mod dates;
mod intent;
mod near;
mod places;
mod times;

use std::sync::LazyLock;

use regex::Regex;
use time::OffsetDateTime;

use crate::language::{CHINA, Lang};
use crate::timetable::{Place, Timetable};

pub use dates::Day;
pub use intent::Intent;
pub use places::{Gazetteer, Role, Unknown};
pub use times::Window;

/// Longer messages are cut: nobody describes a journey in more.
const TEXT_CHARS_MAX: usize = 500;

/// Which trains are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// G and C.
    HighSpeed,
    /// D.
    MultipleUnit,
    /// Z, T and K.
    Conventional,
    /// Trains of one prefix letter.
    Prefix(char),
}

/// What a message said, part by part; absent parts were not mentioned.
#[derive(Debug, Default, PartialEq)]
pub struct Utterance {
    /// The language it is written in, if that can be told.
    pub lang: Option<Lang>,
    pub intent: Option<Intent>,
    pub from: Option<Place>,
    pub to: Option<Place>,
    /// A place with nothing to say whether it is the start or the goal.
    pub loose: Option<Place>,
    /// Something that stands where a place should.
    pub unknown: Option<Unknown>,
    pub day: Option<Day>,
    pub window: Option<Window>,
    pub kind: Option<Kind>,
    /// A train number in capitals; it need not exist.
    pub train: Option<String>,
}

impl Utterance {
    /// Whether it says anything about a journey.
    pub fn is_about_travel(&self) -> bool {
        self.from.is_some()
            || self.to.is_some()
            || self.loose.is_some()
            || self.unknown.is_some()
            || self.day.is_some()
            || self.window.is_some()
            || self.kind.is_some()
    }
}

/// Reads one message, sent at `now`.
pub fn understand(
    text: &str,
    now: OffsetDateTime,
    timetable: &Timetable,
    gazetteer: &Gazetteer,
) -> Utterance {
    let original = normalised(text);
    let mut text = original.clone();
    let mut said = Utterance { lang: language(&original), ..Utterance::default() };
    said.train = take(&mut text, &TRAIN_NUMBER, |found| Some(found[2].to_uppercase()));
    let today = now.to_offset(CHINA).date();
    (said.day, said.window) = dates::take_day(&mut text, today);
    said.window = times::take_window(&mut text).or(said.window);
    said.kind = take_kind(&mut text);
    said.intent = intent::of(&text);
    let found = places::take_places(&mut text, gazetteer);
    said.from = found.from;
    said.to = found.to;
    said.loose = found.loose;
    if said.intent.is_none() {
        said.unknown = places::unknown(&text, &said, timetable, gazetteer);
    }
    said
}

/// The language of a text: any Han character makes it Chinese, two Latin letters together English.
pub fn language(text: &str) -> Option<Lang> {
    if text.chars().any(is_han) {
        return Some(Lang::Zh);
    }
    LATIN_WORD.is_match(text).then_some(Lang::En)
}

/// Whether a character is Chinese.
pub fn is_han(character: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&character)
}

/// Half-width, lower-case, simplified characters; one space for many; at most `TEXT_CHARS_MAX`.
fn normalised(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars().take(TEXT_CHARS_MAX) {
        let character = match character {
            '\u{3000}' => ' ',
            '\u{ff01}'..='\u{ff5e}' => {
                char::from_u32(character as u32 - 0xfee0).expect("full-width forms map onto ASCII")
            }
            '’' | '‘' | '`' => '\'',
            other if other.is_whitespace() => ' ',
            other => simplified(other),
        };
        if character != ' ' || !out.ends_with(' ') {
            out.extend(character.to_lowercase());
        }
    }
    dates::arabic_numerals(out.trim())
}

/// The simplified form of the traditional characters that occur in station names and dates.
fn simplified(character: char) -> char {
    TRADITIONAL
        .chars()
        .position(|traditional| traditional == character)
        .and_then(|at| SIMPLIFIED.chars().nth(at))
        .unwrap_or(character)
}

/// Finds the first match, hands it to `read`, and blanks it out if that made sense of it.
fn take<T>(text: &mut String, pattern: &Regex, read: impl Fn(&regex::Captures) -> Option<T>) -> Option<T> {
    let (range, value) = pattern.captures_iter(text).find_map(|found| {
        let whole = found.get(0)?;
        Some((whole.range(), read(&found)?))
    })?;
    text.replace_range(range, " ");
    Some(value)
}

fn take_kind(text: &mut String) -> Option<Kind> {
    let prefix = take(text, &PREFIX_KIND, |found| {
        let letter = found.iter().skip(1).flatten().next()?.as_str().chars().next()?;
        Some(Kind::Prefix(letter.to_ascii_uppercase()))
    });
    prefix
        .or_else(|| take(text, &HIGH_SPEED, |_| Some(Kind::HighSpeed)))
        .or_else(|| take(text, &MULTIPLE_UNIT, |_| Some(Kind::MultipleUnit)))
        .or_else(|| take(text, &CONVENTIONAL, |_| Some(Kind::Conventional)))
}

/// Word boundaries are ASCII ones: in `G1的` the number ends before the Han character.
fn regex(pattern: &str) -> Regex {
    Regex::new(&pattern.replace(r"\b", r"(?-u:\b)")).expect("our own patterns compile")
}

static LATIN_WORD: LazyLock<Regex> = LazyLock::new(|| regex("[a-zA-Z]{2}"));
static TRAIN_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(^|[^a-z0-9])([gdcztk] ?[1-9][0-9]{0,3})(?:次|\b)"));
static PREFIX_KIND: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"([gdcztk]) ?(?:字头|字母|开头|打头|车次)|\b([gdcztk])[ -]?(?:series|class trains?|trains?)\b")
});
static HIGH_SPEED: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"只?看?高铁|高速列车|城际|\b(?:high[ -]?speed|bullet|fast)(?: rail| trains?)?\b")
});
static MULTIPLE_UNIT: LazyLock<Regex> = LazyLock::new(|| regex(r"动车组?|\bemus?\b"));
static CONVENTIONAL: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"普速|普快|普通列车|绿皮车?|硬座|[硬软]?卧铺?|直达特快|特快|快速列车|\b(?:overnight|sleeper|conventional|slow|hard seat)(?: trains?)?\b",
    )
});

const TRADITIONAL: &str =
    "廣臺廈瀋陽長漢濟蘭貴烏魯齊爾濱寧溫無錫蘇島鄭莊張開薩連慶紹興東門龍從後號點週鐵車時間訂買單";
const SIMPLIFIED: &str =
    "广台厦沈阳长汉济兰贵乌鲁齐尔滨宁温无锡苏岛郑庄张开萨连庆绍兴东门龙从后号点周铁车时间订买单";

#[cfg(test)]
mod tests;
