//! The `hongyan` binary as a library: configuration, transports, HTTP, the centre's thread, commands.
//!
//! This is the one crate that touches the outside world: sockets, files, clocks, processes.
#![allow(clippy::disallowed_methods, reason = "this crate is where time comes from")]

pub mod centre;
pub mod cli;
pub mod config;
pub mod content;
pub mod data;
pub mod demo;
pub mod engine;
pub mod http;
pub mod inbox;
pub mod links;
pub mod log;
pub mod media;
pub mod metrics;
pub mod net;
pub mod push;
pub mod secret_file;
pub mod serve;
pub mod service_key;
mod turns;
pub mod webhook_guard;
