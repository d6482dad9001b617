//! The messages of `fixtures/sip`, read to their full expected values, and some of them written back byte for byte.

mod fixture;

use bytes::Bytes;
use fixture::{fixture, request, response};
use sip::digest::Authorization;
use sip::value::{Contact, Fit};
use sip::{HeaderName, Message, Method, Problem, RequestBuilder, ResponseBuilder, Scheme};

#[test]
fn a_pager_message_is_read_in_full() {
    let wire = fixture("message-pager-976");
    assert_eq!(wire.len(), 976);
    let message = request("message-pager-976");
    assert_eq!((message.method(), message.len()), (Method::Message, 15));
    assert_eq!(message.uri().unwrap().user(), Some("12306"));
    let via = message.via().unwrap();
    assert_eq!((via.transport, via.host, via.port), ("UDP", "192.0.2.7", Some(5060)));
    assert_eq!((via.branch(), via.rport()), (Some("z9hG4bK776asdhds"), Some(None)));
    assert_eq!(message.vias().count(), 1);
    let from = message.from().unwrap();
    assert_eq!(
        (from.uri.user(), from.uri.host(), from.tag()),
        (Some("+8613800000001"), "hongyan.local", Some("49583"))
    );
    assert_eq!(message.to().unwrap().tag(), None);
    assert_eq!(message.call_id(), Ok("asd88asd77a@192.0.2.7"));
    let cseq = message.cseq().unwrap();
    assert_eq!((cseq.number, cseq.method), (1, Method::Message));
    assert_eq!(message.max_forwards(), Ok(Some(70)));
    assert_eq!(message.expires(), Ok(None));
    let identity = message.address(HeaderName::PPreferredIdentity).unwrap();
    assert_eq!((identity.uri.scheme(), identity.uri.user()), (Scheme::Tel, Some("+8613800000001")));
    assert_eq!(
        message.header("P-Preferred-Service").as_deref(),
        Some("urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg")
    );
    let wanted = message.accept_contacts().next().unwrap().unwrap();
    let device = request("register-handset");
    let Contact::Address(device) = device.contacts().next().unwrap().unwrap() else { panic!("an address") };
    assert_eq!(wanted.fit(device.features()), Fit::Score(1000));
    assert_eq!(message.header("conversation-id").as_deref(), Some("f81d4fae-7dec"));
    assert_eq!(message.header(HeaderName::ContributionId).as_deref(), Some("abcdef12-3456"));
    assert_eq!(message.supported().collect::<Vec<_>>(), ["path"]);
    assert!(message.is_content_type("message/CPIM"));
    assert_eq!((message.content_encoding(), message.body().len()), (None, 340));
    assert_eq!(message.wire(), &wire);
}

#[test]
fn a_pager_message_is_written_byte_for_byte() {
    let message = request("message-pager-976");
    let mut builder = RequestBuilder::new("MESSAGE", message.uri_text());
    for (name, text, value) in message.iter().filter(|(name, ..)| *name != HeaderName::ContentType) {
        assert_ne!(name, HeaderName::Other, "{text}");
        builder = builder.header(name, std::str::from_utf8(value).unwrap());
    }
    let written = builder.body("message/cpim", message.body_bytes()).build();
    assert_eq!(written, fixture("message-pager-976"));
}

#[test]
fn a_response_is_written_byte_for_byte_and_read() {
    let message = request("message-pager-976");
    let written = ResponseBuilder::for_request(&message, 202, "")
        .to_tag("srv1")
        .source("192.0.2.7:5060".parse().unwrap())
        .build();
    assert_eq!(written, fixture("response-202"));
    let answer = response("response-202");
    assert_eq!((answer.status(), answer.reason().as_ref(), answer.is_final()), (202, "Accepted", true));
    assert_eq!(answer.via().unwrap().response_address(), Some("192.0.2.7:5060".parse().unwrap()));
    assert_eq!(answer.to().unwrap().tag(), Some("srv1"));
}

#[test]
fn a_handset_registers_with_its_features() {
    let register = request("register-handset");
    assert_eq!(register.method(), Method::Register);
    assert!(register.via().unwrap().alias());
    assert!(register.to().unwrap().uri.is_phone());
    let contact = register.contacts().next().unwrap().unwrap().address().unwrap();
    assert_eq!((contact.reg_id(), contact.expires()), (Some(1), Some(600_000)));
    assert_eq!(contact.instance(), Some("urn:gsma:imei:35824005-944763-0"));
    assert_eq!(contact.features().values("+g.3gpp.icsi-ref").count(), 3);
    assert_eq!(contact.features().values("+g.gsma.rcs.botversion").collect::<Vec<_>>(), ["#=1", "#=2"]);
    assert!(register.has_token(HeaderName::Supported, "GRUU"));
    assert_eq!(register.require().collect::<Vec<_>>(), ["path"]);
    let path: Vec<_> = register.addresses(HeaderName::Path).map(|hop| hop.unwrap().uri.as_str()).collect();
    assert_eq!(path, ["sip:edge1.hongyan.local;lr;ob", "sip:edge2.hongyan.local;lr"]);
    let authorization = Authorization::parse(register.raw(HeaderName::Authorization).unwrap()).unwrap();
    assert!(authorization.is_empty());
    assert_eq!(authorization.username(), "alice@hongyan.local");
}

#[test]
fn a_browser_registers_over_a_websocket() {
    let message = Message::parse_websocket(fixture("register-websocket")).unwrap();
    let contact = message.contacts().next().unwrap().unwrap().address().unwrap();
    assert_eq!(contact.name_addr.uri.host(), "3fjq1bsc6ju1.invalid");
    assert_eq!(contact.instance(), Some("urn:uuid:5bb4f2a3-6d4f-4c11-9e5f-8b1f2f3c7e11"));
    assert_eq!(message.expires(), Ok(Some(600)));
    assert!(message.has_token(HeaderName::Allow, "MESSAGE"));
}

#[test]
fn a_websocket_message_needs_no_content_length() {
    let message = Message::parse_websocket(fixture("message-websocket-no-length")).unwrap();
    assert_eq!(message.body(), "supper? 晚饭?".as_bytes());
    assert_eq!(message.from().unwrap().display_name().as_deref(), Some("Anna"));
}

#[test]
fn a_bare_to_and_a_contact_are_read() {
    let message = request("message-desktop");
    assert_eq!(message.to().unwrap().uri.as_str(), "sip:+8613800000002@hongyan.local");
    assert!(message.contacts().next().unwrap().unwrap().address().unwrap().name_addr.uri.params().has("ob"));
    assert_eq!(message.body(), b"hello");
}

#[test]
fn compact_names_and_a_deflated_body_are_read() {
    let message = request("message-deflated");
    assert_eq!(message.via().unwrap().transport, "TCP");
    assert_eq!(message.call_id(), Ok("mT9yzfPX4a"));
    assert_eq!(message.content_encoding().as_deref(), Some("deflate"));
    assert!(message.is_content_type("message/imdn+xml"));
    assert_eq!(message.supported().count(), 5);
    assert_eq!(message.body()[0], 0x78, "a zlib stream");
}

#[test]
fn an_invite_keeps_its_route() {
    let invite = request("invite-rfc3261");
    assert_eq!(invite.method(), Method::Invite);
    assert_eq!(invite.routes().next().unwrap().unwrap().uri.as_str(), "sip:ss1.atlanta.example.com;lr");
    assert_eq!(invite.from().unwrap().display_name().as_deref(), Some("Alice"));
    assert!(invite.body().starts_with(b"v=0\r\n"));
}

#[test]
fn two_challenges_stay_two() {
    let answer = response("response-401-two-challenges");
    assert_eq!(answer.status(), 401);
    let challenge = sip::digest::Challenge::best(answer.all(HeaderName::WwwAuthenticate)).unwrap();
    assert_eq!((challenge.algorithm, challenge.nonce.as_str()), (sip::digest::Algorithm::Sha256, "AAAB"));
    assert_eq!(answer.all("www-authenticate").count(), 2);
}

#[test]
fn folded_lines_spaces_and_old_forms_are_read() {
    let options = request("torture-folded-compact");
    let to = options.to().unwrap();
    assert_eq!((to.uri.as_str(), to.tag()), ("sip:vivekg@chair-dnrc.example.com", Some("1918181833n")));
    let from = options.from().unwrap();
    assert_eq!((from.display_name().as_deref(), from.tag()), (Some(r#"J Rosenberg \""#), Some("98asjd8")));
    assert_eq!(options.max_forwards(), Ok(Some(68)));
    assert_eq!(options.cseq().unwrap().number, 9);
    let vias: Vec<_> = options.vias().map(|via| via.unwrap()).collect();
    assert_eq!(vias.iter().map(|via| via.transport).collect::<Vec<_>>(), ["UDP", "TCP", "UDP"]);
    assert_eq!(vias[2].branch(), Some("z9hG4bK30239"));
    assert_eq!(options.header("s").as_deref(), Some(""));
    assert_eq!(
        options
            .header("newfangledheader")
            .as_deref()
            .map(|value| value.split_whitespace().collect::<Vec<_>>()),
        Some(vec!["newfangled", "value", "continued", "newfangled", "value"])
    );
    assert_eq!(options.header("UnknownHeaderWithUnusualValue").as_deref(), Some(";;,,;;,;"));
    let contact = options.contacts().next().unwrap().unwrap().address().unwrap();
    assert_eq!(contact.q_milli(), 330);
    assert_eq!(contact.params().get("newparam"), Some("newvalue"));
    assert_eq!(contact.name_addr.display_name().as_deref(), Some(r#"Quoted string """#));
}

#[test]
fn escapes_in_methods_and_uris_are_kept() {
    let message = request("torture-escapes");
    assert_eq!(
        message.method(),
        Method::Other("RE%47IST%45R"),
        "a method is a token, and % means nothing in it"
    );
    let uri = message.uri().unwrap();
    assert_eq!((uri.user_name().as_deref(), uri.host()), (Some("sips:user@example.com"), "example.net"));
    assert_eq!(message.from().unwrap().uri.user_name().as_deref(), Some("I have spaces"));
    assert_eq!(message.to().unwrap().uri.user_name().as_deref(), Some("user"));
}

#[test]
fn bytes_outside_utf8_are_kept() {
    let answer = response("torture-reason-bytes");
    assert_eq!(answer.reason(), "= 2**3 * 5**2 но сто \u{fffd}\u{fffd}");
    let from = answer.from().unwrap();
    assert_eq!((from.display_name().as_deref(), from.tag()), (Some("Jos\u{fffd}"), Some("11141343")));
    assert_eq!(answer.raw(HeaderName::From), Some(&b"\"Jos\xe9\" <sip:user@example.com>;tag=11141343"[..]));
}

#[test]
fn a_datagram_without_content_length_is_all_body_and_extra_bytes_are_dropped() {
    assert_eq!(request("torture-no-length").body(), b"all of this is the body");
    assert_eq!(request("torture-extra-bytes").body(), b"");
    let (wire, kept) = (fixture("torture-extra-bytes"), request("torture-extra-bytes"));
    assert!(wire.starts_with(kept.wire()) && wire.len() > kept.wire().len());
}

#[test]
fn broken_requests_say_what_is_wrong_and_are_answered() {
    for (name, problem, status) in [
        ("bad-length-negative", Problem::ContentLength, 400),
        ("bad-length-letters", Problem::ContentLength, 400),
        ("bad-length-conflict", Problem::ContentLengthConflict, 400),
        ("bad-length-over", Problem::BodyTruncated, 400),
        ("bad-version", Problem::Version, 505),
        ("bad-uri-spaces", Problem::StartLine, 400),
        ("bad-double-space", Problem::StartLine, 400),
        ("bad-header-no-colon", Problem::HeaderLine, 400),
        ("bad-lone-cr", Problem::HeaderLine, 400),
    ] {
        let error = Message::parse_datagram(fixture(name)).expect_err(name);
        assert_eq!((error.problem(), error.status()), (problem, status), "{name}");
        let answer = error.response().unwrap_or_else(|| panic!("{name} can be answered"));
        let answer = Message::parse_datagram(answer).expect(name).into_response().expect(name);
        assert_eq!(answer.status(), status, "{name}");
        assert_eq!(answer.cseq().unwrap().number, 8, "{name}");
        assert!(answer.to().unwrap().tag().is_some(), "{name}");
    }
}

#[test]
fn broken_responses_are_not_answered() {
    let error = Message::parse_datagram(fixture("bad-status")).unwrap_err();
    assert_eq!(error.problem(), Problem::StartLine);
    assert!(error.response().is_none());
}

#[test]
fn ceilings_hold() {
    let head = |headers: usize| {
        let mut text = String::from("OPTIONS sip:h SIP/2.0\r\n");
        (0..headers).for_each(|number| text += &format!("X-{number}: y\r\n"));
        Bytes::from(text + "\r\n")
    };
    assert!(Message::parse_datagram(head(sip::HEADERS_MAX)).is_ok());
    let error = Message::parse_datagram(head(sip::HEADERS_MAX + 1)).unwrap_err();
    assert_eq!((error.problem(), error.status()), (Problem::TooManyHeaders, 400));

    let long = |bytes: usize| {
        let start = "OPTIONS sip:h SIP/2.0\r\nSubject: ";
        Bytes::from(format!("{start}{}\r\n\r\n", "x".repeat(bytes - start.len() - 4)))
    };
    let largest = Message::parse_datagram(long(sip::HEAD_BYTES_MAX)).unwrap();
    assert_eq!(largest.header(HeaderName::Subject).unwrap().len(), sip::HEAD_BYTES_MAX - 36);
    let error = Message::parse_datagram(long(sip::HEAD_BYTES_MAX + 1)).unwrap_err();
    assert_eq!((error.problem(), error.status()), (Problem::HeadTooLarge, 513));
}
