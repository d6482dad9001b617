//! The delivery agent of a chatbot: pushes what waits in its mailbox to its webhook, oldest first, one push in each
//! conversation (with each user) at a time, and the next when the webhook has taken the one before.
//!
//! A conversation whose push failed is held back for a while and the others go on (`waiting.rs`); a webhook that takes nothing at
//! all is left alone for a while (`circuit.rs`). An entry is called for no longer than [`dialect::patience`] says, from its own
//! first failure, or from when it was found to wait behind one; that is noted on the entry, whose time to be given up is so the
//! same whether it comes to be tried or not, and whatever becomes of this process.
//!
//! An agent lives in memory and can be rebuilt from the mailbox at any time; a push that was under way is then repeated,
//! with the same message id.

use std::collections::VecDeque;
use std::time::Duration;

use chatbot_api::ctcu::address::PathForm;
use message_centre::submit::Fetched;
use message_centre::{Centre, Work};
use rcs::Timestamp;
use rcs::address::Address;
use rustc_hash::{FxHashMap, FxHashSet};
use store::{Chatbot, ChatbotStatus, Dialect, Entry, EntryId, Lookup, Outcome, Wants};

use crate::check::Check;
use crate::circuit::{Circuit, Miss};
use crate::dialect::{self, Taken};
use crate::push::{Push, PushAnswer, PushFailure, PushFailureKind, PushId, Pushed};
use crate::told::Told;
use crate::waiting::{PAGE, Waiting};
use crate::{Maap, Out, Stats, Task, Timer, service_account};

/// An entry whose push failed expires so long after it is to be given up on: its last try is made at that moment, and ends
/// before.
const LAST_TRY: Duration = Duration::from_secs(60);
/// Wait after a push for which we had no room ourselves.
const BUSY_WAIT: Duration = Duration::from_secs(1);

/// What an agent knows.
#[derive(Debug, Default)]
pub(crate) struct Agent {
    waiting: Waiting,
    in_flight: FxHashMap<PushId, InFlight>,
    circuit: Circuit,
    /// What was the matter with the last push that was not taken, in a few words.
    trouble: String,
    /// How often what was known of the webhook was thrown away ([`Maap::start_over`]).
    generation: u64,
    /// How the webhook wants the chatbot's URI in paths, as far as is known.
    form: PathForm,
    /// A callback check under way.
    pub(crate) check: Option<Check>,
    /// Callback checks that failed in a row.
    pub(crate) check_failures: u32,
    /// Why the last one failed.
    pub(crate) check_failure: Option<String>,
    /// When the next check is due, if one is.
    pub(crate) check_at: Option<Timestamp>,
    /// When the agent is woken by time, if it is.
    wakes_at: Option<Timestamp>,
    /// Pushes under way of things that are worth nothing later.
    pub(crate) typing: FxHashSet<PushId>,
}

/// A push under way.
#[derive(Debug, Clone)]
struct InFlight {
    fetched: Fetched,
    conversation: Address,
    form: PathForm,
    /// Whether the webhook has said 404 to the other form.
    is_second_form: bool,
    /// The agent's, when it began.
    generation: u64,
}

/// What a push's end means for what was pushed.
enum Verdict {
    Taken,
    /// Nothing is known at this path: perhaps at the other.
    OtherForm,
    /// Not now, and what was the matter.
    Failed(String, Miss),
    /// The push was never made.
    Unmade,
}

impl Agent {
    /// There is more in the mailbox.
    pub(crate) fn more(&mut self) {
        self.waiting.more();
    }

    /// Whether the webhook takes nothing, and is called but for a try now and then.
    pub(crate) fn is_left_alone(&self) -> bool {
        self.circuit.is_open()
    }

    /// The conversations that have a push under way.
    fn busy(&self) -> FxHashSet<&Address> {
        self.in_flight.values().map(|one| &one.conversation).collect()
    }

    /// The first entry of each conversation that has no push under way, but for `ended`; at most `limit`.
    fn ready(&self, ended: Option<PushId>, limit: usize) -> impl Iterator<Item = &(EntryId, Address)> {
        let in_flight = self.in_flight.iter().filter(|(id, _)| Some(**id) != ended);
        self.waiting.ready(in_flight.map(|(_, one)| &one.conversation).collect(), limit)
    }

    /// Takes over the next stretch of the mailbox, if the batch has loaded it.
    fn bring(&mut self, chatbot: &Address, work: &Work<'_>) {
        let on_their_way = self.in_flight.values().map(|one| one.fetched.key.1).collect();
        let busy = self.in_flight.values().map(|one| &one.conversation).collect();
        self.waiting.bring(chatbot, work.view, &on_their_way, &busy, self.circuit.is_open());
    }

    /// Takes up what was held back long enough. A webhook that is left alone is tried with one at a time.
    fn take_up(&mut self, now: Timestamp) {
        match self.circuit.probe_at() {
            None => self.waiting.take_up(now, usize::MAX),
            Some(at) if at <= now && self.in_flight.is_empty() && self.ready(None, 1).next().is_none() => {
                self.waiting.take_up(now, 1);
            }
            Some(_) => {}
        }
    }

    /// When something of this is due: the next try of something that was held back.
    fn due_at(&self) -> Option<Timestamp> {
        // Nothing can be pushed before the webhook is tried again.
        let due_at = self.waiting.due_at();
        self.circuit.probe_at().map_or(due_at, |probe_at| due_at.map(|at| at.max(probe_at)))
    }

    /// A push was not taken: if nothing is pushed for now, what is in the queue waits too.
    fn missed(&mut self, chatbot: &Address, was_open: bool, now: Timestamp, stats: &mut Stats) {
        let Some(at) = self.circuit.probe_at() else { return };
        let busy = self.in_flight.values().map(|one| &one.conversation).collect();
        self.waiting.shut(&busy);
        if !was_open {
            stats.left_alone += 1;
            let (why, next_try_s) = (&self.trouble, at.since(now).as_secs());
            tracing::warn!(%chatbot, why, next_try_s, "the webhook takes nothing and is left alone for a while");
        }
    }

    /// The webhook has taken a push: if it was left alone, everything is tried at once.
    fn taken(&mut self, chatbot: &Address, now: Timestamp, stats: &mut Stats) {
        if self.circuit.taken() {
            stats.back += 1;
            tracing::info!(%chatbot, "the webhook takes pushes again");
            self.waiting.release(now);
        }
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
        if let Some(after) = agent.waiting.page_after() {
            wants.page(chatbot, after, PAGE);
        }
        agent.waiting.unnoted().for_each(|id| wants.entry(&(chatbot.clone(), id)));
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
            // What came for it after it was removed, or was left when the process ended, goes too.
            work.next.push(message_centre::Task::Clear(address.clone()));
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
        agent.bring(address, work);
        agent.take_up(work.now);
        let has_room = self.push_from(&mut agent, &chatbot, centre, work, out);
        self.note_waiting(&mut agent, &chatbot, centre, work);
        let has_unloaded = agent.ready(None, 1).next().is_some();
        let is_due = agent.due_at().is_some_and(|at| at <= work.now);
        let has_more = agent.waiting.page_after().is_some() || agent.waiting.has_unnoted();
        if has_more || (has_room && (has_unloaded || is_due)) {
            out.next.push(Task::Drain(address.clone()));
        }
        self.wake(address, &mut agent, work.now);
        self.agents.insert(address.clone(), agent);
    }

    /// Notes on entries that wait behind a failure until when they do at most, and why.
    fn note_waiting(
        &mut self,
        agent: &mut Agent,
        chatbot: &Chatbot,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) {
        let (patience, _) = dialect::patience(chatbot.dialect, &self.config);
        let why = format!("another push: {}", agent.trouble);
        for id in agent.waiting.unnoted().collect::<Vec<_>>() {
            let key = (chatbot.address.clone(), id);
            match work.view.lookup(&key) {
                Lookup::NotLoaded => break,
                Lookup::Here(entry) if !is_timed(entry) && !agent.trouble.is_empty() => {
                    let expires_at = give_up_at(entry, patience, work.now).plus(LAST_TRY);
                    centre.waits_for_chatbot(&key, &why, expires_at, work);
                }
                Lookup::Here(_) | Lookup::Gone => {}
            }
            agent.waiting.noted();
        }
    }

    /// Sets the agent's one timer to when something is due next.
    fn wake(&mut self, address: &Address, agent: &mut Agent, now: Timestamp) {
        let at = agent.due_at().filter(|at| *at > now);
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
        let mut busy: FxHashSet<Address> = agent.busy().into_iter().cloned().collect();
        let mut queue = agent.waiting.take_queue();
        let mut kept = VecDeque::new();
        while room > 0 {
            let Some((id, conversation)) = queue.pop_front() else { break };
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
                    agent.waiting.passed(&conversation, id);
                    continue;
                }
                Lookup::NotLoaded | Lookup::Here(_) => {
                    busy.insert(conversation.clone());
                    kept.push_back((id, conversation));
                    continue;
                }
            };
            if entry.expires_at <= work.now {
                agent.waiting.passed(&conversation, id);
                continue;
            }
            let fetched = Fetched::of(entry);
            let mut told = match Told::of(entry) {
                Ok(told) => told,
                Err(why) => {
                    centre.refused_by_chatbot(&key, why, work);
                    agent.waiting.passed(&conversation, id);
                    continue;
                }
            };
            if service_account::is_answer(chatbot.dialect, &told) {
                out.next.push(Task::Invited(Box::new(fetched)));
                agent.waiting.passed(&conversation, id);
                continue;
            }
            let one = InFlight {
                fetched,
                conversation: conversation.clone(),
                form: agent.form,
                is_second_form: false,
                generation: agent.generation,
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
                        | Told::Notice(_)
                        | Told::Revealed { .. } => {
                            centre.taken_by_chatbot(&one.fetched, true, work);
                        }
                    }
                    agent.waiting.passed(&conversation, id);
                }
            }
        }
        kept.append(&mut queue);
        agent.waiting.give_back(kept);
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
        let (conversation, id) = (&one.conversation, one.fetched.key.1);
        let is_current = one.generation == agent.generation;
        match verdict(dialect, &pushed.outcome, &one, work.now) {
            Verdict::Taken => {
                out.stats.pushes_taken += 1;
                if is_current {
                    agent.taken(&pushed.chatbot, work.now, &mut out.stats);
                    agent.form = one.form;
                }
                agent.waiting.passed(conversation, id);
                centre.taken_by_chatbot(&one.fetched, dialect::taking_is_reading(dialect), work);
            }
            // What was called is not the webhook any more.
            _ if !is_current => agent.waiting.hold_back(conversation, id, work.now),
            Verdict::OtherForm => {
                out.stats.pushes_refused += 1;
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
                    _ => agent.waiting.passed(conversation, id),
                }
            }
            Verdict::Failed(why, miss) => {
                tracing::debug!(chatbot = %pushed.chatbot, why, "a push failed");
                let is_reached = miss != Miss::Unreached;
                out.stats.pushes_refused += u64::from(is_reached);
                out.stats.pushes_failed += u64::from(!is_reached);
                self.hold_back(agent, &one, &why, dialect, centre, work, out);
                agent.trouble = why;
                let was_open = agent.circuit.is_open();
                agent.circuit.missed(miss, conversation, &self.config, work.now, self.random.number());
                agent.missed(&pushed.chatbot, was_open, work.now, &mut out.stats);
            }
            Verdict::Unmade => agent.waiting.hold_back(conversation, id, work.now.plus(BUSY_WAIT)),
        }
    }

    /// A push has failed: its entry is tried again after a while, or given up on when its time is over.
    #[allow(clippy::too_many_arguments, reason = "what a decision is given, and what it is about")]
    fn hold_back(
        &mut self,
        agent: &mut Agent,
        one: &InFlight,
        why: &str,
        dialect: Dialect,
        centre: &mut Centre,
        work: &mut Work<'_>,
        out: &mut Out,
    ) {
        let Some(entry) = work.view.entry(&one.fetched.key) else {
            return agent.waiting.passed(&one.conversation, one.fetched.key.1);
        };
        let (patience, wait_max) = dialect::patience(dialect, &self.config);
        let give_up_at = give_up_at(entry, patience, work.now);
        let wait = self.config.backoff(entry.attempts.saturating_add(1), self.random.number());
        centre.retry_for_chatbot(&one.fetched, why, give_up_at.plus(LAST_TRY), work);
        if give_up_at <= work.now {
            out.stats.given_up += 1;
            agent.waiting.passed(&one.conversation, one.fetched.key.1);
            return centre.give_up_for_chatbot(&one.fetched.key, Outcome::Expired, work);
        }
        let due = work.now.plus(wait.min(wait_max)).min(give_up_at);
        agent.waiting.hold_back(&one.conversation, one.fetched.key.1, due);
    }

    /// What was known of the webhook and its mailbox is known no more; pushes under way stay so.
    pub(crate) fn start_over(&mut self, chatbot: &Address) {
        let before = self.agents.remove(chatbot).unwrap_or_default();
        let agent = Agent {
            in_flight: before.in_flight,
            generation: before.generation + 1,
            check: before.check,
            check_at: before.check_at,
            wakes_at: before.wakes_at,
            typing: before.typing,
            ..Agent::default()
        };
        self.agents.insert(chatbot.clone(), agent);
    }
}

/// Whether it is noted on an entry until when it is tried: `expires_at` is [`LAST_TRY`] after that.
fn is_timed(entry: &Entry) -> bool {
    !entry.refused.is_empty()
}

/// When an entry that was not taken is given up on: its first failure sets it, or that of one before it.
fn give_up_at(entry: &Entry, patience: Duration, now: Timestamp) -> Timestamp {
    match is_timed(entry) {
        false => now.plus(patience).min(entry.expires_at),
        true => entry.expires_at.minus(LAST_TRY),
    }
}

fn verdict(
    dialect: Dialect,
    outcome: &Result<PushAnswer, PushFailure>,
    one: &InFlight,
    now: Timestamp,
) -> Verdict {
    match outcome {
        Ok(answer) => {
            let (why, miss) = match dialect::taken(dialect, answer) {
                Taken::Yes => return Verdict::Taken,
                Taken::OtherForm if !one.is_second_form => return Verdict::OtherForm,
                Taken::OtherForm => (format!("answered {}", answer.status), Miss::Refused),
                // What a proxy says whose chatbot is gone.
                Taken::No(why) if (502..=504).contains(&answer.status) => (why, Miss::Unreached),
                Taken::No(why) => (why, Miss::Refused),
            };
            Verdict::Failed(why, answer.retry_after(now).map_or(miss, Miss::AskedToWait))
        }
        Err(PushFailure { kind: PushFailureKind::Busy, .. }) => Verdict::Unmade,
        // An address that we refuse is out of reach too, until its webhook or the rules change.
        Err(failure) => Verdict::Failed(failure.text.clone(), Miss::Unreached),
    }
}
