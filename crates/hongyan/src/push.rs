//! Calling webhooks: the callback check and the pushes that `maap` decided on, and how they ended, back to the inbox.
//!
//! Webhooks are other people's machines: slow, gone, hostile. Each call has a time limit, each answer a size limit,
//! redirects are not followed, addresses are checked (`webhook_guard.rs`), and one chatbot cannot hold up the others.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rcs::address::Address;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use rustc_hash::FxHashMap;
use tokio::sync::Semaphore;

use crate::config::{self, ConfigError};
use crate::metrics::{Metrics, Outcome};
use crate::webhook_guard::{self, PublicOnly};

/// What of an answer is read; the rest is not waited for.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Calls that wait for their turn, for each that may run. `maap` has one call per conversation under way, and tries
/// again later what is turned away here.
const WAITING_PER_RUNNING: usize = 64;

/// One call to make.
#[derive(Debug, Clone)]
pub struct Call {
    /// GET for the callback check, POST otherwise.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// In order; a name or value that HTTP does not allow fails the call.
    pub headers: Vec<(String, String)>,
    /// JSON; empty for GET.
    pub body: Bytes,
    /// Whether the address may be private.
    pub allow_private: bool,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    /// At most the first 64 KiB.
    pub body: Bytes,
}

/// Why nothing came back; the text goes into the message's trace.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The URL or a header cannot be used, or the address is not allowed. Trying again will not help.
    #[error("{0}")]
    Refused(String),
    /// No connection, no answer in time, or too many calls at once.
    #[error("{0}")]
    Failed(String),
}

/// Makes the calls. Cheap to clone.
#[derive(Clone)]
pub struct Pusher(Arc<Inner>);

struct Inner {
    public: Client,
    any: Client,
    allow_private: bool,
    running: Semaphore,
    per_chatbot: u32,
    chatbots: Mutex<FxHashMap<Address, Arc<Semaphore>>>,
    waiting: AtomicUsize,
    waiting_max: usize,
    metrics: Arc<Metrics>,
}

impl Pusher {
    /// A pusher with the limits of `maap`.
    ///
    /// # Errors
    /// The system's certificates cannot be read.
    pub fn new(maap: &config::Maap, metrics: Arc<Metrics>) -> Result<Self, ConfigError> {
        let client = || {
            Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .connect_timeout(config::seconds(maap.webhook_connect_timeout_s))
                .timeout(config::seconds(maap.webhook_timeout_s))
                .pool_idle_timeout(Duration::from_secs(60))
                .user_agent(concat!("hongyan/", env!("CARGO_PKG_VERSION")))
        };
        let failed = |error: reqwest::Error| ConfigError(format!("maap: webhooks cannot be called: {error}"));
        Ok(Self(Arc::new(Inner {
            public: client()
                .dns_resolver(Arc::new(PublicOnly))
                .build()
                .map_err(failed)?,
            any: client().build().map_err(failed)?,
            allow_private: maap.allow_private_webhooks,
            running: Semaphore::new(maap.pushes.get() as usize),
            per_chatbot: maap.pushes_per_chatbot.get(),
            chatbots: Mutex::default(),
            waiting: AtomicUsize::new(0),
            waiting_max: maap.pushes.get() as usize * WAITING_PER_RUNNING,
            metrics,
        })))
    }

    /// Makes one call for `chatbot`, when its turn comes.
    pub async fn call(&self, chatbot: &Address, call: Call) -> Result<Answer, CallError> {
        let inner = &self.0;
        let _waiting = Waiting::begin(inner)?;
        let own = inner.turns_of(chatbot);
        let _own = own.acquire().await.expect("the semaphore is never closed");
        let _turn = inner
            .running
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let begun = Instant::now();
        let result = inner.perform(call).await;
        inner.metrics.push_seconds.observe(begun.elapsed().as_secs_f64());
        let outcome = match &result {
            Ok(answer) if (200..300).contains(&answer.status) => "taken",
            Ok(_) => "answered_error",
            Err(CallError::Refused(_)) => "refused",
            Err(CallError::Failed(_)) => "failed",
        };
        inner.metrics.pushes.get_or_create(&Outcome::of(outcome)).inc();
        result
    }
}

impl Inner {
    /// The turns of one chatbot. Those of chatbots that have no call under way are forgotten.
    fn turns_of(&self, chatbot: &Address) -> Arc<Semaphore> {
        let mut chatbots = self.chatbots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = chatbots.get(chatbot) {
            return turns.clone();
        }
        chatbots.retain(|_, turns| Arc::strong_count(turns) > 1);
        let turns = Arc::new(Semaphore::new(self.per_chatbot as usize));
        chatbots.insert(chatbot.clone(), turns.clone());
        turns
    }

    async fn perform(&self, call: Call) -> Result<Answer, CallError> {
        let refused = |reason: String| CallError::Refused(reason);
        let allow_private = call.allow_private || self.allow_private;
        let url: Url = call
            .url
            .parse()
            .map_err(|_| refused("the webhook is no URL".to_owned()))?;
        webhook_guard::check(&url, allow_private).map_err(|error| refused(error.to_string()))?;
        let client = if allow_private { &self.any } else { &self.public };
        let headers =
            header_map(&call.headers).ok_or_else(|| refused("a header cannot be written".to_owned()))?;
        let request = client.request(call.method, url).headers(headers).body(call.body);
        let mut answer = request
            .send()
            .await
            .map_err(|error| CallError::Failed(in_few_words(&error)))?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let mut body = Vec::new();
        while body.len() < ANSWER_BYTES_MAX
            && let Some(chunk) = answer
                .chunk()
                .await
                .map_err(|error| CallError::Failed(in_few_words(&error)))?
        {
            body.extend_from_slice(&chunk);
        }
        body.truncate(ANSWER_BYTES_MAX);
        Ok(Answer {
            status,
            headers,
            body: body.into(),
        })
    }
}

/// Counts a call while it waits and runs.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(inner: &'a Inner) -> Result<Self, CallError> {
        let waiting = Self(&inner.waiting);
        if inner.waiting.fetch_add(1, Ordering::Relaxed) >= inner.waiting_max {
            return Err(CallError::Failed("too many webhook calls at once".to_owned()));
        }
        Ok(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn header_map(headers: &[(String, String)]) -> Option<HeaderMap> {
    headers
        .iter()
        .map(|(name, value)| {
            Some((
                name.parse::<HeaderName>().ok()?,
                value.parse::<HeaderValue>().ok()?,
            ))
        })
        .collect()
}

/// What went wrong, without the URL, which may hold secrets of the chatbot.
fn in_few_words(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let what = match error {
        error if error.is_timeout() => return "no answer in time".to_owned(),
        error if error.is_connect() => "cannot connect",
        _ => "broken off",
    };
    format!("{what}: {cause}")
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::response::Redirect;
    use axum::routing::{get, post};

    use super::*;

    /// A webhook of ours on loopback; gives its URL.
    async fn webhook() -> String {
        let router = Router::new()
            .route(
                "/hook",
                post(|headers: HeaderMap, body: String| async move {
                    ([("echoed", headers["nonce"].clone())], body)
                }),
            )
            .route("/away", get(|| async { Redirect::temporary("/hook") }))
            .route("/large", get(|| async { vec![b'x'; 3 * ANSWER_BYTES_MAX] }))
            .route("/slow", get(std::future::pending::<()>));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        url
    }

    async fn call(method: Method, url: &str, allow_private: bool) -> Result<Answer, CallError> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let maap = config::Maap {
            webhook_timeout_s: std::num::NonZeroU64::MIN,
            ..config::Maap::default()
        };
        let pusher = Pusher::new(&maap, Arc::new(Metrics::new())).unwrap();
        let headers = vec![("nonce".to_owned(), "n1".to_owned())];
        let call = Call {
            method,
            url: url.to_owned(),
            headers,
            body: Bytes::from_static(b"{}"),
            allow_private,
        };
        pusher
            .call(&"sip:1@botplatform.a.example".parse().unwrap(), call)
            .await
    }

    #[tokio::test]
    async fn a_push_carries_headers_and_body_and_brings_the_answer() {
        let url = format!("{}/hook", webhook().await);
        let answer = call(Method::POST, &url, true).await.unwrap();
        assert_eq!((answer.status, &answer.body[..]), (200, &b"{}"[..]));
        assert!(answer.headers.contains(&("echoed".to_owned(), "n1".to_owned())));
    }

    #[tokio::test]
    async fn a_webhook_may_not_lead_home_unless_allowed() {
        let url = format!("{}/hook", webhook().await);
        assert!(matches!(
            call(Method::POST, &url, false).await,
            Err(CallError::Refused(_))
        ));
        let by_name = url.replace("127.0.0.1", "localhost");
        assert!(matches!(
            call(Method::POST, &by_name, false).await,
            Err(CallError::Failed(_))
        ));
    }

    #[tokio::test]
    async fn redirects_are_not_followed_and_answers_are_cut() {
        let url = webhook().await;
        assert_eq!(
            call(Method::GET, &format!("{url}/away"), true)
                .await
                .unwrap()
                .status,
            307
        );
        assert_eq!(
            call(Method::GET, &format!("{url}/large"), true)
                .await
                .unwrap()
                .body
                .len(),
            ANSWER_BYTES_MAX
        );
    }

    #[tokio::test]
    async fn a_webhook_that_does_not_answer_fails() {
        let url = format!("{}/slow", webhook().await);
        assert_eq!(
            call(Method::GET, &url, true).await,
            Err(CallError::Failed("no answer in time".to_owned()))
        );
        assert!(matches!(
            call(Method::GET, "http://127.0.0.1:1/", true).await,
            Err(CallError::Failed(_))
        ));
    }
}
