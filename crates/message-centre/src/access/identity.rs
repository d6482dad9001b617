//! Who sent a request (RFC 3261 §22, TS 24.229 §5.2.6): a device that registered over the same connection, or somebody who
//! proves it with Digest. What a request says of itself is a claim until then.

use rcs::Timestamp;
use rcs::address::Address;
use sip::digest::Authorization;
use sip::transaction::ServerTxId;
use sip::{Flow, HeaderName, Request, ResponseBuilder};
use store::{Account, Wants};

use crate::delivery::Asker;
use crate::{Centre, Work, transaction_time};

/// A request with the identity that it claims.
#[derive(Debug)]
pub struct Claim<T> {
    /// Where to answer.
    pub tx: ServerTxId,
    /// Whence it came.
    pub flow: Flow,
    /// The request.
    pub request: Request,
    /// Whose it claims to be.
    pub from: Address,
    /// Whether the connection vouches for the claim already.
    pub is_vouched: bool,
    /// What the request asks for.
    pub what: T,
}

/// Which pair of challenge and answer headers a role uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// 401, WWW-Authenticate, Authorization.
    Registrar,
    /// 407, Proxy-Authenticate, Proxy-Authorization.
    Proxy,
}

impl Role {
    fn status(self) -> u16 {
        match self {
            Self::Registrar => 401,
            Self::Proxy => 407,
        }
    }

    fn challenge_header(self) -> HeaderName {
        match self {
            Self::Registrar => HeaderName::WwwAuthenticate,
            Self::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    fn answer_header(self) -> HeaderName {
        match self {
            Self::Registrar => HeaderName::Authorization,
            Self::Proxy => HeaderName::ProxyAuthorization,
        }
    }
}

/// How a look at credentials ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// They are the subscriber's.
    Accepted,
    /// None, or not usable any more: challenge.
    Challenge { stale: bool },
    /// Unreadable, or for another Request-URI: 400.
    Malformed,
}

impl<T> Claim<T> {
    /// The sender, to be answered later.
    pub(crate) fn asker(&self) -> Asker {
        Asker::Request { tx: self.tx, flow: self.flow, request: self.request.clone() }
    }

    /// The rows that [`Centre::is_proven`] reads.
    pub(crate) fn wants(&self, trust_udp_source: bool, wants: &mut Wants) {
        if !self.is_vouched {
            wants.account(&self.from);
            if trust_udp_source {
                wants.bindings(&self.from);
            }
        }
    }
}

impl Centre {
    /// Whether a subscriber registered over this connection.
    pub(crate) fn vouches(&self, flow: Flow, address: &Address, now: Timestamp) -> bool {
        flow.transport.is_reliable()
            && self.flows.get(&flow).is_some_and(|users| {
                // A connection that several subscribers share says nothing about which of them speaks.
                matches!(users.as_slice(), [(user, until)] if user == address && *until > now)
            })
    }

    /// Whether a claim holds. When it does not, the request has been answered.
    pub(crate) fn is_proven<T>(&mut self, claim: &Claim<T>, work: &mut Work<'_>) -> bool {
        if claim.is_vouched || (self.config.trust_udp_source && is_bound_here(claim, work)) {
            return true;
        }
        let account = work.view.account(&claim.from).cloned();
        match self.prove(&claim.request, account.as_ref(), Role::Proxy, work) {
            Proof::Accepted => true,
            Proof::Challenge { stale } => {
                self.challenge(claim.tx, &claim.request, claim.flow, Role::Proxy, stale, work);
                false
            }
            Proof::Malformed => {
                self.answer(claim.tx, &claim.request, claim.flow, 400, work.now);
                false
            }
        }
    }

    /// Checks a request's Digest credentials against an account. An unknown account costs and yields the same as a
    /// wrong password.
    pub(crate) fn prove(
        &mut self,
        request: &Request,
        account: Option<&Account>,
        role: Role,
        work: &Work<'_>,
    ) -> Proof {
        let offered = request.all(role.answer_header()).find_map(|value| Authorization::parse(value).ok());
        let (Some(offered), Ok(uri)) = (offered, request.uri()) else {
            return Proof::Challenge { stale: false };
        };
        let username = offered.username();
        let known =
            account.and_then(|account| account.credentials.iter().find(|known| known.username == username));
        let method = request.method();
        let verdict = self.verifier.verify(
            transaction_time(work.now),
            &offered,
            method.as_str(),
            &uri,
            known.map(|known| &known.ha1s),
            &mut self.nonces,
        );
        match verdict.map_err(|denied| denied.challenge_stale()) {
            Ok(()) => Proof::Accepted,
            Err(Some(stale)) => Proof::Challenge { stale },
            Err(None) => Proof::Malformed,
        }
    }

    /// Answers with one challenge for each algorithm, the stronger first (RFC 8760 §2.4).
    pub(crate) fn challenge(
        &mut self,
        tx: ServerTxId,
        request: &Request,
        flow: Flow,
        role: Role,
        stale: bool,
        work: &mut Work<'_>,
    ) {
        work.stats.challenges += 1;
        let salt = self.random();
        let challenges = self.verifier.challenges(transaction_time(work.now), salt, stale);
        let tag = self.tag();
        let mut response =
            ResponseBuilder::for_request(request, role.status(), "").to_tag(&tag).source(flow.peer);
        for challenge in challenges {
            response = response.header(role.challenge_header(), challenge);
        }
        self.respond(work.now, tx, response.build());
    }
}

/// Whether the request came from where a device of its claimed sender is bound, by UDP.
fn is_bound_here<T>(claim: &Claim<T>, work: &Work<'_>) -> bool {
    let bindings = work.view.bindings(&claim.from);
    bindings.is_some_and(|bindings| bindings.live(work.now).any(|binding| binding.flow == claim.flow))
}
