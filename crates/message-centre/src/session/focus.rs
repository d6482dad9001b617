//! Sessions of members with the focus of their group (RCC.07 group chat). What SIP has to do with them is the group's:
//! [`crate::group`] answers and sends the INVITEs, and keeps their dialogs as rows. Here is the medium that an INVITE sets up.
//!
//! A leg that is called has nothing agreed yet, and carries nothing before the device has answered. When a leg ends by itself,
//! because nothing moves or its connection is gone, the group is asked to end the dialog ([`FocusSession`]).

use msrp::sdp::{Description, Setup};
use rcs::Timestamp;
use rcs::address::Address;
use sip::Flow;
use sip::dialog::session_timer::SessionTimer;
use store::{Group, Wants};

use super::answering::open_media;
use super::{Kind, Leg, LegId, Stage};
use crate::Centre;
use crate::access::Refusal;
use crate::access::message::Contribution;
use crate::delivery::agent::DeviceKey;
use crate::work::Task;

/// Something that a session's group has to do in its dialog.
#[derive(Debug)]
pub struct FocusSession {
    pub(crate) group: Address,
    pub(crate) device: DeviceKey,
    pub(crate) what: What,
}

/// What is to be done in the dialog of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A re-INVITE that says what was said before (RFC 4028).
    Refresh,
    /// BYE: the medium is gone. The member stays one.
    End,
}

impl FocusSession {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.leg(&self.group, &self.device.0);
        wants.bindings(&self.device.0);
    }
}

impl Centre {
    /// Takes the medium that a member's device offers to the focus; with our answer. It takes the place of a session that the
    /// device had before.
    pub(crate) fn take_member(
        &mut self,
        group: &Group,
        device: DeviceKey,
        flow: Flow,
        offer: &Description,
        now: Timestamp,
    ) -> Result<(LegId, Description), Refusal> {
        if self.has_too_many_sessions(&device.0) {
            return Err(Refusal::TooManySessions);
        }
        let unacceptable = |error: msrp::sdp::Unacceptable| Refusal::NotOfferable(error.to_string());
        let theirs = offer.msrp().ok_or(msrp::sdp::Unacceptable::NoMsrp).map_err(unacceptable)?;
        let endpoint = self.endpoint_facing(theirs, Kind::Group)?;
        let (answer, agreed) = endpoint.answer(offer).map_err(unacceptable)?;
        let leg = Leg { agreed: Some(agreed), ..self.member_leg(group, device, flow, endpoint, now) };
        let open = open_media(&leg);
        let id = self.sessions.insert(leg);
        self.sessions.commands.push_back(open);
        self.replace_older(id);
        Ok((id, answer))
    }

    /// A medium to offer to a member's device that is called; `None` when there is none for its transport.
    pub(crate) fn offer_to_member(
        &mut self,
        group: &Group,
        device: DeviceKey,
        flow: Flow,
        now: Timestamp,
    ) -> Option<(LegId, Description)> {
        let endpoint = self.endpoint_over(flow.transport, Kind::Group)?;
        // The device connects to us: it may be behind a NAT, and we connect to nobody's address.
        let offer = endpoint.offer(Setup::Passive);
        let leg = self.member_leg(group, device, flow, endpoint, now);
        let open = open_media(&leg);
        let id = self.sessions.insert(leg);
        // The device may connect before its answer is here.
        self.sessions.commands.push_back(open);
        Some((id, offer))
    }

    /// A device that was called has answered; false when it takes none of the medium, whose leg is gone then.
    pub(crate) fn member_answered(
        &mut self,
        id: LegId,
        answer: &[u8],
        timer: Option<SessionTimer>,
        now: Timestamp,
    ) -> bool {
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return false };
        let answer = Description::parse(answer).ok();
        let Some(agreed) = answer.and_then(|answer| leg.endpoint.accept(&answer).ok()) else {
            self.drop_leg(id);
            return false;
        };
        let bytes_max = agreed.media.max_size;
        leg.agreed = Some(agreed);
        // Its connection may have been quicker than its answer.
        let limits = &self.config.sessions;
        leg.idle_at = now.plus(if leg.is_bound { limits.idle } else { limits.connect });
        let open = open_media(leg);
        self.sessions.commands.push_back(open);
        self.replace_older(id);
        if let Some(bytes_max) = bytes_max {
            self.refuse_larger(id, bytes_max);
        }
        self.time_member(id, timer, now);
        self.give_sends(id);
        true
    }

    /// A member's device describes its end anew, within its dialog.
    pub(crate) fn renew_member(
        &mut self,
        id: LegId,
        flow: Flow,
        offer: &Description,
        now: Timestamp,
    ) -> Result<Description, Refusal> {
        let leg = self.sessions.legs.get_mut(&id).ok_or(Refusal::NoDialog)?;
        if matches!(leg.stage, Stage::Focus { is_refreshing: true, .. }) {
            return Err(Refusal::RequestPending);
        }
        leg.flow = flow;
        self.take_offer(id, offer, now)
    }

    /// What we say of our end when nobody offers anything (RFC 3261 §14.2).
    pub(crate) fn describe_member(&self, id: LegId) -> Option<Description> {
        Some(self.sessions.legs.get(&id)?.endpoint.offer(Setup::Passive))
    }

    /// A session timer was agreed on, or is kept up.
    pub(crate) fn time_member(&mut self, id: LegId, agreed: Option<SessionTimer>, now: Timestamp) {
        if let Some(Leg { stage: Stage::Focus { timer, refreshed_at, is_refreshing }, .. }) =
            self.sessions.legs.get_mut(&id)
        {
            (*timer, *refreshed_at, *is_refreshing) = (agreed, now, false);
        }
        self.sessions.set_alarm(id);
    }

    /// A refresh of ours was declined: the session lapses unless the next one, sooner, is not.
    pub(crate) fn member_not_refreshed(&mut self, id: LegId, now: Timestamp) {
        if let Some(Leg { stage: Stage::Focus { timer, refreshed_at, is_refreshing }, .. }) =
            self.sessions.legs.get_mut(&id)
        {
            (*refreshed_at, *is_refreshing) = (now, false);
            if let Some(timer) = timer {
                timer.interval_s /= 2;
                timer.is_ours &= timer.interval_s >= 60;
            }
        }
        self.sessions.set_alarm(id);
    }

    /// How long the session timer of a member runs, in seconds.
    pub(crate) fn member_interval_s(&self, id: LegId) -> Option<u32> {
        match self.sessions.legs.get(&id)?.stage {
            Stage::Focus { timer, .. } => timer.map(|timer| timer.interval_s),
            _ => None,
        }
    }

    /// Whether a subscriber can have no more sessions.
    pub(crate) fn has_too_many_sessions(&self, owner: &Address) -> bool {
        self.sessions.count_of(owner) >= self.config.sessions.per_subscriber_max
    }

    /// Whether a leg is there.
    pub(crate) fn has_leg(&self, id: LegId) -> bool {
        self.sessions.legs.contains_key(&id)
    }

    /// The session of a member's device with the focus, if it stands.
    pub(crate) fn member_session(&self, device: &DeviceKey, group: &Address) -> Option<LegId> {
        self.sessions.chat_with(device, group)
    }

    /// Sessions of a member with the focus end, without a word: those of one device, or of all.
    pub(crate) fn drop_member(&mut self, member: &Address, group: &Address, device: Option<&str>) {
        for id in self.sessions.between(member, group) {
            let is_meant = self.sessions.legs.get(&id).is_some_and(|leg| {
                leg.kind == Kind::Group && device.is_none_or(|device| leg.device.1 == device)
            });
            if is_meant {
                self.drop_leg(id);
            }
        }
    }

    /// A member's session ends, with BYE.
    pub(crate) fn end_member(&mut self, id: LegId, now: Timestamp) {
        self.end_leg(id, None, now);
    }

    /// A leg ends without a word; what was to be sent in it fails.
    pub(crate) fn drop_leg(&mut self, id: LegId) {
        if let Some(leg) = self.sessions.remove(id) {
            self.fail_sends(&leg);
        }
    }

    /// Has the group of a session do something in its dialog.
    pub(super) fn ask_focus(&mut self, id: LegId, what: What) {
        let Some(leg) = self.sessions.legs.get(&id) else { return };
        let (group, device) = (leg.peer.clone(), leg.device.clone());
        self.sessions.settled.push(Task::FocusSession(Box::new(FocusSession { group, device, what })));
    }

    fn member_leg(
        &self,
        group: &Group,
        device: DeviceKey,
        flow: Flow,
        endpoint: msrp::sdp::Endpoint,
        now: Timestamp,
    ) -> Leg {
        Leg {
            device,
            peer: group.address.clone(),
            flow,
            kind: Kind::Group,
            ids: Contribution {
                conversation_id: group.conversation_id.clone(),
                contribution_id: group.contribution_id.clone(),
            },
            stage: Stage::Focus { timer: None, refreshed_at: now, is_refreshing: false },
            endpoint,
            agreed: None,
            partner: None,
            is_bound: false,
            is_closing: false,
            idle_at: now.plus(self.config.sessions.connect),
            sends: Default::default(),
            alarm: None,
        }
    }

    /// The newest session of a device with a focus takes the place of older ones: what was to be sent in them is sent in it. A
    /// call that the device has not answered is over too: it has come by itself.
    fn replace_older(&mut self, id: LegId) {
        let Some(newest) = self.sessions.legs.get(&id) else { return };
        let (device, group) = (newest.device.clone(), newest.peer.clone());
        for old in self.sessions.between(&device.0, &group) {
            let is_older = self
                .sessions
                .legs
                .get(&old)
                .is_some_and(|leg| old != id && leg.kind == Kind::Group && leg.device == device);
            if !is_older {
                continue;
            }
            if let Some(leg) = self.sessions.remove(old) {
                self.hand_on(leg.sends, id);
            }
        }
    }
}
