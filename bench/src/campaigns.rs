//! A campaign: its recipients uploaded as CSV, piece by piece, and sent to as fast as the platform goes, while somebody else asks
//! it for other things.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use handset::platform::{Admin, Launch, Platform};
use rcs::{Address, Timestamp};
use serde_json::{Value, json};
use sip::Transport;
use sip::digest::Ha1s;
use store::{Account, Credential, Store, View};
use tokio::runtime::Runtime;

use crate::process::Process;
use crate::report::{Report, Row};
use crate::scenarios::{Cost, DOMAIN, unexpected};

/// Subscribers written in one commit.
const ACCOUNTS: u32 = 10_000;
/// Rows of a piece of the upload.
const ROWS: u32 = 1_000;
/// How often the progress is looked at, and something else asked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A campaign to `recipients`, of whom the first `subscribers` are such; and one to a quarter of them before, whose memory says
/// whether it grows with their number.
pub fn run(
    runtime: &Runtime,
    program: &Path,
    (recipients, subscribers): (u32, u32),
    report: &mut Report,
) -> io::Result<()> {
    let quarter = send_to(runtime, program, (recipients / 4, subscribers / 4))?;
    let whole = send_to(runtime, program, (recipients, subscribers))?;
    report.add(Row::new(
        "campaign upload",
        "Hongyan",
        whole.upload,
        "CSV, each row checked, durable, nobody twice",
    ));
    let note = "each from its template, into a mailbox, with a record";
    report.add(Row::new("campaign", "Hongyan", whole.sending, note));
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    report.notes.push(format!(
        "A campaign to {recipients} numbers, {subscribers} of them subscribers: resident {:.0} MiB before the upload and {:.0} MiB at \
         the most (with a quarter of the numbers {:.0} MiB); a text sent meanwhile was accepted in {:.1} ms (median) and {:.1} ms (99 of \
         100).",
        mib(whole.idle_bytes),
        mib(whole.highest_bytes),
        mib(quarter.highest_bytes),
        whole.wait_ms(50),
        whole.wait_ms(99),
    ));
    Ok(())
}

/// What a campaign came to.
struct Outcome {
    upload: Cost,
    sending: Cost,
    idle_bytes: u64,
    highest_bytes: u64,
    /// How long texts waited that were sent meanwhile, the shortest first.
    waits: Vec<Duration>,
}

impl Outcome {
    fn wait_ms(&self, percent: usize) -> f64 {
        self.waits[(self.waits.len() - 1) * percent / 100].as_secs_f64() * 1_000.0
    }
}

fn send_to(runtime: &Runtime, program: &Path, (recipients, subscribers): (u32, u32)) -> io::Result<Outcome> {
    let directory = tempfile::tempdir()?;
    add_subscribers(directory.path(), subscribers)?;
    let launch = launch(program, directory.path());
    let platform = runtime.block_on(Platform::start(&launch))?;
    let process = Process::single(platform.pid());
    let mut admin = runtime.block_on(platform.admin())?;
    let campaign = runtime.block_on(draft(&mut admin))?;
    let path = format!("/campaigns/{campaign}");
    let idle_bytes = process.resident_bytes()?;

    let mut highest = idle_bytes;
    let (before, began) = (process.cpu()?, Instant::now());
    upload(&platform, directory.path(), &path, recipients, || {
        highest = highest.max(process.resident_bytes()?);
        Ok(())
    })?;
    let upload =
        Cost { count: recipients, took: began.elapsed(), cpu: process.cpu()?.saturating_sub(before) };

    // The connection was idle for as long as the upload took, and may be closed.
    let mut admin = runtime.block_on(platform.admin())?;
    let (before, began) = (process.cpu()?, Instant::now());
    runtime.block_on(call(&mut admin, "POST", &format!("{path}/start"), None))?;
    let mut waits = Vec::new();
    loop {
        std::thread::sleep(LOOK_EVERY);
        let asked = Instant::now();
        // Something else that is committed, as an ordinary sender waits for it.
        let text = json!({ "from": "weather", "to": number(0), "text": "and otherwise?" });
        runtime.block_on(call(&mut admin, "POST", "/messages", Some(text)))?;
        waits.push(asked.elapsed());
        highest = highest.max(process.resident_bytes()?);
        let campaign = runtime.block_on(call(&mut admin, "GET", &path, None))?;
        if campaign["state"] == "finished" {
            break;
        }
    }
    let sending =
        Cost { count: recipients, took: began.elapsed(), cpu: process.cpu()?.saturating_sub(before) };
    let done = runtime.block_on(call(&mut admin, "GET", &path, None))?;
    let counts = &done["counts"];
    if counts["sent"] != subscribers.min(recipients) {
        return Err(io::Error::other(format!("not everybody was sent to: {counts}")));
    }
    waits.sort_unstable();
    runtime.block_on(platform.stop())?;
    Ok(Outcome { upload, sending, idle_bytes, highest_bytes: highest, waits })
}

/// Sends to `recipients`, all of them subscribers, killing the platform `kills` times on the way; then counts what each of them has.
pub fn survive(runtime: &Runtime, program: &Path, recipients: u32, kills: u32) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    add_subscribers(directory.path(), recipients)?;
    let launch = launch(program, directory.path());
    let mut platform = runtime.block_on(Platform::start(&launch))?;
    let mut admin = runtime.block_on(platform.admin())?;
    let path = format!("/campaigns/{}", runtime.block_on(draft(&mut admin))?);
    upload(&platform, directory.path(), &path, recipients, || Ok(()))?;
    let mut admin = runtime.block_on(platform.admin())?;
    runtime.block_on(call(&mut admin, "POST", &format!("{path}/start"), None))?;
    let mut killed = 0;
    loop {
        std::thread::sleep(LOOK_EVERY);
        let campaign = runtime.block_on(call(&mut admin, "GET", &path, None))?;
        if campaign["state"] == "finished" {
            break;
        }
        let sent = campaign["counts"]["sent"].as_u64().unwrap_or_default();
        if killed < kills && sent > u64::from(recipients) * u64::from(killed + 1) / u64::from(kills + 1) {
            killed += 1;
            eprintln!("killed after {sent}");
            runtime.block_on(platform.kill())?;
            platform = runtime.block_on(Platform::start(&launch))?;
            admin = runtime.block_on(platform.admin())?;
        }
    }
    runtime.block_on(platform.stop())?;
    let store = Store::open(&directory.path().join("store")).map_err(io::Error::other)?;
    let mut by_count = BTreeMap::<usize, u32>::new();
    for at in 0..recipients {
        let to = Address::subscriber(&number(at)).map_err(io::Error::other)?;
        let waiting = store.mailbox(&to, 3).map_err(io::Error::other)?.len();
        *by_count.entry(waiting).or_default() += 1;
    }
    println!(
        "{recipients} recipients, killed {killed} times: messages in a mailbox, and how many have as many: {by_count:?}"
    );
    match by_count.get(&1) == Some(&recipients) && killed == kills {
        true => Ok(()),
        false => Err(unexpected(format_args!(
            "not everybody has one message, or it was over before {kills} kills"
        ))),
    }
}

fn launch(program: &Path, data: &Path) -> Launch {
    Launch::new(program, data)
        .setting("HONGYAN_LOG__FILTER", "warn")
        .setting("HONGYAN_MAAP__SENDS_PER_SECOND", "4000000000")
        .setting("HONGYAN_CAMPAIGNS__PER_SECOND_MAX", "1000000")
}

/// Writes subscribers into the store before the platform opens it: adding them one by one is not what is measured.
fn add_subscribers(data: &Path, count: u32) -> io::Result<()> {
    let store = Store::open(&data.join("store")).map_err(io::Error::other)?;
    for begin in (0..count).step_by(ACCOUNTS as usize) {
        let mut view = View::default();
        for at in begin..count.min(begin + ACCOUNTS) {
            let username = number(at);
            let address = Address::subscriber(&username).map_err(io::Error::other)?;
            let ha1s = Ha1s::of(&username, DOMAIN, "nobody logs in");
            let credentials = vec![Credential { username, ha1s }];
            let created_at = Timestamp::from_seconds(1_795_000_000);
            view.put_account(Account { address, credentials, display_name: None, created_at });
        }
        store.commit(&view).map_err(io::Error::other)?;
    }
    Ok(())
}

/// A chatbot, a card as its template, and a campaign without recipients; its id.
async fn draft(admin: &mut Admin) -> io::Result<String> {
    call(admin, "POST", "/chatbots", Some(json!({ "name": "weather" }))).await?;
    let template = json!({
        "variables": [
            { "name": "city", "type": "text", "maxChars": 20 },
            { "name": "wind", "type": "number", "min": 0, "max": 17 },
        ],
        "content": {
            "message": { "generalPurposeCard": {
                "layout": { "cardOrientation": "VERTICAL" },
                "content": { "title": "{{city}}: storm warning", "description": "Wind force {{wind}}. Stay inside." },
            } },
            "suggestions": [{ "reply": { "displayText": "More", "postback": { "data": "more {{city}}" } } }],
        },
    });
    call(admin, "PUT", "/chatbots/weather/templates/storm", Some(template)).await?;
    let plan = json!({ "name": "storm", "chatbot": "weather", "template": "storm", "perSecond": 1_000_000 });
    let campaign = call(admin, "POST", "/campaigns", Some(plan)).await?;
    Ok(campaign["id"].as_str().unwrap_or_default().to_owned())
}

async fn call(admin: &mut Admin, method: &str, path: &str, body: Option<Value>) -> io::Result<Value> {
    match admin.call(method, path, body.as_ref()).await? {
        (200..300, answer) => Ok(answer),
        (status, answer) => Err(unexpected(format_args!("{method} {path}: {status} {answer}"))),
    }
}

/// Uploads the recipients in one request of unknown length, and looks at the server after every piece.
fn upload(
    platform: &Platform,
    data: &Path,
    path: &str,
    count: u32,
    mut each: impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let token = std::fs::read_to_string(data.join("admin-token"))?;
    let token = token.trim();
    let address = platform.server(Transport::Ws).address;
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "POST /admin/v1{path}/recipients HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n"
    )?;
    let mut piece = "number,city,wind\n".to_owned();
    for at in 0..count {
        piece += &format!("{},北京 {},{}\n", number(at), at % 1_000, at % 18);
        if (at + 1) % ROWS == 0 || at + 1 == count {
            write!(stream, "{:x}\r\n{piece}\r\n", piece.len())?;
            piece.clear();
            each()?;
        }
    }
    stream.write_all(b"0\r\n\r\n")?;
    let mut answer = BufReader::new(stream);
    let mut status = String::new();
    answer.read_line(&mut status)?;
    match status.contains(" 200 ") {
        true => Ok(()),
        false => Err(unexpected(format_args!("upload: {}", status.trim()))),
    }
}

fn number(at: u32) -> String {
    format!("+86138{at:08}")
}
