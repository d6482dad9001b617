//! Signing in at a platform of which only the HTTP address is known.

use std::time::Duration;

use handset::run::{Phone, PhoneError, Server};
use handset::{Config, Event, Failure, Handset as Device};
use serde_json::Value;
use sip::Transport;

use super::login::Login;
use super::terminal::Chatbot;
use super::{http_client, upload};
use crate::cli::CommandError;

/// Who signs in, and where.
pub struct Account<'a> {
    /// The platform's HTTP address.
    pub server: &'a str,
    /// Phone number, in international form.
    pub number: &'a str,
    /// Digest user name, when it is not the number.
    pub username: Option<&'a str>,
    /// Its password.
    pub password: &'a str,
    /// Whether the device announces chats over MSRP.
    pub chat: bool,
}

/// A handset that is registered.
pub struct SignedIn {
    /// The device.
    pub phone: Phone,
    /// The platform's domain.
    pub domain: String,
    /// The chatbots that the platform lists.
    pub chatbots: Vec<Chatbot>,
    /// Where files go.
    pub content: upload::ContentServer,
    /// Our own URI.
    pub own: String,
}

/// Registers a device over WebSocket.
///
/// # Errors
/// No platform answers, or it does not take the account.
pub async fn sign_in(account: Account<'_>) -> Result<SignedIn, CommandError> {
    let server = account.server.trim_end_matches('/').to_owned();
    let client = http_client()?;
    let told = client.get(format!("{server}/handset/config.json")).send().await;
    let told =
        told.map_err(|_| CommandError(format!("no platform answers at {server}; give --server URL")))?;
    let told: Value = told.json().await.map_err(|_| CommandError(format!("{server} is no Hongyan")))?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let domain = text(&told["domain"]);
    let chatbots = told["chatbots"].as_array().into_iter().flatten();
    let chatbots = chatbots.map(|bot| Chatbot { id: text(&bot["id"]), name: text(&bot["name"]) }).collect();

    let authority = server.split("://").nth(1).unwrap_or(&server).to_owned();
    if server.starts_with("https:") {
        return Err(CommandError("the terminal handset connects over plain http:// only".into()));
    }
    let authority = if authority.contains(':') { authority } else { format!("{authority}:80") };
    let address = tokio::net::lookup_host(&authority)
        .await?
        .next()
        .ok_or_else(|| CommandError(format!("{authority} has no address")))?;
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| CommandError(error.to_string()))?;
    let mut config = Config::new(account.number, &domain, account.password, u64::from_ne_bytes(seed))?;
    if let Some(username) = account.username {
        username.clone_into(&mut config.username);
    }
    config.services.chat = account.chat;
    let login = Login { username: config.username.clone(), password: config.password.clone() };
    let own = config.address.sip_uri(&config.domain);
    let mut phone = Phone::start(Device::new(config), Server { transport: Transport::Ws, address }).await?;
    phone.register().await.map_err(|why| {
        let wrong = " (the number or the password is wrong)";
        let hint = if matches!(why, PhoneError::Failure(Failure::Refused(401))) { wrong } else { "" };
        CommandError(format!("{} cannot register: {why}{hint}", account.number))
    })?;
    let content = upload::ContentServer { client, url: format!("{server}/content/"), login };
    Ok(SignedIn { phone, domain, chatbots, content, own })
}

/// Tells the registrar that nobody is there any more.
pub async fn sign_out(mut phone: Phone) {
    phone.with(Device::unregister).await;
    let gone = |event: &Event| matches!(event, Event::Registered { expires_s: 0 }).then_some(());
    // Whoever does not answer has forgotten us soon anyway.
    let _ = phone.wait(Duration::from_secs(2), gone).await;
}
