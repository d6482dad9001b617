//! Management calls of CSPs, the companies that run chatbots for others (maap-api §4, known in part):
//! `/cspApi/{version}/accessToken`, `uploadFile`, `getFile`.
//!
//! Every request carries `timestamp` (`yyyyMMddHHmmss`), `nonce` and `signature`, the MD5 in hex of access key, nonce and
//! timestamp; all but the token call also `authorization` with the token. Answers are `{"code":0,"message":…,"data":…}`.

pub mod answer;
pub mod signature;

use rcs::bot::{
    self, ParseError,
    reader::{Faults, Members},
};

pub use answer::{Answer, Refusal};
pub use signature::{SignatureError, Signed};

/// Seconds for which a token is good.
pub const TOKEN_SECONDS: u32 = 7200;

/// `POST …/accessToken`: the CSP's credentials.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// Its name.
    pub csp_id: String,
    /// Its secret.
    pub access_key: String,
}

impl TokenRequest {
    /// Reads the body, `{"cspId":…,"accessKey":…}`.
    pub fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let value = bot::read_json(body)?;
        let mut faults = Faults::default();
        let read = Members::of("", value, &mut faults).and_then(|mut body| {
            let (csp_id, access_key) = (body.text("cspId", &mut faults), body.text("accessKey", &mut faults));
            Some(Self { csp_id: csp_id?, access_key: access_key? })
        });
        faults.finish(read).map_err(ParseError::Shape)
    }
}

/// The URL that `POST …/getFile` asks for, `{"fileUrl":…}`.
pub fn file_url(body: &[u8]) -> Result<String, ParseError> {
    let value = bot::read_json(body)?;
    let mut faults = Faults::default();
    let read = Members::of("", value, &mut faults).and_then(|mut body| body.text("fileUrl", &mut faults));
    faults.finish(read).map_err(ParseError::Shape)
}

/// The token of an `authorization` header: bare, or behind a scheme.
pub fn token(authorization: &str) -> Option<&str> {
    crate::ctcu::token::of_headers(Some(authorization), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_urls_are_read() {
        let request = TokenRequest::parse(br#"{"cspId":"c1","accessKey":"k"}"#).unwrap();
        assert_eq!((request.csp_id.as_str(), request.access_key.as_str()), ("c1", "k"));
        assert!(TokenRequest::parse(br#"{"cspId":"c1"}"#).is_err());
        assert!(TokenRequest::parse(b"").is_err());
        assert_eq!(file_url(br#"{"fileUrl":"https://f.example/a"}"#).unwrap(), "https://f.example/a");
        assert!(file_url(br#"{"fileUrl":7}"#).is_err());
        assert_eq!(token("abc"), Some("abc"));
        assert_eq!(token("accessToken abc"), Some("abc"));
    }
}
