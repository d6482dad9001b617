//! Spam reports of subscribers, for the operator to look into.
//!
//! Key: the id of the report, so they lie in the order in which they came.

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::mailbox::EntryId;
use crate::row::{Family, Row};

/// A report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpamReport {
    /// Its id.
    pub id: EntryId,
    /// Who reports.
    pub from: Address,
    /// Who is reported.
    pub about: Address,
    /// The messages it is about; may be none.
    pub message_ids: Vec<String>,
    /// The kind of spam in the reporter's words; absent when not said.
    pub kind: Option<String>,
    /// What the reporter wrote; absent when nothing.
    pub text: Option<String>,
    /// When it came.
    pub at: Timestamp,
}

impl Row for SpamReport {
    type Key = EntryId;
    const FAMILY: Family = Family::SpamReports;
    const VERSION: u8 = 1;

    fn key_bytes(key: &EntryId) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}
