//! Two ends of a connection, told as short stories in virtual time.

use std::time::Duration;

use bytes::Bytes;
use msrp::connection::{Config, Connection, Event, IncomingId, Lookup, Outgoing, Session};
use msrp::stream::Framer;
use msrp::{Continuation, Frame, FrameBuilder, Start};

const OURS: &str = "msrp://192.0.2.1:2855/ours;tcp";
const THEIRS: &str = "msrp://10.0.0.7:9/theirs;tcp";

/// A client that has connected, and the server that it connected to.
struct Pair {
    now: Duration,
    client: Connection,
    server: Connection,
    up: Framer,
    down: Framer,
    /// What came to the server: whole messages, each answered with `answers`.
    inbox: Vec<Vec<u8>>,
    answers: u16,
    server_events: Vec<Event>,
    client_events: Vec<Event>,
    bodies: Vec<(IncomingId, Vec<u8>)>,
}

impl Pair {
    fn new() -> Self {
        Self {
            now: Duration::from_secs(1),
            client: Connection::new(Config::new(1)),
            server: Connection::new(Config::new(2)),
            up: Framer::new(),
            down: Framer::new(),
            inbox: Vec::new(),
            answers: 200,
            server_events: Vec::new(),
            client_events: Vec::new(),
            bodies: Vec::new(),
        }
    }

    fn joined() -> Self {
        let mut pair = Self::new();
        pair.client.join(pair.now, client_session());
        pair.run();
        pair
    }

    fn run(&mut self) {
        loop {
            let mut moved = false;
            while let Some(bytes) = self.client.poll_transmit() {
                self.up.push(&bytes);
                moved = true;
            }
            while let Some(part) = self.up.poll().expect("well formed") {
                let mut sessions = |id: &str| match id {
                    "ours" => Lookup::Bind(server_session()),
                    "taken" => Lookup::Elsewhere,
                    _ => Lookup::Unknown,
                };
                self.server.receive(self.now, part, &mut sessions);
            }
            while let Some(event) = self.server.poll_event() {
                match &event {
                    Event::Begun { message, .. } => self.bodies.push((*message, Vec::new())),
                    Event::Data { message, offset, bytes } => {
                        let body =
                            self.bodies.iter_mut().find(|(id, _)| id == message).expect("it has begun");
                        let (from, to) = (*offset as usize, *offset as usize + bytes.len());
                        body.1.resize(body.1.len().max(to), 0);
                        body.1[from..to].copy_from_slice(bytes);
                    }
                    Event::Whole { message, .. } => {
                        let at = self.bodies.iter().position(|(id, _)| id == message).expect("it has begun");
                        self.inbox.push(self.bodies.remove(at).1);
                        self.server.answer(*message, self.answers);
                    }
                    _ => {}
                }
                self.server_events.push(event);
            }
            while let Some(bytes) = self.server.poll_transmit() {
                self.down.push(&bytes);
                moved = true;
            }
            while let Some(part) = self.down.poll().expect("well formed") {
                self.client.receive(self.now, part, &mut |_: &str| Lookup::Unknown);
            }
            self.client_events.extend(std::iter::from_fn(|| self.client.poll_event()));
            if !moved {
                return;
            }
        }
    }

    fn send(&mut self, number: u64, body: Vec<u8>) {
        self.client.send(outgoing(number, "theirs", body));
        self.run();
    }
}

fn outgoing(number: u64, session: &str, body: Vec<u8>) -> Outgoing {
    Outgoing {
        send: number,
        session: session.to_owned(),
        message_id: format!("m{number}"),
        content_type: "message/cpim".to_owned(),
        source: Box::new(Bytes::from(body)),
        success_report: true,
    }
}

fn client_session() -> Session {
    Session { id: "theirs".into(), local: THEIRS.into(), remote: OURS.into(), bytes_max: 1 << 20 }
}

fn server_session() -> Session {
    Session { id: "ours".into(), local: OURS.into(), remote: THEIRS.into(), bytes_max: 100_000 }
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 7 % 251) as u8).collect()
}

#[test]
fn the_side_that_connects_says_whose_connection_it_is() {
    let pair = Pair::joined();
    assert_eq!(pair.server_events, [Event::Bound { session: "ours".into() }]);
    assert!(pair.server.has("ours"));
    assert_eq!(pair.client_events, []);
}

#[test]
fn a_message_of_many_chunks_arrives_whole_and_is_reported() {
    let mut pair = Pair::joined();
    let body = bytes(70_001);
    pair.send(1, body.clone());
    assert_eq!(pair.inbox, [body]);
    assert!(pair.client_events.contains(&Event::Sent { send: 1 }));
    let report = Event::Report { session: "theirs".into(), message_id: "m1".into(), status: 200 };
    assert!(pair.client_events.contains(&report));
}

#[test]
fn messages_of_one_session_keep_their_order() {
    let mut pair = Pair::joined();
    for number in 1..=5 {
        pair.client.send(outgoing(number, "theirs", bytes(5_000 + number as usize)));
    }
    pair.run();
    assert_eq!(pair.inbox.iter().map(Vec::len).collect::<Vec<_>>(), [5_001, 5_002, 5_003, 5_004, 5_005]);
}

#[test]
fn the_last_chunk_is_answered_when_the_message_is_kept_and_not_before() {
    let mut pair = Pair::joined();
    pair.answers = 403;
    pair.send(1, bytes(10));
    assert_eq!(pair.client_events, [Event::NotSent { send: 1, status: 403 }]);
}

#[test]
fn too_large_a_message_is_stopped_with_413() {
    let mut pair = Pair::joined();
    pair.send(1, bytes(100_001));
    assert_eq!(pair.inbox, Vec::<Vec<u8>>::new());
    assert_eq!(pair.client_events, [Event::NotSent { send: 1, status: 413 }]);
    pair.client_events.clear();
    pair.send(2, bytes(100_000));
    assert_eq!(pair.client_events.first(), Some(&Event::Sent { send: 2 }), "the session goes on");
}

#[test]
fn a_sender_that_says_no_size_is_stopped_where_it_goes_too_far() {
    let mut pair = Pair::joined();
    let chunk = FrameBuilder::request("abcd", "SEND", OURS, THEIRS)
        .header("Message-ID", "endless")
        .header("Byte-Range", "99999-*/*")
        .body("a/b", &bytes(3))
        .build(Continuation::More);
    pair.up.push(&chunk);
    assert_eq!(answer_from(&mut pair), Start::Response(413));
    assert!(pair.server_events.iter().any(|event| matches!(event, Event::Abandoned { .. })));
}

#[test]
fn only_a_few_messages_of_a_session_are_unfinished_at_once() {
    let mut pair = Pair::joined();
    let mut chunk = |id: &str, range: &str, flag| {
        let chunk = FrameBuilder::request("abcd", "SEND", OURS, THEIRS)
            .header("Message-ID", id)
            .header("Byte-Range", range)
            .body("a/b", b"abc");
        pair.up.push(&chunk.build(flag));
        answer_from(&mut pair)
    };
    for id in ["a", "b", "c", "d"] {
        assert_eq!(chunk(id, "1-3/6", Continuation::More), Start::Response(200), "{id}");
    }
    assert_eq!(chunk("e", "1-3/6", Continuation::More), Start::Response(403));
    assert_eq!(chunk("a", "4-6/6", Continuation::Aborted), Start::Response(200));
    assert_eq!(chunk("e", "1-3/6", Continuation::More), Start::Response(200));
}

#[test]
fn chunks_out_of_order_and_repeated_make_one_message() {
    let mut pair = Pair::joined();
    for (range, body, flag) in [
        ("7-9/*", "ghi", Continuation::Complete),
        ("4-6/*", "xxx", Continuation::More),
        ("4-6/*", "def", Continuation::More),
        ("1-3/*", "abc", Continuation::More),
    ] {
        let chunk = FrameBuilder::request("abcd", "SEND", OURS, THEIRS)
            .header("Message-ID", "m")
            .header("Byte-Range", range)
            .body("a/b", body.as_bytes());
        pair.up.push(&chunk.build(flag));
        pair.run();
    }
    assert_eq!(pair.inbox, [b"abcdefghi".to_vec()]);
}

#[test]
fn a_message_given_up_by_its_sender_is_forgotten() {
    let mut pair = Pair::joined();
    for (flag, body) in [(Continuation::More, "abc"), (Continuation::Aborted, "d")] {
        let chunk = FrameBuilder::request("abcd", "SEND", OURS, THEIRS)
            .header("Message-ID", "m")
            .header("Byte-Range", "1-*/*")
            .body("a/b", body.as_bytes());
        pair.up.push(&chunk.build(flag));
        pair.run();
    }
    assert_eq!(pair.inbox, Vec::<Vec<u8>>::new());
    assert!(matches!(pair.server_events.last(), Some(Event::Abandoned { .. })));
}

#[test]
fn a_chunk_without_an_answer_fails_its_message_after_thirty_seconds() {
    let mut pair = Pair::joined();
    pair.client.send(outgoing(1, "theirs", bytes(5_000)));
    while pair.client.poll_transmit().is_some() {}
    let due = pair.client.poll_timeout().expect("chunks await their answers");
    assert_eq!(due, Duration::from_secs(31));
    pair.client.handle_timeout(due - Duration::from_millis(1));
    assert_eq!(pair.client.poll_event(), None);
    pair.client.handle_timeout(due);
    assert_eq!(pair.client.poll_event(), Some(Event::NotSent { send: 1, status: 408 }));
}

#[test]
fn requests_that_make_no_sense_are_answered_and_the_connection_goes_on() {
    let mut pair = Pair::joined();
    let unknown = "msrp://192.0.2.1:2855/nobody;tcp";
    let taken = "msrp://192.0.2.1:2855/taken;tcp";
    let named = |to, method| FrameBuilder::request("abcd", method, to, THEIRS).header("Message-ID", "m");
    for (request, status) in [
        (named(unknown, "SEND").body("a/b", b"x"), 481),
        (named(taken, "SEND").body("a/b", b"x"), 506),
        (named(OURS, "NICKNAME"), 501),
        (named(OURS, "AUTH"), 501),
        (named(OURS, "SEND").header("Byte-Range", "0-3/3").body("a/b", b"x"), 400),
        (FrameBuilder::request("abcd", "SEND", OURS, THEIRS).body("a/b", b"x"), 400),
        (FrameBuilder::request("abcd", "SEND", "msrp://relay;tcp", THEIRS), 400),
        (named(OURS, "SEND").header("Byte-Range", "1-9/3").body("a/b", b"more than three"), 400),
        (named(OURS, "SEND"), 200),
    ] {
        pair.up.push(&request.build(Continuation::Complete));
        assert_eq!(answer_from(&mut pair), Start::Response(status), "{status}");
    }
}

#[test]
fn reports_are_never_answered_nor_is_what_wants_no_answer() {
    let mut pair = Pair::joined();
    let report = FrameBuilder::request("abcd", "REPORT", OURS, THEIRS)
        .header("Message-ID", "m9")
        .header("Byte-Range", "1-3/3")
        .header("Status", "000 413 Too large");
    let silent = |value| {
        FrameBuilder::request("abcd", "SEND", OURS, THEIRS)
            .header("Message-ID", "quiet")
            .header("Failure-Report", value)
            .body("a/b", b"x")
            .build(Continuation::Complete)
    };
    for frame in [report.build(Continuation::Complete), silent("no"), silent("partial")] {
        pair.up.push(&frame);
        let before = pair.down.pending_bytes();
        pair.run();
        assert_eq!(pair.down.pending_bytes(), before);
    }
    assert_eq!(pair.inbox.len(), 2);
    let reported = Event::Report { session: "ours".into(), message_id: "m9".into(), status: 413 };
    assert!(pair.server_events.contains(&reported));
}

#[test]
fn one_connection_carries_many_sessions() {
    let mut client = Connection::new(Config::new(1));
    let mut server = Connection::new(Config::new(2));
    let now = Duration::ZERO;
    for number in 0..20 {
        let id = format!("c{number}");
        client.join(
            now,
            Session {
                local: format!("msrp://10.0.0.7:9/{id};tcp"),
                remote: format!("msrp://192.0.2.1:2855/s{number};tcp"),
                id,
                bytes_max: 1000,
            },
        );
        client.send(outgoing(number, &format!("c{number}"), bytes(3_000)));
    }
    let mut whole = 0;
    let mut framers = [Framer::new(), Framer::new()];
    for _ in 0..100 {
        while let Some(bytes) = client.poll_transmit() {
            framers[0].push(&bytes);
        }
        while let Some(part) = framers[0].poll().unwrap() {
            let mut sessions = |id: &str| {
                Lookup::Bind(Session {
                    id: id.to_owned(),
                    local: format!("msrp://192.0.2.1:2855/{id};tcp"),
                    remote: format!("msrp://10.0.0.7:9/c{};tcp", &id[1..]),
                    bytes_max: 10_000,
                })
            };
            server.receive(now, part, &mut sessions);
        }
        while let Some(event) = server.poll_event() {
            if let Event::Whole { message, .. } = event {
                server.answer(message, 200);
                whole += 1;
            }
        }
        while let Some(bytes) = server.poll_transmit() {
            framers[1].push(&bytes);
        }
        while let Some(part) = framers[1].poll().unwrap() {
            client.receive(now, part, &mut |_: &str| Lookup::Unknown);
        }
    }
    let sent = std::iter::from_fn(|| client.poll_event()).filter(|event| matches!(event, Event::Sent { .. }));
    assert_eq!((whole, sent.count()), (20, 20));
    server.close();
    assert!(server.is_idle());
}

#[test]
fn what_is_under_way_fails_when_the_connection_ends() {
    let mut pair = Pair::joined();
    pair.client.send(outgoing(1, "theirs", bytes(5_000)));
    pair.client.send(outgoing(2, "theirs", bytes(5)));
    while pair.client.poll_transmit().is_some() {}
    pair.client.close();
    let mut failed: Vec<Event> = std::iter::from_fn(|| pair.client.poll_event()).collect();
    failed.sort_by_key(|event| matches!(event, Event::NotSent { send: 2, .. }));
    assert_eq!(failed, [Event::NotSent { send: 1, status: 481 }, Event::NotSent { send: 2, status: 481 }]);
    pair.client.send(outgoing(3, "theirs", bytes(5)));
    assert_eq!(pair.client.poll_event(), Some(Event::NotSent { send: 3, status: 481 }));
}

/// The server's answer to what was pushed, taken before the client sees it.
fn answer_from(pair: &mut Pair) -> Start {
    let mut sessions = |id: &str| match id {
        "ours" => Lookup::Bind(server_session()),
        "taken" => Lookup::Elsewhere,
        _ => Lookup::Unknown,
    };
    while let Some(part) = pair.up.poll().expect("well formed") {
        pair.server.receive(pair.now, part, &mut sessions);
    }
    pair.server_events.extend(std::iter::from_fn(|| pair.server.poll_event()));
    let answer = pair.server.poll_transmit().expect("an answer");
    Frame::parse(answer).expect("well formed").head.start()
}

/// A connection of ours to a relay, with a message under way whose chunks the relay has all answered.
fn taken_by_the_relay() -> (Connection, Vec<Frame>) {
    let mut ours = Connection::new(Config::new(3));
    let remote = format!("msrp://relay.example:2855/p1;tcp {THEIRS}");
    ours.join(Duration::ZERO, Session { remote, ..server_session() });
    ours.send(outgoing(7, "ours", vec![b'x'; 5000]));
    let mut sent = Vec::new();
    while let Some(bytes) = ours.poll_transmit() {
        let frame = Frame::parse(bytes).expect("we write frames");
        let answer = FrameBuilder::response(&frame.head, 200)
            .expect("its paths can be read")
            .build(Continuation::Complete);
        ours.receive_frame(Duration::ZERO, Frame::parse(answer).expect("we write frames"), &mut nobody());
        sent.push(frame);
    }
    (ours, sent)
}

fn nobody() -> impl FnMut(&str) -> Lookup {
    |_: &str| Lookup::Unknown
}

fn report(status: &str, range: &str) -> Frame {
    let report = FrameBuilder::request("rep0rt", "REPORT", OURS, THEIRS)
        .header("Message-ID", "m7")
        .header("Byte-Range", range)
        .header("Status", status)
        .build(Continuation::Complete);
    Frame::parse(report).expect("we write frames")
}

fn outcomes(connection: &mut Connection) -> Vec<Event> {
    let is_outcome = |event: &Event| matches!(event, Event::Sent { .. } | Event::NotSent { .. });
    std::iter::from_fn(|| connection.poll_event()).filter(is_outcome).collect()
}

#[test]
fn a_message_that_a_relay_has_taken_is_sent_when_its_addressee_reports_it() {
    let (mut ours, sent) = taken_by_the_relay();
    for frame in &sent[1..] {
        assert_eq!(frame.head.header(msrp::Header::SuccessReport), Some("yes"));
        assert_eq!(frame.head.to_uri(), Some("msrp://relay.example:2855/p1;tcp"));
    }
    assert_eq!(outcomes(&mut ours), []);
    ours.receive_frame(Duration::from_secs(9), report("000 200 OK", "1-2048/5000"), &mut nobody());
    assert_eq!(outcomes(&mut ours), [], "a part is not the whole");
    ours.receive_frame(Duration::from_secs(9), report("000 200 OK", "1-5000/5000"), &mut nobody());
    assert_eq!(outcomes(&mut ours), [Event::Sent { send: 7 }]);
    ours.handle_timeout(Duration::from_secs(1000));
    assert_eq!(outcomes(&mut ours), []);
}

#[test]
fn a_message_that_gets_lost_behind_a_relay_is_not_sent() {
    let (mut ours, _) = taken_by_the_relay();
    ours.receive_frame(Duration::from_secs(9), report("000 413 Too Large", "1-5000/5000"), &mut nobody());
    assert_eq!(outcomes(&mut ours), [Event::NotSent { send: 7, status: 413 }]);
    let (mut ours, _) = taken_by_the_relay();
    ours.handle_timeout(Duration::from_secs(119));
    assert_eq!(outcomes(&mut ours), []);
    assert_eq!(ours.poll_timeout(), Some(Duration::from_secs(120)));
    ours.handle_timeout(Duration::from_secs(120));
    assert_eq!(outcomes(&mut ours), [Event::NotSent { send: 7, status: 408 }]);
}
