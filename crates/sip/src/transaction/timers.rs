//! Timers of many transactions, in constant time.
//!
//! Transactions use few different lengths of time (T1 and its doubles, T4, 64·T1). Timers of one length fall due in
//! the order in which they are set, so a queue per length replaces a heap: setting is a push at the back, the next one
//! is at the front. A timer that is no longer wanted stays in its queue until it reaches the front.

use std::collections::VecDeque;
use std::time::Duration;

/// Queues of `(due, key)`, one per length. The owner knows which keys still want their timer.
#[derive(Debug)]
pub(super) struct Timers<K> {
    queues: Vec<(Duration, VecDeque<(Duration, K)>)>,
}

impl<K: Copy> Timers<K> {
    /// No timers.
    pub(super) const fn new() -> Self {
        Timers { queues: Vec::new() }
    }

    /// Sets a timer for `due`, some usual length of time after `now`; neither may run backwards from call to call.
    ///
    /// Fronts that `wanted` disowns are dropped on the way, so that queues stay about as short as what lives in them.
    pub(super) fn set(&mut self, now: Duration, due: Duration, key: K, wanted: impl Fn(Duration, K) -> bool) {
        let length = due.saturating_sub(now);
        let at = match self.queues.iter().position(|(of, _)| *of == length) {
            Some(at) => at,
            None => {
                self.queues.push((length, VecDeque::new()));
                self.queues.len() - 1
            }
        };
        let queue = &mut self.queues[at].1;
        // Two at most, so that setting a timer costs the same whatever was left behind.
        for _ in 0..2 {
            if queue.front().is_some_and(|(due, key)| !wanted(*due, *key)) {
                queue.pop_front();
            }
        }
        queue.push_back((due, key));
    }

    /// When the next timer may be due; perhaps one that is not wanted any more.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.queues.iter().filter_map(|(_, queue)| queue.front()).map(|(due, _)| *due).min()
    }

    /// Takes out the earliest timer that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<K> {
        let earliest = self
            .queues
            .iter_mut()
            .filter(|(_, queue)| queue.front().is_some_and(|(due, _)| *due <= now))
            .min_by_key(|(_, queue)| queue.front().map(|(due, _)| *due))?;
        earliest.1.pop_front().map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn timers_of_several_lengths_come_out_in_the_order_of_their_time() {
        let mut timers = Timers::new();
        for (now, length, key) in [(0, 4, 'd'), (0, 1, 'a'), (1, 1, 'b'), (2, 1, 'c'), (3, 4, 'e')] {
            timers.set(SECOND * now, SECOND * (now + length), key, |_, _| true);
        }
        assert_eq!(timers.next_due(), Some(SECOND));
        assert_eq!(timers.pop_due(Duration::ZERO), None);
        let order: String = std::iter::from_fn(|| timers.pop_due(SECOND * 10)).collect();
        assert_eq!(order, "abcde");
        assert_eq!(timers.next_due(), None);
    }

    #[test]
    fn what_nobody_wants_makes_room() {
        let mut timers = Timers::new();
        for key in 0..1000u32 {
            timers.set(SECOND * key, SECOND * (key + 32), key, |_, old| old + 2 >= key);
        }
        assert!(timers.queues[0].1.len() < 5, "{} timers are kept", timers.queues[0].1.len());
    }
}
