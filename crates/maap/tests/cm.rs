//! Chatbots that speak China Mobile's interface: what differs from the others in what is decided and told.

mod world;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as STANDARD;
use chatbot_api::cm::auth::{self, AuthError};
use chatbot_api::cm::{Dated, SendKind, send};
use maap::dialect::cm;
use maap::{Answer, Call, MediaCall, MediaLinks as _, Push, StandingCall};
use rcs::Timestamp;
use rcs::file_transfer::FileTransfer;
use rcs::spam_report::{self, SpamReport};
use rcs::xml::Element;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{ApiKey, Dialect, KeyRole, Review, Thumbnail, Topic};
use world::{ALICE, BOB, Links, World, bot, media, numbering, seconds, user};

fn world() -> World {
    world_with(|_| {})
}

fn world_with(config: fn(&mut maap::Config)) -> World {
    let mut world = World::with(config);
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
fn who_is_there_without_cards_gets_the_simpler_body() {
    let mut world = world();
    world.phones.get_mut(BOB).expect("a phone").features = ";+g.gsma.rcs.botversion=\"#=1\"";
    world.switch_off(BOB);
    world.switch_on(BOB);
    let document = format!(
        "<r><destinationAddress>tel:{ALICE}</destinationAddress><destinationAddress>tel:{BOB}</destinationAddress>\
         <messageId>m1</messageId><bodyText>with cards</bodyText>\
         <fallbackSupported>true</fallbackSupported><rcsBodyText>in words</rcsBodyText></r>"
    );
    let kind = SendKind { is_interaction: false, is_template: false };
    let request = send::parse(document.as_bytes(), kind, &bot(), &numbering(), "fresh").expect("well formed");
    world.call(Call::Send { chatbot: bot(), message: Box::new(request.message) });
    assert_eq!(world.phones[ALICE].texts(), ["in words"]);
    assert_eq!(world.phones[BOB].texts(), ["with cards"]);
}

#[test]
fn every_file_is_audited_and_the_end_of_it_told_with_its_id() {
    let mut world = world_with(|config| {
        config.auto_approve = false;
        config.media_links = std::sync::Arc::new(Links);
    });
    let until = world.now.plus(seconds(3600));
    let mut files = [media(1, Some(until)), media(2, Some(until))];
    files[0].thumbnail = Some(Thumbnail { content_type: "image/png".to_owned(), bytes: 3 });
    for (file, rejection) in files.iter().zip([None, Some("indecent".to_owned())]) {
        let Answer::Media(kept) = world.call(Call::Media(MediaCall::Add(Box::new(file.clone())))) else {
            panic!("not kept")
        };
        // What does not stay is looked at as well.
        assert_eq!(kept.review, Review::Pending);
        let proposal = (bot(), Topic::Media(file.id));
        let call = Call::Standing(StandingCall::Decide { proposal, rejection });
        assert!(matches!(world.call(call), Answer::Updated(_)));
    }
    let [passed, rejected] = &world.webhook.calls[..] else { panic!("{} pushes", world.webhook.calls.len()) };
    let tid = files[0].id.to_string();
    assert_eq!((header(passed, "tid"), header(passed, "Authstatus")), (Some(tid.as_str()), Some("0")));
    let told = FileTransfer::parse(&passed.body).expect("a document");
    assert_eq!((told.file.url, told.file.until), (Links.url(files[0].id), Some(until)));
    assert_eq!(told.thumbnail.expect("a thumbnail").url, Links.thumbnail_url(files[0].id));
    assert_eq!((header(rejected, "Authstatus"), rejected.body.len()), (Some("1"), 0));
}

#[test]
fn a_report_of_spam_comes_as_a_message_of_nobody() {
    let mut world = world();
    let report = SpamReport {
        about: Some(bot().to_string()),
        message_ids: vec!["m7".to_owned()],
        kind: Some("phishing".to_owned()),
        text: Some("wants my PIN".to_owned()),
    };
    world.message(ALICE, "r1", spam_report::CONTENT_TYPE, &report.to_xml());
    world.run_for(seconds(1));
    let (path, document) = &pushed(&world)[0];
    assert_eq!(path, "/InboundMessageNotification/sip:12306@botplatform.hongyan.local");
    assert_eq!(document.plain_texts(&["contenttype"]), [spam_report::CONTENT_TYPE]);
    let body = STANDARD.decode(document.plain_texts(&["bodytext"])[0]).expect("base64");
    assert_eq!(SpamReport::parse(&body), Ok(report));
    assert_eq!(document.plain_texts(&["senderaddress", "origuser"]), ["sip:anonymous@anonymous.invalid"; 2]);
    let push = &world.webhook.calls[0];
    assert!(!String::from_utf8_lossy(&push.body).contains(ALICE) && header(push, "Address").is_none());
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
        cm::authorise(row.as_deref(), &dated, world.now).map(drop)
    };
    assert_eq!(opens(&credentials.app_id, &secret), Ok(()));
    assert_eq!(opens("other", &secret), Err(AuthError::Wrong));
    assert_eq!(opens(&credentials.app_id, "other"), Err(AuthError::Wrong));
}

#[test]
fn a_key_of_the_csp_opens_until_it_is_taken_back() {
    let world = world();
    let row = world.store().chatbot(&bot()).expect("readable");
    let mut key = ApiKey {
        id: "c5b0".to_owned(),
        tenant: Some("agency".to_owned()),
        role: KeyRole::Developer,
        name: String::new(),
        sha256: Sha256::digest("new").into(),
        previous: Some((Sha256::digest("old").into(), world.now.plus(seconds(60)))),
        created_at: world.now,
        rotated_at: None,
        expires_at: None,
        revoked_at: None,
    };
    let opens = |key: Option<&ApiKey>, id: &str, secret: &str, now: Timestamp| {
        let token = auth::chatbot_secret(&Sha256::digest(secret).into());
        let [(_, authorization), (_, date)] = auth::headers(id, &token, now);
        let dated = Dated::of_headers(Some(&authorization), Some(&date)).expect("well formed");
        cm::authorise_csp(row.as_deref(), key, &dated, now).is_ok()
    };
    let later = world.now.plus(seconds(60));
    assert!(opens(Some(&key), "c5b0", "new", world.now));
    assert!(opens(Some(&key), "c5b0", "old", world.now));
    assert!(!opens(Some(&key), "c5b0", "old", later), "rotated a minute ago");
    assert!(!opens(Some(&key), "c5b0", "other", world.now));
    assert!(!opens(Some(&key), "c5b1", "new", world.now), "another key's id");
    assert!(!opens(None, "c5b0", "new", world.now));
    key.role = KeyRole::Auditor;
    assert!(!opens(Some(&key), "c5b0", "new", world.now), "it may only look");
    key.role = KeyRole::TenantAdmin;
    key.revoked_at = Some(world.now);
    assert!(!opens(Some(&key), "c5b0", "new", world.now));
}
