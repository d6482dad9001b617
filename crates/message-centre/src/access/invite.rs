//! INVITE from a handset: a chat with somebody, or one large message for somebody (RFC 3261 §13, RCC.07, OMA CPM). What comes
//! of it is decided in [`crate::session`].

use msrp::sdp::{self, Description};
use rcs::address::{Address, AddressKind};
use rcs::capability::{Capabilities, Wanted};
use rcs::multipart;
use sip::{HeaderName, Request};
use store::Wants;

use super::Refusal;
use super::identity::Claim;
use super::message::id_header;
use crate::Centre;
use crate::blocks::block_wants;
use crate::gruu::Device;
use crate::session::Kind;

/// ICSI of large-mode standalone messages.
pub(crate) const CPM_LARGE_MESSAGE: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.largemsg";
/// ICSI of chat sessions.
pub(crate) const CPM_SESSION: &str = "urn:urn-7:3gpp-service.ims.icsi.oma.cpm.session";

/// An INVITE that is well formed.
#[derive(Debug)]
pub struct Invite {
    /// Whom it invites.
    pub(crate) to: Address,
    /// The one device it is for, when the Request-URI was a GRUU.
    pub(crate) device: Option<Device>,
    /// What for.
    pub(crate) kind: Kind,
    pub(crate) conversation_id: Option<String>,
    pub(crate) contribution_id: Option<String>,
    /// The session that is offered.
    pub(crate) offer: Description,
    /// What the devices must be able to do, from the Accept-Contacts that say `require`.
    wanted: Vec<Wanted>,
}

impl Invite {
    /// Reads what an INVITE asks for. Which identity may send it is not looked at here.
    pub(crate) fn read(centre: &Centre, request: &Request) -> Result<Self, Refusal> {
        let (to, device) = centre.target(request.uri_text())?;
        let offer = Description::parse(&description(request)?)
            .map_err(|error| Refusal::NotOfferable(error.to_string()))?;
        let required = request.accept_contacts().filter_map(Result::ok).filter(|one| one.require());
        let wanted = required.map(|one| {
            let features: Vec<String> = one
                .features()
                .iter()
                .map(|(tag, value)| match value {
                    Some(value) => format!("{tag}=\"{value}\""),
                    None => tag.to_owned(),
                })
                .collect();
            Wanted::parse(&format!("*;{}", features.join(";")))
        });
        let wanted = wanted.collect();
        Ok(Self {
            to,
            device,
            kind: kind_of(request)?,
            conversation_id: id_header(request, HeaderName::ConversationId)?,
            contribution_id: id_header(request, HeaderName::ContributionId)?,
            offer,
            wanted,
        })
    }

    /// Whether a device can do what the INVITE requires (RFC 3841).
    pub(crate) fn is_met_by(&self, device: &Capabilities) -> bool {
        self.wanted.iter().all(|wanted| wanted.is_met_by(device))
    }
}

impl Claim<Invite> {
    pub(crate) fn invite_wants(&self, trust_udp_source: bool, wants: &mut Wants) {
        self.wants(trust_udp_source, wants);
        wants.bindings(&self.from);
        block_wants(&self.what.to, wants);
        match self.what.to.kind() {
            AddressKind::Chatbot => wants.chatbot(&self.what.to),
            AddressKind::Group => wants.group(&self.what.to),
            _ => {
                wants.account(&self.what.to);
                wants.bindings(&self.what.to);
            }
        }
    }
}

/// Whether a device means to hand over one large message.
pub(crate) fn is_large(request: &Request) -> bool {
    kind_of(request).is_ok_and(|kind| kind == Kind::Large)
}

/// The service asked for: what the client prefers, else what it wants the devices to have; a chat when nothing says.
fn kind_of(request: &Request) -> Result<Kind, Refusal> {
    let preferred = request.header(HeaderName::PPreferredService).unwrap_or_default();
    let wanted = request.accept_contacts().filter_map(Result::ok);
    let wanted: Vec<String> = wanted
        .flat_map(|one| one.features().values("+g.3gpp.icsi-ref").map(String::from).collect::<Vec<_>>())
        .collect();
    let asks_for = |service: &str| {
        preferred.eq_ignore_ascii_case(service)
            || (preferred.is_empty() && wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(service)))
    };
    if asks_for(CPM_LARGE_MESSAGE) {
        Ok(Kind::Large)
    } else if asks_for("urn:urn-7:3gpp-service.ims.icsi.oma.cpm.filetransfer") {
        Err(Refusal::NotOfferable("files go over HTTP here".to_owned()))
    } else {
        Ok(Kind::Chat)
    }
}

/// The session description: the whole body, or a part of it.
fn description(request: &Request) -> Result<bytes::Bytes, Refusal> {
    let content_type = request.content_type().unwrap_or_default();
    if request.is_content_type(sdp::CONTENT_TYPE) {
        return Ok(request.body_bytes());
    }
    if multipart::is_multipart(&content_type) {
        let parts = multipart::parse(&content_type, &request.body_bytes())
            .map_err(|error| Refusal::bad(error.to_string()))?;
        if let Some(part) = parts.into_iter().find(|part| part.is(sdp::CONTENT_TYPE)) {
            return Ok(part.body);
        }
    }
    Err(Refusal::NotOfferable("an offer in the INVITE is wanted".to_owned()))
}
