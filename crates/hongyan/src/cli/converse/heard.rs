//! A message that came, as a script can ask about it.

use handset::Incoming;
use rcs::bot::{ActionKind, BotMessage, CardContent, Document as _, MediaType, Suggestion, SuggestionList};
use rcs::file_transfer::{self, FileInfo, FileTransfer};
use rcs::geolocation::{self, Place, PushLocation};
use rcs::{content_type, multipart};

use crate::cli::handset::shown::{Shown, plain};

/// A message that came.
pub struct Heard {
    /// As it came.
    pub incoming: Incoming,
    /// All its words, whatever it is.
    pub words: String,
    /// What it is.
    pub body: Body,
    /// The chips under it.
    pub chips: Vec<Suggestion>,
}

/// What a message is.
pub enum Body {
    /// A text.
    Text(String),
    /// A card or carousel.
    Cards(BotMessage),
    /// A file.
    File(FileInfo),
    /// A place.
    Place(Place),
    /// Something else, by its media type.
    Other(String),
}

impl Heard {
    /// Reads a message.
    pub fn of(incoming: Incoming) -> Self {
        let mut parts = vec![(incoming.content_type.clone(), incoming.payload.clone())];
        if multipart::is_multipart(&incoming.content_type)
            && let Ok(inner) = multipart::parse(&incoming.content_type, &incoming.payload)
        {
            parts = inner.into_iter().map(|part| (part.content_type().to_owned(), part.body)).collect();
        }
        let (mut body, mut chips) = (None, Vec::new());
        for (declared, bytes) in parts {
            match MediaType::recognise(&declared) {
                Ok(Some(MediaType::Suggestions)) if let Ok(list) = SuggestionList::parse(&bytes) => {
                    chips = list.suggestions;
                }
                Ok(Some(MediaType::Message)) if let Ok(message) = BotMessage::parse(&bytes) => {
                    body = Some(Body::Cards(message));
                }
                _ => body = body.or_else(|| Some(other(&declared, &bytes))),
            }
        }
        let words = Shown::of(&incoming).text;
        Self { incoming, words, body: body.unwrap_or_else(|| Body::Text(String::new())), chips }
    }

    /// Whether somebody sent it: numbers and chatbots are known by what stands before the `@`.
    pub fn is_from(&self, uri: &str) -> bool {
        user_of(&self.incoming.from) == user_of(uri)
    }

    /// Its cards; none if it is something else.
    pub fn cards(&self) -> &[CardContent] {
        match &self.body {
            Body::Cards(message) => message.cards(),
            _ => &[],
        }
    }

    /// Everything on it that can be tapped: chips first, then the buttons of its cards.
    pub fn suggestions(&self) -> impl Iterator<Item = &Suggestion> {
        self.chips.iter().chain(self.cards().iter().flat_map(|card| &card.suggestions))
    }

    /// What it is, in words.
    pub fn kind(&self) -> String {
        match &self.body {
            Body::Text(_) => "a text".to_owned(),
            Body::Cards(BotMessage::Card(_)) => "a card".to_owned(),
            Body::Cards(BotMessage::Carousel(carousel)) => {
                format!("a carousel of {} cards", carousel.content.len())
            }
            Body::File(_) => "a file".to_owned(),
            Body::Place(_) => "a place".to_owned(),
            Body::Other(media_type) => format!("something of type {media_type}"),
        }
    }

    /// How a transcript shows it: one line for each thing, without control characters.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.body {
            Body::Text(text) => lines.extend(text.lines().map(str::to_owned)),
            Body::Cards(message) => {
                for card in message.cards() {
                    let title = card.title.as_deref().unwrap_or("(no title)");
                    lines.push(format!("▣ {title}"));
                    lines.extend(
                        card.description.iter().flat_map(|text| text.lines()).map(|line| format!("  {line}")),
                    );
                    if !card.suggestions.is_empty() {
                        lines.push(format!("  {}", labels(&card.suggestions, '[', ']')));
                    }
                }
            }
            Body::File(file) => lines.push(format!(
                "{} ({}, {} bytes)",
                file.name.as_deref().unwrap_or("file"),
                file.content_type,
                file.size
            )),
            Body::Place(place) => lines.push(place.to_geo_uri()),
            Body::Other(media_type) => lines.push(format!("({media_type})")),
        }
        if !self.chips.is_empty() {
            lines.push(labels(&self.chips, '(', ')'));
        }
        lines.iter().map(|line| plain(line)).collect()
    }
}

fn user_of(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    rest.split(['@', ';']).next().unwrap_or_default()
}

/// The URL that a suggestion opens.
pub fn url_of(suggestion: &Suggestion) -> Option<&str> {
    match suggestion {
        Suggestion::Action(action) => match &action.kind {
            ActionKind::OpenUrl { url, .. } => Some(url),
            _ => None,
        },
        Suggestion::Reply(_) => None,
    }
}

fn labels(suggestions: &[Suggestion], open: char, close: char) -> String {
    let label = |suggestion: &Suggestion| format!("{open}{}{close}", suggestion.display_text());
    suggestions.iter().map(label).collect::<Vec<_>>().join(" ")
}

fn other(declared: &str, bytes: &[u8]) -> Body {
    if content_type::essence(declared).eq_ignore_ascii_case("text/plain") {
        let text = String::from_utf8_lossy(bytes).into_owned();
        return match Place::parse_geo_uri(text.trim()) {
            Ok(place) => Body::Place(place),
            Err(_) => Body::Text(text),
        };
    }
    if content_type::is(declared, file_transfer::CONTENT_TYPE)
        && let Ok(transfer) = FileTransfer::parse(bytes)
    {
        return Body::File(transfer.file);
    }
    if content_type::is(declared, geolocation::CONTENT_TYPE)
        && let Ok(pushed) = PushLocation::parse(bytes)
    {
        return Body::Place(pushed.place);
    }
    Body::Other(content_type::essence(declared).to_owned())
}
