//! A device invites us (RFC 3261 §13.3, RCC.07 chat and large-message mode).
//!
//! A chat is offered to the devices of whom it is for, and answered as the first of them answers; when none can be asked, or none
//! decides, we answer ourselves and take what is said. A large message we always take ourselves. Where the two sides
//! invite each other at once, or one invites anew, the newest leg takes the older one's place.

use msrp::sdp::{Endpoint, Media};
use rcs::Timestamp;
use rcs::address::AddressKind;
use rcs::capability::{Capabilities, Capability};
use rcs::ids;
use sip::dialog::{Dialog, Unacknowledged};
use sip::{Flow, HeaderName, Reason, ResponseBuilder, Transport};
use store::{Binding, Wants};

use super::dialog::refusal_of;
use super::inviting::Invitation;
use super::{Kind, Leg, LegId, Stage, media};
use crate::access::Refusal;
use crate::access::identity::Claim;
use crate::access::invite::Invite;
use crate::access::message::{Contribution, check_addressee};
use crate::blocks::has_blocked;
use crate::delivery::agent::DeviceKey;
use crate::group::check_member;
use crate::{Centre, Work, transaction_time};

/// A device that was rung over a flow that turned out to be dead.
#[derive(Debug)]
pub struct Redial {
    /// The leg of whoever calls.
    pub(super) asked: LegId,
    /// The leg that failed.
    pub(super) fork: LegId,
    pub(super) device: DeviceKey,
    /// The device's flows that were tried before.
    pub(super) tried: Vec<Flow>,
    /// The dead one.
    pub(super) flow: Flow,
    /// What it said, or 408.
    pub(super) status: u16,
}

impl Redial {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.bindings(&self.device.0);
    }
}

impl Centre {
    pub(crate) fn decide_call(&mut self, claim: Claim<Invite>, work: &mut Work<'_>) {
        if !self.is_proven(&claim, work) {
            return;
        }
        if let Err(refusal) = self.take_invite(&claim, work) {
            self.refuse(claim.tx, &claim.request, claim.flow, &refusal, work.now);
        }
    }

    fn take_invite(&mut self, claim: &Claim<Invite>, work: &mut Work<'_>) -> Result<(), Refusal> {
        let invite = &claim.what;
        match invite.to.kind() {
            AddressKind::Group => check_member(&invite.to, &claim.from, work)?,
            _ => check_addressee(&claim.from, &invite.to, work)?,
        }
        if let Some(device) = invite.device.as_ref().filter(|device| device.is_temporary())
            && !device.is_valid(&self.gruu_key, work.view.bindings(&invite.to), work.now)
        {
            return Err(Refusal::NotFound);
        }
        let is_blocked = has_blocked(&invite.to, &claim.from, work);
        if is_blocked && self.config.refuse_blocked {
            return Err(Refusal::forbidden("Function not allowed"));
        }
        if self.has_too_many_sessions(&claim.from) {
            return Err(Refusal::TooManySessions);
        }
        let leg = self.asked_leg(claim, work)?;
        let open = open_media(&leg);
        let id = self.sessions.insert(leg);
        self.sessions.commands.push_back(open);
        if invite.kind == Kind::Large {
            self.accept(id, work.now);
            return Ok(());
        }
        self.take_over(id, work.now);
        if let Some(partner) = self.sessions.legs.get(&id).and_then(|leg| leg.partner) {
            // The other side is there already, or has invited us at the same time.
            self.accept(id, work.now);
            self.accept(partner, work.now);
            return Ok(());
        }
        // Whoever is blocked and not to know it talks to us alone.
        if !is_blocked && self.fork(id, invite, work) > 0 {
            return Ok(());
        }
        if invite.device.is_some() {
            if let Some(leg) = self.sessions.remove(id) {
                // It may have taken over what was to be handed over in another.
                self.fail_sends(&leg);
            }
            return Err(Refusal::Unavailable);
        }
        self.accept(id, work.now);
        Ok(())
    }

    /// The leg that an INVITE asks for.
    fn asked_leg(&mut self, claim: &Claim<Invite>, work: &Work<'_>) -> Result<Leg, Refusal> {
        let invite = &claim.what;
        let agreement = self.config.sessions.timer.answer(&claim.request).map_err(refusal_of)?;
        let unacceptable = |error: msrp::sdp::Unacceptable| Refusal::NotOfferable(error.to_string());
        let theirs = invite.offer.msrp().ok_or(msrp::sdp::Unacceptable::NoMsrp).map_err(unacceptable)?;
        // What is said in a group must fit into the sessions of its members.
        let is_for_group = invite.to.kind() == AddressKind::Group;
        let size_of = if is_for_group { Kind::Group } else { invite.kind };
        let bytes_max = self.config.sessions.bytes_max(size_of);
        if announced_bytes(&theirs.attributes).is_some_and(|bytes| bytes > bytes_max) {
            return Err(Refusal::NotOfferable("Size exceeded".to_owned()));
        }
        let endpoint = self.endpoint_facing(theirs, size_of)?;
        let (answer, agreed) = endpoint.answer(&invite.offer).map_err(unacceptable)?;
        // Whether it can be a dialog is found out now: what is promised later must not fail.
        let to_tag = self.tag();
        Dialog::uas(&claim.request, &to_tag)?;
        let conversation = ids::conversation_between(&claim.from, &invite.to);
        let ids = Contribution {
            conversation_id: invite.conversation_id.clone().unwrap_or(conversation),
            contribution_id: match &invite.contribution_id {
                Some(id) => id.clone(),
                None => ids::conversation_id(self.random_16()),
            },
        };
        let ring = self.config.sessions.ring;
        Ok(Leg {
            device: (claim.from.clone(), self.calling_device(claim, work)),
            peer: invite.to.clone(),
            flow: claim.flow,
            kind: invite.kind,
            ids,
            stage: Stage::Asked {
                tx: claim.tx,
                request: claim.request.clone(),
                to_tag,
                agreement,
                answer,
                forks: Vec::new(),
                refusals: Vec::new(),
                until: work.now.plus(ring),
            },
            endpoint,
            agreed: Some(agreed),
            partner: None,
            is_bound: false,
            is_closing: false,
            idle_at: work.now.plus(ring + self.config.sessions.connect),
            sends: Default::default(),
            alarm: None,
        })
    }

    /// The device that a claim comes from: the one that is registered over its flow, or names itself in Contact.
    fn calling_device(&self, claim: &Claim<Invite>, work: &Work<'_>) -> String {
        let contact = claim.request.contacts().next().and_then(Result::ok).and_then(sip::Contact::address);
        let instance = contact.and_then(|contact| contact.instance().map(str::to_owned));
        let uri = contact.map(|contact| contact.name_addr.uri.as_str().to_owned());
        let bindings = work.view.bindings(&claim.from);
        let live: Vec<&Binding> = bindings.into_iter().flat_map(|bindings| bindings.live(work.now)).collect();
        let found = live
            .iter()
            .find(|one| one.flow == claim.flow)
            .or_else(|| live.iter().find(|one| one.instance.is_some() && one.instance == instance))
            .or_else(|| live.iter().find(|one| Some(&one.contact_uri) == uri.as_ref()));
        found.map(|one| one.device().to_owned()).unwrap_or_default()
    }

    /// Our end for a peer that offers this medium.
    pub(super) fn endpoint_facing(&mut self, theirs: &Media, kind: Kind) -> Result<Endpoint, Refusal> {
        // Whoever is to connect to us: the device, or its relay.
        let first = theirs.path.first();
        let is_websocket = first.is_some_and(msrp::MsrpUri::is_websocket);
        let is_secure = first.is_some_and(|uri| uri.secure);
        let endpoint = self.endpoint(is_websocket, is_secure, kind);
        endpoint.ok_or_else(|| Refusal::NotOfferable("no such MSRP here".to_owned()))
    }

    /// Our end for a device that is reached over this transport, for MSRP over what it can do.
    pub(super) fn endpoint_over(&mut self, transport: Transport, kind: Kind) -> Option<Endpoint> {
        let (is_websocket, is_secure) = match transport {
            Transport::Udp | Transport::Tcp => (false, false),
            Transport::Tls => (false, true),
            Transport::Ws => (true, false),
            Transport::Wss => (true, true),
        };
        self.endpoint(is_websocket, is_secure, kind)
    }

    /// Where a peer reaches us with MSRP, over what it can do; `None` when we do not listen so.
    fn endpoint(&mut self, is_websocket: bool, is_secure: bool, kind: Kind) -> Option<Endpoint> {
        let media = &self.config.sessions.media;
        let place = match (is_websocket, is_secure) {
            (false, false) => media.tcp.as_ref(),
            (false, true) => media.tls.as_ref(),
            (true, false) => media.ws.as_ref(),
            (true, true) => media.wss.as_ref(),
        };
        let (host, port) = place?.clone();
        let fingerprint = media.fingerprint.clone().filter(|_| is_secure && !is_websocket);
        let transport = if is_websocket { "ws" } else { "tcp" };
        let session = self.session_id();
        let mut endpoint = Endpoint::new(msrp::MsrpUri::new(is_secure, &host, port, &session, transport));
        endpoint.fingerprint = fingerprint;
        endpoint.max_size = self.config.sessions.bytes_max(kind);
        Some(endpoint)
    }

    /// The newest leg between two parties takes the place of older ones: their partner becomes its own, and what was to be sent
    /// in them is sent in it. It also finds the leg of the other side, if there is one that has no partner.
    fn take_over(&mut self, id: LegId, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get(&id) else { return };
        let (device, peer) = (leg.device.clone(), leg.peer.clone());
        let older = self.sessions.between(&device.0, &peer);
        for old in older.into_iter().filter(|old| *old != id) {
            let Some(leg) = self.sessions.legs.get_mut(&old) else { continue };
            let is_over = matches!(leg.stage, Stage::Inviting { is_given_up: true, .. });
            if leg.kind == Kind::Large || leg.device != device || is_over {
                continue;
            }
            let partner = leg.partner.take();
            let sends = std::mem::take(&mut leg.sends);
            self.hand_on(sends, id);
            self.end_leg(old, None, now);
            if let Some(partner) = partner {
                self.sessions.pair(id, partner);
            }
        }
        let has_partner = |id: &LegId| self.sessions.legs.get(id).is_some_and(|leg| leg.partner.is_some());
        if has_partner(&id) {
            return;
        }
        let theirs = self.sessions.between(&peer, &device.0).into_iter().find(|other| {
            let leg = &self.sessions.legs[other];
            let waits = matches!(leg.stage, Stage::Asked { .. });
            *other != id
                && leg.kind == Kind::Chat
                && !leg.is_closing
                && (waits || (leg.is_open() && leg.partner.is_none()))
        });
        if let Some(theirs) = theirs {
            self.sessions.pair(id, theirs);
        }
    }

    /// Offers a chat to every device that can take it, each over the newest of its flows; how many those are.
    fn fork(&mut self, asked: LegId, invite: &Invite, work: &mut Work<'_>) -> usize {
        if invite.to.kind() == AddressKind::Chatbot {
            return 0;
        }
        let mut forks = Vec::new();
        let only = invite.device.as_ref().map(|only| only.instance.as_str());
        let (_, devices) = self.devices(&invite.to, only, work);
        for device in devices {
            let device: DeviceKey = (invite.to.clone(), device);
            let bindings = work.view.bindings(&invite.to);
            let Some(binding) = self.newest_flow(bindings, &device.1, &[], work.now) else { continue };
            if !can_chat(&binding.capabilities) || !invite.is_met_by(&binding.capabilities) {
                continue;
            }
            forks.extend(self.invite_fork(asked, &device, binding, Vec::new(), work.now));
        }
        let count = forks.len();
        if let Some(Leg { stage: Stage::Asked { forks: asked, .. }, .. }) = self.sessions.legs.get_mut(&asked)
        {
            *asked = forks;
        }
        count
    }

    /// Offers a chat to one device over one of its flows.
    fn invite_fork(
        &mut self,
        asked: LegId,
        device: &DeviceKey,
        binding: &Binding,
        tried: Vec<Flow>,
        now: Timestamp,
    ) -> Option<LegId> {
        let leg = self.sessions.legs.get(&asked)?;
        let (peer, ids) = (leg.device.0.clone(), leg.ids.clone());
        let invitation =
            Invitation { device, peer: &peer, binding, kind: Kind::Chat, ids, is_deferred: false, tried };
        let fork = self.invite(&invitation, now)?;
        self.sessions.legs.get_mut(&fork).expect("it was just put there").partner = Some(asked);
        Some(fork)
    }

    /// Rings a device over the next of its flows; where there is none, it counts as one that cannot.
    pub(crate) fn decide_redial(&mut self, redial: Redial, work: &mut Work<'_>) {
        let Redial { asked, fork, device, mut tried, flow, status } = redial;
        let Some(Stage::Asked { forks, .. }) = self.sessions.legs.get(&asked).map(|leg| &leg.stage) else {
            return;
        };
        if !forks.contains(&fork) {
            return;
        }
        tried.push(flow);
        let binding = self.newest_flow(work.view.bindings(&device.0), &device.1, &tried, work.now);
        let binding = binding.filter(|binding| can_chat(&binding.capabilities));
        let next = binding.and_then(|binding| self.invite_fork(asked, &device, binding, tried, work.now));
        let Some(next) = next else { return self.fork_refused(asked, fork, status, work.now) };
        if let Some(Leg { stage: Stage::Asked { forks, .. }, .. }) = self.sessions.legs.get_mut(&asked) {
            forks.iter_mut().filter(|one| **one == fork).for_each(|one| *one = next);
        }
        self.forget_flow(&device, flow, work);
    }

    /// One of the devices rings: the caller hears of it.
    pub(super) fn ring(&mut self, asked: LegId, status: u16, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get(&asked) else { return };
        let Stage::Asked { tx, request, to_tag, .. } = &leg.stage else { return };
        let (tx, contact) = (*tx, self.contact_for(leg));
        let response = ResponseBuilder::for_request(request, status, "")
            .to_tag(to_tag)
            .source(leg.flow.peer)
            .header(HeaderName::Contact, contact)
            .build();
        self.respond(now, tx, response);
    }

    /// One of the devices has taken the chat: the caller hears 200, the other devices CANCEL.
    pub(super) fn fork_accepted(&mut self, asked: LegId, fork: LegId, now: Timestamp) {
        self.sessions.pair(asked, fork);
        self.cancel_forks(asked, Some(fork), Some(elsewhere()), now);
        self.accept(asked, now);
    }

    /// One of the devices will not, or cannot: when none is left, the caller hears what they said if it was a decision.
    /// Otherwise we take the chat ourselves, and what is said in it waits (RCC.07 store and forward). A device on which it is
    /// declined speaks for all.
    pub(super) fn fork_refused(&mut self, asked: LegId, fork: LegId, status: u16, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get_mut(&asked) else { return };
        let Stage::Asked { forks, refusals, .. } = &mut leg.stage else { return };
        forks.retain(|other| *other != fork);
        refusals.push(status);
        let is_for_all = [600, 603, 604].contains(&status);
        if !forks.is_empty() && !is_for_all {
            return;
        }
        let said = |statuses: &[u16]| refusals.iter().any(|status| statuses.contains(status));
        let verdict = match () {
            () if said(&[603, 604]) => Some(603),
            () if said(&[486, 600]) => Some(486),
            () if said(&[488, 606]) => Some(488),
            () => None,
        };
        // RFC 3261 §16.7 step 5: nobody is rung any longer.
        self.cancel_forks(asked, None, Some(Reason::sip(status, "Declined")), now);
        match verdict {
            Some(status) => self.refuse_asked(asked, status, now),
            None => self.accept(asked, now),
        }
    }

    /// The caller has waited long enough for the devices.
    pub(super) fn ring_over(&mut self, asked: LegId, now: Timestamp) {
        self.cancel_forks(asked, None, None, now);
        self.accept(asked, now);
    }

    /// The caller gives up (RFC 3261 §9.2).
    pub(crate) fn cancelled(&mut self, tx: sip::transaction::ServerTxId, now: Timestamp) {
        if let Some(asked) = self.sessions.by_asked.get(&tx).copied() {
            self.cancel_forks(asked, None, None, now);
            self.refuse_asked(asked, 487, now);
        }
    }

    pub(super) fn refuse_asked(&mut self, asked: LegId, status: u16, now: Timestamp) {
        let Some(leg) = self.sessions.remove(asked) else { return };
        let Stage::Asked { tx, request, to_tag, .. } = &leg.stage else { return };
        let response = ResponseBuilder::for_request(request, status, "").to_tag(to_tag).source(leg.flow.peer);
        self.respond(now, *tx, response.build());
        self.fail_sends(&leg);
    }

    /// Stops ringing the devices that were asked, all or all but one.
    pub(super) fn cancel_forks(
        &mut self,
        asked: LegId,
        but: Option<LegId>,
        reason: Option<Reason<'_>>,
        now: Timestamp,
    ) {
        let Some(Leg { stage: Stage::Asked { forks, .. }, .. }) = self.sessions.legs.get_mut(&asked) else {
            return;
        };
        for fork in std::mem::take(forks) {
            if Some(fork) != but {
                self.give_up_inviting(fork, reason.clone(), now);
            }
        }
    }

    /// Answers 200 to a device that waits, and the leg stands.
    pub(super) fn accept(&mut self, id: LegId, now: Timestamp) {
        let partner_answered = self.sessions.legs.get(&id).and_then(|leg| leg.partner);
        self.cancel_forks(id, partner_answered, partner_answered.map(|_| elsewhere()), now);
        let Some(leg) = self.sessions.legs.get(&id) else { return };
        let Stage::Asked { tx, request, to_tag, agreement, answer, .. } = &leg.stage else { return };
        let (tx, agreement) = (*tx, *agreement);
        let Ok(dialog) = Dialog::uas(request, to_tag) else { return };
        let mut response = self.agreement_response(request, leg, agreement).to_tag(to_tag);
        if let Some(route) = self.record_route_back(request, leg.flow.transport) {
            response = response.header(HeaderName::RecordRoute, route);
        }
        let response = response.body(msrp::sdp::CONTENT_TYPE, answer.to_bytes()).build();
        let timing = self.config.transactions.timing;
        let waiting = Unacknowledged::new(transaction_time(now), response.clone(), &timing);
        let dialog_id = dialog.id();
        let connect_by = now.plus(self.config.sessions.connect);
        let leg = self.sessions.legs.get_mut(&id).expect("it was looked at");
        leg.stage = Stage::Open {
            dialog,
            answering: Some((tx, waiting)),
            ack: None,
            timer: Some(agreement.timer),
            refreshed_at: now,
            refreshing: None,
        };
        leg.idle_at = connect_by;
        self.sessions.by_asked.remove(&tx);
        self.sessions.by_dialog.insert(dialog_id, id);
        self.sessions.set_alarm(id);
        self.respond(now, tx, response);
    }

    /// How a device reaches us within its dialog.
    pub(super) fn contact_for(&self, leg: &Leg) -> String {
        contact(&leg.peer.sip_uri(self.config.domain()), leg.flow)
    }

    /// A session id that nobody can guess: it is what lets a connection into a session.
    fn session_id(&mut self) -> String {
        self.sessions.last_session += 1;
        crate::gruu::unguessable(&self.session_key, self.sessions.last_session)
    }
}

/// Why a device needs to ring no longer: another has taken the chat (RFC 3326 §3.1).
fn elsewhere() -> Reason<'static> {
    Reason::sip(200, "Call completed elsewhere")
}

/// Our Contact towards a device: the party it talks to, over the transport it uses.
pub(super) fn contact(uri: &str, flow: Flow) -> String {
    match flow.transport {
        Transport::Udp => format!("<{uri}>"),
        transport => format!("<{uri};transport={}>", transport.via_token().to_ascii_lowercase()),
    }
}

/// The session as the edge must know it.
pub(super) fn open_media(leg: &Leg) -> media::Command {
    let remote = leg.agreed.iter().flat_map(|agreed| &agreed.remote).map(|uri| uri.to_string());
    let session = msrp::connection::Session {
        id: leg.session().to_owned(),
        local: leg.endpoint.uri.to_string(),
        remote: remote.collect::<Vec<_>>().join(" "),
        bytes_max: leg.endpoint.max_size,
    };
    media::Command::Open { session, owner: leg.device.0.clone() }
}

/// Whether a device takes chats: CPM's, or those of SIMPLE IM before it.
pub(crate) fn can_chat(device: &Capabilities) -> bool {
    [Capability::CpmSession, Capability::SipIm, Capability::LegacyChat].iter().any(|one| device.has(*one))
}

/// The size that `a=file-selector` names (RFC 5547).
fn announced_bytes(attributes: &[String]) -> Option<u64> {
    let selector = attributes.iter().find_map(|one| one.strip_prefix("file-selector:"))?;
    selector.split_ascii_whitespace().find_map(|part| part.strip_prefix("size:"))?.parse().ok()
}
