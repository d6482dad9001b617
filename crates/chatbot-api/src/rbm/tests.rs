//! The interface's bodies in both directions.

use std::time::Duration;

use proptest::prelude::*;
use rcs::{
    Address, Timestamp,
    address::Numbering,
    bot::{
        ActionKind, Application, BotMessage, Document as _, ImageAlignment, MediaHeight, SuggestionResponse,
        ViewMode,
    },
    capability::{Capabilities, Capability},
    file_transfer::{FileInfo, FileTransfer},
};
use serde_json::{Value, json};

use super::answer::{BatchRequest, Feature, InviteStatus, features};
use super::jwt::{Fault, Jwt, Use};
use super::message::{FileSource, FoundFile};
use super::push::{Notice, ServerEvent, UserEvent};
use super::*;
use crate::{Body, Incoming, Outgoing};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../fixtures/rbm/", $name))
    };
}

const PUBLIC_KEY: &[u8] = include_bytes!("../../../../fixtures/rbm/public-key.der");

/// When the tokens of the fixtures were made.
const SIGNED_AT: Timestamp = Timestamp::from_seconds(1_795_530_805);

fn numbering() -> Numbering {
    Numbering::new("CN", "hongyan.local")
}

fn weather() -> Address {
    numbering().chatbot("weather").unwrap()
}

fn alice() -> Address {
    Address::subscriber("+8613800000001").unwrap()
}

fn noon() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-24T06:00:00Z").unwrap()
}

fn read(body: &str) -> AgentMessage {
    AgentMessage::parse(body.as_bytes()).unwrap()
}

fn refused(body: Value) -> String {
    AgentMessage::parse(body.to_string().as_bytes()).expect_err("a refusal").message
}

fn found(name: &str, content_type: &str, size: u64) -> FoundFile {
    let info = |name: &str, content_type: &str, size| FileInfo {
        size,
        name: None,
        content_type: content_type.to_owned(),
        url: format!("https://files.example/{name}"),
        until: None,
        disposition: None,
        playing_length: None,
        branded_url: None,
    };
    let thumbnail = Some(info(&format!("small-{name}"), "image/jpeg", 900));
    FoundFile {
        transfer: FileTransfer { thumbnail, file: info(name, content_type, size) },
        description: None,
    }
}

fn sent(message: AgentMessage, found: Vec<FoundFile>) -> Result<Outgoing, Refusal> {
    message.into_outgoing("m-1".to_owned(), &weather(), alice(), found, noon())
}

#[test]
fn a_text_with_every_suggestion_is_read_in_full() {
    let message = read(fixture!("message-text-chips.json"));
    assert!(message.files().is_empty());
    let sent = sent(message, Vec::new()).unwrap();
    assert_eq!(sent.content.body, Body::Text("Which way?".to_owned()));
    assert_eq!(sent.to, [alice()]);
    assert_eq!(sent.traffic.as_deref(), Some("advertisement"));
    assert_eq!(sent.validity, Some(Duration::from_secs(600)));
    let chips = serde_json::to_value(&sent.content.chips).unwrap();
    assert_eq!(chips[0], json!({"reply": {"displayText": "North", "postback": {"data": "go:north"}}}));
    assert_eq!(
        chips[1],
        json!({"action": {
            "displayText": "Call us",
            "postback": {"data": "call"},
            "dialerAction": {"dialPhoneNumber": {
                "phoneNumber": "+8613800000009", "fallbackUrl": "https://rcs.example/call"
            }},
        }})
    );
    assert_eq!(
        chips[2]["action"]["mapAction"]["showLocation"],
        json!({
            "location": {"latitude": 39.865, "longitude": 116.378, "label": "Beijing South"},
            "fallbackUrl": "https://rcs.example/map",
        })
    );
    assert_eq!(chips[3]["action"]["mapAction"]["showLocation"]["location"], json!({"query": "coffee"}));
    assert_eq!(chips[4]["action"]["calendarAction"]["createCalendarEvent"]["title"], "G1");
    let kinds: Vec<_> = sent.content.chips[5..]
        .iter()
        .map(|chip| match chip {
            rcs::bot::Suggestion::Action(action) => action.kind.clone(),
            rcs::bot::Suggestion::Reply(_) => panic!("an action"),
        })
        .collect();
    assert!(matches!(&kinds[0], ActionKind::OpenUrl { application: Application::Browser, .. }));
    assert!(matches!(
        &kinds[1],
        ActionKind::OpenUrl { application: Application::Webview { view_mode: Some(ViewMode::Half), .. }, .. }
    ));
    assert!(matches!(&kinds[2], ActionKind::RequestLocationPush { .. }));
    assert!(matches!(&kinds[3], ActionKind::ComposeTextMessage { text, .. } if text == "Come along!"));
    assert!(matches!(&kinds[4], ActionKind::ComposeRecordingMessage { .. }));
}

#[test]
fn a_card_gets_what_was_found_out_about_its_file() {
    let message = read(fixture!("message-card.json"));
    assert_eq!(message.files().len(), 1);
    assert_eq!(
        message.files()[0].path,
        "contentMessage.richCard.standaloneCard.cardContent.media.contentInfo"
    );
    assert!(matches!(
        &message.files()[0].file,
        FileSource::Url { force_refresh: false, thumbnail_url: Some(_), .. }
    ));
    let sent = sent(message, vec![found("g1.jpg", "image/jpeg", 48_211)]).unwrap();
    // 09:00:00.5 is after the noon of these tests by nine hours.
    assert_eq!(sent.validity, Some(Duration::from_millis(9 * 3_600_000 + 500)));
    let Body::Card(BotMessage::Card(card)) = &sent.content.body else { panic!("a card") };
    assert_eq!(card.layout.image_alignment, Some(ImageAlignment::Right));
    let media = card.content.media.as_ref().unwrap();
    assert_eq!((media.media_url.as_str(), media.media_file_size), ("https://files.example/g1.jpg", 48_211));
    assert_eq!((media.height, media.thumbnail.as_ref().unwrap().file_size), (MediaHeight::Tall, 900));
    let Body::Card(message) = &sent.content.body else { panic!("a card") };
    assert!(message.validate(&LIMITS).is_empty(), "what handsets get is legal");
}

#[test]
fn files_of_a_carousel_find_their_cards() {
    let message = read(fixture!("message-carousel.json"));
    let names: Vec<_> = message.files().iter().map(|file| file.path.as_str()).collect();
    let cards = "contentMessage.richCard.carouselCard.cardContents";
    assert_eq!(names, [format!("{cards}[0].media.uploadedRbmFile"), format!("{cards}[2].media.contentInfo")]);
    let found = vec![found("one", "image/png", 1), found("3.png", "image/png", 3)];
    let sent = sent(message, found).unwrap();
    let Body::Card(BotMessage::Carousel(carousel)) = &sent.content.body else { panic!("a carousel") };
    let urls: Vec<_> = carousel
        .content
        .iter()
        .map(|card| card.media.as_ref().map(|media| media.media_url.as_str()))
        .collect();
    assert_eq!(urls, [Some("https://files.example/one"), None, Some("https://files.example/3.png")]);
    assert_eq!(sent.validity, Some(message::KEPT));
}

#[test]
fn loose_spelling_is_tolerated() {
    let message = read(fixture!("tolerated-loose.json"));
    assert_eq!(
        message.files()[0].file,
        FileSource::Uploaded { name: "files/one".to_owned(), thumbnail_name: None }
    );
    assert!(message.echo().contains_key("contentMessage"));
    let Body::Card(BotMessage::Card(card)) = &message.content().body else { panic!("a card") };
    assert_eq!(card.layout.image_alignment, None);
    assert_eq!(card.content.media.as_ref().unwrap().height, MediaHeight::Medium);
}

#[test]
fn a_file_must_be_of_a_type_and_size_that_can_be_sent() {
    let refused =
        |found| sent(read(fixture!("message-file.json")), vec![found]).map_err(|refusal| refusal.message);
    let ok = refused(found("terms.pdf", "application/pdf", 9)).unwrap();
    assert!(matches!(ok.content.body, Body::File(_)));
    assert_eq!(
        refused(found("x", "application/zip", 9)),
        Err("contentMessage.contentInfo: \"application/zip\" is no media type that can be sent".to_owned())
    );
    let large = refused(found("x", "video/mp4", message::FILE_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(large, "contentMessage.contentInfo: the file has 104857601 bytes, more than 104857600");
}

#[test]
fn refusals_name_the_place_in_the_callers_document() {
    let text = |text: String| json!({"contentMessage": {"text": text}});
    assert!(AgentMessage::parse(text("字".repeat(3072)).to_string().as_bytes()).is_ok());
    assert_eq!(refused(text("字".repeat(3073))), "contentMessage.text: 3073 > 3072");
    assert_eq!(refused(json!({})), "contentMessage: missing");
    assert_eq!(
        refused(json!({"contentMessage": {}})),
        "contentMessage: none of text, richCard, contentInfo, uploadedRbmFile, fileName"
    );
    assert_eq!(
        refused(json!({"contentMessage": {"text": "a", "fileName": "files/1"}})),
        "contentMessage: more than one of text, fileName"
    );
    let card = |content: Value| json!({"contentMessage": {"richCard": {"standaloneCard": {"cardContent": content}}}});
    let place = "contentMessage.richCard.standaloneCard.cardContent";
    assert_eq!(refused(card(json!({"title": "x".repeat(231)}))), format!("{place}.title: 231 > 200"));
    assert_eq!(refused(card(json!({}))), format!("{place}: none of media, title, description"));
    let button = |item: Value| card(json!({"title": "t", "suggestions": [item]}));
    for (item, expected) in [
        (json!({"reply": {"text": "x".repeat(26)}}), "reply.text: 26 > 25"),
        (
            json!({"reply": {"text": "x", "postbackData": "x".repeat(2049)}}),
            "reply.postbackData: 2049 > 2048",
        ),
        (
            json!({"action": {"text": "x", "openUrlAction": {"url": "javascript:x"}}}),
            "action.openUrlAction.url: scheme javascript is not allowed",
        ),
        (
            json!({"action": {"text": "x", "fallbackUrl": "nowhere", "dialAction": {"phoneNumber": "1"}}}),
            "action.fallbackUrl: no absolute URL",
        ),
        (
            json!({"action": {"text": "x", "viewLocationAction": {"latLong": {"latitude": 91}}}}),
            "action.viewLocationAction.latLong.latitude: 91 is not within ±90",
        ),
        (
            json!({"action": {"text": "x", "createCalendarEventAction": {"startTime": "2026-11-24T06:00:00Z",
                "endTime": "soon", "title": "x"}}}),
            "action.createCalendarEventAction.endTime: no RFC 3339 time",
        ),
        (
            json!({"action": {"text": "x", "openUrlAction": {"url": "https://x.example", "application": "APP"}}}),
            "action.openUrlAction.application: \"APP\" is not one of BROWSER, WEBVIEW",
        ),
        (
            json!({"action": {"text": "x"}}),
            "action: none of dialAction, viewLocationAction, createCalendarEventAction, openUrlAction, \
             shareLocationAction, composeAction",
        ),
    ] {
        assert_eq!(refused(button(item)), format!("{place}.suggestions[0].{expected}"));
    }
    let cards = |count: usize| {
        let cards = vec![json!({"title": "x"}); count];
        json!({"contentMessage": {"richCard": {"carouselCard": {"cardWidth": "MEDIUM", "cardContents": cards}}}})
    };
    assert!(AgentMessage::parse(cards(10).to_string().as_bytes()).is_ok());
    assert_eq!(refused(cards(11)), "contentMessage.richCard.carouselCard.cardContents: 11 > 10");
    assert_eq!(refused(cards(1)), "contentMessage.richCard.carouselCard.cardContents: 1 < 2");
    let mut tall = cards(2);
    tall["contentMessage"]["richCard"]["carouselCard"]["cardWidth"] = "SMALL".into();
    tall["contentMessage"]["richCard"]["carouselCard"]["cardContents"][1]["media"] =
        json!({"height": "TALL", "contentInfo": {"fileUrl": "https://files.example/1"}});
    assert_eq!(
        refused(tall),
        "contentMessage.richCard.carouselCard.cardContents[1].media.height: TALL_HEIGHT in SMALL_WIDTH"
    );
    let chips = vec![json!({"reply": {"text": "x", "postbackData": "y"}}); 12];
    assert_eq!(
        refused(json!({"contentMessage": {"text": "x", "suggestions": chips}})),
        "contentMessage.suggestions: 12 > 11"
    );
    assert_eq!(
        refused(json!({"contentMessage": {"contentInfo": {"fileUrl": "ftp://files.example/1"}}})),
        "contentMessage.contentInfo.fileUrl: no http or https URL"
    );
}

#[test]
fn a_file_to_fetch_is_named_by_urls() {
    let parse = |body: &str| message::FileRequest::parse(body.as_bytes()).map_err(|refusal| refusal.message);
    let read =
        parse(r#"{"fileUrl":"https://files.example/1.mp4","thumbnail_url":"https://files.example/1.jpg"}"#);
    let read = read.unwrap();
    assert_eq!(read.file_url, "https://files.example/1.mp4");
    assert_eq!(read.thumbnail_url.as_deref(), Some("https://files.example/1.jpg"));
    assert_eq!(parse("{}"), Err("fileUrl: missing".to_owned()));
    assert_eq!(parse(r#"{"fileUrl":"file:///etc/passwd"}"#), Err("fileUrl: no http or https URL".to_owned()));
}

#[test]
fn times_to_live_are_read_to_the_millisecond_and_have_bounds() {
    let with = |name: &str, value: &str| {
        let mut body = json!({"contentMessage": {"text": "x"}});
        body[name] = value.into();
        AgentMessage::parse(body.to_string().as_bytes())
            .and_then(|message| sent(message, Vec::new()))
            .map(|sent| sent.validity.unwrap().as_millis())
            .map_err(|refusal| refusal.message)
    };
    assert_eq!(with("ttl", "3.0000001s"), Ok(3001));
    assert_eq!(with("ttl", "1296000s"), Ok(1_296_000_000));
    let range = Err("ttl: neither more than 0 nor at most 15 days".to_owned());
    assert_eq!(with("ttl", "1296001s"), range);
    assert_eq!(with("ttl", "0s"), range);
    for bad in ["600", "s", "-1s", "1.s0", "1e3s"] {
        assert_eq!(with("ttl", bad), Err("ttl: no seconds such as 600s or 3.5s".to_owned()), "{bad}");
    }
    assert_eq!(with("expireTime", "2026-11-24T06:00:10Z"), Ok(10_000));
    assert_eq!(with("expireTime", "2026-11-24T06:00:00Z"), Err("expireTime: in the past".to_owned()));
    assert!(with("expireTime", "2027-11-24T06:00:00Z").unwrap_err().contains("15 days"));
    assert_eq!(
        refused(json!({"contentMessage": {"text": "x"}, "ttl": "1s", "expireTime": "2026-11-24T06:00:10Z"})),
        "expireTime: beside ttl"
    );
}

#[test]
fn the_answer_repeats_the_message_under_its_name() {
    let message = read(fixture!("message-text-chips.json"));
    let answer = answer::agent_message(&message, "m-1", &alice(), 0, noon());
    assert_eq!(answer["name"], "phones/+8613800000001/agentMessages/m-1");
    assert_eq!(answer["sendTime"], "2026-11-24T06:00:00.000Z");
    assert_eq!(answer["ttl"], "600s");
    assert_eq!(answer["contentMessage"]["text"], "Which way?");
    assert!(
        answer.get("richMessageClassification").is_none() && answer.get("totalPayloadSizeBytes").is_none()
    );

    let american = Address::subscriber("+12025550123").unwrap();
    let body = json!({"contentMessage": {"text": "x".repeat(300)}}).to_string();
    let answer = answer::agent_message(&read(&body), "m-1", &american, 7, noon());
    let rich = json!({"classificationType": "RICH_MESSAGE", "segmentCount": 2});
    assert_eq!(answer["richMessageClassification"], rich);
    assert_eq!(answer["totalPayloadSizeBytes"], "7");
    let media = json!({"classificationType": "RICH_MEDIA_MESSAGE"});
    assert_eq!(answer::classification(message.content()), media, "it asks for the user's place");
    assert_eq!(answer::classification(read(fixture!("message-card.json")).content()), media);
}

#[test]
fn features_follow_from_what_was_registered() {
    let of = |all: &[Capability]| {
        let mut capabilities = Capabilities::NONE;
        all.iter().for_each(|one| capabilities.insert(*one));
        features(&capabilities)
    };
    assert!(of(&[Capability::CpmMessage, Capability::FileTransferHttp]).is_empty());
    let first = of(&[Capability::BotVersion1, Capability::MessageRevoke]);
    assert!(first.contains(&Feature::RichcardCarousel) && first.contains(&Feature::Revocation));
    assert!(!first.contains(&Feature::ActionCompose));
    assert!(of(&[Capability::BotVersion2]).contains(&Feature::ActionOpenUrlInWebview));
    assert_eq!(
        answer::capabilities(
            &alice(),
            &[Feature::RichcardStandalone, Feature::ActionOpenUrlInWebview].into()
        ),
        json!({
            "name": "phones/+8613800000001/capabilities",
            "features": ["RICHCARD_STANDALONE", "ACTION_OPEN_URL_IN_WEBVIEW"],
        })
    );
    assert_eq!(
        answer::tester(&alice(), InviteStatus::Pending),
        json!({"name": "phones/+8613800000001/testers", "inviteStatus": "PENDING"})
    );
}

#[test]
fn reachable_users_are_listed_and_a_sample_of_many_counted() {
    let batch = |users: Vec<String>| {
        BatchRequest::parse(json!({"users": users}).to_string().as_bytes(), &numbering()).unwrap()
    };
    let few = batch(vec!["+8613800000001".into(), "8613800000002".into(), "+8613800000001".into()]);
    assert_eq!(
        few.answer(&[true, false]),
        json!({
            "reachableUsers": ["+8613800000001"],
            "totalRandomSampleUserCount": 0,
            "reachableRandomSampleUserCount": 0,
        })
    );
    let many = batch((0..500).map(|n| format!("+86138000{n:05}")).collect());
    let answer = many.answer(&vec![true; 500]);
    assert_eq!(answer["reachableUsers"].as_array().unwrap().len(), 500);
    assert_eq!(answer["totalRandomSampleUserCount"], 375);
    assert_eq!(answer["reachableRandomSampleUserCount"], 375);

    let refused =
        |body: Value| BatchRequest::parse(body.to_string().as_bytes(), &numbering()).unwrap_err().message;
    assert_eq!(refused(json!({})), "users: missing");
    assert_eq!(refused(json!({"users": ["+8613800000001", "x"]})), "users[1]: no phone number");
    assert_eq!(refused(json!({"users": vec!["1"; 10_001]})), "users: 10001 > 10000");
}

#[test]
fn pushes_are_the_documented_ones() {
    let data =
        |notice: Notice| -> Value { serde_json::from_slice(&notice.data(&weather(), &numbering())).unwrap() };
    let expected = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let message =
        |id: &str, incoming: Incoming| data(Notice::message(id, &alice(), &incoming, noon()).unwrap());
    assert_eq!(message("m1", Incoming::Text("hello".to_owned())), expected(fixture!("push-text.json")));
    let tap = br#"{"response":{"reply":{"displayText":"North","postback":{"data":"go:north"}}}}"#;
    let tap = Incoming::Response(SuggestionResponse::parse(tap).unwrap());
    assert_eq!(message("m2", tap), expected(fixture!("push-response.json")));
    let mut file = found("x", "image/png", 70_000).transfer;
    file.file.url = "https://rcs.example/content/a".to_owned();
    file.file.name = Some("me.png".to_owned());
    file.thumbnail.as_mut().unwrap().url = "https://rcs.example/content/b".to_owned();
    assert_eq!(message("m3", Incoming::File(file)), expected(fixture!("push-file.json")));
    let read = Notice::user_event(UserEvent::Read, "e1", Some("a1"), &alice(), noon());
    assert_eq!(data(read), expected(fixture!("push-read.json")));
    let expired = Notice::server_event(ServerEvent::Revoked, "e2", "a1", &alice(), noon());
    assert_eq!(data(expired), expected(fixture!("push-expired.json")));
    let nobody = Notice::capability_callback("r1", &alice(), None::<&[Feature]>);
    assert_eq!(
        data(nobody),
        json!({"requestId": "r1", "phoneNumber": "+8613800000001", "rbmEnabled": false, "features": [],
            "agentId": "weather"})
    );
    assert!(Notice::message("m", &alice(), &Incoming::SharedData(Default::default()), noon()).is_none());
}

#[test]
fn the_signature_is_over_what_the_envelope_holds() {
    let notice = Notice::message("m1", &alice(), &Incoming::Text("hello".to_owned()), noon()).unwrap();
    let data = notice.clone().data(&weather(), &numbering());
    let envelope: Value =
        serde_json::from_slice(&notice.envelope(&data, "17", &weather(), &numbering(), noon())).unwrap();
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let held = STANDARD.decode(envelope["message"]["data"].as_str().unwrap()).unwrap();
    assert_eq!(held, data);
    assert_eq!(envelope["message"]["messageId"], "17");
    assert_eq!(envelope["message"]["attributes"]["message_type"], "TEXT");
    // printf '{"a":1}' | openssl dgst -sha512 -hmac SJENCPGJESMGUFPY -binary | base64 -w0
    assert_eq!(push::signature("SJENCPGJESMGUFPY", br#"{"a":1}"#), SIGNATURE);
}

const SIGNATURE: &str =
    "hyQQ6gOvgGd9iZawqntX+PNU9G1jMFo3E96b2qr1dWNOneJ/XEPIQs/2jlCpeNQjntc6Win7+Gqgh2YWvt8LBQ==";

#[test]
fn a_webhook_may_answer_the_check_in_several_forms() {
    assert_eq!(push::check("t", "s3cret"), br#"{"clientToken":"t","secret":"s3cret"}"#);
    for body in ["s3cret", "secret: s3cret", r#"{"secret":"s3cret"}"#] {
        assert!(push::check_passed(200, body.as_bytes(), "s3cret"), "{body}");
    }
    assert!(!push::check_passed(204, b"s3cret", "s3cret"));
    assert!(!push::check_passed(200, b"ok", "s3cret"));
    assert!(!push::check_passed(200, b"", ""));
}

#[test]
fn names_of_agents_and_users_have_several_forms() {
    for form in ["weather", "weather@botplatform.hongyan.local", "sip:weather@botplatform.hongyan.local"] {
        assert_eq!(agent(form, &numbering()), Some(weather()), "{form}");
    }
    assert_eq!(agent("a/b", &numbering()), None);
    assert_eq!(agent_id(&weather(), &numbering()), "weather");
    let elsewhere: Address = "sip:12306@botplatform.rcs.example".parse().unwrap();
    assert_eq!(agent_id(&elsewhere, &numbering()), "12306@botplatform.rcs.example");
    assert_eq!(agent(&agent_id(&elsewhere, &numbering()), &numbering()), Some(elsewhere));
    for form in ["+8613800000001", "8613800000001"] {
        assert_eq!(user(form, &numbering()), Some(alice()), "{form}");
    }
    let hidden = user("sip:0123456789abcdef@hongyan.local", &numbering()).unwrap();
    assert_eq!(phone(&hidden), "sip:0123456789abcdef@hongyan.local");
    assert_eq!(user("sip:weather@botplatform.hongyan.local", &numbering()), None);
    for form in ["", "+", "weather", "+86138x", "+8613800000001234567"] {
        assert_eq!(user(form, &numbering()), None, "{form}");
    }
    assert!(is_id("12345a") && is_id("6bD8hZkS_-") && !is_id("") && !is_id("a b") && !is_id("a/b"));
}

#[test]
fn the_key_file_has_what_libraries_look_for() {
    let id = crate::bearer::key_id(PUBLIC_KEY);
    assert_eq!(id.len(), 40);
    let file = key::KeyFile::new(&weather(), &numbering(), "https://rcs.example", &id, "PEM");
    let file = serde_json::to_value(&file).unwrap();
    assert_eq!(file["type"], "service_account");
    assert_eq!(file["client_email"], "weather@botplatform.hongyan.local");
    assert_eq!(file["token_uri"], "https://rcs.example/token");
    assert_eq!(file["private_key_id"], id);
    assert_eq!(file["project_id"], "hongyan-local");
    assert_eq!(file["universe_domain"], "googleapis.com");
    let digits = file["client_id"].as_str().unwrap();
    assert!(digits.len() == 21 && digits.bytes().all(|digit| digit.is_ascii_digit()));
}

fn audiences() -> Vec<String> {
    ["https://oauth2.googleapis.com/token", "https://rcs.example"].map(str::to_owned).to_vec()
}

#[test]
fn a_librarys_token_request_is_understood_and_its_signature_checked() {
    let assertion = token::read_request(fixture!("token-request-node.form").as_bytes()).unwrap();
    let jwt = Jwt::parse(&assertion).unwrap();
    assert_eq!(jwt.key_id, None);
    assert_eq!(jwt.claims.issuer, account(&weather()));
    assert!(jwt.is_signed_by(PUBLIC_KEY));
    let check = |now| jwt.claims.check(Use::Assertion, &audiences(), now);
    assert_eq!(check(SIGNED_AT), Ok(()));
    assert_eq!(check(SIGNED_AT.plus(Duration::from_secs(3600 + 299))), Ok(()));
    assert_eq!(check(SIGNED_AT.plus(Duration::from_secs(3600 + 300))), Err(Fault::Expired));
    assert_eq!(check(SIGNED_AT.minus(Duration::from_secs(301))), Err(Fault::TooEarly));
    let others = ["https://rcs.example".to_owned()];
    assert_eq!(jwt.claims.check(Use::Assertion, &others, SIGNED_AT), Err(Fault::Audience));

    let mut changed = assertion.into_bytes();
    let at = changed.iter().rposition(|byte| *byte == b'.').unwrap() + 5;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    assert!(!Jwt::parse(std::str::from_utf8(&changed).unwrap()).unwrap().is_signed_by(PUBLIC_KEY));
    let mut other_key = PUBLIC_KEY.to_vec();
    other_key[100] ^= 1;
    assert!(!jwt.is_signed_by(&other_key));
}

#[test]
fn a_library_may_sign_its_own_access_tokens() {
    let of_url = Jwt::parse(fixture!("bearer-node.jwt")).unwrap();
    assert!(of_url.is_signed_by(PUBLIC_KEY));
    assert_eq!(of_url.key_id.as_deref().map(str::len), Some(40));
    assert_eq!(of_url.claims.check(Use::Bearer, &audiences(), SIGNED_AT), Ok(()));
    assert_eq!(of_url.claims.check(Use::Assertion, &audiences(), SIGNED_AT), Err(Fault::Scope));
    let elsewhere = ["https://rcs.exam".to_owned()];
    assert_eq!(of_url.claims.check(Use::Bearer, &elsewhere, SIGNED_AT), Err(Fault::Audience));
    let of_scope = Jwt::parse(fixture!("bearer-scope-node.jwt")).unwrap();
    assert!(of_scope.is_signed_by(PUBLIC_KEY) && of_scope.claims.audiences.is_empty());
    assert_eq!(of_scope.claims.check(Use::Bearer, &audiences(), SIGNED_AT), Ok(()));
    assert_eq!(of_scope.claims.check(Use::Assertion, &audiences(), SIGNED_AT), Err(Fault::Audience));
}

#[test]
fn claims_that_say_too_much_are_refused() {
    let claims = Jwt::parse(fixture!("bearer-scope-node.jwt")).unwrap().claims;
    let check = |claims: jwt::Claims| claims.check(Use::Bearer, &audiences(), SIGNED_AT);
    let other = jwt::Claims { subject: Some("someone@else.example".to_owned()), ..claims.clone() };
    assert_eq!(check(other), Err(Fault::Subject));
    let other =
        jwt::Claims { scope: Some("https://www.googleapis.com/auth/drive".to_owned()), ..claims.clone() };
    assert_eq!(check(other), Err(Fault::Scope));
    let several = jwt::Claims { scope: Some(format!("openid {SCOPE}")), ..claims.clone() };
    assert_eq!(check(several), Ok(()));
    let expires_at = SIGNED_AT.plus(Duration::from_secs(4 * 3600));
    assert_eq!(check(jwt::Claims { expires_at, ..claims.clone() }), Err(Fault::TooLong));
    assert_eq!(check(jwt::Claims { scope: None, ..claims }), Err(Fault::Audience));
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let unsigned = format!("{}.e30.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
    assert_eq!(Jwt::parse(&unsigned), Err(Fault::Malformed));
    assert_eq!(Jwt::parse(&"a".repeat(10_000)), Err(Fault::Malformed));
}

#[test]
fn token_requests_say_what_is_missing() {
    let refused = |form: &str| token::read_request(form.as_bytes()).unwrap_err();
    assert_eq!(refused("").error, "invalid_request");
    assert_eq!(refused("grant_type=password&assertion=x").error, "unsupported_grant_type");
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    assert_eq!(refused(grant).description, "assertion is missing");
    assert_eq!(refused(&format!("{grant}&assertion=a&assertion=b")).description, "assertion is there twice");
    assert_eq!(token::read_request(format!("{grant}&assertion=a.b.c").as_bytes()), Ok("a.b.c".to_owned()));
    assert_eq!(token::answer("t"), json!({"access_token": "t", "expires_in": 3599, "token_type": "Bearer"}));
}

#[test]
fn the_discovery_document_names_every_call_below_our_root() {
    let document = discovery::document("https://rcs.example");
    assert_eq!(document["rootUrl"], "https://rcs.example/");
    let phones = &document["resources"]["phones"];
    assert_eq!(
        phones["resources"]["agentMessages"]["methods"]["create"]["path"],
        "v1/{+parent}/agentMessages"
    );
    let mut references = Vec::new();
    collect_references(&document, &mut references);
    assert!(references.iter().all(|name| document["schemas"].get(name).is_some()), "{references:?}");
    assert!(references.len() > 15);
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, found)),
        _ => {}
    }
}

proptest! {
    /// What is legal here is legal as a specification's document, whatever its words are.
    #[test]
    fn a_card_that_is_read_can_be_sent(title in ".{1,30}", count in 2usize..=10, tall in any::<bool>()) {
        prop_assume!(!title.trim().is_empty());
        let card = json!({"title": title, "media": {"height": if tall { "TALL" } else { "SHORT" },
            "contentInfo": {"fileUrl": "https://files.example/1.png"}}});
        let body = json!({"contentMessage": {"richCard": {"carouselCard": {
            "cardWidth": "MEDIUM", "cardContents": vec![card; count]}}}});
        let message = read(&body.to_string());
        let files = message.files().iter().map(|_| found("1.png", "image/png", 1)).collect();
        let sent = sent(message, files).unwrap();
        let Body::Card(card) = &sent.content.body else { panic!("a card") };
        prop_assert!(card.validate(&LIMITS).is_empty());
        let again = BotMessage::parse(&card.to_json()).unwrap();
        prop_assert_eq!(&again, card);
    }
}
