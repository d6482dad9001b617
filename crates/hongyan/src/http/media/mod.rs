//! The media library of chatbots as the edges of all dialects use it (maap-api §2.6): what comes in, where it is, and what goes.
//!
//! [`receive`] takes an upload in a request's body, [`pieces`] one in several, [`fetch`] one that lies elsewhere; all give the row that is committed, or
//! why not ([`Refusal`]), which each dialect says in its own words. The bytes lie on the content server's shelf, and handsets
//! fetch them by its links: [`App::media_url`].

mod fetch;
pub(crate) mod pieces;
mod receive;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use maap::{Answer, Call, MediaCall};
use rcs::Timestamp;
use rcs::address::Address;
use rcs::file_transfer::FileTransfer;
use store::{FileId, Media};
use tokio::sync::oneshot;

use super::{App, Failure, RETRY_AFTER_S, now};
use crate::config;
use crate::content::blobs::Body;
use crate::content::link::Purpose;
use crate::engine::Input;

pub(crate) use fetch::fetch;
pub(crate) use receive::{FILES_MAX, Received, receive, receive_for};

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Until its chatbot removes it.
    Permanent,
    /// As long as the operator keeps temporary media.
    Temporary,
    /// Until a time of the chatbot's choice.
    Until(Timestamp),
}

/// Why something is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// The request is not as it should be.
    #[error("{0}")]
    Malformed(String),
    /// It came without a file, or with one of no bytes.
    #[error("there is no file in the request, or nothing in it")]
    Empty,
    /// More files than one with its thumbnail.
    #[error("more than {FILES_MAX} files: upload one, with a thumbnail if you like")]
    TooMany,
    /// Of a type that is not taken.
    #[error("this is {found}; what is taken: {taken}")]
    Type {
        /// What the bytes are.
        found: String,
        /// What is taken.
        taken: String,
    },
    /// Larger than its kind may be.
    #[error("more than the {bytes_max} bytes that a {what} may have")]
    TooLarge {
        /// A file of its media type, or a thumbnail.
        what: String,
        /// What it may have.
        bytes_max: u64,
    },
    /// Plays longer than its kind may.
    #[error("plays {}.{:03} s, more than {} s", plays.as_secs(), plays.subsec_millis(), plays_max.as_secs())]
    TooLong {
        /// What its container says.
        plays: Duration,
        /// What it may.
        plays_max: Duration,
    },
    /// The chatbot has as much as it may have.
    #[error("the chatbot's media take all the room they may")]
    OverQuota,
    /// The chatbot is gone.
    #[error("there is no such chatbot any more")]
    NoChatbot,
    /// Too many uploads at once: to be tried again in this many seconds.
    #[error("too many uploads at once; try again in {0} s")]
    Busy(u32),
    /// What lies elsewhere cannot be fetched.
    #[error("{0}")]
    Unreachable(String),
    /// The connection, our disk, or the end of the process.
    #[error("{0}")]
    Failed(Failure),
}

impl Refusal {
    /// The HTTP status, for dialects that say it so.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_)
            | Self::Empty
            | Self::TooMany
            | Self::TooLong { .. }
            | Self::Unreachable(_) => StatusCode::BAD_REQUEST,
            Self::Type { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::OverQuota => StatusCode::FORBIDDEN,
            Self::NoChatbot => StatusCode::NOT_FOUND,
            Self::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Failed(failure) => failure.status,
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Self::Busy(RETRY_AFTER_S),
            StatusCode::BAD_REQUEST => Self::Malformed(failure.reason),
            _ => Self::Failed(failure),
        }
    }
}

impl App {
    /// Where handsets fetch it: for whoever has the link.
    pub(crate) fn media_url(&self, media: &Media) -> String {
        self.content.links.url(media.id, Purpose::Download(Body::File))
    }

    /// Where handsets fetch its small picture; `None` if it has none.
    pub(crate) fn media_thumbnail_url(&self, media: &Media) -> Option<String> {
        media.thumbnail.as_ref().map(|_| self.content.links.url(media.id, Purpose::Download(Body::Thumbnail)))
    }

    /// What handsets are told of it.
    pub(crate) fn media_transfer(&self, media: &Media) -> FileTransfer {
        maap::transfer(media, &*self.content.links)
    }

    /// What of the chatbot `owner` one of our links names, and which body of it, also when its time is over and it is still
    /// there. However the link begins: its seal is ours.
    pub(crate) async fn media_at(
        &self,
        owner: &Address,
        url: &str,
    ) -> Result<Option<(Media, Body)>, Failure> {
        let segment = url.rsplit('/').next().unwrap_or_default();
        let Some((id, Purpose::Download(body))) = self.content.links.open(segment) else { return Ok(None) };
        Ok(self.own_media(owner, id).await?.map(|media| (media, body)))
    }

    /// What of the chatbot `owner` an id names, unless its time is over.
    pub(crate) async fn media(&self, owner: &Address, id: FileId) -> Result<Option<Media>, Failure> {
        Ok(self.own_media(owner, id).await?.filter(|media| !media.is_over(now())))
    }

    async fn own_media(&self, owner: &Address, id: FileId) -> Result<Option<Media>, Failure> {
        let found = self.read(move |store| store.media(id)).await?;
        Ok(found.filter(|media| media.owner == *owner))
    }

    /// Removes something of the chatbot `owner`; `false` if it is not there.
    pub(crate) async fn remove_media(&self, owner: &Address, id: FileId) -> Result<bool, Failure> {
        let call = MediaCall::Remove { id, owner: owner.clone() };
        Ok(self.change_media(call).await? == Answer::Removed)
    }

    /// Has the centre decide a change of the library; the answer comes after its commit.
    async fn change_media(&self, call: MediaCall) -> Result<Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        // Whoever got so far is not turned away; how many there are is bounded by the slots.
        self.inbox.send(Input::Chatbot(Box::new(Call::Media(call)), reply.into()));
        answer.await.map_err(|_| Failure::stopping())
    }

    /// When something that comes now goes.
    fn media_expires_at(&self, keep: Keep) -> Option<Timestamp> {
        match keep {
            Keep::Permanent => None,
            Keep::Temporary => Some(now().plus(config::seconds(self.media.temp_s))),
            Keep::Until(at) => Some(at),
        }
    }
}

/// A task of its own for what must be put in order also when the connection is gone and nobody waits for the answer.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
    app: &Arc<App>,
) -> Result<T, Refusal> {
    let done = tokio::spawn(work).await.unwrap_or_else(|_| Err(Refusal::Failed(Failure::stopping())));
    if let Err(refusal) = &done {
        app.refused(Failure::new(refusal.status(), ""));
    }
    done
}
