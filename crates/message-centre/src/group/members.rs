//! Who is in a group: coming, going, roles; and telling the others.

use rcs::address::{Address, AddressKind};
use rcs::conference_info::{self, ConferenceInfo, Endpoint, State, Status, User};
use sip::{HeaderName, Reason};
use store::{Group, Member, MemberState, Role, Subject, Wants};

use super::NOT_A_MEMBER;
use super::invitation::Sent;
use crate::access::Refusal;
use crate::work::Task;
use crate::{Centre, Work};

/// Whom a request to bring somebody in has brought in, and of whom nobody knows.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    pub(super) added: Vec<Address>,
    /// Who is in it already and has not answered yet: to be called again.
    pub(super) pending: Vec<Address>,
    pub(super) unknown: Vec<Address>,
}

/// Why a member's devices are let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// It left.
    Left,
    /// An administrator removed it.
    Removed,
}

/// Devices of somebody who is no member any more: to be told so.
#[derive(Debug)]
pub struct Parting {
    group: Address,
    member: Address,
    how: Farewell,
}

/// What of a group has changed.
#[derive(Debug, Default)]
pub(super) struct News<'a> {
    /// Members that came or are otherwise than they were.
    pub(super) changed: &'a [Address],
    /// Members that are no more.
    pub(super) gone: &'a [Address],
    /// Whether the subject is another.
    pub(super) is_renamed: bool,
    /// The icon, if it is another.
    pub(super) icon: Option<conference_info::Icon>,
}

/// A change that the members of a group are told of.
#[derive(Debug)]
pub struct Telling {
    group: Address,
    /// The members when the change was made.
    to: Vec<Address>,
    change: ConferenceInfo,
}

/// Somebody who is to be in a group no longer, without having asked.
#[derive(Debug)]
pub struct Leave {
    pub(crate) group: Address,
    pub(crate) member: Address,
}

impl Leave {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.group(&self.group);
        wants.memberships(&self.member);
    }
}

impl Parting {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.leg(&self.group, &self.member);
        wants.bindings(&self.member);
    }
}

impl Telling {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        for member in &self.to {
            wants.leg(&self.group, member);
            wants.bindings(member);
        }
    }
}

impl Centre {
    /// Brings subscribers into a group that is then to be stored. Those who are in it already stay as they are; those whom nobody
    /// knows, or who are in too many groups, are left out and named, unless nobody is left.
    pub(super) fn admit(
        &mut self,
        group: &mut Group,
        by: &Address,
        wanted: &[Address],
        work: &Work<'_>,
    ) -> Result<Admitted, Refusal> {
        let is_admin = group.member(by).is_some_and(|member| member.role == Role::Admin);
        if !is_admin && !self.config.groups.members_may_add {
            return Err(Refusal::forbidden("only administrators bring in others"));
        }
        let mut admitted = Admitted::default();
        let mut is_any_known = false;
        for address in wanted {
            if let Some(member) = group.member(address) {
                is_any_known |= address != by;
                if member.state == MemberState::Pending {
                    admitted.pending.push(address.clone());
                }
            } else if address.kind() != AddressKind::Subscriber
                || work.view.account(address).is_none()
                || work.view.memberships(address).len() >= self.config.groups.groups_max
            {
                admitted.unknown.push(address.clone());
            } else {
                admitted.added.push(address.clone());
            }
        }
        if admitted.added.is_empty() && !is_any_known {
            return Err(Refusal::NotFound);
        }
        if group.members.len() + admitted.added.len() > self.config.groups.members_max {
            return Err(Refusal::GroupFull { max: self.config.groups.members_max });
        }
        for address in &admitted.added {
            group.members.push(Member {
                address: address.clone(),
                role: Role::Participant,
                state: MemberState::Pending,
                invited_by: by.clone(),
                since: work.now,
            });
        }
        Ok(admitted)
    }

    /// A device of `member` takes part, and `added` are new: stores the group, tells its members, invites the new ones and the
    /// member's other devices.
    pub(super) fn joined(
        &mut self,
        mut group: Group,
        member: &Address,
        added: Vec<Address>,
        work: &mut Work<'_>,
    ) {
        let mut news = added.clone();
        if let Some(member) = group.member_mut(member)
            && member.state == MemberState::Pending
        {
            member.state = MemberState::Joined;
            news.push(member.address.clone());
        }
        let address = group.address.clone();
        let is_new = work.view.group(&address).is_none();
        match is_new {
            true => work.view.put_group(group),
            false if !news.is_empty() => {
                self.announce(group, News { changed: &news, ..News::default() }, work)
            }
            false => {}
        }
        let mut invited = added;
        invited.push(member.clone());
        self.bring_in(&address, invited, work);
    }

    /// Takes members out of a group. When nobody is left it ends; when no administrator is left, the oldest member becomes one.
    pub(super) fn part(&mut self, mut group: Group, gone: &[Address], how: Farewell, work: &mut Work<'_>) {
        group.members.retain(|member| !gone.contains(&member.address));
        for member in gone {
            let mut groups = work.view.memberships(member).to_vec();
            groups.retain(|known| *known != group.address);
            work.view.put_memberships(member, groups);
            work.then.push(Task::Parting(Box::new(Parting {
                group: group.address.clone(),
                member: member.clone(),
                how,
            })));
        }
        if group.members.is_empty() {
            return work.view.remove_group(&group.address);
        }
        let mut promoted = Vec::new();
        if !group.members.iter().any(|member| member.role == Role::Admin) {
            let joined = group.members.iter().position(|member| member.state == MemberState::Joined);
            let heir = &mut group.members[joined.unwrap_or(0)];
            heir.role = Role::Admin;
            promoted.push(heir.address.clone());
        }
        self.announce(group, News { changed: &promoted, gone, ..News::default() }, work);
    }

    pub(crate) fn decide_leave(&mut self, leave: Leave, work: &mut Work<'_>) {
        let Some(group) = work.view.group(&leave.group).cloned() else { return };
        if group.member(&leave.member).is_some() {
            self.part(group, std::slice::from_ref(&leave.member), Farewell::Removed, work);
        }
    }

    pub(super) fn may_change_subject(&self, group: &Group, by: &Address) -> Result<(), Refusal> {
        let may_all = self.config.groups.members_may_change_subject;
        self.check_right(group, by, may_all, "only administrators change the subject")
    }

    /// Whether somebody is a member, and may do what perhaps only administrators may.
    pub(super) fn check_right(
        &self,
        group: &Group,
        by: &Address,
        may_all: bool,
        otherwise: &'static str,
    ) -> Result<(), Refusal> {
        let member = group.member(by).ok_or(Refusal::forbidden(NOT_A_MEMBER))?;
        match may_all || member.role == Role::Admin {
            true => Ok(()),
            false => Err(Refusal::forbidden(otherwise)),
        }
    }

    pub(super) fn new_subject(&self, text: Option<String>, by: &Address, work: &Work<'_>) -> Option<Subject> {
        text.map(|text| Subject { text, by: by.clone(), at: work.now })
    }

    /// Stores a group that has changed under its next version, and tells its members.
    pub(super) fn announce(&mut self, mut group: Group, news: News<'_>, work: &mut Work<'_>) {
        let News { changed, gone, is_renamed, icon } = news;
        group.version = group.version.wrapping_add(1);
        let mut change = ConferenceInfo::new(group.address.as_str(), State::Partial, group.version);
        change.icon = icon;
        if is_renamed {
            change.subject =
                Some(group.subject.as_ref().map_or(String::new(), |subject| subject.text.clone()));
        }
        change.user_count = Some(group.members.len() as u32);
        let members = group.members.iter().filter(|member| changed.contains(&member.address));
        change.users = members.map(|member| self.user(member)).collect();
        change.users.extend(gone.iter().map(|gone| User::new(self.entity(gone), State::Deleted)));
        let to = group.members.iter().map(|member| member.address.clone()).collect();
        let telling = Telling { group: group.address.clone(), to, change };
        work.view.put_group(group);
        work.then.push(Task::Telling(Box::new(telling)));
    }

    /// Everything that may be known of a group.
    pub(super) fn full_info(&self, group: &Group) -> ConferenceInfo {
        let mut info = ConferenceInfo::new(group.address.as_str(), State::Full, group.version);
        info.subject = group.subject.as_ref().map(|subject| subject.text.clone());
        info.icon = self.icon_info(group);
        info.maximum_user_count = Some(self.config.groups.members_max as u32);
        info.user_count = Some(group.members.len() as u32);
        info.users = group.members.iter().map(|member| self.user(member)).collect();
        info
    }

    /// The URI by which the members of a group know each other.
    pub(super) fn entity(&self, member: &Address) -> String {
        member.sip_uri(self.config.domain())
    }

    fn user(&self, member: &Member) -> User {
        let (role, status) = match (member.role, member.state) {
            (Role::Admin, MemberState::Joined) => (conference_info::Role::Admin, Status::Connected),
            (Role::Admin, MemberState::Pending) => (conference_info::Role::Admin, Status::Pending),
            (Role::Participant, MemberState::Joined) => {
                (conference_info::Role::Participant, Status::Connected)
            }
            (Role::Participant, MemberState::Pending) => {
                (conference_info::Role::Participant, Status::Pending)
            }
        };
        let entity = self.entity(&member.address);
        // One endpoint for all devices: which devices a member has is nobody's business but its own.
        let endpoint = Endpoint {
            entity: entity.clone(),
            status: Some(status),
            joined_at: Some(member.since),
            ..Endpoint::default()
        };
        User { roles: vec![role], endpoints: vec![endpoint], ..User::new(entity, State::Full) }
    }

    /// Sends a change to everybody who has subscribed.
    pub(crate) fn decide_telling(&mut self, telling: Telling, work: &mut Work<'_>) {
        for member in &telling.to {
            let mut leg = self.leg(&telling.group, member, work);
            leg.subscriptions.retain(|subscription| subscription.expires_at > work.now);
            if leg.subscriptions.is_empty() {
                continue;
            }
            for subscription in &mut leg.subscriptions {
                self.notify(&telling.group, member, subscription, &telling.change, work);
            }
            work.view.put_leg(leg);
        }
    }

    /// Ends the dialogs and subscriptions of somebody who is no member any more.
    pub(crate) fn decide_parting(&mut self, parting: Parting, work: &mut Work<'_>) {
        let Parting { group, member, how } = parting;
        self.drop_member(&member, &group, None);
        let leg = self.leg(&group, &member, work);
        let reason = match how {
            Farewell::Left => Reason::sip(200, "Call completed"),
            Farewell::Removed => Reason::sip(410, "Gone"),
        };
        for mut subscription in leg.subscriptions.iter().cloned() {
            self.notify_end(&group, &member, &mut subscription, "noresource", None, work);
        }
        for device in leg.devices.iter() {
            let Some(mut dialog) = device.dialog.clone() else { continue };
            let Some(flow) = self.way_to(&member, &device.device, work).map(|binding| binding.flow) else {
                continue;
            };
            let bye = dialog.bye().header(HeaderName::Reason, &reason).build();
            self.ask(flow, bye, Sent::Bye, work);
        }
        work.view.remove_leg(&leg.key());
    }
}
