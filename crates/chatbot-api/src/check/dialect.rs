//! What a dialect refuses of content that keeps to the specification.

use rcs::bot::{
    Action, ActionKind, BotMessage, Document, Limits, Media, Menu, Suggestion, SuggestionList, Violation,
    rule,
};
use rcs::file_transfer::FileTransfer;
use serde::Serialize;
use utoipa::ToSchema;

use super::{FINDINGS_MAX, violation};
use crate::file_limits::{self, FileLimits};
use crate::{Body, Content, ctcu, rbm};

/// An interface of chatbots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CheckedDialect)]
pub enum Dialect {
    /// China Telecom, China Unicom
    Ctcu,
    /// China Mobile
    Cm,
    /// RBM v1
    Rbm,
    /// GSMA FNW.11
    Fnw11,
}

/// What is refused, and by which dialects.
pub type Refused = (Vec<Dialect>, Violation);

impl Dialect {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Ctcu, Self::Cm, Self::Rbm, Self::Fnw11];

    /// As it is written on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ctcu => "ctcu",
            Self::Cm => "cm",
            Self::Rbm => "rbm",
            Self::Fnw11 => "fnw11",
        }
    }

    fn limits(self) -> &'static Limits {
        match self {
            Self::Ctcu | Self::Cm => &ctcu::LIMITS,
            Self::Rbm => &rbm::LIMITS,
            Self::Fnw11 => &Limits::RCC07,
        }
    }

    /// `None` for any.
    fn files(self) -> Option<FileLimits> {
        match self {
            Self::Ctcu | Self::Cm => Some(file_limits::OPERATORS),
            Self::Rbm => Some(file_limits::RBM),
            Self::Fnw11 => None,
        }
    }

    /// RBM has fewer actions than the specification.
    fn has_action(self, action: &ActionKind) -> bool {
        self != Self::Rbm
            || !matches!(
                action,
                ActionKind::DialEnrichedCall { .. }
                    | ActionKind::DialVideoCall { .. }
                    | ActionKind::RequestDeviceSpecifics { .. }
                    | ActionKind::DisableAnonymization { .. }
                    | ActionKind::EnableDisplayedNotifications { .. }
            )
    }
}

/// What dialects refuse by limits that are narrower than the specification's.
pub fn narrower(validate: impl Fn(&Limits) -> Vec<Violation>) -> Vec<Refused> {
    let everywhere = validate(&Limits::RCC07);
    let everywhere = &everywhere[..everywhere.len().min(FINDINGS_MAX)];
    let mut refusals = Refusals::default();
    for &dialect in Dialect::ALL {
        for violation in validate(dialect.limits()).into_iter().take(FINDINGS_MAX) {
            // Where the specification refuses, a dialect's other number says nothing new.
            if !everywhere.iter().any(|known| known.path == violation.path && known.rule == violation.rule) {
                refusals.add(dialect, violation);
            }
        }
    }
    refusals.0
}

/// What dialects refuse of a card or carousel.
pub fn card(message: &BotMessage) -> Vec<Refused> {
    let mut refusals = Refusals(narrower(|limits| message.validate(limits)));
    for (index, card) in message.cards().iter().enumerate() {
        let path = match message {
            BotMessage::Card(_) => "message.generalPurposeCard.content".to_owned(),
            BotMessage::Carousel(_) => format!("message.generalPurposeCardCarousel.content[{index}]"),
        };
        for &dialect in Dialect::ALL {
            if let Some(media) = &card.media {
                refusals.media(dialect, &format!("{path}.media"), media);
            }
            refusals.suggestions(dialect, &format!("{path}.suggestions"), &card.suggestions);
        }
    }
    refusals.0
}

/// What other dialects refuse of what was read from a message of RBM. Its files are elsewhere, and not looked at.
pub fn of_rbm(content: &Content) -> Vec<Refused> {
    let mut refusals = Refusals::default();
    match &content.body {
        Body::Card(message) => refusals.0 = narrower(|limits| message.validate(limits)),
        Body::Text(text) => {
            refusals.0 = narrower(|limits| limits.check_text("text", text).into_iter().collect());
        }
        Body::File(_) | Body::Location(_) => {}
    }
    let chips = SuggestionList { suggestions: content.chips.clone() };
    refusals.0.extend(narrower(|limits| chips.validate(limits)));
    refusals.0
}

/// What dialects refuse of the files of a China Telecom or China Unicom message, whose items stand in `[0]` and `[1]`.
pub fn files(transfer: &FileTransfer) -> Vec<Refused> {
    let mut refusals = Refusals::default();
    for dialect in [Dialect::Ctcu, Dialect::Cm] {
        let file = &transfer.file;
        refusals.file(dialect, ["[0].contentType", "[0].fileSize"], &file.content_type, file.size);
        if let Some(thumbnail) = &transfer.thumbnail {
            refusals.thumbnail(dialect, "[1].fileSize".to_owned(), thumbnail.size);
        }
    }
    refusals.0
}

/// What dialects refuse of chips.
pub fn suggestions(list: &SuggestionList) -> Vec<Refused> {
    let mut refusals = Refusals(narrower(|limits| list.validate(limits)));
    for &dialect in Dialect::ALL {
        refusals.suggestions(dialect, "suggestions", &list.suggestions);
    }
    refusals.0
}

/// What dialects refuse of a menu.
pub fn menu(menu: &Menu) -> Vec<Refused> {
    let mut refusals = Refusals(narrower(|limits| menu.validate(limits)));
    // RBM agents have none, whatever is in it; the others have no call to set one.
    for dialect in [Dialect::Cm, Dialect::Rbm, Dialect::Fnw11] {
        refusals.add(dialect, violation("menu", rule::FORM, "no call of this dialect sets a menu"));
    }
    refusals.0
}

/// Refusals so far; the same refusal of several dialects is one.
#[derive(Default)]
struct Refusals(Vec<Refused>);

impl Refusals {
    fn add(&mut self, dialect: Dialect, violation: Violation) {
        let known = self.0.iter().position(|(_, known)| *known == violation);
        match known {
            Some(at) => self.0[at].0.push(dialect),
            None if self.0.len() == FINDINGS_MAX => {}
            None => self.0.push((vec![dialect], violation)),
        }
    }

    fn media(&mut self, dialect: Dialect, path: &str, media: &Media) {
        let paths = [&*format!("{path}.mediaContentType"), &*format!("{path}.mediaFileSize")];
        self.file(dialect, paths, &media.media_content_type, media.media_file_size);
        if let Some(thumbnail) = &media.thumbnail {
            self.thumbnail(dialect, format!("{path}.thumbnailFileSize"), thumbnail.file_size);
        }
    }

    /// A file whose type and size stand at these paths.
    fn file(&mut self, dialect: Dialect, [type_at, size_at]: [&str; 2], content_type: &str, bytes: u64) {
        let Some(files) = dialect.files() else { return };
        let essence = rcs::content_type::essence(content_type).to_ascii_lowercase();
        match files.of(&essence) {
            None => {
                let shown: String = essence.chars().take(80).collect();
                let detail = format!("{shown:?} is not a type that can be uploaded");
                self.add(dialect, violation(type_at, rule::MEDIA_TYPE, detail));
            }
            Some(kind) if bytes > kind.bytes_max => {
                let detail = format!("{bytes} > {} bytes", kind.bytes_max);
                self.add(dialect, violation(size_at, rule::FILE_SIZE, detail));
            }
            Some(_) => {}
        }
    }

    fn thumbnail(&mut self, dialect: Dialect, path: String, bytes: u64) {
        let Some(most) = dialect.files().map(|files| files.thumbnail_bytes_max) else { return };
        if bytes > most {
            self.add(dialect, violation(path, rule::FILE_SIZE, format!("{bytes} > {most} bytes")));
        }
    }

    fn suggestions(&mut self, dialect: Dialect, path: &str, suggestions: &[Suggestion]) {
        for (index, suggestion) in suggestions.iter().enumerate() {
            let Suggestion::Action(Action { kind, .. }) = suggestion else { continue };
            if !dialect.has_action(kind) {
                let (group, name) = kind.names();
                let path = format!("{path}[{index}].action.{group}");
                self.add(dialect, violation(path, rule::ACTION, format!("this dialect has no {name}")));
            }
        }
    }
}
