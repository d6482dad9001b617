//! Disposition reports (RFC 5438): which are news, what they change, and the ones that the centre itself writes.

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::cpim::{self, CpimBuilder};
use rcs::ids;
use rcs::imdn::{self, Disposition, Imdn};
use serde::{Deserialize, Serialize};
use store::{Entry, EntryKind, Outcome, Record, RecordKey, Wants};

use crate::delivery::{About, Delivery};
use crate::group::report::FanIn;
use crate::work::Task;
use crate::{Centre, Work};

/// Media type of [`Status`], which never leaves the process.
pub const STATUS_TYPE: &str = "application/vnd.hongyan.status+json";

/// The word of [`Record::report_request`] for [`Fate::Sent`].
const SENT: &str = "sent";
/// The word of [`Record::report_request`] for every other fate.
const FAILED: &str = "failed";

/// What became of a chatbot's message, put into the chatbot's mailbox: the body of an [`EntryKind::Status`] entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What happened.
    pub fate: Fate,
    /// When.
    pub at: Timestamp,
    /// Whether a device was being given the message when its time ran out, and so may have it all the same.
    #[serde(default)]
    pub may_arrive: bool,
}

/// The fates of a chatbot's message that no IMDN tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Accepted and on its way.
    Sent,
    /// There is no such user.
    NoSuchUser,
    /// Its time ran out before the user came back.
    Expired,
    /// The user's devices would not have it.
    Refused,
    /// The user's mailbox is full.
    MailboxFull,
    /// The user isn't there, and the message was not to wait.
    Offline,
    /// The user wants to hear nothing from this chatbot.
    Blocked,
    /// Taken back, as the chatbot asked.
    Revoked,
    /// Too late to take it back.
    NotRevoked,
}

/// A message that will not be delivered.
#[derive(Debug)]
pub struct Lost {
    pub(crate) record: RecordKey,
    pub(crate) outcome: Outcome,
    /// Whether a device is being given it.
    pub(crate) may_arrive: bool,
}

impl Lost {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.record(self.record.clone());
        if self.record.1.kind() == AddressKind::Group {
            wants.author(&self.record.1, &self.record.0);
        }
        sender_wants(&self.record.1, wants);
    }
}

/// The key of the record of a message entry.
pub(crate) fn record_key(entry: &Entry) -> RecordKey {
    (entry.message_id.clone(), entry.from.clone(), entry.to.clone())
}

/// The rows that [`Centre::tell_sender`] reads.
pub(crate) fn sender_wants(sender: &Address, wants: &mut Wants) {
    wants.head(sender);
    if sender.kind() != AddressKind::Chatbot {
        wants.account(sender);
        wants.bindings(sender);
    }
}

/// Whether a report tells the sender anything: of several devices only the first delivered and the first displayed do,
/// and nothing is delivered after it was displayed (rcs-core §12).
pub(crate) fn is_news(record: Option<&Record>, disposition: Disposition) -> bool {
    let Some(record) = record else { return false };
    match disposition {
        Disposition::Delivered => record.delivered_at.is_none() && record.displayed_at.is_none(),
        Disposition::Displayed => record.displayed_at.is_none(),
        _ => record.displayed_at.is_none(),
    }
}

/// Whether the addressee of an entry wants to have it: chatbots hear of the dispositions that they asked for, by the words
/// of [`Record::report_request`].
pub(crate) fn is_asked_for(entry: &Entry, about: &About, work: &Work<'_>) -> bool {
    let About::Report { original, disposition } = about else { return true };
    if entry.to.kind() != AddressKind::Chatbot {
        return true;
    }
    let word = match disposition {
        Disposition::Delivered => "delivered",
        Disposition::Displayed => "displayed",
        Disposition::Failed => FAILED,
        _ => return false,
    };
    work.view.record(original).is_some_and(|record| record.report_request.iter().any(|asked| asked == word))
}

/// Notes a report on the record of its message.
pub(crate) fn mark(original: &RecordKey, disposition: Disposition, work: &mut Work<'_>) {
    let now = work.now;
    work.view.update_record(original, |record| {
        record.step(now, format!("reported {}", disposition.elements().1));
        match disposition {
            Disposition::Delivered => record.delivered_at = record.delivered_at.or(Some(now)),
            Disposition::Displayed => {
                // Displayed implies delivered.
                record.delivered_at = record.delivered_at.or(Some(now));
                record.displayed_at = record.displayed_at.or(Some(now));
            }
            _ => {}
        }
    });
}

impl Centre {
    pub(crate) fn decide_lost(&mut self, lost: Lost, work: &mut Work<'_>) {
        let Some(mut record) = work.view.record(&lost.record).cloned() else {
            return;
        };
        if record.outcome != Outcome::Waiting {
            return;
        }
        record.step(work.now, format!("ended: {:?}", lost.outcome));
        record.outcome = lost.outcome;
        let fate = match record.outcome {
            Outcome::Expired => Fate::Expired,
            _ => Fate::Refused,
        };
        work.view.put_record(record.clone());
        self.lose_from_history(&record, work);
        self.tell_sender_of(&record, fate, lost.may_arrive, work);
    }

    /// Tells the sender of a message what became of it, if it asked to be told.
    pub(crate) fn tell_sender(&mut self, record: &Record, fate: Fate, work: &mut Work<'_>) {
        self.tell_sender_of(record, fate, false, work);
    }

    fn tell_sender_of(&mut self, record: &Record, fate: Fate, may_arrive: bool, work: &mut Work<'_>) {
        let delivery = if record.from.kind() == AddressKind::Chatbot {
            let word = if fate == Fate::Sent { SENT } else { FAILED };
            if !record.report_request.iter().any(|asked| asked == word) {
                return;
            }
            let status = Status { fate, at: work.now, may_arrive };
            Delivery::status(self.status_entry(record, &status))
        } else if record.from.kind() == AddressKind::Subscriber && work.view.account(&record.from).is_none() {
            // Nobody is there to be told, and the next holder of the number is somebody else.
            return;
        } else if record.wanted.negative_delivery && fate != Fate::Sent {
            if record.from.kind() == AddressKind::Group {
                return self.tell_author(record, work);
            }
            let entry = self.imdn_entry(record, Disposition::Failed, work.now);
            Delivery::report(entry, record.key(), Disposition::Failed)
        } else {
            return;
        };
        if let Err(refusal) = self.keep(delivery, work) {
            tracing::warn!(sender = %record.from, %refusal, "a report could not be kept");
        }
    }

    /// Tells the author of a group message that a member will not get it.
    fn tell_author(&mut self, record: &Record, work: &mut Work<'_>) {
        let Some(author) = work.view.author(&record.from, &record.message_id).cloned() else { return };
        let disposition = Disposition::Failed;
        let mut entry = self.imdn_entry(record, disposition, work.now);
        (entry.from, entry.to) = (record.from.clone(), author);
        let fan_in = FanIn { entry, original: record.key(), disposition, asker: None };
        work.then.push(Task::FanIn(Box::new(fan_in)));
    }

    /// Before a report of display leaves: what is displayed was delivered, and whoever asked to hear that hears it now. The
    /// device's own report of delivery comes late, and says nothing new (rcs-core §12).
    pub(crate) fn report_implied(
        &mut self,
        original: &RecordKey,
        disposition: Disposition,
        author: Option<&Address>,
        work: &mut Work<'_>,
    ) {
        let Some(record) = work.view.record(original).cloned() else { return };
        let is_implied = disposition == Disposition::Displayed
            && record.delivered_at.is_none()
            && record.wanted.positive_delivery;
        if !is_implied || !self.reporting.insert((original.clone(), Disposition::Delivered)) {
            return;
        }
        let mut entry = self.imdn_entry(&record, Disposition::Delivered, work.now);
        if let Some(author) = author {
            (entry.from, entry.to) = (record.from.clone(), author.clone());
        }
        let delivery = Delivery::report(entry, original.clone(), Disposition::Delivered);
        if self.deliver(delivery, None, work).is_err() {
            self.reporting.remove(&(original.clone(), Disposition::Delivered));
        }
    }

    /// Reports from a chatbot's side on a message that it has: delivered, and read if that `is_reading`. What was reported before
    /// is not reported again.
    pub(crate) fn report_for_chatbot(&mut self, record: &Record, is_reading: bool, work: &mut Work<'_>) {
        let due = [
            (Disposition::Delivered, record.wanted.positive_delivery),
            (Disposition::Displayed, record.wanted.display && is_reading),
        ];
        if work.view.account(&record.from).is_none() {
            return;
        }
        for (disposition, is_due) in due {
            if !is_due || !is_news(Some(record), disposition) {
                continue;
            }
            self.report_as_chatbot(record, disposition, work);
        }
    }

    fn status_entry(&mut self, record: &Record, status: &Status) -> Entry {
        let message_id = record.message_id.clone();
        self.report_entry(record, EntryKind::Status, message_id, STATUS_TYPE, status.to_json(), status.at)
    }

    /// Tells a chatbot what became of a message that need not have a record.
    pub(crate) fn tell_fate(&mut self, key: &RecordKey, fate: Fate, work: &mut Work<'_>) {
        let (message_id, chatbot, user) = key;
        let body = Status { fate, at: work.now, may_arrive: false }.to_json();
        let entry = self.platform_entry(user, chatbot, message_id.clone(), STATUS_TYPE, body, work.now);
        let entry = Entry { kind: EntryKind::Status, ..entry };
        if let Err(refusal) = self.keep(Delivery::status(entry), work) {
            tracing::warn!(%chatbot, %refusal, "a status could not be kept");
        }
    }

    /// Something that the platform says to `to` about what it said to `from`.
    pub(crate) fn platform_entry(
        &mut self,
        from: &Address,
        to: &Address,
        message_id: String,
        content_type: &str,
        body: Bytes,
        now: Timestamp,
    ) -> Entry {
        let expires_at = now.plus(self.config.report_validity);
        Entry {
            id: self.ids.next(now),
            kind: EntryKind::Report,
            message_id,
            from: from.clone(),
            to: to.clone(),
            conversation_id: ids::conversation_between(from, to),
            contribution_id: ids::conversation_id(self.random_16()),
            in_reply_to: None,
            service: None,
            content_type: content_type.to_owned(),
            body,
            wanted: Default::default(),
            accepted_at: now,
            expires_at,
            waiting: Vec::new(),
            taken: Vec::new(),
            refused: Vec::new(),
            attempts: 0,
            next_due: expires_at,
            spooled: None,
            accept: Vec::new(),
        }
    }

    /// An IMDN about `record`'s message, from its addressee to its sender.
    pub(crate) fn imdn_entry(&mut self, record: &Record, disposition: Disposition, now: Timestamp) -> Entry {
        let domain = self.config.domain().to_owned();
        let mut report = Imdn::new(&record.message_id, disposition);
        report.date_time = Some(record.accepted_at);
        report.recipient_uri = Some(record.to.as_str().to_owned());
        let message_id = ids::message_id(self.random_16());
        let body = CpimBuilder::new(&record.to.sip_uri(&domain), &record.from.sip_uri(&domain))
            .date_time(now)
            .message_id(&message_id)
            .content_type(imdn::CONTENT_TYPE)
            .content_header("Content-Disposition", "notification")
            .build(report.to_xml());
        self.report_entry(record, EntryKind::Report, message_id, cpim::CONTENT_TYPE, body, now)
    }

    fn report_entry(
        &mut self,
        about: &Record,
        kind: EntryKind,
        message_id: String,
        content_type: &str,
        body: Bytes,
        now: Timestamp,
    ) -> Entry {
        let entry = self.platform_entry(&about.to, &about.from, message_id, content_type, body, now);
        let (conversation_id, contribution_id) =
            (about.conversation_id.clone(), about.contribution_id.clone());
        Entry { kind, conversation_id, contribution_id, ..entry }
    }
}

impl Status {
    fn to_json(&self) -> Bytes {
        serde_json::to_vec(self).expect("a status is plain data").into()
    }
}
