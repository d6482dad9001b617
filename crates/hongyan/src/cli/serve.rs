//! `hongyan serve`: run the platform.

use std::path::PathBuf;

use super::{CommandError, Data, Outcome};
use crate::config::{Config, Domain, Listen};
use crate::serve::{self, Options};

/// The command.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  hongyan serve --demo\n  hongyan serve --config hongyan.toml --data /var/lib/hongyan\n  \
                  hongyan serve --http 127.0.0.1:0 --sip 127.0.0.1:0 --ready-file ready.json\n\n\
                  Every key of the configuration can be set by environment: HONGYAN_HTTP__LISTEN=127.0.0.1:8080.\n\
                  SIGTERM and Ctrl-C stop gracefully; a second one at once."
)]
pub struct Serve {
    /// TOML file; config/hongyan.toml shows every key [default: none, every key has a default]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
    /// With demo subscribers and the rail bot; prints links and passwords
    #[arg(long)]
    demo: bool,
    /// SIP domain
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<Domain>,
    /// HTTP listener; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    http: Option<Listen>,
    /// SIP listener, UDP and TCP; port 0 picks a free one
    #[arg(long, value_name = "ADDRESS:PORT")]
    sip: Option<Listen>,
    /// MSRP listener; port 0 picks a free one, as SIP's port 0 does
    #[arg(long, value_name = "ADDRESS:PORT")]
    msrp: Option<Listen>,
    /// SMPP listener: not available in this version, nothing listens
    #[arg(long, value_name = "ADDRESS:PORT")]
    smpp: Option<String>,
    /// Write the bound addresses there as JSON once everything listens
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

impl Serve {
    /// Runs until it is told to stop.
    pub fn run(self) -> Outcome {
        let mut config = Config::load_unchecked(self.config.as_deref(), std::env::vars())?;
        if let Some(domain) = self.domain {
            config.domain = domain;
        }
        if let Some(http) = self.http {
            config.http.listen = http;
        }
        if let Some(sip) = self.sip {
            (config.sip.udp, config.sip.tcp) = (sip, sip);
        }
        if let Some(msrp) = self.msrp {
            config.msrp.listen = msrp;
        }
        config.tls.self_signed |= self.demo;
        config.validate()?;
        if self.smpp.is_some() {
            eprintln!("hongyan: --smpp is not available in this version; nothing listens there");
        }
        let options = Options { data: self.data.data, demo: self.demo, ready_file: self.ready_file };
        serve::serve(config, options).map_err(|error| CommandError(error.to_string()))
    }
}
