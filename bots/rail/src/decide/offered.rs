//! Typing what could have been tapped: `二等座`, `confirm`, the name of a saved passenger.
//!
//! The replies on show after the last answer are kept in the session. Words that name one of them, and only
//! one, count as a tap on it.

use crate::content::Message;
use crate::postback::Tap;
use crate::session::Session;
use crate::timetable::Class;

/// More replies than any answer has.
const KEPT_MAX: usize = 64;

/// Keeps what can be tapped after these answers.
pub fn remember(session: &mut Session, answers: &[Message]) {
    if answers.is_empty() {
        return;
    }
    session.offered = answers.iter().flat_map(Message::replies).take(KEPT_MAX).collect();
}

/// The tap that the text stands for.
pub fn typed(session: &Session, text: &str) -> Option<Tap> {
    let text = text.trim().trim_end_matches(['。', '.', '!', '！']).to_lowercase();
    if text.is_empty() {
        return None;
    }
    let whole = |label: &str| label == text;
    let first_words = |label: &str| label.strip_prefix(&text).is_some_and(|rest| rest.starts_with(' '));
    only(session, |label, _| whole(label))
        .or_else(|| only(session, |label, _| first_words(label)))
        .or_else(|| {
            let class = class(&text)?;
            only(session, |_, tap| matches!(tap, Tap::Class(draft) if draft.class == Some(class)))
        })
        .or_else(|| {
            YES.contains(&text.as_str())
                .then(|| only(session, |_, tap| matches!(tap, Tap::Confirm(..) | Tap::RefundConfirmed(_))))
                .flatten()
        })
}

/// Whether the text is written on several replies on show, each of which means something else.
pub fn is_ambiguous(session: &Session, text: &str) -> bool {
    let text = text.trim().to_lowercase();
    session.offered.iter().filter(|(label, _)| label.to_lowercase() == text).count() > 1
}

/// The tap whose label (in lower case) or meaning fits, if there is exactly one.
fn only(session: &Session, fits: impl Fn(&str, &Tap) -> bool) -> Option<Tap> {
    let mut found = session.offered.iter().filter_map(|(label, data)| {
        let tap = Tap::decode(data)?;
        fits(&label.to_lowercase(), &tap).then_some(tap)
    });
    let first = found.next()?;
    found.all(|other| other == first).then_some(first)
}

/// A class by the words that people have for it.
fn class(text: &str) -> Option<Class> {
    let class = text.trim_end_matches(" class").trim_end_matches(" seat").trim_end_matches('座');
    Some(match class {
        "二等" | "2nd" | "second" | "economy" => Class::Second,
        "一等" | "1st" | "first" => Class::First,
        "商务" | "business" => Class::Business,
        "硬" | "hard" => Class::HardSeat,
        "硬卧" | "hard sleeper" => Class::HardSleeper,
        "软卧" | "soft sleeper" => Class::SoftSleeper,
        _ => return None,
    })
}

const YES: [&str; 16] = [
    "是",
    "是的",
    "好",
    "好的",
    "对",
    "确认",
    "确定",
    "提交",
    "可以",
    "行",
    "yes",
    "ok",
    "okay",
    "sure",
    "confirm",
    "yes please",
];
