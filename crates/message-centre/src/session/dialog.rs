//! What happens in a leg that stands: ACK, BYE, re-INVITE and UPDATE (RFC 3261 §12 to §15, RFC 3311), session timers
//! (RFC 4028), and its end.

use msrp::sdp::Description;
use rcs::Timestamp;
use rcs::address::Address;
use sip::dialog::session_timer::{
    Agreement, Disagreement, INTERVAL_S_MIN, OPTION, Refresher, SessionExpires, wait_after_491,
};
use sip::dialog::{DialogId, Unacknowledged};
use sip::transaction::{OnTimeout, ServerTxId};
use sip::{Flow, HeaderName, Method, Reason, Request, Response, ResponseBuilder};
use store::Wants;

use super::answering::open_media;
use super::{Kind, Leg, LegId, Stage, focus, lapse, media, take_back};
use crate::access::identity::{Claim, is_bound_here};
use crate::access::{ALLOW, Refusal, check_require};
use crate::work::Task;
use crate::{Centre, Work, transaction_time};

impl Claim<LegId> {
    pub(crate) fn within_wants(&self, trust_udp_source: bool, wants: &mut Wants) {
        self.wants(trust_udp_source, wants);
        wants.bindings(&self.from);
    }
}

impl Centre {
    /// An ACK to a 200 of ours.
    pub(crate) fn acknowledged_by(&mut self, request: &Request) {
        let Ok(Some(dialog)) = DialogId::of_request(request) else { return };
        let Some(id) = self.leg_of(&dialog) else { return };
        if let Some(Stage::Open { answering, .. }) = self.sessions.legs.get_mut(&id).map(|leg| &mut leg.stage)
        {
            *answering = None;
        }
        self.sessions.set_alarm(id);
    }

    /// Takes a request within a leg: at once when it comes from where the leg's device is. The ids of a dialog are known to everybody
    /// on its way, so from elsewhere it takes more: that the leg's owner has registered from there, or credentials.
    pub(crate) fn within(
        &mut self,
        id: LegId,
        tx: ServerTxId,
        flow: Flow,
        request: Request,
        now: Timestamp,
        tasks: &mut Vec<Task>,
    ) {
        let Some(leg) = self.sessions.legs.get(&id) else { return };
        let from = leg.device.0.clone();
        if leg.flow == flow || self.vouches(flow, &from, now) {
            self.in_dialog(id, tx, flow, &request, now);
            return tasks.extend(self.sessions.take_settled());
        }
        tasks.push(Task::Within(Box::new(Claim { tx, flow, request, from, is_vouched: false, what: id })));
    }

    pub(crate) fn decide_within(&mut self, claim: Claim<LegId>, work: &mut Work<'_>) {
        if !is_bound_here(&claim, work) && !self.is_proven(&claim, work) {
            return;
        }
        let Claim { tx, flow, request, what: id, .. } = claim;
        match self.sessions.legs.contains_key(&id) {
            true => self.in_dialog(id, tx, flow, &request, work.now),
            // It ended in the meantime.
            false => self.refuse(tx, &request, flow, &Refusal::NoDialog, work.now),
        }
    }

    /// A request within a leg, from its device.
    fn in_dialog(&mut self, id: LegId, tx: ServerTxId, flow: Flow, request: &Request, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        let Stage::Open { dialog, .. } = &mut leg.stage else { return };
        let required = check_require(request, HeaderName::Require, &[OPTION]);
        if let Err(refusal) = required.and_then(|()| Ok(dialog.receive(request)?)) {
            return self.refuse(tx, request, flow, &refusal, now);
        }
        // The device speaks from here now, and is answered here.
        leg.flow = flow;
        match request.method() {
            Method::Bye => {
                self.answer(tx, request, flow, 200, now);
                self.ended_by_peer(id, now);
            }
            Method::Invite => {
                if let Err(refusal) = self.take_reinvite(id, tx, request, now) {
                    self.refuse(tx, request, flow, &refusal, now);
                }
            }
            Method::Update if request.body().is_empty() => {
                if let Err(refusal) = self.take_update(id, tx, request, now) {
                    self.refuse(tx, request, flow, &refusal, now);
                }
            }
            Method::Update => {
                let refusal = Refusal::NotOfferable("offers come in INVITE".to_owned());
                self.refuse(tx, request, flow, &refusal, now);
            }
            _ => self.refuse(tx, request, flow, &Refusal::MethodNotAllowed, now),
        }
    }

    /// A re-INVITE: refreshes the session, and may bring a new description of the peer's end (RFC 3261 §14.2).
    fn take_reinvite(
        &mut self,
        id: LegId,
        tx: ServerTxId,
        request: &Request,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return Ok(()) };
        let Stage::Open { answering, refreshing, .. } = &leg.stage else { return Ok(()) };
        if answering.is_some() || refreshing.is_some() {
            return Err(Refusal::RequestPending);
        }
        let agreement = self.config.sessions.timer.answer(request).map_err(refusal_of)?;
        let mut is_over = false;
        let description = if request.body().is_empty() {
            // RFC 3261 §14.2: without an offer, ours stands.
            leg.endpoint.offer(msrp::sdp::Setup::Passive)
        } else {
            let offer = Description::parse(request.body())
                .map_err(|error| Refusal::NotOfferable(error.to_string()))?;
            if offer.msrp().is_none() {
                // The medium is taken away, and with it all that the session was for.
                is_over = true;
                let mut answer = leg.endpoint.offer(msrp::sdp::Setup::Passive);
                answer.media.iter_mut().for_each(|media| media.port = 0);
                answer
            } else {
                self.take_offer(id, &offer, now)?
            }
        };
        let leg = self.sessions.legs.get(&id).expect("it was looked at");
        let response = self
            .agreement_response(request, leg, agreement)
            .body(msrp::sdp::CONTENT_TYPE, description.to_bytes())
            .build();
        let waiting =
            Unacknowledged::new(transaction_time(now), response.clone(), &self.config.transactions.timing);
        let leg = self.sessions.legs.get_mut(&id).expect("it was looked at");
        if let Stage::Open { answering, timer, refreshed_at, .. } = &mut leg.stage {
            (*answering, *timer, *refreshed_at) = (Some((tx, waiting)), Some(agreement.timer), now);
        }
        self.sessions.set_alarm(id);
        self.respond(now, tx, response);
        if is_over {
            self.end_pair(id, None, now);
        }
        Ok(())
    }

    /// A new description of the peer's end; the one of ours that answers it.
    pub(super) fn take_offer(
        &mut self,
        id: LegId,
        offer: &Description,
        now: Timestamp,
    ) -> Result<Description, Refusal> {
        let leg = self.sessions.legs.get_mut(&id).ok_or(Refusal::NoDialog)?;
        leg.endpoint.version += 1;
        let unusable = |error: msrp::sdp::Unacceptable| Refusal::NotOfferable(error.to_string());
        let (answer, agreed) = leg.endpoint.answer(offer).map_err(unusable)?;
        let is_moved = leg.agreed.as_ref().is_none_or(|before| before.remote != agreed.remote);
        leg.agreed = Some(agreed);
        if is_moved {
            leg.is_bound = false;
            leg.idle_at = now.plus(self.config.sessions.connect);
            take_back(&mut self.sessions.by_given, &mut leg.sends);
            let open = open_media(leg);
            let close = media::Command::Close { session: leg.session().to_owned() };
            self.sessions.commands.extend([close, open]);
        }
        self.sessions.set_alarm(id);
        Ok(answer)
    }

    /// An UPDATE that only refreshes (RFC 4028 §7.4).
    fn take_update(
        &mut self,
        id: LegId,
        tx: ServerTxId,
        request: &Request,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let agreement = self.config.sessions.timer.answer(request).map_err(refusal_of)?;
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return Ok(()) };
        if let Stage::Open { timer, refreshed_at, .. } = &mut leg.stage {
            (*timer, *refreshed_at) = (Some(agreement.timer), now);
        }
        self.sessions.set_alarm(id);
        let leg = self.sessions.legs.get(&id).expect("it was looked at");
        let response = self.agreement_response(request, leg, agreement).build();
        self.respond(now, tx, response);
        Ok(())
    }

    /// The 200 that agrees on a session timer.
    pub(super) fn agreement_response<'r>(
        &self,
        request: &'r Request,
        leg: &Leg,
        agreement: Agreement,
    ) -> ResponseBuilder<'r> {
        let response = ResponseBuilder::for_request(request, 200, "")
            .source(leg.flow.peer)
            .header(HeaderName::Contact, self.contact_for(leg))
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Supported, OPTION)
            .header(HeaderName::SessionExpires, agreement.session_expires);
        match agreement.is_required {
            true => response.header(HeaderName::Require, OPTION),
            false => response,
        }
    }

    /// Refreshes a session with a re-INVITE that says what it said before.
    fn refresh(&mut self, id: LegId, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get(&id) else { return };
        let contact = self.contact_for(leg);
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        let flow = leg.flow;
        let offer = leg.endpoint.offer(msrp::sdp::Setup::Passive);
        let Stage::Open { dialog, timer: Some(timer), refreshing, refreshed_at, .. } = &mut leg.stage else {
            return;
        };
        // What is left of an interval may be less than may be asked for.
        let interval_s = timer.interval_s.max(INTERVAL_S_MIN);
        let session_expires = SessionExpires { interval_s, refresher: Some(Refresher::Uac) };
        let request = dialog
            .request("INVITE")
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Supported, OPTION)
            .header(HeaderName::SessionExpires, session_expires)
            .body(msrp::sdp::CONTENT_TYPE, offer.to_bytes())
            .build();
        match self.layer.request(transaction_time(now), flow, request) {
            Ok(tx) => {
                *refreshing = Some(tx);
                self.sessions.by_invite.insert(tx, id);
            }
            Err(error) => {
                tracing::debug!(%error, "a session could not be refreshed");
                // Tried again when half of what is left has passed; it ends in its time if that fails too.
                *refreshed_at = now;
                *timer = sip::dialog::session_timer::SessionTimer {
                    interval_s: timer.interval_s / 2,
                    is_ours: timer.interval_s > 90,
                };
            }
        }
        self.sessions.set_alarm(id);
    }

    /// The answer to our refresh.
    pub(super) fn refresh_answered(&mut self, id: LegId, response: &Response, now: Timestamp) {
        if !response.is_final() {
            return;
        }
        let agreed = self.config.sessions.timer.agreed(response).ok().flatten();
        let drawn = self.random();
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        let flow = leg.flow;
        let Stage::Open { dialog, ack, timer, refreshed_at, refreshing, .. } = &mut leg.stage else { return };
        let Some(tx) = refreshing.take() else { return };
        self.sessions.by_invite.remove(&tx);
        let lives = dialog.receive_response(response).unwrap_or(true);
        match response.status() {
            200..=299 => {
                let ack = dialog.ack(dialog.local_cseq()).build();
                (*timer, *refreshed_at) = (agreed, now);
                let _ = self.layer.acknowledge(transaction_time(now), flow, ack.clone());
                let timing = &self.config.transactions.timing;
                self.calls.acknowledge(transaction_time(now), tx, flow, ack, timing);
            }
            _ if !lives => return self.end_pair(id, None, now),
            // The peer was about to do the same.
            491 => {
                let left = timer.map(|timer| refreshed_at.plus(timer.ends_after()).since(now));
                // We acknowledge 200s, and so own the Call-ID, in legs that we have opened.
                let wait = wait_after_491(ack.is_some(), drawn);
                let postponed = timer.zip(left).and_then(|(timer, left)| timer.postponed(left, wait));
                if let Some((later, ago)) = postponed {
                    (*timer, *refreshed_at) = (Some(later), now.minus(ago));
                }
            }
            // It is busy: it is tried once more before the session lapses.
            _ => {
                if let Some(timer) = timer {
                    *refreshed_at = now;
                    timer.interval_s /= 2;
                    timer.is_ours &= timer.interval_s >= 60;
                }
            }
        }
        self.sessions.set_alarm(id);
    }

    /// Lets time pass for legs that want attention.
    pub(crate) fn sessions_tick(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.sessions.alarms.first().copied()
            && at <= now
        {
            self.sessions.alarms.remove(&(at, id));
            if let Some(leg) = self.sessions.legs.get_mut(&id) {
                leg.alarm = None;
                self.attend(id, now);
                self.sessions.set_alarm(id);
            }
        }
    }

    fn attend(&mut self, id: LegId, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        let is_idle = (!leg.is_bound || leg.sends.is_empty()) && leg.idle_at <= now;
        let timing = self.config.transactions.timing;
        match &mut leg.stage {
            Stage::Asked { .. } => self.ring_over(id, now),
            Stage::Inviting { .. } => match leg.partner {
                Some(asked) => {
                    self.give_up_inviting(id, None, now);
                    self.fork_refused(asked, id, 408, now);
                }
                None => self.give_up_inviting(id, None, now),
            },
            Stage::Open { answering, timer, refreshed_at, refreshing, .. } => {
                let repeat = answering
                    .as_mut()
                    .map(|(tx, waiting)| (*tx, waiting.handle_timeout(transaction_time(now), &timing)));
                let times = lapse(*timer, *refreshed_at, refreshing.is_some());
                let [is_lapsed, is_refresh_due] = times.map(|at| at.is_some_and(|at| at <= now));
                match repeat {
                    Some((tx, OnTimeout::Send(response))) => self.respond(now, tx, response),
                    Some((_, OnTimeout::GiveUp)) => {
                        return self.end_pair(id, Some(Reason::sip(408, "no ACK")), now);
                    }
                    _ => {}
                }
                if is_lapsed || is_idle {
                    self.end_pair(id, None, now);
                } else if is_refresh_due {
                    self.refresh(id, now);
                }
            }
            Stage::Focus { timer, refreshed_at, is_refreshing } => {
                let times = lapse(*timer, *refreshed_at, *is_refreshing);
                let [is_lapsed, is_refresh_due] = times.map(|at| at.is_some_and(|at| at <= now));
                if is_lapsed || is_idle {
                    self.end_leg(id, None, now);
                } else if is_refresh_due {
                    *is_refreshing = true;
                    self.ask_focus(id, focus::What::Refresh);
                }
            }
        }
    }

    /// The device has said BYE, or its connection is gone.
    fn ended_by_peer(&mut self, id: LegId, now: Timestamp) {
        let Some(leg) = self.sessions.remove(id) else { return };
        self.fail_sends(&leg);
        if let Some(partner) = leg.partner.filter(|_| leg.kind == Kind::Chat) {
            self.close_when_done(partner, now);
        }
    }

    /// Ends a leg and its partner.
    pub(super) fn end_pair(&mut self, id: LegId, reason: Option<Reason<'_>>, now: Timestamp) {
        let partner = self.sessions.legs.get(&id).and_then(|leg| leg.partner);
        self.end_leg(id, reason, now);
        if let Some(partner) = partner {
            self.close_when_done(partner, now);
        }
    }

    /// Ends a leg once what is to be sent in it has been.
    pub(super) fn close_when_done(&mut self, id: LegId, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        if leg.sends.is_empty() {
            return self.end_leg(id, None, now);
        }
        leg.is_closing = true;
    }

    /// Ends a leg: with BYE when it stands, with CANCEL when it does not yet.
    pub(super) fn end_leg(&mut self, id: LegId, reason: Option<Reason<'_>>, now: Timestamp) {
        match self.sessions.legs.get(&id).map(|leg| &leg.stage) {
            None => {}
            Some(Stage::Inviting { .. }) => self.give_up_inviting(id, reason, now),
            Some(Stage::Asked { .. }) => self.accept_and_end(id, now),
            Some(Stage::Focus { .. }) => {
                self.ask_focus(id, focus::What::End);
                self.drop_leg(id);
            }
            Some(Stage::Open { .. }) => {
                let Some(mut leg) = self.sessions.remove(id) else { return };
                if let Stage::Open { dialog, .. } = &mut leg.stage {
                    let mut bye = dialog.bye();
                    if let Some(reason) = reason {
                        bye = bye.header(HeaderName::Reason, reason);
                    }
                    let sent = self.layer.request(transaction_time(now), leg.flow, bye.build());
                    if let Err(error) = sent {
                        tracing::debug!(device = %leg.device.1, %error, "no BYE");
                    }
                }
                self.fail_sends(&leg);
            }
        }
    }

    /// A device that still waits for our answer has invited anew, or we are stopping: its first invitation ends.
    fn accept_and_end(&mut self, id: LegId, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get(&id) else { return };
        if let Stage::Asked { tx, .. } = &leg.stage {
            self.cancelled(*tx, now);
        }
    }

    /// Ends the sessions of some of a subscriber's devices. To who is ringing one of them it is one that cannot be reached.
    pub(crate) fn end_sessions_on(
        &mut self,
        owner: &Address,
        is_meant: impl Fn(&str) -> bool,
        now: Timestamp,
    ) {
        for id in self.sessions.by_owner.get(owner).cloned().unwrap_or_default() {
            let Some(leg) = self.sessions.legs.get(&id).filter(|leg| is_meant(&leg.device.1)) else {
                continue;
            };
            match leg.partner.filter(|asked| self.sessions.rings_for(*asked, id)) {
                Some(asked) => {
                    self.give_up_inviting(id, None, now);
                    self.fork_refused(asked, id, 480, now);
                }
                None => self.end_pair(id, None, now),
            }
        }
    }

    /// Ends the sessions of somebody who is no subscriber any more. Who was ringing them hears that there is nobody.
    pub(crate) fn end_sessions_of(&mut self, owner: &Address, now: Timestamp) {
        for id in self.sessions.by_owner.get(owner).cloned().unwrap_or_default() {
            let partner = self.sessions.legs.get(&id).and_then(|leg| leg.partner);
            match partner.filter(|asked| self.sessions.rings_for(*asked, id)) {
                Some(asked) => {
                    self.cancel_forks(asked, None, None, now);
                    self.refuse_asked(asked, 404, now);
                }
                None => self.end_pair(id, None, now),
            }
        }
    }

    /// Ends every session, as when the process stops.
    pub(crate) fn end_sessions(&mut self, now: Timestamp) {
        let legs: Vec<LegId> = self.sessions.legs.keys().copied().collect();
        for id in legs {
            self.end_leg(id, Some(Reason::sip(503, "Service Unavailable")), now);
        }
    }
}

/// What a peer hears with whose session timer we do not agree.
pub(crate) fn refusal_of(disagreement: Disagreement) -> Refusal {
    match disagreement {
        Disagreement::TooBrief(error) => Refusal::SessionTooBrief { min_s: error.min_s },
        Disagreement::Malformed(error) => error.into(),
    }
}
