//! The commands: one file each. `serve` runs the platform; the rest talk to a running server (`client.rs`) or work on
//! files while none runs.

mod audit_log;
mod backup;
mod campaign;
mod card;
mod chatbot;
mod client;
mod config;
mod consent;
pub mod converse;
mod deadletter;
mod file;
mod group;
mod handset;
mod key;
mod mailbox;
mod media;
mod review;
mod send;
mod serve;
mod service_account;
mod spam;
mod standing;
mod store;
mod stored;
mod subscriber;
mod table;
mod template;
mod tenant;
mod trace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The command line.
#[derive(Parser)]
#[command(
    name = "hongyan",
    version,
    about = "Hongyan 鸿雁: an open 5G messaging (RCS) platform",
    after_help = "Begin with `hongyan serve --demo`, then open the link that it prints.",
    max_term_width = 100
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "one is made in the life of the process")]
enum Command {
    /// Run the platform
    Serve(serve::Serve),
    /// Add, list, show, configure or remove subscribers
    #[command(subcommand)]
    Subscriber(subscriber::Subscriber),
    /// Create, list, show, update or remove chatbots; test, submit, suspend; links
    #[command(subcommand)]
    Chatbot(chatbot::Chatbot),
    /// Put, list, show or remove templates of chatbots
    #[command(subcommand)]
    Template(template::Template),
    /// Create, fill, steer, watch or remove campaigns
    #[command(subcommand)]
    Campaign(campaign::Campaign),
    /// Create, list, show, change or remove tenants; give them chatbots
    #[command(subcommand)]
    Tenant(tenant::Tenant),
    /// Create, list, rotate or revoke keys of the administration API
    #[command(subcommand)]
    Key(key::Key),
    /// List what administrators did
    #[command(subcommand)]
    AuditLog(audit_log::AuditLog),
    /// Decide on what chatbots want to show, and whether they go live
    #[command(subcommand)]
    Review(review::Review),
    /// Show, list or note whether users want a chatbot's messages
    #[command(subcommand)]
    Consent(consent::Consent),
    /// List, show, replay or remove what was given up on on its way to chatbots
    #[command(subcommand, name = "deadletter")]
    DeadLetter(deadletter::DeadLetter),
    /// List or show groups
    #[command(subcommand)]
    Group(group::Group),
    /// Show what waits in a mailbox
    #[command(subcommand)]
    Mailbox(mailbox::Mailbox),
    /// List, show or remove files on the content server
    #[command(subcommand)]
    File(file::File),
    /// List, show or remove what chatbots have uploaded
    #[command(subcommand)]
    Media(media::Media),
    /// Send a text from a chatbot to a subscriber
    Send(send::Send),
    /// Show where a message was and is
    Trace(trace::Trace),
    /// A handset in the terminal
    Handset(handset::Handset),
    /// Check cards
    #[command(subcommand)]
    Card(card::Card),
    /// Play conversations with chatbots from scripts
    Converse(converse::Converse),
    /// List what subscribers report as spam
    Spam(spam::Spam),
    /// Look into the store of a stopped server
    #[command(subcommand)]
    Store(store::Store),
    /// Check a configuration file
    #[command(subcommand)]
    Config(config::Config),
    /// Copy the data directory of a stopped server
    Backup(backup::Backup),
    /// Make a data directory from a backup
    Restore(backup::Restore),
}

/// What a command that failed says on standard error: what is wrong, and what to do.
#[derive(Debug)]
pub struct CommandError(pub String);

impl<E: std::error::Error> From<E> for CommandError {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

type Outcome = Result<(), CommandError>;

impl Cli {
    /// Does what was asked.
    pub fn run(self) -> Result<ExitCode, CommandError> {
        let outcome = match self.command {
            Command::Card(card) => return card.run(),
            Command::Converse(converse) => return converse.run(),
            Command::Serve(serve) => serve.run(),
            Command::Subscriber(subscriber) => subscriber.run(),
            Command::Chatbot(chatbot) => chatbot.run(),
            Command::Template(template) => template.run(),
            Command::Campaign(campaign) => campaign.run(),
            Command::Tenant(tenant) => tenant.run(),
            Command::Key(key) => key.run(),
            Command::AuditLog(audit_log) => audit_log.run(),
            Command::Review(review) => review.run(),
            Command::Consent(consent) => consent.run(),
            Command::DeadLetter(letter) => letter.run(),
            Command::Group(group) => group.run(),
            Command::Mailbox(mailbox) => mailbox.run(),
            Command::File(file) => file.run(),
            Command::Media(media) => media.run(),
            Command::Send(send) => send.run(),
            Command::Trace(trace) => trace.run(),
            Command::Handset(handset) => handset.run(),
            Command::Spam(spam) => spam.run(),
            Command::Store(store) => store.run(),
            Command::Config(config) => config.run(),
            Command::Backup(backup) => backup.run(),
            Command::Restore(restore) => restore.run(),
        };
        outcome.map(|()| ExitCode::SUCCESS)
    }
}

/// Where the data directory is.
#[derive(clap::Args)]
struct Data {
    /// Data directory
    #[arg(long, value_name = "DIR", default_value = "data", env = "HONGYAN_DATA")]
    data: PathBuf,
}

/// Prints a line to standard output. A reader that has gone (`| head`) is no failure of ours.
fn print(line: impl std::fmt::Display) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints JSON, indented for people.
fn print_json(value: &serde_json::Value) {
    print(format_args!("{value:#}"));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_command_shows_an_example_in_its_help() {
        let command = Cli::command();
        command.clone().debug_assert();
        let mut waiting: Vec<clap::Command> = command.get_subcommands().cloned().collect();
        while let Some(mut command) = waiting.pop() {
            waiting.extend(command.get_subcommands().cloned());
            if command.has_subcommands() {
                continue;
            }
            let name = command.get_name().to_owned();
            let help = command.render_long_help().to_string();
            assert!(help.contains("Example"), "{name} has no example:\n{help}");
        }
    }
}
