//! OPTIONS: what the peer can do (RFC 3261 §11, RCC.07 capability exchange).
//!
//! The answer is the union of what the addressee's devices said of themselves when they registered: they refresh that
//! whenever it changes, and asking each of them again would only wait for the slowest.

use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use rcs::capability::{Capabilities, Capability};
use sip::transaction::ServerTxId;
use sip::{Flow, HeaderName, Request, ResponseBuilder};
use store::Wants;

use super::identity::Claim;
use super::{ALLOW, Refusal};
use crate::events::ALLOW_EVENTS;
use crate::{Centre, Work};

/// Body types that a handset may send through us.
const ACCEPT: &str = "message/cpim, text/plain, message/imdn+xml, application/im-iscomposing+xml, \
     application/vnd.gsma.rcs-ft-http+xml, application/vnd.gsma.rcspushlocation+xml, \
     application/vnd.gsma.rcsrevoke+xml, application/vnd.gsma.rcsspam-report+xml, \
     application/vnd.gsma.botsuggestion.response.v1.0+json, application/vnd.gsma.botsharedclientdata.v1.0+json";

/// A question for somebody's capabilities.
#[derive(Debug)]
pub struct Options {
    /// Whose.
    pub to: Address,
}

impl Options {
    pub(crate) fn read(centre: &Centre, request: &Request) -> Result<Self, Refusal> {
        let (to, _) = centre.target(request.uri_text())?;
        Ok(Self { to })
    }
}

impl Claim<Options> {
    pub(crate) fn options_wants(&self, trust_udp_source: bool, wants: &mut Wants) {
        self.wants(trust_udp_source, wants);
        capabilities_wants(&self.what.to, wants);
    }
}

/// Whether an OPTIONS asks about us and not about a user: no user part, a keep-alive more often than not.
pub(crate) fn is_for_us(request: &Request) -> bool {
    request.uri().is_ok_and(|uri| uri.user().is_none())
}

impl Centre {
    /// 200 with what we are.
    pub(crate) fn answer_for_us(&mut self, tx: ServerTxId, request: &Request, flow: Flow, now: Timestamp) {
        self.answer_options(tx, request, flow, None, now);
    }

    pub(crate) fn decide_options(&mut self, claim: Claim<Options>, work: &mut Work<'_>) {
        if !self.is_proven(&claim, work) {
            return;
        }
        match capabilities_of(&claim.what.to, work) {
            Ok(capabilities) => {
                let mut contact = format!("<{}>", claim.what.to.sip_uri(self.config.domain()));
                let parameters = capabilities.to_parameters();
                if !parameters.is_empty() {
                    contact.push(';');
                    contact.push_str(&parameters);
                }
                self.answer_options(claim.tx, &claim.request, claim.flow, Some(contact), work.now);
            }
            Err(refusal) => self.refuse(claim.tx, &claim.request, claim.flow, &refusal, work.now),
        }
    }

    fn answer_options(
        &mut self,
        tx: ServerTxId,
        request: &Request,
        flow: Flow,
        contact: Option<String>,
        now: Timestamp,
    ) {
        let tag = self.tag();
        let mut response = ResponseBuilder::for_request(request, 200, "OK").to_tag(&tag).source(flow.peer);
        if let Some(contact) = contact {
            response = response.header(HeaderName::Contact, contact);
        }
        let response = response
            .header(HeaderName::Allow, ALLOW)
            .header(HeaderName::Accept, ACCEPT)
            .header(HeaderName::AcceptEncoding, "identity, deflate")
            .header(HeaderName::AllowEvents, ALLOW_EVENTS)
            .header(HeaderName::Supported, "path, gruu, outbound")
            .build();
        self.respond(now, tx, response);
    }
}

/// The rows that [`capabilities_of`] reads.
pub(crate) fn capabilities_wants(to: &Address, wants: &mut Wants) {
    match to.kind() {
        AddressKind::Chatbot => wants.chatbot(to),
        _ => {
            wants.account(to);
            wants.bindings(to);
        }
    }
}

/// What an addressee can do now. 404: nobody of that name; 480: nothing known at the moment, ask again later.
pub(crate) fn capabilities_of(to: &Address, work: &Work<'_>) -> Result<Capabilities, Refusal> {
    match to.kind() {
        AddressKind::Chatbot => {
            work.view.chatbot(to).ok_or(Refusal::NotFound)?;
            let mut capabilities = Capabilities::default();
            for capability in [
                Capability::CpmMessage,
                Capability::ChatbotSession,
                Capability::ChatbotStandalone,
                Capability::BotVersion1,
                Capability::IsBot,
            ] {
                capabilities.insert(capability);
            }
            Ok(capabilities)
        }
        _ => {
            work.view.account(to).ok_or(Refusal::NotFound)?;
            let bindings = work.view.bindings(to).ok_or(Refusal::Unavailable)?;
            let devices = bindings.live(work.now).map(|binding| &binding.capabilities);
            devices
                .fold(None, |union: Option<Capabilities>, device| {
                    Some(union.unwrap_or_default().union(device))
                })
                .ok_or(Refusal::Unavailable)
        }
    }
}
