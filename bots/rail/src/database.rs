//! The bot's own SQLite file: schema, and the small tables that need no module of their own.
//!
//! Everything that one input changes is written in one transaction, synced when it returns. An answer to a
//! webhook is given after that.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

/// Opens (and creates) the file, ready for use.
pub fn open(path: &Path) -> rusqlite::Result<Connection> {
    prepare(Connection::open(path)?)
}

/// A database in memory, for tests.
#[cfg(test)]
pub fn in_memory() -> Connection {
    Connection::open_in_memory().and_then(prepare).expect("an empty database in memory")
}

/// A value that is made on first use and kept: secrets of this installation.
pub fn kept_secret(db: &Connection, name: &str, fresh: &str) -> rusqlite::Result<String> {
    db.execute("INSERT OR IGNORE INTO settings (name, value) VALUES (?, ?)", params![name, fresh])?;
    db.query_row("SELECT value FROM settings WHERE name = ?", [name], |row| row.get(0))
}

/// Remembers a message id; false if it was known, so that a repeated push is taken once.
pub fn first_time(db: &Connection, message_id: &str, now: i64) -> rusqlite::Result<bool> {
    let added =
        db.execute("INSERT OR IGNORE INTO seen (message_id, at) VALUES (?, ?)", params![message_id, now])?;
    Ok(added == 1)
}

/// Forgets what can no longer be repeated or asked for, `now` in Unix seconds.
pub fn tidy(db: &Connection, now: i64) -> rusqlite::Result<()> {
    let old = now - KEPT_S;
    db.execute("DELETE FROM seen WHERE at < ?", [old])?;
    // Trains set out so long ago that none is still on its way.
    db.execute("DELETE FROM sold WHERE service_date < date(?, 'unixepoch')", [old])?;
    db.execute("DELETE FROM outbox WHERE outcome IS NOT NULL AND created < ?", [old])?;
    Ok(())
}

/// A passenger whose name and document a user has given.
#[derive(Clone, Debug)]
pub struct Passenger {
    pub id: i64,
    pub name: String,
    pub document: String,
}

/// The passengers of a user, the last used first, at most `limit`.
pub fn passengers(db: &Connection, user: &str, limit: u32) -> rusqlite::Result<Vec<Passenger>> {
    db.prepare_cached(
        "SELECT id, name, document FROM passengers WHERE user = ? ORDER BY used DESC, id LIMIT ?",
    )?
    .query_map(params![user, limit], |row| {
        Ok(Passenger { id: row.get(0)?, name: row.get(1)?, document: row.get(2)? })
    })?
    .collect()
}

/// One passenger, if it is this user's.
pub fn passenger(db: &Connection, user: &str, id: i64) -> rusqlite::Result<Option<Passenger>> {
    db.query_row(
        "SELECT id, name, document FROM passengers WHERE user = ? AND id = ?",
        params![user, id],
        |row| Ok(Passenger { id: row.get(0)?, name: row.get(1)?, document: row.get(2)? }),
    )
    .optional()
}

/// Adds a passenger, or finds the one with this document again and renames it.
pub fn save_passenger(
    db: &Connection,
    user: &str,
    name: &str,
    document: &str,
    now: i64,
) -> rusqlite::Result<i64> {
    db.query_row(
        "INSERT INTO passengers (user, name, document, used) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (user, document) DO UPDATE SET name = ?2, used = ?4 RETURNING id",
        params![user, name, document, now],
        |row| row.get(0),
    )
}

fn prepare(db: Connection) -> rusqlite::Result<Connection> {
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // The webhook's 200 is a promise: what it promises is on the disk.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute_batch(SCHEMA)?;
    Ok(db)
}

/// How long a repeated push is recognised and a sent message kept: the platform gives up after a day.
const KEPT_S: i64 = 7 * 24 * 3600;

/// Times are Unix seconds, dates `YYYY-MM-DD`, amounts fen.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (message_id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sessions (user TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS passengers (
    id INTEGER PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,
    used INTEGER NOT NULL, UNIQUE (user, document));
-- A seat is sold segment by segment (stop n to n+1); the key makes it impossible to sell one twice.
CREATE TABLE IF NOT EXISTS sold (
    train TEXT NOT NULL, service_date TEXT NOT NULL, seat TEXT NOT NULL, segment INTEGER NOT NULL,
    order_id TEXT NOT NULL, PRIMARY KEY (train, service_date, seat, segment)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sold_by_order ON sold (order_id);
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, draft_key TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
    train TEXT NOT NULL, date TEXT NOT NULL, from_station TEXT NOT NULL, to_station TEXT NOT NULL,
    class TEXT NOT NULL, seat TEXT NOT NULL, passenger TEXT NOT NULL, document TEXT NOT NULL,
    passenger_id INTEGER NOT NULL, fare_fen INTEGER NOT NULL, due_fen INTEGER NOT NULL,
    change_of TEXT, pay_token TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, held_until INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS orders_by_user ON orders (user, created);
CREATE INDEX IF NOT EXISTS orders_held ON orders (held_until) WHERE state = 'held';
-- Money: charges above zero, refunds below. A payment is booked once.
CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY, order_id TEXT NOT NULL, amount_fen INTEGER NOT NULL, reason TEXT NOT NULL,
    payment_id TEXT UNIQUE, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE, user TEXT NOT NULL,
    body TEXT NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,
    outcome TEXT, status TEXT);
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox (user, seq) WHERE outcome IS NULL;
";
