//! `hongyan handset` as a program: two of them speak with each other through a real server.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::process::Stdio;

use handset::platform::{Launch, Platform};
use serde_json::{Value, json};
use sip::Transport;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn scripts_change_answer_mark_place_and_make_groups() {
    let data = tempfile::tempdir().unwrap();
    let platform = platform(data.path()).await;
    let said = async |number: &str, arguments: &[&str]| {
        let (is_done, events) = run(&platform, number, &[&["--json"], arguments].concat()).await;
        assert!(is_done, "{arguments:?}: {events:?}");
        of(&events, "sent").first().map(|sent| sent["messageId"].as_str().unwrap().to_owned())
    };
    let received = async |number: &str, count: &str| {
        let (is_done, events) =
            run(&platform, number, &["--json", "receive", "--count", count, "--timeout", "60"]).await;
        assert!(is_done, "{events:?}");
        of(&events, "message").into_iter().cloned().collect::<Vec<_>>()
    };
    let first = said(ALICE, &["send", BOB, "七点"]).await.unwrap();
    said(ALICE, &["edit", BOB, &first, "八点"]).await;
    said(ALICE, &["location", BOB, "39.8652", "116.3785", "--label", "北京南站"]).await;
    let (is_sent, _) = run(&platform, ALICE, &["--json", "location", BOB, "139.8", "116.3"]).await;
    assert!(!is_sent, "that is not on the earth");
    let file = data.path().join("words.amr");
    std::fs::write(&file, "#!AMR\n").unwrap();
    said(ALICE, &["send-file", BOB, file.to_str().unwrap(), "--voice-seconds", "7"]).await;

    said(ALICE, &["send-contact", BOB, "韩梅梅", "+8613800000003"]).await;

    let (is_done, events) =
        run(&platform, BOB, &["--json", "receive", "--count", "5", "--timeout", "60"]).await;
    assert!(is_done, "{events:?}");
    let contact = of(&events, "contact")[0];
    assert_eq!(contact["contact"]["name"], "韩梅梅");
    assert_eq!(contact["contact"]["numbers"][0]["number"], "+8613800000003");
    let heard = of(&events, "message");
    assert_eq!(heard[0]["text"], "七点");
    assert_eq!(heard[1]["text"], "八点");
    assert_eq!(heard[1]["about"], json!({ "kind": "edit", "messageId": first }));
    assert_eq!(heard[2]["text"], "[北京南站] geo:39.8652,116.3785");
    assert!(heard[3]["text"].as_str().unwrap().starts_with("[words.amr, 7 s] http"), "{}", heard[3]);
    assert!(heard[4]["text"].as_str().unwrap().starts_with("[韩梅梅.vcf, "), "{}", heard[4]);
    assert_eq!(contact["messageId"], heard[4]["messageId"]);

    said(BOB, &["react", ALICE, &first, "👍"]).await;
    said(BOB, &["send", ALICE, "好", "--reply-to", &first]).await;
    let heard = received(ALICE, "2").await;
    assert_eq!(heard[0]["about"], json!({ "kind": "reaction", "messageId": first }));
    assert_eq!((&heard[0]["text"], &heard[1]["text"]), (&json!("👍"), &json!("好")));
    assert_eq!(heard[1]["about"], json!({ "kind": "reply", "messageId": first }));

    said(ALICE, &["report-spam", BOB, &first, "--kind", "other", "--text", "不想去"]).await;
    let mut admin = platform.admin().await.unwrap();
    let (_, reports) = admin.call("GET", "/spam-reports", None).await.unwrap();
    assert_eq!((&reports[0]["kind"], &reports[0]["messageIds"]), (&json!("other"), &json!([first])));
    assert_eq!(reports[0]["about"], format!("tel:{BOB}"));

    let (is_made, events) = run(&platform, ALICE, &["--json", "group", "周末", BOB]).await;
    assert!(is_made);
    let group = of(&events, "joined")[0]["group"].as_str().unwrap().to_owned();
    said(ALICE, &["send", &group, "去哪？"]).await;
    let heard = received(BOB, "1").await;
    assert_eq!((&heard[0]["text"], &heard[0]["from"]), (&json!("去哪？"), &json!(group)));
    assert!(heard[0]["author"].as_str().unwrap().contains(ALICE), "{}", heard[0]);
    assert!(platform.stop().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_group_is_known_by_a_picture_that_its_members_and_the_operator_choose() {
    let data = tempfile::tempdir().unwrap();
    let platform = platform(data.path()).await;
    let (_, events) = run(&platform, ALICE, &["--json", "group", "周末", BOB]).await;
    let group = of(&events, "joined")[0]["group"].as_str().unwrap().to_owned();
    let path = |name: &str| data.path().join(name).to_str().unwrap().to_owned();
    let picture = |name: &str, blue: u8| {
        let picture = image::RgbImage::from_pixel(640, 480, image::Rgb([200, 30, blue]));
        picture.save(path(name)).unwrap();
    };
    let mut admin = platform.admin().await.unwrap();
    let call = format!("/groups/{}", group.strip_prefix("sip:").unwrap());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let fetched = async |shown: &Value| {
        let answer = client.get(shown["icon"].as_str().unwrap()).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"image/jpeg".parse().unwrap())
        );
        let (etag, bytes) = (answer.headers()["etag"].clone(), answer.bytes().await.unwrap());
        let again =
            client.get(shown["icon"].as_str().unwrap()).header("if-none-match", etag).send().await.unwrap();
        assert_eq!(again.status().as_u16(), 304);
        let small = image::load_from_memory(&bytes).unwrap().to_rgb8();
        assert_eq!(small.dimensions(), (256, 192));
        small.get_pixel(9, 9).0[2]
    };

    picture("first.png", 90);
    let (is_done, events) = run(&platform, ALICE, &["--json", "icon", &group, &path("first.png")]).await;
    assert!(is_done, "{events:?}");
    let (_, first) = admin.call("GET", &call, None).await.unwrap();
    assert_eq!(first["iconBy"], format!("tel:{ALICE}"));
    assert!(fetched(&first).await.abs_diff(90) < 8);
    std::fs::write(path("words.png"), "no picture").unwrap();
    let (is_done, _) = run(&platform, ALICE, &["--json", "icon", &group, &path("words.png")]).await;
    assert!(!is_done, "that is no picture");

    // Bob sees where it is, and changes it at his terminal.
    let mut bob = Person::at(&platform, BOB).await;
    bob.types(&format!("/to {group}")).await;
    bob.sees("—").await;
    picture("second.png", 240);
    bob.types(&format!("/icon {}", path("second.png"))).await;
    // His terminal says so when it was refused; every answer of the administration is one look.
    let second = loop {
        let (_, shown) = admin.call("GET", &call, None).await.unwrap();
        if shown["iconBy"] == format!("tel:{BOB}") {
            break shown;
        }
        tokio::task::yield_now().await;
    };
    // His own NOTIFY may still be on its way.
    loop {
        bob.types("/members").await;
        let line = bob.lines.next_line().await.unwrap().unwrap();
        if line.contains(second["icon"].as_str().unwrap()) {
            break;
        }
    }
    assert!(fetched(&second).await.abs_diff(240) < 8);
    let gone = client.get(first["icon"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(gone.status().as_u16(), 410);

    // The operator too.
    let operator = async |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hongyan"));
        command.args(["group", "icon", &group]).args(arguments).arg("--data").arg(data.path());
        command.output().await.unwrap()
    };
    let given = operator(&[&path("first.png")]).await;
    assert!(given.status.success(), "{}", String::from_utf8_lossy(&given.stderr));
    let (_, third) = admin.call("GET", &call, None).await.unwrap();
    assert_eq!((third["iconBy"].as_str(), fetched(&third).await.abs_diff(90) < 8), (None, true));
    assert!(!operator(&[&path("words.png")]).await.status.success(), "that is no picture");
    assert!(operator(&["--remove"]).await.status.success());
    let (_, none) = admin.call("GET", &call, None).await.unwrap();
    assert_eq!(none["icon"], Value::Null);
    assert!(platform.stop().await.unwrap());
}

/// Somebody at a terminal.
struct Person {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Person {
    /// Sits down, and has seen the first line.
    async fn at(platform: &Platform, number: &str) -> Self {
        Self::with(platform, number, &[]).await
    }

    async fn with(platform: &Platform, number: &str, arguments: &[&str]) -> Self {
        let mut child = handset(platform, number, arguments).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut person = Self { child, lines };
        person.sees("/to").await;
        person
    }

    async fn types(&mut self, lines: &str) {
        self.child.stdin.as_mut().unwrap().write_all(format!("{lines}\n").as_bytes()).await.unwrap();
    }

    /// The next line that contains a text.
    async fn sees(&mut self, text: &str) -> String {
        while let Some(line) = self.lines.next_line().await.unwrap() {
            if line.contains(text) {
                return line;
            }
        }
        panic!("it ended without {text:?}");
    }
}

/// The group that a line is from: its user part stands before the comma.
fn focus(line: &str) -> String {
    format!("sip:{}@groups.hongyan.local", line.split_once(',').unwrap().0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_people_speak_in_their_terminals() {
    let data = tempfile::tempdir().unwrap();
    let platform = platform(data.path()).await;
    let mut alice = Person::at(&platform, ALICE).await;
    let mut bob = Person::at(&platform, BOB).await;
    alice.types(&format!("/to {BOB}\n晚饭？")).await;
    assert_eq!(bob.sees("晚饭").await, format!("{ALICE}: 晚饭？"));
    alice.sees("(displayed)").await;
    bob.types(&format!("/to {ALICE}\n/reply 好\n/react 🍜")).await;
    assert_eq!(alice.sees("好").await, format!("{BOB}: 好 (to “晚饭？”)"));
    assert_eq!(alice.sees("🍜").await, format!("{BOB}: 🍜 on “晚饭？”"));
    alice.types("/edit 七点晚饭？").await;
    assert_eq!(bob.sees("七点").await, format!("{ALICE}: 七点晚饭？ (was “晚饭？”)"));
    bob.types("/search 七点").await;
    assert_eq!(bob.sees("七点").await, format!("{ALICE} — {ALICE}: 七点晚饭？"));
    bob.types(&format!("/group 晚饭: {ALICE}\n出发")).await;
    let line = alice.sees("出发").await;
    assert!(line.ends_with(&format!(", {BOB}: 出发")), "{line}");
    bob.types("/members").await;
    bob.sees("(admin)").await;
    bob.sees(ALICE).await;
    alice.types(&format!("/to {}\n/leave", focus(&line))).await;
    alice.sees("no longer in the group").await;
    bob.types("/quit").await;
    assert!(bob.child.wait().await.unwrap().success());
    drop(alice.child.stdin.take());
    assert!(alice.child.wait().await.unwrap().success(), "the end of the input is the end of the handset");
    assert!(platform.stop().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn in_a_group_over_msrp_there_is_room_for_more() {
    let data = tempfile::tempdir().unwrap();
    let platform = platform(data.path()).await;
    let mut alice = Person::with(&platform, ALICE, &["--msrp"]).await;
    let mut bob = Person::with(&platform, BOB, &["--msrp"]).await;
    alice.types(&format!("/group 晚饭: {BOB}\n出发")).await;
    bob.sees("出发").await;
    // More than fits into a MESSAGE.
    let long = "去".repeat(5_000);
    alice.types(&long).await;
    assert!(bob.sees(&long).await.contains(ALICE));
    for mut person in [alice, bob] {
        person.types("/quit").await;
        assert!(person.child.wait().await.unwrap().success());
    }
    assert!(platform.stop().await.unwrap());
}
