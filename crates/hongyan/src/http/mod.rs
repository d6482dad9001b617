//! The HTTP edge: one router on a plain and a TLS listener.
//!
//! | path | what | file |
//! |---|---|---|
//! | `/` | the web handset | `assets.rs` |
//! | `/sip` | SIP over WebSocket | `net/websocket.rs` |
//! | `/msrp` | MSRP over WebSocket | `net/msrp.rs` |
//! | `/handset/config.json` | what the web handset must know | `handset.rs` |
//! | `/handset/v1/blocked` | a subscriber's block list | `blocks.rs` |
//! | `/handset/v1/contacts` | what chatbots may do with a subscriber | `contacts.rs` |
//! | `/handset/v1/history` | a subscriber's conversation history | `history.rs` |
//! | `/provisioning` | auto-configuration of handsets | `provisioning.rs` |
//! | `/content/…` | files between handsets | `content/` |
//! | `/bot/v1/{chatbotId}/…` | chatbot API of China Telecom and China Unicom | `bot/ctcu.rs` |
//! | `/rcs/bot/v1/{botId}/…`, `/oauth2/v1/token` | chatbot API of GSMA FNW.11 | `bot/fnw11.rs` |
//! | `/v1/…`, `/upload/v1/files`, `/token`, `/oauth2/v4/token`, `/$discovery/rest` | RBM-style chatbot API | `bot/rbm/` |
//! | `/messaging/…`, also after `/chatbot`, `/maapdiscovery`, `/vg2`; `/Content` | chatbot API of China Mobile | `bot/cm.rs` |
//! | `/cspApi/{version}/…` | management calls of CSPs | `bot/csp.rs` |
//! | `/bot?id=…` | chatbot information | `bot_information.rs` |
//! | `/directory` | chatbots, looked for | `directory.rs` |
//! | `/open/{chatbot}` | opens a conversation in the web handset | `open.rs` |
//! | `/admin/v1/…` | administration | `admin/` |
//! | `/metrics`, `/healthz`, `/readyz` | operation | `status.rs` |
//! | `/tools/v1/cards/check` | the card checker | `tools.rs` |
//! | `/openapi.json` | all of these, for machines | `openapi.rs` |
#![deny(clippy::disallowed_methods)]

pub(crate) mod admin;
mod assets;
mod blocks;
pub(crate) mod bot;
mod bot_information;
mod contacts;
pub(crate) mod content;
mod directory;
mod handset;
mod history;
pub(crate) mod media;
mod open;
mod openapi;
pub(crate) mod provisioning;
mod status;
mod tools;

pub use admin::calls as admin_calls;

use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::extract::rejection::{BytesRejection, JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Extension};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderName, Request, StatusCode};
use axum::middleware::{from_fn, map_response};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use message_centre::admin as admin_call;
use rcs::Timestamp;
use store::{Chatbot, ChatbotStatus, Store, StoreError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::content::Content;
use crate::engine::Input;
use crate::inbox::Inbox;
use crate::log::Shown;
use crate::metrics::{Kind, Metrics};
use crate::net::ceiling::{Ceiling, Permit};
use crate::net::listener::{self, Stop, stopped};
use crate::net::msrp::{self, MsrpEdge};
use crate::net::patience::{Patience, Patient};
use crate::net::{Edge, websocket};
use crate::push::Pusher;

/// Bodies of requests, chatbot messages included.
const BODY_BYTES_MAX: usize = 256 * 1024;

/// Heads of requests.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// For a client that was told that we are busy.
pub(crate) const RETRY_AFTER_S: u32 = 2;

/// Pause before a call of a sequence is tried again, and how often.
const BUSY_WAIT: Duration = Duration::from_millis(50);
const BUSY_WAITS: u32 = 200;

/// What the handlers work with.
pub struct App {
    /// Our domain, and how addresses are read.
    pub numbering: rcs::address::Numbering,
    /// How peers reach us, without a trailing slash.
    pub public_url: String,
    /// URI of the conference factory.
    pub conference_factory: String,
    /// Where everything that writes goes.
    pub inbox: Inbox,
    /// Where listings read.
    pub store: Store,
    /// The chatbots that handsets find, as they were when somebody last asked.
    pub directory: Arc<Mutex<Arc<maap::Directory>>>,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// The way in for SIP over WebSocket.
    pub edge: Arc<Edge>,
    /// The way in for MSRP over WebSocket.
    pub msrp: Arc<MsrpEdge>,
    /// Opens `/admin`.
    pub admin_token: String,
    /// Whom auto-configuration believes what.
    pub provisioning: provisioning::Trust,
    /// Whether everything listens and nothing is stopping.
    pub ready: Arc<AtomicBool>,
    /// For a request to be answered.
    pub request_timeout: Duration,
    /// Files between handsets.
    pub content: Arc<Content>,
    /// What the edge of the RBM-style chatbot API works with.
    pub rbm: bot::rbm::Rbm,
    /// Makes and knows the access tokens of chatbots that hold any number of them at once.
    pub tokens: chatbot_api::bearer::Tokens,
    /// What calls of CSPs need.
    pub csp: bot::csp::Csp,
    /// What media of chatbots are held to.
    pub media: crate::config::Media,
    /// For what chatbots have us fetch.
    pub pusher: Pusher,
    /// On what terms conversation histories are kept.
    pub history: message_centre::history::Config,
    /// How much a chatbot may send of which nothing else is set.
    pub limits: maap::rate::Limits,
    /// Whether chatbots know users by tokens unless an operator has said otherwise of one.
    pub anonymous: bool,
    /// When days and months begin.
    pub local_time: rcs::local_time::LocalTime,
    /// Tells when a campaign is further than before.
    pub campaign_news: watch::Receiver<()>,
    /// Tells those who wait for something that they need not any more.
    pub stopping: Stop,
}

impl App {
    /// Has the centre decide an administrative call; the answer comes after its commit.
    async fn administer(&self, call: admin_call::Call) -> Result<admin_call::Answer, Failure> {
        let (reply, answer) = oneshot::channel();
        self.enter(Input::Admin(call, reply.into()), "admin")?;
        answer.await.map_err(|_| Failure::stopping())
    }

    /// Has the centre decide a chatbot's call, or one about chatbots; the answer comes after its commit.
    async fn ask_maap(&self, mut call: maap::Call) -> Result<maap::Answer, Failure> {
        if maap::privacy::names_tokens(&mut call) {
            let resolve = move |store: &Store| {
                maap::privacy::resolve(&mut call, |token| store.alias(token)).map(|()| call)
            };
            call = self.read(resolve).await?;
        }
        let (reply, answer) = oneshot::channel();
        self.enter(Input::Chatbot(Box::new(call), reply.into()), "api")?;
        let answer = answer.await.map_err(|_| Failure::stopping())?;
        bot::limits::note(&answer, now());
        Ok(answer)
    }

    /// Has the centre decide a call about what is managed; the answer comes after its commit.
    async fn manage(&self, call: maap::manage::Call) -> Result<maap::manage::Answer, Failure> {
        match self.ask_maap(maap::Call::Manage(Box::new(call))).await? {
            maap::Answer::Managed(answer) => Ok(*answer),
            _ => Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "unexpected answer of the centre")),
        }
    }

    /// As [`App::manage`], for one in a sequence that has begun: waits while the centre is busy.
    async fn manage_surely(&self, call: maap::manage::Call) -> Result<maap::manage::Answer, Failure> {
        for _ in 0..BUSY_WAITS {
            match self.manage(call.clone()).await {
                Err(failure) if failure.status == StatusCode::TOO_MANY_REQUESTS => {
                    tokio::time::sleep(BUSY_WAIT).await;
                }
                answer => return answer,
            }
        }
        Err(Failure::busy())
    }

    fn enter(&self, input: Input, kind: &'static str) -> Result<(), Failure> {
        self.inbox.try_send(input).map_err(|_| {
            self.metrics.refused.get_or_create(&Kind::of(kind)).inc();
            Failure::busy()
        })
    }

    /// Reads the store on a thread that may wait for the disk.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || read(&store)).await.expect("reading does not panic");
        read.map_err(|error| {
            tracing::error!(%error, "cannot read the store");
            Failure {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                reason: "the store cannot be read".to_owned(),
            }
        })
    }
}

impl App {
    /// The live chatbots, to be searched.
    async fn directory(&self) -> Result<Arc<maap::Directory>, Failure> {
        let known = self.directory.clone();
        self.read(move |store| {
            let chatbots = store.chatbots()?;
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if !known.is_of(&chatbots) {
                *known = Arc::new(maap::Directory::of(chatbots, &known));
            }
            Ok(known.clone())
        })
        .await
    }
}

/// The chatbot that a path or query names, if everybody may see it: one that is live, or being tested by those who know of it.
async fn visible_chatbot(app: &App, name: &str) -> Result<Chatbot, Failure> {
    let Some(address) = chatbot_api::ctcu::address::chatbot(name, &app.numbering) else {
        return Err(Failure::bad_request("not the address of a chatbot"));
    };
    let found = app.read(move |store| store.chatbot(&address)).await?;
    let found = found.filter(|chatbot| chatbot.status != ChatbotStatus::Draft);
    found.ok_or_else(|| Failure::not_found("there is no such chatbot"))
}

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "time comes from here")]
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(since_epoch.as_millis() as u64)
}

/// An answer that something is wrong: the status, and `{"error": reason}`.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    reason: String,
}

impl Failure {
    fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    fn bad_request(reason: &str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, reason: reason.to_owned() }
    }

    fn not_found(reason: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, reason: reason.to_owned() }
    }

    fn conflict(reason: &str) -> Self {
        Self { status: StatusCode::CONFLICT, reason: reason.to_owned() }
    }

    fn busy() -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, reason: "the server is busy".to_owned() }
    }

    fn unavailable(reason: &str) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, reason: reason.to_owned() }
    }

    fn stopping() -> Self {
        Self::unavailable("the server is stopping")
    }
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        Self { status: rejection.status(), reason: rejection.body_text() }
    }
}

impl From<BytesRejection> for Failure {
    fn from(rejection: BytesRejection) -> Self {
        Self { status: rejection.status(), reason: rejection.body_text() }
    }
}

impl From<QueryRejection> for Failure {
    fn from(rejection: QueryRejection) -> Self {
        Self { status: rejection.status(), reason: rejection.body_text() }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(serde_json::json!({ "error": self.reason }));
        match self.status {
            status @ (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => {
                (status, [(header::RETRY_AFTER, RETRY_AFTER_S)], body).into_response()
            }
            status => (status, body).into_response(),
        }
    }
}

/// Who is on the other side of a connection.
#[derive(Clone)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// Whether the connection is under TLS.
    pub secure: bool,
    /// How long what is written to it may wait for it.
    pub patience: Patience,
    /// Its place among the connections: whoever keeps the connection keeps this.
    _permit: Arc<Permit>,
}

/// All paths.
pub fn router(app: Arc<App>) -> Router {
    let (edge, msrp_edge) = (app.edge.clone(), app.msrp.clone());
    let request_timeout = app.request_timeout;
    let content = content::router().with_state(app.clone());
    let long =
        OpenApiRouter::new().nest("/admin/v1", admin::long_router(app.clone())).with_state(app.clone());
    let uploads = bot::uploads().with_state(app.clone());
    let published = openapi::Published::default();
    let in_json = OpenApiRouter::new()
        .routes(routes!(handset::configuration))
        .routes(routes!(blocks::own))
        .routes(routes!(blocks::block, blocks::unblock))
        .routes(routes!(contacts::show))
        .routes(routes!(contacts::change))
        .routes(routes!(history::own, history::turn_on, history::turn_off))
        .routes(routes!(history::messages, history::delete_all))
        .routes(routes!(history::delete_message))
        .routes(routes!(history::delete_conversation))
        .routes(routes!(tools::check_card))
        .routes(routes!(directory::search))
        .routes(routes!(directory::specific))
        .routes(routes!(open::open))
        .layer(map_response(in_our_form));
    let answers = OpenApiRouter::new()
        .routes(routes!(websocket::upgrade).layer(Extension(edge)))
        .routes(routes!(msrp::upgrade).layer(Extension(msrp_edge)))
        .merge(in_json)
        .routes(routes!(provisioning::ask))
        .routes(routes!(bot_information::information))
        .merge(bot::router().layer(from_fn(bot::limits::tell)))
        .nest("/admin/v1", admin::router(app.clone()))
        .routes(routes!(status::metrics))
        .routes(routes!(status::health))
        .routes(routes!(status::readiness))
        .routes(routes!(openapi::document).layer(Extension(published.clone())))
        .fallback_service(assets::router())
        .with_state(app)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, request_timeout))
        .merge(content)
        .merge(long);
    let (router, api) = answers.split_for_parts();
    published.publish(api);
    router
        .merge(uploads)
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("content-security-policy"),
            HeaderValue::from_static(CONTENT_SECURITY_POLICY),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ))
}

/// Cards show media of any host, WebSockets go to ours, web views are framed; scripts are ours alone.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src * data: blob:; \
     media-src * data: blob:; \
     connect-src 'self' ws: wss:; style-src 'self' 'unsafe-inline'; frame-src http: https:; object-src 'none'; \
     base-uri 'none'; frame-ancestors 'none'";

/// Refusals of the HTTP library (a path that is no UTF-8, a method that is not there) say it as ours do.
async fn in_our_form(answer: Response) -> Response {
    let is_ours = answer.headers().get(header::CONTENT_TYPE).is_some_and(|json| json == "application/json");
    if is_ours || !answer.status().is_client_error() {
        return answer;
    }
    let status = answer.status();
    let (mut head, _) = answer.into_parts();
    let failure = Failure::new(status, status.canonical_reason().unwrap_or("the request is wrong"));
    let (own, body) = failure.into_response().into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.extend(own.headers);
    Response::from_parts(head, body)
}

/// 429: the inbox is full.
pub(crate) fn busy(body: impl IntoResponse) -> Response {
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, RETRY_AFTER_S)], body).into_response()
}

/// How connections are served.
#[derive(Clone)]
pub struct Server {
    /// What answers.
    pub router: Router,
    /// Under which host names `/` is for `/provisioning`.
    pub provisioning: provisioning::Trust,
    /// For both listeners together.
    pub ceiling: Ceiling,
    /// Where refusals are counted.
    pub metrics: Arc<Metrics>,
    /// For the head of a request, and for a TLS handshake.
    pub header_timeout: Duration,
}

impl Server {
    /// Serves HTTP/1.1 on `listener` until `stop`, over TLS when there is an `acceptor`.
    pub async fn serve(self, listener: TcpListener, acceptor: Option<TlsAcceptor>, stop: Stop) {
        let (ceiling, metrics) = (self.ceiling.clone(), self.metrics.clone());
        let stop_connections = stop.clone();
        listener::accept(listener, ceiling, metrics, stop, move |stream, address, permit| {
            let (server, acceptor, stop) = (self.clone(), acceptor.clone(), stop_connections.clone());
            let (secure, patience) = (acceptor.is_some(), Patience::default());
            let peer = Peer { address, secure, patience, _permit: Arc::new(permit) };
            async move {
                match acceptor {
                    None => server.connection(stream, peer, stop).await,
                    Some(acceptor) => match timeout(server.header_timeout, acceptor.accept(stream)).await {
                        Ok(Ok(stream)) => server.connection(stream, peer, stop).await,
                        _ => tracing::debug!(peer = %Shown(&address), "TLS handshake failed"),
                    },
                }
            }
        })
        .await;
    }

    async fn connection<S>(self, stream: S, peer: Peer, stop: Stop)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (router, provisioning) = (self.router, self.provisioning);
        let stream = Patient::new(stream, peer.patience.clone());
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            provisioning::readdress(&provisioning, &mut request);
            router.clone().oneshot(request)
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            // How a connection breaks is the peer's affair; what it asked for has been answered or not.
            _ = &mut connection => {}
            () = stopped(stop) => {
                connection.as_mut().graceful_shutdown();
                let _ = connection.await;
            }
        }
    }
}
