//! Conversation history: what subscribers say and are told is kept for devices that they sign in later, if they want that.
//!
//! Which subscribers do is known in memory, so that messages of all others pass without a look at a row. What happens to a message
//! of theirs leaves a follow-up for the same commit: a history has what was accepted, no more and no less. What has been revoked
//! goes from both sides; what was not delivered goes from the addressee's and counts as failed with its author.

use std::time::Duration;

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::imdn::Disposition;
use store::{
    Direction, Entry, History, HistoryKey, HistoryState, Mark, Outcome, Record, RecordKey, Remembered, Wants,
};

use crate::work::Task;
use crate::{Centre, Work};

/// Messages that one batch takes out of one history.
const PAGE: usize = 256;

/// What an operator may set of histories.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether subscribers may have one.
    pub is_offered: bool,
    /// How long a message is kept.
    pub keep: Duration,
    /// Most messages of one subscriber. When there are more, the oldest sixteenth goes.
    pub messages_max: u64,
    /// The same for bytes of bodies.
    pub bytes_max: u64,
    /// Bodies above this are not kept.
    pub body_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            is_offered: true,
            keep: Duration::from_secs(90 * 86_400),
            messages_max: 5_000,
            bytes_max: 32 << 20,
            body_bytes_max: 32 << 10,
        }
    }
}

/// A change of a history that its owner asks for.
#[derive(Debug)]
pub enum Call {
    /// From now on it is kept.
    TurnOn(Address),
    /// It is kept no longer, and what there is goes.
    TurnOff(Address),
    /// These messages go.
    Forget(Address, Vec<HistoryKey>),
}

/// What came of a [`Call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is so now, or was before.
    Done,
    /// There is no such subscriber.
    NoSubscriber,
    /// Histories are not kept here.
    NotOffered,
    /// What was there before is still going: a moment later it can be turned on.
    NotYet,
}

/// Something that happened to a message in a history.
#[derive(Debug)]
pub struct Happened {
    key: HistoryKey,
    what: What,
}

#[derive(Debug)]
enum What {
    /// It was accepted.
    Accepted(Box<Remembered>),
    /// Somebody reported on it.
    Reported { by: Address, disposition: Disposition },
    /// It will not be delivered.
    Failed,
    /// It is none that the owner has said or been told.
    Gone,
}

impl Call {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        match self {
            Self::TurnOn(owner) | Self::TurnOff(owner) => {
                wants.account(owner);
                wants.history(owner);
            }
            Self::Forget(owner, keys) => {
                wants.account(owner);
                keys.iter().for_each(|key| wants.history_state(key));
            }
        }
    }
}

impl Happened {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.history_state(&self.key);
    }
}

impl Centre {
    /// After a start: whose histories are kept.
    pub fn keep_history_of(&mut self, histories: &[History]) {
        self.remembering.extend(histories.iter().filter(|row| row.is_on).map(|row| row.owner.clone()));
    }

    pub(crate) fn decide_history(&mut self, call: Call, work: &mut Work<'_>) -> Answer {
        let (Call::TurnOn(owner) | Call::TurnOff(owner) | Call::Forget(owner, _)) = &call;
        if work.view.account(owner).is_none() {
            return Answer::NoSubscriber;
        }
        match call {
            Call::TurnOn(_) if !self.config.history.is_offered => return Answer::NotOffered,
            Call::TurnOn(owner) => match work.view.history(&owner) {
                Some(history) if history.is_on => {}
                Some(_) => {
                    work.next.push(Task::TrimHistory(owner, false));
                    return Answer::NotYet;
                }
                None => {
                    work.view.put_history(History::new(owner.clone(), work.now));
                    self.remembering.insert(owner);
                }
            },
            Call::TurnOff(owner) => self.close_history(&owner, work),
            Call::Forget(owner, keys) => {
                keys.iter().filter(|key| key.owner == owner).for_each(|key| work.view.forget(key));
            }
        }
        Answer::Done
    }

    /// Nothing more is kept of somebody, and what there is goes, page by page.
    pub(crate) fn close_history(&mut self, owner: &Address, work: &mut Work<'_>) {
        self.remembering.remove(owner);
        let Some(history) = work.view.history(owner).cloned() else { return };
        work.view.put_history(History { is_on: false, ..history });
        work.next.push(Task::TrimHistory(owner.clone(), false));
    }

    /// A message was accepted.
    pub(crate) fn remember(&self, entry: &Entry, outcome: &Outcome, work: &mut Work<'_>) {
        if self.remembering.is_empty()
            || entry.spooled.is_some()
            || entry.body.len() > self.config.history.body_bytes_max
        {
            return;
        }
        let mut keep = |owner: &Address, peer: &Address, direction| {
            if !self.remembering.contains(owner) {
                return;
            }
            let message_id = entry.message_id.clone();
            let key = HistoryKey { owner: owner.clone(), peer: peer.clone(), direction, message_id };
            let message = Remembered {
                id: entry.id,
                key: key.clone(),
                conversation_id: entry.conversation_id.clone(),
                contribution_id: entry.contribution_id.clone(),
                content_type: entry.content_type.clone(),
                body: entry.body.clone(),
                accepted_at: entry.accepted_at,
            };
            happened(key, What::Accepted(Box::new(message)), work);
        };
        keep(&entry.from, &entry.to, Direction::Out);
        // Who has blocked the sender has not been told anything.
        if entry.to != entry.from && !matches!(outcome, Outcome::Refused(_)) {
            keep(&entry.to, &entry.from, Direction::In);
        }
    }

    /// Somebody reports on a message to `author`, its author; `original` is the record of the message or, in a group, of the copy.
    pub(crate) fn note_in_history(
        &self,
        author: &Address,
        original: &RecordKey,
        disposition: Disposition,
        work: &mut Work<'_>,
    ) {
        if self.remembering.is_empty()
            || !matches!(disposition, Disposition::Delivered | Disposition::Displayed)
        {
            return;
        }
        let (message_id, from, by) = original;
        let peer = if from.kind() == AddressKind::Group { from } else { by };
        for (owner, peer, direction) in [(author, peer, Direction::Out), (by, from, Direction::In)] {
            if self.remembering.contains(owner) {
                let key = HistoryKey {
                    owner: owner.clone(),
                    peer: peer.clone(),
                    direction,
                    message_id: message_id.clone(),
                };
                happened(key, What::Reported { by: by.clone(), disposition }, work);
            }
        }
    }

    /// A message has ended without being delivered.
    pub(crate) fn lose_from_history(&self, record: &Record, work: &mut Work<'_>) {
        if self.remembering.is_empty() {
            return;
        }
        let message_id = || record.message_id.clone();
        let (from, to) = (record.from.clone(), record.to.clone());
        if self.remembering.contains(&to) {
            let key = HistoryKey {
                owner: to.clone(),
                peer: from.clone(),
                direction: Direction::In,
                message_id: message_id(),
            };
            happened(key, What::Gone, work);
        }
        if self.remembering.contains(&from) {
            let key =
                HistoryKey { owner: from, peer: to, direction: Direction::Out, message_id: message_id() };
            let what = if record.outcome == Outcome::Revoked { What::Gone } else { What::Failed };
            happened(key, what, work);
        }
    }

    pub(crate) fn decide_happened(&mut self, happened: Happened, work: &mut Work<'_>) {
        let Happened { key, what } = happened;
        let limits = &self.config.history;
        match what {
            What::Accepted(message) => {
                if !work.view.history(&key.owner).is_some_and(|history| history.is_on) {
                    return;
                }
                work.view.remember(*message);
                let history = work.view.history(&key.owner);
                let is_over = history.is_some_and(|history| {
                    history.messages > limits.messages_max || history.body_bytes > limits.bytes_max
                });
                if is_over {
                    work.next.push(Task::TrimHistory(key.owner, true));
                }
            }
            What::Reported { by, disposition } => {
                let now = work.now;
                work.view.update_history_state(&key, |state| mark(state, by, disposition, now));
            }
            What::Failed => work.view.update_history_state(&key, |state| state.is_failed = true),
            What::Gone => work.view.forget(&key),
        }
    }

    pub(crate) fn trim_history_wants(&self, owner: &Address, wants: &mut Wants) {
        wants.history_page(owner, PAGE);
    }

    /// Takes the oldest messages out of a history: those whose time is over, when there are too many a sixteenth of what may be
    /// there, and when it is not kept any more all of them.
    pub(crate) fn decide_trim_history(&mut self, owner: Address, is_too_much: bool, work: &mut Work<'_>) {
        if work.view.history(&owner).is_none() {
            return;
        }
        let limits = &self.config.history;
        let is_over = |history: &History| {
            let most = |max: u64| max - max / 16;
            history.messages > most(limits.messages_max) || history.body_bytes > most(limits.bytes_max)
        };
        let oldest = self.history_begins(work.now);
        let page = work.view.history_page(&(owner.clone(), PAGE)).to_vec();
        let mut first_left = None;
        for (key, accepted_at) in &page {
            let goes = work.view.history(&owner).is_some_and(|history| {
                !history.is_on || *accepted_at < oldest || (is_too_much && is_over(history))
            });
            if !goes {
                first_left = Some(*accepted_at);
                break;
            }
            work.view.forget(key);
        }
        let Some(mut history) = work.view.history(&owner).cloned() else { return };
        if first_left.is_none() && page.len() == PAGE {
            return work.next.push(Task::TrimHistory(owner, is_too_much));
        }
        if !history.is_on {
            return work.view.remove_history(&owner);
        }
        history.oldest_at = first_left.unwrap_or(work.now);
        work.view.put_history(history);
    }

    /// What was accepted before this is not kept any more.
    pub fn history_begins(&self, now: Timestamp) -> Timestamp {
        Timestamp::EPOCH.plus(now.since(Timestamp::EPOCH).saturating_sub(self.config.history.keep))
    }
}

fn happened(key: HistoryKey, what: What, work: &mut Work<'_>) {
    work.then.push(Task::Happened(Box::new(Happened { key, what })));
}

fn mark(state: &mut HistoryState, by: Address, disposition: Disposition, now: Timestamp) {
    let place = state.marks.iter().position(|mark| mark.by == by).unwrap_or_else(|| {
        state.marks.push(Mark { by, delivered_at: None, displayed_at: None });
        state.marks.len() - 1
    });
    let mark = &mut state.marks[place];
    // Displayed implies delivered.
    mark.delivered_at = mark.delivered_at.or(Some(now));
    if disposition == Disposition::Displayed {
        mark.displayed_at = mark.displayed_at.or(Some(now));
    }
}
