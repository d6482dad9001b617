//! Who uploads, or changes something of their own: subscribers, by HTTP Digest (RFC 7616) with their SIP credentials or those
//! of a configured device.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use message_centre::access::guesses::Guesses;
use message_centre::provisioning::subscriber_of;
use rcs::Timestamp;
use rcs::address::Address;
use sip::digest::{Authorization, Denied, NonceCounter, Target, Verifier};

use super::super::{App, Failure, Peer, now};

/// Most nonces whose counts are remembered.
const NONCES_MAX: usize = 50_000;

/// Checks credentials of HTTP requests.
pub struct Gate {
    verifier: Verifier,
    nonces: Mutex<NonceCounter>,
    guesses: Mutex<Guesses>,
}

impl Gate {
    /// For subscribers of `realm`. `secret` signs nonces, which live for `nonce_life`; `started` is the time of the start. So
    /// many wrong passwords as `guesses` says are looked at.
    pub fn new(
        realm: &str,
        secret: [u8; 32],
        nonce_life: Duration,
        started: Timestamp,
        guesses: Guesses,
    ) -> Self {
        Self {
            verifier: Verifier::new(realm, secret, nonce_life),
            guesses: Mutex::new(guesses),
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
    /// The answer that it gets instead: 401, 400 when its credentials cannot be read, or 429 after too many wrong ones.
    pub(in crate::http) async fn subscriber(&self, head: &Parts) -> Result<Address, Response> {
        let gate = &self.content.gate;
        let offered = head.headers.get_all(AUTHORIZATION).iter();
        let Some(offered) = offered.filter_map(|value| Authorization::parse(value.as_bytes()).ok()).next()
        else {
            return Err(gate.challenge(false));
        };
        let username = offered.username().into_owned();
        let address = subscriber_of(&username, &self.numbering);
        let source = head.extensions.get::<Peer>().map(|peer| peer.address.ip());
        let guess = address.clone().zip(source);
        let guesses = || gate.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((address, source)) = &guess
            && let Some(wait) = guesses().wait(address, *source, now())
        {
            let mut response = Failure::busy().into_response();
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
            return Err(response);
        }
        let known = match address.clone() {
            Some(address) => self.read(move |store| store.credentials(&address, &username)).await,
            None => Ok(Vec::new()),
        };
        let known = known.map_err(|failure| failure.into_response())?;
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let verify = |ha1s| {
            gate.verifier.verify(
                since_epoch(now()),
                &offered,
                head.method.as_str(),
                Target::Http(target),
                ha1s,
                &mut gate.nonces.lock().unwrap_or_else(PoisonError::into_inner),
            )
        };
        // Nobody of that name costs and yields the same as a wrong password.
        let none = known.is_empty().then_some(None);
        let mut denied = Denied::Wrong;
        for ha1s in known.iter().map(|known| Some(&known.ha1s)).chain(none) {
            match (verify(ha1s), &address) {
                (Ok(()), Some(address)) => return Ok(address.clone()),
                (Ok(()), None) | (Err(Denied::Wrong), _) => {}
                (Err(other), _) => denied = other,
            }
        }
        if let (Denied::Wrong, Some((address, source))) = (&denied, &guess) {
            guesses().wrong(address, *source, now());
        }
        match denied.challenge_stale() {
            Some(stale) => Err(gate.challenge(stale)),
            None => Err(Failure::bad_request(&denied.to_string()).into_response()),
        }
    }
}

fn since_epoch(now: Timestamp) -> Duration {
    now.since(Timestamp::EPOCH)
}
