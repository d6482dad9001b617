//! `/admin/v1/chatbots/{name}/keys` and `…/invitations`: service accounts of the RBM-style interface.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chatbot_api::rbm::key::KeyFile;
use maap::{Answer, Call};
use rcs::address::Address;
use serde::{Deserialize, Serialize};
use store::{ServiceAccount, Store};
use utoipa::ToSchema;

use super::access::{Caller, called};
use super::chatbots::{chatbot_address, failure_of, user_named};
use crate::http::{App, Failure, now};
use crate::service_key;

/// A key of a service account, without anything secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ServiceAccountKey)]
pub struct Key {
    key_id: String,
    #[schema(format = DateTime)]
    created_at: String,
}

/// The keys, without anything secret.
#[utoipa::path(
    get, path = "/chatbots/{name}/keys", params(("name" = String, Path, example = "tickets")),
    responses((status = 200, body = Vec<Key>), (status = 404, description = "There is no such chatbot")),
)]
pub async fn keys(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Vec<Key>>, Failure> {
    let keys = account(&app, &name).await?.keys.into_iter();
    Ok(Json(keys.map(|key| Key { key_id: key.id, created_at: key.created_at.rfc3339() }).collect()))
}

/// A further key: its file, shown this once.
#[utoipa::path(
    post, path = "/chatbots/{name}/keys", params(("name" = String, Path, example = "tickets")),
    responses(
        (status = 201, body = KeyFile),
        (status = 404, description = "There is no such chatbot"),
        (status = 409, description = "It has as many as it may have, or speaks another dialect"),
    ),
)]
pub async fn add_key(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<(StatusCode, Json<KeyFile>), Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    Ok((StatusCode::CREATED, Json(make_key(&app, chatbot).await?)))
}

/// Takes a key away, and with it the tokens that it got.
#[utoipa::path(
    delete, path = "/chatbots/{name}/keys/{key}", params(("name" = String, Path, example = "tickets"), ("key" = String, Path)),
    responses((status = 204), (status = 404, description = "There is no such key"), (status = 409)),
)]
pub async fn remove_key(
    State(app): State<Arc<App>>,
    Path((name, key)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    done(&app, Call::RemoveKey { chatbot: chatbot_address(&app, &name)?, key }, "there is no such key").await
}

/// Makes a key for a chatbot.
pub(super) async fn make_key(app: &App, chatbot: Address) -> Result<KeyFile, Failure> {
    let at = now();
    let drawn = tokio::task::spawn_blocking(move || service_key::draw(at)).await;
    let key = drawn.map_err(|_| Failure::stopping())?;
    let file = KeyFile::new(&chatbot, &app.numbering, &app.public_url, &key.public.id, &key.private_pem);
    done(app, Call::AddKey { chatbot, key: key.public }, "there is no such chatbot").await?;
    Ok(file)
}

/// Somebody who was asked to test a chatbot.
#[derive(Serialize, ToSchema)]
pub struct Invitation {
    /// The number; for tenants what the chatbot knows the user by, and nothing as long as that is nothing.
    number: Option<String>,
    status: InvitationStatus,
    #[schema(format = DateTime)]
    at: String,
}

/// What was answered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum InvitationStatus {
    /// Nothing yet.
    Pending,
    /// Yes.
    Accepted,
    /// No.
    Declined,
}

/// Whom a chatbot has invited to test it.
#[utoipa::path(
    get, path = "/chatbots/{name}/invitations", params(("name" = String, Path, example = "tickets")),
    responses((status = 200, body = Vec<Invitation>), (status = 404, description = "There is no such chatbot")),
)]
pub async fn invitations(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<Vec<Invitation>>, Failure> {
    let account = account(&app, &name).await?;
    let knows_tokens = app.anonymous;
    let read = move |store: &Store| {
        let invitations = account.invitations.iter().map(|invitation| {
            let user = called(store, &caller, &account.chatbot, &invitation.user, knows_tokens)?;
            let status = match invitation.accepted {
                None => InvitationStatus::Pending,
                Some(true) => InvitationStatus::Accepted,
                Some(false) => InvitationStatus::Declined,
            };
            Ok(Invitation { number: user, status, at: invitation.at.rfc3339() })
        });
        invitations.collect()
    };
    app.read(read).await.map(Json)
}

/// A user's answer to an invitation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvitationAnswer, example = json!({ "accepted": true }))]
pub struct Answered {
    /// Whether the user agrees to test the chatbot.
    accepted: bool,
}

/// Answers for a user.
#[utoipa::path(
    put, path = "/chatbots/{name}/invitations/{number}", params(("name" = String, Path, example = "tickets"), ("number" = String, Path)),
    request_body = Answered,
    responses((status = 204), (status = 404, description = "There is no such chatbot or invitation"), (status = 409)),
)]
pub async fn answer_invitation(
    State(app): State<Arc<App>>,
    Path((name, number)): Path<(String, String)>,
    body: Result<Json<Answered>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(Answered { accepted }) = body?;
    set(&app, &name, &number, Some(accepted)).await
}

/// Forgets that a user was invited, and what the user answered.
#[utoipa::path(
    delete, path = "/chatbots/{name}/invitations/{number}", params(("name" = String, Path, example = "tickets"), ("number" = String, Path)),
    responses((status = 204), (status = 404, description = "There is no such chatbot or invitation"), (status = 409)),
)]
pub async fn remove_invitation(
    State(app): State<Arc<App>>,
    Path((name, number)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    set(&app, &name, &number, None).await
}

async fn set(app: &App, name: &str, number: &str, accepted: Option<bool>) -> Result<StatusCode, Failure> {
    let chatbot = chatbot_address(app, name)?;
    let user = user_named(app, number)?;
    done(app, Call::SetTester { chatbot, user, accepted }, "there is no such chatbot or invitation").await
}

async fn done(app: &App, call: Call, not_found: &str) -> Result<StatusCode, Failure> {
    match app.ask_maap(call).await? {
        Answer::Done => Ok(StatusCode::NO_CONTENT),
        Answer::NotFound => Err(Failure::not_found(not_found)),
        other => Err(failure_of(other)),
    }
}

async fn account(app: &App, name: &str) -> Result<ServiceAccount, Failure> {
    let chatbot = chatbot_address(app, name)?;
    let address = chatbot.clone();
    let found =
        app.read(move |store| Ok((store.chatbot(&address)?, store.service_account(&address)?))).await?;
    match found {
        (Some(_), account) => Ok(account.unwrap_or_else(|| ServiceAccount::new(chatbot))),
        (None, _) => Err(Failure::not_found("there is no such chatbot")),
    }
}
