//! Kamailio as a stateful relay, started for a side-by-side run.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::Command;

use crate::peer::Peer;

/// Starts one on a free port of 127.0.0.1, for UDP and TCP.
pub fn start(program: &Path, config: &Path) -> io::Result<Peer> {
    let address = free_port()?;
    let directory = tempfile::tempdir()?;
    let log = std::fs::File::create(directory.path().join("log"))?;
    let mut kamailio = Command::new(program);
    kamailio
        // Answered transactions linger for seconds: at 30,000 messages a second two gigabytes are too little for them, and it answers 500.
        .args(["-DD", "-E", "-m", "3072", "-M", "32", "-x", "tlsf", "-X", "fm", "-f"])
        .arg(config)
        .args(["-l", &format!("udp:{address}"), "-l", &format!("tcp:{address}"), "-Y"])
        .arg(directory.path())
        .stdout(log.try_clone()?)
        .stderr(log);
    Peer::start(&mut kamailio, address, directory)
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
