//! The persistent menu of a chatbot: `{"menu":{"entries":[…]}}`, up to three levels.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    Action, Document, Extra, Limits, Reply, Suggestion, Violation,
    reader::{Faults, Members},
    suggestion,
};

/// A chatbot's menu; no entries means none.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Menu {
    /// The first level, 1 to 5 entries.
    pub entries: Vec<MenuEntry>,
}

/// An entry of a menu.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MenuEntry {
    /// A prepared answer.
    Reply(Reply),
    /// A prepared action.
    Action(Action),
    /// The next level.
    Menu(SubMenu),
}

/// A menu inside a menu.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SubMenu {
    /// What the user reads, 1 to 25 characters.
    pub display_text: String,
    /// 1 to 5 entries.
    pub entries: Vec<MenuEntry>,
    /// Members that we have no name for.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Serialize for Menu {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Root<'a> {
            menu: Entries<'a>,
        }
        #[derive(Serialize)]
        struct Entries<'a> {
            entries: &'a [MenuEntry],
        }
        Root { menu: Entries { entries: &self.entries } }.serialize(serializer)
    }
}

impl Document for Menu {
    fn from_value(value: Value) -> Result<Self, Vec<Violation>> {
        let mut faults = Faults::default();
        let entries = Members::of("", value, &mut faults).and_then(|mut root| {
            let mut menu = root.required("menu", &mut faults, Members::object)?;
            menu.required("entries", &mut faults, |m, key, faults| m.list(key, faults, read_entry))
        });
        faults.finish(entries.map(|entries| Self { entries }))
    }

    fn validate(&self, limits: &Limits) -> Vec<Violation> {
        super::validate::menu(self, limits)
    }
}

// Recursion is bounded by the JSON ceiling `MAX_DEPTH`.
fn read_entry(mut item: Members, faults: &mut Faults) -> Option<MenuEntry> {
    if !item.has("menu") {
        return Some(match suggestion::read(item, faults)? {
            Suggestion::Reply(reply) => MenuEntry::Reply(reply),
            Suggestion::Action(action) => MenuEntry::Action(action),
        });
    }
    let mut menu = item.object("menu", faults)?;
    let display_text = menu.text("displayText", faults);
    let entries = menu.required("entries", faults, |m, key, faults| m.list(key, faults, read_entry));
    Some(MenuEntry::Menu(SubMenu { display_text: display_text?, entries: entries?, extra: menu.rest() }))
}
