//! SIP over UDP: one thread that receives in batches, and a sender for the centre's thread.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrStorage};
use nix::sys::socket::{recvmmsg, sendmmsg};
use sip::{Flow, Message, Transport};
use socket2::{Domain, Protocol, Socket, Type};

use crate::net::Edge;

/// Datagrams taken from or given to the kernel at once.
const BATCH: usize = 64;

/// Under load, that is after a batch of at least so many, datagrams may gather in the kernel for so long: each then costs
/// less of a wake-up.
const LOAD_DATAGRAMS: usize = 4;
const GATHER: Duration = Duration::from_micros(100);

/// Longer datagrams do not exist over IPv4, and over IPv6 only as jumbograms.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// How long the receiving thread may sleep before it looks whether it is to stop.
const WAKE: Duration = Duration::from_millis(200);

/// Binds the socket, with `buffer_bytes` of receive buffer or as much of it as the kernel gives.
pub fn bind(address: SocketAddr, buffer_bytes: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Best effort: the kernel's ceiling is not ours to raise.
    let _ = socket.set_recv_buffer_size(buffer_bytes);
    let _ = socket.set_send_buffer_size(buffer_bytes);
    socket.set_read_timeout(Some(WAKE))?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Starts receiving on `socket` and lets the network of `edge` send through it. The thread ends soon after `stop`.
pub fn start(socket: UdpSocket, edge: Arc<Edge>, stop: Arc<AtomicBool>) -> io::Result<JoinHandle<()>> {
    edge.network.attach_udp(Sender { ipv6: socket.local_addr()?.is_ipv6(), socket: socket.try_clone()? });
    std::thread::Builder::new().name("udp".to_owned()).spawn(move || receive(&socket, &edge, &stop))
}

fn receive(socket: &UdpSocket, edge: &Edge, stop: &AtomicBool) {
    let mut buffers = vec![0; BATCH * DATAGRAM_BYTES_MAX];
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    while !stop.load(Ordering::Relaxed) {
        let received = match receive_batch(socket, &mut buffers, &mut headers) {
            Ok(received) => received,
            Err(Errno::EAGAIN | Errno::EINTR) => continue,
            // An ICMP error of an earlier datagram, reported on the socket: it says nothing about the next one.
            Err(Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH) => continue,
            Err(error) => {
                tracing::error!(%error, "cannot receive on the UDP socket");
                std::thread::sleep(WAKE);
                continue;
            }
        };
        let is_loaded = received.len() >= LOAD_DATAGRAMS;
        for ((peer, len), buffer) in received.into_iter().zip(buffers.chunks(DATAGRAM_BYTES_MAX)) {
            if let Some(peer) = peer {
                receive_datagram(edge, peer, &buffer[..len]);
            }
        }
        if is_loaded {
            std::thread::sleep(GATHER);
        }
    }
}

/// Waits for one datagram, then takes those that are there; gives the sender and the length of each.
fn receive_batch(
    socket: &UdpSocket,
    buffers: &mut [u8],
    headers: &mut MultiHeaders<SockaddrStorage>,
) -> nix::Result<Vec<(Option<SocketAddr>, usize)>> {
    let mut slices: Vec<_> =
        buffers.chunks_mut(DATAGRAM_BYTES_MAX).map(|buffer| [IoSliceMut::new(buffer)]).collect();
    let messages = recvmmsg(socket.as_raw_fd(), headers, slices.iter_mut(), MsgFlags::MSG_WAITFORONE, None)?;
    Ok(messages.map(|message| (message.address.as_ref().and_then(socket_address), message.bytes)).collect())
}

fn receive_datagram(edge: &Edge, peer: SocketAddr, datagram: &[u8]) {
    let flow = Flow { transport: Transport::Udp, id: 0, peer };
    // A keep-alive (RFC 5626 §3.5.1 has STUN for UDP, but CRLF and single NUL bytes are what is seen): nothing to do.
    if datagram.len() <= 4 {
        return;
    }
    let answer = match Message::parse_datagram(Bytes::copy_from_slice(datagram)) {
        Ok(message) if message.body().len() > edge.limits.body_bytes_max => match message {
            Message::Request(request) if request.method() != sip::Method::Ack => Some(
                sip::ResponseBuilder::for_request(&request, 413, "").to_tag("large").source(peer).build(),
            ),
            _ => None,
        },
        Ok(message) => edge.receive(flow, message),
        Err(error) => edge.malformed(&flow, &error),
    };
    if let Some(answer) = answer {
        edge.network.transmit(&flow, answer);
    }
}

/// Sends datagrams through our socket, from any thread, without waiting.
pub struct Sender {
    socket: UdpSocket,
    ipv6: bool,
}

impl Sender {
    /// Gives `datagrams` to the kernel in order; gives how many it took. One that it refuses (too long, no route) is
    /// passed over; when its buffer is full the rest is dropped, as any router on the way might do.
    pub(super) fn send(&self, datagrams: &[(SocketAddr, Bytes)]) -> usize {
        let mut taken = 0;
        for batch in datagrams.chunks(BATCH) {
            let addresses: Vec<_> =
                batch.iter().map(|(peer, _)| Some(SockaddrStorage::from(self.reachable(*peer)))).collect();
            let slices: Vec<_> = batch.iter().map(|(_, bytes)| [IoSlice::new(bytes)]).collect();
            let mut at = 0;
            while at < batch.len() {
                let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(batch.len() - at, None);
                let flags = MsgFlags::MSG_DONTWAIT;
                let sent = sendmmsg(
                    self.socket.as_raw_fd(),
                    &mut headers,
                    &slices[at..],
                    &addresses[at..],
                    [],
                    flags,
                )
                .map(Iterator::count);
                match sent {
                    Ok(count) => {
                        taken += count;
                        at += count.max(1);
                    }
                    Err(Errno::EINTR) => {}
                    Err(Errno::EAGAIN | Errno::ENOBUFS) => return taken,
                    Err(_) => at += 1,
                }
            }
        }
        taken
    }

    /// The peer's address as our socket's family writes it.
    fn reachable(&self, peer: SocketAddr) -> SocketAddr {
        match peer.ip() {
            IpAddr::V4(address) if self.ipv6 => SocketAddr::from((address.to_ipv6_mapped(), peer.port())),
            _ => peer,
        }
    }
}

/// The peer as an IPv4 address wherever it is one, also on a socket of both families.
fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|address: &SockaddrIn| SocketAddr::from(*address));
    let v6 = || address.as_sockaddr_in6().map(|address: &SockaddrIn6| SocketAddr::from(*address));
    let peer = v4.or_else(v6)?;
    Some(SocketAddr::new(peer.ip().to_canonical(), peer.port()))
}
