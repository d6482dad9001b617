//! What a handset knows of groups: it makes them, answers when it is called, and keeps up with who is in them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use rcs::conference_info::{ConferenceInfo, State, Status};
use rcs::cpim::CpimBuilder;
use rcs::multipart::{self, Part};
use rcs::resource_list::{self, Recipient};
use sip::dialog::{Dialog, DialogId, Unacknowledged};
use sip::transaction::{ClientTxId, OnTimeout, ServerTxId, Timing};
use sip::{HeaderName, Message, Method, Request, Response, ResponseBuilder};

use super::{DOMAIN, Handset, Phone, World};

/// A group as one handset sees it, by its focus without the scheme.
#[derive(Default)]
pub struct GroupSeen {
    pub dialog: Option<Dialog>,
    pub subscription: Option<Dialog>,
    pub info: Option<ConferenceInfo>,
    /// The focus has let this handset go.
    pub is_over: bool,
    /// Documents that came without their predecessor.
    pub gaps: usize,
}

/// The group part of a handset.
#[derive(Default)]
pub struct Groups {
    /// Answers to changes that were asked for under an id.
    pub answers: Vec<String>,
    pub seen: BTreeMap<String, GroupSeen>,
    asked: BTreeMap<ClientTxId, (Asked, Bytes)>,
    unacknowledged: BTreeMap<ServerTxId, (DialogId, Unacknowledged)>,
    /// INVITEs whose 2xx has been here.
    joined: BTreeSet<ClientTxId>,
    /// Answers to what it asked of groups, in order: method and status.
    pub heard: Vec<(&'static str, u16)>,
    /// Foci of the groups that it made, in order.
    pub made: Vec<String>,
    /// The session description in the last 200 to an INVITE of its own, or in the last ACK; empty when there was none.
    pub described: String,
}

enum Asked {
    Invite,
    Subscribe(String),
    Other(&'static str),
}

impl World {
    /// Makes a group with these numbers; gives its focus.
    pub fn make_group(&mut self, phone: Phone, subject: &str, numbers: &[&str]) -> String {
        let before = self.phones[phone].groups.made.len();
        self.ask_for_group(phone, subject, numbers);
        self.run_until_idle();
        let made = &self.phones[phone].groups.made;
        assert_eq!(made.len(), before + 1, "{:?}", self.phones[phone].groups.heard);
        made[before].clone()
    }

    /// Asks the factory for a group.
    pub fn ask_for_group(&mut self, phone: Phone, subject: &str, numbers: &[&str]) {
        self.ask_factory(phone, subject, resource_list::CONTENT_TYPE, list_of(numbers).into());
    }

    /// The same, offering media.
    pub fn ask_for_group_with_media(&mut self, phone: Phone, offer: &str, numbers: &[&str]) {
        let list = Part::new(resource_list::CONTENT_TYPE, list_of(numbers))
            .with_header("Content-Disposition", resource_list::DISPOSITION);
        let parts = [Part::new("application/sdp", offer.to_owned()), list];
        let (content_type, body) = multipart::write(&parts);
        self.ask_factory(phone, "media", &content_type, body);
        self.run_until_idle();
    }

    fn ask_factory(&mut self, phone: Phone, subject: &str, content_type: &str, body: Bytes) {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let uri = format!("sip:conference-factory@{DOMAIN}");
        let contact = handset.contact();
        let call_id = format!("g{}-{}", handset.cseq, handset.instance);
        let invite = handset
            .request("INVITE", &uri, &call_id)
            .header(HeaderName::To, format!("<{uri}>"))
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Subject, subject)
            .header(HeaderName::Require, "recipient-list-invite")
            .header(HeaderName::ContentDisposition, resource_list::DISPOSITION)
            .body(content_type, body);
        handset.ask(now, invite.build(), Asked::Invite);
        self.settle();
    }

    /// Comes back to a group (or tries to come in).
    pub fn rejoin(&mut self, phone: Phone, focus: &str) {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let uri = format!("sip:{focus}");
        let contact = handset.contact();
        let call_id = format!("g{}-{}", handset.cseq, handset.instance);
        let invite = handset
            .request("INVITE", &uri, &call_id)
            .header(HeaderName::To, format!("<{uri}>"))
            .header(HeaderName::Contact, contact);
        handset.ask(now, invite.build(), Asked::Invite);
        self.run_until_idle();
    }

    /// Asks to be told who is in a group.
    pub fn subscribe(&mut self, phone: Phone, focus: &str) {
        let now = self.time();
        self.phones[phone].subscribe(now, focus);
        self.run_until_idle();
    }

    /// Says something in a group to one member.
    pub fn whisper(&mut self, phone: Phone, focus: &str, to: &str, text: &str) -> String {
        let id = format!("w{}", self.random(1 << 40));
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let body = CpimBuilder::new(&handset.uri(), &format!("sip:{to}@{DOMAIN}"))
            .message_id(&id)
            .content_type("text/plain")
            .build(text);
        handset.send_body(now, focus, body, None);
        self.settle();
        id
    }

    /// Begins to write.
    pub fn compose(&mut self, phone: Phone, focus: &str) {
        self.send_typed(
            phone,
            focus,
            rcs::composing::CONTENT_TYPE,
            &rcs::composing::Composing::new(rcs::composing::State::Active).to_xml(),
        );
    }

    /// Sends a body of this type in CPIM.
    pub fn send_typed(&mut self, phone: Phone, to: &str, content_type: &str, body: &str) {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let body =
            CpimBuilder::new(&handset.uri(), &format!("sip:{to}")).content_type(content_type).build(body);
        handset.send_body(now, to, body, None);
        self.settle();
    }

    /// Sends this envelope as it is.
    pub fn send_raw(&mut self, phone: Phone, to: &str, envelope: &str) {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        handset.send_body(now, to, Bytes::from(envelope.to_owned()), None);
        self.settle();
    }

    /// Leaves by BYE.
    pub fn leave(&mut self, phone: Phone, focus: &str) {
        assert!(self.start_leaving(phone, focus), "there is a dialog");
        self.run_until_idle();
    }

    /// Sends a BYE, if there is a dialog to end.
    pub fn start_leaving(&mut self, phone: Phone, focus: &str) -> bool {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let dialog = handset.groups.seen.get_mut(focus).and_then(|seen| seen.dialog.take());
        let Some(mut dialog) = dialog else { return false };
        handset.ask(now, dialog.bye().build(), Asked::Other("BYE"));
        self.settle();
        true
    }

    /// Asks the focus to do something with somebody: `Refer-To`.
    pub fn refer(&mut self, phone: Phone, focus: &str, refer_to: &str) {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let uri = format!("sip:{focus}");
        let contact = handset.contact();
        let call_id = format!("g{}-{}", handset.cseq, handset.instance);
        let refer = handset
            .request("REFER", &uri, &call_id)
            .header(HeaderName::To, format!("<{uri}>"))
            .header(HeaderName::Contact, contact)
            .header(HeaderName::ReferTo, refer_to);
        handset.ask(now, refer.build(), Asked::Other("REFER"));
        self.run_until_idle();
    }

    /// A new subject by re-INVITE.
    pub fn rename(&mut self, phone: Phone, focus: &str, subject: &str) {
        let (now, handset) = (self.time(), &mut self.phones[phone]);
        let contact = handset.contact();
        let seen = handset.groups.seen.get_mut(focus).expect("the group is known");
        let dialog = seen.dialog.as_mut().expect("there is a dialog");
        let invite = dialog
            .request("INVITE")
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Subject, subject)
            .build();
        handset.ask(now, invite, Asked::Invite);
        self.run_until_idle();
    }

    /// Who is in a group as this handset sees it: number and whether it takes part.
    pub fn members(&self, phone: Phone, focus: &str) -> Vec<(String, bool)> {
        let info = self.phones[phone].groups.seen[focus].info.as_ref().expect("it was told");
        let number = |entity: &str| entity["sip:".len()..entity.find('@').unwrap_or(entity.len())].to_owned();
        let users = info.users.iter();
        users
            .map(|user| (number(&user.entity), user.endpoints[0].status == Some(Status::Connected)))
            .collect()
    }

    /// The icon as this handset was told of it.
    pub fn icon(&self, phone: Phone, focus: &str) -> Option<rcs::conference_info::Icon> {
        self.phones[phone].groups.seen[focus].info.as_ref()?.icon.clone()
    }

    pub fn subject(&self, phone: Phone, focus: &str) -> Option<String> {
        self.phones[phone].groups.seen[focus].info.as_ref()?.subject.clone()
    }
}

impl Handset {
    pub(super) fn contact(&self) -> String {
        let transport = self.flow.transport.via_token().to_ascii_lowercase();
        format!("<sip:{}@{};transport={transport}>", self.number, self.flow.peer)
    }

    fn ask(&mut self, now: Duration, request: Bytes, asked: Asked) {
        if let Ok(tx) = self.layer.request(now, self.flow, request.clone()) {
            self.groups.asked.insert(tx, (asked, request));
        }
    }

    fn subscribe(&mut self, now: Duration, focus: &str) {
        let uri = format!("sip:{focus}");
        let contact = self.contact();
        let call_id = format!("s{}-{}", self.cseq, self.instance);
        let subscribe = self
            .request("SUBSCRIBE", &uri, &call_id)
            .header(HeaderName::To, format!("<{uri}>"))
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Event, "conference")
            .header(HeaderName::Accept, rcs::conference_info::CONTENT_TYPE)
            .header(HeaderName::AcceptEncoding, "deflate")
            .header(HeaderName::Expires, 3600);
        self.ask(now, subscribe.build(), Asked::Subscribe(focus.to_owned()));
    }

    /// Takes a request of a focus. `false` when it is none of ours to answer.
    pub(super) fn take_group_request(&mut self, now: Duration, tx: ServerTxId, request: &Request) -> bool {
        match request.method() {
            Method::Invite => self.called(now, tx, request),
            Method::Notify => self.notified(now, tx, request),
            Method::Bye => {
                let id = DialogId::of_request(request).expect("readable");
                let seen = self.groups.seen.values_mut().find(|seen| {
                    seen.dialog.as_ref().zip(id.as_ref()).is_some_and(|(dialog, id)| dialog.is(id))
                });
                let status = if seen.is_some() { 200 } else { 481 };
                if let Some(seen) = seen {
                    (seen.dialog, seen.is_over) = (None, true);
                }
                self.reply(now, tx, request, status, "phone");
            }
            _ => return false,
        }
        true
    }

    fn reply(&mut self, now: Duration, tx: ServerTxId, request: &Request, status: u16, tag: &str) -> Bytes {
        let contact = self.contact();
        let mut response = ResponseBuilder::for_request(request, status, "").to_tag(tag);
        response = response.header(HeaderName::Contact, contact);
        if let (Method::Invite, Some(offer)) = (request.method(), self.offers) {
            response = response.body("application/sdp", offer);
        }
        let response = response.build();
        self.layer.respond(now, tx, response.clone()).expect("the request waits for its answer");
        response
    }

    /// The focus calls.
    fn called(&mut self, now: Duration, tx: ServerTxId, request: &Request) {
        let status = self.answers_invite_with;
        if status == 100 {
            // It rings; the transaction layer says 100 by itself.
            return;
        }
        let tag = format!("i{}", self.cseq);
        self.cseq += 1;
        let response = self.reply(now, tx, request, status, &tag);
        if status != 200 {
            return;
        }
        let dialog = Dialog::uas(request, &tag).expect("the centre's INVITE opens a dialog");
        self.groups
            .unacknowledged
            .insert(tx, (dialog.id(), Unacknowledged::new(now, response, &Timing::default())));
        let focus = focus_of(dialog.remote_target());
        let seen = self.groups.seen.entry(focus.clone()).or_default();
        (seen.dialog, seen.is_over) = (Some(dialog), false);
        self.subscribe(now, &focus);
    }

    fn notified(&mut self, now: Duration, tx: ServerTxId, request: &Request) {
        let id = DialogId::of_request(request).expect("readable").expect("within a dialog");
        let is_refer = request.header(HeaderName::Event).is_some_and(|event| event.starts_with("refer"));
        let mut seen = self.groups.seen.values_mut();
        let found = seen.find(|seen| {
            seen.subscription.as_ref().is_some_and(|dialog| {
                let known = dialog.id();
                known.call_id == id.call_id && known.local_tag == id.local_tag
            })
        });
        let Some(seen) = found else {
            // NOTIFY may overtake the answer to SUBSCRIBE; whoever asked will be told again.
            let status = if is_refer { 200 } else { 481 };
            self.reply(now, tx, request, status, "phone");
            return;
        };
        let dialog = seen.subscription.as_mut().expect("just found");
        let taken = dialog.receive(request);
        let status = taken.map_or_else(|error| error.status(), |()| 200);
        let state = request.header(HeaderName::SubscriptionState).expect("a state");
        if status == 200 && !request.body().is_empty() {
            let coding = request.content_encoding().unwrap_or_default();
            let body = rcs::encoding::decode(&coding, request.body_bytes(), 1 << 20).expect("inflated");
            let next = ConferenceInfo::parse(&body).expect("the centre writes conference-info");
            match &mut seen.info {
                Some(info) => seen.gaps += usize::from(info.apply(next).is_err()),
                None if next.state == State::Full => seen.info = Some(next),
                None => seen.gaps += 1,
            }
        }
        if state.starts_with("terminated") {
            seen.subscription = None;
        }
        self.reply(now, tx, request, status, "phone");
    }

    /// An answer to something asked of a group. `false` when it is to something else.
    pub(super) fn take_group_answer(
        &mut self,
        now: Duration,
        tx: ClientTxId,
        response: Option<&Response>,
    ) -> bool {
        let Some((asked, request)) = self.groups.asked.get(&tx) else { return false };
        let request =
            Message::parse_datagram(request.clone()).expect("ours").into_request().expect("a request");
        let status = response.map_or(408, |response| response.status());
        match (asked, response) {
            (Asked::Invite, Some(response)) if status == 200 => {
                // 2xx are repeated until they are acknowledged, so the question stays.
                let is_known = !self.groups.joined.insert(tx);
                self.groups.described = String::from_utf8_lossy(response.body()).into_owned();
                let dialog = Dialog::uac(&request, response).expect("the focus names its Contact");
                let ack = dialog.ack(request.cseq().expect("ours").number).build();
                self.layer.acknowledge(now, self.flow, ack).expect("it goes out");
                if is_known {
                    return true;
                }
                let focus = focus_of(dialog.remote_target());
                if request.to().expect("ours").tag().is_none() {
                    self.groups.made.push(focus.clone());
                    self.groups.seen.entry(focus.clone()).or_default().dialog = Some(dialog);
                    self.subscribe(now, &focus);
                }
            }
            (Asked::Subscribe(focus), Some(response)) if status == 200 => {
                let dialog = Dialog::uac(&request, response).expect("the focus names its Contact");
                let focus = focus.clone();
                self.groups.seen.entry(focus).or_default().subscription = Some(dialog);
                self.groups.asked.remove(&tx);
            }
            _ => {}
        }
        let method = match self.groups.asked.get(&tx) {
            Some((Asked::Invite, _)) => "INVITE",
            Some((Asked::Other(method), _)) => method,
            Some((Asked::Subscribe(_), _)) | None => "SUBSCRIBE",
        };
        if method != "INVITE" || status != 200 {
            self.groups.asked.remove(&tx);
        }
        self.groups.heard.push((method, status));
        true
    }

    pub(super) fn acknowledged(&mut self, ack: &Request) {
        self.groups.described = String::from_utf8_lossy(ack.body()).into_owned();
        let id = DialogId::of_request(ack).expect("readable");
        self.groups.unacknowledged.retain(|_, (known, _)| Some(&*known) != id.as_ref());
    }

    /// When it has something to do by itself.
    pub(super) fn wakes_at(&self) -> Option<Duration> {
        let waiting = self.groups.unacknowledged.values().filter_map(|(_, waiting)| waiting.poll_timeout());
        waiting.chain(self.layer.poll_timeout()).min()
    }

    pub(super) fn repeat_answers(&mut self, now: Duration) {
        let mut again = Vec::new();
        for (tx, (_, waiting)) in &mut self.groups.unacknowledged {
            if let OnTimeout::Send(response) = waiting.handle_timeout(now, &Timing::default()) {
                again.push((*tx, response));
            }
        }
        self.groups.unacknowledged.retain(|_, (_, waiting)| !waiting.is_over());
        for (tx, response) in again {
            // Its transaction may have ended before we give up.
            let _ = self.layer.respond(now, tx, response);
        }
    }
}

/// A list of these numbers.
fn list_of(numbers: &[&str]) -> String {
    let list = numbers.iter().map(|number| Recipient::new(format!("sip:{number}@{DOMAIN}")));
    resource_list::write(&list.collect::<Vec<_>>())
}

/// The focus in a Contact URI, without scheme and parameters.
fn focus_of(target: &str) -> String {
    let rest = target.strip_prefix("sip:").expect("a sip URI");
    rest.split(';').next().unwrap_or(rest).to_owned()
}
