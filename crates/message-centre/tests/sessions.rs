//! Chats and large messages: who is invited, what is said, and where it goes, told as short stories.

mod town;

use handset::{Answers, Event, Failure, Outgoing, Services};
use rcs::imdn::Disposition::{Delivered, Displayed};
use sip::{HeaderName, Message, Transport};
use store::Outcome;
use town::{Phone, Town, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";

fn uri(number: &str) -> String {
    format!("sip:{number}@hongyan.local;user=phone")
}

fn text(text: &str) -> Outgoing {
    Outgoing::text(text)
}

fn rings() -> Services {
    Services { answers: Answers::Ring, ..Services::all() }
}

fn refuses(status: u16) -> Services {
    Services { answers: Answers::Refuse(status), ..Services::all() }
}

/// A town with Alice, and Bob with these services, both over TCP.
fn two(bob: Services) -> (Town, Phone, Phone) {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let bob = town.phone(BOB, Transport::Tcp, bob);
    (town, alice, bob)
}

fn call(town: &mut Town, from: Phone, to: &str) -> u64 {
    town.with_phone(from, |phone, now| phone.call(now, &uri(to)))
}

fn say(town: &mut Town, phone: Phone, call: u64, what: &str) -> String {
    town.with_phone(phone, |phone, now| phone.say(now, call, &text(what)))
}

fn is_open(town: &Town, phone: Phone) -> bool {
    town.saw(phone, |event| matches!(event, Event::CallOpen { .. }))
}

fn ended_with(town: &Town, phone: Phone) -> Vec<Option<u16>> {
    let ended = town.phones[phone].events.iter().filter_map(|event| match event {
        Event::CallEnded { status, .. } => Some(*status),
        _ => None,
    });
    ended.collect()
}

/// The number of the call that a phone was invited to last.
fn called(town: &Town, phone: Phone) -> u64 {
    let called = town.phones[phone].events.iter().rev().find_map(|event| match event {
        Event::Called { call, .. } => Some(*call),
        _ => None,
    });
    called.expect("it was invited")
}

#[test]
fn a_chat_carries_messages_both_ways_with_their_reports() {
    let (mut town, alice, bob) = two(Services::all());
    let chat = call(&mut town, alice, BOB);
    town.run();
    assert!(is_open(&town, alice) && is_open(&town, bob));
    let question = say(&mut town, alice, chat, "supper?");
    town.run();
    assert_eq!(town.texts(bob), ["supper?"]);
    assert_eq!(town.answer(alice, &question), Some(200));
    let back = called(&town, bob);
    let answer = say(&mut town, bob, back, "at seven");
    town.run();
    assert_eq!(town.texts(alice), ["at seven"]);
    assert_eq!(town.answer(bob, &answer), Some(200));
    let report = |id: &str, what| {
        let id = id.to_owned();
        move |event: &Event| matches!(event, Event::Report { message_id, disposition, .. } if *message_id == id && *disposition == what)
    };
    assert!(town.saw(alice, report(&question, Delivered)) && town.saw(bob, report(&answer, Delivered)));
    let message = town.phones[bob].events.iter().find_map(|event| match event {
        Event::Message(message) => Some(message.clone()),
        _ => None,
    });
    town.with_phone(bob, |phone, now| phone.displayed(now, &message.expect("it was shown")));
    town.run();
    assert!(town.saw(alice, report(&question, Displayed)));
    assert_eq!(town.records(&question)[0].outcome, Outcome::Delivered);
    assert_eq!((town.requests(bob, "MESSAGE"), town.requests(alice, "MESSAGE")), (0, 0), "all of it by MSRP");
}

#[test]
fn composing_shows_in_a_chat() {
    let (mut town, alice, bob) = two(Services::all());
    let chat = call(&mut town, alice, BOB);
    town.run();
    town.with_phone(alice, |phone, now| phone.say_composing(now, chat, true));
    town.run();
    assert!(town.saw(bob, |event| matches!(event, Event::Composing { active: true, .. })));
}

#[test]
fn a_device_that_rings_lets_the_caller_hear_it_ring() {
    let (mut town, alice, bob) = two(rings());
    call(&mut town, alice, BOB);
    town.run();
    assert!(town.saw(alice, |event| matches!(event, Event::CallRinging { .. })));
    assert!(!is_open(&town, alice));
    let invitation = called(&town, bob);
    town.with_phone(bob, |phone, now| phone.accept(now, invitation));
    town.run();
    assert!(is_open(&town, alice));
}

#[test]
fn what_the_callee_decides_the_caller_hears() {
    for (says, hears) in [(486, 486), (603, 603), (488, 488), (606, 488), (600, 486)] {
        let (mut town, alice, _) = two(refuses(says));
        call(&mut town, alice, BOB);
        town.run();
        assert_eq!(ended_with(&town, alice), [Some(hears)], "{says}");
        assert_eq!(town.sessions(), 0);
    }
}

#[test]
fn a_chat_that_nobody_can_take_is_taken_by_the_centre_and_kept() {
    for status in [480, 408, 500, 503] {
        let (mut town, alice, bob) = two(refuses(status));
        let chat = call(&mut town, alice, BOB);
        town.run();
        assert!(is_open(&town, alice), "{status}");
        let sent = say(&mut town, alice, chat, "later then");
        town.run();
        assert_eq!(town.answer(alice, &sent), Some(200), "accepted, and kept or delivered");
        assert_eq!(town.texts(bob), ["later then"], "as a MESSAGE, which this device takes too");
    }
}

#[test]
fn what_is_said_to_somebody_away_is_delivered_by_a_call_of_ours() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let chats_only = Services { pager: false, large: false, ..Services::all() };
    let bob = town.device(BOB, Transport::Tcp, chats_only);
    let chat = call(&mut town, alice, BOB);
    town.run();
    assert!(is_open(&town, alice), "the centre answers for him");
    let sent = ["one", "two", "three"].map(|what| say(&mut town, alice, chat, what));
    town.run();
    assert!(sent.iter().all(|id| town.answer(alice, id) == Some(200)));
    assert_eq!(town.waiting(BOB), 3);
    town.switch_on(bob);
    assert_eq!(town.texts(bob), ["one", "two", "three"]);
    assert!(town.saw(
        bob,
        |event| matches!(event, Event::Called { is_deferred: true, from, .. } if *from == uri(ALICE))
    ));
    assert_eq!(town.waiting(BOB), 0);
    assert_eq!(town.requests(bob, "INVITE"), 1, "one call for all of it");
    let invite = town.wire.iter().find_map(|(to, message)| match message {
        Message::Request(request) if *to == bob && request.method().as_str() == "INVITE" => Some(request),
        _ => None,
    });
    let invite = invite.expect("there was one");
    assert_eq!(
        invite.header(HeaderName::PAssertedIdentity).as_deref(),
        Some("<sip:rcse-standfw@hongyan.local>")
    );
    assert_eq!(invite.header(HeaderName::ReferredBy).as_deref(), Some(format!("<{}>", uri(ALICE)).as_str()));
    town.run_for(seconds(60));
    assert_eq!(ended_with(&town, bob), [None], "it ends when nothing more comes");
}

#[test]
fn a_session_message_to_a_device_of_pager_mode_goes_as_a_message() {
    let (mut town, alice, bob) = two(Services::default());
    let chat = call(&mut town, alice, BOB);
    town.run();
    let sent = say(&mut town, alice, chat, "supper?");
    town.run();
    assert_eq!(town.answer(alice, &sent), Some(200));
    assert_eq!(town.texts(bob), ["supper?"]);
    assert_eq!((town.requests(bob, "INVITE"), town.requests(bob, "MESSAGE")), (0, 1));
    // His reports come as MESSAGEs and reach her in the chat.
    assert!(town.saw(alice, |event| matches!(event, Event::Report { disposition: Delivered, .. })));
    assert_eq!(town.requests(alice, "MESSAGE"), 0);
}

#[test]
fn a_message_too_large_for_a_datagram_goes_to_a_udp_device_in_large_mode() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Ws, Services::default());
    let bob = town.phone(BOB, Transport::Udp, Services::all());
    let long = "啊".repeat(900);
    let sent = town.with_phone(alice, |phone, now| phone.send(now, &uri(BOB), &text(&long)));
    town.run();
    assert_eq!(town.texts(bob), [long.as_str()]);
    assert_eq!(town.answer(alice, &sent), Some(200));
    assert!(town.saw(bob, |event| matches!(event, Event::Called { is_large: true, .. })));
    assert_eq!(town.requests(bob, "MESSAGE"), 0);
    assert_eq!(ended_with(&town, bob), [None], "one session, one message");
    for (_, message) in town.wire.iter().filter(|(to, _)| *to == bob) {
        if let Message::Request(request) = message {
            assert!(request.wire().len() <= 1300, "{} has {} bytes", request.method(), request.wire().len());
        }
    }
}

#[test]
fn a_large_message_is_spooled_and_handed_over_and_its_file_goes() {
    let (mut town, alice, bob) = two(Services::all());
    let large = "大".repeat(1 << 20);
    let sent = town.with_phone(alice, |phone, now| phone.send_large(now, &uri(BOB), &text(&large)));
    town.run();
    assert_eq!(town.answer(alice, &sent), Some(200));
    assert_eq!(town.texts(bob), [large.as_str()]);
    assert_eq!(town.files(), 0);
    assert_eq!(ended_with(&town, alice), [None]);
    assert_eq!(town.sessions(), 0);
}

#[test]
fn a_large_message_for_somebody_away_survives_a_crash() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let bob = town.device(BOB, Transport::Tcp, Services::all());
    let large = "x".repeat(300_000);
    let sent = town.with_phone(alice, |phone, now| phone.send_large(now, &uri(BOB), &text(&large)));
    town.run();
    assert_eq!(town.answer(alice, &sent), Some(200));
    assert_eq!((town.waiting(BOB), town.files()), (1, 1));
    town.crash();
    town.start();
    assert_eq!(town.files(), 1, "the store says that somebody needs it");
    town.switch_on(bob);
    town.run();
    assert_eq!(town.texts(bob), [large]);
    assert_eq!((town.waiting(BOB), town.files()), (0, 0));
}

#[test]
fn a_message_above_the_ceiling_is_413_and_leaves_nothing() {
    let (mut town, alice, bob) = two(Services::all());
    let chat = call(&mut town, alice, BOB);
    town.run();
    let sent = say(&mut town, alice, chat, &"x".repeat((1 << 20) + 1));
    town.run();
    let refused = |event: &Event| matches!(event, Event::NotSent { message_id, why: Failure::Refused(413) } if *message_id == sent);
    assert!(town.saw(alice, refused));
    assert_eq!((town.texts(bob).len(), town.files()), (0, 0));
}

#[test]
fn a_chat_forks_to_every_device_and_the_first_to_answer_has_it() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let ringing = town.phone(BOB, Transport::Tcp, rings());
    let quick = town.phone(BOB, Transport::Ws, rings());
    let chat = call(&mut town, alice, BOB);
    town.run();
    let invitation = called(&town, quick);
    town.with_phone(quick, |phone, now| phone.accept(now, invitation));
    town.run();
    assert!(is_open(&town, alice) && is_open(&town, quick));
    assert_eq!(ended_with(&town, ringing), [Some(487)]);
    let cancel = town.wire.iter().find_map(|(to, message)| match message {
        Message::Request(request) if *to == ringing && request.method().as_str() == "CANCEL" => Some(request),
        _ => None,
    });
    let reason =
        cancel.expect("it was cancelled").header(HeaderName::Reason).map(|reason| reason.into_owned());
    assert!(reason.is_some_and(|reason| reason.starts_with("SIP;cause=200")));
    // The other device gets a copy all the same.
    say(&mut town, alice, chat, "hello both");
    town.run();
    assert_eq!(town.texts(quick), ["hello both"]);
    assert_eq!(town.texts(ringing), ["hello both"]);
}

#[test]
fn a_device_on_which_a_chat_is_declined_speaks_for_the_others() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let ringing = town.phone(BOB, Transport::Tcp, rings());
    town.phone(BOB, Transport::Ws, refuses(603));
    call(&mut town, alice, BOB);
    town.run();
    assert_eq!(ended_with(&town, alice), [Some(603)]);
    assert_eq!(ended_with(&town, ringing), [Some(487)]);
    assert_eq!(town.sessions(), 0);
}

#[test]
fn a_caller_who_gives_up_is_answered_487_and_the_devices_stop_ringing() {
    let (mut town, alice, bob) = two(rings());
    let chat = call(&mut town, alice, BOB);
    town.run();
    town.with_phone(alice, |phone, now| phone.hang_up(now, chat));
    town.run();
    assert_eq!(ended_with(&town, alice), [Some(487)]);
    assert_eq!(ended_with(&town, bob), [Some(487)]);
    assert_eq!(town.sessions(), 0);
}

#[test]
fn a_device_that_only_rings_is_left_in_peace_after_a_minute_and_the_caller_goes_on() {
    let (mut town, alice, bob) = two(rings());
    let chat = call(&mut town, alice, BOB);
    town.run_for(seconds(70));
    assert!(is_open(&town, alice));
    assert_eq!(ended_with(&town, bob), [Some(487)]);
    say(&mut town, alice, chat, "are you there?");
    town.run();
    assert_eq!(town.texts(bob), ["are you there?"]);
}

#[test]
fn who_hangs_up_ends_the_chat_for_both() {
    for hangs_up in [0, 1] {
        let (mut town, alice, bob) = two(Services::all());
        let chat = call(&mut town, alice, BOB);
        town.run();
        let (phone, number) = if hangs_up == 0 { (alice, chat) } else { (bob, called(&town, bob)) };
        town.with_phone(phone, |phone, now| phone.hang_up(now, number));
        town.run();
        assert_eq!((ended_with(&town, alice), ended_with(&town, bob)), (vec![None], vec![None]));
        assert_eq!(town.sessions(), 0);
    }
}

#[test]
fn a_chat_in_which_nothing_is_said_ends_after_three_minutes() {
    let (mut town, alice, bob) = two(Services::all());
    let chat = call(&mut town, alice, BOB);
    town.run_for(seconds(120));
    say(&mut town, alice, chat, "still here");
    town.run_for(seconds(120));
    assert_eq!(ended_with(&town, alice), [], "what is said keeps it open");
    town.run_for(seconds(120));
    assert_eq!((ended_with(&town, alice), ended_with(&town, bob)), (vec![None], vec![None]));
}

#[test]
fn both_sides_inviting_at_once_end_up_in_one_chat() {
    let (mut town, alice, bob) = two(Services::all());
    let (hers, his) = {
        let now = town.now;
        let hers = town.phones[alice].handset.call(now, &uri(BOB));
        let his = town.phones[bob].handset.call(now, &uri(ALICE));
        (hers, his)
    };
    town.run();
    assert!(is_open(&town, alice) && is_open(&town, bob));
    let open = |phone: Phone| town.phones[phone].handset.calls();
    assert_eq!((open(alice), open(bob), town.sessions()), (1, 1, 2));
    say(&mut town, alice, hers, "from her");
    say(&mut town, bob, his, "from him");
    town.run();
    assert_eq!(
        (town.texts(bob), town.texts(alice)),
        (vec!["from her".to_owned()], vec!["from him".to_owned()])
    );
    assert_eq!((town.requests(alice, "MESSAGE"), town.requests(bob, "MESSAGE")), (0, 0));
}

#[test]
fn the_newest_chat_between_two_takes_the_place_of_the_older() {
    let (mut town, alice, bob) = two(Services::all());
    call(&mut town, alice, BOB);
    town.run();
    let again = call(&mut town, alice, BOB);
    town.run();
    assert_eq!(ended_with(&town, alice), [None]);
    assert_eq!(town.requests(bob, "INVITE"), 1, "his side stays as it is");
    say(&mut town, alice, again, "back again");
    town.run();
    assert_eq!(town.texts(bob), ["back again"]);
    assert_eq!(town.sessions(), 2);
}

#[test]
fn a_chat_whose_msrp_connection_breaks_ends_and_loses_nothing() {
    let (mut town, alice, bob) = two(Services::all());
    let chat = call(&mut town, alice, BOB);
    town.run();
    town.switch_off(bob);
    let sent = say(&mut town, alice, chat, "did you hear?");
    town.run_for(seconds(20));
    let is_kept = town.answer(alice, &sent) == Some(200);
    assert!(is_kept || town.saw(alice, |event| matches!(event, Event::NotSent { .. })));
    town.switch_on(bob);
    if !is_kept {
        let again = Outgoing::text("did you hear?").with_id(sent);
        town.with_phone(alice, |phone, now| phone.send(now, &uri(BOB), &again));
    }
    town.run_for(seconds(10));
    assert_eq!(town.texts(bob), ["did you hear?"]);
}

#[test]
fn sessions_are_refreshed_and_a_device_that_is_gone_without_a_word_is_noticed() {
    let mut town = Town::with(|config| {
        config.sessions.timer.interval_s = 90;
        config.sessions.idle = seconds(3600);
    });
    let alice = town.phone(ALICE, Transport::Udp, Services::all());
    let bob = town.phone(BOB, Transport::Udp, Services::all());
    call(&mut town, alice, BOB);
    town.run_for(seconds(200));
    assert_eq!(ended_with(&town, alice), []);
    assert!(town.saw(alice, |event| matches!(event, Event::CallRefreshed { .. })));
    // Her device loses power: no BYE, and over UDP nobody notices a connection.
    town.phones[alice].is_on = false;
    town.run_for(seconds(200));
    assert_eq!(ended_with(&town, bob), [None]);
    assert_eq!(town.sessions(), 0);
}

#[test]
fn over_a_network_that_loses_datagrams_a_chat_is_set_up_all_the_same() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Udp, Services::all());
    let bob = town.phone(BOB, Transport::Udp, Services::all());
    town.lose = 250;
    for round in 0..10 {
        let chat = call(&mut town, alice, BOB);
        town.run_for(seconds(25));
        say(&mut town, alice, chat, &round.to_string());
        town.run_for(seconds(25));
    }
    town.lose = 0;
    town.run_for(seconds(100));
    let texts = town.texts(bob);
    let sent = town.phones[alice].events.iter().filter(|event| matches!(event, Event::Sent { .. })).count();
    assert!(sent >= 8, "{sent} of 10 were taken");
    assert_eq!(texts.len(), sent, "{texts:?}");
}

#[test]
fn who_is_not_there_to_be_invited_is_404_and_who_may_not_is_challenged() {
    let (mut town, alice, _) = two(Services::all());
    call(&mut town, alice, "+8613800000099");
    town.run();
    assert_eq!(ended_with(&town, alice), [Some(404)]);
}

#[test]
fn a_repeated_message_is_taken_once_whichever_way_it_comes() {
    let (mut town, alice, bob) = two(Services::all());
    let chat = call(&mut town, alice, BOB);
    town.run();
    let sent = say(&mut town, alice, chat, "once");
    town.run();
    let again = Outgoing::text("once").with_id(sent.clone());
    town.with_phone(alice, |phone, now| phone.say(now, chat, &again));
    town.run();
    town.with_phone(alice, |phone, now| phone.send(now, &uri(BOB), &again));
    town.run();
    assert_eq!(town.texts(bob), ["once"]);
    assert!(!town.saw(bob, |event| matches!(event, Event::Repeated { .. })));
    assert_eq!(town.records(&sent).len(), 1);
}
