//! Chatbots whose webhooks answer 500, hang, close, lead elsewhere, answer without end or drip: over real connections, beside one
//! that is well. Nothing is lost, nobody else waits, and everything can be put back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]
#![allow(clippy::disallowed_methods, reason = "a server of the test's own")]

mod common;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use futures_util::stream;
use handset::run::{Phone, Server as SipServer};
use handset::{Config as HandsetConfig, Event, Handset, Outgoing};
use rcs::imdn::Disposition;
use reqwest::Method;
use serde_json::{Value, json};
use sip::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use common::Server;

const ALICE: &str = "+8613800000001";
const PASSWORD: &str = "correct horse";
const PATIENCE: Duration = Duration::from_secs(120);
/// Chatbots in trouble whose troubles HTTP can tell.
const OVER_HTTP: [&str; 4] = ["error", "redirect", "hang", "flood"];
/// Those whose connections are the trouble.
const BELOW_HTTP: [&str; 2] = ["close", "drip"];
const TEXTS: [&str; 2] = ["one", "two"];

/// The other side of all webhooks.
#[derive(Clone, Default)]
struct Chatbots {
    /// Whether their troubles are over.
    are_well: Arc<AtomicBool>,
    /// What each has taken: its name, and the text.
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

impl Chatbots {
    /// Serves them on loopback.
    async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/{name}/{*path}", post(push)).with_state(self.clone());
        tokio::spawn(axum::serve(listener, router).into_future());
        address
    }

    /// Serves one whose connections are the trouble; when it is well, they lead to the others.
    async fn serve_below(&self, name: &'static str, others: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let are_well = self.are_well.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let are_well = are_well.clone();
                tokio::spawn(async move {
                    if are_well.load(Ordering::SeqCst) {
                        let mut other = tokio::net::TcpStream::connect(others).await.unwrap();
                        let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
                    } else if name == "drip" {
                        // One byte of an answer, and the next in an hour.
                        let _ = stream.read(&mut [0; 1024]).await;
                        let _ = stream.write_all(b"H").await;
                        let _ = stream.read_to_end(&mut Vec::new()).await;
                    }
                });
            }
        });
        address
    }

    fn texts_of(&self, name: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(of, _)| of == name).map(|(_, text)| text.clone()).collect()
    }
}

/// A push, to whichever chatbot.
async fn push(
    State(chatbots): State<Chatbots>,
    Path((name, _)): Path<(String, String)>,
    body: Bytes,
) -> Response {
    let is_well = chatbots.are_well.load(Ordering::SeqCst);
    match name.as_str() {
        "error" if !is_well => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "redirect" if !is_well => return Redirect::temporary("/elsewhere/in").into_response(),
        "hang" if !is_well => return std::future::pending().await,
        "flood" if !is_well => {
            let piece = || Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 16 << 10]));
            let body = Body::from_stream(stream::repeat_with(piece));
            return (StatusCode::BAD_GATEWAY, body).into_response();
        }
        _ => {}
    }
    let push: Value = serde_json::from_slice(&body).unwrap();
    let text = push["messageList"][0]["contentText"].as_str().unwrap().to_owned();
    chatbots.taken.lock().unwrap().push((name, text));
    StatusCode::NO_CONTENT.into_response()
}

/// Waits for so many reports of a kind.
async fn reported(phone: &mut Phone, wanted: Disposition, count: usize) {
    for _ in 0..count {
        let is_wanted = |event: &Event| match event {
            Event::Report { disposition, .. } if *disposition == wanted => Some(()),
            _ => None,
        };
        phone.wait(PATIENCE, is_wanted).await.unwrap();
    }
}

async fn tell(phone: &mut Phone, name: &str, text: &str) {
    let to = format!("sip:{name}@botplatform.hongyan.local");
    let mut outgoing = Outgoing::text(text);
    outgoing.wanted.negative_delivery = true;
    assert_eq!(phone.send(&to, outgoing).await.unwrap(), 202);
}

async fn dead_letters(server: &Server, name: &str) -> Vec<Value> {
    let path = format!("/chatbots/{name}/dead-letters");
    server.admin(Method::GET, &path).send().await.unwrap().json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_hostile_chatbots_do_not_take_can_be_put_back_and_others_do_not_wait() {
    let seconds = |count| NonZeroU64::new(count).unwrap();
    let server = Server::with(&[ALICE], PASSWORD, |config| {
        config.maap.webhook_retries_s = vec![seconds(1)];
        config.maap.webhook_timeout_s = seconds(2);
        config.maap.webhook_give_up_s = seconds(2);
    })
    .await;
    let chatbots = Chatbots::default();
    let address = chatbots.serve().await;
    let mut webhooks = vec![("well", address)];
    webhooks.extend(OVER_HTTP.map(|name| (name, address)));
    for name in BELOW_HTTP {
        webhooks.push((name, chatbots.serve_below(name, address).await));
    }
    // And one that may not be where it is.
    webhooks.push(("private", address));
    for (name, address) in &webhooks {
        let chatbot = json!({
            "name": name,
            "webhook": format!("http://{address}/{name}"),
            "allowPrivateWebhook": *name != "private",
        });
        let made = server.admin(Method::POST, "/chatbots").json(&chatbot).send().await.unwrap();
        assert_eq!(made.status(), StatusCode::CREATED);
    }
    let troubled = || webhooks.iter().map(|(name, _)| *name).filter(|name| *name != "well");

    let domain = server.running.bound.domain.clone();
    let config = HandsetConfig::new(ALICE, &domain, PASSWORD, 1).unwrap();
    let sip = SipServer { transport: Transport::Tcp, address: server.running.bound.sip_tcp.unwrap() };
    let mut alice = Phone::start(Handset::new(config), sip).await.unwrap();
    alice.register().await.unwrap();
    for text in TEXTS {
        for name in troubled() {
            tell(&mut alice, name, text).await;
        }
        tell(&mut alice, "well", text).await;
        reported(&mut alice, Disposition::Delivered, 1).await;
        let taken = chatbots.texts_of("well");
        assert_eq!(taken.last().map(String::as_str), Some(text), "with the others' troubles under way");
    }
    // The first thing that is given up on is given up on after two seconds; all of it sooner or later.
    reported(&mut alice, Disposition::Failed, TEXTS.len() * troubled().count()).await;
    assert_eq!(
        chatbots.taken.lock().unwrap().len(),
        TEXTS.len(),
        "nobody else has anything, here or elsewhere"
    );
    for name in troubled() {
        let letters = dead_letters(&server, name).await;
        assert_eq!(letters.len(), TEXTS.len(), "{name}");
        let answer = letters[0]["lastAnswer"].as_str().unwrap().to_owned();
        let expected = match name {
            "error" => "answered 500",
            "redirect" => "answered 307",
            "flood" => "answered 502",
            "private" => "private",
            "close" => "broken off",
            _ => "no answer in time",
        };
        assert!(answer.contains(expected), "{name}: {answer}");
        assert!(letters[0]["attempts"].as_u64().unwrap() > 1, "{name}: {}", letters[0]);
    }
    let all: Value = server.admin(Method::GET, "/dead-letters").send().await.unwrap().json().await.unwrap();
    assert_eq!(all.as_array().unwrap().len(), TEXTS.len() * troubled().count());

    chatbots.are_well.store(true, Ordering::SeqCst);
    let allowed = json!({ "allowPrivateWebhook": true });
    server.admin(Method::PATCH, "/chatbots/private").json(&allowed).send().await.unwrap();
    for name in troubled() {
        let path = format!("/chatbots/{name}/dead-letters/replay");
        let replayed = server.admin(Method::POST, &path).json(&json!({})).send().await.unwrap();
        let replayed: Value = replayed.json().await.unwrap();
        assert_eq!(replayed, json!({ "replayed": TEXTS.len() }), "{name}");
    }
    reported(&mut alice, Disposition::Delivered, TEXTS.len() * troubled().count()).await;
    for name in troubled() {
        assert_eq!(chatbots.texts_of(name), TEXTS, "{name}");
        assert!(dead_letters(&server, name).await.is_empty());
    }
    assert!(chatbots.texts_of("elsewhere").is_empty());
    server.running.stop().await;
}
