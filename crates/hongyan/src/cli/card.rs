//! `hongyan card check`: the card checker, without a server.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chatbot_api::check::{Dialect, Finding, Report, Severity, check};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{CommandError, print, print_json};

/// The largest file that is read; the checker's own ceiling lies below.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// What can be done with cards.
#[derive(Subcommand)]
pub enum Card {
    /// Say what is wrong or unwise in cards, chips, menus and send calls, where, why, and how to mend it
    #[command(
        after_help = "Ends with 0 when nothing is refused, 1 when something is, 2 when a file could not be read.\n\n\
        Examples:\n  hongyan card check card.json\n  hongyan card check cards/ --dialect rbm\n  \
        curl -s https://bot.example/card | hongyan card check - --json"
    )]
    Check(Check),
}

/// What to check, and how to tell.
#[derive(Args)]
pub struct Check {
    /// JSON files, directories (their *.json), or - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What these dialects refuse counts as an error too; without it, only what the specification refuses
    #[arg(long, value_name = "DIALECT", value_delimiter = ',')]
    dialect: Vec<Wanted>,
    /// Print the reports as JSON
    #[arg(long)]
    json: bool,
}

/// A dialect on the command line.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Wanted {
    /// China Telecom, China Unicom
    Ctcu,
    /// China Mobile
    Cm,
    /// RBM v1
    Rbm,
    /// GSMA FNW.11
    Fnw11,
    /// All of them
    All,
}

impl Card {
    /// Does what was asked.
    pub fn run(self) -> Result<ExitCode, CommandError> {
        let Self::Check(check) = self;
        check.run()
    }
}

impl Check {
    fn run(self) -> Result<ExitCode, CommandError> {
        let dialects: Vec<Dialect> =
            self.dialect.iter().flat_map(|wanted| wanted.dialects()).copied().collect();
        let (mut files, mut unreadable) = (Vec::new(), false);
        for given in &self.files {
            if let Err(error) = collect(given, &mut files) {
                eprintln!("hongyan: {}: {error}", given.display());
                unreadable = true;
            }
        }
        let (mut reports, mut refused) = (Vec::new(), false);
        for file in files {
            let text = match read(&file) {
                Ok(text) => text,
                Err(error) => {
                    eprintln!("hongyan: {}: {error}", file.display());
                    unreadable = true;
                    continue;
                }
            };
            let report = check(&text);
            refused |= !report.is_accepted(&dialects);
            match self.json {
                true => reports.push(json!({ "file": file, "report": report })),
                false => show(&file, &report),
            }
        }
        if self.json {
            print_json(&reports.into());
        }
        Ok(match (unreadable, refused) {
            (true, _) => ExitCode::from(2),
            (false, true) => ExitCode::FAILURE,
            (false, false) => ExitCode::SUCCESS,
        })
    }
}

impl Wanted {
    fn dialects(&self) -> &'static [Dialect] {
        match self {
            Self::Ctcu => &[Dialect::Ctcu],
            Self::Cm => &[Dialect::Cm],
            Self::Rbm => &[Dialect::Rbm],
            Self::Fnw11 => &[Dialect::Fnw11],
            Self::All => Dialect::ALL,
        }
    }
}

/// The files that are meant, in the order of their names.
fn collect(given: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !given.is_dir() {
        files.push(given.to_owned());
        return Ok(());
    }
    let mut inside: Vec<PathBuf> =
        std::fs::read_dir(given)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    inside.sort();
    for path in inside {
        // A link could lead round in circles.
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    match file == Path::new("-") {
        true => std::io::stdin().lock().take(FILE_BYTES_MAX).read_to_end(&mut text)?,
        false => std::fs::File::open(file)?.take(FILE_BYTES_MAX).read_to_end(&mut text)?,
    };
    Ok(text)
}

fn show(file: &Path, report: &Report) {
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let form = report.form.map_or("unknown", |form| form.as_str());
    let verdict = match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => "good".to_owned(),
        (errors, warnings) => format!("{}, {}", several(errors, "error"), several(warnings, "warning")),
    };
    print(format_args!("{}: {form}: {verdict}", file.display()));
    for finding in &report.findings {
        show_finding(file, finding);
    }
    let refusing: Vec<&str> = report
        .dialects
        .iter()
        .filter(|verdict| !verdict.accepted)
        .map(|verdict| verdict.dialect.as_str())
        .collect();
    if !refusing.is_empty() {
        print(format_args!("  refused by: {}", refusing.join(", ")));
    }
    if let Some(fallback) = &report.fallback {
        print(format_args!(
            "  as SMS: {}, {}, {}",
            several(fallback.segments, "segment"),
            fallback.encoding,
            several(fallback.characters, "character"),
        ));
        for line in fallback.text.lines() {
            print(format_args!("    | {line}"));
        }
    }
}

fn show_finding(file: &Path, finding: &Finding) {
    let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
    let dialects: Vec<&str> = finding.dialects.iter().map(|dialect| dialect.as_str()).collect();
    let only = if dialects.is_empty() { String::new() } else { format!(" for {}", dialects.join(", ")) };
    let at = format!("{}:{}:{}", file.display(), finding.line, finding.column);
    let path = if finding.path.is_empty() { "" } else { &finding.path };
    let colon = if path.is_empty() { "" } else { ": " };
    print(format_args!("  {at}: {severity}{only}: {path}{colon}{} [{}]", finding.detail, finding.rule));
    print(format_args!("      why: {}", finding.reason));
    print(format_args!("      fix: {}", finding.fix));
}

fn several(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
