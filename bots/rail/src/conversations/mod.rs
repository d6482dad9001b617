//! Whole conversations against the decisions, with a virtual clock. Every message that the bot sends in any
//! of them is checked against the limits of the content model.

mod booking;
mod changing;
mod chatter;
mod limits;
mod money;
mod searching;
mod seats;
mod wandering;

use std::sync::LazyLock;

use rusqlite::Connection;
use serde_json::Value;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::bot::{Bot, Inbound, PageOutcome};
use crate::database;
use crate::decide::{Input, Payment, Settlement, World};
use crate::media::Gallery;
use crate::timetable::Timetable;
use crate::understand::Gazetteer;

/// One for all tests: it never changes, and its pictures take a moment to draw.
static BOT: LazyLock<Bot> = LazyLock::new(|| {
    let timetable = Timetable::builtin();
    let gazetteer = Gazetteer::new(&timetable);
    let public_url = "http://127.0.0.1:8090".to_string();
    Bot {
        world: World { timetable, gazetteer, gallery: Gallery::default(), public_url },
        chatbot_id: "sip:12306@botplatform.hongyan.local".into(),
    }
});

/// A conversation of one user (or of several, by `user`), from Monday 23 November 2026, 10:00.
struct Play {
    db: Connection,
    now: OffsetDateTime,
    user: String,
    drawn: u128,
    sent: u32,
    read: i64,
    /// Everything the bot said, newest last.
    said: Vec<Value>,
}

impl Play {
    fn new() -> Self {
        Self {
            db: database::in_memory(),
            now: datetime!(2026-11-23 10:00 +8),
            user: "tel:+8613800000001".into(),
            drawn: 0,
            sent: 0,
            read: 0,
            said: Vec::new(),
        }
    }

    /// A conversation in English.
    fn english() -> Self {
        let mut play = Self::new();
        play.say("hello");
        play
    }

    /// The user writes; the bot's answers.
    fn say(&mut self, text: &str) -> Vec<Value> {
        self.send(Input::Text(text.into()))
    }

    /// The user taps the newest suggestion whose label starts so.
    fn tap(&mut self, label: &str) -> Vec<Value> {
        let suggestion = self.suggestion(label);
        let label = suggestion["displayText"].as_str().expect("a label").to_string();
        let data = suggestion["postback"]["data"].as_str().map(str::to_string);
        self.send(Input::Tap { label, data })
    }

    /// Data of no chip that is on show.
    fn tap_data(&mut self, data: &str) -> Vec<Value> {
        self.send(Input::Tap { label: "?".into(), data: Some(data.into()) })
    }

    fn send(&mut self, input: Input) -> Vec<Value> {
        self.sent += 1;
        let inbound = Inbound {
            message_id: format!("m{}", self.sent),
            user: self.user.clone(),
            conversation_id: "conversation".into(),
            contribution_id: format!("c{}", self.sent),
            input,
        };
        self.deliver(&inbound);
        self.new_messages()
    }

    /// Hands a push over; false if it was a repeat.
    fn deliver(&mut self, inbound: &Inbound) -> bool {
        let drawn = &mut self.drawn;
        BOT.receive(&mut self.db, self.now, &mut || fresh(drawn), inbound).expect("the database works")
    }

    /// The newest suggestion whose label starts so, chip or button, with its action.
    fn suggestion(&self, label: &str) -> Value {
        let found = self.said.iter().rev().find_map(|message| {
            suggestions(message).into_iter().find(|suggestion| {
                suggestion["displayText"].as_str().is_some_and(|text| text.starts_with(label))
            })
        });
        found.unwrap_or_else(|| panic!("no suggestion {label} in {:#?}", self.said.last()))
    }

    /// Pays what the newest payment link asks for.
    fn pay(&mut self, payment_id: &str) -> (Settlement, Vec<Value>) {
        let token = self.pay_token();
        self.pay_by(&token, payment_id)
    }

    fn pay_by(&mut self, token: &str, payment_id: &str) -> (Settlement, Vec<Value>) {
        let amount_fen = self
            .db
            .query_row("SELECT due_fen FROM orders WHERE pay_token = ?", [token], |row| row.get(0))
            .expect("an order with this token");
        let payment = Payment { pay_token: token.into(), payment_id: payment_id.into(), amount_fen };
        self.settle(&PageOutcome::Paid(payment))
    }

    fn settle(&mut self, outcome: &PageOutcome) -> (Settlement, Vec<Value>) {
        let drawn = &mut self.drawn;
        let settlement =
            BOT.settle(&mut self.db, self.now, &mut || fresh(drawn), outcome).expect("the database works");
        (settlement, self.new_messages())
    }

    /// The token in the newest payment link.
    fn pay_token(&self) -> String {
        let link =
            self.said.iter().rev().flat_map(suggestions).find_map(|suggestion| {
                suggestion["urlAction"]["openUrl"]["url"].as_str().map(str::to_string)
            });
        link.expect("a payment link").rsplit('/').next().expect("a token").to_string()
    }

    /// Time passes; orders lapse as they do in life.
    fn wait(&mut self, duration: Duration) -> Vec<Value> {
        self.now += duration;
        let drawn = &mut self.drawn;
        BOT.expire(&mut self.db, self.now, &mut || fresh(drawn)).expect("the database works");
        self.new_messages()
    }

    /// From nothing to the payment card of the first train of a search.
    fn order_first(&mut self, search: &str, class: &str) -> Vec<Value> {
        self.say(search);
        let english = self.shown_text().contains("trains, here are");
        self.tap(if english { "Book" } else { "预订" });
        self.tap(class);
        if self.shown_text().contains("乘车人的姓名") || self.shown_text().contains("passenger's name")
        {
            self.say("王小明 13800000001");
        } else {
            self.tap("王小明");
        }
        self.tap(if english { "Place order" } else { "提交订单" })
    }

    /// The text of the bot's last two messages.
    fn shown_text(&self) -> String {
        self.said.iter().rev().take(2).map(text).collect::<Vec<_>>().join("\n")
    }

    fn count(&self, sql: &str) -> i64 {
        self.db.query_row(sql, [], |row| row.get(0)).expect("a count")
    }

    fn new_messages(&mut self) -> Vec<Value> {
        let mut rows =
            self.db.prepare("SELECT seq, body FROM outbox WHERE seq > ? ORDER BY seq").expect("outbox");
        let new: Vec<(i64, String)> = rows
            .query_map([self.read], |row| Ok((row.get(0)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .expect("outbox rows");
        drop(rows);
        let mut bodies = Vec::new();
        for (seq, body) in new {
            self.read = seq;
            let body: Value = serde_json::from_str(&body).expect("a JSON body");
            let broken = limits::violations(&body);
            assert!(broken.is_empty(), "{broken:?} in {body:#}");
            bodies.push(body);
        }
        self.said.extend(bodies.iter().cloned());
        bodies
    }
}

fn fresh(drawn: &mut u128) -> u128 {
    *drawn += 1;
    // Spread over all bits, as random numbers are.
    drawn.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

/// All words of a message: text, titles and descriptions of cards.
fn text(message: &Value) -> String {
    fn collect(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::Object(fields) => fields.iter().for_each(|(key, value)| match value {
                Value::String(text) if ["title", "description", "contentText"].contains(&key.as_str()) => {
                    words.push(text.clone());
                }
                other => collect(other, words),
            }),
            Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
            _ => {}
        }
    }
    let mut words = Vec::new();
    collect(&message["messageList"], &mut words);
    words.join("\n")
}

fn texts(messages: &[Value]) -> String {
    messages.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// All suggestions of a message, buttons of cards first.
fn suggestions(message: &Value) -> Vec<Value> {
    cards(message)
        .iter()
        .map(|card| &card["suggestions"])
        .chain(
            message["messageList"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| &item["contentText"]["suggestions"]),
        )
        .flat_map(|list| list.as_array().cloned().unwrap_or_default())
        .map(|item| if item["reply"].is_object() { item["reply"].clone() } else { item["action"].clone() })
        .collect()
}

fn labels(messages: &[Value]) -> Vec<String> {
    messages
        .iter()
        .flat_map(suggestions)
        .filter_map(|suggestion| suggestion["displayText"].as_str().map(str::to_string))
        .collect()
}

fn cards(message: &Value) -> Vec<Value> {
    let content = &message["messageList"][0]["contentText"]["message"];
    let single = &content["generalPurposeCard"]["content"];
    if single.is_object() {
        return vec![single.clone()];
    }
    content["generalPurposeCardCarousel"]["content"].as_array().cloned().unwrap_or_default()
}
