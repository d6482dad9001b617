//! `/handset/v1/contacts/{chatbot}`: what a chatbot may do with a subscriber, for subscribers who prove themselves as for the
//! content server (Digest).
//!
//! | call | what |
//! |---|---|
//! | `GET` | `{"optedOut", "revealed", "hasToken"}` |
//! | `PUT …/opted-out`, `DELETE …/opted-out` | wants no messages of the chatbot; wants them again; 204 |
//! | `PUT …/revealed`, `DELETE …/revealed` | lets this one know the number; hides it, also where chatbots know numbers; 204 |
//! | `DELETE …/token` | is somebody new to the chatbot from now on; 204 |

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use maap::ContactChange;
use rcs::address::{Address, AddressKind};
use serde_json::{Value, json};
use store::ConsentBy;

use super::admin::set_contact;
use super::blocks::{named, owner_of};
use super::{App, Failure};

/// What the chatbot may do.
#[utoipa::path(get, path = "/handset/v1/contacts/{chatbot}", responses((status = 200, body = Object)))]
pub async fn show(
    State(app): State<Arc<App>>,
    Path(chatbot): Path<String>,
    request: Request,
) -> Result<Json<Value>, Response> {
    let user = owner_of(&app, request).await?;
    let chatbot = chatbot_named(&app, &chatbot).map_err(IntoResponse::into_response)?;
    let key = (chatbot, user);
    let contact = app.read(move |store| store.contact(&key)).await.map_err(IntoResponse::into_response)?;
    Ok(Json(json!({
        "optedOut": contact.as_ref().is_some_and(store::Contact::has_opted_out),
        "revealed": contact.as_ref().is_some_and(|contact| contact.is_revealed),
        "hasToken": contact.is_some_and(|contact| contact.token.is_some()),
    })))
}

/// Changes it.
#[utoipa::path(
    method(put, delete), path = "/handset/v1/contacts/{chatbot}/{what}",
    responses((status = 204), (status = 404, description = "There is no such chatbot or call")),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    Path((chatbot, what)): Path<(String, String)>,
    request: Request,
) -> Result<StatusCode, Response> {
    let is_put = request.method() == Method::PUT;
    let user = owner_of(&app, request).await?;
    let mut change = ContactChange { by: ConsentBy::User, ..ContactChange::default() };
    match (what.as_str(), is_put) {
        ("opted-out", _) => change.consent = Some(!is_put),
        ("revealed", _) => change.revealed = Some(is_put),
        ("token", false) => change.revoke_token = true,
        _ => return Err(Failure::not_found("there is no such call").into_response()),
    }
    let chatbot = chatbot_named(&app, &chatbot).map_err(IntoResponse::into_response)?;
    set_contact(&app, chatbot, user, change).await.map_err(IntoResponse::into_response)?;
    Ok(StatusCode::NO_CONTENT)
}

fn chatbot_named(app: &App, text: &str) -> Result<Address, Failure> {
    let named = named(app, text)?;
    match named.kind() {
        AddressKind::Chatbot => Ok(named),
        _ => Err(Failure::bad_request(&format!("{text} is no chatbot"))),
    }
}
