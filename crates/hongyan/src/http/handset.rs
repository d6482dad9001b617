//! `GET /handset/config.json`: what the web handset must know before it can sign in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use serde::Serialize;
use store::ChatbotStatus;

use super::{App, Failure};

/// The answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    domain: String,
    sip_web_socket: &'static str,
    chatbots: Vec<Listed>,
}

/// A chatbot as the list of chatbots shows it.
#[derive(Serialize)]
struct Listed {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<String>,
    verified: bool,
}

/// Domain, WebSocket path and the chatbots that are live.
pub async fn configuration(
    State(app): State<Arc<App>>,
) -> Result<([(HeaderName, &'static str); 1], Json<Configuration>), Failure> {
    let chatbots = app.read(store::Store::chatbots).await?;
    let listed =
        chatbots.into_iter().filter(|chatbot| chatbot.status == ChatbotStatus::Live).map(|chatbot| Listed {
            id: chatbot.address.to_string(),
            name: chatbot.profile.name,
            icon: chatbot.profile.icon,
            verified: chatbot.profile.verified,
        });
    let configuration = Configuration {
        domain: app.numbering.domain.clone(),
        sip_web_socket: "/sip",
        chatbots: listed.collect(),
    };
    Ok(([(CACHE_CONTROL, "no-cache")], Json(configuration)))
}
