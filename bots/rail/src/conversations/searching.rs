//! Searching by text and by chips.

use super::*;

#[test]
fn a_whole_question_gets_a_carousel() {
    let mut play = Play::new();
    let answer = play.say("明天北京到上海的高铁");
    assert_eq!(answer.len(), 2);
    assert!(text(&answer[0]).contains("11月24日 周二 北京 → 上海"));
    let cards = cards(&answer[1]);
    assert_eq!(cards.len(), 6);
    assert!(cards.iter().all(|card| card["title"].as_str().expect("a title").starts_with('G')));
    assert!(text(&answer[1]).contains("二等座 ¥"));
    let labels = labels(&answer);
    for label in ["预订", "车次时刻", "更晚", "前一天", "后一天", "English"] {
        assert!(labels.contains(&label.to_string()), "{label} in {labels:?}");
    }
}

#[test]
fn the_same_in_english() {
    let mut play = Play::new();
    let answer = play.say("Beijing to Shanghai tomorrow morning");
    assert!(text(&answer[0]).contains("Beijing → Shanghai on Tue 24 Nov"), "{}", text(&answer[0]));
    assert!(text(&answer[1]).contains("2nd class ¥"));
    for card in cards(&answer[1]) {
        let description = card["description"].as_str().expect("a description");
        let hour: u32 = description[..2].parse().expect("an hour");
        assert!((5..12).contains(&hour), "{description}");
    }
}

#[test]
fn missing_parts_are_asked_for_one_by_one() {
    let mut play = Play::new();
    assert!(texts(&play.tap_data("search")).contains("从哪里出发"));
    assert!(texts(&play.tap("西安")).contains("要去哪里"));
    assert!(texts(&play.say("成都")).contains("哪一天"));
    let answer = play.tap("后天");
    assert!(texts(&answer).contains("西安 → 成都"), "{}", texts(&answer));
    assert!(cards(&answer[1]).len() > 1);
}

#[test]
fn a_bare_place_answers_the_question_that_is_open() {
    let mut play = Play::english();
    play.say("from Wuhan");
    assert!(play.shown_text().contains("Where are you going"));
    play.say("Changsha");
    assert!(play.shown_text().contains("Wuhan → Changsha: on which day"));
    let answer = play.say("Friday");
    assert!(texts(&answer).contains("Wuhan → Changsha on Fri 27 Nov"));
}

#[test]
fn chips_turn_pages_and_days() {
    let mut play = Play::new();
    let first = texts(&play.say("明天北京到上海"));
    let later = texts(&play.tap("更晚"));
    assert_ne!(first, later);
    assert!(later.contains("第 7–12 趟"), "{later}");
    assert!(texts(&play.tap("更早")).contains("第 1–6 趟"));
    assert!(texts(&play.tap("后一天")).contains("11月25日"));
    assert!(texts(&play.tap("前一天")).contains("11月24日"));
    assert!(texts(&play.tap("只看高铁")).contains("北京 → 上海"));
    assert!(texts(&play.tap("返程")).contains("上海 → 北京"));
    assert!(texts(&play.say("更晚")).contains("第 7–12 趟"));
    assert!(texts(&play.say("下午的")).contains("上海 → 北京"));
}

#[test]
fn a_station_is_narrower_than_its_city() {
    let mut play = Play::new();
    let answer = play.say("明天北京站到上海站");
    assert!(cards(&answer[1]).iter().all(|card| {
        card["title"].as_str().is_some_and(|title| title.contains("北京 → 上海") && !title.starts_with('G'))
    }));
}

#[test]
fn a_misspelt_place_is_offered_and_the_rest_remembered() {
    let mut play = Play::new();
    let answer = play.say("Beijin to Shanghai tomorrow");
    assert!(texts(&answer).contains("Did you mean"), "{}", texts(&answer));
    assert!(texts(&play.tap("Beijing")).contains("Beijing → Shanghai on Tue 24 Nov"));
    let answer = play.say("从火星到上海");
    assert!(texts(&answer).contains("没有找到车站“火星”"), "{}", texts(&answer));
}

#[test]
fn days_outside_the_sale_are_explained() {
    let mut play = Play::new();
    assert!(texts(&play.say("1月5日北京到上海")).contains("提前 15 天"));
    assert!(texts(&play.say("2026-11-20 北京到上海")).contains("已经过去"));
    assert!(texts(&play.say("2月30日 北京到上海")).contains("没有这一天"));
    assert!(texts(&play.tap("今天")).contains("北京 → 上海"));
}

#[test]
fn trains_that_have_left_are_not_shown() {
    let mut play = Play::new();
    for card in cards(&play.say("今天北京到天津")[1]) {
        let description = card["description"].as_str().expect("a description");
        assert!(&description[..5] >= "10:05", "{description}");
    }
    play.now = datetime!(2026-11-23 23:58 +8);
    let answer = play.say("今天北京到天津");
    assert!(texts(&answer).contains("停止售票"), "{}", texts(&answer));
}

#[test]
fn without_a_direct_train_a_change_is_offered() {
    let mut play = Play::new();
    let answer = play.say("明天青岛到成都");
    assert!(texts(&answer).contains("换乘"), "{}", texts(&answer));
    play.tap("青岛→");
    assert!(play.shown_text().contains("青岛 →"));
}

#[test]
fn a_train_number_shows_its_stops_or_chooses_it_on_the_open_route() {
    let mut play = Play::new();
    let stops = texts(&play.say("G1 时刻表"));
    assert!(stops.contains("北京南") && stops.contains("上海虹桥"), "{stops}");
    play.say("明天北京到上海");
    assert!(texts(&play.say("G1")).contains("请选择席别"));
    assert!(texts(&play.say("G9876")).contains("没有找到 G9876"));
}

#[test]
fn a_shared_location_leads_to_the_nearest_stations() {
    let mut play = Play::new();
    let answer = play.send(Input::Location { latitude: 39.87, longitude: 116.38 });
    assert!(labels(&answer)[0].starts_with("北京南"), "{:?}", labels(&answer));
    play.tap("北京南");
    assert!(play.shown_text().contains("要去哪里"));
}

#[test]
fn a_half_finished_search_is_forgotten_after_a_night() {
    let mut play = Play::new();
    play.say("从北京出发");
    play.wait(Duration::hours(12));
    assert!(texts(&play.say("去上海")).contains("从哪里出发"));
}
