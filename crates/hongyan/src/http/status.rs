//! For operators and their machines: `/metrics`, `/healthz`, `/readyz`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use super::App;
use crate::metrics::CONTENT_TYPE as OPEN_METRICS;

/// What is measured, for Prometheus.
#[utoipa::path(
    get, path = "/metrics",
    responses((status = 200, content_type = "application/openmetrics-text", body = String)),
)]
pub async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, OPEN_METRICS)], app.metrics.text())
}

/// 200 while the process lives: it ends when the centre's thread does.
#[utoipa::path(get, path = "/healthz", responses((status = 200, content_type = "text/plain", body = String)))]
pub async fn health() -> &'static str {
    "ok\n"
}

/// 200 once everything listens, until the process begins to stop.
#[utoipa::path(
    get, path = "/readyz",
    responses(
        (status = 200, content_type = "text/plain", body = String),
        (status = 503, content_type = "text/plain", body = String),
    ),
)]
pub async fn readiness(State(app): State<Arc<App>>) -> impl IntoResponse {
    match app.ready.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}
