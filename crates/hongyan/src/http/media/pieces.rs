//! Uploads in pieces: each piece is a request of its own, and what has arrived outlives connections and restarts.
//!
//! One that is under way is a row among the files of the content server: so its bytes count, are left alone by a start, and go
//! when nobody goes on with it. With its last piece it becomes one of the media, under the same id and in one commit.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use maap::{Answer, MediaCall};
use message_centre::files;
use rcs::address::Address;
use store::{Chatbot, File, FileId, Media};

use super::receive::Upload;
use super::{Keep, Refusal, to_its_end};
use crate::config;
use crate::http::content::incoming::Incoming;
use crate::http::{App, now};

/// What a piece leads to.
pub(crate) enum Piece {
    /// There is more to come; so many bytes are here.
    Part(u64),
    /// All of it is here.
    Whole(Box<Media>),
    /// There is no such upload of this chatbot, or not any more.
    Gone,
}

/// Which bytes a piece has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its first; `None` for a question how much is here.
    pub first: Option<u64>,
    /// How many there are in all, if that is known by now.
    pub total: Option<u64>,
    /// Whether this is the last, whatever `total` says.
    pub is_last: bool,
}

/// Begins an upload, and names it.
pub(crate) async fn begin(app: &Arc<App>, chatbot: &Chatbot) -> Result<FileId, Refusal> {
    let mut upload = Upload::begin(app.clone(), &chatbot.address, app.media.limits(chatbot.dialect))?;
    upload.begin_file(None).await?;
    let id = upload.pause().await?;
    let created_at = now();
    let file = File {
        id,
        owner: chatbot.address.clone(),
        tid: None,
        name: None,
        content_type: String::new(),
        bytes: 0,
        thumbnail: None,
        is_complete: false,
        created_at,
        expires_at: created_at.plus(config::seconds(app.content.config.resume_s)),
    };
    match app.change_media(MediaCall::Begin(Box::new(file))).await? {
        Answer::Done => Ok(id),
        refused => {
            app.content.shelf.remove_all(&[id]).await;
            Err(if refused == Answer::OverQuota { Refusal::OverQuota } else { Refusal::NoChatbot })
        }
    }
}

/// Takes in a piece of the upload `id`, to the end of what comes even if nobody waits for the answer any more. What does not follow
/// on what is here is passed over: the client goes on from what is.
pub(crate) async fn piece(
    app: &Arc<App>,
    chatbot: &Chatbot,
    id: FileId,
    place: Place,
    headers: HeaderMap,
    body: Body,
    keep: Keep,
) -> Result<Piece, Refusal> {
    let (app_, chatbot) = (app.clone(), chatbot.clone());
    to_its_end(async move { take(&app_, &chatbot, id, place, &headers, body, keep).await }, app).await
}

async fn take(
    app: &Arc<App>,
    chatbot: &Chatbot,
    id: FileId,
    place: Place,
    headers: &HeaderMap,
    body: Body,
    keep: Keep,
) -> Result<Piece, Refusal> {
    // Whoever still writes, over a connection that may be dead, stops first.
    let writer = app.content.writers.take(id).await;
    let Some(file) = app.unfinished(&chatbot.address, id).await? else {
        // The answer to the last piece may have got lost.
        let media = app.media(&chatbot.address, id).await?;
        return Ok(media.map_or(Piece::Gone, |media| Piece::Whole(Box::new(media))));
    };
    let limits = app.media.limits(chatbot.dialect);
    let bytes_max = limits.bytes_max();
    let here = app.on_disk(move |blobs| blobs.received_bytes(id)).await?;
    let mut upload = Upload::resume(app.clone(), &chatbot.address, limits, id, here).await?;
    if place.first == Some(here) {
        let mut incoming = Incoming::within(app, headers, body, bytes_max, bytes_max);
        loop {
            let taken = match incoming.next(app, Some(&writer)).await {
                Ok(None) => break,
                Ok(Some(bytes)) => upload.append(&bytes).await,
                Err(failure) if failure.status == StatusCode::PAYLOAD_TOO_LARGE => {
                    Err(Refusal::TooLarge { what: "file".to_owned(), bytes_max })
                }
                // A connection that breaks loses nothing of what is here.
                Err(_) => {
                    let here = upload.bytes();
                    upload.pause().await?;
                    return Ok(Piece::Part(here));
                }
            };
            if let Err(refusal) = taken {
                upload.abandon().await;
                app.forget(file).await;
                return Err(refusal);
            }
        }
    }
    let here = upload.bytes();
    if place.total.is_some_and(|total| here < total) || !(place.is_last || place.total.is_some()) {
        upload.pause().await?;
        return Ok(Piece::Part(here));
    }
    let kept = match place.total {
        Some(total) if here > total => {
            upload.abandon().await;
            Err(Refusal::Malformed(format!("{here} bytes, where there were to be {total}")))
        }
        _ => upload.complete(keep).await,
    };
    match kept {
        Ok(media) => Ok(Piece::Whole(Box::new(media))),
        Err(refusal) => {
            app.forget(file).await;
            Err(refusal)
        }
    }
}

impl App {
    /// An upload that is under way.
    async fn unfinished(&self, owner: &Address, id: FileId) -> Result<Option<File>, Refusal> {
        let found = self.read(move |store| store.file(id)).await?;
        Ok(found.filter(|file| file.owner == *owner && !file.is_complete && file.expires_at > now()))
    }

    /// An upload that nothing will come of.
    async fn forget(&self, file: File) {
        // When we are stopping, it goes when its time is over.
        let _ = self.change_files(files::Call::Remove(file)).await;
    }
}
