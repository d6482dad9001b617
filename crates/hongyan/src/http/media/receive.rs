//! An upload to the media library: a form with a file and perhaps its thumbnail, or the file alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use chatbot_api::cm::file::Expected;
use maap::{Answer, MediaCall};
use rcs::address::Address;
use rcs::content_type;
use rcs::file_transfer::form::{self, AnyField, Event, Form};
use rcs::multipart::MultipartError;
use rcs::playing;
use sha2::{Digest as _, Sha256};
use store::{Chatbot, FileId, Media, Review, media};

use super::{Keep, Refusal, to_its_end};
use crate::content::blobs;
use crate::content::kind;
use crate::content::slots::Slot;
use crate::content::spool::Spool;
use crate::http::content::disk_failure;
use crate::http::content::incoming::{Incoming, declared_bytes};
use crate::http::content::upload::read_head;
use crate::http::{App, Failure, now};
use crate::media::{KindLimits, Limits, type_of, type_of_whole};

/// Files in one upload: one, and its thumbnail.
pub(crate) const FILES_MAX: usize = 2;

/// Longest value beside the files, in bytes, and how many there may be.
const VALUE_BYTES_MAX: usize = 4 * 1024;
const VALUES_MAX: usize = 16;

/// What describes a file in a part of its own.
const JSON: &str = "application/json";

/// What the bytes are of which nobody can say what they are.
const UNKNOWN: &str = "something unknown";

/// What stands around the files of a form.
const AROUND_BYTES: u64 = 64 << 10;

/// What came.
#[derive(Debug)]
pub(crate) struct Received {
    /// What is kept from now on; absent if there was no file.
    pub media: Option<Media>,
    /// Whether its thumbnail came with it, and before it.
    pub is_thumbnail_first: bool,
    /// The other values of the form, by name.
    pub values: BTreeMap<String, String>,
}

/// Takes what the body of a request brings for `chatbot`. `keep` is told the other values of the form, and says how long; its
/// error is what is wrong with them.
///
/// Who asks must be known before: there are limits on uploads of one chatbot, and none for strangers.
pub(crate) async fn receive(
    app: &Arc<App>,
    chatbot: &Chatbot,
    headers: HeaderMap,
    body: Body,
    keep: impl FnOnce(&BTreeMap<String, String>) -> Result<Keep, String> + Send + 'static,
) -> Result<Received, Refusal> {
    let (owner, limits) = (chatbot.address.clone(), app.media.limits(chatbot.dialect));
    receive_for(app, owner, limits, Expected::default(), headers, body, keep).await
}

/// The same for whoever has files of their own, and of a file that was announced: `owner` is what they lie under.
pub(crate) async fn receive_for(
    app: &Arc<App>,
    owner: Address,
    limits: Limits,
    expected: Expected,
    headers: HeaderMap,
    body: Body,
    keep: impl FnOnce(&BTreeMap<String, String>) -> Result<Keep, String> + Send + 'static,
) -> Result<Received, Refusal> {
    let app_ = app.clone();
    let work = async move {
        let file_bytes_max = limits.bytes_max();
        let bytes_max = file_bytes_max + limits.thumbnail_bytes_max + AROUND_BYTES;
        let mut incoming = Incoming::within(&app_, &headers, body, bytes_max, file_bytes_max);
        let received = match declared_bytes(&headers).is_some_and(|bytes| bytes > bytes_max) {
            true => Err(Refusal::TooLarge { what: "file".to_owned(), bytes_max: file_bytes_max }),
            false => {
                let upload = Upload::begin(app_.clone(), &owner, limits);
                take_in(upload.map(|upload| Upload { expected, ..upload })?, &headers, &mut incoming, keep)
                    .await
            }
        };
        incoming.linger().await;
        received
    };
    to_its_end(work, app).await
}

async fn take_in(
    mut upload: Upload,
    headers: &HeaderMap,
    incoming: &mut Incoming,
    keep: impl FnOnce(&BTreeMap<String, String>) -> Result<Keep, String>,
) -> Result<Received, Refusal> {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_in_parts =
        [form::CONTENT_TYPE, form::RELATED].iter().any(|known| content_type::is(declared, known));
    let read = match is_in_parts {
        true => upload.read_form(declared, incoming).await,
        false => upload.read_file(incoming).await,
    };
    let values = std::mem::take(&mut upload.values);
    let keep = match read {
        Ok(()) => keep(&values).map_err(Refusal::Malformed),
        Err(refusal) => Err(refusal),
    };
    match keep {
        Ok(_) if upload.items.is_empty() => Ok(Received { media: None, is_thumbnail_first: false, values }),
        Ok(keep) => {
            let is_thumbnail_first = upload.thumbnail_at() == Some(0);
            let media = Some(upload.complete(keep).await?);
            Ok(Received { media, is_thumbnail_first, values })
        }
        Err(refusal) => {
            upload.abandon().await;
            Err(refusal)
        }
    }
}

/// Files of one upload as they arrive.
pub(crate) struct Upload {
    app: Arc<App>,
    owner: Address,
    limits: Limits,
    /// What was said of the file before.
    expected: Expected,
    items: Vec<Item>,
    values: BTreeMap<String, String>,
    /// The value that data belongs to; otherwise it is that of the last file.
    value: Option<(String, Vec<u8>)>,
    _slot: Slot,
}

/// A file that is arriving, or has arrived.
struct Item {
    id: FileId,
    name: Option<String>,
    /// Gone once everything is written.
    spool: Option<Spool>,
    bytes: u64,
    /// Its beginning, as much as is looked at.
    head: Vec<u8>,
    /// Where it is too large: known when its beginning has been looked at.
    bytes_max: u64,
    /// Whether its sender calls it the thumbnail of the other.
    is_thumbnail: bool,
    /// Of all its bytes so far, if somebody has said what comes of it.
    hash: Option<Sha256>,
}

impl Upload {
    /// An upload of somebody who is known.
    pub fn begin(app: Arc<App>, owner: &Address, limits: Limits) -> Result<Self, Refusal> {
        let slot = app.slot(owner)?;
        let (items, values, value) = (Vec::new(), BTreeMap::new(), None);
        let (owner, expected) = (owner.clone(), Expected::default());
        Ok(Self { app, owner, limits, expected, items, values, value, _slot: slot })
    }

    /// An upload of one file that goes on, of which `bytes` are here.
    pub async fn resume(
        app: Arc<App>,
        owner: &Address,
        limits: Limits,
        id: FileId,
        bytes: u64,
    ) -> Result<Self, Refusal> {
        let slot = app.slot_again(owner)?;
        let open = move |blobs: &blobs::Blobs| {
            let path = blobs.incoming(id, blobs::Body::File);
            // A crash may have found it on its way to its place: then it begins anew.
            match bytes {
                0 => Ok((Vec::new(), Spool::create(&path)?)),
                _ => Ok((read_head(&path)?, Spool::resume(&path, bytes)?)),
            }
        };
        let (head, spool) = app.on_disk(open).await?;
        let bytes_max = limits.bytes_max();
        let (name, is_thumbnail, hash) = (None, false, None);
        let mut item = Item { id, name, spool: Some(spool), bytes, head, bytes_max, is_thumbnail, hash };
        if item.head.len() == kind::HEAD_BYTES {
            item.bytes_max = item.kind(&limits)?.bytes_max;
        }
        let (items, values, value) = (vec![item], BTreeMap::new(), None);
        let (owner, expected) = (owner.clone(), Expected::default());
        Ok(Self { app, owner, limits, expected, items, values, value, _slot: slot })
    }

    /// How much of the latest file is here.
    pub fn bytes(&self) -> u64 {
        self.items.last().map_or(0, |item| item.bytes)
    }

    /// More of its one file comes with another request. Gives its id.
    pub async fn pause(mut self) -> Result<FileId, Refusal> {
        let item = self.items.pop().ok_or(Refusal::Empty)?;
        if let Some(spool) = item.spool {
            spool.finish().await.map_err(|error| disk_failure(&error))?;
        }
        Ok(item.id)
    }

    /// Reads a form whose files have any names.
    async fn read_form(&mut self, content_type: &str, incoming: &mut Incoming) -> Result<(), Refusal> {
        let mut form = Form::new(content_type).map_err(malformed)?;
        let app = self.app.clone();
        while let Some(bytes) = incoming.next(&app, None).await.map_err(|failure| self.cut_off(failure))? {
            form.handle(bytes);
            while let Some(event) = form.poll_event().map_err(malformed)? {
                match event {
                    Event::Part(part) => {
                        self.end_value()?;
                        match AnyField::of(&part) {
                            // RFC 2387: of two related parts, the first describes the other.
                            AnyField::File { content_type, .. } if content_type::is(&content_type, JSON) => {
                                self.value = Some(("metadata".to_owned(), Vec::new()));
                            }
                            AnyField::File { name, is_thumbnail, .. } => {
                                self.begin_file(name).await?;
                                self.items
                                    .last_mut()
                                    .into_iter()
                                    .for_each(|item| item.is_thumbnail = is_thumbnail);
                            }
                            AnyField::Value(name) => self.value = Some((name, Vec::new())),
                        }
                    }
                    Event::Data(data) => match &mut self.value {
                        Some((_, value)) if value.len() + data.len() <= VALUE_BYTES_MAX => {
                            value.extend_from_slice(&data);
                        }
                        Some((name, _)) => return Err(Refusal::Malformed(format!("{name}: too long"))),
                        None => self.append(&data).await?,
                    },
                    Event::End => self.end_value()?,
                }
            }
        }
        if form.is_complete() { Ok(()) } else { Err(malformed(MultipartError::Truncated)) }
    }

    /// Reads a body that is the file.
    async fn read_file(&mut self, incoming: &mut Incoming) -> Result<(), Refusal> {
        let app = self.app.clone();
        while let Some(bytes) = incoming.next(&app, None).await.map_err(|failure| self.cut_off(failure))? {
            if self.items.is_empty() && !bytes.is_empty() {
                self.begin_file(None).await?;
            }
            self.append(&bytes).await?;
        }
        Ok(())
    }

    /// What a body that ended too early, or went on for too long, means.
    fn cut_off(&self, failure: Failure) -> Refusal {
        match failure.status {
            axum::http::StatusCode::PAYLOAD_TOO_LARGE => {
                Refusal::TooLarge { what: "file".to_owned(), bytes_max: self.limits.bytes_max() }
            }
            _ => failure.into(),
        }
    }

    fn end_value(&mut self) -> Result<(), Refusal> {
        let Some((name, value)) = self.value.take() else { return Ok(()) };
        let value = String::from_utf8(value).map_err(|_| Refusal::Malformed(format!("{name}: no UTF-8")))?;
        if self.values.len() == VALUES_MAX {
            return Err(Refusal::Malformed(format!("more than {VALUES_MAX} values in the form")));
        }
        self.values.insert(name, value);
        Ok(())
    }

    /// The next file begins.
    pub async fn begin_file(&mut self, name: Option<String>) -> Result<(), Refusal> {
        if self.items.len() == FILES_MAX {
            return Err(Refusal::TooMany);
        }
        let mut random = [0; 8];
        getrandom::fill(&mut random).expect("the kernel gives random bytes");
        let id = media::id(&self.owner, random);
        let spool =
            self.app.on_disk(move |blobs| Spool::create(&blobs.incoming(id, blobs::Body::File))).await?;
        let (bytes_max, spool) = (self.limits.bytes_max(), Some(spool));
        let hash = self.expected.sha256.is_some().then(Sha256::new);
        let (head, is_thumbnail) = (Vec::new(), false);
        self.items.push(Item { id, name, spool, bytes: 0, head, bytes_max, is_thumbnail, hash });
        Ok(())
    }

    /// More of the latest file.
    pub async fn append(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let Some(item) = self.items.last_mut() else { return Ok(()) };
        let is_known = item.head.len() == kind::HEAD_BYTES;
        item.head.extend_from_slice(&data[..data.len().min(kind::HEAD_BYTES - item.head.len())]);
        if !is_known && item.head.len() == kind::HEAD_BYTES {
            item.bytes_max = item.kind(&self.limits)?.bytes_max;
        }
        item.bytes += data.len() as u64;
        item.hash.iter_mut().for_each(|hash| hash.update(data));
        if item.bytes > item.bytes_max {
            return Err(item.too_large());
        }
        let Some(spool) = &mut item.spool else { return Ok(()) };
        spool.write(data).await.map_err(|error| disk_failure(&error).into())
    }

    /// Everything has arrived: looks at it, gives it its place on disk and in the library. From here on it is kept.
    pub async fn complete(mut self, keep: Keep) -> Result<Media, Refusal> {
        match self.keep(keep).await {
            Ok(media) => {
                self.app.count_file("media uploaded");
                Ok(media)
            }
            Err(refusal) => {
                self.abandon().await;
                Err(refusal)
            }
        }
    }

    async fn keep(&mut self, keep: Keep) -> Result<Media, Refusal> {
        for item in &mut self.items {
            if let Some(spool) = item.spool.take() {
                spool.finish().await.map_err(|error| disk_failure(&error))?;
            }
        }
        let thumbnail = self.take_thumbnail().await?;
        let app = self.app.clone();
        let item = self.items.first().filter(|item| item.bytes > 0).ok_or(Refusal::Empty)?;
        item.check(&self.expected)?;
        let (id, begins_as) = (item.id, item.begins_as());
        let mut media = Media {
            id,
            owner: self.owner.clone(),
            name: item.name.clone(),
            content_type: begins_as.to_owned(),
            bytes: item.bytes,
            thumbnail: None,
            plays_ms: None,
            created_at: now(),
            expires_at: app.media_expires_at(keep),
            review: Review::Pending,
        };
        if matches!(begins_as.split('/').next(), Some("audio" | "video")) {
            let (found, plays) = look_at_whole(&app, id, begins_as).await?;
            media.content_type = found.to_owned();
            media.plays_ms = plays.map(|plays| u64::try_from(plays.as_millis()).unwrap_or(u64::MAX));
            let plays_max = self.limits.of(found).and_then(|kind| kind.plays_max);
            if let (Some(plays), Some(plays_max)) = (plays, plays_max)
                && plays > plays_max
            {
                return Err(Refusal::TooLong { plays, plays_max });
            }
        }
        let limits = self.limits.of(&media.content_type);
        let limits = limits.ok_or_else(|| not_taken(&media.content_type, &self.limits))?;
        if item.bytes > limits.bytes_max {
            return Err(Refusal::TooLarge { what: media.content_type, bytes_max: limits.bytes_max });
        }
        media.thumbnail = match thumbnail {
            Some(bytes) => app.write_thumbnail(id, bytes).await?,
            None if kind::is_thumbnail(&item.head).is_some() && app.content.config.make_thumbnails => {
                app.make_thumbnail(id).await?
            }
            None => None,
        };
        let has_thumbnail = media.thumbnail.is_some();
        app.content.shelf.keep(id, has_thumbnail).await.map_err(|error| disk_failure(&error))?;
        match app.change_media(MediaCall::Add(Box::new(media))).await? {
            Answer::Media(media) => Ok(*media),
            Answer::OverQuota => Err(Refusal::OverQuota),
            _ => Err(Refusal::NoChatbot),
        }
    }

    /// Which of two files is the picture that belongs to the other: the one that is called so (maap-api §3.5), else the first
    /// that is one (maap-api §2.6).
    fn thumbnail_at(&self) -> Option<usize> {
        let is_picture = |item: &Item| kind::is_thumbnail(&item.head).is_some();
        let is_named = |item: &Item| item.is_thumbnail && is_picture(item);
        let named = self.items.iter().position(is_named);
        named.or_else(|| self.items.iter().position(is_picture)).filter(|_| self.items.len() == FILES_MAX)
    }

    /// The thumbnail leaves the list.
    async fn take_thumbnail(&mut self) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(at) = self.thumbnail_at() else {
            return if self.items.len() < FILES_MAX { Ok(None) } else { Err(Refusal::TooMany) };
        };
        let bytes_max = self.limits.thumbnail_bytes_max;
        if self.items[at].bytes > bytes_max {
            return Err(Refusal::TooLarge { what: "thumbnail".to_owned(), bytes_max });
        }
        let id = self.items.remove(at).id;
        let read = move |blobs: &blobs::Blobs| {
            let bytes = std::fs::read(blobs.incoming(id, blobs::Body::File))?;
            blobs.remove(id)?;
            Ok(bytes)
        };
        Ok(Some(self.app.on_disk(read).await?))
    }

    /// Nothing of it is of use.
    pub async fn abandon(mut self) {
        let mut ids = Vec::new();
        for item in self.items.drain(..) {
            // A write under way would bring the file back.
            if let Some(spool) = item.spool {
                let _ = spool.finish().await;
            }
            ids.push(item.id);
        }
        self.app.content.shelf.remove_all(&ids).await;
    }
}

impl Item {
    /// The limits of what its beginning says it is.
    fn kind<'l>(&self, limits: &'l Limits) -> Result<&'l KindLimits, Refusal> {
        let found = self.begins_as();
        // Sound in an MP4 begins as film does; which it is, the whole will say.
        limits.of(found).ok_or_else(|| not_taken(found, limits))
    }

    fn begins_as(&self) -> &'static str {
        type_of(&self.head).unwrap_or(UNKNOWN)
    }

    /// Whether it is what was announced.
    fn check(&self, expected: &Expected) -> Result<(), Refusal> {
        if let Some(bytes) = expected.size.filter(|bytes| *bytes != self.bytes) {
            let what = format!("SIZE: {bytes} bytes were announced, {} came", self.bytes);
            return Err(Refusal::Malformed(what));
        }
        let hash = self
            .hash
            .clone()
            .map(|hash| hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        match (hash, &expected.sha256) {
            (Some(found), Some(wanted)) if found != *wanted => {
                Err(Refusal::Malformed(format!("hash: the file's SHA-256 is {found}")))
            }
            _ => Ok(()),
        }
    }

    fn too_large(&self) -> Refusal {
        let what = type_of(&self.head).unwrap_or("file").to_owned();
        Refusal::TooLarge { what, bytes_max: self.bytes_max }
    }
}

/// What sound or film is, and how long it plays. It is read whole, one at a time.
async fn look_at_whole(
    app: &App,
    id: FileId,
    begins_as: &'static str,
) -> Result<(&'static str, Option<std::time::Duration>), Refusal> {
    let _turn = app.content.decoders.acquire().await.map_err(|_| Failure::stopping())?;
    let look = move |blobs: &blobs::Blobs| {
        let bytes = std::fs::read(blobs.incoming(id, blobs::Body::File))?;
        let found = type_of_whole(begins_as, &bytes);
        Ok((found, playing::time(found, &bytes)))
    };
    Ok(app.on_disk(look).await?)
}

fn not_taken(found: &str, limits: &Limits) -> Refusal {
    Refusal::Type { found: found.to_owned(), taken: limits.types() }
}

fn malformed(error: MultipartError) -> Refusal {
    Refusal::Malformed(error.to_string())
}
