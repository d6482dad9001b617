//! The conference event package (RFC 4575): SUBSCRIBE to a focus, and what its NOTIFYs say.

use rcs::address::Address;
use rcs::conference_info::{ConferenceInfo, State};
use sip::{Request, SubscriptionState};
use store::{Group, Subscription};

use super::GroupRequest;
use crate::access::Refusal;
use crate::access::identity::Claim;
use crate::events::{self, CONFERENCE, Notice, Place};
use crate::{Centre, Work};

/// liblinphone's header: the version of the conference-info that it has.
const LAST_NOTIFY_VERSION: &str = "Last-Notify-Version";

/// A SUBSCRIBE that is well formed.
#[derive(Debug)]
pub(super) struct Subscribe {
    wish: events::Subscribe,
    last_version: Option<u32>,
}

impl Subscribe {
    pub(super) fn read(centre: &Centre, request: &Request) -> Result<Self, Refusal> {
        let version = request.header(LAST_NOTIFY_VERSION);
        Ok(Self {
            wish: events::Subscribe::read(centre, request, &[&CONFERENCE])?,
            last_version: version.and_then(|version| version.trim().parse().ok()),
        })
    }
}

impl Centre {
    pub(super) fn decide_subscribe(
        &mut self,
        claim: &Claim<GroupRequest>,
        subscribe: &Subscribe,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let group = self.membership(claim, work)?;
        let mut leg = self.leg(&group.address, &claim.from, work);
        leg.subscriptions.retain(|known| known.expires_at > work.now);
        let known = match &claim.what.dialog {
            Some(id) => {
                let place = leg.subscriptions.iter().position(|known| known.dialog.is(id));
                Some(leg.subscriptions.remove(place.ok_or(Refusal::NoDialog)?))
            }
            None => None,
        };
        let contact = self.focus_contact(&group.address);
        let mut subscription = self.take_subscribe(claim, &subscribe.wish, known, &contact, work)?;
        let info = self.news_since(&group, subscribe.last_version);
        if subscribe.wish.expires_s == 0 {
            self.notify_end(&group.address, &claim.from, &mut subscription, "timeout", Some(&info), work);
        } else {
            self.notify(&group.address, &claim.from, &mut subscription, &info, work);
            // A device that subscribes anew has forgotten the subscription before.
            leg.subscriptions.retain(|known| known.device != subscription.device);
            if leg.subscriptions.len() >= self.config.registration.devices_max {
                leg.subscriptions.remove(0);
            }
            leg.subscriptions.push(subscription);
        }
        work.view.put_leg(leg);
        Ok(())
    }

    /// What somebody is told who knows a version: everything, or that nothing has changed.
    fn news_since(&self, group: &Group, version: Option<u32>) -> ConferenceInfo {
        if version == Some(group.version) {
            return ConferenceInfo::new(group.address.as_str(), State::Partial, group.version);
        }
        self.full_info(group)
    }

    /// Tells a subscriber what has changed.
    pub(super) fn notify(
        &mut self,
        group: &Address,
        member: &Address,
        subscription: &mut Subscription,
        info: &ConferenceInfo,
        work: &Work<'_>,
    ) {
        let left_s = subscription.expires_at.since(work.now).as_secs() as u32;
        self.say(group, member, subscription, SubscriptionState::active(left_s), Some(info), work);
    }

    /// Tells a subscriber that its subscription is over.
    pub(super) fn notify_end(
        &mut self,
        group: &Address,
        member: &Address,
        subscription: &mut Subscription,
        reason: &str,
        info: Option<&ConferenceInfo>,
        work: &Work<'_>,
    ) {
        self.say(group, member, subscription, SubscriptionState::terminated(reason), info, work);
    }

    fn say(
        &mut self,
        group: &Address,
        member: &Address,
        subscription: &mut Subscription,
        state: SubscriptionState<'_>,
        info: Option<&ConferenceInfo>,
        work: &Work<'_>,
    ) {
        let Some(flow) = self.way_to(member, &subscription.device, work).map(|binding| binding.flow) else {
            // The gap in the versions tells it to ask again.
            return;
        };
        let notice = Notice {
            place: Place::Leg(group.clone(), member.clone()),
            package: &CONFERENCE,
            flow,
            contact: &self.focus_contact(group),
            state,
            documents: info.map(|info| documents(self.as_seen_by(info, member))).unwrap_or_default(),
        };
        self.send_notify(subscription, &notice, work.now);
    }

    /// The document with the subscriber itself marked.
    fn as_seen_by(&self, info: &ConferenceInfo, member: &Address) -> ConferenceInfo {
        let mut info = info.clone();
        let own = self.entity(member);
        for user in &mut info.users {
            user.is_own = user.entity == own && user.state != State::Deleted;
        }
        info
    }
}

/// A document and, for datagrams, the same in fewer words: without the icon.
fn documents(mut info: ConferenceInfo) -> Vec<String> {
    let whole = info.to_xml();
    match info.icon.take() {
        Some(_) => vec![whole, info.to_xml()],
        None => vec![whole],
    }
}
