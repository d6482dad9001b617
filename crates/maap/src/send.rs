//! What a chatbot says, into the mailboxes of the users it names (maap-api §2.4, §9).
//!
//! Each user is an acceptance of its own, with a record of its own; the call is answered when all are committed. What goes
//! wrong for one of them (no such user, a full mailbox) is told as a status, not in the answer.

use chatbot_api::{Body, Content, Outgoing, Status};
use message_centre::report::Fate;
use message_centre::submit::{Submission, Submitted};
use message_centre::{Centre, Work};
use rcs::address::Address;
use rcs::bot::reader::Word as _;
use rcs::bot::{BotMessage, CardContent, Limits};
use rcs::cpim::{self, CpimBuilder, Dispositions};
use rcs::{Timestamp, content_type, ids};
use store::{Chatbot, ChatbotStatus, Wants};

use crate::call::Answer;
use crate::consent::Admission;
use crate::rate::Account;
use crate::{Maap, Reason, Refusal, dialect, privacy, token};

/// The service under which chatbots' messages are delivered: standalone messages (RCC.07; rcs-core §4).
const SERVICE: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";

/// Reports that every chatbot's message asks for: the trace has them, and the chatbot those that it wants.
const WANTED: Dispositions =
    Dispositions { positive_delivery: true, negative_delivery: true, display: true, ..Dispositions::NONE };

impl Maap {
    /// The rows of [`Maap::decide_send`].
    pub(crate) fn send_wants(chatbot: &Address, message: &Outgoing, centre: &Centre, wants: &mut Wants) {
        wants.chatbot(chatbot);
        Self::allowance_wants(chatbot, wants);
        for user in &message.to {
            centre.submit_wants(chatbot, user, &message.message_id, wants);
            wants.contact(chatbot, user);
        }
    }

    pub(crate) fn decide_send(
        &mut self,
        address: &Address,
        message: &Outgoing,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let chatbot = self.may_act(work.view.chatbot(address))?;
        let dialect = chatbot.dialect;
        if !token::is_checked(chatbot) {
            return Err(Refusal::of(Reason::CallbackUnchecked));
        }
        self.check_media(&message.content)?;
        self.take_allowance(address, message.to.len(), work)?;
        self.accept(address, message, dialect::refuses_at_once(dialect), centre, work)
    }

    /// The chatbot, if it is one and its traffic flows.
    pub(crate) fn may_act<'c>(&self, chatbot: Option<&'c Chatbot>) -> Result<&'c Chatbot, Refusal> {
        let chatbot = chatbot.ok_or_else(|| Refusal::of(Reason::WrongCredential))?;
        match chatbot.status {
            ChatbotStatus::Live => Ok(chatbot),
            ChatbotStatus::Paused => Err(Refusal::with(Reason::NotAllowed, "the chatbot is paused")),
        }
    }

    /// The rows of [`Maap::take_allowance`].
    pub(crate) fn allowance_wants(chatbot: &Address, wants: &mut Wants) {
        wants.rules(chatbot);
        wants.spending(chatbot.as_str());
    }

    /// Counts `count` messages for the chatbot, unless it may send no more now.
    pub(crate) fn take_allowance(
        &mut self,
        address: &Address,
        count: usize,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let account = Account::of(address, &work.view.rules(address), &self.config);
        self.spend(&[account], count as u64, work).map(drop).map_err(|exceeded| exceeded.refusal(work.now))
    }

    /// As [`Maap::take_allowance`], for what is no message and so counts for the second alone.
    pub(crate) fn take_turns(
        &mut self,
        address: &Address,
        count: usize,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let mut account = Account::of(address, &work.view.rules(address), &self.config);
        (account.limits.per_day, account.limits.per_month) = (None, None);
        self.spend(&[account], count as u64, work).map(drop).map_err(|exceeded| exceeded.refusal(work.now))
    }

    /// Media must come from where the operator allows.
    fn check_media(&self, content: &Content) -> Result<(), Refusal> {
        let prefixes = &self.config.media_url_prefixes;
        let is_allowed =
            |url: &&str| prefixes.is_empty() || prefixes.iter().any(|prefix| url.starts_with(prefix));
        match media_urls(content).into_iter().find(|url| !is_allowed(url)) {
            Some(url) => Err(Refusal::with(
                Reason::MediaUrl,
                format!("{} is not a media URL of this platform", url.chars().take(200).collect::<String>()),
            )),
            None => Ok(()),
        }
    }

    /// Into the mailboxes of all whom the message names. With `at_once`, of APIs that send to one user at a time, a user who
    /// cannot have it is a refusal; otherwise the chatbot is told so as a status, and there is a record.
    fn accept(
        &self,
        from: &Address,
        message: &Outgoing,
        at_once: bool,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let (payload_type, payload) = message.content.to_sip();
        let rules = work.view.rules(from);
        let is_promotional = self.is_promotional(message.traffic.as_deref());
        let asked =
            privacy::question(&message.content).filter(|_| privacy::is_anonymous(&rules, &self.config));
        for to in &message.to {
            let mut submission = self.submission(from, to, message, &payload_type, &payload, work.now);
            let contact = work.view.contact(&(from.clone(), to.clone()));
            let at = match self.admits(contact, &rules, is_promotional, work.now) {
                Admission::Now => None,
                Admission::Later(at) => Some(at),
                Admission::Never(why) if at_once => return Err(Refusal::with(Reason::Blocked, why)),
                Admission::Never(why) => {
                    centre.give_up_because(submission, Fate::Blocked, &why, work);
                    continue;
                }
            };
            if !message.store {
                if at.is_some() || (!centre.is_there(to, work) && work.view.account(to).is_some()) {
                    centre.give_up(submission, Fate::Offline, work);
                    continue;
                }
                submission.expires_at = work.now.plus(self.config.validity_unstored);
            }
            let submitted = match at {
                Some(at) => centre.submit_later(submission.clone(), at, work),
                None => centre.submit(submission.clone(), work),
            };
            let (reason, fate) = match submitted {
                Submitted::Accepted => {
                    centre.tell(&submission.record_key(), Fate::Sent, work);
                    if is_promotional {
                        self.count_promotion(from, to, at.unwrap_or(work.now), work);
                    }
                    if let Some(asked) = asked {
                        self.note_question(from, to, asked, work);
                    }
                    continue;
                }
                Submitted::Duplicate => continue,
                Submitted::NoSuchUser => (Reason::NoSuchUser, Fate::NoSuchUser),
                Submitted::MailboxFull => (Reason::MailboxFull, Fate::MailboxFull),
                Submitted::Blocked => (Reason::Blocked, Fate::Blocked),
            };
            match at_once {
                true => return Err(Refusal::of(reason)),
                false => centre.give_up(submission, fate, work),
            }
        }
        Ok(())
    }

    /// Sends a message of which the chatbot's program hears nothing, under an id that nobody has used.
    pub(crate) fn submit_silently(
        &self,
        from: &Address,
        to: &Address,
        message: &Outgoing,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Submitted {
        let (payload_type, payload) = message.content.to_sip();
        let submission = self.submission(from, to, message, &payload_type, &payload, work.now);
        centre.submit_new(submission, work)
    }

    pub(crate) fn submission(
        &self,
        from: &Address,
        to: &Address,
        message: &Outgoing,
        payload_type: &str,
        payload: &[u8],
        now: Timestamp,
    ) -> Submission {
        let domain = &self.config.numbering.domain;
        let mut envelope = CpimBuilder::new(&from.sip_uri(domain), &to.sip_uri(domain))
            .message_id(&message.message_id)
            .date_time(now)
            .dispositions(WANTED);
        if let Some(traffic) = &message.traffic {
            envelope = envelope.namespace("maap", cpim::MAAP_NAMESPACE).header("maap.Traffic-Type", traffic);
        }
        let validity = message.validity.unwrap_or(self.config.validity).min(self.config.validity_max);
        let statuses = Status::ALL.iter().filter(|status| message.wanted.contains(**status));
        Submission {
            message_id: message.message_id.clone(),
            from: from.clone(),
            to: to.clone(),
            conversation_id: message.conversation_id.clone(),
            contribution_id: message.contribution_id.clone(),
            in_reply_to: message.in_reply_to.clone(),
            service: Some(SERVICE.to_owned()),
            accept: Vec::new(),
            content_type: cpim::CONTENT_TYPE.to_owned(),
            body: envelope.content_type(payload_type).build(payload),
            payload_type: content_type::essence(payload_type).to_ascii_lowercase(),
            wanted: WANTED,
            report_request: statuses.map(|status| status.as_str().to_owned()).collect(),
            expires_at: now.plus(validity),
        }
    }

    /// The rows of [`Maap::decide_send_text`].
    pub(crate) fn send_text_wants(from: &Address, to: &Address, wants: &mut Wants) {
        wants.chatbot(from);
        wants.account(to);
        wants.bindings(to);
        wants.blocks(to);
        wants.head(to);
    }

    /// A text in a chatbot's name that the chatbot's program knows nothing of: it hears no statuses.
    pub(crate) fn decide_send_text(
        &mut self,
        from: &Address,
        to: &Address,
        text: &str,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Answer {
        let Some(chatbot) = work.view.chatbot(from) else { return Answer::NotFound };
        if chatbot.status == ChatbotStatus::Paused {
            return Answer::Undeliverable(format!("{from} is paused"));
        }
        if text.trim().is_empty() {
            return Answer::Invalid("text: missing".to_owned());
        }
        if let Some(violation) = Limits::RCC07.check_text("text", text) {
            return Answer::Invalid(violation.to_string());
        }
        let message = self.text_message(from, to, text);
        match self.submit_silently(from, to, &message, centre, work) {
            Submitted::Accepted | Submitted::Duplicate => Answer::Sent { message_id: message.message_id },
            Submitted::NoSuchUser => Answer::Undeliverable(format!("there is no subscriber {to}")),
            Submitted::MailboxFull => Answer::Undeliverable(format!("the mailbox of {to} is full")),
            Submitted::Blocked => Answer::Undeliverable(format!("{to} has blocked {from}")),
        }
    }

    /// A text in a chatbot's name that nobody asked its program for.
    pub(crate) fn text_message(&mut self, from: &Address, to: &Address, text: &str) -> Outgoing {
        Outgoing {
            message_id: ids::message_id(self.random.id()),
            to: vec![to.clone()],
            content: Content { body: Body::of_text(text.to_owned()), chips: Vec::new() },
            conversation_id: ids::conversation_between(from, to),
            contribution_id: self.random.uuid(),
            in_reply_to: None,
            traffic: None,
            wanted: Default::default(),
            sms: None,
            store: true,
            validity: None,
        }
    }
}

/// The URLs that handsets fetch to show `content`.
fn media_urls(content: &Content) -> Vec<&str> {
    match &content.body {
        Body::Text(_) | Body::Location(_) => Vec::new(),
        Body::File(transfer) => transfer.urls().collect(),
        Body::Card(BotMessage::Card(card)) => media_of_card(&card.content).collect(),
        Body::Card(BotMessage::Carousel(carousel)) => {
            carousel.content.iter().flat_map(media_of_card).collect()
        }
    }
}

fn media_of_card(card: &CardContent) -> impl Iterator<Item = &str> {
    card.media.iter().flat_map(|media| {
        let thumbnail = media.thumbnail.as_ref().map(|thumbnail| thumbnail.url.as_str());
        std::iter::once(media.media_url.as_str()).chain(thumbnail)
    })
}
