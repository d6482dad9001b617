//! Messages in sessions: what comes in is posted like a MESSAGE, and what is to be handed over to a device goes out in a leg when
//! that is how the device takes it (RCC.07: pager mode if it is small, else large mode, else a chat).

use std::collections::VecDeque;

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::capability::Capability;
use rcs::cpim::{self, CpimBuilder};
use rcs::{composing, content_type};
use sip::Flow;
use store::{Binding, Entry};

use super::answering::can_chat;
use super::inviting::Invitation;
use super::{Kind, Leg, LegId, Sending, media, take_back};
use crate::Centre;
use crate::access::message::{Contribution, CpmMessage, Kind as MessageKind, Posted, SessionBody};
use crate::delivery::agent::DeviceKey;
use crate::delivery::{Answer, Answered, Asker, AttemptId};
use crate::work::Task;

impl Centre {
    /// Takes what the MSRP edge tells.
    pub fn receive_media(&mut self, now: Timestamp, event: media::Event, tasks: &mut Vec<Task>) {
        match event {
            media::Event::Bound { session } => {
                if let Some(id) = self.sessions.by_session.get(&session).copied() {
                    if let Some(leg) = self.sessions.legs.get_mut(&id) {
                        leg.is_bound = true;
                    }
                    self.touch(id, now);
                    self.give_sends(id);
                }
            }
            media::Event::Active { session } => {
                if let Some(id) = self.sessions.by_session.get(&session).copied() {
                    self.touch(id, now);
                }
            }
            media::Event::Message { session, token, message_id, content_type, body } => {
                self.take_message(now, &session, token, message_id, content_type, body, tasks);
            }
            media::Event::Sent { send, status } => self.sent(send, status, now),
            media::Event::Lost { session } => {
                let id = self.sessions.by_session.get(&session).copied();
                match id.and_then(|id| Some((id, self.sessions.legs.get_mut(&id)?))) {
                    // It was quicker than its answer, and may come again.
                    Some((_, leg)) if !leg.is_open() => leg.is_bound = false,
                    Some((id, _)) => self.end_pair(id, None, now),
                    None => {}
                }
            }
        }
        tasks.extend(self.sessions.take_settled());
    }

    #[allow(clippy::too_many_arguments, reason = "they are the fields of one event")]
    fn take_message(
        &mut self,
        now: Timestamp,
        session: &str,
        token: media::Token,
        message_id: String,
        content_type: String,
        body: SessionBody,
        tasks: &mut Vec<Task>,
    ) {
        let leg = self.sessions.by_session.get(session).copied();
        let Some((id, leg)) = leg.and_then(|id| Some((id, self.sessions.legs.get(&id)?))) else {
            tasks.extend(discard(body));
            return self.sessions.answer(token, 481);
        };
        let (from, device) = leg.device.clone();
        // It is for others to see, and the session's own name lets in whoever knows it.
        let stands_in = format!("{:016x}.{message_id}", self.keyed(session.as_bytes()));
        let read = CpmMessage::of_session(
            self,
            leg.peer.clone(),
            leg.ids.clone(),
            stands_in,
            content_type,
            body.clone(),
        );
        match read {
            Ok(what) => {
                // Whoever answers in a session that was only for what waited has a chat.
                if matches!(what.kind, MessageKind::Message)
                    && let Some(leg) = self.sessions.legs.get_mut(&id)
                    && leg.kind == Kind::Deferred
                {
                    leg.kind = Kind::Chat;
                }
                tasks.push(Task::Posted(Box::new(Posted {
                    from,
                    what,
                    asker: Asker::Chunk { token, device },
                })));
            }
            Err(refusal) => {
                tracing::debug!(why = %refusal, "refused in a session");
                tasks.extend(discard(body));
                self.sessions.answer(token, media::status_of(&refusal));
            }
        }
        self.touch(id, now);
    }

    /// A message of ours has been taken by the device, or not.
    fn sent(&mut self, given: u64, status: u16, now: Timestamp) {
        // The end of a session is no answer to what has been given to another since.
        let Some((id, send)) = self.sessions.by_given.remove(&given) else { return };
        let answer = match status {
            // In MSRP nothing came back: that is no answer of a flow.
            408 => Answer::CutOff,
            status => Answer::of(status),
        };
        self.settle_send(send, answer);
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        leg.sends.retain(|sending| sending.send != send);
        let is_done = leg.sends.is_empty() && (leg.is_closing || leg.kind == Kind::Large);
        self.touch(id, now);
        if is_done {
            self.end_leg(id, None, now);
        }
    }

    /// Something moves in a leg: it and its partner are not idle.
    fn touch(&mut self, id: LegId, now: Timestamp) {
        let partner = self.sessions.legs.get(&id).and_then(|leg| leg.partner);
        for id in [Some(id), partner].into_iter().flatten() {
            if let Some(leg) = self.sessions.legs.get_mut(&id).filter(|leg| leg.is_bound) {
                leg.idle_at = now.plus(match leg.kind {
                    // It was only for what waited; the device may still want to say something.
                    Kind::Deferred => self.config.sessions.deferred_idle,
                    Kind::Chat | Kind::Large | Kind::Group => self.config.sessions.idle,
                });
            }
            self.sessions.set_alarm(id);
        }
    }

    /// Hands an entry over in a session, in one that stands or in a new one; with its flow. `None` when there is no way.
    pub(crate) fn send_in_session(
        &mut self,
        entry: &Entry,
        device: &DeviceKey,
        binding: &Binding,
        is_stored: bool,
        now: Timestamp,
    ) -> Option<(AttemptId, Flow)> {
        let limits = &self.config.sessions;
        let (is_chat_size, is_large_size) = (
            entry.body_bytes() <= limits.bytes_max(Kind::Chat),
            entry.body_bytes() <= limits.bytes_max(Kind::Large),
        );
        let capabilities = &binding.capabilities;
        let is_of_group = entry.from.kind() == AddressKind::Group;
        let id = match self.sessions.chat_with(device, &entry.from).filter(|_| is_chat_size) {
            Some(id) => id,
            None => {
                let kind = match () {
                    () if capabilities.has(Capability::CpmLargeMessage) && is_large_size => Kind::Large,
                    // The session of a member with its group is made by the focus.
                    () if can_chat(capabilities) && is_chat_size && !is_of_group => Kind::Deferred,
                    () => return None,
                };
                let ids = Contribution {
                    conversation_id: entry.conversation_id.clone(),
                    contribution_id: entry.contribution_id.clone(),
                };
                let peer = &entry.from;
                self.invite(
                    &Invitation {
                        device,
                        peer,
                        binding,
                        kind,
                        ids,
                        is_deferred: is_stored,
                        tried: Vec::new(),
                    },
                    now,
                )?
            }
        };
        let flow = self.sessions.legs.get(&id)?.flow;
        Some((AttemptId::Send(self.put_into(id, entry, now)), flow))
    }

    /// Whether a device has a chat with somebody, or we are about to hand something over to it. One that only rings is no chat
    /// yet, and may never be.
    pub(crate) fn has_chat(&self, device: &DeviceKey, peer: &Address) -> bool {
        self.sessions.chat_with(device, peer).is_some_and(|id| {
            let leg = &self.sessions.legs[&id];
            leg.is_open() || leg.kind == Kind::Deferred
        })
    }

    /// Whether a device has a chat with the sender; then a fleeting indication goes there, and nothing depends on its answer.
    pub(crate) fn sends_in_chat(&mut self, entry: &Entry, device: &DeviceKey, now: Timestamp) -> bool {
        let chat = self.sessions.chat_with(device, &entry.from);
        let Some(id) = chat.filter(|id| self.sessions.legs[id].is_bound) else { return false };
        self.put_into(id, entry, now);
        true
    }

    /// Queues an entry in a leg; the number of the send.
    fn put_into(&mut self, id: LegId, entry: &Entry, now: Timestamp) -> u64 {
        self.sessions.last_send += 1;
        let send = self.sessions.last_send;
        let message_id = self.tag();
        let (content_type, body) = self.session_body(entry);
        if let Some(leg) = self.sessions.legs.get_mut(&id) {
            leg.sends.push_back(Sending { send, message_id, content_type, body, given: None });
        }
        self.touch(id, now);
        self.give_sends(id);
        send
    }

    /// Has a leg send what another had to send.
    pub(super) fn hand_on(&mut self, mut sends: VecDeque<Sending>, id: LegId) {
        take_back(&mut self.sessions.by_given, &mut sends);
        if let Some(leg) = self.sessions.legs.get_mut(&id) {
            leg.sends.extend(sends);
        }
    }

    /// What goes into a session: CPIM always, but for composing indications, which may go bare.
    fn session_body(&self, entry: &Entry) -> (String, media::Body) {
        if let Some(spooled) = &entry.spooled {
            return (entry.content_type.clone(), media::Body::Spooled(spooled.clone()));
        }
        if content_type::is(&entry.content_type, cpim::CONTENT_TYPE)
            || content_type::is(&entry.content_type, composing::CONTENT_TYPE)
        {
            return (entry.content_type.clone(), media::Body::Inline(entry.body.clone()));
        }
        let domain = self.config.domain();
        let wrapped = CpimBuilder::new(&entry.from.sip_uri(domain), &entry.to.sip_uri(domain))
            .date_time(entry.accepted_at)
            .message_id(&entry.message_id)
            .dispositions(entry.wanted)
            .content_type(&entry.content_type)
            .build(&entry.body);
        (cpim::CONTENT_TYPE.to_owned(), media::Body::Inline(wrapped))
    }

    /// Gives the edge what waits for a leg's connection.
    pub(super) fn give_sends(&mut self, id: LegId) {
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        if leg.is_open() && leg.is_bound {
            let session = leg.session().to_owned();
            for sending in leg.sends.iter_mut().filter(|sending| sending.given.is_none()) {
                self.sessions.last_given += 1;
                let given = self.sessions.last_given;
                sending.given = Some(given);
                self.sessions.by_given.insert(given, (id, sending.send));
                self.sessions.commands.push_back(media::Command::Send {
                    session: session.clone(),
                    send: given,
                    message_id: sending.message_id.clone(),
                    content_type: sending.content_type.clone(),
                    body: sending.body.clone(),
                });
            }
        }
        self.sessions.set_alarm(id);
    }

    /// Takes back what is larger than the device said it takes.
    pub(super) fn refuse_larger(&mut self, id: LegId, bytes_max: u64) {
        let Some(leg) = self.sessions.legs.get_mut(&id) else { return };
        let (fit, too_large) = std::mem::take(&mut leg.sends).into_iter().partition(|sending| {
            let bytes = match &sending.body {
                media::Body::Inline(body) => body.len() as u64,
                media::Body::Spooled(spooled) => spooled.bytes,
            };
            bytes <= bytes_max
        });
        leg.sends = fit;
        if leg.sends.is_empty() && leg.kind == Kind::Large {
            leg.idle_at = Timestamp::EPOCH;
        }
        self.settle_sends(too_large, Answer::Refused(413));
    }

    /// What a leg had to send will not be sent in it.
    pub(super) fn fail_sends(&mut self, leg: &Leg) {
        self.settle(leg, Answer::CutOff);
    }

    pub(super) fn settle(&mut self, leg: &Leg, answer: Answer) {
        for sending in &leg.sends {
            self.settle_send(sending.send, answer);
        }
    }

    pub(super) fn settle_sends(&mut self, mut sends: VecDeque<Sending>, answer: Answer) {
        take_back(&mut self.sessions.by_given, &mut sends);
        for sending in sends {
            self.settle_send(sending.send, answer);
        }
    }

    fn settle_send(&mut self, send: u64, answer: Answer) {
        let attempt = AttemptId::Send(send);
        if self.attempts.contains_key(&attempt) {
            self.sessions.settled.push(Task::Answered(Answered { attempt, answer }));
        }
    }
}

/// A task to throw away a body that was spooled.
fn discard(body: SessionBody) -> Option<Task> {
    match body {
        SessionBody::Whole(_) => None,
        SessionBody::Spooled { spooled, .. } => Some(Task::Discard(spooled.name)),
    }
}

/// The beginning of a large body that the edge hands over with it: room for the headers of any CPIM.
pub const BEGINNING_BYTES: usize = cpim::HEAD_BYTES_MAX;

/// Bodies up to this size are handed over whole, and lie in rows; larger ones in files.
pub const INLINE_BYTES_MAX: usize = 32 * 1024;

const _: () = assert!(BEGINNING_BYTES <= INLINE_BYTES_MAX);
