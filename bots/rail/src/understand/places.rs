//! Stations and cities in a text, and which of them is the start and which the goal.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::near;
use super::{Utterance, is_han, language, regex};
use crate::language::Lang;
use crate::timetable::{Place, Timetable};

/// Every name by which a station or city may be called.
pub struct Gazetteer {
    /// Chinese names, at most `HAN_NAME_MAX` characters.
    han: HashMap<String, Place>,
    /// English names and pinyin, lower-case letters only.
    latin: HashMap<String, Place>,
}

/// Where a journey begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    From,
    To,
}

/// Something written where a place belongs, with the places it may have meant, likeliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub role: Role,
    pub text: String,
    pub near: Vec<Place>,
}

/// The places of a text by their parts in the journey.
#[derive(Default)]
pub struct Found {
    pub from: Option<Place>,
    pub to: Option<Place>,
    pub loose: Option<Place>,
}

impl Gazetteer {
    /// The names of all stations and cities; a name of both means the city.
    pub fn new(timetable: &Timetable) -> Self {
        let mut names = Self { han: HashMap::new(), latin: HashMap::new() };
        for station in &timetable.stations {
            let place = Place(station.code.clone());
            names.add(&station.zh, &station.en, &station.pinyin, &place);
            names.han.insert(format!("{}站", station.zh), place.clone());
            names.latin.insert(letters(&format!("{} railway station", station.en)), place);
        }
        for city in &timetable.cities {
            let place = Place(city.code.clone());
            names.add(&city.zh, &city.en, &near::pinyin(&city.zh), &place);
            names.han.insert(format!("{}市", city.zh), place);
        }
        for (name, code) in NICKNAMES {
            let names = if name.chars().all(is_han) { &mut names.han } else { &mut names.latin };
            names.insert(name.to_string(), Place(code.to_string()));
        }
        names
    }

    /// All Chinese and all Latin names, for the search of near misses.
    pub fn names(&self) -> impl Iterator<Item = (&str, &Place)> {
        self.han.iter().chain(&self.latin).map(|(name, place)| (name.as_str(), place))
    }

    fn add(&mut self, zh: &str, en: &str, pinyin: &str, place: &Place) {
        self.han.insert(zh.to_string(), place.clone());
        self.latin.insert(letters(&en.to_lowercase()), place.clone());
        self.latin.insert(letters(pinyin), place.clone());
    }
}

/// Finds the places in the text, blanks them out, and gives each its part.
pub fn take_places(text: &mut String, gazetteer: &Gazetteer) -> Found {
    let characters: Vec<char> = text.chars().collect();
    let mentions = mentions(&characters, gazetteer);
    let mut found = Found::default();
    let mut undecided = Vec::new();
    let mut gap_start = 0;
    for (at, mention) in mentions.iter().enumerate() {
        let gap: String = characters[gap_start..mention.start].iter().collect();
        let next = mentions.get(at + 1).map_or(characters.len(), |next| next.start);
        let behind: String = characters[mention.end..next].iter().collect();
        let role = role(&gap, &behind, at > 0);
        match role {
            Some(Role::From) if found.from.is_none() => found.from = Some(mention.place.clone()),
            Some(Role::To) if found.to.is_none() => found.to = Some(mention.place.clone()),
            _ => undecided.push(mention.place.clone()),
        }
        gap_start = mention.end;
    }
    let alone = mentions.len() == 1;
    for place in undecided {
        match (&found.from, &found.to) {
            _ if alone => found.loose = Some(place),
            (None, _) => found.from = Some(place),
            (Some(_), None) => found.to = Some(place),
            (Some(_), Some(_)) => {}
        }
    }
    *text = blanked(&characters, &mentions);
    found
}

/// What stands in the place of a start or goal that was not found, if the rest of the text has such a thing.
pub fn unknown(
    text: &str,
    said: &Utterance,
    timetable: &Timetable,
    gazetteer: &Gazetteer,
) -> Option<Unknown> {
    let patterns: [(&LazyLock<Regex>, Role, bool); 4] = [
        (&ZH_FROM, Role::From, said.from.is_some()),
        (&ZH_TO, Role::To, said.to.is_some()),
        (&EN_FROM, Role::From, said.from.is_some()),
        (&EN_TO, Role::To, said.to.is_some()),
    ];
    let marked = patterns.into_iter().filter(|(_, _, taken)| !taken).find_map(|(pattern, role, _)| {
        let word = pattern.captures_iter(text).find_map(|found| candidate(&found[1]))?;
        Some((role, word))
    });
    // A word before 到 or "to", or a short message that is nothing else, may be a misspelt place too.
    let (role, word, sure) = match marked {
        Some((role, word)) => (role, word, true),
        None => {
            let before = [&ZH_BEFORE_TO, &EN_BEFORE_TO]
                .into_iter()
                .filter(|_| said.from.is_none())
                .find_map(|pattern| pattern.captures(text).and_then(|found| candidate(&found[1])));
            match before {
                Some(word) => (Role::From, word, said.to.is_some()),
                None => {
                    (Role::To, candidate(text).filter(|_| said.to.is_none() && said.loose.is_none())?, false)
                }
            }
        }
    };
    let near = near::places(&word, timetable, gazetteer);
    // What nothing resembles is reported only where a place was surely meant.
    (sure || !near.is_empty()).then_some(Unknown { role, text: word, near })
}

struct Mention {
    start: usize,
    end: usize,
    place: Place,
}

fn mentions(text: &[char], gazetteer: &Gazetteer) -> Vec<Mention> {
    let mut mentions = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let found = if is_han(text[at]) {
            han_mention(text, at, gazetteer)
        } else if text[at].is_ascii_alphabetic() && (at == 0 || !text[at - 1].is_ascii_alphabetic()) {
            latin_mention(text, at, gazetteer)
        } else {
            None
        };
        match found {
            Some(mention) => {
                at = mention.end;
                mentions.push(mention);
            }
            None => at += 1,
        }
    }
    mentions
}

/// The longest name that starts here, unless a shorter one leaves room for another place behind it:
/// 上海南京 is 上海 and 南京, not 上海南 and 京.
fn han_mention(text: &[char], start: usize, gazetteer: &Gazetteer) -> Option<Mention> {
    let name = |start: usize, length: usize| -> Option<&Place> {
        let name: String = text.get(start..start + length)?.iter().collect();
        gazetteer.han.get(&name)
    };
    let lengths: Vec<usize> =
        (2..=HAN_NAME_MAX).rev().filter(|length| name(start, *length).is_some()).collect();
    let longest = *lengths.first()?;
    let split = lengths.iter().skip(1).find(|shorter| {
        (2..=HAN_NAME_MAX).any(|next| **shorter + next > longest && name(start + **shorter, next).is_some())
    });
    let length = split.copied().unwrap_or(longest);
    Some(Mention { start, end: start + length, place: name(start, length)?.clone() })
}

/// Up to four words that together are a name: `hong kong west kowloon`, `xi'an north station`.
fn latin_mention(text: &[char], start: usize, gazetteer: &Gazetteer) -> Option<Mention> {
    let mut ends = Vec::new();
    let mut at = start;
    while at < text.len() && ends.len() < LATIN_WORDS_MAX {
        while at < text.len() && (text[at].is_ascii_alphabetic() || text[at] == '\'') {
            at += 1;
        }
        ends.push(at);
        if text.get(at) != Some(&' ') || !text.get(at + 1).is_some_and(char::is_ascii_alphabetic) {
            break;
        }
        at += 1;
    }
    ends.into_iter().rev().find_map(|end| {
        let words: String = text[start..end].iter().collect();
        let place = gazetteer.latin.get(&letters(&words))?.clone();
        Some(Mention { start, end, place })
    })
}

/// The part that the words before and after a mention give it.
fn role(gap: &str, behind: &str, follows_another: bool) -> Option<Role> {
    let gap = gap.trim_end();
    if FROM_BEFORE.is_match(gap) || FROM_BEHIND.is_match(behind) {
        return Some(Role::From);
    }
    if TO_BEFORE.is_match(gap) || (follows_another && DASH_BEFORE.is_match(gap)) {
        return Some(Role::To);
    }
    None
}

fn blanked(text: &[char], mentions: &[Mention]) -> String {
    let inside = |at: usize| mentions.iter().any(|mention| (mention.start..mention.end).contains(&at));
    // One mark per mention, so that no name is read across it.
    text.iter()
        .enumerate()
        .filter_map(|(at, character)| match inside(at) {
            false => Some(*character),
            true if mentions.iter().any(|mention| mention.start == at) => Some('|'),
            true => None,
        })
        .collect()
}

/// A word without the small talk around it; `None` if nothing that could be a name is left.
fn candidate(word: &str) -> Option<String> {
    let word = FILLER.replace_all(word, " ");
    let word = word.trim_matches(|c: char| !is_han(c) && !c.is_ascii_alphabetic());
    let length = word.chars().count();
    let plausible = match language(word)? {
        Lang::Zh => (2..=6).contains(&length) && word.chars().all(is_han),
        Lang::En => (3..=24).contains(&length) && word.split(' ').count() <= 3,
    };
    plausible.then(|| word.to_string())
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphabetic).flat_map(char::to_lowercase).collect()
}

const HAN_NAME_MAX: usize = 6;
const LATIN_WORDS_MAX: usize = 5;

const NICKNAMES: [(&str, &str); 10] = [
    ("虹桥", "AOH"),
    ("西九龙", "XJA"),
    ("九龙", "XJA"),
    ("龙门", "LLF"),
    ("peking", "beijing"),
    ("canton", "guangzhou"),
    ("hk", "hongkong"),
    ("kowloon", "XJA"),
    ("hongqiao", "AOH"),
    ("tibet", "lhasa"),
];

static FROM_BEFORE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"(?:从|由|自|离开|\b(?:from|leaving|departing|depart|out of))$"));
static FROM_BEHIND: LazyLock<Regex> = LazyLock::new(|| regex(r"^\s?(?:出发|始发|发车|开往)"));
static TO_BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?:到达?|去|至|往|回|飞|抵达|目的地是?|\b(?:to|for|into|towards?|reaching|visit|visiting|arriving (?:in|at))|->|→|=>|—>)$",
    )
});
static DASH_BEFORE: LazyLock<Regex> = LazyLock::new(|| regex(r"[-–—~～/>]$"));
static ZH_FROM: LazyLock<Regex> =
    LazyLock::new(|| regex(r"从\s?(\p{Han}{2,6}?)(?:出发|到|去|至|往|坐|的|$|[^\p{Han}])"));
static ZH_TO: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"(?:到|去|至|往)\s?(\p{Han}{2,8}?)(?:的|坐|票|高铁|动车|火车|有|吗|怎|$|[^\p{Han}])")
});
static ZH_BEFORE_TO: LazyLock<Regex> = LazyLock::new(|| regex(r"(\p{Han}{2,6})\s?(?:到|去|至)"));
static EN_FROM: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\bfrom ([a-z' ]{3,24}?)(?: to\b| on\b| in\b| for\b| by\b|$|[^a-z' ])"));
static EN_TO: LazyLock<Regex> =
    LazyLock::new(|| regex(r"\bto ([a-z']{3,24}(?: (?:east|west|north|south))?)\b"));
static EN_BEFORE_TO: LazyLock<Regex> = LazyLock::new(|| regex(r"\b([a-z']{3,24}) to\b"));
static FILLER: LazyLock<Regex> = LazyLock::new(|| {
    regex(concat!(
        r"我们?|想要?|需要|要|买|订|查一?下?|找|看看?|请问?|帮|给|一张|两张|张|车票|火车票|机票|票|火车|列车|车次|高铁|坐|的|有没有|有|没有|吗|呢|吧|什么|哪些|怎么|最|便宜|快|可以|一下|今天|走|出发|谢谢|",
        r"\b(?:i|we|me|a|an|the|any|some|please|pls|want|would|like|need|go|going|get|getting|travel|trip|train|trains|ticket|tickets|book|buy|find|show|search|is|are|there|do|you|have|by|on|at|in|for|of|and|with|to|from|can|could|my|how|much|what|when|which|next|cheap|cheapest|fastest|this|that|it|not|yes|no|ok|okay)\b"
    ))
});
