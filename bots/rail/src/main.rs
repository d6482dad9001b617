//! `rail-bot`: the 12306 ticket assistant, the reference chatbot of Hongyan.
//!
//! It knows the platform only by its public HTTP API. A push from the platform (`webhook.rs`) becomes one
//! SQLite transaction (`bot.rs`) in which the message is read (`understand`), answered (`decide`) and the
//! answers queued (`outbox.rs`); a worker (`serve.rs`) hands them to the platform (`platform.rs`).

#![allow(
    clippy::disallowed_methods,
    reason = "its routes are its own, and no part of the platform's document"
)]

mod bot;
mod config;
mod content;
mod database;
mod decide;
mod inventory;
mod language;
mod media;
mod orders;
mod outbox;
mod pay;
mod platform;
mod postback;
mod serve;
mod session;
mod signature;
mod timetable;
mod understand;
mod webhook;

#[cfg(test)]
mod conversations;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let config = config::Config::parse();
    let filter = EnvFilter::try_from_env("RAIL_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    rustls::crypto::ring::default_provider().install_default().expect("nothing else chooses a TLS provider");
    match serve::run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rail-bot: {error}");
            ExitCode::FAILURE
        }
    }
}
