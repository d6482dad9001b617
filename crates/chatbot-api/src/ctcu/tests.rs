//! The interface's bodies in both directions.

use proptest::prelude::*;
use rcs::{
    Address, Timestamp,
    address::Numbering,
    bot::{Document, SuggestionResponse},
    file_transfer::FileTransfer,
};
use serde_json::{Value, json};

use super::{
    address::PathForm,
    push::{self, MessageItem, MessagePush, StatusPush},
    *,
};
use crate::{Body, Content, Failure, Incoming, Outgoing, Status};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../fixtures/ctcu/", $name, ".json"))
    };
}

fn numbering() -> Numbering {
    Numbering::new("CN", "hongyan.local")
}

fn rail() -> Address {
    numbering().chatbot("12306").unwrap()
}

fn user(last: u8) -> Address {
    Address::subscriber(&format!("+861380000000{last}")).unwrap()
}

fn read(body: &str) -> Result<Outgoing, Refusal> {
    send::parse(body.as_bytes(), &rail(), &numbering())
}

/// The documented call with one member changed; `None` removes it.
fn changed(key: &str, value: Option<Value>) -> String {
    let mut call: Value = serde_json::from_str(fixture!("send-text-chips")).unwrap();
    let members = call.as_object_mut().unwrap();
    match value {
        Some(value) => members.insert(key.to_owned(), value),
        None => members.remove(key),
    };
    call.to_string()
}

fn refused(body: &str) -> (i32, String) {
    let refusal = read(body).expect_err("a refusal");
    (refusal.code.number(), refusal.message)
}

#[test]
fn a_text_with_chips_is_read_in_full() {
    let sent = read(fixture!("send-text-chips")).unwrap();
    assert_eq!(sent.message_id, "5eae954c-42ca-4181-9ab4-9c0ef2e2ac66");
    assert_eq!(sent.to, [user(1)]);
    assert_eq!(sent.content.body, Body::Text("去哪里？".to_owned()));
    assert_eq!(sent.content.chips.len(), 2);
    assert_eq!(sent.contribution_id, "SFF$#REGFY7&^%THT");
    assert_eq!(sent.in_reply_to.as_deref(), Some("fSFDSFfkdfdskfk"));
    assert_eq!(sent.traffic.as_deref(), Some("payment"));
    assert_eq!(sent.sms.as_deref(), Some("去哪里？回复城市名"));
    assert!(!sent.store);
    assert!(sent.wanted.contains(Status::Delivered) && !sent.wanted.contains(Status::Displayed));
}

#[test]
fn what_is_left_out_takes_its_default() {
    let sent = read(fixture!("send-card")).unwrap();
    assert!(matches!(sent.content.body, Body::Card(_)));
    assert!(sent.store && sent.sms.is_none() && sent.traffic.is_none() && sent.in_reply_to.is_none());
    assert!(sent.wanted.contains(Status::Displayed));
}

#[test]
fn a_group_send_reaches_each_number_once() {
    let sent = read(fixture!("send-carousel-group")).unwrap();
    assert_eq!(sent.to, [user(1), user(2)]);
}

#[test]
fn a_file_becomes_file_transfer_xml() {
    let sent = read(fixture!("send-file")).unwrap();
    let (content_type, body) = sent.content.to_sip();
    assert_eq!(content_type, "application/vnd.gsma.rcs-ft-http+xml");
    let transfer = FileTransfer::parse(&body).unwrap();
    assert_eq!(transfer.file.name.as_deref(), Some("ticket.png"));
    assert_eq!(transfer.thumbnail.map(|info| info.size), Some(4096));
    assert_eq!(transfer.file.until, Timestamp::parse_rfc3339("2026-12-23T11:00:00Z").ok());
}

#[test]
fn a_geo_text_is_a_place_and_travels_unchanged() {
    let sent = read(fixture!("send-location")).unwrap();
    assert!(matches!(sent.content.body, Body::Location(_)));
    let (content_type, body) = sent.content.to_sip();
    assert_eq!(content_type, crate::content::TEXT);
    assert_eq!(body, "geo:39.865,116.378;crs=gcj02;u=10;rcs-l=%E5%8C%97%E4%BA%AC%E5%8D%97%E7%AB%99");
}

#[test]
fn chips_travel_in_a_second_part() {
    let sent = read(fixture!("send-text-chips")).unwrap();
    let (content_type, body) = sent.content.to_sip();
    assert!(content_type.starts_with("multipart/mixed;"), "{content_type}");
    let text = String::from_utf8(body.to_vec()).unwrap();
    let (message, chips) = (text.find("去哪里？"), text.find("\"suggestions\""));
    assert!(message.is_some() && message < chips, "{text}");
    assert!(text.contains("application/vnd.gsma.botsuggestion.v1.0+json"));
}

#[test]
fn known_variants_are_read_as_they_were_meant() {
    let exact = read(fixture!("send-text-chips")).unwrap();
    assert_eq!(read(fixture!("tolerated-base64")).unwrap().content, exact.content);
    let card = read(fixture!("send-card")).unwrap();
    let string = read(fixture!("tolerated-json-string")).unwrap();
    assert_eq!((string.content, string.to), (card.content, card.to));
    let loose = read(fixture!("tolerated-loose")).unwrap();
    assert_eq!(loose.content, Content::text("hi"));
    assert_eq!((loose.to, loose.store, loose.sms), (vec![user(1)], true, None));
}

#[test]
fn another_sender_is_refused() {
    let other = changed("senderAddress", Some(json!("sip:95588@botplatform.hongyan.local")));
    assert_eq!(refused(&other).0, 30008);
}

#[test]
fn what_is_missing_or_of_the_wrong_type_is_named() {
    for (key, value, said) in [
        ("messageId", None, "messageId: missing"),
        ("messageId", Some(json!("a\r\nX: y")), "messageId: characters that are not visible ASCII"),
        ("conversationId", Some(json!("c".repeat(129))), "conversationId: 129 > 128"),
        ("contributionId", Some(json!(7)), "contributionId: a number where a string belongs"),
        ("destinationAddress", None, "destinationAddress: missing"),
        ("destinationAddress", Some(json!([])), "destinationAddress: missing"),
        (
            "destinationAddress",
            Some(json!(["tel:+8613800000001", "x"])),
            "destinationAddress[1]: no phone number",
        ),
        (
            "destinationAddress",
            Some(json!(["sip:12306@botplatform.hongyan.local"])),
            "destinationAddress[0]: no phone number",
        ),
        ("messageList", None, "messageList: missing"),
        ("messageList", Some(json!([])), "messageList: missing"),
        ("messageList", Some(json!([{"contentText": "x"}])), "messageList[0].contentType: missing"),
        ("messageList", Some(json!([{"contentType": "text/plain"}])), "messageList[0].contentText: missing"),
        (
            "messageList",
            Some(json!([{"contentType": "text/plain", "contentText": {}}])),
            "messageList[0].contentText: an object where a string belongs",
        ),
        ("smsContent", None, "smsContent: missing"),
        ("storeSupported", Some(json!(1)), "storeSupported: a number where true or false belongs"),
        ("trafficType", Some(json!("a b")), "trafficType: no token"),
    ] {
        assert_eq!(refused(&changed(key, value)), (20002, said.to_owned()));
    }
    assert_eq!(refused("").0, 44002);
    assert_eq!(refused("{").0, 47001);
}

#[test]
fn one_message_and_one_list_of_chips_make_a_send() {
    let text = json!({"contentType": "text/plain", "contentText": "hi"});
    let chips = json!({"contentType": "application/vnd.gsma.botsuggestion.v1.0+json",
        "contentText": {"suggestions": [{"reply": {"displayText": "a"}}]}});
    let (code, said) = refused(&changed("messageList", Some(json!([text, text]))));
    assert_eq!((code, said.as_str()), (20002, "messageList[1]: a second one of its kind"));
    let (code, said) = refused(&changed("messageList", Some(json!([chips]))));
    assert_eq!((code, said.as_str()), (20002, "messageList: suggestions without a message"));
    let (code, _) =
        refused(&changed("messageList", Some(json!([{"contentType": "image/png", "contentText": "x"}]))));
    assert_eq!(code, 60003);
    let newer = json!([{"contentType": "application/vnd.gsma.botmessage.v2.0+json", "contentText": {}}]);
    assert_eq!(refused(&changed("messageList", Some(newer))).0, 60003);
}

#[test]
fn content_over_its_limits_names_the_path_and_the_rule() {
    let long = json!([{"contentType": "text/plain", "contentText": "长".repeat(2001)}]);
    assert_eq!(
        refused(&changed("messageList", Some(long))),
        (40021, "messageList[0].contentText: 2001 > 2000".to_owned())
    );
    let title = json!([{"contentType": "application/vnd.gsma.botmessage.v1.0+json", "contentText": {
        "message": {"generalPurposeCard": {"layout": {"cardOrientation": "VERTICAL"},
            "content": {"title": "长".repeat(231)}}}}}]);
    assert_eq!(
        refused(&changed("messageList", Some(title))),
        (40021, "message.generalPurposeCard.content.title: 231 > 200".to_owned())
    );
    let chips = json!([{"contentType": "text/plain", "contentText": "hi"},
        {"contentType": "application/vnd.gsma.botsuggestion.v1.0+json", "contentText": {
            "suggestions": vec![json!({"reply": {"displayText": "a"}}); 12]}}]);
    assert_eq!(refused(&changed("messageList", Some(chips))), (40016, "suggestions: 12 > 11".to_owned()));
    let files = json!([{"contentType": send::FILE_TYPE, "contentText": [{}, {}, {}]}]);
    assert_eq!(refused(&changed("messageList", Some(files))).0, 40040);
    let file = json!({"type": "file", "url": "ftp://f.example/a", "fileSize": 1, "contentType": "a/b"});
    let files = json!([{"contentType": send::FILE_TYPE, "contentText": [file]}]);
    assert_eq!(
        refused(&changed("messageList", Some(files))),
        (40007, "messageList[0].contentText[0].url: no http or https URL".to_owned())
    );
}

#[test]
fn the_answer_gives_the_ids_back() {
    let answer = SendAnswer::accepted(&read(fixture!("send-card")).unwrap());
    assert_eq!(
        serde_json::to_value(answer).unwrap(),
        json!({"messageId": "5eae954c-42ca-4181-9ab4-9c0ef2e2ac66", "conversationId": "fSFDSFfkdfdskfk",
            "contributionId": "SFF$#REGFY7&^%THT", "errorCode": 0, "errorMessage": "ok"})
    );
}

/// What we push when a handset said this.
fn pushed(content_type: &str, body: &[u8], in_reply_to: Option<&str>) -> Value {
    let push = MessagePush {
        message_id: "Msg34jk324j".to_owned(),
        message_list: vec![MessageItem::new(&Incoming::from_sip(content_type, body).unwrap())],
        date_time: date_time(Timestamp::parse_rfc3339("2026-11-23T11:33:38Z").unwrap()),
        sender_address: user(1).to_string(),
        destination_address: rail().to_string(),
        conversation_id: "c-1".to_owned(),
        contribution_id: "u-1".to_owned(),
        in_reply_to: in_reply_to.map(str::to_owned),
    };
    serde_json::from_slice(&push.to_json()).unwrap()
}

fn json_of(fixture: &str) -> Value {
    serde_json::from_str(fixture).unwrap()
}

#[test]
fn a_users_text_response_and_file_are_pushed_in_the_documented_form() {
    assert_eq!(
        pushed("text/plain;charset=UTF-8", "明天北京到上海".as_bytes(), None),
        json_of(fixture!("push-text"))
    );

    let response = include_bytes!("../../../../fixtures/bot/response-reply.json");
    let response = SuggestionResponse::parse(response).unwrap().to_json();
    assert_eq!(
        pushed(rcs::bot::BOT_SUGGESTION_RESPONSE, &response, Some("SFF$#REGFY7&^%THT")),
        json_of(fixture!("push-response"))
    );

    let xml = r#"<file xmlns="urn:gsma:params:xml:ns:rcs:rcs:fthttp">
        <file-info type="thumbnail"><file-size>9216</file-size><content-type>image/jpeg</content-type>
          <data url="https://f.example/car-small.jpg" until="2026-12-23T11:00:00Z"/></file-info>
        <file-info type="file"><file-size>171008</file-size><file-name>car.png</file-name>
          <content-type>image/png</content-type><data url="https://f.example/car.png" until="2026-12-23T11:00:00Z"/>
        </file-info></file>"#;
    assert_eq!(
        pushed("application/vnd.gsma.rcs-ft-http+xml", xml.as_bytes(), None),
        json_of(fixture!("push-file"))
    );
}

#[test]
fn a_users_place_is_pushed_as_geo_text() {
    let push = pushed("text/plain", b"geo:39.865,116.378;crs=gcj02;u=10", None);
    assert_eq!(push["messageList"][0]["contentType"], "text/plain");
    assert_eq!(push["messageList"][0]["contentText"], "geo:39.865,116.378;crs=gcj02;u=10");
    assert_eq!(push["messageList"][0]["messageItem"], "location");
}

#[test]
fn what_no_chatbot_understands_is_refused() {
    use crate::content::NotForChatbots::{Malformed, MediaType};
    assert!(matches!(Incoming::from_sip("image/png", b""), Err(MediaType(_))));
    assert!(matches!(Incoming::from_sip(rcs::bot::BOT_MESSAGE, b"{}"), Err(MediaType(_))));
    assert!(matches!(Incoming::from_sip("text/plain", b"\xff"), Err(Malformed(_))));
    assert!(matches!(Incoming::from_sip(rcs::bot::BOT_SUGGESTION_RESPONSE, b"{}"), Err(Malformed(_))));
}

#[test]
fn statuses_are_pushed_in_the_documented_form() {
    let at = Timestamp::parse_rfc3339("2026-11-23T11:33:38Z").unwrap();
    let one = |status, failure| StatusPush::one("5eae954c", &user(1), &rail(), status, failure, at);
    let delivered: Value = serde_json::from_slice(&one(Status::Delivered, None).to_json()).unwrap();
    assert_eq!(delivered, json_of(fixture!("push-status-delivered")));
    let failed: Value =
        serde_json::from_slice(&one(Status::Failed, Some(Failure::NotRcs)).to_json()).unwrap();
    assert_eq!(failed, json_of(fixture!("push-status-failed")));
}

#[test]
fn push_paths_hold_the_chatbot_in_the_form_it_likes() {
    assert_eq!(
        push::message_path(&rail(), PathForm::Raw),
        "/messageNotification/sip:12306@botplatform.hongyan.local/messages"
    );
    assert_eq!(
        push::status_path(&rail(), PathForm::Encoded),
        "/deliveryNotification/sip%3A12306%40botplatform.hongyan.local/status"
    );
}

proptest! {
    #[test]
    fn any_text_is_sent_as_it_was_written(text in ".{1,100}") {
        let item = json!([{"contentType": "text/plain", "contentText": text}]);
        let sent = read(&changed("messageList", Some(item))).unwrap();
        if let Body::Text(read) = &sent.content.body {
            prop_assert_eq!(read, &text);
            prop_assert_eq!(sent.content.to_sip().1, text.as_bytes());
        }
    }

    #[test]
    fn no_cut_or_flipped_byte_panics(cut in 0usize..1200, flip in any::<u8>(), at in 0usize..1200) {
        for fixture in [fixture!("send-text-chips"), fixture!("send-file"), fixture!("tolerated-loose")] {
            let mut bytes = fixture.as_bytes()[..cut.min(fixture.len())].to_vec();
            _ = send::parse(&bytes, &rail(), &numbering());
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
            }
            if let Err(refusal) = send::parse(&bytes, &rail(), &numbering()) {
                prop_assert!(refusal.code != ReturnCode::Ok);
            }
        }
    }

    #[test]
    fn only_the_three_strings_themselves_verify(token in "[a-z]{1,20}", time in 0u64..4_000_000_000, nonce in "[0-9a-f-]{1,36}") {
        let time = time.to_string();
        let signed = signature::signature(&token, &time, &nonce);
        prop_assert!(signature::verify(&token, &time, &nonce, &signed));
        prop_assert!(!signature::verify(&token, &time, &(nonce.clone() + "x"), &signed));
    }
}
