//! Who calls: access tokens and self-signed tokens of service accounts, and the token endpoint that exchanges the one for the
//! other (RFC 7523).

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chatbot_api::bearer::{self, NotOpened, Tokens};
use chatbot_api::rbm::jwt::{Fault, Jwt, Use};
use chatbot_api::rbm::token::{self, TOKEN_SECONDS, TokenRefusal};
use chatbot_api::rbm::{self, Code, Refusal};
use rcs::address::Address;
use serde_json::Value;
use store::{Chatbot, Dialect, ServiceAccount};

use crate::http::{App, BODY_BYTES_MAX, Failure, now};

/// `POST /token`, `POST /oauth2/v4/token`.
pub async fn exchange(State(app): State<Arc<App>>, body: Result<Bytes, BytesRejection>) -> Response {
    let (status, answer) = match give(&app, body).await {
        Ok(answer) => (StatusCode::OK, answer),
        Err(TokenFailure::Refused(refusal)) => (StatusCode::BAD_REQUEST, refusal.to_json()),
        Err(TokenFailure::Failed(failure)) => return failure.into_response(),
    };
    app.count_api_call("rbm", "token", status.as_u16().into());
    // RFC 6749 §5.1.
    (status, [(CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}

/// Why no token is given.
enum TokenFailure {
    Refused(TokenRefusal),
    Failed(Failure),
}

async fn give(app: &App, body: Result<Bytes, BytesRejection>) -> Result<Value, TokenFailure> {
    let refused = TokenFailure::Refused;
    let body = body.map_err(|_| {
        let what = format!("the form did not arrive whole, or is over {BODY_BYTES_MAX} bytes");
        refused(TokenRefusal::invalid_request(what))
    })?;
    let assertion = token::read_request(&body).map_err(refused)?;
    let grant = |fault: Fault| match fault {
        Fault::Scope => refused(TokenRefusal::invalid_scope(fault.to_string())),
        fault => refused(TokenRefusal::invalid_grant(fault.to_string())),
    };
    let jwt = Jwt::parse(&assertion).map_err(grant)?;
    let found = caller_of(app, &jwt.claims.issuer).await.map_err(TokenFailure::Failed)?;
    let (chatbot, account) =
        found.ok_or_else(|| refused(TokenRefusal::invalid_grant("iss is no account of this server")))?;
    let key_id = signer(&jwt, &account).ok_or_else(|| grant(Fault::Signature))?;
    jwt.claims.check(Use::Assertion, &app.rbm.audiences, now()).map_err(grant)?;
    let expires_at = now().plus(Duration::from_secs(TOKEN_SECONDS));
    Ok(token::answer(&app.tokens.seal(&chatbot.address, &key_id, expires_at)))
}

/// The chatbot that a call is made for, and its account.
pub(super) async fn authorised(
    app: &App,
    headers: &HeaderMap,
) -> Result<(Arc<Chatbot>, ServiceAccount), Refusal> {
    let unauthenticated = |what: &str| Refusal::new(Code::Unauthenticated, what);
    let failed = |failure: Failure| Refusal::new(Code::Internal, failure.to_string());
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let shown = header.and_then(bearer::of_header);
    let shown = shown.ok_or_else(|| unauthenticated("the call shows no access token"))?;
    if Tokens::is_sealed(shown) {
        let opened = app.tokens.open(shown, now());
        let opened = opened.map_err(|error: NotOpened| unauthenticated(&error.to_string()))?;
        let found = caller(app, opened.chatbot).await.map_err(failed)?;
        let found = found.filter(|(_, account)| account.key(&opened.key_id).is_some());
        return found.ok_or_else(|| unauthenticated("the key that the access token was given for is gone"));
    }
    let jwt = Jwt::parse(shown).map_err(|_| unauthenticated("the access token is none of this server's"))?;
    let found = caller_of(app, &jwt.claims.issuer).await.map_err(failed)?;
    let (chatbot, account) = found.ok_or_else(|| unauthenticated("iss is no account of this server"))?;
    let refused = |fault: Fault| unauthenticated(&format!("the self-signed token is not taken: {fault}"));
    signer(&jwt, &account).ok_or_else(|| refused(Fault::Signature))?;
    jwt.claims.check(Use::Bearer, &app.rbm.audiences, now()).map_err(refused)?;
    Ok((chatbot, account))
}

/// The key of the account that signed: the one that the token names, or any.
fn signer(jwt: &Jwt, account: &ServiceAccount) -> Option<String> {
    let is_named = |id: &str| jwt.key_id.as_deref().is_none_or(|named| named == id);
    let mut keys = account.keys.iter().filter(|key| is_named(&key.id));
    keys.find(|key| jwt.is_signed_by(&key.der)).map(|key| key.id.clone())
}

async fn caller_of(app: &App, issuer: &str) -> Result<Option<(Arc<Chatbot>, ServiceAccount)>, Failure> {
    match rbm::agent(issuer, &app.numbering) {
        Some(chatbot) => caller(app, chatbot).await,
        None => Ok(None),
    }
}

async fn caller(app: &App, address: Address) -> Result<Option<(Arc<Chatbot>, ServiceAccount)>, Failure> {
    let rows =
        app.read(move |store| Ok(store.chatbot(&address)?.zip(store.service_account(&address)?))).await?;
    Ok(rows.filter(|(chatbot, _)| chatbot.dialect == Dialect::Rbm))
}
