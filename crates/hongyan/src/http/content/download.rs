//! `GET` and `HEAD /content/{link}`: a file, whole or in part, for whoever has the link (rcs-core §15 step 5).
//!
//! Files come from strangers and are served from our origin, so nothing in one may run there: the type is what its bytes
//! say and no browser guesses another, what could hold a script is not shown in place, and whatever is shown is in a sandbox.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rcs::Timestamp;
use store::{FileId, Media, Review, Thumbnail};

use super::super::assets::is_current;
use super::super::{App, Failure, Peer, now, openapi};
use super::disk_failure;
use super::range::{Asked, ByteRange, asked};
use crate::config;
use crate::content::blobs::Body;
use crate::content::kind;
use crate::content::link::Purpose;
use crate::content::shelf::Kept;
use crate::metrics::Kind;

/// For so long what never goes by itself may be kept by whoever fetched it: its chatbot may remove it.
const CACHED_MAX: Duration = Duration::from_secs(86_400);

/// Nothing is loaded, nothing runs, and the page has no origin.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// RFC 8187: what need not be escaped in `filename*`.
const NAME_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A body that can be served.
struct Found {
    id: FileId,
    body: Body,
    kept: Kept,
    name: Option<String>,
    content_type: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// 200, 206, 304, 416; 404 for what is no link, 410 when the file is gone.
#[utoipa::path(
    get, path = "/content/{link}",
    responses(
        (status = 200, description = "The file", content_type = "*/*", body = String),
        (status = 206, description = "The part that `Range` asks for", content_type = "*/*", body = String),
        (status = 304, description = "As `If-None-Match` has it"),
        (status = 404, body = openapi::Error), (status = 410, description = "It is gone", body = openapi::Error),
        (status = 416, description = "The file has no such part"),
    ),
)]
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Path(link): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if let Some((id, Purpose::Icon)) = app.content.links.open(&link) {
        return icon(&app, id, &headers).await.unwrap_or_else(Failure::into_response);
    }
    match find(&app, &link).await {
        Ok(found) => {
            peer.patience.set(config::seconds(app.content.config.idle_timeout_s));
            answer(&app, found, &method, &headers)
        }
        Err(failure) => failure.into_response(),
    }
}

/// Something of a chatbot's media for its own program, whatever the operator has said of it.
pub(in crate::http) async fn own_media(
    app: &Arc<App>,
    media: Media,
    body: Body,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let found = of_media(app, media, body).await?;
    Ok(answer(app, found, method, headers))
}

/// The icon of a group: small, and never another under the same link.
async fn icon(app: &Arc<App>, id: FileId, headers: &HeaderMap) -> Result<Response, Failure> {
    const DAY_S: u32 = 86_400;
    let etag = format!("\"{id}-i\"");
    if is_current(headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    let gone = || Failure::new(StatusCode::GONE, "the group has another icon, or none");
    let picture = app.read(move |store| store.icon(id)).await?.ok_or_else(gone)?;
    let head = [
        (ETAG, etag),
        (LAST_MODIFIED, picture.created_at.http_date()),
        (CONTENT_TYPE, picture.content_type),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (CACHE_CONTROL, format!("private, max-age={DAY_S}, immutable")),
    ];
    Ok((head, picture.bytes).into_response())
}

async fn find(app: &Arc<App>, link: &str) -> Result<Found, Failure> {
    let Some((id, Purpose::Download(body))) = app.content.links.open(link) else {
        return Err(Failure::not_found("there is no such file"));
    };
    let row = app.read(move |store| store.file(id)).await?;
    if let Some(row) = row {
        let is_there = row.is_complete && row.expires_at > now();
        let (created_at, expires_at) = (row.created_at, row.expires_at);
        let wanted = of_body(body, row.content_type, row.name, row.thumbnail).filter(|_| is_there);
        return open(app, id, body, wanted.ok_or_else(gone)?, created_at, expires_at).await;
    }
    match app.read(move |store| store.media(id)).await? {
        // What the operator has not seen is shown to nobody.
        Some(media) if media.review == Review::Approved => of_media(app, media, body).await,
        Some(_) => Err(Failure::not_found("this has not been approved")),
        // The link is ours, so there was such a file.
        None => Err(gone()),
    }
}

/// Something of the media library.
async fn of_media(app: &Arc<App>, media: Media, body: Body) -> Result<Found, Failure> {
    let expires_at = media.expires_at.unwrap_or_else(|| now().plus(CACHED_MAX));
    let is_there = !media.is_over(now());
    let wanted = of_body(body, media.content_type, media.name, media.thumbnail).filter(|_| is_there);
    open(app, media.id, body, wanted.ok_or_else(gone)?, media.created_at, expires_at).await
}

/// Media type and name of a body; `None` for a thumbnail that is not there.
fn of_body(
    body: Body,
    content_type: String,
    name: Option<String>,
    thumbnail: Option<Thumbnail>,
) -> Option<(String, Option<String>)> {
    match body {
        Body::File => Some((content_type, name)),
        Body::Thumbnail => thumbnail.map(|thumbnail| (thumbnail.content_type, None)),
    }
}

async fn open(
    app: &Arc<App>,
    id: FileId,
    body: Body,
    (content_type, name): (String, Option<String>),
    created_at: Timestamp,
    expires_at: Timestamp,
) -> Result<Found, Failure> {
    match app.content.shelf.find(id, body).await {
        Ok(kept) => Ok(Found { id, body, kept, name, content_type, created_at, expires_at }),
        // It went between the two looks.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(gone()),
        Err(error) => Err(disk_failure(&error)),
    }
}

fn gone() -> Failure {
    Failure::new(StatusCode::GONE, "the file is gone")
}

fn answer(app: &App, found: Found, method: &Method, headers: &HeaderMap) -> Response {
    let etag = found.etag();
    let modified = found.created_at.http_date();
    if is_current(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response();
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // RFC 9110 §13.1.5: a part is only of use to whoever has the rest of this very file.
    let is_same = text(IF_RANGE).is_none_or(|wanted| wanted.trim() == etag || wanted.trim() == modified);
    let wanted = match text(RANGE).filter(|_| is_same && *method == Method::GET) {
        Some(range) => asked(range, found.kept.bytes),
        None => Asked::Whole,
    };
    let mut head = HeaderMap::new();
    let mut put = |name: HeaderName, value: String| {
        let value = HeaderValue::try_from(value).unwrap_or_else(|_| HeaderValue::from_static(""));
        head.insert(name, value);
    };
    put(ACCEPT_RANGES, "bytes".to_owned());
    put(ETAG, etag);
    let range = match wanted {
        Asked::Nothing => {
            put(CONTENT_RANGE, format!("bytes */{}", found.kept.bytes));
            return (StatusCode::RANGE_NOT_SATISFIABLE, head).into_response();
        }
        Asked::Part(range) => {
            put(CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end, found.kept.bytes));
            Some(range)
        }
        Asked::Whole => None,
    };
    let bytes = range.map_or(found.kept.bytes, ByteRange::bytes);
    put(CONTENT_LENGTH, bytes.to_string());
    put(LAST_MODIFIED, modified);
    put(CONTENT_TYPE, found.content_type.clone());
    put(CONTENT_DISPOSITION, found.disposition());
    put(CONTENT_SECURITY_POLICY, POLICY.to_owned());
    let left = found.expires_at.since(now()).as_secs();
    put(CACHE_CONTROL, format!("private, max-age={left}, immutable"));
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    if *method == Method::HEAD {
        return (status, head).into_response();
    }
    let start = range.map_or(0, |range| range.start);
    if start == 0 {
        app.count_file("downloaded");
    }
    let metrics = app.metrics.clone();
    let pieces = found.kept.pieces(start..start + bytes).inspect(move |piece| match piece {
        Ok(bytes) => {
            metrics.file_bytes.get_or_create(&Kind::of("out")).inc_by(bytes.len() as u64);
        }
        Err(error) => tracing::error!(%error, "cannot read a file that was kept"),
    });
    (status, head, body::Body::from_stream(pieces)).into_response()
}

impl Found {
    /// A file never changes, so its id says it all.
    fn etag(&self) -> String {
        let body = if self.body == Body::File { "f" } else { "t" };
        format!("\"{}-{body}\"", self.id)
    }

    fn disposition(&self) -> String {
        let way = if kind::is_shown_in_place(&self.content_type) { "inline" } else { "attachment" };
        let Some(name) = &self.name else { return way.to_owned() };
        let plain: String = name
            .chars()
            .map(|c| if c.is_ascii_graphic() && c != '"' && c != '\\' { c } else { '_' })
            .collect();
        format!("{way}; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, NAME_ESCAPES))
    }
}
