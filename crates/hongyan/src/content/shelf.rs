//! Where complete files are kept and found again: in the content directory, or in a bucket. Uploads under way lie in the
//! directory in either case.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use store::FileId;
use tokio::task::JoinHandle;

use super::blobs::{Blobs, Body};
use super::bucket::Bucket;

/// What is read from the directory at a time. The next piece is read while this one is sent.
const PIECE_BYTES: u64 = 256 * 1024;

/// Both places.
pub struct Shelf {
    blobs: Arc<Blobs>,
    bucket: Option<Arc<Bucket>>,
}

/// A body that was kept.
pub struct Kept {
    /// Its size.
    pub bytes: u64,
    source: Source,
}

enum Source {
    File(File),
    Object(Arc<Bucket>, FileId, Body),
}

impl Shelf {
    /// Files go into `bucket` if there is one.
    pub fn new(blobs: Arc<Blobs>, bucket: Option<Bucket>) -> Self {
        Self { blobs, bucket: bucket.map(Arc::new) }
    }

    /// Gives an upload that is complete its place, for good when this returns.
    pub async fn keep(&self, id: FileId, has_thumbnail: bool) -> io::Result<()> {
        let Some(bucket) = &self.bucket else {
            return self.on_disk(move |blobs| blobs.keep(id)).await;
        };
        if has_thumbnail {
            bucket.put(id, Body::Thumbnail, &self.blobs.incoming(id, Body::Thumbnail)).await?;
        }
        bucket.put(id, Body::File, &self.blobs.incoming(id, Body::File)).await?;
        self.on_disk(move |blobs| blobs.remove(id)).await
    }

    /// Finds what was kept; `NotFound` if it is not there.
    pub async fn find(&self, id: FileId, body: Body) -> io::Result<Kept> {
        if let Some(bucket) = &self.bucket {
            let bytes = bucket.bytes(id, body).await?;
            return Ok(Kept { bytes, source: Source::Object(bucket.clone(), id, body) });
        }
        self.on_disk(move |blobs| {
            let file = blobs.read(id, body)?;
            Ok(Kept { bytes: file.metadata()?.len(), source: Source::File(file) })
        })
        .await
    }

    /// Removes everything of a file. What is not there is no failure.
    pub async fn remove(&self, id: FileId) -> io::Result<()> {
        if let Some(bucket) = &self.bucket {
            bucket.remove(id).await?;
        }
        self.on_disk(move |blobs| blobs.remove(id)).await
    }

    /// Removes everything of these files, one failure or other notwithstanding: what stays goes at the next start.
    pub async fn remove_all(&self, ids: &[FileId]) {
        for id in ids {
            if let Err(error) = self.remove(*id).await {
                tracing::warn!(%error, file = %id, "cannot remove a file");
            }
        }
    }

    /// The files of which anything may be left over in the bucket.
    pub async fn list_bucket(&self) -> io::Result<Vec<FileId>> {
        match &self.bucket {
            Some(bucket) => bucket.list().await,
            None => Ok(Vec::new()),
        }
    }

    /// Does something that may wait for the disk.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Blobs) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let blobs = self.blobs.clone();
        tokio::task::spawn_blocking(move || work(&blobs)).await.map_err(io::Error::other)?
    }
}

impl Kept {
    /// Some of its bytes, piece by piece.
    pub fn pieces(self, range: Range<u64>) -> BoxStream<'static, io::Result<Bytes>> {
        match self.source {
            Source::Object(bucket, id, body) => bucket.pieces(id, body, range),
            Source::File(file) => {
                let Range { start, end } = range;
                let pieces = Pieces { file: Arc::new(file), at: start, end, next: None };
                futures_util::stream::unfold(pieces, Pieces::next).boxed()
            }
        }
    }
}

/// Bytes `at` to `end` of a file, one piece ahead.
struct Pieces {
    file: Arc<File>,
    at: u64,
    end: u64,
    next: Option<JoinHandle<io::Result<Bytes>>>,
}

impl Pieces {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        let this = self.next.take().or_else(|| self.begin())?;
        self.next = self.begin();
        let piece = this.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        if piece.is_err() {
            // Nothing sensible follows.
            (self.end, self.next) = (self.at, None);
        }
        Some((piece, self))
    }

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
