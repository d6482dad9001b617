//! `/admin/v1/tenants`, `/admin/v1/keys`, and whose a chatbot is.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use maap::manage::{self, Answer, NewKey, TenantChange};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{ApiKey, KeyRole, Tenant};
use utoipa::ToSchema;

use super::access::{About, Caller, role_word};
use super::chatbots::chatbot_address;
use super::{done, unexpected};
use crate::http::{App, Failure, now};

/// How long the old secret of a key stays good when the caller does not say: a day.
const OVERLAP_S: u64 = 86_400;

/// Body of `POST /tenants`.
#[derive(Deserialize)]
pub struct New {
    id: String,
    #[serde(flatten)]
    change: Value,
}

/// Body of `PUT /chatbots/{name}/tenant`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TenantOfChatbot, example = json!({ "tenant": "acme" }))]
pub struct Whose {
    /// The tenant's id.
    tenant: String,
}

/// Body of `POST /keys`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewKey, example = json!({ "name": "console", "role": "auditor" }))]
pub struct WantedKey {
    /// What people call it.
    name: String,
    /// `operator`, `tenant-admin`, `developer` or `auditor`.
    #[schema(value_type = String)]
    role: KeyRole,
    /// Whose it is; absent for the operator's.
    tenant: Option<String>,
    /// When it ends by itself; absent: not.
    expires_in_seconds: Option<u64>,
}

/// Body of `POST /keys/{id}/rotate`.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = KeyRotation, example = json!({ "overlapSeconds": 3600 }))]
pub struct Rotation {
    /// How long the old secret stays good, a day if absent.
    overlap_seconds: Option<u64>,
}

/// The tenants; a tenant's people see their own.
#[utoipa::path(get, path = "/tenants", responses((status = 200, body = Vec<Object>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Failure> {
    let (tenants, owners) = app.read(|store| Ok((store.tenants()?, store.owners()?))).await?;
    let shown = tenants.iter().filter(|tenant| caller.owns(Some(&tenant.id))).map(|tenant| {
        let mut shown = summary(tenant);
        shown["has"] = json!(owners.iter().filter(|owner| owner.tenant == tenant.id).count());
        shown
    });
    Ok(Json(shown.collect()))
}

/// One tenant.
#[utoipa::path(get, path = "/tenants/{tenant}", params(("tenant" = String, Path)), responses((status = 200, body = Object), (status = 404, description = "There is no such tenant")))]
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let found = app.read(move |store| store.tenant(&id)).await?;
    found.map(|tenant| Json(summary(&tenant))).ok_or_else(|| Failure::not_found("there is no such tenant"))
}

/// A new tenant.
#[utoipa::path(
    post, path = "/tenants", request_body(content = Object, example = json!({ "id": "acme", "name": "Acme" })),
    responses((status = 201, body = Object), (status = 409, description = "There is one of this id")),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    body: Result<Json<New>, JsonRejection>,
) -> Result<(StatusCode, Extension<About>, Json<Value>), Failure> {
    let Json(new) = body?;
    let about = About::made(format!("/tenants/{}", new.id), Some(new.id.clone()));
    let call = manage::Call::CreateTenant(new.id, Box::new(read_change(new.change)?));
    Ok((StatusCode::CREATED, about, Json(tenant_of(app.manage(call).await?)?)))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/tenants/{tenant}", params(("tenant" = String, Path)), request_body(content = Object, example = json!({ "name": "Acme 2" })),
    responses((status = 200, body = Object), (status = 404, description = "There is no such tenant"), (status = 409)),
)]
pub async fn update(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Json(change) = body?;
    let call = manage::Call::UpdateTenant(id, Box::new(read_change(change)?));
    tenant_of(app.manage(call).await?).map(Json)
}

/// Removes a tenant that has no chatbots; its keys open nothing from then on.
#[utoipa::path(
    delete, path = "/tenants/{tenant}", params(("tenant" = String, Path)),
    responses((status = 204), (status = 404, description = "There is no such tenant"), (status = 409, description = "It has chatbots or keys")),
)]
pub async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    done(app.manage(manage::Call::RemoveTenant(id)).await?)
}

/// Gives a chatbot to a tenant.
#[utoipa::path(
    put, path = "/chatbots/{name}/tenant", request_body = Whose,
    responses((status = 204), (status = 404, description = "There is no such chatbot or tenant"), (status = 409)),
)]
pub async fn give(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    body: Result<Json<Whose>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(whose) = body?;
    let chatbot = chatbot_address(&app, &name)?;
    done(app.manage(manage::Call::GiveChatbot(chatbot, Some(whose.tenant))).await?)
}

/// Takes a chatbot from its tenant.
#[utoipa::path(
    delete, path = "/chatbots/{name}/tenant",
    responses((status = 204), (status = 404, description = "There is no such chatbot, or it is nobody's"), (status = 409)),
)]
pub async fn take(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    done(app.manage(manage::Call::GiveChatbot(chatbot, None)).await?)
}

/// The keys, without their secrets; a tenant's people see their tenant's.
#[utoipa::path(get, path = "/keys", responses((status = 200, body = Vec<Object>)))]
pub async fn keys(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Failure> {
    let keys = app.read(store::Store::api_keys).await?;
    Ok(Json(keys.iter().filter(|key| caller.owns(key.tenant.as_deref())).map(key_summary).collect()))
}

/// A new key: the only answer that shows it.
#[utoipa::path(
    post, path = "/keys", request_body = WantedKey,
    responses((status = 201, body = Object), (status = 404, description = "There is no such tenant"), (status = 409)),
)]
pub async fn create_key(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<WantedKey>, JsonRejection>,
) -> Result<(StatusCode, Extension<About>, Json<Value>), Failure> {
    let Json(wanted) = body?;
    let tenant = wanted.tenant.or_else(|| caller.tenant.clone());
    if !caller.owns(tenant.as_deref()) {
        return Err(Failure::not_found("there is no such tenant"));
    }
    let of_tenant = tenant.clone();
    let new =
        NewKey { name: wanted.name, tenant, role: wanted.role, expires_in_s: wanted.expires_in_seconds };
    let made = key_of(app.manage(manage::Call::CreateKey(Box::new(new))).await?)?;
    let about = About::made(format!("/keys/{}", made["id"].as_str().unwrap_or_default()), of_tenant);
    Ok((StatusCode::CREATED, about, Json(made)))
}

/// A new secret for a key; the old one stays good for a while.
#[utoipa::path(
    post, path = "/keys/{id}/rotate", request_body = Rotation,
    responses((status = 200, body = Object), (status = 404, description = "There is no such key"), (status = 409)),
)]
pub async fn rotate_key(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Result<Json<Rotation>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Json(rotation) = body?;
    let overlap_s = rotation.overlap_seconds.unwrap_or(OVERLAP_S);
    key_of(app.manage(manage::Call::RotateKey { id, overlap_s }).await?).map(Json)
}

/// Takes a key back.
#[utoipa::path(delete, path = "/keys/{id}", responses((status = 204), (status = 404, description = "There is no such key")))]
pub async fn revoke_key(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    done(app.manage(manage::Call::RevokeKey(id)).await?)
}

fn read_change(change: Value) -> Result<TenantChange, Failure> {
    serde_json::from_value(change).map_err(|error| Failure::bad_request(&error.to_string()))
}

fn tenant_of(answer: Answer) -> Result<Value, Failure> {
    match answer {
        Answer::Tenant(tenant) => Ok(summary(&tenant)),
        other => Err(unexpected(other)),
    }
}

fn key_of(answer: Answer) -> Result<Value, Failure> {
    match answer {
        Answer::Key(key, text) => {
            let mut shown = key_summary(&key);
            shown["key"] = json!(text);
            Ok(shown)
        }
        other => Err(unexpected(other)),
    }
}

fn summary(tenant: &Tenant) -> Value {
    let quota = &tenant.quota;
    json!({
        "id": tenant.id,
        "name": tenant.name,
        "suspended": tenant.is_suspended,
        "chatbots": quota.chatbots,
        "messagesPerSecond": quota.messages_per_second,
        "messagesPerDay": quota.messages_per_day,
        "messagesPerMonth": quota.messages_per_month,
        "createdAt": tenant.created_at.rfc3339(),
        "changedAt": tenant.changed_at.rfc3339(),
    })
}

fn key_summary(key: &ApiKey) -> Value {
    let now = now();
    let state = match () {
        () if key.revoked_at.is_some() => "revoked",
        () if !key.is_good(now) => "expired",
        () => "good",
    };
    let old = key.previous.as_ref().map(|(_, until)| *until).filter(|until| now < *until);
    json!({
        "id": key.id,
        "name": key.name,
        "role": role_word(key.role),
        "tenant": key.tenant,
        "state": state,
        "createdAt": key.created_at.rfc3339(),
        "rotatedAt": key.rotated_at.map(|at| at.rfc3339()),
        "oldGoodUntil": old.map(|at| at.rfc3339()),
        "expiresAt": key.expires_at.map(|at| at.rfc3339()),
        "revokedAt": key.revoked_at.map(|at| at.rfc3339()),
    })
}
