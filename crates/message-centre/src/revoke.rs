//! Messages that their senders take back (RCC.07, message revocation; rcs-core §18): as long as no device has one and none is
//! being given it. The addressee never hears of it; the sender is told what came of the request.

use rcs::address::{Address, AddressKind};
use rcs::cpim::{self, CpimBuilder};
use rcs::ids;
use rcs::revoke::{CONTENT_TYPE, Revoke};
use store::{Entry, EntryId, EntryKey, EntryKind, Outcome, RecordKey, Wants};

use crate::delivery::{Delivery, For};
use crate::report::{self, Fate};
use crate::work::Task;
use crate::{Centre, Work};

/// Entries of the mailbox that are looked through at a time.
const PAGE: usize = 256;

/// A message to take back.
#[derive(Debug)]
pub struct Revocation {
    /// Its record.
    record: RecordKey,
    /// After which entry it is looked for in the mailbox; absent before its record has been read.
    after: Option<EntryId>,
}

impl Revocation {
    /// The message of `from` with this id for `to`.
    pub fn new(message_id: String, from: Address, to: Address) -> Self {
        Self { record: (message_id, from, to), after: None }
    }

    pub(crate) fn wants(&self, wants: &mut Wants) {
        let (_, from, to) = &self.record;
        wants.record(self.record.clone());
        report::sender_wants(from, wants);
        wants.head(to);
        if let Some(after) = self.after {
            wants.page(to, after, PAGE);
        }
    }
}

impl Centre {
    /// Finds the message in the mailbox, in one or more steps of one commit, and takes it out.
    pub(crate) fn decide_revoke(&mut self, revocation: Revocation, work: &mut Work<'_>) {
        let Revocation { record: key, after } = revocation;
        let Some(record) = work.view.record(&key) else {
            return self.tell_revoked(&key, false, work);
        };
        if record.outcome == Outcome::Revoked {
            return self.tell_revoked(&key, true, work);
        }
        // What a webhook is being given cannot be known here.
        if record.outcome != Outcome::Waiting || key.2.kind() == AddressKind::Chatbot {
            return self.tell_revoked(&key, false, work);
        }
        let Some(after) = after else {
            // It was put into the mailbox when it was accepted, or some seconds later.
            let after = Some(EntryId::before(record.accepted_at));
            return work.then.push(Task::Revoke(Box::new(Revocation { record: key, after })));
        };
        let page = work.view.page(&(key.2.clone(), after, PAGE)).unwrap_or_default().to_vec();
        let keys = page.iter().map(|id| (key.2.clone(), *id));
        let is_message = |entry: &Entry| matches!(entry.kind, EntryKind::Message | EntryKind::Deferred);
        let is_it = |entry: &Entry| is_message(entry) && report::record_key(entry) == key;
        let found = keys.filter_map(|key| work.view.entry(&key)).find(|entry| is_it(entry)).cloned();
        match (found, page.last()) {
            (Some(entry), _) => {
                let is_done = self.take_back(&entry, work);
                self.tell_revoked(&key, is_done, work);
            }
            (None, Some(last)) if page.len() == PAGE => {
                let next = Revocation { record: key, after: Some(*last) };
                work.next.push(Task::Revoke(Box::new(next)));
            }
            (None, _) => self.tell_revoked(&key, false, work),
        }
    }

    fn take_back(&mut self, entry: &Entry, work: &mut Work<'_>) -> bool {
        if !entry.taken.is_empty() || self.is_under_way(&entry.key()) {
            return false;
        }
        work.view.remove_entry(&entry.key());
        self.note_revoked(&report::record_key(entry), work);
        work.stats.revoked += 1;
        true
    }

    /// Notes on a record, if there is one, that its message was taken back; histories lose it.
    pub(crate) fn note_revoked(&self, key: &RecordKey, work: &mut Work<'_>) {
        let now = work.now;
        work.view.update_record(key, |record| {
            record.step(now, "revoked by its sender");
            record.outcome = Outcome::Revoked;
        });
        if let Some(record) = work.view.record(key).cloned() {
            self.lose_from_history(&record, work);
        }
    }

    /// Whether a device is being given an entry: nobody knows then whether it has it.
    pub(crate) fn is_under_way(&self, key: &EntryKey) -> bool {
        self.attempts.values().any(|attempt| matches!(&attempt.made_for, For::Entry(of, _) if of == key))
    }

    pub(crate) fn tell_revoked(&mut self, key: &RecordKey, is_done: bool, work: &mut Work<'_>) {
        let (message_id, sender, addressee) = key;
        if sender.kind() == AddressKind::Chatbot {
            let fate = if is_done { Fate::Revoked } else { Fate::NotRevoked };
            return self.tell_fate(key, fate, work);
        }
        if work.view.account(sender).is_none() {
            return;
        }
        let domain = self.config.domain().to_owned();
        let answer = Revoke { message_id: message_id.clone(), result: Some(is_done) };
        let own_id = ids::message_id(self.random_16());
        let body = CpimBuilder::new(&addressee.sip_uri(&domain), &sender.sip_uri(&domain))
            .date_time(work.now)
            .message_id(&own_id)
            .content_type(CONTENT_TYPE)
            .build(answer.to_xml());
        let mut entry = self.platform_entry(addressee, sender, own_id, cpim::CONTENT_TYPE, body, work.now);
        if let Some(record) = work.view.record(key) {
            entry.conversation_id.clone_from(&record.conversation_id);
        }
        if let Err(refusal) = self.deliver(Delivery::status(entry), None, work) {
            tracing::warn!(%sender, %refusal, "what came of a revocation could not be told");
        }
    }
}
