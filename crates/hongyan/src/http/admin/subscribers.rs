//! `/admin/v1/subscribers`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use message_centre::admin;
use message_centre::history::Call;
use rcs::address::{Address, AddressKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sip::digest::Ha1s;
use store::{Account, Binding, Bindings, Credential, Head};
use utoipa::ToSchema;

use crate::http::{App, Failure, history, now};

/// Fewer are guessed.
const PASSWORD_CHARS_MIN: usize = 6;
/// More are no password.
const PASSWORD_CHARS_MAX: usize = 128;
/// As for display names everywhere (rcs-core §21).
const DISPLAY_NAME_BYTES_MAX: usize = 255;

/// A subscriber to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = NewSubscriber, example = json!({ "number": "+8613800000009", "password": "correct-horse", "displayName": "小鸿" }))]
pub struct Wanted {
    /// Telephone number, in international form or as it is dialled here.
    number: String,
    /// 6 to 128 characters.
    #[schema(min_length = 6, max_length = 128)]
    password: String,
    /// At most 255 bytes.
    display_name: Option<String>,
}

/// A subscriber.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SubscriberSummary)]
struct Summary {
    /// Telephone number in international form.
    number: String,
    /// SIP URI.
    address: String,
    display_name: Option<String>,
    created_at: String,
}

/// A subscriber in the list.
#[derive(Serialize, ToSchema)]
#[schema(as = SubscriberListed)]
pub struct Listed {
    #[serde(flatten)]
    summary: Summary,
    /// How many devices are registered now.
    devices: usize,
}

/// A subscriber that was added or has a new password.
#[derive(Serialize, ToSchema)]
#[schema(as = SubscriberAdded)]
pub struct Added {
    #[serde(flatten)]
    summary: Summary,
    /// What happened, if it was there already.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<&'static str>,
}

/// A subscriber with its devices.
#[derive(Serialize, ToSchema)]
pub struct Subscriber {
    #[serde(flatten)]
    summary: Summary,
    /// Entries in its mailbox.
    waiting: u64,
    /// Devices that are registered now.
    devices: Vec<Device>,
}

/// A registered device.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Device {
    /// What it is told apart by: its instance id, else its contact.
    device: String,
    contact: String,
    /// `UDP`, `TCP`, `TLS`, `WS` or `WSS`.
    transport: &'static str,
    user_agent: Option<String>,
    registered_at: String,
    expires_at: String,
}

/// All subscribers.
#[utoipa::path(get, path = "/subscribers", responses((status = 200, body = Vec<Listed>)))]
pub async fn list(State(app): State<Arc<App>>) -> Result<Json<Vec<Listed>>, Failure> {
    let now = now();
    let rows = app
        .read(move |store| {
            let accounts = store.accounts()?.into_iter();
            accounts
                .map(|account| Ok((store.bindings(&account.address)?.live(now).count(), account)))
                .collect()
        })
        .await?;
    let rows: Vec<(usize, Account)> = rows;
    let rows = rows.into_iter().map(|(devices, account)| Listed { summary: Summary::of(&account), devices });
    Ok(Json(rows.collect()))
}

/// Adds a subscriber, or gives one a new password.
#[utoipa::path(
    post, path = "/subscribers", request_body = Wanted,
    responses((status = 200, description = "It was there and has a new password", body = Added), (status = 201, body = Added)),
)]
pub async fn add(
    State(app): State<Arc<App>>,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Added>), Failure> {
    let Json(wanted) = body?;
    let added = put(&app, wanted).await?;
    Ok((if added.changed.is_none() { StatusCode::CREATED } else { StatusCode::OK }, Json(added)))
}

/// As [`add`], from within: `wanted` has the members of the body.
pub(crate) async fn add_subscriber(app: &App, wanted: Value) -> Result<(), Failure> {
    let wanted = serde_json::from_value(wanted).map_err(|error| Failure::bad_request(&error.to_string()))?;
    put(app, wanted).await.map(drop)
}

async fn put(app: &App, wanted: Wanted) -> Result<Added, Failure> {
    let address = subscriber(app, &wanted.number)?;
    let length = wanted.password.chars().count();
    if !(PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&length) {
        return Err(Failure::bad_request(&format!(
            "a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters, not {length}"
        )));
    }
    if wanted.display_name.as_ref().is_some_and(|name| name.len() > DISPLAY_NAME_BYTES_MAX) {
        return Err(Failure::bad_request(&format!("displayName: over {DISPLAY_NAME_BYTES_MAX} bytes")));
    }
    let account = Account {
        credentials: credentials(&address, &app.numbering.domain, &wanted.password),
        address,
        display_name: wanted.display_name,
        created_at: now(),
    };
    let summary = Summary::of(&account);
    let is_new = match app.administer(admin::Call::PutSubscriber(account)).await? {
        admin::Answer::NotYet => {
            return Err(Failure::unavailable(
                "the mail or the history of the number's last holder is being cleared; try again in a moment",
            ));
        }
        answer => answer == admin::Answer::Added,
    };
    Ok(Added { summary, changed: (!is_new).then_some("it was there and has a new password") })
}

/// One subscriber with devices.
#[utoipa::path(
    get, path = "/subscribers/{number}",
    responses((status = 200, body = Subscriber), (status = 404, description = "There is no such subscriber")),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<Json<Subscriber>, Failure> {
    let address = subscriber(&app, &number)?;
    let read: Option<(Account, Bindings, Head)> = app
        .read(move |store| {
            let Some(account) = store.account(&address)? else {
                return Ok(None);
            };
            Ok(Some((account, store.bindings(&address)?, store.head(&address)?)))
        })
        .await?;
    let (account, bindings, head) = read.ok_or_else(|| Failure::not_found("there is no such subscriber"))?;
    let devices = bindings.live(now()).map(Device::of).collect();
    Ok(Json(Subscriber { summary: Summary::of(&account), waiting: head.count, devices }))
}

/// Removes a subscriber.
#[utoipa::path(
    delete, path = "/subscribers/{number}",
    responses((status = 204), (status = 404, description = "There is no such subscriber")),
)]
pub async fn remove(State(app): State<Arc<App>>, Path(number): Path<String>) -> Result<StatusCode, Failure> {
    match app.administer(admin::Call::RemoveSubscriber(subscriber(&app, &number)?)).await? {
        admin::Answer::NotFound => Err(Failure::not_found("there is no such subscriber")),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// Whether a subscriber's conversation history is kept.
#[utoipa::path(
    get, path = "/subscribers/{number}/history",
    responses((status = 200, body = history::Kept), (status = 404, description = "There is no such subscriber")),
)]
pub async fn history(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<Json<history::Kept>, Failure> {
    history::shown(&app, subscriber(&app, &number)?).await
}

/// Keeps it from now on.
#[utoipa::path(
    put, path = "/subscribers/{number}/history",
    responses(
        (status = 204),
        (status = 403, description = "Histories are not offered here"),
        (status = 404, description = "There is no such subscriber"),
    ),
)]
pub async fn keep_history(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<StatusCode, Failure> {
    history::change(&app, Call::TurnOn(subscriber(&app, &number)?)).await
}

/// Keeps it no longer, and deletes what there is.
#[utoipa::path(
    delete, path = "/subscribers/{number}/history",
    responses((status = 204), (status = 404, description = "There is no such subscriber")),
)]
pub async fn delete_history(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<StatusCode, Failure> {
    history::change(&app, Call::TurnOff(subscriber(&app, &number)?)).await
}

/// The subscriber that a path names.
pub(super) fn subscriber(app: &App, number: &str) -> Result<Address, Failure> {
    let address = app.numbering.address(number).map_err(|error| Failure::bad_request(&error.to_string()))?;
    match address.kind() {
        AddressKind::Subscriber => Ok(address),
        _ => Err(Failure::bad_request(&format!("{address} is not a phone number"))),
    }
}

impl Summary {
    fn of(account: &Account) -> Self {
        Self {
            number: account.address.user().to_owned(),
            address: account.address.to_string(),
            display_name: account.display_name.clone(),
            created_at: account.created_at.rfc3339(),
        }
    }
}

impl Device {
    fn of(binding: &Binding) -> Self {
        Self {
            device: binding.device().to_owned(),
            contact: binding.contact_uri.to_string(),
            transport: binding.flow.transport.via_token(),
            user_agent: binding.user_agent.clone(),
            registered_at: binding.registered_at.rfc3339(),
            expires_at: binding.expires_at.rfc3339(),
        }
    }
}

/// The user names that handsets authenticate with: the number with and without `+`, alone and with the domain.
fn credentials(address: &Address, domain: &str, password: &str) -> Vec<Credential> {
    let number = address.user();
    let bare = number.trim_start_matches('+');
    let names =
        [number.to_owned(), format!("{number}@{domain}"), bare.to_owned(), format!("{bare}@{domain}")];
    let credential = |username: String| Credential { ha1s: Ha1s::of(&username, domain, password), username };
    names.map(credential).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handset_may_write_its_user_name_in_four_ways() {
        let address = Address::subscriber("+8613800000001").unwrap();
        let credentials = credentials(&address, "hongyan.local", "secret");
        let names: Vec<&str> = credentials.iter().map(|credential| credential.username.as_str()).collect();
        assert_eq!(
            names,
            [
                "+8613800000001",
                "+8613800000001@hongyan.local",
                "8613800000001",
                "8613800000001@hongyan.local"
            ]
        );
    }
}
