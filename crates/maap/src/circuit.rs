//! Whether a webhook takes anything at all: once it has not taken some pushes in a row it is left alone, and then tried with one
//! push at a time, with growing waits, until it takes one. So nobody waits for it but its own mail, and it is not called for each
//! of a thousand conversations in vain.
//!
//! A webhook that cannot be reached, and a proxy that says so, is the same to all conversations. An error that it answers may be
//! due to what one user said: such failures count once for each conversation. What a webhook answers with `Retry-After` (RFC
//! 9110 §10.2.3; 429 and 503) is done at once.

use std::time::Duration;

use rcs::Timestamp;
use rcs::address::Address;

use crate::Config;

/// Longest wait for a webhook that answers, but with errors: it may take what others say.
const ANSWERING_WAIT_MAX: Duration = Duration::from_secs(60);
/// Longest wait that a webhook may ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);

/// What is known of a webhook.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// Pushes since it took one that did not reach it.
    unreached: u32,
    /// Conversations of which it has not taken a push since it took one; no more than are of use.
    refused: Vec<Address>,
    /// Tries in vain, once it was left alone.
    probes: u32,
    /// When to try next, once it is left alone.
    probe_at: Option<Timestamp>,
}

/// Why a push was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Miss {
    /// No answer, or one of somebody before it.
    Unreached,
    /// The webhook answered an error.
    Refused,
    /// It answered that it wants to be left alone for so long.
    AskedToWait(Duration),
}

impl Circuit {
    /// How many pushes may be under way at `now`.
    pub(crate) fn room(&self, config: &Config, now: Timestamp) -> usize {
        match self.probe_at {
            None => config.pushes_per_chatbot,
            Some(at) => usize::from(at <= now),
        }
    }

    /// When the webhook is tried next, if it is left alone.
    pub(crate) fn probe_at(&self) -> Option<Timestamp> {
        self.probe_at
    }

    /// Whether it is left alone, but for a try now and then.
    pub(crate) fn is_open(&self) -> bool {
        self.probe_at.is_some()
    }

    /// The webhook has taken a push. True if it was left alone before.
    pub(crate) fn taken(&mut self) -> bool {
        std::mem::take(self).is_open()
    }

    /// A push of a conversation was not taken. `random` is as in [`Config::backoff`].
    pub(crate) fn missed(
        &mut self,
        miss: Miss,
        conversation: &Address,
        config: &Config,
        now: Timestamp,
        random: u64,
    ) {
        let failures_max = config.failures_max as usize;
        match miss {
            Miss::AskedToWait(wait) => {
                let at = now.plus(wait.min(RETRY_AFTER_MAX));
                self.probe_at = Some(self.probe_at.map_or(at, |before| before.max(at)));
                return;
            }
            // Pushes that were under way when the circuit opened tell nothing new.
            _ if self.probe_at.is_some_and(|at| at > now) => return,
            Miss::Unreached => self.unreached = self.unreached.saturating_add(1),
            Miss::Refused if self.refused.len() < failures_max && !self.refused.contains(conversation) => {
                self.refused.push(conversation.clone());
            }
            Miss::Refused => {}
        }
        if self.is_open() || self.unreached as usize + self.refused.len() >= failures_max {
            self.probes = self.probes.saturating_add(1);
            let wait = config.backoff(self.probes, random);
            let wait = if miss == Miss::Refused { wait.min(ANSWERING_WAIT_MAX) } else { wait };
            self.probe_at = Some(now.plus(wait));
        }
    }
}

#[cfg(test)]
mod tests {
    use rcs::address::Numbering;

    use super::*;

    fn config() -> Config {
        Config { jitter_percent: 0, ..Config::new(Numbering::new("CN", "hongyan.local"), "http://localhost") }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_795_000_000 + seconds)
    }

    fn user(n: u32) -> Address {
        Address::subscriber(&format!("+86139{n:08}")).expect("a number")
    }

    /// A push of a user was not taken; when the webhook is tried next.
    fn miss(circuit: &mut Circuit, miss: Miss, of: u32, now: Timestamp) -> Option<Timestamp> {
        circuit.missed(miss, &user(of), &config(), now, 0);
        circuit.probe_at()
    }

    #[test]
    fn a_webhook_that_is_gone_is_tried_now_and_then_until_it_is_back() {
        let (config, mut circuit) = (config(), Circuit::default());
        for _ in 1..config.failures_max {
            assert_eq!(miss(&mut circuit, Miss::Unreached, 1, at(0)), None);
        }
        assert_eq!(miss(&mut circuit, Miss::Unreached, 1, at(0)), Some(at(1)));
        assert_eq!(
            miss(&mut circuit, Miss::Unreached, 2, at(0)),
            Some(at(1)),
            "pushes of before are no probes"
        );
        assert_eq!((circuit.room(&config, at(0)), circuit.room(&config, at(1))), (0, 1));
        assert_eq!(miss(&mut circuit, Miss::Unreached, 1, at(1)), Some(at(6)));
        assert!(circuit.taken());
        assert_eq!(circuit.room(&config, at(6)), config.pushes_per_chatbot);
        assert!(!circuit.taken());
    }

    #[test]
    fn errors_count_once_for_each_conversation() {
        let mut circuit = Circuit::default();
        for n in 0..100 {
            assert_eq!(miss(&mut circuit, Miss::Refused, 1 + n % 4, at(n.into())), None, "four users");
        }
        assert_eq!(miss(&mut circuit, Miss::Refused, 5, at(100)), Some(at(101)));
        let mut now = at(101);
        for wait in [5, 30, 60, 60, 60] {
            let next = now.plus(Duration::from_secs(wait));
            assert_eq!(miss(&mut circuit, Miss::Refused, 1, now), Some(next), "it may take what others say");
            now = next;
        }
        assert_eq!(miss(&mut circuit, Miss::Unreached, 1, now), Some(now.plus(Duration::from_secs(1800))));
        // One that is taken wipes the slate.
        assert!(circuit.taken());
        for n in 1..5 {
            assert_eq!(miss(&mut circuit, Miss::Refused, n, now), None);
        }
    }

    #[test]
    fn a_webhook_is_left_alone_as_long_as_it_asks_and_not_for_ever() {
        let mut circuit = Circuit::default();
        let mut asked =
            |seconds, now| miss(&mut circuit, Miss::AskedToWait(Duration::from_secs(seconds)), 1, now);
        assert_eq!(asked(120, at(0)), Some(at(120)));
        assert_eq!(asked(5, at(0)), Some(at(120)), "the longest holds");
        assert_eq!(asked(1_000_000, at(120)), Some(at(3720)));
    }
}
