//! What somebody says: messages, reports and composing indications, in a MESSAGE (RFC 3428, RCC.07 standalone messaging) or in
//! a session. Both are read into the same [`CpmMessage`] and go the same way from there.

use std::time::Duration;

use bytes::Bytes;
use rcs::address::{Address, AddressKind};
use rcs::cpim::{self, Cpim, Dispositions};
use rcs::encoding::{self, EncodingError};
use rcs::imdn::{self, Imdn};
use rcs::revoke::{self, Revoke};
use rcs::spam_report::{self, SpamReport};
use rcs::{Timestamp, composing, content_type, ids};
use sip::{HeaderName, Request};
use store::{ChatbotStatus, Entry, EntryKind, Outcome, RecordKey, Spooled, Wants};

use super::Refusal;
use super::identity::Claim;
use super::reports::{Report, together};
use crate::blocks::block_wants;
use crate::delivery::choice::required;
use crate::delivery::{Asker, Delivery};
use crate::group::message::group_message_wants;
use crate::gruu::Device;
use crate::revoke::Revocation;
use crate::work::Task;
use crate::{Centre, Work};

/// A CPM message: what a MESSAGE or a SEND carries, well formed.
#[derive(Debug, Clone)]
pub struct CpmMessage {
    /// The addressee.
    pub(crate) to: Address,
    /// The one device it is for, when the Request-URI was a GRUU.
    pub(crate) device: Option<Device>,
    /// What it is.
    pub(crate) kind: Kind,
    /// `imdn.Message-ID`, or the Call-ID.
    pub(crate) message_id: String,
    pub(crate) conversation_id: Option<String>,
    pub(crate) contribution_id: Option<String>,
    pub(crate) in_reply_to: Option<String>,
    pub(crate) service: Option<String>,
    /// Accept-Contact values that a device must fit.
    pub(crate) accept: Vec<String>,
    /// Media type of `body`.
    pub(crate) content_type: String,
    /// Media type of what a person sees, inside CPIM if there is one.
    pub(crate) payload_type: String,
    /// Inflated; otherwise as it came. Empty when it is spooled.
    pub(crate) body: Bytes,
    /// Where the body lies when it is too large to be held.
    pub(crate) spooled: Option<Spooled>,
    /// The URI in the CPIM's From, when it names somebody.
    pub(crate) cpim_from: Option<String>,
    /// The URI in the CPIM's To.
    pub(crate) cpim_to: Option<String>,
    pub(crate) wanted: Dispositions,
    /// `Expires`: 0 means now or never (is-composing).
    pub(crate) expires_s: Option<u32>,
}

/// What a MESSAGE carries.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// Something said.
    Message,
    /// A disposition report.
    Report(Imdn),
    /// Several of them.
    Reports(Vec<Report>),
    /// A message is to be taken back.
    Revoke(Revoke),
    /// Somebody is reported for spam.
    Spam(SpamReport),
    /// An is-composing indication, or anything else that is only worth something now.
    Fleeting,
}

impl CpmMessage {
    /// Reads what a MESSAGE carries. Which identity may send it is not looked at here.
    pub(crate) fn read(centre: &Centre, request: &Request) -> Result<Self, Refusal> {
        let body = plain_body(centre, request, centre.config.pager_body_bytes_max)?;
        let declared = request.content_type().unwrap_or("text/plain".into()).into_owned();
        let (to, device) = match centre.target(request.uri_text()) {
            // It is for the platform, whatever the handset calls that.
            Err(_) if is_spam_report(&declared, &body) => (centre.config.spam_address(), None),
            target => target?,
        };
        Self::of_body(centre, request, (to, device), declared, body)
    }

    /// The same for a body that is, or was within, the request's.
    pub(super) fn of_body(
        centre: &Centre,
        request: &Request,
        (to, device): (Address, Option<Device>),
        declared: String,
        body: Bytes,
    ) -> Result<Self, Refusal> {
        let call_id = request.call_id()?;
        let expires_s = request.expires()?;
        let read = Self {
            to,
            device,
            kind: Kind::Message,
            message_id: call_id.to_owned(),
            conversation_id: id_header(request, HeaderName::ConversationId)?,
            contribution_id: id_header(request, HeaderName::ContributionId)?,
            in_reply_to: id_header(request, HeaderName::InReplyToContributionId)?,
            service: service(request),
            accept: required(request)?,
            payload_type: content_type::essence(&declared).to_ascii_lowercase(),
            content_type: declared,
            body,
            spooled: None,
            cpim_from: None,
            cpim_to: None,
            wanted: Dispositions::NONE,
            expires_s,
        };
        let envelope = read.envelope()?;
        read.finish(centre, envelope)
    }

    /// Reads what came in a session. `message_id` stands in for the id that a message without CPIM does not have.
    pub(crate) fn of_session(
        centre: &Centre,
        to: Address,
        ids: Contribution,
        message_id: String,
        content_type: String,
        body: SessionBody,
    ) -> Result<Self, Refusal> {
        let (body, spooled) = match body {
            SessionBody::Whole(body) => (body, None),
            SessionBody::Spooled { spooled, beginning } => (beginning, Some(spooled)),
        };
        let read = Self {
            to,
            device: None,
            kind: Kind::Message,
            message_id,
            conversation_id: Some(ids.conversation_id),
            contribution_id: Some(ids.contribution_id),
            in_reply_to: None,
            service: Some(CPM_MESSAGE.to_owned()),
            payload_type: content_type::essence(&content_type).to_ascii_lowercase(),
            content_type,
            body,
            spooled,
            accept: Vec::new(),
            cpim_from: None,
            cpim_to: None,
            wanted: Dispositions::NONE,
            expires_s: None,
        };
        let envelope = read.envelope()?;
        let mut read = read.finish(centre, envelope)?;
        if read.spooled.is_some() {
            if !matches!(read.kind, Kind::Message) {
                return Err(Refusal::bad("a report or an indication of such a size"));
            }
            read.body = Bytes::new();
        }
        Ok(read)
    }

    /// The message with ids, wishes and kind taken from its envelope, if there is one.
    fn finish(mut self, centre: &Centre, envelope: Option<Cpim>) -> Result<Self, Refusal> {
        let (payload, declared) = self.open(envelope)?;
        centre.config.files.check(&self.payload_type, &payload)?;
        let id = &self.message_id;
        if id.is_empty() || id.len() > ids::ID_BYTES_MAX || id.contains('\0') {
            return Err(Refusal::bad("the message id is empty or too long"));
        }
        self.kind = self.kind_of(&payload, &declared)?;
        Ok(self)
    }

    /// The CPIM, if the body is one.
    fn envelope(&self) -> Result<Option<Cpim>, Refusal> {
        if self.payload_type != cpim::CONTENT_TYPE {
            return Ok(None);
        }
        let envelope = match self.spooled {
            None => Cpim::parse(self.body.clone()),
            Some(_) => Cpim::parse_beginning(self.body.clone()),
        };
        envelope.map(Some).map_err(|error| Refusal::bad(error.to_string()))
    }

    /// Takes ids and wishes out of the envelope and gives the payload with its media type.
    fn open(&mut self, envelope: Option<Cpim>) -> Result<(Bytes, String), Refusal> {
        let Some(envelope) = envelope else { return Ok((self.body.clone(), self.content_type.clone())) };
        if let Some(id) = envelope.message_id() {
            self.message_id = id.to_owned();
        }
        self.wanted = envelope.dispositions();
        self.payload_type = content_type::essence(envelope.content_type()).to_ascii_lowercase();
        self.cpim_from = envelope.from_uri().map(str::to_owned);
        self.cpim_to = envelope.to_uri().map(str::to_owned);
        if self.spooled.is_some() {
            // Its kind shows in its type, and of its payload only the beginning is here.
            return Ok((Bytes::new(), String::new()));
        }
        let payload = envelope.decoded_payload().map_err(|error| Refusal::bad(error.to_string()))?;
        Ok((payload, envelope.content_type().to_owned()))
    }

    fn kind_of(&self, payload: &Bytes, declared: &str) -> Result<Kind, Refusal> {
        if let Some(reports) = together(declared, payload) {
            return Ok(Kind::Reports(reports));
        }
        match self.payload_type.as_str() {
            imdn::CONTENT_TYPE => {
                Imdn::parse(payload).map(Kind::Report).map_err(|error| Refusal::bad(format!("IMDN: {error}")))
            }
            composing::CONTENT_TYPE => Ok(Kind::Fleeting),
            revoke::CONTENT_TYPE => match Revoke::parse(payload) {
                Ok(Revoke { result: Some(_), .. }) => {
                    Err(Refusal::bad("only the platform answers a revocation"))
                }
                read => read.map(Kind::Revoke).map_err(|error| Refusal::bad(format!("revocation: {error}"))),
            },
            spam_report::CONTENT_TYPE => SpamReport::parse(payload)
                .map(Kind::Spam)
                .map_err(|error| Refusal::bad(format!("spam report: {error}"))),
            _ if self.expires_s == Some(0) => Ok(Kind::Fleeting),
            _ => Ok(Kind::Message),
        }
    }

    /// The record that this message would have.
    pub(crate) fn record_key(&self, from: &Address) -> RecordKey {
        (self.message_id.clone(), from.clone(), self.to.clone())
    }
}

/// The ICSI of pager-mode standalone messages: what a message is delivered under by MESSAGE, however it came.
pub(crate) const CPM_MESSAGE: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";

/// The RCC.07 ids of a session, which its messages share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contribution {
    /// Conversation-ID.
    pub conversation_id: String,
    /// Contribution-ID.
    pub contribution_id: String,
}

/// The body of a message that came in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionBody {
    /// All of it.
    Whole(Bytes),
    /// Too large to be held: the file that has it, and its beginning, which holds the headers of a CPIM.
    Spooled {
        /// The file.
        spooled: Spooled,
        /// Its first bytes.
        beginning: Bytes,
    },
}

/// A message whose sender is certain.
#[derive(Debug)]
pub struct Posted {
    /// The sender.
    pub(crate) from: Address,
    /// The message.
    pub(crate) what: CpmMessage,
    /// Who waits for an answer.
    pub(crate) asker: Asker,
}

impl Claim<CpmMessage> {
    pub(crate) fn message_wants(&self, trust_udp_source: bool, wants: &mut Wants) {
        self.wants(trust_udp_source, wants);
        posted_wants(&self.from, &self.what, wants);
    }
}

impl Posted {
    pub(crate) fn wants(&self, wants: &mut Wants) {
        wants.account(&self.from);
        posted_wants(&self.from, &self.what, wants);
    }
}

/// The rows that [`Centre::post`] reads.
fn posted_wants(from: &Address, what: &CpmMessage, wants: &mut Wants) {
    let to = &what.to;
    wants.head(to);
    match to.kind() {
        AddressKind::Chatbot => wants.chatbot(to),
        AddressKind::Group => group_message_wants(from, what, wants),
        _ => {
            wants.account(to);
            wants.bindings(to);
        }
    }
    block_wants(to, wants);
    match &what.kind {
        Kind::Message => wants.record(what.record_key(from)),
        // The report is about a message that went the other way.
        Kind::Report(imdn) => wants.record((imdn.message_id.clone(), to.clone(), from.clone())),
        Kind::Reports(_) | Kind::Fleeting | Kind::Revoke(_) | Kind::Spam(_) => {}
    }
}

impl Centre {
    pub(crate) fn decide_message(&mut self, claim: Claim<CpmMessage>, work: &mut Work<'_>) {
        if !self.is_proven(&claim, work) {
            return;
        }
        let Claim { tx, flow, request, from, what, .. } = claim;
        self.post(Posted { from, what, asker: Asker::Request { tx, flow, request } }, work);
    }

    /// The same for what came over an MSRP session, or was set aside: its sender may be no subscriber any more.
    pub(crate) fn decide_posted(&mut self, posted: Posted, work: &mut Work<'_>) {
        if work.view.account(&posted.from).is_some() {
            return self.post(posted, work);
        }
        work.stats.refused += 1;
        work.discard(posted.what.spooled);
        self.refuse_asker(&posted.asker, &Refusal::forbidden("the sender is no subscriber"), work.now);
    }

    /// Takes a message on, answering it sooner or later.
    pub(crate) fn post(&mut self, posted: Posted, work: &mut Work<'_>) {
        if let Kind::Reports(reports) = &posted.what.kind {
            return self.post_each(&posted, reports, work);
        }
        let Some(posted) = self.set_early_report_aside(posted) else { return };
        if let Err(refusal) = self.route_message(&posted, work) {
            work.stats.refused += 1;
            work.discard(posted.what.spooled);
            self.refuse_asker(&posted.asker, &refusal, work.now);
        }
    }

    /// Takes the message on, or says why not.
    fn route_message(&mut self, posted: &Posted, work: &mut Work<'_>) -> Result<(), Refusal> {
        let Posted { from, what: message, asker } = posted;
        if let Kind::Spam(report) = &message.kind {
            return self.note_spam(posted, report, work);
        }
        if message.to.kind() == AddressKind::Group {
            return self.route_group_message(posted, work);
        }
        check_addressee(from, &message.to, work)?;
        if message.spooled.is_some() {
            if message.to.kind() == AddressKind::Chatbot {
                return Err(Refusal::TooLarge { max_bytes: self.config.pager_body_bytes_max });
            }
            if !self.names_its_sender(from, message) {
                return Err(Refusal::forbidden("From in the CPIM is somebody else"));
            }
        }
        if let Some(device) = message.device.as_ref().filter(|device| device.is_temporary())
            && !device.is_valid(&self.gruu_key, work.view.bindings(&message.to), work.now)
        {
            // RFC 5627 §5.1: a temporary GRUU that is good no more names nobody.
            return Err(Refusal::NotFound);
        }
        if let Kind::Message = &message.kind
            && let Some(record) = work.view.record(&message.record_key(from))
        {
            // Clients resend with a new Call-ID and the same Message-ID: the answer is the same, the copy is not made.
            let status =
                if matches!(record.outcome, Outcome::Waiting | Outcome::Refused(_)) { 202 } else { 200 };
            work.stats.duplicates += 1;
            self.answer_asker(asker, status, work);
            work.discard(message.spooled.clone());
            return Ok(());
        }
        if self.stop_blocked(posted, work)? {
            work.discard(message.spooled.clone());
            return Ok(());
        }
        match &message.kind {
            Kind::Spam(_) | Kind::Reports(_) => unreachable!("taken above"),
            Kind::Revoke(revoke) => {
                let revocation = Revocation::new(revoke.message_id.clone(), from.clone(), message.to.clone());
                work.then.push(Task::Revoke(Box::new(revocation)));
                self.answer_asker(asker, 200, work);
                Ok(())
            }
            Kind::Fleeting => {
                self.pass_fleeting(posted, work);
                self.answer_asker(asker, 200, work);
                Ok(())
            }
            Kind::Report(imdn) => {
                let original = (imdn.message_id.clone(), message.to.clone(), from.clone());
                if !crate::report::is_news(work.view.record(&original), imdn.disposition) {
                    // An unknown message, or a repeat: taken, and that is all (RFC 5438 §8 leaves it to us).
                    self.answer_asker(asker, 200, work);
                    return Ok(());
                }
                if !self.reporting.insert((original.clone(), imdn.disposition)) {
                    // Another device's report of the same is under way.
                    self.answer_asker(asker, 200, work);
                    return Ok(());
                }
                self.report_implied(&original, imdn.disposition, None, work);
                let entry = self.entry(posted, EntryKind::Report, self.config.report_validity, work.now);
                let delivery = Delivery::report(entry, original.clone(), imdn.disposition);
                let delivered = self.deliver(delivery, Some(asker.clone()), work);
                if delivered.is_err() {
                    self.reporting.remove(&(original, imdn.disposition));
                }
                delivered
            }
            Kind::Message => {
                let entry = self.entry(posted, EntryKind::Message, self.config.validity, work.now);
                let only = message.device.as_ref().map(|device| device.instance.clone());
                let delivery = Delivery::message(entry, message.payload_type.clone(), only);
                self.deliver(delivery, Some(asker.clone()), work)
            }
        }
    }

    /// The mailbox entry for a message, complete but for the devices it waits for.
    pub(crate) fn entry(
        &mut self,
        posted: &Posted,
        kind: EntryKind,
        validity: Duration,
        now: Timestamp,
    ) -> Entry {
        let Posted { from, what: message, .. } = posted;
        let asked = message.expires_s.map(|seconds| Duration::from_secs(seconds.into()));
        let expires_at = now.plus(asked.unwrap_or(validity).min(validity));
        let conversation_id = message.conversation_id.clone();
        Entry {
            id: self.ids.next(now),
            kind,
            message_id: message.message_id.clone(),
            from: from.clone(),
            to: message.to.clone(),
            conversation_id: conversation_id.unwrap_or_else(|| ids::conversation_between(from, &message.to)),
            contribution_id: message
                .contribution_id
                .clone()
                .unwrap_or_else(|| ids::conversation_id(self.random_16())),
            in_reply_to: message.in_reply_to.clone(),
            service: message.service.clone(),
            content_type: message.content_type.clone(),
            body: self.honest_body(from, message),
            wanted: message.wanted,
            accepted_at: now,
            expires_at,
            waiting: Vec::new(),
            taken: Vec::new(),
            refused: Vec::new(),
            attempts: 0,
            next_due: expires_at,
            spooled: message.spooled.clone(),
            accept: message.accept.clone(),
        }
    }

    /// Whether the CPIM names its sender, or nobody.
    fn names_its_sender(&self, from: &Address, message: &CpmMessage) -> bool {
        message.cpim_from.as_deref().is_none_or(|named| {
            named.eq_ignore_ascii_case("sip:anonymous@anonymous.invalid")
                || self.config.numbering.address(named).is_ok_and(|named| named == *from)
        })
    }

    /// The body, with a CPIM From that names somebody else put right: the receiver shows what stands there.
    fn honest_body(&self, from: &Address, message: &CpmMessage) -> Bytes {
        if self.names_its_sender(from, message) {
            return message.body.clone();
        }
        match Cpim::parse(message.body.clone()) {
            Ok(envelope) => envelope.rewrite().from(&from.sip_uri(self.config.domain())).build(),
            Err(_) => message.body.clone(),
        }
    }
}

/// Whether there is such an addressee, and it takes messages from `from`. A chatbot that only its testers reach is nobody to
/// others.
pub(crate) fn check_addressee(from: &Address, to: &Address, work: &Work<'_>) -> Result<(), Refusal> {
    match to.kind() {
        AddressKind::Chatbot => match work.view.chatbot(to).ok_or(Refusal::NotFound)? {
            chatbot if chatbot.hears(from) => Ok(()),
            chatbot if chatbot.status == ChatbotStatus::Paused => Err(Refusal::Unavailable),
            _ => Err(Refusal::NotFound),
        },
        _ => work.view.account(to).map(|_| ()).ok_or(Refusal::NotFound),
    }
}

/// Whether a body is a spam report, in an envelope or without.
fn is_spam_report(declared: &str, body: &Bytes) -> bool {
    if !content_type::is(declared, cpim::CONTENT_TYPE) {
        return content_type::is(declared, spam_report::CONTENT_TYPE);
    }
    Cpim::parse(body.clone())
        .is_ok_and(|envelope| content_type::is(envelope.content_type(), spam_report::CONTENT_TYPE))
}

/// The body with transfer encodings undone and within its ceilings.
pub(crate) fn plain_body(centre: &Centre, request: &Request, max_bytes: usize) -> Result<Bytes, Refusal> {
    if request.body().len() > max_bytes {
        return Err(Refusal::TooLarge { max_bytes });
    }
    let Some(coding) = request.content_encoding() else {
        return Ok(request.body_bytes());
    };
    let max_bytes = centre.config.inflated_bytes_max;
    encoding::decode(&coding, request.body_bytes(), max_bytes).map_err(|error| match error {
        EncodingError::TooLarge { .. } => Refusal::TooLarge { max_bytes },
        EncodingError::Unknown(_) => Refusal::UnsupportedEncoding,
        error => Refusal::bad(error.to_string()),
    })
}

/// An RCC.07 id header: any token of sane length.
pub(crate) fn id_header(request: &Request, name: HeaderName) -> Result<Option<String>, Refusal> {
    match request.header(name) {
        Some(value) if ids::is_valid(&value) => Ok(Some(value.into_owned())),
        Some(_) => Err(Refusal::bad(format!("{} is not an id", name.as_str()))),
        None => Ok(None),
    }
}

/// The service that the client prefers: an ICSI URN (RFC 6050). Anything else is ignored.
fn service(request: &Request) -> Option<String> {
    let value = request.header(HeaderName::PPreferredService)?;
    (value.starts_with("urn:") && value.len() <= 256).then(|| value.into_owned())
}
