//! A table of phrases in both languages. The clock stands at Monday 23 November 2026, 10:00.

use time::macros::{date, datetime};

use super::*;

struct Reader {
    timetable: Timetable,
    gazetteer: Gazetteer,
}

impl Reader {
    fn new() -> Self {
        let timetable = Timetable::builtin();
        let gazetteer = Gazetteer::new(&timetable);
        Self { timetable, gazetteer }
    }

    fn read(&self, text: &str) -> Utterance {
        understand(text, datetime!(2026-11-23 10:00 +8), &self.timetable, &self.gazetteer)
    }
}

/// `from > to @ date start-end kind`, each part only if it was understood.
fn summary(said: &Utterance) -> String {
    let place = |place: &Option<Place>| place.as_ref().map_or("?".to_string(), |place| place.0.clone());
    let mut out = format!("{}>{}", place(&said.from), place(&said.to));
    match said.day {
        Some(Day::On(date)) => out += &format!(" {:02}-{:02}", u8::from(date.month()), date.day()),
        Some(Day::Impossible) => out += " impossible",
        None => {}
    }
    if let Some(window) = said.window {
        out += &format!(" {}-{}", clock(window.from_min), clock(window.until_min));
    }
    match said.kind {
        Some(Kind::HighSpeed) => out += " fast",
        Some(Kind::MultipleUnit) => out += " emu",
        Some(Kind::Conventional) => out += " slow",
        Some(Kind::Prefix(letter)) => out += &format!(" {letter}"),
        None => {}
    }
    out
}

fn clock(minute: u16) -> String {
    match minute % 60 {
        0 => (minute / 60).to_string(),
        rest => format!("{}:{rest:02}", minute / 60),
    }
}

const PHRASES: [(&str, &str); 62] = [
    ("明天北京到上海的高铁", "beijing>shanghai 11-24 fast"),
    ("后天下午从广州去深圳", "guangzhou>shenzhen 11-25 12-18"),
    ("11月30日 上海-杭州 G字头", "shanghai>hangzhou 11-30 G"),
    ("北京南到上海虹桥", "VNP>AOH"),
    ("北京 上海", "beijing>shanghai"),
    ("上海南京明早", "shanghai>nanjing 11-24 5-12"),
    ("我想明天晚上从西安去成都，有票吗？", "xian>chengdu 11-24 18-24"),
    ("下周五武汉到长沙的动车", "wuhan>changsha 12-04 emu"),
    ("周五 武汉到长沙", "wuhan>changsha 11-27"),
    ("周一去天津 北京出发", "beijing>tianjin 11-23"),
    ("这周六早上八点以后南京到杭州", "nanjing>hangzhou 11-28 8-24"),
    ("十一月三十号下午三点半青岛到济南", "qingdao>jinan 11-30 14:30-17"),
    ("大后天 郑州→西安", "zhengzhou>xian 11-26"),
    ("3天后 贵阳至昆明", "guiyang>kunming 11-26"),
    ("帮我查一下12月1号重庆到成都10点前的车", "chongqing>chengdu 12-01 0-10"),
    ("1月5日哈尔滨到长春", "harbin>changchun 01-05"),
    ("2026年11月28日 沈阳-大连", "shenyang>dalian 11-28"),
    ("2月30日 北京到上海", "beijing>shanghai impossible"),
    ("从北京西站到郑州东站", "BXP>ZAF"),
    ("北京站到上海站 卧铺 今晚", "BJP>SHH 11-23 18-24 slow"),
    ("去拉萨，从西宁走", "xining>lhasa"),
    ("廣州到香港西九龍 後天", "guangzhou>XJA 11-25"),
    ("25号 福州到厦门", "fuzhou>xiamen 11-25"),
    ("20号 福州到厦门", "fuzhou>xiamen 12-20"),
    ("明天8点到10点 天津到北京", "tianjin>beijing 11-24 8-10"),
    ("星期天中午宁波到温州", "ningbo>wenzhou 11-29 11-14"),
    ("周末去张家口", "?>zhangjiakou 11-28"),
    ("从兰州出发", "lanzhou>?"),
    ("明天", "?>? 11-24"),
    ("下午的", "?>? 12-18"),
    ("Beijing to Shanghai tomorrow morning", "beijing>shanghai 11-24 5-12"),
    ("from Xi'an to Chengdu on Friday", "xian>chengdu 11-27"),
    ("I want to go to Shanghai from Beijing tomorrow", "beijing>shanghai 11-24"),
    ("Guangzhou - Shenzhen, day after tomorrow, afternoon", "guangzhou>shenzhen 11-25 12-18"),
    ("high-speed train from Nanjing to Hangzhou on Nov 30", "nanjing>hangzhou 11-30 fast"),
    ("Any trains to Hong Kong from Shenzhen North on 1 December?", "IOQ>hongkong 12-01"),
    ("Beijing South to Shanghai Hongqiao", "VNP>AOH"),
    ("beijingnan to shanghaihongqiao", "VNP>AOH"),
    ("Beijing Shanghai next Monday", "beijing>shanghai 11-30"),
    ("wuhan to changsha after 3pm today", "wuhan>changsha 11-23 15-24"),
    ("Xian to Lanzhou before 10 am on November 29th", "xian>lanzhou 11-29 0-10"),
    ("to Qingdao from Beijing tonight", "beijing>qingdao 11-23 18-24"),
    ("Chongqing to Guiyang in 3 days", "chongqing>guiyang 11-26"),
    ("Harbin → Changchun 2026-12-01", "harbin>changchun 12-01"),
    ("overnight sleeper from Beijing to Xi’an", "beijing>xian slow"),
    ("D trains from Shanghai to Xiamen on the 28th", "shanghai>xiamen 11-28 D"),
    ("Shanghai to Suzhou at 14:00", "shanghai>suzhou 13-15:30"),
    ("BEIJING TO TIANJIN TOMORROW EVENING", "beijing>tianjin 11-24 18-24"),
    ("Need a ticket for Kunming", "?>kunming"),
    ("leaving from Hefei", "hefei>?"),
    ("on Sunday", "?>? 11-29"),
    ("bullet train to Zhangjiakou this weekend from Beijing", "beijing>zhangjiakou 11-28 fast"),
    ("11/30 Jinan to Qingdao", "jinan>qingdao 11-30"),
    ("between 8 and 10am tomorrow, Hangzhou to Ningbo", "hangzhou>ningbo 11-24 8-10"),
    ("Lhasa from Xining", "xining>lhasa"),
    ("tmr bj? Beijing West Railway Station to Taiyuan", "BXP>taiyuan 11-24"),
    ("２０２６－１１－３０　北京到南京", "beijing>nanjing 11-30"),
    ("nov. 30 Fuzhou South to Quanzhou", "FYS>quanzhou 11-30"),
    ("the 30th, Nanning to Guangzhou", "nanning>guangzhou 11-30"),
    ("从上海虹桥坐高铁去长沙南", "AOH>CWQ fast"),
    ("普速 上海到西安", "shanghai>xian slow"),
    ("G1次明天的时刻表", "?>? 11-24"),
];

#[test]
fn the_table_of_phrases_is_understood() {
    let reader = Reader::new();
    let wrong: Vec<String> = PHRASES
        .iter()
        .filter_map(|(phrase, expected)| {
            let said = summary(&reader.read(phrase));
            (said != *expected).then(|| format!("{phrase}: {said}, expected {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn wishes_are_told_from_searches() {
    let reader = Reader::new();
    for (phrase, intent) in [
        ("你好", Intent::Greeting),
        ("Hello!", Intent::Greeting),
        ("早上好", Intent::Greeting),
        ("good morning", Intent::Greeting),
        ("帮助", Intent::Help),
        ("what can you do?", Intent::Help),
        ("我的订单", Intent::Orders),
        ("my orders", Intent::Orders),
        ("我要退票", Intent::Refund),
        ("I want a refund", Intent::Refund),
        ("改签", Intent::Change),
        ("change my ticket", Intent::Change),
        ("更晚", Intent::Later),
        ("晚一点的", Intent::Later),
        ("earlier trains", Intent::Earlier),
        ("后一天", Intent::NextDay),
        ("previous day", Intent::PreviousDay),
        ("返程", Intent::Return),
        ("English", Intent::Language(Lang::En)),
        ("中文", Intent::Language(Lang::Zh)),
        ("转人工", Intent::Human),
        ("取消", Intent::Cancel),
        ("谢谢", Intent::Thanks),
        ("thank you!", Intent::Thanks),
    ] {
        assert_eq!(reader.read(phrase).intent, Some(intent), "{phrase}");
    }
    for phrase in ["Hefei to Nanjing", "明天北京到上海的高铁", "change in the weather", "Beijing to Shanghai"]
    {
        assert_eq!(reader.read(phrase).intent, None, "{phrase}");
    }
}

#[test]
fn a_train_number_is_read_in_either_case() {
    let reader = Reader::new();
    assert_eq!(reader.read("g103").train.as_deref(), Some("G103"));
    assert_eq!(reader.read("G1次明天的时刻表").train.as_deref(), Some("G1"));
    assert_eq!(reader.read("订K101的票").train.as_deref(), Some("K101"));
    assert_eq!(reader.read("13800000001").train, None);
}

#[test]
fn misspelt_places_are_reported_with_those_they_resemble() {
    let reader = Reader::new();
    for (phrase, role, likeliest) in [
        ("Beijin to Shanghai tomorrow", Role::From, "beijing"),
        ("from Beijing to Shangai", Role::To, "shanghai"),
        ("明天从被京到上海", Role::From, "beijing"),
        ("北京到上孩", Role::To, "shanghai"),
        ("北京到伤害明天", Role::To, "shanghai"),
        ("Guangzou", Role::To, "guangzhou"),
    ] {
        let unknown = reader.read(phrase).unknown.unwrap_or_else(|| panic!("{phrase}: nothing unknown"));
        assert_eq!(unknown.role, role, "{phrase}");
        assert_eq!(unknown.near.first().map(|place| place.0.as_str()), Some(likeliest), "{phrase}");
    }
    let mars = reader.read("从火星到上海").unknown.expect("no such station");
    assert_eq!((mars.role, mars.text.as_str()), (Role::From, "火星"));
    assert_eq!(reader.read("今天天气怎么样").unknown, None);
}

#[test]
fn the_day_is_counted_in_china() {
    let reader = Reader::new();
    let late = datetime!(2026-11-23 17:30 UTC);
    let said = understand("today", late, &reader.timetable, &reader.gazetteer);
    assert_eq!(said.day, Some(Day::On(date!(2026 - 11 - 24))));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|[从到去上下周月日号点0-9:a-z -]){0,80}") {
        thread_local!(static READER: Reader = Reader::new());
        READER.with(|reader| reader.read(&text));
    }
}
