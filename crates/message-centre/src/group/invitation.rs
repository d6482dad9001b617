//! The focus calling the members' devices: INVITE to those that do not take part yet (RFC 4579 §5.5), and what they answer.

use bytes::Bytes;
use msrp::sdp::{self, Description};
use percent_encoding::utf8_percent_encode;
use rcs::Timestamp;
use rcs::address::Address;
use sip::dialog::Dialog;
use sip::dialog::session_timer::{OPTION, SessionExpires};
use sip::transaction::ClientTxId;
use sip::{Flow, HeaderName, Message, RequestBuilder, Response};
use store::{Binding, Group, Member, MemberState, Mode, Wants};

use super::ALLOW;
use super::members::Farewell;
use crate::access::invite::CPM_SESSION;
use crate::delivery::agent::DeviceKey;
use crate::delivery::outgoing::URN_ESCAPES;
use crate::session::{LegId, can_chat};
use crate::work::Task;
use crate::{Centre, Work, transaction_time};

/// What a request of a focus was sent for.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    /// To bring a device in.
    Invite {
        group: Address,
        device: DeviceKey,
        flow: Flow,
        request: Bytes,
        /// The session that was offered.
        session: Option<LegId>,
    },
    /// To keep a session up.
    Refresh { group: Address, device: DeviceKey, flow: Flow },
    /// To let a device go, or to tell what became of a REFER: whatever it answers.
    Bye,
}

/// How much an INVITE of a focus says.
struct Form<'a> {
    offer: Option<&'a Description>,
    /// Without what a device can do without, to fit into a datagram.
    is_lean: bool,
}

/// What a device was asked with an INVITE of a focus.
struct Asked<'a> {
    group: &'a Address,
    device: &'a DeviceKey,
    flow: Flow,
    request: Bytes,
    session: Option<LegId>,
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
            Some(Sent::Invite { group, device, .. } | Sent::Refresh { group, device, .. }) => {
                (group, &device.0)
            }
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
                    self.call_device(&group, member, device, binding, work);
                }
            }
        }
    }

    /// Sends an INVITE to a device: with an offer of MSRP if it announces chats, else without media. One that does not fit into a
    /// datagram says less, and at last offers nothing.
    pub(super) fn call_device(
        &mut self,
        group: &Group,
        member: &Member,
        device: DeviceKey,
        binding: &Binding,
        work: &Work<'_>,
    ) {
        let mut offered = None;
        if can_chat(&binding.capabilities) {
            if self.has_too_many_sessions(&device.0) {
                // It is tried again when there are fewer.
                return;
            }
            offered = self.offer_to_member(group, device.clone(), binding.flow, work.now);
        }
        let (tag, call_id) = (self.tag(), self.tag());
        let mut forms = vec![Form { offer: None, is_lean: false }];
        if let Some((_, offer)) = &offered {
            let offer = Some(offer);
            forms.splice(0..0, [false, true].map(|is_lean| Form { offer, is_lean }));
        }
        for form in forms {
            let request = self.focus_invite(group, member, binding, &form, (&tag, &call_id));
            let sent = Sent::Invite {
                group: group.address.clone(),
                device: device.clone(),
                flow: binding.flow,
                request: request.clone(),
                session: offered.as_ref().filter(|_| form.offer.is_some()).map(|(id, _)| *id),
            };
            if self.ask(binding.flow, request, sent, work) {
                if let Some((id, _)) = offered.as_ref().filter(|_| form.offer.is_none()) {
                    self.drop_leg(*id);
                }
                self.groups.inviting.insert((device, group.address.clone()));
                return;
            }
        }
        if let Some((id, _)) = offered {
            self.drop_leg(id);
        }
    }

    fn focus_invite(
        &self,
        group: &Group,
        member: &Member,
        binding: &Binding,
        form: &Form<'_>,
        (tag, call_id): (&str, &str),
    ) -> Bytes {
        let (focus, domain) = (&group.address, self.config.domain());
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
            .header(HeaderName::ReferredBy, format_args!("<{}>", member.invited_by.sip_uri(domain)))
            .header(HeaderName::ConversationId, &group.conversation_id)
            .header(HeaderName::ContributionId, &group.contribution_id);
        request = match form.is_lean {
            true => request.header(HeaderName::Contact, format_args!("<{focus}>;isfocus")),
            false => request
                .header(HeaderName::Contact, self.focus_contact(focus))
                .header(HeaderName::PAssertedIdentity, format_args!("<{focus}>"))
                .header(HeaderName::Allow, ALLOW),
        };
        if let Some(subject) = &group.subject {
            request = request.header(HeaderName::Subject, &subject.text);
        }
        let Some(offer) = form.offer else { return request.build() };
        request = request.header(HeaderName::Supported, OPTION);
        if !form.is_lean {
            let icsi = utf8_percent_encode(CPM_SESSION, URN_ESCAPES);
            let interval_s = self.config.sessions.timer.interval_s;
            request = request
                .header(HeaderName::PAssertedService, CPM_SESSION)
                .header(HeaderName::AcceptContact, format_args!("*;+g.3gpp.icsi-ref=\"{icsi}\""))
                .header(HeaderName::SessionExpires, SessionExpires { interval_s, refresher: None });
        }
        request.body(sdp::CONTENT_TYPE, offer.to_bytes()).build()
    }

    pub(crate) fn decide_focus_answered(&mut self, answered: FocusAnswered, work: &mut Work<'_>) {
        let FocusAnswered { tx, response } = answered;
        match self.groups.requests.remove(&tx) {
            Some(Sent::Invite { group, device, flow, request, session }) => {
                self.groups.inviting.remove(&(device.clone(), group.clone()));
                let asked = Asked { group: &group, device: &device, flow, request, session };
                self.device_answered(tx, asked, response, work);
                // What was said in the meantime waits for the device no longer.
                self.agents.entry(device.clone()).or_default().restart();
                work.next.push(Task::Drain(device));
            }
            Some(Sent::Refresh { group, device, flow }) => {
                self.member_refreshed(tx, &group, &device, flow, response.as_ref(), work);
            }
            Some(Sent::Bye) | None => {}
        }
    }

    fn device_answered(
        &mut self,
        tx: ClientTxId,
        asked: Asked<'_>,
        response: Option<Response>,
        work: &mut Work<'_>,
    ) {
        let Asked { group, device, flow, request, session } = asked;
        let status = response.as_ref().map_or(408, |response| response.status());
        tracing::debug!(%group, device = %device.1, status, "a device answered its invitation");
        let found = work.view.group(group).cloned();
        let found = found.filter(|found| found.member(&device.0).is_some());
        // It came by itself while it was called, and what was offered is gone: one session is enough.
        let is_moot = session.is_some_and(|id| !self.has_leg(id));
        let mut dialog = None;
        let mut mode = Mode::Pager;
        if let Some(response) = response.filter(|_| (200..300).contains(&status)) {
            dialog = dialog_of(request, &response);
            if let Some(dialog) = &dialog {
                let mut ack = dialog.ack(dialog.local_cseq());
                match (session, &found) {
                    (Some(id), Some(_)) => {
                        let timer = self.config.sessions.timer.agreed(&response).ok().flatten();
                        if self.member_answered(id, response.body(), timer, work.now) {
                            mode = Mode::Session;
                        }
                    }
                    // An INVITE of ours that offers nothing lets a device offer (RFC 3261 §13.2.1); the answer goes in the ACK.
                    (None, Some(found)) if response.is_content_type(sdp::CONTENT_TYPE) => {
                        if let Ok(offer) = Description::parse(response.body()) {
                            let taken = self.take_member(found, device.clone(), flow, &offer, work.now);
                            let answer = taken.map(|(_, answer)| answer);
                            mode = if answer.is_ok() { Mode::Session } else { Mode::Pager };
                            let answer = answer.unwrap_or_else(|_| offer.refused());
                            ack = ack.body(sdp::CONTENT_TYPE, answer.to_bytes());
                        }
                    }
                    _ => {}
                }
                let ack = ack.build();
                let now = transaction_time(work.now);
                self.calls.acknowledge(now, tx, flow, ack.clone(), &self.config.transactions.timing);
                self.acknowledge(now, flow, ack);
            }
        }
        if let Some(id) = session.filter(|_| mode == Mode::Pager) {
            self.drop_leg(id);
        }
        let Some(found) = found.filter(|_| !is_moot) else {
            // Removed while its device was asked, or here already; or what was offered came to nothing before it answered.
            if is_moot && self.member_session(device, group).is_none() {
                self.rest((device.clone(), group.clone()), work.now);
            }
            if let Some(mut dialog) = dialog {
                self.ask(flow, dialog.bye().build(), Sent::Bye, work);
            }
            return;
        };
        match status {
            200..=299 => {
                self.connect(&found, device, mode, dialog, work);
                self.joined(found, &device.0, Vec::new(), work);
            }
            // It has no use for an INVITE, at least for one without media: it takes part by MESSAGE.
            405 | 415 | 420 | 488 | 501 | 606 => {
                self.connect(&found, device, Mode::Pager, None, work);
                self.joined(found, &device.0, Vec::new(), work);
            }
            // Its user does not want to.
            603 => self.part(found, std::slice::from_ref(&device.0), Farewell::Left, work),
            // Not now: it is asked again when it registers, or at once if it has done so over another flow while we asked.
            _ => {
                if self.way_to(&device.0, &device.1, work).is_some_and(|binding| binding.flow != flow) {
                    let invitations = Invitations { group: group.clone(), members: vec![device.0.clone()] };
                    work.next.push(Task::Invitations(Box::new(invitations)));
                } else {
                    self.rest((device.clone(), group.clone()), work.now);
                }
            }
        }
    }

    /// Devices that only ring are left in peace: they are called again when they register, or when something waits that needs a
    /// session.
    pub(crate) fn stop_ringing(&mut self, now: Timestamp) {
        while let Some((_, tx)) = self.groups.ringing.pop_front_if(|(at, _)| *at <= now) {
            if self.groups.has_asked(tx) {
                // What was never answered at all ends by itself.
                let _ = self.layer.cancel(transaction_time(now), tx);
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
