//! From acceptance to the addressee: at once when the devices are there ([`relay`]), otherwise by way of the mailbox
//! ([`agent`]). This file keeps messages, and settles what became of them.

pub mod agent;
pub(crate) mod choice;
pub(crate) mod flows;
pub(crate) mod outgoing;
pub mod relay;

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::bot::BOT_SUGGESTION_RESPONSE;
use rcs::imdn::Disposition;
use sip::transaction::{ClientTxId, ServerTxId};
use sip::{Flow, Request};
use store::{Binding, Entry, EntryKey, EntryKind, Outcome, Record, RecordKey, Wants};

use crate::access::Refusal;
use crate::session::media;
use crate::work::{Heard, Task};
use crate::{Centre, Work, report};
use agent::{Agent, DeviceKey};
use relay::RelayId;

/// Bodies that the chatbot platform looks at, envelope included: a word or two, or a tap.
const HEARD_BYTES_MAX: usize = 4096;

/// An entry on its way, and what to note when it has been taken care of.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) entry: Entry,
    /// The only device to deliver to, for a message to a GRUU.
    pub(crate) only: Option<String>,
    pub(crate) about: About,
}

/// What an entry means to the records.
#[derive(Debug)]
pub(crate) enum About {
    /// It is a message and gets a record of its own; with the media type of its content.
    Message { payload_type: String, report_request: Vec<String> },
    /// It tells a chatbot what no report tells.
    Status,
    /// It shows a subscriber's other devices what one of them said in a group.
    Copy,
    /// It reports on the message with this record.
    Report { original: RecordKey, disposition: Disposition },
}

impl Delivery {
    pub(crate) fn message(entry: Entry, payload_type: String, only: Option<String>) -> Self {
        Self { entry, only, about: About::Message { payload_type, report_request: Vec::new() } }
    }

    pub(crate) fn status(entry: Entry) -> Self {
        Self { entry, only: None, about: About::Status }
    }

    pub(crate) fn copy(entry: Entry) -> Self {
        Self { entry, only: None, about: About::Copy }
    }

    pub(crate) fn report(entry: Entry, original: RecordKey, disposition: Disposition) -> Self {
        Self { entry, only: None, about: About::Report { original, disposition } }
    }
}

/// A sender who waits for an answer.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "the large variant is the common one")]
pub(crate) enum Asker {
    /// To a MESSAGE.
    Request { tx: ServerTxId, flow: Flow, request: Request },
    /// To the last chunk of a message in a session, of this device; its name is empty when it is not registered.
    Chunk { token: media::Token, device: String },
    /// The sender is answered for something else in the same commit, so this must be kept by then.
    Nobody,
}

/// Names an attempt at a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AttemptId {
    /// A MESSAGE.
    Request(ClientTxId),
    /// A message in a session.
    Send(u64),
}

/// What an attempt at a device was made for.
#[derive(Debug, Clone)]
pub(crate) enum For {
    /// A message that is not stored yet.
    Relay(RelayId),
    /// A stored entry, with its record if it is a message.
    Entry(EntryKey, Option<RecordKey>),
}

/// A request under way to a device.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) device: DeviceKey,
    pub(crate) flow: Flow,
    /// The device's flows that were tried before this one.
    pub(crate) tried: Vec<Flow>,
    pub(crate) made_for: For,
}

/// How an attempt ended.
#[derive(Debug)]
pub struct Answered {
    pub(crate) attempt: AttemptId,
    pub(crate) answer: Answer,
}

/// What a device's answer means for what was sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has it.
    Taken,
    /// It will not have it, now or later.
    Refused(u16),
    /// Not now; the status, or `None` when nothing came back.
    NotNow(Option<u16>),
    /// The session that it was to go in ended first. Whether the device has it is not known, and its flow may be as good as
    /// before.
    CutOff,
}

impl Answer {
    /// Reads a final status: whether trying again can help. A 404 comes from whoever has a device's old address by now, so
    /// it says nothing about the message.
    pub(crate) fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Taken,
            400
            | 403
            | 405..=407
            | 410
            | 413..=416
            | 420
            | 421
            | 484
            | 485
            | 488
            | 493
            | 501
            | 505
            | 513
            | 600
            | 603
            | 604
            | 606 => Self::Refused(status),
            status => Self::NotNow(Some(status)),
        }
    }
}

impl Answered {
    pub(crate) fn wants(&self, centre: &Centre, wants: &mut Wants) {
        let Some(attempt) = centre.attempts.get(&self.attempt) else { return };
        if let For::Relay(id) = &attempt.made_for
            && centre.relays.contains_key(id)
        {
            return centre.relay_wants(*id, wants);
        }
        wants.head(&attempt.device.0);
        wants.bindings(&attempt.device.0);
        if let For::Entry(key, record) = &attempt.made_for {
            wants.entry(key);
            if let Some(record) = record {
                wants.record(record.clone());
            }
            centre.agent_wants(&attempt.device, wants);
        }
    }
}

impl Centre {
    /// The subscriber's bindings that can be reached now: by UDP always, otherwise while the connection is open.
    pub(crate) fn is_reachable(&self, binding: &Binding) -> bool {
        !binding.flow.transport.is_reliable() || self.flows.contains_key(&binding.flow)
    }

    /// Brings something to its addressee: relays it when every reachable device has all that came before, keeps it
    /// otherwise. The asker is answered now or when that is decided.
    pub(crate) fn deliver(
        &mut self,
        mut delivery: Delivery,
        asker: Option<Asker>,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let to = delivery.entry.to.clone();
        if to.kind() == AddressKind::Chatbot || matches!(asker, Some(Asker::Nobody)) {
            self.keep(delivery, work)?;
            self.answer_all(asker, 202, work);
            return Ok(());
        }
        let key =
            matches!(delivery.about, About::Message { .. }).then(|| report::record_key(&delivery.entry));
        if key.as_ref().is_some_and(|key| self.relaying.contains_key(key)) {
            self.relay(delivery, key, asker, work);
            return Ok(());
        }
        let (bound, reachable) = self.devices(&to, delivery.only.as_deref(), work);
        if delivery.only.is_some() && reachable.is_empty() {
            return Err(Refusal::Unavailable);
        }
        let bound = self.fitting(&delivery.entry, bound, work);
        let reachable = self.fitting(&delivery.entry, reachable, work);
        let is_empty = work.view.head(&to).count == 0;
        let caught_up = |device: &String| is_empty || self.is_caught_up(&(to.clone(), device.clone()));
        if delivery.only.is_some() || (!reachable.is_empty() && reachable.iter().all(caught_up)) {
            delivery.entry.waiting = bound;
            self.relay(delivery, key, asker, work);
            return Ok(());
        }
        self.keep(delivery, work)?;
        self.answer_all(asker, 202, work);
        Ok(())
    }

    /// The names of a subscriber's bound devices, and of those among them that can be reached.
    pub(crate) fn devices(
        &self,
        address: &Address,
        only: Option<&str>,
        work: &Work<'_>,
    ) -> (Vec<String>, Vec<String>) {
        let mut bound = Vec::new();
        let mut reachable = Vec::new();
        let bindings = work.view.bindings(address);
        for binding in bindings.into_iter().flat_map(|bindings| bindings.live(work.now)) {
            let device = binding.device();
            if only.is_some_and(|only| only != device) {
                continue;
            }
            // One of a device's flows is enough.
            if self.is_reachable(binding) && !reachable.iter().any(|known| known == device) {
                reachable.push(device.to_owned());
            }
            if !bound.iter().any(|known| known == device) {
                bound.push(device.to_owned());
            }
        }
        (bound, reachable)
    }

    /// Whether an entry fits into its mailbox.
    pub(crate) fn has_room_for(&self, entry: &Entry, work: &Work<'_>) -> bool {
        let head = work.view.head(&entry.to);
        let body_bytes = head.body_bytes + entry.body_bytes();
        head.count < self.config.mailbox_entries_max && body_bytes <= self.config.mailbox_bytes_max
    }

    /// Puts an entry into its mailbox, and what it means into the records. Whoever drains the mailbox is told.
    pub(crate) fn keep(&mut self, delivery: Delivery, work: &mut Work<'_>) -> Result<(), Refusal> {
        let Delivery { mut entry, about, .. } = delivery;
        if !report::is_asked_for(&entry, &about, work) {
            self.note(&entry, about, Outcome::Waiting, work);
            return Ok(());
        }
        if !self.has_room_for(&entry, work) {
            if let About::Report { original, disposition } = about {
                // It may be reported again when there is room.
                self.reporting.remove(&(original, disposition));
            }
            return Err(Refusal::MailboxFull);
        }
        if entry.to.kind() == AddressKind::Chatbot {
            // Its agent knows when to try again; the entry itself is due when it expires.
            work.woken.push(entry.to.clone());
            work.heard.extend(heard(&entry, &about));
        } else if entry.kind == EntryKind::Deferred {
            // It becomes a message when it is due.
        } else {
            let (bound, reachable) = self.devices(&entry.to, None, work);
            for device in self.fitting(&entry, bound, work) {
                if !entry.is_settled_for(&device) && !entry.waiting.contains(&device) {
                    entry.waiting.push(device);
                }
            }
            if !reachable.is_empty() {
                entry.next_due = entry.expires_at.min(work.now.plus(self.config.backoff(1)));
            }
            let is_first = work.view.head(&entry.to).count == 0;
            for device in reachable {
                let key = (entry.to.clone(), device);
                let agent = self.agents.entry(key.clone());
                let agent =
                    agent.or_insert_with(|| if is_first { Agent::from(entry.id) } else { Agent::default() });
                agent.more(entry.id);
                work.next.push(Task::Drain(key));
            }
        }
        let outcome = if entry.taken.is_empty() { Outcome::Waiting } else { Outcome::Delivered };
        work.stats.stored += 1;
        self.note(&entry, about, outcome, work);
        work.view.put_entry(entry);
        Ok(())
    }

    /// Writes what an accepted entry means into the records.
    pub(crate) fn note(&mut self, entry: &Entry, about: About, outcome: Outcome, work: &mut Work<'_>) {
        match about {
            About::Message { payload_type, report_request } => {
                work.stats.accepted += 1;
                work.stats.delivered += u64::from(outcome == Outcome::Delivered);
                self.remember(entry, &outcome, work);
                let record = self.record(entry, payload_type, report_request, outcome, work);
                work.view.put_record(record);
            }
            About::Status => work.stats.reports += 1,
            About::Copy => {}
            About::Report { original, disposition } => {
                work.stats.reports += 1;
                self.reporting.remove(&(original.clone(), disposition));
                report::mark(&original, disposition, work);
                self.note_in_history(&entry.to, &original, disposition, work);
            }
        }
    }

    pub(crate) fn record(
        &self,
        entry: &Entry,
        content_type: String,
        report_request: Vec<String>,
        outcome: Outcome,
        work: &Work<'_>,
    ) -> Record {
        let is_flagged = self.config.files.is_flagged(&content_type, entry);
        let mut record = Record {
            message_id: entry.message_id.clone(),
            from: entry.from.clone(),
            to: entry.to.clone(),
            conversation_id: entry.conversation_id.clone(),
            contribution_id: entry.contribution_id.clone(),
            content_type,
            body_bytes: u32::try_from(entry.body_bytes()).unwrap_or(u32::MAX),
            accepted_at: entry.accepted_at,
            outcome,
            delivered_at: None,
            displayed_at: None,
            wanted: entry.wanted,
            report_request,
            steps: Vec::with_capacity(2),
            keep_until: entry.expires_at.plus(self.config.dedup_window),
        };
        record.step(entry.accepted_at, "accepted");
        if is_flagged {
            record.step(entry.accepted_at, "warning: its file lies on a server that is not known here");
        }
        for device in &entry.taken {
            record.step(work.now, format!("taken by {device}"));
        }
        if record.outcome == Outcome::Waiting {
            record.step(work.now, "put into the mailbox");
        } else {
            // Nothing can happen to it any more but reports: a delivered message need not be remembered as long as it might have waited.
            record.keep_until = work.now.plus(self.config.dedup_window);
        }
        record
    }

    /// Answers senders who wait.
    pub(crate) fn answer_all(
        &mut self,
        askers: impl IntoIterator<Item = Asker>,
        status: u16,
        work: &Work<'_>,
    ) {
        askers.into_iter().for_each(|asker| self.answer_asker(&asker, status, work));
    }

    /// Answers a sender who waits: with a success, 200 or 202.
    pub(crate) fn answer_asker(&mut self, asker: &Asker, status: u16, work: &Work<'_>) {
        match asker {
            Asker::Request { tx, flow, request } => self.answer(*tx, request, *flow, status, work.now),
            Asker::Chunk { token, .. } => self.sessions.answer(*token, 200),
            Asker::Nobody => {}
        }
    }

    /// Refuses a sender who waits.
    pub(crate) fn refuse_asker(&mut self, asker: &Asker, refusal: &Refusal, now: Timestamp) {
        match asker {
            Asker::Request { tx, flow, request } => self.refuse(*tx, request, *flow, refusal, now),
            Asker::Chunk { token, .. } => {
                tracing::debug!(why = %refusal, "refused in a session");
                self.sessions.answer(*token, media::status_of(refusal));
            }
            Asker::Nobody => tracing::debug!(why = %refusal, "refused"),
        }
    }

    pub(crate) fn decide_answered(&mut self, answered: Answered, work: &mut Work<'_>) {
        let Answered { attempt: id, answer } = answered;
        // Looked up only now: a relay decided a moment ago may have handed the attempt over to its stored entry.
        let Some(attempt) = self.attempts.remove(&id) else { return };
        tracing::debug!(device = %attempt.device.1, ?answer, "a device answered");
        if self.try_next_flow(id, &attempt, answer, work) {
            return;
        }
        if let Answer::NotNow(_) | Answer::CutOff = answer {
            self.device_failed(&attempt, work);
        }
        match &attempt.made_for {
            For::Relay(relay) => self.relay_answered(*relay, id, &attempt.device, answer, work),
            For::Entry(key, record) => {
                self.entry_answered(key, record.as_ref(), &attempt.device.1, answer, work);
                self.agent_answered(&attempt.device, id, work);
            }
        }
    }

    /// Leaves a device alone for a while. If the request went over a connection that has closed since, that says nothing
    /// about the device: it may have opened another by now.
    fn device_failed(&mut self, attempt: &Attempt, work: &mut Work<'_>) {
        let bindings = work.view.bindings(&attempt.device.0);
        let live = bindings.into_iter().flat_map(|bindings| bindings.live(work.now));
        let flows: Vec<Flow> = live
            .filter(|binding| binding.device() == attempt.device.1 && self.is_reachable(binding))
            .map(|binding| binding.flow)
            .collect();
        if flows.is_empty() {
            // It registers when it is back.
            self.agents.remove(&attempt.device);
            return;
        }
        let agent = self.agents.entry(attempt.device.clone()).or_default();
        agent.restart();
        if flows.contains(&attempt.flow) {
            agent.pause();
        } else {
            work.next.push(Task::Drain(attempt.device.clone()));
        }
    }

    /// Notes on a stored entry what a device said to it.
    fn entry_answered(
        &mut self,
        key: &EntryKey,
        record: Option<&RecordKey>,
        device: &str,
        answer: Answer,
        work: &mut Work<'_>,
    ) {
        let Some(mut entry) = work.view.entry(key).cloned() else {
            return;
        };
        let now = work.now;
        let mut step = |what: String, outcome: Option<Outcome>| {
            let Some(record) = record else { return };
            work.view.update_record(record, |record| {
                record.step(now, what);
                if let (Outcome::Waiting, Some(outcome)) = (&record.outcome, outcome) {
                    record.outcome = outcome;
                }
            });
        };
        match answer {
            Answer::Taken => {
                step(format!("taken by {device}"), Some(Outcome::Delivered));
                work.stats.delivered += u64::from(record.is_some() && entry.taken.is_empty());
                entry.waiting.retain(|waiting| waiting != device);
                entry.taken.push(device.to_owned());
            }
            Answer::Refused(status) => {
                step(format!("{device} refused it with {status}"), None);
                entry.waiting.retain(|waiting| waiting != device);
                entry.refused.push(device.to_owned());
            }
            Answer::NotNow(_) | Answer::CutOff => {
                let why = match answer {
                    Answer::NotNow(Some(status)) => format!("answered {status}"),
                    Answer::CutOff => "ended the session first".to_owned(),
                    _ => "did not answer".to_owned(),
                };
                step(format!("{device} {why}"), None);
                entry.attempts += 1;
                entry.next_due = entry.expires_at.min(now.plus(self.config.backoff(entry.attempts)));
            }
        }
        if entry.is_done() {
            work.view.remove_entry(key);
        } else if entry.waiting.is_empty() && !entry.refused.is_empty() {
            // Every device that was there has said no for good.
            work.view.remove_entry(key);
            work.stats.refused += 1;
            self.lost(&entry, Outcome::Refused("the devices refused it".to_owned()), work);
        } else {
            work.view.put_entry(entry);
        }
    }

    /// After a start: devices that can be reached without registering anew get what waits for them.
    pub(crate) fn decide_wake(&mut self, address: &Address, work: &mut Work<'_>) {
        if work.view.account(address).is_none() {
            // The process ended before the mailbox of a removed subscriber was cleared.
            return work.next.push(Task::Clear(address.clone()));
        }
        let (_, reachable) = self.devices(address, None, work);
        for device in reachable {
            let key = (address.clone(), device);
            self.agents.entry(key.clone()).or_default();
            work.next.push(Task::Drain(key));
        }
    }

    /// Rows that [`Centre::decide_due`] reads for an entry, as far as its key tells.
    pub(crate) fn due_wants(&self, key: &EntryKey, wants: &mut Wants) {
        wants.entry(key);
        if key.0.kind() != AddressKind::Chatbot {
            wants.bindings(&key.0);
        } else {
            wants.chatbot(&key.0);
            self.give_up_wants(key, wants);
        }
    }

    /// An entry's time has come: to expire, or to be tried again.
    pub(crate) fn decide_due(&mut self, key: &EntryKey, work: &mut Work<'_>) {
        let Some(mut entry) = work.view.entry(key).cloned() else {
            return;
        };
        let is_for_chatbot = key.0.kind() == AddressKind::Chatbot;
        if entry.expires_at <= work.now && is_for_chatbot {
            return self.give_up_for_chatbot(key, Outcome::Expired, work);
        }
        if entry.expires_at <= work.now {
            work.view.remove_entry(key);
            work.stats.expired += 1;
            let may_arrive = self.is_under_way(key);
            return lost(&entry, Outcome::Expired, may_arrive, work);
        }
        if entry.kind == EntryKind::Deferred {
            entry.kind = EntryKind::Message;
            let (waiting, _) = self.devices(&key.0, None, work);
            entry.waiting = self.fitting(&entry, waiting, work);
        }
        if is_for_chatbot {
            entry.next_due = entry.expires_at;
            work.view.put_entry(entry);
            return work.woken.push(key.0.clone());
        }
        let (bound, reachable) = self.devices(&key.0, None, work);
        entry.waiting.retain(|device| bound.contains(device));
        if entry.is_done() {
            // The devices that never fetched it are gone.
            return work.view.remove_entry(key);
        }
        entry.next_due = entry.expires_at;
        if reachable.iter().any(|device| !entry.is_settled_for(device)) {
            entry.attempts += 1;
            entry.next_due = entry.expires_at.min(work.now.plus(self.config.backoff(entry.attempts)));
        } else if !entry.waiting.is_empty() {
            // They register when they are back; this only notices when their bindings have lapsed.
            entry.next_due = entry.expires_at.min(work.now.plus(self.config.backoff(u32::MAX)));
        }
        for device in reachable.into_iter().filter(|device| !entry.is_settled_for(device)) {
            let key = (entry.to.clone(), device);
            self.agents.entry(key.clone()).or_default().restart();
            work.next.push(Task::Drain(key));
        }
        work.view.put_entry(entry);
    }

    /// An entry left its mailbox undelivered, and no device is being given it.
    pub(crate) fn lost(&mut self, entry: &Entry, outcome: Outcome, work: &mut Work<'_>) {
        lost(entry, outcome, false, work);
    }
}

/// An entry left its mailbox undelivered: its record ends, and its sender hears of it. That takes rows which only the
/// entry names, and so a task of its own, in the same commit.
fn lost(entry: &Entry, outcome: Outcome, may_arrive: bool, work: &mut Work<'_>) {
    if matches!(entry.kind, EntryKind::Message | EntryKind::Deferred) && entry.taken.is_empty() {
        let lost = report::Lost { record: report::record_key(entry), outcome, may_arrive };
        work.then.push(Task::Lost(Box::new(lost)));
    }
}

/// A user's message to a chatbot, if it is one that may be meant for the platform too.
fn heard(entry: &Entry, about: &About) -> Option<Heard> {
    let About::Message { payload_type, .. } = about else { return None };
    let is_wish = payload_type == "text/plain" || payload_type == BOT_SUGGESTION_RESPONSE;
    (is_wish && entry.body.len() <= HEARD_BYTES_MAX).then(|| Heard {
        chatbot: entry.to.clone(),
        user: entry.from.clone(),
        payload_type: payload_type.clone(),
        content_type: entry.content_type.clone(),
        body: entry.body.clone(),
    })
}
