//! Subscribers who leave, and whoever gets their number afterwards.

mod world;

use message_centre::admin::{Answer, Call};
use rcs::address::Address;
use rcs::imdn::Disposition::Failed;
use sip::Transport;
use store::Outcome;
use world::{World, hours, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";

fn remove(world: &mut World, number: &str) {
    let address = Address::subscriber(number).expect("a number");
    world.admin(Call::RemoveSubscriber(address));
    assert_eq!(world.admin_answers.last(), Some(&Answer::Removed));
}

#[test]
fn what_waits_for_a_removed_subscriber_ends_and_its_senders_hear_so() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.device(BOB, Transport::Udp);
    let sent: Vec<String> = (0..150).map(|i| world.send(alice, BOB, &format!("{i}"))).collect();
    world.run_for(seconds(60));
    assert_eq!(world.waiting(BOB), 150);
    remove(&mut world, BOB);
    world.run_until_idle();
    assert_eq!(world.waiting(BOB), 0);
    for id in &sent {
        assert!(matches!(world.records(id)[0].outcome, Outcome::Refused(_)), "{:?}", world.records(id));
        assert!(world.phones[alice].reports.contains(&(id.clone(), Failed)), "{id}");
    }
}

#[test]
fn the_next_holder_of_a_number_gets_nothing_of_the_last() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.device(BOB, Transport::Udp);
    (0..300).for_each(|i| drop(world.send(alice, BOB, &format!("{i}"))));
    world.run_for(seconds(60));
    remove(&mut world, BOB);
    world.crash();
    world.start();
    world.register(alice);
    world.run_until_idle();
    assert_eq!(world.waiting(BOB), 0, "a restart in the middle only delays it");
    let bob = world.handset(BOB);
    let sent = world.send(alice, BOB, "are you new here?");
    world.run_until_idle();
    assert_eq!(world.phones[bob].inbox, [sent]);
}

#[test]
fn a_number_whose_mail_is_being_cleared_is_given_out_a_moment_later() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.device(BOB, Transport::Udp);
    (0..600).for_each(|i| drop(world.send(alice, BOB, &format!("{i}"))));
    world.run_for(seconds(120));
    remove(&mut world, BOB);
    let bob = world.device(BOB, Transport::Udp);
    assert_eq!(world.admin_answers.last(), Some(&Answer::NotYet));
    world.run_until_idle();
    world.device(BOB, Transport::Udp);
    assert_eq!(world.admin_answers.last(), Some(&Answer::Added));
    world.register(bob);
    assert!(world.phones[bob].inbox.is_empty());
}

#[test]
fn a_message_on_its_way_to_a_removed_subscriber_is_not_kept() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].is_mute = true;
    let sent = world.send(alice, BOB, "supper?");
    world.run_for(seconds(1));
    remove(&mut world, BOB);
    world.run_for(seconds(60));
    assert_eq!(world.phones[alice].answers[&sent], 404);
    assert_eq!(world.waiting(BOB), 0);
}

#[test]
fn nobody_reports_to_a_sender_who_is_gone() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.device(BOB, Transport::Udp);
    world.send(alice, BOB, "supper?");
    world.run_for(seconds(60));
    remove(&mut world, ALICE);
    world.run_for(hours(31 * 24));
    assert_eq!(world.waiting(ALICE), 0);
    world.device(ALICE, Transport::Udp);
    assert_eq!(world.admin_answers.last(), Some(&Answer::Added));
}
