//! Who travels: reading a name and a document from a message, checking it, and never showing it whole.

use std::sync::LazyLock;

use regex::Regex;

use super::{Answer, Desk, booking, help};
use crate::content::{Message, Suggestion};
use crate::database::{self, Passenger};
use crate::language::say;
use crate::postback::{Draft, Tap};
use crate::session::{Asking, Session};
use crate::understand::{Utterance, is_han};

/// A name and document that nobody has, for those who only tap.
const DEMO: (&str, &str, &str) = ("李雷", "Li Lei", "110101199003070011");

/// Passengers that one user may save.
const SAVED_MAX: u32 = 50;

/// Asks for a new passenger; the next message is read as one.
pub fn ask(desk: &Desk, session: &mut Session, draft: &Draft) -> Message {
    session.asking = Asking::Passenger(draft.encode());
    let text = say!(
        desk.lang,
        "请输入乘车人的姓名和证件号（身份证、护照或手机号均可），例如：\n王小明 13800000001",
        "Please type the passenger's name and document (ID card, passport or mobile number), for example:\nWang Xiaoming 13800000001"
    );
    Message::text(text).chips(chips(desk, draft))
}

/// The demo passenger, saved like any other.
pub fn demo(desk: &mut Desk, draft: Draft) -> Answer {
    let (zh, en, document) = DEMO;
    let now = desk.now.unix_timestamp();
    let id = database::save_passenger(desk.db, desk.user, desk.lang.pick(zh, en), document, now)?;
    booking::confirm(desk, Draft { passenger: Some(id), ..draft })
}

/// Reads a typed message as a passenger. `None` if it is plainly about something else.
pub fn typed(
    desk: &mut Desk,
    session: &mut Session,
    draft: &str,
    text: &str,
    said: &Utterance,
) -> rusqlite::Result<Option<Vec<Message>>> {
    let Some(draft) = Draft::decode(draft) else {
        return Ok(None);
    };
    let (name, document) = match read(text) {
        Ok(found) => found,
        // A journey in place of a name: the user has changed the subject.
        Err(Problem::NoDocument) if said.is_about_travel() || said.train.is_some() => return Ok(None),
        Err(problem) => return Ok(Some(vec![ask_again(desk, &draft, problem)])),
    };
    let now = desk.now.unix_timestamp();
    if database::passengers(desk.db, desk.user, SAVED_MAX)?.len() >= SAVED_MAX as usize {
        return Ok(Some(vec![help::unclear(desk)]));
    }
    let id = database::save_passenger(desk.db, desk.user, &name, &document, now)?;
    session.asking = Asking::Nothing;
    booking::confirm(desk, Draft { passenger: Some(id), ..draft }).map(Some)
}

/// `王小明 (138****0001)`, short enough for a chip.
pub fn label(passenger: &Passenger) -> String {
    let name: String = passenger.name.chars().take(12).collect();
    format!("{name} ({})", masked(&passenger.document))
}

/// The first three and the last two or four characters, stars between.
pub fn masked(document: &str) -> String {
    let characters: Vec<char> = document.chars().collect();
    let shown = if characters.len() >= 11 { 4 } else { 2 };
    let (head, tail) = (&characters[..characters.len().min(3)], characters.len().saturating_sub(shown));
    head.iter()
        .chain("****".chars().collect::<Vec<_>>().iter())
        .chain(&characters[tail.max(3).min(characters.len())..])
        .collect()
}

/// What is wrong with a typed passenger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    NoName,
    NoDocument,
    /// It looks like a document, but its check digit or form is wrong.
    WrongDocument,
}

fn ask_again(desk: &Desk, draft: &Draft, problem: Problem) -> Message {
    let text = match problem {
        Problem::NoName => say!(
            desk.lang,
            "请连同姓名一起输入，例如：王小明 13800000001",
            "Please type the name as well, for example: Wang Xiaoming 13800000001"
        ),
        Problem::NoDocument => say!(
            desk.lang,
            "还需要证件号。请输入姓名和证件号，例如：王小明 13800000001",
            "I also need a document number. Name and number, for example: Wang Xiaoming 13800000001"
        ),
        Problem::WrongDocument => say!(
            desk.lang,
            "证件号好像不对，请检查后重新输入（身份证 18 位、护照或 11 位手机号）。",
            "That number does not look right. Please check it: an 18-digit ID, a passport, or an 11-digit mobile number."
        ),
    };
    Message::text(text).chips(chips(desk, draft))
}

fn chips(desk: &Desk, draft: &Draft) -> [Suggestion; 2] {
    [
        desk.chip("用演示乘客 李雷", "Demo passenger Li Lei", Tap::DemoPassenger(draft.clone())),
        desk.chip("取消", "Cancel", Tap::Dismiss),
    ]
}

/// Name and document of a message such as `姓名：王小明，身份证 110101199003070011`.
fn read(text: &str) -> Result<(String, String), Problem> {
    let text: String = text.chars().take(200).map(half_width).collect();
    let Some(found) = DOCUMENT.find_iter(&text).max_by_key(|found| found.len()) else {
        return Err(Problem::NoDocument);
    };
    let document: String = found.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
    let document = document.to_uppercase();
    let document = document.strip_prefix("86").filter(|rest| MOBILE.is_match(rest)).unwrap_or(&document);
    let rest = format!("{} {}", &text[..found.start()], &text[found.end()..]);
    let rest = LABELS.replace_all(&rest, " ");
    let name: String = rest
        .chars()
        .filter(|c| is_han(*c) || c.is_alphabetic() || matches!(c, ' ' | '·' | '-' | '\'' | '.'))
        .collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if !is_document(document) {
        return Err(Problem::WrongDocument);
    }
    if !(2..=40).contains(&name.chars().count()) {
        return Err(Problem::NoName);
    }
    Ok((name, document.to_string()))
}

fn is_document(document: &str) -> bool {
    is_identity_number(document) || MOBILE.is_match(document) || PASSPORT.is_match(document)
}

/// GB 11643: 17 digits and a check character, weights 2^(18-n) mod 11.
fn is_identity_number(text: &str) -> bool {
    const CHECK: &[u8; 11] = b"10X98765432";
    let bytes = text.as_bytes();
    if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let month_day = (&text[10..12], &text[12..14]);
    if !("01"..="12").contains(&month_day.0) || !("01"..="31").contains(&month_day.1) {
        return false;
    }
    let sum: u32 = bytes[..17]
        .iter()
        .enumerate()
        .map(|(at, digit)| u32::from(digit - b'0') * (2_u32.pow(17 - at as u32) % 11))
        .sum();
    bytes[17] == CHECK[sum as usize % 11]
}

fn half_width(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(character as u32 - 0xfee0).unwrap_or(character),
        '\u{3000}' => ' ',
        other => other,
    }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("our own patterns compile")
}

static DOCUMENT: LazyLock<Regex> = LazyLock::new(|| regex(r"\+?[A-Za-z]{0,2}\d[\d -]{4,22}[\dXx]"));
static MOBILE: LazyLock<Regex> = LazyLock::new(|| regex(r"^1[3-9]\d{9}$"));
static PASSPORT: LazyLock<Regex> = LazyLock::new(|| regex(r"^[A-Z]{1,2}\d{7,8}$"));
static LABELS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)乘车人|乘客|姓名|名字|我叫|身份证号?码?|护照号?码?|手机号?码?|电话|证件号?码?|号码|\b(?:name|passenger|id|passport|phone|mobile|number|no|card|is|my|and)\b",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_documents_are_read_as_people_write_them() {
        let read = |text| read(text).map(|(name, document)| format!("{name}/{document}"));
        assert_eq!(read("王小明 13800000001"), Ok("王小明/13800000001".into()));
        assert_eq!(read("姓名：王小明，身份证：110101199003070011"), Ok("王小明/110101199003070011".into()));
        assert_eq!(read("13800000001王小明"), Ok("王小明/13800000001".into()));
        assert_eq!(read("Anna-Maria O'Neil passport E12345678"), Ok("Anna-Maria O'Neil/E12345678".into()));
        assert_eq!(read("阿依古丽·买买提 +86 138 0000 0001"), Ok("阿依古丽·买买提/13800000001".into()));
        assert_eq!(read("王小明 110101199003070012"), Err(Problem::WrongDocument));
        assert_eq!(read("王小明 12800000001"), Err(Problem::WrongDocument));
        assert_eq!(read("13800000001"), Err(Problem::NoName));
        assert_eq!(read("王小明"), Err(Problem::NoDocument));
    }

    #[test]
    fn documents_are_never_shown_whole() {
        assert_eq!(masked("110101199003070011"), "110****0011");
        assert_eq!(masked("13800000001"), "138****0001");
        assert_eq!(masked("E12345678"), "E12****78");
        assert_eq!(masked("E1"), "E1****");
    }

    #[test]
    fn the_demo_document_is_valid() {
        assert!(is_document(DEMO.2));
    }
}
