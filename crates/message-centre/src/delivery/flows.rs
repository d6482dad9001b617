//! Which of a device's flows a MESSAGE or an INVITE takes (RFC 5626 §5.3): the newest that can be reached; and when that turns out to be
//! dead, the next. Never two at once.

use rcs::Timestamp;
use sip::Flow;
use store::{Binding, Bindings, Entry};

use super::agent::DeviceKey;
use super::choice::fits;
use super::{Answer, Attempt, AttemptId, For};
use crate::events::Cause;
use crate::{Centre, Work};

impl Answer {
    /// Whether it says that a flow leads nowhere, rather than something about the device: no answer, a timeout, or the 430
    /// of an edge whose connection is gone.
    pub(crate) fn is_of_dead_flow(self) -> bool {
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
            if !fits(entry, binding) {
                tried.push(binding.flow);
                continue;
            }
            if let Some((id, flow)) = self.hand_over(entry, device, binding, is_stored, now) {
                self.attempts.insert(id, Attempt { device: device.clone(), flow, tried, made_for });
                return Some(id);
            }
            tried.push(binding.flow);
        }
        None
    }

    /// Makes a failed attempt again over the next flow of its device, if the answer says that the flow is dead and there is
    /// another.
    pub(crate) fn try_next_flow(
        &mut self,
        id: AttemptId,
        attempt: &Attempt,
        answer: Answer,
        work: &mut Work<'_>,
    ) -> bool {
        if !answer.is_of_dead_flow() {
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
        let Some(entry) = entry else { return false };
        let made_for = attempt.made_for.clone();
        let Some(next) = self.attempt(&entry, &attempt.device, bindings.as_ref(), tried, made_for, work.now)
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
        self.forget_flow(&attempt.device, attempt.flow, work);
        true
    }

    /// A dead flow's binding goes: the device registers it again when it is back.
    pub(crate) fn forget_flow(&self, (address, device): &DeviceKey, flow: Flow, work: &mut Work<'_>) {
        let Some(mut bindings) = work.view.bindings(address).cloned() else { return };
        bindings.list.retain(|binding| binding.device() != device || binding.flow != flow);
        work.view.put_bindings(address, bindings);
        self.bindings_changed(address, Cause::Network, work);
    }
}
