//! `/admin/v1/subscribers/{number}/blocked` and `/admin/v1/spam-reports`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use message_centre::blocks::Call;
use serde::Deserialize;
use serde_json::{Value, json};
use store::SpamReport;

use super::subscribers::subscriber;
use crate::http::blocks::{change, listed, named};
use crate::http::{App, Failure};

/// Reports in one answer.
const REPORTS_MAX: usize = 1_000;

/// Query of `GET /spam-reports`.
#[derive(Deserialize)]
pub struct Page {
    limit: Option<usize>,
}

/// Whom a subscriber has blocked.
pub async fn blocked(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<Json<Value>, Failure> {
    listed(&app, subscriber(&app, &number)?).await
}

/// Blocks somebody for a subscriber.
pub async fn block(
    State(app): State<Arc<App>>,
    Path((number, whom)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let call = Call::Block(subscriber(&app, &number)?, named(&app, &whom)?);
    change(&app, call).await
}

/// Lifts that again.
pub async fn unblock(
    State(app): State<Arc<App>>,
    Path((number, whom)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let call = Call::Unblock(subscriber(&app, &number)?, named(&app, &whom)?);
    change(&app, call).await
}

/// What subscribers report as spam, the latest first.
pub async fn spam_reports(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Query(page) = page?;
    let limit = page.limit.unwrap_or(100).min(REPORTS_MAX);
    let reports = app.read(move |store| store.spam_reports(limit)).await?;
    Ok(Json(reports.iter().map(shown).collect()))
}

fn shown(report: &SpamReport) -> Value {
    json!({
        "at": report.at.rfc3339(),
        "from": report.from,
        "about": report.about,
        "kind": report.kind,
        "text": report.text,
        "messageIds": report.message_ids,
    })
}
