//! Status codes, and refusals that say where a request is wrong.
//!
//! `{"error":{"code":400,"message":"…","status":"INVALID_ARGUMENT","details":[{…,"fieldViolations":[…]}]}}`

use std::time::Duration;

use rcs::bot::{ParseError, Violation};
use serde_json::{Value, json};

/// The `message` of a refusal is cut here, in characters: a bad request gets a small answer.
const MESSAGE_CHARS_MAX: usize = 1000;

/// The type of the detail that lists what is wrong with a body.
const BAD_REQUEST: &str = "type.googleapis.com/google.rpc.BadRequest";

/// The type of the detail that says when to try again.
const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// The result of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The request can never be right as it is.
    InvalidArgument,
    /// Something must happen first.
    FailedPrecondition,
    /// Who calls is not known.
    Unauthenticated,
    /// Who calls may not do this.
    PermissionDenied,
    /// No such thing, or the user cannot be reached.
    NotFound,
    /// There is one already.
    AlreadyExists,
    /// A limit is reached.
    ResourceExhausted,
    /// We failed.
    Internal,
    /// This platform has no such thing.
    Unimplemented,
    /// Not now.
    Unavailable,
}

/// Why a call was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", .code.status())]
pub struct Refusal {
    /// What the agent's program looks at.
    pub code: Code,
    /// What its author reads.
    pub message: String,
    /// What is wrong with the body, if that is the reason.
    pub violations: Vec<Violation>,
    /// When to try again, if that would help.
    pub retry_after: Option<Duration>,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::InvalidArgument,
        Self::FailedPrecondition,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::AlreadyExists,
        Self::ResourceExhausted,
        Self::Internal,
        Self::Unimplemented,
        Self::Unavailable,
    ];

    /// HTTP status, and `code` in the body.
    pub fn http(self) -> u16 {
        match self {
            Self::InvalidArgument | Self::FailedPrecondition => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::AlreadyExists => 409,
            Self::ResourceExhausted => 429,
            Self::Internal => 500,
            Self::Unimplemented => 501,
            Self::Unavailable => 503,
        }
    }

    /// `status` in the body.
    pub fn status(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::Internal => "INTERNAL",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Unavailable => "UNAVAILABLE",
        }
    }
}

impl Refusal {
    /// A refusal.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let message = message.into().chars().take(MESSAGE_CHARS_MAX).collect();
        Self { code, message, violations: Vec::new(), retry_after: None }
    }

    /// 400 for one member or parameter.
    pub fn of_field(path: impl Into<String>, rule: &'static str, detail: impl Into<String>) -> Self {
        Self::of_violations(vec![Violation { path: path.into(), rule, detail: detail.into() }])
    }

    /// 400: everything that is wrong with a body.
    pub fn of_violations(violations: Vec<Violation>) -> Self {
        let text = violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ");
        Self { violations, ..Self::new(Code::InvalidArgument, text) }
    }

    /// 400: the body cannot be read.
    pub fn of_parse_error(error: &ParseError) -> Self {
        match error {
            ParseError::Shape(violations) => Self::of_violations(violations.clone()),
            other => Self::new(Code::InvalidArgument, other.to_string()),
        }
    }

    /// The answer's body.
    pub fn to_json(&self) -> Value {
        let fields: Vec<Value> = self
            .violations
            .iter()
            .map(|found| json!({ "field": found.path, "description": found.detail }))
            .collect();
        let mut details = Vec::new();
        if !fields.is_empty() {
            details.push(json!({ "@type": BAD_REQUEST, "fieldViolations": fields }));
        }
        if let Some(wait) = self.retry_after {
            details.push(json!({ "@type": RETRY_INFO, "retryDelay": format!("{}s", wait.as_secs().max(1)) }));
        }
        json!({ "error": {
            "code": self.code.http(),
            "message": self.message,
            "status": self.code.status(),
            "details": details,
        } })
    }
}

#[cfg(test)]
mod tests {
    use rcs::bot::rule;

    use super::*;

    #[test]
    fn a_refusal_says_what_and_where() {
        let refusal = Refusal::of_field("contentMessage.text", rule::LENGTH, "3073 > 3072");
        assert_eq!(
            refusal.to_json(),
            json!({"error": {
                "code": 400,
                "message": "contentMessage.text: 3073 > 3072",
                "status": "INVALID_ARGUMENT",
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [{"field": "contentMessage.text", "description": "3073 > 3072"}],
                }],
            }})
        );
        let later = Refusal {
            retry_after: Some(Duration::from_secs(3)),
            ..Refusal::new(Code::ResourceExhausted, "")
        };
        let told = &later.to_json()["error"]["details"][0];
        assert_eq!(*told, json!({ "@type": RETRY_INFO, "retryDelay": "3s" }));
        let plain = Refusal::new(Code::NotFound, "x".repeat(5000));
        assert_eq!(plain.message.len(), MESSAGE_CHARS_MAX);
        assert_eq!(plain.to_json()["error"]["details"], json!([]));
    }

    #[test]
    fn statuses_are_all_different() {
        let statuses: std::collections::BTreeSet<_> = Code::ALL.iter().map(|code| code.status()).collect();
        assert_eq!(statuses.len(), Code::ALL.len());
    }
}
