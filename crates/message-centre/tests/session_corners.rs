//! Corners of sessions: requests that come from elsewhere, sessions that end in the middle of something, things that happen at the
//! same instant.

mod town;

use std::time::Duration;

use handset::{Answers, Event, Failure, Outgoing, Services};
use message_centre::admin::{Answer, Call};
use message_centre::provisioning;
use message_centre::session::{SessionBody, media};
use msrp::sdp::Description;
use rcs::address::Address;
use rcs::provisioning::Document;
use sip::digest::{Challenge, Ha1s};
use sip::{Flow, HeaderName, Message, Request, RequestBuilder, ResponseBuilder, Transport};
use store::{Account, Credential};
use town::{DOMAIN, PASSWORD, Phone, Town, seconds};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";

fn uri(number: &str) -> String {
    format!("sip:{number}@hongyan.local;user=phone")
}

fn address(number: &str) -> Address {
    Address::subscriber(number).expect("a number")
}

fn rings() -> Services {
    Services { answers: Answers::Ring, ..Services::all() }
}

/// Alice and Bob, both over this transport.
fn two(town: &mut Town, transport: Transport) -> (Phone, Phone) {
    let phone = |town: &mut Town, number| town.phone(number, transport, Services::all());
    (phone(town, ALICE), phone(town, BOB))
}

fn call(town: &mut Town, from: Phone, to: &str) -> u64 {
    let call = town.with_phone(from, |phone, now| phone.call(now, to));
    town.run();
    call
}

fn say(town: &mut Town, phone: Phone, call: u64, what: &str) -> String {
    town.with_phone(phone, |phone, now| phone.say(now, call, &Outgoing::text(what)))
}

fn ended(town: &Town, phone: Phone) -> usize {
    town.phones[phone].events.iter().filter(|event| matches!(event, Event::CallEnded { .. })).count()
}

fn opened(town: &Town, phone: Phone) -> usize {
    town.phones[phone].events.iter().filter(|event| matches!(event, Event::CallOpen { .. })).count()
}

/// How many bindings a subscriber has.
fn bound(town: &Town, number: &str) -> usize {
    town.store().bindings(&address(number)).expect("readable").list.len()
}

#[test]
fn a_second_device_behind_the_same_address_that_answers_too_is_acknowledged_and_let_go() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town, Transport::Tcp);
    let chat = call(&mut town, alice, &uri(BOB));
    let (invite, acks) = (town.request(bob, "INVITE").clone(), town.requests(bob, "ACK"));
    let flow = town.phones[bob].flow;
    let other = ResponseBuilder::for_request(&invite, 200, "OK")
        .to_tag("another")
        .header(HeaderName::Contact, "<sip:tablet@192.0.2.77>")
        .build();
    town.inject(flow, other);
    town.run();
    assert_eq!((town.requests(bob, "ACK"), town.requests(bob, "BYE")), (acks + 1, 1));
    for method in ["ACK", "BYE"] {
        let said = town.request(bob, method);
        assert_eq!(said.to_tag().expect("readable"), Some("another"), "{method}");
        assert_eq!(said.uri_text(), "sip:tablet@192.0.2.77", "{method}");
    }
    // The chat is with the first.
    say(&mut town, alice, chat, "still there?");
    town.run();
    assert_eq!(town.texts(bob), ["still there?"]);
    assert_eq!((ended(&town, alice), ended(&town, bob)), (0, 0));
}

#[test]
fn a_full_mailbox_is_no_reason_never_to_try_again() {
    let mut town = Town::with(|config| config.mailbox_entries_max = 1);
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let bob = town.device(BOB, Transport::Tcp, Services::all());
    let chat = call(&mut town, alice, &uri(BOB));
    let first = say(&mut town, alice, chat, "one");
    town.run();
    let second = say(&mut town, alice, chat, "two");
    town.run();
    assert_eq!((town.answer(alice, &first), town.waiting(BOB)), (Some(200), 1));
    let refused = |event: &Event| matches!(event, Event::NotSent { message_id, why: Failure::Refused(408) } if *message_id == second);
    assert!(town.saw(alice, refused));
    town.switch_on(bob);
    town.run();
    assert_eq!(town.texts(bob), ["one"]);
    let third = say(&mut town, alice, chat, "two");
    town.run();
    assert_eq!(town.answer(alice, &third), Some(200));
}

/// A device that was configured, by the word of the network, and has registered.
fn configured(town: &mut Town, number: &str, imei: &str) -> Phone {
    let request = provisioning::Request {
        peer: "203.0.113.7".parse().expect("an address"),
        is_secure: true,
        proven: Some(address(number)),
        claimed: None,
        cookie: None,
        otp: None,
        token: None,
        version: 0,
        imei: Some(imei.to_owned()),
        name: None,
    };
    let answer = town.admin(Call::Provisioning(provisioning::Call::Ask(request)));
    let Answer::Provisioning(provisioning::Answer::Document(xml)) = answer else { panic!("a document") };
    let document = Document::parse(xml.as_bytes()).expect("a document");
    let login = document.application("ap2001").and_then(|ims| ims.group("APPAUTH")).expect("APPAUTH");
    let value = |name: &str| login.parm(name).expect(name).to_owned();
    town.logged_in(number, &value("UserName"), &value("UserPwd"))
}

#[test]
fn an_ack_to_a_refresh_that_is_lost_is_sent_again() {
    let mut town = Town::with(|config| config.sessions.timer.interval_s = 90);
    let (alice, _) = two(&mut town, Transport::Udp);
    call(&mut town, alice, &uri(BOB));
    town.loses = Some((alice, "ACK"));
    town.run_for(seconds(50));
    assert!(town.saw(alice, |event| matches!(event, Event::CallRefreshed { .. })));
    assert_eq!((town.loses, town.requests(alice, "ACK")), (None, 1));
}

#[test]
fn what_was_being_handed_over_is_not_forgotten_when_its_addressee_calls_a_device_that_is_away() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let bob = town.device(BOB, Transport::Tcp, Services { pager: false, large: false, ..rings() });
    let chat = call(&mut town, alice, &uri(BOB));
    say(&mut town, alice, chat, "call me");
    town.run();
    town.switch_off(alice);
    town.switch_on(bob);
    assert_eq!((town.waiting(BOB), town.requests(bob, "INVITE")), (1, 1));
    let device = format!("sip:{ALICE}@{DOMAIN};gr={}", town.phones[alice].instance);
    call(&mut town, bob, &device);
    assert!(town.saw(bob, |event| matches!(event, Event::CallEnded { status: Some(480), .. })));
    town.with_phone(bob, |phone, _| phone.answer_with(Answers::Accept));
    town.run_for(seconds(100));
    assert_eq!((town.texts(bob), town.waiting(BOB)), (vec!["call me".to_owned()], 0));
}

#[test]
fn what_is_under_way_in_a_chat_goes_on_at_once_in_the_one_that_takes_its_place() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town, Transport::Tcp);
    let chat = call(&mut town, alice, &uri(BOB));
    let long = "长".repeat(100_000);
    say(&mut town, alice, chat, &long);
    while !town.is_being_sent_to(bob) {
        town.run_for(Duration::from_millis(1));
    }
    town.with_phone(bob, |phone, now| phone.call(now, &uri(ALICE)));
    town.run();
    assert!(town.texts(bob) == [long], "{} came", town.texts(bob).len());
    assert_eq!(ended(&town, bob), 1, "the older one");
}

/// A request within the dialog that the centre's `within` belongs to, written by the device's side of it.
fn in_dialog(within: &Request, method: &str, cseq: u32, branch: &str) -> RequestBuilder {
    let swapped = |name| within.header(name).expect("it has one").into_owned();
    let contact = within.contacts().next().and_then(Result::ok).and_then(sip::Contact::address);
    let target = contact.map_or(uri(ALICE), |contact| contact.name_addr.uri.as_str().to_owned());
    RequestBuilder::new(method, &target)
        .header(HeaderName::Via, format!("SIP/2.0/UDP 10.9.9.9;rport;branch=z9hG4bK{branch}"))
        .header(HeaderName::MaxForwards, 70)
        .header(HeaderName::From, swapped(HeaderName::To))
        .header(HeaderName::To, swapped(HeaderName::From))
        .header(HeaderName::CallId, swapped(HeaderName::CallId))
        .header(HeaderName::CSeq, format!("{cseq} {method}"))
}

/// A chat over UDP, the ACK that the centre sent to Bob in it, and an address where he is not.
fn chat_over_udp(town: &mut Town) -> (Phone, Phone, Request, Flow) {
    let (alice, bob) = two(town, Transport::Udp);
    call(town, alice, &uri(BOB));
    let ack = town.request(bob, "ACK").clone();
    let elsewhere =
        Flow { transport: Transport::Udp, id: 0, peer: "10.9.9.9:5060".parse().expect("an address") };
    (alice, bob, ack, elsewhere)
}

#[test]
fn who_knows_of_a_chat_but_sends_from_elsewhere_must_prove_who_they_are() {
    for method in ["BYE", "INVITE", "UPDATE"] {
        let mut town = Town::new();
        let (alice, bob, ack, elsewhere) = chat_over_udp(&mut town);
        town.inject(elsewhere, in_dialog(&ack, method, 100, "x1").build());
        let Some(Message::Response(response)) = town.elsewhere.pop() else { panic!("an answer") };
        assert_eq!((response.status(), ended(&town, alice), ended(&town, bob)), (407, 0, 0), "{method}");
        // What the centre says in the chat still goes to the device.
        town.admin(Call::RemoveSubscriber(address(BOB)));
        town.run();
        let strayed = town.elsewhere.iter().filter(|message| matches!(message, Message::Request(_))).count();
        assert_eq!((town.requests(bob, "BYE"), strayed), (1, 0), "{method}");
    }
}

#[test]
fn a_device_that_has_moved_goes_on_with_its_chat_once_it_has_proven_itself() {
    let mut town = Town::new();
    let (alice, bob, ack, elsewhere) = chat_over_udp(&mut town);
    town.inject(elsewhere, in_dialog(&ack, "BYE", 100, "x1").build());
    let Some(Message::Response(response)) = town.elsewhere.pop() else { panic!("an answer") };
    let challenge = Challenge::best(response.all(HeaderName::ProxyAuthenticate)).expect("a challenge");
    let bye = in_dialog(&ack, "BYE", 101, "x2");
    let to =
        Message::parse_datagram(bye.clone().build()).expect("a request").into_request().expect("a request");
    let answer = |password| challenge.answer("BYE", to.uri_text(), BOB, password, "abc", 1);
    town.inject(elsewhere, bye.clone().header(HeaderName::ProxyAuthorization, answer("guessed")).build());
    assert_eq!(ended(&town, alice), 0);
    let bye = in_dialog(&ack, "BYE", 102, "x3").header(HeaderName::ProxyAuthorization, answer(PASSWORD));
    town.inject(elsewhere, bye.build());
    let answers: Vec<u16> = town
        .elsewhere
        .iter()
        .map(|message| match message {
            Message::Response(response) => response.status(),
            Message::Request(request) => panic!("{}", request.method()),
        })
        .collect();
    assert_eq!((answers, ended(&town, alice)), (vec![407, 200], 1));
    assert_eq!(town.phones[bob].handset.calls(), 1, "nobody told the other end of its own BYE");
}

#[test]
fn an_extension_that_a_request_within_a_chat_requires_is_refused_by_name() {
    let mut town = Town::new();
    let (alice, bob, ack, _) = chat_over_udp(&mut town);
    let here = town.phones[bob].flow;
    town.phones[bob].is_on = false;
    town.inject(
        here,
        in_dialog(&ack, "UPDATE", 100, "x1").header(HeaderName::Require, "timer, teleport").build(),
    );
    let refused = town.unheard.iter().any(|message| matches!(message, Message::Response(response)
        if response.status() == 420 && response.header(HeaderName::Unsupported).as_deref() == Some("teleport")));
    assert!(refused && ended(&town, alice) == 0);
}

#[test]
fn whose_password_is_replaced_is_registered_and_in_sessions_no_more() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town, Transport::Tcp);
    call(&mut town, alice, &uri(BOB));
    let account = |password| Account {
        address: address(ALICE),
        credentials: vec![Credential { username: ALICE.to_owned(), ha1s: Ha1s::of(ALICE, DOMAIN, password) }],
        display_name: None,
        created_at: town.now,
    };
    let (same, other) = (account(PASSWORD), account("another"));
    town.admin(Call::PutSubscriber(same));
    town.run();
    assert_eq!((ended(&town, alice), town.sessions(), bound(&town, ALICE)), (0, 2, 1));
    town.admin(Call::PutSubscriber(other));
    town.run();
    assert_eq!((ended(&town, alice), ended(&town, bob), town.sessions(), bound(&town, ALICE)), (1, 1, 0, 0));
    assert_eq!(bound(&town, BOB), 1);
}

#[test]
fn a_configured_device_whose_secrets_are_taken_back_is_in_no_session_any_more() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town, Transport::Tcp);
    let stolen = configured(&mut town, ALICE, "stolen");
    let kept = configured(&mut town, ALICE, "kept");
    call(&mut town, stolen, &uri(BOB));
    let id = town.store().configuration(&address(ALICE)).expect("readable").expect("two devices").devices[0]
        .id
        .clone();
    town.admin(Call::Provisioning(provisioning::Call::Revoke(address(ALICE), Some(id))));
    town.run();
    assert_eq!((ended(&town, stolen), ended(&town, bob), town.sessions(), bound(&town, ALICE)), (1, 1, 0, 2));
    // The others ring on, and those that ring are let go as if they could not be reached.
    for phone in [alice, kept] {
        town.with_phone(phone, |phone, _| phone.answer_with(Answers::Ring));
    }
    call(&mut town, bob, &uri(ALICE));
    town.admin(Call::Provisioning(provisioning::Call::Revoke(address(ALICE), None)));
    town.run();
    assert_eq!((town.requests(kept, "CANCEL"), town.requests(alice, "CANCEL"), ended(&town, bob)), (1, 0, 1));
    town.with_phone(alice, |phone, now| phone.accept(now, 1));
    town.run();
    assert_eq!((opened(&town, bob), bound(&town, ALICE)), (2, 1));
}

#[test]
fn devices_that_are_told_to_stop_are_let_go() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let phone = configured(&mut town, ALICE, "phone");
    town.phone(BOB, Transport::Tcp, Services::all());
    call(&mut town, phone, &uri(BOB));
    let state = store::ConfigurationState::Disabled;
    town.admin(Call::Provisioning(provisioning::Call::SetState(address(ALICE), state)));
    town.run();
    assert_eq!((ended(&town, phone), bound(&town, ALICE)), (1, 1));
    assert!(town.phones[alice].is_on);
}

#[test]
fn what_somebody_says_who_is_removed_in_the_same_instant_is_refused() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town, Transport::Tcp);
    let chat = call(&mut town, alice, &uri(BOB));
    town.ambush = Some(Call::RemoveSubscriber(address(ALICE)));
    let sent = say(&mut town, alice, chat, "one more thing");
    town.run();
    assert!(town.ambush.is_none() && town.texts(bob).is_empty() && town.records(&sent).is_empty());
}

#[test]
fn nobody_joins_a_session_whose_invitation_was_taken_back() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let silent = town.phone(BOB, Transport::Udp, rings());
    let quick = town.phone(BOB, Transport::Tcp, rings());
    call(&mut town, alice, &uri(BOB));
    assert_eq!(town.sessions(), 3);
    // It never hears that the other has taken the call.
    town.phones[silent].is_on = false;
    town.with_phone(quick, |phone, now| phone.accept(now, 1));
    town.run();
    assert_eq!((opened(&town, alice), town.sessions()), (1, 2));
}

#[test]
fn a_connection_on_which_nothing_is_answered_says_nothing_against_the_flow() {
    let mut town = Town::new();
    let (alice, first) = two(&mut town, Transport::Tcp);
    town.run_for(seconds(5));
    let second = town.second_flow(first, Transport::Tcp, Services::all());
    let chat = call(&mut town, alice, &uri(BOB));
    assert_eq!(opened(&town, second), 1);
    town.phones[second].is_on = false;
    let sent = say(&mut town, alice, chat, "are you asleep?");
    town.run_for(seconds(35));
    let why = format!("{:?}", town.records(&sent)[0].steps);
    assert!(why.contains("ended the session first"), "{why}");
    assert_eq!(town.store().bindings(&address(BOB)).expect("readable").list.len(), 2);
    assert!(town.texts(first).is_empty(), "it is not sent over another flow for that");
}

#[test]
fn a_ringing_device_whose_early_connection_breaks_leaves_the_others_ringing() {
    let mut town = Town::new();
    let alice = town.phone(ALICE, Transport::Tcp, Services::all());
    let (one, other) = (town.phone(BOB, Transport::Tcp, rings()), town.phone(BOB, Transport::Tcp, rings()));
    call(&mut town, alice, &uri(BOB));
    let offer = Description::parse(town.request(one, "INVITE").body()).expect("an offer");
    let session = offer.media[0].path[0].session_id.clone().expect("a session");
    town.hear(media::Event::Bound { session: session.clone() });
    town.hear(media::Event::Lost { session });
    assert_eq!((ended(&town, alice), ended(&town, one), ended(&town, other)), (0, 0, 0));
    for phone in [other, one] {
        town.with_phone(phone, |phone, now| phone.accept(now, 1));
        town.run();
    }
    assert_eq!((opened(&town, alice), ended(&town, one), ended(&town, other)), (1, 1, 0));
}

#[test]
fn the_id_of_a_message_without_an_envelope_does_not_tell_its_session() {
    let mut town = Town::new();
    let (alice, bob) = two(&mut town, Transport::Tcp);
    call(&mut town, alice, &uri(BOB));
    let answer = town.wire.iter().rev().find_map(|(to, message)| match message {
        Message::Response(response) if *to == alice && !response.body().is_empty() => Some(response),
        _ => None,
    });
    let answer = Description::parse(answer.expect("a 200").body()).expect("an answer");
    let session = answer.media[0].path[0].session_id.clone().expect("a session");
    for message_id in ["one", "two"] {
        town.hear(media::Event::Message {
            session: session.clone(),
            token: media::Token(1 << 60),
            message_id: message_id.to_owned(),
            content_type: "text/plain".to_owned(),
            body: SessionBody::Whole(message_id.into()),
        });
    }
    let ids: Vec<&String> = town.phones[bob]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Message(message) => Some(&message.message_id),
            _ => None,
        })
        .collect();
    assert!(matches!(ids.as_slice(), [one, two] if one != two), "{ids:?}");
    assert!(ids.iter().all(|id| !id.contains(&session[..8])), "{ids:?}");
}
