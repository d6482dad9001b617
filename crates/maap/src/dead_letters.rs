//! What administrators do about what webhooks did not take, and about what holds between a chatbot, its users and us.

use message_centre::dead_letters::DeadLetterKey;
use message_centre::{Centre, Work};
use rcs::address::{Address, AddressKind};
use store::{Consent, ConsentBy, EntryKey, Rules};

use crate::Maap;
use crate::call::{Answer, ContactChange};
use crate::consent::contact_of;

/// Longest reason for a change of consent, in characters.
const REASON_CHARS_MAX: usize = 100;

impl Maap {
    /// Puts dead letters back where they were; the mailbox is read from there, and everything in it tried at once.
    pub(crate) fn decide_put_back(
        &mut self,
        chatbot: &Address,
        letters: &[DeadLetterKey],
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Answer {
        if work.view.chatbot(chatbot).is_none() {
            return Answer::NotFound;
        }
        let of_chatbot = letters.iter().filter(|letter| letter.key.0 == *chatbot);
        let count = of_chatbot.filter(|letter| centre.put_back(letter, work)).count();
        if count > 0 {
            self.start_over(chatbot);
        }
        Answer::Counted(count)
    }

    pub(crate) fn decide_remove_dead_letters(&self, keys: &[EntryKey], work: &mut Work<'_>) -> Answer {
        let mut count = 0;
        for key in keys {
            count += usize::from(work.view.dead_letter(key).is_some());
            work.view.remove_dead_letter(key);
        }
        Answer::Counted(count)
    }

    pub(crate) fn decide_rules(&mut self, chatbot: &Address, rules: Rules, work: &mut Work<'_>) -> Answer {
        if work.view.chatbot(chatbot).is_none() {
            return Answer::NotFound;
        }
        if rules.per_second == Some(0) {
            return Answer::Invalid(
                "perSecond: at least 1; a chatbot that may send nothing is paused".to_owned(),
            );
        }
        // It begins with a full second of the new size.
        self.allowances.remove(chatbot.as_str());
        self.managed.campaigns.limits_changed(work.now);
        work.view.put_rules(chatbot, rules.clone());
        Answer::Rules(Box::new(rules))
    }

    pub(crate) fn decide_contact(
        &mut self,
        chatbot: &Address,
        user: &Address,
        change: ContactChange,
        work: &mut Work<'_>,
    ) -> Answer {
        if work.view.chatbot(chatbot).is_none() {
            return Answer::NotFound;
        }
        if user.kind() != AddressKind::Subscriber {
            return Answer::Invalid(format!("{user} is not a phone number"));
        }
        let word = change.reason.unwrap_or_default();
        if word.chars().count() > REASON_CHARS_MAX || word.chars().any(char::is_control) {
            return Answer::Invalid(format!("reason: at most {REASON_CHARS_MAX} characters in one line"));
        }
        let mut contact = contact_of(chatbot, user, work);
        if let Some(is_given) = change.consent {
            contact.note(Consent { is_given, at: work.now, word, by: change.by });
        }
        match change.revealed {
            Some(false) if change.by == ConsentBy::User => contact.hide(),
            Some(is_revealed) => contact.reveal(is_revealed),
            None => {}
        }
        if change.revoke_token {
            contact.token = None;
        }
        work.view.put_contact(contact.clone());
        Answer::Contact(Box::new(contact))
    }
}
