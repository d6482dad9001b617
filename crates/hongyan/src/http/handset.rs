//! `GET /handset/config.json`: what the web handset must know before it can sign in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, Failure, now};

/// Chatbots that a handset is shown before it looks for others.
const CHATBOTS_MAX: usize = 100;

/// The answer.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HandsetConfiguration)]
pub struct Configuration {
    domain: String,
    sip_web_socket: &'static str,
    /// Where groups are made.
    conference_factory: String,
    content: Content,
    chatbots: Vec<Listed>,
}

/// What files may be sent, and how (RCC.07 file transfer by HTTP).
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContentServer)]
struct Content {
    /// Where to POST a file; relative to this document's origin.
    upload_uri: &'static str,
    /// How the URLs of files here begin. A browser may know us by another name: the same path on its own origin will do.
    download_prefix: String,
    /// Largest file.
    max_bytes: u64,
    /// Largest thumbnail.
    max_thumbnail_bytes: u64,
}

/// A chatbot as the list of chatbots shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = ChatbotListed)]
struct Listed {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<String>,
    verified: bool,
}

/// Domain, WebSocket path, where groups are made and files go, and the first hundred chatbots that are live; `/directory` has all.
#[utoipa::path(get, path = "/handset/config.json", responses((status = 200, body = Configuration)))]
pub async fn configuration(
    State(app): State<Arc<App>>,
) -> Result<([(HeaderName, &'static str); 1], Json<Configuration>), Failure> {
    let directory = app.directory().await?;
    let listed = directory.search("").into_iter().take(CHATBOTS_MAX).map(|chatbot| Listed {
        id: chatbot.address.to_string(),
        name: chatbot.profile.name.clone(),
        icon: chatbot.profile.icon.clone(),
        verified: chatbot.is_verified(now()),
    });
    let configuration = Configuration {
        domain: app.numbering.domain.clone(),
        sip_web_socket: "/sip",
        conference_factory: app.conference_factory.clone(),
        content: Content {
            upload_uri: "/content/",
            download_prefix: format!("{}/content/", app.public_url),
            max_bytes: app.content.config.max_file_bytes.get(),
            max_thumbnail_bytes: app.content.config.max_thumbnail_bytes.get(),
        },
        chatbots: listed.collect(),
    };
    Ok(([(CACHE_CONTROL, "no-cache")], Json(configuration)))
}
