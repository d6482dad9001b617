//! Relaying: while every reachable device of the addressee has all that came before, a message goes straight to them, and the
//! sender is answered when one has it. Nothing is promised to anybody before, so nothing needs to be on disk before; what is
//! written, once, is how it ended. If no device takes it in time, the message goes into the mailbox and the sender hears 202.
//!
//! Messages between the same two parties stay in order: each waits for the one before it.

use std::collections::VecDeque;

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use store::{Entry, Outcome, RecordKey, Wants};

use super::agent::DeviceKey;
use super::outgoing::Shape;
use super::{About, Answer, Asker, AttemptId, Delivery, For};
use crate::access::Refusal;
use crate::access::message::{Kind, Posted};
use crate::report;
use crate::work::Task;
use crate::{Centre, Work, transaction_time};

/// Most messages that wait behind one another; the rest go through the mailbox.
const LANE_MAX: usize = 64;
/// Most reports that wait for the message they are about: two for each of its devices.
const EARLY_MAX: usize = 20;

/// Names a relay of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RelayId(pub(crate) u64);

/// A message on its way to the devices, not stored.
#[derive(Debug)]
pub(crate) struct Relay {
    delivery: Delivery,
    /// Who waits for the answer: more than one when the sender repeated itself.
    askers: Vec<Asker>,
    pending: Vec<(AttemptId, DeviceKey)>,
    /// The last final answer that meant no.
    refused_with: Option<u16>,
    /// Reports of devices that report before they answer, as liblinphone does.
    early: Vec<Posted>,
}

impl Relay {
    /// What is on its way.
    pub(crate) fn entry(&self) -> &Entry {
        &self.delivery.entry
    }

    /// What waited for one request waits for another.
    pub(crate) fn moved(&mut self, attempt: AttemptId, next: AttemptId) {
        self.pending
            .iter_mut()
            .filter(|(pending, _)| *pending == attempt)
            .for_each(|(pending, _)| *pending = next);
    }
}

/// What keeps messages between two parties in order: addressee, sender.
pub(crate) type Lane = (Address, Address);

impl Centre {
    pub(crate) fn relay_wants(&self, id: RelayId, wants: &mut Wants) {
        let Some(relay) = self.relays.get(&id) else { return };
        let entry = &relay.delivery.entry;
        wants.head(&entry.to);
        wants.bindings(&entry.to);
        match &relay.delivery.about {
            About::Message { .. } | About::Status | About::Copy => {}
            About::Report { original, .. } => wants.record(original.clone()),
        }
    }

    /// Sends something to the addressee's reachable devices as soon as those before it are done. `record` is the key of the record
    /// that it is to get, if it is a message.
    pub(crate) fn relay(
        &mut self,
        delivery: Delivery,
        record: Option<RecordKey>,
        asker: Option<Asker>,
        work: &mut Work<'_>,
    ) {
        let same = record.as_ref().and_then(|key| self.relaying.get(key));
        if let Some(relay) = same.and_then(|id| self.relays.get_mut(id)) {
            // The same message again, under a new Call-ID: one answer serves both.
            relay.askers.extend(asker);
            work.stats.duplicates += 1;
            work.discard(delivery.entry.spooled);
            return;
        }
        self.last_relay += 1;
        let id = RelayId(self.last_relay);
        let lane_key = (delivery.entry.to.clone(), delivery.entry.from.clone());
        self.relaying.extend(record.map(|key| (key, id)));
        let askers = asker.into_iter().collect();
        self.relays.insert(
            id,
            Relay { delivery, askers, pending: Vec::new(), refused_with: None, early: Vec::new() },
        );
        let lane = self.lanes.entry(lane_key).or_default();
        lane.push_back(id);
        match lane.len() {
            1 => self.launch(id, work),
            0..=LANE_MAX => {}
            _ => {
                lane.pop_back();
                self.store_relay(id, work);
            }
        }
    }

    /// Sends to every reachable device.
    pub(crate) fn launch(&mut self, id: RelayId, work: &mut Work<'_>) {
        let Some(mut relay) = self.relays.remove(&id) else {
            return;
        };
        let Delivery { entry, only, .. } = &relay.delivery;
        let bindings = work.view.bindings(&entry.to);
        for binding in bindings.into_iter().flat_map(|bindings| bindings.live(work.now)) {
            let is_meant = only.as_ref().is_none_or(|only| only == binding.device());
            let is_asked = relay.pending.iter().any(|(_, asked)| asked.1 == binding.device());
            if !is_meant || is_asked || !self.is_reachable(binding) {
                continue;
            }
            let device: DeviceKey = (entry.to.clone(), binding.device().to_owned());
            if let Some(attempt) =
                self.attempt(entry, &device, bindings, Vec::new(), For::Relay(id), work.now)
            {
                relay.pending.push((attempt, device));
            }
        }
        let is_sent = !relay.pending.is_empty();
        self.relays.insert(id, relay);
        if is_sent {
            self.holds.push_back((work.now.plus(self.config.hold), id));
        } else {
            self.end_unanswered(id, work);
        }
    }

    /// A device has answered, or will not.
    pub(crate) fn relay_answered(
        &mut self,
        id: RelayId,
        attempt: AttemptId,
        device: &DeviceKey,
        answer: Answer,
        work: &mut Work<'_>,
    ) {
        let Some(relay) = self.relays.get_mut(&id) else {
            return;
        };
        relay.pending.retain(|(pending, _)| *pending != attempt);
        let entry = &mut relay.delivery.entry;
        match answer {
            Answer::Taken => {
                entry.waiting.retain(|waiting| *waiting != device.1);
                entry.taken.push(device.1.clone());
                self.end_delivered(id, work);
            }
            Answer::Refused(status) => {
                relay.refused_with = Some(status);
                entry.waiting.retain(|waiting| *waiting != device.1);
                entry.refused.push(device.1.clone());
                if relay.pending.is_empty() {
                    self.end_unanswered(id, work);
                }
            }
            Answer::NotNow(_) | Answer::CutOff => {
                entry.attempts += 1;
                if relay.pending.is_empty() {
                    self.end_unanswered(id, work);
                }
            }
        }
    }

    /// Keeps a report that came before its device's answer to the message until that has been decided, for until then
    /// there is no record of the message; gives back anything else.
    pub(crate) fn set_early_report_aside(&mut self, posted: Posted) -> Option<Posted> {
        let Kind::Report(imdn) = &posted.what.kind else { return Some(posted) };
        let original = (imdn.message_id.clone(), posted.what.to.clone(), posted.from.clone());
        let relay = self.relaying.get(&original).and_then(|id| self.relays.get_mut(id));
        match relay.filter(|relay| relay.early.len() < EARLY_MAX) {
            Some(relay) => {
                relay.early.push(posted);
                None
            }
            None => Some(posted),
        }
    }

    /// The sender has waited long enough.
    pub(crate) fn hold_over(&mut self, id: RelayId, work: &mut Work<'_>) {
        if self.relays.get(&id).is_some_and(|relay| !relay.pending.is_empty()) {
            self.store_relay(id, work);
        }
    }

    /// One device has it: the sender hears 200, and the mailbox keeps a copy for the devices that have not answered.
    fn end_delivered(&mut self, id: RelayId, work: &mut Work<'_>) {
        let Some(relay) = self.remove_relay(id, work) else {
            return;
        };
        let Relay { delivery, askers, pending, .. } = relay;
        let Delivery { mut entry, about, .. } = delivery;
        entry.id = self.ids.next(work.now);
        self.attach(&entry, pending, &about);
        self.note(&entry, about, Outcome::Delivered, work);
        if !entry.waiting.is_empty() && delivery.only.is_none() && self.has_room_for(&entry, work) {
            // Devices that are bound but away: as long as they stay bound.
            entry.next_due = entry.expires_at.min(work.now.plus(self.config.backoff(1)));
            work.view.put_entry(entry);
        } else {
            work.discard(entry.spooled);
        }
        self.answer_all(askers, 200, work);
    }

    /// No device has it, and none is left to ask.
    fn end_unanswered(&mut self, id: RelayId, work: &mut Work<'_>) {
        let Some(relay) = self.relays.get(&id) else { return };
        let entry = &relay.delivery.entry;
        let is_refused = entry.waiting.is_empty() && !entry.refused.is_empty();
        match relay.refused_with {
            // Nothing was promised yet, so the sender hears what the devices said.
            Some(status) if is_refused => self.refuse_relay(id, &Refusal::ByDevices(status), work),
            _ if relay.delivery.only.is_some() => self.refuse_relay(id, &Refusal::Unavailable, work),
            _ => self.store_relay(id, work),
        }
    }

    /// Into the mailbox; the sender hears 202. Requests still under way count for the stored entry from here on.
    fn store_relay(&mut self, id: RelayId, work: &mut Work<'_>) {
        if self.relays.get(&id).is_some_and(|relay| relay.delivery.only.is_some()) {
            return self.refuse_relay(id, &Refusal::Unavailable, work);
        }
        let Some(relay) = self.remove_relay(id, work) else {
            return;
        };
        let Relay { mut delivery, askers, pending, .. } = relay;
        delivery.entry.id = self.ids.next(work.now);
        self.attach(&delivery.entry, pending, &delivery.about);
        let spooled = delivery.entry.spooled.clone();
        match self.keep(delivery, work) {
            Ok(()) => self.answer_all(askers, 202, work),
            Err(refusal) => {
                work.discard(spooled);
                self.refuse_all(askers, &refusal, work);
            }
        }
    }

    fn refuse_relay(&mut self, id: RelayId, refusal: &Refusal, work: &mut Work<'_>) {
        if let Some(relay) = self.remove_relay(id, work) {
            if let About::Report { original, disposition } = &relay.delivery.about {
                self.reporting.remove(&(original.clone(), *disposition));
            }
            work.discard(relay.delivery.entry.spooled);
            self.refuse_all(relay.askers, refusal, work);
        }
    }

    /// Ends the relays to somebody who is here no more.
    pub(crate) fn end_relays_to(&mut self, address: &Address, work: &mut Work<'_>) {
        let to_them = self.relays.iter().filter(|(_, relay)| relay.entry().to == *address);
        let ids: Vec<RelayId> = to_them.map(|(id, _)| *id).collect();
        ids.into_iter().for_each(|id| self.refuse_relay(id, &Refusal::NotFound, work));
    }

    fn refuse_all(&mut self, askers: Vec<Asker>, refusal: &Refusal, work: &mut Work<'_>) {
        work.stats.refused += 1;
        for asker in askers {
            self.refuse_asker(&asker, refusal, work.now);
        }
    }

    /// Hands requests that are still under way over to the stored entry.
    fn attach(&mut self, entry: &Entry, pending: Vec<(AttemptId, DeviceKey)>, about: &About) {
        let record: Option<RecordKey> =
            matches!(about, About::Message { .. }).then(|| report::record_key(entry));
        for (id, device) in pending {
            let agent = self.agents.entry(device).or_default();
            agent.adopt(id, entry.id, entry.from.clone());
            if let Some(attempt) = self.attempts.get_mut(&id) {
                attempt.made_for = For::Entry(entry.key(), record.clone());
            }
        }
    }

    /// Takes a relay out, and lets the next one between the same parties go.
    fn remove_relay(&mut self, id: RelayId, work: &mut Work<'_>) -> Option<Relay> {
        let mut relay = self.relays.remove(&id)?;
        let early = relay.early.drain(..);
        work.next.extend(early.map(|posted| Task::Posted(Box::new(posted))));
        let entry = &relay.delivery.entry;
        if let About::Message { .. } = relay.delivery.about {
            self.relaying.remove(&report::record_key(entry));
        }
        let lane_key: Lane = (entry.to.clone(), entry.from.clone());
        if let Some(lane) = self.lanes.get_mut(&lane_key) {
            let was_first = lane.front() == Some(&id);
            lane.retain(|waiting| *waiting != id);
            match lane.front() {
                Some(next) if was_first => work.next.push(Task::StartRelay(*next)),
                Some(_) => {}
                None => {
                    self.lanes.remove(&lane_key);
                }
            }
        }
        Some(relay)
    }

    /// The turn of a message whose predecessor is done. If that one ended in the mailbox, so must this.
    pub(crate) fn start_relay(&mut self, id: RelayId, work: &mut Work<'_>) {
        let Some(relay) = self.relays.get(&id) else { return };
        let to = relay.delivery.entry.to.clone();
        let bindings = work.view.bindings(&to).cloned().unwrap_or_default();
        let is_empty = work.view.head(&to).count == 0;
        let may_go = |device: &str| is_empty || self.is_caught_up(&(to.clone(), device.to_owned()));
        if relay.delivery.only.is_some() {
            return self.launch(id, work);
        }
        let mut reachable = bindings.live(work.now).filter(|binding| self.is_reachable(binding)).peekable();
        if reachable.peek().is_some() && reachable.all(|binding| may_go(binding.device())) {
            self.launch(id, work);
        } else {
            self.store_relay(id, work);
        }
    }

    /// Passes on what is only worth something now, to the devices that are there, and forgets it.
    pub(crate) fn pass_fleeting(&mut self, posted: &Posted, work: &mut Work<'_>) {
        if posted.what.to.kind() == AddressKind::Chatbot {
            return self.note_typing(posted, work);
        }
        let entry = self.entry(posted, store::EntryKind::Report, self.config.hold, work.now);
        self.pass_now(&entry, work);
    }

    /// Sends an entry to the devices of its addressee that are there, and asks no further.
    pub(crate) fn pass_now(&mut self, entry: &Entry, work: &mut Work<'_>) {
        let (_, devices) = self.devices(&entry.to, None, work);
        for device in devices {
            if self.sends_in_chat(entry, &(entry.to.clone(), device.clone()), work.now) {
                continue;
            }
            let bindings = work.view.bindings(&entry.to);
            let Some(binding) = self.newest_flow(bindings, &device, &[], work.now) else { continue };
            if entry.from.kind() == AddressKind::Group
                && self.must_be_called(entry, &(entry.to.clone(), device), binding)
            {
                // Nobody is called for something that is worth nothing later.
                continue;
            }
            let request = self.message_request(entry, binding, Shape::Fleeting);
            if let Err(error) = self.layer.request(transaction_time(work.now), binding.flow, request) {
                tracing::debug!(device = binding.device(), %error, "not sent");
            }
        }
    }

    /// Ends every wait, as when the process stops: what is under way goes into the mailboxes.
    pub fn stop(&mut self, now: Timestamp) -> Vec<Task> {
        self.end_sessions(now);
        let holds: Vec<Task> = self.holds.drain(..).map(|(_, id)| Task::HoldOver(id)).collect();
        self.sessions.take_settled().chain(holds).collect()
    }

    /// Relays whose senders have waited long enough at `now`.
    pub(crate) fn holds_over(&mut self, now: Timestamp, tasks: &mut Vec<Task>) {
        while let Some((at, id)) = self.holds.front().copied() {
            let is_over = !self.relays.contains_key(&id);
            if !is_over && at > now {
                break;
            }
            self.holds.pop_front();
            if !is_over {
                tasks.push(Task::HoldOver(id));
            }
        }
    }
}

/// Relays in the order in which their senders' patience ends: it is the same for all.
pub(crate) type Holds = VecDeque<(Timestamp, RelayId)>;
