//! `/admin/v1/chatbots/{name}/…` and `/admin/v1/reviews`: where chatbots stand, and what they want to show.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use maap::{Answer, Call, StandingCall, Step};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Proposal, Topic};

use super::chatbots::{chatbot_address, failure_of, summary};
use crate::http::{App, Failure};
use crate::links::{BODY_CHARS_MAX, Code, Links};

/// Lets its testers at it.
#[utoipa::path(post, path = "/chatbots/{name}/test", params(("name" = String, Path)), responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot"), (status = 409, description = "Its standing does not allow that")))]
pub async fn test(state: State<Arc<App>>, name: Path<String>) -> Result<Json<Value>, Failure> {
    step(state, name, Step::Test).await
}

/// Asks the operator to let it go live.
#[utoipa::path(post, path = "/chatbots/{name}/submit", params(("name" = String, Path)), responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot"), (status = 409, description = "Its standing does not allow that")))]
pub async fn submit(state: State<Arc<App>>, name: Path<String>) -> Result<Json<Value>, Failure> {
    step(state, name, Step::Submit).await
}

/// Stops its traffic.
#[utoipa::path(post, path = "/chatbots/{name}/suspend", params(("name" = String, Path)), responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot"), (status = 409, description = "Its standing does not allow that")))]
pub async fn suspend(state: State<Arc<App>>, name: Path<String>) -> Result<Json<Value>, Failure> {
    step(state, name, Step::Suspend).await
}

/// Lets its traffic flow as before.
#[utoipa::path(post, path = "/chatbots/{name}/resume", params(("name" = String, Path)), responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot"), (status = 409, description = "Its standing does not allow that")))]
pub async fn resume(state: State<Arc<App>>, name: Path<String>) -> Result<Json<Value>, Failure> {
    step(state, name, Step::Resume).await
}

async fn step(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    step: Step,
) -> Result<Json<Value>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    change(&app, StandingCall::Step { chatbot, step }).await
}

/// Query of `GET /reviews`.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// A chatbot's name or URI; all if absent.
    chatbot: Option<String>,
}

/// What waits for a decision.
#[utoipa::path(get, path = "/reviews", params(Of), responses((status = 200, body = Vec<Object>), (status = 404, description = "There is no such chatbot")))]
pub async fn reviews(
    State(app): State<Arc<App>>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Json<Value>, Failure> {
    let Query(of) = of?;
    let chatbot = of.chatbot.map(|name| chatbot_address(&app, &name)).transpose()?;
    let proposals = app.read(move |store| store.proposals(chatbot.as_ref())).await?;
    Ok(Json(proposals.iter().map(|proposal| shown(&app, proposal)).collect()))
}

/// It may be shown.
#[utoipa::path(post, path = "/chatbots/{name}/reviews/{topic}/approve", params(("name" = String, Path), ("topic" = String, Path)), responses((status = 200, body = Object), (status = 404, description = "Nothing of the kind waits"), (status = 409)))]
pub async fn approve(
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    decide(&app, path, None).await
}

/// Why not.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "the picture cannot be made out" }))]
pub struct Rejection {
    /// For the chatbot's developer.
    reason: String,
}

/// It may not be shown.
#[utoipa::path(post, path = "/chatbots/{name}/reviews/{topic}/reject", params(("name" = String, Path), ("topic" = String, Path)), request_body = Rejection, responses((status = 200, body = Object), (status = 404, description = "Nothing of the kind waits"), (status = 409)))]
pub async fn reject(
    State(app): State<Arc<App>>,
    Path(path): Path<(String, String)>,
    rejection: Result<Json<Rejection>, JsonRejection>,
) -> Result<Json<Value>, Failure> {
    let Json(Rejection { reason }) = rejection?;
    if reason.trim().is_empty() {
        return Err(Failure::bad_request("reason: missing; the chatbot's developer should know what to do"));
    }
    decide(&app, path, Some(reason)).await
}

async fn decide(
    app: &App,
    (name, topic): (String, String),
    rejection: Option<String>,
) -> Result<Json<Value>, Failure> {
    let chatbot = chatbot_address(app, &name)?;
    let nothing = || Failure::not_found("nothing of this chatbot waits for a decision on that");
    let topic: Topic = topic.parse().map_err(|()| nothing())?;
    match change(app, StandingCall::Decide { proposal: (chatbot, topic), rejection }).await {
        Err(failure) if failure.status == axum::http::StatusCode::NOT_FOUND => Err(nothing()),
        answer => answer,
    }
}

/// The chatbot as it is afterwards.
async fn change(app: &App, call: StandingCall) -> Result<Json<Value>, Failure> {
    match app.ask_maap(Call::Standing(call)).await? {
        Answer::Updated(chatbot) => Ok(Json(summary(app, &chatbot))),
        other => Err(failure_of(other)),
    }
}

/// Query of `GET …/links` and the codes.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct With {
    /// What the person who follows the link finds written, not sent.
    body: Option<String>,
}

/// Links that open a conversation with it.
#[utoipa::path(get, path = "/chatbots/{name}/links", params(("name" = String, Path), With), responses((status = 200, body = Object), (status = 404, description = "There is no such chatbot")))]
pub async fn links(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    with: Result<Query<With>, QueryRejection>,
) -> Result<Json<Links>, Failure> {
    links_of(&app, &name, with?.0).await.map(Json)
}

/// The link for everybody as a QR code.
#[utoipa::path(get, path = "/chatbots/{name}/qr.svg", params(("name" = String, Path), With), responses((status = 200, content_type = "image/svg+xml", body = String), (status = 404, description = "There is no such chatbot")))]
pub async fn qr_svg(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    with: Result<Query<With>, QueryRejection>,
) -> Result<Response, Failure> {
    let code = code_of(&links_of(&app, &name, with?.0).await?)?;
    Ok(([(CONTENT_TYPE, "image/svg+xml")], code.svg()).into_response())
}

/// The same as pixels.
#[utoipa::path(get, path = "/chatbots/{name}/qr.png", params(("name" = String, Path), With), responses((status = 200, content_type = "image/png", body = String), (status = 404, description = "There is no such chatbot")))]
pub async fn qr_png(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    with: Result<Query<With>, QueryRejection>,
) -> Result<Response, Failure> {
    let code = code_of(&links_of(&app, &name, with?.0).await?)?;
    Ok(([(CONTENT_TYPE, "image/png")], code.png()).into_response())
}

async fn links_of(app: &App, name: &str, With { body }: With) -> Result<Links, Failure> {
    if body.as_ref().is_some_and(|body| body.chars().count() > BODY_CHARS_MAX) {
        return Err(Failure::bad_request(&format!("body: more than {BODY_CHARS_MAX} characters")));
    }
    let address = chatbot_address(app, name)?;
    let chatbot = app.read(move |store| store.chatbot(&address)).await?;
    let chatbot = chatbot.ok_or_else(|| Failure::not_found("there is no such chatbot"))?;
    Ok(Links::new(&chatbot, body.as_deref(), &app.public_url))
}

fn code_of(links: &Links) -> Result<Code, Failure> {
    Code::of(&links.web)
        .ok_or_else(|| Failure::bad_request("the link is too long for a code; shorten the body"))
}

fn shown(app: &App, proposal: &Proposal) -> Value {
    let url = match proposal.topic {
        Topic::Media(id) => Some(maap::MediaLinks::url(&*app.content.links, id)),
        _ => None,
    };
    let change = proposal.change.as_deref().and_then(|change| serde_json::from_str::<Value>(change).ok());
    json!({
        "chatbotId": proposal.chatbot,
        "topic": proposal.topic.to_string(),
        "change": change,
        "url": url,
        "at": proposal.at.rfc3339(),
    })
}
