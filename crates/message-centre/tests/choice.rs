//! Messages that want a device of a certain kind (RFC 3841).

mod world;

use rcs::cpim::{self, CpimBuilder};
use sip::{HeaderName, Transport};
use store::Outcome;
use world::{DOMAIN, Phone, World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const CARDS: &str = ";+g.gsma.rcs.botversion=\"#=1,#=2\"";

/// Sends a text with an Accept-Contact; the status of the answer.
fn send(world: &mut World, from: Phone, id: &str, accept_contact: &str) -> u16 {
    let uri = format!("sip:{BOB}@{DOMAIN};user=phone");
    let phone = &mut world.phones[from];
    phone.responses.clear();
    let body = CpimBuilder::new(&format!("tel:{ALICE}"), &format!("tel:{BOB}"))
        .message_id(id)
        .content_type("text/plain;charset=UTF-8")
        .build(id);
    let request = phone
        .request("MESSAGE", &uri, &format!("call-{id}"))
        .header(HeaderName::To, format!("<{uri}>"))
        .header(HeaderName::AcceptContact, accept_contact)
        .body(cpim::CONTENT_TYPE, body)
        .build();
    world.send_request(from, request);
    world.run_for(seconds(5));
    world.phones[from].responses[0]
}

/// Alice, and Bob's phone and tablet; the tablet shows cards.
fn world() -> (World, Phone, Phone, Phone) {
    let mut world = World::new();
    let (alice, phone) = (world.handset(ALICE), world.handset(BOB));
    let tablet = world.device(BOB, Transport::Ws);
    world.phones[tablet].features = CARDS.to_owned();
    world.register(tablet);
    (world, alice, phone, tablet)
}

#[test]
fn what_is_required_goes_only_to_the_device_that_has_it() {
    let (mut world, alice, phone, tablet) = world();
    let wanted = "*;+g.gsma.rcs.botversion=\"#=1\";require;explicit";
    assert_eq!(send(&mut world, alice, "m1", wanted), 200);
    assert!(world.phones[phone].inbox.is_empty());
    assert_eq!(world.phones[tablet].inbox, ["m1"]);
    assert_eq!(world.waiting(BOB), 0, "the phone is not waited for");
}

#[test]
fn what_is_preferred_goes_to_all() {
    let (mut world, alice, phone, tablet) = world();
    assert_eq!(send(&mut world, alice, "m1", "*;+g.gsma.rcs.botversion=\"#=1\";explicit"), 200);
    // Required, but not explicitly: who says nothing may be meant.
    assert_eq!(send(&mut world, alice, "m2", "*;+g.gsma.rcs.botversion=\"#=1\";require"), 200);
    assert_eq!(world.phones[phone].inbox, ["m1", "m2"]);
    assert_eq!(world.phones[tablet].inbox, ["m1", "m2"]);
}

#[test]
fn when_no_device_has_it_the_message_waits_for_one_also_over_a_crash() {
    let (mut world, alice, phone, tablet) = world();
    world.phones[tablet].features.clear();
    world.register(tablet);
    assert_eq!(send(&mut world, alice, "m1", "*;+g.gsma.rcs.botversion=\"#=1\";require;explicit"), 202);
    // Others are not held up by it.
    let sent = world.send(alice, BOB, "plain");
    world.run_for(seconds(5));
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[phone].inbox, [sent.as_str()]);
    world.run_for(seconds(600));
    world.crash();
    world.start();
    world.switch_on(phone);
    world.phones[tablet].features = CARDS.to_owned();
    world.switch_on(tablet);
    world.run_until_idle();
    assert_eq!(world.phones[phone].inbox, [sent.as_str()]);
    assert!(world.phones[tablet].inbox.contains(&"m1".to_owned()));
    assert_eq!(world.records("m1")[0].outcome, Outcome::Delivered);
    assert_eq!(world.waiting(BOB), 0);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let (mut world, alice, ..) = world();
    assert_eq!(send(&mut world, alice, "m1", "sip:nobody;require"), 400);
    let long = format!("*;+g.x=\"{}\";require", "x".repeat(600));
    assert_eq!(send(&mut world, alice, "m2", &long), 400);
}
