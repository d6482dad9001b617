//! The administration API with keys: tenants see their own, every act is in the audit log, and campaigns run.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod common;

use common::Server;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

/// A call with a key instead of the token of the data directory.
async fn ask(
    server: &Server,
    key: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> (StatusCode, Value) {
    let url = format!("http://{}/admin/v1{path}", server.running.bound.http);
    let mut request = server.client.request(method, url).bearer_auth(key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

/// As [`ask`], with the token of the data directory.
async fn root(server: &Server, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let token = std::fs::read_to_string(server.data.path().join("admin-token")).unwrap();
    ask(server, token.trim(), method, path, body).await
}

async fn made(server: &Server, path: &str, body: Value) -> Value {
    let (status, answer) = root(server, Method::POST, path, Some(body)).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    answer
}

async fn key(server: &Server, role: &str, tenant: Option<&str>) -> (String, String) {
    let mut body = json!({ "name": role, "role": role });
    if let Some(tenant) = tenant {
        body["tenant"] = json!(tenant);
    }
    let answer = made(server, "/keys", body).await;
    (answer["id"].as_str().unwrap().to_owned(), answer["key"].as_str().unwrap().to_owned())
}

fn template() -> Value {
    json!({
        "variables": [{ "name": "city", "type": "text", "maxChars": 20 }],
        "content": { "text": "{{city}}: storm warning" },
    })
}

/// Two tenants with a chatbot, a template and a campaign each; the ids of the campaigns.
async fn two_tenants(server: &Server) -> [String; 2] {
    let mut ids = Vec::new();
    for (tenant, chatbot) in [("acme", "weather"), ("globex", "news")] {
        made(server, "/tenants", json!({ "id": tenant })).await;
        made(server, "/chatbots", json!({ "name": chatbot, "tenant": tenant })).await;
        let path = format!("/chatbots/{chatbot}/templates/storm");
        assert_eq!(root(server, Method::PUT, &path, Some(template())).await.0, StatusCode::CREATED);
        let campaign = json!({ "name": "storm", "chatbot": chatbot, "template": "storm" });
        ids.push(made(server, "/campaigns", campaign).await["id"].as_str().unwrap().to_owned());
    }
    ids.try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_sees_and_touches_only_what_is_its_own() {
    let server = Server::with(&["+8613800000001"], PASSWORD, |_| {}).await;
    let [own, foreign] = two_tenants(&server).await;
    made(&server, "/chatbots", json!({ "name": "operators" })).await;
    let (admin_id, admin) = key(&server, "tenant-admin", Some("acme")).await;
    let (_, developer) = key(&server, "developer", Some("acme")).await;
    let (_, auditor) = key(&server, "auditor", Some("acme")).await;
    let (foreign_id, _) = key(&server, "developer", Some("globex")).await;

    // Listings hold what is the tenant's, and nothing else.
    for (path, member, expected) in [
        ("/chatbots", "tenant", vec!["acme"]),
        ("/campaigns", "id", vec![own.as_str()]),
        ("/templates", "chatbotId", vec!["sip:weather@botplatform.hongyan.local"]),
        ("/tenants", "id", vec!["acme"]),
    ] {
        for key in [&admin, &developer, &auditor] {
            let (status, answer) = ask(&server, key, Method::GET, path, None).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            let found: Vec<&str> =
                answer.as_array().unwrap().iter().map(|row| row[member].as_str().unwrap()).collect();
            assert_eq!(found, expected, "{path}");
        }
    }
    let (_, keys) = ask(&server, &admin, Method::GET, "/keys", None).await;
    assert_eq!(keys.as_array().unwrap().len(), 3);
    assert!(!keys.to_string().contains(admin.rsplit('_').next().unwrap()), "no listing shows a secret");

    // What is somebody else's does not exist; what is a kind of thing that is none of a tenant's business is forbidden.
    let campaign = json!({ "name": "x", "chatbot": "news", "template": "storm" });
    let text = json!({ "from": "news", "to": "+8613800000001", "text": "hello" });
    let (g, p, d) = (Method::GET, Method::POST, Method::DELETE);
    for (method, path, body, expected) in [
        (g.clone(), "/chatbots/weather".to_owned(), None, 200),
        (g.clone(), "/chatbots/news".to_owned(), None, 404),
        (g.clone(), "/chatbots/operators".to_owned(), None, 404),
        (g.clone(), "/chatbots/nobody".to_owned(), None, 404),
        (Method::PATCH, "/chatbots/news".to_owned(), Some(json!({ "displayName": "Mine" })), 404),
        (Method::PATCH, "/chatbots/weather".to_owned(), Some(json!({ "verified": true })), 403),
        (d.clone(), "/chatbots/news".to_owned(), None, 404),
        (g.clone(), "/media?chatbot=weather".to_owned(), None, 200),
        (g.clone(), "/media?chatbot=news".to_owned(), None, 404),
        (Method::PUT, "/chatbots/news/templates/storm".to_owned(), Some(template()), 404),
        (Method::PUT, "/chatbots/weather/tenant".to_owned(), Some(json!({ "tenant": "globex" })), 403),
        (g.clone(), format!("/campaigns/{own}"), None, 200),
        (g.clone(), format!("/campaigns/{foreign}"), None, 404),
        (g.clone(), format!("/campaigns/{foreign}/outcomes"), None, 404),
        (p.clone(), format!("/campaigns/{foreign}/start"), None, 404),
        (p.clone(), format!("/campaigns/{foreign}/recipients"), None, 404),
        (p.clone(), "/campaigns".to_owned(), Some(campaign), 404),
        (p.clone(), "/messages".to_owned(), Some(text), 404),
        (g.clone(), "/mailboxes/weather".to_owned(), None, 403),
        (g.clone(), "/chatbots/weather/usage".to_owned(), None, 200),
        (g.clone(), "/chatbots/news/usage".to_owned(), None, 404),
        (g.clone(), "/chatbots/weather/contacts".to_owned(), None, 403),
        (Method::PUT, "/chatbots/weather/rules".to_owned(), Some(json!({ "perSecond": 1_000_000 })), 403),
        (g.clone(), "/tenants/globex".to_owned(), None, 404),
        (p.clone(), "/tenants".to_owned(), Some(json!({ "id": "third" })), 403),
        (
            p.clone(),
            "/keys".to_owned(),
            Some(json!({ "name": "x", "role": "developer", "tenant": "globex" })),
            404,
        ),
        (p.clone(), "/keys".to_owned(), Some(json!({ "name": "x", "role": "operator" })), 400),
        (d.clone(), format!("/keys/{foreign_id}"), None, 404),
        (g.clone(), "/subscribers".to_owned(), None, 403),
        (g.clone(), "/groups".to_owned(), None, 403),
        (g.clone(), "/files".to_owned(), None, 403),
    ] {
        let (status, answer) = ask(&server, &admin, method.clone(), &path, body).await;
        assert_eq!(status.as_u16(), expected, "{method} {path}: {answer}");
    }
    // A developer makes no keys, and an auditor changes nothing.
    let new_key = json!({ "name": "x", "role": "developer" });
    assert_eq!(ask(&server, &developer, Method::POST, "/keys", Some(new_key.clone())).await.0, 403);
    assert_eq!(ask(&server, &auditor, Method::DELETE, "/chatbots/weather", None).await.0, 403);
    let (status, made) = ask(&server, &admin, Method::POST, "/keys", Some(new_key)).await;
    assert_eq!((status, made["tenant"].as_str()), (StatusCode::CREATED, Some("acme")));
    // A chatbot that a tenant makes is the tenant's, whatever it says.
    let own_bot = json!({ "name": "second", "tenant": "globex" });
    let (status, made) = ask(&server, &developer, Method::POST, "/chatbots", Some(own_bot)).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let (_, second) = ask(&server, &developer, Method::GET, "/chatbots/second", None).await;
    assert_eq!(second["tenant"], "acme");

    // What is revoked or suspended opens nothing.
    assert_eq!(ask(&server, &admin, Method::DELETE, &format!("/keys/{admin_id}"), None).await.0, 204);
    assert_eq!(ask(&server, &admin, Method::GET, "/chatbots", None).await.0, 401);
    let suspend = |is: bool| Some(json!({ "suspended": is }));
    root(&server, Method::PATCH, "/tenants/acme", suspend(true)).await;
    assert_eq!(ask(&server, &developer, Method::GET, "/chatbots", None).await.0, 403);
    root(&server, Method::PATCH, "/tenants/acme", suspend(false)).await;
    assert_eq!(ask(&server, &developer, Method::GET, "/chatbots", None).await.0, 200);
    for nonsense in ["", "hyk_1_2", "hyk_", "x"] {
        assert_eq!(ask(&server, nonsense, Method::GET, "/chatbots", None).await.0, 401, "{nonsense}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_that_changes_something_is_in_the_audit_log() {
    let server = Server::with(&["+8613800000001"], PASSWORD, |_| {}).await;
    let [own, _] = two_tenants(&server).await;
    let (id, developer) = key(&server, "developer", Some("acme")).await;
    let audit = async |query: &str| {
        let (status, answer) = root(&server, Method::GET, &format!("/audit-log{query}"), None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["acts"].as_array().unwrap().clone()
    };
    // Every route, whether there is such a thing or not, and whether it is allowed or not.
    let calls: Vec<(String, String)> =
        hongyan::http::admin_calls().map(|(method, path)| (method.to_owned(), path.to_owned())).collect();
    assert!(calls.len() > 50);
    let mut expected = 0;
    for (method, path) in &calls {
        let target = path
            .replace("{name}", "nobody")
            .replace("{number}", "+8613800000999")
            .replace("{id}", "0190000000000000000000000000000f")
            .replace(['{', '}'], "");
        let before = audit("?limit=1").await;
        for caller in ["root", "developer"] {
            let method: Method = method.parse().unwrap();
            // A one-time password is not seen unnoticed.
            let is_act = method != Method::GET || path.ends_with("/otp");
            let (status, _) = match caller {
                "root" => root(&server, method, &target, None).await,
                _ => ask(&server, &developer, method, &target, None).await,
            };
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{target}");
            assert!(!status.is_server_error(), "{target}: {status}");
            expected += usize::from(is_act);
            let latest = audit("?limit=1").await;
            if !is_act {
                continue;
            }
            let act = &latest[0];
            assert_eq!(
                act["call"].as_str(),
                calls_name(&calls, path, act["call"].as_str().unwrap()),
                "{target}"
            );
            assert_eq!(act["status"], status.as_u16(), "{target}");
            assert_eq!(act["key"].as_str(), Some(if caller == "root" { "root" } else { &id }), "{target}");
            assert_eq!(act["from"], "127.0.0.1");
        }
        if method == "GET" && !path.ends_with("/otp") {
            assert_eq!(audit("?limit=1").await, before, "to look at {path} leaves no row");
        }
    }
    assert!(expected > 50, "{expected}");

    // Without a key nothing is done, and nothing is written: strangers cannot fill the log.
    let before = audit("?limit=1").await;
    assert_eq!(ask(&server, "wrong", Method::DELETE, "/chatbots/weather", None).await.0, 401);
    assert_eq!(audit("?limit=1").await, before);

    // Filters; and a tenant reads what was done by it and with what is its.
    let started = root(&server, Method::POST, &format!("/campaigns/{own}/start"), None).await;
    assert_eq!(started.0, StatusCode::CONFLICT, "it has no recipients");
    let (_, answer) = ask(&server, &developer, Method::GET, "/audit-log?text=/start&limit=1", None).await;
    assert_eq!(answer["acts"][0]["target"], format!("/campaigns/{own}/start"));
    assert_eq!((&answer["acts"][0]["key"], &answer["acts"][0]["status"]), (&json!("root"), &json!(409)));
    let (_, answer) = ask(&server, &developer, Method::GET, "/audit-log?limit=1000", None).await;
    let acts = answer["acts"].as_array().unwrap();
    assert!(acts.iter().all(|act| act["tenant"] == "acme" || act["ofTenant"] == "acme"), "{acts:?}");
    assert!(
        audit(&format!("?key={id}&failed=true")).await.iter().all(|act| act["status"].as_u64() >= Some(400))
    );
    assert!(audit("?until=2020-01-01T00:00:00Z").await.is_empty());
    // Secrets are in no row.
    let secret = developer.rsplit('_').next().unwrap();
    assert!(!json!(audit("?limit=1000").await).to_string().contains(secret));
}

/// `METHOD /path` of the table, if the log's word for the call is one of this path.
fn calls_name<'a>(calls: &[(String, String)], path: &str, logged: &'a str) -> Option<&'a str> {
    calls
        .iter()
        .any(|(method, known)| known == path && logged == format!("{method} {known}"))
        .then_some(logged)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_runs_from_a_csv_file_to_its_outcomes() {
    let numbers: Vec<String> = (1..=5).map(|at| format!("+861380000000{at}")).collect();
    let names: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let server =
        Server::with(&names, PASSWORD, |config| config.campaigns.per_second_max = 100.try_into().unwrap())
            .await;
    let [id, _] = two_tenants(&server).await;
    let wrong = json!({ "content": { "text": "{{city}}" } });
    let (status, answer) = root(&server, Method::PUT, "/chatbots/weather/templates/bad", Some(wrong)).await;
    assert_eq!(
        (status.as_u16(), &answer),
        (400, &json!({ "error": "content.text: no variable city is declared" }))
    );
    let (status, _) =
        root(&server, Method::PATCH, &format!("/campaigns/{id}"), Some(json!({ "perSecond": 101 }))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);

    let csv = "number,city\n+8613800000001,北京\n13800000002,上海\nnobody,广州\n+8613800000003,\n+8613800000009,深圳\n";
    let upload = async |body: String| {
        let request = server.admin(Method::POST, &format!("/campaigns/{id}/recipients"));
        let answer = request.header("content-type", "text/csv").body(body).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap())
    };
    let (status, answer) = upload(csv.to_owned()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(
        answer,
        json!({
            "added": 3, "duplicates": 0, "invalid": 2, "recipients": 3,
            "errors": [
                { "line": 4, "error": "number: \"nobody\" is no phone number" },
                { "line": 5, "error": "city: missing" },
            ],
        })
    );
    // The mended file: who is there already is not taken twice.
    let (_, answer) = upload(csv.replace("nobody", "+8613800000004").replace("3,\n", "3,广州\n")).await;
    assert_eq!(
        (&answer["added"], &answer["duplicates"], &answer["invalid"]),
        (&json!(2), &json!(3), &json!(0))
    );
    let (status, answer) = upload("city\n北京\n".to_owned()).await;
    assert_eq!((status.as_u16(), &answer["error"]), (400, &json!("line 1: no column is called number")));
    // What a spreadsheet writes in another character set needs its name.
    let gbk = b"number,city\r\n+8613800000001,\xb1\xb1\xbe\xa9\r\n".to_vec();
    for (content_type, invalid) in [("text/csv", 1), ("text/csv; charset=GBK", 0)] {
        let request = server.admin(Method::POST, &format!("/campaigns/{id}/recipients"));
        let answer = request.header("content-type", content_type).body(gbk.clone()).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!((&answer["invalid"], &answer["added"]), (&json!(invalid), &json!(0)), "{answer}");
        assert!(invalid == 0 || answer["errors"][0]["line"] == 2, "{answer}");
    }
    let list = json!({ "recipients": [
        { "number": "+8613800000005", "variables": { "city": "成都" } },
        { "number": "+8613800000001", "variables": { "city": "成都" } },
        { "number": "+8613800000006", "variables": { "town": "成都" } },
    ] });
    let (status, answer) =
        root(&server, Method::POST, &format!("/campaigns/{id}/recipients"), Some(list)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(
        (&answer["added"], &answer["duplicates"], &answer["recipients"]),
        (&json!(1), &json!(1), &json!(6))
    );
    assert_eq!(
        answer["errors"][0]["error"],
        "recipients[2].variables.city: missing; recipients[2].variables.town: no variable of the template"
    );

    let (status, campaign) = root(&server, Method::POST, &format!("/campaigns/{id}/start"), None).await;
    assert_eq!(status, StatusCode::OK, "{campaign}");
    let mut campaign = campaign;
    while campaign["state"] != "finished" {
        let since = campaign["revision"].as_str().unwrap();
        let path = format!("/campaigns/{id}?wait=10&since={since}");
        let (status, later) = root(&server, Method::GET, &path, None).await;
        assert_eq!(status, StatusCode::OK, "{later}");
        campaign = later;
    }
    let counts = &campaign["counts"];
    assert_eq!(
        (&counts["accepted"], &counts["sent"], &counts["refused"], &counts["pending"]),
        (&json!(6), &json!(5), &json!(1), &json!(0))
    );
    let (_, mailbox) = root(&server, Method::GET, "/mailboxes/+8613800000001", None).await;
    assert_eq!(mailbox["count"], 1);

    let outcomes = async |query: &str| {
        let (status, answer) =
            root(&server, Method::GET, &format!("/campaigns/{id}/outcomes{query}"), None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    };
    let refused = outcomes("?outcome=refused").await;
    assert_eq!(refused["outcomes"].as_array().unwrap().len(), 1);
    assert_eq!(refused["outcomes"][0]["reason"], "there is no such subscriber");
    assert_eq!(outcomes("?number=13800000002").await["outcomes"][0]["outcome"], "sent");
    assert_eq!(outcomes("?number=13900000002").await["outcomes"], json!([]));
    let first = outcomes("?limit=4").await;
    let rest = outcomes(&format!("?limit=4&from={}", first["next"])).await;
    assert_eq!(
        (first["outcomes"].as_array().unwrap().len(), rest["outcomes"].as_array().unwrap().len()),
        (4, 2)
    );
    let message_id = first["outcomes"][0]["messageId"].as_str().unwrap();
    let (_, trace) = root(&server, Method::GET, &format!("/trace/{message_id}"), None).await;
    assert_eq!(trace[0]["to"], "tel:+8613800000001");
    let csv =
        server.admin(Method::GET, &format!("/campaigns/{id}/outcomes?format=csv")).send().await.unwrap();
    let csv = csv.text().await.unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!((lines.len(), lines[0]), (7, "number,outcome,reason,at,messageId"));
    assert!(lines[3].starts_with("+8613800000009,refused,there is no such subscriber,"), "{csv}");
}
