//! Stories of the transaction layer: two layers, or one and a peer made of text, and a clock that is a number.

use std::time::Duration;

use bytes::Bytes;
use sip::transaction::{Config, Event, Gone, Layer, RequestError, ServerTxId};
use sip::{Flow, HeaderName, Message, Method, Request, RequestBuilder, Response, ResponseBuilder, Transport};

const T1: Duration = Duration::from_millis(500);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn flow(transport: Transport) -> Flow {
    Flow { transport, id: 3, peer: "192.0.2.1:5060".parse().expect("well formed") }
}

fn layer() -> Layer {
    Layer::new(Config::new("hongyan.local:5060", [9; 16]))
}

fn from_peer(method: &str, branch: &str) -> Message {
    let text = format!(
        "{method} sip:bob@hongyan.local SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch={branch};rport\r\n\
         From: <sip:alice@hongyan.local>;tag=1\r\nTo: <sip:bob@hongyan.local>\r\nCall-ID: c1\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    );
    Message::parse_datagram(Bytes::from(text)).expect("well formed")
}

fn outgoing(method: &str) -> Bytes {
    RequestBuilder::new(method, "sip:bob@192.0.2.1")
        .header(HeaderName::MaxForwards, 70)
        .header(HeaderName::Route, "<sip:edge@192.0.2.9;lr>")
        .header(HeaderName::From, "<sip:alice@hongyan.local>;tag=1")
        .header(HeaderName::To, "<sip:bob@hongyan.local>")
        .header(HeaderName::CallId, "c2")
        .header(HeaderName::CSeq, format_args!("5 {method}"))
        .build()
}

fn answer(request: &Request, status: u16) -> Bytes {
    ResponseBuilder::for_request(request, status, "").to_tag("t").build()
}

fn received(event: Option<Event>) -> (ServerTxId, Request) {
    match event {
        Some(Event::Request { tx, request, .. }) => (tx, request),
        other => panic!("a request, not {other:?}"),
    }
}

fn sent_request(layer: &mut Layer) -> Request {
    let (_, wire) = layer.poll_transmit().expect("something is sent");
    Message::parse_datagram(wire).expect("well formed").into_request().expect("a request")
}

fn sent_response(layer: &mut Layer) -> Response {
    let (_, wire) = layer.poll_transmit().expect("something is sent");
    Message::parse_datagram(wire).expect("well formed").into_response().expect("a response")
}

fn reply(layer: &mut Layer, now: Duration, to: &Request, status: u16) -> Option<Event> {
    layer.receive(
        now,
        flow(Transport::Udp),
        Message::parse_datagram(answer(to, status)).expect("well formed"),
    )
}

/// Lets time pass up to `until`; the times at which something was sent.
fn run(layer: &mut Layer, until: Duration) -> Vec<u64> {
    let mut times = Vec::new();
    while let Some(due) = layer.poll_timeout().filter(|due| *due <= until) {
        layer.handle_timeout(due);
        while layer.poll_transmit().is_some() {
            times.push(due.as_millis() as u64);
        }
    }
    times
}

#[test]
fn a_repeated_request_hears_the_same_answer_until_timer_j() {
    let mut layer = layer();
    let udp = flow(Transport::Udp);
    let (tx, request) = received(layer.receive(seconds(0), udp, from_peer("MESSAGE", "z9hG4bKa")));
    assert!(layer.receive(T1, udp, from_peer("MESSAGE", "z9hG4bKa")).is_none(), "absorbed");
    assert!(layer.poll_transmit().is_none(), "nothing to say yet");

    let response = answer(&request, 202);
    layer.respond(seconds(1), tx, response.clone()).unwrap();
    assert_eq!(layer.poll_transmit(), Some((udp, response.clone())));
    assert!(layer.receive(seconds(32), udp, from_peer("MESSAGE", "z9hG4bKa")).is_none());
    assert_eq!(layer.poll_transmit(), Some((udp, response)));

    assert_eq!(layer.respond(seconds(32), tx, answer(&request, 500)), Err(Gone), "one final answer only");
    layer.handle_timeout(seconds(33));
    assert!(layer.is_empty());
    received(layer.receive(seconds(34), udp, from_peer("MESSAGE", "z9hG4bKa")));
}

#[test]
fn a_reliable_transport_forgets_at_once() {
    let mut layer = layer();
    let tcp = flow(Transport::Tcp);
    let (tx, request) = received(layer.receive(seconds(0), tcp, from_peer("MESSAGE", "z9hG4bKa")));
    layer.respond(seconds(0), tx, answer(&request, 200)).unwrap();
    assert!(layer.is_empty());
    assert_eq!(layer.respond(seconds(0), tx, answer(&request, 200)), Err(Gone));
}

#[test]
fn an_unanswered_request_is_forgotten_when_its_client_has_given_up() {
    let mut layer = layer();
    let (tx, request) =
        received(layer.receive(seconds(0), flow(Transport::Udp), from_peer("MESSAGE", "z9hG4bKa")));
    assert!(run(&mut layer, seconds(40)).is_empty());
    assert_eq!(layer.respond(seconds(40), tx, answer(&request, 200)), Err(Gone));
}

#[test]
fn the_same_branch_from_another_peer_is_another_request() {
    let mut layer = layer();
    let (here, mut there) = (flow(Transport::Udp), flow(Transport::Udp));
    there.peer = "198.51.100.7:5060".parse().unwrap();
    let (one, _) = received(layer.receive(seconds(0), here, from_peer("MESSAGE", "z9hG4bKa")));
    let (other, _) = received(layer.receive(seconds(0), there, from_peer("MESSAGE", "z9hG4bKa")));
    assert_ne!(one, other);
}

#[test]
fn old_branches_are_told_apart_by_call_and_count() {
    let mut layer = layer();
    let udp = flow(Transport::Udp);
    received(layer.receive(seconds(0), udp, from_peer("MESSAGE", "1")));
    assert!(layer.receive(seconds(0), udp, from_peer("MESSAGE", "1")).is_none());
    let Message::Request(next) = from_peer("MESSAGE", "1") else { unreachable!() };
    let next = sip::Forward::of(&next).set(HeaderName::CSeq, "2 MESSAGE").build();
    received(layer.receive(seconds(0), udp, Message::parse_datagram(next).unwrap()));
}

#[test]
fn without_rport_the_answer_goes_to_the_port_of_the_via() {
    let mut layer = layer();
    let mut udp = flow(Transport::Udp);
    udp.peer.set_port(40_000);
    let Message::Request(plain) = from_peer("OPTIONS", "z9hG4bKa") else { unreachable!() };
    let plain =
        sip::Forward::of(&plain).set(HeaderName::Via, "SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bKa").build();
    let (tx, request) = received(layer.receive(seconds(0), udp, Message::parse_datagram(plain).unwrap()));
    let response = ResponseBuilder::for_request(&request, 200, "").to_tag("t").source(udp.peer).build();
    layer.respond(seconds(0), tx, response).unwrap();
    let (to, wire) = layer.poll_transmit().unwrap();
    assert_eq!(to.peer, "192.0.2.1:5070".parse().unwrap());
    let response = Message::parse_datagram(wire).unwrap();
    let via = response.via().unwrap();
    assert_eq!((via.received(), via.rport()), (Some("192.0.2.1".parse().unwrap()), None));
}

#[test]
fn requests_that_lack_what_every_request_has_hear_400() {
    let mut layer = layer();
    let Message::Request(whole) = from_peer("MESSAGE", "z9hG4bKa") else { unreachable!() };
    let mismatch = sip::Forward::of(&whole).set(HeaderName::CSeq, "1 INVITE").build();
    let event = layer.receive(seconds(0), flow(Transport::Udp), Message::parse_datagram(mismatch).unwrap());
    assert!(event.is_none());
    let answer = sent_response(&mut layer);
    assert_eq!(answer.status(), 400);
    assert!(answer.reason().contains("CSeq"));

    for missing in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
        let broken = sip::Forward::of(&whole).remove(missing).build();
        let broken = Message::parse_datagram(broken).unwrap();
        assert!(layer.receive(seconds(0), flow(Transport::Udp), broken).is_none(), "{missing:?}");
    }
    assert!(layer.is_empty());
}

#[test]
fn a_plain_answer_is_repeated_to_the_letter_for_timer_j_and_takes_next_to_nothing() {
    let mut layer = layer();
    let udp = flow(Transport::Udp);
    let (tx, request) = received(layer.receive(seconds(0), udp, from_peer("MESSAGE", "z9hG4bKa")));
    layer.answer(seconds(1), tx, &request, udp, 202).unwrap();
    let (to, first) = layer.poll_transmit().unwrap();
    assert_eq!((to, &first[..12]), (udp, &b"SIP/2.0 202 "[..]));
    assert_eq!(layer.answer(seconds(1), tx, &request, udp, 200), Err(Gone), "it has its answer");
    for at in [2, 32] {
        assert!(layer.receive(seconds(at), udp, from_peer("MESSAGE", "z9hG4bKa")).is_none());
        assert_eq!(layer.poll_transmit(), Some((udp, first.clone())));
    }
    assert_eq!(layer.len(), (1, 0));
    while let Some(at) = layer.poll_timeout() {
        layer.handle_timeout(at);
    }
    assert!(layer.is_empty());
}

#[test]
fn over_a_connection_nothing_repeats_itself_and_nothing_is_kept() {
    let mut layer = layer();
    let tcp = flow(Transport::Tcp);
    let (tx, request) = received(layer.receive(seconds(0), tcp, from_peer("MESSAGE", "z9hG4bKa")));
    layer.answer(seconds(1), tx, &request, tcp, 200).unwrap();
    assert!(layer.is_empty());
}

#[test]
fn beyond_its_ceiling_the_layer_says_503_and_remembers_nothing() {
    let mut config = Config::new("hongyan.local", [9; 16]);
    config.server_max = 1;
    let mut layer = Layer::new(config);
    let udp = flow(Transport::Udp);
    received(layer.receive(seconds(0), udp, from_peer("MESSAGE", "z9hG4bKa")));
    assert!(layer.receive(seconds(0), udp, from_peer("MESSAGE", "z9hG4bKb")).is_none());
    let answer = sent_response(&mut layer);
    assert_eq!((answer.status(), answer.header(HeaderName::RetryAfter).as_deref()), (503, Some("5")));
    assert!(layer.receive(seconds(0), udp, from_peer("MESSAGE", "z9hG4bKa")).is_none(), "still a repeat");
    assert_eq!(layer.len(), (1, 0));
}

#[test]
fn a_request_over_udp_is_repeated_as_timer_e_says_and_given_up_at_timer_f() {
    let mut layer = layer();
    let tx = layer.request(seconds(0), flow(Transport::Udp), outgoing("MESSAGE")).unwrap();
    let request = sent_request(&mut layer);
    let via = request.via().unwrap();
    assert_eq!((via.transport, via.host, via.port), ("UDP", "hongyan.local", Some(5060)));
    assert!(via.branch().unwrap().starts_with("z9hG4bK") && via.rport().is_some());
    assert_eq!(
        run(&mut layer, seconds(60)),
        [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]
    );
    assert!(matches!(layer.poll_event(), Some(Event::TimedOut { tx: ended }) if ended == tx));
    assert!(layer.is_empty() && layer.poll_event().is_none());
}

#[test]
fn a_request_over_tcp_is_never_repeated() {
    let mut layer = layer();
    layer.request(seconds(0), flow(Transport::Tcp), outgoing("MESSAGE")).unwrap();
    layer.poll_transmit().unwrap();
    assert!(run(&mut layer, seconds(60)).is_empty());
    assert!(matches!(layer.poll_event(), Some(Event::TimedOut { .. })));
}

#[test]
fn a_provisional_answer_slows_repeats_and_a_final_one_ends_them() {
    let mut layer = layer();
    let tx = layer.request(seconds(0), flow(Transport::Udp), outgoing("MESSAGE")).unwrap();
    let request = sent_request(&mut layer);
    let event = reply(&mut layer, Duration::from_millis(100), &request, 100);
    assert!(matches!(event, Some(Event::Response { tx: of, .. }) if of == tx));
    assert_eq!(run(&mut layer, seconds(9)), [500, 4500, 8500]);
    let event = reply(&mut layer, seconds(9), &request, 200);
    assert!(matches!(event, Some(Event::Response { response, .. }) if response.status() == 200));
    assert!(reply(&mut layer, seconds(10), &request, 200).is_none(), "absorbed by timer K");
    assert!(run(&mut layer, seconds(60)).is_empty());
    assert!(layer.is_empty() && layer.poll_event().is_none());
}

#[test]
fn answers_to_nothing_we_asked_are_dropped() {
    let mut layer = layer();
    layer.request(seconds(0), flow(Transport::Udp), outgoing("MESSAGE")).unwrap();
    let request = sent_request(&mut layer);
    let branch = request.via().unwrap().branch().unwrap().to_owned();
    let guess = format!("{}0", &branch[..branch.len() - 1]);
    for (name, value) in [
        (HeaderName::Via, format!("SIP/2.0/UDP hongyan.local:5060;branch={guess}")),
        (HeaderName::Via, "SIP/2.0/UDP hongyan.local:5060".to_owned()),
        (HeaderName::CSeq, "5 OPTIONS".to_owned()),
        (HeaderName::CSeq, "5 CANCEL".to_owned()),
    ] {
        let changed = sip::Forward::of(&request).set(name, &value).build();
        let changed = Message::parse_datagram(changed).unwrap().into_request().unwrap();
        if value.ends_with(&branch) {
            continue;
        }
        assert!(reply(&mut layer, seconds(0), &changed, 200).is_none(), "{value}");
    }
    assert!(reply(&mut layer, seconds(0), &request, 200).is_some());
}

#[test]
fn a_large_request_never_goes_over_udp() {
    let mut layer = layer();
    let large = RequestBuilder::new("MESSAGE", "sip:bob@192.0.2.1")
        .header(HeaderName::From, "<sip:a@b>;tag=1")
        .header(HeaderName::To, "<sip:a@b>")
        .header(HeaderName::CallId, "1")
        .header(HeaderName::CSeq, "1 MESSAGE")
        .body("text/plain", vec![b'x'; 1300])
        .build();
    let refused = layer.request(seconds(0), flow(Transport::Udp), large.clone());
    assert!(matches!(refused, Err(RequestError::TooLarge { bytes }) if bytes > 1300));
    assert!(layer.poll_transmit().is_none() && layer.is_empty());
    assert!(layer.request(seconds(0), flow(Transport::Wss), large).is_ok());
}

#[test]
fn bytes_that_are_no_request_are_refused() {
    let mut layer = layer();
    for text in ["", "MESSAGE", "SIP/2.0 200 OK\r\n\r\n", "MESSAGE sip:a@b HTTP/1.1\r\n\r\n"] {
        let refused = layer.request(seconds(0), flow(Transport::Tcp), Bytes::from_static(text.as_bytes()));
        assert_eq!(refused, Err(RequestError::NotARequest), "{text}");
    }
}

#[test]
fn what_waits_on_a_connection_fails_when_it_closes() {
    let mut layer = layer();
    let (tcp, mut other) = (flow(Transport::Tcp), flow(Transport::Tcp));
    other.id = 4;
    let lost = layer.request(seconds(0), tcp, outgoing("MESSAGE")).unwrap();
    let kept = layer.request(seconds(0), other, outgoing("MESSAGE")).unwrap();
    let (asked, request) = received(layer.receive(seconds(0), tcp, from_peer("MESSAGE", "z9hG4bKa")));
    for number in 0..100 {
        let (tx, request) =
            received(layer.receive(seconds(0), tcp, from_peer("OPTIONS", &format!("z9hG4bK{number}"))));
        layer.respond(seconds(0), tx, answer(&request, 200)).unwrap();
    }
    layer.flow_closed(seconds(1), tcp);
    assert!(matches!(layer.poll_event(), Some(Event::TransportFailed { tx }) if tx == lost));
    assert!(layer.poll_event().is_none());
    assert_eq!(layer.respond(seconds(1), asked, answer(&request, 200)), Err(Gone));
    assert_eq!(layer.len(), (0, 1));
    layer.handle_timeout(seconds(40));
    assert!(matches!(layer.poll_event(), Some(Event::TimedOut { tx }) if tx == kept));
}

#[test]
fn an_invite_hears_100_by_itself_and_its_refusal_until_the_ack() {
    let mut layer = layer();
    let udp = flow(Transport::Udp);
    let (tx, request) = received(layer.receive(seconds(0), udp, from_peer("INVITE", "z9hG4bKi")));
    layer.handle_timeout(Duration::from_millis(200));
    assert_eq!(sent_response(&mut layer).status(), 100);
    layer.receive(Duration::from_millis(500), udp, from_peer("INVITE", "z9hG4bKi"));
    assert_eq!(sent_response(&mut layer).status(), 100);

    layer.respond(seconds(1), tx, answer(&request, 486)).unwrap();
    assert_eq!(sent_response(&mut layer).status(), 486);
    assert_eq!(run(&mut layer, seconds(8)), [1500, 2500, 4500], "timer G");
    assert!(layer.receive(seconds(8), udp, from_peer("ACK", "z9hG4bKi")).is_none(), "absorbed");
    assert!(layer.receive(seconds(9), udp, from_peer("ACK", "z9hG4bKi")).is_none(), "absorbed again");
    assert!(run(&mut layer, seconds(60)).is_empty());
    assert!(layer.is_empty() && layer.poll_event().is_none());
}

#[test]
fn a_refusal_that_nobody_acknowledges_is_reported() {
    let mut layer = layer();
    let (tx, request) =
        received(layer.receive(seconds(0), flow(Transport::Udp), from_peer("INVITE", "z9hG4bKi")));
    layer.respond(seconds(0), tx, answer(&request, 486)).unwrap();
    run(&mut layer, seconds(60));
    assert!(matches!(layer.poll_event(), Some(Event::NoAck { tx: of }) if of == tx));
    assert!(layer.is_empty());
}

#[test]
fn an_accepted_invite_absorbs_repeats_and_passes_the_ack_on() {
    let mut layer = layer();
    let udp = flow(Transport::Udp);
    let (tx, request) = received(layer.receive(seconds(0), udp, from_peer("INVITE", "z9hG4bKi")));
    layer.respond(seconds(0), tx, answer(&request, 200)).unwrap();
    layer.respond(T1, tx, answer(&request, 200)).expect("the user repeats its 200");
    assert_eq!((sent_response(&mut layer).status(), sent_response(&mut layer).status()), (200, 200));
    assert!(run(&mut layer, seconds(1)).is_empty(), "nothing is repeated by itself");
    assert!(layer.receive(seconds(1), udp, from_peer("INVITE", "z9hG4bKi")).is_none());
    assert!(layer.poll_transmit().is_none());
    let event = layer.receive(seconds(2), udp, from_peer("ACK", "z9hG4bKi"));
    assert!(matches!(event, Some(Event::Ack { tx: Some(of), .. }) if of == tx));
    let event = layer.receive(seconds(2), udp, from_peer("ACK", "z9hG4bKother"));
    assert!(matches!(event, Some(Event::Ack { tx: None, .. })), "the usual ACK has a branch of its own");
    run(&mut layer, seconds(60));
    assert!(layer.is_empty(), "timer L");
}

#[test]
fn a_cancel_is_answered_and_reaches_the_invite() {
    let mut layer = layer();
    let udp = flow(Transport::Udp);
    let (tx, request) = received(layer.receive(seconds(0), udp, from_peer("INVITE", "z9hG4bKi")));
    let event = layer.receive(seconds(1), udp, from_peer("CANCEL", "z9hG4bKi"));
    assert!(matches!(event, Some(Event::Cancel { tx: of }) if of == tx));
    assert_eq!(sent_response(&mut layer).status(), 200);
    layer.respond(seconds(1), tx, answer(&request, 487)).unwrap();
    assert_eq!(sent_response(&mut layer).status(), 487);
    assert!(
        layer.receive(seconds(2), udp, from_peer("CANCEL", "z9hG4bKi")).is_none(),
        "nothing left to cancel"
    );
    assert_eq!(sent_response(&mut layer).status(), 200);
    assert!(layer.receive(seconds(2), udp, from_peer("CANCEL", "z9hG4bKx")).is_none());
    assert_eq!(sent_response(&mut layer).status(), 481);
}

#[test]
fn our_invite_is_repeated_acknowledged_and_cancelled() {
    let mut layer = layer();
    let tx = layer.request(seconds(0), flow(Transport::Udp), outgoing("INVITE")).unwrap();
    let invite = sent_request(&mut layer);
    assert_eq!(layer.cancel(seconds(0), tx), Err(Gone), "not before a provisional answer (RFC 3261 §9.1)");
    assert_eq!(run(&mut layer, seconds(3)), [500, 1500], "timer A");
    assert!(reply(&mut layer, seconds(3), &invite, 180).is_some());
    assert!(run(&mut layer, seconds(100)).is_empty(), "ringing takes its time");

    layer.cancel(seconds(100), tx).unwrap();
    let cancel = sent_request(&mut layer);
    assert_eq!(cancel.method(), Method::Cancel);
    assert_eq!(cancel.via().unwrap(), invite.via().unwrap());
    assert_eq!(
        (cancel.cseq().unwrap().number, cancel.raw(HeaderName::Route)),
        (5, invite.raw(HeaderName::Route))
    );
    assert!(reply(&mut layer, seconds(100), &cancel, 200).is_none(), "not the user's concern");

    let event = reply(&mut layer, seconds(101), &invite, 487);
    assert!(matches!(event, Some(Event::Response { tx: of, .. }) if of == tx));
    let ack = sent_request(&mut layer);
    assert_eq!((ack.method(), ack.uri_text()), (Method::Ack, "sip:bob@192.0.2.1"));
    assert_eq!(ack.via().unwrap(), invite.via().unwrap());
    assert_eq!(ack.to().unwrap().tag(), Some("t"));
    assert!(reply(&mut layer, seconds(102), &invite, 487).is_none());
    assert_eq!(sent_request(&mut layer).method(), Method::Ack, "a repeated 487 is acknowledged again");
    run(&mut layer, seconds(200));
    assert!(layer.is_empty() && layer.poll_event().is_none());
}

#[test]
fn every_2xx_of_a_forked_invite_is_passed_on() {
    let mut layer = layer();
    layer.request(seconds(0), flow(Transport::Udp), outgoing("INVITE")).unwrap();
    let invite = sent_request(&mut layer);
    for _ in 0..2 {
        let event = reply(&mut layer, seconds(1), &invite, 200);
        assert!(matches!(event, Some(Event::Response { .. })));
    }
    assert!(layer.poll_transmit().is_none(), "the user acknowledges a 2xx");
    run(&mut layer, seconds(60));
    assert!(layer.is_empty() && layer.poll_event().is_none(), "timer M");
}

#[test]
fn a_cancelled_invite_that_stays_silent_ends() {
    let mut layer = layer();
    let tx = layer.request(seconds(0), flow(Transport::Tcp), outgoing("INVITE")).unwrap();
    let invite = sent_request(&mut layer);
    reply(&mut layer, seconds(1), &invite, 180);
    layer.cancel(seconds(2), tx).unwrap();
    reply(&mut layer, seconds(3), &invite, 180);
    run(&mut layer, seconds(60));
    assert!(matches!(layer.poll_event(), Some(Event::TimedOut { tx: of }) if of == tx));
    assert!(layer.is_empty() && layer.poll_event().is_none());
}

#[test]
fn ten_thousand_messages_leave_nothing_behind() {
    let mut layer = layer();
    for number in 0..10_000u64 {
        let now = Duration::from_millis(number);
        let branch = format!("z9hG4bK{number}");
        let (tx, request) = received(layer.receive(now, flow(Transport::Udp), from_peer("MESSAGE", &branch)));
        layer.respond(now, tx, answer(&request, 202)).unwrap();
        layer.poll_transmit().unwrap();
    }
    assert_eq!(layer.len(), (10_000, 0));
    run(&mut layer, seconds(100));
    assert!(layer.is_empty());
    assert_eq!(layer.poll_timeout(), None);
}

#[test]
fn the_ack_to_a_2xx_goes_out_with_a_branch_of_its_own() {
    let mut layer = layer();
    layer.request(seconds(0), flow(Transport::Tcp), outgoing("INVITE")).unwrap();
    let invite = sent_request(&mut layer);
    layer.acknowledge(seconds(1), flow(Transport::Tcp), outgoing("ACK")).unwrap();
    let ack = sent_request(&mut layer);
    assert_eq!((ack.method(), ack.vias().count()), (Method::Ack, 1));
    assert_ne!(ack.via().unwrap().branch(), invite.via().unwrap().branch());
    assert_eq!(layer.len(), (0, 1), "it has no transaction");
}

#[test]
fn bytes_that_are_no_response_are_not_sent() {
    let mut layer = layer();
    let (tx, request) =
        received(layer.receive(seconds(0), flow(Transport::Udp), from_peer("MESSAGE", "z9hG4bKa")));
    for text in ["", "SIP/2.0 99 Low", "SIP/2.0 700 High", "MESSAGE sip:h SIP/2.0\r\n\r\n"] {
        let refused = layer.respond(seconds(0), tx, Bytes::from_static(text.as_bytes()));
        assert_eq!(refused, Err(Gone), "{text}");
    }
    assert!(layer.poll_transmit().is_none());
    layer.respond(seconds(0), tx, answer(&request, 200)).unwrap();
}

#[test]
fn timers_of_no_length_do_not_spin() {
    let mut config = Config::new("hongyan.local", [9; 16]);
    config.timing.t1 = Duration::ZERO;
    config.timing.t2 = Duration::ZERO;
    config.timing.t4 = Duration::ZERO;
    let mut layer = Layer::new(config);
    layer.request(seconds(0), flow(Transport::Udp), outgoing("MESSAGE")).unwrap();
    run(&mut layer, seconds(1));
    assert!(matches!(layer.poll_event(), Some(Event::TimedOut { .. })));
}

#[test]
fn secrets_stay_out_of_logs() {
    let config = Config::new("hongyan.local", [0xab; 16]);
    assert!(!format!("{:?}", Layer::new(config)).contains("171"));
}
