//! `medias/upload`, `medias/download`, `medias/delete` (maap-api §2.6).

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use chatbot_api::ctcu::{DeleteAnswer, MediaInfo, Refusal, ReturnCode, UploadAnswer, UploadMode};
use store::{Chatbot, Media};

use super::{authorised, counted};
use crate::content::blobs;
use crate::http::content::download;
use crate::http::media::{self, Keep, Received, receive};
use crate::http::{App, Failure, now};

/// `POST …/medias/upload`, beside the other calls: its body takes as long as it takes.
pub async fn upload(State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let answer = match head.method {
        Method::POST => take(&app, head.uri.path(), head.headers, body).await,
        _ => Err(Refusal::with(ReturnCode::BadRequest, "medias/upload wants POST")),
    };
    counted(&app, "media upload", answer)
}

async fn take(app: &Arc<App>, path: &str, headers: HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let segment = path.split('/').nth(3).unwrap_or_default();
    let chatbot = authorised(app, segment, &headers)?;
    let mode = UploadMode::parse(header(&headers, "uploadMode"))?;
    let keep = match mode {
        UploadMode::Perm => Keep::Permanent,
        UploadMode::Temp => Keep::Temporary,
    };
    let received = receive(app, &chatbot, headers, body, move |_| Ok(keep)).await;
    let Received { media, is_thumbnail_first, .. } = received.map_err(|refusal| refusal_of(&refusal))?;
    let media = media.ok_or_else(|| Refusal::of(ReturnCode::MediaDataMissing))?;
    let total = total(app, &chatbot).await?;
    Ok(super::json(&UploadAnswer::new(files(app, &media, is_thumbnail_first), total)))
}

/// The file and its thumbnail, in the order in which they came.
fn files(app: &App, media: &Media, is_thumbnail_first: bool) -> Vec<MediaInfo> {
    let (url, content_type) = (app.media_url(media), media.content_type.clone());
    let mut file = MediaInfo::new(url, content_type, media.bytes, media.expires_at);
    file.file_name = media.name.clone();
    let thumbnail = app.media_thumbnail_url(media).zip(media.thumbnail.as_ref()).map(|(url, thumbnail)| {
        MediaInfo::new(url, thumbnail.content_type.clone(), thumbnail.bytes, media.expires_at)
    });
    let mut files = vec![file];
    if let Some(thumbnail) = thumbnail {
        files.insert(if is_thumbnail_first { 0 } else { 1 }, thumbnail);
    }
    files
}

/// `GET …/medias/download`: the bytes, or a part of them.
pub(super) async fn download(
    app: &Arc<App>,
    chatbot: &Chatbot,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let (media, body) = named(app, chatbot, headers).await?;
    let bytes = media.bytes;
    let answer =
        download::own_media(app, media, body, method, headers).await.map_err(|failure| failed(&failure))?;
    if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        let text = format!("range: none of the file, which has {bytes} bytes");
        return Err(Refusal::with(ReturnCode::BadParameter, text));
    }
    Ok(answer)
}

/// `DELETE …/medias/delete`.
pub(super) async fn delete(app: &Arc<App>, chatbot: &Chatbot, headers: &HeaderMap) -> Result<Bytes, Refusal> {
    let (media, _) = named(app, chatbot, headers).await?;
    let removed = app.remove_media(&chatbot.address, media.id).await.map_err(|failure| failed(&failure))?;
    if !removed {
        return Err(unknown());
    }
    let mode = if media.expires_at.is_some() { UploadMode::Temp } else { UploadMode::Perm };
    let files = 1 + u64::from(media.thumbnail.is_some());
    Ok(super::json(&DeleteAnswer::new(mode, files, total(app, chatbot).await?)))
}

/// What the header `url` names.
async fn named(app: &App, chatbot: &Chatbot, headers: &HeaderMap) -> Result<(Media, blobs::Body), Refusal> {
    let url = header(headers, "url").filter(|url| !url.trim().is_empty());
    let url = url.ok_or_else(|| Refusal::of(ReturnCode::MediaUrlMissing))?;
    let found = app.media_at(&chatbot.address, url.trim()).await.map_err(|failure| failed(&failure))?;
    match found {
        Some((media, _)) if media.is_over(now()) => Err(Refusal::of(ReturnCode::FileExpired)),
        found => found.ok_or_else(unknown),
    }
}

async fn total(app: &App, chatbot: &Chatbot) -> Result<u64, Refusal> {
    let owner = chatbot.address.clone();
    let usage = app.read(move |store| store.usage(&owner)).await.map_err(|failure| failed(&failure))?;
    Ok(usage.files)
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn unknown() -> Refusal {
    Refusal::with(ReturnCode::BadMediaUrl, "no media of this chatbot, or not any more")
}

fn failed(failure: &Failure) -> Refusal {
    Refusal::with(ReturnCode::Internal, failure.to_string())
}

/// What the library says, in the interface's words.
fn refusal_of(refusal: &media::Refusal) -> Refusal {
    let code = match refusal {
        media::Refusal::Malformed(_) => ReturnCode::BadRequest,
        media::Refusal::Empty => ReturnCode::EmptyMedia,
        media::Refusal::TooMany | media::Refusal::OverQuota => ReturnCode::TooManyFiles,
        media::Refusal::Type { .. } => ReturnCode::FileType,
        media::Refusal::TooLarge { .. } | media::Refusal::TooLong { .. } => ReturnCode::FileSize,
        media::Refusal::NoChatbot => ReturnCode::BadAccessToken,
        media::Refusal::Busy(_) => ReturnCode::Busy,
        media::Refusal::Unreachable(_) => ReturnCode::BadMediaUrl,
        media::Refusal::Failed(_) => ReturnCode::Internal,
    };
    Refusal::with(code, refusal.to_string())
}
