//! What a process has used, as Linux tells it in `/proc`.

use std::io;
use std::time::Duration;

/// Ticks of `/proc/PID/stat` in a second: `USER_HZ`, which is 100 on every Linux that we know.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process, or one with its children.
#[derive(Debug, Clone, Copy)]
pub struct Process {
    pid: u32,
    with_children: bool,
}

impl Process {
    /// One process.
    pub fn single(pid: u32) -> Self {
        Self { pid, with_children: false }
    }

    /// A process and its children, as Kamailio works.
    pub fn family(pid: u32) -> Self {
        Self { pid, with_children: true }
    }

    /// User and system time used so far.
    pub fn cpu(self) -> io::Result<Duration> {
        let mut ticks = Stat::read(self.pid)?.cpu_ticks;
        if self.with_children {
            for entry in std::fs::read_dir("/proc")? {
                let name = entry?.file_name();
                let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
                // One that ends while we look has nothing to do with us: children of a server stay.
                if let Ok(stat) = Stat::read(pid)
                    && stat.parent == self.pid
                {
                    ticks += stat.cpu_ticks;
                }
            }
        }
        Ok(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
    }

    /// Memory in use that is not swapped out, in bytes.
    pub fn resident_bytes(self) -> io::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| io::Error::other("no VmRSS"))
    }
}

struct Stat {
    parent: u32,
    cpu_ticks: u64,
}

impl Stat {
    fn read(pid: u32) -> io::Result<Self> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name in parentheses may hold anything; what follows it is numbers from field 3 on (proc(5)).
        let fields: Vec<&str> =
            text.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
        let number = |at: usize| fields.get(at - 3).and_then(|field| field.parse::<u64>().ok());
        match (number(4), number(14), number(15)) {
            (Some(parent), Some(user), Some(system)) => {
                Ok(Self { parent: parent as u32, cpu_ticks: user + system })
            }
            _ => Err(io::Error::other("unreadable /proc/PID/stat")),
        }
    }
}
