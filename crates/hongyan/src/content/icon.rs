//! Icons of groups: small pictures of what members send or have uploaded (`message_centre::group::icon`).

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use message_centre::group::icon::{Flaw, PICTURE_BYTES_MAX, Picture, Source};
use store::{FileId, Store};

use super::blobs::Body;
use super::link::Purpose;
use super::{Content, thumbnail};

/// Largest file that an icon is made of: it is held in memory while that happens, one at a time.
pub const SOURCE_BYTES_MAX: u64 = 16 << 20;

/// A member who waits for an answer gives up after 32 s (RFC 3261, Timer F).
const PATIENCE: Duration = Duration::from_secs(20);

/// The picture that a source comes to.
pub async fn make(content: &Content, store: &Store, source: &Source) -> Result<Picture, Flaw> {
    tokio::time::timeout(PATIENCE, made(content, store, source)).await.unwrap_or(Err(Flaw::Failed))
}

async fn made(content: &Content, store: &Store, source: &Source) -> Result<Picture, Flaw> {
    let _turn = content.decoders.acquire().await.map_err(|_| Flaw::Failed)?;
    let picture = match source {
        Source::Bytes(bytes) => bytes.clone(),
        Source::Link(url) => read(content, store, linked(content, url).ok_or(Flaw::Gone)?).await?,
    };
    let pixels_max = content.config.thumbnail_max_pixels.get();
    // A decoder that fails by its own fault has read no picture either.
    let small = tokio::task::spawn_blocking(move || thumbnail::make_of(&picture, pixels_max)).await;
    let small = small.ok().flatten().filter(|small| small.len() <= PICTURE_BYTES_MAX);
    let bytes = small.ok_or(Flaw::NoPicture)?.into();
    Ok(Picture { content_type: thumbnail::CONTENT_TYPE.to_owned(), bytes })
}

/// The file behind a link of ours.
fn linked(content: &Content, url: &str) -> Option<FileId> {
    match content.links.open(url.rsplit('/').next()?)? {
        (id, Purpose::Download(Body::File)) => Some(id),
        _ => None,
    }
}

async fn read(content: &Content, store: &Store, id: FileId) -> Result<Bytes, Flaw> {
    let store = store.clone();
    let row = tokio::task::spawn_blocking(move || store.file(id)).await.map_err(|_| Flaw::Failed)?;
    let row = row.map_err(failed)?.filter(|row| row.is_complete && row.expires_at > crate::http::now());
    if row.ok_or(Flaw::Gone)?.bytes > SOURCE_BYTES_MAX {
        return Err(Flaw::NoPicture);
    }
    let kept = content.shelf.find(id, Body::File).await.map_err(|error| match error.kind() {
        // It went between the two looks.
        std::io::ErrorKind::NotFound => Flaw::Gone,
        _ => failed(error),
    })?;
    let bytes = kept.bytes.min(SOURCE_BYTES_MAX);
    let empty = BytesMut::with_capacity(bytes as usize);
    let pieces = kept.pieces(0..bytes);
    let whole = pieces.try_fold(empty, async |mut whole, piece| {
        whole.extend_from_slice(&piece);
        Ok(whole)
    });
    Ok(whole.await.map_err(failed)?.freeze())
}

fn failed(error: impl std::fmt::Display) -> Flaw {
    tracing::error!(%error, "cannot read a file for an icon");
    Flaw::Failed
}
