//! Writing an upload to disk while more of it arrives, in constant memory: one buffer fills while the other is written.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use tokio::task::JoinHandle;

use super::blobs;

/// A buffer. Large enough that a write costs little beside the bytes.
const BUFFER_BYTES: usize = 512 * 1024;

/// A file and a buffer that has been written to it.
type Written = io::Result<(File, Vec<u8>)>;

/// A file that is being written.
pub struct Spool {
    buffer: Vec<u8>,
    /// Before and after a write.
    idle: Option<(File, Vec<u8>)>,
    /// During a write.
    writing: Option<JoinHandle<Written>>,
    bytes: u64,
}

impl Spool {
    /// A new file at `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self::over(blobs::create(path)?, 0))
    }

    /// The file at `path`, less what follows its first `bytes`.
    pub fn resume(path: &Path, bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).open(path)?;
        file.set_len(bytes)?;
        Ok(Self::over(file, bytes))
    }

    fn over(file: File, bytes: u64) -> Self {
        Self { buffer: Vec::new(), idle: Some((file, Vec::new())), writing: None, bytes }
    }

    /// Its length, once everything is written.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends. Waits only if the disk is more than a buffer behind.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
        if self.buffer.len() >= BUFFER_BYTES { self.flush().await } else { Ok(()) }
    }

    /// Waits until everything is with the system; not until it is on disk.
    pub async fn finish(mut self) -> io::Result<u64> {
        self.flush().await?;
        self.settle().await?;
        Ok(self.bytes)
    }

    /// Begins to write what the buffer holds.
    async fn flush(&mut self) -> io::Result<()> {
        self.settle().await?;
        let (mut file, empty) = self.idle.take().ok_or_else(broken)?;
        let mut full = std::mem::replace(&mut self.buffer, empty);
        self.writing = Some(tokio::task::spawn_blocking(move || {
            file.write_all(&full)?;
            full.clear();
            Ok((file, full))
        }));
        Ok(())
    }

    /// Waits for the write under way, if there is one.
    async fn settle(&mut self) -> io::Result<()> {
        if let Some(writing) = self.writing.take() {
            self.idle = Some(writing.await.map_err(|_| broken())??);
        }
        Ok(())
    }
}

/// A write failed before, and that was told then.
fn broken() -> io::Error {
    io::Error::other("an earlier write failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_of_any_size_arrive_in_order_and_can_be_gone_on_with() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let all: Vec<u8> = (0..3 * BUFFER_BYTES + 17).map(|at| (at % 251) as u8).collect();
        let (first, rest) = all.split_at(2 * BUFFER_BYTES - 5);
        let mut spool = Spool::create(&path).unwrap();
        for piece in first.chunks(70_001) {
            spool.write(piece).await.unwrap();
        }
        assert_eq!(spool.finish().await.unwrap(), first.len() as u64);
        // Ten bytes once more.
        let start = first.len() as u64 - 10;
        let mut spool = Spool::resume(&path, start).unwrap();
        assert_eq!(spool.bytes(), start);
        spool.write(&first[first.len() - 10..]).await.unwrap();
        spool.write(rest).await.unwrap();
        assert_eq!(spool.finish().await.unwrap(), all.len() as u64);
        assert_eq!(std::fs::read(&path).unwrap(), all);
    }
}
