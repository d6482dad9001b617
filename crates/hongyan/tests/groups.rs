//! A group over real sockets: handsets on TCP, UDP and WebSocket, and a platform that is killed while they are in it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use std::time::Duration;

use handset::platform::{Launch, Platform};
use handset::run::{Phone, PhoneError};
use handset::{Config, Event, Failure, Handset, Outgoing, Services};
use rcs::conference_info::Status;
use sip::Transport;

const DOMAIN: &str = "hongyan.local";
const PASSWORD: &str = "correct horse";
const PATIENCE: Duration = Duration::from_secs(20);
const PEOPLE: [(&str, Transport); 3] = [
    ("+8613800000001", Transport::Tcp),
    ("+8613800000002", Transport::Udp),
    ("+8613800000003", Transport::Ws),
];

fn uri(person: usize) -> String {
    format!("sip:{}@{DOMAIN};user=phone", PEOPLE[person].0)
}

async fn connect(handset: Handset, platform: &Platform, transport: Transport) -> Phone {
    let mut phone = Phone::start(handset, platform.server(transport)).await.unwrap();
    phone.register().await.unwrap();
    phone
}

/// Waits until a phone knows so many members who take part, and this subject.
async fn sees(phone: &mut Phone, focus: &str, members: usize, subject: &str) {
    loop {
        let of = focus.to_owned();
        let known = phone.with(move |handset, _| handset.group_info(&of).cloned()).await;
        let is_so = known.is_some_and(|info| {
            let connected = |user: &&rcs::conference_info::User| {
                user.endpoints.iter().any(|endpoint| endpoint.status == Some(Status::Connected))
            };
            info.users.iter().filter(connected).count() == members && info.subject.as_deref() == Some(subject)
        });
        if is_so {
            return;
        }
        let news = phone.wait(PATIENCE, |event| matches!(event, Event::Members { .. }).then_some(())).await;
        news.unwrap_or_else(|error| panic!("{members} members and {subject:?}: {error}"));
    }
}

async fn hears(phone: &mut Phone, text: &str, author: &str) {
    let heard = phone
        .wait(PATIENCE, |event| match event {
            Event::Message(message) if message.text() == text => Some(message.author.clone()),
            _ => None,
        })
        .await;
    assert_eq!(heard.unwrap().as_deref(), Some(author), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_goes_on_after_the_platform_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    // Credentials and a group's URIs together are too long for a datagram.
    let launch = Launch::new(env!("CARGO_BIN_EXE_hongyan"), directory.path())
        .setting("HONGYAN_SIP__TRUST_UDP_SOURCE", "true");
    let platform = Platform::start(&launch).await.unwrap();
    let mut phones = Vec::new();
    for (seed, (number, transport)) in PEOPLE.into_iter().enumerate() {
        platform.add_subscriber(number, PASSWORD).await.unwrap();
        let config = Config::new(number, DOMAIN, PASSWORD, seed as u64 + 1).unwrap();
        phones.push(connect(Handset::new(config), &platform, transport).await);
    }
    let members = [uri(1), uri(2)];
    phones[0].with(move |handset, now| handset.make_group(now, "周末", &members)).await;
    let mut focus = String::new();
    for phone in &mut phones {
        let joined = phone.wait(PATIENCE, |event| match event {
            Event::Joined { focus } => Some(focus.clone()),
            _ => None,
        });
        focus = joined.await.unwrap();
    }
    for phone in &mut phones {
        sees(phone, &focus, 3, "周末").await;
    }
    assert_eq!(phones[1].send(&focus, Outgoing::text("爬山?").with_id("m1")).await.unwrap(), 200);
    hears(&mut phones[0], "爬山?", &uri(1)).await;
    hears(&mut phones[2], "爬山?", &uri(1)).await;
    for reporter in [uri(0), uri(2)] {
        let report = phones[1].wait(PATIENCE, |event| match event {
            Event::Report { from, message_id, .. } if *from == reporter && message_id == "m1" => Some(()),
            _ => None,
        });
        report.await.unwrap();
    }

    platform.kill().await.unwrap();
    let platform = Platform::start(&launch).await.unwrap();
    let mut again = Vec::new();
    for (phone, (_, transport)) in phones.into_iter().zip(PEOPLE) {
        let (handset, _) = phone.stop().await;
        again.push(connect(handset, &platform, transport).await);
    }
    let [mut alice, mut bob, mut carol] = <[Phone; 3]>::try_from(again).ok().unwrap();
    carol.send(&focus, Outgoing::text("still here")).await.unwrap();
    hears(&mut alice, "still here", &uri(2)).await;
    hears(&mut bob, "still here", &uri(2)).await;
    let of = focus.clone();
    alice.with(move |handset, now| handset.rename_group(now, &of, "Berg")).await;
    for phone in [&mut alice, &mut bob, &mut carol] {
        sees(phone, &focus, 3, "Berg").await;
    }
    let of = focus.clone();
    bob.with(move |handset, now| handset.leave_group(now, &of)).await;
    bob.wait(PATIENCE, |event| matches!(event, Event::Left { .. }).then_some(())).await.unwrap();
    sees(&mut carol, &focus, 2, "Berg").await;
    let refused = bob.send(&focus, Outgoing::text("and me?")).await.unwrap_err();
    assert!(matches!(refused, PhoneError::Failure(Failure::Refused(403))), "{refused}");

    let mut admin = platform.admin().await.unwrap();
    let (_, groups) = admin.call("GET", "/groups", None).await.unwrap();
    assert_eq!((groups[0]["group"].as_str(), groups[0]["members"].as_u64()), (Some(focus.as_str()), Some(2)));
    let id = focus.strip_prefix("sip:").unwrap();
    let (status, shown) = admin.call("GET", &format!("/groups/{id}"), None).await.unwrap();
    assert_eq!((status, shown["subject"].as_str()), (200, Some("Berg")));
    assert_eq!(shown["members"][0]["role"], "admin");
    let (_, stories) = admin.trace("m1").await.unwrap();
    assert_eq!(stories.as_array().map(Vec::len), Some(3), "one for the group and one for each member");
    assert!(platform.stop().await.unwrap());
}

/// Waits until a phone has a session with the focus of a group; the call.
async fn in_session(phone: &mut Phone, focus: &str) -> u64 {
    let call = phone.wait(PATIENCE, |event| match event {
        Event::CallOpen { call, peer } if peer == focus => Some(*call),
        _ => None,
    });
    call.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_message_over_msrp_reaches_a_member_that_was_away_when_the_platform_was_killed() {
    let directory = tempfile::tempdir().unwrap();
    let launch = Launch::new(env!("CARGO_BIN_EXE_hongyan"), directory.path());
    let platform = Platform::start(&launch).await.unwrap();
    let mut phones = Vec::new();
    for (seed, transport) in [(1, Transport::Tcp), (2, Transport::Ws), (3, Transport::Tcp)] {
        let number = PEOPLE[seed as usize - 1].0;
        platform.add_subscriber(number, PASSWORD).await.unwrap();
        let config = Config::new(number, DOMAIN, PASSWORD, seed).unwrap();
        let config = Config { services: Services { chat: true, ..Services::default() }, ..config };
        phones.push(connect(Handset::new(config), &platform, transport).await);
    }
    let [mut alice, mut bob, mut carol] = <[Phone; 3]>::try_from(phones).ok().unwrap();
    let members = [uri(1), uri(2)];
    alice.with(move |handset, now| handset.make_group(now, "周末", &members)).await;
    let focus = alice.wait(PATIENCE, |event| match event {
        Event::Joined { focus } => Some(focus.clone()),
        _ => None,
    });
    let focus = focus.await.unwrap();
    let call = in_session(&mut alice, &focus).await;
    in_session(&mut bob, &focus).await;
    in_session(&mut carol, &focus).await;
    let (carol, _) = carol.stop().await;
    let large = "明天见。".repeat(50_000);
    assert_eq!(alice.say(call, Outgoing::text(&large)).await.unwrap(), 200);
    hears(&mut bob, &large, &uri(0)).await;

    platform.kill().await.unwrap();
    let spooled = || std::fs::read_dir(directory.path().join("spool")).unwrap().count();
    assert_eq!(spooled(), 1, "one file for both members");
    let platform = Platform::start(&launch).await.unwrap();
    let mut carol = connect(carol, &platform, Transport::Tcp).await;
    in_session(&mut carol, &focus).await;
    hears(&mut carol, &large, &uri(0)).await;
    // The platform may have died before it noted that Bob has it. His device knows the message if it comes again.
    let (bob, _) = bob.stop().await;
    let _bob = connect(bob, &platform, Transport::Ws).await;
    let gone = async {
        while spooled() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
    assert!(platform.stop().await.unwrap());
}
