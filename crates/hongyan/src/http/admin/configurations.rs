//! `/admin/v1/subscribers/{number}/configuration` and `/otp`: handsets that are configured over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use message_centre::provisioning::{Answer, Call};
use serde::{Deserialize, Serialize};
use store::{Configuration, ConfigurationState, ConfiguredDevice};
use utoipa::ToSchema;

use super::subscribers::subscriber;
use crate::http::{App, Failure};

/// What handsets of a subscriber are to be told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConfigurationChange, example = json!({ "state": "reset" }))]
pub struct Change {
    /// `enabled`: the configuration. `reset`: once, to throw away what they have and ask again. `stopped`: to throw it away and not
    /// to ask again. `disabled`: that RCS is disabled.
    #[schema(value_type = String, pattern = "^(enabled|reset|stopped|disabled)$")]
    state: ConfigurationState,
}

/// A subscriber's configured handsets.
#[derive(Serialize, ToSchema)]
#[schema(as = Configuration)]
pub struct Shown {
    /// `enabled`, `reset`, `stopped` or `disabled`.
    #[schema(value_type = String)]
    state: ConfigurationState,
    devices: Vec<Device>,
}

/// A handset that was configured over HTTP.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConfiguredDevice)]
struct Device {
    id: String,
    name: Option<String>,
    imei: Option<String>,
    /// Of the configuration that it has.
    version: u32,
    /// Whether it has been given secrets.
    may_log_in: bool,
    /// The devices as which it registered.
    registered_as: Vec<String>,
    created_at: String,
    seen_at: String,
}

/// A one-time password.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Otp {
    otp: String,
    expires_at: String,
}

/// State and devices, without secrets.
#[utoipa::path(
    get, path = "/subscribers/{number}/configuration",
    responses((status = 200, body = Shown), (status = 404, description = "There is no such subscriber")),
)]
pub async fn show(State(app): State<Arc<App>>, Path(number): Path<String>) -> Result<Json<Shown>, Failure> {
    let address = subscriber(&app, &number)?;
    let of = address.clone();
    let (account, configuration) =
        app.read(move |store| Ok((store.account(&of)?, store.configuration(&of)?))).await?;
    account.ok_or_else(|| Failure::not_found("there is no such subscriber"))?;
    let configuration = configuration.unwrap_or_else(|| Configuration::new(address));
    let devices = configuration.devices.iter().map(Device::of).collect();
    Ok(Json(Shown { state: configuration.state, devices }))
}

impl Device {
    fn of(device: &ConfiguredDevice) -> Self {
        Self {
            id: device.id.clone(),
            name: device.name.clone(),
            imei: device.imei.clone(),
            version: device.version,
            may_log_in: device.secrets.iter().any(|secrets| !secrets.credentials.is_empty()),
            registered_as: device.registered_as.clone(),
            created_at: device.created_at.rfc3339(),
            seen_at: device.seen_at.rfc3339(),
        }
    }
}

/// Decides what handsets of the subscriber are told.
#[utoipa::path(
    patch, path = "/subscribers/{number}/configuration", request_body = Change,
    responses((status = 204), (status = 404, description = "There is no such subscriber")),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(change) = body?;
    done(&app, Call::SetState(subscriber(&app, &number)?, change.state), "there is no such subscriber").await
}

/// The one-time password that a handset of the subscriber waits for.
#[utoipa::path(
    get, path = "/subscribers/{number}/otp",
    responses((status = 200, body = Otp), (status = 404, description = "No handset of this number waits for one")),
)]
pub async fn otp(State(app): State<Arc<App>>, Path(number): Path<String>) -> Result<Json<Otp>, Failure> {
    match app.provision(Call::Otp(subscriber(&app, &number)?)).await? {
        Answer::Otp(otp, until) => Ok(Json(Otp { otp, expires_at: until.rfc3339() })),
        _ => Err(Failure::not_found(
            "no handset of this number waits for a one-time password; let it ask for its configuration first",
        )),
    }
}

/// Takes back the secrets of all devices.
#[utoipa::path(
    delete, path = "/subscribers/{number}/configuration/devices",
    responses((status = 204), (status = 404, description = "The subscriber has no configured device")),
)]
pub async fn revoke_all(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<StatusCode, Failure> {
    let call = Call::Revoke(subscriber(&app, &number)?, None);
    done(&app, call, "this subscriber has no configured device").await
}

/// Takes back the secrets of one device.
#[utoipa::path(
    delete, path = "/subscribers/{number}/configuration/devices/{device}",
    responses((status = 204), (status = 404, description = "There is no such device")),
)]
pub async fn revoke(
    State(app): State<Arc<App>>,
    Path((number, device)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let call = Call::Revoke(subscriber(&app, &number)?, Some(device));
    done(&app, call, "there is no such device").await
}

async fn done(app: &App, call: Call, otherwise: &str) -> Result<StatusCode, Failure> {
    match app.provision(call).await? {
        Answer::Done => Ok(StatusCode::NO_CONTENT),
        _ => Err(Failure::not_found(otherwise)),
    }
}
