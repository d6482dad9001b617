//! Searching: gathering from, to and date, and showing what runs.

use time::{Date, Duration};

use super::{Answer, Desk, booking, change, help};
use crate::content::{Card, Message, Suggestion};
use crate::inventory;
use crate::language::{CHINA, clock, say, yuan};
use crate::postback::{Draft, Tap};
use crate::session::{Asking, Query, Session};
use crate::timetable::{Leg, Place, SALE_DAYS};
use crate::understand::{Day, Intent, Kind, Role, Unknown, Utterance, Window};

/// Trains in one carousel.
const PAGE: usize = 6;

/// Results of a search from the nth on, or the question for what it lacks.
pub fn find(desk: &mut Desk, session: &mut Session, mut query: Query, first: usize) -> Answer {
    if let Some(old) = &query.change_of
        && !change::is_possible(desk, old)?
    {
        // A chip from before the ticket was changed or given back: the trains are still of use.
        query.change_of = None;
    }
    session.set_query(&query);
    session.asking = Asking::Nothing;
    let (from, to) = match (&query.from, &query.to) {
        (Some(from), Some(to)) => (from, to),
        (None, _) => return Ok(vec![ask_place(desk, session, Role::From)]),
        (_, None) => return Ok(vec![ask_place(desk, session, Role::To)]),
    };
    let timetable = &desk.world.timetable;
    if !timetable.knows(from) || !timetable.knows(to) {
        return Ok(vec![help::stale(desk)]);
    }
    if timetable.city_of(from) == timetable.city_of(to) {
        return Ok(vec![same_city(desk, session, &query)]);
    }
    let Some(date) = query.date else {
        return Ok(vec![ask_date(desk, session, None)]);
    };
    let today = desk.now.to_offset(CHINA).date();
    if date < today {
        let problem = say!(desk.lang, "这一天已经过去了。", "That day is over.");
        return Ok(vec![ask_date(desk, session, Some(problem))]);
    }
    if date >= today + Duration::days(SALE_DAYS) {
        let last = desk.lang.day(today + Duration::days(SALE_DAYS - 1));
        let problem = say!(
            desk.lang,
            "车票提前 15 天发售，目前可以买到 {last}。",
            "Tickets go on sale 15 days ahead, at present up to {last}."
        );
        return Ok(vec![ask_date(desk, session, Some(problem))]);
    }
    results(desk, &query, date, first)
}

/// Changes one part of the open search and looks again.
pub fn refine(desk: &mut Desk, session: &mut Session, change: impl FnOnce(&mut Query)) -> Answer {
    let mut query = session.query();
    change(&mut query);
    find(desk, session, query, 0)
}

/// What was just said goes into the search so far.
pub fn merge(desk: &mut Desk, session: &mut Session, said: Utterance) -> Answer {
    let mut query = session.query();
    if said.from.is_some() && said.to.is_some() {
        // A whole new journey: nothing of the old one is meant to stay.
        query = Query::default();
    }
    if said.from.is_some() || said.to.is_some() || said.loose.is_some() || said.unknown.is_some() {
        // A ticket is exchanged for the same journey: who names a place looks for another ticket.
        query.change_of = None;
    }
    query.from = said.from.or(query.from);
    query.to = said.to.or(query.to);
    match (said.loose, &session.asking) {
        (Some(place), Asking::From) => query.from = Some(place),
        (Some(place), Asking::To) => query.to = Some(place),
        (Some(place), _) if query.to.is_some() && query.from.is_none() => query.from = Some(place),
        (Some(place), _) => query.to = Some(place),
        (None, _) => {}
    }
    query.window = said.window.or(query.window);
    query.kind = said.kind.or(query.kind);
    match said.day {
        Some(Day::On(date)) => query.date = Some(date),
        Some(Day::Impossible) => {
            query.date = None;
            session.set_query(&query);
            let problem = say!(desk.lang, "日历上没有这一天。", "There is no such day.");
            return Ok(vec![ask_date(desk, session, Some(problem))]);
        }
        None => {}
    }
    if let Some(unknown) = said.unknown {
        match unknown.role {
            Role::From => query.from = None,
            Role::To => query.to = None,
        }
        session.set_query(&query);
        return Ok(vec![did_you_mean(desk, session, &unknown)]);
    }
    find(desk, session, query, 0)
}

/// Earlier, later, another day, or the way back, of the search so far.
pub fn turn(desk: &mut Desk, session: &mut Session, intent: Intent) -> Answer {
    let mut query = session.query();
    let (Some(from), Some(to), Some(date)) = (&query.from, &query.to, query.date) else {
        return find(desk, session, query, 0);
    };
    match intent {
        Intent::Return => {
            query = Query { from: Some(to.clone()), to: Some(from.clone()), ..Query::default() };
        }
        Intent::PreviousDay => query.date = date.previous_day(),
        Intent::NextDay => query.date = date.next_day(),
        _ => {
            // By typing, "later" means after the first of what was shown; chips carry the exact place.
            let trains = wanted(desk, &query, date);
            let middle = trains.len().saturating_sub(PAGE);
            let first = if intent == Intent::Later { PAGE.min(middle) } else { 0 };
            return find(desk, session, query, first);
        }
    }
    find(desk, session, query, 0)
}

/// A train by number: on the open route it is chosen, otherwise its stops are shown.
pub fn train(desk: &mut Desk, session: &mut Session, number: &str, said: &Utterance) -> Answer {
    let number: String = number.split_whitespace().collect();
    let timetable = &desk.world.timetable;
    let Some(train) = timetable.train(&number) else {
        let text = say!(
            desk.lang,
            "没有找到 {number} 次列车。试试按出发地和目的地查询？",
            "I know no train {number}. Shall we search by places instead?"
        );
        return Ok(vec![Message::text(text).chips(help::starters(desk))]);
    };
    let query = session.query();
    let said_date = match said.day {
        Some(Day::On(date)) => Some(date),
        _ => None,
    };
    let from = said.from.clone().or(query.from);
    let to = said.to.clone().or(query.to);
    if let (Some(from), Some(to), Some(date), None) = (&from, &to, said_date.or(query.date), said.intent)
        && let Some(leg) =
            timetable.legs(from, to, date).into_iter().find(|leg| leg.train.number == train.number)
    {
        let draft = Draft::of(&leg, timetable, query.change_of);
        return booking::choose_class(desk, session, draft);
    }
    let (first, last) = (&train.stops[0], &train.stops[train.stops.len() - 1]);
    let draft = Draft {
        train: number,
        date: said_date.unwrap_or(desk.now.to_offset(CHINA).date()),
        from: timetable.at(first).code.clone(),
        to: timetable.at(last).code.clone(),
        class: None,
        passenger: None,
        change_of: None,
    };
    Ok(vec![stops(desk, &draft)])
}

/// All calls of a train, those of the journey marked.
pub fn stops(desk: &Desk, draft: &Draft) -> Message {
    let timetable = &desk.world.timetable;
    let Some(leg) = draft.leg(timetable) else {
        return help::stale(desk);
    };
    let number = &leg.train.number;
    let day = desk.lang.day(leg.date());
    let mut text = say!(desk.lang, "{number} 次 · {day}\n", "Train {number} · {day}\n");
    for (at, stop) in leg.train.stops.iter().enumerate() {
        let name = desk.station(&timetable.at(stop).code);
        let minute = |minutes: i64| format!("{:02}:{:02}", minutes / 60 % 24, minutes % 60);
        let times = match at {
            0 => minute(stop.depart_min),
            _ if at + 1 == leg.train.stops.len() => minute(stop.arrive_min),
            _ => format!("{}–{}", minute(stop.arrive_min), minute(stop.depart_min)),
        };
        let mark = if (leg.board..=leg.alight).contains(&at) { "●" } else { "○" };
        let days = stop.arrive_min / (24 * 60);
        let days = if days > 0 { format!(" +{days}") } else { String::new() };
        text += &format!("{mark} {times}{days} {name} · {} km\n", stop.km);
    }
    let mut chips = Vec::new();
    if leg.on_sale(desk.now) {
        chips.push(desk.chip("预订", "Book", Tap::Choose(draft.clone())));
    }
    chips.extend([desk.search_chip(), desk.orders_chip()]);
    Message::text(text.trim_end()).chips(chips)
}

/// The answer to a shared position: stations to start from.
pub fn stations_near(desk: &Desk, session: &mut Session, latitude: f64, longitude: f64) -> Message {
    let near = desk.world.timetable.nearest(latitude, longitude);
    let near = &near[..near.len().min(4)];
    let lines: Vec<String> = near
        .iter()
        .map(|(station, km)| format!("· {} {km:.0} km", desk.lang.pick(&station.zh, &station.en)))
        .collect();
    let list = lines.join("\n");
    let text = say!(
        desk.lang,
        "离您最近的车站：\n{list}\n从哪里出发？",
        "The stations nearest to you:\n{list}\nWhich one do you start from?"
    );
    session.asking = Asking::From;
    Message::text(text).chips(near.iter().map(|(station, _)| {
        Suggestion::reply(
            desk.lang.pick(&station.zh, &station.en),
            Tap::From(Place(station.code.clone())).encode(),
        )
    }))
}

/// The trains that the search wants, by departure.
fn wanted<'a>(desk: &Desk<'a>, query: &Query, date: Date) -> Vec<Leg<'a>> {
    let (Some(from), Some(to)) = (&query.from, &query.to) else {
        return Vec::new();
    };
    let mut legs = desk.world.timetable.legs(from, to, date);
    legs.retain(|leg| {
        let departs = leg.departs();
        let minute = u16::from(departs.hour()) * 60 + u16::from(departs.minute());
        leg.on_sale(desk.now)
            && query.window.is_none_or(|window| window.holds(minute))
            && query.kind.is_none_or(|kind| is_of(&leg.train.number, kind))
    });
    legs
}

fn is_of(number: &str, kind: Kind) -> bool {
    let prefix = number.chars().next().unwrap_or_default();
    match kind {
        Kind::HighSpeed => matches!(prefix, 'G' | 'C'),
        Kind::MultipleUnit => prefix == 'D',
        Kind::Conventional => matches!(prefix, 'Z' | 'T' | 'K'),
        Kind::Prefix(letter) => prefix == letter,
    }
}

fn results(desk: &mut Desk, query: &Query, date: Date, first: usize) -> Answer {
    let legs = wanted(desk, query, date);
    let route = route(desk, query);
    let day = desk.lang.day(date);
    if legs.is_empty() {
        return Ok(vec![nothing_found(desk, query, date)]);
    }
    let first = if first < legs.len() { first } else { 0 };
    let page = &legs[first..legs.len().min(first + PAGE)];
    let (count, from_nth, to_nth) = (legs.len(), first + 1, first + page.len());
    let mut text = say!(
        desk.lang,
        "{day} {route}，共 {count} 趟，以下是第 {from_nth}–{to_nth} 趟：",
        "{route} on {day}: {count} trains, here are {from_nth}–{to_nth}."
    );
    if let Some(order) = &query.change_of {
        text += &say!(desk.lang, "\n（改签订单 {order}）", "\n(to exchange order {order})");
    }
    let cards = page.iter().map(|leg| card(desk, leg, query)).collect::<rusqlite::Result<Vec<_>>>()?;
    let chips = result_chips(desk, query, date, first, &legs);
    let carousel = Message::cards(cards).expect("a page has a train").chips(chips);
    Ok(vec![Message::text(text), carousel])
}

fn card(desk: &Desk, leg: &Leg, query: &Query) -> rusqlite::Result<Card> {
    let timetable = &desk.world.timetable;
    let draft = Draft::of(leg, timetable, query.change_of.clone());
    let (from, to) = (desk.station(&draft.from), desk.station(&draft.to));
    let (departs, arrives) = (clock(leg.departs()), clock(leg.arrives()));
    let nights = (leg.arrives().date() - leg.date()).whole_days();
    let nights = if nights > 0 { format!(" +{nights}") } else { String::new() };
    let duration = desk.lang.duration(leg.minutes());
    let number = &leg.train.number;
    let mut description = format!("{departs} – {arrives}{nights} · {duration} · {} km", leg.km());
    for (class, free) in inventory::free_seats(desk.db, timetable, leg)? {
        let price = timetable.fare(leg.train, class).map_or(0, |fare| fare.price_fen(leg.km()));
        let (name, price) = (class.name(desk.lang), yuan(price));
        description += "\n";
        description += &match free {
            0 => say!(desk.lang, "{name} {price} 售完", "{name} {price} sold out"),
            _ => say!(desk.lang, "{name} {price} 余 {free}", "{name} {price}, {free} left"),
        };
    }
    Ok(Card {
        media: Some(desk.world.gallery.train(&desk.world.public_url, number)),
        title: format!("{number}  {from} → {to}"),
        description,
        buttons: vec![
            desk.chip("预订", "Book", Tap::Choose(draft.clone())),
            desk.chip("车次时刻", "Stops", Tap::Stops(draft)),
        ],
    })
}

fn result_chips(desk: &Desk, query: &Query, date: Date, first: usize, legs: &[Leg]) -> Vec<Suggestion> {
    let today = desk.now.to_offset(CHINA).date();
    let find = |query: Query, first: usize| Tap::Find(query, first);
    let mut chips = Vec::new();
    if first + PAGE < legs.len() {
        chips.push(desk.chip("更晚", "Later", find(query.clone(), first + PAGE)));
    }
    if first > 0 {
        chips.push(desk.chip("更早", "Earlier", find(query.clone(), first.saturating_sub(PAGE))));
    }
    let on = |date: Option<Date>| Query { date, ..query.clone() };
    if date > today {
        chips.push(desk.chip("前一天", "Previous day", find(on(date.previous_day()), 0)));
    }
    if date < today + Duration::days(SALE_DAYS - 1) {
        chips.push(desk.chip("后一天", "Next day", find(on(date.next_day()), 0)));
    }
    let high_speed = legs.iter().filter(|leg| is_of(&leg.train.number, Kind::HighSpeed)).count();
    if query.kind.is_none() && high_speed > 0 && high_speed < legs.len() {
        let only = Query { kind: Some(Kind::HighSpeed), ..query.clone() };
        chips.push(desk.chip("只看高铁", "High-speed only", find(only, 0)));
    }
    if query.window.is_none() && first == 0 && legs.len() > PAGE {
        let parts = [
            (Window::MORNING, "上午", "Morning"),
            (Window::AFTERNOON, "下午", "Afternoon"),
            (Window::EVENING, "晚上", "Evening"),
        ];
        for (window, zh, en) in parts {
            let part = Query { window: Some(window), ..query.clone() };
            chips.push(desk.chip(zh, en, find(part, 0)));
        }
    }
    if query.window.is_some() || query.kind.is_some() {
        chips.push(desk.chip("全部车次", "All trains", find(unfiltered(query), 0)));
    }
    if query.change_of.is_none() {
        let back = Query { from: query.to.clone(), to: query.from.clone(), ..unfiltered(query) };
        chips.push(desk.chip("返程", "Return trip", find(back, 0)));
    }
    chips.push(desk.language_chip());
    chips
}

/// Why there is nothing, and what there is instead.
fn nothing_found(desk: &Desk, query: &Query, date: Date) -> Message {
    let (route, day) = (route(desk, query), desk.lang.day(date));
    let next_day = Query { date: date.next_day(), ..query.clone() };
    let next = desk.chip("后一天", "Next day", Tap::Find(next_day, 0));
    let new = desk.chip("重新查询", "New search", Tap::NewSearch);
    let all = unfiltered(query);
    let (Some(from), Some(to)) = (&query.from, &query.to) else {
        return help::unclear(desk);
    };
    if !wanted(desk, &all, date).is_empty() {
        let text = say!(
            desk.lang,
            "{day} {route} 没有符合条件的车次，但其他时段或车型有车。",
            "No train from {route} on {day} fits, but there are others that day."
        );
        let chip = desk.chip("全部车次", "All trains", Tap::Find(all, 0));
        return Message::text(text).chips([chip, next, new]);
    }
    if !desk.world.timetable.legs(from, to, date).is_empty() {
        let text = say!(
            desk.lang,
            "{day} {route} 的车次都已停止售票。",
            "All trains from {route} on {day} have left or are about to."
        );
        return Message::text(text).chips([next, new]);
    }
    let junctions = desk.world.timetable.junctions(from, to);
    let Some(best) = junctions.first() else {
        let text =
            say!(desk.lang, "没有找到 {route} 的列车。", "There is no train from {route} that I know of.");
        return Message::text(text).chips([new, desk.help_chip()]);
    };
    let name = desk.place(best).to_string();
    let text = say!(
        desk.lang,
        "{route} 没有直达列车，可以在{name}换乘。要看看分段的车次吗？",
        "There is no direct train from {route}, but you can change in {name}. See the two parts?"
    );
    let part = |from: &Place, to: &Place| {
        let query = Query { from: Some(from.clone()), to: Some(to.clone()), ..query.clone() };
        let label = format!("{}→{}", desk.place(from), desk.place(to));
        Suggestion::reply(label, Tap::Find(query, 0).encode())
    };
    let chips = junctions.iter().take(3).flat_map(|via| [part(from, via), part(via, to)]);
    Message::text(text).chips(chips.chain([new]))
}

fn ask_place(desk: &Desk, session: &mut Session, role: Role) -> Message {
    let query = session.query();
    let text = match role {
        Role::From => say!(desk.lang, "从哪里出发？", "Where do you start from?"),
        Role::To => say!(desk.lang, "要去哪里？", "Where are you going?"),
    };
    session.asking = match role {
        Role::From => Asking::From,
        Role::To => Asking::To,
    };
    let other = query.from.or(query.to).and_then(|place| desk.world.timetable.city_of(&place));
    let mut chips = place_chips(desk, role, POPULAR.iter().map(|code| Place(code.to_string())), other);
    if role == Role::From {
        let label = desk.lang.pick("用我的位置", "Use my location");
        chips.truncate(9);
        chips.push(Suggestion::share_location(label, Tap::Done.encode()));
    }
    Message::text(text).chips(chips)
}

fn ask_date(desk: &Desk, session: &mut Session, problem: Option<String>) -> Message {
    session.asking = Asking::Date;
    let route = route(desk, &session.query());
    let question = say!(desk.lang, "{route}，哪一天出发？", "{route}: on which day?");
    let text = match problem {
        Some(problem) => format!("{problem} {question}"),
        None => question,
    };
    let today = desk.now.to_offset(CHINA).date();
    let chips = (0..8).map(|days| {
        let date = today + Duration::days(days);
        let label = match days {
            0 => desk.lang.pick("今天", "Today").to_string(),
            1 => desk.lang.pick("明天", "Tomorrow").to_string(),
            2 if desk.lang == crate::language::Lang::Zh => "后天".to_string(),
            _ => desk.lang.day(date),
        };
        Suggestion::reply(label, Tap::On(date).encode())
    });
    Message::text(text).chips(chips)
}

fn did_you_mean(desk: &Desk, session: &mut Session, unknown: &Unknown) -> Message {
    let word = &unknown.text;
    session.asking = match unknown.role {
        Role::From => Asking::From,
        Role::To => Asking::To,
    };
    if unknown.near.is_empty() {
        let text = say!(
            desk.lang,
            "没有找到车站“{word}”。请换个说法，或选择下面的城市：",
            "I know no station called “{word}”. Please try another name, or pick a city:"
        );
        let popular = POPULAR.iter().map(|code| Place(code.to_string()));
        return Message::text(text).chips(place_chips(desk, unknown.role, popular, None));
    }
    let text = say!(
        desk.lang,
        "没有找到车站“{word}”，您是想说：",
        "I know no station called “{word}”. Did you mean one of these?"
    );
    Message::text(text).chips(place_chips(desk, unknown.role, unknown.near.iter().cloned(), None))
}

fn same_city(desk: &Desk, session: &mut Session, query: &Query) -> Message {
    session.asking = Asking::To;
    let city = query.from.as_ref().map_or("", |place| desk.place(place));
    let text = say!(
        desk.lang,
        "出发地和目的地都在{city}。要去哪里？",
        "You start in {city} and go to the same city. Where would you like to go?"
    );
    let other = query.from.as_ref().and_then(|place| desk.world.timetable.city_of(place));
    let popular = POPULAR.iter().map(|code| Place(code.to_string()));
    Message::text(text).chips(place_chips(desk, Role::To, popular, other))
}

fn place_chips(
    desk: &Desk,
    role: Role,
    places: impl Iterator<Item = Place>,
    except: Option<Place>,
) -> Vec<Suggestion> {
    places
        .filter(|place| Some(place) != except.as_ref())
        .map(|place| {
            let label = desk.place(&place).to_string();
            let tap = match role {
                Role::From => Tap::From(place),
                Role::To => Tap::To(place),
            };
            Suggestion::reply(label, tap.encode())
        })
        .collect()
}

fn route(desk: &Desk, query: &Query) -> String {
    let name = |place: &Option<Place>| place.as_ref().map_or("?", |place| desk.place(place)).to_string();
    format!("{} → {}", name(&query.from), name(&query.to))
}

/// The search without its time of day and kind of train.
fn unfiltered(query: &Query) -> Query {
    Query { window: None, kind: None, ..query.clone() }
}

const POPULAR: [&str; 10] = [
    "beijing",
    "shanghai",
    "guangzhou",
    "shenzhen",
    "hangzhou",
    "nanjing",
    "wuhan",
    "chengdu",
    "xian",
    "changsha",
];
