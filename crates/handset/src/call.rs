//! Calls: chats and large messages over MSRP (RFC 4975, RCC.07), as a handset has them. It always opens the MSRP connection
//! itself, as handsets behind NATs do.
//!
//! What goes over MSRP connections leaves by [`Handset::poll_media`] and comes in by [`Handset::media_connected`],
//! [`Handset::media_received`] and [`Handset::media_closed`]; each call has one connection, named by its number.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use msrp::connection::{
    Config, Connection, Event as MsrpEvent, IncomingId, Lookup, Outgoing as Chunks, Session,
};
use msrp::sdp::{Agreed, Description, Direction, Endpoint, Setup};
use msrp::stream::Part;
use rcs::cpim::{self, CpimBuilder};
use rcs::{Timestamp, ids};
use rustc_hash::FxHashMap;
use sip::dialog::{Dialog, DialogId, Unacknowledged};
use sip::transaction::{OnTimeout, ServerTxId, Timing};
use sip::{Flow, HeaderName, Message, Method, Request, Response, ResponseBuilder, Transport};

use crate::handset::{Draft, Event, Failure, Handset, Purpose, time};
use crate::message::Outgoing;
use crate::relay::{Asking, Then};

/// Largest message that a handset takes.
const BYTES_MAX: u64 = 16 << 20;
/// ICSI of chat sessions, and of large messages.
const CHAT: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session";
const LARGE: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.largemsg";

/// What a handset does with sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Services {
    /// Whether it announces pager-mode messages.
    pub pager: bool,
    /// Whether it announces chats.
    pub chat: bool,
    /// Whether it announces large messages.
    pub large: bool,
    /// What an invitation hears.
    pub answers: Answers,
}

impl Default for Services {
    fn default() -> Self {
        Self { pager: true, chat: false, large: false, answers: Answers::Accept }
    }
}

impl Services {
    /// Pager mode, chats and large messages.
    pub fn all() -> Self {
        Self { chat: true, large: true, ..Self::default() }
    }
}

/// What an invitation hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// 200 at once.
    Accept,
    /// 180, until [`Handset::accept`] or [`Handset::decline`].
    Ring,
    /// This status.
    Refuse(u16),
}

/// What is to be done with MSRP connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// Open the connection of a call.
    Connect {
        /// The call.
        call: u64,
        /// Host and port.
        to: (String, u16),
        /// Over WebSocket, at `/msrp`.
        is_websocket: bool,
    },
    /// Send on it.
    Send {
        /// The call.
        call: u64,
        /// One frame.
        bytes: Bytes,
    },
    /// Close it.
    Close {
        /// The call.
        call: u64,
    },
}

/// The calls of a handset.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    calls: BTreeMap<u64, Call>,
    last: u64,
    sends: u64,
    /// Messages of ours under way in calls.
    sending: FxHashMap<u64, Said>,
    /// Answers of ours that take an INVITE, until they are acknowledged.
    unacknowledged: Vec<(ServerTxId, DialogId, Unacknowledged)>,
    pub(crate) media: VecDeque<Media>,
}

impl Calls {
    /// The endpoint of a call, and its asking for a place at a relay.
    pub(crate) fn place_of(&mut self, call: u64) -> Option<(&mut Endpoint, &mut Option<Asking>)> {
        self.calls.get_mut(&call).map(|call| (&mut call.endpoint, &mut call.asking))
    }
}

/// Something that was said in a call.
#[derive(Debug)]
struct Said {
    call: u64,
    /// Absent for reports and indications.
    message_id: Option<String>,
}

#[derive(Debug)]
struct Call {
    peer: String,
    is_large: bool,
    stage: Stage,
    endpoint: Endpoint,
    agreed: Option<Agreed>,
    connection: Option<Connection>,
    /// To be said when the connection is there.
    queue: VecDeque<Chunks>,
    arriving: FxHashMap<IncomingId, (String, Vec<u8>)>,
    conversation_id: Option<String>,
    /// While the relay is asked for a place.
    asking: Option<Asking>,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "there are few")]
enum Stage {
    /// We have invited.
    Inviting {
        request: Request,
        is_given_up: bool,
    },
    /// We are invited and have not answered.
    Ringing {
        tx: ServerTxId,
        flow: Flow,
        request: Request,
        tag: String,
    },
    Open {
        dialog: Dialog,
        ack: Option<Bytes>,
    },
    /// With the focus of a group, whose dialog it is.
    InGroup,
}

impl Handset {
    /// Invites somebody to a chat; the call's number. Ends in [`Event::CallOpen`] or [`Event::CallEnded`].
    pub fn call(&mut self, now: Timestamp, to: &str) -> u64 {
        self.invite(now, to, false)
    }

    /// Sends one message in large-message mode (RCC.07); its id. Ends in [`Event::Sent`] or [`Event::NotSent`].
    pub fn send_large(&mut self, now: Timestamp, to: &str, outgoing: &Outgoing) -> String {
        let call = self.invite(now, to, true);
        self.say(now, call, outgoing)
    }

    /// Says something in a call; its id. Ends in [`Event::Sent`] or [`Event::NotSent`].
    pub fn say(&mut self, now: Timestamp, call: u64, outgoing: &Outgoing) -> String {
        let message_id =
            outgoing.message_id.clone().unwrap_or_else(|| ids::message_id(self.random.bytes_16()));
        let peer = self.calls.calls.get(&call).map(|call| call.peer.clone()).unwrap_or_default();
        let own = self.config.address.sip_uri(&self.config.domain);
        let body = outgoing.within(CpimBuilder::new(&own, &peer).date_time(now), &message_id);
        self.put_into(now, call, Some(message_id.clone()), cpim::CONTENT_TYPE, body);
        message_id
    }

    /// Says something in the call that stands with somebody or with the focus of a group, or else sends it as a message; its id. Ends in
    /// [`Event::Sent`] or [`Event::NotSent`].
    pub fn say_or_send(&mut self, now: Timestamp, to: &str, outgoing: &Outgoing) -> String {
        match self.call_with(to) {
            Some(call) => self.say(now, call, outgoing),
            None => self.send(now, to, outgoing),
        }
    }

    /// Sends a body as it is in a call, for a peer that tries what no handset says. Ends in [`Event::Sent`] or
    /// [`Event::NotSent`] under `message_id`.
    pub fn say_raw(&mut self, now: Timestamp, call: u64, message_id: &str, content_type: &str, body: Bytes) {
        self.put_into(now, call, Some(message_id.to_owned()), content_type, body);
    }

    /// Says that we are typing, or have stopped.
    pub fn say_composing(&mut self, now: Timestamp, call: u64, active: bool) {
        let state = if active { rcs::composing::State::Active } else { rcs::composing::State::Idle };
        let body = rcs::composing::Composing::new(state).to_xml();
        self.put_into(now, call, None, rcs::composing::CONTENT_TYPE, body.into());
    }

    /// Ends a call, or takes back an invitation.
    pub fn hang_up(&mut self, now: Timestamp, call: u64) {
        let Some(state) = self.calls.calls.get_mut(&call) else { return };
        match &mut state.stage {
            Stage::Inviting { .. } if state.asking.is_some() => self.over(call, Some(487)),
            Stage::Inviting { is_given_up, .. } => {
                *is_given_up = true;
                self.cancel_request(now, call);
            }
            Stage::Ringing { .. } => self.decline(now, call, 486),
            Stage::InGroup => {
                let focus = state.peer.clone();
                self.hang_up_in_group(now, &focus);
                self.over(call, None);
            }
            Stage::Open { dialog, .. } => {
                let bye = dialog.bye().build();
                self.send_aside(now, bye);
                self.over(call, None);
            }
        }
    }

    /// Accepts an invitation that rings.
    pub fn accept(&mut self, now: Timestamp, call: u64) {
        let contact = self.contact();
        if self.seek_place(now, call, Then::Accept) {
            return;
        }
        let Some(state) = self.calls.calls.get_mut(&call) else { return };
        let Stage::Ringing { tx, flow, request, tag } = &state.stage else { return };
        let (tx, flow) = (*tx, *flow);
        let answered =
            Description::parse(request.body()).ok().and_then(|offer| state.endpoint.answer(&offer).ok());
        let Some(((answer, agreed), dialog)) = answered.zip(Dialog::uas(request, tag).ok()) else {
            return self.decline(now, call, 488);
        };
        let response = ResponseBuilder::for_request(request, 200, "")
            .to_tag(tag)
            .source(flow.peer)
            .header(HeaderName::Contact, contact)
            .body(msrp::sdp::CONTENT_TYPE, answer.to_bytes())
            .build();
        let id = dialog.id();
        state.stage = Stage::Open { dialog, ack: None };
        self.respond_until_acknowledged(now, tx, id, response);
        self.connect(now, call, agreed);
    }

    /// Refuses an invitation that rings.
    pub fn decline(&mut self, now: Timestamp, call: u64, status: u16) {
        let Some(state) = self.calls.calls.get(&call) else { return };
        if let Stage::Ringing { tx, flow, request, tag } = &state.stage {
            let (tx, response) = (*tx, ResponseBuilder::for_request(request, status, "").to_tag(tag));
            let response = response.source(flow.peer).build();
            self.respond(now, tx, response);
            self.over(call, Some(status));
        }
    }

    /// The next thing to be done with an MSRP connection.
    pub fn poll_media(&mut self) -> Option<Media> {
        self.calls.media.pop_front()
    }

    /// The connection of a call is there.
    pub fn media_connected(&mut self, now: Timestamp, call: u64) {
        let seed = self.random.next();
        let Some(state) = self.calls.calls.get_mut(&call) else { return };
        if state.asking.is_some() {
            return self.ask_for_place(call);
        }
        let Some(agreed) = &state.agreed else { return };
        // RFC 4976 §5.1: out by our own relays, the one next to us first.
        let path = state.endpoint.relays.iter().rev().chain(&agreed.remote);
        let remote: Vec<String> = path.map(|uri| uri.to_string()).collect();
        let mut connection = Connection::new(Config::new(seed));
        connection.join(
            time(now),
            Session {
                id: state.endpoint.session_id().to_owned(),
                local: state.endpoint.uri.to_string(),
                remote: remote.join(" "),
                bytes_max: BYTES_MAX,
            },
        );
        state.queue.drain(..).for_each(|chunks| connection.send(chunks));
        state.connection = Some(connection);
        self.tend_media(now, call);
    }

    /// A part of a frame came on the connection of a call.
    pub fn media_received(&mut self, now: Timestamp, call: u64, part: Part) {
        let Some(state) = self.calls.calls.get_mut(&call) else { return };
        if state.asking.is_some() {
            self.relay_said(now, call, part);
        } else if let Some(connection) = &mut state.connection {
            connection.receive(time(now), part, &mut |_: &str| Lookup::Unknown);
            self.tend_media(now, call);
        }
    }

    /// The connection of a call is gone, or could not be opened.
    pub fn media_closed(&mut self, now: Timestamp, call: u64) {
        let Some(state) = self.calls.calls.get_mut(&call) else { return };
        if state.asking.is_some() {
            return self.no_place(now, call, 503);
        }
        if let Some(connection) = &mut state.connection {
            connection.close();
        }
        self.tend_media(now, call);
        self.hang_up(now, call);
    }

    /// The open call with somebody, by their URI.
    pub fn call_with(&self, peer: &str) -> Option<u64> {
        let open = |call: &Call| matches!(call.stage, Stage::Open { .. } | Stage::InGroup) && !call.is_large;
        self.calls.calls.iter().rev().find(|(_, call)| open(call) && call.peer == peer).map(|(id, _)| *id)
    }

    /// Answers invitations in another way from now on.
    pub fn answer_with(&mut self, answers: Answers) {
        self.config.services.answers = answers;
    }

    /// Whom a call is with, by their URI.
    pub fn peer_of(&self, call: u64) -> Option<&str> {
        self.calls.calls.get(&call).map(|call| call.peer.as_str())
    }

    /// Whether it announces chats or large messages.
    pub fn announces_sessions(&self) -> bool {
        self.config.services.chat || self.config.services.large
    }

    /// How many calls there are.
    pub fn calls(&self) -> usize {
        self.calls.calls.len()
    }

    fn invite(&mut self, now: Timestamp, to: &str, is_large: bool) -> u64 {
        let mut endpoint = self.endpoint();
        if is_large {
            endpoint.direction = Direction::SendOnly;
        }
        let call = self.add_call(to, is_large, endpoint);
        if !self.seek_place(now, call, Then::Invite) {
            self.send_invite(now, call);
        }
        call
    }

    pub(crate) fn send_invite(&mut self, now: Timestamp, call: u64) {
        let Some(state) = self.calls.calls.get(&call) else { return };
        // Over a relay it is we who connect, and have.
        let setup = if state.endpoint.relays.is_empty() { Setup::ActPass } else { Setup::Active };
        let (to, is_large, offer) = (state.peer.clone(), state.is_large, state.endpoint.offer(setup));
        let draft = self.invite_draft(&to, is_large, &offer);
        self.request(now, Purpose::Call { call }, draft);
    }

    fn invite_draft(&mut self, to: &str, is_large: bool, offer: &Description) -> Draft {
        let service = if is_large { LARGE } else { CHAT };
        let mut draft = self.draft("INVITE", to.to_owned());
        let contact = self.contact();
        let mut new_id = || ids::conversation_id(self.random.bytes_16());
        draft.headers = vec![
            (HeaderName::Contact, contact),
            (HeaderName::PPreferredService, service.to_owned()),
            (HeaderName::AcceptContact, format!("*;+g.3gpp.icsi-ref=\"{}\"", service.replace(':', "%3A"))),
            (HeaderName::ConversationId, new_id()),
            (HeaderName::ContributionId, new_id()),
        ];
        draft.body = Some((msrp::sdp::CONTENT_TYPE.into(), offer.to_bytes()));
        draft
    }

    /// A call with the focus of a group, to be joined by what we offer; with the offer.
    pub(crate) fn offer_to_focus(&mut self) -> (u64, Description) {
        let endpoint = self.endpoint();
        let offer = endpoint.offer(Setup::ActPass);
        (self.add_call("", false, endpoint), offer)
    }

    /// The focus has answered what we offered: the call stands, unless it takes none of it. Whether it does.
    pub(crate) fn joined_call(&mut self, now: Timestamp, call: u64, focus: &str, answer: &[u8]) -> bool {
        let Some(state) = self.calls.calls.get_mut(&call) else { return false };
        let answer = Description::parse(answer).ok();
        let Some(agreed) = answer.and_then(|answer| state.endpoint.accept(&answer).ok()) else {
            self.calls.calls.remove(&call);
            return false;
        };
        (state.peer, state.stage) = (focus.to_owned(), Stage::InGroup);
        self.connect(now, call, agreed);
        true
    }

    /// Takes what a focus offers: the call, and our answer. `None` when it cannot be taken.
    pub(crate) fn answer_focus(&mut self, now: Timestamp, focus: &str, offer: &[u8]) -> Option<(u64, Bytes)> {
        let endpoint = self.endpoint();
        let (answer, agreed) = endpoint.answer(&Description::parse(offer).ok()?).ok()?;
        let call = self.add_call(focus, false, endpoint);
        self.calls.calls.get_mut(&call).expect("it was just put there").stage = Stage::InGroup;
        self.connect(now, call, agreed);
        Some((call, answer.to_bytes()))
    }

    /// Nothing came of a call that was offered to a focus.
    pub(crate) fn forget_call(&mut self, call: u64) {
        self.calls.calls.remove(&call);
    }

    /// What we say of our end in a call when the other side refreshes it with an offer.
    pub(crate) fn describe_call(&self, call: u64, offer: &[u8]) -> Option<Bytes> {
        let state = self.calls.calls.get(&call)?;
        let (answer, _) = state.endpoint.answer(&Description::parse(offer).ok()?).ok()?;
        Some(answer.to_bytes())
    }

    /// Answers an INVITE with 2xx, as often as it takes until the ACK comes (RFC 3261 §13.3.1.4).
    pub(crate) fn respond_until_acknowledged(
        &mut self,
        now: Timestamp,
        tx: ServerTxId,
        dialog: DialogId,
        response: Bytes,
    ) {
        let waiting = Unacknowledged::new(time(now), response.clone(), &self.config.timing);
        self.calls.unacknowledged.push((tx, dialog, waiting));
        self.respond(now, tx, response);
    }

    fn endpoint(&mut self) -> Endpoint {
        let is_websocket = matches!(self.transport(), Some(Transport::Ws | Transport::Wss));
        let session = format!("{}{}", self.random.tag(), self.random.tag());
        let host = match self.local {
            Some(local) if !is_websocket => match local.ip() {
                std::net::IpAddr::V6(ip) => format!("[{ip}]"),
                ip => ip.to_string(),
            },
            _ => format!("{}.invalid", &session[..12]),
        };
        let transport = if is_websocket { "ws" } else { "tcp" };
        let mut endpoint = Endpoint::new(msrp::MsrpUri::new(false, &host, 9, &session, transport));
        (endpoint.connects, endpoint.max_size) = (true, BYTES_MAX);
        endpoint
    }

    fn add_call(&mut self, peer: &str, is_large: bool, endpoint: Endpoint) -> u64 {
        self.calls.last += 1;
        let placeholder = Message::parse_datagram(Bytes::from_static(b"INVITE sip:x SIP/2.0\r\n\r\n"));
        let request = placeholder.ok().and_then(Message::into_request).expect("a request line is a request");
        let call = Call {
            peer: peer.to_owned(),
            is_large,
            stage: Stage::Inviting { request, is_given_up: false },
            endpoint,
            agreed: None,
            connection: None,
            queue: VecDeque::new(),
            arriving: FxHashMap::default(),
            conversation_id: None,
            asking: None,
        };
        self.calls.calls.insert(self.calls.last, call);
        self.calls.last
    }

    /// An INVITE has gone out, perhaps with better credentials than before: what its 200 will open a dialog with.
    pub(crate) fn invited(&mut self, call: u64, request: &Bytes) {
        let request = Message::parse_datagram(request.clone()).ok().and_then(Message::into_request);
        if let (Some(state), Some(sent)) = (self.calls.calls.get_mut(&call), request)
            && let Stage::Inviting { request, .. } = &mut state.stage
        {
            *request = sent;
        }
    }

    /// A provisional answer to an INVITE of ours.
    pub(crate) fn invite_proceeds(&mut self, now: Timestamp, call: u64, status: u16) {
        let Some(state) = self.calls.calls.get(&call) else { return };
        if let Stage::Inviting { is_given_up: true, .. } = state.stage {
            self.cancel_request(now, call);
        } else if status == 180 {
            self.tell(Event::CallRinging { call });
        }
    }

    /// The final answer to an INVITE of ours; `None` when none came.
    pub(crate) fn invite_answered(&mut self, now: Timestamp, call: u64, response: Option<&Response>) {
        let Some(state) = self.calls.calls.get_mut(&call) else { return };
        let Some(response) = response.filter(|response| response.status() < 300) else {
            return self.over(call, Some(response.map_or(408, |response| response.status())));
        };
        let Stage::Inviting { request, is_given_up } = &state.stage else { return };
        let Ok(mut dialog) = Dialog::uac(request, response) else { return self.over(call, Some(500)) };
        let is_given_up = *is_given_up;
        let answer = Description::parse(response.body()).ok();
        let agreed = answer.and_then(|answer| state.endpoint.accept(&answer).ok());
        let ack = dialog.ack(dialog.local_cseq()).build();
        self.acknowledge(now, ack.clone());
        match agreed.filter(|_| !is_given_up) {
            Some(agreed) => {
                let state = self.calls.calls.get_mut(&call).expect("it was here a moment ago");
                state.stage = Stage::Open { dialog, ack: Some(ack) };
                self.connect(now, call, agreed);
            }
            None => {
                let bye = dialog.bye().build();
                self.send_aside(now, bye);
                self.over(call, Some(if is_given_up { 487 } else { 488 }));
            }
        }
    }

    /// An INVITE of ours could not even be sent.
    pub(crate) fn invite_failed(&mut self, call: u64) {
        self.over(call, Some(503));
    }

    /// A 200 came again: so does its ACK.
    pub(crate) fn answered_again(&mut self, now: Timestamp, response: &Response) {
        let Ok(call_id) = response.call_id() else { return };
        let ack = self.calls.calls.values().find_map(|call| match &call.stage {
            Stage::Open { dialog, ack, .. } if dialog.call_id() == call_id => ack.clone(),
            _ => None,
        });
        if let Some(ack) = ack {
            self.acknowledge(now, ack);
        }
    }

    /// A request within a call, or one that begins one; `false` when it is none of a call's.
    pub(crate) fn take_call_request(
        &mut self,
        now: Timestamp,
        tx: ServerTxId,
        flow: Flow,
        request: &Request,
    ) -> bool {
        let found = DialogId::of_request(request).ok().flatten();
        let found = found.and_then(|id| {
            self.calls.calls.iter().find_map(|(number, call)| match &call.stage {
                Stage::Open { dialog, .. } if dialog.is(&id) => Some(*number),
                _ => None,
            })
        });
        match (request.method(), found) {
            (Method::Invite, None)
                if request.to().is_ok_and(|to| to.tag().is_none()) && !is_from_focus(request) =>
            {
                self.invited_by(now, tx, flow, request);
            }
            (Method::Bye, Some(call)) => {
                self.answer_plainly(now, tx, flow, request, 200);
                self.over(call, None);
            }
            (Method::Invite | Method::Update, Some(call)) => self.refreshed(now, call, tx, flow, request),
            // Of a group, or nothing that we know.
            _ => return false,
        }
        true
    }

    /// Somebody invites us.
    fn invited_by(&mut self, now: Timestamp, tx: ServerTxId, flow: Flow, request: &Request) {
        if let Answers::Refuse(status) = self.config.services.answers {
            return self.answer_plainly(now, tx, flow, request, status);
        }
        let from = request.from().map(|from| from.uri.as_str().to_owned()).unwrap_or_default();
        let offer = Description::parse(request.body()).ok();
        let direction = offer.and_then(|offer| offer.msrp().map(|media| media.direction));
        let is_large = direction == Some(Direction::SendOnly);
        let endpoint = self.endpoint();
        let call = self.add_call(&from, is_large, endpoint);
        let tag = self.random.tag();
        let ringing = ResponseBuilder::for_request(request, 180, "").to_tag(&tag).source(flow.peer).build();
        let asserted = request.address(HeaderName::PAssertedIdentity).ok();
        let is_deferred = asserted.is_some_and(|uri| uri.uri.user() == Some("rcse-standfw"));
        let state = self.calls.calls.get_mut(&call).expect("it was just put there");
        state.conversation_id = request.header(HeaderName::ConversationId).map(|id| id.into_owned());
        state.stage = Stage::Ringing { tx, flow, request: request.clone(), tag };
        self.respond(now, tx, ringing);
        self.tell(Event::Called { call, from, is_large, is_deferred });
        if self.config.services.answers == Answers::Accept {
            self.accept(now, call);
        }
    }

    /// A re-INVITE or UPDATE: nothing has changed on our side.
    fn refreshed(&mut self, now: Timestamp, call: u64, tx: ServerTxId, flow: Flow, request: &Request) {
        let contact = self.contact();
        let Some(state) = self.calls.calls.get_mut(&call) else { return };
        let Stage::Open { dialog, .. } = &mut state.stage else { return };
        if dialog.receive(request).is_err() {
            return self.answer_plainly(now, tx, flow, request, 500);
        }
        let mut response = ResponseBuilder::for_request(request, 200, "")
            .source(flow.peer)
            .header(HeaderName::Contact, contact);
        if let Some(asked) = request.header(HeaderName::SessionExpires) {
            response = response.header(HeaderName::SessionExpires, asked);
        }
        let id = dialog.id();
        if let Some(answer) = self.describe_call(call, request.body()) {
            response = response.body(msrp::sdp::CONTENT_TYPE, answer);
        }
        let response = response.build();
        match request.method() {
            Method::Invite => self.respond_until_acknowledged(now, tx, id, response),
            _ => self.respond(now, tx, response),
        }
        self.tell(Event::CallRefreshed { call });
    }

    /// The inviter gives up.
    pub(crate) fn call_cancelled(&mut self, now: Timestamp, tx: ServerTxId) {
        let ringing = self.calls.calls.iter().find_map(|(call, state)| match &state.stage {
            Stage::Ringing { tx: waiting, .. } if *waiting == tx => Some(*call),
            _ => None,
        });
        if let Some(call) = ringing {
            self.decline(now, call, 487);
        }
    }

    /// An ACK to a 200 of ours.
    pub(crate) fn call_acknowledged(&mut self, request: &Request) {
        let Ok(Some(id)) = DialogId::of_request(request) else { return };
        self.calls.unacknowledged.retain(|(_, waiting, _)| *waiting != id);
    }

    /// When calls want attention next.
    pub(crate) fn calls_wake_at(&self) -> Option<Timestamp> {
        let at = |at: std::time::Duration| Timestamp::from_millis(at.as_millis() as u64 + 1);
        let repeats = self.calls.unacknowledged.iter().filter_map(|(_, _, waiting)| waiting.poll_timeout());
        let calls = self.calls.calls.values();
        let chunks = calls.filter_map(|call| call.connection.as_ref().and_then(Connection::poll_timeout));
        let places = self.calls.calls.values().filter_map(|call| Some(call.asking.as_ref()?.until));
        repeats.chain(chunks).map(at).chain(places).min()
    }

    /// Moves time on for calls.
    pub(crate) fn calls_timeout(&mut self, now: Timestamp) {
        let timing: Timing = self.config.timing;
        let mut repeats = Vec::new();
        self.calls.unacknowledged.retain_mut(|(tx, _, waiting)| {
            match waiting.handle_timeout(time(now), &timing) {
                OnTimeout::Send(response) => repeats.push((*tx, response)),
                OnTimeout::GiveUp | OnTimeout::End => return false,
                OnTimeout::Wait => {}
            }
            true
        });
        repeats.into_iter().for_each(|(tx, response)| self.respond(now, tx, response));
        let numbers: Vec<u64> = self.calls.calls.keys().copied().collect();
        for call in numbers {
            let Some(state) = self.calls.calls.get_mut(&call) else { continue };
            if state.asking.as_ref().is_some_and(|asking| asking.until <= now) {
                self.no_place(now, call, 408);
                continue;
            }
            if let Some(connection) = &mut state.connection {
                connection.handle_timeout(time(now));
            }
            self.tend_media(now, call);
        }
    }

    /// The SIP connection is gone; MSRP's may outlive it.
    pub(crate) fn calls_lost(&mut self) {
        self.calls.unacknowledged.clear();
        let numbers: Vec<u64> = self.calls.calls.keys().copied().collect();
        numbers.into_iter().for_each(|call| self.over(call, None));
    }

    fn connect(&mut self, now: Timestamp, call: u64, agreed: Agreed) {
        let Some(state) = self.calls.calls.get_mut(&call) else { return };
        let (to, peer) = (agreed.connect_to.clone(), state.peer.clone());
        state.agreed = Some(agreed);
        let is_websocket = state.endpoint.uri.is_websocket();
        self.tell(Event::CallOpen { call, peer });
        match self.calls.calls.get(&call).is_some_and(|state| !state.endpoint.relays.is_empty()) {
            // The connection to the relay is there.
            true => self.media_connected(now, call),
            false => self.calls.media.push_back(Media::Connect { call, to, is_websocket }),
        }
    }

    /// A call is no more. What was to be said in it fails.
    pub(crate) fn over(&mut self, call: u64, status: Option<u16>) {
        let Some(state) = self.calls.calls.remove(&call) else { return };
        if let Stage::InGroup = state.stage {
            self.call_of_group_over(&state.peer, call);
        }
        let unsaid: Vec<u64> =
            self.calls.sending.iter().filter(|(_, said)| said.call == call).map(|(send, _)| *send).collect();
        for send in unsaid {
            if let Some(message_id) = self.calls.sending.remove(&send).and_then(|said| said.message_id) {
                let why = status.map_or(Failure::ConnectionLost, Failure::Refused);
                self.tell(Event::NotSent { message_id, why });
            }
        }
        if state.agreed.is_some() || state.asking.is_some() || !state.endpoint.relays.is_empty() {
            self.calls.media.push_back(Media::Close { call });
        }
        self.tell(Event::CallEnded { call, status });
    }

    fn put_into(
        &mut self,
        now: Timestamp,
        call: u64,
        message_id: Option<String>,
        content_type: &str,
        body: Bytes,
    ) {
        self.calls.sends += 1;
        let send = self.calls.sends;
        let msrp_id = self.random.tag();
        let Some(state) = self.calls.calls.get_mut(&call) else {
            if let Some(message_id) = message_id {
                self.tell(Event::NotSent { message_id, why: Failure::ConnectionLost });
            }
            return;
        };
        self.calls.sending.insert(send, Said { call, message_id });
        let chunks = Chunks {
            send,
            session: state.endpoint.session_id().to_owned(),
            message_id: msrp_id,
            content_type: content_type.to_owned(),
            source: Box::new(body),
            success_report: false,
        };
        match &mut state.connection {
            Some(connection) => connection.send(chunks),
            None => state.queue.push_back(chunks),
        }
        self.tend_media(now, call);
    }

    /// Reports in a call; false when there is none with that party.
    pub(crate) fn report_in_call(&mut self, now: Timestamp, peer: &str, body: Bytes) -> bool {
        let Some(call) = self.call_with(peer) else { return false };
        self.put_into(now, call, None, cpim::CONTENT_TYPE, body);
        true
    }

    /// Sees to what a connection has to say.
    fn tend_media(&mut self, now: Timestamp, call: u64) {
        loop {
            let Some(state) = self.calls.calls.get_mut(&call) else { return };
            let Some(connection) = &mut state.connection else { return };
            let Some(event) = connection.poll_event() else {
                while let Some(bytes) = connection.poll_transmit() {
                    self.calls.media.push_back(Media::Send { call, bytes });
                }
                return;
            };
            match event {
                MsrpEvent::Begun { message, content_type, .. } => {
                    state.arriving.insert(message, (content_type, Vec::new()));
                }
                MsrpEvent::Data { message, offset, bytes } => {
                    if let Some((_, body)) = state.arriving.get_mut(&message) {
                        let (from, to) = (offset as usize, offset as usize + bytes.len());
                        body.resize(body.len().max(to), 0);
                        body[from..to].copy_from_slice(&bytes);
                    }
                }
                MsrpEvent::Whole { message, .. } => {
                    let Some((content_type, body)) = state.arriving.remove(&message) else { continue };
                    let (peer, conversation) = (state.peer.clone(), state.conversation_id.clone());
                    let read = self.read_in_call(peer, conversation, content_type, body.into());
                    let status = *read.as_ref().err().unwrap_or(&200);
                    if let Some(state) = self.calls.calls.get_mut(&call)
                        && let Some(connection) = &mut state.connection
                    {
                        connection.answer(message, status);
                    }
                    if let Ok(event) = read {
                        self.noticed(now, event);
                    }
                }
                MsrpEvent::Abandoned { message } => drop(state.arriving.remove(&message)),
                MsrpEvent::Sent { send } => {
                    let is_large = state.is_large;
                    if let Some(message_id) =
                        self.calls.sending.remove(&send).and_then(|said| said.message_id)
                    {
                        self.tell(Event::Sent { message_id, status: 200 });
                        if is_large {
                            // One session, one message.
                            self.hang_up(now, call);
                        }
                    }
                }
                MsrpEvent::NotSent { send, status } => {
                    if let Some(message_id) =
                        self.calls.sending.remove(&send).and_then(|said| said.message_id)
                    {
                        self.tell(Event::NotSent { message_id, why: Failure::Refused(status) });
                    }
                }
                MsrpEvent::Bound { .. } | MsrpEvent::Active { .. } | MsrpEvent::Report { .. } => {}
            }
        }
    }
}

/// Whether a group calls (RFC 4579 §5.2).
fn is_from_focus(request: &Request) -> bool {
    let contacts = request.contacts().filter_map(Result::ok).filter_map(sip::Contact::address);
    contacts.into_iter().any(|contact| contact.features().has("isfocus"))
}
