//! Paying, lapsing, changing and refunding: every fen is booked once.

use super::*;

fn ledger(play: &Play) -> i64 {
    play.count("SELECT coalesce(sum(amount_fen), 0) FROM ledger")
}

fn fare(play: &Play, state: &str) -> i64 {
    play.count(&format!("SELECT coalesce(sum(fare_fen), 0) FROM orders WHERE state = '{state}'"))
}

#[test]
fn paying_twice_charges_once() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    let token = play.pay_token();
    assert_eq!(play.pay_by(&token, "p1").0, Settlement::Paid);
    let charged = ledger(&play);
    assert!(charged > 0);
    for payment_id in ["p1", "p2"] {
        let (settlement, news) = play.pay_by(&token, payment_id);
        assert_eq!(settlement, Settlement::AlreadyPaid);
        assert!(news.is_empty());
    }
    assert_eq!(ledger(&play), charged);
}

#[test]
fn an_unpaid_order_lapses_and_a_late_payment_goes_back() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    let token = play.pay_token();
    assert!(play.count("SELECT count(*) FROM sold") > 0);
    assert!(play.wait(Duration::minutes(9)).is_empty());
    let news = play.wait(Duration::minutes(1));
    assert!(texts(&news).contains("已自动取消"), "{}", texts(&news));
    assert_eq!(news[0]["conversationId"], "conversation");
    assert_eq!(play.count("SELECT count(*) FROM sold"), 0);
    assert!(play.wait(Duration::minutes(1)).is_empty());
    let (settlement, news) = play.pay_by(&token, "late");
    assert_eq!(settlement, Settlement::Refunded);
    assert!(texts(&news).contains("原路退回"));
    assert_eq!(play.pay_by(&token, "late").0, Settlement::Refunded);
    assert_eq!(ledger(&play), 0);
    assert!(texts(&play.tap("重新预订")).contains("请选择席别"));
}

#[test]
fn a_payment_in_the_last_instant_counts_and_one_after_it_does_not() {
    for (seconds, expected) in [(599, Settlement::Paid), (600, Settlement::Refunded)] {
        let mut play = Play::new();
        play.order_first("明天北京到上海", "二等座");
        // The sweep has not run yet: the order is still held in the table.
        play.now += Duration::seconds(seconds);
        assert_eq!(play.pay("p").0, expected, "{seconds} s");
    }
}

#[test]
fn a_wrong_amount_or_token_is_refused() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    let pay_token = play.pay_token();
    for (pay_token, amount_fen) in [(pay_token, 1), ("nonsense".to_string(), 55300)] {
        let payment = Payment { pay_token, payment_id: "p".into(), amount_fen };
        assert_eq!(play.settle(&PageOutcome::Paid(payment)).0, Settlement::Refused);
    }
    assert_eq!(ledger(&play), 0);
}

#[test]
fn an_order_is_cancelled_from_the_chat_or_from_the_page() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    assert!(texts(&play.tap("取消订单")).contains("已取消"));
    assert_eq!(play.count("SELECT count(*) FROM sold"), 0);
    play.order_first("明天北京到上海", "二等座");
    let pay_token = play.pay_token();
    let (settlement, news) = play.settle(&PageOutcome::GivenUp { pay_token: pay_token.clone() });
    assert_eq!((settlement, news.len()), (Settlement::Cancelled, 1));
    let (settlement, news) = play.settle(&PageOutcome::GivenUp { pay_token });
    assert_eq!((settlement, news.len()), (Settlement::Cancelled, 0));
}

#[test]
fn a_refund_costs_more_the_closer_the_train_is() {
    for (search, percent) in [
        ("12月3日上午北京到上海", 0),
        ("11月30日上午北京到上海", 5),
        ("11月25日上午北京到上海", 10),
        ("11月24日上午北京到上海", 20),
    ] {
        let mut play = Play::new();
        play.order_first(search, "二等座");
        play.pay("p1");
        let charged = ledger(&play);
        play.tap("退票");
        assert!(play.shown_text().contains("退票费"));
        play.tap("确认退票");
        let fee = ledger(&play);
        assert!((fee - charged * percent / 100).abs() <= 50, "{search}: fee {fee} of {charged}");
        assert_eq!(play.count("SELECT count(*) FROM sold"), 0);
        let again = play.tap("确认退票");
        assert!(texts(&again).contains("已退票"), "{}", texts(&again));
        assert_eq!(ledger(&play), fee);
    }
}

#[test]
fn after_departure_there_is_no_refund() {
    let mut play = Play::new();
    play.order_first("今天下午北京到上海的高铁", "二等座");
    play.pay("p1");
    play.wait(Duration::hours(15));
    assert!(texts(&play.tap("退票")).contains("不能退票"));
    assert!(texts(&play.say("退票")).contains("没有可以退的"));
}

#[test]
fn a_change_to_a_dearer_train_is_paid_for_and_the_old_seat_freed() {
    let mut play = Play::new();
    play.order_first("明天北京到上海", "二等座");
    play.pay("p1");
    play.say("改签");
    assert!(play.shown_text().contains("改签订单"), "{}", play.shown_text());
    play.tap("后一天");
    play.tap("预订");
    let confirm = texts(&play.tap("一等座"));
    assert!(confirm.contains("需补差价"), "{confirm}");
    let seats = play.count("SELECT count(DISTINCT order_id) FROM sold");
    play.tap("确认改签");
    assert_eq!(play.count("SELECT count(DISTINCT order_id) FROM sold"), seats + 1);
    let (settlement, news) = play.pay("p2");
    assert_eq!(settlement, Settlement::Paid);
    assert!(texts(&news).contains("11月25日"));
    assert_eq!(play.count("SELECT count(DISTINCT order_id) FROM sold"), 1);
    assert_eq!(ledger(&play), fare(&play, "paid"));
    assert_eq!(play.count("SELECT count(*) FROM orders WHERE state = 'changed'"), 1);
    // Once is all the railway allows.
    assert!(!labels(&news).contains(&"改签".to_string()));
    assert!(texts(&play.say("改签")).contains("没有可以改签"));
}

#[test]
fn a_change_to_a_cheaper_train_pays_the_difference_back() {
    let mut play = Play::english();
    play.order_first("Beijing to Shanghai tomorrow", "1st class");
    play.pay("p1");
    play.tap("Change");
    play.tap("Book");
    play.tap("2nd class");
    assert!(play.shown_text().contains("goes back to you"), "{}", play.shown_text());
    let news = play.tap("Confirm change");
    assert!(texts(&news).contains("Ticket issued"), "{}", texts(&news));
    assert_eq!(ledger(&play), fare(&play, "paid"));
    play.tap("Confirm change");
    assert_eq!(ledger(&play), fare(&play, "paid"));
    assert_eq!(play.count("SELECT count(DISTINCT order_id) FROM sold"), 1);
}

#[test]
fn a_change_whose_old_ticket_was_refunded_meanwhile_is_paid_back() {
    let mut play = Play::new();
    play.order_first("11月26日北京到上海", "二等座");
    play.pay("p1");
    let refund = play.suggestion("退票");
    play.tap("改签");
    play.tap("预订");
    play.tap("一等座");
    play.tap("确认改签");
    let token = play.pay_token();
    play.tap_data(refund["postback"]["data"].as_str().expect("data"));
    play.tap("确认退票");
    let before = ledger(&play);
    assert_eq!(play.pay_by(&token, "p2").0, Settlement::Refunded);
    assert_eq!(ledger(&play), before);
    assert_eq!(play.count("SELECT count(*) FROM sold"), 0);
}

#[test]
fn an_unpaid_change_lapses_and_the_old_ticket_stays() {
    let mut play = Play::new();
    play.order_first("11月26日北京到上海", "二等座");
    play.pay("p1");
    play.tap("改签");
    play.tap("预订");
    play.tap("一等座");
    play.tap("确认改签");
    play.wait(Duration::minutes(10));
    assert_eq!(play.count("SELECT count(*) FROM orders WHERE state = 'paid'"), 1);
    assert_eq!(play.count("SELECT count(DISTINCT order_id) FROM sold"), 1);
}

#[test]
fn nobody_holds_more_than_five_seats_unpaid() {
    let mut play = Play::new();
    for _ in 0..5 {
        play.order_first("明天北京到上海", "二等座");
    }
    assert!(texts(&play.order_first("明天北京到上海", "二等座")).contains("太多未支付"));
    assert_eq!(play.count("SELECT count(*) FROM orders"), 5);
    assert!(texts(&play.say("付款")).contains("待支付"));
}
