//! Block lists and spam reports.

mod world;

use message_centre::admin;
use message_centre::blocks::{Answer, Call};
use rcs::address::Address;
use rcs::imdn::Disposition::{Delivered, Displayed};
use rcs::spam_report::{self, SpamReport};
use sip::Transport;
use store::Outcome;
use world::{Phone, World, hours, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const LOTTERY: &str = "sip:lottery@botplatform.hongyan.local";

fn address(number: &str) -> Address {
    Address::subscriber(number).expect("a number")
}

fn change(world: &mut World, call: Call) -> Answer {
    match world.ask(admin::Call::Blocks(call)) {
        admin::Answer::Blocks(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn bob_blocks_alice(world: &mut World) {
    assert_eq!(change(world, Call::Block(address(BOB), address(ALICE))), Answer::Done);
}

#[test]
fn what_a_blocked_person_says_is_taken_and_dropped() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    bob_blocks_alice(&mut world);
    let sent = world.send(alice, BOB, "hello?");
    world.run_for(hours(1));
    assert_eq!(world.phones[alice].answers[&sent], 202, "as if Bob were away");
    assert!(world.phones[bob].inbox.is_empty() && world.phones[alice].reports.is_empty());
    assert_eq!(world.waiting(BOB), 0);
    assert!(matches!(&world.records(&sent)[0].outcome, Outcome::Refused(why) if why.contains("blocked")));
    // The same again is answered as before.
    world.phones[alice].outbox.push_back((sent.clone(), BOB.to_owned(), "hello?".to_owned()));
    world.register(alice);
    assert_eq!(world.phones[alice].answers[&sent], 202);
}

#[test]
fn a_blocked_person_is_told_so_where_the_operator_wants_it() {
    let mut world = World::with(1, |config| config.refuse_blocked = true);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    bob_blocks_alice(&mut world);
    let sent = world.send(alice, BOB, "hello?");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 403);
    assert!(world.phones[bob].inbox.is_empty());
}

#[test]
fn who_blocks_may_still_speak_and_hear_what_became_of_it() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    bob_blocks_alice(&mut world);
    let sent = world.send(bob, ALICE, "leave me alone");
    world.run_until_idle();
    assert_eq!(world.phones[alice].inbox, [sent.as_str()]);
    assert_eq!(world.phones[bob].reports, [(sent.clone(), Delivered), (sent, Displayed)]);
}

#[test]
fn a_list_outlives_a_crash_and_ends_when_it_is_lifted() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    bob_blocks_alice(&mut world);
    bob_blocks_alice(&mut world);
    assert_eq!(world.store().blocks(&address(BOB)).unwrap().list.len(), 1);
    world.crash();
    world.start();
    world.send(alice, BOB, "one");
    world.run_until_idle();
    assert!(world.phones[bob].inbox.is_empty());
    assert_eq!(change(&mut world, Call::Unblock(address(BOB), address(ALICE))), Answer::Done);
    assert_eq!(change(&mut world, Call::Unblock(address(BOB), address(ALICE))), Answer::NotBlocked);
    let sent = world.send(alice, BOB, "two");
    world.run_until_idle();
    assert_eq!(world.phones[bob].inbox, [sent]);
}

#[test]
fn a_list_has_a_ceiling_and_goes_with_its_owner() {
    let mut world = World::new();
    world.device(BOB, Transport::Udp);
    for i in 0..1000 {
        let whom = address(&format!("+861390000{i:04}"));
        assert_eq!(change(&mut world, Call::Block(address(BOB), whom)), Answer::Done);
    }
    assert_eq!(change(&mut world, Call::Block(address(BOB), address(ALICE))), Answer::Full);
    assert_eq!(change(&mut world, Call::Block(address(ALICE), address(BOB))), Answer::NoSubscriber);
    world.admin(admin::Call::RemoveSubscriber(address(BOB)));
    assert!(world.store().blocks(&address(BOB)).unwrap().list.is_empty());
}

fn report(world: &mut World, from: Phone, to: &str, report: &SpamReport) -> u16 {
    world.send_document(from, to, spam_report::CONTENT_TYPE, &report.to_xml())
}

fn about(uri: Option<&str>) -> SpamReport {
    SpamReport {
        about: uri.map(str::to_owned),
        message_ids: vec!["m1".to_owned()],
        kind: Some("phishing".to_owned()),
        text: Some("asks for my password".to_owned()),
    }
}

#[test]
fn a_spam_report_is_kept_whatever_it_is_addressed_to() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    assert_eq!(
        report(&mut world, alice, "spam-report@botplatform.hongyan.local", &about(Some(LOTTERY))),
        200
    );
    assert_eq!(report(&mut world, alice, "lottery@botplatform.hongyan.local", &about(None)), 200);
    assert_eq!(report(&mut world, alice, BOB, &about(None)), 200);
    assert_eq!(report(&mut world, alice, "anything@spam.example", &about(Some("tel:+8613800000002"))), 200);
    assert_eq!(report(&mut world, alice, "spam-report@botplatform.hongyan.local", &about(None)), 400);
    let kept = world.store().spam_reports(10).unwrap();
    let names: Vec<&str> = kept.iter().map(|report| report.about.as_str()).collect();
    assert_eq!(names, ["tel:+8613800000002", "tel:+8613800000002", LOTTERY, LOTTERY], "the latest first");
    assert_eq!(kept[0].from, address(ALICE));
    assert_eq!(kept[0].text.as_deref(), Some("asks for my password"));
    assert!(world.store().old_spam_reports(world.now, 10).unwrap().len() >= 3);
}

#[test]
fn who_reports_all_the_time_is_not_listened_to_for_a_while() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let to = "spam-report@botplatform.hongyan.local";
    let answers: Vec<u16> = (0..21).map(|_| report(&mut world, alice, to, &about(Some(LOTTERY)))).collect();
    assert!(answers[..20].iter().all(|status| *status == 200));
    assert_eq!(answers[20], 503);
    world.run_for(seconds(3600));
    world.register(alice);
    assert_eq!(report(&mut world, alice, to, &about(Some(LOTTERY))), 200);
}
