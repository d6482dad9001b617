//! The loads. Each starts a server of its own with an empty data directory and ends when its count is reached.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use handset::platform::{Launch, Platform};
use handset::run::Server;
use handset::{Config, Event, Handset, Outgoing};
use rcs::Address;
use sip::Transport;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Args;
use crate::campaigns;
use crate::chatbots;
use crate::files;
use crate::fleet::Fleet;
use crate::kamailio;
use crate::process::Process;
use crate::report::{Report, Row};
use crate::sessions;
use crate::streams;

/// Pairs of handsets that talk, and so messages under way at once.
const PAIRS: u32 = 200;
/// Registrations under way at once.
const REGISTERING: usize = 200;
/// Subscribers who are away in store-and-forward, and those who write to them.
const AWAY: u32 = 1000;
const WRITERS: u32 = 100;
/// Members of the group in the fan-out.
const MEMBERS: u32 = 100;
/// Over UDP, answered transactions are kept for 32 s (RFC 3261 timer J): only then has a server's memory its steady size.
const WARM_UP: Duration = Duration::from_secs(35);
/// A load that makes no progress for so long has failed.
const STALLED: Duration = Duration::from_secs(45);
/// What a server may still be doing when the last answer is out is counted too.
const SETTLE: Duration = Duration::from_secs(1);
/// Connections over which subscribers are added.
const ADMINS: u32 = 64;

pub const DOMAIN: &str = "hongyan.local";
pub const PASSWORD: &str = "correct horse";
const TRUST: &str = "HONGYAN_SIP__TRUST_UDP_SOURCE";

/// Runs all scenarios that were asked for.
pub fn all(runtime: &Runtime, args: &Args, report: &mut Report) -> io::Result<()> {
    let installed = args.kamailio.exists().then_some(args.kamailio.as_path());
    report.notes = notes(installed.is_some());
    let wanted = |name: &str| name.contains(&args.only);
    for (name, transport) in
        [("relay UDP", Transport::Udp), ("relay TCP", Transport::Tcp), ("relay WS", Transport::Ws)]
    {
        if !wanted(name) {
            continue;
        }
        if let Some(program) = &args.hongyan {
            let hongyan = Hongyan::start(runtime, program, 2 * PAIRS)?;
            let cost = relay(runtime, hongyan.platform.server(transport), hongyan.process(), args.messages)?;
            report.add(Row::new(name, "Hongyan", cost, "durable, every message"));
            hongyan.stop(runtime)?;
        }
        // Debian's Kamailio brings WebSocket in a package of its own, and no handset meets it there.
        if let Some(program) = installed
            && transport != Transport::Ws
        {
            let kamailio = kamailio::start(program, &args.kamailio_config)?;
            let server = Server { transport, address: kamailio.address() };
            let cost = relay(runtime, server, kamailio.process(), args.messages)?;
            report.add(Row::new(name, "Kamailio", cost, "t_relay, nothing on disk"));
        }
    }
    if let Some(program) = args.hongyan.as_deref().filter(|_| wanted("store and forward")) {
        store_and_forward(runtime, program, args.messages, report)?;
    }
    if let Some(program) = args.hongyan.as_deref().filter(|_| wanted("sessions")) {
        sessions::run(runtime, program, args.messages, report)?;
    }
    if let Some(program) = args.hongyan.as_deref().filter(|_| wanted("group fan-out")) {
        group_fan_out(runtime, program, args.messages, report)?;
    }
    if let Some(program) = args.hongyan.as_deref().filter(|_| wanted("API send")) {
        chatbots::sends(runtime, program, args.messages, report)?;
    }
    if let Some(program) = args.hongyan.as_deref().filter(|_| wanted("webhook")) {
        chatbots::webhooks(runtime, program, args.messages, report)?;
    }
    if let Some(program) = args.hongyan.as_deref().filter(|_| wanted("campaign")) {
        campaigns::run(runtime, program, (args.recipients, args.subscribers), report)?;
    }
    if wanted("registration") {
        if let Some(program) = &args.hongyan {
            registration(runtime, program, args.devices, report)?;
        }
        if let Some(program) = installed {
            let kamailio = kamailio::start(program, &args.kamailio_config)?;
            let server = Server { transport: Transport::Udp, address: kamailio.address() };
            let mut devices = fleet(0, args.devices, server)?;
            let cost = measure(kamailio.process(), || register(&mut devices))?;
            report.add(Row::new(
                "registration",
                "Kamailio",
                cost,
                "no credentials, one request each, memory only",
            ));
        }
    }
    if let Some(program) = args.hongyan.as_deref().filter(|_| wanted("files")) {
        let nginx = args.nginx.exists().then_some((args.nginx.as_path(), args.nginx_config.as_path()));
        files::compare(runtime, program, nginx, report)?;
    }
    Ok(())
}

/// Keeps a server busy with UDP relay for a profiler to look at.
pub fn profile(runtime: &Runtime, program: &Path, seconds: u64) -> io::Result<()> {
    let hongyan = Hongyan::start(runtime, program, 2 * PAIRS)?;
    eprintln!("pid {}", hongyan.platform.pid());
    let mut fleet = fleet(0, 2 * PAIRS, hongyan.platform.server(Transport::Udp))?;
    register(&mut fleet)?;
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        let cost = measure(hongyan.process(), || talk(&mut fleet, 20_000))?;
        eprintln!("{:.0}/s, {:.3} CPU s per 10,000", cost.per_second(), cost.cpu_per_10_000());
    }
    hongyan.stop(runtime)
}

/// What a load did and what it cost the server.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub count: u32,
    pub took: Duration,
    pub cpu: Duration,
}

impl Cost {
    pub fn per_second(&self) -> f64 {
        f64::from(self.count) / self.took.as_secs_f64()
    }

    pub fn cpu_per_10_000(&self) -> f64 {
        self.cpu.as_secs_f64() * 10_000.0 / f64::from(self.count)
    }
}

/// A platform for one scenario.
pub struct Hongyan {
    pub platform: Platform,
    _directory: TempDir,
}

impl Hongyan {
    pub fn start(runtime: &Runtime, program: &Path, subscribers: u32) -> io::Result<Self> {
        Self::start_with(runtime, program, subscribers, &[])
    }

    /// The same with more settings.
    pub fn start_with(
        runtime: &Runtime,
        program: &Path,
        subscribers: u32,
        settings: &[(&str, &str)],
    ) -> io::Result<Self> {
        let directory = tempfile::tempdir()?;
        let launch = Launch::new(program, directory.path())
            .setting(TRUST, "true")
            .setting("HONGYAN_LOG__FILTER", "warn");
        let launch = settings.iter().fold(launch, |launch, (key, value)| launch.setting(key, value));
        let platform = runtime.block_on(async {
            let platform = Platform::start(&launch).await?;
            add_subscribers(&platform, subscribers).await?;
            io::Result::Ok(platform)
        })?;
        Ok(Self { platform, _directory: directory })
    }

    pub fn process(&self) -> Process {
        Process::single(self.platform.pid())
    }

    pub fn stop(self, runtime: &Runtime) -> io::Result<()> {
        match runtime.block_on(self.platform.stop())? {
            true => Ok(()),
            false => Err(io::Error::other("the platform did not end well")),
        }
    }
}

async fn add_subscribers(platform: &Platform, count: u32) -> io::Result<()> {
    let mut adding = tokio::task::JoinSet::new();
    for first in 0..ADMINS {
        let mut admin = platform.admin().await?;
        adding.spawn(async move {
            for index in (first..count).step_by(ADMINS as usize) {
                admin.add_subscriber(&number(index), PASSWORD).await?;
            }
            io::Result::Ok(())
        });
    }
    while let Some(added) = adding.join_next().await {
        added.map_err(io::Error::other)??;
    }
    Ok(())
}

pub fn number(index: u32) -> String {
    format!("+86138{:08}", 100_000 + index)
}

/// The URI under which a subscriber is written to.
pub fn uri(index: u32) -> String {
    format!("sip:{}@{DOMAIN};user=phone", number(index))
}

/// The handset of a subscriber.
pub fn handset(index: u32) -> Handset {
    let address = Address::subscriber(&number(index)).expect("our numbers are E.164");
    let mut config =
        Config::new(address.user(), DOMAIN, PASSWORD, u64::from(index)).expect("our numbers are E.164");
    config.reports_delivery = false;
    Handset::new(config)
}

/// A pager message as handsets send them: with CPIM some 1,000 bytes, without reports.
pub fn outgoing() -> Outgoing {
    Outgoing::text("明天北京到上海的高铁还有票吗?").without_reports()
}

pub fn fleet(first: u32, count: u32, server: Server) -> io::Result<Fleet> {
    Fleet::new((first..first + count).map(handset).collect(), server)
}

/// Measures `load`, which gives the number of things done.
pub fn measure(process: Process, load: impl FnOnce() -> io::Result<u32>) -> io::Result<Cost> {
    let (cpu, start) = (process.cpu()?, Instant::now());
    let count = load()?;
    let took = start.elapsed();
    std::thread::sleep(SETTLE);
    Ok(Cost { count, took, cpu: process.cpu()? - cpu })
}

/// Messages between handsets that are there, one at a time in each pair.
fn relay(runtime: &Runtime, server: Server, process: Process, count: u32) -> io::Result<Cost> {
    if server.transport != Transport::Udp {
        let mut pairs = runtime.block_on(streams::connect(server, PAIRS))?;
        // Once around to warm up.
        runtime.block_on(streams::talk(&mut pairs, PAIRS * 5))?;
        return measure(process, || runtime.block_on(streams::talk(&mut pairs, count)));
    }
    let mut fleet = fleet(0, 2 * PAIRS, server)?;
    register(&mut fleet)?;
    let warm = Instant::now() + WARM_UP;
    while Instant::now() < warm {
        talk(&mut fleet, PAIRS * 5)?;
    }
    measure(process, || talk(&mut fleet, count))
}

fn talk(fleet: &mut Fleet, count: u32) -> io::Result<u32> {
    let outgoing = outgoing();
    let (mut started, mut accepted, mut received) = (0, 0, 0);
    for pair in 0..PAIRS.min(count) {
        fleet.act(2 * pair as usize, |handset, now| handset.send(now, &uri(2 * pair + 1), &outgoing));
        started += 1;
    }
    let mut progress = Progress::new();
    while accepted < count || received < count {
        fleet.step()?;
        for (at, event) in fleet.happened() {
            progress.made();
            match event {
                Event::Sent { status: 200, .. } => {
                    accepted += 1;
                    if started < count {
                        started += 1;
                        fleet.act(at, |handset, now| handset.send(now, &uri(at as u32 + 1), &outgoing));
                    }
                }
                Event::Message(_) => received += 1,
                Event::Sent { status, .. } => {
                    return Err(unexpected(format_args!("a message was answered {status}")));
                }
                Event::NotSent { why, .. } => {
                    return Err(unexpected(format_args!("a message was not sent: {why}")));
                }
                _ => {}
            }
        }
        progress.check("messages")?;
    }
    Ok(accepted)
}

/// Registers every handset of a fleet.
pub fn register(fleet: &mut Fleet) -> io::Result<u32> {
    let count = fleet.len();
    let (mut started, mut registered) = (0, 0);
    let mut progress = Progress::new();
    while registered < count {
        while started < count && started - registered < REGISTERING {
            fleet.act(started, Handset::register);
            started += 1;
        }
        fleet.step()?;
        for (_, event) in fleet.happened() {
            progress.made();
            match event {
                Event::Registered { .. } => registered += 1,
                Event::NotRegistered(why) => return Err(unexpected(format_args!("not registered: {why}"))),
                _ => {}
            }
        }
        progress.check("registrations")?;
    }
    Ok(registered as u32)
}

fn store_and_forward(runtime: &Runtime, program: &Path, count: u32, report: &mut Report) -> io::Result<()> {
    let hongyan = Hongyan::start(runtime, program, WRITERS + AWAY)?;
    let server = hongyan.platform.server(Transport::Udp);
    let mut writers = fleet(0, WRITERS, server)?;
    register(&mut writers)?;
    let cost = measure(hongyan.process(), || write_to_the_away(&mut writers, count))?;
    report.add(Row::new("store (202)", "Hongyan", cost, "to 1,000 who are away, UDP"));

    let mut away = fleet(WRITERS, AWAY, server)?;
    let cost = measure(hongyan.process(), || come_back(&mut away, count))?;
    report.add(Row::new("forward", "Hongyan", cost, "the 1,000 register and fetch all, UDP"));
    hongyan.stop(runtime)
}

/// What is said in a group of many: the count is of copies.
fn group_fan_out(runtime: &Runtime, program: &Path, count: u32, report: &mut Report) -> io::Result<()> {
    let hongyan = Hongyan::start(runtime, program, MEMBERS)?;
    let server = hongyan.platform.server(Transport::Tcp);
    let mut group = runtime.block_on(streams::gather(server, MEMBERS))?;
    runtime.block_on(streams::speak(&mut group, 5))?;
    let times = (count / (MEMBERS - 1)).max(1);
    let cost = measure(hongyan.process(), || runtime.block_on(streams::speak(&mut group, times)))?;
    report.add(Row::new(
        "group fan-out",
        "Hongyan",
        cost,
        "copies of messages to 99 others, by way of their mailboxes, TCP",
    ));
    hongyan.stop(runtime)
}

fn write_to_the_away(writers: &mut Fleet, count: u32) -> io::Result<u32> {
    write_to_each(writers, |n| uri(WRITERS + n % AWAY), count)
}

/// Messages to one who takes them by way of a mailbox, two at a time from each writer.
pub fn write_to(writers: &mut Fleet, to: &str, count: u32) -> io::Result<u32> {
    write_to_each(writers, |_| to.to_owned(), count)
}

fn write_to_each(writers: &mut Fleet, to: impl Fn(u32) -> String, count: u32) -> io::Result<u32> {
    let outgoing = outgoing();
    let (mut started, mut accepted) = (0, 0);
    let write = |writers: &mut Fleet, at: usize, started: &mut u32| {
        let to = to(*started);
        *started += 1;
        writers.act(at, |handset, now| handset.send(now, &to, &outgoing));
    };
    for at in 0..writers.len().min(count as usize / 2) {
        write(writers, at, &mut started);
        write(writers, at, &mut started);
    }
    let mut progress = Progress::new();
    while accepted < started {
        writers.step()?;
        for (at, event) in writers.happened() {
            progress.made();
            match event {
                Event::Sent { status: 202, .. } => {
                    accepted += 1;
                    if started < count {
                        write(writers, at, &mut started);
                    }
                }
                Event::Sent { status, .. } => {
                    return Err(unexpected(format_args!("a message was answered {status}")));
                }
                Event::NotSent { why, .. } => {
                    return Err(unexpected(format_args!("a message was not sent: {why}")));
                }
                _ => {}
            }
        }
        progress.check("messages")?;
    }
    Ok(accepted)
}

fn come_back(away: &mut Fleet, count: u32) -> io::Result<u32> {
    for at in 0..away.len() {
        away.act(at, Handset::register);
        away.step()?;
    }
    let mut received = 0;
    let mut progress = Progress::new();
    while received < count {
        away.step()?;
        for (_, event) in away.happened() {
            progress.made();
            received += u32::from(matches!(event, Event::Message(_)));
        }
        progress.check("waiting messages")?;
    }
    Ok(received)
}

fn registration(runtime: &Runtime, program: &Path, count: u32, report: &mut Report) -> io::Result<()> {
    let hongyan = Hongyan::start(runtime, program, count)?;
    std::thread::sleep(SETTLE);
    let before = hongyan.process().resident_bytes()?;
    let mut devices = fleet(0, count, hongyan.platform.server(Transport::Udp))?;
    let cost = measure(hongyan.process(), || register(&mut devices))?;
    report.add(Row::new("registration", "Hongyan", cost, "durable, Digest SHA-256: two requests each, UDP"));
    // What is kept for transactions is none of the devices'.
    std::thread::sleep(WARM_UP);
    let after = hongyan.process().resident_bytes()?;
    report.memory = Some((count, before, after));
    let cost = measure(hongyan.process(), || register(&mut devices))?;
    report.add(Row::new("refresh", "Hongyan", cost, "the same devices again, nonce known"));
    hongyan.stop(runtime)
}

fn notes(with_kamailio: bool) -> Vec<String> {
    let mut notes = vec![
        format!(
            "Relay: {PAIRS} pairs of handsets, one message under way in each; CPIM text of some 1,000 bytes, no reports asked \
             for. Accepted means answered 200 after the addressee's device answered 200 and the record was synced to disk."
        ),
        "Over UDP the platform runs with `sip.trust_udp_source = true`: a sender is known by the address it registered from, \
         as a connection is over TCP and WebSocket. Without it every MESSAGE over UDP carries a Digest to verify."
            .to_owned(),
        format!(
            "Over UDP the load runs for {} s before it is measured, longer than transactions are kept (32 s), so that both \
             servers' memory has its steady size.",
            WARM_UP.as_secs()
        ),
        "CPU is user and system time of all threads and processes of the server, from `/proc`, until one second after the \
         last answer. The load generator runs on the same machine, so messages per second are what is left beside it."
            .to_owned(),
    ];
    if with_kamailio {
        notes.push(
            "Kamailio 5.6 runs `bench/kamailio/kamailio.cfg`: registrar in memory, `t_relay`, no credentials, nothing on disk."
                .to_owned(),
        );
    }
    notes
}

/// Notices when nothing happens any more.
struct Progress(Instant);

impl Progress {
    fn new() -> Self {
        Self(Instant::now())
    }

    fn made(&mut self) {
        self.0 = Instant::now();
    }

    fn check(&self, of: &str) -> io::Result<()> {
        match self.0.elapsed() > STALLED {
            true => Err(unexpected(format_args!("no more {of} for {STALLED:?}"))),
            false => Ok(()),
        }
    }
}

pub fn unexpected(what: std::fmt::Arguments<'_>) -> io::Error {
    io::Error::other(what.to_string())
}
