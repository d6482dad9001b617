//! `/admin/v1/chatbots/{name}/contacts`, `…/rules` and `…/usage`: whether users want a chatbot's messages, and how many it may
//! send.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use maap::{Answer, Call, ContactChange};
use rcs::address::Address;
use serde::Serialize;
use store::{ConsentBy, Contact, Rules};
use utoipa::ToSchema;

use super::chatbots::{chatbot_address, failure_of};
use super::page::Page;
use super::subscribers::subscriber;
use crate::http::{App, Failure, now};

/// What a chatbot and a user are to each other.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contact)]
pub struct Shown {
    chatbot_id: String,
    number: String,
    /// Whether the user wants no messages of it.
    opted_out: bool,
    /// What was said about that, oldest first; the last holds.
    consent: Vec<Said>,
    /// Whether the user lets the chatbot know the number, where it knows users by tokens.
    revealed: bool,
    /// Whether the user hides the number from the chatbot, where it would know it.
    hidden: bool,
    /// What the chatbot knows the user by, if it was told of one by a token.
    token: Option<String>,
}

/// A change of mind.
#[derive(Serialize, ToSchema)]
#[schema(as = Consent)]
struct Said {
    /// Whether messages are wanted from then on.
    given: bool,
    #[schema(format = DateTime)]
    at: String,
    /// The word that said it, or an operator's reason.
    word: String,
    by: ConsentBy,
}

/// What a chatbot has sent, and may send: messages, counted by addressee.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatbotUsage)]
pub struct Usage {
    /// How many it may send a second.
    per_second: u32,
    day: Spent,
    month: Spent,
}

/// What was sent in the current day or month, as the operator's clocks count it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChatbotUsageSpent)]
struct Spent {
    /// Counted only while the chatbot has a limit of a day or a month.
    sent: u64,
    /// The most; null for as many as may be.
    limit: Option<u64>,
    /// When counting begins anew.
    #[schema(format = DateTime)]
    renewed_at: String,
}

/// The users of whom something is known, by number.
#[utoipa::path(get, path = "/chatbots/{name}/contacts", params(("name" = String, Path), Page), responses((status = 200, body = Vec<Shown>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Vec<Shown>>, Failure> {
    let Query(page) = page?;
    let chatbot = chatbot_address(&app, &name)?;
    let after = page.after.as_deref().map(|number| subscriber(&app, number)).transpose()?;
    let limit = page.limit();
    let contacts = app.read(move |store| store.contacts(&chatbot, after.as_ref(), limit)).await?;
    Ok(Json(contacts.iter().map(Shown::of).collect()))
}

/// What is known of one user.
#[utoipa::path(
    get, path = "/chatbots/{name}/contacts/{number}",
    responses((status = 200, body = Shown), (status = 404, description = "Nothing is known of the two")),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Path((name, number)): Path<(String, String)>,
) -> Result<Json<Shown>, Failure> {
    let key = (chatbot_address(&app, &name)?, subscriber(&app, &number)?);
    let found = app.read(move |store| store.contact(&key)).await?;
    let contact =
        found.ok_or_else(|| Failure::not_found("nothing is known of the chatbot and this subscriber"))?;
    Ok(Json(Shown::of(&contact)))
}

/// Notes what a user wants, reveals the number or takes the token back.
#[utoipa::path(
    patch, path = "/chatbots/{name}/contacts/{number}",
    request_body = ContactChange,
    responses((status = 200, body = Shown), (status = 404, description = "There is no such chatbot or subscriber")),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    Path((name, number)): Path<(String, String)>,
    body: Result<Json<ContactChange>, JsonRejection>,
) -> Result<Json<Shown>, Failure> {
    let Json(change) = body?;
    let (chatbot, user) = (chatbot_address(&app, &name)?, subscriber(&app, &number)?);
    Ok(Json(Shown::of(&set(&app, chatbot, user, change).await?)))
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
#[utoipa::path(get, path = "/chatbots/{name}/rules", responses((status = 200, body = Rules), (status = 404, description = "There is no such chatbot")))]
pub async fn rules(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Rules>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    Ok(Json(app.read(move |store| store.rules(&chatbot)).await?))
}

/// Sets it; what the body does not name is as configured.
#[utoipa::path(
    put, path = "/chatbots/{name}/rules", request_body(content = Rules, example = json!({})),
    responses((status = 200, body = Rules), (status = 404, description = "There is no such chatbot")),
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
#[utoipa::path(get, path = "/chatbots/{name}/usage", responses((status = 200, body = Usage), (status = 404, description = "There is no such chatbot")))]
pub async fn usage(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Json<Usage>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    let read = move |store: &store::Store| Ok((store.rules(&chatbot)?, store.spending(chatbot.as_str())?));
    let (rules, spent) = app.read(read).await?;
    let (limits, clock) = (app.limits.with(&rules), &app.local_time);
    let spent = spent.on(clock.day(now()), clock.month(now()));
    let day =
        Spent { sent: spent.in_day, limit: limits.per_day, renewed_at: clock.next_day(now()).rfc3339() };
    let month = Spent {
        sent: spent.in_month,
        limit: limits.per_month,
        renewed_at: clock.next_month(now()).rfc3339(),
    };
    Ok(Json(Usage { per_second: limits.per_second, day, month }))
}

impl Shown {
    fn of(contact: &Contact) -> Self {
        let consent = contact.consent.iter().map(|one| Said {
            given: one.is_given,
            at: one.at.rfc3339(),
            word: one.word.clone(),
            by: one.by,
        });
        Self {
            chatbot_id: contact.chatbot.to_string(),
            number: contact.user.user().to_owned(),
            opted_out: contact.has_opted_out(),
            consent: consent.collect(),
            revealed: contact.is_revealed,
            hidden: contact.is_hidden,
            token: contact.token.map(|token| token.to_string()),
        }
    }
}
