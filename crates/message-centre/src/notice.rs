//! What the platform tells a chatbot beside messages and what became of them: through its mailbox, so that it is told for sure
//! and in its turn (maap-api §2.9).

use rcs::Timestamp;
use rcs::address::Address;
use rcs::file_transfer::FileTransfer;
use serde::{Deserialize, Serialize};
use store::{Entry, EntryKind, FileId, Wants};

use crate::delivery::Delivery;
use crate::work::Task;
use crate::{Centre, Work};

/// Media type of a notice in a mailbox.
const NOTICE_TYPE: &str = "application/vnd.hongyan.notice+json";

/// Something that a chatbot should know. Kept as JSON in the body of an [`EntryKind::Notice`] entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "notice")]
pub enum Notice {
    /// What is known of it has changed.
    InformationChanged,
    /// A user has reported it as spam. It never learns who.
    Spam {
        /// The messages it is about; may be none.
        message_ids: Vec<String>,
        /// The kind of spam, in the reporter's words.
        kind: Option<String>,
        /// What the reporter wrote.
        text: Option<String>,
    },
    /// The operator has decided on something that it wants to show.
    Checked {
        /// What.
        about: Checked,
        /// Why not; absent if it passed.
        rejection: Option<String>,
        /// When.
        at: Timestamp,
    },
}

/// What the operator has decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Checked {
    /// What handsets show of the chatbot, its menu, or that it goes live.
    Information,
    /// Something in the media library.
    Media {
        /// Names it in later calls.
        id: FileId,
        /// Where it and its thumbnail are fetched.
        transfer: Box<FileTransfer>,
    },
}

impl Notice {
    /// What an entry says; `Err` when it is no notice.
    ///
    /// # Errors
    /// What the JSON reader says.
    pub fn of(entry: &Entry) -> Result<Self, String> {
        serde_json::from_slice(&entry.body).map_err(|error| error.to_string())
    }
}

/// Tells `chatbot`, in the same commit, if it has a webhook.
pub fn tell(chatbot: &Address, notice: Notice, work: &mut Work<'_>) {
    work.then.push(Task::Notice(Box::new((chatbot.clone(), notice))));
}

impl Centre {
    pub(crate) fn notice_wants(chatbot: &Address, wants: &mut Wants) {
        wants.chatbot(chatbot);
        wants.head(chatbot);
    }

    pub(crate) fn decide_notice(&mut self, chatbot: &Address, notice: &Notice, work: &mut Work<'_>) {
        if work.view.chatbot(chatbot).is_none_or(|chatbot| chatbot.webhook.is_none()) {
            return;
        }
        let body = serde_json::to_vec(notice).expect("texts can be written as JSON").into();
        let message_id = rcs::ids::message_id(self.random_16());
        let entry = self.platform_entry(chatbot, chatbot, message_id, NOTICE_TYPE, body, work.now);
        let entry = Entry { kind: EntryKind::Notice, ..entry };
        if let Err(refusal) = self.keep(Delivery::status(entry), work) {
            tracing::warn!(%chatbot, %refusal, "a notice could not be kept");
        }
    }
}
