//! What an operator may set of the chatbot platform.

use std::time::Duration;

use rcs::address::Numbering;
use store::Usage;

/// How the chatbot platform behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Home country and domain.
    pub numbering: Numbering,
    /// How chatbots reach us, without a trailing slash; told with each access token.
    pub public_url: String,
    /// Media in chatbots' messages must have a URL that begins with one of these; empty allows any http and https URL.
    pub media_url_prefixes: Vec<String>,
    /// What the media of one chatbot may come to.
    pub media_quota: Usage,
    /// Messages a second that a chatbot may send, counted by addressee; as many again may come at once.
    pub sends_per_second: u32,
    /// How long a chatbot's message waits for its addressee when the chatbot does not say.
    pub validity: Duration,
    /// The longest that a chatbot may ask for.
    pub validity_max: Duration,
    /// How long a message is tried that may not be stored (`storeSupported` is false).
    pub validity_unstored: Duration,
    /// How long a webhook may take to answer.
    pub push_timeout: Duration,
    /// Most pushes under way to one chatbot; never more than one in a conversation.
    pub pushes_per_chatbot: usize,
    /// Waits after failed pushes and callback checks; the last one repeats.
    pub backoff: Vec<Duration>,
    /// After this long an entry whose push fails is given up.
    pub give_up_after: Duration,
    /// Connection failures in a row after which a webhook is tried with one push at a time.
    pub failures_max: u32,
}

impl Config {
    /// The defaults for a domain.
    pub fn new(numbering: Numbering, public_url: &str) -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            numbering,
            public_url: public_url.trim_end_matches('/').to_owned(),
            media_url_prefixes: Vec::new(),
            media_quota: Usage { files: 10_000, bytes: 2 << 30 },
            sends_per_second: 100,
            validity: Duration::from_secs(3 * DAY),
            validity_max: Duration::from_secs(30 * DAY),
            validity_unstored: Duration::from_secs(60),
            push_timeout: Duration::from_secs(10),
            pushes_per_chatbot: 32,
            backoff: [1, 5, 30, 300, 1800].map(Duration::from_secs).to_vec(),
            give_up_after: Duration::from_secs(DAY),
            failures_max: 5,
        }
    }

    /// How long to wait after the `failures`th failure in a row (from 1).
    pub(crate) fn backoff(&self, failures: u32) -> Duration {
        let index = (failures.max(1) as usize - 1).min(self.backoff.len().saturating_sub(1));
        self.backoff.get(index).copied().unwrap_or(Duration::from_secs(60))
    }
}
