//! What is printed while a conversation goes on, and kept for the report.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::cli::print;

/// A conversation as people read it.
pub struct Transcript {
    began: Instant,
    width: usize,
    text: String,
}

impl Transcript {
    /// An empty one; `users` are named in its margin when there are several.
    pub fn new(users: &[String]) -> Self {
        let width = users.iter().map(|user| user.chars().count()).max().unwrap_or_default();
        Self { began: Instant::now(), width: if users.len() > 1 { width } else { 0 }, text: String::new() }
    }

    /// Something that happened to or was done by a user: a sign (`▶`, `◀`, `✓`, `✗`), and lines.
    pub fn tell<S: AsRef<str>>(&mut self, user: &str, sign: &str, lines: impl IntoIterator<Item = S>) {
        let margin =
            if self.width == 0 { String::new() } else { format!(" {user:<width$}", width = self.width) };
        let time = format!("{:>7.1}", self.began.elapsed().as_secs_f64());
        for (index, line) in lines.into_iter().enumerate() {
            let line = line.as_ref();
            match index {
                0 => self.line(&format!("{time}{margin}  {sign} {line}")),
                _ => self.line(&format!("{:7}{:margin$}    {line}", "", "", margin = margin.chars().count())),
            }
        }
    }

    /// A line as it is.
    pub fn line(&mut self, line: &str) {
        print(line);
        let _ = writeln!(self.text, "{line}");
    }

    /// How long it has taken so far.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// All of it.
    pub fn into_text(self) -> String {
        self.text
    }
}
