//! The interface's documents in both directions.

use proptest::prelude::*;
use rcs::{
    Address, Timestamp,
    address::Numbering,
    bot::{self, Document, SuggestionResponse},
    xml::Element,
};
use serde_json::{Value, json};

use super::{
    answer::{self, SendAnswer},
    error::Exception,
    file::Expected,
    push::{self, MessagePush},
    *,
};
use crate::{Body, Content, Failure, Incoming, Status, ctcu::address::PathForm};

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../fixtures/cm/", $name, ".xml"))
    };
}

const GROUP: SendKind = SendKind { is_interaction: false, is_template: false };
const ROOT: &str = "https://maap.example";

fn numbering() -> Numbering {
    Numbering::new("CN", "hongyan.local")
}

fn rail() -> Address {
    numbering().chatbot("12306").unwrap()
}

fn user(last: u8) -> Address {
    Address::subscriber(&format!("+861380000000{last}")).unwrap()
}

fn read(body: &str) -> Result<Request, RequestError> {
    send::parse(body.as_bytes(), GROUP, &rail(), &numbering(), "fresh")
}

fn refused(body: &str) -> (u16, &'static str, String) {
    let error = read(body).expect_err("a refusal");
    (error.status, error.exception.id(), error.text)
}

#[test]
fn a_text_is_read_in_full() {
    let sent = read(fixture!("send-text")).unwrap();
    let message = &sent.message;
    assert_eq!(message.to, [user(1)]);
    assert_eq!(message.content.body, Body::Text("去哪里？ <&>".to_owned()));
    assert_eq!(message.contribution_id, "SFF$#REGFY7&^%THT");
    assert_eq!(message.in_reply_to.as_deref(), Some("fSFDSFDFSAFDSAS^%"));
    assert_eq!(message.sms.as_deref(), Some("去哪里？回复城市名"));
    assert!(!message.store);
    assert!(message.wanted.contains(Status::Delivered) && !message.wanted.contains(Status::Displayed));
    assert!(message.wanted.contains(Status::RevokeOk));
    assert_eq!(sent.client_correlator.as_deref(), Some("567895"));
    assert_eq!(message.message_id, rcs::ids::message_id_of(&rail(), "567895"));
    assert_eq!(message.simpler, Some(Content::text("去哪里？")));
}

#[test]
fn a_card_with_chips_goes_to_everyone_who_can_be_reached() {
    let sent = read(fixture!("send-multipart")).unwrap();
    assert_eq!(sent.message.to, [user(1), user(2)]);
    assert_eq!(sent.impossible, ["tel:nobody"]);
    assert_eq!(sent.message.message_id, "m-7");
    assert!(matches!(sent.message.content.body, Body::Card(_)));
    assert_eq!(sent.message.content.chips.len(), 1);
    assert!(sent.message.store && sent.message.wanted.contains(Status::Displayed));
}

#[test]
fn what_clients_send_instead_is_read_as_it_was_meant() {
    let sent = read(fixture!("tolerated-rootless")).unwrap();
    assert_eq!(sent.message.content.body, Body::Text("hello".to_owned()));
    assert_eq!((sent.message.conversation_id.as_str(), sent.message.message_id.as_str()), ("c-1", "fresh"));
    let Body::File(transfer) = read(fixture!("send-file-base64")).unwrap().message.content.body else {
        panic!("no file")
    };
    assert_eq!(transfer.file.name.as_deref(), Some("car.png"));
}

#[test]
fn templates_are_named_with_their_variables() {
    let sent = read(fixture!("send-template")).unwrap();
    assert_eq!(sent.template.unwrap().id, "269000000000000000000000008613");
    let of = |body: &str| template::TemplateUse::parse(body).map(|used| (used.id, used.variables.len()));
    assert_eq!(of("t-1"), Ok(("t-1".to_owned(), 0)));
    assert_eq!(of(r#"{"templateID":7,"params":{"a":"x","b":2}}"#), Ok(("7".to_owned(), 2)));
    assert_eq!(of(r#"{"templateId":"t","name":"x","other":[1]}"#), Ok(("t".to_owned(), 1)));
    for bad in ["{}", r#"{"templateID":[]}"#, "{", "", "a b", r#"{"templateID":"t","params":{"a":[1]}}"#] {
        assert!(of(bad).is_err(), "{bad}");
    }
    let many: serde_json::Map<_, _> = (0..65).map(|n| (format!("v{n}"), json!("x"))).collect();
    assert!(of(&json!({"templateID": "t", "params": many}).to_string()).is_err());
    assert!(template::is_marker("Dynamic-Template") && !template::is_marker("text/plain"));
}

#[test]
fn a_template_is_filled_with_its_variables() {
    let source = r#"{"variables":[{"name":"train","type":"text","maxChars":8}],"traffic":"payment",
        "content":{"text":"{{train}} 开"},"sms":"{{train}}"}"#;
    let mut message = read(fixture!("tolerated-rootless")).unwrap().message;
    let used = template::TemplateUse::parse(r#"{"templateID":"t","params":{"train":"G1"}}"#).unwrap();
    used.fill(source, &mut message).unwrap();
    assert_eq!(message.content.body, Body::Text("G1 开".to_owned()));
    assert_eq!((message.sms.as_deref(), message.traffic.as_deref()), (Some("G1"), Some("payment")));
    for (variables, said) in [
        ("{}", "bodyText.train: "),
        (r#"{"train":"G1","other":1}"#, "bodyText.other: no variable of the template"),
        (r#"{"train":"a long name of a train"}"#, "bodyText.train: "),
    ] {
        let used =
            template::TemplateUse::parse(&format!(r#"{{"templateID":"t","params":{variables}}}"#)).unwrap();
        let error = used.fill(source, &mut message).unwrap_err();
        assert!(error.text.starts_with(said), "{}", error.text);
        assert_eq!(error.exception.id(), "SVC0002");
    }
}

#[test]
fn an_interaction_answers_something() {
    let interaction = SendKind { is_interaction: true, ..GROUP };
    let parse = |body: &str| send::parse(body.as_bytes(), interaction, &rail(), &numbering(), "fresh");
    assert!(parse(fixture!("send-text")).is_ok());
    let error = parse(fixture!("tolerated-rootless")).unwrap_err();
    assert_eq!(error.text, "inReplyToContributionID: missing in an interaction");
    assert_eq!(error.variable.as_deref(), Some("inReplyToContributionID"));
}

/// A call with these elements.
fn call(elements: &str) -> String {
    format!("<outboundMessageRequest>{elements}</outboundMessageRequest>")
}

#[test]
fn what_is_wrong_is_named_with_the_exception_for_it() {
    let to = "<destinationAddress>tel:+8613800000001</destinationAddress>";
    let many = "<destinationAddress>1</destinationAddress>".repeat(101);
    for (elements, status, id, said) in [
        ("<bodyText>x</bodyText>".to_owned(), 400, "SVC0004", "destinationAddress: missing"),
        ("<address>00000</address>".to_owned(), 400, "SVC0004", "destinationAddress: missing"),
        (many, 403, "POL0003", "destinationAddress: 101 > 100"),
        (
            "<destinationAddress>x</destinationAddress>".to_owned(),
            400,
            "SVC0004",
            "destinationAddress: no phone number among them",
        ),
        (to.to_owned(), 400, "SVC0002", "bodyText: missing"),
        (
            format!("{to}<senderAddress>sip:1@b.c</senderAddress>"),
            400,
            "SVC0002",
            "senderAddress: is not the chatbot that the path names",
        ),
        (
            format!("{to}<bodyText>x</bodyText><contentType>image/png</contentType>"),
            400,
            "SVC0002",
            "contentType: \"image/png\" is nothing that can be sent",
        ),
        (format!("{to}<bodyText>{}</bodyText>", "长".repeat(2001)), 400, "SVC0002", "bodyText: 2001 > 2000"),
        (
            format!("{to}<bodyText>x</bodyText><contentEncoding>gzip</contentEncoding>"),
            400,
            "SVC0002",
            "contentEncoding: not one of utf8, base64",
        ),
        (
            format!("{to}<bodyText>x</bodyText><shortMessageSupported>true</shortMessageSupported>"),
            400,
            "SVC0002",
            "smsBodyText: missing",
        ),
        (
            format!(
                "{to}<bodyText>x</bodyText><fallbackSupported>1</fallbackSupported><rcsBodyText>{}</rcsBodyText>",
                "长".repeat(2001)
            ),
            400,
            "SVC0002",
            "rcsBodyText: bodyText: 2001 > 2000",
        ),
        (
            format!("{to}<bodyText>x</bodyText><storeSupported>perhaps</storeSupported>"),
            400,
            "SVC0002",
            "storeSupported: neither true nor false",
        ),
        (
            format!("{to}<bodyText>x</bodyText><conversationID>a b</conversationID>"),
            400,
            "SVC0002",
            "conversationID: characters that are not visible ASCII",
        ),
        (
            format!(
                "{to}<bodyText>{{\"suggestions\":[]}}</bodyText><contentType>application/vnd.gsma.botsuggestion.v1.0+json</contentType>"
            ),
            400,
            "SVC0002",
            "bodyText: suggestions without a message",
        ),
    ] {
        assert_eq!(refused(&call(&elements)), (status, id, said.to_owned()));
    }
    assert_eq!(refused("<").1, "SVC0002");
    assert_eq!(refused("").1, "SVC0002");
    let large = call(&format!("{to}<bodyText>{}</bodyText>", "x".repeat(bot::MAX_BYTES)));
    assert_eq!(refused(&large).2, "XML has too many bytes");
}

#[test]
fn answers_say_what_becomes_of_each_destination() {
    let accepted = SendAnswer {
        message_id: "m-7".to_owned(),
        client_correlator: Some("567895".to_owned()),
        waiting: vec![user(1)],
        impossible: vec!["tel:nobody".to_owned()],
    };
    let document = accepted.to_xml("https://maap.example/requests/m-7");
    let root = Element::parse(document.as_bytes(), "outboundMessageRequest").unwrap();
    assert_eq!(root.child_text("messageId"), Some("m-7"));
    assert_eq!(root.child_text("clientCorrelator"), Some("567895"));
    assert_eq!(root.plain_texts(&["deliverystatus"]), ["MessageWaiting", "DeliveryImpossible"]);
    assert_eq!(root.plain_texts(&["exceptionid"]), ["SVC0004"]);
    assert_eq!(
        accepted.to_json(),
        json!({"code": "00000", "msg": "success", "messageId": "m-7", "clientCorrelator": "567895"})
    );
    assert!(answer::wants_json(Some("application/json, */*")));
    for accept in [None, Some("*/*"), Some("application/xml"), Some("application/json, application/xml")] {
        assert!(!answer::wants_json(accept), "{accept:?}");
    }
}

#[test]
fn refusals_are_policy_or_service_exceptions() {
    let policy = RequestError::new(403, Exception::Policy, "the chatbot is paused").to_xml();
    let root = Element::parse(policy.as_bytes(), "requestError").unwrap();
    assert_eq!(root.child("policyException").and_then(|e| e.child_text("exceptionId")), Some("POL0001"));
    let service = RequestError::invalid("bodyText", "missing").to_xml();
    let root = Element::parse(service.as_bytes(), "requestError").unwrap();
    let exception = root.child("serviceException").unwrap();
    assert_eq!(exception.child_text("text"), Some("bodyText: missing"));
    assert_eq!(exception.child_text("variables"), Some("bodyText"));
    assert_eq!(
        answer::refusal(&RequestError::new(503, Exception::NoResources, "later")),
        json!({"code": "SVC1000", "msg": "later"})
    );
}

#[test]
fn a_revoke_names_the_user() {
    let revoke = |body: &str| revoke::parse(body.as_bytes(), &numbering());
    assert_eq!(revoke(fixture!("revoke")), Ok(vec![user(1)]));
    let both = "<r><address>tel:+8613800000001</address><address>13800000002</address></r>";
    assert_eq!(revoke(both), Ok(vec![user(1), user(2)]));
    let dummy = "<r><address>00000</address><destinationAddress>tel:+8613800000002</destinationAddress></r>";
    assert_eq!(revoke(dummy), Ok(vec![user(2)]));
    assert!(revoke("<r><address>tel:+8613800000001</address><address>x</address></r>").is_err());
    assert!(revoke("<messageStatusReport/>").is_err());
    assert!(revoke("<a><address>tel:+8613800000001</address><status>Other</status></a>").is_err());
    assert!(revoke("<a><address>x</address></a>").is_err());
}

/// The document pushed when a handset said this, and its decoded body.
fn pushed(content_type: &str, body: &[u8]) -> (Element, Vec<u8>) {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let document = MessagePush {
        message_id: "Msg34jk324j",
        sender: &user(1),
        chatbot: &rail(),
        incoming: &Incoming::from_sip(content_type, body).unwrap(),
        conversation_id: "c-1",
        contribution_id: "u-1",
        in_reply_to: Some("b-1"),
        at: Timestamp::parse_rfc3339("2026-11-23T11:33:38Z").unwrap(),
    }
    .to_xml(ROOT);
    let root = Element::parse(document.as_bytes(), "inboundMessageNotification").unwrap();
    let message = root.child("inboundMessage").unwrap().clone();
    let said = STANDARD.decode(message.child_text("bodyText").unwrap()).unwrap();
    (message, said)
}

#[test]
fn what_users_say_is_pushed_in_the_documented_form() {
    let (message, said) = pushed("text/plain", "明天北京到上海".as_bytes());
    assert_eq!(said, "明天北京到上海".as_bytes());
    for (name, value) in [
        ("senderAddress", "tel:+8613800000001"),
        ("destinationAddress", "sip:12306@botplatform.hongyan.local"),
        ("contentType", "text/plain"),
        ("contentEncoding", "base64"),
        ("messageId", "Msg34jk324j"),
        ("conversationID", "c-1"),
        ("contributionID", "u-1"),
        ("inReplyToContributionID", "b-1"),
        ("dateTime", "2026-11-23T19:33:38.000+08:00"),
    ] {
        assert_eq!(message.child_text(name), Some(value));
    }
    assert_eq!(message.child("link").and_then(|link| link.attribute("rel")), Some("Subscription"));

    let response = include_bytes!("../../../../fixtures/bot/response-reply.json");
    let (message, said) = pushed(bot::BOT_SUGGESTION_RESPONSE, response);
    assert_eq!(message.child_text("contentType"), Some(bot::BOT_SUGGESTION_RESPONSE));
    let said: Value = serde_json::from_slice(&said).unwrap();
    assert_eq!(said["response"]["type"], "reply");
    // Our own reader takes it in spite of the addition.
    assert!(SuggestionResponse::from_value(said).is_ok());

    let Body::File(transfer) = read(fixture!("send-file-base64")).unwrap().message.content.body else {
        panic!("no file")
    };
    let (_, said) = pushed(rcs::file_transfer::CONTENT_TYPE, transfer.to_xml().as_bytes());
    assert_eq!(rcs::file_transfer::FileTransfer::parse(&said), Ok(transfer));
}

#[test]
fn what_becomes_of_messages_is_pushed_in_the_documented_form() {
    let told = |status, failure| push::status("m-7", &user(1), &rail(), status, failure, ROOT);
    let delivered = told(Status::Delivered, None);
    let root = Element::parse(delivered.as_bytes(), "deliveryInfoNotification").unwrap();
    assert_eq!(root.plain_texts(&["deliverystatus"]), ["DeliveredToTerminal"]);
    assert_eq!(root.plain_texts(&["address", "messageid"]), ["tel:+8613800000001", "m-7"]);
    assert_eq!(root.child("link").and_then(|link| link.attribute("rel")), Some("OutboundMessageRequest"));
    let failed = told(Status::Failed, Some(Failure::NoSuchUser));
    let root = Element::parse(failed.as_bytes(), "deliveryInfoNotification").unwrap();
    assert_eq!(root.plain_texts(&["deliverystatus", "description"]), ["DeliveryImpossible", "SVC0004"]);
    let sms = told(Status::DeliveredToNetwork, None);
    let root = Element::parse(sms.as_bytes(), "deliveryInfoNotification").unwrap();
    assert_eq!(root.plain_texts(&["description"]), ["SMS"]);
    for (status, word) in [(Status::RevokeOk, "Revoked"), (Status::RevokeFail, "RevokeFailed")] {
        let document = told(status, None);
        let root = Element::parse(document.as_bytes(), "messageStatusNotification").unwrap();
        assert_eq!(root.child_text("status"), Some(word));
    }
    assert_eq!(
        push::message_path(&rail(), PathForm::Raw),
        "/InboundMessageNotification/sip:12306@botplatform.hongyan.local"
    );
    assert_eq!(
        push::path_of(Status::RevokeOk, &rail(), PathForm::Encoded),
        "/MessageStatusNotification/sip%3A12306%40botplatform.hongyan.local"
    );
}

#[test]
fn an_upload_may_say_what_is_to_be_expected() {
    let hash = "ab".repeat(32);
    let expected = Expected::of_query(&format!("hash=SHA256{}&SIZE=7", hash.to_uppercase()));
    assert_eq!(expected, Expected { sha256: Some(hash.clone()), size: Some(7) });
    assert_eq!(Expected::of_query(&format!("hash=sha256:{hash}")).sha256, Some(hash));
    assert_eq!(Expected::of_query("hash=md5ab&SIZE=x&a"), Expected::default());
    assert_eq!(Expected::of_query("hash=公里公里"), Expected::default());
}

proptest! {
    #[test]
    fn any_text_is_sent_as_it_was_written(text in "[^\\s\\p{C}](.{0,50}[^\\s\\p{C}])?") {
        let mut xml = rcs::xml::Writer::new();
        xml.open("r", &[]).text("bodyText", &[], &text).text("destinationAddress", &[], "tel:+8613800000001");
        let document = xml.finish();
        if let Ok(Request { message, .. }) = read(&document)
            && let Body::Text(read) = message.content.body
        {
            let kept: String = text.chars().filter(|c| matches!(c, '\t' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)).collect();
            prop_assert_eq!(read, kept);
        }
    }

    #[test]
    fn no_cut_or_flipped_byte_panics(cut in 0usize..1600, flip in any::<u8>(), at in 0usize..1600) {
        for fixture in [fixture!("send-text"), fixture!("send-multipart"), fixture!("send-file-base64")] {
            let mut bytes = fixture.as_bytes()[..cut.min(fixture.len())].to_vec();
            _ = send::parse(&bytes, GROUP, &rail(), &numbering(), "fresh");
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= flip;
            }
            _ = send::parse(&bytes, GROUP, &rail(), &numbering(), "fresh");
        }
    }

    #[test]
    fn any_path_and_query_is_read_or_refused(path in "(/(vg2|messaging|group|plain|v1|outbound|requests|status|x|))*|\\PC*") {
        _ = Operation::of_path(&path);
        _ = Expected::of_query(&path);
    }
}
