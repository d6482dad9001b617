//! What an administrator may change about subscribers, and what they ask for themselves over HTTP. Listings read the store directly.

use rcs::address::Address;
use store::{Account, Wants};

use crate::blocks;
use crate::group::icon;
use crate::history;
use crate::provisioning;
use crate::work::Task;
use crate::{Centre, Work};

/// What is asked for, with the edge's way to answer.
#[derive(Debug)]
pub enum Call {
    /// Adds a subscriber, or gives one new credentials.
    PutSubscriber(Account),
    /// Removes a subscriber with its bindings, sessions, files and history, and from its groups. What waits for it ends, and its senders
    /// hear so.
    RemoveSubscriber(Address),
    /// About the configuration of handsets.
    Provisioning(provisioning::Call),
    /// A change of a block list.
    Blocks(blocks::Call),
    /// A change of a conversation history.
    History(history::Call),
    /// A group's icon.
    Icon(icon::Call),
}

/// How a change ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// There was none before.
    Added,
    /// There was one, and it has changed.
    Changed,
    /// It is gone.
    Removed,
    /// There is none.
    NotFound,
    /// The mail, the files or the history of the number's last holder are still being cleared: a moment later it can be given out.
    NotYet,
    /// To [`Call::Provisioning`].
    Provisioning(provisioning::Answer),
    /// To [`Call::Blocks`].
    Blocks(blocks::Answer),
    /// To [`Call::History`].
    History(history::Answer),
}

impl Call {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        let address = match self {
            Self::PutSubscriber(account) => &account.address,
            Self::RemoveSubscriber(address) => address,
            Self::Provisioning(call) => return call.wants(wants),
            Self::Blocks(call) => return call.wants(wants),
            Self::History(call) => return call.wants(wants),
            Self::Icon(call) => return wants.group(&call.group),
        };
        wants.account(address);
        wants.configuration(address);
        wants.bindings(address);
        wants.memberships(address);
        wants.head(address);
        wants.usage(address);
        wants.history(address);
    }
}

impl Centre {
    /// Decides an administrative call.
    pub fn decide_admin(&mut self, call: Call, work: &mut Work<'_>) -> Answer {
        match call {
            Call::PutSubscriber(mut account) => {
                let before = work.view.account(&account.address).cloned();
                let waits = work.view.head(&account.address).count > 0;
                let has_history = work.view.history(&account.address).is_some();
                let has_files = work.view.usage(&account.address).files > 0;
                if before.is_none() && (waits || has_files || has_history) {
                    self.clear_files(&account.address, work);
                    if has_history {
                        work.next.push(Task::TrimHistory(account.address.clone(), false));
                    }
                    work.next.push(Task::Clear(account.address));
                    return Answer::NotYet;
                }
                if let Some(before) = &before {
                    account.created_at = before.created_at;
                    account.display_name = account.display_name.or_else(|| before.display_name.clone());
                }
                if before.as_ref().is_some_and(|before| before.credentials != account.credentials) {
                    // Whoever knew the old password proves that they know the new one. Configured devices have their own.
                    let configured = work.view.configuration(&account.address).cloned();
                    let is_configured = |name: &str| {
                        let devices = configured.iter().flat_map(|all| &all.devices);
                        devices.into_iter().any(|device| device.has_registered_as(name))
                    };
                    self.let_go(&account.address, |name| !is_configured(name), work);
                    self.guesses.forgive(&account.address);
                }
                work.view.put_account(account);
                if before.is_some() { Answer::Changed } else { Answer::Added }
            }
            Call::RemoveSubscriber(address) => {
                if work.view.account(&address).is_none() {
                    return Answer::NotFound;
                }
                self.remove_subscriber(&address, work);
                Answer::Removed
            }
            Call::Blocks(call) => Answer::Blocks(self.decide_blocks(call, work)),
            Call::Icon(call) => match self.decide_icon_call(call, work) {
                true => Answer::Changed,
                false => Answer::NotFound,
            },
            Call::History(call) => Answer::History(self.decide_history(call, work)),
            Call::Provisioning(call) => Answer::Provisioning(self.decide_provisioning(call, work)),
        }
    }
}
