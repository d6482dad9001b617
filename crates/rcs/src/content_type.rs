//! Media types: comparing them and taking their parameters (RFC 2045 §5.1).

/// The type and subtype without parameters: `text/plain` of `text/plain; charset=UTF-8`.
pub fn essence(value: &str) -> &str {
    value[..memchr::memchr(b';', value.as_bytes()).unwrap_or(value.len())].trim()
}

/// Whether a Content-Type value names this media type, parameters and case aside.
pub fn is(value: &str, media_type: &str) -> bool {
    essence(value).eq_ignore_ascii_case(media_type)
}

/// A parameter of a Content-Type or Content-Disposition value, unquoted; `None` if it is not there.
///
/// `parameter("multipart/mixed; boundary=\"a;b\"", "boundary")` is `a;b`. Names compare without regard to case; the first
/// of two with the same name counts.
pub fn parameter(value: &str, name: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (part, after) = split_parameter(rest);
        if let Some((found, text)) = part.split_once('=')
            && found.trim().eq_ignore_ascii_case(name)
        {
            return Some(unquote(text.trim()));
        }
        rest = after?;
    }
}

/// Whether a list such as `text/plain, message/*` or SDP's `text/plain message/cpim *` covers this media type.
pub fn is_accepted(list: &str, media_type: &str) -> bool {
    let wanted = essence(media_type);
    let (wanted_type, _) = wanted.split_once('/').unwrap_or((wanted, ""));
    list.split([',', ' ', '\t']).map(essence).filter(|item| !item.is_empty()).any(|item| {
        item == "*"
            || item == "*/*"
            || item.eq_ignore_ascii_case(wanted)
            || item.strip_suffix("/*").is_some_and(|item| item.eq_ignore_ascii_case(wanted_type))
    })
}

/// Cuts at the first `;` outside of quotes.
fn split_parameter(text: &str) -> (&str, Option<&str>) {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return (&text[..at], Some(&text[at + 1..])),
            _ => {}
        }
    }
    (text, None)
}

fn unquote(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else {
        return text.to_owned();
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        plain.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_compare_without_parameters_and_case() {
        assert!(is("Text/Plain;charset=UTF-8", "text/plain"));
        assert!(!is("text/plainer", "text/plain"));
        assert_eq!(essence(" message/cpim ; x=1"), "message/cpim");
    }

    #[test]
    fn parameters_are_found_quoted_or_not() {
        let value = "multipart/mixed; Boundary=\"a;b\\\"c\" ;charset=utf-8;charset=gbk; empty=";
        assert_eq!(parameter(value, "boundary").as_deref(), Some("a;b\"c"));
        assert_eq!(parameter(value, "CHARSET").as_deref(), Some("utf-8"));
        assert_eq!(parameter(value, "empty").as_deref(), Some(""));
        assert_eq!(parameter(value, "absent"), None);
        assert_eq!(parameter("text/plain", "charset"), None);
    }

    #[test]
    fn accept_lists_cover_by_name_and_by_star() {
        assert!(is_accepted("message/cpim application/im-iscomposing+xml", "message/cpim"));
        assert!(is_accepted("text/*;q=0.5, image/png", "text/plain;charset=UTF-8"));
        assert!(is_accepted("*", "a/b"));
        assert!(!is_accepted("text/plain", "image/png"));
        assert!(!is_accepted("", "image/png"));
    }
}
