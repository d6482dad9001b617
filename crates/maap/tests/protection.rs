//! What users do not want, how much a chatbot may send, and chatbots that know no numbers.

mod world;

use std::time::Duration;

use chatbot_api::ctcu::ReturnCode;
use chatbot_api::{Content, Outgoing};
use maap::consent::QuietHours;
use maap::{Answer, Call, ContactChange, Reason};
use rcs::Timestamp;
use serde_json::{Value, json};
use store::{ConsentBy, Contact, Dialect, Outcome, Rules};
use world::{ALICE, BOB, World, bot, message_to, number_of, seconds, user};

const DAY: u64 = 86_400;

fn promotion(id: &str, to: &[&str]) -> Value {
    let mut message = message_to(id, to, "一折起");
    message["trafficType"] = json!("advertisement");
    message["reportRequest"] = json!(["sent", "failed", "delivered"]);
    message
}

fn contact(world: &World, number: &str) -> Option<Contact> {
    world.store().contact(&(bot(), user(number))).expect("readable")
}

fn set(world: &mut World, rules: Rules) {
    assert!(matches!(world.call(Call::SetRules { chatbot: bot(), rules }), Answer::Rules(_)));
}

/// What came of a message for a user: the last status that the chatbot heard.
fn last_status(world: &World, id: &str, number: &str) -> Option<String> {
    let statuses = world.webhook.statuses();
    statuses.into_iter().rev().find(|(of, to, ..)| of == id && to == number).map(|(_, _, status, _)| status)
}

#[test]
fn who_says_td_is_spared_promotions_until_they_say_start() {
    let mut world = World::with_bot();
    world.text(ALICE, "ＴＤ。");
    world.run_for(seconds(1));
    assert_eq!(world.webhook.texts_of(ALICE), ["ＴＤ。"], "the chatbot hears it all the same");
    assert_eq!(world.phones[ALICE].texts().len(), 1, "and the user is told");
    let noted = contact(&world, ALICE).expect("noted");
    let last = noted.consent.last().expect("noted");
    assert_eq!((last.is_given, last.word.as_str(), last.by), (false, "ＴＤ。", ConsentBy::User));
    assert!(last.at <= world.now && contact(&world, BOB).is_none());

    assert_eq!(world.send(&promotion("m1", &[ALICE, BOB]))["errorCode"], 0);
    assert_eq!(world.say("m2", &[ALICE], "您的车票"), 0);
    world.run_for(seconds(1));
    assert_eq!(last_status(&world, "m1", ALICE).as_deref(), Some("failed"));
    assert_eq!(last_status(&world, "m1", BOB).as_deref(), Some("delivered"));
    assert_eq!(world.phones[ALICE].texts()[1..], ["您的车票"], "what is no promotion comes");
    let records = world.records("m1");
    let of_alice = records.iter().find(|record| record.to == user(ALICE)).expect("a record");
    assert_eq!(of_alice.outcome, Outcome::Refused("the user has opted out".to_owned()));

    // Once more says nothing new; a crash forgets nothing.
    world.text(ALICE, "td");
    world.run_for(seconds(1));
    assert_eq!(world.phones[ALICE].texts().len(), 2);
    world.crash();
    world.start();
    assert_eq!(world.send(&promotion("m3", &[ALICE]))["errorCode"], 0);
    world.text(ALICE, "Start");
    assert_eq!(world.send(&promotion("m4", &[ALICE]))["errorCode"], 0);
    world.run_for(seconds(1));
    assert!(matches!(world.records("m3")[0].outcome, Outcome::Refused(_)));
    assert_eq!(last_status(&world, "m4", ALICE).as_deref(), Some("delivered"));
    assert_eq!(contact(&world, ALICE).expect("noted").consent.len(), 2);
}

#[test]
fn an_operator_may_have_all_messages_stopped_say_nothing_and_speak_for_users() {
    let mut world = World::with(|config| {
        config.consent.stops_all = true;
        config.consent.stop_answer.clear();
        config.consent.stop_words = vec!["qx".to_owned()];
    });
    world.make_bot();
    world.text(ALICE, "TD");
    world.text(BOB, "QX");
    assert_eq!(world.say("m1", &[ALICE, BOB], "a"), 0);
    world.run_for(seconds(1));
    assert_eq!((world.phones[ALICE].texts(), world.phones[BOB].texts()), (vec!["a"], vec![]));
    let change = |consent| ContactChange {
        consent: Some(consent),
        reason: Some("by telephone".to_owned()),
        ..Default::default()
    };
    for (number, consent) in [(BOB, true), (ALICE, false)] {
        let call = Call::SetContact { chatbot: bot(), user: user(number), change: change(consent) };
        let Answer::Contact(contact) = world.call(call) else { panic!("changed") };
        let last = contact.consent.last().expect("noted");
        assert_eq!((last.word.as_str(), last.by), ("by telephone", ConsentBy::Operator));
    }
    assert_eq!(world.say("m2", &[ALICE, BOB], "b"), 0);
    world.run_for(seconds(1));
    assert_eq!((world.phones[ALICE].texts(), world.phones[BOB].texts()), (vec!["a"], vec!["b"]));
}

#[test]
fn a_user_has_so_many_promotions_a_day() {
    let mut world = World::with(|config| config.consent.promotions_per_day = Some(2));
    world.make_bot();
    for (n, id) in ["m0", "m1", "m2"].iter().enumerate() {
        world.send(&promotion(id, &[ALICE]));
        world.send(&promotion(id, &[ALICE]));
        assert_eq!(matches!(world.records(id)[0].outcome, Outcome::Refused(_)), n == 2, "{id}");
    }
    assert_eq!(world.say("m3", &[ALICE], "您的车票"), 0);
    assert!(!matches!(world.records("m3")[0].outcome, Outcome::Refused(_)));
    world.send(&promotion("m4", &[BOB]));
    assert!(!matches!(world.records("m4")[0].outcome, Outcome::Refused(_)));
    world.run_for(seconds(DAY));
    world.log_in();
    world.send(&promotion("m5", &[ALICE]));
    assert!(!matches!(world.records("m5")[0].outcome, Outcome::Refused(_)));
    set(&mut world, Rules { promotions_per_day: Some(0), ..Rules::default() });
    world.send(&promotion("m6", &[ALICE]));
    assert!(matches!(world.records("m6")[0].outcome, Outcome::Refused(_)));
}

#[test]
fn promotions_wait_for_the_morning_and_others_go_by() {
    let mut world = World::with(|config| {
        // The clocks show 19:06 at first (UTC+8).
        config.consent.quiet_hours = Some(QuietHours { from: 19 * 60, until: 7 * 60 });
    });
    world.make_bot();
    let morning = world.now.plus(seconds(DAY / 2));
    assert_eq!(world.send(&promotion("m1", &[ALICE, BOB]))["errorCode"], 0);
    assert_eq!(world.say("m2", &[ALICE], "您的车票"), 0);
    world.text(BOB, "a0");
    world.run_for(seconds(60));
    assert_eq!(world.phones[ALICE].texts(), ["您的车票"]);
    assert_eq!(last_status(&world, "m1", ALICE).as_deref(), Some("sent"));
    // A device that comes in the night gets it in the morning too; a process that dies knows it afterwards.
    world.switch_off(BOB);
    world.switch_on(BOB);
    world.crash();
    world.start();
    // One is taken back in the night.
    world.revoke("m1", &[BOB]);
    world.run_for(seconds(DAY / 2 - 3600));
    assert!(world.now < morning && world.phones[BOB].texts().is_empty());
    world.run_for(seconds(3600));
    assert_eq!(world.phones[ALICE].texts(), ["您的车票", "一折起"]);
    assert!(world.phones[BOB].texts().is_empty());
    assert_eq!(last_status(&world, "m1", ALICE).as_deref(), Some("delivered"));
    assert_eq!(last_status(&world, "m1", BOB).as_deref(), Some("revokeOk"));
    // By day nothing waits.
    world.log_in();
    world.send(&promotion("m3", &[BOB]));
    world.run_for(seconds(1));
    assert_eq!(world.phones[BOB].texts(), ["一折起"]);
    // What may not be stored cannot wait.
    world.run_for(seconds(DAY / 2));
    world.log_in();
    let mut unstored = promotion("m4", &[ALICE]);
    unstored["storeSupported"] = json!(false);
    world.send(&unstored);
    assert!(matches!(world.records("m4")[0].outcome, Outcome::Refused(_)));
}

#[test]
fn a_day_and_a_month_have_their_messages_also_after_a_restart() {
    let mut world = World::with(|config| {
        config.limits.per_day = Some(5);
        config.limits.per_month = Some(8);
    });
    world.make_bot();
    assert_eq!(world.say("m1", &[ALICE, BOB], "a"), 0);
    assert_eq!(world.say("m2", &[ALICE, BOB], "a"), 0);
    assert_eq!(world.say("m3", &[ALICE, BOB], "a"), number_of(ReturnCode::DayLimit));
    world.crash();
    world.start();
    assert_eq!(world.say("m4", &[ALICE], "a"), 0);
    let Answer::Refused(refusal) = world.try_send(&message_to("m5", &[ALICE], "a")) else {
        panic!("refused")
    };
    assert_eq!(refusal.reason, Reason::DayLimit);
    let clock = rcs::local_time::LocalTime::hours_east(8);
    let tomorrow = clock.next_day(world.now);
    assert_eq!(refusal.retry_after, Some(tomorrow.since(world.now)));
    world.run_for(tomorrow.since(world.now));
    world.log_in();
    for id in ["m6", "m7", "m8"] {
        assert_eq!(world.say(id, &[ALICE], "a"), 0);
    }
    let Answer::Refused(refusal) = world.try_send(&message_to("m9", &[ALICE], "a")) else {
        panic!("refused")
    };
    assert_eq!(refusal.reason, Reason::MonthLimit);
    let next_month = world.now.plus(refusal.retry_after.expect("it may be tried again"));
    assert_eq!(next_month, clock.next_month(world.now));
    assert_eq!(clock.month(next_month), clock.month(world.now) + 1);
    // An operator lets one chatbot have more.
    set(
        &mut world,
        Rules { per_month: Some(100), per_day: Some(100), per_second: Some(1), ..Rules::default() },
    );
    assert_eq!(world.say("m10", &[ALICE], "a"), 0);
    let Answer::Refused(refusal) = world.try_send(&message_to("m11", &[ALICE], "a")) else {
        panic!("refused")
    };
    assert_eq!((refusal.reason, refusal.retry_after), (Reason::SecondLimit, Some(seconds(1))));
    world.run_for(seconds(1));
    assert_eq!(world.say("m11", &[ALICE], "a"), 0);
    let refused = world
        .call(Call::SetRules { chatbot: bot(), rules: Rules { per_second: Some(0), ..Rules::default() } });
    assert!(matches!(refused, Answer::Invalid(_)));
}

#[test]
fn a_message_that_is_refused_counts_for_nothing() {
    let mut world = World::with(|config| config.limits.per_day = Some(2));
    world.make_bot();
    for _ in 0..5 {
        assert_eq!(world.say("m1", &[ALICE, BOB, "+8613800000009"], "a"), number_of(ReturnCode::DayLimit));
    }
    assert_eq!(world.say("m1", &[ALICE, BOB], "a"), 0);
    assert!(world.now < Timestamp::MAX && world.records("m1").len() == 2);
}

#[test]
fn who_cannot_be_sent_to_costs_nothing_of_the_day_whatever_the_api() {
    const NOBODY: &str = "+8613800000009";
    for dialect in [Dialect::Ctcu, Dialect::Rbm, Dialect::Fnw11, Dialect::Cm] {
        let mut world = World::with(|config| config.limits.per_day = Some(2));
        world.create_as(dialect, "12306", json!({}));
        world.text(BOB, "TD");
        let mut id = 0;
        let mut send = |world: &mut World, to: &str, traffic: Option<&str>| {
            id += 1;
            let message = Outgoing {
                simpler: None,
                message_id: format!("m{id}"),
                to: vec![user(to)],
                content: Content::text("a"),
                conversation_id: "c".to_owned(),
                contribution_id: "d".to_owned(),
                in_reply_to: None,
                traffic: traffic.map(str::to_owned),
                wanted: Default::default(),
                sms: None,
                store: true,
                validity: None,
            };
            world.call(Call::Send { chatbot: bot(), message: Box::new(message) })
        };
        let is_over = |answer: &Answer| matches!(answer, Answer::Refused(refusal) if refusal.reason == Reason::DayLimit);
        for _ in 0..5 {
            assert!(!is_over(&send(&mut world, NOBODY, None)), "{dialect:?}");
            assert!(!is_over(&send(&mut world, BOB, Some("advertisement"))), "{dialect:?}");
        }
        for _ in 0..2 {
            let answer = send(&mut world, ALICE, None);
            assert!(matches!(answer, Answer::Accepted(..)), "{dialect:?}: {answer:?}");
        }
        assert!(is_over(&send(&mut world, ALICE, None)), "{dialect:?}");
        // Nor does an administrator's text get past the limit.
        let text = Call::SendText { from: bot(), to: user(ALICE), text: "a".to_owned() };
        assert!(
            matches!(world.call(text), Answer::Refused(refusal) if refusal.limit == Some((maap::rate::Span::Day, 2)))
        );
    }
}

#[test]
fn trying_without_end_has_an_end() {
    let mut world = World::with(|config| config.limits.per_second = 10);
    world.make_bot();
    let codes: Vec<i64> = (0..30).map(|n| world.say(&format!("m{n}"), &["+8613800000009"], "a")).collect();
    assert_eq!(codes.iter().filter(|code| **code == 0).count(), 10);
    assert!(codes[10..].iter().all(|code| *code == number_of(ReturnCode::SecondLimit)));
}

/// What stands for a user in the last push.
fn last_sender(world: &World) -> String {
    let (_, body) = world.webhook.taken.last().expect("a push");
    let sender = body["senderAddress"].as_str().or(body["deliveryInfoList"][0]["senderAddress"].as_str());
    sender.expect("a sender").to_owned()
}

#[test]
fn a_chatbot_that_may_know_no_numbers_knows_tokens() {
    let mut world = World::with_bot();
    set(&mut world, Rules { anonymous: Some(true), ..Rules::default() });
    world.text(ALICE, "a0");
    let alice = last_sender(&world);
    world.text(BOB, "b0");
    let bob = last_sender(&world);
    world.text(ALICE, "a1");
    assert_eq!(last_sender(&world), alice);
    assert_ne!(alice, bob);
    let token =
        alice.strip_prefix("sip:").and_then(|rest| rest.strip_suffix("@hongyan.local")).expect("a token");
    assert_eq!(token.len(), 32);
    let digits = &ALICE[1..];
    let told = || world.webhook.calls.iter().map(|push| String::from_utf8_lossy(&push.body).into_owned());
    assert!(!told().any(|body| body.contains(digits)), "no push has the number");
    let conversation = rcs::ids::conversation_between(&user(ALICE), &bot());
    assert!(!told().any(|body| body.contains(&conversation)), "nor what follows from it");

    // It answers the token, and hears of that in the same name; also after a restart.
    world.crash();
    world.start();
    let mut message = message_to("m1", &[], "好");
    message["destinationAddress"] = json!([alice]);
    message["reportRequest"] = json!(["sent", "delivered"]);
    assert_eq!(world.send(&message)["errorCode"], 0);
    world.run_for(seconds(1));
    assert_eq!(world.phones[ALICE].texts(), ["好"]);
    assert_eq!(last_sender(&world), alice);
    // A token of another chatbot's, or of nobody, is nobody.
    message["messageId"] = json!("m2");
    message["destinationAddress"] = json!([format!("sip:{}@hongyan.local", "0".repeat(32))]);
    assert_eq!(world.send(&message)["errorCode"], 0);
    assert!(matches!(world.records("m2")[0].outcome, Outcome::Refused(_)));

    // The user takes the token back: the chatbot meets somebody new.
    let change = ContactChange { revoke_token: true, ..Default::default() };
    world.call(Call::SetContact { chatbot: bot(), user: user(ALICE), change });
    world.text(ALICE, "a2");
    assert_ne!(last_sender(&world), alice);
    message["messageId"] = json!("m3");
    message["destinationAddress"] = json!([alice]);
    assert_eq!(world.send(&message)["errorCode"], 0);
    world.run_for(seconds(1));
    assert_eq!(world.phones[ALICE].texts(), ["好"]);
}

#[test]
fn a_user_who_agrees_is_known_by_number() {
    let mut world = World::with(|config| config.anonymous = true);
    world.make_bot();
    world.text(ALICE, "a0");
    let token = last_sender(&world);
    let chips = json!({ "suggestions": [{ "action": {
        "displayText": "告诉号码", "postback": { "data": "reveal-7" }, "settingsAction": { "disableAnonymization": {} },
    } }] });
    let mut message = message_to("m1", &[], "请告诉我您的号码");
    message["destinationAddress"] = json!([token]);
    message["messageList"].as_array_mut().expect("a list").push(json!({
        "contentType": "application/vnd.gsma.botsuggestion.v1.0+json", "contentText": chips,
    }));
    assert_eq!(world.send(&message)["errorCode"], 0);
    world.run_for(Duration::from_secs(1));
    let tap = |data: &str| {
        format!(r#"{{"response":{{"action":{{"displayText":"x","postback":{{"data":"{data}"}}}}}}}}"#)
    };
    let response = "application/vnd.gsma.botsuggestion.response.v1.0+json";
    world.message(ALICE, "t0", response, &tap("something else"));
    assert_eq!(last_sender(&world), token);
    world.message(BOB, "t1", response, &tap("reveal-7"));
    assert!(last_sender(&world).starts_with("sip:"), "Bob was not asked");
    world.message(ALICE, "t2", response, &tap("reveal-7"));
    assert_eq!(last_sender(&world), format!("tel:{ALICE}"));
    world.text(ALICE, "a1");
    assert_eq!(last_sender(&world), format!("tel:{ALICE}"));
}

#[test]
fn a_user_may_hide_the_number_from_a_chatbot_that_would_know_it() {
    let mut world = World::with_bot();
    world.text(ALICE, "a0");
    assert_eq!(last_sender(&world), format!("tel:{ALICE}"));
    let revealed = |world: &mut World, is: bool, by: ConsentBy| {
        let change = ContactChange { revealed: Some(is), by, ..Default::default() };
        world.call(Call::SetContact { chatbot: bot(), user: user(ALICE), change });
    };
    // An operator takes a leave back; to hide is the user's.
    revealed(&mut world, false, ConsentBy::Operator);
    world.text(ALICE, "a1");
    assert_eq!(last_sender(&world), format!("tel:{ALICE}"));
    revealed(&mut world, false, ConsentBy::User);
    world.text(ALICE, "a2");
    let token = last_sender(&world);
    assert!(token.starts_with("sip:"), "{token}");
    world.text(BOB, "b0");
    assert_eq!(last_sender(&world), format!("tel:{BOB}"));
    let mut message = message_to("m1", &[], "好");
    message["destinationAddress"] = json!([token]);
    assert_eq!(world.send(&message)["errorCode"], 0);
    world.run_for(seconds(1));
    assert_eq!(world.phones[ALICE].texts(), ["好"]);
    revealed(&mut world, true, ConsentBy::User);
    world.text(ALICE, "a3");
    assert_eq!(last_sender(&world), format!("tel:{ALICE}"));
}
