//! What is still to be sent: rows that the platform has not yet accepted.
//!
//! Each user's messages go out in order: only the oldest row of a user is ever due. A row keeps its message
//! id over retries and restarts, so the platform recognises a repeat. It leaves with an outcome: `sent`, or
//! the reason why it could not be.

use rusqlite::{Connection, params};
use serde_json::json;

use crate::content::Message;

/// A message that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub seq: i64,
    pub message_id: String,
    /// The JSON of the send call.
    pub body: String,
    pub attempts: u32,
    /// When it was queued, Unix seconds.
    pub created: i64,
}

/// Which conversation a message belongs to.
pub struct Thread<'a> {
    pub user: &'a str,
    /// The user's conversation; empty for one that never wrote.
    pub conversation_id: &'a str,
    /// The contribution id of the message that is answered.
    pub in_reply_to: Option<&'a str>,
}

/// Queues a message in the caller's transaction.
pub fn post(
    db: &Connection,
    now: i64,
    random: &mut dyn FnMut() -> u128,
    chatbot_id: &str,
    thread: &Thread,
    message: &Message,
) -> rusqlite::Result<()> {
    let mut id = || uuid::Builder::from_random_bytes(random().to_be_bytes()).into_uuid().to_string();
    let message_id = id();
    let conversation_id =
        if thread.conversation_id.is_empty() { id() } else { thread.conversation_id.to_string() };
    let mut body = json!({
        "messageId": message_id,
        "messageList": message.message_list(),
        "destinationAddress": [thread.user],
        "senderAddress": chatbot_id,
        "conversationId": conversation_id,
        "contributionId": id(),
        "serviceCapability": [{"capabilityId": "ChatbotSA", "version": "+g.gsma.rcs.botversion=\"#=1\""}],
        "reportRequest": ["sent", "delivered", "displayed", "failed"],
    });
    if let Some(in_reply_to) = thread.in_reply_to.filter(|id| !id.is_empty()) {
        body["inReplyTo"] = json!(in_reply_to);
    }
    db.prepare_cached("INSERT INTO outbox (message_id, user, body, due, created) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![message_id, thread.user, body.to_string(), now, now])?;
    Ok(())
}

/// The oldest message of each user, those that are due, at most `limit`.
pub fn due(db: &Connection, now: i64, limit: u32) -> rusqlite::Result<Vec<Waiting>> {
    db.prepare_cached(
        "SELECT seq, message_id, body, attempts, created FROM outbox
         WHERE seq IN (SELECT min(seq) FROM outbox WHERE outcome IS NULL GROUP BY user) AND due <= ?
         ORDER BY seq LIMIT ?",
    )?
    .query_map(params![now, limit], |row| {
        Ok(Waiting {
            seq: row.get(0)?,
            message_id: row.get(1)?,
            body: row.get(2)?,
            attempts: row.get(3)?,
            created: row.get(4)?,
        })
    })?
    .collect()
}

/// The message is done with: `sent`, or why not.
pub fn finish(db: &Connection, seq: i64, outcome: &str) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE outbox SET outcome = ?, attempts = attempts + 1 WHERE seq = ?",
        params![outcome, seq],
    )?;
    Ok(())
}

/// The message is to be tried again at `due`.
pub fn retry(db: &Connection, seq: i64, due: i64) -> rusqlite::Result<()> {
    db.execute("UPDATE outbox SET due = ?, attempts = attempts + 1 WHERE seq = ?", params![due, seq])?;
    Ok(())
}

/// Notes a delivery report; a late `delivered` does not undo a `displayed`.
pub fn report(db: &Connection, message_id: &str, status: &str) -> rusqlite::Result<()> {
    db.execute(
        "UPDATE outbox SET status = ?1 WHERE message_id = ?2
         AND NOT (status IS 'displayed' OR (status IS 'delivered' AND ?1 = 'sent'))",
        params![status, message_id],
    )?;
    Ok(())
}

/// Seconds to wait after the nth failed attempt: 1, 2, 4 … up to 32.
pub fn backoff_s(attempts: u32) -> i64 {
    1_i64 << attempts.min(5)
}

/// A message of this age is given up: the platform keeps nothing longer either.
pub const GIVE_UP_S: i64 = 24 * 3600;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database;

    fn queue(db: &Connection, user: &str, count: u128) {
        let mut drawn = u128::from(db.last_insert_rowid().unsigned_abs()) << 64;
        let mut random = || {
            drawn += 1;
            drawn
        };
        let thread = Thread { user, conversation_id: "", in_reply_to: None };
        for _ in 0..count {
            post(db, 100, &mut random, "sip:bot@x", &thread, &Message::text("hi")).expect("queued");
        }
    }

    #[test]
    fn only_the_oldest_message_of_each_user_is_due() {
        let db = database::in_memory();
        queue(&db, "a", 3);
        queue(&db, "b", 1);
        let first = due(&db, 100, 10).expect("due");
        assert_eq!(first.iter().map(|waiting| waiting.seq).collect::<Vec<_>>(), [1, 4]);
        finish(&db, 1, "sent").expect("finished");
        retry(&db, 4, 105).expect("put off");
        let second = due(&db, 101, 10).expect("due");
        assert_eq!(second.iter().map(|waiting| waiting.seq).collect::<Vec<_>>(), [2]);
        // A message that waits for its next attempt keeps those behind it waiting.
        retry(&db, 2, 200).expect("put off");
        let third = due(&db, 105, 10).expect("due");
        assert_eq!(third.iter().map(|waiting| (waiting.seq, waiting.attempts)).collect::<Vec<_>>(), [(4, 1)]);
    }

    #[test]
    fn reports_that_come_late_undo_nothing() {
        let db = database::in_memory();
        queue(&db, "a", 1);
        let id = due(&db, 100, 1).expect("due")[0].message_id.clone();
        for (status, kept) in
            [("sent", "sent"), ("displayed", "displayed"), ("delivered", "displayed"), ("sent", "displayed")]
        {
            report(&db, &id, status).expect("noted");
            let now: String =
                db.query_row("SELECT status FROM outbox", [], |row| row.get(0)).expect("a status");
            assert_eq!(now, kept, "after {status}");
        }
        report(&db, "unknown", "sent").expect("nothing to note");
    }

    #[test]
    fn waits_grow_to_half_a_minute() {
        assert_eq!([0, 1, 4, 5, 60].map(backoff_s), [1, 2, 16, 32, 32]);
    }
}
