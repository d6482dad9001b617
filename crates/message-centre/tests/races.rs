//! Stories of races and corners: what happens within one batch, behind a closed connection, at a ceiling.

mod world;

use std::time::Duration;

use sip::{HeaderName, Transport};
use world::{DOMAIN, World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const DAVE: &str = "+8613800000004";
const CAROL: &str = "+8613800000003";

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A message accepted in the batch in which the device answers the one before it.
#[test]
fn what_is_accepted_while_the_device_answers_is_not_left_lying() {
    let mut late = Vec::new();
    for offset in 59_900..60_100 {
        let mut world = World::new();
        let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
        world.phones[bob].answers_with = 480;
        world.phones[bob].sends_reports = false;
        world.send(alice, BOB, "one");
        world.run_for(seconds(10));
        world.phones[bob].answers_with = 200;
        world.run_for(ms(offset - 10_001));
        // At the instant in which the device answers, and before it does.
        world.now = world.now.plus(ms(1));
        let second = world.send(alice, BOB, "two");
        world.run_for(seconds(5));
        if world.phones[bob].texts.contains(&"one".to_owned()) && !world.phones[bob].inbox.contains(&second) {
            late.push(offset);
        }
    }
    assert!(late.is_empty(), "left lying when sent at {late:?}");
}

/// A connection that closes in the batch that registers it.
#[test]
fn a_connection_that_closes_with_its_register_is_not_there() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let bob = world.device(BOB, Transport::Ws);
    let now = world.time();
    world.phones[bob].register(now, None, 7);
    world.run_for(ms(2));
    world.switch_off(bob);
    world.run_for(seconds(1));
    let before = world.now;
    let sent = world.send(alice, BOB, "hello");
    world.run_for(ms(500));
    assert_eq!(world.phones[alice].answers.get(&sent), Some(&202), "known to be closed ({before:?})");
}

/// A connection vouches for a subscriber who has signed out.
#[test]
fn who_has_signed_out_sends_no_more_without_credentials() {
    let mut world = World::with(1, |config| config.trust_udp_source = false);
    let alice = world.device(ALICE, Transport::Ws);
    world.register(alice);
    world.device(BOB, Transport::Ws);
    world.phones[alice].expires_s = 0;
    world.register(alice);
    world.phones[alice].responses.clear();
    world.send(alice, BOB, "still me");
    world.run_for(seconds(1));
    assert!(world.phones[alice].responses.contains(&407), "{:?}", world.phones[alice].responses);
}

/// The same after the binding has lapsed.
#[test]
fn who_has_lapsed_sends_no_more_without_credentials() {
    let mut world = World::with(1, |config| config.trust_udp_source = false);
    let alice = world.device(ALICE, Transport::Ws);
    world.register(alice);
    world.device(BOB, Transport::Ws);
    world.run_for(seconds(4000));
    world.phones[alice].responses.clear();
    world.send(alice, BOB, "still me");
    world.run_for(seconds(1));
    assert!(world.phones[alice].responses.contains(&407), "{:?}", world.phones[alice].responses);
}

/// A report that met a full mailbox.
#[test]
fn a_report_refused_for_a_full_mailbox_is_taken_when_there_is_room() {
    let mut world = World::with(1, |config| config.mailbox_entries_max = 1);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let carol = world.handset(CAROL);
    world.phones[bob].sends_reports = false;
    world.phones[bob].expires_s = 600_000;
    let sent = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    world.phones[alice].expires_s = 0;
    world.register(alice);
    let filler = world.send(carol, ALICE, "fills it");
    world.run_until_idle();
    assert_eq!(world.phones[carol].answers[&filler], 202);
    let report = |world: &mut World, turn: u32| {
        let xml = rcs::imdn::Imdn::new(&sent, rcs::imdn::Disposition::Delivered).to_xml();
        let body =
            rcs::cpim::CpimBuilder::new(&format!("sip:{BOB}@{DOMAIN}"), &format!("sip:{ALICE}@{DOMAIN}"))
                .message_id(&format!("report{turn}"))
                .content_type(rcs::imdn::CONTENT_TYPE)
                .build(xml);
        let uri = format!("sip:{ALICE}@{DOMAIN};user=phone");
        let request = world.phones[bob]
            .request("MESSAGE", &uri, &format!("rep{turn}"))
            .header(HeaderName::To, format!("<{uri}>"))
            .body("message/cpim", body)
            .build();
        world.send_request(bob, request);
        world.run_for(seconds(1));
        *world.phones[bob].responses.last().expect("an answer")
    };
    assert_eq!(report(&mut world, 1), 503);
    world.phones[alice].expires_s = 3600;
    world.phones[alice].sends_reports = false;
    world.register(alice);
    let status = report(&mut world, 2);
    assert_eq!(world.phones[alice].reports.len(), 1, "answered {status}");
}

/// The process dies after a UDP device has registered and before it has its mail.
#[test]
fn a_bound_device_gets_its_mail_after_a_restart() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Udp));
    world.phones[bob].sends_reports = false;
    world.phones[bob].expires_s = 600_000;
    let sent = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    world.phones[bob].answers_with = 180;
    world.register(bob);
    world.crash();
    world.phones[bob].answers_with = 200;
    world.start();
    world.run_for(world::hours(24));
    assert_eq!(world.phones[bob].inbox, [sent], "a day later");
}

/// A device has moved to another connection while a message was under way over the old one, which hangs.
#[test]
fn a_device_that_has_moved_does_not_wait_for_its_old_connection() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Ws));
    world.register(bob);
    world.phones[bob].is_on = false; // the radio is gone; the connection hangs
    let first = world.send(alice, BOB, "one");
    world.run_for(seconds(6));
    world.phones[bob].flow.id = 99; // another network
    world.register(bob);
    let second = world.send(alice, BOB, "two");
    world.run_for(seconds(50));
    assert_eq!(world.phones[bob].inbox, [first, second], "50 s after it was back");
}

/// Messages that wait in their lane while a later one goes into the mailbox at once.
#[test]
fn a_message_that_waited_its_turn_is_not_overlooked() {
    let mut world = World::new();
    let senders: Vec<_> = [ALICE, CAROL, DAVE].map(|number| world.device(number, Transport::Ws)).into();
    senders.iter().for_each(|sender| world.register(*sender));
    let bob = world.handset(BOB);
    world.phones[bob].sends_reports = false;
    world.weather.lose = 1000; // Bob, the only one over UDP, is in a tunnel
    let mut sent = vec![world.send(senders[1], BOB, "carol")];
    world.run_for(seconds(1));
    sent.push(world.send(senders[0], BOB, "alice 1"));
    sent.push(world.send(senders[0], BOB, "alice 2"));
    world.run_for(ms(3500));
    sent.push(world.send(senders[2], BOB, "dave"));
    world.run_for(seconds(1));
    world.weather.lose = 0;
    world.run_for(seconds(20));
    world.phones[bob].inbox.sort();
    sent.sort();
    assert_eq!(world.phones[bob].texts.len(), 4, "{:?}", world.phones[bob].texts);
}

/// Mail of a bound device that is dead is left alone between attempts.
#[test]
fn a_dead_device_is_left_alone_between_attempts() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].expires_s = 600_000;
    world.register(bob);
    world.switch_off(bob);
    for i in 0..60 {
        world.send(alice, BOB, &format!("{i}"));
        world.run_for(seconds(1));
    }
    world.run_for(seconds(120));
    let flow = world.phones[bob].flow;
    world.tap(flow);
    world.tapped();
    world.run_for(seconds(1800));
    let sent = world.tapped().len();
    // At 1, 5 and 30 minutes, eleven datagrams each.
    assert!(sent <= 5 * 11, "{sent} datagrams to a dead device in half an hour");
}

/// Copies for a device that is away count against the mailbox.
#[test]
fn copies_for_a_device_that_is_away_stay_within_the_mailbox() {
    let mut world = World::with(1, |config| config.mailbox_entries_max = 5);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].sends_reports = false;
    let tablet = world.device(BOB, Transport::Ws);
    world.register(tablet);
    world.switch_off(tablet);
    for i in 0..20 {
        world.send(alice, BOB, &format!("{i}"));
        world.run_for(ms(50));
    }
    assert_eq!(world.phones[bob].inbox.len(), 20, "{:?}", world.phones[alice].answers);
    assert!(world.waiting(BOB) <= 5, "{} wait", world.waiting(BOB));
}

/// A device with two bindings (RFC 5626): when one is dead, the other is tried.
#[test]
fn a_message_already_on_its_way_is_not_taken_twice() {
    let mut world = World::new();
    let (alice, carol) = (world.device(ALICE, Transport::Ws), world.device(CAROL, Transport::Ws));
    world.register(alice);
    world.register(carol);
    let bob = world.handset(BOB);
    world.phones[bob].sends_reports = false;
    world.weather.lose = 1000;
    let first = world.send(carol, BOB, "carol");
    world.run_for(seconds(3));
    let second = world.send(alice, BOB, "alice");
    world.run_for(ms(1500)); // carol's is in the mailbox now, alice's still on its way
    // Alice's client gives up early and repeats itself under a new Call-ID.
    let flow = world.phones[alice].flow;
    world.run_for(ms(100));
    let body = rcs::cpim::CpimBuilder::new(&format!("sip:{ALICE}@{DOMAIN}"), &format!("sip:{BOB}@{DOMAIN}"))
        .message_id(&second)
        .content_type("text/plain")
        .build("alice");
    let uri = format!("sip:{BOB}@{DOMAIN};user=phone");
    let request = world.phones[alice]
        .request("MESSAGE", &uri, "again")
        .header(HeaderName::To, format!("<{uri}>"))
        .body("message/cpim", body)
        .build();
    let _ = flow;
    world.send_request(alice, request);
    world.run_for(ms(100));
    let bob_address = rcs::address::Address::subscriber(BOB).expect("a number");
    world.run_for(seconds(4));
    let entries = world.store().mailbox(&bob_address, 10).expect("readable");
    let copies = entries.iter().filter(|entry| entry.message_id == second).count();
    assert_eq!(copies, 1, "{first}");
}

/// What is left in an agent's queue behind entries that have expired.
#[test]
fn what_waits_behind_expired_messages_is_not_left_lying() {
    let mut world = World::new();
    let (carol, dave) = (world.device(CAROL, Transport::Ws), world.device(DAVE, Transport::Ws));
    world.register(carol);
    world.register(dave);
    let bob = world.device(BOB, Transport::Udp);
    world.phones[bob].sends_reports = false;
    let uri = format!("sip:{BOB}@{DOMAIN};user=phone");
    for i in 0..20 {
        let body = rcs::cpim::CpimBuilder::new(&format!("sip:{CAROL}@{DOMAIN}"), &uri)
            .message_id(&format!("short{i}"))
            .content_type("text/plain")
            .build("soon stale");
        let request = world.phones[carol]
            .request("MESSAGE", &uri, &format!("short{i}"))
            .header(HeaderName::To, format!("<{uri}>"))
            .header(HeaderName::Expires, 30)
            .body("message/cpim", body)
            .build();
        world.send_request(carol, request);
        world.run_for(ms(10));
    }
    let last = world.send(dave, BOB, "still good");
    world.run_for(seconds(20));
    let now = world.time();
    world.phones[bob].register(now, None, 7);
    world.run_for(ms(4)); // challenged, answered, registered; the first message is on its way
    world.weather.lose = 1000;
    world.run_for(seconds(12));
    world.weather.lose = 0;
    world.run_for(seconds(600));
    assert!(world.phones[bob].inbox.contains(&last), "ten minutes later: {:?}", world.phones[bob].texts);
}

/// Names of devices have a ceiling.
#[test]
fn a_device_name_of_many_kilobytes_is_refused() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Ws));
    world.phones[bob].instance = format!("urn:uuid:{}", "x".repeat(20_000));
    world.register(bob);
    world.switch_off(bob);
    world.send(alice, BOB, "hi");
    world.run_until_idle();
    let address = rcs::address::Address::subscriber(BOB).expect("a number");
    let entries = world.store().mailbox(&address, 10).expect("readable");
    let bytes: usize = entries.iter().flat_map(|entry| &entry.waiting).map(String::len).sum();
    assert!(
        bytes < 2_000,
        "{bytes} bytes of device names in one entry of {} body bytes",
        entries[0].body.len()
    );
}
