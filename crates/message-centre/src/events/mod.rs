//! Subscriptions and what subscribers are told (RFC 6665): here SUBSCRIBE is read and taken and NOTIFY is sent, whatever the event
//! package. Which packages there are, and what each has to tell, is said elsewhere: a group's members in [`crate::group`], a
//! subscriber's devices in [`registration`], what somebody can take in [`presence`]. [`watch`] has what the last two share: who
//! watches whom, and when there is news.
//!
//! A subscription is a row, with its dialog, so that it goes on after a restart.

mod presence;
mod registration;
mod watch;

use std::collections::BTreeSet;
use std::time::Duration;

use rcs::address::Address;
use rcs::{Timestamp, conference_info, encoding, registration_info};
use rustc_hash::FxHashMap;
use sip::dialog::{Dialog, DialogId};
use sip::transaction::ClientTxId;
use sip::value::Event;
use sip::{Flow, HeaderName, Request, RequestBuilder, ResponseBuilder, SubscriptionState};
use store::{Subscription, Wants};

use crate::access::Refusal;
use crate::access::identity::Claim;
use crate::{Centre, Work, transaction_time};
pub use watch::{Cause, News, Watching, wake};

/// Longest `id` of an Event that is kept, in bytes.
const EVENT_ID_BYTES_MAX: usize = 128;

/// What an operator may set of subscriptions.
#[derive(Debug, Clone)]
pub struct Config {
    /// Longest life of a subscription without a refresh, in seconds.
    pub subscription_s_max: u32,
    /// Most subscriptions to the presence of one subscriber or chatbot, and most that one subscriber may begin in an hour.
    pub presence_watchers_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { subscription_s_max: 3600, presence_watchers_max: 500 }
    }
}

/// An event package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    /// Its name in Event.
    event: &'static str,
    /// The type of its documents.
    content_type: &'static str,
}

/// Who is in a group (RFC 4575).
pub(crate) static CONFERENCE: Package =
    Package { event: conference_info::EVENT, content_type: conference_info::CONTENT_TYPE };

/// Which devices a subscriber has (RFC 3680).
static REGISTRATION: Package =
    Package { event: registration_info::EVENT, content_type: registration_info::CONTENT_TYPE };

/// What somebody can take (RFC 3856).
static PRESENCE: Package = Package { event: rcs::presence::EVENT, content_type: rcs::presence::CONTENT_TYPE };

/// The names of all packages, as they stand in Allow-Events.
pub(crate) const ALLOW_EVENTS: &str = "conference, presence, reg";

/// What is known of subscriptions in memory only.
#[derive(Debug, Default)]
pub(crate) struct Hot {
    /// NOTIFYs under way.
    notifies: FxHashMap<ClientTxId, (Place, DialogId)>,
    /// Who is watched, and when to look at their watchers next.
    watched: FxHashMap<Address, Timestamp>,
    /// The same by time.
    due: BTreeSet<(Timestamp, Address)>,
}

/// Where a subscription lies.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// In the leg of a group's member.
    Leg(Address, Address),
    /// Among the watchers of somebody.
    Watchers(Address),
}

/// A SUBSCRIBE that is well formed.
#[derive(Debug)]
pub(crate) struct Subscribe {
    pub(crate) package: &'static Package,
    event_id: Option<String>,
    /// As granted; 0 asks once, or ends a subscription.
    pub(crate) expires_s: u32,
    accepts_deflate: bool,
}

/// What a NOTIFY is to say, and where.
pub(crate) struct Notice<'a> {
    pub(crate) place: Place,
    pub(crate) package: &'static Package,
    pub(crate) flow: Flow,
    /// The Contact header of the notifier.
    pub(crate) contact: &'a str,
    pub(crate) state: SubscriptionState<'a>,
    /// Documents that say it, the one to be preferred first: over UDP the first one goes that fits. None: no body.
    pub(crate) documents: Vec<String>,
}

/// A NOTIFY was answered, or never will be.
#[derive(Debug)]
pub struct NotifyAnswered {
    pub(crate) tx: ClientTxId,
    /// 408 when nothing came.
    pub(crate) status: u16,
}

impl Hot {
    /// Whether a NOTIFY is under way as this transaction.
    pub(crate) fn has_asked(&self, tx: ClientTxId) -> bool {
        self.notifies.contains_key(&tx)
    }

    /// When somebody's watchers are to be looked at next.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Whose watchers are to be looked at now.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<Address> {
        let mut due = Vec::new();
        while let Some((at, resource)) = self.due.first()
            && *at <= now
        {
            let resource = resource.clone();
            self.watched.remove(&resource);
            self.due.pop_first();
            due.push(resource);
        }
        due
    }

    /// Somebody's watchers are to be looked at then; `None`: nobody watches.
    fn look_at(&mut self, resource: &Address, at: Option<Timestamp>) {
        let before = match at {
            Some(at) => self.watched.insert(resource.clone(), at),
            None => self.watched.remove(resource),
        };
        if let Some(before) = before {
            self.due.remove(&(before, resource.clone()));
        }
        self.due.extend(at.map(|at| (at, resource.clone())));
    }
}

impl Subscribe {
    /// Reads a SUBSCRIBE to one of `packages`.
    pub(crate) fn read(
        centre: &Centre,
        request: &Request,
        packages: &[&'static Package],
    ) -> Result<Self, Refusal> {
        let event = Event::parse(request.raw(HeaderName::Event).ok_or(Refusal::BadEvent)?)?;
        let package = packages.iter().find(|package| package.event == event.package);
        let package: &'static Package = package.ok_or(Refusal::BadEvent)?;
        let mut accepted = request.tokens(HeaderName::Accept).peekable();
        let is_ours = |media_type: &str| {
            let media_type = rcs::content_type::essence(media_type);
            [package.content_type, "application/*", "*/*"]
                .iter()
                .any(|ours| ours.eq_ignore_ascii_case(media_type))
        };
        if accepted.peek().is_some() && !accepted.any(is_ours) {
            return Err(Refusal::NotAcceptable(package.content_type));
        }
        if event.id().is_some_and(|id| id.len() > EVENT_ID_BYTES_MAX) {
            return Err(Refusal::bad("Event: its id is too long"));
        }
        let most = centre.config.events.subscription_s_max;
        Ok(Self {
            package,
            event_id: event.id().map(str::to_owned),
            expires_s: request.expires()?.unwrap_or(most).min(most),
            accepts_deflate: request.has_token(HeaderName::AcceptEncoding, "deflate"),
        })
    }
}

impl NotifyAnswered {
    pub(crate) fn wants(&self, centre: &Centre, wants: &mut Wants) {
        match centre.events.notifies.get(&self.tx) {
            Some((Place::Leg(group, member), _)) => wants.leg(group, member),
            Some((Place::Watchers(resource), _)) => wants.watchers(resource),
            None => {}
        }
    }
}

impl Centre {
    /// Answers a SUBSCRIBE with 200. What it is now: the subscription `known` that it refreshes or ends, or a new one.
    pub(crate) fn take_subscribe<T>(
        &mut self,
        claim: &Claim<T>,
        subscribe: &Subscribe,
        known: Option<Subscription>,
        contact: &str,
        work: &Work<'_>,
    ) -> Result<Subscription, Refusal> {
        let tag = self.tag();
        let expires_at = work.now.plus(Duration::from_secs(subscribe.expires_s.into()));
        let subscription = match known {
            Some(mut known) => {
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
        let mut response = ResponseBuilder::for_request(&claim.request, 200, "OK")
            .to_tag(&tag)
            .source(claim.flow.peer)
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Expires, subscribe.expires_s);
        if let Some(route) = self.record_route_back(&claim.request, claim.flow.transport) {
            response = response.header(HeaderName::RecordRoute, route);
        }
        self.respond(work.now, claim.tx, response.build());
        Ok(subscription)
    }

    /// Sends a NOTIFY. False when its flow cannot carry it.
    pub(crate) fn send_notify(
        &mut self,
        subscription: &mut Subscription,
        notice: &Notice<'_>,
        now: Timestamp,
    ) -> bool {
        let mut event = notice.package.event.to_owned();
        if let Some(id) = &subscription.event_id {
            event.push_str(";id=");
            event.push_str(id);
        }
        let request = subscription
            .dialog
            .request("NOTIFY")
            .header(HeaderName::Contact, notice.contact)
            .header(HeaderName::Event, event)
            .header(HeaderName::SubscriptionState, notice.state);
        let content_type = notice.package.content_type;
        let sent = (notice.place.clone(), subscription.dialog.id());
        let mut ask = |request: RequestBuilder| match self.layer.request(
            transaction_time(now),
            notice.flow,
            request.build(),
        ) {
            Ok(tx) => {
                self.events.notifies.insert(tx, sent.clone());
                true
            }
            Err(error) => {
                tracing::debug!(%error, event = notice.package.event, "a NOTIFY was not sent");
                false
            }
        };
        if notice.documents.is_empty() {
            return ask(request);
        }
        notice.documents.iter().any(|document| {
            let document = document.as_bytes();
            // One too large for a datagram may not be so when it is compressed.
            ask(request.clone().body(content_type, document.to_vec()))
                || (subscription.accepts_deflate
                    && ask(request
                        .clone()
                        .header(HeaderName::ContentEncoding, "deflate")
                        .body(content_type, encoding::deflate(document))))
        })
    }

    pub(crate) fn decide_notify_answered(&mut self, answered: NotifyAnswered, work: &mut Work<'_>) {
        let NotifyAnswered { tx, status } = answered;
        let Some((place, dialog)) = self.events.notifies.remove(&tx) else { return };
        // RFC 6665 §4.2.2: who does not know the subscription has none. One that cannot be reached may come back.
        let is_over = matches!(status, 404 | 405 | 410 | 481 | 489 | 501);
        match place {
            _ if (200..300).contains(&status) => {}
            Place::Leg(group, member) if is_over => {
                let mut leg = self.leg(&group, &member, work);
                leg.subscriptions.retain(|known| !known.dialog.is(&dialog));
                work.view.put_leg(leg);
            }
            // The gap in the versions tells it to ask again.
            Place::Leg(..) => {}
            Place::Watchers(resource) => self.watcher_missed(&resource, &dialog, is_over, work),
        }
    }
}
