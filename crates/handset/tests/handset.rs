//! A handset against a registrar written out by hand: every message crosses as bytes, and time is a number.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it")]

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use handset::{Config, Event, Failure, Handset, Outgoing};
use rcs::Timestamp;
use rcs::cpim::{Cpim, CpimBuilder, Dispositions};
use rcs::imdn::{Disposition, Imdn};
use sip::digest::{Authorization, Ha1s, NonceCounter, Verifier};
use sip::{Flow, HeaderName, Message, Request, RequestBuilder, ResponseBuilder, Transport};

const DOMAIN: &str = "hongyan.local";
const NUMBER: &str = "+8613800000001";
const PASSWORD: &str = "wonderland";

/// A handset and what its registrar knows.
struct World {
    handset: Handset,
    verifier: Verifier,
    seen: NonceCounter,
    now: Timestamp,
}

impl World {
    fn new(transport: Transport, md5_only: bool) -> Self {
        let now = Timestamp::from_millis(1_795_000_000_000);
        let mut config = Config::new(NUMBER, DOMAIN, PASSWORD, 7).unwrap();
        config.md5_only = md5_only;
        let mut handset = Handset::new(config);
        let peer: SocketAddr = "192.0.2.1:5060".parse().unwrap();
        handset.connected(Flow { transport, id: 1, peer }, Some("192.0.2.5:5060".parse().unwrap()));
        let since = now.since(Timestamp::EPOCH);
        Self {
            handset,
            verifier: Verifier::new(DOMAIN, [7; 32], Duration::from_secs(300)),
            seen: NonceCounter::new(100, since),
            now,
        }
    }

    /// The next request that the handset sends.
    fn request(&mut self) -> Request {
        let bytes = self.handset.poll_transmit().expect("the handset sends something");
        Message::parse_datagram(bytes).unwrap().into_request().expect("a request")
    }

    /// Answers a request with 401 or 407 and two challenges, or accepts its credentials with 200.
    fn answer_checked(&mut self, request: &Request, status: u16) -> bool {
        let (challenge, answer) = match status {
            401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
            _ => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
        };
        let since = self.now.since(Timestamp::EPOCH);
        let stored = Ha1s::of(NUMBER, DOMAIN, PASSWORD);
        let offered = request.raw(answer).and_then(|value| Authorization::parse(value).ok());
        let is_right = offered.is_some_and(|offered| {
            let method = request.method();
            let uri = request.uri().unwrap();
            self.verifier
                .verify(since, &offered, method.as_str(), &uri, Some(&stored), &mut self.seen)
                .is_ok()
        });
        if is_right {
            return true;
        }
        let mut response = ResponseBuilder::for_request(request, status, "").to_tag("r");
        for value in self.verifier.challenges(since, 1, false) {
            response = response.header(challenge, value);
        }
        self.give(response.build());
        false
    }

    fn answer(&mut self, request: &Request, status: u16) {
        self.give(ResponseBuilder::for_request(request, status, "").to_tag("r").build());
    }

    fn give(&mut self, bytes: Bytes) {
        self.handset.receive(self.now, Message::parse_datagram(bytes).unwrap());
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.handset.poll_event()).collect()
    }

    /// A message to the handset, as the platform would send it.
    fn deliver(&mut self, branch: &str, message_id: &str, wanted: Dispositions) -> u16 {
        let from = "sip:+8613800000002@hongyan.local;user=phone";
        let body = CpimBuilder::new(from, "tel:+8613800000001")
            .message_id(message_id)
            .dispositions(wanted)
            .content_type("text/plain;charset=UTF-8")
            .build("吃了吗?");
        let request = RequestBuilder::new("MESSAGE", "sip:+8613800000001@192.0.2.5:5060")
            .header(HeaderName::Via, format_args!("SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK{branch}"))
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("<{from}>;tag=1"))
            .header(HeaderName::To, "<sip:+8613800000001@hongyan.local;user=phone>")
            .header(HeaderName::CallId, branch)
            .header(HeaderName::CSeq, "1 MESSAGE")
            .header(HeaderName::PAssertedIdentity, format_args!("<{from}>"))
            .body("message/cpim", body)
            .build();
        self.give(request);
        let answer = Message::parse_datagram(self.handset.poll_transmit().expect("an answer")).unwrap();
        answer.into_response().expect("a response").status()
    }
}

#[test]
fn it_registers_with_the_strongest_digest_that_it_may_use() {
    for (md5_only, algorithm) in [(false, "algorithm=SHA-256"), (true, "algorithm=MD5")] {
        let mut world = World::new(Transport::Tcp, md5_only);
        world.handset.register(world.now);
        let first = world.request();
        assert_eq!(first.raw(HeaderName::Authorization), None);
        assert!(!world.answer_checked(&first, 401));
        let second = world.request();
        assert!(second.header(HeaderName::Authorization).unwrap().contains(algorithm));
        assert!(world.answer_checked(&second, 401), "the credentials are right");
        assert_eq!(first.call_id(), second.call_id());
        assert!(second.cseq().unwrap().number > first.cseq().unwrap().number);
        let contact = second.header(HeaderName::Contact).unwrap().into_owned();
        let answer = ResponseBuilder::for_request(&second, 200, "").to_tag("r");
        world.give(answer.header(HeaderName::Contact, contact.replace("3600", "600")).build());
        assert_eq!(world.events(), [Event::Registered { expires_s: 600 }]);

        // It refreshes at half the lifetime, and answers the same challenge with a higher count.
        world.now = world.now.plus(Duration::from_secs(299));
        world.handset.handle_timeout(world.now);
        assert_eq!(world.handset.poll_transmit(), None);
        world.now = world.now.plus(Duration::from_secs(1));
        assert!(world.handset.poll_timeout().unwrap() <= world.now);
        world.handset.handle_timeout(world.now);
        let refresh = world.request();
        assert!(refresh.header(HeaderName::Authorization).unwrap().contains("nc=00000002"));
        assert!(world.answer_checked(&refresh, 401));
    }
}

#[test]
fn a_wrong_password_is_not_tried_for_ever() {
    let mut world = World::new(Transport::Tcp, false);
    world.handset.register(world.now);
    for _ in 0..3 {
        let request = world.request();
        let mut response = ResponseBuilder::for_request(&request, 401, "").to_tag("r");
        for value in world.verifier.challenges(world.now.since(Timestamp::EPOCH), 1, false) {
            response = response.header(HeaderName::WwwAuthenticate, value);
        }
        world.give(response.build());
    }
    assert_eq!(world.handset.poll_transmit(), None);
    assert_eq!(world.events(), [Event::NotRegistered(Failure::Refused(401))]);
}

#[test]
fn a_challenged_message_is_sent_again_with_credentials_and_keeps_its_id() {
    let mut world = World::new(Transport::Udp, false);
    let id = world.handset.send(world.now, "tel:+8613800000002", &Outgoing::text("supper?"));
    let first = world.request();
    assert!(!world.answer_checked(&first, 407));
    let second = world.request();
    assert!(world.answer_checked(&second, 407), "the credentials are right");
    let envelope = Cpim::parse(second.body_bytes()).unwrap();
    assert_eq!(envelope.message_id(), Some(id.as_str()));
    world.answer(&second, 202);
    assert_eq!(world.events(), [Event::Sent { message_id: id, status: 202 }]);
}

#[test]
fn a_repeated_message_is_answered_and_not_shown_and_not_reported_again() {
    let mut world = World::new(Transport::Tcp, false);
    assert_eq!(world.deliver("b1", "m1", Dispositions::DELIVERY_AND_DISPLAY), 200);
    let events = world.events();
    let [Event::Message(message)] = events.as_slice() else { panic!("one message: {events:?}") };
    assert_eq!((message.text().as_str(), message.message_id.as_str()), ("吃了吗?", "m1"));

    let report = world.request();
    let envelope = Cpim::parse(report.body_bytes()).unwrap();
    let imdn = Imdn::parse(envelope.payload()).unwrap();
    assert_eq!((imdn.message_id.as_str(), imdn.disposition), ("m1", Disposition::Delivered));
    assert!(envelope.dispositions().is_empty(), "nobody reports on a report");

    assert_eq!(world.deliver("b2", "m1", Dispositions::DELIVERY_AND_DISPLAY), 200);
    assert_eq!(world.events(), [Event::Repeated { message_id: "m1".to_owned() }]);
    assert_eq!(world.handset.poll_transmit(), None);

    // Seen by its user, after the connection was lost and made again.
    let message = message.clone();
    world.handset.disconnected(world.now);
    let peer = "192.0.2.1:5060".parse().unwrap();
    world.handset.connected(Flow { transport: Transport::Tcp, id: 2, peer }, None);
    world.handset.displayed(world.now, &message);
    let report = world.request();
    let imdn = Imdn::parse(Cpim::parse(report.body_bytes()).unwrap().payload()).unwrap();
    assert_eq!(imdn.disposition, Disposition::Displayed);
    assert_eq!(world.deliver("b3", "m1", Dispositions::NONE), 200);
    assert!(world.events().contains(&Event::Repeated { message_id: "m1".to_owned() }));
}

#[test]
fn silence_is_reported_after_timer_f() {
    let mut world = World::new(Transport::Udp, false);
    let id = world.handset.send(world.now, "tel:+8613800000002", &Outgoing::text("hello?"));
    let mut sent = 0;
    let start = world.now;
    while let Some(at) = world.handset.poll_timeout() {
        sent += std::iter::from_fn(|| world.handset.poll_transmit()).count();
        world.now = at;
        world.handset.handle_timeout(at);
        let events = world.events();
        if !events.is_empty() {
            assert_eq!(events, [Event::NotSent { message_id: id.clone(), why: Failure::NoAnswer }]);
            break;
        }
    }
    assert_eq!(sent, 11, "once and ten times again (RFC 3261 §17.1.2.2)");
    assert!((32.0..32.1).contains(&world.now.since(start).as_secs_f64()));
}

#[test]
fn what_is_too_large_for_udp_is_not_sent_over_it() {
    let mut world = World::new(Transport::Udp, false);
    let large = Outgoing::text("雁".repeat(500)).with_id("m9");
    world.handset.send(world.now, "tel:+8613800000002", &large);
    assert_eq!(world.handset.poll_transmit(), None);
    let too_large = Event::NotSent { message_id: "m9".to_owned(), why: Failure::TooLarge };
    assert_eq!(world.events(), [too_large]);
}

#[test]
fn a_lost_connection_ends_what_was_under_way() {
    let mut world = World::new(Transport::Tcp, false);
    world.handset.send(world.now, "tel:+8613800000002", &Outgoing::text("hello?").with_id("m1"));
    world.handset.disconnected(world.now);
    let lost = Event::NotSent { message_id: "m1".to_owned(), why: Failure::ConnectionLost };
    assert_eq!(world.events(), [lost, Event::Disconnected]);
}
