//! Runs a handset over a real connection: UDP, TCP or WebSocket, in a task of its own.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use handset::run::{Phone, Server};
//! use handset::{Config, Handset, Outgoing};
//!
//! let server = Server { transport: sip::Transport::Tcp, address: "127.0.0.1:5060".parse()? };
//! let config = Config::new("+8613800000001", "hongyan.local", "secret", 1)?;
//! let mut phone = Phone::start(Handset::new(config), server).await?;
//! phone.register().await?;
//! phone.send("tel:+8613800000002", Outgoing::text("supper?")).await?;
//! # Ok(()) }
//! ```
#![allow(clippy::disallowed_methods, reason = "the runner is where the clock is read")]

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use rcs::Timestamp;
use sip::stream::{Frame, Framer, PING, PONG};
use sip::{Flow, Message, Transport};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::{Event, Failure, Handset, Outgoing};

mod media;

/// Above any answer to what a handset asks.
const PATIENCE: Duration = Duration::from_secs(40);
/// Between keep-alives on TCP (RFC 5626 §4.4.1: below the registrar's Flow-Timer of 120 s).
const KEEP_ALIVE: Duration = Duration::from_secs(90);
/// Events that may wait for their reader; beyond, the connection is not read.
const EVENTS_MAX: usize = 4096;
const BODY_BYTES_MAX: usize = 1 << 20;
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Where a handset connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// UDP, TCP or Ws; others are refused.
    pub transport: Transport,
    /// The listener; for Ws the HTTP listener, whose path is `/sip`.
    pub address: SocketAddr,
}

/// What was waited for did not happen.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not within {waited:?}; what happened instead: {instead:?}")]
pub struct TimedOut {
    /// How long it was waited for.
    pub waited: Duration,
    /// Events that came and were not waited for.
    pub instead: Vec<Event>,
}

/// Why a phone could not do something.
#[derive(Debug, thiserror::Error)]
pub enum PhoneError {
    /// The platform's answer, or its absence.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Nothing happened at all.
    #[error(transparent)]
    TimedOut(#[from] TimedOut),
}

type Act = Box<dyn FnOnce(&mut Handset, Timestamp) + Send>;

/// A handset that runs. Dropping it closes its connection.
pub struct Phone {
    acts: mpsc::Sender<Act>,
    events: mpsc::Receiver<Event>,
    /// Events that came while something else was waited for.
    backlog: VecDeque<Event>,
    task: JoinHandle<Handset>,
}

impl Phone {
    /// Connects a handset. It does not register by itself.
    ///
    /// # Errors
    /// There is no connection to be had.
    pub async fn start(mut handset: Handset, server: Server) -> io::Result<Self> {
        let (link, local) = Link::open(server, handset.local).await?;
        let flow = Flow { transport: server.transport, id: 1, peer: server.address };
        handset.connected(flow, local);
        let (acts, actions) = mpsc::channel(64);
        let (told, events) = mpsc::channel(EVENTS_MAX);
        let task = tokio::spawn(run(handset, link, actions, told));
        Ok(Self { acts, events, backlog: VecDeque::new(), task })
    }

    /// Lets the user do something with the handset.
    pub async fn with<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Handset, Timestamp) -> T + Send + 'static,
    ) -> T {
        let (result, outcome) = oneshot::channel();
        let act: Act = Box::new(move |handset, now| drop(result.send(act(handset, now))));
        let sent = self.acts.send(act).await;
        assert!(sent.is_ok(), "the phone's task runs as long as the phone");
        outcome.await.expect("the phone's task does what it is given")
    }

    /// Registers; the lifetime granted, in seconds.
    ///
    /// # Errors
    /// The registrar's refusal, or silence.
    pub async fn register(&mut self) -> Result<u32, PhoneError> {
        self.with(Handset::register).await;
        let outcome = self.wait(PATIENCE, |event| match event {
            Event::Registered { expires_s } => Some(Ok(*expires_s)),
            Event::NotRegistered(why) => Some(Err(*why)),
            _ => None,
        });
        Ok(outcome.await??)
    }

    /// Sends a message and waits for its answer: the status, 200 or 202.
    ///
    /// # Errors
    /// The platform's refusal, or silence.
    pub async fn send(&mut self, to: &str, outgoing: Outgoing) -> Result<u16, PhoneError> {
        let id = self.post(to, outgoing).await;
        self.sent(&id).await
    }

    /// Invites somebody to a chat and waits until it stands; the call's number.
    ///
    /// # Errors
    /// The refusal, or silence.
    pub async fn call(&mut self, to: &str) -> Result<u64, PhoneError> {
        let to = to.to_owned();
        let number = self.with(move |handset, now| handset.call(now, &to)).await;
        let outcome = self.wait(PATIENCE, |event| match event {
            Event::CallOpen { call, .. } if *call == number => Some(Ok(number)),
            Event::CallEnded { call, status } if *call == number => {
                Some(Err(status.map_or(Failure::ConnectionLost, Failure::Refused)))
            }
            _ => None,
        });
        Ok(outcome.await??)
    }

    /// Says something in a call and waits until it is taken.
    ///
    /// # Errors
    /// The refusal, or silence.
    pub async fn say(&mut self, call: u64, outgoing: Outgoing) -> Result<u16, PhoneError> {
        let id = self.with(move |handset, now| handset.say(now, call, &outgoing)).await;
        self.sent(&id).await
    }

    /// Sends a message in large-message mode and waits until it is taken.
    ///
    /// # Errors
    /// The refusal, or silence.
    pub async fn send_large(&mut self, to: &str, outgoing: Outgoing) -> Result<u16, PhoneError> {
        let to = to.to_owned();
        let id = self.with(move |handset, now| handset.send_large(now, &to, &outgoing)).await;
        self.sent(&id).await
    }

    async fn sent(&mut self, id: &str) -> Result<u16, PhoneError> {
        let outcome = self.wait(PATIENCE, |event| match event {
            Event::Sent { message_id, status } if *message_id == id => Some(Ok(*status)),
            Event::NotSent { message_id, why } if *message_id == id => Some(Err(*why)),
            _ => None,
        });
        Ok(outcome.await??)
    }

    /// Says something in the call that stands, or sends it, without waiting; its id. The answer comes as an event.
    pub async fn post(&self, to: &str, outgoing: Outgoing) -> String {
        let to = to.to_owned();
        self.with(move |handset, now| handset.say_or_send(now, &to, &outgoing)).await
    }

    /// The next event; `None` once the phone's task has ended.
    pub async fn next(&mut self) -> Option<Event> {
        match self.backlog.pop_front() {
            Some(event) => Some(event),
            None => self.events.recv().await,
        }
    }

    /// Waits until `pick` finds what it wants in an event, also among those that came before. Others are kept.
    ///
    /// # Errors
    /// It did not come in time, or the phone's task has ended.
    pub async fn wait<T>(
        &mut self,
        within: Duration,
        mut pick: impl FnMut(&Event) -> Option<T>,
    ) -> Result<T, TimedOut> {
        for at in 0..self.backlog.len() {
            if let Some(found) = pick(&self.backlog[at]) {
                self.backlog.remove(at);
                return Ok(found);
            }
        }
        let deadline = Instant::now() + within;
        while let Ok(Some(event)) = timeout_at(deadline, self.events.recv()).await {
            match pick(&event) {
                Some(found) => return Ok(found),
                None => self.backlog.push_back(event),
            }
        }
        Err(TimedOut { waited: within, instead: self.backlog.iter().cloned().collect() })
    }

    /// Closes the connection; the handset with all that it knows, and the events that nobody has read.
    ///
    /// # Panics
    /// If the phone's task has panicked.
    pub async fn stop(self) -> (Handset, Vec<Event>) {
        let Self { acts, mut events, backlog, task } = self;
        drop(acts);
        let mut unread: Vec<Event> = backlog.into();
        while let Some(event) = events.recv().await {
            unread.push(event);
        }
        (task.await.expect("the phone's task does not panic"), unread)
    }
}

/// The time as a timestamp.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as u64)
}

/// Runs a handset until its phone is dropped or stopped; the connection may end earlier.
async fn run(
    mut handset: Handset,
    link: Link,
    mut acts: mpsc::Receiver<Act>,
    told: mpsc::Sender<Event>,
) -> Handset {
    let mut link = Some(link);
    let mut untold: VecDeque<Event> = VecDeque::new();
    let mut connections = media::Connections::new();
    let mut keep_alive = Instant::now() + KEEP_ALIVE;
    loop {
        untold.extend(std::iter::from_fn(|| handset.poll_event()));
        let timer = handset.poll_timeout().map_or(keep_alive, |at| Instant::now() + at.since(now()));
        let mut lost = false;
        tokio::select! {
            act = acts.recv() => match act {
                Some(act) => act(&mut handset, now()),
                None => break,
            },
            received = receive(&mut link), if untold.len() < EVENTS_MAX => match received {
                Ok(message) => handset.receive(now(), message),
                Err(_) => lost = true,
            },
            heard = connections.next(), if untold.len() < EVENTS_MAX => media::take(&mut handset, now(), heard),
            permit = told.reserve(), if !untold.is_empty() => match (permit, untold.pop_front()) {
                (Ok(permit), Some(event)) => permit.send(event),
                _ => break,
            },
            () = sleep_until(timer.min(keep_alive)) => handset.handle_timeout(now()),
        }
        connections.perform(&mut handset);
        if let Some(link) = &mut link {
            while let (false, Some(bytes)) = (lost, handset.poll_transmit()) {
                lost = link.send(bytes).await.is_err();
            }
            if Instant::now() >= keep_alive {
                keep_alive = Instant::now() + KEEP_ALIVE;
                lost |= link.keep_alive().await.is_err();
            }
        }
        if lost {
            link = None;
            handset.disconnected(now());
        }
    }
    handset.disconnected(now());
    untold.extend(std::iter::from_fn(|| handset.poll_event()));
    for event in untold {
        if told.send(event).await.is_err() {
            break;
        }
    }
    handset
}

async fn receive(link: &mut Option<Link>) -> io::Result<Message> {
    match link {
        Some(link) => link.receive().await,
        None => pending().await,
    }
}

/// One connection.
enum Link {
    Udp { socket: UdpSocket, buffer: Box<[u8]> },
    Tcp { stream: TcpStream, framer: Box<Framer> },
    Ws(Box<tokio_tungstenite::WebSocketStream<TcpStream>>),
}

impl Link {
    /// The connection, and our address on it where that means anything. Over UDP it is the one we `had` before, if we still
    /// can have it: the registrar may go on writing to it.
    async fn open(server: Server, had: Option<SocketAddr>) -> io::Result<(Self, Option<SocketAddr>)> {
        match server.transport {
            Transport::Udp => {
                let any: SocketAddr = match server.address {
                    SocketAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
                    SocketAddr::V6(_) => ([0u16; 8], 0).into(),
                };
                let socket = match had {
                    Some(had) => UdpSocket::bind(had).await,
                    None => UdpSocket::bind(any).await,
                };
                let socket = match socket {
                    Ok(socket) => socket,
                    Err(_) => UdpSocket::bind(any).await?,
                };
                socket.connect(server.address).await?;
                let local = socket.local_addr()?;
                let buffer = vec![0; DATAGRAM_BYTES_MAX].into();
                Ok((Self::Udp { socket, buffer }, Some(local)))
            }
            Transport::Tcp => {
                let stream = TcpStream::connect(server.address).await?;
                stream.set_nodelay(true)?;
                let local = stream.local_addr()?;
                Ok((Self::Tcp { stream, framer: Box::new(Framer::new(BODY_BYTES_MAX)) }, Some(local)))
            }
            Transport::Ws => {
                let mut request =
                    format!("ws://{}/sip", server.address).into_client_request().map_err(io::Error::other)?;
                let subprotocol = tungstenite::http::HeaderValue::from_static("sip");
                request.headers_mut().insert("Sec-WebSocket-Protocol", subprotocol);
                let stream = TcpStream::connect(server.address).await?;
                stream.set_nodelay(true)?;
                let (socket, _) =
                    tokio_tungstenite::client_async(request, stream).await.map_err(io::Error::other)?;
                Ok((Self::Ws(Box::new(socket)), None))
            }
            Transport::Tls | Transport::Wss => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The next message. Nothing is lost when the future is dropped.
    async fn receive(&mut self) -> io::Result<Message> {
        loop {
            match self {
                Self::Udp { socket, buffer } => {
                    // An ICMP error says that the server is away; the transaction's timers deal with that.
                    let Ok(length) = socket.recv(buffer).await else { continue };
                    if let Ok(message) = Message::parse_datagram(Bytes::copy_from_slice(&buffer[..length])) {
                        return Ok(message);
                    }
                }
                Self::Tcp { stream, framer } => match framer.poll().map_err(io::Error::other)? {
                    Some(Frame::Message(message)) => return Ok(message),
                    Some(Frame::Ping) => stream.write_all(PONG).await?,
                    Some(Frame::Pong) => {}
                    None => {
                        if stream.read_buf(framer.buffer_mut()).await? == 0 {
                            return Err(io::ErrorKind::UnexpectedEof.into());
                        }
                    }
                },
                Self::Ws(socket) => {
                    let bytes = match socket.next().await {
                        Some(Ok(tungstenite::Message::Text(text))) => Bytes::from(text),
                        Some(Ok(tungstenite::Message::Binary(bytes))) => bytes,
                        Some(Ok(_)) => continue,
                        Some(Err(error)) => return Err(io::Error::other(error)),
                        None => return Err(io::ErrorKind::UnexpectedEof.into()),
                    };
                    // Keep-alives as on a stream; some servers send them.
                    if !bytes.trim_ascii().is_empty() {
                        return Message::parse_websocket(bytes).map_err(io::Error::other);
                    }
                }
            }
        }
    }

    async fn send(&mut self, bytes: Bytes) -> io::Result<()> {
        match self {
            Self::Udp { socket, .. } => {
                // As above: what does not arrive is sent again.
                let _ = socket.send(&bytes).await;
                Ok(())
            }
            Self::Tcp { stream, .. } => stream.write_all(&bytes).await,
            Self::Ws(socket) => {
                let message = match String::from_utf8(bytes.into()) {
                    Ok(text) => tungstenite::Message::text(text),
                    Err(bytes) => tungstenite::Message::binary(bytes.into_bytes()),
                };
                socket.send(message).await.map_err(io::Error::other)
            }
        }
    }

    async fn keep_alive(&mut self) -> io::Result<()> {
        match self {
            Self::Udp { socket, .. } => socket.send(PING).await.map(drop),
            Self::Tcp { stream, .. } => stream.write_all(PING).await,
            Self::Ws(_) => Ok(()),
        }
    }
}
