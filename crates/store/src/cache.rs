//! Decoded rows that were read or written a moment ago, so that the rows which every message needs (accounts, bindings, heads)
//! are decoded once and not once a message.
//!
//! Two generations: a row is found in the young one, or in the old one and moves to the young; when the young one is full it
//! becomes the old one, and the old one goes. Absence is remembered too. The store's one committer keeps it true.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::row::Row;

/// Most rows of one generation.
const GENERATION_ROWS: usize = 32 * 1024;

/// The recent rows of one family.
#[derive(Debug)]
pub(crate) struct Cache<R: Row> {
    young: FxHashMap<R::Key, Option<Arc<R>>>,
    old: FxHashMap<R::Key, Option<Arc<R>>>,
}

impl<R: Row> Default for Cache<R> {
    fn default() -> Self {
        Self { young: FxHashMap::default(), old: FxHashMap::default() }
    }
}

impl<R: Row> Cache<R> {
    /// The row, `Some(None)` if it is known not to exist, `None` if nothing is known.
    pub(crate) fn get(&mut self, key: &R::Key) -> Option<Option<Arc<R>>> {
        if let Some(row) = self.young.get(key) {
            return Some(row.clone());
        }
        let row = self.old.remove(key)?;
        self.put(key.clone(), row.clone());
        Some(row)
    }

    /// Notes how a row is on disk.
    pub(crate) fn put(&mut self, key: R::Key, row: Option<Arc<R>>) {
        if self.young.len() >= GENERATION_ROWS {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&key);
        self.young.insert(key, row);
    }
}

#[cfg(test)]
mod tests {
    use rcs::address::Address;

    use super::*;
    use crate::Head;

    fn number(i: usize) -> Address {
        format!("tel:+86138{i:08}").parse().unwrap()
    }

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut cache: Cache<Head> = Cache::default();
        let head = |count| Some(Arc::new(Head { count, body_bytes: 0 }));
        cache.put(number(0), head(7));
        cache.put(number(1), None);
        for i in 2..3 * GENERATION_ROWS {
            cache.put(number(i), head(1));
            if i % 100 == 0 {
                assert_eq!(cache.get(&number(0)), Some(head(7)));
            }
        }
        assert_eq!(cache.get(&number(1)), None);
        assert!(cache.young.len() + cache.old.len() <= 2 * GENERATION_ROWS);
    }

    #[test]
    fn the_latest_word_counts() {
        let mut cache: Cache<Head> = Cache::default();
        cache.put(number(0), Some(Arc::new(Head::default())));
        (1..=GENERATION_ROWS).for_each(|i| cache.put(number(i), None));
        cache.put(number(0), None);
        assert_eq!(cache.get(&number(0)), Some(None));
    }
}
