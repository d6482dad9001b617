//! Chatbots whose webhooks answer 500, hang, close, break off, lead elsewhere, answer 100 MB of rubbish, drip, have a certificate
//! of nobody or are where no webhook may be: over real connections, to the real program, which is killed in the middle, beside
//! one that is well. Nothing is lost, nobody else waits, and everything can be put back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]
#![allow(clippy::disallowed_methods, reason = "a server of the test's own")]

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::post;
use futures_util::{StreamExt as _, stream};
use handset::platform::{Launch, Platform};
use handset::run::Phone;
use handset::{Config as HandsetConfig, Event, Handset, Outgoing};
use rcs::imdn::Disposition;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use sip::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

const ALICE: &str = "+8613800000001";
const PASSWORD: &str = "correct horse";
const PATIENCE: Duration = Duration::from_secs(120);
/// Chatbots in trouble whose troubles HTTP can tell, and what is known of their last answer.
const OVER_HTTP: [(&str, &str); 4] = [
    ("error", "answered 500"),
    ("redirect", "answered 307"),
    ("hang", "no answer in time"),
    ("rubbish", "answered 400"),
];
/// Those whose connections are the trouble.
const BELOW_HTTP: [(&str, &str); 4] = [
    ("close", "broken off"),
    ("cut", "answered 500"),
    ("drip", "no answer in time"),
    ("certificate", "certificate"),
];
/// And one that may not be where it is.
const PRIVATE: (&str, &str) = ("private", "private");
/// Others that hang: more than may be called at once.
const HANGING: usize = 24;
/// Calls that the program makes at once.
const PUSHES: usize = 16;
/// Pieces of 16 KiB of an answer that comes to 100 MB.
const PIECES: usize = 6400;
const TEXTS: [&str; 2] = ["一号 one", "二号 two"];

/// The other side of all webhooks.
#[derive(Clone)]
struct Chatbots {
    /// Whether their troubles are over.
    are_well: Arc<AtomicBool>,
    /// What each has taken: its name, and the text.
    taken: Arc<Mutex<Vec<(String, String)>>>,
    /// Calls that began to hang.
    hanging: watch::Sender<usize>,
    /// Answers of 100 MB that went out whole.
    whole: Arc<AtomicUsize>,
}

impl Chatbots {
    fn new() -> Self {
        let hanging = watch::Sender::new(0);
        Self { hanging, are_well: Arc::default(), taken: Arc::default(), whole: Arc::default() }
    }

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
        let of_nobody = of_nobody();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if are_well.load(Ordering::SeqCst) {
                    tokio::spawn(lead_on(stream, others));
                } else {
                    tokio::spawn(make_trouble(name, stream, of_nobody.clone()));
                }
            }
        });
        address
    }

    fn texts_of(&self, name: &str) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|(of, _)| of == name).map(|(_, text)| text.clone()).collect()
    }
}

/// A certificate that nobody has signed but itself.
fn of_nobody() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![made.cert.der().clone()], key).unwrap()))
}

async fn lead_on(mut stream: TcpStream, others: SocketAddr) {
    let mut other = TcpStream::connect(others).await.unwrap();
    let _ = tokio::io::copy_bidirectional(&mut stream, &mut other).await;
}

async fn make_trouble(name: &str, mut stream: TcpStream, of_nobody: TlsAcceptor) {
    match name {
        "close" => {}
        "certificate" => drop(of_nobody.accept(stream).await),
        "cut" => {
            let _ = stream.read(&mut [0; 4096]).await;
            let head = b"HTTP/1.1 500 Oh\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n<html>";
            let _ = stream.write_all(head).await;
        }
        _ => {
            // A few bytes of an answer's head, and the next in an hour.
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ").await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
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
        "rubbish" if !is_well => {
            return (StatusCode::BAD_REQUEST, hundred_megabytes(&chatbots)).into_response();
        }
        name if name.starts_with("hang") && !is_well => {
            chatbots.hanging.send_modify(|count| *count += 1);
            return std::future::pending().await;
        }
        _ => {}
    }
    let push: Value = serde_json::from_slice(&body).unwrap();
    let text = push["messageList"][0]["contentText"].as_str().unwrap().to_owned();
    chatbots.taken.lock().unwrap().push((name.clone(), text));
    match name.as_str() {
        "chatty" => hundred_megabytes(&chatbots).into_response(),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

fn hundred_megabytes(chatbots: &Chatbots) -> Body {
    let whole = chatbots.whole.clone();
    let piece = || Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 16 << 10]));
    let end = stream::once(async move {
        whole.fetch_add(1, Ordering::SeqCst);
        Ok(Bytes::new())
    });
    Body::from_stream(stream::repeat_with(piece).take(PIECES).chain(end))
}

/// The program, and Alice.
struct World {
    platform: Platform,
    alice: Phone,
    /// Messages of hers.
    told: usize,
}

impl World {
    async fn start(launch: &Launch, handset: Handset, told: usize) -> Self {
        let platform = Platform::start(launch).await.unwrap();
        let mut admin = platform.admin().await.unwrap();
        if admin.call("GET", &format!("/subscribers/{ALICE}"), None).await.unwrap().0 == 404 {
            admin.add_subscriber(ALICE, PASSWORD).await.unwrap();
        }
        let mut alice = Phone::start(handset, platform.server(Transport::Tcp)).await.unwrap();
        alice.register().await.unwrap();
        Self { platform, alice, told }
    }

    /// A call of the administration API, which does what it is asked.
    async fn admin(&self, method: &str, path: &str, body: Option<Value>) -> Value {
        let mut admin = self.platform.admin().await.unwrap();
        let (status, answer) = admin.call(method, path, body.as_ref()).await.unwrap();
        assert!(status < 300, "{method} {path}: {status} {answer}");
        answer
    }

    async fn create(&self, name: &str, webhook: &str, is_allowed: bool) {
        let chatbot = json!({ "name": name, "webhook": webhook, "allowPrivateWebhook": is_allowed });
        self.admin("POST", "/chatbots", Some(chatbot)).await;
    }

    async fn dead_letters(&self, name: &str) -> Vec<Value> {
        let letters = self.admin("GET", &format!("/chatbots/{name}/dead-letters"), None).await;
        letters.as_array().unwrap().clone()
    }

    /// Says something to a chatbot; the message's id.
    async fn tell(&mut self, name: &str, text: &str) -> String {
        self.told += 1;
        let id = format!("{name}-{}", self.told);
        let to = format!("sip:{name}@botplatform.hongyan.local");
        let mut outgoing = Outgoing::text(text).with_id(&id);
        outgoing.wanted.negative_delivery = true;
        assert_eq!(self.alice.send(&to, outgoing).await.unwrap(), 202);
        id
    }

    /// Waits until this was reported of all these messages.
    async fn reported(&mut self, wanted: Disposition, ids: &[String]) {
        let mut missing: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        while !missing.is_empty() {
            let is_wanted = |event: &Event| match event {
                Event::Report { message_id, disposition, .. } if *disposition == wanted => {
                    Some(message_id.clone())
                }
                _ => None,
            };
            match self.alice.wait(PATIENCE, is_wanted).await {
                Ok(id) => drop(missing.remove(id.as_str())),
                Err(_) => panic!("not reported {wanted:?}: {missing:?}"),
            }
        }
    }

    /// Says something to a chatbot that is well.
    async fn tell_well(&mut self, name: &str, text: &str) {
        let id = self.tell(name, text).await;
        self.reported(Disposition::Delivered, &[id]).await;
    }

    async fn metrics(&self) -> String {
        let url = format!("http://{}/metrics", self.platform.server(Transport::Ws).address);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(url).send().await.unwrap().text().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_hostile_chatbots_do_not_take_can_be_put_back_and_others_do_not_wait() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::new(env!("CARGO_BIN_EXE_hongyan"), directory.path())
        .setting("HONGYAN_MAAP__PUSHES", &PUSHES.to_string())
        .setting("HONGYAN_MAAP__WEBHOOK_RETRIES_S", "[1]")
        .setting("HONGYAN_MAAP__WEBHOOK_GIVE_UP_S", "2")
        // Calls do not go where the environment says.
        .setting("HTTP_PROXY", "http://127.0.0.1:1")
        .setting("HTTPS_PROXY", "http://127.0.0.1:1");
    let long = launch.clone().setting("HONGYAN_MAAP__WEBHOOK_TIMEOUT_S", "600");
    let short = launch.setting("HONGYAN_MAAP__WEBHOOK_TIMEOUT_S", "2");

    let chatbots = Chatbots::new();
    let address = chatbots.serve().await;
    let handset = Handset::new(HandsetConfig::new(ALICE, "hongyan.local", PASSWORD, 1).unwrap());
    let mut world = World::start(&long, handset, 0).await;
    for name in ["well", "chatty"] {
        world.create(name, &format!("http://{address}/{name}"), true).await;
    }
    let hanging: Vec<String> = (0..HANGING).map(|n| format!("hang-{n}")).collect();
    for name in &hanging {
        // Each at an endpoint of its own.
        let address = chatbots.serve().await;
        world.create(name, &format!("http://{address}/{name}"), true).await;
    }

    // Half of all calls hang, and will for ten minutes. Whoever answers does not notice.
    world.tell_well("well", "first").await;
    let mut ids = Vec::new();
    for name in &hanging {
        ids.push(world.tell(name, TEXTS[0]).await);
    }
    let mut begun = chatbots.hanging.subscribe();
    let half = begun.wait_for(|count| *count >= PUSHES / 2);
    tokio::time::timeout(PATIENCE, half).await.expect("they hang").unwrap();
    let mut spans = Vec::new();
    for n in 0..30 {
        let begun = Instant::now();
        world.tell_well("well", &format!("beside {n}")).await;
        spans.push(begun.elapsed());
    }
    spans.sort_unstable();
    eprintln!("beside {} calls that hang: median {:?}, longest {:?}", PUSHES / 2, spans[15], spans[29]);
    assert_eq!(*chatbots.hanging.borrow(), PUSHES / 2, "none of them has ended");

    // The process dies with all of it under way.
    let World { platform, alice, told } = world;
    platform.kill().await.unwrap();
    let (handset, _) = alice.stop().await;
    let mut world = World::start(&short, handset, told).await;
    for (name, _) in OVER_HTTP {
        world.create(name, &format!("http://{address}/{name}"), true).await;
    }
    for (name, _) in BELOW_HTTP {
        let scheme = if name == "certificate" { "https" } else { "http" };
        let address = chatbots.serve_below(name, address).await;
        world.create(name, &format!("{scheme}://{address}/{name}"), true).await;
    }
    world.create(PRIVATE.0, &format!("http://{address}/private"), false).await;
    let troubled: Vec<_> = OVER_HTTP.into_iter().chain(BELOW_HTTP).chain([PRIVATE]).collect();
    for text in TEXTS {
        for (name, _) in &troubled {
            ids.push(world.tell(name, text).await);
        }
        for name in ["well", "chatty"] {
            world.tell_well(name, text).await;
            assert_eq!(chatbots.texts_of(name).last().map(String::as_str), Some(text));
        }
    }
    // All of it is given up on sooner or later: also what waited when the process died.
    world.reported(Disposition::Failed, &ids).await;
    let given_up = ids.len();
    assert_eq!(chatbots.texts_of("chatty"), TEXTS);
    let of_well = chatbots.texts_of("well").len() + TEXTS.len();
    let of_others = chatbots.taken.lock().unwrap().len() - of_well;
    assert_eq!(of_others, 0, "nobody else has anything, here or elsewhere");
    assert_eq!(chatbots.whole.load(Ordering::SeqCst), 0, "nobody reads 100 MB of rubbish");
    for (name, expected) in &troubled {
        let letters = world.dead_letters(name).await;
        assert_eq!(letters.len(), TEXTS.len(), "{name}");
        let answer = letters[0]["lastAnswer"].as_str().unwrap();
        assert!(answer.contains(expected), "{name}: {answer}");
        assert!(letters[0]["attempts"].as_u64().unwrap() > 1, "{name}: {}", letters[0]);
    }
    let all = world.admin("GET", "/dead-letters", None).await;
    assert_eq!(all.as_array().unwrap().len(), given_up);
    let metrics = world.metrics().await;
    assert!(
        metrics.contains(&format!("hongyan_dead_letters_total{{outcome=\"kept\"}} {given_up}\n")),
        "{metrics}"
    );
    for outcome in ["taken", "answered_error", "no_connection", "no_answer", "forbidden"] {
        assert!(metrics.contains(&format!("hongyan_pushes_total{{outcome=\"{outcome}\"}}")), "{outcome}");
    }

    chatbots.are_well.store(true, Ordering::SeqCst);
    let allowed = json!({ "allowPrivateWebhook": true });
    world.admin("PATCH", "/chatbots/private", Some(allowed)).await;
    let moved = json!({ "webhook": format!("http://{address}/certificate") });
    world.admin("PATCH", "/chatbots/certificate", Some(moved)).await;
    for (name, count) in troubled
        .iter()
        .map(|(name, _)| (*name, TEXTS.len()))
        .chain(hanging.iter().map(|name| (name.as_str(), 1)))
    {
        let path = format!("/chatbots/{name}/dead-letters/replay");
        assert_eq!(world.admin("POST", &path, Some(json!({}))).await, json!({ "replayed": count }), "{name}");
    }
    world.reported(Disposition::Delivered, &ids).await;
    for (name, _) in &troubled {
        assert_eq!(chatbots.texts_of(name), TEXTS, "{name}");
        assert!(world.dead_letters(name).await.is_empty());
    }
    for name in &hanging {
        assert_eq!(chatbots.texts_of(name), TEXTS[..1], "{name}");
    }
    assert!(chatbots.texts_of("elsewhere").is_empty());
    assert!(world.platform.stop().await.unwrap(), "it ends well when it is asked to");
    let log = std::fs::read_to_string(directory.path().join("log")).unwrap();
    assert!(TEXTS.iter().all(|text| !log.contains(text)), "{log}");
}
