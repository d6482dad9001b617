//! HTTP Basic authentication (RFC 7617) as a value: some dialects show their credentials so, and one pushes with them.

use base64::{Engine, engine::general_purpose::STANDARD};

/// Longest header that is looked at.
const MAX_BYTES: usize = 1024;

/// Name and password of an `Authorization` header; `None` if it is not of this scheme, or holds no such pair.
pub fn parse(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") || encoded.len() > MAX_BYTES {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = pair.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// The value of an `Authorization` header; `name` holds no colon.
pub fn write(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pair_is_read_and_written() {
        // RFC 7617 §2.
        let header = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
        assert_eq!(write("Aladdin", "open sesame"), header);
        assert_eq!(parse(header), Some(("Aladdin".to_owned(), "open sesame".to_owned())));
        assert_eq!(parse("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), parse(header));
        for none in
            ["", "Basic", "Basic !", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic YQ==", "Basic /w=="]
        {
            assert_eq!(parse(none), None, "{none}");
        }
        assert_eq!(parse(&format!("Basic {}", "QUE6".repeat(300))), None);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(name in "[^:]{0,20}", password in ".{0,20}") {
            prop_assert_eq!(parse(&write(&name, &password)), Some((name, password)));
        }
    }
}
