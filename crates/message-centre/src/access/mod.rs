//! What a peer may ask over SIP, one file for each: [`register`], [`message`], [`options`], [`invite`]; SUBSCRIBE in
//! [`crate::events`]. Reading a request needs no rows;
//! it ends in a task to decide, or in a refusal.

pub mod guesses;
pub mod identity;
pub mod invite;
pub mod message;
pub mod one_to_many;
pub mod options;
pub mod register;
pub(crate) mod reports;

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use sip::dialog::session_timer::OPTION;
use sip::dialog::{DialogId, InDialogError};
use sip::transaction::ServerTxId;
use sip::{Flow, HeaderError, HeaderName, Method, Request, ResponseBuilder, Transport};

use crate::events::{self, Watching};
use crate::group::{self, Focus, GroupRequest};
use crate::gruu::{self, Device};
use crate::session::LegId;
use crate::work::Task;
use crate::{Centre, transaction_time};
use identity::Claim;
pub(crate) use message::plain_body;
use one_to_many::OneToMany;
use register::Register;

/// The methods that we answer with more than a refusal.
pub(crate) const ALLOW: &str =
    "REGISTER, MESSAGE, OPTIONS, INVITE, ACK, CANCEL, BYE, UPDATE, SUBSCRIBE, REFER";

/// Why a request was turned away. Each variant is one SIP answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("no such user here")]
    NotFound,
    #[error("no such group here")]
    NoSuchGroup,
    #[error("only {ALLOW}")]
    MethodNotAllowed,
    #[error("body above {max_bytes} bytes")]
    TooLarge { max_bytes: usize },
    #[error("this content encoding is not known here")]
    UnsupportedEncoding,
    #[error("this kind of URI is not known here")]
    UnsupportedScheme,
    #[error("extensions not known here: {0}")]
    BadExtension(String),
    #[error("the minimum is {min_s} s")]
    IntervalTooBrief { min_s: u32 },
    #[error("the shortest session interval here is {min_s} s")]
    SessionTooBrief { min_s: u32 },
    #[error("not reachable now")]
    Unavailable,
    #[error("no such dialog")]
    NoDialog,
    #[error("only {}", events::ALLOW_EVENTS)]
    BadEvent,
    #[error("only {0}")]
    NotAcceptable(&'static str),
    #[error("a group has at most {max} members")]
    GroupFull { max: usize },
    #[error("{0}")]
    NotAcceptableHere(&'static str),
    #[error("too many hops")]
    TooManyHops,
    #[error("a later request was here before")]
    OutOfOrder,
    #[error("too many sessions")]
    TooManySessions,
    #[error("{0}")]
    NotOfferable(String),
    #[error("another change of this session is under way")]
    RequestPending,
    #[error("the mailbox is full")]
    MailboxFull,
    #[error("too often")]
    TooOften,
    #[error("too many wrong passwords")]
    WrongPasswords { wait_s: u64 },
    #[error("the addressee's devices answered {0}")]
    ByDevices(u16),
}

impl Refusal {
    /// 400 with what was wrong.
    pub(crate) fn bad(what: impl Into<String>) -> Self {
        Self::BadRequest(what.into())
    }

    /// 403 with the reason.
    pub(crate) fn forbidden(why: &'static str) -> Self {
        Self::Forbidden(why)
    }

    /// The SIP status.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Forbidden(_) => 403,
            Self::NotFound | Self::NoSuchGroup => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge { .. } => 413,
            Self::UnsupportedEncoding => 415,
            Self::UnsupportedScheme => 416,
            Self::BadExtension(_) => 420,
            Self::SessionTooBrief { .. } => 422,
            Self::IntervalTooBrief { .. } => 423,
            Self::Unavailable => 480,
            Self::NoDialog => 481,
            Self::TooManyHops => 483,
            Self::GroupFull { .. } => 486,
            Self::NotAcceptableHere(_) => 488,
            Self::BadEvent => 489,
            Self::NotAcceptable(_) => 406,
            Self::TooManySessions => 486,
            Self::NotOfferable(_) => 488,
            Self::RequestPending => 491,
            Self::OutOfOrder => 500,
            Self::MailboxFull | Self::TooOften | Self::WrongPasswords { .. } => 503,
            // What only makes sense between a device and us says nothing to the sender.
            Self::ByDevices(401 | 405 | 407 | 420 | 421) => 488,
            Self::ByDevices(status) => *status,
        }
    }
}

impl From<InDialogError> for Refusal {
    fn from(error: InDialogError) -> Self {
        match error {
            InDialogError::OutOfOrder => Self::OutOfOrder,
            InDialogError::Malformed(error) => error.into(),
        }
    }
}

impl From<HeaderError> for Refusal {
    fn from(error: HeaderError) -> Self {
        Self::BadRequest(error.to_string())
    }
}

/// What a request asks for, once it is read.
#[allow(clippy::large_enum_variant, reason = "the large variant is the common one, and lives for a moment")]
enum Asked {
    /// An OPTIONS about us.
    OurOptions,
    Register(register::Asked),
    Message(Address, message::CpmMessage),
    OneToMany(Address, OneToMany),
    Options(Address, options::Options),
    Invite(Address, invite::Invite),
    /// Something within a session.
    InDialog(LegId),
    Group(Address, GroupRequest),
    Watching(Address, Watching),
}

impl Centre {
    /// Reads a new request into a task, or answers why not.
    pub(crate) fn read(
        &mut self,
        now: Timestamp,
        tx: ServerTxId,
        flow: Flow,
        request: Request,
        tasks: &mut Vec<Task>,
    ) {
        match self.asked(&request) {
            Ok(Asked::OurOptions) => self.answer_for_us(tx, &request, flow, now),
            Ok(Asked::Register(asked)) => {
                tasks.push(Task::Register(Box::new(Register { tx, flow, request, asked })));
            }
            Ok(Asked::Message(from, what)) => {
                tasks.push(Task::Message(Box::new(self.claim(now, tx, flow, request, from, what))));
            }
            Ok(Asked::OneToMany(from, what)) => {
                tasks.push(Task::OneToMany(Box::new(self.claim(now, tx, flow, request, from, what))));
            }
            Ok(Asked::Options(from, what)) => {
                tasks.push(Task::Options(Box::new(self.claim(now, tx, flow, request, from, what))));
            }
            Ok(Asked::Invite(from, what)) => {
                tasks.push(Task::Invite(Box::new(self.claim(now, tx, flow, request, from, what))));
            }
            Ok(Asked::InDialog(leg)) => self.within(leg, tx, flow, request, now, tasks),
            Ok(Asked::Group(from, what)) => {
                tasks.push(Task::Group(Box::new(self.claim(now, tx, flow, request, from, what))));
            }
            Ok(Asked::Watching(from, what)) => {
                tasks.push(Task::Watching(Box::new(self.claim(now, tx, flow, request, from, what))));
            }
            Err(refusal) => self.refuse(tx, &request, flow, &refusal, now),
        }
    }

    fn asked(&self, request: &Request) -> Result<Asked, Refusal> {
        if request.max_forwards()? == Some(0) {
            return Err(Refusal::TooManyHops);
        }
        let dialog = DialogId::of_request(request)?;
        if let Some(leg) = dialog.as_ref().and_then(|dialog| self.leg_of(dialog)) {
            return Ok(Asked::InDialog(leg));
        }
        match request.method() {
            Method::Register => Ok(Asked::Register(register::Asked::read(self, request)?)),
            Method::Message if OneToMany::is_meant(self, request) => {
                let from = self.claimed(request, &one_to_many::SUPPORTED)?;
                Ok(Asked::OneToMany(from, OneToMany::read(self, request)?))
            }
            Method::Message => {
                Ok(Asked::Message(self.claimed(request, &[])?, message::CpmMessage::read(self, request)?))
            }
            Method::Options if options::is_for_us(request) => Ok(Asked::OurOptions),
            Method::Options => {
                Ok(Asked::Options(self.claimed(request, &[])?, options::Options::read(self, request)?))
            }
            Method::Invite | Method::Bye | Method::Subscribe | Method::Refer => {
                match (self.focus_of(request)?, request.method()) {
                    // One large message for a group, of a member that has no session with it or wants none.
                    (Some(Focus::Group(_)), Method::Invite)
                        if dialog.is_none() && invite::is_large(request) =>
                    {
                        let from = self.claimed(request, &[OPTION])?;
                        Ok(Asked::Invite(from, invite::Invite::read(self, request)?))
                    }
                    (Some(focus), _) => {
                        let supported = [&group::SUPPORTED[..], &[OPTION]].concat();
                        let from = self.claimed(request, &supported)?;
                        let asked = GroupRequest::read(self, request, focus, &from)?;
                        Ok(Asked::Group(from, asked))
                    }
                    (None, Method::Invite) if dialog.is_none() => {
                        let from = self.claimed(request, &[OPTION])?;
                        Ok(Asked::Invite(from, invite::Invite::read(self, request)?))
                    }
                    (None, Method::Invite | Method::Bye) => Err(Refusal::NoDialog),
                    (None, Method::Subscribe) => {
                        let from = self.claimed(request, &[])?;
                        Ok(Asked::Watching(from, Watching::read(self, request, dialog)?))
                    }
                    (None, _) => Err(Refusal::MethodNotAllowed),
                }
            }
            Method::Update => Err(Refusal::NoDialog),
            _ => Err(Refusal::MethodNotAllowed),
        }
    }

    /// Who a request says it is from.
    fn claimed(&self, request: &Request, supported: &[&str]) -> Result<Address, Refusal> {
        check_require(request, HeaderName::ProxyRequire, &[])?;
        check_require(request, HeaderName::Require, supported)?;
        // The client may prefer one of its identities (RFC 3325 §9.2); it never gets to assert one.
        let from = match request.address(HeaderName::PPreferredIdentity) {
            Ok(preferred) => address_of(self, preferred.uri.as_str())?,
            Err(_) => address_of(self, request.from()?.uri.as_str())?,
        };
        match from.kind() {
            AddressKind::Subscriber => Ok(from),
            _ => Err(Refusal::forbidden("only subscribers send from here")),
        }
    }

    fn claim<T>(
        &self,
        now: Timestamp,
        tx: ServerTxId,
        flow: Flow,
        request: Request,
        from: Address,
        what: T,
    ) -> Claim<T> {
        let is_vouched = self.vouches(flow, &from, now);
        Claim { tx, flow, request, from, is_vouched, what }
    }

    /// Answers with a bare status.
    pub(crate) fn answer(
        &mut self,
        tx: ServerTxId,
        request: &Request,
        flow: Flow,
        status: u16,
        now: Timestamp,
    ) {
        if self.layer.answer(transaction_time(now), tx, request, flow, status).is_err() {
            tracing::debug!("the request to answer is gone");
        }
    }

    /// Answers with the status of a refusal and what the client needs to do better.
    pub(crate) fn refuse(
        &mut self,
        tx: ServerTxId,
        request: &Request,
        flow: Flow,
        refusal: &Refusal,
        now: Timestamp,
    ) {
        tracing::debug!(method = request.method().as_str(), status = refusal.status(), why = %refusal, "refused");
        let tag = self.tag();
        let response =
            ResponseBuilder::for_request(request, refusal.status(), "").to_tag(&tag).source(flow.peer);
        let response = match refusal {
            Refusal::MethodNotAllowed => response.header(HeaderName::Allow, ALLOW),
            Refusal::BadExtension(names) => response.header(HeaderName::Unsupported, names),
            Refusal::IntervalTooBrief { min_s } => response.header(HeaderName::MinExpires, min_s),
            Refusal::UnsupportedEncoding => response.header(HeaderName::AcceptEncoding, "identity, deflate"),
            Refusal::SessionTooBrief { min_s } => response.header(HeaderName::MinSe, min_s),
            Refusal::BadEvent => response.header(HeaderName::AllowEvents, events::ALLOW_EVENTS),
            Refusal::WrongPasswords { wait_s } => response.header(HeaderName::RetryAfter, wait_s),
            Refusal::MailboxFull | Refusal::TooOften => response.header(HeaderName::RetryAfter, 600),
            // RFC 3261 §20.43: 399 carries words for the person who looks into it.
            other => response
                .header(HeaderName::Warning, format!("399 {} \"{}\"", self.config.domain(), quotable(other))),
        };
        self.respond(now, tx, response.build());
    }

    /// The Record-Route for a request of ours that opens a dialog over this transport.
    pub(crate) fn record_route(&self, transport: Transport) -> Option<String> {
        let routes = &self.config.record_route;
        let host = match transport {
            Transport::Udp => routes.udp.as_ref(),
            Transport::Tcp => routes.tcp.as_ref(),
            Transport::Tls => routes.tls.as_ref(),
            Transport::Ws | Transport::Wss => None,
        };
        let transport = transport.via_token().to_ascii_lowercase();
        host.map(|host| format!("<sip:{host};transport={transport};lr>"))
    }

    /// The Record-Route for our answer to a request that opens a dialog: the way it took, if it says so, or else the way we know.
    /// `None` when a proxy has put one in, which brings the next request here too.
    pub(crate) fn record_route_back(&self, request: &Request, transport: Transport) -> Option<String> {
        if request.raw(HeaderName::RecordRoute).is_some() {
            return None;
        }
        let preloaded = request.routes().next().and_then(Result::ok);
        let loose = preloaded.filter(|route| route.uri.params().has("lr"));
        loose.map(|route| format!("<{}>", route.uri)).or_else(|| self.record_route(transport))
    }

    /// Whom a URI means, and which of their devices if it is a GRUU (RFC 5627).
    pub(crate) fn target(&self, uri: &str) -> Result<(Address, Option<Device>), Refusal> {
        let parsed =
            sip::Uri::parse(uri).map_err(|error| Refusal::bad(format!("Request-URI: {}", error.reason())))?;
        let gr = parsed.gruu();
        if let Some(user) = parsed.user_name().filter(|_| gr.is_some())
            && let Some((address, device)) = gruu::open(&self.gruu_key, &user)
        {
            return Ok((address, Some(device)));
        }
        let instance = gr.filter(|instance| !instance.is_empty()).map(|instance| instance.into_owned());
        Ok((address_of(self, uri)?, instance.map(Device::of_instance)))
    }
}

/// The address that a SIP or tel URI stands for.
pub(crate) fn address_of(centre: &Centre, uri: &str) -> Result<Address, Refusal> {
    centre.config.numbering.address(uri).map_err(|error| {
        match uri.split_once(':').map(|(scheme, _)| scheme) {
            Some(scheme)
                if !["sip", "sips", "tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) =>
            {
                Refusal::UnsupportedScheme
            }
            _ => Refusal::bad(error.to_string()),
        }
    })
}

/// RFC 3261 §8.2.2.3: what is required and not supported is refused by name.
pub(crate) fn check_require(
    request: &Request,
    header: HeaderName,
    supported: &[&str],
) -> Result<(), Refusal> {
    let unknown: Vec<&str> = request
        .tokens(header)
        .filter(|wanted| !supported.iter().any(|known| known.eq_ignore_ascii_case(wanted)))
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Refusal::BadExtension(unknown.join(", "))) }
}

/// A refusal's words as they may stand in a quoted string.
fn quotable(refusal: &Refusal) -> String {
    refusal
        .to_string()
        .chars()
        .map(|c| if c == '"' || c == '\\' || c.is_control() { '\'' } else { c })
        .take(200)
        .collect()
}
