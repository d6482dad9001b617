//! Orders and money: rows, their states, and the rules of holding, refunding and changing.
//!
//! `held` → `paid` → `refunded` or `changed`; or `held` → `expired` or `cancelled`. Only a held or paid
//! order keeps its seat.

use rusqlite::{Connection, OptionalExtension, Row, params};
use time::{Date, OffsetDateTime};

use crate::inventory;
use crate::language::{iso, parse_iso};
use crate::postback::Draft;
use crate::timetable::{Class, Leg, Timetable};

/// How long an unpaid order keeps its seat.
pub const HOLD_S: i64 = 10 * 60;

/// Unpaid orders that one user may have at a time, so that nobody can hold a whole train.
pub const HELD_MAX: i64 = 5;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Held,
    Paid,
    Expired,
    Cancelled,
    Refunded,
    /// Exchanged for another ticket.
    Changed,
}

/// One ticket, ordered.
#[derive(Clone, Debug)]
pub struct Order {
    pub id: String,
    pub user: String,
    pub state: State,
    pub train: String,
    /// The day of boarding.
    pub date: Date,
    pub from: String,
    pub to: String,
    pub class: Class,
    pub seat: String,
    pub passenger: String,
    pub document: String,
    pub passenger_id: i64,
    /// The price of the ticket.
    pub fare_fen: i64,
    /// What had or has to be paid for it: the fare, or the difference after a change.
    pub due_fen: i64,
    pub change_of: Option<String>,
    pub pay_token: String,
    /// Unix seconds.
    pub held_until: i64,
}

impl Order {
    /// The train ride that it is for; `None` only if the timetable has changed since.
    pub fn leg<'t>(&self, timetable: &'t Timetable) -> Option<Leg<'t>> {
        timetable.leg(&self.train, self.date, &self.from, &self.to)
    }

    /// Whether the ticket may be exchanged: paid, not already the result of an exchange, and not gone.
    pub fn may_change(&self, timetable: &Timetable, now: OffsetDateTime) -> bool {
        self.state == State::Paid && self.change_of.is_none() && self.is_ahead(timetable, now)
    }

    /// Whether the train has yet to leave.
    pub fn is_ahead(&self, timetable: &Timetable, now: OffsetDateTime) -> bool {
        self.leg(timetable).is_some_and(|leg| now < leg.departs())
    }

    /// The fee for giving a paid ticket back at `now`; `None` once the train has left.
    ///
    /// As on the railway: nothing 8 days ahead and more, then 5 %, from 48 h on 10 %, from 24 h on 20 %;
    /// rounded to half a yuan, at least 2 yuan.
    pub fn refund_fee_fen(&self, timetable: &Timetable, now: OffsetDateTime) -> Option<i64> {
        let ahead = self.leg(timetable)?.departs() - now;
        let percent = match ahead.whole_hours() {
            _ if !ahead.is_positive() => return None,
            hours if hours >= 8 * 24 => return Some(0),
            hours if hours >= 48 => 5,
            hours if hours >= 24 => 10,
            _ => 20,
        };
        let fee = (self.fare_fen * percent / 100 + 25) / 50 * 50;
        Some(fee.max(200).min(self.fare_fen))
    }

    /// The same journey as a draft, to order or change it anew.
    pub fn draft(&self) -> Draft {
        Draft {
            train: self.train.clone(),
            date: self.date,
            from: self.from.clone(),
            to: self.to.clone(),
            class: Some(self.class),
            passenger: Some(self.passenger_id),
            change_of: None,
        }
    }
}

/// One order, if it is this user's.
pub fn of_user(db: &Connection, user: &str, id: &str) -> rusqlite::Result<Option<Order>> {
    one(db, "user = ?1 AND id = ?2", params![user, id])
}

/// The order that a payment page belongs to.
pub fn by_pay_token(db: &Connection, token: &str) -> rusqlite::Result<Option<Order>> {
    one(db, "pay_token = ?1", params![token])
}

/// The order that was made from a confirmation, if it was tapped before.
pub fn by_draft_key(db: &Connection, user: &str, key: &str) -> rusqlite::Result<Option<Order>> {
    one(db, "user = ?1 AND draft_key = ?2", params![user, key])
}

/// The latest orders of a user, newest first.
pub fn latest(db: &Connection, user: &str, limit: u32) -> rusqlite::Result<Vec<Order>> {
    many(db, "user = ?1 ORDER BY created DESC, rowid DESC LIMIT ?2", params![user, limit])
}

/// The orders of a user in one state, newest first.
pub fn in_state(db: &Connection, user: &str, state: State) -> rusqlite::Result<Vec<Order>> {
    many(
        db,
        "user = ?1 AND state = ?2 ORDER BY created DESC, rowid DESC LIMIT 10",
        params![user, state.name()],
    )
}

/// Held orders whose time is over at `now`, a page of them.
pub fn lapsed(db: &Connection, now: i64) -> rusqlite::Result<Vec<Order>> {
    many(db, "state = 'held' AND held_until <= ?1 ORDER BY held_until LIMIT 100", params![now])
}

/// Writes a new order; `draft_key` must be new.
pub fn insert(db: &Connection, order: &Order, draft_key: &str, now: i64) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO orders (id, user, draft_key, state, train, date, from_station, to_station, class, seat,
         passenger, document, passenger_id, fare_fen, due_fen, change_of, pay_token, created, held_until)
         VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        params![
            order.id,
            order.user,
            draft_key,
            order.state.name(),
            order.train,
            iso(order.date),
            order.from,
            order.to,
            order.class.code(),
            order.seat,
            order.passenger,
            order.document,
            order.passenger_id,
            order.fare_fen,
            order.due_fen,
            order.change_of,
            order.pay_token,
            now,
            order.held_until,
        ],
    )?;
    Ok(())
}

/// Ends an order in a state that keeps no seat.
pub fn end(db: &Connection, id: &str, state: State) -> rusqlite::Result<()> {
    set_state(db, id, state)?;
    inventory::release(db, id)
}

/// Moves an order to another state.
pub fn set_state(db: &Connection, id: &str, state: State) -> rusqlite::Result<()> {
    db.execute("UPDATE orders SET state = ? WHERE id = ?", params![state.name(), id])?;
    Ok(())
}

/// Books money: above zero from the user, below zero back. A payment id can be booked once.
pub fn book(
    db: &Connection,
    order_id: &str,
    amount_fen: i64,
    reason: &str,
    payment_id: Option<&str>,
    now: i64,
) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO ledger (order_id, amount_fen, reason, payment_id, at) VALUES (?, ?, ?, ?, ?)",
        params![order_id, amount_fen, reason, payment_id, now],
    )?;
    Ok(())
}

/// Whether a payment has been booked already.
pub fn is_booked(db: &Connection, payment_id: &str) -> rusqlite::Result<bool> {
    db.query_row("SELECT EXISTS (SELECT 1 FROM ledger WHERE payment_id = ?)", [payment_id], |row| row.get(0))
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Paid => "paid",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::Changed => "changed",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Held, Self::Paid, Self::Expired, Self::Cancelled, Self::Refunded, Self::Changed]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

const COLUMNS: &str =
    "id, user, state, train, date, from_station, to_station, class, seat, passenger, document,
    passenger_id, fare_fen, due_fen, change_of, pay_token, held_until";

fn one(db: &Connection, filter: &str, values: impl rusqlite::Params) -> rusqlite::Result<Option<Order>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM orders WHERE {filter}"))?
        .query_row(values, order)
        .optional()
}

fn many(db: &Connection, filter: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<Order>> {
    db.prepare_cached(&format!("SELECT {COLUMNS} FROM orders WHERE {filter}"))?
        .query_map(values, order)?
        .collect()
}

fn order(row: &Row) -> rusqlite::Result<Order> {
    let text = |at: usize| row.get::<_, String>(at);
    let broken =
        |at: usize| rusqlite::Error::InvalidColumnType(at, "orders".into(), rusqlite::types::Type::Text);
    Ok(Order {
        id: text(0)?,
        user: text(1)?,
        state: State::from_name(&text(2)?).ok_or_else(|| broken(2))?,
        train: text(3)?,
        date: parse_iso(&text(4)?).ok_or_else(|| broken(4))?,
        from: text(5)?,
        to: text(6)?,
        class: Class::from_code(&text(7)?).ok_or_else(|| broken(7))?,
        seat: text(8)?,
        passenger: text(9)?,
        document: text(10)?,
        passenger_id: row.get(11)?,
        fare_fen: row.get(12)?,
        due_fen: row.get(13)?,
        change_of: row.get(14)?,
        pay_token: text(15)?,
        held_until: row.get(16)?,
    })
}
