//! Fixtures in both directions, refusals by path, and properties.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Reads a fixture, checks that it writes the same JSON again, and returns it.
fn exact<D: Document + PartialEq + std::fmt::Debug>(fixture: &str) -> D {
    let document = D::parse(fixture.as_bytes()).expect("a fixture in exact form");
    let written = document.to_json();
    let (before, after): (Value, Value) =
        (serde_json::from_str(fixture).unwrap(), serde_json::from_slice(&written).unwrap());
    assert_eq!(before, after);
    assert_eq!(D::parse(&written).as_ref(), Ok(&document));
    assert_eq!(document.validate(&Limits { menu_entries: &[5, 5, 5], ..Limits::RCC07 }), []);
    document
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../../../../fixtures/bot/", $name, ".json"))
    };
}

#[test]
fn every_fixture_is_read_and_written_unchanged() {
    exact::<BotMessage>(fixture!("card-vertical"));
    exact::<BotMessage>(fixture!("card-horizontal"));
    exact::<BotMessage>(fixture!("carousel"));
    exact::<SuggestionList>(fixture!("suggestions-all"));
    exact::<SuggestionList>(fixture!("suggestions-rest"));
    exact::<SuggestionResponse>(fixture!("response-reply"));
    exact::<SuggestionResponse>(fixture!("response-action"));
    exact::<SharedClientData>(fixture!("shared-data"));
    exact::<Menu>(fixture!("menu"));
}

#[test]
fn a_card_is_typed_in_full() {
    let BotMessage::Card(card) = exact(fixture!("card-vertical")) else { panic!("one card") };
    assert_eq!(card.layout.card_orientation, Orientation::Vertical);
    assert_eq!(card.layout.style.title_font_style, [FontStyle::Bold]);
    let media = card.content.media.expect("the fixture has media");
    assert_eq!((media.media_file_size, media.height), (48211, MediaHeight::Short));
    assert_eq!(media.thumbnail.map(|thumbnail| thumbnail.file_size), Some(4096));
    assert_eq!(card.content.suggestions[0], Suggestion::reply("订二等座", "buy:G1:2"));
    let Suggestion::Action(more) = &card.content.suggestions[1] else { panic!("an action") };
    assert!(matches!(&more.kind, ActionKind::OpenUrl { application: Application::Browser, .. }));
}

#[test]
fn the_two_suggestion_fixtures_hold_every_kind_of_action() {
    let mut names = std::collections::BTreeSet::new();
    for fixture in [fixture!("suggestions-all"), fixture!("suggestions-rest")] {
        for suggestion in exact::<SuggestionList>(fixture).suggestions {
            if let Suggestion::Action(action) = suggestion {
                names.insert(action.kind.names().1);
            }
        }
    }
    assert_eq!(names.len(), 12);
}

#[test]
fn unknown_members_survive_at_every_level() {
    let list: SuggestionList = exact(fixture!("suggestions-rest"));
    let Some(Suggestion::Action(action)) = list.suggestions.last() else { panic!("an action") };
    assert_eq!(action.extra["note"], 7);
    let ActionKind::OpenUrl { extra, .. } = &action.kind else { panic!("openUrl") };
    assert_eq!(extra["later"], json!({"member": [1, 2]}));
}

#[test]
fn what_chatbots_get_wrong_is_read_as_they_meant_it() {
    let card = BotMessage::parse(fixture!("tolerated-card").as_bytes());
    assert_eq!(card, BotMessage::parse(fixture!("tolerated-card.read").as_bytes()));
    assert!(card.is_ok());
    let chips = SuggestionList::parse(fixture!("tolerated-suggestions").as_bytes());
    assert_eq!(chips, SuggestionList::parse(fixture!("tolerated-suggestions.read").as_bytes()));
    assert_eq!(chips.map(|chips| chips.suggestions.len()), Ok(4));
}

fn card(content: Value) -> Value {
    json!({"message": {"generalPurposeCard": {"layout": {"cardOrientation": "VERTICAL"}, "content": content}}})
}

fn said(violations: Vec<Violation>) -> Vec<String> {
    violations.iter().map(Violation::to_string).collect()
}

fn limits_say(document: Value) -> Vec<String> {
    said(BotMessage::from_value(document).expect("well shaped").validate(&Limits::RCC07))
}

#[test]
fn a_title_that_is_too_long_is_named_by_path_and_numbers() {
    let refused = limits_say(card(json!({"title": "长".repeat(231)})));
    assert_eq!(refused, ["message.generalPurposeCard.content.title: 231 > 200"]);
    assert_eq!(limits_say(card(json!({"title": "长".repeat(200)}))), [""; 0]);
}

#[test]
fn lengths_and_counts_are_checked_everywhere() {
    let button = json!({"reply": {"displayText": "x".repeat(26), "postback": {"data": "y".repeat(2049)}}});
    let refused = limits_say(card(json!({"description": "d".repeat(2001), "suggestions": vec![button; 5]})));
    assert_eq!(
        refused[..4],
        [
            "message.generalPurposeCard.content.description: 2001 > 2000",
            "message.generalPurposeCard.content.suggestions: 5 > 4",
            "message.generalPurposeCard.content.suggestions[0].reply.displayText: 26 > 25",
            "message.generalPurposeCard.content.suggestions[0].reply.postback.data: 2049 > 2048",
        ]
    );

    let tall = json!({"media": {"mediaUrl": "javascript:alert(1)", "mediaContentType": "image/png",
        "mediaFileSize": 1, "height": "TALL_HEIGHT"}});
    let carousel = json!({"message": {"generalPurposeCardCarousel": {
        "layout": {"cardWidth": "SMALL_WIDTH"}, "content": [tall]}}});
    assert_eq!(
        limits_say(carousel),
        [
            "message.generalPurposeCardCarousel.content: 1 < 2",
            "message.generalPurposeCardCarousel.content[0].media.mediaUrl: scheme javascript is not allowed",
            "message.generalPurposeCardCarousel.content[0].media.height: TALL_HEIGHT in SMALL_WIDTH",
        ]
    );
}

#[test]
fn limits_of_actions_are_checked() {
    let list = SuggestionList::from_value(json!({"suggestions": [
        {"action": {"displayText": "a", "urlAction": {"openUrl": {"url": "rail", "application": "webview",
            "parameters": "p".repeat(201)}}}},
        {"action": {"displayText": "b", "mapAction": {"showLocation": {"location": {"latitude": 91, "longitude": -181,
            "label": "l".repeat(101)}}}}},
        {"action": {"displayText": "c", "calendarAction": {"createCalendarEvent": {"startTime": "tomorrow",
            "endTime": "2026-11-24T09:00:00Z", "title": "t".repeat(101), "description": "d".repeat(501)}}}},
        {"action": {"displayText": "d", "composeAction": {"composeTextMessage": {"phoneNumber": "1",
            "text": "t".repeat(101)}}}},
        {"action": {"displayText": "e", "dialerAction": {"dialEnrichedCall": {"phoneNumber": "1",
            "subject": "s".repeat(61)}}}},
    ]}))
    .expect("well shaped");
    assert_eq!(
        said(list.validate(&Limits::RCC07)),
        [
            "suggestions[0].action.urlAction.openUrl.url: no absolute URL",
            "suggestions[0].action.urlAction.openUrl.parameters: 201 > 200",
            "suggestions[1].action.mapAction.showLocation.location.latitude: 91 is not within ±90",
            "suggestions[1].action.mapAction.showLocation.location.longitude: -181 is not within ±180",
            "suggestions[1].action.mapAction.showLocation.location.label: 101 > 100",
            "suggestions[2].action.calendarAction.createCalendarEvent.startTime: no RFC 3339 time",
            "suggestions[2].action.calendarAction.createCalendarEvent.title: 101 > 100",
            "suggestions[2].action.calendarAction.createCalendarEvent.description: 501 > 500",
            "suggestions[3].action.composeAction.composeTextMessage.text: 101 > 100",
            "suggestions[4].action.dialerAction.dialEnrichedCall.subject: 61 > 60",
        ]
    );
}

fn shape_says(document: Value) -> Vec<String> {
    said(BotMessage::from_value(document).expect_err("badly shaped"))
}

#[test]
fn every_fault_of_shape_is_listed_with_its_path() {
    let bad = json!({"message": {"generalPurposeCard": {
        "layout": {"cardOrientation": "HORIZONTAL"},
        "content": {
            "media": {"mediaUrl": "", "mediaContentType": 7, "mediaFileSize": -1, "height": "HUGE",
                "thumbnailUrl": "https://x.example/"},
            "suggestions": [{"reply": {"displayText": ""}}, {}, {"action": {"displayText": "x",
                "urlAction": {"openUrl": {"url": "u:v"}}, "mapAction": {}}}, 4],
        },
    }}});
    assert_eq!(
        shape_says(bad),
        [
            "message.generalPurposeCard.layout.imageAlignment: missing beside HORIZONTAL",
            "message.generalPurposeCard.content.media.mediaUrl: missing",
            "message.generalPurposeCard.content.media.mediaContentType: a number where a string belongs",
            "message.generalPurposeCard.content.media.mediaFileSize: -1 where an integer of at least 0 belongs",
            "message.generalPurposeCard.content.media.height: \"HUGE\" is not one of SHORT_HEIGHT, MEDIUM_HEIGHT, TALL_HEIGHT",
            "message.generalPurposeCard.content.media.thumbnailContentType: missing",
            "message.generalPurposeCard.content.media.thumbnailFileSize: missing",
            "message.generalPurposeCard.content.suggestions[0].reply.displayText: missing",
            "message.generalPurposeCard.content.suggestions[1]: neither reply nor action",
            "message.generalPurposeCard.content.suggestions[2].action: more than one action: urlAction, mapAction",
            "message.generalPurposeCard.content.suggestions[3]: a number where an object belongs",
        ]
    );
    assert_eq!(
        shape_says(card(json!({}))),
        ["message.generalPurposeCard.content: none of media, title, description"]
    );
    assert_eq!(shape_says(json!({})), ["message: missing"]);
    assert_eq!(shape_says(json!([])), ["an array where an object belongs"]);
}

#[test]
fn a_menu_is_held_to_the_levels_and_actions_of_its_dialect() {
    let menu: Menu = exact(fixture!("menu"));
    let narrow = Limits { menu_entries: &[2, 5], menu_actions: Some(&["dialPhoneNumber"]), ..Limits::RCC07 };
    assert_eq!(
        said(menu.validate(&narrow)),
        [
            "menu.entries: 3 > 2",
            "menu.entries[1].menu.entries[1].menu: level 3 > 2",
            "menu.entries[2].action.urlAction: openUrl not allowed in a menu",
        ]
    );
    assert_eq!(Menu::default().validate(&Limits::RCC07), []);
}

#[test]
fn ceilings_hold_before_the_parser_runs() {
    let large = vec![b' '; MAX_BYTES + 1];
    assert_eq!(BotMessage::parse(&large), Err(ParseError::TooLarge { bytes: MAX_BYTES + 1 }));
    let deep = [b'['; 100_000];
    assert_eq!(BotMessage::parse(&deep), Err(ParseError::TooDeep));
    let brackets_in_a_string = format!("\"{}\\\"[\"", "[".repeat(1000));
    assert_eq!(read_json(brackets_in_a_string.as_bytes()), Ok(json!(format!("{}\"[", "[".repeat(1000)))));
    assert!(matches!(BotMessage::parse(b"{"), Err(ParseError::Json(_))));
}

#[test]
fn the_largest_legal_carousel_is_below_the_ceiling() {
    let wide = |chars| "\u{1F685}".repeat(chars);
    let button = json!({"reply": {"displayText": wide(25), "postback": {"data": wide(2048)}}});
    let card = json!({"title": wide(200), "description": wide(2000), "suggestions": vec![button; 4]});
    let carousel = json!({"message": {"generalPurposeCardCarousel": {
        "layout": {"cardWidth": "MEDIUM_WIDTH"}, "content": vec![card; 12]}}});
    let message = BotMessage::parse(carousel.to_string().as_bytes()).expect("below the ceiling");
    assert_eq!(message.validate(&Limits::RCC07), []);
}

#[test]
fn media_types_are_recognised_across_minor_versions() {
    let recognise = MediaType::recognise;
    assert_eq!(
        recognise("Application/vnd.gsma.botMessage.v1.0+json; charset=utf-8"),
        Ok(Some(MediaType::Message))
    );
    assert_eq!(recognise("application/vnd.gsma.botsuggestion.v1.1+json"), Ok(Some(MediaType::Suggestions)));
    assert_eq!(recognise(BOT_SUGGESTION_RESPONSE), Ok(Some(MediaType::Response)));
    assert_eq!(recognise(BOT_SHARED_CLIENT_DATA), Ok(Some(MediaType::SharedData)));
    assert!(recognise("application/vnd.gsma.botmessage.v2.0+json").is_err());
    assert_eq!(recognise("text/plain"), Ok(None));
}

#[test]
fn a_carousel_with_chips_reads_well_as_text() {
    let carousel: BotMessage = exact(fixture!("carousel"));
    let chips: SuggestionList = exact(fixture!("suggestions-all"));
    let text = PlainText::default().message(&carousel).suggestions(&chips.suggestions[..3]).finish();
    assert_eq!(
        text,
        "G1\n09:00 → 13:28\n1. 选 G1\n\nG3\n14:00 → 18:18\n2. 选 G3\n\n3. 是\n4. 否\n5. 浏览 https://rail.example/"
    );
    let card: BotMessage = exact(fixture!("card-vertical"));
    assert_eq!(
        card.to_plain_text(),
        "G1 北京南 → 上海虹桥\n09:00 – 13:28 · 二等座 ¥553\nhttps://f.example/g1.jpg\n1. 订二等座\n2. 详情 https://rail.example/G1"
    );
}

#[test]
fn a_new_user_is_recognised() {
    let greeting = SuggestionResponse::new_bot_user();
    let read = SuggestionResponse::parse(&greeting.to_json()).expect("our own form");
    assert!(read.is_new_bot_user());
    assert!(!exact::<SuggestionResponse>(fixture!("response-reply")).is_new_bot_user());
}

fn suggestion() -> impl Strategy<Value = Suggestion> {
    let extra = prop_oneof![Just(Extra::new()), Just(Extra::from_iter([("x-later".to_owned(), json!([1]))]))];
    let postback = proptest::option::of(".{0,8}".prop_map(Postback::new));
    let kind = (".{1,6}", -90i32..90, proptest::option::of("u:.{1,5}"), 0..9).prop_map(
        |(text, degrees, fallback_url, pick)| {
            let extra = Extra::new();
            match pick {
                0 => ActionKind::OpenUrl { url: text, application: Application::Browser, extra },
                1 => ActionKind::OpenUrl {
                    url: text.clone(),
                    application: Application::Webview {
                        view_mode: Some(ViewMode::Tall),
                        parameters: Some(text),
                    },
                    extra,
                },
                2 => ActionKind::DialVideoCall { phone_number: text, fallback_url, extra },
                3 => ActionKind::DialEnrichedCall {
                    phone_number: text.clone(),
                    subject: Some(text),
                    fallback_url,
                    extra,
                },
                4 => ActionKind::ShowLocation {
                    location: Place::Point {
                        latitude: f64::from(degrees) / 4.0,
                        longitude: f64::from(degrees),
                        label: fallback_url.clone(),
                        extra: Extra::new(),
                    },
                    fallback_url,
                    extra,
                },
                5 => ActionKind::RequestLocationPush { extra },
                6 => ActionKind::ComposeTextMessage { phone_number: text.clone(), text, extra },
                7 => ActionKind::ComposeRecordingMessage {
                    phone_number: text,
                    recording: RecordingType::Audio,
                    extra,
                },
                _ => ActionKind::EnableDisplayedNotifications { extra },
            }
        },
    );
    let reply = (".{1,30}", postback.clone(), extra.clone()).prop_map(|(display_text, postback, extra)| {
        Suggestion::Reply(Reply { display_text, postback, extra })
    });
    let action = (".{1,30}", postback, kind, extra).prop_map(|(display_text, postback, kind, extra)| {
        Suggestion::Action(Action { display_text, postback, kind, extra })
    });
    prop_oneof![reply, action]
}

proptest! {
    #[test]
    fn suggestions_written_and_read_are_the_same(suggestions in proptest::collection::vec(suggestion(), 0..12)) {
        let list = SuggestionList { suggestions };
        prop_assert_eq!(SuggestionList::parse(&list.to_json()), Ok(list));
    }

    #[test]
    fn no_prefix_of_a_fixture_panics(cut in 0usize..900) {
        for fixture in [fixture!("card-vertical"), fixture!("suggestions-all"), fixture!("menu")] {
            let bytes = &fixture.as_bytes()[..cut.min(fixture.len())];
            _ = BotMessage::parse(bytes);
            _ = SuggestionList::parse(bytes);
            _ = Menu::parse(bytes);
        }
    }

    #[test]
    fn removing_any_member_gives_a_value_or_a_path(index in 0usize..60) {
        let mut value: Value = serde_json::from_str(fixture!("card-vertical")).unwrap();
        let mut left = index;
        remove_member(&mut value, &mut left);
        match BotMessage::from_value(value) {
            Ok(message) => { BotMessage::parse(&message.to_json()).expect("what we write can be read"); }
            Err(violations) => prop_assert!(!violations.is_empty()),
        }
    }
}

/// Removes the `left`-th member in document order.
fn remove_member(value: &mut Value, left: &mut usize) -> bool {
    match value {
        Value::Object(members) => {
            for key in members.keys().cloned().collect::<Vec<_>>() {
                if *left == 0 {
                    members.remove(&key);
                    return true;
                }
                *left -= 1;
                if remove_member(&mut members[&key], left) {
                    return true;
                }
            }
            false
        }
        Value::Array(items) => items.iter_mut().any(|item| remove_member(item, left)),
        _ => false,
    }
}
