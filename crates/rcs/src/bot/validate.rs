//! Compares typed content with a dialect's limits and names the place and the rule that is broken.

use std::{fmt, ops::RangeInclusive};

use ::time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Action, ActionKind, Application, BotMessage, CardContent, CardWidth, Media, MediaHeight, Menu, MenuEntry,
    Place, Postback, Reply, Suggestion, SuggestionList, SuggestionResponse,
};

/// One broken rule. Displays as `message.generalPurposeCard.content.title: 231 > 200`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// From the root of the document: names joined by dots, items as `[0]`; empty for the root itself.
    pub path: String,
    /// One of [`rule`].
    pub rule: &'static str,
    /// What was found against what is asked for, such as `231 > 200`; for people, though [`Violation::fix`] takes limits from it.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.detail)
        } else {
            write!(f, "{}: {}", self.path, self.detail)
        }
    }
}

/// The rules that a [`Violation`] may name.
pub mod rule {
    /// A member that must be there isn't, or is empty.
    pub const REQUIRED: &str = "required";
    /// A member is of another JSON type.
    pub const TYPE: &str = "type";
    /// A string is not among the words of the specification.
    pub const WORD: &str = "word";
    /// Of several alternatives more than one is there.
    pub const ONE_OF: &str = "one-of";
    /// A member must not be there.
    pub const EXTRA: &str = "extra";
    /// A string has too many characters.
    pub const LENGTH: &str = "length";
    /// A list has too many or too few items.
    pub const COUNT: &str = "count";
    /// A number is out of range.
    pub const RANGE: &str = "range";
    /// A URL is malformed or of a scheme that no handset may open.
    pub const URL: &str = "url";
    /// A time is no RFC 3339 time.
    pub const TIME: &str = "time";
    /// An action is unknown, or not allowed where it stands.
    pub const ACTION: &str = "action";
    /// No JSON.
    pub const JSON: &str = "json";
    /// JSON, and no document that is known, or none that belongs here.
    pub const FORM: &str = "form";
    /// A file has more bytes than can be uploaded.
    pub const FILE_SIZE: &str = "file-size";

    // What follows is advice: nothing is refused for it.

    /// Media is fetched without TLS.
    pub const INSECURE_MEDIA: &str = "insecure-media";
    /// Media that no handset knows how to fetch.
    pub const MEDIA_SCHEME: &str = "media-scheme";
    /// Media without an alternative text.
    pub const ALTERNATIVE_TEXT: &str = "alternative-text";
    /// Not the specification's form, and read all the same.
    pub const TOLERATED: &str = "tolerated";
    /// A member of a name that the specification does not have.
    pub const UNKNOWN_MEMBER: &str = "unknown-member";
    /// An action whose tap tells the chatbot nothing.
    pub const NO_POSTBACK: &str = "no-postback";
    /// Two suggestions with the same text.
    pub const SAME_TEXT: &str = "same-text";
    /// An event that ends before it begins.
    pub const ORDER: &str = "order";
    /// Media that cards don't show.
    pub const MEDIA_TYPE: &str = "media-type";
    /// Media of no bytes.
    pub const EMPTY_FILE: &str = "empty-file";
}

/// The limits of a dialect. Lengths are in Unicode characters.
///
/// Others narrow the specification's: `Limits { carousel_cards: 2..=10, ..Limits::RCC07 }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// A text message.
    pub text_chars: usize,
    /// Items of a chip list.
    pub chips: usize,
    /// Suggestions inside a card.
    pub card_buttons: usize,
    /// `displayText`.
    pub display_text_chars: usize,
    /// `postback.data`.
    pub postback_chars: usize,
    /// Any URL.
    pub url_chars: usize,
    /// Cards of a carousel.
    pub carousel_cards: RangeInclusive<usize>,
    /// A card's `title`.
    pub title_chars: usize,
    /// A card's `description`.
    pub description_chars: usize,
    /// `media.contentDescription`.
    pub content_description_chars: usize,
    /// Most entries on each level of the menu; its length is the number of levels.
    pub menu_entries: &'static [usize],
    /// Actions that a menu may hold, by the inner name such as `openUrl`; `None` for all.
    pub menu_actions: Option<&'static [&'static str]>,
}

impl Limits {
    /// The specification's own limits. It has none for a text; ours is that of the widest dialect.
    pub const RCC07: Self = Self {
        text_chars: 3072,
        chips: 11,
        card_buttons: 4,
        display_text_chars: 25,
        postback_chars: 2048,
        url_chars: 2048,
        carousel_cards: 2..=12,
        title_chars: 200,
        description_chars: 2000,
        content_description_chars: 200,
        menu_entries: &[5, 5, 5],
        menu_actions: None,
    };

    /// A text message's violations; `path` is where it stands in the caller's document.
    pub fn check_text(&self, path: &str, text: &str) -> Option<Violation> {
        let mut found = Found::default();
        found.length(path, text, self.text_chars);
        found.0.pop()
    }
}

pub(super) fn message(message: &BotMessage, limits: &Limits) -> Vec<Violation> {
    let mut found = Found::default();
    match message {
        BotMessage::Card(card) => {
            found.url("message.generalPurposeCard.layout.style", card.layout.style.style.as_deref(), limits);
            content(&mut found, "message.generalPurposeCard.content", &card.content, limits);
        }
        BotMessage::Carousel(carousel) => {
            let path = "message.generalPurposeCardCarousel";
            found.url(&format!("{path}.layout.style"), carousel.layout.style.style.as_deref(), limits);
            let cards = &limits.carousel_cards;
            found.count(&format!("{path}.content"), carousel.content.len(), *cards.start(), *cards.end());
            for (index, card) in carousel.content.iter().enumerate() {
                let path = format!("{path}.content[{index}]");
                content(&mut found, &path, card, limits);
                let tall = card.media.as_ref().is_some_and(|media| media.height == MediaHeight::Tall);
                if tall && carousel.layout.card_width == CardWidth::Small {
                    found.add(format!("{path}.media.height"), rule::WORD, "TALL_HEIGHT in SMALL_WIDTH");
                }
            }
        }
    }
    found.0
}

pub(super) fn suggestion_list(list: &SuggestionList, limits: &Limits) -> Vec<Violation> {
    let mut found = Found::default();
    suggestions(&mut found, "suggestions", &list.suggestions, limits.chips, limits);
    found.0
}

pub(super) fn response(response: &SuggestionResponse, limits: &Limits) -> Vec<Violation> {
    let kind = match response.kind {
        super::ResponseKind::Reply => "reply",
        super::ResponseKind::Action => "action",
    };
    let path = format!("response.{kind}");
    let mut found = Found::default();
    found.length(&format!("{path}.displayText"), &response.display_text, limits.display_text_chars);
    postback(&mut found, &path, response.postback.as_ref(), limits);
    found.0
}

pub(super) fn menu(menu: &Menu, limits: &Limits) -> Vec<Violation> {
    let mut found = Found::default();
    // A menu without entries takes the menu away.
    if !menu.entries.is_empty() {
        menu_level(&mut found, "menu", &menu.entries, 0, limits);
    }
    found.0
}

fn menu_level(found: &mut Found, path: &str, entries: &[MenuEntry], level: usize, limits: &Limits) {
    let Some(&most) = limits.menu_entries.get(level) else {
        return found.add(path, rule::COUNT, format!("level {} > {}", level + 1, limits.menu_entries.len()));
    };
    found.count(&format!("{path}.entries"), entries.len(), 1, most);
    for (index, entry) in entries.iter().enumerate() {
        let path = format!("{path}.entries[{index}]");
        match entry {
            MenuEntry::Reply(entry) => reply(found, &path, entry, limits),
            MenuEntry::Action(entry) => {
                let (group, name) = entry.kind.names();
                if limits.menu_actions.is_some_and(|allowed| !allowed.contains(&name)) {
                    found.add(
                        format!("{path}.action.{group}"),
                        rule::ACTION,
                        format!("{name} not allowed in a menu"),
                    );
                }
                action(found, &path, entry, limits);
            }
            MenuEntry::Menu(menu) => {
                let path = format!("{path}.menu");
                found.length(&format!("{path}.displayText"), &menu.display_text, limits.display_text_chars);
                menu_level(found, &path, &menu.entries, level + 1, limits);
            }
        }
    }
}

fn content(found: &mut Found, path: &str, content: &CardContent, limits: &Limits) {
    if content.media.is_none() && content.title.is_none() && content.description.is_none() {
        found.add(path, rule::REQUIRED, "none of media, title, description");
    }
    if let Some(content) = &content.media {
        media(found, &format!("{path}.media"), content, limits);
    }
    found.optional(&format!("{path}.title"), content.title.as_deref(), limits.title_chars);
    found.optional(&format!("{path}.description"), content.description.as_deref(), limits.description_chars);
    suggestions(found, &format!("{path}.suggestions"), &content.suggestions, limits.card_buttons, limits);
}

fn media(found: &mut Found, path: &str, media: &Media, limits: &Limits) {
    found.url(&format!("{path}.mediaUrl"), Some(&media.media_url), limits);
    if let Some(thumbnail) = &media.thumbnail {
        found.url(&format!("{path}.thumbnailUrl"), Some(&thumbnail.url), limits);
    }
    let alternative = media.content_description.as_deref();
    found.optional(&format!("{path}.contentDescription"), alternative, limits.content_description_chars);
}

fn suggestions(found: &mut Found, path: &str, list: &[Suggestion], most: usize, limits: &Limits) {
    found.count(path, list.len(), 0, most);
    for (index, suggestion) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        match suggestion {
            Suggestion::Reply(suggestion) => reply(found, &path, suggestion, limits),
            Suggestion::Action(suggestion) => action(found, &path, suggestion, limits),
        }
    }
}

fn reply(found: &mut Found, item: &str, reply: &Reply, limits: &Limits) {
    let path = format!("{item}.reply");
    found.length(&format!("{path}.displayText"), &reply.display_text, limits.display_text_chars);
    postback(found, &path, reply.postback.as_ref(), limits);
}

fn postback(found: &mut Found, parent: &str, postback: Option<&Postback>, limits: &Limits) {
    let data = postback.map(|postback| postback.data.as_str());
    found.optional(&format!("{parent}.postback.data"), data, limits.postback_chars);
}

fn action(found: &mut Found, item: &str, action: &Action, limits: &Limits) {
    let path = format!("{item}.action");
    found.length(&format!("{path}.displayText"), &action.display_text, limits.display_text_chars);
    postback(found, &path, action.postback.as_ref(), limits);

    let (group, name) = action.kind.names();
    let at = |member: &str| format!("{path}.{group}.{name}.{member}");
    match &action.kind {
        ActionKind::OpenUrl { url, application, .. } => {
            found.url(&at("url"), Some(url), limits);
            if let Application::Webview { parameters, .. } = application {
                found.optional(&at("parameters"), parameters.as_deref(), 200);
            }
        }
        ActionKind::DialPhoneNumber { fallback_url, .. } | ActionKind::DialVideoCall { fallback_url, .. } => {
            found.url(&at("fallbackUrl"), fallback_url.as_deref(), limits);
        }
        ActionKind::DialEnrichedCall { subject, fallback_url, .. } => {
            found.optional(&at("subject"), subject.as_deref(), 60);
            found.url(&at("fallbackUrl"), fallback_url.as_deref(), limits);
        }
        ActionKind::ShowLocation { location, fallback_url, .. } => {
            place(found, &at("location"), location);
            found.url(&at("fallbackUrl"), fallback_url.as_deref(), limits);
        }
        ActionKind::CreateCalendarEvent {
            start_time, end_time, title, description, fallback_url, ..
        } => {
            found.time(&at("startTime"), start_time);
            found.time(&at("endTime"), end_time);
            found.length(&at("title"), title, 100);
            found.optional(&at("description"), description.as_deref(), 500);
            found.url(&at("fallbackUrl"), fallback_url.as_deref(), limits);
        }
        ActionKind::ComposeTextMessage { text, .. } => found.length(&at("text"), text, 100),
        ActionKind::ComposeRecordingMessage { .. }
        | ActionKind::RequestLocationPush { .. }
        | ActionKind::RequestDeviceSpecifics { .. }
        | ActionKind::DisableAnonymization { .. }
        | ActionKind::EnableDisplayedNotifications { .. } => {}
    }
}

fn place(found: &mut Found, path: &str, place: &Place) {
    match place {
        Place::Point { latitude, longitude, label, .. } => {
            found.degrees(&format!("{path}.latitude"), *latitude, 90.0);
            found.degrees(&format!("{path}.longitude"), *longitude, 180.0);
            found.optional(&format!("{path}.label"), label.as_deref(), 100);
        }
        Place::Query { query, .. } => found.length(&format!("{path}.query"), query, 200),
    }
}

/// The violations so far.
#[derive(Default)]
struct Found(Vec<Violation>);

impl Found {
    fn add(&mut self, path: impl Into<String>, rule: &'static str, detail: impl Into<String>) {
        self.0.push(Violation { path: path.into(), rule, detail: detail.into() });
    }

    /// A string that must be there: 1 to `most` characters, though emptiness was the reader's to refuse.
    fn length(&mut self, path: &str, text: &str, most: usize) {
        let chars = text.chars().count();
        if chars > most {
            self.add(path, rule::LENGTH, format!("{chars} > {most}"));
        }
    }

    fn optional(&mut self, path: &str, text: Option<&str>, most: usize) {
        if let Some(text) = text {
            self.length(path, text, most);
        }
    }

    fn count(&mut self, path: &str, count: usize, least: usize, most: usize) {
        if count > most {
            self.add(path, rule::COUNT, format!("{count} > {most}"));
        } else if count < least {
            self.add(path, rule::COUNT, format!("{count} < {least}"));
        }
    }

    fn degrees(&mut self, path: &str, degrees: f64, most: f64) {
        if degrees.abs() > most {
            self.add(path, rule::RANGE, format!("{degrees} is not within ±{most}"));
        }
    }

    fn time(&mut self, path: &str, time: &str) {
        if OffsetDateTime::parse(time, &Rfc3339).is_err() {
            self.add(path, rule::TIME, "no RFC 3339 time");
        }
    }

    fn url(&mut self, path: &str, url: Option<&str>, limits: &Limits) {
        let Some(url) = url else { return };
        self.length(path, url, limits.url_chars);
        if let Some(fault) = url_fault(url) {
            self.add(path, rule::URL, fault);
        }
    }
}

/// Schemes that would run or reveal something inside the messaging application instead of leading elsewhere.
const FORBIDDEN_SCHEMES: [&str; 5] = ["javascript", "vbscript", "data", "file", "blob"];

fn url_fault(url: &str) -> Option<String> {
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("white space in a URL".to_owned());
    }
    let (scheme, rest) = url.split_once(':').unwrap_or_default();
    let name = scheme.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !name || rest.is_empty() {
        return Some("no absolute URL".to_owned());
    }
    let scheme = scheme.to_ascii_lowercase();
    FORBIDDEN_SCHEMES.contains(&scheme.as_str()).then(|| format!("scheme {scheme} is not allowed"))
}
