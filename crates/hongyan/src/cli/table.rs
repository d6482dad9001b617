//! Listings for people: columns as wide as their widest cell.

use serde_json::Value;

/// `rows` (objects) under `columns`: heading and member. A member that is not there shows as `-`.
pub fn table(columns: &[(&str, &str)], rows: &Value) -> String {
    let rows = rows.as_array().map_or(&[][..], Vec::as_slice);
    let mut lines: Vec<Vec<String>> =
        vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|(_, member)| cell(&row[*member])).collect()));
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| lines.iter().map(|line| width(&line[column])).max().unwrap_or(0))
        .collect();
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            let cells = line
                .iter()
                .zip(&widths)
                .map(|(cell, wide)| format!("{cell}{}", " ".repeat(wide - width(cell))));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}

/// One object, a member a line.
pub fn card(object: &Value) -> String {
    let Some(object) = object.as_object() else {
        return cell(object);
    };
    let wide = object.keys().map(String::len).max().unwrap_or(0);
    let lines = object.iter().map(|(name, value)| format!("{name:wide$}  {}", cell(value)));
    lines.collect::<Vec<_>>().join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        // A terminal obeys control characters, and display names are other people's text.
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

/// Columns that a terminal needs: two for the characters of East Asian scripts.
fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = json!([{ "id": "a", "name": "铁路" }, { "id": "long", "name": "x\u{1b}[1m", "n": 3 }]);
        let text = table(&[("ID", "id"), ("NAME", "name"), ("N", "n")], &rows);
        assert_eq!(text, "ID    NAME   N\na     铁路   -\nlong  x [1m  3");
    }
}
