//! "Is typing": `application/im-iscomposing+xml` (RFC 3994).
//!
//! Never stored and never reported on. A message from the same party ends it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::xml::{Element, Writer, XmlError};

/// The media type.
pub const CONTENT_TYPE: &str = "application/im-iscomposing+xml";

/// How long an active state holds if the sender does not say (RFC 3994 §3.3).
pub const REFRESH_DEFAULT: Duration = Duration::from_secs(120);

/// The shortest refresh that is respected (RFC 3994 §3.3).
pub const REFRESH_MIN: Duration = Duration::from_secs(60);

/// A sender goes idle after this long without input (RFC 3994 §3.2).
pub const IDLE_AFTER: Duration = Duration::from_secs(15);

const NAMESPACE: &str = "urn:ietf:params:xml:ns:im-iscomposing";

/// What a party is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composing {
    /// Whether it composes.
    pub state: State,
    /// The media type it composes, `text/plain`; absent means text.
    pub content_type: Option<String>,
    /// When it was last seen composing.
    pub last_active: Option<Timestamp>,
    /// Seconds until the next such document while active; absent means [`REFRESH_DEFAULT`].
    pub refresh_s: Option<u32>,
}

/// Composing or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Composing.
    Active,
    /// Not composing.
    Idle,
}

impl Composing {
    /// This state and nothing else.
    pub fn new(state: State) -> Self {
        Self { state, content_type: None, last_active: None, refresh_s: None }
    }

    /// Reads a document. An unknown state is idle, as RFC 3994 §3.2 wants it; a bad time or refresh is as if absent.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let root = Element::parse(document, "isComposing")?;
        let state = if root.required_text("state")? == "active" { State::Active } else { State::Idle };
        Ok(Self {
            state,
            content_type: root.child_text("contenttype").map(str::to_owned),
            last_active: root.child_text("lastactive").and_then(|text| Timestamp::parse_rfc3339(text).ok()),
            refresh_s: root.child_text("refresh").and_then(|text| text.parse().ok()),
        })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        let state = match self.state {
            State::Active => "active",
            State::Idle => "idle",
        };
        let mut xml = Writer::new();
        xml.open("isComposing", &[("xmlns", NAMESPACE)]).text("state", &[], state);
        if let Some(content_type) = &self.content_type {
            xml.text("contenttype", &[], content_type);
        }
        if let Some(time) = self.last_active {
            xml.text("lastactive", &[], &time.rfc3339());
        }
        if let Some(refresh_s) = self.refresh_s {
            xml.text("refresh", &[], &refresh_s.to_string());
        }
        xml.finish()
    }

    /// How long to show it as composing if nothing more is heard; zero when idle.
    pub fn holds_for(&self) -> Duration {
        match (self.state, self.refresh_s) {
            (State::Idle, _) => Duration::ZERO,
            (State::Active, None) => REFRESH_DEFAULT,
            (State::Active, Some(refresh_s)) => Duration::from_secs(refresh_s.into()).max(REFRESH_MIN),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_document_of_the_rfc_reads_and_is_written() {
        let composing = Composing {
            state: State::Active,
            content_type: Some("text/plain".to_owned()),
            last_active: Some(Timestamp::parse_rfc3339("2026-11-23T11:33:38Z").unwrap()),
            refresh_s: Some(90),
        };
        let document = include_bytes!("../../../fixtures/rcs/composing/active.xml");
        assert_eq!(Composing::parse(document), Ok(composing.clone()));
        assert_eq!(composing.to_xml(), include_str!("../../../fixtures/rcs/composing/active.written.xml"));
        assert_eq!(composing.holds_for(), Duration::from_secs(90));
    }

    #[test]
    fn a_short_or_missing_refresh_is_made_up_for() {
        let mut composing = Composing::new(State::Active);
        assert_eq!(composing.holds_for(), REFRESH_DEFAULT);
        composing.refresh_s = Some(1);
        assert_eq!(composing.holds_for(), REFRESH_MIN);
        composing.state = State::Idle;
        assert_eq!(composing.holds_for(), Duration::ZERO);
    }

    #[test]
    fn unknown_states_are_idle_and_bad_details_are_absent() {
        let document = include_bytes!("../../../fixtures/rcs/composing/odd.xml");
        assert_eq!(Composing::parse(document), Ok(Composing::new(State::Idle)));
        assert!(Composing::parse(b"<isComposing/>").is_err());
    }

    #[test]
    fn no_prefix_passes_for_the_document() {
        let document = include_bytes!("../../../fixtures/rcs/composing/active.written.xml");
        for end in 0..document.len() {
            assert!(Composing::parse(&document[..end]).is_err(), "{end}");
        }
    }

    proptest! {
        #[test]
        fn written_documents_read_back(
            active in any::<bool>(),
            content_type in proptest::option::of("[!-~]{1,40}"),
            millis in proptest::option::of(0..Timestamp::MAX.as_millis()),
            refresh_s in any::<Option<u32>>(),
        ) {
            let composing = Composing {
                state: if active { State::Active } else { State::Idle },
                content_type,
                last_active: millis.map(Timestamp::from_millis),
                refresh_s,
            };
            prop_assert_eq!(Composing::parse(composing.to_xml().as_bytes()), Ok(composing));
        }
    }
}
