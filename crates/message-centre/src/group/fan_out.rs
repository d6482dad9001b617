//! What is said in a group, brought to its members: into the mailbox of each in one commit, all sharing the bytes of one body.

use rcs::address::Address;
use store::{Entry, Outcome, Wants};

use crate::access::Refusal;
use crate::delivery::{Asker, Delivery};
use crate::{Centre, Work};

/// A message of a member on its way to others.
#[derive(Debug)]
pub struct FanOut {
    pub(super) asker: Asker,
    /// As the focus took it: from the author to the group.
    pub(super) entry: Entry,
    pub(super) payload_type: String,
    /// The author's device, which does not hear its own words.
    pub(super) device: Option<String>,
    pub(super) to: Vec<Address>,
    /// Whether it is only worth something now.
    pub(super) is_fleeting: bool,
}

impl FanOut {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.record(crate::report::record_key(&self.entry));
        for member in self.to.iter().chain([&self.entry.from]) {
            wants.head(member);
            wants.bindings(member);
        }
    }
}

impl Centre {
    pub(crate) fn decide_fan_out(&mut self, fan_out: FanOut, work: &mut Work<'_>) {
        let FanOut { asker, entry, payload_type, device, to, is_fleeting } = fan_out;
        let (group, author) = (entry.to.clone(), entry.from.clone());
        if is_fleeting {
            for member in &to {
                self.pass_now(&Entry { from: group.clone(), to: member.clone(), ..entry.clone() }, work);
            }
            return self.answer_asker(&asker, 200, work);
        }
        let key = crate::report::record_key(&entry);
        if work.view.record(&key).is_some() {
            // The same message twice in one batch.
            work.stats.duplicates += 1;
            work.discard(entry.spooled);
            return self.answer_asker(&asker, 200, work);
        }
        self.note_said(&entry, &payload_type, work);
        self.remember(&entry, &Outcome::Delivered, work);
        let spooled = entry.spooled.clone();
        let mut is_kept = false;
        for member in to {
            let copy =
                Entry { id: self.ids.next(work.now), from: group.clone(), to: member, ..entry.clone() };
            is_kept |= self.keep_copy(copy, &payload_type, work);
        }
        is_kept |= self.keep_for_other_devices(entry, &group, &author, device, work);
        if !is_kept {
            work.discard(spooled);
        }
        self.answer_asker(&asker, 200, work);
    }

    /// The record of the message itself: the group has it. Reports on it are for its author.
    fn note_said(&mut self, entry: &Entry, payload_type: &str, work: &mut Work<'_>) {
        let mut record = self.record(entry, payload_type.to_owned(), Vec::new(), Outcome::Delivered, work);
        // It is known as long as one of its copies may be on its way or be reported on.
        record.keep_until = entry.expires_at.plus(self.config.report_validity);
        work.view.put_record(record);
        work.view.put_author(&entry.to, &entry.message_id, &entry.from);
    }

    /// Puts a copy into the mailbox of a member; false when it does not fit there.
    fn keep_copy(&mut self, copy: Entry, payload_type: &str, work: &mut Work<'_>) -> bool {
        if self.has_room_for(&copy, work) {
            let delivery = Delivery::message(copy, payload_type.to_owned(), None);
            return match self.keep(delivery, work) {
                Ok(()) => true,
                Err(refusal) => {
                    tracing::warn!(%refusal, "a copy of a group message could not be kept");
                    false
                }
            };
        }
        // One member's full mailbox is nothing that the author or the others should suffer from.
        work.stats.refused += 1;
        let outcome = Outcome::Refused(Refusal::MailboxFull.to_string());
        let record = self.record(&copy, payload_type.to_owned(), Vec::new(), outcome, work);
        work.view.put_record(record);
        false
    }

    /// The author's other devices show what it said on this one; false when there are none, or there is no room.
    fn keep_for_other_devices(
        &mut self,
        entry: Entry,
        group: &Address,
        author: &Address,
        device: Option<String>,
        work: &mut Work<'_>,
    ) -> bool {
        let Some(device) = device else { return false };
        let bindings = work.view.bindings(author);
        let has_others = bindings
            .is_some_and(|bindings| bindings.live(work.now).any(|binding| binding.device() != device));
        if !has_others {
            return false;
        }
        let copy = Entry {
            id: self.ids.next(work.now),
            from: group.clone(),
            to: author.clone(),
            taken: vec![device],
            ..entry
        };
        if !self.has_room_for(&copy, work) {
            return false;
        }
        let kept = self.keep(Delivery::copy(copy), work);
        if let Err(refusal) = &kept {
            tracing::warn!(%refusal, "a copy of a group message could not be kept");
        }
        kept.is_ok()
    }
}
