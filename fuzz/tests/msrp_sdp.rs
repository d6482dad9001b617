//! Any bytes as a session description: nothing panics, and what we write of it reads as the same.

use msrp::MsrpUri;
use msrp::sdp::{Description, Endpoint};

#[test]
fn msrp_sdp() {
    bolero::check!().for_each(|bytes: &[u8]| look(bytes));
}

/// After lines that fit, so that attributes are reached.
#[test]
fn msrp_sdp_attributes() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let mut text =
            b"v=0\r\no=- 1 1 IN IP4 a\r\nm=message 9 TCP/MSRP *\r\na=path:msrp://a:9/x;tcp\r\na=".to_vec();
        text.extend_from_slice(bytes);
        look(&text);
    });
}

fn look(bytes: &[u8]) {
    let Ok(offer) = Description::parse(bytes) else { return };
    let ours = Endpoint::new(MsrpUri::new(false, "192.0.2.1", 2855, "ours", "tcp"));
    if let Ok((answer, agreed)) = ours.answer(&offer) {
        assert_eq!(answer.media.len(), offer.media.len());
        assert!(!agreed.remote.is_empty());
        assert_eq!(Description::parse(&answer.to_bytes()).as_ref(), Ok(&answer));
    }
    let _ = ours.accept(&offer);
}
