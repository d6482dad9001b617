//! Calling webhooks: the callback checks and pushes that `maap` decided on, and how they ended.
//!
//! Webhooks are other people's machines: slow, gone, hostile. Each call has a time limit, each answer a size limit,
//! redirects are not followed, and addresses are checked (`webhook_guard.rs`). How many calls one chatbot may have under
//! way is `maap`'s to say; how many of all that run at once are one endpoint's, `turns.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use maap::{ANSWER_BYTES_MAX, ANSWER_HEADERS, Push, PushAnswer, PushFailure, PushFailureKind, Pushed};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use crate::config::{self, ConfigError};
use crate::metrics::{Metrics, Outcome};
use crate::turns::Turns;
use crate::webhook_guard::{self, Refused, Resolver};

/// For the rest of an answer, once its status is known: that is what counts, and what drips after it is not waited for.
const BODY_WAIT: Duration = Duration::from_secs(2);

/// A connection without calls is kept so long.
const IDLE: Duration = Duration::from_secs(60);

/// Makes the calls. Cheap to clone.
#[derive(Clone)]
pub struct Pusher(Arc<Inner>);

struct Inner {
    /// Reaches public addresses only.
    public: Client,
    any: Client,
    allow_private: bool,
    turns: Turns,
    metrics: Arc<Metrics>,
}

impl Pusher {
    /// A pusher with the limits of `maap`.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(maap: &config::Maap, metrics: Arc<Metrics>) -> Result<Self, ConfigError> {
        let client = |resolver: Arc<Resolver>| {
            Client::builder()
                .dns_resolver(resolver)
                .redirect(Policy::none())
                .no_proxy()
                .connect_timeout(config::seconds(maap.webhook_connect_timeout_s))
                .pool_idle_timeout(IDLE)
                .user_agent(concat!("hongyan/", env!("CARGO_PKG_VERSION")))
        };
        let failed = |error: reqwest::Error| ConfigError(format!("maap: webhooks cannot be called: {error}"));
        // A connection that is kept is used again by the client that checked it, and by no other.
        let [public, any] = Resolver::both();
        Ok(Self(Arc::new(Inner {
            public: client(public).build().map_err(failed)?,
            any: client(any).build().map_err(failed)?,
            allow_private: maap.allow_private_webhooks,
            turns: Turns::new(maap.pushes.get() as usize),
            metrics,
        })))
    }
}

impl Pusher {
    /// Fetches what a chatbot names, under the rules that hold for webhooks: no redirects, and public addresses only unless
    /// `allow_private`. The head of the answer; its body is still to come.
    ///
    /// # Errors
    /// The URL is none that is called, or nobody answers.
    pub async fn get(&self, url: &str, allow_private: bool) -> Result<reqwest::Response, PushFailure> {
        let inner = &*self.0;
        let url: Url = url.parse().map_err(|_| failure(PushFailureKind::Forbidden, "no URL"))?;
        let client = inner.client(&url, allow_private)?;
        client.get(url).send().await.map_err(|error| failure_of(&error))
    }
}

/// Makes one call, when its turn comes.
pub async fn perform(pusher: &Pusher, push: Push) -> Pushed {
    let inner = &*pusher.0;
    let outcome = inner.take_turn(&push).await;
    let word = match &outcome {
        Ok(answer) if (200..300).contains(&answer.status) => "taken",
        Ok(_) => "answered_error",
        Err(failure) => match failure.kind {
            PushFailureKind::Connect => "no_connection",
            PushFailureKind::Timeout => "no_answer",
            PushFailureKind::Forbidden => "forbidden",
            PushFailureKind::Busy => "busy",
        },
    };
    inner.metrics.pushes.get_or_create(&Outcome::of(word)).inc();
    push.ended(outcome)
}

impl Inner {
    async fn take_turn(&self, push: &Push) -> Result<PushAnswer, PushFailure> {
        let forbidden = |text: &str| failure(PushFailureKind::Forbidden, text);
        let url: Url = push.url.parse().map_err(|_| forbidden("the webhook is no URL"))?;
        let client = self.client(&url, push.allow_private)?;
        let Some(mut turn) = self.turns.take(url.authority()).await else {
            return Err(failure(PushFailureKind::Busy, "too many webhook calls at once"));
        };
        let begun = Instant::now();
        let outcome = tokio::time::timeout(push.timeout, self.call(push, client, url)).await;
        self.metrics.push_seconds.observe(begun.elapsed().as_secs_f64());
        if let Ok(Ok(_)) = outcome {
            turn.answered();
        }
        outcome.unwrap_or_else(|_| Err(failure(PushFailureKind::Timeout, "no answer in time")))
    }

    /// The client that may go to `url`.
    fn client(&self, url: &Url, allow_private: bool) -> Result<&Client, PushFailure> {
        let allow_private = allow_private || self.allow_private;
        let refused = |error: Refused| failure(PushFailureKind::Forbidden, &error.to_string());
        webhook_guard::check(url, allow_private).map_err(refused)?;
        Ok(if allow_private { &self.any } else { &self.public })
    }

    async fn call(&self, push: &Push, client: &Client, url: Url) -> Result<PushAnswer, PushFailure> {
        let forbidden = |text: &str| failure(PushFailureKind::Forbidden, text);
        let headers = header_map(&push.headers).ok_or_else(|| forbidden("a header cannot be written"))?;
        let method = match push.method {
            maap::Method::Get => reqwest::Method::GET,
            maap::Method::Post => reqwest::Method::POST,
        };
        let request = client.request(method, url).headers(headers).body(push.body.clone());
        let answer = request.send().await.map_err(|error| failure_of(&error))?;
        let header = |name: &'static str| {
            let value = answer.headers().get(name)?.to_str().ok()?;
            Some((name, value.to_owned()))
        };
        let headers = ANSWER_HEADERS.into_iter().filter_map(header).collect();
        let status = answer.status().as_u16();
        Ok(PushAnswer { status, headers, body: beginning(answer).await.into() })
    }
}

/// The first bytes of an answer's body: as many as are of use, and as come in good time. The connection of an answer that was
/// not read to its end is closed.
async fn beginning(mut answer: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    let read = async {
        while body.len() < ANSWER_BYTES_MAX
            && let Ok(Some(chunk)) = answer.chunk().await
        {
            body.extend_from_slice(&chunk);
        }
    };
    // Cut off or whole, it is judged by what has come.
    let _ = tokio::time::timeout(BODY_WAIT, read).await;
    body.truncate(ANSWER_BYTES_MAX);
    body
}

fn header_map(headers: &[(&'static str, String)]) -> Option<HeaderMap> {
    headers
        .iter()
        .map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?)))
        .collect()
}

fn failure(kind: PushFailureKind, text: &str) -> PushFailure {
    PushFailure { kind, text: text.to_owned() }
}

/// What went wrong, without the URL, which may hold secrets of the chatbot.
fn failure_of(error: &reqwest::Error) -> PushFailure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match error {
        _ if cause.is::<Refused>() => failure(PushFailureKind::Forbidden, &cause.to_string()),
        error if error.is_timeout() => failure(PushFailureKind::Timeout, "no answer in time"),
        error if error.is_connect() => failure(PushFailureKind::Connect, &format!("cannot connect: {cause}")),
        _ => failure(PushFailureKind::Connect, &format!("broken off: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::Router;
    use axum::body::Body;
    use axum::response::Redirect;
    use axum::routing::{get, post};
    use bytes::Bytes;
    use futures_util::stream;
    use maap::{Method, PushId};

    use super::*;

    /// A webhook of ours on loopback; gives its URL.
    async fn webhook() -> String {
        let router = Router::new()
            .route(
                "/hook",
                post(|headers: HeaderMap, body: String| async move {
                    ([("echoStr", headers["nonce"].clone())], body)
                }),
            )
            .route("/away", get(|| async { Redirect::temporary("/hook") }))
            .route("/large", get(|| async { vec![b'x'; 3 * ANSWER_BYTES_MAX] }))
            .route("/slow", post(std::future::pending::<()>))
            .route(
                "/drip",
                post(|| async { Body::from_stream(stream::pending::<Result<Bytes, Infallible>>()) }),
            )
            .route("/flood", post(|| async { Body::from_stream(stream::repeat(flood())) }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        url
    }

    /// A piece of an answer without end.
    fn flood() -> Result<Bytes, Infallible> {
        Ok(Bytes::from_static(&[b'x'; 16 << 10]))
    }

    async fn call(method: Method, url: &str, allow_private: bool) -> Result<PushAnswer, PushFailure> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let pusher = Pusher::new(&config::Maap::default(), Arc::new(Metrics::new())).unwrap();
        let push = Push {
            id: PushId::default(),
            chatbot: "sip:1@botplatform.a.example".parse().unwrap(),
            method,
            url: url.to_owned(),
            headers: vec![("nonce", "n1".to_owned())],
            body: Bytes::from_static(b"{}"),
            allow_private,
            timeout: Duration::from_secs(5),
        };
        perform(&pusher, push).await.outcome
    }

    async fn failure_kind(url: &str, allow_private: bool) -> PushFailureKind {
        call(Method::Post, url, allow_private).await.unwrap_err().kind
    }

    #[tokio::test]
    async fn a_push_carries_headers_and_body_and_brings_the_answer() {
        let answer = call(Method::Post, &format!("{}/hook", webhook().await), true).await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"{}"[..]));
        assert_eq!(answer.header("echoStr"), Some("n1"));
    }

    #[tokio::test]
    async fn a_webhook_may_not_lead_home_unless_allowed() {
        let url = format!("{}/hook", webhook().await);
        assert_eq!(failure_kind(&url, false).await, PushFailureKind::Forbidden);
        let by_name = url.replace("127.0.0.1", "localhost");
        assert_eq!(failure_kind(&by_name, false).await, PushFailureKind::Forbidden);
    }

    #[tokio::test]
    async fn redirects_are_not_followed_and_answers_are_cut() {
        let url = webhook().await;
        let answer = call(Method::Get, &format!("{url}/away"), true).await.unwrap();
        assert_eq!(answer.status, 307);
        let answer = call(Method::Get, &format!("{url}/large"), true).await.unwrap();
        assert_eq!(answer.body.len(), ANSWER_BYTES_MAX);
    }

    #[tokio::test]
    async fn an_answer_counts_by_its_status_however_long_its_body_takes() {
        let url = webhook().await;
        let answer = call(Method::Post, &format!("{url}/flood"), true).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, ANSWER_BYTES_MAX));
        let answer = call(Method::Post, &format!("{url}/drip"), true).await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, 0));
    }

    #[tokio::test]
    async fn a_webhook_that_does_not_answer_fails() {
        let url = format!("{}/slow", webhook().await);
        assert_eq!(failure_kind(&url, true).await, PushFailureKind::Timeout);
        assert_eq!(failure_kind("http://127.0.0.1:1/", true).await, PushFailureKind::Connect);
    }
}
