//! The checker and the send calls say the same: what it lets through for a dialect, the dialect's reader takes, and what it refuses
//! the reader refuses. Documents of the specification are spoilt in some places and put into the send call of each dialect.

use proptest::prelude::*;
use proptest::sample::Index;
use rcs::address::Numbering;
use rcs::{Timestamp, bot};
use serde_json::{Value, json};

use super::*;
use crate::rbm::AgentMessage;
use crate::{cm, ctcu, fnw11};

/// What is put in the place of a member or an item.
#[derive(Debug, Clone)]
enum Spoil {
    Remove,
    Set(Value),
    Repeat(usize),
    Add(&'static str, Value),
}

/// Words that mean something somewhere.
const WORDS: &[&str] = &[
    "VERTICAL",
    "HORIZONTAL",
    "LEFT",
    "SMALL_WIDTH",
    "TALL_HEIGHT",
    "webview",
    "half",
    "VIDEO",
    "bold",
    "utf8",
    "base64",
    "text/plain",
];

fn spoils() -> impl Strategy<Value = Vec<(Index, Spoil)>> {
    let texts = prop_oneof![
        proptest::sample::select(WORDS).prop_map(str::to_owned),
        proptest::sample::select(
            &[
                "https://f.example/a",
                "javascript:alert(1)",
                "f.example",
                "http://a b",
                "tel:+861",
                "geo:39.9,116.4"
            ][..]
        )
        .prop_map(str::to_owned),
        proptest::sample::select(
            &[1usize, 25, 26, 60, 61, 100, 101, 200, 201, 500, 501, 2000, 2001, 2048, 2049, 3072, 3073][..]
        )
        .prop_map(|chars| "长".repeat(chars)),
        Just("2026-11-24T09:00:00+08:00".to_owned()),
        Just(String::new()),
    ];
    let values = prop_oneof![
        4 => texts.prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(-1)),
        1 => Just(json!(1.5)),
        1 => Just(json!(181)),
        1 => Just(json!({})),
        1 => Just(json!([])),
        1 => Just(json!(true)),
    ];
    let spoil = prop_oneof![
        2 => Just(Spoil::Remove),
        4 => values.clone().prop_map(Spoil::Set),
        2 => (0usize..14).prop_map(Spoil::Repeat),
        1 => values.prop_map(|value| Spoil::Add("imageAlignment", value)),
        1 => Just(Spoil::Add("reply", json!({ "displayText": "订" }))),
        1 => Just(Spoil::Add("urlAction", json!({ "openUrl": { "url": "https://f.example/" } }))),
    ];
    proptest::collection::vec((any::<Index>(), spoil), 0..4)
}

/// Where the values of a document stand, as JSON pointers; the root is not among them.
fn places(value: &Value, at: &str, places: &mut Vec<String>) {
    let mut go = |key: &str, value: &Value| {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        places.push(at.clone());
        self::places(value, &at, places);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| go(key, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| go(&index.to_string(), item))
        }
        _ => {}
    }
}

fn spoilt(mut document: Value, spoils: &[(Index, Spoil)]) -> Value {
    for (index, spoil) in spoils {
        let mut all = Vec::new();
        places(&document, "", &mut all);
        if all.is_empty() {
            break;
        }
        let place = index.get(&all);
        let (parent, key) = place.rsplit_once('/').expect("a pointer");
        match (spoil, document.pointer_mut(parent)) {
            (Spoil::Remove, Some(Value::Object(members))) => _ = members.remove(key),
            (Spoil::Remove, Some(Value::Array(items))) => _ = items.remove(key.parse().expect("an index")),
            (Spoil::Add(name, value), Some(Value::Object(members))) => {
                members.insert((*name).to_owned(), value.clone());
            }
            (Spoil::Set(value), Some(_)) => {
                *document.pointer_mut(place).expect("it is there") = value.clone()
            }
            (Spoil::Repeat(times), Some(Value::Array(items))) => {
                let item = items[key.parse::<usize>().expect("an index")].clone();
                items.extend(std::iter::repeat_n(item, *times));
            }
            _ => {}
        }
    }
    document
}

fn numbering() -> Numbering {
    Numbering::new("CN", "hongyan.local")
}

fn ctcu_call(items: Value) -> Value {
    json!({ "messageId": "m", "conversationId": "c", "contributionId": "c", "destinationAddress": ["tel:+8613800000001"],
        "senderAddress": "sip:12306@botplatform.hongyan.local", "messageList": items })
}

fn ctcu_takes(call: &Value) -> bool {
    let chatbot = numbering().chatbot("12306").expect("an address");
    ctcu::send::parse(call.to_string().as_bytes(), &chatbot, &numbering()).is_ok()
}

fn cm_takes(content_type: &str, body: &str) -> bool {
    let escaped = body.replace('&', "&amp;").replace('<', "&lt;");
    let call = format!(
        "<outboundMessageRequest><destinationAddress>tel:+8613800000001</destinationAddress><outboundIMMessage>\
         <contentType>{content_type}</contentType><bodyText>{escaped}</bodyText></outboundIMMessage></outboundMessageRequest>"
    );
    let kind = cm::SendKind { is_interaction: false, is_template: false };
    let chatbot = numbering().chatbot("12306").expect("an address");
    cm::send::parse(call.as_bytes(), kind, &chatbot, &numbering(), "fresh").is_ok()
}

fn fnw11_takes(message: &Value) -> bool {
    let call = json!({ "RCSMessage": message, "messageContact": { "userContact": "+8613800000001" } });
    let now = Timestamp::parse_rfc3339("2026-11-24T00:00:00Z").expect("a time");
    fnw11::message::parse(call.to_string().as_bytes(), &numbering(), now).is_ok()
}

/// What the checker says for a dialect. That a file could not have been uploaded is said here, and refused where it is uploaded.
fn is_let_through(document: &Value, dialect: Dialect) -> bool {
    let mut report = check(document.to_string().as_bytes());
    report.findings.retain(|finding| !(finding.rule == rule::MEDIA_TYPE || finding.rule == rule::FILE_SIZE));
    report.form.is_some() && report.is_accepted(&[dialect])
}

fn card() -> impl Strategy<Value = Value> {
    let fixtures = [
        include_str!("../../../../fixtures/bot/card-vertical.json"),
        include_str!("../../../../fixtures/bot/card-horizontal.json"),
        include_str!("../../../../fixtures/bot/carousel.json"),
    ];
    proptest::sample::select(fixtures.to_vec()).prop_map(|text| serde_json::from_str(text).expect("JSON"))
}

fn chips() -> impl Strategy<Value = Value> {
    let fixtures = [
        include_str!("../../../../fixtures/bot/suggestions-all.json"),
        include_str!("../../../../fixtures/bot/suggestions-rest.json"),
    ];
    proptest::sample::select(fixtures.to_vec()).prop_map(|text| serde_json::from_str(text).expect("JSON"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn cards(card in card(), spoils in spoils()) {
        let card = spoilt(card, &spoils);
        let item = json!({ "contentType": bot::BOT_MESSAGE, "contentText": card });
        prop_assert_eq!(is_let_through(&card, Dialect::Ctcu), ctcu_takes(&ctcu_call(json!([item]))), "ctcu: {}", card);
        prop_assert_eq!(is_let_through(&card, Dialect::Cm), cm_takes(bot::BOT_MESSAGE, &card.to_string()), "cm: {}", card);
        prop_assert_eq!(is_let_through(&card, Dialect::Fnw11), fnw11_takes(&json!({ "richcardMessage": card })), "fnw11: {}", card);
    }

    #[test]
    fn chips_under_a_text(chips in chips(), spoils in spoils()) {
        let chips = spoilt(chips, &spoils);
        let items = json!([{ "contentType": "text/plain", "contentText": "去哪里？" }, { "contentType": bot::BOT_SUGGESTION, "contentText": chips }]);
        prop_assert_eq!(is_let_through(&chips, Dialect::Ctcu), ctcu_takes(&ctcu_call(items)), "ctcu: {}", chips);
        // `null` is how FNW.11 says that there are none.
        let message = json!({ "textMessage": "去哪里？", "suggestedChipList": chips });
        prop_assert_eq!(is_let_through(&chips, Dialect::Fnw11), fnw11_takes(&message), "fnw11: {}", chips);
    }

    #[test]
    fn send_calls_of_ctcu(spoils in spoils()) {
        let items = json!([
            { "contentType": "application/vnd.gsma.rcs-ft-http", "contentEncoding": "utf8", "contentText": [
                { "type": "file", "url": "https://f.example/a.png", "fileName": "a.png", "fileSize": 1, "contentType": "image/png",
                    "until": "2026-11-24T00:00:00Z" },
                { "type": "thumbnail", "url": "https://f.example/b.png", "fileSize": 1, "contentType": "image/png" }] },
            { "contentType": bot::BOT_SUGGESTION, "contentText": { "suggestions": [{ "reply": { "displayText": "订" } }] } },
        ]);
        let call = ctcu_call(spoilt(items, &spoils));
        prop_assert_eq!(is_let_through(&call, Dialect::Ctcu), ctcu_takes(&call), "{}", call["messageList"]);
    }

    #[test]
    fn texts_of_ctcu(spoils in spoils()) {
        let items = json!([
            { "contentType": "text/plain", "contentEncoding": "utf8", "contentText": "去哪里？" },
            { "contentType": bot::BOT_SUGGESTION, "contentText": { "suggestions": [{ "reply": { "displayText": "订" } }] } },
        ]);
        let call = ctcu_call(spoilt(items, &spoils));
        prop_assert_eq!(is_let_through(&call, Dialect::Ctcu), ctcu_takes(&call), "{}", call["messageList"]);
    }

    #[test]
    fn messages_of_fnw11(which in 0usize..5, spoils in spoils()) {
        let mut message = [
            json!({ "textMessage": "去哪里？", "suggestedChipList": { "suggestions": [{ "reply": { "displayText": "订" } }] } }),
            json!({ "textMessage": "去哪里？", "suggestedChipList": [{ "reply": { "displayText": "订" } }] }),
            json!({ "fileMessage": { "fileUrl": "https://f.example/a.png", "fileName": "a.png", "fileMIMEType": "image/png", "fileSize": 1,
                "thumbnailUrl": "https://f.example/b.png" } }),
            json!({ "audioMessage": { "fileUrl": "https://f.example/a.amr", "playingLength": 3 } }),
            json!({ "geolocationPushMessage": { "pos": "39.9 116.4", "label": "北京", "radius": 5 } }),
        ][which].clone();
        message = spoilt(message, &spoils);
        let call = json!({ "RCSMessage": message });
        prop_assert_eq!(is_let_through(&call, Dialect::Fnw11), fnw11_takes(&message), "{}", message);
    }

    #[test]
    fn messages_of_rbm(carousel: bool, spoils in spoils()) {
        let content = json!({ "title": "G1", "description": "09:00", "media": { "height": "TALL", "contentInfo": { "fileUrl": "https://f.example/a.png" } },
            "suggestions": [{ "reply": { "text": "订", "postbackData": "buy" } },
                { "action": { "text": "看", "postbackData": "look", "openUrlAction": { "url": "https://f.example/" } } }] });
        let rich = match carousel {
            true => json!({ "carouselCard": { "cardWidth": "MEDIUM", "cardContents": [content, content] } }),
            false => json!({ "standaloneCard": { "cardOrientation": "HORIZONTAL", "thumbnailImageAlignment": "LEFT", "cardContent": content } }),
        };
        let message = json!({ "contentMessage": spoilt(json!({ "richCard": rich, "suggestions": [{ "reply": { "text": "订", "postbackData": "b" } }] }), &spoils) });
        prop_assert_eq!(is_let_through(&message, Dialect::Rbm), AgentMessage::parse(message.to_string().as_bytes()).is_ok(), "{}", message);
    }
}
