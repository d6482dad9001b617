//! What a chatbot indicates to a user beside what it says: that it writes something, and that it has read what the user said.
//! And the other way: that a user writes to a chatbot, which its webhook may want to know.

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::capability::Capabilities;
use rcs::composing::{self, Composing, State};
use rcs::content_type;
use rcs::cpim::{self, Cpim, CpimBuilder};
use rcs::ids;
use rcs::imdn::Disposition;
use serde::{Deserialize, Serialize};
use store::{Entry, EntryKind, RecordKey, Wants};

use crate::access::message::{CpmMessage, Posted};
use crate::delivery::Delivery;
use crate::report;
use crate::{Centre, Work};

/// Media type of [`DeviceCapabilities`], which never leaves the process.
pub const CAPABILITIES_TYPE: &str = "application/vnd.hongyan.capabilities+json";

/// What a user's devices can take, put into the mailbox of a chatbot that has asked: the body of an [`EntryKind::Status`] entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCapabilities {
    /// The chatbot's id of the question.
    pub request_id: String,
    /// Of all devices together; absent when none is registered.
    pub capabilities: Option<Capabilities>,
    /// When it was so.
    pub at: Timestamp,
}

/// Media type of [`ConsentChanged`], which never leaves the process.
pub const CONSENT_TYPE: &str = "application/vnd.hongyan.consent+json";

/// A user wants a chatbot's messages from now on, or does not: the body of an [`EntryKind::Status`] entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChanged {
    /// Whether they are wanted.
    pub is_given: bool,
    /// Since when.
    pub at: Timestamp,
}

/// Media type of what [`Centre::tell_revealed`] keeps, which never leaves the process: the token that stood for the user.
pub const REVEALED_TYPE: &str = "application/vnd.hongyan.revealed";

impl Centre {
    /// The rows that [`Centre::pass_composing`] reads.
    pub fn composing_wants(&self, to: &Address, wants: &mut Wants) {
        wants.account(to);
        wants.bindings(to);
        wants.blocks(to);
    }

    /// Shows the devices of a user that are there that a chatbot writes something, or has stopped (RFC 3994). Nothing is kept of
    /// it.
    ///
    /// False when there is no such user. A user who has blocked the chatbot is not told, and the chatbot neither.
    pub fn pass_composing(
        &mut self,
        chatbot: &Address,
        to: &Address,
        state: State,
        work: &mut Work<'_>,
    ) -> bool {
        if work.view.account(to).is_none() {
            return false;
        }
        if work.view.blocks(to).is_some_and(|blocks| blocks.has(chatbot)) {
            return true;
        }
        let domain = self.config.domain().to_owned();
        let message_id = ids::message_id(self.random_16());
        let body = CpimBuilder::new(&chatbot.sip_uri(&domain), &to.sip_uri(&domain))
            .message_id(&message_id)
            .date_time(work.now)
            .content_type(composing::CONTENT_TYPE)
            .build(Composing::new(state).to_xml());
        let hold = self.config.hold;
        let entry = self.platform_entry(chatbot, to, message_id, cpim::CONTENT_TYPE, body, work.now);
        self.pass_now(&Entry { expires_at: work.now.plus(hold), ..entry }, work);
        true
    }

    /// The rows that [`Centre::read_by_chatbot`] reads.
    pub fn read_wants(&self, record: &RecordKey, wants: &mut Wants) {
        wants.record(record.clone());
        report::sender_wants(&record.1, wants);
    }

    /// A chatbot has read a user's message (message id, user, chatbot): the user's devices hear so, if they asked.
    ///
    /// False when there is no such message. Told twice, the second time changes nothing.
    pub fn read_by_chatbot(&mut self, record: &RecordKey, work: &mut Work<'_>) -> bool {
        let Some(found) = work.view.record(record).cloned() else { return false };
        // It may say so before its webhook has answered: what it has read it has.
        self.report_for_chatbot(&found, true, work);
        if work.view.record(record).is_some_and(|record| record.displayed_at.is_none()) {
            report::mark(record, Disposition::Displayed, work);
        }
        true
    }

    /// Tells a chatbot, through its mailbox, what a user's devices can take. False when the mailbox is full.
    pub fn tell_capabilities(
        &mut self,
        chatbot: &Address,
        user: &Address,
        request_id: &str,
        capabilities: Option<Capabilities>,
        work: &mut Work<'_>,
    ) -> bool {
        let told = DeviceCapabilities { request_id: request_id.to_owned(), capabilities, at: work.now };
        let body = serde_json::to_vec(&told).expect("capabilities are plain data");
        let entry = self.platform_entry(
            user,
            chatbot,
            request_id.to_owned(),
            CAPABILITIES_TYPE,
            body.into(),
            work.now,
        );
        self.keep(Delivery::status(Entry { kind: EntryKind::Status, ..entry }), work).is_ok()
    }

    /// Tells a chatbot, through its mailbox, whether a user wants its messages. False when the mailbox is full.
    pub fn tell_consent(
        &mut self,
        chatbot: &Address,
        user: &Address,
        is_given: bool,
        work: &mut Work<'_>,
    ) -> bool {
        let told = ConsentChanged { is_given, at: work.now };
        let body = serde_json::to_vec(&told).expect("a flag and a time are plain data");
        let message_id = ids::message_id(self.random_16());
        let entry = self.platform_entry(user, chatbot, message_id, CONSENT_TYPE, body.into(), work.now);
        self.keep(Delivery::status(Entry { kind: EntryKind::Status, ..entry }), work).is_ok()
    }

    /// Tells a chatbot, through its mailbox, that a user whom it knew by `token` lets it know the number. False when the mailbox
    /// is full.
    pub fn tell_revealed(
        &mut self,
        chatbot: &Address,
        user: &Address,
        token: &str,
        work: &mut Work<'_>,
    ) -> bool {
        let body = token.to_owned().into();
        let entry = self.platform_entry(user, chatbot, token.to_owned(), REVEALED_TYPE, body, work.now);
        self.keep(Delivery::status(Entry { kind: EntryKind::Status, ..entry }), work).is_ok()
    }

    /// A user writes to a chatbot, or has stopped: whoever speaks for the chatbot may tell it, now or never.
    pub(crate) fn note_typing(&mut self, posted: &Posted, work: &mut Work<'_>) {
        if posted.what.to.kind() == AddressKind::Chatbot
            && let Some(state) = composing_state(&posted.what)
        {
            work.typing.push((posted.what.to.clone(), posted.from.clone(), state));
        }
    }

    /// A report from a chatbot's side on a user's message.
    pub(crate) fn report_as_chatbot(
        &mut self,
        record: &store::Record,
        disposition: Disposition,
        work: &mut Work<'_>,
    ) {
        let entry = self.imdn_entry(record, disposition, work.now);
        if let Err(refusal) = self.keep(Delivery::report(entry, record.key(), disposition), work) {
            tracing::warn!(sender = %record.from, %refusal, "a report could not be kept");
        }
    }
}

/// What a fleeting message says of its sender's writing; `None` if it says something else.
fn composing_state(message: &CpmMessage) -> Option<State> {
    let state = |body: &[u8]| Composing::parse(body).ok().map(|composing| composing.state);
    if content_type::is(&message.content_type, composing::CONTENT_TYPE) {
        return state(&message.body);
    }
    let is_composing = message.payload_type == composing::CONTENT_TYPE;
    let envelope = is_composing.then(|| Cpim::parse(message.body.clone()).ok()).flatten()?;
    state(&envelope.decoded_payload().ok()?)
}
