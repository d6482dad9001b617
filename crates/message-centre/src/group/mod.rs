//! Groups (RFC 4579, RCC.07 group chat): the conference factory, the focus of each group, and who is in it.
//!
//! A request to the factory or to a focus is read into a [`GroupRequest`] here and decided in the file of its method:
//! [`invite`], [`refer`], [`subscribe`]. [`icon`] is about its picture. [`members`] changes who is in a group and tells the others, [`invitation`] is the focus
//! calling members, [`session`] those who take part over MSRP, [`fan_out`] what is said in the group, [`report`] the way back of reports on it. A group message is an
//! ordinary entry in each member's mailbox whose sender is the focus.
//!
//! A request names one group; whom else a decision concerns is known only when the group has been read. So decisions leave
//! follow-up tasks for the same commit, which load the others' rows.

pub(crate) mod fan_out;
pub mod icon;
pub(crate) mod invitation;
mod invite;
pub(crate) mod members;
pub(crate) mod message;
mod refer;
pub(crate) mod report;
pub(crate) mod revoke;
pub(crate) mod session;
mod subscribe;

use bytes::Bytes;
use rcs::address::{Address, AddressKind};
use rcs::{Timestamp, ids, multipart, resource_list};
use sip::dialog::DialogId;
use sip::transaction::ClientTxId;
use sip::{HeaderName, Method, Request};
use store::{Binding, Group, Leg, Mode, Wants};

use crate::access::identity::Claim;
use crate::access::{Refusal, address_of, plain_body};
use crate::delivery::agent::DeviceKey;
use crate::{Centre, Work, transaction_time};
pub use invitation::wake;
use invite::Invite;
use refer::Refer;
use subscribe::Subscribe;

/// Extensions that a request to a group may require.
pub(crate) const SUPPORTED: [&str; 3] = ["recipient-list-invite", "multiple-refer", "norefersub"];

/// The methods that a focus answers.
const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, SUBSCRIBE, REFER, MESSAGE, OPTIONS";

/// Largest body with a list of members.
const LIST_BYTES_MAX: usize = 64 << 10;

/// What an operator may set of groups.
#[derive(Debug, Clone)]
pub struct Config {
    /// User part of the conference factory: `conference-factory` of `sip:conference-factory@DOMAIN`.
    pub factory: String,
    /// Most members of one group, the one who makes it included.
    pub members_max: usize,
    /// Most groups of one subscriber.
    pub groups_max: usize,
    /// Longest subject in UTF-8 bytes.
    pub subject_bytes_max: usize,
    /// Whether any member may bring in others, or only administrators.
    pub members_may_add: bool,
    /// Whether any member may change the subject, or only administrators.
    pub members_may_change_subject: bool,
    /// The same for the icon.
    pub members_may_change_icon: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            factory: "conference-factory".to_owned(),
            members_max: 100,
            groups_max: 500,
            subject_bytes_max: 255,
            members_may_add: true,
            members_may_change_subject: true,
            members_may_change_icon: true,
        }
    }
}

/// What is known of groups in memory only.
#[derive(Default)]
pub(crate) struct Hot {
    /// How the content server links to icons; without it, groups have none.
    icon_link: Option<icon::Link>,
    /// Pictures that the edge is looking at.
    icons_under_way: usize,
    /// Requests of focuses under way.
    requests: rustc_hash::FxHashMap<ClientTxId, invitation::Sent>,
    /// Until when devices may let an INVITE ring; the time is the same for all, so they end in order.
    ringing: std::collections::VecDeque<(Timestamp, ClientTxId)>,
    /// Which devices are being invited to which group: what is said there waits until they have answered.
    inviting: rustc_hash::FxHashSet<(DeviceKey, Address)>,
    /// Devices that announce chats and yet take part in pager mode.
    pagers: rustc_hash::FxHashSet<(DeviceKey, Address)>,
    /// Devices that could not be called a moment ago, and until when they are left alone.
    resting: rustc_hash::FxHashMap<(DeviceKey, Address), Timestamp>,
}

impl Hot {
    /// When the first of the INVITEs under way has rung for long enough.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.ringing.front().map(|(at, _)| *at)
    }

    /// What is remembered of requests of focuses under way, of devices that are being invited, and of how devices take part.
    pub(crate) fn len(&self) -> usize {
        self.requests.len() + self.inviting.len() + self.resting.len() + self.icons_under_way
    }

    /// Whether a request of a focus is under way as this transaction.
    pub(crate) fn has_asked(&self, tx: ClientTxId) -> bool {
        self.requests.contains_key(&tx)
    }
}

/// Whom a request to a group is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Focus {
    /// The conference factory.
    Factory,
    /// A group.
    Group(Address),
}

/// A request to the factory or to a focus.
#[derive(Debug)]
pub struct GroupRequest {
    /// The group; of the factory, the one that is to be.
    group: Address,
    /// The dialog within which it came.
    dialog: Option<DialogId>,
    what: What,
}

#[derive(Debug)]
enum What {
    Invite(Invite),
    Bye(Goodbye),
    Subscribe(Subscribe),
    Refer(Refer),
}

/// What a BYE says of its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goodbye {
    /// The session is over as sessions are (`SIP;cause=200`): the member leaves.
    Done,
    /// Nothing. The session of a device may end for any reason; one in pager mode has nothing else to end, and leaves.
    Nothing,
    /// Something else: the device is away.
    Away,
}

impl GroupRequest {
    pub(crate) fn read(
        centre: &Centre,
        request: &Request,
        focus: Focus,
        from: &Address,
    ) -> Result<Self, Refusal> {
        let group = match &focus {
            Focus::Group(group) => group.clone(),
            Focus::Factory => centre.group_to_be(request, from)?,
        };
        let what = match request.method() {
            Method::Invite => What::Invite(Invite::read(centre, request, focus == Focus::Factory)?),
            _ if focus == Focus::Factory => return Err(Refusal::MethodNotAllowed),
            Method::Bye => What::Bye(goodbye(request)),
            Method::Subscribe => What::Subscribe(Subscribe::read(centre, request)?),
            Method::Refer => What::Refer(Refer::read(centre, request)?),
            _ => return Err(Refusal::MethodNotAllowed),
        };
        Ok(Self { group, dialog: DialogId::of_request(request)?, what })
    }
}

impl Claim<GroupRequest> {
    pub(crate) fn group_wants(&self, trust_udp_source: bool, wants: &mut Wants) {
        self.wants(trust_udp_source, wants);
        let group = &self.what.group;
        wants.group(group);
        wants.leg(group, &self.from);
        wants.bindings(&self.from);
        wants.memberships(&self.from);
        let others = match &self.what.what {
            What::Invite(invite) => invite.recipients.iter().collect(),
            What::Refer(refer) => refer.targets.iter().map(|target| &target.address).collect(),
            What::Bye(_) | What::Subscribe(_) => Vec::new(),
        };
        for other in others {
            wants.account(other);
            wants.memberships(other);
        }
    }
}

impl Centre {
    /// The factory or focus that a request is for; `None` when it is for somebody else.
    pub(crate) fn focus_of(&self, request: &Request) -> Result<Option<Focus>, Refusal> {
        let address = address_of(self, request.uri_text())?;
        match address.kind() {
            AddressKind::Group if self.is_our_group(&address) => Ok(Some(Focus::Group(address))),
            AddressKind::Group => Err(Refusal::NotFound),
            AddressKind::Other
                if address.user() == self.config.groups.factory
                    && address.host() == Some(self.config.domain()) =>
            {
                Ok(Some(Focus::Factory))
            }
            _ => Ok(None),
        }
    }

    fn is_our_group(&self, address: &Address) -> bool {
        address.host().and_then(|host| host.strip_prefix("groups.")) == Some(self.config.domain())
    }

    /// The group that a request to the factory makes. It follows from the Contribution-ID, or else from sender and Call-ID: a client
    /// that repeats itself, because our answer was lost or we were restarted, makes one group and not two; and a group that
    /// has ended comes back under its old name (rcs-core §14).
    fn group_to_be(&self, request: &Request, from: &Address) -> Result<Address, Refusal> {
        let name = match request.header(HeaderName::ContributionId) {
            Some(id) => format!("contribution\n{id}"),
            None => format!("call\n{from}\n{}", request.call_id()?),
        };
        let group = self.config.numbering.group(&ids::group_id(&name));
        group.map_err(|error| Refusal::bad(error.to_string()))
    }

    pub(crate) fn decide_group(&mut self, claim: Claim<GroupRequest>, work: &mut Work<'_>) {
        if !self.is_proven(&claim, work) {
            return;
        }
        let decided = match &claim.what.what {
            What::Invite(invite) => self.decide_invite(&claim, invite, work),
            What::Bye(goodbye) => self.decide_bye(&claim, *goodbye, work),
            What::Subscribe(subscribe) => self.decide_subscribe(&claim, subscribe, work),
            What::Refer(refer) => self.decide_refer(&claim, refer, work),
        };
        if let Err(refusal) = decided {
            self.refuse(claim.tx, &claim.request, claim.flow, &refusal, work.now);
        }
    }

    /// BYE: leaves the group (rcs-core §14), or only ends the dialog of one device.
    fn decide_bye(
        &mut self,
        claim: &Claim<GroupRequest>,
        goodbye: Goodbye,
        work: &mut Work<'_>,
    ) -> Result<(), Refusal> {
        let id = claim.what.dialog.as_ref().ok_or(Refusal::NoDialog)?;
        let mut leg = self.leg(&claim.what.group, &claim.from, work);
        let device =
            leg.devices.iter_mut().find(|device| device.dialog.as_ref().is_some_and(|dialog| dialog.is(id)));
        let device = device.ok_or(Refusal::NoDialog)?;
        device.dialog.as_mut().ok_or(Refusal::NoDialog)?.receive(&claim.request)?;
        device.dialog = None;
        let is_leaving = match device.mode {
            Mode::Pager => goodbye != Goodbye::Away,
            Mode::Session => goodbye == Goodbye::Done,
        };
        // A call that is under way to the device goes on: it may be for what it missed when this session ended.
        if let Some(id) = self.member_session(&(claim.from.clone(), device.device.clone()), &claim.what.group)
        {
            self.drop_leg(id);
        }
        work.view.put_leg(leg);
        self.answer(claim.tx, &claim.request, claim.flow, 200, work.now);
        if is_leaving && let Some(group) = work.view.group(&claim.what.group).cloned() {
            self.part(group, std::slice::from_ref(&claim.from), members::Farewell::Left, work);
        }
        Ok(())
    }

    /// The group of a request and the member that sends it. 404: no such group; 403: none of its members.
    fn membership(&self, claim: &Claim<GroupRequest>, work: &Work<'_>) -> Result<Group, Refusal> {
        check_member(&claim.what.group, &claim.from, work)?;
        work.view.group(&claim.what.group).cloned().ok_or(Refusal::NoSuchGroup)
    }

    /// How a member's devices are connected; one without any when there is no row.
    pub(crate) fn leg(&self, group: &Address, member: &Address, work: &Work<'_>) -> Leg {
        let key = (group.clone(), member.clone());
        work.view.leg(&key).cloned().unwrap_or_else(|| Leg::new(key.0, key.1))
    }

    /// The binding over which a device can be reached now.
    fn way_to<'v>(&self, member: &Address, device: &str, work: &'v Work<'_>) -> Option<&'v Binding> {
        self.newest_flow(work.view.bindings(member), device, &[], work.now)
    }

    /// Sends a request to a device, and remembers what for; false when its flow cannot carry it.
    fn ask(
        &mut self,
        binding_flow: sip::Flow,
        request: Bytes,
        sent: invitation::Sent,
        work: &Work<'_>,
    ) -> bool {
        match self.layer.request(transaction_time(work.now), binding_flow, request) {
            Ok(tx) => {
                if let invitation::Sent::Invite { .. } = sent {
                    self.groups.ringing.push_back((work.now.plus(self.config.sessions.ring), tx));
                }
                self.groups.requests.insert(tx, sent);
                true
            }
            Err(error) => {
                tracing::debug!(%error, ?sent, "not sent");
                false
            }
        }
    }

    /// The Contact of a focus (RFC 4579 §5.2). `text` is what liblinphone knows a group chat by.
    fn focus_contact(&self, group: &Address) -> String {
        format!(
            "<{group}>;isfocus;text;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\""
        )
    }

    /// Whether a device is being invited to this group.
    pub(crate) fn is_inviting(&self, device: &DeviceKey, group: &Address) -> bool {
        !self.groups.inviting.is_empty() && self.groups.inviting.contains(&(device.clone(), group.clone()))
    }
}

/// Whether there is such a group, and it has this member.
pub(crate) fn check_member(group: &Address, member: &Address, work: &Work<'_>) -> Result<(), Refusal> {
    let group = work.view.group(group).ok_or(Refusal::NoSuchGroup)?;
    group.member(member).map(|_| ()).ok_or(Refusal::forbidden(NOT_A_MEMBER))
}

/// For the Warning of a 403.
const NOT_A_MEMBER: &str = "not a member of this group";

fn goodbye(request: &Request) -> Goodbye {
    let reasons = request.list(HeaderName::Reason).filter_map(|value| sip::Reason::parse(value).ok());
    let reasons = reasons.filter(|reason| reason.protocol.eq_ignore_ascii_case("SIP"));
    reasons.fold(Goodbye::Nothing, |said, reason| match said {
        Goodbye::Nothing | Goodbye::Done if reason.is_sip(200) => Goodbye::Done,
        _ => Goodbye::Away,
    })
}

/// The lists of addressees and the session description in a body, alone or in a multipart.
fn list_and_sdp(
    centre: &Centre,
    request: &Request,
) -> Result<(Vec<resource_list::Recipient>, Option<Bytes>), Refusal> {
    let (mut recipients, mut sdp) = (Vec::new(), None);
    for part in parts_of(centre, request, LIST_BYTES_MAX)? {
        match recipients_in(&part)? {
            Some(list) => recipients.extend(list),
            None if part.is(msrp::sdp::CONTENT_TYPE) => sdp = Some(part.body),
            None => {}
        }
    }
    Ok((recipients, sdp))
}

/// What a body is made of; a body that is no multipart is one part, and an empty one none.
pub(crate) fn parts_of(
    centre: &Centre,
    request: &Request,
    max_bytes: usize,
) -> Result<Vec<multipart::Part>, Refusal> {
    if request.body().is_empty() {
        return Ok(Vec::new());
    }
    let body = plain_body(centre, request, max_bytes)?;
    let declared = request.content_type().unwrap_or_default();
    if !multipart::is_multipart(&declared) {
        return Ok(vec![multipart::Part::new(&declared, body)]);
    }
    multipart::parse(&declared, &body).map_err(|error| Refusal::bad(error.to_string()))
}

/// The addressees in a part, if it is a list of such.
pub(crate) fn recipients_in(
    part: &multipart::Part,
) -> Result<Option<Vec<resource_list::Recipient>>, Refusal> {
    if !part.is(resource_list::CONTENT_TYPE) {
        return Ok(None);
    }
    let coding = part.header("Content-Encoding").unwrap_or_default();
    let list = rcs::encoding::decode(coding, part.body.clone(), LIST_BYTES_MAX)
        .map_err(|error| Refusal::bad(error.to_string()))?;
    let list = resource_list::parse(&list).map_err(|error| Refusal::bad(format!("the list: {error}")))?;
    Ok(Some(list))
}

/// The addresses of a list, each once.
pub(crate) fn subscribers(
    centre: &Centre,
    recipients: &[resource_list::Recipient],
) -> Result<Vec<Address>, Refusal> {
    let mut addresses: Vec<Address> = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let address = address_of(centre, &recipient.uri)?;
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Ok(addresses)
}
