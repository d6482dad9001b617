//! The send calls: `outboundMessageRequest`, read into an [`Outgoing`].
//!
//! Accepted beside the documented form: documents without a single root, elements in any order, at any depth, with any or no
//! prefix, in any case; without `senderAddress`, `address`, ids or `serviceCapability`; the dummy `00000` among the
//! destinations; multiparts with bare LF (which XML makes of every line end), a wrong Content-Length or no disposition.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use rcs::{
    Address,
    address::Numbering,
    bot::{self, BotMessage, MediaType, Suggestion, SuggestionList},
    content_type,
    file_transfer::{self, FileTransfer},
    ids,
    multipart::{self, Part},
    xml::Element,
};

use super::{
    LIMITS, RequestError, SendKind,
    error::Exception,
    template::{self, TemplateUse},
};
use crate::{Body, Content, Outgoing, Status, StatusSet, ctcu, read};

/// Destinations of one call.
pub const MAX_DESTINATIONS: usize = 100;

/// What stands for `address` when `destinationAddress` has the users.
const DUMMY: &str = "00000";

/// A call, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The message. Its content is an empty text if it is a template's.
    pub message: Outgoing,
    /// The template to make the content of.
    pub template: Option<TemplateUse>,
    /// The chatbot's own name for the call; given back in the answer.
    pub client_correlator: Option<String>,
    /// Destinations that are no phone numbers, as they came; there is at least one that is.
    pub impossible: Vec<String>,
}

/// Reads the body of a send call that `chatbot` makes. `fresh_id` becomes the message's id if the call gives neither an id nor a
/// `clientCorrelator`.
pub fn parse(
    body: &[u8],
    kind: SendKind,
    chatbot: &Address,
    numbering: &Numbering,
    fresh_id: &str,
) -> Result<Request, RequestError> {
    let document = Document::parse(body)?;
    if let Some(sender) = document.text("senderAddress")
        && ctcu::address::chatbot(sender, numbering).as_ref() != Some(chatbot)
    {
        return Err(RequestError::invalid("senderAddress", "is not the chatbot that the path names"));
    }
    let (to, impossible) = destinations(&document, numbering)?;
    let client_correlator = document.id("clientCorrelator")?;
    let message_id = match (document.id("messageId")?, &client_correlator) {
        (Some(id), _) => id,
        (None, Some(name)) => ids::message_id_of(chatbot, name),
        (None, None) => fresh_id.to_owned(),
    };
    let conversation_id = document.id("conversationID")?.unwrap_or_else(|| match &to[..] {
        [one] => ids::conversation_between(chatbot, one),
        _ => message_id.clone(),
    });
    let contribution_id = document.id("contributionID")?.unwrap_or_else(|| message_id.clone());
    let in_reply_to = document.id("inReplyToContributionID")?;
    if kind.is_interaction && in_reply_to.is_none() {
        return Err(RequestError::invalid("inReplyToContributionID", "missing in an interaction"));
    }
    let sms = match document.flag("shortMessageSupported")? {
        Some(true) => Some(document.required("smsBodyText")?.to_owned()),
        _ => None,
    };
    if let Some(violation) = sms.as_ref().and_then(|sms| LIMITS.check_text("smsBodyText", sms)) {
        return Err(RequestError::of_violations(&[violation]));
    }
    let store = document.flag("storeSupported")?.unwrap_or(true);
    let (content, template) = said(&document, kind)?;
    Ok(Request {
        message: Outgoing {
            message_id,
            to,
            content,
            simpler: simpler(&document)?,
            conversation_id,
            contribution_id,
            in_reply_to,
            traffic: None,
            wanted: wanted(&document),
            sms,
            store,
            validity: None,
        },
        template,
        client_correlator,
        impossible,
    })
}

/// The document of a call, whose elements are found by their names wherever they are.
pub(super) struct Document(Element);

impl Document {
    pub(super) fn parse(body: &[u8]) -> Result<Self, RequestError> {
        Element::parse_forest(body, bot::MAX_BYTES)
            .map(Self)
            .map_err(|error| RequestError::new(400, Exception::InvalidValue, error.to_string()))
    }

    /// The text of the first element of this name that has one.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts(name).into_iter().next()
    }

    fn texts(&self, name: &str) -> Vec<&str> {
        self.0.plain_texts(&[&name.to_ascii_lowercase()])
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, RequestError> {
        self.text(name).ok_or_else(|| RequestError::invalid(name, "missing"))
    }

    pub(super) fn id(&self, name: &str) -> Result<Option<String>, RequestError> {
        match self.text(name) {
            None => Ok(None),
            Some(id) => match read::check_id(name, id) {
                None => Ok(Some(id.to_owned())),
                Some(violation) => Err(RequestError::of_violations(&[violation])),
            },
        }
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, RequestError> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(RequestError::invalid(name, "neither true nor false")),
        }
    }
}

/// The users, each once, and what else stands among them.
pub(super) fn destinations(
    document: &Document,
    numbering: &Numbering,
) -> Result<(Vec<Address>, Vec<String>), RequestError> {
    let mut given = document.texts("destinationAddress");
    if given.is_empty() {
        given = document.texts("address");
    }
    given.retain(|text| text.trim_start_matches("tel:").trim_start_matches('+') != DUMMY);
    if given.is_empty() {
        return Err(RequestError::new(400, Exception::NoValidAddress, "destinationAddress: missing"));
    }
    if given.len() > MAX_DESTINATIONS {
        let text = format!("destinationAddress: {} > {MAX_DESTINATIONS}", given.len());
        return Err(RequestError::new(403, Exception::TooManyAddresses, text));
    }
    let (mut seen, mut to, mut impossible) = (BTreeSet::new(), Vec::new(), Vec::new());
    for text in given {
        match read::user(text, numbering) {
            Some(address) if seen.insert(address.clone()) => to.push(address),
            Some(_) => {}
            None => impossible.push(text.chars().take(64).collect()),
        }
    }
    if to.is_empty() {
        let text = "destinationAddress: no phone number among them";
        return Err(RequestError::new(400, Exception::NoValidAddress, text));
    }
    Ok((to, impossible))
}

/// The statuses that `reportRequest` asks for: all if it is not there. What came of a revoke is always told, since it was asked
/// for.
fn wanted(document: &Document) -> StatusSet {
    let words = document.texts("reportRequest");
    if words.is_empty() {
        return StatusSet::all();
    }
    let asked = words.iter().filter_map(|word| match word.to_ascii_lowercase().as_str() {
        "sent" => Some(Status::Sent),
        "delivered" => Some(Status::Delivered),
        "displayed" => Some(Status::Displayed),
        "failed" => Some(Status::Failed),
        "interworking" => Some(Status::DeliveredToNetwork),
        _ => None,
    });
    asked.chain([Status::RevokeOk, Status::RevokeFail]).collect()
}

/// What is said, or the template that says it.
fn said(document: &Document, kind: SendKind) -> Result<(Content, Option<TemplateUse>), RequestError> {
    let content_type =
        document.text("contentType").unwrap_or(if kind.is_template { "template" } else { "text/plain" });
    let body = decoded(document, "bodyText", "contentEncoding")?;
    if kind.is_template || template::is_marker(content_type) {
        let body = std::str::from_utf8(&body).map_err(|_| RequestError::invalid("bodyText", "no UTF-8"))?;
        return Ok((Content::text(""), Some(TemplateUse::parse(body)?)));
    }
    content(content_type, body).map(|content| (content, None))
}

/// What is said to devices that show no cards, if there is something (`fallbackSupported`).
fn simpler(document: &Document) -> Result<Option<Content>, RequestError> {
    const BODY: &str = "rcsBodyText";
    if document.flag("fallbackSupported")? != Some(true) || document.text(BODY).is_none() {
        return Ok(None);
    }
    let content_type = document.text("fallbackContentType").unwrap_or("text/plain");
    let body = decoded(document, BODY, "fallbackContentEncoding")?;
    let read = content(content_type, body).map_err(|error| RequestError::invalid(BODY, error.text))?;
    Ok(Some(read))
}

/// The bytes of a body, whose element and that of its encoding are called so.
fn decoded(document: &Document, name: &str, encoding_name: &str) -> Result<Bytes, RequestError> {
    let body = document.required(name)?;
    let encoding = document.text(encoding_name).unwrap_or_default().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "utf8" | "utf-8" => Ok(body.to_owned().into()),
        "base64" => {
            let body: String = body.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let bytes = STANDARD.decode(body);
            bytes.map(Bytes::from).map_err(|error| RequestError::invalid(name, error.to_string()))
        }
        _ => Err(RequestError::invalid(encoding_name, "not one of utf8, base64")),
    }
}

fn content(content_type: &str, body: Bytes) -> Result<Content, RequestError> {
    let parts = if multipart::is_multipart(content_type) {
        multipart::parse(content_type, &body)
            .map_err(|error| RequestError::invalid("bodyText", error.to_string()))?
    } else {
        vec![Part::new(content_type, body)]
    };
    of_parts(&parts)
}

/// One text, card, file or place, and at most one list of chips.
fn of_parts(parts: &[Part]) -> Result<Content, RequestError> {
    let (mut body, mut chips): (Option<Body>, Option<Vec<Suggestion>>) = (None, None);
    for part in parts {
        let again = match MediaType::recognise(part.content_type()) {
            Ok(Some(MediaType::Suggestions)) => {
                let list: SuggestionList = json(part)?;
                chips.replace(list.suggestions).is_some()
            }
            Ok(Some(MediaType::Message)) => body.replace(Body::Card(json::<BotMessage>(part)?)).is_some(),
            Ok(None) => body.replace(other(part)?).is_some(),
            _ => return Err(unknown(part)),
        };
        if again {
            return Err(RequestError::invalid("bodyText", "two parts of one kind"));
        }
    }
    match body {
        Some(body) => Ok(Content { body, chips: chips.unwrap_or_default() }),
        None => Err(RequestError::invalid("bodyText", "suggestions without a message")),
    }
}

fn json<D: bot::Document>(part: &Part) -> Result<D, RequestError> {
    let value =
        bot::read_json(&part.body).map_err(|error| RequestError::invalid("bodyText", error.to_string()))?;
    read::document(value, &LIMITS).map_err(|violations| RequestError::of_violations(&violations))
}

/// A text or a file.
fn other(part: &Part) -> Result<Body, RequestError> {
    if part.is("text/plain") {
        let text = std::str::from_utf8(&part.body)
            .map_err(|_| RequestError::invalid("bodyText", "a text that is no UTF-8"))?;
        return read::text("bodyText", text.to_owned(), &LIMITS)
            .map_err(|violations| RequestError::of_violations(&violations));
    }
    if part.is(file_transfer::CONTENT_TYPE) || part.is(ctcu::send::FILE_TYPE) {
        let transfer = FileTransfer::parse(&part.body)
            .map_err(|error| RequestError::invalid("bodyText", error.to_string()))?;
        if transfer.urls().any(|url| !read::is_web_url(url)) {
            return Err(RequestError::invalid("bodyText", "a file without an http or https URL"));
        }
        return Ok(Body::File(transfer));
    }
    Err(unknown(part))
}

fn unknown(part: &Part) -> RequestError {
    let given: String = content_type::essence(part.content_type()).chars().take(80).collect();
    RequestError::invalid("contentType", format!("{given:?} is nothing that can be sent"))
}
