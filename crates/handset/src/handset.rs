//! The handset as a value: requests out with credentials when they are asked for, requests in and answered.
//!
//! Inputs: [`Handset::connected`], [`Handset::receive`], [`Handset::handle_timeout`], [`Handset::disconnected`], and what the
//! user does ([`Handset::register`], [`Handset::send`] …). Outputs: [`Handset::poll_transmit`], [`Handset::poll_event`],
//! [`Handset::poll_timeout`].

use std::borrow::Cow;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rcs::address::Address;
use rcs::imdn::Disposition;
use rcs::{Timestamp, ids};
use rustc_hash::{FxHashMap, FxHashSet};
use sip::digest::Challenge;
use sip::transaction::{self, ClientTxId, Layer, RequestError, Timing};
use sip::{Flow, HeaderName, Message, RequestBuilder, Response, Transport};

use crate::call::{Calls, Services};
use crate::group::{Extras, Group, sent_request};
use crate::message::Incoming;
use crate::register::Registration;
use crate::relay::Relay;

/// How often one request is sent again with better credentials: once for a challenge, once for a nonce grown old meanwhile.
const CHALLENGES_MAX: u32 = 2;

/// INVITEs remembered so that a repeated answer is acknowledged again.
const ACCEPTED_MAX: usize = 16;

/// Messages remembered so that their repeats are recognised.
const SEEN_MAX: usize = 100_000;

/// Who a handset is and how it behaves.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whose handset.
    pub address: Address,
    /// SIP domain of the subscriber.
    pub domain: String,
    /// Digest user name: the number, or what a configuration says.
    pub username: String,
    /// The password that goes with it.
    pub password: String,
    /// Names the device: a URN, `urn:uuid:…`.
    pub instance: String,
    /// Which of the device's flows this is (RFC 5626), from 1.
    pub reg_id: u32,
    /// Lifetime asked for at registration, in seconds.
    pub expires_s: u32,
    /// Whether MD5 is used even where SHA-256 is offered, as by older stacks.
    pub md5_only: bool,
    /// Whether messages that ask for it are reported delivered by themselves.
    pub reports_delivery: bool,
    /// What it announces of messages and sessions, and how it answers invitations.
    pub services: Services,
    /// The MSRP relay that its calls go through; usually none.
    pub relay: Option<Relay>,
    /// SIP timers.
    pub timing: Timing,
    /// What ids and tags are drawn from; two handsets must not share it. Not for secrets.
    pub seed: u64,
}

impl Config {
    /// A handset of the subscriber with this number, E.164 with `+`.
    ///
    /// # Errors
    /// The number is not one.
    pub fn new(
        number: &str,
        domain: &str,
        password: &str,
        seed: u64,
    ) -> Result<Self, rcs::address::AddressError> {
        let mut random = Random::new(seed);
        Ok(Self {
            address: Address::subscriber(number)?,
            domain: domain.to_owned(),
            username: number.to_owned(),
            password: password.to_owned(),
            instance: format!("urn:uuid:{}", ids::conversation_id(random.bytes_16())),
            reg_id: 1,
            expires_s: 3600,
            md5_only: false,
            reports_delivery: true,
            services: Services::default(),
            relay: None,
            timing: Timing::default(),
            seed: random.next(),
        })
    }
}

/// What happened to a handset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The registrar has us (or, after [`Handset::unregister`], has let us go with 0 seconds).
    Registered {
        /// Until the registration ends; it is refreshed before.
        expires_s: u32,
    },
    /// The registrar does not have us.
    NotRegistered(Failure),
    /// The platform took a message of ours.
    Sent {
        /// Its id.
        message_id: String,
        /// 200 when a device has it, 202 when it is kept.
        status: u16,
    },
    /// A message of ours was not taken, or nobody can tell: sending it again under the same id is harmless.
    NotSent {
        /// Its id.
        message_id: String,
        /// Why.
        why: Failure,
    },
    /// A message came that was not there before.
    Message(Incoming),
    /// A message came again; it was answered and is not shown.
    Repeated {
        /// Its id.
        message_id: String,
    },
    /// A report on a message of ours.
    Report {
        /// The message.
        message_id: String,
        /// Who reports.
        from: String,
        /// What.
        disposition: Disposition,
    },
    /// The platform has taken a message of ours back, or could not.
    Revoked {
        /// The message.
        message_id: String,
        /// Whether it is taken back.
        is_done: bool,
    },
    /// The other party is typing, or has stopped.
    Composing {
        /// Who.
        from: String,
        /// Whether they type.
        active: bool,
    },
    /// An answer to [`Handset::ask_capabilities`].
    Capabilities {
        /// Who was asked.
        of: String,
        /// The status: 200, 404, 480 …
        status: u16,
        /// The feature tags of the Contact; empty unless the status is 200.
        contact: String,
    },
    /// Somebody's device rings at our invitation.
    CallRinging {
        /// The call.
        call: u64,
    },
    /// A call stands.
    CallOpen {
        /// The call.
        call: u64,
        /// The other party's URI.
        peer: String,
    },
    /// Somebody invites us.
    Called {
        /// The call.
        call: u64,
        /// Who, by the From.
        from: String,
        /// Whether it is for one large message.
        is_large: bool,
        /// Whether the platform's store-and-forward function calls.
        is_deferred: bool,
    },
    /// The platform has refreshed a call.
    CallRefreshed {
        /// The call.
        call: u64,
    },
    /// A call is over, or was never one.
    CallEnded {
        /// The call.
        call: u64,
        /// The status that it failed with; `None` when it ended as calls do.
        status: Option<u16>,
    },
    /// We are in a group: we made it, or its focus called.
    Joined {
        /// Its focus, a SIP URI.
        focus: String,
    },
    /// No group came of what was asked.
    NotJoined(Failure),
    /// Somebody came into a group or went, or its subject is another: see [`Handset::group_info`].
    Members {
        /// Its focus.
        focus: String,
    },
    /// We are in a group no longer.
    Left {
        /// Its focus.
        focus: String,
    },
    /// The connection was lost. Requests under way have failed with [`Failure::ConnectionLost`].
    Disconnected,
}

/// Why a request came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A final answer that is no success.
    #[error("answered {0}")]
    Refused(u16),
    /// Nobody answered in time.
    #[error("no answer")]
    NoAnswer,
    /// There is no connection, or it was lost before the answer.
    #[error("no connection")]
    ConnectionLost,
    /// Too large for UDP.
    #[error("too large for UDP")]
    TooLarge,
}

/// A headless RCS handset.
#[derive(Debug)]
pub struct Handset {
    pub(crate) config: Config,
    pub(crate) random: Random,
    layer: Layer,
    flow: Option<Flow>,
    /// Our address on the connection, or on the last one.
    pub(crate) local: Option<SocketAddr>,
    /// What follows the `@` in our Contact: host, port, and the transport unless it is UDP.
    pub(crate) contact_place: String,
    pub(crate) registration: Registration,
    requests: FxHashMap<ClientTxId, Pending>,
    proxy: Option<Credentials>,
    pub(crate) calls: Calls,
    events: VecDeque<Event>,
    seen: FxHashSet<(String, String)>,
    seen_order: VecDeque<(String, String)>,
    /// By focus.
    pub(crate) groups: FxHashMap<String, Group>,
    /// INVITEs of ours that were accepted, for when the answer comes again; the oldest first.
    accepted: VecDeque<(ClientTxId, sip::Request)>,
}

/// A challenge that was answered, good for more requests with a rising count.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) challenge: Challenge,
    pub(crate) count: u32,
}

/// What a request of ours was for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    Register {
        expires_s: u32,
    },
    Message {
        message_id: String,
    },
    /// A report or a composing indication: nothing depends on its answer.
    Aside,
    Options {
        of: String,
    },
    Call {
        call: u64,
    },
    /// Into a group; with the call that is to stand with its focus.
    Invite {
        call: Option<u64>,
    },
    Subscribe {
        focus: String,
    },
    Bye {
        focus: String,
    },
}

/// A request of which all but credentials and CSeq stays the same when it is repeated.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) method: &'static str,
    pub(crate) uri: String,
    pub(crate) to: String,
    pub(crate) from_tag: String,
    pub(crate) call_id: String,
    pub(crate) cseq: u32,
    pub(crate) headers: Vec<(HeaderName, String)>,
    pub(crate) body: Option<(Cow<'static, str>, Bytes)>,
}

#[derive(Debug)]
struct Pending {
    purpose: Purpose,
    draft: Draft,
    /// As it was sent, if it may open a dialog.
    sent: Option<Bytes>,
    challenges: u32,
}

impl Handset {
    /// A handset without a connection.
    pub fn new(config: Config) -> Self {
        let mut random = Random::new(config.seed);
        Self {
            layer: layer(&config, &mut random, "unconnected.invalid"),
            local: None,
            contact_place: String::new(),
            registration: Registration::new(&mut random, &config.domain),
            config,
            random,
            flow: None,
            requests: FxHashMap::default(),
            proxy: None,
            calls: Calls::default(),
            events: VecDeque::new(),
            seen: FxHashSet::default(),
            seen_order: VecDeque::new(),
            groups: FxHashMap::default(),
            accepted: VecDeque::new(),
        }
    }

    /// Whose handset this is.
    pub fn address(&self) -> &Address {
        &self.config.address
    }

    /// There is a connection. `local` is our address on it for Via and Contact; WebSocket clients have none (RFC 7118 §5).
    pub fn connected(&mut self, flow: Flow, local: Option<SocketAddr>) {
        self.local = local;
        let sent_by = match local {
            Some(local) => local.to_string(),
            None => format!("{:012x}.invalid", self.random.next() >> 16),
        };
        self.layer = layer(&self.config, &mut self.random, &sent_by);
        self.contact_place = match flow.transport {
            Transport::Udp => sent_by,
            transport => format!("{sent_by};transport={}", transport.via_token().to_ascii_lowercase()),
        };
        self.flow = Some(flow);
        self.proxy = None;
    }

    /// The connection is gone. What was under way fails; what has been seen stays known.
    pub fn disconnected(&mut self, now: Timestamp) {
        let Some(flow) = self.flow.take() else { return };
        self.layer.flow_closed(time(now), flow);
        self.registration.lost();
        self.take_events(now);
        self.calls_lost();
        self.events.push_back(Event::Disconnected);
    }

    /// Takes a message from the connection.
    pub fn receive(&mut self, now: Timestamp, message: Message) {
        let Some(flow) = self.flow else { return };
        if let Some(event) = self.layer.receive(time(now), flow, message) {
            self.take(now, event);
        }
    }

    /// Moves time on: repeats, timeouts, and the refresh of the registration.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        self.layer.handle_timeout(time(now));
        self.take_events(now);
        self.calls_timeout(now);
        if self.registration.refresh_at.is_some_and(|at| at <= now) {
            self.registration.refresh_at = None;
            self.register(now);
        }
    }

    /// When to call [`Handset::handle_timeout`] next; earlier does no harm.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        let layer = self.layer.poll_timeout().map(|at| Timestamp::from_millis(at.as_millis() as u64 + 1));
        layer.into_iter().chain(self.registration.refresh_at).chain(self.calls_wake_at()).min()
    }

    /// The next bytes for the connection; over WebSocket and UDP, one message each.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.layer.poll_transmit().map(|(_, bytes)| bytes)
    }

    /// What happened since the last call.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Number of requests of ours that await their answer.
    pub fn pending(&self) -> usize {
        self.requests.len()
    }

    pub(crate) fn tell(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// Whether a message was not there before.
    pub(crate) fn is_new(&mut self, from: &str, message_id: &str) -> bool {
        let key = (from.to_owned(), message_id.to_owned());
        if !self.seen.insert(key.clone()) {
            return false;
        }
        self.seen_order.push_back(key);
        if self.seen_order.len() > SEEN_MAX
            && let Some(oldest) = self.seen_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }

    /// A request to `uri` outside any dialog.
    pub(crate) fn draft(&mut self, method: &'static str, uri: String) -> Draft {
        Draft {
            method,
            to: format!("<{uri}>"),
            uri,
            from_tag: self.random.tag(),
            call_id: format!("{}@{}", self.random.tag(), self.config.domain),
            cseq: 1,
            headers: Vec::new(),
            body: None,
        }
    }

    /// Sends a request, with the credentials that were asked for last.
    pub(crate) fn request(&mut self, now: Timestamp, purpose: Purpose, draft: Draft) {
        let credentials = match purpose {
            Purpose::Register { .. } => &mut self.registration.credentials,
            // A connection over which we registered vouches for us; UDP does not.
            _ => &mut self.proxy,
        };
        let authorization = credentials.as_mut().map(|credentials| {
            credentials.count += 1;
            let config = &self.config;
            let cnonce = self.random.tag();
            let (challenge, count) = (&credentials.challenge, credentials.count);
            challenge.answer(draft.method, &draft.uri, &config.username, &config.password, &cnonce, count)
        });
        self.transmit(now, purpose, draft, authorization, 0);
    }

    fn transmit(
        &mut self,
        now: Timestamp,
        purpose: Purpose,
        draft: Draft,
        authorization: Option<String>,
        challenges: u32,
    ) {
        let Some(flow) = self.flow else {
            return self.failed(purpose, Failure::ConnectionLost);
        };
        let own = self.config.address.sip_uri(&self.config.domain);
        let mut request = RequestBuilder::new(draft.method, &draft.uri)
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("<{own}>;tag={}", draft.from_tag))
            .header(HeaderName::To, &draft.to)
            .header(HeaderName::CallId, &draft.call_id)
            .header(HeaderName::CSeq, format_args!("{} {}", draft.cseq, draft.method));
        for (name, value) in &draft.headers {
            request = request.header(*name, value);
        }
        if let Some(authorization) = authorization {
            let name = match purpose {
                Purpose::Register { .. } => HeaderName::Authorization,
                _ => HeaderName::ProxyAuthorization,
            };
            request = request.header(name, authorization);
        }
        if let Some((content_type, body)) = &draft.body {
            request = request.body(content_type, body.clone());
        }
        let request = request.build();
        let opens = matches!(purpose, Purpose::Invite { .. } | Purpose::Subscribe { .. });
        let sent = opens.then(|| request.clone());
        match self.layer.request(time(now), flow, request.clone()) {
            Ok(tx) => {
                if let Purpose::Call { call } = purpose {
                    self.invited(call, &request);
                }
                let pending = Pending { purpose, draft, sent, challenges };
                self.requests.insert(tx, pending);
            }
            Err(RequestError::TooLarge { .. }) => self.failed(purpose, Failure::TooLarge),
            Err(_) => self.failed(purpose, Failure::NoAnswer),
        }
    }

    fn take_events(&mut self, now: Timestamp) {
        while let Some(event) = self.layer.poll_event() {
            self.take(now, event);
        }
    }

    fn take(&mut self, now: Timestamp, event: transaction::Event) {
        match event {
            transaction::Event::Request { tx, request, flow } => {
                if self.take_call_request(now, tx, flow, &request) {
                    return;
                }
                let tag = self.random.tag();
                let mut extras = Extras::default();
                let of_group = self.answer_to_focus(now, &request, &tag, &mut extras);
                let (status, event) = of_group.unwrap_or_else(|| self.answer_to(&request));
                let mut response =
                    sip::ResponseBuilder::for_request(&request, status, "").to_tag(&tag).source(flow.peer);
                if let Some(contact) = self.answer_contact(request.method()) {
                    response = response.header(HeaderName::Contact, contact);
                }
                if let Some(session_expires) = extras.session_expires {
                    response = response.header(HeaderName::SessionExpires, session_expires);
                }
                if let Some(sdp) = extras.sdp {
                    response = response.body(msrp::sdp::CONTENT_TYPE, sdp);
                }
                let response = response.build();
                match extras.dialog {
                    Some(dialog) => self.respond_until_acknowledged(now, tx, dialog, response),
                    None => self.respond(now, tx, response),
                }
                if let Some(event) = event {
                    self.noticed(now, event);
                }
            }
            transaction::Event::Response { tx, response } if response.is_final() => {
                match self.requests.remove(&tx) {
                    Some(pending) => self.answered(now, tx, pending, &response),
                    None => {
                        self.answered_again(now, &response);
                        self.accepted_again(now, tx, &response);
                    }
                }
            }
            transaction::Event::TimedOut { tx } => self.lost(now, tx, Failure::NoAnswer),
            transaction::Event::TransportFailed { tx } => self.lost(now, tx, Failure::ConnectionLost),
            transaction::Event::Response { tx, response } => {
                if let Some(Pending { purpose: Purpose::Call { call }, .. }) = self.requests.get(&tx) {
                    let call = *call;
                    self.invite_proceeds(now, call, response.status());
                }
            }
            transaction::Event::Ack { request, .. } => self.call_acknowledged(&request),
            transaction::Event::Cancel { tx } => self.call_cancelled(now, tx),
            transaction::Event::NoAck { .. } => {}
        }
    }

    /// A 2xx came again: its ACK was lost.
    fn accepted_again(&mut self, now: Timestamp, tx: ClientTxId, response: &Response) {
        let sent = self.accepted.iter().find(|(accepted, _)| *accepted == tx).map(|(_, sent)| sent.clone());
        if let Some(sent) = sent {
            self.joined(now, &sent, response, None);
        }
    }

    /// Sends an ACK to a 2xx.
    pub(crate) fn acknowledge(&mut self, now: Timestamp, ack: Bytes) {
        if let Some(flow) = self.flow {
            // A lost ACK is asked for again.
            let _ = self.layer.acknowledge(time(now), flow, ack);
        }
    }

    fn answered(&mut self, now: Timestamp, tx: ClientTxId, pending: Pending, response: &Response) {
        let Pending { purpose, draft, sent, challenges } = pending;
        match response.status() {
            401 | 407 if challenges < CHALLENGES_MAX => {
                match self.credentials(response, draft.method, &draft.uri, &purpose) {
                    Some(authorization) => {
                        let cseq = match purpose {
                            Purpose::Register { .. } => self.registration.next_cseq(),
                            _ => draft.cseq + 1,
                        };
                        let draft = Draft { cseq, ..draft };
                        self.transmit(now, purpose, draft, Some(authorization), challenges + 1);
                    }
                    None => self.failed(purpose, Failure::Refused(response.status())),
                }
            }
            status => match purpose {
                Purpose::Register { expires_s } => self.register_answered(now, expires_s, response),
                Purpose::Message { message_id } if status < 300 => {
                    self.tell(Event::Sent { message_id, status })
                }
                Purpose::Invite { call } if status < 300 => {
                    if let Some(sent) = sent.and_then(sent_request) {
                        self.joined(now, &sent, response, call);
                        self.accepted.push_back((tx, sent));
                        if self.accepted.len() > ACCEPTED_MAX {
                            self.accepted.pop_front();
                        }
                    }
                }
                Purpose::Subscribe { focus } if status < 300 => {
                    if let Some(sent) = sent.and_then(sent_request) {
                        self.subscribed(&focus, &sent, response);
                    }
                }
                Purpose::Bye { focus } if status < 300 => self.left(&focus),
                Purpose::Options { of } => {
                    let contact = response.header(HeaderName::Contact).unwrap_or_default().into_owned();
                    self.tell(Event::Capabilities { of, status, contact });
                }
                Purpose::Call { call } => self.invite_answered(now, call, Some(response)),
                purpose if status >= 300 => self.failed(purpose, Failure::Refused(status)),
                _ => {}
            },
        }
    }

    /// Answers the challenge of a 401 or 407, and keeps it for the requests to come.
    fn credentials(
        &mut self,
        response: &Response,
        method: &str,
        uri: &str,
        purpose: &Purpose,
    ) -> Option<String> {
        let name = match response.status() {
            401 => HeaderName::WwwAuthenticate,
            _ => HeaderName::ProxyAuthenticate,
        };
        let md5_only = self.config.md5_only;
        let is_ours = |value: &&[u8]| {
            !md5_only
                || Challenge::parse(value)
                    .is_some_and(|challenge| challenge.algorithm == sip::digest::Algorithm::Md5)
        };
        let challenge = Challenge::best(response.all(name).filter(is_ours))?;
        let cnonce = self.random.tag();
        let config = &self.config;
        let username = &config.username;
        let answer = challenge.answer(method, uri, username, &config.password, &cnonce, 1);
        let credentials = Some(Credentials { challenge, count: 1 });
        match purpose {
            Purpose::Register { .. } => self.registration.credentials = credentials,
            _ => self.proxy = credentials,
        }
        Some(answer)
    }

    fn lost(&mut self, now: Timestamp, tx: ClientTxId, why: Failure) {
        if let Some(pending) = self.requests.remove(&tx) {
            if let Purpose::Call { call } = pending.purpose {
                return self.invite_answered(now, call, None);
            }
            self.failed(pending.purpose, why);
        }
    }

    fn failed(&mut self, purpose: Purpose, why: Failure) {
        match purpose {
            Purpose::Register { .. } => {
                self.registration.credentials = None;
                self.tell(Event::NotRegistered(why));
            }
            Purpose::Message { message_id } => self.tell(Event::NotSent { message_id, why }),
            Purpose::Options { of } => {
                let status = match why {
                    Failure::Refused(status) => status,
                    _ => 408,
                };
                let contact = String::new();
                self.tell(Event::Capabilities { of, status, contact });
            }
            Purpose::Invite { call } => {
                if let Some(call) = call {
                    self.forget_call(call);
                }
                self.not_joined(why);
            }
            Purpose::Aside | Purpose::Subscribe { .. } | Purpose::Bye { .. } => {}
            Purpose::Call { call } => self.invite_failed(call),
        }
    }

    /// The transport of the connection.
    pub(crate) fn transport(&self) -> Option<Transport> {
        self.flow.map(|flow| flow.transport)
    }

    pub(crate) fn respond(&mut self, now: Timestamp, tx: transaction::ServerTxId, response: Bytes) {
        // It fails only when the request is too old to be answered.
        let _ = self.layer.respond(time(now), tx, response);
    }

    pub(crate) fn answer_plainly(
        &mut self,
        now: Timestamp,
        tx: transaction::ServerTxId,
        flow: Flow,
        request: &sip::Request,
        status: u16,
    ) {
        let tag = self.random.tag();
        let response = sip::ResponseBuilder::for_request(request, status, "").to_tag(&tag);
        self.respond(now, tx, response.source(flow.peer).build());
    }

    /// Sends a request on whose answer nothing depends.
    pub(crate) fn send_aside(&mut self, now: Timestamp, request: Bytes) {
        if let Some(flow) = self.flow {
            let _ = self.layer.request(time(now), flow, request);
        }
    }

    /// Cancels the INVITE of a call; without a provisional answer it has to wait for one.
    pub(crate) fn cancel_request(&mut self, now: Timestamp, call: u64) {
        let of_call = |pending: &Pending| matches!(pending.purpose, Purpose::Call { call: of } if of == call);
        let tx = self.requests.iter().find(|(_, pending)| of_call(pending)).map(|(tx, _)| *tx);
        if let Some(tx) = tx {
            let _ = self.layer.cancel(time(now), tx);
        }
    }
}

fn layer(config: &Config, random: &mut Random, sent_by: &str) -> Layer {
    let mut layer = transaction::Config::new(sent_by, random.bytes_16());
    layer.timing = config.timing;
    Layer::new(layer)
}

/// Time as transactions count it.
pub(crate) fn time(now: Timestamp) -> Duration {
    now.since(Timestamp::EPOCH)
}

/// Repeatable numbers that look random (SplitMix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn bytes_16(&mut self) -> [u8; 16] {
        let (high, low) = (self.next(), self.next());
        (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
    }

    /// A tag, branch or Call-ID.
    pub(crate) fn tag(&mut self) -> String {
        format!("{:016x}", self.next())
    }
}
