//! Random operations on two ends of a connection over a stream that may carry anything: nothing panics, memory stays
//! bounded, and of what was promised to come whole every byte came.

use std::time::Duration;

use bytes::Bytes;
use msrp::connection::{Config, Connection, Event, IncomingId, Lookup, Outgoing, Session};
use msrp::stream::Framer;

const BYTES_MAX: u64 = 10_000;

#[derive(Debug, bolero::TypeGenerator)]
enum Operation {
    /// The client sends a message of so many bytes.
    Send(u16),
    /// Bytes cross, at most so many frames.
    Cross(u8),
    /// Something that is none of the client's frames gets in between.
    Inject(Vec<u8>),
    /// Time passes.
    Wait(u8),
    /// The server answers a whole message.
    Answer(bool),
    /// A session ends on the server's side.
    Leave,
}

#[test]
fn msrp_connection() {
    bolero::check!().with_type::<Vec<Operation>>().for_each(|operations| {
        play(operations, "");
        // As if the server were a relay: what it answers says nothing, what it reports does.
        play(operations, " msrp://z:1/s;tcp");
    });
}

fn session(ours: &str, theirs: &str) -> Session {
    Session {
        id: ours.to_owned(),
        local: format!("msrp://a:1/{ours};tcp"),
        remote: format!("msrp://b:1/{theirs};tcp"),
        bytes_max: BYTES_MAX,
    }
}

fn play(operations: &[Operation], beyond: &str) {
    let mut now = Duration::ZERO;
    let (mut client, mut server) = (Connection::new(Config::new(1)), Connection::new(Config::new(2)));
    let (mut up, mut down) = (Framer::new(), Framer::new());
    let mut joined = session("c", "s");
    joined.remote.push_str(beyond);
    client.join(now, joined);
    let mut coming: Vec<(IncomingId, u64)> = Vec::new();
    let mut whole: Vec<IncomingId> = Vec::new();
    let (mut sent, mut ended) = (0, 0);
    for operation in operations {
        match operation {
            Operation::Send(bytes) => {
                sent += 1;
                client.send(Outgoing {
                    send: sent,
                    session: "c".to_owned(),
                    message_id: sent.to_string(),
                    content_type: "a/b".to_owned(),
                    source: Box::new(Bytes::from(vec![b'-'; usize::from(*bytes)])),
                    success_report: bytes % 2 == 0,
                });
            }
            Operation::Cross(frames) => {
                for _ in 0..*frames {
                    client.poll_transmit().iter().for_each(|bytes| up.push(bytes));
                    server.poll_transmit().iter().for_each(|bytes| down.push(bytes));
                }
            }
            Operation::Inject(bytes) => up.push(bytes),
            Operation::Wait(seconds) => {
                now += Duration::from_secs(u64::from(*seconds));
                client.handle_timeout(now);
                server.handle_timeout(now);
            }
            Operation::Answer(is_kept) => {
                if let Some(message) = whole.pop() {
                    server.answer(message, if *is_kept { 200 } else { 403 });
                }
            }
            Operation::Leave => server.leave("s"),
        }
        while let Ok(Some(part)) = up.poll() {
            server.receive(now, part, &mut |id: &str| match id {
                "s" => Lookup::Bind(session("s", "c")),
                _ => Lookup::Unknown,
            });
        }
        while let Ok(Some(part)) = down.poll() {
            client.receive(now, part, &mut |_: &str| Lookup::Unknown);
        }
        while let Some(event) = server.poll_event() {
            match event {
                Event::Begun { message, .. } => coming.push((message, 0)),
                Event::Data { message, offset, bytes } => {
                    let place = coming.iter_mut().find(|(id, _)| *id == message).expect("it has begun");
                    place.1 += bytes.len() as u64;
                    assert!(offset + bytes.len() as u64 <= BYTES_MAX);
                }
                Event::Whole { message, bytes } => {
                    let place = coming.iter().position(|(id, _)| *id == message).expect("it has begun");
                    assert!(coming.remove(place).1 >= bytes);
                    whole.push(message);
                }
                Event::Abandoned { message } => {
                    coming.retain(|(id, _)| *id != message);
                    whole.retain(|id| *id != message);
                }
                _ => {}
            }
        }
        while let Some(event) = client.poll_event() {
            ended += u64::from(matches!(event, Event::Sent { .. } | Event::NotSent { .. }));
        }
        assert!(coming.len() <= 64);
        assert!(ended <= sent);
    }
    client.close();
    ended += std::iter::from_fn(|| client.poll_event())
        .filter(|event| matches!(event, Event::Sent { .. } | Event::NotSent { .. }))
        .count() as u64;
    assert_eq!(ended, sent, "every message ends in one way");
}
