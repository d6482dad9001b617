//! MESSAGE to a focus: something said to everybody or to one member, a new subject, a report, a composing indication.

use bytes::Bytes;
use rcs::address::Address;
use rcs::cpim::{self, Cpim, CpimBuilder, Dispositions};
use rcs::group_data;
use rcs::imdn::Imdn;
use rcs::{content_type, ids};
use store::{EntryKind, Group, Wants};

use super::NOT_A_MEMBER;
use super::fan_out::FanOut;
use super::icon::{group_data_in, may_be_group_data};
use super::report::FanIn;
use super::revoke::GroupRevocation;
use crate::access::Refusal;
use crate::access::message::{CpmMessage, Kind, Posted};
use crate::delivery::Asker;
use crate::work::Task;
use crate::{Centre, Work};

/// The rows that [`Centre::route_group_message`] reads beside those of every message.
pub(crate) fn group_message_wants(from: &Address, message: &CpmMessage, wants: &mut Wants) {
    wants.group(&message.to);
    wants.bindings(from);
    if let Kind::Report(imdn) = &message.kind {
        wants.author(&message.to, &imdn.message_id);
    }
}

impl Centre {
    /// Takes on a MESSAGE to a focus, or says why not.
    pub(crate) fn route_group_message(
        &mut self,
        posted: &Posted,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let group = work.view.group(&posted.what.to).cloned().ok_or(Refusal::NoSuchGroup)?;
        group.member(&posted.from).ok_or(Refusal::forbidden(NOT_A_MEMBER))?;
        match &posted.what.kind {
            Kind::Report(imdn) => self.take_report(posted, &group, imdn, work),
            Kind::Message if may_be_group_data(posted) => self.take_group_data_or_words(posted, group, work),
            Kind::Message | Kind::Fleeting => self.take_words(posted, &group, work),
            Kind::Revoke(revoke) => {
                let revocation = GroupRevocation {
                    message_id: revoke.message_id.clone(),
                    author: posted.from.clone(),
                    group: group.address,
                    copies: None,
                };
                work.then.push(Task::RevokeInGroup(Box::new(revocation)));
                self.answer_asker(&posted.asker, 200, work);
                Ok(())
            }
            Kind::Reports(_) | Kind::Spam(_) => Err(Refusal::forbidden("a group takes no spam reports")),
        }
    }

    fn take_group_data_or_words(
        &mut self,
        posted: &Posted,
        group: Group,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        if posted.what.spooled.is_some() {
            return match posted.what.payload_type == group_data::CONTENT_TYPE {
                true => Err(Refusal::TooLarge { max_bytes: group_data::VALUE_BYTES_MAX }),
                false => self.take_words(posted, &group, work),
            };
        }
        match group_data_in(posted)? {
            Some(change) => self.take_group_data(posted, group, change, work),
            None => self.take_words(posted, &group, work),
        }
    }

    /// Something said, or about to be said: to be brought to the others.
    fn take_words(&mut self, posted: &Posted, group: &Group, work: &mut Work<'_>) -> Result<(), Refusal> {
        let is_fleeting = matches!(posted.what.kind, Kind::Fleeting);
        if !is_fleeting && work.view.record(&posted.what.record_key(&posted.from)).is_some() {
            work.stats.duplicates += 1;
            self.answer_asker(&posted.asker, 200, work);
            work.discard(posted.what.spooled.clone());
            return Ok(());
        }
        let only = self.private_to(posted, group)?;
        let validity = if is_fleeting { self.config.hold } else { self.config.validity };
        let mut entry = self.entry(posted, EntryKind::Message, validity, work.now);
        entry.conversation_id.clone_from(&group.conversation_id);
        entry.contribution_id.clone_from(&group.contribution_id);
        if content_type::essence(&entry.content_type) != cpim::CONTENT_TYPE {
            entry.content_type = cpim::CONTENT_TYPE.to_owned();
        }
        entry.body = self.group_body(posted, group, only.as_ref(), work)?;
        let to = match only {
            Some(member) => vec![member],
            None => {
                let others = group.members.iter().map(|member| &member.address);
                others.filter(|member| **member != posted.from).cloned().collect()
            }
        };
        work.then.push(Task::FanOut(Box::new(FanOut {
            asker: posted.asker.clone(),
            entry,
            payload_type: posted.what.payload_type.clone(),
            device: self.sending_device(posted, work),
            to,
            is_fleeting,
        })));
        Ok(())
    }

    /// The only member that a message is for, by its CPIM To; `None` when it is for everybody.
    fn private_to(&self, posted: &Posted, group: &Group) -> Result<Option<Address>, Refusal> {
        let Some(to) = posted.what.cpim_to.as_deref() else { return Ok(None) };
        let Ok(to) = self.config.numbering.address(to) else { return Ok(None) };
        if to == group.address || to.kind() != rcs::address::AddressKind::Subscriber {
            return Ok(None);
        }
        group.member(&to).ok_or(Refusal::forbidden("the addressee is not a member of this group"))?;
        Ok(Some(to))
    }

    /// What everybody receives: CPIM from the author to the group. Bytes that say so already stay as they are, for all to share.
    fn group_body(
        &mut self,
        posted: &Posted,
        group: &Group,
        only: Option<&Address>,
        work: &Work<'_>,
    ) -> Result<Bytes, Refusal> {
        let domain = self.config.domain().to_owned();
        let (author, message) = (posted.from.sip_uri(&domain), &posted.what);
        let to = only.map_or_else(|| group.address.to_string(), |only| only.sip_uri(&domain));
        if content_type::essence(&message.content_type) != cpim::CONTENT_TYPE {
            // A plain client: the envelope tells the others whose words these are, and by which name to report on them.
            return Ok(CpimBuilder::new(&author, &to)
                .message_id(&message.message_id)
                .date_time(work.now)
                .dispositions(Dispositions::NONE)
                .content_type(&message.content_type)
                .build(&message.body));
        }
        let is_named = |uri: Option<&str>, meant: &Address| {
            uri.and_then(|uri| self.config.numbering.address(uri).ok()).is_some_and(|named| named == *meant)
        };
        let is_from_author = is_named(message.cpim_from.as_deref(), &posted.from);
        let is_to_us = is_named(message.cpim_to.as_deref(), only.unwrap_or(&group.address));
        if message.spooled.is_some() {
            // What lies in a file is passed on as it is.
            return match is_from_author && is_to_us {
                true => Ok(Bytes::new()),
                false => {
                    Err(Refusal::forbidden("the CPIM of a large message must name its sender and the group"))
                }
            };
        }
        let envelope = Cpim::parse(message.body.clone()).map_err(|error| Refusal::bad(error.to_string()))?;
        let mut rewrite = envelope.rewrite();
        let mut is_changed = false;
        if !is_from_author {
            (rewrite, is_changed) = (rewrite.from(&author), true);
        }
        if !is_to_us {
            (rewrite, is_changed) = (rewrite.to(&to), true);
        }
        if envelope.date_time().is_none() {
            (rewrite, is_changed) = (rewrite.date_time(work.now), true);
        }
        Ok(if is_changed { rewrite.build() } else { message.body.clone() })
    }

    /// The device that a message came from, as far as its session or its flow tells.
    fn sending_device(&self, posted: &Posted, work: &Work<'_>) -> Option<String> {
        let flow = match &posted.asker {
            Asker::Request { flow, .. } => flow,
            Asker::Chunk { device, .. } => return Some(device.clone()).filter(|device| !device.is_empty()),
            Asker::Nobody => return None,
        };
        let bindings = work.view.bindings(&posted.from)?;
        let sender = bindings.live(work.now).find(|binding| binding.flow == *flow)?;
        Some(sender.device().to_owned())
    }

    /// A member's report on a message: for its author.
    fn take_report(
        &mut self,
        posted: &Posted,
        group: &Group,
        imdn: &Imdn,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let original = (imdn.message_id.clone(), group.address.clone(), posted.from.clone());
        let author = work.view.author(&group.address, &imdn.message_id).cloned();
        let is_news = crate::report::is_news(work.view.record(&original), imdn.disposition);
        let Some(author) = author.filter(|_| is_news) else {
            self.answer_asker(&posted.asker, 200, work);
            return Ok(());
        };
        if !self.reporting.insert((original.clone(), imdn.disposition)) {
            self.answer_asker(&posted.asker, 200, work);
            return Ok(());
        }
        let mut entry = self.entry(posted, EntryKind::Report, self.config.report_validity, work.now);
        entry.body = self.report_body(posted, &author, work);
        entry.content_type = cpim::CONTENT_TYPE.to_owned();
        (entry.from, entry.to) = (group.address.clone(), author);
        entry.conversation_id.clone_from(&group.conversation_id);
        entry.contribution_id.clone_from(&group.contribution_id);
        let asker = Some(posted.asker.clone());
        let disposition = imdn.disposition;
        work.then.push(Task::FanIn(Box::new(FanIn { entry, original, disposition, asker })));
        Ok(())
    }

    /// The report in an envelope that names the member that reports.
    fn report_body(&mut self, posted: &Posted, author: &Address, work: &Work<'_>) -> Bytes {
        let domain = self.config.domain().to_owned();
        let (member, message) = (posted.from.sip_uri(&domain), &posted.what);
        match Cpim::parse(message.body.clone()) {
            Ok(envelope) if content_type::essence(&message.content_type) == cpim::CONTENT_TYPE => {
                let named = envelope.from_uri().and_then(|uri| self.config.numbering.address(uri).ok());
                match named == Some(posted.from.clone()) {
                    true => message.body.clone(),
                    false => envelope.rewrite().from(&member).build(),
                }
            }
            _ => CpimBuilder::new(&member, &author.sip_uri(&domain))
                .message_id(&ids::message_id(self.random_16()))
                .date_time(work.now)
                .content_type(&message.content_type)
                .content_header("Content-Disposition", "notification")
                .build(&message.body),
        }
    }
}
