//! What reading and answering a message costs, in time and heap allocations: `cargo bench -p sip`.
//!
//! Budget: the 976-byte MESSAGE with 15 headers in at most 600 ns and no allocation. Divan prints both; look at the
//! median.

use std::time::Duration;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use sip::stream::Framer;
use sip::transaction::{Config, Event, Layer};
use sip::{Flow, Forward, HeaderName, Message, Request, ResponseBuilder, Transport};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

static MESSAGE: &[u8] = include_bytes!("../../../fixtures/sip/message-pager-976.sip");
static REGISTER: &[u8] = include_bytes!("../../../fixtures/sip/register-handset.sip");

fn main() {
    divan::main();
}

fn request() -> Request {
    let message = Message::parse_datagram(Bytes::from_static(MESSAGE)).expect("the fixture is a message");
    message.into_request().expect("the fixture is a request")
}

/// The parser alone: index of a received datagram.
#[divan::bench]
fn parse_message(bencher: Bencher) {
    let wire = Bytes::from(MESSAGE.to_vec());
    bencher.bench_local(|| Message::parse_datagram(black_box(&wire).clone()));
}

/// A REGISTER with a long Contact.
#[divan::bench]
fn parse_register(bencher: Bencher) {
    let wire = Bytes::from(REGISTER.to_vec());
    bencher.bench_local(|| Message::parse_datagram(black_box(&wire).clone()));
}

/// Index and the values that routing a MESSAGE needs.
#[divan::bench]
fn parse_and_read_message(bencher: Bencher) {
    let wire = Bytes::from(MESSAGE.to_vec());
    bencher.bench_local(|| {
        let message = Message::parse_datagram(black_box(&wire).clone()).expect("the fixture is a message");
        black_box(message.via().expect("Via").branch());
        black_box(message.from().expect("From").uri.user());
        black_box(message.to().expect("To").uri.user());
        black_box(message.cseq().expect("CSeq").number);
        black_box(message.call_id().expect("Call-ID"));
        black_box(message.header(HeaderName::ConversationId));
        black_box(message.is_content_type("message/cpim"))
    });
}

/// The same bytes out of a stream.
#[divan::bench]
fn frame_message(bencher: Bencher) {
    let mut framer = Framer::new(64 * 1024);
    bencher.bench_local(|| {
        framer.push(black_box(MESSAGE));
        framer.poll()
    });
}

#[divan::bench]
fn write_response(bencher: Bencher) {
    let request = request();
    bencher.bench_local(|| {
        ResponseBuilder::for_request(black_box(&request), 202, "").to_tag("srv1").source(peer(1)).build()
    });
}

#[divan::bench]
fn forward_message(bencher: Bencher) {
    let request = request();
    bencher.bench_local(|| {
        Forward::of(black_box(&request))
            .uri("sip:user@192.0.2.8:5060;ob")
            .set(HeaderName::MaxForwards, 69)
            .remove(HeaderName::PPreferredIdentity)
            .add(HeaderName::PAssertedIdentity, "<tel:+8613800000001>")
            .build()
    });
}

/// A new MESSAGE over UDP through the layer: parse, receive, answer, send; 50,000 live transactions linger.
#[divan::bench]
fn layer_parse_receive_respond(bencher: Bencher) {
    let mut layer = Layer::new(Config::new("hongyan.local:5060", [7; 16]));
    let (mut now, mut count) = (Duration::ZERO, 0u64);
    let mut next = move || {
        count += 1;
        let branch = format!("z9hG4bK{count:09}");
        let text = String::from_utf8_lossy(MESSAGE).replace("z9hG4bK776asdhds", &branch);
        (Duration::from_micros(640), Bytes::from(text))
    };
    let mut step = move |(step, wire): (Duration, Bytes)| {
        now += step;
        let flow = Flow { transport: Transport::Udp, id: 0, peer: peer(1) };
        let message = Message::parse_datagram(wire).expect("a message");
        let Some(Event::Request { tx, request, .. }) = layer.receive(now, flow, message) else {
            unreachable!("each branch is new")
        };
        let answer = ResponseBuilder::for_request(&request, 202, "").to_tag("srv1").source(flow.peer).build();
        layer.respond(now, tx, answer).expect("still there");
        layer.handle_timeout(now);
        layer.poll_transmit()
    };
    (0..50_000).for_each(|_| drop(step(next())));
    bencher.with_inputs(next).bench_local_values(step);
}

/// The layer alone, per message: receive, respond, poll, with the response ready.
#[divan::bench]
fn layer_receive_respond(bencher: Bencher) {
    let mut layer = Layer::new(Config::new("hongyan.local:5060", [7; 16]));
    let (mut now, mut count) = (Duration::ZERO, 0u64);
    let answer = ResponseBuilder::for_request(&request(), 202, "").to_tag("srv1").build();
    let mut next = move || {
        count += 1;
        let branch = format!("z9hG4bK{count:09}");
        let text = String::from_utf8_lossy(MESSAGE).replace("z9hG4bK776asdhds", &branch);
        (answer.clone(), Message::parse_datagram(Bytes::from(text)).expect("a message"))
    };
    let mut step = move |(answer, message): (Bytes, Message)| {
        now += Duration::from_micros(640);
        let flow = Flow { transport: Transport::Udp, id: 0, peer: peer(1) };
        let event = layer.receive(now, flow, message);
        let Some(Event::Request { tx, .. }) = &event else { unreachable!("each branch is new") };
        layer.respond(now, *tx, answer).expect("still there");
        layer.handle_timeout(now);
        (layer.poll_transmit(), event)
    };
    (0..50_000).for_each(|_| drop(step(next())));
    bencher.with_inputs(next).bench_local_values(step);
}

/// Our own request and its answer.
#[divan::bench]
fn layer_request_and_response(bencher: Bencher) {
    let mut layer = Layer::new(Config::new("hongyan.local:5060", [7; 16]));
    let flow = Flow { transport: Transport::Tcp, id: 1, peer: peer(1) };
    let outgoing = Forward::of(&request()).remove(HeaderName::Via).build();
    let mut now = Duration::ZERO;
    bencher.bench_local(move || {
        now += Duration::from_micros(640);
        let tx = layer.request(now, flow, outgoing.clone()).expect("there is room");
        let (_, wire) = layer.poll_transmit().expect("sent");
        let request = Message::parse_datagram(wire).expect("ours").into_request().expect("a request");
        let answer = ResponseBuilder::for_request(&request, 200, "").to_tag("x").build();
        let event = layer.receive(now, flow, Message::parse_datagram(answer).expect("ours"));
        layer.handle_timeout(now);
        (tx, event)
    });
}

fn peer(last: u8) -> std::net::SocketAddr {
    std::net::SocketAddr::from(([192, 0, 2, last], 5060))
}
