//! The centre's thread: it alone decides and writes. What reaches it comes out of its inbox; what it says leaves through the
//! network and the webhook pusher, always after the commit.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use message_centre::{Centre, Secrets, Stats};
use rcs::Timestamp;
use store::{Store, StoreError};
use tokio::sync::watch;

use crate::config::{Config, ConfigError};
use crate::content::link::Purpose;
use crate::content::{self, Content};
use crate::engine::{Effects, Engine};
use crate::inbox::{BATCH_MAX, Inbox, Outlet};
use crate::metrics::{Kind, Message, Metrics, Outcome};
use crate::net::Network;
use crate::net::msrp::Switchboard;
use crate::push::Pusher;

pub use crate::engine::{Input, Reply};

/// Longest sleep without inputs.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// Name of the setting that holds the deployment's secret.
const SECRET_SETTING: &str = "deployment-secret";

/// How others reach us.
pub struct Reach<'a> {
    /// Chatbots over HTTP.
    pub public_url: &'a str,
    /// Handsets with MSRP.
    pub media: message_centre::Media,
}

/// Starts the centre's thread.
///
/// # Errors
/// If the store cannot be read or the thread cannot be started.
pub fn start(
    config: &Config,
    reach: Reach<'_>,
    store: Store,
    ways: Ways,
    metrics: Arc<Metrics>,
    (inbox, outlet): (Inbox, Outlet),
) -> Result<JoinHandle<()>, StartError> {
    let clock = Clock::new();
    let secrets = Secrets { deployment: deployment_secret(&store)?, process: random()? };
    let mut centre = Centre::new(config.centre(&secrets, &reach), &secrets, clock.now());
    let content = ways.content.clone();
    centre.link_icons(Box::new(move |id| content.links.url(id, Purpose::Icon)));
    let media_links = ways.content.links.clone();
    let maap = maap::Config { media_links, ..config.maap(reach.public_url) };
    let maap = maap::Maap::new(maap, &secrets);
    let engine = Engine::new(centre, maap, store.clone(), clock.now())?;
    let world = World { ways, store, metrics, inbox, runtime: tokio::runtime::Handle::current() };
    let thread = std::thread::Builder::new().name("centre".to_owned());
    Ok(thread.spawn(move || run(engine, outlet, &clock, &world))?)
}

/// Why the centre did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no thread.
    #[error("the centre's thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The system gave no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

/// Where effects go.
pub struct Ways {
    /// Bytes to handsets.
    pub network: Arc<Network>,
    /// Sessions over MSRP.
    pub switchboard: Arc<Switchboard>,
    /// Calls of webhooks.
    pub pusher: Pusher,
    /// Files that are gone, and icons.
    pub content: Arc<Content>,
    /// Who waits for campaigns to get further; closed when the centre ends.
    pub campaign_news: watch::Sender<()>,
}

/// Everything outside.
struct World {
    ways: Ways,
    store: Store,
    metrics: Arc<Metrics>,
    inbox: Inbox,
    runtime: tokio::runtime::Handle,
}

/// The loop, until the inbox says stop.
fn run(mut engine: Engine, mut outlet: Outlet, clock: &Clock, world: &World) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    let mut was_stopping = false;
    loop {
        let patience = match engine.has_more() {
            true => Duration::ZERO,
            false => engine.wake_at().since(clock.now()).min(SLEEP_MAX),
        };
        outlet.take(patience, &mut batch);
        if outlet.is_stopping() && !was_stopping {
            was_stopping = true;
            engine.stop(clock.now());
        }
        for same in batch.chunk_by(|one, next| one.kind() == next.kind()) {
            world.metrics.inputs.get_or_create(&Kind::of(same[0].kind())).inc_by(same.len() as u64);
        }
        let begun = Instant::now();
        match engine.run(clock.now(), batch.drain(..)) {
            Ok(effects) => world.perform(&mut engine, effects, begun),
            Err(error) => {
                // Memory is ahead of the disk now, and promises cannot be kept: end at once, and start again from the disk.
                tracing::error!(%error, "the store failed; stopping");
                std::process::exit(74);
            }
        }
        world.metrics.inbox_depth.set(outlet.waiting() as i64);
        if was_stopping && !engine.has_more() {
            return;
        }
    }
}

impl World {
    /// Lets out what a batch has decided.
    fn perform(&self, engine: &mut Engine, effects: Effects, begun: Instant) {
        self.count(&effects, begun);
        if effects.has_campaign_news {
            self.ways.campaign_news.send_replace(());
        }
        // A peer may use a session as soon as it hears of it.
        while let Some(command) = engine.poll_media() {
            self.ways.switchboard.perform(command, &self.inbox);
        }
        self.ways.network.transmit_all(std::iter::from_fn(|| engine.poll_transmit()));
        self.ways.switchboard.discard(&effects.discarded);
        for flow in &effects.close {
            self.ways.network.close(flow);
        }
        if !effects.files_gone.is_empty() {
            let shelf = self.ways.content.shelf.clone();
            self.runtime.spawn(async move { shelf.remove_all(&effects.files_gone).await });
        }
        for wanted in effects.icons {
            let (content, store, inbox) = (self.ways.content.clone(), self.store.clone(), self.inbox.clone());
            self.runtime.spawn(async move {
                let picture = content::icon::make(&content, &store, &wanted.source).await;
                inbox.send(Input::IconMade(Box::new(wanted.made(picture))));
            });
        }
        for push in effects.pushes {
            let (pusher, inbox) = (self.ways.pusher.clone(), self.inbox.clone());
            self.runtime.spawn(async move {
                let pushed = crate::push::perform(&pusher, push).await;
                inbox.send(Input::Pushed(Box::new(pushed)));
            });
        }
    }

    fn count(&self, effects: &Effects, begun: Instant) {
        let metrics = &self.metrics;
        metrics.batches.inc();
        if effects.inputs > 0 {
            metrics.batch_inputs.observe(effects.inputs as f64);
        }
        if effects.is_committed {
            metrics.commit_seconds.observe(begun.elapsed().as_secs_f64());
        }
        let Stats {
            accepted,
            delivered,
            stored,
            expired,
            refused,
            revoked,
            duplicates,
            reports,
            registrations,
            challenges,
            files_expired,
            dead_letters,
            dead_letters_lost,
        } = effects.stats;
        if files_expired > 0 {
            metrics.files.get_or_create(&Message::of("expired")).inc_by(files_expired);
        }
        for (event, count) in [
            ("accepted", accepted),
            ("delivered", delivered),
            ("stored", stored),
            ("expired", expired),
            ("refused", refused),
            ("revoked", revoked),
            ("duplicate", duplicates),
            ("reported", reports),
        ] {
            if count > 0 {
                metrics.messages.get_or_create(&Message::of(event)).inc_by(count);
            }
        }
        let outcomes = [
            (&metrics.registrations, "accepted", registrations),
            (&metrics.registrations, "challenged", challenges),
            (&metrics.pushes, "given_up", effects.platform.given_up),
            (&metrics.webhooks, "left_alone", effects.platform.left_alone),
            (&metrics.webhooks, "back", effects.platform.back),
            (&metrics.dead_letters, "kept", dead_letters),
            (&metrics.dead_letters, "lost", dead_letters_lost),
            (&metrics.callback_checks, "passed", effects.platform.checks_passed),
            (&metrics.callback_checks, "failed", effects.platform.checks_failed),
        ];
        for (family, outcome, count) in outcomes {
            if count > 0 {
                family.get_or_create(&Outcome::of(outcome)).inc_by(count);
            }
        }
    }
}

/// Wall-clock time that does not run backwards: the start's, and what has passed since.
struct Clock {
    started: Timestamp,
    origin: Instant,
}

impl Clock {
    fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Timestamp::from_millis(since_epoch.as_millis() as u64), origin: Instant::now() }
    }

    fn now(&self) -> Timestamp {
        self.started.plus(self.origin.elapsed())
    }
}

/// The secret that signs nonces and links: made once for a data directory.
///
/// # Errors
/// If the store cannot be read or written, or the system gives no randomness.
pub fn deployment_secret(store: &Store) -> Result<[u8; 32], StartError> {
    if let Some(secret) = store.setting(SECRET_SETTING)?.and_then(|kept| kept.try_into().ok()) {
        return Ok(secret);
    }
    let secret = random()?;
    store.put_setting(SECRET_SETTING, &secret)?;
    Ok(secret)
}

fn random() -> Result<[u8; 32], StartError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}
