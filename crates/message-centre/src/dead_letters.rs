//! Dead letters: what was given up on on its way to a chatbot is kept, so that it can be looked at and put back.
//!
//! The sender of a message hears that it failed when it is given up on, and that it was delivered when it is after all.

use std::time::Duration;

use rcs::Timestamp;
use store::{DeadLetter, EntryKey, EntryKind, Outcome, Wants};

use crate::submit::Fetched;
use crate::{Centre, Work, report};

/// What dead letters are held to.
#[derive(Debug, Clone)]
pub struct Config {
    /// Most of one chatbot. What is given up on while there are as many is gone.
    pub per_chatbot_max: u64,
    /// Most bytes of bodies of one chatbot's.
    pub per_chatbot_bytes_max: u64,
    /// How long they are kept.
    pub keep: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            per_chatbot_max: 10_000,
            per_chatbot_bytes_max: 64 << 20,
            keep: Duration::from_secs(14 * 86_400),
        }
    }
}

/// A dead letter to put back into its mailbox, with its record if it is a message.
pub type DeadLetterKey = Fetched;

impl Centre {
    /// From before when dead letters may be forgotten.
    pub fn dead_letters_begin(&self, now: Timestamp) -> Timestamp {
        now.minus(self.config.dead_letters.keep)
    }

    /// The rows that [`Centre::give_up_for_chatbot`] reads beside the entry and its chatbot.
    pub fn give_up_wants(&self, key: &EntryKey, wants: &mut Wants) {
        wants.dead_letter_count(&key.0);
    }

    /// Nobody tries any more to bring an entry to its chatbot: it leaves the mailbox and is a dead letter, if there is room for
    /// one. The chatbot's row must have been loaded.
    pub fn give_up_for_chatbot(&mut self, key: &EntryKey, outcome: Outcome, work: &mut Work<'_>) {
        let Some(entry) = work.view.entry(key).cloned() else { return };
        work.view.remove_entry(key);
        let is_message = entry.kind == EntryKind::Message;
        let why = match &outcome {
            Outcome::Refused(why) => {
                work.stats.refused += u64::from(is_message);
                why.clone()
            }
            _ => {
                work.stats.expired += 1;
                "its time ran out".to_owned()
            }
        };
        let count = work.view.dead_letter_count(&key.0);
        let limits = &self.config.dead_letters;
        let has_room = count.count < limits.per_chatbot_max
            && count.body_bytes + entry.body_bytes() <= limits.per_chatbot_bytes_max;
        if work.view.chatbot(&key.0).is_none() {
            tracing::debug!(chatbot = %key.0, "what waited for a chatbot that is no more is gone");
        } else if has_room {
            let (entry, last_answer) = (entry.clone(), entry.refused.last().cloned());
            work.view.put_dead_letter(DeadLetter { entry, why, last_answer, given_up_at: work.now });
            work.stats.dead_letters += 1;
        } else {
            work.stats.dead_letters_lost += 1;
            tracing::warn!(chatbot = %key.0, why, "given up on, and there is no room for another dead letter");
        }
        self.lost(&entry, outcome, work);
    }

    /// The rows that [`Centre::put_back`] reads.
    pub fn put_back_wants(&self, letter: &DeadLetterKey, wants: &mut Wants) {
        wants.dead_letter(&letter.key);
        wants.entry(&letter.key);
        if let Some(record) = &letter.record {
            wants.record(record.clone());
        }
    }

    /// Puts a dead letter back where it was in its mailbox, to be tried anew for as long as it might have waited at first.
    /// False when there is no such dead letter any more, or no room in the mailbox.
    pub fn put_back(&mut self, letter: &DeadLetterKey, work: &mut Work<'_>) -> bool {
        let Some(found) = work.view.dead_letter(&letter.key).cloned() else { return false };
        let mut entry = found.entry;
        if !self.has_room_for(&entry, work) {
            return false;
        }
        entry.expires_at =
            work.now.plus(entry.expires_at.since(entry.accepted_at).max(self.config.report_validity));
        (entry.attempts, entry.refused, entry.next_due) = (0, Vec::new(), entry.expires_at);
        let (now, keep_until) = (work.now, entry.expires_at.plus(self.config.dedup_window));
        if let Some(key) = &letter.record {
            work.view.update_record(key, |record| {
                record.step(now, "put back into the mailbox");
                record.outcome = Outcome::Waiting;
                record.keep_until = record.keep_until.max(keep_until);
            });
        }
        work.view.remove_dead_letter(&letter.key);
        work.woken.push(entry.to.clone());
        work.view.put_entry(entry);
        true
    }

    pub(crate) fn forget_dead_letters(&self, keys: &[EntryKey], work: &mut Work<'_>) {
        let before = self.dead_letters_begin(work.now);
        for key in keys {
            // One that was put back and given up on again meanwhile is younger.
            if work.view.dead_letter(key).is_some_and(|letter| letter.given_up_at < before) {
                work.view.remove_dead_letter(key);
            }
        }
    }
}

/// What names a dead letter to put back.
pub fn key_of(letter: &DeadLetter) -> DeadLetterKey {
    let record = (letter.entry.kind == EntryKind::Message).then(|| report::record_key(&letter.entry));
    DeadLetterKey { key: letter.key(), record }
}
