//! Groups in pager mode: making one, being called into one, keeping up with who is in it (RFC 4579, RFC 4575). What is said travels
//! as MESSAGE to and from the focus, by [`Handset::send`].

use rcs::Timestamp;
use rcs::conference_info::{self, ConferenceInfo, State};
use rcs::resource_list::{self, Recipient};
use sip::dialog::{Dialog, DialogId};
use sip::{HeaderName, Message, Method, Request, Response};

use crate::handset::{Draft, Event, Failure, Handset, Purpose};

/// Most groups that a handset keeps up with.
const GROUPS_MAX: usize = 1000;
/// Asked for at SUBSCRIBE, in seconds.
const SUBSCRIPTION_S: u32 = 3600;

/// A group as a handset sees it.
#[derive(Debug, Default)]
pub(crate) struct Group {
    dialog: Option<Dialog>,
    subscription: Option<Dialog>,
    info: Option<ConferenceInfo>,
}

/// The answer to a request, and what it tells.
pub(crate) type Answer = (u16, Option<Event>);

impl Handset {
    /// Makes a group with these URIs. Ends in [`Event::Joined`] or [`Event::NotJoined`].
    pub fn make_group(&mut self, now: Timestamp, subject: &str, members: &[String]) {
        let list: Vec<Recipient> = members.iter().map(Recipient::new).collect();
        let mut draft = self.draft("INVITE", format!("sip:conference-factory@{}", self.config.domain));
        draft.headers = vec![
            (HeaderName::Contact, self.contact()),
            (HeaderName::Subject, subject.to_owned()),
            (HeaderName::Require, "recipient-list-invite".to_owned()),
            (HeaderName::ContentDisposition, resource_list::DISPOSITION.to_owned()),
        ];
        draft.body = Some((resource_list::CONTENT_TYPE, resource_list::write(&list).into()));
        self.request(now, Purpose::Invite, draft);
    }

    /// Gives a group another subject. Members hear of it by [`Event::Members`].
    pub fn rename_group(&mut self, now: Timestamp, focus: &str, subject: &str) {
        let contact = self.contact();
        if let Some(mut draft) = self.within(focus, "INVITE") {
            draft.headers = vec![(HeaderName::Contact, contact), (HeaderName::Subject, subject.to_owned())];
            self.request(now, Purpose::Invite, draft);
        }
    }

    /// Brings somebody into a group.
    pub fn add_to_group(&mut self, now: Timestamp, focus: &str, uri: &str) {
        self.refer(now, focus, format!("<{uri}>"));
    }

    /// Takes somebody out of a group; only administrators may, except for themselves.
    pub fn remove_from_group(&mut self, now: Timestamp, focus: &str, uri: &str) {
        self.refer(now, focus, format!("<{uri};method=BYE>"));
    }

    /// Leaves a group. Ends in [`Event::Left`].
    pub fn leave_group(&mut self, now: Timestamp, focus: &str) {
        if let Some(draft) = self.within(focus, "BYE") {
            self.request(now, Purpose::Bye { focus: focus.to_owned() }, draft);
        }
    }

    /// Who is in a group, as far as it was told.
    pub fn group_info(&self, focus: &str) -> Option<&ConferenceInfo> {
        self.groups.get(focus)?.info.as_ref()
    }

    fn refer(&mut self, now: Timestamp, focus: &str, refer_to: String) {
        let mut draft = self.draft("REFER", focus.to_owned());
        draft.headers = vec![
            (HeaderName::Contact, self.contact()),
            (HeaderName::ReferTo, refer_to),
            (HeaderName::ReferSub, "false".to_owned()),
            (HeaderName::Supported, "norefersub".to_owned()),
        ];
        self.request(now, Purpose::Aside, draft);
    }

    pub(crate) fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.config.address.user(), self.contact_place)
    }

    /// A request within the dialog with a focus.
    fn within(&mut self, focus: &str, method: &'static str) -> Option<Draft> {
        let dialog = self.groups.get_mut(focus)?.dialog.as_mut()?;
        // The request itself is written with credentials; the dialog counts it. Its route leads over the connection we have.
        let _ = dialog.request(method);
        let DialogId { call_id, local_tag, remote_tag } = dialog.id();
        let to = format!("<{}>;tag={remote_tag}", dialog.remote_uri());
        let (uri, cseq) = (dialog.remote_target().to_owned(), dialog.local_cseq());
        Some(Draft { method, uri, to, from_tag: local_tag, call_id, cseq, headers: Vec::new(), body: None })
    }

    fn subscribe(&mut self, now: Timestamp, focus: &str) {
        let mut draft = self.draft("SUBSCRIBE", focus.to_owned());
        draft.headers = vec![
            (HeaderName::Contact, self.contact()),
            (HeaderName::Event, conference_info::EVENT.to_owned()),
            (HeaderName::Accept, conference_info::CONTENT_TYPE.to_owned()),
            (HeaderName::AcceptEncoding, "deflate".to_owned()),
            (HeaderName::Expires, SUBSCRIPTION_S.to_string()),
        ];
        self.request(now, Purpose::Subscribe { focus: focus.to_owned() }, draft);
    }

    /// A 2xx to an INVITE of ours, as often as it comes: it is acknowledged, and the first time it makes us a member.
    pub(crate) fn invite_accepted(&mut self, now: Timestamp, sent: &Request, response: &Response) {
        let Ok(dialog) = Dialog::uac(sent, response) else { return };
        let ack = dialog.ack(dialog.local_cseq()).build();
        self.acknowledge(now, ack);
        let focus = focus_of(&dialog);
        let is_new = sent.to().is_ok_and(|to| to.tag().is_none());
        let is_known = self.groups.get(&focus).is_some_and(|group| group.dialog.is_some());
        if is_new && !is_known && self.groups.len() < GROUPS_MAX {
            self.groups.entry(focus.clone()).or_default().dialog = Some(dialog);
            self.tell(Event::Joined { focus: focus.clone() });
            self.subscribe(now, &focus);
        }
    }

    pub(crate) fn subscribed(&mut self, focus: &str, sent: &Request, response: &Response) {
        if let (Ok(dialog), Some(group)) = (Dialog::uac(sent, response), self.groups.get_mut(focus)) {
            group.subscription = Some(dialog);
        }
    }

    pub(crate) fn left(&mut self, focus: &str) {
        self.groups.remove(focus);
        self.tell(Event::Left { focus: focus.to_owned() });
    }

    pub(crate) fn not_joined(&mut self, why: Failure) {
        self.tell(Event::NotJoined(why));
    }

    /// Answers a request of a focus; `None` when it is none.
    pub(crate) fn answer_to_focus(&mut self, now: Timestamp, request: &Request, tag: &str) -> Option<Answer> {
        match request.method() {
            Method::Invite => Some(self.called(now, request, tag)),
            Method::Notify => Some(self.notified(request)),
            Method::Bye => Some(self.let_go(request)),
            _ => None,
        }
    }

    /// The Contact that an answer to a focus needs.
    pub(crate) fn answer_contact(&self, method: Method<'_>) -> Option<String> {
        matches!(method, Method::Invite | Method::Notify).then(|| self.contact())
    }

    fn called(&mut self, now: Timestamp, request: &Request, tag: &str) -> Answer {
        let Ok(dialog) = Dialog::uas(request, tag) else { return (400, None) };
        let is_focus = request
            .contacts()
            .flatten()
            .any(|contact| contact.address().is_some_and(|contact| contact.features().has("isfocus")));
        if !is_focus || self.groups.len() >= GROUPS_MAX {
            return (488, None);
        }
        let focus = focus_of(&dialog);
        self.groups.entry(focus.clone()).or_default().dialog = Some(dialog);
        self.subscribe(now, &focus);
        (200, Some(Event::Joined { focus }))
    }

    fn notified(&mut self, request: &Request) -> Answer {
        let Ok(Some(id)) = DialogId::of_request(request) else { return (481, None) };
        let groups = self.groups.iter_mut();
        let mut subscribed = groups.filter_map(|(focus, group)| {
            let subscription = group.subscription.as_mut()?;
            subscription.is(&id).then_some((focus, subscription, &mut group.info))
        });
        let Some((focus, subscription, known)) = subscribed.next() else { return (481, None) };
        if let Err(error) = subscription.receive(request) {
            return (error.status(), None);
        }
        let coding = request.content_encoding().unwrap_or_default();
        let body = rcs::encoding::decode(&coding, request.body_bytes(), rcs::encoding::INFLATED_BYTES_MAX);
        let next = body.ok().and_then(|body| ConferenceInfo::parse(&body).ok());
        match (next, known) {
            (Some(next), Some(known)) => drop(known.apply(next)),
            (Some(next), known) if next.state == State::Full => *known = Some(next),
            _ => return (200, None),
        }
        (200, Some(Event::Members { focus: focus.clone() }))
    }

    fn let_go(&mut self, request: &Request) -> Answer {
        let Ok(Some(id)) = DialogId::of_request(request) else { return (481, None) };
        let is_meant = |group: &Group| group.dialog.as_ref().is_some_and(|dialog| dialog.is(&id));
        let focus = self.groups.iter().find(|(_, group)| is_meant(group)).map(|(focus, _)| focus.clone());
        let Some(focus) = focus else { return (481, None) };
        self.groups.remove(&focus);
        (200, Some(Event::Left { focus }))
    }
}

/// The focus at the other end of a dialog, without URI parameters.
fn focus_of(dialog: &Dialog) -> String {
    let target = dialog.remote_target();
    target.split(';').next().unwrap_or(target).to_owned()
}

/// What was sent, as the dialog that it opens needs it.
pub(crate) fn sent_request(sent: bytes::Bytes) -> Option<Request> {
    Message::parse_datagram(sent).ok()?.into_request()
}
