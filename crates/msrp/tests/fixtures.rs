//! Real bytes: what each fixture reads as, and that what we write is what stands there.

use bytes::Bytes;
use msrp::sdp::{Description, Direction, Endpoint, Setup, Unacceptable};
use msrp::{
    ByteRange, Continuation, FailureReport, Frame, FrameBuilder, Header, Method, MsrpUri, ParseError, Start,
};

const ALICE: &str = "msrp://atlanta.example.com:7654/jshA7weztas;tcp";
const BOB: &str = "msrp://biloxi.example.com:12763/kjhd37s2s20w2a;tcp";

fn bytes(name: &str) -> Bytes {
    let path = format!("{}/../../fixtures/msrp/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect(name).into()
}

fn frame(name: &str) -> Frame {
    Frame::parse(bytes(name)).expect(name)
}

fn offer(name: &str) -> Description {
    Description::parse(&bytes(name)).expect(name)
}

#[test]
fn a_message_in_one_chunk_and_its_answer() {
    let send = frame("send-whole.msrp");
    assert_eq!(send.head.transaction_id(), "a786hjs2");
    assert_eq!(send.head.start(), Start::Request(Method::Send));
    assert_eq!((send.head.to_uri(), send.head.from_path()), (Some(BOB), Some(ALICE)));
    assert_eq!(send.head.header(Header::MessageId), Some("87652491"));
    assert_eq!(send.head.byte_range(), Ok(ByteRange { start: 1, end: Some(23), total: Some(23) }));
    assert_eq!(send.head.failure_report(), FailureReport::Yes);
    assert!(!send.head.success_report());
    assert_eq!(send.body.as_deref(), Some(&b"Hey Bob, are you there?"[..]));
    assert_eq!(send.continuation, Continuation::Complete);

    let written = FrameBuilder::request("a786hjs2", "SEND", BOB, ALICE)
        .header("Message-ID", "87652491")
        .header("Byte-Range", "1-23/23")
        .body("text/plain", b"Hey Bob, are you there?")
        .build(Continuation::Complete);
    assert_eq!(written, bytes("send-whole.msrp"));
    let answer = FrameBuilder::response(&send.head, 200).expect("it has paths").build(Continuation::Complete);
    assert_eq!(answer, bytes("response-200.msrp"));
}

#[test]
fn chunks_say_where_they_belong_and_whether_more_follow() {
    let first = frame("send-chunk-1.msrp");
    assert_eq!(first.head.byte_range(), Ok(ByteRange { start: 1, end: None, total: Some(8) }));
    assert_eq!(first.continuation, Continuation::More);
    let second = frame("send-chunk-2.msrp");
    assert_eq!(second.head.byte_range().unwrap().to_string(), "5-8/8");
    assert_eq!(second.continuation, Continuation::Complete);
    let aborted = frame("send-aborted.msrp");
    assert_eq!(aborted.head.byte_range(), Ok(ByteRange::UNKNOWN));
    assert_eq!(aborted.continuation, Continuation::Aborted);
}

#[test]
fn no_body_and_an_empty_body_are_told_apart() {
    assert_eq!(frame("send-nothing.msrp").body, None);
    assert_eq!(frame("send-empty-body.msrp").body.as_deref(), Some(&b""[..]));
    let tight = FrameBuilder::request("d93kswox", "SEND", BOB, ALICE).body("text/plain", b"");
    let parsed = Frame::parse(tight.build(Continuation::Complete)).unwrap();
    assert_eq!(parsed.body.as_deref(), Some(&b""[..]));
}

#[test]
fn what_looks_like_an_end_line_and_is_none_stays_in_the_body() {
    let relayed = frame("send-report-wanted.msrp");
    assert!(relayed.head.success_report());
    assert_eq!(relayed.head.failure_report(), FailureReport::Partial);
    assert_eq!(relayed.head.to_uri(), Some("msrps://extra.example.com:9000/jui787s2f;tcp"));
    assert!(relayed.body.unwrap().ends_with(b"-------6aef is not the end"));
    let odd = frame("send-lookalikes.msrp");
    assert_eq!(odd.head.to_uri(), Some(BOB));
    assert_eq!(odd.head.header(Header::MessageId), Some("lookalike"));
    assert_eq!(odd.head.headers().nth(3), Some(("x-own-header", "kept")));
    assert_eq!(odd.body.as_deref(), Some(&b"-------dsdfoe38sd$ almost\r\n-------dsdfoe38sX$"[..]));
}

#[test]
fn reports_responses_and_other_methods() {
    let report = frame("report-success.msrp");
    assert_eq!(report.head.start(), Start::Request(Method::Report));
    assert_eq!(report.head.reported_status(), Some(200));
    let refused = frame("response-481-through-relay.msrp");
    assert_eq!((refused.head.start(), refused.head.word()), (Start::Response(481), "481 No such session"));
    assert_eq!(frame("auth.msrp").head.start(), Start::Request(Method::Auth));
}

#[test]
fn what_is_broken_is_refused() {
    for (name, error) in [
        ("bad-start-line.msrp", ParseError::StartLine),
        ("bad-header.msrp", ParseError::HeaderLine),
        ("bad-end-line.msrp", ParseError::EndLine),
        ("bad-trailing.msrp", ParseError::EndLine),
    ] {
        assert_eq!(Frame::parse(bytes(name)).unwrap_err(), error, "{name}");
    }
}

#[test]
fn no_prefix_of_a_frame_is_a_frame_or_a_panic() {
    for name in ["send-whole.msrp", "send-nothing.msrp", "report-success.msrp", "send-lookalikes.msrp"] {
        let whole = bytes(name);
        for end in 0..whole.len() {
            assert!(Frame::parse(whole.slice(..end)).is_err(), "{name} cut at {end}");
        }
    }
}

#[test]
fn an_rcs_offer_is_read_and_written_again() {
    let read = offer("offer-rcs.sdp");
    let media = read.msrp().expect("an MSRP medium");
    assert!(media.is_secure() && media.cema);
    assert_eq!(media.setup, Some(Setup::ActPass));
    assert_eq!(media.fingerprint.as_deref(), Some("SHA-256 AA:BB:CC"));
    assert_eq!(media.max_size, Some(1_048_576));
    assert!(media.accepts("message/cpim") && !media.accepts("text/plain"));
    let written: Vec<u8> = bytes("offer-rcs.sdp").to_vec();
    let written = String::from_utf8(written).unwrap().replace("a=connection:new\r\n", "");
    assert_eq!(read.to_string(), written);
}

#[test]
fn an_offer_is_answered_medium_by_medium() {
    let centre = Endpoint::new(MsrpUri::new(false, "192.0.2.1", 2855, "ours", "tcp"));
    let (answer, agreed) = centre.answer(&offer("offer-rfc4975.sdp")).unwrap();
    assert_eq!(answer.media.iter().map(|media| media.port).collect::<Vec<_>>(), [0, 2855]);
    assert_eq!(answer.media[0].kind, "audio");
    assert_eq!(answer.media[1].setup, Some(Setup::Passive), "without a=setup the offerer connects");
    assert!(!agreed.is_active);
    assert_eq!(agreed.remote[0].to_string(), "msrp://alice.example.com:7394/2s93i9ek2a;tcp");
    assert_eq!(Description::parse(&answer.to_bytes()).unwrap(), answer);

    let (answer, _) = centre.answer(&offer("offer-large-message.sdp")).unwrap();
    assert_eq!(answer.media[0].direction, Direction::RecvOnly);
    assert_eq!(centre.answer(&offer("offer-rcs.sdp")).unwrap_err(), Unacceptable::Security);
}

#[test]
fn an_offer_that_leaves_us_to_connect_is_refused_unless_we_do() {
    let alice = Endpoint::new(MsrpUri::new(false, "10.0.0.7", 2855, "s1", "tcp"));
    let passive = Description::parse(&alice.offer(Setup::Passive).to_bytes()).unwrap();
    let mut other = Endpoint::new(MsrpUri::new(false, "10.0.0.8", 2855, "s2", "tcp"));
    assert_eq!(other.answer(&passive).unwrap_err(), Unacceptable::Setup);
    other.connects = true;
    let (answer, agreed) = other.answer(&passive).unwrap();
    assert!(agreed.is_active);
    assert_eq!(agreed.connect_to, ("10.0.0.7".to_owned(), 2855));
    assert_eq!((answer.media[0].setup, answer.media[0].port), (Some(Setup::Active), 9));
    let agreed = alice.accept(&answer).unwrap();
    assert!(!agreed.is_active);
}

#[test]
fn a_peer_behind_a_relay_is_reached_by_its_path() {
    let relay = MsrpUri::parse("msrps://relay.example.com:2855/p1;tcp").unwrap();
    let mut alice = Endpoint::new(MsrpUri::new(false, "10.0.0.7", 9, "s1", "tcp"));
    alice.relays = vec![relay.clone()];
    let offer = Description::parse(&alice.offer(Setup::ActPass).to_bytes()).unwrap();
    // RFC 6714: c= and m= do not say where to connect, the path does.
    assert_eq!((offer.media[0].port, offer.media[0].cema), (2855, false));
    // It is her relay that connects to us, with TLS.
    let plain = Endpoint::new(MsrpUri::new(false, "10.0.0.8", 2855, "s2", "tcp"));
    assert_eq!(plain.answer(&offer).unwrap_err(), Unacceptable::Security);
    let ours = Endpoint::new(MsrpUri::new(true, "10.0.0.8", 2855, "s2", "tcp"));
    let (answer, agreed) = ours.answer(&offer).unwrap();
    assert_eq!(agreed.remote, [relay, alice.uri.clone()]);
    assert_eq!(agreed.connect_to, ("relay.example.com".to_owned(), 2855));
    assert_eq!(answer.media[0].path, std::slice::from_ref(&ours.uri));
}

#[test]
fn a_refused_medium_is_no_session() {
    let alice = Endpoint::new(MsrpUri::new(false, "10.0.0.7", 2855, "s1", "tcp"));
    let mut answer = alice.offer(Setup::Active);
    answer.media[0].port = 0;
    assert_eq!(alice.accept(&answer).unwrap_err(), Unacceptable::NoMsrp);
    answer.media[0].port = 9;
    answer.media[0].path.clear();
    assert_eq!(alice.accept(&answer).unwrap_err(), Unacceptable::NoPath);
    let mut text_only = alice.offer(Setup::Active);
    text_only.media[0].accept_types = vec!["text/*".to_owned()];
    assert_eq!(alice.accept(&text_only).unwrap_err(), Unacceptable::Types);
}

#[test]
fn broken_descriptions_are_refused_with_their_line() {
    for (text, line) in [
        ("v=0\r\no=- x 1 IN IP4 a\r\n", "line 2"),
        ("v=0\r\no=- 1 1 IN IP4 a\r\nm=message here TCP/MSRP *\r\n", "line 3"),
        ("v=0\r\no=- 1 1 IN IP4 a\r\nm=message 9 TCP/MSRP *\r\na=path:sip:bob\r\n", "line 4"),
        ("o=- 1 1 IN IP4 a\r\n", "line 1"),
        ("hello", "line 1"),
    ] {
        let error = Description::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(line), "{text}: {error}");
    }
}
