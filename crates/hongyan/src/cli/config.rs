//! `hongyan config check`: whether a configuration file can be used.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Outcome, print};
use crate::config;

/// The commands.
#[derive(Subcommand)]
pub enum Config {
    /// Read a file as `serve --config` would, environment included, and say what is wrong with it
    #[command(after_help = "Example:\n  hongyan config check hongyan.toml")]
    Check {
        /// TOML file; config/hongyan.toml shows every key
        file: PathBuf,
    },
}

impl Config {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        let Self::Check { file } = self;
        config::Config::load(Some(&file), std::env::vars())?;
        print(format_args!("{} is good", file.display()));
        Ok(())
    }
}
