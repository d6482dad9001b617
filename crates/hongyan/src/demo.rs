//! `serve --demo`: four subscribers, the rail chatbot with its program, and a banner of links.
//!
//! Everything is kept in the data directory: a second start finds the same passwords, credentials and conversations.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::process::{Child, ChildStdin, Command};

use crate::config::Config;
use crate::http::{App, admin};
use crate::net::listener::{Stop, stopped};
use crate::{data, secret_file};

/// The demo subscribers.
pub const SUBSCRIBERS: [&str; 4] = ["+8613800000001", "+8613800000002", "+8613800000003", "+8613800000004"];

/// The rail chatbot's name; its address is `sip:12306@botplatform.DOMAIN`.
pub const CHATBOT: &str = "12306";

/// Waits before a rail bot that died is started again; the last one repeats.
const RESTART_WAITS_S: [u64; 5] = [1, 2, 5, 15, 60];

/// A rail bot that lived so long was well: the waits begin anew.
const WELL: Duration = Duration::from_secs(60);

/// How long the rail bot may take to stop.
const STOP_WAIT: Duration = Duration::from_secs(3);

/// The password of the demo subscribers: from the configuration, else made once and kept.
pub fn password(config: &Config, directory: &Path) -> std::io::Result<String> {
    if !config.demo.password.is_empty() {
        return Ok(config.demo.password.clone());
    }
    secret_file::read_or_make(&data::demo_password(directory))
}

/// Makes the subscribers and the chatbot, or brings those of an earlier start up to date; gives the credentials of the
/// chatbot. `http_port` is ours.
///
/// # Errors
/// What could not be made, and why.
pub async fn prepare(
    app: &App,
    directory: &Path,
    password: &str,
    http_port: Option<u16>,
) -> Result<Credentials, String> {
    for number in SUBSCRIBERS {
        let wanted = json!({ "number": number, "password": password });
        admin::add_subscriber(app, wanted).await.map_err(|error| format!("{number}: {error}"))?;
    }
    let listen = free_address(http_port).map_err(|error| format!("no port for the rail bot: {error}"))?;
    let profile = chatbot_profile(&app.public_url, &listen);
    let path = data::demo_chatbot(directory);
    let kept = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    if let Some(credentials) = kept.and_then(|kept| Credentials::read(&kept, listen.clone()))
        && admin::update_chatbot(app, &credentials.chatbot_id, profile.clone()).await.is_ok()
    {
        return Ok(credentials);
    }
    // Without its credentials an earlier chatbot is of no use.
    let _ = admin::remove_chatbot(app, CHATBOT).await;
    let mut wanted = profile;
    wanted["name"] = json!(CHATBOT);
    wanted["dialect"] = json!("ctcu");
    let made = admin::create_chatbot(app, wanted).await.map_err(|error| format!("{CHATBOT}: {error}"))?;
    secret_file::write(&path, made.to_string().as_bytes())
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Credentials::read(&made, listen).ok_or_else(|| "the chatbot has no credentials".to_owned())
}

/// Where the rail bot is to listen: the port after ours, so that links to its payment page live on over a restart, or
/// any free one.
fn free_address(http_port: Option<u16>) -> std::io::Result<String> {
    let next = http_port.and_then(|port| port.checked_add(1)).unwrap_or(0);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, next))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?.to_string())
}

/// Where browsers reach the rail bot that listens there.
fn rail_url(listen: &str) -> String {
    let port = listen.rsplit_once(':').map_or("", |(_, port)| port);
    format!("http://localhost:{port}")
}

/// What handsets show of the rail chatbot that listens there, in the members of the admin API.
fn chatbot_profile(public_url: &str, listen: &str) -> Value {
    json!({
        "displayName": "铁路12306 · 12306 Rail",
        "webhook": format!("http://{listen}/maap"),
        "allowPrivateWebhook": true,
        "icon": format!("{}/media/icon.png", rail_url(listen)),
        "colour": "#0A66C2",
        "description": "查询车票、预订、改签与退票（演示）。 Search, book, change and refund train tickets (a demonstration).",
        "provider": "Hongyan demo",
        "category": "travel",
        "website": public_url,
        "verified": true,
        "menu": menu(),
    })
}

/// The persistent menu: each entry says to the bot what its text says.
fn menu() -> Value {
    let reply =
        |text: &str, data: &str| json!({ "reply": { "displayText": text, "postback": { "data": data } } });
    json!({ "menu": { "entries": [
        reply("查询车票 Search", "search"),
        reply("我的订单 My orders", "orders"),
        reply("帮助 Help", "help"),
    ] } })
}

/// The rail bot's credentials, as `POST /admin/v1/chatbots` gave them, and where it is to listen.
pub struct Credentials {
    /// Host and port for its webhook and payment page.
    pub listen: String,
    /// `sip:12306@botplatform.DOMAIN`.
    pub chatbot_id: String,
    /// Public half.
    pub app_id: String,
    /// Secret half.
    pub app_key: String,
    /// Signs pushes.
    pub callback_token: String,
}

impl Credentials {
    /// Reads the members of an answer to `chatbot create`, or of the kept file.
    fn read(value: &Value, listen: String) -> Option<Self> {
        let text = |member: &str| value.get(member)?.as_str().map(str::to_owned);
        Some(Self {
            listen,
            chatbot_id: text("chatbotId")?,
            app_id: text("appId")?,
            app_key: text("appKey")?,
            callback_token: text("callbackToken")?,
        })
    }
}

/// The rail bot's program, and how it is started.
pub struct RailBot {
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
}

impl RailBot {
    /// The program next to ours; `None` when it is not there.
    pub fn find() -> Option<PathBuf> {
        let program = std::env::current_exe().ok()?.with_file_name("rail-bot");
        program.is_file().then_some(program)
    }

    /// How to start `program`: it calls us at `server`, and keeps its orders in `directory`.
    pub fn new(program: PathBuf, server: &str, directory: &Path, credentials: &Credentials) -> Self {
        // All by environment: arguments, and so secrets in them, can be read by every user of the machine.
        let environment = vec![
            ("RAIL_SERVER", server.to_owned()),
            ("RAIL_LISTEN", credentials.listen.clone()),
            ("RAIL_PUBLIC_URL", rail_url(&credentials.listen)),
            ("RAIL_DATA", directory.display().to_string()),
            ("RAIL_CHATBOT_ID", credentials.chatbot_id.clone()),
            ("RAIL_APP_ID", credentials.app_id.clone()),
            ("RAIL_APP_KEY", credentials.app_key.clone()),
            ("RAIL_CALLBACK_TOKEN", credentials.callback_token.clone()),
        ];
        Self { program, environment }
    }

    /// Keeps the program running until `stop`, then lets it end.
    pub async fn supervise(self, stop: Stop) {
        let mut deaths = 0;
        loop {
            let begun = Instant::now();
            match self.start() {
                Ok((mut child, stdin)) => {
                    let ended = tokio::select! {
                        ended = child.wait() => ended,
                        () = stopped(stop.clone()) => return end(child, stdin).await,
                    };
                    let status = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                    tracing::warn!(status, "the rail bot ended; starting it again");
                }
                Err(error) => {
                    tracing::error!(%error, program = %self.program.display(), "cannot start the rail bot")
                }
            }
            deaths = if begun.elapsed() >= WELL { 0 } else { deaths };
            let wait = RESTART_WAITS_S[deaths.min(RESTART_WAITS_S.len() - 1)];
            deaths += 1;
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(wait)) => {}
                () = stopped(stop.clone()) => return,
            }
        }
    }

    /// The pipe to its standard input stands for our life: when we die in whatever way, it closes, and the bot ends.
    fn start(&self) -> std::io::Result<(Child, Option<ChildStdin>)> {
        let mut child = Command::new(&self.program)
            .arg("--stop-with-stdin")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C in a terminal goes to the whole group; when the bot ends is ours to say.
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take();
        Ok((child, stdin))
    }
}

async fn end(mut child: Child, stdin: Option<ChildStdin>) {
    drop(stdin);
    if tokio::time::timeout(STOP_WAIT, child.wait()).await.is_err() {
        tracing::warn!("the rail bot does not stop; killing it");
        let _ = child.kill().await;
    }
}

/// What a newcomer needs, for the terminal.
pub fn banner(http_port: u16, domain: &str, password: &str, data: &Path, rail: bool) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let url = format!("http://localhost:{http_port}");
    // As it was called, so that the lines can be copied.
    let program = std::env::args().next().unwrap_or_else(|| "hongyan".to_owned());
    let mut line =
        |arguments: std::fmt::Arguments<'_>| writeln!(text, "{arguments}").expect("writing to a String");
    line(format_args!("\n  鸿雁 Hongyan is running: {domain}\n"));
    line(format_args!("  Open a handset (each link signs in as one subscriber; two tabs can chat):"));
    for number in SUBSCRIBERS {
        line(format_args!("    {url}/#/signin?number={}&password={password}", number.replace('+', "%2B")));
    }
    line(format_args!("\n  Password of all four: {password}"));
    match rail {
        true => line(format_args!(
            "  Then write to 铁路12306: 明天北京到上海的高铁, or: Beijing to Shanghai tomorrow"
        )),
        false => line(format_args!(
            "  The rail bot is not here: build it with `cargo build --release -p rail-bot`, and start again"
        )),
    }
    line(format_args!("\n  Administration:"));
    line(format_args!("    {program} subscriber list --data {}", data.display()));
    line(format_args!(
        "    {program} send --from {CHATBOT} --to {} --data {} 'hello'",
        SUBSCRIBERS[0],
        data.display()
    ));
    line(format_args!("    {url}/metrics\n"));
    line(format_args!("  For chatbots:\n    {url}/docs/\n    {url}/tools/card/\n\n  Ctrl-C stops.\n"));
    text
}

#[cfg(test)]
mod tests {
    use rcs::bot::Document as _;

    use super::*;

    #[test]
    fn the_banner_has_a_link_for_every_subscriber() {
        let text = banner(8080, "hongyan.local", "secret", Path::new("data"), true);
        assert!(text.contains("http://localhost:8080/#/signin?number=%2B8613800000001&password=secret"));
        assert_eq!(text.matches("/#/signin?").count(), SUBSCRIBERS.len());
    }

    #[test]
    fn the_password_is_made_once_unless_configured() {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        let made = password(&config, directory.path()).unwrap();
        assert_eq!(password(&config, directory.path()).unwrap(), made);
        config.demo.password = "given".to_owned();
        assert_eq!(password(&config, directory.path()).unwrap(), "given");
    }

    #[test]
    fn the_menu_is_one_that_chatbots_may_have() {
        let menu = rcs::bot::Menu::parse(menu().to_string().as_bytes()).unwrap();
        assert_eq!(menu.validate(&chatbot_api::ctcu::LIMITS), []);
    }
}
