//! `/openapi.json` against the server that publishes it: every call is told, told calls are there, and examples are true.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

#[allow(dead_code, reason = "each test uses a part of it")]
mod common;

use std::collections::BTreeSet;

use common::Server;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

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
        let mut schema = schema.clone();
        schema["components"] = document["components"].clone();
        let body: Value = serde_json::from_slice(body).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let error = validator.iter_errors(&body).next()?;
        Some(format!("{}: {status}: {}: {error}", self.name(), error.instance_path()))
    }
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
        let is_understood = status.is_success() || status == StatusCode::NOT_FOUND;
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
