//! The view: the rows a batch of decisions reads and changes, between `load` and `commit`.
//!
//! A task names what it will read in [`Wants`]; [`crate::Store::load`] brings it into a [`View`]; decisions read and change
//! rows there and see each other's changes; [`crate::Store::commit`] writes what changed.

use std::collections::hash_map::Entry as MapEntry;
use std::sync::Arc;

use rcs::Timestamp;
use rcs::address::Address;
use rustc_hash::FxHashMap;

use crate::account::Account;
use crate::audit::Act;
use crate::binding::Bindings;
use crate::blocks::Blocks;
use crate::campaign::{
    self, Campaign, CampaignId, CampaignNumber, CampaignNumberKey, CampaignOutcomes, CampaignPage,
    CampaignPageKey, CampaignTally, Increment, News, Progress,
};
use crate::chatbot::Chatbot;
use crate::configuration::Configuration;
use crate::contact::{Alias, Contact, ContactKey};
use crate::dead_letter::{DeadLetter, DeadLetterCount};
use crate::file::{File, FileId, Transfer, TransferKey, Usage};
use crate::group::{Author, AuthorKey, Group, IconPicture, Leg, LegKey, Memberships};
use crate::history::{History, HistoryKey, HistoryState, Remembered};
use crate::mailbox::{Entry, EntryId, EntryKey, Head, due_key, holders_value};
use crate::media::Media;
use crate::proposal::{Proposal, ProposalKey};
use crate::record::{Record, RecordKey};
use crate::row::{Family, Row, encode};
use crate::rules::{Rules, Spending};
use crate::service_account::ServiceAccount;
use crate::spam_report::SpamReport;
use crate::subscription::Watchers;
use crate::template::{Template, TemplateKey};
use crate::tenant::{ApiKey, FormerOwner, Owner, Tenant};

/// The rows a batch needs. Asking twice costs nothing.
#[derive(Debug, Default)]
pub struct Wants {
    pub(crate) accounts: Vec<Address>,
    pub(crate) bindings: Vec<Address>,
    pub(crate) heads: Vec<Address>,
    pub(crate) entries: Vec<EntryKey>,
    pub(crate) records: Vec<RecordKey>,
    pub(crate) chatbots: Vec<Address>,
    pub(crate) service_accounts: Vec<Address>,
    pub(crate) configurations: Vec<Address>,
    pub(crate) blocks: Vec<Address>,
    pub(crate) files: Vec<FileId>,
    pub(crate) transfers: Vec<TransferKey>,
    pub(crate) usages: Vec<Address>,
    pub(crate) media: Vec<FileId>,
    pub(crate) media_pages: Vec<MediaPageKey>,
    pub(crate) proposals: Vec<ProposalKey>,
    pub(crate) proposal_lists: Vec<Address>,
    pub(crate) file_pages: Vec<FilePageKey>,
    pub(crate) pages: Vec<PageKey>,
    pub(crate) groups: Vec<Address>,
    pub(crate) legs: Vec<LegKey>,
    pub(crate) memberships: Vec<Address>,
    pub(crate) authors: Vec<AuthorKey>,
    pub(crate) watchers: Vec<Address>,
    pub(crate) histories: Vec<Address>,
    pub(crate) history_states: Vec<HistoryKey>,
    pub(crate) history_pages: Vec<HistoryPageKey>,
    pub(crate) dead_letters: Vec<EntryKey>,
    pub(crate) dead_letter_counts: Vec<Address>,
    pub(crate) dead_letter_pages: Vec<DeadLetterPageKey>,
    pub(crate) contacts: Vec<ContactKey>,
    pub(crate) rules: Vec<Address>,
    pub(crate) spending: Vec<String>,
    pub(crate) templates: Vec<TemplateKey>,
    pub(crate) template_lists: Vec<Address>,
    pub(crate) campaigns: Vec<CampaignId>,
    pub(crate) campaign_progress: Vec<CampaignId>,
    pub(crate) campaign_pages: Vec<CampaignPageKey>,
    pub(crate) campaign_numbers: Vec<CampaignNumberKey>,
    pub(crate) tenants: Vec<String>,
    pub(crate) api_keys: Vec<String>,
    pub(crate) api_key_lists: Vec<String>,
    pub(crate) former_owners: Vec<Address>,
    pub(crate) acts: Vec<EntryId>,
}

/// A stretch of a mailbox: the owner, the entry after which it begins, and how many entries at the most.
pub type PageKey = (Address, EntryId, usize);

/// A stretch of the index of files: the owner whose files are looked for, the first id, and how many rows of whatever owner
/// are looked at.
pub type FilePageKey = (Address, FileId, usize);

/// The beginning of what a chatbot has in the media library: whose, and how many.
pub(crate) type MediaPageKey = (Address, usize);

/// The first dead letters of a chatbot: whose, and how many.
pub(crate) type DeadLetterPageKey = (Address, usize);

/// The beginning of a history: whose, and how many messages.
pub type HistoryPageKey = (Address, usize);

/// What a stretch of the index of files has of somebody.
#[derive(Debug, Clone, Default)]
pub struct FilePage {
    /// Their files.
    pub files: Vec<FileId>,
    /// Where the next stretch begins; `None` at the end.
    pub next: Option<FileId>,
}

impl Wants {
    /// The account of a subscriber.
    pub fn account(&mut self, address: &Address) {
        self.accounts.push(address.clone());
    }

    /// The bindings of a subscriber.
    pub fn bindings(&mut self, address: &Address) {
        self.bindings.push(address.clone());
    }

    /// How much waits for somebody. Needed before an entry is added to or removed from the mailbox.
    pub fn head(&mut self, address: &Address) {
        self.heads.push(address.clone());
    }

    /// One entry, and the head of its mailbox.
    pub fn entry(&mut self, key: &EntryKey) {
        self.entries.push(key.clone());
        self.heads.push(key.0.clone());
    }

    /// A message's record for one addressee.
    pub fn record(&mut self, key: RecordKey) {
        self.records.push(key);
    }

    /// A chatbot.
    pub fn chatbot(&mut self, address: &Address) {
        self.chatbots.push(address.clone());
    }

    /// The service account of a chatbot.
    pub fn service_account(&mut self, chatbot: &Address) {
        self.service_accounts.push(chatbot.clone());
    }

    /// The configured devices of a subscriber.
    pub fn configuration(&mut self, address: &Address) {
        self.configurations.push(address.clone());
    }

    /// The block list of a subscriber.
    pub fn blocks(&mut self, address: &Address) {
        self.blocks.push(address.clone());
    }

    /// A file, and the rows that are kept in step with it.
    pub fn file(&mut self, file: &File) {
        self.files.push(file.id);
        self.transfers.extend(file.transfer_key());
        self.usages.push(file.owner.clone());
    }

    /// An upload that is under way and has no transfer id, if it is one.
    pub fn unfinished(&mut self, id: FileId, owner: &Address) {
        self.files.push(id);
        self.usages.push(owner.clone());
    }

    /// What somebody's files come to.
    pub fn usage(&mut self, owner: &Address) {
        self.usages.push(owner.clone());
    }

    /// The files of somebody among `limit` files from `first` on, each as by [`Wants::file`].
    pub fn file_page(&mut self, owner: &Address, first: FileId, limit: usize) {
        self.file_pages.push((owner.clone(), first, limit));
        self.usages.push(owner.clone());
    }

    /// One of the media of `owner`, and what they come to.
    pub fn media(&mut self, id: FileId, owner: &Address) {
        self.media.push(id);
        self.usages.push(owner.clone());
    }

    /// The first `limit` media of a chatbot, each as by [`Wants::media`].
    pub fn media_page(&mut self, owner: &Address, limit: usize) {
        self.media_pages.push((owner.clone(), limit));
        self.usages.push(owner.clone());
    }

    /// One proposal of a chatbot.
    pub fn proposal(&mut self, key: &ProposalKey) {
        self.proposals.push(key.clone());
    }

    /// All proposals of a chatbot.
    pub fn proposals_of(&mut self, chatbot: &Address) {
        self.proposal_lists.push(chatbot.clone());
    }

    /// Up to `limit` entries of a mailbox that come after `after`, in order, and the head of the mailbox.
    pub fn page(&mut self, address: &Address, after: EntryId, limit: usize) {
        self.pages.push((address.clone(), after, limit));
        self.heads.push(address.clone());
    }

    /// A group.
    pub fn group(&mut self, address: &Address) {
        self.groups.push(address.clone());
    }

    /// How a member's devices are connected to a group.
    pub fn leg(&mut self, group: &Address, member: &Address) {
        self.legs.push((group.clone(), member.clone()));
    }

    /// The groups of a subscriber.
    pub fn memberships(&mut self, member: &Address) {
        self.memberships.push(member.clone());
    }

    /// Whose a message in a group was.
    pub fn author(&mut self, group: &Address, message_id: &str) {
        self.authors.push((group.clone(), message_id.to_owned()));
    }

    /// Who watches somebody's registration or presence.
    pub fn watchers(&mut self, resource: &Address) {
        self.watchers.push(resource.clone());
    }

    /// Whether somebody's history is kept.
    pub fn history(&mut self, owner: &Address) {
        self.histories.push(owner.clone());
    }

    /// A message in somebody's history. Needed, with the history, before it is added, changed or removed.
    pub fn history_state(&mut self, key: &HistoryKey) {
        self.histories.push(key.owner.clone());
        self.history_states.push(key.clone());
    }

    /// The oldest `limit` messages in somebody's history, each as by [`Wants::history_state`].
    pub fn history_page(&mut self, owner: &Address, limit: usize) {
        self.histories.push(owner.clone());
        self.history_pages.push((owner.clone(), limit));
    }

    /// A dead letter, and how many its chatbot has. Needed before one is added, put back or removed.
    pub fn dead_letter(&mut self, key: &EntryKey) {
        self.dead_letters.push(key.clone());
        self.dead_letter_counts.push(key.0.clone());
    }

    /// How many dead letters a chatbot has. Needed before something that was in its mailbox becomes one.
    pub fn dead_letter_count(&mut self, chatbot: &Address) {
        self.dead_letter_counts.push(chatbot.clone());
    }

    /// The first `limit` dead letters of a chatbot, each as by [`Wants::dead_letter`].
    pub fn dead_letter_page(&mut self, chatbot: &Address, limit: usize) {
        self.dead_letter_pages.push((chatbot.clone(), limit));
        self.dead_letter_counts.push(chatbot.clone());
    }

    /// What a chatbot and a user are to each other.
    pub fn contact(&mut self, chatbot: &Address, user: &Address) {
        self.contacts.push((chatbot.clone(), user.clone()));
    }

    /// What an operator has set of a chatbot's traffic.
    pub fn rules(&mut self, chatbot: &Address) {
        self.rules.push(chatbot.clone());
    }

    /// How much was counted for somebody.
    pub fn spending(&mut self, whose: &str) {
        self.spending.push(whose.to_owned());
    }

    /// How many pages are wanted: what costs most to load.
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
            && self.bindings.is_empty()
            && self.heads.is_empty()
            && self.entries.is_empty()
            && self.records.is_empty()
            && self.chatbots.is_empty()
            && self.service_accounts.is_empty()
            && self.configurations.is_empty()
            && self.blocks.is_empty()
            && self.files.is_empty()
            && self.transfers.is_empty()
            && self.usages.is_empty()
            && self.media.is_empty()
            && self.media_pages.is_empty()
            && self.proposals.is_empty()
            && self.proposal_lists.is_empty()
            && self.pages.is_empty()
            && self.file_pages.is_empty()
            && self.groups.is_empty()
            && self.legs.is_empty()
            && self.memberships.is_empty()
            && self.authors.is_empty()
            && self.watchers.is_empty()
            && self.histories.is_empty()
            && self.history_states.is_empty()
            && self.history_pages.is_empty()
            && self.dead_letters.is_empty()
            && self.dead_letter_counts.is_empty()
            && self.dead_letter_pages.is_empty()
            && self.contacts.is_empty()
            && self.rules.is_empty()
            && self.spending.is_empty()
            && self.templates.is_empty()
            && self.template_lists.is_empty()
            && self.campaigns.is_empty()
            && self.campaign_progress.is_empty()
            && self.campaign_pages.is_empty()
            && self.campaign_numbers.is_empty()
            && self.tenants.is_empty()
            && self.api_keys.is_empty()
            && self.api_key_lists.is_empty()
            && self.former_owners.is_empty()
            && self.acts.is_empty()
    }
}

/// What a view knows of an entry.
#[derive(Debug)]
pub enum Lookup<'v> {
    /// Nothing: no task asked for it.
    NotLoaded,
    /// That it is in no mailbox any more.
    Gone,
    /// The entry.
    Here(&'v Entry),
}

/// Loaded rows and the changes made to them.
#[derive(Debug, Default)]
pub struct View {
    pub(crate) accounts: Table<Account>,
    pub(crate) bindings: Table<Bindings>,
    pub(crate) heads: Table<Head>,
    pub(crate) entries: Table<Entry>,
    pub(crate) records: Table<Record>,
    pub(crate) chatbots: Table<Chatbot>,
    pub(crate) service_accounts: Table<ServiceAccount>,
    pub(crate) configurations: Table<Configuration>,
    pub(crate) blocks: Table<Blocks>,
    pub(crate) spam_reports: Table<SpamReport>,
    pub(crate) files: Table<File>,
    pub(crate) transfers: Table<Transfer>,
    pub(crate) usages: Table<Usage>,
    pub(crate) media: Table<Media>,
    pub(crate) media_pages: FxHashMap<MediaPageKey, Vec<FileId>>,
    pub(crate) proposals: Table<Proposal>,
    pub(crate) proposal_lists: FxHashMap<Address, Vec<ProposalKey>>,
    pub(crate) groups: Table<Group>,
    pub(crate) icons: Table<IconPicture>,
    pub(crate) legs: Table<Leg>,
    pub(crate) memberships: Table<Memberships>,
    pub(crate) authors: Table<Author>,
    pub(crate) watchers: Table<Watchers>,
    pub(crate) histories: Table<History>,
    pub(crate) remembered: Table<Remembered>,
    pub(crate) history_states: Table<HistoryState>,
    pub(crate) templates: Table<Template>,
    pub(crate) template_lists: FxHashMap<Address, Vec<TemplateKey>>,
    pub(crate) campaigns: Table<Campaign>,
    pub(crate) campaign_progress: Table<Progress>,
    pub(crate) campaign_tallies: Table<CampaignTally>,
    pub(crate) campaign_pages: Table<CampaignPage>,
    pub(crate) campaign_numbers: Table<CampaignNumber>,
    pub(crate) campaign_outcomes: Table<CampaignOutcomes>,
    pub(crate) tenants: Table<Tenant>,
    pub(crate) owners: Table<Owner>,
    pub(crate) former_owners: Table<FormerOwner>,
    pub(crate) api_keys: Table<ApiKey>,
    pub(crate) api_key_lists: FxHashMap<String, Vec<String>>,
    pub(crate) acts: Table<Act>,
    pub(crate) history_pages: FxHashMap<HistoryPageKey, Vec<(HistoryKey, Timestamp)>>,
    pub(crate) dead_letters: Table<DeadLetter>,
    pub(crate) dead_letter_counts: Table<DeadLetterCount>,
    pub(crate) dead_letter_pages: FxHashMap<DeadLetterPageKey, Vec<EntryKey>>,
    pub(crate) contacts: Table<Contact>,
    pub(crate) aliases: Table<Alias>,
    pub(crate) rules: Table<Rules>,
    pub(crate) spending: Table<Spending>,
    pub(crate) pages: FxHashMap<PageKey, Vec<EntryId>>,
    pub(crate) file_pages: FxHashMap<FilePageKey, FilePage>,
    /// The due time on disk of the entries that were loaded with one.
    pub(crate) stored_due: FxHashMap<EntryKey, Timestamp>,
    /// What happened to the records of campaigns' messages, by campaign and sender.
    pub(crate) campaign_news: FxHashMap<(CampaignId, Address), News>,
    /// How many entries hold their body in each file: of the entries that were loaded or put, what it was on disk and is now.
    spooled: FxHashMap<String, Holders>,
}

/// How many entries hold their body in one file: those of a group message share it.
#[derive(Debug, Clone, Copy, Default)]
struct Holders {
    before: u32,
    now: u32,
}

impl View {
    /// The account of a subscriber; `None` when there is no such subscriber.
    pub fn account(&self, address: &Address) -> Option<&Account> {
        self.accounts.get(address)
    }

    /// Adds or replaces an account.
    pub fn put_account(&mut self, account: Account) {
        self.accounts.put(account.address.clone(), Some(account));
    }

    /// Removes an account.
    pub fn remove_account(&mut self, address: &Address) {
        self.accounts.put(address.clone(), None);
    }

    /// The bindings of a subscriber; `None` when there is none.
    pub fn bindings(&self, address: &Address) -> Option<&Bindings> {
        self.bindings.get(address)
    }

    /// Replaces the bindings of a subscriber; none removes the row.
    pub fn put_bindings(&mut self, address: &Address, bindings: Bindings) {
        let row = (!bindings.list.is_empty()).then_some(bindings);
        self.bindings.put(address.clone(), row);
    }

    /// How much waits in a mailbox.
    pub fn head(&self, address: &Address) -> Head {
        self.heads.get(address).copied().unwrap_or_default()
    }

    /// A waiting entry; `None` when it has left its mailbox.
    pub fn entry(&self, key: &EntryKey) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// What the view knows of an entry.
    pub fn lookup(&self, key: &EntryKey) -> Lookup<'_> {
        match self.entries.rows.get(key) {
            None => Lookup::NotLoaded,
            Some(slot) => slot.row.as_deref().map_or(Lookup::Gone, Lookup::Here),
        }
    }

    /// Adds or replaces an entry, and keeps the mailbox's head in step. An entry that was not loaded is taken for new.
    pub fn put_entry(&mut self, entry: Entry) {
        let key = entry.key();
        let before = match self.lookup(&key) {
            Lookup::Here(old) => Some(old.body_bytes()),
            Lookup::Gone | Lookup::NotLoaded => None,
        };
        if let (None, Some(spooled)) = (before, &entry.spooled) {
            self.spooled.entry(spooled.name.clone()).or_default().now += 1;
        }
        let mut head = self.head(&key.0);
        head.count += u64::from(before.is_none());
        head.body_bytes = head.body_bytes.saturating_sub(before.unwrap_or(0)) + entry.body_bytes();
        self.heads.put(key.0.clone(), Some(head));
        self.entries.put(key, Some(entry));
    }

    /// Takes an entry out of its mailbox. Without effect when it is gone already.
    pub fn remove_entry(&mut self, key: &EntryKey) {
        let Some(old) = self.entries.get(key) else { return };
        let before = old.body_bytes();
        if let Some(holders) = old.spooled.as_ref().and_then(|spooled| self.spooled.get_mut(&spooled.name)) {
            holders.now = holders.now.saturating_sub(1);
        }
        let mut head = self.head(&key.0);
        head.count = head.count.saturating_sub(1);
        head.body_bytes = head.body_bytes.saturating_sub(before);
        self.heads.put(key.0.clone(), (head.count > 0).then_some(head));
        self.entries.put(key.clone(), None);
    }

    /// The ids of a page, in order; `None` when it was not wanted. Entries that this batch added or removed since the page
    /// was loaded are not reflected: look each of them up.
    pub fn page(&self, key: &PageKey) -> Option<&[EntryId]> {
        self.pages.get(key).map(Vec::as_slice)
    }

    /// A stretch of the index of files, as it was when it was loaded; `None` when it was not wanted.
    pub fn file_page(&self, key: &FilePageKey) -> Option<&FilePage> {
        self.file_pages.get(key)
    }

    /// The record of a message for one addressee.
    pub fn record(&self, key: &RecordKey) -> Option<&Record> {
        self.records.get(key)
    }

    /// Adds or replaces a record, and keeps the tally of its campaign in step. A record that was not loaded is taken for new.
    pub fn put_record(&mut self, record: Record) {
        let key = record.key();
        if let Some((campaign, _)) = campaign::of_message_id(&record.message_id) {
            let before = self.records.rows.get(&key).and_then(|slot| slot.row.as_deref());
            let increment = Increment::of(before, &record);
            self.count_for_campaign(campaign, &record.from, increment);
        }
        self.records.put(key, Some(record));
    }

    /// Forgets a record. What it said of a campaign's message, if it was loaded, is noted with the campaign.
    pub fn remove_record(&mut self, key: &RecordKey) {
        if let Some((campaign, place)) = campaign::of_message_id(&key.0)
            && let Some(record) = self.records.rows.get(key).and_then(|slot| slot.row.as_deref())
        {
            self.campaign_news.entry((campaign, key.1.clone())).or_default().forgotten(place, record);
        }
        self.records.put(key.clone(), None);
    }

    /// Changes a record in place, if it exists, and keeps the tally of its campaign in step.
    pub fn update_record(&mut self, key: &RecordKey, change: impl FnOnce(&mut Record)) {
        let Some((campaign, _)) = campaign::of_message_id(&key.0) else {
            return self.records.update(key, change);
        };
        let mut increment = Increment::default();
        self.records.update(key, |record| {
            let before = record.clone();
            change(record);
            increment = Increment::of(Some(&before), record);
        });
        self.count_for_campaign(campaign, &key.1, increment);
    }

    /// Whether anything of a campaign that people look at has changed: its state, how far it is, what became of its messages.
    pub fn has_campaign_news(&self) -> bool {
        self.campaigns.changed || self.campaign_progress.changed || !self.campaign_news.is_empty()
    }

    fn count_for_campaign(&mut self, campaign: CampaignId, sender: &Address, increment: Increment) {
        if !increment.is_nothing() {
            self.campaign_news.entry((campaign, sender.clone())).or_default().changed(increment);
        }
    }

    /// A chatbot; `None` when there is no such chatbot.
    pub fn chatbot(&self, address: &Address) -> Option<&Chatbot> {
        self.chatbots.get(address)
    }

    /// Adds or replaces a chatbot.
    pub fn put_chatbot(&mut self, chatbot: Chatbot) {
        self.chatbots.put(chatbot.address.clone(), Some(chatbot));
    }

    /// Removes a chatbot.
    pub fn remove_chatbot(&mut self, address: &Address) {
        self.chatbots.put(address.clone(), None);
    }

    /// The service account of a chatbot; `None` when it has none.
    pub fn service_account(&self, chatbot: &Address) -> Option<&ServiceAccount> {
        self.service_accounts.get(chatbot)
    }

    /// Adds or replaces the service account of a chatbot.
    pub fn put_service_account(&mut self, account: ServiceAccount) {
        self.service_accounts.put(account.chatbot.clone(), Some(account));
    }

    /// Removes the service account of a chatbot.
    pub fn remove_service_account(&mut self, chatbot: &Address) {
        self.service_accounts.put(chatbot.clone(), None);
    }

    /// The configured devices of a subscriber; `None` when there is none.
    pub fn configuration(&self, address: &Address) -> Option<&Configuration> {
        self.configurations.get(address)
    }

    /// Adds or replaces the configured devices of a subscriber.
    pub fn put_configuration(&mut self, configuration: Configuration) {
        self.configurations.put(configuration.address.clone(), Some(configuration));
    }

    /// Forgets the configured devices of a subscriber.
    pub fn remove_configuration(&mut self, address: &Address) {
        self.configurations.put(address.clone(), None);
    }

    /// The block list of a subscriber; `None` when nobody is blocked.
    pub fn blocks(&self, address: &Address) -> Option<&Blocks> {
        self.blocks.get(address)
    }

    /// Replaces the block list of a subscriber; an empty one removes the row.
    pub fn put_blocks(&mut self, address: &Address, blocks: Blocks) {
        let row = (!blocks.list.is_empty()).then_some(blocks);
        self.blocks.put(address.clone(), row);
    }

    /// Adds a spam report.
    pub fn put_spam_report(&mut self, report: SpamReport) {
        self.spam_reports.put(report.id, Some(report));
    }

    /// Forgets a spam report.
    pub fn remove_spam_report(&mut self, id: EntryId) {
        self.spam_reports.put(id, None);
    }

    /// A file; `None` when there is no such file.
    pub fn file(&self, id: FileId) -> Option<&File> {
        self.files.get(&id)
    }

    /// The file that a transfer id names.
    pub fn transfer(&self, key: &TransferKey) -> Option<FileId> {
        self.transfers.get(key).map(|transfer| transfer.file)
    }

    /// What somebody's files come to.
    pub fn usage(&self, owner: &Address) -> Usage {
        self.usages.get(owner).copied().unwrap_or_default()
    }

    /// Adds or replaces a file. Its transfer id means this file from now on.
    pub fn put_file(&mut self, file: File) {
        let usage = self.usage(&file.owner).with(self.files.get(&file.id), Some(&file));
        self.usages.put(file.owner.clone(), Some(usage));
        if let Some(key) = file.transfer_key() {
            self.transfers.put(key, Some(Transfer { file: file.id }));
        }
        self.files.put(file.id, Some(file));
    }

    /// Removes a file, and its transfer id if it means this file.
    pub fn remove_file(&mut self, id: FileId) {
        let Some(file) = self.files.get(&id).cloned() else { return };
        let usage = self.usage(&file.owner).with(Some(&file), None);
        self.usages.put(file.owner.clone(), (usage.files > 0).then_some(usage));
        if let Some(key) = file.transfer_key()
            && self.transfer(&key) == Some(id)
        {
            self.transfers.put(key, None);
        }
        self.files.put(id, None);
    }

    /// One of the media; `None` when it is not there, or not any more.
    pub fn media(&self, id: FileId) -> Option<&Media> {
        self.media.get(&id)
    }

    /// The first media of a chatbot, as they were when they were loaded.
    pub fn media_page(&self, owner: &Address, limit: usize) -> &[FileId] {
        self.media_pages.get(&(owner.clone(), limit)).map_or(&[], Vec::as_slice)
    }

    /// Adds or replaces one of the media.
    pub fn put_media(&mut self, media: Media) {
        let usage = self.usage(&media.owner).with_media(self.media.get(&media.id), Some(&media));
        self.usages.put(media.owner.clone(), Some(usage));
        self.media.put(media.id, Some(media));
    }

    /// Removes one of the media.
    pub fn remove_media(&mut self, id: FileId) {
        let Some(media) = self.media.get(&id).cloned() else { return };
        let usage = self.usage(&media.owner).with_media(Some(&media), None);
        self.usages.put(media.owner, (usage.files > 0).then_some(usage));
        self.media.put(id, None);
    }

    /// One proposal; `None` when there is none about this.
    pub fn proposal(&self, key: &ProposalKey) -> Option<&Proposal> {
        self.proposals.get(key)
    }

    /// What a chatbot has proposed, as it was when it was loaded.
    pub fn proposals_of(&self, chatbot: &Address) -> &[ProposalKey] {
        self.proposal_lists.get(chatbot).map_or(&[], Vec::as_slice)
    }

    /// Adds or replaces a proposal.
    pub fn put_proposal(&mut self, proposal: Proposal) {
        self.proposals.put(proposal.key(), Some(proposal));
    }

    /// Removes a proposal that has been decided on.
    pub fn remove_proposal(&mut self, key: &ProposalKey) {
        self.proposals.put(key.clone(), None);
    }

    /// A group; `None` when there is no such group.
    pub fn group(&self, address: &Address) -> Option<&Group> {
        self.groups.get(address)
    }

    /// Adds or replaces a group. The picture of an icon that it had and has no more goes.
    pub fn put_group(&mut self, group: Group) {
        self.drop_icon(&group.address, group.icon.as_ref().map(|icon| icon.id));
        self.groups.put(group.address.clone(), Some(group));
    }

    /// Removes a group, and the picture of its icon.
    pub fn remove_group(&mut self, address: &Address) {
        self.drop_icon(address, None);
        self.groups.put(address.clone(), None);
    }

    /// Adds the picture of an icon, for the group that is put with it.
    pub fn put_icon(&mut self, id: FileId, picture: IconPicture) {
        self.icons.put(id, Some(picture));
    }

    fn drop_icon(&mut self, group: &Address, next: Option<FileId>) {
        let known = self.groups.get(group).and_then(|group| group.icon.as_ref()).map(|icon| icon.id);
        if let Some(old) = known.filter(|old| Some(*old) != next) {
            self.icons.put(old, None);
        }
    }

    /// How a member's devices are connected to a group; `None` when none is.
    pub fn leg(&self, key: &LegKey) -> Option<&Leg> {
        self.legs.get(key)
    }

    /// Replaces a leg; one without devices and subscriptions is removed.
    pub fn put_leg(&mut self, leg: Leg) {
        let key = leg.key();
        let row = (!leg.devices.is_empty() || !leg.subscriptions.is_empty()).then_some(leg);
        self.legs.put(key, row);
    }

    /// Removes a leg.
    pub fn remove_leg(&mut self, key: &LegKey) {
        self.legs.put(key.clone(), None);
    }

    /// The groups of a subscriber.
    pub fn memberships(&self, member: &Address) -> &[Address] {
        self.memberships.get(member).map_or(&[], |memberships| &memberships.groups)
    }

    /// Replaces the groups of a subscriber; none removes the row.
    pub fn put_memberships(&mut self, member: &Address, groups: Vec<Address>) {
        let row = (!groups.is_empty()).then_some(Memberships { groups });
        self.memberships.put(member.clone(), row);
    }

    /// Whose a message in a group was; `None` when it is unknown or forgotten.
    pub fn author(&self, group: &Address, message_id: &str) -> Option<&Address> {
        self.authors.get(&(group.clone(), message_id.to_owned())).map(|row| &row.author)
    }

    /// Notes whose a message in a group is.
    pub fn put_author(&mut self, group: &Address, message_id: &str, author: &Address) {
        let row = Author { author: author.clone() };
        self.authors.put((group.clone(), message_id.to_owned()), Some(row));
    }

    /// Forgets whose a message in a group was.
    pub fn remove_author(&mut self, group: &Address, message_id: &str) {
        self.authors.put((group.clone(), message_id.to_owned()), None);
    }

    /// Who watches somebody; `None` when nobody does.
    pub fn watchers(&self, resource: &Address) -> Option<&Watchers> {
        self.watchers.get(resource)
    }

    /// Replaces those who watch somebody; none removes the row.
    pub fn put_watchers(&mut self, watchers: Watchers) {
        let resource = watchers.resource.clone();
        self.watchers.put(resource, (!watchers.list.is_empty()).then_some(watchers));
    }

    /// Whether somebody's history is kept, and how much there is.
    pub fn history(&self, owner: &Address) -> Option<&History> {
        self.histories.get(owner)
    }

    /// Adds or replaces what is known of somebody's history.
    pub fn put_history(&mut self, history: History) {
        self.histories.put(history.owner.clone(), Some(history));
    }

    /// Nothing is known of somebody's history any more; its messages must have been forgotten before.
    pub fn remove_history(&mut self, owner: &Address) {
        self.histories.put(owner.clone(), None);
    }

    /// What became of a message in somebody's history; `None` when it is not in there.
    pub fn history_state(&self, key: &HistoryKey) -> Option<&HistoryState> {
        self.history_states.get(key)
    }

    /// Changes in place what became of a message, if it is in the history.
    pub fn update_history_state(&mut self, key: &HistoryKey, change: impl FnOnce(&mut HistoryState)) {
        self.history_states.update(key, change);
    }

    /// The messages at the beginning of somebody's history as they were when they were loaded, and when each was accepted.
    pub fn history_page(&self, page: &HistoryPageKey) -> &[(HistoryKey, Timestamp)] {
        self.history_pages.get(page).map_or(&[], Vec::as_slice)
    }

    /// Adds a message to a history that is kept, unless it is in there.
    pub fn remember(&mut self, message: Remembered) {
        let key = message.key.clone();
        if self.history_state(&key).is_some() {
            return;
        }
        let Some(mut history) = self.history(&key.owner).cloned() else { return };
        let body_bytes = message.body.len() as u64;
        if history.messages == 0 {
            history.oldest_at = message.accepted_at;
        }
        history.messages += 1;
        history.body_bytes += body_bytes;
        self.put_history(history);
        let (id, is_failed, marks) = (message.id, false, Vec::new());
        let state = HistoryState { key: key.clone(), id, body_bytes, is_failed, marks };
        self.history_states.put(key.clone(), Some(state));
        self.remembered.put((key.owner, id), Some(message));
    }

    /// Takes a message out of a history. Without effect when it is not in there.
    pub fn forget(&mut self, key: &HistoryKey) {
        let Some(state) = self.history_states.get(key) else { return };
        let (id, body_bytes) = (state.id, state.body_bytes);
        self.history_states.put(key.clone(), None);
        self.remembered.put((key.owner.clone(), id), None);
        if let Some(mut history) = self.history(&key.owner).cloned() {
            history.messages = history.messages.saturating_sub(1);
            history.body_bytes = history.body_bytes.saturating_sub(body_bytes);
            self.put_history(history);
        }
    }

    /// Something that was given up on; `None` when it is no dead letter.
    pub fn dead_letter(&self, key: &EntryKey) -> Option<&DeadLetter> {
        self.dead_letters.get(key)
    }

    /// How many dead letters a chatbot has.
    pub fn dead_letter_count(&self, chatbot: &Address) -> DeadLetterCount {
        self.dead_letter_counts.get(chatbot).copied().unwrap_or_default()
    }

    /// The first dead letters of a chatbot, as they were when they were loaded.
    pub fn dead_letter_page(&self, chatbot: &Address, limit: usize) -> &[EntryKey] {
        self.dead_letter_pages.get(&(chatbot.clone(), limit)).map_or(&[], Vec::as_slice)
    }

    /// Makes a dead letter of an entry, which has left its mailbox and so is none yet.
    pub fn put_dead_letter(&mut self, letter: DeadLetter) {
        let key = letter.key();
        let mut count = self.dead_letter_count(&key.0);
        count.count += 1;
        count.body_bytes += letter.entry.body_bytes();
        self.dead_letter_counts.put(key.0.clone(), Some(count));
        self.dead_letters.put(key, Some(letter));
    }

    /// Removes a dead letter. Without effect when there is none.
    pub fn remove_dead_letter(&mut self, key: &EntryKey) {
        let Some(letter) = self.dead_letter(key) else { return };
        let body_bytes = letter.entry.body_bytes();
        let mut count = self.dead_letter_count(&key.0);
        count.count = count.count.saturating_sub(1);
        count.body_bytes = count.body_bytes.saturating_sub(body_bytes);
        self.dead_letter_counts.put(key.0.clone(), (count.count > 0).then_some(count));
        self.dead_letters.put(key.clone(), None);
    }

    /// What a chatbot and a user are to each other; `None` when nothing is known.
    pub fn contact(&self, key: &ContactKey) -> Option<&Contact> {
        self.contacts.get(key)
    }

    /// Whether it was asked what a chatbot and a user are to each other.
    pub fn has_contact(&self, key: &ContactKey) -> bool {
        self.contacts.has(key)
    }

    /// Adds or replaces a contact. Its token means this contact from now on, and one that it had before means nobody.
    pub fn put_contact(&mut self, contact: Contact) {
        let key = contact.key();
        let before = self.contact(&key).and_then(|before| before.token);
        if before != contact.token {
            if let Some(token) = before {
                self.aliases.put(token, None);
            }
            if let Some(token) = contact.token {
                let (chatbot, user) = key.clone();
                self.aliases.put(token, Some(Alias { chatbot, user }));
            }
        }
        self.contacts.put(key, Some(contact));
    }

    /// What an operator has set of a chatbot's traffic.
    pub fn rules(&self, chatbot: &Address) -> Rules {
        self.rules.get(chatbot).cloned().unwrap_or_default()
    }

    /// Replaces the rules of a chatbot; those that say nothing remove the row.
    pub fn put_rules(&mut self, chatbot: &Address, rules: Rules) {
        let row = (rules != Rules::default()).then_some(rules);
        self.rules.put(chatbot.clone(), row);
    }

    /// How much was counted for somebody.
    pub fn spending(&self, whose: &str) -> Spending {
        self.spending.get(&whose.to_owned()).copied().unwrap_or_default()
    }

    /// Replaces what was counted for somebody.
    pub fn put_spending(&mut self, whose: &str, spending: Spending) {
        self.spending.put(whose.to_owned(), Some(spending));
    }

    /// Whether anything was changed, and so a commit is due.
    pub fn is_changed(&self) -> bool {
        self.accounts.changed
            || self.bindings.changed
            || self.heads.changed
            || self.entries.changed
            || self.records.changed
            || self.chatbots.changed
            || self.service_accounts.changed
            || self.configurations.changed
            || self.blocks.changed
            || self.spam_reports.changed
            || self.files.changed
            || self.transfers.changed
            || self.usages.changed
            || self.media.changed
            || self.proposals.changed
            || self.groups.changed
            || self.icons.changed
            || self.legs.changed
            || self.memberships.changed
            || self.authors.changed
            || self.watchers.changed
            || self.histories.changed
            || self.remembered.changed
            || self.history_states.changed
            || self.dead_letters.changed
            || self.contacts.changed
            || self.rules.changed
            || self.spending.changed
            || self.templates.changed
            || self.campaigns.changed
            || self.campaign_progress.changed
            || self.campaign_tallies.changed
            || self.campaign_pages.changed
            || self.campaign_numbers.changed
            || self.campaign_outcomes.changed
            || self.tenants.changed
            || self.owners.changed
            || self.former_owners.changed
            || self.api_keys.changed
            || self.acts.changed
    }

    /// The earliest due time among the entries that were put, if any; so that the caller knows when to look again.
    pub fn earliest_due(&self) -> Option<Timestamp> {
        let changed = self.entries.rows.values().filter(|slot| slot.dirty);
        changed.filter_map(|slot| slot.row.as_ref()).map(|entry| entry.next_due).min()
    }

    /// Files that nobody needs once this view is committed.
    pub fn released(&self) -> impl Iterator<Item = &str> {
        self.spooled.iter().filter(|(_, holders)| holders.now == 0).map(|(name, _)| name.as_str())
    }

    /// Takes in how many entries hold their body in a file, as it stands on disk.
    pub(crate) fn spooled_loaded(&mut self, name: &str, before: u32) {
        self.spooled.entry(name.to_owned()).or_insert(Holders { before, now: before });
    }

    /// Whether it is known how many entries hold their body in a file.
    pub(crate) fn knows_spooled(&self, name: &str) -> bool {
        self.spooled.contains_key(name)
    }

    /// Every write that makes the disk agree with this view: family, key, and the new value or `None` to remove.
    pub(crate) fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::with_capacity(32);
        self.accounts.changes(&mut changes);
        self.bindings.changes(&mut changes);
        self.heads.changes(&mut changes);
        self.entries.changes(&mut changes);
        self.records.changes(&mut changes);
        self.chatbots.changes(&mut changes);
        self.service_accounts.changes(&mut changes);
        for (name, holders) in &self.spooled {
            // An entry that came and went within the batch was never on disk, and neither was its file's row.
            if holders.now != holders.before {
                let value = (holders.now > 0).then(|| holders_value(holders.now));
                changes.push((Family::Spooled, name.as_bytes().to_vec(), value));
            }
        }
        self.configurations.changes(&mut changes);
        self.blocks.changes(&mut changes);
        self.spam_reports.changes(&mut changes);
        self.files.changes(&mut changes);
        self.transfers.changes(&mut changes);
        self.usages.changes(&mut changes);
        self.media.changes(&mut changes);
        self.proposals.changes(&mut changes);
        self.groups.changes(&mut changes);
        self.icons.changes(&mut changes);
        self.legs.changes(&mut changes);
        self.memberships.changes(&mut changes);
        self.authors.changes(&mut changes);
        self.watchers.changes(&mut changes);
        self.histories.changes(&mut changes);
        self.remembered.changes(&mut changes);
        self.history_states.changes(&mut changes);
        self.dead_letters.changes(&mut changes);
        self.dead_letter_counts.changes(&mut changes);
        self.contacts.changes(&mut changes);
        self.aliases.changes(&mut changes);
        self.rules.changes(&mut changes);
        self.spending.changes(&mut changes);
        self.templates.changes(&mut changes);
        self.campaigns.changes(&mut changes);
        self.campaign_progress.changes(&mut changes);
        self.campaign_tallies.changes(&mut changes);
        self.campaign_pages.changes(&mut changes);
        self.campaign_numbers.changes(&mut changes);
        self.campaign_outcomes.changes(&mut changes);
        self.tenants.changes(&mut changes);
        self.owners.changes(&mut changes);
        self.former_owners.changes(&mut changes);
        self.api_keys.changes(&mut changes);
        self.acts.changes(&mut changes);
        for (key, slot) in self.entries.rows.iter().filter(|(_, slot)| slot.dirty) {
            let stored = self.stored_due.get(key).copied();
            let wanted = slot.row.as_ref().map(|entry| entry.next_due);
            if stored != wanted {
                changes.extend(stored.map(|due| (Family::Due, due_key(due, key), None)));
                changes.extend(wanted.map(|due| (Family::Due, due_key(due, key), Some(Vec::new()))));
            }
        }
        changes
    }
}

/// One write: where, under which key, and what (`None` removes).
pub(crate) type Change = (Family, Vec<u8>, Option<Vec<u8>>);

/// The loaded rows of one family.
#[derive(Debug)]
pub(crate) struct Table<R: Row> {
    rows: FxHashMap<R::Key, Slot<R>>,
    changed: bool,
}

impl<R: Row> Default for Table<R> {
    fn default() -> Self {
        Self { rows: FxHashMap::default(), changed: false }
    }
}

#[derive(Debug)]
struct Slot<R> {
    row: Option<Arc<R>>,
    /// Whether the row was on disk when it was loaded; a row that comes and goes within a batch is never written.
    on_disk: bool,
    dirty: bool,
}

impl<R: Row> Table<R> {
    pub(crate) fn get(&self, key: &R::Key) -> Option<&R> {
        let slot = self.rows.get(key);
        // A decision that reads what its task did not ask for would take "not loaded" for "does not exist".
        debug_assert!(slot.is_some(), "{} {key:?} was read but not wanted", R::FAMILY.name());
        slot?.row.as_deref()
    }

    pub(crate) fn put(&mut self, key: R::Key, row: Option<R>) {
        let row = row.map(Arc::new);
        match self.rows.entry(key) {
            MapEntry::Occupied(mut occupied) => {
                let slot = occupied.get_mut();
                (slot.row, slot.dirty) = (row, true);
            }
            MapEntry::Vacant(vacant) => {
                // Not loaded, so it may be on disk: a removal must be written.
                vacant.insert(Slot { row, on_disk: true, dirty: true });
            }
        }
        self.changed = true;
    }

    pub(crate) fn update(&mut self, key: &R::Key, change: impl FnOnce(&mut R)) {
        if let Some(slot) = self.rows.get_mut(key)
            && let Some(row) = slot.row.as_mut()
        {
            change(Arc::make_mut(row));
            slot.dirty = true;
            self.changed = true;
        }
    }

    /// Makes room for this many more rows at once.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.rows.reserve(rows);
    }

    /// Whether the family's row is in the view already, so that a second load leaves changes alone.
    pub(crate) fn has(&self, key: &R::Key) -> bool {
        self.rows.contains_key(key)
    }

    /// A row as it is on disk.
    pub(crate) fn loaded(&mut self, key: R::Key, row: Option<Arc<R>>) {
        let on_disk = row.is_some();
        self.rows.insert(key, Slot { row, on_disk, dirty: false });
    }

    /// The rows that were changed, as they are now.
    pub(crate) fn changed_rows(&self) -> impl Iterator<Item = (&R::Key, &Option<Arc<R>>)> {
        self.rows.iter().filter(|(_, slot)| slot.dirty).map(|(key, slot)| (key, &slot.row))
    }

    fn changes(&self, changes: &mut Vec<Change>) {
        if !self.changed {
            return;
        }
        for (key, slot) in self.rows.iter().filter(|(_, slot)| slot.dirty) {
            match &slot.row {
                Some(row) => changes.push((R::FAMILY, R::key_bytes(key), Some(encode(row.as_ref())))),
                None if slot.on_disk => changes.push((R::FAMILY, R::key_bytes(key), None)),
                None => {}
            }
        }
    }
}
