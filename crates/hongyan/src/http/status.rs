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
pub async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, OPEN_METRICS)], app.metrics.text())
}

/// 200 while the process lives: it ends when the centre's thread does.
pub async fn health() -> &'static str {
    "ok\n"
}

/// 200 once everything listens, until the process begins to stop.
pub async fn readiness(State(app): State<Arc<App>>) -> impl IntoResponse {
    match app.ready.load(Ordering::Relaxed) {
        true => (StatusCode::OK, "ready\n"),
        false => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
    }
}
