//! `/admin/v1/subscribers/{number}/blocked` and `/admin/v1/spam-reports`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use message_centre::blocks::Call;
use serde::{Deserialize, Serialize};
use store::SpamReport;
use utoipa::{IntoParams, ToSchema};

use super::subscribers::subscriber;
use crate::http::blocks::{Blocked, change, listed, named};
use crate::http::{App, Failure};

/// Reports in one answer.
const REPORTS_MAX: usize = 1_000;

/// Query of `GET /spam-reports`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// At most so many, 100 if absent, never more than 1000.
    limit: Option<usize>,
}

/// A subscriber's report about spam.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SpamReport)]
pub struct Shown {
    at: String,
    from: String,
    /// The number, chatbot or group that it is about.
    about: String,
    /// What the subscriber's handset calls it.
    kind: Option<String>,
    text: Option<String>,
    message_ids: Vec<String>,
}

/// Whom a subscriber has blocked.
#[utoipa::path(
    get, path = "/subscribers/{number}/blocked",
    responses((status = 200, body = Vec<Blocked>), (status = 404, description = "There is no such subscriber")),
)]
pub async fn blocked(
    State(app): State<Arc<App>>,
    Path(number): Path<String>,
) -> Result<Json<Vec<Blocked>>, Failure> {
    listed(&app, subscriber(&app, &number)?).await
}

/// Blocks somebody for a subscriber.
#[utoipa::path(
    put, path = "/subscribers/{number}/blocked/{whom}",
    responses(
        (status = 204),
        (status = 404, description = "There is no such subscriber"),
        (status = 409, description = "The list is full"),
    ),
)]
pub async fn block(
    State(app): State<Arc<App>>,
    Path((number, whom)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let call = Call::Block(subscriber(&app, &number)?, named(&app, &whom)?);
    change(&app, call).await
}

/// Lifts that again.
#[utoipa::path(
    delete, path = "/subscribers/{number}/blocked/{whom}",
    responses((status = 204), (status = 404, description = "There is no such subscriber, or they are not blocked")),
)]
pub async fn unblock(
    State(app): State<Arc<App>>,
    Path((number, whom)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let call = Call::Unblock(subscriber(&app, &number)?, named(&app, &whom)?);
    change(&app, call).await
}

/// What subscribers report as spam, the latest first.
#[utoipa::path(get, path = "/spam-reports", params(Page), responses((status = 200, body = Vec<Shown>)))]
pub async fn spam_reports(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Json<Vec<Shown>>, Failure> {
    let Query(page) = page?;
    let limit = page.limit.unwrap_or(100).min(REPORTS_MAX);
    let reports = app.read(move |store| store.spam_reports(limit)).await?;
    Ok(Json(reports.into_iter().map(Shown::of).collect()))
}

impl Shown {
    fn of(report: SpamReport) -> Self {
        Self {
            at: report.at.rfc3339(),
            from: report.from.to_string(),
            about: report.about.to_string(),
            kind: report.kind,
            text: report.text,
            message_ids: report.message_ids,
        }
    }
}
