//! The send call: `POST …/messages`, its body read into an [`Outgoing`], and its answer.
//!
//! Accepted beside the documented form: `serviceCapability` in any shape or none (every chatbot is taken for a
//! standalone chatbot of version 1); one address instead of an array, or an object whose values are addresses; one
//! item instead of an array in `messageList`; missing `smsSupported` and `storeSupported`; ids that are no UUIDs;
//! JSON content as a string; `contentEncoding` in any case.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use rcs::{
    Address,
    address::Numbering,
    bot::{
        self, BotMessage, Document, MediaType, ParseError, Suggestion, SuggestionList,
        reader::{Faults, Members, Word, kind},
        rule,
    },
    content_type,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{LIMITS, Refusal, ReturnCode, address, file};
use crate::{Body, Content, Outgoing, Status, StatusSet, read};

/// Ceiling of `destinationAddress`. The interface names none; each address costs a row in the same commit.
pub const MAX_DESTINATIONS: usize = 500;

/// `contentType` of file items: the media type of the XML without its `+xml`.
pub const FILE_TYPE: &str = "application/vnd.gsma.rcs-ft-http";

/// The answer to the send call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendAnswer {
    /// As in the request.
    pub message_id: String,
    /// As in the request.
    pub conversation_id: String,
    /// As in the request.
    pub contribution_id: String,
    /// 0.
    pub error_code: i32,
    /// `ok`
    pub error_message: String,
}

impl SendAnswer {
    /// The answer to an accepted message.
    pub fn accepted(message: &Outgoing) -> Self {
        Self {
            message_id: message.message_id.clone(),
            conversation_id: message.conversation_id.clone(),
            contribution_id: message.contribution_id.clone(),
            error_code: 0,
            error_message: ReturnCode::Ok.meaning().to_owned(),
        }
    }
}

/// Reads and validates the body of the send call that `chatbot` makes.
pub fn parse(body: &[u8], chatbot: &Address, numbering: &Numbering) -> Result<Outgoing, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(Refusal::of(ReturnCode::EmptyPost));
    }
    let value = bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))?;
    let mut faults = Faults::default();
    let envelope =
        Members::of("", value, &mut faults).and_then(|body| read_envelope(body, numbering, &mut faults));
    let mut envelope = faults.finish(envelope).map_err(|faults| Refusal::of_violations(&faults))?;

    if address::chatbot(&envelope.sender, numbering).as_ref() != Some(chatbot) {
        return Err(Refusal::of(ReturnCode::SenderMismatch));
    }
    envelope.message.content = read_content(envelope.items)?;
    Ok(envelope.message)
}

/// The body with its content still to be read.
struct Envelope {
    sender: String,
    items: Vec<Item>,
    message: Outgoing,
}

/// One of `messageList`, its text still of any type.
struct Item {
    path: String,
    content_type: String,
    base64: bool,
    text: Value,
}

fn read_envelope(mut body: Members, numbering: &Numbering, faults: &mut Faults) -> Option<Envelope> {
    let message_id = read_id(&mut body, "messageId", faults);
    let conversation_id = read_id(&mut body, "conversationId", faults);
    let contribution_id = read_id(&mut body, "contributionId", faults);
    let answers = body.peek("inReplyTo").is_some_and(|id| !id.is_null() && id != "");
    let in_reply_to = answers.then(|| read_id(&mut body, "inReplyTo", faults)).flatten();
    let sender = body.text("senderAddress", faults);
    let to = read_destinations(&mut body, numbering, faults);
    let items = read_items(&mut body, faults);
    let traffic = read_traffic(&mut body, faults);
    let sms_supported = body.flag("smsSupported", faults).unwrap_or(false);
    let sms = if sms_supported { body.text("smsContent", faults) } else { None };
    if let Some(violation) = sms.as_ref().and_then(|sms| LIMITS.check_text("smsContent", sms)) {
        faults.add(violation.path, violation.rule, violation.detail);
    }
    let store = body.flag("storeSupported", faults).unwrap_or(true);
    let wanted = read_wanted(&mut body, faults);

    let message = Outgoing {
        message_id: message_id?,
        to: to?,
        content: Content::text(""),
        simpler: None,
        conversation_id: conversation_id?,
        contribution_id: contribution_id?,
        in_reply_to,
        traffic,
        wanted,
        sms,
        store,
        validity: None,
    };
    Some(Envelope { sender: sender?, items: items?, message })
}

/// A token of visible ASCII: the ids are written into SIP and CPIM headers.
pub(super) fn read_id(body: &mut Members, key: &str, faults: &mut Faults) -> Option<String> {
    let id = body.text(key, faults)?;
    match read::check_id(key, &id) {
        None => Some(id),
        Some(violation) => {
            faults.add(violation.path, violation.rule, violation.detail);
            None
        }
    }
}

pub(super) fn read_destinations(
    body: &mut Members,
    numbering: &Numbering,
    faults: &mut Faults,
) -> Option<Vec<Address>> {
    let key = "destinationAddress";
    let given = match body.value(key) {
        Some(Value::Array(given)) => given,
        Some(Value::Object(given)) => given.into_iter().map(|(_, value)| value).collect(),
        Some(one @ Value::String(_)) => vec![one],
        Some(other) => {
            faults.add(key, rule::TYPE, format!("{} where an array belongs", kind(&other)));
            return None;
        }
        None => Vec::new(),
    };
    if given.is_empty() {
        faults.add(key, rule::REQUIRED, "missing");
        return None;
    }
    if given.len() > MAX_DESTINATIONS {
        faults.add(key, rule::COUNT, format!("{} > {MAX_DESTINATIONS}", given.len()));
        return None;
    }
    let (mut seen, mut to) = (BTreeSet::new(), Vec::with_capacity(given.len()));
    for (index, one) in given.iter().enumerate() {
        match one.as_str().and_then(|text| read::user(text, numbering)) {
            Some(address) => {
                if seen.insert(address.clone()) {
                    to.push(address);
                }
            }
            None => faults.add(format!("{key}[{index}]"), rule::TYPE, "no phone number"),
        }
    }
    Some(to)
}

fn read_traffic(body: &mut Members, faults: &mut Faults) -> Option<String> {
    let traffic = body.string("trafficType", faults)?;
    if let Some(violation) = read::check_traffic("trafficType", &traffic) {
        faults.add(violation.path, violation.rule, violation.detail);
        return None;
    }
    Some(traffic)
}

/// Without `reportRequest` the chatbot hears everything.
fn read_wanted(body: &mut Members, faults: &mut Faults) -> StatusSet {
    let words = match body.value("reportRequest") {
        Some(Value::Array(words)) => words,
        Some(one @ Value::String(_)) => vec![one],
        _ => Vec::new(),
    };
    if words.is_empty() {
        return StatusSet::all();
    }
    let read = words.iter().enumerate().filter_map(|(index, word)| {
        let status = word.as_str().and_then(Status::from_word);
        if status.is_none() {
            let known = Status::ALL.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(", ");
            faults.add(format!("reportRequest[{index}]"), rule::WORD, format!("not one of {known}"));
        }
        status
    });
    read.collect()
}

fn read_items(body: &mut Members, faults: &mut Faults) -> Option<Vec<Item>> {
    let key = "messageList";
    if matches!(body.peek(key), Some(Value::Object(_))) {
        let item = body.object(key, faults)?;
        return Some(vec![read_item(item, faults)?]);
    }
    if body.peek(key).and_then(Value::as_array).is_some_and(Vec::is_empty) {
        faults.add(key, rule::REQUIRED, "missing");
        return None;
    }
    body.required(key, faults, |body, key, faults| body.list(key, faults, read_item))
}

fn read_item(mut item: Members, faults: &mut Faults) -> Option<Item> {
    let content_type = item.text("contentType", faults);
    let encoding = item.string("contentEncoding", faults).unwrap_or_default().to_ascii_lowercase();
    let base64 = match encoding.as_str() {
        "" | "utf8" | "utf-8" => false,
        "base64" => true,
        _ => {
            faults.add(item.at("contentEncoding"), rule::WORD, "not one of utf8, base64");
            false
        }
    };
    let text = item.required("contentText", faults, |item, key, _| item.value(key));
    Some(Item { path: item.path, content_type: content_type?, base64, text: text? })
}

/// One text, card, file or location, and at most one list of chips.
fn read_content(items: Vec<Item>) -> Result<Content, Refusal> {
    let (mut body, mut chips): (Option<Body>, Option<Vec<Suggestion>>) = (None, None);
    for item in items {
        let path = item.path.clone();
        let again = match read_part(item)? {
            Part::Body(part) => body.replace(part).is_some(),
            Part::Chips(part) => chips.replace(part).is_some(),
        };
        if again {
            return Err(Refusal::with(ReturnCode::BadParameter, format!("{path}: a second one of its kind")));
        }
    }
    let Some(body) = body else {
        let detail = "messageList: suggestions without a message";
        return Err(Refusal::with(ReturnCode::BadParameter, detail));
    };
    Ok(Content { body, chips: chips.unwrap_or_default() })
}

#[expect(clippy::large_enum_variant, reason = "two live for the time of one call")]
enum Part {
    Body(Body),
    Chips(Vec<Suggestion>),
}

fn read_part(item: Item) -> Result<Part, Refusal> {
    let unknown = |item: &Item| {
        let detail = format!("{}.contentType: {:?}", item.path, clip(&item.content_type));
        Refusal::with(ReturnCode::InvalidMessageType, detail)
    };
    match content_type::essence(&item.content_type).to_ascii_lowercase().as_str() {
        "text/plain" => return read_text(&item).map(Part::Body),
        FILE_TYPE => return file::read(&item.path, json(&item)?).map(|file| Part::Body(Body::File(file))),
        _ => {}
    }
    match MediaType::recognise(&item.content_type) {
        Ok(Some(MediaType::Message)) => {
            document::<BotMessage>(&item).map(|card| Part::Body(Body::Card(card)))
        }
        Ok(Some(MediaType::Suggestions)) => {
            document::<SuggestionList>(&item).map(|list| Part::Chips(list.suggestions))
        }
        _ => Err(unknown(&item)),
    }
}

fn read_text(item: &Item) -> Result<Body, Refusal> {
    let path = format!("{}.contentText", item.path);
    let Value::String(given) = &item.text else {
        let detail = format!("{path}: {} where a string belongs", kind(&item.text));
        return Err(Refusal::with(ReturnCode::BadParameter, detail));
    };
    let text = if item.base64 {
        String::from_utf8(decode(item, given)?).map_err(|_| {
            Refusal::with(ReturnCode::BadParameter, format!("{path}: no UTF-8 inside the base64"))
        })?
    } else {
        given.clone()
    };
    read::text(&path, text, &LIMITS).map_err(|violations| Refusal::of_violations(&violations))
}

fn document<D: Document>(item: &Item) -> Result<D, Refusal> {
    read::document(json(item)?, &LIMITS).map_err(|violations| Refusal::of_violations(&violations))
}

/// JSON content: as it is, as a string, or as a base64 string.
fn json(item: &Item) -> Result<Value, Refusal> {
    let unreadable = |error: ParseError| {
        Refusal::with(ReturnCode::ParseFailed, format!("{}.contentText: {error}", item.path))
    };
    match &item.text {
        Value::String(text) if item.base64 => bot::read_json(&decode(item, text)?).map_err(unreadable),
        Value::String(text) => bot::read_json(text.as_bytes()).map_err(unreadable),
        value => Ok(value.clone()),
    }
}

fn decode(item: &Item, text: &str) -> Result<Vec<u8>, Refusal> {
    // Encoders that follow MIME break lines.
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(text).map_err(|error| {
        Refusal::with(ReturnCode::ParseFailed, format!("{}.contentText: {error}", item.path))
    })
}

fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}
