//! Calls of chatbots' webhooks: decided here, made by the binary after the commit, told back here.

use std::time::Duration;

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::Address;
use store::Chatbot;

use crate::dialect::Request;

/// Most bytes of an answer's body that are of use.
pub const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// The headers of an answer that some API looks at, in lower case.
pub const ANSWER_HEADERS: [&str; 3] = ["echostr", "appid", "retry-after"];

/// Names a push; never used twice in the life of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct PushId(pub(crate) u64);

/// A call of a webhook to make.
#[derive(Clone)]
pub struct Push {
    /// Comes back in [`Pushed`].
    pub id: PushId,
    /// Whose webhook it is.
    pub chatbot: Address,
    /// GET for a callback check, POST otherwise.
    pub method: Method,
    /// Where.
    pub url: String,
    /// In this order; `content-type` is among them if there is a body.
    pub headers: Vec<(&'static str, String)>,
    /// JSON; empty for GET.
    pub body: Bytes,
    /// Whether the address may be private or loopback.
    pub allow_private: bool,
    /// For the whole call.
    pub timeout: Duration,
}

impl std::fmt::Debug for Push {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither signatures nor what users say.
        f.debug_struct("Push")
            .field("id", &self.id)
            .field("chatbot", &self.chatbot)
            .field("method", &self.method)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The methods of pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// The callback check.
    Get,
    /// Everything else.
    Post,
}

impl Method {
    /// As HTTP writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// How a push ended.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Of [`Push`].
    pub id: PushId,
    /// Of [`Push`].
    pub chatbot: Address,
    /// The webhook's answer, or why there is none.
    pub outcome: Result<PushAnswer, PushFailure>,
}

/// What a webhook answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PushAnswer {
    /// HTTP status.
    pub status: u16,
    /// Those of its headers that some API looks at ([`ANSWER_HEADERS`]), in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body's first bytes, [`ANSWER_BYTES_MAX`] at most.
    pub body: Bytes,
}

/// Why a webhook gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushFailure {
    /// What kind of failure.
    pub kind: PushFailureKind,
    /// In a few words, for operators.
    pub text: String,
}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PushFailureKind {
    /// No connection, or it broke.
    Connect,
    /// No answer in time.
    Timeout,
    /// The address is private and the chatbot may not use one, or the URL is none.
    Forbidden,
    /// Too many calls wait on our side: says nothing about the webhook.
    Busy,
}

impl Push {
    /// The call of a chatbot's webhook that `request` is.
    pub(crate) fn new(id: PushId, chatbot: &Chatbot, request: Request, timeout: Duration) -> Self {
        let Request { method, url, headers, body } = request;
        let (chatbot, allow_private) = (chatbot.address.clone(), chatbot.allow_private_webhook);
        Self { id, chatbot, method, url, headers, body, allow_private, timeout }
    }

    /// How this push ended.
    pub fn ended(&self, outcome: Result<PushAnswer, PushFailure>) -> Pushed {
        Pushed { id: self.id, chatbot: self.chatbot.clone(), outcome }
    }
}

impl PushAnswer {
    /// A header of the answer, by a name of [`ANSWER_HEADERS`] in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// For how long from `now` on the webhook wants no more: `Retry-After` of a 429 or 503 (RFC 9110 §10.2.3), seconds or a date.
    /// `None` when it does not say, or names a time that is over.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let said = self.header("retry-after").filter(|_| matches!(self.status, 429 | 503))?.trim();
        let wait = match said.parse() {
            Ok(seconds) => Duration::from_secs(seconds),
            Err(_) => Timestamp::parse_http_date(said).ok()?.since(now),
        };
        (wait > Duration::ZERO).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_says_for_how_long_it_wants_no_more() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let wait = |status, said: &str| {
            let headers = vec![("retry-after", said.to_owned())];
            PushAnswer { status, headers, body: Bytes::new() }.retry_after(now).map(|wait| wait.as_secs())
        };
        assert_eq!((wait(429, "120"), wait(503, " 7 "), wait(500, "120")), (Some(120), Some(7), None));
        assert_eq!(wait(503, &now.plus(Duration::from_secs(90)).http_date()), Some(90));
        assert_eq!(wait(503, &now.minus(Duration::from_secs(90)).http_date()), None, "that is over");
        for odd in ["0", "-1", "soon", "", "18446744073709551616"] {
            assert_eq!(wait(429, odd), None, "{odd}");
        }
        assert_eq!(PushAnswer { status: 503, ..PushAnswer::default() }.retry_after(now), None);
    }
}
