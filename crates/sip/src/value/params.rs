//! `;name=value` parameters of headers and URIs.

use std::borrow::Cow;

/// Parameters as they stand in the text, with or without the leading `;`. Names compare without regard to case.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    text: &'a str,
}

impl<'a> Params<'a> {
    /// Parameters from their text, e.g. `;tag=1;lr`.
    pub fn of(text: &'a str) -> Self {
        Params { text }
    }

    /// The text, as written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Name and value in order. A flag such as `lr` has no value; quotes around a value are taken off, escapes
    /// within stay (see [`Params::unquoted`]).
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.segments().map(|param| match super::split_once(param, b'=') {
            Some((name, value)) => (name.trim_ascii_end(), Some(without_quotes(value.trim_ascii_start()))),
            None => (param, None),
        })
    }

    /// Each parameter as written, quotes and all.
    pub fn segments(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut rest = self.text;
        std::iter::from_fn(move || {
            while !rest.is_empty() {
                let end = super::end_of_element(rest.as_bytes(), b';');
                let param = rest[..end].trim_ascii();
                rest = rest.get(end + 1..).unwrap_or_default();
                if !param.is_empty() {
                    return Some(param);
                }
            }
            None
        })
    }

    /// Value of the first parameter with this name; a flag gives `""`.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.segments().find_map(|param| {
            let (found, rest) = param.split_at_checked(name.len())?;
            if !found.eq_ignore_ascii_case(name) {
                return None;
            }
            match rest.trim_ascii_start() {
                "" => Some(""),
                rest => rest.strip_prefix('=').map(|value| without_quotes(value.trim_ascii_start())),
            }
        })
    }

    /// Like [`Params::get`] with the backslash escapes of a quoted string resolved.
    pub fn unquoted(&self, name: &str) -> Option<Cow<'a, str>> {
        self.get(name).map(unescape)
    }

    /// Whether the parameter is there, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

fn without_quotes(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// Resolves the `\x` escapes of a quoted string (RFC 3261 §25.1).
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => plain.extend(chars.next()),
            char => plain.push(char),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_flags_and_quotes() {
        let params = Params::of(r#";tag=a;LR; q = 0.5;x="a;b\"c";;empty="#);
        assert_eq!(params.get("tag"), Some("a"));
        assert_eq!(params.get("lr"), Some(""));
        assert_eq!(params.get("q"), Some("0.5"));
        assert_eq!(params.get("x"), Some(r#"a;b\"c"#));
        assert_eq!(params.unquoted("x").as_deref(), Some(r#"a;b"c"#));
        assert_eq!(params.get("empty"), Some(""));
        assert_eq!(params.get("none"), None);
        assert_eq!(params.iter().count(), 5);
        assert!(Params::of(" ; ").is_empty());
    }
}
