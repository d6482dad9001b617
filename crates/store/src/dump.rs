//! Any family as JSON lines, for `hongyan store dump`. Secrets are left out.

use serde_json::{Value, json};

use crate::campaign::{CampaignNumber, CampaignOutcomes};
use crate::row::{Family, Row, decode};
use crate::{
    Account, Act, Alias, ApiKey, Author, Bindings, Blocks, Campaign, CampaignPage, CampaignTally, Chatbot,
    Configuration, Contact, DeadLetter, DeadLetterCount, Entry, File, FormerOwner, Group, Head, History,
    HistoryState, IconPicture, Leg, Media, Memberships, Owner, Progress, Proposal, Record, Remembered, Rules,
    ServiceAccount, SpamReport, Spending, Store, StoreError, Template, Tenant, Transfer, Usage, Watchers,
    mailbox,
};

impl Store {
    /// Calls `line` with each row of a family as JSON, in key order. Credentials, tokens and message bodies are replaced by
    /// their sizes.
    ///
    /// # Errors
    /// If the disk cannot be read or holds damaged rows.
    pub fn dump(&self, family: Family, mut line: impl FnMut(Value)) -> Result<(), StoreError> {
        for guard in self.keyspace(family).iter() {
            let (key, value) = guard.into_inner()?;
            let row = match family {
                Family::Accounts => without(json_of::<Account>(&value)?, &["credentials"]),
                Family::Bindings => json_of::<Bindings>(&value)?,
                Family::Entries => without(json_of::<Entry>(&value)?, &["body"]),
                Family::Heads => json_of::<Head>(&value)?,
                Family::Records => json_of::<Record>(&value)?,
                Family::Chatbots => {
                    without(json_of::<Chatbot>(&value)?, &["app_key_sha256", "callback_token", "token"])
                }
                Family::ServiceAccounts => json_of::<ServiceAccount>(&value)?,
                Family::Configurations => {
                    let mut row = json_of::<Configuration>(&value)?;
                    for device in row["devices"].as_array_mut().into_iter().flatten() {
                        *device = without(device.take(), &["secrets"]);
                    }
                    row
                }
                Family::Blocks => json_of::<Blocks>(&value)?,
                Family::SpamReports => without(json_of::<SpamReport>(&value)?, &["text"]),
                Family::Files => json_of::<File>(&value)?,
                Family::Transfers => json_of::<Transfer>(&value)?,
                Family::Usage => json_of::<Usage>(&value)?,
                Family::Due => {
                    let (at, address, id) =
                        mailbox::parse_due_key(&key).ok_or_else(|| crate::damaged(family))?;
                    json!({ "at": at.rfc3339(), "address": address, "entry": id.to_string() })
                }
                Family::Spooled => Value::Null,
                Family::Groups => json_of::<Group>(&value)?,
                Family::Legs => json_of::<Leg>(&value)?,
                Family::Memberships => json_of::<Memberships>(&value)?,
                Family::Authors => json_of::<Author>(&value)?,
                Family::Icons => without(json_of::<IconPicture>(&value)?, &["bytes"]),
                Family::Watchers => json_of::<Watchers>(&value)?,
                Family::Histories => json_of::<History>(&value)?,
                Family::History => without(json_of::<Remembered>(&value)?, &["body"]),
                Family::HistoryStates => json_of::<HistoryState>(&value)?,
                Family::DeadLetters => {
                    let mut row = json_of::<DeadLetter>(&value)?;
                    row["entry"] = without(row["entry"].take(), &["body"]);
                    row
                }
                Family::DeadLetterCounts => json_of::<DeadLetterCount>(&value)?,
                Family::Contacts => json_of::<Contact>(&value)?,
                Family::Aliases => json_of::<Alias>(&value)?,
                Family::Rules => json_of::<Rules>(&value)?,
                Family::Spending => json_of::<Spending>(&value)?,
                Family::Media => json_of::<Media>(&value)?,
                Family::Proposals => json_of::<Proposal>(&value)?,
                Family::Templates => without(json_of::<Template>(&value)?, &["source"]),
                Family::Campaigns => without(json_of::<Campaign>(&value)?, &["source"]),
                Family::CampaignProgress => json_of::<Progress>(&value)?,
                Family::CampaignTallies => json_of::<CampaignTally>(&value)?,
                Family::CampaignPages => without(json_of::<CampaignPage>(&value)?, &["recipients"]),
                Family::CampaignNumbers => json_of::<CampaignNumber>(&value)?,
                Family::CampaignOutcomes => without(json_of::<CampaignOutcomes>(&value)?, &["outcomes"]),
                Family::Tenants => json_of::<Tenant>(&value)?,
                Family::Owners => json_of::<Owner>(&value)?,
                Family::FormerOwners => json_of::<FormerOwner>(&value)?,
                Family::ApiKeys => without(json_of::<ApiKey>(&value)?, &["sha256", "previous"]),
                Family::AuditLog => json_of::<Act>(&value)?,
                Family::Settings => json!({ "bytes": value.len() }),
            };
            line(json!({ "family": family.name(), "key": String::from_utf8_lossy(&key), "row": row }));
        }
        Ok(())
    }
}

fn json_of<R: Row>(value: &[u8]) -> Result<Value, StoreError> {
    let row: R = decode(value)?;
    serde_json::to_value(row)
        .map_err(|error| StoreError::Corrupt { family: R::FAMILY.name(), detail: error.to_string() })
}

/// `row` with the named members replaced by their sizes.
fn without(mut row: Value, members: &[&str]) -> Value {
    for member in members {
        if let Some(value) = row.get_mut(member) {
            let size = match value {
                Value::Array(items) => items.len(),
                Value::String(text) => text.len(),
                _ => 0,
            };
            *value = json!({ "left_out": size });
        }
    }
    row
}
