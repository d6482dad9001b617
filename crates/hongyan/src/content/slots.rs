//! How many uploads there may be: at once, at once of one subscriber, and begun in a minute.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rcs::address::Address;
use rustc_hash::FxHashMap;

use crate::config;

/// Subscribers that are remembered before those with nothing to remember are forgotten.
const REMEMBERED: usize = 10_000;

/// Counts uploads.
pub struct Slots {
    total_max: u32,
    per_subscriber_max: u32,
    per_minute_max: f64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    total: u32,
    subscribers: FxHashMap<Address, Subscriber>,
}

struct Subscriber {
    under_way: u32,
    /// What is left of the minute's uploads, at a time.
    left: f64,
    at: Instant,
}

/// Permission for one upload; it ends when this is dropped.
pub struct Slot {
    slots: Arc<Slots>,
    owner: Address,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSlot {
    /// Everybody together has too many.
    Busy,
    /// The subscriber has too many, or began too many.
    TooMany,
}

impl Slots {
    /// With the ceilings of `config`.
    pub fn new(config: &config::Content) -> Self {
        Self {
            total_max: config.uploads.get(),
            per_subscriber_max: config.uploads_per_subscriber.get(),
            per_minute_max: f64::from(config.uploads_per_minute.get()),
            state: Mutex::default(),
        }
    }

    /// Takes a place for an upload of `owner` that begins at `now`.
    ///
    /// # Errors
    /// See [`NoSlot`].
    pub fn take(self: &Arc<Self>, owner: &Address, now: Instant) -> Result<Slot, NoSlot> {
        self.place(owner, now, 1.0)
    }

    /// Takes a place for one that goes on: when it began, it counted for its minute.
    ///
    /// # Errors
    /// See [`NoSlot`].
    pub fn take_again(self: &Arc<Self>, owner: &Address, now: Instant) -> Result<Slot, NoSlot> {
        self.place(owner, now, 0.0)
    }

    fn place(self: &Arc<Self>, owner: &Address, now: Instant, begun: f64) -> Result<Slot, NoSlot> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.total >= self.total_max {
            return Err(NoSlot::Busy);
        }
        if state.subscribers.len() >= REMEMBERED {
            state.subscribers.retain(|_, known| {
                known.refill(now, self.per_minute_max);
                known.under_way > 0 || known.left < self.per_minute_max
            });
        }
        let full = Subscriber { under_way: 0, left: self.per_minute_max, at: now };
        let known = state.subscribers.entry(owner.clone()).or_insert(full);
        known.refill(now, self.per_minute_max);
        if known.under_way >= self.per_subscriber_max || known.left < begun {
            return Err(NoSlot::TooMany);
        }
        known.under_way += 1;
        known.left -= begun;
        state.total += 1;
        Ok(Slot { slots: self.clone(), owner: owner.clone() })
    }
}

impl Subscriber {
    fn refill(&mut self, now: Instant, per_minute: f64) {
        let minutes = now.saturating_duration_since(self.at).as_secs_f64() / 60.0;
        self.left = (self.left + minutes * per_minute).min(per_minute);
        self.at = self.at.max(now);
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.total -= 1;
        if let Some(known) = state.subscribers.get_mut(&self.owner) {
            known.under_way -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn slots(total: u32, per_subscriber: u32, per_minute: u32) -> Arc<Slots> {
        let number = |number: u32| number.try_into().unwrap();
        Arc::new(Slots::new(&config::Content {
            uploads: number(total),
            uploads_per_subscriber: number(per_subscriber),
            uploads_per_minute: number(per_minute),
            ..Default::default()
        }))
    }

    fn subscriber(number: u32) -> Address {
        format!("tel:+86138{number:08}").parse().unwrap()
    }

    #[test]
    fn a_slot_is_free_again_when_it_is_dropped() {
        let (slots, now) = (slots(3, 2, 100), Instant::now());
        let first = slots.take(&subscriber(1), now).ok();
        let second = slots.take(&subscriber(1), now).ok();
        assert!(first.is_some() && second.is_some());
        assert_eq!(slots.take(&subscriber(1), now).err(), Some(NoSlot::TooMany));
        let third = slots.take(&subscriber(2), now).ok();
        assert!(third.is_some());
        assert_eq!(slots.take(&subscriber(3), now).err(), Some(NoSlot::Busy));
        drop(first);
        assert!(slots.take(&subscriber(1), now).is_ok());
    }

    #[test]
    fn a_minute_has_its_uploads_and_no_more() {
        let (slots, now) = (slots(100, 100, 6), Instant::now());
        let begun = |now| (0..20).filter(|_| slots.take(&subscriber(1), now).is_ok()).count();
        assert_eq!(begun(now), 6);
        assert!(
            (0..20).all(|_| slots.take_again(&subscriber(1), now).is_ok()),
            "what goes on has begun before"
        );
        assert_eq!(begun(now + Duration::from_secs(20)), 2);
        assert_eq!(begun(now + Duration::from_secs(3600)), 6);
    }
}
