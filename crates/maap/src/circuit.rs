//! Whether a webhook can be reached at all: after some failures in a row it is tried with one push at a time, with growing
//! waits, so that nobody waits for it but its own mail.

use rcs::Timestamp;

use crate::Config;

/// What is known of the way to a webhook.
#[derive(Debug, Default)]
pub(crate) struct Circuit {
    /// Failures in a row.
    failures: u32,
    /// When to try next, once there were too many.
    probe_at: Option<Timestamp>,
}

impl Circuit {
    /// How many pushes may be under way at `now`.
    pub(crate) fn room(&self, config: &Config, now: Timestamp) -> usize {
        match self.probe_at {
            None => config.pushes_per_chatbot,
            Some(at) => usize::from(at <= now),
        }
    }

    /// When the webhook is tried next, if it is out of reach.
    pub(crate) fn probe_at(&self) -> Option<Timestamp> {
        self.probe_at
    }

    /// The webhook has answered, whatever it said. True if it was out of reach before.
    pub(crate) fn reached(&mut self) -> bool {
        self.failures = 0;
        self.probe_at.take().is_some()
    }

    /// The webhook was not reached. When it is tried next, if it is out of reach now. `random` is as in [`Config::backoff`].
    pub(crate) fn missed(&mut self, config: &Config, now: Timestamp, random: u64) -> Option<Timestamp> {
        // Pushes that were under way when the circuit opened tell nothing new.
        if self.probe_at.is_some_and(|at| at > now) {
            return self.probe_at;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures >= config.failures_max {
            self.probe_at = Some(now.plus(config.backoff(self.failures - config.failures_max + 1, random)));
        }
        self.probe_at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcs::address::Numbering;

    use super::*;

    #[test]
    fn a_webhook_that_is_gone_is_tried_now_and_then_until_it_is_back() {
        let config = Config::new(Numbering::new("CN", "hongyan.local"), "http://localhost");
        let start = Timestamp::from_seconds(1_795_000_000);
        let at = |seconds| start.plus(Duration::from_secs(seconds));
        let mut circuit = Circuit::default();
        for _ in 1..config.failures_max {
            assert_eq!(circuit.missed(&config, start, 0), None);
        }
        assert_eq!(circuit.missed(&config, start, 0), Some(at(1)));
        assert_eq!(circuit.missed(&config, start, 0), Some(at(1)), "pushes of before are no probes");
        assert_eq!((circuit.room(&config, start), circuit.room(&config, at(1))), (0, 1));
        assert_eq!(circuit.missed(&config, at(1), 0), Some(at(6)));
        assert!(circuit.reached());
        assert_eq!(circuit.room(&config, at(6)), config.pushes_per_chatbot);
        assert!(!circuit.reached());
    }
}
