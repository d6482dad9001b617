//! Chats and large messages over real sockets: TCP and WebSocket, small bodies and spooled ones, a process that is killed, and
//! peers that behave badly.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::path::Path;
use std::time::Duration;

use handset::platform::{Launch, Platform};
use handset::run::{Phone, PhoneError};
use handset::{Config, Event, Failure, Handset, Incoming, Outgoing, Services};
use sip::Transport;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

const DOMAIN: &str = "hongyan.local";
const PASSWORD: &str = "correct horse";
const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const PATIENCE: Duration = Duration::from_secs(20);

async fn platform(directory: &Path) -> Platform {
    let launch = Launch::new(env!("CARGO_BIN_EXE_hongyan"), directory);
    let platform = Platform::start(&launch).await.unwrap();
    for number in [ALICE, BOB] {
        platform.add_subscriber(number, PASSWORD).await.unwrap();
    }
    platform
}

async fn phone(platform: &Platform, number: &str, transport: Transport, services: Services) -> Phone {
    let config = Config::new(number, DOMAIN, PASSWORD, number.len() as u64 + transport as u64).unwrap();
    let config = Config { services, ..config };
    let mut phone = Phone::start(Handset::new(config), platform.server(transport)).await.unwrap();
    phone.register().await.unwrap();
    phone
}

async fn message(phone: &mut Phone) -> Incoming {
    let shown = phone.wait(PATIENCE, |event| match event {
        Event::Message(message) => Some(message.clone()),
        _ => None,
    });
    shown.await.unwrap()
}

fn tel(number: &str) -> String {
    format!("tel:{number}")
}

/// Bodies that are spooled now.
fn spooled(directory: &Path) -> usize {
    std::fs::read_dir(directory.join("spool")).unwrap().count()
}

/// Waits until nothing is spooled: files go a moment after what they were for.
async fn nothing_spooled(directory: &Path) {
    let gone = async {
        while spooled(directory) > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chat_runs_over_tcp_and_websocket_alike() {
    let directory = tempfile::tempdir().unwrap();
    let platform = platform(directory.path()).await;
    for (hers, his) in [(Transport::Tcp, Transport::Ws), (Transport::Ws, Transport::Udp)] {
        let mut alice = phone(&platform, ALICE, hers, Services::all()).await;
        let mut bob = phone(&platform, BOB, his, Services::all()).await;
        let chat = alice.call(&tel(BOB)).await.unwrap();
        assert_eq!(alice.say(chat, Outgoing::text("吃了吗?")).await.unwrap(), 200);
        assert_eq!(message(&mut bob).await.text(), "吃了吗?");
        let back = bob.wait(PATIENCE, |event| match event {
            Event::CallOpen { call, .. } => Some(*call),
            _ => None,
        });
        let back = back.await.unwrap();
        // More than one chunk, less than is spooled.
        let answer = "吃了。".repeat(2000);
        assert_eq!(bob.say(back, Outgoing::text(&answer)).await.unwrap(), 200);
        assert_eq!(message(&mut alice).await.text(), answer);
        alice.with(move |handset, now| handset.hang_up(now, chat)).await;
        let ended = bob.wait(PATIENCE, |event| matches!(event, Event::CallEnded { .. }).then_some(()));
        ended.await.unwrap();
        alice.stop().await;
        bob.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_arrives_byte_for_byte_and_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let platform = platform(directory.path()).await;
    let mut alice = phone(&platform, ALICE, Transport::Tcp, Services::all()).await;
    let mut bob = phone(&platform, BOB, Transport::Ws, Services::all()).await;
    let payload: Vec<u8> = (0..5_000_000u32).map(|at| (at.wrapping_mul(31) >> 3) as u8).collect();
    let outgoing = Outgoing {
        content_type: "application/octet-stream".to_owned(),
        payload: payload.clone().into(),
        ..Outgoing::text("")
    };
    assert_eq!(alice.send_large(&tel(BOB), outgoing).await.unwrap(), 200);
    let shown = message(&mut bob).await;
    assert_eq!(shown.content_type, "application/octet-stream");
    assert!(shown.payload == payload, "the same bytes");
    nothing_spooled(directory.path()).await;
    let too_large = Outgoing::text("x".repeat((10 << 20) + 1));
    let refused = alice.send_large(&tel(BOB), too_large).await;
    assert!(matches!(refused, Err(PhoneError::Failure(Failure::Refused(413)))), "{refused:?}");
    nothing_spooled(directory.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_taken_for_somebody_away_survives_kill_9() {
    let directory = tempfile::tempdir().unwrap();
    let first = platform(directory.path()).await;
    let mut alice = phone(&first, ALICE, Transport::Tcp, Services::all()).await;
    let large = "明天见。".repeat(100_000);
    let chat = alice.call(&tel(BOB)).await.unwrap();
    assert_eq!(alice.say(chat, Outgoing::text("small")).await.unwrap(), 200);
    assert_eq!(alice.send_large(&tel(BOB), Outgoing::text(&large)).await.unwrap(), 200);
    assert_eq!(spooled(directory.path()), 1);
    first.kill().await.unwrap();
    std::fs::write(directory.path().join("spool/left-behind"), "half a message").unwrap();

    let second = platform(directory.path()).await;
    assert_eq!(spooled(directory.path()), 1, "what nobody needs is gone, what somebody needs is not");
    let mut bob = phone(&second, BOB, Transport::Tcp, Services::all()).await;
    let mut texts = [message(&mut bob).await.text(), message(&mut bob).await.text()];
    texts.sort_by_key(String::len);
    assert!(texts == ["small".to_owned(), large]);
    nothing_spooled(directory.path()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_peers_hear_what_is_wrong_and_do_no_harm() {
    let directory = tempfile::tempdir().unwrap();
    let platform = platform(directory.path()).await;
    let ready = std::fs::read_to_string(directory.path().join("ready.json")).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let address = ready["msrp"].as_str().unwrap().to_owned();
    let stranger = format!(
        "MSRP abcd1234 SEND\r\nTo-Path: msrp://{address}/guessed;tcp\r\n\
         From-Path: msrp://10.0.0.7:9/theirs;tcp\r\nMessage-ID: 1\r\n-------abcd1234$\r\n"
    );
    for (sent, heard) in [
        (stranger.as_str(), Some("MSRP abcd1234 481 ")),
        ("GET / HTTP/1.1\r\n\r\n", None),
        ("MSRP abcd1234 SEND\r\nno header\r\n\r\n", None),
    ] {
        let mut socket = TcpStream::connect(&address).await.unwrap();
        socket.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        // The connection ends: it belongs to no session.
        timeout(PATIENCE, socket.read_to_string(&mut answer)).await.unwrap().unwrap();
        match heard {
            Some(heard) => assert!(answer.starts_with(heard), "{answer}"),
            None => assert_eq!(answer, ""),
        }
    }
    let mut alice = phone(&platform, ALICE, Transport::Tcp, Services::all()).await;
    let chat = alice.call(&tel(BOB)).await.unwrap();
    assert_eq!(alice.say(chat, Outgoing::text("still there")).await.unwrap(), 200);
}
