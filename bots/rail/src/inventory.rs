//! Seats, sold segment by segment: who leaves at Jinan makes room for who boards there.
//!
//! A sale is a row per segment; `allocate` must run inside a writing transaction, and the table's key
//! refuses whatever would slip past it.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use crate::language::iso;
use crate::timetable::{Class, Fare, Leg, Timetable};

/// Free seats of each class over the whole leg, in the order of the train's classes.
pub fn free_seats(
    db: &Connection,
    timetable: &Timetable,
    leg: &Leg,
) -> rusqlite::Result<Vec<(Class, usize)>> {
    let taken = taken(db, leg)?;
    let free = |fare: &Fare| fare.seats.iter().filter(|seat| !taken.contains(*seat)).count();
    Ok(timetable.fares(leg.train).iter().map(|fare| (fare.class, free(fare))).collect())
}

/// Takes a seat for the leg. `None` if the class is sold out.
///
/// A seat that others use on another part of the way is preferred, which keeps whole seats for whole journeys.
pub fn allocate(tx: &Connection, leg: &Leg, fare: &Fare, order_id: &str) -> rusqlite::Result<Option<String>> {
    let taken = taken(tx, leg)?;
    let shared = sold_somewhere(tx, leg)?;
    let mut free = fare.seats.iter().filter(|seat| !taken.contains(*seat));
    let first = free.clone().next();
    let seat = free.find(|seat| shared.contains(*seat)).or(first);
    let Some(seat) = seat else { return Ok(None) };
    let mut sell = tx.prepare_cached(
        "INSERT INTO sold (train, service_date, seat, segment, order_id) VALUES (?, ?, ?, ?, ?)",
    )?;
    for segment in leg.segments() {
        sell.execute(params![leg.train.number, iso(leg.service_date), seat, segment, order_id])?;
    }
    Ok(Some(seat.clone()))
}

/// Gives back what an order took. Doing it twice is harmless.
pub fn release(tx: &Connection, order_id: &str) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM sold WHERE order_id = ?", [order_id])?;
    Ok(())
}

/// Seats with a sale somewhere on the leg.
fn taken(db: &Connection, leg: &Leg) -> rusqlite::Result<HashSet<String>> {
    db.prepare_cached(
        "SELECT DISTINCT seat FROM sold WHERE train = ? AND service_date = ? AND segment >= ? AND segment < ?",
    )?
    .query_map(params![leg.train.number, iso(leg.service_date), leg.segments().start, leg.segments().end], |row| row.get(0))?
    .collect()
}

/// Seats with a sale anywhere on the train's way.
fn sold_somewhere(db: &Connection, leg: &Leg) -> rusqlite::Result<HashSet<String>> {
    db.prepare_cached("SELECT DISTINCT seat FROM sold WHERE train = ? AND service_date = ?")?
        .query_map(params![leg.train.number, iso(leg.service_date)], |row| row.get(0))?
        .collect()
}
