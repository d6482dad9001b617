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
