//! `hongyan-bench`: what messages and registrations cost a running platform, over loopback, in bounded runs that end by
//! themselves; and what the same load costs Kamailio and nginx, when they are installed.
//!
//! The numbers that count are CPU seconds of the *server* process (user and system, from `/proc`), since the load generator
//! shares the machine. `bench/run.sh` builds everything and runs this.
#![allow(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

mod campaigns;
mod chatbots;
mod files;
mod fleet;
mod kamailio;
mod nginx;
mod peer;
mod process;
mod report;
mod scenarios;
mod sessions;
mod streams;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use report::Report;

/// Load on a running platform, and on Kamailio and nginx beside it.
#[derive(Parser)]
#[command(
    after_help = "Example:\n  hongyan-bench --hongyan target/release/hongyan --markdown docs/performance.md"
)]
struct Args {
    /// The platform's program; without it only Kamailio is measured
    #[arg(long, value_name = "FILE")]
    hongyan: Option<PathBuf>,
    /// Kamailio's program; left out when it is not there
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/kamailio")]
    kamailio: PathBuf,
    /// Kamailio's configuration
    #[arg(long, value_name = "FILE", default_value = "bench/kamailio/kamailio.cfg")]
    kamailio_config: PathBuf,
    /// nginx's program; left out when it is not there
    #[arg(long, value_name = "FILE", default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    /// nginx's configuration
    #[arg(long, value_name = "FILE", default_value = "bench/nginx/nginx.conf")]
    nginx_config: PathBuf,
    /// Messages in each relay scenario
    #[arg(long, default_value_t = 100_000)]
    messages: u32,
    /// Devices that register
    #[arg(long, default_value_t = 100_000)]
    devices: u32,
    /// Recipients of the campaign
    #[arg(long, default_value_t = 1_000_000)]
    recipients: u32,
    /// How many of them are subscribers, whose messages take some 2 KB of disk each
    #[arg(long, default_value_t = 1_000_000)]
    subscribers: u32,
    /// Only scenarios whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// What `cargo bench -p sip` printed, to be put into the report
    #[arg(long, value_name = "FILE")]
    parser: Option<PathBuf>,
    /// Write the report there too
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Only send the campaign, kill the platform so often on the way, and count what each recipient has
    #[arg(long, value_name = "TIMES", requires = "hongyan")]
    kills: Option<u32>,
    /// Serve a handler that does nothing at this address, and nothing else: the API is measured beside it
    #[arg(long, value_name = "ADDRESS", hide = true)]
    trivial: Option<std::net::SocketAddr>,
    /// Keep the server busy for this long with UDP relay and do nothing else: for profilers
    #[arg(long, value_name = "SECONDS")]
    profile: Option<u64>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(address) = args.trivial {
        // With the runtime that the platform has.
        let served =
            tokio::runtime::Runtime::new().and_then(|runtime| chatbots::serve_trivially(&runtime, address));
        return served.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS);
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    if let (Some(kills), Some(program)) = (args.kills, &args.hongyan) {
        let survived = campaigns::survive(&runtime, program, args.recipients, kills);
        return survived.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS);
    }
    if let (Some(seconds), Some(program)) = (args.profile, &args.hongyan) {
        return match scenarios::profile(&runtime, program, seconds) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(&error),
        };
    }
    let mut report = Report::default();
    let outcome = scenarios::all(&runtime, &args, &mut report);
    if let Some(path) = &args.parser {
        match std::fs::read_to_string(path) {
            Ok(text) => report.parser = text,
            Err(error) => return failed(&error),
        }
    }
    print!("{}", report.text());
    if let Some(path) = &args.markdown
        && let Err(error) = std::fs::write(path, report.markdown())
    {
        return failed(&error);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("hongyan-bench: {error}");
    ExitCode::FAILURE
}
