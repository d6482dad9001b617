//! What is legal and still unwise in a document, and what was read although it isn't the specification's form.

use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};
use serde_json::Value;

use super::{
    Action, ActionKind, Application, BotMessage, Document, Media, Menu, MenuEntry, Suggestion,
    SuggestionList, Violation, rule,
};

/// Documents about which there is something to advise.
pub trait Advised: Document {
    /// What is unwise in the value.
    fn unwise(&self) -> Vec<Violation>;

    /// What is unwise in the value, and in what its JSON differs from the form in which the specification has it. `given` is the
    /// JSON that the value was read from.
    fn advice(&self, given: &Value) -> Vec<Violation> {
        let written = serde_json::to_value(self).expect("documents have string keys and finite numbers only");
        let mut advice = Advice(self.unwise());
        advice.differences("", given, &written);
        advice.unknown_members("", given);
        advice.0
    }
}

impl Advised for BotMessage {
    fn unwise(&self) -> Vec<Violation> {
        let mut advice = Advice::default();
        let (path, several) = match self {
            Self::Card(_) => ("message.generalPurposeCard.content", false),
            Self::Carousel(_) => ("message.generalPurposeCardCarousel.content", true),
        };
        for (index, card) in self.cards().iter().enumerate() {
            let path = if several { format!("{path}[{index}]") } else { path.to_owned() };
            if let Some(media) = &card.media {
                advice.media(&format!("{path}.media"), media);
            }
            advice.suggestions(&format!("{path}.suggestions"), &card.suggestions);
        }
        advice.0
    }
}

impl Advised for SuggestionList {
    fn unwise(&self) -> Vec<Violation> {
        let mut advice = Advice::default();
        advice.suggestions("suggestions", &self.suggestions);
        advice.0
    }
}

impl Advised for Menu {
    fn unwise(&self) -> Vec<Violation> {
        let mut advice = Advice::default();
        advice.menu("menu.entries", &self.entries);
        advice.0
    }
}

/// What there is to advise so far.
#[derive(Default)]
struct Advice(Vec<Violation>);

impl Advice {
    fn add(&mut self, path: impl Into<String>, rule: &'static str, detail: impl Into<String>) {
        self.0.push(Violation { path: path.into(), rule, detail: detail.into() });
    }

    fn media(&mut self, path: &str, media: &Media) {
        let thumbnail = media.thumbnail.as_ref();
        for (member, url) in [
            ("mediaUrl", Some(&media.media_url)),
            ("thumbnailUrl", thumbnail.map(|thumbnail| &thumbnail.url)),
        ] {
            if url.is_some_and(|url| url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("http:")))
            {
                self.add(format!("{path}.{member}"), rule::INSECURE_MEDIA, "media over plain http");
            } else if url
                .is_some_and(|url| !url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:")))
            {
                self.add(format!("{path}.{member}"), rule::MEDIA_SCHEME, "neither https nor http");
            }
        }
        let kind = media.media_content_type.to_ascii_lowercase();
        if !["image/", "video/", "audio/"].iter().any(|known| kind.starts_with(known)) {
            let shown: String = media.media_content_type.chars().take(80).collect();
            self.add(
                format!("{path}.mediaContentType"),
                rule::MEDIA_TYPE,
                format!("{shown:?} is no picture, video or sound"),
            );
        }
        if media.media_file_size == 0 {
            self.add(format!("{path}.mediaFileSize"), rule::EMPTY_FILE, "0 bytes");
        }
        if media.content_description.is_none() {
            self.add(path, rule::ALTERNATIVE_TEXT, "no contentDescription");
        }
    }

    fn suggestions(&mut self, path: &str, suggestions: &[Suggestion]) {
        // Far beyond any limit; comparing all with all must end.
        for (index, suggestion) in suggestions.iter().enumerate().take(100) {
            let text = suggestion.display_text();
            let twin = suggestions[..index].iter().position(|other| other.display_text() == text);
            if let Some(twin) = twin {
                self.add(
                    format!("{path}[{index}]"),
                    rule::SAME_TEXT,
                    format!("reads like [{twin}]: {text:?}"),
                );
            }
            if let Suggestion::Action(action) = suggestion {
                self.action(&format!("{path}[{index}].action"), action);
            }
        }
    }

    fn action(&mut self, path: &str, action: &Action) {
        if action.postback.is_none() {
            self.add(path, rule::NO_POSTBACK, "no postback");
        }
        if let ActionKind::OpenUrl { application: Application::Browser, extra, .. } = &action.kind {
            for member in ["viewMode", "parameters"].into_iter().filter(|member| extra.contains_key(*member))
            {
                let path = format!("{path}.urlAction.openUrl.{member}");
                self.add(path, rule::EXTRA, "beside a browser; it is for a webview");
            }
        }
        if let ActionKind::CreateCalendarEvent { start_time, end_time, .. } = &action.kind {
            let time = |text: &str| OffsetDateTime::parse(text, &Rfc3339).ok();
            if let (Some(start), Some(end)) = (time(start_time), time(end_time))
                && end < start
            {
                let path = format!("{path}.calendarAction.createCalendarEvent.endTime");
                self.add(path, rule::ORDER, "ends before it begins");
            }
        }
    }

    fn menu(&mut self, path: &str, entries: &[MenuEntry]) {
        for (index, entry) in entries.iter().enumerate() {
            match entry {
                MenuEntry::Reply(_) => {}
                MenuEntry::Action(action) => self.action(&format!("{path}[{index}].action"), action),
                MenuEntry::Menu(menu) => self.menu(&format!("{path}[{index}].menu.entries"), &menu.entries),
            }
        }
    }

    /// In what the JSON that was given differs from what is written of the value that it was read as.
    fn differences(&mut self, path: &str, given: &Value, written: &Value) {
        match (given, written) {
            (Value::Object(given), Value::Object(written)) => {
                // One library leaves `action` out; what it has instead needs no telling.
                if written.contains_key("action") && !given.contains_key("action") {
                    return self.add(path, rule::TOLERATED, "an action without \"action\" around it");
                }
                for (key, value) in given {
                    let path = at(path, key);
                    match (written.get(key), value) {
                        (Some(written), _) => self.differences(&path, value, written),
                        (None, Value::Null) => self.add(path, rule::TOLERATED, "null counts as absent"),
                        (None, Value::String(text)) if text.is_empty() => {
                            self.add(path, rule::TOLERATED, "an empty text counts as absent");
                        }
                        (None, Value::Array(items)) if items.is_empty() => {
                            self.add(path, rule::TOLERATED, "an empty list counts as absent");
                        }
                        (None, _) => self.add(path, rule::TOLERATED, "says nothing here, and is left out"),
                    }
                }
                for key in written.keys().filter(|key| !given.contains_key(*key)) {
                    self.add(at(path, key), rule::TOLERATED, format!("absent: {} is meant", written[key]));
                }
            }
            (Value::Array(given), Value::Array(written)) if given.len() == written.len() => {
                for (index, (given, written)) in given.iter().zip(written).enumerate() {
                    self.differences(&format!("{path}[{index}]"), given, written);
                }
            }
            (Value::Number(given), Value::Number(written)) if given.as_f64() == written.as_f64() => {}
            (given, written) if given == written => {}
            (_, written) => self.add(path, rule::TOLERATED, format!("read as {written}")),
        }
    }

    /// Members whose names the specification does not have anywhere.
    fn unknown_members(&mut self, path: &str, value: &Value) {
        match value {
            Value::Object(members) => {
                for (key, value) in members {
                    let path = at(path, key);
                    if MEMBERS.contains(&key.as_str()) {
                        self.unknown_members(&path, value);
                        continue;
                    }
                    let name: String = key.chars().take(40).collect();
                    let near = MEMBERS.iter().find(|known| is_near(key, known));
                    let hint = near.map(|near| format!(": did you mean {near}?")).unwrap_or_default();
                    self.add(
                        path,
                        rule::UNKNOWN_MEMBER,
                        format!("{name:?} is not in the specification{hint}"),
                    );
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.unknown_members(&format!("{path}[{index}]"), item);
                }
            }
            _ => {}
        }
    }
}

/// Every member name of the bot-to-user documents and of menus.
const MEMBERS: &[&str] = &[
    "message",
    "generalPurposeCard",
    "generalPurposeCardCarousel",
    "layout",
    "content",
    "cardOrientation",
    "imageAlignment",
    "cardWidth",
    "titleFontStyle",
    "descriptionFontStyle",
    "style",
    "media",
    "title",
    "description",
    "suggestions",
    "mediaUrl",
    "mediaContentType",
    "mediaFileSize",
    "height",
    "thumbnailUrl",
    "thumbnailContentType",
    "thumbnailFileSize",
    "contentDescription",
    "reply",
    "action",
    "displayText",
    "postback",
    "data",
    "urlAction",
    "openUrl",
    "url",
    "application",
    "viewMode",
    "parameters",
    "dialerAction",
    "dialPhoneNumber",
    "dialEnrichedCall",
    "dialVideoCall",
    "phoneNumber",
    "fallbackUrl",
    "subject",
    "mapAction",
    "showLocation",
    "location",
    "latitude",
    "longitude",
    "label",
    "query",
    "requestLocationPush",
    "calendarAction",
    "createCalendarEvent",
    "startTime",
    "endTime",
    "composeAction",
    "composeTextMessage",
    "text",
    "composeRecordingMessage",
    "type",
    "deviceAction",
    "requestDeviceSpecifics",
    "settingsAction",
    "disableAnonymization",
    "enableDisplayedNotifications",
    "menu",
    "entries",
];

fn at(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Whether two names differ in letter case or in one or two letters.
fn is_near(name: &str, known: &str) -> bool {
    let (name, known) = (name.to_lowercase(), known.to_lowercase());
    let (a, b): (Vec<char>, Vec<char>) = (name.chars().collect(), known.chars().collect());
    if a == b {
        return true;
    }
    if a.len().abs_diff(b.len()) > 2 || b.len() < 5 {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let substitute = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = substitute.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()] <= 2
}
