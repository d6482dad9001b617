//! Finds the content in what the checker is given.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcs::bot::{MediaType, ParseError, Position, Violation, read_json, rule};
use rcs::content_type;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::violation;
use crate::ctcu::send::FILE_TYPE;
use crate::fnw11::message::CONTENTS;

/// What a text was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = CheckedForm)]
pub enum Form {
    /// A card or carousel of RCC.07: `{"message": …}`
    Message,
    /// A list of chips of RCC.07: `{"suggestions": …}`
    Suggestions,
    /// A menu: `{"menu": …}`
    Menu,
    /// A tap on a suggestion, from a user: `{"response": …}`
    Response,
    /// A send call of China Telecom and China Unicom, or its `messageList` alone
    CtcuSend,
    /// An `RCSMessage` of FNW.11
    Fnw11Message,
    /// An agent message of RBM, or its `contentMessage` alone
    RbmMessage,
}

impl Form {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "card or carousel (RCC.07)",
            Self::Suggestions => "chips (RCC.07)",
            Self::Menu => "menu (RCC.07)",
            Self::Response => "response of a user (RCC.07)",
            Self::CtcuSend => "messageList (China Telecom, China Unicom)",
            Self::Fnw11Message => "RCSMessage (FNW.11)",
            Self::RbmMessage => "agent message (RBM)",
        }
    }
}

/// A document inside the text.
pub struct Part {
    /// Where it stands; its own paths go on from there.
    pub path: String,
    /// What it is to be read as.
    pub kind: Kind,
    /// Its JSON.
    pub value: Value,
    /// Whether it stands in the text as JSON, and not inside a string.
    pub is_in_place: bool,
}

/// What a part is.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A plain text.
    Text,
    /// `{"message": …}`
    Message,
    /// `{"suggestions": …}`
    Suggestions,
    /// `{"menu": …}`
    Menu,
    /// `{"response": …}`
    Response,
    /// The file items of a China Telecom or China Unicom message.
    Files,
    /// A content of FNW.11 that is neither text nor card, by its name.
    Fnw11(&'static str),
}

/// Whether this is a message of RBM, and what stands before the paths that its reader gives: a `contentMessage` alone is put into
/// a message for it.
pub fn rbm(value: &Value) -> Option<(&'static str, Value)> {
    if value.get("contentMessage").is_some() {
        return Some(("", value.clone()));
    }
    let is_content =
        ["richCard", "contentInfo", "uploadedRbmFile"].iter().any(|member| value.get(member).is_some());
    is_content.then(|| ("contentMessage", serde_json::json!({ "contentMessage": value })))
}

/// Reads JSON, or says where it ceases to be JSON, and why.
pub fn json(text: &str) -> Result<Value, (Position, String)> {
    let begin = Position { line: 1, column: 1 };
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return Err((
            begin,
            "XML: the checker reads JSON; of a China Mobile request, check what is in bodyText".to_owned(),
        ));
    }
    read_json(text.as_bytes()).map_err(|error| match error {
        ParseError::Json(_) => {
            // The reader gives its place only in words.
            let error =
                serde_json::from_str::<serde::de::IgnoredAny>(text.trim_start_matches('\u{feff}')).err();
            let Some(error) = error else { return (begin, "not JSON".to_owned()) };
            let what = error.to_string();
            let what = what.rsplit_once(" at line ").map_or(what.as_str(), |(what, _)| what);
            // Columns of serde_json are bytes.
            let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
            let upto = (0..=error.column().saturating_sub(1).min(line.len()))
                .rev()
                .find(|at| line.is_char_boundary(*at));
            let column = line[..upto.unwrap_or(0)].chars().count() + 1;
            (Position { line: error.line().max(1), column }, format!("not JSON: {what}"))
        }
        error => (begin, error.to_string()),
    })
}

/// The documents inside; `None`, with a fault, when it is nothing that we know.
pub fn parts(value: &Value, faults: &mut Vec<Violation>) -> Option<(Form, Vec<Part>)> {
    let in_place = |path: &str, kind, value: &Value| Part {
        path: path.to_owned(),
        kind,
        value: value.clone(),
        is_in_place: true,
    };
    if let Value::Array(items) = value
        && items.iter().any(|item| item.get("contentType").is_some())
    {
        return Some((Form::CtcuSend, ctcu("", items, faults)));
    }
    let Value::Object(members) = value else {
        faults.push(violation("", rule::FORM, "no chatbot document: its root is not an object"));
        return None;
    };
    if let Some(list) = members.get("messageList") {
        let items = match list {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let path = if list.is_array() { "messageList" } else { "" };
        return Some((Form::CtcuSend, ctcu(path, items, faults)));
    }
    if let Some(message) = members.get("RCSMessage") {
        return Some((Form::Fnw11Message, fnw11("RCSMessage", message, faults)));
    }
    if CONTENTS.iter().chain(&["suggestedChipList"]).any(|member| members.contains_key(*member)) {
        return Some((Form::Fnw11Message, fnw11("", value, faults)));
    }
    let roots = [
        ("message", Form::Message, Kind::Message),
        ("suggestions", Form::Suggestions, Kind::Suggestions),
        ("menu", Form::Menu, Kind::Menu),
        ("response", Form::Response, Kind::Response),
    ];
    let found: Vec<_> = roots.into_iter().filter(|(root, _, _)| members.contains_key(*root)).collect();
    match found[..] {
        [] => {
            let detail = match ["generalPurposeCard", "generalPurposeCardCarousel"]
                .iter()
                .any(|card| members.contains_key(*card))
            {
                true => "a card without {\"message\": …} around it",
                false => {
                    "no chatbot document: none of message, suggestions, menu, messageList, RCSMessage at its root"
                }
            };
            faults.push(violation("", rule::FORM, detail));
            None
        }
        [(_, form, kind)] => Some((form, vec![in_place("", kind, value)])),
        [(_, form, _), ..] => {
            let names = found.iter().map(|(root, _, _)| *root).collect::<Vec<_>>().join(", ");
            faults.push(violation(
                "",
                rule::ONE_OF,
                format!("{names} in one document: chips are a part of their own"),
            ));
            // Each is read without the other, in its place.
            let part = |(root, _, kind): &(&str, Form, Kind)| {
                let mut alone = serde_json::Map::new();
                alone.insert((*root).to_owned(), members[*root].clone());
                Part { path: String::new(), kind: *kind, value: alone.into(), is_in_place: true }
            };
            Some((form, found.iter().map(part).collect()))
        }
    }
}

/// The parts of a `messageList`.
fn ctcu(path: &str, items: &[Value], faults: &mut Vec<Violation>) -> Vec<Part> {
    let (mut parts, mut bodies, mut chips) = (Vec::new(), 0, 0);
    for (index, item) in items.iter().enumerate() {
        let item_path = format!("{path}[{index}]");
        let given = item.get("contentType").and_then(Value::as_str).unwrap_or_default();
        let kind =
            match (content_type::essence(given).to_ascii_lowercase().as_str(), MediaType::recognise(given)) {
                ("text/plain", _) => Kind::Text,
                (FILE_TYPE, _) => Kind::Files,
                (_, Ok(Some(MediaType::Message))) => Kind::Message,
                (_, Ok(Some(MediaType::Suggestions))) => Kind::Suggestions,
                _ => {
                    let given: String = given.chars().take(80).collect();
                    faults.push(violation(
                        format!("{item_path}.contentType"),
                        rule::WORD,
                        format!(
                            "{given:?} is not one of text/plain, {FILE_TYPE}, {}, {}",
                            rcs::bot::BOT_MESSAGE,
                            rcs::bot::BOT_SUGGESTION
                        ),
                    ));
                    continue;
                }
            };
        *(if matches!(kind, Kind::Suggestions) { &mut chips } else { &mut bodies }) += 1;
        let path = format!("{item_path}.contentText");
        let Some(text) = item.get("contentText").filter(|text| !text.is_null()) else {
            faults.push(violation(path, rule::REQUIRED, "missing"));
            continue;
        };
        let encoding = item.get("contentEncoding").filter(|encoding| !encoding.is_null());
        let encoding = encoding.map_or(Some(""), Value::as_str).map(str::to_ascii_lowercase);
        if !encoding.as_deref().is_some_and(|name| ["", "utf8", "utf-8", "base64"].contains(&name)) {
            faults.push(violation(
                item_path.clone() + ".contentEncoding",
                rule::WORD,
                "not one of utf8, base64",
            ));
        }
        let is_base64 = encoding.as_deref() == Some("base64");
        match unpacked(kind, text, is_base64) {
            Ok(value) => parts.push(Part {
                is_in_place: !text.is_string() || matches!(kind, Kind::Text),
                path,
                kind,
                value,
            }),
            Err(detail) => faults.push(violation(path, rule::JSON, detail)),
        }
    }
    if bodies > 1 || chips > 1 {
        faults.push(violation(path, rule::ONE_OF, "more than one message, or more than one list of chips"));
    } else if bodies == 0 && chips > 0 {
        faults.push(violation(path, rule::REQUIRED, "chips without a message"));
    } else if items.is_empty() {
        faults.push(violation(path, rule::REQUIRED, "missing"));
    }
    parts
}

/// What `contentText` holds: a text, JSON as it is, JSON in a string, any of them in base64.
fn unpacked(kind: Kind, text: &Value, is_base64: bool) -> Result<Value, String> {
    let Value::String(given) = text else { return Ok(text.clone()) };
    let bytes = if is_base64 {
        let given: String = given.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        STANDARD.decode(given).map_err(|error| error.to_string())?
    } else {
        given.clone().into_bytes()
    };
    match kind {
        Kind::Text => {
            String::from_utf8(bytes).map(Value::String).map_err(|_| "no UTF-8 inside the base64".to_owned())
        }
        _ => read_json(&bytes).map_err(|error| error.to_string()),
    }
}

/// The parts of an `RCSMessage`; members that are `null` count as absent.
fn fnw11(path: &str, message: &Value, faults: &mut Vec<Violation>) -> Vec<Part> {
    let member = |name: &str| message.get(name).filter(|value| !value.is_null());
    let part =
        |name: &str, kind, value| Part { path: super::join(path, name), kind, value, is_in_place: true };
    if let Some(state) = member("isTyping") {
        if !["active", "idle"].iter().any(|word| state == word) {
            let path = super::join(path, "isTyping");
            faults.push(violation(path, rule::WORD, format!("{state} is not one of active, idle")));
        }
        return Vec::new();
    }
    let contents: Vec<_> = CONTENTS.into_iter().filter_map(|name| Some((name, member(name)?))).collect();
    match contents.len() {
        1 => {}
        0 => faults.push(violation(path, rule::REQUIRED, format!("none of {}", CONTENTS.join(", ")))),
        _ => {
            let names = contents.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            faults.push(violation(path, rule::ONE_OF, format!("more than one content: {names}")));
        }
    }
    let mut parts: Vec<Part> = contents
        .into_iter()
        .map(|(name, value)| match name {
            "textMessage" => part(name, Kind::Text, value.clone()),
            "richcardMessage" => part(name, Kind::Message, value.clone()),
            name => Part { path: path.to_owned(), ..part("", Kind::Fnw11(name), value.clone()) },
        })
        .collect();
    parts.extend(member("suggestedChipList").map(|list| match list {
        // Some clients give the array alone: then its paths begin as that of the list would.
        Value::Array(_) => Part {
            is_in_place: false,
            ..part("suggestedChipList", Kind::Suggestions, json!({ "suggestions": list }))
        },
        list => part("suggestedChipList", Kind::Suggestions, list.clone()),
    }));
    parts
}
