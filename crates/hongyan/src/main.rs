//! `hongyan`: read arguments, do what they ask, say what went wrong. The work is in the library.

use std::process::ExitCode;

use clap::Parser as _;
use hongyan::cli::Cli;

/// Quicker than the system allocator with many small values, and shared by all threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().expect("nobody else has installed a provider");
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("hongyan: {}", error.0);
            ExitCode::FAILURE
        }
    }
}
