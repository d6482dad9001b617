//! `hongyan handset` as a program: two of them speak with each other through a real server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::process::Stdio;

use handset::platform::{Launch, Platform};
use serde_json::Value;
use sip::Transport;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

const ALICE: &str = "+8613800000001";
const BOB: &str = "+8613800000002";
const PASSWORD: &str = "open sesame";

async fn platform(data: &std::path::Path) -> Platform {
    let platform = Platform::start(&Launch::new(env!("CARGO_BIN_EXE_hongyan"), data)).await.unwrap();
    platform.add_subscriber(ALICE, PASSWORD).await.unwrap();
    platform.add_subscriber(BOB, PASSWORD).await.unwrap();
    platform
}

fn handset(platform: &Platform, number: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongyan"));
    command
        .args(["handset", "--number", number, "--server"])
        .arg(format!("http://{}", platform.server(Transport::Ws).address))
        .args(arguments)
        .env("HONGYAN_HANDSET_PASSWORD", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs it to its end: whether it went well, and the JSON objects that it printed.
async fn run(platform: &Platform, number: &str, arguments: &[&str]) -> (bool, Vec<Value>) {
    let output = handset(platform, number, arguments).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.success(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn of<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn scripts_send_take_back_and_receive() {
    let data = tempfile::tempdir().unwrap();
    let platform = platform(data.path()).await;
    let (is_sent, events) = run(&platform, ALICE, &["--json", "send", BOB, "晚饭？"]).await;
    assert!(is_sent);
    let sent = of(&events, "sent")[0];
    assert_eq!(sent["status"], 202, "Bob is away");
    let (is_sent, events) = run(&platform, ALICE, &["--json", "send", BOB, "never mind"]).await;
    assert!(is_sent);
    let regretted = of(&events, "sent")[0]["messageId"].as_str().unwrap().to_owned();
    let (is_done, events) = run(&platform, ALICE, &["--json", "revoke", BOB, &regretted]).await;
    assert!(is_done);
    assert_eq!(of(&events, "revoked")[0]["done"], true);

    let file = data.path().join("menu.txt");
    std::fs::write(&file, "dumplings").unwrap();
    let (is_sent, _) = run(&platform, ALICE, &["--json", "send-file", BOB, file.to_str().unwrap()]).await;
    assert!(is_sent);

    let (is_done, events) =
        run(&platform, BOB, &["--json", "receive", "--count", "2", "--timeout", "30"]).await;
    assert!(is_done);
    let messages = of(&events, "message");
    assert_eq!(messages[0]["text"], "晚饭？");
    assert_eq!(messages[0]["messageId"], sent["messageId"]);
    assert!(messages[1]["text"].as_str().unwrap().starts_with("[menu.txt, 9 bytes] http"), "{}", messages[1]);

    // What was said before was not kept, and is not there.
    let (is_done, _) = run(&platform, BOB, &["--json", "history"]).await;
    assert!(!is_done, "no history is kept");
    let (status, _) = platform
        .admin()
        .await
        .unwrap()
        .call("PUT", &format!("/subscribers/{BOB}/history"), None)
        .await
        .unwrap();
    assert_eq!(status, 204);
    let (is_sent, _) = run(&platform, ALICE, &["--json", "send", BOB, "dumplings"]).await;
    assert!(is_sent);
    let (is_done, kept) = run(&platform, BOB, &["--json", "history", "--limit", "5"]).await;
    assert!(is_done);
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0]["text"], &kept[0]["direction"]), (&"dumplings".into(), &"in".into()));
    let (is_done, _) = run(&platform, BOB, &["--json", "receive", "--count", "1", "--timeout", "30"]).await;
    assert!(is_done);

    let (is_done, _) = run(&platform, BOB, &["--json", "receive", "--count", "1", "--timeout", "1"]).await;
    assert!(!is_done, "nothing more has come");
    let (is_sent, events) = run(&platform, ALICE, &["--json", "send", "+8613899999999", "?"]).await;
    assert!(!is_sent);
    assert_eq!(of(&events, "notSent").len(), 1);
    let mut wrong = handset(&platform, ALICE, &["send", BOB, "?"]);
    let output = wrong.env("HONGYAN_HANDSET_PASSWORD", "wrong password").output().await.unwrap();
    assert!(!output.status.success());
    assert!(platform.stop().await.unwrap());
}

/// The next line that contains a text.
async fn line_with(child: &mut Child, text: &str) -> String {
    let lines = child.stdout.as_mut().unwrap();
    let mut lines = BufReader::new(lines).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.contains(text) {
            return line;
        }
    }
    panic!("it ended without {text:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_people_speak_in_their_terminals() {
    let data = tempfile::tempdir().unwrap();
    let platform = platform(data.path()).await;
    let mut alice = handset(&platform, ALICE, &[]).spawn().unwrap();
    let mut bob = handset(&platform, BOB, &[]).spawn().unwrap();
    line_with(&mut alice, "/to").await;
    line_with(&mut bob, "/to").await;
    let to_bob = format!("/to {BOB}\n晚饭？\n");
    alice.stdin.as_mut().unwrap().write_all(to_bob.as_bytes()).await.unwrap();
    assert_eq!(line_with(&mut bob, "晚饭").await, format!("{ALICE}: 晚饭？"));
    line_with(&mut alice, "(displayed)").await;
    let to_alice = format!("/to {ALICE}\n好\n/quit\n");
    bob.stdin.as_mut().unwrap().write_all(to_alice.as_bytes()).await.unwrap();
    assert_eq!(line_with(&mut alice, "好").await, format!("{BOB}: 好"));
    assert!(bob.wait().await.unwrap().success());
    drop(alice.stdin.take());
    assert!(alice.wait().await.unwrap().success(), "the end of the input is the end of the handset");
    assert!(platform.stop().await.unwrap());
}
