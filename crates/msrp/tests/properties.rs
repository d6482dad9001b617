//! What holds for any input.

use bytes::Bytes;
use msrp::sdp::Description;
use msrp::stream::{Framer, Part};
use msrp::{Continuation, Frame, FrameBuilder, MsrpUri, Reassembly};
use proptest::collection::vec;
use proptest::prelude::*;

const TO: &str = "msrp://b:1/y;tcp";
const FROM: &str = "msrp://a:1/x;tcp";

fn continuation() -> impl Strategy<Value = Continuation> {
    prop_oneof![Just(Continuation::Complete), Just(Continuation::More), Just(Continuation::Aborted)]
}

/// Everything the parts of a stream say, data joined.
fn read(pieces: &[&[u8]]) -> (Vec<(String, Vec<u8>, Continuation)>, bool) {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    let mut current: Option<(String, Vec<u8>)> = None;
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.poll() {
                Ok(Some(Part::Head(head))) => current = Some((head.word().to_owned(), Vec::new())),
                Ok(Some(Part::Data(data))) => {
                    current.as_mut().expect("a head came").1.extend_from_slice(&data)
                }
                Ok(Some(Part::End(flag))) => {
                    let (word, body) = current.take().expect("a head came");
                    frames.push((word, body, flag));
                }
                Ok(None) => break,
                Err(_) => return (frames, true),
            }
        }
    }
    (frames, false)
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        id in "[A-Za-z0-9][A-Za-z0-9.+%=-]{3,31}",
        values in vec("[^\\r\\n\\x00]{0,40}", 0..10),
        body in proptest::option::of(vec(any::<u8>(), 0..300)),
        flag in continuation(),
    ) {
        let mut builder = FrameBuilder::request(&id, "SEND", TO, FROM);
        for value in &values {
            builder = builder.header("X-Value", value);
        }
        if let Some(body) = &body {
            prop_assume!(!FrameBuilder::would_end(&id, body));
            builder = builder.body("application/octet-stream", body);
        }
        let frame = Frame::parse(builder.build(flag)).unwrap();
        prop_assert_eq!(frame.head.transaction_id(), &id);
        prop_assert_eq!(frame.body.map(|body| body.to_vec()), body);
        prop_assert_eq!(frame.continuation, flag);
        let read: Vec<&str> =
            frame.head.headers().filter(|(name, _)| *name == "X-Value").map(|(_, value)| value).collect();
        let written: Vec<&str> = values.iter().map(|value| value.trim_ascii()).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn a_stream_reads_the_same_however_it_is_cut(
        bodies in vec(vec(prop_oneof![Just(b'-'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..120), 1..5),
        cuts in vec(1usize..40, 1..60),
    ) {
        let mut stream = Vec::new();
        for body in &bodies {
            if FrameBuilder::would_end("abcd", body) {
                continue;
            }
            let frame = FrameBuilder::request("abcd", "SEND", TO, FROM).body("a/b", body);
            stream.extend_from_slice(&frame.build(Continuation::Complete));
        }
        let mut pieces = Vec::new();
        let mut rest = stream.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        let (frames, failed) = read(&pieces);
        prop_assert!(!failed);
        let expected: Vec<_> = bodies.iter().filter(|body| !FrameBuilder::would_end("abcd", body)).collect();
        prop_assert_eq!(frames.iter().map(|(_, body, _)| body).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn chunks_in_any_order_and_repeated_make_the_message(
        sizes in vec(1u64..50, 1..40),
        order in vec(any::<prop::sample::Index>(), 0..80),
        total_is_known: bool,
    ) {
        let total: u64 = sizes.iter().sum();
        let mut chunks = Vec::new();
        let mut at = 0;
        for size in &sizes {
            chunks.push((at, *size));
            at += size;
        }
        let mut shuffled: Vec<(u64, u64)> = order.iter().map(|index| *index.get(&chunks)).collect();
        shuffled.extend(chunks.iter().rev());
        let mut message = Reassembly::new(total);
        for (offset, size) in shuffled {
            if total_is_known {
                message.announce(total).unwrap();
            }
            message.place(offset, size).unwrap();
            if offset + size == total {
                message.ends_at(total).unwrap();
            }
        }
        prop_assert!(message.is_whole());
        prop_assert_eq!(message.total(), Some(total));
        prop_assert!(message.place(total, 1).is_err(), "nothing comes after the end");
    }

    #[test]
    fn a_missing_byte_is_noticed(total in 2u64..200, gap in any::<prop::sample::Index>()) {
        let gap = gap.index(total as usize) as u64;
        let mut message = Reassembly::new(1000);
        for at in (0..total).filter(|at| *at != gap) {
            message.place(at, 1).unwrap();
        }
        if gap == total - 1 {
            message.announce(total).unwrap();
        }
        message.ends_at(total).unwrap();
        prop_assert!(!message.is_whole());
        message.place(gap, 1).unwrap();
        prop_assert!(message.is_whole());
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..400)) {
        let _ = Frame::parse(Bytes::from(bytes.clone()));
        let _ = Description::parse(&bytes);
        let _ = MsrpUri::parse_path(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn uris_are_read_as_they_are_written(
        secure: bool,
        host in "[a-z0-9][a-z0-9.-]{0,20}",
        port: u16,
        session in "[A-Za-z0-9+=/_.~-]{1,40}",
    ) {
        let uri = MsrpUri::new(secure, &host, port, &session, "tcp");
        let text = uri.to_string();
        prop_assert_eq!(&MsrpUri::parse(&text).unwrap(), &uri);
        prop_assert_eq!(msrp::session_id_of(&text), Some(session.as_str()));
    }
}
