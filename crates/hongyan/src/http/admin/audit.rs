//! `/admin/v1/audit-log`: what administrators did, the latest first.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use rcs::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Act, ActFilter, EntryId};
use utoipa::IntoParams;

use super::access::{Caller, role_word};
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
    /// At most so many, 100 if absent.
    limit: Option<usize>,
}

/// Acts, and before which to go on (`next`). A tenant's people see what was done by them, and with what is theirs.
#[utoipa::path(get, path = "/audit-log", params(Wanted), responses((status = 200, body = Object)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Query(wanted) = wanted?;
    let time = |name: &str, text: Option<String>| {
        let read = text.map(|text| Timestamp::parse_rfc3339(&text)).transpose();
        read.map_err(|error| Failure::bad_request(&format!("{name}: {error}")))
    };
    let before =
        wanted.before.map(|id| EntryId::parse(&id).ok_or_else(|| Failure::bad_request("before: no id")));
    let before = before.transpose()?;
    let filter = ActFilter {
        key: wanted.key,
        tenant: caller.tenant.or(wanted.tenant),
        text: wanted.text,
        since: time("since", wanted.since)?,
        until: time("until", wanted.until)?,
        failed_only: wanted.failed.unwrap_or(false),
    };
    let limit = wanted.limit.unwrap_or(100).clamp(1, ACTS_MAX);
    let (acts, next) = app.read(move |store| store.acts(&filter, before, limit, LOOKED_MAX)).await?;
    Ok(Json(json!({
        "acts": acts.iter().map(shown).collect::<Value>(),
        "next": next.map(|id| id.to_string()),
    })))
}

fn shown(act: &Act) -> Value {
    json!({
        "id": act.id.to_string(),
        "at": act.at.rfc3339(),
        "key": act.key.as_deref().unwrap_or("root"),
        "role": role_word(act.role),
        "tenant": act.tenant,
        "ofTenant": act.of_tenant,
        "call": act.call,
        "target": act.target,
        "from": act.from,
        "status": act.status,
    })
}
