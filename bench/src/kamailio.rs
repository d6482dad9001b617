//! Kamailio as a stateful relay, started for a side-by-side run.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use handset::run::Server;
use sip::Transport;

use crate::process::Process;

/// Longest that a start may take.
const START_MAX: Duration = Duration::from_secs(20);

/// A Kamailio that runs; it ends when dropped.
pub struct Kamailio {
    child: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Kamailio {
    /// Starts one on a free port of 127.0.0.1 and waits until it listens.
    pub fn start(program: &Path, config: &Path) -> io::Result<Self> {
        let address = free_port()?;
        let directory = tempfile::tempdir()?;
        let log = std::fs::File::create(directory.path().join("log"))?;
        let child = Command::new(program)
            .args(["-DD", "-E", "-m", "1024", "-M", "32", "-x", "tlsf", "-X", "fm", "-f"])
            .arg(config)
            .args(["-l", &format!("udp:{address}"), "-l", &format!("tcp:{address}"), "-Y"])
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut kamailio = Self { child, address, _directory: directory };
        kamailio.wait()?;
        Ok(kamailio)
    }

    /// Where handsets connect to.
    pub fn server(&self, transport: Transport) -> Server {
        Server { transport, address: self.address }
    }

    /// Its processes.
    pub fn process(&self) -> Process {
        Process::family(self.child.id())
    }

    fn wait(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(self.address).is_err() {
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(io::Error::other("kamailio does not start"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // SIGTERM, so that it takes its children along.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// A port that is free for UDP and TCP.
fn free_port() -> io::Result<SocketAddr> {
    for _ in 0..16 {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        if UdpSocket::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::other("no free port"))
}
