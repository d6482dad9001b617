//! Bodies too large for memory and rows: each a file of its own in the data directory's `spool`.
//!
//! A file is written while its message arrives, synced before the centre hears of it, and removed when the centre says that nobody
//! needs it. What a crash leaves behind is removed at the next start: the store knows which files somebody needs.

use std::collections::{HashMap, HashSet};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use message_centre::session::{BEGINNING_BYTES, INLINE_BYTES_MAX};
use rcs::address::Address;
use store::Spooled;

/// The directory, and how much is in it.
pub struct Spool {
    directory: PathBuf,
    bytes: AtomicU64,
    limits: Limits,
    /// What each subscriber's messages come to, and whose the files are. Those of before a start are nobody's.
    shares: Mutex<Shares>,
    next_name: AtomicU64,
}

/// How much may lie there.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// In all.
    pub bytes_max: u64,
    /// Of what one subscriber sends: nobody fills it for all.
    pub share_bytes_max: u64,
}

#[derive(Default)]
struct Shares {
    bytes: HashMap<Address, u64>,
    owners: HashMap<String, Address>,
}

impl Spool {
    /// Opens `directory`, made if it is not there, and removes what is not among the `needed` names.
    ///
    /// # Errors
    /// The directory cannot be read or written.
    pub fn open(directory: &Path, needed: &[String], limits: Limits) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let needed: HashSet<&str> = needed.iter().map(String::as_str).collect();
        let mut bytes = 0;
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            match entry.file_name().to_str().is_some_and(|name| needed.contains(name)) {
                true => bytes += entry.metadata()?.len(),
                false => std::fs::remove_file(entry.path())?,
            }
        }
        let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // Names go on from the wall clock, so that none comes twice, also after a restart.
        let next_name = (since_epoch.as_millis() as u64) << 20;
        Ok(Self {
            directory: directory.to_owned(),
            bytes: AtomicU64::new(bytes),
            limits,
            shares: Mutex::default(),
            next_name: AtomicU64::new(next_name),
        })
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// It is not there, or cannot be read.
    pub fn read(&self, spooled: &Spooled) -> io::Result<SpoolReader> {
        Ok(SpoolReader { file: File::open(self.path(&spooled.name)?)?, bytes: spooled.bytes })
    }

    /// Removes a file that nobody needs.
    pub fn remove(&self, name: &str) {
        let Ok(path) = self.path(name) else { return };
        let bytes = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        self.remove_counted(name, bytes);
    }

    fn remove_counted(&self, name: &str, bytes: u64) {
        let Ok(path) = self.path(name) else { return };
        match std::fs::remove_file(&path) {
            Ok(()) => {
                self.release(name, bytes);
                self.shares().owners.remove(name);
            }
            Err(error) => tracing::warn!(name, %error, "a spooled body could not be removed"),
        }
    }

    /// Counts bytes of a file.
    ///
    /// # Errors
    /// There is no room for them, or its owner has no more; then they are not counted.
    fn reserve(&self, name: &str, bytes: u64) -> io::Result<()> {
        let Limits { bytes_max, share_bytes_max } = self.limits;
        if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > bytes_max {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return Err(io::Error::other("the spool is full; see msrp.spool_bytes"));
        }
        let mut shares = self.shares();
        let Shares { bytes: counts, owners } = &mut *shares;
        let Some(owner) = owners.get(name) else { return Ok(()) };
        let share = counts.entry(owner.clone()).or_default();
        if *share + bytes > share_bytes_max {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            let why = "the sender has its share of the spool; see msrp.spool_share_bytes";
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, why));
        }
        *share += bytes;
        Ok(())
    }

    fn release(&self, name: &str, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let mut shares = self.shares();
        let Shares { bytes: counts, owners } = &mut *shares;
        if let Some(owner) = owners.get(name)
            && let Some(share) = counts.get_mut(owner)
        {
            *share = share.saturating_sub(bytes);
            if *share == 0 {
                counts.remove(owner);
            }
        }
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create(&self) -> io::Result<(String, File)> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true).mode(0o600);
        loop {
            let name = format!("{:016x}", self.next_name.fetch_add(1, Ordering::Relaxed));
            match options.open(self.path(&name)?) {
                // The wall clock was set back between two starts.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => return Ok((name, opened?)),
            }
        }
    }

    /// Names come from the store; none may lead out of the directory.
    fn path(&self, name: &str) -> io::Result<PathBuf> {
        let is_ours =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_ours { Ok(self.directory.join(name)) } else { Err(io::ErrorKind::InvalidInput.into()) }
    }
}

/// A body while it arrives: in memory as long as it is small, in a file from then on.
pub enum Arriving {
    /// In memory.
    Memory {
        /// What has come.
        bytes: Vec<u8>,
        /// Who sends it, if that is known.
        owner: Option<Address>,
    },
    /// In a file, so long.
    File {
        /// The file's name.
        name: String,
        /// The file.
        file: File,
        /// Its length, gaps included.
        bytes: u64,
        /// What it counts for: the bytes that have come, and never more than its length.
        counted: u64,
    },
    /// The disk failed, or is full: the message cannot be taken.
    Failed,
}

/// A body that has arrived.
pub enum Arrived {
    /// In memory.
    Memory(Bytes),
    /// In a file, synced; and its beginning.
    File(Spooled, Bytes),
}

impl Arriving {
    /// A message of this subscriber, of which nothing has come yet.
    pub fn of(owner: Option<Address>) -> Self {
        Self::Memory { bytes: Vec::new(), owner }
    }

    /// Keeps `bytes` at their place; what was there before is replaced.
    pub fn write(&mut self, spool: &Spool, offset: u64, bytes: &[u8]) {
        if let Err(error) = self.try_write(spool, offset, bytes) {
            match error.kind() {
                // Somebody's own doing is no matter for the operator.
                io::ErrorKind::QuotaExceeded => tracing::debug!(%error, "a large body is not spooled"),
                _ => tracing::error!(%error, "a large body cannot be spooled"),
            }
            self.discard(spool);
            *self = Self::Failed;
        }
    }

    fn try_write(&mut self, spool: &Spool, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset + bytes.len() as u64;
        if let Self::Memory { bytes: memory, owner } = self {
            if end <= INLINE_BYTES_MAX as u64 {
                memory.resize(memory.len().max(end as usize), 0);
                memory[offset as usize..end as usize].copy_from_slice(bytes);
                return Ok(());
            }
            let (name, file) = spool.create()?;
            let before = std::mem::take(memory);
            if let Some(owner) = owner.take() {
                spool.shares().owners.insert(name.clone(), owner);
            }
            *self = Self::File { name, file, bytes: 0, counted: 0 };
            self.try_write(spool, 0, &before)?;
        }
        if let Self::File { name, file, bytes: length, counted } = self {
            *length = (*length).max(end);
            let added = (bytes.len() as u64).min(*length - *counted);
            spool.reserve(name, added)?;
            *counted += added;
            file.write_all_at(bytes, offset)?;
        }
        Ok(())
    }

    /// The whole body, on disk if it is in a file. Waits for the disk.
    ///
    /// # Errors
    /// The disk failed, now or before; nothing is left of the file.
    pub fn finish(mut self, spool: &Spool) -> io::Result<Arrived> {
        let finished = match &mut self {
            Self::Memory { bytes, .. } => return Ok(Arrived::Memory(std::mem::take(bytes).into())),
            Self::Failed => Err(io::Error::other("the body was not spooled")),
            Self::File { name, file, bytes, .. } => (|| {
                let mut beginning = vec![0; BEGINNING_BYTES];
                file.read_exact_at(&mut beginning, 0)?;
                file.sync_all()?;
                File::open(&spool.directory)?.sync_all()?;
                Ok(Arrived::File(Spooled { name: name.clone(), bytes: *bytes }, beginning.into()))
            })(),
        };
        match &self {
            // From here on the file counts for its length.
            Self::File { name, bytes, counted, .. } if finished.is_ok() => {
                // There are no gaps in what is whole; if there were, their room was not asked for, and is not refused now.
                let _ = spool.reserve(name, bytes - counted);
            }
            _ => self.discard(spool),
        }
        finished
    }

    /// The body is not needed after all.
    pub fn discard(&self, spool: &Spool) {
        if let Self::File { name, counted, .. } = self {
            spool.remove_counted(name, *counted);
        }
    }
}

/// A spooled body being sent.
pub struct SpoolReader {
    file: File,
    bytes: u64,
}

impl msrp::connection::Source for SpoolReader {
    fn size(&self) -> u64 {
        self.bytes
    }

    fn read(&mut self, offset: u64, max: usize) -> io::Result<Bytes> {
        let mut bytes = vec![0; max.min(self.bytes.saturating_sub(offset) as usize)];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use msrp::connection::Source as _;

    use super::*;

    fn limits(bytes_max: u64) -> Limits {
        Limits { bytes_max, share_bytes_max: bytes_max }
    }

    #[test]
    fn nobody_fills_it_for_all() {
        let directory = tempfile::tempdir().unwrap();
        let limits = Limits { bytes_max: 200_000, share_bytes_max: 80_000 };
        let spool = Spool::open(directory.path(), &[], limits).unwrap();
        let send = |number: &str, bytes: usize| {
            let mut body = Arriving::of(Some(format!("tel:{number}").parse().unwrap()));
            body.write(&spool, 0, &vec![1; bytes]);
            body.finish(&spool)
        };
        let (alice, bob) = ("+8613800000001", "+8613800000002");
        let Ok(Arrived::File(first, _)) = send(alice, 50_000) else { panic!("a file") };
        assert!(send(alice, 40_000).is_err(), "that is above her share");
        assert!(send(bob, 80_000).is_ok());
        spool.remove(&first.name);
        assert!(send(alice, 80_000).is_ok());
        assert!(send(alice, 1_000).is_ok(), "what is small takes no file");
        let shares = spool.shares();
        assert_eq!((shares.owners.len(), shares.bytes.len()), (2, 2));
    }

    #[test]
    fn a_small_body_stays_in_memory_and_a_large_one_goes_to_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path(), &[], limits(1 << 20)).unwrap();
        let mut small = Arriving::of(None);
        small.write(&spool, 2, b"cd");
        small.write(&spool, 0, b"ab");
        assert!(matches!(small.finish(&spool).unwrap(), Arrived::Memory(body) if body == "abcd"));

        let body: Vec<u8> = (0..100_000u32).map(|at| at as u8).collect();
        let mut large = Arriving::of(None);
        for (at, piece) in body.chunks(4096).enumerate().collect::<Vec<_>>().into_iter().rev() {
            large.write(&spool, at as u64 * 4096, piece);
        }
        let Arrived::File(spooled, beginning) = large.finish(&spool).unwrap() else { panic!("a file") };
        assert_eq!((spooled.bytes, &beginning[..]), (100_000, &body[..BEGINNING_BYTES]));
        let mut reader = spool.read(&spooled).unwrap();
        assert_eq!(reader.read(99_000, 4096).unwrap(), body[99_000..]);
        spool.remove(&spooled.name);
        assert!(spool.read(&spooled).is_err());
        assert_eq!(spool.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_full_spool_takes_nothing_more() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path(), &[], limits(50_000)).unwrap();
        let mut large = Arriving::of(None);
        large.write(&spool, 0, &[1; 40_000]);
        large.write(&spool, 40_000, &[1; 20_000]);
        assert!(large.finish(&spool).is_err());
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_name_that_is_taken_is_passed_over() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path(), &[], limits(1 << 20)).unwrap();
        let taken = format!("{:016x}", spool.next_name.load(Ordering::Relaxed));
        std::fs::write(directory.path().join(&taken), "somebody's").unwrap();
        let mut large = Arriving::of(None);
        large.write(&spool, 0, &[1; 40_000]);
        let Arrived::File(spooled, _) = large.finish(&spool).unwrap() else { panic!("a file") };
        assert_ne!(spooled.name, taken);
        assert_eq!(std::fs::read(directory.path().join(&taken)).unwrap(), b"somebody's");
    }

    #[test]
    fn what_has_not_come_takes_no_room() {
        let directory = tempfile::tempdir().unwrap();
        let spool = Spool::open(directory.path(), &[], limits(100_000)).unwrap();
        // The end of a large message, and again and again.
        let mut gap = Arriving::of(None);
        (0..100).for_each(|_| gap.write(&spool, 89_999, &[1]));
        assert!(spool.bytes.load(Ordering::Relaxed) < 1000);
        let mut whole = Arriving::of(None);
        whole.write(&spool, 40_000, &[1; 40_000]);
        whole.write(&spool, 0, &[1; 50_000]);
        let Arrived::File(spooled, _) = whole.finish(&spool).unwrap() else { panic!("a file") };
        gap.discard(&spool);
        assert_eq!(spool.bytes.load(Ordering::Relaxed), 80_000);
        spool.remove(&spooled.name);
        assert_eq!(spool.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_a_crash_left_behind_goes_at_the_next_start() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["kept", "orphan"] {
            std::fs::write(directory.path().join(name), "x").unwrap();
        }
        let spool = Spool::open(directory.path(), &["kept".to_owned()], limits(10)).unwrap();
        assert!(directory.path().join("kept").exists() && !directory.path().join("orphan").exists());
        assert!(spool.read(&Spooled { name: "../kept".to_owned(), bytes: 1 }).is_err());
    }
}
