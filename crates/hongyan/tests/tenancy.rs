//! What tenants are shown: every call of the administration API is made with a tenant's key, about what is another's and about
//! its own. A new call that forgets to look whose something is fails here.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod common;

use std::collections::BTreeSet;

use common::Server;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ALICE: &str = "+8613800000001";
/// How Alice's number may be written.
const DIGITS: &str = "13800000001";

/// The things of one tenant, by the parameters of paths that name them.
struct Things {
    tenant: &'static str,
    chatbot: &'static str,
    campaign: String,
    key: String,
    message: String,
}

impl Server {
    async fn ask(&self, key: &str, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, String) {
        let url = format!("http://{}/admin/v1{path}", self.running.bound.http);
        let mut request = self.client.request(method, url).bearer_auth(key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn root(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.admin(method.clone(), path).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or_default()
    }

    async fn key(&self, tenant: &str, role: &str) -> Value {
        self.root(Method::POST, "/keys", json!({ "name": role, "role": role, "tenant": tenant })).await
    }

    /// A tenant with one of everything, and Alice in all of it.
    async fn tenant(&self, tenant: &'static str, chatbot: &'static str) -> Things {
        self.root(Method::POST, "/tenants", json!({ "id": tenant })).await;
        let new = json!({ "name": chatbot, "tenant": tenant, "status": "testing" });
        self.root(Method::POST, "/chatbots", new).await;
        let of_chatbot = |rest: &str| format!("/chatbots/{chatbot}/{rest}");
        let template = json!({ "content": { "text": format!("greetings from {chatbot}") } });
        self.root(Method::PUT, &of_chatbot("templates/storm"), template).await;
        let campaign = json!({ "name": chatbot, "chatbot": chatbot, "template": "storm" });
        let campaign =
            self.root(Method::POST, "/campaigns", campaign).await["id"].as_str().unwrap().to_owned();
        let invited = of_chatbot(&format!("invitations/{ALICE}"));
        self.root(Method::PUT, &invited, json!({ "accepted": true })).await;
        let contact = of_chatbot(&format!("contacts/{ALICE}"));
        self.root(Method::PATCH, &contact, json!({ "consent": true, "reason": "by letter" })).await;
        let text = json!({ "from": chatbot, "to": ALICE, "text": "hello" });
        let message =
            self.root(Method::POST, "/messages", text).await["messageId"].as_str().unwrap().to_owned();
        self.root(Method::POST, &of_chatbot("submit"), Value::Null).await;
        let key = self.key(tenant, "developer").await["id"].as_str().unwrap().to_owned();
        Things { tenant, chatbot, campaign, key, message }
    }
}

impl Things {
    /// The path of a call about these things; `None` where a parameter names nothing that tenants have.
    fn path(&self, path: &str) -> String {
        let id = match path.split('/').nth(1) {
            Some("campaigns") => &self.campaign,
            Some("keys") => &self.key,
            _ => "0190000000000000000000000000000f",
        };
        [
            ("{name}", self.chatbot),
            ("{tenant}", self.tenant),
            ("{template}", "storm"),
            ("{topic}", "launch"),
            ("{message_id}", &self.message),
            ("{id}", id),
            ("{address}", self.chatbot),
            ("{number}", ALICE),
        ]
        .iter()
        .fold(path.to_owned(), |path, (parameter, thing)| path.replace(parameter, thing))
    }

    /// The body of a call that names a chatbot or tenant in it.
    fn body(&self, path: &str) -> Option<Value> {
        let (chatbot, tenant) = (self.chatbot, self.tenant);
        Some(match path {
            "/campaigns" => json!({ "name": "x", "chatbot": chatbot, "template": "storm" }),
            "/media" => json!({ "chatbot": chatbot, "url": "https://media.example/a.png" }),
            "/messages" => json!({ "from": chatbot, "to": ALICE, "text": "hello" }),
            "/keys" => json!({ "name": "x", "role": "developer", "tenant": tenant }),
            // The name is taken.
            "/chatbots" => json!({ "name": chatbot }),
            _ => return None,
        })
    }

    /// What nobody else is to see.
    fn marks(&self) -> [&str; 5] {
        [self.tenant, self.chatbot, &self.campaign, &self.key, &self.message]
    }
}

async fn two_tenants(change: impl FnOnce(&mut hongyan::config::Config)) -> (Server, Things, Things) {
    let server = Server::with(&[ALICE], "correct horse", change).await;
    let (own, foreign) = (server.tenant("acme", "weather").await, server.tenant("globex", "gazette").await);
    (server, own, foreign)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_shows_or_touches_what_is_another_tenants() {
    let (server, _, foreign) = two_tenants(|_| {}).await;
    let mut wrong = Vec::new();
    for role in ["tenant-admin", "developer", "auditor"] {
        let key = server.key("acme", role).await["key"].as_str().unwrap().to_owned();
        if role == "tenant-admin" {
            // Later it has what these calls name.
            let (_, log) = server.ask(&key, Method::GET, "/audit-log?limit=1000", None).await;
            assert!(
                log.contains("weather") && !foreign.marks().iter().any(|mark| log.contains(mark)),
                "{log}"
            );
        }
        for (method, path) in hongyan::http::admin_calls() {
            let is_about_something = path.contains('{');
            let method: Method = method.parse().unwrap();
            let target = foreign.path(path);
            let mut targets = vec![target.clone()];
            if !is_about_something && method == Method::GET {
                targets.push(format!("{target}?chatbot={}", foreign.chatbot));
                targets.push(format!("{target}?tenant={}", foreign.tenant));
            }
            for target in targets {
                let body = foreign.body(path).filter(|_| method == Method::POST);
                let (status, answer) = server.ask(&key, method.clone(), &target, body.as_ref()).await;
                let is_refused = match status.as_u16() {
                    403 | 404 => true,
                    // There is one of that name: whoever asks has named it.
                    409 => path == "/chatbots",
                    // A list, of what is the tenant's own; or nothing that matters was named.
                    200 | 400 => method == Method::GET && !is_about_something,
                    _ => false,
                };
                // A message id is named by whoever asks, and there may be no such message.
                let is_empty_trace = path == "/trace/{message_id}" && answer == "[]";
                if !is_refused && !is_empty_trace {
                    wrong.push(format!("{role}: {method} {target}: {status}: {answer}"));
                }
                let is_named = status == StatusCode::CONFLICT || path == "/audit-log";
                let named = |mark: &&&str| is_named || target.contains(**mark);
                if let Some(mark) =
                    foreign.marks().iter().filter(|mark| !named(mark)).find(|mark| answer.contains(**mark))
                {
                    wrong.push(format!("{role}: {method} {target} shows {mark}: {answer}"));
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    // And all of it is there as it was.
    for path in ["/chatbots/gazette", "/chatbots/gazette/templates/storm", "/tenants/globex"] {
        server.root(Method::GET, path, Value::Null).await;
    }
    let campaign = server.root(Method::GET, &format!("/campaigns/{}", foreign.campaign), Value::Null).await;
    assert_eq!(campaign["state"], "draft");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_privacy_is_on_no_call_shows_a_tenant_a_number() {
    let (server, own, _) = two_tenants(|config| config.maap.anonymous = true).await;
    let key = server.key("acme", "tenant-admin").await["key"].as_str().unwrap().to_owned();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let reads = || hongyan::http::admin_calls().filter(|(method, _)| *method == "GET");
    for (_, path) in reads() {
        for query in ["", "?limit=1000", "?chatbot=weather", &format!("?text={DIGITS}")] {
            let target = format!("{}{query}", own.path(path));
            let (status, answer) = server.ask(&key, Method::GET, &target, None).await;
            if answer.contains(DIGITS) {
                wrong.push(format!("{target}: {answer}"));
            }
            if status == StatusCode::OK {
                seen.insert(path);
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(seen.len() > 15, "{seen:?}");
    // Nor does the log say where a number stands, by what is found in it.
    let (_, found) = server.ask(&key, Method::GET, &format!("/audit-log?text={DIGITS}"), None).await;
    assert_eq!(serde_json::from_str::<Value>(&found).unwrap()["acts"], json!([]));
    let (_, all) = server.ask(&key, Method::GET, "/audit-log", None).await;
    assert!(all.contains("/chatbots/weather/contacts/{number}"), "{all}");

    // The operator sees them, and so does a tenant whose chatbot may know this one.
    let contact = format!("/chatbots/weather/contacts/{ALICE}");
    server.root(Method::PATCH, &contact, json!({ "revealed": true })).await;
    for path in ["/chatbots/weather", "/chatbots/weather/invitations", &format!("/trace/{}", own.message)] {
        let (_, answer) = server.ask(&key, Method::GET, path, None).await;
        assert!(answer.contains(DIGITS), "{path}: {answer}");
    }
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tenant_leaves_behind_is_nobody_elses() {
    let (server, own, foreign) = two_tenants(|_| {}).await;
    let key = server.key("acme", "developer").await["key"].as_str().unwrap().to_owned();
    let old = server.key("globex", "tenant-admin").await["key"].as_str().unwrap().to_owned();
    assert_eq!(server.ask(&old, Method::GET, "/chatbots", None).await.0, StatusCode::OK);
    server.root(Method::DELETE, "/chatbots/gazette", Value::Null).await;

    // The name of a chatbot that is gone: messages, campaigns and users' tokens still lie under it.
    let again = json!({ "name": "gazette" });
    let (status, answer) = server.ask(&key, Method::POST, "/chatbots", Some(&again)).await;
    assert_eq!(status, StatusCode::CONFLICT, "{answer}");
    assert_eq!(server.ask(&old, Method::POST, "/chatbots", Some(&again)).await.0, StatusCode::CREATED);
    server.root(Method::DELETE, "/chatbots/gazette", Value::Null).await;

    // The id of a tenant that is gone: its keys open nothing, also when there is one of that id again.
    server.root(Method::DELETE, "/tenants/globex", Value::Null).await;
    assert_eq!(server.ask(&old, Method::GET, "/chatbots", None).await.0, StatusCode::UNAUTHORIZED);
    server.root(Method::POST, "/tenants", json!({ "id": "globex" })).await;
    assert_eq!(server.ask(&old, Method::GET, "/chatbots", None).await.0, StatusCode::UNAUTHORIZED);
    let keys = server.root(Method::GET, "/keys", Value::Null).await;
    assert!(!keys.to_string().contains(&foreign.key), "{keys}");
    // The operator may hand over what it was.
    server.root(Method::POST, "/chatbots", again).await;
    server.root(Method::PUT, "/chatbots/gazette/tenant", json!({ "tenant": own.tenant })).await;
    assert_eq!(server.ask(&key, Method::GET, "/chatbots/gazette", None).await.0, StatusCode::OK);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_stands_in_the_audit_log_by_its_name_and_for_its_owner() {
    let (server, own, _) = two_tenants(|_| {}).await;
    let key = server.key("acme", "auditor").await["key"].as_str().unwrap().to_owned();
    let (_, acts) = server.ask(&key, Method::GET, "/audit-log?limit=1000", None).await;
    let acts: Value = serde_json::from_str(&acts).unwrap();
    let targets: BTreeSet<&str> =
        acts["acts"].as_array().unwrap().iter().map(|act| act["target"].as_str().unwrap()).collect();
    for target in [
        "/chatbots/sip:weather@botplatform.hongyan.local",
        &format!("/campaigns/{}", own.campaign),
        &format!("/trace/{}", own.message),
        &format!("/keys/{}", own.key),
        "/tenants/acme",
    ] {
        assert!(targets.contains(target), "{target} is not in {targets:?}");
    }
    assert!(
        acts["acts"].as_array().unwrap().iter().all(|act| act["from"].is_null()),
        "who else acted whence"
    );
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_of_a_tenants_counts_and_is_refused_over_its_quota() {
    let (server, own, _) = two_tenants(|_| {}).await;
    let key = server.key("acme", "developer").await["key"].as_str().unwrap().to_owned();
    server.root(Method::PATCH, "/tenants/acme", json!({ "messagesPerDay": 2 })).await;
    let url = format!("http://{}/admin/v1/messages", server.running.bound.http);
    let text = own.body("/messages").unwrap();
    let send = async || server.client.post(&url).bearer_auth(&key).json(&text).send().await.unwrap();
    for left in [1, 0] {
        let answer = send().await;
        assert_eq!(answer.status(), StatusCode::OK);
        let told = answer.headers()["ratelimit"].to_str().unwrap();
        assert!(told.starts_with(&format!("\"day\";r={left};")), "{told}");
    }
    let refused = send().await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait_s: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert_eq!(refused.headers()["ratelimit"], format!("\"day\";r=0;t={wait_s}"));
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_tenant_changes_of_its_chatbot_is_seen_when_the_operator_has_approved_it() {
    let (server, _, foreign) = two_tenants(|config| config.maap.auto_approve = false).await;
    let key = server.key("acme", "developer").await["key"].as_str().unwrap().to_owned();
    let other = server.key(foreign.tenant, "developer").await["key"].as_str().unwrap().to_owned();
    let change = json!({ "displayName": "Your bank", "webhook": "https://weather.example/hook" });
    let (status, shown) = server.ask(&key, Method::PATCH, "/chatbots/weather", Some(&change)).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{shown}");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["displayName"], &shown["webhook"]), (&json!("weather"), &change["webhook"]));
    let waiting = async |key: &str| {
        let (_, waiting) = server.ask(key, Method::GET, "/reviews", None).await;
        let waiting: Value = serde_json::from_str(&waiting).unwrap();
        waiting.as_array().unwrap().iter().map(|one| one["change"].clone()).collect::<Vec<_>>()
    };
    // Both were submitted too.
    assert_eq!(waiting(&key).await, [json!({ "displayName": "Your bank" }), Value::Null]);
    assert_eq!(waiting(&other).await, [Value::Null]);
    server.root(Method::POST, "/chatbots/weather/reviews/data/approve", Value::Null).await;
    let shown = server.root(Method::GET, "/chatbots/weather", Value::Null).await;
    assert_eq!(shown["displayName"], "Your bank");
    server.running.stop().await;
}
