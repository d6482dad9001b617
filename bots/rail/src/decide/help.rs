//! Greeting, help, small talk, and the questions for input that could not be understood.

use time::Duration;

use super::Desk;
use crate::content::{Card, Message, Suggestion};
use crate::language::{CHINA, Lang, say};
use crate::postback::Tap;
use crate::session::{Query, Session};
use crate::timetable::Place;

/// For a new conversation and for hello.
pub fn welcome(desk: &Desk) -> Message {
    let card = Card {
        media: Some(desk.world.gallery.picture(&desk.world.public_url, "welcome", "12306")),
        title: desk.lang.pick("您好，这里是 12306 票务助手", "Hello, this is the 12306 ticket assistant").into(),
        description: desk
            .lang
            .pick(
                "查车次、订票、改签、退票，直接说就行，例如：\n“明天北京到上海的高铁”\n“后天下午从广州去深圳”\n\n演示环境：车次为仿真数据，支付为沙箱。",
                "Search, book, change and refund train tickets. Just write, for example:\n“Beijing to Shanghai tomorrow morning”\n“from Xi'an to Chengdu on Friday”\nor tap a journey for tomorrow below.\n\nDemo: the timetable is synthetic and payments are a sandbox.",
            )
            .into(),
        buttons: vec![desk.search_chip(), desk.orders_chip(), desk.help_chip()],
    };
    Message::card(card).chips(journeys(desk)).chips([desk.language_chip()])
}

/// What can be done, with examples.
pub fn how_to(desk: &Desk) -> Message {
    let text = desk.lang.pick(
        "可以这样说：\n· 明天北京到上海的高铁\n· 11月30日 上海-杭州 G字头\n· G1 时刻表\n· 我的订单、改签、退票\n\n下单后座位保留 10 分钟，请在此期间支付。退票费：开车前 8 天以上免费，48 小时以上 5%，24 小时以上 10%，不足 24 小时 20%。",
        "You can write:\n· Beijing to Shanghai tomorrow morning\n· from Xi'an to Chengdu on Friday\n· G1 timetable\n· my orders, change my ticket, refund\n\nA seat is held for 10 minutes after ordering; please pay within that time. Refund fee: free 8 days or more ahead, 5% from 48 h, 10% from 24 h, 20% below.",
    );
    Message::text(text).chips(starters(desk))
}

/// In the new language from here on.
pub fn switch_language(desk: &mut Desk, session: &mut Session, lang: Lang) -> Message {
    session.lang = lang;
    desk.lang = lang;
    let text = say!(lang, "好的，我们说中文。您想去哪里？", "English it is. Where would you like to go?");
    Message::text(text).chips(starters(desk))
}

/// Nothing in the message was understood.
pub fn unclear(desk: &Desk) -> Message {
    let text = say!(
        desk.lang,
        "抱歉，我没太明白。请告诉我出发地、目的地和日期，例如“明天北京到上海”，或点选下面的选项。",
        "Sorry, I did not get that. Tell me from where, to where and when, such as “Beijing to Shanghai tomorrow”, or pick one below."
    );
    Message::text(text).chips(starters(desk))
}

/// A tap whose data is not (or no longer) ours.
pub fn stale(desk: &Desk) -> Message {
    let text = say!(
        desk.lang,
        "这个选项已经失效了，请重新选择。",
        "That choice is no longer valid. Please start from one of these."
    );
    Message::text(text).chips(starters(desk))
}

/// A picture, a recording, a document.
pub fn cannot_read_files(desk: &Desk) -> Message {
    let text = say!(
        desk.lang,
        "文件收到了，不过我只会读文字和位置。您想查哪趟车？",
        "I got your file, but I only read text and locations. Which train are you looking for?"
    );
    Message::text(text).chips(starters(desk))
}

pub fn you_are_welcome(desk: &Desk) -> Message {
    let text = say!(desk.lang, "不客气，祝您旅途愉快！", "You are welcome. Have a good trip!");
    Message::text(text).chips([desk.search_chip(), desk.orders_chip()])
}

/// Something was dropped.
pub fn dismissed(desk: &Desk) -> Message {
    let text = say!(desk.lang, "好的。还需要什么？", "All right. Anything else?");
    Message::text(text).chips([desk.search_chip(), desk.orders_chip(), desk.help_chip()])
}

/// The hotline.
pub fn human(desk: &Desk) -> Message {
    let text = say!(
        desk.lang,
        "人工服务请拨打 12306（演示环境，不会真的接通）。",
        "For a person, call 12306 (this is a demo: nobody answers)."
    );
    let label = desk.lang.pick("拨打 12306", "Call 12306");
    Message::text(text).chips([
        Suggestion::dial(label, "tel:12306", Tap::Done.encode()),
        desk.search_chip(),
        desk.help_chip(),
    ])
}

/// Which of the trains is meant?
pub fn which_train(desk: &Desk) -> Message {
    let text = say!(
        desk.lang,
        "请告诉我车次，例如“G1”或“G1 时刻表”。",
        "Which train? For example “G1” or “G1 timetable”."
    );
    Message::text(text).chips([desk.search_chip(), desk.help_chip()])
}

/// Chips to begin with: a few journeys for tomorrow, and the main functions.
pub fn starters(desk: &Desk) -> Vec<Suggestion> {
    let functions = [desk.search_chip(), desk.orders_chip(), desk.help_chip(), desk.language_chip()];
    journeys(desk).into_iter().chain(functions).collect()
}

/// Journeys that many make, tomorrow.
fn journeys(desk: &Desk) -> Vec<Suggestion> {
    let tomorrow = desk.now.to_offset(CHINA).date() + Duration::days(1);
    [("beijing", "shanghai"), ("guangzhou", "shenzhen"), ("xian", "chengdu")]
        .into_iter()
        .map(|(from, to)| {
            let (from, to) = (Place(from.into()), Place(to.into()));
            let label = match desk.lang {
                Lang::Zh => format!("明天 {}→{}", desk.place(&from), desk.place(&to)),
                Lang::En => format!("{}→{}", desk.place(&from), desk.place(&to)),
            };
            let query = Query { from: Some(from), to: Some(to), date: Some(tomorrow), ..Query::default() };
            Suggestion::reply(label, Tap::Find(query, 0).encode())
        })
        .collect()
}
