//! Paying: the card with the link, what the payment provider reports, and orders that lapse.

use super::{Answer, Desk, booking, change, tickets};
use crate::content::{Card, Message, Suggestion};
use crate::language::{CHINA, clock, say, yuan};
use crate::orders::{self, Order, State};
use crate::postback::Tap;

/// What the payment provider reports about one payment.
#[derive(Clone, Debug)]
pub struct Payment {
    pub pay_token: String,
    /// The provider's own number of the payment.
    pub payment_id: String,
    pub amount_fen: i64,
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    Paid,
    /// The order had been paid before; nothing is charged again.
    AlreadyPaid,
    /// Too late: the amount goes back.
    Refunded,
    /// The user gave up on the payment page.
    Cancelled,
    /// No such order, or another amount than is due.
    Refused,
}

/// The payment card of an order, or where it stands if there is nothing to pay.
pub fn show(desk: &Desk, id: &str) -> Answer {
    let Some(order) = orders::of_user(desk.db, desk.user, id)? else {
        return Ok(desk.no_such_order());
    };
    match order.state {
        State::Held if desk.now.unix_timestamp() < order.held_until => Ok(vec![card(desk, &order)]),
        _ => tickets::show(desk, id),
    }
}

/// For those who write "pay": the orders that wait for it.
pub fn show_waiting(desk: &Desk) -> Answer {
    let mut held = orders::in_state(desk.db, desk.user, State::Held)?;
    held.retain(|order| desk.now.unix_timestamp() < order.held_until);
    match &held[..] {
        [] => {
            let text = say!(desk.lang, "没有待支付的订单。", "You have no unpaid order.");
            Ok(vec![Message::text(text).chips([desk.search_chip(), desk.orders_chip()])])
        }
        [order] => Ok(vec![card(desk, order)]),
        _ => tickets::list(desk),
    }
}

/// The user holds as many seats as one may.
pub fn too_many(desk: &Desk, held: &[Order]) -> Answer {
    let text = say!(
        desk.lang,
        "您有太多未支付的订单，请先支付或取消其中一个。",
        "You have too many unpaid orders. Please pay or cancel one first."
    );
    let pay = held.iter().map(|order| {
        let label = format!("{} {}", desk.lang.pick("支付", "Pay"), order.id);
        Suggestion::reply(label, Tap::Pay(order.id.clone()).encode())
    });
    Ok(vec![Message::text(text).chips(pay.chain([desk.orders_chip()]))])
}

/// The card with the link to the payment page.
pub fn card(desk: &Desk, order: &Order) -> Message {
    let due = yuan(order.due_fen);
    let until = clock(at(order.held_until));
    let what = booking::description(desk, order);
    let hint = say!(
        desk.lang,
        "座位已保留，请在 {until} 前支付 {due}（沙箱支付，不会真的扣款）。",
        "Your seat is held. Please pay {due} by {until} (sandbox: no real money moves)."
    );
    let url = format!("{}/pay/{}", desk.world.public_url, order.pay_token);
    let pay = say!(desk.lang, "去支付 {due}", "Pay {due}");
    let cancel = desk.chip("取消订单", "Cancel order", Tap::Cancel(order.id.clone()));
    let card = Card {
        media: Some(desk.world.gallery.picture(&desk.world.public_url, "payment", &due)),
        title: say!(desk.lang, "待支付 {due}", "To pay: {due}") + " · " + &booking::order_title(desk, order),
        description: format!("{what}\n\n{hint}"),
        buttons: vec![Suggestion::open_url(&pay, &url, Tap::Done.encode()), cancel],
    };
    Message::card(card).chips([desk.orders_chip(), desk.help_chip()])
}

/// The user gives an unpaid order up.
pub fn cancel(desk: &Desk, id: &str) -> Answer {
    let Some(order) = orders::of_user(desk.db, desk.user, id)? else {
        return Ok(desk.no_such_order());
    };
    if order.state != State::Held {
        return tickets::show(desk, id);
    }
    orders::end(desk.db, id, State::Cancelled)?;
    Ok(vec![cancelled(desk, &order)])
}

/// For those who write "cancel": whether they mean the order that waits for payment, if one does.
pub fn offer_cancel(desk: &Desk) -> rusqlite::Result<Option<Message>> {
    let mut held = orders::in_state(desk.db, desk.user, State::Held)?;
    held.retain(|order| desk.now.unix_timestamp() < order.held_until);
    let Some(order) = held.first() else { return Ok(None) };
    let title = booking::order_title(desk, order);
    let text = say!(desk.lang, "要取消待支付的订单吗？{title}", "Cancel the unpaid order? {title}");
    Ok(Some(Message::text(text).chips([
        desk.chip("取消订单", "Cancel order", Tap::Cancel(order.id.clone())),
        desk.chip("去支付", "Pay", Tap::Pay(order.id.clone())),
        desk.orders_chip(),
    ])))
}

/// Books what the provider reports and says what to tell the user (in the order's own language).
///
/// The same payment may be reported any number of times; a second payment of a paid order charges nothing.
pub fn settle(desk: &mut Desk, payment: &Payment) -> rusqlite::Result<(Settlement, Vec<Message>)> {
    let Some(order) = orders::by_pay_token(desk.db, &payment.pay_token)? else {
        return Ok((Settlement::Refused, Vec::new()));
    };
    if payment.amount_fen != order.due_fen || payment.payment_id.is_empty() {
        return Ok((Settlement::Refused, Vec::new()));
    }
    if orders::is_booked(desk.db, &payment.payment_id)? {
        let before = if order.state == State::Expired || order.state == State::Cancelled {
            Settlement::Refunded
        } else {
            Settlement::AlreadyPaid
        };
        return Ok((before, Vec::new()));
    }
    let now = desk.now.unix_timestamp();
    match order.state {
        State::Paid | State::Changed | State::Refunded => return Ok((Settlement::AlreadyPaid, Vec::new())),
        State::Held if now < order.held_until => {}
        State::Held => orders::end(desk.db, &order.id, State::Expired)?,
        State::Expired | State::Cancelled => {}
    }
    let book = |amount, reason, payment_id| orders::book(desk.db, &order.id, amount, reason, payment_id, now);
    book(payment.amount_fen, "payment", Some(&payment.payment_id))?;
    let too_late = order.state != State::Held || now >= order.held_until;
    let exchanged = match &order.change_of {
        Some(old) if !too_late => change::complete(desk, old)?,
        _ => true,
    };
    if too_late || !exchanged {
        if order.state == State::Held && !too_late {
            orders::end(desk.db, &order.id, State::Cancelled)?;
        }
        book(-payment.amount_fen, "too late", None)?;
        return Ok((Settlement::Refunded, vec![paid_too_late(desk, &order)]));
    }
    orders::set_state(desk.db, &order.id, State::Paid)?;
    let order = Order { state: State::Paid, ..order };
    Ok((Settlement::Paid, vec![tickets::issued(desk, &order)]))
}

/// The user pressed "cancel" on the payment page.
pub fn given_up(desk: &Desk, pay_token: &str) -> rusqlite::Result<(Settlement, Vec<Message>)> {
    match orders::by_pay_token(desk.db, pay_token)? {
        Some(order) if order.state == State::Held => {
            orders::end(desk.db, &order.id, State::Cancelled)?;
            Ok((Settlement::Cancelled, vec![cancelled(desk, &order)]))
        }
        Some(order) if order.state == State::Cancelled => Ok((Settlement::Cancelled, Vec::new())),
        _ => Ok((Settlement::Refused, Vec::new())),
    }
}

/// Ends one held order whose time is over, and tells the user.
pub fn expire(desk: &Desk, order: &Order) -> Answer {
    orders::end(desk.db, &order.id, State::Expired)?;
    let title = booking::order_title(desk, order);
    let id = &order.id;
    let text = say!(
        desk.lang,
        "订单 {id}（{title}）超过 10 分钟未支付，已自动取消，座位已释放。",
        "Order {id} ({title}) was not paid within 10 minutes and has lapsed; the seat is free again."
    );
    Ok(vec![Message::text(text).chips(again(desk, order))])
}

fn cancelled(desk: &Desk, order: &Order) -> Message {
    let id = &order.id;
    let text =
        say!(desk.lang, "订单 {id} 已取消，没有扣款。", "Order {id} is cancelled; nothing was charged.");
    Message::text(text).chips(again(desk, order))
}

fn paid_too_late(desk: &Desk, order: &Order) -> Message {
    let (id, amount) = (&order.id, yuan(order.due_fen));
    let text = say!(
        desk.lang,
        "订单 {id} 已失效，您支付的 {amount} 已原路退回。",
        "Order {id} was no longer valid; your {amount} has been paid back."
    );
    Message::text(text).chips(again(desk, order))
}

fn again(desk: &Desk, order: &Order) -> Vec<Suggestion> {
    let draft = crate::postback::Draft { change_of: order.change_of.clone(), ..order.draft() };
    vec![desk.chip("重新预订", "Book again", Tap::Choose(draft)), desk.search_chip(), desk.orders_chip()]
}

fn at(unix: i64) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(unix)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
        .to_offset(CHINA)
}
