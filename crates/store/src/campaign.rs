//! Campaigns: one template to many numbers, at a rate, within hours.
//!
//! Six families, all under the campaign's id (16 bytes):
//! - `campaigns`, key: the id. What is said, when, and whether it goes on. Rewritten when somebody changes it.
//! - `campaign-progress`, key: the id. How many recipients there are and how far the walk along them is. Rewritten with
//!   every page that is uploaded and every step that sends.
//! - `campaign-pages`, key: the id, then the page's number (four bytes, big-endian). [`PAGE`] recipients each in the order in
//!   which they came, so that uploading and walking are sequential.
//! - `campaign-numbers`, key: the id, then the recipient's address. Where among the recipients a number is; so no number is
//!   taken twice.
//! - `campaign-tallies`, key: the id. How many messages were delivered, displayed or lost. No decision writes it: the view
//!   sees the records of the campaign's messages change, and the commit adds up ([`View::put_record`]).
//! - `campaign-outcomes`, key: as of the page. A byte for each recipient: what became of messages whose records have been
//!   forgotten, noted when they are, likewise without any decision ([`View::remove_record`]); and who was skipped, which records
//!   do not tell from a refusal.
//!
//! The message to the recipient at place `n` has the id that [`message_id`] makes of the campaign and `n`, always the same: so
//! the record of each recipient is found without a row of its own, and a message that was sent is never sent again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rcs::Timestamp;
use rcs::address::Address;
use rcs::local_time::LocalTime;
use serde::{Deserialize, Serialize};

use crate::mailbox::EntryId;
use crate::record::{Outcome, Record};
use crate::row::{Family, Row, encode};
use crate::view::{Change, View, Wants};
use crate::{Store, StoreError};

/// Recipients of a page.
pub const PAGE: u64 = 512;

/// Names a campaign; ids sort by when campaigns were made.
pub type CampaignId = EntryId;

/// Names a page of recipients.
pub type CampaignPageKey = (CampaignId, u32);

/// Names a recipient of a campaign.
pub type CampaignNumberKey = (CampaignId, Address);

/// One template to many numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// The chatbot in whose name it speaks.
    pub chatbot: Address,
    /// What its owner calls it.
    pub name: String,
    /// The name of the template.
    pub template: String,
    /// The template as it was when the campaign was made; later changes of the template change nothing here.
    pub source: String,
    /// When and how fast.
    pub plan: Plan,
    /// Whether it goes on.
    pub state: CampaignState,
    /// Why the platform has paused it; absent when its owner has, and in every other state.
    pub paused_because: Option<String>,
    /// What a running campaign waits for beside its hours; absent when it need not.
    pub waiting: Option<Waiting>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it was finished or cancelled.
    pub ended_at: Option<Timestamp>,
}

/// What a campaign waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// When it goes on.
    pub until: Timestamp,
    /// Why not before.
    pub because: String,
}

/// When a campaign speaks, and how fast.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Not before; absent for at once.
    pub start_at: Option<Timestamp>,
    /// Whoever has not been sent to by then is not sent to; absent for never.
    pub end_at: Option<Timestamp>,
    /// Only within these; empty for always.
    pub windows: Vec<Window>,
    /// By whose clocks the windows are meant.
    pub time_zone: LocalTime,
    /// Messages a second, at the most; from 1.
    pub per_second: u32,
    /// How long a message waits for its recipient, in seconds; absent for the platform's default.
    pub validity_s: Option<u64>,
}

/// Some hours of some days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Bit 0 is Monday, bit 6 Sunday.
    pub days: u8,
    /// The first minute of the day.
    pub from_min: u16,
    /// The minute of the day before which it ends, above `from_min`; 1440 is midnight.
    pub to_min: u16,
}

/// Where a campaign is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CampaignState {
    /// Recipients are being gathered.
    Draft,
    /// It sends, or will when its time comes.
    Running,
    /// It waits to be resumed.
    Paused,
    /// Everybody has been sent to, or its time is over.
    Finished,
    /// Whoever has not been sent to will not be.
    Cancelled,
    /// Its rows are being removed, page by page.
    Removing,
}

/// How far a campaign is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Recipients that were taken.
    pub recipients: u64,
    /// Rows of uploads that named a recipient who was there already.
    pub duplicates: u64,
    /// Recipients before this place have been decided about.
    pub cursor: u64,
    /// Of those: messages that the platform has accepted.
    pub sent: u64,
    /// Of those: messages that the platform has refused (no such subscriber, blocked, mailbox full).
    pub refused: u64,
    /// Of those: recipients who must not be written to now (opted out, no consent, too often).
    pub skipped: u64,
}

/// What became of a campaign's messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignTally {
    /// The campaign's chatbot: records of others count for nothing, whatever ids they use.
    pub chatbot: Address,
    /// Messages that a device has.
    pub delivered: u64,
    /// Of those: displayed.
    pub displayed: u64,
    /// Messages that were accepted and will not be delivered: expired, refused by the device, revoked.
    pub failed: u64,
}

/// What became of the messages of a page whose records are forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignOutcomes {
    /// One for each recipient, as [`FinalOutcome`] numbers them; 0 for those of whom a record tells, and past the end.
    pub outcomes: Vec<u8>,
}

/// How a message ended, when no more is known of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum FinalOutcome {
    /// Accepted, and nothing was ever heard of it.
    Sent = 1,
    /// A device has it.
    Delivered,
    /// It was displayed.
    Displayed,
    /// Its time ran out.
    Expired,
    /// The platform, the recipient or their device would not have it.
    Refused,
    /// It was taken back.
    Revoked,
    /// The recipient was not to be written to (opted out, too often). Noted when it is decided.
    Skipped,
}

impl FinalOutcome {
    fn of(record: &Record) -> Self {
        match record.outcome {
            _ if record.displayed_at.is_some() => Self::Displayed,
            _ if record.delivered_at.is_some() => Self::Delivered,
            Outcome::Delivered => Self::Delivered,
            Outcome::Expired => Self::Expired,
            Outcome::Refused(_) => Self::Refused,
            Outcome::Revoked => Self::Revoked,
            Outcome::Waiting | Outcome::FellBack => Self::Sent,
        }
    }

    /// The outcome of a number in [`CampaignOutcomes::outcomes`].
    pub fn of_number(number: u8) -> Option<Self> {
        use FinalOutcome::{Delivered, Displayed, Expired, Refused, Revoked, Sent, Skipped};
        let all = [Sent, Delivered, Displayed, Expired, Refused, Revoked, Skipped];
        all.into_iter().find(|outcome| *outcome as u8 == number)
    }
}

/// Up to [`PAGE`] recipients.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignPage {
    /// In the order in which they came.
    pub recipients: Vec<Recipient>,
}

/// Somebody to be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Who.
    pub to: Address,
    /// The values of the template's variables in their order, as they are written into the message.
    pub values: Vec<String>,
}

/// Where among the recipients a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignNumber {
    /// From 0.
    pub place: u64,
}

/// The id of the message to the recipient at `place`.
pub fn message_id(campaign: CampaignId, place: u64) -> String {
    format!("c{campaign}-{place:08}")
}

/// The campaign that a message id belongs to, and the recipient's place, if it is one of [`message_id`].
pub fn of_message_id(message_id: &str) -> Option<(CampaignId, u64)> {
    // Nearly all ids end here, at a byte or two.
    let rest = message_id.strip_prefix('c').filter(|rest| rest.as_bytes().get(32) == Some(&b'-'))?;
    let place = rest.get(33..)?;
    let is_place = place.len() <= 16 && place.bytes().all(|byte| byte.is_ascii_digit());
    let place = place.parse().ok().filter(|_| is_place)?;
    Some((rest.get(..32).and_then(EntryId::parse)?, place))
}

impl Campaign {
    /// Whether recipients may be added now.
    pub fn is_open(&self) -> bool {
        matches!(self.state, CampaignState::Draft | CampaignState::Paused)
    }
}

impl Progress {
    /// The page that holds a place, and where in it.
    pub fn page_of(place: u64) -> (u32, usize) {
        (u32::try_from(place / PAGE).unwrap_or(u32::MAX), (place % PAGE) as usize)
    }

    /// How many pages there are.
    pub fn pages(&self) -> u32 {
        u32::try_from(self.recipients.div_ceil(PAGE)).unwrap_or(u32::MAX)
    }
}

fn key_of(id: &CampaignId) -> Vec<u8> {
    id.as_bytes().to_vec()
}

impl Row for Campaign {
    type Key = CampaignId;
    const FAMILY: Family = Family::Campaigns;
    const VERSION: u8 = 2;

    fn key_bytes(key: &CampaignId) -> Vec<u8> {
        key_of(key)
    }

    fn upgrade(version: u8, row: &mut Vec<u8>) -> bool {
        let before = (version == 1).then(|| postcard::from_bytes(row).ok()).flatten();
        let Some(before) = before else { return false };
        *row = postcard::to_stdvec(&before::upgraded(before))
            .expect("rows are plain data: postcard refuses none of it");
        true
    }
}

/// Rows of version 1: time zones were distances from UTC, and nothing was said of what a campaign waits for.
mod before {
    use super::{
        Address, Campaign, CampaignId, CampaignState, Deserialize, LocalTime, Plan, Timestamp, Window,
    };

    #[derive(Deserialize)]
    #[cfg_attr(test, derive(serde::Serialize))]
    pub struct CampaignBefore {
        pub id: CampaignId,
        pub chatbot: Address,
        pub name: String,
        pub template: String,
        pub source: String,
        pub plan: PlanBefore,
        pub state: CampaignState,
        pub paused_because: Option<String>,
        pub created_at: Timestamp,
        pub started_at: Option<Timestamp>,
        pub ended_at: Option<Timestamp>,
    }

    #[derive(Deserialize)]
    #[cfg_attr(test, derive(serde::Serialize))]
    pub struct PlanBefore {
        pub start_at: Option<Timestamp>,
        pub end_at: Option<Timestamp>,
        pub windows: Vec<Window>,
        pub utc_offset_min: i16,
        pub per_second: u32,
        pub validity_s: Option<u64>,
    }

    pub fn upgraded(before: CampaignBefore) -> Campaign {
        let PlanBefore { start_at, end_at, windows, utc_offset_min, per_second, validity_s } = before.plan;
        let time_zone = LocalTime::minutes_east(utc_offset_min);
        Campaign {
            id: before.id,
            chatbot: before.chatbot,
            name: before.name,
            template: before.template,
            source: before.source,
            plan: Plan { start_at, end_at, windows, time_zone, per_second, validity_s },
            state: before.state,
            paused_because: before.paused_because,
            waiting: None,
            created_at: before.created_at,
            started_at: before.started_at,
            ended_at: before.ended_at,
        }
    }
}

impl Row for Progress {
    type Key = CampaignId;
    const FAMILY: Family = Family::CampaignProgress;
    const VERSION: u8 = 1;

    fn key_bytes(key: &CampaignId) -> Vec<u8> {
        key_of(key)
    }
}

impl Row for CampaignTally {
    type Key = CampaignId;
    const FAMILY: Family = Family::CampaignTallies;
    const VERSION: u8 = 1;

    fn key_bytes(key: &CampaignId) -> Vec<u8> {
        key_of(key)
    }
}

impl Row for CampaignPage {
    type Key = CampaignPageKey;
    const FAMILY: Family = Family::CampaignPages;
    const VERSION: u8 = 1;

    fn key_bytes((id, page): &CampaignPageKey) -> Vec<u8> {
        [&id.as_bytes()[..], &page.to_be_bytes()].concat()
    }
}

impl Row for CampaignOutcomes {
    type Key = CampaignPageKey;
    const FAMILY: Family = Family::CampaignOutcomes;
    const VERSION: u8 = 1;

    fn key_bytes(key: &CampaignPageKey) -> Vec<u8> {
        CampaignPage::key_bytes(key)
    }
}

impl Row for CampaignNumber {
    type Key = CampaignNumberKey;
    const FAMILY: Family = Family::CampaignNumbers;
    const VERSION: u8 = 1;

    fn key_bytes((id, address): &CampaignNumberKey) -> Vec<u8> {
        [&id.as_bytes()[..], address.as_str().as_bytes()].concat()
    }
}

impl Wants {
    /// A campaign and its progress.
    pub fn campaign(&mut self, id: CampaignId) {
        self.campaigns.push(id);
        self.campaign_progress.push(id);
    }

    /// A page of a campaign's recipients.
    pub fn campaign_page(&mut self, key: CampaignPageKey) {
        self.campaign_pages.push(key);
    }

    /// Whether a number is among a campaign's recipients.
    pub fn campaign_number(&mut self, key: CampaignNumberKey) {
        self.campaign_numbers.push(key);
    }
}

impl View {
    /// A campaign; `None` when there is no such campaign.
    pub fn campaign(&self, id: CampaignId) -> Option<&Campaign> {
        self.campaigns.get(&id)
    }

    /// Adds a campaign that nobody is a recipient of yet.
    pub fn add_campaign(&mut self, campaign: Campaign) {
        let tally =
            CampaignTally { chatbot: campaign.chatbot.clone(), delivered: 0, displayed: 0, failed: 0 };
        self.campaign_tallies.put(campaign.id, Some(tally));
        self.campaign_progress.put(campaign.id, Some(Progress::default()));
        self.campaigns.put(campaign.id, Some(campaign));
    }

    /// Changes a campaign in place, if there is one.
    pub fn update_campaign(&mut self, id: CampaignId, change: impl FnOnce(&mut Campaign)) {
        self.campaigns.update(&id, change);
    }

    /// How far a campaign is.
    pub fn campaign_progress(&self, id: CampaignId) -> Progress {
        self.campaign_progress.get(&id).copied().unwrap_or_default()
    }

    /// Notes how far a campaign is.
    pub fn put_campaign_progress(&mut self, id: CampaignId, progress: Progress) {
        self.campaign_progress.put(id, Some(progress));
    }

    /// Notes that a recipient of a campaign was not to be written to.
    pub fn note_skipped(&mut self, id: CampaignId, chatbot: &Address, place: u64) {
        let news = self.campaign_news.entry((id, chatbot.clone())).or_default();
        news.forgotten.push((place, FinalOutcome::Skipped));
    }

    /// A page of a campaign's recipients.
    pub fn campaign_page(&self, key: CampaignPageKey) -> Option<&CampaignPage> {
        self.campaign_pages.get(&key)
    }

    /// Adds or replaces a page of recipients.
    pub fn put_campaign_page(&mut self, key: CampaignPageKey, page: CampaignPage) {
        self.campaign_pages.put(key, Some(page));
    }

    /// Removes a page with its recipients' places.
    pub fn remove_campaign_page(&mut self, key: CampaignPageKey) {
        let Some(page) = self.campaign_pages.get(&key).cloned() else { return };
        for recipient in page.recipients {
            self.campaign_numbers.put((key.0, recipient.to), None);
        }
        self.campaign_pages.put(key, None);
        self.campaign_outcomes.put(key, None);
    }

    /// Where among a campaign's recipients a number is; `None` when it is not.
    pub fn campaign_number(&self, key: &CampaignNumberKey) -> Option<u64> {
        self.campaign_numbers.get(key).map(|number| number.place)
    }

    /// Notes where a number is.
    pub fn put_campaign_number(&mut self, key: CampaignNumberKey, place: u64) {
        self.campaign_numbers.put(key, Some(CampaignNumber { place }));
    }

    /// Removes a campaign; its pages must have been removed before.
    pub fn remove_campaign(&mut self, id: CampaignId) {
        self.campaigns.put(id, None);
        self.campaign_progress.put(id, None);
        self.campaign_tallies.put(id, None);
    }
}

/// What a batch did to the records of a campaign's messages.
#[derive(Debug, Default)]
pub(crate) struct News {
    increment: Increment,
    /// Places whose records were forgotten, and what these said; and those who were skipped.
    forgotten: Vec<(u64, FinalOutcome)>,
}

impl News {
    pub(crate) fn changed(&mut self, increment: Increment) {
        self.increment.add(increment);
    }

    pub(crate) fn forgotten(&mut self, place: u64, record: &Record) {
        self.forgotten.push((place, FinalOutcome::of(record)));
    }
}

/// What the records that a batch changed add to tallies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Increment {
    delivered: u64,
    displayed: u64,
    failed: u64,
}

/// How far a message has come, as tallies count it.
#[derive(Clone, Copy, Default)]
struct Stage {
    is_delivered: bool,
    is_displayed: bool,
    is_lost: bool,
}

impl Stage {
    fn of(record: &Record) -> Self {
        Self {
            is_delivered: record.outcome == Outcome::Delivered || record.delivered_at.is_some(),
            is_displayed: record.displayed_at.is_some(),
            is_lost: matches!(record.outcome, Outcome::Expired | Outcome::Refused(_) | Outcome::Revoked),
        }
    }
}

impl Increment {
    /// What a record's change adds. A record that begins as refused was never accepted, so its loss is none.
    pub(crate) fn of(before: Option<&Record>, after: &Record) -> Self {
        let is_new = before.is_none();
        let (before, after) = (before.map(Stage::of).unwrap_or_default(), Stage::of(after));
        Self {
            delivered: u64::from(after.is_delivered && !before.is_delivered),
            displayed: u64::from(after.is_displayed && !before.is_displayed),
            failed: u64::from(after.is_lost && !before.is_lost && !is_new),
        }
    }

    pub(crate) fn is_nothing(self) -> bool {
        self == Self::default()
    }

    fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.displayed += other.displayed;
        self.failed += other.failed;
    }
}

impl CampaignTally {
    fn add(&mut self, increment: Increment) {
        self.delivered += increment.delivered;
        self.displayed += increment.displayed;
        self.failed += increment.failed;
    }
}

impl Store {
    /// One campaign.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn campaign(&self, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
        self.get(&id)
    }

    /// All campaigns, the oldest first.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn campaigns(&self) -> Result<Vec<Campaign>, StoreError> {
        self.all()
    }

    /// How far a campaign is, and what became of its messages.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn campaign_progress(&self, id: CampaignId) -> Result<(Progress, Option<CampaignTally>), StoreError> {
        let progress: Option<Progress> = self.get(&id)?;
        Ok((progress.unwrap_or_default(), self.get(&id)?))
    }

    /// What became of a page's messages whose records are forgotten.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn campaign_outcomes(&self, key: CampaignPageKey) -> Result<Vec<u8>, StoreError> {
        let page: Option<CampaignOutcomes> = self.get(&key)?;
        Ok(page.unwrap_or_default().outcomes)
    }

    /// A page of a campaign's recipients; empty past the end.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn campaign_page(&self, key: CampaignPageKey) -> Result<Vec<Recipient>, StoreError> {
        let page: Option<CampaignPage> = self.get(&key)?;
        Ok(page.unwrap_or_default().recipients)
    }

    /// Where among a campaign's recipients a number is.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn campaign_place(&self, key: &CampaignNumberKey) -> Result<Option<u64>, StoreError> {
        let number: Option<CampaignNumber> = self.get(key)?;
        Ok(number.map(|number| number.place))
    }

    /// What a batch adds to tallies and outcomes. A campaign that is gone, or whose chatbot the sender is not, has neither.
    pub(crate) fn added_up(&self, view: &View) -> Result<Vec<Change>, StoreError> {
        let mut changes = Vec::new();
        for ((id, sender), news) in &view.campaign_news {
            if view.campaign_tallies.has(id) {
                continue;
            }
            let tally: Option<CampaignTally> = self.get(id)?;
            let Some(mut tally) = tally.filter(|tally| tally.chatbot == *sender) else { continue };
            if !news.increment.is_nothing() {
                tally.add(news.increment);
                changes.push((Family::CampaignTallies, key_of(id), Some(encode(&tally))));
            }
            let mut pages: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
            for (place, outcome) in &news.forgotten {
                let (page, at) = Progress::page_of(*place);
                let outcomes = match pages.entry(page) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(unknown) => unknown.insert(self.campaign_outcomes((*id, page))?),
                };
                outcomes.resize(outcomes.len().max(at + 1), 0);
                // Why there was a refusal is known better than by its record.
                if outcomes[at] != FinalOutcome::Skipped as u8 {
                    outcomes[at] = *outcome as u8;
                }
            }
            for (page, outcomes) in pages {
                let key = CampaignOutcomes::key_bytes(&(*id, page));
                changes.push((Family::CampaignOutcomes, key, Some(encode(&CampaignOutcomes { outcomes }))));
            }
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::decode;

    #[test]
    fn a_campaign_of_the_version_before_is_read() {
        let plan = before::PlanBefore {
            start_at: None,
            end_at: Some(Timestamp::from_seconds(9)),
            windows: vec![Window { days: 3, from_min: 540, to_min: 1_200 }],
            utc_offset_min: -330,
            per_second: 7,
            validity_s: Some(60),
        };
        let id = EntryId::parse("019a00000000000000010000000000ff").unwrap();
        let old = before::CampaignBefore {
            id,
            chatbot: "sip:1@botplatform.a.example".parse().unwrap(),
            name: "n".to_owned(),
            template: "t".to_owned(),
            source: "{}".to_owned(),
            plan,
            state: CampaignState::Paused,
            paused_because: Some("why".to_owned()),
            created_at: Timestamp::from_seconds(1),
            started_at: Some(Timestamp::from_seconds(2)),
            ended_at: None,
        };
        let mut bytes = vec![1];
        bytes.extend(postcard::to_stdvec(&old).unwrap());
        let read: Campaign = decode(&bytes).unwrap();
        assert_eq!(read, before::upgraded(old));
        assert_eq!((read.plan.time_zone.to_string().as_str(), read.plan.per_second), ("-05:30", 7));
        assert_eq!(
            (read.state, read.started_at, read.waiting),
            (CampaignState::Paused, Some(Timestamp::from_seconds(2)), None)
        );
    }

    #[test]
    fn a_message_id_tells_its_campaign() {
        let id = EntryId::parse("019a00000000000000010000000000ff").unwrap();
        let message_id = message_id(id, 41);
        assert_eq!(message_id, "c019a00000000000000010000000000ff-00000041");
        assert!(rcs::ids::is_valid(&message_id));
        assert_eq!(of_message_id(&message_id), Some((id, 41)));
        for other in
            ["", "c", "c-1", "019a00000000000000010000000000ff-00000041", "c字a00000000000000010000000000-1"]
        {
            assert_eq!(of_message_id(other), None, "{other}");
        }
    }
}
