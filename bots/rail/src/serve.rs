//! The running program: one listener, one database, and three tasks beside it: the outbox worker, the sweep
//! of lapsed orders, and the greeting that fetches the first token and sets the menu.

use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path as FilePath;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rusqlite::Connection;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::bot::Bot;
use crate::config::Config;
use crate::content::Suggestion;
use crate::database;
use crate::decide::World;
use crate::language::CHINA;
use crate::language::Lang;
use crate::media::Gallery;
use crate::outbox::{self, Waiting};
use crate::pay;
use crate::platform::{CallError, Platform};
use crate::postback::Tap;
use crate::signature::PushChecker;
use crate::timetable::Timetable;
use crate::understand::Gazetteer;
use crate::webhook;

/// Messages on their way to the platform at a time, each of another user.
const SENDING_MAX: u32 = 16;

/// How often lapsed orders are looked for, and how long the outbox sleeps when nothing wakes it.
const SWEEP: Duration = Duration::from_secs(1);

/// Sweeps between two cleanings of old rows: an hour.
const TIDY_EVERY: u32 = 3600;

/// What the handlers and tasks share.
pub struct App {
    pub bot: Bot,
    pub app_id: String,
    pub push_checker: Mutex<PushChecker>,
    pub payment_secret: String,
    pub http: reqwest::Client,
    /// Where this program reaches itself, as the payment provider does.
    pub own_url: String,
    /// Rung when something was put into the outbox.
    pub outbox_news: Notify,
    platform: Platform,
    db: Arc<Mutex<Connection>>,
}

/// Why the bot could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{what}: {error}")]
    Io { what: String, error: std::io::Error },
    #[error("database: {0}")]
    Database(#[from] rusqlite::Error),
    #[error("HTTP client: {0}")]
    Http(#[from] reqwest::Error),
}

/// Runs until SIGTERM, SIGINT, or the end of standard input if that was asked for.
pub async fn run(config: Config) -> Result<(), StartError> {
    let io = |what: &str| {
        let what = what.to_string();
        move |error| StartError::Io { what, error }
    };
    // First of all, so that no signal finds the program without an answer to it.
    let terminate = signal(SignalKind::terminate()).map_err(io("SIGTERM"))?;
    let interrupt = signal(SignalKind::interrupt()).map_err(io("SIGINT"))?;
    // It holds names and document numbers: nobody else on the machine is to read them.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&config.data)
        .map_err(io("data directory"))?;
    let listener = tokio::net::TcpListener::bind(config.listen).await.map_err(io("listen"))?;
    let bound = listener.local_addr().map_err(io("listen"))?;
    let app = Arc::new(app(&config, bound)?);
    if let Some(file) = &config.ready_file {
        write_ready_file(file, bound).map_err(io("ready file"))?;
    }
    let (stop, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(drain_outbox(app.clone(), stopped.clone()));
    tasks.spawn(sweep(app.clone(), stopped.clone()));
    tasks.spawn(greet(app.clone(), stopped.clone()));
    tracing::info!(http = %bound, chatbot = app.bot.chatbot_id, "rail bot ready");
    let mut over = stopped.clone();
    let server = axum::serve(listener, router(app))
        .with_graceful_shutdown(async move { _ = over.wait_for(|over| *over).await });
    tokio::spawn(async move {
        ended(terminate, interrupt, config.stop_with_stdin).await;
        // The receivers live as long as the server that is being told.
        _ = stop.send(true);
    });
    server.await.map_err(io("serve"))?;
    while tasks.join_next().await.is_some() {}
    Ok(())
}

impl App {
    /// Runs a piece of database work where it may block.
    pub async fn with_db<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&App, &mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> rusqlite::Result<T> {
        let app = self.clone();
        let blocking = tokio::task::spawn_blocking(move || {
            // A panic in a transaction rolls it back; the connection itself stays good.
            let mut db = app.db.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            work(&app, &mut db)
        });
        blocking.await.unwrap_or_else(|panic| {
            tracing::error!(%panic, "database work");
            Err(rusqlite::Error::ExecuteReturnedResults)
        })
    }
}

/// The time in China.
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc().to_offset(CHINA)
}

/// 128 random bits from the system.
pub fn random() -> u128 {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    u128::from_be_bytes(bytes)
}

fn app(config: &Config, bound: SocketAddr) -> Result<App, StartError> {
    let db = database::open(&config.data.join("rail.sqlite"))?;
    let payment_secret = database::kept_secret(&db, "payment secret", &format!("{:032x}", random()))?;
    let own_url = format!("http://{}", reachable(bound));
    let public_url = config.public_url.clone().unwrap_or_else(|| own_url.clone());
    let http = http_client(&config.server)?;
    let timetable = Timetable::builtin();
    let gazetteer = Gazetteer::new(&timetable);
    let world = World {
        timetable,
        gazetteer,
        gallery: Gallery::default(),
        public_url: public_url.trim_end_matches('/').to_string(),
    };
    Ok(App {
        bot: Bot { world, chatbot_id: config.chatbot_id.clone() },
        app_id: config.app_id.clone(),
        push_checker: Mutex::new(PushChecker::new(config.callback_token.clone())),
        payment_secret,
        platform: Platform::new(config, http.clone()),
        http,
        own_url,
        outbox_news: Notify::new(),
        db: Arc::new(Mutex::new(db)),
    })
}

/// The client for calls to the platform and to ourselves. Without TLS there is no need for root certificates.
fn http_client(server: &str) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder().no_proxy();
    match server.starts_with("https:") {
        true => builder.build(),
        false => builder.tls_certs_only([]).build(),
    }
}

fn router(app: Arc<App>) -> Router {
    Router::new()
        .nest("/maap", webhook::routes())
        .merge(pay::routes())
        .route("/media/{*path}", get(media))
        .route("/healthz", get(|| async { "ok" }))
        .with_state(app)
}

/// The pictures of the cards; handsets of other origins may show them.
async fn media(State(app): State<Arc<App>>, Path(path): Path<String>) -> Response {
    let number = path.strip_prefix("train/").and_then(|rest| rest.strip_suffix(".png"));
    let known = number.is_none_or(|number| app.bot.world.timetable.train(number).is_some());
    let made =
        tokio::task::spawn_blocking(move || known.then(|| app.bot.world.gallery.bytes(&path)).flatten());
    let Ok(Some(bytes)) = made.await else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (headers, bytes.to_vec()).into_response()
}

/// Sends what waits, each user's messages in order, until told to stop.
async fn drain_outbox(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let now_s = now().unix_timestamp();
        let due =
            app.with_db(move |_, db| outbox::due(db, now_s, SENDING_MAX)).await.unwrap_or_else(|error| {
                tracing::error!(%error, "outbox");
                Vec::new()
            });
        if due.is_empty() {
            tokio::select! {
                () = app.outbox_news.notified() => {}
                () = tokio::time::sleep(SWEEP) => {}
                _ = stopped.changed() => {}
            }
            continue;
        }
        let mut sending = JoinSet::new();
        for waiting in due {
            sending.spawn(send(app.clone(), waiting));
        }
        while sending.join_next().await.is_some() {}
    }
}

/// One attempt at one message, and what follows from it.
async fn send(app: Arc<App>, waiting: Waiting) {
    let outcome = app.platform.send(&waiting.body).await;
    let now_s = now().unix_timestamp();
    let Waiting { seq, message_id, attempts, created, .. } = waiting;
    let noted = match outcome {
        Ok(()) => app.with_db(move |_, db| outbox::finish(db, seq, "sent")).await,
        Err(CallError::NotNow(reason)) if now_s - created < outbox::GIVE_UP_S => {
            let due = now_s + outbox::backoff_s(attempts);
            tracing::warn!(message_id, attempts, reason, "message not sent yet");
            app.with_db(move |_, db| outbox::retry(db, seq, due)).await
        }
        Err(error) => {
            tracing::error!(message_id, attempts, %error, "message given up");
            app.with_db(move |_, db| outbox::finish(db, seq, &error.to_string())).await
        }
    };
    if let Err(error) = noted {
        // The row still waits and the message goes again: the platform knows its id.
        tracing::error!(message_id, %error, "outbox");
    }
}

/// Ends orders whose ten minutes are over, and now and then clears old rows away.
async fn sweep(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let mut ticks: u32 = 0;
    while !*stopped.borrow() {
        match app.with_db(|app, db| app.bot.expire(db, now(), &mut random)).await {
            Ok(0) => {}
            Ok(lapsed) => {
                tracing::info!(lapsed, "orders lapsed");
                app.outbox_news.notify_one();
            }
            Err(error) => tracing::error!(%error, "sweep"),
        }
        if ticks.is_multiple_of(TIDY_EVERY)
            && let Err(error) = app.with_db(|_, db| database::tidy(db, now().unix_timestamp())).await
        {
            tracing::error!(%error, "tidy");
        }
        ticks = ticks.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            _ = stopped.changed() => {}
        }
    }
}

/// Fetches the first token, which makes the platform check our callback, and sets the menu.
async fn greet(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let menu = menu();
    for attempt in 0.. {
        match app.platform.set_menu(&menu).await {
            Ok(()) => return tracing::info!("menu set"),
            Err(CallError::Refused { code, message }) => {
                return tracing::info!(code, message, "the platform does not take the menu");
            }
            Err(CallError::NotNow(reason)) => tracing::warn!(attempt, reason, "platform not ready"),
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(outbox::backoff_s(attempt).unsigned_abs())) => {}
            _ = stopped.changed() => return,
        }
    }
}

/// Two levels, at most three and five entries (maximum of the operators' API).
fn menu() -> Value {
    let reply = |label: &str, tap: Tap| Suggestion::reply(label, tap.encode()).json();
    let more = [
        reply("帮助 Help", Tap::Help),
        reply("中文", Tap::Language(Lang::Zh)),
        reply("English", Tap::Language(Lang::En)),
        Suggestion::dial("客服 Hotline 12306", "tel:12306", Tap::Done.encode()).json(),
    ];
    json!({"menu": {"entries": [
        reply("查询车票 Search", Tap::NewSearch),
        reply("我的订单 My orders", Tap::Orders),
        {"menu": {"displayText": "更多 More", "entries": more}},
    ]}})
}

/// Resolves when the program is to stop.
async fn ended(mut terminate: Signal, mut interrupt: Signal, with_stdin: bool) {
    let stdin_over = Arc::new(Notify::new());
    if with_stdin {
        let over = stdin_over.clone();
        // A thread of its own: a blocking read would keep the runtime from ending.
        std::thread::spawn(move || {
            let mut buffer = [0; 256];
            while std::io::stdin().read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
            over.notify_one();
        });
    }
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_over.notified() => {}
    }
}

fn reachable(mut bound: SocketAddr) -> SocketAddr {
    if bound.ip().is_unspecified() {
        bound.set_ip(match bound {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    bound
}

/// Under another name first, so that who finds the file finds it whole.
fn write_ready_file(file: &FilePath, bound: SocketAddr) -> std::io::Result<()> {
    let draft = file.with_extension("tmp");
    std::fs::write(&draft, json!({"http": bound.to_string()}).to_string())?;
    std::fs::rename(draft, file)
}
