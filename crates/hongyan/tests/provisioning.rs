//! Auto-configuration from outside: a plain HTTP client walks the way of a handset, and registers with what it is told.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod common;

use handset::run::{Phone, PhoneError, Server as SipServer};
use handset::{Config as HandsetConfig, Failure, Handset};
use hongyan::config::Config;
use rcs::provisioning::Document;
use reqwest::header::{COOKIE, HOST, RETRY_AFTER, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use sip::Transport;
use sip::digest::Challenge;

use common::Server;

const ALICE: &str = "+8613800000001";

impl Server {
    /// A server with one subscriber, Alice.
    async fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::with(&[ALICE], "open sesame", change).await
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.running.bound.http))
    }

    async fn ask(&self, query: &str, cookie: Option<&str>) -> Response {
        let mut request = self.get(&format!("/provisioning?{query}"));
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        request.send().await.unwrap()
    }

    /// Registers over TCP with what a document says.
    async fn register(&self, document: &Document) -> Result<(), PhoneError> {
        let ims = document.application("ap2001").unwrap();
        let authentication = ims.group("APPAUTH").unwrap();
        let domain = ims.parm("Home_network_domain_name").unwrap();
        let password = authentication.parm("UserPwd").unwrap();
        let mut config = HandsetConfig::new(ALICE, domain, password, 1).unwrap();
        config.username = authentication.parm("UserName").unwrap().to_owned();
        let address = ims.group("LBO_P-CSCF_Address").unwrap().parm("Address").unwrap().parse().unwrap();
        let server = SipServer { transport: Transport::Tcp, address };
        let mut phone = Phone::start(Handset::new(config), server).await.unwrap();
        phone.register().await.map(drop)
    }
}

/// The pair of name and value that a handset gives back.
fn cookie(response: &Response) -> String {
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

async fn document(response: Response) -> Document {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/xml");
    assert_eq!(response.headers()["cache-control"], "no-store");
    Document::parse(&response.bytes().await.unwrap()).unwrap()
}

const FACTS: &str = "vers=0&rcs_version=9.0&rcs_profile=UP_2.4&client_vendor=SWAN&client_version=SWAN-1.0\
     &terminal_vendor=Swan&terminal_model=Three&terminal_sw_version=1&IMEI=35824005-944763-1&SMS_port=0";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_handset_walks_the_way_by_one_time_password_and_registers() {
    let server = Server::start(|config| config.provisioning.allow_plain_http = true).await;
    assert_eq!(server.ask(FACTS, None).await.status(), StatusCode::NETWORK_AUTHENTICATION_REQUIRED);

    let started = server.ask(&format!("{FACTS}&msisdn=%2B8613800000001"), None).await;
    assert_eq!(started.status(), StatusCode::OK);
    let cookie = cookie(&started);
    assert!(started.bytes().await.unwrap().is_empty());

    let otp: Value = server
        .admin(Method::GET, "/subscribers/+8613800000001/otp")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let otp = otp["otp"].as_str().unwrap();
    let wrong = if otp == "111111" { "222222" } else { "111111" };
    let refused = server.ask(&format!("{FACTS}&OTP={wrong}"), Some(&cookie)).await;
    assert_eq!(refused.status(), StatusCode::NETWORK_AUTHENTICATION_REQUIRED);
    let told = document(server.ask(&format!("{FACTS}&OTP={otp}"), Some(&cookie)).await).await;
    assert_eq!(told.version(), Some(1));
    server.register(&told).await.unwrap();

    let token = told.token().unwrap();
    let again = document(server.ask(&format!("vers=1&token={token}"), None).await).await;
    assert_eq!((again.version(), again.characteristics.len()), (Some(1), 1));

    let devices: Value = server
        .admin(Method::GET, "/subscribers/+8613800000001/configuration")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(devices["devices"][0]["name"], "Swan Three");
    assert_eq!(devices["devices"][0]["registeredAs"].as_array().unwrap().len(), 1);
    assert!(!devices.to_string().contains("sha256") && !devices.to_string().contains("ha1"));
    let revoked = server
        .admin(Method::DELETE, "/subscribers/+8613800000001/configuration/devices")
        .send()
        .await
        .unwrap();
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    let refused = server.register(&told).await.unwrap_err();
    assert!(matches!(refused, PhoneError::Failure(Failure::Refused(401))), "{refused}");
    let refused = server.ask(&format!("vers=1&token={token}"), None).await;
    assert_eq!(refused.status(), StatusCode::NETWORK_AUTHENTICATION_REQUIRED);
    server.running.stop().await;
}

/// A request with Digest credentials.
async fn as_subscriber(server: &Server, method: Method, path: &str, login: (&str, &str)) -> Response {
    let url = format!("http://{}{path}", server.running.bound.http);
    let challenged = server.client.request(method.clone(), &url).send().await.unwrap();
    assert_eq!(challenged.status(), StatusCode::UNAUTHORIZED);
    let offered = challenged.headers().get_all("www-authenticate").iter();
    let challenge = Challenge::best(offered.map(|value| value.as_bytes())).unwrap();
    let answer = challenge.answer(method.as_str(), path, login.0, login.1, "c0ffee", 1);
    server.client.request(method, &url).header("authorization", answer).send().await.unwrap()
}

/// What a handset is told that proves by one-time password whose it is.
async fn told_by_otp(server: &Server) -> Document {
    let started = server.ask("msisdn=13800000001", None).await;
    let cookie = cookie(&started);
    let otp: Value =
        server.admin(Method::GET, "/subscribers/13800000001/otp").send().await.unwrap().json().await.unwrap();
    document(server.ask(&format!("OTP={}", otp["otp"].as_str().unwrap()), Some(&cookie)).await).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn handsets_are_told_of_sessions_as_far_as_msrp_listens() {
    let change = |config: &mut Config| {
        config.provisioning.allow_plain_http = true;
        config.messages.max_body_bytes = 4_000.try_into().unwrap();
        config.messages.exploder = "many".to_owned();
        config.sessions.idle_s = 90.try_into().unwrap();
        config.sessions.chat_bytes = 50_000.try_into().unwrap();
        config.sessions.large_message_bytes = 70_000.try_into().unwrap();
        config.groups.factory = "groups".to_owned();
        config.groups.max_members = 12.try_into().unwrap();
        config.content.max_file_bytes = (5 << 20).try_into().unwrap();
    };
    let server = Server::start(change).await;
    let told = told_by_otp(&server).await;
    let (ims, rcs) = (told.application("ap2001").unwrap(), told.application("ap2002").unwrap());
    for (name, value) in [
        ("ChatAuth", "1"),
        ("GroupChatAuth", "1"),
        ("standaloneMsgAuth", "3"),
        ("ftAuth", "1"),
        ("TimerIdle", "90"),
        ("MaxSize1to1", "50000"),
        // Groups talk in pager mode.
        ("MaxSize1toM", "4000"),
        ("MaxAdhocGroupSize", "12"),
        ("conf-fcty-uri", "sip:groups@hongyan.local"),
        ("exploder-uri", "sip:many@hongyan.local"),
        ("MaxSizeStandalone", "70000"),
        ("SwitchoverSize", "1300"),
        ("MaxSizeFileTr", "5120"),
    ] {
        assert_eq!(rcs.find(name), Some(value), "{name}");
    }
    assert_eq!(ims.group("ICSI_List").unwrap().parms.len(), 6, "pager, large and chat");
    server.running.stop().await;

    let off = |config: &mut Config| {
        change(config);
        config.msrp.listen = "off".parse().unwrap();
        // Another way in than these handsets take.
        config.msrp.tls_listen = "127.0.0.1:0".parse().unwrap();
        config.tls.self_signed = true;
    };
    let server = Server::start(off).await;
    let told = told_by_otp(&server).await;
    let (ims, rcs) = (told.application("ap2001").unwrap(), told.application("ap2002").unwrap());
    for (name, value) in [
        ("ChatAuth", Some("0")),
        ("GroupChatAuth", Some("1")),
        ("standaloneMsgAuth", Some("1")),
        ("TimerIdle", None),
        ("MaxSize1to1", None),
        ("MaxSize1toM", Some("4000")),
        ("MaxSizeStandalone", Some("4000")),
        ("SwitchoverSize", Some("4000")),
    ] {
        assert_eq!(rcs.find(name), value, "{name}");
    }
    assert_eq!(ims.group("ICSI_List").unwrap().parms.len(), 2, "pager alone");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_device_was_told_opens_the_content_server_and_the_block_list() {
    let server = Server::start(|config| config.provisioning.allow_plain_http = true).await;
    let told = told_by_otp(&server).await;
    let rcs = told.application("ap2002").unwrap();
    let device = (rcs.find("ftHTTPCSUser").unwrap(), rcs.find("ftHTTPCSPwd").unwrap());
    let content = rcs.find("ftHTTPCSURI").unwrap();
    let path = content.strip_prefix(&format!("http://{}", server.running.bound.http)).unwrap();
    let welcome = as_subscriber(&server, Method::POST, path, device).await;
    assert_eq!(welcome.status(), StatusCode::NO_CONTENT);

    let bot = "/handset/v1/blocked/sip%3A12306%40botplatform.hongyan.local";
    let password = (ALICE, "open sesame");
    for (login, method, path, status) in [
        (device, Method::PUT, bot, StatusCode::NO_CONTENT),
        (password, Method::PUT, "/handset/v1/blocked/13800000002", StatusCode::NO_CONTENT),
        (password, Method::PUT, "/handset/v1/blocked/nonsense:x", StatusCode::BAD_REQUEST),
        ((ALICE, "wrong"), Method::PUT, "/handset/v1/blocked/13800000003", StatusCode::UNAUTHORIZED),
        (("+8613899999999", "wrong"), Method::GET, "/handset/v1/blocked", StatusCode::UNAUTHORIZED),
    ] {
        let answer = as_subscriber(&server, method, path, login).await;
        assert_eq!(answer.status(), status, "{path}");
    }
    let list = as_subscriber(&server, Method::GET, "/handset/v1/blocked", device).await;
    let list: Value = list.json().await.unwrap();
    assert_eq!(list[0]["address"], "sip:12306@botplatform.hongyan.local");
    assert_eq!(list[1]["address"], "tel:+8613800000002");
    let lifted = as_subscriber(&server, Method::DELETE, bot, password).await;
    assert_eq!(lifted.status(), StatusCode::NO_CONTENT);
    let lifted = as_subscriber(&server, Method::DELETE, bot, password).await;
    assert_eq!(lifted.status(), StatusCode::NOT_FOUND);
    let seen: Value = server
        .admin(Method::GET, "/subscribers/13800000001/blocked")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen.as_array().unwrap().len(), 1);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_that_is_trusted_says_whose_handset_it_is() {
    let server = Server::start(|config| {
        config.provisioning.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        config.provisioning.hosts = vec!["config.rcs.example".to_owned()];
    })
    .await;
    // In the open, under the name that handsets know: the network says who it is.
    let first = server
        .get("/")
        .header(HOST, "config.rcs.example")
        .header("X-MSISDN", "8613800000001")
        .send()
        .await
        .unwrap();
    assert_eq!(first.status(), StatusCode::OK);
    let cookie = cookie(&first);
    assert!(first.bytes().await.unwrap().is_empty());
    let in_the_open = server.ask(FACTS, Some(&cookie)).await;
    assert_eq!(in_the_open.status(), StatusCode::NETWORK_AUTHENTICATION_REQUIRED);
    // Under TLS, as the proxy says.
    let second = server
        .get(&format!("/provisioning?{FACTS}"))
        .header(COOKIE, &cookie)
        .header("X-Forwarded-Proto", "https")
        .send()
        .await
        .unwrap();
    server.register(&document(second).await).await.unwrap();
    let stranger = server.get("/provisioning").header("X-MSISDN", "8613899999999").send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::FORBIDDEN);
    let web = server.get("/").send().await.unwrap();
    assert_ne!(
        web.status(),
        StatusCode::NETWORK_AUTHENTICATION_REQUIRED,
        "the web handset, under another name"
    );
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_else_is_believed() {
    let server = Server::start(|_| {}).await;
    for request in [
        server.get("/provisioning").header("X-MSISDN", "8613800000001"),
        server.get("/provisioning?msisdn=%2B8613800000001").header("X-Forwarded-Proto", "https"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NETWORK_AUTHENTICATION_REQUIRED);
    }
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_cannot_be_read_is_400_and_what_comes_too_often_503() {
    let server = Server::start(|config| config.provisioning.allow_plain_http = true).await;
    for query in ["vers=one".to_owned(), "msisdn=alice".to_owned(), format!("token={}", "x".repeat(2000))] {
        assert_eq!(server.ask(&query, None).await.status(), StatusCode::BAD_REQUEST, "{query}");
    }
    for _ in 0..5 {
        assert_eq!(server.ask("msisdn=13800000001", None).await.status(), StatusCode::OK);
    }
    let later = server.ask("msisdn=13800000001", None).await;
    assert_eq!(later.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(later.headers()[RETRY_AFTER].to_str().unwrap().parse::<u32>().unwrap() > 3000);
    server.running.stop().await;
}
