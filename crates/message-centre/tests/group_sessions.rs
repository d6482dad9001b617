//! Groups whose members take part over MSRP, alone and beside members in pager mode, told as short stories.

mod town;

use std::time::Duration;

use handset::{Answers, Event, Failure, Outgoing, Services};
use rcs::imdn::Disposition::{Delivered, Displayed};
use sip::{HeaderName, Message, Request, Transport};
use store::{Mode, Outcome};
use town::{Phone, Town, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const CAROL: &str = "+8613800000003";

fn uri(number: &str) -> String {
    format!("sip:{number}@hongyan.local;user=phone")
}

/// A device of pager mode and chats.
fn chats() -> Services {
    Services { chat: true, ..Services::default() }
}

fn make(town: &mut Town, phone: Phone, members: &[&str]) -> String {
    let members: Vec<String> = members.iter().map(|number| uri(number)).collect();
    town.with_phone(phone, |phone, now| phone.make_group(now, "周末", &members));
    town.run();
    let joined = town.phones[phone].events.iter().rev().find_map(|event| match event {
        Event::Joined { focus } => Some(focus.clone()),
        _ => None,
    });
    joined.expect("the group is made")
}

/// Alice's group with Bob, both over MSRP, and Carol in pager mode.
fn mixed() -> (Town, [Phone; 3], String) {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, chats());
    let bob = town.phone(BOB, Transport::Ws, chats());
    let carol = town.phone(CAROL, Transport::Udp, Services::default());
    let focus = make(&mut town, alice, &[BOB, CAROL]);
    (town, [alice, bob, carol], focus)
}

/// Says something in the session with the focus.
fn say(town: &mut Town, phone: Phone, focus: &str, what: &str) -> String {
    let call = town.phones[phone].handset.group_call(focus).expect("there is a session");
    town.with_phone(phone, |phone, now| phone.say(now, call, &Outgoing::text(what)))
}

fn send(town: &mut Town, phone: Phone, focus: &str, what: &str) -> String {
    town.with_phone(phone, |phone, now| phone.send(now, focus, &Outgoing::text(what)))
}

fn has_session(town: &Town, phone: Phone, focus: &str) -> bool {
    town.phones[phone].handset.group_call(focus).is_some()
}

/// How the devices of a member take part, by what is stored.
fn modes(town: &Town, focus: &str, number: &str) -> Vec<(Mode, bool)> {
    let key = (focus.parse().expect("a focus"), format!("tel:{number}").parse().expect("a number"));
    let leg = town.store().leg(&key);
    let devices = leg.expect("readable").map(|leg| leg.devices).unwrap_or_default();
    devices.iter().map(|device| (device.mode, device.dialog.is_some())).collect()
}

fn invites(town: &Town, phone: Phone) -> Vec<Request> {
    let requests = town.wire.iter().filter_map(|(to, message)| match message {
        Message::Request(request) if *to == phone && request.method().as_str() == "INVITE" => {
            Some(request.clone())
        }
        _ => None,
    });
    requests.collect()
}

fn reports(town: &Town, phone: Phone, id: &str) -> Vec<(String, rcs::imdn::Disposition)> {
    let reports = town.phones[phone].events.iter().filter_map(|event| match event {
        Event::Report { message_id, from, disposition } if message_id == id => {
            Some((from.clone(), *disposition))
        }
        _ => None,
    });
    let mut reports: Vec<_> = reports.collect();
    reports.sort_by_key(|(from, disposition)| (from.clone(), *disposition == Displayed));
    reports
}

/// Displays everything that has come to a phone.
fn display_all(town: &mut Town, phone: Phone) {
    let messages: Vec<_> = town.phones[phone]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message(message) => Some(message.clone()),
            _ => None,
        })
        .collect();
    for message in messages {
        town.with_phone(phone, |phone, now| phone.displayed(now, &message));
    }
    town.run();
}

#[test]
fn what_each_says_reaches_the_others_in_the_way_of_each_and_reports_come_back() {
    let (mut town, [alice, bob, carol], focus) = mixed();
    assert!(has_session(&town, alice, &focus) && has_session(&town, bob, &focus));
    assert!(!has_session(&town, carol, &focus));
    let from_alice = say(&mut town, alice, &focus, "爬山?");
    town.run();
    let from_carol = send(&mut town, carol, &focus, "where?");
    town.run();
    let from_bob = say(&mut town, bob, &focus, "香山");
    town.run();
    for (author, id) in [(alice, &from_alice), (carol, &from_carol), (bob, &from_bob)] {
        assert_eq!(town.answer(author, id), Some(200));
        let records = town.records(id);
        assert_eq!(records.len(), 3, "the group, and two members");
        assert!(records.iter().all(|record| record.outcome == Outcome::Delivered), "{records:?}");
    }
    assert_eq!(town.texts(alice), ["where?", "香山"]);
    assert_eq!(town.texts(bob), ["爬山?", "where?"]);
    assert_eq!(town.texts(carol), ["爬山?", "香山"]);
    assert_eq!((town.requests(alice, "MESSAGE"), town.requests(bob, "MESSAGE")), (0, 0), "all of it by MSRP");
    [alice, bob, carol].into_iter().for_each(|phone| display_all(&mut town, phone));
    let all = |one: &str, other: &str| {
        let of = |number| [(uri(number), Delivered), (uri(number), Displayed)];
        [of(one), of(other)].concat()
    };
    assert_eq!(reports(&town, alice, &from_alice), all(BOB, CAROL));
    assert_eq!(reports(&town, bob, &from_bob), all(ALICE, CAROL));
    assert_eq!(reports(&town, carol, &from_carol), all(ALICE, BOB));
    assert_eq!((town.requests(alice, "MESSAGE"), town.requests(bob, "MESSAGE")), (0, 0), "reports too");
}

#[test]
fn authors_are_named_by_the_envelope_and_the_focus_by_the_session() {
    let (mut town, [alice, bob, _], focus) = mixed();
    say(&mut town, alice, &focus, "who am I?");
    town.run();
    let message = town.phones[bob].events.iter().find_map(|event| match event {
        Event::Message(message) => Some(message.clone()),
        _ => None,
    });
    let message = message.expect("it came");
    assert_eq!((message.from.as_str(), message.author), (focus.as_str(), Some(uri(ALICE))));
}

#[test]
fn composing_shows_to_members_in_sessions_and_in_pager_mode() {
    let (mut town, [alice, bob, carol], focus) = mixed();
    let call = town.phones[alice].handset.group_call(&focus).expect("a session");
    town.with_phone(alice, |phone, now| phone.say_composing(now, call, true));
    town.run();
    for phone in [bob, carol] {
        assert!(town.saw(phone, |event| matches!(event, Event::Composing { active: true, .. })));
    }
    assert_eq!(town.requests(bob, "MESSAGE"), 0);
}

#[test]
fn a_large_message_reaches_members_over_msrp_from_one_file_that_goes_with_the_last() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, chats());
    let bob = town.phone(BOB, Transport::Ws, chats());
    let carol = town.phone(CAROL, Transport::Tcp, Services { large: true, ..Services::default() });
    let focus = make(&mut town, alice, &[BOB, CAROL]);
    town.switch_off(carol);
    let large = "大".repeat(100_000);
    let id = say(&mut town, alice, &focus, &large);
    town.run();
    assert_eq!(town.answer(alice, &id), Some(200));
    assert_eq!(town.texts(bob), [large.as_str()]);
    assert_eq!((town.waiting(BOB), town.waiting(CAROL), town.files()), (0, 1, 1));
    // Carol takes part in pager mode, and takes large messages in a session of their own.
    town.switch_on(carol);
    town.run();
    assert_eq!(town.texts(carol), [large.as_str()]);
    assert!(
        town.saw(
            carol,
            |event| matches!(event, Event::Called { is_large: true, from, .. } if *from == focus)
        )
    );
    assert_eq!((town.waiting(CAROL), town.files()), (0, 0));
    let records = town.records(&id);
    assert!(records.iter().all(|record| record.outcome == Outcome::Delivered), "{records:?}");
}

#[test]
fn a_message_above_a_datagram_goes_over_msrp_even_to_a_member_on_udp() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Ws, Services::default());
    let bob = town.phone(BOB, Transport::Udp, chats());
    let focus = make(&mut town, alice, &[BOB]);
    assert!(has_session(&town, bob, &focus), "an INVITE with an offer fits into a datagram");
    let long = "啊".repeat(900);
    send(&mut town, alice, &focus, &long);
    town.run();
    assert_eq!(town.texts(bob), [long.as_str()]);
    for (_, message) in town.wire.iter().filter(|(to, _)| *to == bob) {
        if let Message::Request(request) = message {
            assert!(request.wire().len() <= 1300, "{} has {} bytes", request.method(), request.wire().len());
        }
    }
}

#[test]
fn a_session_in_which_nothing_is_said_ends_and_the_next_message_opens_another() {
    let (mut town, [alice, bob, _], focus) = mixed();
    town.run_for(seconds(200));
    for (phone, number) in [(alice, ALICE), (bob, BOB)] {
        assert!(!has_session(&town, phone, &focus));
        assert_eq!(modes(&town, &focus, number), [(Mode::Session, false)]);
        assert!(!town.saw(phone, |event| matches!(event, Event::Left { .. })), "it is still a member");
    }
    assert_eq!(town.sessions(), 0);
    let before = invites(&town, bob).len();
    let id = send(&mut town, alice, &focus, "wake up");
    town.run();
    assert_eq!(town.answer(alice, &id), Some(200));
    assert_eq!(town.texts(bob), ["wake up"]);
    let called = invites(&town, bob);
    assert_eq!(called.len(), before + 1, "one call for it");
    let last = called.last().expect("a call");
    assert_eq!(last.header(HeaderName::PAssertedIdentity).as_deref(), Some(format!("<{focus}>").as_str()));
    assert_eq!(town.requests(bob, "MESSAGE"), 0);
    assert!(has_session(&town, bob, &focus) && !has_session(&town, alice, &focus));
    // Her device reports to the author, who is in no session and takes MESSAGE.
    assert_eq!(reports(&town, alice, &id)[0], (uri(BOB), Delivered));
    assert_eq!(invites(&town, alice).len(), 0, "nobody is called for a report");
}

#[test]
fn a_member_who_was_away_is_called_when_it_comes_and_hears_all_of_it_in_order() {
    let (mut town, [alice, bob, _], focus) = mixed();
    town.switch_off(bob);
    let said: Vec<String> = (0..5).map(|at| say(&mut town, alice, &focus, &format!("{at}"))).collect();
    town.run_for(seconds(100));
    assert_eq!(town.waiting(BOB), 5);
    assert!(said.iter().all(|id| town.answer(alice, id) == Some(200)));
    town.switch_on(bob);
    town.run();
    assert_eq!(town.texts(bob), ["0", "1", "2", "3", "4"]);
    assert_eq!((town.waiting(BOB), town.requests(bob, "MESSAGE")), (0, 0));
    assert!(has_session(&town, bob, &focus));
}

#[test]
fn a_member_that_comes_back_by_itself_gets_what_waits_in_the_session_it_brings() {
    let (mut town, [alice, bob, _], focus) = mixed();
    town.run_for(seconds(200));
    town.phones[bob].handset.answer_with(Answers::Refuse(480));
    let id = send(&mut town, alice, &focus, "are you there?");
    town.run();
    assert!(town.texts(bob).is_empty());
    let asked = invites(&town, bob).len();
    town.run_for(seconds(20));
    assert_eq!(invites(&town, bob).len(), asked, "it is left in peace for a while");
    town.with_phone(bob, |phone, now| phone.join_group(now, &focus));
    town.run();
    assert_eq!(town.texts(bob), ["are you there?"]);
    assert_eq!(town.records(&id).iter().filter(|record| record.outcome == Outcome::Delivered).count(), 3);
}

#[test]
fn a_member_that_was_busy_is_called_again_in_its_time() {
    let (mut town, [alice, bob, _], focus) = mixed();
    town.run_for(seconds(200));
    town.phones[bob].handset.answer_with(Answers::Refuse(486));
    send(&mut town, alice, &focus, "later then");
    town.run_for(seconds(30));
    town.phones[bob].handset.answer_with(Answers::Accept);
    town.run_for(seconds(60));
    assert_eq!(town.texts(bob), ["later then"]);
}

#[test]
fn a_device_that_takes_no_media_takes_part_by_message() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, chats());
    let bob = town.device(BOB, Transport::Tcp, Services { answers: Answers::Refuse(488), ..chats() });
    town.switch_on(bob);
    let focus = make(&mut town, alice, &[BOB]);
    assert_eq!(modes(&town, &focus, BOB), [(Mode::Pager, false)]);
    for turn in ["one", "two"] {
        say(&mut town, alice, &focus, turn);
        town.run();
    }
    assert_eq!(town.texts(bob), ["one", "two"]);
    assert_eq!((invites(&town, bob).len(), town.requests(bob, "MESSAGE")), (1, 2));
    // Also after a restart, when nobody remembers.
    town.crash();
    town.start();
    town.switch_on(alice);
    town.switch_on(bob);
    send(&mut town, alice, &focus, "three");
    town.run();
    assert_eq!(town.texts(bob), ["one", "two", "three"]);
    assert_eq!(invites(&town, bob).len(), 1);
}

#[test]
fn a_connection_that_is_lost_ends_the_session_and_not_the_membership() {
    let (mut town, [alice, bob, _], focus) = mixed();
    town.break_media(bob);
    town.run();
    assert!(!has_session(&town, bob, &focus));
    assert_eq!(modes(&town, &focus, BOB), [(Mode::Session, false)]);
    say(&mut town, alice, &focus, "still with us?");
    town.run();
    assert_eq!(town.texts(bob), ["still with us?"]);
}

#[test]
fn a_session_cut_off_with_messages_under_way_loses_none_of_them() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, chats());
    let bob = town.phone(BOB, Transport::Tcp, chats());
    let focus = make(&mut town, alice, &[BOB]);
    let large = "x".repeat(200_000);
    let id = say(&mut town, alice, &focus, &large);
    town.break_media(bob);
    town.run_for(seconds(200));
    assert_eq!(town.answer(alice, &id), Some(200));
    assert_eq!(town.texts(bob), [large]);
    assert_eq!(town.files(), 0);
}

#[test]
fn a_restart_loses_nothing_and_members_are_called_again() {
    let (mut town, [alice, bob, carol], focus) = mixed();
    town.switch_off(bob);
    let large = "y".repeat(50_000);
    let said = [say(&mut town, alice, &focus, "one"), say(&mut town, alice, &focus, &large)];
    town.run();
    assert!(said.iter().all(|id| town.answer(alice, id) == Some(200)));
    town.crash();
    town.start();
    town.switch_on(bob);
    town.switch_on(alice);
    town.run();
    assert_eq!(town.texts(bob), ["one", large.as_str()]);
    assert_eq!(town.texts(carol), ["one"], "a large message is nothing for a device of pager mode on UDP");
    // What is said now opens a session with whoever has none.
    send(&mut town, bob, &focus, "hello again");
    town.run();
    assert_eq!(town.texts(alice), ["hello again"]);
    assert!(has_session(&town, alice, &focus));
}

#[test]
fn a_large_message_of_somebody_else_or_for_somebody_else_is_refused() {
    let (mut town, [alice, bob, _], focus) = mixed();
    let call = town.phones[alice].handset.group_call(&focus).expect("a session");
    let body = rcs::cpim::CpimBuilder::new(&uri(BOB), &focus)
        .message_id("forged")
        .content_type("text/plain")
        .build("z".repeat(50_000));
    town.with_phone(alice, |phone, now| phone.say_raw(now, call, "forged", "message/cpim", body));
    town.run();
    assert!(town.saw(alice, |event| matches!(event, Event::NotSent { message_id, why: Failure::Refused(403) } if message_id == "forged")));
    assert_eq!((town.files(), town.texts(bob).len()), (0, 0));
}

#[test]
fn a_message_for_one_member_is_for_it_alone() {
    let (mut town, [alice, bob, carol], focus) = mixed();
    let call = town.phones[alice].handset.group_call(&focus).expect("a session");
    let body = rcs::cpim::CpimBuilder::new(&uri(ALICE), &uri(BOB))
        .message_id("psst")
        .content_type("text/plain")
        .build("between us");
    town.with_phone(alice, |phone, now| phone.say_raw(now, call, "psst", "message/cpim", body));
    town.run();
    assert_eq!(town.texts(bob), ["between us"]);
    assert!(town.texts(carol).is_empty());
}

#[test]
fn the_other_devices_of_an_author_show_what_it_said() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, chats());
    let tablet = town.phone(ALICE, Transport::Ws, chats());
    let bob = town.phone(BOB, Transport::Tcp, chats());
    let focus = make(&mut town, alice, &[BOB]);
    assert!(has_session(&town, tablet, &focus), "each device has a session of its own");
    say(&mut town, alice, &focus, "from the phone");
    town.run();
    assert_eq!(
        (town.texts(tablet), town.texts(bob)),
        (vec!["from the phone".to_owned()], vec!["from the phone".to_owned()])
    );
    assert!(town.texts(alice).is_empty(), "nobody hears its own words");
}

#[test]
fn who_leaves_and_who_is_removed_have_no_session_any_more() {
    let (mut town, [alice, bob, carol], focus) = mixed();
    town.with_phone(bob, |phone, now| phone.leave_group(now, &focus));
    town.run();
    assert!(town.saw(bob, |event| matches!(event, Event::Left { .. })));
    assert_eq!(modes(&town, &focus, BOB), []);
    assert_eq!(town.sessions(), 1, "only Alice's");
    say(&mut town, alice, &focus, "without Bob");
    town.run();
    assert_eq!((town.texts(bob).len(), town.texts(carol)), (0, vec!["without Bob".to_owned()]));
    town.with_phone(bob, |phone, now| phone.join_group(now, &focus));
    town.run();
    assert!(town.saw(bob, |event| matches!(event, Event::NotJoined(Failure::Refused(403)))));
    // An administrator removes somebody with a session.
    town.with_phone(alice, |phone, now| phone.add_to_group(now, &focus, &uri(BOB)));
    town.run();
    assert!(has_session(&town, bob, &focus));
    town.with_phone(alice, |phone, now| phone.remove_from_group(now, &focus, &uri(BOB)));
    town.run();
    assert!(!has_session(&town, bob, &focus));
    assert_eq!(town.sessions(), 1);
    let left = town.phones[bob].events.iter().filter(|event| matches!(event, Event::Left { .. })).count();
    assert_eq!(left, 2);
}

#[test]
fn leaving_works_between_two_sessions_too() {
    let (mut town, [alice, bob, _], focus) = mixed();
    town.run_for(seconds(200));
    assert!(!has_session(&town, bob, &focus));
    town.with_phone(bob, |phone, now| phone.leave_group(now, &focus));
    town.run();
    assert!(town.saw(bob, |event| matches!(event, Event::Left { .. })));
    assert_eq!(town.phones[alice].handset.group_info(&focus).expect("known").users.len(), 2);
}

#[test]
fn a_session_is_refreshed_by_its_timer_as_long_as_something_is_said() {
    let (mut town, [alice, bob, _], focus) = mixed();
    for _ in 0..20 {
        town.run_for(seconds(120));
        say(&mut town, alice, &focus, "on and on");
        town.run();
    }
    assert!(has_session(&town, alice, &focus) && has_session(&town, bob, &focus));
    assert_eq!(town.texts(bob).len(), 20);
    // Hers is the INVITE that knows no session timers, so the focus keeps it up.
    let within =
        invites(&town, alice).into_iter().filter(|invite| invite.to().is_ok_and(|to| to.tag().is_some()));
    let within: Vec<Request> = within.collect();
    assert_eq!(within.len(), 2, "half of 1800 s has passed twice");
    for invite in within {
        assert!(invite.header(HeaderName::SessionExpires).is_some_and(|expires| expires.starts_with("1800")));
        assert!(invite.is_content_type("application/sdp"));
    }
}

#[test]
fn a_subject_changes_within_a_session_without_touching_it() {
    let (mut town, [alice, bob, carol], focus) = mixed();
    town.with_phone(alice, |phone, now| phone.rename_group(now, &focus, "Berg"));
    town.run();
    for phone in [alice, bob, carol] {
        let info = town.phones[phone].handset.group_info(&focus).expect("known");
        assert_eq!(info.subject.as_deref(), Some("Berg"));
    }
    say(&mut town, alice, &focus, "as before");
    town.run();
    assert_eq!(town.texts(bob), ["as before"]);
}

#[test]
fn a_subscriber_who_goes_takes_its_sessions_along() {
    let (mut town, [alice, _, _], focus) = mixed();
    town.admin(message_centre::admin::Call::RemoveSubscriber(
        format!("tel:{BOB}").parse().expect("a number"),
    ));
    town.run();
    assert_eq!(town.sessions(), 1);
    say(&mut town, alice, &focus, "Bob is gone");
    town.run();
    assert_eq!(town.waiting(BOB), 0);
}

#[test]
fn a_device_renews_its_end_and_the_session_goes_on_over_another_connection() {
    let (mut town, [alice, bob, _], focus) = mixed();
    let before = town.phones[bob].handset.group_call(&focus);
    town.with_phone(bob, |phone, now| phone.renew_group_call(now, &focus));
    town.run();
    let after = town.phones[bob].handset.group_call(&focus);
    assert!(after.is_some() && after != before);
    say(&mut town, alice, &focus, "still here?");
    town.run();
    say(&mut town, bob, &focus, "elsewhere");
    town.run();
    assert_eq!(
        (town.texts(bob), town.texts(alice)),
        (vec!["still here?".to_owned()], vec!["elsewhere".to_owned()])
    );
    assert_eq!((town.requests(bob, "MESSAGE"), town.requests(bob, "INVITE"), town.sessions()), (0, 1, 2));
}

#[test]
fn a_member_in_pager_mode_offers_media_later_and_gets_what_had_no_way_to_it() {
    let (mut town, [alice, _, carol], focus) = mixed();
    let long = "长".repeat(900);
    say(&mut town, alice, &focus, &long);
    town.run();
    assert!(town.texts(carol).is_empty(), "too large for a datagram");
    town.with_phone(carol, |phone, now| phone.renew_group_call(now, &focus));
    town.run();
    assert_eq!(town.texts(carol), [long.as_str()]);
    assert_eq!(modes(&town, &focus, CAROL), [(Mode::Session, true)]);
}

#[test]
fn a_member_that_comes_while_it_is_called_has_one_session() {
    let mut crossed = 0;
    for delay_ms in 0..5 {
        let (mut town, [alice, bob, _], focus) = mixed();
        town.run_for(seconds(200));
        let before = town.requests(bob, "INVITE");
        // What is said opens a session, and Bob's device comes by itself.
        send(&mut town, alice, &focus, "crossing");
        town.run_for(Duration::from_millis(delay_ms));
        town.with_phone(bob, |phone, now| phone.join_group(now, &focus));
        town.run();
        crossed += town.requests(bob, "INVITE") - before;
        assert_eq!(town.texts(bob), ["crossing"], "{delay_ms}");
        assert!(has_session(&town, bob, &focus), "{delay_ms}");
        assert_eq!(town.sessions(), 1, "{delay_ms}");
        send(&mut town, alice, &focus, "and after");
        town.run();
        assert_eq!((town.texts(bob).len(), town.requests(bob, "MESSAGE")), (2, 0), "{delay_ms}");
    }
    assert!(crossed > 1, "some of them did cross");
}

#[test]
fn a_large_message_comes_from_a_member_in_pager_mode_too() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, chats());
    let bob = town.phone(BOB, Transport::Ws, Services { large: true, ..Services::default() });
    let carol = town.phone(CAROL, Transport::Tcp, Services::all());
    let focus = make(&mut town, alice, &[BOB]);
    let large = "w".repeat(70_000);
    let id = town.with_phone(bob, |phone, now| phone.send_large(now, &focus, &Outgoing::text(large.clone())));
    town.run();
    assert_eq!(town.answer(bob, &id), Some(200));
    assert_eq!(town.texts(alice), [large.as_str()]);
    assert_eq!(town.files(), 0);
    assert_eq!(modes(&town, &focus, BOB), [(Mode::Pager, true)], "it takes part as before");
    // Not of somebody else, and not of any size.
    let refused =
        town.with_phone(carol, |phone, now| phone.send_large(now, &focus, &Outgoing::text("let me in")));
    town.run();
    let why = |phone: Phone, id: &str| {
        town.phones[phone].events.iter().find_map(|event| match event {
            Event::NotSent { message_id, why } if message_id == id => Some(*why),
            _ => None,
        })
    };
    assert_eq!(why(carol, &refused), Some(Failure::Refused(403)));
    let huge = "h".repeat((1 << 20) + 1);
    let refused = town.with_phone(bob, |phone, now| phone.send_large(now, &focus, &Outgoing::text(huge)));
    town.run();
    let why = town.phones[bob].events.iter().find_map(|event| match event {
        Event::NotSent { message_id, why } if *message_id == refused => Some(*why),
        _ => None,
    });
    assert_eq!(why, Some(Failure::Refused(413)));
    assert_eq!(town.files(), 0);
}

#[test]
fn what_nobody_has_yet_is_taken_back_from_everybody() {
    let (mut town, [alice, bob, carol], focus) = mixed();
    town.switch_off(bob);
    town.switch_off(carol);
    let id = say(&mut town, alice, &focus, &"r".repeat(40_000));
    town.run_for(seconds(1));
    assert_eq!((town.waiting(BOB), town.waiting(CAROL), town.files()), (1, 1, 1));
    // Only its author takes it back.
    town.switch_on(carol);
    town.with_phone(carol, |phone, now| phone.revoke(now, &focus, &id));
    town.run();
    let answers = |town: &Town, phone: Phone| -> Vec<bool> {
        let told = town.phones[phone].events.iter().filter_map(|event| match event {
            Event::Revoked { message_id, is_done } if *message_id == id => Some(*is_done),
            _ => None,
        });
        told.collect()
    };
    assert_eq!(answers(&town, carol), [false]);
    town.with_phone(alice, |phone, now| phone.revoke(now, &focus, &id));
    town.run();
    assert_eq!(answers(&town, alice), [true]);
    assert_eq!((town.waiting(BOB), town.waiting(CAROL), town.files()), (0, 0, 0));
    town.switch_on(bob);
    assert!(town.texts(bob).is_empty());
    assert!(town.records(&id).iter().all(|record| record.outcome == Outcome::Revoked));
    // Asked again, the answer is the same.
    town.with_phone(alice, |phone, now| phone.revoke(now, &focus, &id));
    town.run();
    assert_eq!(answers(&town, alice), [true, true]);
}

#[test]
fn what_was_for_one_member_is_taken_back_from_it() {
    let (mut town, [alice, bob, _], focus) = mixed();
    town.switch_off(bob);
    let call = town.phones[alice].handset.group_call(&focus).expect("a session");
    let body = rcs::cpim::CpimBuilder::new(&uri(ALICE), &uri(BOB))
        .message_id("psst")
        .content_type("text/plain")
        .build("between us");
    town.with_phone(alice, |phone, now| phone.say_raw(now, call, "psst", "message/cpim", body));
    town.run();
    assert_eq!(town.waiting(BOB), 1);
    town.with_phone(alice, |phone, now| phone.revoke(now, &focus, "psst"));
    town.run();
    assert!(town.saw(alice, |event| matches!(event, Event::Revoked { is_done: true, .. })));
    assert_eq!(town.waiting(BOB), 0);
}

#[test]
fn what_one_member_has_stays_with_all_of_them() {
    let (mut town, [alice, bob, carol], focus) = mixed();
    town.switch_off(bob);
    let id = say(&mut town, alice, &focus, "too late");
    town.run();
    assert_eq!(town.texts(carol), ["too late"]);
    town.with_phone(alice, |phone, now| phone.revoke(now, &focus, &id));
    town.run();
    assert!(town.saw(alice, |event| matches!(event, Event::Revoked { is_done: false, .. })));
    town.switch_on(bob);
    assert_eq!(town.texts(bob), ["too late"]);
}
