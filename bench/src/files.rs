//! Uploads and downloads of 100 MB: the content server, and nginx beside it in the same run.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use handset::platform::{Launch, Platform};
use rcs::file_transfer::FileTransfer;
use sip::Transport;
use sip::digest::Challenge;
use tokio::runtime::Runtime;

use crate::nginx;
use crate::process::Process;
use crate::report::{FileRow, Report};
use crate::scenarios::{DOMAIN, PASSWORD, unexpected};

/// Bytes of a file.
const FILE_BYTES: usize = 100 << 20;
/// Downloads measured at a time; and how often each server has its turn, so that what else the machine does meets both.
const DOWNLOADS: usize = 20;
const UPLOADS: usize = 4;
const ROUNDS: usize = 3;
/// What the client writes and reads at a time.
const PIECE_BYTES: usize = 1 << 20;
const NUMBER: &str = "+8613800000001";
const BOUNDARY: &str = "bench-part";

/// What some transfers took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    pub bytes: u64,
    pub took: Duration,
    pub cpu: Duration,
}

impl Spent {
    pub fn mb_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.took.as_secs_f64()
    }

    pub fn cpu_per_gb(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e9 / self.bytes as f64
    }

    fn add(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.took += other.took;
        self.cpu += other.cpu;
    }
}

/// Measures both servers in turn.
pub fn compare(
    runtime: &Runtime,
    hongyan: &Path,
    nginx: Option<(&Path, &Path)>,
    report: &mut Report,
) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let launch = Launch::new(hongyan, directory.path())
        .setting("HONGYAN_LOG__FILTER", "warn")
        .setting("HONGYAN_CONTENT__UPLOADS_PER_MINUTE", "1000")
        .setting("HONGYAN_CONTENT__QUOTA_BYTES", "100000000000");
    let platform = runtime.block_on(async {
        let platform = Platform::start(&launch).await?;
        platform.add_subscriber(NUMBER, PASSWORD).await?;
        io::Result::Ok(platform)
    })?;
    let content = Content { address: platform.server(Transport::Ws).address };
    let nginx = nginx.map(|(program, template)| nginx::start(program, template)).transpose()?;

    let target = content.upload()?;
    let ours = Process::single(platform.pid());
    let (mut up, mut down) = ([Spent::default(); 2], [Spent::default(); 2]);
    if let Some(nginx) = &nginx {
        put(nginx.address(), "/file-0")?;
        download(nginx.address(), "/file-0", 2)?;
    }
    download(content.address, &target, 2)?;
    for round in 0..ROUNDS {
        down[0].add(measure(ours, || download(content.address, &target, DOWNLOADS))?);
        up[0].add(measure(ours, || (0..UPLOADS).map(|_| content.upload().map(|_| FILE_BYTES as u64)).sum())?);
        let Some(nginx) = &nginx else { continue };
        down[1].add(measure(nginx.process(), || download(nginx.address(), "/file-0", DOWNLOADS))?);
        let load = || (0..UPLOADS).map(|at| put(nginx.address(), &format!("/file-{round}-{at}"))).sum();
        up[1].add(measure(nginx.process(), load)?);
    }
    for (name, spent, note) in [
        ("download", down, ["read and write", "sendfile"]),
        ("upload", up, ["form, Digest, synced to disk", "PUT, not synced"]),
    ] {
        for (at, server) in
            ["Hongyan", "nginx"].into_iter().enumerate().take(1 + usize::from(nginx.is_some()))
        {
            report.add_files(FileRow { scenario: name, server, spent: spent[at], note: note[at] });
        }
    }
    match runtime.block_on(platform.stop())? {
        true => Ok(()),
        false => Err(io::Error::other("the platform did not end well")),
    }
}

fn measure(process: Process, load: impl FnOnce() -> io::Result<u64>) -> io::Result<Spent> {
    let (cpu, start) = (process.cpu()?, Instant::now());
    let bytes = load()?;
    let took = start.elapsed();
    Ok(Spent { bytes, took, cpu: process.cpu()? - cpu })
}

/// Fetches a file again and again over one connection; the bytes in all.
fn download(address: SocketAddr, target: &str, times: usize) -> io::Result<u64> {
    let mut connection = Connection::open(address)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut total = 0;
    for _ in 0..times {
        connection.write(format!("GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
        let (status, mut left, _) = connection.head()?;
        if status != 200 || left != FILE_BYTES {
            return Err(unexpected(format_args!("a download was answered {status} with {left} bytes")));
        }
        while left > 0 {
            let read = connection.reader.read(&mut piece[..left.min(PIECE_BYTES)])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= read;
            total += read as u64;
        }
    }
    Ok(total)
}

/// Puts a file to nginx.
fn put(address: SocketAddr, target: &str) -> io::Result<u64> {
    let mut connection = Connection::open(address)?;
    let head = format!("PUT {target} HTTP/1.1\r\nHost: bench\r\nContent-Length: {FILE_BYTES}\r\n\r\n");
    connection.write(head.as_bytes())?;
    connection.write_file()?;
    match connection.head()?.0 {
        201 | 204 => Ok(FILE_BYTES as u64),
        status => Err(unexpected(format_args!("nginx answered {status} to a PUT"))),
    }
}

/// The content server, as an uploading handset sees it.
struct Content {
    address: SocketAddr,
}

impl Content {
    /// Uploads a file as handsets do: asks first, then sends the form. Gives the path of the link.
    fn upload(&self) -> io::Result<String> {
        let mut connection = Connection::open(self.address)?;
        let ask = "POST /content/ HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n";
        connection.write(format!("{ask}\r\n").as_bytes())?;
        let (_, length, challenges) = connection.head()?;
        connection.body(length)?;
        let challenge = Challenge::best(challenges.iter().map(|value| value.as_bytes()))
            .ok_or_else(|| io::Error::other("no challenge"))?;
        let authorization = |nc| challenge.answer("POST", "/content/", NUMBER, PASSWORD, "bench", nc);
        connection.write(format!("{ask}Authorization: {}\r\n\r\n", authorization(1)).as_bytes())?;
        if connection.head()?.0 != 204 {
            return Err(unexpected(format_args!("{NUMBER} of {DOMAIN} may not upload")));
        }
        let before = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"File\"; filename=\"bench.bin\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        let after = format!("\r\n--{BOUNDARY}--\r\n");
        let head = format!(
            "POST /content/ HTTP/1.1\r\nHost: bench\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n\
             Content-Length: {}\r\nAuthorization: {}\r\n\r\n{before}",
            before.len() + FILE_BYTES + after.len(),
            authorization(2),
        );
        connection.write(head.as_bytes())?;
        connection.write_file()?;
        connection.write(after.as_bytes())?;
        let (status, length, _) = connection.head()?;
        let body = connection.body(length)?;
        if status != 200 {
            return Err(unexpected(format_args!("an upload was answered {status}")));
        }
        let transfer = FileTransfer::parse(&body).map_err(io::Error::other)?;
        let link = transfer.file.url.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(format!("/content/{link}"))
    }
}

/// A connection that speaks as much HTTP/1.1 as this needs.
struct Connection {
    reader: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    fn write_file(&mut self) -> io::Result<()> {
        let piece = vec![b'x'; PIECE_BYTES];
        (0..FILE_BYTES / PIECE_BYTES).try_for_each(|_| self.write(&piece))
    }

    /// Status, length of the body, and challenges.
    fn head(&mut self) -> io::Result<(u16, usize, Vec<String>)> {
        let (mut status, mut length, mut challenges) = (0, 0, Vec::new());
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line)?;
            let line = line.trim_end();
            if line.is_empty() {
                return Ok((status, length, challenges));
            }
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(io::Error::other)?;
                }
                Some((name, value)) if name.eq_ignore_ascii_case("www-authenticate") => {
                    challenges.push(value.trim().to_owned());
                }
                Some(_) => {}
                None => {
                    status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
                }
            }
        }
    }

    fn body(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        Ok(body)
    }
}
