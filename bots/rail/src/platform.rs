//! The client side of the platform's HTTP API: token, send, menu.
//!
//! Answers come with HTTP 200 and an `errorCode`, 0 for success. A token is fetched when it is first needed,
//! used until shortly before its end, and fetched anew when the platform no longer takes it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::Mutex;

use crate::config::Config;

/// Seconds before its end at which a token is renewed.
const TOKEN_MARGIN_S: i64 = 60;

/// One request may take this long, the platform's own commit included.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(15);

/// Answers are small; what is longer is none.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Worth trying again: the network, an overloaded platform, a callback check that is not through yet.
    #[error("{0}")]
    NotNow(String),
    /// The same call will fail again.
    #[error("refused with {code}: {message}")]
    Refused { code: i64, message: String },
}

/// One chatbot's access to the platform.
pub struct Platform {
    http: reqwest::Client,
    /// `{server}/bot/v1/{chatbotId}`.
    base: String,
    app_id: String,
    app_key: String,
    token: Mutex<Option<Token>>,
}

struct Token {
    value: String,
    /// Unix seconds.
    renew_at: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenAnswer {
    access_token: String,
    #[serde(default = "two_hours")]
    expires: i64,
}

impl Platform {
    /// A client; nothing is sent yet.
    pub fn new(config: &Config, http: reqwest::Client) -> Self {
        let chatbot_id = utf8_percent_encode(&config.chatbot_id, NON_ALPHANUMERIC);
        Self {
            http,
            base: format!("{}/bot/v1/{chatbot_id}", config.server.trim_end_matches('/')),
            app_id: config.app_id.clone(),
            app_key: config.app_key.clone(),
            token: Mutex::new(None),
        }
    }

    /// Sends a message; `body` is the JSON of the send call. The platform knows repeats by `messageId`.
    pub async fn send(&self, body: &str) -> Result<(), CallError> {
        self.call("messages", body.to_string()).await
    }

    /// Sets the menu below the conversation.
    pub async fn set_menu(&self, menu: &Value) -> Result<(), CallError> {
        self.call("update/chatBotInfo/menu", menu.to_string()).await
    }

    async fn call(&self, path: &str, body: String) -> Result<(), CallError> {
        let mut renewed = false;
        loop {
            let token = self.token().await?;
            let request = self
                .http
                .post(format!("{}/{path}", self.base))
                .header("authorization", format!("accessToken {token}"))
                .header("content-type", "application/json")
                .header("accept", "application/json")
                .header("date", http_date(OffsetDateTime::now_utc()))
                .body(body.clone())
                .timeout(TIMEOUT);
            match answer(request).await {
                Err(CallError::Refused { code, .. }) if is_about_token(code) && !renewed => {
                    renewed = true;
                    self.discard(&token).await;
                }
                outcome => return outcome.map(drop),
            }
        }
    }

    /// The token in use, or a new one.
    async fn token(&self) -> Result<String, CallError> {
        // Held over the call: a new token ends the old one, so two must never be asked for at once.
        let mut token = self.token.lock().await;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        if let Some(token) = token.as_ref().filter(|token| now < token.renew_at) {
            return Ok(token.value.clone());
        }
        let credentials = json!({"appId": self.app_id, "appKey": self.app_key});
        let request = self
            .http
            .post(format!("{}/accessToken", self.base))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(credentials.to_string())
            .timeout(TIMEOUT);
        // Without a token nothing was sent, so nothing is lost: a wrong key is for the operator to mend.
        let answer =
            answer(request).await.map_err(|error| CallError::NotNow(format!("no token: {error}")))?;
        let fresh: TokenAnswer = serde_json::from_value(answer)
            .map_err(|error| CallError::NotNow(format!("token answer: {error}")))?;
        let lifetime = fresh.expires.clamp(2 * TOKEN_MARGIN_S, 24 * 3600);
        *token = Some(Token { value: fresh.access_token.clone(), renew_at: now + lifetime - TOKEN_MARGIN_S });
        Ok(fresh.access_token)
    }

    /// Forgets a token that was not taken, unless another call has renewed it already.
    async fn discard(&self, refused: &str) {
        let mut token = self.token.lock().await;
        if token.as_ref().is_some_and(|token| token.value == refused) {
            *token = None;
        }
    }
}

/// The JSON of an answer whose `errorCode` is 0 (or absent).
async fn answer(request: reqwest::RequestBuilder) -> Result<Value, CallError> {
    let not_now = |error: reqwest::Error| CallError::NotNow(error.without_url().to_string());
    let mut response = request.send().await.map_err(not_now)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(not_now)? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(CallError::NotNow("an answer of excessive length".into()));
        }
    }
    let answer: Value = match serde_json::from_slice(&body) {
        Ok(answer) => answer,
        Err(_) if status.is_client_error() && !is_temporary(status.as_u16()) => {
            let message = format!("HTTP {status}");
            return Err(CallError::Refused { code: i64::from(status.as_u16()), message });
        }
        Err(_) => return Err(CallError::NotNow(format!("HTTP {status} without JSON"))),
    };
    let code = answer["errorCode"].as_i64().unwrap_or(if status.is_success() { 0 } else { -1 });
    let message = answer["errorMessage"].as_str().unwrap_or_default().to_string();
    match code {
        0 => Ok(answer),
        _ if is_for_later(code) || is_temporary(status.as_u16()) => {
            Err(CallError::NotNow(format!("errorCode {code}: {message}")))
        }
        _ => Err(CallError::Refused { code, message }),
    }
}

/// Token missing, invalid, or expired (40001 is also a wrong key: then the renewal is refused as well).
fn is_about_token(code: i64) -> bool {
    matches!(code, 40001 | 40002 | 40014 | 41001 | 42001)
}

/// Busy, internal error, too many a second, callback check not passed, call limit.
fn is_for_later(code: i64) -> bool {
    matches!(code, -1 | -2 | 30003 | 30006 | 45001)
}

fn is_temporary(status: u16) -> bool {
    status == 429 || status >= 500
}

fn two_hours() -> i64 {
    7200
}

/// RFC 9110 §5.6.7: `Mon, 23 Nov 2026 02:00:00 GMT`.
fn http_date(at: OffsetDateTime) -> String {
    let (weekday, month) = (at.weekday().to_string(), at.month().to_string());
    let (hour, minute, second) = at.to_hms();
    let (weekday, month) = (&weekday[..3], &month[..3]);
    format!("{weekday}, {:02} {month} {} {hour:02}:{minute:02}:{second:02} GMT", at.day(), at.year())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn dates_are_written_as_http_wants_them() {
        assert_eq!(http_date(datetime!(2026-11-03 02:04:05 UTC)), "Tue, 03 Nov 2026 02:04:05 GMT");
    }

    #[test]
    fn codes_are_told_apart() {
        assert!(is_about_token(42001) && !is_for_later(42001));
        assert!(is_for_later(30006) && !is_about_token(30006));
        assert!(!is_for_later(20002) && !is_about_token(20002));
    }
}
