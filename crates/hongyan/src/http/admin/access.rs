//! Who may make which call of the administration API, and the audit log of those that change something: one layer around all
//! calls, so that none can be forgotten.
//!
//! | role | of the operator (no tenant) | of a tenant |
//! |---|---|---|
//! | `operator` | everything; so may the token of the data directory | – |
//! | `tenant-admin` | – | what is the tenant's, and its keys |
//! | `developer` | – | what is the tenant's, but not its keys |
//! | `auditor` | looks at everything | looks at what is the tenant's |
//!
//! What a tenant has no business with is 403 when it is a kind of thing (subscribers), and 404 when it is a thing of somebody
//! else (another's chatbot): whether that exists is nobody's affair. [`CALLS`] says what each call is; one that is not there is
//! the operator's alone.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use maap::manage;
use message_centre::secret::is_secret;
use rcs::Timestamp;
use rcs::address::{Address, AddressKind};
use sha2::{Digest as _, Sha256};
use store::{Act, Contact, EntryId, FileId, KeyRole, Store, StoreError};

use crate::http::{App, Failure, Peer, now};

/// Under which path the calls lie.
pub(super) const BASE: &str = "/admin/v1";

/// Who makes a call, for handlers that answer differently by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The public half of the key; `None` for the token of the data directory.
    pub key: Option<String>,
    /// Whose the key is; `None` for the operator's.
    pub tenant: Option<String>,
    /// What it opens.
    pub role: KeyRole,
}

/// What an act was about, where its path does not say: beside the answer ([`axum::Extension`]), for the audit log.
#[derive(Debug, Clone)]
pub struct About {
    /// The path of what was made.
    pub target: String,
    /// Whose it is; `None` for the operator's.
    pub tenant: Option<String>,
}

impl About {
    /// Something that was made, as the path of a call that shows it.
    pub fn made(target: String, tenant: Option<String>) -> Extension<Self> {
        Extension(Self { target, tenant })
    }
}

/// Who may make a call at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// The operator's people.
    Platform,
    /// They, and a tenant's about what is its own.
    Tenant,
}

/// What a call is about, as its path names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// Nothing that has an owner; or what the handler finds, which then looks who calls.
    Nothing,
    /// The chatbot that this parameter of the path names.
    Chatbot(&'static str),
    /// The campaign.
    Campaign(&'static str),
    /// One of the media of a chatbot.
    Media(&'static str),
    /// The key.
    Key(&'static str),
    /// The tenant itself.
    Tenant(&'static str),
}

/// What a role must be good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    /// To look.
    Look,
    /// To work with what there is.
    Work,
    /// To say who may.
    Rule,
}

struct Access {
    method: Method,
    path: &'static str,
    scope: Scope,
    power: Power,
    subject: Subject,
}

const fn call(method: Method, path: &'static str, scope: Scope, power: Power, subject: Subject) -> Access {
    Access { method, path, scope, power, subject }
}

/// Every call.
const CALLS: &[Access] = {
    use Power::{Look, Rule, Work};
    use Scope::{Platform, Tenant};
    use Subject::{Campaign, Chatbot, Key, Media, Nothing};
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PUT: Method = Method::PUT;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    &[
        call(GET, "/subscribers", Platform, Look, Nothing),
        call(POST, "/subscribers", Platform, Work, Nothing),
        call(GET, "/subscribers/{number}", Platform, Look, Nothing),
        call(DELETE, "/subscribers/{number}", Platform, Work, Nothing),
        // A one-time password makes one the subscriber: to see it is more than to look.
        call(GET, "/subscribers/{number}/otp", Platform, Work, Nothing),
        call(GET, "/subscribers/{number}/configuration", Platform, Look, Nothing),
        call(PATCH, "/subscribers/{number}/configuration", Platform, Work, Nothing),
        call(DELETE, "/subscribers/{number}/configuration/devices", Platform, Work, Nothing),
        call(DELETE, "/subscribers/{number}/configuration/devices/{device}", Platform, Work, Nothing),
        call(GET, "/subscribers/{number}/blocked", Platform, Look, Nothing),
        call(PUT, "/subscribers/{number}/blocked/{whom}", Platform, Work, Nothing),
        call(DELETE, "/subscribers/{number}/blocked/{whom}", Platform, Work, Nothing),
        call(GET, "/subscribers/{number}/history", Platform, Look, Nothing),
        call(PUT, "/subscribers/{number}/history", Platform, Work, Nothing),
        call(DELETE, "/subscribers/{number}/history", Platform, Work, Nothing),
        call(GET, "/spam-reports", Platform, Look, Nothing),
        call(GET, "/chatbots", Tenant, Look, Nothing),
        call(POST, "/chatbots", Tenant, Work, Nothing),
        call(GET, "/chatbots/{name}", Tenant, Look, Chatbot("name")),
        call(PATCH, "/chatbots/{name}", Tenant, Work, Chatbot("name")),
        call(DELETE, "/chatbots/{name}", Tenant, Work, Chatbot("name")),
        call(POST, "/chatbots/{name}/test", Tenant, Work, Chatbot("name")),
        call(POST, "/chatbots/{name}/submit", Tenant, Work, Chatbot("name")),
        // What the operator stops, or lets be shown, no tenant decides.
        call(POST, "/chatbots/{name}/suspend", Platform, Work, Chatbot("name")),
        call(POST, "/chatbots/{name}/resume", Platform, Work, Chatbot("name")),
        call(POST, "/chatbots/{name}/reviews/{topic}/approve", Platform, Work, Chatbot("name")),
        call(POST, "/chatbots/{name}/reviews/{topic}/reject", Platform, Work, Chatbot("name")),
        call(GET, "/reviews", Tenant, Look, Nothing),
        call(GET, "/chatbots/{name}/links", Tenant, Look, Chatbot("name")),
        call(GET, "/chatbots/{name}/qr.svg", Tenant, Look, Chatbot("name")),
        call(GET, "/chatbots/{name}/qr.png", Tenant, Look, Chatbot("name")),
        call(GET, "/chatbots/{name}/keys", Tenant, Look, Chatbot("name")),
        call(POST, "/chatbots/{name}/keys", Tenant, Work, Chatbot("name")),
        call(DELETE, "/chatbots/{name}/keys/{key}", Tenant, Work, Chatbot("name")),
        call(GET, "/chatbots/{name}/invitations", Tenant, Look, Chatbot("name")),
        // What a user has agreed to, no tenant says.
        call(PUT, "/chatbots/{name}/invitations/{number}", Platform, Work, Chatbot("name")),
        call(DELETE, "/chatbots/{name}/invitations/{number}", Tenant, Work, Chatbot("name")),
        call(GET, "/chatbots/{name}/rules", Tenant, Look, Chatbot("name")),
        call(PUT, "/chatbots/{name}/rules", Platform, Rule, Chatbot("name")),
        call(GET, "/chatbots/{name}/usage", Tenant, Look, Chatbot("name")),
        // These tell numbers, which a chatbot need not know.
        call(GET, "/chatbots/{name}/contacts", Platform, Look, Chatbot("name")),
        call(GET, "/chatbots/{name}/contacts/{number}", Platform, Look, Chatbot("name")),
        call(PATCH, "/chatbots/{name}/contacts/{number}", Platform, Work, Chatbot("name")),
        call(GET, "/dead-letters", Platform, Look, Nothing),
        call(GET, "/chatbots/{name}/dead-letters", Platform, Look, Chatbot("name")),
        call(DELETE, "/chatbots/{name}/dead-letters", Platform, Work, Chatbot("name")),
        call(GET, "/chatbots/{name}/dead-letters/{id}", Platform, Look, Chatbot("name")),
        call(DELETE, "/chatbots/{name}/dead-letters/{id}", Platform, Work, Chatbot("name")),
        call(POST, "/chatbots/{name}/dead-letters/replay", Tenant, Work, Chatbot("name")),
        call(PUT, "/chatbots/{name}/tenant", Platform, Rule, Chatbot("name")),
        call(DELETE, "/chatbots/{name}/tenant", Platform, Rule, Chatbot("name")),
        call(GET, "/chatbots/{name}/templates/{template}", Tenant, Look, Chatbot("name")),
        call(PUT, "/chatbots/{name}/templates/{template}", Tenant, Work, Chatbot("name")),
        call(DELETE, "/chatbots/{name}/templates/{template}", Tenant, Work, Chatbot("name")),
        call(GET, "/templates", Tenant, Look, Nothing),
        call(GET, "/campaigns", Tenant, Look, Nothing),
        call(POST, "/campaigns", Tenant, Work, Nothing),
        call(GET, "/campaigns/{id}", Tenant, Look, Campaign("id")),
        call(PATCH, "/campaigns/{id}", Tenant, Work, Campaign("id")),
        call(DELETE, "/campaigns/{id}", Tenant, Work, Campaign("id")),
        call(POST, "/campaigns/{id}/recipients", Tenant, Work, Campaign("id")),
        call(POST, "/campaigns/{id}/start", Tenant, Work, Campaign("id")),
        call(POST, "/campaigns/{id}/pause", Tenant, Work, Campaign("id")),
        call(POST, "/campaigns/{id}/resume", Tenant, Work, Campaign("id")),
        call(POST, "/campaigns/{id}/cancel", Tenant, Work, Campaign("id")),
        call(GET, "/campaigns/{id}/outcomes", Tenant, Look, Campaign("id")),
        call(GET, "/groups", Platform, Look, Nothing),
        call(GET, "/groups/{group}", Platform, Look, Nothing),
        call(PUT, "/groups/{group}/icon", Platform, Work, Nothing),
        call(DELETE, "/groups/{group}/icon", Platform, Work, Nothing),
        call(GET, "/mailboxes/{address}", Platform, Look, Nothing),
        call(GET, "/files", Platform, Look, Nothing),
        call(GET, "/files/{id}", Platform, Look, Nothing),
        call(DELETE, "/files/{id}", Platform, Work, Nothing),
        call(GET, "/media", Tenant, Look, Nothing),
        call(POST, "/media", Tenant, Work, Nothing),
        call(GET, "/media/{id}", Tenant, Look, Media("id")),
        call(DELETE, "/media/{id}", Tenant, Work, Media("id")),
        call(GET, "/trace/{message_id}", Tenant, Look, Nothing),
        call(POST, "/messages", Tenant, Work, Nothing),
        call(GET, "/tenants", Tenant, Look, Nothing),
        call(POST, "/tenants", Platform, Rule, Nothing),
        call(GET, "/tenants/{tenant}", Tenant, Look, Subject::Tenant("tenant")),
        call(PATCH, "/tenants/{tenant}", Platform, Rule, Subject::Tenant("tenant")),
        call(DELETE, "/tenants/{tenant}", Platform, Rule, Subject::Tenant("tenant")),
        call(GET, "/keys", Tenant, Rule, Nothing),
        call(POST, "/keys", Tenant, Rule, Nothing),
        call(POST, "/keys/{id}/rotate", Tenant, Rule, Key("id")),
        call(DELETE, "/keys/{id}", Tenant, Rule, Key("id")),
        call(GET, "/audit-log", Tenant, Look, Nothing),
    ]
};

/// A call that no row names.
const UNNAMED: &Access = &call(Method::GET, "", Scope::Platform, Power::Rule, Subject::Nothing);

/// Every call as method and path, with parameters in braces.
pub fn calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    CALLS.iter().map(|access| (access.method.as_str(), access.path))
}

impl Caller {
    /// Who has the token of the data directory.
    pub(super) const ROOT: Self = Self { key: None, tenant: None, role: KeyRole::Operator };

    /// Whether the caller may see and touch what is `tenant`'s.
    pub fn owns(&self, tenant: Option<&str>) -> bool {
        self.tenant.is_none() || self.tenant.as_deref() == tenant
    }

    fn may(&self, access: &Access) -> bool {
        let is_within = self.tenant.is_none() || access.scope == Scope::Tenant;
        let is_able = match access.power {
            Power::Look => true,
            Power::Work => self.role != KeyRole::Auditor,
            Power::Rule => matches!(self.role, KeyRole::Operator | KeyRole::TenantAdmin),
        };
        is_within && is_able
    }
}

/// The layer: who calls, whether they may, and a row of the audit log for what changes something.
pub(super) async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut answer = match pass(&app, request, next).await {
        Ok(answer) => answer,
        Err(failure) if failure.status == StatusCode::UNAUTHORIZED => {
            ([(WWW_AUTHENTICATE, "Bearer")], failure).into_response()
        }
        Err(failure) => failure.into_response(),
    };
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn pass(app: &Arc<App>, request: Request, next: Next) -> Result<Response, Failure> {
    let caller = caller(app, request.headers()).await?;
    let (mut parts, body) = request.into_parts();
    let Some(path) = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned()) else {
        return Err(no_such_call());
    };
    let path = path.strip_prefix(BASE).unwrap_or(&path);
    let access = CALLS.iter().find(|access| access.method == parts.method && access.path == path);
    let access = access.unwrap_or(UNNAMED);
    let params = RawPathParams::from_request_parts(&mut parts, app).await.ok();
    let owner = owner(app, access.subject, params.as_ref()).await?;
    // Not all that can be looked at may be looked at unnoticed.
    let is_act = parts.method != Method::GET || access.power == Power::Work;
    let refusal = if !caller.may(access) {
        Some(Failure::new(
            StatusCode::FORBIDDEN,
            format!("a key of role {} may not do this", role_word(caller.role)),
        ))
    } else if access.subject != Subject::Nothing && !caller.owns(owner.as_deref()) {
        Some(Failure::not_found("there is no such thing"))
    } else {
        None
    };
    if !is_act {
        return match refusal {
            Some(failure) => Err(failure),
            None => {
                parts.extensions.insert(caller);
                Ok(next.run(Request::from_parts(parts, body)).await)
            }
        };
    }
    let from = parts.extensions.get::<Peer>().map(|peer| peer.address.ip().to_string()).unwrap_or_default();
    let act = Act {
        id: EntryId::FIRST,
        at: Timestamp::EPOCH,
        key: caller.key.clone(),
        tenant: caller.tenant.clone(),
        role: caller.role,
        call: format!("{} {path}", parts.method),
        target: clipped(parts.uri.path().strip_prefix(BASE).unwrap_or(parts.uri.path())),
        of_tenant: None,
        from,
        status: None,
    };
    // Before the act: one that is done and not in the log cannot be.
    let manage::Answer::Begun(id) = app.manage(manage::Call::BeginAct(Box::new(act))).await? else {
        return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected answer of the centre"));
    };
    // Of an attempt at somebody else's thing its owner learns nothing.
    let of_tenant = owner.filter(|owner| caller.owns(Some(owner))).or_else(|| caller.tenant.clone());
    let (app, id) = (app.clone(), id);
    // Whoever hangs up in the middle has the act done and logged all the same.
    let done = tokio::spawn(async move {
        let answer = match refusal {
            Some(failure) => failure.into_response(),
            None => {
                parts.extensions.insert(caller);
                next.run(Request::from_parts(parts, body)).await
            }
        };
        let about = answer.extensions().get::<About>().cloned();
        let (target, tenant) = about.map(|about| (clipped(&about.target), about.tenant)).unzip();
        let of_tenant = tenant.flatten().or(of_tenant);
        let end = manage::Call::EndAct { id, status: answer.status().as_u16(), of_tenant, target };
        if let Err(error) = app.manage_surely(end).await {
            tracing::warn!(act = %id, %error, "the outcome of an act is not in the audit log");
        }
        answer
    });
    done.await.map_err(|_| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the call failed"))
}

/// As much of a path as the log keeps.
fn clipped(path: &str) -> String {
    const TARGET_CHARS_MAX: usize = 256;
    path.chars().take(TARGET_CHARS_MAX).collect()
}

pub(super) fn no_such_call() -> Failure {
    Failure::not_found("there is no such call")
}

/// Who calls, by the token or key that they show.
async fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Failure> {
    let wrong = || Failure::new(StatusCode::UNAUTHORIZED, "wrong or no admin token or key");
    let token = bearer_token(headers).ok_or_else(wrong)?;
    let Some((id, secret)) = manage::key_halves(token) else {
        return if is_same_secret(token, &app.admin_token) { Ok(Caller::ROOT) } else { Err(wrong()) };
    };
    let wanted = id.to_owned();
    let found = app
        .read(move |store| {
            let Some(key) = store.api_key(&wanted)? else { return Ok(None) };
            let tenant = key.tenant.as_deref().map(|tenant| store.tenant(tenant)).transpose()?;
            Ok(Some((key, tenant)))
        })
        .await?;
    let (key, tenant) = found.ok_or_else(wrong)?;
    let now = now();
    // All that are good are compared, whichever it is.
    let matches = key.hashes(now).filter(|hash| is_secret(secret, hash)).count();
    if matches == 0 {
        return Err(wrong());
    }
    match tenant {
        // The tenant of the key is gone.
        Some(None) => Err(wrong()),
        Some(Some(tenant)) if tenant.is_suspended => {
            Err(Failure::new(StatusCode::FORBIDDEN, format!("tenant {} is suspended", tenant.id)))
        }
        _ => Ok(Caller { key: Some(key.id), tenant: key.tenant, role: key.role }),
    }
}

/// Whose the subject of a call is; `None` for the operator's, and for what does not exist.
async fn owner(
    app: &App,
    subject: Subject,
    params: Option<&RawPathParams>,
) -> Result<Option<String>, Failure> {
    let param = |name: &str| {
        let found = params.and_then(|params| params.iter().find(|(known, _)| *known == name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    match subject {
        Subject::Nothing => Ok(None),
        Subject::Tenant(name) => Ok(Some(param(name))),
        Subject::Chatbot(name) => match super::chatbots::named(app, &param(name)) {
            Some(chatbot) => owner_of(app, chatbot).await,
            None => Ok(None),
        },
        Subject::Campaign(name) => {
            let Some(id) = EntryId::parse(&param(name)) else { return Ok(None) };
            match app.read(move |store| store.campaign(id)).await? {
                Some(campaign) => owner_of(app, campaign.chatbot).await,
                None => Ok(None),
            }
        }
        Subject::Media(name) => {
            let Ok(id) = param(name).parse::<FileId>() else { return Ok(None) };
            match app.read(move |store| store.media(id)).await? {
                Some(media) => owner_of(app, media.owner).await,
                None => Ok(None),
            }
        }
        Subject::Key(name) => {
            let id = param(name);
            Ok(app.read(move |store| store.api_key(&id)).await?.and_then(|key| key.tenant))
        }
    }
}

/// Refuses with 404 a caller who may not see and touch what is this chatbot's, as if there were no such chatbot.
pub(super) async fn own(app: &App, caller: &Caller, chatbot: &Address) -> Result<(), Failure> {
    match caller.tenant.is_none() || caller.owns(owner_of(app, chatbot.clone()).await?.as_deref()) {
        true => Ok(()),
        false => Err(Failure::not_found("there is no such chatbot")),
    }
}

/// What a user is called to whoever calls: by number, to the operator's people and where the chatbot may know it; else by the
/// token that the chatbot knows, and by nothing at all as long as it knows none.
pub(super) fn called(
    store: &Store,
    caller: &Caller,
    chatbot: &Address,
    user: &Address,
    knows_tokens: bool,
) -> Result<Option<String>, StoreError> {
    if caller.tenant.is_none() {
        return Ok(Some(user.to_string()));
    }
    let knows_tokens = store.rules(chatbot)?.anonymous.unwrap_or(knows_tokens);
    let key = (chatbot.clone(), user.clone());
    let contact = store.contact(&key)?.unwrap_or_else(|| Contact::new(key.0, key.1));
    Ok(match contact.may_know_number(knows_tokens) {
        true => Some(user.to_string()),
        false => contact.token.map(|token| token.to_string()),
    })
}

/// Whose a chatbot is.
async fn owner_of(app: &App, chatbot: Address) -> Result<Option<String>, Failure> {
    match chatbot.kind() {
        AddressKind::Chatbot => app.read(move |store| store.owner(&chatbot)).await,
        _ => Ok(None),
    }
}

/// A role as it is written.
pub(super) fn role_word(role: KeyRole) -> &'static str {
    match role {
        KeyRole::Operator => "operator",
        KeyRole::TenantAdmin => "tenant-admin",
        KeyRole::Developer => "developer",
        KeyRole::Auditor => "auditor",
    }
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares hashes, all of them always: the time taken says nothing about where the texts differ.
fn is_same_secret(given: &str, ours: &str) -> bool {
    let (given, ours) = (Sha256::digest(given), Sha256::digest(ours));
    given.iter().zip(ours.iter()).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_opens() {
        let headers = |value: &str| HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(bearer_token(&headers("Bearer abc")), Some("abc"));
        assert_eq!(bearer_token(&headers("bearer  abc ")), Some("abc"));
        assert_eq!(bearer_token(&headers("Basic abc")), None);
        assert_eq!(bearer_token(&HeaderMap::new()), None);
        assert!(is_same_secret("abc", "abc"));
        assert!(!is_same_secret("abd", "abc"));
        assert!(!is_same_secret("", "abc"));
    }

    #[test]
    fn each_role_may_what_the_table_says() {
        let caller =
            |tenant: Option<&str>, role| Caller { key: None, tenant: tenant.map(str::to_owned), role };
        let may = |caller: &Caller, method: Method, path: &str| {
            let access = CALLS.iter().find(|access| access.method == method && access.path == path);
            caller.may(access.unwrap_or(UNNAMED))
        };
        let (operator, auditor) = (caller(None, KeyRole::Operator), caller(None, KeyRole::Auditor));
        let of_tenant = |role| caller(Some("acme"), role);
        let (admin, developer) = (of_tenant(KeyRole::TenantAdmin), of_tenant(KeyRole::Developer));
        let tenant_auditor = of_tenant(KeyRole::Auditor);
        for (method, path, allowed) in [
            (Method::GET, "/subscribers", [true, true, false, false, false]),
            (Method::DELETE, "/subscribers/{number}", [true, false, false, false, false]),
            (Method::GET, "/subscribers/{number}/otp", [true, false, false, false, false]),
            (Method::GET, "/chatbots/{name}", [true, true, true, true, true]),
            (Method::PATCH, "/chatbots/{name}", [true, false, true, true, false]),
            (Method::POST, "/campaigns/{id}/start", [true, false, true, true, false]),
            (Method::POST, "/keys", [true, false, true, false, false]),
            (Method::POST, "/tenants", [true, false, false, false, false]),
            (Method::GET, "/audit-log", [true, true, true, true, true]),
            (Method::POST, "/something/new", [true, false, false, false, false]),
        ] {
            let found = [&operator, &auditor, &admin, &developer, &tenant_auditor]
                .map(|caller| may(caller, method.clone(), path));
            assert_eq!(found, allowed, "{method} {path}");
        }
    }
}
