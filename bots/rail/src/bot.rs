//! One input, one transaction: recognise repeats, decide, write session, orders and answers.
//!
//! Everything here is synchronous and is given the time; `serve.rs` puts threads and sockets around it.

use rusqlite::{Connection, TransactionBehavior};
use time::OffsetDateTime;

use crate::content::Message;
use crate::database;
use crate::decide::{self, Desk, Input, Payment, Settlement, World};
use crate::orders;
use crate::outbox::{self, Thread};
use crate::session::Session;

/// A message from a user, as the webhook brought it.
#[derive(Clone, Debug)]
pub struct Inbound {
    pub message_id: String,
    /// `tel:+86…`, or whatever address the platform gives.
    pub user: String,
    pub conversation_id: String,
    pub contribution_id: String,
    pub input: Input,
}

/// The report of the payment page.
#[derive(Clone, Debug)]
pub enum PageOutcome {
    Paid(Payment),
    GivenUp { pay_token: String },
}

/// The decisions with the database that they are kept in.
pub struct Bot {
    pub world: World,
    pub chatbot_id: String,
}

impl Bot {
    /// Takes a message. False if it had been taken before; then nothing changes.
    pub fn receive(
        &self,
        db: &mut Connection,
        now: OffsetDateTime,
        random: &mut dyn FnMut() -> u128,
        inbound: &Inbound,
    ) -> rusqlite::Result<bool> {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if !database::first_time(&tx, &inbound.message_id, now.unix_timestamp())? {
            return Ok(false);
        }
        let mut session = Session::load(&tx, &inbound.user)?;
        session.conversation_id = inbound.conversation_id.clone();
        let mut desk = self.desk(&tx, now, &inbound.user, &session, random);
        let answers = decide::respond(&mut desk, &mut session, &inbound.input)?;
        session.save(&tx, &inbound.user)?;
        let thread = Thread {
            user: &inbound.user,
            conversation_id: &inbound.conversation_id,
            in_reply_to: Some(&inbound.contribution_id),
        };
        self.post(&tx, now, random, &thread, &answers)?;
        tx.commit()?;
        Ok(true)
    }

    /// Takes what the payment page reports and tells the user.
    pub fn settle(
        &self,
        db: &mut Connection,
        now: OffsetDateTime,
        random: &mut dyn FnMut() -> u128,
        outcome: &PageOutcome,
    ) -> rusqlite::Result<Settlement> {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let token = match outcome {
            PageOutcome::Paid(payment) => &payment.pay_token,
            PageOutcome::GivenUp { pay_token } => pay_token,
        };
        let Some(order) = orders::by_pay_token(&tx, token)? else {
            return Ok(Settlement::Refused);
        };
        let session = Session::load(&tx, &order.user)?;
        let mut desk = self.desk(&tx, now, &order.user, &session, random);
        let (settlement, news) = match outcome {
            PageOutcome::Paid(payment) => decide::settle(&mut desk, payment)?,
            PageOutcome::GivenUp { pay_token } => decide::given_up(&desk, pay_token)?,
        };
        self.tell(&tx, now, random, &order.user, &session, &news)?;
        tx.commit()?;
        Ok(settlement)
    }

    /// Ends the held orders whose ten minutes are over. How many there were, at most a page.
    pub fn expire(
        &self,
        db: &mut Connection,
        now: OffsetDateTime,
        random: &mut dyn FnMut() -> u128,
    ) -> rusqlite::Result<usize> {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let lapsed = orders::lapsed(&tx, now.unix_timestamp())?;
        for order in &lapsed {
            let session = Session::load(&tx, &order.user)?;
            let desk = self.desk(&tx, now, &order.user, &session, random);
            let news = decide::expire(&desk, order)?;
            self.tell(&tx, now, random, &order.user, &session, &news)?;
        }
        tx.commit()?;
        Ok(lapsed.len())
    }

    fn desk<'a>(
        &'a self,
        db: &'a Connection,
        now: OffsetDateTime,
        user: &'a str,
        session: &Session,
        random: &'a mut dyn FnMut() -> u128,
    ) -> Desk<'a> {
        Desk { db, world: &self.world, now, user, lang: session.lang, random }
    }

    /// News that no message asked for, into the user's latest thread.
    fn tell(
        &self,
        db: &Connection,
        now: OffsetDateTime,
        random: &mut dyn FnMut() -> u128,
        user: &str,
        session: &Session,
        news: &[Message],
    ) -> rusqlite::Result<()> {
        let thread = Thread { user, conversation_id: &session.conversation_id, in_reply_to: None };
        self.post(db, now, random, &thread, news)
    }

    fn post(
        &self,
        db: &Connection,
        now: OffsetDateTime,
        random: &mut dyn FnMut() -> u128,
        thread: &Thread,
        messages: &[Message],
    ) -> rusqlite::Result<()> {
        for message in messages {
            outbox::post(db, now.unix_timestamp(), random, &self.chatbot_id, thread, message)?;
        }
        Ok(())
    }
}
