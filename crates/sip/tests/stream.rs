//! Stories of a byte stream.

use bytes::Bytes;
use sip::stream::{Frame, Framer};
use sip::{Message, ParseError, Problem};

const LIMIT: usize = 1000;

const HEAD: &str = "MESSAGE sip:h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
                    To: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 MESSAGE\r\n";

fn all(framer: &mut Framer) -> Result<Vec<String>, ParseError> {
    let mut seen = Vec::new();
    while let Some(frame) = framer.poll()? {
        seen.push(match frame {
            Frame::Ping => "ping".to_owned(),
            Frame::Pong => "pong".to_owned(),
            Frame::Message(message) => String::from_utf8_lossy(message.body()).into_owned(),
        });
    }
    Ok(seen)
}

fn read(text: &str) -> Result<Vec<String>, ParseError> {
    let mut framer = Framer::new(LIMIT);
    framer.push(text.as_bytes());
    all(&mut framer)
}

fn message(body: &str) -> String {
    format!("{HEAD}Content-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn messages_and_keep_alives_come_out_in_order() {
    let text = format!("\r\n\r\n{}{}\r\n\r\n\r\n{}", message("one"), message(""), message("two"));
    assert_eq!(read(&text).unwrap(), ["ping", "one", "", "ping", "pong", "two"]);
}

#[test]
fn any_cut_of_the_stream_gives_the_same_messages() {
    let text = format!("{}{}{}", message("one"), message("\r\n\r\n"), message("two"));
    for size in [1, 2, 3, 7, 100] {
        let mut framer = Framer::new(LIMIT);
        let mut seen = Vec::new();
        for chunk in text.as_bytes().chunks(size) {
            framer.push(chunk);
            seen.extend(all(&mut framer).unwrap());
        }
        assert_eq!(seen, ["one", "\r\n\r\n", "two"], "pieces of {size}");
        assert_eq!(framer.pending_bytes(), 0);
    }
}

#[test]
fn a_ping_in_two_halves_is_still_answered() {
    for (first, second) in [("\r\n", "\r\n"), ("\r\n\r", "\n"), ("\r", "\n\r\n")] {
        let mut framer = Framer::new(LIMIT);
        framer.push(first.as_bytes());
        let mut seen = all(&mut framer).unwrap();
        framer.push(second.as_bytes());
        seen.extend(all(&mut framer).unwrap());
        assert_eq!(seen.last().map(String::as_str), Some("ping"), "{first:?} {second:?}");
        assert_eq!(seen.iter().filter(|frame| *frame == "ping").count(), 1);
    }
}

#[test]
fn bare_line_feeds_are_line_ends() {
    assert_eq!(read(&message("hi").replace("\r\n", "\n")).unwrap(), ["hi"]);
}

#[test]
fn what_cannot_be_framed_is_answered_and_ends_the_stream() {
    for (length, problem, status) in [
        ("", Problem::ContentLengthMissing, 400),
        ("Content-Length: -1\r\n", Problem::ContentLength, 400),
        ("Content-Length: 1\r\nl: 2\r\n", Problem::ContentLengthConflict, 400),
        ("Content-Length: 1001\r\n", Problem::BodyTooLarge, 413),
        ("Content-Length: 99999999999999999999999\r\n", Problem::BodyTooLarge, 413),
        ("Content-Length: 3\r\nno colon\r\n", Problem::HeaderLine, 400),
    ] {
        let mut framer = Framer::new(LIMIT);
        framer.push(format!("{}{HEAD}{length}\r\nabc{}", message("fine"), message("lost")).as_bytes());
        assert!(matches!(framer.poll(), Ok(Some(Frame::Message(_)))), "{length}");
        let error = framer.poll().expect_err(length);
        assert_eq!((error.problem(), error.status()), (problem, status), "{length}");
        let answer = Message::parse_datagram(error.response().expect("all that it takes was there")).unwrap();
        assert_eq!(answer.into_response().unwrap().status(), status);
        framer.push(message("more").as_bytes());
        assert!(matches!(framer.poll(), Ok(None)), "nothing after an error");
        assert_eq!(framer.pending_bytes(), 0);
    }
}

#[test]
fn equal_content_lengths_agree() {
    assert_eq!(read(&format!("{HEAD}Content-Length: 2\r\nl: 002\r\n\r\nhi")).unwrap(), ["hi"]);
}

#[test]
fn an_endless_head_is_refused_before_it_fills_memory() {
    let mut framer = Framer::new(LIMIT);
    framer.push(HEAD.as_bytes());
    for _ in 0..64 {
        framer.push(format!("X: {}\r\n", "x".repeat(1020)).as_bytes());
        match framer.poll() {
            Ok(None) => assert!(framer.pending_bytes() <= sip::HEAD_BYTES_MAX),
            Ok(Some(frame)) => panic!("{frame:?}"),
            Err(error) => return assert_eq!(error.problem(), Problem::HeadTooLarge),
        }
    }
    panic!("never refused");
}

#[test]
fn bytes_that_are_not_sip_are_refused() {
    for text in ["GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\r\n\r\n", "\0\0\0\r\n\r\n"] {
        assert_eq!(read(text).unwrap_err().problem(), Problem::StartLine, "{text:?}");
    }
}

#[test]
fn a_message_shares_the_buffer_it_came_in() {
    let mut framer = Framer::new(LIMIT);
    framer.push(message("hi").as_bytes());
    let Ok(Some(Frame::Message(read))) = framer.poll() else { panic!("a message") };
    assert_eq!(read.wire(), &Bytes::from(message("hi")));
    assert_eq!(read.body_bytes(), Bytes::from_static(b"hi"));
}
