//! What is said between chatbots and users, whichever API or SIP body it came in.
//!
//! [`Content`] goes from a chatbot to a user, [`Incoming`] from a user to a chatbot. Both are kept in the form of
//! GSMA RCC.07; a dialect translates at the edge.

use bytes::Bytes;
use rcs::{
    bot::{
        self, BotMessage, Document, MediaType, PlainText, SharedClientData, Suggestion, SuggestionResponse,
    },
    content_type,
    file_transfer::{self, FileTransfer},
    geolocation::{self, Place, PushLocation},
    multipart::{self, Part},
};
use serde::Serialize;

/// The media type of a text, as we write it.
pub const TEXT: &str = "text/plain;charset=UTF-8";

/// What a chatbot says: one body, and chips under it.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// The message.
    pub body: Body,
    /// Empty for none.
    pub chips: Vec<Suggestion>,
}

/// The message proper.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A text.
    Text(String),
    /// A card or a carousel.
    Card(BotMessage),
    /// A file on a content server.
    File(FileTransfer),
    /// A place.
    Location(Place),
}

/// What a user says to a chatbot.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// A text.
    Text(String),
    /// A place.
    Location(Place),
    /// A tap on a suggestion.
    Response(SuggestionResponse),
    /// Device data that the user agreed to share.
    SharedData(SharedClientData),
    /// A file on a content server.
    File(FileTransfer),
}

/// Why a handset's message cannot be told to a chatbot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotForChatbots {
    /// No chatbot understands this media type (SIP 415).
    #[error("{0} is nothing that chatbots understand")]
    MediaType(String),
    /// The body isn't what its media type says (SIP 400).
    #[error("the body is no {0}")]
    Malformed(String),
}

impl Content {
    /// A text without chips.
    pub fn text(text: impl Into<String>) -> Self {
        Self { body: Body::Text(text.into()), chips: Vec::new() }
    }

    /// Media type and body as they travel inside CPIM: chips make it `multipart/mixed`, with the message first.
    pub fn to_sip(&self) -> (String, Bytes) {
        let (content_type, body) = self.body.to_sip();
        if self.chips.is_empty() {
            return (content_type.to_owned(), body);
        }
        let chips = SuggestionsOf { suggestions: &self.chips };
        let chips = serde_json::to_vec(&chips).expect("documents have string keys and finite numbers only");
        multipart::write(&[Part::new(content_type, body), Part::new(bot::BOT_SUGGESTION, chips)])
    }

    /// The whole as plain text, for devices that understand neither cards nor chips.
    pub fn to_plain_text(&self) -> String {
        let text = match &self.body {
            Body::Text(text) => PlainText::default().text(text),
            Body::Card(card) => PlainText::default().message(card),
            Body::File(transfer) => {
                let name = transfer.file.name.as_deref().unwrap_or_default();
                PlainText::default().text(format!("{name}\n{}", transfer.file.url).trim())
            }
            Body::Location(location) => PlainText::default().text(&location.to_geo_uri()),
        };
        text.suggestions(&self.chips).finish()
    }
}

impl Body {
    /// A text, or the place that it names: a `geo:` URI (RFC 5870) alone in a text is a location.
    pub fn of_text(text: String) -> Self {
        match location_of(&text) {
            Some(location) => Self::Location(location),
            None => Self::Text(text),
        }
    }

    /// Media type and body as they travel inside CPIM.
    fn to_sip(&self) -> (&'static str, Bytes) {
        match self {
            Self::Text(text) => (TEXT, text.clone().into()),
            Self::Card(card) => (bot::BOT_MESSAGE, card.to_json().into()),
            Self::File(transfer) => (file_transfer::CONTENT_TYPE, transfer.to_xml().into()),
            // A chatbot's place travels as the `geo:` text that it was given in: nothing is lost, and every handset
            // can show it.
            Self::Location(location) => (TEXT, location.to_geo_uri().into()),
        }
    }
}

impl Incoming {
    /// Reads what a handset sent: the media type and body inside CPIM, any content coding undone.
    pub fn from_sip(media_type: &str, body: &[u8]) -> Result<Self, NotForChatbots> {
        let essence = content_type::essence(media_type).to_ascii_lowercase();
        let malformed = || NotForChatbots::Malformed(essence.clone());
        match essence.as_str() {
            "text/plain" => {
                let text = std::str::from_utf8(body).map_err(|_| malformed())?;
                return Ok(match location_of(text) {
                    Some(location) => Self::Location(location),
                    None => Self::Text(text.to_owned()),
                });
            }
            file_transfer::CONTENT_TYPE => {
                return FileTransfer::parse(body).map(Self::File).map_err(|_| malformed());
            }
            geolocation::CONTENT_TYPE => {
                return PushLocation::parse(body)
                    .map(|push| Self::Location(push.place))
                    .map_err(|_| malformed());
            }
            _ => {}
        }
        match MediaType::recognise(&essence) {
            Ok(Some(MediaType::Response)) => {
                SuggestionResponse::parse(body).map(Self::Response).map_err(|_| malformed())
            }
            Ok(Some(MediaType::SharedData)) => {
                SharedClientData::parse(body).map(Self::SharedData).map_err(|_| malformed())
            }
            _ => Err(NotForChatbots::MediaType(essence)),
        }
    }
}

/// A [`rcs::bot::SuggestionList`] of borrowed suggestions.
#[derive(Serialize)]
struct SuggestionsOf<'a> {
    suggestions: &'a [Suggestion],
}

fn location_of(text: &str) -> Option<Place> {
    let text = text.trim();
    let is_geo = text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("geo:"));
    is_geo.then(|| Place::parse_geo_uri(text).ok()).flatten()
}
