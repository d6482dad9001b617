//! What an administrator may change about subscribers. Listings read the store directly.

use rcs::address::Address;
use store::{Account, Wants};

use crate::group::members::Leave;
use crate::work::Task;
use crate::{Centre, Work};

/// A change that an administrator asks for, with the edge's way to answer.
#[derive(Debug)]
pub enum Call {
    /// Adds a subscriber, or gives one new credentials.
    PutSubscriber(Account),
    /// Removes a subscriber with its bindings and from its groups. What waits for it expires in its time.
    RemoveSubscriber(Address),
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// There was none before.
    Added,
    /// There was one, and it has changed.
    Changed,
    /// It is gone.
    Removed,
    /// There is none.
    NotFound,
}

impl Call {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        let address = match self {
            Self::PutSubscriber(account) => &account.address,
            Self::RemoveSubscriber(address) => address,
        };
        wants.account(address);
        wants.bindings(address);
        wants.memberships(address);
    }
}

impl Centre {
    /// Decides an administrative call.
    pub fn decide_admin(&mut self, call: Call, work: &mut Work<'_>) -> Answer {
        match call {
            Call::PutSubscriber(mut account) => {
                let before = work.view.account(&account.address).cloned();
                if let Some(before) = &before {
                    account.created_at = before.created_at;
                    account.display_name = account.display_name.or_else(|| before.display_name.clone());
                }
                // Whoever knew the old password proves that they know the new one.
                self.flows.values_mut().for_each(|users| users.retain(|(user, _)| *user != account.address));
                work.view.put_account(account);
                if before.is_some() { Answer::Changed } else { Answer::Added }
            }
            Call::RemoveSubscriber(address) => {
                if work.view.account(&address).is_none() {
                    return Answer::NotFound;
                }
                work.view.remove_account(&address);
                for group in work.view.memberships(&address) {
                    let leave = Leave { group: group.clone(), member: address.clone() };
                    work.then.push(Task::Leave(Box::new(leave)));
                }
                work.view.put_bindings(&address, Default::default());
                self.agents.retain(|(owner, _), _| *owner != address);
                self.flows.values_mut().for_each(|users| users.retain(|(user, _)| *user != address));
                Answer::Removed
            }
        }
    }
}
