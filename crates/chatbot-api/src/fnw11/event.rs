//! What we POST to the chatbot's webhook: `{"event":…,"RCSMessage":{…},"messageContact":{…}}`.

use rcs::{
    Timestamp,
    bot::Document,
    composing,
    file_transfer::{FileInfo, FileTransfer},
    geolocation::{Crs, Place},
};
use serde_json::{Map, Value, json};

use super::{
    Contact, MessageStatus,
    file::{FILE, File, THUMBNAIL},
};
use crate::Incoming;

/// An event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(Value);

impl Event {
    /// A user's message: `message`, or `response` for a tap and for shared data, or `newUser` for the greeting of a new user.
    ///
    /// `id` is the user's id of the message, `at` when we accepted it.
    pub fn incoming(id: &str, from: &Contact, incoming: &Incoming, at: Timestamp) -> Self {
        let (name, key, content) = match incoming {
            Incoming::Text(text) => ("message", "textMessage", Value::from(text.as_str())),
            Incoming::Location(place) => ("message", "geolocationPushMessage", location(place)),
            Incoming::File(transfer) if is_voice(transfer) => ("message", "audioMessage", audio(transfer)),
            Incoming::File(transfer) => ("message", "fileMessage", file(transfer)),
            Incoming::Response(response) if response.is_new_bot_user() => {
                ("newUser", "suggestedResponse", document(response))
            }
            Incoming::Response(response) => ("response", "suggestedResponse", document(response)),
            Incoming::SharedData(data) => ("response", "sharedData", document(data)["sharedData"].take()),
        };
        let mut message = Map::new();
        message.insert("msgId".to_owned(), id.into());
        message.insert("timestamp".to_owned(), at.rfc3339().into());
        message.insert(key.to_owned(), content);
        Self(json!({"event": name, "RCSMessage": message, "messageContact": from.to_json()}))
    }

    /// What became of the chatbot's message `id`. `why` says why it failed.
    pub fn status(id: &str, user: &Contact, status: MessageStatus, why: Option<&str>, at: Timestamp) -> Self {
        let mut message = json!({"msgId": id, "status": status, "timestamp": at.rfc3339()});
        if let Some(why) = why {
            message["reason"] = json!({"text": why});
        }
        Self(json!({"event": "messageStatus", "RCSMessage": message, "messageContact": user.to_json()}))
    }

    /// A user writes, or has stopped.
    pub fn typing(user: &Contact, state: composing::State) -> Self {
        let word = match state {
            composing::State::Active => "active",
            composing::State::Idle => "idle",
        };
        Self(json!({
            "event": "isTyping", "RCSMessage": {"isTyping": word}, "messageContact": user.to_json(),
        }))
    }

    /// A user who was known by `chat` shows their number, `+8613800000001`.
    pub fn alias(chat: &str, number: &str) -> Self {
        Self(json!({"event": "alias", "messageContact": {"chatId": chat, "userContact": number}}))
    }

    /// A file can be sent, or will never be.
    pub fn file(file: &File) -> Self {
        Self(json!({"event": "fileStatus", "file": file}))
    }

    /// The JSON body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.0).expect("documents have string keys and finite numbers only")
    }
}

/// A voice message rather than a file that happens to be sound.
fn is_voice(transfer: &FileTransfer) -> bool {
    transfer.file.playing_length.is_some() && transfer.file.content_type.starts_with("audio/")
}

fn audio(transfer: &FileTransfer) -> Value {
    let mut audio = Map::new();
    put_info(&mut audio, &transfer.file, FILE);
    audio.extend(transfer.file.playing_length.map(|length| ("playingLength".to_owned(), length.into())));
    audio.into()
}

fn file(transfer: &FileTransfer) -> Value {
    let mut file = Map::new();
    put_info(&mut file, &transfer.file, FILE);
    if let Some(thumbnail) = &transfer.thumbnail {
        put_info(&mut file, thumbnail, THUMBNAIL);
    }
    file.into()
}

fn put_info(file: &mut Map<String, Value>, info: &FileInfo, [url, name, mime, size]: [&str; 4]) {
    file.insert(url.to_owned(), info.url.as_str().into());
    file.extend(info.name.as_deref().map(|text| (name.to_owned(), text.into())));
    file.insert(mime.to_owned(), info.content_type.as_str().into());
    file.insert(size.to_owned(), info.size.into());
}

/// `crs` is beside what the interface names, and only where leaving it out would put the place some hundred metres off.
fn location(place: &Place) -> Value {
    let mut location = Map::new();
    location.insert("pos".to_owned(), format!("{} {}", place.latitude, place.longitude).into());
    location.extend(place.label.as_deref().map(|label| ("label".to_owned(), label.into())));
    location.extend(place.uncertainty_m.map(|radius| ("radius".to_owned(), radius.into())));
    if place.crs != Crs::Wgs84 {
        location.insert("crs".to_owned(), place.crs.to_string().into());
    }
    location.into()
}

fn document(document: &impl Document) -> Value {
    serde_json::to_value(document).expect("documents have string keys and finite numbers only")
}
