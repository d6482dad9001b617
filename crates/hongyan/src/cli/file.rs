//! `hongyan file …`: files on the content server.

use clap::Subcommand;

use super::Outcome;
use super::stored::{Listing, Remove, Show};

/// The commands.
#[derive(Subcommand)]
pub enum File {
    /// List files, everybody's or one subscriber's
    #[command(after_help = "Example:\n  hongyan file list --owner +8613800000001")]
    List {
        /// Phone number of a subscriber; everybody's files when left out
        #[arg(long, value_name = "NUMBER")]
        owner: Option<String>,
        #[command(flatten)]
        list: Listing,
    },
    /// Show one file, without its content
    #[command(after_help = "Example:\n  hongyan file show 0f3a6c1e5b7d4f1aa0b1c2d3e4f50617")]
    Show(Show),
    /// Remove a file before its time
    #[command(after_help = "Example:\n  hongyan file remove 0f3a6c1e5b7d4f1aa0b1c2d3e4f50617")]
    Remove(Remove),
}

const COLUMNS: [(&str, &str); 7] = [
    ("ID", "id"),
    ("OWNER", "owner"),
    ("NAME", "name"),
    ("TYPE", "contentType"),
    ("BYTES", "bytes"),
    ("STATE", "state"),
    ("EXPIRES", "expiresAt"),
];

impl File {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::List { owner, list } => list.run("files", owner.map(|owner| ("owner", owner)), &COLUMNS),
            Self::Show(show) => show.run("files"),
            Self::Remove(remove) => remove.run("files"),
        }
    }
}
