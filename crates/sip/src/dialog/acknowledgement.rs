//! A 2xx to an INVITE, repeated by its sender until the ACK comes (RFC 3261 §13.3.1.4): the transaction does not do it
//! (RFC 6026 §7.1), and it is done over reliable transports too, since the way may be unreliable further on.

use std::time::Duration;

use bytes::Bytes;

use crate::transaction::{OnTimeout, Timing};

/// A 2xx that has been sent once and not been acknowledged.
#[derive(Clone, Debug)]
pub struct Unacknowledged {
    response: Bytes,
    wait: Duration,
    resend_at: Duration,
    give_up_at: Duration,
    is_over: bool,
}

impl Unacknowledged {
    /// For a `response` that was sent `now` for the first time.
    pub fn new(now: Duration, response: Bytes, timing: &Timing) -> Self {
        Unacknowledged {
            response,
            wait: timing.t1,
            resend_at: now + timing.t1,
            give_up_at: now + timing.give_up(),
            is_over: false,
        }
    }

    /// The ACK came: nothing is due any more.
    pub fn handle_ack(&mut self) {
        self.is_over = true;
    }

    /// When to call [`Unacknowledged::handle_timeout`] next; `None` when it is over.
    pub fn poll_timeout(&self) -> Option<Duration> {
        (!self.is_over).then(|| self.resend_at.min(self.give_up_at))
    }

    /// Moves time on. [`OnTimeout::GiveUp`] means that no ACK came within 64·T1: the dialog is confirmed all the same, and
    /// the session is to be ended with BYE.
    pub fn handle_timeout(&mut self, now: Duration, timing: &Timing) -> OnTimeout {
        if self.is_over {
            return OnTimeout::End;
        }
        if now >= self.give_up_at {
            self.is_over = true;
            return OnTimeout::GiveUp;
        }
        if now < self.resend_at {
            return OnTimeout::Wait;
        }
        self.wait = timing.t2.min(self.wait * 2);
        self.resend_at = now + self.wait;
        OnTimeout::Send(self.response.clone())
    }

    /// Whether the ACK came or nobody waits for it any more.
    pub fn is_over(&self) -> bool {
        self.is_over
    }
}
