//! What Hongyan keeps on disk, behind two verbs: [`Store::load`] brings the rows a batch wants, [`Store::commit`] writes what
//! the batch changed, all or nothing, synced when it returns.
//!
//! The engine is fjall, a log-structured store with atomic batches across keyspaces; none of its types leave this crate.
//! Each family of stored things is a module with its key layout at the head: [`account`], [`binding`], [`mailbox`],
//! [`record`], [`chatbot`], [`file`], [`media`], [`proposal`], [`group`], [`subscription`], [`history`], [`configuration`], [`blocks`], [`spam_report`],
//! [`dead_letter`], [`contact`], [`rules`],
//! [`service_account`], [`template`], [`campaign`], [`tenant`], [`audit`]. Beside the two verbs there are
//! short scans: what is due, what can be forgotten, and listings for people.

pub mod account;
pub mod audit;
pub mod binding;
pub mod blocks;
mod cache;
pub mod campaign;
pub mod chatbot;
pub mod configuration;
pub mod contact;
pub mod dead_letter;
mod dump;
pub mod file;
pub mod group;
pub mod history;
pub mod mailbox;
pub mod media;
pub mod proposal;
pub mod record;
mod row;
pub mod rules;
pub mod service_account;
pub mod spam_report;
pub mod subscription;
pub mod template;
pub mod tenant;
mod view;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use rcs::Timestamp;
use rcs::address::Address;
use rustc_hash::FxHashMap;

pub use account::{Account, Credential};
pub use audit::{Act, ActFilter};
pub use binding::{Binding, Bindings};
pub use blocks::{Blocked, Blocks};
pub use campaign::{
    Campaign, CampaignId, CampaignPage, CampaignState, CampaignTally, Plan, Progress, Recipient, Waiting,
    Window,
};
pub use chatbot::{AccessToken, Chatbot, ChatbotStatus, Dialect, Extras, Profile, Standing, WebhookAuth};
pub use configuration::{Configuration, ConfigurationState, ConfiguredDevice, DeviceSecrets};
pub use contact::{Alias, Consent, ConsentBy, Contact, ContactKey, Token};
pub use dead_letter::{DeadLetter, DeadLetterCount};
pub use file::{File, FileId, Thumbnail, Transfer, TransferKey, Usage};
pub use group::{
    Author, AuthorKey, Group, Icon, IconPicture, Leg, LegDevice, LegKey, Member, MemberState, Memberships,
    Mode, Role, Subject,
};
pub use history::{Direction, History, HistoryKey, HistoryState, Mark, Remembered};
pub use mailbox::{Entry, EntryId, EntryIds, EntryKey, EntryKind, Head, Spooled};
pub use media::{Media, Review};
pub use proposal::{Proposal, ProposalKey, Topic};
pub use record::{Outcome, Record, RecordKey, Step};
pub use row::Family;
pub use rules::{Rules, Spending};
pub use service_account::{Invitation, PublicKey, ServiceAccount};
pub use spam_report::SpamReport;
pub use subscription::{Package, Subscription, Watch, Watchers};
pub use template::{Template, TemplateKey};
pub use tenant::{ApiKey, FormerOwner, KeyRole, Owner, Quota, Tenant};
pub use view::{FilePage, FilePageKey, HistoryPageKey, Lookup, PageKey, View, Wants};

use cache::Cache;
use row::{Row, decode};
use view::{DeadLetterPageKey, MediaPageKey};

/// Journal ceiling: reopening replays the journal, so it is kept small.
const JOURNAL_BYTES_MAX: u64 = 64 << 20;
/// Block cache: rows that are read again and again (bindings, accounts) stay in memory.
const CACHE_BYTES: u64 = 64 << 20;

/// Our own disk failed, or holds what we did not write.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine could not read or write.
    #[error("the data directory cannot be read or written: {0}")]
    Engine(#[from] fjall::Error),
    /// A row is not what this program writes.
    #[error("a row of {family} is damaged: {detail}")]
    Corrupt {
        /// The family's name.
        family: &'static str,
        /// What the decoder said.
        detail: String,
    },
    /// A row was written by another version.
    #[error(
        "a row of {family} has encoding version {version}, which this version does not know; run the version that wrote it"
    )]
    Version {
        /// The family's name.
        family: &'static str,
        /// The version byte found.
        version: u8,
    },
}

/// An open data directory. Cheap to clone; clones may read from any thread, one thread loads and commits.
#[derive(Clone)]
pub struct Store {
    database: Database,
    families: Arc<[Keyspace]>,
    caches: Arc<Mutex<Caches>>,
    /// Beside the others, for edges look here too.
    chatbots: Arc<Mutex<Cache<Chatbot>>>,
    /// Read when somebody first asks for all of them, and kept true by every commit from then on.
    all_chatbots: Arc<RwLock<Option<Chatbots>>>,
}

/// Every chatbot, as they were at one moment.
pub type Chatbots = Arc<BTreeMap<Address, Arc<Chatbot>>>;

/// Entries whose time has come, and when the next one is due.
pub type Due = (Vec<EntryKey>, Option<Timestamp>);

/// The rows that nearly every message needs.
#[derive(Default)]
struct Caches {
    accounts: Cache<Account>,
    bindings: Cache<Bindings>,
    heads: Cache<Head>,
    groups: Cache<Group>,
    memberships: Cache<Memberships>,
    configurations: Cache<Configuration>,
    blocks: Cache<Blocks>,
    dead_letter_counts: Cache<DeadLetterCount>,
    contacts: Cache<Contact>,
    rules: Cache<Rules>,
    spending: Cache<Spending>,
}

impl Store {
    /// Opens `directory`, creating it when absent, and replays what the journal holds.
    ///
    /// # Errors
    /// If the directory cannot be written, is in use by another process, or is damaged.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let database = Database::builder(directory)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .cache_size(CACHE_BYTES)
            .worker_threads(1)
            .open()?;
        let families = Family::ALL
            .iter()
            .map(|family| database.keyspace(family.name(), KeyspaceCreateOptions::default))
            .collect::<Result<Arc<[_]>, _>>()?;
        Ok(Self {
            database,
            families,
            caches: Arc::default(),
            chatbots: Arc::default(),
            all_chatbots: Arc::default(),
        })
    }

    /// Brings everything in `wants` into `view`. Rows that are in the view already are left as they are there.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn load(&self, wants: Wants, view: &mut View) -> Result<(), StoreError> {
        self.load_cached(wants.chatbots, &mut held(&self.chatbots), &mut view.chatbots)?;
        let mut caches = held(&self.caches);
        self.load_cached(wants.accounts, &mut caches.accounts, &mut view.accounts)?;
        self.load_cached(wants.bindings, &mut caches.bindings, &mut view.bindings)?;
        self.load_cached(wants.heads, &mut caches.heads, &mut view.heads)?;
        self.load_cached(wants.groups, &mut caches.groups, &mut view.groups)?;
        self.load_cached(wants.memberships, &mut caches.memberships, &mut view.memberships)?;
        self.load_cached(wants.configurations, &mut caches.configurations, &mut view.configurations)?;
        self.load_cached(wants.blocks, &mut caches.blocks, &mut view.blocks)?;
        self.load_cached(
            wants.dead_letter_counts,
            &mut caches.dead_letter_counts,
            &mut view.dead_letter_counts,
        )?;
        self.load_cached(wants.contacts, &mut caches.contacts, &mut view.contacts)?;
        self.load_cached(wants.rules, &mut caches.rules, &mut view.rules)?;
        self.load_cached(wants.spending, &mut caches.spending, &mut view.spending)?;
        drop(caches);
        self.load_rows(wants.records, &mut view.records)?;
        self.load_rows(wants.service_accounts, &mut view.service_accounts)?;
        self.load_rows(wants.files, &mut view.files)?;
        self.load_rows(wants.transfers, &mut view.transfers)?;
        self.load_rows(wants.media, &mut view.media)?;
        self.load_rows(wants.proposals, &mut view.proposals)?;
        self.load_rows(wants.usages, &mut view.usages)?;
        self.load_rows(wants.legs, &mut view.legs)?;
        self.load_rows(wants.authors, &mut view.authors)?;
        self.load_rows(wants.watchers, &mut view.watchers)?;
        self.load_rows(wants.histories, &mut view.histories)?;
        self.load_rows(wants.history_states, &mut view.history_states)?;
        self.load_rows(wants.dead_letters, &mut view.dead_letters)?;
        self.load_rows(wants.templates, &mut view.templates)?;
        self.load_rows(wants.campaigns, &mut view.campaigns)?;
        self.load_rows(wants.campaign_progress, &mut view.campaign_progress)?;
        self.load_rows(wants.campaign_pages, &mut view.campaign_pages)?;
        self.load_rows(wants.campaign_numbers, &mut view.campaign_numbers)?;
        self.load_rows(wants.tenants, &mut view.tenants)?;
        self.load_rows(wants.former_owners, &mut view.former_owners)?;
        self.load_rows(wants.api_keys, &mut view.api_keys)?;
        self.load_rows(wants.acts, &mut view.acts)?;
        for key in wants.entries {
            self.load_entry(key, view)?;
        }
        for page in wants.pages {
            self.load_page(page, view)?;
        }
        for page in wants.file_pages {
            self.load_file_page(page, view)?;
        }
        for page in wants.media_pages {
            self.load_media_page(page, view)?;
        }
        for page in wants.dead_letter_pages {
            self.load_dead_letter_page(page, view)?;
        }
        for tenant in wants.api_key_lists {
            let keys = self.api_keys()?.into_iter().filter(|key| key.tenant.as_ref() == Some(&tenant));
            view.api_key_lists.insert(tenant.clone(), keys.map(|key| key.id).collect());
        }
        for owner in wants.proposal_lists {
            let found = self.proposals(Some(&owner))?;
            let keys = found.iter().map(Proposal::key).collect();
            for proposal in found {
                if !view.proposals.has(&proposal.key()) {
                    view.proposals.loaded(proposal.key(), Some(Arc::new(proposal)));
                }
            }
            view.proposal_lists.insert(owner, keys);
        }
        for chatbot in wants.template_lists {
            self.load_template_list(chatbot, view)?;
        }
        for page in wants.history_pages {
            self.load_history_page(page, view)?;
        }
        Ok(())
    }

    /// Writes everything that changed in `view` and syncs it: when this returns, it survives a crash.
    ///
    /// # Errors
    /// If the disk cannot be written. What the view promised must then not be said to anybody; reopen the store.
    pub fn commit(&self, view: &View) -> Result<(), StoreError> {
        let mut changes = view.changes();
        if changes.is_empty() {
            return Ok(());
        }
        changes.extend(self.added_up(view)?);
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncData));
        for (family, key, value) in changes {
            match value {
                Some(value) => batch.insert(self.keyspace(family), key, value),
                None => batch.remove(self.keyspace(family), key),
            }
        }
        batch.commit()?;
        self.note_chatbots(view);
        remember(&view.chatbots, &mut held(&self.chatbots));
        let mut caches = held(&self.caches);
        remember(&view.accounts, &mut caches.accounts);
        remember(&view.bindings, &mut caches.bindings);
        remember(&view.heads, &mut caches.heads);
        remember(&view.groups, &mut caches.groups);
        remember(&view.memberships, &mut caches.memberships);
        remember(&view.configurations, &mut caches.configurations);
        remember(&view.blocks, &mut caches.blocks);
        remember(&view.dead_letter_counts, &mut caches.dead_letter_counts);
        remember(&view.contacts, &mut caches.contacts);
        remember(&view.rules, &mut caches.rules);
        remember(&view.spending, &mut caches.spending);
        Ok(())
    }

    /// Entries whose time has come at `now`, earliest first, at most `limit`; and when the next one after them is due.
    /// Looks from `from` on, before which the caller knows nothing is due: what was removed there need not be stepped over.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn due(&self, from: Timestamp, now: Timestamp, limit: usize) -> Result<Due, StoreError> {
        let mut due = Vec::new();
        for guard in self.keyspace(Family::Due).range(from.as_millis().to_be_bytes()..) {
            let key = guard.key()?;
            let (at, address, id) = mailbox::parse_due_key(&key).ok_or_else(|| damaged(Family::Due))?;
            if at > now || due.len() == limit {
                return Ok((due, Some(at)));
            }
            due.push((address.parse().map_err(|_| damaged(Family::Due))?, id));
        }
        Ok((due, None))
    }

    /// Looks at up to `limit` records from `cursor` on for ones that may be forgotten at `now`: their keys, and where to go on
    /// (`None`: the end was reached).
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn sweep(
        &self,
        now: Timestamp,
        cursor: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<(Vec<RecordKey>, Option<Vec<u8>>), StoreError> {
        let (old, cursor) = self.sift(cursor, limit, |record: &Record| record.keep_until <= now)?;
        Ok((old.iter().map(Record::key).collect(), cursor))
    }

    /// Looks at up to `limit` files from `cursor` on for ones whose time is over at `now`: the files, and where to go on
    /// (`None`: the end was reached).
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn expired_files(
        &self,
        now: Timestamp,
        cursor: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<(Vec<File>, Option<Vec<u8>>), StoreError> {
        self.sift(cursor, limit, |file: &File| file.expires_at <= now)
    }

    /// Looks at up to `limit` media from `cursor` on for ones whose time is over at `now` or whose chatbot is gone: the media,
    /// and where to go on (`None`: the end was reached).
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn expired_media(
        &self,
        now: Timestamp,
        cursor: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<(Vec<Media>, Option<Vec<u8>>), StoreError> {
        let (media, next) = self.sift(cursor, limit, |_: &Media| true)?;
        let mut owners = FxHashMap::default();
        let mut old = Vec::new();
        for one in media {
            let is_here = match owners.get(&one.owner) {
                Some(is_here) => *is_here,
                None => {
                    let is_here =
                        self.keyspace(Family::Chatbots).contains_key(Chatbot::key_bytes(&one.owner))?;
                    *owners.entry(one.owner.clone()).or_insert(is_here)
                }
            };
            if !is_here || one.is_over(now) {
                old.push(one);
            }
        }
        Ok((old, next))
    }

    /// One account.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn account(&self, address: &Address) -> Result<Option<Account>, StoreError> {
        self.get(address)
    }

    /// All accounts, by address.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.all()
    }

    /// The bindings of one subscriber.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn bindings(&self, address: &Address) -> Result<Bindings, StoreError> {
        Ok(self.get(address)?.unwrap_or_default())
    }

    /// One chatbot.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn chatbot(&self, address: &Address) -> Result<Option<Chatbot>, StoreError> {
        self.get(address)
    }

    /// A chatbot that was loaded or written a moment ago, without a look at the disk: `Some(None)` if it is known not to exist,
    /// `None` if nothing is known.
    pub fn chatbot_at_hand(&self, address: &Address) -> Option<Option<Arc<Chatbot>>> {
        held(&self.chatbots).get(address)
    }

    /// All chatbots, by address.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn chatbots(&self) -> Result<Chatbots, StoreError> {
        if let Some(chatbots) = &*self.all_chatbots.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(chatbots.clone());
        }
        // A commit waits until this is there, and then changes it, whether or not it was read already.
        let mut kept = self.all_chatbots.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(chatbots) = &*kept {
            return Ok(chatbots.clone());
        }
        let chatbots = self.all::<Chatbot>()?.into_iter();
        let chatbots: Chatbots =
            Arc::new(chatbots.map(|chatbot| (chatbot.address.clone(), Arc::new(chatbot))).collect());
        *kept = Some(chatbots.clone());
        Ok(chatbots)
    }

    fn note_chatbots(&self, view: &View) {
        let mut changed = view.chatbots.changed_rows().peekable();
        if changed.peek().is_none() {
            return;
        }
        let mut kept = self.all_chatbots.write().unwrap_or_else(PoisonError::into_inner);
        let Some(chatbots) = kept.as_mut().map(Arc::make_mut) else { return };
        for (address, chatbot) in changed {
            match chatbot {
                Some(chatbot) => _ = chatbots.insert(address.clone(), chatbot.clone()),
                None => _ = chatbots.remove(address),
            }
        }
    }

    /// The configured devices of a subscriber.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn configuration(&self, address: &Address) -> Result<Option<Configuration>, StoreError> {
        self.get(address)
    }

    /// Every credential that logs in as a subscriber under this user name: of the account, and of configured devices.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn credentials(&self, address: &Address, username: &str) -> Result<Vec<Credential>, StoreError> {
        let Some(account) = self.account(address)? else { return Ok(Vec::new()) };
        let configuration = self.configuration(address)?;
        let of_account = account.credentials.into_iter().filter(|known| known.username == username);
        let of_devices = configuration.iter().flat_map(|all| all.credentials(username));
        Ok(of_account.chain(of_devices.map(|(_, _, known)| known.clone())).collect())
    }

    /// The service account of a chatbot.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn service_account(&self, chatbot: &Address) -> Result<Option<ServiceAccount>, StoreError> {
        self.get(chatbot)
    }

    /// The block list of a subscriber.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn blocks(&self, address: &Address) -> Result<Blocks, StoreError> {
        Ok(self.get(address)?.unwrap_or_default())
    }

    /// Up to `limit` spam reports, the latest first.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn spam_reports(&self, limit: usize) -> Result<Vec<SpamReport>, StoreError> {
        self.keyspace(Family::SpamReports)
            .iter()
            .rev()
            .take(limit)
            .map(|guard| decode(&guard.value()?))
            .collect()
    }

    /// Up to `limit` spam reports from before `before`, the oldest first.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn old_spam_reports(&self, before: Timestamp, limit: usize) -> Result<Vec<EntryId>, StoreError> {
        let mut old = Vec::new();
        for guard in self.keyspace(Family::SpamReports).iter().take(limit) {
            let report: SpamReport = decode(&guard.value()?)?;
            if report.at >= before {
                break;
            }
            old.push(report.id);
        }
        Ok(old)
    }

    /// One file.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn file(&self, id: FileId) -> Result<Option<File>, StoreError> {
        self.get(&id)
    }

    /// Up to `limit` files, in the order of their random ids; `None` for the owner means everybody's. Looks at every row.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn files(&self, owner: Option<&Address>, limit: usize) -> Result<Vec<File>, StoreError> {
        let rows = self.keyspace(Family::Files).iter().map(|guard| decode(&guard.value()?));
        let is_wanted = |file: &File| owner.is_none_or(|owner| file.owner == *owner);
        rows.filter(|row| row.as_ref().map_or(true, is_wanted)).take(limit).collect()
    }

    /// One of the media.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn media(&self, id: FileId) -> Result<Option<Media>, StoreError> {
        self.get(&id)
    }

    /// Up to `limit` media of a chatbot after `after`, by id; `None` for the owner means everybody's.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn media_list(
        &self,
        owner: Option<&Address>,
        after: Option<FileId>,
        limit: usize,
    ) -> Result<Vec<Media>, StoreError> {
        let prefix = owner.map(media::prefix);
        let first = after.map(|id| id.0.to_vec()).or(prefix.map(|prefix| prefix.to_vec()));
        let mut found = Vec::new();
        for guard in self.keyspace(Family::Media).range(first.unwrap_or_default()..) {
            let media: Media = decode(&guard.value()?)?;
            if found.len() == limit || prefix.is_some_and(|prefix| !media.id.0.starts_with(&prefix)) {
                break;
            }
            if Some(media.id) != after && owner.is_none_or(|owner| media.owner == *owner) {
                found.push(media);
            }
        }
        Ok(found)
    }

    /// What waits for the operator's decision, of one chatbot or of all, by chatbot.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn proposals(&self, chatbot: Option<&Address>) -> Result<Vec<Proposal>, StoreError> {
        let prefix = chatbot.map_or_else(Vec::new, mailbox::prefix);
        self.keyspace(Family::Proposals).prefix(prefix).map(|guard| decode(&guard.value()?)).collect()
    }

    /// The file that an upload makes or made.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn transfer(&self, key: &TransferKey) -> Result<Option<File>, StoreError> {
        let transfer: Option<Transfer> = self.get(key)?;
        transfer.map_or(Ok(None), |transfer| self.file(transfer.file))
    }

    /// What somebody's files come to.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn usage(&self, owner: &Address) -> Result<Usage, StoreError> {
        Ok(self.get(owner)?.unwrap_or_default())
    }

    /// One group.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn group(&self, address: &Address) -> Result<Option<Group>, StoreError> {
        self.get(address)
    }

    /// All groups, by address.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn groups(&self) -> Result<Vec<Group>, StoreError> {
        self.all()
    }

    /// The picture of an icon.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn icon(&self, id: FileId) -> Result<Option<IconPicture>, StoreError> {
        self.get(&id)
    }

    /// How a member's devices are connected to a group.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn leg(&self, key: &LegKey) -> Result<Option<Leg>, StoreError> {
        self.get(key)
    }

    /// Who watches somebody.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn watchers(&self, resource: &Address) -> Result<Option<Watchers>, StoreError> {
        self.get(resource)
    }

    /// Who is watched by anybody.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn watched(&self) -> Result<Vec<Address>, StoreError> {
        self.addresses(Family::Watchers)
    }

    /// Whether somebody's conversation history is kept, and how much of it there is; `None` when it is not and there is none.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn history(&self, owner: &Address) -> Result<Option<History>, StoreError> {
        self.get(owner)
    }

    /// Everybody whose conversation history is kept, or on its way out.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn histories(&self) -> Result<Vec<History>, StoreError> {
        self.all()
    }

    /// Looks at up to `limit` histories from `cursor` on for ones that are on their way out or hold what is older than `before`:
    /// whose, and where to go on (`None`: the end was reached).
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn old_histories(
        &self,
        before: Timestamp,
        cursor: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<(Vec<Address>, Option<Vec<u8>>), StoreError> {
        let is_old = |row: &History| !row.is_on || (row.messages > 0 && row.oldest_at < before);
        let (old, cursor) = self.sift(cursor, limit, is_old)?;
        Ok((old.into_iter().map(|row| row.owner).collect(), cursor))
    }

    /// The latest messages in somebody's history that come before `before` (`None`: before nothing), the latest first, with what
    /// became of them: at most `limit`, and of those after the first only as many as have `bytes_max` bytes of bodies together.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn remembered(
        &self,
        owner: &Address,
        before: Option<EntryId>,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<(Remembered, HistoryState)>, StoreError> {
        let (first, mut end) = (mailbox::prefix(owner), mailbox::prefix(owner));
        end.extend_from_slice(before.unwrap_or(EntryId::LAST).as_bytes());
        let mut found: Vec<(Remembered, HistoryState)> = Vec::new();
        let mut bytes = 0;
        for guard in self.keyspace(Family::History).range(first..end).rev() {
            let row: Remembered = decode(&guard.value()?)?;
            bytes += row.body.len();
            if found.len() == limit || (bytes > bytes_max && !found.is_empty()) {
                break;
            }
            // A row without a state is being removed in this moment.
            if let Some(state) = self.get(&row.key)? {
                found.push((row, state));
            }
        }
        Ok(found)
    }

    /// One message in somebody's history.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn remembered_as(&self, owner: &Address, id: EntryId) -> Result<Option<Remembered>, StoreError> {
        self.get(&(owner.clone(), id))
    }

    /// Which messages somebody has with `peer` in their history, or with anybody: the oldest `limit` of them.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn history_keys(
        &self,
        owner: &Address,
        peer: Option<&Address>,
        limit: usize,
    ) -> Result<Vec<HistoryKey>, StoreError> {
        let mut prefix = mailbox::prefix(owner);
        if let Some(peer) = peer {
            prefix.extend(mailbox::prefix(peer));
        }
        let states = self.keyspace(Family::HistoryStates).prefix(prefix).take(limit);
        states.map(|guard| decode(&guard.value()?).map(|state: HistoryState| state.key)).collect()
    }

    /// The record of a message for one addressee.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn record(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        self.get(key)
    }

    /// Every record of a message id: one for each sender that used it and each addressee.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn records(&self, message_id: &str) -> Result<Vec<Record>, StoreError> {
        self.keyspace(Family::Records)
            .prefix(record::prefix(message_id))
            .map(|guard| decode(&guard.value()?))
            .collect()
    }

    /// Up to `limit` entries of a mailbox, oldest first.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn mailbox(&self, address: &Address, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.keyspace(Family::Entries)
            .prefix(mailbox::prefix(address))
            .take(limit)
            .map(|guard| decode(&guard.value()?))
            .collect()
    }

    /// Whose mailboxes are not empty.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn owners_of_mail(&self) -> Result<Vec<Address>, StoreError> {
        self.addresses(Family::Heads)
    }

    /// All chatbots that have dead letters, in no particular order.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn owners_of_dead_letters(&self) -> Result<Vec<Address>, StoreError> {
        self.addresses(Family::DeadLetterCounts)
    }

    /// One dead letter.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn dead_letter(&self, key: &EntryKey) -> Result<Option<DeadLetter>, StoreError> {
        self.get(key)
    }

    /// Up to `limit` dead letters after `after`, by chatbot and then the oldest first; of one chatbot, or of all (`None`).
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn dead_letters(
        &self,
        chatbot: Option<&Address>,
        after: Option<&EntryKey>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let prefix = chatbot.map(mailbox::prefix).unwrap_or_default();
        let first = match after {
            Some(after) => std::ops::Bound::Excluded(DeadLetter::key_bytes(after)),
            None => std::ops::Bound::Included(prefix.clone()),
        };
        let mut found = Vec::new();
        for guard in self.keyspace(Family::DeadLetters).range((first, std::ops::Bound::Unbounded)) {
            let (key, value) = guard.into_inner()?;
            if found.len() == limit || !key.starts_with(&prefix) {
                break;
            }
            found.push(decode(&value)?);
        }
        Ok(found)
    }

    /// How many dead letters a chatbot has.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn dead_letter_count(&self, chatbot: &Address) -> Result<DeadLetterCount, StoreError> {
        Ok(self.get(chatbot)?.unwrap_or_default())
    }

    /// Looks at up to `limit` dead letters from `cursor` on for ones that were given up before `before`: which, and where to go
    /// on (`None`: the end was reached).
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn old_dead_letters(
        &self,
        before: Timestamp,
        cursor: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<(Vec<EntryKey>, Option<Vec<u8>>), StoreError> {
        let (old, cursor) = self.sift(cursor, limit, |letter: &DeadLetter| letter.given_up_at < before)?;
        Ok((old.iter().map(DeadLetter::key).collect(), cursor))
    }

    /// What a chatbot and a user are to each other; `None` when nothing is known.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn contact(&self, key: &ContactKey) -> Result<Option<Contact>, StoreError> {
        self.get(key)
    }

    /// Up to `limit` contacts of a chatbot, by user, with those after `after`.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn contacts(
        &self,
        chatbot: &Address,
        after: Option<&Address>,
        limit: usize,
    ) -> Result<Vec<Contact>, StoreError> {
        let prefix = mailbox::prefix(chatbot);
        let first = match after {
            Some(user) => std::ops::Bound::Excluded(Contact::key_bytes(&(chatbot.clone(), user.clone()))),
            None => std::ops::Bound::Included(prefix.clone()),
        };
        let mut found = Vec::new();
        for guard in self.keyspace(Family::Contacts).range((first, std::ops::Bound::Unbounded)) {
            let (key, value) = guard.into_inner()?;
            if found.len() == limit || !key.starts_with(&prefix) {
                break;
            }
            found.push(decode(&value)?);
        }
        Ok(found)
    }

    /// Whom a token stands for; `None` when it is nobody's, or not any more.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn alias(&self, token: Token) -> Result<Option<Alias>, StoreError> {
        self.get(&token)
    }

    /// What an operator has set of a chatbot's traffic.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn rules(&self, chatbot: &Address) -> Result<Rules, StoreError> {
        Ok(self.get(chatbot)?.unwrap_or_default())
    }

    /// How much was counted for somebody.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn spending(&self, whose: &str) -> Result<Spending, StoreError> {
        Ok(self.get(&whose.to_owned())?.unwrap_or_default())
    }

    /// Names of the files that entries hold their bodies in.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn spooled(&self) -> Result<Vec<String>, StoreError> {
        let keys = self.keyspace(Family::Spooled).iter().map(|guard| guard.key());
        keys.map(|key| Ok(String::from_utf8_lossy(&key?).into_owned())).collect()
    }

    /// How much waits in a mailbox.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn head(&self, address: &Address) -> Result<Head, StoreError> {
        Ok(self.get(address)?.unwrap_or_default())
    }

    /// A single value of the deployment, such as the nonce secret.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.keyspace(Family::Settings).get(name)?.map(|value| value.to_vec()))
    }

    /// Sets a single value of the deployment, synced.
    ///
    /// # Errors
    /// If the disk cannot be written.
    pub fn put_setting(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        batch.insert(self.keyspace(Family::Settings), name, value);
        Ok(batch.commit()?)
    }

    /// Bytes on disk, journal included.
    ///
    /// # Errors
    /// If the disk cannot be read.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        Ok(self.database.disk_space()?)
    }

    fn keyspace(&self, family: Family) -> &Keyspace {
        &self.families[family as usize]
    }

    fn get<R: Row>(&self, key: &R::Key) -> Result<Option<R>, StoreError> {
        self.keyspace(R::FAMILY).get(R::key_bytes(key))?.map(|value| decode(&value)).transpose()
    }

    /// Rows that `is_wanted` picks among up to `limit` from `cursor` on, and where to go on (`None`: the end was reached).
    fn sift<R: Row>(
        &self,
        cursor: Option<Vec<u8>>,
        limit: usize,
        is_wanted: impl Fn(&R) -> bool,
    ) -> Result<(Vec<R>, Option<Vec<u8>>), StoreError> {
        let mut wanted = Vec::new();
        let from = cursor.unwrap_or_default();
        for (seen, guard) in self.keyspace(R::FAMILY).range(from..).enumerate() {
            let (key, value) = guard.into_inner()?;
            if seen == limit {
                return Ok((wanted, Some(key.to_vec())));
            }
            let row: R = decode(&value)?;
            if is_wanted(&row) {
                wanted.push(row);
            }
        }
        Ok((wanted, None))
    }

    fn all<R: Row>(&self) -> Result<Vec<R>, StoreError> {
        self.keyspace(R::FAMILY).iter().map(|guard| decode(&guard.value()?)).collect()
    }

    /// Up to `limit` rows whose keys begin with `prefix`, in key order.
    fn rows_under<R: Row>(&self, prefix: Vec<u8>, limit: usize) -> Result<Vec<R>, StoreError> {
        let rows = self.keyspace(R::FAMILY).prefix(prefix).take(limit);
        rows.map(|guard| decode(&guard.value()?)).collect()
    }

    /// The keys of a family whose keys are addresses.
    fn addresses(&self, family: Family) -> Result<Vec<Address>, StoreError> {
        let keys = self.keyspace(family).iter().map(|guard| guard.key());
        let address = |key: &[u8]| std::str::from_utf8(key).ok()?.parse().ok();
        keys.map(|key| address(&key?).ok_or_else(|| damaged(family))).collect()
    }

    fn load_cached<R: Row>(
        &self,
        keys: Vec<R::Key>,
        cache: &mut Cache<R>,
        table: &mut view::Table<R>,
    ) -> Result<(), StoreError> {
        table.reserve(keys.len());
        for key in keys {
            if table.has(&key) {
                continue;
            }
            let row = match cache.get(&key) {
                Some(known) => known,
                None => {
                    let row = self.get(&key)?.map(Arc::new);
                    cache.put(key.clone(), row.clone());
                    row
                }
            };
            table.loaded(key, row);
        }
        Ok(())
    }

    fn load_rows<R: Row>(&self, keys: Vec<R::Key>, table: &mut view::Table<R>) -> Result<(), StoreError> {
        table.reserve(keys.len());
        for key in keys {
            if !table.has(&key) {
                let row = self.get(&key)?;
                table.loaded(key, row.map(Arc::new));
            }
        }
        Ok(())
    }

    fn load_entry(&self, key: EntryKey, view: &mut View) -> Result<(), StoreError> {
        if !view.entries.has(&key) {
            let row: Option<Entry> = self.get(&key)?;
            if let Some(entry) = &row {
                self.load_spooled(entry, view)?;
                view.stored_due.insert(key.clone(), entry.next_due);
            }
            view.entries.loaded(key, row.map(Arc::new));
        }
        Ok(())
    }

    /// How many entries share the file of an entry's body, for when this one lets go of it.
    fn load_spooled(&self, entry: &Entry, view: &mut View) -> Result<(), StoreError> {
        let Some(spooled) = entry.spooled.as_ref().filter(|spooled| !view.knows_spooled(&spooled.name))
        else {
            return Ok(());
        };
        let value = self.keyspace(Family::Spooled).get(&spooled.name)?;
        view.spooled_loaded(&spooled.name, mailbox::holders(value.as_deref().unwrap_or_default()));
        Ok(())
    }

    fn load_page(&self, page: PageKey, view: &mut View) -> Result<(), StoreError> {
        let (address, after, limit) = &page;
        let first = Entry::key_bytes(&(address.clone(), *after));
        let mut last = mailbox::prefix(address);
        last.extend_from_slice(&[0xff; 16]);
        let mut ids = Vec::new();
        let range = self
            .keyspace(Family::Entries)
            .range((std::ops::Bound::Excluded(first), std::ops::Bound::Included(last)));
        for guard in range.take(*limit) {
            let entry: Entry = decode(&guard.value()?)?;
            ids.push(entry.id);
            let key = entry.key();
            if !view.entries.has(&key) {
                self.load_spooled(&entry, view)?;
                view.stored_due.insert(key.clone(), entry.next_due);
                view.entries.loaded(key, Some(Arc::new(entry)));
            }
        }
        view.pages.insert(page, ids);
        Ok(())
    }

    fn load_history_page(&self, page: HistoryPageKey, view: &mut View) -> Result<(), StoreError> {
        let (owner, limit) = &page;
        let mut found = Vec::new();
        for guard in self.keyspace(Family::History).prefix(mailbox::prefix(owner)).take(*limit) {
            let row: Remembered = decode(&guard.value()?)?;
            found.push((row.key, row.accepted_at));
        }
        self.load_rows(found.iter().map(|(key, _)| key.clone()).collect(), &mut view.history_states)?;
        view.history_pages.insert(page, found);
        Ok(())
    }

    fn load_dead_letter_page(&self, page: DeadLetterPageKey, view: &mut View) -> Result<(), StoreError> {
        let (chatbot, limit) = &page;
        let letters = self.dead_letters(Some(chatbot), None, *limit)?;
        let found = letters.iter().map(DeadLetter::key).collect();
        for letter in letters {
            if !view.dead_letters.has(&letter.key()) {
                view.dead_letters.loaded(letter.key(), Some(Arc::new(letter)));
            }
        }
        view.dead_letter_pages.insert(page, found);
        Ok(())
    }

    fn load_media_page(&self, page: MediaPageKey, view: &mut View) -> Result<(), StoreError> {
        let (owner, limit) = &page;
        let media = self.media_list(Some(owner), None, *limit)?;
        let found = media.iter().map(|media| media.id).collect();
        for media in media {
            if !view.media.has(&media.id) {
                view.media.loaded(media.id, Some(Arc::new(media)));
            }
        }
        view.media_pages.insert(page, found);
        Ok(())
    }

    fn load_file_page(&self, page: FilePageKey, view: &mut View) -> Result<(), StoreError> {
        let (owner, first, limit) = &page;
        let (files, next) =
            self.sift(Some(File::key_bytes(first)), *limit, |file: &File| file.owner == *owner)?;
        let next =
            next.map(|key| key.try_into().map(FileId).map_err(|_| damaged(Family::Files))).transpose()?;
        self.load_rows(files.iter().filter_map(File::transfer_key).collect(), &mut view.transfers)?;
        let found = FilePage { files: files.iter().map(|file| file.id).collect(), next };
        for file in files {
            if !view.files.has(&file.id) {
                view.files.loaded(file.id, Some(Arc::new(file)));
            }
        }
        view.file_pages.insert(page, found);
        Ok(())
    }
}

/// A panic while the lock was held leaves rows that are as true as before.
fn held<T>(cache: &Mutex<T>) -> MutexGuard<'_, T> {
    cache.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Brings a cache up to what was just committed.
fn remember<R: Row>(table: &view::Table<R>, cache: &mut Cache<R>) {
    for (key, row) in table.changed_rows() {
        cache.put(key.clone(), row.clone());
    }
}

/// A key that this program did not write.
fn damaged(family: Family) -> StoreError {
    StoreError::Corrupt { family: family.name(), detail: "key of another shape".to_owned() }
}
