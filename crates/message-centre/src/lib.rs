//! The 5G message centre, deciding: who is registered where, where a message goes, what is kept, what is reported.
//!
//! Nothing here opens a socket, reads a clock or touches the disk. [`Centre`] is given messages and the time
//! ([`Centre::receive`], [`Centre::tick`]) and gives back tasks; each [`Task`] names the rows it reads
//! ([`Centre::wants`]) and is decided over a loaded [`store::View`] ([`Centre::decide`]); what is to be sent
//! ([`Centre::poll_transmit`]) leaves after the batch has been committed.
//!
//! - [`access`]: what a peer may ask over SIP: REGISTER, MESSAGE, OPTIONS, INVITE. [`session`]: chats and large messages.
//! - [`group`]: the conference factory, focuses and members. [`events`]: subscriptions, to groups, registrations and presence.
//! - [`delivery`]: relaying to devices that are there, and draining mailboxes to those that come back.
//! - [`provisioning`]: configuration of handsets over HTTP.
//! - [`report`]: disposition reports. [`submit`]: the way in for the chatbot platform, with [`indication`] and [`notice`].
//!   [`dead_letters`]: what chatbots never took. [`admin`]: subscribers.
//! - [`history`]: what was said, kept for devices that come later.
//! - [`files`]: the index of the content server, and which files messages may name.

pub mod access;
pub mod admin;
pub mod blocks;
mod calls;
mod config;
pub mod dead_letters;
pub mod delivery;
pub mod events;
pub mod files;
pub mod group;
mod gruu;
pub mod history;
pub mod indication;
pub mod notice;
pub mod provisioning;
mod removal;
pub mod report;
pub mod revoke;
pub mod secret;
pub mod session;
mod spam;
pub mod submit;
mod window;
mod work;

use std::hash::{DefaultHasher, Hasher as _};
use std::time::Duration;

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::Address;
use rcs::imdn::Disposition;
use rustc_hash::{FxHashMap, FxHashSet};
use sip::digest::{NonceCounter, Verifier};
use sip::transaction::{ClientTxId, Event, Layer, ServerTxId};
use sip::{Flow, Message};
use store::{EntryIds, RecordKey, Wants};

pub use config::{Config, Media, RecordRoute, Registration, Sessions};
pub use removal::wake;
pub use work::{Heard, Stats, Task, Work};

use access::guesses::Guesses;
use delivery::agent::{Agent, DeviceKey};
use delivery::relay::{Holds, Lane, Relay, RelayId};
use delivery::{Answer, Answered, Attempt, AttemptId};
use secret::Random;
use window::Windows;

/// Most nonces whose counts are remembered.
const NONCES_MAX: usize = 200_000;

/// What only this deployment knows, and what only this process does.
#[derive(Clone)]
pub struct Secrets {
    /// Signs nonces and temporary GRUUs; the same over restarts.
    pub deployment: [u8; 32],
    /// Random, and different at every start.
    pub process: [u8; 32],
}

/// How much is remembered of things that end by themselves: nothing of it is left when all is quiet.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Delivery agents.
    pub agents: usize,
    /// Messages under way to devices.
    pub attempts: usize,
    /// Messages that are relayed, and their queues.
    pub relays: usize,
    /// Reports under way.
    pub reports: usize,
    /// Legs of sessions, and what is under way in them.
    pub sessions: usize,
    /// Requests of groups.
    pub groups: usize,
    /// NOTIFYs under way.
    pub notifies: usize,
}

/// The message centre's hot state. Everything in it can be lost: the store has what was promised.
pub struct Centre {
    config: Config,
    layer: Layer,
    verifier: Verifier,
    nonces: NonceCounter,
    /// Wrong passwords of late.
    guesses: Guesses,
    gruu_key: [u8; 32],
    /// What session ids are made with.
    session_key: [u8; 32],
    ids: EntryIds,
    /// What ids and tags are drawn with, and how many were.
    drawer: DefaultHasher,
    drawn: u64,
    /// Open connections over which somebody has registered, and who.
    flows: FxHashMap<Flow, Vec<(Address, Timestamp)>>,
    agents: FxHashMap<DeviceKey, Agent>,
    /// When it was last looked for agents to forget.
    agents_looked_at: Timestamp,
    attempts: FxHashMap<AttemptId, Attempt>,
    sessions: session::Sessions,
    relays: FxHashMap<RelayId, Relay>,
    relaying: FxHashMap<RecordKey, RelayId>,
    lanes: FxHashMap<Lane, std::collections::VecDeque<RelayId>>,
    holds: Holds,
    last_relay: u64,
    /// Reports under way, so that a second device's report of the same is not passed on too.
    reporting: FxHashSet<(RecordKey, Disposition)>,
    calls: calls::Calls,
    groups: group::Hot,
    events: events::Hot,
    /// Whose conversation history is kept.
    remembering: FxHashSet<Address>,
    /// Subscriptions to presence that each subscriber began lately.
    watch_counts: Windows<Address>,
    /// What secrets are drawn from.
    secrets: Random,
    /// Handsets that are about to prove whose they are.
    proving: provisioning::Sessions,
    /// Spam reports of each subscriber lately.
    spam_counts: Windows<Address>,
    /// What tells the settings that handsets are told from earlier ones.
    settings_sha256: [u8; 32],
}

impl Centre {
    /// A centre that knows nobody. `started` is the time of the start: nonces used before it are not believed to be fresh.
    pub fn new(config: Config, secrets: &Secrets, started: Timestamp) -> Self {
        let mut random = Random::new("hongyan message centre 1", secrets);
        let mut drawer = DefaultHasher::new();
        drawer.write(&random.id());
        Self {
            layer: Layer::new(config.transactions.clone()),
            verifier: Verifier::new(config.domain(), secrets.deployment, config.nonce_life),
            nonces: NonceCounter::new(NONCES_MAX, transaction_time(started)),
            guesses: Guesses::new(config.wrong_passwords_max),
            gruu_key: secrets.deployment,
            session_key: secrets.process,
            ids: EntryIds::new(u128::from_be_bytes(random.id()) as u64),
            drawer,
            drawn: 0,
            secrets: random,
            proving: provisioning::Sessions::new(secrets),
            spam_counts: Windows::new(Duration::from_secs(3600), 100_000),
            settings_sha256: provisioning::fingerprint(&config.provisioning.settings),
            config,
            flows: FxHashMap::default(),
            agents: FxHashMap::default(),
            agents_looked_at: started,
            attempts: FxHashMap::default(),
            sessions: session::Sessions::default(),
            relays: FxHashMap::default(),
            relaying: FxHashMap::default(),
            lanes: FxHashMap::default(),
            holds: Holds::default(),
            last_relay: 0,
            reporting: FxHashSet::default(),
            calls: calls::Calls::default(),
            groups: group::Hot::default(),
            events: events::Hot::default(),
            remembering: FxHashSet::default(),
            watch_counts: Windows::new(Duration::from_secs(3600), 100_000),
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What is remembered now.
    pub fn held(&self) -> Held {
        Held {
            agents: self.agents.len(),
            attempts: self.attempts.len(),
            relays: self.relays.len() + self.relaying.len() + self.lanes.len(),
            reports: self.reporting.len(),
            sessions: self.sessions.len(),
            groups: self.groups.len(),
            notifies: self.events.len(),
        }
    }

    /// Takes a message from the network.
    pub fn receive(&mut self, now: Timestamp, flow: Flow, message: Message, tasks: &mut Vec<Task>) {
        if let Some(event) = self.layer.receive(transaction_time(now), flow, message) {
            self.take(now, event, tasks);
        }
    }

    /// Takes note that a connection is no more.
    pub fn flow_closed(&mut self, now: Timestamp, flow: Flow, tasks: &mut Vec<Task>) {
        self.flows.remove(&flow);
        self.layer.flow_closed(transaction_time(now), flow);
        self.take_events(now, tasks);
    }

    /// Lets time pass: retransmissions, timeouts, senders who have waited long enough.
    pub fn tick(&mut self, now: Timestamp, tasks: &mut Vec<Task>) {
        self.layer.handle_timeout(transaction_time(now));
        for (tx, response) in
            self.calls.handle_timeout(transaction_time(now), &self.config.transactions.timing)
        {
            self.respond(now, tx, response);
        }
        self.stop_ringing(now);
        self.take_events(now, tasks);
        self.sessions_tick(now);
        tasks.extend(self.sessions.take_settled());
        self.holds_over(now, tasks);
        tasks.extend(self.events.take_due(now).into_iter().map(events::wake));
        self.forget_stale_agents(now);
    }

    /// When to call [`Centre::tick`] at the latest.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let timers = [self.layer.poll_timeout(), self.calls.poll_timeout()];
        let timer =
            timers.into_iter().flatten().min().map(|at| Timestamp::from_millis(at.as_millis() as u64 + 1));
        let hold = self.holds.front().map(|(at, _)| *at);
        let moments = [self.sessions.wake_at(), self.events.wake_at(), self.groups.wake_at()];
        timer.into_iter().chain(hold).chain(moments.into_iter().flatten()).min()
    }

    /// The next bytes for the network; ask after the commit.
    pub fn poll_transmit(&mut self) -> Option<(Flow, Bytes)> {
        self.layer.poll_transmit()
    }

    /// What the MSRP edge is to do next; ask after the commit, and before [`Centre::poll_transmit`]: a peer may use a session as
    /// soon as it hears of it.
    pub fn poll_media(&mut self) -> Option<session::media::Command> {
        self.sessions.poll_command()
    }

    /// The rows that deciding `task` reads.
    pub fn wants(&self, task: &Task, wants: &mut Wants) {
        match task {
            Task::Register(register) => register.wants(wants),
            Task::Message(claim) => claim.message_wants(self.config.trust_udp_source, wants),
            Task::Posted(posted) => posted.wants(wants),
            Task::OneToMany(claim) => claim.one_to_many_wants(self, wants),
            Task::Options(claim) => claim.options_wants(self.config.trust_udp_source, wants),
            Task::Invite(claim) => claim.invite_wants(self.config.trust_udp_source, wants),
            Task::Within(claim) => claim.within_wants(self.config.trust_udp_source, wants),
            Task::Redial(redial) => redial.wants(wants),
            Task::Discard(_) => {}
            Task::Answered(answered) => answered.wants(self, wants),
            Task::HoldOver(id) | Task::StartRelay(id) => self.relay_wants(*id, wants),
            Task::Drain(device) => self.agent_wants(device, wants),
            Task::Wake(address) => {
                wants.account(address);
                wants.bindings(address);
            }
            Task::Clear(address) => self.clear_wants(address, wants),
            Task::ClearFiles(address, first) => self.clear_files_wants(address, *first, wants),
            Task::Due(key) => self.due_wants(key, wants),
            Task::Lost(lost) => lost.wants(wants),
            Task::Forget(keys) => keys.iter().for_each(|key| wants.record(key.clone())),
            Task::Revoke(revocation) => revocation.wants(wants),
            Task::RevokeInGroup(revocation) => revocation.wants(wants),
            Task::ForgetSpam(_) => {}
            Task::ForgetDeadLetters(keys) => keys.iter().for_each(|key| wants.dead_letter(key)),
            Task::Notice(notice) => Self::notice_wants(&notice.0, wants),
            Task::ExpireFiles(files) => files.iter().for_each(|file| wants.file(file)),
            Task::Group(claim) => claim.group_wants(self.config.trust_udp_source, wants),
            Task::FanOut(fan_out) => fan_out.wants(wants),
            Task::FanIn(fan_in) => fan_in.wants(wants),
            Task::Leave(leave) => leave.wants(wants),
            Task::Telling(telling) => telling.wants(wants),
            Task::IconMade(made) => made.wants(wants),
            Task::Managed(managed) => managed.wants(wants),
            Task::Parting(parting) => parting.wants(wants),
            Task::Invitations(invitations) => invitations.wants(wants),
            Task::Summon(summon) => summon.wants(wants),
            Task::FocusSession(asked) => asked.wants(wants),
            Task::FocusAnswered(answered) => answered.wants(self, wants),
            Task::Watching(claim) => claim.watching_wants(self.config.trust_udp_source, wants),
            Task::Watched(resource, _) => wants.watchers(resource),
            Task::News(news) => news.wants(wants),
            Task::NotifyAnswered(answered) => answered.wants(self, wants),
            Task::Happened(happened) => happened.wants(wants),
            Task::TrimHistory(owner, _) => self.trim_history_wants(owner, wants),
        }
    }

    /// The rows that an administrative call reads.
    pub fn admin_wants(&self, call: &admin::Call, wants: &mut Wants) {
        call.wants(wants);
    }

    /// The rows that a change of the index of files reads.
    pub fn file_wants(&self, call: &files::Call, wants: &mut Wants) {
        call.wants(wants);
    }

    /// Decides a task whose rows are in `work.view`.
    pub fn decide(&mut self, task: Task, work: &mut Work<'_>) {
        match task {
            Task::Register(register) => self.decide_register(*register, work),
            Task::Message(claim) => self.decide_message(*claim, work),
            Task::Posted(posted) => self.decide_posted(*posted, work),
            Task::OneToMany(claim) => self.decide_one_to_many(*claim, work),
            Task::Options(claim) => self.decide_options(*claim, work),
            Task::Invite(claim) => self.decide_call(*claim, work),
            Task::Within(claim) => self.decide_within(*claim, work),
            Task::Redial(redial) => self.decide_redial(*redial, work),
            Task::Discard(name) => work.discarded.push(name),
            Task::Answered(answered) => self.decide_answered(answered, work),
            Task::HoldOver(id) => self.hold_over(id, work),
            Task::StartRelay(id) => self.start_relay(id, work),
            Task::Drain(device) => self.decide_news(&device, work),
            Task::Wake(address) => self.decide_wake(&address, work),
            Task::Clear(address) => self.decide_clear(&address, work),
            Task::ClearFiles(address, first) => self.decide_clear_files(&address, first, work),
            Task::Due(key) => self.decide_due(&key, work),
            Task::Lost(lost) => self.decide_lost(*lost, work),
            Task::Forget(keys) => keys.iter().for_each(|key| forget(key, work)),
            Task::Revoke(revocation) => self.decide_revoke(*revocation, work),
            Task::RevokeInGroup(revocation) => self.decide_group_revocation(*revocation, work),
            Task::Notice(notice) => self.decide_notice(&notice.0, &notice.1, work),
            Task::ForgetSpam(ids) => ids.into_iter().for_each(|id| work.view.remove_spam_report(id)),
            Task::ForgetDeadLetters(keys) => self.forget_dead_letters(&keys, work),
            Task::ExpireFiles(files) => self.expire_files(&files, work),
            Task::Group(claim) => self.decide_group(*claim, work),
            Task::FanOut(fan_out) => self.decide_fan_out(*fan_out, work),
            Task::FanIn(fan_in) => self.decide_fan_in(*fan_in, work),
            Task::Leave(leave) => self.decide_leave(*leave, work),
            Task::Telling(telling) => self.decide_telling(*telling, work),
            Task::IconMade(made) => self.decide_icon_made(*made, work),
            Task::Managed(managed) => self.decide_managed(*managed, work),
            Task::Parting(parting) => self.decide_parting(*parting, work),
            Task::Invitations(invitations) => self.decide_invitations(*invitations, work),
            Task::Summon(summon) => self.decide_summon(*summon, work),
            Task::FocusSession(asked) => self.decide_focus_session(*asked, work),
            Task::FocusAnswered(answered) => self.decide_focus_answered(*answered, work),
            Task::Watching(claim) => self.decide_watching(*claim, work),
            Task::Watched(resource, cause) => self.decide_watched(resource, cause, work),
            Task::News(news) => self.tell_watchers(*news, work),
            Task::NotifyAnswered(answered) => self.decide_notify_answered(answered, work),
            Task::Happened(happened) => self.decide_happened(*happened, work),
            Task::TrimHistory(owner, is_too_much) => self.decide_trim_history(owner, is_too_much, work),
        }
        work.next.extend(self.sessions.take_settled());
    }

    fn take_events(&mut self, now: Timestamp, tasks: &mut Vec<Task>) {
        while let Some(event) = self.layer.poll_event() {
            self.take(now, event, tasks);
        }
    }

    fn take(&mut self, now: Timestamp, event: Event, tasks: &mut Vec<Task>) {
        match event {
            Event::Request { tx, flow, request } => self.read(now, tx, flow, request, tasks),
            Event::Response { tx, response } if self.is_invite(tx) => {
                self.invite_answered(tx, &response, now);
            }
            Event::Response { tx, response } if response.is_final() => {
                if let Some((flow, ack)) = self.calls.ack_again(tx) {
                    return self.acknowledge_again(now, flow, ack, &response);
                }
                self.attempt_over(tx, Answer::of(response.status()), Some(response), tasks);
            }
            // Of anything but an INVITE, provisional answers say nothing.
            Event::Response { .. } => {}
            Event::TimedOut { tx } | Event::TransportFailed { tx } => {
                self.invite_failed(tx, now);
                self.attempt_over(tx, Answer::NotNow(None), None, tasks);
            }
            Event::Ack { request, .. } => {
                if self.calls.acknowledged(&request).is_none() {
                    self.acknowledged_by(&request);
                }
            }
            Event::Cancel { tx } => self.cancelled(tx, now),
            // Whoever does not acknowledge a refusal has heard it or gone.
            Event::NoAck { .. } => {}
        }
        tasks.extend(self.sessions.take_settled());
    }

    /// A request of ours is over: a message to a device, something of a group, or a NOTIFY.
    fn attempt_over(
        &mut self,
        tx: ClientTxId,
        answer: Answer,
        response: Option<sip::Response>,
        tasks: &mut Vec<Task>,
    ) {
        let attempt = AttemptId::Request(tx);
        if self.attempts.contains_key(&attempt) {
            tasks.push(Task::Answered(Answered { attempt, answer }));
        } else if self.groups.has_asked(tx) {
            tasks.push(Task::FocusAnswered(Box::new(group::invitation::FocusAnswered { tx, response })));
        } else if self.events.has_asked(tx) {
            let status = response.map_or(408, |response| response.status());
            tasks.push(Task::NotifyAnswered(events::NotifyAnswered { tx, status }));
        }
    }

    /// Sends a response, unless its transaction has ended in the meantime.
    fn respond(&mut self, now: Timestamp, tx: ServerTxId, response: Bytes) {
        if self.layer.respond(transaction_time(now), tx, response).is_err() {
            tracing::debug!("the request to answer is gone");
        }
    }

    /// Sixty-four bits that nobody foresees, whatever they were told before (RFC 3261 §19.3 asks it of tags): SipHash of a counter
    /// under a secret. For secrets that are kept there is [`Random`].
    fn random(&mut self) -> u64 {
        self.drawn += 1;
        self.keyed(&self.drawn.to_le_bytes())
    }

    /// What stands for some bytes, always the same, and says nothing about them.
    fn keyed(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.drawer.clone();
        hasher.write(bytes);
        hasher.finish()
    }

    fn random_16(&mut self) -> [u8; 16] {
        let (high, low) = (self.random(), self.random());
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }

    /// A tag or Call-ID: sixteen hexadecimal digits.
    fn tag(&mut self) -> String {
        let random = self.random();
        let digits: [u8; 16] =
            std::array::from_fn(|at| b"0123456789abcdef"[(random >> (60 - 4 * at)) as usize & 15]);
        std::str::from_utf8(&digits).expect("hex digits are ASCII").to_owned()
    }
}

/// A record that has not changed its mind about being forgotten goes.
fn forget(key: &RecordKey, work: &mut Work<'_>) {
    if work.view.record(key).is_some_and(|record| record.keep_until <= work.now) {
        work.view.remove_record(key);
        if key.2.kind() == rcs::address::AddressKind::Group {
            work.view.remove_author(&key.2, &key.0);
        }
    }
}

/// The time as transactions count it.
pub(crate) fn transaction_time(now: Timestamp) -> Duration {
    now.since(Timestamp::EPOCH)
}

#[cfg(test)]
mod tests {
    use rcs::address::Numbering;

    use super::*;

    fn centre(process: [u8; 32]) -> Centre {
        let transactions = sip::transaction::Config::new("hongyan.local", [1; 16]);
        let config = Config::new(Numbering::new("CN", "hongyan.local"), transactions);
        Centre::new(config, &Secrets { deployment: [2; 32], process }, Timestamp::EPOCH)
    }

    #[test]
    fn who_was_given_one_tag_cannot_tell_the_next() {
        let mut centre = centre([3; 32]);
        let (one, next) = (centre.random(), centre.random());
        // What a generator of the xorshift64* kind would have drawn after the first: its last step is undone by the inverse of its
        // factor, and the steps to the next are known.
        const FACTOR: u64 = 0x2545_f491_4f6c_dd1d;
        let inverse = (0..6)
            .fold(1u64, |inverse, _| inverse.wrapping_mul(2u64.wrapping_sub(FACTOR.wrapping_mul(inverse))));
        let mut state = one.wrapping_mul(inverse);
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        assert_ne!(next, state.wrapping_mul(FACTOR));
    }

    #[test]
    fn no_two_starts_draw_the_same() {
        let mut last_byte = [3; 32];
        last_byte[31] = 4;
        let (mut one, mut other) = (centre([3; 32]), centre(last_byte));
        let drawn = [one.tag(), one.tag(), other.tag(), other.tag()];
        assert_eq!(drawn.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{drawn:?}");
    }
}
