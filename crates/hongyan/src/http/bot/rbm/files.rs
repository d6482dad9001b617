//! Files of the RBM-style interface: uploads by URL, in one body, in two parts, and in pieces; and what is known of the files that
//! messages name. Uploads lie in the media library, where their names (`files/…`) lead.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chatbot_api::rbm::message::{FILE_BYTES_MAX, FileRequest, FileSource, FileUse, FoundFile};
use chatbot_api::rbm::{Code, Refusal, answer};
use rcs::Timestamp;
use rcs::address::Address;
use rcs::bot::rule;
use rcs::file_transfer::{FileInfo, FileTransfer};
use serde_json::Value;
use store::{Chatbot, FileId, Media};

use super::super::unescaped;
use super::{auth, check_agent, refused, root, told};
use crate::content::kind;
use crate::http::media::pieces::{self, Piece, Place};
use crate::http::media::{self, Keep, fetch, receive};
use crate::http::{App, Failure, Peer, now};

/// How long uploads are kept (maap-api §7).
const KEPT: Duration = Duration::from_secs(60 * 24 * 3600);

/// To find out about a file elsewhere.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// How long what was found out about a URL holds, and of how many it is remembered.
const FOUND_FOR: Duration = Duration::from_secs(600);
const FOUND_MAX: usize = 1024;

/// How long an upload in pieces will be, if its client says so when it begins.
const WHOLE_BYTES: &str = "x-upload-content-length";

/// What the edge remembers of files elsewhere. All of it can be lost.
#[derive(Default)]
pub struct Files {
    /// By the chatbot that asked: another might not be led there.
    found: Mutex<HashMap<(Address, String), (Timestamp, FileInfo)>>,
}

/// `POST /v1/files`: a file that lies elsewhere is brought here.
pub(super) async fn by_url(app: &Arc<App>, chatbot: &Chatbot, body: &[u8]) -> Result<Value, Refusal> {
    let FileRequest { file_url, thumbnail_url, .. } = FileRequest::parse(body)?;
    let media =
        fetch(app, chatbot, file_url, thumbnail_url, keep()).await.map_err(|refusal| of_media(&refusal))?;
    Ok(answer::file(&name(media.id)))
}

/// `POST /upload/v1/files`: the bytes themselves (`uploadType` media), after a part that describes them (multipart), or in
/// pieces that follow (resumable); `PUT` is such a piece.
pub async fn upload(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let (chatbot, _) = match auth::authorised(&app, &head.headers).await {
        Ok(caller) => caller,
        Err(refusal) => return told(&app, "upload", Err(refusal)),
    };
    let query = head.uri.query().unwrap_or_default();
    let param = |wanted: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
    };
    if let Err(refusal) = check_agent(&app, &chatbot, param("agentId").map(unescaped).as_ref()) {
        return told(&app, "upload", Err(refusal));
    }
    match (head.method, param("uploadType"), param("upload_id")) {
        (Method::POST, Some("resumable"), None) => match begin(&app, &chatbot, &head.headers).await {
            Ok(id) => {
                let root = root(&app, &peer, &head.headers);
                let location = format!("{root}/upload/v1/files?uploadType=resumable&upload_id={id}");
                [(LOCATION, location)].into_response()
            }
            Err(refusal) => told(&app, "upload", Err(refusal)),
        },
        (Method::PUT | Method::POST, _, Some(id)) => {
            match piece(&app, &chatbot, id, head.headers, body).await {
                Ok(Piece::Whole(media)) => told(&app, "upload", Ok(answer::file(&name(media.id)))),
                Ok(Piece::Part(0)) => StatusCode::PERMANENT_REDIRECT.into_response(),
                Ok(Piece::Part(received)) => {
                    let so_far = [(RANGE, format!("bytes=0-{}", received - 1))];
                    (StatusCode::PERMANENT_REDIRECT, so_far).into_response()
                }
                Ok(Piece::Gone) => {
                    let gone = "there is no such upload, or not any more: begin again";
                    told(&app, "upload", Err(Refusal::new(Code::NotFound, gone)))
                }
                Err(refusal) => told(&app, "upload", Err(refusal)),
            }
        }
        (Method::POST, ..) => {
            let received = receive(&app, &chatbot, head.headers, body, |_| Ok(keep())).await;
            let media = received
                .map_err(|refusal| of_media(&refusal))
                .and_then(|received| received.media.ok_or_else(|| of_media(&media::Refusal::Empty)));
            told(&app, "upload", media.map(|media| answer::file(&name(media.id))))
        }
        _ => refused(&Refusal::new(Code::NotFound, "uploads are POSTed, and their pieces PUT")),
    }
}

async fn begin(app: &Arc<App>, chatbot: &Chatbot, headers: &HeaderMap) -> Result<FileId, Refusal> {
    let announced = headers.get(WHOLE_BYTES).and_then(|bytes| bytes.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > FILE_BYTES_MAX) {
        let what = format!("a file has at most {FILE_BYTES_MAX} bytes");
        return Err(Refusal::of_field(WHOLE_BYTES, rule::RANGE, what));
    }
    pieces::begin(app, chatbot).await.map_err(|refusal| of_media(&refusal))
}

async fn piece(
    app: &Arc<App>,
    chatbot: &Chatbot,
    id: &str,
    headers: HeaderMap,
    body: Body,
) -> Result<Piece, Refusal> {
    let place = place(&headers)
        .ok_or_else(|| Refusal::of_field("Content-Range", rule::TYPE, "not bytes FIRST-LAST/TOTAL"))?;
    let Ok(id) = id.parse() else { return Ok(Piece::Gone) };
    let taken = pieces::piece(app, chatbot, id, place, headers, body, keep()).await;
    taken.map_err(|refusal| of_media(&refusal))
}

/// What is known of a file that a message names.
pub(super) async fn find(app: &Arc<App>, chatbot: &Chatbot, wanted: &FileUse) -> Result<FoundFile, Refusal> {
    let owner = &chatbot.address;
    match &wanted.file {
        FileSource::Uploaded { name, thumbnail_name } => {
            let media = uploaded(app, owner, &wanted.path, name).await?;
            let mut transfer = app.media_transfer(&media);
            if let Some(name) = thumbnail_name {
                let small = uploaded(app, owner, &wanted.path, name).await?;
                transfer.thumbnail = Some(app.media_transfer(&small).file);
            }
            Ok(FoundFile { transfer, description: None })
        }
        FileSource::Url { file_url, thumbnail_url, force_refresh, description } => {
            let path = |member: &str| format!("{}.{member}", wanted.path);
            let (file, own) = elsewhere(app, chatbot, &path("fileUrl"), file_url, *force_refresh).await?;
            let thumbnail = match thumbnail_url {
                Some(url) => {
                    Some(elsewhere(app, chatbot, &path("thumbnailUrl"), url, *force_refresh).await?.0)
                }
                None => own,
            };
            Ok(FoundFile { transfer: FileTransfer { thumbnail, file }, description: description.clone() })
        }
    }
}

async fn uploaded(app: &App, owner: &Address, path: &str, name: &str) -> Result<Media, Refusal> {
    let found = match id_of(name) {
        Some(id) => app.media(owner, id).await.map_err(failed)?,
        None => None,
    };
    found.ok_or_else(|| Refusal::of_field(path, rule::WORD, "no upload of this agent, or not any more"))
}

/// A file by its URL, and the thumbnail that it has if it is one of ours.
async fn elsewhere(
    app: &App,
    chatbot: &Chatbot,
    path: &str,
    url: &str,
    is_fresh: bool,
) -> Result<(FileInfo, Option<FileInfo>), Refusal> {
    let own = app.media_at(&chatbot.address, url).await.map_err(failed)?;
    if let Some((media, _)) = own.filter(|(media, _)| !media.is_over(now())) {
        let FileTransfer { file, thumbnail } = app.media_transfer(&media);
        return Ok((file, thumbnail));
    }
    if let Some(found) = app.rbm.files.recall(&chatbot.address, url).filter(|_| !is_fresh) {
        return Ok((found, None));
    }
    let looked = tokio::time::timeout(LOOK_MAX, look(app, chatbot, url)).await;
    let late = || Err(format!("took more than {} s", LOOK_MAX.as_secs()));
    let found = looked.unwrap_or_else(|_| late());
    let found =
        found.map_err(|what| Refusal::of_field(path, rule::URL, format!("cannot be fetched: {what}")))?;
    app.rbm.files.remember(&chatbot.address, url, &found);
    Ok((found, None))
}

/// Asks whoever has a file for its type and size. The platform goes where the chatbot says, under the rules of webhooks.
async fn look(app: &App, chatbot: &Chatbot, url: &str) -> Result<FileInfo, String> {
    let asked = app.pusher.get(url, chatbot.allow_private_webhook).await;
    let mut answer = asked.map_err(|failure| failure.text)?;
    if answer.status().is_redirection() {
        return Err("it leads elsewhere, and redirects are not followed".to_owned());
    }
    if !answer.status().is_success() {
        return Err(format!("answered {}", answer.status().as_u16()));
    }
    let header = |name| answer.headers().get(name)?.to_str().ok();
    let declared = header(CONTENT_TYPE).unwrap_or("application/octet-stream").to_owned();
    let declared_bytes = header(CONTENT_LENGTH).and_then(|bytes| bytes.parse::<u64>().ok());
    let (mut head, mut bytes) = (Vec::new(), 0);
    let broken = |_| "broke off".to_owned();
    while let Some(chunk) = answer.chunk().await.map_err(broken)? {
        bytes += chunk.len() as u64;
        head.extend_from_slice(&chunk[..chunk.len().min(kind::HEAD_BYTES - head.len())]);
        // Who says how much there is need not send all of it.
        if (declared_bytes.is_some() && head.len() == kind::HEAD_BYTES) || bytes > FILE_BYTES_MAX {
            break;
        }
    }
    let name = url.split(['?', '#']).next().and_then(|path| path.rsplit('/').next());
    Ok(FileInfo {
        size: declared_bytes.unwrap_or(bytes).max(bytes),
        name: name.filter(|name| !name.is_empty()).map(|name| name.chars().take(100).collect()),
        content_type: kind::of(&declared, &head),
        url: url.to_owned(),
        until: None,
        disposition: None,
        playing_length: None,
        branded_url: None,
    })
}

impl Files {
    fn recall(&self, chatbot: &Address, url: &str) -> Option<FileInfo> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found
            .get(&(chatbot.clone(), url.to_owned()))
            .filter(|(at, _)| now().since(*at) < FOUND_FOR)
            .map(|(_, found)| found.clone())
    }

    fn remember(&self, chatbot: &Address, url: &str, info: &FileInfo) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= FOUND_MAX {
            found.retain(|_, (at, _)| now().since(*at) < FOUND_FOR);
        }
        if found.len() >= FOUND_MAX {
            found.clear();
        }
        found.insert((chatbot.clone(), url.to_owned()), (now(), info.clone()));
    }
}

/// `Content-Range` of a piece: `bytes 0-99/200`, `bytes 0-99/*`, `bytes */200`; without one, the body is all of it.
fn place(headers: &HeaderMap) -> Option<Place> {
    let Some(value) = headers.get(CONTENT_RANGE) else {
        return Some(Place { first: Some(0), total: None, is_last: true });
    };
    let (range, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let total = match total {
        "*" => None,
        total => Some(total.parse().ok()?),
    };
    let first = match range {
        "*" => None,
        range => Some(range.split_once('-')?.0.parse().ok()?),
    };
    Some(Place { first, total, is_last: false })
}

fn name(id: FileId) -> String {
    format!("files/{id}")
}

fn id_of(name: &str) -> Option<FileId> {
    name.strip_prefix("files/")?.parse().ok()
}

fn keep() -> Keep {
    Keep::Until(now().plus(KEPT))
}

fn failed(failure: Failure) -> Refusal {
    Refusal::new(Code::Internal, failure.to_string())
}

/// What the media library says, in the interface's words.
fn of_media(refusal: &media::Refusal) -> Refusal {
    let code = match refusal {
        media::Refusal::Malformed(_)
        | media::Refusal::Empty
        | media::Refusal::TooMany
        | media::Refusal::Type { .. }
        | media::Refusal::TooLarge { .. }
        | media::Refusal::TooLong { .. }
        | media::Refusal::Unreachable(_) => Code::InvalidArgument,
        media::Refusal::OverQuota | media::Refusal::Busy(_) => Code::ResourceExhausted,
        media::Refusal::NoChatbot => Code::Unauthenticated,
        media::Refusal::Failed(_) => Code::Internal,
    };
    Refusal::new(code, refusal.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_say_where_they_belong() {
        let of = |value: &str| place(&HeaderMap::from_iter([(CONTENT_RANGE, value.parse().unwrap())]));
        let range = |first, total| Some(Place { first, total, is_last: false });
        assert_eq!(of("bytes 0-99/200"), range(Some(0), Some(200)));
        assert_eq!(of("bytes 100-199/*"), range(Some(100), None));
        assert_eq!(of("bytes */200"), range(None, Some(200)));
        assert_eq!(of("bytes */*"), range(None, None));
        for bad in ["", "bytes", "bytes 0-99", "items 0-1/2", "bytes x-1/2", "bytes 0-1/x"] {
            assert_eq!(of(bad), None, "{bad}");
        }
        assert!(place(&HeaderMap::new()).unwrap().is_last);
    }
}
