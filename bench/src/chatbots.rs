//! The chatbot API: messages that chatbots send, beside a handler of the same server library that does nothing with them; and
//! what users say to a chatbot, pushed to its webhook.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{any, post};
use handset::platform::Admin;
use serde_json::{Value, json};
use sip::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::fleet::Fleet;
use crate::peer::Peer;
use crate::process::Process;
use crate::report::{Report, Row};
use crate::scenarios::{Cost, DOMAIN, Hongyan, fleet, measure, number, register, unexpected, write_to};

/// Connections over which chatbots send.
const CONNECTIONS: usize = 64;
/// Users whom they send to: nobody is there, so that the API is what is measured.
const USERS: u32 = 1_000;
/// Handsets that write to a chatbot.
const WRITERS: u32 = 200;
/// What users have said to each of the chatbots whose webhooks fail.
const WAITING: u32 = 1_000;
/// Without one for so long, no more pushes come.
const STALLED: Duration = Duration::from_secs(45);
const BOT: &str = "106900";
/// No limit that would be reached.
const UNLIMITED: [(&str, &str); 3] = [
    ("HONGYAN_MAAP__SENDS_PER_SECOND", "4000000000"),
    ("HONGYAN_MESSAGES__MAILBOX_MESSAGES", "4000000000"),
    ("HONGYAN_MESSAGES__MAILBOX_BYTES", "1000000000000"),
];

/// What a handler answers that does nothing.
const NOTHING_DONE: &str = r#"{"messageId":"1","errorCode":0,"errorMessage":"ok"}"#;

/// Serves a handler that takes a body and answers: the process beside which the API is measured.
pub fn serve_trivially(runtime: &Runtime, address: SocketAddr) -> io::Result<()> {
    let answer = |body: Bytes| async move {
        match body.is_empty() {
            true => StatusCode::BAD_REQUEST.into_response(),
            false => ([(CONTENT_TYPE, "application/json")], NOTHING_DONE).into_response(),
        }
    };
    let router = Router::new().route("/bot/v1/{*path}", post(answer));
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await?;
        axum::serve(listener, router).await
    })
}

/// Messages accepted by the API, ours and the handler's in turn.
pub fn sends(runtime: &Runtime, program: &Path, count: u32, report: &mut Report) -> io::Result<()> {
    let hongyan = Hongyan::start_with(runtime, program, USERS, &UNLIMITED)?;
    let address = hongyan.platform.server(Transport::Ws).address;
    let token = runtime.block_on(log_in(&hongyan, address))?;
    let cost = send_measured(runtime, hongyan.process(), address, &token, count)?;
    report.add(Row::new(
        "API send",
        "Hongyan",
        cost,
        "token, content checked, durable, to users who are away",
    ));
    hongyan.stop(runtime)?;

    let directory = tempfile::tempdir()?;
    let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut trivial = Command::new(std::env::current_exe()?);
    trivial.arg("--trivial").arg(address.to_string());
    let trivial = Peer::start(&mut trivial, address, directory)?;
    let cost = send_measured(runtime, trivial.process(), address, "none", count)?;
    report.add(Row::new("API send", "axum", cost, "a handler that reads the body and answers"));
    Ok(())
}

/// How a webhook fails.
#[derive(Debug, Clone, Copy)]
enum Failing {
    /// Answers 500.
    Error,
    /// Takes the request and never answers.
    Hanging,
    /// Takes the request and closes.
    Closing,
    /// Redirects to an address within.
    Redirecting,
    /// Answers 500 and then 100 MB.
    Babbling,
}

/// What users say, pushed to a webhook of ours: alone, and beside webhooks that fail in every way.
pub fn webhooks(runtime: &Runtime, program: &Path, count: u32, report: &mut Report) -> io::Result<()> {
    let hongyan = Hongyan::start_with(runtime, program, WRITERS, &UNLIMITED)?;
    let (taken, news) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let webhook = runtime.block_on(webhook(taken.clone(), news.clone()))?;
    runtime.block_on(create(&hongyan, BOT, Some(webhook)))?;
    let mut writers = fleet(0, WRITERS, hongyan.platform.server(Transport::Udp))?;
    register(&mut writers)?;
    let pushed = |writers: &mut Fleet| {
        let before = taken.load(Ordering::SeqCst);
        measure(hongyan.process(), || {
            write_to(writers, &uri(BOT), count)?;
            runtime.block_on(async {
                while taken.load(Ordering::SeqCst) - before < count {
                    let heard = timeout(STALLED, news.notified()).await;
                    heard.map_err(|_| unexpected(format_args!("no more pushes for {STALLED:?}")))?;
                }
                io::Result::Ok(count)
            })
        })
    };
    let alone = pushed(&mut writers)?;
    report.add(Row::new(
        "webhook",
        "Hongyan",
        alone,
        "from a MESSAGE over UDP to the 204 of its signed push",
    ));

    let kinds = [Failing::Error, Failing::Hanging, Failing::Closing, Failing::Redirecting, Failing::Babbling];
    for (at, failing) in kinds.into_iter().enumerate() {
        let name = format!("10691{at}");
        let webhook = failing_webhook(failing)?;
        runtime.block_on(create(&hongyan, &name, Some(webhook)))?;
        write_to(&mut writers, &uri(&name), WAITING)?;
    }
    let beside = pushed(&mut writers)?;
    report.add(Row::new(
        "webhook beside",
        "Hongyan",
        beside,
        "the same, with 1,000 messages each waiting for webhooks that answer 500, hang, close, redirect, babble",
    ));
    report.notes.push(format!(
        "Webhooks that fail beside one that does not: pushes a second {:.2} times, CPU a push {:.2} times as much as without them.",
        beside.per_second() / alone.per_second(),
        beside.cpu_per_10_000() / alone.cpu_per_10_000(),
    ));
    for at in 0..kinds.len() {
        let kept = runtime.block_on(waiting(&hongyan, &format!("10691{at}")))?;
        if kept != u64::from(WAITING) {
            return Err(unexpected(format_args!("{kept} messages wait for 10691{at}, not {WAITING}")));
        }
    }
    hongyan.stop(runtime)
}

/// A webhook that takes everything.
async fn webhook(taken: Arc<AtomicU32>, news: Arc<Notify>) -> io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let take = move || {
        taken.fetch_add(1, Ordering::SeqCst);
        news.notify_one();
        async { StatusCode::NO_CONTENT }
    };
    tokio::spawn(axum::serve(listener, Router::new().route("/{*path}", any(take))).into_future());
    Ok(address)
}

/// A webhook that takes nothing, in a thread of its own: what it does must not slow down the one that takes everything.
fn failing_webhook(failing: Failing) -> io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(fail(stream, failing));
            }
            io::Result::Ok(())
        })
    });
    Ok(address)
}

async fn fail(mut stream: TcpStream, failing: Failing) -> io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    while stream.read(&mut piece).await? > 0 {
        match failing {
            Failing::Error => {
                stream.write_all(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n").await?;
            }
            Failing::Hanging => {}
            Failing::Closing => return Ok(()),
            Failing::Redirecting => {
                let answer = b"HTTP/1.1 302 Elsewhere\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer).await?;
            }
            Failing::Babbling => {
                stream.write_all(b"HTTP/1.1 500 Broken\r\nContent-Length: 100000000\r\n\r\n").await?;
                for _ in 0..100_000_000 / piece.len() {
                    stream.write_all(&piece).await?;
                }
            }
        }
    }
    Ok(())
}

/// How many messages wait for a chatbot.
async fn waiting(hongyan: &Hongyan, name: &str) -> io::Result<u64> {
    let path = format!("/mailboxes/{name}");
    let (_, mailbox) = hongyan.platform.admin().await?.call("GET", &path, None).await?;
    Ok(mailbox["count"].as_u64().unwrap_or_default())
}

fn uri(name: &str) -> String {
    format!("sip:{name}@botplatform.{DOMAIN}")
}

/// Makes a chatbot, and gives what the answer says.
async fn create(hongyan: &Hongyan, name: &str, webhook: Option<SocketAddr>) -> io::Result<Value> {
    let mut chatbot = json!({ "name": name, "allowPrivateWebhook": true });
    if let Some(webhook) = webhook {
        chatbot["webhook"] = json!(format!("http://{webhook}"));
    }
    match hongyan.platform.admin().await?.call("POST", "/chatbots", Some(&chatbot)).await? {
        (200..300, made) => Ok(made),
        (status, answer) => Err(unexpected(format_args!("no chatbot: {status} {answer}"))),
    }
}

/// Makes a chatbot, gives it a token.
async fn log_in(hongyan: &Hongyan, address: SocketAddr) -> io::Result<String> {
    let made = create(hongyan, BOT, None).await?;
    let body = json!({ "appId": made["appId"], "appKey": made["appKey"] }).to_string();
    let mut connection = Admin::connect(address).await?;
    let (_, answer) =
        connection.exchange("POST", &format!("/bot/v1/{BOT}/accessToken"), "accessToken", &body).await?;
    let token = answer["accessToken"].as_str();
    token.map(str::to_owned).ok_or_else(|| unexpected(format_args!("no token: {answer}")))
}

fn send_measured(
    runtime: &Runtime,
    process: Process,
    address: SocketAddr,
    token: &str,
    count: u32,
) -> io::Result<Cost> {
    runtime.block_on(send_all(address, token, 0, CONNECTIONS as u32 * 20))?;
    measure(process, || runtime.block_on(send_all(address, token, CONNECTIONS as u32 * 20, count)))
}

/// Sends `count` messages, one at a time over each connection, to one user each.
async fn send_all(address: SocketAddr, token: &str, first: u32, count: u32) -> io::Result<u32> {
    let next = Arc::new(AtomicI64::new(first.into()));
    let end = i64::from(first) + i64::from(count);
    let mut sending = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (next, authorization) = (next.clone(), format!("accessToken {token}"));
        let mut connection = Admin::connect(address).await?;
        sending.spawn(async move {
            let mut accepted = 0;
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= end {
                    return io::Result::Ok(accepted);
                }
                let target = format!("/bot/v1/{BOT}/messages");
                let (status, answer) =
                    connection.exchange("POST", &target, &authorization, &message(n)).await?;
                if status != 200 || answer["errorCode"] != 0 {
                    return Err(unexpected(format_args!("a message was answered {status} {answer}")));
                }
                accepted += 1;
            }
        });
    }
    let mut accepted = 0;
    while let Some(sent) = sending.join_next().await {
        accepted += sent.map_err(io::Error::other)??;
    }
    Ok(accepted)
}

/// A message as chatbots send it: text with two chips.
fn message(n: i64) -> String {
    let to = number((n as u32) % USERS);
    let chips = json!({ "suggestions": [
        { "reply": { "displayText": "订二等座", "postback": { "data": "buy:G1:2" } } },
        { "reply": { "displayText": "换一天", "postback": { "data": "day" } } },
    ] });
    let body: Value = json!({
        "messageId": format!("bench-{n}"),
        "messageList": [
            { "contentType": "text/plain", "contentText": "G1 北京南 → 上海虹桥 09:00 – 13:28,二等座 ¥553" },
            { "contentType": "application/vnd.gsma.botsuggestion.v1.0+json", "contentText": chips },
        ],
        "destinationAddress": [format!("tel:{to}")],
        "senderAddress": uri(BOT),
        "conversationId": "fc3bf7b1-3f3b-4a5c-9c1e-000000000001",
        "contributionId": format!("fc3bf7b1-3f3b-4a5c-9c1e-{n:012}"),
        "serviceCapability": [{ "capabilityId": "ChatbotSA", "version": "+g.gsma.rcs.botversion=\"#=1\"" }],
    });
    body.to_string()
}
