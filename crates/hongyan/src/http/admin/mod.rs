//! `/admin/v1`: what administrators may do, for whoever has the token of `DIR/admin-token`, or a key that allows it
//! ([`access`]). Every call that changes something leaves a row in the audit log.
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
//! | `GET /chatbots/{name}/invitations`, `PUT`, `DELETE …/invitations/{number}` | whom a chatbot reaches before it is live: who was asked to test it; answer for one, asked or not; forget one |
//! | `GET`, `PUT /chatbots/{name}/rules` | limits of its own, and whether it knows numbers |
//! | `GET /chatbots/{name}/usage` | what it has sent today and this month |
//! | `GET /chatbots/{name}/contacts?limit=&after=` | users who have said whether they want its messages |
//! | `GET`, `PATCH /chatbots/{name}/contacts/{number}` | one of them: what was said and when; note what is wanted |
//! | `GET /dead-letters?limit=` | what was given up on on its way to chatbots |
//! | `GET`, `DELETE /chatbots/{name}/dead-letters?limit=&after=` | one chatbot's; remove all |
//! | `GET`, `DELETE /chatbots/{name}/dead-letters/{id}` | one; remove it |
//! | `POST /chatbots/{name}/dead-letters/replay` | put back `{"ids": […]}`, or all |
//! | `POST /chatbots/{name}/test`, `submit`, `suspend`, `resume` | where it stands |
//! | `GET /reviews?chatbot=` | what chatbots want to show |
//! | `POST /chatbots/{name}/reviews/{topic}/approve`, `reject` | whether they may |
//! | `GET /chatbots/{name}/links?body=`, `qr.svg`, `qr.png` | links that open a conversation |
//! | `GET /groups`, `/groups/{id}` | list; show with members and devices |
//! | `PUT`, `DELETE /groups/{id}/icon` | give it an icon, a picture in the body; take it away |
//! | `GET /mailboxes/{address}?limit=` | what waits, without contents |
//! | `GET /files?owner=&limit=` | files on the content server |
//! | `GET`, `DELETE /files/{id}` | show; remove |
//! | `GET /media?chatbot=&after=&limit=`, `POST /media` | what chatbots have uploaded; bring what lies at a URL |
//! | `GET`, `DELETE /media/{id}` | show; remove |
//! | `GET /trace/{message-id}` | where a message was and is |
//! | `POST /messages` | a text from a chatbot |
//! | `PUT`, `DELETE /chatbots/{name}/tenant` | give to a tenant; take from it |
//! | `GET /templates?chatbot=` | templates |
//! | `GET`, `PUT`, `DELETE /chatbots/{name}/templates/{template}` | show; add or replace; remove |
//! | `GET`, `POST /campaigns?chatbot=` | list; create a draft |
//! | `GET`, `PATCH`, `DELETE /campaigns/{id}` | show with progress; change the plan; remove |
//! | `POST /campaigns/{id}/recipients` | add recipients, CSV of any length or JSON |
//! | `POST /campaigns/{id}/start`, `…/pause`, `…/resume`, `…/cancel` | steer |
//! | `GET /campaigns/{id}/outcomes?outcome=&number=&from=&limit=&format=csv` | what became of each recipient's message |
//! | `GET`, `POST /tenants` | list; create |
//! | `GET`, `PATCH`, `DELETE /tenants/{tenant}` | show; change; remove |
//! | `GET`, `POST /keys` | list; create (the only answer that shows it) |
//! | `POST /keys/{id}/rotate`, `DELETE /keys/{id}` | another secret; take back |
//! | `GET /audit-log?key=&tenant=&text=&since=&until=&failed=&before=&limit=` | what was done, the latest first |
//!
//! Bodies are JSON; a failure is `{"error": "what is wrong"}` with a fitting status.

mod access;
mod audit;
mod campaigns;
mod chatbots;
mod configurations;
mod contacts;
mod dead_letters;
mod files;
mod groups;
mod media;
mod messages;
mod service_accounts;
mod standing;
mod subscribers;
mod templates;
mod tenants;
mod unwanted;

pub use access::calls;
pub(crate) use chatbots::{create_chatbot, remove_chatbot, update_chatbot};
pub(crate) use contacts::set as set_contact;
pub(crate) use subscribers::add_subscriber;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{delete, get, post, put};
use maap::manage::Answer;

use super::{App, Failure};
use crate::content::icon::SOURCE_BYTES_MAX;

/// The calls, behind the token.
pub fn router(app: Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/subscribers", get(subscribers::list).post(subscribers::add))
        .route("/subscribers/{number}", get(subscribers::show).delete(subscribers::remove))
        .route("/subscribers/{number}/otp", get(configurations::otp))
        .route("/subscribers/{number}/configuration", get(configurations::show).patch(configurations::change))
        .route("/subscribers/{number}/configuration/devices", delete(configurations::revoke_all))
        .route("/subscribers/{number}/configuration/devices/{device}", delete(configurations::revoke))
        .route("/subscribers/{number}/blocked", get(unwanted::blocked))
        .route("/subscribers/{number}/blocked/{whom}", put(unwanted::block).delete(unwanted::unblock))
        .route(
            "/subscribers/{number}/history",
            get(subscribers::history).put(subscribers::keep_history).delete(subscribers::delete_history),
        )
        .route("/spam-reports", get(unwanted::spam_reports))
        .route("/chatbots", get(chatbots::list).post(chatbots::create))
        .route("/chatbots/{name}", get(chatbots::show).patch(chatbots::update).delete(chatbots::remove))
        .route("/chatbots/{name}/keys", get(service_accounts::keys).post(service_accounts::add_key))
        .route("/chatbots/{name}/keys/{key}", delete(service_accounts::remove_key))
        .route("/chatbots/{name}/invitations", get(service_accounts::invitations))
        .route(
            "/chatbots/{name}/invitations/{number}",
            put(service_accounts::answer_invitation).delete(service_accounts::remove_invitation),
        )
        .route("/chatbots/{name}/rules", get(contacts::rules).put(contacts::set_rules))
        .route("/chatbots/{name}/usage", get(contacts::usage))
        .route("/chatbots/{name}/contacts", get(contacts::list))
        .route("/chatbots/{name}/contacts/{number}", get(contacts::show).patch(contacts::change))
        .route("/dead-letters", get(dead_letters::list_all))
        .route("/chatbots/{name}/dead-letters", get(dead_letters::list).delete(dead_letters::remove_all))
        .route("/chatbots/{name}/dead-letters/replay", post(dead_letters::replay))
        .route("/chatbots/{name}/dead-letters/{id}", get(dead_letters::show).delete(dead_letters::remove))
        .route("/chatbots/{name}/test", post(standing::test))
        .route("/chatbots/{name}/submit", post(standing::submit))
        .route("/chatbots/{name}/suspend", post(standing::suspend))
        .route("/chatbots/{name}/resume", post(standing::resume))
        .route("/chatbots/{name}/reviews/{topic}/approve", post(standing::approve))
        .route("/chatbots/{name}/reviews/{topic}/reject", post(standing::reject))
        .route("/chatbots/{name}/links", get(standing::links))
        .route("/chatbots/{name}/qr.svg", get(standing::qr_svg))
        .route("/chatbots/{name}/qr.png", get(standing::qr_png))
        .route("/reviews", get(standing::reviews))
        .route("/groups", get(groups::list))
        .route("/groups/{group}", get(groups::show))
        .route(
            "/groups/{group}/icon",
            put(groups::set_icon)
                .delete(groups::remove_icon)
                .layer(DefaultBodyLimit::max(SOURCE_BYTES_MAX as usize)),
        )
        .route("/mailboxes/{address}", get(messages::mailbox))
        .route("/files", get(files::list))
        .route("/files/{id}", get(files::show).delete(files::remove))
        .route("/media", get(media::list).post(media::add))
        .route("/media/{id}", get(media::show).delete(media::remove))
        .route("/trace/{message_id}", get(messages::trace))
        .route("/messages", post(messages::send))
        .route("/chatbots/{name}/tenant", put(tenants::give).delete(tenants::take))
        .route("/templates", get(templates::list))
        .route(
            "/chatbots/{name}/templates/{template}",
            get(templates::show).put(templates::put).delete(templates::remove),
        )
        .route("/campaigns", get(campaigns::list).post(campaigns::create))
        .route("/campaigns/{id}", get(campaigns::show).patch(campaigns::change).delete(campaigns::remove))
        .route("/campaigns/{id}/start", post(campaigns::start))
        .route("/campaigns/{id}/pause", post(campaigns::pause))
        .route("/campaigns/{id}/resume", post(campaigns::resume))
        .route("/campaigns/{id}/cancel", post(campaigns::cancel))
        .route("/campaigns/{id}/outcomes", get(campaigns::outcomes))
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route("/tenants/{tenant}", get(tenants::show).patch(tenants::update).delete(tenants::remove))
        .route("/keys", get(tenants::keys).post(tenants::create_key))
        .route("/keys/{id}", delete(tenants::revoke_key))
        .route("/keys/{id}/rotate", post(tenants::rotate_key))
        .route("/audit-log", get(audit::list))
        .fallback(|| async { access::no_such_call() })
        .layer(middleware::from_fn_with_state(app, access::guard))
}

/// Calls whose bodies may be as long as they like, and take as long.
pub fn long_router(app: Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/campaigns/{id}/recipients", post(campaigns::add_recipients))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app, access::guard))
}

/// The answer to a call that has nothing to show.
fn done(answer: Answer) -> Result<StatusCode, Failure> {
    match answer {
        Answer::Done | Answer::Made => Ok(StatusCode::NO_CONTENT),
        other => Err(unexpected(other)),
    }
}

/// What is told when a call about what is managed did not do what it should.
fn unexpected(answer: Answer) -> Failure {
    match answer {
        Answer::NotFound(what) => Failure::not_found(&format!("there is no such {what}")),
        Answer::Conflict(why) => Failure::conflict(&why),
        Answer::Invalid(what) => Failure::bad_request(&what.join("; ")),
        _ => Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected answer of the centre"),
    }
}
