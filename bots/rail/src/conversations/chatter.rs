//! Greetings, languages, and input that makes no sense.

use super::*;

#[test]
fn a_new_user_is_welcomed_with_chips() {
    let mut play = Play::new();
    let answer = play.tap_data("new_bot_user_initiation");
    assert!(texts(&answer).contains("12306"));
    assert!(labels(&answer).iter().any(|label| label.starts_with("明天 北京→上海")));
    assert!(labels(&answer).contains(&"English".to_string()));
}

#[test]
fn hello_and_help_are_answered_in_the_language_they_are_asked_in() {
    let mut play = Play::new();
    for (question, answer) in [
        ("hi", "Hello, this is the 12306"),
        ("你好", "您好"),
        ("help", "You can write"),
        ("帮助", "可以这样说"),
        ("thanks", "You are welcome"),
        ("谢谢", "不客气"),
        ("人工", "12306"),
    ] {
        assert!(texts(&play.say(question)).contains(answer), "{question}: {}", play.shown_text());
    }
}

#[test]
fn the_language_chip_switches_and_the_choice_stays() {
    let mut play = Play::new();
    play.say("你好");
    assert!(texts(&play.tap("English")).contains("English it is"));
    assert!(texts(&play.tap("My orders")).contains("no orders yet"));
    assert!(texts(&play.tap("中文")).contains("中文"));
    assert!(texts(&play.tap("我的订单")).contains("还没有订单"));
}

#[test]
fn nothing_that_can_be_sent_is_met_with_silence() {
    let mut play = Play::new();
    let inputs = [
        Input::Text("今天天气怎么样".into()),
        Input::Text("asdfgh qwerty".into()),
        Input::Text("？？？".into()),
        Input::Text(String::new()),
        Input::Text("x".repeat(5000)),
        Input::Text("2月30日".into()),
        Input::Tap { label: "old chip".into(), data: Some("no:such:thing".into()) },
        Input::Tap { label: "帮助".into(), data: None },
        Input::Tap { label: "?".into(), data: Some("train:G9999,2026-11-24,VNP,AOH,,,".into()) },
        Input::Tap { label: "?".into(), data: Some("find:nowhere,shanghai,2026-11-24,,,@0".into()) },
        Input::Tap { label: "?".into(), data: Some("order:G1,2026-11-24,VNP,AOH,O,77,@k".into()) },
        Input::Tap { label: "?".into(), data: Some("who:G1,2026-11-24,VNP,AOH,,,".into()) },
        Input::Tap { label: "?".into(), data: Some("pay:E123".into()) },
        Input::Tap { label: "?".into(), data: Some("refund-yes:E123".into()) },
        Input::Tap { label: "?".into(), data: Some("change:E123".into()) },
        Input::Tap { label: "?".into(), data: Some("find:beijing,shanghai,9999-12-31,,,@99".into()) },
        Input::Text("9999-12-31 北京西到拉萨 Z21".into()),
        Input::Tap { label: "?".into(), data: Some("stops:Z21,9999-12-31,BXP,LSO,,,".into()) },
        Input::Tap { label: "?".into(), data: Some("stops:Z21,2099-12-31,XNO,LSO,,,".into()) },
        Input::File,
        Input::Other,
        Input::Location { latitude: 31.2, longitude: 121.4 },
        Input::Location { latitude: f64::NAN, longitude: 1e300 },
    ];
    for input in inputs {
        let answer = play.send(input.clone());
        assert!(!answer.is_empty(), "silence after {input:?}");
        assert!(!labels(&answer).is_empty(), "no chips after {input:?}");
    }
}

#[test]
fn a_repeated_push_is_taken_once() {
    let mut play = Play::new();
    let inbound = Inbound {
        message_id: "same".into(),
        user: play.user.clone(),
        conversation_id: "conversation".into(),
        contribution_id: "c".into(),
        input: Input::Text("hi".into()),
    };
    assert!(play.deliver(&inbound));
    assert!(!play.deliver(&inbound));
    assert_eq!(play.new_messages().len(), 1);
}

#[test]
fn answers_stay_in_the_thread_of_the_question() {
    let mut play = Play::new();
    let answer = play.say("hi");
    assert_eq!(answer[0]["conversationId"], "conversation");
    assert_eq!(answer[0]["inReplyTo"], "c1");
    assert_eq!(answer[0]["destinationAddress"][0], "tel:+8613800000001");
    assert_ne!(answer[0]["contributionId"], "c1");
}
