//! All transactions of one element: finds the one that a message belongs to, keeps their timers, and queues what
//! they send.
//!
//! Inputs: [`Layer::receive`], [`Layer::request`], [`Layer::respond`], [`Layer::cancel`], [`Layer::flow_closed`],
//! [`Layer::handle_timeout`]. Outputs: [`Layer::poll_transmit`], [`Layer::poll_event`], [`Layer::poll_timeout`].

use std::collections::VecDeque;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::answered::Answered;
use super::client::ClientTransaction;
use super::server::{OnTimeout, ServerTransaction};
use super::timers::Timers;
use super::{ClientTxId, Event, ServerTxId, Timing};
use crate::UDP_REQUEST_BYTES_MAX;
use crate::flow::{Flow, Transport};
use crate::message::{Message, Request, Response};
use crate::method::Method;
use crate::name::HeaderName;
use crate::parse;
use crate::value::{HeaderError, Reason, Via};
use crate::write::{RequestBuilder, ResponseBuilder};

/// Branches that begin so are unique to their transaction (RFC 3261 §8.1.1.7).
const MAGIC_COOKIE: &str = "z9hG4bK";

/// What a [`Layer`] needs to know.
#[derive(Clone)]
pub struct Config {
    /// Host and optional port that our Via names, e.g. `hongyan.local:5060`.
    pub sent_by: String,
    /// Makes branches that nobody can guess; random, and different after each start.
    pub secret: [u8; 16],
    /// Timer values; those under a millisecond count as one.
    pub timing: Timing,
    /// Most server transactions held, those that only absorb retransmissions included; beyond it requests are
    /// answered 503 without being remembered.
    pub server_max: usize,
    /// Most client transactions held; beyond it [`Layer::request`] refuses.
    pub client_max: usize,
    /// Retry-After of that 503, in seconds.
    pub retry_after_s: u32,
}

impl Config {
    /// Defaults: RFC timers, a million transactions of each kind, Retry-After of 5 s.
    pub fn new(sent_by: impl Into<String>, secret: [u8; 16]) -> Self {
        Config {
            sent_by: sent_by.into(),
            secret,
            timing: Timing::default(),
            server_max: 1_000_000,
            client_max: 1_000_000,
            retry_after_s: 5,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All but the secret.
        f.debug_struct("Config")
            .field("sent_by", &self.sent_by)
            .field("timing", &self.timing)
            .field("server_max", &self.server_max)
            .field("client_max", &self.client_max)
            .finish_non_exhaustive()
    }
}

/// Why a request was not sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It may not go over UDP (RFC 3261 §18.1.1).
    #[error("{bytes} bytes are too many for UDP")]
    TooLarge {
        /// Size with our Via.
        bytes: usize,
    },
    /// [`Config::client_max`] is reached.
    #[error("too many requests await their answer")]
    Full,
    /// The bytes do not begin with a request line.
    #[error("not a request")]
    NotARequest,
}

/// The transaction has ended; nothing was sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transaction has ended")]
pub struct Gone;

/// The transaction layer.
#[derive(Debug)]
pub struct Layer {
    config: Config,
    now: Duration,
    servers: FxHashMap<u64, ServerSlot>,
    answered: Answered,
    clients: FxHashMap<u64, ClientSlot>,
    last_client: u64,
    /// Live transactions of each connection; ended ones are swept out when the list grows.
    by_connection: FxHashMap<Flow, Vec<Owner>>,
    timers: Timers<Owner>,
    outgoing: VecDeque<(Flow, Bytes)>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
struct ServerSlot {
    tx: ServerTransaction,
    /// Where responses go.
    reply_to: Flow,
}

#[derive(Debug)]
struct ClientSlot {
    tx: ClientTransaction,
    flow: Flow,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Owner {
    Server(u64),
    Client(u64),
}

impl Layer {
    /// A layer without transactions.
    pub fn new(mut config: Config) -> Self {
        // A timer of no length would be due again as soon as it is handled.
        for timer in [&mut config.timing.t1, &mut config.timing.t2, &mut config.timing.t4] {
            *timer = (*timer).max(Duration::from_millis(1));
        }
        Layer {
            config,
            now: Duration::ZERO,
            servers: FxHashMap::default(),
            answered: Answered::default(),
            clients: FxHashMap::default(),
            last_client: 0,
            by_connection: FxHashMap::default(),
            timers: Timers::new(),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Takes a message from the network; what its user is to know about it, if anything.
    ///
    /// Retransmissions are answered from memory, requests without the headers that every request has get 400, and
    /// responses to nothing we asked are dropped.
    pub fn receive(&mut self, now: Duration, flow: Flow, message: Message) -> Option<Event> {
        self.advance(now);
        match message {
            Message::Request(request) => self.receive_request(flow, request),
            Message::Response(response) => self.receive_response(response),
        }
    }

    /// Sends a response, which must be one of `tx`'s request.
    ///
    /// # Errors
    /// The transaction has ended, a final response was sent before, or the bytes are no response.
    pub fn respond(&mut self, now: Duration, tx: ServerTxId, response: Bytes) -> Result<(), Gone> {
        self.advance(now);
        let slot = self.servers.get_mut(&tx.0).ok_or(Gone)?;
        let before = slot.tx.deadlines();
        if !slot.tx.respond(self.now, &self.config.timing, status_of(&response), response.clone()) {
            return Err(Gone);
        }
        self.outgoing.push_back((slot.reply_to, response));
        let after = slot.tx.deadlines();
        if slot.tx.is_terminated() {
            self.servers.remove(&tx.0);
        } else {
            self.set_timers(Owner::Server(tx.0), before, after);
        }
        Ok(())
    }

    /// Sends a final response with nothing in it but its status and a To tag. Over UDP a repeat of the request hears the same
    /// again, at a fraction of the memory that [`Layer::respond`] takes: the status is all that is kept.
    ///
    /// `request` is `tx`'s request and `flow` whence it came.
    ///
    /// # Errors
    /// The transaction has ended, or a final response was sent before.
    pub fn answer(
        &mut self,
        now: Duration,
        tx: ServerTxId,
        request: &Request,
        flow: Flow,
        status: u16,
    ) -> Result<(), Gone> {
        let response = self.plain_response(tx.0, request, flow, status);
        if request.method() == Method::Invite || status < 200 {
            return self.respond(now, tx, response);
        }
        self.advance(now);
        if !self.is_pending(tx) {
            return Err(Gone);
        }
        let slot = self.servers.remove(&tx.0).ok_or(Gone)?;
        self.outgoing.push_back((slot.reply_to, response));
        if !flow.transport.is_reliable() {
            let linger = self.config.timing.give_up(); // Timer J
            self.answered.insert(self.now, linger, self.config.server_max, tx.0, status);
        }
        Ok(())
    }

    /// Sends a request other than ACK on `flow`, with a Via of ours on top.
    ///
    /// # Errors
    /// See [`RequestError`]; nothing is sent then.
    pub fn request(&mut self, now: Duration, flow: Flow, request: Bytes) -> Result<ClientTxId, RequestError> {
        self.advance(now);
        if self.clients.len() >= self.config.client_max {
            return Err(RequestError::Full);
        }
        let id = self.last_client + 1;
        let method_end = memchr::memchr(b' ', &request).ok_or(RequestError::NotARequest)?;
        let invite = &request[..method_end] == b"INVITE";
        let line_end = memchr::memchr(b'\n', &request).ok_or(RequestError::NotARequest)? + 1;
        if !request[..line_end].ends_with(b" SIP/2.0\r\n") {
            return Err(RequestError::NotARequest);
        }
        let branch_end = self.keyed("branch", id);
        let request = with_via(&request, line_end, &self.config.sent_by, flow.transport, id, branch_end);
        if flow.transport == Transport::Udp && request.len() > UDP_REQUEST_BYTES_MAX {
            return Err(RequestError::TooLarge { bytes: request.len() });
        }
        self.last_client = id;
        let reliable = flow.transport.is_reliable();
        let tx = ClientTransaction::new(self.now, invite, reliable, request.clone(), &self.config.timing);
        let after = tx.deadlines();
        self.clients.insert(id, ClientSlot { tx, flow });
        self.set_timers(Owner::Client(id), [None; 2], after);
        self.remember(flow, Owner::Client(id));
        self.outgoing.push_back((flow, request));
        Ok(ClientTxId(id))
    }

    /// Sends a request that has no transaction: the ACK to a 2xx (RFC 3261 §13.2.2.4). A Via of ours goes on top.
    ///
    /// # Errors
    /// As [`Layer::request`].
    pub fn acknowledge(&mut self, now: Duration, flow: Flow, ack: Bytes) -> Result<(), RequestError> {
        self.advance(now);
        let line_end = memchr::memchr(b'\n', &ack).ok_or(RequestError::NotARequest)? + 1;
        self.last_client += 1;
        let branch_end = self.keyed("branch", self.last_client);
        let ack =
            with_via(&ack, line_end, &self.config.sent_by, flow.transport, self.last_client, branch_end);
        if flow.transport == Transport::Udp && ack.len() > UDP_REQUEST_BYTES_MAX {
            return Err(RequestError::TooLarge { bytes: ack.len() });
        }
        self.outgoing.push_back((flow, ack));
        Ok(())
    }

    /// Gives up on an INVITE: sends CANCEL (RFC 3261 §9.1). The INVITE still ends with a response, or times out
    /// 64·T1 later.
    ///
    /// # Errors
    /// It has ended, has its final response, is not an INVITE, or has no provisional response yet (try again when
    /// one comes).
    pub fn cancel(&mut self, now: Duration, tx: ClientTxId) -> Result<(), Gone> {
        self.cancel_because(now, tx, None)
    }

    /// As [`Layer::cancel`], saying why (RFC 3326).
    ///
    /// # Errors
    /// As [`Layer::cancel`].
    pub fn cancel_because(
        &mut self,
        now: Duration,
        tx: ClientTxId,
        reason: Option<Reason<'_>>,
    ) -> Result<(), Gone> {
        self.advance(now);
        let slot = self.clients.get_mut(&tx.0).ok_or(Gone)?;
        if !slot.tx.is_invite() || !slot.tx.is_proceeding() {
            return Err(Gone);
        }
        let invite = slot.tx.request().clone();
        let flow = slot.flow;
        let before = slot.tx.deadlines();
        slot.tx.handle_cancelled(self.now, &self.config.timing);
        let after = slot.tx.deadlines();
        self.set_timers(Owner::Client(tx.0), before, after);
        // CANCEL carries the INVITE's own branch, so its transaction is told apart by its method (§17.1.3).
        let cancel = follow_up(&invite, "CANCEL", None, reason).ok_or(Gone)?;
        let timing = self.config.timing;
        let cancelling =
            ClientTransaction::new(self.now, false, flow.transport.is_reliable(), cancel.clone(), &timing);
        let after = cancelling.deadlines();
        let key = cancel_key(tx.0);
        self.clients.insert(key, ClientSlot { tx: cancelling, flow });
        self.set_timers(Owner::Client(key), [None; 2], after);
        self.outgoing.push_back((flow, cancel));
        Ok(())
    }

    /// A connection is gone, or UDP reports that the peer is not there: requests that await their answer on it fail.
    ///
    /// To be called for every connection that closes, since a little is remembered of each that was used.
    pub fn flow_closed(&mut self, now: Duration, flow: Flow) {
        self.advance(now);
        let owners = match flow.transport {
            // Nobody closes a UDP flow, so UDP has no index; a report of an absent peer is rare.
            Transport::Udp => {
                let on_flow = self.clients.iter().filter(|(_, slot)| slot.flow == flow);
                on_flow.map(|(id, _)| Owner::Client(*id)).collect()
            }
            _ => self.by_connection.remove(&flow).unwrap_or_default(),
        };
        for owner in owners {
            match owner {
                Owner::Server(key) => drop(self.servers.remove(&key)),
                Owner::Client(id) => {
                    if let Some(slot) = self.clients.remove(&id)
                        && slot.tx.is_pending()
                        && !is_cancel_key(id)
                    {
                        self.events.push_back(Event::TransportFailed { tx: ClientTxId(id) });
                    }
                }
            }
        }
    }

    /// The next bytes to send and where.
    pub fn poll_transmit(&mut self) -> Option<(Flow, Bytes)> {
        self.outgoing.pop_front()
    }

    /// What happened by the passing of time or by the loss of a flow.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Layer::handle_timeout`] next; earlier does no harm.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let forget_at = self.answered.expires_at(self.config.timing.give_up());
        self.timers.next_due().into_iter().chain(forget_at).min()
    }

    /// Moves time on: retransmissions become due, and transactions end.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.advance(now);
        self.answered.expire(self.now, self.config.timing.give_up());
        while let Some(owner) = self.timers.pop_due(self.now) {
            match owner {
                Owner::Server(key) => self.server_timeout(key),
                Owner::Client(id) => self.client_timeout(id),
            }
        }
    }

    /// Whether the server transaction still waits for its final response.
    pub fn is_pending(&self, tx: ServerTxId) -> bool {
        self.servers.get(&tx.0).is_some_and(|slot| slot.tx.is_pending())
    }

    /// Number of server and client transactions held.
    pub fn len(&self) -> (usize, usize) {
        (self.servers.len() + self.answered.len(), self.clients.len())
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    fn receive_request(&mut self, flow: Flow, request: Request) -> Option<Event> {
        let method = request.method();
        let via = match check(&request) {
            Ok(via) => via,
            Err(error) => {
                if let Some(answer) = parse::bad_request(&request, &error.to_string()) {
                    let reply_to = request.via().map_or(flow, |via| reply_to(flow, &via));
                    self.outgoing.push_back((reply_to, answer));
                }
                return None;
            }
        };
        let key = self.server_key(&flow, &request, &via, method);
        match method {
            Method::Ack => return self.receive_ack(key, flow, request),
            Method::Cancel => return self.receive_cancel(key, flow, &request, &via),
            _ => {}
        }
        if let Some(slot) = self.servers.get(&key) {
            if let Some(response) = slot.tx.handle_request() {
                self.outgoing.push_back((slot.reply_to, response));
            }
            return None;
        }
        let reply_to = reply_to(flow, &via);
        if let Some(status) = self.answered.get(key) {
            let response = self.plain_response(key, &request, flow, status);
            self.outgoing.push_back((reply_to, response));
            return None;
        }
        if self.servers.len() >= self.config.server_max {
            let answer = ResponseBuilder::for_request(&request, 503, "")
                .to_tag("overload")
                .source(flow.peer)
                .header(HeaderName::RetryAfter, self.config.retry_after_s)
                .build();
            self.outgoing.push_back((reply_to, answer));
            return None;
        }
        let reliable = flow.transport.is_reliable();
        let tx = if method == Method::Invite {
            let trying = ResponseBuilder::for_request(&request, 100, "").source(flow.peer).build();
            ServerTransaction::invite(self.now, reliable, trying)
        } else {
            ServerTransaction::non_invite(self.now, reliable, &self.config.timing)
        };
        self.hold_server(key, tx, flow, reply_to);
        Some(Event::Request { tx: ServerTxId(key), flow, request })
    }

    /// The same response to a request and to its repeats: the tag is the transaction's.
    fn plain_response(&self, key: u64, request: &Request, flow: Flow, status: u16) -> Bytes {
        let mut tag = Vec::with_capacity(16);
        put_hex(&mut tag, self.keyed("tag", key));
        let tag = std::str::from_utf8(&tag).expect("hex digits are ASCII");
        ResponseBuilder::for_request(request, status, "").to_tag(tag).source(flow.peer).build()
    }

    fn receive_ack(&mut self, key: u64, flow: Flow, request: Request) -> Option<Event> {
        let Some(slot) = self.servers.get_mut(&key) else {
            return Some(Event::Ack { tx: None, flow, request });
        };
        let before = slot.tx.deadlines();
        let for_user = slot.tx.handle_ack(self.now, &self.config.timing);
        let after = slot.tx.deadlines();
        if slot.tx.is_terminated() {
            self.servers.remove(&key);
        } else {
            self.set_timers(Owner::Server(key), before, after);
        }
        for_user.then_some(Event::Ack { tx: Some(ServerTxId(key)), flow, request })
    }

    /// RFC 3261 §9.2: CANCEL is answered here, hop by hop; the INVITE that it means is the user's to end.
    fn receive_cancel(&mut self, invite: u64, flow: Flow, request: &Request, via: &Via<'_>) -> Option<Event> {
        let status = if self.servers.contains_key(&invite) { 200 } else { 481 };
        let answer =
            ResponseBuilder::for_request(request, status, "").to_tag("cancel").source(flow.peer).build();
        self.outgoing.push_back((reply_to(flow, via), answer));
        // A repeated CANCEL is answered again, but its INVITE is no longer pending once the user has sent 487.
        self.is_pending(ServerTxId(invite)).then_some(Event::Cancel { tx: ServerTxId(invite) })
    }

    fn receive_response(&mut self, response: Response) -> Option<Event> {
        let branch = response.via().ok()?.branch()?;
        let (id, branch_end) = branch_parts(branch)?;
        if branch_end != self.keyed("branch", id) {
            return None;
        }
        let cseq = response.cseq().ok()?;
        let id = if cseq.method == Method::Cancel { cancel_key(id) } else { id };
        let slot = self.clients.get_mut(&id)?;
        if !slot.tx.request().starts_with(cseq.method.as_str().as_bytes()) {
            return None;
        }
        let before = slot.tx.deadlines();
        let todo = slot.tx.handle_response(self.now, &self.config.timing, response.status());
        let after = slot.tx.deadlines();
        // RFC 3261 §17.1.2.2 keeps the transaction for timer K to absorb repeats of the answer; without it they are answers to
        // nothing we asked, and dropped above.
        let is_over = slot.tx.is_terminated() || !(slot.tx.is_invite() || slot.tx.is_pending());
        if todo.acknowledge
            && let Some(ack) = follow_up(slot.tx.request(), "ACK", response.raw(HeaderName::To), None)
        {
            self.outgoing.push_back((slot.flow, ack));
        }
        if is_over {
            self.clients.remove(&id);
        } else {
            self.set_timers(Owner::Client(id), before, after);
        }
        (todo.pass_on && !is_cancel_key(id)).then_some(Event::Response { tx: ClientTxId(id), response })
    }

    fn server_timeout(&mut self, key: u64) {
        let Some(slot) = self.servers.get_mut(&key) else {
            return;
        };
        let before = slot.tx.deadlines();
        match slot.tx.handle_timeout(self.now, &self.config.timing) {
            OnTimeout::Wait => {}
            OnTimeout::Send(response) => self.outgoing.push_back((slot.reply_to, response)),
            OnTimeout::End => {}
            OnTimeout::GiveUp => self.events.push_back(Event::NoAck { tx: ServerTxId(key) }),
        }
        let after = slot.tx.deadlines();
        if slot.tx.is_terminated() {
            self.servers.remove(&key);
        } else {
            self.set_timers(Owner::Server(key), before, after);
        }
    }

    fn client_timeout(&mut self, id: u64) {
        let Some(slot) = self.clients.get_mut(&id) else {
            return;
        };
        let before = slot.tx.deadlines();
        match slot.tx.handle_timeout(self.now, &self.config.timing) {
            OnTimeout::Wait | OnTimeout::End => {}
            OnTimeout::Send(request) => self.outgoing.push_back((slot.flow, request)),
            OnTimeout::GiveUp if is_cancel_key(id) => {}
            OnTimeout::GiveUp => self.events.push_back(Event::TimedOut { tx: ClientTxId(id) }),
        }
        let after = slot.tx.deadlines();
        if slot.tx.is_terminated() {
            self.clients.remove(&id);
        } else {
            self.set_timers(Owner::Client(id), before, after);
        }
    }

    fn hold_server(&mut self, key: u64, tx: ServerTransaction, flow: Flow, reply_to: Flow) {
        let after = tx.deadlines();
        self.servers.insert(key, ServerSlot { tx, reply_to });
        self.set_timers(Owner::Server(key), [None; 2], after);
        self.remember(flow, Owner::Server(key));
    }

    /// Time never runs backwards in here.
    fn advance(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    fn set_timers(&mut self, owner: Owner, before: [Option<Duration>; 2], after: [Option<Duration>; 2]) {
        for (before, after) in before.into_iter().zip(after) {
            if let Some(due) = after.filter(|_| before != after) {
                let (servers, clients) = (&self.servers, &self.clients);
                self.timers.set(self.now, due, owner, |due, owner| {
                    let deadlines = match owner {
                        Owner::Server(key) => servers.get(&key).map(|slot| slot.tx.deadlines()),
                        Owner::Client(id) => clients.get(&id).map(|slot| slot.tx.deadlines()),
                    };
                    deadlines.is_some_and(|deadlines| deadlines.contains(&Some(due)))
                });
            }
        }
    }

    /// Lists a transaction under its connection. Each time the list has grown to its capacity the ended ones are
    /// swept out, so it stays within twice what is live.
    fn remember(&mut self, flow: Flow, owner: Owner) {
        if !flow.transport.is_reliable() {
            return;
        }
        let owners = self.by_connection.entry(flow).or_default();
        if owners.len() == owners.capacity() {
            let (servers, clients) = (&self.servers, &self.clients);
            owners.retain(|owner| match owner {
                Owner::Server(key) => servers.contains_key(key),
                Owner::Client(id) => clients.contains_key(id),
            });
            owners.reserve(owners.len().max(4));
        }
        owners.push(owner);
    }

    /// What identifies a server transaction (RFC 3261 §17.2.3): branch, sent-by and method, and the flow, so that
    /// two devices behind equal private addresses never meet. ACK and CANCEL have the key of their INVITE.
    fn server_key(&self, flow: &Flow, request: &Request, via: &Via<'_>, method: Method<'_>) -> u64 {
        let method = match method {
            Method::Ack | Method::Cancel => Method::Invite,
            method => method,
        };
        let mut hasher = self.hasher();
        flow.hash(&mut hasher);
        method.as_str().hash(&mut hasher);
        via.host.hash(&mut hasher);
        via.port.hash(&mut hasher);
        match via.branch() {
            Some(branch) if branch.starts_with(MAGIC_COOKIE) => branch.hash(&mut hasher),
            branch => {
                // RFC 2543 peers: the same request has these in common with its repeats and its ACK.
                branch.hash(&mut hasher);
                request.uri_text().hash(&mut hasher);
                request.from().ok().and_then(|from| from.tag()).hash(&mut hasher);
                request.call_id().ok().hash(&mut hasher);
                request.cseq().ok().map(|cseq| cseq.number).hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    /// SipHash keyed by our secret: peers can neither guess nor collide what comes out.
    fn hasher(&self) -> DefaultHasher {
        let mut hasher = DefaultHasher::new();
        hasher.write(&self.config.secret);
        hasher
    }

    fn keyed(&self, purpose: &str, number: u64) -> u64 {
        let mut hasher = self.hasher();
        hasher.write(purpose.as_bytes());
        hasher.write_u64(number);
        hasher.finish()
    }
}

/// The headers that every request has (RFC 3261 §8.1.1); Max-Forwards is left to those who route.
fn check(request: &Request) -> Result<Via<'_>, HeaderError> {
    let via = request.via()?;
    request.call_id()?;
    for name in [HeaderName::From, HeaderName::To] {
        request.raw(name).filter(|value| !value.is_empty()).ok_or(HeaderError::missing(name.as_str()))?;
    }
    if request.cseq()?.method != request.method() {
        return Err(HeaderError::malformed("CSeq", "another method than the request line"));
    }
    Ok(via)
}

/// Where responses go (RFC 3261 §18.2.2): back over the connection; on UDP to the source address, at the source
/// port if the client asked with `rport` (RFC 3581) and else at the port of its Via.
fn reply_to(flow: Flow, via: &Via<'_>) -> Flow {
    if flow.transport.is_reliable() || via.rport().is_some() {
        return flow;
    }
    Flow { peer: SocketAddr::new(flow.peer.ip(), via.port.unwrap_or(5060)), ..flow }
}

/// Status of a response that we wrote; 0 if it is none.
fn status_of(response: &[u8]) -> u16 {
    let digits = response.strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.get(..3));
    digits.and_then(crate::value::number).unwrap_or(0) as u16
}

/// The request with our Via as its first header.
fn with_via(
    request: &[u8],
    line_end: usize,
    sent_by: &str,
    transport: Transport,
    id: u64,
    branch_end: u64,
) -> Bytes {
    let mut out = Vec::with_capacity(request.len() + sent_by.len() + 80);
    out.extend_from_slice(&request[..line_end]);
    out.extend_from_slice(b"Via: SIP/2.0/");
    out.extend_from_slice(transport.via_token().as_bytes());
    out.push(b' ');
    out.extend_from_slice(sent_by.as_bytes());
    out.extend_from_slice(b";branch=");
    out.extend_from_slice(MAGIC_COOKIE.as_bytes());
    put_hex(&mut out, id);
    out.push(b'.');
    put_hex(&mut out, branch_end);
    out.extend_from_slice(b";rport\r\n");
    out.extend_from_slice(&request[line_end..]);
    out.into()
}

fn put_hex(out: &mut Vec<u8>, number: u64) {
    let digits: [u8; 16] =
        std::array::from_fn(|at| b"0123456789abcdef"[(number >> (60 - 4 * at)) as usize & 15]);
    out.extend_from_slice(&digits[(number.leading_zeros() as usize / 4).min(15)..]);
}

/// Id and secret end of a branch of ours.
fn branch_parts(branch: &str) -> Option<(u64, u64)> {
    let (id, end) = branch.strip_prefix(MAGIC_COOKIE)?.split_once('.')?;
    Some((u64::from_str_radix(id, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
}

/// A CANCEL shares its INVITE's branch; its transaction is kept under the same number with the top bit set.
fn cancel_key(id: u64) -> u64 {
    id | 1 << 63
}

fn is_cancel_key(id: u64) -> bool {
    id >> 63 == 1
}

/// The ACK to a final response (RFC 3261 §17.1.1.3, with its To) or the CANCEL (§9.1) of an INVITE of ours.
fn follow_up(invite: &Bytes, method: &str, to: Option<&[u8]>, reason: Option<Reason<'_>>) -> Option<Bytes> {
    let invite = Message::parse_datagram(invite.clone()).ok()?.into_request()?;
    let text = |name: HeaderName| invite.header(name);
    let mut builder = RequestBuilder::new(method, invite.uri_text())
        .header(HeaderName::Via, String::from_utf8_lossy(invite.list(HeaderName::Via).next()?));
    for route in invite.all(HeaderName::Route) {
        builder = builder.header(HeaderName::Route, String::from_utf8_lossy(route));
    }
    if let Some(reason) = reason {
        builder = builder.header(HeaderName::Reason, reason);
    }
    let to = to.map(String::from_utf8_lossy).or_else(|| text(HeaderName::To))?;
    Some(
        builder
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, text(HeaderName::From)?)
            .header(HeaderName::To, to)
            .header(HeaderName::CallId, text(HeaderName::CallId)?)
            .header(HeaderName::CSeq, format_args!("{} {method}", invite.cseq().ok()?.number))
            .build(),
    )
}
