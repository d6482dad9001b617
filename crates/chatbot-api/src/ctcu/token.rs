//! The token call, and how later requests carry the token.

use rcs::bot::{
    self, Violation,
    reader::{Faults, Members},
};
use serde::Serialize;

use super::{Refusal, ReturnCode};

/// Seconds for which a token is good.
pub const TOKEN_SECONDS: u32 = 7200;

/// Tokens that a chatbot may ask for in a day.
pub const TOKENS_PER_DAY: u32 = 2000;

/// `POST …/accessToken`: the chatbot's credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The public half.
    pub app_id: String,
    /// The secret half.
    pub app_key: String,
}

/// The answer to it.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenAnswer {
    /// For the `authorization` header of later calls.
    pub access_token: String,
    /// Seconds for which it is good.
    pub expires: u32,
    /// The server root for later calls.
    pub url: String,
    /// 0.
    pub error_code: i32,
}

impl TokenRequest {
    /// Reads the body of the call.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Refusal::of(ReturnCode::EmptyPost));
        }
        let value = bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))?;
        let mut faults = Faults::default();
        let request = Members::of("", value, &mut faults)
            .map(|mut body| (body.string("appId", &mut faults), body.string("appKey", &mut faults)));
        match faults.finish(request).map_err(|faults: Vec<Violation>| Refusal::of_violations(&faults))? {
            (None, _) => Err(Refusal::of(ReturnCode::AppIdMissing)),
            (_, None) => Err(Refusal::of(ReturnCode::AppKeyMissing)),
            (Some(app_id), Some(app_key)) => Ok(Self { app_id, app_key }),
        }
    }
}

impl TokenAnswer {
    /// The answer with a new token. `url` is the server root for later calls.
    pub fn new(access_token: String, url: String) -> Self {
        Self { access_token, expires: TOKEN_SECONDS, url, error_code: 0 }
    }
}

/// The token of a request, from its `authorization` header or else from one called `accessToken`.
///
/// `authorization` holds `accessToken <token>` (any case, and `Bearer` does as well) or the bare token. A scheme with
/// nothing after it, which some clients send with the token call, is no token.
pub fn of_headers<'a>(authorization: Option<&'a str>, access_token: Option<&'a str>) -> Option<&'a str> {
    let authorization = authorization.map(|value| {
        let (scheme, rest) = value.trim().split_once(char::is_whitespace).unwrap_or(("", value.trim()));
        let rest = rest.trim();
        if ["accessToken", "Bearer"].iter().any(|known| rest.eq_ignore_ascii_case(known)) {
            ""
        } else if scheme.is_empty()
            || ["accessToken", "Bearer"].iter().any(|known| scheme.eq_ignore_ascii_case(known))
        {
            rest
        } else {
            ""
        }
    });
    [authorization, access_token.map(str::trim)].into_iter().flatten().find(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_read_and_what_is_missing_is_named() {
        let code =
            |body: &str| TokenRequest::parse(body.as_bytes()).err().map(|refusal| refusal.code.number());
        assert_eq!(code(r#"{"appId":"a","appKey":"k"}"#), None);
        assert_eq!(code(r#"{"appKey":"k"}"#), Some(41002));
        assert_eq!(code(r#"{"appId":"a","appKey":""}"#), Some(41004));
        assert_eq!(code(r#"{"appId":7,"appKey":"k"}"#), Some(20002));
        assert_eq!(code(""), Some(44002));
        assert_eq!(code("{"), Some(47001));
        assert_eq!(code("[]"), Some(20002));
    }

    #[test]
    fn the_answer_is_the_documented_one() {
        let answer = TokenAnswer::new("t".to_owned(), "https://maap.example".to_owned());
        assert_eq!(
            serde_json::to_string(&answer).unwrap(),
            r#"{"accessToken":"t","expires":7200,"url":"https://maap.example","errorCode":0}"#
        );
    }

    #[test]
    fn a_token_is_found_in_every_form_that_clients_send() {
        assert_eq!(of_headers(Some("accessToken abc"), None), Some("abc"));
        assert_eq!(of_headers(Some("AccessToken   abc "), None), Some("abc"));
        assert_eq!(of_headers(Some("Bearer abc"), None), Some("abc"));
        assert_eq!(of_headers(Some("abc"), None), Some("abc"));
        assert_eq!(of_headers(None, Some(" abc")), Some("abc"));
        assert_eq!(of_headers(Some("accessToken "), Some("abc")), Some("abc"));
        assert_eq!(of_headers(Some("accessToken"), None), None);
        assert_eq!(of_headers(Some("Basic abc"), None), None);
        assert_eq!(of_headers(Some(""), None), None);
        assert_eq!(of_headers(None, None), None);
    }
}
