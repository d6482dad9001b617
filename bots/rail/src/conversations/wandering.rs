//! A user who taps and types at random. Whatever they do: every message keeps the limits (the harness checks
//! that), there is always an answer, seats belong to live orders, and the money adds up.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    /// The nth suggestion of the last message.
    Tap(usize),
    /// One that was shown earlier.
    TapOld(usize, usize),
    Say(usize),
    /// Straight on to an order, in the nth class.
    Order(usize),
    /// Straight on to a change, if there is a ticket.
    Change(usize),
    Wait(i64),
    Pay,
    GiveUp,
}

const WORDS: [&str; 16] = [
    "明天北京到上海",
    "Guangzhou to Shenzhen on Friday",
    "西安",
    "后天",
    "G1",
    "二等座",
    "王小明 13800000001",
    "确认",
    "yes",
    "改签到后天",
    "refund",
    "我的订单",
    "更晚",
    "返程",
    "取消",
    "???",
];

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0usize..12).prop_map(Step::Tap),
        1 => (0usize..30, 0usize..12).prop_map(|(back, nth)| Step::TapOld(back, nth)),
        4 => (0..WORDS.len()).prop_map(Step::Say),
        1 => prop_oneof![Just(3), Just(11), Just(1500)].prop_map(Step::Wait),
        2 => (0usize..3).prop_map(Step::Order),
        2 => (0usize..3).prop_map(Step::Change),
        3 => Just(Step::Pay),
        1 => Just(Step::GiveUp),
    ]
}

fn tap_of(play: &mut Play, back: usize, nth: usize) {
    let Some(message) = play.said.iter().rev().nth(back) else { return };
    let shown = suggestions(message);
    let Some(suggestion) = shown.get(nth % shown.len().max(1)).cloned() else { return };
    let data = suggestion["postback"]["data"].as_str().expect("every suggestion has data").to_string();
    let answer = play.tap_data(&data);
    assert_eq!(answer.is_empty(), data == "done", "{data}");
}

/// Taps the suggestions whose data begin so, one after the other; those that are not there are passed over.
fn follow(play: &mut Play, class: usize, verbs: &[&str]) {
    for verb in verbs {
        let shown = suggestions(play.said.last().expect("something was said"));
        let data = |shown: &Value| shown["postback"]["data"].as_str().unwrap_or_default().to_string();
        let fitting: Vec<String> = shown.iter().map(data).filter(|data| data.starts_with(verb)).collect();
        let nth = if *verb == "class:" { class } else { 0 };
        if let Some(data) = fitting.get(nth % fitting.len().max(1)) {
            play.tap_data(data);
        }
    }
}

fn run(play: &mut Play, step: &Step) {
    let newest = |play: &Play| -> Option<String> {
        let sql = "SELECT pay_token FROM orders ORDER BY created DESC, rowid DESC LIMIT 1";
        play.db.query_row(sql, [], |row| row.get(0)).ok()
    };
    match step {
        Step::Tap(nth) => tap_of(play, 0, *nth),
        Step::TapOld(back, nth) => tap_of(play, *back, *nth),
        Step::Say(word) => assert!(!play.say(WORDS[*word]).is_empty(), "silence after {}", WORDS[*word]),
        Step::Order(class) => {
            play.say("11月27日北京到上海的高铁");
            follow(play, *class, &["train:", "class:", "who:", "demo:", "order:"]);
        }
        Step::Change(class) => {
            play.say("改签");
            follow(play, *class, &["change:", "train:", "class:", "order:"]);
        }
        Step::Wait(minutes) => drop(play.wait(Duration::minutes(*minutes))),
        Step::Pay => {
            if let Some(token) = newest(play) {
                let payment_id = format!("p{}", play.drawn);
                play.drawn += 1;
                play.pay_by(&token, &payment_id);
            }
        }
        Step::GiveUp => {
            if let Some(pay_token) = newest(play) {
                play.settle(&PageOutcome::GivenUp { pay_token });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_user_does_seats_and_money_are_right(steps in proptest::collection::vec(step(), 20..60)) {
        let mut play = Play::new();
        play.order_first("后天北京到上海的高铁", "二等座");
        for step in &steps {
            run(&mut play, step);
        }
        let live = "SELECT count(*) FROM orders WHERE state IN ('held', 'paid')";
        prop_assert_eq!(play.count("SELECT count(DISTINCT order_id) FROM sold"), play.count(live));
        let strangers = "SELECT count(*) FROM sold WHERE order_id NOT IN
            (SELECT id FROM orders WHERE state IN ('held', 'paid'))";
        prop_assert_eq!(play.count(strangers), 0);
        // What was taken is what the valid tickets cost, and the fees of those given back.
        let taken = play.count("SELECT coalesce(sum(amount_fen), 0) FROM ledger");
        let tickets = play.count("SELECT coalesce(sum(fare_fen), 0) FROM orders WHERE state = 'paid'");
        let refunded = play.count("SELECT coalesce(sum(fare_fen), 0) FROM orders WHERE state = 'refunded'");
        prop_assert!(taken >= tickets && taken <= tickets + refunded / 5 + 200, "{taken}: {tickets}, {refunded}");
    }
}
