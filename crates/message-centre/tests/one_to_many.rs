//! One message for many.

mod world;

use bytes::Bytes;
use message_centre::files::Foreign;
use rcs::cpim::{self, CpimBuilder, Dispositions};
use rcs::file_transfer;
use rcs::imdn::Disposition::{Delivered, Displayed, Failed};
use rcs::multipart::{self, Part};
use rcs::resource_list::{self, CopyControl, Recipient};
use sip::{HeaderName, Transport};
use store::Outcome;
use world::{DOMAIN, Phone, World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const CAROL: &str = "+8613800000003";
const NOBODY: &str = "+8613899999999";

/// Alice's handset, on a connection: lists are long.
fn alice(world: &mut World) -> Phone {
    let alice = world.device(ALICE, Transport::Ws);
    world.register(alice);
    alice
}

/// The body: a list, and what is said.
fn body(to: &[&str], id: &str, text: &str) -> (String, Bytes) {
    let recipients: Vec<Recipient> = to
        .iter()
        .map(|uri| Recipient { copy_control: Some(CopyControl::To), ..Recipient::new(format!("tel:{uri}")) })
        .collect();
    let list = Part::new(resource_list::CONTENT_TYPE, resource_list::write(&recipients))
        .with_header("Content-Disposition", resource_list::DISPOSITION);
    let wanted = Dispositions { negative_delivery: true, ..Dispositions::DELIVERY_AND_DISPLAY };
    let said = CpimBuilder::new(&format!("tel:{ALICE}"), "sip:anonymous@anonymous.invalid")
        .message_id(id)
        .dispositions(wanted)
        .content_type("text/plain;charset=UTF-8")
        .build(text);
    multipart::write(&[list, Part::new(cpim::CONTENT_TYPE, said)])
}

/// Sends it; the status of the answer.
fn send(world: &mut World, from: Phone, body: (String, Bytes)) -> u16 {
    send_to_fitting(world, from, "*", body)
}

/// The same, to devices that fit.
fn send_to_fitting(
    world: &mut World,
    from: Phone,
    accept_contact: &str,
    (content_type, body): (String, Bytes),
) -> u16 {
    let uri = format!("sip:exploder@{DOMAIN}");
    let phone = &mut world.phones[from];
    phone.responses.clear();
    let call_id = format!("many-{}", world.now.as_millis());
    let request = world.phones[from]
        .request("MESSAGE", &uri, &call_id)
        .header(HeaderName::To, format!("<{uri}>"))
        .header(HeaderName::Require, "recipient-list-message")
        .header(HeaderName::AcceptContact, accept_contact)
        .header(HeaderName::ConversationId, "conversation-of-many")
        .body(&content_type, body)
        .build();
    world.send_request(from, request);
    world.run_for(seconds(1));
    *world.phones[from].responses.first().expect("an answer")
}

#[test]
fn everybody_on_the_list_gets_a_message_of_their_own_under_the_same_ids() {
    let mut world = World::new();
    let (alice, bob) = (alice(&mut world), world.handset(BOB));
    let carol = world.device(CAROL, Transport::Udp);
    assert_eq!(send(&mut world, alice, body(&[BOB, CAROL, BOB], "m1", "party!")), 202);
    world.run_until_idle();
    assert_eq!(world.phones[bob].texts, ["party!"]);
    world.register(carol);
    assert_eq!(world.phones[carol].inbox, ["m1"]);
    let records = world.records("m1");
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.conversation_id == "conversation-of-many"));
    // Each reports for themselves.
    let reports = &world.phones[alice].reports;
    assert_eq!(reports.iter().filter(|(_, what)| *what == Delivered).count(), 2);
    assert_eq!(reports.iter().filter(|(_, what)| *what == Displayed).count(), 2);
}

#[test]
fn what_is_required_of_devices_is_required_of_everybodys() {
    let mut world = World::new();
    let (alice, bob) = (alice(&mut world), world.handset(BOB));
    let tablet = world.device(BOB, Transport::Ws);
    world.phones[tablet].features = ";+g.gsma.rcs.botversion=\"#=1,#=2\"".to_owned();
    world.register(tablet);
    let wanted = "*;+g.gsma.rcs.botversion=\"#=1\";require;explicit";
    assert_eq!(send_to_fitting(&mut world, alice, wanted, body(&[BOB, CAROL], "m1", "party!")), 202);
    world.run_until_idle();
    assert_eq!(world.phones[tablet].inbox, ["m1"]);
    assert!(world.phones[bob].inbox.is_empty());
    assert_eq!(world.waiting(BOB), 0, "the phone is not waited for");
}

#[test]
fn a_repeat_is_answered_again_and_delivered_once() {
    let mut world = World::new();
    let (alice, bob) = (alice(&mut world), world.handset(BOB));
    world.handset(CAROL);
    for _ in 0..3 {
        assert_eq!(send(&mut world, alice, body(&[BOB, CAROL], "m1", "party!")), 202);
    }
    world.run_until_idle();
    assert_eq!(world.phones[bob].texts, ["party!"]);
}

#[test]
fn what_goes_wrong_for_one_is_no_harm_to_the_others_and_is_reported() {
    let mut world = World::new();
    let (alice, bob) = (alice(&mut world), world.handset(BOB));
    world.phones[bob].sends_reports = false;
    assert_eq!(send(&mut world, alice, body(&[NOBODY, BOB], "m1", "party!")), 202);
    world.run_until_idle();
    assert_eq!(world.phones[bob].texts, ["party!"]);
    assert_eq!(world.phones[alice].reports, [("m1".to_owned(), Failed)]);
    let lost = world.records("m1").into_iter().find(|record| record.to.user() == NOBODY).unwrap();
    assert!(matches!(lost.outcome, Outcome::Refused(_)));
}

#[test]
fn a_crash_after_the_answer_loses_no_copy() {
    let mut world = World::new();
    let alice = alice(&mut world);
    let numbers: Vec<String> = (0..100).map(|i| format!("+861390000{i:04}")).collect();
    let others: Vec<Phone> = numbers.iter().map(|number| world.device(number, Transport::Udp)).collect();
    let to: Vec<&str> = numbers.iter().map(String::as_str).collect();
    assert_eq!(send(&mut world, alice, body(&to, "m1", "party!")), 202);
    world.crash();
    world.start();
    for other in others {
        world.register(other);
        assert_eq!(world.phones[other].texts, ["party!"]);
    }
}

#[test]
fn lists_that_are_too_long_empty_or_no_lists_are_refused() {
    let mut world = World::new();
    let alice = alice(&mut world);
    let many: Vec<String> = (0..101).map(|i| format!("+861390000{i:04}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(send(&mut world, alice, body(&many, "m1", "party!")), 403);
    assert_eq!(send(&mut world, alice, body(&[], "m1", "party!")), 400);
    assert_eq!(send(&mut world, alice, ("text/plain".to_owned(), "party!".into())), 400);
    let long = "x".repeat(9000);
    assert_eq!(send(&mut world, alice, body(&[BOB], "m1", &long)), 413);
    assert!(world.records("m1").is_empty());
}

#[test]
fn who_has_blocked_the_sender_hears_nothing_and_the_sender_does_not_learn_it() {
    let mut world = World::new();
    let (alice, bob) = (alice(&mut world), world.handset(BOB));
    let carol = world.handset(CAROL);
    let number = |text: &str| rcs::address::Address::subscriber(text).unwrap();
    let call = message_centre::blocks::Call::Block(number(BOB), number(ALICE));
    world.admin(message_centre::admin::Call::Blocks(call));
    assert_eq!(send(&mut world, alice, body(&[BOB, CAROL], "m1", "party!")), 202);
    world.run_until_idle();
    assert!(world.phones[bob].texts.is_empty());
    assert_eq!(world.phones[carol].texts, ["party!"]);
    assert!(world.phones[alice].reports.iter().all(|(_, what)| *what != Failed));
}

#[test]
fn a_file_from_elsewhere_is_for_nobody() {
    let mut world = World::with(1, |config| config.files.foreign = Foreign::Refuse);
    let alice = alice(&mut world);
    world.device(BOB, Transport::Udp);
    let document = "<file xmlns=\"urn:gsma:params:xml:ns:rcs:rcs:fthttp\"><file-info type=\"file\">\
        <file-size>1</file-size><content-type>image/png</content-type>\
        <data url=\"https://evil.example/a\" until=\"2030-01-01T00:00:00Z\"/></file-info></file>";
    let list =
        Part::new(resource_list::CONTENT_TYPE, resource_list::write(&[Recipient::new(format!("tel:{BOB}"))]))
            .with_header("Content-Disposition", resource_list::DISPOSITION);
    let file = multipart::write(&[list, Part::new(file_transfer::CONTENT_TYPE, document)]);
    assert_eq!(send(&mut world, alice, file), 403);
    assert_eq!(world.waiting(BOB), 0);
}
