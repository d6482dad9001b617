//! From draft to live: testers, submission, suspension; and what chatbots propose to show, decided on by the operator or at once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod world;

use maap::{Answer, Call, MediaCall, StandingCall, Step};
use serde_json::{Value, json};
use store::{ChatbotStatus, Media, Review, Topic, WebhookAuth};
use world::{ALICE, BOB, Links, World, bot, media, message_to, seconds, user};

fn step(world: &mut World, step: Step) -> Answer {
    world.call(Call::Standing(StandingCall::Step { chatbot: bot(), step }))
}

fn decide(world: &mut World, topic: Topic, rejection: Option<&str>) -> Answer {
    let (proposal, rejection) = ((bot(), topic), rejection.map(str::to_owned));
    world.call(Call::Standing(StandingCall::Decide { proposal, rejection }))
}

fn status(world: &World) -> ChatbotStatus {
    world.store().chatbot(&bot()).unwrap().unwrap().status
}

fn menu() -> Value {
    json!({ "menu": { "entries": [{ "reply": { "displayText": "我的订单", "postback": { "data": "orders" } } }] } })
}

/// The menu that handsets show.
fn shown_menu(world: &World) -> Value {
    let chatbot = world.store().chatbot(&bot()).unwrap().unwrap();
    maap::information(&chatbot, "https://hongyan.example", world.now)["persistent-menu"].clone()
}

/// The notices that were pushed: the end of the path, and the body.
fn notices(world: &World) -> Vec<(String, Value)> {
    let prefix = "/notifyInfoNotification/sip:12306@botplatform.hongyan.local/";
    let taken = world.webhook.taken.iter();
    taken.filter_map(|(path, body)| Some((path.strip_prefix(prefix)?.to_owned(), body.clone()))).collect()
}

fn manual(config: &mut maap::Config) {
    config.auto_approve = false;
}

#[test]
fn a_chatbot_that_is_tested_reaches_its_testers_and_nobody_else() {
    let mut world = World::with_bot();
    world.update(json!({ "status": "testing" }));
    let tester = |accepted| Call::SetTester { chatbot: bot(), user: user(ALICE), accepted };
    assert_eq!(world.call(tester(Some(true))), Answer::Done);

    assert_eq!(world.say("m1", &[ALICE], "test"), 0);
    let refused = world.send(&message_to("m2", &[ALICE, BOB], "test"));
    assert_eq!(refused["errorCode"], 48001);
    assert!(refused["errorMessage"].as_str().unwrap().contains("addressee 2"), "{refused}");
    world.text(ALICE, "works");
    world.text(BOB, "hello?");
    world.run_for(seconds(5));
    assert_eq!(world.webhook.texts_of(ALICE), ["works"]);
    assert_eq!(world.webhook.texts_of(BOB), [] as [&str; 0]);
    assert_eq!(world.phones[BOB].responses, [404], "nobody knows of it yet");
    let own = maap::own_data(&world.store().chatbot(&bot()).unwrap().unwrap(), world.now);
    assert_eq!(own["status"], 1);
    assert_eq!(world.call(tester(None)), Answer::Done);
    assert_eq!(world.say("m3", &[ALICE], "test"), 48001);
}

#[test]
fn a_draft_goes_live_by_way_of_its_testers_and_the_operator() {
    let mut world = World::with(manual);
    world.create("12306", json!({ "webhook": "http://bot.example/hook", "status": "draft" }));
    world.log_in();
    assert_eq!(world.say("m1", &[ALICE], "a"), 48001);
    assert!(matches!(step(&mut world, Step::Resume), Answer::Undeliverable(_)));
    step(&mut world, Step::Test);
    step(&mut world, Step::Submit);
    assert_eq!(status(&world), ChatbotStatus::Submitted);
    assert_eq!(world.say("m1", &[ALICE], "a"), 48001, "it is not live yet");

    decide(&mut world, Topic::Launch, Some("who runs it?"));
    let back = world.store().chatbot(&bot()).unwrap().unwrap();
    assert_eq!(
        (back.status, back.standing.rejection.as_deref()),
        (ChatbotStatus::Testing, Some("who runs it?"))
    );
    world.update(json!({ "provider": "China Railway" }));
    step(&mut world, Step::Submit);
    decide(&mut world, Topic::Launch, None);
    assert_eq!(status(&world), ChatbotStatus::Live);
    assert_eq!(decide(&mut world, Topic::Launch, None), Answer::NotFound, "it has been decided on");
    assert_eq!(world.say("m1", &[ALICE], "a"), 0);

    let checks: Vec<Value> =
        notices(&world).into_iter().filter(|(path, _)| path == "check").map(|(_, body)| body).collect();
    assert_eq!((&checks[0]["result"], &checks[0]["description"]), (&json!("fail"), &json!("who runs it?")));
    assert_eq!(
        (&checks[0]["type"], &checks[0]["remark"]),
        (&json!("chatbotInformation"), &json!("chatbotId:sip:12306@botplatform.hongyan.local"))
    );
    assert_eq!((&checks[1]["result"], checks[1].get("description")), (&json!("pass"), None));
}

#[test]
fn a_decision_does_not_wake_what_was_suspended() {
    let mut world = World::with(manual);
    world.create("12306", json!({ "status": "testing" }));
    step(&mut world, Step::Submit);
    step(&mut world, Step::Suspend);
    decide(&mut world, Topic::Launch, None);
    assert_eq!(status(&world), ChatbotStatus::Paused);
    step(&mut world, Step::Resume);
    assert_eq!(status(&world), ChatbotStatus::Live);
}

#[test]
fn what_is_suspended_stands_still_and_goes_on_where_it_was() {
    let mut world = World::with_bot();
    world.webhook.is_down = true;
    world.text(ALICE, "before");
    step(&mut world, Step::Suspend);
    world.webhook.is_down = false;
    world.run_for(seconds(3600));
    assert_eq!(world.webhook.texts_of(ALICE), [] as [&str; 0]);
    assert!(matches!(step(&mut world, Step::Suspend), Answer::Undeliverable(_)));
    step(&mut world, Step::Resume);
    world.run_for(seconds(3600));
    assert_eq!(world.webhook.texts_of(ALICE), ["before"]);
    assert_eq!(status(&world), ChatbotStatus::Live);

    world.update(json!({ "status": "testing" }));
    step(&mut world, Step::Suspend);
    step(&mut world, Step::Resume);
    assert_eq!(status(&world), ChatbotStatus::Testing);
}

#[test]
fn a_menu_shows_at_once_where_everything_is_approved_and_its_chatbot_is_told() {
    let mut world = World::with_bot();
    assert_eq!(world.update_menu(&menu()), json!({ "errorCode": 0, "errorMessage": "ok" }));
    assert_eq!(shown_menu(&world), menu());
    let told = notices(&world);
    assert_eq!((told[0].0.as_str(), &told[0].1["result"]), ("check", &json!("pass")));
    assert_eq!(told[1], ("notice/informationChange".to_owned(), Value::Null));
    let four = json!({ "menu": { "entries": vec![menu()["menu"]["entries"][0].clone(); 4] } });
    assert_eq!(world.update_menu(&four)["errorCode"], 47002);
    assert_eq!(shown_menu(&world), menu());
    assert_eq!(world.update_menu(&json!({ "menu": { "entries": [] } }))["errorCode"], 0);
    assert_eq!(shown_menu(&world), json!({ "menu": { "entries": [] } }));
}

#[test]
fn what_is_proposed_shows_when_the_operator_has_approved_it_and_not_before() {
    let mut world = World::with(manual);
    world.make_bot();
    let optionals =
        json!({ "serviceDescription": "高铁与城际", "category": ["出行", "票务"], "longitude": 116.4 });
    assert_eq!(world.update_optionals(&optionals)["errorCode"], 0);
    world.update_menu(&menu());
    // A second proposal goes on from the first.
    assert_eq!(world.update_optionals(&json!({ "themeColour": "#0a66c2" }))["errorCode"], 0);
    assert_eq!(world.update_optionals(&json!({ "themeColour": "blue" }))["errorCode"], 40011);
    assert_eq!(shown_menu(&world), json!({ "menu": { "entries": [] } }));
    let topics: Vec<Topic> =
        world.store().proposals(Some(&bot())).unwrap().iter().map(|one| one.topic).collect();
    assert_eq!(topics, [Topic::Data, Topic::Menu]);
    assert_eq!(notices(&world), []);

    decide(&mut world, Topic::Data, None);
    decide(&mut world, Topic::Menu, Some("the words are too small"));
    let chatbot = world.store().chatbot(&bot()).unwrap().unwrap();
    assert_eq!(chatbot.profile.description.as_deref(), Some("高铁与城际"));
    assert_eq!((chatbot.profile.colour.as_deref(), chatbot.extras.longitude), (Some("#0A66C2"), Some(116.4)));
    let own = maap::own_data(&chatbot, world.now);
    assert_eq!(own["category"], json!(["出行", "票务"]));
    assert_eq!(shown_menu(&world), json!({ "menu": { "entries": [] } }));
    assert!(world.store().proposals(None).unwrap().is_empty());
    let results: Vec<Value> = notices(&world).into_iter().map(|(_, body)| body["result"].clone()).collect();
    assert_eq!(results, [json!("pass"), Value::Null, json!("fail")]);
}

#[test]
fn permanent_media_wait_for_the_operator_and_temporary_ones_do_not() {
    let mut world = World::with(|config| {
        config.auto_approve = false;
        config.media_links = std::sync::Arc::new(Links);
    });
    world.make_bot();
    let expires_at = Some(world.now.plus(seconds(3600)));
    let (perm, temp) = (media(1, None), media(2, expires_at));
    for one in [&perm, &temp] {
        let call = Call::Media(MediaCall::Add(Box::new(one.clone())));
        assert!(matches!(world.call(call), Answer::Media(_)));
    }
    let say = |world: &mut World, id: &str, media: &Media| {
        let mut message = message_to(id, &[ALICE], "");
        message["messageList"] = json!([{ "contentType": "application/vnd.gsma.rcs-ft-http", "contentText": [
            { "type": "file", "url": maap::MediaLinks::url(&Links, media.id), "fileName": "a.jpg", "fileSize": 1,
              "contentType": "image/jpeg" } ] }]);
        let answer = world.send(&message);
        (answer["errorCode"].as_i64().unwrap(), answer["errorMessage"].as_str().unwrap().to_owned())
    };
    assert_eq!(say(&mut world, "m1", &temp).0, 0);
    let (code, why) = say(&mut world, "m2", &perm);
    assert_eq!((code, why.ends_with("waits for the operator's approval")), (40007, true), "{why}");
    decide(&mut world, Topic::Media(perm.id), None);
    assert_eq!(say(&mut world, "m2", &perm).0, 0);
    assert_eq!(world.store().media(perm.id).unwrap().unwrap().review, Review::Approved);
    let (path, told) = notices(&world).pop().unwrap();
    assert_eq!((path.as_str(), &told["type"]), ("check", &json!("media")));
    assert_eq!(told["remark"], format!("url:{}", maap::MediaLinks::url(&Links, perm.id)));

    world.run_for(seconds(3600));
    let (code, why) = say(&mut world, "m3", &temp);
    assert_eq!((code, why.ends_with("has expired")), (40022, true), "{why}");
    let remove = MediaCall::Remove { id: perm.id, owner: bot() };
    assert_eq!(world.call(Call::Media(remove)), Answer::Removed);
    assert!(say(&mut world, "m4", &perm).1.ends_with("is gone"));
}

#[test]
fn only_media_that_were_uploaded_here_pass_where_the_operator_wants_it_so() {
    let mut world = World::with(|config| {
        config.issued_media_only = true;
        config.media_links = std::sync::Arc::new(Links);
    });
    world.make_bot();
    let own = media(1, None);
    world.call(Call::Media(MediaCall::Add(Box::new(own.clone()))));
    let card = |url: String| {
        let mut message = message_to("m1", &[ALICE], "");
        message["messageList"] = json!([{ "contentType": "application/vnd.gsma.botmessage.v1.0+json", "contentText": {
            "message": { "generalPurposeCard": { "layout": { "cardOrientation": "VERTICAL" }, "content": { "media": {
                "mediaUrl": url, "mediaContentType": "image/jpeg", "mediaFileSize": 1, "height": "SHORT_HEIGHT" } } } } } }]);
        message
    };
    assert_eq!(world.send(&card("https://elsewhere.example/a.jpg".to_owned()))["errorCode"], 40007);
    assert_eq!(world.send(&card(maap::MediaLinks::url(&Links, own.id)))["errorCode"], 0);
}

#[test]
fn a_chatbot_hears_that_it_was_reported_as_spam_and_not_by_whom() {
    let mut world = World::with_bot();
    let report = r#"<?xml version="1.0" encoding="UTF-8"?>
<SR xmlns="urn:gsma:params:xml:ns:rcs:rcs:spamreport"><Chatbot>sip:12306@botplatform.hongyan.local</Chatbot>
<Message-ID>m7</Message-ID><spam-type>advertisement</spam-type><free-text>every day</free-text></SR>"#;
    world.message(ALICE, "r1", rcs::spam_report::CONTENT_TYPE, report);
    world.run_for(seconds(1));
    let told = notices(&world);
    let expected = json!({ "messageId": ["m7"], "spamType": "advertisement", "freeText": "every day" });
    assert_eq!(told, [("notice/rcsspam".to_owned(), expected)]);
}

#[test]
fn what_a_tenant_changes_of_what_handsets_show_waits_for_the_operator() {
    let mut world = World::with(manual);
    world.create("12306", json!({ "webhook": "http://bot.example/hook", "status": "draft" }));
    let patch = |world: &mut World, change: Value| {
        let change = Box::new(serde_json::from_value(change).unwrap());
        world.call(Call::Update { chatbot: bot(), change, is_reviewed: true })
    };
    let row = |world: &World| world.store().chatbot(&bot()).unwrap().unwrap();
    // Nobody is shown a draft.
    assert!(matches!(patch(&mut world, json!({ "displayName": "铁路" })), Answer::Updated(_)));
    assert_eq!(row(&world).profile.name, "铁路");
    world.update(json!({ "status": "live" }));

    let change = json!({ "displayName": "银行", "webhookAuth": "token", "menu": menu() });
    let Answer::Proposed(now) = patch(&mut world, change) else { panic!("not proposed") };
    assert_eq!((now.profile.name.as_str(), now.webhook_auth), ("铁路", WebhookAuth::Token));
    assert!(matches!(patch(&mut world, json!({ "icon": "/icon.png" })), Answer::Proposed(_)));
    let proposals = world.store().proposals(Some(&bot())).unwrap();
    let waits: Vec<Value> =
        proposals.iter().map(|one| serde_json::from_str(one.change.as_deref().unwrap()).unwrap()).collect();
    assert_eq!(waits, [json!({ "displayName": "银行", "icon": "/icon.png" }), json!({ "menu": menu() })]);
    // What is wrong with a part of it is wrong with all of it.
    let wrong = json!({ "webhookAuth": "none", "colour": "red" });
    assert!(matches!(patch(&mut world, wrong), Answer::Invalid(_)));
    assert_eq!(row(&world).webhook_auth, WebhookAuth::Token);
    // What handsets do not show is the tenant's affair.
    assert!(matches!(patch(&mut world, json!({ "webhookProbe": true })), Answer::Updated(_)));

    decide(&mut world, Topic::Data, Some("you are no bank"));
    decide(&mut world, Topic::Menu, None);
    let row = row(&world);
    assert_eq!((row.profile.name.as_str(), &row.profile.icon), ("铁路", &None));
    assert_eq!(shown_menu(&world), menu());
}

#[test]
fn where_everything_is_approved_at_once_so_is_what_a_tenant_changes() {
    let mut world = World::with_bot();
    let change = Box::new(serde_json::from_value(json!({ "displayName": "铁路" })).unwrap());
    let answer = world.call(Call::Update { chatbot: bot(), change, is_reviewed: true });
    assert!(matches!(answer, Answer::Updated(_)), "{answer:?}");
    assert_eq!(world.store().proposals(None).unwrap(), []);
}
