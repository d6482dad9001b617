//! Any bytes as one frame, and as parts of one: nothing panics, and what is read can be asked for.

use bytes::Bytes;
use msrp::{Frame, Header, MsrpUri};

#[test]
fn msrp_frame() {
    bolero::check!().for_each(|bytes: &[u8]| look(bytes));
}

/// With a start line and an end-line that fit, so that what is between is reached.
#[test]
fn msrp_frame_headers() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut wire = b"MSRP abcd SEND\r\n".to_vec();
        wire.extend_from_slice(bytes);
        wire.extend_from_slice(b"\r\n-------abcd$\r\n");
        look(&wire);
    });
}

fn look(bytes: &[u8]) {
    let Ok(frame) = Frame::parse(Bytes::copy_from_slice(bytes)) else { return };
    let head = &frame.head;
    let _ = (head.to_uri().map(MsrpUri::parse), head.from_path().map(MsrpUri::parse_path));
    let _ = (
        head.byte_range(),
        head.failure_report(),
        head.reported_status(),
        head.word(),
        head.transaction_id(),
    );
    let _ = (head.header(Header::ContentType), head.headers().count());
}
