//! The process dies by SIGKILL, again and again, while handsets write to each other over UDP, TCP and WebSocket. What was
//! answered 2xx is delivered in the end, nothing is shown twice, and nothing reaches somebody it was not for.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

#[path = "common/dying.rs"]
mod dying;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dying::{PASSWORD, Random, launch};
use handset::platform::Platform;
use handset::run::{Phone, Server};
use handset::{Config, Event, Handset, Outgoing};
use sip::Transport;
use tokio::sync::{Barrier, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

const DOMAIN: &str = "hongyan.local";
/// How often the process dies.
const ROUNDS: u32 = 6;
const TRANSPORTS: [Transport; 3] = [Transport::Udp, Transport::Tcp, Transport::Ws];
/// Senders and receivers, two of each transport.
const PARTIES: usize = 6;
/// Messages that a sender has under way at once.
const UNDER_WAY: usize = 4;
/// Longest that a round lasts; it ends sooner once enough messages were accepted.
const ROUND_MAX: Duration = Duration::from_secs(3);
/// For everything to arrive in the end.
const ARRIVE_MAX: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_accepted_arrives_once_however_often_the_process_dies() {
    let mut random = Random::seeded(20_261_123);
    let directory = tempfile::tempdir().unwrap();
    let launch = launch(directory.path());
    let world = Arc::new(World::new());
    let mut senders: Vec<Sender> = (0..PARTIES).map(|at| Sender::new(at, &mut random)).collect();
    let mut receivers: Vec<Receiver> = (0..PARTIES).map(|at| Receiver::new(at, &mut random)).collect();

    let platform = Platform::start(&launch).await.unwrap();
    for number in senders.iter().map(|sender| &sender.number).chain(receivers.iter().map(|one| &one.number)) {
        platform.add_subscriber(number, PASSWORD).await.unwrap();
    }
    platform.kill().await.unwrap();

    for _ in 0..ROUNDS {
        let platform = Platform::start(&launch).await.unwrap();
        let (present, mut away): (Vec<_>, Vec<_>) = receivers.drain(..).partition(|_| random.below(4) > 0);
        let round = Round::new(&platform, senders.len() + present.len());
        let (stop, stopping) = watch::channel(false);
        let (mut talking, mut listening) = (JoinSet::new(), JoinSet::new());
        for receiver in present {
            listening.spawn(receiver.listen(round.clone(), world.clone(), stopping.clone()));
        }
        for sender in senders.drain(..) {
            let random = Random(random.next());
            talking.spawn(sender.talk(round.clone(), random, world.clone(), stopping.clone()));
        }
        round.all_there.wait().await;
        // Die at a message that nobody can foretell.
        let enough = world.accepted_count() + 1 + random.below(150);
        let _ = timeout(ROUND_MAX, world.until(|log| log.accepted.len() >= enough)).await;
        platform.kill().await.unwrap();
        stop.send(true).unwrap();
        senders = talking.join_all().await;
        receivers = listening.join_all().await;
        receivers.append(&mut away);
    }

    // The last start: everybody is there, and what nobody knows the fate of is sent again under its old id.
    let platform = Platform::start(&launch).await.unwrap();
    let round = Round::new(&platform, receivers.len());
    let (stop, stopping) = watch::channel(false);
    let mut listening = JoinSet::new();
    for receiver in receivers {
        listening.spawn(receiver.listen(round.clone(), world.clone(), stopping.clone()));
    }
    round.all_there.wait().await;
    for sender in senders {
        sender.send_rest(&round, &world).await;
    }
    let arrived = timeout(ARRIVE_MAX, world.until(|log| log.missing().is_empty())).await;
    let log = world.snapshot();
    eprintln!("{} accepted, {} shown", log.accepted.len(), log.shown.len());
    assert!(arrived.is_ok(), "accepted and lost: {:?}", log.missing());
    assert!(log.accepted.len() >= ROUNDS as usize, "hardly anything was sent: {}", log.accepted.len());

    let mut admin = platform.admin().await.unwrap();
    for (id, letter) in &log.accepted {
        let (status, story) = admin.trace(id).await.unwrap();
        assert_eq!(status, 200, "{id}");
        assert_eq!(story.as_array().map(Vec::len), Some(1), "one message, one record: {story}");
        assert_eq!(story[0]["to"].as_str(), Some(format!("tel:{}", letter.to).as_str()), "{story}");
        assert_eq!(story[0]["outcome"], "delivered", "{story}");
    }
    stop.send(true).unwrap();
    listening.join_all().await;
    assert!(platform.stop().await.unwrap(), "it ends well when it is asked to");
}

/// One life of the process.
#[derive(Clone)]
struct Round {
    servers: [Server; 3],
    /// Passed once everybody has registered.
    all_there: Arc<Barrier>,
}

impl Round {
    /// With this many who will register, and one who waits for them.
    fn new(platform: &Platform, parties: usize) -> Self {
        Self {
            servers: TRANSPORTS.map(|transport| platform.server(transport)),
            all_there: Arc::new(Barrier::new(parties + 1)),
        }
    }

    fn server(&self, transport: Transport) -> Server {
        self.servers.into_iter().find(|server| server.transport == transport).unwrap()
    }
}

/// A message, so far as the test needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Letter {
    id: String,
    to: String,
    text: String,
}

impl Letter {
    fn new(from: &str, serial: u32, to: String) -> Self {
        let id = format!("{}-{serial}", from.trim_start_matches('+'));
        Self { text: format!("to {to}: {id}"), id, to }
    }
}

/// What happened to everybody.
#[derive(Debug, Clone, Default)]
struct Log {
    /// Answered 2xx, by id.
    accepted: BTreeMap<String, Letter>,
    /// Texts shown to their addressees.
    shown: BTreeSet<String>,
}

impl Log {
    fn missing(&self) -> Vec<&Letter> {
        self.accepted.values().filter(|letter| !self.shown.contains(&letter.text)).collect()
    }
}

struct World {
    log: Mutex<Log>,
    changed: watch::Sender<()>,
}

impl World {
    fn new() -> Self {
        Self { log: Mutex::default(), changed: watch::Sender::new(()) }
    }

    fn accepted(&self, letter: Letter) {
        self.log.lock().unwrap().accepted.insert(letter.id.clone(), letter);
        self.changed.send_replace(());
    }

    fn shown(&self, to: &str, text: &str) {
        assert!(text.starts_with(&format!("to {to}: ")), "{to} was shown a message of somebody else: {text}");
        assert!(self.log.lock().unwrap().shown.insert(text.to_owned()), "shown twice: {text}");
        self.changed.send_replace(());
    }

    fn accepted_count(&self) -> usize {
        self.log.lock().unwrap().accepted.len()
    }

    fn snapshot(&self) -> Log {
        self.log.lock().unwrap().clone()
    }

    async fn until(&self, is_so: impl Fn(&Log) -> bool) {
        let mut changed = self.changed.subscribe();
        while !is_so(&self.log.lock().unwrap()) {
            changed.changed().await.unwrap();
        }
    }
}

/// A subscriber who writes to all receivers without end.
struct Sender {
    number: String,
    transport: Transport,
    handset: Handset,
    written: u32,
    /// Letters of which nobody knows whether they were accepted.
    again: Vec<Letter>,
}

impl Sender {
    fn new(at: usize, random: &mut Random) -> Self {
        let number = format!("+861380001{at:04}");
        let handset = new_handset(&number, random);
        Self { number, transport: transport(at), handset, written: 0, again: Vec::new() }
    }

    /// Writes until it is stopped.
    async fn talk(
        mut self,
        round: Round,
        mut random: Random,
        world: Arc<World>,
        mut stopping: watch::Receiver<bool>,
    ) -> Self {
        let mut phone = online(self.handset, round.server(self.transport), &round.all_there).await;
        let mut under_way: BTreeMap<String, Letter> = BTreeMap::new();
        loop {
            while under_way.len() < UNDER_WAY {
                let letter = self.again.pop().unwrap_or_else(|| {
                    self.written += 1;
                    Letter::new(&self.number, self.written, receiver_number(random.below(PARTIES)))
                });
                if random.below(16) == 0 {
                    // Refreshes its registration in the middle of it all.
                    phone.with(Handset::register).await;
                }
                post(&phone, &letter).await;
                under_way.insert(letter.id.clone(), letter);
            }
            let event = tokio::select! {
                event = phone.next() => event,
                _ = stopping.wait_for(|stop| *stop) => None,
            };
            match event {
                Some(Event::Disconnected) => {
                    let _ = stopping.wait_for(|stop| *stop).await;
                    break;
                }
                Some(event) => settle(event, &mut under_way, &mut self.again, &world),
                None => break,
            }
        }
        let (handset, unread) = phone.stop().await;
        for event in unread {
            settle(event, &mut under_way, &mut self.again, &world);
        }
        self.again.extend(under_way.into_values());
        Self { handset, ..self }
    }

    /// Sends what is left until all of it is accepted.
    async fn send_rest(self, round: &Round, world: &World) {
        let mut phone = Phone::start(self.handset, round.server(self.transport)).await.unwrap();
        phone.register().await.unwrap();
        for letter in self.again {
            let outgoing = Outgoing::text(&letter.text).without_reports().with_id(&letter.id);
            let status = phone.send(&uri(&letter.to), outgoing).await.unwrap();
            assert!(matches!(status, 200 | 202), "{status}");
            world.accepted(letter);
        }
        phone.stop().await;
    }
}

/// Files an answer to a letter.
fn settle(event: Event, under_way: &mut BTreeMap<String, Letter>, again: &mut Vec<Letter>, world: &World) {
    match event {
        Event::Sent { message_id, status } => {
            assert!(matches!(status, 200 | 202), "{status}");
            if let Some(letter) = under_way.remove(&message_id) {
                world.accepted(letter);
            }
        }
        Event::NotSent { message_id, .. } => again.extend(under_way.remove(&message_id)),
        _ => {}
    }
}

/// A subscriber who reads.
struct Receiver {
    number: String,
    transport: Transport,
    handset: Handset,
}

impl Receiver {
    fn new(at: usize, random: &mut Random) -> Self {
        let number = receiver_number(at);
        let handset = new_handset(&number, random);
        Self { number, transport: transport(at), handset }
    }

    /// Reads until it is stopped.
    async fn listen(self, round: Round, world: Arc<World>, mut stopping: watch::Receiver<bool>) -> Self {
        let mut phone = online(self.handset, round.server(self.transport), &round.all_there).await;
        loop {
            let event = tokio::select! {
                event = phone.next() => event,
                _ = stopping.wait_for(|stop| *stop) => None,
            };
            match event {
                Some(Event::Message(message)) => world.shown(&self.number, &message.text()),
                Some(_) => {}
                None => break,
            }
        }
        let (handset, unread) = phone.stop().await;
        for event in unread {
            if let Event::Message(message) = event {
                world.shown(&self.number, &message.text());
            }
        }
        Self { handset, ..self }
    }
}

/// Connects and registers, and waits until all others have.
async fn online(handset: Handset, server: Server, all_there: &Barrier) -> Phone {
    let mut phone = Phone::start(handset, server).await.unwrap();
    phone.register().await.unwrap();
    all_there.wait().await;
    phone
}

async fn post(phone: &Phone, letter: &Letter) {
    let outgoing = Outgoing::text(&letter.text).without_reports().with_id(&letter.id);
    phone.post(&uri(&letter.to), outgoing).await;
}

fn new_handset(number: &str, random: &mut Random) -> Handset {
    Handset::new(Config::new(number, DOMAIN, PASSWORD, random.next()).unwrap())
}

fn receiver_number(at: usize) -> String {
    format!("+861380002{at:04}")
}

fn uri(number: &str) -> String {
    format!("sip:{number}@{DOMAIN};user=phone")
}

fn transport(at: usize) -> Transport {
    TRANSPORTS[at % 3]
}
