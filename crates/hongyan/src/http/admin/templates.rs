//! `/admin/v1/templates` and `/admin/v1/chatbots/{name}/templates/{template}`.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use maap::manage::{self, Answer};
use serde_json::{Value, json};
use store::Template;

use super::access::Caller;
use super::chatbots::chatbot_address;
use super::page::Whose;
use super::{done, unexpected};
use crate::http::{App, Failure};

/// Templates in one answer.
const TEMPLATES_MAX: usize = 1_000;

/// The templates of one chatbot, or of all that the caller may see.
#[utoipa::path(get, path = "/templates", params(Whose), responses((status = 200, body = Vec<Object>), (status = 404, description = "There is no such chatbot")))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Query(whose) = whose?;
    let chatbot = whose.chatbot(&app)?;
    let shown = app
        .read(move |store| {
            if caller.tenant.is_none() {
                let templates = store.templates(chatbot.as_ref(), TEMPLATES_MAX)?;
                return Ok(templates.iter().map(summary).collect());
            }
            let mut templates = Vec::new();
            for owner in store.owners()?.iter().filter(|owner| caller.owns(Some(&owner.tenant))) {
                if chatbot.as_ref().is_none_or(|wanted| owner.chatbot == *wanted) {
                    let room = TEMPLATES_MAX - templates.len();
                    templates.extend(store.templates(Some(&owner.chatbot), room)?);
                }
            }
            Ok(templates.iter().map(summary).collect())
        })
        .await?;
    Ok(Json(shown))
}

/// One template, with its source.
#[utoipa::path(
    get, path = "/chatbots/{name}/templates/{template}",
    responses((status = 200, body = Object), (status = 404, description = "There is no such template")),
)]
pub async fn show(
    State(app): State<Arc<App>>,
    Path((name, template)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let key = (chatbot_address(&app, &name)?, template);
    let found = app.read(move |store| store.template(&key)).await?;
    let template = found.ok_or_else(|| Failure::not_found("there is no such template"))?;
    let mut shown = summary(&template);
    shown["template"] = serde_json::from_str(&template.source).unwrap_or_default();
    Ok(Json(shown))
}

/// Adds or replaces a template; what is wrong with it is told by JSON path.
#[utoipa::path(
    put, path = "/chatbots/{name}/templates/{template}",
    request_body(content = Object, example = json!({ "content": { "text": "您好" } })),
    responses((status = 201, description = "It is new"), (status = 204, description = "It was there and is another now"), (status = 404, description = "There is no such chatbot"), (status = 409)),
)]
pub async fn put(
    State(app): State<Arc<App>>,
    Path((name, template)): Path<(String, String)>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<StatusCode, Failure> {
    let Json(source) = body?;
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

fn summary(template: &Template) -> Value {
    let read = manage::read_template(&template.source);
    let variables: Vec<&str> = read.variables.iter().map(|variable| variable.name.as_str()).collect();
    json!({
        "chatbotId": template.chatbot,
        "name": template.name,
        "variables": variables,
        "createdAt": template.created_at.rfc3339(),
        "changedAt": template.changed_at.rfc3339(),
    })
}
