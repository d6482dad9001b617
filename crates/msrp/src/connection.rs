//! One transport connection with any number of sessions on it (RFC 4975 §5.4, §7).
//!
//! Inputs: [`Connection::receive`] with the parts that a [`crate::stream::Framer`] cuts, [`Connection::send`],
//! [`Connection::answer`], [`Connection::handle_timeout`]. Outputs: [`Connection::poll_transmit`],
//! [`Connection::poll_event`], [`Connection::poll_timeout`]. Time is a `Duration` since an origin of the caller's choosing.
//!
//! Which sessions there are is asked of [`Sessions`] when a request names one for the first time. The bytes of a message that
//! comes go out with [`Event::Data`] and are kept by the caller, in memory or in a file. When all have come there is
//! [`Event::Whole`], and the last chunk is answered only when the caller says so: a message is promised after it is
//! kept.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::frame::Frame;
use crate::head::{Continuation, FailureReport, Head, Header, Method, Start};
use crate::reassembly::{Misplaced, Reassembly};
use crate::stream::Part;
use crate::uri::session_id_of;
use crate::write::FrameBuilder;
use crate::{ByteRange, CHUNK_BYTES};

/// How long a chunk may stay without an answer (RFC 4975 §7.1.1).
pub const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Chunks under way at once: enough to fill a connection, few enough to leave room for other sessions.
const WINDOW: usize = 32;
/// Messages of one connection that are not answered yet; a peer that begins more is refused.
const INCOMING_MAX: usize = 64;
/// Messages of one session of which not everything has come: senders send one after the other, and what is begun takes room.
const UNFINISHED_MAX: usize = 4;
/// Messages that wait to be sent in one session.
const QUEUE_MAX: usize = 1024;
/// Longest Message-ID that is read.
const MESSAGE_ID_BYTES_MAX: usize = 256;
/// How long the far end of a path with relays may take to report a message that the relay next to us has taken whole.
const REPORT_WITHIN: Duration = Duration::from_secs(120);
/// How often [`Event::Active`] is told of a session in which something moves.
const ACTIVE_EVERY: Duration = Duration::from_secs(30);

/// What a connection may do.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Body bytes of the chunks that are sent.
    pub chunk_bytes: usize,
    /// How long to wait for the answer to a chunk.
    pub answer_within: Duration,
    /// What transaction ids are drawn from; two connections should not share it.
    pub seed: u64,
}

impl Config {
    /// The RFC's values.
    pub fn new(seed: u64) -> Self {
        Self { chunk_bytes: CHUNK_BYTES, answer_within: ANSWER_WITHIN, seed }
    }
}

/// A session as far as its connection must know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Our session id, which the peer's To-Path ends with.
    pub id: String,
    /// Our URI, as it stands in our SDP.
    pub local: String,
    /// The peer's path, as it stands in its SDP: URIs with spaces between them.
    pub remote: String,
    /// Largest message that is taken; larger ones hear 413.
    pub bytes_max: u64,
}

/// What is known of a session that a request names.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// It is this connection's from now on.
    Bind(Session),
    /// Another connection has it: 506.
    Elsewhere,
    /// There is none: 481.
    Unknown,
}

/// Knows the sessions that peers may join.
pub trait Sessions {
    /// What is known of the session with this id. Asked once for each session of a connection.
    fn look_up(&mut self, session_id: &str) -> Lookup;
}

impl<F: FnMut(&str) -> Lookup> Sessions for F {
    fn look_up(&mut self, session_id: &str) -> Lookup {
        self(session_id)
    }
}

/// Names a message that comes in, within one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IncomingId(u64);

/// The bytes of a message to send.
pub trait Source {
    /// The message's size.
    fn size(&self) -> u64;

    /// Up to `max` bytes from `offset` on; fewer only at the end.
    ///
    /// # Errors
    /// They cannot be read: the message is given up.
    fn read(&mut self, offset: u64, max: usize) -> io::Result<Bytes>;
}

impl Source for Bytes {
    fn size(&self) -> u64 {
        self.len() as u64
    }

    fn read(&mut self, offset: u64, max: usize) -> io::Result<Bytes> {
        let start = self.len().min(offset as usize);
        Ok(self.slice(start..self.len().min(start + max)))
    }
}

/// A message to send.
pub struct Outgoing {
    /// Names it to the caller.
    pub send: u64,
    /// Which session, by our id.
    pub session: String,
    /// MSRP's Message-ID.
    pub message_id: String,
    /// Media type.
    pub content_type: String,
    /// Its bytes.
    pub source: Box<dyn Source + Send>,
    /// Whether the peer is asked for a REPORT.
    pub success_report: bool,
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outgoing({} in {}, {} bytes)", self.message_id, self.session, self.source.size())
    }
}

/// What happened on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session has found its connection.
    Bound {
        /// Our id.
        session: String,
    },
    /// Something moves in a session; told now and then.
    Active {
        /// Our id.
        session: String,
    },
    /// A message begins to arrive.
    Begun {
        /// Names it in what follows.
        message: IncomingId,
        /// Our id.
        session: String,
        /// MSRP's Message-ID.
        message_id: String,
        /// Media type.
        content_type: String,
        /// Its size, if the sender says.
        total: Option<u64>,
    },
    /// Bytes of a message; what came for the same place before is replaced.
    Data {
        /// Which.
        message: IncomingId,
        /// Where they belong, from 0.
        offset: u64,
        /// Never empty.
        bytes: Bytes,
    },
    /// All of a message has come: [`Connection::answer`] it.
    Whole {
        /// Which.
        message: IncomingId,
        /// Its size.
        bytes: u64,
    },
    /// A message will not be whole: given up by its sender, or refused.
    Abandoned {
        /// Which.
        message: IncomingId,
    },
    /// A message of ours is with the peer: every chunk was answered 200, and where relays answer (RFC 4976), the peer has reported
    /// the whole.
    Sent {
        /// Which.
        send: u64,
    },
    /// A message of ours was refused, or not answered.
    NotSent {
        /// Which.
        send: u64,
        /// The answer; 408 without one, 481 when the connection or session ended.
        status: u16,
    },
    /// A REPORT on a message of ours.
    Report {
        /// Our id.
        session: String,
        /// The message.
        message_id: String,
        /// What it says: 200, or why not.
        status: u16,
    },
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    config: Config,
    random: u64,
    now: Duration,
    bound: FxHashMap<String, Bound>,
    /// Sessions with something to send, in turns.
    turns: VecDeque<String>,
    incoming: FxHashMap<IncomingId, Incoming>,
    by_message_id: FxHashMap<(String, String), IncomingId>,
    last_incoming: u64,
    /// The chunk whose parts are coming.
    chunk: Option<Chunk>,
    /// Requests that await their answer, and in what order they were sent.
    transactions: FxHashMap<String, Transaction>,
    deadlines: VecDeque<(Duration, String)>,
    /// Messages that await their REPORT, in the order in which that is overdue: session and `send`.
    unreported: VecDeque<(Duration, String, u64)>,
    control: VecDeque<Bytes>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
struct Bound {
    session: Session,
    queue: VecDeque<Sending>,
    /// Sent whole, not answered whole.
    unanswered: Vec<Sending>,
    active_told_at: Duration,
}

#[derive(Debug)]
struct Sending {
    outgoing: Outgoing,
    sent: u64,
    /// Chunks under way.
    under_way: usize,
    /// Whether the peer has reported all of it.
    is_reported: bool,
}

impl Session {
    /// Whether there are relays on the way to the peer: their answers say nothing of it (RFC 4976 §4.3).
    fn is_relayed(&self) -> bool {
        self.remote.split_ascii_whitespace().nth(1).is_some()
    }
}

/// A chunk of ours under way; without `send`, one that only says that we are here.
#[derive(Debug)]
struct Transaction {
    session: String,
    send: Option<u64>,
}

#[derive(Debug)]
struct Incoming {
    session: String,
    message_id: String,
    reassembly: Reassembly,
    success_report: bool,
    /// The chunk that made it whole, to be answered when the message is kept.
    last: Option<Head>,
}

/// A request whose parts are coming.
#[derive(Debug)]
struct Chunk {
    head: Head,
    message: Option<IncomingId>,
    /// Where its next byte belongs.
    offset: u64,
    /// What it is answered, when that is certain before its end.
    refusal: Option<u16>,
}

impl Connection {
    /// Without sessions.
    pub fn new(config: Config) -> Self {
        Self {
            random: config.seed | 1,
            config,
            now: Duration::ZERO,
            bound: FxHashMap::default(),
            turns: VecDeque::new(),
            incoming: FxHashMap::default(),
            by_message_id: FxHashMap::default(),
            last_incoming: 0,
            chunk: None,
            transactions: FxHashMap::default(),
            deadlines: VecDeque::new(),
            unreported: VecDeque::new(),
            control: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Joins a session as the side that opened the connection: says so at once with a SEND that carries nothing
    /// (RFC 4975 §5.4), so that the peer knows whose connection this is.
    pub fn join(&mut self, now: Duration, session: Session) {
        self.now = self.now.max(now);
        let id = self.transaction_id(&[]);
        let hello = FrameBuilder::request(&id, "SEND", &session.remote, &session.local)
            .header(Header::MessageId.as_str(), &id)
            .build(Continuation::Complete);
        self.control.push_back(hello);
        self.sent(id, &session.id, None);
        self.bind(session);
    }

    /// Takes note of what a session on this connection has become: the peer's path may be known only after it has connected.
    pub fn update(&mut self, session: Session) {
        if let Some(bound) = self.bound.get_mut(&session.id) {
            bound.session = session;
        }
    }

    /// Whether a session is on this connection.
    pub fn has(&self, session: &str) -> bool {
        self.bound.contains_key(session)
    }

    /// Whether no session is.
    pub fn is_idle(&self) -> bool {
        self.bound.is_empty()
    }

    /// Takes a session away: what is under way in it fails, later requests for it hear 481.
    pub fn leave(&mut self, session: &str) {
        let Some(bound) = self.bound.remove(session) else { return };
        self.unreported.retain(|(_, waiting, _)| waiting != session);
        self.turns.retain(|waiting| waiting != session);
        self.transactions.retain(|_, transaction| transaction.session != session);
        for sending in bound.queue.into_iter().chain(bound.unanswered) {
            self.events.push_back(Event::NotSent { send: sending.outgoing.send, status: 481 });
        }
        let gone: Vec<IncomingId> =
            self.incoming.iter().filter(|(_, one)| one.session == session).map(|(id, _)| *id).collect();
        gone.into_iter().for_each(|message| self.abandon(message));
    }

    /// The connection is gone, and every session with it.
    pub fn close(&mut self) {
        let sessions: Vec<String> = self.bound.keys().cloned().collect();
        sessions.iter().for_each(|session| self.leave(session));
    }

    /// Sends a message, after those that were given before in its session. Ends in [`Event::Sent`] or [`Event::NotSent`].
    pub fn send(&mut self, outgoing: Outgoing) {
        let status = match self.bound.get_mut(&outgoing.session) {
            None => 481,
            Some(bound) if bound.queue.len() >= QUEUE_MAX => 408,
            Some(bound) => {
                let session = outgoing.session.clone();
                bound.queue.push_back(Sending { outgoing, sent: 0, under_way: 0, is_reported: false });
                if bound.queue.len() == 1 {
                    self.turns.push_back(session);
                }
                return;
            }
        };
        self.events.push_back(Event::NotSent { send: outgoing.send, status });
    }

    /// Takes the next part of what the peer sends.
    pub fn receive(&mut self, now: Duration, part: Part, sessions: &mut impl Sessions) {
        self.now = self.now.max(now);
        match part {
            Part::Head(head) => match head.start() {
                Start::Response(_) => self.chunk = Some(Chunk::passing(head)),
                Start::Request(method) => {
                    let chunk = self.begin(head, method, sessions);
                    self.chunk = Some(chunk);
                }
            },
            Part::Data(bytes) => self.data(bytes),
            Part::End(continuation) => self.end(continuation),
        }
    }

    /// Takes a whole frame, as WebSocket carries it.
    pub fn receive_frame(&mut self, now: Duration, frame: Frame, sessions: &mut impl Sessions) {
        self.receive(now, Part::Head(frame.head), sessions);
        if let Some(body) = frame.body.filter(|body| !body.is_empty()) {
            self.receive(now, Part::Data(body), sessions);
        }
        self.receive(now, Part::End(frame.continuation), sessions);
    }

    /// Answers a message that is whole: 200 when it is kept, otherwise why not. Its sender hears of it in the answer to the
    /// last chunk, and by REPORT if it asked.
    pub fn answer(&mut self, message: IncomingId, status: u16) {
        let Some(incoming) = self.incoming.remove(&message) else { return };
        self.by_message_id.remove(&(incoming.session.clone(), incoming.message_id.clone()));
        if let Some(last) = &incoming.last {
            self.respond(last, status);
        }
        if incoming.success_report && status == 200 {
            self.report(&incoming);
        }
    }

    /// The next bytes for the connection: one whole frame.
    pub fn poll_transmit(&mut self) -> Option<Bytes> {
        self.control.pop_front().or_else(|| self.next_chunk())
    }

    /// What happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When to call [`Connection::handle_timeout`] next; earlier does no harm.
    pub fn poll_timeout(&self) -> Option<Duration> {
        let report = self.unreported.front().map(|(at, _, _)| *at);
        self.deadlines.front().map(|(at, _)| *at).into_iter().chain(report).min()
    }

    /// Moves time on: chunks that were not answered fail their messages, and so does a report that does not come.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.now = self.now.max(now);
        while let Some((at, _)) = self.deadlines.front()
            && *at <= self.now
        {
            let (_, id) = self.deadlines.pop_front().expect("it was looked at");
            if let Some(transaction) = self.transactions.remove(&id) {
                self.answered(transaction, 408);
            }
        }
        while let Some((at, _, _)) = self.unreported.front()
            && *at <= self.now
        {
            let (_, session, send) = self.unreported.pop_front().expect("it was looked at");
            self.give_up(&session, send, 408);
        }
    }

    fn bind(&mut self, session: Session) {
        let bound =
            Bound { queue: VecDeque::new(), unanswered: Vec::new(), active_told_at: self.now, session };
        self.bound.insert(bound.session.id.clone(), bound);
    }

    /// A request begins.
    fn begin(&mut self, head: Head, method: Method, sessions: &mut impl Sessions) -> Chunk {
        let Some(session) = head.to_uri().and_then(session_id_of).map(str::to_owned) else {
            return Chunk::refused(head, 400);
        };
        if head.from_path().is_none() {
            return Chunk::refused(head, 400);
        }
        if matches!(method, Method::Auth | Method::Other) {
            return Chunk::refused(head, 501);
        }
        if !self.bound.contains_key(&session) {
            match sessions.look_up(&session) {
                Lookup::Bind(found) => {
                    self.bind(found);
                    self.events.push_back(Event::Bound { session: session.clone() });
                }
                Lookup::Elsewhere => return Chunk::refused(head, 506),
                Lookup::Unknown => return Chunk::refused(head, 481),
            }
        }
        self.note_activity(&session);
        match method {
            Method::Send => self.begin_send(head, session),
            _ => {
                self.take_report(&head, session);
                Chunk::passing(head)
            }
        }
    }

    fn begin_send(&mut self, head: Head, session: String) -> Chunk {
        let Ok(range) = head.byte_range() else { return Chunk::refused(head, 400) };
        let Some(content_type) = head.header(Header::ContentType).map(str::to_owned) else {
            // A SEND that carries nothing only says that its sender is there.
            return Chunk::passing(head);
        };
        let message_id = match head.header(Header::MessageId) {
            Some(id) if !id.is_empty() && id.len() <= MESSAGE_ID_BYTES_MAX => id.to_owned(),
            _ => return Chunk::refused(head, 400),
        };
        let message = match self.by_message_id.get(&(session.clone(), message_id.clone())) {
            // It is whole and waits for its answer: this is the same again.
            Some(known) if self.incoming.get(known).is_some_and(|one| one.last.is_some()) => {
                return Chunk::refused(head, 200);
            }
            Some(known) => *known,
            None => match self.begin_message(&head, session, message_id, content_type, range) {
                Ok(message) => message,
                Err(status) => return Chunk::refused(head, status),
            },
        };
        let announced = range.total.map_or(Ok(()), |total| {
            self.incoming.get_mut(&message).map_or(Ok(()), |one| one.reassembly.announce(total))
        });
        if let Err(misplaced) = announced {
            self.abandon(message);
            return Chunk::refused(head, status_of(misplaced));
        }
        Chunk { head, message: Some(message), offset: range.start - 1, refusal: None }
    }

    fn begin_message(
        &mut self,
        head: &Head,
        session: String,
        message_id: String,
        content_type: String,
        range: ByteRange,
    ) -> Result<IncomingId, u16> {
        let bytes_max = self.bound.get(&session).map_or(0, |bound| bound.session.bytes_max);
        if range.total.is_some_and(|total| total > bytes_max) {
            return Err(413);
        }
        let unfinished = self.incoming.values().filter(|one| one.last.is_none() && one.session == session);
        if self.incoming.len() >= INCOMING_MAX || unfinished.count() >= UNFINISHED_MAX {
            return Err(403);
        }
        self.last_incoming += 1;
        let message = IncomingId(self.last_incoming);
        self.by_message_id.insert((session.clone(), message_id.clone()), message);
        let incoming = Incoming {
            session: session.clone(),
            message_id: message_id.clone(),
            reassembly: Reassembly::new(bytes_max),
            success_report: head.success_report(),
            last: None,
        };
        self.incoming.insert(message, incoming);
        self.events.push_back(Event::Begun {
            message,
            session,
            message_id,
            content_type,
            total: range.total,
        });
        Ok(message)
    }

    fn data(&mut self, bytes: Bytes) {
        let Some(chunk) = &mut self.chunk else { return };
        let (Some(message), None) = (chunk.message, chunk.refusal) else { return };
        let Some(incoming) = self.incoming.get_mut(&message) else { return };
        match incoming.reassembly.place(chunk.offset, bytes.len() as u64) {
            Ok(()) => {
                let offset = chunk.offset;
                chunk.offset += bytes.len() as u64;
                self.events.push_back(Event::Data { message, offset, bytes });
            }
            Err(misplaced) => {
                chunk.refusal = Some(status_of(misplaced));
                self.abandon(message);
            }
        }
    }

    fn end(&mut self, continuation: Continuation) {
        let Some(chunk) = self.chunk.take() else { return };
        let Chunk { head, message, offset, refusal } = chunk;
        if let Start::Response(status) = head.start() {
            if let Some(transaction) = self.transactions.remove(head.transaction_id()) {
                self.answered(transaction, status);
            }
            return;
        }
        if head.start() == Start::Request(Method::Report) {
            return;
        }
        if let Some(status) = refusal {
            return self.respond(&head, status);
        }
        let Some((message, incoming)) = message.and_then(|id| Some((id, self.incoming.get_mut(&id)?))) else {
            return self.respond(&head, 200);
        };
        match continuation {
            Continuation::Aborted => {
                self.abandon(message);
                return self.respond(&head, 200);
            }
            Continuation::Complete => {
                if let Err(misplaced) = incoming.reassembly.ends_at(offset) {
                    self.abandon(message);
                    return self.respond(&head, status_of(misplaced));
                }
            }
            Continuation::More => {}
        }
        if incoming.reassembly.is_whole() {
            incoming.last = Some(head);
            let bytes = incoming.reassembly.reach();
            self.events.push_back(Event::Whole { message, bytes });
        } else {
            self.respond(&head, 200);
        }
    }

    fn abandon(&mut self, message: IncomingId) {
        if let Some(incoming) = self.incoming.remove(&message) {
            self.by_message_id.remove(&(incoming.session, incoming.message_id));
            self.events.push_back(Event::Abandoned { message });
        }
    }

    fn take_report(&mut self, head: &Head, session: String) {
        let (message_id, status) = (head.header(Header::MessageId), head.reported_status());
        if let (Some(message_id), Some(status)) = (message_id, status) {
            let message_id = message_id.to_owned();
            self.reported(head, &session, &message_id, status);
            self.events.push_back(Event::Report { session, message_id, status });
        }
    }

    /// The peer tells what became of a message that went by way of relays.
    fn reported(&mut self, head: &Head, session: &str, message_id: &str, status: u16) {
        let Some(bound) = self.bound.get_mut(session).filter(|bound| bound.session.is_relayed()) else {
            return;
        };
        let sendings = bound.queue.iter_mut().chain(&mut bound.unanswered);
        let found = sendings.into_iter().find(|one| one.outgoing.message_id == message_id);
        let Some(sending) = found else { return };
        let send = sending.outgoing.send;
        if status != 200 {
            return self.give_up(session, send, status);
        }
        // A peer may report piece by piece.
        let end = head.byte_range().ok().and_then(|range| range.end);
        sending.is_reported |= end.is_none_or(|end| end >= sending.outgoing.source.size());
        if sending.is_reported {
            self.settle(session, send);
        }
    }

    /// Answers a request, unless it wants no answer (RFC 4975 §7.2).
    fn respond(&mut self, request: &Head, status: u16) {
        let is_wanted = match request.failure_report() {
            FailureReport::Yes => true,
            FailureReport::Partial => status != 200,
            FailureReport::No => false,
        };
        if is_wanted && let Some(response) = FrameBuilder::response(request, status) {
            self.control.push_back(response.build(Continuation::Complete));
        }
    }

    /// Tells the sender that all has come (RFC 4975 §7.1.2).
    fn report(&mut self, incoming: &Incoming) {
        let Some(bound) = self.bound.get(&incoming.session) else { return };
        let (to, from) = (bound.session.remote.clone(), bound.session.local.clone());
        let id = self.transaction_id(&[]);
        let total = incoming.reassembly.reach();
        let report = FrameBuilder::request(&id, "REPORT", &to, &from)
            .header(Header::MessageId.as_str(), &incoming.message_id)
            .header(Header::ByteRange.as_str(), format_args!("1-{total}/{total}"))
            .header(Header::Status.as_str(), "000 200 OK")
            .build(Continuation::Complete);
        self.control.push_back(report);
    }

    /// The next chunk of the session whose turn it is.
    fn next_chunk(&mut self) -> Option<Bytes> {
        if self.transactions.len() >= WINDOW {
            return None;
        }
        let session = self.turns.pop_front()?;
        let bound = self.bound.get_mut(&session)?;
        let sending = bound.queue.front_mut()?;
        let (total, offset) = (sending.outgoing.source.size(), sending.sent);
        let read = sending.outgoing.source.read(offset, self.config.chunk_bytes);
        let Some(body) = read.ok().filter(|body| !body.is_empty() || total == offset) else {
            self.turns.push_front(session.clone());
            let send = sending.outgoing.send;
            self.give_up(&session, send, 408);
            return self.poll_transmit();
        };
        let id = self.transaction_id(&body);
        let bound = self.bound.get_mut(&session).expect("it was here a moment ago");
        let sending = bound.queue.front_mut().expect("it was here a moment ago");
        sending.sent += body.len() as u64;
        sending.under_way += 1;
        let outgoing = &sending.outgoing;
        let (remote, local) = (&bound.session.remote, &bound.session.local);
        let end = sending.sent;
        let wants_report = outgoing.success_report || bound.session.is_relayed();
        let frame = FrameBuilder::sized_request(&id, "SEND", remote, local, body.len())
            .header(Header::MessageId.as_str(), &outgoing.message_id)
            .header(Header::ByteRange.as_str(), format_args!("{}-{end}/{total}", offset + 1))
            .header(Header::SuccessReport.as_str(), if wants_report { "yes" } else { "no" })
            .header(Header::FailureReport.as_str(), "yes")
            .body(&outgoing.content_type, &body);
        let send = outgoing.send;
        let is_last = end == total;
        if is_last {
            let whole = bound.queue.pop_front().expect("it is the front");
            bound.unanswered.push(whole);
        }
        if !bound.queue.is_empty() {
            self.turns.push_back(session.clone());
        }
        self.sent(id, &session, Some(send));
        Some(frame.build(if is_last { Continuation::Complete } else { Continuation::More }))
    }

    /// Remembers a request until it is answered.
    fn sent(&mut self, id: String, session: &str, send: Option<u64>) {
        self.deadlines.push_back((self.now + self.config.answer_within, id.clone()));
        self.transactions.insert(id, Transaction { session: session.to_owned(), send });
        // Answered ones leave their deadline behind; they go when they come to the front.
        while self.deadlines.front().is_some_and(|(_, id)| !self.transactions.contains_key(id)) {
            self.deadlines.pop_front();
        }
    }

    fn answered(&mut self, transaction: Transaction, status: u16) {
        let Transaction { session, send } = transaction;
        let Some(send) = send else { return };
        if status != 200 {
            return self.give_up(&session, send, status);
        }
        self.note_activity(&session);
        let Some(bound) = self.bound.get_mut(&session) else { return };
        if let Some(sending) = bound.queue.front_mut().filter(|sending| sending.outgoing.send == send) {
            sending.under_way -= 1;
            return;
        }
        if let Some(sending) = bound.unanswered.iter_mut().find(|one| one.outgoing.send == send) {
            sending.under_way -= 1;
            self.settle(&session, send);
        }
    }

    /// Tells that a message of ours is with the peer, once it is; where only a relay has said so, the peer's report is waited for.
    fn settle(&mut self, session: &str, send: u64) {
        let Some(bound) = self.bound.get_mut(session) else { return };
        let place = bound.unanswered.iter().position(|one| one.outgoing.send == send);
        let Some(place) = place.filter(|place| bound.unanswered[*place].under_way == 0) else { return };
        if !bound.unanswered[place].is_reported && bound.session.is_relayed() {
            return self.unreported.push_back((self.now + REPORT_WITHIN, session.to_owned(), send));
        }
        bound.unanswered.remove(place);
        self.unreported.retain(|(_, _, waiting)| *waiting != send);
        self.events.push_back(Event::Sent { send });
    }

    /// A message of ours has failed: the rest of it is not sent, and the peer told so with `#` if it waits for more.
    fn give_up(&mut self, session: &str, send: u64, status: u16) {
        self.unreported.retain(|(_, _, waiting)| *waiting != send);
        let Some(bound) = self.bound.get_mut(session) else { return };
        if let Some(place) = bound.unanswered.iter().position(|one| one.outgoing.send == send) {
            bound.unanswered.remove(place);
        } else if bound.queue.front().is_some_and(|front| front.outgoing.send == send) {
            let sending = bound.queue.pop_front().expect("it was looked at");
            if bound.queue.is_empty() {
                self.turns.retain(|waiting| waiting != session);
            }
            if sending.sent > 0 {
                self.abort(session, &sending);
            }
        } else {
            return;
        }
        self.events.push_back(Event::NotSent { send, status });
    }

    fn abort(&mut self, session: &str, sending: &Sending) {
        let Some(bound) = self.bound.get(session) else { return };
        let (to, from) = (bound.session.remote.clone(), bound.session.local.clone());
        let id = self.transaction_id(&[]);
        let (next, sent, total) = (sending.sent + 1, sending.sent, sending.outgoing.source.size());
        let frame = FrameBuilder::request(&id, "SEND", &to, &from)
            .header(Header::MessageId.as_str(), &sending.outgoing.message_id)
            .header(Header::ByteRange.as_str(), format_args!("{next}-{sent}/{total}"))
            .header(Header::FailureReport.as_str(), "no")
            .body(&sending.outgoing.content_type, &[])
            .build(Continuation::Aborted);
        self.control.push_back(frame);
    }

    fn note_activity(&mut self, session: &str) {
        if let Some(bound) = self.bound.get_mut(session)
            && self.now >= bound.active_told_at + ACTIVE_EVERY
        {
            bound.active_told_at = self.now;
            self.events.push_back(Event::Active { session: session.to_owned() });
        }
    }

    /// A transaction id whose end-line does not occur in `body`.
    fn transaction_id(&mut self, body: &[u8]) -> String {
        loop {
            // xorshift64*: ids need to differ, not to be secret.
            self.random ^= self.random >> 12;
            self.random ^= self.random << 25;
            self.random ^= self.random >> 27;
            let id = format!("{:016x}", self.random.wrapping_mul(0x2545_f491_4f6c_dd1d));
            if !FrameBuilder::would_end(&id, body) {
                return id;
            }
        }
    }
}

impl Chunk {
    /// It is answered with this, whatever its body holds.
    fn refused(head: Head, status: u16) -> Self {
        Self { head, message: None, offset: 0, refusal: Some(status) }
    }

    /// It has no body that matters.
    fn passing(head: Head) -> Self {
        Self { head, message: None, offset: 0, refusal: None }
    }
}

/// What a chunk is answered that cannot be placed.
fn status_of(misplaced: Misplaced) -> u16 {
    match misplaced {
        Misplaced::TooLarge => 413,
        Misplaced::Contradiction | Misplaced::TooScattered => 400,
    }
}
