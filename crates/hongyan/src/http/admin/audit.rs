//! `/admin/v1/audit-log`: what administrators did, the latest first.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use rcs::Timestamp;
use serde::{Deserialize, Serialize};
use store::{Act, ActFilter, EntryId, KeyRole};
use utoipa::{IntoParams, ToSchema};

use super::access::Caller;
use crate::http::{App, Failure};

/// Acts in one answer.
const ACTS_MAX: usize = 1_000;
/// Acts looked at for one answer.
const LOOKED_MAX: usize = 100_000;

/// Query of `GET /audit-log`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Done with this key.
    key: Option<String>,
    /// Done by or with what is this tenant's.
    tenant: Option<String>,
    /// With this text in the path.
    text: Option<String>,
    /// From this time on, RFC 3339.
    since: Option<String>,
    /// Before this time.
    until: Option<String>,
    /// Only what failed.
    failed: Option<bool>,
    /// `next` of the page before.
    before: Option<String>,
    /// At most so many, 100 if absent, never more than 1000.
    limit: Option<usize>,
}

/// An administrative act.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Act)]
pub struct Shown {
    id: String,
    /// When it began, RFC 3339.
    #[schema(format = DateTime)]
    at: String,
    /// The id of the key that it was done with; `root` for the token of the data directory.
    key: String,
    /// The key's role.
    role: KeyRole,
    /// Whose key; absent for the operator's.
    tenant: Option<String>,
    /// Whose thing it was done to, when it is a tenant's.
    of_tenant: Option<String>,
    /// Method and path, with parameters in braces.
    #[schema(example = "DELETE /chatbots/{name}")]
    call: String,
    /// What it was done to, as the path of a call that would show it; where a user's number stands in it, tenants are shown
    /// `{number}`.
    #[schema(example = "/chatbots/weather")]
    target: String,
    /// The address that it came from; tenants are not shown that of other people.
    from: Option<String>,
    /// The HTTP status that it was answered with; absent while it is under way, and when the process died during it.
    #[schema(minimum = 100, maximum = 599)]
    status: Option<u16>,
}

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub struct Acts {
    /// The latest first.
    acts: Vec<Shown>,
    /// Before which act to go on; absent at the end.
    next: Option<String>,
}

/// Acts, and before which to go on (`next`). A tenant's people see what was done by them, and with what is theirs.
#[utoipa::path(get, path = "/audit-log", params(Wanted), responses((status = 200, body = Acts)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Acts>, Failure> {
    let Query(wanted) = wanted?;
    let time = |name: &str, text: Option<String>| {
        let read = text.map(|text| Timestamp::parse_rfc3339(&text)).transpose();
        read.map_err(|error| Failure::bad_request(&format!("{name}: {error}")))
    };
    let before =
        wanted.before.map(|id| EntryId::parse(&id).ok_or_else(|| Failure::bad_request("before: no id")));
    let before = before.transpose()?;
    let (is_tenants, tenant) = (caller.tenant.is_some(), caller.tenant.clone());
    let filter = ActFilter {
        key: wanted.key,
        tenant: caller.tenant.or(wanted.tenant),
        text: wanted.text,
        since: time("since", wanted.since)?,
        until: time("until", wanted.until)?,
        failed_only: wanted.failed.unwrap_or(false),
        hides_users: is_tenants,
    };
    let limit = wanted.limit.unwrap_or(100).clamp(1, ACTS_MAX);
    let (acts, next) = app.read(move |store| store.acts(&filter, before, limit, LOOKED_MAX)).await?;
    Ok(Json(Acts {
        acts: acts.into_iter().map(|act| Shown::of(act, tenant.as_deref())).collect(),
        next: next.map(|id| id.to_string()),
    }))
}

impl Shown {
    /// An act, for the people of `tenant` or else the operator's.
    fn of(act: Act, tenant: Option<&str>) -> Self {
        let is_own = tenant.is_none() || act.tenant.as_deref() == tenant;
        // A tenant's chatbot may not know who the user is.
        let target = if tenant.is_some() { act.target_without_users() } else { act.target.clone() };
        Self {
            target,
            id: act.id.to_string(),
            at: act.at.rfc3339(),
            key: act.key.unwrap_or_else(|| "root".to_owned()),
            role: act.role,
            tenant: act.tenant,
            of_tenant: act.of_tenant,
            call: act.call,
            from: is_own.then_some(act.from),
            status: act.status,
        }
    }
}
