//! The way in for what does not come over SIP: the chatbot platform hands over its messages here, and tells what became of
//! the ones it fetched from chatbots' mailboxes.

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::Address;
use rcs::cpim::Dispositions;
use store::{Entry, EntryKey, EntryKind, Outcome, RecordKey, Wants};

use crate::access::Refusal;
use crate::delivery::{About, Delivery};
use crate::report::{self, Fate};
use crate::{Centre, Work};

/// A message for one subscriber.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The sender's id; repeats are recognised by it.
    pub message_id: String,
    /// The sender.
    pub from: Address,
    /// The addressee.
    pub to: Address,
    /// RCC.07 Conversation-ID.
    pub conversation_id: String,
    /// RCC.07 Contribution-ID.
    pub contribution_id: String,
    /// RCC.07 InReplyTo-Contribution-ID.
    pub in_reply_to: Option<String>,
    /// The ICSI to deliver under.
    pub service: Option<String>,
    /// Accept-Contact values that a device must fit (RFC 3841).
    pub accept: Vec<String>,
    /// Media type of `body`.
    pub content_type: String,
    /// The body as it goes on the wire.
    pub body: Bytes,
    /// Media type of what a person sees.
    pub payload_type: String,
    /// The reports that `body` asks for.
    pub wanted: Dispositions,
    /// Which statuses the sender wants to hear of, by its dialect's names.
    pub report_request: Vec<String>,
    /// When to stop trying.
    pub expires_at: Timestamp,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// In the addressee's mailbox once this batch is committed.
    Accepted,
    /// It was accepted before; nothing changed.
    Duplicate,
    /// There is no such subscriber.
    NoSuchUser,
    /// The addressee's mailbox is full.
    MailboxFull,
    /// The addressee has blocked the sender.
    Blocked,
}

impl Submission {
    /// The key of the record of this message.
    pub fn record_key(&self) -> RecordKey {
        (self.message_id.clone(), self.from.clone(), self.to.clone())
    }
}

/// A message entry in a chatbot's mailbox, as the webhook agent knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The entry.
    pub key: EntryKey,
    /// Its record; absent for reports and statuses.
    pub record: Option<RecordKey>,
}

impl Fetched {
    /// As read from the mailbox.
    pub fn of(entry: &Entry) -> Self {
        Self {
            key: entry.key(),
            record: (entry.kind == EntryKind::Message).then(|| report::record_key(entry)),
        }
    }
}

impl Centre {
    /// The rows that [`Centre::submit`] reads.
    pub fn submit_wants(&self, from: &Address, to: &Address, message_id: &str, wants: &mut Wants) {
        wants.account(to);
        wants.bindings(to);
        wants.blocks(to);
        wants.head(to);
        wants.head(from);
        wants.record((message_id.to_owned(), from.clone(), to.clone()));
    }

    /// Accepts a message for a subscriber: into the mailbox, and from there to the devices.
    pub fn submit(&mut self, submission: Submission, work: &mut Work<'_>) -> Submitted {
        if work.view.record(&submission.record_key()).is_some() {
            work.stats.duplicates += 1;
            return Submitted::Duplicate;
        }
        self.submit_new(submission, work)
    }

    /// As [`Centre::submit`], and no device is given the message before `not_before`.
    pub fn submit_later(
        &mut self,
        submission: Submission,
        not_before: Timestamp,
        work: &mut Work<'_>,
    ) -> Submitted {
        if work.view.record(&submission.record_key()).is_some() {
            work.stats.duplicates += 1;
            return Submitted::Duplicate;
        }
        self.submit_at(submission, Some(not_before), work)
    }

    /// As [`Centre::submit`], for a message id that nobody has used; so the record and the sender's head are not read.
    pub fn submit_new(&mut self, submission: Submission, work: &mut Work<'_>) -> Submitted {
        self.submit_at(submission, None, work)
    }

    fn submit_at(
        &mut self,
        submission: Submission,
        not_before: Option<Timestamp>,
        work: &mut Work<'_>,
    ) -> Submitted {
        if work.view.account(&submission.to).is_none() {
            return Submitted::NoSuchUser;
        }
        if work.view.blocks(&submission.to).is_some_and(|blocks| blocks.has(&submission.from)) {
            return Submitted::Blocked;
        }
        let (mut entry, about) = self.entry_of(submission, work.now);
        if let Some(not_before) = not_before {
            (entry.kind, entry.next_due) = (EntryKind::Deferred, not_before.min(entry.expires_at));
        }
        match self.keep(Delivery { entry, only: None, about }, work) {
            Ok(()) => Submitted::Accepted,
            Err(Refusal::MailboxFull) => Submitted::MailboxFull,
            Err(other) => unreachable!("keeping a message only fails when the mailbox is full: {other}"),
        }
    }

    /// Accepts a message for a chatbot: into its mailbox, and from there to its webhook.
    pub(crate) fn submit_to_chatbot(&mut self, submission: Submission, work: &mut Work<'_>) -> Submitted {
        if work.view.record(&submission.record_key()).is_some() {
            work.stats.duplicates += 1;
            return Submitted::Duplicate;
        }
        let (entry, about) = self.entry_of(submission, work.now);
        match self.keep(Delivery { entry, only: None, about }, work) {
            Ok(()) => Submitted::Accepted,
            Err(_) => Submitted::MailboxFull,
        }
    }

    /// Accepts a message and gives it up at once: there is a record to ask for, and the sender hears why through its mailbox.
    /// The rows are those of [`Centre::submit_wants`].
    pub fn give_up(&mut self, submission: Submission, fate: Fate, work: &mut Work<'_>) {
        let reason = match fate {
            Fate::NoSuchUser => "there is no such subscriber",
            Fate::MailboxFull => "the mailbox is full",
            Fate::Offline => "the user is not there, and the message may not wait",
            Fate::Blocked => "blocked by the addressee",
            Fate::Sent | Fate::Expired | Fate::Refused | Fate::Revoked | Fate::NotRevoked => "given up",
        };
        self.give_up_because(submission, fate, reason, work);
    }

    /// As [`Centre::give_up`], with a reason of the caller's for the trace.
    pub fn give_up_because(&mut self, submission: Submission, fate: Fate, reason: &str, work: &mut Work<'_>) {
        if work.view.record(&submission.record_key()).is_some() {
            work.stats.duplicates += 1;
            return;
        }
        work.stats.refused += 1;
        let (entry, about) = self.entry_of(submission, work.now);
        let key = report::record_key(&entry);
        let outcome = Outcome::Refused(reason.to_owned());
        self.note(&entry, about, outcome, work);
        self.tell(&key, fate, work);
    }

    /// Whether a subscriber has a device that can be reached now.
    pub fn is_there(&self, subscriber: &Address, work: &Work<'_>) -> bool {
        let bindings = work.view.bindings(subscriber);
        bindings.is_some_and(|bindings| bindings.live(work.now).any(|binding| self.is_reachable(binding)))
    }

    /// Tells the sender of a submission, through its mailbox, that it is on its way or what stopped it.
    pub fn tell(&mut self, record: &RecordKey, fate: Fate, work: &mut Work<'_>) {
        if let Some(record) = work.view.record(record).cloned() {
            self.tell_sender(&record, fate, work);
        }
    }

    /// The rows that [`Centre::taken_by_chatbot`] and [`Centre::retry_for_chatbot`] read.
    pub fn fetched_wants(&self, fetched: &Fetched, wants: &mut Wants) {
        wants.entry(&fetched.key);
        if let Some(record) = &fetched.record {
            wants.record(record.clone());
            report::sender_wants(&record.1, wants);
        }
    }

    /// A chatbot's webhook has taken an entry: it leaves the mailbox, and the sender hears what it asked to hear. Whether to
    /// have taken is to have read (`is_reading`) depends on whether the chatbot has another way to say so
    /// ([`Centre::read_by_chatbot`]).
    pub fn taken_by_chatbot(&mut self, fetched: &Fetched, is_reading: bool, work: &mut Work<'_>) {
        if work.view.entry(&fetched.key).is_none() {
            return;
        }
        work.view.remove_entry(&fetched.key);
        let Some(key) = &fetched.record else { return };
        let now = work.now;
        work.stats.delivered += 1;
        work.view.update_record(key, |record| {
            record.step(now, "taken by the chatbot");
            record.outcome = Outcome::Delivered;
        });
        if let Some(record) = work.view.record(key).cloned() {
            self.report_for_chatbot(&record, is_reading, work);
        }
    }

    /// An entry is nothing that its chatbot can be told: it leaves the mailbox, and a message's sender hears of it. A message
    /// becomes a dead letter, since another version of the platform may know what to make of it.
    pub fn refused_by_chatbot(&mut self, key: &EntryKey, why: String, work: &mut Work<'_>) {
        let Some(entry) = work.view.entry(key) else { return };
        match entry.kind {
            EntryKind::Message => self.give_up_for_chatbot(key, Outcome::Refused(why), work),
            _ => work.view.remove_entry(key),
        }
    }

    /// An entry waits behind one that its chatbot's webhook has not taken: it expires at `expires_at`, and says `why`.
    pub fn waits_for_chatbot(
        &mut self,
        key: &EntryKey,
        why: &str,
        expires_at: Timestamp,
        work: &mut Work<'_>,
    ) {
        if let Some(mut entry) = work.view.entry(key).cloned() {
            entry.refused = vec![why.to_owned()];
            (entry.expires_at, entry.next_due) = (expires_at, expires_at);
            work.view.put_entry(entry);
        }
    }

    /// A chatbot's webhook was tried and failed: the entry stays, and expires at `expires_at`. Its agent knows when to try again.
    pub fn retry_for_chatbot(
        &mut self,
        fetched: &Fetched,
        why: &str,
        expires_at: Timestamp,
        work: &mut Work<'_>,
    ) {
        let Some(mut entry) = work.view.entry(&fetched.key).cloned() else {
            return;
        };
        entry.attempts += 1;
        entry.refused = vec![why.to_owned()];
        (entry.expires_at, entry.next_due) = (expires_at, expires_at);
        work.view.put_entry(entry);
        let now = work.now;
        if let Some(key) = &fetched.record {
            work.view.update_record(key, |record| record.step(now, format!("webhook: {why}")));
        }
    }

    fn entry_of(&mut self, submission: Submission, now: Timestamp) -> (Entry, About) {
        let entry = Entry {
            id: self.ids.next(now),
            kind: EntryKind::Message,
            message_id: submission.message_id,
            from: submission.from,
            to: submission.to,
            conversation_id: submission.conversation_id,
            contribution_id: submission.contribution_id,
            in_reply_to: submission.in_reply_to,
            service: submission.service,
            content_type: submission.content_type,
            body: submission.body,
            wanted: submission.wanted,
            accepted_at: now,
            expires_at: submission.expires_at,
            waiting: Vec::new(),
            taken: Vec::new(),
            refused: Vec::new(),
            attempts: 0,
            next_due: submission.expires_at,
            spooled: None,
            accept: submission.accept,
        };
        let (payload_type, report_request) = (submission.payload_type, submission.report_request);
        (entry, About::Message { payload_type, report_request })
    }
}
