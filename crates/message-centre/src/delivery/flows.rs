//! Which of a device's flows a request takes (RFC 5626 §5.3): the newest that can be reached; and when that turns out to be
//! dead, the next. Never two at once.

use rcs::Timestamp;
use sip::Flow;
use store::{Binding, Bindings, Entry};

use super::agent::DeviceKey;
use super::choice::fits;
use super::{Answer, Attempt, AttemptId, For};
use crate::{Centre, Work};

impl Answer {
    /// Whether it says that a flow leads nowhere, rather than something about the device: no answer, a timeout, or the 430
    /// of an edge whose connection is gone.
    fn is_of_dead_flow(self) -> bool {
        matches!(self, Self::NotNow(None | Some(408 | 430)))
    }
}

impl Centre {
    /// The newest flow of `device` that can be reached and is none of `tried`.
    pub(crate) fn newest_flow<'b>(
        &self,
        bindings: Option<&'b Bindings>,
        device: &str,
        tried: &[Flow],
        now: Timestamp,
    ) -> Option<&'b Binding> {
        let is_left = |binding: &&Binding| {
            binding.device() == device && !tried.contains(&binding.flow) && self.is_reachable(binding)
        };
        bindings?.live(now).filter(is_left).max_by_key(|binding| binding.registered_at)
    }

    /// Hands an entry over to a device by the newest of its flows that will do, but for those that were `tried`; `None` when there
    /// is none.
    pub(crate) fn attempt(
        &mut self,
        entry: &Entry,
        device: &DeviceKey,
        bindings: Option<&Bindings>,
        mut tried: Vec<Flow>,
        made_for: For,
        now: Timestamp,
    ) -> Option<AttemptId> {
        let is_stored = matches!(made_for, For::Entry(..));
        while let Some(binding) = self.newest_flow(bindings, &device.1, &tried, now) {
            let flow = binding.flow;
            if !fits(entry, binding) {
                tried.push(flow);
                continue;
            }
            if let Some(id) = self.hand_over(entry, device, binding, is_stored, now) {
                self.attempts.insert(id, Attempt { device: device.clone(), flow, tried, made_for });
                return Some(id);
            }
            tried.push(flow);
        }
        None
    }

    /// Makes a failed attempt again over the next flow of its device, if the answer says that the flow is dead and there is
    /// another. The dead flow's binding goes: the device registers it again when it is back.
    pub(crate) fn try_next_flow(
        &mut self,
        id: AttemptId,
        attempt: &Attempt,
        answer: Answer,
        work: &mut Work<'_>,
    ) -> bool {
        // That a session has ended says nothing about the flow on which it was set up.
        if !answer.is_of_dead_flow() || matches!(id, AttemptId::Send(_)) {
            return false;
        }
        let (address, device) = &attempt.device;
        let tried: Vec<Flow> = attempt.tried.iter().copied().chain([attempt.flow]).collect();
        let bindings = work.view.bindings(address).cloned();
        if self.newest_flow(bindings.as_ref(), device, &tried, work.now).is_none() {
            return false;
        }
        let entry = match &attempt.made_for {
            For::Relay(relay) => self.relays.get(relay).map(|relay| relay.entry().clone()),
            For::Entry(key, _) => work.view.entry(key).cloned(),
        };
        let (Some(entry), Some(mut bindings)) = (entry, bindings) else { return false };
        let made_for = attempt.made_for.clone();
        let Some(next) = self.attempt(&entry, &attempt.device, Some(&bindings), tried, made_for, work.now)
        else {
            return false;
        };
        match &attempt.made_for {
            For::Relay(relay) => {
                self.relays.get_mut(relay).expect("its entry was just read").moved(id, next);
            }
            For::Entry(..) => {
                if let Some(agent) = self.agents.get_mut(&attempt.device) {
                    agent.moved(id, next);
                }
            }
        }
        bindings.list.retain(|binding| binding.device() != device || binding.flow != attempt.flow);
        work.view.put_bindings(address, bindings);
        true
    }
}
