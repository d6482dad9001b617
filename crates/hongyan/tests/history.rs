//! Conversation history over HTTP: turned on by its owner, read page by page on another device, deleted.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod common;

use std::time::Duration;

use handset::run::{Phone, Server as SipServer};
use handset::{Config as HandsetConfig, Event, Handset, Outgoing};
use hongyan::config::Config;
use rcs::cpim::Cpim;
use rcs::imdn::Disposition;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sip::Transport;
use sip::digest::Challenge;

use common::Server;

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const CAROL: &str = "+8613800000003";
const PASSWORD: &str = "correct horse";
const HISTORY: &str = "/handset/v1/history";
const MESSAGES: &str = "/handset/v1/history/messages";
const PATIENCE: Duration = Duration::from_secs(20);

impl Server {
    /// A server with three subscribers.
    async fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::with(&[ALICE, BOB, CAROL], PASSWORD, change).await
    }

    /// A request of a subscriber's handset, with Digest.
    async fn ask(&self, number: &str, method: Method, target: &str) -> Response {
        let url = format!("http://{}{target}", self.running.bound.http);
        let request = || self.client.request(method.clone(), &url);
        let challenged = request().send().await.unwrap();
        assert_eq!(challenged.status(), StatusCode::UNAUTHORIZED);
        let offered = challenged.headers().get_all("www-authenticate").iter().map(|value| value.as_bytes());
        let challenge = Challenge::best(offered).unwrap();
        let answer = challenge.answer(method.as_str(), target, number, PASSWORD, "c", 1);
        request().header("Authorization", answer).send().await.unwrap()
    }

    async fn json(&self, number: &str, target: &str) -> Value {
        let answer = self.ask(number, Method::GET, target).await;
        assert_eq!(answer.status(), StatusCode::OK, "{target}");
        answer.json().await.unwrap()
    }

    async fn phone(&self, number: &str, seed: u64) -> Phone {
        let domain = self.running.bound.domain.clone();
        let config = HandsetConfig::new(number, &domain, PASSWORD, seed).unwrap();
        let address = self.running.bound.sip_tcp.unwrap();
        let server = SipServer { transport: Transport::Tcp, address };
        let mut phone = Phone::start(Handset::new(config), server).await.unwrap();
        phone.register().await.unwrap();
        phone
    }
}

async fn says(phone: &mut Phone, to: &str, text: &str) {
    phone.send(&format!("tel:{to}"), Outgoing::text(text)).await.unwrap();
}

/// What messages of an answer say, with `>` for those that the owner said.
fn texts(page: &Value) -> Vec<String> {
    let line = |message: &Value| {
        let body = Cpim::parse(message["body"].as_str().unwrap().to_owned().into()).unwrap();
        let sign = if message["direction"] == "out" { '>' } else { '<' };
        format!("{sign}{}", String::from_utf8_lossy(body.payload()))
    };
    page["messages"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_history_is_turned_on_read_by_pages_and_deleted() {
    let server = Server::start(|_| {}).await;
    let off = server.json(ALICE, HISTORY).await;
    assert_eq!((off["offered"].as_bool(), off["enabled"].as_bool()), (Some(true), Some(false)));
    assert_eq!(server.ask(ALICE, Method::GET, MESSAGES).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(server.ask(ALICE, Method::PUT, HISTORY).await.status(), StatusCode::NO_CONTENT);

    let (mut alice, mut bob) = (server.phone(ALICE, 1).await, server.phone(BOB, 2).await);
    for text in ["one", "two", "three"] {
        says(&mut alice, BOB, text).await;
    }
    says(&mut bob, ALICE, "four").await;
    says(&mut alice, CAROL, "five").await;
    // Bob's handset reports on each by itself.
    let reported = alice.wait(PATIENCE, |event| match event {
        Event::Report { disposition: Disposition::Delivered, message_id, .. } => Some(message_id.clone()),
        _ => None,
    });
    let reported = reported.await.unwrap();

    let first = server.json(ALICE, &format!("{MESSAGES}?limit=2")).await;
    assert_eq!(texts(&first), [">five", "<four"], "the latest first");
    let next = first["next"].as_str().unwrap();
    let second = server.json(ALICE, &format!("{MESSAGES}?limit=2&before={next}")).await;
    assert_eq!(texts(&second), [">three", ">two"]);
    let next = second["next"].as_str().unwrap();
    let third = server.json(ALICE, &format!("{MESSAGES}?before={next}")).await;
    assert_eq!(texts(&third), [">one"]);
    let next = third["next"].as_str().unwrap();
    let end = server.json(ALICE, &format!("{MESSAGES}?before={next}")).await;
    assert_eq!((texts(&end).len(), &end["next"]), (0, &Value::Null));

    let all = server.json(ALICE, MESSAGES).await;
    let found = all["messages"].as_array().unwrap().iter().find(|message| message["messageId"] == *reported);
    let found = found.unwrap();
    assert_eq!((&found["peer"], &found["failed"]), (&json!(format!("tel:{BOB}")), &json!(false)));
    assert_eq!(found["reports"][0]["by"], format!("tel:{BOB}"));
    assert!(found["reports"][0]["deliveredAt"].is_string());
    assert_eq!(server.ask(BOB, Method::GET, MESSAGES).await.status(), StatusCode::NOT_FOUND);

    // One message, a conversation, everything.
    let one = format!("{MESSAGES}/{}", found["id"].as_str().unwrap());
    assert_eq!(server.ask(ALICE, Method::DELETE, &one).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(server.ask(ALICE, Method::DELETE, &one).await.status(), StatusCode::NOT_FOUND);
    let with_bob = format!("{HISTORY}/conversations/13800000002");
    assert_eq!(server.ask(ALICE, Method::DELETE, &with_bob).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(texts(&server.json(ALICE, MESSAGES).await), [">five"]);
    assert_eq!(server.ask(ALICE, Method::DELETE, MESSAGES).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(texts(&server.json(ALICE, MESSAGES).await), Vec::<String>::new());
    assert_eq!(server.json(ALICE, HISTORY).await["enabled"], true);
    for (target, status) in [
        (format!("{MESSAGES}?before=nonsense"), StatusCode::BAD_REQUEST),
        (format!("{MESSAGES}?limit=many"), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(server.ask(ALICE, Method::GET, &target).await.status(), status, "{target}");
    }
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_operator_turns_it_on_and_off_or_does_not_offer_it() {
    let server = Server::start(|_| {}).await;
    let path = "/subscribers/13800000001/history";
    let on = server.admin(Method::PUT, path).send().await.unwrap();
    assert_eq!(on.status(), StatusCode::NO_CONTENT);
    let mut alice = server.phone(ALICE, 1).await;
    says(&mut alice, BOB, "hello").await;
    let shown: Value = server.admin(Method::GET, path).send().await.unwrap().json().await.unwrap();
    assert_eq!((&shown["enabled"], &shown["messages"]), (&json!(true), &json!(1)));
    let off = server.admin(Method::DELETE, path).send().await.unwrap();
    assert_eq!(off.status(), StatusCode::NO_CONTENT);
    assert_eq!(server.json(ALICE, HISTORY).await["enabled"], false);
    let nobody = server.admin(Method::PUT, "/subscribers/13800009999/history").send().await.unwrap();
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
    server.running.stop().await;

    let server = Server::start(|config| config.history.offered = false).await;
    assert_eq!(server.json(ALICE, HISTORY).await["offered"], false);
    assert_eq!(server.ask(ALICE, Method::PUT, HISTORY).await.status(), StatusCode::FORBIDDEN);
    server.running.stop().await;
}
