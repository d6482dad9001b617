//! Where a conversation stands: the language, the search so far, and the question that is open. Kept as one
//! JSON row per user. All that a tap needs travels in the tap itself (`postback.rs`); the session is for
//! what people type.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use time::Date;

use crate::language::{Lang, iso, parse_iso};
use crate::timetable::Place;
use crate::understand::{Kind, Window};

/// The state of one user's conversation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Session {
    pub lang: Lang,
    /// The search, in the form it has in postbacks.
    query: String,
    pub asking: Asking,
    /// Of the last message from the user; later news (an order that lapsed) goes into the same thread.
    pub conversation_id: String,
    /// Label and data of the replies on show, for those who type what is written on them.
    #[serde(default)]
    pub offered: Vec<(String, String)>,
    /// When the user tapped or wrote last, Unix seconds.
    pub active_at: i64,
}

/// The question that the next typed message may answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asking {
    #[default]
    Nothing,
    From,
    To,
    Date,
    /// Name and document of a new passenger for this draft (in its postback form).
    Passenger(String),
}

/// A search; what is absent must still be asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub from: Option<Place>,
    pub to: Option<Place>,
    pub date: Option<Date>,
    pub window: Option<Window>,
    pub kind: Option<Kind>,
    /// The order whose ticket is to be exchanged for what is found.
    pub change_of: Option<String>,
}

impl Session {
    /// The session of a user, or a new one.
    pub fn load(db: &Connection, user: &str) -> rusqlite::Result<Self> {
        let body: Option<String> =
            db.query_row("SELECT body FROM sessions WHERE user = ?", [user], |row| row.get(0)).optional()?;
        // A session of an older shape starts afresh: nothing in it is a promise.
        Ok(body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default())
    }

    /// Writes it back.
    pub fn save(&self, db: &Connection, user: &str) -> rusqlite::Result<()> {
        let body = serde_json::to_string(self).expect("a session is plain data");
        db.execute("INSERT OR REPLACE INTO sessions (user, body) VALUES (?, ?)", params![user, body])?;
        Ok(())
    }

    /// The search so far.
    pub fn query(&self) -> Query {
        Query::decode(&self.query).unwrap_or_default()
    }

    /// Replaces the search.
    pub fn set_query(&mut self, query: &Query) {
        self.query = query.encode();
    }

    /// From here on a search is for a new ticket, not for the exchange of one.
    pub fn end_change(&mut self) {
        let query = self.query();
        if query.change_of.is_some() {
            self.set_query(&Query { change_of: None, ..query });
        }
    }
}

impl Query {
    /// Six fields with `,` between; empty ones are absent.
    pub fn encode(&self) -> String {
        let place = |place: &Option<Place>| place.as_ref().map_or(String::new(), |place| place.0.clone());
        let window = self.window.map_or(String::new(), |w| format!("{}-{}", w.from_min, w.until_min));
        let kind = match self.kind {
            None => String::new(),
            Some(Kind::HighSpeed) => "fast".into(),
            Some(Kind::MultipleUnit) => "emu".into(),
            Some(Kind::Conventional) => "slow".into(),
            Some(Kind::Prefix(letter)) => letter.into(),
        };
        let date = self.date.map(iso).unwrap_or_default();
        let change_of = self.change_of.clone().unwrap_or_default();
        [place(&self.from), place(&self.to), date, window, kind, change_of].join(",")
    }

    /// The reverse of `encode`; `None` for anything else.
    pub fn decode(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split(',').collect();
        let [from, to, date, window, kind, change_of] = fields[..] else {
            return None;
        };
        let some = |field: &str| (!field.is_empty()).then(|| field.to_string());
        let window = match window.split_once('-') {
            Some((from, until)) => {
                Some(Window { from_min: from.parse().ok()?, until_min: until.parse().ok()? })
            }
            None => None,
        };
        let kind = match kind {
            "" => None,
            "fast" => Some(Kind::HighSpeed),
            "emu" => Some(Kind::MultipleUnit),
            "slow" => Some(Kind::Conventional),
            letter => Some(Kind::Prefix(letter.chars().next()?)),
        };
        Some(Self {
            from: some(from).map(Place),
            to: some(to).map(Place),
            date: parse_iso(date),
            window,
            kind,
            change_of: some(change_of),
        })
    }
}
