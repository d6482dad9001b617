//! Server transactions: RFC 3261 §17.2.1 (INVITE, with the Accepted state of RFC 6026 §7.1) and §17.2.2.
//!
//! Give it repeated requests, ACKs, responses to send and the time; it says what goes on the wire.

use std::time::Duration;

use bytes::Bytes;

use super::{INVITE_PENDING_MAX, TRYING_AFTER, Timing};

/// One request as its server sees it. It keeps the last response and nothing else.
#[derive(Clone, Debug)]
pub struct ServerTransaction {
    state: State,
    invite: bool,
    reliable: bool,
    /// What a repeated request hears; before the first response of an INVITE, the 100 to send by itself.
    response: Option<Bytes>,
    wait: Duration,
    resend_at: Option<Duration>,
    end_at: Option<Duration>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum State {
    /// Nothing sent yet.
    Trying,
    /// A provisional response was sent.
    Proceeding,
    /// A final response was sent; of INVITE, one of 300 or more.
    Completed,
    /// INVITE: the ACK came.
    Confirmed,
    /// INVITE: a 2xx was sent.
    Accepted,
    Terminated,
}

/// What became due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnTimeout {
    /// Nothing yet.
    Wait,
    /// Send this (again).
    Send(Bytes),
    /// The transaction is over.
    End,
    /// The transaction is over because its peer kept silent: timer B, F or H.
    GiveUp,
}

impl ServerTransaction {
    /// A transaction for a request other than INVITE, ACK and CANCEL's target.
    pub fn non_invite(now: Duration, reliable: bool, timing: &Timing) -> Self {
        ServerTransaction {
            state: State::Trying,
            invite: false,
            reliable,
            response: None,
            wait: Duration::ZERO,
            resend_at: None,
            // RFC 4320 §4.2: after 64·T1 the client has given up and no answer helps.
            end_at: Some(now + timing.give_up()),
        }
    }

    /// A transaction for an INVITE; `trying` is the 100 to send if nothing else goes out within 200 ms.
    pub fn invite(now: Duration, reliable: bool, trying: Bytes) -> Self {
        ServerTransaction {
            state: State::Trying,
            invite: true,
            reliable,
            response: Some(trying),
            wait: Duration::ZERO,
            resend_at: Some(now + TRYING_AFTER),
            end_at: Some(now + INVITE_PENDING_MAX),
        }
    }

    /// The request came again: the response to repeat, if there is one.
    pub fn handle_request(&self) -> Option<Bytes> {
        match self.state {
            State::Proceeding | State::Completed => self.response.clone(),
            // RFC 6026 §7.1: absorbed; repeating a 2xx is the user's part.
            State::Trying | State::Accepted | State::Confirmed | State::Terminated => None,
        }
    }

    /// An ACK came. `true` when it is for the user (of a 2xx), `false` when it ends here.
    pub fn handle_ack(&mut self, now: Duration, timing: &Timing) -> bool {
        match self.state {
            State::Accepted => true,
            State::Completed if self.invite => {
                self.state = State::Confirmed;
                self.resend_at = None;
                self.finish_at(now, timing.t4); // Timer I
                false
            }
            _ => false,
        }
    }

    /// Takes a response from the user. `true` when it is to be sent; `false` when a final one went out before, or
    /// the status is none.
    pub fn respond(&mut self, now: Duration, timing: &Timing, status: u16, response: Bytes) -> bool {
        match (self.state, status) {
            (_, ..100 | 700..) => return false,
            (State::Trying | State::Proceeding, 100..=199) => {
                self.state = State::Proceeding;
                self.response = Some(response);
                self.resend_at = None;
            }
            (State::Trying | State::Proceeding, 200..=299) if self.invite => {
                self.state = State::Accepted;
                self.response = None;
                self.resend_at = None;
                self.end_at = Some(now + timing.give_up()); // Timer L
            }
            (State::Trying | State::Proceeding, _) if self.invite => {
                self.state = State::Completed;
                self.response = Some(response);
                self.wait = timing.t1;
                self.resend_at = (!self.reliable).then_some(now + timing.t1); // Timer G
                self.end_at = Some(now + timing.give_up()); // Timer H
            }
            (State::Trying | State::Proceeding, _) => {
                self.state = State::Completed;
                // Kept for half a minute, by the hundred thousand: without the room in which it was written.
                self.response = (!self.reliable).then(|| Bytes::copy_from_slice(&response));
                self.finish_at(now, timing.give_up()); // Timer J
            }
            // RFC 6026 §7.1: the user repeats its 2xx until the ACK comes.
            (State::Accepted, 200..=299) => {}
            _ => return false,
        }
        true
    }

    /// When to call [`ServerTransaction::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        earlier(self.resend_at, self.end_at)
    }

    /// Moves time on.
    pub fn handle_timeout(&mut self, now: Duration, timing: &Timing) -> OnTimeout {
        if self.end_at.is_some_and(|end_at| now >= end_at) {
            let silent = self.invite && self.state == State::Completed;
            self.state = State::Terminated;
            (self.resend_at, self.end_at) = (None, None);
            return if silent { OnTimeout::GiveUp } else { OnTimeout::End };
        }
        if self.resend_at.is_none_or(|resend_at| now < resend_at) {
            return OnTimeout::Wait;
        }
        self.resend_at = None;
        if self.state == State::Trying {
            self.state = State::Proceeding;
        } else {
            self.wait = timing.t2.min(self.wait * 2);
            self.resend_at = Some(now + self.wait);
        }
        self.response.clone().map_or(OnTimeout::Wait, OnTimeout::Send)
    }

    /// When it repeats itself and when it ends: what the layer sets timers for.
    pub(super) fn deadlines(&self) -> [Option<Duration>; 2] {
        [self.resend_at, self.end_at]
    }

    /// Whether it is over and can be forgotten.
    pub fn is_terminated(&self) -> bool {
        self.state == State::Terminated
    }

    /// Whether no final response was sent yet.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Trying | State::Proceeding)
    }

    /// Ends after `linger` on UDP, where repeats may still come, and at once on a reliable transport.
    fn finish_at(&mut self, now: Duration, linger: Duration) {
        if self.reliable {
            self.state = State::Terminated;
            self.end_at = None;
        } else {
            self.end_at = Some(now + linger);
        }
    }
}

pub(super) fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
