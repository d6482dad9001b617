//! Chatbots that speak China Mobile's interface: what differs from the others in what is decided and told.

mod world;

use chatbot_api::cm::auth::{self, AuthError};
use chatbot_api::cm::{Dated, SendKind, send};
use maap::dialect::cm;
use maap::{Answer, Call, Push};
use message_centre::indication::MediaReviewed;
use rcs::file_transfer::{FileInfo, FileTransfer};
use rcs::xml::Element;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{Dialect, FileId};
use world::{ALICE, BOB, World, bot, numbering, seconds, user};

fn world() -> World {
    let mut world = World::new();
    world.create_as(Dialect::Cm, "12306", json!({ "webhook": "http://bot.example/hook" }));
    world.run_for(seconds(1));
    world
}

fn say(world: &mut World, id: &str, to: &[&str], text: &str) -> Answer {
    let to: String = to.iter().map(|n| format!("<destinationAddress>tel:{n}</destinationAddress>")).collect();
    let document = format!("<r>{to}<messageId>{id}</messageId><bodyText>{text}</bodyText></r>");
    let kind = SendKind { is_interaction: false, is_template: false };
    let request = send::parse(document.as_bytes(), kind, &bot(), &numbering(), "fresh").expect("well formed");
    world.call(Call::Send { chatbot: bot(), message: Box::new(request.message) })
}

fn header<'p>(push: &'p Push, name: &str) -> Option<&'p str> {
    push.headers.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
}

/// Path, and document, of everything that was pushed; each with the chatbot's own credentials, made when it left.
fn pushed(world: &World) -> Vec<(String, Element)> {
    let credentials = world.credentials.clone().expect("a chatbot");
    let secret = auth::chatbot_secret(&Sha256::digest(&credentials.app_key).into());
    let read = |push: &Push| {
        let dated = Dated::of_headers(header(push, "Authorization"), header(push, "Date")).expect("both");
        assert_eq!(dated.id, credentials.app_id);
        assert_eq!(dated.verify(&secret, world.now), Ok(()));
        let path = push.url.strip_prefix("http://bot.example/hook").expect("the webhook's").to_owned();
        (path, Element::parse_any(&push.body).expect("XML"))
    };
    world.webhook.calls.iter().map(read).collect()
}

fn statuses(world: &World) -> Vec<String> {
    let all = pushed(world);
    let texts = all.iter().flat_map(|(_, document)| document.plain_texts(&["deliverystatus", "status"]));
    texts.map(str::to_owned).collect()
}

#[test]
fn a_message_is_told_of_to_its_end() {
    let mut world = world();
    assert!(matches!(say(&mut world, "m1", &[ALICE], "hello"), Answer::Accepted(..)));
    assert_eq!(world.phones[ALICE].inbox, [("m1".to_owned(), "hello".to_owned())]);
    assert_eq!(statuses(&world), ["MessageSent", "DeliveredToTerminal", "MessageDisplayed"]);
    // What is displayed was delivered, whatever is reported first.
    world.phones.get_mut(ALICE).expect("a phone").reports_display_first = true;
    say(&mut world, "m2", &[ALICE], "hello");
    assert_eq!(statuses(&world)[3..], ["MessageSent", "DeliveredToTerminal", "MessageDisplayed"]);
    let (path, document) = &pushed(&world)[0];
    assert_eq!(path, "/DeliveryInfoNotification/sip:12306@botplatform.hongyan.local");
    let link = document.child("link").and_then(|link| link.attribute("href")).expect("a link");
    assert!(link.starts_with("http://maap.example/messaging/v1/outbound/sip%3A12306%40"), "{link}");
    assert_eq!(header(&world.webhook.calls[0], "Address"), Some(ALICE));
}

#[test]
fn what_users_say_is_read_when_the_webhook_has_it() {
    let mut world = world();
    world.text(ALICE, "hi");
    let (path, document) = &pushed(&world)[0];
    assert_eq!(path, "/InboundMessageNotification/sip:12306@botplatform.hongyan.local");
    assert_eq!(document.plain_texts(&["bodytext"]), ["aGk="]);
    assert_eq!(world.phones[ALICE].reports.len(), 2);
}

#[test]
fn a_webhook_that_wants_the_uri_encoded_gets_it_so() {
    let mut world = world();
    world.webhook.wants_encoded = true;
    world.text(ALICE, "hi");
    let paths: Vec<_> = pushed(&world).into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths[1], "/InboundMessageNotification/sip%3A12306%40botplatform.hongyan.local");
    assert!(world.mailbox().is_empty());
}

#[test]
fn a_message_is_taken_back_or_it_is_too_late() {
    let mut world = world();
    world.switch_off(BOB);
    say(&mut world, "m1", &[ALICE, BOB], "hello");
    let to = vec![user(ALICE), user(BOB)];
    world.call(Call::Revoke { chatbot: bot(), message_id: "m1".to_owned(), to });
    let told = statuses(&world);
    assert_eq!(told.iter().filter(|word| *word == "Revoked").count(), 1, "{told:?}");
    assert_eq!(told.iter().filter(|word| *word == "RevokeFailed").count(), 1, "{told:?}");
    let path = "/MessageStatusNotification/sip:12306@botplatform.hongyan.local";
    assert_eq!(pushed(&world).iter().filter(|(found, _)| found == path).count(), 2);
}

#[test]
fn a_user_who_is_none_is_told_of_with_an_exception() {
    let mut world = world();
    say(&mut world, "m1", &["+8613899999999"], "hello");
    let (_, document) = pushed(&world).pop().expect("a push");
    assert_eq!(document.plain_texts(&["deliverystatus", "description"]), ["DeliveryImpossible", "SVC0004"]);
}

#[test]
fn the_audit_of_a_file_is_told_with_its_id() {
    let mut world = world();
    let file = FileInfo {
        size: 7,
        name: Some("a.png".to_owned()),
        content_type: "image/png".to_owned(),
        url: "https://f.example/a".to_owned(),
        until: None,
        disposition: None,
        playing_length: None,
        branded_url: None,
    };
    for is_approved in [true, false] {
        let transfer = FileTransfer { thumbnail: None, file: file.clone() };
        let told = Box::new(MediaReviewed { id: FileId([7; 16]), transfer, is_approved });
        assert_eq!(world.call(Call::TellMedia { chatbot: bot(), told }), Answer::Done);
    }
    let [passed, rejected] = &world.webhook.calls[..] else { panic!("two pushes") };
    let tid = "07".repeat(16);
    assert_eq!((header(passed, "tid"), header(passed, "Authstatus")), (Some(tid.as_str()), Some("0")));
    assert_eq!(FileTransfer::parse(&passed.body).expect("a document").file, file);
    assert_eq!((header(rejected, "Authstatus"), rejected.body.len()), (Some("1"), 0));
}

#[test]
fn only_the_chatbots_own_dated_credentials_open() {
    let world = world();
    let credentials = world.credentials.clone().expect("a chatbot");
    let secret = auth::chatbot_secret(&Sha256::digest(&credentials.app_key).into());
    let row = world.store().chatbot(&bot()).expect("readable");
    let opens = |id: &str, secret: &str| {
        let [(_, authorization), (_, date)] = auth::headers(id, secret, world.now);
        let dated = Dated::of_headers(Some(&authorization), Some(&date)).expect("well formed");
        cm::authorise(row.as_ref(), &dated, world.now).map(drop)
    };
    assert_eq!(opens(&credentials.app_id, &secret), Ok(()));
    assert_eq!(opens("other", &secret), Err(AuthError::Wrong));
    assert_eq!(opens(&credentials.app_id, "other"), Err(AuthError::Wrong));
}
