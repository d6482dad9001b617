//! `/admin/v1/files`: files on the content server. No answer holds a link: what users send each other is theirs.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use message_centre::files::{Answer, Call};
use serde::{Deserialize, Serialize};
use store::{File, FileId};
use utoipa::{IntoParams, ToSchema};

use super::chatbots;
use crate::http::{App, Failure};

/// Files in one answer.
const FILES_MAX: usize = 1_000;

/// Query of `GET /files`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Whose files: a number, or a chatbot's name. Everybody's if absent.
    owner: Option<String>,
    /// At most so many, 100 if absent, never more than 1000.
    limit: Option<usize>,
}

/// Files on the content server.
#[derive(Serialize, ToSchema)]
pub struct Files {
    /// What the owner's files come to; `null` when everybody's are listed.
    usage: Option<Usage>,
    files: Vec<Shown>,
}

/// What the files of one owner come to.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Usage {
    files: u64,
    bytes: u64,
    quota_files: u64,
    quota_bytes: u64,
}

/// A file on the content server.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = File)]
pub struct Shown {
    id: String,
    owner: String,
    name: Option<String>,
    content_type: String,
    bytes: u64,
    /// Absent without a thumbnail.
    thumbnail_bytes: Option<u64>,
    /// `complete` or `unfinished`.
    state: &'static str,
    created_at: String,
    expires_at: String,
}

/// A file was removed.
#[derive(Serialize, ToSchema)]
#[schema(as = FileRemoved)]
pub struct Removed {
    /// Its id.
    removed: String,
}

/// Files, everybody's or one subscriber's; of one also what they come to.
#[utoipa::path(get, path = "/files", params(Page), responses((status = 200, body = Files)))]
pub async fn list(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Files>, Failure> {
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
    let usage = usage.map(|usage| Usage {
        files: usage.files,
        bytes: usage.bytes,
        quota_files: quota.quota_files.get().into(),
        quota_bytes: quota.quota_bytes.get(),
    });
    Ok(Json(Files { usage, files: files.iter().map(Shown::of).collect() }))
}

/// One file.
#[utoipa::path(
    get, path = "/files/{id}",
    responses((status = 200, body = Shown), (status = 404, description = "There is no such file")),
)]
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Shown>, Failure> {
    find(&app, &id).await.map(|file| Json(Shown::of(&file)))
}

/// Removes a file before its time; its links find nothing from then on.
#[utoipa::path(
    delete, path = "/files/{id}",
    responses((status = 200, body = Removed), (status = 404, description = "There is no such file")),
)]
pub async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Removed>, Failure> {
    let file = find(&app, &id).await?;
    match app.change_files(Call::Remove(file)).await? {
        Answer::Done => Ok(Json(Removed { removed: id })),
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

impl Shown {
    fn of(file: &File) -> Self {
        Self {
            id: file.id.to_string(),
            owner: file.owner.to_string(),
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            bytes: file.bytes,
            thumbnail_bytes: file.thumbnail.as_ref().map(|thumbnail| thumbnail.bytes),
            state: if file.is_complete { "complete" } else { "unfinished" },
            created_at: file.created_at.rfc3339(),
            expires_at: file.expires_at.rfc3339(),
        }
    }
}
