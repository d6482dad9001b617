//! What a chip or button sends back when it is tapped.
//!
//! A tap carries everything that it needs, so that it works after a restart, out of order, or a week later
//! from far up in the conversation. The text is `verb:argument`, well below the 2048 characters allowed.

use time::Date;

use crate::language::{Lang, iso, parse_iso};
use crate::session::Query;
use crate::timetable::{Class, Leg, Place, Timetable};

/// Sent by a phone that opens the conversation for the first time (RCC.07).
pub const NEW_USER: &str = "new_bot_user_initiation";

/// A tap, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Tap {
    Start,
    Help,
    Language(Lang),
    NewSearch,
    /// Search with exactly these parameters, from the nth result on.
    Find(Query, usize),
    /// One part of the open search.
    From(Place),
    To(Place),
    On(Date),
    Choose(Draft),
    Stops(Draft),
    Class(Draft),
    Passenger(Draft),
    NewPassenger(Draft),
    DemoPassenger(Draft),
    /// Order what the draft says; the key makes a second tap find the order of the first.
    Confirm(Draft, String),
    Orders,
    Pay(String),
    Cancel(String),
    Ticket(String),
    Refund(String),
    RefundConfirmed(String),
    Change(String),
    /// The phone has done what the button says (calendar, map, page): nothing to answer.
    Done,
    Dismiss,
}

/// A journey being put together: train, day, stations, then class, then passenger.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    pub train: String,
    pub date: Date,
    pub from: String,
    pub to: String,
    pub class: Option<Class>,
    /// Row of the passenger table.
    pub passenger: Option<i64>,
    /// The order whose ticket this one replaces.
    pub change_of: Option<String>,
}

impl Tap {
    /// The tap that this text stands for, if it is one of ours.
    pub fn decode(data: &str) -> Option<Self> {
        if data == NEW_USER {
            return Some(Self::Start);
        }
        let (verb, argument) = data.split_once(':').unwrap_or((data, ""));
        let draft = || Draft::decode(argument);
        let order = || argument.to_string();
        Some(match verb {
            "help" => Self::Help,
            "lang" => Self::Language(if argument == "en" { Lang::En } else { Lang::Zh }),
            "search" => Self::NewSearch,
            "find" => {
                let (query, first) = argument.split_once('@')?;
                Self::Find(Query::decode(query)?, first.parse().ok()?)
            }
            "from" => Self::From(Place(argument.to_string())),
            "to" => Self::To(Place(argument.to_string())),
            "on" => Self::On(parse_iso(argument)?),
            "train" => Self::Choose(draft()?),
            "stops" => Self::Stops(draft()?),
            "class" => Self::Class(draft()?),
            "who" => Self::Passenger(draft()?),
            "new" => Self::NewPassenger(draft()?),
            "demo" => Self::DemoPassenger(draft()?),
            "order" => {
                let (draft, key) = argument.split_once('@')?;
                Self::Confirm(Draft::decode(draft)?, key.to_string())
            }
            "orders" => Self::Orders,
            "pay" => Self::Pay(order()),
            "cancel" => Self::Cancel(order()),
            "ticket" => Self::Ticket(order()),
            "refund" => Self::Refund(order()),
            "refund-yes" => Self::RefundConfirmed(order()),
            "change" => Self::Change(order()),
            "done" => Self::Done,
            "dismiss" => Self::Dismiss,
            _ => return None,
        })
    }

    /// The reverse of `decode`.
    pub fn encode(&self) -> String {
        match self {
            Self::Start => NEW_USER.into(),
            Self::Help => "help".into(),
            Self::Language(Lang::Zh) => "lang:zh".into(),
            Self::Language(Lang::En) => "lang:en".into(),
            Self::NewSearch => "search".into(),
            Self::Find(query, first) => format!("find:{}@{first}", query.encode()),
            Self::From(place) => format!("from:{}", place.0),
            Self::To(place) => format!("to:{}", place.0),
            Self::On(date) => format!("on:{}", iso(*date)),
            Self::Choose(draft) => format!("train:{}", draft.encode()),
            Self::Stops(draft) => format!("stops:{}", draft.encode()),
            Self::Class(draft) => format!("class:{}", draft.encode()),
            Self::Passenger(draft) => format!("who:{}", draft.encode()),
            Self::NewPassenger(draft) => format!("new:{}", draft.encode()),
            Self::DemoPassenger(draft) => format!("demo:{}", draft.encode()),
            Self::Confirm(draft, key) => format!("order:{}@{key}", draft.encode()),
            Self::Orders => "orders".into(),
            Self::Pay(order) => format!("pay:{order}"),
            Self::Cancel(order) => format!("cancel:{order}"),
            Self::Ticket(order) => format!("ticket:{order}"),
            Self::Refund(order) => format!("refund:{order}"),
            Self::RefundConfirmed(order) => format!("refund-yes:{order}"),
            Self::Change(order) => format!("change:{order}"),
            Self::Done => "done".into(),
            Self::Dismiss => "dismiss".into(),
        }
    }
}

impl Draft {
    /// The draft of a leg, class and passenger still open.
    pub fn of(leg: &Leg, timetable: &Timetable, change_of: Option<String>) -> Self {
        Self {
            train: leg.train.number.clone(),
            date: leg.date(),
            from: timetable.at(leg.from()).code.clone(),
            to: timetable.at(leg.to()).code.clone(),
            class: None,
            passenger: None,
            change_of,
        }
    }

    /// The train that it is about, if there is such a train.
    pub fn leg<'t>(&self, timetable: &'t Timetable) -> Option<Leg<'t>> {
        timetable.leg(&self.train, self.date, &self.from, &self.to)
    }

    /// Seven fields with `,` between; empty ones are absent.
    pub fn encode(&self) -> String {
        [
            self.train.clone(),
            iso(self.date),
            self.from.clone(),
            self.to.clone(),
            self.class.map_or("", Class::code).to_string(),
            self.passenger.map(|passenger| passenger.to_string()).unwrap_or_default(),
            self.change_of.clone().unwrap_or_default(),
        ]
        .join(",")
    }

    /// The reverse of `encode`; `None` for anything else.
    pub fn decode(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.split(',').collect();
        let [train, date, from, to, class, passenger, change_of] = fields[..] else {
            return None;
        };
        Some(Self {
            train: train.to_string(),
            date: parse_iso(date)?,
            from: from.to_string(),
            to: to.to_string(),
            class: Class::from_code(class),
            passenger: passenger.parse().ok(),
            change_of: (!change_of.is_empty()).then(|| change_of.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_again() {
        let draft = Draft {
            train: "G1".into(),
            date: date!(2026 - 11 - 30),
            from: "VNP".into(),
            to: "AOH".into(),
            class: Some(Class::Second),
            passenger: Some(7),
            change_of: Some("E12345678".into()),
        };
        let query = Query { from: Some(Place("beijing".into())), ..Query::default() };
        for tap in [
            Tap::Start,
            Tap::Find(query, 6),
            Tap::Language(Lang::En),
            Tap::On(date!(2026 - 12 - 01)),
            Tap::Confirm(draft.clone(), "k".into()),
            Tap::Choose(Draft { class: None, passenger: None, change_of: None, ..draft }),
            Tap::RefundConfirmed("E1".into()),
        ] {
            assert_eq!(Tap::decode(&tap.encode()), Some(tap));
        }
    }

    #[test]
    fn what_is_not_ours_is_nothing() {
        for data in ["", "buy", "train:", "train:G1,2026-13-01,A,B,,,", "find:x@y", "order:@", "on:tomorrow"]
        {
            assert_eq!(Tap::decode(data), None, "{data}");
        }
    }
}
