//! `POST /oauth2/v1/token`: the client credentials grant (RFC 6749 §4.4). The credentials come by HTTP Basic (§2.3.1) or in
//! the form; the answer is a bearer token. Who does not want to ask for tokens uses the client's secret as one.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::basic;

/// Seconds for which a token is good.
pub const TOKEN_SECONDS: u64 = 7200;

/// The scope of the interface.
pub const SCOPE: &str = "botmessage";

/// The form of the call.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TokenRequest {
    /// `client_credentials`
    pub grant_type: String,
    /// Absent with HTTP Basic.
    pub client_id: Option<String>,
    /// Absent with HTTP Basic.
    pub client_secret: Option<String>,
    /// Blank-separated; absent for all that there is.
    pub scope: Option<String>,
}

/// A client's name and secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// Its name.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

/// The answer with a token.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct TokenAnswer {
    /// For `Authorization: Bearer`.
    pub access_token: String,
    /// `Bearer`
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: u64,
    /// What it is good for.
    pub scope: &'static str,
}

/// Why there is no token (RFC 6749 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// A member is missing.
    #[error("invalid_request")]
    InvalidRequest,
    /// The client is not known, or its secret is another.
    #[error("invalid_client")]
    InvalidClient,
    /// Another grant than ours.
    #[error("unsupported_grant_type")]
    UnsupportedGrantType,
    /// Another scope than ours.
    #[error("invalid_scope")]
    InvalidScope,
    /// Not now: the word is of RFC 6749 §4.1.2.1, and §5.2 has none for it.
    #[error("temporarily_unavailable")]
    Unavailable,
}

impl TokenRequest {
    /// Who asks; `authorization` is the header of that name.
    pub fn credentials(self, authorization: Option<&str>) -> Result<ClientCredentials, OAuthError> {
        if self.grant_type.is_empty() {
            return Err(OAuthError::InvalidRequest);
        }
        if self.grant_type != "client_credentials" {
            return Err(OAuthError::UnsupportedGrantType);
        }
        if self.scope.is_some_and(|scope| scope.split_whitespace().any(|word| word != SCOPE)) {
            return Err(OAuthError::InvalidScope);
        }
        let pair = match authorization.and_then(basic::parse) {
            Some(pair) => Some(pair),
            None => self.client_id.zip(self.client_secret),
        };
        let (client_id, client_secret) = pair
            .filter(|(id, secret)| !id.is_empty() && !secret.is_empty())
            .ok_or(OAuthError::InvalidClient)?;
        Ok(ClientCredentials { client_id, client_secret })
    }
}

impl TokenAnswer {
    /// The answer with this token.
    pub fn new(access_token: String) -> Self {
        Self { access_token, token_type: "Bearer", expires_in: TOKEN_SECONDS, scope: SCOPE }
    }
}

impl OAuthError {
    /// HTTP status of the answer.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidClient => 401,
            Self::Unavailable => 503,
            _ => 400,
        }
    }

    /// `{"error":…}`, with a `reason` for clients that know nothing else.
    pub fn to_json(self) -> Value {
        json!({"error": self.to_string(), "reason": {"code": self.status(), "text": self.to_string()}})
    }
}
