//! One writer a file: whoever comes to resume an upload takes it over from a connection that may be dead already.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use store::FileId;
use tokio::sync::{OwnedMutexGuard, watch};

use crate::net::listener::{Stop, stopped};

/// The files that are being written.
#[derive(Default)]
pub struct Writers(Mutex<FxHashMap<FileId, Turn>>);

/// Who writes a file, and who waits to.
struct Turn {
    /// How many they are.
    count: usize,
    /// Tells the latest of them to give way.
    give_way: watch::Sender<bool>,
    lock: Arc<tokio::sync::Mutex<()>>,
}

/// The right to write a file; it ends when this is dropped.
pub struct Writer {
    give_way: Stop,
    _turn: OwnedMutexGuard<()>,
    _place: Place,
}

/// A place among those who write a file or wait to.
struct Place {
    writers: Arc<Writers>,
    id: FileId,
}

impl Writers {
    /// Asks whoever writes `id` to give way, and waits until they have.
    pub async fn take(self: &Arc<Self>, id: FileId) -> Writer {
        let (sender, give_way) = watch::channel(false);
        let lock = self.announce(id, sender);
        let place = Place { writers: self.clone(), id };
        Writer { give_way, _turn: lock.lock_owned().await, _place: place }
    }

    fn announce(&self, id: FileId, give_way: watch::Sender<bool>) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match turns.get_mut(&id) {
            Some(turn) => {
                turn.give_way.send_replace(true);
                turn.give_way = give_way;
                turn.count += 1;
                turn.lock.clone()
            }
            None => {
                let lock = Arc::<tokio::sync::Mutex<()>>::default();
                turns.insert(id, Turn { count: 1, give_way, lock: lock.clone() });
                lock
            }
        }
    }
}

impl Writer {
    /// Returns when somebody else wants to write the file.
    pub async fn asked_to_give_way(&self) {
        stopped(self.give_way.clone()).await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut turns = self.writers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get_mut(&self.id) {
            turn.count -= 1;
            if turn.count == 0 {
                turns.remove(&self.id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_latest_writer_waits_for_the_one_before_and_nobody_is_forgotten() {
        let writers = Arc::new(Writers::default());
        let id = FileId([1; 16]);
        let first = writers.take(id).await;
        let next = tokio::spawn({
            let writers = writers.clone();
            async move { writers.take(id).await }
        });
        first.asked_to_give_way().await;
        assert!(!next.is_finished());
        drop(first);
        let next = next.await.unwrap();
        let other = writers.take(FileId([2; 16])).await;
        assert!(!*next.give_way.borrow() && !*other.give_way.borrow());
        drop((next, other));
        assert!(writers.0.lock().unwrap().is_empty());
    }
}
