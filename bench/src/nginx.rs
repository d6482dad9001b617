//! nginx as a file server, started for a side-by-side run.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::peer::Peer;

/// Starts one on a free port of 127.0.0.1 with the configuration in `template`.
pub fn start(program: &Path, template: &Path) -> io::Result<Peer> {
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
    let mut nginx = Command::new(program);
    nginx.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
    Peer::start(&mut nginx, address, directory)
}

fn open_to_all(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777))
}
