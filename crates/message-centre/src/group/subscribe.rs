//! SUBSCRIBE to a focus, and the NOTIFYs that follow (RFC 6665, RFC 4575).

use std::time::Duration;

use rcs::conference_info::{self, ConferenceInfo, State};
use rcs::encoding;
use sip::dialog::Dialog;
use sip::value::Event;
use sip::{HeaderName, Request, RequestBuilder, ResponseBuilder, SubscriptionState};
use store::{Group, Subscription};

use super::GroupRequest;
use super::invitation::Sent;
use crate::access::Refusal;
use crate::access::identity::Claim;
use crate::{Centre, Work};
use rcs::address::Address;

/// liblinphone's header: the version of the conference-info that it has.
const LAST_NOTIFY_VERSION: &str = "Last-Notify-Version";

/// A SUBSCRIBE that is well formed.
#[derive(Debug)]
pub(super) struct Subscribe {
    event_id: Option<String>,
    expires_s: u32,
    accepts_deflate: bool,
    last_version: Option<u32>,
}

impl Subscribe {
    pub(super) fn read(centre: &Centre, request: &Request) -> Result<Self, Refusal> {
        let event = request.raw(HeaderName::Event).ok_or(Refusal::BadEvent)?;
        let event = Event::parse(event)?;
        if event.package != conference_info::EVENT {
            return Err(Refusal::BadEvent);
        }
        let mut accepted = request.tokens(HeaderName::Accept).peekable();
        let is_ours = |media_type: &str| {
            let media_type = rcs::content_type::essence(media_type);
            [conference_info::CONTENT_TYPE, "application/*", "*/*"]
                .iter()
                .any(|ours| ours.eq_ignore_ascii_case(media_type))
        };
        if accepted.peek().is_some() && !accepted.any(is_ours) {
            return Err(Refusal::NotAcceptable);
        }
        if event.id().is_some_and(|id| id.len() > 128) {
            return Err(Refusal::bad("Event: its id is too long"));
        }
        let most = centre.config.groups.subscription_s_max;
        Ok(Self {
            event_id: event.id().map(str::to_owned),
            expires_s: request.expires()?.unwrap_or(most).min(most),
            accepts_deflate: request.has_token(HeaderName::AcceptEncoding, "deflate"),
            last_version: request.header(LAST_NOTIFY_VERSION).and_then(|version| version.trim().parse().ok()),
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
        let tag = self.tag();
        let expires_at = work.now.plus(Duration::from_secs(subscribe.expires_s.into()));
        let mut subscription = match &claim.what.dialog {
            Some(id) => {
                let place = leg.subscriptions.iter().position(|known| known.dialog.is(id));
                let mut known = leg.subscriptions.remove(place.ok_or(Refusal::NoDialog)?);
                known.dialog.receive(&claim.request)?;
                Subscription { expires_at, ..known }
            }
            None => Subscription {
                device: self.device_of(claim, work)?,
                dialog: Dialog::uas(&claim.request, &tag)?,
                event_id: subscribe.event_id.clone(),
                accepts_deflate: subscribe.accepts_deflate,
                expires_at,
            },
        };
        // A device that subscribes anew has forgotten the subscription before.
        leg.subscriptions.retain(|known| known.device != subscription.device);
        if leg.subscriptions.len() >= self.config.registration.devices_max {
            leg.subscriptions.remove(0);
        }
        let mut response = ResponseBuilder::for_request(&claim.request, 200, "OK")
            .to_tag(&tag)
            .source(claim.flow.peer)
            .header(HeaderName::Contact, self.focus_contact(&group.address))
            .header(HeaderName::Expires, subscribe.expires_s);
        if let Some(route) = self.record_route_back(&claim.request, claim.flow.transport) {
            response = response.header(HeaderName::RecordRoute, route);
        }
        self.respond(work.now, claim.tx, response.build());
        let info = self.news_since(&group, subscribe.last_version);
        if subscribe.expires_s == 0 {
            self.notify_end(&group.address, &claim.from, &mut subscription, "timeout", Some(&info), work);
        } else {
            self.notify(&group.address, &claim.from, &mut subscription, &info, work);
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
        let state = SubscriptionState::active(left_s).to_string();
        self.send_notify(group, member, subscription, &state, Some(info), work);
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
        let state = SubscriptionState::terminated(reason).to_string();
        self.send_notify(group, member, subscription, &state, info, work);
    }

    fn send_notify(
        &mut self,
        group: &Address,
        member: &Address,
        subscription: &mut Subscription,
        state: &str,
        info: Option<&ConferenceInfo>,
        work: &Work<'_>,
    ) {
        let Some(flow) = self.way_to(member, &subscription.device, work).map(|binding| binding.flow) else {
            // The gap in the versions tells it to ask again.
            return;
        };
        let mut event = conference_info::EVENT.to_owned();
        if let Some(id) = &subscription.event_id {
            event.push_str(";id=");
            event.push_str(id);
        }
        let request = subscription
            .dialog
            .request("NOTIFY")
            .header(HeaderName::Contact, self.focus_contact(group))
            .header(HeaderName::Event, event)
            .header(HeaderName::SubscriptionState, state);
        let sent = Sent::Notify {
            group: group.clone(),
            member: member.clone(),
            subscription: subscription.dialog.id(),
        };
        let Some(info) = info else {
            self.ask(flow, request.build(), sent, work);
            return;
        };
        let body = self.as_seen_by(info, member).to_xml();
        let plain = |request: RequestBuilder, body: &str| {
            request.body(conference_info::CONTENT_TYPE, body.as_bytes().to_vec()).build()
        };
        if self.ask(flow, plain(request.clone(), &body), sent.clone(), work) || !subscription.accepts_deflate
        {
            return;
        }
        // Too large for a datagram; perhaps not when it is compressed.
        let request = request.header(HeaderName::ContentEncoding, "deflate");
        let request = request.body(conference_info::CONTENT_TYPE, encoding::deflate(body.as_bytes()));
        self.ask(flow, request.build(), sent, work);
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
