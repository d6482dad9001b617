//! How refusals look: an HTTP status outside of 2xx, and `{"reason":{"text":…,"code"?:…}}`.

use rcs::bot::{ParseError, Violation};
use serde_json::{Value, json};

/// The text is cut here, in characters: a bad request gets a small answer.
const MAX_TEXT_CHARS: usize = 1000;

/// Why a call was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {text}")]
pub struct Reason {
    /// HTTP status.
    pub status: u16,
    /// What the chatbot's author reads.
    pub text: String,
}

impl Reason {
    /// A refusal.
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into().chars().take(MAX_TEXT_CHARS).collect() }
    }

    /// The refusal of a body.
    pub fn of_parse_error(error: &ParseError) -> Self {
        match error {
            ParseError::TooLarge { .. } => Self::new(413, error.to_string()),
            _ => Self::new(400, error.to_string()),
        }
    }

    /// The refusal of content.
    pub fn of_violations(violations: &[Violation]) -> Self {
        Self::new(400, violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; "))
    }

    /// The body.
    pub fn to_json(&self) -> Value {
        json!({"reason": {"code": self.status, "text": self.text}})
    }
}
