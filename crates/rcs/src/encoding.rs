//! Content codings of bodies: inflating what a peer compressed, under a cap, and compressing what it accepts.
//!
//! liblinphone sends IMDNs and is-composing with `Content-Encoding: deflate` unannounced; bodies travel on as they
//! were before.

use std::io::Read;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder, ZlibEncoder};

/// The default cap of an inflated body.
pub const INFLATED_BYTES_MAX: usize = 1024 * 1024;

/// Why a body cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodingError {
    /// It would be longer than the cap. SIP: 413.
    #[error("body inflates to more than {max} bytes")]
    TooLarge {
        /// The cap.
        max: usize,
    },
    /// It is not what its Content-Encoding says, or ends too early. SIP: 400.
    #[error("body is not a complete deflate stream")]
    Malformed,
    /// A coding that we do not know. SIP: 415.
    #[error("unknown Content-Encoding {0:?}")]
    Unknown(String),
}

/// Undoes a Content-Encoding (`deflate`, `gzip`, `identity` or empty); the result has at most `max` bytes.
///
/// A body without a coding comes back without being copied, whatever its length.
pub fn decode(content_encoding: &str, body: Bytes, max: usize) -> Result<Bytes, EncodingError> {
    match content_encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(body),
        "deflate" => inflate(&body, max),
        "gzip" | "x-gzip" => read_capped(GzDecoder::new(&body[..]), max),
        _ => Err(EncodingError::Unknown(content_encoding.chars().take(40).collect())),
    }
}

/// Undoes `deflate`: the zlib format (RFC 1950) that the name stands for, or the bare stream (RFC 1951) that some
/// peers send under it.
pub fn inflate(body: &[u8], max: usize) -> Result<Bytes, EncodingError> {
    match read_capped(ZlibDecoder::new(body), max) {
        Err(EncodingError::Malformed) => read_capped(DeflateDecoder::new(body), max),
        result => result,
    }
}

/// Compresses into the zlib format.
pub fn deflate(body: &[u8]) -> Bytes {
    let mut packed = Vec::with_capacity(body.len() / 2 + 16);
    ZlibEncoder::new(body, Compression::default())
        .read_to_end(&mut packed)
        .expect("reading from memory and compressing it cannot fail");
    packed.into()
}

fn read_capped(stream: impl Read, max: usize) -> Result<Bytes, EncodingError> {
    let mut plain = Vec::new();
    // One byte over the cap tells a body that is too long from one that just fits.
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    stream.take(limit).read_to_end(&mut plain).map_err(|_| EncodingError::Malformed)?;
    if plain.len() > max { Err(EncodingError::TooLarge { max }) } else { Ok(plain.into()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ZLIB: &[u8] = include_bytes!("../../../fixtures/rcs/encoding/composing.zlib");
    const RAW: &[u8] = include_bytes!("../../../fixtures/rcs/encoding/composing.deflate");
    const GZIP: &[u8] = include_bytes!("../../../fixtures/rcs/encoding/composing.gz");
    const PLAIN: &[u8] = include_bytes!("../../../fixtures/rcs/composing/active.written.xml");

    #[test]
    fn all_three_formats_inflate() {
        assert_eq!(inflate(ZLIB, 1000).unwrap(), PLAIN);
        assert_eq!(inflate(RAW, 1000).unwrap(), PLAIN);
        assert_eq!(decode(" Deflate", Bytes::from_static(ZLIB), 1000).unwrap(), PLAIN);
        assert_eq!(decode("gzip", Bytes::from_static(GZIP), 1000).unwrap(), PLAIN);
        assert_eq!(decode("", Bytes::from_static(PLAIN), 1).unwrap(), PLAIN);
        assert!(matches!(decode("br", Bytes::new(), 1), Err(EncodingError::Unknown(_))));
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let bomb = deflate(&vec![0; 10 * INFLATED_BYTES_MAX]);
        assert!(bomb.len() < 32 * 1024);
        assert_eq!(
            inflate(&bomb, INFLATED_BYTES_MAX),
            Err(EncodingError::TooLarge { max: INFLATED_BYTES_MAX })
        );
        assert!(inflate(ZLIB, PLAIN.len()).is_ok());
        assert!(inflate(ZLIB, PLAIN.len() - 1).is_err());
    }

    #[test]
    fn no_prefix_of_a_stream_passes_for_the_whole() {
        for stream in [ZLIB, RAW] {
            for end in 0..stream.len() {
                assert_ne!(inflate(&stream[..end], 1000), Ok(Bytes::from_static(PLAIN)), "{end}");
            }
        }
    }

    proptest! {
        #[test]
        fn deflated_bodies_inflate(body in proptest::collection::vec(any::<u8>(), 0..2000)) {
            prop_assert_eq!(inflate(&deflate(&body), body.len()), Ok(Bytes::from(body)));
        }

        #[test]
        fn any_bytes_inflate_or_are_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = inflate(&body, 10_000);
        }
    }
}
