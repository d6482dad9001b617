//! Several flows of one device, and the URIs that name a device.

mod world;

use sip::Transport;
use store::Outcome;
use world::{Phone, World, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";

/// Another flow of `phone`'s device, as a second phone: same instance, next reg-id.
fn second_flow(world: &mut World, phone: Phone, transport: Transport) -> Phone {
    let second = world.device(BOB, transport);
    world.phones[second].instance = world.phones[phone].instance.clone();
    world.phones[phone].reg_id = Some(1);
    world.phones[second].reg_id = Some(2);
    second
}

/// A device of Bob's that is registered over UDP and then over `transport`.
fn two_flows(world: &mut World, transport: Transport) -> (Phone, Phone) {
    let first = world.device(BOB, Transport::Udp);
    let second = second_flow(world, first, transport);
    world.register(first);
    world.run_for(seconds(5));
    world.register(second);
    assert_eq!(world.phones[second].contacts.len(), 2);
    (first, second)
}

#[test]
fn of_two_flows_the_newest_is_taken_and_only_that_one() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let (first, second) = two_flows(&mut world, Transport::Udp);
    let sent = world.send(alice, BOB, "one");
    world.run_until_idle();
    assert_eq!(world.phones[second].inbox, [sent.as_str()]);
    assert!(world.phones[first].inbox.is_empty());
    // The older flow is refreshed, and is the newest from then on.
    world.register(first);
    let sent = world.send(alice, BOB, "two");
    world.run_until_idle();
    assert_eq!(world.phones[first].inbox, [sent]);
    assert_eq!(world.phones[second].inbox.len(), 1);
}

#[test]
fn a_flow_that_is_closed_leaves_the_other() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let (first, second) = two_flows(&mut world, Transport::Ws);
    world.switch_off(second);
    let sent = world.send(alice, BOB, "one");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[first].inbox, [sent]);
}

#[test]
fn a_closed_older_flow_does_not_hide_the_newer_one() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let first = world.device(BOB, Transport::Ws);
    let second = second_flow(&mut world, first, Transport::Ws);
    world.register(first);
    world.run_for(seconds(5));
    world.register(second);
    world.switch_off(first);
    let sent = world.send(alice, BOB, "one");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 200, "not kept, since the device is there");
    assert_eq!(world.phones[second].inbox, [sent]);
}

#[test]
fn a_flow_that_does_not_answer_is_given_up_for_the_other() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let (first, second) = two_flows(&mut world, Transport::Udp);
    world.phones[second].is_mute = true;
    let sent = world.send(alice, BOB, "one");
    world.run_for(seconds(40));
    assert_eq!(world.phones[first].inbox, [sent.as_str()]);
    assert_eq!(world.records(&sent)[0].outcome, Outcome::Delivered);
    assert_eq!(world.waiting(BOB), 0);
    // What is dead is not tried again: the next message goes straight over the other flow.
    let next = world.send(alice, BOB, "two");
    world.run_for(seconds(2));
    assert_eq!(world.phones[alice].answers[&next], 200);
    assert_eq!(world.phones[first].texts, ["one", "two"]);
}

#[test]
fn a_430_of_an_edge_sends_the_message_over_the_other_flow_at_once() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let (first, second) = two_flows(&mut world, Transport::Udp);
    world.phones[second].answers_with = 430;
    let sent = world.send(alice, BOB, "one");
    world.run_for(seconds(2));
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[first].inbox, [sent]);
}

#[test]
fn a_refusal_over_one_flow_is_the_devices_refusal() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let (first, second) = two_flows(&mut world, Transport::Udp);
    world.phones[second].answers_with = 488;
    let sent = world.send(alice, BOB, "one");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 488);
    assert!(world.phones[first].inbox.is_empty());
}

/// The user part and domain of the temporary GRUU that a phone was given last.
fn temporary_gruu(world: &World, phone: Phone) -> String {
    let contact = &world.phones[phone].contacts[0];
    let gruu = contact.split("temp-gruu=\"sip:").nth(1).expect("a temporary GRUU");
    gruu.split('"').next().expect("it ends").to_owned()
}

#[test]
fn a_temporary_gruu_lasts_as_long_as_its_registration() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let first = temporary_gruu(&world, bob);
    world.register(bob);
    let second = temporary_gruu(&world, bob);
    assert_ne!(first, second);
    // Those of one registration all stay good.
    for gruu in [&first, &second] {
        let sent = world.send(alice, gruu, "psst");
        world.run_until_idle();
        assert_eq!(world.phones[alice].answers[&sent], 200);
    }
    // The device starts anew with another Call-ID: who kept the old ones cannot follow it.
    world.phones[bob].registers_as = "another".to_owned();
    world.register(bob);
    for gruu in [&first, &second] {
        let sent = world.send(alice, gruu, "psst");
        world.run_until_idle();
        assert_eq!(world.phones[alice].answers[&sent], 404);
    }
    let third = temporary_gruu(&world, bob);
    let sent = world.send(alice, &third, "psst");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[bob].inbox.len(), 3);
    // A registration that has ended took its GRUUs with it.
    world.phones[bob].expires_s = 0;
    world.register(bob);
    let sent = world.send(alice, &third, "psst");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 404);
}

#[test]
fn a_public_gruu_reaches_its_device_whatever_registered_it() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let tablet = world.handset(BOB);
    world.phones[bob].registers_as = "another".to_owned();
    world.register(bob);
    let gruu = format!("{BOB}@{};gr={}", world::DOMAIN, world.phones[bob].instance);
    let sent = world.send(alice, &gruu, "psst");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[bob].inbox, [sent]);
    assert!(world.phones[tablet].inbox.is_empty());
}
