//! The interface's bodies in both directions.

use std::time::Duration;

use proptest::prelude::*;
use rcs::{
    Address, Timestamp,
    address::Numbering,
    bot::{self, Document, SuggestionResponse},
    capability::{Capabilities, Capability},
    composing,
    file_transfer::{FileDisposition, FileTransfer},
};
use serde_json::{Value, json};

use super::{
    file::{File, FileStatus},
    message::parse,
    oauth::{OAuthError, TokenRequest},
    status::StatusChange,
    *,
};
use crate::{Body, Incoming, Outgoing, Status, basic};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../fixtures/fnw11/", $name, ".json"))
    };
}

fn numbering() -> Numbering {
    Numbering::new("CN", "hongyan.local")
}

fn user() -> Address {
    Address::subscriber("+8613800000001").unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-23T11:33:38Z").unwrap()
}

fn message(body: &str) -> Message {
    match parse(body.as_bytes(), &numbering(), now()) {
        Ok(Request::Message(message)) => *message,
        other => panic!("{other:?}"),
    }
}

fn refused(body: &Value) -> String {
    let error = parse(body.to_string().as_bytes(), &numbering(), now()).expect_err("a refusal");
    let reason = Reason::of_parse_error(&error);
    assert_eq!(reason.status, 400);
    reason.text
}

/// A message with this as its content.
fn with(content: Value) -> Value {
    json!({"RCSMessage": content, "messageContact": {"userContact": "+8613800000001"}})
}

#[test]
fn a_text_with_chips_and_nulls_is_read() {
    let read = message(fixture!("send-text-nulls"));
    assert_eq!(read.to, Contact::User(user()));
    assert_eq!(read.content.body, Body::Text("去哪里？".to_owned()));
    assert_eq!(read.content.chips.len(), 2);
    assert_eq!((read.traffic, read.validity), (None, None));
}

#[test]
fn calls_that_a_library_puts_beside_their_action_are_understood() {
    let chips = message(fixture!("tolerated-dialer")).content.chips;
    let written = serde_json::to_value(&chips).unwrap();
    assert_eq!(
        written[0]["action"],
        json!({"displayText": "phone", "postback": {"data": "p"},
            "dialerAction": {"dialPhoneNumber": {"phoneNumber": "12306"}}})
    );
    assert_eq!(written[1]["action"]["dialerAction"], json!({"dialVideoCall": {"phoneNumber": "12306"}}));
}

#[test]
fn a_card_is_read_with_its_traffic_and_expiry() {
    let read = message(fixture!("send-card"));
    assert!(matches!(read.content.body, Body::Card(_)));
    assert_eq!(read.traffic.as_deref(), Some("advertisement"));
    assert_eq!(read.validity, Some(Duration::from_secs(86_400)));
    let chatbot = numbering().chatbot("12306").unwrap();
    let Outgoing { to, message_id, wanted, store, .. } =
        read.into_outgoing("m1".to_owned(), &chatbot, user());
    assert_eq!((to, message_id.as_str(), store), (vec![user()], "m1", true));
    assert!(wanted.contains(Status::Displayed));
}

#[test]
fn a_file_needs_no_more_than_its_url() {
    let read = message(fixture!("send-file"));
    assert_eq!(read.to, Contact::Chat("c-91".to_owned()));
    let Body::File(transfer) = read.content.body else { panic!("no file") };
    assert_eq!((transfer.file.content_type.as_str(), transfer.file.size), ("application/pdf", 0));
    assert_eq!(transfer.thumbnail.map(|info| info.size), Some(900));
    let Body::File(audio) = message(fixture!("send-audio")).content.body else { panic!("no file") };
    assert_eq!(audio.file.disposition, Some(FileDisposition::Render));
    assert_eq!(audio.file.playing_length, Some(3));
}

#[test]
fn a_place_is_read_in_every_form() {
    let Body::Location(place) = message(fixture!("send-location")).content.body else { panic!("no place") };
    assert_eq!((place.latitude, place.longitude, place.uncertainty_m), (39.865, 116.378, Some(10.0)));
    assert_eq!(place.label.as_deref(), Some("北京南站"));
    for pos in [json!("39.865,116.378"), json!({"latitude": 39.865, "longitude": 116.378})] {
        let body = with(json!({"geolocationPushMessage": {"pos": pos, "crs": "gcj02"}})).to_string();
        let Body::Location(read) = message(&body).content.body else { panic!("no place") };
        assert_eq!((read.latitude, read.longitude), (39.865, 116.378));
        assert_eq!(read.crs, rcs::geolocation::Crs::Gcj02);
    }
    for pos in [json!("91 0"), json!("1"), json!("1 2 3"), json!(7), json!({"latitude": 1}), json!("a b")] {
        let said = refused(&with(json!({"geolocationPushMessage": {"pos": pos}})));
        assert!(said.starts_with("RCSMessage.geolocationPushMessage.pos: "), "{said}");
    }
}

#[test]
fn that_the_chatbot_writes_is_no_message() {
    let read = parse(fixture!("typing").as_bytes(), &numbering(), now()).unwrap();
    assert_eq!(read, Request::Typing { to: Contact::User(user()), state: composing::State::Active });
    assert_eq!(
        refused(&with(json!({"isTyping": "perhaps"}))),
        "RCSMessage.isTyping: not one of active, idle"
    );
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    for (body, said) in [
        (json!({}), "messageContact: missing; RCSMessage: missing"),
        (
            json!({"RCSMessage": {"textMessage": "x"}, "messageContact": {}}),
            "messageContact.userContact: missing, and no chatId either",
        ),
        (
            json!({"RCSMessage": {"textMessage": "x"}, "messageContact": {"userContact": "nobody"}}),
            "messageContact.userContact: no phone number",
        ),
        (
            with(json!({})),
            "RCSMessage: none of textMessage, richcardMessage, fileMessage, audioMessage, geolocationPushMessage",
        ),
        (with(json!({"textMessage": "x", "audioMessage": {}})), "RCSMessage: textMessage and audioMessage"),
        (with(json!({"textMessage": "长".repeat(3073)})), "RCSMessage.textMessage: 3073 > 3072"),
        (with(json!({"textMessage": "x", "trafficType": "a b"})), "RCSMessage.trafficType: no token"),
        (with(json!({"textMessage": "x", "expiry": "2026-11-22T11:33:38Z"})), "RCSMessage.expiry: is over"),
        (with(json!({"textMessage": "x", "expiry": "soon"})), "RCSMessage.expiry: no RFC 3339 time"),
        (
            with(json!({"fileMessage": {"fileUrl": "ftp://a/b"}})),
            "RCSMessage.fileMessage.fileUrl: no http or https URL",
        ),
        (
            with(json!({"richcardMessage": {"message": {"generalPurposeCard": {
            "layout": {"cardOrientation": "VERTICAL"}, "content": {"title": "长".repeat(201)}}}}})),
            "message.generalPurposeCard.content.title: 201 > 200",
        ),
        (
            with(json!({"textMessage": "x", "suggestedChipList": {"suggestions":
            vec![json!({"reply": {"displayText": "a"}}); 12]}})),
            "suggestions: 12 > 11",
        ),
    ] {
        assert_eq!(refused(&body), said);
    }
    let reason = Reason::new(429, "too fast");
    assert_eq!(reason.to_json(), json!({"reason": {"code": 429, "text": "too fast"}}));
}

#[test]
fn a_status_is_set_by_its_word() {
    let set = |word| StatusChange::parse(json!({"RCSMessage": {"status": word}}).to_string().as_bytes());
    assert_eq!(set("displayed"), Ok(StatusChange::Displayed));
    assert_eq!(set("cancelled"), Ok(StatusChange::Cancelled));
    assert_eq!(set("canceled"), Ok(StatusChange::Cancelled));
    assert!(set("sent").is_err() && StatusChange::parse(b"{}").is_err());
    assert_eq!(
        MessageStatus::Pending.answer("m1"),
        json!({"RCSMessage": {"msgId": "m1", "status": "pending"}})
    );
    assert_eq!(MessageStatus::of(Status::RevokeOk), Some(MessageStatus::Cancelled));
    assert_eq!(MessageStatus::of(Status::RevokeFail), None);
}

#[test]
fn capabilities_are_told_in_the_interfaces_words() {
    let mut capabilities = Capabilities::NONE;
    assert_eq!(capability::answer(&capabilities), json!({"capabilities": []}));
    for one in [Capability::BotVersion1, Capability::CpmSession, Capability::FileTransferHttp] {
        capabilities.insert(one);
    }
    assert_eq!(
        capability::answer(&capabilities),
        json!({"capabilities": ["chat", "fileTransfer", "chatBotCommunication"]})
    );
    let number = |text| Contact::of_query(Some(text), None, &numbering());
    assert_eq!(number("+8613800000001"), Ok(Contact::User(user())));
    assert_eq!(number(" 8613800000001"), Ok(Contact::User(user())));
    assert_eq!(number("x"), Err("userContact: no phone number".to_owned()));
    assert_eq!(Contact::of_query(None, Some("c"), &numbering()), Ok(Contact::Chat("c".to_owned())));
}

#[test]
fn credentials_come_in_the_form_or_in_the_header() {
    let form = TokenRequest {
        grant_type: "client_credentials".to_owned(),
        client_id: Some("app".to_owned()),
        client_secret: Some("key".to_owned()),
        scope: Some("botmessage".to_owned()),
    };
    let granted = |request: TokenRequest, header: Option<&str>| {
        request.credentials(header).map(|found| (found.client_id, found.client_secret))
    };
    let pair = Ok(("app".to_owned(), "key".to_owned()));
    assert_eq!(granted(form.clone(), None), pair);
    let bare = TokenRequest { client_id: None, client_secret: None, scope: None, ..form.clone() };
    assert_eq!(granted(bare.clone(), Some(&basic::write("app", "key"))), pair);
    assert_eq!(granted(bare, None), Err(OAuthError::InvalidClient));
    let other = |grant: &str| TokenRequest { grant_type: grant.to_owned(), ..form.clone() };
    assert_eq!(granted(other("password"), None), Err(OAuthError::UnsupportedGrantType));
    assert_eq!(granted(other(""), None), Err(OAuthError::InvalidRequest));
    let scope = TokenRequest { scope: Some("botmessage admin".to_owned()), ..form };
    assert_eq!(granted(scope, None), Err(OAuthError::InvalidScope));
    assert_eq!(OAuthError::InvalidClient.to_json()["error"], "invalid_client");
}

/// What we push when a handset said this.
fn pushed(content_type: &str, body: &[u8]) -> Value {
    let incoming = Incoming::from_sip(content_type, body).unwrap();
    let event = Event::incoming("Msg34jk324j", &Contact::of_address(&user()), &incoming, now());
    serde_json::from_slice(&event.to_json()).unwrap()
}

fn json_of(fixture: &str) -> Value {
    serde_json::from_str(fixture).unwrap()
}

#[test]
fn what_users_say_is_pushed_in_the_documented_form() {
    assert_eq!(pushed("text/plain", "明天北京到上海".as_bytes()), json_of(fixture!("event-message")));
    let response = include_bytes!("../../../../fixtures/bot/response-reply.json");
    assert_eq!(pushed(bot::BOT_SUGGESTION_RESPONSE, response), json_of(fixture!("event-response")));
    let new = SuggestionResponse::new_bot_user().to_json();
    assert_eq!(pushed(bot::BOT_SUGGESTION_RESPONSE, &new)["event"], "newUser");
    let shared =
        pushed(bot::BOT_SHARED_CLIENT_DATA, br#"{"sharedData":{"deviceSpecifics":{"deviceModel":"X"}}}"#);
    assert_eq!(shared["event"], "response");
    assert_eq!(shared["RCSMessage"]["sharedData"], json!({"deviceSpecifics": {"deviceModel": "X"}}));
    let place = pushed("text/plain", b"geo:39.865,116.378;crs=gcj02;u=10");
    assert_eq!(
        place["RCSMessage"]["geolocationPushMessage"],
        json!({"pos": "39.865 116.378", "radius": 10.0, "crs": "gcj02"})
    );
}

#[test]
fn files_are_pushed_as_they_may_be_sent() {
    for (fixture, member) in [("file", fixture!("send-file")), ("audio", fixture!("send-audio"))] {
        let Body::File(transfer) = message(member).content.body else { panic!("no file") };
        let event = pushed(rcs::file_transfer::CONTENT_TYPE, transfer.to_xml().as_bytes());
        let content = json!({format!("{fixture}Message"): event["RCSMessage"][format!("{fixture}Message")]});
        let Body::File(again) = message(&with(content).to_string()).content.body else { panic!("no file") };
        assert_eq!(again, FileTransfer { ..transfer });
    }
}

#[test]
fn what_becomes_of_messages_and_users_is_pushed() {
    let contact = Contact::of_address(&user());
    let status = Event::status("m1", &contact, MessageStatus::Failed, Some("user is offline"), now());
    assert_eq!(
        serde_json::from_slice::<Value>(&status.to_json()).unwrap(),
        json_of(fixture!("event-status"))
    );
    let told = |event: Event| serde_json::from_slice::<Value>(&event.to_json()).unwrap();
    assert_eq!(
        told(Event::typing(&Contact::Chat("c".to_owned()), composing::State::Idle)),
        json!({"event": "isTyping", "RCSMessage": {"isTyping": "idle"}, "messageContact": {"chatId": "c"}})
    );
    assert_eq!(
        told(Event::alias("c", "+8613800000001")),
        json!({"event": "alias", "messageContact": {"chatId": "c", "userContact": "+8613800000001"}})
    );
    let file = File::new(
        "f".to_owned(),
        "https://f.example/a".to_owned(),
        7,
        "image/png".to_owned(),
        FileStatus::Ready,
        Some(now()),
    );
    assert_eq!(
        told(Event::file(&file)),
        json!({"event": "fileStatus", "file": {"fileId": "f", "fileUrl": "https://f.example/a", "fileSize": 7,
            "fileMIMEType": "image/png", "status": "ready", "validity": "2026-11-23T11:33:38.000Z"}})
    );
}

proptest! {
    #[test]
    fn any_text_is_sent_as_it_was_written(text in ".{1,100}") {
        let read = message(&with(json!({"textMessage": text})).to_string());
        if let Body::Text(read) = read.content.body {
            prop_assert_eq!(read, text);
        }
    }

    #[test]
    fn no_cut_or_flipped_byte_panics(cut in 0usize..900, flip in any::<u8>(), at in 0usize..900) {
        for fixture in [fixture!("send-card"), fixture!("send-file"), fixture!("send-location")] {
            let mut bytes = fixture.as_bytes()[..cut.min(fixture.len())].to_vec();
            _ = parse(&bytes, &numbering(), now());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
            }
            _ = parse(&bytes, &numbering(), now());
        }
    }
}
