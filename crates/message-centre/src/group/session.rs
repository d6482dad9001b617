//! Members whose devices take part over MSRP: when they are called into a session, and what is done in the dialog of one.
//!
//! A device that announces chats is called when there is something to say and it has no session, because it was idle, was cut off,
//! or the process has started anew. What is said waits in the mailbox until it has answered. How a device takes part is in
//! its leg's row, which what is said is delivered without; so a device is looked up once ([`Summon`]) and remembered.

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use sip::dialog::session_timer::{OPTION, Refresher, SessionExpires};
use sip::{Flow, HeaderName, Response};
use store::{Binding, Bindings, Entry, EntryKind, Mode, Wants};

use super::invitation::Sent;
use crate::delivery::agent::DeviceKey;
use crate::session::can_chat;
use crate::session::focus::{FocusSession, What};
use crate::work::Task;
use crate::{Centre, Work, transaction_time};

/// Most devices of which it is remembered how they take part.
const REMEMBERED_MAX: usize = 100_000;

/// A device without a session, for which there is something of its group.
#[derive(Debug)]
pub struct Summon {
    group: Address,
    device: DeviceKey,
}

impl Summon {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.group(&self.group);
        wants.leg(&self.group, &self.device.0);
        wants.bindings(&self.device.0);
    }
}

impl Centre {
    /// Whether an entry of a group waits for its device to be called; sees to that.
    pub(crate) fn awaits_call(
        &mut self,
        entry: &Entry,
        device: &DeviceKey,
        bindings: Option<&Bindings>,
        now: Timestamp,
    ) -> bool {
        if entry.from.kind() != AddressKind::Group {
            return false;
        }
        if self.is_inviting(device, &entry.from) {
            return true;
        }
        let binding = self.newest_flow(bindings, &device.1, &[], now);
        if !binding.is_some_and(|binding| self.must_be_called(entry, device, binding)) {
            return false;
        }
        let key = (device.clone(), entry.from.clone());
        if self.groups.resting.get(&key).is_none_or(|until| *until <= now) {
            let summon = Summon { group: entry.from.clone(), device: device.clone() };
            self.sessions.later(Task::Summon(Box::new(summon)));
            self.groups.inviting.insert(key);
        }
        true
    }

    /// Whether an entry of a group can only go in a session that the device does not have. Reports go as MESSAGE instead, if the
    /// device takes such (rcs-core §12).
    pub(crate) fn must_be_called(&self, entry: &Entry, device: &DeviceKey, binding: &Binding) -> bool {
        let takes_reports = binding.capabilities.has(rcs::capability::Capability::CpmMessage);
        can_chat(&binding.capabilities)
            && !(entry.kind == EntryKind::Report && takes_reports)
            && self.member_session(device, &entry.from).is_none()
            && !self.groups.pagers.contains(&(device.clone(), entry.from.clone()))
    }

    pub(crate) fn decide_summon(&mut self, summon: Summon, work: &mut Work<'_>) {
        let Summon { group, device } = summon;
        let key = (device, group);
        self.groups.inviting.remove(&key);
        let (device, address) = (&key.0, &key.1);
        let binding = self.way_to(&device.0, &device.1, work).cloned();
        let found = work.view.group(address).cloned();
        let member = found.as_ref().and_then(|group| group.member(&device.0)).cloned();
        let leg = self.leg(address, &device.0, work);
        let mode = leg.devices.iter().find(|known| known.device == device.1).map(|known| known.mode);
        match (found, member, mode) {
            // It has come by itself.
            _ if self.member_session(device, address).is_some() => {
                let device = device.clone();
                self.look_again(device, work);
            }
            (Some(group), Some(member), Some(Mode::Session) | None) => {
                if let Some(binding) = binding {
                    self.call_device(&group, &member, device.clone(), &binding, work);
                }
                if !self.is_inviting(device, address) {
                    self.rest(key, work.now);
                }
            }
            // It takes part by MESSAGE; and what is left for somebody who is no member any more has no session to go in.
            _ => {
                let device = device.clone();
                self.remember_pager(key);
                self.look_again(device, work);
            }
        }
    }

    /// A device that could not be called is left alone for a moment: what waits for it is tried again in its time.
    pub(super) fn rest(&mut self, key: (DeviceKey, Address), now: Timestamp) {
        self.groups.resting.retain(|_, until| *until > now);
        self.groups.resting.insert(key, now.plus(self.config.sessions.deferred_idle));
    }

    /// A device that has just registered may be called at once.
    pub(crate) fn end_rest(&mut self, device: &DeviceKey) {
        self.groups.resting.retain(|(resting, _), _| resting != device);
    }

    /// Remembers that a device takes part in pager mode. Forgetting costs a look at its row.
    pub(super) fn remember_pager(&mut self, key: (DeviceKey, Address)) {
        if self.groups.pagers.len() >= REMEMBERED_MAX {
            self.groups.pagers.clear();
        }
        self.groups.pagers.insert(key);
    }

    /// A device has a session now: what waits for it goes there.
    pub(super) fn now_in_session(&mut self, device: &DeviceKey, group: &Address, work: &mut Work<'_>) {
        let key = (device.clone(), group.clone());
        self.groups.pagers.remove(&key);
        self.groups.resting.remove(&key);
        self.look_again(key.0, work);
    }

    /// There is another way to a device: it gets what waits for it.
    pub(super) fn look_again(&mut self, device: DeviceKey, work: &mut Work<'_>) {
        self.agents.entry(device.clone()).or_default().restart();
        work.next.push(Task::Drain(device));
    }

    /// Does in a session's dialog what the session wants.
    pub(crate) fn decide_focus_session(&mut self, asked: FocusSession, work: &mut Work<'_>) {
        let FocusSession { group, device, what } = asked;
        let session = self.member_session(&device, &group);
        let flow = self.way_to(&device.0, &device.1, work).map(|binding| binding.flow);
        let mut leg = self.leg(&group, &device.0, work);
        let mut known = leg.devices.iter_mut().filter(|known| known.mode == Mode::Session);
        let Some(known) = known.find(|known| known.device == device.1) else { return };
        let Some(mut dialog) = known.dialog.clone() else { return };
        match (what, session) {
            // The device has come back in the meantime, in another dialog.
            (What::End, Some(_)) | (What::Refresh, None) => return,
            (What::End, None) => {
                if let Some(flow) = flow {
                    self.ask(flow, dialog.bye().build(), Sent::Bye, work);
                }
                known.dialog = None;
            }
            (What::Refresh, Some(id)) => {
                let interval_s = self.member_interval_s(id).unwrap_or(self.config.sessions.timer.interval_s);
                let offer = self.describe_member(id);
                let Some((flow, offer)) = flow.zip(offer) else {
                    // It lapses unless the device is back by then.
                    return self.member_not_refreshed(id, work.now);
                };
                let request = dialog
                    .request("INVITE")
                    .header(HeaderName::Contact, self.focus_contact(&group))
                    .header(HeaderName::Supported, OPTION)
                    .header(
                        HeaderName::SessionExpires,
                        SessionExpires { interval_s, refresher: Some(Refresher::Uac) },
                    )
                    .body(msrp::sdp::CONTENT_TYPE, offer.to_bytes())
                    .build();
                let sent = Sent::Refresh { group: group.clone(), device: device.clone(), flow };
                if !self.ask(flow, request, sent, work) {
                    self.member_not_refreshed(id, work.now);
                }
                known.dialog = Some(dialog);
            }
        }
        work.view.put_leg(leg);
    }

    /// The answer to our refresh of a session; `None` when none came.
    pub(super) fn member_refreshed(
        &mut self,
        tx: sip::transaction::ClientTxId,
        group: &Address,
        device: &DeviceKey,
        flow: Flow,
        response: Option<&Response>,
        work: &mut Work<'_>,
    ) {
        let Some(id) = self.member_session(device, group) else { return };
        let mut leg = self.leg(group, &device.0, work);
        let known = leg.devices.iter_mut().find(|known| known.device == device.1);
        let Some(dialog) = known.and_then(|known| known.dialog.as_mut()) else { return };
        let lives = response.is_some_and(|response| dialog.receive_response(response).unwrap_or(true));
        match response.map_or(408, |response| response.status()) {
            200..=299 => {
                let ack = dialog.ack(dialog.local_cseq()).build();
                let now = transaction_time(work.now);
                self.calls.acknowledge(now, tx, flow, ack.clone(), &self.config.transactions.timing);
                self.acknowledge(now, flow, ack);
                let agreed = response.and_then(|one| self.config.sessions.timer.agreed(one).ok().flatten());
                self.time_member(id, agreed, work.now);
            }
            _ if !lives => self.end_member(id, work.now),
            // The device was about to do the same, or is busy.
            _ => self.member_not_refreshed(id, work.now),
        }
        work.view.put_leg(leg);
    }
}
