//! The transports against an inbox of the test's own: what reaches the centre, and what bad peers hear.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hongyan::engine::Input;
use hongyan::inbox::{Outlet, inbox};
use hongyan::metrics::Metrics;
use hongyan::net::ceiling::Ceiling;
use hongyan::net::{Edge, Limits, Network, listener, stream, udp};
use sip::{Flow, Message, Transport};

/// An edge with listeners on loopback, and the centre's end of its inbox.
struct Bench {
    runtime: tokio::runtime::Runtime,
    edge: Arc<Edge>,
    outlet: Outlet,
    stop: tokio::sync::watch::Sender<bool>,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Bench {
    fn new(inbox_messages: usize) -> Self {
        let metrics = Arc::new(Metrics::new());
        let network = Arc::new(Network::new(8, metrics.clone()));
        let (inbox, outlet) = inbox(inbox_messages).unwrap();
        let limits = Limits {
            body_bytes_max: 16 * 1024,
            idle: Duration::from_secs(30),
            stall: Duration::from_millis(300),
        };
        Self {
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
            edge: Arc::new(Edge { inbox, network, metrics, limits }),
            outlet,
            stop: tokio::sync::watch::channel(false).0,
        }
    }

    fn listen_tcp(&self, ceiling: Ceiling) -> SocketAddr {
        let _context = self.runtime.enter();
        let listener = listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        self.runtime.spawn(stream::serve(listener, None, ceiling, self.edge.clone(), self.stop.subscribe()));
        address
    }

    fn connect(&self) -> TcpStream {
        connect(self.listen_tcp(Ceiling::new(100, 100)))
    }

    fn listen_udp(&mut self) -> SocketAddr {
        let socket = udp::bind("127.0.0.1:0".parse().unwrap(), 1 << 20).unwrap();
        let address = socket.local_addr().unwrap();
        self.outlet.attach_udp(udp::start(socket, self.edge.clone(), Arc::default()).unwrap());
        address
    }

    /// Lets the centre's end take what is there; fails if there is an input.
    fn take_nothing(&mut self) {
        let mut batch = Vec::new();
        self.outlet.take(Duration::ZERO, &mut batch);
        assert!(batch.is_empty(), "{batch:?}");
    }

    /// The next input; fails when none comes.
    fn input(&mut self) -> Input {
        let mut batch = Vec::new();
        self.outlet.take(PATIENCE, &mut batch);
        assert!(batch.len() <= 1, "one at a time in these tests");
        batch.pop().expect("an input arrives")
    }

    fn message(&mut self) -> (Flow, Message) {
        match self.input() {
            Input::Sip { flow, message } => (flow, message),
            other => panic!("a message is expected, not {other:?}"),
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn options(extra: &str) -> String {
    format!(
        "OPTIONS sip:hongyan.local SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n\
         From: <sip:a@hongyan.local>;tag=1\r\nTo: <sip:hongyan.local>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n{extra}\r\n"
    )
}

/// Everything that the peer says until it ends the connection.
fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the peer ends the connection in time");
    text
}

fn read_datagram(socket: &UdpSocket) -> String {
    let mut buffer = [0; 65_535];
    let len = socket.recv(&mut buffer).expect("an answer arrives");
    String::from_utf8_lossy(&buffer[..len]).into_owned()
}

fn udp_client(server: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

#[test]
fn datagrams_arrive_and_answers_go_back() {
    let mut bench = Bench::new(100);
    let client = udp_client(bench.listen_udp());
    for _ in 0..3 {
        client.send(options("").as_bytes()).unwrap();
        let (flow, message) = bench.message();
        assert_eq!((flow.transport, flow.peer), (Transport::Udp, client.local_addr().unwrap()));
        assert!(message.into_request().is_some());
        bench.edge.network.transmit_all([
            (flow, Bytes::from_static(b"SIP/2.0 100 Trying\r\n\r\n")),
            (flow, Bytes::from_static(b"SIP/2.0 200 OK\r\n\r\n")),
        ]);
        assert!(read_datagram(&client).starts_with("SIP/2.0 100"));
        assert!(read_datagram(&client).starts_with("SIP/2.0 200"));
    }
}

#[test]
fn datagrams_that_are_no_message_are_answered_or_forgotten() {
    let mut bench = Bench::new(100);
    let client = udp_client(bench.listen_udp());
    for noise in
        [&b""[..], b"\r\n\r\n", b"\0", b"\xff\xfe\xfd\xfc\xfb", b"GET / HTTP/1.1\r\n\r\n", b"SIP/2.0\r\n\r\n"]
    {
        client.send(noise).unwrap();
    }
    bench.take_nothing();
    client.send(options("Content-Length: 10\r\n").as_bytes()).unwrap();
    bench.take_nothing();
    assert!(read_datagram(&client).starts_with("SIP/2.0 400"));
    client.send(options("Content-Length: -1\r\n").as_bytes()).unwrap();
    bench.take_nothing();
    assert!(read_datagram(&client).starts_with("SIP/2.0 400"));
    client.send((options("") + &"x".repeat(17 * 1024)).as_bytes()).unwrap();
    bench.take_nothing();
    assert!(read_datagram(&client).starts_with("SIP/2.0 413"));
    client.send(options("").as_bytes()).unwrap();
    bench.message();
}

#[test]
fn a_datagram_ends_the_wait_and_stopping_ends_the_datagrams() {
    let mut bench = Bench::new(100);
    let socket = udp::bind("127.0.0.1:0".parse().unwrap(), 1 << 20).unwrap();
    let client = udp_client(socket.local_addr().unwrap());
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    bench.outlet.attach_udp(udp::start(socket, bench.edge.clone(), stop.clone()).unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| client.send(options("").as_bytes()).unwrap());
        bench.message();
    });
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    client.send(options("").as_bytes()).unwrap();
    bench.take_nothing();
}

#[test]
fn a_full_inbox_is_said_so() {
    let bench = Bench::new(1);
    let mut client = bench.connect();
    let request = options("Content-Length: 0\r\n");
    client.write_all((request.clone() + &request).as_bytes()).unwrap();
    let mut answer = [0; 256];
    let len = client.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..len]);
    assert!(answer.starts_with("SIP/2.0 503") && answer.contains("Retry-After: "), "{answer}");
}

#[test]
fn a_stream_is_cut_into_messages() {
    let mut bench = Bench::new(100);
    let mut client = bench.connect();
    let text = options("Content-Length: 4\r\n") + "body";
    for byte in text.as_bytes() {
        client.write_all(&[*byte]).unwrap();
    }
    let (flow, message) = bench.message();
    assert_eq!((flow.transport, message.body()), (Transport::Tcp, &b"body"[..]));
    client.write_all(b"\r\n\r\n").unwrap();
    let mut pong = [0; 2];
    client.read_exact(&mut pong).unwrap();
    assert_eq!(&pong, b"\r\n");
    bench.edge.network.transmit(&flow, Bytes::from_static(b"SIP/2.0 200 OK\r\n\r\n"));
    bench.edge.network.close(&flow);
    assert_eq!(read_to_end(&mut client), "SIP/2.0 200 OK\r\n\r\n");
    assert!(matches!(bench.input(), Input::FlowClosed(closed) if closed == flow));
}

#[test]
fn a_stream_that_loses_its_framing_is_answered_and_closed() {
    for bad in [
        options(""),
        options("Content-Length: 1\r\nContent-Length: 2\r\n"),
        options("Content-Length: 99999\r\n"),
    ] {
        let mut bench = Bench::new(100);
        let mut client = bench.connect();
        client.write_all(bad.as_bytes()).unwrap();
        let answer = read_to_end(&mut client);
        assert!(answer.starts_with("SIP/2.0 4"), "{answer}");
        assert!(matches!(bench.input(), Input::FlowClosed(_)));
    }
    let mut bench = Bench::new(100);
    let mut client = bench.connect();
    // The peer may be gone before all is written.
    let _ = client.write_all(&vec![b'x'; 200 * 1024]);
    let mut rest = Vec::new();
    let _ = client.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    assert!(matches!(bench.input(), Input::FlowClosed(_)));
}

#[test]
fn a_message_that_drips_is_given_up() {
    let mut bench = Bench::new(100);
    let mut client = bench.connect();
    client.write_all(b"OPTIONS sip:hongyan.local SIP/2.0\r\n").unwrap();
    let mut other = client.try_clone().unwrap();
    // Keeps dripping: what counts is when the message began.
    let drip = std::thread::spawn(move || while other.write_all(b"X: y\r\n").is_ok() {});
    assert!(matches!(bench.input(), Input::FlowClosed(_)));
    drop(client);
    drip.join().unwrap();
}

#[test]
fn a_slow_reader_loses_its_connection_and_nobody_elses() {
    let mut bench = Bench::new(100);
    let address = bench.listen_tcp(Ceiling::new(100, 100));
    let mut slow = connect(address);
    slow.write_all(options("Content-Length: 0\r\n").as_bytes()).unwrap();
    let (flow, _) = bench.message();
    let large = Bytes::from(vec![b'x'; 1 << 20]);
    for _ in 0..64 {
        bench.edge.network.transmit(&flow, large.clone());
    }
    assert!(matches!(bench.input(), Input::FlowClosed(closed) if closed == flow));
    let mut other = connect(address);
    other.write_all(options("Content-Length: 0\r\n").as_bytes()).unwrap();
    let (other_flow, _) = bench.message();
    assert_ne!(other_flow.id, flow.id);
}

#[test]
fn a_connection_beyond_the_ceiling_is_closed() {
    let mut bench = Bench::new(100);
    let address = bench.listen_tcp(Ceiling::new(100, 1));
    let mut first = connect(address);
    first.write_all(options("Content-Length: 0\r\n").as_bytes()).unwrap();
    bench.message();
    let mut second = connect(address);
    assert_eq!(second.read(&mut [0]).unwrap_or(0), 0);
}
