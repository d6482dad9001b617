//! `hongyan converse` against a server: two people talk to each other by script. (The rail chatbot's conversations run in
//! `tests/browser/run.sh`, where it is at hand.)
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

#[allow(dead_code, reason = "each test uses a part of it")]
mod common;

use std::process::Output;

use common::Server;
use reqwest::Method;
use serde_json::Value;

/// Plays a script; what it printed is in the outcome.
async fn converse(server: &Server, script: &str, more: &[&str]) -> Output {
    let path = server.data.path().join("script.yaml");
    std::fs::write(&path, script).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_hongyan"));
    command.arg("converse").arg(path).arg("--data").arg(server.data.path()).args(more);
    command.output().await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

async fn subscribers(server: &Server) -> usize {
    let listed = server.admin(Method::GET, "/subscribers").send().await.unwrap();
    listed.json::<Value>().await.unwrap().as_array().unwrap().len()
}

const SUPPER: &str = r#"
name: supper
users: [alice, bob]
variables: {place: 外婆家}
within: 60s
steps:
  - as: alice
    to: ${bob}
    say: 晚饭去${place}？
  - as: alice
    expect_report: delivered
  - as: bob
    to: ${alice}
    expect:
      text: {starts: 晚饭, contains: "${place}", lacks: 早饭}
      has_chips: false
      capture: {where: 去(.+)？}
  - as: bob
    read: true
  - as: alice
    expect_report: displayed
  - as: bob
    to: ${alice}
    say: 好，${where}见
  - as: alice
    to: ${bob}
    expect: {says: 好，外婆家见}
  - as: bob
    to: ${alice}
    location: {latitude: 39.9, longitude: 116.4, label: "${where}"}
  - as: alice
    to: ${bob}
    expect: {location: 外婆家}
  - as: alice
    to: ${bob}
    expect_nothing: 100ms
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_talk_by_script_and_leave_nothing_behind() {
    let server = Server::with(&[], "", |_| {}).await;
    let report = server.data.path().join("report.xml");
    let output = converse(&server, SUPPER, &["--junit", report.to_str().unwrap()]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("alice  ▶ 晚饭去外婆家？"), "{text}");
    assert!(
        text.contains("${where} = 外婆家") && text.contains("1 of 1 conversations went as expected"),
        "{text}"
    );
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("tests=\"1\" failures=\"0\"") && report.contains("name=\"supper\""), "{report}");
    assert_eq!(subscribers(&server).await, 0, "temporary subscribers go");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_says_where_what_was_expected_and_what_came() {
    let server = Server::with(&[], "", |_| {}).await;
    // What came and is not as expected is there before the wait begins to run out.
    let script = "name: supper\nusers: [alice, bob]\nsteps:\n  - as: alice\n    to: ${bob}\n    say: 晚饭？\n  - as: bob\n    to: ${alice}\n    \
         within: 60s\n    expect: {text: 晚饭？}\n  - as: bob\n    to: ${alice}\n    say: 不\n  - as: alice\n    to: ${bob}\n    within: 3s\n    \
         expect: {text: {contains: 好}}\n";
    let report = server.data.path().join("report.xml");
    let output = converse(&server, script, &["--junit", report.to_str().unwrap()]).await;
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("script.yaml:14:5: no message as expected within 3s"), "{text}");
    assert!(text.contains("contains \"好\""), "{text}");
    assert!(text.contains("0 of 1 conversations went as expected"), "{text}");
    assert!(std::fs::read_to_string(report).unwrap().contains("failures=\"1\""));
    assert_eq!(subscribers(&server).await, 0, "temporary subscribers go after a failure too");
    server.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_cannot_be_played_is_told_from_one_that_fails() {
    let server = Server::with(&["+8613800000001"], "correct-horse", |_| {}).await;
    let output = converse(&server, "steps:\n  - sya: hello\n", &[]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("script.yaml:2:"), "{}", said(&output));
    // A subscriber that is there may play, and is there afterwards.
    let alone = "to: '+8613800000001'\nsteps:\n  - say: a note to myself\n";
    let output = converse(&server, alone, &["--as", "+8613800000001", "--password", "correct-horse"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let output = converse(&server, alone, &["--as", "+8613800000001", "--password", "wrong-horse"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("cannot register"), "{}", said(&output));
    assert_eq!(subscribers(&server).await, 1);
    server.running.stop().await;
}
