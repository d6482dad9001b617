//! `/admin/v1/chatbots/{name}/contacts`, `…/rules` and `…/usage`: whether users want a chatbot's messages, and how many it may
//! send.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use maap::{Answer, Call, ContactChange};
use rcs::address::Address;
use serde_json::{Value, json};
use store::{Contact, Rules};

use super::chatbots::{chatbot_address, failure_of};
use super::page::Page;
use super::subscribers::subscriber;
use crate::http::{App, Failure, now};

/// The users of whom something is known, by number.
#[utoipa::path(get, path = "/chatbots/{name}/contacts", params(("name" = String, Path), Page), responses((status = 200, body = Vec<Object>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Query(page) = page?;
    let chatbot = chatbot_address(&app, &name)?;
    let after = page.after.as_deref().map(|number| subscriber(&app, number)).transpose()?;
    let limit = page.limit();
    let contacts = app.read(move |store| store.contacts(&chatbot, after.as_ref(), limit)).await?;
    Ok(Json(contacts.iter().map(shown).collect()))
}

/// What is known of one user.
#[utoipa::path(
    get, path = "/chatbots/{name}/contacts/{number}",
    responses((status = 200, body = Object), (status = 404, description = "Nothing is known of the two")),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Path((name, number)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let key = (chatbot_address(&app, &name)?, subscriber(&app, &number)?);
    let found = app.read(move |store| store.contact(&key)).await?;
    let contact =
        found.ok_or_else(|| Failure::not_found("nothing is known of the chatbot and this subscriber"))?;
    Ok(Json(shown(&contact)))
}

/// Notes what a user wants, reveals the number or takes the token back.
#[utoipa::path(
    patch, path = "/chatbots/{name}/contacts/{number}",
    request_body(content = Object, example = json!({ "consent": true })),
    responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot or subscriber")),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    Path((name, number)): Path<(String, String)>,
    body: Result<Json<ContactChange>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Json(change) = body?;
    let (chatbot, user) = (chatbot_address(&app, &name)?, subscriber(&app, &number)?);
    Ok(Json(shown(&set(&app, chatbot, user, change).await?)))
}

/// Changes what a chatbot and a user are to each other.
pub(crate) async fn set(
    app: &App,
    chatbot: Address,
    user: Address,
    change: ContactChange,
) -> Result<Contact, Failure> {
    match app.ask_maap(Call::SetContact { chatbot, user, change }).await? {
        Answer::Contact(contact) => Ok(*contact),
        other => Err(failure_of(other)),
    }
}

/// What an operator has set of a chatbot's traffic.
#[utoipa::path(get, path = "/chatbots/{name}/rules", responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot")))]
pub async fn rules(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Rules>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    Ok(Json(app.read(move |store| store.rules(&chatbot)).await?))
}

/// Sets it; what the body does not name is as configured.
#[utoipa::path(
    put, path = "/chatbots/{name}/rules", request_body(content = Object, example = json!({})),
    responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot")),
)]
pub async fn set_rules(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    body: Result<Json<Rules>, JsonRejection>,
) -> Result<Json<Rules>, Failure> {
    let Json(rules) = body?;
    let chatbot = chatbot_address(&app, &name)?;
    match app.ask_maap(Call::SetRules { chatbot, rules }).await? {
        Answer::Rules(rules) => Ok(Json(*rules)),
        other => Err(failure_of(other)),
    }
}

/// How many messages a chatbot has sent today and this month, and how many it may.
#[utoipa::path(get, path = "/chatbots/{name}/usage", responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot")))]
pub async fn usage(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Value>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    let read = move |store: &store::Store| Ok((store.rules(&chatbot)?, store.spending(chatbot.as_str())?));
    let (rules, spent) = app.read(read).await?;
    let (limits, clock) = (app.limits.with(&rules), &app.local_time);
    let spent = spent.on(clock.day(now()), clock.month(now()));
    Ok(Json(json!({
        "perSecond": limits.per_second,
        "day": { "sent": spent.in_day, "limit": limits.per_day, "renewedAt": clock.next_day(now()).rfc3339() },
        "month": { "sent": spent.in_month, "limit": limits.per_month, "renewedAt": clock.next_month(now()).rfc3339() },
    })))
}

fn shown(contact: &Contact) -> Value {
    let consent = contact
        .consent
        .iter()
        .map(|one| json!({ "given": one.is_given, "at": one.at.rfc3339(), "word": one.word, "by": one.by }));
    json!({
        "chatbotId": contact.chatbot,
        "number": contact.user.user(),
        "optedOut": contact.has_opted_out(),
        "consent": consent.collect::<Value>(),
        "revealed": contact.is_revealed,
        "token": contact.token.map(|token| token.to_string()),
    })
}
