//! The bodies of our answers, and of the two requests that ask about users.

use std::collections::BTreeSet;

use rcs::{
    Address, Timestamp,
    address::Numbering,
    bot::{
        self, ActionKind, Application, Suggestion,
        reader::{Faults, Members},
        rule,
    },
    capability::{Capabilities, Capability},
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::reading::camel_case;
use super::{AgentMessage, Refusal, event::AgentEvent, is_id, phone, user};
use crate::{Body, Content};

/// Most users that one call may ask about.
pub const BATCH_MAX: usize = 10_000;

/// Fewer users than this give no sample.
const SAMPLE_MIN: usize = 500;

/// Bytes of text that count as one.
const SEGMENT_BYTES: usize = 160;

/// What a user's devices can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Feature {
    /// One card.
    RichcardStandalone,
    /// Several.
    RichcardCarousel,
    /// Dates.
    ActionCreateCalendarEvent,
    /// Calls.
    ActionDial,
    /// Web pages in the browser.
    ActionOpenUrl,
    /// Web pages in the messaging application.
    ActionOpenUrlInWebview,
    /// The user's place.
    ActionShareLocation,
    /// A place on the map.
    ActionViewLocation,
    /// Drafts and recordings.
    ActionCompose,
    /// Messages can be taken back.
    Revocation,
}

/// What devices that registered `capabilities` can take; empty if no chatbot can reach them.
///
/// Cards and suggestions of the first version (`botversion` 1, or a chatbot service tag without version) have all but web
/// views and drafts, which came with the second.
pub fn features(capabilities: &Capabilities) -> BTreeSet<Feature> {
    let has = |wanted: &[Capability]| wanted.iter().any(|one| capabilities.has(*one));
    let mut features = BTreeSet::new();
    let second = has(&[Capability::BotVersion2]);
    if second || has(&[Capability::BotVersion1, Capability::ChatbotStandalone, Capability::ChatbotSession]) {
        features.extend([
            Feature::RichcardStandalone,
            Feature::RichcardCarousel,
            Feature::ActionCreateCalendarEvent,
            Feature::ActionDial,
            Feature::ActionOpenUrl,
            Feature::ActionShareLocation,
            Feature::ActionViewLocation,
        ]);
    }
    if second {
        features.extend([Feature::ActionOpenUrlInWebview, Feature::ActionCompose]);
    }
    if has(&[Capability::MessageRevoke]) {
        features.insert(Feature::Revocation);
    }
    features
}

/// The answer to a message that was accepted. `payload_bytes` is the size of its files together.
pub fn agent_message(
    message: &AgentMessage,
    message_id: &str,
    to: &Address,
    payload_bytes: u64,
    now: Timestamp,
) -> Value {
    let mut answer = message.echo().clone();
    answer.insert("name".to_owned(), format!("phones/{}/agentMessages/{message_id}", phone(to)).into());
    answer.insert("sendTime".to_owned(), now.rfc3339().into());
    if payload_bytes > 0 {
        // 64-bit numbers are strings in this JSON.
        answer.insert("totalPayloadSizeBytes".to_owned(), payload_bytes.to_string().into());
    }
    if phone(to).starts_with("+1") {
        answer.insert("richMessageClassification".to_owned(), classification(message.content()));
    }
    Value::Object(answer)
}

/// How carriers of the United States charge a message: texts with replies, calls and web pages by the segment, everything
/// else as one.
pub fn classification(content: &Content) -> Value {
    let is_plain = |suggestion: &Suggestion| match suggestion {
        Suggestion::Reply(_) => true,
        Suggestion::Action(action) => matches!(
            action.kind,
            ActionKind::DialPhoneNumber { .. }
                | ActionKind::OpenUrl { application: Application::Browser, .. }
        ),
    };
    match &content.body {
        Body::Text(text) if content.chips.iter().all(is_plain) => {
            let segments = text.len().div_ceil(SEGMENT_BYTES);
            json!({ "classificationType": "RICH_MESSAGE", "segmentCount": segments })
        }
        _ => json!({ "classificationType": "RICH_MEDIA_MESSAGE" }),
    }
}

/// The answer to an event that was taken.
pub fn agent_event(event: &AgentEvent, event_id: &str, to: &Address, now: Timestamp) -> Value {
    let mut answer = Map::new();
    answer.insert("name".to_owned(), format!("phones/{}/agentEvents/{event_id}", phone(to)).into());
    answer.insert("eventType".to_owned(), event.word().into());
    answer.insert("sendTime".to_owned(), now.rfc3339().into());
    if let AgentEvent::Read { message_id } = event {
        answer.insert("messageId".to_owned(), message_id.as_str().into());
    }
    Value::Object(answer)
}

/// The answer to the question what a user's devices can take.
pub fn capabilities(to: &Address, features: &BTreeSet<Feature>) -> Value {
    json!({ "name": format!("phones/{}/capabilities", phone(to)), "features": features })
}

/// The answer to an upload.
pub fn file(name: &str) -> Value {
    json!({ "name": name })
}

/// Reads the body of `capability:requestCapabilityCallback`: the id that the callback repeats.
pub fn request_id(body: &[u8]) -> Result<String, Refusal> {
    let mut value = bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))?;
    camel_case(&mut value);
    let mut faults = Faults::default();
    let read = Members::of("", value, &mut faults).and_then(|mut body| {
        let id = body.text("requestId", &mut faults)?;
        if !is_id(&id) {
            faults.add("requestId", rule::TYPE, "no id");
        }
        Some(id)
    });
    faults.finish(read).map_err(Refusal::of_violations)
}

/// `POST /v1/users:batchGet`: who of many can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRequest {
    /// Each once, in the order given.
    pub users: Vec<Address>,
    /// The agent, if the body names it.
    pub agent_id: Option<String>,
}

impl BatchRequest {
    /// Reads the body of the call. Users beyond the first fault of each kind are read all the same.
    pub fn parse(body: &[u8], numbering: &Numbering) -> Result<Self, Refusal> {
        let mut value = bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))?;
        camel_case(&mut value);
        let mut faults = Faults::default();
        let read = Members::of("", value, &mut faults).and_then(|mut body| {
            let agent_id = body.string("agentId", &mut faults);
            let listed = match body.value("users") {
                Some(Value::Array(listed)) if !listed.is_empty() => listed,
                // One number where a list belongs is what a client library is known to send.
                Some(one @ Value::String(_)) => vec![one],
                Some(Value::Array(_)) | None => {
                    faults.add("users", rule::REQUIRED, "missing");
                    return None;
                }
                Some(other) => {
                    let kind = bot::reader::kind(&other);
                    faults.add("users", rule::TYPE, format!("{kind} where an array belongs"));
                    return None;
                }
            };
            if listed.len() > BATCH_MAX {
                faults.add("users", rule::COUNT, format!("{} > {BATCH_MAX}", listed.len()));
                return None;
            }
            let (mut seen, mut users) = (BTreeSet::new(), Vec::with_capacity(listed.len()));
            for (index, one) in listed.iter().enumerate() {
                match one.as_str().and_then(|text| user(text, numbering)) {
                    Some(address) => {
                        if seen.insert(address.clone()) {
                            users.push(address);
                        }
                    }
                    None => faults.add(format!("users[{index}]"), rule::TYPE, "no phone number"),
                }
            }
            Some(Self { users, agent_id })
        });
        faults.finish(read).map_err(Refusal::of_violations)
    }

    /// The answer, when `is_reachable` says so of each user in order.
    pub fn answer(&self, is_reachable: &[bool]) -> Value {
        let reachable = || self.users.iter().zip(is_reachable).filter(|(_, is)| **is);
        // Three of four, spread evenly.
        let in_sample = |index: &usize| index % 4 != 3 && self.users.len() >= SAMPLE_MIN;
        let sample: Vec<usize> = (0..self.users.len()).filter(in_sample).collect();
        let hits = sample.iter().filter(|index| is_reachable.get(**index) == Some(&true)).count();
        json!({
            "reachableUsers": reachable().map(|(user, _)| phone(user)).collect::<Vec<_>>(),
            "totalRandomSampleUserCount": sample.len(),
            "reachableRandomSampleUserCount": hits,
        })
    }
}

/// Whether an invited user has agreed to test an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum InviteStatus {
    /// Not yet.
    Pending,
    /// Yes.
    Accepted,
    /// No.
    Declined,
}

/// The answer to an invitation.
pub fn tester(user: &Address, status: InviteStatus) -> Value {
    json!({ "name": format!("phones/{}/testers", phone(user)), "inviteStatus": status })
}
