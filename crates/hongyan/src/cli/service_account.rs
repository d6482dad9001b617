//! `hongyan chatbot key …`: service accounts of the RBM-style interface.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Server, segment};
use super::table::table;
use super::{CommandError, Outcome, print, print_json};
use crate::secret_file;

/// Where a key file goes.
#[derive(Args)]
pub struct KeyFile {
    /// Write the key file here, for its owner alone, rather than to the terminal
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Keys of a chatbot's service account.
#[derive(Subcommand)]
pub enum Key {
    /// Make a further key; its file is shown this once
    #[command(after_help = "Example:\n  hongyan chatbot key weather add --key-file new.json")]
    Add {
        #[command(flatten)]
        key_file: KeyFile,
        #[command(flatten)]
        server: Server,
    },
    /// List the keys
    #[command(after_help = "Example:\n  hongyan chatbot key weather list")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Remove a key; access tokens that it got are worth nothing from then on
    #[command(after_help = "Example:\n  hongyan chatbot key weather remove 4f0c2b1a")]
    Remove {
        /// Its id (private_key_id in the key file)
        key: String,
        #[command(flatten)]
        server: Server,
    },
}

impl Key {
    /// Does what was asked of the chatbot `name`.
    pub fn run(self, name: &str) -> Outcome {
        let path = format!("/chatbots/{}/keys", segment(name));
        match self {
            Self::Add { key_file, server } => {
                key_file.check()?;
                key_file.show(&server.post(&path, &json!({}))?)?;
            }
            Self::List { json, server } => {
                let answer = server.get(&path)?;
                match json {
                    true => print_json(&answer),
                    false => print(table(&[("KEY", "keyId"), ("CREATED", "createdAt")], &answer)),
                }
            }
            Self::Remove { key, server } => {
                server.delete(&format!("{path}/{}", segment(&key)))?;
                print(format_args!("key {key} of {name} is removed"));
            }
        }
        Ok(())
    }
}

impl KeyFile {
    /// Before a key is made: its file takes no other's place, for nobody could bring that one back.
    pub fn check(&self) -> Outcome {
        match &self.key_file {
            Some(path) if path.exists() => Err(CommandError(format!(
                "{} is there already: name another file, or move it away",
                path.display()
            ))),
            _ => Ok(()),
        }
    }

    /// Writes the key file where it was wanted; to the terminal as it is, so that it can be redirected.
    pub fn show(&self, file: &Value) -> Outcome {
        match &self.key_file {
            Some(path) => self.write(path, file),
            None => {
                print_json(file);
                Ok(())
            }
        }
    }

    /// Whether it goes to a file.
    pub fn is_given(&self) -> bool {
        self.key_file.is_some()
    }

    fn write(&self, path: &Path, file: &Value) -> Outcome {
        let text = serde_json::to_string_pretty(file).expect("texts can be written as JSON");
        secret_file::write(path, format!("{text}\n").as_bytes())
            .map_err(|error| CommandError(format!("cannot write {}: {error}", path.display())))?;
        print(format_args!("the key is in {}", path.display()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_takes_no_others_place() {
        let directory = tempfile::tempdir().unwrap();
        let key_file = KeyFile { key_file: Some(directory.path().join("key.json")) };
        assert!(key_file.check().is_ok());
        key_file.show(&json!({ "private_key": "first" })).unwrap();
        let refused = key_file.check().unwrap_err();
        assert!(refused.0.contains("is there already"), "{}", refused.0);
    }
}
