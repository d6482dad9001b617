//! What the writers promise.

use bytes::Bytes;
use sip::{Forward, HeaderName, Message, Request, RequestBuilder, Response, ResponseBuilder};

fn request(text: &str) -> Request {
    let wire = Bytes::from(text.replace('\n', "\r\n"));
    Message::parse_datagram(wire).expect("well formed").into_request().expect("well formed")
}

fn lines(wire: &Bytes) -> Vec<String> {
    String::from_utf8_lossy(wire).split("\r\n").map(str::to_owned).collect()
}

fn response(wire: Bytes) -> Response {
    Message::parse_datagram(wire).expect("well formed").into_response().expect("well formed")
}

const REQUEST: &str = "INVITE sip:bob@h SIP/2.0
Via: SIP/2.0/UDP one.example;branch=z9hG4bK1;rport;x=\"a;b\", SIP/2.0/UDP two.example;branch=z9hG4bK2
v: SIP/2.0/TCP three.example;branch=z9hG4bK3
Record-Route: <sip:edge.example;lr>
Route: <sip:a.example;lr>, <sip:b.example;lr>
Route: <sip:c.example;lr>
Max-Forwards: 70
f: <sip:a@h>;tag=1
t: <sip:bob@h>
i: c1
CSeq: 1 INVITE
X-Mine: kept
Content-Type: text/plain
l: 2

hi";

#[test]
fn a_response_copies_what_it_must_and_marks_the_source() {
    let source = "192.0.2.9:4444".parse().unwrap();
    let wire = ResponseBuilder::for_request(&request(REQUEST), 180, "").to_tag("t").source(source).build();
    assert_eq!(
        lines(&wire),
        [
            "SIP/2.0 180 Ringing",
            "Via: SIP/2.0/UDP one.example;branch=z9hG4bK1;x=\"a;b\";received=192.0.2.9;rport=4444, SIP/2.0/UDP two.example;branch=z9hG4bK2",
            "Via: SIP/2.0/TCP three.example;branch=z9hG4bK3",
            "Record-Route: <sip:edge.example;lr>",
            "From: <sip:a@h>;tag=1",
            "To: <sip:bob@h>;tag=t",
            "Call-ID: c1",
            "CSeq: 1 INVITE",
            "Content-Length: 0",
            "",
            ""
        ]
    );
}

#[test]
fn a_peers_own_received_is_replaced_and_an_equal_one_left_out() {
    let with_via =
        |via: &str| request(&REQUEST.replace("SIP/2.0/UDP one.example;branch=z9hG4bK1;rport;x=\"a;b\"", via));
    let source = "[2001:db8::1]:4444".parse().unwrap();
    let via = |text: &str| {
        let answer =
            ResponseBuilder::for_request(&with_via(text), 400, "").to_tag("t").source(source).build();
        let answer = response(answer);
        answer.list(HeaderName::Via).next().map(|via| String::from_utf8_lossy(via).into_owned()).unwrap()
    };
    assert_eq!(
        via("SIP/2.0/UDP h;received=10.0.0.1;branch=z9hG4bK1"),
        "SIP/2.0/UDP h;branch=z9hG4bK1;received=2001:db8::1"
    );
    assert_eq!(
        via("SIP/2.0/UDP [2001:db8::1]:4444;branch=z9hG4bK1"),
        "SIP/2.0/UDP [2001:db8::1]:4444;branch=z9hG4bK1"
    );
}

#[test]
fn a_to_that_has_a_tag_keeps_it() {
    let with_tag = request(&REQUEST.replace("t: <sip:bob@h>", "t: <sip:bob@h>;tag=theirs"));
    let answer = response(ResponseBuilder::for_request(&with_tag, 481, "").to_tag("ours").build());
    assert_eq!(answer.to().unwrap().tag(), Some("theirs"));
    assert_eq!(answer.raw(HeaderName::RecordRoute), None, "a refusal opens no dialog");
}

#[test]
fn a_response_with_a_body_says_how_long_it_is() {
    let wire = ResponseBuilder::for_request(&request(REQUEST), 200, "Fine")
        .header(HeaderName::Contact, "<sip:me@h>")
        .header("X-Other", 7)
        .body("text/plain", "晚饭")
        .build();
    let answer = response(wire.clone());
    assert_eq!((answer.reason().as_ref(), answer.body()), ("Fine", "晚饭".as_bytes()));
    assert_eq!(answer.header("x-other").as_deref(), Some("7"));
    assert_eq!(answer.header(HeaderName::ContentLength).as_deref(), Some("6"));
}

#[test]
fn no_value_breaks_out_of_its_line() {
    let evil = "x\r\nInjected: yes\r\n\r\nbody\0";
    let wire = RequestBuilder::new("MES SAGE\r\n", "sip:a@b\r\nInjected: yes")
        .header(HeaderName::Subject, evil)
        .header("Bad Name:\r\nInjected", "y")
        .header("", "z")
        .header(HeaderName::ContentLength, 999)
        .body("text/plain\r\nInjected: yes", "hi")
        .build();
    let message = Message::parse_datagram(wire.clone()).unwrap();
    assert_eq!(message.len(), 5, "{wire:?}");
    assert_eq!(message.raw("Injected"), None);
    assert_eq!(message.header(HeaderName::Subject).as_deref(), Some("x  Injected: yes    body"));
    assert_eq!(message.body(), b"hi");

    let request = request(REQUEST);
    let wire = ResponseBuilder::for_request(&request, 200, evil).to_tag(evil).header("Server", evil).build();
    assert_eq!(response(wire).raw("Injected"), None);
    let wire = Forward::of(&request)
        .uri(evil)
        .set("X-Mine", evil)
        .prepend("Path", evil)
        .add("Privacy", evil)
        .build();
    assert_eq!(Message::parse_datagram(wire).unwrap().raw("Injected"), None);
}

#[test]
fn forwarding_changes_what_is_asked_and_nothing_else() {
    let wire = Forward::of(&request(REQUEST))
        .uri("sip:bob@192.0.2.8;ob")
        .remove_first(HeaderName::Route)
        .set(HeaderName::MaxForwards, 69)
        .remove("x-mine")
        .prepend(HeaderName::RecordRoute, "<sip:us.example;lr>")
        .prepend(HeaderName::Path, "<sip:p.example>")
        .set(HeaderName::Supported, "path")
        .add(HeaderName::PAssertedIdentity, "<tel:+86138>")
        .build();
    assert_eq!(
        lines(&wire),
        [
            "INVITE sip:bob@192.0.2.8;ob SIP/2.0",
            "Path: <sip:p.example>",
            "Via: SIP/2.0/UDP one.example;branch=z9hG4bK1;rport;x=\"a;b\", SIP/2.0/UDP two.example;branch=z9hG4bK2",
            "v: SIP/2.0/TCP three.example;branch=z9hG4bK3",
            "Record-Route: <sip:us.example;lr>",
            "Record-Route: <sip:edge.example;lr>",
            "Route: <sip:b.example;lr>",
            "Route: <sip:c.example;lr>",
            "Max-Forwards: 69",
            "f: <sip:a@h>;tag=1",
            "t: <sip:bob@h>",
            "i: c1",
            "CSeq: 1 INVITE",
            "Content-Type: text/plain",
            "Supported: path",
            "P-Asserted-Identity: <tel:+86138>",
            "Content-Length: 2",
            "",
            "hi"
        ]
    );
}

#[test]
fn forwarding_may_replace_the_body_and_use_up_the_last_route() {
    let original = request("MESSAGE sip:h SIP/2.0\nRoute: <sip:a;lr>\nContent-Encoding: deflate\n\nxyz");
    let wire = Forward::of(&original)
        .remove_first(HeaderName::Route)
        .remove(HeaderName::ContentEncoding)
        .body("inflated")
        .build();
    assert_eq!(lines(&wire), ["MESSAGE sip:h SIP/2.0", "Content-Length: 8", "", "inflated"]);
}
