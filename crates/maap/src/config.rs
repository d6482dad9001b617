//! What an operator may set of the chatbot platform.

use std::sync::Arc;
use std::time::Duration;

use rcs::address::Numbering;
use rcs::local_time::LocalTime;
use store::{FileId, Usage};

/// Makes links to media, and knows its own again.
pub trait MediaLinks: std::fmt::Debug + Send + Sync {
    /// Where handsets fetch it.
    fn url(&self, id: FileId) -> String;
    /// Where they fetch its small picture.
    fn thumbnail_url(&self, id: FileId) -> String;
    /// What one of our links names, the file itself or its small picture; `None` for any other URL.
    fn id_of(&self, url: &str) -> Option<FileId>;
}

/// For a platform without a media library.
#[derive(Debug)]
struct NoLinks;

impl MediaLinks for NoLinks {
    fn url(&self, id: FileId) -> String {
        id.to_string()
    }

    fn thumbnail_url(&self, id: FileId) -> String {
        id.to_string()
    }

    fn id_of(&self, _: &str) -> Option<FileId> {
        None
    }
}

use crate::consent;
use crate::rate::Limits;

/// How the chatbot platform behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Home country and domain.
    pub numbering: Numbering,
    /// How chatbots reach us, without a trailing slash; told with each access token.
    pub public_url: String,
    /// How URLs of media in chatbots' messages may begin, beside links of our own; empty: in any way, unless
    /// `issued_media_only`.
    pub media_url_prefixes: Vec<String>,
    /// Whether media that were not uploaded here are refused, but for those of `media_url_prefixes`.
    pub issued_media_only: bool,
    /// Links to media, which the edge makes.
    pub media_links: Arc<dyn MediaLinks>,
    /// Whether what chatbots propose to show, and to go live, is approved at once.
    pub auto_approve: bool,
    /// How much a chatbot may send.
    pub limits: Limits,
    /// When days and months begin, and what quiet hours are told by.
    pub local_time: LocalTime,
    /// What users are protected from.
    pub consent: consent::Config,
    /// Whether chatbots know users by tokens and not by their numbers.
    pub anonymous: bool,
    /// What the media of one chatbot may come to.
    pub media_quota: Usage,
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
    /// How much longer than that a wait may be, in hundredths of it, drawn anew for each: so that what failed together is not
    /// tried again together.
    pub jitter_percent: u32,
    /// So long after its first failure, or that of one before it, an entry is given up, and becomes a dead letter.
    pub give_up_after: Duration,
    /// Failures in a row, of as many conversations if the webhook answers, after which it is tried with one push at a time.
    pub failures_max: u32,
    /// How long the audit log keeps an act.
    pub audit_keep: Duration,
    /// Campaigns.
    pub campaigns: crate::manage::CampaignLimits,
}

impl Config {
    /// The defaults for a domain.
    pub fn new(numbering: Numbering, public_url: &str) -> Self {
        const DAY: u64 = 24 * 60 * 60;
        Self {
            numbering,
            public_url: public_url.trim_end_matches('/').to_owned(),
            media_url_prefixes: Vec::new(),
            issued_media_only: false,
            media_links: Arc::new(NoLinks),
            auto_approve: true,
            limits: Limits { per_second: 100, per_day: None, per_month: None },
            local_time: LocalTime::china(),
            consent: consent::Config::default(),
            anonymous: false,
            media_quota: Usage { files: 10_000, bytes: 2 << 30 },
            validity: Duration::from_secs(7 * DAY),
            validity_max: Duration::from_secs(30 * DAY),
            validity_unstored: Duration::from_secs(60),
            push_timeout: Duration::from_secs(10),
            pushes_per_chatbot: 32,
            backoff: [1, 5, 30, 300, 1800].map(Duration::from_secs).to_vec(),
            jitter_percent: 20,
            give_up_after: Duration::from_secs(DAY),
            failures_max: 5,
            audit_keep: Duration::from_secs(365 * DAY),
            campaigns: crate::manage::CampaignLimits::default(),
        }
    }

    /// How long to wait after the `failures`th failure in a row (from 1). `random` is any number that nobody foresees.
    pub(crate) fn backoff(&self, failures: u32, random: u64) -> Duration {
        let index = (failures.max(1) as usize - 1).min(self.backoff.len().saturating_sub(1));
        let wait = self.backoff.get(index).copied().unwrap_or(Duration::from_secs(60));
        let spread_ms = wait.as_millis() as u64 * u64::from(self.jitter_percent) / 100;
        wait + Duration::from_millis(random % (spread_ms + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_no_two_need_be_alike() {
        let config = Config::new(Numbering::new("CN", "hongyan.local"), "http://localhost");
        let wait = |failures, random| config.backoff(failures, random).as_millis();
        assert_eq!((wait(1, 0), wait(2, 0), wait(5, 0), wait(99, 0)), (1000, 5000, 1_800_000, 1_800_000));
        assert_eq!((wait(1, 200), wait(1, 201), wait(2, 1_000)), (1200, 1000, 6000), "a fifth more at most");
        let still = Config { jitter_percent: 0, ..config };
        assert_eq!(still.backoff(1, u64::MAX).as_millis(), 1000);
    }
}
