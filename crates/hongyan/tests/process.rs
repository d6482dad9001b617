//! The `hongyan` program from outside: commands, a server process, signals, files.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn hongyan(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hongyan"));
    command.env("HONGYAN_DATA", data);
    command
}

fn run(data: &Path, arguments: &[&str]) -> Output {
    hongyan(data).args(arguments).output().unwrap()
}

/// The JSON that a command prints; fails with what it says otherwise.
fn json(data: &Path, arguments: &[&str]) -> Value {
    let output = run(data, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a command that must fail says.
fn complaint(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(!output.status.success(), "{arguments:?} succeeds");
    String::from_utf8(output.stderr).unwrap()
}

/// A server process, which a test that fails does not leave behind.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
    }
}

/// A server process that listens.
fn serve(data: &Path) -> Server {
    let ready = data.join("ready.json");
    let mut server = hongyan(data)
        .args(["serve", "--http", "127.0.0.1:0", "--sip", "127.0.0.1:0", "--smpp", "127.0.0.1:0"])
        .args(["--domain", "rcs.example", "--ready-file", ready.to_str().unwrap()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
    let seen: Vec<String> = lines.by_ref().take_while(|line| !line.contains("listening ")).collect();
    assert!(seen.iter().any(|line| line.contains("--smpp is not available")), "{seen:?}");
    // Keeps the pipe open, so that the server can go on logging.
    std::thread::spawn(move || lines.for_each(drop));
    Server(server)
}

fn signal(server: &Server, name: &str) {
    assert!(Command::new("kill").args([name, &server.0.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_server_is_administered_stopped_backed_up_and_restored() {
    let parent = tempfile::tempdir().unwrap();
    let (data, copy, again) =
        (parent.path().join("data"), parent.path().join("copy"), parent.path().join("again"));
    std::fs::create_dir(&data).unwrap();
    let mut server = serve(&data);
    let ready: Value = serde_json::from_slice(&std::fs::read(data.join("ready.json")).unwrap()).unwrap();
    assert_eq!(ready["pid"], server.0.id());
    assert_eq!(ready["domain"], "rcs.example");

    let made = json(&data, &["subscriber", "add", "13800000005", "--display-name", "小雁", "--json"]);
    assert_eq!(made["number"], "+8613800000005");
    assert_eq!(made["password"].as_str().unwrap().len(), 26);
    assert_eq!(json(&data, &["subscriber", "list", "--json"])[0]["displayName"], "小雁");
    assert_eq!(json(&data, &["mailbox", "show", "+8613800000005", "--json"])["count"], 0);
    assert!(complaint(&data, &["trace", "no-such-id"]).contains("nothing is known"));
    assert!(complaint(&data, &["serve", "--http", "127.0.0.1:0", "--sip", "off"]).contains("in use"));
    assert!(complaint(&data, &["store", "dump"]).contains("stop it first"));

    signal(&server, "-TERM");
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
    assert!(complaint(&data, &["subscriber", "list"]).contains("hongyan serve"));

    let backup = run(&data, &["backup", copy.to_str().unwrap()]);
    assert!(backup.status.success(), "{}", String::from_utf8_lossy(&backup.stderr));
    assert!(run(&again, &["restore", copy.to_str().unwrap()]).status.success());
    let dump = run(&again, &["store", "dump", "--family", "accounts"]);
    let row: Value = serde_json::from_slice(&dump.stdout).unwrap();
    assert_eq!(row["row"]["address"], "tel:+8613800000005");
    assert!(!String::from_utf8_lossy(&dump.stdout).contains(made["password"].as_str().unwrap()));
}

#[test]
fn chatbots_are_made_shown_changed_and_removed() {
    let data = tempfile::tempdir().unwrap();
    let data = data.path();
    let mut server = serve(data);
    let made = json(data, &["chatbot", "create", "10690001", "--display-name", "天气", "--json"]);
    assert_eq!(made["chatbotId"], "sip:10690001@botplatform.rcs.example");
    for secret in ["appId", "appKey", "callbackToken"] {
        assert!(made[secret].as_str().unwrap().len() >= 8, "{secret}");
    }
    assert!(complaint(data, &["chatbot", "create", "10690001"]).contains("exists"));
    let shown = run(data, &["chatbot", "show", "10690001", "--json"]);
    assert!(!String::from_utf8_lossy(&shown.stdout).contains(made["appKey"].as_str().unwrap()));
    let changed = json(data, &["chatbot", "update", "10690001", "--colour", "#0A66C2", "--json"]);
    assert_eq!((&changed["colour"], &changed["displayName"]), (&"#0A66C2".into(), &"天气".into()));
    assert!(run(data, &["chatbot", "remove", "10690001"]).status.success());
    assert_eq!(json(data, &["chatbot", "list", "--json"]), serde_json::json!([]));
    signal(&server, "-INT");
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

#[test]
fn a_bad_configuration_is_named_before_anything_starts() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("hongyan.toml");
    let file_name = file.to_str().unwrap();
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:0\"\nlisen = 1\n").unwrap();
    for arguments in [&["config", "check", file_name][..], &["serve", "--config", file_name]] {
        let text = complaint(parent.path(), arguments);
        assert!(text.contains("line 3") && text.contains("lisen"), "{text}");
    }
    std::fs::write(&file, "[http]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    assert!(run(parent.path(), &["config", "check", file_name]).status.success());
    let unknown = hongyan(parent.path())
        .args(["config", "check", file_name])
        .env("HONGYAN_HTTP__LISEN", "1")
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("HONGYAN_HTTP__LISEN"));
}
