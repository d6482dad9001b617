//! Sessions over MSRP: messages in chats, and large ones, from handset to handset through the platform.

use std::io;
use std::path::Path;
use std::time::Duration;

use handset::run::{Phone, Server};
use handset::{Config, Event, Handset, Outgoing, Services};
use sip::Transport;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::files::Spent;
use crate::report::{Report, Row, SessionRow};
use crate::scenarios::{DOMAIN, Hongyan, PASSWORD, measure, number, unexpected, uri};

/// Chats at once.
const CHATS: u32 = 50;
/// Large messages under way at once, and the size of each.
const LARGE_PAIRS: u32 = 4;
const LARGE_BYTES: usize = 1 << 20;
/// Large messages in all.
const LARGE_MESSAGES: u32 = 200;
/// A message that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(45);

/// Two handsets, and what one sends the other.
struct Pair {
    from: Phone,
    to: Phone,
    to_uri: String,
    chat: u64,
}

/// Measures both.
pub fn run(runtime: &Runtime, program: &Path, count: u32, report: &mut Report) -> io::Result<()> {
    let hongyan = Hongyan::start(runtime, program, 2 * CHATS)?;
    let server = hongyan.platform.server(Transport::Tcp);
    let mut pairs = runtime.block_on(connect(server, CHATS))?;
    runtime.block_on(talk(&mut pairs, CHATS * 5))?;
    let cost = measure(hongyan.process(), || runtime.block_on(talk(&mut pairs, count)))?;
    report.add(Row::new("chat MSRP", "Hongyan", cost, "two legs, durable, every message"));
    pairs.truncate(LARGE_PAIRS as usize);
    runtime.block_on(send_large(&mut pairs, LARGE_PAIRS))?;
    let cost = measure(hongyan.process(), || runtime.block_on(send_large(&mut pairs, LARGE_MESSAGES)))?;
    let spent = Spent { bytes: u64::from(cost.count) * LARGE_BYTES as u64, took: cost.took, cpu: cost.cpu };
    report.add_session(SessionRow {
        scenario: "large messages",
        spent,
        note: "in chunks of 2048, in and out, by way of a synced file",
    });
    drop(pairs);
    hongyan.stop(runtime)
}

async fn connect(server: Server, count: u32) -> io::Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for pair in 0..count {
        let mut from = phone(2 * pair, server).await?;
        let to = phone(2 * pair + 1, server).await?;
        let to_uri = uri(2 * pair + 1);
        let chat = from.call(&to_uri).await.map_err(io::Error::other)?;
        pairs.push(Pair { from, to, to_uri, chat });
    }
    Ok(pairs)
}

async fn phone(index: u32, server: Server) -> io::Result<Phone> {
    let config = Config::new(&number(index), DOMAIN, PASSWORD, u64::from(index)).map_err(io::Error::other)?;
    let handset = Handset::new(Config { services: Services::all(), reports_delivery: false, ..config });
    let mut phone = Phone::start(handset, server).await?;
    phone.register().await.map_err(io::Error::other)?;
    Ok(phone)
}

/// Messages in every chat, one at a time in each.
async fn talk(pairs: &mut Vec<Pair>, count: u32) -> io::Result<u32> {
    let mut talking = JoinSet::new();
    let each = count.div_ceil(pairs.len() as u32);
    for mut pair in pairs.drain(..) {
        talking.spawn(async move {
            for _ in 0..each {
                let outgoing = Outgoing::text("明天北京到上海的高铁还有票吗?").without_reports();
                pair.from.say(pair.chat, outgoing).await.map_err(io::Error::other)?;
                arrives(&mut pair.to).await?;
            }
            io::Result::Ok(pair)
        });
    }
    gather(pairs, talking).await?;
    Ok(each * pairs.len() as u32)
}

/// Large messages, one at a time in each pair.
async fn send_large(pairs: &mut Vec<Pair>, count: u32) -> io::Result<u32> {
    let mut sending = JoinSet::new();
    let each = count.div_ceil(pairs.len() as u32);
    let text = "x".repeat(LARGE_BYTES);
    for mut pair in pairs.drain(..) {
        let outgoing = Outgoing::text(&text).without_reports();
        sending.spawn(async move {
            for _ in 0..each {
                pair.from.send_large(&pair.to_uri, outgoing.clone()).await.map_err(io::Error::other)?;
                arrives(&mut pair.to).await?;
            }
            io::Result::Ok(pair)
        });
    }
    gather(pairs, sending).await?;
    Ok(each * pairs.len() as u32)
}

async fn arrives(phone: &mut Phone) -> io::Result<()> {
    let arrived = phone.wait(PATIENCE, |event| matches!(event, Event::Message(_)).then_some(()));
    arrived.await.map_err(|error| unexpected(format_args!("a message did not arrive: {error}")))
}

async fn gather(pairs: &mut Vec<Pair>, mut tasks: JoinSet<io::Result<Pair>>) -> io::Result<()> {
    while let Some(pair) = tasks.join_next().await {
        pairs.push(pair.map_err(io::Error::other)??);
    }
    Ok(())
}
