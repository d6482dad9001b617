use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parse(value: Value) -> Result<Template, String> {
    Template::from_value(value, &Limits::RCC07)
        .map_err(|violations| violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; "))
}

fn ticket() -> Template {
    parse(json!({
        "variables": [
            { "name": "train", "type": "text", "maxChars": 8 },
            { "name": "leaves", "type": "date", "format": "%-m月%-d日 %H:%M" },
            { "name": "price", "type": "money", "currency": "CNY" },
            { "name": "seat", "type": "choice", "choices": { "1": "一等座", "2": "二等座" }, "default": "2" },
            { "name": "lat", "type": "number", "decimals": 4, "min": -90, "max": 90, "default": 39.8651 },
            { "name": "order", "type": "text", "maxChars": 20 },
            { "name": "page", "type": "url", "default": "https://m.12306.cn" },
            { "name": "hotline", "type": "phone", "default": "+8612306" }
        ],
        "content": {
            "message": { "generalPurposeCard": {
                "layout": { "cardOrientation": "VERTICAL" },
                "content": {
                    "title": "{{train}} {{ seat }}",
                    "description": "{{leaves}}, {{price}}",
                    "suggestions": [
                        { "action": { "displayText": "Order",
                            "urlAction": { "openUrl": { "url": "https://m.12306.cn/order?id={{order}}" } },
                            "postback": { "data": "order {{order}}" } } },
                        { "action": { "displayText": "Page",
                            "urlAction": { "openUrl": { "url": "{{page}}" } }, "postback": { "data": "page" } } },
                        { "action": { "displayText": "Call",
                            "dialerAction": { "dialPhoneNumber": { "phoneNumber": "{{hotline}}" } },
                            "postback": { "data": "call" } } }
                    ]
                }
            } },
            "suggestions": [
                { "action": { "displayText": "Map",
                    "mapAction": { "showLocation": { "location":
                        { "latitude": "{{lat:number}}", "longitude": 116.3786, "label": "{{train}}" } } },
                    "postback": { "data": "map" } } },
                { "reply": { "displayText": "改签", "postback": { "data": "change {{order}}" } } }
            ]
        },
        "traffic": "payment",
        "sms": "{{train}} {{leaves}}"
    }))
    .unwrap()
}

fn values_of(template: &Template, given: Value) -> Result<Vec<String>, String> {
    let Value::Object(given) = given else { panic!("an object") };
    template
        .values("variables", given)
        .map_err(|violations| violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; "))
}

#[test]
fn a_card_is_filled_with_values_of_every_type() {
    let template = ticket();
    let given = json!({
        "train": "G1", "leaves": "2026-12-01 09:05", "price": 553.5, "seat": "1", "order": "a/b c&字",
    });
    let values = values_of(&template, given).unwrap();
    assert_eq!(
        values,
        ["G1", "12月1日 09:05", "¥553.50", "一等座", "39.8651", "a/b c&字", "https://m.12306.cn", "+8612306"]
    );
    let filled = template.fill(&values, &Limits::RCC07).unwrap();
    assert_eq!(filled.sms.as_deref(), Some("G1 12月1日 09:05"));
    assert_eq!(template.traffic.as_deref(), Some("payment"));
    let Body::Card(card) = &filled.content.body else { panic!("a card") };
    let json: Value = serde_json::from_slice(&card.to_json()).unwrap();
    let content = &json["message"]["generalPurposeCard"]["content"];
    assert_eq!(content["title"], "G1 一等座");
    assert_eq!(content["description"], "12月1日 09:05, ¥553.50");
    let action = |at: usize| &content["suggestions"][at]["action"];
    assert_eq!(action(0)["urlAction"]["openUrl"]["url"], "https://m.12306.cn/order?id=a%2Fb%20c%26%E5%AD%97");
    assert_eq!(action(0)["postback"]["data"], "order a/b c&字");
    assert_eq!(action(1)["urlAction"]["openUrl"]["url"], "https://m.12306.cn");
    assert_eq!(action(2)["dialerAction"]["dialPhoneNumber"]["phoneNumber"], "+8612306");
    assert_eq!(filled.content.chips.len(), 2);
    let chips = serde_json::to_value(&filled.content.chips[0]).unwrap();
    assert_eq!(chips["action"]["mapAction"]["showLocation"]["location"]["latitude"], 39.8651);
}

#[test]
fn texts_files_and_places_are_content_too() {
    let place = parse(json!({
        "variables": [{ "name": "lat", "type": "number", "decimals": 2, "min": -90, "max": 90 }],
        "content": { "text": "geo:{{lat}},116.37" }
    }))
    .unwrap();
    let filled = place.fill(&["39.90".to_owned()], &Limits::RCC07).unwrap();
    assert!(matches!(filled.content.body, Body::Location(_)), "{filled:?}");
    let file = parse(json!({
        "variables": [{ "name": "id", "type": "text", "maxChars": 10 }],
        "content": { "file": [{
            "type": "file", "url": "https://media.example/{{id}}.pdf", "fileName": "{{id}}.pdf", "fileSize": 10,
            "contentType": "application/pdf", "until": "2026-12-31T00:00:00Z"
        }] }
    }))
    .unwrap();
    let filled = file.fill(&["a b".to_owned()], &Limits::RCC07).unwrap();
    let Body::File(transfer) = filled.content.body else { panic!("a file") };
    assert_eq!(transfer.file.url, "https://media.example/a%20b.pdf");
}

#[test]
fn a_template_says_where_it_is_wrong() {
    let text = |name: &str, max: usize| json!({ "name": name, "type": "text", "maxChars": max });
    let cases = [
        (json!([]), "an array where an object belongs"),
        (json!({ "content": {} }), "content: none of text, message, file (with the shortest values)"),
        (
            json!({ "content": { "text": "a", "file": [] } }),
            "content: more than one of text, message, file (with the shortest values)",
        ),
        (json!({ "content": { "text": "Dear {{name}}" } }), "content.text: no variable name is declared"),
        (
            json!({ "content": { "text": "Dear {{the name}}" } }),
            "content.text: \"{{the name}}\" is no place: write {{name}}",
        ),
        (
            json!({ "variables": [text("a", 9)], "content": { "text": "b" } }),
            "variables[0]: nothing in the content has a place for it",
        ),
        (
            json!({ "variables": [text("a", 9), text("a", 9)], "content": { "text": "{{a}}" } }),
            "variables[1].name: a second one of this name",
        ),
        (
            json!({ "variables": [{ "name": "a b", "type": "txt" }], "content": { "text": "{{a}}" } }),
            "variables[0].name: no name: a letter, then letters, digits and underscores, at most 40; \
             variables[0].type: \"txt\" is not one of text, number, money, date, url, phone, choice; \
             content.text: no variable a is declared",
        ),
        (
            json!({ "variables": [{ "name": "a", "type": "text", "maxChar": 3 }], "content": { "text": "{{a}}" } }),
            "variables[0].maxChar: no member of this type",
        ),
        (
            json!({ "variables": [{ "name": "a", "type": "date", "format": "%A" }], "content": { "text": "{{a}}" } }),
            "variables[0].format: knows %Y %m %d %H %M %S %z %-m %-d %-H %%, and no other; content.text: no variable a is declared",
        ),
        (
            json!({ "variables": [{ "name": "a", "type": "number", "max": 3, "default": 4 }],
                    "content": { "text": "{{a}}" } }),
            "variables[0].default: -999999999999 to 3",
        ),
        (json!({ "content": { "text": "a" }, "trafic": "x" }), "trafic: no member of a template"),
    ];
    for (value, expected) in cases {
        assert_eq!(parse(value).unwrap_err(), expected);
    }
}

#[test]
fn values_that_would_not_fit_are_found_when_the_template_is_made() {
    let title = |max: usize| {
        parse(json!({
            "variables": [{ "name": "a", "type": "text", "maxChars": max }],
            "content": { "message": { "generalPurposeCard": {
                "layout": { "cardOrientation": "VERTICAL" },
                "content": { "title": "12345{{a}}" }
            } } }
        }))
    };
    assert!(title(195).is_ok());
    assert_eq!(
        title(196).unwrap_err(),
        "content.message.generalPurposeCard.content.title: 201 > 200 (with the longest values)"
    );
    // What may be empty is filled in empty.
    let empty = parse(json!({
        "variables": [{ "name": "a", "type": "text", "minChars": 0 }], "content": { "text": "{{a}}" }
    }));
    assert_eq!(empty.unwrap_err(), "content.text: missing (with the shortest values)");
    // In a URL a character may need nine.
    let url = parse(json!({
        "variables": [{ "name": "a", "type": "text", "maxChars": 300 }],
        "content": { "text": "b", "suggestions": [{ "action": { "displayText": "c",
            "urlAction": { "openUrl": { "url": "https://a.example/{{a}}" } }, "postback": { "data": "d" } } }] }
    }));
    assert!(url.unwrap_err().ends_with("url: 2718 > 2048 (with the longest values)"));
}

#[test]
fn values_say_where_they_are_wrong() {
    let template = ticket();
    let error = values_of(
        &template,
        json!({ "train": "G123456789", "leaves": "2026-02-30", "price": "-1", "seat": "3", "lat": "91", "colour": "red" }),
    )
    .unwrap_err();
    assert_eq!(
        error,
        "variables.train: 10 > 8; variables.leaves: \"2026-02-30\" is no date such as 2026-11-24 or \
         2026-11-24T14:20:00+08:00; variables.price: 0 to 999999999999.00; variables.seat: \"3\" is not one of 1, 2; \
         variables.lat: -90.0000 to 90.0000; variables.order: missing; variables.colour: no variable of the template"
    );
    let error =
        values_of(&template, json!({ "train": 1, "leaves": "2026-12-01", "price": 1, "order": "a\u{7}" }));
    assert_eq!(
        error.unwrap_err(),
        "variables.train: a number where a string belongs; variables.order: control characters"
    );
}

#[test]
fn decimals_are_exact() {
    let template = parse(json!({
        "variables": [{ "name": "a", "type": "number", "decimals": 2, "min": "-5.5", "max": 1000 }],
        "content": { "text": "{{a}}" }
    }));
    let template = template.unwrap();
    for (given, expected) in [
        (json!(1), "1.00"),
        (json!("0.1"), "0.10"),
        (json!(-5.5), "-5.50"),
        (json!("-0.05"), "-0.05"),
        (json!("007.50"), "7.50"),
    ] {
        assert_eq!(values_of(&template, json!({ "a": given })).unwrap(), [expected]);
    }
    for given in
        [json!("1.001"), json!("1e3"), json!("--1"), json!(""), json!("."), json!("٣"), json!("9".repeat(40))]
    {
        assert!(values_of(&template, json!({ "a": given })).is_err(), "{given}");
    }
}

proptest! {
    /// The promise that lists of recipients rely on.
    #[test]
    fn whatever_a_variable_lets_through_fits(
        train in "\\PC{1,8}",
        order in "\\PC{1,20}",
        price in 0u64..10_000_000_000,
        seat in "[12]",
        lat in -900_000i64..=900_000,
        day in 1u8..=28,
    ) {
        let template = ticket();
        let given = json!({
            "train": train, "order": order, "price": in_cents(price), "seat": seat,
            "lat": format!("{}{}.{:04}", if lat < 0 { "-" } else { "" }, lat.abs() / 10_000, lat.abs() % 10_000),
            "leaves": format!("2026-12-{day:02}T08:00:00+08:00"),
        });
        let values = values_of(&template, given);
        prop_assert!(values.is_ok(), "{:?}", values);
        let filled = template.fill(&values.unwrap(), &Limits::RCC07);
        prop_assert!(filled.is_ok(), "{:?}", filled);
    }

    #[test]
    fn no_text_is_filled_with_anything_but_values(text in "[{}a: ]{0,12}") {
        if let Ok(template) = parse(json!({
            "variables": [{ "name": "a", "type": "text", "maxChars": 3 }], "content": { "text": text }
        })) {
            let filled = template.fill(&["xyz".to_owned()], &Limits::RCC07).unwrap();
            let Body::Text(filled) = filled.content.body else { panic!("a text") };
            prop_assert!(filled.contains("xyz") && !filled.contains("{{"), "{filled}");
        }
    }
}

fn in_cents(price: u64) -> String {
    format!("{}.{:02}", price / 100, price % 100)
}
