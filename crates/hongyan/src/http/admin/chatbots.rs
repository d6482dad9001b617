//! `/admin/v1/chatbots`, and chatbots' addresses as administrators write them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chatbot_api::rbm;
use chatbot_api::rbm::key::KeyFile;
use maap::{Answer, Call, Change, NewChatbot};
use rcs::address::{Address, AddressKind};
use serde::Serialize;
use serde_json::{Value, json};
use store::{Chatbot, ChatbotStatus, Dialect, Store, StoreError, Token, WebhookAuth};
use utoipa::openapi::{RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::access::{About, Caller, called};
use super::service_accounts::make_key;
use super::{described, extended};
use crate::http::bot::endpoints;
use crate::http::{App, Failure};

/// Body of `POST /chatbots`: beside these, the members of [`Change`].
pub struct New;

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        let name =
            described(Type::String, "A name, which becomes `sip:NAME@botplatform.DOMAIN`, or a whole URI");
        let dialect = described(Type::String, "The interface that it speaks; `ctcu` if absent")
            .enum_values(Some(["ctcu", "cm", "rbm", "fnw11"]));
        let tenant =
            described(Type::String, "Whose it is; the operator's if absent. A tenant's key makes its own");
        let example = json!({ "name": "weather", "displayName": "天气" });
        extended::<Change>([("name", name), ("dialect", dialect), ("tenant", tenant)], &["name"], example)
    }
}

impl ToSchema for New {
    fn name() -> Cow<'static, str> {
        "NewChatbot".into()
    }
}

/// A chatbot, without its secrets.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Chatbot)]
pub struct Shown {
    /// Its `sip:` URI.
    #[schema(example = "sip:weather@botplatform.hongyan.local")]
    chatbot_id: String,
    dialect: Dialect,
    /// The public half of its credentials.
    app_id: String,
    /// The tenant whose it is; absent for the operator's.
    tenant: Option<String>,
    display_name: String,
    status: ChatbotStatus,
    /// Those whom it reaches before it is live. To tenants users are named as the chatbot knows them.
    testers: Vec<String>,
    /// Why it was not let go live, the last time that it was not.
    rejection: Option<String>,
    /// Where what happens is told to its program.
    webhook: Option<String>,
    /// Whether the webhook may be a private or loopback address.
    allow_private_webhook: bool,
    /// Whether the webhook has passed the check of its dialect.
    callback_checked: bool,
    webhook_auth: WebhookAuth,
    webhook_probe: bool,
    /// What its program must know of this server.
    endpoints: BTreeMap<&'static str, String>,
    icon: Option<String>,
    /// `#RRGGBB`.
    #[schema(pattern = "^#[0-9A-F]{6}$")]
    colour: Option<String>,
    description: Option<String>,
    provider: Option<String>,
    /// Whether somebody has verified who runs it.
    verified: bool,
    /// Who has.
    verified_by: Option<String>,
    /// Until when that is good.
    #[schema(format = DateTime)]
    verified_until: Option<String>,
    callback_number: Option<String>,
    website: Option<String>,
    email: Option<String>,
    /// URL of its terms and conditions.
    terms: Option<String>,
    background_image: Option<String>,
    category: Option<String>,
    more_categories: Vec<String>,
    /// Postal address.
    address: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    css_style: Option<String>,
    /// What is put under texts that go out as SMS.
    autograph: Option<String>,
    sms_number: Option<String>,
    /// The persistent menu (RCC.07).
    menu: Option<Value>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    changed_at: String,
}

/// A new chatbot, with the secrets that no later answer shows.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatbotCreated)]
pub struct Created {
    #[serde(flatten)]
    chatbot: Shown,
    #[serde(flatten)]
    secrets: Secrets,
}

/// What a chatbot's program needs to speak to us, and to know that we speak to it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Secrets {
    #[serde(rename_all = "camelCase")]
    Rbm {
        /// What the interface calls it.
        agent_id: String,
        /// Signs what is pushed to the webhook.
        client_token: String,
        /// The key file of its service account.
        service_account: Box<KeyFile>,
    },
    #[serde(rename_all = "camelCase")]
    Other {
        /// The secret half of its credentials.
        app_key: String,
        /// Signs what is pushed to the webhook, or stands in it.
        callback_token: String,
    },
}

/// The chatbots that the caller may see.
#[utoipa::path(get, path = "/chatbots", responses((status = 200, body = Vec<Shown>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Vec<Shown>>, Failure> {
    let reader = Reader::of(&app, &caller);
    let read = move |store: &Store| {
        let owners = store.owners()?;
        let owners: BTreeMap<&Address, &str> =
            owners.iter().map(|owner| (&owner.chatbot, owner.tenant.as_str())).collect();
        let chatbots = store.chatbots()?;
        let tenant_of = |chatbot: &Chatbot| owners.get(&chatbot.address).copied();
        let visible = chatbots.values().filter(|chatbot| caller.owns(tenant_of(chatbot)));
        visible.map(|chatbot| reader.shown(store, Chatbot::clone(chatbot))).collect()
    };
    app.read(read).await.map(Json)
}

/// A new chatbot, with the secrets that no later answer shows.
///
/// What a tenant makes is a draft, where the operator approves what chatbots show.
#[utoipa::path(
    post, path = "/chatbots", request_body = New,
    responses(
        (status = 201, body = Created),
        (status = 409, description = "There is one of this name, there was one of somebody else's, or the tenant has as many as it may"),
    ),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Extension<About>, Json<Created>), Failure> {
    let Json(mut wanted) = body?;
    only_operators(&caller, &wanted)?;
    let begins = wanted.get("status").is_none_or(|status| status == "draft" || status == "testing");
    if caller.tenant.is_some() && !begins {
        return Err(only_operator("status"));
    }
    if let (Some(tenant), Some(wanted)) = (&caller.tenant, wanted.as_object_mut()) {
        wanted.insert("tenant".to_owned(), json!(tenant));
    }
    let created = make(&app, wanted).await?;
    let Shown { chatbot_id, tenant, .. } = &created.chatbot;
    Ok((StatusCode::CREATED, About::made(format!("/chatbots/{chatbot_id}"), tenant.clone()), Json(created)))
}

/// One chatbot.
#[utoipa::path(
    get, path = "/chatbots/{name}",
    responses((status = 200, body = Shown), (status = 404, description = "There is no such chatbot")),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<Shown>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    let found = app.read(move |store| store.chatbot(&chatbot)).await?;
    let found = found.map(Arc::unwrap_or_clone).ok_or_else(no_such_chatbot)?;
    shown(&app, &caller, found).await.map(Json)
}

/// Changes what the body names.
///
/// Of a tenant's chatbot that is no draft any more, what handsets show waits for the operator to approve it, where the operator
/// approves: the answer is 202 then, and `/reviews` has what waits. The rest holds at once.
#[utoipa::path(
    patch, path = "/chatbots/{name}", request_body = Change,
    responses(
        (status = 200, body = Shown),
        (status = 202, description = "As it is as long as the operator has not decided", body = Shown),
        (status = 404, description = "There is no such chatbot"),
    ),
)]
pub async fn update(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<(StatusCode, Json<Shown>), Failure> {
    let Json(change) = body?;
    only_operators(&caller, &change)?;
    // The steps of `standing.rs` ask the operator where it has to.
    if caller.tenant.is_some() && change.get("status").is_some() {
        return Err(only_operator("status"));
    }
    let (status, chatbot) = match changed(&app, &name, change, caller.tenant.is_some()).await? {
        Answer::Updated(chatbot) => (StatusCode::OK, chatbot),
        Answer::Proposed(chatbot) => (StatusCode::ACCEPTED, chatbot),
        other => return Err(failure_of(other)),
    };
    Ok((status, Json(shown(&app, &caller, *chatbot).await?)))
}

/// Removes a chatbot.
///
/// What waits for it, its campaigns and what it knows of users stay for a chatbot of the same name; no other tenant can make one.
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
    let theirs = ["verified", "verifiedBy", "verifiedUntil", "allowPrivateWebhook"];
    match theirs.into_iter().find(|member| caller.tenant.is_some() && change.get(member).is_some()) {
        Some(member) => Err(only_operator(member)),
        None => Ok(()),
    }
}

fn only_operator(member: &str) -> Failure {
    Failure::new(StatusCode::FORBIDDEN, format!("{member}: only the operator can say so"))
}

/// Makes a chatbot: `wanted` holds `name`, `dialect`, `tenant` and the members of [`Change`].
async fn make(app: &App, mut wanted: Value) -> Result<Created, Failure> {
    let mut take = |member: &str| wanted.as_object_mut().and_then(|wanted| wanted.remove(member));
    let text = |member: &str, value: Option<Value>| match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Failure::bad_request(&format!("{member}: no text"))),
    };
    let name = text("name", take("name"))?.ok_or_else(|| Failure::bad_request("name: missing"))?;
    let tenant = text("tenant", take("tenant"))?;
    let dialect = take("dialect").map_or(Ok(Dialect::Ctcu), serde_json::from_value);
    let dialect = dialect.map_err(|_| Failure::bad_request("dialect: not one of ctcu, cm, rbm, fnw11"))?;
    let new = NewChatbot { name, dialect, tenant, data: read_change(wanted)? };
    match app.ask_maap(Call::Create(Box::new(new))).await? {
        Answer::Created { chatbot, credentials } => {
            let secrets = match dialect {
                Dialect::Rbm => Secrets::Rbm {
                    agent_id: rbm::agent_id(&chatbot.address, &app.numbering),
                    client_token: credentials.callback_token,
                    service_account: Box::new(make_key(app, chatbot.address.clone()).await?),
                },
                _ => Secrets::Other {
                    app_key: credentials.app_key,
                    callback_token: credentials.callback_token,
                },
            };
            Ok(Created { chatbot: shown(app, &Caller::ROOT, *chatbot).await?, secrets })
        }
        other => Err(failure_of(other)),
    }
}

/// As [`create`], from within.
pub(crate) async fn create_chatbot(app: &App, wanted: Value) -> Result<Value, Failure> {
    let created = make(app, wanted).await?;
    Ok(serde_json::to_value(created).expect("texts can be written as JSON"))
}

async fn changed(app: &App, name: &str, change: Value, is_reviewed: bool) -> Result<Answer, Failure> {
    let (chatbot, change) = (chatbot_address(app, name)?, Box::new(read_change(change)?));
    app.ask_maap(Call::Update { chatbot, change, is_reviewed }).await
}

/// As [`update`], from within.
pub(crate) async fn update_chatbot(app: &App, name: &str, change: Value) -> Result<(), Failure> {
    match changed(app, name, change, false).await? {
        Answer::Updated(_) => Ok(()),
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
    let to = user_named(app, to)?;
    match app.ask_maap(Call::SendText { from, to, text }).await? {
        Answer::Sent { message_id, .. } => Ok(message_id),
        other => Err(failure_of(other)),
    }
}

/// A user by number, or by the token that a chatbot knows, for calls that name the chatbot.
pub(super) fn user_named(app: &App, text: &str) -> Result<Address, Failure> {
    let token = Token::parse(text).map(|token| format!("sip:{token}@{}", app.numbering.domain));
    let user = app.numbering.address(token.as_deref().unwrap_or(text));
    let user = user.map_err(|error| Failure::bad_request(&error.to_string()))?;
    match user.kind() == AddressKind::Subscriber || maap::privacy::token_of(&user).is_some() {
        true => Ok(user),
        false => Err(Failure::bad_request(&format!("{user} is neither a phone number nor a token"))),
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
        Answer::Refused(refusal) => {
            let what = refusal
                .limit
                .map(|(span, limit)| format!("more than {limit} messages in a {}", span.as_str()));
            (StatusCode::TOO_MANY_REQUESTS, what.unwrap_or(refusal.detail))
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "unexpected answer of the centre".to_owned()),
    };
    Failure { status, reason }
}

fn no_such_chatbot() -> Failure {
    Failure::not_found("there is no such chatbot")
}

/// A chatbot as whoever calls may see it.
pub(super) async fn shown(app: &App, caller: &Caller, chatbot: Chatbot) -> Result<Shown, Failure> {
    let reader = Reader::of(app, caller);
    app.read(move |store| reader.shown(store, chatbot)).await
}

/// What chatbots are shown by, where the store is read.
struct Reader {
    caller: Caller,
    knows_tokens: bool,
    public_url: String,
}

impl Reader {
    fn of(app: &App, caller: &Caller) -> Self {
        Self { caller: caller.clone(), knows_tokens: app.anonymous, public_url: app.public_url.clone() }
    }

    fn shown(&self, store: &Store, chatbot: Chatbot) -> Result<Shown, StoreError> {
        let Self { caller, knows_tokens, public_url } = self;
        let tenant = store.owner(&chatbot.address)?;
        let testers = chatbot.standing.testers.iter();
        let testers = testers.map(|user| called(store, caller, &chatbot.address, user, *knows_tokens));
        let testers: Vec<Option<String>> = testers.collect::<Result<_, _>>()?;
        let (profile, extras, standing) = (chatbot.profile, chatbot.extras, chatbot.standing);
        Ok(Shown {
            chatbot_id: chatbot.address.to_string(),
            dialect: chatbot.dialect,
            app_id: chatbot.app_id,
            tenant,
            display_name: profile.name,
            status: chatbot.status,
            testers: testers.into_iter().flatten().collect(),
            rejection: standing.rejection,
            webhook: chatbot.webhook,
            allow_private_webhook: chatbot.allow_private_webhook,
            callback_checked: chatbot.callback_checked,
            webhook_auth: chatbot.webhook_auth,
            webhook_probe: chatbot.webhook_probe,
            endpoints: endpoints(public_url, chatbot.dialect),
            icon: profile.icon,
            colour: profile.colour,
            description: profile.description,
            provider: profile.provider,
            verified: profile.verified,
            verified_by: standing.verified_by,
            verified_until: standing.verified_until.map(|until| until.rfc3339()),
            callback_number: profile.callback_number,
            website: profile.website,
            email: profile.email,
            terms: profile.terms,
            background_image: profile.background_image,
            category: profile.category,
            more_categories: extras.more_categories,
            address: extras.address,
            latitude: extras.latitude,
            longitude: extras.longitude,
            css_style: extras.css_style,
            autograph: extras.autograph,
            sms_number: extras.sms_number,
            menu: profile.menu.as_deref().and_then(|menu| serde_json::from_str(menu).ok()),
            created_at: chatbot.created_at.rfc3339(),
            changed_at: chatbot.changed_at.rfc3339(),
        })
    }
}
