//! One MESSAGE for many (RFC 5365; RCC.07 one-to-many messaging): to the exploder's URI comes a list of addressees with what they
//! are to be told, and each gets a message of their own, under the same ids.
//!
//! The sender hears 202 when every copy is in its mailbox. What goes wrong for one addressee (no such subscriber, a full mailbox)
//! is told by a report on that copy, if the sender asked for such reports.

use rcs::address::{Address, AddressKind};
use rcs::resource_list::DISPOSITION;
use sip::Request;
use store::Wants;

use super::Refusal;
use super::identity::Claim;
use super::message::{CPM_MESSAGE, CpmMessage, Kind, Posted};
use crate::group::{parts_of, recipients_in, subscribers};
use crate::report::{self, Fate};
use crate::submit::{Submission, Submitted};
use crate::{Centre, Work};

/// What such a MESSAGE may require (RFC 5365 §4).
pub(crate) const SUPPORTED: [&str; 1] = ["recipient-list-message"];
/// Largest body: the list and the message.
const BODY_BYTES_MAX: usize = 64 << 10;

/// A message for many.
#[derive(Debug)]
pub struct OneToMany {
    /// What is said. It is addressed to the exploder.
    message: CpmMessage,
    /// To whom, each once.
    to: Vec<Address>,
}

impl OneToMany {
    /// Whether a request is for the exploder.
    pub(super) fn is_meant(centre: &Centre, request: &Request) -> bool {
        // Nearly all are not, and cheaply seen not to be.
        request.uri_text().contains(centre.config.exploder.as_str())
            && super::address_of(centre, request.uri_text())
                .is_ok_and(|address| is_exploder(centre, &address))
    }

    pub(super) fn read(centre: &Centre, request: &Request) -> Result<Self, Refusal> {
        let (mut recipients, mut said) = (Vec::new(), None);
        for part in parts_of(centre, request, BODY_BYTES_MAX)? {
            match recipients_in(&part)? {
                Some(list) => recipients.extend(list),
                // Of several, the first is the message.
                None => said = said.or(Some(part)),
            }
        }
        let part = said.ok_or(Refusal::bad("there is nothing to be said in the body"))?;
        let max_bytes = centre.config.pager_body_bytes_max;
        if part.body.len() > max_bytes {
            return Err(Refusal::TooLarge { max_bytes });
        }
        let to = subscribers(centre, &recipients)?;
        if to.is_empty() {
            return Err(Refusal::bad(format!("there is no {DISPOSITION} in the body, or nobody in it")));
        }
        if to.len() > centre.config.recipients_max {
            return Err(Refusal::forbidden("too many addressees"));
        }
        let exploder = super::address_of(centre, request.uri_text())?;
        let declared = part.content_type().to_owned();
        let message = CpmMessage::of_body(centre, request, (exploder, None), declared, part.body)?;
        match message.kind {
            Kind::Message => Ok(Self { message, to }),
            _ => Err(Refusal::bad("only messages are for many")),
        }
    }
}

impl Claim<OneToMany> {
    pub(crate) fn one_to_many_wants(&self, centre: &Centre, wants: &mut Wants) {
        self.wants(centre.config.trust_udp_source, wants);
        report::sender_wants(&self.from, wants);
        for to in &self.what.to {
            match to.kind() {
                AddressKind::Chatbot => wants.chatbot(to),
                _ => wants.account(to),
            }
            wants.bindings(to);
            wants.blocks(to);
            wants.head(to);
            wants.record((self.what.message.message_id.clone(), self.from.clone(), to.clone()));
        }
    }
}

impl Centre {
    pub(crate) fn decide_one_to_many(&mut self, claim: Claim<OneToMany>, work: &mut Work<'_>) {
        if !self.is_proven(&claim, work) {
            return;
        }
        for to in &claim.what.to {
            let submission = self.copy_for(&claim, to, work);
            let is_silent = !self.config.refuse_blocked;
            let fate = match to.kind() {
                AddressKind::Subscriber => match self.submit(submission.clone(), work) {
                    Submitted::Accepted | Submitted::Duplicate => continue,
                    Submitted::NoSuchUser => Fate::NoSuchUser,
                    Submitted::MailboxFull => Fate::MailboxFull,
                    // They need not know.
                    Submitted::Blocked if is_silent => Fate::Sent,
                    Submitted::Blocked => Fate::Blocked,
                },
                AddressKind::Chatbot if hears(to, &claim.from, work) => {
                    match self.submit_to_chatbot(submission.clone(), work) {
                        Submitted::Accepted | Submitted::Duplicate => continue,
                        _ => Fate::MailboxFull,
                    }
                }
                _ => Fate::NoSuchUser,
            };
            self.give_up(submission, fate, work);
        }
        self.answer(claim.tx, &claim.request, claim.flow, 202, work.now);
    }

    fn copy_for(&mut self, claim: &Claim<OneToMany>, to: &Address, work: &Work<'_>) -> Submission {
        let message = &claim.what.message;
        let what = CpmMessage { to: to.clone(), ..message.clone() };
        let posted = Posted { from: claim.from.clone(), what, asker: claim.asker() };
        let entry = self.entry(&posted, store::EntryKind::Message, self.config.validity, work.now);
        Submission {
            message_id: entry.message_id,
            from: entry.from,
            to: entry.to,
            conversation_id: entry.conversation_id,
            contribution_id: entry.contribution_id,
            in_reply_to: entry.in_reply_to,
            service: message.service.as_ref().map(|_| CPM_MESSAGE.to_owned()),
            accept: entry.accept,
            content_type: entry.content_type,
            body: entry.body,
            payload_type: message.payload_type.clone(),
            wanted: entry.wanted,
            report_request: Vec::new(),
            expires_at: entry.expires_at,
        }
    }
}

fn is_exploder(centre: &Centre, address: &Address) -> bool {
    address.kind() == AddressKind::Other
        && address.user() == centre.config.exploder
        && address.host() == Some(centre.config.domain())
}

fn hears(chatbot: &Address, user: &Address, work: &Work<'_>) -> bool {
    work.view.chatbot(chatbot).is_some_and(|chatbot| chatbot.hears(user))
}
