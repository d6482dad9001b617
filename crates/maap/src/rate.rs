//! How much a chatbot may send: a token bucket that may go into debt.

use rcs::Timestamp;

/// What is left of a chatbot's allowance, in thousandths of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    left: i64,
    at: Timestamp,
}

impl Allowance {
    /// A full one, of one second's messages.
    pub(crate) fn full(per_second: u32, now: Timestamp) -> Self {
        Self { left: 1000 * i64::from(per_second), at: now }
    }

    /// Takes `count` messages if anything is left. A call to many addressees is let in whole, and the debt paid off before
    /// the next.
    pub(crate) fn take(&mut self, count: usize, per_second: u32, now: Timestamp) -> bool {
        let full = 1000 * i64::from(per_second);
        let passed_ms = i64::try_from(now.since(self.at).as_millis()).unwrap_or(i64::MAX);
        let grown = passed_ms.saturating_mul(per_second.into());
        self.left = self.left.saturating_add(grown).min(full);
        self.at = now.max(self.at);
        if self.left < 1000 {
            return false;
        }
        self.left -= 1000 * i64::try_from(count).unwrap_or(i64::MAX / 1000);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_has_its_messages_and_no_more() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let mut allowance = Allowance::full(10, now);
        assert_eq!((0..20).filter(|_| allowance.take(1, 10, now)).count(), 10);
        let later = now.plus(Duration::from_millis(300));
        assert_eq!((0..20).filter(|_| allowance.take(1, 10, later)).count(), 3);
        let much_later = now.plus(Duration::from_secs(3600));
        assert_eq!((0..20).filter(|_| allowance.take(1, 10, much_later)).count(), 10);
    }

    #[test]
    fn a_call_to_many_is_let_in_and_paid_off() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let mut allowance = Allowance::full(10, now);
        assert!(allowance.take(40, 10, now));
        assert!(!allowance.take(1, 10, now.plus(Duration::from_millis(3000))));
        assert!(allowance.take(1, 10, now.plus(Duration::from_millis(3100))));
    }
}
