//! What the dialogs of INVITEs need in memory: our 2xx until their ACK comes (RFC 3261 §13.3.1.4), and our ACKs for as long as
//! the peer may repeat its 2xx (§13.2.2.4), or another device behind the same address may send one. All of it can be lost: a peer that misses it repeats itself.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use rcs::Timestamp;
use rustc_hash::FxHashMap;
use sip::dialog::{Dialog, DialogId, Unacknowledged};
use sip::transaction::{ClientTxId, OnTimeout, ServerTxId, Timing};
use sip::{Flow, HeaderName, Message, Reason, Request, Response};

use crate::{Centre, transaction_time};

/// The dialogs of one centre that wait for an ACK or may have to repeat one.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    unacknowledged: FxHashMap<ServerTxId, (DialogId, Unacknowledged)>,
    by_dialog: FxHashMap<DialogId, ServerTxId>,
    due: BTreeSet<(Duration, ServerTxId)>,
    acks: FxHashMap<ClientTxId, (Flow, Bytes)>,
    /// When each ACK is of no use any more; the time is the same for all, so they end in order.
    acks_end: VecDeque<(Duration, ClientTxId)>,
}

impl Calls {
    /// A 2xx to an INVITE was sent within this dialog.
    pub(crate) fn answered(
        &mut self,
        now: Duration,
        tx: ServerTxId,
        dialog: DialogId,
        response: Bytes,
        timing: &Timing,
    ) {
        let waiting = Unacknowledged::new(now, response, timing);
        self.due.extend(waiting.poll_timeout().map(|at| (at, tx)));
        self.by_dialog.insert(dialog.clone(), tx);
        self.unacknowledged.insert(tx, (dialog, waiting));
    }

    /// An ACK came; gives the dialog that it belongs to, if one waited for it.
    pub(crate) fn acknowledged(&mut self, ack: &Request) -> Option<DialogId> {
        let id = DialogId::of_request(ack).ok()??;
        let tx = self.by_dialog.get(&id).copied()?;
        self.forget(tx);
        Some(id)
    }

    /// Our ACK to a 2xx was sent: it is kept for when the 2xx comes again.
    pub(crate) fn acknowledge(
        &mut self,
        now: Duration,
        tx: ClientTxId,
        flow: Flow,
        ack: Bytes,
        timing: &Timing,
    ) {
        self.acks.insert(tx, (flow, ack));
        self.acks_end.push_back((now + timing.give_up(), tx));
    }

    /// The ACK to repeat when a 2xx comes again.
    pub(crate) fn ack_again(&self, tx: ClientTxId) -> Option<(Flow, Bytes)> {
        self.acks.get(&tx).cloned()
    }

    /// When to call [`Calls::handle_timeout`] next.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let due = self.due.first().map(|(at, _)| *at);
        due.into_iter().chain(self.acks_end.front().map(|(at, _)| *at)).min()
    }

    /// Moves time on: 2xx to repeat.
    pub(crate) fn handle_timeout(&mut self, now: Duration, timing: &Timing) -> Vec<(ServerTxId, Bytes)> {
        while let Some((_, tx)) = self.acks_end.front().copied().filter(|(at, _)| *at <= now) {
            self.acks_end.pop_front();
            self.acks.remove(&tx);
        }
        let mut again = Vec::new();
        while let Some((_, tx)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.pop_first();
            let Some((_, waiting)) = self.unacknowledged.get_mut(&tx) else { continue };
            match waiting.handle_timeout(now, timing) {
                OnTimeout::Send(response) => again.push((tx, response)),
                OnTimeout::Wait => {}
                // Nobody acknowledges: the device will find out by itself whether it takes part.
                OnTimeout::End | OnTimeout::GiveUp => {
                    self.forget(tx);
                    continue;
                }
            }
            let next = self.unacknowledged.get(&tx).and_then(|(_, waiting)| waiting.poll_timeout());
            self.due.extend(next.map(|at| (at, tx)));
        }
        again
    }

    fn forget(&mut self, tx: ServerTxId) {
        if let Some((id, waiting)) = self.unacknowledged.remove(&tx) {
            if let Some(at) = waiting.poll_timeout() {
                self.due.remove(&(at, tx));
            }
            if self.by_dialog.get(&id) == Some(&tx) {
                self.by_dialog.remove(&id);
            }
        }
    }
}

impl Centre {
    /// A 2xx came to an INVITE that had one: the same again, because our `ack` was lost, or that of another device to which a proxy
    /// on the way had forked it. The other gets an ACK of its own and is let go: one dialog is what was asked for (RFC 3261
    /// §13.2.2.4).
    pub(crate) fn acknowledge_again(&mut self, now: Timestamp, flow: Flow, ack: Bytes, response: &Response) {
        let ours = Message::parse_datagram(ack.clone()).ok().and_then(Message::into_request);
        let Some(ours) = ours else { return };
        let tag_of = |tag: Option<&str>| tag.unwrap_or_default().to_owned();
        let first = ours.to().ok().map(|to| tag_of(to.tag()));
        if response.to().ok().map(|to| tag_of(to.tag())) == first {
            return self.acknowledge(transaction_time(now), flow, ack);
        }
        // Of the INVITE a dialog needs what the ACK has too.
        let Ok(mut other) = Dialog::uac(&ours, response) else { return };
        // Our INVITE had a Record-Route of its own, and comes back to us no more.
        let own = self.record_route(flow.transport);
        if own.is_some_and(|own| response.list(HeaderName::RecordRoute).last() == Some(own.as_bytes())) {
            other = other.without_first_route();
        }
        tracing::debug!(call_id = other.call_id(), "a second device has answered, and is let go");
        self.acknowledge(transaction_time(now), flow, other.ack(other.local_cseq()).build());
        let bye =
            other.bye().header(HeaderName::Reason, Reason::sip(200, "Call completed elsewhere")).build();
        let _ = self.layer.request(transaction_time(now), flow, bye);
    }
}
