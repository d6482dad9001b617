//! Turning down the media of an offer (RFC 3264 §6): the member takes part in pager mode.

/// Longest offer that is looked at, and most media of it.
const OFFER_BYTES_MAX: usize = 16 << 10;
const MEDIA_MAX: usize = 16;

/// The media type.
pub(super) const CONTENT_TYPE: &str = "application/sdp";

/// An answer that refuses every medium of `offer`: each of its `m=` lines with port 0. Browsers offer none at all when they are
/// asked for no media; their answer has none either. `None` when it is no offer.
pub(super) fn refuse_media(offer: &[u8], host: &str) -> Option<String> {
    if offer.len() > OFFER_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(offer).ok().filter(|text| text.starts_with("v=0"))?;
    let mut answer = format!("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n");
    let mut media = 0;
    for line in text.lines().filter_map(|line| line.strip_prefix("m=")) {
        let mut words = line.split_ascii_whitespace();
        let (kind, _port, protocol) = (words.next()?, words.next()?, words.next()?);
        let formats: Vec<&str> = words.collect();
        media += 1;
        if media > MEDIA_MAX || formats.is_empty() {
            return None;
        }
        answer.push_str(&format!("m={kind} 0 {protocol} {}\r\n", formats.join(" ")));
    }
    Some(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_medium_is_refused() {
        let offer = b"v=0\r\no=- 1 1 IN IP4 10.0.0.7\r\ns=-\r\nm=message 2855 TCP/MSRP *\r\na=path:x\r\nm=audio 4000 RTP/AVP 0 8\r\n";
        let answer = refuse_media(offer, "0.0.0.0").expect("an offer");
        assert!(answer.ends_with("t=0 0\r\nm=message 0 TCP/MSRP *\r\nm=audio 0 RTP/AVP 0 8\r\n"), "{answer}");
        assert!(refuse_media(b"v=0\r\ns=-\r\nt=0 0\r\n", "0.0.0.0").is_some());
        for bad in ["", "hello", "v=0\r\nm=\r\n", "v=0\r\nm=message 1\r\n", "v=0\r\nm=message 1 TCP/MSRP\r\n"]
        {
            assert_eq!(refuse_media(bad.as_bytes(), "0.0.0.0"), None, "{bad:?}");
        }
        let many = format!("v=0\r\n{}", "m=a 1 b c\r\n".repeat(MEDIA_MAX + 1));
        assert_eq!(refuse_media(many.as_bytes(), "0.0.0.0"), None);
    }
}
