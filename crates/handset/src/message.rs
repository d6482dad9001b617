//! Messages both ways (RFC 3428 in CPIM, RFC 3862), reports (RFC 5438) and composing indications (RFC 3994).

use bytes::Bytes;
use rcs::composing::{self, Composing, State};
use rcs::cpim::{self, Cpim, CpimBuilder, Dispositions};
use rcs::imdn::{self, Disposition, Imdn};
use rcs::reference::Reference;
use rcs::revoke::{self, Revoke};
use rcs::{Timestamp, content_type, encoding, ids};
use sip::{HeaderName, Method, Request};

use crate::handset::{Draft, Event, Handset, Purpose};

/// Pager-mode service of CPM standalone messaging.
const SERVICE: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";
const ACCEPT_CONTACT: &str = "*;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\"";
/// Inflated bodies beyond this are answered 413.
const INFLATED_BYTES_MAX: usize = 1 << 20;

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Chosen for you when absent; set it to send the same message again.
    pub message_id: Option<String>,
    /// Media type of `payload`.
    pub content_type: String,
    /// What is said.
    pub payload: Bytes,
    /// The reports asked for.
    pub wanted: Dispositions,
    /// Chosen for you when absent.
    pub conversation_id: Option<String>,
    /// What it is to another message.
    pub about: Option<Reference>,
}

impl Outgoing {
    /// Text, with reports of delivery and display.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            message_id: None,
            content_type: "text/plain;charset=UTF-8".to_owned(),
            payload: Bytes::from(text.into()),
            wanted: Dispositions::DELIVERY_AND_DISPLAY,
            conversation_id: None,
            about: None,
        }
    }

    /// An emoji on a message, or with an empty one none any more.
    pub fn reaction(message_id: impl Into<String>, emoji: impl Into<String>) -> Self {
        let about = Reference::Reaction { message_id: message_id.into() };
        Self { about: Some(about), ..Self::text(emoji).without_reports() }
    }

    /// New words for a message of ours.
    pub fn edit(message_id: impl Into<String>, text: impl Into<String>) -> Self {
        let about = Reference::Edit { message_id: message_id.into() };
        Self { about: Some(about), ..Self::text(text).without_reports() }
    }

    /// The same without any report.
    pub fn without_reports(self) -> Self {
        Self { wanted: Dispositions::NONE, ..self }
    }

    /// The same under this id.
    pub fn with_id(self, message_id: impl Into<String>) -> Self {
        Self { message_id: Some(message_id.into()), ..self }
    }

    /// In its envelope.
    pub(crate) fn within(&self, envelope: CpimBuilder, message_id: &str) -> Bytes {
        let envelope =
            envelope.message_id(message_id).dispositions(self.wanted).content_type(&self.content_type);
        let envelope = match &self.about {
            Some(about) => about.write(envelope),
            None => envelope,
        };
        envelope.build(&self.payload)
    }
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The sender's URI, as the platform asserts it; of a group message, the focus.
    pub from: String,
    /// Who said it, as the CPIM names them; absent without CPIM.
    pub author: Option<String>,
    /// Whom the request was for, from its To.
    pub to: String,
    /// `imdn.Message-ID`, or the Call-ID.
    pub message_id: String,
    /// From the header, when it is there.
    pub conversation_id: Option<String>,
    /// Media type of `payload`.
    pub content_type: String,
    /// What is said, with encodings undone.
    pub payload: Bytes,
    /// The reports that the sender asks for.
    pub wanted: Dispositions,
    /// What it is to another message.
    pub about: Option<Reference>,
}

impl Incoming {
    /// The payload as text; bytes that are not UTF-8 come as U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

impl Handset {
    /// Sends a message to a URI; its id. Ends in [`Event::Sent`] or [`Event::NotSent`].
    pub fn send(&mut self, now: Timestamp, to: &str, outgoing: &Outgoing) -> String {
        let message_id =
            outgoing.message_id.clone().unwrap_or_else(|| ids::message_id(self.random.bytes_16()));
        let body = outgoing.within(self.envelope(to, now), &message_id);
        let conversation_id = outgoing.conversation_id.clone();
        let draft = self.message_draft(to, conversation_id, body);
        self.request(now, Purpose::Message { message_id: message_id.clone() }, draft);
        message_id
    }

    /// Tells the sender that a message was seen, if they want to know.
    pub fn displayed(&mut self, now: Timestamp, message: &Incoming) {
        if message.wanted.display {
            self.report(now, message, Disposition::Displayed);
        }
    }

    /// Asks the platform to take a message of ours back, as long as nobody has it. Ends in [`Event::Revoked`].
    pub fn revoke(&mut self, now: Timestamp, to: &str, message_id: &str) {
        let request = Revoke { message_id: message_id.to_owned(), result: None };
        let own_id = ids::message_id(self.random.bytes_16());
        let body = self
            .envelope(to, now)
            .message_id(&own_id)
            .content_type(revoke::CONTENT_TYPE)
            .build(request.to_xml());
        let draft = self.message_draft(to, None, body);
        self.request(now, Purpose::Aside, draft);
    }

    /// Tells somebody that we are typing, or have stopped.
    pub fn composing(&mut self, now: Timestamp, to: &str, active: bool) {
        let state = if active { State::Active } else { State::Idle };
        let body = self
            .envelope(to, now)
            .content_type(composing::CONTENT_TYPE)
            .build(Composing::new(state).to_xml());
        let mut draft = self.message_draft(to, None, body);
        draft.headers.push((HeaderName::Expires, "0".to_owned()));
        self.request(now, Purpose::Aside, draft);
    }

    /// Asks what somebody's devices can do. Ends in [`Event::Capabilities`].
    pub fn ask_capabilities(&mut self, now: Timestamp, of: &str) {
        let mut draft = self.draft("OPTIONS", of.to_owned());
        draft.headers.push((HeaderName::AcceptContact, ACCEPT_CONTACT.to_owned()));
        self.request(now, Purpose::Options { of: of.to_owned() }, draft);
    }

    /// The status of an answer to a request, and what the request told us.
    pub(crate) fn answer_to(&mut self, request: &Request) -> (u16, Option<Event>) {
        match request.method() {
            Method::Message => match self.read(request) {
                Ok(event) => (200, Some(event)),
                Err(status) => (status, None),
            },
            Method::Options => (200, None),
            _ => (405, None),
        }
    }

    /// Notes what came in, and reports on it.
    pub(crate) fn noticed(&mut self, now: Timestamp, event: Event) {
        if let Event::Message(message) = &event
            && message.wanted.positive_delivery
            && self.config.reports_delivery
        {
            let message = message.clone();
            self.tell(event);
            return self.report(now, &message, Disposition::Delivered);
        }
        self.tell(event);
    }

    /// Reads a MESSAGE; otherwise the status to refuse it with.
    fn read(&mut self, request: &Request) -> Result<Event, u16> {
        let body = match request.content_encoding() {
            Some(coding) => {
                encoding::decode(&coding, request.body_bytes(), INFLATED_BYTES_MAX).map_err(|_| 415u16)?
            }
            None => request.body_bytes(),
        };
        let asserted = request.address(HeaderName::PAssertedIdentity).or_else(|_| request.from());
        let from = asserted.map_err(|_| 400u16)?.uri.as_str().to_owned();
        let declared = request.content_type().unwrap_or("text/plain".into()).into_owned();
        let call_id = request.call_id().map_err(|_| 400u16)?.to_owned();
        let message = Incoming {
            from,
            author: None,
            to: request.to().map_err(|_| 400u16)?.uri.as_str().to_owned(),
            message_id: call_id,
            conversation_id: request.header(HeaderName::ConversationId).map(|id| id.into_owned()),
            content_type: declared,
            payload: body,
            wanted: Dispositions::NONE,
            about: None,
        };
        self.read_message(message)
    }

    /// Reads what came in a call.
    pub(crate) fn read_in_call(
        &mut self,
        from: String,
        conversation_id: Option<String>,
        content_type: String,
        payload: Bytes,
    ) -> Result<Event, u16> {
        let to = self.config.address.sip_uri(&self.config.domain);
        let message_id = self.random.tag();
        let (author, wanted) = (None, Dispositions::NONE);
        self.read_message(Incoming {
            from,
            author,
            to,
            message_id,
            conversation_id,
            content_type,
            payload,
            wanted,
            about: None,
        })
    }

    /// Opens the envelope, if there is one, and says what is in it.
    fn read_message(&mut self, mut message: Incoming) -> Result<Event, u16> {
        if content_type::is(&message.content_type, cpim::CONTENT_TYPE) {
            let envelope = Cpim::parse(message.payload).map_err(|_| 400u16)?;
            if let Some(id) = envelope.message_id() {
                message.message_id = id.to_owned();
            }
            message.content_type = envelope.content_type().to_owned();
            message.wanted = envelope.dispositions();
            message.about = Reference::read(&envelope);
            message.author = envelope.from_uri().map(str::to_owned);
            message.payload = envelope.decoded_payload().map_err(|_| 400u16)?;
        }
        if content_type::is(&message.content_type, imdn::CONTENT_TYPE) {
            let report = Imdn::parse(&message.payload).map_err(|_| 400u16)?;
            let (message_id, disposition) = (report.message_id, report.disposition);
            // A focus passes on what its members report.
            let of_group = is_focus(&message.from);
            let from = message.author.filter(|_| of_group).unwrap_or(message.from);
            return Ok(Event::Report { message_id, from, disposition });
        }
        if content_type::is(&message.content_type, composing::CONTENT_TYPE) {
            let active = Composing::parse(&message.payload).map_err(|_| 400u16)?.state == State::Active;
            return Ok(Event::Composing { from: message.from, active });
        }
        if content_type::is(&message.content_type, revoke::CONTENT_TYPE) {
            let answer = Revoke::parse(&message.payload).map_err(|_| 400u16)?;
            let is_done = answer.result.ok_or(400u16)?;
            return Ok(Event::Revoked { message_id: answer.message_id, is_done });
        }
        if !self.is_new(&message.from, &message.message_id) {
            return Ok(Event::Repeated { message_id: message.message_id });
        }
        Ok(Event::Message(message))
    }

    fn report(&mut self, now: Timestamp, on: &Incoming, disposition: Disposition) {
        let mut report = Imdn::new(&on.message_id, disposition);
        report.date_time = Some(now);
        let message_id = ids::message_id(self.random.bytes_16());
        let body = self
            .envelope(&on.from, now)
            .message_id(&message_id)
            .content_type(imdn::CONTENT_TYPE)
            .content_header("Content-Disposition", "notification")
            .build(report.to_xml());
        if self.report_in_call(now, &on.from, body.clone()) {
            return;
        }
        let draft = self.message_draft(&on.from, on.conversation_id.clone(), body);
        self.request(now, Purpose::Aside, draft);
    }

    fn envelope(&self, to: &str, now: Timestamp) -> CpimBuilder {
        let own = self.config.address.sip_uri(&self.config.domain);
        CpimBuilder::new(&own, to).date_time(now)
    }

    fn message_draft(&mut self, to: &str, conversation_id: Option<String>, body: Bytes) -> Draft {
        let mut draft = self.draft("MESSAGE", to.to_owned());
        let mut new_id = || ids::conversation_id(self.random.bytes_16());
        draft.headers = vec![
            (HeaderName::PPreferredService, SERVICE.to_owned()),
            (HeaderName::AcceptContact, ACCEPT_CONTACT.to_owned()),
            (HeaderName::ConversationId, conversation_id.unwrap_or_else(&mut new_id)),
            (HeaderName::ContributionId, new_id()),
        ];
        draft.body = Some((cpim::CONTENT_TYPE.into(), body));
        draft
    }
}

/// Whether a URI is that of a group.
fn is_focus(uri: &str) -> bool {
    sip::Uri::parse(uri).is_ok_and(|uri| uri.host().starts_with("groups."))
}
