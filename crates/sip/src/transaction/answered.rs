//! Requests that have had their last answer, remembered in a few bytes each so that a repeat hears it again (RFC 3261 §17.2.2,
//! timer J).
//!
//! An answer without headers of its own is made of the request and a status, and a repeat brings the request along: the
//! status is all that need be kept. Two generations: an answer is in the young one, or in the old one; after a time the
//! young one becomes the old one, and the old one goes. So each is remembered for at least that time, and at most twice as
//! long.

use std::time::Duration;

use rustc_hash::FxHashMap;

/// Statuses by the key of the server transaction.
#[derive(Debug, Default)]
pub(super) struct Answered {
    young: FxHashMap<u64, u16>,
    old: FxHashMap<u64, u16>,
    turn_at: Duration,
}

impl Answered {
    /// Remembers an answer for at least `linger`; less only when more than `max` would have to be remembered.
    pub(super) fn insert(&mut self, now: Duration, linger: Duration, max: usize, key: u64, status: u16) {
        if now >= self.turn_at || self.young.len() >= max / 2 {
            let expected = self.young.len();
            // Nothing was answered for so long that both generations are past their time.
            if now >= self.turn_at + linger {
                self.young.clear();
            }
            self.old = std::mem::replace(
                &mut self.young,
                FxHashMap::with_capacity_and_hasher(expected, Default::default()),
            );
            self.turn_at = now + linger;
        }
        self.young.insert(key, status);
    }

    /// What a repeat of the request hears.
    pub(super) fn get(&self, key: u64) -> Option<u16> {
        self.young.get(&key).or_else(|| self.old.get(&key)).copied()
    }

    /// Forgets what is past its time. Costs nothing while there is nothing.
    pub(super) fn expire(&mut self, now: Duration, linger: Duration) {
        if now >= self.turn_at + linger && !self.is_empty() {
            *self = Self::default();
        }
    }

    /// When [`Answered::expire`] has something to do, if nothing is answered until then.
    pub(super) fn expires_at(&self, linger: Duration) -> Option<Duration> {
        (!self.is_empty()).then(|| self.turn_at + linger)
    }

    /// How many are remembered.
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINGER: Duration = Duration::from_secs(32);
    const MAX: usize = 1000;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_answer_is_remembered_for_its_time_and_then_forgotten() {
        let mut answered = Answered::default();
        answered.insert(at(100), LINGER, MAX, 1, 200);
        (101..131).for_each(|second| answered.insert(at(second), LINGER, MAX, second, 202));
        assert_eq!(answered.get(1), Some(200));
        answered.insert(at(132), LINGER, MAX, 2, 200);
        assert_eq!(answered.get(1), Some(200), "old, but not forgotten");
        assert_eq!(answered.get(131), None);
        answered.insert(at(164), LINGER, MAX, 3, 200);
        assert_eq!((answered.get(1), answered.get(2)), (None, Some(200)));
    }

    #[test]
    fn memory_has_a_ceiling_and_is_given_back() {
        let mut answered = Answered::default();
        (0..10_000).for_each(|key| answered.insert(at(100), LINGER, MAX, key, 200));
        assert!(answered.len() <= MAX);
        assert_eq!(answered.get(9_999), Some(200));
        answered.expire(at(163), LINGER);
        assert_ne!(answered.len(), 0);
        answered.expire(answered.expires_at(LINGER).unwrap(), LINGER);
        assert_eq!((answered.len(), answered.expires_at(LINGER)), (0, None));
    }
}
