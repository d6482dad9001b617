//! `/admin/v1`: what administrators may do, for whoever has the token of `DIR/admin-token`.
//!
//! | call | what |
//! |---|---|
//! | `GET`, `POST /subscribers` | list; add or give a new password |
//! | `GET`, `DELETE /subscribers/{number}` | show with devices; remove |
//! | `GET /subscribers/{number}/otp` | the one-time password that a handset waits for |
//! | `GET`, `PATCH /subscribers/{number}/configuration` | configured devices; what handsets are told |
//! | `DELETE …/configuration/devices`, `…/devices/{id}` | take back the secrets of all, or of one |
//! | `GET /subscribers/{number}/blocked`, `PUT`, `DELETE …/blocked/{address}` | block list |
//! | `GET`, `PUT`, `DELETE /subscribers/{number}/history` | whether its conversation history is kept; turn that on; off, deleting it |
//! | `GET /spam-reports?limit=` | what subscribers report, the latest first |
//! | `GET`, `POST /chatbots` | list; create (the only answer with secrets) |
//! | `GET`, `PATCH`, `DELETE /chatbots/{name}` | show; change; remove |
//! | `GET`, `POST /chatbots/{name}/keys`, `DELETE …/keys/{id}` | keys of a service account: list; make (the only answer with it); remove |
//! | `GET /chatbots/{name}/testers`, `PUT`, `DELETE …/testers/{number}` | whom a chatbot has invited; answer for one; take one off the list |
//! | `GET`, `PUT /chatbots/{name}/rules` | limits of its own, and whether it knows numbers |
//! | `GET /chatbots/{name}/usage` | what it has sent today and this month |
//! | `GET /chatbots/{name}/contacts?limit=&after=` | users who have said whether they want its messages |
//! | `GET`, `PATCH /chatbots/{name}/contacts/{number}` | one of them: what was said and when; note what is wanted |
//! | `GET /dead-letters?limit=` | what was given up on on its way to chatbots |
//! | `GET`, `DELETE /chatbots/{name}/dead-letters?limit=&after=` | one chatbot's; remove all |
//! | `GET`, `DELETE /chatbots/{name}/dead-letters/{id}` | one; remove it |
//! | `POST /chatbots/{name}/dead-letters/replay` | put back `{"ids": […]}`, or all |
//! | `GET /groups`, `/groups/{id}` | list; show with members and devices |
//! | `PUT`, `DELETE /groups/{id}/icon` | give it an icon, a picture in the body; take it away |
//! | `GET /mailboxes/{address}?limit=` | what waits, without contents |
//! | `GET /files?owner=&limit=` | files on the content server |
//! | `GET`, `DELETE /files/{id}` | show; remove |
//! | `GET /media?chatbot=&after=&limit=`, `POST /media` | what chatbots have uploaded; bring what lies at a URL |
//! | `GET`, `DELETE /media/{id}` | show; remove |
//! | `GET /trace/{message-id}` | where a message was and is |
//! | `POST /messages` | a text from a chatbot |
//!
//! Bodies are JSON; a failure is `{"error": "what is wrong"}` with a fitting status.

mod chatbots;
mod configurations;
mod contacts;
mod dead_letters;
mod files;
mod groups;
mod media;
mod messages;
mod service_accounts;
mod subscribers;
mod unwanted;

pub(crate) use chatbots::{create_chatbot, remove_chatbot, update_chatbot};
pub(crate) use contacts::set as set_contact;
pub(crate) use subscribers::add_subscriber;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderValue, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next, map_response};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::{App, Failure, in_our_form};
use crate::content::icon::SOURCE_BYTES_MAX;

/// The calls, behind the token.
pub fn router(app: Arc<App>) -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(subscribers::list, subscribers::add))
        .routes(routes!(subscribers::show, subscribers::remove))
        .routes(routes!(configurations::otp))
        .routes(routes!(configurations::show, configurations::change))
        .routes(routes!(configurations::revoke_all))
        .routes(routes!(configurations::revoke))
        .routes(routes!(unwanted::blocked))
        .routes(routes!(unwanted::block, unwanted::unblock))
        .routes(routes!(subscribers::history, subscribers::keep_history, subscribers::delete_history))
        .routes(routes!(unwanted::spam_reports))
        .routes(routes!(chatbots::list, chatbots::create))
        .routes(routes!(chatbots::show, chatbots::update, chatbots::remove))
        .routes(routes!(service_accounts::keys, service_accounts::add_key))
        .routes(routes!(service_accounts::remove_key))
        .routes(routes!(service_accounts::testers))
        .routes(routes!(service_accounts::set_tester, service_accounts::remove_tester))
        .routes(routes!(contacts::rules, contacts::set_rules))
        .routes(routes!(contacts::usage))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::show, contacts::change))
        .routes(routes!(dead_letters::list_all))
        .routes(routes!(dead_letters::list, dead_letters::remove_all))
        .routes(routes!(dead_letters::replay))
        .routes(routes!(dead_letters::show, dead_letters::remove))
        .routes(routes!(groups::list))
        .routes(routes!(groups::show))
        .routes(
            routes!(groups::set_icon, groups::remove_icon)
                .layer(DefaultBodyLimit::max(SOURCE_BYTES_MAX as usize)),
        )
        .routes(routes!(messages::mailbox))
        .routes(routes!(files::list))
        .routes(routes!(files::show, files::remove))
        .routes(routes!(media::list, media::add))
        .routes(routes!(media::show, media::remove))
        .routes(routes!(messages::trace))
        .routes(routes!(messages::send))
        .fallback(|| async { Failure::not_found("there is no such call") })
        .layer(map_response(in_our_form))
        .layer(middleware::from_fn_with_state(app, authorised))
}

async fn authorised(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut answer = match bearer_token(request.headers()) {
        Some(token) if is_same_secret(token, &app.admin_token) => next.run(request).await,
        _ => {
            let challenge = [(WWW_AUTHENTICATE, "Bearer")];
            let failure =
                Failure { status: StatusCode::UNAUTHORIZED, reason: "wrong or no admin token".to_owned() };
            (challenge, failure).into_response()
        }
    };
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares hashes, all of them always: the time taken says nothing about where the texts differ.
fn is_same_secret(given: &str, ours: &str) -> bool {
    let (given, ours) = (Sha256::digest(given), Sha256::digest(ours));
    given.iter().zip(ours.iter()).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_opens() {
        let headers = |value: &str| HeaderMap::from_iter([(AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(bearer_token(&headers("Bearer abc")), Some("abc"));
        assert_eq!(bearer_token(&headers("bearer  abc ")), Some("abc"));
        assert_eq!(bearer_token(&headers("Basic abc")), None);
        assert_eq!(bearer_token(&HeaderMap::new()), None);
        assert!(is_same_secret("abc", "abc"));
        assert!(!is_same_secret("abd", "abc"));
        assert!(!is_same_secret("", "abc"));
    }
}
