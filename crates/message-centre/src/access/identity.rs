//! Who sent a request (RFC 3261 §22, TS 24.229 §5.2.6): a device that registered over the same connection, or somebody who
//! proves it with Digest. What a request says of itself is a claim until then.

use rcs::Timestamp;
use rcs::address::Address;
use sip::digest::{Authorization, Denied, Ha1s};
use sip::transaction::ServerTxId;
use sip::{Flow, HeaderName, Request, ResponseBuilder};
use store::Wants;

use super::Refusal;
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
    Accepted(By),
    /// None, or not usable any more: challenge.
    Challenge { stale: bool },
    /// Unreadable, or for another Request-URI: 400.
    Malformed,
    /// Not looked at: there were too many wrong ones. 503.
    TooMany { wait_s: u64 },
}

/// Whose secret it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// The account's password.
    Account,
    /// What a configured device was given: its place, and how many documents ago.
    Device(usize, usize),
}

/// The rows that [`Centre::prove`] reads.
pub(crate) fn proof_wants(address: &Address, wants: &mut Wants) {
    wants.account(address);
    wants.configuration(address);
}

impl<T> Claim<T> {
    /// The sender, to be answered later.
    pub(crate) fn asker(&self) -> Asker {
        Asker::Request { tx: self.tx, flow: self.flow, request: self.request.clone() }
    }

    /// The rows that [`Centre::is_proven`] reads.
    pub(crate) fn wants(&self, trust_udp_source: bool, wants: &mut Wants) {
        if !self.is_vouched {
            proof_wants(&self.from, wants);
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
        match self.prove(&claim.request, &claim.from, claim.flow, Role::Proxy, work) {
            Proof::Accepted(_) => true,
            Proof::Challenge { stale } => {
                self.challenge(claim.tx, &claim.request, claim.flow, Role::Proxy, stale, work);
                false
            }
            Proof::Malformed => {
                self.answer(claim.tx, &claim.request, claim.flow, 400, work.now);
                false
            }
            Proof::TooMany { wait_s } => {
                let refusal = Refusal::WrongPasswords { wait_s };
                self.refuse(claim.tx, &claim.request, claim.flow, &refusal, work.now);
                false
            }
        }
    }

    /// The device that sent a request: the one bound over the same flow, or the one that the Contact names by its GRUU.
    pub(crate) fn device_of<T>(&self, claim: &Claim<T>, work: &Work<'_>) -> Result<String, Refusal> {
        let bindings = work.view.bindings(&claim.from);
        let live = || bindings.into_iter().flat_map(|bindings| bindings.live(work.now));
        if let Some(binding) = live().find(|binding| binding.flow == claim.flow) {
            return Ok(binding.device().to_owned());
        }
        let contact = claim.request.address(HeaderName::Contact)?;
        let (address, device) = self.target(contact.uri.as_str())?;
        let named = live().find(|binding| {
            binding.contact_uri == contact.uri.as_str()
                || (address == claim.from
                    && device.as_ref().is_some_and(|named| {
                        named.instance == binding.device()
                            && named.is_valid(&self.gruu_key, bindings, work.now)
                    }))
        });
        named
            .map(|binding| binding.device().to_owned())
            .ok_or(Refusal::forbidden("this is for registered devices"))
    }

    /// Checks a request's Digest credentials against those of a subscriber. An unknown one costs and yields the same as a
    /// wrong password.
    pub(crate) fn prove(
        &mut self,
        request: &Request,
        address: &Address,
        flow: Flow,
        role: Role,
        work: &Work<'_>,
    ) -> Proof {
        let offered = request.all(role.answer_header()).find_map(|value| Authorization::parse(value).ok());
        let (Some(offered), Ok(uri)) = (offered, request.uri()) else {
            return Proof::Challenge { stale: false };
        };
        if let Some(wait) = self.guesses.wait(address, flow.peer.ip(), work.now)
            && !self.has_registered(flow, address, role, work)
        {
            return Proof::TooMany { wait_s: wait.as_secs() + 1 };
        }
        let username = offered.username();
        let account = work.view.account(address);
        let of_account = account.into_iter().flat_map(|account| &account.credentials);
        let of_account =
            of_account.filter(|known| known.username == username).map(|known| (By::Account, &known.ha1s));
        // Without an account there is no device either.
        let of_devices = account.and_then(|_| work.view.configuration(address));
        let of_devices = of_devices.into_iter().flat_map(|devices| devices.credentials(&username));
        let of_devices = of_devices.map(|(place, age, known)| (By::Device(place, age), &known.ha1s));
        let known: Vec<(By, Option<&Ha1s>)> =
            of_account.chain(of_devices).map(|(by, ha1s)| (by, Some(ha1s))).collect();
        let known = if known.is_empty() { vec![(By::Account, None)] } else { known };
        let mut denied = Denied::Wrong;
        for (by, ha1s) in known {
            let now = transaction_time(work.now);
            let method = request.method();
            match self.verifier.verify(now, &offered, method.as_str(), &uri, ha1s, &mut self.nonces) {
                Ok(()) => return Proof::Accepted(by),
                Err(Denied::Wrong) => {}
                Err(other) => denied = other,
            }
        }
        if denied == Denied::Wrong {
            self.guesses.wrong(address, flow.peer.ip(), work.now);
        }
        match denied.challenge_stale() {
            Some(stale) => Proof::Challenge { stale },
            None => Proof::Malformed,
        }
    }

    /// Whether a device of this subscriber has registered over this very flow: what others behind its address guess does not
    /// keep it from refreshing that.
    fn has_registered(&self, flow: Flow, address: &Address, role: Role, work: &Work<'_>) -> bool {
        let over_connection =
            self.flows.get(&flow).is_some_and(|users| users.iter().any(|(user, _)| user == address));
        over_connection
            || (role == Role::Registrar
                && work
                    .view
                    .bindings(address)
                    .is_some_and(|bindings| bindings.live(work.now).any(|binding| binding.flow == flow)))
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
pub(crate) fn is_bound_here<T>(claim: &Claim<T>, work: &Work<'_>) -> bool {
    let bindings = work.view.bindings(&claim.from);
    bindings.is_some_and(|bindings| bindings.live(work.now).any(|binding| binding.flow == claim.flow))
}
