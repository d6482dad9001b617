//! Where the bytes of files lie: a directory. With a bucket ([`super::shelf`]), only those of uploads under way.
//!
//! ```text
//! ROOT/incoming/ID              an upload under way, or one that broke off and can be resumed
//! ROOT/incoming/ID.thumbnail    the small picture that came with it
//! ROOT/files/AB/ID              a file; AB are the first two digits of its id
//! ROOT/files/AB/ID.thumbnail    its small picture
//! ```
//!
//! A file is synced and gets its place before its row is written, and goes after its row is gone. What lies here without a
//! row is a left-over of a crash, and is removed at the next start. Every call may wait for the disk.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use store::FileId;

/// Which of a file's two bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Its own.
    File,
    /// Its small picture.
    Thumbnail,
}

/// The name of one of a file's bodies.
pub fn name(id: FileId, body: Body) -> String {
    match body {
        Body::File => id.to_string(),
        Body::Thumbnail => format!("{id}.thumbnail"),
    }
}

/// The directory.
#[derive(Debug)]
pub struct Blobs {
    root: PathBuf,
}

impl Blobs {
    /// Uses the directory at `root`, made if it is not there, readable by its owner alone.
    pub fn open(root: &Path) -> io::Result<Self> {
        let blobs = Self { root: root.to_owned() };
        make_directory(&blobs.incoming_directory())?;
        make_directory(&blobs.files_directory())?;
        Ok(blobs)
    }

    /// Where an upload is written.
    pub fn incoming(&self, id: FileId, body: Body) -> PathBuf {
        self.incoming_directory().join(name(id, body))
    }

    /// Writes the small picture of an upload beside it.
    pub fn write_thumbnail(&self, id: FileId, bytes: &[u8]) -> io::Result<()> {
        create(&self.incoming(id, Body::Thumbnail))?.write_all(bytes)
    }

    /// Gives an upload that is complete its place, for good when this returns.
    pub fn keep(&self, id: FileId) -> io::Result<()> {
        let directory = self.directory_of(id);
        if !directory.is_dir() {
            make_directory(&directory)?;
            sync_directory(&self.files_directory())?;
        }
        for body in [Body::Thumbnail, Body::File] {
            let (from, to) = (self.incoming(id, body), self.path(id, body));
            match File::open(&from) {
                Ok(file) => file.sync_all()?,
                Err(error) if body == Body::Thumbnail && error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            std::fs::rename(from, to)?;
        }
        sync_directory(&directory)
    }

    /// Opens what was kept.
    pub fn read(&self, id: FileId, body: Body) -> io::Result<File> {
        File::open(self.path(id, body))
    }

    /// How much of an upload is here; 0 if nothing is.
    pub fn received_bytes(&self, id: FileId) -> io::Result<u64> {
        match std::fs::metadata(self.incoming(id, Body::File)) {
            Ok(found) => Ok(found.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Removes everything of a file. What is not there is no failure.
    pub fn remove(&self, id: FileId) -> io::Result<()> {
        for body in [Body::File, Body::Thumbnail] {
            for path in [self.incoming(id, body), self.path(id, body)] {
                match std::fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The files of which anything lies here.
    pub fn list(&self) -> io::Result<Vec<FileId>> {
        let mut directories = vec![self.incoming_directory()];
        for entry in std::fs::read_dir(self.files_directory())? {
            directories.push(entry?.path());
        }
        let mut found = Vec::new();
        for directory in directories.iter().filter(|path| path.is_dir()) {
            for entry in std::fs::read_dir(directory)? {
                let found_name = entry?.file_name();
                let id = found_name.to_str().and_then(|name| name.split('.').next());
                found.extend(id.and_then(|id| id.parse::<FileId>().ok()));
            }
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn incoming_directory(&self) -> PathBuf {
        self.root.join("incoming")
    }

    fn files_directory(&self) -> PathBuf {
        self.root.join("files")
    }

    fn directory_of(&self, id: FileId) -> PathBuf {
        self.files_directory().join(&id.to_string()[..2])
    }

    fn path(&self, id: FileId, body: Body) -> PathBuf {
        self.directory_of(id).join(name(id, body))
    }
}

/// A new file that only its owner may read.
pub fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const ID: FileId = FileId([0xab; 16]);

    #[test]
    fn an_upload_gets_its_place_and_goes() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(directory.path()).unwrap();
        assert_eq!(blobs.received_bytes(ID).unwrap(), 0);
        create(&blobs.incoming(ID, Body::File)).unwrap().write_all(b"file").unwrap();
        blobs.write_thumbnail(ID, b"small").unwrap();
        assert_eq!(blobs.received_bytes(ID).unwrap(), 4);
        assert_eq!(blobs.list().unwrap(), [ID]);
        assert!(blobs.read(ID, Body::File).is_err());

        blobs.keep(ID).unwrap();
        assert_eq!(blobs.list().unwrap(), [ID]);
        let mut text = String::new();
        blobs.read(ID, Body::File).unwrap().read_to_string(&mut text).unwrap();
        blobs.read(ID, Body::Thumbnail).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "filesmall");

        blobs.remove(ID).unwrap();
        blobs.remove(ID).unwrap();
        assert_eq!(blobs.list().unwrap(), []);
    }

    #[test]
    fn what_is_not_ours_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(directory.path()).unwrap();
        std::fs::write(directory.path().join("incoming/readme.txt"), "x").unwrap();
        std::fs::write(directory.path().join("files/readme.txt"), "x").unwrap();
        assert_eq!(blobs.list().unwrap(), []);
    }
}
