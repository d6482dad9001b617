//! What the registrar and the front door say to single requests.

mod world;

use sip::{Flow, HeaderName, Message, RequestBuilder, Transport};
use world::{DOMAIN, World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";

/// A flow of a peer that is no handset of the world.
fn stranger() -> Flow {
    Flow { transport: Transport::Udp, id: 0, peer: "10.9.9.9:5060".parse().expect("an address") }
}

fn request(method: &str, uri: &str) -> RequestBuilder {
    RequestBuilder::new(method, uri)
        .header(HeaderName::Via, "SIP/2.0/UDP 10.9.9.9;rport;branch=z9hG4bKstranger1")
        .header(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, format!("<sip:{ALICE}@{DOMAIN}>;tag=1"))
        .header(HeaderName::To, format!("<sip:{ALICE}@{DOMAIN}>"))
        .header(HeaderName::CallId, "stranger-1")
        .header(HeaderName::CSeq, format!("1 {method}"))
}

/// What the centre answers to one request from nowhere.
fn answer_to(world: &mut World, request: RequestBuilder) -> sip::Response {
    world.tap(stranger());
    world.inject(stranger(), request.build());
    world.run_for(seconds(1));
    let bytes = world.tapped().pop().expect("an answer");
    let Ok(Message::Response(response)) = Message::parse_datagram(bytes) else { panic!("a response") };
    response
}

#[test]
fn a_register_without_credentials_is_challenged_sha_256_first() {
    let mut world = World::new();
    world.device(ALICE, Transport::Udp);
    let contact = "<sip:a@10.9.9.9>";
    let response =
        answer_to(&mut world, request("REGISTER", "sip:hongyan.local").header(HeaderName::Contact, contact));
    assert_eq!(response.status(), 401);
    let challenges: Vec<String> = response
        .all(HeaderName::WwwAuthenticate)
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect();
    assert_eq!(challenges.len(), 2);
    assert!(challenges[0].contains("algorithm=SHA-256") && challenges[1].contains("algorithm=MD5"));
}

#[test]
fn what_a_registration_would_keep_has_its_limits() {
    let mut world = World::new();
    world.device(ALICE, Transport::Udp);
    let register = || request("REGISTER", "sip:hongyan.local");
    let instance = "+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"";
    let long = "x".repeat(2000);
    let contact = format!("<sip:{long}@10.9.9.9>;{instance}");
    let response = answer_to(&mut world, register().header(HeaderName::Contact, contact));
    assert_eq!(response.status(), 400, "its URI");
    let contact = format!("<sip:a@10.9.9.9>;{instance}");
    let mut far = register().header(HeaderName::Contact, contact);
    for hop in 0..3 {
        far = far.header(HeaderName::Path, format!("<sip:{long}@hop{hop}.example;lr>"));
    }
    let response = answer_to(&mut World::new(), far);
    assert_eq!(response.status(), 400, "the way to it");
}

#[test]
fn an_unknown_number_and_a_wrong_password_look_the_same() {
    let mut world = World::new();
    world.device(ALICE, Transport::Udp);
    let known = answer_to(&mut world, request("REGISTER", "sip:hongyan.local").header(
        HeaderName::Authorization,
        format!("Digest username=\"{ALICE}\", realm=\"{DOMAIN}\", nonce=\"n\", uri=\"sip:{DOMAIN}\", response=\"00\", algorithm=MD5"),
    ));
    let mut world = World::new();
    let unknown = answer_to(&mut world, request("REGISTER", "sip:hongyan.local").header(
        HeaderName::Authorization,
        format!("Digest username=\"{BOB}\", realm=\"{DOMAIN}\", nonce=\"n\", uri=\"sip:{DOMAIN}\", response=\"00\", algorithm=MD5"),
    ));
    assert_eq!(known.status(), unknown.status());
}

#[test]
fn whoever_guesses_a_password_has_to_wait_and_nobody_else() {
    let mut world = World::with(1, |config| config.wrong_passwords_max = 3);
    let alice = world.handset(ALICE);
    let mut guesses = 0;
    let mut guess = |world: &mut World, method: &str| {
        guesses += 1;
        let (header, uri) = match method {
            "REGISTER" => (HeaderName::Authorization, "sip:hongyan.local"),
            _ => (HeaderName::ProxyAuthorization, "sip:+8613800000002@hongyan.local"),
        };
        let credentials = format!(
            "Digest username=\"{ALICE}\", realm=\"{DOMAIN}\", nonce=\"n\", uri=\"{uri}\", response=\"{guesses:032}\", algorithm=MD5"
        );
        let request = RequestBuilder::new(method, uri)
            .header(HeaderName::Via, format!("SIP/2.0/UDP 10.9.9.9;rport;branch=z9hG4bKguess{guesses}"))
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format!("<sip:{ALICE}@{DOMAIN}>;tag=1"))
            .header(HeaderName::To, format!("<sip:{ALICE}@{DOMAIN}>"))
            .header(HeaderName::CallId, format!("guess-{guesses}"))
            .header(HeaderName::CSeq, format!("1 {method}"))
            .header(header, credentials);
        answer_to(world, request)
    };
    assert_eq!([guess(&mut world, "REGISTER").status(), guess(&mut world, "MESSAGE").status()], [401, 407]);
    assert_eq!(guess(&mut world, "REGISTER").status(), 401);
    for method in ["REGISTER", "MESSAGE"] {
        let refused = guess(&mut world, method);
        assert_eq!(refused.status(), 503, "{method}");
        let wait: u64 = refused.header(HeaderName::RetryAfter).expect("how long").parse().expect("seconds");
        assert!((1..=301).contains(&wait), "{wait}");
    }
    // Alice is elsewhere, and registers and speaks as ever; another device of hers too.
    world.register(alice);
    let second = world.handset(ALICE);
    assert!(world.phones[alice].is_registered && world.phones[second].is_registered);
    world.run_for(seconds(301));
    assert_eq!(guess(&mut world, "REGISTER").status(), 401);
}

#[test]
fn what_is_required_and_not_known_is_refused_by_name() {
    let mut world = World::new();
    let response = answer_to(
        &mut world,
        request("REGISTER", "sip:hongyan.local").header(HeaderName::Require, "path, teleport"),
    );
    assert_eq!(response.status(), 420);
    assert_eq!(response.header(HeaderName::Unsupported).as_deref(), Some("teleport"));
}

#[test]
fn methods_that_are_not_there_are_refused_with_those_that_are() {
    let mut world = World::new();
    let response = answer_to(&mut world, request("INFO", "sip:+8613800000002@hongyan.local"));
    assert_eq!(response.status(), 405);
    assert!(response.header(HeaderName::Allow).is_some_and(|allow| allow.contains("MESSAGE")));
}

#[test]
fn the_last_hop_is_the_last() {
    let mut world = World::new();
    let request = RequestBuilder::new("OPTIONS", "sip:hongyan.local")
        .header(HeaderName::Via, "SIP/2.0/UDP 10.9.9.9;rport;branch=z9hG4bKlast")
        .header(HeaderName::MaxForwards, 0)
        .header(HeaderName::From, "<sip:x@y>;tag=1")
        .header(HeaderName::To, "<sip:hongyan.local>")
        .header(HeaderName::CallId, "last")
        .header(HeaderName::CSeq, "1 OPTIONS");
    assert_eq!(answer_to(&mut world, request).status(), 483);
}

#[test]
fn options_to_the_centre_is_a_ping() {
    let mut world = World::new();
    let response = answer_to(&mut world, request("OPTIONS", "sip:hongyan.local"));
    assert_eq!(response.status(), 200);
    assert!(response.header(HeaderName::Accept).is_some_and(|accept| accept.contains("message/cpim")));
}

#[test]
fn a_message_from_nowhere_is_challenged_before_anything_is_said_about_its_addressee() {
    let mut world = World::new();
    world.device(ALICE, Transport::Udp);
    for to in [BOB, "+8613899999999"] {
        let message = request("MESSAGE", &format!("sip:{to}@{DOMAIN}"));
        assert_eq!(answer_to(&mut world, message.body("text/plain", "hi")).status(), 407);
    }
}

#[test]
fn a_body_that_claims_to_be_deflated_and_is_not_is_400() {
    let mut world = World::new();
    let message =
        request("MESSAGE", &format!("sip:{BOB}@{DOMAIN}")).header(HeaderName::ContentEncoding, "deflate");
    assert_eq!(answer_to(&mut world, message.body("text/plain", "not deflate at all")).status(), 400);
}

#[test]
fn a_body_above_the_ceiling_is_413() {
    let mut world = World::new();
    let message = request("MESSAGE", &format!("sip:{BOB}@{DOMAIN}"));
    assert_eq!(answer_to(&mut world, message.body("text/plain", vec![b'x'; 9000])).status(), 413);
}

#[test]
fn a_registration_too_short_is_423_with_the_minimum() {
    let mut world = World::new();
    let alice = world.device(ALICE, Transport::Udp);
    world.phones[alice].expires_s = 10;
    world.register(alice);
    assert!(world.phones[alice].responses.contains(&423));
    assert!(!world.phones[alice].is_registered);
}

#[test]
fn expires_0_removes_the_binding_and_mail_waits_again() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].expires_s = 0;
    world.register(bob);
    let sent = world.send(alice, BOB, "gone?");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 202);
    world.phones[bob].expires_s = 3600;
    world.register(bob);
    assert_eq!(world.phones[bob].inbox, [sent]);
}

#[test]
fn an_eleventh_device_takes_the_place_of_the_one_that_has_been_away_longest() {
    let mut world = World::new();
    let devices: Vec<_> = (0..10).map(|_| world.device(ALICE, Transport::Ws)).collect();
    devices.iter().for_each(|device| world.register(*device));
    let eleventh = world.device(ALICE, Transport::Ws);
    world.register(eleventh);
    assert!(world.phones[eleventh].responses.contains(&403), "ten that are there leave no room");
    world.switch_off(devices[3]);
    world.register(eleventh);
    assert!(world.phones[eleventh].is_registered);
    let address = rcs::address::Address::subscriber(ALICE).expect("a number");
    let bound = world.store().bindings(&address).expect("readable").list;
    assert!(bound.iter().all(|binding| binding.device() != world.phones[devices[3]].instance));
}
