//! Chatbot content (GSMA RCC.07 chatbot JSON): cards, carousels, suggestions, responses, shared data, the menu.
//!
//! Each kind of document is a [`Document`]: `parse` reads bytes under ceilings and tolerates what real chatbots
//! send, `to_json` writes the exact form, and `validate` compares a value with a dialect's [`Limits`].
//!
//! ```
//! use rcs::bot::{BotMessage, Document, Limits};
//!
//! let bytes = br#"{"message":{"generalPurposeCard":{
//!     "layout":{"cardOrientation":"VERTICAL"},"content":{"title":"G1"}}}}"#;
//! let message = BotMessage::parse(bytes)?;
//! assert!(message.validate(&Limits::RCC07).is_empty());
//! # Ok::<(), rcs::bot::ParseError>(())
//! ```
//!
//! Reading and limits are two steps on purpose. A document that has not the *shape* of the specification (a
//! missing member, another type, an unknown word) cannot be typed and `parse` refuses it; one that is merely too
//! long is typed, and it is up to the caller whose limits apply. Both say it with the same [`Violation`].
//!
//! What is tolerated: members that are `null` or an empty string count as absent; an empty `suggestions` array
//! counts as none; an action's member beside `displayText` without the `action` around it; unknown font styles
//! (dropped); unknown members (kept in `extra` and written again).

mod advice;
mod card;
mod explain;
mod menu;
mod plain_text;
mod position;
pub mod reader;
mod response;
mod suggestion;
#[cfg(test)]
mod tests;
mod validate;

use serde::Serialize;
use serde_json::{Map, Value};

pub use advice::Advised;
pub use card::{
    BotMessage, Card, CardContent, CardLayout, CardWidth, Carousel, CarouselLayout, FontStyle,
    ImageAlignment, Media, MediaHeight, Orientation, Style, Thumbnail,
};
pub use menu::{Menu, MenuEntry, SubMenu};
pub use plain_text::{PlainText, suggestions_to_plain_text};
pub use position::{Position, position};
pub use response::{DeviceSpecifics, NEW_BOT_USER, ResponseKind, SharedClientData, SuggestionResponse};
pub use suggestion::{
    Action, ActionKind, Application, Place, Postback, RecordingType, Reply, Suggestion, SuggestionList,
    ViewMode,
};
pub use validate::{Limits, Violation, rule};

/// Members that we have no name for, passed through in what is written.
pub type Extra = Map<String, Value>;

/// Ceiling of a document: the largest legal carousel (12 cards, every text and postback full of four-byte
/// characters) stays below it.
pub const MAX_BYTES: usize = 1 << 20;

/// Ceiling of nesting: a third-level menu action is 14 deep.
pub const MAX_DEPTH: usize = 32;

/// Media type of a card or carousel.
pub const BOT_MESSAGE: &str = "application/vnd.gsma.botmessage.v1.0+json";
/// Media type of a chip list.
pub const BOT_SUGGESTION: &str = "application/vnd.gsma.botsuggestion.v1.0+json";
/// Media type of a tapped suggestion, user to chatbot.
pub const BOT_SUGGESTION_RESPONSE: &str = "application/vnd.gsma.botsuggestion.response.v1.0+json";
/// Media type of device data that the user agreed to share, user to chatbot.
pub const BOT_SHARED_CLIENT_DATA: &str = "application/vnd.gsma.botsharedclientdata.v1.0+json";

/// The four JSON media types of chatbot traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaType {
    /// [`BOT_MESSAGE`]
    Message,
    /// [`BOT_SUGGESTION`]
    Suggestions,
    /// [`BOT_SUGGESTION_RESPONSE`]
    Response,
    /// [`BOT_SHARED_CLIENT_DATA`]
    SharedData,
}

/// A chatbot media type whose major version isn't 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unsupported version: {0}")]
pub struct UnsupportedVersion(pub String);

impl MediaType {
    /// Recognises a content type, ignoring case, parameters and the minor version (`v1.1` is read as `v1.0`).
    ///
    /// `Ok(None)` means that it is no chatbot JSON at all.
    pub fn recognise(content_type: &str) -> Result<Option<Self>, UnsupportedVersion> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let Some(name) = essence.strip_prefix("application/vnd.gsma.").and_then(|n| n.strip_suffix("+json"))
        else {
            return Ok(None);
        };
        let Some((kind, version)) = name.rsplit_once(".v") else {
            return Ok(None);
        };
        let kind = match kind {
            "botmessage" => Self::Message,
            "botsuggestion" => Self::Suggestions,
            "botsuggestion.response" => Self::Response,
            "botsharedclientdata" => Self::SharedData,
            _ => return Ok(None),
        };
        match version.split('.').next() {
            // `rsplit_once` cut at the last ".v", so `version` is "major.minor".
            Some("1") => Ok(Some(kind)),
            _ => Err(UnsupportedVersion(essence)),
        }
    }

    /// The exact name, as we write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => BOT_MESSAGE,
            Self::Suggestions => BOT_SUGGESTION,
            Self::Response => BOT_SUGGESTION_RESPONSE,
            Self::SharedData => BOT_SHARED_CLIENT_DATA,
        }
    }
}

/// Why bytes are no chatbot document.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// Longer than [`MAX_BYTES`].
    #[error("{bytes} bytes > {MAX_BYTES}")]
    TooLarge {
        /// What was offered.
        bytes: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// No JSON.
    #[error("not JSON: {0}")]
    Json(String),
    /// JSON of another shape; never empty.
    #[error("{}", join(.0))]
    Shape(Vec<Violation>),
}

/// One kind of chatbot JSON document.
pub trait Document: Sized + Serialize {
    /// Reads the document from JSON, its root member included. The violations are never empty.
    fn from_value(value: Value) -> Result<Self, Vec<Violation>>;

    /// Everything in which the value exceeds `limits`; empty if nothing.
    fn validate(&self, limits: &Limits) -> Vec<Violation>;

    /// Reads the document from UTF-8 JSON.
    fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        let value = read_json(bytes)?;
        Self::from_value(value).map_err(ParseError::Shape)
    }

    /// The exact UTF-8 JSON, without white space.
    fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("documents have string keys and finite numbers only")
    }
}

/// JSON under the ceilings [`MAX_BYTES`] and [`MAX_DEPTH`]; a byte order mark is skipped.
pub fn read_json(bytes: &[u8]) -> Result<Value, ParseError> {
    if bytes.len() > MAX_BYTES {
        return Err(ParseError::TooLarge { bytes: bytes.len() });
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if depth(bytes) > MAX_DEPTH {
        return Err(ParseError::TooDeep);
    }
    serde_json::from_slice(bytes).map_err(|error| ParseError::Json(error.to_string()))
}

/// Deepest nesting of brackets outside strings. Counts without judging: the JSON parser does that after.
fn depth(bytes: &[u8]) -> usize {
    let (mut open, mut deepest) = (0usize, 0);
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'\\' => _ = bytes.next(),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

fn join(violations: &[Violation]) -> String {
    violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ")
}
