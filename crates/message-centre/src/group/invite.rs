//! INVITE: to the factory it makes a group (RFC 5366), to a focus it joins or comes back, within a dialog it brings in others or
//! changes the subject.

use bytes::Bytes;
use msrp::sdp::{self, Description};
use rcs::address::Address;
use rcs::ids;
use sip::dialog::Dialog;
use sip::{HeaderName, Request, ResponseBuilder};
use store::{Group, LegDevice, Member, MemberState, Mode, Role};

use super::members::Admitted;
use super::{ALLOW, GroupRequest, SUPPORTED, list_and_sdp, subscribers};
use crate::access::Refusal;
use crate::access::identity::Claim;
use crate::access::message::id_header;
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
    /// The answer to its offer; absent when it offers nothing.
    sdp: Option<Bytes>,
}

impl Invite {
    pub(super) fn read(centre: &Centre, request: &Request, is_to_factory: bool) -> Result<Self, Refusal> {
        let (recipients, offer) = list_and_sdp(centre, request)?;
        let answer = |offer: Bytes| match Description::parse(&offer) {
            Ok(offer) => Ok(offer.refused().to_bytes()),
            Err(error) => Err(Refusal::bad(format!("SDP: {error}"))),
        };
        let subject = request.header(HeaderName::Subject).map(|subject| subject.trim().to_owned());
        Ok(Self {
            is_to_factory,
            recipients: subscribers(centre, &recipients)?,
            subject: centre.subject(subject.as_deref())?,
            conversation_id: id_header(request, HeaderName::ConversationId)?,
            contribution_id: id_header(request, HeaderName::ContributionId)?,
            sdp: offer.map(answer).transpose()?,
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
        self.connect(&group, &claim.from, &device, Some(dialog.clone()), work);
        self.answer_invite(claim, invite, &group, &tag, &dialog, &admitted, work);
        self.joined(group, &claim.from, admitted.added, work);
        Ok(())
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
        let device =
            leg.devices.iter_mut().find(|device| device.dialog.as_ref().is_some_and(|dialog| dialog.is(id)));
        let dialog = device.and_then(|device| device.dialog.as_mut()).ok_or(Refusal::NoDialog)?;
        dialog.receive(&claim.request)?;
        let dialog = dialog.clone();
        let mut group = self.membership(claim, work)?;
        let admitted = match invite.recipients.is_empty() {
            true => Admitted::default(),
            false => self.admit(&mut group, &claim.from, &invite.recipients, work)?,
        };
        let known = group.subject.as_ref().map(|subject| subject.text.as_str());
        let is_renamed = invite.subject.is_some() && invite.subject.as_deref() != known;
        if is_renamed {
            self.may_change_subject(&group, &claim.from)?;
            group.subject = self.new_subject(invite.subject.clone(), &claim.from, work);
        }
        work.view.put_leg(leg);
        self.answer_invite(claim, invite, &group, "", &dialog, &admitted, work);
        if is_renamed || !admitted.added.is_empty() {
            self.announce(group, &admitted.added, &[], is_renamed, work);
        }
        self.bring_in(&claim.what.group, admitted.added, work);
        Ok(())
    }

    /// Notes that a device takes part, in the place of what was known of it.
    pub(super) fn connect(
        &mut self,
        group: &Group,
        member: &Address,
        device: &str,
        dialog: Option<Dialog>,
        work: &mut Work<'_>,
    ) {
        let mut leg = self.leg(&group.address, member, work);
        leg.devices.retain(|known| known.device != device);
        // Devices come and go; the oldest that nobody has heard of for long gives way.
        if leg.devices.len() >= self.config.registration.devices_max {
            leg.devices.remove(0);
        }
        leg.devices.push(LegDevice { device: device.to_owned(), mode: Mode::Pager, dialog });
        work.view.put_leg(leg);
    }

    #[allow(clippy::too_many_arguments, reason = "what an answer says comes from everywhere")]
    fn answer_invite(
        &mut self,
        claim: &Claim<GroupRequest>,
        invite: &Invite,
        group: &Group,
        tag: &str,
        dialog: &Dialog,
        admitted: &Admitted,
        work: &mut Work<'_>,
    ) {
        let mut response = ResponseBuilder::for_request(&claim.request, 200, "OK")
            .to_tag(tag)
            .source(claim.flow.peer)
            .header(HeaderName::Contact, self.focus_contact(&group.address))
            .header(HeaderName::PAssertedIdentity, format_args!("<{}>", group.address))
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::AllowEvents, rcs::conference_info::EVENT)
            .header(HeaderName::Supported, SUPPORTED.join(", "))
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
        if let Some(sdp) = &invite.sdp {
            response = response.body(sdp::CONTENT_TYPE, sdp.clone());
        }
        let response = response.build();
        let now = transaction_time(work.now);
        self.calls.answered(now, claim.tx, dialog.id(), response.clone(), &self.config.transactions.timing);
        self.respond(work.now, claim.tx, response);
    }
}
