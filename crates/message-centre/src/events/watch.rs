//! Who watches whose registration or presence, and when they are told.
//!
//! Beside the watchers of somebody lie the bindings that these know of. Whatever changes bindings says [`Centre::bindings_changed`];
//! if anybody watches, which memory knows, a follow-up of the same commit compares the two and tells what is new. Bindings and
//! subscriptions that lapse are noticed by the time of the next of them.

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::capability::Capabilities;
use rcs::registration_info::State;
use sip::dialog::DialogId;
use sip::{Flow, Request, SubscriptionState};
use store::{Bindings, Package, Wants, Watch, Watchers};

use super::{Notice, PRESENCE, Place, REGISTRATION, Subscribe, presence, registration};
use crate::access::Refusal;
use crate::access::identity::Claim;
use crate::access::options::{capabilities_of, capabilities_wants};
use crate::work::Task;
use crate::{Centre, Work};

/// A SUBSCRIBE to somebody's registration or presence.
#[derive(Debug)]
pub struct Watching {
    resource: Address,
    package: Package,
    subscribe: Subscribe,
    /// The dialog within which it came.
    dialog: Option<DialogId>,
}

/// Why bindings have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The device said so, or its time ran out.
    Device,
    /// We let the device go.
    Network,
    /// The subscriber is one no more.
    Removed,
}

/// Watchers of somebody who may have to be told of a change.
#[derive(Debug)]
pub struct News {
    resource: Address,
    cause: Cause,
    watchers: Vec<Address>,
}

/// What there is to know of somebody.
#[derive(Default)]
struct Known {
    current: Bindings,
    /// `None`: nothing is known at the moment.
    capabilities: Option<Capabilities>,
}

impl Watching {
    pub(crate) fn read(
        centre: &Centre,
        request: &Request,
        dialog: Option<DialogId>,
    ) -> Result<Self, Refusal> {
        let (resource, device) = centre.target(request.uri_text())?;
        if device.is_some_and(|device| device.is_temporary()) {
            // RFC 5627 §5: whoever has only a temporary GRUU is not to learn whose it is, and our documents say that.
            return Err(Refusal::NotFound);
        }
        let subscribe = Subscribe::read(centre, request, &[&REGISTRATION, &PRESENCE])?;
        let package = if *subscribe.package == REGISTRATION { Package::Reg } else { Package::Presence };
        Ok(Self { resource, package, subscribe, dialog })
    }
}

impl Claim<Watching> {
    pub(crate) fn watching_wants(&self, trust_udp_source: bool, wants: &mut Wants) {
        self.wants(trust_udp_source, wants);
        wants.bindings(&self.from);
        wants.watchers(&self.what.resource);
        capabilities_wants(&self.what.resource, wants);
    }
}

impl News {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.watchers(&self.resource);
        capabilities_wants(&self.resource, wants);
        self.watchers.iter().for_each(|watcher| wants.bindings(watcher));
    }
}

impl Centre {
    pub(crate) fn decide_watching(&mut self, claim: Claim<Watching>, work: &mut Work<'_>) {
        if self.is_proven(&claim, work)
            && let Err(refusal) = self.take_watching(&claim, work)
        {
            self.refuse(claim.tx, &claim.request, claim.flow, &refusal, work.now);
        }
    }

    fn take_watching(&mut self, claim: &Claim<Watching>, work: &mut Work<'_>) -> Result<(), Refusal> {
        let Watching { resource, package, subscribe, dialog } = &claim.what;
        if *package == Package::Reg && claim.from != *resource {
            return Err(Refusal::forbidden("a registration is watched by the subscriber's own devices"));
        }
        let known = known_of(resource, work)?;
        let mut watchers = match work.view.watchers(resource) {
            Some(watchers) => watchers.clone(),
            None => Watchers { resource: resource.clone(), told: known.current.clone(), list: Vec::new() },
        };
        let before = match dialog {
            Some(id) => {
                let is_meant = |watch: &Watch| {
                    watch.package == *package
                        && watch.watcher == claim.from
                        && watch.subscription.dialog.is(id)
                };
                let place = watchers.list.iter().position(is_meant).ok_or(Refusal::NoDialog)?;
                Some(watchers.list.remove(place))
            }
            None if subscribe.expires_s > 0 => {
                self.has_room_for_watch(&watchers, claim, work)?;
                None
            }
            None => None,
        };
        let contact = self.contact_of(resource);
        let version = before.as_ref().map_or(0, |watch| watch.version);
        let before = before.map(|watch| watch.subscription);
        let subscription = self.take_subscribe(claim, subscribe, before, &contact, work)?;
        let mut watch =
            Watch { package: *package, watcher: claim.from.clone(), subscription, version, is_behind: true };
        let over = (subscribe.expires_s == 0).then_some("timeout");
        self.tell_watch(&mut watch, resource, &known, &[], claim.flow, over, work.now);
        match over {
            // Asked once: nothing has changed.
            Some(_) if dialog.is_none() => return Ok(()),
            Some(_) => {}
            None => {
                // A device that subscribes anew has forgotten the subscription before.
                watchers.list.retain(|known| {
                    known.package != *package
                        || known.watcher != claim.from
                        || known.subscription.device != watch.subscription.device
                });
                watchers.list.push(watch);
            }
        }
        self.keep_watchers(watchers, work);
        Ok(())
    }

    /// Whether a subscription more may begin.
    fn has_room_for_watch(
        &mut self,
        watchers: &Watchers,
        claim: &Claim<Watching>,
        work: &Work<'_>,
    ) -> Result<(), Refusal> {
        let live = watchers
            .list
            .iter()
            .filter(|watch| watch.package == claim.what.package && watch.subscription.expires_at > work.now);
        let (count, most) = (live.count(), self.config.events.presence_watchers_max);
        match claim.what.package {
            // One for each registered device, and those are few.
            Package::Reg => Ok(()),
            Package::Presence if count >= most as usize => Err(Refusal::TooOften),
            Package::Presence
                if self.watch_counts.wait(&claim.from, most, work.now).is_some()
                    || !self.watch_counts.count(claim.from.clone(), work.now) =>
            {
                Err(Refusal::TooOften)
            }
            Package::Presence => Ok(()),
        }
    }

    /// Somebody's bindings have changed in this batch: whoever watches is told.
    pub(crate) fn bindings_changed(&self, resource: &Address, cause: Cause, work: &mut Work<'_>) {
        if self.events.watched.contains_key(resource) {
            work.then.push(Task::Watched(resource.clone(), cause));
        }
    }

    /// Finds out who has to be told, so that the ways to them can be loaded.
    pub(crate) fn decide_watched(&mut self, resource: Address, cause: Cause, work: &mut Work<'_>) {
        let Some(row) = work.view.watchers(&resource) else {
            return self.events.look_at(&resource, None);
        };
        let mut watchers: Vec<Address> = row.list.iter().map(|watch| watch.watcher.clone()).collect();
        watchers.sort_unstable();
        watchers.dedup();
        work.then.push(Task::News(Box::new(News { resource, cause, watchers })));
    }

    /// Tells the watchers of somebody what is new since they were told last, and ends what has lapsed.
    pub(crate) fn tell_watchers(&mut self, news: News, work: &mut Work<'_>) {
        let News { resource, cause, .. } = news;
        let Some(mut watchers) = work.view.watchers(&resource).cloned() else { return };
        let known = known_of(&resource, work);
        // Somebody who is here no more can be watched no longer.
        let is_gone = known.is_err();
        let known = known.unwrap_or_default();
        let domain = self.config.domain().to_owned();
        let contacts =
            registration::changes(&watchers.told, &known.current, cause, &domain, &resource, work.now);
        let is_other = |watch: &Watch| match watch.package {
            Package::Reg => !contacts.is_empty(),
            Package::Presence => union(&watchers.told) != union(&known.current),
        };
        for mut watch in std::mem::take(&mut watchers.list) {
            let device = watch.subscription.device.clone();
            let has_lapsed = watch.subscription.expires_at <= work.now;
            let bindings = work.view.bindings(&watch.watcher);
            let mut flow = self.newest_flow(bindings, &device, &[], work.now).map(|binding| binding.flow);
            let mut over = has_lapsed.then_some("timeout");
            if is_gone {
                over = Some("noresource");
            }
            if watch.package == Package::Reg && !known.current.list.iter().any(|own| own.device() == device) {
                // It hears that it is out by the way by which it was in.
                let mut last = watchers.told.list.iter().filter(|last| last.device() == device);
                flow = last.find(|last| self.is_reachable(last)).map(|last| last.flow);
                over = over.or(Some("noresource"));
            }
            if over.is_none() && !is_other(&watch) {
                watchers.list.push(watch);
                continue;
            }
            match flow {
                Some(flow) => {
                    self.tell_watch(&mut watch, &resource, &known, &contacts, flow, over, work.now);
                }
                None => watch.is_behind = true,
            }
            if over.is_none() {
                watchers.list.push(watch);
            }
        }
        watchers.told = known.current;
        self.keep_watchers(watchers, work);
    }

    /// A NOTIFY was not taken.
    pub(super) fn watcher_missed(
        &mut self,
        resource: &Address,
        dialog: &DialogId,
        is_over: bool,
        work: &mut Work<'_>,
    ) {
        let Some(mut watchers) = work.view.watchers(resource).cloned() else { return };
        let Some(place) = watchers.list.iter().position(|watch| watch.subscription.dialog.is(dialog)) else {
            return;
        };
        match is_over {
            true => drop(watchers.list.remove(place)),
            false => watchers.list[place].is_behind = true,
        }
        self.keep_watchers(watchers, work);
    }

    /// Sends a NOTIFY: of `contacts`, or of everything to who is behind. `over`: why it is the last.
    #[allow(clippy::too_many_arguments, reason = "all of it is what is told, to whom and how")]
    fn tell_watch(
        &mut self,
        watch: &mut Watch,
        resource: &Address,
        known: &Known,
        contacts: &[rcs::registration_info::Contact],
        flow: Flow,
        over: Option<&str>,
        now: Timestamp,
    ) {
        let domain = self.config.domain();
        let documents = match watch.package {
            Package::Reg => {
                let is_full = watch.is_behind || contacts.is_empty();
                let told = match is_full {
                    true => registration::all(&known.current, domain, resource, now),
                    false => contacts.to_vec(),
                };
                let state = match known.current.list.is_empty() {
                    false => State::Active,
                    true if told.is_empty() => State::Init,
                    true => State::Terminated,
                };
                registration::documents(watch.version, is_full, state, told, domain, resource)
            }
            Package::Presence => {
                presence::documents(&resource.sip_uri(domain), known.capabilities.as_ref(), now)
            }
        };
        let contact = self.contact_of(resource);
        let left_s = watch.subscription.expires_at.since(now).as_secs() as u32;
        let notice = Notice {
            place: Place::Watchers(resource.clone()),
            package: if watch.package == Package::Reg { &REGISTRATION } else { &PRESENCE },
            flow,
            contact: &contact,
            state: over.map_or(SubscriptionState::active(left_s), SubscriptionState::terminated),
            documents,
        };
        watch.is_behind = !self.send_notify(&mut watch.subscription, &notice, now);
        watch.version = watch.version.wrapping_add(1);
    }

    /// Stores the watchers of somebody, and sees to it that they are looked at when the next thing lapses.
    fn keep_watchers(&mut self, watchers: Watchers, work: &mut Work<'_>) {
        let subscriptions = watchers.list.iter().map(|watch| watch.subscription.expires_at);
        let bindings = watchers.told.list.iter().map(|binding| binding.expires_at);
        let next = subscriptions.chain(bindings).min().filter(|_| !watchers.list.is_empty());
        self.events.look_at(&watchers.resource, next);
        if !watchers.list.is_empty() || work.view.watchers(&watchers.resource).is_some() {
            work.view.put_watchers(watchers);
        }
    }

    /// The Contact under which we speak for somebody.
    fn contact_of(&self, resource: &Address) -> String {
        format!("<{}>", resource.sip_uri(self.config.domain()))
    }
}

/// What is to be done when the process has started for somebody who is watched.
pub fn wake(resource: Address) -> Task {
    Task::Watched(resource, Cause::Device)
}

/// 404: there is no such subscriber or chatbot.
fn known_of(resource: &Address, work: &Work<'_>) -> Result<Known, Refusal> {
    let capabilities = match capabilities_of(resource, work) {
        Ok(capabilities) => Some(capabilities),
        Err(Refusal::Unavailable) => None,
        Err(refusal) => return Err(refusal),
    };
    let current = match resource.kind() {
        AddressKind::Chatbot => Bindings::default(),
        _ => {
            let bindings = work.view.bindings(resource).into_iter();
            Bindings { list: bindings.flat_map(|bindings| bindings.live(work.now)).cloned().collect() }
        }
    };
    Ok(Known { current, capabilities })
}

/// What all devices together can take; `None` without any.
fn union(bindings: &Bindings) -> Option<Capabilities> {
    let devices = bindings.list.iter().map(|binding| &binding.capabilities);
    devices.fold(None, |union: Option<Capabilities>, device| Some(union.unwrap_or_default().union(device)))
}
