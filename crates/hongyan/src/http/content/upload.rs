//! `POST /content/`: uploads (RCC.07; rcs-core §15 steps 1 to 3).

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use message_centre::files::{Answer, Call};
use rcs::address::Address;
use rcs::file_transfer::form::{self, Event, Field, Form};
use rcs::multipart::MultipartError;
use store::{File, FileId, Thumbnail};

use super::super::{App, Failure, now, openapi};
use super::disk_failure;
use super::incoming::{Incoming, declared_bytes, too_large};
use crate::config;
use crate::content::blobs::Body;
use crate::content::slots::{NoSlot, Slot, Slots};
use crate::content::spool::Spool;
use crate::content::writers::Writer;
use crate::content::{kind, thumbnail};

/// 204 for an empty body, 200 with the document for a form; or why not.
#[utoipa::path(
    post, path = "/content/", security(("subscriber" = [])),
    request_body(
        content = String, content_type = "multipart/form-data",
        description = "Parts `tid` (transfer id), `Thumbnail` (optional) and `File`, in this order; or nothing at all, to learn whether one may",
    ),
    responses(
        (status = 200, description = "The document to send on (RCC.07)", content_type = "application/vnd.gsma.rcs-ft-http+xml", body = String),
        (status = 204, description = "An empty body: the subscriber may upload"),
        (status = 400, body = openapi::Error), (status = 401, body = openapi::Error),
        (status = 403, description = "The subscriber's quota is used up", body = openapi::Error),
        (status = 408, description = "The body did not come", body = openapi::Error),
        (status = 413, body = openapi::Error), (status = 415, body = openapi::Error), (status = 429, body = openapi::Error),
        (status = 503, body = openapi::Error), (status = 507, description = "There is no room left", body = openapi::Error),
    ),
)]
pub async fn post(State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let mut incoming = Incoming::new(&app, &head.headers, body);
    let owner = match app.subscriber(&head).await {
        Ok(owner) => owner,
        Err(answer) => {
            incoming.linger().await;
            return answer;
        }
    };
    // A task of its own: it puts things in order also when the connection is gone and nobody waits for the answer.
    let upload = async move {
        let answer = match receive(&app, owner, &head.headers, &mut incoming).await {
            Ok(Some(file)) => app.document(&file),
            Ok(None) => StatusCode::NO_CONTENT.into_response(),
            Err(failure) => app.refused(failure).into_response(),
        };
        incoming.linger().await;
        answer
    };
    tokio::spawn(upload).await.unwrap_or_else(|_| Failure::stopping().into_response())
}

/// The file, if there is one in the body.
async fn receive(
    app: &Arc<App>,
    owner: Address,
    headers: &HeaderMap,
    incoming: &mut Incoming,
) -> Result<Option<File>, Failure> {
    if declared_bytes(headers).is_some_and(|bytes| bytes > app.content.upload_bytes_max()) {
        return Err(too_large(app.content.config.max_file_bytes.get()));
    }
    let Some(first) = first_bytes(app, incoming).await? else { return Ok(None) };
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut form = Form::new(content_type).map_err(|error| {
        let reason = format!("{error}; a file comes as {} with a boundary", form::CONTENT_TYPE);
        Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason)
    })?;
    let slot = app.slot(&owner)?;
    let mut upload = Upload::new(app.clone(), owner, declared_bytes(headers), slot);
    match upload.read(&mut form, first, incoming).await {
        Ok(()) => upload.complete().await.map(Some),
        Err(failure) => {
            upload.break_off(&failure).await;
            Err(failure)
        }
    }
}

/// Passes over empty pieces; `None` for an empty body.
async fn first_bytes(app: &App, incoming: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    loop {
        match incoming.next(app, None).await? {
            Some(bytes) if bytes.is_empty() => {}
            other => return Ok(other),
        }
    }
}

impl App {
    /// A place among the uploads, for one that begins.
    pub(in crate::http) fn slot(&self, owner: &Address) -> Result<Slot, Failure> {
        self.place(owner, Slots::take)
    }

    /// A place among the uploads, for one that goes on.
    pub(in crate::http) fn slot_again(&self, owner: &Address) -> Result<Slot, Failure> {
        self.place(owner, Slots::take_again)
    }

    fn place(
        &self,
        owner: &Address,
        take: fn(&Arc<Slots>, &Address, Instant) -> Result<Slot, NoSlot>,
    ) -> Result<Slot, Failure> {
        #[expect(clippy::disallowed_methods, reason = "slots count rates")]
        let now = Instant::now();
        take(&self.content.slots, owner, now).map_err(|none| match none {
            NoSlot::Busy => Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too many uploads are under way"),
            NoSlot::TooMany => Failure::new(StatusCode::TOO_MANY_REQUESTS, "too many uploads; wait a little"),
        })
    }
}

/// A form that is being read.
struct Upload {
    app: Arc<App>,
    owner: Address,
    declared_bytes: Option<u64>,
    current: Current,
    tid: Option<String>,
    /// From when the file's part begins.
    file: Option<Receiving>,
    thumbnail: Option<Vec<u8>>,
    _slot: Slot,
}

/// The part that data belongs to.
enum Current {
    Tid(Vec<u8>),
    Thumbnail(Vec<u8>),
    File,
    /// One that is passed over.
    Other,
}

/// A file that is being received.
pub(super) struct Receiving {
    /// Its row as it is or will be.
    file: File,
    /// Whether the row is in the store.
    is_indexed: bool,
    /// Its bytes; gone once they are all written.
    spool: Option<Spool>,
    /// The right to write it.
    pub writer: Writer,
    /// Where it is too large, or too much for its owner.
    bytes_max: u64,
    /// The first bytes, until they have been looked at.
    head: Option<Vec<u8>>,
}

impl Upload {
    fn new(app: Arc<App>, owner: Address, declared_bytes: Option<u64>, slot: Slot) -> Self {
        Self {
            app,
            owner,
            declared_bytes,
            current: Current::Other,
            tid: None,
            file: None,
            thumbnail: None,
            _slot: slot,
        }
    }

    /// Reads the form to its end.
    async fn read(&mut self, form: &mut Form, first: Bytes, incoming: &mut Incoming) -> Result<(), Failure> {
        let mut next = Some(first);
        while let Some(bytes) = next {
            form.handle(bytes);
            while let Some(event) = form.poll_event().map_err(malformed)? {
                self.take(event).await?;
            }
            let app = self.app.clone();
            next = incoming.next(&app, self.file.as_ref().map(|file| &file.writer)).await?;
        }
        if form.is_complete() { Ok(()) } else { Err(malformed(MultipartError::Truncated)) }
    }

    async fn take(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::Data(data) => self.data(&data).await,
            Event::Part(part) => {
                self.end_part().await?;
                self.current = match Field::of(&part) {
                    Field::Tid => Current::Tid(Vec::new()),
                    Field::Thumbnail => Current::Thumbnail(Vec::new()),
                    Field::File { name, content_type, bytes } => {
                        self.begin(name, content_type, bytes).await?;
                        Current::File
                    }
                    Field::Other => Current::Other,
                };
                Ok(())
            }
            Event::End => self.end_part().await,
        }
    }

    async fn data(&mut self, data: &[u8]) -> Result<(), Failure> {
        match &mut self.current {
            Current::Tid(tid) => {
                tid.extend_from_slice(data);
                if tid.len() > form::TID_BYTES_MAX { Err(bad_tid()) } else { Ok(()) }
            }
            Current::Thumbnail(thumbnail) => {
                thumbnail.extend_from_slice(data);
                let max_bytes = self.app.content.config.max_thumbnail_bytes;
                if thumbnail.len() as u64 > max_bytes.get() {
                    let reason = format!("a thumbnail has at most {max_bytes} bytes");
                    return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, reason));
                }
                Ok(())
            }
            Current::File => match &mut self.file {
                Some(file) => file.append(&self.app, data).await,
                None => Ok(()),
            },
            Current::Other => Ok(()),
        }
    }

    async fn end_part(&mut self) -> Result<(), Failure> {
        match std::mem::replace(&mut self.current, Current::Other) {
            Current::Tid(tid) => {
                let tid = String::from_utf8(tid).map_err(|_| bad_tid())?.trim().to_owned();
                if !form::is_tid(&tid) {
                    return Err(bad_tid());
                }
                self.tid = Some(tid);
            }
            Current::Thumbnail(thumbnail) => self.thumbnail = Some(thumbnail),
            Current::File | Current::Other => {}
        }
        Ok(())
    }

    /// The file's part begins: with a transfer id, it is in the index before its first byte is written.
    async fn begin(
        &mut self,
        name: Option<String>,
        content_type: String,
        part_bytes: Option<u64>,
    ) -> Result<(), Failure> {
        if self.file.is_some() {
            return Err(Failure::bad_request("one file at a time"));
        }
        // The form around the file counts with the request's length: no reason to refuse the largest file.
        let max_bytes = self.app.content.config.max_file_bytes.get();
        let announced_bytes = part_bytes.unwrap_or(self.declared_bytes.unwrap_or(0).min(max_bytes));
        let bytes_max = self.app.room(&self.owner, announced_bytes, 0).await?;
        let created_at = now();
        let id = random_id();
        let mut file = File {
            id,
            owner: self.owner.clone(),
            tid: self.tid.clone(),
            name,
            content_type,
            // What the sender announces counts at once, so that many uploads together cannot exceed the quota.
            bytes: announced_bytes,
            thumbnail: None,
            is_complete: false,
            created_at,
            expires_at: created_at.plus(config::seconds(self.app.content.config.resume_s)),
        };
        if let Some(thumbnail) = self.thumbnail.take() {
            file.thumbnail = self.app.write_thumbnail(id, thumbnail).await?;
        }
        let writer = self.app.content.writers.take(id).await;
        let spool = self.app.on_disk(move |blobs| Spool::create(&blobs.incoming(id, Body::File))).await?;
        let head = Some(Vec::new());
        let mut receiving =
            Receiving { file, is_indexed: false, spool: Some(spool), writer, bytes_max, head };
        let indexed = match receiving.file.tid.is_some() {
            true => receiving.index(&self.app).await,
            false => Ok(()),
        };
        self.file = Some(receiving);
        indexed
    }

    /// Everything has arrived.
    async fn complete(mut self) -> Result<File, Failure> {
        let Some(mut receiving) = self.file.take() else {
            return Err(Failure::bad_request("the form has no file"));
        };
        // Those who write the thumbnail or the id after the file are heard too.
        receiving.file.tid = receiving.file.tid.or(self.tid);
        if let Some(thumbnail) = self.thumbnail {
            match self.app.write_thumbnail(receiving.file.id, thumbnail).await {
                Ok(thumbnail) => receiving.file.thumbnail = thumbnail,
                Err(failure) => {
                    receiving.abandon(&self.app).await;
                    return Err(failure);
                }
            }
        }
        receiving.complete(&self.app).await
    }

    /// The upload has failed.
    async fn break_off(self, failure: &Failure) {
        if let Some(receiving) = self.file {
            receiving.break_off(&self.app, failure).await;
        }
    }
}

impl Receiving {
    /// An unfinished upload that goes on.
    pub(super) fn resumed(file: File, spool: Spool, writer: Writer, bytes_max: u64) -> Self {
        Self { file, is_indexed: true, spool: Some(spool), writer, bytes_max, head: None }
    }

    /// Takes more of the file, and looks at its beginning as soon as there is enough of it.
    pub(super) async fn append(&mut self, app: &App, data: &[u8]) -> Result<(), Failure> {
        let Some(spool) = &mut self.spool else { return Ok(()) };
        let bytes = spool.bytes() + data.len() as u64;
        if bytes > self.bytes_max {
            return Err(if bytes > app.content.config.max_file_bytes.get() {
                too_large(app.content.config.max_file_bytes.get())
            } else {
                over_quota()
            });
        }
        if let Some(head) = &mut self.head {
            head.extend_from_slice(&data[..data.len().min(kind::HEAD_BYTES - head.len())]);
            if head.len() == kind::HEAD_BYTES {
                app.check_type(&kind::of(&self.file.content_type, head))?;
                self.head = None;
            }
        }
        spool.write(data).await.map_err(|error| disk_failure(&error))
    }

    /// Puts the unfinished file into the index, in the place of an earlier attempt.
    async fn index(&mut self, app: &App) -> Result<(), Failure> {
        let Some(key) = self.file.transfer_key() else { return Ok(()) };
        let earlier = app.read(move |store| store.transfer(&key)).await?;
        let replaces = earlier.filter(|file| !file.is_complete);
        if let Some(earlier) = &replaces {
            drop(app.content.writers.take(earlier.id).await);
        }
        match app.change_files(Call::Add { file: self.file.clone(), replaces }).await? {
            Answer::OverQuota => Err(over_quota()),
            Answer::NotFound => Err(gone()),
            Answer::Done => {
                self.is_indexed = true;
                Ok(())
            }
        }
    }

    /// Looks at the whole file, gives it its place on disk and in the index: from here on it is kept.
    pub(super) async fn complete(mut self, app: &App) -> Result<File, Failure> {
        let done = self.keep(app).await;
        if done.is_err() {
            self.abandon(app).await;
        }
        done
    }

    async fn keep(&mut self, app: &App) -> Result<File, Failure> {
        let id = self.file.id;
        self.finish_writing().await?;
        let head = app.on_disk(move |blobs| read_head(&blobs.incoming(id, Body::File))).await?;
        self.file.content_type = kind::of(&self.file.content_type, &head);
        app.check_type(&self.file.content_type)?;
        if self.file.thumbnail.is_none()
            && app.content.config.make_thumbnails
            && kind::is_thumbnail(&head).is_some()
        {
            self.file.thumbnail = app.make_thumbnail(id).await?;
        }
        let has_thumbnail = self.file.thumbnail.is_some();
        app.content.shelf.keep(id, has_thumbnail).await.map_err(|error| disk_failure(&error))?;
        self.file.is_complete = true;
        self.file.expires_at = now().plus(config::seconds(app.content.config.keep_s));
        let file = self.file.clone();
        let call = match self.is_indexed {
            true => Call::Update(file.clone()),
            false => Call::Add { file: file.clone(), replaces: None },
        };
        match app.change_files(call).await? {
            Answer::Done => {
                app.count_file("uploaded");
                Ok(file)
            }
            Answer::OverQuota => Err(over_quota()),
            Answer::NotFound => Err(gone()),
        }
    }

    /// The rest has not come. What has an id can be resumed, unless it was refused for what it is.
    pub(super) async fn break_off(mut self, app: &App, failure: &Failure) {
        let is_resumable = matches!(
            failure.status,
            StatusCode::BAD_REQUEST | StatusCode::REQUEST_TIMEOUT | StatusCode::CONFLICT
        );
        if !self.is_indexed || !is_resumable {
            return self.abandon(app).await;
        }
        match self.pause(app).await {
            Ok(_) => app.count_file("broken off"),
            Err(_) => self.abandon(app).await,
        }
    }

    /// What has arrived is noted, and the rest will come.
    pub(super) async fn pause(&mut self, app: &App) -> Result<File, Failure> {
        self.finish_writing().await?;
        match app.change_files(Call::Update(self.file.clone())).await? {
            Answer::Done => Ok(self.file.clone()),
            Answer::OverQuota => Err(over_quota()),
            Answer::NotFound => Err(gone()),
        }
    }

    async fn finish_writing(&mut self) -> Result<(), Failure> {
        if let Some(spool) = self.spool.take() {
            self.file.bytes = spool.finish().await.map_err(|error| disk_failure(&error))?;
        }
        Ok(())
    }

    /// Nothing of it is of use. The row goes first; without one, what is left on disk goes at the next start at the latest.
    async fn abandon(self, app: &App) {
        let id = self.file.id;
        if self.is_indexed {
            let _ = app.change_files(Call::Remove(self.file)).await;
        }
        app.content.shelf.remove_all(&[id]).await;
    }
}

impl App {
    /// How many bytes a file of `owner` may have, of which `counted` count against the quota already.
    ///
    /// # Errors
    /// 413 or 403 if `wanted` are too many.
    pub(super) async fn room(&self, owner: &Address, wanted: u64, counted: u64) -> Result<u64, Failure> {
        let config = &self.content.config;
        if wanted > config.max_file_bytes.get() {
            return Err(too_large(config.max_file_bytes.get()));
        }
        let owner = owner.clone();
        let used = self.read(move |store| store.usage(&owner)).await?;
        let left = (config.quota_bytes.get() + counted).saturating_sub(used.bytes);
        if wanted > left || used.files >= u64::from(config.quota_files.get()) + u64::from(counted > 0) {
            return Err(over_quota());
        }
        Ok(left.min(config.max_file_bytes.get()))
    }

    /// Keeps the small picture that came with a file; none if it is no picture.
    pub(in crate::http) async fn write_thumbnail(
        &self,
        id: FileId,
        bytes: Vec<u8>,
    ) -> Result<Option<Thumbnail>, Failure> {
        let Some(content_type) = kind::is_thumbnail(&bytes) else { return Ok(None) };
        let thumbnail = Thumbnail { content_type: content_type.to_owned(), bytes: bytes.len() as u64 };
        self.on_disk(move |blobs| blobs.write_thumbnail(id, &bytes)).await?;
        Ok(Some(thumbnail))
    }

    /// Makes a small picture of an upload that is one; none if it cannot be made.
    pub(in crate::http) async fn make_thumbnail(&self, id: FileId) -> Result<Option<Thumbnail>, Failure> {
        let _turn = self.content.decoders.acquire().await.map_err(|_| Failure::stopping())?;
        let path = self.content.blobs.incoming(id, Body::File);
        let pixels_max = self.content.config.thumbnail_max_pixels.get();
        // What a decoder cannot digest gets no thumbnail, and that is all: also if it is the decoder's own fault.
        let made =
            tokio::task::spawn_blocking(move || thumbnail::make(&path, pixels_max)).await.unwrap_or_default();
        let Some(bytes) = made else { return Ok(None) };
        self.write_thumbnail(id, bytes).await
    }
}

pub(in crate::http) fn random_id() -> FileId {
    let mut id = [0; 16];
    getrandom::fill(&mut id).expect("the kernel gives random bytes");
    FileId(id)
}

/// The first bytes of a file.
pub(in crate::http) fn read_head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    std::fs::File::open(path)?.take(kind::HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn malformed(error: MultipartError) -> Failure {
    Failure::bad_request(&error.to_string())
}

fn bad_tid() -> Failure {
    Failure::bad_request("tid: not a transfer id, such as a UUID")
}

fn over_quota() -> Failure {
    Failure::new(StatusCode::FORBIDDEN, "your files take all the room you have here")
}

fn gone() -> Failure {
    Failure::new(
        StatusCode::GONE,
        "the upload took too long or began anew, or its sender is no subscriber any more",
    )
}
