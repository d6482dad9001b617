//! What chatbots want to show and the operator has not decided on.
//!
//! Key: the chatbot's address, a zero byte, and what it is about. A later proposal about the same takes the place of the
//! earlier; what has been decided is a row no more.

use std::fmt;
use std::str::FromStr;

use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};

use crate::file::FileId;
use crate::row::{Family, Row};

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Whose.
    pub chatbot: Address,
    /// What it is about.
    pub topic: Topic,
    /// The changes that are proposed, as JSON; absent where the topic says it all.
    pub change: Option<String>,
    /// When it was made.
    pub at: Timestamp,
}

/// What a proposal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// What handsets show of the chatbot.
    Data,
    /// Its persistent menu.
    Menu,
    /// That it goes live.
    Launch,
    /// One of its media.
    Media(FileId),
}

/// Names a proposal.
pub type ProposalKey = (Address, Topic);

impl Proposal {
    /// Its key.
    pub fn key(&self) -> ProposalKey {
        (self.chatbot.clone(), self.topic)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data => f.write_str("data"),
            Self::Menu => f.write_str("menu"),
            Self::Launch => f.write_str("launch"),
            Self::Media(id) => write!(f, "media-{id}"),
        }
    }
}

impl FromStr for Topic {
    type Err = ();

    /// Reads what [`Topic`] writes.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "data" => Ok(Self::Data),
            "menu" => Ok(Self::Menu),
            "launch" => Ok(Self::Launch),
            _ => text.strip_prefix("media-").ok_or(())?.parse().map(Self::Media),
        }
    }
}

impl Row for Proposal {
    type Key = ProposalKey;
    const FAMILY: Family = Family::Proposals;
    const VERSION: u8 = 1;

    fn key_bytes((chatbot, topic): &ProposalKey) -> Vec<u8> {
        [chatbot.as_str().as_bytes(), &[0], topic.to_string().as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_read_as_they_are_written() {
        for topic in [Topic::Data, Topic::Menu, Topic::Launch, Topic::Media(FileId([7; 16]))] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        assert_eq!("media-7".parse::<Topic>(), Err(()));
        assert_eq!("".parse::<Topic>(), Err(()));
    }
}
