//! `/cspApi/{version}/…`: management calls of CSPs (`chatbot_api::csp`).
//!
//! A CSP is a tenant: `cspId` and `accessKey` are the two halves of one of its keys, so that keys are made, rotated and taken back
//! in one place. Signatures are made with the key itself, of which only the hash is kept: the access token carries it, sealed
//! under a key that only this deployment has. Every answer but that of a busy server has HTTP status 200 and says how it went in
//! `code`.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chatbot_api::cm::file::Expected;
use chatbot_api::csp::signature::Nonces;
use chatbot_api::csp::{self, Answer, Refusal, Signed, TOKEN_SECONDS, TokenRequest};
use hmac::{Hmac, KeyInit as _, Mac as _};
use message_centre::secret::is_secret;
use rcs::address::Address;
use rcs::{Timestamp, content_type};
use sha2::Sha256;
use store::{Dialect, KeyRole};

use crate::http::content::download;
use crate::http::media::{self, Keep, receive_for};
use crate::http::{App, BODY_BYTES_MAX, Failure, busy, now};

/// What every key of the administration API begins with, before its two halves.
const KEY_PREFIX: &str = "hyk_";

/// Longest access key.
const KEY_BYTES_MAX: usize = 256;

/// Of the nonce of a token, and of its seal.
const SEAL_BYTES: usize = 16;

/// What calls of CSPs need beside the rows.
pub struct Csp {
    key: [u8; 32],
    nonces: Mutex<Nonces>,
}

/// A CSP that has shown who it is.
struct Known {
    /// What its files lie under.
    owner: Address,
    role: KeyRole,
}

impl Csp {
    /// Seals tokens with `key`; what was signed before `now` is good no more.
    pub fn new(key: [u8; 32], now: Timestamp) -> Self {
        Self { key, nonces: Mutex::new(Nonces::new(now)) }
    }

    /// The access token of a CSP whose key this is.
    fn seal(&self, csp_id: &str, access_key: &str, expires_at: Timestamp) -> String {
        let mut token = vec![0; SEAL_BYTES];
        getrandom::fill(&mut token).expect("the kernel gives random bytes");
        let text = format!("{}\n{csp_id}\n{access_key}", expires_at.as_millis());
        let hidden = self.crypt(&token, text.as_bytes());
        token.extend_from_slice(&hidden);
        let seal = self.mac(&[b"seal", &token]);
        token.extend_from_slice(&seal[..SEAL_BYTES]);
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// `cspId` and access key of a token of ours that is in force.
    fn open(&self, token: &str, now: Timestamp) -> Option<(String, String)> {
        let token = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (sealed, seal) = token.split_at_checked(token.len().checked_sub(SEAL_BYTES)?)?;
        let is_ours = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        is_ours.chain_update(b"seal").chain_update(sealed).verify_truncated_left(seal).ok()?;
        let (nonce, hidden) = sealed.split_at_checked(SEAL_BYTES)?;
        let text = String::from_utf8(self.crypt(nonce, hidden)).ok()?;
        let (expires_at, rest) = text.split_once('\n')?;
        let (csp_id, access_key) = rest.split_once('\n')?;
        let is_in_force = now < Timestamp::from_millis(expires_at.parse().ok()?);
        is_in_force.then(|| (csp_id.to_owned(), access_key.to_owned()))
    }

    /// Counter mode over HMAC: the same hides and shows.
    fn crypt(&self, nonce: &[u8], text: &[u8]) -> Vec<u8> {
        let blocks = text.chunks(32).zip(0u32..).flat_map(|(block, number)| {
            let mask = self.mac(&[b"mask", nonce, &number.to_be_bytes()]);
            block.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect::<Vec<_>>()
        });
        blocks.collect()
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        parts.iter().fold(mac, |mac, part| mac.chain_update(part)).finalize().into_bytes().into()
    }

    /// Whether `access_key` has signed the request, for the first time.
    fn admit(&self, csp_id: &str, access_key: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        let header = |name: &str| headers.get(name)?.to_str().ok();
        let signed = Signed::of_headers(header("timestamp"), header("nonce"), header("signature"));
        let admitted = signed.and_then(|signed| {
            signed.verify(access_key)?;
            self.nonces.lock().expect("no holder panics").admit(csp_id, &signed, now())
        });
        admitted.map_err(|error| Refusal::new(401, error.to_string()))
    }
}

/// `accessToken` and `getFile`.
pub async fn call(
    State(app): State<Arc<App>>,
    Path((_, call)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = match (call.as_str(), body) {
        _ if method != Method::POST => Err(Refusal::new(405, format!("{call} wants POST, not {method}"))),
        (_, Err(_)) => Err(Refusal::new(
            413,
            format!("the body did not arrive whole, or is over {BODY_BYTES_MAX} bytes"),
        )),
        ("accessToken", Ok(body)) => {
            token(&app, &headers, &body).await.map(|answer| Json(answer).into_response())
        }
        ("getFile", Ok(body)) => file(&app, &headers, &body).await,
        _ => Err(Refusal::new(404, "there is no such call in this interface")),
    };
    respond(&app, "manage", answer)
}

/// `uploadFile`, beside the other calls: its body takes as long as it takes.
pub async fn upload(State(app): State<Arc<App>>, method: Method, headers: HeaderMap, body: Body) -> Response {
    let answer = match method {
        Method::POST => take(&app, headers, body).await.map(|answer| Json(answer).into_response()),
        _ => Err(Refusal::new(405, format!("uploadFile wants POST, not {method}"))),
    };
    respond(&app, "upload", answer)
}

async fn token(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<Answer, Refusal> {
    let request = TokenRequest::parse(body).map_err(|error| Refusal::new(400, error.to_string()))?;
    let TokenRequest { csp_id, access_key } = request;
    known(app, &csp_id, &access_key).await?;
    app.csp.admit(&csp_id, &access_key, headers)?;
    let expires_at = now().plus(Duration::from_secs(TOKEN_SECONDS.into()));
    Ok(Answer::token(&app.csp.seal(&csp_id, &access_key, expires_at)))
}

async fn take(app: &Arc<App>, mut headers: HeaderMap, body: Body) -> Result<Answer, Refusal> {
    let csp = authorised(app, &headers).await?;
    if csp.role == KeyRole::Auditor {
        return Err(Refusal::new(403, "a key that may only look uploads nothing"));
    }
    // Some clients call a bare file a form: without a boundary it is none.
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content_type::parameter(declared, "boundary").is_none() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    let limits = app.media.limits(Dialect::Ctcu);
    let (expected, keep) = (Expected::default(), |_: &_| Ok(Keep::Temporary));
    let received = receive_for(app, csp.owner, limits, expected, headers, body, keep).await;
    let media = received.map_err(|refusal| refusal_of(&refusal))?.media;
    let media = media.ok_or_else(|| Refusal::new(400, "there is no file in the request"))?;
    Ok(Answer::uploaded(&app.media_url(&media)))
}

async fn file(app: &Arc<App>, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let csp = authorised(app, headers).await?;
    let url = csp::file_url(body).map_err(|error| Refusal::new(400, error.to_string()))?;
    let found = app.media_at(&csp.owner, &url).await.map_err(|failure| failed(&failure))?;
    let found = found.filter(|(media, _)| !media.is_over(now()));
    let (media, body) =
        found.ok_or_else(|| Refusal::new(404, "fileUrl: no file of this CSP, or not any more"))?;
    let answer = download::own_media(app, media, body, &Method::GET, headers).await;
    answer.map_err(|failure| failed(&failure))
}

/// Who calls, by the token and the signature.
async fn authorised(app: &App, headers: &HeaderMap) -> Result<Known, Refusal> {
    let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(csp::token);
    let token = token.ok_or_else(|| Refusal::new(401, "authorization: no access token"))?;
    let opened = app.csp.open(token, now());
    let (csp_id, access_key) =
        opened.ok_or_else(|| Refusal::new(401, "authorization: no token of ours, or one that has lapsed"))?;
    let known = known(app, &csp_id, &access_key).await?;
    app.csp.admit(&csp_id, &access_key, headers)?;
    Ok(known)
}

/// The CSP whose key this is, as its rows are now.
async fn known(app: &App, csp_id: &str, access_key: &str) -> Result<Known, Refusal> {
    let wrong = || Refusal::new(401, "cspId, accessKey: unknown, or not of each other");
    if access_key.len() > KEY_BYTES_MAX || !access_key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(wrong());
    }
    let id = csp_id.to_owned();
    let found = app.read(move |store| {
        let Some(key) = store.api_key(&id)? else { return Ok(None) };
        let tenant = key.tenant.as_deref().map(|tenant| store.tenant(tenant)).transpose()?.flatten();
        Ok(tenant.map(|tenant| (key, tenant)))
    });
    let (key, tenant) = found.await.map_err(|failure| failed(&failure))?.ok_or_else(wrong)?;
    // The whole key will do where its secret half is asked for.
    let secret = access_key.strip_prefix(KEY_PREFIX).and_then(|key| key.split_once('_'));
    let secret = secret.map_or(access_key, |(_, secret)| secret);
    // All that are good are compared, whichever it is.
    if key.hashes(now()).filter(|hash| is_secret(secret, hash)).count() == 0 {
        return Err(wrong());
    }
    if tenant.is_suspended {
        return Err(Refusal::new(403, "the CSP is suspended"));
    }
    let owner = format!("sip:{}@csp.{}", tenant.id, app.numbering.domain);
    Ok(Known { owner: owner.parse().map_err(|_| wrong())?, role: key.role })
}

fn failed(failure: &Failure) -> Refusal {
    Refusal::new(failure.status.as_u16(), failure.to_string())
}

fn refusal_of(refusal: &media::Refusal) -> Refusal {
    Refusal::new(refusal.status().as_u16(), refusal.to_string())
}

fn respond(app: &App, call: &'static str, answer: Result<Response, Refusal>) -> Response {
    let code = answer.as_ref().err().map_or(0, |refusal| refusal.code);
    app.count_api_call("csp", call, code.into());
    match answer {
        Ok(response) => response,
        Err(refusal) if matches!(refusal.code, 429 | 503) => busy(Json(refusal.answer())),
        Err(refusal) => Json(refusal.answer()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_while_it_is_in_force_and_for_who_sealed_it() {
        let now = Timestamp::from_seconds(1_795_433_618);
        let csp = Csp::new([7; 32], now);
        let token = csp.seal("c1", "a-key", now.plus(Duration::from_secs(1)));
        assert_eq!(csp.open(&token, now), Some(("c1".to_owned(), "a-key".to_owned())));
        assert!(!token.contains("a-key"));
        assert_eq!(csp.open(&token, now.plus(Duration::from_secs(1))), None);
        assert_eq!(Csp::new([8; 32], now).open(&token, now), None);
        assert_ne!(token, csp.seal("c1", "a-key", now.plus(Duration::from_secs(1))));
        let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).expect("base64");
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            assert_eq!(csp.open(&BASE64_URL_SAFE_NO_PAD.encode(&bytes), now), None, "{at}");
            bytes[at] ^= 1;
            assert_eq!(csp.open(&BASE64_URL_SAFE_NO_PAD.encode(&bytes[..at]), now), None, "{at}");
        }
        assert_eq!(csp.open("", now), None);
    }
}
