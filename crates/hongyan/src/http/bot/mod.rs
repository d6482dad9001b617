//! The APIs that chatbots speak: one file a dialect, which finds out who asks, reads the call into a [`maap::Call`], and writes
//! the answer in the dialect's words.

pub mod cm;
pub mod csp;
pub mod ctcu;
pub mod fnw11;
pub mod limits;
pub mod rbm;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get, post};
use percent_encoding::percent_decode_str;
use rcs::address::Address;
use rcs::ids;
use store::{Chatbot, Dialect};
use utoipa_axum::router::OpenApiRouter;

use super::{App, Failure};
use crate::metrics::ApiCall;

/// The paths of all dialects; `told` says to the OpenAPI document which calls there are.
#[expect(clippy::disallowed_methods, reason = "the handlers read the rest of the path")]
pub fn router() -> OpenApiRouter<Arc<App>> {
    let mut router = OpenApiRouter::new()
        .route("/v1/{*path}", any(rbm::call))
        .route("/token", post(rbm::exchange))
        .route("/oauth2/v4/token", post(rbm::exchange))
        .route("/$discovery/rest", get(rbm::discover))
        .route("/bot/v1/{chatbot}/{*call}", any(ctcu::call))
        .route("/bot/v1/{chatbot}", any(ctcu::no_call))
        .route("/rcs/bot/v1/{chatbot}/{*call}", any(fnw11::call))
        .route("/oauth2/v1/token", post(fnw11::token))
        .route("/messaging/{*path}", any(cm::call))
        .route("/chatbot/messaging/{*path}", any(cm::call))
        .route("/maapdiscovery/messaging/{*path}", any(cm::call))
        .route("/vg2/{*path}", any(cm::call))
        .route("/cspApi/{version}/{call}", any(csp::call));
    router.get_openapi_mut().merge(told::calls());
    router
}

/// Uploads, whose bodies take as long as they take: the media library bounds them.
#[expect(clippy::disallowed_methods, reason = "told with the other calls")]
pub fn uploads() -> Router<Arc<App>> {
    Router::new()
        .route("/bot/v1/{chatbot}/medias/upload", any(ctcu::media::upload))
        .route("/upload/v1/files", any(rbm::upload))
        .route("/rcs/bot/v1/{chatbot}/files", any(fnw11::upload))
        .route("/Content", any(cm::content))
        .route("/cspApi/{version}/uploadFile", any(csp::upload))
}

impl App {
    /// A chatbot's row, as it is on disk. All of them are at hand, so that finding out who asks takes no turn in the blocking pool.
    fn chatbot(&self, chatbot: &Address) -> Result<Option<Arc<Chatbot>>, Failure> {
        self.store.chatbot(chatbot).map_err(|error| Failure::of_store(&error))
    }

    /// Counts a call of an API by the code that its answer carries: the dialect's own, or else the HTTP status.
    fn count_api_call(&self, dialect: &'static str, call: &'static str, code: i32) {
        self.metrics.api_calls.get_or_create(&ApiCall::of(dialect, call, code)).inc();
    }
}

/// An id for a message whose dialect leaves that to us.
fn fresh_id() -> String {
    let mut random = [0; 16];
    getrandom::fill(&mut random).expect("the kernel gives random bytes");
    ids::message_id(random)
}

/// A segment of a path, or a value of a query, without its percent-encoding.
fn unescaped(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// What a chatbot's program must know of this server, by the dialect's names. `public_url` has no slash at its end.
pub(crate) fn endpoints(public_url: &str, dialect: Dialect) -> BTreeMap<&'static str, String> {
    let of = |path: &str| format!("{public_url}{path}");
    match dialect {
        Dialect::Ctcu | Dialect::Rbm => BTreeMap::from([("serverRoot", of(""))]),
        Dialect::Cm => BTreeMap::from([("serverRoot", of("")), ("fileServer", of(""))]),
        Dialect::Fnw11 => {
            BTreeMap::from([("apiUrl", of("/rcs/bot/v1")), ("tokenUrl", of("/oauth2/v1/token"))])
        }
    }
}
