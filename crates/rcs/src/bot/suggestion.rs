//! Suggestions: the chips under a message and the buttons of a card, replies and every kind of action.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use super::{
    Document, Extra, Limits, Violation,
    reader::{Faults, Members, kind, words},
    rule,
};

/// The chips under a message: `{"suggestions":[…]}`. Empty counts as none.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SuggestionList {
    /// In the order in which they are shown; legal with 1 to 11.
    pub suggestions: Vec<Suggestion>,
}

/// A chip or button.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Suggestion {
    /// Sends its text as the user's answer.
    Reply(Reply),
    /// Does something on the handset.
    Action(Action),
}

/// A prepared answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// What the user reads, 1 to 25 characters.
    pub display_text: String,
    /// What the chatbot hears beside the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postback: Option<Postback>,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a tap tells the chatbot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Postback {
    /// Opaque to everybody else; up to 2048 characters, may be empty.
    pub data: String,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A prepared action.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What the user reads, 1 to 25 characters.
    pub display_text: String,
    /// Sent to the chatbot on a tap; without it a tap sends nothing.
    pub postback: Option<Postback>,
    /// What the handset does.
    pub kind: ActionKind,
    /// Members that we have no name for.
    pub extra: Extra,
}

/// What an action does, one variant for each of the specification's.
///
/// `extra` in each holds members that we have no name for.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[serde(rename_all_fields = "camelCase")]
pub enum ActionKind {
    /// `urlAction.openUrl`
    OpenUrl {
        /// Where to go.
        url: String,
        /// Where it opens.
        #[serde(flatten)]
        application: Application,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `dialerAction.dialPhoneNumber`
    DialPhoneNumber {
        /// Number, short code or SIP URI; the handset decides.
        phone_number: String,
        /// For handsets that cannot dial.
        #[serde(skip_serializing_if = "Option::is_none")]
        fallback_url: Option<String>,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `dialerAction.dialEnrichedCall`
    DialEnrichedCall {
        /// Number, short code or SIP URI.
        phone_number: String,
        /// Subject of the call, up to 60 characters.
        #[serde(skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
        /// For handsets that cannot dial.
        #[serde(skip_serializing_if = "Option::is_none")]
        fallback_url: Option<String>,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `dialerAction.dialVideoCall`
    DialVideoCall {
        /// Number, short code or SIP URI.
        phone_number: String,
        /// For handsets that cannot dial.
        #[serde(skip_serializing_if = "Option::is_none")]
        fallback_url: Option<String>,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `mapAction.showLocation`
    ShowLocation {
        /// Which place.
        location: Place,
        /// For handsets without a map.
        #[serde(skip_serializing_if = "Option::is_none")]
        fallback_url: Option<String>,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `mapAction.requestLocationPush`
    RequestLocationPush {
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `calendarAction.createCalendarEvent`
    CreateCalendarEvent {
        /// RFC 3339.
        start_time: String,
        /// RFC 3339.
        end_time: String,
        /// 1 to 100 characters.
        title: String,
        /// 1 to 500 characters.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// For handsets without a calendar.
        #[serde(skip_serializing_if = "Option::is_none")]
        fallback_url: Option<String>,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `composeAction.composeTextMessage`
    ComposeTextMessage {
        /// To whom.
        phone_number: String,
        /// The draft, up to 100 characters.
        text: String,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `composeAction.composeRecordingMessage`
    ComposeRecordingMessage {
        /// To whom.
        phone_number: String,
        /// What is recorded.
        #[serde(rename = "type")]
        recording: RecordingType,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `deviceAction.requestDeviceSpecifics`
    RequestDeviceSpecifics {
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `settingsAction.disableAnonymization`
    DisableAnonymization {
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// `settingsAction.enableDisplayedNotifications`
    EnableDisplayedNotifications {
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
}

/// Where a URL opens. Absent (older versions of the specification) means the browser.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "application", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum Application {
    /// In the browser.
    Browser,
    /// Inside the messaging application.
    Webview {
        /// How much of the screen it takes.
        #[serde(skip_serializing_if = "Option::is_none")]
        view_mode: Option<ViewMode>,
        /// 1 to 200 characters for the page.
        #[serde(skip_serializing_if = "Option::is_none")]
        parameters: Option<String>,
    },
}

/// A place on the map.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// A point.
    Point {
        /// Degrees, -90 to 90.
        latitude: f64,
        /// Degrees, -180 to 180.
        longitude: f64,
        /// 1 to 100 characters.
        #[serde(skip_serializing_if = "Option::is_none")]
        label: Option<String>,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
    /// Something to search for.
    Query {
        /// 1 to 200 characters.
        query: String,
        /// Members that we have no name for.
        #[serde(flatten)]
        extra: Extra,
    },
}

words! {
    /// How much of the screen a web view takes.
    ViewMode {
        /// All.
        Full = "full",
        /// Half.
        Half = "half",
        /// Most.
        Tall = "tall",
    }
}

words! {
    /// What a recording message records.
    RecordingType {
        /// Sound.
        Audio = "AUDIO",
        /// Sound and picture.
        Video = "VIDEO",
    }
}

impl Suggestion {
    /// A reply with postback data.
    pub fn reply(display_text: impl Into<String>, data: impl Into<String>) -> Self {
        Self::Reply(Reply {
            display_text: display_text.into(),
            postback: Some(Postback::new(data)),
            extra: Extra::new(),
        })
    }

    /// What the user reads.
    pub fn display_text(&self) -> &str {
        match self {
            Self::Reply(reply) => &reply.display_text,
            Self::Action(action) => &action.display_text,
        }
    }

    /// What a tap tells the chatbot beside the text.
    pub fn postback(&self) -> Option<&Postback> {
        match self {
            Self::Reply(reply) => reply.postback.as_ref(),
            Self::Action(action) => action.postback.as_ref(),
        }
    }
}

impl Postback {
    /// Postback with this data.
    pub fn new(data: impl Into<String>) -> Self {
        Self { data: data.into(), extra: Extra::new() }
    }
}

impl ActionKind {
    /// Reads the members of the action that the specification calls `name`, such as `createCalendarEvent`; `None` if there is no
    /// action of this name, or something is wrong with its members, which is then among `faults`.
    pub fn read(name: &str, m: Members, faults: &mut Faults) -> Option<Self> {
        match name {
            "openUrl" => read_open_url(m, faults),
            "dialPhoneNumber" | "dialEnrichedCall" | "dialVideoCall" => read_dial(name, m, faults),
            "showLocation" => read_show_location(m, faults),
            "createCalendarEvent" => read_calendar_event(m, faults),
            "composeTextMessage" | "composeRecordingMessage" => read_compose(name, m, faults),
            "requestLocationPush" => Some(Self::RequestLocationPush { extra: m.rest() }),
            "requestDeviceSpecifics" => Some(Self::RequestDeviceSpecifics { extra: m.rest() }),
            "disableAnonymization" => Some(Self::DisableAnonymization { extra: m.rest() }),
            "enableDisplayedNotifications" => Some(Self::EnableDisplayedNotifications { extra: m.rest() }),
            _ => None,
        }
    }

    /// The two member names under `action`, outer and inner, for example `("urlAction", "openUrl")`.
    pub fn names(&self) -> (&'static str, &'static str) {
        match self {
            Self::OpenUrl { .. } => ("urlAction", "openUrl"),
            Self::DialPhoneNumber { .. } => ("dialerAction", "dialPhoneNumber"),
            Self::DialEnrichedCall { .. } => ("dialerAction", "dialEnrichedCall"),
            Self::DialVideoCall { .. } => ("dialerAction", "dialVideoCall"),
            Self::ShowLocation { .. } => ("mapAction", "showLocation"),
            Self::RequestLocationPush { .. } => ("mapAction", "requestLocationPush"),
            Self::CreateCalendarEvent { .. } => ("calendarAction", "createCalendarEvent"),
            Self::ComposeTextMessage { .. } => ("composeAction", "composeTextMessage"),
            Self::ComposeRecordingMessage { .. } => ("composeAction", "composeRecordingMessage"),
            Self::RequestDeviceSpecifics { .. } => ("deviceAction", "requestDeviceSpecifics"),
            Self::DisableAnonymization { .. } => ("settingsAction", "disableAnonymization"),
            Self::EnableDisplayedNotifications { .. } => ("settingsAction", "enableDisplayedNotifications"),
        }
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Named<'a>(&'static str, &'a ActionKind);
        impl Serialize for Named<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([(self.0, self.1)])
            }
        }

        let (group, name) = self.kind.names();
        let mut action = serializer.serialize_map(None)?;
        action.serialize_entry("displayText", &self.display_text)?;
        if let Some(postback) = &self.postback {
            action.serialize_entry("postback", postback)?;
        }
        action.serialize_entry(group, &Named(name, &self.kind))?;
        for (key, value) in &self.extra {
            action.serialize_entry(key, value)?;
        }
        action.end()
    }
}

impl Document for SuggestionList {
    fn from_value(value: Value) -> Result<Self, Vec<Violation>> {
        let mut faults = Faults::default();
        let list = Members::of("", value, &mut faults).and_then(|mut root| {
            root.required("suggestions", &mut faults, |m, key, faults| m.list(key, faults, read))
        });
        faults.finish(list.map(|suggestions| Self { suggestions }))
    }

    fn validate(&self, limits: &Limits) -> Vec<Violation> {
        super::validate::suggestion_list(self, limits)
    }
}

/// The member that says what an action does; exactly one of them stands in an action.
const GROUPS: [&str; 7] = [
    "urlAction",
    "dialerAction",
    "mapAction",
    "calendarAction",
    "composeAction",
    "deviceAction",
    "settingsAction",
];

/// A suggestion out of `{"reply":{…}}` or `{"action":{…}}`.
pub(super) fn read(mut item: Members, faults: &mut Faults) -> Option<Suggestion> {
    match (item.has("reply"), item.has("action")) {
        (true, false) => {
            let reply = item.object("reply", faults)?;
            read_reply(reply, faults).map(Suggestion::Reply)
        }
        (false, true) => {
            let beside = GROUPS.into_iter().find_map(|group| Some((group, item.value(group)?)));
            let mut action = item.object("action", faults)?;
            // One chatbot library puts what the action does beside it, and nothing where it belongs.
            if let Some((group, what)) = beside
                && action.peek(group).and_then(Value::as_object).is_some_and(Extra::is_empty)
            {
                action.put(group, what);
            }
            read_action(action, faults).map(Suggestion::Action)
        }
        // Another leaves `action` out.
        (false, false) if GROUPS.iter().any(|group| item.has(group)) => {
            read_action(item, faults).map(Suggestion::Action)
        }
        (both, _) => {
            let (rule, detail) = if both {
                (rule::ONE_OF, "both reply and action")
            } else {
                (rule::REQUIRED, "neither reply nor action")
            };
            faults.add(item.path, rule, detail);
            None
        }
    }
}

fn read_reply(mut reply: Members, faults: &mut Faults) -> Option<Reply> {
    let display_text = reply.text("displayText", faults);
    let postback = read_postback(&mut reply, faults);
    Some(Reply { display_text: display_text?, postback, extra: reply.rest() })
}

/// `postback.data` is required, and may be empty.
pub(super) fn read_postback(parent: &mut Members, faults: &mut Faults) -> Option<Postback> {
    let mut postback = parent.object("postback", faults)?;
    let data = match postback.value("data") {
        Some(Value::String(data)) => data,
        Some(other) => {
            faults.add(postback.at("data"), rule::TYPE, format!("{} where a string belongs", kind(&other)));
            return None;
        }
        None => {
            faults.add(postback.at("data"), rule::REQUIRED, "missing");
            return None;
        }
    };
    Some(Postback { data, extra: postback.rest() })
}

fn read_action(mut action: Members, faults: &mut Faults) -> Option<Action> {
    let groups: Vec<&str> = GROUPS.into_iter().filter(|group| action.has(group)).collect();
    let (kind, inner_text) = match groups[..] {
        [group] => {
            let mut members = action.object(group, faults)?;
            // The library that leaves `action` out puts the text inside the group.
            let inner_text = if action.has("displayText") { None } else { members.value("displayText") };
            (read_kind(group, members, faults), inner_text)
        }
        [] => {
            faults.add(action.path.as_str(), rule::ACTION, format!("none of {}", GROUPS.join(", ")));
            (None, None)
        }
        _ => {
            faults.add(
                action.path.as_str(),
                rule::ONE_OF,
                format!("more than one action: {}", groups.join(", ")),
            );
            (None, None)
        }
    };
    let display_text = match inner_text {
        Some(Value::String(text)) if !text.is_empty() => {
            action.value("displayText");
            Some(text)
        }
        _ => action.text("displayText", faults),
    };
    let postback = read_postback(&mut action, faults);
    Some(Action { display_text: display_text?, postback, kind: kind?, extra: action.rest() })
}

fn read_kind(group: &str, mut members: Members, faults: &mut Faults) -> Option<ActionKind> {
    // The same library has a name of its own for it.
    if let Some(call) = members.value("dialVideoNumber")
        && !members.has("dialVideoCall")
    {
        members.put("dialVideoCall", call);
    }
    let known: &[&str] = match group {
        "urlAction" => &["openUrl"],
        "dialerAction" => &["dialPhoneNumber", "dialEnrichedCall", "dialVideoCall"],
        "mapAction" => &["showLocation", "requestLocationPush"],
        "calendarAction" => &["createCalendarEvent"],
        "composeAction" => &["composeTextMessage", "composeRecordingMessage"],
        "deviceAction" => &["requestDeviceSpecifics"],
        _ => &["disableAnonymization", "enableDisplayedNotifications"],
    };
    let named: Vec<&str> = known.iter().copied().filter(|name| members.has(name)).collect();
    let [name] = named[..] else {
        let (rule, detail) = if named.is_empty() {
            (rule::ACTION, format!("none of {}", known.join(", ")))
        } else {
            (rule::ONE_OF, format!("more than one of {}", known.join(", ")))
        };
        faults.add(members.path, rule, detail);
        return None;
    };
    let m = members.object(name, faults)?;
    ActionKind::read(name, m, faults)
}

fn read_open_url(mut m: Members, faults: &mut Faults) -> Option<ActionKind> {
    words! {
        /// The words of `application`.
        Where { Browser = "browser", Webview = "webview", }
    }
    let url = m.text("url", faults);
    let application = match m.word("application", faults) {
        Some(Where::Webview) => Application::Webview {
            view_mode: m.word("viewMode", faults),
            parameters: m.string("parameters", faults),
        },
        Some(Where::Browser) | None => Application::Browser,
    };
    Some(ActionKind::OpenUrl { url: url?, application, extra: m.rest() })
}

fn read_dial(name: &str, mut m: Members, faults: &mut Faults) -> Option<ActionKind> {
    let phone_number = m.text("phoneNumber", faults);
    let fallback_url = m.string("fallbackUrl", faults);
    let subject = if name == "dialEnrichedCall" { m.string("subject", faults) } else { None };
    let (phone_number, extra) = (phone_number?, m.rest());
    Some(match name {
        "dialEnrichedCall" => ActionKind::DialEnrichedCall { phone_number, subject, fallback_url, extra },
        "dialVideoCall" => ActionKind::DialVideoCall { phone_number, fallback_url, extra },
        _ => ActionKind::DialPhoneNumber { phone_number, fallback_url, extra },
    })
}

fn read_show_location(mut m: Members, faults: &mut Faults) -> Option<ActionKind> {
    let location =
        m.required("location", faults, Members::object).and_then(|place| read_place(place, faults));
    let fallback_url = m.string("fallbackUrl", faults);
    Some(ActionKind::ShowLocation { location: location?, fallback_url, extra: m.rest() })
}

fn read_place(mut m: Members, faults: &mut Faults) -> Option<Place> {
    let point = m.has("latitude") || m.has("longitude");
    // With a point beside it, a query is one of the members that we have no name for.
    if !point {
        let query = m.text("query", faults);
        return Some(Place::Query { query: query?, extra: m.rest() });
    }
    let latitude = m.required("latitude", faults, Members::number);
    let longitude = m.required("longitude", faults, Members::number);
    let label = m.string("label", faults);
    Some(Place::Point { latitude: latitude?, longitude: longitude?, label, extra: m.rest() })
}

fn read_calendar_event(mut m: Members, faults: &mut Faults) -> Option<ActionKind> {
    let start_time = m.text("startTime", faults);
    let end_time = m.text("endTime", faults);
    let title = m.text("title", faults);
    let description = m.string("description", faults);
    let fallback_url = m.string("fallbackUrl", faults);
    Some(ActionKind::CreateCalendarEvent {
        start_time: start_time?,
        end_time: end_time?,
        title: title?,
        description,
        fallback_url,
        extra: m.rest(),
    })
}

fn read_compose(name: &str, mut m: Members, faults: &mut Faults) -> Option<ActionKind> {
    let phone_number = m.text("phoneNumber", faults);
    if name == "composeTextMessage" {
        let text = m.text("text", faults);
        return Some(ActionKind::ComposeTextMessage {
            phone_number: phone_number?,
            text: text?,
            extra: m.rest(),
        });
    }
    let recording = m.required("type", faults, Members::word);
    Some(ActionKind::ComposeRecordingMessage {
        phone_number: phone_number?,
        recording: recording?,
        extra: m.rest(),
    })
}
