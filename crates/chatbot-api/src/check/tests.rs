//! What the checker says, told as stories of documents that chatbots' authors write.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// `severity line:column path [rule] dialects`
fn said(report: &Report) -> Vec<String> {
    let line = |finding: &Finding| {
        let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
        let dialects: String =
            finding.dialects.iter().map(|dialect| format!(" {}", dialect.as_str())).collect();
        format!(
            "{severity} {}:{} {} [{}]{dialects}",
            finding.line, finding.column, finding.path, finding.rule
        )
    };
    report.findings.iter().map(line).collect()
}

fn refusing(report: &Report) -> Vec<&'static str> {
    report
        .dialects
        .iter()
        .filter(|verdict| !verdict.accepted)
        .map(|verdict| verdict.dialect.as_str())
        .collect()
}

fn check_json(value: Value) -> Report {
    check(value.to_string().as_bytes())
}

fn card(content: Value) -> Value {
    json!({"message": {"generalPurposeCard": {"layout": {"cardOrientation": "VERTICAL"}, "content": content}}})
}

const GOOD: &str = include_str!("../../../../fixtures/bot/card-vertical.json");

#[test]
fn a_good_card_has_nothing_said_against_it_and_falls_back_to_text() {
    let report = check(GOOD.as_bytes());
    assert_eq!(report.form, Some(Form::Message));
    assert!(report.is_accepted(Dialect::ALL), "{:?}", said(&report));
    let fallback = report.fallback.expect("there is a card");
    assert!(fallback.text.starts_with("G1 北京南"));
    assert_eq!((fallback.encoding, fallback.segments), ("UCS-2", 2));
    assert!(report.content["message"]["generalPurposeCard"].is_object());
}

#[test]
fn a_finding_says_where_what_why_and_how_to_mend_it() {
    let long = "长".repeat(231);
    let text = format!(
        "{{\"message\": {{\"generalPurposeCard\": {{\n  \"layout\": {{\"cardOrientation\": \"VERTICAL\"}},\n  \"content\": {{\n    \"title\": \"{long}\"\n  }}\n}}}}}}"
    );
    let report = check(text.as_bytes());
    let [finding] = &report.findings[..] else { panic!("{:?}", said(&report)) };
    assert_eq!((finding.line, finding.column), (4, 5));
    assert_eq!(finding.path, "message.generalPurposeCard.content.title");
    assert_eq!((finding.rule, finding.detail.as_str()), ("length", "231 > 200"));
    assert_eq!(finding.fix, "Shorten it to at most 200 characters.");
    assert!(!finding.reason.is_empty());
    assert_eq!(refusing(&report), ["ctcu", "cm", "rbm", "fnw11"]);
}

#[test]
fn a_carousel_of_eleven_cards_is_refused_by_one_dialect_only() {
    let report = check_json(json!({"message": {"generalPurposeCardCarousel": {
        "layout": {"cardWidth": "MEDIUM_WIDTH"}, "content": vec![json!({"title": "G1"}); 11]}}}));
    assert_eq!(said(&report), ["error 1:43 message.generalPurposeCardCarousel.content [count] rbm"]);
    assert_eq!(refusing(&report), ["rbm"]);
    assert!(
        report.is_accepted(&[])
            && report.is_accepted(&[Dialect::Ctcu])
            && !report.is_accepted(&[Dialect::Rbm])
    );
}

#[test]
fn files_that_cannot_be_uploaded_are_named_for_each_dialect() {
    let media = |kind: &str, bytes: u64| {
        json!({"mediaUrl": "https://f.example/a", "mediaContentType": kind, "mediaFileSize": bytes, "height": "SHORT_HEIGHT",
            "contentDescription": "a picture"})
    };
    let report = check_json(card(json!({"media": media("image/gif", 1)})));
    assert_eq!(refusing(&report), ["ctcu", "cm"]);
    let report = check_json(card(json!({"media": media("image/png", 3 << 20)})));
    assert_eq!(refusing(&report), ["ctcu", "cm"]);
    assert_eq!(report.findings[0].fix, "Make the file smaller: at most 2097152 bytes.");
    let report = check_json(card(json!({"media": media("image/png", 2 << 20)})));
    assert_eq!(said(&report), [""; 0]);
}

#[test]
fn what_is_legal_and_unwise_is_a_warning() {
    let report = check_json(card(json!({
        "media": {"mediaUrl": "http://f.example/a.jpg", "mediaContentType": "image/jpeg", "mediaFileSize": 0, "height": "SHORT_HEIGHT"},
        "titel": "G1",
        "suggestions": [
            {"reply": {"displayText": "订"}},
            {"action": {"displayText": "订", "calendarAction": {"createCalendarEvent": {"title": "G1",
                "startTime": "2026-11-24T09:00:00Z", "endTime": "2026-11-24T08:00:00Z"}}}},
        ],
    })));
    assert!(report.is_accepted(Dialect::ALL), "{:?}", said(&report));
    let rules: std::collections::BTreeSet<&str> =
        report.findings.iter().map(|finding| finding.rule).collect();
    let wanted = [
        "alternative-text",
        "empty-file",
        "insecure-media",
        "no-postback",
        "order",
        "same-text",
        "unknown-member",
    ];
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), wanted);
    let typo = report.findings.iter().find(|finding| finding.rule == "unknown-member").expect("a typo");
    assert_eq!(typo.fix, "Write title.");
}

#[test]
fn what_is_read_as_it_was_meant_is_told_with_the_form_of_the_specification() {
    let report = check(include_bytes!("../../../../fixtures/bot/tolerated-card.json"));
    assert!(report.is_accepted(&[]), "{:?}", said(&report));
    assert!(report.findings.iter().any(|finding| finding.rule == "tolerated"), "{:?}", said(&report));
    // In the form of the specification nothing of the kind is said.
    let report = check(include_bytes!("../../../../fixtures/bot/tolerated-card.read.json"));
    assert!(report.findings.iter().all(|finding| finding.rule != "tolerated"), "{:?}", said(&report));
}

#[test]
fn every_fixture_of_the_specification_is_taken_by_the_joint_interface() {
    for fixture in [
        include_str!("../../../../fixtures/bot/card-horizontal.json"),
        include_str!("../../../../fixtures/bot/carousel.json"),
        include_str!("../../../../fixtures/bot/suggestions-all.json"),
        include_str!("../../../../fixtures/bot/suggestions-rest.json"),
    ] {
        let report = check(fixture.as_bytes());
        assert!(report.is_accepted(&[Dialect::Fnw11]), "{:?}", said(&report));
        assert!(report.findings.iter().all(|finding| finding.rule != "tolerated"), "{:?}", said(&report));
    }
}

#[test]
fn a_send_call_is_looked_through_for_its_parts() {
    let long = json!({"suggestions": [{"reply": {"displayText": "x".repeat(26)}}]});
    let call = json!({"messageId": "m", "messageList": [
        {"contentType": "text/plain", "contentText": "x".repeat(2500)},
        {"contentType": "application/vnd.gsma.botsuggestion.v1.0+json", "contentText": long},
    ]});
    let report = check_json(call);
    assert_eq!(report.form, Some(Form::CtcuSend));
    let paths: Vec<&str> = report.findings.iter().map(|finding| finding.path.as_str()).collect();
    assert_eq!(
        paths,
        ["messageList[0].contentText", "messageList[1].contentText.suggestions[0].reply.displayText"]
    );
    // 2500 characters are over the limit of the Chinese operators, and below that of RBM.
    assert_eq!(report.findings[0].dialects, [Dialect::Ctcu, Dialect::Cm]);
    assert!(report.fallback.is_some());
}

#[test]
fn content_in_strings_and_base64_is_read_and_pointed_at_from_outside() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let bad = card(json!({"title": ""})).to_string();
    let list = json!([
        {"contentType": "application/vnd.gsma.botmessage.v1.0+json", "contentEncoding": "base64", "contentText": STANDARD.encode(bad)},
    ]);
    let report = check_json(list);
    assert_eq!(said(&report), ["error 1:30 [0].contentText.message.generalPurposeCard.content [required]"]);
    assert_eq!(report.fallback, None);
}

#[test]
fn an_rcs_message_of_fnw11_is_read_with_null_for_what_is_absent() {
    let report = check_json(
        json!({"RCSMessage": {"textMessage": null, "richcardMessage": card(json!({"title": "G1"})),
        "suggestedChipList": {"suggestions": [{"reply": {"displayText": "订"}}]}}, "messageContact": {"userContact": "+8613800000001"}}),
    );
    assert_eq!(said(&report), [""; 0]);
    assert_eq!(report.form, Some(Form::Fnw11Message));
    assert_eq!(report.fallback.map(|fallback| fallback.text), Some("G1\n\n1. 订".to_owned()));
}

#[test]
fn a_message_of_rbm_is_read_by_the_reader_of_its_dialect() {
    let card = json!({"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": {"title": "G1",
        "suggestions": [{"reply": {"text": "订", "postbackData": "buy"}}]}}}});
    let report = check_json(json!({"contentMessage": card}));
    assert_eq!(said(&report), [""; 0]);
    assert_eq!(report.form, Some(Form::RbmMessage));
    assert_eq!(report.fallback.map(|fallback| fallback.text), Some("G1\n1. 订".to_owned()));
    assert_eq!(
        check_json(card),
        check_json(json!({"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent":
        {"title": "G1", "suggestions": [{"reply": {"text": "订", "postbackData": "buy"}}]}}}}))
    );
    let long = json!({"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": {"title": "x".repeat(201)}}}});
    let report = check_json(long.clone());
    assert_eq!(report.findings[0].path, "richCard.standaloneCard.cardContent.title");
    assert_eq!(report.findings[0].fix, "Shorten it to at most 200 characters.");
    let report = check_json(json!({"contentMessage": long}));
    assert_eq!(report.findings[0].path, "contentMessage.richCard.standaloneCard.cardContent.title");
    // A text of 3,000 characters is RBM's alone.
    let report = check_json(json!({"contentMessage": {"text": "x".repeat(3000)}}));
    assert_eq!(refusing(&report), ["ctcu", "cm"]);
}

#[test]
fn what_is_no_document_is_told_with_its_place() {
    let report = check(b"{\"message\": {\n  \"a\": 1,\n}}");
    assert_eq!(said(&report), ["error 3:1  [json]"]);
    assert_eq!(said(&check(b"[1]")), ["error 1:1  [form]"]);
    assert_eq!(said(&check(b"<msg/>")), ["error 1:1  [json]"]);
    assert_eq!(said(&check(b"{\"a\": \"\xff\"}")), ["error 1:8  [json]"]);
    let bare = check_json(json!({"generalPurposeCard": {}}));
    assert_eq!(bare.findings[0].fix, "Write {\"message\": {…}} around it.");
    assert_eq!(refusing(&bare), ["ctcu", "cm", "rbm", "fnw11"]);
    let both = check_json(json!({"message": card(json!({"title": "G1"}))["message"], "suggestions": []}));
    assert_eq!(both.findings[0].rule, "one-of");
}

#[test]
fn every_rule_is_told_with_its_place_and_what_to_do() {
    let chips = |suggestion: Value| json!({ "suggestions": [suggestion] });
    let action = |kind: Value| {
        let mut action = json!({ "displayText": "看", "postback": { "data": "look" } });
        action.as_object_mut().expect("an object").extend(kind.as_object().expect("an object").clone());
        chips(json!({ "action": action }))
    };
    let media = |more: Value| {
        let mut media = json!({ "mediaUrl": "https://f.example/a.png", "mediaContentType": "image/png", "mediaFileSize": 1, "height": "TALL_HEIGHT",
            "contentDescription": "a" });
        media.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        media
    };
    let laid = |layout: Value| json!({ "message": { "generalPurposeCard": { "layout": layout, "content": { "title": "G1" } } } });
    let carousel = |width: &str, cards: Vec<Value>| json!({ "message": { "generalPurposeCardCarousel": { "layout": { "cardWidth": width }, "content": cards } } });
    let long = |chars: usize| "长".repeat(chars);
    let content = "message.generalPurposeCard.content";
    let act = "suggestions[0].action";
    let cards = "message.generalPurposeCardCarousel.content";
    let reply = json!({ "reply": { "displayText": "订" } });
    for (given, path, rule, fix) in [
        // Cards (maap-api §1.2).
        (
            json!({ "message": {} }),
            "message",
            "required",
            "Add one of generalPurposeCard and generalPurposeCardCarousel.",
        ),
        (
            laid(json!({})),
            "message.generalPurposeCard.layout.cardOrientation",
            "required",
            "Add cardOrientation.",
        ),
        (
            laid(json!({ "cardOrientation": "UPRIGHT" })),
            "message.generalPurposeCard.layout.cardOrientation",
            "word",
            "Use one of VERTICAL, HORIZONTAL.",
        ),
        (
            laid(json!({ "cardOrientation": "HORIZONTAL" })),
            "message.generalPurposeCard.layout.imageAlignment",
            "required",
            "Add \"imageAlignment\": \"LEFT\" or \"RIGHT\".",
        ),
        (
            laid(json!({ "cardOrientation": "VERTICAL", "imageAlignment": "LEFT" })),
            "message.generalPurposeCard.layout.imageAlignment",
            "extra",
            "Remove imageAlignment.",
        ),
        (
            laid(json!({ "cardOrientation": "VERTICAL", "style": "a.css" })),
            "message.generalPurposeCard.layout.style",
            "url",
            "Write a whole URL such as https://host/path, with blanks as %20.",
        ),
        (
            laid(json!({ "cardOrientation": "VERTICAL", "titleFontStyle": ["bold", "gothic"] })),
            "message.generalPurposeCard.layout.titleFontStyle",
            "tolerated",
            "Write it as the specification does.",
        ),
        (
            carousel("LARGE", vec![json!({ "title": "a" }); 2]),
            "message.generalPurposeCardCarousel.layout.cardWidth",
            "word",
            "Use one of SMALL_WIDTH, MEDIUM_WIDTH.",
        ),
        (
            carousel("SMALL_WIDTH", vec![json!({ "media": media(json!({})) }); 2]),
            &format!("{cards}[0].media.height"),
            "word",
            "Use SHORT_HEIGHT or MEDIUM_HEIGHT, or cards of MEDIUM_WIDTH.",
        ),
        (
            carousel("SMALL_WIDTH", vec![json!({ "title": "a" })]),
            cards,
            "count",
            "Add cards, or send a single card as generalPurposeCard.",
        ),
        (
            carousel("SMALL_WIDTH", vec![json!({ "title": "a" }); 13]),
            cards,
            "count",
            "Keep at most 12, or send several messages.",
        ),
        (card(json!({})), content, "required", "Give it a title, a description or media."),
        (
            card(json!({ "title": long(201) })),
            &format!("{content}.title"),
            "length",
            "Shorten it to at most 200 characters.",
        ),
        (card(json!({ "title": 1 })), &format!("{content}.title"), "type", "Write a string here."),
        (
            card(json!({ "description": long(2001) })),
            &format!("{content}.description"),
            "length",
            "Shorten it to at most 2000 characters.",
        ),
        (
            card(json!({ "title": "a", "suggestions": vec![&reply; 5] })),
            &format!("{content}.suggestions"),
            "count",
            "Keep 4 and send the others as chips.",
        ),
        (
            card(json!({ "media": media(json!({ "mediaUrl": null })) })),
            &format!("{content}.media.mediaUrl"),
            "required",
            "Add mediaUrl.",
        ),
        (
            card(json!({ "media": media(json!({ "mediaUrl": "javascript:a" })) })),
            &format!("{content}.media.mediaUrl"),
            "url",
            "Write a whole URL such as https://host/path, with blanks as %20.",
        ),
        (
            card(json!({ "media": media(json!({ "mediaUrl": "ftp://f.example/a.png" })) })),
            &format!("{content}.media.mediaUrl"),
            "media-scheme",
            "Serve it over https.",
        ),
        (
            card(json!({ "media": media(json!({ "mediaContentType": null })) })),
            &format!("{content}.media.mediaContentType"),
            "required",
            "Add mediaContentType.",
        ),
        (
            card(json!({ "media": media(json!({ "mediaFileSize": -1 })) })),
            &format!("{content}.media.mediaFileSize"),
            "type",
            "Write an integer of at least 0 here.",
        ),
        (
            card(json!({ "media": media(json!({ "height": "HIGH" })) })),
            &format!("{content}.media.height"),
            "word",
            "Use one of SHORT_HEIGHT, MEDIUM_HEIGHT, TALL_HEIGHT.",
        ),
        (
            card(
                json!({ "media": media(json!({ "thumbnailUrl": "https://f.example/b.png", "thumbnailFileSize": 1 })) }),
            ),
            &format!("{content}.media.thumbnailContentType"),
            "required",
            "Add thumbnailContentType.",
        ),
        (
            card(
                json!({ "media": media(json!({ "thumbnailUrl": "https://f.example/b.png", "thumbnailContentType": "image/png" })) }),
            ),
            &format!("{content}.media.thumbnailFileSize"),
            "required",
            "Add thumbnailFileSize.",
        ),
        (
            card(json!({ "media": media(json!({ "contentDescription": long(201) })) })),
            &format!("{content}.media.contentDescription"),
            "length",
            "Shorten it to at most 200 characters.",
        ),
        // Suggestions (§1.3).
        (
            json!({ "suggestions": vec![&reply; 12] }),
            "suggestions",
            "count",
            "Keep at most 11, or send several messages.",
        ),
        (chips(json!({})), "suggestions[0]", "required", "Add one of reply and action."),
        (chips(json!({ "reply": {}, "action": {} })), "suggestions[0]", "one-of", "Keep one of them."),
        (chips(json!({ "reply": {} })), "suggestions[0].reply.displayText", "required", "Add displayText."),
        (
            chips(json!({ "reply": { "displayText": long(26) } })),
            "suggestions[0].reply.displayText",
            "length",
            "Shorten it to at most 25 characters.",
        ),
        (
            chips(json!({ "reply": { "displayText": "订", "postback": {} } })),
            "suggestions[0].reply.postback.data",
            "required",
            "Add data.",
        ),
        (
            chips(json!({ "reply": { "displayText": "订", "postback": { "data": 1 } } })),
            "suggestions[0].reply.postback.data",
            "type",
            "Write a string here.",
        ),
        (
            chips(json!({ "reply": { "displayText": "订", "postback": { "data": long(2049) } } })),
            "suggestions[0].reply.postback.data",
            "length",
            "Shorten it to at most 2048 characters.",
        ),
        (
            action(json!({})),
            act,
            "action",
            "Add one of urlAction, dialerAction, mapAction, calendarAction, composeAction, deviceAction, settingsAction.",
        ),
        (action(json!({ "urlAction": {}, "mapAction": {} })), act, "one-of", "Keep one of them."),
        (
            action(json!({ "urlAction": { "openUri": {} } })),
            &format!("{act}.urlAction"),
            "action",
            "Add one of openUrl.",
        ),
        (
            action(json!({ "urlAction": { "openUrl": {} } })),
            &format!("{act}.urlAction.openUrl.url"),
            "required",
            "Add url.",
        ),
        (
            action(json!({ "urlAction": { "openUrl": { "url": "a b" } } })),
            &format!("{act}.urlAction.openUrl.url"),
            "url",
            "Write a whole URL such as https://host/path, with blanks as %20.",
        ),
        (
            action(json!({ "urlAction": { "openUrl": { "url": format!("https://{}", long(2041)) } } })),
            &format!("{act}.urlAction.openUrl.url"),
            "length",
            "Shorten it to at most 2048 characters.",
        ),
        (
            action(
                json!({ "urlAction": { "openUrl": { "url": "https://a.example", "application": "app" } } }),
            ),
            &format!("{act}.urlAction.openUrl.application"),
            "word",
            "Use one of browser, webview.",
        ),
        (
            action(
                json!({ "urlAction": { "openUrl": { "url": "https://a.example", "application": "webview", "viewMode": "all" } } }),
            ),
            &format!("{act}.urlAction.openUrl.viewMode"),
            "word",
            "Use one of full, half, tall.",
        ),
        (
            action(
                json!({ "urlAction": { "openUrl": { "url": "https://a.example", "application": "webview", "parameters": long(201) } } }),
            ),
            &format!("{act}.urlAction.openUrl.parameters"),
            "length",
            "Shorten it to at most 200 characters.",
        ),
        (
            action(
                json!({ "urlAction": { "openUrl": { "url": "https://a.example", "application": "browser", "viewMode": "half" } } }),
            ),
            &format!("{act}.urlAction.openUrl.viewMode"),
            "extra",
            "Remove viewMode.",
        ),
        (
            action(json!({ "dialerAction": { "dialPhoneNumber": {} } })),
            &format!("{act}.dialerAction.dialPhoneNumber.phoneNumber"),
            "required",
            "Add phoneNumber.",
        ),
        (
            action(
                json!({ "dialerAction": { "dialPhoneNumber": { "phoneNumber": "1", "fallbackUrl": "x" } } }),
            ),
            &format!("{act}.dialerAction.dialPhoneNumber.fallbackUrl"),
            "url",
            "Write a whole URL such as https://host/path, with blanks as %20.",
        ),
        (
            action(
                json!({ "dialerAction": { "dialEnrichedCall": { "phoneNumber": "1", "subject": long(61) } } }),
            ),
            &format!("{act}.dialerAction.dialEnrichedCall.subject"),
            "length",
            "Shorten it to at most 60 characters.",
        ),
        (
            action(json!({ "mapAction": { "showLocation": {} } })),
            &format!("{act}.mapAction.showLocation.location"),
            "required",
            "Add location.",
        ),
        (
            action(
                json!({ "mapAction": { "showLocation": { "location": { "latitude": 91, "longitude": 0 } } } }),
            ),
            &format!("{act}.mapAction.showLocation.location.latitude"),
            "range",
            "Write degrees: latitude from -90 to 90, longitude from -180 to 180.",
        ),
        (
            action(json!({ "mapAction": { "showLocation": { "location": { "latitude": 1 } } } })),
            &format!("{act}.mapAction.showLocation.location.longitude"),
            "required",
            "Add longitude.",
        ),
        (
            action(
                json!({ "mapAction": { "showLocation": { "location": { "latitude": 1, "longitude": 1, "label": long(101) } } } }),
            ),
            &format!("{act}.mapAction.showLocation.location.label"),
            "length",
            "Shorten it to at most 100 characters.",
        ),
        (
            action(json!({ "mapAction": { "showLocation": { "location": { "query": long(201) } } } })),
            &format!("{act}.mapAction.showLocation.location.query"),
            "length",
            "Shorten it to at most 200 characters.",
        ),
        (
            action(
                json!({ "calendarAction": { "createCalendarEvent": { "startTime": "soon", "endTime": "2026-11-24T09:00:00Z", "title": "a" } } }),
            ),
            &format!("{act}.calendarAction.createCalendarEvent.startTime"),
            "time",
            "Write a time such as 2026-11-24T09:00:00+08:00.",
        ),
        (
            action(
                json!({ "calendarAction": { "createCalendarEvent": { "startTime": "2026-11-24T09:00:00Z", "endTime": "2026-11-24T09:00:00Z", "title": long(101) } } }),
            ),
            &format!("{act}.calendarAction.createCalendarEvent.title"),
            "length",
            "Shorten it to at most 100 characters.",
        ),
        (
            action(
                json!({ "calendarAction": { "createCalendarEvent": { "startTime": "2026-11-24T09:00:00Z", "endTime": "2026-11-24T09:00:00Z", "title": "a", "description": long(501) } } }),
            ),
            &format!("{act}.calendarAction.createCalendarEvent.description"),
            "length",
            "Shorten it to at most 500 characters.",
        ),
        (
            action(
                json!({ "composeAction": { "composeTextMessage": { "phoneNumber": "1", "text": long(101) } } }),
            ),
            &format!("{act}.composeAction.composeTextMessage.text"),
            "length",
            "Shorten it to at most 100 characters.",
        ),
        (
            action(
                json!({ "composeAction": { "composeRecordingMessage": { "phoneNumber": "1", "type": "FILM" } } }),
            ),
            &format!("{act}.composeAction.composeRecordingMessage.type"),
            "word",
            "Use one of AUDIO, VIDEO.",
        ),
        // Menus (§1.6).
        (
            json!({ "menu": { "entries": vec![&reply; 6] } }),
            "menu.entries",
            "count",
            "Keep at most 5, or send several messages.",
        ),
        (
            json!({ "menu": { "entries": [{ "menu": { "entries": [&reply] } }] } }),
            "menu.entries[0].menu.displayText",
            "required",
            "Add displayText.",
        ),
        (
            json!({ "menu": { "entries": [{ "menu": { "displayText": "a", "entries": [] } }] } }),
            "menu.entries[0].menu.entries",
            "count",
            "Add some: at least 1.",
        ),
    ] {
        let report = check_json(given);
        let finding = report.findings.iter().find(|finding| finding.path == path && finding.rule == rule);
        let finding = finding.unwrap_or_else(|| panic!("{path} [{rule}] is not in {:?}", said(&report)));
        assert_eq!(finding.fix, fix, "{path} [{rule}]");
        assert!(!finding.reason.is_empty() && finding.line == 1 && finding.column >= 1);
    }
}

#[test]
fn chips_of_a_send_call_are_not_taken_for_buttons_of_a_card() {
    let list = json!({ "suggestions": vec![json!({ "reply": { "displayText": "订" } }); 12] });
    let report = check_json(json!([
        { "contentType": "text/plain", "contentText": "去哪里？" },
        { "contentType": "application/vnd.gsma.botsuggestion.v1.0+json", "contentText": list },
    ]));
    assert_eq!(report.findings[0].fix, "Keep at most 11, or send several messages.");
}

#[test]
fn files_of_a_send_call_are_looked_at() {
    let item = |url: &str, bytes: u64| {
        json!([{ "contentType": "application/vnd.gsma.rcs-ft-http",
        "contentText": [{ "type": "file", "url": url, "fileSize": bytes, "contentType": "image/png" }] }])
    };
    assert_eq!(said(&check_json(item("https://f.example/a.png", 1))), [""; 0]);
    let report = check_json(item("a.png", 1));
    assert_eq!(said(&report), ["error 1:72 [0].contentText[0].url [url]"]);
    let report = check_json(item("https://f.example/a.png", 3 << 20));
    assert_eq!(said(&report), ["error 1:45 [0].contentText[0].fileSize [file-size] ctcu cm"]);
}

#[test]
fn a_menu_is_held_against_each_dialect() {
    let report = check(include_bytes!("../../../../fixtures/bot/menu.json"));
    assert_eq!(report.form, Some(Form::Menu));
    assert!(report.is_accepted(&[]), "{:?}", said(&report));
    assert!(!report.is_accepted(&[Dialect::Ctcu]), "it has three levels");
}

proptest! {
    #[test]
    fn any_text_gives_a_report(text in proptest::collection::vec(any::<u8>(), 0..200)) {
        let report = check(&text);
        prop_assert!(report.form.is_some() || !report.findings.is_empty());
    }

    #[test]
    fn cutting_a_good_card_short_is_an_error_of_json_at_its_end(cut in 1usize..500) {
        let text: String = GOOD.trim_end().chars().take(cut).collect();
        prop_assume!(text != GOOD.trim_end());
        let report = check(text.as_bytes());
        prop_assert_eq!(report.findings[0].rule, "json");
        prop_assert!(report.findings[0].line <= text.matches('\n').count() + 1);
    }
}
