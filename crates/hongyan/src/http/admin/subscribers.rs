//! `/admin/v1/subscribers`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use message_centre::admin;
use message_centre::history::Call;
use rcs::address::{Address, AddressKind};
use serde::Deserialize;
use serde_json::{Value, json};
use sip::digest::Ha1s;
use store::{Account, Bindings, Credential, Head};

use crate::http::{App, Failure, history, now};

/// Fewer are guessed.
const PASSWORD_CHARS_MIN: usize = 6;
/// More are no password.
const PASSWORD_CHARS_MAX: usize = 128;
/// As for display names everywhere (rcs-core §21).
const DISPLAY_NAME_BYTES_MAX: usize = 255;

/// Body of `POST /subscribers`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Wanted {
    number: String,
    password: String,
    display_name: Option<String>,
}

/// All subscribers.
pub async fn list(State(app): State<Arc<App>>) -> Result<Json<Value>, Failure> {
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
    let rows = rows.into_iter().map(|(devices, account)| {
        let mut row = summary(&account);
        row["devices"] = json!(devices);
        row
    });
    Ok(Json(rows.collect()))
}

/// Adds a subscriber, or gives one a new password.
pub async fn add(
    State(app): State<Arc<App>>,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let Json(wanted) = body?;
    let (added, summary) = put(&app, wanted).await?;
    Ok((if added { StatusCode::CREATED } else { StatusCode::OK }, Json(summary)))
}

/// As [`add`], from within: `wanted` has the members of the body.
pub(crate) async fn add_subscriber(app: &App, wanted: Value) -> Result<(), Failure> {
    let wanted = serde_json::from_value(wanted).map_err(|error| Failure::bad_request(&error.to_string()))?;
    put(app, wanted).await.map(drop)
}

/// Whether the subscriber is new, and its summary.
async fn put(app: &App, wanted: Wanted) -> Result<(bool, Value), Failure> {
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
    let mut answer = summary(&account);
    let added = match app.administer(admin::Call::PutSubscriber(account)).await? {
        admin::Answer::NotYet => {
            return Err(Failure::unavailable(
                "the mail or the history of the number's last holder is being cleared; try again in a moment",
            ));
        }
        answer => answer == admin::Answer::Added,
    };
    if !added {
        answer["changed"] = json!("it was there and has a new password");
    }
    Ok((added, answer))
}

/// One subscriber with devices.
pub async fn show(State(app): State<Arc<App>>, Path(number): Path<String>) -> Result<Json<Value>, Failure> {
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
    let devices = bindings.live(now()).map(|binding| {
        json!({
            "device": binding.device(),
            "contact": binding.contact_uri,
            "transport": binding.flow.transport.via_token(),
            "userAgent": binding.user_agent,
            "registeredAt": binding.registered_at.rfc3339(),
            "expiresAt": binding.expires_at.rfc3339(),
        })
    });
    let mut answer = summary(&account);
    answer["waiting"] = json!(head.count);
    answer["devices"] = devices.collect();
    Ok(Json(answer))
}

/// Removes a subscriber.
pub async fn remove(State(app): State<Arc<App>>, Path(number): Path<String>) -> Result<StatusCode, Failure> {
    match app.administer(admin::Call::RemoveSubscriber(subscriber(&app, &number)?)).await? {
        admin::Answer::NotFound => Err(Failure::not_found("there is no such subscriber")),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// Whether a subscriber's conversation history is kept.
pub async fn history(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Failure> {
    history::shown(&app, subscriber(&app, &number)?).await
}

/// Keeps it from now on.
pub async fn keep_history(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<StatusCode, Failure> {
    history::change(&app, Call::TurnOn(subscriber(&app, &number)?)).await
}

/// Keeps it no longer, and deletes what there is.
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

fn summary(account: &Account) -> Value {
    json!({
        "number": account.address.user(),
        "address": account.address,
        "displayName": account.display_name,
        "createdAt": account.created_at.rfc3339(),
    })
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
