//! Tickets: the e-ticket card, my orders, and giving a ticket back.

use super::{Answer, Desk, booking};
use crate::content::{CARDS_MAX, Card, Message, Suggestion};
use crate::language::{say, yuan};
use crate::orders::{self, Order, State};
use crate::postback::{Draft, Tap};
use crate::timetable::seat_name;

/// Why the user is to pick one of several tickets.
#[derive(Clone, Copy)]
pub enum Purpose {
    Refund,
    Change,
}

/// Good news: the ticket is issued.
pub fn issued(desk: &Desk, order: &Order) -> Message {
    let heading = say!(desk.lang, "出票成功", "Ticket issued");
    ticket(desk, order, &heading)
}

/// An order by its number, whatever its state.
pub fn show(desk: &Desk, id: &str) -> Answer {
    let Some(order) = orders::of_user(desk.db, desk.user, id)? else {
        return Ok(desk.no_such_order());
    };
    if order.state == State::Paid {
        return Ok(vec![ticket(desk, &order, desk.lang.pick("电子客票", "E-ticket"))]);
    }
    Ok(vec![Message::card(card(desk, &order)).chips([desk.search_chip(), desk.orders_chip()])])
}

/// The latest orders side by side.
pub fn list(desk: &Desk) -> Answer {
    let orders = orders::latest(desk.db, desk.user, CARDS_MAX as u32)?;
    let cards = orders.iter().map(|order| card(desk, order)).collect();
    Ok(vec![match Message::cards(cards) {
        Some(message) => message.chips([desk.search_chip(), desk.help_chip()]),
        None => {
            let text = say!(desk.lang, "您还没有订单。想去哪里？", "You have no orders yet. Where to?");
            Message::text(text).chips(super::help::starters(desk))
        }
    }])
}

/// The tickets that can be refunded or changed.
pub fn open_to(desk: &Desk, purpose: Purpose) -> rusqlite::Result<Vec<Order>> {
    let timetable = &desk.world.timetable;
    let mut paid = orders::in_state(desk.db, desk.user, State::Paid)?;
    paid.retain(|order| match purpose {
        Purpose::Refund => order.is_ahead(timetable, desk.now),
        Purpose::Change => order.may_change(timetable, desk.now),
    });
    Ok(paid)
}

/// Which of several tickets is meant? Or there is none.
pub fn pick(desk: &Desk, purpose: Purpose, tickets: &[Order]) -> Message {
    if tickets.is_empty() {
        let text = match purpose {
            Purpose::Refund => {
                say!(desk.lang, "没有可以退的车票。", "You have no ticket that can be refunded.")
            }
            Purpose::Change => {
                say!(desk.lang, "没有可以改签的车票。", "You have no ticket that can be changed.")
            }
        };
        return Message::text(text).chips([desk.orders_chip(), desk.search_chip()]);
    }
    let text = match purpose {
        Purpose::Refund => say!(desk.lang, "要退哪一张？", "Which ticket would you like to return?"),
        Purpose::Change => say!(desk.lang, "要改签哪一张？", "Which ticket would you like to change?"),
    };
    let mut labels = std::collections::HashSet::new();
    let chips = tickets.iter().map(|order| {
        let mut label = format!("{} {}", order.train, desk.lang.day(order.date));
        if !labels.insert(label.clone()) {
            // Two tickets for one train: the order numbers differ.
            label = format!("{} {}", order.train, order.id);
        }
        let tap = match purpose {
            Purpose::Refund => Tap::Refund(order.id.clone()),
            Purpose::Change => Tap::Change(order.id.clone()),
        };
        Suggestion::reply(label, tap.encode())
    });
    Message::text(text).chips(chips)
}

/// What giving the ticket back would cost.
pub fn ask_refund(desk: &Desk, id: &str) -> Answer {
    let order = match refundable(desk, id)? {
        Ok(order) => order,
        Err(refusal) => return Ok(refusal),
    };
    let (fee, back) = fee(desk, &order);
    let title = booking::order_title(desk, &order);
    let text = say!(
        desk.lang,
        "退票：{title}\n退票费 {fee}，退还 {back}。\n规则：开车前 8 天以上免费，48 小时以上 5%，24 小时以上 10%，不足 24 小时 20%，最低 2 元。",
        "Refund of {title}\nFee {fee}, you get back {back}.\nRule: free 8 days or more ahead, 5% from 48 h, 10% from 24 h, 20% below, at least ¥2."
    );
    Ok(vec![Message::text(text).chips([
        desk.chip("确认退票", "Confirm refund", Tap::RefundConfirmed(order.id.clone())),
        desk.chip("不退了", "Keep the ticket", Tap::Ticket(order.id)),
    ])])
}

/// Gives the ticket back.
pub fn refund(desk: &Desk, id: &str) -> Answer {
    let order = match refundable(desk, id)? {
        Ok(order) => order,
        Err(refusal) => return Ok(refusal),
    };
    let (fee_text, back_text) = fee(desk, &order);
    let back =
        order.fare_fen - order.refund_fee_fen(&desk.world.timetable, desk.now).unwrap_or(order.fare_fen);
    orders::end(desk.db, &order.id, State::Refunded)?;
    orders::book(desk.db, &order.id, -back, "refund", None, desk.now.unix_timestamp())?;
    let id = &order.id;
    let text = say!(
        desk.lang,
        "订单 {id} 已退票，扣除退票费 {fee_text}，{back_text} 将原路退回。",
        "Order {id} is refunded: {back_text} goes back to you, the fee was {fee_text}."
    );
    Ok(vec![Message::text(text).chips([desk.search_chip(), desk.orders_chip()])])
}

fn refundable(desk: &Desk, id: &str) -> rusqlite::Result<Result<Order, Vec<Message>>> {
    let Some(order) = orders::of_user(desk.db, desk.user, id)? else {
        return Ok(Err(desk.no_such_order()));
    };
    if order.state != State::Paid {
        return show(desk, id).map(Err);
    }
    if order.is_ahead(&desk.world.timetable, desk.now) {
        return Ok(Ok(order));
    }
    let text =
        say!(desk.lang, "列车已经开出，不能退票了。", "The train has left; the ticket cannot be refunded.");
    Ok(Err(vec![Message::text(text).chips([desk.orders_chip(), desk.search_chip()])]))
}

/// Fee and amount returned, as money.
fn fee(desk: &Desk, order: &Order) -> (String, String) {
    let fee = order.refund_fee_fen(&desk.world.timetable, desk.now).unwrap_or(order.fare_fen);
    (yuan(fee), yuan(order.fare_fen - fee))
}

/// The e-ticket with everything one does with it.
fn ticket(desk: &Desk, order: &Order, heading: &str) -> Message {
    let title = booking::order_title(desk, order);
    let mut buttons = Vec::new();
    if let Some(leg) = order.leg(&desk.world.timetable) {
        let station = desk.world.timetable.at(leg.from());
        let name = desk.lang.pick(&station.zh, &station.en);
        let (class, seat) = (order.class.name(desk.lang), seat_name(&order.seat, desk.lang));
        let (id, who) = (&order.id, &order.passenger);
        let event = say!(desk.lang, "{class} {seat}，{who}，订单 {id}", "{class}, {seat}, {who}, order {id}");
        let times = (leg.departs(), leg.arrives());
        let done = Tap::Done.encode();
        buttons.push(Suggestion::calendar(
            desk.lang.pick("加入日历", "Add to calendar"),
            &title,
            &event,
            times,
            done.clone(),
        ));
        let name = say!(desk.lang, "{name}站", "{name} Railway Station");
        let point = (station.latitude, station.longitude);
        buttons.push(Suggestion::map(desk.lang.pick("车站地图", "Station map"), &name, point, done));
    }
    if order.may_change(&desk.world.timetable, desk.now) {
        buttons.push(desk.chip("改签", "Change", Tap::Change(order.id.clone())));
    }
    if order.is_ahead(&desk.world.timetable, desk.now) {
        buttons.push(desk.chip("退票", "Refund", Tap::Refund(order.id.clone())));
    }
    let card = Card {
        media: Some(desk.world.gallery.train(&desk.world.public_url, &order.train)),
        title: format!("{heading} · {title}"),
        description: booking::description(desk, order),
        buttons,
    };
    Message::card(card).chips([desk.orders_chip(), desk.search_chip(), desk.language_chip()])
}

/// An order in the list.
fn card(desk: &Desk, order: &Order) -> Card {
    let draft = Draft { class: None, passenger: None, ..order.draft() };
    let id = || order.id.clone();
    let held = order.state == State::Held && desk.now.unix_timestamp() < order.held_until;
    let buttons = match order.state {
        State::Held if held => vec![
            desk.chip("去支付", "Pay", Tap::Pay(id())),
            desk.chip("取消订单", "Cancel order", Tap::Cancel(id())),
        ],
        State::Paid => {
            let mut buttons = vec![desk.chip("查看车票", "Show ticket", Tap::Ticket(id()))];
            if order.may_change(&desk.world.timetable, desk.now) {
                buttons.push(desk.chip("改签", "Change", Tap::Change(id())));
            }
            if order.is_ahead(&desk.world.timetable, desk.now) {
                buttons.push(desk.chip("退票", "Refund", Tap::Refund(id())));
            }
            buttons
        }
        _ => vec![desk.chip("再次预订", "Book again", Tap::Choose(draft))],
    };
    let state = match order.state {
        State::Held if held => desk.lang.pick("待支付", "To pay"),
        State::Held | State::Expired => desk.lang.pick("已过期", "Lapsed"),
        State::Paid => desk.lang.pick("已出票", "Issued"),
        State::Cancelled => desk.lang.pick("已取消", "Cancelled"),
        State::Refunded => desk.lang.pick("已退票", "Refunded"),
        State::Changed => desk.lang.pick("已改签", "Changed"),
    };
    Card {
        media: Some(desk.world.gallery.train(&desk.world.public_url, &order.train)),
        title: format!("{state} · {}", booking::order_title(desk, order)),
        description: booking::description(desk, order),
        buttons,
    }
}
