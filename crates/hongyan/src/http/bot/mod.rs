//! The APIs that chatbots speak: one file a dialect, which finds out who asks, reads the call into a [`maap::Call`], and writes
//! the answer in the dialect's words.

pub mod ctcu;

use std::sync::Arc;

use axum::routing::any;
use rcs::address::Address;
use store::Chatbot;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use super::{App, Failure, openapi};
use crate::metrics::ApiCall;

/// The paths of all dialects, each with what it says to the OpenAPI document.
pub fn router() -> OpenApiRouter<Arc<App>> {
    let router = OpenApiRouter::new();
    openapi::dispatched(router, "/bot/v1/{*path}", any(ctcu::call), ctcu::Calls::openapi())
}

impl App {
    /// A chatbot's row, as it is on disk.
    async fn chatbot(&self, chatbot: &Address) -> Result<Option<Chatbot>, Failure> {
        let address = chatbot.clone();
        self.read(move |store| store.chatbot(&address)).await
    }

    /// Counts a call of an API by the code that its answer carries: the dialect's own, or else the HTTP status.
    fn count_api_call(&self, dialect: &'static str, call: &'static str, code: i32) {
        self.metrics.api_calls.get_or_create(&ApiCall::of(dialect, call, code)).inc();
    }
}
