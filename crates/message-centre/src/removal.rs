//! A subscriber leaves: their sessions and what waited for them end, and whoever gets the number afterwards finds it empty. Or
//! devices of one are let go. Or a chatbot is no more: what waited for it goes, and its dead letters.
//!
//! A mailbox may hold more than one batch should take on, and so may the index of files and a history. They are cleared page by page; until that
//! is done, also after a restart, the number is not given out again.

use rcs::address::{Address, AddressKind};
use store::{Bindings, EntryId, EntryKey, FileId, Outcome, Wants};

use crate::events::Cause;
use crate::files;
use crate::group::members::Leave;
use crate::work::Task;
use crate::{Centre, Work};

/// Entries that one batch takes out of a mailbox.
const PAGE: usize = 256;
/// Files, of whatever owner, that one batch looks through.
const FILES_PAGE: usize = 2_000;
/// Where the index of files begins.
const FIRST_FILE: FileId = FileId([0; 16]);

/// What is to be looked at after a start of somebody for whom mail waits, or who has dead letters, and who is none of the
/// chatbots that there are.
pub fn wake(owner: Address) -> Option<Task> {
    match owner.kind() {
        AddressKind::Subscriber => Some(Task::Wake(owner)),
        AddressKind::Chatbot => Some(Task::Clear(owner)),
        _ => None,
    }
}

impl Centre {
    pub(crate) fn remove_subscriber(&mut self, address: &Address, work: &mut Work<'_>) {
        work.view.remove_account(address);
        for group in work.view.memberships(address) {
            let leave = Leave { group: group.clone(), member: address.clone() };
            work.then.push(Task::Leave(Box::new(leave)));
        }
        work.view.put_bindings(address, Default::default());
        self.bindings_changed(address, Cause::Removed, work);
        work.view.remove_configuration(address);
        work.view.put_blocks(address, Default::default());
        self.agents.retain(|(owner, _), _| owner != address);
        self.flows.values_mut().for_each(|users| users.retain(|(user, _)| user != address));
        self.end_relays_to(address, work);
        self.end_sessions_of(address, work.now);
        work.then.push(Task::Clear(address.clone()));
        self.clear_files(address, work);
        self.close_history(address, work);
    }

    /// Lets devices go that have registered with what is a secret no more: their bindings, their connections, and their sessions,
    /// among them those of callers who are not registered. Devices that stay prove themselves again.
    pub(crate) fn let_go(&mut self, address: &Address, is_meant: impl Fn(&str) -> bool, work: &mut Work<'_>) {
        let bindings = work.view.bindings(address).cloned().unwrap_or_default();
        let (out, list): (Vec<_>, Vec<_>) =
            bindings.list.into_iter().partition(|binding| is_meant(binding.device()));
        work.view.put_bindings(address, Bindings { list });
        self.bindings_changed(address, Cause::Network, work);
        self.flows.values_mut().for_each(|users| users.retain(|(user, _)| user != address));
        for binding in out {
            self.agents.remove(&(address.clone(), binding.device().to_owned()));
            if binding.flow.transport.is_reliable() {
                work.close.push(binding.flow);
            }
        }
        self.end_sessions_on(address, |device| device.is_empty() || is_meant(device), work.now);
    }

    /// Files that a subscriber who is gone has left go.
    pub(crate) fn clear_files(&mut self, address: &Address, work: &mut Work<'_>) {
        if work.view.usage(address).files > 0 {
            work.next.push(Task::ClearFiles(address.clone(), FIRST_FILE));
        }
    }

    pub(crate) fn clear_files_wants(&self, address: &Address, first: FileId, wants: &mut Wants) {
        wants.account(address);
        wants.file_page(address, first, FILES_PAGE);
    }

    /// Removes a page of the files of somebody who is no subscriber any more.
    pub(crate) fn decide_clear_files(&mut self, address: &Address, first: FileId, work: &mut Work<'_>) {
        if work.view.account(address).is_some() {
            return;
        }
        let page = work.view.file_page(&(address.clone(), first, FILES_PAGE)).cloned().unwrap_or_default();
        page.files.into_iter().for_each(|file| files::remove(file, work));
        if let Some(next) = page.next {
            work.next.push(Task::ClearFiles(address.clone(), next));
        }
    }

    pub(crate) fn clear_wants(&self, address: &Address, wants: &mut Wants) {
        if address.kind() == AddressKind::Chatbot {
            wants.chatbot(address);
            wants.dead_letter_page(address, PAGE);
        } else {
            wants.account(address);
        }
        wants.page(address, EntryId::FIRST, PAGE);
    }

    /// Ends the first page of what waits for somebody who is no subscriber any more, or no chatbot.
    pub(crate) fn decide_clear(&mut self, address: &Address, work: &mut Work<'_>) {
        let is_chatbot = address.kind() == AddressKind::Chatbot;
        let is_there = match is_chatbot {
            true => work.view.chatbot(address).is_some(),
            false => work.view.account(address).is_some(),
        };
        if is_there {
            return;
        }
        let letters =
            if is_chatbot { work.view.dead_letter_page(address, PAGE).to_vec() } else { Vec::new() };
        letters.iter().for_each(|key| work.view.remove_dead_letter(key));
        let page = work.view.page(&(address.clone(), EntryId::FIRST, PAGE)).unwrap_or_default().to_vec();
        let is_last = page.len() < PAGE && letters.len() < PAGE;
        let why = if is_chatbot { "the chatbot is no more" } else { "the addressee is a subscriber no more" };
        for id in page {
            let key: EntryKey = (address.clone(), id);
            if let Some(entry) = work.view.entry(&key).cloned() {
                work.view.remove_entry(&key);
                self.lost(&entry, Outcome::Refused(why.to_owned()), work);
            }
        }
        if !is_last {
            work.next.push(Task::Clear(address.clone()));
        }
    }
}
