//! A campaign to some thousands while the process dies by SIGKILL, again and again: during the upload and during the sending.
//! In the end every recipient has one message, and the counts are right.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

#[path = "common/dying.rs"]
mod dying;

use std::io;
use std::time::Duration;

use dying::{PASSWORD, Random, launch};
use handset::platform::{Admin, Platform};
use handset::run::{Phone, Server};
use handset::{Config, Event, Handset};
use serde_json::{Value, json};
use sip::Transport;
use tokio::time::timeout;

/// Recipients, and as many of them as are subscribers.
const RECIPIENTS: usize = 4_000;
const SUBSCRIBERS: usize = 40;
/// How often the process dies while recipients come.
const UPLOAD_DEATHS: u32 = 3;
/// How often it dies while it sends.
const DEATHS: u32 = 6;
/// For everything to be done in the end.
const DONE_MAX: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_sent_to_twice_and_nobody_is_left_out_however_often_the_process_dies() {
    let mut random = Random::seeded(20_261_124);
    let directory = tempfile::tempdir().unwrap();
    let launch = launch(directory.path()).setting("HONGYAN_MAAP__SENDS_PER_SECOND", "5000");

    let platform = Platform::start(&launch).await.unwrap();
    let mut admin = platform.admin().await.unwrap();
    for at in 0..SUBSCRIBERS {
        admin.add_subscriber(&number(at), PASSWORD).await.unwrap();
    }
    let call = async |platform: &Platform, method: &str, path: &str, body: Option<Value>| {
        let (status, answer) = platform.admin().await?.call(method, path, body.as_ref()).await?;
        assert!(status < 300, "{method} {path}: {status} {answer}");
        io::Result::Ok(answer)
    };
    call(&platform, "POST", "/chatbots", Some(json!({ "name": "weather" }))).await.unwrap();
    let template = json!({
        "variables": [{ "name": "at", "type": "number" }],
        "content": { "text": "storm {{at}}" },
    });
    call(&platform, "PUT", "/chatbots/weather/templates/storm", Some(template)).await.unwrap();
    let plan = json!({ "name": "storm", "chatbot": "weather", "template": "storm", "perSecond": 1_000 });
    let campaign = call(&platform, "POST", "/campaigns", Some(plan)).await.unwrap();
    let path = format!("/campaigns/{}", campaign["id"].as_str().unwrap());

    // The process dies during the upload, which is begun again from the first row each time.
    let rows: Vec<Value> =
        (0..RECIPIENTS).map(|at| json!({ "number": number(at), "variables": { "at": at } })).collect();
    let mut platform = platform;
    for _ in 0..UPLOAD_DEATHS {
        let uploading = tokio::spawn(upload(platform.admin().await.unwrap(), path.clone(), rows.clone()));
        let enough = random.below(RECIPIENTS);
        // All are there in the end, and before that nobody knows how many.
        campaign_when(&platform, &path, |shown| count(shown, "accepted") >= enough).await.unwrap();
        platform.kill().await.unwrap();
        // It may have been done before; and if it was not, it was cut off.
        let _ = uploading.await.unwrap();
        platform = Platform::start(&launch).await.unwrap();
    }
    upload(platform.admin().await.unwrap(), path.clone(), rows).await.unwrap();
    let shown = call(&platform, "GET", &path, None).await.unwrap();
    assert_eq!(shown["counts"]["accepted"], RECIPIENTS, "{shown}");
    call(&platform, "POST", &format!("{path}/start"), None).await.unwrap();

    // It dies when it has sent to so many, which nobody can foretell.
    for _ in 0..DEATHS {
        let enough = random.below(RECIPIENTS);
        let is_enough = |shown: &Value| {
            shown["state"] != "running" || count(shown, "sent") + count(shown, "refused") >= enough
        };
        campaign_when(&platform, &path, is_enough).await.unwrap();
        platform.kill().await.unwrap();
        platform = Platform::start(&launch).await.unwrap();
    }
    let done = campaign_when(&platform, &path, |shown| shown["state"] == "finished").await.unwrap();
    assert_eq!(
        (count(&done, "sent"), count(&done, "refused"), count(&done, "pending")),
        (SUBSCRIBERS, RECIPIENTS - SUBSCRIBERS, 0),
        "{done}"
    );

    // Everybody who can be has been sent to, once; and reads it.
    let server = platform.server(Transport::Ws);
    let mut admin = platform.admin().await.unwrap();
    for at in 0..SUBSCRIBERS {
        assert_eq!(admin.mailbox(&number(at)).await.unwrap()["count"], 1, "{at}");
    }
    let mut phones = Vec::new();
    for at in [0, SUBSCRIBERS / 2, SUBSCRIBERS - 1] {
        phones.push(read_one(at, server, &mut random).await);
    }
    let read = campaign_when(&platform, &path, |shown| count(shown, "displayed") == 3).await.unwrap();
    assert_eq!((count(&read, "delivered"), count(&read, "failed")), (3, 0), "{read}");
    let outcomes = format!("{path}/outcomes?outcome=sent&limit=1000");
    let waiting = call(&platform, "GET", &outcomes, None).await.unwrap();
    assert_eq!(waiting["outcomes"].as_array().unwrap().len(), SUBSCRIBERS - 3);
    for phone in phones {
        phone.stop().await;
    }
    assert!(platform.stop().await.unwrap(), "it ends well when it is asked to");
}

/// The campaign once it is as it should be; it is shown whenever it has changed.
async fn campaign_when(platform: &Platform, path: &str, is_so: impl Fn(&Value) -> bool) -> io::Result<Value> {
    let (mut admin, mut since) = (platform.admin().await?, String::new());
    let it_is_so = async {
        loop {
            let (status, shown) = admin.call("GET", &format!("{path}?wait=10&since={since}"), None).await?;
            assert_eq!(status, 200, "{shown}");
            if is_so(&shown) {
                return Ok(shown);
            }
            shown["revision"].as_str().unwrap().clone_into(&mut since);
        }
    };
    timeout(DONE_MAX, it_is_so).await.expect("it becomes so in the end")
}

/// Uploads the rows, a few at a time.
async fn upload(mut admin: Admin, path: String, rows: Vec<Value>) -> io::Result<()> {
    for chunk in rows.chunks(170) {
        let body = json!({ "recipients": chunk });
        let (status, answer) = admin.call("POST", &format!("{path}/recipients"), Some(&body)).await?;
        assert_eq!((status, &answer["invalid"]), (200, &json!(0)), "{answer}");
    }
    Ok(())
}

/// One of the recipients reads what waits for it, and says so.
async fn read_one(at: usize, server: Server, random: &mut Random) -> Phone {
    let config = Config::new(&number(at), "hongyan.local", PASSWORD, random.next()).unwrap();
    let mut phone = Phone::start(Handset::new(config), server).await.unwrap();
    phone.register().await.unwrap();
    let message = timeout(DONE_MAX, async {
        loop {
            if let Some(Event::Message(message)) = phone.next().await {
                break message;
            }
        }
    });
    let message = message.await.expect("the message comes");
    assert_eq!(message.text(), format!("storm {at}"));
    phone.with(move |handset, now| handset.displayed(now, &message)).await;
    phone
}

fn count(campaign: &Value, name: &str) -> usize {
    campaign["counts"][name].as_u64().unwrap() as usize
}

fn number(at: usize) -> String {
    format!("+86138{at:08}")
}
