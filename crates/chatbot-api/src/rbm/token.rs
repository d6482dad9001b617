//! The request for an access token (RFC 7523 §2.1 over RFC 6749), and its answer; the tokens themselves are [`crate::bearer`]'s.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

/// Seconds for which a token is good, as libraries are used to.
pub const TOKEN_SECONDS: u64 = 3599;

/// The grant that is exchanged.
pub const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Why a token request was refused (RFC 6749 §5.2).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct TokenRefusal {
    /// One of the specification's words.
    pub error: &'static str,
    /// For the author of the client.
    pub description: String,
}

impl TokenRefusal {
    /// A member is missing or there twice.
    pub fn invalid_request(description: impl Into<String>) -> Self {
        Self { error: "invalid_request", description: description.into() }
    }

    /// The assertion is not taken.
    pub fn invalid_grant(description: impl Into<String>) -> Self {
        Self { error: "invalid_grant", description: description.into() }
    }

    /// The assertion is for something that we do not have.
    pub fn invalid_scope(description: impl Into<String>) -> Self {
        Self { error: "invalid_scope", description: description.into() }
    }

    /// The answer's body; its status is 400.
    pub fn to_json(&self) -> Value {
        json!({ "error": self.error, "error_description": self.description })
    }
}

/// Reads the form of a token request: gives the assertion.
pub fn read_request(form: &[u8]) -> Result<String, TokenRefusal> {
    let form = std::str::from_utf8(form).map_err(|_| TokenRefusal::invalid_request("the form is no text"))?;
    let (mut grant, mut assertion) = (None, None);
    for pair in form.trim().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = value.replace('+', " ");
        let decoded = percent_decode_str(&value).decode_utf8();
        let value =
            decoded.map_err(|_| TokenRefusal::invalid_request(format!("{} is no text", short(name))))?;
        let member = match name {
            "grant_type" => &mut grant,
            "assertion" => &mut assertion,
            _ => continue,
        };
        if member.replace(value.into_owned()).is_some() {
            return Err(TokenRefusal::invalid_request(format!("{name} is there twice")));
        }
    }
    match (grant, assertion) {
        (Some(grant), _) if grant != GRANT => Err(TokenRefusal {
            error: "unsupported_grant_type",
            description: format!("{} is not {GRANT}", short(&grant)),
        }),
        (None, _) => Err(TokenRefusal::invalid_request("grant_type is missing")),
        (_, None) => Err(TokenRefusal::invalid_request("assertion is missing")),
        (Some(_), Some(assertion)) => Ok(assertion),
    }
}

/// The answer with a token.
pub fn answer(access_token: &str) -> Value {
    json!({ "access_token": access_token, "expires_in": TOKEN_SECONDS, "token_type": "Bearer" })
}

fn short(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}
