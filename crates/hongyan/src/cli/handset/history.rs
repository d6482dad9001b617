//! What the server has kept of the subscriber's conversations, read without registering: nobody is told that a handset is there.

use bytes::Bytes;
use rcs::content_type;
use rcs::cpim::{self, Cpim};
use reqwest::header::AUTHORIZATION;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::login::Login;
use super::shown::{Shown, plain};
use crate::cli::{CommandError, Outcome, print};

/// Prints the latest `limit` messages, the oldest of them first.
pub async fn show(client: &Client, server: &str, login: &Login, limit: usize, json: bool) -> Outcome {
    let mut messages: Vec<Value> = Vec::new();
    let mut before = String::new();
    while messages.len() < limit {
        let page = page(client, &format!("{server}/handset/v1/history/messages{before}"), login).await?;
        messages.extend(page["messages"].as_array().into_iter().flatten().cloned());
        match page["next"].as_str() {
            Some(next) => before = format!("?before={next}"),
            None => break,
        }
    }
    messages.truncate(limit);
    for message in messages.iter().rev() {
        let text = said(message);
        let part = |name: &str| plain(message[name].as_str().unwrap_or_default());
        match json {
            true => print(json!({
                "event": "kept",
                "messageId": message["messageId"],
                "peer": message["peer"],
                "direction": message["direction"],
                "acceptedAt": message["acceptedAt"],
                "failed": message["failed"],
                "text": text,
            })),
            false => {
                let arrow = if message["direction"] == "out" { "to" } else { "from" };
                print(format_args!("{} {arrow} {}: {}", part("acceptedAt"), part("peer"), plain(&text)));
            }
        }
    }
    Ok(())
}

async fn page(client: &Client, url: &str, login: &Login) -> Result<Value, CommandError> {
    let welcome = client.get(url).send().await?;
    let mut request = client.get(url);
    if let Some(authorization) = login.authorization("GET", &welcome)? {
        request = request.header(AUTHORIZATION, authorization);
    }
    let answer = request.send().await?;
    match answer.status() {
        StatusCode::OK => Ok(answer.json().await?),
        StatusCode::NOT_FOUND => Err(CommandError(
            "no history is kept; turn it on with `hongyan subscriber history on NUMBER`, or in the web handset".into(),
        )),
        status => Err(CommandError(format!("the server answered {status}"))),
    }
}

/// The text of a message, out of its envelope.
fn said(message: &Value) -> String {
    let declared = message["contentType"].as_str().unwrap_or_default();
    let body = Bytes::from(message["body"].as_str().unwrap_or_default().to_owned());
    if content_type::is(declared, cpim::CONTENT_TYPE)
        && let Ok(envelope) = Cpim::parse(body.clone())
    {
        let payload = envelope.decoded_payload().unwrap_or_else(|_| envelope.payload().clone());
        return Shown::of_payload(envelope.content_type(), &payload).text;
    }
    Shown::of_payload(declared, &body).text
}
