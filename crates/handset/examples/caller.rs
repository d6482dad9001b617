//! A handset for tests: it calls, says things, and sends large messages, by way of an MSRP relay if one is named.
//!
//!     caller SERVER DOMAIN NUMBER PASSWORD [RELAY-URI USERNAME PASSWORD]
//!
//! `SERVER` is the address of a platform's SIP listener for TCP. Commands, one a line of standard input: `call URI`, `say CALL TEXT`,
//! `large URI BYTES` sends a large message of so many letters, `hang-up CALL`, `quit`. Events, one a line of standard output:
//! `registered`, `called CALL`, `open CALL`, `ended CALL STATUS`, `sent STATUS`, `not-sent WHY`, `message TEXT`,
//! `large-message BYTES right` (or `wrong`), `report DISPOSITION`.
#![allow(clippy::print_stdout, reason = "it is a program that tells what happens")]

use std::error::Error;
use std::io::{BufRead as _, Write as _};

use handset::run::{Phone, Server};
use handset::{Config, Event, Handset, Outgoing, Relay, Services};
use sip::Transport;
use tokio::sync::mpsc;

/// Longer texts are told by their size.
const TOLD_BYTES_MAX: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (server, domain, number, password, relay) = match arguments.as_slice() {
        [server, domain, number, password] => (server, domain, number, password, None),
        [server, domain, number, password, uri, username, secret] => {
            let (username, secret) = (username.clone(), secret.clone());
            let relay = Relay { uri: msrp::MsrpUri::parse(uri)?, username, password: secret };
            (server, domain, number, password, Some(relay))
        }
        _ => return Err("usage: caller SERVER DOMAIN NUMBER PASSWORD [RELAY-URI USERNAME PASSWORD]".into()),
    };
    let seed = u64::from(std::process::id()) << 32 | number.bytes().map(u64::from).sum::<u64>();
    let config = Config { services: Services::all(), relay, ..Config::new(number, domain, password, seed)? };
    let server = Server { transport: Transport::Tcp, address: server.parse()? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut phone = Phone::start(Handset::new(config), server).await?;
        phone.register().await?;
        tell("registered".to_owned());
        let mut lines = typed_lines();
        loop {
            tokio::select! {
                line = lines.recv() => match line.as_deref() {
                    None | Some("quit") => return Ok(()),
                    Some(line) => act(&phone, line).await?,
                },
                event = phone.next() => match event {
                    Some(event) => told(event).into_iter().for_each(tell),
                    None => return Err("the handset has stopped".into()),
                },
            }
        }
    })
}

async fn act(phone: &Phone, line: &str) -> Result<(), Box<dyn Error>> {
    let (command, rest) = line.split_once(' ').ok_or("a command and what it needs")?;
    let (first, second) = rest.split_once(' ').unwrap_or((rest, ""));
    let (first, second) = (first.to_owned(), second.to_owned());
    match command {
        "call" => drop(phone.with(move |handset, now| handset.call(now, &first)).await),
        "say" => {
            let call = first.parse()?;
            phone.with(move |handset, now| handset.say(now, call, &Outgoing::text(second))).await;
        }
        "large" => {
            let text = ('a'..='z').cycle().take(second.parse()?).collect::<String>();
            phone.with(move |handset, now| handset.send_large(now, &first, &Outgoing::text(text))).await;
        }
        "hang-up" => {
            let call = first.parse()?;
            phone.with(move |handset, now| handset.hang_up(now, call)).await;
        }
        other => return Err(format!("no such command: {other}").into()),
    }
    Ok(())
}

fn told(event: Event) -> Option<String> {
    Some(match event {
        Event::Called { call, .. } => format!("called {call}"),
        Event::CallOpen { call, .. } => format!("open {call}"),
        Event::CallEnded { call, status } => format!("ended {call} {}", status.unwrap_or(200)),
        Event::Sent { status, .. } => format!("sent {status}"),
        Event::NotSent { why, .. } => format!("not-sent {why}"),
        Event::Report { disposition, .. } => format!("report {}", disposition.elements().1),
        Event::Message(message) if message.payload.len() > TOLD_BYTES_MAX => {
            let letters = ('a'..='z').cycle().map(|letter| letter as u8);
            let is_right = message.payload.iter().copied().eq(letters.take(message.payload.len()));
            format!("large-message {} {}", message.payload.len(), if is_right { "right" } else { "wrong" })
        }
        Event::Message(message) => format!("message {}", message.text()),
        _ => return None,
    })
}

fn tell(line: String) {
    println!("{line}");
    // Whoever reads us waits for the line; one that is gone needs none.
    let _ = std::io::stdout().flush();
}

/// Reading standard input blocks, so it has a thread of its own.
fn typed_lines() -> mpsc::Receiver<String> {
    let (typed, lines) = mpsc::channel(16);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if typed.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}
