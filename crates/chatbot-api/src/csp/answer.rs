//! Answers: `{"code":0,"message":"success","data":{…}}`. The codes of refusals are not known; ours are the nearest HTTP statuses.

use serde::Serialize;
use serde_json::{Value, json};

/// What every call is answered with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// 0 for success.
    pub code: u16,
    /// What the CSP's developer reads.
    pub message: String,
    /// Absent if there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

/// Why a call was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Not 0; the nearest HTTP status.
    pub code: u16,
    /// What is wrong.
    pub message: String,
}

impl Answer {
    fn success(data: Value) -> Self {
        Self { code: 0, message: "success".to_owned(), data: Some(data) }
    }

    /// The answer with a token.
    pub fn token(access_token: &str) -> Self {
        Self::success(json!({"accessToken": access_token, "expires": super::TOKEN_SECONDS}))
    }

    /// The answer to an upload.
    pub fn uploaded(url: &str) -> Self {
        Self::success(json!({"url": url}))
    }
}

impl Refusal {
    /// A refusal.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into().chars().take(1000).collect() }
    }

    /// The answer that carries it.
    pub fn answer(&self) -> Answer {
        Answer { code: self.code, message: self.message.clone(), data: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_documented_shape() {
        let text = |answer: &Answer| serde_json::to_string(answer).unwrap();
        assert_eq!(
            text(&Answer::token("t")),
            r#"{"code":0,"message":"success","data":{"accessToken":"t","expires":7200}}"#
        );
        assert_eq!(text(&Answer::uploaded("u")), r#"{"code":0,"message":"success","data":{"url":"u"}}"#);
        assert_eq!(text(&Refusal::new(401, "no").answer()), r#"{"code":401,"message":"no"}"#);
    }
}
