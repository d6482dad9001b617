//! Block lists: what people and chatbots say to somebody who has blocked them.

use rcs::address::{Address, AddressKind};
use store::{Blocked, Outcome, Wants};

use crate::access::Refusal;
use crate::access::message::{Kind, Posted};
use crate::delivery::About;
use crate::{Centre, Work};

/// Longest list.
const BLOCKED_MAX: usize = 1000;

/// A change of a block list.
#[derive(Debug)]
pub enum Call {
    /// The first wants to hear nothing from the second.
    Block(Address, Address),
    /// The first wants to hear from the second again.
    Unblock(Address, Address),
}

/// What came of a [`Call`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is so now, or was before.
    Done,
    /// There is no such subscriber.
    NoSubscriber,
    /// They were not blocked.
    NotBlocked,
    /// The list is full.
    Full,
}

impl Call {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        let (Self::Block(owner, _) | Self::Unblock(owner, _)) = self;
        wants.account(owner);
        wants.blocks(owner);
    }
}

impl Centre {
    pub(crate) fn decide_blocks(&mut self, call: Call, work: &mut Work<'_>) -> Answer {
        let (Call::Block(owner, whom) | Call::Unblock(owner, whom)) = &call;
        if work.view.account(owner).is_none() {
            return Answer::NoSubscriber;
        }
        let mut blocks = work.view.blocks(owner).cloned().unwrap_or_default();
        match (&call, blocks.has(whom)) {
            (Call::Block(..), true) => return Answer::Done,
            (Call::Block(..), false) if blocks.list.len() >= BLOCKED_MAX => return Answer::Full,
            (Call::Block(..), false) => {
                blocks.list.push(Blocked { address: whom.clone(), since: work.now });
            }
            (Call::Unblock(..), false) => return Answer::NotBlocked,
            (Call::Unblock(..), true) => blocks.list.retain(|blocked| blocked.address != *whom),
        }
        work.view.put_blocks(owner, blocks);
        Answer::Done
    }

    /// Deals with what somebody who is blocked says: refused, or taken and dropped, as the operator wants it. `Ok(false)` when
    /// they are not blocked. Reports on what the other side has sent are let through.
    pub(crate) fn stop_blocked(&mut self, posted: &Posted, work: &mut Work<'_>) -> Result<bool, Refusal> {
        if !is_blocked(&posted.what.to, &posted.from, &posted.what.kind, work) {
            return Ok(false);
        }
        if self.config.refuse_blocked {
            return Err(Refusal::forbidden("the addressee does not take messages from this sender"));
        }
        let status = match &posted.what.kind {
            Kind::Message => {
                let entry = self.entry(posted, store::EntryKind::Message, self.config.validity, work.now);
                let payload_type = posted.what.payload_type.clone();
                let about = About::Message { payload_type, report_request: Vec::new() };
                self.note(&entry, about, Outcome::Refused("blocked by the addressee".to_owned()), work);
                work.stats.refused += 1;
                202
            }
            _ => 200,
        };
        self.answer_asker(&posted.asker, status, work);
        Ok(true)
    }
}

/// The rows that the question needs whether `to` has blocked a sender.
pub(crate) fn block_wants(to: &Address, wants: &mut Wants) {
    if to.kind() == AddressKind::Subscriber {
        wants.blocks(to);
    }
}

fn is_blocked(to: &Address, from: &Address, kind: &Kind, work: &Work<'_>) -> bool {
    matches!(kind, Kind::Message | Kind::Fleeting) && has_blocked(to, from, work)
}

/// Whether a subscriber has blocked somebody.
pub(crate) fn has_blocked(subscriber: &Address, whom: &Address, work: &Work<'_>) -> bool {
    subscriber.kind() == AddressKind::Subscriber
        && work.view.blocks(subscriber).is_some_and(|blocks| blocks.has(whom))
}
