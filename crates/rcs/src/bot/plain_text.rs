//! Cards and suggestions as plain text, for devices that did not announce a chatbot version and for SMS.
//!
//! Title, description and link of each card stand on lines of their own, cards are parted by an empty line, and
//! suggestions are numbered through the whole message, so that a user can answer with a number.

use std::fmt::Write;

use super::{ActionKind, BotMessage, Place, Suggestion};

/// Numbers suggestions from 1 while writing lines.
#[derive(Debug, Clone, Default)]
pub struct PlainText {
    text: String,
    suggestions: usize,
}

impl PlainText {
    /// Adds a text as a paragraph of its own; nothing if it is empty.
    pub fn text(mut self, text: &str) -> Self {
        if !text.is_empty() {
            self.paragraph();
            self.text.push_str(text);
        }
        self
    }

    /// Adds the cards of a message.
    pub fn message(mut self, message: &BotMessage) -> Self {
        for card in message.cards() {
            self.paragraph();
            let link = card.media.as_ref().map(|media| media.media_url.as_str());
            let lines = [card.title.as_deref(), card.description.as_deref(), link];
            self.text.push_str(&lines.into_iter().flatten().collect::<Vec<_>>().join("\n"));
            for suggestion in &card.suggestions {
                self.suggestion(suggestion);
            }
        }
        self
    }

    /// Adds chips.
    pub fn suggestions(mut self, suggestions: &[Suggestion]) -> Self {
        if !suggestions.is_empty() && !self.text.is_empty() {
            self.text.push('\n');
        }
        for suggestion in suggestions {
            self.suggestion(suggestion);
        }
        self
    }

    /// The text; lines end with `\n` except the last.
    pub fn finish(self) -> String {
        self.text
    }

    fn paragraph(&mut self) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
    }

    fn suggestion(&mut self, suggestion: &Suggestion) {
        self.suggestions += 1;
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let text = suggestion.display_text();
        // Writing to a string cannot fail.
        _ = write!(self.text, "{}. {text}", self.suggestions);
        if let Suggestion::Action(action) = suggestion
            && let Some(target) = target(&action.kind)
        {
            _ = write!(self.text, " {target}");
        }
    }
}

impl BotMessage {
    /// The cards as plain text.
    pub fn to_plain_text(&self) -> String {
        PlainText::default().message(self).finish()
    }
}

/// Chips alone as plain text.
pub fn suggestions_to_plain_text(suggestions: &[Suggestion]) -> String {
    PlainText::default().suggestions(suggestions).finish()
}

/// Where an action leads, if that can be said in text.
fn target(action: &ActionKind) -> Option<String> {
    match action {
        ActionKind::OpenUrl { url, .. } => Some(url.clone()),
        ActionKind::DialPhoneNumber { phone_number, .. }
        | ActionKind::DialEnrichedCall { phone_number, .. }
        | ActionKind::DialVideoCall { phone_number, .. }
        | ActionKind::ComposeTextMessage { phone_number, .. }
        | ActionKind::ComposeRecordingMessage { phone_number, .. } => Some(phone_number.clone()),
        ActionKind::ShowLocation { location: Place::Point { latitude, longitude, .. }, .. } => {
            Some(format!("geo:{latitude},{longitude}"))
        }
        ActionKind::ShowLocation { location: Place::Query { query, .. }, .. } => Some(query.clone()),
        ActionKind::CreateCalendarEvent { start_time, .. } => Some(start_time.clone()),
        ActionKind::RequestLocationPush { .. }
        | ActionKind::RequestDeviceSpecifics { .. }
        | ActionKind::DisableAnonymization { .. }
        | ActionKind::EnableDisplayedNotifications { .. } => None,
    }
}
