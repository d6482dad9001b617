//! The delivery agent of a device: hands over what waits in its subscriber's mailbox, oldest first, one message of each
//! sender at a time, and the next when the device has taken the one before.
//!
//! An agent lives in memory and can be rebuilt from the mailbox at any time. While there is one that is idle, its device has
//! everything that came before, and new messages may be relayed to it past the mailbox.

use std::collections::VecDeque;
use std::time::Duration;

use rcs::Timestamp;
use rcs::address::Address;
use store::{EntryId, EntryKind, Lookup, View, Wants};

use super::{AttemptId, For};
use crate::report;
use crate::work::Task;
use crate::{Centre, Work};

/// A device: its subscriber, and its instance id or Contact URI.
pub type DeviceKey = (Address, String);

/// Entries brought from the mailbox at a time.
const PAGE: usize = 64;
/// Most entries under way to one device.
const WINDOW: usize = 16;
/// An agent of which nothing was heard for so long, or at the most twice as long, is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// What an agent knows.
#[derive(Debug)]
pub(crate) struct Agent {
    /// The last entry that was brought from the mailbox.
    cursor: EntryId,
    /// Entries brought and not yet sent.
    queue: VecDeque<EntryId>,
    in_flight: Vec<InFlight>,
    /// Whether the mailbox had nothing after `cursor` when it was last asked.
    is_exhausted: bool,
    /// The last entry that was put into the mailbox and has not been seen there: a page that was loaded in the batch that put it
    /// does not have it.
    news: Option<EntryId>,
    /// Whether the device failed and is left alone until it registers or the time of an entry comes.
    is_paused: bool,
    /// Whether nothing happened to it since it was last looked at.
    is_stale: bool,
}

#[derive(Debug)]
struct InFlight {
    attempt: AttemptId,
    id: EntryId,
    from: Address,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            cursor: EntryId::FIRST,
            queue: VecDeque::new(),
            in_flight: Vec::new(),
            is_exhausted: false,
            news: None,
            is_paused: false,
            is_stale: false,
        }
    }
}

impl Agent {
    /// An agent of a mailbox in which nothing comes before this entry. It does not look there: a log-structured store remembers
    /// for a while what was removed, and stepping over all of it would cost more with every message.
    pub(crate) fn from(first: EntryId) -> Self {
        Self { cursor: first.predecessor(), ..Self::default() }
    }

    /// Looks at the mailbox again from the start; requests under way stay so.
    pub(crate) fn restart(&mut self) {
        self.cursor = EntryId::FIRST;
        self.queue.clear();
        (self.is_exhausted, self.is_paused, self.is_stale) = (false, false, false);
    }

    /// There is one more entry in the mailbox, or will be with this batch's commit.
    pub(crate) fn more(&mut self, id: EntryId) {
        // An entry may be put in after one with a later id, which the agent has begun with.
        if id <= self.cursor {
            (self.cursor, self.is_exhausted) = (id.predecessor(), false);
        }
        (self.news, self.is_stale) = (Some(id), false);
    }

    /// Sends nothing until it is restarted.
    pub(crate) fn pause(&mut self) {
        (self.is_paused, self.is_stale) = (true, false);
    }

    /// A request under way was made again as another.
    pub(crate) fn moved(&mut self, attempt: AttemptId, next: AttemptId) {
        self.in_flight.iter_mut().filter(|one| one.attempt == attempt).for_each(|one| one.attempt = next);
    }

    /// Takes over a request that was sent when its entry was not stored.
    pub(crate) fn adopt(&mut self, attempt: AttemptId, id: EntryId, from: Address) {
        self.in_flight.push(InFlight { attempt, id, from });
    }

    fn is_idle(&self) -> bool {
        self.is_exhausted && self.news.is_none() && !self.is_paused && self.is_at_rest()
    }

    /// Whether it has nothing to do before something happens.
    fn is_at_rest(&self) -> bool {
        self.queue.is_empty() && self.in_flight.is_empty()
    }

    /// Brings the next stretch of the mailbox into an empty queue; false when the batch did not load it.
    fn look(&mut self, address: &Address, view: &View) -> bool {
        if !self.queue.is_empty() || self.is_exhausted {
            return true;
        }
        let Some(page) = view.page(&(address.clone(), self.cursor, PAGE)) else {
            return false;
        };
        self.is_exhausted = page.len() < PAGE;
        self.cursor = page.last().copied().unwrap_or(self.cursor);
        self.queue.extend(page);
        self.news = self.news.filter(|news| *news > self.cursor);
        true
    }

    fn is_under_way(&self, id: EntryId) -> bool {
        self.in_flight.iter().any(|one| one.id == id)
    }
}

impl Centre {
    /// Whether a device has everything that came before.
    pub(crate) fn is_caught_up(&self, device: &DeviceKey) -> bool {
        self.agents.get(device).is_some_and(Agent::is_idle)
    }

    /// The rows that the next step of an agent reads.
    pub(crate) fn agent_wants(&self, device: &DeviceKey, wants: &mut Wants) {
        wants.bindings(&device.0);
        wants.head(&device.0);
        let Some(agent) = self.agents.get(device) else {
            return;
        };
        if agent.queue.is_empty() {
            wants.page(&device.0, agent.cursor, PAGE);
        }
        for id in agent.queue.iter().take(WINDOW) {
            wants.entry(&(device.0.clone(), *id));
        }
    }

    /// Something may have come into the mailbox before this batch: looks again.
    pub(crate) fn decide_news(&mut self, device: &DeviceKey, work: &mut Work<'_>) {
        if let Some(agent) = self.agents.get_mut(device) {
            agent.is_exhausted = false;
            self.decide_drain(device, work);
        }
    }

    /// Sends the device what it may have next.
    pub(crate) fn decide_drain(&mut self, device: &DeviceKey, work: &mut Work<'_>) {
        let Some(mut agent) = self.agents.remove(device) else {
            return;
        };
        if agent.is_paused {
            self.agents.insert(device.clone(), agent);
            return;
        }
        let bindings = work.view.bindings(&device.0);
        if self.newest_flow(bindings, &device.1, &[], work.now).is_none() {
            // Gone, and its agent with it; requests still under way are settled without one.
            return;
        }
        let has_looked = agent.look(&device.0, work.view);
        self.send_from(&mut agent, device, work.view, work.now);
        let has_room = agent.in_flight.len() < WINDOW && agent.queue.is_empty();
        let is_stranded = agent.in_flight.is_empty() && !agent.queue.is_empty();
        if is_stranded || has_room && (!agent.is_exhausted || !has_looked) {
            work.next.push(Task::Drain(device.clone()));
        }
        // Where nothing waits, an idle agent knows nothing that is worth its memory.
        if !(agent.is_at_rest() && work.view.head(&device.0).count == 0) {
            agent.is_stale = false;
            self.agents.insert(device.clone(), agent);
        }
    }

    /// Sends the first of the queue whose turn it is.
    fn send_from(&mut self, agent: &mut Agent, device: &DeviceKey, view: &View, now: Timestamp) {
        let mut blocked: Vec<Address> = agent.in_flight.iter().map(|one| one.from.clone()).collect();
        let mut kept = Vec::with_capacity(WINDOW);
        while kept.len() < WINDOW && agent.in_flight.len() < WINDOW {
            let Some(id) = agent.queue.pop_front() else { break };
            let entry = match view.lookup(&(device.0.clone(), id)) {
                Lookup::Here(entry) => entry,
                Lookup::Gone => continue,
                Lookup::NotLoaded => {
                    agent.queue.push_front(id);
                    break;
                }
            };
            if entry.is_settled_for(&device.1) || entry.expires_at <= now || agent.is_under_way(id) {
                continue;
            }
            if entry.kind == EntryKind::Deferred {
                // Those after it go by; agents begin anew when it is due.
                continue;
            }
            if self.awaits_call(entry, device, view.bindings(&device.0), now) {
                // It is looked for again when the device has answered the invitation.
                continue;
            }
            if blocked.contains(&entry.from) {
                kept.push(id);
                continue;
            }
            let record = (entry.kind == EntryKind::Message).then(|| report::record_key(entry));
            let made_for = For::Entry(entry.key(), record);
            // A message too large for this device's flows waits for a better one, and lets others pass.
            if let Some(attempt) =
                self.attempt(entry, device, view.bindings(&device.0), Vec::new(), made_for, now)
            {
                agent.in_flight.push(InFlight { attempt, id, from: entry.from.clone() });
                blocked.push(entry.from.clone());
            }
        }
        kept.into_iter().rev().for_each(|id| agent.queue.push_front(id));
    }

    /// Forgets agents of devices that have gone without a word: nothing happens to them any more. One whose device is there after
    /// all is made anew when something does.
    pub(crate) fn forget_stale_agents(&mut self, now: Timestamp) {
        if now < self.agents_looked_at.plus(FORGET_AFTER) {
            return;
        }
        self.agents_looked_at = now;
        self.agents.retain(|_, agent| {
            let was_stale = std::mem::replace(&mut agent.is_stale, true);
            !(was_stale && agent.is_at_rest())
        });
    }

    /// A request of the agent has ended: on to the next.
    pub(crate) fn agent_answered(&mut self, device: &DeviceKey, attempt: AttemptId, work: &mut Work<'_>) {
        if let Some(agent) = self.agents.get_mut(device) {
            agent.in_flight.retain(|one| one.attempt != attempt);
            self.decide_drain(device, work);
        }
    }
}

#[cfg(test)]
mod tests {
    use store::EntryIds;

    use super::*;

    #[test]
    fn an_entry_that_is_put_in_after_a_later_one_is_not_overlooked() {
        let mut ids = EntryIds::new(7);
        let now = Timestamp::from_seconds(1_795_000_000);
        let (earlier, later) = (ids.next(now), ids.next(now));
        // It has found the later one, and nothing after it.
        let mut agent = Agent { cursor: later, is_exhausted: true, ..Agent::from(later) };
        agent.more(earlier);
        assert!(agent.cursor < earlier && !agent.is_exhausted && !agent.is_idle());
    }
}
