//! MSRP over TCP and TLS (RFC 4975) and WebSocket (RFC 7977): the connections, and the table of sessions that peers may join.
//!
//! Framing, chunks and reassembly are done here, in the task of each connection; large bodies go to the [`Spool`]. The centre
//! says which sessions there are ([`Switchboard::perform`]) and decides what becomes of a message that has come whole; until it
//! has, the last chunk is not answered.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::Extension;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message as WebSocketFrame, WebSocket, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{SinkExt as _, StreamExt as _};
use message_centre::session::media::{Body, Command, Event as MediaEvent, Token};
use message_centre::session::{INLINE_BYTES_MAX, SessionBody};
use msrp::connection::{Config, Connection, Event, IncomingId, Lookup, Outgoing, Session, Source};
use msrp::stream::Framer;
use msrp::{Frame, HEAD_BYTES_MAX};
use rcs::address::Address;
use rustc_hash::FxHashMap;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::spool::{Arrived, Arriving, Spool};
use crate::engine::Input;
use crate::http::Peer;
use crate::inbox::Inbox;
use crate::log::Shown;
use crate::metrics::{Kind, Metrics};
use crate::net::Limits;
use crate::net::ceiling::Ceiling;
use crate::net::listener::{self, Stop, stopped};

/// Room asked for before each read: what a usual chunk fits into.
const READ_BYTES: usize = 8 * 1024;
/// What is written with one system call at the most.
const WRITE_BYTES: usize = 64 * 1024;
/// Largest WebSocket message: one chunk of whatever size a browser cuts.
const WEBSOCKET_BYTES_MAX: usize = 256 * 1024 + HEAD_BYTES_MAX;
/// We ping a silent WebSocket peer so often.
const PING_EVERY: Duration = Duration::from_secs(45);

/// Which sessions there are, and on which connections.
pub struct Switchboard {
    spool: Spool,
    table: Mutex<Table>,
    next_token: AtomicU64,
}

#[derive(Default)]
struct Table {
    sessions: FxHashMap<String, Place>,
    /// Messages that wait for their answer.
    tokens: FxHashMap<u64, UnboundedSender<ToConnection>>,
}

struct Place {
    session: Session,
    owner: Address,
    connection: Option<UnboundedSender<ToConnection>>,
}

/// What the task of a connection is told.
enum ToConnection {
    Update(Session),
    Send(Outgoing),
    Answer(u64, u16),
    Leave(String),
}

impl Switchboard {
    /// Without sessions.
    pub fn new(spool: Spool) -> Self {
        Self { spool, table: Mutex::default(), next_token: AtomicU64::new(1) }
    }

    /// Does what the centre says.
    pub fn perform(&self, command: Command, inbox: &Inbox) {
        match command {
            Command::Open { session, owner } => {
                let mut table = self.table();
                match table.sessions.get_mut(&session.id) {
                    Some(place) => {
                        if let Some(connection) = &place.connection {
                            // A connection that has just ended tells so itself.
                            let _ = connection.send(ToConnection::Update(session.clone()));
                        }
                        place.session = session;
                    }
                    None => {
                        table.sessions.insert(session.id.clone(), Place { session, owner, connection: None });
                    }
                }
            }
            Command::Send { session, send, message_id, content_type, body } => {
                let source: io::Result<Box<dyn Source + Send>> = match body {
                    Body::Inline(bytes) => Ok(Box::new(bytes)),
                    Body::Spooled(spooled) => {
                        self.spool.read(&spooled).map(|reader| Box::new(reader) as Box<dyn Source + Send>)
                    }
                };
                let connection =
                    self.table().sessions.get(&session).and_then(|place| place.connection.clone());
                let outgoing = source.ok().map(|source| Outgoing {
                    send,
                    session,
                    message_id,
                    content_type,
                    source,
                    success_report: false,
                });
                let sent = match (connection, outgoing) {
                    (Some(connection), Some(outgoing)) => {
                        connection.send(ToConnection::Send(outgoing)).is_ok()
                    }
                    _ => false,
                };
                if !sent {
                    inbox.send(Input::Media(MediaEvent::Sent { send, status: 481 }));
                }
            }
            Command::Answer { token, status } => {
                if let Some(connection) = self.table().tokens.remove(&token.0) {
                    let _ = connection.send(ToConnection::Answer(token.0, status));
                }
            }
            Command::Close { session } => {
                let place = self.table().sessions.remove(&session);
                if let Some(connection) = place.and_then(|place| place.connection) {
                    let _ = connection.send(ToConnection::Leave(session));
                }
            }
        }
    }

    /// Removes spooled bodies that nobody needs.
    pub fn discard(&self, names: &[String]) {
        names.iter().for_each(|name| self.spool.remove(name));
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the connections share.
pub struct MsrpEdge {
    /// The table of sessions.
    pub switchboard: Arc<Switchboard>,
    /// Where inputs go.
    pub inbox: Inbox,
    /// Where things are counted.
    pub metrics: Arc<Metrics>,
    /// Idle and stall; the ceiling of bodies is the session's.
    pub limits: Limits,
    /// Body bytes of the chunks that we send.
    pub chunk_bytes: usize,
    /// Transaction ids differ from connection to connection.
    pub seeds: AtomicU64,
}

/// Serves MSRP on `listener` until `stop`, over TLS when there is an `acceptor`.
pub async fn serve(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    ceiling: Ceiling,
    edge: Arc<MsrpEdge>,
    stop: Stop,
) {
    let metrics = edge.metrics.clone();
    let stop_connections = stop.clone();
    listener::accept(listener, ceiling, metrics, stop, move |stream, peer, permit| {
        let (edge, acceptor, stop) = (edge.clone(), acceptor.clone(), stop_connections.clone());
        async move {
            let _permit = permit;
            match acceptor {
                None => connection(stream, peer, edge, stop).await,
                Some(acceptor) => match timeout(edge.limits.stall, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => connection(stream, peer, edge, stop).await,
                    Ok(Err(error)) => tracing::debug!(peer = %Shown(&peer), %error, "TLS handshake failed"),
                    Err(_) => tracing::debug!(peer = %Shown(&peer), "TLS handshake took too long"),
                },
            }
        }
    })
    .await;
}

/// Runs one connection to its end.
async fn connection<S: AsyncRead + AsyncWrite>(stream: S, peer: SocketAddr, edge: Arc<MsrpEdge>, stop: Stop) {
    let (mut link, commands) = Link::new(edge);
    match run(stream, &mut link, commands, stop).await {
        Ok(reason) => tracing::debug!(peer = %Shown(&peer), reason, "MSRP connection ended"),
        Err(error) => tracing::debug!(peer = %Shown(&peer), %error, "MSRP connection failed"),
    }
    link.close();
}

async fn run<S: AsyncRead + AsyncWrite>(
    stream: S,
    link: &mut Link,
    mut commands: UnboundedReceiver<ToConnection>,
    stop: Stop,
) -> io::Result<&'static str> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut stopping = std::pin::pin!(stopped(stop));
    let (idle, stall) = (link.edge.limits.idle, link.edge.limits.stall);
    let mut framer = Framer::new();
    let mut out = BytesMut::new();
    let mut silent_since = Instant::now();
    let mut stuck_since = Instant::now();
    let mut is_ending = None;
    loop {
        if out.is_empty() {
            stuck_since = Instant::now();
        }
        while out.len() < WRITE_BYTES
            && let Some(frame) = link.connection.poll_transmit()
        {
            out.extend_from_slice(&frame);
        }
        if let Some(reason) = is_ending.filter(|_| out.is_empty()) {
            let _ = timeout(stall, writer.shutdown()).await;
            return Ok(reason);
        }
        // Whoever has joined nothing is not waited for as long as a session that is silent.
        let patience = if link.connection.is_idle() || framer.is_in_frame() { stall } else { idle };
        let mut deadline = silent_since + patience;
        if !out.is_empty() {
            deadline = deadline.min(stuck_since + stall);
        }
        let timer = link.wake_at().map_or(deadline, |at| at.min(deadline));
        framer.buffer_mut().reserve(READ_BYTES);
        tokio::select! {
            read = reader.read_buf(framer.buffer_mut()), if is_ending.is_none() => {
                if read? == 0 {
                    return Ok("ended by the peer");
                }
                silent_since = Instant::now();
                loop {
                    match framer.poll() {
                        Ok(Some(part)) => link.take(|connection, now, sessions| connection.receive(now, part, sessions)),
                        Ok(None) => break,
                        Err(error) => {
                            link.edge.metrics.msrp.get_or_create(&Kind::of("malformed")).inc();
                            tracing::debug!(problem = %error, "malformed MSRP");
                            is_ending = Some("malformed");
                            break;
                        }
                    }
                }
                if link.connection.is_idle() && !framer.is_in_frame() {
                    // RFC 4975: nobody's connection; the answer that says so goes out first.
                    is_ending = Some("no session");
                }
            },
            written = writer.write_buf(&mut out), if !out.is_empty() => {
                if written? == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                stuck_since = Instant::now();
                if !out.has_remaining() && out.capacity() > 2 * WRITE_BYTES {
                    out = BytesMut::new();
                }
            },
            command = commands.recv() => {
                if let Some(command) = command {
                    link.command(command);
                }
                if link.connection.is_idle() && link.has_been_used {
                    is_ending = Some("no session is left");
                }
            },
            () = sleep_until(timer) => {
                let now = link.now();
                link.take(|connection, _, _| connection.handle_timeout(now));
                if Instant::now() >= deadline {
                    return Ok("idle");
                }
            },
            () = &mut stopping, if is_ending.is_none() => is_ending = Some("stopping"),
        }
    }
}

/// Answers `GET /msrp`: 101, or 400 when the peer does not ask for the subprotocol `msrp` (RFC 7977 §4).
#[utoipa::path(
    get, path = "/msrp",
    responses(
        (status = 101, description = "MSRP follows"),
        (status = 400, description = "No WebSocket, or not the subprotocol `msrp`", content_type = "text/plain", body = String),
        (status = 426, description = "The connection cannot be upgraded", content_type = "text/plain", body = String),
    ),
)]
pub async fn upgrade(
    Extension(edge): Extension<Arc<MsrpEdge>>,
    Extension(peer): Extension<Peer>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade.protocols(["msrp"]),
        Err(rejection) => return rejection.into_response(),
    };
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "ask for the WebSocket subprotocol \"msrp\" (RFC 7977)\n")
            .into_response();
    }
    upgrade
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(2 * WEBSOCKET_BYTES_MAX)
        .max_message_size(WEBSOCKET_BYTES_MAX)
        .max_frame_size(WEBSOCKET_BYTES_MAX)
        .on_upgrade(move |socket| async move {
            let (mut link, commands) = Link::new(edge);
            let reason = run_websocket(socket, &mut link, commands).await;
            tracing::debug!(peer = %Shown(&peer.address), reason, "MSRP connection ended");
            link.close();
        })
}

async fn run_websocket(
    socket: WebSocket,
    link: &mut Link,
    mut commands: UnboundedReceiver<ToConnection>,
) -> &'static str {
    let (idle, stall) = (link.edge.limits.idle, link.edge.limits.stall);
    let (mut sink, mut stream) = socket.split();
    let mut silent_since = Instant::now();
    let mut ping_at = silent_since + PING_EVERY;
    loop {
        while let Some(frame) = link.connection.poll_transmit() {
            // One frame a message, and never more than the peer takes: its answers are what opens the window.
            match timeout(stall, sink.send(WebSocketFrame::Binary(frame))).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return "broken by the peer",
                Err(_) => return "slow reader",
            }
        }
        if link.connection.is_idle() && link.has_been_used {
            let _ = timeout(stall, sink.close()).await;
            return "no session is left";
        }
        let patience = if link.connection.is_idle() { stall } else { idle };
        let deadline = silent_since + patience;
        let timer = link.wake_at().map_or(deadline, |at| at.min(deadline)).min(ping_at);
        tokio::select! {
            frame = stream.next() => {
                silent_since = Instant::now();
                let bytes = match frame {
                    Some(Ok(WebSocketFrame::Text(text))) => Bytes::from(text),
                    Some(Ok(WebSocketFrame::Binary(bytes))) => bytes,
                    // Pings are answered by the library.
                    Some(Ok(WebSocketFrame::Ping(_) | WebSocketFrame::Pong(_))) => continue,
                    Some(Ok(WebSocketFrame::Close(_))) | None => return "ended by the peer",
                    Some(Err(_)) => return "broken by the peer",
                };
                match Frame::parse(bytes) {
                    Ok(frame) => {
                        link.take(|connection, now, sessions| connection.receive_frame(now, frame, sessions));
                    }
                    Err(error) => {
                        link.edge.metrics.msrp.get_or_create(&Kind::of("malformed")).inc();
                        tracing::debug!(problem = %error, "malformed MSRP");
                        return "malformed";
                    }
                }
            }
            command = commands.recv() => {
                if let Some(command) = command {
                    link.command(command);
                }
            }
            () = sleep_until(timer) => {
                let now = link.now();
                link.take(|connection, _, _| connection.handle_timeout(now));
                if Instant::now() >= deadline {
                    return "idle";
                }
                if Instant::now() >= ping_at {
                    ping_at = Instant::now() + PING_EVERY;
                    if sink.send(WebSocketFrame::Ping(Bytes::new())).await.is_err() {
                        return "broken by the peer";
                    }
                }
            }
        }
    }
}

/// A connection with what it has to do with the rest of the process.
struct Link {
    edge: Arc<MsrpEdge>,
    connection: Connection,
    /// Told to the table with every session that joins.
    sender: UnboundedSender<ToConnection>,
    origin: Instant,
    arriving: FxHashMap<IncomingId, Coming>,
    waiting: FxHashMap<u64, IncomingId>,
    has_been_used: bool,
}

/// A message while it arrives.
struct Coming {
    session: String,
    message_id: String,
    content_type: String,
    body: Arriving,
}

/// The table as one connection asks it.
struct Asking<'a> {
    switchboard: &'a Switchboard,
    sender: &'a UnboundedSender<ToConnection>,
}

impl msrp::connection::Sessions for Asking<'_> {
    fn look_up(&mut self, session_id: &str) -> Lookup {
        let mut table = self.switchboard.table();
        match table.sessions.get_mut(session_id) {
            None => Lookup::Unknown,
            Some(Place { connection: Some(_), .. }) => Lookup::Elsewhere,
            Some(place) => {
                place.connection = Some(self.sender.clone());
                Lookup::Bind(place.session.clone())
            }
        }
    }
}

impl Link {
    fn new(edge: Arc<MsrpEdge>) -> (Self, UnboundedReceiver<ToConnection>) {
        let (sender, commands) = unbounded_channel();
        let seed = edge.seeds.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let config = Config { chunk_bytes: edge.chunk_bytes, ..Config::new(seed) };
        edge.metrics.msrp_connections.inc();
        let link = Self {
            edge,
            connection: Connection::new(config),
            sender,
            origin: Instant::now(),
            arriving: FxHashMap::default(),
            waiting: FxHashMap::default(),
            has_been_used: false,
        };
        (link, commands)
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn wake_at(&self) -> Option<Instant> {
        self.connection.poll_timeout().map(|at| self.origin + at)
    }

    /// Lets the connection do something, and sees to what comes of it.
    fn take(&mut self, act: impl FnOnce(&mut Connection, Duration, &mut Asking<'_>)) {
        let now = self.now();
        let mut asking = Asking { switchboard: &self.edge.switchboard, sender: &self.sender };
        act(&mut self.connection, now, &mut asking);
        while let Some(event) = self.connection.poll_event() {
            self.happened(event);
        }
    }

    fn command(&mut self, command: ToConnection) {
        match command {
            ToConnection::Update(session) => self.connection.update(session),
            ToConnection::Send(outgoing) => self.take(|connection, _, _| connection.send(outgoing)),
            ToConnection::Answer(token, status) => {
                if let Some(message) = self.waiting.remove(&token) {
                    self.connection.answer(message, status);
                }
            }
            ToConnection::Leave(session) => self.take(|connection, _, _| connection.leave(&session)),
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Bound { session } => {
                self.has_been_used = true;
                self.edge.inbox.send(Input::Media(MediaEvent::Bound { session }));
            }
            Event::Active { session } => {
                // A full inbox has better things to do.
                let _ = self.edge.inbox.try_send(Input::Media(MediaEvent::Active { session }));
            }
            Event::Begun { message, session, message_id, content_type, .. } => {
                let owner =
                    self.edge.switchboard.table().sessions.get(&session).map(|place| place.owner.clone());
                let body = Arriving::of(owner);
                let coming = Coming { session, message_id, content_type, body };
                self.arriving.insert(message, coming);
            }
            Event::Data { message, offset, bytes } => {
                if let Some(coming) = self.arriving.get_mut(&message) {
                    coming.body.write(&self.edge.switchboard.spool, offset, &bytes);
                }
            }
            Event::Whole { message, .. } => self.whole(message),
            Event::Abandoned { message } => {
                if let Some(coming) = self.arriving.remove(&message) {
                    coming.body.discard(&self.edge.switchboard.spool);
                }
            }
            Event::Sent { send } => self.sent(send, 200),
            Event::NotSent { send, status } => self.sent(send, status),
            // What we send asks for none.
            Event::Report { .. } => {}
        }
    }

    fn sent(&self, send: u64, status: u16) {
        let word = if status == 200 { "sent" } else { "failed" };
        self.edge.metrics.msrp.get_or_create(&Kind::of(word)).inc();
        self.edge.inbox.send(Input::Media(MediaEvent::Sent { send, status }));
    }

    /// A message has come whole: on disk if it is large, and then before the centre.
    fn whole(&mut self, message: IncomingId) {
        let Some(Coming { session, message_id, content_type, body }) = self.arriving.remove(&message) else {
            return;
        };
        let spool = &self.edge.switchboard.spool;
        // Then it has been said why.
        let is_failed = matches!(body, Arriving::Failed);
        let body = match &body {
            Arriving::File { .. } => tokio::task::block_in_place(|| body.finish(spool)),
            _ => body.finish(spool),
        };
        let body = match body {
            Ok(Arrived::Memory(bytes)) => {
                debug_assert!(bytes.len() <= INLINE_BYTES_MAX);
                SessionBody::Whole(bytes)
            }
            Ok(Arrived::File(spooled, beginning)) => {
                self.edge.metrics.msrp.get_or_create(&Kind::of("spooled")).inc();
                SessionBody::Spooled { spooled, beginning }
            }
            Err(error) => {
                if !is_failed {
                    tracing::error!(%error, "a large body cannot be spooled");
                }
                return self.connection.answer(message, 408);
            }
        };
        let token = self.edge.switchboard.next_token.fetch_add(1, Ordering::Relaxed);
        self.edge.switchboard.table().tokens.insert(token, self.sender.clone());
        self.waiting.insert(token, message);
        self.edge.metrics.msrp.get_or_create(&Kind::of("received")).inc();
        let event = MediaEvent::Message { session, token: Token(token), message_id, content_type, body };
        if let Err(full) = self.edge.inbox.try_send(Input::Media(event)) {
            self.edge.metrics.refused.get_or_create(&Kind::of("msrp")).inc();
            self.edge.switchboard.table().tokens.remove(&token);
            self.waiting.remove(&token);
            if let Input::Media(MediaEvent::Message { body: SessionBody::Spooled { spooled, .. }, .. }) =
                &*full.0
            {
                self.edge.switchboard.spool.remove(&spooled.name);
            }
            // The sender takes it for a timeout, and sends it again.
            self.connection.answer(message, 408);
        }
    }

    /// The connection is gone: whoever was on it is told.
    fn close(&mut self) {
        let lost: Vec<String> = {
            let mut table = self.edge.switchboard.table();
            for token in self.waiting.keys() {
                table.tokens.remove(token);
            }
            let sender = &self.sender;
            let ours =
                |place: &Place| place.connection.as_ref().is_some_and(|other| other.same_channel(sender));
            let mut lost = Vec::new();
            for (id, place) in table.sessions.iter_mut().filter(|(id, _)| self.connection.has(id)) {
                if ours(place) {
                    place.connection = None;
                    lost.push(id.clone());
                }
            }
            lost
        };
        self.take(|connection, _, _| connection.close());
        self.edge.metrics.msrp_connections.dec();
        for session in lost {
            self.edge.inbox.send(Input::Media(MediaEvent::Lost { session }));
        }
    }
}
