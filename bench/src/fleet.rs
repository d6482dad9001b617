//! Many handsets behind one UDP socket, each with its own user part in its Contact, driven by one thread.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use handset::run::{Server, now};
use handset::{Event, Handset};
use nix::errno::Errno;
use nix::sys::socket::sockopt::RcvBuf;
use nix::sys::socket::{MsgFlags, recv, setsockopt};
use rcs::Timestamp;
use rustc_hash::FxHashMap;
use sip::{Flow, Message, Transport};

/// Longest wait for a datagram before timers are looked at.
const WAIT: Duration = Duration::from_millis(5);
/// How often all handsets are asked for due timers.
const TIMERS_EVERY: Duration = Duration::from_millis(100);
/// Datagrams taken before the handsets may speak.
const BATCH: usize = 64;
const DATAGRAM_BYTES_MAX: usize = 65_535;
const SOCKET_BUFFER_BYTES: usize = 8 << 20;

/// Handsets behind one socket.
pub struct Fleet {
    socket: UdpSocket,
    handsets: Vec<Handset>,
    by_user: FxHashMap<String, usize>,
    buffer: Vec<u8>,
    now: Timestamp,
    timers_at: Instant,
    /// What happened, and to which.
    happened: Vec<(usize, Event)>,
}

impl Fleet {
    /// Connects handsets to a server.
    pub fn new(handsets: Vec<Handset>, server: Server) -> io::Result<Self> {
        let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        socket.connect(server.address)?;
        socket.set_read_timeout(Some(WAIT))?;
        // Best effort: the kernel's ceiling is not ours to raise.
        let _ = setsockopt(&socket, RcvBuf, &SOCKET_BUFFER_BYTES);
        let local = socket.local_addr()?;
        let mut fleet = Self {
            socket,
            by_user: FxHashMap::default(),
            handsets,
            buffer: vec![0; DATAGRAM_BYTES_MAX],
            now: now(),
            timers_at: Instant::now(),
            happened: Vec::new(),
        };
        for (at, handset) in fleet.handsets.iter_mut().enumerate() {
            handset.connected(Flow { transport: Transport::Udp, id: 1, peer: server.address }, Some(local));
            fleet.by_user.insert(handset.address().user().to_owned(), at);
        }
        Ok(fleet)
    }

    /// Lets one of them do something; what it says goes out at once.
    pub fn act<T>(&mut self, at: usize, act: impl FnOnce(&mut Handset, Timestamp) -> T) -> T {
        // Nothing may have happened for long.
        self.now = now();
        let result = act(&mut self.handsets[at], self.now);
        self.speak(at);
        result
    }

    /// Takes what has arrived, waiting a little if nothing has, and lets time pass.
    pub fn step(&mut self) -> io::Result<()> {
        self.now = now();
        let mut taken = 0;
        while taken < BATCH {
            match recv(self.socket.as_raw_fd(), &mut self.buffer, MsgFlags::MSG_DONTWAIT) {
                Ok(length) => self.take(length),
                Err(Errno::EAGAIN) => break,
                Err(Errno::EINTR | Errno::ECONNREFUSED) => {}
                Err(error) => return Err(error.into()),
            }
            taken += 1;
        }
        if taken == 0 {
            match self.socket.recv(&mut self.buffer) {
                Ok(length) => self.take(length),
                Err(error) if is_harmless(&error) => {}
                Err(error) => return Err(error),
            }
        }
        if self.timers_at.elapsed() >= TIMERS_EVERY {
            self.timers_at = Instant::now();
            self.now = now();
            for at in 0..self.handsets.len() {
                let due = self.handsets[at].poll_timeout();
                if due.is_some_and(|due| due <= self.now) {
                    self.handsets[at].handle_timeout(self.now);
                    self.speak(at);
                }
            }
        }
        Ok(())
    }

    /// What happened since the last call.
    pub fn happened(&mut self) -> Vec<(usize, Event)> {
        std::mem::take(&mut self.happened)
    }

    /// Number of handsets.
    pub fn len(&self) -> usize {
        self.handsets.len()
    }

    fn take(&mut self, length: usize) {
        let Ok(message) = Message::parse_datagram(Bytes::copy_from_slice(&self.buffer[..length])) else {
            return;
        };
        // A request is for the user in To, an answer for the one who asked, in From.
        let user = match &message {
            Message::Request(request) => request.to(),
            Message::Response(response) => response.from(),
        };
        let Some(at) = user.ok().and_then(|user| self.by_user.get(user.uri.user()?).copied()) else {
            return;
        };
        self.handsets[at].receive(self.now, message);
        self.speak(at);
    }

    fn speak(&mut self, at: usize) {
        while let Some(bytes) = self.handsets[at].poll_transmit() {
            // What the kernel does not take is sent again by the transaction.
            let _ = self.socket.send(&bytes);
        }
        while let Some(event) = self.handsets[at].poll_event() {
            self.happened.push((at, event));
        }
    }
}

fn is_harmless(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), ConnectionRefused | Interrupted | TimedOut | WouldBlock)
}
