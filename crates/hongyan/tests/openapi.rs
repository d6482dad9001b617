//! `/openapi.json` against the server that publishes it: every call is told, told calls are there, and examples are true.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

#[allow(dead_code, reason = "each test uses a part of it")]
mod common;

use std::collections::BTreeSet;

use common::Server;
use hongyan::serve::{Options, Running};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::{DeadLetter, Entry, EntryIds, EntryKind, Store, View, Wants};

/// Methods that a path may have.
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// One call of the document.
struct Call {
    path: String,
    method: &'static str,
    told: Value,
}

/// The server with what the examples speak of.
async fn server() -> Server {
    let numbers = ["+8613800000001", "+8613800000002", "+8613800000009"];
    let server = Server::with(&numbers, "correct-horse", |_| {}).await;
    let tickets = json!({ "name": "tickets", "dialect": "rbm" });
    let made = server.admin(Method::POST, "/chatbots").json(&tickets).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    server
}

async fn document(server: &Server) -> Value {
    let url = format!("http://{}/openapi.json", server.running.bound.http);
    server.client.get(url).send().await.unwrap().json().await.unwrap()
}

fn calls(document: &Value) -> Vec<Call> {
    let paths = document["paths"].as_object().unwrap();
    let mut calls = Vec::new();
    for (path, item) in paths {
        for method in METHODS {
            if let Some(told) = item.get(method) {
                calls.push(Call { path: path.clone(), method, told: told.clone() });
            }
        }
    }
    calls
}

impl Call {
    fn name(&self) -> String {
        format!("{} {}", self.method.to_uppercase(), self.path)
    }

    /// The path with the examples of its parameters.
    fn example_path(&self) -> String {
        let mut path = self.path.clone();
        for parameter in self.told["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "path" {
                let example = parameter["example"].as_str().unwrap_or("x");
                path = path.replace(&format!("{{{}}}", parameter["name"].as_str().unwrap()), example);
            }
        }
        path
    }

    /// The example of its body.
    fn example_body(&self, document: &Value) -> Option<Value> {
        let content = self.told.pointer("/requestBody/content/application~1json")?;
        if let Some(example) = content.get("example") {
            return Some(example.clone());
        }
        let name = content.pointer("/schema/$ref")?.as_str()?.rsplit('/').next()?;
        document["components"]["schemas"][name].get("example").cloned()
    }

    /// Asks as an administrator, who may do whatever the call is about.
    async fn ask(&self, server: &Server, body: Option<&Value>) -> reqwest::Response {
        let method = Method::from_bytes(self.method.to_uppercase().as_bytes()).unwrap();
        let url = format!("http://{}{}", server.running.bound.http, self.example_path());
        let token = std::fs::read_to_string(server.data.path().join("admin-token")).unwrap();
        let mut request = server.client.request(method, url);
        if self.path.starts_with("/admin/") {
            request = request.bearer_auth(token.trim());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    /// What is not as the document tells it.
    fn untrue(
        &self,
        document: &Value,
        status: StatusCode,
        content_type: &str,
        body: &[u8],
    ) -> Option<String> {
        let Some(answer) = self.told["responses"].get(status.as_str()) else {
            return Some(format!("{}: {status} isn't told", self.name()));
        };
        if content_type != "application/json" {
            return None;
        }
        let Some(schema) = answer.pointer("/content/application~1json/schema") else {
            return Some(format!("{}: JSON with {status} isn't told", self.name()));
        };
        let body: Value = serde_json::from_slice(body).unwrap();
        let fault = violation(document, schema, &body)?;
        Some(format!("{}: {status}: {fault}", self.name()))
    }
}

/// What a value has that a schema of the document does not let it have.
fn violation(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let error = validator.iter_errors(value).next()?;
    Some(format!("{}: {error}", error.instance_path()))
}

/// Whether a schema says nothing of the members of an object, or of the objects of a list.
fn is_blank(document: &Value, schema: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        return is_blank(document, document.pointer(name.trim_start_matches('#')).unwrap());
    }
    match schema["type"].as_str() {
        Some("array") => is_blank(document, &schema["items"]),
        Some("object") => {
            ["properties", "additionalProperties"].iter().all(|member| schema.get(member).is_none())
        }
        Some(_) => false,
        None => ["allOf", "oneOf", "anyOf"].iter().all(|member| schema.get(member).is_none()),
    }
}

/// A call of the administration API that does what it is asked, with a body and an answer as the document has them. `path` is
/// what `told` becomes.
async fn as_told(
    server: &Server,
    document: &Value,
    (method, told, path): (Method, &str, &str),
    body: Option<Value>,
) -> Value {
    let is_it = |call: &Call| {
        call.path == format!("/admin/v1{told}") && call.method.eq_ignore_ascii_case(method.as_str())
    };
    let call = calls(document).into_iter().find(is_it).unwrap();
    let mut request = server.admin(method.clone(), path);
    if let Some(body) = &body {
        let schema = call.told.pointer("/requestBody/content/application~1json/schema").unwrap();
        assert_eq!(violation(document, schema, body), None, "{body}");
        request = request.json(body);
    }
    let answer = request.send().await.unwrap();
    let (status, head) = (answer.status(), answer.headers().clone());
    let content_type = head.get("content-type").map_or("", |value| value.to_str().unwrap());
    let bytes = answer.bytes().await.unwrap();
    assert!(status.is_success(), "{}: {status}: {}", call.name(), String::from_utf8_lossy(&bytes));
    assert_eq!(call.untrue(document, status, content_type, &bytes), None);
    serde_json::from_slice(&bytes).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_call_has_its_text() {
    let server = server().await;
    let document = document(&server).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let calls = calls(&document);
    assert!(calls.len() > 40, "{} calls", calls.len());
    let mut ids = BTreeSet::new();
    let mut wanting = Vec::new();
    for call in &calls {
        let id = call.told["operationId"].as_str().unwrap().to_owned();
        if !ids.insert(id.clone()) {
            wanting.push(format!("{}: the id {id} is there twice", call.name()));
        }
        if call.told["summary"].as_str().unwrap_or_default().is_empty() {
            wanting.push(format!("{}: no summary", call.name()));
        }
        for parameter in call.told["parameters"].as_array().into_iter().flatten() {
            if parameter["description"].as_str().unwrap_or_default().is_empty() {
                wanting.push(format!(
                    "{}: the parameter {} is not described",
                    call.name(),
                    parameter["name"]
                ));
            }
        }
    }
    assert_eq!(wanting, [""; 0]);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_that_are_told_are_there_and_no_others_beside_them() {
    let server = server().await;
    let document = document(&server).await;
    let calls = calls(&document);
    let mut wrong = Vec::new();
    for call in &calls {
        let others = METHODS
            .into_iter()
            .filter(|method| !calls.iter().any(|other| other.path == call.path && other.method == *method));
        // The handlers of these read the rest of the path, and say in their own way what is not there.
        if call.told["tags"][0].as_str().unwrap().starts_with("Chatbots: ") {
            continue;
        }
        for method in others {
            let other = Call { path: call.path.clone(), method, told: call.told.clone() };
            let status = other.ask(&server, None).await.status();
            if status != StatusCode::METHOD_NOT_ALLOWED {
                wrong.push(format!("{} is not told, and answered with {status}", other.name()));
            }
        }
        let status = call.ask(&server, None).await.status();
        if status == StatusCode::METHOD_NOT_ALLOWED {
            wrong.push(format!("{} is told, and not there", call.name()));
        }
    }
    wrong.sort();
    wrong.dedup();
    assert_eq!(wrong, [""; 0]);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_call_of_administrators_says_who_may_make_it() {
    let server = server().await;
    let document = document(&server).await;
    let told: BTreeSet<(String, String)> = calls(&document)
        .iter()
        .filter_map(|call| {
            Some((call.method.to_uppercase(), call.path.strip_prefix("/admin/v1")?.to_owned()))
        })
        .collect();
    let list: Vec<(String, String)> =
        hongyan::http::admin_calls().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    let named: BTreeSet<(String, String)> = list.iter().cloned().collect();
    assert_eq!(named.len(), list.len(), "a call stands twice");
    assert_eq!(told, named);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn examples_are_taken_and_answered_as_told() {
    let server = server().await;
    let document = document(&server).await;
    let mut calls = calls(&document);
    // What makes things comes before what shows them, and what removes them last.
    let rank = ["post", "put", "patch", "get", "delete"];
    calls.sort_by_key(|call| rank.iter().position(|method| *method == call.method));
    let mut wrong = Vec::new();
    let mut done = 0;
    for call in
        calls.iter().filter(|call| call.path.starts_with("/admin/") || call.path.starts_with("/tools/"))
    {
        let body = call.example_body(&document);
        let takes_json = call.told.pointer("/requestBody/content/application~1json").is_some();
        if call.told.get("requestBody").is_some() && !takes_json {
            continue;
        }
        if takes_json && body.is_none() {
            wrong.push(format!("{}: no example of the body", call.name()));
            continue;
        }
        let answer = call.ask(&server, body.as_ref()).await;
        let (status, head) = (answer.status(), answer.headers().clone());
        let content_type = head.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let bytes = answer.bytes().await.unwrap();
        // There may be no such thing, or its state may not allow it; but nothing is wrong with the request.
        let is_understood =
            status.is_success() || matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
        if !is_understood {
            wrong.push(format!("{}: {status}: {}", call.name(), String::from_utf8_lossy(&bytes)));
        }
        wrong.extend(call.untrue(&document, status, content_type, &bytes));
        done += 1;
    }
    assert_eq!(wrong, [""; 0]);
    assert!(done > 25, "{done} examples");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_json_of_administrators_is_just_an_object() {
    let server = server().await;
    let document = document(&server).await;
    let mut blank = Vec::new();
    for call in calls(&document).iter().filter(|call| call.path.starts_with("/admin/")) {
        let answers = call.told["responses"].as_object().unwrap().values();
        for content in answers.chain([&call.told["requestBody"]]) {
            let schema = content.pointer("/content/application~1json/schema");
            if schema.is_some_and(|schema| is_blank(&document, schema)) {
                blank.push(call.name());
            }
        }
    }
    assert_eq!(blank, [""; 0]);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_campaign_is_as_told_from_its_template_to_its_outcomes() {
    let server = server().await;
    let document = document(&server).await;
    let ask = async |method: Method, told: &str, path: &str, body: Option<Value>| {
        as_told(&server, &document, (method, told, path), body).await
    };
    let (get, post, put, patch) = (Method::GET, Method::POST, Method::PUT, Method::PATCH);
    ask(post.clone(), "/chatbots", "/chatbots", Some(json!({ "name": "weather" }))).await;

    let template = json!({
        "variables": [{ "name": "city", "type": "text", "default": null }],
        "content": { "text": "{{city}}: storm warning" },
        "traffic": null,
    });
    let (told, path) = ("/chatbots/{name}/templates/{template}", "/chatbots/weather/templates/storm");
    ask(put, told, path, Some(template.clone())).await;
    assert_eq!(ask(get.clone(), told, path, None).await["template"], template);
    let templates = ask(get.clone(), "/templates", "/templates", None).await;
    assert_eq!(templates[0]["variables"], json!(["city"]));

    let new = json!({
        "chatbot": "weather", "name": "storm", "template": "storm",
        "startAt": "2026-11-25T09:00:00+08:00", "validitySeconds": 3600,
        "windows": [{ "days": ["sat"], "from": "22:00", "to": "06:00" }],
    });
    let campaign = ask(post.clone(), "/campaigns", "/campaigns", Some(new)).await;
    assert_eq!(campaign["plan"]["windows"].as_array().unwrap().len(), 2);
    let path = format!("/campaigns/{}", campaign["id"].as_str().unwrap());
    let now = json!({ "startAt": "", "windows": [], "perSecond": 20 });
    let changed = ask(patch, "/campaigns/{id}", &path, Some(now)).await;
    assert_eq!((&changed["plan"]["startAt"], &changed["plan"]["perSecond"]), (&json!(null), &json!(20)));
    let list = json!({ "recipients": [
        { "number": "+8613800000001", "variables": { "city": "成都" } },
        { "number": "+8613800000009", "variables": { "city": "成都" } },
        { "number": "+8613800000008", "variables": { "city": "成都" } },
        { "number": "+8613800000002", "variables": { "town": "成都" } },
    ] });
    let (told, to) = ("/campaigns/{id}/recipients", format!("{path}/recipients"));
    let taken = ask(post.clone(), told, &to, Some(list)).await;
    assert_eq!((&taken["added"], &taken["errors"][0]["line"]), (&json!(3), &json!(3)));

    let mut campaign = ask(post, "/campaigns/{id}/start", &format!("{path}/start"), None).await;
    while campaign["state"] != "finished" {
        let watched = format!("{path}?wait=10&since={}", campaign["revision"].as_str().unwrap());
        campaign = ask(get.clone(), "/campaigns/{id}", &watched, None).await;
    }
    let listed = ask(get.clone(), "/campaigns", "/campaigns", None).await;
    assert_eq!(listed[0]["counts"], campaign["counts"]);
    let outcomes = async |query: &str| {
        ask(get.clone(), "/campaigns/{id}/outcomes", &format!("{path}/outcomes{query}"), None).await
    };
    let all = outcomes("").await;
    let words: Vec<&str> =
        all["outcomes"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert_eq!(words, ["sent", "sent", "refused"]);
    assert_eq!(outcomes("?limit=1").await["next"], 1);
    assert_eq!(outcomes("?number=13800000008").await["outcomes"][0], all["outcomes"][2]);

    let usage = ask(get.clone(), "/chatbots/{name}/usage", "/chatbots/weather/usage", None).await;
    assert_eq!((&usage["perSecond"], &usage["day"]["limit"]), (&json!(100), &json!(null)));
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_dead_letter_is_as_told() {
    let Server { running, data, client } = server().await;
    running.stop().await;
    let id = bury(&data.path().join("store"));
    let config = common::config();
    let options = Options { data: data.path().to_owned(), demo: false, ready_file: None };
    let server = Server { running: Running::start(config, options).await.unwrap(), data, client };
    let document = document(&server).await;
    let ask = async |method: Method, told: &str, path: &str, body: Option<Value>| {
        as_told(&server, &document, (method, told, path), body).await
    };
    let all = ask(Method::GET, "/dead-letters", "/dead-letters", None).await;
    assert_eq!((&all[0]["id"], &all[0]["attempts"]), (&json!(id), &json!(3)));
    let (told, path) = ("/chatbots/{name}/dead-letters", "/chatbots/tickets/dead-letters");
    assert_eq!(ask(Method::GET, told, path, None).await, all);
    let one = ask(Method::GET, &format!("{told}/{{id}}"), &format!("{path}/{id}"), None).await;
    assert_eq!(one, all[0]);
    let none = Some(json!({ "ids": [] }));
    let replayed = ask(Method::POST, &format!("{told}/replay"), &format!("{path}/replay"), none).await;
    assert_eq!(replayed["replayed"], 0);
    assert_eq!(ask(Method::DELETE, told, path, None).await["removed"], 1);
    server.running.stop().await;
}

/// Puts a dead letter of `tickets` into a store that nobody has open; its id.
fn bury(directory: &std::path::Path) -> String {
    let now = rcs::Timestamp::parse_rfc3339("2026-11-24T09:00:00Z").unwrap();
    let entry = Entry {
        id: EntryIds::new(1).next(now),
        kind: EntryKind::Message,
        message_id: "m".to_owned(),
        from: "tel:+8613800000001".parse().unwrap(),
        to: "sip:tickets@botplatform.hongyan.local".parse().unwrap(),
        conversation_id: "c".to_owned(),
        contribution_id: "d".to_owned(),
        in_reply_to: None,
        service: None,
        content_type: "text/plain".to_owned(),
        body: bytes::Bytes::from_static(b"hello"),
        wanted: Default::default(),
        accepted_at: now,
        expires_at: now,
        waiting: Vec::new(),
        taken: Vec::new(),
        refused: Vec::new(),
        attempts: 3,
        next_due: now,
        spooled: None,
        accept: Vec::new(),
    };
    let id = entry.id.to_string();
    let why = "no answer".to_owned();
    let letter = DeadLetter { entry, why, last_answer: None, given_up_at: now };
    let store = Store::open(directory).unwrap();
    let (mut wants, mut view) = (Wants::default(), View::default());
    wants.dead_letter(&letter.key());
    store.load(wants, &mut view).unwrap();
    view.put_dead_letter(letter);
    store.commit(&view).unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn refusals_are_told_and_in_one_form() {
    let server = server().await;
    let document = document(&server).await;
    let call = |path: &str, method: &str| {
        calls(&document).into_iter().find(|call| call.path == path && call.method == method).unwrap()
    };
    let add = call("/admin/v1/subscribers", "post");
    for body in [json!({}), json!([]), json!({ "number": "x", "password": "correct-horse" })] {
        let answer = add.ask(&server, Some(&body)).await;
        let status = answer.status();
        assert!(status.is_client_error(), "{body}: {status}");
        assert_eq!(add.untrue(&document, status, "application/json", &answer.bytes().await.unwrap()), None);
    }
    // What the HTTP library refuses on its own looks the same: a path that is no UTF-8, a method that is not there.
    for (method, path) in [(Method::GET, "/subscribers/%ff"), (Method::PATCH, "/subscribers")] {
        let answer = server.admin(method, path).send().await.unwrap();
        assert!(answer.status().is_client_error());
        let body: Value = answer.json().await.unwrap();
        assert!(body["error"].is_string(), "{body}");
    }
    server.running.stop().await;
}
