//! How much a chatbot may send, and what users do not want: by the administration API, over the chatbot's API, and from a handset.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod common;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sip::digest::Challenge;

use common::Server;

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const PASSWORD: &str = "correct horse";
const BOT: &str = "sip:106900@botplatform.hongyan.local";

impl Server {
    async fn asked(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.admin(method, path).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    async fn call(&self, call: &str, authorization: &str, body: Value) -> Response {
        let url = format!("http://{}/bot/v1/106900/{call}", self.running.bound.http);
        self.client.post(url).header("authorization", authorization).json(&body).send().await.unwrap()
    }

    /// A chatbot without a webhook; gives its token.
    async fn chatbot(&self) -> String {
        let (_, made) = self.asked(Method::POST, "/chatbots", json!({ "name": "106900" })).await;
        let credentials = json!({ "appId": made["appId"], "appKey": made["appKey"] });
        let answer: Value = self.call("accessToken", "accessToken", credentials).await.json().await.unwrap();
        format!("accessToken {}", answer["accessToken"].as_str().unwrap())
    }

    async fn says(&self, token: &str, id: &str, traffic: Option<&str>) -> Response {
        let mut message = json!({
            "messageId": id,
            "messageList": [{ "contentType": "text/plain", "contentText": "一折起" }],
            "destinationAddress": [format!("tel:{ALICE}")],
            "senderAddress": BOT,
            "conversationId": "c",
            "contributionId": id,
        });
        if let Some(traffic) = traffic {
            message["trafficType"] = json!(traffic);
        }
        self.call("messages", token, message).await
    }

    /// A request of a subscriber's handset, with Digest.
    async fn ask(&self, number: &str, method: Method, target: &str) -> Response {
        let url = format!("http://{}{target}", self.running.bound.http);
        let request = || self.client.request(method.clone(), &url);
        let challenged = request().send().await.unwrap();
        assert_eq!(challenged.status(), StatusCode::UNAUTHORIZED);
        let offered = challenged.headers().get_all("www-authenticate").iter().map(|value| value.as_bytes());
        let challenge = Challenge::best(offered).unwrap();
        let answer = challenge.answer(method.as_str(), target, number, PASSWORD, "c", 1);
        request().header("Authorization", answer).send().await.unwrap()
    }

    async fn outcome(&self, id: &str) -> String {
        let (_, trace) = self.asked(Method::GET, &format!("/trace/{id}"), Value::Null).await;
        trace[0]["outcome"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_limit_is_told_with_when_to_try_again_and_can_be_set_for_one_chatbot() {
    let server = Server::with(&[ALICE], PASSWORD, |config| config.maap.sends_per_day = 2).await;
    let token = server.chatbot().await;
    for id in ["m1", "m2"] {
        let answer = server.says(&token, id, None).await;
        assert!(answer.headers().get("retry-after").is_none());
        assert_eq!(answer.json::<Value>().await.unwrap()["errorCode"], 0);
    }
    let refused = server.says(&token, "m3", None).await;
    assert_eq!(refused.status(), StatusCode::OK, "as the interface has it");
    let wait_s: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=86_400).contains(&wait_s));
    assert_eq!(refused.headers()["ratelimit"], format!("\"day\";r=0;t={wait_s}"));
    assert_eq!(refused.headers()["ratelimit-policy"], "\"day\";q=2;w=86400");
    assert_eq!(refused.json::<Value>().await.unwrap()["errorCode"], 30001);

    let path = "/chatbots/106900/rules";
    let (status, rules) = server.asked(Method::PUT, path, json!({ "perDay": 3, "anonymous": false })).await;
    assert_eq!((status, &rules["perDay"]), (StatusCode::OK, &json!(3)));
    assert_eq!(server.asked(Method::GET, path, Value::Null).await.1, rules);
    for (bad, status) in [(json!({ "perYear": 3 }), 422), (json!({ "perSecond": 0 }), 400)] {
        assert_eq!(server.asked(Method::PUT, path, bad).await.0.as_u16(), status);
    }
    assert_eq!(server.says(&token, "m3", None).await.json::<Value>().await.unwrap()["errorCode"], 0);
    let (_, usage) = server.asked(Method::GET, "/chatbots/106900/usage", Value::Null).await;
    assert_eq!((&usage["day"]["sent"], &usage["day"]["limit"]), (&json!(3), &json!(3)));
    assert_eq!(server.asked(Method::PUT, "/chatbots/nobody/rules", json!({})).await.0, StatusCode::NOT_FOUND);
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_handset_opts_out_of_a_chatbots_promotions_and_an_operator_sees_it() {
    let server = Server::with(&[ALICE, BOB], PASSWORD, |_| {}).await;
    let token = server.chatbot().await;
    let mine = "/handset/v1/contacts/106900";
    let shown: Value = server.ask(ALICE, Method::GET, mine).await.json().await.unwrap();
    assert_eq!(shown, json!({ "optedOut": false, "revealed": false, "hasToken": false }));
    let opted_out = format!("{mine}/opted-out");
    assert_eq!(server.ask(ALICE, Method::PUT, &opted_out).await.status(), StatusCode::NO_CONTENT);
    for (id, traffic, outcome) in [("m1", Some("advertisement"), "refused"), ("m2", None, "waiting")] {
        server.says(&token, id, traffic).await;
        assert_eq!(server.outcome(id).await, outcome, "{id}");
    }
    let contact = format!("/chatbots/106900/contacts/{ALICE}");
    let (_, seen) = server.asked(Method::GET, &contact, Value::Null).await;
    assert_eq!((&seen["optedOut"], &seen["consent"][0]["by"]), (&json!(true), &json!("user")));
    let change = json!({ "consent": true, "reason": "by letter" });
    let (_, changed) = server.asked(Method::PATCH, &contact, change).await;
    assert_eq!((&changed["optedOut"], &changed["consent"][1]["by"]), (&json!(false), &json!("operator")));
    server.says(&token, "m3", Some("advertisement")).await;
    assert_eq!(server.outcome("m3").await, "waiting");
    // By the handset alone: revealing the number, and being somebody new. Nobody may pass for somebody else.
    for (what, method, status) in [
        ("revealed", Method::PUT, 204),
        ("token", Method::DELETE, 204),
        ("token", Method::PUT, 404),
        ("nothing", Method::PUT, 404),
    ] {
        assert_eq!(server.ask(ALICE, method, &format!("{mine}/{what}")).await.status(), status, "{what}");
    }
    let list = "/chatbots/106900/contacts";
    let (_, all) = server.asked(Method::GET, list, Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 1, "nothing is known of Bob");
    assert_eq!(all[0]["revealed"], true);
    let (_, rest) = server.asked(Method::GET, &format!("{list}?after={ALICE}"), Value::Null).await;
    assert_eq!(rest, json!([]));
    server.running.stop().await;
}
