//! `/admin/v1/subscribers/{number}/configuration` and `/otp`: handsets that are configured over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use message_centre::provisioning::{Answer, Call};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Configuration, ConfigurationState};

use super::subscribers::subscriber;
use crate::http::{App, Failure};

/// Body of `PATCH …/configuration`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    state: ConfigurationState,
}

/// State and devices, without secrets.
pub async fn show(State(app): State<Arc<App>>, Path(number): Path<String>) -> Result<Json<Value>, Failure> {
    let address = subscriber(&app, &number)?;
    let of = address.clone();
    let (account, configuration) =
        app.read(move |store| Ok((store.account(&of)?, store.configuration(&of)?))).await?;
    account.ok_or_else(|| Failure::not_found("there is no such subscriber"))?;
    let configuration = configuration.unwrap_or_else(|| Configuration::new(address));
    let devices = configuration.devices.iter().map(|device| {
        json!({
            "id": device.id,
            "name": device.name,
            "imei": device.imei,
            "version": device.version,
            "mayLogIn": device.secrets.iter().any(|secrets| !secrets.credentials.is_empty()),
            "registeredAs": device.registered_as,
            "createdAt": device.created_at.rfc3339(),
            "seenAt": device.seen_at.rfc3339(),
        })
    });
    Ok(Json(json!({ "state": configuration.state, "devices": devices.collect::<Value>() })))
}

/// Decides what handsets of the subscriber are told.
pub async fn change(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
    body: Result<Json<Change>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(change) = body?;
    done(&app, Call::SetState(subscriber(&app, &number)?, change.state), "there is no such subscriber").await
}

/// The one-time password that a handset of the subscriber waits for.
pub async fn otp(State(app): State<Arc<App>>, Path(number): Path<String>) -> Result<Json<Value>, Failure> {
    match app.provision(Call::Otp(subscriber(&app, &number)?)).await? {
        Answer::Otp(otp, until) => Ok(Json(json!({ "otp": otp, "expiresAt": until.rfc3339() }))),
        _ => Err(Failure::not_found(
            "no handset of this number waits for a one-time password; let it ask for its configuration first",
        )),
    }
}

/// Takes back the secrets of all devices.
pub async fn revoke_all(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<StatusCode, Failure> {
    let call = Call::Revoke(subscriber(&app, &number)?, None);
    done(&app, call, "this subscriber has no configured device").await
}

/// Takes back the secrets of one device.
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
