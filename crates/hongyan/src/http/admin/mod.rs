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
mod page;
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

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{self, map_response};
use maap::manage::Answer;
use utoipa::PartialSchema;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::bot::limits;
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
        .routes(routes!(service_accounts::invitations))
        .routes(routes!(service_accounts::answer_invitation, service_accounts::remove_invitation))
        .routes(routes!(contacts::rules, contacts::set_rules))
        .routes(routes!(contacts::usage))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::show, contacts::change))
        .routes(routes!(dead_letters::list_all))
        .routes(routes!(dead_letters::list, dead_letters::remove_all))
        .routes(routes!(dead_letters::replay))
        .routes(routes!(dead_letters::show, dead_letters::remove))
        .routes(routes!(standing::test))
        .routes(routes!(standing::submit))
        .routes(routes!(standing::suspend))
        .routes(routes!(standing::resume))
        .routes(routes!(standing::approve))
        .routes(routes!(standing::reject))
        .routes(routes!(standing::links))
        .routes(routes!(standing::qr_svg))
        .routes(routes!(standing::qr_png))
        .routes(routes!(standing::reviews))
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
        .routes(routes!(tenants::give, tenants::take))
        .routes(routes!(templates::list))
        .routes(routes!(templates::show, templates::put, templates::remove))
        .routes(routes!(campaigns::list, campaigns::create))
        .routes(routes!(campaigns::show, campaigns::change, campaigns::remove))
        .routes(routes!(campaigns::start))
        .routes(routes!(campaigns::pause))
        .routes(routes!(campaigns::resume))
        .routes(routes!(campaigns::cancel))
        .routes(routes!(campaigns::outcomes))
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(tenants::show, tenants::update, tenants::remove))
        .routes(routes!(tenants::keys, tenants::create_key))
        .routes(routes!(tenants::revoke_key))
        .routes(routes!(tenants::rotate_key))
        .routes(routes!(audit::list))
        .fallback(|| async { access::no_such_call() })
        .layer(map_response(in_our_form))
        .layer(middleware::from_fn(limits::tell))
        .layer(middleware::from_fn_with_state(app, access::guard))
}

/// Calls whose bodies may be as long as they like, and take as long.
pub fn long_router(app: Arc<App>) -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(campaigns::add_recipients))
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(app, access::guard))
}

/// A member of a body, for its schema.
fn described(schema_type: Type, about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(schema_type)).description(Some(about))
}

/// The schema of bodies that have these members beside those of `T`, whose reader refuses members that it does not know.
fn extended<T: PartialSchema>(
    members: impl IntoIterator<Item = (&'static str, ObjectBuilder)>,
    required: &[&str],
    example: serde_json::Value,
) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut object)) = T::schema() else { unreachable!("T is a struct") };
    for (name, member) in members {
        object.properties.insert(name.to_owned(), member.into());
    }
    object.required.extend(required.iter().map(|name| (*name).to_owned()));
    object.example = Some(example);
    object.into()
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
