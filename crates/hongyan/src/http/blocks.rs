//! Block lists over HTTP: the part that administrators and handsets share.

use axum::Json;
use axum::http::StatusCode;
use message_centre::admin;
use message_centre::blocks::{Answer, Call};
use rcs::address::{Address, AddressKind};
use serde_json::{Value, json};

use super::{App, Failure};

/// A block list: `[{"address": …, "since": …}]`.
pub async fn listed(app: &App, owner: Address) -> Result<Json<Value>, Failure> {
    let of = owner.clone();
    let (account, blocks) = app.read(move |store| Ok((store.account(&of)?, store.blocks(&of)?))).await?;
    account.ok_or_else(|| Failure::not_found("there is no such subscriber"))?;
    let blocked = blocks
        .list
        .iter()
        .map(|blocked| json!({ "address": blocked.address, "since": blocked.since.rfc3339() }));
    Ok(Json(blocked.collect()))
}

/// Whom a path names: a phone number, or the URI or name of a chatbot.
pub fn named(app: &App, whom: &str) -> Result<Address, Failure> {
    let address = app.numbering.address(whom).ok().or_else(|| app.numbering.chatbot(whom).ok());
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
