//! Pairs of handsets over TCP or WebSocket, one connection each; and a group of them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use handset::run::{Phone, Server};
use handset::{Event, Outgoing};
use tokio::task::JoinSet;

use crate::scenarios::{handset, outgoing, unexpected, uri};

/// For a member to be called into a group, and for what is said there to be heard.
const JOINED_WITHIN: Duration = Duration::from_secs(60);

/// Two handsets that talk.
pub struct Pair {
    from: Phone,
    to: Phone,
    to_uri: String,
}

/// Connects and registers pairs.
pub async fn connect(server: Server, pairs: u32) -> io::Result<Vec<Pair>> {
    let mut connected = Vec::new();
    for pair in 0..pairs {
        let mut from = Phone::start(handset(2 * pair), server).await?;
        let mut to = Phone::start(handset(2 * pair + 1), server).await?;
        for phone in [&mut from, &mut to] {
            phone.register().await.map_err(io::Error::other)?;
        }
        connected.push(Pair { from, to, to_uri: uri(2 * pair + 1) });
    }
    Ok(connected)
}

/// Lets the pairs exchange `count` messages in all, one at a time in each; the number accepted and received.
pub async fn talk(pairs: &mut Vec<Pair>, count: u32) -> io::Result<u32> {
    let left = Arc::new(AtomicI64::new(count.into()));
    let mut talking = JoinSet::new();
    for pair in pairs.drain(..) {
        talking.spawn(talk_as_one(pair, left.clone(), outgoing()));
    }
    let mut accepted = 0;
    while let Some(talked) = talking.join_next().await {
        let (pair, count) = talked.map_err(io::Error::other)??;
        accepted += count;
        pairs.push(pair);
    }
    Ok(accepted)
}

async fn talk_as_one(mut pair: Pair, left: Arc<AtomicI64>, outgoing: Outgoing) -> io::Result<(Pair, u32)> {
    let mut accepted = 0;
    while left.fetch_sub(1, Ordering::Relaxed) > 0 {
        match pair.from.send(&pair.to_uri, outgoing.clone()).await {
            Ok(200) => accepted += 1,
            Ok(status) => return Err(unexpected(format_args!("a message was answered {status}"))),
            Err(error) => return Err(io::Error::other(error)),
        }
        // The device had it before the sender was told.
        match pair.to.next().await {
            Some(Event::Message(_)) => {}
            other => return Err(unexpected(format_args!("not a message: {other:?}"))),
        }
    }
    Ok((pair, accepted))
}

/// A group whose maker comes first.
pub struct Group {
    phones: Vec<Phone>,
    focus: String,
}

/// Connects `members` handsets and brings them into one group.
pub async fn gather(server: Server, members: u32) -> io::Result<Group> {
    let mut phones = Vec::new();
    for member in 0..members {
        let mut phone = Phone::start(handset(member), server).await?;
        phone.register().await.map_err(io::Error::other)?;
        phones.push(phone);
    }
    let others: Vec<String> = (1..members).map(uri).collect();
    phones[0].with(move |handset, now| handset.make_group(now, "bench", &others)).await;
    let mut focus = String::new();
    for phone in &mut phones {
        let joined = phone.wait(JOINED_WITHIN, |event| match event {
            Event::Joined { focus } => Some(focus.clone()),
            _ => None,
        });
        focus = joined.await.map_err(io::Error::other)?;
    }
    Ok(Group { phones, focus })
}

/// Lets the maker say something `count` times, each time when everybody has heard the time before; the number of copies delivered.
pub async fn speak(group: &mut Group, count: u32) -> io::Result<u32> {
    let mut delivered = 0;
    for _ in 0..count {
        let (maker, others) = group.phones.split_first_mut().expect("a group has its maker");
        match maker.send(&group.focus, outgoing()).await {
            Ok(200) => {}
            Ok(status) => return Err(unexpected(format_args!("a message was answered {status}"))),
            Err(error) => return Err(io::Error::other(error)),
        }
        for phone in others {
            let heard = phone.wait(JOINED_WITHIN, |event| matches!(event, Event::Message(_)).then_some(()));
            heard.await.map_err(io::Error::other)?;
            delivered += 1;
        }
    }
    Ok(delivered)
}
