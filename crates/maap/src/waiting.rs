//! What waits in a chatbot's mailbox for its webhook: entries by their ids alone, conversation by conversation.
//!
//! The mailbox is read once, a page at a time. Entries that may be pushed are in a queue of bounded length. A conversation whose
//! push failed is *held*: none of its entries is in the queue, their ids wait in its own list, and its oldest is tried again
//! at a time. So however many conversations fail, nothing is read again to find what comes next, and what is in memory is an
//! id for each entry that the mailbox may have.

use std::collections::{BTreeSet, VecDeque};

use rcs::Timestamp;
use rcs::address::Address;
use rustc_hash::{FxHashMap, FxHashSet};
use store::{EntryId, Lookup, View};

/// Entries brought from the mailbox at a time.
pub(crate) const PAGE: usize = 64;
/// Entries in the queue from which on no more are brought.
const QUEUE_MAX: usize = 512;

/// The entries of one chatbot's mailbox that are not on their way.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// The last entry that was brought from the mailbox.
    cursor: EntryId,
    /// Whether the mailbox had nothing after `cursor` when it was last asked.
    is_exhausted: bool,
    /// May be pushed, in this order but for conversations that have a push under way.
    queue: VecDeque<(EntryId, Address)>,
    held: FxHashMap<Address, Held>,
    /// The held conversations that wait for their next try, by its time.
    retries: BTreeSet<(Timestamp, Address)>,
    /// Entries that wait behind a failure since a moment ago, which is yet to be noted on them.
    unnoted: VecDeque<EntryId>,
}

/// A conversation of which the oldest entry could not be pushed.
#[derive(Debug)]
struct Held {
    oldest: EntryId,
    /// When it is tried again; `None` while it is in the queue or on its way.
    until: Option<Timestamp>,
    /// The entries after it, as far as they were brought.
    behind: VecDeque<EntryId>,
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            cursor: EntryId::FIRST,
            is_exhausted: false,
            queue: VecDeque::new(),
            held: FxHashMap::default(),
            retries: BTreeSet::new(),
            unnoted: VecDeque::new(),
        }
    }
}

impl Waiting {
    /// There is more in the mailbox.
    pub(crate) fn more(&mut self) {
        self.is_exhausted = false;
    }

    /// After which entry to read the mailbox on, if there is something to read and room for it.
    pub(crate) fn page_after(&self) -> Option<EntryId> {
        (!self.is_exhausted && self.queue.len() < QUEUE_MAX).then_some(self.cursor)
    }

    /// Takes over the next stretch of the mailbox, if the batch has loaded it. `on_their_way` are entries that were brought before;
    /// with `is_shut`, none is pushed for now but those of `busy` conversations, which have a push under way.
    pub(crate) fn bring(
        &mut self,
        chatbot: &Address,
        view: &View,
        on_their_way: &FxHashSet<EntryId>,
        busy: &FxHashSet<&Address>,
        is_shut: bool,
    ) {
        let Some(page) = self.page_after().and_then(|after| view.page(&(chatbot.clone(), after, PAGE)))
        else {
            return;
        };
        self.is_exhausted = page.len() < PAGE;
        self.cursor = page.last().copied().unwrap_or(self.cursor);
        for id in page.iter().filter(|id| !on_their_way.contains(id)) {
            let Lookup::Here(entry) = view.lookup(&(chatbot.clone(), *id)) else { continue };
            if let Some(held) = self.held.get_mut(&entry.from) {
                held.behind.push_back(*id);
                self.unnoted.push_back(*id);
            } else if is_shut && !busy.contains(&entry.from) {
                self.park(*id, &entry.from);
            } else {
                self.queue.push_back((*id, entry.from.clone()));
            }
        }
    }

    /// Holds a conversation back until `until`, when its oldest entry is tried again: that is `failed`, which could not be
    /// pushed, unless an older one was put back meanwhile.
    pub(crate) fn hold_back(&mut self, conversation: &Address, failed: EntryId, until: Timestamp) {
        let mut entries = VecDeque::from([failed]);
        self.queue.retain(|(id, of)| {
            if of == conversation && *id != failed {
                entries.push_back(*id);
                self.unnoted.push_back(*id);
            }
            of != conversation
        });
        if let Some(held) = self.let_go(conversation) {
            entries.extend(Some(held.oldest).filter(|oldest| *oldest != failed));
            entries.extend(held.behind);
        }
        if !entries.iter().is_sorted() {
            entries.make_contiguous().sort_unstable();
        }
        let oldest = entries.pop_front().unwrap_or(failed);
        self.hold(conversation, Held { oldest, until: Some(until), behind: entries });
    }

    /// Nothing is pushed for now: empties the queue, but for `busy` conversations, which have a push under way.
    pub(crate) fn shut(&mut self, busy: &FxHashSet<&Address>) {
        for (id, conversation) in std::mem::take(&mut self.queue) {
            if busy.contains(&conversation) {
                self.queue.push_back((id, conversation));
            } else if let Some(held) = self.held.get_mut(&conversation)
                && held.oldest != id
            {
                held.behind.push_back(id);
                self.unnoted.push_back(id);
            } else {
                self.park(id, &conversation);
            }
        }
    }

    /// An entry waits for the webhook to be called again, and those of its conversation behind it: before all that have been tried
    /// in vain, so that a conversation which always fails does not keep one from its turn that never did.
    fn park(&mut self, oldest: EntryId, conversation: &Address) {
        self.unnoted.push_back(oldest);
        let behind = self.let_go(conversation).map(|held| held.behind).unwrap_or_default();
        self.hold(conversation, Held { oldest, until: Some(Timestamp::EPOCH), behind });
    }

    fn hold(&mut self, conversation: &Address, held: Held) {
        self.retries.extend(held.until.map(|at| (at, conversation.clone())));
        self.held.insert(conversation.clone(), held);
    }

    fn let_go(&mut self, conversation: &Address) -> Option<Held> {
        let held = self.held.remove(conversation)?;
        held.until.map(|at| self.retries.remove(&(at, conversation.clone())));
        Some(held)
    }

    /// An entry has left the mailbox, one way or another: if its conversation was held for it, the next of it comes to its turn.
    pub(crate) fn passed(&mut self, conversation: &Address, id: EntryId) {
        if self.held.get(conversation).is_none_or(|held| held.oldest != id) {
            return;
        }
        let Some(Held { mut behind, .. }) = self.let_go(conversation) else { return };
        if let Some(oldest) = behind.pop_front() {
            self.hold(conversation, Held { oldest, until: Some(Timestamp::EPOCH), behind });
        }
    }

    /// Puts held conversations whose time has come into the queue, `most` at a time.
    pub(crate) fn take_up(&mut self, now: Timestamp, most: usize) {
        for _ in 0..most {
            if self.due_at().is_none_or(|at| at > now) {
                return;
            }
            let Some((_, conversation)) = self.retries.pop_first() else { return };
            if let Some(held) = self.held.get_mut(&conversation) {
                held.until = None;
                self.queue.push_front((held.oldest, conversation));
            }
        }
    }

    /// When the next of the held conversations is due, if there is room for it in the queue.
    pub(crate) fn due_at(&self) -> Option<Timestamp> {
        self.retries.first().map(|(at, _)| *at).filter(|_| self.queue.len() < QUEUE_MAX)
    }

    /// All that is held is tried at `now`.
    pub(crate) fn release(&mut self, now: Timestamp) {
        for (at, conversation) in std::mem::take(&mut self.retries) {
            let at = at.min(now);
            if let Some(held) = self.held.get_mut(&conversation) {
                held.until = Some(at);
                self.retries.insert((at, conversation));
            }
        }
    }

    /// The first entry of each conversation that is not `busy`; at most `limit`.
    pub(crate) fn ready<'w>(
        &'w self,
        mut busy: FxHashSet<&'w Address>,
        limit: usize,
    ) -> impl Iterator<Item = &'w (EntryId, Address)> {
        self.queue.iter().filter(move |(_, conversation)| busy.insert(conversation)).take(limit)
    }

    /// The queue, to be looked through and given back ([`Waiting::give_back`]).
    pub(crate) fn take_queue(&mut self) -> VecDeque<(EntryId, Address)> {
        std::mem::take(&mut self.queue)
    }

    /// What is left of the queue.
    pub(crate) fn give_back(&mut self, mut left: VecDeque<(EntryId, Address)>) {
        left.append(&mut self.queue);
        self.queue = left;
    }

    /// Entries on which is to be noted that they wait behind a failure: those that come next.
    pub(crate) fn unnoted(&self) -> impl Iterator<Item = EntryId> {
        self.unnoted.iter().take(PAGE).copied()
    }

    /// Whether there are any.
    pub(crate) fn has_unnoted(&self) -> bool {
        !self.unnoted.is_empty()
    }

    /// It was noted on the first of them, or it is gone.
    pub(crate) fn noted(&mut self) {
        self.unnoted.pop_front();
    }
}
