//! `GET` and `HEAD /content/{link}`: a file, whole or in part, for whoever has the link (rcs-core §15 step 5).
//!
//! Files come from strangers and are served from our origin, so nothing in one may run there: the type is what its bytes
//! say and no browser guesses another, what could hold a script is not shown in place, and whatever is shown is in a sandbox.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use axum::body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::Stream;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rcs::Timestamp;
use store::FileId;
use tokio::task::JoinHandle;

use super::super::assets::is_current;
use super::super::{App, Failure, Peer, now};
use super::disk_failure;
use super::range::{Asked, ByteRange, asked};
use crate::config;
use crate::content::blobs::Body;
use crate::content::kind;
use crate::content::link::Purpose;
use crate::metrics::{Kind, Metrics};

/// What is read at a time. The next piece is read while this one is sent.
const PIECE_BYTES: u64 = 256 * 1024;

/// Nothing is loaded, nothing runs, and the page has no origin.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'";

/// RFC 8187: what need not be escaped in `filename*`.
const NAME_ESCAPES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// A body that can be served.
struct Found {
    id: FileId,
    body: Body,
    file: File,
    bytes: u64,
    name: Option<String>,
    content_type: String,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// 200, 206, 304, 416; 404 for what is no link, 410 when the file is gone.
pub async fn get(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Path(link): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    match find(&app, &link).await {
        Ok(found) => {
            peer.patience.set(config::seconds(app.content.config.idle_timeout_s));
            answer(&app, found, &method, &headers)
        }
        Err(failure) => failure.into_response(),
    }
}

async fn find(app: &Arc<App>, link: &str) -> Result<Found, Failure> {
    let Some((id, Purpose::Download(body))) = app.content.links.open(link) else {
        return Err(Failure::not_found("there is no such file"));
    };
    let row = app.read(move |store| store.file(id)).await?;
    // The link is ours, so there was such a file.
    let gone = || Failure::new(StatusCode::GONE, "the file is gone");
    let row = row.filter(|row| row.is_complete && row.expires_at > now()).ok_or_else(gone)?;
    let (content_type, name) = match (body, row.thumbnail) {
        (Body::File, _) => (row.content_type, row.name),
        (Body::Thumbnail, Some(thumbnail)) => (thumbnail.content_type, None),
        (Body::Thumbnail, None) => return Err(gone()),
    };
    let blobs = app.content.blobs.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let file = blobs.read(id, body)?;
        let bytes = file.metadata()?.len();
        Ok((file, bytes))
    });
    match opened.await.expect("opening does not panic") {
        Ok((file, bytes)) => {
            let (created_at, expires_at) = (row.created_at, row.expires_at);
            Ok(Found { id, body, file, bytes, name, content_type, created_at, expires_at })
        }
        // It went between the two looks.
        Err(error) if io::Error::kind(&error) == io::ErrorKind::NotFound => Err(gone()),
        Err(error) => Err(disk_failure(&error)),
    }
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
        Some(range) => asked(range, found.bytes),
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
            put(CONTENT_RANGE, format!("bytes */{}", found.bytes));
            return (StatusCode::RANGE_NOT_SATISFIABLE, head).into_response();
        }
        Asked::Part(range) => {
            put(CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end, found.bytes));
            Some(range)
        }
        Asked::Whole => None,
    };
    let bytes = range.map_or(found.bytes, ByteRange::bytes);
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
    let pieces = pieces(found.file, start, start + bytes, app.metrics.clone());
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

/// Bytes `at` to `end` of a file, piece by piece, one ahead.
struct Pieces {
    file: Arc<File>,
    at: u64,
    end: u64,
    next: Option<JoinHandle<io::Result<Bytes>>>,
    metrics: Arc<Metrics>,
}

fn pieces(file: File, at: u64, end: u64, metrics: Arc<Metrics>) -> impl Stream<Item = io::Result<Bytes>> {
    let pieces = Pieces { file: Arc::new(file), at, end, next: None, metrics };
    futures_util::stream::unfold(pieces, |mut pieces| async move {
        let this = pieces.next.take().or_else(|| pieces.begin())?;
        pieces.next = pieces.begin();
        let piece = this.await.unwrap_or_else(|_| Err(io::Error::other("reading was broken off")));
        match &piece {
            Ok(bytes) => {
                pieces.metrics.file_bytes.get_or_create(&Kind::of("out")).inc_by(bytes.len() as u64);
            }
            Err(error) => {
                tracing::error!(%error, "cannot read a file that was kept");
                pieces.end = pieces.at;
                pieces.next = None;
            }
        }
        Some((piece, pieces))
    })
}

impl Pieces {
    /// Begins to read the next piece; `None` at the end.
    fn begin(&mut self) -> Option<JoinHandle<io::Result<Bytes>>> {
        let bytes = (self.end - self.at).min(PIECE_BYTES) as usize;
        if bytes == 0 {
            return None;
        }
        let (file, at) = (self.file.clone(), self.at);
        self.at += bytes as u64;
        Some(tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; bytes];
            file.read_exact_at(&mut piece, at)?;
            Ok(piece.into())
        }))
    }
}
