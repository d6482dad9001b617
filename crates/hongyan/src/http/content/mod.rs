//! `/content/`: the content server, RCC.07 file transfer by HTTP (rcs-core §15).
//!
//! | request | what | file |
//! |---|---|---|
//! | `POST /content/` without a body | may I? 204 or 401 | `upload.rs` |
//! | `POST /content/` with a form | an upload: 200 with the document to send on | `upload.rs` |
//! | `GET /content/?tid=…&get_upload_info` | how far an upload got | `resume.rs` |
//! | `PUT /content/{link}` with a Content-Range | the rest of it | `resume.rs` |
//! | `GET /content/?tid=…&get_download_info` | the document again | `resume.rs` |
//! | `GET`, `HEAD /content/{link}` | a file or its thumbnail | `download.rs` |
//!
//! Uploads are for subscribers, by Digest with their SIP credentials (`gate.rs`). Downloads are for whoever has the link.

pub(crate) mod download;
pub(crate) mod gate;
pub(super) mod incoming;
mod range;
mod resume;
pub(super) mod upload;

use std::sync::Arc;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use message_centre::files::{Answer, Call};
use rcs::file_transfer::{self, FileInfo, FileTransfer};
use store::File;
use tokio::sync::oneshot;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{App, Failure};
use crate::content::blobs::Body;
use crate::content::kind;
use crate::content::link::Purpose;
use crate::engine::Input;
use crate::metrics::{Kind, Message};

/// All of it. Bodies and answers take as long as they take: the callers bound them.
#[expect(clippy::disallowed_methods, reason = "the same without its slash is told once")]
pub fn router() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(upload::post, resume::info))
        .route("/content", post(upload::post).get(resume::info))
        .routes(routes!(download::get, resume::put))
}

impl App {
    /// Has the centre decide a change of the index of files; the answer comes after its commit.
    pub(in crate::http) async fn change_files(&self, call: Call) -> Result<Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        // Whoever got so far is not turned away; how many there are is bounded by the slots.
        self.inbox.send(Input::Files(Box::new(call), reply.into()));
        answer.await.map_err(|_| Failure::stopping())
    }

    /// Does something that may wait for the disk.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&crate::content::blobs::Blobs) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let blobs = self.content.blobs.clone();
        let done = tokio::task::spawn_blocking(move || work(&blobs)).await.expect("disk work does not panic");
        done.map_err(|error| disk_failure(&error))
    }

    pub(super) fn count_file(&self, event: &'static str) {
        self.metrics.files.get_or_create(&Message::of(event)).inc();
    }

    /// Notes a refusal by its status, and gives it back.
    pub(super) fn refused(&self, failure: Failure) -> Failure {
        let kind = match failure.status {
            StatusCode::UNAUTHORIZED => "credentials",
            StatusCode::FORBIDDEN => "quota",
            StatusCode::PAYLOAD_TOO_LARGE => "size",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "type",
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "busy",
            StatusCode::REQUEST_TIMEOUT => "timeout",
            status if status.is_server_error() => "disk",
            _ => "other",
        };
        self.metrics.files_refused.get_or_create(&Kind::of(kind)).inc();
        failure
    }

    /// The document that the owner sends on (RCC.07).
    fn document(&self, file: &File) -> Response {
        let links = &self.content.links;
        let thumbnail = file.thumbnail.as_ref().map(|thumbnail| FileInfo {
            size: thumbnail.bytes,
            name: None,
            content_type: thumbnail.content_type.clone(),
            url: links.url(file.id, Purpose::Download(Body::Thumbnail)),
            until: Some(file.expires_at),
            disposition: None,
            playing_length: None,
            branded_url: None,
        });
        let info = FileInfo {
            size: file.bytes,
            name: file.name.clone(),
            content_type: file.content_type.clone(),
            url: links.url(file.id, Purpose::Download(Body::File)),
            until: Some(file.expires_at),
            disposition: None,
            playing_length: None,
            branded_url: None,
        };
        xml(file_transfer::CONTENT_TYPE, FileTransfer { thumbnail, file: info }.to_xml())
    }

    /// Refuses files that the operator does not want.
    fn check_type(&self, media_type: &str) -> Result<(), Failure> {
        let config = &self.content.config;
        match kind::is_allowed(media_type, &config.types, &config.refused_types) {
            true => Ok(()),
            false => Err(Failure::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("files of type {media_type} are not taken here"),
            )),
        }
    }
}

/// Our disk is full, or failed.
pub(super) fn disk_failure(error: &std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            tracing::error!("the content directory is full");
            Failure::new(StatusCode::INSUFFICIENT_STORAGE, "there is no room left here")
        }
        _ => {
            tracing::error!(%error, "cannot read or write the content directory");
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "the content directory cannot be used")
        }
    }
}

fn xml(content_type: &'static str, document: String) -> Response {
    ([(CONTENT_TYPE, content_type)], document).into_response()
}
