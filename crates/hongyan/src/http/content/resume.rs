//! Uploads that broke off: how far one got, the rest of it, and what became of it (rcs-core §15 step 4).

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::header::CONTENT_RANGE;
use axum::http::request::Parts;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use rcs::address::Address;
use rcs::file_transfer::resume::ResumeInfo;
use rustc_hash::FxHashMap;
use store::File;

use super::super::{App, Failure, now, openapi};
use super::incoming::Incoming;
use super::range::{ByteRange, sent};
use super::upload::Receiving;
use super::xml;
use crate::content::blobs::Body;
use crate::content::link::Purpose;
use crate::content::spool::Spool;

/// The media type of how far an upload got. No specification that we know names one.
const RESUME_INFO: &str = "application/xml";

/// `GET /content/?tid=…&get_upload_info` or `…&get_download_info`.
#[utoipa::path(
    get, path = "/content/", security(("subscriber" = [])),
    params(
        ("tid" = String, Query, description = "The transfer id"),
        ("get_upload_info" = Option<String>, Query, description = "How far the upload got"),
        ("get_download_info" = Option<String>, Query, description = "The document of a complete upload, again"),
    ),
    responses(
        (status = 200, content_type = "application/xml", body = String), (status = 401, body = openapi::Error),
        (status = 404, body = openapi::Error), (status = 410, body = openapi::Error), (status = 429, body = openapi::Error), (status = 503, body = openapi::Error),
    ),
)]
pub async fn info(State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, _) = request.into_parts();
    let Some(asked) = Asked::of(&head.uri) else {
        return Failure::not_found("there is nothing here without a transfer id").into_response();
    };
    let owner = match app.subscriber(&head).await {
        Ok(owner) => owner,
        Err(answer) => return answer,
    };
    let answer = match asked {
        Asked::Upload(tid) => app.upload_info(owner, tid).await,
        Asked::Download(tid) => app.download_info(owner, tid).await,
    };
    answer.unwrap_or_else(Failure::into_response)
}

/// `PUT /content/{link}`: the rest of the file.
#[utoipa::path(
    put, path = "/content/{link}", security(("subscriber" = [])),
    request_body(content = String, content_type = "application/octet-stream", description = "The rest of the file; `Content-Range` says which bytes"),
    responses(
        (status = 200, description = "The document to send on (RCC.07)", content_type = "application/vnd.gsma.rcs-ft-http+xml", body = String),
        (status = 400, body = openapi::Error), (status = 401, body = openapi::Error), (status = 403, body = openapi::Error), (status = 404, body = openapi::Error),
        (status = 408, body = openapi::Error), (status = 409, body = openapi::Error), (status = 410, body = openapi::Error), (status = 413, body = openapi::Error),
        (status = 415, body = openapi::Error), (status = 416, body = openapi::Error), (status = 429, body = openapi::Error), (status = 503, body = openapi::Error),
        (status = 507, body = openapi::Error),
    ),
)]
pub async fn put(State(app): State<Arc<App>>, Path(link): Path<String>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut incoming = Incoming::new(&app, &head.headers, body);
    let owner = match app.subscriber(&head).await {
        Ok(owner) => owner,
        Err(answer) => {
            incoming.linger().await;
            return answer;
        }
    };
    let resume = async move {
        let answer = match go_on(&app, &owner, &link, &head, &mut incoming).await {
            Ok(answer) => answer,
            Err(failure) => app.refused(failure).into_response(),
        };
        incoming.linger().await;
        answer
    };
    tokio::spawn(resume).await.unwrap_or_else(|_| Failure::stopping().into_response())
}

/// A transfer id, and what is asked about it.
enum Asked {
    Upload(String),
    Download(String),
}

impl Asked {
    fn of(uri: &Uri) -> Option<Self> {
        let Query(mut query) = Query::<FxHashMap<String, String>>::try_from_uri(uri).ok()?;
        let tid = query.remove("tid")?;
        match (query.contains_key("get_upload_info"), query.contains_key("get_download_info")) {
            (true, false) => Some(Self::Upload(tid)),
            (false, true) => Some(Self::Download(tid)),
            _ => None,
        }
    }
}

impl App {
    async fn upload_info(&self, owner: Address, tid: String) -> Result<Response, Failure> {
        let file = self.transfer(owner.clone(), tid.clone()).await?;
        // Whoever still writes, over a connection that may be dead, is to stop first; or comes to the end.
        let writer = self.content.writers.take(file.id).await;
        let file = self.transfer(owner, tid).await?;
        let received = match file.is_complete {
            true => file.bytes,
            false => self.received_bytes(&file).await?,
        };
        drop(writer);
        match received {
            0 => Err(Failure::not_found("nothing has arrived; begin anew")),
            received => Ok(self.resume_info(&file, received)),
        }
    }

    async fn download_info(&self, owner: Address, tid: String) -> Result<Response, Failure> {
        let file = self.transfer(owner, tid).await?;
        match file.is_complete {
            true => Ok(self.document(&file)),
            false => Err(Failure::not_found("the upload is not complete")),
        }
    }

    /// The file that the owner's transfer id names.
    async fn transfer(&self, owner: Address, tid: String) -> Result<File, Failure> {
        let file = self.read(move |store| store.transfer(&(owner, tid))).await?;
        let file = file.ok_or_else(|| Failure::not_found("there is no such upload; begin anew"))?;
        match file.expires_at > now() {
            true => Ok(file),
            false => Err(Failure::new(StatusCode::GONE, "the upload's time is over; begin anew")),
        }
    }

    async fn received_bytes(&self, file: &File) -> Result<u64, Failure> {
        let id = file.id;
        self.on_disk(move |blobs| blobs.received_bytes(id)).await
    }

    /// That bytes 0 to `received` - 1 are here.
    fn resume_info(&self, file: &File, received: u64) -> Response {
        let url = self.content.links.url(file.id, Purpose::Resume);
        xml(RESUME_INFO, ResumeInfo { start: 0, end: received.saturating_sub(1), url }.to_xml())
    }
}

async fn go_on(
    app: &Arc<App>,
    owner: &Address,
    link: &str,
    head: &Parts,
    incoming: &mut Incoming,
) -> Result<Response, Failure> {
    let Some((id, Purpose::Resume)) = app.content.links.open(link) else {
        return Err(Failure::not_found("there is no such upload"));
    };
    let gone = || Failure::new(StatusCode::GONE, "the upload's time is over; begin anew");
    let find = async || app.read(move |store| store.file(id)).await?.ok_or_else(gone);
    if find().await?.owner != *owner {
        return Err(Failure::not_found("there is no such upload"));
    }
    let range = head.headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).and_then(sent);
    let (range, total) =
        range.ok_or_else(|| Failure::bad_request("Content-Range: bytes FIRST-LAST/TOTAL is wanted"))?;
    let _slot = app.slot(owner)?;
    let writer = app.content.writers.take(id).await;
    let file = find().await?;
    if file.is_complete {
        // The answer to the last piece got lost.
        return Ok(app.document(&file));
    }
    let received = app.received_bytes(&file).await?;
    if range.start > received {
        let reason = format!("bytes {received} to {} are missing before these", range.start - 1);
        return Err(Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, reason));
    }
    let bytes_max = app.room(owner, total.unwrap_or(range.end + 1), file.bytes).await?;
    let spool = app.on_disk(move |blobs| Spool::resume(&blobs.incoming(id, Body::File), range.start)).await?;
    let mut receiving = Receiving::resumed(file, spool, writer, bytes_max);
    match append(app, &mut receiving, range, incoming).await {
        Ok(()) if total.is_none_or(|total| range.end + 1 == total) => {
            let file = receiving.complete(app).await?;
            Ok(app.document(&file))
        }
        Ok(()) => {
            let file = receiving.pause(app).await?;
            Ok(app.resume_info(&file, file.bytes))
        }
        Err(failure) => {
            receiving.break_off(app, &failure).await;
            Err(failure)
        }
    }
}

/// Takes the announced bytes.
async fn append(
    app: &Arc<App>,
    receiving: &mut Receiving,
    range: ByteRange,
    incoming: &mut Incoming,
) -> Result<(), Failure> {
    let mut left = range.bytes();
    while let Some(bytes) = incoming.next(app, Some(&receiving.writer)).await? {
        left = left
            .checked_sub(bytes.len() as u64)
            .ok_or_else(|| Failure::bad_request("more bytes than Content-Range says"))?;
        receiving.append(app, &bytes).await?;
    }
    if left == 0 { Ok(()) } else { Err(Failure::bad_request("fewer bytes than Content-Range says")) }
}
