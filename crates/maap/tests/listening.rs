//! What chatbots hear: users' messages at their webhooks, once, in order, through failures of either side.

mod world;

use rcs::imdn::Disposition::{Delivered, Displayed, Failed};
use serde_json::json;
use store::Outcome;
use world::{ALICE, BOB, World, bot, is_signed, seconds};

const CAROL: &str = "+8613800000003";

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("a{n}")).collect()
}

#[test]
fn a_users_messages_reach_the_webhook_once_and_in_order_and_the_user_is_told() {
    let mut world = World::with_bot();
    let sent = numbered(5);
    sent.iter().for_each(|text| world.text(ALICE, text));
    world.run_for(seconds(60));
    assert_eq!(world.webhook.texts_of(ALICE), sent);
    let (path, body) = &world.webhook.taken[0];
    assert_eq!(path, "/messageNotification/sip:12306@botplatform.hongyan.local/messages");
    assert_eq!(
        (&body["messageId"], &body["destinationAddress"]),
        (&json!("a0"), &json!("sip:12306@botplatform.hongyan.local"))
    );
    assert!(body["conversationId"].is_string() && body["contributionId"].is_string());
    let reports = &world.phones[ALICE].reports;
    assert_eq!(reports[..2], [("a0".to_owned(), Delivered), ("a0".to_owned(), Displayed)]);
    assert_eq!(reports.len(), 10);
    assert_eq!(world.records("a0")[0].outcome, Outcome::Delivered);
    assert!(world.mailbox().is_empty());
    let token = world.credentials.clone().unwrap().callback_token;
    let nonces: std::collections::BTreeSet<_> =
        world.webhook.calls.iter().map(|call| call.headers[2].1.clone()).collect();
    assert_eq!(nonces.len(), world.webhook.calls.len(), "each call has a nonce of its own");
    assert!(world.webhook.calls.iter().all(|call| !call.headers[0].1.contains(&token)));
}

#[test]
fn taps_places_and_files_are_told_as_the_interface_writes_them() {
    let mut world = World::with_bot();
    let tap = r#"{"response":{"reply":{"displayText":"好","postback":{"data":"buy"}}}}"#;
    world.message(ALICE, "t1", "application/vnd.gsma.botsuggestion.response.v1.0+json", tap);
    world.text(ALICE, "geo:39.865,116.378;crs=gcj02;u=10");
    // A voice message, as a handset makes it of what the content server answered.
    let voice = include_str!("../../../fixtures/rcs/file-transfer/voice.xml");
    world.message(ALICE, "t2", "application/vnd.gsma.rcs-ft-http+xml", voice);
    world.run_for(seconds(1));
    let item = |n: usize| world.webhook.taken[n].1["messageList"][0].clone();
    assert_eq!(item(0)["contentText"]["response"]["reply"]["postback"]["data"], "buy");
    assert_eq!(item(1)["messageItem"], "location");
    let file = &item(2)["contentText"][0];
    assert_eq!((&item(2)["messageItem"], &file["type"]), (&"audio".into(), &"file".into()));
    assert_eq!(item(2)["messageFileSize"], file["fileSize"]);
    let told = rcs::file_transfer::FileTransfer::parse(voice.as_bytes()).expect("a file").file;
    assert_eq!(file["url"], told.url);
    assert_eq!(file["contentType"], told.content_type);
}

#[test]
fn a_webhook_that_was_down_for_an_hour_gets_everything_in_order() {
    let mut world = World::with_bot();
    world.phone(CAROL);
    world.webhook.is_down = true;
    let sent = numbered(40);
    for text in &sent {
        for from in [ALICE, BOB, CAROL] {
            world.message(from, &format!("{from}{text}"), "text/plain", text);
        }
    }
    world.run_for(seconds(3600));
    let tried = world.webhook.calls.len();
    assert!(tried < 40, "{tried} calls to a webhook that is gone");
    world.webhook.is_down = false;
    world.run_for(seconds(1801));
    for from in [ALICE, BOB, CAROL] {
        assert_eq!(world.webhook.texts_of(from), sent);
    }
    assert!(world.mailbox().is_empty());
}

#[test]
fn a_conversation_that_fails_holds_up_no_other() {
    let mut world = World::with_bot();
    world.webhook.fails_for.insert(ALICE.to_owned());
    let sent = numbered(200);
    for text in &sent {
        world.message(ALICE, &format!("alice{text}"), "text/plain", text);
    }
    world.message(BOB, "bob", "text/plain", "hello");
    assert_eq!(world.webhook.texts_of(BOB), ["hello"], "at once");
    world.run_for(seconds(36));
    let tried = world.webhook.calls.iter().filter(|call| call.url.ends_with("/messages")).count() - 1;
    assert_eq!(tried, 4, "the first of Alice's at 0, 1, 6 and 36 seconds");
    world.webhook.fails_for.clear();
    world.run_for(seconds(300));
    assert_eq!(world.webhook.texts_of(ALICE), sent);
}

#[test]
fn hundreds_of_conversations_that_fail_cost_no_more_than_their_own_retries() {
    // With and without the webhook being left alone.
    let worlds: [fn(&mut maap::Config); 2] = [|_| {}, |config| config.failures_max = 10_000];
    for config in worlds {
        let mut world = World::with(config);
        world.make_bot();
        let users = world.users(300);
        world.webhook.fails_for.extend(users.iter().cloned());
        // Each begins at another moment, so that each comes due again at another moment.
        for from in &users {
            world.place_text(from, "one");
            world.place_text(from, "two");
            world.run_for(std::time::Duration::from_millis(7));
        }
        world.run_for(seconds(60));
        world.pages_read = 0;
        world.run_for(seconds(600));
        world.webhook.fails_for.clear();
        world.run_for(seconds(3600));
        for from in &users {
            assert_eq!(world.webhook.texts_of(from), ["one", "two"]);
        }
        assert!(world.mailbox().is_empty());
        assert_eq!(world.pages_read, 0, "what comes next is known, and nothing is read to find it");
    }
}

#[test]
fn what_was_passed_over_comes_in_order_when_its_conversation_goes_on() {
    let mut world = World::with_bot();
    world.webhook.fails_for.insert(ALICE.to_owned());
    let sent = numbered(150);
    sent[..100].iter().for_each(|text| world.text(ALICE, text));
    world.run_for(seconds(20));
    sent[100..].iter().for_each(|text| world.text(ALICE, text));
    world.text(BOB, "b0");
    world.webhook.fails_for.clear();
    world.run_for(seconds(60));
    assert_eq!(world.webhook.texts_of(ALICE), sent);
    assert_eq!(world.webhook.texts_of(BOB), ["b0"]);
}

#[test]
fn a_crash_in_the_middle_repeats_pushes_and_loses_none() {
    let mut world = World::with_bot();
    let sent = numbered(6);
    world.text(ALICE, &sent[0]);
    world.webhook.holds = true;
    sent[1..].iter().for_each(|text| world.text(ALICE, text));
    world.text(BOB, "b0");
    world.crash();
    world.webhook.holds = false;
    world.run_for(seconds(10));
    world.start();
    world.run_for(seconds(1));
    assert_eq!(world.webhook.texts_of(ALICE), sent);
    assert_eq!(world.webhook.texts_of(BOB), ["b0"]);
    let repeated: Vec<_> = world
        .webhook
        .calls
        .iter()
        .filter(|call| String::from_utf8_lossy(&call.body).contains("\"a1\""))
        .collect();
    assert_eq!(repeated.len(), 2, "under way when the process died");
    assert_eq!(repeated[0].body, repeated[1].body);
    assert!(world.mailbox().is_empty());
}

#[test]
fn one_push_at_a_time_in_a_conversation_and_several_conversations_side_by_side() {
    let mut world = World::with(|config| config.pushes_per_chatbot = 3);
    world.make_bot();
    let users: Vec<String> = (10..15).map(|n| format!("+86138000000{n}")).collect();
    users.iter().for_each(|number| world.phone(number));
    world.webhook.holds = true;
    for text in numbered(3) {
        for from in &users {
            world.message(from, &format!("{from}{text}"), "text/plain", &text);
        }
    }
    assert_eq!(world.webhook.most_held, 3);
    world.let_go();
    world.run_for(seconds(1));
    for from in &users {
        assert_eq!(world.webhook.texts_of(from), numbered(3));
    }
}

#[test]
fn a_webhook_that_knows_only_the_other_form_of_the_path_is_found_out_once() {
    let mut world = World::with_bot();
    world.webhook.wants_encoded = true;
    numbered(3).iter().for_each(|text| world.text(ALICE, text));
    world.run_for(seconds(1));
    assert_eq!(world.webhook.texts_of(ALICE), numbered(3));
    let (path, _) = &world.webhook.taken[0];
    assert_eq!(path, "/messageNotification/sip%3A12306%40botplatform.hongyan.local/messages");
    let pushes = world.webhook.calls.iter().filter(|call| call.url.ends_with("/messages")).count();
    assert_eq!(pushes, 4, "the form that worked is remembered");
    let second = &world.webhook.calls.last().unwrap();
    assert!(is_signed(second, &world.credentials.clone().unwrap().callback_token, second_of(second)));
}

fn second_of(push: &maap::Push) -> rcs::Timestamp {
    rcs::Timestamp::from_seconds(push.headers[1].1.parse().expect("seconds"))
}

#[test]
fn a_message_that_the_webhook_never_takes_is_given_up_after_a_day_and_its_sender_hears_so() {
    let mut world = World::with_bot();
    world.webhook.fails_for.insert(ALICE.to_owned());
    world.text(ALICE, "a0");
    world.run_for(seconds(86_399));
    assert_eq!(world.mailbox().len(), 1);
    world.run_for(seconds(2));
    assert!(world.mailbox().is_empty());
    assert_eq!(world.records("a0")[0].outcome, Outcome::Expired);
    assert_eq!(world.phones[ALICE].reports, [("a0".to_owned(), Failed)]);
}

#[test]
fn what_a_chatbot_cannot_be_told_is_refused_and_the_rest_goes_on() {
    let mut world = World::with_bot();
    world.message(ALICE, "v1", "text/vcard", "BEGIN:VCARD");
    world.text(ALICE, "a0");
    world.run_for(seconds(1));
    assert_eq!(world.webhook.texts_of(ALICE), ["a0"]);
    assert!(matches!(world.records("v1")[0].outcome, Outcome::Refused(_)));
    assert!(world.phones[ALICE].reports.contains(&("v1".to_owned(), Failed)));
}

#[test]
fn mail_waits_for_a_chatbot_without_a_webhook() {
    let mut world = World::new();
    world.create("12306", json!({}));
    world.text(ALICE, "a0");
    world.run_for(seconds(2 * 86_400));
    assert_eq!(world.phones[ALICE].responses, [202]);
    assert!(matches!(
        world.update(json!({ "webhook": "http://bot.example/hook" })),
        maap::Answer::Updated(_)
    ));
    world.run_for(seconds(1));
    assert_eq!(world.webhook.texts_of(ALICE), ["a0"]);
}

#[test]
fn a_removed_chatbot_is_pushed_nothing() {
    let mut world = World::with_bot();
    world.webhook.holds = true;
    world.text(ALICE, "a0");
    assert_eq!(world.call(maap::Call::Remove(bot())), maap::Answer::Removed);
    assert_eq!(world.call(maap::Call::Remove(bot())), maap::Answer::NotFound);
    world.let_go();
    let calls = world.webhook.calls.len();
    world.run_for(seconds(86_400));
    assert_eq!(world.webhook.calls.len(), calls);
    world.text(ALICE, "a1");
    assert_eq!(world.phones[ALICE].responses, [202, 404]);
}
