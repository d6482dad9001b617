//! Who uploads: subscribers, by HTTP Digest (RFC 7616) with their SIP credentials.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use rcs::Timestamp;
use rcs::address::Address;
use sip::digest::{Authorization, NonceCounter, Target, Verifier};

use super::super::{App, Failure, now};

/// Most nonces whose counts are remembered.
const NONCES_MAX: usize = 50_000;

/// Checks credentials of HTTP requests.
pub struct Gate {
    verifier: Verifier,
    nonces: Mutex<NonceCounter>,
}

impl Gate {
    /// For subscribers of `realm`. `secret` signs nonces, which live for `nonce_life`; `started` is the time of the start.
    pub fn new(realm: &str, secret: [u8; 32], nonce_life: Duration, started: Timestamp) -> Self {
        Self {
            verifier: Verifier::new(realm, secret, nonce_life),
            nonces: Mutex::new(NonceCounter::new(NONCES_MAX, since_epoch(started))),
        }
    }

    /// 401 with a challenge for each algorithm, the stronger first.
    fn challenge(&self, stale: bool) -> Response {
        let mut salt = [0; 8];
        getrandom::fill(&mut salt).expect("the kernel gives random bytes");
        let challenges = self.verifier.challenges(since_epoch(now()), u64::from_ne_bytes(salt), stale);
        let failure =
            Failure::new(StatusCode::UNAUTHORIZED, "a subscriber's credentials are wanted (Digest)");
        let mut response = failure.into_response();
        for challenge in challenges {
            let value = HeaderValue::try_from(challenge).expect("a challenge is printable ASCII");
            response.headers_mut().append(WWW_AUTHENTICATE, value);
        }
        response
    }
}

impl App {
    /// Who makes a request.
    ///
    /// # Errors
    /// The answer that it gets instead: 401, or 400 when its credentials cannot be read.
    pub(super) async fn subscriber(&self, head: &Parts) -> Result<Address, Response> {
        let gate = &self.content.gate;
        let offered = head.headers.get_all(AUTHORIZATION).iter();
        let Some(offered) = offered.filter_map(|value| Authorization::parse(value.as_bytes()).ok()).next()
        else {
            return Err(gate.challenge(false));
        };
        let username = offered.username().into_owned();
        let address = self.numbering.address(&username).ok();
        let account = match address {
            Some(address) => self.read(move |store| store.account(&address)).await,
            None => Ok(None),
        };
        let account = account.map_err(|failure| failure.into_response())?;
        let known = account
            .as_ref()
            .and_then(|account| account.credentials.iter().find(|known| known.username == username));
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let verdict = gate.verifier.verify(
            since_epoch(now()),
            &offered,
            head.method.as_str(),
            Target::Http(target),
            known.map(|known| &known.ha1s),
            &mut gate.nonces.lock().unwrap_or_else(PoisonError::into_inner),
        );
        match (verdict, account) {
            (Ok(()), Some(account)) => Ok(account.address),
            (Err(denied), _) if denied.challenge_stale().is_none() => {
                Err(Failure::bad_request(&denied.to_string()).into_response())
            }
            (Err(denied), _) => Err(gate.challenge(denied.challenge_stale() == Some(true))),
            (Ok(()), None) => Err(gate.challenge(false)),
        }
    }
}

fn since_epoch(now: Timestamp) -> Duration {
    now.since(Timestamp::EPOCH)
}
