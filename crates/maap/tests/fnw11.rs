//! Chatbots that speak GSMA FNW.11: what differs from the others in what is decided and told.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod world;

use chatbot_api::bearer::Tokens;
use chatbot_api::fnw11::{Contact, MessageStatus, Request, message};
use maap::dialect::fnw11;
use maap::{Answer, Call, MediaCall, Method, Reason};
use rcs::composing::{self, Composing, State};
use rcs::imdn::Disposition::{Delivered, Displayed};
use serde_json::{Value, json};
use store::{Dialect, Review, Rules, Token};
use world::{ALICE, BOB, World, bot, media, numbering, seconds, user};

fn world_with(more: Value) -> World {
    let mut world = World::new();
    let mut data = json!({ "webhook": "http://bot.example/hook" });
    data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.create_as(Dialect::Fnw11, "12306", data);
    world.run_for(seconds(1));
    world
}

fn world() -> World {
    world_with(json!({}))
}

fn say(world: &mut World, id: &str, to: &str, text: &str) -> Answer {
    let body = json!({"RCSMessage": {"textMessage": text}, "messageContact": {"userContact": to}});
    let read = message::parse(body.to_string().as_bytes(), &numbering(), world.now).expect("well formed");
    let Request::Message(message) = read else { panic!("no message") };
    let message = message.into_outgoing(id.to_owned(), &bot(), user(to));
    world.call(Call::Send { chatbot: bot(), message: Box::new(message) })
}

/// The events that the webhook has taken.
fn told(world: &World) -> Vec<&Value> {
    world.webhook.taken.iter().map(|(_, event)| event).collect()
}

fn statuses(world: &World, id: &str) -> Vec<String> {
    let of = told(world).into_iter().filter(|event| event["RCSMessage"]["msgId"] == id);
    of.map(|event| event["RCSMessage"]["status"].as_str().unwrap_or_default().to_owned()).collect()
}

fn authorization(world: &World) -> Option<String> {
    let headers = &world.webhook.calls.last().expect("a call").headers;
    headers.iter().find(|(name, _)| *name == "authorization").map(|(_, value)| value.clone())
}

#[test]
fn a_message_is_told_of_to_its_end_and_its_status_can_be_asked_for() {
    let mut world = world();
    assert!(matches!(say(&mut world, "m1", ALICE, "hello"), Answer::Accepted(..)));
    assert_eq!(world.phones[ALICE].inbox, [("m1".to_owned(), "hello".to_owned())]);
    // What is displayed was delivered, whatever is reported first.
    world.phones.get_mut(ALICE).unwrap().reports_display_first = true;
    say(&mut world, "m2", ALICE, "hello");
    assert_eq!(statuses(&world, "m2"), ["sent", "delivered", "displayed"]);
    assert_eq!(statuses(&world, "m1"), ["sent", "delivered", "displayed"]);
    assert_eq!(fnw11::status_of(&world.records("m1")[0]), MessageStatus::Displayed);
    let token = world.credentials.clone().unwrap().callback_token;
    assert_eq!(authorization(&world), Some(format!("Bearer {token}")));
    assert!(world.webhook.calls.iter().all(|call| call.method == Method::Post));
}

#[test]
fn a_message_that_waits_is_cancelled() {
    let mut world = world();
    world.switch_off(BOB);
    say(&mut world, "m1", BOB, "hello");
    assert_eq!(fnw11::status_of(&world.records("m1")[0]), MessageStatus::Pending);
    world.call(Call::Revoke { chatbot: bot(), message_id: "m1".to_owned(), to: vec![user(BOB)] });
    assert_eq!(statuses(&world, "m1"), ["sent", "cancelled"]);
    assert_eq!(fnw11::status_of(&world.records("m1")[0]), MessageStatus::Cancelled);
    // What cannot be taken back, the interface has no word for; nothing stays behind of it.
    say(&mut world, "m2", ALICE, "hello");
    world.call(Call::Revoke { chatbot: bot(), message_id: "m2".to_owned(), to: vec![user(ALICE)] });
    assert_eq!(statuses(&world, "m2"), ["sent", "delivered", "displayed"]);
    assert!(world.mailbox().is_empty());
}

#[test]
fn what_the_webhook_has_is_delivered_and_what_the_chatbot_says_it_has_read_is_displayed() {
    let mut world = world();
    world.text(ALICE, "hi");
    assert_eq!(told(&world)[0]["event"], "message");
    assert_eq!(world.phones[ALICE].reports, [("hi".to_owned(), Delivered)]);
    let read = Call::Read { chatbot: bot(), user: user(ALICE), message_id: "hi".to_owned() };
    for _ in 0..2 {
        assert_eq!(world.call(read.clone()), Answer::Done);
    }
    assert_eq!(world.phones[ALICE].reports, [("hi".to_owned(), Delivered), ("hi".to_owned(), Displayed)]);
}

#[test]
fn typing_shows_both_ways_with_its_end() {
    let mut world = world();
    for (state, word) in [(State::Active, "active"), (State::Idle, "idle")] {
        let document = Composing::new(state).to_xml();
        world.message(ALICE, word, composing::CONTENT_TYPE, &document);
        let event = told(&world).pop().unwrap();
        assert_eq!((&event["event"], &event["RCSMessage"]), (&json!("isTyping"), &json!({"isTyping": word})));
        let call = Call::Composing { chatbot: bot(), to: user(BOB), state };
        assert_eq!(world.call(call), Answer::Done);
        let shown = world.phones[BOB].envelopes.last().expect("an envelope");
        assert_eq!(Composing::parse(&shown.decoded_payload().unwrap()).unwrap().state, state);
    }
}

#[test]
fn a_file_that_may_be_sent_is_told_of() {
    let mut world = world();
    let file = media(1, Some(world.now.plus(seconds(3600))));
    let call = Call::Media(MediaCall::Add(Box::new(file.clone())));
    assert!(matches!(world.call(call), Answer::Media(kept) if kept.review == Review::Approved));
    let event = told(&world)[0];
    assert_eq!((&event["event"], &event["file"]["status"]), (&json!("fileStatus"), &json!("ready")));
    assert_eq!(event["file"]["fileId"], file.id.to_string());
}

#[test]
fn a_probe_that_is_wanted_must_be_answered_before_anything_is_sent() {
    let mut world = World::new();
    world.webhook.fails_checks = true;
    let data = json!({ "webhook": "http://bot.example/hook", "webhookProbe": true, "webhookAuth": "token" });
    world.create_as(Dialect::Fnw11, "12306", data);
    world.run_for(seconds(1));
    let Answer::Refused(refusal) = say(&mut world, "m1", ALICE, "hello") else { panic!("accepted") };
    assert_eq!(refusal.reason, Reason::CallbackUnchecked);
    assert_eq!(fnw11::reason_of(&refusal).status, 403);
    let probe = &world.webhook.calls[0];
    let token = world.credentials.clone().unwrap().callback_token;
    assert_eq!((probe.method, &probe.headers[..]), (Method::Get, &[("authorization", token)][..]));
    world.webhook.fails_checks = false;
    world.run_for(seconds(3600));
    assert!(matches!(say(&mut world, "m1", ALICE, "hello"), Answer::Accepted(..)));
}

#[test]
fn pushes_prove_themselves_as_the_chatbot_wants_it() {
    let mut open = world_with(json!({ "webhookAuth": "none" }));
    open.text(ALICE, "hi");
    assert_eq!(authorization(&open), None);
}

#[test]
fn the_secret_and_a_bought_token_open_and_nothing_else() {
    let world = world();
    let credentials = world.credentials.clone().unwrap();
    assert_eq!(credentials.app_id, bot().to_string());
    let row = world.store().chatbot(&bot()).unwrap();
    let tokens = Tokens::new(&[7; 32]);
    let buy = |secret, at| fnw11::seal(row.as_ref().unwrap(), secret, &tokens, at);
    assert_eq!(buy("guessed", world.now), None);
    let token = buy(&credentials.app_key, world.now).unwrap();
    // Another worker of the same chatbot asks too.
    let later = buy(&credentials.app_key, world.now.plus(seconds(60))).unwrap();
    let opens = |token: Option<&str>, after| {
        fnw11::authorise(row.as_deref(), token, &tokens, world.now.plus(after))
            .map(drop)
            .map_err(|refusal| refusal.reason)
    };
    assert_eq!(opens(Some(&token), seconds(1)), Ok(()));
    assert_eq!(opens(Some(&token), seconds(7199)), Ok(()));
    assert_eq!(opens(Some(&token), seconds(7200)), Err(Reason::LapsedCredential));
    assert_eq!(opens(Some(&later), seconds(7200)), Ok(()));
    assert_eq!(opens(Some(&credentials.app_key), seconds(1_000_000)), Ok(()));
    assert_eq!(opens(Some("x"), seconds(1)), Err(Reason::WrongCredential));
    assert_eq!(opens(None, seconds(1)), Err(Reason::NoCredential));
    let refused = |other: &store::Chatbot, token: &str| {
        fnw11::authorise(Some(other), Some(token), &tokens, world.now).unwrap_err().reason
    };
    let mut other = row.as_deref().cloned().unwrap();
    other.dialect = Dialect::Ctcu;
    assert_eq!(refused(&other, &credentials.app_key), Reason::WrongCredential);
    assert_eq!(fnw11::seal(&other, &credentials.app_key, &tokens, world.now), None);
    let mut other = row.as_deref().cloned().unwrap();
    other.app_key_sha256[0] ^= 1;
    assert_eq!(refused(&other, &token), Reason::WrongCredential, "tokens end with their secret");
    let mut other = row.as_deref().cloned().unwrap();
    other.address = "sip:other@botplatform.hongyan.local".parse().unwrap();
    assert_eq!(refused(&other, &token), Reason::WrongCredential);
}

#[test]
fn a_user_known_by_a_token_is_told_of_by_an_alias_on_agreeing() {
    let mut world = world();
    let rules = Rules { anonymous: Some(true), ..Rules::default() };
    assert!(matches!(world.call(Call::SetRules { chatbot: bot(), rules }), Answer::Rules(_)));
    world.text(ALICE, "hi");
    let contact = told(&world)[0]["messageContact"].clone();
    let chat = contact["chatId"].as_str().expect("a token").to_owned();
    assert_eq!(contact, json!({ "chatId": chat }));
    let asks = json!({"RCSMessage": {"textMessage": "who are you?", "suggestedChipList": {"suggestions": [{"action": {
        "displayText": "tell", "postback": {"data": "reveal"}, "settingsAction": {"disableAnonymization": {}}}}]}},
        "messageContact": {"chatId": chat}});
    let Ok(Request::Message(message)) = message::parse(asks.to_string().as_bytes(), &numbering(), world.now)
    else {
        panic!("no message")
    };
    assert_eq!(message.to, Contact::Chat(chat.clone()));
    // The edge finds out whose the token is.
    let alias =
        world.store().alias(Token::parse(&chat).expect("a token")).expect("readable").expect("a user");
    let message = message.into_outgoing("m1".to_owned(), &bot(), alias.user);
    assert!(matches!(
        world.call(Call::Send { chatbot: bot(), message: Box::new(message) }),
        Answer::Accepted(..)
    ));
    assert_eq!(told(&world).pop().unwrap()["messageContact"], json!({ "chatId": chat }));
    let tap = r#"{"response":{"action":{"displayText":"tell","postback":{"data":"reveal"}}}}"#;
    world.message(ALICE, "tap", rcs::bot::BOT_SUGGESTION_RESPONSE, tap);
    let alias = told(&world).into_iter().find(|event| event["event"] == "alias").expect("an alias");
    assert_eq!(alias["messageContact"], json!({ "chatId": chat, "userContact": ALICE }));
    world.text(ALICE, "it is me");
    assert_eq!(told(&world).pop().unwrap()["messageContact"], json!({ "userContact": ALICE }));
}
