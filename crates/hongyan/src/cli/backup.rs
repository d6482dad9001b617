//! `hongyan backup` and `hongyan restore`: a plain copy of the data directory of a stopped server.
//!
//! The directory is locked while it is copied, every copy is synced, and the result gets its name only when whole.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::{CommandError, Data, Outcome, print};
use crate::data::DataDirectory;

/// The command.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  hongyan backup --data ./data /backup/hongyan-2026-11-23\n\n\
                        The copy holds secrets (hashes of passwords, tokens): guard it as the original.")]
pub struct Backup {
    /// Directory to make
    to: PathBuf,
    #[command(flatten)]
    data: Data,
}

/// The command.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  hongyan restore --data ./data /backup/hongyan-2026-11-23")]
pub struct Restore {
    /// Directory that `hongyan backup` made
    from: PathBuf,
    #[command(flatten)]
    data: Data,
}

impl Backup {
    /// Copies the data directory to a new one.
    pub fn run(self) -> Outcome {
        let directory = DataDirectory::open(&self.data.data)?;
        copy_whole(directory.path(), &self.to)?;
        print(format_args!("{} is copied to {}", self.data.data.display(), self.to.display()));
        Ok(())
    }
}

impl Restore {
    /// Copies a backup to a new data directory.
    pub fn run(self) -> Outcome {
        let backup = DataDirectory::open(&self.from)?;
        copy_whole(backup.path(), &self.data.data)?;
        print(format_args!("{} is restored from {}", self.data.data.display(), self.from.display()));
        Ok(())
    }
}

/// Copies the directory `from` to `to`, which must not exist.
fn copy_whole(from: &Path, to: &Path) -> Result<(), CommandError> {
    if to.exists() {
        return Err(CommandError(format!(
            "{} exists already; nothing is overwritten, name another",
            to.display()
        )));
    }
    let mut name = to.as_os_str().to_owned();
    name.push(".partial");
    let partial = PathBuf::from(name);
    let copied = copy_directory(from, &partial).and_then(|()| std::fs::rename(&partial, to));
    copied.map_err(|error| {
        let _ = std::fs::remove_dir_all(&partial);
        CommandError(format!("cannot copy {} to {}: {error}", from.display(), to.display()))
    })
}

/// Copies files and directories; whatever else may lie there is no data of ours.
fn copy_directory(from: &Path, to: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else if kind.is_file() && entry.file_name() != "admin-url" {
            std::fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    File::open(to)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_comes_back_as_it_was() {
        let parent = tempfile::tempdir().unwrap();
        let path = |name: &str| parent.path().join(name);
        std::fs::create_dir_all(path("data/store/deep")).unwrap();
        std::fs::write(path("data/store/deep/a"), "1").unwrap();
        std::fs::write(path("data/admin-token"), "t").unwrap();
        std::fs::write(path("data/admin-url"), "gone").unwrap();

        Backup { to: path("copy"), data: Data { data: path("data") } }.run().unwrap();
        Restore { from: path("copy"), data: Data { data: path("again") } }.run().unwrap();

        assert_eq!(std::fs::read_to_string(path("again/store/deep/a")).unwrap(), "1");
        assert_eq!(std::fs::read_to_string(path("again/admin-token")).unwrap(), "t");
        assert!(!path("again/admin-url").exists());
        let again = Restore { from: path("copy"), data: Data { data: path("again") } }.run();
        assert!(again.unwrap_err().0.contains("exists already"));
    }
}
