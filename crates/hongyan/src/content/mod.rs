//! The content server's own things: where bytes lie ([`blobs`], [`bucket`], and which: [`shelf`]), how they are written ([`spool`]), what they are
//! ([`kind`]), small pictures of them ([`thumbnail`]) and for groups ([`icon`]), links to them ([`link`]), who may upload how much at once
//! ([`slots`]) and who writes which file ([`writers`]). HTTP is in `http/content/`, decisions in `message_centre::files`.

pub mod blobs;
pub mod bucket;
pub mod icon;
pub mod kind;
pub mod link;
pub mod shelf;
pub mod slots;
pub mod spool;
pub mod thumbnail;
pub mod writers;

use std::sync::Arc;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use store::{FileId, Store, StoreError};
use tokio::sync::Semaphore;

use crate::config;
use crate::http::content::gate::Gate;
use blobs::Blobs;
use link::Links;
use shelf::Shelf;
use slots::Slots;
use writers::Writers;

/// Pictures decoded at once: each may take tens of megabytes.
const DECODERS: usize = 1;

/// Everything that the content server works with.
pub struct Content {
    /// What holds for files.
    pub config: config::Content,
    /// Where uploads under way lie.
    pub blobs: Arc<Blobs>,
    /// Where files are kept.
    pub shelf: Arc<Shelf>,
    /// Links to them.
    pub links: Arc<Links>,
    /// Who may upload.
    pub gate: Gate,
    /// How much at once.
    pub slots: Arc<Slots>,
    /// Who writes which unfinished file.
    pub writers: Arc<Writers>,
    /// Whose turn it is to have a picture decoded.
    pub decoders: Semaphore,
}

impl Content {
    /// A content server over `blobs` and `shelf`.
    pub fn new(
        config: config::Content,
        blobs: Arc<Blobs>,
        shelf: Arc<Shelf>,
        links: Links,
        gate: Gate,
    ) -> Self {
        Self {
            slots: Arc::new(Slots::new(&config)),
            writers: Arc::default(),
            decoders: Semaphore::new(DECODERS),
            config,
            blobs,
            shelf,
            links: Arc::new(links),
            gate,
        }
    }

    /// Most bytes of an upload, with what stands around the file.
    pub fn upload_bytes_max(&self) -> u64 {
        const AROUND: u64 = 64 << 10;
        self.config.max_file_bytes.get() + self.config.max_thumbnail_bytes.get() + AROUND
    }
}

/// A key of its own for each purpose, from the secret of the deployment.
pub fn key(deployment: &[u8; 32], purpose: &str) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(deployment).expect("HMAC takes keys of any length");
    mac.chain_update(purpose).finalize().into_bytes().into()
}

/// Removes what an earlier life of the process left behind: bytes without a row. `found` was listed in the directory before
/// anything new could begin.
pub async fn remove_left_overs(shelf: Arc<Shelf>, store: Store, found: Vec<FileId>) {
    let in_bucket = shelf.list_bucket().await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot list the bucket");
        Vec::new()
    });
    let without_row = tokio::task::spawn_blocking(move || {
        let mut without_row = Vec::new();
        for id in found.into_iter().chain(in_bucket) {
            if store.file(id)?.is_none() && store.media(id)?.is_none() {
                without_row.push(id);
            }
        }
        Ok::<_, StoreError>(without_row)
    });
    match without_row.await {
        Ok(Ok(ids)) if ids.is_empty() => {}
        Ok(Ok(ids)) => {
            tracing::info!(files = ids.len(), "removing what was left of uploads that broke off");
            shelf.remove_all(&ids).await;
        }
        Ok(Err(error)) => tracing::warn!(%error, "cannot look for what uploads left behind"),
        Err(_) => {}
    }
}
