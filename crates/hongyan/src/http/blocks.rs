//! `/handset/v1/blocked`: a handset's block list, for subscribers who prove themselves as for the content server (Digest); and
//! the part that administrators share.
//!
//! | call | what |
//! |---|---|
//! | `GET /handset/v1/blocked` | whom the subscriber has blocked: `[{"address", "since"}]` |
//! | `PUT /handset/v1/blocked/{address}` | blocks a number or chatbot; 204 |
//! | `DELETE /handset/v1/blocked/{address}` | lifts that again; 204, or 404 |

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use message_centre::admin;
use message_centre::blocks::{Answer, Call};
use rcs::address::{Address, AddressKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, Failure};

/// Somebody on a block list.
#[derive(Serialize, ToSchema)]
pub struct Blocked {
    /// A telephone number's or chatbot's URI.
    address: String,
    since: String,
}

/// The subscriber's own list.
#[utoipa::path(get, path = "/handset/v1/blocked", responses((status = 200, body = Vec<Blocked>)))]
pub async fn own(State(app): State<Arc<App>>, request: Request) -> Result<Json<Vec<Blocked>>, Response> {
    let owner = owner_of(&app, request).await?;
    listed(&app, owner).await.map_err(IntoResponse::into_response)
}

/// Blocks somebody.
#[utoipa::path(
    put, path = "/handset/v1/blocked/{whom}",
    responses((status = 204), (status = 409, description = "The list is full")),
)]
pub async fn block(
    State(app): State<Arc<App>>,
    Path(whom): Path<String>,
    request: Request,
) -> Result<StatusCode, Response> {
    change_own(&app, &whom, request, Call::Block).await
}

/// Lifts that again.
#[utoipa::path(
    delete, path = "/handset/v1/blocked/{whom}",
    responses((status = 204), (status = 404, description = "They are not blocked")),
)]
pub async fn unblock(
    State(app): State<Arc<App>>,
    Path(whom): Path<String>,
    request: Request,
) -> Result<StatusCode, Response> {
    change_own(&app, &whom, request, Call::Unblock).await
}

async fn change_own(
    app: &App,
    whom: &str,
    request: Request,
    call: fn(Address, Address) -> Call,
) -> Result<StatusCode, Response> {
    let owner = owner_of(app, request).await?;
    let whom = named(app, whom).map_err(IntoResponse::into_response)?;
    change(app, call(owner, whom)).await.map_err(IntoResponse::into_response)
}

/// Whose handset makes a request.
pub async fn owner_of(app: &App, request: Request) -> Result<Address, Response> {
    let (head, _) = request.into_parts();
    app.subscriber(&head).await
}

/// A block list.
pub async fn listed(app: &App, owner: Address) -> Result<Json<Vec<Blocked>>, Failure> {
    let of = owner.clone();
    let (account, blocks) = app.read(move |store| Ok((store.account(&of)?, store.blocks(&of)?))).await?;
    account.ok_or_else(|| Failure::not_found("there is no such subscriber"))?;
    let blocked = blocks
        .list
        .iter()
        .map(|blocked| Blocked { address: blocked.address.to_string(), since: blocked.since.rfc3339() });
    Ok(Json(blocked.collect()))
}

/// Whom a path names: a phone number, or the URI or name of a chatbot.
pub fn named(app: &App, whom: &str) -> Result<Address, Failure> {
    let address = app.numbering.address(whom).ok();
    let address = address.or_else(|| chatbot_api::ctcu::address::chatbot(whom, &app.numbering));
    address
        .filter(|address| matches!(address.kind(), AddressKind::Subscriber | AddressKind::Chatbot))
        .ok_or_else(|| Failure::bad_request(&format!("{whom} is neither a phone number nor a chatbot")))
}

/// Changes a block list.
pub async fn change(app: &App, call: Call) -> Result<StatusCode, Failure> {
    match app.administer(admin::Call::Blocks(call)).await? {
        admin::Answer::Blocks(Answer::Done) => Ok(StatusCode::NO_CONTENT),
        admin::Answer::Blocks(Answer::NotBlocked) => Err(Failure::not_found("they are not blocked")),
        admin::Answer::Blocks(Answer::NoSubscriber) => Err(Failure::not_found("there is no such subscriber")),
        admin::Answer::Blocks(Answer::Full) => {
            Err(Failure::conflict("the list is full; unblock somebody first"))
        }
        other => unreachable!("a change of a block list is answered as one, not with {other:?}"),
    }
}
