//! `/admin/v1/chatbots`, and chatbots' addresses as administrators write them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chatbot_api::rbm;
use maap::{Answer, Call, Change, NewChatbot};
use rcs::address::{Address, AddressKind};
use serde_json::{Value, json};
use store::{Chatbot, Dialect};

use super::access::Caller;
use super::service_accounts::make_key;
use crate::http::{App, Failure};

/// The chatbots that the caller may see.
#[utoipa::path(get, path = "/chatbots", responses((status = 200, body = Vec<Object>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Failure> {
    let (chatbots, owners) = app.read(|store| Ok((store.chatbots()?, store.owners()?))).await?;
    let owners: BTreeMap<&Address, &str> =
        owners.iter().map(|owner| (&owner.chatbot, owner.tenant.as_str())).collect();
    let shown = chatbots.iter().filter_map(|chatbot| {
        let tenant = owners.get(&chatbot.address).copied();
        let mut shown = caller.owns(tenant).then(|| summary(&app, chatbot))?;
        shown["tenant"] = json!(tenant);
        Some(shown)
    });
    Ok(Json(shown.collect()))
}

/// A new chatbot, with the secrets that no later answer shows.
#[utoipa::path(
    post, path = "/chatbots", request_body(content = Object, example = json!({ "name": "weather", "displayName": "天气" })),
    responses((status = 201, body = Object), (status = 409, description = "There is one of this name")),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Json<Value>), Failure> {
    let Json(mut wanted) = body?;
    only_operators(&caller, &wanted)?;
    if let (Some(tenant), Some(wanted)) = (&caller.tenant, wanted.as_object_mut()) {
        wanted.insert("tenant".to_owned(), json!(tenant));
    }
    Ok((StatusCode::CREATED, Json(create_chatbot(&app, wanted).await?)))
}

/// One chatbot.
#[utoipa::path(
    get, path = "/chatbots/{name}",
    responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot")),
)]
pub async fn show(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Value>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    let found = app.read(move |store| Ok((store.chatbot(&chatbot)?, store.owner(&chatbot)?))).await?;
    let mut shown = found.0.map(|chatbot| summary(&app, &chatbot)).ok_or_else(no_such_chatbot)?;
    shown["tenant"] = json!(found.1);
    Ok(Json(shown))
}

/// Changes what the body names.
#[utoipa::path(
    patch, path = "/chatbots/{name}", request_body(content = Object, example = json!({ "displayName": "天气预报" })),
    responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot")),
)]
pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Json(change) = body?;
    only_operators(&caller, &change)?;
    update_chatbot(&app, &name, change).await.map(Json)
}

/// Removes a chatbot.
#[utoipa::path(
    delete, path = "/chatbots/{name}",
    responses((status = 204), (status = 404, description = "There is no such chatbot")),
)]
pub async fn remove(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<StatusCode, Failure> {
    remove_chatbot(&app, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an operator vouches for, or answers for, no tenant says of its own chatbot.
fn only_operators(caller: &Caller, change: &Value) -> Result<(), Failure> {
    let theirs = ["verified", "allowPrivateWebhook"];
    match theirs.into_iter().find(|member| caller.tenant.is_some() && change.get(member).is_some()) {
        Some(member) => {
            Err(Failure::new(StatusCode::FORBIDDEN, format!("{member}: only the operator can say so")))
        }
        None => Ok(()),
    }
}

/// As [`create`], from within: `wanted` holds `name`, `dialect`, `tenant` and the members of [`Change`].
pub(crate) async fn create_chatbot(app: &App, mut wanted: Value) -> Result<Value, Failure> {
    let mut take = |member: &str| wanted.as_object_mut().and_then(|wanted| wanted.remove(member));
    let name = take("name");
    let dialect = take("dialect");
    let tenant = take("tenant").and_then(|tenant| tenant.as_str().map(str::to_owned));
    let name = name.as_ref().and_then(Value::as_str).ok_or_else(|| Failure::bad_request("name: missing"))?;
    let dialect = dialect.map_or(Ok(Dialect::Ctcu), serde_json::from_value);
    let dialect = dialect.map_err(|_| Failure::bad_request("dialect: not one of ctcu, cm, rbm, fnw11"))?;
    let new = NewChatbot { name: name.to_owned(), dialect, tenant, data: read_change(wanted)? };
    match app.ask_maap(Call::Create(Box::new(new))).await? {
        Answer::Created { chatbot, credentials } => {
            let mut answer = summary(app, &chatbot);
            let secrets = match dialect {
                Dialect::Rbm => json!({
                    "agentId": rbm::agent_id(&chatbot.address, &app.numbering),
                    "clientToken": credentials.callback_token,
                    "serviceAccount": make_key(app, chatbot.address.clone()).await?,
                }),
                _ => serde_json::to_value(&credentials).expect("texts can be written as JSON"),
            };
            if let (Some(answer), Value::Object(secrets)) = (answer.as_object_mut(), secrets) {
                answer.extend(secrets);
            }
            Ok(answer)
        }
        other => Err(failure_of(other)),
    }
}

/// As [`update`], from within.
pub(crate) async fn update_chatbot(app: &App, name: &str, change: Value) -> Result<Value, Failure> {
    let call = Call::Update { chatbot: chatbot_address(app, name)?, change: Box::new(read_change(change)?) };
    match app.ask_maap(call).await? {
        Answer::Updated(chatbot) => Ok(summary(app, &chatbot)),
        other => Err(failure_of(other)),
    }
}

/// As [`remove`], from within.
pub(crate) async fn remove_chatbot(app: &App, name: &str) -> Result<(), Failure> {
    match app.ask_maap(Call::Remove(chatbot_address(app, name)?)).await? {
        Answer::Removed => Ok(()),
        other => Err(failure_of(other)),
    }
}

/// A text in a chatbot's name; gives the message id.
pub(super) async fn send_text(app: &App, from: &str, to: &str, text: String) -> Result<String, Failure> {
    let from = chatbot_address(app, from)?;
    let to = app.numbering.address(to).map_err(|error| Failure::bad_request(&error.to_string()))?;
    if to.kind() != AddressKind::Subscriber {
        return Err(Failure::bad_request(&format!("to: {to} is not a phone number")));
    }
    match app.ask_maap(Call::SendText { from, to, text }).await? {
        Answer::Sent { message_id } => Ok(message_id),
        other => Err(failure_of(other)),
    }
}

/// A subscriber by number, or a chatbot by name: short service numbers are chatbots.
pub(super) fn address(app: &App, text: &str) -> Result<Address, Failure> {
    let store_has = |address: &Address| app.store.chatbot(address).ok().flatten().is_some();
    if let Some(chatbot) = chatbot_api::ctcu::address::chatbot(text, &app.numbering)
        && store_has(&chatbot)
    {
        return Ok(chatbot);
    }
    app.numbering.address(text).map_err(|error| Failure::bad_request(&error.to_string()))
}

/// The chatbot that a name or sip: URI names, there or not.
pub(super) fn named(app: &App, name: &str) -> Option<Address> {
    chatbot_api::ctcu::address::chatbot(name, &app.numbering)
}

pub(super) fn chatbot_address(app: &App, name: &str) -> Result<Address, Failure> {
    named(app, name).ok_or_else(|| {
        Failure::bad_request(&format!("{name:?} is neither a chatbot's name nor its sip: URI"))
    })
}

fn read_change(value: Value) -> Result<Change, Failure> {
    serde_json::from_value(value).map_err(|error| Failure::bad_request(&error.to_string()))
}

pub(super) fn failure_of(answer: Answer) -> Failure {
    let (status, reason) = match answer {
        Answer::NotFound => return no_such_chatbot(),
        Answer::Exists(address) => (StatusCode::CONFLICT, format!("{address} exists already")),
        Answer::Invalid(reason) => (StatusCode::BAD_REQUEST, reason),
        Answer::Undeliverable(reason) => (StatusCode::CONFLICT, reason),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "unexpected answer of the centre".to_owned()),
    };
    Failure { status, reason }
}

fn no_such_chatbot() -> Failure {
    Failure::not_found("there is no such chatbot")
}

/// Everything but the secrets.
pub(super) fn summary(app: &App, chatbot: &Chatbot) -> Value {
    let (profile, extras, standing) = (&chatbot.profile, &chatbot.extras, &chatbot.standing);
    json!({
        "chatbotId": chatbot.address,
        "dialect": chatbot.dialect,
        "appId": chatbot.app_id,
        "displayName": profile.name,
        "status": maap::word(chatbot.status),
        "testers": standing.testers,
        "rejection": standing.rejection,
        "webhook": chatbot.webhook,
        "allowPrivateWebhook": chatbot.allow_private_webhook,
        "callbackChecked": chatbot.callback_checked,
        "webhookAuth": chatbot.webhook_auth,
        "webhookProbe": chatbot.webhook_probe,
        "endpoints": app.endpoints(chatbot.dialect),
        "icon": profile.icon,
        "colour": profile.colour,
        "description": profile.description,
        "provider": profile.provider,
        "verified": profile.verified,
        "verifiedBy": standing.verified_by,
        "verifiedUntil": standing.verified_until.map(|until| until.rfc3339()),
        "callbackNumber": profile.callback_number,
        "website": profile.website,
        "email": profile.email,
        "terms": profile.terms,
        "backgroundImage": profile.background_image,
        "category": profile.category,
        "moreCategories": extras.more_categories,
        "address": extras.address,
        "latitude": extras.latitude,
        "longitude": extras.longitude,
        "cssStyle": extras.css_style,
        "autograph": extras.autograph,
        "smsNumber": extras.sms_number,
        "menu": profile.menu.as_deref().and_then(|menu| serde_json::from_str::<Value>(menu).ok()),
        "createdAt": chatbot.created_at.rfc3339(),
        "changedAt": chatbot.changed_at.rfc3339(),
    })
}
