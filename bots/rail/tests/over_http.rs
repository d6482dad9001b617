//! The program as it runs, against a platform that is written here: pushes, sends, tokens, the payment page,
//! and what is left after `kill -9`.
#![allow(clippy::disallowed_methods, reason = "a server of the test's own")]

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const CHATBOT: &str = "sip:12306@botplatform.hongyan.local";
const CALLBACK_TOKEN: &str = "callback-token";
const PATIENCE: Duration = Duration::from_secs(60);

/// What the platform saw.
#[derive(Debug)]
enum Seen {
    Menu(Value),
    /// A message that was accepted for the first time.
    Message(Value),
}

/// The platform's half: tokens, and accepting messages once by their id.
struct Platform {
    url: String,
    shared: Arc<Shared>,
    seen: UnboundedReceiver<Seen>,
    early: VecDeque<Value>,
}

struct Shared {
    tokens: AtomicU32,
    /// So many more calls for a token find the platform still starting.
    starting: AtomicU32,
    /// Messages are taken, but the bot hears 503 and cannot know.
    answers_get_lost: AtomicBool,
    /// Say once that the token has expired.
    token_expired: AtomicBool,
    accepted: Mutex<HashSet<String>>,
    report: UnboundedSender<Seen>,
}

impl Platform {
    async fn start() -> Self {
        let (report, seen) = unbounded_channel();
        let shared = Arc::new(Shared {
            tokens: AtomicU32::new(0),
            starting: AtomicU32::new(0),
            answers_get_lost: AtomicBool::new(false),
            token_expired: AtomicBool::new(false),
            accepted: Mutex::new(HashSet::new()),
            report,
        });
        let routes = Router::new()
            .route("/bot/v1/{chatbot}/accessToken", post(token))
            .route("/bot/v1/{chatbot}/messages", post(accept))
            .route("/bot/v1/{chatbot}/update/chatBotInfo/menu", post(menu))
            .with_state(shared.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, shared, seen, early: VecDeque::new() }
    }

    async fn next(&mut self) -> Seen {
        let next = tokio::time::timeout(PATIENCE, self.seen.recv()).await;
        next.expect("the bot does something within a minute").expect("the platform lives")
    }

    /// The next message that the bot sends.
    async fn message(&mut self) -> Value {
        if let Some(early) = self.early.pop_front() {
            return early;
        }
        loop {
            if let Seen::Message(message) = self.next().await {
                return message;
            }
        }
    }

    /// The menu that the bot sets when it starts; messages that go out before it are kept for `message`.
    async fn menu(&mut self) -> Value {
        loop {
            match self.next().await {
                Seen::Menu(menu) => return menu,
                Seen::Message(message) => self.early.push_back(message),
            }
        }
    }
}

async fn token(State(shared): State<Arc<Shared>>, Json(body): Json<Value>) -> (StatusCode, Json<Value>) {
    let starting = |left: u32| left.checked_sub(1);
    if shared.starting.fetch_update(Ordering::SeqCst, Ordering::SeqCst, starting).is_ok() {
        return (StatusCode::BAD_GATEWAY, Json(json!("starting")));
    }
    if body != json!({"appId": "app", "appKey": "key"}) {
        return (StatusCode::OK, Json(json!({"errorCode": 40001, "errorMessage": "wrong key"})));
    }
    let token = shared.tokens.fetch_add(1, Ordering::SeqCst) + 1;
    (
        StatusCode::OK,
        Json(json!({"accessToken": format!("t{token}"), "expires": 7200, "url": "", "errorCode": 0})),
    )
}

fn token_is_good(shared: &Shared, headers: &HeaderMap) -> bool {
    let expected = format!("accessToken t{}", shared.tokens.load(Ordering::SeqCst));
    let given = headers.get("authorization").and_then(|value| value.to_str().ok());
    given == Some(expected.as_str()) && !shared.token_expired.swap(false, Ordering::SeqCst)
}

async fn menu(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(menu): Json<Value>) -> Json<Value> {
    assert!(token_is_good(&shared, &headers));
    shared.report.send(Seen::Menu(menu)).expect("the test listens");
    Json(json!({"errorCode": 0}))
}

async fn accept(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(message): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let ok = StatusCode::OK;
    if !token_is_good(&shared, &headers) {
        return (ok, Json(json!({"errorCode": 42001, "errorMessage": "token expired"})));
    }
    let id = message["messageId"].as_str().expect("an id").to_string();
    if shared.accepted.lock().expect("no panics").insert(id.clone()) {
        shared.report.send(Seen::Message(message)).expect("the test listens");
    }
    if shared.answers_get_lost.load(Ordering::SeqCst) {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"errorCode": -1})));
    }
    (ok, Json(json!({"messageId": id, "errorCode": 0})))
}

/// The program under test.
struct RailBot {
    child: Child,
    url: String,
    http: reqwest::Client,
    pushes: u32,
}

impl RailBot {
    /// Starts it and waits until it has set its menu.
    async fn start(platform: &mut Platform, data: &Path) -> Self {
        Self::start_with_log(platform, data, Stdio::inherit()).await
    }

    /// The same, with its log going elsewhere than to ours.
    async fn start_with_log(platform: &mut Platform, data: &Path, log: Stdio) -> Self {
        let ready_file = data.join("ready.json");
        let child = Command::new(env!("CARGO_BIN_EXE_rail-bot"))
            .args(["--server", &platform.url, "--chatbot-id", CHATBOT, "--listen", "127.0.0.1:0"])
            .args(["--stop-with-stdin", "--data"])
            .arg(data)
            .arg("--ready-file")
            .arg(&ready_file)
            .env("RAIL_APP_ID", "app")
            .env("RAIL_APP_KEY", "key")
            .env("RAIL_CALLBACK_TOKEN", CALLBACK_TOKEN)
            .stdin(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the bot starts");
        // The ready file is written before the first call.
        let menu = platform.menu().await;
        assert_eq!(menu["menu"]["entries"].as_array().map(Vec::len), Some(3));
        let ready: Value =
            serde_json::from_slice(&std::fs::read(ready_file).expect("a ready file")).expect("JSON");
        let url = format!("http://{}", ready["http"].as_str().expect("an address"));
        Self { child, url, http: client(), pushes: 0 }
    }

    /// Pushes a user's message as the platform does.
    async fn push(&mut self, user: &str, content_type: &str, content: Value) -> reqwest::Response {
        self.pushes += 1;
        let id = format!("{user}-{}", self.pushes);
        self.push_as(&id, user, content_type, content, CHATBOT).await
    }

    async fn push_as(
        &self,
        id: &str,
        user: &str,
        content_type: &str,
        content: Value,
        chatbot: &str,
    ) -> reqwest::Response {
        let body = json!({
            "messageId": id,
            "messageList": [{"contentType": content_type, "contentText": content}],
            "dateTime": "2026-11-23T10:00:00.000+08:00",
            "senderAddress": user,
            "destinationAddress": CHATBOT,
            "conversationId": format!("conversation of {user}"),
            "contributionId": id,
        });
        let url = format!("{}/maap/messageNotification/{chatbot}/messages", self.url);
        self.signed(self.http.post(url), id).body(body.to_string()).send().await.expect("an answer")
    }

    async fn say(&mut self, user: &str, text: &str) {
        let response = self.push(user, "text/plain", json!(text)).await;
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.expect("JSON");
        assert_eq!(answer["errorCode"], 0);
    }

    /// Taps a suggestion of a message by the beginning of its label.
    async fn tap(&mut self, user: &str, message: &Value, label: &str) {
        let tapped = suggestion(message, label);
        let reply = json!({"displayText": tapped["displayText"], "postback": tapped["postback"]});
        let kind = "application/vnd.gsma.botsuggestion.response.v1.0+json";
        let response = self.push(user, kind, json!({"response": {"reply": reply}})).await;
        assert_eq!(response.status(), 200);
    }

    fn signed(&self, request: reqwest::RequestBuilder, nonce: &str) -> reqwest::RequestBuilder {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
        sign(request, &now.to_string(), nonce)
    }

    fn kill(&mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("its end");
    }
}

impl Drop for RailBot {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn sign(request: reqwest::RequestBuilder, timestamp: &str, nonce: &str) -> reqwest::RequestBuilder {
    let mut parts = [CALLBACK_TOKEN, timestamp, nonce];
    parts.sort_unstable();
    let signature: String = Sha256::digest(parts.concat()).iter().map(|byte| format!("{byte:02x}")).collect();
    request.header("signature", signature).header("timestamp", timestamp).header("nonce", nonce)
}

fn client() -> reqwest::Client {
    // Every test may be the first.
    _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().tls_certs_only([]).build().expect("a client")
}

/// A suggestion of the message, chip or button, by the beginning of its label.
fn suggestion(message: &Value, label: &str) -> Value {
    fn find(value: &Value, label: &str) -> Option<Value> {
        if value["displayText"].as_str().is_some_and(|text| text.starts_with(label)) {
            return Some(value.clone());
        }
        match value {
            Value::Object(fields) => fields.values().find_map(|value| find(value, label)),
            Value::Array(items) => items.iter().find_map(|value| find(value, label)),
            _ => None,
        }
    }
    find(message, label).unwrap_or_else(|| panic!("no {label} in {message:#}"))
}

#[tokio::test]
async fn a_ticket_is_sold_over_http() {
    let user = "tel:+8613800000001";
    let data = tempfile::tempdir().expect("a directory");
    let mut platform = Platform::start().await;
    let mut bot = RailBot::start(&mut platform, data.path()).await;

    bot.say(user, "后天北京到上海的高铁").await;
    let heading = platform.message().await;
    assert_eq!(heading["senderAddress"], CHATBOT);
    assert_eq!(heading["destinationAddress"], json!([user]));
    assert_eq!(heading["conversationId"], format!("conversation of {user}"));
    assert_eq!(heading["inReplyTo"], format!("{user}-1"));
    let carousel = platform.message().await;

    // A token that expires in the middle costs the user nothing.
    platform.shared.token_expired.store(true, Ordering::SeqCst);
    bot.tap(user, &carousel, "预订").await;
    let classes = platform.message().await;
    assert_eq!(platform.shared.tokens.load(Ordering::SeqCst), 2);

    let media =
        &classes["messageList"][0]["contentText"]["message"]["generalPurposeCard"]["content"]["media"];
    let picture = bot.http.get(media["mediaUrl"].as_str().expect("a URL")).send().await.expect("a picture");
    assert_eq!(picture.headers()["content-type"], "image/png");
    assert_eq!(Some(picture.bytes().await.expect("bytes").len() as u64), media["mediaFileSize"].as_u64());

    let icon = bot.http.get(format!("{}/media/icon.png", bot.url)).send().await.expect("the icon");
    assert_eq!(icon.headers()["content-type"], "image/png");

    bot.tap(user, &classes, "二等座").await;
    let passenger = platform.message().await;
    bot.tap(user, &passenger, "用演示乘客").await;
    let confirmation = platform.message().await;
    bot.tap(user, &confirmation, "提交订单").await;
    let payment = platform.message().await;
    let link =
        suggestion(&payment, "去支付")["urlAction"]["openUrl"]["url"].as_str().expect("a link").to_string();

    let page = bot.http.get(&link).send().await.expect("a page").text().await.expect("HTML");
    assert!(page.contains("SANDBOX") && page.contains("确认支付"), "{page}");
    let form = "button=pay&payment_id=0123456789abcdef";
    for _ in 0..2 {
        let paid = bot
            .http
            .post(&link)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .expect("a page")
            .text()
            .await
            .expect("HTML");
        assert!(paid.contains("支付成功"), "{paid}");
    }
    let ticket = platform.message().await;
    assert!(ticket.to_string().contains("出票成功"));
    suggestion(&ticket, "加入日历");

    // What comes next is the answer to this, so paying twice was one ticket.
    bot.say(user, "hi").await;
    assert!(platform.message().await.to_string().contains("Hello"));
}

#[tokio::test]
async fn it_may_start_before_the_platform() {
    let data = tempfile::tempdir().expect("a directory");
    let mut platform = Platform::start().await;
    platform.shared.starting.store(2, Ordering::SeqCst);
    let mut bot = RailBot::start(&mut platform, data.path()).await;
    assert_eq!(platform.shared.starting.load(Ordering::SeqCst), 0);
    bot.say("tel:+8613800000001", "hi").await;
    assert!(platform.message().await.to_string().contains("Hello"));
}

#[tokio::test]
async fn pushes_are_believed_only_when_signed_fresh_and_ours() {
    let data = tempfile::tempdir().expect("a directory");
    let mut platform = Platform::start().await;
    let mut bot = RailBot::start(&mut platform, data.path()).await;
    let user = "tel:+8613800000001";

    let check = bot.http.get(format!("{}/maap/notifyPath", bot.url)).header("echoStr", "echo");
    let answer = bot.signed(check, "check").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert_eq!(
        (&answer.headers()["echostr"], &answer.headers()["appid"]),
        (&"echo".parse().expect("v"), &"app".parse().expect("v"))
    );

    let url = format!("{}/maap/messageNotification/{CHATBOT}/messages", bot.url);
    let body = json!({"messageId": "x", "senderAddress": user, "messageList": []}).to_string();
    let unsigned = bot.http.post(&url).body(body.clone()).send().await.expect("an answer");
    assert_eq!(unsigned.status(), 401);
    let stale =
        sign(bot.http.post(&url), "1000000000", "n").body(body.clone()).send().await.expect("an answer");
    assert_eq!(stale.status(), 401);
    let garbage = bot.signed(bot.http.post(&url), "garbage").body("{").send().await.expect("an answer");
    assert_eq!(garbage.status(), 400);
    let empty = bot.signed(bot.http.post(&url), "empty").body("{}").send().await.expect("an answer");
    assert_eq!(empty.status(), 400);
    let other =
        bot.push_as("o", user, "text/plain", json!("hi"), "sip:other@botplatform.hongyan.local").await;
    assert_eq!(other.status(), 404);

    // Percent-encoded addresses are the same; the same push again is taken once; a used nonce is not reused.
    let encoded = "sip%3A12306%40botplatform.hongyan.local";
    for _ in 0..2 {
        let answer = bot.push_as("e", user, "text/plain", json!("hi"), encoded).await;
        assert_eq!(answer.status(), 200);
    }
    let replayed = bot.push_as("e", user, "text/plain", json!("other text"), encoded).await;
    assert_eq!(replayed.status(), 401);
    let sent = platform.message().await;

    let status = format!("{}/maap/deliveryNotification/{CHATBOT}/status", bot.url);
    let report = json!({"deliveryInfoList": [{"messageId": sent["messageId"], "status": "displayed"}]});
    let answer =
        bot.signed(bot.http.post(status), "s").body(report.to_string()).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let notice = format!("{}/maap/notifyInfoNotification/{CHATBOT}/notice/informationChange", bot.url);
    let answer = bot.signed(bot.http.post(notice), "i").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);

    // The payment callback believes nobody without the provider's signature.
    let callback = format!("{}/payment/callback", bot.url);
    let forged = bot.http.post(callback).header("x-timestamp", "1").header("x-signature", "0").body("{}");
    assert_eq!(forged.send().await.expect("an answer").status(), 401);
    let page = bot.http.get(format!("{}/pay/nonsense", bot.url)).send().await.expect("a page");
    assert_eq!(page.status(), 404);

    bot.say(user, "帮助").await;
    assert!(platform.message().await.to_string().contains("可以这样说"));
}

#[tokio::test]
async fn kill_dash_nine_loses_no_answer_and_keeps_their_order() {
    let data = tempfile::tempdir().expect("a directory");
    let mut platform = Platform::start().await;
    let mut bot = RailBot::start(&mut platform, data.path()).await;
    platform.shared.answers_get_lost.store(true, Ordering::SeqCst);

    let users: Vec<String> = (1..=5).map(|n| format!("tel:+861380000000{n}")).collect();
    let mut asked: HashMap<String, Vec<String>> = HashMap::new();
    for round in 0..4 {
        for user in &users {
            bot.say(user, if round % 2 == 0 { "hi" } else { "帮助" }).await;
            asked.entry(user.clone()).or_default().push(format!("{user}-{}", bot.pushes));
        }
    }
    // It is busy sending, again and again, when it dies.
    let mut answered: HashMap<String, Vec<String>> = HashMap::new();
    let mut note = |message: Value| {
        let user = message["destinationAddress"][0].as_str().expect("a user").to_string();
        let answer = message["inReplyTo"].as_str().expect("an id").to_string();
        answered.entry(user).or_default().push(answer);
    };
    note(platform.message().await);
    bot.kill();
    platform.shared.answers_get_lost.store(false, Ordering::SeqCst);

    let mut bot = RailBot::start(&mut platform, data.path()).await;
    for _ in 1..20 {
        note(platform.message().await);
    }
    assert_eq!(answered, asked);

    // The platform's retry of a push that had been taken before the kill is not answered twice.
    let first = &asked[&users[0]][0];
    assert_eq!(bot.push_as(first, &users[0], "text/plain", json!("hi"), CHATBOT).await.status(), 200);
    bot.pushes = 100;
    bot.say(&users[0], "谢谢").await;
    assert!(platform.message().await.to_string().contains("不客气"));
}

#[tokio::test]
async fn a_log_that_is_no_terminal_has_no_colours() {
    let data = tempfile::tempdir().expect("a directory");
    let log = data.path().join("log");
    let file = std::fs::File::create(&log).expect("a log file");
    let mut platform = Platform::start().await;
    let mut bot = RailBot::start_with_log(&mut platform, data.path(), file.into()).await;
    drop(bot.child.stdin.take());
    assert!(bot.child.wait().expect("its end").success());
    let log = std::fs::read_to_string(log).expect("UTF-8");
    assert!(log.contains("rail bot ready") && !log.contains('\u{1b}'), "{log}");
}

#[tokio::test]
async fn it_ends_with_its_parent_and_on_sigterm() {
    let data = tempfile::tempdir().expect("a directory");
    let mut platform = Platform::start().await;
    let mut bot = RailBot::start(&mut platform, data.path()).await;
    drop(bot.child.stdin.take());
    assert!(bot.child.wait().expect("its end").success());

    let mut bot = RailBot::start(&mut platform, data.path()).await;
    let killed = Command::new("kill").args(["-TERM", &bot.child.id().to_string()]).status().expect("kill");
    assert!(killed.success());
    assert!(bot.child.wait().expect("its end").success());
}
