//! `POST /v1/phones/{E.164}/agentMessages`: an agent's message, read into the shared model.
//!
//! Reading takes two steps, since a file is named by a URL or by the id of an upload and handsets must be told its type and
//! size: [`AgentMessage::parse`] reads everything but that and lists the [`FileUse`]s; whoever has found the files out gives
//! them to [`AgentMessage::into_outgoing`].
//!
//! Accepted beside the documented form: members in `snake_case`; `null`, empty and `…_UNSPECIFIED` for absent; members that
//! the platform sets itself (`name`, `sendTime` …), which are passed over like any that we have no name for.

use std::time::Duration;

use rcs::{
    Address, Timestamp,
    bot::{
        self, BotMessage, CardContent, Document as _, SuggestionList, Thumbnail, Violation,
        reader::{Faults, Members},
        rule,
    },
    file_transfer::{FileInfo, FileTransfer},
    ids,
};
use serde_json::{Map, Value};

use super::reading::{camel_case, choice, in_our_words, one_of};
use super::{LIMITS, Refusal, card, suggestion};
use crate::{
    Body, Content, Outgoing, StatusSet,
    read::{is_web_url, violation},
};

/// The longest time for which a message may be tried.
pub const TTL_MAX: Duration = Duration::from_secs(15 * 24 * 3600);

/// How long a message is tried that says nothing about it.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The largest file, in bytes.
pub const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;

/// The largest thumbnail, in bytes.
pub const THUMBNAIL_BYTES_MAX: u64 = 100 * 1024;

/// Longest description of a file, in characters: what handsets take as alternative text.
const DESCRIPTION_CHARS_MAX: usize = 200;

/// Media types of files.
pub const MEDIA_TYPES: [&str; 20] = [
    "image/jpeg",
    "image/jpg",
    "image/gif",
    "image/png",
    "video/h263",
    "video/m4v",
    "video/mp4",
    "video/mpeg",
    "video/mpeg4",
    "video/webm",
    "audio/aac",
    "audio/mp3",
    "audio/mpeg",
    "audio/mpg",
    "audio/mp4",
    "audio/mp4-latm",
    "audio/3gpp",
    "audio/ogg",
    "application/ogg",
    "application/pdf",
];

/// What the answer repeats.
const ECHOED: [&str; 4] = ["contentMessage", "messageTrafficType", "ttl", "expireTime"];

/// The one content of a message.
const CONTENTS: [&str; 5] = ["text", "richCard", "contentInfo", "uploadedRbmFile", "fileName"];

/// An agent's message, its files still to be found out.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentMessage {
    /// As it came, for the answer.
    echo: Map<String, Value>,
    content: Content,
    files: Vec<FileUse>,
    traffic: Option<Traffic>,
    expiry: Option<Expiry>,
}

/// A file that a message shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileUse {
    /// The place of the member that names it, for refusals.
    pub path: String,
    /// The file.
    pub file: FileSource,
}

/// How a message names a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FileSource {
    /// By URL.
    Url {
        /// http or https.
        file_url: String,
        /// A small picture, http or https.
        thumbnail_url: Option<String>,
        /// Whether what was found out about the URL before must be forgotten.
        force_refresh: bool,
        /// Alternative text.
        description: Option<String>,
    },
    /// By the names of uploads, `files/…`.
    Uploaded {
        /// The file.
        name: String,
        /// A small picture.
        thumbnail_name: Option<String>,
    },
}

/// `POST /v1/files`: a file to be fetched and kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRequest {
    /// http or https.
    pub file_url: String,
    /// A small picture, http or https.
    pub thumbnail_url: Option<String>,
    /// Alternative text.
    pub description: Option<String>,
}

impl FileRequest {
    /// Reads the body of the call.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut value = bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))?;
        camel_case(&mut value);
        let mut faults = Faults::default();
        let read = Members::of("", value, &mut faults).and_then(|mut body| {
            let file_url = body.text("fileUrl", &mut faults);
            let thumbnail_url = body.string("thumbnailUrl", &mut faults);
            let description = body.string("contentDescription", &mut faults);
            for (member, url) in [("fileUrl", file_url.as_ref()), ("thumbnailUrl", thumbnail_url.as_ref())] {
                if url.is_some_and(|url| !is_web_url(url)) {
                    faults.add(member, rule::URL, "no http or https URL");
                }
            }
            Some(Self { file_url: file_url?, thumbnail_url, description })
        });
        faults.finish(read).map_err(Refusal::of_violations)
    }
}

/// What was found out about a [`FileUse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// The file and its thumbnail.
    pub transfer: FileTransfer,
    /// Alternative text.
    pub description: Option<String>,
}

/// The kind of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// One-time passwords and the like.
    Authentication,
    /// About something that the user has ordered.
    Transaction,
    /// Advertisement.
    Promotion,
    /// An answer to a user's question.
    ServiceRequest,
    /// That a wish was heard, such as to hear nothing more.
    Acknowledgement,
}

/// When to stop trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// After so long.
    Ttl(Duration),
    /// At this time.
    At(Timestamp),
}

impl AgentMessage {
    /// Reads the body of the call.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let mut value = bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))?;
        camel_case(&mut value);
        let echo = ECHOED.iter().filter_map(|name| Some(((*name).to_owned(), value.get(name)?.clone())));
        let echo: Map<String, Value> = echo.collect();
        let mut faults = Faults::default();
        let read = Members::of("", value, &mut faults).and_then(|message| read(message, &mut faults));
        let message = faults.finish(read).map_err(Refusal::of_violations)?;
        let message = Self { echo, ..message };
        let violations = message.violations();
        if violations.is_empty() { Ok(message) } else { Err(Refusal::of_violations(violations)) }
    }

    /// What the answer repeats of the request: documented members, as they came.
    pub fn echo(&self) -> &Map<String, Value> {
        &self.echo
    }

    /// The files that must be found out, in the order in which [`AgentMessage::into_outgoing`] wants them.
    pub fn files(&self) -> &[FileUse] {
        &self.files
    }

    /// What is said, files left blank.
    pub fn content(&self) -> &Content {
        &self.content
    }

    /// The message to `to` as the platform sends it. `found` holds a file for each of [`AgentMessage::files`].
    ///
    /// # Errors
    /// 400 when a file is of another type or larger than the interface takes, or when the time is over already.
    ///
    /// # Panics
    /// If `found` has another length than [`AgentMessage::files`].
    pub fn into_outgoing(
        self,
        message_id: String,
        from: &Address,
        to: Address,
        found: Vec<FoundFile>,
        now: Timestamp,
    ) -> Result<Outgoing, Refusal> {
        assert_eq!(found.len(), self.files.len(), "a file for each use of one");
        let mut violations: Vec<Violation> = Vec::new();
        for (wanted, found) in self.files.iter().zip(&found) {
            violations.extend(unfit(&wanted.path, found));
        }
        let validity = match self.expiry {
            None => KEPT,
            Some(Expiry::Ttl(ttl)) => ttl,
            Some(Expiry::At(at)) => {
                let left = at.since(now);
                if left.is_zero() || left > TTL_MAX {
                    let detail = if left.is_zero() { "in the past" } else { "more than 15 days from now" };
                    violations.push(violation("expireTime", rule::RANGE, detail));
                }
                left
            }
        };
        if !violations.is_empty() {
            return Err(Refusal::of_violations(violations));
        }
        Ok(Outgoing {
            simpler: None,
            conversation_id: ids::conversation_between(from, &to),
            contribution_id: message_id.clone(),
            message_id,
            to: vec![to],
            content: filled(self.content, found),
            in_reply_to: None,
            traffic: self.traffic.map(|traffic| traffic.word().to_owned()),
            wanted: StatusSet::all(),
            sms: None,
            store: true,
            validity: Some(validity),
        })
    }

    fn violations(&self) -> Vec<Violation> {
        let mut violations = match &self.content.body {
            Body::Text(text) => LIMITS.check_text("contentMessage.text", text).into_iter().collect(),
            Body::Card(message) => message.validate(&LIMITS),
            Body::File(_) | Body::Location(_) => Vec::new(),
        };
        violations.extend(SuggestionList { suggestions: self.content.chips.clone() }.validate(&LIMITS));
        // A URL that is still to be found out is left blank, which is no URL.
        let mut violations: Vec<Violation> = violations
            .into_iter()
            .map(in_our_words)
            .filter(|found| !found.path.ends_with(".media.contentInfo.fileUrl"))
            .collect();
        for file in &self.files {
            let FileSource::Url { file_url, thumbnail_url, description, .. } = &file.file else { continue };
            for (member, url) in [("fileUrl", Some(file_url)), ("thumbnailUrl", thumbnail_url.as_ref())] {
                if url.is_some_and(|url| !is_web_url(url)) {
                    let path = format!("{}.{member}", file.path);
                    violations.push(violation(path, rule::URL, "no http or https URL"));
                }
            }
            let chars = description.as_ref().map_or(0, |text| text.chars().count());
            if chars > DESCRIPTION_CHARS_MAX {
                let path = format!("{}.contentDescription", file.path);
                violations.push(violation(path, rule::LENGTH, format!("{chars} > {DESCRIPTION_CHARS_MAX}")));
            }
        }
        violations
    }
}

impl FileSource {
    /// Reads the member that names a file: `contentInfo`, `uploadedRbmFile`, or the older `fileName`.
    pub(super) fn read(parent: &mut Members, faults: &mut Faults) -> Option<FileUse> {
        let name = one_of(parent, &["contentInfo", "uploadedRbmFile", "fileName"], faults)?;
        let path = parent.at(name);
        let file = match name {
            "contentInfo" => {
                let mut info = parent.object(name, faults)?;
                let file_url = info.text("fileUrl", faults);
                let thumbnail_url = info.string("thumbnailUrl", faults);
                let force_refresh = info.flag("forceRefresh", faults).unwrap_or(false);
                let description = info.string("contentDescription", faults);
                Self::Url { file_url: file_url?, thumbnail_url, force_refresh, description }
            }
            "uploadedRbmFile" => {
                let mut uploaded = parent.object(name, faults)?;
                let name = uploaded.text("fileName", faults);
                let thumbnail_name = uploaded.string("thumbnailName", faults);
                Self::Uploaded { name: name?, thumbnail_name }
            }
            _ => {
                let thumbnail_name = parent.string("thumbnailName", faults);
                Self::Uploaded { name: parent.text(name, faults)?, thumbnail_name }
            }
        };
        Some(FileUse { path, file })
    }
}

impl Traffic {
    /// The token under which it travels and is filtered: the shared model's where there is one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Transaction => "transaction",
            Self::Promotion => "advertisement",
            Self::ServiceRequest => "servicerequest",
            Self::Acknowledgement => "acknowledgement",
        }
    }
}

fn read(mut message: Members, faults: &mut Faults) -> Option<AgentMessage> {
    let mut files = Vec::new();
    let content = message
        .required("contentMessage", faults, Members::object)
        .and_then(|content| read_content(content, &mut files, faults));
    let traffics = [
        ("AUTHENTICATION", Traffic::Authentication),
        ("TRANSACTION", Traffic::Transaction),
        ("PROMOTION", Traffic::Promotion),
        ("SERVICEREQUEST", Traffic::ServiceRequest),
        ("ACKNOWLEDGEMENT", Traffic::Acknowledgement),
    ];
    let traffic = choice(&mut message, "messageTrafficType", faults, &traffics);
    let expiry = read_expiry(&mut message, faults);
    Some(AgentMessage { echo: Map::new(), content: content?, files, traffic, expiry })
}

fn read_content(mut content: Members, files: &mut Vec<FileUse>, faults: &mut Faults) -> Option<Content> {
    let body = match one_of(&content, &CONTENTS, faults) {
        Some("text") => content.text("text", faults).map(Body::Text),
        Some("richCard") => content
            .object("richCard", faults)
            .and_then(|card| card::read(card, files, faults))
            .map(Body::Card),
        Some(_) => FileSource::read(&mut content, faults).map(|file| {
            files.push(file);
            Body::File(FileTransfer { thumbnail: None, file: blank() })
        }),
        None => None,
    };
    let chips = content.list("suggestions", faults, suggestion::read).unwrap_or_default();
    Some(Content { body: body?, chips })
}

fn read_expiry(message: &mut Members, faults: &mut Faults) -> Option<Expiry> {
    let ttl = message.string("ttl", faults);
    let at = message.string("expireTime", faults);
    match (ttl, at) {
        (Some(_), Some(_)) => {
            faults.add("expireTime", rule::ONE_OF, "beside ttl");
            None
        }
        (Some(ttl), None) => match seconds(&ttl) {
            Some(ttl) if ttl.is_zero() || ttl > TTL_MAX => {
                faults.add("ttl", rule::RANGE, "neither more than 0 nor at most 15 days");
                None
            }
            Some(ttl) => Some(Expiry::Ttl(ttl)),
            None => {
                faults.add("ttl", rule::TIME, "no seconds such as 600s or 3.5s");
                None
            }
        },
        (None, Some(at)) => {
            let at = Timestamp::parse_rfc3339(&at);
            if at.is_err() {
                faults.add("expireTime", rule::TIME, "no RFC 3339 time");
            }
            at.ok().map(Expiry::At)
        }
        (None, None) => None,
    }
}

/// Seconds with up to nine decimals and an `s`, rounded up to a millisecond.
fn seconds(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || decimals.len() > 9 || !is_number(whole) || !is_number(decimals)
    {
        return None;
    }
    let nanos: u32 = format!("{decimals:0<9}").parse().ok()?;
    let millis = u64::from(nanos).div_ceil(1_000_000);
    Some(Duration::from_secs(whole.parse().ok()?) + Duration::from_millis(millis))
}

/// What of a file that was found out does not fit the interface.
fn unfit(path: &str, found: &FoundFile) -> Vec<Violation> {
    let mut violations = Vec::new();
    let FileTransfer { file, thumbnail } = &found.transfer;
    if !is_media_type(&file.content_type) {
        let detail = format!("{} is no media type that can be sent", short(&file.content_type));
        violations.push(violation(path, rule::WORD, detail));
    }
    let sizes = [
        ("the file", Some(file.size), FILE_BYTES_MAX),
        ("the thumbnail", thumbnail.as_ref().map(|thumbnail| thumbnail.size), THUMBNAIL_BYTES_MAX),
    ];
    for (what, size, most) in sizes {
        if let Some(size) = size.filter(|size| *size > most) {
            violations.push(violation(
                path,
                rule::RANGE,
                format!("{what} has {size} bytes, more than {most}"),
            ));
        }
    }
    if let Some(thumbnail) = thumbnail
        && !thumbnail.content_type.to_ascii_lowercase().starts_with("image/")
    {
        let detail = format!("a thumbnail of type {}", short(&thumbnail.content_type));
        violations.push(violation(path, rule::WORD, detail));
    }
    violations
}

/// Whether files of this media type can be sent.
pub fn is_media_type(content_type: &str) -> bool {
    let essence = rcs::content_type::essence(content_type);
    MEDIA_TYPES.iter().any(|known| known.eq_ignore_ascii_case(essence))
}

/// The content with its files in their places.
fn filled(mut content: Content, found: Vec<FoundFile>) -> Content {
    let mut found = found.into_iter();
    let mut fill = |card: &mut CardContent| {
        let Some(media) = &mut card.media else { return };
        let Some(FoundFile { transfer: FileTransfer { file, thumbnail }, description }) = found.next() else {
            return;
        };
        media.media_url = file.url;
        media.media_content_type = file.content_type;
        media.media_file_size = file.size;
        media.thumbnail = thumbnail.map(|thumbnail| Thumbnail {
            url: thumbnail.url,
            content_type: thumbnail.content_type,
            file_size: thumbnail.size,
        });
        media.content_description = description;
    };
    match &mut content.body {
        Body::Card(BotMessage::Card(card)) => fill(&mut card.content),
        Body::Card(BotMessage::Carousel(carousel)) => carousel.content.iter_mut().for_each(fill),
        Body::File(transfer) => {
            if let Some(file) = found.next() {
                *transfer = file.transfer;
            }
        }
        Body::Text(_) | Body::Location(_) => {}
    }
    content
}

/// A file of which nothing is known yet.
fn blank() -> FileInfo {
    FileInfo {
        size: 0,
        name: None,
        content_type: String::new(),
        url: String::new(),
        until: None,
        disposition: None,
        playing_length: None,
        branded_url: None,
    }
}

fn short(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}
