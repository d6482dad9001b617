//! Exchanging a ticket in the middle of other things: a change lasts until it is made, dropped, or forgotten over a
//! new search, and a search that begins anew is never taken for one. And all of it at any hour of the day.

use super::*;
use crate::postback::Tap;

/// A paid ticket for tomorrow's first train, and the trains that it can be exchanged for on show.
fn in_a_change() -> Play {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    play.pay("p1");
    play.tap("改签");
    assert!(play.shown_text().contains("改签订单"), "{}", play.shown_text());
    play
}

fn is_plain_search(answers: &[Value]) -> bool {
    let words = texts(answers);
    words.contains("以下是第") && !words.contains("改签") && !format!("{answers:?}").contains(",E")
}

#[test]
fn a_search_that_begins_anew_is_no_change() {
    for words in
        ["明天北京到上海", "北京去上海 后天", "Beijing to Shanghai tomorrow", "到上海", "北京到广州明天"]
    {
        let mut play = in_a_change();
        let answers = play.say(words);
        let (words_shown, data) = (texts(&answers), format!("{answers:?}"));
        assert!(words_shown.contains("1–"), "{words}: {words_shown}");
        assert!(!words_shown.contains("改签") && !words_shown.contains("exchange"), "{words}: {words_shown}");
        assert!(data.contains("train:") && !data.contains(",E"), "{words}: {data}");
    }
}

#[test]
fn a_change_goes_on_while_its_search_is_refined() {
    for words in ["后天", "下午", "高铁", "后一天", "晚一点"] {
        let mut play = in_a_change();
        let answers = texts(&play.say(words));
        assert!(answers.contains("改签订单"), "{words}: {answers}");
    }
    let mut play = in_a_change();
    let classes = texts(&play.say("G107"));
    assert!(classes.contains("席位差价多退少补"), "{classes}");
}

#[test]
fn a_change_that_was_dropped_is_over() {
    for words in ["取消", "你好", "hello", "查询车票"] {
        let mut play = in_a_change();
        play.say(words);
        play.say("明天北京到上海");
        assert!(is_plain_search(&play.say("后天")), "{words}: {}", play.shown_text());
    }
    let mut play = in_a_change();
    play.tap_data(&Tap::Start.encode());
    assert!(!texts(&play.say("G107")).contains("差价"), "{}", play.shown_text());
    let mut play = in_a_change();
    play.tap("预订");
    play.tap("一等座");
    play.tap("取消");
    assert!(is_plain_search(&play.say("后天")), "{}", play.shown_text());
}

#[test]
fn a_change_that_was_made_is_over() {
    let mut play = in_a_change();
    play.tap("后一天");
    let later = play.suggestion("下午");
    play.tap("预订");
    play.tap("一等座");
    play.tap("确认改签");
    play.pay("p2");
    assert!(is_plain_search(&play.say("后天")), "{}", play.shown_text());
    let classes = texts(&play.say("G107"));
    assert!(classes.contains("请选择席别") && !classes.contains("差价"), "{classes}");
    // A chip from before shows the trains, and sells new tickets for them.
    let data = later["postback"]["data"].as_str().expect("data");
    assert!(data.contains(",E"), "{data}");
    assert!(is_plain_search(&play.tap_data(data)), "{}", play.shown_text());
}

#[test]
fn a_change_whose_ticket_was_given_back_is_over() {
    let mut play = in_a_change();
    play.say("退票");
    play.tap("确认退票");
    assert!(is_plain_search(&play.say("后天")), "{}", play.shown_text());
    play.tap("预订");
    assert!(play.shown_text().contains("请选择席别"), "{}", play.shown_text());
}

#[test]
fn a_change_whose_train_has_left_is_over() {
    let mut play = in_a_change();
    // Silence of less than it takes to forget a search: the last hours before departure, step by step.
    for _ in 0..5 {
        play.wait(Duration::hours(5));
        play.say("谢谢");
    }
    assert!(is_plain_search(&play.say("后天")), "{}", play.shown_text());
}

#[test]
fn other_trains_than_that_of_a_new_ticket_are_new_tickets() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    play.pay("p1");
    play.say("明天北京到上海");
    let book = play.suggestion("预订");
    play.say("改签");
    play.tap_data(book["postback"]["data"].as_str().expect("data"));
    assert!(is_plain_search(&play.tap("看其他车次")), "{}", play.shown_text());
}

#[test]
fn tomorrow_and_the_day_after_are_there_at_any_hour() {
    let hours = (0..24).map(Duration::hours);
    let around_midnight = [-1, 1, 60, 24 * 3600 - 61, 24 * 3600 - 1].map(Duration::seconds);
    for past_midnight in hours.chain(around_midnight) {
        let mut play = Play { now: datetime!(2026-11-24 0:00 +8) + past_midnight, ..Play::new() };
        let at = play.now;
        let today = at.date();
        let (tomorrow, day_after) = (today + Duration::days(1), today + Duration::days(2));
        play.tap_data(&Tap::Start.encode());
        play.tap("明天 北京→上海");
        play.tap("预订");
        play.tap("二等座");
        play.tap("用演示乘客");
        play.tap("提交订单");
        play.pay("p1");
        let answers = play.tap("改签");
        // The chips come with the last message: handsets show those of the newest only.
        let last = labels(&answers[answers.len() - 1..]);
        assert!(last.contains(&"后一天".to_string()) && last.contains(&"预订".to_string()), "{at}: {last:?}");
        play.tap("后一天");
        play.tap("预订");
        play.tap("一等座");
        play.tap("确认改签");
        assert_eq!(play.pay("p2").0, Settlement::Paid, "{at}");
        play.tap("退票");
        play.tap("确认退票");

        for words in ["明天北京到上海", "G103", "二等座", "李雷", "提交订单"] {
            play.say(words);
        }
        assert_eq!(play.pay("p3").0, Settlement::Paid, "{at}: {}", play.shown_text());
        for words in ["改签到后天", "G107", "二等座", "确认", "退票", "确认退票"] {
            play.say(words);
        }
        for (state, date, count) in [
            ("changed", tomorrow, 2),
            ("refunded", day_after, 2),
            ("paid", tomorrow, 0),
            ("paid", day_after, 0),
        ] {
            let sql = format!("SELECT count(*) FROM orders WHERE state = '{state}' AND date = '{date}'");
            assert_eq!(play.count(&sql), count, "{at}: {state} {date}; {}", play.shown_text());
        }
    }
}
