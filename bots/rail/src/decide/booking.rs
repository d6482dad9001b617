//! From a train to an order: class, passenger, confirmation, and the seat held for ten minutes.

use super::{Answer, Desk, change, help, passenger, payment};
use crate::content::{Card, Message, Suggestion};
use crate::database::{self, Passenger};
use crate::inventory;
use crate::language::{Lang, clock, say, yuan};
use crate::orders::{self, HELD_MAX, HOLD_S, Order, State};
use crate::postback::{Draft, Tap};
use crate::session::{Asking, Query, Session};
use crate::timetable::{Class, Leg, Place, seat_name};

/// How many saved passengers are offered.
const SAVED_MAX: u32 = 6;

/// The train was chosen: which class?
pub fn choose_class(desk: &Desk, session: &mut Session, draft: Draft) -> Answer {
    session.asking = Asking::Nothing;
    let draft = Draft { class: None, passenger: None, ..draft };
    let leg = match on_sale(desk, &draft) {
        Ok(leg) => leg,
        Err(refusal) => return Ok(refusal),
    };
    let timetable = &desk.world.timetable;
    let mut lines = vec![journey(desk, &leg)];
    let mut chips = Vec::new();
    for (class, free) in inventory::free_seats(desk.db, timetable, &leg)? {
        let price = timetable.fare(leg.train, class).map_or(0, |fare| fare.price_fen(leg.km()));
        let (name, price) = (class.name(desk.lang), yuan(price));
        lines.push(match free {
            0 => say!(desk.lang, "{name} {price} · 售完", "{name} {price} · sold out"),
            _ => say!(desk.lang, "{name} {price} · 余 {free} 张", "{name} {price} · {free} left"),
        });
        if free > 0 {
            let label = say!(desk.lang, "{name} {price} 余{free}", "{name} {price} ({free})");
            let tap = Tap::Class(Draft { class: Some(class), ..draft.clone() });
            chips.push(Suggestion::reply(label, tap.encode()));
        }
    }
    if let Some(old) = &draft.change_of {
        lines.push(say!(
            desk.lang,
            "改签订单 {old}，席位差价多退少补。",
            "In exchange for order {old}; the difference is charged or refunded."
        ));
    }
    if chips.is_empty() {
        lines.push(say!(desk.lang, "这趟车已经售完。", "This train is sold out."));
    } else {
        lines.push(say!(desk.lang, "请选择席别：", "Please choose a class:"));
    }
    chips.push(desk.chip("车次时刻", "Stops", Tap::Stops(draft.clone())));
    let others = Query { change_of: draft.change_of.clone(), ..session.query() };
    chips.push(desk.chip("看其他车次", "Other trains", Tap::Find(others, 0)));
    let number = &leg.train.number;
    let card = Card {
        media: Some(desk.world.gallery.train(&desk.world.public_url, number)),
        title: title(desk, &leg),
        description: lines.join("\n"),
        buttons: Vec::new(),
    };
    Ok(vec![Message::card(card).chips(chips)])
}

/// The class was chosen: for whom?
pub fn choose_passenger(desk: &mut Desk, session: &mut Session, draft: Draft) -> Answer {
    let leg = match on_sale(desk, &draft) {
        Ok(leg) => leg,
        Err(refusal) => return Ok(refusal),
    };
    let Some(class) = draft.class else {
        return choose_class(desk, session, draft);
    };
    if !has_seat(desk, &leg, class)? {
        return Ok(vec![sold_out(desk, &draft, class)]);
    }
    if let Some(old) = &draft.change_of {
        // The ticket stays with the person it was made out to.
        let Some(order) = orders::of_user(desk.db, desk.user, old)? else {
            return Ok(desk.no_such_order());
        };
        return confirm(desk, Draft { passenger: Some(order.passenger_id), ..draft });
    }
    let saved = database::passengers(desk.db, desk.user, SAVED_MAX)?;
    if saved.is_empty() {
        return Ok(vec![passenger::ask(desk, session, &draft)]);
    }
    session.asking = Asking::Passenger(draft.encode());
    let mut chips: Vec<Suggestion> = saved
        .iter()
        .map(|passenger| {
            let tap = Tap::Passenger(Draft { passenger: Some(passenger.id), ..draft.clone() });
            Suggestion::reply(passenger::label(passenger), tap.encode())
        })
        .collect();
    chips.push(desk.chip("新乘客", "New passenger", Tap::NewPassenger(draft)));
    let text = say!(desk.lang, "请选择乘车人：", "Who is travelling?");
    Ok(vec![Message::text(text).chips(chips)])
}

/// Everything is known: show it once more.
pub fn confirm(desk: &mut Desk, draft: Draft) -> Answer {
    let leg = match on_sale(desk, &draft) {
        Ok(leg) => leg,
        Err(refusal) => return Ok(refusal),
    };
    let Some((class, passenger)) = settled(desk, &draft)? else {
        return Ok(vec![help::stale(desk)]);
    };
    let fare = desk.world.timetable.fare(leg.train, class).map_or(0, |fare| fare.price_fen(leg.km()));
    let (class_name, price, who) = (class.name(desk.lang), yuan(fare), passenger::label(&passenger));
    let mut lines = vec![
        journey(desk, &leg),
        say!(desk.lang, "席别：{class_name} {price}", "Class: {class_name}, {price}"),
        say!(desk.lang, "乘车人：{who}", "Passenger: {who}"),
    ];
    if let Some(old) = &draft.change_of {
        match change::difference(desk, old, fare)? {
            Ok(line) => lines.push(line),
            Err(refusal) => return Ok(refusal),
        }
    }
    let key = format!("{:032x}", (desk.random)());
    let submit = match draft.change_of {
        None => desk.chip("提交订单", "Place order", Tap::Confirm(draft.clone(), key)),
        Some(_) => desk.chip("确认改签", "Confirm change", Tap::Confirm(draft.clone(), key)),
    };
    let again = Draft { class: None, passenger: None, ..draft };
    let chips = [
        submit,
        desk.chip("换席别", "Another class", Tap::Choose(again)),
        desk.chip("取消", "Cancel", Tap::Dismiss),
    ];
    let heading = say!(desk.lang, "请核对订单", "Please check your order");
    let card = Card { title: heading, description: lines.join("\n"), ..Card::default() };
    Ok(vec![Message::card(card).chips(chips)])
}

/// Takes a seat and makes the order; the same confirmation tapped again shows the order it made.
pub fn order(desk: &mut Desk, draft: Draft, key: &str) -> Answer {
    if let Some(order) = orders::by_draft_key(desk.db, desk.user, key)? {
        return payment::show(desk, &order.id);
    }
    let leg = match on_sale(desk, &draft) {
        Ok(leg) => leg,
        Err(refusal) => return Ok(refusal),
    };
    let Some((class, passenger)) = settled(desk, &draft)? else {
        return Ok(vec![help::stale(desk)]);
    };
    if key.is_empty() || key.len() > 64 {
        return Ok(vec![help::stale(desk)]);
    }
    let held = orders::in_state(desk.db, desk.user, State::Held)?;
    if held.len() as i64 >= HELD_MAX {
        return payment::too_many(desk, &held);
    }
    let Some(fare) = desk.world.timetable.fare(leg.train, class) else {
        return Ok(vec![help::stale(desk)]);
    };
    let fare_fen = fare.price_fen(leg.km());
    let old = match &draft.change_of {
        None => None,
        Some(id) => match change::exchangeable(desk, id, &draft)? {
            Ok(old) => Some(old),
            Err(refusal) => return Ok(refusal),
        },
    };
    let id = order_number((desk.random)());
    let Some(seat) = inventory::allocate(desk.db, &leg, fare, &id)? else {
        return Ok(vec![sold_out(desk, &draft, class)]);
    };
    let now = desk.now.unix_timestamp();
    let order = Order {
        id,
        user: desk.user.to_string(),
        state: State::Held,
        train: draft.train,
        date: draft.date,
        from: draft.from,
        to: draft.to,
        class,
        seat,
        passenger: passenger.name,
        document: passenger.document,
        passenger_id: passenger.id,
        fare_fen,
        due_fen: fare_fen - old.as_ref().map_or(0, |old| old.fare_fen),
        change_of: draft.change_of,
        pay_token: format!("{:032x}", (desk.random)()),
        held_until: now + HOLD_S,
    };
    orders::insert(desk.db, &order, key, now)?;
    match old {
        Some(old) if order.due_fen <= 0 => change::exchange_at_once(desk, &old, order),
        _ => Ok(vec![payment::card(desk, &order)]),
    }
}

/// `G1  北京南 → 上海虹桥`.
pub fn title(desk: &Desk, leg: &Leg) -> String {
    let timetable = &desk.world.timetable;
    let (from, to) =
        (desk.station(&timetable.at(leg.from()).code), desk.station(&timetable.at(leg.to()).code));
    format!("{}  {from} → {to}", leg.train.number)
}

/// Day, times, duration and distance in one line.
pub fn journey(desk: &Desk, leg: &Leg) -> String {
    let (day, departs, arrives) = (desk.lang.day(leg.date()), clock(leg.departs()), clock(leg.arrives()));
    let nights = (leg.arrives().date() - leg.date()).whole_days();
    let nights = if nights > 0 { format!(" +{nights}") } else { String::new() };
    let duration = desk.lang.duration(leg.minutes());
    format!("{day} {departs} – {arrives}{nights} · {duration} · {} km", leg.km())
}

/// Train, journey, class, seat and person of an order, a line each.
pub fn description(desk: &Desk, order: &Order) -> String {
    let day_line = match order.leg(&desk.world.timetable) {
        Some(leg) => journey(desk, &leg),
        None => desk.lang.day(order.date),
    };
    let (id, class, seat) = (&order.id, order.class.name(desk.lang), seat_name(&order.seat, desk.lang));
    let (fare, who) = (yuan(order.fare_fen), &order.passenger);
    let document = passenger::masked(&order.document);
    match desk.lang {
        Lang::Zh => format!("{day_line}\n{class} {seat} {fare}\n乘车人：{who}（{document}）\n订单号：{id}"),
        Lang::En => format!("{day_line}\n{class}, {seat}, {fare}\nPassenger: {who} ({document})\nOrder {id}"),
    }
}

/// `G1  北京南 → 上海虹桥` of an order.
pub fn order_title(desk: &Desk, order: &Order) -> String {
    format!("{}  {} → {}", order.train, desk.station(&order.from), desk.station(&order.to))
}

/// The leg of the draft if it can be bought now, otherwise what to say.
fn on_sale<'a>(desk: &Desk<'a>, draft: &Draft) -> Result<Leg<'a>, Vec<Message>> {
    let world = desk.world;
    let Some(leg) = draft.leg(&world.timetable) else {
        return Err(vec![help::stale(desk)]);
    };
    if leg.on_sale(desk.now) {
        return Ok(leg);
    }
    let number = &leg.train.number;
    let text = if leg.departs() <= desk.now {
        say!(desk.lang, "{number} 次已经发车了。", "Train {number} has already left.")
    } else {
        say!(desk.lang, "{number} 次现在不能购票。", "Train {number} is not on sale now.")
    };
    let city = |code: &str| world.timetable.city_of(&Place(code.to_string()));
    let query = Query {
        from: city(&draft.from),
        to: city(&draft.to),
        change_of: draft.change_of.clone(),
        ..Query::default()
    };
    let others = desk.chip("看其他车次", "Other trains", Tap::Find(query, 0));
    Err(vec![Message::text(text).chips([others, desk.orders_chip()])])
}

fn has_seat(desk: &Desk, leg: &Leg, class: Class) -> rusqlite::Result<bool> {
    let free = inventory::free_seats(desk.db, &desk.world.timetable, leg)?;
    Ok(free.iter().any(|(one, free)| *one == class && *free > 0))
}

fn sold_out(desk: &Desk, draft: &Draft, class: Class) -> Message {
    let (name, train) = (class.name(desk.lang), &draft.train);
    let text = say!(
        desk.lang,
        "{train} 次的{name}刚刚售完，请换一个席别或车次。",
        "{name} on train {train} is sold out. Please take another class or train."
    );
    let again = Draft { class: None, passenger: None, ..draft.clone() };
    Message::text(text).chips([desk.chip("换席别", "Another class", Tap::Choose(again)), desk.search_chip()])
}

/// Class and passenger of a complete draft; `None` if one is missing or not this user's.
fn settled(desk: &Desk, draft: &Draft) -> rusqlite::Result<Option<(Class, Passenger)>> {
    let (Some(class), Some(id)) = (draft.class, draft.passenger) else {
        return Ok(None);
    };
    let passenger = database::passenger(desk.db, desk.user, id)?;
    Ok(passenger.map(|passenger| (class, passenger)))
}

/// `E` and nine characters that cannot be mistaken for each other: 45 bits.
fn order_number(random: u128) -> String {
    const SYMBOLS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let symbol = |at: u32| char::from(SYMBOLS[(random >> (5 * at)) as usize % SYMBOLS.len()]);
    std::iter::once('E').chain((0..9).map(symbol)).collect()
}
