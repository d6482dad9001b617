//! The whole server in this process, on free ports: what the HTTP edge answers, and how it starts and stops.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use futures_util::{SinkExt as _, StreamExt as _};
use hongyan::config::{Config, Listen};
use hongyan::serve::{Options, Running};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// A server with a data directory of its own.
struct Server {
    running: Running,
    data: tempfile::TempDir,
    client: Client,
}

impl Server {
    async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let running = start_in(data.path()).await;
        Self { running, data, client: Client::builder().no_proxy().build().unwrap() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.bound.http)
    }

    fn admin(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let token = std::fs::read_to_string(self.data.path().join("admin-token")).unwrap();
        self.client.request(method, self.url(&format!("/admin/v1{path}"))).bearer_auth(token.trim())
    }
}

/// A configuration whose listeners take free ports.
fn config() -> Config {
    let mut config = Config::default();
    let free: Listen = "127.0.0.1:0".parse().unwrap();
    (config.http.listen, config.sip.udp, config.sip.tcp) = (free, free, free);
    config.log.filter = "off".to_owned();
    config
}

async fn start_in(data: &Path) -> Running {
    start_with(config(), data, false).await
}

async fn start_with(config: Config, data: &Path, demo: bool) -> Running {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options { data: data.to_owned(), demo, ready_file: Some(data.join("ready.json")) };
    Running::start(config, options).await.unwrap()
}

const OPTIONS: &str = "OPTIONS sip:hongyan.local SIP/2.0\r\nVia: SIP/2.0/WS a.invalid;branch=z9hG4bK1\r\n\
     From: <sip:+8613800000001@hongyan.local>;tag=1\r\nTo: <sip:hongyan.local>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\
     Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_ready_file_says_where_everything_listens() {
    let server = Server::start().await;
    let text = std::fs::read(server.data.path().join("ready.json")).unwrap();
    let ready: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(ready["pid"], std::process::id());
    assert_eq!(ready["domain"], "hongyan.local");
    assert_eq!(ready["http"], server.running.bound.http.to_string());
    // UDP and TCP share a port that was free for both.
    assert_eq!(ready["sip_udp"], ready["sip_tcp"]);
    assert_eq!(ready["sip_tls"], Value::Null);
    assert_eq!(ready["msrp"], server.running.bound.msrp.unwrap().to_string());
    assert_eq!(ready["msrp_tls"], Value::Null);
    assert_eq!(ready["smpp"], Value::Null);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stopped_server_lets_its_data_go_and_keeps_it() {
    let server = Server::start().await;
    let body = json!({ "number": "+8613800000009", "password": "sesame" });
    let added = server.admin(reqwest::Method::POST, "/subscribers").json(&body).send().await.unwrap();
    assert_eq!(added.status(), StatusCode::CREATED);
    let Server { running, data, client } = server;
    running.stop().await;
    assert!(!data.path().join("admin-url").exists());
    let again = Server { running: start_in(data.path()).await, data, client };
    let shown = again.admin(reqwest::Method::GET, "/subscribers/+8613800000009").send().await.unwrap();
    assert_eq!(shown.status(), StatusCode::OK);
    again.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn administration_wants_the_token() {
    let server = Server::start().await;
    let url = server.url("/admin/v1/subscribers");
    for request in [
        server.client.get(&url),
        server.client.get(&url).bearer_auth("wrong"),
        server.client.get(&url).bearer_auth(""),
        server.client.get(server.url("/admin/v1/nowhere")),
        server.client.delete(server.url("/admin/v1/subscribers/+8613800000001")),
    ] {
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    let list = server.admin(reqwest::Method::GET, "/subscribers").send().await.unwrap();
    assert_eq!(list.json::<Value>().await.unwrap(), json!([]));
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn subscribers_come_and_go() {
    let server = Server::start().await;
    for (body, status) in [
        (json!({ "number": "13800000001", "password": "sesame", "displayName": "小雁" }), 201),
        (json!({ "number": "+8613800000001", "password": "another" }), 200),
        (json!({ "number": "+8613800000001", "password": "short" }), 400),
        (json!({ "number": "nobody", "password": "sesame" }), 400),
        (json!({ "number": "sip:12306@botplatform.hongyan.local", "password": "sesame" }), 400),
        (json!({ "number": "+8613800000001", "passwort": "sesame" }), 422),
    ] {
        let answer = server.admin(reqwest::Method::POST, "/subscribers").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{body}");
    }
    let list: Value =
        server.admin(reqwest::Method::GET, "/subscribers").send().await.unwrap().json().await.unwrap();
    assert_eq!(list[0]["number"], "+8613800000001");
    assert_eq!(list[0]["displayName"], "小雁");
    let path = "/subscribers/+8613800000001";
    assert_eq!(server.admin(reqwest::Method::DELETE, path).send().await.unwrap().status(), 204);
    assert_eq!(server.admin(reqwest::Method::DELETE, path).send().await.unwrap().status(), 404);
    assert_eq!(server.admin(reqwest::Method::GET, path).send().await.unwrap().status(), 404);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn pages_carry_the_headers_that_protect_them() {
    let server = Server::start().await;
    let page = server.client.get(server.url("/")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self'") && policy.contains("frame-ancestors 'none'"));
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
    for (path, status) in
        [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/nowhere", 404), ("/../etc/passwd", 404)]
    {
        assert_eq!(server.client.get(server.url(path)).send().await.unwrap().status(), status, "{path}");
    }
    let configuration: Value =
        server.client.get(server.url("/handset/config.json")).send().await.unwrap().json().await.unwrap();
    let content = json!({
        "uploadUri": "/content/",
        "downloadPrefix": server.url("/content/"),
        "maxBytes": 100 << 20,
        "maxThumbnailBytes": 50 << 10,
    });
    let expected = json!({
        "domain": "hongyan.local",
        "sipWebSocket": "/sip",
        "conferenceFactory": "sip:conference-factory@hongyan.local",
        "content": content,
        "chatbots": [],
    });
    assert_eq!(configuration, expected);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sip_over_websocket_wants_its_subprotocol() {
    let server = Server::start().await;
    let url = server.url("/sip").replace("http://", "ws://");
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
    let mut request = url.into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "msrp, sip".parse().unwrap());
    let (mut socket, answer) = tokio_tungstenite::connect_async(request).await.unwrap();
    assert_eq!(answer.headers()["sec-websocket-protocol"], "sip");

    socket.send(Frame::text("\r\n\r\n")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Frame::text("\r\n"));
    // What is no SIP message does not end the connection.
    socket.send(Frame::text("hello")).await.unwrap();
    socket.send(Frame::binary(OPTIONS.as_bytes().to_vec())).await.unwrap();
    let answer = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(answer.starts_with("SIP/2.0 "), "{answer}");

    server.running.stop().await;
    // The server closes what it has opened.
    while let Some(Ok(frame)) = socket.next().await {
        assert!(frame.is_close(), "{frame:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn heads_and_bodies_that_are_too_large_are_refused() {
    let server = Server::start().await;
    let url = server.url("/bot/v1/12306/messages");
    let answer = server.client.post(&url).body(vec![b' '; 300 * 1024]).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], 20003);
    let large =
        server.client.get(server.url("/healthz")).header("x", "y".repeat(200 * 1024)).send().await.unwrap();
    assert_eq!(large.status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_chatbot_api_answers_200_with_a_code() {
    let server = Server::start().await;
    let post = |path: &str| server.client.post(server.url(path)).body("{}");
    for (request, status, code) in [
        (post("/bot/v1/sip%3A12306%40botplatform.hongyan.local/revoke"), 200, 41001),
        (post("/bot/v1/12306/medias/upload"), 200, 41001),
        (server.client.get(server.url("/bot/v1/12306/messages")), 200, 20003),
        (post("/bot/v1/+8613800000001/messages"), 200, 20002),
        (post("/bot/v1/12306/messages"), 200, 41001),
        (post("/bot/v1/12306/messages").header("authorization", "accessToken guess"), 200, 40014),
        (server.client.get(server.url("/bot/v1/12306/find/chatBotInfo")), 200, 41001),
        (post("/bot/v1/12306/accessToken"), 200, 41002),
        (post("/bot/v1/12306/nonsense"), 404, 20003),
        (post("/bot/v1/12306"), 404, 20003),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], code);
    }
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_head_that_drips_is_given_up() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config();
    config.http.header_timeout_s = std::num::NonZeroU64::MIN;
    let running = start_with(config, data.path(), false).await;
    let mut stream = tokio::net::TcpStream::connect(running.bound.http).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    let mut answer = Vec::new();
    // Ends when the server closes the connection.
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tls_comes_with_a_certificate_of_our_own() {
    let data = tempfile::tempdir().unwrap();
    let mut config = config();
    config.http.tls_listen = config.http.listen;
    config.sip.tls = config.http.listen;
    config.msrp.tls_listen = config.http.listen;
    config.tls.self_signed = true;
    let running = start_with(config, data.path(), false).await;
    assert!(running.bound.sip_tls.is_some());
    let url = format!("https://{}/healthz", running.bound.http_tls.unwrap());
    let strict = Client::builder().no_proxy().build().unwrap();
    assert!(strict.get(&url).send().await.is_err());
    let trusting = Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
    assert_eq!(trusting.get(&url).send().await.unwrap().status(), StatusCode::OK);
    let msrp = format!("https://{}/", running.bound.msrp_tls.unwrap());
    let error = trusting.get(&msrp).send().await.unwrap_err();
    assert!(!error.is_connect(), "TLS is spoken there, and HTTP is not: {error:?}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_demo_is_the_same_at_every_start() {
    let mut data = tempfile::tempdir().unwrap();
    let mut kept = Vec::new();
    for _ in 0..2 {
        let running = start_with(config(), data.path(), true).await;
        let client = Client::builder().no_proxy().build().unwrap();
        let server = Server { running, data, client };
        let list = server.admin(reqwest::Method::GET, "/subscribers").send().await.unwrap();
        assert_eq!(list.json::<Value>().await.unwrap().as_array().unwrap().len(), 4);
        let id = "sip%3A12306%40botplatform.hongyan.local";
        let information = server.client.get(server.url(&format!("/bot?id={id}"))).send().await.unwrap();
        let etag = information.headers()["etag"].clone();
        let information: Value = information.json().await.unwrap();
        assert_eq!(information["botinfo"]["colour"], "#0A66C2");
        assert!(information["persistent-menu"]["menu"]["entries"].as_array().unwrap().len() >= 3);
        let again = server.client.get(server.url(&format!("/bot?id={id}"))).header("if-none-match", etag);
        assert_eq!(again.send().await.unwrap().status(), StatusCode::NOT_MODIFIED);
        let secrets = ["demo-password", "demo-chatbot.json"].map(|name| {
            let path = server.data.path().join(name);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::read_to_string(path).unwrap()
        });
        kept.push(secrets);
        let running;
        Server { running, data, .. } = server;
        running.stop().await;
    }
    assert_eq!(kept[0], kept[1]);
}
