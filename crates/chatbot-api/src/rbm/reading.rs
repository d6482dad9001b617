//! What the readers of this interface share: words that stand for others, spelling of members, paths of violations.

use rcs::bot::{
    Violation,
    reader::{Faults, Members},
    rule,
};
use serde_json::Value;

/// A member whose words stand for values of the shared model. Absent, empty, and `…_UNSPECIFIED` give `None`.
pub(super) fn choice<T: Copy>(
    members: &mut Members,
    key: &str,
    faults: &mut Faults,
    words: &[(&str, T)],
) -> Option<T> {
    let word = members.string(key, faults)?;
    if word.ends_with("_UNSPECIFIED") {
        return None;
    }
    let known = words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value);
    if known.is_none() {
        let words = words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        let word: String = word.chars().take(40).collect();
        faults.add(members.at(key), rule::WORD, format!("{word:?} is not one of {words}"));
    }
    known
}

/// The name of the one member of `names` that is there; a fault unless it is exactly one.
pub(super) fn one_of<'n>(members: &Members, names: &[&'n str], faults: &mut Faults) -> Option<&'n str> {
    let there: Vec<&str> = names.iter().copied().filter(|name| members.has(name)).collect();
    match there[..] {
        [name] => Some(name),
        [] => {
            faults.add(members.path.as_str(), rule::REQUIRED, format!("none of {}", names.join(", ")));
            None
        }
        _ => {
            faults.add(members.path.as_str(), rule::ONE_OF, format!("more than one of {}", there.join(", ")));
            None
        }
    }
}

/// Gives every member its documented name: `content_message` becomes `contentMessage`. Both spellings are legal in JSON made
/// from the interface's definition, and some libraries write the other one.
pub(super) fn camel_case(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, mut member) in std::mem::take(members) {
                camel_case(&mut member);
                members.insert(camel(&name), member);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(camel_case),
        _ => {}
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_').filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return name.to_owned() };
    words.fold(first.to_owned(), |mut name, word| {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name + letters.as_str()
    })
}

/// How places of the shared model are called here, longest first where one is the beginning of another.
const PLACES: [(&str, &str); 16] = [
    ("message.generalPurposeCardCarousel.content[", "contentMessage.richCard.carouselCard.cardContents["),
    ("message.generalPurposeCardCarousel.content", "contentMessage.richCard.carouselCard.cardContents"),
    ("message.generalPurposeCard.content", "contentMessage.richCard.standaloneCard.cardContent"),
    (".media.mediaUrl", ".media.contentInfo.fileUrl"),
    (".media.thumbnailUrl", ".media.contentInfo.thumbnailUrl"),
    (".reply.displayText", ".reply.text"),
    (".action.displayText", ".action.text"),
    (".postback.data", ".postbackData"),
    (".urlAction.openUrl", ".openUrlAction"),
    (".dialerAction.dialPhoneNumber", ".dialAction"),
    (".mapAction.showLocation.location.latitude", ".viewLocationAction.latLong.latitude"),
    (".mapAction.showLocation.location.longitude", ".viewLocationAction.latLong.longitude"),
    (".mapAction.showLocation.location", ".viewLocationAction"),
    (".mapAction.showLocation", ".viewLocationAction"),
    (".calendarAction.createCalendarEvent", ".createCalendarEventAction"),
    // `fallbackUrl` stands beside the action here, not inside it.
    ("Action.fallbackUrl", "Action.\u{0}"),
];

/// The violation with its place named as in this interface's documents.
pub(super) fn in_our_words(violation: Violation) -> Violation {
    let mut path = match violation.path.starts_with("suggestions") {
        true => format!("contentMessage.{}", violation.path),
        false => violation.path,
    };
    for (theirs, ours) in PLACES {
        path = path.replace(theirs, ours);
    }
    if let Some(action) = path.strip_suffix(".\u{0}")
        && let Some((parent, _)) = action.rsplit_once('.')
    {
        path = format!("{parent}.fallbackUrl");
    }
    Violation { path, ..violation }
}
