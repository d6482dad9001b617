//! `hongyan file …`: files on the content server.

use clap::Subcommand;

use super::client::{Server, segment};
use super::table::{card, table};
use super::{Outcome, print, print_json};

/// The commands.
#[derive(Subcommand)]
pub enum File {
    /// List files, everybody's or one subscriber's
    #[command(after_help = "Example:\n  hongyan file list --owner +8613800000001")]
    List {
        /// Phone number of a subscriber; everybody's files when left out
        #[arg(long, value_name = "NUMBER")]
        owner: Option<String>,
        /// Files at most
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Show one file, without its content
    #[command(after_help = "Example:\n  hongyan file show 0f3a6c1e5b7d4f1aa0b1c2d3e4f50617")]
    Show {
        /// The file's id
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a file before its time
    #[command(after_help = "Example:\n  hongyan file remove 0f3a6c1e5b7d4f1aa0b1c2d3e4f50617")]
    Remove {
        /// The file's id
        id: String,
        #[command(flatten)]
        server: Server,
    },
}

impl File {
    /// Does what was asked.
    pub fn run(self) -> Outcome {
        match self {
            Self::List { owner, limit, json, server } => list(owner.as_deref(), limit, json, &server),
            Self::Show { id, json, server } => {
                let file = server.get(&format!("/files/{}", segment(&id)))?;
                if json {
                    print_json(&file)
                } else {
                    print(card(&file))
                }
                Ok(())
            }
            Self::Remove { id, server } => {
                server.delete(&format!("/files/{}", segment(&id)))?;
                print(format_args!("{id} is removed"));
                Ok(())
            }
        }
    }
}

fn list(owner: Option<&str>, limit: u32, json: bool, server: &Server) -> Outcome {
    let owner = owner.map(|owner| format!("&owner={}", segment(owner))).unwrap_or_default();
    let answer = server.get(&format!("/files?limit={limit}{owner}"))?;
    if json {
        print_json(&answer["files"]);
        return Ok(());
    }
    let usage = &answer["usage"];
    if usage.is_object() {
        let [files, bytes, quota_files, quota_bytes] =
            ["files", "bytes", "quotaFiles", "quotaBytes"].map(|member| &usage[member]);
        print(format_args!("{files} of {quota_files} files, {bytes} of {quota_bytes} bytes"));
    }
    let columns = [
        ("ID", "id"),
        ("OWNER", "owner"),
        ("NAME", "name"),
        ("TYPE", "contentType"),
        ("BYTES", "bytes"),
        ("STATE", "state"),
        ("EXPIRES", "expiresAt"),
    ];
    print(table(&columns, &answer["files"]));
    Ok(())
}
