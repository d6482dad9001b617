//! We invite a device (RFC 3261 §13.2): to a chat that somebody offers, or to hand over what cannot go in a MESSAGE.

use bytes::Bytes;
use msrp::sdp::{Description, Direction, Setup};
use percent_encoding::utf8_percent_encode;
use rcs::Timestamp;
use rcs::address::Address;
use sip::dialog::session_timer::{OPTION, SessionExpires};
use sip::dialog::{Dialog, DialogId};
use sip::transaction::{ClientTxId, RequestError};
use sip::{Flow, HeaderName, Message, Reason, RequestBuilder, Response};
use store::Binding;

use super::answering::{Redial, contact, open_media};
use super::{Kind, Leg, LegId, Stage};
use crate::access::ALLOW;
use crate::access::invite::{CPM_LARGE_MESSAGE, CPM_SESSION};
use crate::access::message::Contribution;
use crate::delivery::Answer;
use crate::delivery::agent::DeviceKey;
use crate::delivery::outgoing::URN_ESCAPES;
use crate::work::Task;
use crate::{Centre, transaction_time};

/// Whom to invite, and on whose behalf.
pub(super) struct Invitation<'a> {
    /// The device.
    pub(super) device: &'a DeviceKey,
    /// Whom it will talk to.
    pub(super) peer: &'a Address,
    pub(super) binding: &'a Binding,
    pub(super) kind: Kind,
    pub(super) ids: Contribution,
    /// Whether what is handed over has waited: then it is the store-and-forward function that calls.
    pub(super) is_deferred: bool,
    /// The device's flows that were tried before.
    pub(super) tried: Vec<Flow>,
}

impl Centre {
    /// Sends an INVITE; `None` when it cannot be sent, or the device has too many sessions.
    pub(super) fn invite(&mut self, invitation: &Invitation<'_>, now: Timestamp) -> Option<LegId> {
        let Invitation { device, peer, binding, kind, ids, .. } = invitation;
        if self.has_too_many_sessions(&device.0) {
            return None;
        }
        let mut endpoint = self.endpoint_over(binding.flow.transport, *kind)?;
        if *kind == Kind::Large {
            endpoint.direction = Direction::SendOnly;
        }
        // The device connects to us: it may be behind a NAT, and we connect to nobody's address.
        let offer = endpoint.offer(Setup::Passive);
        let (call_id, tag) = (self.tag(), self.tag());
        let write =
            |centre: &Self, is_lean| centre.invite_request(invitation, &offer, &call_id, &tag, is_lean);
        let mut request = write(self, false);
        let sent = match self.layer.request(transaction_time(now), binding.flow, request.clone()) {
            Err(RequestError::TooLarge { .. }) => {
                request = write(self, true);
                self.layer.request(transaction_time(now), binding.flow, request.clone())
            }
            sent => sent,
        };
        let tx = sent.inspect_err(|error| tracing::debug!(device = %device.1, %error, "not invited")).ok()?;
        let request = Message::parse_datagram(request).ok().and_then(Message::into_request);
        let request = request.expect("we write well-formed requests");
        let until = now.plus(self.config.sessions.ring);
        let leg = Leg {
            device: (*device).clone(),
            peer: (*peer).clone(),
            flow: binding.flow,
            kind: *kind,
            ids: ids.clone(),
            stage: Stage::Inviting {
                tx,
                request,
                tried: invitation.tried.clone(),
                until,
                is_given_up: false,
            },
            endpoint,
            agreed: None,
            partner: None,
            is_bound: false,
            is_closing: false,
            idle_at: until,
            sends: Default::default(),
            alarm: None,
        };
        let open = open_media(&leg);
        let id = self.sessions.insert(leg);
        // The device may connect before its answer is here.
        self.sessions.commands.push_back(open);
        Some(id)
    }

    /// The INVITE. A lean one leaves out what the device can do without, to fit into a datagram.
    fn invite_request(
        &self,
        invitation: &Invitation<'_>,
        offer: &Description,
        call_id: &str,
        tag: &str,
        is_lean: bool,
    ) -> Bytes {
        let Invitation { device, peer, binding, kind, ids, is_deferred, .. } = invitation;
        let domain = self.config.domain();
        let (from, to) = (peer.sip_uri(domain), device.0.sip_uri(domain));
        let mut request = RequestBuilder::new("INVITE", &binding.contact_uri);
        for path in &binding.path {
            request = request.header(HeaderName::Route, path);
        }
        let asserted = if *is_deferred { format!("sip:rcse-standfw@{domain}") } else { from.clone() };
        request = request
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("<{from}>;tag={tag}"))
            .header(HeaderName::To, format_args!("<{to}>"))
            .header(HeaderName::CallId, call_id)
            .header(HeaderName::CSeq, "1 INVITE")
            .header(HeaderName::Contact, contact(&from, binding.flow))
            .header(HeaderName::PAssertedIdentity, format_args!("<{asserted}>"))
            .header(HeaderName::ConversationId, &ids.conversation_id)
            .header(HeaderName::ContributionId, &ids.contribution_id)
            .header(HeaderName::Supported, OPTION);
        if let Some(route) = self.record_route(binding.flow.transport) {
            request = request.header(HeaderName::RecordRoute, route);
        }
        if *is_deferred {
            request = request.header(HeaderName::ReferredBy, format_args!("<{from}>"));
        }
        if !is_lean {
            let service = if *kind == Kind::Large { CPM_LARGE_MESSAGE } else { CPM_SESSION };
            let icsi = utf8_percent_encode(service, URN_ESCAPES);
            let interval_s = self.config.sessions.timer.interval_s;
            request = request
                .header(HeaderName::PAssertedService, service)
                .header(HeaderName::AcceptContact, format_args!("*;+g.3gpp.icsi-ref=\"{icsi}\""))
                .header(HeaderName::SessionExpires, SessionExpires { interval_s, refresher: None })
                .header(HeaderName::Allow, ALLOW);
        }
        request.body(msrp::sdp::CONTENT_TYPE, offer.to_bytes()).build()
    }

    /// A response to an INVITE of ours, the first or one within a leg.
    pub(crate) fn invite_answered(&mut self, tx: ClientTxId, response: &Response, now: Timestamp) {
        let Some(id) = self.sessions.by_invite.get(&tx).copied() else { return };
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        let status = response.status();
        match &mut leg.stage {
            Stage::Inviting { is_given_up: true, .. } => match status {
                // RFC 3261 §9.1: CANCEL had to wait for this.
                100..=199 => drop(self.layer.cancel(transaction_time(now), tx)),
                200..=299 => self.decline_late_answer(id, response, now),
                _ => drop(self.sessions.remove(id)),
            },
            Stage::Inviting { .. } => match status {
                100 => {}
                101..=199 => {
                    if let Some(asked) = leg.partner {
                        self.ring(asked, 180, now);
                    }
                }
                200..=299 => self.invite_accepted(id, response, now),
                _ => self.invite_refused(id, Some(status), now),
            },
            Stage::Open { ack: Some((first, ack)), .. } if *first == tx => {
                if (200..=299).contains(&status) {
                    let (flow, ack) = (leg.flow, ack.clone());
                    self.acknowledge_again(now, flow, ack, response);
                }
            }
            Stage::Open { refreshing: Some(refresh), .. } if *refresh == tx => {
                self.refresh_answered(id, response, now);
            }
            Stage::Open { .. } | Stage::Asked { .. } | Stage::Focus { .. } => {}
        }
    }

    /// Nobody answered an INVITE of ours.
    pub(crate) fn invite_failed(&mut self, tx: ClientTxId, now: Timestamp) {
        let Some(id) = self.sessions.by_invite.get(&tx).copied() else { return };
        match self.sessions.legs.get(&id).map(|leg| &leg.stage) {
            Some(Stage::Inviting { is_given_up: true, .. }) => drop(self.sessions.remove(id)),
            Some(Stage::Inviting { .. }) => self.invite_refused(id, None, now),
            Some(Stage::Open { refreshing: Some(refresh), .. }) if *refresh == tx => {
                self.end_pair(id, Some(Reason::sip(408, "Request Timeout")), now);
            }
            _ => {}
        }
    }

    /// The device has answered 200: the leg stands, unless what it answered is of no use.
    fn invite_accepted(&mut self, id: LegId, response: &Response, now: Timestamp) {
        let Some(mut dialog) = self.acknowledged(id, response, now) else { return };
        let Some(leg) = self.sessions.legs.get(&id) else { return };
        let answer = Description::parse(response.body()).ok();
        let Some(agreed) = answer.and_then(|answer| leg.endpoint.accept(&answer).ok()) else {
            tracing::debug!(device = %leg.device.1, "its answer to our offer cannot be used");
            let bye = dialog.bye().header(HeaderName::Reason, Reason::sip(488, "Not Acceptable Here"));
            let flow = leg.flow;
            let _ = self.layer.request(transaction_time(now), flow, bye.build());
            return self.invite_refused(id, Some(488), now);
        };
        let Stage::Inviting { tx, .. } = leg.stage else { return };
        let (asked, bytes_max, dialog_id) = (leg.partner, agreed.media.max_size, dialog.id());
        let timer = self.config.sessions.timer.agreed(response).ok().flatten();
        let ack = dialog.ack(dialog.local_cseq()).build();
        let leg = self.sessions.legs.get_mut(&id).expect("it was looked at");
        leg.agreed = Some(agreed);
        // Its connection may have been quicker than its answer.
        let limits = &self.config.sessions;
        leg.idle_at = now.plus(if leg.is_bound { limits.idle } else { limits.connect });
        leg.stage = Stage::Open {
            dialog,
            answering: None,
            ack: Some((tx, ack)),
            timer,
            refreshed_at: now,
            refreshing: None,
        };
        let open = open_media(leg);
        self.sessions.by_dialog.insert(dialog_id, id);
        self.sessions.commands.push_back(open);
        if let Some(bytes_max) = bytes_max {
            self.refuse_larger(id, bytes_max);
        }
        self.give_sends(id);
        if let Some(asked) = asked {
            self.fork_accepted(asked, id, now);
        }
    }

    /// A 200 came although we had given up: acknowledged, and ended at once (RFC 3261 §9.1).
    fn decline_late_answer(&mut self, id: LegId, response: &Response, now: Timestamp) {
        if let Some(mut dialog) = self.acknowledged(id, response, now)
            && let Some(leg) = self.sessions.legs.get(&id)
        {
            let _ = self.layer.request(transaction_time(now), leg.flow, dialog.bye().build());
        }
        self.sessions.remove(id);
    }

    /// Sends the ACK to a 2xx; the dialog that it opens. A 2xx that opens no dialog cannot be acknowledged.
    fn acknowledged(&mut self, id: LegId, response: &Response, now: Timestamp) -> Option<Dialog> {
        let leg = self.sessions.legs.get(&id)?;
        let Stage::Inviting { request, .. } = &leg.stage else { return None };
        let dialog = match Dialog::uac(request, response) {
            Ok(dialog) => dialog,
            Err(error) => {
                tracing::debug!(device = %leg.device.1, %error, "its 200 opens no dialog");
                self.invite_refused(id, Some(488), now);
                return None;
            }
        };
        let ack = dialog.ack(dialog.local_cseq()).build();
        let _ = self.layer.acknowledge(transaction_time(now), leg.flow, ack);
        Some(dialog)
    }

    /// The device will not, or did not answer (`None`).
    fn invite_refused(&mut self, id: LegId, status: Option<u16>, now: Timestamp) {
        let Some(leg) = self.sessions.remove(id) else { return };
        let answer = status.map_or(Answer::NotNow(None), Answer::of);
        self.settle(&leg, answer);
        let Some(asked) = leg.partner else { return };
        let status = status.unwrap_or(408);
        match leg.stage {
            Stage::Inviting { tried, .. } if answer.is_of_dead_flow() => {
                let redial = Redial { asked, fork: id, device: leg.device, tried, flow: leg.flow, status };
                self.sessions.settled.push(Task::Redial(Box::new(redial)));
            }
            _ => self.fork_refused(asked, id, status, now),
        }
    }

    /// We take an invitation back. The leg stays until the device has answered one way or the other.
    pub(super) fn give_up_inviting(&mut self, id: LegId, reason: Option<Reason<'_>>, now: Timestamp) {
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        let Stage::Inviting { tx, is_given_up, .. } = &mut leg.stage else { return };
        if std::mem::replace(is_given_up, true) {
            return;
        }
        // Without a provisional answer it must wait for one.
        let _ = self.layer.cancel_because(transaction_time(now), *tx, reason);
        leg.partner = None;
        let failed = std::mem::take(&mut leg.sends);
        let session = leg.session().to_owned();
        self.sessions.close_media(&session);
        self.sessions.set_alarm(id);
        self.settle_sends(failed, Answer::CutOff);
    }

    /// Whether a response belongs to an INVITE of ours.
    pub(crate) fn is_invite(&self, tx: ClientTxId) -> bool {
        self.sessions.by_invite.contains_key(&tx)
    }

    /// The leg that an in-dialog request belongs to.
    pub(crate) fn leg_of(&self, id: &DialogId) -> Option<LegId> {
        self.sessions.of_dialog(id)
    }
}
