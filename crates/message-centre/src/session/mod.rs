//! Sessions: chats and large messages over MSRP. The centre ends every session itself and has one *leg* with each device, so
//! that it sees what is said and can keep it. A message that comes in a leg is a message like any other; a leg is one way to hand
//! a message over.
//!
//! Two legs that belong together (Alice's with us about Bob, Bob's with us about Alice) are partners: they are set up
//! together, and end together.
//!
//! A member of a group has a leg with its focus. There the dialog is a row of the group, and the leg only what dies with the
//! process: the medium and its timers.
//!
//! - [`answering`]: a device invites us. [`inviting`]: we invite a device. [`dialog`]: what happens in a leg that stands.
//! - [`focus`]: legs of members with the focus of their group.
//! - [`carrying`]: messages in and out. [`media`]: what is said to and heard from the MSRP edge.
//!
//! Nothing here is on disk: when the process ends, so do its connections and with them every session.

mod answering;
mod carrying;
mod dialog;
pub(crate) mod focus;
mod inviting;
pub mod media;

pub(crate) use answering::{Redial, can_chat};
pub use carrying::{BEGINNING_BYTES, INLINE_BYTES_MAX};
pub(crate) use dialog::refusal_of;

pub use crate::access::message::SessionBody;

use std::collections::{BTreeSet, VecDeque};

use msrp::sdp::{Agreed, Description, Endpoint};
use rcs::Timestamp;
use rcs::address::Address;
use rustc_hash::FxHashMap;
use sip::dialog::session_timer::{Agreement, SessionTimer};
use sip::dialog::{Dialog, DialogId, Unacknowledged};
use sip::transaction::{ClientTxId, ServerTxId};
use sip::{Flow, Request};

use crate::access::message::Contribution;
use crate::delivery::agent::DeviceKey;
use crate::work::Task;

/// Names a leg of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LegId(u64);

/// What a leg is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A chat that both sides are in.
    Chat,
    /// A chat that we began only to hand over what waits for a device.
    Deferred,
    /// One large message (RCC.07 large-message mode).
    Large,
    /// A member of a group with its focus.
    Group,
}

/// A session between us and one device.
#[derive(Debug)]
pub(crate) struct Leg {
    /// Whose device, and which: empty when a caller's device is not registered over this flow.
    device: DeviceKey,
    /// Whom the device talks to through us.
    peer: Address,
    flow: Flow,
    kind: Kind,
    ids: Contribution,
    stage: Stage,
    endpoint: Endpoint,
    /// What the peer's description said; `None` before it answered, as of a member that is being called.
    agreed: Option<Agreed>,
    partner: Option<LegId>,
    /// Whether the device's MSRP connection is there.
    is_bound: bool,
    /// Whether it ends when what is under way is done.
    is_closing: bool,
    /// When it ends if nothing moves, or if the device has not connected by then.
    idle_at: Timestamp,
    /// What is to be sent, and what is under way.
    sends: VecDeque<Sending>,
    /// When it wants attention next, as it stands in [`Sessions::alarms`].
    alarm: Option<Timestamp>,
}

/// A message for a leg.
#[derive(Debug)]
struct Sending {
    send: u64,
    message_id: String,
    content_type: String,
    body: media::Body,
    /// What the edge knows it by, once it has it.
    given: Option<u64>,
}

/// How far a leg has come.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "legs spend their lives in the largest")]
enum Stage {
    /// We have invited the device.
    Inviting {
        tx: ClientTxId,
        request: Request,
        /// The device's flows that were tried before this one.
        tried: Vec<Flow>,
        /// When we give up.
        until: Timestamp,
        is_given_up: bool,
    },
    /// The device has invited us, and waits for an answer.
    Asked {
        tx: ServerTxId,
        request: Request,
        to_tag: String,
        agreement: Agreement,
        answer: Description,
        /// The addressee's devices that were invited and have not said no.
        forks: Vec<LegId>,
        /// What those said that did.
        refusals: Vec<u16>,
        until: Timestamp,
    },
    /// It stands.
    Open {
        dialog: Dialog,
        /// Our 200, until it is acknowledged.
        answering: Option<(ServerTxId, Unacknowledged)>,
        /// Our ACK, for when the peer's 200 comes again.
        ack: Option<(ClientTxId, bytes::Bytes)>,
        timer: Option<SessionTimer>,
        refreshed_at: Timestamp,
        /// Our re-INVITE under way.
        refreshing: Option<ClientTxId>,
    },
    /// Its dialog is with the focus of a group, and kept there.
    Focus {
        timer: Option<SessionTimer>,
        refreshed_at: Timestamp,
        /// Whether our re-INVITE is under way.
        is_refreshing: bool,
    },
}

impl Leg {
    /// Our session id in MSRP.
    fn session(&self) -> &str {
        self.endpoint.session_id()
    }

    fn is_open(&self) -> bool {
        match self.stage {
            Stage::Open { .. } => true,
            Stage::Focus { .. } => self.agreed.is_some(),
            Stage::Inviting { .. } | Stage::Asked { .. } => false,
        }
    }

    /// When it wants attention next.
    fn wants_attention_at(&self) -> Option<Timestamp> {
        match &self.stage {
            Stage::Inviting { until, is_given_up, .. } => (!is_given_up).then_some(*until),
            Stage::Asked { until, .. } => Some(*until),
            Stage::Open { answering, timer, refreshed_at, refreshing, .. } => {
                let repeat = answering.as_ref().and_then(|(_, waiting)| waiting.poll_timeout());
                let repeat = repeat.map(|at| Timestamp::from_millis(at.as_millis() as u64 + 1));
                let [end, refresh] = lapse(*timer, *refreshed_at, refreshing.is_some());
                [repeat, self.ends_idle_at(), end, refresh].into_iter().flatten().min()
            }
            // Whoever is being called is waited for by the group.
            Stage::Focus { .. } if self.agreed.is_none() => None,
            Stage::Focus { timer, refreshed_at, is_refreshing } => {
                let [end, refresh] = lapse(*timer, *refreshed_at, *is_refreshing);
                [self.ends_idle_at(), end, refresh].into_iter().flatten().min()
            }
        }
    }

    /// When it ends if nothing moves. While something is under way the edge's own patience decides.
    fn ends_idle_at(&self) -> Option<Timestamp> {
        (!self.is_bound || self.sends.is_empty()).then_some(self.idle_at)
    }
}

/// When a session ends by its timer, and when we refresh it.
fn lapse(
    timer: Option<SessionTimer>,
    refreshed_at: Timestamp,
    is_refreshing: bool,
) -> [Option<Timestamp>; 2] {
    let end = timer.map(|timer| refreshed_at.plus(timer.ends_after()));
    let refresh = timer.filter(|_| !is_refreshing).and_then(|timer| timer.refresh_after());
    [end, refresh.map(|after| refreshed_at.plus(after))]
}

/// What the edge has, by the number that it knows it by: the leg, and the send.
type Given = FxHashMap<u64, (LegId, u64)>;

/// What the edge has of these sends it will be given anew, or not at all: what it says of the first time counts for nothing.
fn take_back(given: &mut Given, sends: &mut VecDeque<Sending>) {
    for number in sends.iter_mut().filter_map(|sending| sending.given.take()) {
        given.remove(&number);
    }
}

/// All legs.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    legs: FxHashMap<LegId, Leg>,
    last_leg: u64,
    last_send: u64,
    last_given: u64,
    last_session: u64,
    by_owner: FxHashMap<Address, Vec<LegId>>,
    by_dialog: FxHashMap<DialogId, LegId>,
    by_session: FxHashMap<String, LegId>,
    by_invite: FxHashMap<ClientTxId, LegId>,
    by_asked: FxHashMap<ServerTxId, LegId>,
    by_given: Given,
    alarms: BTreeSet<(Timestamp, LegId)>,
    commands: VecDeque<media::Command>,
    /// What has come of deliveries and of invitations, to be decided on.
    settled: Vec<Task>,
}

impl Sessions {
    /// Answers a message that came whole.
    pub(crate) fn answer(&mut self, token: media::Token, status: u16) {
        self.commands.push_back(media::Command::Answer { token, status });
    }

    pub(crate) fn poll_command(&mut self) -> Option<media::Command> {
        self.commands.pop_front()
    }

    /// Leaves something to be decided next.
    pub(crate) fn later(&mut self, task: Task) {
        self.settled.push(task);
    }

    pub(crate) fn take_settled(&mut self) -> std::vec::Drain<'_, Task> {
        self.settled.drain(..)
    }

    /// When something wants attention next.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Whether a request belongs to a leg.
    pub(crate) fn of_dialog(&self, id: &DialogId) -> Option<LegId> {
        self.by_dialog.get(id).copied()
    }

    /// Everything that is remembered of legs.
    pub(crate) fn len(&self) -> usize {
        let indexes = self.by_owner.len() + self.by_dialog.len() + self.by_session.len();
        let waits = self.by_invite.len() + self.by_asked.len() + self.by_given.len() + self.alarms.len();
        self.legs.len() + indexes + waits
    }

    /// How many legs a subscriber has.
    fn count_of(&self, owner: &Address) -> usize {
        self.by_owner.get(owner).map_or(0, Vec::len)
    }

    fn insert(&mut self, leg: Leg) -> LegId {
        self.last_leg += 1;
        let id = LegId(self.last_leg);
        self.by_owner.entry(leg.device.0.clone()).or_default().push(id);
        self.by_session.insert(leg.session().to_owned(), id);
        match &leg.stage {
            Stage::Inviting { tx, .. } => drop(self.by_invite.insert(*tx, id)),
            Stage::Asked { tx, .. } => drop(self.by_asked.insert(*tx, id)),
            Stage::Open { .. } | Stage::Focus { .. } => {}
        }
        self.legs.insert(id, leg);
        self.set_alarm(id);
        id
    }

    /// Takes a leg out, with everything by which it is found, and its MSRP session.
    fn remove(&mut self, id: LegId) -> Option<Leg> {
        let mut leg = self.legs.remove(&id)?;
        if let Some(legs) = self.by_owner.get_mut(&leg.device.0) {
            legs.retain(|other| *other != id);
            if legs.is_empty() {
                self.by_owner.remove(&leg.device.0);
            }
        }
        self.close_media(leg.session());
        match &leg.stage {
            Stage::Inviting { tx, .. } => drop(self.by_invite.remove(tx)),
            Stage::Asked { tx, .. } => drop(self.by_asked.remove(tx)),
            Stage::Open { dialog, ack, refreshing, .. } => {
                self.by_dialog.remove(&dialog.id());
                for tx in ack.iter().map(|(tx, _)| tx).chain(refreshing) {
                    self.by_invite.remove(tx);
                }
            }
            Stage::Focus { .. } => {}
        }
        take_back(&mut self.by_given, &mut leg.sends);
        if let Some(at) = leg.alarm {
            self.alarms.remove(&(at, id));
        }
        if let Some(partner) = leg.partner.and_then(|partner| self.legs.get_mut(&partner)) {
            partner.partner = partner.partner.filter(|other| *other != id);
        }
        Some(leg)
    }

    /// Nobody may join or use an MSRP session any more.
    fn close_media(&mut self, session: &str) {
        if self.by_session.remove(session).is_some() {
            self.commands.push_back(media::Command::Close { session: session.to_owned() });
        }
    }

    /// Brings the alarm of a leg up to date; to be called whenever it has changed.
    fn set_alarm(&mut self, id: LegId) {
        let Some(leg) = self.legs.get_mut(&id) else { return };
        let at = leg.wants_attention_at();
        if at == leg.alarm {
            return;
        }
        if let Some(before) = std::mem::replace(&mut leg.alarm, at) {
            self.alarms.remove(&(before, id));
        }
        self.alarms.extend(at.map(|at| (at, id)));
    }

    /// Whether `fork` rings on behalf of `asked`.
    fn rings_for(&self, asked: LegId, fork: LegId) -> bool {
        let stage = self.legs.get(&asked).map(|leg| &leg.stage);
        matches!(stage, Some(Stage::Asked { forks, .. }) if forks.contains(&fork))
    }

    /// Makes two legs partners.
    fn pair(&mut self, one: LegId, other: LegId) {
        for (mine, theirs) in [(one, other), (other, one)] {
            if let Some(leg) = self.legs.get_mut(&mine) {
                leg.partner = Some(theirs);
            }
        }
    }

    /// The legs of a subscriber in which they talk to `peer`, the newest first.
    fn between(&self, owner: &Address, peer: &Address) -> Vec<LegId> {
        let legs = self.by_owner.get(owner).map_or(&[][..], Vec::as_slice);
        let about = |id: &&LegId| self.legs.get(id).is_some_and(|leg| leg.peer == *peer);
        legs.iter().rev().filter(about).copied().collect()
    }

    /// The leg in which a device can be told something that `peer` says: open, or about to be.
    fn chat_with(&self, device: &DeviceKey, peer: &Address) -> Option<LegId> {
        self.between(&device.0, peer).into_iter().find(|id| {
            let leg = &self.legs[id];
            let stands = match &leg.stage {
                Stage::Inviting { is_given_up, .. } => !is_given_up,
                Stage::Open { .. } | Stage::Asked { .. } | Stage::Focus { .. } => leg.is_open(),
            };
            leg.device == *device && leg.kind != Kind::Large && stands && !leg.is_closing
        })
    }
}
