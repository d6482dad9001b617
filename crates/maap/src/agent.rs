//! The delivery agent of a chatbot: pushes what waits in its mailbox to its webhook, oldest first, one push in each
//! conversation (with each user) at a time, and the next when the webhook has taken the one before.
//!
//! A conversation whose push failed is held back for a while and the others go on; what waits in it is left in the mailbox,
//! so that a long queue of one user never stands before another's. Its next try needs that one entry alone; only when it
//! succeeds is the mailbox read again for the rest, for all such conversations at once and not more often than
//! [`REREAD_EVERY`]: however many of them fail, the work is bounded.
//! An agent lives in memory and can be rebuilt from the mailbox at any time; a push that was under way is then repeated,
//! with the same message id.

use std::collections::{BTreeSet, VecDeque};

use chatbot_api::ctcu::address::PathForm;
use message_centre::submit::Fetched;
use message_centre::{Centre, Work};
use rcs::Timestamp;
use rcs::address::Address;
use rustc_hash::{FxHashMap, FxHashSet};
use store::{Chatbot, ChatbotStatus, Dialect, Entry, EntryId, Lookup, Outcome, View, Wants};

use crate::check::Check;
use crate::circuit::Circuit;
use crate::dialect::{self, Taken};
use crate::push::{Push, PushAnswer, PushFailure, PushFailureKind, PushId, Pushed};
use crate::told::Told;
use crate::{Maap, Out, Task, Timer, service_account};

/// Entries brought from the mailbox at a time.
const PAGE: usize = 64;
/// Most entries brought and not yet pushed. All of them are of conversations that have a push under way, or will.
const QUEUE_MAX: usize = 512;
/// Pause between two readings of the mailbox for what was left in it.
const REREAD_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
/// An entry whose push failed expires so long after it is to be given up on: its last try is made at that moment, and ends
/// before.
const LAST_TRY: std::time::Duration = std::time::Duration::from_secs(60);
/// Wait after a push for which we had no room ourselves.
const BUSY_WAIT: std::time::Duration = std::time::Duration::from_secs(1);

/// What an agent knows.
#[derive(Debug)]
pub(crate) struct Agent {
    /// The last entry that was brought from the mailbox.
    cursor: EntryId,
    /// Entries brought and not yet pushed, with their conversations.
    queue: VecDeque<(EntryId, Address)>,
    in_flight: FxHashMap<PushId, InFlight>,
    /// Whether the mailbox had nothing after `cursor` when it was last asked.
    is_exhausted: bool,
    /// Conversations of which the mailbox holds entries that have been passed over.
    held: FxHashMap<Address, Held>,
    /// Those among them that wait for their next try, by its time.
    retries: BTreeSet<(Timestamp, Address)>,
    /// After which entry to read the mailbox again, when there are conversations that are [`Held::Behind`].
    behind: Option<EntryId>,
    /// Not before this.
    reread_at: Timestamp,
    circuit: Circuit,
    /// How the webhook wants the chatbot's URI in paths, as far as is known.
    form: PathForm,
    /// A callback check under way.
    pub(crate) check: Option<Check>,
    /// Callback checks that failed in a row.
    pub(crate) check_failures: u32,
    /// When the next check is due, if one is.
    pub(crate) check_at: Option<Timestamp>,
    /// When the agent is woken by time, if it is.
    wakes_at: Option<Timestamp>,
    /// Pushes under way of things that are worth nothing later.
    pub(crate) typing: FxHashSet<PushId>,
}

/// A conversation whose oldest entry could not be pushed. None of its other entries is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Its oldest entry is tried again at a time.
    Until(Timestamp, EntryId),
    /// Its oldest entry is in the queue or on its way.
    Trying,
    /// Its oldest entry has left the mailbox; those after it are to be brought.
    Behind,
}

/// A push under way.
#[derive(Debug, Clone)]
struct InFlight {
    fetched: Fetched,
    conversation: Address,
    form: PathForm,
    /// Whether the webhook has said 404 to the other form.
    is_second_form: bool,
}

/// What a push's end means for what was pushed.
enum Verdict {
    Taken,
    /// Nothing is known at this path: perhaps at the other.
    OtherForm,
    /// Not now: what was the matter, and whether the webhook could be reached.
    Failed(String, bool),
    /// The push was never made.
    Unmade,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            cursor: EntryId::FIRST,
            queue: VecDeque::new(),
            in_flight: FxHashMap::default(),
            is_exhausted: false,
            held: FxHashMap::default(),
            retries: BTreeSet::new(),
            behind: None,
            reread_at: Timestamp::EPOCH,
            circuit: Circuit::default(),
            form: PathForm::default(),
            check: None,
            check_failures: 0,
            check_at: None,
            wakes_at: None,
            typing: FxHashSet::default(),
        }
    }
}

impl Agent {
    /// There is more in the mailbox.
    pub(crate) fn more(&mut self) {
        self.is_exhausted = false;
    }

    /// Holds a conversation back until `until`, when its oldest entry, which could not be pushed, is tried again.
    fn hold_back(&mut self, conversation: &Address, oldest: EntryId, until: Timestamp) {
        self.queue.retain(|(_, of)| of != conversation);
        self.held.insert(conversation.clone(), Held::Until(until, oldest));
        self.retries.insert((until, conversation.clone()));
    }

    /// The oldest entry of a conversation has left the mailbox, one way or another.
    fn passed(&mut self, conversation: &Address, id: EntryId) {
        if let Some(held @ Held::Trying) = self.held.get_mut(conversation) {
            *held = Held::Behind;
            self.behind = Some(self.behind.map_or(id, |earlier| earlier.min(id)));
        }
    }

    /// Takes up what was held back long enough, as far as the queue has room.
    fn take_up(&mut self, now: Timestamp) {
        while self.queue.len() < QUEUE_MAX && self.retries.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, conversation)) = self.retries.pop_first() else { break };
            if let Some(held) = self.held.get_mut(&conversation)
                && let Held::Until(_, oldest) = *held
            {
                *held = Held::Trying;
                self.queue.push_front((oldest, conversation));
            }
        }
        if let Some(after) = self.behind.take_if(|_| self.reread_at <= now) {
            self.held.retain(|_, held| *held != Held::Behind);
            self.cursor = self.cursor.min(after);
            self.is_exhausted = false;
            self.reread_at = now.plus(REREAD_EVERY);
        }
    }

    /// When something of this is due: the next retry, or the next reading of the mailbox.
    fn due_at(&self) -> Option<Timestamp> {
        let retry = self.retries.first().map(|(at, _)| *at).filter(|_| self.queue.len() < QUEUE_MAX);
        retry.into_iter().chain(self.behind.map(|_| self.reread_at)).min()
    }

    /// The webhook has answered: if it was out of reach, everything is tried again at once.
    fn reached(&mut self, now: Timestamp) {
        if self.circuit.reached() {
            let waiting = std::mem::take(&mut self.retries);
            self.retries =
                waiting.into_iter().map(|(at, conversation)| (at.min(now), conversation)).collect();
        }
    }

    fn wants_page(&self) -> bool {
        !self.is_exhausted && self.queue.len() < QUEUE_MAX
    }

    /// Brings the next stretch of the mailbox, if there is room for it and the batch has loaded it.
    fn look(&mut self, chatbot: &Address, view: &View) {
        if !self.wants_page() {
            return;
        }
        let Some(page) = view.page(&(chatbot.clone(), self.cursor, PAGE)) else { return };
        self.is_exhausted = page.len() < PAGE;
        self.cursor = page.last().copied().unwrap_or(self.cursor);
        // What is read again may be here already.
        let mut known: FxHashSet<EntryId> = self.queue.iter().map(|(id, _)| *id).collect();
        known.extend(self.in_flight.values().map(|one| one.fetched.key.1));
        for id in page {
            if let Lookup::Here(entry) = view.lookup(&(chatbot.clone(), *id))
                && !self.held.contains_key(&entry.from)
                && !known.contains(id)
            {
                self.queue.push_back((*id, entry.from.clone()));
            }
        }
    }

    /// The first entry of each conversation that has no push under way, but for `ended`; at most `limit`.
    fn ready(&self, ended: Option<PushId>, limit: usize) -> impl Iterator<Item = &(EntryId, Address)> {
        let in_flight = self.in_flight.iter().filter(|(id, _)| Some(**id) != ended);
        let mut busy: FxHashSet<&Address> = in_flight.map(|(_, one)| &one.conversation).collect();
        let first = self.queue.iter().filter(move |(_, conversation)| busy.insert(conversation));
        first.take(limit)
    }
}

impl Maap {
    /// The rows that the next step of an agent reads.
    pub(crate) fn drain_wants(&self, chatbot: &Address, wants: &mut Wants) {
        self.agent_wants(chatbot, None, wants);
    }

    /// The rows that the end of a push, and the step after it, read.
    pub(crate) fn pushed_wants(&self, pushed: &Pushed, centre: &Centre, wants: &mut Wants) {
        self.agent_wants(&pushed.chatbot, Some(pushed.id), wants);
        let agent = self.agents.get(&pushed.chatbot);
        if let Some(one) = agent.and_then(|agent| agent.in_flight.get(&pushed.id)) {
            centre.fetched_wants(&one.fetched, wants);
            centre.give_up_wants(&one.fetched.key, wants);
            wants.contact(&pushed.chatbot, &one.conversation);
        }
    }

    fn agent_wants(&self, chatbot: &Address, ended: Option<PushId>, wants: &mut Wants) {
        wants.chatbot(chatbot);
        let Some(agent) = self.agents.get(chatbot) else { return };
        if agent.wants_page() {
            wants.page(chatbot, agent.cursor, PAGE);
        }
        wants.rules(chatbot);
        wants.dead_letter_count(chatbot);
        for (id, conversation) in agent.ready(ended, self.config.pushes_per_chatbot) {
            wants.entry(&(chatbot.clone(), *id));
            wants.contact(chatbot, conversation);
        }
    }

    /// Pushes what may be pushed next.
    pub(crate) fn decide_drain(
        &mut self,
        address: &Address,
        centre: &mut Centre,
        work: &mut Work<'_>,
        out: &mut Out,
    ) {
        let Some(chatbot) = work.view.chatbot(address).cloned() else {
            return self.forget(address);
        };
        if chatbot.webhook.is_none() || matches!(chatbot.status, ChatbotStatus::Paused | ChatbotStatus::Draft)
        {
            return;
        }
        let mut agent = self.agents.remove(address).unwrap_or_default();
        if !chatbot.callback_checked
            && (chatbot.token.is_some() || !dialect::check_waits_for_token(chatbot.dialect))
            && agent.check.is_none()
            && agent.check_failures == 0
        {
            // The check that was set off did not outlive a restart.
            out.next.push(Task::Check(address.clone()));
        }
        agent.take_up(work.now);
        agent.look(address, work.view);
        let has_room = self.push_from(&mut agent, &chatbot, centre, work, out);
        let has_unloaded = agent.ready(None, 1).next().is_some();
        let is_due = agent.due_at().is_some_and(|at| at <= work.now);
        if has_room && (agent.wants_page() || has_unloaded || is_due) {
            out.next.push(Task::Drain(address.clone()));
        }
        self.wake(address, &mut agent, work.now);
        self.agents.insert(address.clone(), agent);
    }

    /// Sets the agent's one timer to when something is due next.
    fn wake(&mut self, address: &Address, agent: &mut Agent, now: Timestamp) {
        let at = match agent.circuit.probe_at() {
            // Nothing can be pushed before the probe.
            Some(probe_at) if probe_at > now => Some(probe_at),
            _ => agent.due_at().filter(|at| *at > now),
        };
        if agent.wakes_at != at {
            let timer = |at| (at, address.clone(), Timer::Drain);
            agent.wakes_at.map(|old| self.timers.remove(&timer(old)));
            at.map(|at| self.timers.insert(timer(at)));
            agent.wakes_at = at;
        }
    }

    /// Pushes the first of the queue whose turn it is; true if there is room for more.
    fn push_from(
        &mut self,
        agent: &mut Agent,
        chatbot: &Chatbot,
        centre: &mut Centre,
        work: &mut Work<'_>,
        out: &mut Out,
    ) -> bool {
        let mut room = agent.circuit.room(&self.config, work.now).saturating_sub(agent.in_flight.len());
        let mut busy: FxHashSet<Address> =
            agent.in_flight.values().map(|one| one.conversation.clone()).collect();
        let mut kept = VecDeque::new();
        while room > 0 {
            let Some((id, conversation)) = agent.queue.pop_front() else { break };
            if busy.contains(&conversation) {
                kept.push_back((id, conversation));
                continue;
            }
            let key = (chatbot.address.clone(), id);
            // What the chatbot knows the user by is to be looked up first.
            let is_known = work.view.has_contact(&(chatbot.address.clone(), conversation.clone()));
            let entry = match work.view.lookup(&key) {
                Lookup::Here(entry) if is_known => entry,
                Lookup::Gone => {
                    agent.passed(&conversation, id);
                    continue;
                }
                Lookup::NotLoaded | Lookup::Here(_) => {
                    busy.insert(conversation.clone());
                    kept.push_back((id, conversation));
                    continue;
                }
            };
            if entry.expires_at <= work.now {
                agent.passed(&conversation, id);
                continue;
            }
            let fetched = Fetched::of(entry);
            let mut told = match Told::of(entry) {
                Ok(told) => told,
                Err(why) => {
                    centre.refused_by_chatbot(&key, why, work);
                    agent.passed(&conversation, id);
                    continue;
                }
            };
            if service_account::is_answer(chatbot.dialect, &told) {
                out.next.push(Task::Invited(Box::new(fetched)));
                agent.passed(&conversation, id);
                continue;
            }
            let one = InFlight {
                fetched,
                conversation: conversation.clone(),
                form: agent.form,
                is_second_form: false,
            };
            match self.request(chatbot, &mut told, one.form, work) {
                Some(request) => {
                    self.push(agent, one, chatbot, request, out);
                    busy.insert(conversation);
                    room -= 1;
                }
                None => {
                    match told {
                        Told::Message(_) => {
                            centre.refused_by_chatbot(
                                &key,
                                "the chatbot's API has no words for it".to_owned(),
                                work,
                            );
                        }
                        Told::Status(_)
                        | Told::Capabilities(_)
                        | Told::Consent(_)
                        | Told::Media(_)
                        | Told::Notice(_)
                        | Told::Revealed { .. } => {
                            centre.taken_by_chatbot(&one.fetched, true, work);
                        }
                    }
                    agent.passed(&conversation, id);
                }
            }
        }
        kept.append(&mut agent.queue);
        agent.queue = kept;
        room > 0
    }

    fn request(
        &mut self,
        chatbot: &Chatbot,
        told: &mut Told,
        form: PathForm,
        work: &mut Work<'_>,
    ) -> Option<dialect::Request> {
        self.disguise(chatbot, told, work);
        let fresh = self.fresh(work.now);
        dialect::push(chatbot, told, form, &fresh)
    }

    fn push(
        &mut self,
        agent: &mut Agent,
        one: InFlight,
        chatbot: &Chatbot,
        request: dialect::Request,
        out: &mut Out,
    ) {
        let id = self.push_id();
        out.pushes.push(Push::new(id, chatbot, request, self.config.push_timeout));
        agent.in_flight.insert(id, one);
    }

    /// Settles a push that has ended, and goes on to the next.
    pub(crate) fn decide_pushed(
        &mut self,
        pushed: Pushed,
        centre: &mut Centre,
        work: &mut Work<'_>,
        out: &mut Out,
    ) {
        // Of a chatbot that was removed, or of a process before this one.
        let Some(mut agent) = self.agents.remove(&pushed.chatbot) else { return };
        let check = agent.check.take_if(|check| check.id == pushed.id);
        agent.typing.remove(&pushed.id);
        let ended = agent.in_flight.remove(&pushed.id);
        if let Some(one) = ended {
            self.settle(&mut agent, one, &pushed, centre, work, out);
        }
        self.agents.insert(pushed.chatbot.clone(), agent);
        if let Some(check) = check {
            self.decide_checked(&check, &pushed, work, out);
        }
        self.decide_drain(&pushed.chatbot, centre, work, out);
    }

    fn settle(
        &mut self,
        agent: &mut Agent,
        one: InFlight,
        pushed: &Pushed,
        centre: &mut Centre,
        work: &mut Work<'_>,
        out: &mut Out,
    ) {
        let dialect = work.view.chatbot(&pushed.chatbot).map_or(Dialect::Ctcu, |chatbot| chatbot.dialect);
        match verdict(dialect, &pushed.outcome, &one) {
            Verdict::Taken => {
                out.stats.pushes_taken += 1;
                agent.reached(work.now);
                agent.form = one.form;
                agent.passed(&one.conversation, one.fetched.key.1);
                centre.taken_by_chatbot(&one.fetched, dialect::taking_is_reading(dialect), work);
            }
            Verdict::OtherForm => {
                out.stats.pushes_refused += 1;
                agent.reached(work.now);
                let entry = work.view.entry(&one.fetched.key);
                let mut told = entry.map(Told::of).and_then(Result::ok);
                let chatbot = work.view.chatbot(&pushed.chatbot).cloned();
                let second = InFlight { form: one.form.other(), is_second_form: true, ..one.clone() };
                let request = match (&mut told, &chatbot) {
                    (Some(told), Some(chatbot)) => self.request(chatbot, told, second.form, work),
                    _ => None,
                };
                match (request, chatbot) {
                    (Some(request), Some(chatbot)) => self.push(agent, second, &chatbot, request, out),
                    _ => agent.passed(&one.conversation, one.fetched.key.1),
                }
            }
            Verdict::Failed(why, is_reached) => {
                tracing::debug!(chatbot = %pushed.chatbot, why, "a push failed");
                out.stats.pushes_refused += u64::from(is_reached);
                out.stats.pushes_failed += u64::from(!is_reached);
                let probe_at = match is_reached {
                    true => {
                        agent.reached(work.now);
                        None
                    }
                    false => agent.circuit.missed(&self.config, work.now, self.random.number()),
                };
                let Some(entry) = work.view.entry(&one.fetched.key) else {
                    return agent.passed(&one.conversation, one.fetched.key.1);
                };
                let (give_up_after, wait_max) = dialect::patience(dialect, &self.config);
                let give_up_at = give_up_at(entry, give_up_after, work.now);
                if give_up_at <= work.now {
                    agent.passed(&one.conversation, entry.id);
                    out.stats.given_up += 1;
                    centre.retry_for_chatbot(&one.fetched, &why, give_up_at, work);
                    return centre.give_up_for_chatbot(&one.fetched.key, Outcome::Expired, work);
                }
                let wait = self.config.backoff(entry.attempts.saturating_add(1), self.random.number());
                let wait = wait.min(wait_max);
                let due = work.now.plus(wait).min(give_up_at).max(probe_at.unwrap_or(work.now));
                agent.hold_back(&one.conversation, entry.id, due);
                centre.retry_for_chatbot(&one.fetched, &why, give_up_at.plus(LAST_TRY), work);
            }
            Verdict::Unmade => {
                agent.hold_back(&one.conversation, one.fetched.key.1, work.now.plus(BUSY_WAIT));
            }
        }
    }

    /// What was known of the webhook and its mailbox is known no more; pushes under way stay so.
    pub(crate) fn start_over(&mut self, chatbot: &Address) {
        let before = self.agents.remove(chatbot).unwrap_or_default();
        let agent = Agent {
            in_flight: before.in_flight,
            check: before.check,
            check_at: before.check_at,
            wakes_at: before.wakes_at,
            ..Agent::default()
        };
        self.agents.insert(chatbot.clone(), agent);
    }
}

/// When an entry whose push has just failed is given up on: the first failure sets it, and the entry's end says it from then on.
fn give_up_at(entry: &Entry, give_up_after: std::time::Duration, now: Timestamp) -> Timestamp {
    match entry.attempts {
        0 => now.plus(give_up_after).min(entry.expires_at),
        _ => entry.expires_at.minus(LAST_TRY),
    }
}

fn verdict(dialect: Dialect, outcome: &Result<PushAnswer, PushFailure>, one: &InFlight) -> Verdict {
    match outcome {
        Ok(answer) => match dialect::taken(dialect, answer) {
            Taken::Yes => Verdict::Taken,
            Taken::OtherForm if !one.is_second_form => Verdict::OtherForm,
            Taken::OtherForm => Verdict::Failed(format!("answered {}", answer.status), true),
            // What a proxy says whose chatbot is gone.
            Taken::No(why) => Verdict::Failed(why, !(502..=504).contains(&answer.status)),
        },
        Err(PushFailure { kind: PushFailureKind::Busy, .. }) => Verdict::Unmade,
        // An address that we refuse is out of reach too, until its webhook or the rules change.
        Err(failure) => Verdict::Failed(failure.text.clone(), false),
    }
}
