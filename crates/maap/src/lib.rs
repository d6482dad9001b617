//! The chatbot platform, deciding: who may speak as a chatbot, what goes out in its name, and what its webhook is told.
//!
//! The other half of [`message_centre`], in the same style: no clock, no network, no disk. A [`Task`] names the rows it
//! reads ([`Maap::wants`]), is decided over a loaded [`store::View`] ([`Maap::decide`]), changes rows there, and leaves
//! webhook calls ([`Push`]) that are made after the batch has been committed; how they ended comes back as [`Pushed`].
//!
//! - [`Call`], [`Answer`]: what chatbots and administrators ask (`token.rs`, `send.rs`, `revoke.rs`, `indication.rs`, `chatbots.rs`,
//!   `service_account.rs`).
//! - `agent.rs` drains chatbots' mailboxes to their webhooks, in order in each conversation; `told.rs` says what an entry
//!   tells, [`dialect`] writes it as its API wants it; `waiting.rs` knows what comes next, `circuit.rs` notices webhooks that take
//!   nothing.
//! - `rate.rs`: how much may be sent. `consent.rs`: what users do not want. `privacy.rs`: chatbots that know no numbers.
//! - Who asks is the HTTP edge's to find out, over the rows as they are on disk ([`authorise`]): a decision is told a chatbot.
//! - `check.rs`: the callback check. A chatbot with a webhook may send when the check has passed; a chatbot without one has
//!   nothing to check, may send, and hears nothing.
//! - [`manage`]: templates and campaigns, tenants and keys, the audit log.
//! - [`information()`]: what handsets show of a chatbot.

mod agent;
mod call;
mod chatbots;
mod check;
mod circuit;
mod config;
pub mod consent;
mod dead_letters;
pub mod dialect;
mod directory;
mod indication;
mod information;
pub mod manage;
mod media;
pub mod privacy;
mod push;
pub mod rate;
mod refusal;
mod revoke;
mod send;
mod service_account;
mod standing;
mod task;
mod token;
mod told;
mod waiting;

use std::collections::BTreeSet;

use message_centre::secret::Random;
use message_centre::{Centre, Secrets, Work};
use rcs::Timestamp;
use rcs::address::Address;
use rcs::composing::State;
use rustc_hash::FxHashMap;
use store::{EntryIds, Topic, Wants};

pub use call::{Answer, Call, Change, ContactChange, Credentials, NewChatbot};
pub use config::{Config, MediaLinks};
pub use directory::{Directory, listed};
pub use information::{etag, information, own_data};
pub use media::{MediaCall, transfer};
pub use push::{
    ANSWER_BYTES_MAX, ANSWER_HEADERS, Method, Push, PushAnswer, PushFailure, PushFailureKind, PushId, Pushed,
};
pub use refusal::{Reason, Refusal};
pub use standing::{StandingCall, Step, word};
pub use task::{Out, Stats, Task};
pub use token::authorise;

use agent::Agent;
use manage::Managed;
use rate::Allowance;

/// The chatbot platform's hot state. Everything in it can be lost: the store has what was promised.
pub struct Maap {
    config: Config,
    random: Random,
    agents: FxHashMap<Address, Agent>,
    /// What is left of a second's messages, by the names under which they are counted.
    allowances: FxHashMap<String, Allowance>,
    last_push: u64,
    /// Of what is managed beside chatbots.
    managed: Managed,
    ids: EntryIds,
    /// What wants attention when: see [`Maap::tick`].
    timers: BTreeSet<(Timestamp, Address, Timer)>,
}

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Timer {
    Drain,
    Check,
}

impl Maap {
    /// A platform without memory. Tokens and keys are drawn from the secrets.
    pub fn new(config: Config, secrets: &Secrets) -> Self {
        let mut random = Random::new("hongyan chatbot platform 1", secrets);
        Self {
            ids: EntryIds::new(u128::from_be_bytes(random.id()) as u64),
            config,
            random,
            managed: Managed::default(),
            agents: FxHashMap::default(),
            allowances: FxHashMap::default(),
            last_push: 0,
            timers: BTreeSet::new(),
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Something new waits for a chatbot ([`Work::woken`]), or the platform has just started: gives the task to decide, in a
    /// batch after the one that put it into the mailbox.
    pub fn woken(&mut self, chatbot: &Address) -> Task {
        self.agents.entry(chatbot.clone()).or_default().more();
        Task::Drain(chatbot.clone())
    }

    /// When to call [`Maap::tick`] at the latest.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let timer = self.timers.first().map(|(at, ..)| *at);
        timer.into_iter().chain(self.managed.campaigns.wake_at()).min()
    }

    /// Lets time pass: webhooks that were left alone long enough, campaigns whose next step is due.
    pub fn tick(&mut self, now: Timestamp, tasks: &mut Vec<Task>) {
        while self.timers.first().is_some_and(|(at, ..)| *at <= now) {
            let Some((_, chatbot, timer)) = self.timers.pop_first() else { break };
            tasks.push(match timer {
                Timer::Drain => Task::Drain(chatbot),
                Timer::Check => Task::Check(chatbot),
            });
        }
        tasks.extend(self.managed.campaigns.tick(now).into_iter().map(|step| Task::Campaign(Box::new(step))));
    }

    /// The rows that deciding `task` reads.
    pub fn wants(&self, centre: &Centre, task: &Task, wants: &mut Wants) {
        match task {
            Task::Call(call) => match &**call {
                Call::Token { chatbot, .. } => wants.chatbot(chatbot),
                Call::Update { chatbot, .. } => {
                    wants.chatbot(chatbot);
                    for topic in [Topic::Data, Topic::Menu] {
                        wants.proposal(&(chatbot.clone(), topic));
                    }
                }
                Call::Remove(chatbot) => {
                    wants.chatbot(chatbot);
                    wants.proposals_of(chatbot);
                    self.campaigns_of_wants(chatbot, wants);
                }
                Call::Send { chatbot, message } => self.send_wants(chatbot, message, centre, wants),
                Call::Revoke { chatbot, .. } => {
                    wants.chatbot(chatbot);
                    Self::allowance_wants(chatbot, wants);
                }
                Call::PutBack { chatbot, letters } => {
                    wants.chatbot(chatbot);
                    letters.iter().for_each(|letter| centre.put_back_wants(letter, wants));
                }
                Call::RemoveDeadLetters(keys) => keys.iter().for_each(|key| wants.dead_letter(key)),
                Call::SetRules { chatbot, .. } => {
                    wants.chatbot(chatbot);
                    wants.rules(chatbot);
                }
                Call::SetContact { chatbot, user, .. } => {
                    wants.chatbot(chatbot);
                    wants.contact(chatbot, user);
                }
                Call::Composing { chatbot, to, .. } => Self::composing_wants(chatbot, to, centre, wants),
                Call::Read { chatbot, user, message_id } => {
                    Self::read_wants(chatbot, user, message_id, centre, wants);
                }
                Call::Capabilities { chatbot, user, .. } => Self::capabilities_wants(chatbot, user, wants),
                Call::Invite { chatbot, user } => Self::invite_wants(chatbot, user, wants),
                Call::SetTester { chatbot, .. }
                | Call::AddKey { chatbot, .. }
                | Call::RemoveKey { chatbot, .. } => Self::account_wants(chatbot, wants),
                Call::SendText { from, to, .. } => self.send_text_wants(from, to, wants),
                Call::Create(new) => new.wants(self, wants),
                Call::Manage(call) => call.wants(&self.managed, wants),
                Call::Media(call) => call.wants(wants),
                Call::Standing(call) => call.wants(wants),
            },
            Task::Campaign(step) => self.step_wants(step, centre, wants),
            Task::Pushed(pushed) => self.pushed_wants(pushed, centre, wants),
            Task::Drain(chatbot) => self.drain_wants(chatbot, wants),
            Task::ExpireMedia(media) => Self::expire_media_wants(media, wants),
            Task::ClearMedia(owner) => Self::clear_media_wants(owner, wants),
            Task::Check(chatbot) => wants.chatbot(chatbot),
            Task::Typing { chatbot, user, .. } => Self::typing_wants(chatbot, user, wants),
            Task::Invited(fetched) => Self::invited_wants(fetched, centre, wants),
            Task::Heard(heard) => self.heard_wants(heard, centre, wants),
        }
    }

    /// Decides a task whose rows are in `work.view`. The answer of a call may be told after the commit.
    pub fn decide(
        &mut self,
        task: Task,
        centre: &mut Centre,
        work: &mut Work<'_>,
        out: &mut Out,
    ) -> Option<Answer> {
        match task {
            Task::Call(call) => return Some(self.decide_call(*call, centre, work, out)),
            Task::Pushed(pushed) => self.decide_pushed(*pushed, centre, work, out),
            Task::Drain(chatbot) => self.decide_drain(&chatbot, centre, work, out),
            Task::Check(chatbot) => self.decide_check(&chatbot, work, out),
            Task::Campaign(step) => self.decide_step(*step, centre, work),
            Task::Heard(heard) => self.decide_heard(&heard, centre, work),
            Task::ExpireMedia(media) => Self::expire_media(&media, work),
            Task::ClearMedia(owner) => Self::clear_media(&owner, work, out),
            Task::Typing { chatbot, user, state } => self.decide_typing(&chatbot, &user, state, work, out),
            Task::Invited(fetched) => self.decide_invited(&fetched, centre, work),
        }
        None
    }

    fn decide_call(&mut self, call: Call, centre: &mut Centre, work: &mut Work<'_>, out: &mut Out) -> Answer {
        match call {
            Call::Token { chatbot, app_id, app_key } => {
                let token = self.decide_token(&chatbot, &app_id, &app_key, work, out);
                token.map(|token| Answer::Token { token }).unwrap_or_else(Answer::Refused)
            }
            Call::Send { chatbot, message } => match self.decide_send(&chatbot, &message, centre, work) {
                Ok(left) => Answer::Accepted(message, left),
                Err(refusal) => Answer::Refused(refusal),
            },
            Call::Revoke { chatbot, message_id, to } => {
                match self.decide_revoke(&chatbot, &message_id, &to, work) {
                    Ok(()) => Answer::Revoking { message_id, to },
                    Err(refusal) => Answer::Refused(refusal),
                }
            }
            Call::Composing { chatbot, to, state } => {
                done(self.decide_composing(&chatbot, &to, state, centre, work))
            }
            Call::Read { chatbot, user, message_id } => {
                done(self.decide_read(&chatbot, &user, &message_id, centre, work))
            }
            Call::Capabilities { chatbot, user, request_id } => {
                done(self.decide_capabilities(&chatbot, &user, &request_id, centre, work))
            }
            Call::Invite { chatbot, user } => match self.decide_invite(&chatbot, &user, centre, work) {
                Ok(accepted) => Answer::Invited { accepted },
                Err(refusal) => Answer::Refused(refusal),
            },
            Call::SetTester { chatbot, user, accepted } => {
                self.decide_set_tester(&chatbot, &user, accepted, work)
            }
            Call::AddKey { chatbot, key } => self.decide_add_key(&chatbot, key, work),
            Call::RemoveKey { chatbot, key } => self.decide_remove_key(&chatbot, &key, work),
            Call::SendText { from, to, text } => self.decide_send_text(&from, &to, &text, centre, work),
            Call::Create(new) => self.decide_create(*new, work, out),
            Call::Update { chatbot, change, is_reviewed } => {
                self.decide_update(&chatbot, *change, is_reviewed, work, out)
            }
            Call::Manage(call) => Answer::Managed(Box::new(self.decide_manage(*call, work))),
            Call::Remove(chatbot) => self.decide_remove(&chatbot, work, out),
            Call::Media(call) => self.decide_media(call, work),
            Call::PutBack { chatbot, letters } => self.decide_put_back(&chatbot, &letters, centre, work),
            Call::RemoveDeadLetters(keys) => self.decide_remove_dead_letters(&keys, work),
            Call::SetRules { chatbot, rules } => self.decide_rules(&chatbot, rules, work),
            Call::SetContact { chatbot, user, change } => self.decide_contact(&chatbot, &user, change, work),
            Call::Standing(call) => self.decide_standing(call, work, out),
        }
    }

    /// A user writes to a chatbot, or has stopped ([`Work::typing`]): gives the task to decide.
    pub fn typing(chatbot: Address, user: Address, state: State) -> Task {
        Task::Typing { chatbot, user, state }
    }

    /// Forgets what is in memory about a chatbot; pushes under way are settled without it.
    fn forget(&mut self, chatbot: &Address) {
        self.agents.remove(chatbot);
        self.allowances.remove(chatbot.as_str());
        self.timers.retain(|(_, of, _)| of != chatbot);
    }

    /// What makes a request that leaves at `now` fresh.
    fn fresh(&mut self, now: Timestamp) -> dialect::Fresh<'_> {
        let Config { public_url, numbering, .. } = &self.config;
        dialect::Fresh { now, nonce: self.random.uuid(), public_url, numbering }
    }

    fn push_id(&mut self) -> PushId {
        self.last_push += 1;
        PushId(self.last_push)
    }
}

fn done(result: Result<(), Refusal>) -> Answer {
    result.map_or_else(Answer::Refused, |()| Answer::Done)
}
