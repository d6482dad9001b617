//! What a chatbot indicates to a user beside what it says: that it writes something, and that it has read what the user said.
//! And the other way: that a user writes to a chatbot, which its webhook may want to know.

use rcs::address::{Address, AddressKind};
use rcs::composing::{self, Composing, State};
use rcs::content_type;
use rcs::cpim::{self, Cpim, CpimBuilder};
use rcs::ids;
use rcs::imdn::Disposition;
use store::{Entry, RecordKey, Wants};

use crate::access::message::{CpmMessage, Posted};
use crate::delivery::Delivery;
use crate::report;
use crate::{Centre, Work};

impl Centre {
    /// The rows that [`Centre::pass_composing`] reads.
    pub fn composing_wants(&self, to: &Address, wants: &mut Wants) {
        wants.account(to);
        wants.bindings(to);
        wants.blocks(to);
    }

    /// Shows the devices of a user that are there that a chatbot writes something (RFC 3994). Nothing is kept of it.
    ///
    /// False when there is no such user. A user who has blocked the chatbot is not told, and the chatbot neither.
    pub fn pass_composing(&mut self, chatbot: &Address, to: &Address, work: &mut Work<'_>) -> bool {
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
            .build(Composing::new(State::Active).to_xml());
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
        if found.displayed_at.is_none() {
            report::mark(record, Disposition::Displayed, work);
            if found.wanted.display && work.view.account(&found.from).is_some() {
                self.report_as_chatbot(&found, Disposition::Displayed, work);
            }
        }
        true
    }

    /// A user writes to a chatbot: whoever speaks for the chatbot may tell it, now or never.
    pub(crate) fn note_typing(&mut self, posted: &Posted, work: &mut Work<'_>) {
        if posted.what.to.kind() == AddressKind::Chatbot && is_active(&posted.what) {
            work.typing.push((posted.what.to.clone(), posted.from.clone()));
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

/// Whether a fleeting message says that its sender is writing.
fn is_active(message: &CpmMessage) -> bool {
    let active = |body: &[u8]| Composing::parse(body).is_ok_and(|composing| composing.state == State::Active);
    if content_type::is(&message.content_type, composing::CONTENT_TYPE) {
        return active(&message.body);
    }
    let is_composing = message.payload_type == composing::CONTENT_TYPE;
    let envelope = is_composing.then(|| Cpim::parse(message.body.clone()).ok()).flatten();
    envelope.and_then(|envelope| envelope.decoded_payload().ok()).is_some_and(|payload| active(&payload))
}
