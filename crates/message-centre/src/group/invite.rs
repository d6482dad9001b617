//! INVITE: to the factory it makes a group (RFC 5366), to a focus it joins or comes back, within a dialog it brings in others or
//! changes the subject.

use bytes::Bytes;
use msrp::sdp::{self, Description};
use rcs::address::Address;
use rcs::ids;
use sip::dialog::Dialog;
use sip::dialog::session_timer::{Agreement, OPTION};
use sip::{Flow, HeaderName, Request, ResponseBuilder};
use store::{Group, LegDevice, Member, MemberState, Mode, Role};

use super::invitation::Sent;
use super::members::{Admitted, News};
use super::{ALLOW, GroupRequest, SUPPORTED, list_and_sdp, subscribers};
use crate::access::Refusal;
use crate::access::identity::Claim;
use crate::access::message::id_header;
use crate::delivery::agent::DeviceKey;
use crate::session::{LegId, refusal_of};
use crate::{Centre, Work, transaction_time};

/// An INVITE that is well formed.
#[derive(Debug)]
pub(super) struct Invite {
    is_to_factory: bool,
    /// Who is to be brought in.
    pub(super) recipients: Vec<Address>,
    subject: Option<String>,
    conversation_id: Option<String>,
    contribution_id: Option<String>,
    /// Absent when it offers nothing.
    offer: Option<Description>,
}

/// What becomes of an offer.
#[derive(Default)]
struct Medium {
    session: Option<LegId>,
    /// For the 200.
    description: Option<Description>,
}

impl Medium {
    fn mode(&self) -> Mode {
        if self.session.is_some() { Mode::Session } else { Mode::Pager }
    }
}

/// What the 200 to an INVITE says.
struct Answer<'a> {
    tag: &'a str,
    dialog: &'a Dialog,
    admitted: &'a Admitted,
    medium: Medium,
    agreement: Option<Agreement>,
}

impl Invite {
    fn offers_msrp(&self) -> bool {
        self.offer.as_ref().is_some_and(|offer| offer.msrp().is_some())
    }

    pub(super) fn read(centre: &Centre, request: &Request, is_to_factory: bool) -> Result<Self, Refusal> {
        let (recipients, offer) = list_and_sdp(centre, request)?;
        let parse =
            |offer: Bytes| Description::parse(&offer).map_err(|error| Refusal::bad(format!("SDP: {error}")));
        let subject = request.header(HeaderName::Subject).map(|subject| subject.trim().to_owned());
        Ok(Self {
            is_to_factory,
            recipients: subscribers(centre, &recipients)?,
            subject: centre.subject(subject.as_deref())?,
            conversation_id: id_header(request, HeaderName::ConversationId)?,
            contribution_id: id_header(request, HeaderName::ContributionId)?,
            offer: offer.map(parse).transpose()?,
        })
    }
}

impl Centre {
    /// A subject as it is kept: `None` when it is empty.
    pub(super) fn subject(&self, text: Option<&str>) -> Result<Option<String>, Refusal> {
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) if text.len() > self.config.groups.subject_bytes_max => Err(Refusal::bad(format!(
                "the subject has more than {} bytes",
                self.config.groups.subject_bytes_max
            ))),
            text => Ok(text.map(|text| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())),
        }
    }

    pub(super) fn decide_invite(
        &mut self,
        claim: &Claim<GroupRequest>,
        invite: &Invite,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        if claim.what.dialog.is_some() {
            return self.decide_reinvite(claim, invite, work);
        }
        let device = self.device_of(claim, work)?;
        let tag = self.tag();
        let dialog = Dialog::uas(&claim.request, &tag)?;
        let timer = self.session_timer(claim, invite.offers_msrp())?;
        let (group, admitted) = match work.view.group(&claim.what.group).cloned() {
            None if invite.is_to_factory => self.make_group(claim, invite, work)?,
            None => return Err(Refusal::NoSuchGroup),
            // To the factory, this is a repeat, or a client that lost its way to the focus (rcs-core §14).
            Some(_) => {
                let mut group = self.membership(claim, work)?;
                let admitted = match invite.recipients.is_empty() {
                    true => Admitted::default(),
                    false => self.admit(&mut group, &claim.from, &invite.recipients, work)?,
                };
                (group, admitted)
            }
        };
        let device: DeviceKey = (claim.from.clone(), device);
        let medium = match &invite.offer {
            Some(offer) => self.medium_for(&group, &device, claim.flow, offer, work)?,
            None => Medium::default(),
        };
        self.connect(&group, &device, medium.mode(), Some(dialog.clone()), work);
        let agreement = self.keep_time(&medium, timer, work);
        let answer = Answer { tag: &tag, dialog: &dialog, admitted: &admitted, medium, agreement };
        self.answer_invite(claim, &group, answer, work);
        self.joined(group, &claim.from, admitted.added, work);
        self.bring_in(&claim.what.group, admitted.pending, work);
        Ok(())
    }

    /// The session that an offer sets up, and our answer to it. What cannot be taken is refused, and the device takes part by
    /// MESSAGE.
    fn medium_for(
        &mut self,
        group: &Group,
        device: &DeviceKey,
        flow: Flow,
        offer: &Description,
        work: &Work<'_>,
    ) -> Result<Medium, Refusal> {
        match self.take_member(group, device.clone(), flow, offer, work.now) {
            Ok((session, answer)) => Ok(Medium { session: Some(session), description: Some(answer) }),
            Err(Refusal::TooManySessions) => Err(Refusal::TooManySessions),
            Err(_) => Ok(Medium { session: None, description: Some(offer.refused()) }),
        }
    }

    /// The session timer that a request asks for (RFC 4028), if it is about a session.
    fn session_timer(
        &self,
        claim: &Claim<GroupRequest>,
        has_session: bool,
    ) -> Result<Option<Agreement>, Refusal> {
        let policy = &self.config.sessions.timer;
        has_session.then(|| policy.answer(&claim.request)).transpose().map_err(refusal_of)
    }

    /// Has a session end by the timer that was agreed on; `None` when there is no session.
    fn keep_time(
        &mut self,
        medium: &Medium,
        agreement: Option<Agreement>,
        work: &Work<'_>,
    ) -> Option<Agreement> {
        let (session, agreement) = medium.session.zip(agreement)?;
        self.time_member(session, Some(agreement.timer), work.now);
        Some(agreement)
    }

    fn make_group(
        &mut self,
        claim: &Claim<GroupRequest>,
        invite: &Invite,
        work: &mut Work<'_>,
    ) -> Result<(Group, Admitted), Refusal> {
        if work.view.memberships(&claim.from).len() >= self.config.groups.groups_max {
            return Err(Refusal::forbidden("you are in as many groups as one may be"));
        }
        let creator = Member {
            address: claim.from.clone(),
            role: Role::Admin,
            state: MemberState::Joined,
            invited_by: claim.from.clone(),
            since: work.now,
        };
        let mut group = Group {
            address: claim.what.group.clone(),
            conversation_id: invite
                .conversation_id
                .clone()
                .unwrap_or_else(|| ids::conversation_id(self.random_16())),
            contribution_id: invite
                .contribution_id
                .clone()
                .unwrap_or_else(|| ids::conversation_id(self.random_16())),
            subject: self.new_subject(invite.subject.clone(), &claim.from, work),
            version: 1,
            created_by: claim.from.clone(),
            created_at: work.now,
            icon: None,
            members: vec![creator],
        };
        let admitted = self.admit(&mut group, &claim.from, &invite.recipients, work)?;
        if group.members.len() < 2 {
            return Err(Refusal::NotFound);
        }
        Ok((group, admitted))
    }

    /// Within the dialog of a device: a new subject (liblinphone), new members, or nothing but a refresh.
    fn decide_reinvite(
        &mut self,
        claim: &Claim<GroupRequest>,
        invite: &Invite,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let id = claim.what.dialog.as_ref().ok_or(Refusal::NoDialog)?;
        let mut leg = self.leg(&claim.what.group, &claim.from, work);
        let known =
            leg.devices.iter_mut().find(|device| device.dialog.as_ref().is_some_and(|dialog| dialog.is(id)));
        let known = known.ok_or(Refusal::NoDialog)?;
        let dialog = known.dialog.as_mut().ok_or(Refusal::NoDialog)?;
        dialog.receive(&claim.request)?;
        let dialog = dialog.clone();
        let device: DeviceKey = (claim.from.clone(), known.device.clone());
        let session = self.member_session(&device, &claim.what.group);
        let timer = self.session_timer(claim, session.is_some() || invite.offers_msrp())?;
        let mut group = self.membership(claim, work)?;
        let admitted = match invite.recipients.is_empty() {
            true => Admitted::default(),
            false => self.admit(&mut group, &claim.from, &invite.recipients, work)?,
        };
        let subject = group.subject.as_ref().map(|subject| subject.text.as_str());
        let is_renamed = invite.subject.is_some() && invite.subject.as_deref() != subject;
        if is_renamed {
            self.may_change_subject(&group, &claim.from)?;
            group.subject = self.new_subject(invite.subject.clone(), &claim.from, work);
        }
        let medium = match &invite.offer {
            // RFC 3261 §14.2: without an offer, ours stands.
            None => Medium { session, description: session.and_then(|id| self.describe_member(id)) },
            Some(offer) => match session.filter(|_| offer.msrp().is_some()) {
                Some(id) => {
                    let answer = self.renew_member(id, claim.flow, offer, work.now)?;
                    Medium { session, description: Some(answer) }
                }
                None => {
                    // The medium is taken away, or one comes that was not there.
                    if let Some(id) = session {
                        self.drop_leg(id);
                    }
                    self.medium_for(&group, &device, claim.flow, offer, work)?
                }
            },
        };
        if invite.offer.is_some() {
            known.mode = medium.mode();
        }
        work.view.put_leg(leg);
        if session.is_none() && medium.session.is_some() {
            self.now_in_session(&device, &claim.what.group, work);
        }
        let agreement = self.keep_time(&medium, timer, work);
        let answer = Answer { tag: "", dialog: &dialog, admitted: &admitted, medium, agreement };
        self.answer_invite(claim, &group, answer, work);
        if is_renamed || !admitted.added.is_empty() {
            self.announce(group, News { changed: &admitted.added, is_renamed, ..News::default() }, work);
        }
        self.bring_in(&claim.what.group, [admitted.added, admitted.pending].concat(), work);
        Ok(())
    }

    /// Notes that a device takes part, in the place of what was known of it. A session that it had before has ended with the medium.
    pub(super) fn connect(
        &mut self,
        group: &Group,
        device: &DeviceKey,
        mode: Mode,
        dialog: Option<Dialog>,
        work: &mut Work<'_>,
    ) {
        let mut leg = self.leg(&group.address, &device.0, work);
        let flow = self.way_to(&device.0, &device.1, work).map(|binding| binding.flow);
        let known = leg.devices.iter().position(|known| known.device == device.1);
        if let Some(LegDevice { mode: Mode::Session, dialog: Some(mut old), .. }) =
            known.map(|place| leg.devices.remove(place))
            && let Some(flow) = flow
        {
            self.ask(flow, old.bye().build(), Sent::Bye, work);
        }
        // Devices come and go; the oldest that nobody has heard of for long gives way.
        if leg.devices.len() >= self.config.registration.devices_max {
            leg.devices.remove(0);
        }
        leg.devices.push(LegDevice { device: device.1.clone(), mode, dialog });
        work.view.put_leg(leg);
        match mode {
            Mode::Session => self.now_in_session(device, &group.address, work),
            Mode::Pager => self.drop_member(&device.0, &group.address, Some(&device.1)),
        }
    }

    fn answer_invite(
        &mut self,
        claim: &Claim<GroupRequest>,
        group: &Group,
        answer: Answer<'_>,
        work: &mut Work<'_>,
    ) {
        let Answer { tag, dialog, admitted, medium, agreement } = answer;
        let supported = SUPPORTED.iter().copied().chain(agreement.map(|_| OPTION));
        let mut response = ResponseBuilder::for_request(&claim.request, 200, "OK")
            .to_tag(tag)
            .source(claim.flow.peer)
            .header(HeaderName::Contact, self.focus_contact(&group.address))
            .header(HeaderName::PAssertedIdentity, format_args!("<{}>", group.address))
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::AllowEvents, rcs::conference_info::EVENT)
            .header(HeaderName::Supported, supported.collect::<Vec<_>>().join(", "))
            .header(HeaderName::ConversationId, &group.conversation_id)
            .header(HeaderName::ContributionId, &group.contribution_id);
        if let Some(route) = self.record_route_back(&claim.request, claim.flow.transport) {
            response = response.header(HeaderName::RecordRoute, route);
        }
        if let Some(subject) = &group.subject {
            response = response.header(HeaderName::Subject, &subject.text);
        }
        if !admitted.unknown.is_empty() {
            let names: Vec<&str> = admitted.unknown.iter().take(10).map(Address::as_str).collect();
            let warning = format!("399 {} \"not brought in: {}\"", self.config.domain(), names.join(" "));
            response = response.header(HeaderName::Warning, warning);
        }
        if let Some(agreement) = agreement {
            response = response.header(HeaderName::SessionExpires, agreement.session_expires);
            if agreement.is_required {
                response = response.header(HeaderName::Require, OPTION);
            }
        }
        if let Some(description) = &medium.description {
            response = response.body(sdp::CONTENT_TYPE, description.to_bytes());
        }
        let response = response.build();
        let now = transaction_time(work.now);
        self.calls.answered(now, claim.tx, dialog.id(), response.clone(), &self.config.transactions.timing);
        self.respond(work.now, claim.tx, response);
    }
}
