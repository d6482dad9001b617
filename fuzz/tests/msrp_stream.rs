//! A stream of any bytes, cut anywhere: nothing panics, little is held, and cuts make no difference.

use msrp::HEAD_BYTES_MAX;
use msrp::stream::{Framer, Part};

#[test]
fn msrp_stream() {
    bolero::check!().with_type::<(Vec<u8>, u8)>().for_each(|(bytes, cut)| {
        let whole = frames(bytes, bytes.len().max(1));
        assert_eq!(whole, frames(bytes, usize::from(*cut).max(1)));
    });
}

/// Random bytes seldom make a head, so one is put around them.
#[test]
fn msrp_stream_bodies() {
    bolero::check!().with_type::<(Vec<Vec<u8>>, u8)>().for_each(|(bodies, cut)| {
        let mut stream = Vec::new();
        for body in bodies {
            stream.extend_from_slice(
                b"MSRP abcd SEND\r\nTo-Path: msrp://b:1/y;tcp\r\nFrom-Path: msrp://a:1/x;tcp\r\n",
            );
            stream.extend_from_slice(b"Content-Type: a/b\r\n\r\n");
            stream.extend_from_slice(body);
            stream.extend_from_slice(b"\r\n-------abcd$\r\n");
        }
        let pieces = frames(&stream, usize::from(*cut).max(1));
        assert_eq!(frames(&stream, stream.len().max(1)), pieces);
        if !bodies.iter().any(|body| body.windows(7).any(|window| window == b"-------")) {
            assert_eq!(pieces.0, *bodies);
        }
    });
}

/// Bodies of the frames in a stream, and whether it ended in an error.
fn frames(bytes: &[u8], cut: usize) -> (Vec<Vec<u8>>, bool) {
    let mut framer = Framer::new();
    let mut seen = Vec::new();
    let mut body = Vec::new();
    for piece in bytes.chunks(cut) {
        framer.push(piece);
        loop {
            match framer.poll() {
                Ok(Some(Part::Head(_))) => body.clear(),
                Ok(Some(Part::Data(data))) => {
                    assert!(!data.is_empty());
                    body.extend_from_slice(&data);
                }
                Ok(Some(Part::End(_))) => seen.push(std::mem::take(&mut body)),
                Ok(None) => break,
                Err(_) => return (seen, true),
            }
        }
        assert!(framer.pending_bytes() <= HEAD_BYTES_MAX);
    }
    (seen, false)
}
