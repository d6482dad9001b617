//! REFER to a focus: bringing members in, removing them, leaving, giving roles (RFC 4579 §5.6, RFC 5368).

use rcs::address::Address;
use rcs::sipfrag::{self, SipFrag};
use sip::dialog::Dialog;
use sip::{HeaderName, Method, ReferTo, Request, ResponseBuilder, SubscriptionState, Uri, reason_phrase};
use store::{Group, Role};

use super::invitation::Sent;
use super::members::{Farewell, News};
use super::{GroupRequest, SUPPORTED, list_and_sdp};
use crate::access::identity::Claim;
use crate::access::{Refusal, address_of};
use crate::{Centre, Work};

/// A REFER that is well formed.
#[derive(Debug)]
pub(super) struct Refer {
    pub(super) targets: Vec<Target>,
    /// Whether the sender wants no NOTIFY about it (RFC 4488).
    is_silent: bool,
}

/// What is to happen to somebody.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) address: Address,
    what: ToDo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ToDo {
    Add,
    Remove,
    /// liblinphone's `admin` parameter.
    SetRole(Role),
}

impl Refer {
    pub(super) fn read(centre: &Centre, request: &Request) -> Result<Self, Refusal> {
        let value = request.raw(HeaderName::ReferTo).ok_or(Refusal::bad("Refer-To: missing"))?;
        let refer_to = ReferTo::parse(value)?;
        let mut targets = Vec::new();
        if refer_to.content_id().is_some() {
            for recipient in list_and_sdp(centre, request)?.0 {
                let uri = Uri::parse(&recipient.uri).map_err(|error| Refusal::bad(error.reason()))?;
                let method = uri.params().get("method").map_or(Method::Invite, Method::of);
                targets.push(Target { address: address_of(centre, &recipient.uri)?, what: to_do(method)? });
            }
        } else {
            let role = match refer_to.name_addr.params.get("admin") {
                Some(is_admin) if is_admin.eq_ignore_ascii_case("true") => Some(Role::Admin),
                Some(_) => Some(Role::Participant),
                None => None,
            };
            let what = role.map_or_else(|| to_do(refer_to.method()), |role| Ok(ToDo::SetRole(role)))?;
            let address = address_of(centre, refer_to.name_addr.uri.as_str())?;
            targets.push(Target { address, what });
        }
        if targets.is_empty() {
            return Err(Refusal::bad("Refer-To: nobody"));
        }
        let is_silent = request
            .header(HeaderName::ReferSub)
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("false"));
        Ok(Self { targets, is_silent })
    }
}

fn to_do(method: Method<'_>) -> Result<ToDo, Refusal> {
    match method {
        Method::Invite => Ok(ToDo::Add),
        Method::Bye => Ok(ToDo::Remove),
        _ => Err(Refusal::bad("Refer-To: a focus sends INVITE and BYE")),
    }
}

impl Centre {
    pub(super) fn decide_refer(
        &mut self,
        claim: &Claim<GroupRequest>,
        refer: &Refer,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let mut group = self.membership(claim, work)?;
        self.answerable(claim, refer, work)?;
        let of = |what: ToDo| -> Vec<Address> {
            let targets = refer.targets.iter().filter(|target| target.what == what);
            targets.map(|target| target.address.clone()).collect()
        };
        let (added, removed) = (of(ToDo::Add), of(ToDo::Remove));
        let (raised, lowered) = (of(ToDo::SetRole(Role::Admin)), of(ToDo::SetRole(Role::Participant)));
        let is_admin = group.member(&claim.from).is_some_and(|member| member.role == Role::Admin);
        if !is_admin {
            if removed.iter().any(|gone| *gone != claim.from) {
                return Err(Refusal::forbidden("only administrators remove others"));
            }
            if !raised.is_empty() || !lowered.is_empty() {
                return Err(Refusal::forbidden("only administrators give roles"));
            }
        }
        for known in removed.iter().chain(&raised).chain(&lowered) {
            group.member(known).ok_or(Refusal::NotFound)?;
        }
        let (mut invited, mut pending) = (Vec::new(), Vec::new());
        if !added.is_empty() {
            let admitted = self.admit(&mut group, &claim.from, &added, work)?;
            (invited, pending) = (admitted.added, admitted.pending);
        }
        let given =
            set_roles(&mut group, &raised, Role::Admin) + set_roles(&mut group, &lowered, Role::Participant);
        let is_orphaned = group.members.iter().all(|member| member.role != Role::Admin);
        if is_orphaned && !lowered.is_empty() {
            return Err(Refusal::forbidden("somebody has to be an administrator"));
        }
        self.answer_refer(claim, refer, work)?;
        let mut changed = invited.clone();
        changed.extend(raised.into_iter().chain(lowered));
        let address = group.address.clone();
        if !invited.is_empty() || given > 0 {
            self.announce(group, News { changed: &changed, ..News::default() }, work);
            self.bring_in(&address, invited, work);
        }
        self.bring_in(&address, pending, work);
        if !removed.is_empty()
            && let Some(group) = work.view.group(&address).cloned()
        {
            let how = if removed == [claim.from.clone()] { Farewell::Left } else { Farewell::Removed };
            self.part(group, &removed, how, work);
        }
        Ok(())
    }

    /// Whether the answer can be sent that this REFER asks for, before anything is changed.
    fn answerable(&self, claim: &Claim<GroupRequest>, refer: &Refer, work: &Work<'_>) -> Result<(), Refusal> {
        if claim.what.dialog.is_none() && !refer.is_silent {
            Dialog::uas(&claim.request, "")?;
            self.device_of(claim, work)?;
        }
        Ok(())
    }

    /// 202, and unless the sender wants none the one NOTIFY that says that all is done (RFC 3515 §2.4.4).
    fn answer_refer(
        &mut self,
        claim: &Claim<GroupRequest>,
        refer: &Refer,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let tag = self.tag();
        let mut response = ResponseBuilder::for_request(&claim.request, 202, "Accepted")
            .to_tag(&tag)
            .source(claim.flow.peer)
            .header(HeaderName::Contact, self.focus_contact(&claim.what.group))
            .header(HeaderName::Supported, SUPPORTED.join(", "));
        if let Some(route) = self.record_route_back(&claim.request, claim.flow.transport) {
            response = response.header(HeaderName::RecordRoute, route);
        }
        if refer.is_silent {
            response = response.header(HeaderName::ReferSub, "false");
        }
        // The dialog may be the device's own, which counts on; or one that lives for this only.
        let mut leg = self.leg(&claim.what.group, &claim.from, work);
        let mut own = Dialog::uas(&claim.request, &tag);
        let dialog = match &claim.what.dialog {
            Some(id) => {
                let dialogs = leg.devices.iter_mut().filter_map(|device| device.dialog.as_mut());
                let mut dialogs = dialogs.chain(leg.subscriptions.iter_mut().map(|known| &mut known.dialog));
                let dialog = dialogs.find(|dialog| dialog.is(id)).ok_or(Refusal::NoDialog)?;
                dialog.receive(&claim.request)?;
                Some(dialog)
            }
            None => own.as_mut().ok(),
        };
        let notify = dialog.filter(|_| !refer.is_silent).map(|dialog| {
            let event = format!("refer;id={}", claim.request.cseq().map_or(0, |cseq| cseq.number));
            dialog
                .request("NOTIFY")
                .header(HeaderName::Contact, self.focus_contact(&claim.what.group))
                .header(HeaderName::Event, event)
                .header(HeaderName::SubscriptionState, SubscriptionState::terminated("noresource"))
                .body(sipfrag::CONTENT_TYPE, SipFrag::new(200, reason_phrase(200)).to_string())
                .build()
        });
        work.view.put_leg(leg);
        self.respond(work.now, claim.tx, response.build());
        if let Some(notify) = notify {
            self.ask(claim.flow, notify, Sent::Bye, work);
        }
        Ok(())
    }
}

/// Gives members a role; how many had another.
fn set_roles(group: &mut Group, addresses: &[Address], role: Role) -> usize {
    let mut changed = 0;
    for address in addresses {
        if let Some(member) = group.member_mut(address)
            && member.role != role
        {
            member.role = role;
            changed += 1;
        }
    }
    changed
}
