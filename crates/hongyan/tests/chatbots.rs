//! Chatbots over HTTP: what they change of themselves, how handsets find them, where they stand, and links to them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod common;

use common::Server;
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

const ALICE: &str = "+8613800000001";

/// A chatbot that is made with `data`, as it was told.
async fn made(server: &Server, data: Value) -> Value {
    let made = server.admin(Method::POST, "/chatbots").json(&data).send().await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    made.json().await.unwrap()
}

async fn admin(server: &Server, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let answer = server.admin(method, path).json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

fn url(server: &Server, path: &str) -> String {
    format!("http://{}{path}", server.running.bound.http)
}

async fn get(server: &Server, path: &str) -> Response {
    server.client.get(url(server, path)).send().await.unwrap()
}

/// A call of a chatbot's program, with whatever form of its id in the path.
async fn call(server: &Server, id: &str, token: &str, operation: &str, body: &Value) -> Value {
    let call = server.client.post(url(server, &format!("/bot/v1/{id}/{operation}"))).json(body);
    let call = call.header("authorization", format!("accessToken {token}"));
    call.send().await.unwrap().json().await.unwrap()
}

async fn token(server: &Server, made: &Value) -> String {
    let keys = json!({ "appId": made["appId"], "appKey": made["appKey"] });
    let answer = call(server, "weather", "", "accessToken", &keys).await;
    answer["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chatbot_changes_its_menu_and_handsets_see_it_by_another_tag() {
    let server = Server::with(&[], "", |_| {}).await;
    let made = made(&server, json!({ "name": "weather" })).await;
    let token = token(&server, &made).await;
    let before = get(&server, "/bot?id=weather").await;
    let etag = before.headers()["etag"].to_str().unwrap().to_owned();
    let again =
        server.client.get(url(&server, "/bot?id=weather")).header("if-none-match", &etag).send().await;
    assert_eq!(again.unwrap().status(), StatusCode::NOT_MODIFIED);

    let menu = json!({ "menu": { "entries": [{ "reply": { "displayText": "明天", "postback": { "data": "1" } } }] } });
    // The path names the chatbot raw, percent-encoded, or by its bare name.
    let ids =
        ["sip:weather@botplatform.hongyan.local", "sip%3Aweather%40botplatform.hongyan.local", "weather"];
    for id in ids {
        let answer = call(&server, id, &token, "update/chatBotInfo/menu", &menu).await;
        assert_eq!(answer, json!({ "errorCode": 0, "errorMessage": "ok" }), "{id}");
        let optionals = json!({ "serviceDescription": id, "category": ["天气"] });
        let answer = call(&server, id, &token, "update/chatBotInfo/optionals", &optionals).await;
        assert_eq!(answer, json!({ "errorCode": 0, "errorMessage": "ok" }), "{id}");
    }
    let wrong =
        call(&server, "weather", &token, "update/chatBotInfo/optionals", &json!({ "address": 1 })).await;
    assert_eq!(wrong["errorCode"], 20002);
    let stranger = call(&server, "weather", "guessed", "update/chatBotInfo/menu", &menu).await;
    assert_eq!(stranger["errorCode"], 40014);

    let after =
        server.client.get(url(&server, "/bot?id=weather")).header("if-none-match", &etag).send().await;
    let shown: Value = after.unwrap().json().await.unwrap();
    assert_eq!(shown["persistent-menu"], menu);
    let found = server.client.get(url(&server, "/bot/v1/weather/find/chatBotInfo"));
    let found = found.header("authorization", format!("accessToken {token}")).send().await.unwrap();
    let found: Value = found.json().await.unwrap();
    assert_eq!((&found["menu"], &found["category"]), (&menu["menu"], &json!(["天气"])));
    assert_eq!(found["serviceDescription"], "weather");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_operator_is_listed_and_decided() {
    let server = Server::with(&[ALICE], "secret", |config| config.maap.auto_approve = false).await;
    let made = made(&server, json!({ "name": "weather", "status": "draft" })).await;
    assert_eq!(made["status"], "draft");
    let token = token(&server, &made).await;
    assert_eq!(get(&server, "/bot?id=weather").await.status(), StatusCode::NOT_FOUND, "nobody sees a draft");
    call(&server, "weather", &token, "update/chatBotInfo/optionals", &json!({ "themeColour": "#0A66C2" }))
        .await;

    let (status, _) = admin(&server, Method::POST, "/chatbots/weather/resume", json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
    admin(&server, Method::POST, "/chatbots/weather/test", json!({})).await;
    let tester = format!("/chatbots/weather/invitations/{ALICE}");
    let (status, _) = admin(&server, Method::PUT, &tester, json!({ "accepted": true })).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (_, tested) = admin(&server, Method::GET, "/chatbots/weather", json!({})).await;
    assert_eq!(
        (&tested["status"], &tested["testers"]),
        (&json!("testing"), &json!([format!("tel:{ALICE}")]))
    );
    admin(&server, Method::POST, "/chatbots/weather/submit", json!({})).await;

    let (_, waiting) = admin(&server, Method::GET, "/reviews", json!({})).await;
    let topics: Vec<&Value> = waiting.as_array().unwrap().iter().map(|one| &one["topic"]).collect();
    assert_eq!(topics, ["data", "launch"]);
    assert_eq!(waiting[0]["change"], json!({ "colour": "#0A66C2" }));
    let launch = "/chatbots/weather/reviews/launch";
    let (status, _) =
        admin(&server, Method::POST, &format!("{launch}/reject"), json!({ "reason": " " })).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let reason = json!({ "reason": "who runs it?" });
    let (_, back) = admin(&server, Method::POST, &format!("{launch}/reject"), reason).await;
    assert_eq!((&back["status"], &back["rejection"]), (&json!("testing"), &json!("who runs it?")));
    let (status, _) = admin(&server, Method::POST, &format!("{launch}/approve"), json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it has been decided on");
    admin(&server, Method::POST, "/chatbots/weather/submit", json!({})).await;
    let (_, live) = admin(&server, Method::POST, &format!("{launch}/approve"), json!({})).await;
    assert_eq!((&live["status"], &live["colour"]), (&json!("live"), &Value::Null));
    let (_, shown) = admin(&server, Method::POST, "/chatbots/weather/reviews/data/approve", json!({})).await;
    assert_eq!(shown["colour"], "#0A66C2");
    let (_, waiting) = admin(&server, Method::GET, "/reviews?chatbot=weather", json!({})).await;
    assert_eq!(waiting, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn handsets_find_chatbots_by_what_they_are_called_and_do() {
    let server = Server::with(&[], "", |_| {}).await;
    let until = "2099-01-01T00:00:00Z";
    for data in [
        json!({ "name": "weather", "displayName": "天气", "description": "明天下雨吗", "icon": "/icons/w.svg" }),
        json!({ "name": "10690001", "displayName": "天气预警", "category": "public", "verified": true,
                "verifiedBy": "鸿雁", "verifiedUntil": until }),
        json!({ "name": "lapsed", "displayName": "过期", "verified": true, "verifiedUntil": "2020-01-01T00:00:00Z" }),
        json!({ "name": "draft", "displayName": "天气草稿", "status": "draft" }),
    ] {
        made(&server, data).await;
    }
    let search = async |query: &str| -> Value {
        get(&server, &format!("/directory?{query}")).await.json().await.unwrap()
    };
    let names = |found: &Value| -> Vec<String> {
        let bots = found["bots"].as_array().unwrap().iter();
        bots.map(|bot| bot["name"].as_str().unwrap().to_owned()).collect()
    };
    let found = search("q=%E5%A4%A9%E6%B0%94&ho=op&chatbot_version=1_2&client_vendor=x").await;
    assert_eq!(names(&found), ["天气", "天气预警"], "the nearest first, and no drafts");
    assert_eq!(
        (&found["itemsReturned"], &found["startIndex"], &found["totalItems"]),
        (&json!(2), &json!(0), &json!(2))
    );
    let first = &found["bots"][0];
    assert_eq!(
        (&first["id"], &first["verified"]),
        (&json!("sip:weather@botplatform.hongyan.local"), &json!(false))
    );
    assert!(first["icon"].as_str().unwrap().ends_with("/icons/w.svg"));
    assert_eq!(found["bots"][1]["verified"], json!(true));
    assert_eq!(
        names(&search("q=PUBLIC%20%E9%A2%84%E8%AD%A6").await),
        ["天气预警"],
        "every word, in any case"
    );
    assert_eq!(names(&search("q=%E4%B8%8B%E9%9B%A8").await), ["天气"]);
    assert_eq!(names(&search("start=1&num=1").await).len(), 1);
    assert_eq!(search("start=1&num=1").await["totalItems"], json!(3));
    assert_eq!(get(&server, "/directory?start=x").await.status(), StatusCode::BAD_REQUEST);

    // What has changed is found as it is now.
    admin(&server, Method::POST, "/chatbots/weather/suspend", json!({})).await;
    admin(&server, Method::PATCH, "/chatbots/lapsed", json!({ "displayName": "天气旧闻" })).await;
    assert_eq!(names(&search("q=%E5%A4%A9%E6%B0%94").await), ["天气旧闻", "天气预警"]);
    admin(&server, Method::POST, "/chatbots/weather/resume", json!({})).await;
    assert_eq!(names(&search("q=%E5%A4%A9%E6%B0%94").await), ["天气", "天气旧闻", "天气预警"]);

    let list = get(&server, "/directory/specific").await;
    let etag = list.headers()["etag"].to_str().unwrap().to_owned();
    let list: Value = list.json().await.unwrap();
    assert_eq!(list, json!({ "bots": [{ "id": "sip:10690001@botplatform.hongyan.local" }] }));
    let again =
        server.client.get(url(&server, "/directory/specific")).header("if-none-match", etag).send().await;
    assert_eq!(again.unwrap().status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_the_conversation_in_the_web_handset() {
    let server =
        Server::with(&[], "", |config| config.http.public_url = "https://rcs.example".to_owned()).await;
    made(&server, json!({ "name": "weather", "smsNumber": "+8610690001" })).await;
    let (_, links) =
        admin(&server, Method::GET, "/chatbots/weather/links?body=%E6%98%8E%E5%A4%A9", json!({})).await;
    assert_eq!(
        links,
        json!({
            "web": "https://rcs.example/open/weather?body=%E6%98%8E%E5%A4%A9",
            "sms": "sms:+8610690001?service_id=weather%40botplatform.hongyan.local&body=%E6%98%8E%E5%A4%A9",
            "sip": "sip:weather@botplatform.hongyan.local",
        })
    );
    let patient = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let path = links["web"].as_str().unwrap().strip_prefix("https://rcs.example").unwrap();
    let opened = patient.get(url(&server, path)).send().await.unwrap();
    assert_eq!(opened.status(), StatusCode::SEE_OTHER);
    assert_eq!(
        opened.headers()["location"],
        "/#/open?uri=sms%3A%2B8610690001%3Fservice_id%3Dweather%2540botplatform.hongyan.local%26body%3D%25E6%2598%258E%25E5%25A4%25A9"
    );
    assert_eq!(get(&server, "/open/nobody").await.status(), StatusCode::NOT_FOUND);

    for (file, kind) in [("qr.svg", "image/svg+xml"), ("qr.png", "image/png")] {
        let code = server.admin(Method::GET, &format!("/chatbots/weather/{file}")).send().await.unwrap();
        assert_eq!(code.headers()["content-type"], kind);
        assert!(code.content_length().unwrap() > 500);
    }
    let long = format!("/chatbots/weather/links?body={}", "a".repeat(161));
    assert_eq!(admin(&server, Method::GET, &long, json!({})).await.0, StatusCode::BAD_REQUEST);
}
