//! Two people and their handsets: what each hears and sees, told as short stories.

mod world;

use rcs::imdn::Disposition::{Delivered, Displayed, Failed};
use sip::Transport;
use store::Outcome;
use world::{World, hours, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";

#[test]
fn a_message_to_a_handset_that_is_there_is_answered_200_and_reported() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let sent = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    assert_eq!(world.phones[bob].inbox, [sent.as_str()]);
    assert_eq!(world.phones[bob].texts, ["supper?"]);
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[alice].reports, [(sent.clone(), Delivered), (sent.clone(), Displayed)]);
    let record = &world.records(&sent)[0];
    assert_eq!(record.outcome, Outcome::Delivered);
    assert!(record.displayed_at.is_some());
    assert_eq!(world.waiting(BOB), 0, "what was delivered at once never lay in the mailbox");
}

#[test]
fn reports_that_overtake_the_answer_to_their_message_are_passed_on() {
    for transport in [Transport::Tcp, Transport::Udp] {
        let mut world = World::new();
        let (alice, bob) = (world.handset(ALICE), world.device(BOB, transport));
        world.register(bob);
        world.phones[bob].answers_last = true;
        let sent = world.send(alice, BOB, "supper?");
        world.run_until_idle();
        assert_eq!(world.phones[alice].answers[&sent], 200);
        assert_eq!(world.phones[alice].reports, [(sent.clone(), Delivered), (sent.clone(), Displayed)]);
        assert!(world.records(&sent)[0].displayed_at.is_some());
    }
}

#[test]
fn a_message_to_a_switched_off_handset_arrives_when_it_returns() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Udp));
    let sent = world.send(alice, BOB, "supper?");
    world.run_for(hours(3));
    assert_eq!(world.phones[alice].answers[&sent], 202);
    assert_eq!(world.waiting(BOB), 1);
    world.register(bob);
    assert_eq!(world.phones[bob].inbox, [sent]);
    assert_eq!(world.waiting(BOB), 0);
}

#[test]
fn a_bound_handset_that_does_not_answer_gets_its_messages_later_and_in_order() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.switch_off(bob);
    let sent: Vec<String> = (0..5).map(|i| world.send(alice, BOB, &format!("{i}"))).collect();
    world.run_for(seconds(90));
    assert!(
        sent.iter().all(|id| world.phones[alice].answers[id] == 202),
        "{:?}",
        world.phones[alice].answers
    );
    world.switch_on(bob);
    world.run_for(seconds(60));
    assert_eq!(world.phones[bob].texts, ["0", "1", "2", "3", "4"]);
}

#[test]
fn a_websocket_handset_is_reached_over_the_connection_that_it_opened() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Ws));
    world.register(bob);
    let first = world.send(alice, BOB, "one");
    world.run_until_idle();
    world.switch_off(bob);
    let second = world.send(alice, BOB, "two");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&second], 202, "a closed connection is known to be closed");
    world.switch_on(bob);
    assert_eq!(world.phones[bob].inbox, [first, second]);
}

#[test]
fn a_connection_that_breaks_under_a_message_does_not_lose_it() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Ws));
    world.register(bob);
    world.phones[bob].is_on = false; // receives nothing more, but the centre does not know
    let sent = world.send(alice, BOB, "one");
    world.run_for(seconds(1));
    world.switch_off(bob);
    world.switch_on(bob);
    world.run_for(seconds(5));
    assert_eq!(world.phones[bob].inbox, [sent]);
}

#[test]
fn both_devices_of_a_subscriber_get_a_message_and_the_sender_one_report_of_each_kind() {
    let mut world = World::new();
    let (alice, phone) = (world.handset(ALICE), world.handset(BOB));
    let tablet = world.device(BOB, Transport::Ws);
    world.register(tablet);
    let sent = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    assert_eq!(world.phones[phone].inbox, [sent.as_str()]);
    assert_eq!(world.phones[tablet].inbox, [sent.as_str()]);
    assert_eq!(world.phones[alice].reports, [(sent.clone(), Delivered), (sent, Displayed)]);
    assert_eq!(world.waiting(BOB), 0);
}

#[test]
fn a_device_that_is_away_gets_its_copy_when_it_returns() {
    let mut world = World::new();
    let (alice, phone) = (world.handset(ALICE), world.handset(BOB));
    let tablet = world.device(BOB, Transport::Ws);
    world.register(tablet);
    world.switch_off(tablet);
    let first = world.send(alice, BOB, "one");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&first], 200);
    let second = world.send(alice, BOB, "two");
    world.run_until_idle();
    assert_eq!(world.phones[phone].texts, ["one", "two"]);
    assert_eq!(world.waiting(BOB), 2, "both wait for the tablet");
    world.switch_on(tablet);
    assert_eq!(world.phones[tablet].inbox, [first, second]);
    assert_eq!(world.waiting(BOB), 0);
}

#[test]
fn a_copy_for_a_device_that_never_comes_back_goes_when_its_binding_does() {
    let mut world = World::new();
    let (alice, _phone) = (world.handset(ALICE), world.handset(BOB));
    let tablet = world.device(BOB, Transport::Ws);
    world.phones[tablet].expires_s = 600;
    world.register(tablet);
    world.switch_off(tablet);
    world.send(alice, BOB, "one");
    world.run_for(hours(2));
    assert_eq!(world.waiting(BOB), 0);
}

#[test]
fn a_message_that_nobody_fetches_expires_and_its_sender_hears_of_it() {
    let mut world = World::new();
    let (alice, _bob) = (world.handset(ALICE), world.device(BOB, Transport::Udp));
    world.phones[alice].expires_s = 600_000;
    let sent = world.send(alice, BOB, "too late");
    for _ in 0..31 {
        world.run_for(hours(24));
        world.register(alice);
    }
    assert_eq!(world.records(&sent)[0].outcome, Outcome::Expired);
    assert_eq!(world.phones[alice].reports, [(sent, Failed)]);
    assert_eq!(world.waiting(BOB), 0);
}

#[test]
fn a_repeated_message_id_is_answered_again_and_delivered_once() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    let sent = world.send(alice, BOB, "once");
    world.run_until_idle();
    world.phones[bob].sends_reports = false;
    world.phones[alice].answers.clear();
    world.phones[alice].outbox.push_back((sent.clone(), BOB.to_owned(), "once".to_owned()));
    world.register(alice);
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[bob].inbox.len(), 1);
}

#[test]
fn what_every_device_refuses_for_good_is_refused_to_the_sender() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].answers_with = 415;
    let sent = world.send(alice, BOB, "what is this");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 415);
    assert!(world.records(&sent).is_empty(), "nothing was accepted");
    assert_eq!(world.waiting(BOB), 0);
}

#[test]
fn a_stored_message_that_the_device_refuses_ends_refused_and_its_sender_hears_of_it() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Udp));
    let sent = world.send(alice, BOB, "what is this");
    world.run_until_idle();
    world.phones[bob].answers_with = 415;
    world.register(bob);
    assert!(matches!(world.records(&sent)[0].outcome, Outcome::Refused(_)));
    assert_eq!(world.phones[alice].reports, [(sent, Failed)]);
}

#[test]
fn a_device_that_says_not_now_is_tried_again() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].answers_with = 480;
    let sent = world.send(alice, BOB, "hello");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 202);
    world.phones[bob].answers_with = 200;
    world.run_for(seconds(120));
    assert_eq!(world.phones[bob].inbox, [sent]);
}

#[test]
fn a_number_without_an_account_is_404() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    let sent = world.send(alice, "+8613899999999", "anybody?");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 404);
}

#[test]
fn without_trust_in_addresses_a_sender_over_udp_is_challenged() {
    let mut world = World::with(1, |config| config.trust_udp_source = false);
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.phones[bob].sends_reports = false;
    let sent = world.send(alice, BOB, "it is me");
    world.run_until_idle();
    assert!(world.phones[alice].responses.contains(&407));
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[bob].inbox, [sent]);
}

#[test]
fn what_is_too_large_for_a_datagram_waits_for_a_connection() {
    let mut world = World::new();
    let alice = world.device(ALICE, Transport::Tcp);
    world.register(alice);
    let bob = world.handset(BOB);
    let sent = world.send(alice, BOB, &"long ".repeat(300));
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 202);
    assert!(world.phones[bob].inbox.is_empty());
    let tablet = world.device(BOB, Transport::Tcp);
    world.register(tablet);
    assert_eq!(world.phones[tablet].inbox, [sent]);
}

#[test]
fn a_crash_loses_nothing_that_was_accepted() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.device(BOB, Transport::Udp));
    let sent = world.send(alice, BOB, "before");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 202);
    world.crash();
    world.start();
    world.register(bob);
    assert_eq!(world.phones[bob].inbox, [sent]);
}

#[test]
fn bindings_survive_a_restart() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    world.crash();
    world.start();
    let sent = world.send(alice, BOB, "still there?");
    world.run_until_idle();
    assert_eq!(world.phones[alice].answers[&sent], 200);
    assert_eq!(world.phones[bob].inbox, [sent]);
}
