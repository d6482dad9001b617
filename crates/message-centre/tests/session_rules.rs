//! What holds for messages holds for what is said in sessions too: block lists, revocation, files of foreign servers, flows of one
//! device in turn, and numbers that are given up.

mod town;

use std::time::Duration;

use handset::{Answers, Event, Failure, Outgoing, Services};
use message_centre::{admin, blocks, files};
use rcs::address::Address;
use rcs::cpim::Dispositions;
use rcs::file_transfer::{self, FileInfo, FileTransfer};
use rcs::revoke::{self, Revoke};
use rcs::spam_report::{self, SpamReport};
use sip::Transport;
use store::Outcome;
use town::{Phone, Town, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";

fn uri(number: &str) -> String {
    format!("sip:{number}@hongyan.local;user=phone")
}

fn address(number: &str) -> Address {
    Address::subscriber(number).expect("a number")
}

/// Alice and Bob, both over TCP, with all services.
fn two(town: &mut Town) -> (Phone, Phone) {
    let phone = |town: &mut Town, number| town.phone(number, Transport::Tcp, Services::all());
    (phone(town, ALICE), phone(town, BOB))
}

fn call(town: &mut Town, from: Phone, to: &str) -> u64 {
    let call = town.with_phone(from, |phone, now| phone.call(now, &uri(to)));
    town.run();
    call
}

fn say(town: &mut Town, phone: Phone, call: u64, what: &Outgoing) -> String {
    let id = town.with_phone(phone, |phone, now| phone.say(now, call, what));
    town.run();
    id
}

fn send_large(town: &mut Town, from: Phone, to: &str, patience: Duration) -> String {
    let large = Outgoing::text("大".repeat(100_000));
    let id = town.with_phone(from, |phone, now| phone.send_large(now, &uri(to), &large));
    town.run_for(patience);
    id
}

fn opened(town: &Town, phone: Phone) -> usize {
    town.phones[phone].events.iter().filter(|event| matches!(event, Event::CallOpen { .. })).count()
}

fn ended_with(town: &Town, phone: Phone) -> Vec<Option<u16>> {
    let ended = town.phones[phone].events.iter().filter_map(|event| match event {
        Event::CallEnded { status, .. } => Some(*status),
        _ => None,
    });
    ended.collect()
}

fn was_refused(town: &Town, phone: Phone, id: &str, status: u16) -> bool {
    town.saw(phone, |event| matches!(event, Event::NotSent { message_id, why: Failure::Refused(said) } if message_id == id && *said == status))
}

fn was_revoked(town: &Town, phone: Phone, id: &str) -> bool {
    town.saw(phone, |event| matches!(event, Event::Revoked { message_id, is_done: true } if message_id == id))
}

fn bob_blocks_alice(town: &mut Town) {
    town.admin(admin::Call::Blocks(blocks::Call::Block(address(BOB), address(ALICE))));
}

#[test]
fn what_a_blocked_person_says_in_a_chat_is_taken_and_dropped() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town);
    let chat = call(&mut town, alice, BOB);
    bob_blocks_alice(&mut town);
    let sent = say(&mut town, alice, chat, &Outgoing::text("hello?"));
    town.with_phone(alice, |phone, now| phone.say_composing(now, chat, true));
    town.run();
    assert_eq!(town.answer(alice, &sent), Some(200));
    assert!(matches!(&town.records(&sent)[0].outcome, Outcome::Refused(why) if why.contains("blocked")));
    assert!(!town.saw(bob, |event| matches!(event, Event::Composing { .. })));
    // Neither does he hear of another chat, or of a large message.
    town.with_phone(alice, |phone, now| phone.hang_up(now, chat));
    town.run();
    let again = call(&mut town, alice, BOB);
    assert_eq!((opened(&town, alice), town.requests(bob, "INVITE")), (2, 1));
    say(&mut town, alice, again, &Outgoing::text("hello!"));
    let large = send_large(&mut town, alice, BOB, seconds(2));
    assert_eq!(town.answer(alice, &large), Some(200));
    assert!(town.texts(bob).is_empty());
    assert_eq!((town.waiting(BOB), town.files(), town.requests(bob, "MESSAGE")), (0, 0, 0));
}

#[test]
fn a_blocked_person_is_told_so_in_sessions_where_the_operator_wants_it() {
    let mut town = Town::with(|config| config.refuse_blocked = true);
    let (alice, bob) = two(&mut town);
    let chat = call(&mut town, alice, BOB);
    bob_blocks_alice(&mut town);
    let sent = say(&mut town, alice, chat, &Outgoing::text("hello?"));
    assert!(was_refused(&town, alice, &sent, 403));
    call(&mut town, alice, BOB);
    assert_eq!(ended_with(&town, alice), [Some(403)]);
    let large = send_large(&mut town, alice, BOB, seconds(2));
    assert_eq!((town.answer(alice, &large), town.files()), (None, 0));
    assert!(town.texts(bob).is_empty());
}

#[test]
fn what_was_said_in_a_session_is_taken_back_from_within_one_or_without() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let bob = town.device(BOB, Transport::Tcp, Services::all());
    let chat = call(&mut town, alice, BOB);
    let sent = say(&mut town, alice, chat, &Outgoing::text("never mind"));
    let large = send_large(&mut town, alice, BOB, seconds(2));
    assert_eq!((town.waiting(BOB), town.files()), (2, 1));
    let request = Outgoing {
        content_type: revoke::CONTENT_TYPE.to_owned(),
        payload: Revoke { message_id: sent.clone(), result: None }.to_xml().into(),
        wanted: Dispositions::NONE,
        ..Outgoing::text("")
    };
    let asked = say(&mut town, alice, chat, &request);
    assert_eq!(town.answer(alice, &asked), Some(200));
    town.with_phone(alice, |phone, now| phone.revoke(now, &uri(BOB), &large));
    town.run();
    assert!(was_revoked(&town, alice, &sent) && was_revoked(&town, alice, &large));
    assert_eq!((town.waiting(BOB), town.files()), (0, 0), "the file of the large one goes with it");
    town.switch_on(bob);
    town.run();
    assert!(town.texts(bob).is_empty());
}

#[test]
fn spam_is_reported_from_within_a_chat() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town);
    let chat = call(&mut town, alice, BOB);
    let report = SpamReport { about: None, message_ids: vec!["m1".to_owned()], kind: None, text: None };
    let report = Outgoing {
        content_type: spam_report::CONTENT_TYPE.to_owned(),
        payload: report.to_xml().into(),
        wanted: Dispositions::NONE,
        ..Outgoing::text("")
    };
    let sent = say(&mut town, alice, chat, &report);
    assert_eq!(town.answer(alice, &sent), Some(200));
    let kept = town.store().spam_reports(10).expect("readable");
    assert_eq!((kept.len(), &kept[0].from, &kept[0].about), (1, &address(ALICE), &address(BOB)));
    assert!(town.texts(bob).is_empty() && town.waiting(BOB) == 0, "he never hears of it");
}

#[test]
fn a_file_on_a_foreign_server_is_refused_in_a_chat_too() {
    let mut town = Town::with(|config| {
        config.files.url_prefixes = vec!["https://rcs.example/content/".to_owned()];
        config.files.foreign = files::Foreign::Refuse;
    });
    let (alice, bob) = two(&mut town);
    let chat = call(&mut town, alice, BOB);
    let mut send = |url: &str| {
        let file = FileInfo {
            size: 1,
            name: None,
            content_type: "image/png".to_owned(),
            url: url.to_owned(),
            until: None,
            disposition: None,
            playing_length: None,
            branded_url: None,
        };
        let file = Outgoing {
            content_type: file_transfer::CONTENT_TYPE.to_owned(),
            payload: FileTransfer { file, thumbnail: None }.to_xml().into(),
            ..Outgoing::text("")
        };
        say(&mut town, alice, chat, &file)
    };
    let (ours, theirs) = (send("https://rcs.example/content/abc"), send("https://evil.example/content/abc"));
    assert_eq!(town.answer(alice, &ours), Some(200));
    assert!(was_refused(&town, alice, &theirs, 403));
    assert_eq!(town.texts(bob).len(), 1);
}

#[test]
fn the_sessions_of_a_removed_subscriber_end() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town);
    call(&mut town, alice, BOB);
    assert_eq!(town.sessions(), 2);
    town.admin(admin::Call::RemoveSubscriber(address(ALICE)));
    town.run();
    assert_eq!((ended_with(&town, alice), ended_with(&town, bob)), (vec![None], vec![None]));
    assert_eq!(town.sessions(), 0);
}

#[test]
fn a_number_that_is_given_up_while_it_rings_is_not_found() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let bob = town.phone(BOB, Transport::Tcp, Services { answers: Answers::Ring, ..Services::all() });
    call(&mut town, alice, BOB);
    assert_eq!((town.requests(bob, "INVITE"), town.sessions()), (1, 2));
    town.admin(admin::Call::RemoveSubscriber(address(BOB)));
    town.run();
    assert_eq!(ended_with(&town, alice), [Some(404)]);
    assert_eq!((town.requests(bob, "CANCEL"), town.sessions()), (1, 0), "he cannot join it any more");
}
#[test]
fn a_chat_is_offered_over_the_newest_flow_of_a_device() {
    let mut town = Town::new();
    let (alice, first) = two(&mut town);
    town.run_for(seconds(5));
    let second = town.second_flow(first, Transport::Udp, Services::all());
    call(&mut town, alice, BOB);
    assert_eq!((town.requests(first, "INVITE"), town.requests(second, "INVITE")), (0, 1));
    assert_eq!(opened(&town, second), 1);
}

#[test]
fn a_large_message_goes_over_another_flow_when_the_newest_is_dead() {
    let mut town = Town::new();
    let (alice, first) = two(&mut town);
    town.run_for(seconds(5));
    let second = town.second_flow(first, Transport::Udp, Services::all());
    // Nobody notices that over UDP.
    town.phones[second].is_on = false;
    let sent = send_large(&mut town, alice, BOB, seconds(40));
    assert_eq!(town.answer(alice, &sent), Some(200));
    assert_eq!((town.texts(first).len(), town.files(), town.waiting(BOB)), (1, 0, 0));
    // What is dead is not tried again.
    let next = send_large(&mut town, alice, BOB, seconds(2));
    assert_eq!(town.records(&next)[0].outcome, Outcome::Delivered);
    assert_eq!(town.texts(first).len(), 2);
}

#[test]
fn a_session_that_ends_early_says_nothing_against_its_flow() {
    let mut town = Town::new();
    let (alice, first) = two(&mut town);
    town.run_for(seconds(5));
    let second = town.second_flow(first, Transport::Tcp, Services::all());
    let sent = send_large(&mut town, alice, BOB, Duration::ZERO);
    while town.requests(second, "ACK") == 0 {
        town.run_for(Duration::from_millis(1));
    }
    town.with_phone(second, |phone, now| phone.hang_up(now, 1));
    town.run();
    assert!(town.texts(first).is_empty() && town.texts(second).is_empty());
    assert_eq!(town.store().bindings(&address(BOB)).expect("readable").list.len(), 2);
    town.run_for(seconds(600));
    assert_eq!((town.texts(second).len(), town.waiting(BOB)), (1, 0), "the newest flow is still there");
    assert_eq!(town.records(&sent)[0].outcome, Outcome::Delivered);
}

/// Alice's TCP phone, and Bob's device: a flow over TCP, and a newer one over UDP that does not lead to it.
fn two_flows_one_bad(town: &mut Town, bad: Answers) -> (Phone, Phone, Phone) {
    let (alice, first) = two(town);
    town.run_for(seconds(5));
    let services = Services { answers: bad, ..Services::all() };
    let second = town.second_flow(first, Transport::Udp, services);
    (alice, first, second)
}

#[test]
fn a_chat_rings_over_another_flow_when_the_newest_is_dead() {
    let mut town = Town::new();
    let (alice, first, second) = two_flows_one_bad(&mut town, Answers::Accept);
    town.phones[second].is_on = false;
    call(&mut town, alice, BOB);
    assert_eq!((opened(&town, alice), town.requests(first, "INVITE")), (0, 0));
    town.run_for(seconds(35));
    assert_eq!((opened(&town, alice), opened(&town, first)), (1, 1));
    // What is dead is not rung again.
    let chat = town.phones[first].handset.call_with(&uri(ALICE)).expect("he is in it");
    town.with_phone(first, |phone, now| phone.hang_up(now, chat));
    town.run();
    call(&mut town, alice, BOB);
    assert_eq!((opened(&town, alice), opened(&town, first)), (2, 2));
}

#[test]
fn an_edge_that_has_lost_a_flow_has_chats_and_large_messages_go_over_another_at_once() {
    let mut town = Town::new();
    let (alice, first, second) = two_flows_one_bad(&mut town, Answers::Refuse(430));
    call(&mut town, alice, BOB);
    assert_eq!((town.requests(second, "INVITE"), opened(&town, alice), opened(&town, first)), (1, 1, 1));
    let mut town = Town::new();
    let (alice, first, second) = two_flows_one_bad(&mut town, Answers::Refuse(430));
    let sent = send_large(&mut town, alice, BOB, seconds(2));
    assert_eq!((town.requests(second, "INVITE"), town.texts(first).len()), (1, 1));
    assert_eq!(town.records(&sent)[0].outcome, Outcome::Delivered);
}

#[test]
fn what_a_device_says_over_one_flow_it_is_not_asked_over_another() {
    let mut town = Town::new();
    let (alice, first, second) = two_flows_one_bad(&mut town, Answers::Refuse(486));
    call(&mut town, alice, BOB);
    assert_eq!(ended_with(&town, alice), [Some(486)]);
    assert_eq!((town.requests(second, "INVITE"), town.requests(first, "INVITE")), (1, 0));
}
