//! What handsets show of a chatbot: RCC.07 chatbot information as JSON (maap-api §5.2), and the chatbot's own data as its
//! program sees it (maap-api §2.8).

use chatbot_api::ctcu::date_time;
use rcs::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use store::{Chatbot, ChatbotStatus};

/// `botinfo`, `persistent-menu` and `bot-verification`. Members that are not known are left out. `public_url` (no trailing
/// slash) completes an icon or background of ours; whether the badge is still good depends on `now`.
pub fn information(chatbot: &Chatbot, public_url: &str, now: Timestamp) -> Value {
    let (profile, extras) = (&chatbot.profile, &chatbot.extras);
    let absolute = |url: &str| absolute(url, public_url);
    let mut uris = vec![uri("SIP-URI", chatbot.address.as_str(), "ServiceID")];
    uris.extend(extras.sms_number.as_ref().map(|number| uri("URI", &format!("sms:{number}"), "SMS")));
    uris.extend(profile.email.as_ref().map(|email| uri("URI", &format!("mailto:{email}"), "Email")));
    let mut contact = Members::default();
    contact.set("uri-entry", Some(uris));
    let number = profile.callback_number.as_ref();
    contact.set(
        "tel",
        number.map(|number| json!({ "tel-nb": { "tel-str": number }, "label": "CallbackNumber" })),
    );

    let mut details = Members::default();
    details.set("org-name", Some(json!([{ "display-name": profile.name, "org-name-type": "Official" }])));
    details.set("org-description", profile.description.as_deref());
    details.set("comm-addr", Some(contact.0));
    let icon = profile.icon.as_deref().map(absolute);
    let icon =
        icon.map(|icon| json!({ "media-entry": [{ "label": "Icon", "media": { "media-url": icon } }] }));
    details.set("media-list", icon);
    let categories = categories(chatbot);
    details.set("category-list", categories.map(|all| json!({ "category-entry": all })));
    let website = profile.website.as_ref();
    let website = website.map(|url| json!({ "web-entry": [{ "url": url, "label": "Website" }] }));
    details.set("web-resources", website);

    let mut info = Members::default();
    info.set("pcc", Some(json!({ "pcc-type": "org", "org-details": details.0 })));
    info.set("version", Some("1"));
    info.set("provider", profile.provider.as_deref());
    info.set("email", profile.email.as_deref());
    info.set("colour", profile.colour.as_deref());
    info.set("backgroundImage", profile.background_image.as_deref().map(absolute));
    info.set("website", profile.website.as_deref());
    info.set("TCPage", profile.terms.as_deref());
    let address = extras.address.as_ref();
    info.set(
        "address",
        address.map(|text| json!({ "address-entry": [{ "addr-string": text, "label": "Address" }] })),
    );
    info.set("cssStyle", extras.css_style.as_deref().map(absolute));

    let is_verified = chatbot.is_verified(now);
    let mut verification = Members::default();
    verification.set("verified", Some(is_verified));
    verification.set("verified-by", verified_by(chatbot).filter(|_| is_verified));
    let until = chatbot.standing.verified_until.filter(|_| is_verified);
    verification.set("expires", until.map(Timestamp::rfc3339));
    json!({
        "botinfo": info.0,
        "persistent-menu": menu(chatbot),
        "bot-verification": { "verification-info": verification.0 },
    })
}

/// The entity tag of an information body, quoted as HTTP wants it.
pub fn etag(body: &[u8]) -> String {
    let hash = Sha256::digest(body);
    let hex: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// The answer to `find/chatBotInfo`.
pub fn own_data(chatbot: &Chatbot, now: Timestamp) -> Value {
    let (profile, extras, standing) = (&chatbot.profile, &chatbot.extras, &chatbot.standing);
    let is_verified = chatbot.is_verified(now);
    let mut data = Members::default();
    data.set("accessNo", Some(chatbot.address.user()));
    data.set("domain", chatbot.address.host());
    data.set("serviceName", Some(profile.name.as_str()));
    data.set("serviceIcon", profile.icon.as_deref());
    data.set("TCPage", profile.terms.as_deref());
    data.set("SMSNumber", extras.sms_number.as_deref());
    data.set("verified", Some(is_verified));
    data.set("authName", profile.provider.as_deref().filter(|_| is_verified));
    data.set("authOrg", standing.verified_by.as_deref().filter(|_| is_verified));
    data.set("authExpires", standing.verified_until.filter(|_| is_verified).map(date_time));
    data.set("status", Some(status_number(chatbot.status)));
    data.set("criticalChatbot", Some(false));
    data.set("url", chatbot.webhook.as_deref());
    data.set("version", Some(2));
    data.set("provider", profile.provider.as_deref());
    data.set("category", categories(chatbot));
    data.set("serviceDescription", profile.description.as_deref());
    data.set("callBackNumber", profile.callback_number.as_deref());
    data.set("themeColour", profile.colour.as_deref());
    data.set("serviceWebsite", profile.website.as_deref());
    data.set("emailAddress", profile.email.as_deref());
    data.set("backgroundImage", profile.background_image.as_deref());
    data.set("longitude", extras.longitude);
    data.set("latitude", extras.latitude);
    data.set("address", extras.address.as_deref());
    data.set("cssStyle", extras.css_style.as_deref());
    data.set("autograph", extras.autograph.as_deref());
    data.set("menu", menu(chatbot).get_mut("menu").map(Value::take).filter(|_| profile.menu.is_some()));
    data.set("errorCode", Some(0));
    Value::Object(data.0)
}

/// All categories; `None` if there is none.
fn categories(chatbot: &Chatbot) -> Option<Vec<String>> {
    let first = chatbot.profile.category.as_ref()?;
    Some(std::iter::once(first).chain(&chatbot.extras.more_categories).cloned().collect())
}

/// Whoever has verified who runs it.
fn verified_by(chatbot: &Chatbot) -> Option<&str> {
    chatbot.standing.verified_by.as_deref().or(chatbot.profile.provider.as_deref())
}

/// 0 normal, 1 debug, 2 paused (maap-api §2.8).
fn status_number(status: ChatbotStatus) -> i32 {
    match status {
        ChatbotStatus::Live => 0,
        ChatbotStatus::Draft | ChatbotStatus::Testing | ChatbotStatus::Submitted => 1,
        ChatbotStatus::Paused => 2,
    }
}

fn menu(chatbot: &Chatbot) -> Value {
    let menu = chatbot.profile.menu.as_deref().and_then(|menu| serde_json::from_str(menu).ok());
    menu.unwrap_or_else(|| json!({ "menu": { "entries": [] } }))
}

fn uri(kind: &str, uri: &str, label: &str) -> Value {
    json!({ "addr-uri-type": kind, "addr-uri": uri, "label": label })
}

pub(crate) fn absolute(url: &str, public_url: &str) -> String {
    if url.starts_with('/') { format!("{public_url}{url}") } else { url.to_owned() }
}

/// An object whose members are there or not.
#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }
}
