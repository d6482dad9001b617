//! What is kept of conversations for devices that come later, told as short stories.

mod world;

use message_centre::admin::{self, Answer as AdminAnswer};
use message_centre::history::{Answer, Call};
use rcs::address::Address;
use sip::Transport;
use store::{Direction, HistoryState, Remembered};
use world::{World, hours, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const CAROL: &str = "+8613800000003";

fn address(number: &str) -> Address {
    Address::subscriber(number).expect("a number")
}

fn ask(world: &mut World, call: Call) -> Answer {
    match world.ask(admin::Call::History(call)) {
        AdminAnswer::History(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn turn_on(world: &mut World, number: &str) {
    assert_eq!(ask(world, Call::TurnOn(address(number))), Answer::Done);
}

/// What is kept of somebody, the oldest first.
fn kept(world: &World, number: &str) -> Vec<(Remembered, HistoryState)> {
    let mut kept = world.store().remembered(&address(number), None, 1000, usize::MAX).expect("readable");
    kept.reverse();
    kept
}

/// Who said what, in short: `>` out, `<` in.
fn texts(world: &World, number: &str) -> Vec<String> {
    let line = |(message, _): (Remembered, HistoryState)| {
        let body = rcs::cpim::Cpim::parse(message.body).expect("CPIM");
        let direction = if message.key.direction == Direction::Out { '>' } else { '<' };
        format!("{direction}{}", String::from_utf8_lossy(body.payload()))
    };
    kept(world, number).into_iter().map(line).collect()
}

/// Whether a message counts as delivered, displayed and failed.
fn state(world: &World, number: &str, message_id: &str) -> (bool, bool, bool) {
    let found = kept(world, number).into_iter().find(|(message, _)| message.key.message_id == message_id);
    let (_, state) = found.expect("it is kept");
    let is = |what: fn(&store::Mark) -> bool| state.marks.iter().any(what);
    (is(|mark| mark.delivered_at.is_some()), is(|mark| mark.displayed_at.is_some()), state.is_failed)
}

#[test]
fn what_is_said_both_ways_is_kept_with_what_became_of_it() {
    let mut world = World::new();
    let (alice, bob) = (world.handset(ALICE), world.handset(BOB));
    turn_on(&mut world, ALICE);
    let asked = world.send(alice, BOB, "supper?");
    world.run_until_idle();
    let answer = world.send(bob, ALICE, "yes");
    world.run_until_idle();
    assert_eq!(texts(&world, ALICE), [">supper?", "<yes"]);
    assert_eq!(state(&world, ALICE, &asked), (true, true, false));
    assert_eq!(state(&world, ALICE, &answer), (true, true, false), "Alice has read it");
    assert_eq!(kept(&world, BOB), [], "Bob wants nothing kept");
    assert_eq!(world.store().history(&address(BOB)).expect("readable"), None);
}

#[test]
fn what_was_kept_before_a_crash_is_there_afterwards_and_more_is_kept() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.handset(BOB);
    turn_on(&mut world, BOB);
    world.send(alice, BOB, "one");
    world.run_until_idle();
    world.crash();
    world.start();
    world.register(alice);
    world.send(alice, BOB, "two");
    world.run_until_idle();
    assert_eq!(texts(&world, BOB), ["<one", "<two"]);
}

#[test]
fn what_is_repeated_is_kept_once() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.device(BOB, Transport::Udp);
    turn_on(&mut world, ALICE);
    turn_on(&mut world, BOB);
    let sent = world.send(alice, BOB, "hello");
    world.run_for(seconds(30));
    world.phones[alice].outbox.push_back((sent, BOB.to_owned(), "hello".to_owned()));
    world.send(alice, BOB, "again");
    world.run_for(seconds(30));
    assert_eq!(texts(&world, ALICE), [">hello", ">again"]);
    assert_eq!(texts(&world, BOB), ["<hello", "<again"]);
    let history = world.store().history(&address(BOB)).expect("readable").expect("it is kept");
    let bytes: usize = kept(&world, BOB).iter().map(|(message, _)| message.body.len()).sum();
    assert_eq!((history.messages, history.body_bytes), (2, bytes as u64));
}

#[test]
fn what_is_revoked_goes_from_both_sides() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.device(BOB, Transport::Udp);
    turn_on(&mut world, ALICE);
    turn_on(&mut world, BOB);
    let regretted = world.send(alice, BOB, "regretted");
    world.send(alice, BOB, "meant");
    world.run_for(seconds(30));
    world.revoke(alice, BOB, &regretted);
    world.run_until_idle();
    assert_eq!(texts(&world, ALICE), [">meant"]);
    assert_eq!(texts(&world, BOB), ["<meant"]);
}

#[test]
fn what_expires_never_reached_its_addressee_and_counts_as_failed() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.device(BOB, Transport::Udp);
    turn_on(&mut world, ALICE);
    turn_on(&mut world, BOB);
    let sent = world.send(alice, BOB, "hello?");
    world.run_for(hours(31 * 24));
    assert_eq!(kept(&world, BOB), []);
    assert_eq!(state(&world, ALICE, &sent), (false, false, true));
}

#[test]
fn what_a_blocked_person_says_is_not_in_the_history_of_the_addressee() {
    let mut world = World::new();
    let (alice, _) = (world.handset(ALICE), world.handset(BOB));
    turn_on(&mut world, ALICE);
    turn_on(&mut world, BOB);
    world.ask(admin::Call::Blocks(message_centre::blocks::Call::Block(address(BOB), address(ALICE))));
    world.send(alice, BOB, "hello?");
    world.run_for(seconds(30));
    assert_eq!(texts(&world, ALICE), [">hello?"], "as if Bob were away");
    assert_eq!(kept(&world, BOB), []);
}

#[test]
fn what_is_said_in_a_group_is_kept_under_the_group() {
    let mut world = World::new();
    let (alice, bob, _) = (world.handset(ALICE), world.handset(BOB), world.handset(CAROL));
    turn_on(&mut world, ALICE);
    turn_on(&mut world, CAROL);
    let focus = world.make_group(alice, "周末", &[BOB, CAROL]);
    let asked = world.send(alice, &focus, "爬山?");
    world.run_until_idle();
    world.send(bob, &focus, "好");
    world.run_until_idle();
    assert_eq!(texts(&world, ALICE), [">爬山?", "<好"]);
    assert_eq!(texts(&world, CAROL), ["<爬山?", "<好"]);
    let kept = kept(&world, ALICE);
    assert!(kept.iter().all(|(message, _)| message.key.peer.as_str() == format!("sip:{focus}")));
    let mut readers: Vec<&str> = kept[0].1.marks.iter().map(|mark| mark.by.as_str()).collect();
    readers.sort_unstable();
    assert_eq!(
        (kept[0].0.key.message_id.as_str(), readers),
        (asked.as_str(), vec!["tel:+8613800000002", "tel:+8613800000003"])
    );
}

#[test]
fn messages_and_conversations_are_deleted_one_by_one() {
    let mut world = World::new();
    let (alice, ..) = (world.handset(ALICE), world.handset(BOB), world.handset(CAROL));
    turn_on(&mut world, ALICE);
    let slip = world.send(alice, BOB, "a slip");
    world.send(alice, BOB, "supper?");
    world.send(alice, CAROL, "and you?");
    world.run_until_idle();
    let all = kept(&world, ALICE);
    let slip = all.into_iter().find(|(message, _)| message.key.message_id == slip).expect("kept").0.key;
    // Nobody deletes what is another's.
    assert_eq!(ask(&mut world, Call::Forget(address(BOB), vec![slip.clone()])), Answer::Done);
    assert_eq!(texts(&world, ALICE).len(), 3);
    assert_eq!(ask(&mut world, Call::Forget(address(ALICE), vec![slip])), Answer::Done);
    let with_bob = world.store().history_keys(&address(ALICE), Some(&address(BOB)), 100).expect("readable");
    assert_eq!(with_bob.len(), 1);
    assert_eq!(ask(&mut world, Call::Forget(address(ALICE), with_bob)), Answer::Done);
    assert_eq!(texts(&world, ALICE), [">and you?"]);
}

#[test]
fn turning_it_off_deletes_everything_also_across_a_crash() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.device(BOB, Transport::Udp);
    turn_on(&mut world, ALICE);
    (0..300).for_each(|i| drop(world.send(alice, BOB, &format!("{i}"))));
    world.run_for(seconds(60));
    assert_eq!(kept(&world, ALICE).len(), 300);
    assert_eq!(ask(&mut world, Call::TurnOff(address(ALICE))), Answer::Done);
    world.crash();
    world.start();
    assert_eq!(ask(&mut world, Call::TurnOn(address(ALICE))), Answer::NotYet);
    world.sweep_histories();
    assert_eq!(kept(&world, ALICE), []);
    assert_eq!(world.store().history(&address(ALICE)).expect("readable"), None);
    world.register(alice);
    world.send(alice, BOB, "unheard");
    world.run_until_idle();
    assert_eq!(kept(&world, ALICE), []);
    turn_on(&mut world, ALICE);
    world.send(alice, BOB, "heard");
    world.run_until_idle();
    assert_eq!(texts(&world, ALICE), [">heard"]);
}

#[test]
fn the_next_holder_of_a_number_finds_no_history() {
    let mut world = World::new();
    let alice = world.handset(ALICE);
    world.handset(BOB);
    turn_on(&mut world, ALICE);
    world.send(alice, BOB, "a secret");
    world.run_until_idle();
    assert_eq!(world.ask(admin::Call::RemoveSubscriber(address(ALICE))), AdminAnswer::Removed);
    world.run_until_idle();
    assert_eq!(kept(&world, ALICE), []);
    assert_eq!(world.store().history(&address(ALICE)).expect("readable"), None);
    let next = world.handset(ALICE);
    world.send(next, BOB, "hello");
    world.run_until_idle();
    assert_eq!(kept(&world, ALICE), [], "the wish was the other's");
}

#[test]
fn old_messages_go_and_so_do_the_oldest_of_too_many() {
    let mut world = World::with(1, |config| config.history.messages_max = 32);
    let (alice, _) = (world.handset(ALICE), world.handset(BOB));
    turn_on(&mut world, ALICE);
    for i in 0..33 {
        world.send(alice, BOB, &format!("{i}"));
    }
    world.run_until_idle();
    let left = texts(&world, ALICE);
    assert_eq!((left.len(), left[0].as_str()), (30, ">3"), "a sixteenth goes at once");
    world.run_for(hours(89 * 24));
    world.register(alice);
    world.send(alice, BOB, "new");
    world.run_until_idle();
    world.sweep_histories();
    assert_eq!(kept(&world, ALICE).len(), 31);
    world.run_for(hours(2 * 24));
    world.sweep_histories();
    assert_eq!(texts(&world, ALICE), [">new"]);
}

#[test]
fn where_it_is_not_offered_it_cannot_be_turned_on() {
    let mut world = World::with(1, |config| config.history.is_offered = false);
    world.handset(ALICE);
    assert_eq!(ask(&mut world, Call::TurnOn(address(ALICE))), Answer::NotOffered);
    assert_eq!(ask(&mut world, Call::TurnOn(address("+8613800009999"))), Answer::NoSubscriber);
}
