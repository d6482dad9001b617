//! `GET /bot?id=<chatbot URI>`: a chatbot as handsets show it (RCC.07 chatbot information): names, icon, colour, menu.
//!
//! Public, as the information is. `If-None-Match` is answered with 304.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::Chatbot;

use super::assets::{etag, is_current};
use super::{App, Failure};

/// The query; what else handsets send (`hl`, `ho`, `v`) makes no difference.
#[derive(Deserialize)]
pub struct Asked {
    id: String,
}

/// 200 with the information, 304, or 404 for a chatbot that is not here.
pub async fn information(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Failure> {
    let Query(asked) = asked.map_err(|_| Failure::bad_request("which chatbot? /bot?id=sip%3A…"))?;
    let address =
        app.numbering.address(&asked.id).map_err(|error| Failure::bad_request(&error.to_string()))?;
    let Some(chatbot) = app.read(move |store| store.chatbot(&address)).await? else {
        return Err(Failure::not_found("there is no such chatbot"));
    };
    let body = bot_information(&chatbot).to_string();
    let etag = etag(&Sha256::digest(body.as_bytes())[..16]);
    let head = [(CACHE_CONTROL, "public, max-age=60".to_owned()), (ETAG, etag.clone())];
    if is_current(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    Ok((head, [(CONTENT_TYPE, "application/json")], body).into_response())
}

/// The JSON of RCC.07: `botinfo`, `persistent-menu`, `bot-verification`. Members that are not known are left out.
fn bot_information(chatbot: &Chatbot) -> Value {
    let profile = &chatbot.profile;
    let address = chatbot.address.as_str();
    let mut uris = vec![json!({ "addr-uri-type": "SIP-URI", "addr-uri": address, "label": "ServiceID" })];
    if let Some(email) = &profile.email {
        uris.push(json!({ "addr-uri": format!("mailto:{email}"), "label": "Email" }));
    }
    let mut communication = json!({ "uri-entry": uris });
    if let Some(number) = &profile.callback_number {
        communication["tel"] = json!({ "tel-nb": { "tel-str": number }, "label": "CallbackNumber" });
    }
    let mut details = json!({
        "org-name": [{ "display-name": profile.name, "org-name-type": "Official" }],
        "comm-addr": communication,
    });
    set(&mut details, "org-description", &profile.description);
    if let Some(icon) = &profile.icon {
        details["media-list"] =
            json!({ "media-entry": [{ "label": "Icon", "media": { "media-url": icon } }] });
    }
    if let Some(category) = &profile.category {
        details["category-list"] = json!({ "category-entry": [category] });
    }
    if let Some(website) = &profile.website {
        details["web-resources"] = json!({ "web-entry": [{ "url": website, "label": "Website" }] });
    }
    let mut info = json!({ "pcc": { "pcc-type": "org", "org-details": details }, "version": "1" });
    set(&mut info, "provider", &profile.provider);
    set(&mut info, "email", &profile.email);
    set(&mut info, "colour", &profile.colour);
    set(&mut info, "backgroundImage", &profile.background_image);
    set(&mut info, "website", &profile.website);
    set(&mut info, "TCPage", &profile.terms);
    let menu = profile.menu.as_deref().and_then(|menu| serde_json::from_str::<Value>(menu).ok());
    let mut verification = json!({ "verified": profile.verified });
    if let (true, Some(provider)) = (profile.verified, &profile.provider) {
        verification["verified-by"] = json!(provider);
    }
    json!({
        "botinfo": info,
        "persistent-menu": menu.unwrap_or_else(|| json!({ "menu": { "entries": [] } })),
        "bot-verification": { "verification-info": verification },
    })
}

fn set(object: &mut Value, member: &str, value: &Option<String>) {
    if let Some(value) = value {
        object[member] = json!(value);
    }
}
