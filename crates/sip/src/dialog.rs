//! Dialogs (RFC 3261 §12): what two parties remember of each other between an INVITE and a BYE, or for as long as a
//! subscription lives (RFC 6665 §4.4.1).
//!
//! A [`Dialog`] is a plain value without timers or sockets; it can be stored as a row and used after a restart. Make one
//! from the request and response that opened it, show it every request that comes within it
//! ([`Dialog::receive`]), and let it write ours ([`Dialog::request`], [`Dialog::ack`], [`Dialog::bye`]).
//! [`Unacknowledged`] repeats a 2xx until its ACK comes; [`session_timer`] agrees on refreshes (RFC 4028).
//!
//! ```
//! use bytes::Bytes;
//! use sip::dialog::{Dialog, DialogId};
//! use sip::{HeaderName, Message};
//!
//! let invite = Bytes::from_static(
//!     b"INVITE sip:conference-factory@hongyan.local SIP/2.0\r\n\
//!       Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n\
//!       From: <sip:+8613800000001@hongyan.local>;tag=a\r\n\
//!       To: <sip:conference-factory@hongyan.local>\r\n\
//!       Call-ID: 7\r\n\
//!       CSeq: 1 INVITE\r\n\
//!       Contact: <sip:+8613800000001@192.0.2.1;transport=tcp>\r\n\r\n",
//! );
//! let invite = Message::parse_datagram(invite)?.into_request().expect("a request");
//! let mut dialog = Dialog::uas(&invite, "b")?;
//! assert_eq!(dialog.id(), DialogId::new("7", "b", "a"));
//!
//! let bye = Message::parse_datagram(dialog.bye().build())?.into_request().expect("a request");
//! assert_eq!(bye.uri_text(), "sip:+8613800000001@192.0.2.1;transport=tcp");
//! assert_eq!(bye.header(HeaderName::From).as_deref(), Some("<sip:conference-factory@hongyan.local>;tag=b"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod acknowledgement;
pub mod session_timer;

use serde::{Deserialize, Serialize};

use crate::message::{Headers, Request, Response};
use crate::method::Method;
use crate::name::HeaderName;
use crate::uri::Uri;
use crate::value::{Contact, HeaderError, NameAddr};
use crate::write::RequestBuilder;

pub use acknowledgement::Unacknowledged;

/// Longest Call-ID, tag or URI of a dialog, in bytes: dialogs are kept, so what a peer writes into them is not
/// without limit.
pub const TEXT_BYTES_MAX: usize = 512;

/// Longest route set; a Record-Route with more proxies is refused.
pub const ROUTES_MAX: usize = 16;

/// What names a dialog from our side (RFC 3261 §12): Call-ID, our tag, the peer's tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag; empty for peers of RFC 2543, which send none.
    pub remote_tag: String,
}

impl DialogId {
    /// From its three parts.
    pub fn new(
        call_id: impl Into<String>,
        local_tag: impl Into<String>,
        remote_tag: impl Into<String>,
    ) -> Self {
        DialogId { call_id: call_id.into(), local_tag: local_tag.into(), remote_tag: remote_tag.into() }
    }

    /// The dialog within which a request comes; `None` when its To has no tag and it stands outside of any.
    ///
    /// # Errors
    /// From, To or Call-ID is missing or malformed.
    pub fn of_request(request: &Request) -> Result<Option<Self>, HeaderError> {
        let Some(local_tag) = request.to_tag()? else { return Ok(None) };
        Ok(Some(Self::new(request.call_id()?, local_tag, request.from()?.tag().unwrap_or_default())))
    }

    /// The dialog that a response to a request of ours belongs to, or opens.
    ///
    /// # Errors
    /// As [`DialogId::of_request`].
    pub fn of_response(response: &Response) -> Result<Self, HeaderError> {
        let tag = |address: NameAddr<'_>| address.tag().unwrap_or_default().to_owned();
        Ok(Self::new(response.call_id()?, tag(response.from()?), tag(response.to()?)))
    }
}

/// Why a request within a dialog is turned away. Each variant is one SIP answer.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InDialogError {
    /// RFC 3261 §12.2.2: a later request was here before.
    #[error("a request with a higher CSeq was here before")]
    OutOfOrder,
    /// A header cannot be read.
    #[error(transparent)]
    Malformed(#[from] HeaderError),
}

impl InDialogError {
    /// 500 for what comes out of order, 400 for what cannot be read.
    pub fn status(&self) -> u16 {
        match self {
            Self::OutOfOrder => 500,
            Self::Malformed(_) => 400,
        }
    }
}

/// One side's view of a dialog. Whether it is early or confirmed is its owner's to know.
///
/// There is no `secure` flag (RFC 3261 §12.1): whoever sends the requests chooses the flow, and so whether it is TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialog {
    id: DialogId,
    local_uri: String,
    remote_uri: String,
    /// Where requests go: the peer's Contact.
    remote_target: String,
    /// As it is written into Route, first hop first, without angle brackets.
    route_set: Vec<String>,
    /// CSeq of our last request; 0 before the first.
    local_cseq: u32,
    /// CSeq of the peer's last request; `None` before the first.
    remote_cseq: Option<u32>,
}

impl Dialog {
    /// The dialog that `request` (INVITE, SUBSCRIBE, REFER) opens when it is answered with 2xx or with a provisional
    /// response that carries `local_tag` in To (RFC 3261 §12.1.1).
    ///
    /// # Errors
    /// Contact, From, To, Call-ID or CSeq is missing, malformed or longer than a dialog keeps: answer 400.
    pub fn uas(request: &Request, local_tag: &str) -> Result<Self, HeaderError> {
        let (from, to) = (request.from()?, request.to()?);
        let id = DialogId::new(request.call_id()?, local_tag, from.tag().unwrap_or_default());
        let dialog = Dialog {
            id,
            local_uri: to.uri.as_str().to_owned(),
            remote_uri: from.uri.as_str().to_owned(),
            remote_target: target(request)?.ok_or(HeaderError::missing("Contact"))?,
            route_set: record_routes(request)?,
            local_cseq: 0,
            remote_cseq: Some(request.cseq()?.number),
        };
        dialog.within_ceilings()
    }

    /// The dialog that a provisional response with a tag or a 2xx opens for the sender of `request`
    /// (RFC 3261 §12.1.2).
    ///
    /// # Errors
    /// As [`Dialog::uas`], of the response; also when it is no response to this request.
    pub fn uac(request: &Request, response: &Response) -> Result<Self, HeaderError> {
        let id = DialogId::of_response(response)?;
        let (from, cseq) = (request.from()?, request.cseq()?);
        if id.call_id != request.call_id()? || from.tag().unwrap_or_default() != id.local_tag {
            return Err(HeaderError::malformed("Call-ID", "not that of the request, or not its From"));
        }
        let mut route_set = record_routes(response)?;
        route_set.reverse();
        let dialog = Dialog {
            id,
            local_uri: from.uri.as_str().to_owned(),
            remote_uri: request.to()?.uri.as_str().to_owned(),
            remote_target: target(response)?.ok_or(HeaderError::missing("Contact"))?,
            route_set,
            local_cseq: cseq.number,
            remote_cseq: None,
        };
        dialog.within_ceilings()
    }

    /// Without the first hop of its route set: for a UAC whose request carried a Record-Route of its own, so that the peer's
    /// requests find the way to it.
    pub fn without_first_route(mut self) -> Self {
        if !self.route_set.is_empty() {
            self.route_set.remove(0);
        }
        self
    }

    /// What names it.
    pub fn id(&self) -> DialogId {
        self.id.clone()
    }

    /// Call-ID.
    pub fn call_id(&self) -> &str {
        &self.id.call_id
    }

    /// Our URI, as in From of our requests.
    pub fn local_uri(&self) -> &str {
        &self.local_uri
    }

    /// The peer's URI, as in To of our requests.
    pub fn remote_uri(&self) -> &str {
        &self.remote_uri
    }

    /// The peer's Contact: the Request-URI of our requests.
    pub fn remote_target(&self) -> &str {
        &self.remote_target
    }

    /// Whether a request or response with this id belongs here.
    pub fn is(&self, id: &DialogId) -> bool {
        self.id == *id
    }

    /// Takes a request that came within this dialog (RFC 3261 §12.2.2): its CSeq may not fall, and a target refresh moves
    /// the remote target. ACK and CANCEL have the CSeq of their INVITE and change nothing.
    ///
    /// A CSeq that repeats itself is let through: repeats end in the transaction layer, and one that outlived it (or our
    /// restart) wants the same answer again.
    ///
    /// # Errors
    /// [`InDialogError`]; the dialog is as before.
    pub fn receive(&mut self, request: &Request) -> Result<(), InDialogError> {
        let method = request.method();
        if matches!(method, Method::Ack | Method::Cancel) {
            return Ok(());
        }
        let cseq = request.cseq()?.number;
        if self.remote_cseq.is_some_and(|last| cseq < last) {
            return Err(InDialogError::OutOfOrder);
        }
        if refreshes_target(method)
            && let Some(target) = target(request)?
        {
            self.remote_target = target;
        }
        self.remote_cseq = Some(cseq);
        Ok(())
    }

    /// Takes a response to a request of ours within this dialog: a 2xx to a target refresh moves the remote target
    /// (RFC 3261 §12.2.1.2). `false` when it ends the dialog: 481, or 408 (§12.2.1.2).
    ///
    /// # Errors
    /// CSeq or Contact cannot be read; the dialog is as before.
    pub fn receive_response(&mut self, response: &Response) -> Result<bool, HeaderError> {
        let status = response.status();
        if (200..300).contains(&status)
            && refreshes_target(response.cseq()?.method)
            && let Some(target) = target(response)?
        {
            self.remote_target = target;
        }
        Ok(!matches!(status, 408 | 481))
    }

    /// Begins our next request: everything that the dialog says of it (RFC 3261 §12.2.1.1). Contact, which a target refresh
    /// needs, is the caller's to add. Not for ACK and CANCEL.
    pub fn request(&mut self, method: &str) -> RequestBuilder {
        // RFC 3261 §8.1.1.5: below 2^31. A dialog that lives so long begins anew rather than to panic.
        self.local_cseq = if self.local_cseq >= i32::MAX as u32 { 1 } else { self.local_cseq + 1 };
        self.write(method, self.local_cseq)
    }

    /// CSeq of our last request: what a later [`Dialog::ack`] to its 2xx names.
    pub fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// The ACK to a 2xx of our INVITE with this CSeq (RFC 3261 §13.2.2.4); credentials are the caller's to add.
    pub fn ack(&self, invite_cseq: u32) -> RequestBuilder {
        self.write("ACK", invite_cseq)
    }

    /// Our BYE (RFC 3261 §15.1.1).
    pub fn bye(&mut self) -> RequestBuilder {
        self.request("BYE")
    }

    fn write(&self, method: &str, cseq: u32) -> RequestBuilder {
        let is_loose = |route: &str| Uri::parse(route).is_ok_and(|uri| uri.params().has("lr"));
        let mut builder;
        match self.route_set.split_first() {
            // A strict router (RFC 2543) wants itself as Request-URI, and the target last.
            Some((first, rest)) if !is_loose(first) => {
                builder = RequestBuilder::new(method, first);
                for route in rest.iter().chain([&self.remote_target]) {
                    builder = builder.header(HeaderName::Route, format_args!("<{route}>"));
                }
            }
            _ => {
                builder = RequestBuilder::new(method, &self.remote_target);
                for route in &self.route_set {
                    builder = builder.header(HeaderName::Route, format_args!("<{route}>"));
                }
            }
        }
        let DialogId { call_id, local_tag, remote_tag } = &self.id;
        builder = builder
            .header(HeaderName::MaxForwards, 70)
            .header(HeaderName::From, format_args!("<{}>;tag={local_tag}", self.local_uri));
        builder = if remote_tag.is_empty() {
            builder.header(HeaderName::To, format_args!("<{}>", self.remote_uri))
        } else {
            builder.header(HeaderName::To, format_args!("<{}>;tag={remote_tag}", self.remote_uri))
        };
        builder.header(HeaderName::CallId, call_id).header(HeaderName::CSeq, format_args!("{cseq} {method}"))
    }

    fn within_ceilings(self) -> Result<Self, HeaderError> {
        let texts = [
            ("Call-ID", &self.id.call_id),
            ("From", &self.id.local_tag),
            ("From", &self.id.remote_tag),
            ("From", &self.remote_uri),
            ("To", &self.local_uri),
        ];
        let too_long = texts.iter().find(|(_, text)| text.len() > TEXT_BYTES_MAX).map(|(header, _)| *header);
        too_long.map_or(Ok(self), |header| Err(HeaderError::malformed(header, "too long")))
    }
}

/// Requests whose Contact replaces the remote target (RFC 3261 §6, RFC 6665 §4.4.1, RFC 3311 §5.2).
fn refreshes_target(method: Method<'_>) -> bool {
    matches!(method, Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer)
}

/// The URI of the first Contact.
fn target(headers: &Headers) -> Result<Option<String>, HeaderError> {
    match headers.contacts().next().transpose()?.and_then(Contact::address) {
        Some(contact) => bounded("Contact", contact.name_addr.uri.as_str()).map(Some),
        None => Ok(None),
    }
}

fn record_routes(headers: &Headers) -> Result<Vec<String>, HeaderError> {
    let mut routes = Vec::new();
    for route in headers.addresses(HeaderName::RecordRoute) {
        if routes.len() == ROUTES_MAX {
            return Err(HeaderError::malformed("Record-Route", "too many"));
        }
        routes.push(bounded("Record-Route", route?.uri.as_str())?);
    }
    Ok(routes)
}

fn bounded(header: &'static str, text: &str) -> Result<String, HeaderError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(HeaderError::malformed(header, "too long"));
    }
    Ok(text.to_owned())
}
