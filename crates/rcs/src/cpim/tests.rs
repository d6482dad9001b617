//! Real messages both ways, what is refused, and what no input may do.

use proptest::prelude::*;

use super::*;
use crate::content_type;
use crate::imdn::Imdn;

const CHAT: &[u8] = include_bytes!("../../../../fixtures/rcs/cpim/chat.cpim");
const INTERLEAVED: &[u8] = include_bytes!("../../../../fixtures/rcs/cpim/interleaved-namespaces.cpim");
const LINE_FEEDS: &[u8] = include_bytes!("../../../../fixtures/rcs/cpim/line-feeds.cpim");
const BASE64: &[u8] = include_bytes!("../../../../fixtures/rcs/cpim/base64.cpim");
const IMDN: &[u8] = include_bytes!("../../../../fixtures/rcs/cpim/imdn.cpim");
const CARD: &[u8] = include_bytes!("../../../../fixtures/rcs/cpim/chatbot-card.cpim");
const BINARY: &[u8] = include_bytes!("../../../../fixtures/rcs/cpim/not-utf8.payload.cpim");

fn parse(bytes: &[u8]) -> Result<Cpim, CpimError> {
    Cpim::parse(Bytes::copy_from_slice(bytes))
}

fn when() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-23T11:33:38Z").unwrap()
}

#[test]
fn the_sender_is_found_without_reading_everything() {
    for (raw, expected) in [
        ("From: Alice <sip:alice@h>\r\nTo: <sip:bob@h>\r\n\r\n\r\nx", Some("sip:alice@h")),
        ("NS: imdn <urn:x>\nfrom : <sip:alice@h>\n\n\nx", Some("sip:alice@h")),
        ("From: tel:+8613800000001\r\n\r\n", Some("tel:+8613800000001")),
        ("To: <sip:bob@h>\r\n\r\nFrom: <sip:payload@h>\r\n", None),
        ("From: Alice\r\n <sip:alice@h>\r\n\r\n", Some("Alice")),
        ("From: Alice <\r\n sip:alice@h>\r\n\r\n", None),
    ] {
        assert_eq!(from_uri_of(raw.as_bytes()), expected, "{raw}");
    }
    for raw in [CHAT, INTERLEAVED, LINE_FEEDS, IMDN, CARD] {
        assert_eq!(from_uri_of(raw), parse(raw).unwrap().from_uri());
    }
}

#[test]
fn a_chat_message_reads() {
    let cpim = parse(CHAT).unwrap();
    assert_eq!(cpim.from(), Some("<sip:anonymous@anonymous.invalid>"));
    assert_eq!(cpim.from_uri(), Some("sip:anonymous@anonymous.invalid"));
    assert_eq!(cpim.to_uri(), Some("sip:anonymous@anonymous.invalid"));
    assert_eq!(cpim.message_id(), Some("Msg34jk324j"));
    assert_eq!(cpim.date_time(), Some(when()));
    assert_eq!(cpim.dispositions(), Dispositions::DELIVERY_AND_DISPLAY);
    assert_eq!(cpim.content_type(), "text/plain;charset=UTF-8");
    assert!(content_type::is(cpim.content_type(), "text/plain") && !cpim.is_imdn());
    assert_eq!(cpim.payload(), "明天见，鸿雁");
    assert_eq!(cpim.decoded_payload().unwrap(), "明天见，鸿雁");
    assert_eq!(cpim.headers().count(), 6);
    assert_eq!(cpim.content_headers().count(), 2);
}

#[test]
fn the_builder_writes_the_same_bytes() {
    let raw = CpimBuilder::new("sip:anonymous@anonymous.invalid", "sip:anonymous@anonymous.invalid")
        .message_id("Msg34jk324j")
        .date_time(when())
        .dispositions(Dispositions::DELIVERY_AND_DISPLAY)
        .content_type("text/plain;charset=UTF-8")
        .build("明天见，鸿雁");
    assert_eq!(raw, CHAT);
}

#[test]
fn a_prefix_means_what_its_ns_line_says() {
    let cpim = parse(INTERLEAVED).unwrap();
    assert_eq!(cpim.message_id(), Some("a.b~c@198.51.100.7"));
    assert_eq!(cpim.header("http://example.com/not-imdn", "message-id"), Some("not this one"));
    assert_eq!(cpim.header("tag:linphone.org,2020:params:groupchat", "Ephemeral-Time"), Some("86400"));
    assert_eq!(cpim.header(MAAP_NAMESPACE, "Traffic-Type"), None);
    let asked =
        Dispositions { positive_delivery: true, processing: true, interworking: true, ..Dispositions::NONE };
    assert_eq!(cpim.dispositions(), asked, "the prefix X is another than x");
    assert_eq!(cpim.from_uri(), Some("sip:+8613800000001@hongyan.local;user=phone"));
    assert_eq!(cpim.to(), Some("Bob <tel:+8613800000002>"));
    assert_eq!(cpim.date_time(), Some(when()));
}

#[test]
fn line_feeds_alone_and_an_unbound_imdn_prefix_are_read() {
    let cpim = parse(LINE_FEEDS).unwrap();
    assert_eq!(cpim.message_id(), Some("lf-1"));
    assert_eq!(cpim.content_type(), "text/plain");
    assert_eq!(cpim.payload(), "hello", "the line end after the counted bytes is not text");
}

#[test]
fn base64_is_undone_on_request_only() {
    let cpim = parse(BASE64).unwrap();
    assert_eq!(cpim.decoded_payload().unwrap(), "明天见，鸿雁");
    assert_eq!(cpim.raw(), BASE64);
    let other = String::from_utf8(BASE64.to_vec()).unwrap().replace("BASE64", "x-uuencode");
    let error = parse(other.as_bytes()).unwrap().decoded_payload();
    assert_eq!(error, Err(DecodeError::UnknownEncoding("x-uuencode".to_owned())));
    let broken = String::from_utf8(BASE64.to_vec()).unwrap().replace("5piO", "5p*O");
    assert_eq!(parse(broken.as_bytes()).unwrap().decoded_payload(), Err(DecodeError::Base64));
}

#[test]
fn a_report_is_told_from_a_message() {
    let cpim = parse(IMDN).unwrap();
    assert!(cpim.is_imdn());
    assert_eq!(cpim.content_header("content-disposition"), Some("notification"));
    assert_eq!(Imdn::parse(cpim.payload()).unwrap().message_id, "Msg34jk324j");
    let stripped = cpim.rewrite().without_dispositions().build();
    let expected = String::from_utf8(IMDN.to_vec()).unwrap();
    assert_eq!(stripped, expected.replace("imdn.Disposition-Notification: positive-delivery\r\n", ""));
}

#[test]
fn chatbot_headers_have_a_namespace_of_their_own() {
    let cpim = parse(CARD).unwrap();
    assert_eq!(cpim.header(MAAP_NAMESPACE, "Traffic-Type"), Some("payment"));
    let raw = CpimBuilder::new("sip:12306@botplatform.hongyan.local", "tel:+8613800000001")
        .message_id("card-1")
        .namespace("maap", MAAP_NAMESPACE)
        .header("maap.Traffic-Type", "payment")
        .content_type("application/vnd.gsma.botmessage.v1.0+json")
        .build("{\"message\":{}}");
    let again = Cpim::parse(raw).unwrap();
    assert_eq!(again.header(MAAP_NAMESPACE, "Traffic-Type"), Some("payment"));
    assert_eq!(again.payload(), cpim.payload());
}

#[test]
fn payloads_are_bytes() {
    assert_eq!(parse(BINARY).unwrap().payload(), &b"\x00\xff\r\n"[..]);
}

#[test]
fn a_rewrite_touches_nothing_else() {
    let cpim = parse(INTERLEAVED).unwrap();
    assert_eq!(cpim.rewrite().build(), INTERLEAVED, "nothing asked for, nothing changed");
    let rewritten = cpim
        .rewrite()
        .from("sip:anonymous@anonymous.invalid")
        .to("sip:g-7@groups.hongyan.local")
        .date_time(when())
        .without_dispositions()
        .build();
    let expected = String::from_utf8(INTERLEAVED.to_vec())
        .unwrap()
        .replace(
            "\"Alice <3\" <sip:+8613800000001@hongyan.local;user=phone>",
            "<sip:anonymous@anonymous.invalid>",
        )
        .replace("Bob <tel:+8613800000002>", "<sip:g-7@groups.hongyan.local>")
        .replace("2026-11-23T19:33:38+08:00", "2026-11-23T11:33:38.000Z")
        .replace("x.disposition-notification: Positive-Delivery\r\n", "")
        .replace("x.Disposition-Notification: processing;a=b,interworking, unheard-of\r\n", "");
    assert_eq!(rewritten, expected);
}

#[test]
fn a_rewrite_adds_what_is_missing_and_drops_a_second_to() {
    let cpim = parse(b"To: <tel:+1>\r\nTo: <tel:+2>\r\n\r\n\r\nhi").unwrap();
    let rewritten = cpim.rewrite().from("tel:+3").to("tel:+4").date_time(when()).build();
    let expected = "From: <tel:+3>\r\nDateTime: 2026-11-23T11:33:38.000Z\r\nTo: <tel:+4>\r\n\r\n\r\nhi";
    assert_eq!(rewritten, expected);
}

#[test]
fn a_rewrite_of_a_message_without_headers_is_still_a_message() {
    let cpim = parse(b"\r\n\r\nhi").unwrap();
    let rewritten = Cpim::parse(cpim.rewrite().from("tel:+3").build()).unwrap();
    assert_eq!((rewritten.from_uri(), &rewritten.payload()[..]), (Some("tel:+3"), &b"hi"[..]));
}

#[test]
fn values_from_outside_cannot_add_headers() {
    let raw = CpimBuilder::new("tel:+1>\r\nX: y", "tel:+2")
        .message_id("a\r\nimdn.Disposition-Notification: display")
        .header("Subject", "a\nb")
        .build("");
    let cpim = Cpim::parse(raw).unwrap();
    assert_eq!(cpim.headers().count(), 5);
    assert_eq!(cpim.dispositions(), Dispositions::NONE);
    let rewritten = Cpim::parse(cpim.rewrite().to("tel:+3>\r\nX: <y").build()).unwrap();
    assert_eq!(rewritten.headers().count(), 5);
}

#[test]
fn a_content_length_that_counts_characters_does_not_cut_the_text() {
    let counted = |length: &str| {
        let text = format!("From: <tel:+1>\r\n\r\nContent-Length: {length}\r\n\r\n明天见\r\n");
        parse(text.as_bytes()).map(|cpim| cpim.payload().clone())
    };
    assert_eq!(counted("9").unwrap(), "明天见");
    assert_eq!(counted("3").unwrap(), "明天见\r\n");
    assert_eq!(counted("11").unwrap(), "明天见\r\n");
    assert_eq!(counted("12"), Err(CpimError::Truncated));
    for bad in ["", "-1", "nine", "99999999999999999999999"] {
        assert_eq!(counted(bad), Err(CpimError::ContentLength), "{bad}");
    }
}

#[test]
fn what_is_no_message_is_refused() {
    assert_eq!(parse(b""), Err(CpimError::Truncated));
    assert_eq!(parse(b"From: <tel:+1>\r\n\r\n"), Err(CpimError::Truncated));
    assert_eq!(parse(b"From: <tel:+1>\r\nhello\r\n\r\n\r\n"), Err(CpimError::MalformedHeader { line: 2 }));
    assert_eq!(parse(b": x\r\n\r\n\r\n"), Err(CpimError::MalformedHeader { line: 1 }));
    assert_eq!(parse(b" folded: x\r\n\r\n\r\n"), Err(CpimError::MalformedHeader { line: 1 }));
    assert_eq!(parse(b"From: \xff\r\n\r\n\r\n"), Err(CpimError::NotUtf8));
    let many = "a: b\r\n".repeat(HEADERS_MAX + 1) + "\r\n\r\n";
    assert_eq!(parse(many.as_bytes()), Err(CpimError::TooManyHeaders));
    let long = format!("a: {}\r\n\r\n\r\n", "x".repeat(HEAD_BYTES_MAX));
    assert_eq!(parse(long.as_bytes()), Err(CpimError::HeadTooLong));
    let most = format!("{}\r\n\r\n{}", "a: b\r\n".repeat(HEADERS_MAX), "x".repeat(2 * HEAD_BYTES_MAX));
    assert_eq!(parse(most.as_bytes()).unwrap().payload().len(), 2 * HEAD_BYTES_MAX);
}

#[test]
fn folded_lines_belong_to_their_header() {
    let cpim =
        parse(b"From: <tel:+1>\r\nSubject: a\r\n  b\r\nTo: <tel:+2>\r\n\r\nA: b;\r\n\tc\r\n\r\n").unwrap();
    assert_eq!(cpim.headers().nth(1), Some(("Subject", "a\r\n  b")));
    assert_eq!(cpim.content_header("a"), Some("b;\r\n\tc"));
    let to = cpim.rewrite().to("tel:+3").build();
    assert_eq!(to, "From: <tel:+1>\r\nSubject: a\r\n  b\r\nTo: <tel:+3>\r\n\r\nA: b;\r\n\tc\r\n\r\n");
}

#[test]
fn no_prefix_of_a_message_panics_or_reads_as_more() {
    for whole in [CHAT, INTERLEAVED, LINE_FEEDS, BASE64, IMDN, CARD, BINARY] {
        for end in 0..whole.len() {
            if let Ok(cpim) = parse(&whole[..end]) {
                exercise(&cpim);
                assert!(cpim.payload().len() <= end);
            }
        }
    }
}

/// Calls everything that looks at a message.
fn exercise(cpim: &Cpim) {
    let _ = (cpim.from_uri(), cpim.to_uri(), cpim.date_time(), cpim.message_id(), cpim.dispositions());
    let _ = (cpim.is_imdn(), cpim.decoded_payload(), cpim.headers().count(), cpim.content_headers().count());
    assert_eq!(cpim.rewrite().build(), cpim.raw(), "a rewrite of nothing changes nothing");
}

proptest! {
    #[test]
    fn written_messages_read_back(
        from in "(sip|tel):[!-;=?-~]{1,30}",
        to in "(sip|tel):[!-;=?-~]{1,30}",
        message_id in proptest::option::of("[!-~]{1,64}"),
        millis in proptest::option::of(0..Timestamp::MAX.as_millis()),
        flags in any::<[bool; 5]>(),
        subject in proptest::option::of("[^\\pC\\s]{1,20}"),
        payload in proptest::collection::vec(any::<u8>(), 0..100),
    ) {
        let [positive_delivery, negative_delivery, processing, display, interworking] = flags;
        let asked =
            Dispositions { positive_delivery, negative_delivery, processing, display, interworking };
        let mut builder = CpimBuilder::new(&from, &to).dispositions(asked).content_type("a/b");
        if let Some(id) = &message_id {
            builder = builder.message_id(id);
        }
        if let Some(millis) = millis {
            builder = builder.date_time(Timestamp::from_millis(millis));
        }
        if let Some(subject) = &subject {
            builder = builder.header("Subject", subject);
        }
        let cpim = Cpim::parse(builder.build(&payload)).unwrap();
        prop_assert_eq!(cpim.from_uri(), Some(from.as_str()));
        prop_assert_eq!(cpim.to_uri(), Some(to.as_str()));
        prop_assert_eq!(cpim.message_id(), message_id.as_deref());
        prop_assert_eq!(cpim.date_time(), millis.map(Timestamp::from_millis));
        prop_assert_eq!(cpim.dispositions(), asked);
        prop_assert_eq!(cpim.headers().find(|(name, _)| *name == "Subject").map(|(_, value)| value), subject.as_deref());
        prop_assert_eq!(&cpim.payload()[..], &payload[..]);
        exercise(&cpim);
    }

    #[test]
    fn any_lines_are_read_or_refused(text in "(From: |To: |NS: |imdn|x|\\.|Message-ID|<|>|:|;| |\r\n|\n|Content-Length: |[0-9]|\\PC)*") {
        if let Ok(cpim) = parse(text.as_bytes()) {
            exercise(&cpim);
        }
    }
}
