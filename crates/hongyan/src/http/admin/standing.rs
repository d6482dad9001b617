//! `/admin/v1/chatbots/{name}/…` and `/admin/v1/reviews`: where chatbots stand, and what they want to show.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use maap::{Answer, Call, StandingCall, Step};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Proposal, Store, Topic};
use utoipa::ToSchema;

use super::access::{Caller, own};
use super::chatbots::{Shown, chatbot_address, failure_of, shown};
use crate::http::{App, Failure};
use crate::links::{BODY_CHARS_MAX, Code, Links};

/// Lets its testers at it.
#[utoipa::path(post, path = "/chatbots/{name}/test", params(("name" = String, Path)), responses((status = 200, body = Shown), (status = 404, description = "There is no such chatbot"), (status = 409, description = "Its standing does not allow that")))]
pub async fn test(
    state: State<Arc<App>>,
    caller: Extension<Caller>,
    name: Path<String>,
) -> Result<Json<Shown>, Failure> {
    step(state, caller, name, Step::Test).await
}

/// Asks the operator to let it go live.
#[utoipa::path(post, path = "/chatbots/{name}/submit", params(("name" = String, Path)), responses((status = 200, body = Shown), (status = 404, description = "There is no such chatbot"), (status = 409, description = "Its standing does not allow that")))]
pub async fn submit(
    state: State<Arc<App>>,
    caller: Extension<Caller>,
    name: Path<String>,
) -> Result<Json<Shown>, Failure> {
    step(state, caller, name, Step::Submit).await
}

/// Stops its traffic.
#[utoipa::path(post, path = "/chatbots/{name}/suspend", params(("name" = String, Path)), responses((status = 200, body = Shown), (status = 404, description = "There is no such chatbot"), (status = 409, description = "Its standing does not allow that")))]
pub async fn suspend(
    state: State<Arc<App>>,
    caller: Extension<Caller>,
    name: Path<String>,
) -> Result<Json<Shown>, Failure> {
    step(state, caller, name, Step::Suspend).await
}

/// Lets its traffic flow as before.
#[utoipa::path(post, path = "/chatbots/{name}/resume", params(("name" = String, Path)), responses((status = 200, body = Shown), (status = 404, description = "There is no such chatbot"), (status = 409, description = "Its standing does not allow that")))]
pub async fn resume(
    state: State<Arc<App>>,
    caller: Extension<Caller>,
    name: Path<String>,
) -> Result<Json<Shown>, Failure> {
    step(state, caller, name, Step::Resume).await
}

async fn step(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    step: Step,
) -> Result<Json<Shown>, Failure> {
    let chatbot = chatbot_address(&app, &name)?;
    change(&app, &caller, StandingCall::Step { chatbot, step }).await
}

/// Query of `GET /reviews`.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// A chatbot's name or URI; all if absent.
    chatbot: Option<String>,
}

/// Something that a chatbot wants to show, or to be.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Proposal)]
pub struct Proposed {
    #[schema(example = "sip:weather@botplatform.hongyan.local")]
    chatbot_id: String,
    /// What it is about, for `approve` and `reject`: `data`, `menu`, `launch`, or `media-` and an id.
    #[schema(pattern = "^(data|menu|launch|media-[0-9a-f]{32})$", example = "data")]
    topic: String,
    /// What would change, as in `PATCH /chatbots/{name}`; absent where the topic says it all.
    change: Option<Value>,
    /// Of media: where to look at it.
    url: Option<String>,
    #[schema(format = DateTime)]
    at: String,
}

/// What waits for the operator's decision; a tenant's people see what their chatbots have proposed.
#[utoipa::path(get, path = "/reviews", params(Of), responses((status = 200, body = Vec<Proposed>), (status = 404, description = "There is no such chatbot")))]
pub async fn reviews(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Json<Vec<Proposed>>, Failure> {
    let Query(of) = of?;
    let chatbot = of.chatbot.map(|name| chatbot_address(&app, &name)).transpose()?;
    if let Some(chatbot) = &chatbot {
        own(&app, &caller, chatbot).await?;
    }
    let read = move |store: &Store| {
        let mut found = Vec::new();
        for proposal in store.proposals(chatbot.as_ref())? {
            if caller.tenant.is_none() || caller.owns(store.owner(&proposal.chatbot)?.as_deref()) {
                found.push(proposal);
            }
        }
        Ok(found)
    };
    let proposals = app.read(read).await?;
    Ok(Json(proposals.iter().map(|proposal| Proposed::of(&app, proposal)).collect()))
}

/// It may be shown.
#[utoipa::path(post, path = "/chatbots/{name}/reviews/{topic}/approve", params(("name" = String, Path), ("topic" = String, Path)), responses((status = 200, body = Shown), (status = 404, description = "Nothing of the kind waits"), (status = 409)))]
pub async fn approve(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
) -> Result<Json<Shown>, Failure> {
    decide(&app, &caller, path, None).await
}

/// Why not.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "the picture cannot be made out" }))]
pub struct Rejection {
    /// For the chatbot's developer.
    reason: String,
}

/// It may not be shown.
#[utoipa::path(post, path = "/chatbots/{name}/reviews/{topic}/reject", params(("name" = String, Path), ("topic" = String, Path)), request_body = Rejection, responses((status = 200, body = Shown), (status = 404, description = "Nothing of the kind waits"), (status = 409)))]
pub async fn reject(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<(String, String)>,
    rejection: Result<Json<Rejection>, JsonRejection>,
) -> Result<Json<Shown>, Failure> {
    let Json(Rejection { reason }) = rejection?;
    if reason.trim().is_empty() {
        return Err(Failure::bad_request("reason: missing; the chatbot's developer should know what to do"));
    }
    decide(&app, &caller, path, Some(reason)).await
}

async fn decide(
    app: &App,
    caller: &Caller,
    (name, topic): (String, String),
    rejection: Option<String>,
) -> Result<Json<Shown>, Failure> {
    let chatbot = chatbot_address(app, &name)?;
    let nothing = || Failure::not_found("nothing of this chatbot waits for a decision on that");
    let topic: Topic = topic.parse().map_err(|()| nothing())?;
    let decision = StandingCall::Decide { proposal: (chatbot, topic), rejection };
    match change(app, caller, decision).await {
        Err(failure) if failure.status == axum::http::StatusCode::NOT_FOUND => Err(nothing()),
        answer => answer,
    }
}

/// The chatbot as it is afterwards.
async fn change(app: &App, caller: &Caller, call: StandingCall) -> Result<Json<Shown>, Failure> {
    match app.ask_maap(Call::Standing(call)).await? {
        Answer::Updated(chatbot) => shown(app, caller, *chatbot).await.map(Json),
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
#[utoipa::path(get, path = "/chatbots/{name}/links", params(("name" = String, Path), With), responses((status = 200, body = Links), (status = 404, description = "There is no such chatbot")))]
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
    Ok(Links::new(&chatbot, body.as_deref(), &app.public_url, &app.numbering))
}

fn code_of(links: &Links) -> Result<Code, Failure> {
    Code::of(&links.web)
        .ok_or_else(|| Failure::bad_request("the link is too long for a code; shorten the body"))
}

impl Proposed {
    fn of(app: &App, proposal: &Proposal) -> Self {
        let url = match proposal.topic {
            Topic::Media(id) => Some(maap::MediaLinks::url(&*app.content.links, id)),
            _ => None,
        };
        Self {
            chatbot_id: proposal.chatbot.to_string(),
            topic: proposal.topic.to_string(),
            change: proposal.change.as_deref().and_then(|change| serde_json::from_str(change).ok()),
            url,
            at: proposal.at.rfc3339(),
        }
    }
}
