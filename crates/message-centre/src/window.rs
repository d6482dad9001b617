//! How often something was done lately, by whom: counts in windows of a fixed length, for a bounded number of keys.

use std::hash::Hash;
use std::time::Duration;

use rcs::Timestamp;
use rustc_hash::FxHashMap;

/// Counts for each key in its current window.
#[derive(Debug)]
pub(crate) struct Windows<K> {
    length: Duration,
    keys_max: usize,
    counts: FxHashMap<K, (Timestamp, u32)>,
    /// When it was last looked for windows that are over.
    swept_at: Option<Timestamp>,
}

/// Looking through all keys takes a while: a full table is looked through so many times in a window at the most, however many ask.
const SWEEPS: u32 = 64;

impl<K: Eq + Hash> Windows<K> {
    /// Windows of this length, for at most so many keys.
    pub(crate) fn new(length: Duration, keys_max: usize) -> Self {
        Self { length, keys_max, counts: FxHashMap::default(), swept_at: None }
    }

    /// How long until a key that has reached `max` may go on; `None` when it may now.
    pub(crate) fn wait(&self, key: &K, max: u32, now: Timestamp) -> Option<Duration> {
        let (since, count) = self.counts.get(key)?;
        let passed = now.since(*since);
        (passed < self.length && *count >= max).then(|| self.length.saturating_sub(passed))
    }

    /// Forgets the counts of these keys. Looks at all there are.
    pub(crate) fn forget(&mut self, like: impl Fn(&K) -> bool) {
        self.counts.retain(|key, _| !like(key));
    }

    /// Counts one; false when there are too many keys to count it.
    pub(crate) fn count(&mut self, key: K, now: Timestamp) -> bool {
        let length = self.length;
        if self.counts.len() >= self.keys_max {
            if self.swept_at.is_none_or(|at| now.since(at) >= length / SWEEPS) {
                self.swept_at = Some(now);
                self.counts.retain(|_, (since, _)| now.since(*since) < length);
            }
            if self.counts.len() >= self.keys_max && !self.counts.contains_key(&key) {
                return false;
            }
        }
        let (since, count) = self.counts.entry(key).or_insert((now, 0));
        if now.since(*since) >= length {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_its_number_and_the_next_one_again() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let mut windows = Windows::new(Duration::from_secs(60), 2);
        assert!(windows.count("a", now) && windows.count("a", now) && windows.count("b", now));
        assert_eq!(windows.wait(&"a", 2, now), Some(Duration::from_secs(60)));
        assert_eq!((windows.wait(&"b", 2, now), windows.wait(&"c", 2, now)), (None, None));
        assert!(!windows.count("c", now), "there is no room");
        let later = now.plus(Duration::from_secs(60));
        assert_eq!(windows.wait(&"a", 2, later), None);
        assert!(windows.count("c", later), "the others are forgotten");
    }

    #[test]
    fn a_full_table_is_not_looked_through_for_everybody_who_asks() {
        let now = Timestamp::from_seconds(1_795_000_000);
        let mut windows = Windows::new(Duration::from_secs(64), 2);
        assert!(windows.count("a", now) && windows.count("b", now) && !windows.count("c", now));
        let almost = now.plus(Duration::from_millis(999));
        assert!(!windows.count("d", almost) && windows.count("a", almost));
        assert_eq!(windows.swept_at, Some(now));
        assert!(!windows.count("d", now.plus(Duration::from_secs(1))));
        assert_eq!(windows.swept_at, Some(now.plus(Duration::from_secs(1))));
    }
}
