//! Client transactions: RFC 3261 §17.1.1 (INVITE, with the Accepted state of RFC 6026 §7.2) and §17.1.2.
//!
//! The request is sent once by whoever makes the value; after that, give it responses and the time.

use std::time::Duration;

use bytes::Bytes;

use super::server::{OnTimeout, earlier};
use super::{INVITE_PENDING_MAX, Timing};

/// One request as its client sees it.
#[derive(Clone, Debug)]
pub struct ClientTransaction {
    state: State,
    invite: bool,
    reliable: bool,
    request: Bytes,
    wait: Duration,
    resend_at: Option<Duration>,
    end_at: Option<Duration>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    /// Trying or Calling: nothing heard yet.
    Trying,
    /// A provisional response came.
    Proceeding,
    /// A final response came; of INVITE, one of 300 or more.
    Completed,
    /// INVITE: a 2xx came.
    Accepted,
    Terminated,
}

/// What to do with a response.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct OnResponse {
    /// The user is to see it.
    pub pass_on: bool,
    /// An ACK is to be sent (INVITE, 300 or more).
    pub acknowledge: bool,
}

impl ClientTransaction {
    /// A transaction whose `request` goes out now. On a reliable transport it is never sent again.
    pub fn new(now: Duration, invite: bool, reliable: bool, request: Bytes, timing: &Timing) -> Self {
        ClientTransaction {
            state: State::Trying,
            invite,
            reliable,
            request,
            wait: timing.t1,
            resend_at: (!reliable).then_some(now + timing.t1), // Timer A or E
            end_at: Some(now + timing.give_up()),              // Timer B or F
        }
    }

    /// Takes a response with this status.
    pub fn handle_response(&mut self, now: Duration, timing: &Timing, status: u16) -> OnResponse {
        let (pass_on, acknowledge) = match (self.state, status) {
            (State::Trying | State::Proceeding, 100..=199) => {
                let first = self.state == State::Trying;
                self.state = State::Proceeding;
                if self.invite {
                    self.resend_at = None;
                    // A CANCEL may have set an earlier end.
                    if first {
                        self.end_at = Some(now + INVITE_PENDING_MAX);
                    }
                } else {
                    self.wait = timing.t2; // RFC 3261 §17.1.2.2: from now on timer E is T2
                }
                (true, false)
            }
            (State::Trying | State::Proceeding, 200..=299) if self.invite => {
                self.state = State::Accepted;
                self.resend_at = None;
                self.end_at = Some(now + timing.give_up()); // Timer M
                (true, false)
            }
            (State::Trying | State::Proceeding, _) => {
                let acknowledge = self.invite;
                let linger = if self.invite { timing.absorb_final() } else { timing.t4 }; // Timer D or K
                self.resend_at = None;
                self.state = State::Completed;
                self.end_at = Some(now + linger);
                if self.reliable {
                    self.state = State::Terminated;
                    self.end_at = None;
                }
                (true, acknowledge)
            }
            (State::Accepted, 200..=299) => (true, false),
            (State::Completed, 300..) if self.invite => (false, true),
            _ => (false, false),
        };
        OnResponse { pass_on, acknowledge }
    }

    /// A CANCEL was sent: 64·T1 later the INVITE is over, answered or not (RFC 3261 §9.1).
    pub fn handle_cancelled(&mut self, now: Duration, timing: &Timing) {
        if self.is_pending() {
            self.end_at = Some(now + timing.give_up());
        }
    }

    /// When to call [`ClientTransaction::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        earlier(self.resend_at, self.end_at)
    }

    /// Moves time on.
    pub fn handle_timeout(&mut self, now: Duration, timing: &Timing) -> OnTimeout {
        if self.end_at.is_some_and(|end_at| now >= end_at) {
            let silent = self.is_pending();
            self.state = State::Terminated;
            (self.resend_at, self.end_at) = (None, None);
            return if silent { OnTimeout::GiveUp } else { OnTimeout::End };
        }
        if self.resend_at.is_none_or(|resend_at| now < resend_at) {
            return OnTimeout::Wait;
        }
        self.wait *= 2;
        if !self.invite {
            self.wait = self.wait.min(timing.t2); // RFC 3261 §17.1.2.2: MIN(2·E, T2); timer A has no such limit
        }
        self.resend_at = Some(now + self.wait);
        OnTimeout::Send(self.request.clone())
    }

    /// The request as it was sent.
    pub fn request(&self) -> &Bytes {
        &self.request
    }

    /// Whether this is an INVITE.
    pub fn is_invite(&self) -> bool {
        self.invite
    }

    /// Whether no final response came yet.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Trying | State::Proceeding)
    }

    /// Whether a provisional response came and no final one: when an INVITE may be cancelled.
    pub fn is_proceeding(&self) -> bool {
        self.state == State::Proceeding
    }

    /// When it repeats itself and when it ends: what the layer sets timers for.
    pub(super) fn deadlines(&self) -> [Option<Duration>; 2] {
        [self.resend_at, self.end_at]
    }

    /// Whether it is over and can be forgotten.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }
}
