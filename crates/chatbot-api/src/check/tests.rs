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
