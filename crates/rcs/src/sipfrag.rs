//! A piece of a SIP message: `message/sipfrag` (RFC 3420), with which the progress of a REFER is told (RFC 3515 §2.4.5).
//!
//! Only the status line is read and written; headers after it say nothing that anybody here needs.

use std::fmt;

/// The media type, with the version that RFC 3515 wants.
pub const CONTENT_TYPE: &str = "message/sipfrag;version=2.0";

/// Longest status line.
pub const LINE_BYTES_MAX: usize = 1024;

/// The status line of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SipFrag {
    /// 100 to 699.
    pub status: u16,
    /// The reason phrase; may be empty.
    pub reason: String,
}

/// The bytes do not begin with a status line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sipfrag does not begin with a status line")]
pub struct NotAStatusLine;

impl SipFrag {
    /// A status with its phrase; control characters become spaces.
    pub fn new(status: u16, reason: &str) -> Self {
        let reason = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { status, reason }
    }

    /// Reads the status line and passes over what follows.
    pub fn parse(body: &[u8]) -> Result<Self, NotAStatusLine> {
        let window = &body[..body.len().min(LINE_BYTES_MAX)];
        let end = window.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(window.len());
        let line = std::str::from_utf8(&window[..end]).map_err(|_| NotAStatusLine)?;
        let rest = line.strip_prefix("SIP/2.0 ").ok_or(NotAStatusLine)?;
        let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
        match status.parse() {
            Ok(status @ 100..=699) if is_status => Ok(Self { status, reason: reason.to_owned() }),
            _ => Err(NotAStatusLine),
        }
    }
}

/// The body, with its line end.
impl fmt::Display for SipFrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0 {} {}\r\n", self.status, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_status_line_reads_whatever_follows() {
        assert_eq!(SipFrag::parse(b"SIP/2.0 200 OK\r\nTo: <sip:a@b>\r\n"), Ok(SipFrag::new(200, "OK")));
        assert_eq!(SipFrag::parse(b"SIP/2.0 100 Trying"), Ok(SipFrag::new(100, "Trying")));
        assert_eq!(SipFrag::parse(b"SIP/2.0 603\n"), Ok(SipFrag::new(603, "")));
        let bad: [&[u8]; 7] = [
            b"",
            b"OK",
            b"SIP/2.0 99 x",
            b"SIP/2.0 0200 x",
            b"SIP/2.0 +20 x",
            b"SIP/3.0 200 x",
            b"INVITE a SIP/2.0",
        ];
        for bad in bad {
            assert_eq!(SipFrag::parse(bad), Err(NotAStatusLine), "{bad:?}");
        }
        assert_eq!(SipFrag::new(200, "a\r\nb").to_string(), "SIP/2.0 200 a  b\r\n");
    }

    proptest! {
        #[test]
        fn written_fragments_read_back(status in 100u16..700, reason in "[ -~鸿]{0,40}") {
            let fragment = SipFrag::new(status, &reason);
            prop_assert_eq!(SipFrag::parse(fragment.to_string().as_bytes()), Ok(fragment));
        }
    }
}
