//! A server beside which we are measured, while it runs.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::Process;

/// Longest that a start may take.
const START_MAX: Duration = Duration::from_secs(20);

/// A server that runs; it ends when dropped.
pub struct Peer {
    child: Child,
    address: SocketAddr,
    /// Where it has its files.
    _directory: TempDir,
}

impl Peer {
    /// Starts `program`, which lives in `directory`, and waits until it listens at `address`.
    pub fn start(program: &mut Command, address: SocketAddr, directory: TempDir) -> io::Result<Self> {
        let child = program.stdin(Stdio::null()).spawn()?;
        let mut peer = Self { child, address, _directory: directory };
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(address).is_err() {
            if peer.child.try_wait()?.is_some() || Instant::now() > deadline {
                let name = program.get_program().to_string_lossy();
                return Err(io::Error::other(format!("{name} does not start")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its processes.
    pub fn process(&self) -> Process {
        Process::family(self.child.id())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // SIGTERM, so that it takes its children along.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}
