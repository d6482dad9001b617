//! `[log]`: what the log shows, and how.

use serde::{Deserialize, Serialize};

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What is logged, in the syntax of `tracing_subscriber::EnvFilter`: `info`, `warn,hongyan=debug`.
    pub filter: String,
    /// How a line looks.
    pub format: LogFormat,
    /// How much of telephone numbers and IP addresses the log shows.
    pub addresses: LogAddresses,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info,fjall=warn,lsm_tree=warn,rustls_platform_verifier=off".to_owned(),
            format: LogFormat::Text,
            addresses: LogAddresses::Masked,
        }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How much of an address the log shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogAddresses {
    /// All of it.
    Full,
    /// Without its end.
    Masked,
    /// Nothing.
    None,
}
