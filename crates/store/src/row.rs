//! How a row lies on disk: one version byte, then the value in postcard.
//!
//! A family of stored things implements [`Row`]; its key layout is documented at the head of the family's module.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// A stored thing: where it lies, and under which key.
pub trait Row: Serialize + DeserializeOwned + Clone {
    /// What names one row.
    type Key: Clone + Eq + std::hash::Hash + Ord + std::fmt::Debug;
    /// The keyspace of the family.
    const FAMILY: Family;
    /// The encoding's version. A change of the type's fields raises it, and `decode` learns to read the old one.
    const VERSION: u8;

    /// The key's bytes; keys sort as the family's module says.
    fn key_bytes(key: &Self::Key) -> Vec<u8>;

    /// Makes of a row that `version` wrote (without its version byte) one of [`Row::VERSION`]; `false` when that version is
    /// not known.
    fn upgrade(_version: u8, _row: &mut Vec<u8>) -> bool {
        false
    }
}

/// The keyspaces of the store, in the order in which they are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Family {
    /// Subscribers and their credentials.
    Accounts,
    /// Registered devices, one row a subscriber.
    Bindings,
    /// What waits in mailboxes, one row an entry.
    Entries,
    /// How much waits in a mailbox, one row a mailbox.
    Heads,
    /// When an entry wants attention, sorted by time.
    Due,
    /// What became of each message, one row an addressee.
    Records,
    /// Chatbots, their credentials and profiles.
    Chatbots,
    /// How chatbots of the RBM-style interface prove themselves, and their testers.
    ServiceAccounts,
    /// Devices configured over HTTP and their secrets, one row a subscriber.
    Configurations,
    /// From whom somebody wants to hear nothing, one row a subscriber.
    Blocks,
    /// Spam reports, in the order in which they came.
    SpamReports,
    /// Files on the content server.
    Files,
    /// Which file an upload makes.
    Transfers,
    /// What somebody's files come to.
    Usage,
    /// Single values of the deployment.
    Settings,
    /// Groups and their members.
    Groups,
    /// The dialogs and subscriptions of groups' members.
    Legs,
    /// The groups of each subscriber.
    Memberships,
    /// Whose the messages in groups were.
    Authors,
    /// The pictures that groups are known by.
    Icons,
    /// Files that hold the bodies of entries.
    Spooled,
    /// Who watches somebody's registration or presence, one row for each who is watched.
    Watchers,
    /// Whose conversation history is kept, one row a subscriber.
    Histories,
    /// The messages in histories.
    History,
    /// What became of them.
    HistoryStates,
    /// What was given up on on its way to chatbots.
    DeadLetters,
    /// How many dead letters each chatbot has.
    DeadLetterCounts,
    /// What a chatbot and a user are to each other, one row for both.
    Contacts,
    /// Whom the tokens of users stand for.
    Aliases,
    /// What an operator has set of a chatbot's traffic.
    Rules,
    /// How much somebody has sent today and this month.
    Spending,
    /// What chatbots have uploaded for their messages.
    Media,
    /// What chatbots want to show and the operator has not decided on.
    Proposals,
    /// What chatbots say with places left open.
    Templates,
    /// Campaigns, one row each.
    Campaigns,
    /// How far each campaign is.
    CampaignProgress,
    /// What became of each campaign's messages.
    CampaignTallies,
    /// Recipients of campaigns, page by page.
    CampaignPages,
    /// Where among a campaign's recipients a number is.
    CampaignNumbers,
    /// What became of campaigns' messages whose records are forgotten.
    CampaignOutcomes,
    /// Who runs chatbots here.
    Tenants,
    /// Whose the chatbots are.
    Owners,
    /// Whose chatbots that were removed had been.
    FormerOwners,
    /// Keys of the administration API.
    ApiKeys,
    /// Administrative acts, in the order in which they began.
    AuditLog,
}

impl Family {
    /// All families, indexed by their number.
    pub const ALL: &'static [Self] = &[
        Self::Accounts,
        Self::Bindings,
        Self::Entries,
        Self::Heads,
        Self::Due,
        Self::Records,
        Self::Chatbots,
        Self::ServiceAccounts,
        Self::Configurations,
        Self::Blocks,
        Self::SpamReports,
        Self::Files,
        Self::Transfers,
        Self::Usage,
        Self::Settings,
        Self::Groups,
        Self::Legs,
        Self::Memberships,
        Self::Authors,
        Self::Icons,
        Self::Spooled,
        Self::Watchers,
        Self::Histories,
        Self::History,
        Self::HistoryStates,
        Self::DeadLetters,
        Self::DeadLetterCounts,
        Self::Contacts,
        Self::Aliases,
        Self::Rules,
        Self::Spending,
        Self::Media,
        Self::Proposals,
        Self::Templates,
        Self::Campaigns,
        Self::CampaignProgress,
        Self::CampaignTallies,
        Self::CampaignPages,
        Self::CampaignNumbers,
        Self::CampaignOutcomes,
        Self::Tenants,
        Self::Owners,
        Self::FormerOwners,
        Self::ApiKeys,
        Self::AuditLog,
    ];

    /// The keyspace's name on disk and in `hongyan store dump`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::Bindings => "bindings",
            Self::Entries => "entries",
            Self::Heads => "heads",
            Self::Due => "due",
            Self::Records => "records",
            Self::Chatbots => "chatbots",
            Self::ServiceAccounts => "service-accounts",
            Self::Configurations => "configurations",
            Self::Blocks => "blocks",
            Self::SpamReports => "spam-reports",
            Self::Files => "files",
            Self::Transfers => "transfers",
            Self::Usage => "usage",
            Self::Settings => "settings",
            Self::Groups => "groups",
            Self::Legs => "legs",
            Self::Memberships => "memberships",
            Self::Authors => "authors",
            Self::Icons => "icons",
            Self::Spooled => "spooled",
            Self::Watchers => "watchers",
            Self::Histories => "histories",
            Self::History => "history",
            Self::HistoryStates => "history-states",
            Self::DeadLetters => "dead-letters",
            Self::DeadLetterCounts => "dead-letter-counts",
            Self::Contacts => "contacts",
            Self::Aliases => "aliases",
            Self::Rules => "rules",
            Self::Spending => "spending",
            Self::Media => "media",
            Self::Proposals => "proposals",
            Self::Templates => "templates",
            Self::Campaigns => "campaigns",
            Self::CampaignProgress => "campaign-progress",
            Self::CampaignTallies => "campaign-tallies",
            Self::CampaignPages => "campaign-pages",
            Self::CampaignNumbers => "campaign-numbers",
            Self::CampaignOutcomes => "campaign-outcomes",
            Self::Tenants => "tenants",
            Self::Owners => "owners",
            Self::FormerOwners => "former-owners",
            Self::ApiKeys => "api-keys",
            Self::AuditLog => "audit-log",
        }
    }
}

/// The bytes of a row.
pub(crate) fn encode<R: Row>(row: &R) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    bytes.push(R::VERSION);
    postcard::to_extend(row, bytes).expect("rows are plain data: postcard refuses none of it")
}

/// A row from its bytes. `Err` means the disk holds what no version of this program wrote, or a newer one did.
pub(crate) fn decode<R: Row>(bytes: &[u8]) -> Result<R, StoreError> {
    let family = R::FAMILY.name();
    let read = |row: &[u8]| {
        postcard::from_bytes(row).map_err(|error| StoreError::Corrupt { family, detail: error.to_string() })
    };
    match bytes.split_first() {
        Some((&version, rest)) if version == R::VERSION => read(rest),
        Some((&version, rest)) => {
            let mut row = rest.to_vec();
            if R::upgrade(version, &mut row) {
                read(&row)
            } else {
                Err(StoreError::Version { family, version })
            }
        }
        None => Err(StoreError::Corrupt { family, detail: "empty row".to_owned() }),
    }
}

/// A row within another row: with its own version byte, so that the outer one need not change when it does.
pub(crate) mod nested {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use super::{Row, decode, encode};

    pub fn serialize<R: Row, S: Serializer>(row: &R, serializer: S) -> Result<S::Ok, S::Error> {
        // For people, as it would be on its own.
        match serializer.is_human_readable() {
            true => row.serialize(serializer),
            false => serializer.serialize_bytes(&encode(row)),
        }
    }

    pub fn deserialize<'de, R: Row, D: Deserializer<'de>>(deserializer: D) -> Result<R, D::Error> {
        let bytes = bytes::Bytes::deserialize(deserializer)?;
        decode(&bytes).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, EntryIds, EntryKind};

    #[test]
    fn an_entry_of_the_version_before_is_read() {
        let now = rcs::Timestamp::EPOCH;
        let entry = Entry {
            id: EntryIds::new(1).next(now),
            kind: EntryKind::Message,
            message_id: "m".to_owned(),
            from: "tel:+8613800000001".parse().unwrap(),
            to: "tel:+8613800000002".parse().unwrap(),
            conversation_id: "c".to_owned(),
            contribution_id: "d".to_owned(),
            in_reply_to: None,
            service: None,
            content_type: "text/plain".to_owned(),
            body: bytes::Bytes::from_static(b"hello"),
            wanted: Default::default(),
            accepted_at: now,
            expires_at: now,
            waiting: vec!["w".to_owned()],
            taken: Vec::new(),
            refused: Vec::new(),
            attempts: 3,
            next_due: now,
            spooled: None,
            accept: Vec::new(),
        };
        let mut old = encode(&entry);
        for version in [2, 1] {
            old[0] = version;
            assert_eq!(old.pop(), Some(0), "what version {version} did not write");
            assert_eq!(decode::<Entry>(&old).unwrap(), entry);
        }
        old[0] = 9;
        assert!(matches!(decode::<Entry>(&old), Err(StoreError::Version { version: 9, .. })));
    }
}
