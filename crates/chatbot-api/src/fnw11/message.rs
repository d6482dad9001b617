//! `POST …/messages`: a message, or that the chatbot is writing or has stopped.
//!
//! `{"RCSMessage":{<one content>, "suggestedChipList"?, "trafficType"?, "expiry"?},"messageContact":{…}}`
//!
//! Accepted beside the documented form: files without size and type (0, and what the name suggests); `pos` with a comma,
//! or as an object of `latitude` and `longitude`; `expiry` as seconds.

use std::time::Duration;

use rcs::{
    Address, Timestamp,
    address::Numbering,
    bot::{
        self, BotMessage, ParseError, Suggestion, SuggestionList, Violation,
        reader::{Faults, Members, kind},
        rule,
    },
    composing,
    file_transfer::{FileDisposition, FileInfo, FileTransfer, NAME_BYTES_MAX},
    geolocation::{Crs, Place},
    ids,
};
use serde_json::Value;

use super::{
    Contact, LIMITS,
    file::{FILE, THUMBNAIL},
};
use crate::{Body, Content, Outgoing, StatusSet, read};

/// What the call asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A message to send.
    Message(Box<Message>),
    /// The chatbot has begun to write, or stopped.
    Typing {
        /// To whom.
        to: Contact,
        /// Which of the two.
        state: composing::State,
    },
}

/// A message to send. The interface leaves its id to us.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// To whom.
    pub to: Contact,
    /// What is said.
    pub content: Content,
    /// The kind of traffic.
    pub traffic: Option<String>,
    /// How long to try; `None` for the platform's default.
    pub validity: Option<Duration>,
}

impl Message {
    /// The message in the shared model, once it has an id and it is known who [`Message::to`] is.
    pub fn into_outgoing(self, message_id: String, chatbot: &Address, user: Address) -> Outgoing {
        Outgoing {
            simpler: None,
            conversation_id: ids::conversation_between(chatbot, &user),
            contribution_id: message_id.clone(),
            message_id,
            to: vec![user],
            content: self.content,
            in_reply_to: None,
            traffic: self.traffic,
            wanted: StatusSet::all(),
            sms: None,
            store: true,
            validity: self.validity,
        }
    }
}

/// Reads the body of the call, made at `now`.
pub fn parse(body: &[u8], numbering: &Numbering, now: Timestamp) -> Result<Request, ParseError> {
    let value = bot::read_json(body)?;
    let mut faults = Faults::default();
    let request =
        Members::of("", value, &mut faults).and_then(|body| read(body, numbering, now, &mut faults));
    faults.finish(request).map_err(ParseError::Shape)
}

fn read(mut body: Members, numbering: &Numbering, now: Timestamp, faults: &mut Faults) -> Option<Request> {
    let to = body
        .required("messageContact", faults, Members::object)
        .and_then(|contact| Contact::read(contact, numbering, faults));
    let mut message = body.required("RCSMessage", faults, Members::object)?;
    if message.has("isTyping") {
        let state = match message.string("isTyping", faults).as_deref() {
            Some("active") => Some(composing::State::Active),
            Some("idle") => Some(composing::State::Idle),
            _ => {
                faults.add(message.at("isTyping"), rule::WORD, "not one of active, idle");
                None
            }
        };
        return Some(Request::Typing { to: to?, state: state? });
    }
    let body = read_body(&mut message, faults);
    let chips = message.value("suggestedChipList").and_then(|chips| read_chips(chips, faults));
    let traffic = message.string("trafficType", faults);
    if let Some(violation) =
        traffic.as_deref().and_then(|traffic| read::check_traffic("RCSMessage.trafficType", traffic))
    {
        add(faults, violation);
    }
    let validity = message.value("expiry").and_then(|expiry| read_expiry(&expiry, now, faults));
    let content = Content { body: body?, chips: chips.unwrap_or_default() };
    Some(Request::Message(Box::new(Message { to: to?, content, traffic, validity })))
}

/// What a message may hold, one at a time.
pub(crate) const CONTENTS: [&str; 5] =
    ["textMessage", "richcardMessage", "fileMessage", "audioMessage", "geolocationPushMessage"];

/// One content out of its JSON, whose paths begin with its name.
pub(crate) fn read_content(name: &str, value: Value) -> Result<Body, Vec<Violation>> {
    let mut faults = Faults::default();
    let body = Members::of("", Value::from_iter([(name, value)]), &mut faults)
        .and_then(|mut message| read_body(&mut message, &mut faults));
    faults.finish(body)
}

/// The one content of the message.
fn read_body(message: &mut Members, faults: &mut Faults) -> Option<Body> {
    let found: Vec<_> = CONTENTS.into_iter().filter(|name| message.has(name)).collect();
    let [name] = found[..] else {
        match found.is_empty() {
            true => faults.add("RCSMessage", rule::REQUIRED, format!("none of {}", CONTENTS.join(", "))),
            false => faults.add("RCSMessage", rule::ONE_OF, found.join(" and ")),
        }
        return None;
    };
    match name {
        "textMessage" => {
            let path = message.at(name);
            let text = message.text(name, faults)?;
            take(read::text(&path, text, &LIMITS), faults)
        }
        "richcardMessage" => {
            take(read::document::<BotMessage>(message.value(name)?, &LIMITS), faults).map(Body::Card)
        }
        "fileMessage" => read_file(message.object(name, faults)?, faults).map(Body::File),
        "audioMessage" => read_audio(message.object(name, faults)?, faults).map(Body::File),
        _ => read_place(message.object(name, faults)?, faults).map(Body::Location),
    }
}

/// `{"suggestions":[…]}`; some clients give the array alone.
fn read_chips(chips: Value, faults: &mut Faults) -> Option<Vec<Suggestion>> {
    let chips = match chips {
        Value::Array(chips) => Value::from_iter([("suggestions", Value::Array(chips))]),
        chips => chips,
    };
    take(read::document::<SuggestionList>(chips, &LIMITS), faults).map(|list| list.suggestions)
}

fn read_file(mut file: Members, faults: &mut Faults) -> Option<FileTransfer> {
    let thumbnail = match file.has("thumbnailUrl") {
        true => read_info(&mut file, THUMBNAIL, faults),
        false => None,
    };
    Some(FileTransfer { file: read_info(&mut file, FILE, faults)?, thumbnail })
}

fn read_audio(mut file: Members, faults: &mut Faults) -> Option<FileTransfer> {
    let playing_length = file.size("playingLength", faults);
    let mut info = read_info(&mut file, FILE, faults)?;
    info.disposition = Some(FileDisposition::Render);
    info.playing_length = playing_length;
    Some(FileTransfer { file: info, thumbnail: None })
}

fn read_info(
    file: &mut Members,
    [url, name, mime, size]: [&str; 4],
    faults: &mut Faults,
) -> Option<FileInfo> {
    let found = file.text(url, faults);
    if found.as_deref().is_some_and(|url| !read::is_web_url(url)) {
        faults.add(file.at(url), rule::URL, "no http or https URL");
    }
    let file_name = file.string(name, faults);
    let content_type = file.string(mime, faults);
    for (key, text) in [(name, &file_name), (mime, &content_type)] {
        if text
            .as_deref()
            .is_some_and(|text| text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control))
        {
            let detail = format!("control characters, or more than {NAME_BYTES_MAX} bytes");
            faults.add(file.at(key), rule::TYPE, detail);
        }
    }
    let size = file.size(size, faults).unwrap_or(0);
    let url = found?;
    let content_type =
        content_type.unwrap_or_else(|| guessed_type(file_name.as_deref().unwrap_or(&url)).to_owned());
    Some(FileInfo {
        size,
        name: file_name,
        content_type,
        url,
        until: None,
        disposition: None,
        playing_length: None,
        branded_url: None,
    })
}

/// The media type that the ending of a name or URL suggests.
fn guessed_type(name: &str) -> &'static str {
    let path = name.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "amr" => "audio/amr",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// A place. `timestamp`, `expiry` and `timeOffset` are not carried: a chatbot's place travels as a `geo:` text.
fn read_place(mut location: Members, faults: &mut Faults) -> Option<Place> {
    let path = location.at("pos");
    let coordinates = match location.required("pos", faults, |members, key, _| members.value(key))? {
        Value::String(text) => {
            let mut numbers = text.split([' ', ',']).filter(|part| !part.is_empty()).map(str::parse::<f64>);
            match (numbers.next(), numbers.next(), numbers.next()) {
                (Some(Ok(latitude)), Some(Ok(longitude)), None) => Some((latitude, longitude)),
                _ => None,
            }
        }
        Value::Object(pos) => {
            let number = |key| pos.get(key).and_then(Value::as_f64);
            number("latitude").zip(number("longitude"))
        }
        _ => None,
    };
    let on_earth = |(latitude, longitude): &(f64, f64)| latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
    let Some((latitude, longitude)) = coordinates.filter(on_earth) else {
        faults.add(path, rule::RANGE, "no latitude and longitude");
        return None;
    };
    let mut place = Place::new(latitude, longitude);
    place.label = location.string("label", faults);
    if let Some(label) = &place.label
        && (label.len() > rcs::geolocation::LABEL_BYTES_MAX || label.chars().any(char::is_control))
    {
        faults.add(location.at("label"), rule::LENGTH, "control characters, or too long");
    }
    place.uncertainty_m = location.number("radius", faults).filter(|radius| *radius > 0.0);
    if let Some(crs) = location.string("crs", faults) {
        match crs.parse::<Crs>() {
            Ok(crs) => place.crs = crs,
            Err(_) => faults.add(location.at("crs"), rule::WORD, "not one of wgs84, gcj02"),
        }
    }
    Some(place)
}

/// `expiry`: a time, or seconds from now (also as `"600"` and `"600s"`).
fn read_expiry(expiry: &Value, now: Timestamp, faults: &mut Faults) -> Option<Duration> {
    let path = "RCSMessage.expiry";
    let span = match expiry {
        Value::Number(number) => number.as_u64().map(Duration::from_secs),
        Value::String(text) if text.is_empty() => return None,
        Value::String(text) => match text.strip_suffix('s').unwrap_or(text).parse::<u64>() {
            Ok(seconds) => Some(Duration::from_secs(seconds)),
            Err(_) => Timestamp::parse_rfc3339(text).ok().map(|at| at.since(now)),
        },
        other => {
            faults.add(path, rule::TYPE, format!("{} where a time belongs", kind(other)));
            return None;
        }
    };
    match span {
        None => faults.add(path, rule::TIME, "no RFC 3339 time"),
        Some(Duration::ZERO) => faults.add(path, rule::RANGE, "is over"),
        Some(span) => return Some(span),
    }
    None
}

/// The value, or its violations among the faults.
fn take<T>(read: Result<T, Vec<Violation>>, faults: &mut Faults) -> Option<T> {
    read.map_err(|violations| violations.into_iter().for_each(|violation| add(faults, violation))).ok()
}

fn add(faults: &mut Faults, violation: Violation) {
    faults.add(violation.path, violation.rule, violation.detail);
}
