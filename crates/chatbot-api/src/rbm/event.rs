//! `POST /v1/phones/{E.164}/agentEvents`: an agent types, or has read a user's message.

use rcs::bot::{
    self,
    reader::{Faults, Members},
    rule,
};

use super::reading::{camel_case, choice};
use super::{Refusal, is_id};

/// What an agent tells a user beside messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentEvent {
    /// It writes something.
    IsTyping,
    /// It has read the user's message with this id.
    Read {
        /// The user's id of the message.
        message_id: String,
    },
}

impl AgentEvent {
    /// Reads the body of the call.
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            IsTyping,
            Read,
        }
        let mut value = bot::read_json(body).map_err(|error| Refusal::of_parse_error(&error))?;
        camel_case(&mut value);
        let mut faults = Faults::default();
        let read = Members::of("", value, &mut faults).and_then(|mut event| {
            let kinds = [("IS_TYPING", Kind::IsTyping), ("READ", Kind::Read)];
            let kind = event.required("eventType", &mut faults, |m, key, faults| {
                let kind = choice(m, key, faults, &kinds);
                if kind.is_none() {
                    faults.add(key, rule::REQUIRED, "neither IS_TYPING nor READ");
                }
                kind
            })?;
            if kind == Kind::IsTyping {
                return Some(Self::IsTyping);
            }
            let message_id = event.text("messageId", &mut faults)?;
            if !is_id(&message_id) {
                faults.add("messageId", rule::TYPE, "no id of a message");
            }
            Some(Self::Read { message_id })
        });
        faults.finish(read).map_err(Refusal::of_violations)
    }

    /// The word of the interface.
    pub fn word(&self) -> &'static str {
        match self {
            Self::IsTyping => "IS_TYPING",
            Self::Read { .. } => "READ",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<AgentEvent, String> {
        AgentEvent::parse(body.as_bytes()).map_err(|refusal| refusal.message)
    }

    #[test]
    fn both_events_are_read_and_others_refused() {
        assert_eq!(parse(r#"{"eventType":"IS_TYPING"}"#), Ok(AgentEvent::IsTyping));
        let read = AgentEvent::Read { message_id: "m1".to_owned() };
        assert_eq!(parse(r#"{"eventType":"READ","messageId":"m1"}"#), Ok(read.clone()));
        assert_eq!(parse(r#"{"event_type":"READ","message_id":"m1"}"#), Ok(read));
        assert_eq!(parse(r#"{"eventType":"READ"}"#), Err("messageId: missing".to_owned()));
        assert_eq!(parse("{}"), Err("eventType: missing".to_owned()));
        assert!(parse(r#"{"eventType":"DELIVERED"}"#).unwrap_err().starts_with("eventType: \"DELIVERED\""));
        assert!(parse(r#"{"eventType":"EVENT_TYPE_UNSPECIFIED"}"#).is_err());
        assert!(parse(r#"{"eventType":"READ","messageId":"a b"}"#).is_err());
    }
}
