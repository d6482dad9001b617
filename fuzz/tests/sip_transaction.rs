//! Random operations on the transaction layer: nothing panics, every request of ours ends in exactly one outcome,
//! and in the end nothing is left.

use std::collections::HashMap;
use std::time::Duration;

use bolero::TypeGenerator;
use bytes::Bytes;
use sip::transaction::{ClientTxId, Config, Event, INVITE_PENDING_MAX, Layer, ServerTxId};
use sip::{Flow, HeaderName, Message, Request, RequestBuilder, ResponseBuilder, Transport};

#[derive(Clone, Copy, Debug, TypeGenerator)]
enum Op {
    /// The peer sends a request: method, branch, flow.
    Receive(u8, u8, u8),
    /// We answer one of the requests that we have.
    Respond(u8, u8),
    /// We send a request: method, flow.
    Request(u8, u8),
    /// The peer answers one of the requests that it has.
    Answer(u8, u8),
    Cancel(u8),
    CloseFlow(u8),
    /// Milliseconds pass, in steps of 50.
    Wait(u8),
}

const METHODS: [&str; 5] = ["MESSAGE", "INVITE", "ACK", "CANCEL", "OPTIONS"];
const STATUSES: [u16; 5] = [100, 180, 200, 202, 486];
const CLIENT_MAX: usize = 40;

struct World {
    layer: Layer,
    now: Duration,
    asked_of_us: Vec<(ServerTxId, Request)>,
    on_the_wire: Vec<(Flow, Request)>,
    /// Our requests, and how many outcomes each had.
    ours: HashMap<ClientTxId, (bool, u32)>,
}

#[test]
fn sip_transaction_layer() {
    bolero::check!().with_type::<Vec<Op>>().for_each(|ops| {
        let mut config = Config::new("hongyan.local:5060", [3; 16]);
        (config.server_max, config.client_max) = (40, CLIENT_MAX);
        let mut world = World {
            layer: Layer::new(config),
            now: Duration::ZERO,
            asked_of_us: Vec::new(),
            on_the_wire: Vec::new(),
            ours: HashMap::new(),
        };
        for op in ops {
            world.play(*op);
            let (servers, clients) = world.layer.len();
            // A CANCEL is a transaction beside that of its INVITE.
            assert!(servers <= 40 && clients <= 2 * CLIENT_MAX);
        }
        world.finish();
    });
}

impl World {
    fn play(&mut self, op: Op) {
        let now = self.now;
        match op {
            Op::Receive(method, branch, on) => {
                let message = from_peer(METHODS[usize::from(method) % METHODS.len()], branch % 16);
                let event = self.layer.receive(now, flow(on), message);
                self.note(event);
            }
            Op::Respond(which, status) => {
                if let Some((tx, request)) = pick(&self.asked_of_us, which) {
                    let status = STATUSES[usize::from(status) % STATUSES.len()];
                    let response = ResponseBuilder::for_request(request, status, "").to_tag("t").build();
                    let _ = self.layer.respond(now, *tx, response);
                }
            }
            Op::Request(method, on) => {
                let invite = method % 2 == 1;
                let request = outgoing(if invite { "INVITE" } else { "MESSAGE" });
                if let Ok(tx) = self.layer.request(now, flow(on), request) {
                    assert!(self.ours.insert(tx, (invite, 0)).is_none(), "ids are never used twice");
                }
            }
            Op::Answer(which, status) => {
                if let Some((flow, request)) = pick(&self.on_the_wire, which) {
                    let status = STATUSES[usize::from(status) % STATUSES.len()];
                    let response = ResponseBuilder::for_request(request, status, "").to_tag("t").build();
                    let response = Message::parse_datagram(response).expect("our own writing");
                    let event = self.layer.receive(now, *flow, response);
                    self.note(event);
                }
            }
            Op::Cancel(which) => {
                let ids: Vec<_> = self.ours.keys().copied().collect();
                if let Some(tx) = pick(&ids, which) {
                    let _ = self.layer.cancel(now, *tx);
                }
            }
            Op::CloseFlow(on) => self.layer.flow_closed(now, flow(on)),
            Op::Wait(steps) => {
                self.now += Duration::from_millis(50) * u32::from(steps);
                self.layer.handle_timeout(self.now);
            }
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some((flow, wire)) = self.layer.poll_transmit() {
            if let Message::Request(request) = Message::parse_datagram(wire).expect("we send whole messages")
            {
                self.on_the_wire.push((flow, request));
            }
        }
        while let Some(event) = self.layer.poll_event() {
            self.note(Some(event));
        }
    }

    fn note(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Request { tx, request, .. }) => self.asked_of_us.push((tx, request)),
            Some(Event::Response { tx, response }) if response.is_final() => {
                let (invite, outcomes) = self.ours.get_mut(&tx).expect("an answer to what we asked");
                // Every 2xx of an INVITE is passed on (RFC 6026 §7.2); they are one outcome.
                if *invite && *outcomes == 1 && response.status() < 300 {
                    return;
                }
                *outcomes += 1;
            }
            Some(Event::TimedOut { tx } | Event::TransportFailed { tx }) => {
                self.ours.get_mut(&tx).expect("what failed was ours").1 += 1;
            }
            _ => {}
        }
    }

    fn finish(&mut self) {
        // Timeouts may set further timers, so time passes in steps until none is left.
        let end = self.now + INVITE_PENDING_MAX * 2;
        while let Some(due) = self.layer.poll_timeout() {
            assert!(due <= end, "a timer beyond every ceiling");
            self.now = self.now.max(due);
            self.layer.handle_timeout(self.now);
            self.drain();
        }
        assert!(self.layer.is_empty(), "{:?} left", self.layer.len());
        for (tx, (_, outcomes)) in &self.ours {
            assert_eq!(*outcomes, 1, "{tx:?}");
        }
    }
}

fn pick<T>(list: &[T], which: u8) -> Option<&T> {
    // The latest are the most interesting.
    (!list.is_empty()).then(|| &list[list.len() - 1 - usize::from(which) % list.len()])
}

fn flow(which: u8) -> Flow {
    let transport = if which.is_multiple_of(2) { Transport::Udp } else { Transport::Tcp };
    let peer = ([192, 0, 2, 1 + which % 4], 5060).into();
    Flow { transport, id: u64::from(which % 4), peer }
}

fn from_peer(method: &str, branch: u8) -> Message {
    let cookie = if branch < 12 { "z9hG4bK" } else { "" };
    let text = format!(
        "{method} sip:bob@hongyan.local SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch={cookie}{branch};rport\r\n\
         From: <sip:alice@hongyan.local>;tag=1\r\nTo: <sip:bob@hongyan.local>\r\nCall-ID: c1\r\n\
         CSeq: 1 {method}\r\n\r\n"
    );
    Message::parse_datagram(Bytes::from(text)).expect("a request")
}

fn outgoing(method: &str) -> Bytes {
    RequestBuilder::new(method, "sip:bob@192.0.2.1")
        .header(HeaderName::From, "<sip:alice@hongyan.local>;tag=1")
        .header(HeaderName::To, "<sip:bob@hongyan.local>")
        .header(HeaderName::CallId, "c2")
        .header(HeaderName::CSeq, format_args!("5 {method}"))
        .build()
}
