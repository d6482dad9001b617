//! What frames and messages cost, in time and heap allocations: `cargo bench -p msrp`.

use std::time::Duration;

use bytes::Bytes;
use divan::{AllocProfiler, Bencher, black_box};
use msrp::connection::{Config, Connection, Event, Lookup, Outgoing, Session};
use msrp::stream::Framer;
use msrp::{Continuation, Frame, FrameBuilder};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const OURS: &str = "msrp://192.0.2.1:2855/3f1a9c5e77b04d21;tcp";
const THEIRS: &str = "msrp://10.0.0.7:9/d2c4a8e0116b9f35;tcp";

fn main() {
    divan::main();
}

fn chunk() -> Bytes {
    FrameBuilder::request("9a3f00c1d2e4b586", "SEND", OURS, THEIRS)
        .header("Message-ID", "c7d1e9a0b2f34865")
        .header("Byte-Range", "1-2048/1048576")
        .header("Success-Report", "no")
        .header("Failure-Report", "yes")
        .body("message/cpim", &[b'x'; 2048])
        .build(Continuation::More)
}

/// Head and end of a chunk of 2048 bytes, as a WebSocket message brings it.
#[divan::bench]
fn parse_chunk(bencher: Bencher) {
    bencher
        .with_inputs(|| Bytes::from(chunk().to_vec()))
        .bench_local_values(|wire| Frame::parse(black_box(wire)));
}

/// The same out of a stream.
#[divan::bench]
fn frame_chunk_of_a_stream(bencher: Bencher) {
    let wire = chunk();
    let mut framer = Framer::new();
    bencher.bench_local(|| {
        framer.push(black_box(&wire));
        while let Some(part) = framer.poll().expect("well formed") {
            black_box(part);
        }
    });
}

/// A message of a mebibyte from one end to the other: chunks written, read, put together and answered on both sides.
#[divan::bench]
fn carry_a_mebibyte(bencher: Bencher) {
    let body = Bytes::from(vec![b'x'; 1 << 20]);
    bencher.counter(divan::counter::BytesCount::new(body.len())).bench_local(|| carry(body.clone()));
}

fn carry(body: Bytes) -> u64 {
    let (mut client, mut server) = (Connection::new(Config::new(1)), Connection::new(Config::new(2)));
    let (mut up, mut down) = (Framer::new(), Framer::new());
    let now = Duration::ZERO;
    let session = |id: &str, local: &str, remote: &str| Session {
        id: id.to_owned(),
        local: local.to_owned(),
        remote: remote.to_owned(),
        bytes_max: 2 << 20,
    };
    client.join(now, session("d2c4a8e0116b9f35", THEIRS, OURS));
    client.send(Outgoing {
        send: 1,
        session: "d2c4a8e0116b9f35".to_owned(),
        message_id: "m".to_owned(),
        content_type: "message/cpim".to_owned(),
        source: Box::new(body),
        success_report: false,
    });
    let mut received = 0;
    loop {
        while let Some(bytes) = client.poll_transmit() {
            up.push(&bytes);
        }
        while let Some(part) = up.poll().expect("well formed") {
            server.receive(now, part, &mut |id: &str| Lookup::Bind(session(id, OURS, THEIRS)));
        }
        while let Some(event) = server.poll_event() {
            match event {
                Event::Data { bytes, .. } => received += bytes.len() as u64,
                Event::Whole { message, .. } => server.answer(message, 200),
                _ => {}
            }
        }
        while let Some(bytes) = server.poll_transmit() {
            down.push(&bytes);
        }
        while let Some(part) = down.poll().expect("well formed") {
            client.receive(now, part, &mut |_: &str| Lookup::Unknown);
        }
        if let Some(Event::Sent { .. }) = client.poll_event() {
            return received;
        }
    }
}
