//! The report that build servers read: JUnit's XML, one test case a script.

use std::fmt::Write as _;
use std::time::Duration;

/// How a script ended.
pub struct Case {
    /// What it is called.
    pub name: String,
    /// Its file.
    pub file: String,
    /// How long it took.
    pub took: Duration,
    /// How it went.
    pub outcome: Outcome,
    /// The conversation.
    pub transcript: String,
}

/// How a script went.
pub enum Outcome {
    /// As expected.
    Passed,
    /// Something did not go as expected: in a line, and at length.
    Failed(String, String),
    /// It could not be played.
    NotPlayed(String),
}

/// The document.
pub fn document(cases: &[Case]) -> String {
    let failures = cases.iter().filter(|case| matches!(case.outcome, Outcome::Failed(..))).count();
    let errors = cases.iter().filter(|case| matches!(case.outcome, Outcome::NotPlayed(_))).count();
    let seconds: f64 = cases.iter().map(|case| case.took.as_secs_f64()).sum();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let head = format!(
        "tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\" time=\"{seconds:.3}\"",
        cases.len()
    );
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(xml, "{text}").expect("writing to a String");
    line(format_args!("<testsuites {head}>\n<testsuite name=\"hongyan converse\" {head}>"));
    for case in cases {
        let (name, file) = (escaped(&case.name), escaped(&case.file));
        line(format_args!(
            "<testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" time=\"{:.3}\">",
            case.took.as_secs_f64()
        ));
        match &case.outcome {
            Outcome::Passed => {}
            Outcome::Failed(short, long) => {
                line(format_args!("<failure message=\"{}\">{}</failure>", escaped(short), escaped(long)));
            }
            Outcome::NotPlayed(why) => line(format_args!("<error message=\"{}\"/>", escaped(why))),
        }
        line(format_args!("<system-out>{}</system-out>\n</testcase>", escaped(&case.transcript)));
    }
    line(format_args!("</testsuite>\n</testsuites>"));
    xml
}

/// Text for content and attributes; characters that XML 1.0 cannot say (§2.2) become U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_xml_whatever_was_said() {
        let case = Case {
            name: "查票 & \"more\"".to_owned(),
            file: "search.yaml".to_owned(),
            took: Duration::from_millis(1500),
            outcome: Outcome::Failed("no <card>".to_owned(), "expected ]]> came \u{1b}[31m".to_owned()),
            transcript: "▶ a\n◀ b".to_owned(),
        };
        let xml = document(&[case]);
        assert!(xml.contains("tests=\"1\" failures=\"1\" errors=\"0\" time=\"1.500\""), "{xml}");
        assert!(xml.contains("name=\"查票 &amp; &quot;more&quot;\""));
        assert!(
            xml.contains("<failure message=\"no &lt;card&gt;\">expected ]]&gt; came \u{fffd}[31m</failure>")
        );
        assert_eq!(xml.matches("<testcase").count(), xml.matches("</testcase>").count());
    }
}
