//! The focus calling the members' devices: INVITE to those that do not take part yet (RFC 4579 §5.5), and what they answer.

use bytes::Bytes;
use msrp::sdp::{self, Description};
use rcs::address::Address;
use sip::dialog::Dialog;
use sip::transaction::ClientTxId;
use sip::{Flow, HeaderName, Message, RequestBuilder, Response};
use store::{Binding, Group, Member, MemberState, Wants};

use super::ALLOW;
use super::members::Farewell;
use crate::delivery::agent::DeviceKey;
use crate::work::Task;
use crate::{Centre, Work, transaction_time};

/// What a request of a focus was sent for.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    /// To bring a device in.
    Invite { group: Address, device: DeviceKey, flow: Flow, request: Bytes },
    /// To let a device go, or to tell what became of a REFER: whatever it answers.
    Bye,
}

/// Devices of members that may have to be invited.
#[derive(Debug)]
pub struct Invitations {
    pub(crate) group: Address,
    pub(crate) members: Vec<Address>,
}

/// A request of a focus was answered, or never will be.
#[derive(Debug)]
pub struct FocusAnswered {
    pub(crate) tx: ClientTxId,
    pub(crate) response: Option<Response>,
}

impl Invitations {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.group(&self.group);
        for member in &self.members {
            wants.leg(&self.group, member);
            wants.bindings(member);
        }
    }
}

impl FocusAnswered {
    pub(crate) fn wants(&self, centre: &Centre, wants: &mut Wants) {
        let (group, member) = match centre.groups.requests.get(&self.tx) {
            Some(Sent::Invite { group, device, .. }) => (group, &device.0),
            Some(Sent::Bye) | None => return,
        };
        wants.group(group);
        wants.leg(group, member);
        wants.memberships(member);
        wants.bindings(member);
    }
}

impl Centre {
    /// Notes the way from members to their group, which has been stored with them, and invites those of their devices that do not
    /// take part yet.
    pub(super) fn bring_in(&mut self, group: &Address, members: Vec<Address>, work: &mut Work<'_>) {
        for member in &members {
            let mut groups = work.view.memberships(member).to_vec();
            if !groups.contains(group) {
                groups.push(group.clone());
                work.view.put_memberships(member, groups);
            }
        }
        if !members.is_empty() {
            let invitations = Invitations { group: group.clone(), members };
            work.then.push(Task::Invitations(Box::new(invitations)));
        }
    }

    pub(crate) fn decide_invitations(&mut self, invitations: Invitations, work: &mut Work<'_>) {
        let Some(group) = work.view.group(&invitations.group).cloned() else { return };
        for address in &invitations.members {
            let Some(member) = group.member(address) else { continue };
            let leg = self.leg(&group.address, address, work);
            let bindings = work.view.bindings(address).cloned().unwrap_or_default();
            for binding in bindings.live(work.now) {
                let device: DeviceKey = (address.clone(), binding.device().to_owned());
                let takes_part = leg.devices.iter().any(|known| known.device == device.1);
                if !takes_part && self.is_reachable(binding) && !self.is_inviting(&device, &group.address) {
                    self.invite_device(&group, member, device, binding, work);
                }
            }
        }
    }

    fn invite_device(
        &mut self,
        group: &Group,
        member: &Member,
        device: DeviceKey,
        binding: &Binding,
        work: &mut Work<'_>,
    ) {
        let (focus, domain) = (&group.address, self.config.domain().to_owned());
        let (tag, call_id) = (self.tag(), self.tag());
        let mut request = RequestBuilder::new("INVITE", &binding.contact_uri);
        for path in &binding.path {
            request = request.header(HeaderName::Route, path);
        }
        if let Some(route) = self.record_route(binding.flow.transport) {
            request = request.header(HeaderName::RecordRoute, route);
        }
        request = request
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("<{focus}>;tag={tag}"))
            .header(HeaderName::To, format_args!("<{}>", self.device_uri(&member.address, binding)))
            .header(HeaderName::CallId, format_args!("{call_id}@{domain}"))
            .header(HeaderName::CSeq, "1 INVITE")
            .header(HeaderName::Contact, self.focus_contact(focus))
            .header(HeaderName::PAssertedIdentity, format_args!("<{focus}>"))
            .header(HeaderName::ReferredBy, format_args!("<{}>", member.invited_by.sip_uri(&domain)))
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::ConversationId, &group.conversation_id)
            .header(HeaderName::ContributionId, &group.contribution_id);
        if let Some(subject) = &group.subject {
            request = request.header(HeaderName::Subject, &subject.text);
        }
        let request = request.build();
        let sent = Sent::Invite {
            group: focus.clone(),
            device: device.clone(),
            flow: binding.flow,
            request: request.clone(),
        };
        if self.ask(binding.flow, request, sent, work) {
            self.groups.inviting.insert((device, focus.clone()));
        }
    }

    pub(crate) fn decide_focus_answered(&mut self, answered: FocusAnswered, work: &mut Work<'_>) {
        let FocusAnswered { tx, response } = answered;
        match self.groups.requests.remove(&tx) {
            Some(Sent::Invite { group, device, flow, request }) => {
                self.groups.inviting.remove(&(device.clone(), group.clone()));
                self.device_answered(tx, &group, &device, flow, request, response, work);
                // What was said in the meantime waits for the device no longer.
                self.agents.entry(device.clone()).or_default().restart();
                work.next.push(Task::Drain(device));
            }
            Some(Sent::Bye) | None => {}
        }
    }

    #[allow(clippy::too_many_arguments, reason = "all of it is what was asked and what was answered")]
    fn device_answered(
        &mut self,
        tx: ClientTxId,
        group: &Address,
        device: &DeviceKey,
        flow: Flow,
        request: Bytes,
        response: Option<Response>,
        work: &mut Work<'_>,
    ) {
        let status = response.as_ref().map_or(408, |response| response.status());
        tracing::debug!(%group, device = %device.1, status, "a device answered its invitation");
        let mut dialog = None;
        if let Some(response) = response.filter(|_| (200..300).contains(&status)) {
            dialog = dialog_of(request, &response);
            if let Some(dialog) = &dialog {
                let mut ack = dialog.ack(dialog.local_cseq());
                // Our INVITE offers nothing, so a device may (RFC 3261 §13.2.1); its answer then comes in the ACK.
                if response.is_content_type(sdp::CONTENT_TYPE)
                    && let Ok(offer) = Description::parse(response.body())
                {
                    ack = ack.body(sdp::CONTENT_TYPE, offer.refused().to_bytes());
                }
                let ack = ack.build();
                let now = transaction_time(work.now);
                self.calls.acknowledge(now, tx, flow, ack.clone(), &self.config.transactions.timing);
                self.acknowledge(now, flow, ack);
            }
        }
        let found = work.view.group(group).cloned();
        let Some(found) = found.filter(|found| found.member(&device.0).is_some()) else {
            // Removed while its device was asked.
            if let Some(mut dialog) = dialog {
                self.ask(flow, dialog.bye().build(), Sent::Bye, work);
            }
            return;
        };
        match status {
            200..=299 => {
                self.connect(&found, &device.0, &device.1, dialog, work);
                self.joined(found, &device.0, Vec::new(), work);
            }
            // It has no use for an INVITE, at least for one without media: it takes part by MESSAGE.
            405 | 415 | 420 | 488 | 501 | 606 => {
                self.connect(&found, &device.0, &device.1, None, work);
                self.joined(found, &device.0, Vec::new(), work);
            }
            // Its user does not want to.
            603 => self.part(found, std::slice::from_ref(&device.0), Farewell::Left, work),
            // Not now: it is asked again when it registers, or at once if it has done so over another flow while we asked.
            _ => {
                if self.way_to(&device.0, &device.1, work).is_some_and(|binding| binding.flow != flow) {
                    let invitations = Invitations { group: group.clone(), members: vec![device.0.clone()] };
                    work.next.push(Task::Invitations(Box::new(invitations)));
                }
            }
        }
    }

    pub(crate) fn acknowledge(&mut self, now: std::time::Duration, flow: Flow, ack: Bytes) {
        if let Err(error) = self.layer.acknowledge(now, flow, ack) {
            tracing::debug!(%error, "an ACK was not sent");
        }
    }
}

/// The dialog that a 2xx opens; `None` when it cannot be one, as without Contact.
fn dialog_of(request: Bytes, response: &Response) -> Option<Dialog> {
    let request = Message::parse_datagram(request).ok()?.into_request()?;
    let dialog = Dialog::uac(&request, response).ok()?;
    let is_routed = request.raw(HeaderName::RecordRoute).is_some();
    Some(if is_routed { dialog.without_first_route() } else { dialog })
}

/// What is to be done for a group when the process has started: members who have not answered are invited again, since nobody
/// knows whether they were. `None` when everybody has.
pub fn wake(group: &Group) -> Option<Task> {
    let pending = group.members.iter().filter(|member| member.state == MemberState::Pending);
    let members: Vec<Address> = pending.map(|member| member.address.clone()).collect();
    let invitations = Invitations { group: group.address.clone(), members };
    (!invitations.members.is_empty()).then(|| Task::Invitations(Box::new(invitations)))
}
