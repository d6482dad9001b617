//! SIP over UDP, in batches: the centre's thread takes datagrams off the socket and puts them on it.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, SockaddrIn6, SockaddrStorage};
use nix::sys::socket::{recvmmsg, sendmmsg};
use sip::{Flow, Message, ResponseBuilder, Transport};
use socket2::{Domain, Protocol, Socket, Type};

use crate::engine::Input;
use crate::net::Edge;

/// Datagrams taken from or given to the kernel at once.
const BATCH: usize = 64;

/// Longer datagrams do not exist over IPv4, and over IPv6 only as jumbograms.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Binds the socket, with `buffer_bytes` of receive buffer or as much of it as the kernel gives.
pub fn bind(address: SocketAddr, buffer_bytes: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    // Best effort: the kernel's ceiling is not ours to raise.
    let _ = socket.set_recv_buffer_size(buffer_bytes);
    let _ = socket.set_send_buffer_size(buffer_bytes);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Lets the network of `edge` send through `socket`, and gives what receives on it. It takes nothing more after `stop`.
pub fn start(socket: UdpSocket, edge: Arc<Edge>, stop: Arc<AtomicBool>) -> io::Result<Receiver> {
    edge.network.attach_udp(Sender { ipv6: socket.local_addr()?.is_ipv6(), socket: socket.try_clone()? });
    Ok(Receiver { socket, edge, stop, buffers: vec![0; BATCH * DATAGRAM_BYTES_MAX] })
}

/// Takes datagrams off our socket, without waiting.
pub struct Receiver {
    socket: UdpSocket,
    edge: Arc<Edge>,
    stop: Arc<AtomicBool>,
    buffers: Vec<u8>,
}

impl Receiver {
    /// Takes up to `max` datagrams, answers those that are no message, and adds the others to `batch`.
    pub fn receive(&mut self, max: usize, batch: &mut Vec<Input>) {
        let mut room = max;
        while room > 0 && !self.stop.load(Ordering::Relaxed) {
            match self.receive_some(room.min(BATCH), batch) {
                Ok(taken) if taken == BATCH => room -= taken,
                Ok(_) | Err(Errno::EAGAIN) => return,
                // EINTR, or an ICMP error of an earlier datagram, reported on the socket: it says nothing about the next one.
                Err(Errno::EINTR | Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH) => {
                    room -= 1
                }
                Err(error) => {
                    tracing::error!(%error, "cannot receive on the UDP socket");
                    return;
                }
            }
        }
    }

    fn receive_some(&mut self, max: usize, batch: &mut Vec<Input>) -> nix::Result<usize> {
        let received = self.take(max)?;
        for ((peer, len), buffer) in received.iter().zip(self.buffers.chunks(DATAGRAM_BYTES_MAX)) {
            if let Some(peer) = peer {
                batch.extend(read(&self.edge, *peer, &buffer[..*len]));
            }
        }
        Ok(received.len())
    }

    /// Fills buffers; gives the sender and the length of each.
    fn take(&mut self, max: usize) -> nix::Result<Vec<(Option<SocketAddr>, usize)>> {
        let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(max, None);
        let buffers = self.buffers.chunks_mut(DATAGRAM_BYTES_MAX).take(max);
        let mut slices: Vec<_> = buffers.map(|buffer| [IoSliceMut::new(buffer)]).collect();
        let flags = MsgFlags::MSG_DONTWAIT;
        let taken = recvmmsg(self.socket.as_raw_fd(), &mut headers, slices.iter_mut(), flags, None)?;
        Ok(taken
            .map(|datagram| (datagram.address.as_ref().and_then(socket_address), datagram.bytes))
            .collect())
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The message in a datagram; `None` when there is none, and its sender has been told if that can be.
fn read(edge: &Edge, peer: SocketAddr, datagram: &[u8]) -> Option<Input> {
    let flow = Flow { transport: Transport::Udp, id: 0, peer };
    // A keep-alive (RFC 5626 §3.5.1 has STUN for UDP, but CRLF and single NUL bytes are what is seen): nothing to do.
    if datagram.len() <= 4 {
        return None;
    }
    let answer = match Message::parse_datagram(Bytes::copy_from_slice(datagram)) {
        Ok(message) if message.body().len() > edge.limits.body_bytes_max => match message {
            Message::Request(request) if request.method() != sip::Method::Ack => {
                ResponseBuilder::for_request(&request, 413, "").to_tag("large").source(peer).build()
            }
            _ => return None,
        },
        Ok(message) => return Some(Input::Sip { flow, message }),
        Err(error) => edge.malformed(&flow, &error)?,
    };
    edge.network.transmit(&flow, answer);
    None
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
