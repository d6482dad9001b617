//! Booking from the search to the ticket.

use super::*;

#[test]
fn a_ticket_is_bought_by_typing_in_chinese() {
    let mut play = Play::new();
    play.say("明天上午北京南到上海虹桥的高铁");
    play.say("G1");
    // 07:00 tomorrow is on the route.
    assert!(play.shown_text().contains("G1  北京南 → 上海虹桥"), "{}", play.shown_text());
    play.tap("二等座 ¥");
    assert!(play.shown_text().contains("姓名和证件号"));
    play.say("王小明 110101199003070012");
    assert!(play.shown_text().contains("好像不对"));
    let confirm = texts(&play.say("王小明 110101199003070011"));
    assert!(confirm.contains("110****0011") && !confirm.contains("110101199003070011"), "{confirm}");
    let card = texts(&play.tap("提交订单"));
    assert!(card.contains("待支付 ¥") && card.contains("10:10"), "{card}");
    let (settlement, news) = play.pay("p1");
    assert_eq!(settlement, Settlement::Paid);
    assert!(texts(&news).contains("出票成功"));
    assert_eq!(labels(&news)[..4], ["加入日历", "车站地图", "改签", "退票"]);
    assert!(texts(&play.say("我的订单")).contains("已出票"));
}

#[test]
fn a_ticket_is_bought_by_tapping_in_english() {
    let mut play = Play::new();
    play.tap_data("new_bot_user_initiation");
    play.tap("English");
    play.tap("Beijing→Shanghai");
    play.tap("Book");
    play.tap("2nd class");
    play.tap("Demo passenger");
    assert!(play.shown_text().contains("Passenger: Li Lei (110****0011)"));
    let card = texts(&play.tap("Place order"));
    assert!(card.contains("Please pay ¥") && card.contains("by 10:10"), "{card}");
    let (settlement, news) = play.pay("p1");
    assert_eq!(settlement, Settlement::Paid);
    assert!(texts(&news).contains("Ticket issued"));
    let event = &play.suggestion("Add to calendar")["calendarAction"]["createCalendarEvent"];
    assert_eq!(event["startTime"], "2026-11-24T06:20:00+08:00");
    let place = &play.suggestion("Station map")["mapAction"]["showLocation"]["location"];
    assert_eq!(place["label"], "Beijing South Railway Station");
    assert!(play.tap("Add to calendar").is_empty());
}

#[test]
fn a_ticket_is_bought_changed_and_refunded_by_typing_alone() {
    for words in [
        [
            "明天北京到上海",
            "G103",
            "二等座",
            "王小明 13800000001",
            "提交订单",
            "改签到后天",
            "G107",
            "二等座",
            "确认",
            "退票",
            "确认退票",
        ],
        [
            "Beijing to Shanghai tomorrow",
            "g103",
            "second class",
            "Wang Xiaoming 13800000001",
            "Place order",
            "change my ticket to Wednesday",
            "G107",
            "2nd class",
            "yes",
            "refund",
            "confirm",
        ],
    ] {
        let mut play = Play::new();
        for (at, word) in words.iter().enumerate() {
            play.say(word);
            if at == 4 {
                assert_eq!(play.pay("p1").0, Settlement::Paid, "{}", play.shown_text());
            }
        }
        assert_eq!(play.count("SELECT count(*) FROM orders WHERE state = 'changed' AND train = 'G103'"), 1);
        let refunded =
            "SELECT count(*) FROM orders WHERE state = 'refunded' AND train = 'G107' AND date = '2026-11-25'";
        assert_eq!(play.count(refunded), 1, "{}", play.shown_text());
        assert_eq!(play.count("SELECT count(*) FROM sold"), 0);
    }
}

#[test]
fn typing_a_word_that_several_buttons_carry_is_no_tap() {
    let mut play = Play::new();
    play.say("明天北京到上海");
    assert!(texts(&play.say("预订")).contains("请告诉我车次"));
    let mut play = Play::new();
    play.say("你好");
    assert!(texts(&play.say("明天")).contains("从哪里出发"));
}

#[test]
fn the_word_cancel_means_the_unpaid_order_if_there_is_one() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    play.say("帮助");
    assert!(texts(&play.say("取消")).contains("要取消待支付的订单吗"));
    assert!(texts(&play.say("取消订单")).contains("已取消"));
    assert!(texts(&play.say("取消")).contains("还需要什么"));
}

#[test]
fn saved_passengers_are_offered_the_next_time() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    play.pay("p1");
    play.say("后天北京到天津");
    play.tap("预订");
    play.tap("二等座");
    assert!(labels(&play.said[play.said.len() - 1..]).contains(&"王小明 (138****0001)".to_string()));
    // A name may also be typed where the chips are on show.
    assert!(texts(&play.say("Anna Berg E12345678")).contains("Anna Berg (E12****78)"));
}

#[test]
fn the_subject_may_be_changed_in_the_middle() {
    let mut play = Play::new();
    play.say("明天北京到上海");
    play.tap("预订");
    play.tap("二等座");
    assert!(texts(&play.say("广州到深圳 后天")).contains("广州 → 深圳"));
    play.tap("预订");
    play.tap("二等座");
    assert!(texts(&play.say("取消")).contains("好的"));
    assert!(texts(&play.say("王小明 13800000001")).contains("没太明白"));
}

#[test]
fn confirming_twice_makes_one_order() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    let again = play.tap("提交订单");
    assert!(texts(&again).contains("待支付"));
    assert_eq!(play.count("SELECT count(*) FROM orders"), 1);
}

#[test]
fn old_taps_are_answered_politely() {
    let mut play = Play::new();
    play.order_first("今天下午北京到上海的高铁", "二等座");
    let choose = play.suggestion("预订");
    play.wait(Duration::days(1));
    let data = choose["postback"]["data"].as_str().expect("data").to_string();
    let answer = play.tap_data(&data);
    assert!(texts(&answer).contains("已经发车"), "{}", texts(&answer));
    assert!(texts(&play.tap("看其他车次")).contains("哪一天"));
}

#[test]
fn others_can_neither_see_nor_touch_an_order() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    play.pay("p1");
    let id: String = play.db.query_row("SELECT id FROM orders", [], |row| row.get(0)).expect("an order");
    play.user = "tel:+8613800000002".into();
    for verb in ["ticket", "refund", "refund-yes", "change", "pay", "cancel"] {
        assert!(texts(&play.tap_data(&format!("{verb}:{id}"))).contains("没有找到这个订单"), "{verb}");
    }
    assert_eq!(play.count("SELECT count(*) FROM orders WHERE state = 'paid'"), 1);
}
