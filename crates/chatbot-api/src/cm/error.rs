//! Refusals: `common:requestError` with a policy or a service exception (OMA RESTful Network API for messaging, §6).

use rcs::{
    bot::{Violation, rule},
    xml::Writer,
};

/// The text is cut here, in characters.
const MAX_TEXT_CHARS: usize = 1000;

/// The exceptions that we raise. Policy: the platform will not; service: it cannot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exception {
    /// A policy of the operator: who may send what, and when.
    Policy,
    /// Too many destinations.
    TooManyAddresses,
    /// Something on our side.
    Service,
    /// A part of the message has a value that it cannot have.
    InvalidValue,
    /// No destination is one.
    NoValidAddress,
    /// A limit: to be tried again later.
    NoResources,
}

impl Exception {
    /// `exceptionId` or `messageId` of the exception.
    pub fn id(self) -> &'static str {
        match self {
            Self::Policy => "POL0001",
            Self::TooManyAddresses => "POL0003",
            Self::Service => "SVC0001",
            Self::InvalidValue => "SVC0002",
            Self::NoValidAddress => "SVC0004",
            Self::NoResources => "SVC1000",
        }
    }

    /// Whether it is a `policyException`.
    pub fn is_policy(self) -> bool {
        matches!(self, Self::Policy | Self::TooManyAddresses)
    }
}

/// Why a call was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {text}", .exception.id())]
pub struct RequestError {
    /// HTTP status.
    pub status: u16,
    /// What the chatbot's program looks at.
    pub exception: Exception,
    /// What its author reads.
    pub text: String,
    /// The part of the message that is meant; absent for the whole.
    pub variable: Option<String>,
}

impl RequestError {
    /// A refusal.
    pub fn new(status: u16, exception: Exception, text: impl Into<String>) -> Self {
        let text = text.into().chars().take(MAX_TEXT_CHARS).collect();
        Self { status, exception, text, variable: None }
    }

    /// The refusal of a body's value; `part` is the element.
    pub fn invalid(part: &str, detail: impl Into<String>) -> Self {
        let text = format!("{part}: {}", detail.into());
        Self { variable: Some(part.to_owned()), ..Self::new(400, Exception::InvalidValue, text) }
    }

    /// The refusal of content.
    pub fn of_violations(violations: &[Violation]) -> Self {
        let text = violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ");
        let exception = match violations.first() {
            Some(first) if first.path == "destinationAddress" && first.rule == rule::COUNT => {
                Exception::TooManyAddresses
            }
            Some(first) if first.path.starts_with("destinationAddress") => Exception::NoValidAddress,
            _ => Exception::InvalidValue,
        };
        let variable = violations.first().map(|first| first.path.clone()).filter(|path| !path.is_empty());
        Self { variable, ..Self::new(400, exception, text) }
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let mut xml = Writer::new();
        xml.open("common:requestError", &[super::COMMON_NAMESPACE]);
        xml.open(if self.exception.is_policy() { "policyException" } else { "serviceException" }, &[]);
        // OMA calls the id of an exception a message id; clients of the interface look for exceptionId.
        xml.text("exceptionId", &[], self.exception.id()).text("messageId", &[], self.exception.id()).text(
            "text",
            &[],
            &self.text,
        );
        if let Some(variable) = &self.variable {
            xml.text("variables", &[], variable);
        }
        xml.finish()
    }
}
