//! What the bot says, in the content model of chatbot messages (GSMA RCC.07 §3.6.10): text, cards,
//! carousels, and the suggestions below them. The builders keep to the platform's limits, so that a long
//! name shortens a button instead of having the message refused.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::language::CHINA;

pub const TEXT_MAX: usize = 2000;
pub const TITLE_MAX: usize = 200;
pub const DESCRIPTION_MAX: usize = 2000;
pub const LABEL_MAX: usize = 25;
pub const CHIPS_MAX: usize = 11;
pub const BUTTONS_MAX: usize = 4;
/// The specification allows 12; 10 is what every client shows.
pub const CARDS_MAX: usize = 10;

const TEXT: &str = "text/plain";
const CARD: &str = "application/vnd.gsma.botmessage.v1.0+json";
const CHIPS: &str = "application/vnd.gsma.botsuggestion.v1.0+json";

/// One message: content, and chips that go away when the user answers.
#[derive(Clone, Debug)]
pub struct Message {
    pub content: Content,
    pub chips: Vec<Suggestion>,
}

#[derive(Clone, Debug)]
pub enum Content {
    Text(String),
    Card(Card),
    /// Two to `CARDS_MAX` cards.
    Carousel(Vec<Card>),
}

/// A card: picture, title, description, and buttons that stay.
#[derive(Clone, Debug, Default)]
pub struct Card {
    pub media: Option<Media>,
    pub title: String,
    pub description: String,
    pub buttons: Vec<Suggestion>,
}

/// A picture by address. The size is what the address will really give.
#[derive(Clone, Debug)]
pub struct Media {
    pub url: String,
    pub content_type: &'static str,
    pub bytes: usize,
    pub description: String,
}

/// A chip or button: what is written on it, and what comes back or happens when it is tapped.
#[derive(Clone, Debug)]
pub struct Suggestion {
    label: String,
    data: String,
    action: Option<Value>,
}

impl Message {
    /// Plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: Content::Text(cut(&text.into(), TEXT_MAX)), chips: Vec::new() }
    }

    /// One card.
    pub fn card(card: Card) -> Self {
        Self { content: Content::Card(card), chips: Vec::new() }
    }

    /// Cards side by side; a single one becomes a card of its own. `None` if there are none.
    pub fn cards(mut cards: Vec<Card>) -> Option<Self> {
        cards.truncate(CARDS_MAX);
        let content = match cards.len() {
            0 => return None,
            1 => Content::Card(cards.remove(0)),
            _ => Content::Carousel(cards),
        };
        Some(Self { content, chips: Vec::new() })
    }

    /// With these chips, as many as are allowed.
    pub fn chips(mut self, chips: impl IntoIterator<Item = Suggestion>) -> Self {
        self.chips.extend(chips);
        self.chips.truncate(CHIPS_MAX);
        self
    }

    /// Label and data of every reply in it, cards first; actions are left out.
    pub fn replies(&self) -> impl Iterator<Item = (String, String)> {
        let cards = match &self.content {
            Content::Text(_) => &[],
            Content::Card(card) => std::slice::from_ref(card),
            Content::Carousel(cards) => &cards[..],
        };
        let all = cards.iter().flat_map(|card| &card.buttons).chain(&self.chips);
        all.filter(|one| one.action.is_none()).map(|one| (one.label.clone(), one.data.clone()))
    }

    /// The `messageList` of the send call.
    pub fn message_list(&self) -> Value {
        let mut list = vec![match &self.content {
            Content::Text(text) => item(TEXT, json!(text)),
            Content::Card(card) => item(
                CARD,
                json!({"message": {"generalPurposeCard": {
                    "layout": {"cardOrientation": "VERTICAL"},
                    "content": card.json("MEDIUM_HEIGHT"),
                }}}),
            ),
            Content::Carousel(cards) => item(
                CARD,
                json!({"message": {"generalPurposeCardCarousel": {
                    "layout": {"cardWidth": "MEDIUM_WIDTH"},
                    "content": cards.iter().map(|card| card.json("SHORT_HEIGHT")).collect::<Vec<_>>(),
                }}}),
            ),
        }];
        if !self.chips.is_empty() {
            let chips: Vec<Value> = self.chips.iter().map(Suggestion::json).collect();
            list.push(item(CHIPS, json!({"suggestions": chips})));
        }
        Value::Array(list)
    }
}

impl Card {
    /// `media_height`: how high the picture is to be shown, SHORT_HEIGHT (112 dp) or MEDIUM_HEIGHT (168 dp).
    fn json(&self, media_height: &str) -> Value {
        let mut card = json!({"title": cut(&self.title, TITLE_MAX)});
        if !self.description.is_empty() {
            card["description"] = json!(cut(&self.description, DESCRIPTION_MAX));
        }
        if let Some(media) = &self.media {
            card["media"] = json!({
                "mediaUrl": media.url,
                "mediaContentType": media.content_type,
                "mediaFileSize": media.bytes,
                "height": media_height,
                "contentDescription": cut(&media.description, TITLE_MAX),
            });
        }
        if !self.buttons.is_empty() {
            card["suggestions"] = self.buttons.iter().take(BUTTONS_MAX).map(Suggestion::json).collect();
        }
        card
    }
}

impl Suggestion {
    /// A reply: the label is shown as the user's words, the data comes to us.
    pub fn reply(label: impl Into<String>, data: impl Into<String>) -> Self {
        Self { label: cut(&label.into(), LABEL_MAX), data: data.into(), action: None }
    }

    /// Opens a page in the browser.
    pub fn open_url(label: &str, url: &str, data: impl Into<String>) -> Self {
        let action = json!({"urlAction": {"openUrl": {"url": url, "application": "browser"}}});
        Self { action: Some(action), ..Self::reply(label, data) }
    }

    /// Puts a journey into the phone's calendar.
    pub fn calendar(
        label: &str,
        title: &str,
        description: &str,
        (start, end): (OffsetDateTime, OffsetDateTime),
        data: impl Into<String>,
    ) -> Self {
        let action = json!({"calendarAction": {"createCalendarEvent": {
            "startTime": rfc3339(start),
            "endTime": rfc3339(end),
            "title": cut(title, 100),
            "description": cut(description, 500),
        }}});
        Self { action: Some(action), ..Self::reply(label, data) }
    }

    /// Shows a point on the map.
    pub fn map(label: &str, name: &str, (latitude, longitude): (f64, f64), data: impl Into<String>) -> Self {
        let location = json!({"latitude": latitude, "longitude": longitude, "label": cut(name, 100)});
        let action = json!({"mapAction": {"showLocation": {"location": location}}});
        Self { action: Some(action), ..Self::reply(label, data) }
    }

    /// Asks the phone for its position.
    pub fn share_location(label: &str, data: impl Into<String>) -> Self {
        let action = json!({"mapAction": {"requestLocationPush": {}}});
        Self { action: Some(action), ..Self::reply(label, data) }
    }

    /// Calls a number.
    pub fn dial(label: &str, number: &str, data: impl Into<String>) -> Self {
        let action = json!({"dialerAction": {"dialPhoneNumber": {"phoneNumber": number}}});
        Self { action: Some(action), ..Self::reply(label, data) }
    }

    /// As it goes into a chip list, a card or the menu.
    pub fn json(&self) -> Value {
        let common = json!({"displayText": self.label, "postback": {"data": self.data}});
        match &self.action {
            None => json!({"reply": common}),
            Some(action) => {
                let mut item = common;
                for (key, value) in action.as_object().into_iter().flatten() {
                    item[key.as_str()] = value.clone();
                }
                json!({"action": item})
            }
        }
    }
}

/// `2026-11-30T09:00:00+08:00`.
pub fn rfc3339(at: OffsetDateTime) -> String {
    let at = at.to_offset(CHINA);
    let (date, time) = (crate::language::iso(at.date()), at.time());
    format!("{date}T{:02}:{:02}:{:02}+08:00", time.hour(), time.minute(), time.second())
}

fn item(content_type: &str, content: Value) -> Value {
    json!({"contentType": content_type, "contentEncoding": "utf8", "contentText": content})
}

/// At most `max` characters, the last an ellipsis if something was cut off.
fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_string();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}
