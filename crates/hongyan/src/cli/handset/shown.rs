//! Messages and events as a terminal shows them, and as scripts read them.

use bytes::Bytes;
use handset::{Event, Incoming};
use rcs::bot::{BotMessage, Document as _, MediaType, PlainText, Suggestion, SuggestionList};
use rcs::file_transfer::{self, FileTransfer};
use rcs::geolocation::{self, Place, PushLocation};
use rcs::reference::Reference;
use rcs::vcard::{self, Contact};
use rcs::{content_type, multipart};
use serde_json::{Value, json};

/// Longest voice message, in seconds: a greater number is in milliseconds.
const VOICE_S_MAX: u64 = 600;

/// A terminal obeys control characters; other people's text has none here but line ends.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

/// A message as a terminal can show it.
pub struct Shown {
    /// Its words, or what stands for them.
    pub text: String,
    /// What can be tapped.
    pub suggestions: Vec<Suggestion>,
}

impl Shown {
    /// Reads a message.
    pub fn of(message: &Incoming) -> Self {
        Self::of_payload(&message.content_type, &message.payload)
    }

    /// Reads what is in the envelope.
    pub fn of_payload(content_type: &str, payload: &Bytes) -> Self {
        let mut parts = vec![(content_type.to_owned(), payload.clone())];
        if multipart::is_multipart(content_type)
            && let Ok(inner) = multipart::parse(content_type, payload)
        {
            parts = inner.into_iter().map(|part| (part.content_type().to_owned(), part.body)).collect();
        }
        let (mut text, mut suggestions) = (PlainText::default(), Vec::new());
        for (declared, body) in parts {
            match MediaType::recognise(&declared) {
                Ok(Some(MediaType::Message)) if let Ok(card) = BotMessage::parse(&body) => {
                    suggestions.extend(card.cards().iter().flat_map(|card| card.suggestions.clone()));
                    text = text.message(&card);
                }
                Ok(Some(MediaType::Suggestions)) if let Ok(list) = SuggestionList::parse(&body) => {
                    suggestions.extend(list.suggestions.clone());
                    text = text.suggestions(&list.suggestions);
                }
                _ => text = text.text(&other(&declared, &body)),
            }
        }
        Self { text: text.finish(), suggestions }
    }
}

fn other(declared: &str, body: &[u8]) -> String {
    if content_type::essence(declared).eq_ignore_ascii_case("text/plain") {
        return String::from_utf8_lossy(body).into_owned();
    }
    if content_type::is(declared, file_transfer::CONTENT_TYPE)
        && let Ok(transfer) = FileTransfer::parse(body)
    {
        let file = transfer.file;
        let playing = file.playing_time(VOICE_S_MAX);
        let name = file.name.unwrap_or(file.content_type);
        let size = match playing {
            Some(length) => format!("{} s", length.as_secs()),
            None => format!("{} bytes", file.size),
        };
        return format!("[{name}, {size}] {}", file.url);
    }
    if content_type::is(declared, geolocation::CONTENT_TYPE)
        && let Ok(pushed) = PushLocation::parse(body)
    {
        let label = pushed.place.label.clone().unwrap_or_default();
        return format!("[{label}] {}", Place { label: None, ..pushed.place }.to_geo_uri());
    }
    if vcard::is_vcard(declared)
        && let Ok(contacts) = vcard::parse(body)
    {
        return contacts.iter().map(contact_line).collect::<Vec<_>>().join("\n");
    }
    format!("[{declared}, {} bytes]", body.len())
}

/// The link to a contact card, if a message is one that lies on the content server.
pub fn contact_link(message: &Incoming) -> Option<String> {
    if !content_type::is(&message.content_type, file_transfer::CONTENT_TYPE) {
        return None;
    }
    let file = FileTransfer::parse(&message.payload).ok()?.file;
    (vcard::is_vcard(&file.content_type) && file.size <= vcard::DOCUMENT_BYTES_MAX as u64).then_some(file.url)
}

/// A contact in a line.
pub fn contact_line(contact: &Contact) -> String {
    plain(&format!("[contact] {}", contact.in_a_line()))
}

/// An event for scripts: one JSON object; `None` for what scripts have no use for.
pub fn json_of(event: &Event) -> Option<Value> {
    Some(match event {
        Event::Registered { expires_s } => json!({ "event": "registered", "expiresS": expires_s }),
        Event::NotRegistered(why) => json!({ "event": "notRegistered", "why": why.to_string() }),
        Event::Sent { message_id, status } => {
            json!({ "event": "sent", "messageId": message_id, "status": status })
        }
        Event::NotSent { message_id, why } => {
            json!({ "event": "notSent", "messageId": message_id, "why": why.to_string() })
        }
        Event::Message(message) => {
            let shown = Shown::of(message);
            let suggestions: Vec<&str> = shown.suggestions.iter().map(Suggestion::display_text).collect();
            json!({
                "event": "message",
                "messageId": message.message_id,
                "from": message.from,
                "author": message.author,
                "conversationId": message.conversation_id,
                "contentType": message.content_type,
                "text": shown.text,
                "suggestions": suggestions,
                "about": message.about.as_ref().map(about_of),
            })
        }
        Event::Report { message_id, from, disposition } => json!({
            "event": "report", "messageId": message_id, "from": from, "disposition": disposition.elements().1,
        }),
        Event::Revoked { message_id, is_done } => {
            json!({ "event": "revoked", "messageId": message_id, "done": is_done })
        }
        Event::Composing { from, active } => json!({ "event": "composing", "from": from, "active": active }),
        Event::Joined { focus } => json!({ "event": "joined", "group": focus }),
        Event::NotJoined(why) => json!({ "event": "notJoined", "why": why.to_string() }),
        Event::Left { focus } => json!({ "event": "left", "group": focus }),
        Event::Disconnected => json!({ "event": "disconnected" }),
        _ => return None,
    })
}

fn about_of(reference: &Reference) -> Value {
    let kind = match reference {
        Reference::Reply { .. } => "reply",
        Reference::Reaction { .. } => "reaction",
        Reference::Edit { .. } => "edit",
    };
    json!({ "kind": kind, "messageId": reference.message_id() })
}
