//! Command line and environment. Secrets are better given by environment: arguments are seen by `ps`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

/// 12306 票务助手: a chatbot that sells train tickets over the China Telecom/Unicom chatbot API.
///
/// Example: RAIL_APP_KEY=… RAIL_CALLBACK_TOKEN=… rail-bot --app-id … --data ./rail-data
#[derive(Debug, Parser)]
#[command(version)]
pub struct Config {
    /// The chatbot platform's base URL.
    #[arg(long, env = "RAIL_SERVER", default_value = "http://127.0.0.1:8080")]
    pub server: String,
    /// The bot's address on the platform.
    #[arg(long, env = "RAIL_CHATBOT_ID", default_value = "sip:12306@botplatform.hongyan.local")]
    pub chatbot_id: String,
    /// From the platform's registration.
    #[arg(long, env = "RAIL_APP_ID")]
    pub app_id: String,
    /// From the platform's registration; a secret.
    #[arg(long, env = "RAIL_APP_KEY", hide_env_values = true)]
    pub app_key: String,
    /// With which the platform signs its pushes; a secret.
    #[arg(long, env = "RAIL_CALLBACK_TOKEN", hide_env_values = true)]
    pub callback_token: String,
    /// Where to listen for pushes, payment pages and pictures; port 0 takes a free one.
    #[arg(long, env = "RAIL_LISTEN", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Where phones reach this program; by default the address it listens on.
    #[arg(long, env = "RAIL_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Directory of the database; made if it is not there.
    #[arg(long, env = "RAIL_DATA", default_value = "rail-data")]
    pub data: PathBuf,
    /// Written once the bot listens: {"http":"127.0.0.1:8090"}.
    #[arg(long, env = "RAIL_READY_FILE")]
    pub ready_file: Option<PathBuf>,
    /// End when standard input does: for a parent that may die without a word.
    #[arg(long, env = "RAIL_STOP_WITH_STDIN")]
    pub stop_with_stdin: bool,
}
