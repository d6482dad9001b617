//! A real server as a child process, for tests and benchmarks: on free ports, with a data directory of the caller's, reachable
//! through its admin API, and easily killed.
#![allow(clippy::disallowed_methods, reason = "deadlines of a test run on the real clock")]

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use sip::Transport;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::run::Server;

/// Longest that a start may take; a store that was killed reads its journal first.
const START_MAX: Duration = Duration::from_secs(60);
/// How often the ready file is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How to start a platform.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The `hongyan` program.
    pub program: PathBuf,
    /// Its data directory.
    pub data: PathBuf,
    /// SIP domain.
    pub domain: String,
    /// Settings by environment: `("HONGYAN_SIP__TRUST_UDP_SOURCE", "true")`.
    pub settings: Vec<(String, String)>,
}

impl Launch {
    /// A platform with default settings on free ports of 127.0.0.1.
    pub fn new(program: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            data: data.into(),
            domain: "hongyan.local".to_owned(),
            settings: Vec::new(),
        }
    }

    /// The same with one more setting.
    pub fn setting(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.to_owned(), value.to_owned()));
        self
    }
}

/// A platform that runs. It is killed when dropped.
pub struct Platform {
    child: Child,
    pid: u32,
    http: SocketAddr,
    udp: SocketAddr,
    tcp: SocketAddr,
    token: String,
}

impl Platform {
    /// Starts one and waits until it listens. Its log goes to `log` in the data directory.
    ///
    /// # Errors
    /// It ended, or does not listen within a minute.
    pub async fn start(launch: &Launch) -> io::Result<Self> {
        std::fs::create_dir_all(&launch.data)?;
        let ready_file = launch.data.join("ready.json");
        let _ = std::fs::remove_file(&ready_file);
        let log = std::fs::File::options().create(true).append(true).open(launch.data.join("log"))?;
        let mut child = Command::new(&launch.program)
            .args(["serve", "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0", "--domain", &launch.domain])
            .arg("--data")
            .arg(&launch.data)
            .arg("--ready-file")
            .arg(&ready_file)
            .envs(launch.settings.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()?;
        let ready = wait_until_ready(&mut child, &ready_file).await?;
        let address = |name: &str| -> io::Result<SocketAddr> {
            let text = ready[name].as_str().unwrap_or_default();
            text.parse().map_err(|_| io::Error::other(format!("no {name} in the ready file: {ready}")))
        };
        Ok(Self {
            pid: child.id().ok_or_else(|| io::Error::other("the platform has ended"))?,
            child,
            http: address("http")?,
            udp: address("sip_udp")?,
            tcp: address("sip_tcp")?,
            token: std::fs::read_to_string(launch.data.join("admin-token"))?.trim().to_owned(),
        })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Where handsets connect to over this transport.
    pub fn server(&self, transport: Transport) -> Server {
        let address = match transport {
            Transport::Udp => self.udp,
            Transport::Ws | Transport::Wss => self.http,
            Transport::Tcp | Transport::Tls => self.tcp,
        };
        Server { transport, address }
    }

    /// The way to its admin API.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn admin(&self) -> io::Result<Admin> {
        Ok(Admin { token: self.token.clone(), ..Admin::connect(self.http).await? })
    }

    /// Adds a subscriber.
    ///
    /// # Errors
    /// The platform does not answer, or refuses.
    pub async fn add_subscriber(&self, number: &str, password: &str) -> io::Result<()> {
        self.admin().await?.add_subscriber(number, password).await
    }

    /// SIGKILL, and waits for the end.
    ///
    /// # Errors
    /// It could not be waited for.
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// SIGTERM, and waits for the end; whether it ended well.
    ///
    /// # Errors
    /// It could not be told, or not be waited for.
    pub async fn stop(mut self) -> io::Result<bool> {
        Command::new("kill").args(["-TERM", &self.pid.to_string()]).status().await?;
        Ok(self.child.wait().await?.success())
    }
}

async fn wait_until_ready(child: &mut Child, ready_file: &Path) -> io::Result<Value> {
    let deadline = Instant::now() + START_MAX;
    loop {
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("the platform ended with {status}; see its log")));
        }
        // It may be there and half written: then it is read again.
        if let Ok(text) = std::fs::read(ready_file)
            && let Ok(ready) = serde_json::from_slice(&text)
        {
            return Ok(ready);
        }
        if Instant::now() > deadline {
            return Err(io::Error::other("the platform does not listen; see its log"));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// A connection to the admin API: HTTP/1.1 with what these calls need of it.
pub struct Admin {
    stream: BufStream<TcpStream>,
    host: SocketAddr,
    token: String,
}

impl Admin {
    /// A connection to any server that speaks HTTP/1.1.
    ///
    /// # Errors
    /// Nobody listens there.
    pub async fn connect(host: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufStream::new(stream), host, token: String::new() })
    }

    /// Adds a subscriber.
    ///
    /// # Errors
    /// The platform does not answer, or refuses.
    pub async fn add_subscriber(&mut self, number: &str, password: &str) -> io::Result<()> {
        let body = json!({ "number": number, "password": password });
        match self.call("POST", "/subscribers", Some(&body)).await? {
            (200 | 201, _) => Ok(()),
            (status, body) => Err(io::Error::other(format!("adding {number}: {status} {body}"))),
        }
    }

    /// What waits for an address: `{"count": …, "entries": […]}`.
    ///
    /// # Errors
    /// The platform does not answer, or refuses.
    pub async fn mailbox(&mut self, address: &str) -> io::Result<Value> {
        match self.call("GET", &format!("/mailboxes/{address}?limit=1000"), None).await? {
            (200, body) => Ok(body),
            (status, body) => Err(io::Error::other(format!("mailbox of {address}: {status} {body}"))),
        }
    }

    /// Where a message was and is: `[{"from", "to", "outcome", …}, …]`, or the platform's 404.
    ///
    /// # Errors
    /// The platform does not answer.
    pub async fn trace(&mut self, message_id: &str) -> io::Result<(u16, Value)> {
        self.call("GET", &format!("/trace/{message_id}"), None).await
    }

    /// A call below `/admin/v1`; status and JSON.
    ///
    /// # Errors
    /// The platform does not answer, or not in HTTP.
    pub async fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<(u16, Value)> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let authorization = format!("Bearer {}", self.token);
        self.exchange(method, &format!("/admin/v1{path}"), &authorization, &body).await
    }

    /// Any call over this connection; status and JSON.
    ///
    /// # Errors
    /// The server does not answer, or not in HTTP.
    pub async fn exchange(
        &mut self,
        method: &str,
        target: &str,
        authorization: &str,
        body: &str,
    ) -> io::Result<(u16, Value)> {
        let request = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len(),
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.stream.flush().await?;
        let bad = || io::Error::other("not an HTTP answer");
        let status =
            self.line().await?.split(' ').nth(1).and_then(|text| text.parse().ok()).ok_or_else(bad)?;
        let mut length = 0;
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(|_| bad())?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
