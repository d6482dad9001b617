//! `/admin/v1/campaigns`: made, filled with recipients, steered, watched.
//!
//! Lists of recipients are read as they arrive, page by page: the next page is read when the one before is committed, so that a
//! list of any length takes the memory of one page. Outcomes are written in the same way.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use chatbot_api::Template;
use chatbot_api::recipients::{LineError, ListReader, Row};
use futures_util::{StreamExt as _, stream};
use maap::manage::{self, Answer, NewCampaign, PlanChange, PlanText, Steering};
use rcs::address::AddressKind;
use rcs::bot::Violation;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use store::campaign::{FinalOutcome, PAGE, message_id};
use store::{
    Campaign, CampaignId, CampaignState, CampaignTally, EntryId, Outcome, Progress, Recipient, Store,
    StoreError,
};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::access::{About, Caller, own};
use super::chatbots::chatbot_address;
use super::page::Whose;
use super::{described, done, extended, unexpected};
use crate::http::{App, Failure, now};
use crate::net::listener::stopped;

/// Campaigns in one answer.
const CAMPAIGNS_MAX: usize = 1_000;
/// Outcomes in one answer of JSON.
const OUTCOMES_MAX: usize = 1_000;
/// Bytes of a JSON list of recipients.
const JSON_BYTES_MAX: usize = 1 << 20;
/// Bad lines that are told one by one.
const ERRORS_MAX: usize = 100;

/// Body of `POST /campaigns`: what it says and for whom, and the members of [`PlanChange`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct New {
    chatbot: String,
    name: String,
    template: String,
    #[serde(flatten)]
    plan: Value,
}

impl PartialSchema for New {
    fn schema() -> RefOr<Schema> {
        let chatbot = described(Type::String, "In whose name: a chatbot's name or URI");
        let name = described(Type::String, "What people call it, 1 to 64 characters").min_length(Some(1));
        let template = described(Type::String, "The name of a template of the chatbot");
        extended::<PlanChange>(
            [("chatbot", chatbot), ("name", name), ("template", template)],
            &["chatbot", "name", "template"],
            json!({ "chatbot": "nobody", "name": "autumn", "template": "greeting" }),
        )
    }
}

impl ToSchema for New {
    fn name() -> Cow<'static, str> {
        "NewCampaign".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        PlanChange::schemas(schemas);
    }
}

/// A campaign and how far it is.
#[derive(Hash, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Campaign)]
pub struct Shown {
    #[schema(pattern = "^[0-9a-f]{32}$")]
    id: String,
    name: String,
    chatbot_id: String,
    /// The name of the template that it was made from, as it was then.
    template: String,
    state: Stage,
    /// Why it was paused, if not by a call.
    paused_because: Option<String>,
    /// Why it sends nothing for now although it runs.
    waiting_because: Option<String>,
    /// When it sends again, if it is scheduled or waits.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    plan: PlanText,
    counts: Counts,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    started_at: Option<String>,
    #[schema(format = DateTime)]
    ended_at: Option<String>,
    /// Another when anything else here is.
    #[schema(pattern = "^[0-9a-f]{16}$")]
    revision: String,
}

/// What a campaign does.
#[derive(Clone, Copy, PartialEq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CampaignState)]
enum Stage {
    /// It has not been started.
    Draft,
    /// It has been started, and its plan lets nothing leave yet.
    Scheduled,
    /// It sends.
    Running,
    /// It waits to be resumed.
    Paused,
    /// It has sent to all.
    Finished,
    /// It was ended.
    Cancelled,
    /// It is being removed.
    Removing,
}

/// How many recipients a campaign has, and what became of their messages.
#[derive(Hash, Serialize, ToSchema)]
#[schema(as = CampaignCounts)]
struct Counts {
    /// Recipients.
    accepted: u64,
    /// Rows of uploads with numbers that were there already.
    duplicates: u64,
    /// Recipients whose turn has not come.
    pending: u64,
    /// Messages that the platform has accepted.
    sent: u64,
    /// Of those: messages that a device has.
    delivered: u64,
    /// Of those: displayed.
    displayed: u64,
    /// Messages that were accepted and will not be delivered: expired, refused by the device, revoked.
    failed: u64,
    /// Messages that the platform has refused: no such subscriber, blocked, mailbox full.
    refused: u64,
    /// Recipients who must not be written to: opted out, no consent, too often.
    skipped: u64,
}

/// Query of `GET /campaigns/{id}`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Watched {
    /// How long to wait for another revision, in seconds; at most half of what requests may take.
    wait: Option<u64>,
    /// The revision that is known already.
    since: Option<String>,
}

/// A JSON list of recipients, at most 1 MiB.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(
    as = CampaignRecipients,
    example = json!({ "recipients": [{ "number": "+8613800000001", "variables": {} }] }),
)]
struct List {
    recipients: Vec<One>,
}

/// A recipient.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CampaignRecipient)]
struct One {
    /// A telephone number.
    number: String,
    /// The values of the template's variables, by name: texts, or numbers for numbers and money.
    #[serde(default)]
    #[schema(value_type = Object)]
    variables: Map<String, Value>,
}

/// Query of `GET …/outcomes`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Recipients with this outcome only.
    outcome: Option<String>,
    /// One recipient.
    number: Option<String>,
    /// The place to begin at, from 0.
    from: Option<u64>,
    /// At most so many.
    limit: Option<usize>,
    /// `json` or `csv`.
    format: Option<String>,
}

/// The campaigns that the caller may see, the latest first.
#[utoipa::path(get, path = "/campaigns", params(Whose), responses((status = 200, body = Vec<Shown>)))]
pub async fn list(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Vec<Shown>>, Failure> {
    let Query(whose) = whose?;
    let chatbot = whose.chatbot(&app)?;
    let found = app
        .read(move |store| {
            let campaigns = store.campaigns()?.into_iter().rev();
            let wanted = campaigns
                .filter(|campaign| chatbot.as_ref().is_none_or(|wanted| campaign.chatbot == *wanted));
            let mut found = Vec::new();
            for campaign in wanted {
                if caller.tenant.is_some() && !caller.owns(store.owner(&campaign.chatbot)?.as_deref()) {
                    continue;
                }
                if found.len() == CAMPAIGNS_MAX {
                    break;
                }
                let (progress, tally) = store.campaign_progress(campaign.id)?;
                found.push(Shown::of(&campaign, &progress, tally.as_ref()));
            }
            Ok(found)
        })
        .await?;
    Ok(Json(found))
}

/// A new campaign, as a draft.
#[utoipa::path(
    post, path = "/campaigns",
    request_body = New,
    responses((status = 201, body = Shown), (status = 404, description = "There is no such chatbot or template"), (status = 409)),
)]
pub async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    body: Result<Json<New>, JsonRejection>,
) -> Result<(StatusCode, Extension<About>, Json<Shown>), Failure> {
    let Json(new) = body?;
    let chatbot = chatbot_address(&app, &new.chatbot)?;
    own(&app, &caller, &chatbot).await?;
    let of = chatbot.clone();
    let tenant = app.read(move |store| store.owner(&of)).await?;
    let new = NewCampaign { chatbot, name: new.name, template: new.template, plan: read_plan(new.plan)? };
    let answer = app.manage(manage::Call::CreateCampaign(Box::new(new))).await?;
    let made = shown(&app, answer).await?;
    let about = About::made(format!("/campaigns/{}", made.id), tenant);
    Ok((StatusCode::CREATED, about, Json(made)))
}

/// One campaign with its progress. With `wait` and the `revision` of an earlier answer as `since`, the answer comes as soon as
/// it is another, or when that time is over.
#[utoipa::path(get, path = "/campaigns/{id}", params(("id" = String, Path), Watched), responses((status = 200, body = Shown), (status = 404, description = "There is no such campaign")))]
pub async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    watched: Result<Query<Watched>, QueryRejection>,
) -> Result<Json<Shown>, Failure> {
    let Query(watched) = watched?;
    let id = campaign_id(&id)?;
    let wait = Duration::from_secs(watched.wait.unwrap_or(0)).min(app.request_timeout / 2);
    let until_another = async {
        let mut news = app.campaign_news.clone();
        loop {
            // What changes from here on wakes us, so nothing is missed between the look and the wait.
            news.mark_unchanged();
            let shown = look(&app, id).await?;
            if Some(&shown.revision) != watched.since.as_ref() || news.changed().await.is_err() {
                return Ok(shown);
            }
        }
    };
    tokio::select! {
        shown = until_another => shown.map(Json),
        () = tokio::time::sleep(wait) => look(&app, id).await.map(Json),
        () = stopped(app.stopping.clone()) => look(&app, id).await.map(Json),
    }
}

async fn look(app: &App, id: CampaignId) -> Result<Shown, Failure> {
    let read = move |store: &Store| Ok((store.campaign(id)?, store.campaign_progress(id)?));
    let (campaign, (progress, tally)) = app.read(read).await?;
    let campaign = campaign.ok_or_else(no_such_campaign)?;
    Ok(Shown::of(&campaign, &progress, tally.as_ref()))
}

/// Another plan.
#[utoipa::path(
    patch, path = "/campaigns/{id}", request_body = PlanChange,
    responses((status = 200, body = Shown), (status = 404, description = "There is no such campaign"), (status = 409, description = "Its state does not allow that")),
)]
pub async fn change(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Json<Shown>, Failure> {
    let Json(plan) = body?;
    let call = manage::Call::ChangePlan(campaign_id(&id)?, Box::new(read_plan(plan)?));
    let answer = app.manage(call).await?;
    shown(&app, answer).await.map(Json)
}

/// Removes a campaign that does not run.
#[utoipa::path(delete, path = "/campaigns/{id}", responses((status = 204), (status = 404, description = "There is no such campaign"), (status = 409, description = "Its state does not allow that")))]
pub async fn remove(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<StatusCode, Failure> {
    done(app.manage(manage::Call::RemoveCampaign(campaign_id(&id)?)).await?)
}

/// Starts a draft.
#[utoipa::path(
    post, path = "/campaigns/{id}/start", params(("id" = String, Path)),
    responses((status = 200, body = Shown), (status = 404, description = "There is no such campaign"), (status = 409, description = "Its state does not allow that")),
)]
pub async fn start(state: State<Arc<App>>, id: Path<String>) -> Result<Json<Shown>, Failure> {
    steer(state, id, Steering::Start).await
}

/// Has a campaign wait.
#[utoipa::path(
    post, path = "/campaigns/{id}/pause", params(("id" = String, Path)),
    responses((status = 200, body = Shown), (status = 404, description = "There is no such campaign"), (status = 409, description = "Its state does not allow that")),
)]
pub async fn pause(state: State<Arc<App>>, id: Path<String>) -> Result<Json<Shown>, Failure> {
    steer(state, id, Steering::Pause).await
}

/// Has it go on.
#[utoipa::path(
    post, path = "/campaigns/{id}/resume", params(("id" = String, Path)),
    responses((status = 200, body = Shown), (status = 404, description = "There is no such campaign"), (status = 409, description = "Its state does not allow that")),
)]
pub async fn resume(state: State<Arc<App>>, id: Path<String>) -> Result<Json<Shown>, Failure> {
    steer(state, id, Steering::Resume).await
}

/// Ends it where it is.
#[utoipa::path(
    post, path = "/campaigns/{id}/cancel", params(("id" = String, Path)),
    responses((status = 200, body = Shown), (status = 404, description = "There is no such campaign"), (status = 409, description = "Its state does not allow that")),
)]
pub async fn cancel(state: State<Arc<App>>, id: Path<String>) -> Result<Json<Shown>, Failure> {
    steer(state, id, Steering::Cancel).await
}

async fn steer(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    steering: Steering,
) -> Result<Json<Shown>, Failure> {
    let answer = app.manage(manage::Call::Steer(campaign_id(&id)?, steering)).await?;
    shown(&app, answer).await.map(Json)
}

/// Adds recipients: CSV of any length (`text/csv`), or JSON (`{"recipients":[{"number":…,"variables":{…}}]}`). Rows that are
/// wrong are not taken and told by line; those that are there already are counted and not taken again.
#[utoipa::path(
    post, path = "/campaigns/{id}/recipients",
    request_body(
        content((String = "text/csv"), (List = "application/json")),
        description = "CSV with a line of names, one of them `number`, the others variables of the template, in UTF-8, or UTF-16 with its mark, or the `charset` of the media type (`gb18030`); as long as it likes; or JSON, at most 1 MiB",
    ),
    responses((status = 200, body = Taken), (status = 404, description = "There is no such campaign"), (status = 409, description = "Its state does not allow that")),
)]
pub async fn add_recipients(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<Taken>, Failure> {
    let campaign = find(&app, &id).await?;
    if !campaign.is_open() {
        return Err(Failure::conflict("recipients can be added to a draft or a paused campaign only"));
    }
    let template = manage::read_template(&campaign.source);
    let content_type = content_type(request.headers());
    let mut upload = Upload { app: &app, campaign: campaign.id, page: Vec::new(), taken: Taken::default() };
    if content_type.starts_with("application/json") {
        upload.json(&template, request.into_body()).await?;
    } else {
        upload.csv(&template, charset_of(&content_type), request.into_body()).await?;
    }
    Ok(Json(upload.taken))
}

/// Recipients on their way into a campaign.
struct Upload<'a> {
    app: &'a App,
    campaign: CampaignId,
    page: Vec<Recipient>,
    taken: Taken,
}

/// What became of an upload, so far.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = CampaignUpload)]
pub struct Taken {
    /// Recipients that are new.
    added: u64,
    /// Rows with numbers that were there already.
    duplicates: u64,
    /// Rows that are wrong.
    invalid: u64,
    /// Recipients that the campaign has now.
    recipients: u64,
    /// What is wrong with the first hundred that are.
    #[schema(max_items = 100)]
    errors: Vec<Wrong>,
}

/// A row that is wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = CampaignUploadError)]
struct Wrong {
    /// Of CSV the line on which it begins, from 1; of JSON its place in the list, from 0.
    line: u64,
    error: String,
}

impl Taken {
    fn wrong(&mut self, line: u64, what: &str) {
        self.invalid += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(Wrong { line, error: what.to_owned() });
        }
    }
}

impl Upload<'_> {
    async fn csv(&mut self, template: &Template, charset: Option<&str>, body: Body) -> Result<(), Failure> {
        let mut reader = ListReader::new(template, &self.app.numbering);
        if let Some(name) = charset {
            let named = reader.in_charset(name);
            reader = named.ok_or_else(|| Failure::bad_request(&format!("charset: {name:?} is not known")))?;
        }
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| self.broken("the connection broke".to_owned()))?;
            let mut rows = Vec::new();
            // Numbers and values are checked here, where there are many threads.
            let read = tokio::task::block_in_place(|| reader.push(&piece, |row| rows.push(row)));
            self.take(rows).await?;
            read.map_err(|error| self.broken(error.to_string()))?;
        }
        let mut rows = Vec::new();
        let end = reader.finish(|row| rows.push(row));
        self.take(rows).await?;
        end.map_err(|error| self.broken(error.to_string()))?;
        self.flush().await
    }

    async fn json(&mut self, template: &Template, body: Body) -> Result<(), Failure> {
        let body: Bytes = axum::body::to_bytes(body, JSON_BYTES_MAX).await.map_err(|_| {
            Failure::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("JSON of more than {JSON_BYTES_MAX} bytes; send CSV"),
            )
        })?;
        let list: List =
            serde_json::from_slice(&body).map_err(|error| Failure::bad_request(&error.to_string()))?;
        for (index, one) in list.recipients.into_iter().enumerate() {
            let line = index as u64;
            let to = self.app.numbering.address(&one.number).ok();
            let row = match to.filter(|to| to.kind() == AddressKind::Subscriber) {
                Some(to) => template
                    .values(&format!("recipients[{index}].variables"), one.variables)
                    .map(|values| Row { to, values })
                    .map_err(|violations| joined(&violations)),
                None => Err(format!("recipients[{index}].number: no phone number")),
            };
            self.take(vec![row.map_err(|what| LineError { line, what })]).await?;
        }
        self.flush().await
    }

    async fn take(&mut self, rows: Vec<Result<Row, LineError>>) -> Result<(), Failure> {
        for row in rows {
            match row {
                Ok(Row { to, values }) => self.page.push(Recipient { to, values }),
                Err(error) => self.taken.wrong(error.line, &error.what),
            }
            if self.page.len() as u64 == PAGE {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Has the page committed.
    async fn flush(&mut self) -> Result<(), Failure> {
        if self.page.is_empty() && self.taken.recipients > 0 {
            return Ok(());
        }
        let recipients = std::mem::take(&mut self.page);
        let call = manage::Call::AddRecipients { campaign: self.campaign, recipients };
        match self.app.manage_surely(call).await? {
            Answer::Uploaded { added, duplicates, recipients } => {
                self.taken.added += added;
                self.taken.duplicates += duplicates;
                self.taken.recipients = recipients;
                Ok(())
            }
            Answer::Conflict(why) => Err(Failure::conflict(&self.ended(why))),
            other => Err(unexpected(other)),
        }
    }

    /// The list cannot be read on.
    fn broken(&self, why: String) -> Failure {
        Failure::bad_request(&self.ended(why))
    }

    /// Why an upload has ended; what was taken stays taken.
    fn ended(&self, why: String) -> String {
        let Taken { added, duplicates, .. } = self.taken;
        match added + duplicates {
            0 => why,
            taken => format!(
                "{why}; {taken} rows before it were taken, and will not be taken twice when you upload the list again"
            ),
        }
    }
}

/// What became of the message to each recipient: JSON, a page at a time, or CSV of them all.
#[utoipa::path(
    get, path = "/campaigns/{id}/outcomes", params(("id" = String, Path), Wanted),
    responses((status = 200, content((OutcomePage = "application/json"), (String = "text/csv"))), (status = 404, description = "There is no such campaign")),
)]
pub async fn outcomes(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(wanted) = wanted?;
    let campaign = find(&app, &id).await?;
    let outcome = wanted.outcome;
    if let Some(word) = outcome.as_ref().filter(|word| !WORDS.contains(&word.as_str())) {
        return Err(Failure::bad_request(&format!("outcome: {word:?} is not one of {}", WORDS.join(", "))));
    }
    let accepts_csv = headers.get("accept").is_some_and(|accept| accept.as_bytes().starts_with(b"text/csv"));
    if wanted.format.as_deref() == Some("csv") || accepts_csv {
        return Ok(csv(&app, campaign, outcome));
    }
    let id = campaign.id;
    if let Some(number) = &wanted.number {
        let to = app.numbering.address(number).map_err(|error| Failure::bad_request(&error.to_string()))?;
        let found = app
            .read(move |store| {
                let Some(place) = store.campaign_place(&(id, to))? else { return Ok(Vec::new()) };
                outcomes_of(store, &campaign, place, 1)
            })
            .await?;
        return Ok(Json(OutcomePage { outcomes: found, next: None }).into_response());
    }
    let (from, limit) = (wanted.from.unwrap_or(0), wanted.limit.unwrap_or(100).clamp(1, OUTCOMES_MAX));
    let page = app
        .read(move |store| {
            let (mut found, mut place) = (Vec::new(), from);
            // A page at a time, and not for ever: whoever filters for what is rare goes on from `next`.
            for _ in 0..64 {
                let page = outcomes_of(store, &campaign, place, PAGE as usize)?;
                if page.is_empty() {
                    return Ok(OutcomePage { outcomes: found, next: None });
                }
                for one in page {
                    place = one.place + 1;
                    if outcome.as_ref().is_none_or(|word| one.word == word) {
                        found.push(one);
                    }
                    if found.len() == limit {
                        return Ok(OutcomePage { outcomes: found, next: Some(place) });
                    }
                }
            }
            Ok(OutcomePage { outcomes: found, next: Some(place) })
        })
        .await?;
    Ok(Json(page).into_response())
}

/// All outcomes, page after page as they are read.
fn csv(app: &Arc<App>, campaign: Campaign, outcome: Option<String>) -> Response {
    let name = format!("attachment; filename=\"{}-outcomes.csv\"", campaign.id);
    let (campaign, app) = (Arc::new(campaign), app.clone());
    let head = stream::iter([Ok(Bytes::from_static(b"number,outcome,reason,at,messageId\n"))]);
    let pages = stream::try_unfold(0, move |place| {
        let (app, campaign, outcome) = (app.clone(), campaign.clone(), outcome.clone());
        async move {
            let page = app.read(move |store| outcomes_of(store, &campaign, place, PAGE as usize)).await;
            let page = page.map_err(|failure| std::io::Error::other(failure.to_string()))?;
            let Some(last) = page.last() else { return Ok::<_, std::io::Error>(None) };
            let next = last.place + 1;
            let wanted = page.iter().filter(|one| outcome.as_ref().is_none_or(|word| one.word == word));
            let text: String = wanted.map(OutcomeOf::csv).collect();
            Ok(Some((Bytes::from(text), next)))
        }
    });
    let headers = [(CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (CONTENT_DISPOSITION, name)];
    (headers, Body::from_stream(head.chain(pages))).into_response()
}

/// The words for outcomes.
const WORDS: [&str; 9] =
    ["pending", "sent", "delivered", "displayed", "expired", "refused", "skipped", "revoked", "not-reached"];

/// Outcomes, by place.
#[derive(Serialize, ToSchema)]
#[schema(as = CampaignOutcomes)]
struct OutcomePage {
    outcomes: Vec<OutcomeOf>,
    /// The place to go on from, as `from`; null after the last.
    next: Option<u64>,
}

/// What became of one recipient's message.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignOutcome)]
struct OutcomeOf {
    #[serde(skip)]
    place: u64,
    number: String,
    #[serde(rename = "outcome")]
    #[schema(schema_with = outcome_words)]
    word: &'static str,
    /// Why it was refused or skipped, as long as that is known.
    reason: Option<String>,
    /// When that came to be, as long as it is known.
    #[schema(format = DateTime)]
    at: Option<String>,
    message_id: String,
}

fn outcome_words() -> ObjectBuilder {
    let about = "`pending`: its turn has not come; `not-reached`: the campaign ended before it came; `skipped`: the recipient \
                 must not be written to";
    described(Type::String, about).enum_values(Some(WORDS))
}

impl OutcomeOf {
    fn csv(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or_default();
        // Reasons are ours, and may hold commas and quotes.
        let reason = match reason.contains([',', '"', '\n']) {
            true => format!("\"{}\"", reason.replace('"', "\"\"")),
            false => reason.to_owned(),
        };
        let at = self.at.as_deref().unwrap_or_default();
        format!("{},{},{reason},{at},{}\n", self.number, self.word, self.message_id)
    }
}

/// The outcomes of up to `limit` recipients from `place` on, of one page; empty past the end.
fn outcomes_of(
    store: &Store,
    campaign: &Campaign,
    place: u64,
    limit: usize,
) -> Result<Vec<OutcomeOf>, StoreError> {
    let (page, begin) = Progress::page_of(place);
    let (progress, _) = store.campaign_progress(campaign.id)?;
    let forgotten = store.campaign_outcomes((campaign.id, page))?;
    let recipients = store.campaign_page((campaign.id, page))?;
    let mut found = Vec::with_capacity(limit.min(recipients.len()));
    for (at, recipient) in recipients.into_iter().enumerate().skip(begin).take(limit) {
        let place = u64::from(page) * PAGE + at as u64;
        let message_id = message_id(campaign.id, place);
        let number = recipient.to.user().to_owned();
        let record = store.record(&(message_id.clone(), campaign.chatbot.clone(), recipient.to))?;
        let last = forgotten.get(at).copied().and_then(FinalOutcome::of_number);
        let (word, reason, at) = match record {
            Some(record) => {
                let at = record.steps.last().map(|step| step.at);
                match record.outcome {
                    _ if record.displayed_at.is_some() => ("displayed", None, record.displayed_at),
                    _ if record.delivered_at.is_some() => ("delivered", None, record.delivered_at),
                    Outcome::Delivered => ("delivered", None, at),
                    Outcome::Waiting | Outcome::FellBack => ("sent", None, Some(record.accepted_at)),
                    Outcome::Expired => ("expired", None, at),
                    Outcome::Refused(reason) if last == Some(FinalOutcome::Skipped) => {
                        ("skipped", Some(reason), at)
                    }
                    Outcome::Refused(reason) => ("refused", Some(reason), at),
                    Outcome::Revoked => ("revoked", None, at),
                }
            }
            None => (past(last, place < progress.cursor, campaign.state), None, None),
        };
        let at = at.map(|at| at.rfc3339());
        found.push(OutcomeOf { place, number, word, reason, at, message_id });
    }
    Ok(found)
}

/// The outcome of a recipient without a record.
fn past(last: Option<FinalOutcome>, is_decided: bool, state: CampaignState) -> &'static str {
    match last {
        Some(FinalOutcome::Sent) => "sent",
        Some(FinalOutcome::Delivered) => "delivered",
        Some(FinalOutcome::Displayed) => "displayed",
        Some(FinalOutcome::Expired) => "expired",
        Some(FinalOutcome::Refused) => "refused",
        Some(FinalOutcome::Revoked) => "revoked",
        Some(FinalOutcome::Skipped) => "skipped",
        None if is_decided => "sent",
        None if matches!(state, CampaignState::Finished | CampaignState::Cancelled) => "not-reached",
        None => "pending",
    }
}

fn campaign_id(text: &str) -> Result<CampaignId, Failure> {
    EntryId::parse(text).ok_or_else(no_such_campaign)
}

async fn find(app: &App, id: &str) -> Result<Campaign, Failure> {
    let id = campaign_id(id)?;
    app.read(move |store| store.campaign(id)).await?.ok_or_else(no_such_campaign)
}

fn no_such_campaign() -> Failure {
    Failure::not_found("there is no such campaign")
}

fn read_plan(plan: Value) -> Result<PlanChange, Failure> {
    serde_json::from_value(plan).map_err(|error| Failure::bad_request(&error.to_string()))
}

fn content_type(headers: &HeaderMap) -> String {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    given.unwrap_or_default().to_ascii_lowercase()
}

/// The `charset` of a media type.
fn charset_of(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, value) = parameters.into_iter().find(|(name, _)| name.trim() == "charset")?;
    Some(value.trim().trim_matches('"'))
}

fn joined(violations: &[Violation]) -> String {
    violations.iter().map(Violation::to_string).collect::<Vec<_>>().join("; ")
}

async fn shown(app: &App, answer: Answer) -> Result<Shown, Failure> {
    match answer {
        Answer::Campaign(campaign, progress) => {
            let id = campaign.id;
            let (_, tally) = app.read(move |store| store.campaign_progress(id)).await?;
            Ok(Shown::of(&campaign, &progress, tally.as_ref()))
        }
        other => Err(unexpected(other)),
    }
}

impl Shown {
    fn of(campaign: &Campaign, progress: &Progress, tally: Option<&CampaignTally>) -> Self {
        let (delivered, displayed, failed) =
            tally.map_or((0, 0, 0), |tally| (tally.delivered, tally.displayed, tally.failed));
        let opens = manage::opens_at(&campaign.plan, now());
        let state = match campaign.state {
            CampaignState::Draft => Stage::Draft,
            CampaignState::Running if opens.is_some_and(|at| at > now()) => Stage::Scheduled,
            CampaignState::Running => Stage::Running,
            CampaignState::Paused => Stage::Paused,
            CampaignState::Finished => Stage::Finished,
            CampaignState::Cancelled => Stage::Cancelled,
            CampaignState::Removing => Stage::Removing,
        };
        let next_at = opens.filter(|_| state == Stage::Scheduled).map(|at| at.rfc3339());
        let waiting =
            campaign.waiting.as_ref().filter(|waiting| state == Stage::Running && waiting.until > now());
        let mut shown = Self {
            id: campaign.id.to_string(),
            name: campaign.name.clone(),
            chatbot_id: campaign.chatbot.to_string(),
            template: campaign.template.clone(),
            state,
            paused_because: campaign.paused_because.clone(),
            waiting_because: waiting.map(|waiting| waiting.because.clone()),
            next_at: next_at.or(waiting.map(|waiting| waiting.until.rfc3339())),
            plan: PlanText::from(&campaign.plan),
            counts: Counts {
                accepted: progress.recipients,
                duplicates: progress.duplicates,
                pending: progress.recipients.saturating_sub(progress.cursor),
                sent: progress.sent,
                delivered,
                displayed,
                failed,
                refused: progress.refused,
                skipped: progress.skipped,
            },
            created_at: campaign.created_at.rfc3339(),
            started_at: campaign.started_at.map(|at| at.rfc3339()),
            ended_at: campaign.ended_at.map(|at| at.rfc3339()),
            revision: String::new(),
        };
        let mut revision = DefaultHasher::new();
        shown.hash(&mut revision);
        shown.revision = format!("{:016x}", revision.finish());
        shown
    }
}
