//! A subscriber leaves: what waited for them ends, and whoever gets the number afterwards finds it empty.
//!
//! A mailbox may hold more than one batch should take on. It is cleared page by page; until that is done, also after a
//! restart, the number is not given out again.

use rcs::address::Address;
use store::{EntryId, EntryKey, Outcome, Wants};

use crate::group::members::Leave;
use crate::work::Task;
use crate::{Centre, Work};

/// Entries that one batch takes out of a mailbox.
const PAGE: usize = 256;

impl Centre {
    pub(crate) fn remove_subscriber(&mut self, address: &Address, work: &mut Work<'_>) {
        work.view.remove_account(address);
        for group in work.view.memberships(address) {
            let leave = Leave { group: group.clone(), member: address.clone() };
            work.then.push(Task::Leave(Box::new(leave)));
        }
        work.view.put_bindings(address, Default::default());
        work.view.remove_configuration(address);
        work.view.put_blocks(address, Default::default());
        self.agents.retain(|(owner, _), _| owner != address);
        self.flows.values_mut().for_each(|users| users.retain(|(user, _)| user != address));
        self.end_relays_to(address, work);
        work.then.push(Task::Clear(address.clone()));
    }

    pub(crate) fn clear_wants(&self, address: &Address, wants: &mut Wants) {
        wants.account(address);
        wants.page(address, EntryId::FIRST, PAGE);
    }

    /// Ends the first page of what waits for somebody who is no subscriber any more.
    pub(crate) fn decide_clear(&mut self, address: &Address, work: &mut Work<'_>) {
        if work.view.account(address).is_some() {
            return;
        }
        let page = work.view.page(&(address.clone(), EntryId::FIRST, PAGE)).unwrap_or_default().to_vec();
        let is_last = page.len() < PAGE;
        for id in page {
            let key: EntryKey = (address.clone(), id);
            if let Some(entry) = work.view.entry(&key).cloned() {
                work.view.remove_entry(&key);
                self.lost(&entry, Outcome::Refused("the addressee is a subscriber no more".to_owned()), work);
            }
        }
        if !is_last {
            work.next.push(Task::Clear(address.clone()));
        }
    }
}
