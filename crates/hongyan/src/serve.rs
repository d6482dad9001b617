//! `hongyan serve`: everything is started here in order, and stopped in the opposite one.
//!
//! 1. data directory, secrets, store; 2. the centre's thread; 3. listeners bound; 4. connections served;
//! 5. admin-url and ready file written; with `--demo`, subscribers, chatbot and rail bot before that.
//!
//! Stopping: no new connections and no further reading; what has been read is decided, committed and answered; then
//! connections are closed and the store with them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use chatbot_api::bearer::Tokens;
use message_centre::access::guesses::Guesses;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::centre::{self, StartError, Ways};
use crate::config::{self, Config, ConfigError, Listen};
use crate::content::blobs::Blobs;
use crate::content::bucket::Bucket;
use crate::content::link::Links;
use crate::content::shelf::Shelf;
use crate::content::{self, Content};
use crate::data::{self, DataDirectory, DataError};
use crate::http::bot::csp::Csp;
use crate::http::bot::rbm::Rbm;
use crate::http::content::gate::Gate;
use crate::http::{self, App, Server};
use crate::inbox::{self, Inbox};
use crate::metrics::Metrics;
use crate::net::ceiling::Ceiling;
use crate::net::listener::{self, Stop};
use crate::net::msrp::{self as net_msrp, MsrpEdge, Switchboard};
use crate::net::spool::{self, Spool};
use crate::net::{Edge, Limits, Network, stream, tls, udp};
use crate::push::Pusher;
use crate::{demo, log, secret_file};

/// How often it is looked whether the centre's thread lives.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// What is given beside the configuration.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data directory.
    pub data: PathBuf,
    /// With demo subscribers and the rail bot.
    pub demo: bool,
    /// Where to write the bound addresses once everything listens.
    pub ready_file: Option<PathBuf>,
}

/// Why the platform does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration, the certificates included.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The store in it.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// An address that cannot be listened on.
    #[error("cannot listen on {address} ({key}): {error}; is another server running?")]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// A file of ours.
    #[error("cannot write {}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// The centre.
    #[error(transparent)]
    Start(#[from] centre::StartError),
    /// The system gives no threads or signals.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
    /// The demo's subscribers or chatbot could not be made.
    #[error("cannot prepare the demo: {0}")]
    Demo(String),
    /// The centre ended by itself: the store failed, or a bug of ours.
    #[error("the centre has stopped; see the log. Nothing that was promised is lost: start again")]
    Centre,
}

/// Runs until SIGTERM or SIGINT; a second one ends the process at once.
pub fn serve(config: Config, options: Options) -> Result<(), ServeError> {
    log::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("io").build()?;
    let result = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let running = Running::start(config, options).await?;
        let centre_ended = tokio::select! {
            _ = terminate.recv() => false,
            _ = interrupt.recv() => false,
            () = running.centre_ended() => true,
        };
        tracing::info!("stopping");
        let again = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        tokio::select! {
            () = running.stop() => {}
            () = again => {
                tracing::warn!("stopping at once");
                std::process::exit(130);
            }
        }
        if centre_ended { Err(ServeError::Centre) } else { Ok(()) }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Where we listen, as the ready file tells it; `null` is off.
#[derive(Debug, Clone, Serialize)]
pub struct Bound {
    /// Our process id.
    pub pid: u32,
    /// The SIP domain.
    pub domain: String,
    /// HTTP.
    pub http: SocketAddr,
    /// HTTP over TLS.
    pub http_tls: Option<SocketAddr>,
    /// SIP over UDP.
    pub sip_udp: Option<SocketAddr>,
    /// SIP over TCP.
    pub sip_tcp: Option<SocketAddr>,
    /// SIP over TLS.
    pub sip_tls: Option<SocketAddr>,
    /// MSRP over TCP.
    pub msrp: Option<SocketAddr>,
    /// MSRP over TLS.
    pub msrp_tls: Option<SocketAddr>,
    /// Not in this version.
    pub smpp: Option<SocketAddr>,
}

/// A platform that runs.
pub struct Running {
    /// Where it listens.
    pub bound: Bound,
    data: DataDirectory,
    ready: Arc<AtomicBool>,
    stop: watch::Sender<bool>,
    stop_udp: Arc<AtomicBool>,
    network: Arc<Network>,
    inbox: Inbox,
    centre: JoinHandle<()>,
    http: JoinSet<()>,
    sip: JoinSet<()>,
    msrp: JoinSet<()>,
    rail: JoinSet<()>,
}

/// Sockets that are bound and not served yet.
struct Sockets {
    http: TcpListener,
    http_tls: Option<TcpListener>,
    udp: Option<std::net::UdpSocket>,
    tcp: Option<TcpListener>,
    tls: Option<TcpListener>,
    msrp: Option<TcpListener>,
    msrp_tls: Option<TcpListener>,
}

impl Running {
    /// Starts everything; when this returns, everything listens.
    pub async fn start(mut config: Config, options: Options) -> Result<Self, ServeError> {
        let data = DataDirectory::open_or_make(&options.data)?;
        let admin_token = kept(&data::admin_token(data.path()))?;
        let mut sockets = bind(&config)?;
        let bound = bound(&config, &sockets)?;
        // From here on the configuration says which ports were free.
        config.sip.udp = Listen::from(bound.sip_udp);
        config.sip.tcp = Listen::from(bound.sip_tcp);
        config.sip.tls = Listen::from(bound.sip_tls);
        let public_url = public_url(&config, &bound);

        let metrics = Arc::new(Metrics::new());
        let network = Arc::new(Network::new(config.sip.queue_messages.get() as usize, metrics.clone()));
        let pusher = Pusher::new(&config.maap, metrics.clone())?;
        let store = store::Store::open(&data.store())?;
        let limits_of_spool = spool::Limits {
            bytes_max: config.msrp.spool_bytes.get(),
            share_bytes_max: config.msrp.spool_share_bytes.get(),
        };
        let spool = Spool::open(&data.spool(), &store.spooled()?, limits_of_spool)
            .map_err(file_error(&data.spool()))?;
        let switchboard = Arc::new(Switchboard::new(spool));
        let reach = centre::Reach { public_url: &public_url, media: media(&config, &bound, data.path())? };
        let (blobs, shelf) = open_shelf(&config, &data, &store)?;
        let (inbox, mut outlet) =
            inbox::inbox(config.centre.inbox_messages.get() as usize).map_err(StartError::from)?;
        let edge = Arc::new(Edge {
            inbox: inbox.clone(),
            network: network.clone(),
            metrics: metrics.clone(),
            limits: limits(&config),
        });
        let msrp = Arc::new(MsrpEdge {
            switchboard: switchboard.clone(),
            inbox: inbox.clone(),
            metrics: metrics.clone(),
            limits: limits(&config),
            chunk_bytes: config.msrp.chunk_bytes.get() as usize,
            seeds: seeds()?.into(),
        });
        let content = Arc::new(content(&config, &public_url, &store, (blobs, shelf))?);
        let (stop, stopping) = watch::channel(false);
        let stop_udp = Arc::new(AtomicBool::new(false));
        if let Some(socket) = sockets.udp.take() {
            outlet.attach_udp(udp::start(socket, edge.clone(), stop_udp.clone())?);
        }
        let (campaign_news, news) = watch::channel(());
        let ways = Ways {
            network: network.clone(),
            switchboard,
            pusher: pusher.clone(),
            content: content.clone(),
            campaign_news,
        };
        let handles = (inbox.clone(), outlet);
        let centre = centre::start(&config, reach, store.clone(), ways, metrics.clone(), handles)?;
        let ready = Arc::new(AtomicBool::new(false));
        let secret = centre::deployment_secret(&store)?;
        let tokens = Tokens::new(&content::key(&secret, "access tokens of service accounts"));
        let csp = Csp::new(content::key(&secret, "access tokens of CSPs"), http::now());
        let rbm = rbm(&config, &public_url);
        let maap = config.maap(&public_url);
        let app = Arc::new(App {
            directory: Arc::default(),
            numbering: config.numbering(),
            public_url,
            conference_factory: format!("sip:{}@{}", config.groups.factory, config.numbering().domain),
            inbox: inbox.clone(),
            store,
            metrics: metrics.clone(),
            edge: edge.clone(),
            msrp: msrp.clone(),
            admin_token,
            provisioning: config.provisioning.trust(),
            ready: ready.clone(),
            request_timeout: config::seconds(config.http.request_timeout_s),
            content,
            tokens,
            csp,
            rbm,
            media: config.media.clone(),
            pusher,
            history: config.history.terms(),
            limits: maap.limits,
            local_time: maap.local_time,
            anonymous: maap.anonymous,
            campaign_news: news,
            stopping: stopping.clone(),
        });
        let mut running = Self {
            bound,
            data,
            ready,
            stop,
            stop_udp,
            network,
            inbox,
            centre,
            http: JoinSet::new(),
            sip: JoinSet::new(),
            msrp: JoinSet::new(),
            rail: JoinSet::new(),
        };
        running.serve(&config, app.clone(), edge, msrp, sockets, stopping)?;
        if options.demo {
            running.start_demo(&config, &app).await?;
        }
        running.announce(options.ready_file.as_deref())?;
        Ok(running)
    }
}

impl Running {
    /// Serves connections on bound sockets.
    fn serve(
        &mut self,
        config: &Config,
        app: Arc<App>,
        edge: Arc<Edge>,
        msrp: Arc<MsrpEdge>,
        sockets: Sockets,
        stopping: Stop,
    ) -> Result<(), ServeError> {
        let data = self.data.path();
        let domain = config.domain.as_str();
        let http = Server {
            router: http::router(app),
            provisioning: config.provisioning.trust(),
            ceiling: Ceiling::new(
                config.http.max_connections.get(),
                config.http.max_connections_per_address.get(),
            ),
            metrics: edge.metrics.clone(),
            header_timeout: config::seconds(config.http.header_timeout_s),
        };
        if let Some(listener) = sockets.http_tls {
            let acceptor = TlsAcceptor::from(tls::server_config(&config.tls, domain, data, &["http/1.1"])?);
            self.http.spawn(http.clone().serve(listener, Some(acceptor), stopping.clone()));
        }
        self.http.spawn(http.serve(sockets.http, None, stopping.clone()));
        let ceiling =
            Ceiling::new(config.sip.max_connections.get(), config.sip.max_connections_per_address.get());
        if let Some(listener) = sockets.tls {
            let acceptor = TlsAcceptor::from(tls::server_config(&config.tls, domain, data, &[])?);
            let serve =
                stream::serve(listener, Some(acceptor), ceiling.clone(), edge.clone(), stopping.clone());
            self.sip.spawn(serve);
        }
        if let Some(listener) = sockets.tcp {
            self.sip.spawn(stream::serve(listener, None, ceiling, edge.clone(), stopping.clone()));
        }
        let ceiling =
            Ceiling::new(config.msrp.max_connections.get(), config.msrp.max_connections_per_address.get());
        if let Some(listener) = sockets.msrp_tls {
            let acceptor = TlsAcceptor::from(tls::server_config(&config.tls, domain, data, &[])?);
            let serve =
                net_msrp::serve(listener, Some(acceptor), ceiling.clone(), msrp.clone(), stopping.clone());
            self.msrp.spawn(serve);
        }
        if let Some(listener) = sockets.msrp {
            self.msrp.spawn(net_msrp::serve(listener, None, ceiling, msrp, stopping));
        }
        Ok(())
    }

    /// Makes the demo's subscribers and chatbot, starts the rail bot, prints the banner.
    async fn start_demo(&mut self, config: &Config, app: &App) -> Result<(), ServeError> {
        let directory = self.data.path();
        let password =
            demo::password(config, directory).map_err(file_error(&data::demo_password(directory)))?;
        let port = self.bound.http.port();
        // A port that was chosen for us will be another one next time.
        let fixed_port = config.http.listen.address().map(|address| address.port()).filter(|port| *port != 0);
        let program = demo::RailBot::find();
        let credentials =
            demo::prepare(app, directory, &password, fixed_port).await.map_err(ServeError::Demo)?;
        let rail = program.is_some();
        if let Some(program) = program {
            let server = format!("http://127.0.0.1:{port}");
            let bot = demo::RailBot::new(program, &server, &self.data.rail(), &credentials);
            self.rail.spawn(bot.supervise(self.stop.subscribe()));
        }
        print!("{}", demo::banner(port, config.domain.as_str(), &password, directory, rail));
        Ok(())
    }

    /// Tells the world: log, admin-url, ready file.
    fn announce(&self, ready_file: Option<&Path>) -> Result<(), ServeError> {
        let url = data::admin_url(self.data.path());
        let text = format!("http://{}\n", reachable(self.bound.http));
        secret_file::write(&url, text.as_bytes()).map_err(file_error(&url))?;
        self.ready.store(true, Ordering::Relaxed);
        if let Some(path) = ready_file {
            let text = serde_json::to_vec(&self.bound).expect("addresses can be written as JSON");
            secret_file::write(path, &text).map_err(file_error(path))?;
        }
        let Bound { domain, http, .. } = &self.bound;
        let bound = &self.bound;
        let [http_tls, sip_udp, sip_tcp, sip_tls, msrp, msrp_tls] =
            [bound.http_tls, bound.sip_udp, bound.sip_tcp, bound.sip_tls, bound.msrp, bound.msrp_tls]
                .map(Listen::from);
        tracing::info!(domain, %http, %http_tls, %sip_udp, %sip_tcp, %sip_tls, %msrp, %msrp_tls, "listening");
        Ok(())
    }

    /// Returns when the centre's thread has ended by itself, which it should not.
    pub async fn centre_ended(&self) {
        while !self.centre.is_finished() {
            tokio::time::sleep(WATCH_EVERY).await;
        }
    }

    /// Stops gracefully: at most a few seconds.
    pub async fn stop(mut self) {
        self.ready.store(false, Ordering::Relaxed);
        let _ = std::fs::remove_file(data::admin_url(self.data.path()));
        self.stop_udp.store(true, Ordering::Relaxed);
        self.stop.send_replace(true);
        // The rail bot speaks HTTP: it ends first, then requests that are under way get their answers.
        while self.rail.join_next().await.is_some() {}
        while self.http.join_next().await.is_some() {}
        self.inbox.stop();
        let centre = tokio::task::spawn_blocking(move || self.centre.join());
        if let Ok(Err(_)) = centre.await {
            tracing::error!("the centre ended with a panic");
        }
        self.network.close_all();
        while self.sip.join_next().await.is_some() {}
        while self.msrp.join_next().await.is_some() {}
        tracing::info!("stopped");
    }
}

/// Where files lie; what crashes left there is removed while we serve.
fn open_shelf(
    config: &Config,
    data: &DataDirectory,
    store: &store::Store,
) -> Result<(Arc<Blobs>, Arc<Shelf>), ServeError> {
    let path = data.content();
    let blobs = Arc::new(Blobs::open(&path).map_err(file_error(&path))?);
    let found = blobs.list().map_err(file_error(&path))?;
    let bucket = match config.content.bucket.as_str() {
        "" => None,
        url => Some(Bucket::open(url)?),
    };
    let shelf = Arc::new(Shelf::new(blobs.clone(), bucket));
    tokio::spawn(content::remove_left_overs(shelf.clone(), store.clone(), found));
    Ok((blobs, shelf))
}

/// The RBM-style interface knows its own URLs, and those that its clients are made for.
fn rbm(config: &Config, public_url: &str) -> Rbm {
    let own = ["", "/token", "/oauth2/v4/token"].map(|path| format!("{public_url}{path}"));
    let audiences = own.into_iter().chain(config.maap.rbm_audiences.iter().cloned()).collect();
    Rbm { audiences, files: Default::default() }
}

/// The content server.
fn content(
    config: &Config,
    public_url: &str,
    store: &store::Store,
    (blobs, shelf): (Arc<Blobs>, Arc<Shelf>),
) -> Result<Content, ServeError> {
    let secret = centre::deployment_secret(store)?;
    let links = Links::new(format!("{public_url}/content/"), &content::key(&secret, "content links"));
    let nonce_life = config::seconds(config.registrar.nonce_s);
    let nonces = content::key(&secret, "content nonces");
    let guesses = Guesses::new(config.registrar.wrong_passwords.get());
    let gate = Gate::new(config.domain.as_str(), nonces, nonce_life, http::now(), guesses);
    Ok(Content::new(config.content.clone(), blobs, shelf, links, gate))
}

/// Binds everything before anything is served, so that a port in use is found at once.
fn bind(config: &Config) -> Result<Sockets, ServeError> {
    let tcp = |listen: Listen, key| {
        let bind =
            |address| listener::bind(address).map_err(|error| ServeError::Bind { key, address, error });
        listen.address().map(bind).transpose()
    };
    let http = tcp(config.http.listen, "http.listen")?
        .ok_or_else(|| ConfigError("http.listen: must not be off".to_owned()))?;
    let (sip_udp, sip_tcp) = bind_sip(config)?;
    Ok(Sockets {
        http,
        http_tls: tcp(config.http.tls_listen, "http.tls_listen")?,
        udp: sip_udp,
        tcp: sip_tcp,
        tls: tcp(config.sip.tls, "sip.tls")?,
        msrp: tcp(config.msrp_listen(), "msrp.listen")?,
        msrp_tls: tcp(config.msrp.tls_listen, "msrp.tls_listen")?,
    })
}

/// Binds UDP and TCP for SIP. Where both take any free port of one address, both get the same one.
fn bind_sip(config: &Config) -> Result<(Option<std::net::UdpSocket>, Option<TcpListener>), ServeError> {
    const TRIES: usize = 16;
    let buffer_bytes = config.sip.udp_buffer_bytes.get() as usize;
    let udp = |address| {
        udp::bind(address, buffer_bytes).map_err(|error| ServeError::Bind { key: "sip.udp", address, error })
    };
    let tcp = |address| {
        listener::bind(address).map_err(|error| ServeError::Bind { key: "sip.tcp", address, error })
    };
    let (udp_address, tcp_address) = (config.sip.udp.address(), config.sip.tcp.address());
    if let (Some(address), true) = (udp_address, udp_address == tcp_address)
        && address.port() == 0
    {
        for _ in 0..TRIES {
            let tcp = tcp(address)?;
            let port = tcp.local_addr()?.port();
            if let Ok(udp) = udp(SocketAddr::new(address.ip(), port)) {
                return Ok((Some(udp), Some(tcp)));
            }
        }
    }
    Ok((udp_address.map(udp).transpose()?, tcp_address.map(tcp).transpose()?))
}

fn bound(config: &Config, sockets: &Sockets) -> Result<Bound, ServeError> {
    let tcp = |socket: &Option<TcpListener>| socket.as_ref().map(TcpListener::local_addr).transpose();
    Ok(Bound {
        pid: std::process::id(),
        domain: config.domain.to_string(),
        http: sockets.http.local_addr()?,
        http_tls: tcp(&sockets.http_tls)?,
        sip_udp: sockets.udp.as_ref().map(std::net::UdpSocket::local_addr).transpose()?,
        sip_tcp: tcp(&sockets.tcp)?,
        sip_tls: tcp(&sockets.tls)?,
        msrp: tcp(&sockets.msrp)?,
        msrp_tls: tcp(&sockets.msrp_tls)?,
        smpp: None,
    })
}

/// How peers reach us: as configured, else the bound address.
fn public_url(config: &Config, bound: &Bound) -> String {
    match config.http.public_url.as_str() {
        "" => format!("http://{}", reachable(bound.http)),
        url => url.to_owned(),
    }
}

/// Where handsets reach us with MSRP, as session descriptions say it.
fn media(config: &Config, bound: &Bound, data: &Path) -> Result<message_centre::Media, ServeError> {
    let host = |address: SocketAddr| match config.msrp.public_host.as_str() {
        "" if address.ip().is_unspecified() => own_address(address).to_string(),
        "" => address.ip().to_string(),
        host => host.to_owned(),
    };
    let bracketed = |host: String| if host.contains(':') { format!("[{host}]") } else { host };
    let place = |address: SocketAddr| (bracketed(host(address)), address.port());
    let fingerprint = match bound.msrp_tls {
        Some(_) => Some(tls::fingerprint(&config.tls, &config.domain.to_string(), data)?),
        None => None,
    };
    // A proxy in front of us may speak TLS for us.
    let behind_proxy = config.http.public_url.strip_prefix("https://").map(|place| {
        let (host, port) = place.split_once(':').unwrap_or((place, "443"));
        (host.to_owned(), port.parse().unwrap_or(443))
    });
    Ok(message_centre::Media {
        tcp: bound.msrp.map(place),
        tls: bound.msrp_tls.map(place),
        ws: Some(place(bound.http)),
        wss: behind_proxy.or(bound.http_tls.map(place)),
        fingerprint,
    })
}

/// This machine's address as seen from outside, for a wildcard: the one that a packet to the internet would have. Nothing is
/// sent.
fn own_address(wildcard: SocketAddr) -> std::net::IpAddr {
    let (any, outside) = match wildcard {
        SocketAddr::V4(_) => ("0.0.0.0:0", "192.0.2.1:9"),
        SocketAddr::V6(_) => ("[::]:0", "[2001:db8::1]:9"),
    };
    let seen = std::net::UdpSocket::bind(any).and_then(|socket| {
        socket.connect(outside)?;
        socket.local_addr()
    });
    seen.map_or(reachable(wildcard).ip(), |address| address.ip())
}

/// Where the transaction ids of MSRP connections begin.
fn seeds() -> Result<u64, ServeError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(centre::StartError::from)?;
    Ok(u64::from_le_bytes(bytes))
}

/// An address that a process on this machine can connect to: loopback for a wildcard.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

fn limits(config: &Config) -> Limits {
    Limits {
        body_bytes_max: BODY_BYTES_MAX.max(config.messages.max_body_bytes.get() as usize),
        idle: config::seconds(config.sip.idle_timeout_s),
        stall: config::seconds(config.sip.handshake_timeout_s),
    }
}

/// Bodies that the edge lets in: above what messages may have, so that the centre can say 413 to those.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The secret kept at `path`.
fn kept(path: &Path) -> Result<String, ServeError> {
    secret_file::read_or_make(path).map_err(file_error(path))
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> ServeError {
    let path = path.to_owned();
    move |error| ServeError::File { path, error }
}
