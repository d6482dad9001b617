//! What the bot answers. Plain synchronous functions over (database, time, input): no sockets, no clock,
//! so that the tests play whole conversations in a millisecond.
//!
//! `respond` is called inside the transaction that also remembers the message and queues the answers.

mod booking;
mod change;
mod help;
mod offered;
mod passenger;
mod payment;
mod search;
mod tickets;

use rusqlite::Connection;
use time::OffsetDateTime;

use crate::content::{Message, Suggestion};
use crate::language::{Lang, say};
use crate::media::Gallery;
use crate::postback::Tap;
use crate::session::{Asking, Query, Session};
use crate::timetable::{Place, Timetable};
use crate::understand::{Gazetteer, Intent, Utterance, understand};

pub use payment::{Payment, Settlement, expire, given_up, settle};

/// What never changes while the bot runs.
pub struct World {
    pub timetable: Timetable,
    pub gazetteer: Gazetteer,
    pub gallery: Gallery,
    /// Where phones reach the payment page, without a slash at the end.
    pub public_url: String,
}

/// One decision: the database in a transaction, the time, and for whom.
pub struct Desk<'a> {
    pub db: &'a Connection,
    pub world: &'a World,
    pub now: OffsetDateTime,
    /// The user's address, as the platform writes it.
    pub user: &'a str,
    pub lang: Lang,
    /// Fresh random numbers, for order numbers and tokens.
    pub random: &'a mut dyn FnMut() -> u128,
}

/// What a user sent, as far as it matters.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    Text(String),
    /// A tapped suggestion: what was written on it, and its data if it had any.
    Tap {
        label: String,
        data: Option<String>,
    },
    /// Degrees.
    Location {
        latitude: f64,
        longitude: f64,
    },
    File,
    Other,
}

/// Answers in the order in which to send them.
pub type Answer = rusqlite::Result<Vec<Message>>;

/// Decides the answer and moves the session on.
pub fn respond(desk: &mut Desk, session: &mut Session, input: &Input) -> Answer {
    let now = desk.now.unix_timestamp();
    if now - session.active_at > FORGET_S {
        session.set_query(&Query::default());
        session.asking = Asking::Nothing;
    }
    session.active_at = now;
    desk.lang = session.lang;
    if let Some(old) = session.query().change_of
        && !change::is_possible(desk, &old)?
    {
        session.end_change();
    }
    let answers = answer(desk, session, input)?;
    offered::remember(session, &answers);
    Ok(answers)
}

fn answer(desk: &mut Desk, session: &mut Session, input: &Input) -> Answer {
    match input {
        Input::Text(text) => on_text(desk, session, text),
        Input::Tap { label, data: None } => on_text(desk, session, label),
        Input::Tap { data: Some(data), .. } => match Tap::decode(data) {
            Some(tap) => on_tap(desk, session, tap),
            None => Ok(vec![help::stale(desk)]),
        },
        Input::Location { latitude, longitude } => {
            Ok(vec![search::stations_near(desk, session, *latitude, *longitude)])
        }
        Input::File => Ok(vec![help::cannot_read_files(desk)]),
        Input::Other => Ok(vec![help::unclear(desk)]),
    }
}

fn on_tap(desk: &mut Desk, session: &mut Session, tap: Tap) -> Answer {
    session.asking = Asking::Nothing;
    match tap {
        Tap::Start => {
            session.end_change();
            Ok(vec![help::welcome(desk)])
        }
        Tap::Help => Ok(vec![help::how_to(desk)]),
        Tap::Language(lang) => Ok(vec![help::switch_language(desk, session, lang)]),
        Tap::NewSearch => {
            session.set_query(&Query::default());
            search::find(desk, session, Query::default(), 0)
        }
        Tap::Find(query, first) => search::find(desk, session, query, first),
        Tap::From(place) => search::refine(desk, session, |query| query.from = Some(place)),
        Tap::To(place) => search::refine(desk, session, |query| query.to = Some(place)),
        Tap::On(date) => search::refine(desk, session, |query| query.date = Some(date)),
        Tap::Choose(draft) => booking::choose_class(desk, session, draft),
        Tap::Stops(draft) => Ok(vec![search::stops(desk, &draft)]),
        Tap::Class(draft) => booking::choose_passenger(desk, session, draft),
        Tap::Passenger(draft) => booking::confirm(desk, draft),
        Tap::NewPassenger(draft) => Ok(vec![passenger::ask(desk, session, &draft)]),
        Tap::DemoPassenger(draft) => passenger::demo(desk, draft),
        Tap::Confirm(draft, key) => {
            // Whatever comes of it, the chips below carry the change on if it is to go on.
            session.end_change();
            booking::order(desk, draft, &key)
        }
        Tap::Orders => tickets::list(desk),
        Tap::Pay(order) => payment::show(desk, &order),
        Tap::Cancel(order) => payment::cancel(desk, &order),
        Tap::Ticket(order) => tickets::show(desk, &order),
        Tap::Refund(order) => tickets::ask_refund(desk, &order),
        Tap::RefundConfirmed(order) => tickets::refund(desk, &order),
        Tap::Change(order) => change::start(desk, session, &order, None),
        Tap::Done => Ok(Vec::new()),
        Tap::Dismiss => {
            session.end_change();
            Ok(vec![help::dismissed(desk)])
        }
    }
}

fn on_text(desk: &mut Desk, session: &mut Session, text: &str) -> Answer {
    if let Some(tap) = offered::typed(session, text) {
        return on_tap(desk, session, tap);
    }
    let said = understand(text, desk.now, &desk.world.timetable, &desk.world.gazetteer);
    if let Asking::Passenger(draft) = session.asking.clone()
        && said.intent.is_none()
        && let Some(answer) = passenger::typed(desk, session, &draft, text, &said)?
    {
        return Ok(answer);
    }
    if let Some(lang) = said.lang {
        session.lang = lang;
        desk.lang = lang;
    }
    if let Some(answer) = on_wish(desk, session, &said)? {
        return Ok(answer);
    }
    if let Some(number) = &said.train {
        return search::train(desk, session, number, &said);
    }
    if said.is_about_travel() {
        return search::merge(desk, session, said);
    }
    if offered::is_ambiguous(session, text) {
        return Ok(vec![help::which_train(desk)]);
    }
    Ok(match session.asking {
        Asking::Nothing | Asking::Passenger(_) => vec![help::unclear(desk)],
        _ => {
            let query = session.query();
            search::find(desk, session, query, 0)?
        }
    })
}

/// The answer to a message that is no search.
fn on_wish(
    desk: &mut Desk,
    session: &mut Session,
    said: &Utterance,
) -> rusqlite::Result<Option<Vec<Message>>> {
    let Some(intent) = said.intent else {
        return Ok(None);
    };
    // 改签到明天 and "return trip on Friday" name a day as well, but the wish leads.
    let answer = match intent {
        Intent::Greeting => {
            session.end_change();
            vec![help::welcome(desk)]
        }
        Intent::Help => vec![help::how_to(desk)],
        Intent::Thanks => vec![help::you_are_welcome(desk)],
        Intent::Human => vec![help::human(desk)],
        Intent::Language(lang) => vec![help::switch_language(desk, session, lang)],
        Intent::Orders => tickets::list(desk)?,
        Intent::Pay => payment::show_waiting(desk)?,
        Intent::Refund => match &tickets::open_to(desk, tickets::Purpose::Refund)?[..] {
            [ticket] => tickets::ask_refund(desk, &ticket.id)?,
            several => vec![tickets::pick(desk, tickets::Purpose::Refund, several)],
        },
        Intent::Change => match &tickets::open_to(desk, tickets::Purpose::Change)?[..] {
            [ticket] => change::start(desk, session, &ticket.id, said.day)?,
            several => vec![tickets::pick(desk, tickets::Purpose::Change, several)],
        },
        Intent::Cancel => {
            session.asking = Asking::Nothing;
            session.set_query(&Query::default());
            match payment::offer_cancel(desk)? {
                Some(question) => vec![question],
                None => vec![help::dismissed(desk)],
            }
        }
        Intent::Stops => match &said.train {
            Some(number) => return search::train(desk, session, number, said).map(Some),
            None => vec![help::which_train(desk)],
        },
        Intent::Later | Intent::Earlier | Intent::PreviousDay | Intent::NextDay | Intent::Return => {
            search::turn(desk, session, intent)?
        }
    };
    Ok(Some(answer))
}

impl Desk<'_> {
    /// A place in the user's language.
    pub fn place<'t>(&'t self, place: &'t Place) -> &'t str {
        self.world.timetable.name(place, self.lang)
    }

    /// A station in the user's language, by code.
    pub fn station(&self, code: &str) -> String {
        self.world.timetable.name(&Place(code.to_string()), self.lang).to_string()
    }

    /// A reply chip.
    pub fn chip(&self, zh: &str, en: &str, tap: Tap) -> Suggestion {
        Suggestion::reply(self.lang.pick(zh, en), tap.encode())
    }

    fn orders_chip(&self) -> Suggestion {
        self.chip("我的订单", "My orders", Tap::Orders)
    }

    fn search_chip(&self) -> Suggestion {
        self.chip("查询车票", "Search trains", Tap::NewSearch)
    }

    fn help_chip(&self) -> Suggestion {
        self.chip("帮助", "Help", Tap::Help)
    }

    /// The chip that leads to the other language, written in it.
    fn language_chip(&self) -> Suggestion {
        match self.lang {
            Lang::Zh => Suggestion::reply("English", Tap::Language(Lang::En).encode()),
            Lang::En => Suggestion::reply("中文", Tap::Language(Lang::Zh).encode()),
        }
    }

    /// An order that is not there (or is somebody else's).
    fn no_such_order(&self) -> Vec<Message> {
        let text = say!(self.lang, "没有找到这个订单。", "I could not find that order.");
        vec![Message::text(text).chips([self.orders_chip(), self.search_chip()])]
    }
}

/// After six hours of silence a half-finished search is forgotten.
const FORGET_S: i64 = 6 * 3600;
