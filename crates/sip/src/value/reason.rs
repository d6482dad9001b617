//! Reason (RFC 3326): why a request is sent, as in the BYE of somebody who leaves a group for good.

use std::borrow::Cow;
use std::fmt;

use super::{HeaderError, Params, is_token, split_before};

/// One value of Reason: `SIP;cause=200;text="Call completed"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    /// Whose causes these are: `SIP`, `Q.850`, ….
    pub protocol: &'a str,
    /// The cause; of `SIP` a status code. Absent when it is no number.
    pub cause: Option<u32>,
    /// For people.
    pub text: Option<Cow<'a, str>>,
}

impl<'a> Reason<'a> {
    /// A SIP status code with words.
    pub fn sip(cause: u16, text: &'a str) -> Self {
        Reason { protocol: "SIP", cause: Some(cause.into()), text: Some(text.into()) }
    }

    /// Reads one value of the header, of which there may be several.
    ///
    /// # Errors
    /// No protocol in front, or not UTF-8.
    pub fn parse(value: &'a [u8]) -> Result<Self, HeaderError> {
        let malformed = HeaderError::malformed("Reason", "not a protocol and its cause");
        let text = std::str::from_utf8(value).map_err(|_| malformed)?;
        let (protocol, params) = split_before(text, b';');
        let (protocol, params) = (protocol.trim(), Params::of(params));
        if !is_token(protocol.as_bytes()) {
            return Err(malformed);
        }
        let cause = params.get("cause").and_then(|cause| super::number(cause.as_bytes()));
        let cause = cause.and_then(|cause| u32::try_from(cause).ok());
        Ok(Reason { protocol, cause, text: params.unquoted("text") })
    }

    /// Whether this is a SIP cause with this status code.
    pub fn is_sip(&self, cause: u16) -> bool {
        self.protocol.eq_ignore_ascii_case("SIP") && self.cause == Some(cause.into())
    }
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol)?;
        if let Some(cause) = self.cause {
            write!(f, ";cause={cause}")?;
        }
        if let Some(text) = &self.text {
            write!(f, ";text=\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_back() {
        for reason in [
            Reason::sip(200, "Call completed"),
            Reason::sip(410, "a \"quoted\" \\ text"),
            Reason { protocol: "Q.850", cause: Some(16), text: None },
            Reason { protocol: "x", cause: None, text: None },
        ] {
            assert_eq!(Reason::parse(reason.to_string().as_bytes()), Ok(reason));
        }
        assert!(Reason::parse(b"sip ; cause=200").unwrap().is_sip(200));
        assert!(Reason::parse(b";cause=200").is_err());
    }
}
