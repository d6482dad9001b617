//! Messages that are taken back.

mod world;

use sip::Transport;
use store::Outcome;
use world::{World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const CAROL: &str = "+8613800000003";

#[test]
fn a_message_that_still_waits_is_taken_back_and_never_shown() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Udp));
    // Enough for several pages of the mailbox.
    let sent: Vec<String> = (0..600).map(|i| world.send(alice, BOB, &format!("{i}"))).collect();
    world.run_for(seconds(60));
    for i in [0, 300, 599] {
        assert_eq!(world.revoke(alice, BOB, &sent[i]), 200);
    }
    world.run_until_idle();
    let ok = |i: usize| (sent[i].clone(), true);
    assert_eq!(world.phones[alice].revoked, [ok(0), ok(300), ok(599)]);
    assert_eq!(world.records(&sent[300])[0].outcome, Outcome::Revoked);
    assert_eq!(world.waiting(BOB), 597);
    world.register(bob);
    world.run_for(seconds(60));
    assert_eq!(world.phones[bob].inbox.len(), 597);
    assert!([0, 300, 599].iter().all(|i| !world.phones[bob].inbox.contains(&sent[*i])));
    // Asked again, it is still so.
    world.revoke(alice, BOB, &sent[0]);
    world.run_until_idle();
    assert_eq!(world.phones[alice].revoked.last(), Some(&ok(0)));
}

#[test]
fn a_message_that_was_delivered_or_never_was_cannot_be_taken_back() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let sent = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    assert_eq!(world.revoke(alice, BOB, &sent), 200);
    assert_eq!(world.revoke(alice, BOB, "unheard-of"), 200);
    world.run_until_idle();
    assert_eq!(world.phones[alice].revoked, [(sent.clone(), false), ("unheard-of".to_owned(), false)]);
    assert_eq!(world.phones[bob].inbox, [sent.as_str()]);
    assert_eq!(world.records(&sent)[0].outcome, Outcome::Delivered);
    assert_eq!(world.revoke(alice, "+8613899999999", "x"), 404);
}

#[test]
fn only_its_author_takes_a_message_back() {
    let mut world = World::new();
    let (alice, carol) = (world.handset(ALICE), world.handset(CAROL));
    world.device(BOB, Transport::Udp);
    let sent = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    world.revoke(carol, BOB, &sent);
    world.run_until_idle();
    assert_eq!(world.phones[carol].revoked, [(sent.clone(), false)]);
    assert_eq!(world.waiting(BOB), 1);
    assert_eq!(world.records(&sent)[0].outcome, Outcome::Waiting);
}

#[test]
fn what_one_device_has_stays_with_all_of_them() {
    let mut world = World::new();
    let (alice, phone) = (world.handset(ALICE), world.handset(BOB));
    let tablet = world.device(BOB, Transport::Ws);
    world.register(tablet);
    world.switch_off(tablet);
    let sent = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    assert_eq!((world.waiting(BOB), world.phones[phone].inbox.len()), (1, 1));
    world.revoke(alice, BOB, &sent);
    world.run_until_idle();
    assert_eq!(world.phones[alice].revoked, [(sent, false)]);
    world.switch_on(tablet);
    assert_eq!(world.phones[tablet].inbox.len(), 1);
}

#[test]
fn while_a_device_is_being_given_it_nobody_can_know() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].is_mute = true;
    let sent = world.send(alice, BOB, "supper?");
    world.run_for(seconds(1));
    world.revoke(alice, BOB, &sent);
    world.run_for(seconds(5));
    world.revoke(alice, BOB, &sent);
    world.run_for(seconds(1));
    assert_eq!(world.phones[alice].revoked, [(sent.clone(), false), (sent.clone(), false)]);
    // It has not answered: the message is known to wait, and goes.
    world.run_for(seconds(30));
    world.revoke(alice, BOB, &sent);
    world.run_for(seconds(1));
    assert_eq!(world.phones[alice].revoked.last(), Some(&(sent.clone(), true)));
    world.phones[bob].is_mute = false;
    world.run_for(seconds(3600));
    assert!(world.phones[bob].inbox.is_empty());
}

#[test]
fn an_author_who_is_away_hears_of_it_later() {
    let mut world = World::new();
    let alice = world.device(ALICE, Transport::Ws);
    world.register(alice);
    world.device(BOB, Transport::Udp);
    let sent = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    world.revoke(alice, BOB, &sent);
    world.switch_off(alice);
    world.crash();
    world.start();
    world.switch_on(alice);
    world.run_until_idle();
    assert_eq!(world.phones[alice].revoked.last(), Some(&(sent.clone(), true)));
    assert_eq!(world.records(&sent)[0].outcome, Outcome::Revoked);
}
