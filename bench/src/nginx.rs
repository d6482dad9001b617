//! nginx as a file server, started for a side-by-side run.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::Process;

/// Longest that a start may take.
const START_MAX: Duration = Duration::from_secs(20);

/// An nginx that runs; it ends when dropped.
pub struct Nginx {
    child: Child,
    address: SocketAddr,
    _directory: tempfile::TempDir,
}

impl Nginx {
    /// Starts one on a free port of 127.0.0.1 with the configuration in `template`, and waits until it listens.
    pub fn start(program: &Path, template: &Path) -> io::Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let directory = tempfile::tempdir()?;
        // Its workers may run as another user.
        open_to_all(directory.path())?;
        let files = directory.path().join("files");
        std::fs::create_dir(&files)?;
        open_to_all(&files)?;
        let configuration = std::fs::read_to_string(template)?
            .replace("DIRECTORY", &directory.path().display().to_string())
            .replace("LISTEN", &address.to_string());
        let file = directory.path().join("nginx.conf");
        std::fs::write(&file, configuration)?;
        let child = Command::new(program)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut nginx = Self { child, address, _directory: directory };
        nginx.wait()?;
        Ok(nginx)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its processes.
    pub fn process(&self) -> Process {
        Process::family(self.child.id())
    }

    fn wait(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(self.address).is_err() {
            if self.child.try_wait()?.is_some() || Instant::now() > deadline {
                return Err(io::Error::other("nginx does not start"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, so that it takes its workers along.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn open_to_all(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777))
}
