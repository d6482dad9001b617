//! Exchanging a ticket (改签) for another train of the same journey, once per ticket.
//!
//! A dearer train is ordered like a new one and the difference paid; the old ticket is given up in the
//! moment of payment. A cheaper one is exchanged at once and the difference goes back.

use super::{Answer, Desk, booking, search, tickets};
use crate::content::Message;
use crate::language::{say, yuan};
use crate::orders::{self, Order, State};
use crate::postback::Draft;
use crate::session::{Query, Session};
use crate::timetable::Place;
use crate::understand::Day;

/// Shows the trains that the ticket can be exchanged for, on the day named or else on its own; chips lead to
/// other days.
pub fn start(desk: &mut Desk, session: &mut Session, id: &str, day: Option<Day>) -> Answer {
    let old = match changeable(desk, id)? {
        Ok(old) => old,
        Err(refusal) => return Ok(refusal),
    };
    let city = |code: &str| desk.world.timetable.city_of(&Place(code.to_string()));
    let date = match day {
        Some(Day::On(date)) => date,
        _ => old.date,
    };
    let query = Query {
        from: city(&old.from),
        to: city(&old.to),
        date: Some(date),
        change_of: Some(old.id),
        ..Query::default()
    };
    search::find(desk, session, query, 0)
}

/// The line about money in the confirmation, or why there can be no exchange.
pub fn difference(desk: &Desk, id: &str, fare_fen: i64) -> rusqlite::Result<Result<String, Vec<Message>>> {
    let old = match changeable(desk, id)? {
        Ok(old) => old,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (paid, difference) = (yuan(old.fare_fen), fare_fen - old.fare_fen);
    let amount = yuan(difference.abs());
    Ok(Ok(match difference {
        0 => say!(desk.lang, "原票价 {paid}，无差价。", "You paid {paid}: no difference."),
        1.. => {
            say!(desk.lang, "原票价 {paid}，需补差价 {amount}。", "You paid {paid}: {amount} more is due.")
        }
        _ => say!(
            desk.lang,
            "原票价 {paid}，将退还差价 {amount}。",
            "You paid {paid}: {amount} goes back to you."
        ),
    }))
}

/// The old order, if it can be exchanged for this draft.
pub fn exchangeable(desk: &Desk, id: &str, draft: &Draft) -> rusqlite::Result<Result<Order, Vec<Message>>> {
    let old = match changeable(desk, id)? {
        Ok(old) => old,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let city = |code: &str| desk.world.timetable.city_of(&Place(code.to_string()));
    let same_journey = city(&old.from) == city(&draft.from) && city(&old.to) == city(&draft.to);
    if same_journey && draft.passenger == Some(old.passenger_id) {
        return Ok(Ok(old));
    }
    let text = say!(
        desk.lang,
        "改签只能换同一行程的其他车次。",
        "A ticket can only be changed to another train of the same journey."
    );
    Ok(Err(vec![Message::text(text).chips([desk.orders_chip(), desk.search_chip()])]))
}

/// The new ticket costs no more: both orders move at once.
pub fn exchange_at_once(desk: &Desk, old: &Order, new: Order) -> Answer {
    let now = desk.now.unix_timestamp();
    orders::end(desk.db, &old.id, State::Changed)?;
    orders::set_state(desk.db, &new.id, State::Paid)?;
    let back = -new.due_fen;
    if back > 0 {
        orders::book(desk.db, &new.id, -back, "change", None, now)?;
    }
    let new = Order { state: State::Paid, ..new };
    let amount = yuan(back);
    let train = &new.train;
    let text = match back {
        0 => say!(desk.lang, "已改签到 {train} 次。", "Your ticket is changed to train {train}."),
        _ => say!(
            desk.lang,
            "已改签到 {train} 次，差价 {amount} 将原路退回。",
            "Your ticket is changed to train {train}; {amount} goes back to you."
        ),
    };
    Ok(vec![Message::text(text), tickets::issued(desk, &new)])
}

/// The difference has been paid: gives the old ticket up. False if it was gone in the meantime.
pub fn complete(desk: &Desk, id: &str) -> rusqlite::Result<bool> {
    match orders::of_user(desk.db, desk.user, id)? {
        Some(old) if old.may_change(&desk.world.timetable, desk.now) => {
            orders::end(desk.db, &old.id, State::Changed)?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Whether this order can be exchanged now.
pub fn is_possible(desk: &Desk, id: &str) -> rusqlite::Result<bool> {
    let old = orders::of_user(desk.db, desk.user, id)?;
    Ok(old.is_some_and(|old| old.may_change(&desk.world.timetable, desk.now)))
}

fn changeable(desk: &Desk, id: &str) -> rusqlite::Result<Result<Order, Vec<Message>>> {
    let Some(old) = orders::of_user(desk.db, desk.user, id)? else {
        return Ok(Err(desk.no_such_order()));
    };
    if old.may_change(&desk.world.timetable, desk.now) {
        return Ok(Ok(old));
    }
    let title = booking::order_title(desk, &old);
    let text = match old.state {
        State::Paid if old.change_of.is_some() => say!(
            desk.lang,
            "{title} 已经改签过一次，不能再改签，可以退票。",
            "{title} has been changed once already; it can only be refunded."
        ),
        State::Paid => {
            say!(desk.lang, "{title} 已经开出，不能改签。", "{title} has left and cannot be changed.")
        }
        _ => say!(desk.lang, "{title} 的订单当前不能改签。", "The order {title} cannot be changed."),
    };
    Ok(Err(vec![Message::text(text).chips([desk.orders_chip(), desk.search_chip()])]))
}
