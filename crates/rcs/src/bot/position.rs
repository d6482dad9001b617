//! Where in a JSON text a path of a [`Violation`](super::Violation) stands, for people who look at the text.

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

impl Position {
    /// The place of the byte at `offset`; of the end for one beyond.
    pub fn of(text: &str, offset: usize) -> Self {
        let offset = (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let before = &text[..offset];
        let line_begins = before.rfind('\n').map_or(0, |at| at + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_begins..].chars().count() + 1 }
    }
}

/// Where the value at `path` (`message.generalPurposeCard.content.suggestions[1]`) stands in `json`; of a member, where its name
/// does. If there is no such value, the place of the nearest one around it.
///
/// `json` was read by [`super::read_json`] before: it is well formed, and no deeper than its ceiling.
pub fn position(json: &str, path: &str) -> Position {
    let mut scanner = Scanner { text: json.as_bytes(), at: 0 };
    scanner.skip_space();
    let mut found = scanner.at;
    for step in steps(path) {
        match scanner.enter(step) {
            Some(at) => found = at,
            None => break,
        }
    }
    Position::of(json, found)
}

/// One step into a value.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

fn steps(path: &str) -> impl Iterator<Item = Step<'_>> {
    path.split('.').filter(|part| !part.is_empty()).flat_map(|part| {
        let (name, items) = part.split_at(part.find('[').unwrap_or(part.len()));
        let name = Some(name).filter(|name| !name.is_empty()).map(Step::Member);
        let items = items.split(['[', ']']).filter_map(|index| index.parse().ok()).map(Step::Item);
        name.into_iter().chain(items)
    })
}

/// Walks over JSON text. Whatever it is given, it ends: every loop moves on or stops.
struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Moves from the beginning of a value to that of the value one step inside; gives where to point at. Of members that are
    /// there twice the last counts, as it does for whoever reads the value.
    fn enter(&mut self, step: Step<'_>) -> Option<usize> {
        let open = self.peek()?;
        let mut found = None;
        let mut index = 0;
        match (open, step) {
            (b'{', Step::Member(_)) | (b'[', Step::Item(_)) => self.at += 1,
            _ => return None,
        }
        loop {
            self.skip_space();
            let begins = self.at;
            match (self.peek()?, step) {
                (b'}' | b']', _) => break,
                (b',', _) => self.at += 1,
                (b'"', Step::Member(name)) => {
                    let key = self.string();
                    self.skip_space();
                    if self.peek()? == b':' {
                        self.at += 1;
                    }
                    self.skip_space();
                    if is_key(key, name) {
                        found = Some((begins, self.at));
                    }
                    self.skip_value()?;
                }
                (_, Step::Item(wanted)) => {
                    if index == wanted {
                        found = Some((begins, begins));
                        break;
                    }
                    index += 1;
                    self.skip_value()?;
                }
                _ => return None,
            }
        }
        let (points_at, value) = found?;
        self.at = value;
        Some(points_at)
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        // A byte order mark is skipped as the reader skips it.
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace() || matches!(byte, 0xef | 0xbb | 0xbf))
        {
            self.at += 1;
        }
    }

    /// Past a string, giving what is between its quotes.
    fn string(&mut self) -> &'a [u8] {
        let text = self.text;
        self.at += 1;
        let begins = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    return &text[begins..self.at - 1];
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        &text[begins.min(text.len())..]
    }

    /// Past a value; `None` at the end of the text.
    fn skip_value(&mut self) -> Option<()> {
        let mut open = 0usize;
        loop {
            match self.peek()? {
                b'"' => {
                    self.string();
                }
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                    continue;
                }
                b'}' | b']' if open == 0 => return Some(()),
                b'}' | b']' => {
                    open -= 1;
                    self.at += 1;
                }
                b',' | b':' => {
                    self.at += 1;
                    continue;
                }
                byte if byte.is_ascii_whitespace() => {
                    self.at += 1;
                    continue;
                }
                // Numbers and words.
                _ => {
                    let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:{}[]\"".contains(byte);
                    let length =
                        self.text[self.at..].iter().position(ends).unwrap_or(self.text.len() - self.at);
                    self.at += length;
                }
            }
            if open == 0 {
                return Some(());
            }
        }
    }
}

/// Whether a key as it is written means `name`.
fn is_key(written: &[u8], name: &str) -> bool {
    if !written.contains(&b'\\') {
        return written == name.as_bytes();
    }
    let quoted = [b"\"", written, b"\""].concat();
    serde_json::from_slice::<String>(&quoted).is_ok_and(|key| key == name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(json: &str, path: &str) -> (usize, usize) {
        let Position { line, column } = position(json, path);
        (line, column)
    }

    const CARD: &str = "{\n  \"message\": {\"generalPurposeCard\": {\n    \"content\": {\"title\": \"票\", \"suggestions\": [\n      \
         {\"reply\": {\"displayText\": \"a\"}},\n      {\"\\u0072eply\": {}}]}}}}";

    #[test]
    fn a_member_is_found_by_its_name_and_an_item_by_its_beginning() {
        assert_eq!(at(CARD, ""), (1, 1));
        assert_eq!(at(CARD, "message"), (2, 3));
        assert_eq!(at(CARD, "message.generalPurposeCard.content.suggestions"), (3, 31));
        assert_eq!(at(CARD, "message.generalPurposeCard.content.suggestions[0].reply.displayText"), (4, 18));
        assert_eq!(at(CARD, "message.generalPurposeCard.content.suggestions[1].reply"), (5, 8));
    }

    #[test]
    fn what_is_missing_is_looked_for_where_it_belongs() {
        assert_eq!(at(CARD, "message.generalPurposeCard.layout"), (2, 15));
        assert_eq!(at(CARD, "message.generalPurposeCard.content.suggestions[7].reply"), (3, 31));
        assert_eq!(at("[1, 2]", "message"), (1, 1));
    }

    #[test]
    fn of_a_member_that_is_there_twice_the_last_counts() {
        assert_eq!(at(r#"{"a": {"b": 1}, "a": {"b": 2}}"#, "a.b"), (1, 23));
    }

    proptest! {
        #[test]
        fn any_text_has_a_position_for_any_path(json in ".{0,60}", path in "[a-c.0-3\\[\\]]{0,12}") {
            let Position { line, column } = position(&json, &path);
            prop_assert!(line >= 1 && line <= json.matches('\n').count() + 1);
            prop_assert!(column >= 1 && column <= json.chars().count() + 1);
        }
    }
}
