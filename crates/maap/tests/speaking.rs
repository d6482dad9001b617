//! What chatbots say: tokens, the callback check, sending, limits, statuses.

mod world;

use chatbot_api::ctcu::ReturnCode;
use maap::{Answer, Call, Method};
use rcs::cpim::MAAP_NAMESPACE;
use serde_json::{Value, json};
use store::Outcome;
use world::{ALICE, BOB, World, bot, is_signed, message_to, number_of, seconds, user};

fn status(id: &str, number: &str, status: &str, code: i64) -> (String, String, String, i64) {
    (id.to_owned(), number.to_owned(), status.to_owned(), code)
}

#[test]
fn a_chatbot_gets_a_token_passes_the_check_and_is_heard() {
    let mut world = World::new();
    world.create("12306", json!({ "webhook": "http://bot.example/hook" }));
    let answer = world.log_in();
    assert_eq!((&answer["errorCode"], &answer["expires"]), (&json!(0), &json!(7200)));
    assert_eq!(answer["url"], "http://maap.example");
    let check = &world.webhook.calls[0];
    assert_eq!((check.method, check.url.as_str()), (Method::Get, "http://bot.example/hook/notifyPath"));
    assert!(is_signed(check, &world.credentials.clone().unwrap().callback_token, world.now));

    let answer = world.send(&message_to("m1", &[ALICE], "G1 正点"));
    assert_eq!(
        answer,
        json!({
            "messageId": "m1", "conversationId": "conversation-1", "contributionId": "contribution-m1",
            "errorCode": 0, "errorMessage": "ok",
        })
    );
    world.run_for(seconds(5));
    assert_eq!(world.phones[ALICE].inbox, [("m1".to_owned(), "G1 正点".to_owned())]);
    assert_eq!(
        world.webhook.statuses(),
        [
            status("m1", ALICE, "sent", 0),
            status("m1", ALICE, "delivered", 0),
            status("m1", ALICE, "displayed", 0),
        ]
    );
    let record = &world.records("m1")[0];
    assert!(record.delivered_at.is_some() && record.displayed_at.is_some());
    assert!(record.steps.iter().all(|step| !step.what.contains("failed")), "{:?}", record.steps);
    assert!(world.mailbox().is_empty());
}

#[test]
fn a_token_is_good_for_two_hours_and_dies_when_there_is_a_newer_one() {
    let mut world = World::with_bot();
    let first = world.token.clone();
    world.log_in();
    let second = std::mem::replace(&mut world.token, first);
    assert_eq!(world.say("m1", &[ALICE], "a"), number_of(ReturnCode::BadAccessToken));
    world.token = None;
    assert_eq!(world.say("m1", &[ALICE], "a"), number_of(ReturnCode::TokenMissing));
    world.token = second;
    world.run_for(seconds(7199));
    assert_eq!(world.say("m1", &[ALICE], "a"), 0);
    world.run_for(seconds(1));
    assert_eq!(world.say("m2", &[ALICE], "a"), number_of(ReturnCode::TokenExpired));
}

#[test]
fn wrong_credentials_give_no_token() {
    let mut world = World::with_bot();
    let right = world.credentials.clone().unwrap();
    for (app_id, app_key) in [(right.app_id.as_str(), "x"), ("x", right.app_key.as_str())] {
        let body = json!({ "appId": app_id, "appKey": app_key }).to_string();
        let answer = world.ask_token(bot(), &body);
        assert_eq!(answer["errorCode"], 40001);
    }
    let nobody = "sip:nobody@botplatform.hongyan.local".parse().unwrap();
    let body = json!({ "appId": right.app_id, "appKey": right.app_key }).to_string();
    assert_eq!(world.ask_token(nobody, &body)["errorCode"], 40001);
    assert_eq!(world.ask_token(bot(), "")["errorCode"], 44002);
}

#[test]
fn two_thousand_tokens_a_day_and_the_next_day_again() {
    let mut world = World::with_bot();
    let mut kept = world.store().chatbot(&bot()).unwrap().as_deref().cloned().unwrap();
    // The operator's days begin at midnight in China.
    let today = ((world.now.as_seconds() + 8 * 3600) / 86_400) as u32;
    assert_eq!(kept.tokens_given, (today, 1));
    kept.tokens_given.1 = 1999;
    let mut view = store::View::default();
    view.put_chatbot(kept);
    world.store().commit(&view).unwrap();
    assert_eq!(world.log_in()["errorCode"], 0);
    assert_eq!(world.log_in()["errorCode"], 45001);
    world.run_for(seconds(86_400));
    assert_eq!(world.log_in()["errorCode"], 0);
}

#[test]
fn nothing_is_sent_before_the_check_has_passed_and_it_is_tried_again() {
    let mut world = World::new();
    world.webhook.fails_checks = true;
    world.make_bot();
    assert_eq!(world.say("m1", &[ALICE], "a"), number_of(ReturnCode::CallbackCheckFailed));
    let checks = |world: &World| world.webhook.calls.iter().filter(|call| call.method == Method::Get).count();
    assert_eq!(checks(&world), 1);
    world.run_for(seconds(6));
    assert_eq!(checks(&world), 3, "after 1 and after 5 seconds");
    world.log_in();
    assert_eq!(checks(&world), 4, "and with each token");
    world.webhook.fails_checks = false;
    world.run_for(seconds(30));
    assert_eq!(world.say("m1", &[ALICE], "a"), 0);
    assert_eq!((world.stats.checks_passed, world.stats.checks_failed), (1, 4));
    let before = checks(&world);
    world.run_for(seconds(7200));
    assert_eq!(checks(&world), before);
}

#[test]
fn however_often_a_token_is_asked_for_there_is_one_chain_of_checks() {
    let mut world = World::new();
    world.webhook.fails_checks = true;
    world.create("12306", json!({ "webhook": "http://bot.example/hook" }));
    (0..10).for_each(|_| drop(world.log_in()));
    let asked = world.webhook.calls.len();
    assert_eq!(asked, 10, "each token is worth a check at once");
    world.run_for(seconds(4 * 3600));
    let retried = world.webhook.calls.len() - asked;
    assert!(retried <= 8, "every half an hour, but {retried} in four hours");
    world.webhook.fails_checks = false;
    world.run_for(seconds(1801));
    let checked = world.webhook.calls.len();
    world.log_in();
    assert_eq!(world.webhook.calls.len(), checked, "it has passed");
    assert_eq!(world.say("m1", &[ALICE], "a"), 0);
}

#[test]
fn what_is_displayed_was_delivered_and_a_late_delivered_says_nothing_new() {
    let mut world = World::with_bot();
    world.phones.get_mut(ALICE).unwrap().reports_display_first = true;
    world.send(&asking_for(&["delivered", "displayed"]));
    world.run_for(seconds(5));
    assert_eq!(
        world.webhook.statuses(),
        [status("m1", ALICE, "delivered", 0), status("m1", ALICE, "displayed", 0),]
    );
}

fn asking_for(statuses: &[&str]) -> Value {
    let mut message = message_to("m1", &[ALICE], "a");
    message["reportRequest"] = json!(statuses);
    message
}

#[test]
fn a_check_that_did_not_outlive_a_restart_is_made_again() {
    let mut world = World::new();
    world.webhook.holds = true;
    world.make_bot();
    world.crash();
    world.webhook.holds = false;
    world.start();
    world.settle();
    assert_eq!(world.say("m1", &[ALICE], "a"), 0);
}

#[test]
fn another_webhook_is_another_check() {
    let mut world = World::with_bot();
    world.webhook.fails_checks = true;
    assert!(matches!(world.update(json!({ "webhook": "http://bot.example/hook/new" })), Answer::Updated(_)));
    assert_eq!(world.webhook.calls.last().unwrap().url, "http://bot.example/hook/new/notifyPath");
    assert_eq!(world.say("m1", &[ALICE], "a"), number_of(ReturnCode::CallbackCheckFailed));
    assert!(matches!(world.update(json!({ "webhook": "" })), Answer::Updated(_)));
    assert_eq!(world.say("m1", &[ALICE], "a"), 0, "without a webhook there is nothing to check");
}

#[test]
fn a_message_to_many_has_a_fate_for_each() {
    let mut world = World::with_bot();
    world.switch_off(BOB);
    let unknown = "+8613800000099";
    assert_eq!(world.say("m1", &[ALICE, BOB, unknown], "改签成功"), 0);
    world.run_for(seconds(5));
    let mut statuses = world.webhook.statuses();
    statuses.sort();
    assert_eq!(
        statuses,
        [
            status("m1", ALICE, "delivered", 0),
            status("m1", ALICE, "displayed", 0),
            status("m1", ALICE, "sent", 0),
            status("m1", BOB, "sent", 0),
            status("m1", unknown, "failed", 1),
        ]
    );
    let outcome =
        |number: &str| world.records("m1").into_iter().find(|r| r.to == user(number)).unwrap().outcome;
    assert_eq!(outcome(ALICE), Outcome::Delivered);
    assert_eq!(outcome(BOB), Outcome::Waiting);
    assert!(matches!(outcome(unknown), Outcome::Refused(_)));
}

#[test]
fn a_repeated_call_is_answered_again_and_sends_nothing() {
    let mut world = World::with_bot();
    assert_eq!(world.say("m1", &[ALICE], "a"), 0);
    assert_eq!(world.say("m1", &[ALICE, BOB], "a"), 0);
    assert_eq!(world.say("m1", &["+8613800000099"], "a"), 0);
    assert_eq!(world.say("m1", &["+8613800000099"], "a"), 0);
    world.run_for(seconds(5));
    assert_eq!((world.phones[ALICE].inbox.len(), world.phones[BOB].inbox.len()), (1, 1));
    assert_eq!(world.webhook.statuses().iter().filter(|(_, _, status, _)| status == "sent").count(), 2);
    assert_eq!(world.webhook.statuses().iter().filter(|(_, _, status, _)| status == "failed").count(), 1);
}

#[test]
fn only_the_statuses_that_were_asked_for_are_pushed() {
    let mut world = World::with_bot();
    let mut message = message_to("m1", &[ALICE, "+8613800000099"], "a");
    message["reportRequest"] = json!(["displayed"]);
    assert_eq!(world.send(&message)["errorCode"], 0);
    world.run_for(seconds(5));
    assert_eq!(world.webhook.statuses(), [status("m1", ALICE, "displayed", 0)]);
    assert!(world.records("m1").iter().find(|r| r.to == user(ALICE)).unwrap().delivered_at.is_some());
}

#[test]
fn a_message_that_waits_is_taken_back_and_one_that_was_delivered_is_not() {
    let mut world = World::with_bot();
    world.switch_off(BOB);
    let mut message = message_to("m1", &[ALICE, BOB], "a");
    message["reportRequest"] = json!(["failed"]);
    world.send(&message);
    world.run_for(seconds(1));
    assert_eq!(world.webhook.statuses(), []);
    let answer = world.revoke("m1", &[ALICE, BOB, "+8613899999999"]);
    assert_eq!(answer, json!({ "messageId": "m1", "errorCode": 0, "errorMessage": "ok" }));
    world.run_for(seconds(1));
    let mut statuses = world.webhook.statuses();
    statuses.sort();
    assert_eq!(
        statuses,
        [
            status("m1", ALICE, "revokeFail", 0),
            status("m1", BOB, "revokeOk", 0),
            status("m1", "+8613899999999", "revokeFail", 0),
        ],
        "told whatever was asked for: the call asked"
    );
    world.switch_on(BOB);
    world.run_for(seconds(5));
    assert!(world.phones[BOB].inbox.is_empty());
    assert_eq!(world.records("m1").iter().filter(|record| record.outcome == Outcome::Revoked).count(), 1);
}

#[test]
fn a_revocation_needs_the_token_and_a_message() {
    let mut world = World::with_bot();
    assert_eq!(world.revoke("m1", &[])["errorCode"], 20002);
    world.token = None;
    assert_eq!(world.revoke("m1", &[ALICE])["errorCode"], number_of(ReturnCode::TokenMissing));
}

#[test]
fn a_user_who_has_blocked_a_chatbot_hears_nothing_and_the_chatbot_is_told() {
    let mut world = World::with_bot();
    world.block(ALICE, bot());
    assert_eq!(world.say("m1", &[ALICE, BOB], "buy"), 0);
    world.run_for(seconds(5));
    assert!(world.phones[ALICE].inbox.is_empty());
    assert_eq!(world.phones[BOB].texts(), ["buy"]);
    assert!(world.webhook.statuses().contains(&status("m1", ALICE, "failed", 5)));
    assert!(matches!(
        world.call(Call::SendText { from: bot(), to: user(ALICE), text: "buy".to_owned() }),
        Answer::Undeliverable(why) if why.contains("blocked")
    ));
}

#[test]
fn what_may_not_wait_fails_when_the_user_is_not_there() {
    let mut world = World::with_bot();
    world.switch_off(ALICE);
    let mut message = message_to("m1", &[ALICE, BOB], "now or never");
    message["storeSupported"] = json!(false);
    assert_eq!(world.send(&message)["errorCode"], 0);
    world.run_for(seconds(1));
    assert!(world.webhook.statuses().contains(&status("m1", ALICE, "failed", 4)));
    assert_eq!(world.phones[BOB].texts(), ["now or never"]);
    assert_eq!(world.store().head(&user(ALICE)).unwrap().count, 0);
}

#[test]
fn a_message_that_nobody_fetches_fails_after_seven_days() {
    let mut world = World::with_bot();
    world.switch_off(ALICE);
    assert_eq!(world.say("m1", &[ALICE], "a"), 0);
    world.run_for(seconds(7 * 86_400 - 1));
    assert_eq!(world.webhook.statuses(), [status("m1", ALICE, "sent", 0)]);
    world.run_for(seconds(2));
    assert_eq!(world.webhook.statuses()[1], status("m1", ALICE, "failed", 4));
    assert_eq!(world.records("m1")[0].outcome, Outcome::Expired);
}

#[test]
fn the_envelope_carries_what_reports_and_filters_need() {
    let mut world = World::with_bot();
    let mut message = message_to("m1", &[ALICE], "优惠");
    message["trafficType"] = json!("advertisement");
    message["messageList"] = json!([
        { "contentType": "text/plain", "contentText": "优惠" },
        { "contentType": "application/vnd.gsma.botsuggestion.v1.0+json",
          "contentText": { "suggestions": [{ "reply": { "displayText": "好", "postback": { "data": "ok" } } }] } },
    ]);
    assert_eq!(world.send(&message)["errorCode"], 0);
    world.run_for(seconds(1));
    let envelope = &world.phones[ALICE].envelopes[0];
    assert_eq!(envelope.from_uri(), Some(world::BOT));
    assert_eq!(envelope.to_uri(), Some("sip:+8613800000001@hongyan.local;user=phone"));
    assert_eq!(envelope.header(MAAP_NAMESPACE, "Traffic-Type"), Some("advertisement"));
    assert!(envelope.date_time().is_some());
    let wanted = envelope.dispositions();
    assert!(wanted.positive_delivery && wanted.negative_delivery && wanted.display);
    assert!(envelope.content_type().starts_with("multipart/mixed"));
}

#[test]
fn limits_and_rules_are_answered_by_their_codes() {
    let mut world = World::with(|config| {
        config.limits.per_second = 2;
        config.media_url_prefixes = vec!["https://media.example/".to_owned()];
    });
    world.make_bot();
    let mut other = message_to("m1", &[ALICE], "a");
    other["senderAddress"] = json!("sip:other@botplatform.hongyan.local");
    assert_eq!(world.send(&other)["errorCode"], number_of(ReturnCode::SenderMismatch));
    let long = world.send(&message_to("m1", &[ALICE], &"长".repeat(2001)));
    assert_eq!(long["errorCode"], number_of(ReturnCode::TextTooLong));
    assert!(long["errorMessage"].as_str().unwrap().contains("2001 > 2000"), "{long}");

    let file = |url: &str| {
        let mut message = message_to("m2", &[ALICE], "");
        message["messageList"] = json!([{ "contentType": "application/vnd.gsma.rcs-ft-http", "contentText": [
            { "type": "file", "url": url, "fileName": "a.jpg", "fileSize": 1, "contentType": "image/jpeg" } ] }]);
        message
    };
    assert_eq!(world.send(&file("https://elsewhere.example/a.jpg"))["errorCode"], 40007);
    assert_eq!(world.send(&file("https://media.example/a.jpg"))["errorCode"], 0);

    assert_eq!(world.say("m3", &[ALICE], "a"), 0);
    assert_eq!(world.say("m4", &[ALICE], "a"), number_of(ReturnCode::SecondLimit));
    world.run_for(seconds(1));
    assert_eq!(world.say("m4", &[ALICE], "a"), 0);
}

#[test]
fn a_paused_chatbot_neither_speaks_nor_hears() {
    let mut world = World::with_bot();
    world.update(json!({ "status": "paused" }));
    assert_eq!(world.say("m1", &[ALICE], "a"), number_of(ReturnCode::NotAuthorised));
    world.text(ALICE, "hello?");
    world.run_for(seconds(60));
    assert_eq!(world.webhook.texts_of(ALICE), [] as [&str; 0]);
    assert_eq!(world.phones[ALICE].responses, [480]);
    world.update(json!({ "status": "live" }));
    assert_eq!(world.say("m1", &[ALICE], "a"), 0);
}

#[test]
fn an_administrator_speaks_in_a_chatbots_name_and_the_program_hears_nothing_of_it() {
    let mut world = World::with_bot();
    let text = |to: &str, text: &str| Call::SendText { from: bot(), to: user(to), text: text.to_owned() };
    let Answer::Sent { message_id, .. } = world.call(text(ALICE, "列车 G1 正点")) else {
        panic!("not sent")
    };
    world.run_for(seconds(5));
    assert_eq!(world.phones[ALICE].inbox, [(message_id.clone(), "列车 G1 正点".to_owned())]);
    assert!(world.webhook.taken.is_empty());
    assert!(world.records(&message_id)[0].displayed_at.is_some());
    assert!(matches!(world.call(text("+8613800000099", "a")), Answer::Undeliverable(_)));
    assert!(matches!(world.call(text(ALICE, " ")), Answer::Invalid(_)));
}

#[test]
fn a_chatbot_reads_its_own_data() {
    let world = World::with_bot();
    let found = maap::own_data(&world.store().chatbot(&bot()).unwrap().unwrap(), world.now);
    assert_eq!((&found["accessNo"], &found["serviceName"]), (&json!("12306"), &json!("12306 票务")));
    assert_eq!((&found["errorCode"], &found["status"]), (&json!(0), &json!(0)));
    assert!(found.as_object().unwrap().values().all(|value| *value != Value::Null));
}
