//! Groups: making one, being called into one, keeping up with who is in it (RFC 4579, RFC 4575). What is said travels as MESSAGE to
//! and from the focus, by [`Handset::send`]; or, for a handset that announces chats, over MSRP in a call with the focus
//! ([`Handset::group_call`]), by [`Handset::say`]. Such a call may end and begin anew while the handset stays in the group.

use bytes::Bytes;
use rcs::conference_info::{self, ConferenceInfo, State};
use rcs::multipart::{self, Part};
use rcs::resource_list::{self, Recipient};
use rcs::{Timestamp, ids};
use sip::dialog::{Dialog, DialogId};
use sip::{HeaderName, Message, Method, Request, Response};

use crate::call::Answers;
use crate::handset::{Draft, Event, Failure, Handset, Purpose};

/// Most groups that a handset keeps up with.
const GROUPS_MAX: usize = 1000;
/// Asked for at SUBSCRIBE, in seconds.
const SUBSCRIPTION_S: u32 = 3600;

/// A group as a handset sees it.
#[derive(Debug, Default)]
pub(crate) struct Group {
    dialog: Option<Dialog>,
    /// The call with the focus, if it stands.
    call: Option<u64>,
    subscription: Option<Dialog>,
    info: Option<ConferenceInfo>,
}

/// The answer to a request, and what it tells.
pub(crate) type Answer = (u16, Option<Event>);

/// What a group needs of an answer beside its status.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// The session description.
    pub(crate) sdp: Option<Bytes>,
    /// Session-Expires, when the focus keeps the session by a timer.
    pub(crate) session_expires: Option<String>,
    /// The dialog in which the answer is repeated until its ACK comes.
    pub(crate) dialog: Option<DialogId>,
}

impl Handset {
    /// Makes a group with these URIs. Ends in [`Event::Joined`] or [`Event::NotJoined`].
    pub fn make_group(&mut self, now: Timestamp, subject: &str, members: &[String]) {
        let list: Vec<Recipient> = members.iter().map(Recipient::new).collect();
        let mut draft = self.draft("INVITE", format!("sip:conference-factory@{}", self.config.domain));
        draft.headers = vec![
            (HeaderName::Contact, self.contact()),
            (HeaderName::Subject, subject.to_owned()),
            (HeaderName::Require, "recipient-list-invite".to_owned()),
            (HeaderName::ContributionId, ids::conversation_id(self.random.bytes_16())),
        ];
        let list = resource_list::write(&list);
        let mut call = None;
        if self.config.services.chat {
            let (number, offer) = self.offer_to_focus();
            let list = Part::new(resource_list::CONTENT_TYPE, list)
                .with_header("Content-Disposition", resource_list::DISPOSITION);
            let (content_type, body) =
                multipart::write(&[Part::new(msrp::sdp::CONTENT_TYPE, offer.to_string()), list]);
            draft.body = Some((content_type.into(), body));
            call = Some(number);
        } else {
            draft.headers.push((HeaderName::ContentDisposition, resource_list::DISPOSITION.to_owned()));
            draft.body = Some((resource_list::CONTENT_TYPE.into(), list.into()));
        }
        self.request(now, Purpose::Invite { call }, draft);
    }

    /// Comes back to a group, with a call if this handset announces chats. Ends in [`Event::Joined`] or [`Event::NotJoined`].
    pub fn join_group(&mut self, now: Timestamp, focus: &str) {
        let mut draft = self.draft("INVITE", focus.to_owned());
        draft.headers = vec![(HeaderName::Contact, self.contact())];
        let mut call = None;
        if self.config.services.chat {
            let (number, offer) = self.offer_to_focus();
            draft.body = Some((msrp::sdp::CONTENT_TYPE.into(), offer.to_bytes()));
            call = Some(number);
        }
        self.request(now, Purpose::Invite { call }, draft);
    }

    /// Describes our end of the call with a focus anew, as when the network has changed: it goes on over another connection. A member
    /// in pager mode takes part over MSRP from then on.
    pub fn renew_group_call(&mut self, now: Timestamp, focus: &str) {
        let contact = self.contact();
        let Some(mut draft) = self.within(focus, "INVITE") else { return };
        let (call, offer) = self.offer_to_focus();
        draft.headers = vec![(HeaderName::Contact, contact)];
        draft.body = Some((msrp::sdp::CONTENT_TYPE.into(), offer.to_bytes()));
        self.request(now, Purpose::Invite { call: Some(call) }, draft);
    }

    /// The call with the focus of a group, while it stands.
    pub fn group_call(&self, focus: &str) -> Option<u64> {
        self.groups.get(focus)?.call
    }

    /// Gives a group another subject. Members hear of it by [`Event::Members`].
    pub fn rename_group(&mut self, now: Timestamp, focus: &str, subject: &str) {
        let contact = self.contact();
        if let Some(mut draft) = self.within(focus, "INVITE") {
            draft.headers = vec![(HeaderName::Contact, contact), (HeaderName::Subject, subject.to_owned())];
            self.request(now, Purpose::Invite { call: None }, draft);
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
        let purpose = Purpose::Bye { focus: focus.to_owned() };
        if let Some(mut draft) = self.within(focus, "BYE") {
            draft.headers = vec![(HeaderName::Reason, sip::Reason::sip(200, "Call completed").to_string())];
            return self.request(now, purpose, draft);
        }
        // Without a dialog, as between two calls with the focus.
        let own = self.config.address.sip_uri(&self.config.domain);
        let draft = self.refer_draft(focus, format!("<{own};method=BYE>"));
        self.request(now, purpose, draft);
    }

    /// Ends the call with a focus, and no more than that.
    pub(crate) fn hang_up_in_group(&mut self, now: Timestamp, focus: &str) {
        if let Some(draft) = self.within(focus, "BYE") {
            self.request(now, Purpose::Aside, draft);
        }
    }

    /// A call with a focus is over, and so is the dialog that it had.
    pub(crate) fn call_of_group_over(&mut self, focus: &str, call: u64) {
        if let Some(group) = self.groups.get_mut(focus).filter(|group| group.call == Some(call)) {
            (group.call, group.dialog) = (None, None);
        }
    }

    /// Who is in a group, as far as it was told.
    pub fn group_info(&self, focus: &str) -> Option<&ConferenceInfo> {
        self.groups.get(focus)?.info.as_ref()
    }

    fn refer(&mut self, now: Timestamp, focus: &str, refer_to: String) {
        let draft = self.refer_draft(focus, refer_to);
        self.request(now, Purpose::Aside, draft);
    }

    fn refer_draft(&mut self, focus: &str, refer_to: String) -> Draft {
        let mut draft = self.draft("REFER", focus.to_owned());
        draft.headers = vec![
            (HeaderName::Contact, self.contact()),
            (HeaderName::ReferTo, refer_to),
            (HeaderName::ReferSub, "false".to_owned()),
            (HeaderName::Supported, "norefersub".to_owned()),
        ];
        draft
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
    pub(crate) fn joined(&mut self, now: Timestamp, sent: &Request, response: &Response, call: Option<u64>) {
        let Ok(dialog) = Dialog::uac(sent, response) else { return };
        let focus = focus_of(&dialog);
        let mut ack = dialog.ack(dialog.local_cseq());
        let standing = self.group_call(&focus).filter(|_| sent.body().is_empty());
        if let Some(answer) = standing.and_then(|call| self.describe_call(call, response.body())) {
            // RFC 3261 §14.1: we offered nothing, so the focus did.
            ack = ack.body(msrp::sdp::CONTENT_TYPE, answer);
        }
        self.acknowledge(now, ack.build());
        let is_new = sent.to().is_ok_and(|to| to.tag().is_none());
        if let Some(call) = call.filter(|_| !is_new) {
            let before = self.group_call(&focus);
            if self.groups.contains_key(&focus) && self.joined_call(now, call, &focus, response.body()) {
                self.groups.entry(focus).or_default().call = Some(call);
                before.into_iter().for_each(|before| self.over(before, None));
            }
            return;
        }
        let known = self.groups.get(&focus).and_then(|group| group.dialog.as_ref());
        let is_repeated = known.is_some_and(|known| known.id() == dialog.id());
        if is_new && !is_repeated && self.groups.len() < GROUPS_MAX {
            self.enter(now, &focus, dialog);
            self.tell(Event::Joined { focus: focus.clone() });
            if let Some(call) = call.filter(|call| self.joined_call(now, *call, &focus, response.body())) {
                self.groups.entry(focus).or_default().call = Some(call);
            }
        }
    }

    /// There is a dialog with a focus, in the place of one before it.
    fn enter(&mut self, now: Timestamp, focus: &str, dialog: Dialog) {
        let group = self.groups.entry(focus.to_owned()).or_default();
        group.dialog = Some(dialog);
        let (before, is_subscribed) = (group.call.take(), group.subscription.is_some());
        if let Some(before) = before {
            self.over(before, None);
        }
        if !is_subscribed {
            self.subscribe(now, focus);
        }
    }

    pub(crate) fn subscribed(&mut self, focus: &str, sent: &Request, response: &Response) {
        if let (Ok(dialog), Some(group)) = (Dialog::uac(sent, response), self.groups.get_mut(focus)) {
            group.subscription = Some(dialog);
        }
    }

    pub(crate) fn left(&mut self, focus: &str) {
        let call = self.groups.remove(focus).and_then(|group| group.call);
        if let Some(call) = call {
            self.over(call, None);
        }
        self.tell(Event::Left { focus: focus.to_owned() });
    }

    pub(crate) fn not_joined(&mut self, why: Failure) {
        self.tell(Event::NotJoined(why));
    }

    /// Answers a request of a focus; `None` when it is none.
    pub(crate) fn answer_to_focus(
        &mut self,
        now: Timestamp,
        request: &Request,
        tag: &str,
        extras: &mut Extras,
    ) -> Option<Answer> {
        match request.method() {
            Method::Invite if request.to().is_ok_and(|to| to.tag().is_some()) => {
                Some(self.kept_up(request, extras))
            }
            Method::Invite => Some(self.called(now, request, tag, extras)),
            Method::Notify => Some(self.notified(request)),
            Method::Bye => Some(self.let_go(request)),
            _ => None,
        }
    }

    /// The Contact that an answer to a focus needs.
    pub(crate) fn answer_contact(&self, method: Method<'_>) -> Option<String> {
        matches!(method, Method::Invite | Method::Notify).then(|| self.contact())
    }

    fn called(&mut self, now: Timestamp, request: &Request, tag: &str, extras: &mut Extras) -> Answer {
        let Ok(dialog) = Dialog::uas(request, tag) else { return (400, None) };
        let is_focus = request
            .contacts()
            .flatten()
            .any(|contact| contact.address().is_some_and(|contact| contact.features().has("isfocus")));
        if !is_focus || self.groups.len() >= GROUPS_MAX {
            return (488, None);
        }
        let has_offer = request.is_content_type(msrp::sdp::CONTENT_TYPE);
        if let (Answers::Refuse(status), true) = (self.config.services.answers, has_offer) {
            return (status, None);
        }
        let focus = focus_of(&dialog);
        extras.dialog = Some(dialog.id());
        self.enter(now, &focus, dialog);
        if has_offer && let Some((call, sdp)) = self.answer_focus(now, &focus, request.body()) {
            extras.sdp = Some(sdp);
            self.groups.entry(focus.clone()).or_default().call = Some(call);
        }
        (200, Some(Event::Joined { focus }))
    }

    /// A re-INVITE of the focus: nothing has changed on our side.
    fn kept_up(&mut self, request: &Request, extras: &mut Extras) -> Answer {
        let Some(focus) = self.focus_within(request) else { return (481, None) };
        let group = self.groups.get_mut(&focus).expect("it was just found");
        let (call, dialog) = (group.call, group.dialog.as_mut().expect("it was just found"));
        if let Err(error) = dialog.receive(request) {
            return (error.status(), None);
        }
        extras.dialog = Some(dialog.id());
        extras.session_expires = request.header(HeaderName::SessionExpires).map(|asked| asked.into_owned());
        extras.sdp = call.and_then(|call| self.describe_call(call, request.body()));
        (200, call.map(|call| Event::CallRefreshed { call }))
    }

    /// The group in whose dialog a request comes.
    fn focus_within(&self, request: &Request) -> Option<String> {
        let id = DialogId::of_request(request).ok()??;
        let is_meant = |group: &Group| group.dialog.as_ref().is_some_and(|dialog| dialog.is(&id));
        self.groups.iter().find(|(_, group)| is_meant(group)).map(|(focus, _)| focus.clone())
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

    /// BYE: we are in the group no longer; or, without a reason, only the call is over.
    fn let_go(&mut self, request: &Request) -> Answer {
        let Some(focus) = self.focus_within(request) else { return (481, None) };
        let call = self.groups.get(&focus).and_then(|group| group.call);
        if let Some(call) = call {
            self.over(call, None);
            if request.raw(HeaderName::Reason).is_none() {
                return (200, None);
            }
        }
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
