//! `/admin/v1/files`: files on the content server. No answer holds a link: what users send each other is theirs.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use message_centre::files::{Answer, Call};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{File, FileId};

use super::chatbots;
use crate::http::{App, Failure};

/// Files in one answer.
const FILES_MAX: usize = 1_000;

/// Query of `GET /files`.
#[derive(Deserialize)]
pub struct Page {
    owner: Option<String>,
    limit: Option<usize>,
}

/// Files, everybody's or one subscriber's; of one also what they come to.
pub async fn list(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Query(page) = page?;
    let owner = page.owner.map(|owner| chatbots::address(&app, &owner)).transpose()?;
    let limit = page.limit.unwrap_or(100).min(FILES_MAX);
    let (usage, files) = app
        .read(move |store| {
            let usage = owner.as_ref().map(|owner| store.usage(owner)).transpose()?;
            Ok((usage, store.files(owner.as_ref(), limit)?))
        })
        .await?;
    let quota = &app.content.config;
    let usage = usage.map(|usage| {
        json!({
            "files": usage.files,
            "bytes": usage.bytes,
            "quotaFiles": quota.quota_files,
            "quotaBytes": quota.quota_bytes,
        })
    });
    Ok(Json(json!({ "usage": usage, "files": files.iter().map(shown).collect::<Value>() })))
}

/// One file.
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    find(&app, &id).await.map(|file| Json(shown(&file)))
}

/// Removes a file before its time; its links find nothing from then on.
pub async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Value>, Failure> {
    let file = find(&app, &id).await?;
    match app.change_files(Call::Remove(file)).await? {
        Answer::Done => Ok(Json(json!({ "removed": id }))),
        Answer::NotFound | Answer::OverQuota => Err(no_such_file()),
    }
}

async fn find(app: &App, id: &str) -> Result<File, Failure> {
    let id: FileId = id.parse().map_err(|()| no_such_file())?;
    app.read(move |store| store.file(id)).await?.ok_or_else(no_such_file)
}

fn no_such_file() -> Failure {
    Failure::not_found("there is no such file")
}

fn shown(file: &File) -> Value {
    json!({
        "id": file.id,
        "owner": file.owner,
        "name": file.name,
        "contentType": file.content_type,
        "bytes": file.bytes,
        "thumbnailBytes": file.thumbnail.as_ref().map(|thumbnail| thumbnail.bytes),
        "state": if file.is_complete { "complete" } else { "unfinished" },
        "createdAt": file.created_at.rfc3339(),
        "expiresAt": file.expires_at.rfc3339(),
    })
}
