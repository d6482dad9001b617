//! Suggested replies and actions: chips under a message, buttons of a card.
//!
//! `{"reply":{"text","postbackData"}}` or `{"action":{"text","postbackData","fallbackUrl", one action}}`. Accepted beside
//! the documented form: no `postbackData`; a place without `latLong` but with `query`.

use rcs::bot::{
    Action, ActionKind, Application, Extra, Place, Postback, Reply, Suggestion, ViewMode,
    reader::{Faults, Members},
    rule,
};

use super::reading::{choice, one_of};

/// What an action may do.
const ACTIONS: [&str; 6] = [
    "dialAction",
    "viewLocationAction",
    "createCalendarEventAction",
    "openUrlAction",
    "shareLocationAction",
    "composeAction",
];

/// Reads one item of `suggestions`.
pub(super) fn read(mut item: Members, faults: &mut Faults) -> Option<Suggestion> {
    match one_of(&item, &["reply", "action"], faults)? {
        "reply" => {
            let mut reply = item.object("reply", faults)?;
            let display_text = reply.text("text", faults);
            let postback = reply.string("postbackData", faults).map(Postback::new);
            Some(Suggestion::Reply(Reply { display_text: display_text?, postback, extra: Extra::new() }))
        }
        _ => {
            let action = item.object("action", faults)?;
            read_action(action, faults).map(Suggestion::Action)
        }
    }
}

fn read_action(mut action: Members, faults: &mut Faults) -> Option<Action> {
    let display_text = action.text("text", faults);
    let postback = action.string("postbackData", faults).map(Postback::new);
    let fallback_url = action.string("fallbackUrl", faults);
    let kind = one_of(&action, &ACTIONS, faults).and_then(|name| {
        let mut members = action.object(name, faults)?;
        match name {
            "viewLocationAction" => return read_view_location(members, fallback_url, faults),
            "openUrlAction" => return read_open_url(members, faults),
            _ => {}
        }
        // The others have the members of the specification's, but for where the fallback stands.
        let name = match name {
            "dialAction" => "dialPhoneNumber",
            "createCalendarEventAction" => "createCalendarEvent",
            "shareLocationAction" => return Some(ActionKind::RequestLocationPush { extra: Extra::new() }),
            _ => {
                let name = one_of(&members, &["composeTextMessage", "composeRecordingMessage"], faults)?;
                members = members.object(name, faults)?;
                name
            }
        };
        if let Some(url) = fallback_url.filter(|_| !name.starts_with("compose")) {
            members.put("fallbackUrl", url.into());
        }
        ActionKind::read(name, members, faults)
    });
    Some(Action { display_text: display_text?, postback, kind: kind?, extra: Extra::new() })
}

fn read_view_location(
    mut m: Members,
    fallback_url: Option<String>,
    faults: &mut Faults,
) -> Option<ActionKind> {
    let extra = Extra::new();
    let label = m.string("label", faults);
    let query = m.string("query", faults);
    let location = if m.has("latLong") {
        let mut point = m.object("latLong", faults)?;
        // Nought is left out by libraries that write the interface's JSON from its definition.
        let mut degrees = |key| match point.has(key) {
            true => point.number(key, faults),
            false => Some(0.0),
        };
        let (latitude, longitude) = (degrees("latitude"), degrees("longitude"));
        Place::Point { latitude: latitude?, longitude: longitude?, label, extra: Extra::new() }
    } else if let Some(query) = query {
        Place::Query { query, extra: Extra::new() }
    } else {
        faults.add(m.path, rule::REQUIRED, "none of latLong, query");
        return None;
    };
    Some(ActionKind::ShowLocation { location, fallback_url, extra })
}

fn read_open_url(mut m: Members, faults: &mut Faults) -> Option<ActionKind> {
    let url = m.text("url", faults);
    let is_webview =
        choice(&mut m, "application", faults, &[("BROWSER", false), ("WEBVIEW", true)]).unwrap_or(false);
    let modes = [("FULL", ViewMode::Full), ("HALF", ViewMode::Half), ("TALL", ViewMode::Tall)];
    let view_mode = choice(&mut m, "webviewViewMode", faults, &modes);
    let application = match is_webview {
        true => Application::Webview { view_mode, parameters: None },
        false => Application::Browser,
    };
    Some(ActionKind::OpenUrl { url: url?, application, extra: Extra::new() })
}
