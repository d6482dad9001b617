//! The data directory: what lies where, and the lock that lets one process at a time use it.
//!
//! ```text
//! DIR/lock                held while a process uses the directory
//! DIR/store/              the database
//! DIR/spool/              bodies too large for it
//! DIR/content/            files between handsets
//! DIR/admin-token         opens /admin/v1 (mode 0600)
//! DIR/admin-url           where the running server listens; gone when none runs
//! DIR/demo-password       of the demo subscribers (0600)
//! DIR/demo-chatbot.json   credentials of the demo chatbot (0600)
//! DIR/rail/               the rail bot's own data
//! DIR/tls-self-signed.*   certificate and key that we made (0600)
//! ```

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A data directory that is ours until this is dropped.
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// Another process has it.
    #[error("{0} is in use by a running server; stop it first, or give another directory with --data")]
    InUse(PathBuf),
    /// It is not there, and was not to be made.
    #[error("{0} is no data directory; give the right one with --data")]
    Missing(PathBuf),
    /// The disk or its permissions stand in the way.
    #[error("{0} cannot be used: {1}")]
    Io(PathBuf, io::Error),
}

impl DataDirectory {
    /// Takes the directory at `path`, made if it is not there, readable by its owner alone.
    pub fn open_or_make(path: &Path) -> Result<Self, DataError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|error| DataError::Io(path.to_owned(), error))?;
        Self::lock(path)
    }

    /// Takes the directory at `path`, which a server has used before.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        if !path.join("store").is_dir() {
            return Err(DataError::Missing(path.to_owned()));
        }
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self, DataError> {
        let failed = |error| DataError::Io(path.to_owned(), error);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    pub fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    /// Bodies too large for the database.
    pub fn spool(&self) -> PathBuf {
        self.path.join("spool")
    }

    /// Files between handsets.
    pub fn content(&self) -> PathBuf {
        self.path.join("content")
    }

    /// The rail bot's own data.
    pub fn rail(&self) -> PathBuf {
        self.path.join("rail")
    }
}

/// The token that opens `/admin/v1` of the server that uses `directory`.
pub fn admin_token(directory: &Path) -> PathBuf {
    directory.join("admin-token")
}

/// The file that says where that server listens.
pub fn admin_url(directory: &Path) -> PathBuf {
    directory.join("admin-url")
}

/// Password of the demo subscribers.
pub fn demo_password(directory: &Path) -> PathBuf {
    directory.join("demo-password")
}

/// Credentials of the demo chatbot.
pub fn demo_chatbot(directory: &Path) -> PathBuf {
    directory.join("demo-chatbot.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_directory_has_one_user_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let first = DataDirectory::open_or_make(&path).unwrap();
        assert!(matches!(DataDirectory::open_or_make(&path), Err(DataError::InUse(_))));
        drop(first);
        assert!(DataDirectory::open_or_make(&path).is_ok());
        assert!(matches!(DataDirectory::open(&path), Err(DataError::Missing(_))));
    }
}
