//! What a chatbot says, into the mailboxes of the users it names (maap-api §2.4, §9).
//!
//! Each user is an acceptance of its own, with a record of its own; the call is answered when all are committed. What goes
//! wrong for one of them (no such user, a full mailbox) is told as a status, not in the answer.

use bytes::Bytes;
use chatbot_api::{Body, Content, Outgoing, Status};
use message_centre::report::Fate;
use message_centre::submit::{Submission, Submitted};
use message_centre::{Centre, Work};
use rcs::address::{Address, AddressKind};
use rcs::bot::reader::Word as _;
use rcs::bot::{BotMessage, CardContent, Limits};
use rcs::capability::Capability;
use rcs::cpim::{self, CpimBuilder, Dispositions};
use rcs::{Timestamp, content_type, ids};
use store::{Binding, Chatbot, ChatbotStatus, Review, Rules, Wants};

use crate::call::Answer;
use crate::consent::Admission;
use crate::rate::{Account, Left};
use crate::{Maap, Reason, Refusal, dialect, privacy, standing, token};

/// The service under which chatbots' messages are delivered: standalone messages (RCC.07; rcs-core §4).
const SERVICE: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.msg";

/// Reports that every chatbot's message asks for: the trace has them, and the chatbot those that it wants.
const WANTED: Dispositions =
    Dispositions { positive_delivery: true, negative_delivery: true, display: true, ..Dispositions::NONE };

/// What became of a message for one user at acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// It is on its way.
    Sent,
    /// It was before.
    Repeated,
    /// It cannot be brought to the user.
    Refused(Refusal),
    /// The user is not there, and it may not wait: the chatbot is told so as a status.
    Away,
    /// The user is not to be written to: has opted out, or has had enough for the day.
    Skipped(Refusal),
}

/// A message on its way to its users, and what is the same for all of them.
struct Sending<'m> {
    from: &'m Address,
    message: &'m Outgoing,
    payload_type: String,
    payload: Bytes,
    /// Media type and bytes of what is said to those whose devices show no cards.
    simpler: Option<(String, Bytes)>,
    rules: Rules,
    is_promotional: bool,
    /// The postback of a suggestion of it that asks for the user's number.
    asked: Option<&'m str>,
    /// Whether a user who cannot have it is a refusal; otherwise the chatbot is told so as a status, and there is a record.
    at_once: bool,
}

impl Maap {
    /// The rows of [`Maap::decide_send`].
    pub(crate) fn send_wants(
        &self,
        chatbot: &Address,
        message: &Outgoing,
        centre: &Centre,
        wants: &mut Wants,
    ) {
        wants.chatbot(chatbot);
        self.allowances_wants(chatbot, wants);
        for content in std::iter::once(&message.content).chain(&message.simpler) {
            self.media_wants(chatbot, content, wants);
        }
        for user in &message.to {
            centre.submit_wants(chatbot, user, &message.message_id, wants);
            wants.contact(chatbot, user);
        }
    }

    /// The rows of what is ours of the media in `content`.
    pub(crate) fn media_wants(&self, chatbot: &Address, content: &Content, wants: &mut Wants) {
        for id in media_urls(content).into_iter().filter_map(|url| self.config.media_links.id_of(url)) {
            wants.media(id, chatbot);
        }
    }

    pub(crate) fn decide_send(
        &mut self,
        address: &Address,
        message: &Outgoing,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Result<Left, Refusal> {
        let chatbot = self.may_act(work.view.chatbot(address))?;
        let dialect = chatbot.dialect;
        if !token::is_checked(chatbot) {
            return Err(self.unchecked(address));
        }
        check_testers(chatbot, &message.to)?;
        for content in std::iter::once(&message.content).chain(&message.simpler) {
            self.check_media(address, content, work)?;
        }
        let (accounts, tried) = (self.accounts(address, work), message.to.len() as u64);
        self.check_limits(&accounts, tried, work).map_err(|exceeded| exceeded.refusal(work.now))?;
        let accepted = self.accept(address, message, dialect::refuses_at_once(dialect), centre, work);
        let left = self.spend(&accounts, tried, *accepted.as_ref().unwrap_or(&0), work);
        accepted.map(|_| left)
    }

    /// The chatbot, if it is one and its traffic flows.
    pub(crate) fn may_act<'c>(&self, chatbot: Option<&'c Chatbot>) -> Result<&'c Chatbot, Refusal> {
        let chatbot = chatbot.ok_or_else(|| Refusal::of(Reason::WrongCredential))?;
        match chatbot.status {
            _ if self.managed.tenants.is_suspended(&chatbot.address) => {
                Err(Refusal::with(Reason::NotAllowed, "the tenant whose chatbot it is is suspended"))
            }
            ChatbotStatus::Live | ChatbotStatus::Testing | ChatbotStatus::Submitted => Ok(chatbot),
            ChatbotStatus::Draft => Err(Refusal::with(Reason::NotAllowed, "the chatbot is a draft")),
            ChatbotStatus::Paused => Err(Refusal::with(Reason::NotAllowed, "the chatbot is paused")),
        }
    }

    /// That the webhook has not passed its check; with why the last one failed, which else only the operator's log would know.
    fn unchecked(&self, chatbot: &Address) -> Refusal {
        let why = self.agents.get(chatbot).and_then(|agent| agent.check_failure.as_deref());
        let why = why.map(|why| format!("the callback check has failed: {why}; it is tried again"));
        Refusal::with(Reason::CallbackUnchecked, why.unwrap_or_default())
    }

    /// The rows of [`Maap::take_turns`].
    pub(crate) fn allowance_wants(chatbot: &Address, wants: &mut Wants) {
        wants.rules(chatbot);
        wants.spending(chatbot.as_str());
    }

    /// The rows of [`Maap::accounts`] and what is done with them.
    pub(crate) fn allowances_wants(&self, chatbot: &Address, wants: &mut Wants) {
        Self::allowance_wants(chatbot, wants);
        if let Some(account) = self.managed.tenants.account(chatbot) {
            wants.spending(&account.whose);
        }
    }

    /// For whom a chatbot's messages are counted: for itself, and for its tenant.
    pub(crate) fn accounts(&self, address: &Address, work: &Work<'_>) -> Vec<Account> {
        let own = Account::of(address, &work.view.rules(address), &self.config);
        // A chatbot that was given away in this very batch counts for its new tenant from the next on.
        let tenant = self.managed.tenants.account(address);
        let tenant = tenant.filter(|account| work.view.knows_spending(&account.whose));
        std::iter::once(own).chain(tenant).collect()
    }

    /// Counts what is no message, and so for the chatbot's second alone.
    pub(crate) fn take_turns(
        &mut self,
        address: &Address,
        count: usize,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let mut account = Account::of(address, &work.view.rules(address), &self.config);
        (account.limits.per_day, account.limits.per_month) = (None, None);
        let accounts = [account];
        self.check_limits(&accounts, count as u64, work).map_err(|exceeded| exceeded.refusal(work.now))?;
        self.spend(&accounts, count as u64, 0, work);
        Ok(())
    }

    /// Media must come from where the operator allows, and what is ours must be there for handsets to fetch.
    fn check_media(&self, chatbot: &Address, content: &Content, work: &Work<'_>) -> Result<(), Refusal> {
        self.check_urls(chatbot, media_urls(content), work)
    }

    /// As [`Maap::check_media`], of what lies at these URLs.
    pub(crate) fn check_urls(
        &self,
        chatbot: &Address,
        urls: Vec<&str>,
        work: &Work<'_>,
    ) -> Result<(), Refusal> {
        for url in urls {
            let (reason, what) = match self.config.media_links.id_of(url) {
                None if self.is_allowed(url) => continue,
                None => (Reason::MediaUrl, "is not a media URL of this platform"),
                Some(id) => match work.view.media(id) {
                    Some(media) if media.is_over(work.now) => (Reason::MediaExpired, "has expired"),
                    Some(media) => match &media.review {
                        Review::Approved => continue,
                        Review::Pending => (Reason::MediaUrl, "waits for the operator's approval"),
                        Review::Rejected(_) => (Reason::MediaUrl, "was rejected by the operator"),
                    },
                    None if store::media::is_of(id, chatbot) => (Reason::MediaUrl, "is gone"),
                    // A handset's file, or another chatbot's.
                    None => continue,
                },
            };
            let url: String = url.chars().take(200).collect();
            return Err(Refusal::with(reason, format!("{url} {what}")));
        }
        Ok(())
    }

    /// Whether chatbots may show what lies at a URL that is not ours.
    fn is_allowed(&self, url: &str) -> bool {
        let prefixes = &self.config.media_url_prefixes;
        let is_open = prefixes.is_empty() && !self.config.issued_media_only;
        is_open || prefixes.iter().any(|prefix| url.starts_with(prefix))
    }

    /// Into the mailboxes of all whom the message names; of how many it was accepted now. With `at_once`, of APIs that send to one
    /// user at a time, the first user who cannot have it is a refusal.
    fn accept(
        &self,
        from: &Address,
        message: &Outgoing,
        at_once: bool,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Result<u64, Refusal> {
        let sending = self.sending(from, message, at_once, work);
        let mut accepted = 0;
        for to in &message.to {
            match self.accept_for(to, &sending, centre, work) {
                Accepted::Refused(refusal) | Accepted::Skipped(refusal) if at_once => return Err(refusal),
                Accepted::Sent => accepted += 1,
                Accepted::Refused(_) | Accepted::Skipped(_) | Accepted::Repeated | Accepted::Away => {}
            }
        }
        Ok(accepted)
    }

    /// Accepts the message of a campaign for the one user whom it names, as any other; `Err` where the message itself cannot be
    /// sent, which has a record too.
    pub(crate) fn accept_of_campaign(
        &self,
        from: &Address,
        given: Result<&Outgoing, (&Outgoing, &str)>,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Accepted {
        let (Ok(message) | Err((message, _))) = given;
        let Some(to) = message.to.first() else { return Accepted::Refused(Refusal::of(Reason::NoSuchUser)) };
        let sending = self.sending(from, message, false, work);
        let refusal = match given {
            Err((_, why)) => Err(Refusal::with(Reason::NotAllowed, why)),
            Ok(_) => work
                .view
                .chatbot(from)
                .map_or(Ok(()), |chatbot| check_testers(chatbot, &message.to))
                .and_then(|()| self.check_media(from, &message.content, work)),
        };
        if let Err(refusal) = refusal {
            let submission = self.submission_of(&sending, to, work);
            centre.give_up_because(submission, Fate::Refused, &refusal.detail, work);
            return Accepted::Refused(refusal);
        }
        self.accept_for(to, &sending, centre, work)
    }

    fn sending<'m>(
        &self,
        from: &'m Address,
        message: &'m Outgoing,
        at_once: bool,
        work: &Work<'_>,
    ) -> Sending<'m> {
        let (payload_type, payload) = message.content.to_sip();
        let simpler = message.simpler.as_ref().map(Content::to_sip);
        let rules = work.view.rules(from);
        let asked = privacy::question(&message.content);
        let is_promotional = self.is_promotional(message.traffic.as_deref());
        Sending { from, message, payload_type, payload, simpler, rules, is_promotional, asked, at_once }
    }

    fn submission_of(&self, sending: &Sending<'_>, to: &Address, work: &Work<'_>) -> Submission {
        let own = (&sending.payload_type, &sending.payload);
        let simpler = sending.simpler.as_ref().filter(|_| shows_no_cards(to, work));
        let (payload_type, payload) = simpler.map_or(own, |(payload_type, payload)| (payload_type, payload));
        self.submission(sending.from, to, sending.message, payload_type, payload, work.now)
    }

    /// Accepts a message for one user, or gives it up.
    fn accept_for(
        &self,
        to: &Address,
        sending: &Sending<'_>,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Accepted {
        let from = sending.from;
        let mut submission = self.submission_of(sending, to, work);
        let contact = work.view.contact(&(from.clone(), to.clone()));
        let at = match self.admits(contact, &sending.rules, sending.is_promotional, work.now) {
            Admission::Now => None,
            Admission::Later(at) => Some(at),
            Admission::Never(why) => {
                if !sending.at_once {
                    centre.give_up_because(submission, Fate::Blocked, &why, work);
                }
                return Accepted::Skipped(Refusal::with(Reason::Blocked, why));
            }
        };
        if !sending.message.store {
            if at.is_some() || (!centre.is_there(to, work) && work.view.account(to).is_some()) {
                centre.give_up(submission, Fate::Offline, work);
                return Accepted::Away;
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
                if sending.is_promotional {
                    self.count_promotion(from, to, at.unwrap_or(work.now), work);
                }
                if let Some(asked) = sending.asked {
                    self.note_question(from, to, asked, work);
                }
                return Accepted::Sent;
            }
            Submitted::Duplicate => return Accepted::Repeated,
            Submitted::NoSuchUser => (Reason::NoSuchUser, Fate::NoSuchUser),
            Submitted::MailboxFull => (Reason::MailboxFull, Fate::MailboxFull),
            Submitted::Blocked => (Reason::Blocked, Fate::Blocked),
        };
        if !sending.at_once {
            centre.give_up(submission, fate, work);
        }
        Accepted::Refused(Refusal::of(reason))
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
    pub(crate) fn send_text_wants(&self, from: &Address, to: &Address, wants: &mut Wants) {
        Self::text_wants(from, to, wants);
        self.allowances_wants(from, wants);
        wants.contact(from, to);
    }

    /// The rows of a text that leaves by [`Maap::submit_silently`].
    pub(crate) fn text_wants(from: &Address, to: &Address, wants: &mut Wants) {
        wants.chatbot(from);
        wants.account(to);
        wants.bindings(to);
        wants.blocks(to);
        wants.head(to);
    }

    /// A text in a chatbot's name that the chatbot's program knows nothing of: it hears no statuses. It counts as any other, and
    /// users who want nothing are sent nothing.
    pub(crate) fn decide_send_text(
        &mut self,
        from: &Address,
        to: &Address,
        text: &str,
        centre: &mut Centre,
        work: &mut Work<'_>,
    ) -> Answer {
        let Some(chatbot) = work.view.chatbot(from) else { return Answer::NotFound };
        if to.kind() != AddressKind::Subscriber {
            return Answer::Invalid("to: neither a phone number nor a token of a user's".to_owned());
        }
        if !chatbot.serves(to) {
            let status = standing::word(chatbot.status);
            return Answer::Undeliverable(format!("{from} is {status}, and does not reach the user"));
        }
        if text.trim().is_empty() {
            return Answer::Invalid("text: missing".to_owned());
        }
        if let Some(violation) = Limits::RCC07.check_text("text", text) {
            return Answer::Invalid(violation.to_string());
        }
        let accounts = self.accounts(from, work);
        if let Err(exceeded) = self.check_limits(&accounts, 1, work) {
            return Answer::Refused(exceeded.refusal(work.now));
        }
        let rules = work.view.rules(from);
        let contact = work.view.contact(&(from.clone(), to.clone()));
        if let Admission::Never(why) = self.admits(contact, &rules, self.is_promotional(None), work.now) {
            return Answer::Undeliverable(why);
        }
        let message = self.text_message(from, to, text);
        let submitted = self.submit_silently(from, to, &message, centre, work);
        let left = self.spend(&accounts, 1, u64::from(submitted == Submitted::Accepted), work);
        // Who the user is may be known here, and is not told to whoever knows a token.
        Answer::Undeliverable(match submitted {
            Submitted::Accepted | Submitted::Duplicate => {
                return Answer::Sent { message_id: message.message_id, left };
            }
            Submitted::NoSuchUser => "there is no such subscriber".to_owned(),
            Submitted::MailboxFull => "the user's mailbox is full".to_owned(),
            Submitted::Blocked => format!("the user has blocked {from}"),
        })
    }

    /// A text in a chatbot's name that nobody asked its program for.
    pub(crate) fn text_message(&mut self, from: &Address, to: &Address, text: &str) -> Outgoing {
        Outgoing {
            message_id: ids::message_id(self.random.id()),
            to: vec![to.clone()],
            content: Content { body: Body::of_text(text.to_owned()), chips: Vec::new() },
            simpler: None,
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

/// Before it is live, a chatbot reaches its testers and nobody else.
pub(crate) fn check_testers(chatbot: &Chatbot, to: &[Address]) -> Result<(), Refusal> {
    match to.iter().position(|user| !chatbot.serves(user)) {
        // By place: a number may stand where the chatbot has put a token.
        Some(at) => Err(Refusal::with(
            Reason::NotAllowed,
            format!(
                "the chatbot is {}, and addressee {} is not among its testers",
                standing::word(chatbot.status),
                at + 1
            ),
        )),
        None => Ok(()),
    }
}

/// Whether a user is there, and with devices that announce neither cards nor chatbots.
fn shows_no_cards(user: &Address, work: &Work<'_>) -> bool {
    const CARDS: [Capability; 4] = [
        Capability::BotVersion1,
        Capability::BotVersion2,
        Capability::ChatbotStandalone,
        Capability::ChatbotSession,
    ];
    let shows = |binding: &Binding| CARDS.iter().any(|one| binding.capabilities.has(*one));
    let mut devices = work.view.bindings(user).into_iter().flat_map(|all| all.live(work.now)).peekable();
    devices.peek().is_some() && !devices.any(shows)
}

/// The URLs that handsets fetch to show `content`.
pub(crate) fn media_urls(content: &Content) -> Vec<&str> {
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
