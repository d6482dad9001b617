//! `/admin/v1/templates` and `/admin/v1/chatbots/{name}/templates/{template}`.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chatbot_api::template::MAX_VARIABLES;
use maap::manage::{self, Answer};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Template;
use utoipa::openapi::schema::{AdditionalProperties, SchemaType};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::access::Caller;
use super::chatbots::chatbot_address;
use super::page::Whose;
use super::{described, done, unexpected};
use crate::http::{App, Failure};

/// Templates in one answer.
const TEMPLATES_MAX: usize = 1_000;

/// A template, without its source.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TemplateListed)]
pub struct Listed {
    chatbot_id: String,
    name: String,
    /// The names of its variables, in the order in which they are declared.
    variables: Vec<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    changed_at: String,
}

/// A template, with its source.
#[derive(Serialize, ToSchema)]
#[schema(as = Template)]
pub struct Shown {
    #[serde(flatten)]
    listed: Listed,
    template: Source,
}

/// A template as its author wrote it; [`chatbot_api::Template`] reads it and says what is wrong with it.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Source(Value);

impl PartialSchema for Source {
    fn schema() -> RefOr<Schema> {
        let name = described(
            Type::String,
            "Its places are `{{name}}`: letters, digits and underscores, no digit first, at most 40",
        )
        .pattern(Some("^[A-Za-z_][A-Za-z0-9_]{0,39}$"));
        let kind = described(Type::String, "Which values it has; the other members are those of its type")
            .enum_values(Some(["text", "number", "money", "date", "url", "phone", "choice"]));
        let default = ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .description(Some("What is filled in when nothing is given; if absent, something must be given"));
        let variable = described(Type::Object, "Something that differs from recipient to recipient")
            .property("name", name)
            .property("type", kind)
            .property("default", default)
            .required("name")
            .required("type");
        // The reader takes a null for what is absent, and the source is shown as it was written.
        let or_null = |schema_type| SchemaType::from_iter([schema_type, Type::Null]);
        let variables = ArrayBuilder::new()
            .schema_type(or_null(Type::Array))
            .items(variable)
            .max_items(Some(MAX_VARIABLES));
        let content = described(
            Type::Object,
            "One of `text`, `message` (a card or carousel as in RCC.07) and `file` (items of the CT/CU interface), and \
             `suggestions` if there are some",
        );
        let traffic = described(Type::String, "The kind of traffic, such as `advertisement`")
            .schema_type(or_null(Type::String));
        let sms = described(Type::String, "The text for phones without RCS, with places")
            .schema_type(or_null(Type::String));
        described(
            Type::Object,
            "What a chatbot says, with places for what differs from recipient to recipient; at most 64 KiB",
        )
        .property("variables", variables)
        .property("content", content)
        .property("traffic", traffic)
        .property("sms", sms)
        .required("content")
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
        .into()
    }
}

impl ToSchema for Source {
    fn name() -> Cow<'static, str> {
        "TemplateSource".into()
    }
}

/// The templates of one chatbot, or of all that the caller may see.
#[utoipa::path(get, path = "/templates", params(Whose), responses((status = 200, body = Vec<Listed>), (status = 404, description = "There is no such chatbot")))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Vec<Listed>>, Failure> {
    let Query(whose) = whose?;
    let chatbot = whose.chatbot(&app)?;
    let shown = app
        .read(move |store| {
            if caller.tenant.is_none() {
                let templates = store.templates(chatbot.as_ref(), TEMPLATES_MAX)?;
                return Ok(templates.iter().map(Listed::of).collect());
            }
            let mut templates = Vec::new();
            for owner in store.owners()?.iter().filter(|owner| caller.owns(Some(&owner.tenant))) {
                if chatbot.as_ref().is_none_or(|wanted| owner.chatbot == *wanted) {
                    let room = TEMPLATES_MAX - templates.len();
                    templates.extend(store.templates(Some(&owner.chatbot), room)?);
                }
            }
            Ok(templates.iter().map(Listed::of).collect())
        })
        .await?;
    Ok(Json(shown))
}

/// One template, with its source.
#[utoipa::path(
    get, path = "/chatbots/{name}/templates/{template}",
    responses((status = 200, body = Shown), (status = 404, description = "There is no such template")),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Path((name, template)): Path<(String, String)>,
) -> Result<Json<Shown>, Failure> {
    let key = (chatbot_address(&app, &name)?, template);
    let found = app.read(move |store| store.template(&key)).await?;
    let template = found.ok_or_else(|| Failure::not_found("there is no such template"))?;
    let source = Source(serde_json::from_str(&template.source).unwrap_or_default());
    Ok(Json(Shown { listed: Listed::of(&template), template: source }))
}

/// Adds or replaces a template; what is wrong with it is told by JSON path.
#[utoipa::path(
    put, path = "/chatbots/{name}/templates/{template}",
    request_body(content = Source, example = json!({ "content": { "text": "您好" } })),
    responses((status = 201, description = "It is new"), (status = 204, description = "It was there and is another now"), (status = 404, description = "There is no such chatbot"), (status = 409)),
)]
pub async fn put(
    State(app): State<Arc<App>>,
    Path((name, template)): Path<(String, String)>,
    body: Result<Json<Source>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(Source(source)) = body?;
    let key = (chatbot_address(&app, &name)?, template);
    match app.manage(manage::Call::PutTemplate { key, source }).await? {
        Answer::Made => Ok(StatusCode::CREATED),
        Answer::Done => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(other)),
    }
}

/// Removes a template. Campaigns that were made from it go on.
#[utoipa::path(
    delete, path = "/chatbots/{name}/templates/{template}",
    responses((status = 204), (status = 404, description = "There is no such template"), (status = 409)),
)]
pub async fn remove(
    State(app): State<Arc<App>>,
    Path((name, template)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let key = (chatbot_address(&app, &name)?, template);
    done(app.manage(manage::Call::RemoveTemplate(key)).await?)
}

impl Listed {
    fn of(template: &Template) -> Self {
        let read = manage::read_template(&template.source);
        Self {
            chatbot_id: template.chatbot.to_string(),
            name: template.name.clone(),
            variables: read.variables.into_iter().map(|variable| variable.name).collect(),
            created_at: template.created_at.rfc3339(),
            changed_at: template.changed_at.rfc3339(),
        }
    }
}
