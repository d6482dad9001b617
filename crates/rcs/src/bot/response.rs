//! What goes from the user to the chatbot: the response to a suggestion, and shared client data.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    Document, Extra, Limits, Postback, Violation,
    reader::{Faults, Members},
    rule, suggestion,
};

/// Postback data of the reply that opens a conversation with a chatbot that asked to be told.
pub const NEW_BOT_USER: &str = "new_bot_user_initiation";

/// Longer strings of shared data are cut here. The specification's own limits are not held against a handset.
const MAX_SHARED_CHARS: usize = 255;

/// A tap on a suggestion: `{"response":{"reply":{…}}}` or `{"response":{"action":{…}}}`.
#[derive(Debug, Clone, PartialEq)]
pub struct SuggestionResponse {
    /// What was tapped.
    pub kind: ResponseKind,
    /// The text of the suggestion; empty when the handset left it out.
    pub display_text: String,
    /// What the chatbot gave with the suggestion.
    pub postback: Option<Postback>,
    /// Members that we have no name for, inside `reply` or `action`.
    pub extra: Extra,
}

/// Whether a reply or an action was tapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ResponseKind {
    /// A reply.
    Reply,
    /// An action.
    Action,
}

/// Device data that the user agreed to share: `{"sharedData":{"deviceSpecifics":{…}}}`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SharedClientData {
    /// The device.
    pub device_specifics: DeviceSpecifics,
}

/// The device of a user. Every member may be absent; strings have at most 255 characters.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceSpecifics {
    /// Model name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_model: Option<String>,
    /// Version of the operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Maker of the messaging client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_vendor: Option<String>,
    /// Version of the messaging client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_version: Option<String>,
    /// Minutes until the battery is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub battery_remaining_minutes: Option<u64>,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

impl SuggestionResponse {
    /// The response of a handset whose user opens a conversation with a chatbot for the first time.
    pub fn new_bot_user() -> Self {
        Self {
            kind: ResponseKind::Reply,
            display_text: String::new(),
            postback: Some(Postback::new(NEW_BOT_USER)),
            extra: Extra::new(),
        }
    }

    /// Whether this is the greeting of a new user rather than a tap.
    pub fn is_new_bot_user(&self) -> bool {
        self.postback.as_ref().is_some_and(|postback| postback.data == NEW_BOT_USER)
    }
}

impl Serialize for SuggestionResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Root<'a> {
            response: Kind<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        enum Kind<'a> {
            Reply(Tap<'a>),
            Action(Tap<'a>),
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Tap<'a> {
            display_text: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            postback: Option<&'a Postback>,
            #[serde(flatten)]
            extra: &'a Extra,
        }
        let tap =
            Tap { display_text: &self.display_text, postback: self.postback.as_ref(), extra: &self.extra };
        let response = match self.kind {
            ResponseKind::Reply => Kind::Reply(tap),
            ResponseKind::Action => Kind::Action(tap),
        };
        Root { response }.serialize(serializer)
    }
}

impl Serialize for SharedClientData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Root<'a> {
            shared_data: Data<'a>,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Data<'a> {
            device_specifics: &'a DeviceSpecifics,
        }
        Root { shared_data: Data { device_specifics: &self.device_specifics } }.serialize(serializer)
    }
}

impl Document for SuggestionResponse {
    fn from_value(value: Value) -> Result<Self, Vec<Violation>> {
        let mut faults = Faults::default();
        let response = read_response(value, &mut faults);
        faults.finish(response)
    }

    fn validate(&self, limits: &Limits) -> Vec<Violation> {
        super::validate::response(self, limits)
    }
}

impl Document for SharedClientData {
    fn from_value(value: Value) -> Result<Self, Vec<Violation>> {
        let mut faults = Faults::default();
        let data = read_shared_data(value, &mut faults);
        faults.finish(data)
    }

    /// Nothing: reading cuts what is too long.
    fn validate(&self, _: &Limits) -> Vec<Violation> {
        Vec::new()
    }
}

fn read_response(value: Value, faults: &mut Faults) -> Option<SuggestionResponse> {
    let mut root = Members::of("", value, faults)?;
    let mut response = root.required("response", faults, Members::object)?;
    let (kind, key) = match (response.has("reply"), response.has("action")) {
        (true, false) => (ResponseKind::Reply, "reply"),
        (false, true) => (ResponseKind::Action, "action"),
        (both, _) => {
            let (rule, detail) = if both {
                (rule::ONE_OF, "both reply and action")
            } else {
                (rule::REQUIRED, "neither reply nor action")
            };
            faults.add(response.path, rule, detail);
            return None;
        }
    };
    let mut tap = response.object(key, faults)?;
    let display_text = tap.string("displayText", faults).unwrap_or_default();
    let postback = suggestion::read_postback(&mut tap, faults);
    Some(SuggestionResponse { kind, display_text, postback, extra: tap.rest() })
}

fn read_shared_data(value: Value, faults: &mut Faults) -> Option<SharedClientData> {
    let mut root = Members::of("", value, faults)?;
    let mut data = root.required("sharedData", faults, Members::object)?;
    let mut device = data.required("deviceSpecifics", faults, Members::object)?;
    let mut text = |key| {
        let text = device.string(key, faults)?;
        Some(text.chars().take(MAX_SHARED_CHARS).collect::<String>())
    };
    let device_model = text("deviceModel");
    let platform_version = text("platformVersion");
    let client_vendor = text("clientVendor");
    let client_version = text("clientVersion");
    let battery_remaining_minutes = device.size("batteryRemainingMinutes", faults);
    Some(SharedClientData {
        device_specifics: DeviceSpecifics {
            device_model,
            platform_version,
            client_vendor,
            client_version,
            battery_remaining_minutes,
            extra: device.rest(),
        },
    })
}
