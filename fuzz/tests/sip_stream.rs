//! A stream of any bytes, cut anywhere: nothing panics, memory stays bounded, and cuts make no difference.

use sip::HEAD_BYTES_MAX;
use sip::stream::{Frame, Framer};

const BODY_BYTES_MAX: usize = 256;

#[test]
fn sip_stream() {
    bolero::check!().with_type::<(Vec<u8>, u8)>().for_each(|(bytes, cut)| {
        let whole = frames(bytes, bytes.len().max(1));
        let pieces = frames(bytes, usize::from(*cut).max(1));
        assert_eq!(whole, pieces);
    });
}

/// Random bytes seldom make a head, so one is put around them.
#[test]
fn sip_stream_bodies() {
    bolero::check!().with_type::<(Vec<Vec<u8>>, u8)>().for_each(|(bodies, cut)| {
        let mut stream = Vec::new();
        for body in bodies {
            stream.extend_from_slice(b"INFO sip:h SIP/2.0\r\nl: ");
            stream.extend_from_slice(body.len().to_string().as_bytes());
            stream.extend_from_slice(b"\r\n\r\n");
            stream.extend_from_slice(body);
        }
        let (seen, failed) = frames(&stream, usize::from(*cut).max(1));
        let fit: Vec<_> = bodies.iter().take_while(|body| body.len() <= BODY_BYTES_MAX).cloned().collect();
        assert_eq!(failed, fit.len() < bodies.len());
        assert_eq!(seen, fit);
    });
}

/// Bodies of the messages in a stream (keep-alives left out: a ping may also come out as two pongs), and whether it
/// ended in an error.
fn frames(bytes: &[u8], cut: usize) -> (Vec<Vec<u8>>, bool) {
    let mut framer = Framer::new(BODY_BYTES_MAX);
    let mut seen = Vec::new();
    for piece in bytes.chunks(cut) {
        framer.push(piece);
        loop {
            match framer.poll() {
                Ok(Some(Frame::Message(message))) => seen.push(message.body().to_vec()),
                Ok(Some(Frame::Ping | Frame::Pong)) => {}
                Ok(None) => break,
                Err(_) => return (seen, true),
            }
        }
        assert!(framer.pending_bytes() <= HEAD_BYTES_MAX + BODY_BYTES_MAX);
    }
    (seen, false)
}
