//! What signs our pushes, and the check of a webhook before anything is sent in its chatbot's name.
//!
//! The signature is the lower-case hex SHA-256 of callback token, timestamp (seconds) and nonce, sorted as strings
//! and put together. The callback token is agreed when the chatbot is created; it is not the access token.

use rcs::Timestamp;
use sha2::{Digest, Sha256};

/// The path under the webhook's base URL that the callback check GETs.
pub const CHECK_PATH: &str = "/notifyPath";

/// Headers of a request to a chatbot, names as the interface writes them.
pub type Headers = Vec<(&'static str, String)>;

/// The signature over the three strings.
pub fn signature(callback_token: &str, timestamp: &str, nonce: &str) -> String {
    let mut strings = [callback_token, timestamp, nonce];
    strings.sort_unstable();
    hex(&Sha256::digest(strings.concat()))
}

/// Whether `given` is the signature over the three strings; takes the same time wherever they differ.
pub fn verify(callback_token: &str, timestamp: &str, nonce: &str, given: &str) -> bool {
    let expected = signature(callback_token, timestamp, nonce);
    let given = given.to_ascii_lowercase();
    expected.len() == given.len()
        && expected.bytes().zip(given.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

/// The headers of a signed push. `nonce` is a fresh UUID.
pub fn push_headers(callback_token: &str, now: Timestamp, nonce: &str) -> Headers {
    let timestamp = now.as_seconds().to_string();
    vec![
        ("signature", signature(callback_token, &timestamp, nonce)),
        ("timestamp", timestamp),
        ("nonce", nonce.to_owned()),
    ]
}

/// The headers of the callback check. `echo` is a fresh random string that the answer must repeat.
pub fn check_headers(
    callback_token: &str,
    now: Timestamp,
    nonce: &str,
    echo: &str,
    chatbot: &str,
) -> Headers {
    let mut headers = push_headers(callback_token, now, nonce);
    headers.push(("echoStr", echo.to_owned()));
    headers.push(("chatbotId", chatbot.to_owned()));
    headers
}

/// Whether an answer passes the callback check: 200 with our `echoStr`, and with the chatbot's `appId` if any.
pub fn check_passed(
    status: u16,
    echo_str: Option<&str>,
    app_id: Option<&str>,
    echo: &str,
    app: &str,
) -> bool {
    status == 200 && echo_str == Some(echo) && app_id.is_none_or(|given| given == app)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strings_are_sorted_before_they_are_hashed() {
        // printf 1579243340abcnonce | sha256sum
        let expected = "cc604a347aa5870b84a0d282ba9d3f194313d8e846a90e5389ae1aadde44acfa";
        assert_eq!(signature("nonce", "abc", "1579243340"), expected);
        assert_eq!(signature("1579243340", "nonce", "abc"), expected);
    }

    #[test]
    fn only_the_right_signature_verifies() {
        let signed = signature("secret", "1579243340", "n-1");
        assert!(verify("secret", "1579243340", "n-1", &signed));
        assert!(verify("secret", "1579243340", "n-1", &signed.to_ascii_uppercase()));
        assert!(!verify("other", "1579243340", "n-1", &signed));
        assert!(!verify("secret", "1579243341", "n-1", &signed));
        assert!(!verify("secret", "1579243340", "n-1", &signed[1..]));
        assert!(!verify("secret", "1579243340", "n-1", ""));
    }

    #[test]
    fn a_check_passes_only_with_our_echo() {
        assert!(check_passed(200, Some("e"), Some("app"), "e", "app"));
        assert!(check_passed(200, Some("e"), None, "e", "app"));
        assert!(!check_passed(200, Some("x"), Some("app"), "e", "app"));
        assert!(!check_passed(200, None, None, "e", "app"));
        assert!(!check_passed(200, Some("e"), Some("other"), "e", "app"));
        assert!(!check_passed(404, Some("e"), Some("app"), "e", "app"));
    }

    #[test]
    fn headers_are_those_of_the_interface() {
        let headers =
            check_headers("t", Timestamp::from_seconds(1_579_243_340), "n", "e", "sip:1@botplatform.x");
        let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["signature", "timestamp", "nonce", "echoStr", "chatbotId"]);
        assert_eq!(headers[0].1, signature("t", "1579243340", "n"));
    }
}
