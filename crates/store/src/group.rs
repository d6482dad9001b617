//! Groups: who is in them, how each member's devices are connected, and who said what.
//!
//! Five families. `groups` (key: the focus, `sip:ID@groups.DOMAIN`): what everybody may know of a group. `legs` (key: focus, zero
//! byte, member): the dialogs and subscriptions of one member, apart, since a message is fanned out without them. `memberships`
//! (key: the member): the way from a member to its groups. `authors` (key: focus, zero byte, message id): whose a message was, so
//! that reports on it find their way; forgotten with the message's record. `icons` (key: the icon's id): the pictures themselves,
//! which only downloads need; each goes with its group, or when another takes its place.

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use sip::dialog::Dialog;

use crate::file::FileId;
use crate::row::{Family, Row};
use crate::subscription::Subscription;

/// A group. It ends with its last member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The focus.
    pub address: Address,
    /// RCC.07 Conversation-ID; the group's for life.
    pub conversation_id: String,
    /// RCC.07 Contribution-ID; the group's for life.
    pub contribution_id: String,
    /// Absent when nobody has given one.
    pub subject: Option<Subject>,
    /// Version of the conference-info; rises with every change that members are told of.
    pub version: u32,
    /// Who made it.
    pub created_by: Address,
    /// When.
    pub created_at: Timestamp,
    /// In the order in which they came.
    pub members: Vec<Member>,
    /// Absent when nobody has given one.
    pub icon: Option<Icon>,
}

impl Group {
    /// The member with this address.
    pub fn member(&self, address: &Address) -> Option<&Member> {
        self.members.iter().find(|member| member.address == *address)
    }

    /// The same, to be changed.
    pub fn member_mut(&mut self, address: &Address) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.address == *address)
    }
}

/// What a group is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The words.
    pub text: String,
    /// Who gave it.
    pub by: Address,
    /// When.
    pub at: Timestamp,
}

/// The picture that a group is known by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Icon {
    /// Names its [`IconPicture`]; every picture has another.
    pub id: FileId,
    /// Who gave it; absent when the operator did.
    pub by: Option<Address>,
    /// When.
    pub at: Timestamp,
}

/// The bytes of an icon. They were made here, and are small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IconPicture {
    /// Media type.
    pub content_type: String,
    /// The picture.
    pub bytes: Bytes,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub address: Address,
    /// What it may do.
    pub role: Role,
    /// Whether a device of it has answered the invitation.
    pub state: MemberState,
    /// Who brought it in; of the one who made the group, itself.
    pub invited_by: Address,
    /// When it was brought in.
    pub since: Timestamp,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Remove others and give roles.
    Admin,
    /// Take part.
    Participant,
}

/// How a member stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberState {
    /// Invited, and no device of it has answered yet. What is said in the group waits for it.
    Pending,
    /// A device of it takes part.
    Joined,
}

impl Row for Group {
    type Key = Address;
    const FAMILY: Family = Family::Groups;
    const VERSION: u8 = 2;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }

    fn upgrade(version: u8, row: &mut Vec<u8>) -> bool {
        // Version 1 had no `icon`: postcard writes the absence as a zero.
        row.push(0);
        version == 1
    }
}

impl Row for IconPicture {
    type Key = FileId;
    const FAMILY: Family = Family::Icons;
    const VERSION: u8 = 1;

    fn key_bytes(key: &FileId) -> Vec<u8> {
        key.0.to_vec()
    }
}

/// Group and member.
pub type LegKey = (Address, Address);

/// How the devices of one member are connected to a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The group.
    pub group: Address,
    /// The member.
    pub member: Address,
    /// Devices that have answered the invitation, or came of themselves.
    pub devices: Vec<LegDevice>,
    /// Subscriptions to the conference package.
    pub subscriptions: Vec<Subscription>,
}

/// One device of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegDevice {
    /// [`crate::Binding::device`].
    pub device: String,
    /// How what is said in the group travels to and from it.
    pub mode: Mode,
    /// Its INVITE dialog; absent when it takes part by MESSAGE alone, or its session is over.
    pub dialog: Option<Dialog>,
}

/// How messages travel between a device and the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As MESSAGE with CPIM.
    Pager,
    /// Over MSRP, in the session that its dialog set up; without one, the focus calls when there is something to say.
    Session,
}

impl Leg {
    /// A leg without any device.
    pub fn new(group: Address, member: Address) -> Self {
        Self { group, member, devices: Vec::new(), subscriptions: Vec::new() }
    }

    /// The key of this leg's row.
    pub fn key(&self) -> LegKey {
        (self.group.clone(), self.member.clone())
    }
}

impl Row for Leg {
    type Key = LegKey;
    const FAMILY: Family = Family::Legs;
    const VERSION: u8 = 1;

    fn key_bytes((group, member): &LegKey) -> Vec<u8> {
        joined(group, member.as_str())
    }
}

/// The groups of one subscriber; an absent row means none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memberships {
    /// Focuses, in the order in which the subscriber came into them.
    pub groups: Vec<Address>,
}

impl Row for Memberships {
    type Key = Address;
    const FAMILY: Family = Family::Memberships;
    const VERSION: u8 = 1;

    fn key_bytes(key: &Address) -> Vec<u8> {
        key.as_str().as_bytes().to_vec()
    }
}

/// Group and message id.
pub type AuthorKey = (Address, String);

/// Whose a message in a group was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// Who said it, and hears of reports on it.
    pub author: Address,
}

impl Row for Author {
    type Key = AuthorKey;
    const FAMILY: Family = Family::Authors;
    const VERSION: u8 = 1;

    fn key_bytes((group, message_id): &AuthorKey) -> Vec<u8> {
        joined(group, message_id)
    }
}

fn joined(group: &Address, rest: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(group.as_str().len() + 1 + rest.len());
    key.extend_from_slice(group.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(rest.as_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{decode, encode};

    #[test]
    fn a_group_of_before_there_were_icons_has_none() {
        let address: Address = "sip:7f3a@groups.hongyan.local".parse().expect("an address");
        let group = Group {
            created_by: address.clone(),
            address,
            conversation_id: "c".to_owned(),
            contribution_id: "d".to_owned(),
            subject: None,
            version: 7,
            created_at: Timestamp::EPOCH,
            members: Vec::new(),
            icon: None,
        };
        let mut row = encode(&group);
        assert_eq!(row.pop(), Some(0), "the icon is the last");
        row[0] = 1;
        assert_eq!(decode::<Group>(&row).expect("version 1 is read"), group);
    }
}
