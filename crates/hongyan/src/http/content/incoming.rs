//! The body of an upload as it arrives: bounded in size, and in how long it may stall.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use super::super::{App, Failure};
use crate::content::writers::Writer;
use crate::metrics::Kind;

/// How long a client that was refused may go on sending what it has begun, so that it comes to read the answer.
const LINGER: Duration = Duration::from_secs(30);

/// A body of which not everything has arrived.
pub struct Incoming {
    stream: BodyDataStream,
    /// What the largest file has, for the refusal of more.
    file_bytes_max: u64,
    left: u64,
    idle: Duration,
    /// Whether the client waits to be told to go on, and was not yet.
    is_waiting: bool,
    /// Whether the end was reached.
    is_over: bool,
}

impl Incoming {
    /// The body of a request with these headers.
    pub fn new(app: &App, headers: &HeaderMap, body: Body) -> Self {
        let file_bytes_max = app.content.config.max_file_bytes.get();
        Self::within(app, headers, body, app.content.upload_bytes_max(), file_bytes_max)
    }

    /// The same with other ceilings: `bytes_max` in all, of which the largest file has `file_bytes_max`.
    pub fn within(app: &App, headers: &HeaderMap, body: Body, bytes_max: u64, file_bytes_max: u64) -> Self {
        Self {
            stream: body.into_data_stream(),
            file_bytes_max,
            left: bytes_max,
            idle: crate::config::seconds(app.content.config.idle_timeout_s),
            is_waiting: headers
                .get(EXPECT)
                .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue")),
            is_over: false,
        }
    }

    /// The next bytes; `None` at the end. Gives way to another `writer` of the same file.
    ///
    /// # Errors
    /// 408 when nothing comes, 413 when too much does, 400 when the connection breaks, 409 for whoever gave way.
    pub async fn next(&mut self, app: &App, writer: Option<&Writer>) -> Result<Option<Bytes>, Failure> {
        self.is_waiting = false;
        let next = timeout(self.idle, self.stream.next());
        let next = match writer {
            None => next.await,
            Some(writer) => tokio::select! {
                next = next => next,
                () = writer.asked_to_give_way() => {
                    return Err(Failure::new(StatusCode::CONFLICT, "the upload goes on over another connection"));
                }
            },
        };
        let Ok(next) = next else {
            self.is_over = true;
            return Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "nothing arrived for too long"));
        };
        match next {
            None => {
                self.is_over = true;
                Ok(None)
            }
            Some(Err(_)) => {
                self.is_over = true;
                Err(Failure::bad_request("the body broke off"))
            }
            Some(Ok(bytes)) => {
                app.metrics.file_bytes.get_or_create(&Kind::of("in")).inc_by(bytes.len() as u64);
                self.left = self
                    .left
                    .checked_sub(bytes.len() as u64)
                    .ok_or_else(|| too_large(self.file_bytes_max))?;
                Ok(Some(bytes))
            }
        }
    }

    /// Takes what a client that is refused still sends, within bounds, so that it comes to read the answer.
    pub async fn linger(mut self) {
        if self.is_waiting || self.is_over {
            return;
        }
        let rest = async {
            while let Some(Ok(bytes)) = self.stream.next().await {
                match self.left.checked_sub(bytes.len() as u64) {
                    Some(left) => self.left = left,
                    None => return,
                }
            }
        };
        let _ = timeout(LINGER, rest).await;
    }
}

/// The length that a request declares.
pub fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// 413 with what may be sent.
pub fn too_large(max_bytes: u64) -> Failure {
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, format!("a file has at most {max_bytes} bytes"))
}
