//! What a decision is given and what it leaves behind.

use bytes::Bytes;
use rcs::Timestamp;
use rcs::address::Address;
use rcs::composing::State;
use sip::Flow;
use store::{EntryId, EntryKey, File, FileId, RecordKey, Spooled, View};

use crate::access::identity::Claim;
use crate::access::invite::Invite;
use crate::access::message::{CpmMessage, Posted};
use crate::access::one_to_many::OneToMany;
use crate::access::options::Options;
use crate::access::register::Register;
use crate::delivery::Answered;
use crate::delivery::agent::DeviceKey;
use crate::delivery::relay::RelayId;
use crate::events::{Cause, News, NotifyAnswered, Watching};
use crate::group::GroupRequest;
use crate::group::fan_out::FanOut;
use crate::group::icon;
use crate::group::invitation::{FocusAnswered, Invitations};
use crate::group::members::{Leave, Parting, Telling};
use crate::group::report::FanIn;
use crate::group::revoke::GroupRevocation;
use crate::group::session::Summon;
use crate::history::Happened;
use crate::notice::Notice;
use crate::report;
use crate::revoke::Revocation;
use crate::session::focus::FocusSession;
use crate::session::{LegId, Redial};

/// Something to decide once the rows it needs are loaded.
#[derive(Debug)]
pub enum Task {
    /// A REGISTER.
    Register(Box<Register>),
    /// A MESSAGE.
    Message(Box<Claim<CpmMessage>>),
    /// A message whose sender is certain.
    Posted(Box<Posted>),
    /// A MESSAGE for many.
    OneToMany(Box<Claim<OneToMany>>),
    /// An OPTIONS.
    Options(Box<Claim<Options>>),
    /// An INVITE outside of any dialog.
    Invite(Box<Claim<Invite>>),
    /// A request within a session, from elsewhere than where its device was.
    Within(Box<Claim<LegId>>),
    /// A chat rang over a flow that is dead.
    Redial(Box<Redial>),
    /// A body that was spooled for a message that is not taken.
    Discard(String),
    /// A device has answered a message that we sent it, or never will.
    Answered(Answered),
    /// A sender has waited long enough for the addressee's devices.
    HoldOver(RelayId),
    /// The message before this one, between the same two parties, is done.
    StartRelay(RelayId),
    /// A device may have mail to fetch.
    Drain(DeviceKey),
    /// The process has started, and something waits for this subscriber.
    Wake(Address),
    /// Something waits for somebody who is no subscriber any more.
    Clear(Address),
    /// Somebody who is no subscriber any more has left files: from this one on they go.
    ClearFiles(Address, FileId),
    /// An entry's time has come.
    Due(EntryKey),
    /// A message left its addressee's mailbox undelivered.
    Lost(Box<report::Lost>),
    /// Records that may be forgotten.
    Forget(Vec<RecordKey>),
    /// A message is to be taken back.
    Revoke(Box<Revocation>),
    /// Something said in a group is to be taken back.
    RevokeInGroup(Box<GroupRevocation>),
    /// A chatbot is to know of something.
    Notice(Box<(Address, Notice)>),
    /// Spam reports that may be forgotten.
    ForgetSpam(Vec<EntryId>),
    /// Dead letters that may be forgotten.
    ForgetDeadLetters(Vec<EntryKey>),
    /// Files whose time is over.
    ExpireFiles(Vec<File>),
    /// A request to the conference factory or to a group's focus.
    Group(Box<Claim<GroupRequest>>),
    /// Something said in a group, to be brought to the others.
    FanOut(Box<FanOut>),
    /// A report on something said in a group, to be brought to its author.
    FanIn(Box<FanIn>),
    /// Somebody is no subscriber any more, and so in no group.
    Leave(Box<Leave>),
    /// Members of a group have changed, or its subject: the others are told.
    Telling(Box<Telling>),
    /// The edge has made the picture of an icon, or not.
    IconMade(Box<icon::Made>),
    /// A change that was asked for by group data is to be answered.
    Managed(Box<icon::Managed>),
    /// Devices of somebody who is no member any more are let go.
    Parting(Box<Parting>),
    /// Devices of members may have to be invited.
    Invitations(Box<Invitations>),
    /// Something of a group waits for a device that takes part over MSRP and has no session.
    Summon(Box<Summon>),
    /// The session of a member asks for something in its dialog.
    FocusSession(Box<FocusSession>),
    /// A request of a group's focus was answered, or never will be.
    FocusAnswered(Box<FocusAnswered>),
    /// A SUBSCRIBE to somebody's registration or presence.
    Watching(Box<Claim<Watching>>),
    /// Somebody's bindings have changed, or something lapses: whoever watches may have to be told.
    Watched(Address, Cause),
    /// The same, once it is known who watches.
    News(Box<News>),
    /// A NOTIFY was answered, or never will be.
    NotifyAnswered(NotifyAnswered),
    /// Something happened to a message in a history.
    Happened(Box<Happened>),
    /// A history may hold what is to go: because there is too much (true), it is too old or the history is kept no longer.
    TrimHistory(Address, bool),
}

/// The state of a batch while its tasks are decided.
#[derive(Debug)]
pub struct Work<'v> {
    /// The batch's time.
    pub now: Timestamp,
    /// The rows, loaded and changed.
    pub view: &'v mut View,
    /// Tasks to load and decide before this batch's commit.
    pub then: Vec<Task>,
    /// Tasks to decide after this batch's commit.
    pub next: Vec<Task>,
    /// Chatbots in whose mailboxes something new waits.
    pub woken: Vec<Address>,
    /// What users said to chatbots in a few words, for the chatbot platform to look at before this batch's commit.
    pub heard: Vec<Heard>,
    /// Chatbots, and the users who are writing to them just now or have stopped.
    pub typing: Vec<(Address, Address, State)>,
    /// Connections to close.
    pub close: Vec<Flow>,
    /// Spooled bodies that nobody needs, beside those that [`View::released`] names.
    pub discarded: Vec<String>,
    /// Files whose rows are gone: their bytes go after the commit.
    pub files_gone: Vec<FileId>,
    /// Pictures for the edge to make icons of.
    pub icons: Vec<icon::Wanted>,
    /// What happened, counted.
    pub stats: Stats,
}

/// A short text or a tap of a user, to a chatbot: it may be meant for the platform too.
#[derive(Debug, Clone)]
pub struct Heard {
    /// The chatbot.
    pub chatbot: Address,
    /// The user.
    pub user: Address,
    /// Media type of what was said.
    pub payload_type: String,
    /// Media type of `body`: CPIM, or the payload's own.
    pub content_type: String,
    /// As it was sent.
    pub body: Bytes,
}

impl<'v> Work<'v> {
    /// An empty batch over `view`.
    pub fn new(now: Timestamp, view: &'v mut View) -> Self {
        Self {
            now,
            view,
            then: Vec::new(),
            next: Vec::new(),
            woken: Vec::new(),
            heard: Vec::new(),
            typing: Vec::new(),
            close: Vec::new(),
            discarded: Vec::new(),
            files_gone: Vec::new(),
            icons: Vec::new(),
            stats: Stats::default(),
        }
    }

    /// A body that was spooled is not needed after all.
    pub(crate) fn discard(&mut self, spooled: Option<Spooled>) {
        self.discarded.extend(spooled.map(|spooled| spooled.name));
    }
}

/// Counts of one batch, for metrics.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// Messages for which responsibility was taken, from handsets and chatbots.
    pub accepted: u64,
    /// Messages of which a device of the addressee has taken a copy for the first time.
    pub delivered: u64,
    /// Messages put into a mailbox because no device took them at once.
    pub stored: u64,
    /// Messages whose time ran out.
    pub expired: u64,
    /// Messages that were refused, before or after acceptance.
    pub refused: u64,
    /// Messages that their senders took back.
    pub revoked: u64,
    /// Messages recognised as repeats.
    pub duplicates: u64,
    /// Disposition reports passed on.
    pub reports: u64,
    /// Successful registrations and refreshes.
    pub registrations: u64,
    /// Challenges and refusals of credentials.
    pub challenges: u64,
    /// Files that went because their time was over.
    pub files_expired: u64,
    /// What was given up on on its way to a chatbot and kept as a dead letter.
    pub dead_letters: u64,
    /// The same, for which there was no room.
    pub dead_letters_lost: u64,
}
