//! Chatbots that speak the RBM-style interface: what differs from the others in what is decided and told.

mod world;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chatbot_api::rbm::{AgentMessage, push};
use maap::{Answer, Call, Method, Reason};
use rcs::composing::{self, Composing, State};
use rcs::imdn::Disposition::{Delivered, Displayed};
use serde_json::{Value, json};
use store::{Dialect, PublicKey};
use world::{ALICE, BOB, Trouble, World, bot, seconds, user};

const NOBODY: &str = "+8613800000009";
const RESPONSE: &str = "application/vnd.gsma.botsuggestion.response.v1.0+json";

fn world() -> World {
    let mut world = World::new();
    world.create_as(
        Dialect::Rbm,
        "12306",
        json!({ "displayName": "Weather", "webhook": "http://bot.example/hook" }),
    );
    world.run_for(seconds(1));
    world
}

fn send(world: &mut World, id: &str, to: &str, body: Value) -> Answer {
    let message = AgentMessage::parse(body.to_string().as_bytes()).expect("well formed");
    let message =
        message.into_outgoing(id.to_owned(), &bot(), user(to), Vec::new(), world.now).expect("in time");
    world.call(Call::Send { chatbot: bot(), message: Box::new(message) })
}

fn say(world: &mut World, id: &str, to: &str) -> Answer {
    send(world, id, to, json!({ "contentMessage": { "text": id } }))
}

fn reason(answer: Answer) -> Reason {
    match answer {
        Answer::Refused(refusal) => refusal.reason,
        other => panic!("{other:?}"),
    }
}

/// What the webhook has taken, decoded; each push is signed.
fn told(world: &World) -> Vec<Value> {
    let token = world.credentials.clone().expect("a chatbot").callback_token;
    let mut told = Vec::new();
    for call in world.webhook.calls.iter().filter(|call| call.headers.len() == 2) {
        assert_eq!((call.method, call.url.as_str()), (Method::Post, "http://bot.example/hook"));
        let envelope: Value = serde_json::from_slice(&call.body).expect("JSON");
        let data = STANDARD.decode(envelope["message"]["data"].as_str().expect("text")).expect("base64");
        let expected = ("x-goog-signature", push::signature(&token, &data));
        assert_eq!(call.headers[1], expected);
        told.push(serde_json::from_slice(&data).expect("JSON"));
    }
    told
}

fn member<'v>(told: &'v [Value], name: &str) -> Vec<&'v Value> {
    told.iter().filter_map(|one| one.get(name)).collect()
}

#[test]
fn a_webhook_is_checked_as_soon_as_it_is_named() {
    let world = world();
    assert_eq!(world.stats.checks_passed, 1);
    let call = &world.webhook.calls[0];
    let check: Value = serde_json::from_slice(&call.body).expect("JSON");
    assert_eq!(check["clientToken"], world.credentials.clone().unwrap().callback_token);
    assert!(world.store().chatbot(&bot()).unwrap().unwrap().callback_checked);
}

#[test]
fn a_webhook_that_is_now_allowed_to_be_private_is_checked_at_once() {
    let mut world = World::new();
    world.webhook.troubles.insert("bot.example".to_owned(), Trouble::Forbidden);
    world.create_as(Dialect::Rbm, "12306", json!({ "webhook": "http://bot.example/hook" }));
    world.run_for(seconds(60));
    world.webhook.troubles.clear();
    world.update(json!({ "allowPrivateWebhook": true }));
    assert!(world.store().chatbot(&bot()).unwrap().unwrap().callback_checked);
}

#[test]
fn a_message_is_delivered_and_read_and_a_repeated_id_ignored() {
    let mut world = world();
    assert!(matches!(say(&mut world, "m1", ALICE), Answer::Accepted(..)));
    assert!(matches!(say(&mut world, "m1", ALICE), Answer::Accepted(..)));
    world.run_for(seconds(5));
    assert_eq!(world.phones[ALICE].texts(), ["m1"]);
    let told = told(&world);
    assert_eq!(member(&told, "eventType"), ["DELIVERED", "READ"]);
    assert!(told.iter().all(|one| one["messageId"] == "m1" && one["senderPhoneNumber"] == ALICE));
    assert!(told.iter().all(|one| one["agentId"] == "12306"));
    assert_ne!(told[0]["eventId"], told[1]["eventId"]);
    assert!(world.mailbox().is_empty(), "what the interface has no words for does not wait");
}

#[test]
fn what_is_read_was_delivered_whatever_is_told_first() {
    let mut world = world();
    world.phones.get_mut(ALICE).expect("a phone").reports_display_first = true;
    say(&mut world, "m1", ALICE);
    world.run_for(seconds(5));
    assert_eq!(member(&told(&world), "eventType"), ["DELIVERED", "READ"]);
    // And the other way: the agent says that it has read before its webhook has answered.
    world.webhook.holds = true;
    world.text(ALICE, "hi");
    let read = || Call::Read { chatbot: bot(), user: user(ALICE), message_id: "hi".to_owned() };
    assert_eq!(world.call(read()), Answer::Done);
    world.let_go();
    assert_eq!(world.call(read()), Answer::Done);
    let reports = &world.phones[ALICE].reports;
    assert_eq!(*reports, [("hi".to_owned(), Delivered), ("hi".to_owned(), Displayed)]);
}

#[test]
fn who_cannot_have_a_message_is_refused_at_once() {
    let mut world = world();
    assert_eq!(reason(say(&mut world, "m1", NOBODY)), Reason::NoSuchUser);
    world.block(ALICE, bot());
    assert_eq!(reason(say(&mut world, "m2", ALICE)), Reason::Blocked);
    assert!(world.records("m1").is_empty() && world.records("m2").is_empty());
    assert!(told(&world).is_empty());
}

#[test]
fn a_message_whose_time_is_over_is_told_and_never_arrives() {
    let mut world = world();
    world.switch_off(ALICE);
    let body = json!({ "contentMessage": { "text": "code 1234" }, "ttl": "30s" });
    assert!(matches!(send(&mut world, "m1", ALICE, body), Answer::Accepted(..)));
    world.run_for(seconds(29));
    assert!(told(&world).is_empty());
    world.run_for(seconds(3));
    let told = told(&world);
    assert_eq!(member(&told, "eventType"), ["TTL_EXPIRATION_REVOKED"]);
    assert_eq!((&told[0]["phoneNumber"], &told[0]["messageId"]), (&json!(ALICE), &json!("m1")));
    world.switch_on(ALICE);
    world.run_for(seconds(60));
    assert!(world.phones[ALICE].inbox.is_empty());
}

#[test]
fn a_message_without_a_time_waits_for_a_month() {
    let mut world = world();
    world.switch_off(ALICE);
    say(&mut world, "m1", ALICE);
    world.run_for(seconds(29 * 86_400));
    assert!(told(&world).is_empty());
    world.run_for(seconds(2 * 86_400));
    assert_eq!(member(&told(&world), "eventType"), ["TTL_EXPIRATION_REVOKED"]);
}

#[test]
fn a_revoked_message_never_arrives_and_the_webhook_hears_nothing() {
    let mut world = world();
    world.switch_off(ALICE);
    say(&mut world, "m1", ALICE);
    let call = Call::Revoke { chatbot: bot(), message_id: "m1".to_owned(), to: vec![user(ALICE)] };
    assert!(matches!(world.call(call), Answer::Revoking { .. }));
    world.switch_on(ALICE);
    world.run_for(seconds(60));
    assert!(world.phones[ALICE].inbox.is_empty() && told(&world).is_empty() && world.mailbox().is_empty());
}

#[test]
fn what_users_say_and_tap_is_told_and_read_only_when_the_agent_says_so() {
    let mut world = world();
    world.text(ALICE, "hello");
    let tap = r#"{"response":{"reply":{"displayText":"North","postback":{"data":"go:north"}}}}"#;
    world.message(ALICE, "t1", RESPONSE, tap);
    world.run_for(seconds(5));
    let heard = told(&world);
    assert_eq!((&heard[0]["text"], &heard[0]["messageId"]), (&json!("hello"), &json!("hello")));
    let tapped = json!({ "postbackData": "go:north", "text": "North", "type": "REPLY" });
    assert_eq!(heard[1]["suggestionResponse"], tapped);
    let hello = "hello".to_owned();
    assert!(world.phones[ALICE].reports.contains(&(hello.clone(), Delivered)));
    assert!(!world.phones[ALICE].reports.contains(&(hello.clone(), Displayed)));

    let read = Call::Read { chatbot: bot(), user: user(ALICE), message_id: hello.clone() };
    assert_eq!(world.call(read.clone()), Answer::Done);
    assert_eq!(world.call(read), Answer::Done);
    world.run_for(seconds(5));
    let displayed = world.phones[ALICE].reports.iter().filter(|one| **one == (hello.clone(), Displayed));
    assert_eq!(displayed.count(), 1);
    assert!(world.records("hello")[0].displayed_at.is_some());
    let other = Call::Read { chatbot: bot(), user: user(BOB), message_id: hello };
    assert_eq!(reason(world.call(other)), Reason::NoSuchMessage);
}

#[test]
fn a_push_that_is_repeated_says_the_same_under_the_same_id() {
    let mut world = world();
    world.webhook.is_down = true;
    world.text(ALICE, "hello");
    world.run_for(seconds(2));
    world.webhook.is_down = false;
    world.run_for(seconds(60));
    let told = told(&world);
    assert!(told.len() > 1 && told.windows(2).all(|pair| pair[0] == pair[1]), "{told:?}");
    let ids: std::collections::BTreeSet<String> = world.webhook.calls[1..]
        .iter()
        .map(|call| serde_json::from_slice::<Value>(&call.body).unwrap()["message"]["messageId"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_push_is_taken_by_200_and_nothing_else() {
    let mut world = world();
    world.webhook.troubles.insert("bot.example".to_owned(), Trouble::Answers(204));
    world.text(ALICE, "hello");
    world.run_for(seconds(5));
    assert!(!world.phones[ALICE].reports.contains(&("hello".to_owned(), Delivered)));
    world.webhook.troubles.clear();
    world.run_for(seconds(60));
    assert!(world.phones[ALICE].reports.contains(&("hello".to_owned(), Delivered)));
    assert!(world.mailbox().is_empty());
}

#[test]
fn an_agent_that_is_tested_reaches_its_testers_with_nothing_else() {
    let mut world = world();
    assert_eq!(
        world.call(Call::Invite { chatbot: bot(), user: user(ALICE) }),
        Answer::Invited { accepted: None }
    );
    let set = Call::SetTester { chatbot: bot(), user: user(ALICE), accepted: Some(true) };
    assert_eq!(world.call(set), Answer::Done);
    let change = json!({ "status": "testing" });
    world.update(change);
    let typing = |to| Call::Composing { chatbot: bot(), to: user(to), state: State::Active };
    let ask = |user, id: &str| Call::Capabilities { chatbot: bot(), user, request_id: id.to_owned() };
    assert_eq!(world.call(typing(ALICE)), Answer::Done);
    assert_eq!(world.call(ask(user(ALICE), "r1")), Answer::Done);
    for refused in [world.call(typing(BOB)), world.call(ask(user(BOB), "r2")), say(&mut world, "m1", BOB)] {
        assert_eq!(reason(refused), Reason::NotAllowed);
    }
}

#[test]
fn both_sides_see_the_other_write() {
    let mut world = world();
    assert_eq!(
        world.call(Call::Composing { chatbot: bot(), to: user(ALICE), state: State::Active }),
        Answer::Done
    );
    world.run_for(seconds(1));
    let envelope = world.phones[ALICE].envelopes.last().expect("an indication");
    assert_eq!(envelope.content_type(), composing::CONTENT_TYPE);
    let shown = Composing::parse(envelope.payload()).expect("a document");
    assert_eq!(shown.state, State::Active);
    assert_eq!(
        reason(world.call(Call::Composing { chatbot: bot(), to: user(NOBODY), state: State::Active })),
        Reason::NoSuchUser
    );
    world.switch_off(BOB);
    assert_eq!(
        world.call(Call::Composing { chatbot: bot(), to: user(BOB), state: State::Active }),
        Answer::Done
    );
    world.switch_on(BOB);
    world.run_for(seconds(60));
    assert!(world.phones[BOB].inbox.is_empty(), "it is worth nothing later");

    let before = told(&world).len();
    world.message(ALICE, "c1", composing::CONTENT_TYPE, &Composing::new(State::Active).to_xml());
    world.message(ALICE, "c2", composing::CONTENT_TYPE, &Composing::new(State::Idle).to_xml());
    world.run_for(seconds(1));
    let told = told(&world);
    assert_eq!(member(&told[before..], "eventType"), ["IS_TYPING"]);
    assert!(world.mailbox().is_empty());
}

#[test]
fn typing_is_told_to_a_webhook_that_hangs_a_few_times_at_most() {
    let mut world = world();
    world.webhook.holds = true;
    for n in 0..40 {
        world.message(
            ALICE,
            &format!("c{n}"),
            composing::CONTENT_TYPE,
            &Composing::new(State::Active).to_xml(),
        );
    }
    assert_eq!(told(&world).len(), 16);
    world.let_go();
    world.message(ALICE, "c", composing::CONTENT_TYPE, &Composing::new(State::Active).to_xml());
    assert_eq!(told(&world).len(), 17);
}

#[test]
fn typing_is_not_told_to_a_webhook_that_is_left_alone() {
    let mut world = world();
    world.webhook.is_down = true;
    world.text(ALICE, "hi");
    world.run_for(seconds(3600));
    let before = world.webhook.calls.len();
    let typing = Composing::new(State::Active).to_xml();
    world.message(ALICE, "c1", composing::CONTENT_TYPE, &typing);
    assert_eq!(world.webhook.calls.len(), before);
}

#[test]
fn capabilities_are_told_by_webhook_when_asked_for() {
    let mut world = world();
    let ask = |user, id: &str| Call::Capabilities { chatbot: bot(), user, request_id: id.to_owned() };
    assert_eq!(world.call(ask(user(NOBODY), "r1")), Answer::Done);
    world.run_for(seconds(1));
    let expected = json!({ "requestId": "r1", "phoneNumber": NOBODY, "rbmEnabled": false, "features": [],
        "agentId": "12306" });
    assert_eq!(told(&world), [expected]);
}

#[test]
fn an_invited_user_answers_by_a_tap_that_the_webhook_never_sees() {
    let mut world = world();
    let invite = |to| Call::Invite { chatbot: bot(), user: user(to) };
    assert_eq!(world.call(invite(ALICE)), Answer::Invited { accepted: None });
    world.run_for(seconds(5));
    let (_, text) = &world.phones[ALICE].inbox[0];
    assert!(text.contains("Weather") && text.contains("hongyan.tester.accept"), "{text}");
    let account = |world: &World| world.store().service_account(&bot()).unwrap().unwrap();
    assert!(!account(&world).is_tester(&user(ALICE)));

    let tap = r#"{"response":{"reply":{"displayText":"Yes","postback":{"data":"hongyan.tester.accept"}}}}"#;
    world.message(ALICE, "t1", RESPONSE, tap);
    world.message(BOB, "t2", RESPONSE, tap);
    world.run_for(seconds(5));
    assert!(account(&world).is_tester(&user(ALICE)));
    assert!(!account(&world).is_tester(&user(BOB)), "who was not invited is no tester");
    assert!(told(&world).is_empty() && world.mailbox().is_empty());
    assert_eq!(world.call(invite(ALICE)), Answer::Invited { accepted: Some(true) });
    assert_eq!(world.phones[ALICE].inbox.len(), 1, "who has answered is not asked again");
    assert_eq!(reason(world.call(invite(NOBODY))), Reason::NoSuchUser);

    let set = |user, accepted| Call::SetTester { chatbot: bot(), user, accepted };
    assert_eq!(world.call(set(user(BOB), Some(true))), Answer::Done);
    assert!(account(&world).is_tester(&user(BOB)));
    assert_eq!(world.call(set(user(ALICE), None)), Answer::Done);
    assert_eq!(world.call(set(user(ALICE), None)), Answer::NotFound);
    assert!(!account(&world).is_tester(&user(ALICE)));
}

#[test]
fn invitations_are_limited_by_the_day() {
    let mut world = world();
    let invite = |n: u32| Call::Invite { chatbot: bot(), user: user(&format!("+86138000001{n:02}")) };
    for n in 0..21 {
        world.account(&format!("+86138000001{n:02}"));
    }
    for n in 0..20 {
        assert_eq!(world.call(invite(n)), Answer::Invited { accepted: None });
    }
    assert_eq!(reason(world.call(invite(20))), Reason::CallLimit);
    world.run_for(seconds(86_400));
    assert_eq!(world.call(invite(20)), Answer::Invited { accepted: None });
}

#[test]
fn keys_come_and_go_and_only_their_public_halves_are_kept() {
    let mut world = world();
    let key =
        |id: &str| PublicKey { id: id.to_owned(), der: vec![1, 2, 3], created_at: rcs::Timestamp::EPOCH };
    let add = |id: &str| Call::AddKey { chatbot: bot(), key: key(id) };
    for n in 0..10 {
        assert_eq!(world.call(add(&n.to_string())), Answer::Done);
    }
    assert!(matches!(world.call(add("10")), Answer::Invalid(_)));
    let remove = |id: &str| Call::RemoveKey { chatbot: bot(), key: id.to_owned() };
    assert_eq!(world.call(remove("3")), Answer::Done);
    assert_eq!(world.call(remove("3")), Answer::NotFound);
    assert_eq!(world.store().service_account(&bot()).unwrap().unwrap().keys.len(), 9);
    assert_eq!(world.call(Call::Remove(bot())), Answer::Removed);
    assert!(world.store().service_account(&bot()).unwrap().is_none());
    assert_eq!(world.call(add("1")), Answer::NotFound);
    world.create("12306", json!({}));
    assert!(matches!(world.call(add("1")), Answer::Invalid(_)), "CT/CU knows no keys");
}

#[test]
fn who_opts_out_and_in_again_is_told_as_an_event_once() {
    let mut world = world();
    world.message(ALICE, "w1", "text/plain", "STOP");
    world.message(ALICE, "w2", "text/plain", "stop");
    world.run_for(seconds(5));
    let heard = told(&world);
    assert_eq!(member(&heard, "eventType"), ["UNSUBSCRIBE"]);
    assert_eq!(member(&heard, "text"), ["STOP", "stop"], "the words reach it as well");
    world.message(ALICE, "w3", "text/plain", "START");
    world.run_for(seconds(5));
    let heard = told(&world);
    assert_eq!(member(&heard, "eventType"), ["UNSUBSCRIBE", "SUBSCRIBE"]);
    assert!(heard.iter().all(|one| one["senderPhoneNumber"] == ALICE && one["agentId"] == "12306"));
}
