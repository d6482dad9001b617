//! What every answer of the chatbot APIs says about limits, whichever the dialect, and those of administrators who send: the one that will be reached first
//! (`RateLimit`, `RateLimit-Policy` of the IETF's draft-ietf-httpapi-ratelimit-headers), and when to try again once it is
//! (`Retry-After`).
//!
//! The centre's answer is noted where it comes in ([`note`]), and told where the HTTP answer goes out ([`tell`]).

use std::cell::RefCell;

use axum::extract::Request;
use axum::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use axum::middleware::Next;
use axum::response::Response;
use maap::Answer;
use maap::rate::Span;
use rcs::Timestamp;

tokio::task_local! {
    /// Headers of the answer to the call that is being made.
    static HEADERS: RefCell<HeaderMap>;
}

/// Adds what was noted while a call was made.
pub async fn tell(request: Request, next: Next) -> Response {
    let call = async {
        let mut response = next.run(request).await;
        response.headers_mut().extend(HEADERS.with(RefCell::take));
        response
    };
    HEADERS.scope(RefCell::default(), call).await
}

/// Notes what an answer of the centre says about limits. Without effect outside of [`tell`].
pub fn note(answer: &Answer, now: Timestamp) {
    let headers = headers(answer, now);
    // Outside of the APIs nobody asks.
    let _ = HEADERS.try_with(|noted| noted.replace(headers));
}

fn headers(answer: &Answer, now: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let (span, limit, left, wait_s) = match answer {
        Answer::Accepted(_, left) | Answer::Sent { left, .. } => {
            let wait_ms = left.renewed_at.since(now).as_millis();
            (left.span, left.limit, left.left, wait_ms.div_ceil(1000) as u64)
        }
        Answer::Refused(refusal) => {
            let Some(wait) = refusal.retry_after else { return headers };
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
            let Some((span, limit)) = refusal.limit else { return headers };
            (span, limit, 0, wait.as_secs())
        }
        _ => return headers,
    };
    let name = span.as_str();
    let window = match span {
        Span::Second => ";w=1",
        Span::Day => ";w=86400",
        // Months are not of one length.
        Span::Month => "",
    };
    let texts = [
        ("ratelimit", format!("\"{name}\";r={left};t={wait_s}")),
        ("ratelimit-policy", format!("\"{name}\";q={limit}{window}")),
    ];
    for (header, text) in texts {
        let value = HeaderValue::try_from(text).expect("digits and quoted names are visible ASCII");
        headers.insert(HeaderName::from_static(header), value);
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use maap::{Reason, Refusal};

    use super::*;

    #[test]
    fn a_limit_is_told_with_when_it_is_over() {
        let mut refusal = Refusal::until(Reason::DayLimit, Duration::from_secs(3600));
        refusal.limit = Some((Span::Day, 1000));
        let told = headers(&Answer::Refused(refusal), Timestamp::EPOCH);
        assert_eq!(told["retry-after"], "3600");
        assert_eq!(told["ratelimit"], "\"day\";r=0;t=3600");
        assert_eq!(told["ratelimit-policy"], "\"day\";q=1000;w=86400");
        let other = Answer::Refused(Refusal::of(Reason::NotAllowed));
        assert!(headers(&other, Timestamp::EPOCH).is_empty());
    }
}
