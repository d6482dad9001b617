//! Session timers (RFC 4028): both sides agree that a session ends unless one of them refreshes it in time.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::message::{Headers, Request, Response};
use crate::name::HeaderName;
use crate::value::{self, HeaderError, Params};

/// The option tag.
pub const OPTION: &str = "timer";

/// The smallest interval that anybody may insist on (RFC 4028 §5).
pub const INTERVAL_S_MIN: u32 = 90;

/// Who refreshes.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresher {
    /// Whoever sent the INVITE or UPDATE.
    Uac,
    /// Whoever answered it.
    Uas,
}

/// Session-Expires (RFC 4028 §4): `1800;refresher=uac`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionExpires {
    /// Seconds without a refresh after which the session is over.
    pub interval_s: u32,
    /// Absent when the asker leaves it to the other side.
    pub refresher: Option<Refresher>,
}

impl SessionExpires {
    /// Session-Expires of a request or response; `None` when there is none.
    ///
    /// # Errors
    /// Not a number, or one of 2³² and more.
    pub fn of(headers: &Headers) -> Result<Option<Self>, HeaderError> {
        headers.raw(HeaderName::SessionExpires).map(Self::parse).transpose()
    }

    /// Reads the value of the header. An unknown refresher counts as none.
    ///
    /// # Errors
    /// As [`SessionExpires::of`].
    pub fn parse(text: &[u8]) -> Result<Self, HeaderError> {
        let malformed = HeaderError::malformed("Session-Expires", "not a number of seconds");
        let text = std::str::from_utf8(text).map_err(|_| malformed)?;
        let (number, params) = value::split_before(text, b';');
        let interval_s = value::number(number.trim().as_bytes()).ok_or(malformed)?;
        let refresher = match Params::of(params).get("refresher") {
            Some(who) if who.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
            Some(who) if who.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
            _ => None,
        };
        Ok(SessionExpires { interval_s: u32::try_from(interval_s).map_err(|_| malformed)?, refresher })
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.refresher {
            None => write!(f, "{}", self.interval_s),
            Some(Refresher::Uac) => write!(f, "{};refresher=uac", self.interval_s),
            Some(Refresher::Uas) => write!(f, "{};refresher=uas", self.interval_s),
        }
    }
}

/// Min-SE in seconds; `None` when absent.
///
/// # Errors
/// Not a number of seconds.
pub fn min_se(headers: &Headers) -> Result<Option<u32>, HeaderError> {
    let Some(text) = headers.raw(HeaderName::MinSe) else { return Ok(None) };
    let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
    let seconds = value::number(text[..end].trim_ascii()).and_then(|seconds| u32::try_from(seconds).ok());
    seconds.map(Some).ok_or(HeaderError::malformed("Min-SE", "not a number of seconds"))
}

/// What we want of session timers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The interval that we ask for, and the longest that we agree to.
    pub interval_s: u32,
    /// The shortest that we agree to; at least [`INTERVAL_S_MIN`] counts.
    pub min_s: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Policy { interval_s: 1800, min_s: INTERVAL_S_MIN }
    }
}

/// The interval that was asked for is too short: answer 422 with this Min-SE (RFC 4028 §9).
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the shortest session interval here is {min_s} s")]
pub struct TooBrief {
    /// For the Min-SE of the 422.
    pub min_s: u32,
}

/// Why a request's session timer was not agreed to.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// 422.
    #[error(transparent)]
    TooBrief(#[from] TooBrief),
    /// 400.
    #[error(transparent)]
    Malformed(#[from] HeaderError),
}

/// What a UAS answers to a request's session timer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// For Session-Expires of the 2xx, refresher named.
    pub session_expires: SessionExpires,
    /// Whether the 2xx says `Require: timer`: when the peer is to refresh (RFC 4028 §9).
    pub is_required: bool,
    /// The timer as we keep it.
    pub timer: SessionTimer,
}

impl Policy {
    /// Agrees on a session timer as the UAS of an INVITE or UPDATE (RFC 4028 §9, table 2). We refresh when the peer asks us to
    /// or does not know session timers; otherwise it does.
    ///
    /// # Errors
    /// [`Disagreement`]: the interval is below ours, or a header cannot be read.
    pub fn answer(&self, request: &Request) -> Result<Agreement, Disagreement> {
        let knows_timers = request.has_token(HeaderName::Supported, OPTION)
            || request.has_token(HeaderName::Require, OPTION);
        let min_s = self.min_s.max(INTERVAL_S_MIN);
        let asked = SessionExpires::of(request)?;
        let peer_min_s = min_se(request)?.unwrap_or(0);
        let interval_s = match asked {
            Some(asked) if asked.interval_s < min_s => return Err(TooBrief { min_s }.into()),
            // Ours may shorten the interval, yet never below what the peer can bear.
            Some(asked) => asked.interval_s.min(self.interval_s.max(peer_min_s).max(min_s)),
            None => self.interval_s.max(peer_min_s).max(min_s),
        };
        let refresher = match asked.and_then(|asked| asked.refresher) {
            _ if !knows_timers => Refresher::Uas,
            Some(asked) => asked,
            None => Refresher::Uac,
        };
        Ok(Agreement {
            session_expires: SessionExpires { interval_s, refresher: Some(refresher) },
            is_required: refresher == Refresher::Uac,
            timer: SessionTimer { interval_s, is_ours: refresher == Refresher::Uas },
        })
    }

    /// What a UAC has agreed to when this 2xx comes (RFC 4028 §7.2); `None` when the peer wants no session timer.
    ///
    /// # Errors
    /// Session-Expires cannot be read.
    pub fn agreed(&self, response: &Response) -> Result<Option<SessionTimer>, HeaderError> {
        let timer = SessionExpires::of(response)?.map(|answer| SessionTimer {
            // A peer may not go below the minimum that we stated; if it does, refreshing more often would not help it.
            interval_s: answer.interval_s.max(INTERVAL_S_MIN),
            is_ours: answer.refresher != Some(Refresher::Uas),
        });
        Ok(timer)
    }

    /// The interval to try again with after a 422, and for Min-SE of that request (RFC 4028 §7.3); `None` when the 422 names
    /// no minimum that explains it.
    ///
    /// # Errors
    /// Min-SE cannot be read.
    pub fn retry(&self, response: &Response) -> Result<Option<u32>, HeaderError> {
        Ok(min_se(response)?.filter(|min_s| response.status() == 422 && *min_s > self.interval_s))
    }
}

/// A session timer that was agreed on.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTimer {
    /// Seconds without a refresh after which the session is over.
    pub interval_s: u32,
    /// Whether we refresh.
    pub is_ours: bool,
}

impl SessionTimer {
    /// How long after the last refresh the next one is sent, if we send it: half the interval (RFC 4028 §10).
    pub fn refresh_after(&self) -> Option<Duration> {
        self.is_ours.then(|| Duration::from_secs(u64::from(self.interval_s) / 2))
    }

    /// How long after the last refresh the session is ended with BYE. The side that waits for refreshes gives up a little before
    /// the interval is over, by the smaller of 32 s and a third of it (RFC 4028 §10).
    pub fn ends_after(&self) -> Duration {
        let early_s = if self.is_ours { 0 } else { (self.interval_s / 3).min(32) };
        Duration::from_secs(u64::from(self.interval_s - early_s))
    }

    /// The timer of a session whose refresh of ours could not be taken now and is tried again after `wait`, and how long ago it
    /// counts as refreshed. It ends when it would have, `left` from now. `None` when nothing is left by then.
    pub fn postponed(&self, left: Duration, wait: Duration) -> Option<(Self, Duration)> {
        let half = left.checked_sub(wait).filter(|half| half.as_secs() > 0)?;
        let timer = Self { interval_s: 2 * half.as_secs() as u32, ..*self };
        Some((timer, timer.refresh_after()?.saturating_sub(wait)))
    }
}

/// How long to wait after 491 before the re-INVITE is tried again (RFC 3261 §14.1): 2.1 to 4 s for the owner of the Call-ID, up to 2 s
/// for the other side, in tens of milliseconds, so that the two do not meet again. `drawn` is any random number.
pub fn wait_after_491(owns_call_id: bool, drawn: u64) -> Duration {
    let (least, steps) = if owns_call_id { (210, 191) } else { (0, 201) };
    Duration::from_millis(10 * (least + drawn % steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_that_meets_the_peers_is_tried_again_soon() {
        for drawn in 0..1000 {
            let (ours, theirs) = (wait_after_491(true, drawn), wait_after_491(false, drawn));
            assert!(ours >= Duration::from_millis(2100) && ours <= Duration::from_secs(4), "{ours:?}");
            assert!(theirs <= Duration::from_secs(2), "{theirs:?}");
        }
        let timer = SessionTimer { interval_s: 90, is_ours: true };
        let (left, wait) = (Duration::from_secs(45), Duration::from_secs(3));
        let (timer, ago) = timer.postponed(left, wait).expect("there is time");
        assert_eq!(timer.refresh_after().map(|after| after - ago), Some(wait));
        assert_eq!(timer.ends_after() - ago, left);
        assert_eq!(timer.postponed(wait, wait), None);
    }

    #[test]
    fn session_expires_reads_and_is_written() {
        for (text, written) in [
            ("1800", "1800"),
            ("1800;refresher=uac", "1800;refresher=uac"),
            (" 90 ; Refresher = UAS ;x", "90;refresher=uas"),
            ("90;refresher=both", "90"),
        ] {
            assert_eq!(SessionExpires::parse(text.trim().as_bytes()).unwrap().to_string(), written, "{text}");
        }
        for bad in ["", "-1", "soon", "4294967296", "1 2"] {
            assert!(SessionExpires::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_side_that_waits_gives_up_before_the_session_lapses() {
        let (waits, refreshes) = (
            SessionTimer { interval_s: 1800, is_ours: false },
            SessionTimer { interval_s: 90, is_ours: true },
        );
        assert_eq!((waits.refresh_after(), waits.ends_after()), (None, Duration::from_secs(1768)));
        assert_eq!(refreshes.refresh_after(), Some(Duration::from_secs(45)));
        assert_eq!(refreshes.ends_after(), Duration::from_secs(90));
        assert_eq!(
            SessionTimer { interval_s: 90, is_ours: false }.ends_after(),
            Duration::from_secs(60),
            "a third of a short interval"
        );
    }
}
